/* The processes of a run. */
#include "runs.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SEATS_MAX = 32, PATIENCE_S = 60 };

typedef struct {
    double began;
    double ended;
    _Atomic uint64_t taken;
    unsigned char fill[40]; /* a cache line each */
} seat_t;

typedef struct {
    _Atomic int ready;
    unsigned char fill[60];
    seat_t seats[SEATS_MAX];
} board_t;

void bench_need(int is_well, const char *what)
{
    if (is_well) return;
    (void)fprintf(stderr, "bench: %s failed\n", what);
    _exit(1);
}

void *bench_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench_need(memory != MAP_FAILED, "mmap");
    return memory;
}

void bench_unshare(void *memory, size_t size)
{
    (void)munmap(memory, size);
}

double bench_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* ---- processors ---- */

/* The number of the nth processor that this program may use, -1 when there are not so many. */
static int nth_processor(int n)
{
    static cpu_set_t set; /* as at first */
    static int is_known;
    if (!is_known) is_known = sched_getaffinity(0, sizeof set, &set) == 0;
    for (int i = 0; is_known && i < CPU_SETSIZE; i++)
        if (CPU_ISSET((size_t)i, &set) && n-- == 0) return i;
    return -1;
}

int bench_has_place(bench_place_e place)
{
    return nth_processor(place == BENCH_TWO_PROCESSORS) >= 0;
}

void bench_go_to(bench_place_e place, int is_reader)
{
    cpu_set_t set;
    int processor = nth_processor(place == BENCH_TWO_PROCESSORS && is_reader);
    if (place == BENCH_ANYWHERE || processor < 0) return;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

/* ---- a process of it ---- */

void bench_took(const bench_side_t *side)
{
    seat_t *seat = side->seat;
    uint64_t taken = atomic_load_explicit(&seat->taken, memory_order_relaxed);
    atomic_store_explicit(&seat->taken, taken + 1, memory_order_relaxed);
}

static void take_part(const bench_run_t *run, board_t *board, int number)
{
    seat_t *seat = &board->seats[number];
    int is_reader = number >= run->writers;
    bench_side_t side = {.is_reader = is_reader,
                         .index = is_reader ? number - run->writers : number,
                         .count = is_reader ? run->readers : run->writers,
                         .size = run->size,
                         .context = run->context,
                         .seat = seat};
    side.messages = run->messages / (uint64_t)side.count;
    bench_go_to(run->place, is_reader);
    atomic_fetch_add(&board->ready, 1);
    while (atomic_load(&board->ready) < run->writers + run->readers) (void)sched_yield();
    seat->began = bench_now();
    run->work(&side);
    seat->ended = bench_now();
    _exit(0);
}

/* ---- the whole ---- */

/* They are a group of their own, which ends with this process. */
static pid_t begin(const bench_run_t *run, board_t *board)
{
    pid_t group = 0;
    for (int i = 0; i < run->writers + run->readers; i++) {
        pid_t pid = fork();
        bench_need(pid >= 0, "fork");
        (void)setpgid(pid, group);
        if (pid == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            take_part(run, board, i);
        }
        if (group == 0) group = pid;
    }
    return group;
}

/* Nobody waits for ever for one that failed: the others are ended then. */
static int await_all(pid_t group)
{
    int status;
    int is_well = 1;
    for (;;) {
        if (waitpid(-group, &status, 0) > 0) {
            if (status != 0) {
                is_well = 0;
                (void)kill(-group, SIGKILL);
            }
        } else if (errno != EINTR) {
            return is_well;
        }
    }
}

static uint64_t taken_of_all(board_t *board, int count)
{
    uint64_t taken = 0;
    for (int i = 0; i < count; i++) taken += atomic_load(&board->seats[i].taken);
    return taken;
}

/* Where readers can't know which of them takes the last message. Returns the time it was taken. */
static double await_count(const bench_run_t *run, board_t *board)
{
    const uint64_t all = run->messages / (uint64_t)run->writers * (uint64_t)run->writers;
    const struct timespec pause = {.tv_nsec = 500000};
    double limit = bench_now() + PATIENCE_S * 1e9;
    double now = bench_now();
    while (taken_of_all(board, run->writers + run->readers) < all && now < limit) {
        (void)nanosleep(&pause, NULL);
        now = bench_now();
    }
    return now < limit ? now : 0;
}

static double duration(const board_t *board, int count, double ended)
{
    double began = board->seats[0].began;
    for (int i = 0; i < count; i++) {
        if (board->seats[i].began < began) began = board->seats[i].began;
        if (board->seats[i].ended > ended) ended = board->seats[i].ended;
    }
    return ended - began;
}

double bench_run(const bench_run_t *run)
{
    int count = run->writers + run->readers;
    double ended = 0;
    bench_need(count <= SEATS_MAX, "a run of so many processes");
    (void)nth_processor(0); /* before any of them is bound to one */
    board_t *board = bench_shared(sizeof *board);
    pid_t group = begin(run, board);
    if (run->is_counted) {
        ended = await_count(run, board);
        (void)kill(-group, SIGKILL);
    }
    int is_well = await_all(group);
    if (run->is_counted) is_well = ended > 0;
    double time = is_well ? duration(board, count, ended) / (double)run->messages : 0;
    bench_unshare(board, sizeof *board);
    return time;
}
