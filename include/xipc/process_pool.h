/**
 * @file process_pool.h
 * @brief Processes that live on between tasks.
 *
 * A pool starts its workers once and hands them tasks: functions that get arguments and leave a
 * result. A worker that dies costs its own task, and is replaced.
 *
 * Python counterpart: `multiprocessing.Pool`.
 *
 * @code
 * static apr_status_t square(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
 * {
 *     apr_int64_t n;
 *     apr_status_t rv = xipc_values_get_int(&n, args, 0);
 *     return rv != APR_SUCCESS ? rv : xipc_values_add_int(result, n * n);
 * }
 * …
 * xipc_process_pool_create(&workers, 2, pool);
 * xipc_process_pool_apply(&result, workers, square, args, -1, pool);
 * xipc_process_pool_close(workers);
 * xipc_process_pool_join(workers, -1);
 * @endcode
 */
#ifndef XIPC_PROCESS_POOL_H
#define XIPC_PROCESS_POOL_H

#include "xipc/export.h"
#include "xipc/process.h"
#include "xipc/values.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A pool of worker processes. */
typedef struct xipc_process_pool_t xipc_process_pool_t;

/** How a pool is to be. @see xipc_process_pool_options_create */
typedef struct xipc_process_pool_options_t xipc_process_pool_options_t;

/**
 * What a worker runs.
 *
 * @param result  an empty list for what it found
 * @param args    its own copy of the arguments, to change freely
 * @param pool    a pool that is cleared when the task is done
 * @return APR_SUCCESS, and @p result travels back; anything else is the caller's XIPC_EFAILED
 */
typedef apr_status_t (*xipc_task_t)(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool);

/**
 * Start a pool of workers with the default start method.
 *
 * @param workers    where the pool goes; it lives as long as @p pool, whose end terminates the
 *                   workers
 * @param processes  how many; 0: one a processor
 * @param pool       where the object lives
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL; what xipc_process_start() says. No worker
 *         is left then.
 * @par Blocking  As xipc_process_start(), for each worker.
 * @par Threads   The object belongs to one thread at a time, and to the process that made it.
 */
XIPC_EXPORT apr_status_t xipc_process_pool_create(xipc_process_pool_t **workers,
                                                  apr_size_t processes, apr_pool_t *pool);

/**
 * Make options for xipc_process_pool_create_ex(): one worker a processor, default start method.
 *
 * @param options  where they go; they live as long as @p pool
 * @param pool     where they live
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_pool_options_create(xipc_process_pool_options_t **options,
                                                          apr_pool_t *pool);

/**
 * Choose how many workers.
 *
 * @param options    the options
 * @param processes  how many; 0: one a processor
 * @return APR_SUCCESS; APR_EINVAL when @p options is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t
xipc_process_pool_options_processes_set(xipc_process_pool_options_t *options, apr_size_t processes);

/**
 * Choose how workers are started.
 *
 * @param options  the options
 * @param method   the start method
 * @return as xipc_process_start_method_set()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_pool_options_start_method_set(
    xipc_process_pool_options_t *options, xipc_start_method_e method);

/**
 * Start a pool of workers as the options say.
 *
 * @param workers  where the pool goes; it lives as long as @p pool, whose end terminates the
 *                 workers
 * @param options  how it is to be; NULL for the defaults
 * @param pool     where the object lives
 * @return as xipc_process_pool_create()
 * @par Blocking  As xipc_process_start(), for each worker.
 */
XIPC_EXPORT apr_status_t xipc_process_pool_create_ex(xipc_process_pool_t **workers,
                                                     const xipc_process_pool_options_t *options,
                                                     apr_pool_t *pool);

/**
 * How many workers the pool has.
 *
 * @param workers  the pool
 * @return their number; 0 when @p workers is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_size_t xipc_process_pool_processes(const xipc_process_pool_t *workers);

/**
 * Run one task in a worker and wait for its result.
 *
 * A worker that dies meanwhile is replaced, and the call says so. After a timeout the task goes on
 * in its worker and its result is dropped; the worker takes tasks again when it is done. When all
 * workers are busy like that, the call waits for one within its timeout.
 *
 * @param result   where the result goes; it lives as long as @p pool; may be NULL when it isn't
 *                 wanted
 * @param workers  the pool
 * @param task     the function to run: any function of the program or of a shared library, static
 *                 ones too
 * @param args     its arguments; NULL for none
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @param pool     where the result is put
 * @return APR_SUCCESS; XIPC_EFAILED when the task returned an error, or a result that can't travel,
 *         which the text of xipc_strerror() names; XIPC_EDIED when the worker died in the task,
 *         with how it ended in the text; APR_TIMEUP when the task was not done in time;
 *         XIPC_EINHERIT when a connection or a queue of the system's is among the arguments: such
 *         objects reach a process only when it starts; a manager's queue may go anywhere;
 *         XIPC_ETARGET, XIPC_EBUILD as xipc_process_start(); XIPC_ESTATE after
 *         xipc_process_pool_close() or _terminate(); XIPC_ENOTOWNER in another process; APR_EINVAL
 *         when a pointer is NULL. The result is unchanged then.
 * @par Blocking  Up to @p timeout.
 */
XIPC_EXPORT apr_status_t xipc_process_pool_apply(xipc_values_t **result,
                                                 xipc_process_pool_t *workers, xipc_task_t task,
                                                 const xipc_values_t *args,
                                                 apr_interval_time_t timeout, apr_pool_t *pool);

/**
 * Take no more tasks; the workers end when theirs are done.
 *
 * @param workers  the pool
 * @return APR_SUCCESS, also the second time; XIPC_ENOTOWNER in another process; APR_EINVAL when @p
 *         workers is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_pool_close(xipc_process_pool_t *workers);

/**
 * End the workers at once.
 *
 * @param workers  the pool
 * @return as xipc_process_pool_close()
 * @par Blocking  Never; join it to see the end.
 */
XIPC_EXPORT apr_status_t xipc_process_pool_terminate(xipc_process_pool_t *workers);

/**
 * Wait until all workers have ended.
 *
 * @param workers  closed or terminated before
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @return APR_SUCCESS; APR_TIMEUP while one runs; XIPC_ESTATE when the pool is neither closed nor
 *         terminated; XIPC_ENOTOWNER in another process; APR_EINVAL when @p workers is NULL
 * @par Blocking  Up to @p timeout.
 */
XIPC_EXPORT apr_status_t xipc_process_pool_join(xipc_process_pool_t *workers,
                                                apr_interval_time_t timeout);

#ifdef __cplusplus
}
#endif

#endif
