/* xipc's connections beside bare socket pairs. */
#include "bench.h"
#include "sockets.h"

#include "xipc/connection.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * KIB, COUNTED = 100 };

static unsigned char message[MIB];

/* Either kind; the writer has the first end, the reader the second. */
typedef struct {
    xipc_connection_t *ends[2];
    socket_t sockets[2];
    apr_interval_time_t timeout;
} pair_t;

static void need(apr_status_t rv)
{
    bench_need(rv == APR_SUCCESS, "a connection");
}

/* ---- what the processes do ---- */

static void send_xipc(const pair_t *pair, int end, size_t size)
{
    need(xipc_connection_send(pair->ends[end], message, size, pair->timeout));
}

static void receive_xipc(const pair_t *pair, int end)
{
    apr_size_t size;
    need(xipc_connection_recv_into(&size, pair->ends[end], message, sizeof message, pair->timeout));
}

static void send_raw(const pair_t *pair, int end, size_t size)
{
    bench_need(socket_send(pair->sockets[end].fd, message, size), "a socket");
}

static void receive_raw(pair_t *pair, int end)
{
    size_t size;
    bench_need(socket_receive(&pair->sockets[end], message, &size), "a socket");
}

static void to_and_fro_xipc(const bench_side_t *side)
{
    const pair_t *pair = side->context;
    for (uint64_t i = 0; i < side->messages; i++) {
        if (!side->is_reader) send_xipc(pair, 0, side->size);
        receive_xipc(pair, side->is_reader);
        if (side->is_reader) send_xipc(pair, 1, side->size);
    }
}

static void to_and_fro_raw(const bench_side_t *side)
{
    pair_t *pair = side->context;
    for (uint64_t i = 0; i < side->messages; i++) {
        if (!side->is_reader) send_raw(pair, 0, side->size);
        receive_raw(pair, side->is_reader);
        if (side->is_reader) send_raw(pair, 1, side->size);
    }
}

static void one_way_xipc(const bench_side_t *side)
{
    const pair_t *pair = side->context;
    for (uint64_t i = 0; i < side->messages; i++) {
        if (side->is_reader)
            receive_xipc(pair, 1);
        else
            send_xipc(pair, 0, side->size);
    }
}

static void one_way_raw(const bench_side_t *side)
{
    pair_t *pair = side->context;
    for (uint64_t i = 0; i < side->messages; i++) {
        if (side->is_reader)
            receive_raw(pair, 1);
        else
            send_raw(pair, 0, side->size);
    }
}

/* ---- samples ---- */

static double with_xipc(const bench_work_t *work, void (*run)(const bench_side_t *))
{
    apr_pool_t *pool = bench_pool();
    pair_t pair = {.timeout = work->kind == 0 ? -1 : apr_time_from_sec(work->kind)};
    need(xipc_pipe_create(&pair.ends[0], &pair.ends[1], 1, pool));
    double time = bench_run_work(work, run, &pair);
    apr_pool_destroy(pool);
    return time;
}

static void open_sockets(pair_t *pair)
{
    int fds[2];
    bench_need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
    for (int i = 0; i < 2; i++) {
        pair->sockets[i].fd = fds[i];
        pair->sockets[i].at = pair->sockets[i].size = 0;
    }
}

static void close_sockets(const pair_t *pair)
{
    (void)close(pair->sockets[0].fd);
    (void)close(pair->sockets[1].fd);
}

static double with_raw(const bench_work_t *work, void (*run)(const bench_side_t *))
{
    static pair_t pair;
    open_sockets(&pair);
    double time = bench_run_work(work, run, &pair);
    close_sockets(&pair);
    return time;
}

static double trip_xipc(const bench_work_t *work)
{
    return with_xipc(work, to_and_fro_xipc);
}

static double trip_raw(const bench_work_t *work)
{
    return with_raw(work, to_and_fro_raw);
}

static double way_xipc(const bench_work_t *work)
{
    return with_xipc(work, one_way_xipc);
}

static double way_raw(const bench_work_t *work)
{
    return with_raw(work, one_way_raw);
}

/* ---- handles ---- */

static double handle_xipc(const bench_work_t *work)
{
    apr_pool_t *pool = bench_pool();
    apr_pool_t *each = bench_pool();
    pair_t pair = {.timeout = -1};
    need(xipc_pipe_create(&pair.ends[0], &pair.ends[1], 1, pool));
    xipc_values_t *values = xipc_values_make(pool);
    need(xipc_values_add_handle(values, STDOUT_FILENO));
    double began = bench_now();
    for (uint64_t i = 0; i < work->count; i++) {
        xipc_values_t *received;
        need(xipc_connection_send_values(pair.ends[0], values, -1));
        need(xipc_connection_recv_values(&received, pair.ends[1], -1, each));
        apr_pool_clear(each); /* closes it */
    }
    double time = (bench_now() - began) / (double)work->count;
    apr_pool_destroy(each);
    apr_pool_destroy(pool);
    return time;
}

static double handle_raw(const bench_work_t *work)
{
    static pair_t pair;
    open_sockets(&pair);
    double began = bench_now();
    for (uint64_t i = 0; i < work->count; i++) {
        bench_need(socket_send_handle(pair.sockets[0].fd, STDOUT_FILENO), "sendmsg");
        int handle = socket_receive_handle(pair.sockets[1].fd);
        bench_need(handle >= 0 && close(handle) == 0, "recvmsg");
    }
    double time = (bench_now() - began) / (double)work->count;
    close_sockets(&pair);
    return time;
}

/* ---- system calls ---- */

typedef struct {
    pair_t *pair;
    void (*send)(const pair_t *pair, int end, size_t size);
    void (*receive)(pair_t *pair, int end);
    size_t size;
    int is_waited_for;
} counted_t;

static void receive_xipc_of(pair_t *pair, int end)
{
    receive_xipc(pair, end);
}

/* The first message is not counted, since memory is taken for it. */
static void send_and_receive(void *context)
{
    const counted_t *counted = context;
    for (int i = 0; i <= COUNTED; i++) {
        if (i == 1) bench_mark();
        counted->send(counted->pair, 0, counted->size);
        counted->receive(counted->pair, counted->is_waited_for ? 0 : 1);
    }
    bench_mark();
}

/* Answers late, so that the other side always waits. */
static pid_t fork_echo(const counted_t *counted)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    pid_t pid = fork();
    bench_need(pid >= 0, "fork");
    for (int i = 0; pid == 0 && i <= COUNTED; i++) {
        counted->receive(counted->pair, 1);
        (void)nanosleep(&pause, NULL);
        counted->send(counted->pair, 1, counted->size);
    }
    if (pid == 0) _exit(0);
    return pid;
}

/* Calls for a message, where sending it is one and receiving it another half of the matter. */
static double count_calls(counted_t *counted, const bench_work_t *work)
{
    counted->size = work->size;
    counted->is_waited_for = work->kind != 0;
    pid_t echo = counted->is_waited_for ? fork_echo(counted) : 0;
    double calls = bench_calls(send_and_receive, counted);
    if (echo > 0) {
        (void)kill(echo, SIGKILL);
        (void)waitpid(echo, NULL, 0);
    }
    return calls / (2 * COUNTED);
}

/* kind 0: the message is there; 1: it is waited for; 2: with a deadline. */
static double calls_xipc(const bench_work_t *work)
{
    apr_pool_t *pool = bench_pool();
    pair_t pair = {.timeout = work->kind == 2 ? apr_time_from_sec(60) : -1};
    counted_t counted = {&pair, send_xipc, receive_xipc_of, 0, 0};
    need(xipc_pipe_create(&pair.ends[0], &pair.ends[1], 1, pool));
    double calls = count_calls(&counted, work);
    apr_pool_destroy(pool);
    return calls;
}

static double calls_raw(const bench_work_t *work)
{
    static pair_t pair;
    counted_t counted = {&pair, send_raw, receive_raw, 0, 0};
    open_sockets(&pair);
    double calls = count_calls(&counted, work);
    close_sockets(&pair);
    return calls;
}

/* ---- rows ---- */

static const char raw_pair[] = "raw socket pair";

static void round_trips(bench_t *bench)
{
    static const struct {
        size_t size;
        const char *name;
    } sizes[] = {{8, "8 B"}, {64, "64 B"}, {KIB, "1 KiB"}, {8 * KIB, "8 KiB"}};
    char name[64];
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        int is_one = i % 2 != 0;
        bench_row_t row = {.name = name, .floor_name = raw_pair, .aim = 1.15};
        row.xipc = (bench_work_t){.once = trip_xipc,
                                  .count = 10000,
                                  .size = sizes[i / 2].size,
                                  .place = is_one ? BENCH_ONE_PROCESSOR : BENCH_TWO_PROCESSORS};
        row.floor = row.xipc;
        row.floor.once = trip_raw;
        (void)snprintf(name, sizeof name, "round trip, %s, %s", sizes[i / 2].name,
                       is_one ? "one processor" : "two processors");
        bench_row(bench, &row);
    }
}

static void ways(bench_t *bench)
{
    static const struct {
        size_t size;
        uint64_t count;
        const char *name;
    } sizes[] = {{64, 500000, "64 B"}, {64 * KIB, 10000, "64 KiB"}, {MIB, 1000, "1 MiB"}};
    char name[64];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bench_row_t row = {.name = name, .floor_name = raw_pair, .aim = 1 / 0.9};
        row.xipc = (bench_work_t){.once = way_xipc,
                                  .count = sizes[i].count,
                                  .size = sizes[i].size,
                                  .place = BENCH_TWO_PROCESSORS};
        row.floor = row.xipc;
        row.floor.once = way_raw;
        (void)snprintf(name, sizeof name, "one way, %s, two processors", sizes[i].name);
        bench_row(bench, &row);
    }
}

static void calls(bench_t *bench)
{
    static const char *const names[] = {"calls a message of 64 B that is there",
                                        "calls a message of 64 B, waited for",
                                        "calls a message of 64 B, with a deadline"};
    for (int i = 0; i < 3; i++) {
        const bench_row_t row = {.name = names[i],
                                 .floor_name = raw_pair,
                                 .aim = i < 2 ? 1.0 : 0,
                                 .unit = BENCH_CALLS,
                                 .xipc = {.once = calls_xipc, .size = 64, .kind = i},
                                 .floor = {.once = calls_raw, .size = 64, .kind = i}};
        bench_row(bench, &row);
    }
}

void bench_connections(bench_t *bench)
{
    static const bench_row_t handle = {.name = "pass a handle, receive and close it",
                                       .floor_name = "raw SCM_RIGHTS",
                                       .xipc = {.once = handle_xipc, .count = 20000},
                                       .floor = {.once = handle_raw, .count = 20000}};
    round_trips(bench);
    ways(bench);
    calls(bench);
    bench_row(bench, &handle);
    bench_handshakes(bench);
}
