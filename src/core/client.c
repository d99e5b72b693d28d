/*
 * client.c - connecting to a listener.
 */
#include "core/address.h"
#include "core/connection.h"
#include "core/handshake.h"
#include "xipc/listener.h"

/* How soon a client tries again where nobody listens. */
#define RETRY_FIRST apr_time_from_msec(5)
#define RETRY_LAST apr_time_from_msec(100)

struct xipc_client_options_t {
    apr_pool_t *pool;
    xipc__span_t key;
};

/* ---- options ---- */

apr_status_t xipc_client_options_create(xipc_client_options_t **options, apr_pool_t *pool)
{
    if (options == NULL) return xipc__fail_null("options");
    if (pool == NULL) return xipc__fail_null("pool");
    *options = apr_palloc(pool, sizeof **options);
    **options = (xipc_client_options_t){.pool = pool};
    return APR_SUCCESS;
}

apr_status_t xipc_client_options_authkey_set(xipc_client_options_t *options, const void *key,
                                             apr_size_t size)
{
    if (options == NULL) return xipc__fail_null("options");
    return xipc__handshake_key(&options->key, key, size, options->pool);
}

/* ---- connecting ---- */

static apr_interval_time_t shorter(apr_interval_time_t one, apr_interval_time_t other)
{
    return one < other ? one : other;
}

static apr_status_t reach(xipc__stream_t **stream, const xipc__address_t *address,
                          apr_time_t deadline, apr_pool_t *pool)
{
    for (apr_interval_time_t pause = RETRY_FIRST;; pause = shorter(2 * pause, RETRY_LAST)) {
        int is_absent;
        apr_status_t rv = xipc__port_connect(stream, &is_absent, address, deadline, pool);
        apr_interval_time_t left = xipc__remaining(deadline);
        if (rv == APR_SUCCESS || !is_absent || left == 0) return rv;
        apr_sleep(left < 0 ? pause : shorter(pause, left));
    }
}

static apr_status_t introduce(xipc_connection_t *connection, const xipc__span_t *key,
                              apr_time_t deadline)
{
    xipc__auth_t auth;
    apr_status_t rv = xipc__handshake_begin(&auth, connection, XIPC__AUTH_CLIENT, key);
    while (rv == APR_SUCCESS && !auth.is_done)
        rv = xipc__handshake_step(&auth, connection, xipc__remaining(deadline));
    return rv;
}

apr_status_t xipc_client_connect(xipc_connection_t **connection, const char *address,
                                 const xipc_client_options_t *options, apr_interval_time_t timeout,
                                 apr_pool_t *pool)
{
    xipc__address_t parsed;
    xipc__stream_t *stream;
    if (connection == NULL) return xipc__fail_null("connection");
    if (address == NULL) return xipc__fail_null("address");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_time_t deadline = xipc__deadline(timeout);
    apr_status_t rv = xipc__address_parse(&parsed, address, pool);
    if (rv == APR_SUCCESS && parsed.kind == XIPC__ADDRESS_PRIVATE)
        rv = xipc__fail(APR_EINVAL, "the address is empty");
    if (rv == APR_SUCCESS) rv = reach(&stream, &parsed, deadline, pool);
    if (rv != APR_SUCCESS) return rv;
    xipc_connection_t *made = xipc__connection_make(stream, 1, 1, pool);
    if (options != NULL && options->key.data != NULL) rv = introduce(made, &options->key, deadline);
    if (rv == APR_SUCCESS)
        *connection = made;
    else
        (void)xipc_connection_close(made);
    return rv;
}
