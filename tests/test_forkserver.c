/* The server that children are forked from; what process.h says of it. */
#include "testing.h"

#include <errno.h>

static int preloaded = 1;

static apr_status_t preload(apr_pool_t *pool)
{
    preloaded += pool != NULL;
    return APR_SUCCESS;
}

static apr_status_t refuse(apr_pool_t *pool)
{
    (void)pool;
    return APR_EGENERAL;
}

/* ---- targets ---- */

static int return_preloaded(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return preloaded++;
}

/* Tell who the server is, and stay until the other side's end. Args: connection. */
static int tell_server(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (!testing_send_int(connection, system_parent_pid())) return 91;
    return xipc_connection_poll(connection, TESTING_PATIENCE) == APR_SUCCESS ? 3 : 92;
}

/* Start such a child, and wait for its end. Args: connection. */
static int start_and_wait(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_process_t *process;
    apr_status_t rv = xipc_process_create(&process, tell_server, args, pool);
    if (rv == APR_SUCCESS) rv = xipc_process_start_method_set(process, XIPC_START_FORKSERVER);
    if (rv == APR_SUCCESS) rv = xipc_process_start(process);
    return rv == APR_SUCCESS ? (int)xipc_process_join(process, TESTING_PATIENCE) : 93;
}

/* ---- common ---- */

static int has_server(testing_t *test)
{
    test->method = XIPC_START_FORKSERVER;
    if (system_has_fork()) return 1;
    testing_skip("no forkserver here");
    return 0;
}

typedef struct {
    xipc_process_t *process;
    xipc_connection_t *here;
    apr_int64_t server;
} child_t;

static int start_telling(child_t *child, xipc_target_t target, testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(&child->here, &there, 1, test->pool))) return 0;
    child->process = testing_start(test, target, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    return child->process != NULL &&
           CHECK(testing_recv_int(&child->server, child->here, TESTING_PATIENCE));
}

/* ---- one server ---- */

static void all_children_are_of_one_server(testing_t *test)
{
    child_t one;
    child_t other;
    if (!has_server(test)) return;
    REQUIRE(start_telling(&one, tell_server, test) && start_telling(&other, tell_server, test));
    CHECK_NUMBER(one.server, other.server);
    CHECK(one.server != xipc_current_pid());
    CHECK_OK(xipc_connection_close(one.here));
    CHECK_OK(xipc_connection_close(other.here));
    CHECK_NUMBER(3, testing_finish(one.process));
    CHECK_NUMBER(3, testing_finish(other.process));
}

static void server_ends_with_its_starter(testing_t *test)
{
    child_t child;
    if (!has_server(test)) return;
    test->method = XIPC_START_SPAWN; /* of the starter */
    REQUIRE(start_telling(&child, start_and_wait, test));
    CHECK(system_runs(child.server));
    CHECK_OK(xipc_process_kill(child.process));
    CHECK_NUMBER(-9, testing_finish(child.process));
    WAIT_FOR(!system_runs(child.server));
    CHECK_OK(xipc_connection_close(child.here));
}

/* ---- the preload function ---- */

static void preload_runs_once_before_the_first_child(testing_t *test)
{
    if (!has_server(test)) return;
    REQUIRE_OK(xipc_forkserver_preload_set(preload));
    CHECK_NUMBER(2, testing_run(test, return_preloaded, NULL));
    CHECK_NUMBER(2, testing_run(test, return_preloaded, NULL));
    CHECK_NUMBER(1, preloaded);
}

static void preload_that_fails_is_XIPC_EFAILED_and_another_may_be_set(testing_t *test)
{
    if (!has_server(test)) return;
    REQUIRE_OK(xipc_forkserver_preload_set(refuse));
    xipc_process_t *process = testing_create(test, return_preloaded, NULL);
    REQUIRE(process != NULL);
    CHECK_STATUS(XIPC_EFAILED, xipc_process_start(process));
    CHECK(strstr(testing_text(XIPC_EFAILED), "preload") != NULL);
    CHECK_OK(xipc_forkserver_preload_set(NULL));
    CHECK_OK(xipc_process_start(process));
    CHECK_NUMBER(1, testing_finish(process));
}

static void preload_can_not_be_set_while_the_server_runs(testing_t *test)
{
    if (!has_server(test)) {
        CHECK_STATUS(APR_ENOTIMPL, xipc_forkserver_preload_set(preload));
        return;
    }
    CHECK_NUMBER(1, testing_run(test, return_preloaded, NULL));
    CHECK_STATUS(XIPC_ESTATE, xipc_forkserver_preload_set(preload));
}

/* ---- its death ---- */

static void
children_go_on_when_the_server_is_killed_and_the_next_start_makes_another(testing_t *test)
{
    child_t child;
    child_t next;
    int exitcode = 77;
    if (!has_server(test)) return;
    REQUIRE(start_telling(&child, tell_server, test));
    CHECK(system_kill(child.server));
    WAIT_FOR(!system_runs(child.server));
    CHECK(xipc_process_is_alive(child.process));
    REQUIRE(start_telling(&next, tell_server, test));
    CHECK(next.server != child.server);
    CHECK_OK(xipc_connection_close(child.here));
    CHECK_OK(xipc_process_join(child.process, TESTING_PATIENCE));
    CHECK_STATUS(APR_FROM_OS_ERROR(ECHILD), xipc_process_exitcode(&exitcode, child.process));
    CHECK_NUMBER(77, exitcode);
    CHECK_OK(xipc_connection_close(next.here));
    CHECK_NUMBER(3, testing_finish(next.process));
}

static const testing_case_t cases[] = {
    ONCE(all_children_are_of_one_server),
    ONCE(server_ends_with_its_starter),
    ONCE(preload_runs_once_before_the_first_child),
    ONCE(preload_that_fails_is_XIPC_EFAILED_and_another_may_be_set),
    ONCE(preload_can_not_be_set_while_the_server_runs),
    ONCE(children_go_on_when_the_server_is_killed_and_the_next_start_makes_another),
};

TESTING_MAIN("forkserver", cases)
