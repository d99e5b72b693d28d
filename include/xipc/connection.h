/**
 * @file connection.h
 * @brief Whole messages between two processes.
 *
 * A pipe has two ends. What one end sends the other receives, message by message: never torn, never
 * two in one. Ends reach another process among its arguments, or over another connection.
 *
 * Messages are framed as Python's `multiprocessing.connection` frames them: a 4-byte length,
 * big-endian, then the bytes.
 *
 * Python counterpart: `multiprocessing.Pipe`, `Connection`.
 *
 * @code
 * xipc_connection_t *here, *there;
 * xipc_pipe_create(&here, &there, 1, pool);
 * xipc_connection_send(here, "hi", 2, -1);
 * void *data;
 * apr_size_t size;
 * xipc_connection_recv(&data, &size, there, -1, pool);
 * @endcode
 *
 * An end reads ahead: what it has read and not given out yet stays with this end and travels with
 * it when it is passed on. So an end is received from by one process at a time, and by one thread
 * at a time; likewise for sending. One thread may send while another receives.
 */
#ifndef XIPC_CONNECTION_H
#define XIPC_CONNECTION_H

#include "xipc/export.h"
#include "xipc/values.h"

#include <apr_portable.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make a pipe.
 *
 * @param first   where one end goes: with @p duplex 0 the one that only receives
 * @param second  where the other goes: with @p duplex 0 the one that only sends
 * @param duplex  not 0: both ends send and receive
 * @param pool    both ends live as long as this pool, or until xipc_connection_close()
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL; what the system says when it has no
 *         handles or memory left. Nothing is open then, and the out parameters are unchanged.
 * @par Blocking  Never.
 * @par Fork      A forked child keeps the ends among its arguments; the others are closed in it.
 * @par System    socketpair(2) on POSIX; a named pipe with a random name, overlapped, on Win32,
 *                which only this user may open and nobody from another machine.
 */
XIPC_EXPORT apr_status_t xipc_pipe_create(xipc_connection_t **first, xipc_connection_t **second,
                                          int duplex, apr_pool_t *pool);

/**
 * Send one message.
 *
 * The bytes are copied into the system's buffers before the call returns. A send that times out
 * before its first byte has sent nothing, and the connection is as before. One that times out in
 * mid-message ends this direction for good: the receiver is told and never shown a torn message.
 *
 * @param connection  an end that sends
 * @param data        the message; may be NULL when @p size is 0
 * @param size        bytes; 0 is a message too
 * @param timeout     microseconds; negative waits for ever, 0 does not wait
 * @return APR_SUCCESS; APR_TIMEUP when nothing could be sent in time; XIPC_EBROKEN when the time
 *         ended in mid-message, or did at an earlier send; APR_EPIPE when the other end is gone (no
 *         signal is raised); XIPC_ENOTWRITABLE for an end that only receives; XIPC_ECLOSED after
 *         xipc_connection_close(); APR_EINVAL when @p connection is NULL, or @p data is and @p size
 *         is not 0
 * @par Blocking  Up to @p timeout while the other side does not receive. Signals do not cut it
 *                short.
 * @par Threads   One sender at a time.
 * @par System    sendmsg(2), one call for a message that fits the socket's buffer; overlapped
 *                WriteFile.
 */
XIPC_EXPORT apr_status_t xipc_connection_send(xipc_connection_t *connection, const void *data,
                                              apr_size_t size, apr_interval_time_t timeout);

/**
 * Receive one message.
 *
 * A receive that times out in mid-message keeps what it has and goes on at the next call.
 *
 * @param data        where the message's address goes; it lives as long as @p pool, is never NULL,
 *                    and has one NUL byte behind it that does not count
 * @param size        where its size goes
 * @param connection  an end that receives
 * @param timeout     microseconds; negative waits for ever, 0 does not wait
 * @param pool        where the message is put
 * @return APR_SUCCESS; APR_TIMEUP when no whole message came in time;
 *         APR_EOF when the other end is closed everywhere and all was received;
 *         XIPC_EBROKEN when it went away in mid-message;
 *         APR_ENOMEM when there is no room for the message, which can still be received then;
 *         XIPC_EPROTOCOL when what came is not a frame;
 *         XIPC_EMSGSIZE when it is larger than xipc_connection_limit_set() allows;
 *         XIPC_ENOTREADABLE for an end that only sends; XIPC_ECLOSED after xipc_connection_close();
 *         APR_EINVAL when a pointer is NULL. The out parameters are unchanged then, but for @p size
 *         with XIPC_EMSGSIZE.
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 * @par Threads   One receiver at a time.
 * @par System    recvmsg(2), one call for a small message; overlapped ReadFile.
 */
XIPC_EXPORT apr_status_t xipc_connection_recv(void **data, apr_size_t *size,
                                              xipc_connection_t *connection,
                                              apr_interval_time_t timeout, apr_pool_t *pool);

/**
 * Receive one message into a buffer of the caller's.
 *
 * @param size        where the message's size goes; with XIPC_EMSGSIZE the size needed
 * @param connection  an end that receives
 * @param buffer      where the message is put; may be NULL when @p capacity is 0
 * @param capacity    bytes in @p buffer
 * @param timeout     microseconds; negative waits for ever, 0 does not wait
 * @return as xipc_connection_recv(), and XIPC_EMSGSIZE when the message is larger than @p capacity:
 *         it stays where it is and the next receive gets it. After any error @p buffer may hold a
 *         part of the message that will come again.
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 * @par Threads   One receiver at a time.
 */
XIPC_EXPORT apr_status_t xipc_connection_recv_into(apr_size_t *size, xipc_connection_t *connection,
                                                   void *buffer, apr_size_t capacity,
                                                   apr_interval_time_t timeout);

/**
 * Bound the messages that this end receives, so that a peer can't have us take memory for a large
 * one.
 *
 * A message beyond the limit is XIPC_EMSGSIZE at the call that would receive it, with its size
 * where there is a @p size and in the text of xipc_strerror(). It stays: raise the limit and
 * receive it, or drop it by xipc_connection_skip(). No memory was taken for it.
 *
 * @param connection  an end that receives; the limit is this object's and does not travel with it
 * @param limit       bytes; 0, as at first: no message is too large
 * @return APR_SUCCESS; XIPC_ENOTREADABLE for an end that only sends; XIPC_ECLOSED after
 *         xipc_connection_close(); APR_EINVAL when @p connection is NULL. The limit is as before
 *         then.
 * @par Blocking  Never.
 * @par Threads   Counts as receiving.
 */
XIPC_EXPORT apr_status_t xipc_connection_limit_set(xipc_connection_t *connection, apr_size_t limit);

/**
 * Drop the next message, whatever its size, without memory for it; handles in it are closed.
 *
 * @param connection  an end that receives
 * @param timeout     microseconds; negative waits for ever, 0 does not wait
 * @return as xipc_connection_recv(). After APR_TIMEUP in mid-message the rest of it is dropped by
 *         the next call that receives.
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 * @par Threads   One receiver at a time.
 */
XIPC_EXPORT apr_status_t xipc_connection_skip(xipc_connection_t *connection,
                                              apr_interval_time_t timeout);

/**
 * Wait until there is something to receive: a message, the beginning of one, or the end.
 *
 * @param connection  an end that receives
 * @param timeout     microseconds; negative waits for ever, 0 does not wait
 * @return APR_SUCCESS when there is; APR_TIMEUP when there was nothing in time;
 *         XIPC_ENOTREADABLE for an end that only sends; XIPC_ECLOSED after xipc_connection_close();
 *         APR_EINVAL when @p connection is NULL
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 * @par Threads   Counts as receiving.
 */
XIPC_EXPORT apr_status_t xipc_connection_poll(xipc_connection_t *connection,
                                              apr_interval_time_t timeout);

/**
 * Send a list of values as one message, connections and queues included.
 *
 * The receiver gets handles of its own; the caller's stay open.
 *
 * @param connection  an end that sends
 * @param values      what to send; NULL sends an empty list
 * @param timeout     microseconds; negative waits for ever, 0 does not wait
 * @return as xipc_connection_send(), and APR_ENOTIMPL when something in the list needs a
 *         handle and this connection is TCP's, XIPC_ECLOSED when something in the list is closed,
 *         XIPC_ESTATE when a connection in it has a message with handles to be received, or one
 *         half skipped, XIPC_ELIMIT when the list has more handles than one message carries (128),
 *         the system's EBADF when one is none; nothing is sent then
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 * @par Threads   One sender at a time.
 * @par System    SCM_RIGHTS on POSIX. On Win32 they wait in the process that has the other end, and
 *                are closed when it ends; in this one when it can't be told or opened, and then
 *                this one must live until they are received.
 */
XIPC_EXPORT apr_status_t xipc_connection_send_values(xipc_connection_t *connection,
                                                     const xipc_values_t *values,
                                                     apr_interval_time_t timeout);

/**
 * Receive a list of values.
 *
 * @param values      where the list goes; it and what is in it live as long as @p pool
 * @param connection  an end that receives
 * @param timeout     microseconds; negative waits for ever, 0 does not wait
 * @param pool        where the list is put
 * @return as xipc_connection_recv(), and XIPC_EPROTOCOL when the message is not a list of values,
 *         the system's EMFILE when this process has no handle left for what is in it, or, on Win32,
 *         XIPC_EDIED when the process that kept its handles has ended: the message is gone then,
 *         with its handles, and the connection goes on
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 * @par Threads   One receiver at a time.
 */
XIPC_EXPORT apr_status_t xipc_connection_recv_values(xipc_values_t **values,
                                                     xipc_connection_t *connection,
                                                     apr_interval_time_t timeout, apr_pool_t *pool);

/**
 * Close this end in this process.
 *
 * The other side comes to its end of file when every process has closed this end.
 *
 * @param connection  the end
 * @return APR_SUCCESS, also the second time; APR_EINVAL when @p connection is NULL
 * @par Blocking  Never.
 * @par Threads   Not while another thread uses this end.
 */
XIPC_EXPORT apr_status_t xipc_connection_close(xipc_connection_t *connection);

/**
 * Can this end receive?
 *
 * @param connection  the end
 * @return 1 or 0; 0 when it is closed or NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT int xipc_connection_is_readable(const xipc_connection_t *connection);

/**
 * Can this end send?
 *
 * @param connection  the end
 * @return 1 or 0; 0 when it is closed or NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT int xipc_connection_is_writable(const xipc_connection_t *connection);

/**
 * The system's handle of this end, for an event loop of the caller's.
 *
 * When the handle is ready to be read, receive with timeout 0 until APR_TIMEUP: this end may have
 * read ahead.
 *
 * @param handle      where it goes: a descriptor or a HANDLE; it still belongs to the connection
 * @param connection  the end
 * @return APR_SUCCESS; XIPC_ECLOSED after xipc_connection_close(); APR_EINVAL when a pointer is
 *         NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_connection_os_get(apr_os_file_t *handle,
                                                const xipc_connection_t *connection);

/** Who made the other end of a connection. */
typedef struct {
    pid_t pid;        /**< its process then; -1 when the system does not tell */
    apr_int64_t user; /**< its effective user then; -1 when the system does not tell */
} xipc_peer_t;

/**
 * Who is at the other end, as the system itself knows it: who connected, or who listens.
 *
 * @param peer        where the answer goes
 * @param connection  an end that came from xipc_listener_accept() or xipc_client_connect()
 * @return APR_SUCCESS; APR_ENOTIMPL for a connection over TCP, or where the system does not tell;
 *         XIPC_ECLOSED after xipc_connection_close(); APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 * @par System    SO_PEERCRED on Linux, getpeereid(3) on macOS and the BSDs, which tells the user
 *                alone; GetNamedPipeClientProcessId on Win32, which tells the process alone, and
 *                nothing about a connection that went to another process.
 */
XIPC_EXPORT apr_status_t xipc_connection_peer(xipc_peer_t *peer,
                                              const xipc_connection_t *connection);

#ifdef __cplusplus
}
#endif

#endif
