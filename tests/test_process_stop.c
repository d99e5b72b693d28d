/* A soft end that the child can see; see xipc_process_stop() in process.h. */
#include "testing.h"

#include "xipc/wait.h"

/* ---- targets ---- */

static xipc_connection_t *connection_of(const xipc_values_t *args)
{
    xipc_connection_t *connection;
    return xipc_values_get_connection(&connection, args, 0) == APR_SUCCESS ? connection : NULL;
}

/* Say whether a stop was asked for, wait for it, and say it again. Args: connection. */
static int wait_for_stop(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *stop;
    xipc_connection_t *connection = connection_of(args);
    (void)pool;
    if (xipc_stop_connection(&stop) != APR_SUCCESS) return 90;
    if (!testing_send_int(connection, xipc_stop_requested())) return 91;
    if (xipc_connection_poll(stop, -1) != APR_SUCCESS) return 92;
    if (!testing_send_int(connection, 10 + xipc_stop_requested())) return 93;
    return 5;
}

/* Wait for a message or a stop, whichever comes first. Args: connection. */
static int wait_for_both(xipc_values_t *args, apr_pool_t *pool)
{
    apr_size_t ready;
    xipc_wait_item_t items[2] = {{.kind = XIPC_WAIT_CONNECTION}, {.kind = XIPC_WAIT_CONNECTION}};
    (void)pool;
    items[0].of.connection = connection_of(args);
    if (xipc_stop_connection(&items[1].of.connection) != APR_SUCCESS) return 90;
    if (!testing_send_int(items[0].of.connection, 1)) return 91;
    if (xipc_wait(&ready, items, 2, -1) != APR_SUCCESS) return 92;
    return (items[0].is_ready != 0) + 2 * (items[1].is_ready != 0);
}

static int has_no_line(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *stop;
    (void)args;
    (void)pool;
    return xipc_stop_connection(&stop) == APR_ENOENT && !xipc_stop_requested() ? 0 : 90;
}

static apr_status_t start_stoppable(xipc_process_t **process, const xipc_values_t *args,
                                    apr_int64_t method, apr_pool_t *pool)
{
    apr_status_t rv = xipc_process_create(process, wait_for_stop, args, pool);
    if (rv == APR_SUCCESS)
        rv = xipc_process_start_method_set(*process, (xipc_start_method_e)method);
    if (rv == APR_SUCCESS) rv = xipc_process_stoppable_set(*process, 1);
    if (rv == APR_SUCCESS) rv = xipc_process_daemon_set(*process, 1);
    return rv == APR_SUCCESS ? xipc_process_start(*process) : rv;
}

/* Start a daemon that waits for its stop, and end when told to. Args: connection, start method. */
static int leave_a_daemon(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t method;
    apr_int64_t word;
    xipc_process_t *process;
    if (xipc_values_get_int(&method, args, 1) != APR_SUCCESS) return 90;
    if (start_stoppable(&process, args, method, pool) != APR_SUCCESS) return 91;
    return testing_recv_int(&word, connection_of(args), TESTING_PATIENCE) ? 0 : 92;
}

/* The same, and wait for it. */
static int stay_with_a_daemon(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t method;
    xipc_process_t *process;
    if (xipc_values_get_int(&method, args, 1) != APR_SUCCESS) return 90;
    if (start_stoppable(&process, args, method, pool) != APR_SUCCESS) return 91;
    return xipc_process_join(process, -1) == APR_SUCCESS ? 0 : 92;
}

/* ---- common ---- */

/* Start a process that can be stopped or not, one end of a pipe here. */
static xipc_process_t *start(xipc_connection_t **here, xipc_target_t target, int is_stoppable,
                             testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(here, &there, 1, test->pool))) return NULL;
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    xipc_process_t *process = testing_create(test, target, args);
    if (process == NULL) return NULL;
    CHECK_OK(xipc_process_stoppable_set(process, is_stoppable));
    CHECK_OK(xipc_process_start(process));
    CHECK_OK(xipc_connection_close(there));
    return process;
}

static int hears(xipc_connection_t *here, apr_int64_t expected)
{
    apr_int64_t number = -1;
    return CHECK(testing_recv_int(&number, here, TESTING_PATIENCE)) &&
           CHECK_NUMBER(expected, number);
}

/* ---- tests ---- */

static void child_sees_the_stop_and_ends_in_its_own_way(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start(&here, wait_for_stop, 1, test);
    REQUIRE(process != NULL);
    CHECK(hears(here, 0));
    CHECK_STATUS(APR_TIMEUP, xipc_process_join(process, MILLISECONDS(20)));
    CHECK_OK(xipc_process_stop(process));
    CHECK(hears(here, 11));
    CHECK_OK(xipc_process_stop(process));
    CHECK_OK(xipc_process_join(process, TESTING_PATIENCE));
    CHECK_OK(xipc_process_stop(process));
    CHECK_NUMBER(5, testing_finish(process));
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_stop(process));
}

static void stop_can_be_waited_for_among_others(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start(&here, wait_for_both, 1, test);
    REQUIRE(process != NULL);
    CHECK(hears(here, 1));
    CHECK_OK(xipc_process_stop(process));
    CHECK_NUMBER(2, testing_finish(process));
}

static void process_without_a_line_can_not_be_stopped(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start(&here, has_no_line, 0, test);
    REQUIRE(process != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_process_stop(process));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_stoppable_set(process, 1));
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_STATUS(APR_EINVAL, xipc_process_stop(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_stoppable_set(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_stop_connection(NULL));
}

static void stoppable_daemon_is_asked_so_at_the_end_of_its_starter(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start(&here, leave_a_daemon, 0, test);
    REQUIRE(process != NULL);
    CHECK(hears(here, 0));
    CHECK(testing_send_int(here, 0));
    CHECK(hears(here, 11));
    CHECK_NUMBER(0, testing_finish(process));
}

static void stop_is_seen_when_the_starter_was_killed(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start(&here, stay_with_a_daemon, 0, test);
    REQUIRE(process != NULL);
    CHECK(hears(here, 0));
    CHECK_OK(xipc_process_kill(process));
    CHECK(hears(here, 11));
    CHECK_NUMBER(-9, testing_finish(process));
}

static const testing_case_t cases[] = {
    EACH_METHOD(child_sees_the_stop_and_ends_in_its_own_way),
    EACH_METHOD(stop_can_be_waited_for_among_others),
    EACH_METHOD(process_without_a_line_can_not_be_stopped),
    EACH_METHOD(stoppable_daemon_is_asked_so_at_the_end_of_its_starter),
    EACH_METHOD(stop_is_seen_when_the_starter_was_killed),
};

TESTING_MAIN("process.stop", cases)
