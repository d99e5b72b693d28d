/**
 * @file manager.h
 * @brief A process that keeps objects for others.
 *
 * A manager's queue is used as any other, but it lives in the manager's process, and may go
 * anywhere: among the arguments of a child, of a pool's task, or over a connection. Whoever gets it
 * has a connection of its own to the manager, private from its making: it has no address that
 * others could find.
 *
 * Python counterpart: `multiprocessing.Manager`.
 *
 * @code
 * xipc_manager_t *manager;
 * xipc_queue_t *queue;
 * xipc_manager_start(&manager, pool);
 * xipc_manager_queue(&queue, manager, 0, pool);
 * xipc_queue_put(queue, "m1", 2, -1);
 * @endcode
 */
#ifndef XIPC_MANAGER_H
#define XIPC_MANAGER_H

#include "xipc/export.h"
#include "xipc/process.h"
#include "xipc/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A manager's process, as its starter sees it. */
typedef struct xipc_manager_t xipc_manager_t;

/**
 * Start a manager process with the default start method.
 *
 * @param manager  where the object goes; it lives as long as @p pool, whose end shuts the manager
 *                 down
 * @param pool     where the object lives
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL; what xipc_process_start() says
 * @par Blocking  As xipc_process_start().
 * @par Threads   The object belongs to one thread at a time, and to the process that made it.
 * @par Lifetime  The process ends with xipc_manager_shutdown(), or when its starter has ended,
 *                however that ended.
 */
XIPC_EXPORT apr_status_t xipc_manager_start(xipc_manager_t **manager, apr_pool_t *pool);

/**
 * Start a manager process, choosing the start method.
 *
 * @param manager  where the object goes; it lives as long as @p pool, whose end shuts the manager
 *                 down
 * @param method   the start method
 * @param pool     where the object lives
 * @return as xipc_manager_start(); APR_ENOTIMPL or APR_EINVAL as xipc_process_start_method_set()
 * @par Blocking  As xipc_process_start().
 */
XIPC_EXPORT apr_status_t xipc_manager_start_ex(xipc_manager_t **manager, xipc_start_method_e method,
                                               apr_pool_t *pool);

/**
 * Make a queue in the manager.
 *
 * @param queue     where it goes; the object lives as long as @p pool, or until xipc_queue_close();
 *                  the queue itself lives as long as its manager
 * @param manager   the manager
 * @param capacity  how many messages it holds at most; 0: bounded by memory alone
 * @param pool      where the object lives
 * @return APR_SUCCESS; XIPC_EDIED when the manager has died; XIPC_ECLOSED after
 *         xipc_manager_shutdown(); XIPC_ENOTOWNER in another process; APR_EINVAL when a pointer is
 *         NULL; what the system says when it has no handles left
 * @par Blocking  While the manager answers.
 */
XIPC_EXPORT apr_status_t xipc_manager_queue(xipc_queue_t **queue, xipc_manager_t *manager,
                                            apr_size_t capacity, apr_pool_t *pool);

/**
 * The manager's process, to look at its pid or to kill it.
 *
 * @param manager  the manager
 * @return its process, which belongs to the manager; NULL when @p manager is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT xipc_process_t *xipc_manager_process(const xipc_manager_t *manager);

/**
 * End the manager's process and wait for its end. Its queues are gone; who waits for one gets
 * XIPC_EDIED.
 *
 * @param manager  the manager
 * @param timeout  microseconds; negative waits for ever; when it is over the manager is killed
 * @return APR_SUCCESS, also the second time; XIPC_ENOTOWNER in another process; APR_EINVAL when @p
 *         manager is NULL
 * @par Blocking  Up to @p timeout.
 */
XIPC_EXPORT apr_status_t xipc_manager_shutdown(xipc_manager_t *manager,
                                               apr_interval_time_t timeout);

#ifdef __cplusplus
}
#endif

#endif
