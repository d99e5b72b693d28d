/**
 * @file runtime.h
 * @brief Begin and end: the first and the last call of a program that uses xipc.
 *
 * `main` begins with xipc_initialize(). A spawned child is the same program started anew: there
 * this call runs the target and never returns, so that nothing of `main` below it happens twice.
 *
 * Python counterpart: `if __name__ == '__main__':` and `freeze_support()`, in one line that can't
 * be forgotten unnoticed.
 *
 * @code
 * int main(int argc, char **argv)
 * {
 *     if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return 1;
 *     // … the program …
 *     xipc_terminate();
 *     return 0;
 * }
 * @endcode
 */
#ifndef XIPC_RUNTIME_H
#define XIPC_RUNTIME_H

#include "xipc/export.h"

#include <apr_errno.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make xipc, and APR with it, ready for use. Call it first in `main`.
 *
 * In a child started by the method spawn it takes the arguments from the parent, runs the target
 * and ends the process with the target's return value; it does not return. Calls may nest: each
 * that succeeded wants one xipc_terminate().
 *
 * @param argc  `main`'s; it is left as it is
 * @param argv  `main`'s; it is left as it is and must stay valid until the program ends
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL; XIPC_EINIT when the program was started
 *         with the internal option of a spawned child but not by xipc; what APR or the system says
 *         when they can't start. Nothing is left behind by a failure.
 * @par Blocking  Only in a spawned child, while the parent hands over the arguments.
 * @par Threads   Call it before any other thread starts.
 * @par Limits    A program whose `main` reaches this line late does in every spawned child what
 *                stands above it.
 */
XIPC_EXPORT apr_status_t xipc_initialize(int *argc, char ***argv);

/**
 * Undo one xipc_initialize(); the last one ends APR too, and with it every pool.
 *
 * Children that still run go on running, but for daemons (xipc_process_daemon_set()), which are
 * ended.
 *
 * @par Blocking  While daemons end, which takes them 2 seconds each at most; otherwise never.
 * @par Threads   Call it when no other thread uses xipc any more.
 * @par Fork      A child ends by returning from its target and does not call it.
 */
XIPC_EXPORT void xipc_terminate(void);

#ifdef __cplusplus
}
#endif

#endif
