/* Who a process is, who started it, whom it started, and how they end together; see process.h. */
#include "testing.h"

#include "xipc/family.h"
#include "xipc/wait.h"

#include <apr_atomic.h>
#include <apr_thread_proc.h>

#include <stdlib.h>

/* ---- targets ---- */

static xipc_connection_t *connection_of(const xipc_values_t *args)
{
    xipc_connection_t *connection;
    return xipc_values_get_connection(&connection, args, 0) == APR_SUCCESS ? connection : NULL;
}

/* Tell the pid, and run until the other side ends. Args: connection. */
static int stay(xipc_values_t *args, apr_pool_t *pool)
{
    (void)pool;
    xipc_connection_t *connection = connection_of(args);
    if (connection == NULL) return 90;
    if (!testing_send_int(connection, xipc_current_pid())) return 91;
    while (xipc_connection_poll(connection, -1) == APR_TIMEUP) continue;
    return 0;
}

static int has_names(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_process_t *self;
    xipc_process_t *parent;
    apr_int64_t parent_pid;
    (void)pool;
    if (xipc_values_get_int(&parent_pid, args, 0) != APR_SUCCESS) return 90;
    if (xipc_process_current(&self) != APR_SUCCESS) return 91;
    if (xipc_process_parent(&parent) != APR_SUCCESS) return 92;
    if (strcmp(xipc_process_name(self), "the child") != 0) return 93;
    if (strcmp(xipc_process_name(parent), "MainProcess") != 0) return 94;
    if (xipc_process_pid(self) != xipc_current_pid()) return 95;
    if (xipc_process_pid(parent) != parent_pid) return 96;
    if (!xipc_process_is_alive(parent)) return 97;
    if (xipc_process_kill(parent) != XIPC_ENOTOWNER) return 98;
    return 0;
}

/* Tell when the parent has ended. Args: connection. */
static int outlive_parent(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_process_t *parent;
    xipc_connection_t *connection = connection_of(args);
    (void)pool;
    if (connection == NULL || xipc_process_parent(&parent) != APR_SUCCESS) return 90;
    if (!testing_send_int(connection, 1)) return 91;
    if (xipc_process_join(parent, TESTING_PATIENCE) != APR_SUCCESS) return 92;
    return testing_send_int(connection, 2) ? 0 : 93;
}

/* Start a child with the same arguments, and stay. Args: connection, start method, what to run. */
static int start_another(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t method;
    apr_int64_t is_daemon;
    xipc_process_t *process;
    if (xipc_values_get_int(&method, args, 1) != APR_SUCCESS) return 80;
    if (xipc_values_get_int(&is_daemon, args, 2) != APR_SUCCESS) return 81;
    xipc_target_t target = is_daemon ? stay : outlive_parent;
    if (xipc_process_create(&process, target, args, pool) != APR_SUCCESS) return 82;
    if (xipc_process_start_method_set(process, (xipc_start_method_e)method) != APR_SUCCESS)
        return 83;
    if (xipc_process_daemon_set(process, (int)is_daemon) != APR_SUCCESS) return 84;
    if (xipc_process_start(process) != APR_SUCCESS) return 85;
    if (is_daemon) return 0; /* which ends the daemon */
    (void)xipc_process_join(process, TESTING_PATIENCE);
    return 86;
}

static void note(void *data)
{
    xipc_connection_t *connection = *(xipc_connection_t **)data;
    static int count = 0;
    if (connection != NULL) (void)testing_send_int(connection, ++count);
}

static xipc_connection_t *to_tell;

static void note_tenfold(void *data)
{
    xipc_connection_t *connection = *(xipc_connection_t **)data;
    if (connection != NULL) (void)testing_send_int(connection, 10);
}

static int register_and_end(xipc_values_t *args, apr_pool_t *pool)
{
    (void)pool;
    to_tell = connection_of(args);
    if (xipc_at_child_exit(note, &to_tell) != APR_SUCCESS) return 90;
    if (xipc_at_child_exit(note_tenfold, &to_tell) != APR_SUCCESS) return 91;
    return 0;
}

static int at_fork_calls;

static void count_call(void *data)
{
    at_fork_calls += *(int *)data;
}

static int return_calls(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return at_fork_calls;
}

/* ---- common ---- */

/* A child that stays, its pid received. */
static xipc_process_t *start_staying(xipc_connection_t **here, int is_daemon, testing_t *test)
{
    xipc_connection_t *there;
    apr_int64_t pid = 0;
    if (!CHECK_OK(xipc_pipe_create(here, &there, 1, test->pool))) return NULL;
    xipc_process_t *process =
        testing_create(test, stay, testing_connection_args(there, test->pool));
    if (process == NULL) return NULL;
    CHECK_OK(xipc_process_daemon_set(process, is_daemon));
    CHECK_OK(xipc_process_start(process));
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&pid, *here, TESTING_PATIENCE));
    CHECK_NUMBER(xipc_process_pid(process), pid);
    return process;
}

static int count_children(testing_t *test)
{
    apr_array_header_t *children;
    return CHECK_OK(xipc_process_active_children(&children, test->pool)) ? children->nelts : -1;
}

/* ---- who is who ---- */

static void program_is_the_main_process_and_has_no_parent(testing_t *test)
{
    xipc_process_t *self;
    xipc_process_t *parent;
    (void)test;
    REQUIRE_OK(xipc_process_current(&self));
    CHECK_TEXT("MainProcess", xipc_process_name(self));
    CHECK_NUMBER(xipc_current_pid(), xipc_process_pid(self));
    CHECK(xipc_process_is_alive(self));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_start(self));
    CHECK_STATUS(APR_ENOENT, xipc_process_parent(&parent));
}

static void child_knows_itself_and_its_parent(testing_t *test)
{
    xipc_process_t *process =
        testing_create(test, has_names, testing_int_args(xipc_current_pid(), test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_process_name_set(process, "the child"));
    CHECK_OK(xipc_process_start(process));
    CHECK_NUMBER(0, testing_finish(process));
}

static void child_can_wait_for_the_death_of_its_parent(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t told = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    CHECK_OK(xipc_values_add_int(args, 0));
    xipc_process_t *process = testing_start(test, start_another, args);
    REQUIRE(process != NULL);
    CHECK(testing_recv_int(&told, here, TESTING_PATIENCE));
    CHECK_NUMBER(1, told);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(here, MILLISECONDS(50)));
    CHECK_OK(xipc_process_kill(process));
    CHECK(testing_recv_int(&told, here, TESTING_PATIENCE));
    CHECK_NUMBER(2, told);
    CHECK_NUMBER(-9, testing_finish(process));
}

static void active_children_are_those_that_run(testing_t *test)
{
    xipc_connection_t *one;
    xipc_connection_t *two;
    CHECK_NUMBER(0, count_children(test));
    xipc_process_t *first = start_staying(&one, 0, test);
    xipc_process_t *second = start_staying(&two, 0, test);
    REQUIRE(first != NULL && second != NULL);
    CHECK_NUMBER(2, count_children(test));
    CHECK_OK(xipc_connection_close(one));
    CHECK_OK(xipc_process_join(first, TESTING_PATIENCE));
    CHECK_NUMBER(1, count_children(test));
    CHECK_NUMBER(0, testing_finish(first));
    CHECK_OK(xipc_connection_close(two));
    CHECK_NUMBER(0, testing_finish(second));
    CHECK_NUMBER(0, count_children(test));
}

static void processors_are_at_least_one_and_not_more_than_there_are(testing_t *test)
{
    (void)test;
    CHECK(xipc_cpu_count() >= 1 && xipc_cpu_count() <= system_processors());
}

static void processors_are_those_of_the_affinity(testing_t *test)
{
    (void)test;
    if (!system_limit_processors()) {
        testing_skip("no affinity here");
        return;
    }
    int count = xipc_cpu_count();
    system_unlimit_processors();
    CHECK_NUMBER(1, count);
}

static apr_uint32_t is_looking;

static void look(apr_pool_t *parent)
{
    apr_pool_t *pool;
    apr_array_header_t *children;
    if (apr_pool_create(&pool, parent) != APR_SUCCESS) return;
    (void)xipc_process_active_children(&children, pool);
    apr_pool_destroy(pool);
}

static void *APR_THREAD_FUNC look_for_children(apr_thread_t *thread, void *data)
{
    while (apr_atomic_read32(&is_looking)) look(data);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static int end_with_seven(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 7;
}

static void another_thread_may_look_for_children_while_one_is_joined(testing_t *test)
{
    apr_status_t ended;
    apr_thread_t *thread;
    apr_pool_t *own;
    if (test->method == XIPC_START_FORK) {
        testing_skip("fork is not for programs with threads");
        return;
    }
    REQUIRE_OK(apr_pool_create(&own, test->pool));
    apr_atomic_set32(&is_looking, 1);
    REQUIRE_OK(apr_thread_create(&thread, NULL, look_for_children, own, test->pool));
    for (int i = 0; i < system_rounds(20); i++) {
        int exitcode = -1;
        xipc_process_t *process = testing_create(test, end_with_seven, NULL);
        if (process == NULL) break;
        CHECK_OK(xipc_process_start(process));
        CHECK_OK(xipc_process_join(process, TESTING_PATIENCE));
        CHECK_OK(xipc_process_exitcode(&exitcode, process)); /* not told to the other thread */
        CHECK_NUMBER(7, exitcode);
    }
    apr_atomic_set32(&is_looking, 0);
    CHECK_OK(apr_thread_join(&ended, thread));
}

/* ---- ends ---- */

static void daemon_ends_with_its_object(testing_t *test)
{
    apr_pool_t *inner;
    xipc_connection_t *here;
    testing_t with_inner = *test;
    REQUIRE_OK(apr_pool_create(&inner, test->pool));
    with_inner.pool = inner;
    xipc_process_t *process = start_staying(&here, 1, &with_inner);
    REQUIRE(process != NULL);
    CHECK(xipc_process_is_daemon(process));
    pid_t pid = xipc_process_pid(process);
    apr_pool_destroy(inner);
    WAIT_FOR(!system_runs(pid));
}

static void daemon_ends_with_its_starter(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t pid = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    CHECK_OK(xipc_values_add_int(args, 1));
    xipc_process_t *starter = testing_start(test, start_another, args);
    REQUIRE(starter != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK_NUMBER(0, testing_finish(starter));
    if (testing_recv_int(&pid, here, TESTING_PATIENCE)) WAIT_FOR(!system_runs(pid));
    WAIT_FOR(system_children() == 0 || test->method == XIPC_START_FORKSERVER);
}

static void interrupt_ends_a_process_by_SIGINT(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start_staying(&here, 0, test);
    REQUIRE(process != NULL);
    apr_status_t rv = xipc_process_interrupt(process);
    if (rv == APR_ENOTIMPL) {
        testing_skip("this system can't");
        CHECK_OK(xipc_process_kill(process));
        (void)testing_finish(process);
        return;
    }
    CHECK_OK(rv);
    CHECK_NUMBER(-2, testing_finish(process));
}

/* ---- hooks ---- */

static void exit_hooks_run_after_the_target_the_last_one_first(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, register_and_end, testing_connection_args(there, test->pool));
    REQUIRE(process != NULL);
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(10, number);
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(1, number);
    CHECK_NUMBER(0, testing_finish(process));
}

static void fork_hooks_run_in_forked_children_only(testing_t *test)
{
    static int one = 1;
    int is_forked = test->method == XIPC_START_FORK;
    REQUIRE_OK(xipc_at_fork(count_call, &one));
    CHECK_NUMBER(is_forked ? 1 : 0, testing_run(test, return_calls, NULL));
    CHECK_NUMBER(0, at_fork_calls);
}

/* ---- bad input ---- */

static void daemon_set_after_the_start_is_XIPC_ESTATE(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start_staying(&here, 0, test);
    REQUIRE(process != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_process_daemon_set(process, 1));
    CHECK(!xipc_process_is_daemon(process));
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(process));
}

static void family_refuses_NULL(testing_t *test)
{
    apr_array_header_t *children;
    CHECK_STATUS(APR_EINVAL, xipc_process_current(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_parent(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_active_children(NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_process_active_children(&children, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_daemon_set(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_process_interrupt(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_at_fork(NULL, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_at_child_exit(NULL, NULL));
    CHECK(!xipc_process_is_daemon(NULL));
}

static const testing_case_t cases[] = {
    ONCE(program_is_the_main_process_and_has_no_parent),
    EACH_METHOD(child_knows_itself_and_its_parent),
    EACH_METHOD(child_can_wait_for_the_death_of_its_parent),
    EACH_METHOD(active_children_are_those_that_run),
    ONCE(processors_are_at_least_one_and_not_more_than_there_are),
    ONCE(processors_are_those_of_the_affinity),
    EACH_METHOD(another_thread_may_look_for_children_while_one_is_joined),
    EACH_METHOD(daemon_ends_with_its_object),
    EACH_METHOD(daemon_ends_with_its_starter),
    EACH_METHOD(interrupt_ends_a_process_by_SIGINT),
    EACH_METHOD(exit_hooks_run_after_the_target_the_last_one_first),
    EACH_METHOD(fork_hooks_run_in_forked_children_only),
    EACH_METHOD(daemon_set_after_the_start_is_XIPC_ESTATE),
    ONCE(family_refuses_NULL),
};

TESTING_MAIN("family", cases)
