/**
 * @file values.h
 * @brief Arguments and results: an ordered list of values that can travel to another process.
 *
 * Integers, reals, strings, bytes, and handles: connections, queues, listeners, processes, shared
 * memory, and handles of the system's. Adding copies what is added; a handle is referred to and
 * must stay open until it has travelled. Reading checks the type.
 *
 * Python counterpart: the tuple `args=(…)` of a `Process`, and what `send` pickles.
 *
 * @code
 * xipc_values_t *args = xipc_values_make(pool);
 * xipc_values_add_string(args, "peter");
 * xipc_values_add_int(args, 42);
 * const char *name;
 * apr_status_t rv = xipc_values_get_string(&name, args, 0);
 * @endcode
 */
#ifndef XIPC_VALUES_H
#define XIPC_VALUES_H

#include "xipc/export.h"

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_portable.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A list of values. @see xipc_values_make */
typedef struct xipc_values_t xipc_values_t;
/** One end of a connection. @see connection.h */
typedef struct xipc_connection_t xipc_connection_t;
/** A queue. @see queue.h */
typedef struct xipc_queue_t xipc_queue_t;
/** Waits for clients at an address. @see listener.h */
typedef struct xipc_listener_t xipc_listener_t;
/** A process. @see process.h */
typedef struct xipc_process_t xipc_process_t;
/** Memory that several processes have. @see shared_memory.h */
typedef struct xipc_shared_memory_t xipc_shared_memory_t;

/** The type of one value. */
typedef enum {
    XIPC_VALUE_INT = 1,        /**< `apr_int64_t` */
    XIPC_VALUE_REAL = 2,       /**< `double` */
    XIPC_VALUE_STRING = 3,     /**< text, ended by a NUL */
    XIPC_VALUE_BYTES = 4,      /**< any bytes, with their size */
    XIPC_VALUE_CONNECTION = 5, /**< an end of a connection */
    XIPC_VALUE_QUEUE = 6,      /**< a queue */
    XIPC_VALUE_LISTENER = 7,   /**< a listener */
    XIPC_VALUE_PROCESS = 8,    /**< a process */
    XIPC_VALUE_MEMORY = 9,     /**< shared memory */
    XIPC_VALUE_HANDLE = 10     /**< a file descriptor, or a handle of Win32 */
} xipc_value_type_e;

/**
 * Make an empty list.
 *
 * @param pool  the list and the copies in it live as long as this pool
 * @return the list; NULL when @p pool is NULL
 * @par Blocking  Never.
 * @par Threads   A list belongs to one thread at a time.
 */
XIPC_EXPORT xipc_values_t *xipc_values_make(apr_pool_t *pool);

/**
 * How many values the list has.
 *
 * @param values  the list; NULL counts as empty
 * @return the number of values
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_size_t xipc_values_count(const xipc_values_t *values);

/**
 * The type of one value.
 *
 * @param type    where it goes
 * @param values  the list
 * @param index   which, from 0
 * @return APR_SUCCESS; XIPC_EINDEX when there is none at @p index; APR_EINVAL when a pointer is
 *         NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_type(xipc_value_type_e *type, const xipc_values_t *values,
                                          apr_size_t index);

/**
 * Add an integer.
 *
 * @param values  the list
 * @param number  what to add
 * @return APR_SUCCESS; APR_EINVAL when @p values is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_add_int(xipc_values_t *values, apr_int64_t number);

/**
 * Add a real number.
 *
 * @param values  the list
 * @param number  what to add; infinities and NaN travel as they are
 * @return APR_SUCCESS; APR_EINVAL when @p values is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_add_real(xipc_values_t *values, double number);

/**
 * Add a copy of a string.
 *
 * @param values  the list
 * @param string  what to add, ended by a NUL
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL, APR_ENOMEM when there is no memory for it,
 *         the list is as before
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_add_string(xipc_values_t *values, const char *string);

/**
 * Add a copy of some bytes.
 *
 * @param values  the list
 * @param data    what to add; may be NULL when @p size is 0
 * @param size    how many bytes
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL, APR_ENOMEM when there is no memory for
 *         them, the list is as before
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_add_bytes(xipc_values_t *values, const void *data,
                                               apr_size_t size);

/**
 * Add an end of a connection.
 *
 * The receiver gets an end of its own. The caller's stays open, and counts for the end of file on
 * the other side, until the caller closes it.
 *
 * @param values      the list
 * @param connection  what to add; it must stay open until the list has travelled
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL; XIPC_ECLOSED when it is closed; the list
 *         is as before
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_add_connection(xipc_values_t *values,
                                                    xipc_connection_t *connection);

/**
 * Add a queue.
 *
 * @param values  the list
 * @param queue   what to add; it must stay open until the list has travelled
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL; XIPC_ECLOSED when it is closed; the list
 *         is as before
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_add_queue(xipc_values_t *values, xipc_queue_t *queue);

/**
 * Add a listener: the receiver accepts clients at the same address, each client goes to one of
 * them. The name in the file system is removed by the process that made the listener, when that
 * closes it.
 *
 * @param values    the list, which has the key with it: for processes that may know it
 * @param listener  what to add; it must stay open until the list has travelled
 * @return as xipc_values_add_connection()
 * @par Blocking  Never.
 * @par System    The socket itself, so that whoever accepts first gets the client. On Win32 another
 *                instance of the named pipe, where a client waits for the process whose instance it
 *                found, and of all that have a TCP listener only the one that got it last is woken:
 *                there the sender closes its own when it does not accept any more.
 */
XIPC_EXPORT apr_status_t xipc_values_add_listener(xipc_values_t *values, xipc_listener_t *listener);

/**
 * Add a process that was started: the receiver can wait for its end, and ask it to end or end it,
 * where the system lets this user. Its exit code is known to the receiver only when it had ended
 * before, or on Win32.
 *
 * @param values   the list
 * @param process  a child, the parent or this process itself (xipc_process_current())
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL; XIPC_ESTATE when it was not started;
 *         XIPC_ENOTOWNER when it is another process's; XIPC_ECLOSED when it is closed; the list is
 *         as before
 * @par Blocking  Never.
 * @par System    The pid with the time of its start: a process that got the number later is never
 *                taken for it.
 */
XIPC_EXPORT apr_status_t xipc_values_add_process(xipc_values_t *values, xipc_process_t *process);

/**
 * Add shared memory.
 *
 * @param values  the list
 * @param memory  what to add; it must stay open until the list has travelled
 * @return as xipc_values_add_connection()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_add_memory(xipc_values_t *values,
                                                xipc_shared_memory_t *memory);

/**
 * Add a handle of the system's: a descriptor of any kind on POSIX; on Win32 a handle of any kind
 * that DuplicateHandle takes, no socket. The receiver gets one of its own for the same thing.
 *
 * @param values  the list
 * @param handle  what to add; it stays the caller's, and open until the list has travelled. Whether
 *                it is one shows then
 * @return APR_SUCCESS; APR_EINVAL when @p values is NULL or @p handle is none
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_add_handle(xipc_values_t *values, apr_os_file_t handle);

/**
 * Read an integer.
 *
 * @param number  where it goes
 * @param values  the list
 * @param index   which, from 0
 * @return APR_SUCCESS; XIPC_EINDEX when there is none at @p index; XIPC_ETYPE when it is not an
 *         integer; APR_EINVAL when a pointer is NULL; @p number is unchanged then
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_int(apr_int64_t *number, const xipc_values_t *values,
                                             apr_size_t index);

/**
 * Read a real number.
 *
 * @param number  where it goes
 * @param values  the list
 * @param index   which, from 0
 * @return as xipc_values_get_int()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_real(double *number, const xipc_values_t *values,
                                              apr_size_t index);

/**
 * Read a string.
 *
 * @param string  where its address goes; it lives as long as the list
 * @param values  the list
 * @param index   which, from 0
 * @return as xipc_values_get_int()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_string(const char **string, const xipc_values_t *values,
                                                apr_size_t index);

/**
 * Read bytes.
 *
 * @param data    where their address goes; they live as long as the list; never NULL, even for no
 *                bytes
 * @param size    where their number goes
 * @param values  the list
 * @param index   which, from 0
 * @return as xipc_values_get_int()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_bytes(const void **data, apr_size_t *size,
                                               const xipc_values_t *values, apr_size_t index);

/**
 * Read a connection.
 *
 * @param connection  where it goes; in a list that was received it belongs to the list's pool,
 *                    which closes it
 * @param values      the list
 * @param index       which, from 0
 * @return as xipc_values_get_int()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_connection(xipc_connection_t **connection,
                                                    const xipc_values_t *values, apr_size_t index);

/**
 * Read a queue.
 *
 * @param queue   where it goes; in a list that was received it belongs to the list's pool, which
 *                closes it
 * @param values  the list
 * @param index   which, from 0
 * @return as xipc_values_get_int()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_queue(xipc_queue_t **queue, const xipc_values_t *values,
                                               apr_size_t index);

/**
 * Read a listener.
 *
 * @param listener  where it goes; in a list that was received it belongs to the list's pool, which
 *        closes it
 * @param values  the list
 * @param index   which, from 0
 * @return as xipc_values_get_int()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_listener(xipc_listener_t **listener,
                                                  const xipc_values_t *values, apr_size_t index);

/**
 * Read a process.
 *
 * @param process  where it goes; in a list that was received it belongs to the list's pool, which
 *        closes it
 * @param values  the list
 * @param index   which, from 0
 * @return as xipc_values_get_int()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_process(xipc_process_t **process,
                                                 const xipc_values_t *values, apr_size_t index);

/**
 * Read shared memory.
 *
 * @param memory  where it goes; in a list that was received it belongs to the list's pool, which
 *        closes it
 * @param values  the list
 * @param index   which, from 0
 * @return as xipc_values_get_int()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_memory(xipc_shared_memory_t **memory,
                                                const xipc_values_t *values, apr_size_t index);

/**
 * Read a handle of the system's.
 *
 * @param handle  where it goes; in a list that was received it belongs to the list's pool, which
 *        closes it: duplicate it to keep it
 * @param values  the list
 * @param index   which, from 0
 * @return as xipc_values_get_int()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_values_get_handle(apr_os_file_t *handle, const xipc_values_t *values,
                                                apr_size_t index);

#ifdef __cplusplus
}
#endif

#endif
