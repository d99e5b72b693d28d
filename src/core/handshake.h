/*
 * handshake.h - the proof of a key over a connection: what auth.h says, sent and received.
 */
#ifndef XIPC_CORE_HANDSHAKE_H
#define XIPC_CORE_HANDSHAKE_H

#include "core/auth.h"
#include "core/port.h"
#include "xipc/connection.h"

/* Copy a key. APR_ENOTIMPL where there is no library for digests. */
apr_status_t xipc__handshake_key(xipc__span_t *key, const void *data, apr_size_t size,
                                 apr_pool_t *pool);

/* Say what comes first. XIPC_EAUTH when the other side has left. */
apr_status_t xipc__handshake_begin(xipc__auth_t *auth, xipc_connection_t *connection,
                                   xipc__auth_side_e side, const xipc__span_t *key);

/*
 * Take one message of the other side, and answer it; `auth` knows when it is done. APR_TIMEUP: none
 * came in time. XIPC_EAUTH: it failed.
 */
apr_status_t xipc__handshake_step(xipc__auth_t *auth, xipc_connection_t *connection,
                                  apr_interval_time_t timeout);

#endif
