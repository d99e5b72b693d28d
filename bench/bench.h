/*
 * bench.h - the harness: a row is a piece of xipc's work beside the bare primitive that it stands
 * on, both measured in turns in one run of this program.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "runs.h"

#include <apr_pools.h>

#include <stdio.h>

typedef enum { BENCH_TIME, BENCH_BYTES, BENCH_CALLS } bench_unit_e;

/* What one sample is made of; what the numbers mean is a group's own business. */
typedef struct bench_work_t bench_work_t;
struct bench_work_t {
    /* One sample: nanoseconds, bytes or calls for one message. 0: it failed; or bench_cannot(). */
    double (*once)(const bench_work_t *work);
    uint64_t count; /* messages in a sample; `--quick` takes a part of them */
    bench_place_e place;
    int writers; /* 0: 1 */
    int readers;
    size_t size;
    size_t capacity;
    int kind;
    const void *how;
};

typedef struct {
    const char *name;
    const char *floor_name; /* what it is compared with; NULL: nothing */
    double aim;             /* of the ratio; 0: none */
    bench_unit_e unit;
    bench_work_t xipc;
    bench_work_t floor;
} bench_row_t;

/* The median of the samples, and how they lie. */
typedef struct {
    double median;
    double least;
    double most;
    double spread; /* half the distance between the quartiles, as a part of the median */
} bench_figure_t;

typedef struct {
    const bench_row_t *row;
    const char *cannot; /* why there are no figures; NULL: here they are */
    bench_figure_t xipc;
    bench_figure_t floor;
    double ratio;      /* of the medians */
    double ratio_best; /* of the least samples, which others' load disturbs least */
    int is_met;
} bench_result_t;

/* A run of the benchmark. */
typedef struct {
    const char *group;  /* the one that is at work */
    const char *headed; /* the one whose head was printed last */
    int repeats;
    int is_quick;
    int is_list;
    int is_markdown;
    FILE *json; /* NULL: not asked for */
    char *const *chosen;
    int chosen_count;
    int failed;
} bench_t;

/* ---- measure.c ---- */

/* Measure a row and report it, if it was chosen. */
void bench_row(bench_t *bench, const bench_row_t *row);

/* What a sample returns that can't be had here, and why. */
double bench_cannot(const char *why);

/* ---- report.c ---- */

void bench_report_begin(const bench_t *bench);
void bench_report(bench_t *bench, const bench_result_t *result);

/* ---- the groups ---- */

void bench_queues(bench_t *bench);
void bench_processes(bench_t *bench);
void bench_connections(bench_t *bench);
void bench_handshakes(bench_t *bench); /* a part of the connections */
void bench_peers(bench_t *bench);

/* The argument with which this program ends as the first thing in its main: a raw spawned process. */
#define BENCH_EXIT_AT_ONCE "--exit-at-once"

/* ---- floors.c: what the machine gives ---- */

double bench_floor_ring(const bench_work_t *work);  /* one writer, one reader, both spin */
double bench_floor_line(const bench_work_t *work);  /* a cache line to and fro, both spin */
double bench_floor_futex(const bench_work_t *work); /* the same with a bare futex */
double bench_floor_mqueue(const bench_work_t *work);
double bench_floor_memory(const bench_work_t *work); /* memfd, mapped and given back */
double bench_floor_number(const bench_work_t *work); /* work->size: a limit */

/* ---- peers.c ---- */

/* The same messages through another library, work->how; see `bench_peers`. */
double bench_peer(const bench_work_t *work);

/* ---- queues.c ---- */

/* One by one through xipc's queue in shared memory. */
double bench_queue_through(const bench_work_t *work);

/* ---- calls.c ---- */

/*
 * System calls that a process makes between the two marks that `work` sets in it. 0: it can't be
 * traced here.
 */
double bench_calls(void (*work)(void *context), void *context);
void bench_mark(void);

/* ---- what groups share ---- */

/* A run of a work with its own context, by its fields. */
double bench_run_work(const bench_work_t *work, void (*run)(const bench_side_t *), void *context);

/* A pool for one sample. */
apr_pool_t *bench_pool(void);

#endif
