/* Ends that travel: to a child, and over another connection; the promises of connection.h. */
#include "testing.h"

/* ---- targets ---- */

/*
 * Receive integers and tell their sum to the second argument's connection, at the end of the
 * first's.
 */
static int sum(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *from;
    xipc_connection_t *to;
    apr_int64_t total = 0;
    apr_int64_t number;
    (void)pool;
    if (xipc_values_get_connection(&from, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&to, args, 1) != APR_SUCCESS) return 91;
    while (testing_recv_int(&number, from, -1))
        total = total * 10 + number; /* so that the order counts */
    return testing_send_int(to, total) ? 0 : 92;
}

/* Receive a list with a connection over the first argument's, and send 41 through what came. */
static int answer_through_what_comes(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_connection_t *came;
    xipc_values_t *values;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_connection_recv_values(&values, connection, -1, pool) != APR_SUCCESS) return 91;
    if (xipc_values_get_connection(&came, values, 1) != APR_SUCCESS) return 92;
    return testing_send_int(came, 41) ? 0 : 93;
}

/* Make a pipe, send one end of it, and talk through the other. */
static int send_an_end(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_pipe_create(&here, &there, 1, pool) != APR_SUCCESS) return 91;
    xipc_values_t *values = xipc_values_make(pool);
    if (xipc_values_add_connection(values, there) != APR_SUCCESS) return 92;
    if (xipc_connection_send_values(connection, values, -1) != APR_SUCCESS) return 93;
    if (!testing_send_int(here, 41)) return 94;
    if (!testing_recv_int(&number, here, -1)) return 95;
    return number == 42 ? 0 : 96;
}

/*
 * Try each direction of the first argument and tell what came of it, as two status codes, over the
 * second.
 */
static int try_directions(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *tried;
    xipc_connection_t *to;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&tried, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&to, args, 1) != APR_SUCCESS) return 91;
    if (!testing_send_int(to, xipc_connection_send(tried, "hi", 2, 0))) return 92;
    return testing_send_int(to, xipc_connection_recv(&data, &size, tried, 0, pool)) ? 0 : 93;
}

/* ---- over a connection ---- */

static void end_travels_over_a_connection_in_one_process(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *first;
    xipc_connection_t *second;
    xipc_connection_t *came = NULL;
    xipc_values_t *values;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    CHECK_OK(xipc_connection_send_values(here, testing_connection_args(second, test->pool),
                                         TESTING_PATIENCE));
    CHECK(testing_send_int(second, 40)); /* the caller's stays open */
    CHECK_OK(xipc_connection_close(second));
    REQUIRE_OK(xipc_connection_recv_values(&values, there, TESTING_PATIENCE, test->pool));
    REQUIRE_OK(xipc_values_get_connection(&came, values, 0));
    CHECK(testing_send_int(came, 41));
    CHECK(testing_recv_int(&number, first, TESTING_PATIENCE));
    CHECK_NUMBER(40, number);
    CHECK(testing_recv_int(&number, first, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    CHECK(testing_send_int(first, 42));
    CHECK(testing_recv_int(&number, came, TESTING_PATIENCE));
    CHECK_NUMBER(42, number);
    CHECK_OK(xipc_connection_close(came));
    CHECK(!testing_recv_int(&number, first, TESTING_PATIENCE)); /* it was the last */
}

static void end_travels_over_a_connection_to_a_child(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *first;
    xipc_connection_t *second;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, answer_through_what_comes, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    xipc_values_t *values = testing_int_args(7, test->pool);
    CHECK_OK(xipc_values_add_connection(values, second));
    CHECK_OK(xipc_connection_send_values(here, values, TESTING_PATIENCE));
    CHECK(testing_recv_int(&number, first, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    CHECK_NUMBER(0, testing_finish(process));
}

static void end_travels_from_a_child_to_its_parent(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *came = NULL;
    xipc_values_t *values;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, send_an_end, testing_connection_args(there, test->pool));
    REQUIRE_OK(xipc_connection_recv_values(&values, here, TESTING_PATIENCE, test->pool));
    REQUIRE_OK(xipc_values_get_connection(&came, values, 0));
    CHECK(testing_recv_int(&number, came, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    CHECK(testing_send_int(came, 42));
    CHECK_NUMBER(0, testing_finish(process));
}

static void received_end_closes_with_the_pool_of_its_list(testing_t *test)
{
    apr_pool_t *pool;
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *first;
    xipc_connection_t *second;
    xipc_values_t *values;
    apr_int64_t number = 0;
    REQUIRE_OK(apr_pool_create(&pool, test->pool));
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    CHECK_OK(xipc_connection_send_values(here, testing_connection_args(second, test->pool),
                                         TESTING_PATIENCE));
    CHECK_OK(xipc_connection_close(second));
    REQUIRE_OK(xipc_connection_recv_values(&values, there, TESTING_PATIENCE, pool));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(first, 0));
    apr_pool_destroy(pool);
    CHECK_OK(xipc_connection_poll(first, TESTING_PATIENCE));
    CHECK(!testing_recv_int(&number, first, 0));
}

static void handles_of_a_list_received_as_bytes_are_closed(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *first;
    xipc_connection_t *second;
    void *data;
    apr_size_t size;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    CHECK_OK(xipc_connection_send_values(here, testing_connection_args(second, test->pool),
                                         TESTING_PATIENCE));
    CHECK_OK(xipc_connection_close(second));
    CHECK_OK(xipc_connection_recv(&data, &size, there, TESTING_PATIENCE, test->pool));
    CHECK(testing_send_int(here, 41)); /* the connection goes on */
    apr_int64_t number = 0;
    CHECK(testing_recv_int(&number, there, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    CHECK_STATUS(APR_EOF, xipc_connection_recv(&data, &size, first, TESTING_PATIENCE, test->pool));
}

static void closed_end_in_a_list_is_XIPC_ECLOSED_and_nothing_is_sent(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *first;
    xipc_connection_t *second;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    xipc_values_t *values = testing_connection_args(first, test->pool);
    CHECK_OK(xipc_values_add_connection(values, second));
    CHECK_OK(xipc_connection_close(second));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_send_values(here, values, TESTING_PATIENCE));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
}

static void NULL_is_sent_as_an_empty_list(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_values_t *values = NULL;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_connection_send_values(here, NULL, TESTING_PATIENCE));
    CHECK_OK(xipc_connection_recv_values(&values, there, TESTING_PATIENCE, test->pool));
    CHECK(values != NULL);
    CHECK_NUMBER(0, xipc_values_count(values));
}

/* ---- the limit of handles in a message ---- */

enum { MOST = 128 };

/* A list with that many ends of pipes; the other ends go into `others`. */
static xipc_values_t *many_ends(xipc_connection_t **others, int count, testing_t *test)
{
    xipc_values_t *values = xipc_values_make(test->pool);
    for (int i = 0; i < count; i++) {
        xipc_connection_t *end;
        if (!CHECK_OK(xipc_pipe_create(&others[i], &end, 1, test->pool))) return NULL;
        if (!CHECK_OK(xipc_values_add_connection(values, end))) return NULL;
    }
    return values;
}

static void list_carries_128_handles(testing_t *test)
{
    xipc_connection_t *others[MOST];
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_values_t *received;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *values = many_ends(others, MOST, test);
    REQUIRE(values != NULL);
    CHECK_OK(xipc_connection_send_values(here, values, TESTING_PATIENCE));
    REQUIRE_OK(xipc_connection_recv_values(&received, there, TESTING_PATIENCE, test->pool));
    REQUIRE(xipc_values_count(received) == MOST);
    for (int i = 0; i < MOST; i++) {
        xipc_connection_t *end;
        apr_int64_t number = -1;
        REQUIRE_OK(xipc_values_get_connection(&end, received, (apr_size_t)i));
        REQUIRE(testing_send_int(end, i));
        REQUIRE(testing_recv_int(&number, others[i], TESTING_PATIENCE));
        CHECK_NUMBER(i, number);
    }
}

static void list_with_more_handles_is_XIPC_ELIMIT_and_nothing_is_sent(testing_t *test)
{
    xipc_connection_t *others[MOST + 1];
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *values = many_ends(others, MOST + 1, test);
    REQUIRE(values != NULL);
    CHECK_STATUS(XIPC_ELIMIT, xipc_connection_send_values(here, values, TESTING_PATIENCE));
    CHECK(strstr(testing_text(XIPC_ELIMIT), "128") != NULL);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
    CHECK_OK(xipc_connection_send_values(here, NULL, TESTING_PATIENCE));
}

/* ---- what travels with an end ---- */

/* Start a child that sums what comes, with an end that has read ahead. */
static xipc_process_t *start_sum(xipc_connection_t **result, xipc_connection_t *from,
                                 testing_t *test)
{
    xipc_connection_t *to;
    if (!CHECK_OK(xipc_pipe_create(result, &to, 0, test->pool))) return NULL;
    xipc_values_t *args = testing_connection_args(from, test->pool);
    CHECK_OK(xipc_values_add_connection(args, to));
    xipc_process_t *process = testing_start(test, sum, args);
    CHECK_OK(xipc_connection_close(from));
    CHECK_OK(xipc_connection_close(to));
    return process;
}

static void messages_read_ahead_travel_with_their_end(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *result;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    for (apr_int64_t i = 1; i <= 5; i++) CHECK(testing_send_int(here, i));
    CHECK(testing_recv_int(&number, there,
                           TESTING_PATIENCE)); /* and the others may be read with it */
    CHECK_NUMBER(1, number);
    xipc_process_t *process = start_sum(&result, there, test);
    CHECK(testing_send_int(here, 6));
    CHECK_OK(xipc_connection_close(here));
    CHECK(testing_recv_int(&number, result, TESTING_PATIENCE));
    CHECK_NUMBER(23456, number);
    CHECK_NUMBER(0, testing_finish(process));
}

static void messages_read_ahead_travel_over_a_connection_too(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *first;
    xipc_connection_t *second;
    xipc_connection_t *came;
    xipc_values_t *values;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    for (apr_int64_t i = 1; i <= 5; i++) CHECK(testing_send_int(first, i));
    CHECK(testing_recv_int(&number, second, TESTING_PATIENCE));
    CHECK_OK(xipc_connection_send_values(here, testing_connection_args(second, test->pool),
                                         TESTING_PATIENCE));
    CHECK_OK(xipc_connection_close(second));
    REQUIRE_OK(xipc_connection_recv_values(&values, there, TESTING_PATIENCE, test->pool));
    REQUIRE_OK(xipc_values_get_connection(&came, values, 0));
    for (apr_int64_t i = 2; i <= 5; i++) {
        CHECK(testing_recv_int(&number, came, TESTING_PATIENCE));
        CHECK_NUMBER(i, number);
    }
}

static void begun_message_travels_with_its_end(testing_t *test)
{
    unsigned char frame[12] = {0, 0, 0, 8};
    const apr_int64_t three = 3;
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *result;
    apr_os_file_t raw;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_connection_os_get(&raw, here));
    memcpy(frame + 4, &three, sizeof three);
    CHECK(system_raw_write(raw, frame, 11));
    CHECK(!testing_recv_int(&number, there, MILLISECONDS(20)));
    xipc_process_t *process = start_sum(&result, there, test);
    CHECK(system_raw_write(raw, frame + 11, 1));
    CHECK(testing_send_int(here, 4));
    CHECK_OK(xipc_connection_close(here));
    CHECK(testing_recv_int(&number, result, TESTING_PATIENCE));
    CHECK_NUMBER(34, number);
    CHECK_NUMBER(0, testing_finish(process));
}

static void check_directions(testing_t *test, xipc_connection_t *tried, apr_status_t sending,
                             apr_status_t receiving)
{
    xipc_connection_t *result;
    xipc_connection_t *to;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&result, &to, 0, test->pool));
    xipc_values_t *args = testing_connection_args(tried, test->pool);
    CHECK_OK(xipc_values_add_connection(args, to));
    xipc_process_t *process = testing_start(test, try_directions, args);
    CHECK(testing_recv_int(&number, result, TESTING_PATIENCE));
    CHECK_STATUS(sending, (apr_status_t)number);
    CHECK(testing_recv_int(&number, result, TESTING_PATIENCE));
    CHECK_STATUS(receiving, (apr_status_t)number);
    CHECK_NUMBER(0, testing_finish(process));
}

static void direction_of_an_end_travels_with_it(testing_t *test)
{
    xipc_connection_t *first;
    xipc_connection_t *second;
    REQUIRE_OK(xipc_pipe_create(&first, &second, 0, test->pool));
    check_directions(test, first, XIPC_ENOTWRITABLE, APR_TIMEUP);
    check_directions(test, second, APR_SUCCESS, XIPC_ENOTREADABLE);
}

static void broken_direction_stays_broken_when_its_end_travels(testing_t *test)
{
    enum { LARGE = 8 << 20 };
    xipc_connection_t *first;
    xipc_connection_t *second;
    void *data = apr_pcalloc(test->pool, LARGE);
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    CHECK_STATUS(XIPC_EBROKEN, xipc_connection_send(first, data, LARGE, MILLISECONDS(50)));
    check_directions(test, first, XIPC_EBROKEN, APR_TIMEUP);
}

/* ---- fork ---- */

static xipc_connection_t
    *unlisted; /* found by a forked child, which has a copy of every variable */

static int use_unlisted(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    if (xipc_connection_is_writable(unlisted)) return 1;
    return xipc_connection_send(unlisted, "hi", 2, -1) == XIPC_ECLOSED ? 0 : 2;
}

static void unlisted_end_is_closed_in_a_forked_child(testing_t *test)
{
    xipc_connection_t *there;
    if (test->method != XIPC_START_FORK) {
        testing_skip("about fork");
        return;
    }
    REQUIRE_OK(xipc_pipe_create(&unlisted, &there, 1, test->pool));
    CHECK_NUMBER(0, testing_run(test, use_unlisted, NULL));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
    CHECK(testing_send_int(unlisted, 1)); /* and open here */
}

static const testing_case_t cases[] = {
    ONCE(end_travels_over_a_connection_in_one_process),
    EACH_METHOD(end_travels_over_a_connection_to_a_child),
    EACH_METHOD(end_travels_from_a_child_to_its_parent),
    ONCE(received_end_closes_with_the_pool_of_its_list),
    ONCE(handles_of_a_list_received_as_bytes_are_closed),
    ONCE(closed_end_in_a_list_is_XIPC_ECLOSED_and_nothing_is_sent),
    ONCE(NULL_is_sent_as_an_empty_list),
    ONCE(list_carries_128_handles),
    ONCE(list_with_more_handles_is_XIPC_ELIMIT_and_nothing_is_sent),
    EACH_METHOD(messages_read_ahead_travel_with_their_end),
    ONCE(messages_read_ahead_travel_over_a_connection_too),
    EACH_METHOD(begun_message_travels_with_its_end),
    EACH_METHOD(direction_of_an_end_travels_with_it),
    EACH_METHOD(broken_direction_stays_broken_when_its_end_travels),
    EACH_METHOD(unlisted_end_is_closed_in_a_forked_child),
};

TESTING_MAIN("connection.travel", cases)
