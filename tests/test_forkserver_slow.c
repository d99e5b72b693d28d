/* The one promise about the forkserver that takes half a minute to see. */
#include "testing.h"

/* Tell who the server is. Args: connection. */
static int tell_server(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    return testing_send_int(connection, system_parent_pid()) ? 3 : 91;
}

static void server_that_does_not_answer_is_replaced(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t server = 0;
    apr_int64_t next = 0;
    test->method = XIPC_START_FORKSERVER;
    if (!system_has_fork()) {
        testing_skip("no forkserver here");
        return;
    }
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_NUMBER(3, testing_run(test, tell_server, args));
    REQUIRE(testing_recv_int(&server, here, TESTING_PATIENCE));
    xipc_process_t *process = testing_create(test, tell_server, args);
    REQUIRE(process != NULL && system_suspend(server));
    CHECK_STATUS(XIPC_EDIED, xipc_process_start(process));
    WAIT_FOR(!system_runs(server));
    CHECK_OK(xipc_process_start(process));
    CHECK(testing_recv_int(&next, here, TESTING_PATIENCE));
    CHECK(next != server);
    CHECK_NUMBER(3, testing_finish(process));
}

static const testing_case_t cases[] = {
    ONCE(server_that_does_not_answer_is_replaced),
};

TESTING_MAIN("forkserver.slow", cases)
