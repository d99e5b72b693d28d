/*
 * What a timeout leaves, before a message and in the middle of one; the promises of connection.h.
 */
#include "testing.h"

enum { SMALL = 1000, LARGE = 8 << 20 };

/* Fill a connection with small numbered messages until no more fits; how many went in. */
static unsigned fill_up(xipc_connection_t *connection)
{
    unsigned char message[SMALL];
    unsigned count = 0;
    for (;; count++) {
        testing_fill(message, SMALL, count);
        apr_status_t rv = xipc_connection_send(connection, message, SMALL, 0);
        if (rv == APR_SUCCESS && count < 100000) continue;
        CHECK_STATUS(APR_TIMEUP, rv);
        return count;
    }
}

/* Receive the messages of fill_up(). */
static void drain(xipc_connection_t *connection, unsigned count, apr_pool_t *pool)
{
    for (unsigned i = 0; i < count; i++) {
        void *data = NULL;
        apr_size_t size = 0;
        REQUIRE_OK(xipc_connection_recv(&data, &size, connection, TESTING_PATIENCE, pool));
        CHECK_NUMBER(SMALL, size);
        REQUIRE(size == SMALL && testing_is_filled(data, SMALL, i));
    }
}

static void send_gives_up_after_the_timeout_and_has_sent_nothing(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    char message[SMALL] = "late";
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    unsigned count = fill_up(here);
    CHECK(count > 0);
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_connection_send(here, message, SMALL, MILLISECONDS(150)));
    CHECK_WAITED(began, MILLISECONDS(150));
    CHECK(testing_send_int(there, 5)); /* the other direction has room */
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    drain(there, count, test->pool);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
    CHECK(testing_send_int(here, 41));
    CHECK(testing_recv_int(&number, there, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
}

static void send_is_not_cut_short_by_signals(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    char message[SMALL] = "late";
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    (void)fill_up(here);
    int has_signals = system_signals_begin();
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_connection_send(here, message, SMALL, MILLISECONDS(150)));
    CHECK_WAITED(began, MILLISECONDS(150));
    if (has_signals) CHECK(system_signals_end() > 0);
}

static void send_that_times_out_in_mid_message_ends_this_direction_only(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    void *data = apr_pcalloc(test->pool, LARGE);
    apr_size_t size = 77;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK(testing_send_int(here, 41));
    apr_time_t began = system_clock();
    CHECK_STATUS(XIPC_EBROKEN, xipc_connection_send(here, data, LARGE, MILLISECONDS(150)));
    CHECK_WAITED(began, MILLISECONDS(150));
    CHECK_STATUS(XIPC_EBROKEN, xipc_connection_send(here, "hi", 2, -1));
    CHECK_STATUS(XIPC_EBROKEN, xipc_connection_send_values(here, NULL, -1));
    CHECK(testing_recv_int(&number, there, TESTING_PATIENCE)); /* what came before is whole */
    CHECK_NUMBER(41, number);
    data = NULL;
    CHECK_STATUS(XIPC_EBROKEN,
                 xipc_connection_recv(&data, &size, there, TESTING_PATIENCE, test->pool));
    CHECK(data == NULL && size == 77);
    CHECK(xipc_connection_recv(&data, &size, there, TESTING_PATIENCE, test->pool) != APR_SUCCESS);
    CHECK(testing_send_int(there, 42)); /* the other direction works */
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(42, number);
}

/* Receive two messages, the second of them broken; then send one. */
static int receive_broken(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    apr_int64_t number;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (!testing_recv_int(&number, connection, -1))
        return 91; /* sent when the other direction had ended */
    apr_status_t rv = xipc_connection_recv(&data, &size, connection, TESTING_PATIENCE, pool);
    if (rv != XIPC_EBROKEN) return 92;
    return testing_send_int(connection, number + 1) ? 0 : 93;
}

static void receiver_in_another_process_is_told_of_a_broken_message(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    void *data = apr_pcalloc(test->pool, LARGE);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK(testing_send_int(here, 41));
    CHECK_STATUS(XIPC_EBROKEN, xipc_connection_send(here, data, LARGE, MILLISECONDS(50)));
    xipc_process_t *process =
        testing_start(test, receive_broken, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(42, number);
    CHECK_NUMBER(0, testing_finish(process));
}

/* ---- receiving ---- */

static void receive_gives_up_after_the_timeout_and_changes_nothing(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    char buffer[8];
    apr_size_t size = 77;
    void *data = NULL;
    xipc_values_t *values = NULL;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP,
                 xipc_connection_recv(&data, &size, there, MILLISECONDS(80), test->pool));
    CHECK_WAITED(began, MILLISECONDS(80));
    began = system_clock();
    CHECK_STATUS(APR_TIMEUP,
                 xipc_connection_recv_into(&size, there, buffer, sizeof buffer, MILLISECONDS(80)));
    CHECK_WAITED(began, MILLISECONDS(80));
    began = system_clock();
    CHECK_STATUS(APR_TIMEUP,
                 xipc_connection_recv_values(&values, there, MILLISECONDS(80), test->pool));
    CHECK_WAITED(began, MILLISECONDS(80));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_recv(&data, &size, there, 0, test->pool));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_recv_into(&size, there, buffer, sizeof buffer, 0));
    CHECK(size == 77 && data == NULL && values == NULL);
}

static void receive_is_not_cut_short_by_signals(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    char buffer[8];
    apr_size_t size;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    int has_signals = system_signals_begin();
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP,
                 xipc_connection_recv_into(&size, there, buffer, sizeof buffer, MILLISECONDS(150)));
    CHECK_WAITED(began, MILLISECONDS(150));
    began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, MILLISECONDS(150)));
    CHECK_WAITED(began, MILLISECONDS(150));
    if (has_signals) CHECK(system_signals_end() > 0);
}

static int send_late(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    (void)xipc_connection_poll(connection, MILLISECONDS(150)); /* nothing comes */
    return testing_send_int(connection, 6) ? 0 : 91;
}

static void receive_without_a_deadline_is_not_cut_short_by_signals(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, send_late, testing_connection_args(there, test->pool));
    int has_signals = system_signals_begin();
    CHECK(testing_recv_int(&number, here, -1));
    CHECK_NUMBER(6, number);
    if (has_signals) CHECK(system_signals_end() > 0);
    CHECK_NUMBER(0, testing_finish(process));
}

/*
 * The frame of a 20-byte message, written piece by piece; only the last piece makes it a message.
 */
static void receive_that_times_out_in_mid_message_goes_on_later(testing_t *test)
{
    static const char frame[] = "\0\0\0\024abcdefghijklmnopqrst";
    static const int pieces[] = {1, 2, 1, 3, 16, 1};
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_os_file_t raw;
    void *data = NULL;
    apr_size_t size = 0;
    int at = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_connection_os_get(&raw, here));
    for (int i = 0; i < 6; at += pieces[i++]) {
        CHECK_STATUS(APR_TIMEUP,
                     xipc_connection_recv(&data, &size, there, MILLISECONDS(10), test->pool));
        CHECK(system_raw_write(raw, frame + at, (apr_size_t)pieces[i]));
    }
    REQUIRE_OK(xipc_connection_recv(&data, &size, there, TESTING_PATIENCE, test->pool));
    CHECK(size == 20 && memcmp(data, frame + 4, 20) == 0);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
}

static void receive_into_a_buffer_goes_on_later_too(testing_t *test)
{
    static const char frame[] = "\0\0\0\024abcdefghijklmnopqrst";
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_os_file_t raw;
    char buffer[20];
    apr_size_t size = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_connection_os_get(&raw, here));
    CHECK(system_raw_write(raw, frame, 10));
    CHECK_STATUS(APR_TIMEUP,
                 xipc_connection_recv_into(&size, there, buffer, sizeof buffer, MILLISECONDS(10)));
    memset(buffer, '#', sizeof buffer); /* what a failed call left in it does not count */
    CHECK(system_raw_write(raw, frame + 10, 14));
    CHECK_OK(xipc_connection_recv_into(&size, there, buffer, sizeof buffer, TESTING_PATIENCE));
    CHECK(size == 20 && memcmp(buffer, frame + 4, 20) == 0);
}

static int send_large(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    char *data = apr_palloc(pool, LARGE);
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    testing_fill(data, LARGE, 8);
    return xipc_connection_send(connection, data, LARGE, -1) == APR_SUCCESS ? 0 : 91;
}

static void large_message_arrives_by_many_short_receives(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    void *data = NULL;
    apr_size_t size = 0;
    apr_status_t rv = APR_TIMEUP;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, send_large, testing_connection_args(there, test->pool));
    apr_time_t give_up = system_clock() + TESTING_PATIENCE;
    while (APR_STATUS_IS_TIMEUP(rv) && system_clock() < give_up)
        rv = xipc_connection_recv(&data, &size, here, 50, test->pool);
    REQUIRE_OK(rv);
    CHECK_NUMBER(LARGE, size);
    CHECK(size == LARGE && testing_is_filled(data, LARGE, 8));
    CHECK_NUMBER(0, testing_finish(process));
}

/* ---- poll ---- */

static void poll_gives_up_after_the_timeout(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, MILLISECONDS(80)));
    CHECK_WAITED(began, MILLISECONDS(80));
}

static void poll_sees_a_message_and_leaves_it(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK(testing_send_int(here, 41));
    CHECK(testing_send_int(here, 42));
    CHECK_OK(xipc_connection_poll(there, -1));
    CHECK_OK(xipc_connection_poll(there, 0));
    CHECK(testing_recv_int(&number, there, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    CHECK_OK(xipc_connection_poll(there, 0)); /* one that was read ahead counts too */
    CHECK(testing_recv_int(&number, there, TESTING_PATIENCE));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
}

static void poll_sees_the_beginning_of_a_message_and_the_end(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_os_file_t raw;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_connection_os_get(&raw, here));
    CHECK(system_raw_write(raw, "\0\0", 2));
    CHECK_OK(xipc_connection_poll(there, TESTING_PATIENCE));
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_connection_close(here));
    CHECK_OK(xipc_connection_poll(there, TESTING_PATIENCE));
}

static const testing_case_t cases[] = {
    ONCE(send_gives_up_after_the_timeout_and_has_sent_nothing),
    ONCE(send_is_not_cut_short_by_signals),
    ONCE(send_that_times_out_in_mid_message_ends_this_direction_only),
    EACH_METHOD(receiver_in_another_process_is_told_of_a_broken_message),
    ONCE(receive_gives_up_after_the_timeout_and_changes_nothing),
    ONCE(receive_is_not_cut_short_by_signals),
    EACH_METHOD(receive_without_a_deadline_is_not_cut_short_by_signals),
    ONCE(receive_that_times_out_in_mid_message_goes_on_later),
    ONCE(receive_into_a_buffer_goes_on_later_too),
    EACH_METHOD(large_message_arrives_by_many_short_receives),
    ONCE(poll_gives_up_after_the_timeout),
    ONCE(poll_sees_a_message_and_leaves_it),
    ONCE(poll_sees_the_beginning_of_a_message_and_the_end),
};

TESTING_MAIN("connection.timeout", cases)
