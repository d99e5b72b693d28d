/**
 * @file family.h
 * @brief Who this process is, who started it, whom it started, and what is called in them.
 *
 * Python counterpart: `multiprocessing.current_process`, `parent_process`, `active_children`,
 * `os.register_at_fork`, `multiprocessing.util.Finalize`.
 *
 * @code
 * xipc_process_t *parent;
 * xipc_process_parent(&parent);
 * if (xipc_process_join(parent, 0) == APR_SUCCESS) return 0; // nobody is left to work for
 * @endcode
 */
#ifndef XIPC_FAMILY_H
#define XIPC_FAMILY_H

#include "xipc/process.h"

#include <apr_tables.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The calling process: its name ("MainProcess" in a program that xipc did not start) and its pid.
 *
 * @param process  where it goes; it lives until the last xipc_terminate()
 * @return APR_SUCCESS; XIPC_EINIT before xipc_initialize(); APR_EINVAL when @p process is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_current(xipc_process_t **process);

/**
 * The process that started this one: its name and pid, and xipc_process_join() waits for its end,
 * also in xipc_wait(). It can't be stopped by this, and its exit code is not known (ECHILD, but for
 * Win32).
 *
 * @param process  where it goes; it lives until the last xipc_terminate()
 * @return APR_SUCCESS; APR_ENOENT in a program that xipc did not start; XIPC_EDIED when it had
 *         ended before this process could watch it; XIPC_EINIT before xipc_initialize(); APR_EINVAL
 *         when @p process is NULL
 * @par Blocking  Never.
 * @par System    pidfd on Linux, kqueue on macOS and the BSDs, the process handle on Win32.
 */
XIPC_EXPORT apr_status_t xipc_process_parent(xipc_process_t **process);

/**
 * The children of this process that run: started by it and not closed.
 *
 * @param children  where the array goes, of `xipc_process_t *`
 * @param pool      where the array lives
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 * @par Threads   From any thread, while no other closes one of them.
 */
XIPC_EXPORT apr_status_t xipc_process_active_children(apr_array_header_t **children,
                                                      apr_pool_t *pool);

/**
 * How many processors this process may use.
 *
 * @return the number, at least 1
 * @par Blocking  Never.
 * @par System    The affinity mask, on Linux also the limit of the control group; the process's
 *                affinity on Win32.
 */
XIPC_EXPORT int xipc_cpu_count(void);

/** What a program wants to be called; @p data is what it gave along. */
typedef void (*xipc_hook_t)(void *data);

/**
 * Have a function called in each forked child, before its target, in the order of their
 * registration. For what a copy must not share: a cache of pids, a file to be opened anew.
 *
 * @param hook  the function
 * @param data  what it is given
 * @return APR_SUCCESS; XIPC_EINIT before xipc_initialize(); APR_EINVAL when @p hook is NULL
 * @par Blocking  Never.
 * @par Threads   Not while another thread registers or starts a process.
 */
XIPC_EXPORT apr_status_t xipc_at_fork(xipc_hook_t hook, void *data);

/**
 * Have a function called at the normal end of a child, after its target has returned, the last
 * registered first. A forked child has its parent's registrations; a spawned one those it makes.
 *
 * @param hook  the function
 * @param data  what it is given
 * @return as xipc_at_fork()
 * @par Blocking  Never.
 * @par Threads   As xipc_at_fork().
 */
XIPC_EXPORT apr_status_t xipc_at_child_exit(xipc_hook_t hook, void *data);

#ifdef __cplusplus
}
#endif

#endif
