/*
 * ZeroMQ: PUSH and PULL over ipc. Each reader listens, each writer is connected to all of them, so
 * that a writer's messages go to the readers in turn. The capacity is half the writer's, half the
 * reader's, for each pair of them.
 */
#include "peer.h"

#include <unistd.h>
#include <zmq.h>

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

static void *open_socket(const bench_side_t *side)
{
    const peer_options_t *options = side->context;
    int bound = (int)(options->capacity / 2);
    void *made = zmq_socket(zmq_ctx_new(), side->is_reader ? ZMQ_PULL : ZMQ_PUSH);
    bench_need(made != NULL, "zmq_socket");
    (void)zmq_setsockopt(made, ZMQ_SNDHWM, &bound, sizeof bound);
    (void)zmq_setsockopt(made, ZMQ_RCVHWM, &bound, sizeof bound);
    char name[64];
    for (int i = 0; !side->is_reader && i < options->readers; i++) {
        name_of(name, sizeof name, i);
        bench_need(zmq_connect(made, name) == 0, "zmq_connect");
    }
    if (!side->is_reader) return made;
    name_of(name, sizeof name, side->index);
    bench_need(zmq_bind(made, name) == 0, "zmq_bind");
    return made;
}

static void work(const bench_side_t *side)
{
    static unsigned char message[PEER_MESSAGE_MAX];
    void *line = open_socket(side);
    for (uint64_t i = 0; side->is_reader || i < side->messages; i++) {
        if (side->is_reader) {
            bench_need(zmq_recv(line, message, sizeof message, 0) >= 0, "zmq_recv");
            bench_took(side);
        } else {
            bench_need(zmq_send(line, message, side->size, 0) >= 0, "zmq_send");
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
