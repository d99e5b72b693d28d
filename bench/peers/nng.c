/*
 * nng: push and pull over ipc. Each reader listens, each writer dials all of them. The capacity is
 * half the writer's, half the reader's.
 */
#include "peer.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <unistd.h>

static char directory[] = "/tmp/xipc-bench-XXXXXX";

static void name_of(char *name, size_t size, int reader)
{
    (void)snprintf(name, size, "ipc://%s/%d", directory, reader);
}

static void prepare(const peer_options_t *options)
{
    (void)options;
    bench_need(mkdtemp(directory) != NULL, "mkdtemp");
}

static nng_socket open_socket(const bench_side_t *side)
{
    const peer_options_t *options = side->context;
    int bound = (int)(options->capacity / 2);
    nng_socket made;
    char name[64];
    bench_need((side->is_reader ? nng_pull0_open(&made) : nng_push0_open(&made)) == 0, "nng_open");
    (void)nng_socket_set_int(made, side->is_reader ? NNG_OPT_RECVBUF : NNG_OPT_SENDBUF, bound);
    for (int i = 0; !side->is_reader && i < options->readers; i++) {
        name_of(name, sizeof name, i);
        while (nng_dial(made, name, NULL, 0) != 0) (void)usleep(100); /* it may not listen yet */
    }
    if (!side->is_reader) return made;
    name_of(name, sizeof name, side->index);
    bench_need(nng_listen(made, name, NULL, 0) == 0, "nng_listen");
    return made;
}

static void work(const bench_side_t *side)
{
    static unsigned char message[PEER_MESSAGE_MAX];
    nng_socket line = open_socket(side);
    for (uint64_t i = 0; side->is_reader || i < side->messages; i++) {
        size_t size = sizeof message;
        if (side->is_reader) {
            bench_need(nng_recv(line, message, &size, 0) == 0, "nng_recv");
            bench_took(side);
        } else {
            bench_need(nng_send(line, message, side->size, 0) == 0, "nng_send");
        }
    }
    (void)pause(); /* what is on its way would go with this process */
}

int main(int argc, char **argv)
{
    int result = peer_main(argc, argv, prepare, work, 1);
    char name[64];
    for (int i = 0; argc > 3 && i < (int)strtol(argv[3], NULL, 10); i++) {
        name_of(name, sizeof name, i);
        (void)unlink(name + sizeof "ipc://" - 1);
    }
    (void)rmdir(directory);
    return result;
}
