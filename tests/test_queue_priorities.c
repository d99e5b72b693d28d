/* What priorities promise on every kind of queue that has them, and what only those in shared memory do; see queue.h. */
#include "testing.h"

#include <stdint.h>

enum { ALL = XIPC_QUEUE_PRIORITY_MAX + 1 };

/* A queue of the test's kind, or NULL: it has no priorities. */
static xipc_queue_t *with_priorities(testing_t *test, apr_size_t capacity)
{
    xipc_queue_caps_t caps;
    xipc_queue_t *queue = testing_queue(test, capacity);
    if (queue == NULL || (CHECK_OK(xipc_queue_caps(&caps, queue)) && caps.priorities > 1))
        return queue;
    testing_skip("no priorities here");
    return NULL;
}

static xipc_queue_options_t *options_of(unsigned levels, apr_size_t capacity, testing_t *test)
{
    xipc_queue_options_t *options = NULL;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    CHECK_OK(xipc_queue_options_priorities_set(options, levels));
    CHECK_OK(xipc_queue_options_capacity_set(options, capacity));
    return options;
}

static xipc_queue_t *make(unsigned levels, apr_size_t capacity, testing_t *test)
{
    xipc_queue_t *queue = NULL;
    const xipc_queue_options_t *options = options_of(levels, capacity, test);
    return CHECK_OK(xipc_queue_create_ex(&queue, options, test->pool)) ? queue : NULL;
}

static apr_status_t put_int(xipc_queue_t *queue, apr_int64_t number, unsigned priority,
                            apr_interval_time_t timeout)
{
    return xipc_queue_put_priority(queue, &number, sizeof number, priority, timeout);
}

static void check_next(apr_int64_t expected, xipc_queue_t *queue, testing_t *test)
{
    apr_int64_t number = -1;
    CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
    CHECK_NUMBER(expected, number);
}

/* ---- order ---- */

static void batch_is_taken_in_the_order_of_the_priorities(testing_t *test)
{
    static const apr_int64_t numbers[] = {1, 2};
    static const apr_int64_t expected[] = {5, 6, 4, 1, 2, 3};
    xipc_queue_message_t messages[6] = {{&numbers[0], sizeof *numbers},
                                        {&numbers[1], sizeof *numbers}};
    apr_size_t count = 0;
    xipc_queue_t *queue = with_priorities(test, 6);
    if (queue == NULL) return;
    CHECK_OK(xipc_queue_put_many(&count, queue, messages, 2, 0));
    CHECK_OK(put_int(queue, 3, 0, 0));
    CHECK_OK(put_int(queue, 4, 1, 0));
    CHECK_OK(put_int(queue, 5, XIPC_QUEUE_PRIORITY_MAX, 0));
    CHECK_OK(put_int(queue, 6, XIPC_QUEUE_PRIORITY_MAX, 0));
    REQUIRE_OK(xipc_queue_get_many(&count, messages, 6, queue, 0, test->pool));
    CHECK_NUMBER(6, count);
    for (apr_size_t i = 0; i < count; i++)
        CHECK(memcmp(messages[i].data, &expected[i], sizeof expected[i]) == 0);
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

enum { WRITERS = 3, READERS = 3, MESSAGES = 200, LEVELS = 4, STOP = -1 };

/* Numbers of the writer's own in the thousands, each with the priority that follows from it. */
static int write_many(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    apr_int64_t writer;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_int(&writer, args, 1) != APR_SUCCESS) return 91;
    for (apr_int64_t i = 0; i < MESSAGES; i++)
        if (put_int(queue, writer * 1000 + i, (unsigned)i % LEVELS, TESTING_PATIENCE) !=
            APR_SUCCESS)
            return 92;
    return 0;
}

/* The exit code says whether each priority of each writer came in its order. */
static int read_many(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    apr_int64_t last[WRITERS][LEVELS];
    apr_int64_t count = 0;
    xipc_connection_t *told;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 91;
    memset(last, -1, sizeof last);
    for (;; count++) {
        apr_int64_t number;
        if (testing_get_int(&number, queue, TESTING_PATIENCE, pool) != APR_SUCCESS) return 92;
        if (number == STOP) break;
        apr_int64_t *before = &last[number / 1000 % WRITERS][number % 1000 % LEVELS];
        if (number % 1000 <= *before) return 93;
        *before = number % 1000;
    }
    return testing_send_int(told, count) ? 0 : 94;
}

static void each_priority_keeps_the_order_of_each_writer(testing_t *test)
{
    xipc_process_t *writers[WRITERS];
    xipc_process_t *readers[READERS];
    xipc_connection_t *told[READERS];
    apr_int64_t sum = 0;
    xipc_queue_t *queue = with_priorities(test, 5);
    if (queue == NULL) return;
    for (int i = 0; i < READERS; i++) {
        xipc_connection_t *there;
        REQUIRE_OK(xipc_pipe_create(&told[i], &there, 0, test->pool));
        xipc_values_t *args = testing_queue_args(queue, test->pool);
        CHECK_OK(xipc_values_add_connection(args, there));
        readers[i] = testing_start(test, read_many, args);
        CHECK_OK(xipc_connection_close(there));
    }
    for (int i = 0; i < WRITERS; i++) {
        xipc_values_t *args = testing_queue_args(queue, test->pool);
        CHECK_OK(xipc_values_add_int(args, i));
        writers[i] = testing_start(test, write_many, args);
    }
    for (int i = 0; i < WRITERS; i++) CHECK_NUMBER(0, testing_finish(writers[i]));
    for (int i = 0; i < READERS; i++) CHECK_OK(testing_put_int(queue, STOP, TESTING_PATIENCE));
    for (int i = 0; i < READERS; i++) {
        apr_int64_t count = 0;
        CHECK(testing_recv_int(&count, told[i], TESTING_PATIENCE));
        sum += count;
        CHECK_NUMBER(0, testing_finish(readers[i]));
    }
    CHECK_NUMBER(WRITERS * MESSAGES, sum);
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

/* ---- waiting ---- */

/* Tell that it is about to wait, and then what it got. */
static int get_and_tell(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *told;
    apr_int64_t number;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 91;
    if (!testing_send_int(told, 0)) return 92;
    if (testing_get_int(&number, queue, TESTING_PATIENCE, pool) != APR_SUCCESS) return 93;
    return testing_send_int(told, number) ? 0 : 94;
}

static xipc_process_t *start_reader(xipc_connection_t **told, xipc_queue_t *queue, testing_t *test)
{
    apr_int64_t word;
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(told, &there, 0, test->pool))) return NULL;
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *process = testing_start(test, get_and_tell, args);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&word, *told, TESTING_PATIENCE));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(*told, MILLISECONDS(60)));
    return process;
}

static void put_of_every_priority_wakes_a_sleeping_reader(testing_t *test)
{
    static const unsigned priorities[] = {0, 1, XIPC_QUEUE_PRIORITY_MAX};
    xipc_queue_t *queue = with_priorities(test, 2);
    if (queue == NULL) return;
    for (apr_size_t i = 0; i < sizeof priorities / sizeof *priorities; i++) {
        apr_int64_t number = 0;
        xipc_connection_t *told;
        xipc_process_t *process = start_reader(&told, queue, test);
        REQUIRE(process != NULL);
        CHECK_OK(put_int(queue, 41, priorities[i], 0));
        CHECK(testing_recv_int(&number, told, TESTING_PATIENCE));
        CHECK_NUMBER(41, number);
        CHECK_NUMBER(0, testing_finish(process));
    }
}

static void reader_at_a_reserved_place_is_woken_by_a_higher_priority(testing_t *test)
{
    void *place;
    apr_int64_t number = 0;
    xipc_connection_t *told;
    xipc_queue_t *queue = make(2, 3, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_reserve(&place, queue, sizeof number, 0));
    xipc_process_t *process = start_reader(&told, queue, test);
    REQUIRE(process != NULL);
    CHECK_OK(put_int(queue, 41, 1, 0));
    CHECK(testing_recv_int(&number, told, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    CHECK_NUMBER(0, testing_finish(process));
    /* and by what comes of the place */
    process = start_reader(&told, queue, test);
    REQUIRE(process != NULL);
    memcpy(place, &number, sizeof number);
    CHECK_OK(xipc_queue_commit(queue, place, sizeof number));
    CHECK_NUMBER(0, testing_finish(process));
    REQUIRE_OK(xipc_queue_reserve(&place, queue, sizeof number, 0));
    CHECK_OK(put_int(queue, 42, 0, 0));
    process = start_reader(&told, queue, test);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_queue_abandon(queue, place));
    CHECK_NUMBER(0, testing_finish(process));
}

/* ---- bounds ---- */

/* Put so many with its own priority. */
static int write_always(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    apr_int64_t priority;
    apr_int64_t count;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_int(&priority, args, 1) != APR_SUCCESS) return 91;
    if (xipc_values_get_int(&count, args, 2) != APR_SUCCESS) return 92;
    for (apr_int64_t i = 0; i < count; i++)
        if (put_int(queue, i, (unsigned)priority, TESTING_PATIENCE) != APR_SUCCESS) return 93;
    return 0;
}

static void bound_holds_over_all_priorities_at_every_moment(testing_t *test)
{
    enum { COUNT = 500, CAPACITY = 3 };
    xipc_process_t *writers[LEVELS];
    xipc_queue_t *queue = with_priorities(test, CAPACITY);
    if (queue == NULL) return;
    for (int i = 0; i < LEVELS; i++) {
        xipc_values_t *args = testing_queue_args(queue, test->pool);
        CHECK_OK(xipc_values_add_int(args, i));
        CHECK_OK(xipc_values_add_int(args, COUNT));
        writers[i] = testing_start(test, write_always, args);
    }
    apr_size_t most = 0;
    for (int i = 0; i < LEVELS * COUNT; i++) {
        apr_int64_t number;
        apr_size_t count;
        REQUIRE_OK(xipc_queue_size(&count, queue));
        if (count > most) most = count;
        REQUIRE_OK(testing_get_int(&number, queue, TESTING_PATIENCE, test->pool));
    }
    CHECK(most >= 1 && most <= CAPACITY);
    for (int i = 0; i < LEVELS; i++) CHECK_NUMBER(0, testing_finish(writers[i]));
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static void bounds_in_messages_and_in_bytes_hold_together_over_all(testing_t *test)
{
    char message[1000] = "";
    xipc_queue_t *queue;
    apr_size_t size;
    apr_size_t done = 77;
    const xipc_queue_message_t small = {message, 64};
    const xipc_queue_message_t many[] = {small, small, small};
    xipc_queue_options_t *options = options_of(LEVELS, 3, test);
    CHECK_OK(xipc_queue_options_bytes_set(options, 2048));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < 3; i++)
            REQUIRE_OK(xipc_queue_put_priority(queue, message, 64, (round + i) % LEVELS, 0));
        CHECK_STATUS(XIPC_EFULL, xipc_queue_put(queue, message, 1, 0)); /* of messages */
        CHECK_NUMBER(1, xipc_queue_is_full(queue));
        for (int i = 0; i < 3; i++)
            REQUIRE_OK(xipc_queue_get_into(&size, queue, message, sizeof message, 0));
        REQUIRE_OK(xipc_queue_put_priority(queue, message, 1000, round % LEVELS, 0));
        REQUIRE_OK(xipc_queue_put_priority(queue, message, 1000, (round + 1) % LEVELS, 0));
        CHECK_STATUS(XIPC_EFULL, xipc_queue_put_priority(queue, message, 1, 2, 0)); /* of bytes */
        REQUIRE_OK(xipc_queue_get_into(&size, queue, message, sizeof message, 0));
        CHECK_STATUS(XIPC_EFULL, xipc_queue_put_many(&done, queue, many, 3, 0));
        CHECK_NUMBER(2, done);
        for (int i = 0; i < 3; i++)
            REQUIRE_OK(xipc_queue_get_into(&size, queue, message, sizeof message, 0));
    }
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static void million_messages_of_one_priority_fit(testing_t *test)
{
    enum { COUNT = 1000000 };
    char message[64] = "";
    apr_size_t size;
    int count = 0;
    xipc_queue_t *queue = make(ALL, 0, test);
    REQUIRE(queue != NULL);
    while (count < COUNT && xipc_queue_put_priority(queue, message, 64, 31, 0) == APR_SUCCESS)
        count++;
    CHECK_NUMBER(COUNT, count);
    while (count > 0 && xipc_queue_get_into(&size, queue, message, 64, 0) == APR_SUCCESS) count--;
    CHECK_NUMBER(0, count);
}

/* ---- memory ---- */

static void priorities_that_are_not_used_take_no_memory(testing_t *test)
{
    apr_int64_t before = system_shared_memory();
    if (before < 0) {
        testing_skip("what is used can't be seen here");
        return;
    }
    xipc_queue_t *queue = make(ALL, 0, test);
    REQUIRE(queue != NULL);
    for (unsigned i = 0; i < 3; i++) CHECK_OK(put_int(queue, i, 15 * i, 0));
    for (int i = 2; i >= 0; i--) check_next(i, queue, test);
    CHECK(system_shared_memory() - before <= 128 << 10);
}

static void drained_memory_is_given_back_from_every_priority(testing_t *test)
{
    enum { SIZE = 1 << 20, COUNT = 30 };
    apr_size_t size;
    char *message = apr_palloc(test->pool, SIZE);
    xipc_queue_t *queue = make(3, 0, test);
    REQUIRE(queue != NULL);
    apr_int64_t before = system_shared_memory();
    for (unsigned i = 0; i < 3 * COUNT; i++) {
        testing_fill(message, SIZE, i);
        REQUIRE_OK(xipc_queue_put_priority(queue, message, SIZE, 2 - i / COUNT, 0));
    }
    for (unsigned i = 0; i < 3 * COUNT; i++) {
        REQUIRE_OK(xipc_queue_get_into(&size, queue, message, SIZE, 0));
        CHECK(size == SIZE && testing_is_filled(message, SIZE, i));
    }
    if (before >= 0) CHECK(system_shared_memory() - before <= 3 * 12 * SIZE);
}

/* ---- in place ---- */

static void place_is_of_priority_0_and_higher_ones_pass_it(testing_t *test)
{
    void *place;
    apr_int64_t number = 1;
    xipc_queue_t *queue = make(2, 4, test);
    REQUIRE(queue != NULL);
    for (int round = 0; round < 20; round++) {
        REQUIRE_OK(xipc_queue_reserve(&place, queue, sizeof number, 0));
        CHECK((uintptr_t)place % 64 == 0);
        CHECK_OK(put_int(queue, 2, 0, 0));
        CHECK_OK(put_int(queue, 3, 1, 0));
        check_next(3, queue, test);
        CHECK_STATUS(XIPC_EEMPTY, testing_get_int(&number, queue, 0, test->pool));
        memcpy(place, &number, sizeof number);
        CHECK_OK(xipc_queue_commit(queue, place, sizeof number));
        check_next(1, queue, test);
        check_next(2, queue, test);
    }
}

static void messages_of_every_priority_are_held_and_released_in_any_order(testing_t *test)
{
    const void *held[3];
    apr_size_t size;
    xipc_queue_t *queue = make(ALL, 3, test);
    REQUIRE(queue != NULL);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 3; i++) CHECK_OK(put_int(queue, i, (round + i) % ALL, 0));
        for (int i = 0; i < 3; i++) {
            REQUIRE_OK(xipc_queue_peek(&held[i], &size, queue, 0));
            CHECK(size == sizeof(apr_int64_t) && (uintptr_t)held[i] % 64 == 0);
        }
        CHECK_STATUS(XIPC_EFULL, put_int(queue, 9, 0, 0));
        for (unsigned i = 0; i < 3; i++) {
            CHECK_OK(xipc_queue_release(queue, held[(i + round) % 3]));
            CHECK_STATUS(XIPC_ESTATE, xipc_queue_release(queue, held[(i + round) % 3]));
        }
    }
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_release(queue, &size));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_commit(queue, held[0], 1));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_release(queue, (const void *)UINTPTR_MAX));
}

/* An empty message may be the last thing in the memory of its priority. */
static void empty_messages_are_held_wherever_they_stand(testing_t *test)
{
    const void *held;
    apr_size_t size;
    xipc_queue_t *queue = make(3, 2, test);
    xipc_queue_options_t *options = options_of(3, 2, test);
    CHECK_OK(xipc_queue_options_message_max_set(options, 10));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    for (unsigned i = 0; i < 300; i++) {
        CHECK_OK(xipc_queue_put_priority(queue, NULL, 0, i % 3, 0));
        REQUIRE_OK(xipc_queue_peek(&held, &size, queue, 0));
        CHECK_NUMBER(0, size);
        CHECK_OK(xipc_queue_release(queue, held));
    }
}

/* ---- making ---- */

static void levels_are_1_to_32(testing_t *test)
{
    xipc_queue_caps_t caps;
    xipc_queue_options_t *options = options_of(ALL, 1, test);
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_priorities_set(NULL, 2));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_priorities_set(options, 0));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_priorities_set(options, ALL + 1));
    for (unsigned levels = 1; levels <= ALL; levels++) {
        xipc_queue_t *queue = make(levels, 1, test);
        REQUIRE(queue != NULL);
        CHECK_OK(xipc_queue_caps(&caps, queue));
        CHECK_NUMBER(levels, caps.priorities);
        CHECK_OK(put_int(queue, 41, levels - 1, 0));
        check_next(41, queue, test);
        CHECK_OK(xipc_queue_close(queue));
        CHECK_OK(xipc_queue_caps(&caps, queue));
        CHECK_NUMBER(levels, caps.priorities);
    }
}

static void priority_over_the_queues_highest_is_APR_EINVAL(testing_t *test)
{
    xipc_queue_t *queue = make(3, 1, test);
    REQUIRE(queue != NULL);
    apr_status_t rv = put_int(queue, 1, 3, -1);
    CHECK_STATUS(APR_EINVAL, rv);
    CHECK(strstr(testing_text(rv), "highest is 2") != NULL);
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static xipc_queue_t *automatic(apr_size_t message_max, unsigned levels, testing_t *test)
{
    xipc_queue_t *queue = NULL;
    xipc_queue_options_t *options = options_of(levels, 3, test);
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_AUTO));
    CHECK_OK(xipc_queue_options_message_max_set(options, message_max));
    return CHECK_OK(xipc_queue_create_ex(&queue, options, test->pool)) ? queue : NULL;
}

static void AUTO_has_the_priorities_that_were_asked_for(testing_t *test)
{
    xipc_queue_caps_t caps;
    for (apr_size_t message_max = 0; message_max <= 100; message_max += 100) {
        xipc_queue_t *queue = automatic(message_max, ALL, test);
        REQUIRE(queue != NULL);
        CHECK_OK(xipc_queue_caps(&caps, queue));
        CHECK_NUMBER(ALL, caps.priorities);
        CHECK(caps.backend == XIPC_QUEUE_SHM || caps.backend == XIPC_QUEUE_MQUEUE);
        if (message_max == 0) CHECK_NUMBER(XIPC_QUEUE_SHM, caps.backend);
    }
}

static void priorities_of_the_systems_queue_are_there_or_refused_by_name(testing_t *test)
{
    xipc_queue_caps_t caps;
    xipc_queue_t *queue = NULL;
    xipc_queue_options_t *options = options_of(LEVELS, 3, test);
    if (system_has_fork()) {
        CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_MQUEUE));
        REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
        CHECK_OK(xipc_queue_caps(&caps, queue));
        CHECK_NUMBER(ALL, caps.priorities);
    } else {
        CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_MAILSLOT));
        apr_status_t rv = xipc_queue_create_ex(&queue, options, test->pool);
        CHECK_STATUS(APR_ENOTIMPL, rv);
        CHECK(strstr(testing_text(rv), "mailslot has no priorities") != NULL);
        CHECK(queue == NULL);
    }
}

static void tasks_with_priorities_are_refused_by_name(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    xipc_queue_options_t *options = options_of(2, 3, test);
    CHECK_OK(xipc_queue_options_joinable_set(options, 1));
    for (int i = 0; i < 2; i++) {
        apr_status_t rv = xipc_queue_create_ex(&queue, options, test->pool);
        CHECK_STATUS(APR_ENOTIMPL, rv);
        CHECK(strstr(testing_text(rv), "priorities") != NULL);
        CHECK(queue == NULL);
        CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_AUTO));
        CHECK_OK(xipc_queue_options_message_max_set(options, 100));
    }
}

static const testing_case_t cases[] = {
    EACH_QUEUE(batch_is_taken_in_the_order_of_the_priorities),
    EACH_QUEUE_AND_METHOD(each_priority_keeps_the_order_of_each_writer),
    EACH_QUEUE_AND_METHOD(put_of_every_priority_wakes_a_sleeping_reader),
    EACH_METHOD(reader_at_a_reserved_place_is_woken_by_a_higher_priority),
    EACH_QUEUE_AND_METHOD(bound_holds_over_all_priorities_at_every_moment),
    ONCE(bounds_in_messages_and_in_bytes_hold_together_over_all),
    ONCE(million_messages_of_one_priority_fit),
    ONCE(priorities_that_are_not_used_take_no_memory),
    ONCE(drained_memory_is_given_back_from_every_priority),
    ONCE(place_is_of_priority_0_and_higher_ones_pass_it),
    ONCE(messages_of_every_priority_are_held_and_released_in_any_order),
    ONCE(empty_messages_are_held_wherever_they_stand),
    ONCE(levels_are_1_to_32),
    ONCE(priority_over_the_queues_highest_is_APR_EINVAL),
    ONCE(AUTO_has_the_priorities_that_were_asked_for),
    ONCE(tasks_with_priorities_are_refused_by_name),
    OF_SYSTEM_QUEUE(priorities_of_the_systems_queue_are_there_or_refused_by_name),
};

TESTING_MAIN("queue.priorities", cases)
