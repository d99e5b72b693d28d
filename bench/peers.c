/* The same messages through other libraries: programs of their own in bench/peers, where they are. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *name;
    const char *title;
    const char *package; /* of Debian's */
    int is_script;
    unsigned slower; /* so many times fewer messages in a sample */
} peer_t;

static const peer_t peers[] = {
    {"boost", "Boost message_queue", "libboost-dev", 0, 4},
    {"zeromq", "ZeroMQ PUSH, PULL over ipc", "libzmq3-dev", 0, 2},
    {"nng", "nng push, pull over ipc", "libnng-dev", 0, 200},
    {"queue", "Python multiprocessing.Queue", "python3", 1, 40},
    {"pipe", "Python multiprocessing.Pipe", "python3", 1, 40},
};

enum { PEERS = sizeof peers / sizeof peers[0] };

static const peer_t *peer_of(const char *name)
{
    const peer_t *peer = peers;
    while (strcmp(peer->name, name) != 0) peer++;
    return peer;
}

/* The command that prints nanoseconds a message. 0: the peer is not here. */
static int command_of(char *command, size_t size, const bench_work_t *work)
{
    char program[400];
    const peer_t *peer = peer_of(work->how);
    uint64_t count = work->count / peer->slower;
    if (count < (uint64_t)work->writers) count = (uint64_t)work->writers;
    if (peer->is_script)
        (void)snprintf(program, sizeof program, "%s/python.py", XIPC_BENCH_SCRIPTS);
    else
        (void)snprintf(program, sizeof program, "%s/peer_%s", XIPC_BENCH_PEERS, peer->name);
    if (access(program, R_OK) != 0) return 0;
    if (peer->is_script && system("command -v python3 >/dev/null") != 0) return 0;
    (void)snprintf(command, size, "exec %s'%s' %s %d %d %d %zu %zu %llu",
                   peer->is_script ? "python3 " : "", program, peer->name, work->writers,
                   work->readers, (int)work->place, work->size, work->capacity,
                   (unsigned long long)count);
    return 1;
}

double bench_peer(const bench_work_t *work)
{
    static char why[128];
    char command[512];
    char line[64] = "";
    if (!command_of(command, sizeof command, work)) {
        (void)snprintf(why, sizeof why, "%s is missing: ./dev bench --peers",
                       peer_of(work->how)->package);
        return bench_cannot(why);
    }
    FILE *output = popen(command, "re");
    if (output == NULL) return 0;
    char *read = fgets(line, sizeof line, output);
    return pclose(output) == 0 && read != NULL ? strtod(line, NULL) : 0;
}

/* ---- rows ---- */

static void compare(bench_t *bench, const peer_t *peer, const bench_work_t *work, const char *what)
{
    char name[96];
    bench_row_t row = {.name = name, .floor_name = peer->title, .xipc = *work, .floor = *work};
    row.floor.once = bench_peer;
    row.floor.how = peer->name;
    (void)snprintf(name, sizeof name, "%s, %s", peer->name, what);
    bench_row(bench, &row);
}

void bench_peers(bench_t *bench)
{
    static const struct {
        const char *name;
        bench_work_t work;
    } works[] = {
#define WORK(side, bound, where)                                                                   \
    {.once = bench_queue_through,                                                                  \
     .count = 200000,                                                                              \
     .size = 64,                                                                                   \
     .capacity = (bound),                                                                          \
     .writers = (side),                                                                            \
     .readers = (side),                                                                            \
     .place = (where)}
        {"1 to 1, 64 B, capacity 1024", WORK(1, 1024, BENCH_TWO_PROCESSORS)},
        {"1 to 1, 64 B, capacity 10", WORK(1, 10, BENCH_TWO_PROCESSORS)},
        {"4 to 4, 64 B, capacity 1024", WORK(4, 1024, BENCH_ANYWHERE)},
        {"4 to 4, 64 B, capacity 10", WORK(4, 10, BENCH_ANYWHERE)},
    };
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
        for (size_t j = 0; j < PEERS; j++)
            if (strcmp(peers[j].name, "pipe") != 0 || i == 0) /* it has one writer and no bound */
                compare(bench, &peers[j], &works[i].work, works[i].name);
}
