/* What only a queue in shared memory promises: no bound, batches, messages in place; see queue.h. */
#include "testing.h"

#include <stdint.h>

static xipc_queue_options_t *options_of(apr_size_t capacity, apr_size_t message_max,
                                        testing_t *test)
{
    xipc_queue_options_t *options = NULL;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    CHECK_OK(xipc_queue_options_capacity_set(options, capacity));
    CHECK_OK(xipc_queue_options_message_max_set(options, message_max));
    return options;
}

static xipc_queue_t *make(apr_size_t capacity, apr_size_t message_max, testing_t *test)
{
    xipc_queue_t *queue = NULL;
    const xipc_queue_options_t *options = options_of(capacity, message_max, test);
    return CHECK_OK(xipc_queue_create_ex(&queue, options, test->pool)) ? queue : NULL;
}

/* ---- bounds ---- */

static void million_messages_fit_without_a_reader(testing_t *test)
{
    enum { COUNT = 1000000 };
    char message[64] = "";
    apr_size_t size;
    apr_size_t count = 0;
    int wrong = 0;
    xipc_queue_t *queue = make(0, 0, test);
    REQUIRE(queue != NULL);
    for (unsigned i = 0; i < COUNT; i++) {
        memcpy(message, &i, sizeof i);
        if (xipc_queue_put(queue, message, sizeof message, 0) != APR_SUCCESS) break;
        count++;
    }
    CHECK_NUMBER(COUNT, count);
    CHECK_OK(xipc_queue_size(&count, queue));
    CHECK_NUMBER(COUNT, count);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned number = COUNT;
        if (xipc_queue_get_into(&size, queue, message, sizeof message, 0) != APR_SUCCESS) break;
        memcpy(&number, message, sizeof number);
        wrong += number != i;
        count--;
    }
    CHECK_NUMBER(0, wrong);
    CHECK_NUMBER(0, count);
}

/* A queue that was used for a while, and then not read any more, holds as many as a new one. */
static void backlog_grows_again_whenever_the_reader_stops(testing_t *test)
{
    enum { LEAST = 8185, MOST = 8197, COUNT = 10000 }; /* a MiB is 8192 of them */
    char message[64] = "";
    apr_size_t size;
    for (int before = LEAST; before < MOST; before++) {
        xipc_queue_t *queue = make(0, 0, test);
        REQUIRE(queue != NULL);
        CHECK_OK(xipc_queue_put(queue, message, sizeof message, 0));
        for (int i = 0; i < before; i++) {
            CHECK_OK(xipc_queue_put(queue, message, sizeof message, 0));
            CHECK_OK(xipc_queue_get_into(&size, queue, message, sizeof message, 0));
        }
        for (int i = 0; i < COUNT; i++)
            REQUIRE_OK(xipc_queue_put(queue, message, sizeof message, 0));
        CHECK_OK(xipc_queue_close(queue));
    }
}

static void drained_memory_is_given_back(testing_t *test)
{
    enum { SIZE = 1 << 20, COUNT = 64 };
    apr_size_t size;
    char *message = apr_palloc(test->pool, SIZE);
    if (system_shared_memory() < 0) {
        testing_skip("what is used can't be seen here, or is not given back");
        return;
    }
    xipc_queue_t *queue = make(0, 0, test);
    REQUIRE(queue != NULL);
    apr_int64_t before = system_shared_memory();
    testing_fill(message, SIZE, 1);
    for (int i = 0; i < COUNT; i++) CHECK_OK(xipc_queue_put(queue, message, SIZE, 0));
    apr_int64_t full = system_shared_memory();
    for (int i = 0; i < COUNT; i++) {
        CHECK_OK(xipc_queue_get_into(&size, queue, message, SIZE, 0));
        CHECK(size == SIZE && testing_is_filled(message, SIZE, 1));
    }
    apr_int64_t after = system_shared_memory();
    CHECK(full - before >= (apr_int64_t)SIZE * COUNT);
    CHECK(after - before <= 12 * SIZE);
}

static void long_run_with_a_short_backlog_takes_little_memory(testing_t *test)
{
    enum { SIZE = 60000, ROUNDS = 2000 };
    apr_size_t size;
    char *message = apr_palloc(test->pool, SIZE);
    xipc_queue_t *queue = make(0, 0, test);
    REQUIRE(queue != NULL);
    apr_int64_t before = system_shared_memory();
    for (int i = 0; i < ROUNDS; i++) {
        testing_fill(message, SIZE, (unsigned)i);
        REQUIRE_OK(xipc_queue_put(queue, message, SIZE, 0));
        if (i < 2) continue; /* never quite empty */
        REQUIRE_OK(xipc_queue_get_into(&size, queue, message, SIZE, 0));
        REQUIRE(size == SIZE && testing_is_filled(message, SIZE, (unsigned)i - 2));
    }
    if (before >= 0) CHECK(system_shared_memory() - before <= 4 << 20);
}

static void bytes_bound_the_queue(testing_t *test)
{
    xipc_queue_caps_t caps;
    char message[1000] = "";
    apr_size_t size;
    xipc_queue_t *queue;
    xipc_queue_options_t *options = options_of(0, 0, test);
    CHECK_OK(xipc_queue_options_bytes_set(options, 4096));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    CHECK_OK(xipc_queue_caps(&caps, queue));
    CHECK_NUMBER(4096, caps.bytes);
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 4; i++) REQUIRE_OK(xipc_queue_put(queue, message, 1000, 0));
        CHECK_STATUS(XIPC_EFULL, xipc_queue_put(queue, message, 1, 0));
        for (int i = 0; i < 4; i++)
            REQUIRE_OK(xipc_queue_get_into(&size, queue, message, sizeof message, 0));
    }
    CHECK_STATUS(XIPC_EMSGSIZE, xipc_queue_put(queue, apr_palloc(test->pool, 4097), 4097, 0));
}

static void pass(xipc_queue_t *queue, apr_size_t size, int times)
{
    char buffer[64] = "";
    for (int i = 0; i < times; i++) {
        apr_size_t got;
        CHECK_OK(xipc_queue_put(queue, buffer, size, 0));
        CHECK_OK(xipc_queue_get_into(&got, queue, buffer, sizeof buffer, 0));
    }
}

/* In one round a record does not fit before the end of the ring of 16 units, in the next one another does exactly. */
static void bytes_bound_the_queue_wherever_a_round_ends(testing_t *test)
{
    char buffer[64] = "";
    xipc_queue_t *queue;
    xipc_queue_options_t *options = options_of(4, 64, test);
    CHECK_OK(xipc_queue_options_bytes_set(options, 128));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    pass(queue, 0, 1);
    pass(queue, sizeof buffer, 14);
    CHECK_OK(xipc_queue_put(queue, buffer, sizeof buffer, 0));
    CHECK_OK(xipc_queue_put(queue, buffer, sizeof buffer, 0));
    CHECK_STATUS(XIPC_EFULL, xipc_queue_put(queue, buffer, sizeof buffer, 0));
}

static void bounds_in_messages_and_in_bytes_hold_together(testing_t *test)
{
    char message[1000] = "";
    apr_size_t size;
    xipc_queue_t *queue;
    xipc_queue_caps_t caps;
    xipc_queue_options_t *options = options_of(3, 0, test);
    CHECK_OK(xipc_queue_options_bytes_set(options, 2048));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    CHECK_OK(xipc_queue_caps(&caps, queue));
    CHECK(caps.capacity == 3 && caps.bytes == 2048);
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 3; i++) REQUIRE_OK(xipc_queue_put(queue, message, 64, 0));
        CHECK_STATUS(XIPC_EFULL, xipc_queue_put(queue, message, 64, 0)); /* of messages */
        for (int i = 0; i < 3; i++)
            REQUIRE_OK(xipc_queue_get_into(&size, queue, message, sizeof message, 0));
        for (int i = 0; i < 2; i++) REQUIRE_OK(xipc_queue_put(queue, message, 1000, 0));
        CHECK_STATUS(XIPC_EFULL, xipc_queue_put(queue, message, 1, 0)); /* of bytes */
        for (int i = 0; i < 2; i++)
            REQUIRE_OK(xipc_queue_get_into(&size, queue, message, sizeof message, 0));
    }
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static void put_larger_than_the_queue_could_ever_hold_is_XIPC_EMSGSIZE(testing_t *test)
{
    xipc_queue_t *queue = make(3, 0, test);
    REQUIRE(queue != NULL);
    CHECK_STATUS(XIPC_EMSGSIZE, xipc_queue_put(queue, "", SIZE_MAX / 2, -1));
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static void bounds_nothing_could_bear_are_refused_by_name_and_number(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    const xipc_queue_options_t *options = options_of(SIZE_MAX / 4, 1 << 20, test);
    CHECK_STATUS(XIPC_ELIMIT, xipc_queue_create_ex(&queue, options, test->pool));
    options = options_of(0, SIZE_MAX - 1, test);
    CHECK_STATUS(XIPC_ELIMIT, xipc_queue_create_ex(&queue, options, test->pool));
    CHECK(queue == NULL);
}

static void full_queue_of_the_largest_messages_holds_them_all(testing_t *test)
{
    char message[200];
    apr_size_t size;
    for (apr_size_t capacity = 1; capacity <= 9; capacity++) {
        xipc_queue_t *queue = make(capacity, sizeof message, test);
        REQUIRE(queue != NULL);
        for (int round = 0; round < 50; round++) {
            for (apr_size_t i = 0; i < capacity; i++)
                CHECK_OK(xipc_queue_put(queue, message, sizeof message, 0));
            CHECK_STATUS(XIPC_EFULL, xipc_queue_put(queue, message, 1, 0));
            for (apr_size_t i = 0; i < capacity; i++)
                CHECK_OK(xipc_queue_get_into(&size, queue, message, sizeof message, 0));
        }
        CHECK_OK(xipc_queue_close(queue));
    }
}

/* ---- batches ---- */

static void batches_go_in_and_come_out_in_order(testing_t *test)
{
    enum { COUNT = 8 };
    xipc_queue_message_t messages[COUNT];
    apr_int64_t numbers[COUNT];
    apr_size_t done = 0;
    xipc_queue_t *queue = testing_queue(test, COUNT);
    REQUIRE(queue != NULL);
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = i;
        messages[i] = (xipc_queue_message_t){&numbers[i], sizeof numbers[i]};
    }
    CHECK_OK(xipc_queue_put_many(&done, queue, messages, COUNT, TESTING_PATIENCE));
    CHECK_NUMBER(8, done);
    CHECK_OK(xipc_queue_get_many(&done, messages, 5, queue, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(5, done);
    for (apr_size_t i = 0; i < done; i++) CHECK(memcmp(messages[i].data, &numbers[i], 8) == 0);
    CHECK_OK(xipc_queue_get_many(&done, messages, COUNT, queue, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(3, done);
    for (apr_size_t i = 0; i < done; i++) CHECK(memcmp(messages[i].data, &numbers[i + 5], 8) == 0);
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_many(&done, messages, 1, queue, 0, test->pool));
}

static void put_many_tells_how_many_went_in(testing_t *test)
{
    xipc_queue_message_t messages[5] = {{"a", 1}, {"b", 1}, {NULL, 0}, {"d", 1}, {"e", 1}};
    apr_size_t done = 77;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    CHECK_STATUS(XIPC_EFULL, xipc_queue_put_many(&done, queue, messages, 5, MILLISECONDS(20)));
    CHECK_NUMBER(3, done);
    CHECK_NUMBER(1, xipc_queue_is_full(queue));
    CHECK_OK(xipc_queue_put_many(&done, queue, NULL, 0, 0));
    CHECK_NUMBER(0, done);
}

/* ---- in place ---- */

static void message_is_written_and_read_in_place(testing_t *test)
{
    void *place = NULL;
    const void *data = NULL;
    apr_size_t size = 0;
    xipc_queue_t *queue = make(3, 0, test);
    REQUIRE(queue != NULL);
    for (apr_size_t most = 0; most < 300000; most = most * 3 + 1) {
        REQUIRE_OK(xipc_queue_reserve(&place, queue, most, 0));
        CHECK((uintptr_t)place % 64 == 0);
        testing_fill(place, most / 2, 5);
        CHECK_STATUS(XIPC_EEMPTY, xipc_queue_peek(&data, &size, queue, 0));
        CHECK_OK(xipc_queue_commit(queue, place, most / 2));
        REQUIRE_OK(xipc_queue_peek(&data, &size, queue, 0));
        CHECK(size == most / 2 && testing_is_filled(data, size, 5) && (uintptr_t)data % 64 == 0);
        CHECK_OK(xipc_queue_release(queue, data));
    }
}

static void abandoned_place_is_passed_over(testing_t *test)
{
    void *first;
    void *second;
    apr_int64_t number = 0;
    xipc_queue_t *queue = make(3, 0, test);
    REQUIRE(queue != NULL);
    for (int round = 0; round < 20; round++) {
        REQUIRE_OK(xipc_queue_reserve(&first, queue, 100, 0));
        REQUIRE_OK(xipc_queue_reserve(&second, queue, 100, 0));
        CHECK_OK(testing_put_int(queue, round, 0));
        CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 4, 0));
        CHECK_OK(xipc_queue_abandon(queue, second));
        CHECK_OK(xipc_queue_abandon(queue, first));
        CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
        CHECK_NUMBER(round, number);
        CHECK_NUMBER(1, xipc_queue_is_empty(queue));
    }
}

static void held_messages_keep_their_room_until_released_in_any_order(testing_t *test)
{
    const void *first;
    const void *second;
    apr_size_t size;
    xipc_queue_t *queue = make(2, 100, test);
    REQUIRE(queue != NULL);
    for (apr_int64_t round = 0; round < 20; round++) {
        CHECK_OK(testing_put_int(queue, round, 0));
        CHECK_OK(testing_put_int(queue, round + 1, 0));
        REQUIRE_OK(xipc_queue_peek(&first, &size, queue, 0));
        REQUIRE_OK(xipc_queue_peek(&second, &size, queue, 0));
        CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 9, 0));
        CHECK_OK(xipc_queue_release(queue, second));
        CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 9, 0));
        CHECK(memcmp(first, &round, sizeof round) == 0);
        CHECK_OK(xipc_queue_release(queue, first));
    }
}

static void what_is_not_ones_own_cannot_be_committed_or_released(testing_t *test)
{
    void *place;
    const void *data;
    apr_size_t size = 0;
    xipc_queue_t *queue = make(3, 0, test);
    REQUIRE(queue != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_commit(queue, &size, 0));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_release(queue, &size));
    REQUIRE_OK(xipc_queue_reserve(&place, queue, 10, 0));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_release(queue, place));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_commit(queue, (char *)place + 1, 0));
    CHECK_STATUS(XIPC_EMSGSIZE, xipc_queue_commit(queue, place, 65));
    CHECK_OK(xipc_queue_commit(queue, place, 10));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_commit(queue, place, 10));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_abandon(queue, place));
    REQUIRE_OK(xipc_queue_peek(&data, &size, queue, 0));
    CHECK_OK(xipc_queue_release(queue, data));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_release(queue, data));
}

static void other_backends_have_no_place_in_our_memory(testing_t *test)
{
    void *place;
    if (test->queue == TESTING_QUEUE_SHM || test->queue == TESTING_QUEUE_LEVELS) {
        testing_skip("this one has");
        return;
    }
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    CHECK_STATUS(APR_ENOTIMPL, xipc_queue_reserve(&place, queue, 1, 0));
}

/* ---- against a model ---- */

/* A message is known by its number, which gives its size and its bytes. */
typedef struct {
    xipc_queue_t *queue;
    apr_size_t capacity;
    apr_size_t most;
    unsigned put;
    unsigned got;
    unsigned random;
    char *bytes;
} model_t;

static unsigned next_random(model_t *model)
{
    model->random = model->random * 1103515245U + 12345U;
    return model->random >> 8;
}

static apr_size_t size_of(const model_t *model, unsigned number)
{
    return (apr_size_t)(number * 2654435761U) % (model->most + 1);
}

static void model_put(model_t *model)
{
    void *place = model->bytes;
    apr_size_t size = size_of(model, model->put);
    int in_place = next_random(model) % 2 == 0;
    apr_status_t expected = model->capacity > 0 && model->put - model->got >= model->capacity
                                ? XIPC_EFULL
                                : APR_SUCCESS;
    if (in_place && expected == APR_SUCCESS)
        CHECK_OK(xipc_queue_reserve(&place, model->queue, model->most, 0));
    testing_fill(place, size, model->put);
    if (in_place && expected == APR_SUCCESS)
        CHECK_OK(xipc_queue_commit(model->queue, place, size));
    else
        CHECK_STATUS(expected, xipc_queue_put(model->queue, place, size, 0));
    model->put += expected == APR_SUCCESS;
}

static void model_get(model_t *model)
{
    const void *data = model->bytes;
    apr_size_t size = 0;
    int in_place = next_random(model) % 2 == 0;
    apr_status_t expected = model->put == model->got ? XIPC_EEMPTY : APR_SUCCESS;
    CHECK_STATUS(expected,
                 in_place ? xipc_queue_peek(&data, &size, model->queue, 0)
                          : xipc_queue_get_into(&size, model->queue, model->bytes, model->most, 0));
    if (expected != APR_SUCCESS) return;
    CHECK_NUMBER(size_of(model, model->got), size);
    CHECK(testing_is_filled(data, size, model->got));
    if (in_place) CHECK_OK(xipc_queue_release(model->queue, data));
    model->got++;
}

/* The backlog grows and shrinks, so that a ring that grows does so too. */
static void run_model(apr_size_t capacity, apr_size_t most, int steps, testing_t *test)
{
    apr_size_t count;
    model_t model = {.capacity = capacity, .most = most, .random = 7};
    model.queue = make(capacity, capacity > 0 ? most : 0, test);
    model.bytes = apr_palloc(test->pool, most + 1);
    REQUIRE(model.queue != NULL);
    for (int i = 0; i < steps; i++) {
        unsigned chance = i / 200 % 2 == 0 ? 7 : 3;
        if (next_random(&model) % 10 < chance)
            model_put(&model);
        else
            model_get(&model);
        CHECK_OK(xipc_queue_size(&count, model.queue));
        CHECK_NUMBER(model.put - model.got, count);
    }
}

static void random_calls_do_what_a_simple_model_does(testing_t *test)
{
    run_model(1, 0, 2000, test);
    run_model(3, 200, 20000, test);
    run_model(10, 5000, 10000, test);
    run_model(0, 300, 20000, test);
    run_model(0, 60000, 6000, test);
    run_model(0, 1500000, 800, test);
    run_model(20, 1500000, 800, test);
}

static const testing_case_t cases[] = {
    ONCE(million_messages_fit_without_a_reader),
    ONCE(backlog_grows_again_whenever_the_reader_stops),
    ONCE(drained_memory_is_given_back),
    ONCE(long_run_with_a_short_backlog_takes_little_memory),
    ONCE(bytes_bound_the_queue),
    ONCE(bounds_in_messages_and_in_bytes_hold_together),
    ONCE(bytes_bound_the_queue_wherever_a_round_ends),
    ONCE(put_larger_than_the_queue_could_ever_hold_is_XIPC_EMSGSIZE),
    ONCE(bounds_nothing_could_bear_are_refused_by_name_and_number),
    ONCE(full_queue_of_the_largest_messages_holds_them_all),
    EACH_QUEUE(batches_go_in_and_come_out_in_order),
    EACH_QUEUE(put_many_tells_how_many_went_in),
    ONCE(message_is_written_and_read_in_place),
    ONCE(abandoned_place_is_passed_over),
    ONCE(held_messages_keep_their_room_until_released_in_any_order),
    ONCE(what_is_not_ones_own_cannot_be_committed_or_released),
    ONCE(random_calls_do_what_a_simple_model_does),
    EACH_QUEUE(other_backends_have_no_place_in_our_memory),
};

TESTING_MAIN("queue.shm", cases)
