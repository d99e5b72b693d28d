/* Connections over TCP; the promises of connection.h, and what listener.h says of such addresses. */
#include "testing.h"

#include "xipc/listener.h"
#include "xipc/wait.h"

enum { LARGE = 3 << 20 };

/* Answer a number with the next one. Args: connection. */
static int answer_once(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (!testing_recv_int(&number, connection, TESTING_PATIENCE)) return 91;
    return testing_send_int(connection, number + 1) ? 0 : 92;
}

/* Args: connection. */
static int send_large(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    char *message = apr_palloc(pool, LARGE);
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    testing_fill(message, LARGE, 7);
    return xipc_connection_send(connection, message, LARGE, TESTING_PATIENCE) == APR_SUCCESS ? 0
                                                                                             : 91;
}

/* Both ends of a connection over TCP. */
static int meet(xipc_connection_t **mine, xipc_connection_t **theirs, testing_t *test)
{
    xipc_listener_t *listener;
    return CHECK_OK(xipc_listener_create(&listener, "tcp:127.0.0.1:0", NULL, test->pool)) &&
           CHECK_OK(xipc_client_connect(mine, xipc_listener_address(listener), NULL,
                                        TESTING_PATIENCE, test->pool)) &&
           CHECK_OK(xipc_listener_accept(theirs, listener, TESTING_PATIENCE, test->pool)) &&
           CHECK_OK(xipc_listener_close(listener));
}

static void handles_do_not_go_over_tcp(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *mine;
    xipc_connection_t *theirs;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE(meet(&mine, &theirs, test));
    CHECK_STATUS(APR_ENOTIMPL,
                 xipc_connection_send_values(mine, testing_connection_args(there, test->pool),
                                             TESTING_PATIENCE));
    CHECK(testing_send_int(mine, 3)); /* it goes on, with nothing of the list before it */
    CHECK(testing_recv_int(&number, theirs, TESTING_PATIENCE));
    CHECK_NUMBER(3, number);
}

static void tcp_connection_goes_to_a_child(testing_t *test)
{
    xipc_connection_t *mine;
    xipc_connection_t *theirs;
    apr_int64_t number = 0;
    REQUIRE(meet(&mine, &theirs, test));
    xipc_process_t *child =
        testing_start(test, answer_once, testing_connection_args(theirs, test->pool));
    REQUIRE(child != NULL);
    CHECK_OK(xipc_connection_close(theirs));
    CHECK(testing_send_int(mine, 5));
    CHECK(testing_recv_int(&number, mine, TESTING_PATIENCE));
    CHECK_NUMBER(6, number);
    CHECK_NUMBER(0, testing_finish(child));
    CHECK_STATUS(APR_EOF, xipc_connection_recv_into(&(apr_size_t){0}, mine, &number, sizeof number,
                                                    TESTING_PATIENCE));
}

static void tcp_connection_is_ready_in_a_wait_when_a_message_is_there(testing_t *test)
{
    xipc_connection_t *mine;
    xipc_connection_t *theirs;
    apr_int64_t number = 0;
    apr_size_t ready;
    REQUIRE(meet(&mine, &theirs, test));
    xipc_wait_item_t items[] = {{.kind = XIPC_WAIT_CONNECTION, .of.connection = mine},
                                {.kind = XIPC_WAIT_CONNECTION, .of.connection = theirs}};
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, items, 2, MILLISECONDS(10)));
    for (int i = 0; i < 3; i++) {
        CHECK(testing_send_int(mine, i));
        CHECK_OK(xipc_wait(&ready, items, 2, TESTING_PATIENCE));
        CHECK(ready == 1 && !items[0].is_ready && items[1].is_ready);
        CHECK(testing_recv_int(&number, theirs, TESTING_PATIENCE));
        CHECK_NUMBER(i, number);
    }
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(theirs, MILLISECONDS(10)));
    CHECK_OK(xipc_connection_close(mine));
    CHECK_OK(xipc_wait(&ready, items + 1, 1, TESTING_PATIENCE));
    CHECK(items[1].is_ready);
}

static void large_message_goes_over_tcp(testing_t *test)
{
    xipc_connection_t *mine;
    xipc_connection_t *theirs;
    void *data;
    apr_size_t size = 0;
    REQUIRE(meet(&mine, &theirs, test));
    xipc_process_t *child =
        testing_start(test, send_large, testing_connection_args(theirs, test->pool));
    REQUIRE(child != NULL);
    CHECK_OK(xipc_connection_recv(&data, &size, mine, TESTING_PATIENCE, test->pool));
    CHECK(size == LARGE && testing_is_filled(data, LARGE, 7));
    CHECK_NUMBER(0, testing_finish(child));
}

static const testing_case_t cases[] = {
    ONCE(handles_do_not_go_over_tcp),
    EACH_METHOD(tcp_connection_goes_to_a_child),
    ONCE(tcp_connection_is_ready_in_a_wait_when_a_message_is_there),
    EACH_METHOD(large_message_goes_over_tcp),
};

int main(int argc, char **argv)
{
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return TESTING_NO_START;
    testing_use_sockets();
    return testing_main("connection.tcp", cases, sizeof cases / sizeof *cases, argc, argv);
}
