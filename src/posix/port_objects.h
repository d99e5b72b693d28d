/*
 * port_objects.h - the POSIX insides of streams and children.
 */
#ifndef XIPC_POSIX_PORT_OBJECTS_H
#define XIPC_POSIX_PORT_OBJECTS_H

#include "core/port.h"

#include <stdatomic.h>

struct xipc__stream_t {
    int fd; /* a stream socket */
};

/* Watch a new child; one that can't be watched is ended. */
apr_status_t xipc__child_watch(xipc__child_t **child, pid_t pid, int bonds, apr_pool_t *pool);

struct xipc__child_t {
    pid_t pid;
    int is_adopted;   /* another process reaps it */
    int is_leader;    /* of a group, whose number stays its own until the child is closed */
    atomic_flag lock; /* of what follows: one thread may look at it while another one waits */
    int sentinel;     /* readable when it has ended; -1 after it was reaped */
    int waiters;      /* who wait at the sentinel, which stays open for them */
    int is_ended;
    int is_known; /* how it ended */
    int exitcode;
};

/* A sentinel to wait at until the release; -1 when it has ended. */
int xipc__child_hold(xipc__child_t *child);
void xipc__child_release(xipc__child_t *child);

#endif
