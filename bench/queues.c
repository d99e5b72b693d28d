/* xipc's queue in shared memory. */
#include "bench.h"

#include "xipc/queue.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 32 };

static apr_pool_t *pool_of_all(void)
{
    static apr_pool_t *pool;
    if (pool == NULL && apr_pool_create(&pool, NULL) != APR_SUCCESS) abort();
    return pool;
}

static void need(apr_status_t rv)
{
    if (rv != APR_SUCCESS) abort();
}

void *bench_queue(size_t capacity, size_t size)
{
    xipc_queue_t *queue;
    xipc_queue_options_t *options;
    need(xipc_queue_options_create(&options, pool_of_all()));
    need(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    need(xipc_queue_options_capacity_set(options, capacity));
    need(xipc_queue_options_message_max_set(options, size));
    need(xipc_queue_create_ex(&queue, options, pool_of_all()));
    return queue;
}

static unsigned char message[1 << 20];

void bench_queue_run(const bench_side_t *side)
{
    size_t size;
    for (uint64_t i = 0; i < side->messages; i++)
        need(side->is_reader
                 ? xipc_queue_get_into(&size, side->context, message, sizeof message, -1)
                 : xipc_queue_put(side->context, message, side->size, -1));
}

static void put_batches(const bench_side_t *side)
{
    xipc_queue_message_t messages[BATCH];
    apr_size_t done;
    for (int i = 0; i < BATCH; i++) messages[i] = (xipc_queue_message_t){message, side->size};
    for (uint64_t i = 0; i < side->messages; i += BATCH)
        need(xipc_queue_put_many(&done, side->context, messages, BATCH, -1));
}

static void get_batches(const bench_side_t *side)
{
    xipc_queue_message_t messages[BATCH];
    apr_pool_t *pool;
    need(apr_pool_create(&pool, NULL));
    for (uint64_t left = side->messages; left > 0;) {
        apr_size_t count;
        need(xipc_queue_get_many(&count, messages, left < BATCH ? (apr_size_t)left : BATCH,
                                 side->context, -1, pool));
        left -= count;
        apr_pool_clear(pool);
    }
}

void bench_queue_batch_run(const bench_side_t *side)
{
    (side->is_reader ? get_batches : put_batches)(side);
}

void bench_queue_place_run(const bench_side_t *side)
{
    for (uint64_t i = 0; i < side->messages; i++) {
        void *place;
        const void *data;
        size_t size;
        if (side->is_reader) {
            need(xipc_queue_peek(&data, &size, side->context, -1));
            need(xipc_queue_release(side->context, data));
        } else {
            need(xipc_queue_reserve(&place, side->context, side->size, -1));
            *(unsigned char *)place = 1;
            need(xipc_queue_commit(side->context, place, side->size));
        }
    }
}

void *bench_queue_pair(size_t size)
{
    static void *pairs[16][2];
    static int count;
    void **pair = pairs[count++];
    pair[0] = bench_queue(4, size);
    pair[1] = bench_queue(4, size);
    return pair;
}

void bench_queue_trip_run(const bench_side_t *side)
{
    void **pair = side->context;
    size_t size;
    for (uint64_t i = 0; i < side->messages; i++) {
        if (!side->is_reader) need(xipc_queue_put(pair[0], message, side->size, -1));
        need(xipc_queue_get_into(&size, pair[!side->is_reader], message, sizeof message, -1));
        if (side->is_reader) need(xipc_queue_put(pair[1], message, side->size, -1));
    }
}
