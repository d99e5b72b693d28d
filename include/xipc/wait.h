/**
 * @file wait.h
 * @brief Wait for several connections, processes, queues, listeners and others at once.
 *
 * Python counterpart: `multiprocessing.connection.wait(object_list, timeout)`.
 *
 * @code
 * xipc_wait_item_t items[] = {
 *     {.kind = XIPC_WAIT_CONNECTION, .of.connection = connection},
 *     {.kind = XIPC_WAIT_PROCESS, .of.process = worker},
 * };
 * apr_size_t ready;
 * if (xipc_wait(&ready, items, 2, apr_time_from_sec(1)) == APR_SUCCESS && items[0].is_ready)
 *     rv = xipc_connection_recv(&data, &size, connection, 0, pool);
 * @endcode
 */
#ifndef XIPC_WAIT_H
#define XIPC_WAIT_H

#include <apr_portable.h>

#include "xipc/connection.h"
#include "xipc/export.h"
#include "xipc/listener.h"
#include "xipc/process.h"
#include "xipc/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What an item of xipc_wait() is, and when it is ready. */
typedef enum {
    XIPC_WAIT_CONNECTION = 1, /**< a message has come, the beginning of one, or the end */
    XIPC_WAIT_PROCESS = 2,    /**< the process has ended */
    XIPC_WAIT_QUEUE = 3,      /**< there is a message to get, unless another reader is quicker */
    XIPC_WAIT_LISTENER = 4,   /**< a client is there, or goes on with its handshake: accept, with
                                   timeout 0 */
    XIPC_WAIT_HANDLE = 5 /**< the system's: a descriptor can be read, or is at its end; on Win32
                                   an object is signalled */
} xipc_wait_e;

/** One thing to wait for. */
typedef struct {
    xipc_wait_e kind; /**< which of the following it is */
    union {
        xipc_connection_t *connection; /**< XIPC_WAIT_CONNECTION: an end that receives */
        xipc_process_t *process;       /**< XIPC_WAIT_PROCESS: a started child of this process */
        xipc_queue_t *queue;           /**< XIPC_WAIT_QUEUE */
        xipc_listener_t *listener;     /**< XIPC_WAIT_LISTENER */
        apr_os_file_t handle;          /**< XIPC_WAIT_HANDLE: any descriptor; on Win32 an event, a
                                            timer, a thread …, for a socket the event of its
                                            WSAEventSelect(). What a wait of Win32 resets (an event
                                            that is reset by itself) is reset when it is marked */
    } of;                              /**< the thing itself, by its kind */
    int is_ready;                      /**< out: not 0 when it is */
} xipc_wait_item_t;

/**
 * Wait until at least one of the items is ready, and mark all that are.
 *
 * Nothing is received, joined or taken. The number of items has no limit but memory, on Win32 too.
 * The same object may be there twice.
 *
 * @param ready    where the number of ready items goes; 0 with APR_TIMEUP
 * @param items    what to wait for; may be NULL when @p count is 0
 * @param count    how many; 0 waits for the end of the timeout
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @return APR_SUCCESS; APR_TIMEUP when none was ready in time; for an item that can't be waited for
 *         the error, with the item's index in the text of xipc_strerror(): APR_EINVAL (NULL, or no
 *         such kind), APR_EBADF (a handle that is none, or is nothing to wait for), XIPC_ECLOSED,
 *         XIPC_ENOTREADABLE, XIPC_ESTATE (a process that was not started), XIPC_ENOTOWNER;
 *         XIPC_EDIED when the manager of a queue is gone. No item is changed then.
 * @par Blocking  Up to @p timeout. Signals do not cut it short. A managed queue asks its manager
 *                first.
 * @par Threads   Counts as receiving from each connection and as using each queue and process.
 * @par System    poll(2); on Win32 overlapped reads without a buffer, WaitForMultipleObjects, and
 *                threads for the time of the call beyond 63 processes, queues and handles.
 */
XIPC_EXPORT apr_status_t xipc_wait(apr_size_t *ready, xipc_wait_item_t *items, apr_size_t count,
                                   apr_interval_time_t timeout);

#ifdef __cplusplus
}
#endif

#endif
