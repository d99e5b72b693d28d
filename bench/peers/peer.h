/*
 * peer.h - what the peers' programs share: arguments, and the run that xipc's queue has as well.
 *
 * peer_NAME NAME WRITERS READERS PLACE SIZE CAPACITY MESSAGES prints nanoseconds a message.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "../runs.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int writers;
    int readers;
    size_t size;
    size_t capacity;
} peer_options_t;

enum { PEER_MESSAGE_MAX = 65536 };

/* Run `work`; with `is_counted` readers need not know how many messages each of them gets. */
static inline int peer_main(int argc, char **argv, void (*prepare)(const peer_options_t *),
                            void (*work)(const bench_side_t *), int is_counted)
{
    if (argc != 8) return 2;
    peer_options_t options;
    options.writers = (int)strtol(argv[2], NULL, 10);
    options.readers = (int)strtol(argv[3], NULL, 10);
    options.size = strtoul(argv[5], NULL, 10);
    options.capacity = strtoul(argv[6], NULL, 10);
    if (options.size > PEER_MESSAGE_MAX) return 2;
    prepare(&options);
    bench_run_t run;
    run.work = work;
    run.writers = options.writers;
    run.readers = options.readers;
    run.place = (bench_place_e)strtol(argv[4], NULL, 10);
    run.is_counted = is_counted;
    run.messages = strtoull(argv[7], NULL, 10);
    run.size = options.size;
    run.context = &options;
    double time = bench_run(&run);
    if (time <= 0) return 1;
    printf("%.2f\n", time);
    return 0;
}

#endif
