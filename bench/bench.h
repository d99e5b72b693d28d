/*
 * bench.h - what the parts of the benchmark share.
 *
 * Each row runs in processes forked for it: writers first, then readers, each pinned to a processor or not. A run's time
 * is from the moment all are ready until the last reader is done.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* One side of a run: `index` of `count` processes. */
typedef struct {
    int is_reader;
    int index;
    int count;
    uint64_t messages; /* for this process to put or get */
    size_t size;
    void *context;
} bench_side_t;

typedef struct {
    const char *name;
    void (*run)(const bench_side_t *side);
    int writers;
    int readers;
    int is_pinned; /* writers to processor 0, readers to `reader_on` */
    int reader_on;
    uint64_t messages; /* in all */
    size_t size;
    void *context;
} bench_run_t;

/* Nanoseconds a message, the best of a few runs; 0 when there are not enough processors. */
double bench_measure(const bench_run_t *run);

/* Shared memory for a floor, zeroed. */
void *bench_shared(size_t size);

/* The context of a floor's ring, for messages up to a size. */
void *bench_ring(size_t capacity, size_t size);

/* ---- floors.c ---- */

void bench_ring_run(const bench_side_t *side);  /* one writer, one reader, both spin */
void bench_line_run(const bench_side_t *side);  /* a cache line handed to and fro, both spin */
void bench_futex_run(const bench_side_t *side); /* the same with a bare futex */

/* ---- queues.c ---- */

void *bench_queue(size_t capacity, size_t size);
void bench_queue_run(const bench_side_t *side);
void bench_queue_batch_run(const bench_side_t *side); /* by 32 */
void bench_queue_place_run(const bench_side_t *side); /* reserve, peek */
void *bench_queue_pair(size_t size);
void bench_queue_trip_run(const bench_side_t *side); /* a round trip over two queues */

#endif
