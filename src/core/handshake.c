/*
 * handshake.c - the proof of a key over a connection.
 */
#include "core/handshake.h"

#include "core/connection.h"

#include <apr_strings.h>

apr_status_t xipc__handshake_key(xipc__span_t *key, const void *data, apr_size_t size,
                                 apr_pool_t *pool)
{
    if (data == NULL) return xipc__fail_null("key");
    if (!xipc__port_has_mac())
        return xipc__fail(APR_ENOTIMPL, "this build has no library for keyed digests");
    /* a NUL behind it, so that an empty key is not NULL */
    *key = (xipc__span_t){apr_pstrmemdup(pool, data, size), size};
    return APR_SUCCESS;
}

/* What is sent is small, and the other side waits for it. */
static apr_status_t send_reply(xipc_connection_t *connection, const xipc__auth_reply_t *reply,
                               apr_interval_time_t timeout)
{
    if (reply->size == 0) return APR_SUCCESS;
    return xipc_connection_send(connection, reply->data, reply->size, timeout);
}

/* How a handshake fails that the other side does not go on with. */
static apr_status_t explain(apr_status_t rv)
{
    if (APR_STATUS_IS_TIMEUP(rv) || rv == XIPC_EAUTH || rv == APR_ENOMEM) return rv;
    if (rv == XIPC_EMSGSIZE)
        return xipc__fail(XIPC_EAUTH, "a message too long for a handshake came");
    return xipc__fail(XIPC_EAUTH, "the other side left in the handshake, or does not know it");
}

apr_status_t xipc__handshake_begin(xipc__auth_t *auth, xipc_connection_t *connection,
                                   xipc__auth_side_e side, const xipc__span_t *key)
{
    xipc__auth_reply_t reply;
    apr_status_t rv = xipc__auth_begin(auth, &reply, side, key->data, key->size);
    if (rv != APR_SUCCESS) return rv;
    rv = send_reply(connection, &reply, 0);
    return rv == APR_SUCCESS ? rv : explain(rv);
}

apr_status_t xipc__handshake_step(xipc__auth_t *auth, xipc_connection_t *connection,
                                  apr_interval_time_t timeout)
{
    unsigned char message[XIPC__AUTH_MESSAGE_MAX];
    apr_size_t size;
    xipc__auth_reply_t reply;
    apr_status_t rv =
        xipc_connection_recv_into(&size, connection, message, sizeof message, timeout);
    if (rv != APR_SUCCESS) return explain(rv);
    rv = xipc__auth_take(auth, &reply, message, size);
    if (rv != APR_SUCCESS) {
        char why[200];
        (void)apr_cpystrn(why, xipc__fail_detail(rv), sizeof why);
        (void)send_reply(connection, &reply, 0);
        return xipc__fail(rv, "%s", why);
    }
    rv = send_reply(connection, &reply, timeout);
    return rv == APR_SUCCESS ? rv : explain(rv);
}
