/*
 * Random calls by several processes, one after the other, on each kind of queue: each answer is the one that a simple list
 * of messages gives. Processes are killed in between, with messages that they write or read in place.
 *
 * XIPC_RANDOM_STEPS says how many calls, XIPC_RANDOM_SEED repeats those of another run.
 */
#include "hands.h"
#include "ledger.h"

#include <apr_env.h>
#include <apr_strings.h>

#include <stdio.h>

enum { HANDS = 3, MOST = 256, STEPS = 3000, CROWD = 40 };

typedef struct {
    testing_queue_e queue;
    apr_size_t capacity; /* messages; 0 for no bound */
    apr_size_t bytes;    /* of all of them, on shm */
    apr_size_t most;     /* bytes of one */
    int is_bounded_message;
    int in_place;
    unsigned levels; /* of priorities; 0 for none */
} kind_t;

/* ---- the model ---- */

typedef enum { WAITING, WRITTEN, LOOKED_AT, DONE } state_e;

/* A message from its put on, until its room is free. */
typedef struct {
    apr_int64_t number;
    apr_size_t size;
    apr_size_t room; /* bytes that were asked for */
    state_e state;
    int is_taken; /* DONE, and not by being given up */
    unsigned priority;
    int hand; /* whose it is while it is written or looked at */
    int place;
} message_t;

typedef struct {
    const kind_t *kind;
    message_t messages[MOST];
    int count;
    apr_int64_t next;
    apr_size_t given_up; /* whose room is free, and that no reader has come by yet */
} model_t;

/* Room becomes free in order, of each priority. */
static void model_free(model_t *model)
{
    int kept = 0;
    apr_uint32_t stuck = 0; /* priorities with an earlier message that is not done */
    for (int i = 0; i < model->count; i++) {
        const message_t *message = &model->messages[i];
        if (message->state != DONE) stuck |= (apr_uint32_t)1 << message->priority;
        if (stuck >> message->priority & 1)
            model->messages[kept++] = *message;
        else
            model->given_up += !message->is_taken;
    }
    model->count = kept;
}

static apr_size_t rounded(apr_size_t size)
{
    return (size + 63) / 64 * 64;
}

static int model_has_room(const model_t *model, apr_size_t size)
{
    apr_size_t bytes = rounded(size);
    if (model->kind->capacity > 0 && (apr_size_t)model->count >= model->kind->capacity) return 0;
    for (int i = 0; i < model->count; i++) bytes += rounded(model->messages[i].room);
    return model->kind->bytes == 0 || bytes <= rounded(model->kind->bytes);
}

static message_t *model_add(model_t *model, apr_size_t size, state_e state)
{
    message_t *message = &model->messages[model->count++];
    *message = (message_t){.number = model->next++, .size = size, .room = size, .state = state};
    return message;
}

/* The next to be taken, or NULL: none, or the next is still being written. */
static message_t *model_first(model_t *model)
{
    message_t *first = NULL;
    for (int i = 0; i < model->count; i++) {
        message_t *message = &model->messages[i];
        if (message->state != WRITTEN && message->state != WAITING) continue;
        if (first == NULL || message->priority > first->priority) first = message;
    }
    return first == NULL || first->state == WRITTEN ? NULL : first;
}

static void model_take(message_t *message)
{
    message->state = DONE;
    message->is_taken = 1;
}

static message_t *model_of(model_t *model, int hand, int place, state_e state)
{
    for (int i = 0; i < model->count; i++) {
        message_t *message = &model->messages[i];
        if (message->state == state && message->hand == hand && message->place == place)
            return message;
    }
    return NULL;
}

/* What was given up counts until somebody comes by. */
static int model_is_size(const model_t *model, apr_size_t size)
{
    apr_size_t least = 0;
    apr_size_t most = model->given_up;
    for (int i = 0; i < model->count; i++) {
        const message_t *message = &model->messages[i];
        int is_in = message->state == WAITING || message->state == WRITTEN;
        least += (apr_size_t)is_in;
        most += is_in || (message->state == DONE && !message->is_taken);
    }
    return size >= least && size <= most;
}

/* ---- the processes ---- */

typedef struct {
    testing_t test;
    const kind_t *kind;
    xipc_queue_t *queue;
    xipc_process_t *processes[HANDS];
    xipc_connection_t *orders[HANDS];
    apr_pool_t *pools[HANDS];
    model_t model;
    ledger_dice_t dice;
} random_t;

static int start(random_t *random, int hand)
{
    testing_t inner = random->test;
    xipc_connection_t *there;
    if (!CHECK_OK(apr_pool_create(&random->pools[hand], random->test.pool))) return 0;
    inner.pool = random->pools[hand];
    if (!CHECK_OK(xipc_pipe_create(&random->orders[hand], &there, 1, inner.pool))) return 0;
    xipc_values_t *args = testing_queue_args(random->queue, inner.pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    random->processes[hand] = testing_start(&inner, hands_work, args);
    CHECK_OK(xipc_connection_close(there));
    return random->processes[hand] != NULL;
}

static void stop(random_t *random, int hand, int expected)
{
    CHECK_OK(xipc_connection_close(random->orders[hand]));
    CHECK_NUMBER(expected, testing_finish(random->processes[hand]));
    apr_pool_destroy(random->pools[hand]);
}

/* What it wrote or read in place is nobody's then. */
static int kill_one(random_t *random, int hand)
{
    CHECK_OK(xipc_process_kill(random->processes[hand]));
    stop(random, hand, -9);
    for (int i = 0; i < random->model.count; i++) {
        message_t *message = &random->model.messages[i];
        if (message->hand != hand) continue;
        if (message->state == LOOKED_AT) model_take(message);
        if (message->state == WRITTEN) message->state = DONE;
    }
    model_free(&random->model);
    return start(random, hand);
}

static int ask(hands_answer_t *answer, random_t *random, int hand, const hands_order_t *order)
{
    apr_size_t size;
    xipc_connection_t *orders = random->orders[hand];
    return CHECK_OK(xipc_connection_send(orders, order, sizeof *order, TESTING_PATIENCE)) &&
           CHECK_OK(xipc_connection_recv_into(&size, orders, answer, sizeof *answer,
                                              TESTING_PATIENCE)) &&
           CHECK_NUMBER(sizeof *answer, size);
}

/* ---- one call, and what the model says to it ---- */

static void expect(hands_order_t *order, apr_size_t i, const message_t *message)
{
    order->count = i + 1;
    order->sizes[i] = message->size;
    order->numbers[i] = message->number;
}

static void try_put(random_t *random, int hand, hands_order_t *order)
{
    hands_answer_t answer;
    apr_size_t done = 0;
    model_t *model = &random->model;
    apr_size_t count =
        order->op == HANDS_PUT_MANY ? 1 + ledger_throw(&random->dice, HANDS_BATCH) : 1;
    if (model->count > CROWD) return;
    for (apr_size_t i = 0; i < count; i++) {
        order->sizes[i] = ledger_throw(&random->dice, (unsigned)random->kind->most + 1);
        order->numbers[i] = model->next + (apr_int64_t)i;
    }
    order->count = count;
    if (order->op == HANDS_PUT && random->kind->levels > 0)
        order->priority = ledger_throw(&random->dice, random->kind->levels);
    while (done < count && model_has_room(model, order->sizes[done]))
        model_add(model, order->sizes[done++], WAITING)->priority = order->priority;
    if (!ask(&answer, random, hand, order)) return;
    CHECK_STATUS(done == count ? APR_SUCCESS : XIPC_EFULL, answer.status);
    CHECK_NUMBER(done, answer.count);
}

static void try_get(random_t *random, int hand, hands_order_t *order)
{
    hands_answer_t answer;
    message_t *first = model_first(&random->model);
    if (first != NULL) expect(order, 0, first);
    if (!ask(&answer, random, hand, order)) return;
    CHECK_STATUS(first != NULL ? APR_SUCCESS : XIPC_EEMPTY, answer.status);
    CHECK_NUMBER(first != NULL, answer.count);
    if (first == NULL) return;
    CHECK(answer.is_right);
    model_take(first);
}

static void try_get_into(random_t *random, int hand, hands_order_t *order)
{
    hands_answer_t answer;
    message_t *first = model_first(&random->model);
    apr_size_t room = ledger_throw(&random->dice, (unsigned)random->kind->most + 1);
    if (first != NULL) expect(order, 0, first);
    order->sizes[1] = room;
    if (!ask(&answer, random, hand, order)) return;
    if (random->kind->queue == TESTING_QUEUE_SYSTEM && room < random->kind->most) {
        CHECK_STATUS(XIPC_EMSGSIZE, answer.status); /* it can't look before it takes */
    } else if (first == NULL) {
        CHECK_STATUS(XIPC_EEMPTY, answer.status);
    } else if (first->size > room) {
        CHECK_STATUS(XIPC_EMSGSIZE, answer.status);
        CHECK_NUMBER(first->size, answer.size);
    } else {
        CHECK_OK(answer.status);
        CHECK(answer.is_right);
        model_take(first);
    }
}

static void try_get_many(random_t *random, int hand, hands_order_t *order)
{
    hands_answer_t answer;
    message_t *first;
    while (order->count < HANDS_BATCH && (first = model_first(&random->model)) != NULL) {
        expect(order, order->count, first);
        model_take(first);
    }
    if (!ask(&answer, random, hand, order)) return;
    CHECK_STATUS(order->count > 0 ? APR_SUCCESS : XIPC_EEMPTY, answer.status);
    CHECK_NUMBER(order->count, answer.count);
    if (order->count > 0) CHECK(answer.is_right);
}

static void try_size(random_t *random, int hand, hands_order_t *order)
{
    hands_answer_t answer;
    if (!ask(&answer, random, hand, order)) return;
    CHECK_OK(answer.status);
    CHECK(model_is_size(&random->model, answer.count));
}

/* ---- in place ---- */

static void try_reserve(random_t *random, int hand, hands_order_t *order)
{
    hands_answer_t answer;
    model_t *model = &random->model;
    if (model->count > CROWD || model_of(model, hand, order->place, WRITTEN) != NULL) return;
    order->sizes[0] = ledger_throw(&random->dice, (unsigned)random->kind->most + 1);
    order->numbers[0] = model->next;
    int has_room = model_has_room(model, order->sizes[0]);
    if (!ask(&answer, random, hand, order)) return;
    CHECK_STATUS(has_room ? APR_SUCCESS : XIPC_EFULL, answer.status);
    if (!has_room) return;
    message_t *message = model_add(model, order->sizes[0], WRITTEN);
    message->hand = hand;
    message->place = order->place;
}

static void try_finish(random_t *random, int hand, hands_order_t *order)
{
    hands_answer_t answer;
    message_t *message = model_of(&random->model, hand, order->place, WRITTEN);
    if (message == NULL) return;
    message->state = order->op == HANDS_COMMIT ? WAITING : DONE;
    message->size = ledger_throw(&random->dice, (unsigned)message->room + 1);
    expect(order, 0, message);
    if (ask(&answer, random, hand, order)) CHECK_OK(answer.status);
}

static void try_peek(random_t *random, int hand, hands_order_t *order)
{
    hands_answer_t answer;
    model_t *model = &random->model;
    message_t *first = model_first(model);
    if (model_of(model, hand, order->place, LOOKED_AT) != NULL) return;
    if (first != NULL) expect(order, 0, first);
    if (!ask(&answer, random, hand, order)) return;
    CHECK_STATUS(first != NULL ? APR_SUCCESS : XIPC_EEMPTY, answer.status);
    if (first == NULL) return;
    CHECK(answer.is_right);
    first->state = LOOKED_AT;
    first->hand = hand;
    first->place = order->place;
}

static void try_release(random_t *random, int hand, hands_order_t *order)
{
    hands_answer_t answer;
    message_t *message = model_of(&random->model, hand, order->place, LOOKED_AT);
    if (message == NULL) return;
    expect(order, 0, message);
    if (!ask(&answer, random, hand, order)) return;
    CHECK_OK(answer.status);
    CHECK(answer.is_right);
    model_take(message);
}

/* ---- the tests ---- */

/* What is given up is of the lowest priority. */
static int is_lowest(model_t *model)
{
    const message_t *first = model_first(model);
    return first == NULL || first->priority == 0;
}

static int is_reading(hands_op_e op)
{
    return op == HANDS_GET || op == HANDS_GET_INTO || op == HANDS_GET_MANY;
}

static void step(random_t *random)
{
    typedef void (*try_t)(random_t * random, int hand, hands_order_t *order);
    static const try_t tries[HANDS_OPS] = {try_put,      try_put,  try_get,     try_get_into,
                                           try_get_many, try_size, try_reserve, try_finish,
                                           try_finish,   try_peek, try_release};
    hands_order_t order = {0};
    int comes_by;
    int hand = (int)ledger_throw(&random->dice, HANDS);
    order.op =
        (hands_op_e)ledger_throw(&random->dice, random->kind->in_place ? HANDS_OPS : HANDS_RESERVE);
    order.place = (int)ledger_throw(&random->dice, HANDS_PLACES);
    comes_by = is_reading(order.op) && is_lowest(&random->model);
    tries[order.op](random, hand, &order);
    if (comes_by) random->model.given_up = 0;
    model_free(&random->model);
    if (ledger_throw(&random->dice, 200) == 0) (void)kill_one(random, hand);
}

static xipc_queue_t *make_queue(random_t *random)
{
    const kind_t *kind = random->kind;
    xipc_queue_options_t *options;
    xipc_queue_t *queue = NULL;
    apr_pool_t *pool = random->test.pool;
    if (kind->queue == TESTING_QUEUE_MANAGED) return testing_queue(&random->test, kind->capacity);
    if (kind->queue == TESTING_QUEUE_SYSTEM) {
        CHECK_OK(testing_system_queue(&queue, kind->capacity, kind->most, pool));
        return queue;
    }
    CHECK_OK(xipc_queue_options_create(&options, pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    CHECK_OK(xipc_queue_options_capacity_set(options, kind->capacity));
    CHECK_OK(xipc_queue_options_bytes_set(options, kind->bytes));
    if (kind->levels > 0) CHECK_OK(xipc_queue_options_priorities_set(options, kind->levels));
    if (kind->is_bounded_message) CHECK_OK(xipc_queue_options_message_max_set(options, kind->most));
    CHECK_OK(xipc_queue_create_ex(&queue, options, pool));
    return queue;
}

static apr_int64_t from_environment(const char *name, apr_int64_t otherwise, apr_pool_t *pool)
{
    char *value;
    return apr_env_get(&value, name, pool) == APR_SUCCESS ? apr_atoi64(value) : otherwise;
}

static void compare(testing_t *test, const kind_t *kind)
{
    apr_int64_t seed = from_environment("XIPC_RANDOM_SEED", system_clock() % 1000000, test->pool);
    apr_int64_t steps = from_environment("XIPC_RANDOM_STEPS", system_rounds(STEPS), test->pool);
    unsigned failures = testing_failures();
    random_t *random = apr_pcalloc(test->pool, sizeof *random);
    random->test = *test;
    random->test.queue = kind->queue;
    random->kind = random->model.kind = kind;
    random->dice.state = (apr_uint64_t)seed;
    random->queue = make_queue(random);
    REQUIRE(random->queue != NULL);
    for (int i = 0; i < HANDS; i++)
        if (!start(random, i)) return;
    apr_int64_t done = 0;
    for (; done < steps && testing_failures() == failures; done++) step(random);
    printf("(step %d from XIPC_RANDOM_SEED=%d) ", (int)done, (int)seed);
    for (int i = 0; i < HANDS; i++) stop(random, i, 0);
    CHECK_OK(xipc_queue_close(random->queue));
}

static void systems_queue_is_like_the_model(testing_t *test)
{
    kind_t kind = {TESTING_QUEUE_SYSTEM, 5, 0, 700, 1, 0, 0};
    if (system_has_fork()) kind.levels = 4; /* a mailslot has none */
    compare(test, &kind);
}

static void managed_queue_is_like_the_model(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_MANAGED, 6, 0, 3000, 0, 0, 0};
    compare(test, &kind);
}

static void shared_memory_is_like_the_model(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 6, 0, 200, 1, 1, 0};
    compare(test, &kind);
}

static void bytes_are_bounded_as_in_the_model(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 6, 640, 200, 1, 1, 0};
    compare(test, &kind);
}

static void queue_without_bounds_is_like_the_model(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 0, 0, 400000, 0, 1, 0};
    compare(test, &kind);
}

static void bytes_of_a_queue_that_grows_are_bounded_as_in_the_model(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 0, 3000000, 400000, 0, 1, 0};
    compare(test, &kind);
}

static void priorities_are_like_the_model(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 6, 640, 200, 1, 1, 3};
    compare(test, &kind);
}

static void priorities_of_a_queue_that_grows_are_like_the_model(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 0, 3000000, 400000, 0, 1, 32};
    compare(test, &kind);
}

static const testing_case_t cases[] = {
    OF_SYSTEM_QUEUE(systems_queue_is_like_the_model),
    ONCE(managed_queue_is_like_the_model),
    ONCE(shared_memory_is_like_the_model),
    ONCE(bytes_are_bounded_as_in_the_model),
    ONCE(queue_without_bounds_is_like_the_model),
    ONCE(bytes_of_a_queue_that_grows_are_bounded_as_in_the_model),
    ONCE(priorities_are_like_the_model),
    ONCE(priorities_of_a_queue_that_grows_are_like_the_model),
};

TESTING_MAIN("random", cases)
