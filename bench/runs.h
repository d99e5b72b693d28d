/*
 * runs.h - a run: writers and readers, processes forked for it, which begin together.
 *
 * The peers' programs use it as well, one of them in C++. The time is each process's own: from the
 * first that begins to the last that ends.
 */
#ifndef BENCH_RUNS_H
#define BENCH_RUNS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the processes of a run are: writers on the first processor, readers on the second ... */
typedef enum { BENCH_ANYWHERE, BENCH_TWO_PROCESSORS, BENCH_ONE_PROCESSOR } bench_place_e;

/* One process of a run, `index` of the `count` on its side. */
typedef struct {
    int is_reader;
    int index;
    int count;
    uint64_t messages; /* for this process to put or get */
    size_t size;
    void *context;
    void *seat; /* the run's own */
} bench_side_t;

typedef struct {
    void (*work)(const bench_side_t *side);
    int writers;
    int readers;
    bench_place_e place;
    int is_counted;    /* readers go on for ever, and call bench_took() for each message */
    uint64_t messages; /* in all */
    size_t size;
    void *context;
} bench_run_t;

/* Nanoseconds a message. 0: a process failed, or it took longer than a minute. */
double bench_run(const bench_run_t *run);

void bench_took(const bench_side_t *side);

/* Are there processors enough? */
int bench_has_place(bench_place_e place);

/* This process goes there: its writers' processor, or its readers'. */
void bench_go_to(bench_place_e place, int is_reader);

double bench_now(void); /* nanoseconds */

/* Shared memory, zeroed, for processes forked later. */
void *bench_shared(size_t size);
void bench_unshare(void *memory, size_t size);

/* Ends the process with a word about the call that failed. */
void bench_need(int is_well, const char *what);

#ifdef __cplusplus
}
#endif

#endif
