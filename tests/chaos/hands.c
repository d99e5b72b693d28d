/* See hands.h. */
#include "hands.h"

typedef struct {
    xipc_queue_t *queue;
    void *written[HANDS_PLACES];
    const void *read[HANDS_PLACES];
    apr_pool_t *pool; /* for one call */
} hands_t;

static unsigned seed_of(apr_int64_t number)
{
    return (unsigned)number * 7919;
}

static char *make(apr_int64_t number, apr_size_t size, apr_pool_t *pool)
{
    char *bytes = apr_palloc(pool, size + 1);
    testing_fill(bytes, size, seed_of(number));
    return bytes;
}

static int is_right(const void *data, apr_size_t size, const hands_order_t *order, apr_size_t i)
{
    return i < order->count && size == order->sizes[i] &&
           testing_is_filled(data, size, seed_of(order->numbers[i]));
}

/* ---- each call ---- */

static void put(hands_answer_t *answer, hands_t *hands, const hands_order_t *order)
{
    xipc_queue_message_t messages[HANDS_BATCH];
    for (apr_size_t i = 0; i < order->count; i++) {
        messages[i].data = make(order->numbers[i], order->sizes[i], hands->pool);
        messages[i].size = order->sizes[i];
    }
    if (order->op == HANDS_PUT_MANY) {
        answer->status =
            xipc_queue_put_many(&answer->count, hands->queue, messages, order->count, 0);
        return;
    }
    answer->status = xipc_queue_put_priority(hands->queue, messages[0].data, messages[0].size,
                                             order->priority, 0);
    answer->count = answer->status == APR_SUCCESS;
}

static void get(hands_answer_t *answer, hands_t *hands, const hands_order_t *order)
{
    void *data;
    answer->status = xipc_queue_get(&data, &answer->size, hands->queue, 0, hands->pool);
    if (answer->status != APR_SUCCESS) return;
    answer->count = 1;
    answer->is_right = is_right(data, answer->size, order, 0);
}

static void get_into(hands_answer_t *answer, hands_t *hands, const hands_order_t *order)
{
    char *buffer = apr_palloc(hands->pool, order->sizes[1] + 1);
    answer->status = xipc_queue_get_into(&answer->size, hands->queue, buffer, order->sizes[1], 0);
    if (answer->status != APR_SUCCESS) return;
    answer->count = 1;
    answer->is_right = is_right(buffer, answer->size, order, 0);
}

static void get_many(hands_answer_t *answer, hands_t *hands, const hands_order_t *order)
{
    xipc_queue_message_t messages[HANDS_BATCH];
    answer->status =
        xipc_queue_get_many(&answer->count, messages, HANDS_BATCH, hands->queue, 0, hands->pool);
    if (answer->status != APR_SUCCESS) return;
    answer->is_right = answer->count == order->count;
    for (apr_size_t i = 0; i < answer->count; i++)
        answer->is_right &= is_right(messages[i].data, messages[i].size, order, i);
}

static void reserve(hands_answer_t *answer, hands_t *hands, const hands_order_t *order)
{
    void *place;
    answer->status = xipc_queue_reserve(&place, hands->queue, order->sizes[0], 0);
    if (answer->status != APR_SUCCESS) return;
    hands->written[order->place] = place;
    testing_fill(place, order->sizes[0], seed_of(order->numbers[0]));
}

static void peek(hands_answer_t *answer, hands_t *hands, const hands_order_t *order)
{
    const void *data;
    answer->status = xipc_queue_peek(&data, &answer->size, hands->queue, 0);
    if (answer->status != APR_SUCCESS) return;
    hands->read[order->place] = data;
    answer->count = 1;
    answer->is_right = is_right(data, answer->size, order, 0);
}

/* It is still what it was, however long it was held. */
static void release(hands_answer_t *answer, hands_t *hands, const hands_order_t *order)
{
    const void *data = hands->read[order->place];
    answer->is_right = is_right(data, order->sizes[0], order, 0);
    answer->status = xipc_queue_release(hands->queue, data);
}

static void obey(hands_answer_t *answer, hands_t *hands, const hands_order_t *order)
{
    switch (order->op) {
    case HANDS_PUT:
    case HANDS_PUT_MANY:
        put(answer, hands, order);
        break;
    case HANDS_GET:
        get(answer, hands, order);
        break;
    case HANDS_GET_INTO:
        get_into(answer, hands, order);
        break;
    case HANDS_GET_MANY:
        get_many(answer, hands, order);
        break;
    case HANDS_RESERVE:
        reserve(answer, hands, order);
        break;
    case HANDS_COMMIT:
        answer->status =
            xipc_queue_commit(hands->queue, hands->written[order->place], order->sizes[0]);
        break;
    case HANDS_ABANDON:
        answer->status = xipc_queue_abandon(hands->queue, hands->written[order->place]);
        break;
    case HANDS_PEEK:
        peek(answer, hands, order);
        break;
    case HANDS_RELEASE:
        release(answer, hands, order);
        break;
    default:
        answer->status = xipc_queue_size(&answer->count, hands->queue);
    }
}

int hands_work(xipc_values_t *args, apr_pool_t *pool)
{
    hands_t hands = {0};
    hands_order_t order;
    apr_size_t size;
    xipc_connection_t *orders;
    if (xipc_values_get_queue(&hands.queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&orders, args, 1) != APR_SUCCESS) return 91;
    if (apr_pool_create(&hands.pool, pool) != APR_SUCCESS) return 92;
    while (xipc_connection_recv_into(&size, orders, &order, sizeof order, -1) == APR_SUCCESS) {
        hands_answer_t answer = {0};
        obey(&answer, &hands, &order);
        if (xipc_connection_send(orders, &answer, sizeof answer, -1) != APR_SUCCESS) return 93;
        apr_pool_clear(hands.pool);
    }
    return 0;
}
