/*
 * listener.h - the inside of a listener.
 */
#ifndef XIPC_CORE_LISTENER_H
#define XIPC_CORE_LISTENER_H

#include "core/parcel.h"
#include "core/port.h"
#include "xipc/listener.h"

/* How many things a wait for the listener has to watch, at most. */
apr_size_t xipc__listener_watch_count(const xipc_listener_t *listener);

/* Add them: new clients, and those that are in their handshake. Returns how many there are. */
apr_size_t xipc__listener_watch(xipc__waitable_t *watched, const xipc_listener_t *listener);

/* A listener in a parcel, with its key: both processes accept clients then. */
apr_status_t xipc__listener_pack(xipc__parcel_t *parcel, const xipc_listener_t *listener);
apr_status_t xipc__listener_unpack(xipc_listener_t **listener, xipc__unpack_t *unpack);

/*
 * In a forked child: the parent's, whose clients would otherwise be kept waiting when it is gone.
 */
void xipc__listener_close_all(void);

int xipc__listener_is_closed(const xipc_listener_t *listener);

#endif
