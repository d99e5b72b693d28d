/* xipc's queues. */
#include "bench.h"

#include "xipc/queue.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 32, KIB = 1024, MIB = 1024 * KIB };

static unsigned char message[MIB];

static void need(apr_status_t rv)
{
    bench_need(rv == APR_SUCCESS, "a queue");
}

/* NULL: bench_cannot() was told. */
static xipc_queue_t *make(xipc_queue_backend_e backend, size_t capacity, size_t size,
                          apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_queue_options_t *options;
    need(xipc_queue_options_create(&options, pool));
    need(xipc_queue_options_backend_set(options, backend));
    need(xipc_queue_options_capacity_set(options, capacity));
    need(xipc_queue_options_message_max_set(options, size));
    if (xipc_queue_create_ex(&queue, options, pool) == APR_SUCCESS) return queue;
    (void)bench_cannot("such a queue can't be made here");
    return NULL;
}

/* ---- what the processes do ---- */

static void one_by_one(const bench_side_t *side)
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
    apr_pool_t *pool = bench_pool();
    for (uint64_t left = side->messages; left > 0;) {
        apr_size_t count;
        need(xipc_queue_get_many(&count, messages, left < BATCH ? (apr_size_t)left : BATCH,
                                 side->context, -1, pool));
        left -= count;
        apr_pool_clear(pool);
    }
}

static void by_batches(const bench_side_t *side)
{
    (side->is_reader ? get_batches : put_batches)(side);
}

/* The writer touches the first byte: how the rest gets its contents is its own business. */
static void in_place(const bench_side_t *side)
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

/* Over two queues. */
static void to_and_fro(const bench_side_t *side)
{
    xipc_queue_t *const *pair = side->context;
    size_t size;
    for (uint64_t i = 0; i < side->messages; i++) {
        if (!side->is_reader) need(xipc_queue_put(pair[0], message, side->size, -1));
        need(xipc_queue_get_into(&size, pair[!side->is_reader], message, sizeof message, -1));
        if (side->is_reader) need(xipc_queue_put(pair[1], message, side->size, -1));
    }
}

/* ---- samples ---- */

static double through(const bench_work_t *work, xipc_queue_backend_e backend,
                      void (*run)(const bench_side_t *))
{
    apr_pool_t *pool = bench_pool();
    xipc_queue_t *queue = make(backend, work->capacity, work->size, pool);
    double time = queue == NULL ? 0 : bench_run_work(work, run, queue);
    apr_pool_destroy(pool);
    return time;
}

double bench_queue_through(const bench_work_t *work)
{
    return through(work, XIPC_QUEUE_SHM, one_by_one);
}

static double shm_batches(const bench_work_t *work)
{
    return through(work, XIPC_QUEUE_SHM, by_batches);
}

static double shm_in_place(const bench_work_t *work)
{
    return through(work, XIPC_QUEUE_SHM, in_place);
}

static double mqueue(const bench_work_t *work)
{
    return through(work, XIPC_QUEUE_MQUEUE, one_by_one);
}

static double round_trip(const bench_work_t *work)
{
    apr_pool_t *pool = bench_pool();
    xipc_queue_t *pair[2] = {make(XIPC_QUEUE_SHM, 4, work->size, pool),
                             make(XIPC_QUEUE_SHM, 4, work->size, pool)};
    double time = bench_run_work(work, to_and_fro, pair);
    apr_pool_destroy(pool);
    return time;
}

static double creation(const bench_work_t *work)
{
    apr_pool_t *pool = bench_pool();
    double began = bench_now();
    for (uint64_t i = 0; i < work->count; i++) {
        need(xipc_queue_close(make(XIPC_QUEUE_SHM, work->capacity, work->size, pool)));
        apr_pool_clear(pool);
    }
    double time = (bench_now() - began) / (double)work->count;
    apr_pool_destroy(pool);
    return time;
}

/* ---- memory ---- */

/* Bytes that this process has in memory; smaps counts pages, where statm estimates. */
static double resident(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    if (file == NULL) return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "Rss:", 4) == 0) kib = strtoul(line + 4, NULL, 10);
    (void)fclose(file);
    return (double)kib * KIB;
}

/* Of a queue that is empty; with work->kind one that has been full. */
static double memory(const bench_work_t *work)
{
    apr_pool_t *pool = bench_pool();
    double before = resident();
    if (before == 0) return bench_cannot("there is no smaps_rollup here");
    xipc_queue_t *queue = make(XIPC_QUEUE_SHM, work->capacity, work->size, pool);
    size_t size;
    for (size_t i = 0; work->kind && i < work->capacity; i++)
        need(xipc_queue_put(queue, message, work->size, 0));
    for (size_t i = 0; work->kind && i < work->capacity; i++)
        need(xipc_queue_get_into(&size, queue, message, work->size, 0));
    double after = resident();
    apr_pool_destroy(pool);
    return after - before;
}

/* ---- rows ---- */

#define PINNED(call, messages, bytes, bound)                                                       \
    {                                                                                              \
        .once = (call), .count = (messages), .size = (bytes), .capacity = (bound),                 \
        .place = BENCH_TWO_PROCESSORS                                                              \
    }
#define CROWD(call, bound)                                                                         \
    {                                                                                              \
        .once = (call), .count = 400000, .size = 64, .capacity = (bound), .writers = 4,            \
        .readers = 4                                                                               \
    }

static const char plain_ring[] = "plain ring, spinning";

static const bench_row_t one_way[] = {
    {"1 to 1, 64 B, capacity 1024", plain_ring, 1.5, BENCH_TIME,
     PINNED(bench_queue_through, 1000000, 64, 1024), PINNED(bench_floor_ring, 1000000, 64, 1024)},
    {"1 to 1, 64 B, capacity 10", plain_ring, 2.5, BENCH_TIME,
     PINNED(bench_queue_through, 1000000, 64, 10), PINNED(bench_floor_ring, 1000000, 64, 10)},
    {"1 to 1, 64 B, capacity 1024, by 32", plain_ring, 1.0, BENCH_TIME,
     PINNED(shm_batches, 1000000, 64, 1024), PINNED(bench_floor_ring, 1000000, 64, 1024)},
    {"1 to 1, 64 KiB, capacity 16", plain_ring, 1 / 0.95, BENCH_TIME,
     PINNED(bench_queue_through, 20000, 64 * KIB, 16),
     PINNED(bench_floor_ring, 20000, 64 * KIB, 16)},
    {"1 to 1, 64 KiB in place", "64 B in place", 2.0, BENCH_TIME,
     PINNED(shm_in_place, 200000, 64 * KIB, 16), PINNED(shm_in_place, 200000, 64, 16)},
    {"1 to 1, 1 MiB in place", "64 B in place", 2.0, BENCH_TIME,
     PINNED(shm_in_place, 200000, MIB, 16), PINNED(shm_in_place, 200000, 64, 16)},
    {"4 to 4, 64 B, capacity 10", "raw mqueue, 4 to 4", 0.15, BENCH_TIME,
     CROWD(bench_queue_through, 10), CROWD(bench_floor_mqueue, 10)},
    {"4 to 4, 64 B, capacity 1024",
     "Boost message_queue, 4 to 4",
     0.6,
     BENCH_TIME,
     CROWD(bench_queue_through, 1024),
     {.once = bench_peer,
      .count = 400000,
      .size = 64,
      .capacity = 1024,
      .writers = 4,
      .readers = 4,
      .how = "boost"}},
};

static const bench_row_t kernel[] = {
    {"mqueue, 1 to 1, 64 B, two processors", "raw mq_timedsend, mq_timedreceive", 1.1, BENCH_TIME,
     PINNED(mqueue, 100000, 64, 10), PINNED(bench_floor_mqueue, 100000, 64, 10)},
    {"mqueue, 1 to 1, 64 B, one processor",
     "raw mq_timedsend, mq_timedreceive",
     1.1,
     BENCH_TIME,
     {.once = mqueue, .count = 100000, .size = 64, .capacity = 10, .place = BENCH_ONE_PROCESSOR},
     {.once = bench_floor_mqueue,
      .count = 100000,
      .size = 64,
      .capacity = 10,
      .place = BENCH_ONE_PROCESSOR}},
    {"mqueue, 4 to 4, 64 B", "raw mq_timedsend, mq_timedreceive", 1.1, BENCH_TIME,
     CROWD(mqueue, 10), CROWD(bench_floor_mqueue, 10)},
};

static const bench_row_t cost[] = {
    {"an empty queue, 1024 x 64 B",
     "its limit",
     1.0,
     BENCH_BYTES,
     {.once = memory, .size = 64, .capacity = 1024},
     {.once = bench_floor_number, .size = 256 * KIB}},
    {"the same queue, empty after it was full",
     "its limit",
     1.0,
     BENCH_BYTES,
     {.once = memory, .size = 64, .capacity = 1024, .kind = 1},
     {.once = bench_floor_number, .size = 256 * KIB}},
    {"make and close a queue, 1024 x 64 B",
     "memfd_create, mmap, munmap, close",
     10.0,
     BENCH_TIME,
     {.once = creation, .count = 2000, .size = 64, .capacity = 1024},
     {.once = bench_floor_memory, .count = 2000, .size = 64, .capacity = 1024}},
};

static void rows(bench_t *bench, const bench_row_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) bench_row(bench, &list[i]);
}

static void round_trips(bench_t *bench)
{
    static const size_t sizes[] = {8, 64, 1024};
    char name[64];
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        int is_one = i % 2 != 0;
        bench_row_t row = {.name = name,
                           .floor_name =
                               is_one ? "bare futex, to and fro" : "cache line, to and fro",
                           .aim = is_one ? 1.0 : 2.0};
        row.xipc = (bench_work_t){.once = round_trip,
                                  .count = is_one ? 50000 : 300000,
                                  .size = sizes[i / 2],
                                  .place = is_one ? BENCH_ONE_PROCESSOR : BENCH_TWO_PROCESSORS};
        row.floor = row.xipc;
        row.floor.once = is_one ? bench_floor_futex : bench_floor_line;
        (void)snprintf(name, sizeof name, "round trip, %zu B, %s", sizes[i / 2],
                       is_one ? "one processor" : "two processors");
        bench_row(bench, &row);
    }
}

void bench_queues(bench_t *bench)
{
    rows(bench, one_way, sizeof one_way / sizeof one_way[0]);
    round_trips(bench);
    rows(bench, kernel, sizeof kernel / sizeof kernel[0]);
    rows(bench, cost, sizeof cost / sizeof cost[0]);
}
