/*
 * Ends on their way over a connection when it fills, closes, or a process dies; see connection.h.
 */
#include "testing.h"

enum { FILLING = 512 };

/* Send until there is no room; 0 on failure. */
static int fill(xipc_connection_t *connection)
{
    static const char bytes[FILLING];
    apr_status_t rv;
    do rv = xipc_connection_send(connection, bytes, sizeof bytes, 0);
    while (rv == APR_SUCCESS);
    return APR_STATUS_IS_TIMEUP(rv);
}

/* ---- targets ---- */

/* Make a pipe, send one end of it, speak through the other, and end. */
static int send_an_end_and_go(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_connection_t *here;
    xipc_connection_t *there;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_pipe_create(&here, &there, 1, pool) != APR_SUCCESS) return 91;
    xipc_values_t *values = xipc_values_make(pool);
    if (xipc_values_add_connection(values, there) != APR_SUCCESS) return 92;
    if (xipc_connection_send_values(connection, values, -1) != APR_SUCCESS) return 93;
    return testing_send_int(here, 41) ? 0 : 94;
}

/* Hold both connections, and live until the end of the second. */
static int live(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 90;
    return xipc_connection_recv(&data, &size, connection, -1, pool) == APR_EOF ? 0 : 91;
}

/* Fill the first connection, tell it over the third, and wait to send the second over the first. */
static int send_into_full(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *full;
    xipc_connection_t *end;
    xipc_connection_t *told;
    if (xipc_values_get_connection(&full, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&end, args, 1) != APR_SUCCESS) return 91;
    if (xipc_values_get_connection(&told, args, 2) != APR_SUCCESS) return 92;
    if (!fill(full)) return 93;
    if (!testing_send_int(told, 1)) return 94;
    xipc_values_t *values = xipc_values_make(pool);
    if (xipc_values_add_connection(values, end) != APR_SUCCESS) return 95;
    return xipc_connection_send_values(full, values, -1) == APR_SUCCESS ? 0 : 96;
}

/* ---- checks ---- */

/* Everybody has closed the other end. */
static void check_end_of_file(xipc_connection_t *connection, apr_pool_t *pool)
{
    void *data;
    apr_size_t size;
    CHECK_STATUS(APR_EOF, xipc_connection_recv(&data, &size, connection, TESTING_PATIENCE, pool));
}

/* A child with two or three connections, which are closed here. */
static xipc_process_t *start_with(testing_t *test, xipc_target_t target, xipc_connection_t **ends,
                                  int count)
{
    xipc_values_t *args = xipc_values_make(test->pool);
    for (int i = 0; i < count; i++) CHECK_OK(xipc_values_add_connection(args, ends[i]));
    xipc_process_t *process = testing_start(test, target, args);
    for (int i = 0; i < count; i++) CHECK_OK(xipc_connection_close(ends[i]));
    return process;
}

/* ---- tests ---- */

static void end_outlives_the_process_that_sent_it(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *came;
    xipc_values_t *values;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_NUMBER(0, testing_finish(start_with(test, send_an_end_and_go, &there, 1)));
    REQUIRE_OK(xipc_connection_recv_values(&values, here, TESTING_PATIENCE, test->pool));
    REQUIRE_OK(xipc_values_get_connection(&came, values, 0));
    CHECK(testing_recv_int(&number, came, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    check_end_of_file(came, test->pool);
}

static void end_that_a_killed_process_did_not_receive_is_closed(testing_t *test)
{
    xipc_connection_t *here[2];
    xipc_connection_t *there[2];
    xipc_connection_t *first;
    xipc_connection_t *second;
    for (int i = 0; i < 2; i++) REQUIRE_OK(xipc_pipe_create(&here[i], &there[i], 1, test->pool));
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    xipc_process_t *process = start_with(test, live, there, 2);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_send_values(here[0], testing_connection_args(second, test->pool),
                                         TESTING_PATIENCE));
    CHECK_OK(xipc_connection_close(second));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(first, 0));
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
    check_end_of_file(first, test->pool);
}

static void end_that_nobody_received_is_closed_with_the_connection(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *first;
    xipc_connection_t *second;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    CHECK(testing_send_int(here, 41));
    CHECK_OK(xipc_connection_send_values(here, testing_connection_args(second, test->pool),
                                         TESTING_PATIENCE));
    CHECK_OK(xipc_connection_close(second));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(first, 0));
    CHECK_OK(xipc_connection_close(there));
    check_end_of_file(first, test->pool);
}

static void end_that_a_process_was_killed_sending_is_closed(testing_t *test)
{
    xipc_connection_t *here[3];
    xipc_connection_t *there[3];
    apr_int64_t number = 0;
    for (int i = 0; i < 3; i++) REQUIRE_OK(xipc_pipe_create(&here[i], &there[i], 1, test->pool));
    xipc_process_t *process = start_with(test, send_into_full, there, 3);
    REQUIRE(process != NULL);
    CHECK(testing_recv_int(&number, here[2], TESTING_PATIENCE));
    apr_sleep(MILLISECONDS(50)); /* most likely it waits by then; else it dies before */
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
    check_end_of_file(here[1], test->pool);
}

static void end_that_could_not_be_sent_in_time_stays_with_its_sender_alone(testing_t *test)
{
    char bytes[FILLING];
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *first;
    xipc_connection_t *second;
    apr_size_t size;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    CHECK(fill(here));
    xipc_values_t *values = testing_connection_args(second, test->pool);
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_connection_send_values(here, values, MILLISECONDS(40)));
    CHECK_WAITED(began, MILLISECONDS(40));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_send_values(here, values, 0));
    CHECK_OK(xipc_connection_close(second));
    check_end_of_file(first, test->pool);
    while (xipc_connection_recv_into(&size, there, bytes, sizeof bytes, 0) == APR_SUCCESS)
        CHECK_NUMBER(FILLING, size);
    CHECK(testing_send_int(here, 41)); /* the connection goes on */
    CHECK_OK(xipc_connection_recv_into(&size, there, bytes, sizeof bytes, TESTING_PATIENCE));
}

/* A process that has an end beside us is taken for the one that receives there. */
static void list_that_was_meant_for_a_killed_process_harms_no_other(testing_t *test)
{
    xipc_connection_t *here[2];
    xipc_connection_t *there[2];
    xipc_values_t *values;
    apr_int64_t number = 0;
    for (int i = 0; i < 2; i++) REQUIRE_OK(xipc_pipe_create(&here[i], &there[i], 1, test->pool));
    xipc_values_t *args = testing_connection_args(there[0], test->pool);
    CHECK_OK(xipc_values_add_connection(args, there[1]));
    xipc_process_t *process = testing_start(test, live, args);
    REQUIRE(process != NULL);
    args = testing_connection_args(here[1], test->pool);
    CHECK_OK(xipc_connection_send_values(here[0], args, TESTING_PATIENCE));
    CHECK(testing_send_int(here[0], 41));
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
    apr_status_t rv = xipc_connection_recv_values(&values, there[0], TESTING_PATIENCE, test->pool);
    CHECK(rv == APR_SUCCESS || (!system_has_fork() && rv == XIPC_EDIED));
    CHECK(testing_recv_int(&number, there[0], TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
}

static const testing_case_t cases[] = {
    EACH_METHOD(end_outlives_the_process_that_sent_it),
    EACH_METHOD(end_that_a_killed_process_did_not_receive_is_closed),
    ONCE(end_that_nobody_received_is_closed_with_the_connection),
    EACH_METHOD(end_that_a_process_was_killed_sending_is_closed),
    ONCE(end_that_could_not_be_sent_in_time_stays_with_its_sender_alone),
    EACH_METHOD(list_that_was_meant_for_a_killed_process_harms_no_other),
};

TESTING_MAIN("connection.transit", cases)
