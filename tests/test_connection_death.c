/*
 * The end of the other side, clean and unclean, and what a hostile one sends; the promises of
 * connection.h.
 */
#include "testing.h"

enum { LARGE = 8 << 20 };

/* ---- targets ---- */

/* Send three messages and end. */
static int send_three(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    for (apr_int64_t i = 0; i < 3; i++)
        if (!testing_send_int(connection, i)) return 91;
    return 0;
}

/* Send one message and a large one that nobody receives. */
static int send_large(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    void *data = apr_pcalloc(pool, LARGE);
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (!testing_send_int(connection, 41)) return 91;
    return xipc_connection_send(connection, data, LARGE, -1) == APR_SUCCESS ? 0 : 92;
}

/* See a message begin, and die before it has come whole. */
static int die_receiving(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_connection_poll(connection, -1) != APR_SUCCESS) return 91;
    system_kill_self();
    return 92;
}

/* Live until the end of the first argument's connection. */
static int live(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    return xipc_connection_recv(&data, &size, connection, -1, pool) == APR_EOF ? 0 : 91;
}

/* ---- the clean end ---- */

static void check_end_of_file(xipc_connection_t *connection, apr_pool_t *pool)
{
    void *data = NULL;
    apr_size_t size = 77;
    char buffer[8];
    xipc_values_t *values = NULL;
    CHECK_OK(xipc_connection_poll(connection, TESTING_PATIENCE));
    CHECK_STATUS(APR_EOF, xipc_connection_recv(&data, &size, connection, TESTING_PATIENCE, pool));
    CHECK_STATUS(APR_EOF, xipc_connection_recv(&data, &size, connection, 0, pool));
    CHECK_STATUS(APR_EOF, xipc_connection_recv_into(&size, connection, buffer, sizeof buffer,
                                                    TESTING_PATIENCE));
    CHECK_STATUS(APR_EOF, xipc_connection_recv_values(&values, connection, TESTING_PATIENCE, pool));
    CHECK(data == NULL && size == 77 && values == NULL);
}

static void end_of_file_comes_when_all_was_received_and_the_last_writer_is_gone(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, send_three, testing_connection_args(there, test->pool));
    CHECK_NUMBER(0, testing_finish(process));
    for (apr_int64_t i = 0; i < 3; i++) {
        apr_int64_t number = -1;
        CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
        CHECK_NUMBER(i, number);
    }
    CHECK_STATUS(APR_TIMEUP,
                 xipc_connection_poll(here, MILLISECONDS(20))); /* this process is a writer too */
    CHECK_OK(xipc_connection_close(there));
    check_end_of_file(here, test->pool);
}

static void end_of_file_comes_in_one_process_too(testing_t *test)
{
    for (int duplex = 0; duplex < 2; duplex++) {
        xipc_connection_t *here;
        xipc_connection_t *there;
        apr_int64_t number = 0;
        REQUIRE_OK(xipc_pipe_create(&here, &there, duplex, test->pool));
        CHECK(testing_send_int(there, 41));
        CHECK_OK(xipc_connection_close(there));
        CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
        CHECK_NUMBER(41, number);
        check_end_of_file(here, test->pool);
    }
}

static void end_of_file_does_not_wait_for_a_child_that_was_not_given_the_end(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *life;
    xipc_connection_t *its_life;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_pipe_create(&life, &its_life, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, live, testing_connection_args(its_life, test->pool));
    CHECK_OK(xipc_connection_close(its_life));
    CHECK_OK(xipc_connection_close(there));
    check_end_of_file(here, test->pool);
    CHECK(process != NULL && xipc_process_is_alive(process));
    CHECK_OK(xipc_connection_close(life));
    CHECK_NUMBER(0, testing_finish(process));
}

static void end_of_file_comes_when_the_writer_was_killed_between_messages(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process = testing_start(test, live, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_process_kill(process));
    check_end_of_file(here, test->pool);
    CHECK_NUMBER(-9, testing_finish(process));
}

/*
 * A socket that closes with unread bytes in it resets its peer: no reason to lose what it had sent,
 * or the clean end.
 */
static void end_of_file_is_clean_although_the_other_side_left_messages_unread(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK(testing_send_int(there, 41));
    CHECK(testing_send_int(here, 1));
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    check_end_of_file(here, test->pool);
}

/* ---- the other end is gone ---- */

static void send_to_nobody_is_APR_EPIPE_and_no_signal(testing_t *test)
{
    for (int duplex = 0; duplex < 2; duplex++) {
        xipc_connection_t *first;
        xipc_connection_t *second;
        REQUIRE_OK(xipc_pipe_create(&first, &second, duplex, test->pool));
        CHECK_OK(xipc_connection_close(first));
        CHECK_STATUS(APR_EPIPE, xipc_connection_send(second, "hi", 2, -1));
        CHECK_STATUS(APR_EPIPE, xipc_connection_send(second, "hi", 2, 0));
        CHECK_STATUS(APR_EPIPE, xipc_connection_send_values(second, NULL, -1));
    }
}

static void receiver_that_dies_in_mid_message_is_APR_EPIPE(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    void *data = apr_pcalloc(test->pool, LARGE);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, die_receiving, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    CHECK_STATUS(APR_EPIPE, xipc_connection_send(here, data, LARGE, TESTING_PATIENCE));
    CHECK(testing_finish(process) != 92);
    CHECK(xipc_connection_send(here, "hi", 2, TESTING_PATIENCE) != APR_SUCCESS);
}

static void writer_killed_in_mid_message_is_XIPC_EBROKEN(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    void *data = NULL;
    apr_size_t size = 77;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, send_large, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    REQUIRE(process != NULL);
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_OK(xipc_connection_poll(here, TESTING_PATIENCE));
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
    CHECK_STATUS(XIPC_EBROKEN,
                 xipc_connection_recv(&data, &size, here, TESTING_PATIENCE, test->pool));
    CHECK(data == NULL && size == 77);
}

/* Begin a message, and die in the middle of it. */
static int die_sending(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    apr_os_file_t raw;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_connection_os_get(&raw, connection) != APR_SUCCESS) return 91;
    if (!system_raw_write(raw, "\0\0\0\100begin", 9)) return 92; /* 64 bytes are to come, 5 do */
    apr_sleep(MILLISECONDS(60));
    system_kill_self();
    return 93;
}

static void writer_that_dies_while_the_receiver_waits_is_XIPC_EBROKEN(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    void *data = NULL;
    apr_size_t size = 77;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, die_sending, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    CHECK_STATUS(XIPC_EBROKEN,
                 xipc_connection_recv(&data, &size, here, TESTING_PATIENCE, test->pool));
    CHECK(data == NULL && size == 77);
    CHECK(testing_finish(process) < 90);
}

static void end_in_the_middle_of_a_length_is_XIPC_EBROKEN(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    void *data = NULL;
    apr_size_t size = 77;
    apr_os_file_t raw;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_connection_os_get(&raw, there));
    CHECK(system_raw_write(raw, "\0\0", 2));
    CHECK_OK(xipc_connection_close(there));
    CHECK_STATUS(XIPC_EBROKEN,
                 xipc_connection_recv(&data, &size, here, TESTING_PATIENCE, test->pool));
    CHECK(data == NULL && size == 77);
}

/* ---- hostile bytes ---- */

/* What a receiver says to a length, when only these bytes come and then nothing. */
static apr_status_t receive_raw(const char *bytes, apr_size_t count, int then_close,
                                testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    void *data = NULL;
    apr_size_t size = 77;
    apr_os_file_t raw;
    if (!CHECK_OK(xipc_pipe_create(&here, &there, 1, test->pool))) return APR_SUCCESS;
    if (!CHECK_OK(xipc_connection_os_get(&raw, there))) return APR_SUCCESS;
    CHECK(system_raw_write(raw, bytes, count));
    if (then_close) CHECK_OK(xipc_connection_close(there));
    apr_status_t rv = xipc_connection_recv(&data, &size, here, MILLISECONDS(50), test->pool);
    CHECK(data == NULL && size == 77);
    CHECK_OK(xipc_connection_close(here));
    return rv;
}

static void negative_length_is_XIPC_EPROTOCOL(testing_t *test)
{
    CHECK_STATUS(XIPC_EPROTOCOL, receive_raw("\200\0\0\0abcd", 8, 0, test));
    CHECK_STATUS(XIPC_EPROTOCOL, receive_raw("\377\377\377\376abcd", 8, 0, test));
    CHECK_STATUS(XIPC_EPROTOCOL,
                 receive_raw("\377\377\377\377\377\377\377\377\377\377\377\377", 12, 0, test));
    CHECK_STATUS(XIPC_EPROTOCOL, receive_raw("\377\377\377\377\200\0\0\0\0\0\0\0", 12, 0, test));
}

static void length_beyond_memory_is_an_error_and_takes_none(testing_t *test)
{
    apr_status_t rv = receive_raw("\377\377\377\377\177\377\377\377\377\377\377\377", 12, 0, test);
    CHECK(rv == XIPC_EPROTOCOL || rv == APR_ENOMEM);
    rv = receive_raw("\377\377\377\377\0\0\377\377\377\377\377\377", 12, 0, test);
    CHECK(rv == XIPC_EPROTOCOL || rv == APR_ENOMEM || APR_STATUS_IS_TIMEUP(rv));
}

static void large_length_without_the_bytes_is_no_message(testing_t *test)
{
    CHECK_STATUS(APR_TIMEUP, receive_raw("\177\377\377\377abcd", 8, 0, test));
    CHECK_STATUS(XIPC_EBROKEN, receive_raw("\177\377\377\377abcd", 8, 1, test));
    CHECK_STATUS(XIPC_EBROKEN, receive_raw("\377\377\377\377\0\0", 6, 1, test));
}

static void message_after_what_was_no_frame_is_not_believed(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    void *data = NULL;
    apr_size_t size = 77;
    apr_os_file_t raw;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_connection_os_get(&raw, there));
    CHECK(system_raw_write(raw, "\200\0\0\0\0\0\0\2hi", 10));
    CHECK_STATUS(XIPC_EPROTOCOL,
                 xipc_connection_recv(&data, &size, here, TESTING_PATIENCE, test->pool));
    CHECK(xipc_connection_recv(&data, &size, here, MILLISECONDS(20), test->pool) != APR_SUCCESS);
    CHECK(data == NULL && size == 77);
}

static const testing_case_t cases[] = {
    EACH_METHOD(end_of_file_comes_when_all_was_received_and_the_last_writer_is_gone),
    ONCE(end_of_file_comes_in_one_process_too),
    EACH_METHOD(end_of_file_does_not_wait_for_a_child_that_was_not_given_the_end),
    EACH_METHOD(end_of_file_comes_when_the_writer_was_killed_between_messages),
    ONCE(end_of_file_is_clean_although_the_other_side_left_messages_unread),
    ONCE(send_to_nobody_is_APR_EPIPE_and_no_signal),
    EACH_METHOD(receiver_that_dies_in_mid_message_is_APR_EPIPE),
    EACH_METHOD(writer_killed_in_mid_message_is_XIPC_EBROKEN),
    EACH_METHOD(writer_that_dies_while_the_receiver_waits_is_XIPC_EBROKEN),
    ONCE(end_in_the_middle_of_a_length_is_XIPC_EBROKEN),
    ONCE(negative_length_is_XIPC_EPROTOCOL),
    ONCE(length_beyond_memory_is_an_error_and_takes_none),
    ONCE(large_length_without_the_bytes_is_no_message),
    ONCE(message_after_what_was_no_frame_is_not_believed),
};

TESTING_MAIN("connection.death", cases)
