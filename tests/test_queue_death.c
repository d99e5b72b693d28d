/* Processes that die with a queue in their hands, for each kind of queue and start method; see queue.h, Death. */
#include "testing.h"

#include <stdlib.h>

/* ---- targets ---- */

/* Tell when it is about to wait, then get for ever. */
static int wait_in_get(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    apr_int64_t number;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    if (!testing_send_int(connection, 0)) return 92;
    return testing_get_int(&number, queue, -1, pool) == APR_SUCCESS ? 0 : 93;
}

/* Tell when it is about to wait, then put for ever. */
static int wait_in_put(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    if (!testing_send_int(connection, 0)) return 92;
    return testing_put_int(queue, 99, -1) == APR_SUCCESS ? 0 : 93;
}

/* Put numbers for ever, and tell each one when it has been put. */
static int put_for_ever(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    for (apr_int64_t i = 0;; i++) {
        if (testing_put_int(queue, i, -1) != APR_SUCCESS) return 92;
        if (!testing_send_int(connection, i)) return 93;
    }
}

/* Get for ever, and tell each number that came. */
static int get_for_ever(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    apr_pool_t *each;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    if (apr_pool_create(&each, pool) != APR_SUCCESS) return 92;
    for (;;) {
        apr_int64_t number;
        if (testing_get_int(&number, queue, -1, each) != APR_SUCCESS) return 93;
        if (!testing_send_int(connection, number)) return 94;
        apr_pool_clear(each);
    }
}

/* A child with the queue, and what it tells. */
static xipc_process_t *start_with(xipc_connection_t **told, xipc_target_t target,
                                  xipc_queue_t *queue, testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(told, &there, 0, test->pool))) return NULL;
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *process = testing_start(test, target, args);
    CHECK_OK(xipc_connection_close(there));
    return process;
}

/* Kill a child somewhere in what it does, a little later. */
static void kill_in(xipc_process_t *process, apr_interval_time_t delay)
{
    apr_sleep(delay);
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
}

/* ---- killed while waiting ---- */

/* M1 of the design: with Python the queue is dead from here on. */
static void get_works_after_a_reader_was_killed_in_it(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    for (int round = 0; round < system_rounds(8); round++) {
        xipc_connection_t *told;
        apr_int64_t number = -1;
        xipc_process_t *process = start_with(&told, wait_in_get, queue, test);
        REQUIRE(process != NULL);
        CHECK(testing_recv_int(&number, told, TESTING_PATIENCE));
        kill_in(process, MILLISECONDS(5 * round));
        CHECK_OK(testing_put_int(queue, round, TESTING_PATIENCE));
        number = -1;
        CHECK_OK(testing_get_int(&number, queue, apr_time_from_sec(5), test->pool));
        CHECK_NUMBER(round, number);
        CHECK_NUMBER(1, xipc_queue_is_empty(queue));
        CHECK_OK(xipc_connection_close(told));
    }
}

/* Everything in the queue, until it is empty. */
static apr_size_t drain(apr_int64_t *numbers, apr_size_t most, xipc_queue_t *queue,
                        apr_pool_t *pool)
{
    apr_size_t count = 0;
    while (count < most && testing_get_int(&numbers[count], queue, 0, pool) == APR_SUCCESS) count++;
    return count;
}

static void put_works_after_a_writer_was_killed_in_it(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 2);
    REQUIRE(queue != NULL);
    for (int round = 0; round < system_rounds(8); round++) {
        xipc_connection_t *told;
        apr_int64_t numbers[8] = {-1, -1, -1};
        CHECK_OK(testing_put_int(queue, 1, 0));
        CHECK_OK(testing_put_int(queue, 2, 0));
        xipc_process_t *process = start_with(&told, wait_in_put, queue, test);
        REQUIRE(process != NULL);
        CHECK(testing_recv_int(&numbers[0], told, TESTING_PATIENCE));
        kill_in(process, MILLISECONDS(5 * round));
        CHECK_NUMBER(1, xipc_queue_is_full(queue));
        apr_size_t count = drain(numbers, 8, queue, test->pool);
        CHECK(numbers[0] == 1 && numbers[1] == 2);
        CHECK(count == 2 ||
              (count == 3 && numbers[2] == 99)); /* a manager may hold its message already */
        CHECK_OK(testing_put_int(queue, 3, 0));  /* all the room is there again */
        CHECK_OK(testing_put_int(queue, 4, 0));
        CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 5, 0));
        CHECK_NUMBER(2, drain(numbers, 8, queue, test->pool));
        CHECK_OK(xipc_connection_close(told));
    }
}

/* ---- killed anywhere ---- */

static apr_interval_time_t random_delay(void)
{
    return rand() % 3000;
}

/* The last number that was told to have been put, or -1. */
static apr_int64_t last_told(xipc_connection_t *told)
{
    apr_int64_t number;
    apr_int64_t last = -1;
    while (testing_recv_int(&number, told, TESTING_PATIENCE)) {
        CHECK_NUMBER(last + 1, number);
        last = number;
    }
    return last;
}

/* Get numbers for a while: they must come in order from `next` on. Gives the next one expected. */
static apr_int64_t get_for(apr_interval_time_t time, apr_int64_t next, xipc_queue_t *queue,
                           apr_pool_t *pool)
{
    apr_time_t end = system_clock() + time;
    do {
        apr_int64_t number = -1;
        apr_status_t rv = testing_get_int(&number, queue, 0, pool);
        if (rv == APR_SUCCESS) CHECK_NUMBER(next++, number);
        if (rv != APR_SUCCESS && !CHECK_STATUS(XIPC_EEMPTY, rv)) break;
    } while (system_clock() < end);
    return next;
}

/*
 * Get what is left. A manager may look at a request after it was asked whether the queue is empty,
 * although the request came before: it is asked more than once.
 */
static apr_int64_t get_rest(apr_int64_t next, xipc_queue_t *queue, apr_pool_t *pool)
{
    for (int quiet = 0; quiet < 3; quiet++) {
        if (xipc_queue_is_empty(queue)) continue;
        next = get_for(0, next, queue, pool);
        quiet = -1;
    }
    return next;
}

static void every_message_that_was_put_outlives_a_killed_writer(testing_t *test)
{
    apr_pool_t *each;
    xipc_queue_t *queue = testing_queue(test, 4);
    REQUIRE(queue != NULL);
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    for (int round = 0; round < system_rounds(60); round++) {
        xipc_connection_t *told;
        testing_t inner = *test;
        inner.pool = each;
        xipc_process_t *process = start_with(&told, put_for_ever, queue, &inner);
        REQUIRE(process != NULL);
        apr_int64_t next = get_for(random_delay(), 0, queue, each);
        kill_in(process, 0);
        apr_int64_t last = last_told(told);
        next = get_rest(next, queue, each);
        CHECK(next == last + 1 || next == last + 2); /* one may have been put and not told */
        apr_pool_clear(each);
    }
}

/* Mark the numbers that a killed reader told, or that are still in the queue. */
static void mark_told(int *seen, int most, xipc_connection_t *told)
{
    apr_int64_t number = -1;
    while (testing_recv_int(&number, told, TESTING_PATIENCE))
        if (CHECK(number >= 0 && number < most)) seen[number]++;
}

static void mark_left(int *seen, int most, xipc_queue_t *queue, apr_pool_t *pool)
{
    apr_int64_t number = -1;
    while (testing_get_int(&number, queue, 0, pool) == APR_SUCCESS)
        if (CHECK(number >= 0 && number < most)) seen[number]++;
}

static void killed_reader_takes_one_message_along_at_most(testing_t *test)
{
    enum { MOST = 20000 };
    apr_pool_t *each;
    xipc_queue_t *queue = testing_queue(test, 4);
    REQUIRE(queue != NULL);
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    for (int round = 0; round < system_rounds(60); round++) {
        xipc_connection_t *told;
        testing_t inner = *test;
        inner.pool = each;
        int *seen = apr_pcalloc(each, MOST * sizeof *seen);
        int count = 0;
        int lost = 0;
        xipc_process_t *process = start_with(&told, get_for_ever, queue, &inner);
        REQUIRE(process != NULL);
        for (apr_time_t end = system_clock() + random_delay();
             system_clock() < end && count < MOST;)
            if (testing_put_int(queue, count, 0) == APR_SUCCESS) count++;
        kill_in(process, 0);
        mark_told(seen, count, told);
        mark_left(seen, count, queue, each);
        for (int i = 0; i < count; i++) {
            CHECK(seen[i] <= 1);
            lost += seen[i] == 0;
        }
        CHECK(lost <= 1);
        CHECK_NUMBER(1, xipc_queue_is_empty(queue));
        apr_pool_clear(each);
    }
}

/* After all that the queue is as good as new. */
static void room_is_not_lost_by_kills(testing_t *test)
{
    apr_int64_t numbers[8];
    apr_pool_t *each;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    for (int round = 0; round < system_rounds(24); round++) {
        xipc_connection_t *told;
        testing_t inner = *test;
        inner.pool = each;
        xipc_process_t *process =
            start_with(&told, round % 2 ? put_for_ever : get_for_ever, queue, &inner);
        REQUIRE(process != NULL);
        kill_in(process, random_delay());
        apr_pool_clear(each);
    }
    (void)drain(numbers, 8, queue, test->pool);
    for (int i = 0; i < 3; i++) CHECK_OK(testing_put_int(queue, i, 0));
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 3, 0));
    CHECK_NUMBER(3, drain(numbers, 8, queue, test->pool));
    CHECK(numbers[0] == 0 && numbers[1] == 1 && numbers[2] == 2);
}

static const testing_case_t cases[] = {
    EACH_QUEUE_AND_METHOD(get_works_after_a_reader_was_killed_in_it),
    EACH_QUEUE_AND_METHOD(put_works_after_a_writer_was_killed_in_it),
    EACH_QUEUE_AND_METHOD(every_message_that_was_put_outlives_a_killed_writer),
    EACH_QUEUE_AND_METHOD(killed_reader_takes_one_message_along_at_most),
    EACH_QUEUE_AND_METHOD(room_is_not_lost_by_kills),
};

TESTING_MAIN("queue.death", cases)
