/*
 * Starting an empty child and joining it, from parents of different size.
 *
 * The parents are processes of their own, so that each keeps the memory it touched, and the samples
 * of several can be taken in turns. They do as they are told over a connection.
 */
#include "bench.h"

#include "xipc/connection.h"
#include "xipc/process.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef enum { RAW_FORK, RAW_SPAWN, XIPC_FORK, XIPC_SPAWN, XIPC_FORKSERVER } start_e;

typedef struct {
    start_e what;
    uint64_t count;
} order_t;

static void need(apr_status_t rv)
{
    bench_need(rv == APR_SUCCESS, "a process");
}

/* ---- in the parents ---- */

static int do_nothing(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

static void start_xipc(xipc_start_method_e method, apr_pool_t *pool)
{
    xipc_process_t *process;
    need(xipc_process_create(&process, do_nothing, NULL, pool));
    need(xipc_process_start_method_set(process, method));
    need(xipc_process_start(process));
    need(xipc_process_join(process, -1));
    need(xipc_process_close(process));
    apr_pool_clear(pool);
}

static void start_raw(start_e what)
{
    siginfo_t how;
    pid_t pid = -1;
    char *const argv[] = {"bench", BENCH_EXIT_AT_ONCE, NULL};
    if (what == RAW_SPAWN)
        bench_need(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) == 0, "spawn");
    else
        pid = fork();
    if (pid == 0) _exit(0);
    bench_need(pid > 0 && waitid(P_PID, (id_t)pid, &how, WEXITED) == 0, "a raw process");
}

static double carry_out(const order_t *order, apr_pool_t *pool)
{
    static const xipc_start_method_e methods[] = {[XIPC_FORK] = XIPC_START_FORK,
                                                  [XIPC_SPAWN] = XIPC_START_SPAWN,
                                                  [XIPC_FORKSERVER] = XIPC_START_FORKSERVER};
    double began = bench_now();
    for (uint64_t i = 0; i < order->count; i++) {
        if (order->what < XIPC_FORK)
            start_raw(order->what);
        else
            start_xipc(methods[order->what], pool);
    }
    return (bench_now() - began) / (double)order->count;
}

/* Memory in small pages, as most is: fork copies an entry for each. */
static void touch(size_t size)
{
    unsigned char *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bench_need(memory != MAP_FAILED, "mmap");
    (void)madvise(memory, size, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
}

/* args: the connection, and how many bytes to touch. */
static int parent_main(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *line;
    apr_int64_t size;
    order_t order;
    apr_size_t got;
    apr_pool_t *each = bench_pool();
    need(xipc_values_get_connection(&line, args, 0));
    need(xipc_values_get_int(&size, args, 1));
    if (size > 0) touch((size_t)size);
    (void)pool;
    /* not measured: the first child by each method, for which there is no forkserver yet */
    for (start_e what = RAW_FORK; what <= XIPC_FORKSERVER; what++)
        (void)carry_out(&(order_t){what, 1}, each);
    while (xipc_connection_recv_into(&got, line, &order, sizeof order, -1) == APR_SUCCESS) {
        double time = carry_out(&order, each);
        need(xipc_connection_send(line, &time, sizeof time, -1));
    }
    return 0;
}

/* ---- here ---- */

enum { PARENTS = 3 };

typedef struct {
    size_t size;
    xipc_connection_t *line;
    xipc_process_t *process;
} parent_t;

static parent_t parents[PARENTS];
static apr_pool_t *parents_pool;

static void start_parent(parent_t *parent, size_t size)
{
    xipc_connection_t *theirs;
    if (parents_pool == NULL) parents_pool = bench_pool();
    xipc_values_t *args = xipc_values_make(parents_pool);
    need(xipc_pipe_create(&parent->line, &theirs, 1, parents_pool));
    need(xipc_values_add_connection(args, theirs));
    need(xipc_values_add_int(args, (apr_int64_t)size));
    need(xipc_process_create(&parent->process, parent_main, args, parents_pool));
    need(xipc_process_start_method_set(parent->process, XIPC_START_SPAWN));
    need(xipc_process_start(parent->process));
    need(xipc_connection_close(theirs));
    parent->size = size;
}

static parent_t *parent_of(size_t size)
{
    parent_t *parent = parents;
    while (parent->line != NULL && parent->size != size) parent++;
    if (parent->line == NULL) start_parent(parent, size);
    return parent;
}

static double start(const bench_work_t *work)
{
    double time;
    apr_size_t size;
    const parent_t *parent = parent_of(work->size);
    const order_t order = {(start_e)work->kind, work->count};
    need(xipc_connection_send(parent->line, &order, sizeof order, -1));
    need(xipc_connection_recv_into(&size, parent->line, &time, sizeof time, -1));
    return time;
}

static void end_parents(void)
{
    for (parent_t *parent = parents; parent->line != NULL; parent++) {
        need(xipc_connection_close(parent->line));
        need(xipc_process_join(parent->process, -1));
    }
    if (parents_pool != NULL) apr_pool_destroy(parents_pool);
}

/* ---- rows ---- */

typedef struct {
    size_t size;
    uint64_t forks;
    const char *name;
} memory_t;

static const memory_t memories[PARENTS] = {
    {0, 200, "nothing"}, {256 << 20, 20, "256 MiB"}, {(size_t)2 << 30, 4, "2 GiB"}};

enum { NEW_PROGRAMS = 50, QUICK_SMALLER = 64 };

typedef struct {
    const char *name;
    const char *floor_name;
    start_e xipc;
    start_e floor;
    double aim;
    int is_small_floor; /* whose parent touched nothing */
} method_t;

static const method_t methods[] = {
    {"fork", "raw fork, waitid", XIPC_FORK, RAW_FORK, 1.2, 0},
    {"spawn", "posix_spawn, waitid", XIPC_SPAWN, RAW_SPAWN, 1.3, 0},
    {"forkserver", "raw fork of a small process", XIPC_FORKSERVER, RAW_FORK, 2.0, 1},
};

static bench_work_t work_of(const bench_t *bench, const memory_t *memory, start_e kind)
{
    int is_of_parent = kind == RAW_FORK || kind == XIPC_FORK; /* as slow as that is large */
    return (bench_work_t){.once = start,
                          .count = is_of_parent ? memory->forks : NEW_PROGRAMS,
                          .size = bench->is_quick ? memory->size / QUICK_SMALLER : memory->size,
                          .kind = (int)kind};
}

static void compare(bench_t *bench, const method_t *method)
{
    char name[64];
    for (int i = 0; i < PARENTS; i++) {
        const memory_t *floor = &memories[method->is_small_floor ? 0 : i];
        bench_row_t row = {.name = name,
                           .floor_name = method->floor_name,
                           .aim = method->aim,
                           .xipc = work_of(bench, &memories[i], method->xipc),
                           .floor = work_of(bench, floor, method->floor)};
        (void)snprintf(name, sizeof name, "%s, %s touched", method->name, memories[i].name);
        bench_row(bench, &row);
    }
}

static void growth(bench_t *bench, const method_t *method)
{
    char name[64];
    bench_row_t row = {.name = name,
                       .floor_name = "the same, nothing touched",
                       .aim = 1.1,
                       .xipc = work_of(bench, &memories[PARENTS - 1], method->xipc),
                       .floor = work_of(bench, &memories[0], method->xipc)};
    (void)snprintf(name, sizeof name, "%s does not grow, 2 GiB touched", method->name);
    bench_row(bench, &row);
}

void bench_processes(bench_t *bench)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) compare(bench, &methods[i]);
    growth(bench, &methods[1]);
    growth(bench, &methods[2]);
    end_parents();
}
