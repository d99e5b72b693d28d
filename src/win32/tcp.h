/*
 * tcp.h - sockets of TCP, as streams and as listeners. None of them ever blocks by itself.
 */
#ifndef XIPC_WIN32_TCP_H
#define XIPC_WIN32_TCP_H

#include "win32/win32.h"

#include <winsock2.h>

/*
 * Make a socket of a handle that came from another process, or is a duplicate, which it uses up.
 * XIPC_EPROTOCOL: it is none of TCP, and still the caller's.
 */
apr_status_t xipc__tcp_adopt(SOCKET *socket, HANDLE handle);

/* As xipc__port_stream_write and _read, without handles. */
apr_status_t xipc__tcp_write(apr_size_t *written, SOCKET socket, xipc__span_t head,
                             xipc__span_t body, apr_time_t deadline);
apr_status_t xipc__tcp_read(apr_size_t *got, SOCKET socket, void *buffer, apr_size_t capacity,
                            apr_time_t deadline);

/* Has it something to read, or its end? */
int xipc__tcp_is_readable(SOCKET socket);

/* Have the event set when it may have become so, until this is called with NULL. */
void xipc__tcp_watch(SOCKET socket, HANDLE event);

/* Listen; the event is set while clients may wait. Port 0 is replaced by the one chosen. */
apr_status_t xipc__tcp_listen(SOCKET *listening, HANDLE event, xipc__address_t *address,
                              int backlog);

/* As xipc__tcp_adopt. The event of the process it came from is not set any more. */
apr_status_t xipc__tcp_adopt_listening(SOCKET *listening, HANDLE event, HANDLE handle);

/* APR_TIMEUP: no client waits. */
apr_status_t xipc__tcp_accept(SOCKET *accepted, SOCKET listening, HANDLE event);

/* As xipc__port_connect. */
apr_status_t xipc__tcp_connect(SOCKET *connected, int *is_absent, const xipc__address_t *address,
                               apr_time_t deadline);

#endif
