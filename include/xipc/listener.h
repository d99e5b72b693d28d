/**
 * @file listener.h
 * @brief Connections between programs that did not start each other.
 *
 * A listener waits at an address; a client connects to it. Both may demand that the other side
 * knows a secret key. Framing and handshakes are those of Python's `multiprocessing.connection`, so
 * that a real Python program may be at the other end (with `send_bytes` and `recv_bytes`).
 *
 * Addresses are strings:
 *
 * - `unix:/path` - a socket in the file system, for the owner alone (POSIX);
 * - `unix:@name` - an abstract name without a file (Linux); peers of other users are turned away;
 * - `tcp:host:port`, `tcp:[::1]:port` - TCP; port 0 lets the system choose one. Of a host's several
 *   addresses a listener takes one of IPv4 if there is one, and a client tries up to 8;
 * - `pipe:name` - a named pipe (Win32), for peers that use xipc: Python's do not frame there;
 * - NULL or "" - a private address that xipc chooses.
 *
 * Python counterparts: `multiprocessing.connection.Listener` and `Client`.
 *
 * @code
 * xipc_listener_options_create(&options, pool);
 * xipc_listener_options_authkey_set(options, "secret", 6);
 * xipc_listener_create(&listener, "tcp:127.0.0.1:6000", options, pool);
 * xipc_listener_accept(&connection, listener, -1, pool);
 * @endcode
 */
#ifndef XIPC_LISTENER_H
#define XIPC_LISTENER_H

#include "xipc/connection.h"
#include "xipc/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a listener is to be. @see xipc_listener_options_create */
typedef struct xipc_listener_options_t xipc_listener_options_t;

/** How a client is to connect. @see xipc_client_options_create */
typedef struct xipc_client_options_t xipc_client_options_t;

/**
 * Make options for xipc_listener_create(): no key, a backlog of 128, 10 seconds for a handshake.
 *
 * @param options  where they go; they live as long as @p pool
 * @param pool     where they live
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_listener_options_create(xipc_listener_options_t **options,
                                                      apr_pool_t *pool);

/**
 * Demand that clients know a key, and prove to them that the listener knows it.
 *
 * @param options  the options
 * @param key      the key; copied
 * @param size     its bytes; 0 is a key too
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL; APR_ENOTIMPL when this build has no
 *         library for it; the options are as before then
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_listener_options_authkey_set(xipc_listener_options_t *options,
                                                           const void *key, apr_size_t size);

/**
 * Choose how many clients the system may let wait for xipc_listener_accept().
 *
 * @param options  the options
 * @param backlog  how many; at least 1
 * @return APR_SUCCESS; APR_EINVAL when it is less than 1 or @p options is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_listener_options_backlog_set(xipc_listener_options_t *options,
                                                           int backlog);

/**
 * Choose how long a client may take to prove that it knows the key.
 *
 * @param options  the options
 * @param timeout  microseconds; more than 0
 * @return APR_SUCCESS; APR_EINVAL when it is not more than 0 or @p options is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_listener_options_handshake_timeout_set(
    xipc_listener_options_t *options, apr_interval_time_t timeout);

/**
 * Listen at an address.
 *
 * @param listener  where it goes; it lives as long as @p pool, or until xipc_listener_close()
 * @param address   where; NULL or "" for a private address
 * @param options   how; NULL for the defaults
 * @param pool      where the object lives
 * @return APR_SUCCESS; APR_EINVAL for an address that is malformed or too long, or whose host is
 *         not known, with the reason in the text, and when a pointer is NULL; APR_ENOTIMPL for a kind of address this system does
 *         not have; what the system says, EADDRINUSE when something is there already, also a socket
 *         file that a dead listener left
 * @par Blocking  While a host name is looked up.
 * @par Lifetime  The file of a `unix:/path` is removed by xipc_listener_close(), and with @p pool,
 *                in the process that made it; so is the directory of a private address.
 * @par Threads   The object belongs to one thread at a time.
 * @par System    socket(2), bind(2), listen(2), mode 0600; CreateNamedPipeW.
 */
XIPC_EXPORT apr_status_t xipc_listener_create(xipc_listener_t **listener, const char *address,
                                              const xipc_listener_options_t *options,
                                              apr_pool_t *pool);

/**
 * Wait for a client.
 *
 * With a key the handshakes of all waiting clients go on side by side, so that one that stalls
 * holds up nobody; one that is not through goes on at the next call.
 *
 * @param connection  where the connection goes; it lives as long as @p pool
 * @param listener    the listener
 * @param timeout     microseconds; negative waits for ever, 0 does not wait
 * @param pool        where the connection lives
 * @return APR_SUCCESS; APR_TIMEUP when none came in time; XIPC_EAUTH when a client did not know the
 *         key, babbled, left or stalled, with what it was in the text: that costs this one client,
 *         accept again; XIPC_ECLOSED after xipc_listener_close(); APR_EINVAL when a pointer is
 *         NULL; what the system says
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 * @par Threads   One at a time.
 * @par System    accept(2); ConnectNamedPipe.
 */
XIPC_EXPORT apr_status_t xipc_listener_accept(xipc_connection_t **connection,
                                              xipc_listener_t *listener,
                                              apr_interval_time_t timeout, apr_pool_t *pool);

/**
 * Where it listens, as a client says it: with the port or the private name that was chosen.
 *
 * @param listener  the listener
 * @return the address, which lives as long as the listener; "" when @p listener is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT const char *xipc_listener_address(const xipc_listener_t *listener);

/**
 * The system's handle of a listener, for an event loop of the caller's.
 *
 * When it is ready to be read (on Win32: signalled), accept with timeout 0 until APR_TIMEUP. With a
 * key it tells of new clients alone: what those in their handshake say is seen by the next accept,
 * which the loop has to make now and then, and by xipc_wait().
 *
 * @param handle    where it goes: a descriptor; on Win32 an event; it still belongs to the listener
 * @param listener  the listener
 * @return APR_SUCCESS; XIPC_ECLOSED after xipc_listener_close(); APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_listener_os_get(apr_os_file_t *handle,
                                              const xipc_listener_t *listener);

/**
 * Stop listening. Connections that were accepted go on; clients that wait are turned away.
 *
 * @param listener  the listener
 * @return APR_SUCCESS, also the second time; APR_EINVAL when @p listener is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_listener_close(xipc_listener_t *listener);

/**
 * Make options for xipc_client_connect(): no key.
 *
 * @param options  where they go; they live as long as @p pool
 * @param pool     where they live
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_client_options_create(xipc_client_options_t **options,
                                                    apr_pool_t *pool);

/**
 * Prove to the listener that this side knows a key, and demand the same of it.
 *
 * @param options  the options
 * @param key      the key; copied
 * @param size     its bytes; 0 is a key too
 * @return as xipc_listener_options_authkey_set()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_client_options_authkey_set(xipc_client_options_t *options,
                                                         const void *key, apr_size_t size);

/**
 * Connect to a listener, trying again until it is there.
 *
 * @param connection  where the connection goes; it lives as long as @p pool
 * @param address     where the listener is
 * @param options     how; NULL for the defaults
 * @param timeout     microseconds for all of it, the handshake too; negative waits for ever, 0
 *                    tries once and does not wait
 * @param pool        where the connection lives
 * @return APR_SUCCESS; what the system says when nobody listened in time (ENOENT, ECONNREFUSED);
 *         APR_TIMEUP when the listener did not answer in time; XIPC_EAUTH when one side does not
 *         know the key; APR_EINVAL for a malformed address or when a pointer is NULL; APR_ENOTIMPL
 *         for a kind of address this system does not have
 * @par Blocking  Up to @p timeout, and while a host name is looked up. On Win32 it waits for the
 *                listener to accept; on POSIX a client in the backlog is connected already.
 * @par System    connect(2); CreateFileW.
 */
XIPC_EXPORT apr_status_t xipc_client_connect(xipc_connection_t **connection, const char *address,
                                             const xipc_client_options_t *options,
                                             apr_interval_time_t timeout, apr_pool_t *pool);

#ifdef __cplusplus
}
#endif

#endif
