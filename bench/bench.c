/* The benchmark: rows of nanoseconds a message, each beside its floor; see bench.h. */
#include "bench.h"

#include "xipc/runtime.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS = 3 };

void *bench_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    return memory;
}

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

/* ---- a run ---- */

static void child(const bench_run_t *run, int is_reader, int index, _Atomic int *ready)
{
    bench_side_t side = {.is_reader = is_reader, .index = index, .size = run->size};
    side.count = is_reader ? run->readers : run->writers;
    side.messages = run->messages / (uint64_t)side.count;
    side.context = run->context;
    if (run->is_pinned) pin(is_reader ? run->reader_on : 0);
    atomic_fetch_add(ready, 1);
    while (atomic_load(ready) < run->readers + run->writers) (void)sched_yield();
    run->run(&side);
    _exit(0);
}

static double run_once(const bench_run_t *run)
{
    _Atomic int *ready = bench_shared(sizeof *ready);
    int count = run->readers + run->writers;
    for (int i = 0; i < count; i++)
        if (fork() == 0)
            child(run, i >= run->writers, i >= run->writers ? i - run->writers : i, ready);
    while (atomic_load(ready) < count) (void)sched_yield();
    double began = now();
    int failed = 0;
    for (int i = 0; i < count; i++) {
        int status;
        (void)wait(&status);
        failed |= status;
    }
    (void)munmap(ready, sizeof *ready);
    return failed ? 0 : (now() - began) / (double)run->messages;
}

double bench_measure(const bench_run_t *run)
{
    double best = 0;
    if (run->is_pinned && run->reader_on >= (int)sysconf(_SC_NPROCESSORS_ONLN)) return 0;
    for (int i = 0; i < REPEATS; i++) {
        double time = run_once(run);
        if (time > 0 && (best == 0 || time < best)) best = time;
    }
    return best;
}

/* ---- the rows ---- */

static void row(const char *name, double time, double floor, double aim)
{
    if (time == 0 || floor == 0) {
        printf("%-44s %s\n", name, "not measured: too few processors, or it failed");
        return;
    }
    double ratio = time / floor;
    printf("%-44s %9.1f ns %9.1f ns %6.2f x  aim %.2f  %s\n", name, time, floor, ratio, aim,
           ratio <= aim ? "met" : "missed");
    printf("{\"row\": \"%s\", \"ns\": %.1f, \"floor_ns\": %.1f, \"ratio\": %.3f, \"aim\": %.2f}\n",
           name, time, floor, ratio, aim);
}

static double pinned(void (*run)(const bench_side_t *), void *context, uint64_t messages,
                     size_t size, int reader_on)
{
    const bench_run_t what = {.run = run,
                              .writers = 1,
                              .readers = 1,
                              .is_pinned = 1,
                              .reader_on = reader_on,
                              .messages = messages,
                              .size = size,
                              .context = context};
    return bench_measure(&what);
}

static double crowd(void *queue, uint64_t messages)
{
    const bench_run_t what = {.run = bench_queue_run,
                              .writers = 4,
                              .readers = 4,
                              .messages = messages,
                              .size = 64,
                              .context = queue};
    return bench_measure(&what);
}

static void one_to_one(void)
{
    enum { MESSAGES = 1000000 };
    /* the floor of a run starts each time with an empty ring of its own */
    double deep = 0, shallow = 0, large = 0;
    for (int i = 0; i < REPEATS; i++) {
        bench_run_t what = {.run = bench_ring_run,
                            .writers = 1,
                            .readers = 1,
                            .is_pinned = 1,
                            .reader_on = 1,
                            .messages = MESSAGES,
                            .size = 64};
        what.context = bench_ring(1024, 64);
        double time = run_once(&what);
        if (deep == 0 || time < deep) deep = time;
        what.context = bench_ring(10, 64);
        time = run_once(&what);
        if (shallow == 0 || time < shallow) shallow = time;
        what.messages = 30000;
        what.size = 65536;
        what.context = bench_ring(16, 65536);
        time = run_once(&what);
        if (large == 0 || time < large) large = time;
    }
    row("1 to 1, 64 B, capacity 1024",
        pinned(bench_queue_run, bench_queue(1024, 64), MESSAGES, 64, 1), deep, 1.5);
    row("1 to 1, 64 B, capacity 10", pinned(bench_queue_run, bench_queue(10, 64), MESSAGES, 64, 1),
        shallow, 2.5);
    row("1 to 1, 64 B, capacity 1024, by 32",
        pinned(bench_queue_batch_run, bench_queue(1024, 64), MESSAGES, 64, 1), deep, 1.0);
    row("1 to 1, 64 KiB, capacity 16",
        pinned(bench_queue_run, bench_queue(16, 65536), 30000, 65536, 1), large, 1 / 0.95);
    double small = pinned(bench_queue_place_run, bench_queue(16, 64), 100000, 64, 1);
    row("1 MiB in place, beside 64 B in place",
        pinned(bench_queue_place_run, bench_queue(16, 1 << 20), 100000, 1 << 20, 1), small, 2.0);
}

static void round_trips(void)
{
    row("round trip 64 B, two processors, line",
        pinned(bench_queue_trip_run, bench_queue_pair(64), 300000, 64, 1),
        pinned(bench_line_run, bench_shared(64), 300000, 64, 1), 2.0);
    row("round trip 64 B, one processor, futex",
        pinned(bench_queue_trip_run, bench_queue_pair(64), 100000, 64, 0),
        pinned(bench_futex_run, bench_shared(64), 100000, 64, 0), 1.0);
}

static void crowds(void)
{
    double floor = crowd(bench_queue(1024, 64), 400000);
    printf("4 to 4, 64 B, capacity 1024: %.1f ns\n", floor);
    printf("4 to 4, 64 B, capacity 10: %.1f ns\n", crowd(bench_queue(10, 64), 400000));
}

int main(int argc, char **argv)
{
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return 1;
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    printf("%-44s %12s %12s\n", "row", "xipc", "floor");
    one_to_one();
    round_trips();
    crowds();
    xipc_terminate();
    return 0;
}
