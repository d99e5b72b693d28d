/*
 * forkserver.h - the start method forkserver: a process kept small and single-threaded, whose forks
 * are cheap and safe.
 *
 * The server is this program started anew. It has one connection, to the process that started it,
 * so nobody else can reach it. A request to it is a list of two connections: the new child's end of
 * its boot stream, and the server's end of a report. The answer is a status and the child's pid;
 * the starter sends one empty message over the report when it has the child in sight; when the
 * child has ended the server reaps it and sends the exit code over the report. One that leads a
 * group it reaps later, when the starter has closed the report: so long the group keeps its number.
 */
#ifndef XIPC_CORE_FORKSERVER_H
#define XIPC_CORE_FORKSERVER_H

#include "core/boot.h"

/*
 * Have the server fork a child, starting the server first if it isn't there. `boot` lives in
 * `pool`.
 */
apr_status_t xipc__forkserver_launch(xipc__started_t *started, xipc_connection_t **boot, int bonds,
                                     apr_pool_t *child_pool, apr_pool_t *pool);

/* After the end of a child: its exit code, when the server lives to report it. Once is enough. */
void xipc__forkserver_learn(xipc__child_t *child, xipc_connection_t *report);

/* Has this process a server? */
int xipc__forkserver_runs(void);

/* End the server with the program. */
void xipc__forkserver_end(void);

/* In a forked child: the server is the parent's. */
void xipc__forkserver_disown(void);

#endif
