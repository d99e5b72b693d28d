/* What binds a child to others: its group, and its starter's life. See process.h. */
#include "testing.h"

#include <apr_thread_proc.h>

enum { BOUND = 1, LEADER = 2 };

/* ---- targets ---- */

static xipc_connection_t *connection_of(const xipc_values_t *args, apr_size_t index)
{
    xipc_connection_t *connection;
    return xipc_values_get_connection(&connection, args, index) == APR_SUCCESS ? connection : NULL;
}

/*
 * Tell the pid, then answer numbers with the next ones until the other side ends. Args: connection.
 */
static int answer(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    xipc_connection_t *connection = connection_of(args, 0);
    (void)pool;
    if (connection == NULL || !testing_send_int(connection, xipc_current_pid())) return 90;
    while (testing_recv_int(&number, connection, -1))
        if (!testing_send_int(connection, number + 1)) return 91;
    return 0;
}

static apr_status_t start_answering(xipc_process_t **process, const xipc_values_t *args,
                                    apr_size_t index, int bonds, apr_pool_t *pool)
{
    apr_int64_t method;
    xipc_values_t *connection = xipc_values_make(pool);
    apr_status_t rv = xipc_values_add_connection(connection, connection_of(args, index));
    if (rv == APR_SUCCESS) rv = xipc_process_create(process, answer, connection, pool);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&method, args, 1);
    if (rv == APR_SUCCESS)
        rv = xipc_process_start_method_set(*process, (xipc_start_method_e)method);
    if (rv == APR_SUCCESS) rv = xipc_process_bound_set(*process, bonds & BOUND);
    if (rv == APR_SUCCESS) rv = xipc_process_group_set(*process, bonds & LEADER);
    return rv == APR_SUCCESS ? xipc_process_start(*process) : rv;
}

/* Start a child that answers and wait for its end. Args: connection, start method, bonds. */
static int start_one(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t bonds;
    xipc_process_t *process;
    if (xipc_values_get_int(&bonds, args, 2) != APR_SUCCESS) return 90;
    if (start_answering(&process, args, 0, (int)bonds, pool) != APR_SUCCESS) return 91;
    return xipc_process_join(process, -1) == APR_SUCCESS ? 0 : 92;
}

/* The same without the wait. */
static int start_and_leave(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_process_t *process;
    return start_answering(&process, args, 0, 0, pool) == APR_SUCCESS ? 0 : 91;
}

/*
 * Start a bound child, then a free one. Args: connection, start method, connection of the free one.
 */
static int start_bound_and_free(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_process_t *bound;
    xipc_process_t *free_one;
    if (start_answering(&bound, args, 0, BOUND, pool) != APR_SUCCESS) return 91;
    if (start_answering(&free_one, args, 2, 0, pool) != APR_SUCCESS) return 92;
    return xipc_process_join(bound, -1) == APR_SUCCESS ? 0 : 93;
}

/* ---- common ---- */

/* A pipe's end here, the other in arguments with the test's start method. */
static xipc_values_t *make_args(xipc_connection_t **here, xipc_connection_t **there,
                                testing_t *test)
{
    if (!CHECK_OK(xipc_pipe_create(here, there, 1, test->pool))) return NULL;
    xipc_values_t *args = testing_connection_args(*there, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    return args;
}

/* Start a process whose child answers at `here`, which has told its pid. */
static xipc_process_t *start_parent(xipc_connection_t **here, xipc_target_t target, int bonds,
                                    int child_bonds, testing_t *test)
{
    apr_int64_t pid;
    xipc_connection_t *there;
    xipc_values_t *args = make_args(here, &there, test);
    if (args == NULL) return NULL;
    CHECK_OK(xipc_values_add_int(args, child_bonds));
    xipc_process_t *parent = testing_create(test, target, args);
    if (parent == NULL) return NULL;
    CHECK_OK(xipc_process_group_set(parent, bonds & LEADER));
    CHECK_OK(xipc_process_start(parent));
    CHECK_OK(xipc_connection_close(there));
    return CHECK(testing_recv_int(&pid, *here, TESTING_PATIENCE)) ? parent : NULL;
}

static xipc_process_t *start_bound(xipc_connection_t **here, testing_t *test, apr_pool_t *pool)
{
    apr_int64_t pid;
    xipc_process_t *process;
    xipc_connection_t *there;
    xipc_values_t *args = make_args(here, &there, test);
    if (args == NULL || !CHECK_OK(xipc_process_create(&process, answer, args, pool))) return NULL;
    CHECK_OK(xipc_process_start_method_set(process, test->method));
    CHECK_OK(xipc_process_bound_set(process, 1));
    CHECK_OK(xipc_process_fork_forced_set(process, 1)); /* some tests start it from a thread */
    CHECK_OK(xipc_process_start(process));
    CHECK_OK(xipc_connection_close(there));
    return CHECK(testing_recv_int(&pid, *here, TESTING_PATIENCE)) ? process : NULL;
}

static int answers(xipc_connection_t *here)
{
    apr_int64_t number = 0;
    return CHECK(testing_send_int(here, 41)) &&
           CHECK(testing_recv_int(&number, here, TESTING_PATIENCE)) && CHECK_NUMBER(42, number);
}

/* Nobody has the other end any more. */
static int is_gone(xipc_connection_t *here, testing_t *test)
{
    void *data;
    apr_size_t size;
    return CHECK_STATUS(APR_EOF,
                        xipc_connection_recv(&data, &size, here, TESTING_PATIENCE, test->pool));
}

/* ---- groups ---- */

static void kill_tree_ends_the_children_of_the_child(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *parent = start_parent(&here, start_one, LEADER, 0, test);
    REQUIRE(parent != NULL);
    CHECK_OK(xipc_process_kill_tree(parent));
    CHECK(is_gone(here, test));
    CHECK_NUMBER(-9, testing_finish(parent));
}

static void kill_tree_ends_those_that_an_ended_child_left(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *parent = start_parent(&here, start_and_leave, LEADER, 0, test);
    REQUIRE(parent != NULL);
    CHECK_OK(xipc_process_join(parent, TESTING_PATIENCE));
    CHECK(answers(here));
    CHECK_OK(xipc_process_kill_tree(parent));
    CHECK(is_gone(here, test));
    CHECK_OK(xipc_process_kill_tree(parent));
    CHECK_NUMBER(0, testing_finish(parent));
}

static void kill_tree_leaves_this_process_and_its_other_children(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *others;
    xipc_process_t *parent = start_parent(&here, start_one, LEADER, 0, test);
    xipc_process_t *other = start_parent(&others, start_one, 0, 0, test);
    REQUIRE(parent != NULL && other != NULL);
    CHECK_OK(xipc_process_kill_tree(parent));
    CHECK(is_gone(here, test));
    CHECK(answers(others));
    CHECK_OK(xipc_connection_close(others));
    CHECK_NUMBER(0, testing_finish(other));
    CHECK_NUMBER(-9, testing_finish(parent));
}

static void kill_tree_without_a_group_is_XIPC_ESTATE(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *parent = start_parent(&here, start_one, 0, 0, test);
    REQUIRE(parent != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_process_kill_tree(parent));
    CHECK(answers(here));
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(parent));
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_kill_tree(parent));
    CHECK_STATUS(APR_EINVAL, xipc_process_kill_tree(NULL));
}

/* ---- the starter's life ---- */

static void bound_process_ends_when_its_starter_is_killed(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *parent = start_parent(&here, start_one, 0, BOUND, test);
    REQUIRE(parent != NULL);
    CHECK(answers(here));
    CHECK_OK(xipc_process_kill(parent));
    CHECK(is_gone(here, test));
    CHECK_NUMBER(-9, testing_finish(parent));
}

static void bound_leader_ends_when_its_starter_is_killed(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *parent = start_parent(&here, start_one, 0, BOUND | LEADER, test);
    REQUIRE(parent != NULL);
    CHECK_OK(xipc_process_kill(parent));
    CHECK(is_gone(here, test));
    CHECK_NUMBER(-9, testing_finish(parent));
}

static void unbound_process_does_not(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *parent = start_parent(&here, start_one, 0, 0, test);
    REQUIRE(parent != NULL);
    CHECK_OK(xipc_process_kill(parent));
    CHECK_NUMBER(-9, testing_finish(parent));
    CHECK(answers(here));
    CHECK_OK(xipc_connection_close(here));
}

static void bound_process_is_not_kept_by_a_later_child(testing_t *test)
{
    apr_int64_t pid;
    xipc_connection_t *bound;
    xipc_connection_t *free_one;
    xipc_connection_t *there[2];
    xipc_values_t *args = make_args(&bound, &there[0], test);
    REQUIRE(args != NULL);
    REQUIRE_OK(xipc_pipe_create(&free_one, &there[1], 1, test->pool));
    REQUIRE_OK(xipc_values_add_connection(args, there[1]));
    xipc_process_t *parent = testing_start(test, start_bound_and_free, args);
    REQUIRE(parent != NULL);
    CHECK_OK(xipc_connection_close(there[0]));
    CHECK_OK(xipc_connection_close(there[1]));
    CHECK(testing_recv_int(&pid, bound, TESTING_PATIENCE));
    CHECK(testing_recv_int(&pid, free_one, TESTING_PATIENCE));
    CHECK_OK(xipc_process_kill(parent));
    CHECK(is_gone(bound, test));
    CHECK(answers(free_one));
    CHECK_OK(xipc_connection_close(free_one));
    CHECK_NUMBER(-9, testing_finish(parent));
}

static void bound_process_ends_with_its_object(testing_t *test)
{
    apr_pool_t *pool;
    xipc_connection_t *here;
    REQUIRE_OK(apr_pool_create(&pool, test->pool));
    if (CHECK(start_bound(&here, test, pool) != NULL)) CHECK(answers(here));
    apr_pool_destroy(pool);
    CHECK(is_gone(here, test));
}

typedef struct {
    testing_t *test;
    xipc_process_t *process;
    xipc_connection_t *here;
} by_thread_t;

static void *APR_THREAD_FUNC start_by_thread(apr_thread_t *thread, void *data)
{
    by_thread_t *started = data;
    started->process = start_bound(&started->here, started->test, started->test->pool);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void bound_process_outlives_the_thread_that_started_it(testing_t *test)
{
    apr_status_t ended;
    apr_thread_t *thread;
    by_thread_t started = {.test = test};
    REQUIRE_OK(apr_thread_create(&thread, NULL, start_by_thread, &started, test->pool));
    CHECK_OK(apr_thread_join(&ended, thread));
    REQUIRE(started.process != NULL);
    CHECK(answers(started.here));
    CHECK_OK(xipc_connection_close(started.here));
    CHECK_NUMBER(0, testing_finish(started.process));
}

static void bound_process_ends_by_itself_as_any_other(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start_bound(&here, test, test->pool);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(process));
}

/* ---- before the start ---- */

static void bonds_are_made_before_the_start(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start_bound(&here, test, test->pool);
    REQUIRE(process != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_process_group_set(process, 1));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_bound_set(process, 0));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_fork_forced_set(process, 1));
    CHECK_STATUS(APR_EINVAL, xipc_process_group_set(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_process_bound_set(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_process_fork_forced_set(NULL, 1));
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(process));
}

static void *APR_THREAD_FUNC start_forked(apr_thread_t *thread, void *data)
{
    xipc_process_t *const *processes = data;
    CHECK_STATUS(XIPC_ETHREADS, xipc_process_start(processes[0]));
    CHECK_OK(xipc_process_start(processes[1]));
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static int return_7(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 7;
}

static void forced_fork_forks_beside_other_threads(testing_t *test)
{
    apr_status_t ended;
    apr_thread_t *thread;
    xipc_process_t *processes[2];
    if (!system_has_fork()) {
        testing_skip("no fork here");
        return;
    }
    for (int i = 0; i < 2; i++) {
        REQUIRE_OK(xipc_process_create(&processes[i], return_7, NULL, test->pool));
        REQUIRE_OK(xipc_process_start_method_set(processes[i], XIPC_START_FORK));
        REQUIRE_OK(xipc_process_fork_forced_set(processes[i], i));
    }
    REQUIRE_OK(apr_thread_create(&thread, NULL, start_forked, processes, test->pool));
    CHECK_OK(apr_thread_join(&ended, thread));
    CHECK_NUMBER(7, testing_finish(processes[1]));
}

static const testing_case_t cases[] = {
    EACH_METHOD(kill_tree_ends_the_children_of_the_child),
    EACH_METHOD(kill_tree_ends_those_that_an_ended_child_left),
    EACH_METHOD(kill_tree_leaves_this_process_and_its_other_children),
    EACH_METHOD(kill_tree_without_a_group_is_XIPC_ESTATE),
    EACH_METHOD(bound_process_ends_when_its_starter_is_killed),
    EACH_METHOD(bound_leader_ends_when_its_starter_is_killed),
    EACH_METHOD(unbound_process_does_not),
    EACH_METHOD(bound_process_is_not_kept_by_a_later_child),
    EACH_METHOD(bound_process_ends_with_its_object),
    EACH_METHOD(bound_process_outlives_the_thread_that_started_it),
    EACH_METHOD(bound_process_ends_by_itself_as_any_other),
    EACH_METHOD(bonds_are_made_before_the_start),
    ONCE(forced_fork_forks_beside_other_threads),
};

TESTING_MAIN("process.bonds", cases)
