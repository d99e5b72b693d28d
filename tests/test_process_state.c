/* What a process object allows in which state, and in whose hands; the promises of process.h. */
#include "testing.h"

/* ---- targets ---- */

static int return_number(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    (void)pool;
    return xipc_values_get_int(&number, args, 0) == APR_SUCCESS ? (int)number : 99;
}

/* Live until the parent closes its end, then return 3. */
static int live(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    return xipc_connection_recv(&data, &size, connection, -1, pool) == APR_EOF ? 3 : 91;
}

/* Wait for a word, then answer with one. */
static int answer(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    apr_int64_t number;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (!testing_recv_int(&number, connection, -1)) return 91;
    return testing_send_int(connection, number + 1) ? 3 : 92;
}

static xipc_process_t *start_living(xipc_connection_t **life, testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(life, &there, 1, test->pool))) return NULL;
    xipc_process_t *process = testing_start(test, live, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    return process;
}

/* ---- create ---- */

static void create_refuses_NULL(testing_t *test)
{
    xipc_process_t *process = NULL;
    CHECK_STATUS(APR_EINVAL, xipc_process_create(NULL, return_number, NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_process_create(&process, NULL, NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_process_create(&process, return_number, NULL, NULL));
    CHECK(process == NULL);
}

static void create_copies_the_arguments(testing_t *test)
{
    xipc_values_t *args = testing_int_args(7, test->pool);
    xipc_process_t *process;
    REQUIRE_OK(xipc_process_create(&process, return_number, args, test->pool));
    REQUIRE_OK(xipc_process_start_method_set(process, test->method));
    CHECK_OK(xipc_values_add_int(args, 8));
    apr_pool_t *other;
    REQUIRE_OK(apr_pool_create(&other, test->pool));
    xipc_process_t *second;
    REQUIRE_OK(xipc_process_create(&second, return_number, testing_int_args(9, other), test->pool));
    REQUIRE_OK(xipc_process_start_method_set(second, test->method));
    apr_pool_destroy(other);
    REQUIRE_OK(xipc_process_start(process));
    REQUIRE_OK(xipc_process_start(second));
    CHECK_NUMBER(7, testing_finish(process));
    CHECK_NUMBER(9, testing_finish(second));
}

/* ---- start method ---- */

static void start_method_the_system_lacks_is_APR_ENOTIMPL(testing_t *test)
{
    xipc_process_t *process;
    REQUIRE_OK(xipc_process_create(&process, return_number, NULL, test->pool));
    CHECK_OK(xipc_process_start_method_set(process, XIPC_START_SPAWN));
    CHECK_STATUS(system_has_fork() ? APR_SUCCESS : APR_ENOTIMPL,
                 xipc_process_start_method_set(process, XIPC_START_FORK));
    CHECK_OK(xipc_process_start_method_set(process, XIPC_START_SPAWN));
    apr_status_t rv = xipc_process_start_method_set(process, XIPC_START_FORKSERVER);
    CHECK(rv == APR_ENOTIMPL || (rv == APR_SUCCESS && system_has_fork()));
    if (rv != APR_SUCCESS) CHECK_NUMBER(XIPC_START_SPAWN, xipc_process_start_method(process));
}

static void unknown_start_method_is_APR_EINVAL_and_changes_nothing(testing_t *test)
{
    xipc_process_t *process;
    REQUIRE_OK(xipc_process_create(&process, return_number, NULL, test->pool));
    CHECK_OK(xipc_process_start_method_set(process, XIPC_START_SPAWN));
    CHECK_STATUS(APR_EINVAL, xipc_process_start_method_set(process, (xipc_start_method_e)4));
    CHECK_STATUS(APR_EINVAL, xipc_process_start_method_set(process, (xipc_start_method_e)99));
    CHECK_STATUS(APR_EINVAL, xipc_process_start_method_set(process, (xipc_start_method_e)-1));
    CHECK_STATUS(APR_EINVAL, xipc_process_start_method_set(NULL, XIPC_START_SPAWN));
    CHECK_NUMBER(XIPC_START_SPAWN, xipc_process_start_method(process));
}

static int return_default(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return (int)xipc_start_method_get();
}

static void methods_of_the_system_are_listed_the_default_first(testing_t *test)
{
    const xipc_start_method_e *methods = NULL;
    (void)test;
    apr_size_t count = xipc_start_methods(&methods);
    CHECK_NUMBER(system_has_fork() ? 3 : 1, count);
    CHECK_NUMBER(xipc_start_method_get(), methods[0]);
    for (apr_size_t i = 0; i < count; i++) {
        CHECK_OK(xipc_start_method_set(methods[i]));
        CHECK_NUMBER(methods[i], xipc_start_method_get());
    }
    CHECK_NUMBER(count, xipc_start_methods(NULL));
    CHECK_OK(xipc_start_method_set(XIPC_START_DEFAULT));
    CHECK_NUMBER(methods[0], xipc_start_method_get());
}

static void default_start_method_is_that_of_new_processes_and_of_children(testing_t *test)
{
    xipc_process_t *process;
    CHECK_OK(xipc_start_method_set(test->method));
    REQUIRE_OK(xipc_process_create(&process, return_default, NULL, test->pool));
    CHECK_NUMBER(test->method, xipc_process_start_method(process));
    CHECK_OK(xipc_process_start(process));
    CHECK_NUMBER(test->method, testing_finish(process));
    CHECK_STATUS(APR_EINVAL, xipc_start_method_set((xipc_start_method_e)9));
    CHECK_NUMBER(test->method, xipc_start_method_get());
    CHECK_OK(xipc_start_method_set(XIPC_START_DEFAULT));
}

static void start_method_is_never_the_default(testing_t *test)
{
    xipc_process_t *process;
    REQUIRE_OK(xipc_process_create(&process, return_number, NULL, test->pool));
    xipc_start_method_e first = xipc_process_start_method(process);
    CHECK(first != XIPC_START_DEFAULT);
    CHECK_OK(xipc_process_start_method_set(process, XIPC_START_SPAWN));
    CHECK_OK(xipc_process_start_method_set(process, XIPC_START_DEFAULT));
    CHECK_NUMBER(first, xipc_process_start_method(process));
}

static void start_method_can_not_be_set_after_start(testing_t *test)
{
    xipc_process_t *process = testing_start(test, return_number, testing_int_args(0, test->pool));
    REQUIRE(process != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_process_start_method_set(process, XIPC_START_SPAWN));
    CHECK_NUMBER(test->method, xipc_process_start_method(process));
    CHECK_NUMBER(0, testing_finish(process));
}

/* ---- states ---- */

static void process_starts_once(testing_t *test)
{
    xipc_connection_t *life;
    xipc_process_t *process = start_living(&life, test);
    REQUIRE(process != NULL);
    pid_t pid = xipc_process_pid(process);
    CHECK_STATUS(XIPC_ESTATE, xipc_process_start(process));
    CHECK(xipc_process_is_alive(process));
    CHECK(xipc_process_pid(process) == pid);
    CHECK_OK(xipc_connection_close(life));
    CHECK_OK(xipc_process_join(process, TESTING_PATIENCE));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_start(process));
    CHECK_NUMBER(3, testing_finish(process));
}

static void what_needs_a_started_process_is_XIPC_ESTATE_before(testing_t *test)
{
    int exitcode = 77;
    xipc_process_t *process;
    REQUIRE_OK(xipc_process_create(&process, return_number, NULL, test->pool));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_join(process, 0));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_join(process, -1));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_exitcode(&exitcode, process));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_terminate(process));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_kill(process));
    CHECK_NUMBER(77, exitcode);
}

static void calls_refuse_NULL(testing_t *test)
{
    int exitcode;
    xipc_process_t *process;
    REQUIRE_OK(xipc_process_create(&process, return_number, NULL, test->pool));
    CHECK(xipc_start_methods(NULL) >= 1);
    CHECK_STATUS(APR_EINVAL, xipc_process_join(NULL, 0));
    CHECK_STATUS(APR_EINVAL, xipc_process_exitcode(&exitcode, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_exitcode(NULL, process));
    CHECK_STATUS(APR_EINVAL, xipc_process_terminate(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_kill(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_close(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_name_set(NULL, "a"));
    CHECK_STATUS(APR_EINVAL, xipc_process_name_set(process, NULL));
}

static void ended_process_can_be_terminated_and_killed(testing_t *test)
{
    xipc_process_t *process = testing_start(test, return_number, testing_int_args(4, test->pool));
    REQUIRE(process != NULL);
    WAIT_FOR(!xipc_process_is_alive(process));
    CHECK_OK(xipc_process_terminate(process));
    CHECK_OK(xipc_process_kill(process));
    CHECK_OK(xipc_process_join(process, TESTING_PATIENCE));
    CHECK_OK(xipc_process_kill(process));
    CHECK_OK(xipc_process_terminate(process));
    CHECK_NUMBER(4, testing_finish(process));
}

static void running_process_can_not_be_closed(testing_t *test)
{
    xipc_connection_t *life;
    xipc_process_t *process = start_living(&life, test);
    REQUIRE(process != NULL);
    CHECK_STATUS(APR_EBUSY, xipc_process_close(process));
    CHECK(xipc_process_is_alive(process));
    CHECK_STATUS(APR_TIMEUP, xipc_process_join(process, 0));
    CHECK_OK(xipc_connection_close(life));
    CHECK_NUMBER(3, testing_finish(process));
}

static void closed_process_is_XIPC_ECLOSED(testing_t *test)
{
    int exitcode = 77;
    xipc_process_t *process = testing_start(test, return_number, testing_int_args(4, test->pool));
    CHECK_NUMBER(4, testing_finish(process));
    REQUIRE(process != NULL);
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_join(process, 0));
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_exitcode(&exitcode, process));
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_terminate(process));
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_kill(process));
    CHECK_NUMBER(77, exitcode);
    CHECK_NUMBER(0, xipc_process_pid(process));
    CHECK_NUMBER(0, xipc_process_is_alive(process));
    CHECK_OK(xipc_process_close(process));
}

static void ended_process_can_be_closed_without_a_join(testing_t *test)
{
    xipc_process_t *process = testing_start(test, return_number, testing_int_args(4, test->pool));
    REQUIRE(process != NULL);
    WAIT_FOR(!xipc_process_is_alive(process));
    CHECK_OK(xipc_process_close(process));
}

static void process_that_never_started_can_be_closed(testing_t *test)
{
    xipc_process_t *process;
    REQUIRE_OK(xipc_process_create(&process, return_number, NULL, test->pool));
    CHECK_OK(xipc_process_close(process));
    CHECK_OK(xipc_process_close(process));
}

/* ---- the pool ---- */

static void child_goes_on_when_its_pool_ends(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    testing_t inner = *test;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(apr_pool_create(&inner.pool, test->pool));
    xipc_process_t *process =
        testing_start(&inner, answer, testing_connection_args(there, inner.pool));
    CHECK_OK(xipc_connection_close(there));
    CHECK(process != NULL);
    apr_pool_destroy(inner.pool);
    CHECK(testing_send_int(here, 41));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(42, number);
}

static void pool_can_end_before_start_and_after_the_end(testing_t *test)
{
    testing_t inner = *test;
    REQUIRE_OK(apr_pool_create(&inner.pool, test->pool));
    CHECK(testing_create(&inner, return_number, NULL) != NULL);
    apr_pool_destroy(inner.pool);
    REQUIRE_OK(apr_pool_create(&inner.pool, test->pool));
    CHECK_NUMBER(6, testing_run(&inner, return_number, testing_int_args(6, inner.pool)));
    apr_pool_destroy(inner.pool);
}

/* ---- other processes ---- */

/* A child starts one of its own, `depth` times; each adds one to the exit code. */
static int nest(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t depth;
    apr_int64_t method;
    int exitcode;
    xipc_process_t *process;
    if (xipc_values_get_int(&depth, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_int(&method, args, 1) != APR_SUCCESS) return 91;
    if (depth == 0) return 0;
    xipc_values_t *next = xipc_values_make(pool);
    if (xipc_values_add_int(next, depth - 1) != APR_SUCCESS) return 92;
    if (xipc_values_add_int(next, method) != APR_SUCCESS) return 92;
    if (xipc_process_create(&process, nest, next, pool) != APR_SUCCESS) return 93;
    if (xipc_process_start_method_set(process, (xipc_start_method_e)method) != APR_SUCCESS)
        return 94;
    if (xipc_process_start(process) != APR_SUCCESS) return 95;
    if (xipc_process_join(process, TESTING_PATIENCE) != APR_SUCCESS) return 96;
    if (xipc_process_exitcode(&exitcode, process) != APR_SUCCESS) return 97;
    return exitcode + 1;
}

static void child_starts_children_itself(testing_t *test)
{
    xipc_values_t *args = testing_int_args(3, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    CHECK_NUMBER(3, testing_run(test, nest, args));
}

/* Found by a forked child, which has a copy of every variable. */
static xipc_process_t *created;
static xipc_process_t *running;

static int use_anothers_process(xipc_values_t *args, apr_pool_t *pool)
{
    int exitcode = 77;
    (void)args;
    (void)pool;
    if (xipc_process_start(created) != XIPC_ENOTOWNER) return 1;
    if (xipc_process_join(running, 0) != XIPC_ENOTOWNER) return 2;
    if (xipc_process_exitcode(&exitcode, running) != XIPC_ENOTOWNER || exitcode != 77) return 3;
    if (xipc_process_terminate(running) != XIPC_ENOTOWNER) return 4;
    if (xipc_process_kill(running) != XIPC_ENOTOWNER) return 5;
    if (xipc_process_is_alive(running) != 0) return 6;
    return 0;
}

static void process_object_of_another_process_is_XIPC_ENOTOWNER(testing_t *test)
{
    xipc_connection_t *life;
    if (test->method != XIPC_START_FORK) {
        testing_skip("only a forked child has the parent's objects");
        return;
    }
    created = testing_create(test, return_number, NULL);
    running = start_living(&life, test);
    REQUIRE(created != NULL && running != NULL);
    CHECK_NUMBER(0, testing_run(test, use_anothers_process, NULL));
    CHECK(xipc_process_is_alive(running));
    CHECK_OK(xipc_connection_close(life));
    CHECK_NUMBER(3, testing_finish(running));
}

static const testing_case_t cases[] = {
    ONCE(create_refuses_NULL),
    EACH_METHOD(create_copies_the_arguments),
    ONCE(start_method_the_system_lacks_is_APR_ENOTIMPL),
    ONCE(unknown_start_method_is_APR_EINVAL_and_changes_nothing),
    ONCE(methods_of_the_system_are_listed_the_default_first),
    EACH_METHOD(default_start_method_is_that_of_new_processes_and_of_children),
    ONCE(start_method_is_never_the_default),
    EACH_METHOD(start_method_can_not_be_set_after_start),
    EACH_METHOD(process_starts_once),
    ONCE(what_needs_a_started_process_is_XIPC_ESTATE_before),
    ONCE(calls_refuse_NULL),
    EACH_METHOD(ended_process_can_be_terminated_and_killed),
    EACH_METHOD(running_process_can_not_be_closed),
    EACH_METHOD(closed_process_is_XIPC_ECLOSED),
    EACH_METHOD(ended_process_can_be_closed_without_a_join),
    ONCE(process_that_never_started_can_be_closed),
    EACH_METHOD(child_goes_on_when_its_pool_ends),
    EACH_METHOD(pool_can_end_before_start_and_after_the_end),
    EACH_METHOD(child_starts_children_itself),
    EACH_METHOD(process_object_of_another_process_is_XIPC_ENOTOWNER),
};

TESTING_MAIN("process.state", cases)
