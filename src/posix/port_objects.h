/*
 * port_objects.h - the POSIX insides of streams and children.
 */
#ifndef XIPC_POSIX_PORT_OBJECTS_H
#define XIPC_POSIX_PORT_OBJECTS_H

#include "core/port.h"

struct xipc__stream_t {
    int fd; /* a stream socket */
};

struct xipc__child_t {
    pid_t pid;
    int sentinel;   /* readable when it has ended; -1 after it was reaped */
    int is_adopted; /* another process reaps it */
    int is_leader;  /* of a group, whose number stays its own until the child is closed */
    int is_ended;
    int is_known; /* how it ended */
    int exitcode;
};

#endif
