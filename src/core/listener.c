/*
 * listener.c - listeners: their clients, and the handshakes side by side when there is a key.
 */
#include "core/listener.h"

#include "core/address.h"
#include "core/connection.h"
#include "core/handshake.h"
#include "core/state.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

/* How many handshakes go on at once; further clients wait in the backlog. */
enum { PEERS_MAX = 64 };

struct xipc_listener_options_t {
    apr_pool_t *pool;
    xipc__span_t key; /* its data NULL: none is demanded */
    int backlog;
    apr_interval_time_t handshake_timeout;
};

/* A client in its handshake. */
typedef struct peer_t {
    struct peer_t *next;
    apr_pool_t *pool;
    xipc_connection_t *connection;
    xipc__auth_t auth;
    apr_time_t deadline;
} peer_t;

struct xipc_listener_t {
    xipc_listener_t *next;  /* in the list of all open ones */
    xipc_listener_t **link; /* what points here */
    apr_pool_t *pool;
    xipc__endpoint_t *endpoint; /* NULL when closed */
    const char *address;
    pid_t owner; /* whose close removes the name */
    xipc__span_t key;
    apr_interval_time_t handshake_timeout;
    peer_t *peers;
    apr_size_t peer_count;
};

/* ---- options ---- */

apr_status_t xipc_listener_options_create(xipc_listener_options_t **options, apr_pool_t *pool)
{
    if (options == NULL) return xipc__fail_null("options");
    if (pool == NULL) return xipc__fail_null("pool");
    *options = apr_palloc(pool, sizeof **options);
    **options = (xipc_listener_options_t){
        .pool = pool, .backlog = 128, .handshake_timeout = apr_time_from_sec(10)};
    return APR_SUCCESS;
}

apr_status_t xipc_listener_options_authkey_set(xipc_listener_options_t *options, const void *key,
                                               apr_size_t size)
{
    if (options == NULL) return xipc__fail_null("options");
    return xipc__handshake_key(&options->key, key, size, options->pool);
}

apr_status_t xipc_listener_options_backlog_set(xipc_listener_options_t *options, int backlog)
{
    if (options == NULL) return xipc__fail_null("options");
    if (backlog < 1) return xipc__fail(APR_EINVAL, "a backlog of %d", backlog);
    options->backlog = backlog;
    return APR_SUCCESS;
}

apr_status_t xipc_listener_options_handshake_timeout_set(xipc_listener_options_t *options,
                                                         apr_interval_time_t timeout)
{
    if (options == NULL) return xipc__fail_null("options");
    if (timeout <= 0) return xipc__fail(APR_EINVAL, "a handshake wants some time");
    options->handshake_timeout = timeout;
    return APR_SUCCESS;
}

/* ---- the listener's life ---- */

static apr_status_t listener_cleanup(void *data)
{
    return xipc_listener_close(data);
}

static void enter(xipc_listener_t *listener)
{
    xipc__state_lock();
    listener->next = xipc__state.listeners;
    listener->link = &xipc__state.listeners;
    if (listener->next != NULL) listener->next->link = &listener->next;
    xipc__state.listeners = listener;
    xipc__state_unlock();
}

static void leave(xipc_listener_t *listener)
{
    xipc__state_lock();
    *listener->link = listener->next;
    if (listener->next != NULL) listener->next->link = listener->link;
    xipc__state_unlock();
}

static xipc_listener_t *make(xipc__endpoint_t *endpoint, const xipc__address_t *address,
                             const xipc_listener_options_t *options, apr_pool_t *pool)
{
    xipc_listener_t *made = apr_palloc(pool, sizeof *made);
    *made = (xipc_listener_t){.pool = pool,
                              .endpoint = endpoint,
                              .address = xipc__address_text(address, pool),
                              .owner = xipc__port_self(),
                              .handshake_timeout = options->handshake_timeout};
    if (options->key.data != NULL)
        made->key = (xipc__span_t){apr_pstrmemdup(pool, options->key.data, options->key.size),
                                   options->key.size};
    enter(made);
    apr_pool_cleanup_register(pool, made, listener_cleanup, apr_pool_cleanup_null);
    return made;
}

apr_status_t xipc_listener_create(xipc_listener_t **listener, const char *address,
                                  const xipc_listener_options_t *options, apr_pool_t *pool)
{
    xipc__address_t parsed;
    xipc__endpoint_t *endpoint;
    xipc_listener_options_t *defaults;
    if (listener == NULL) return xipc__fail_null("listener");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_status_t rv = xipc_listener_options_create(&defaults, pool);
    if (rv == APR_SUCCESS) rv = xipc__address_parse(&parsed, address, pool);
    if (options == NULL) options = defaults;
    if (rv == APR_SUCCESS) rv = xipc__port_listen(&endpoint, &parsed, options->backlog, pool);
    if (rv == APR_SUCCESS) *listener = make(endpoint, &parsed, options, pool);
    return rv;
}

const char *xipc_listener_address(const xipc_listener_t *listener)
{
    return listener == NULL ? "" : listener->address;
}

apr_status_t xipc_listener_os_get(apr_os_file_t *handle, const xipc_listener_t *listener)
{
    if (handle == NULL) return xipc__fail_null("handle");
    if (listener == NULL) return xipc__fail_null("listener");
    if (listener->endpoint == NULL) return xipc__fail(XIPC_ECLOSED, "listener");
    *handle = (apr_os_file_t)xipc__port_endpoint_sentinel(listener->endpoint);
    return APR_SUCCESS;
}

int xipc__listener_is_closed(const xipc_listener_t *listener)
{
    return listener->endpoint == NULL;
}

apr_status_t xipc_listener_close(xipc_listener_t *listener)
{
    if (listener == NULL) return xipc__fail_null("listener");
    if (listener->endpoint == NULL) return APR_SUCCESS;
    leave(listener);
    xipc__port_endpoint_close(listener->endpoint, listener->owner == xipc__port_self());
    listener->endpoint = NULL;
    while (listener->peers != NULL) {
        peer_t *peer = listener->peers;
        listener->peers = peer->next;
        apr_pool_destroy(peer->pool); /* closes its connection */
    }
    listener->peer_count = 0;
    return APR_SUCCESS;
}

void xipc__listener_close_all(void)
{
    while (xipc__state.listeners != NULL) (void)xipc_listener_close(xipc__state.listeners);
}

/* ---- accepting ---- */

static apr_status_t add_peer(xipc_listener_t *listener)
{
    apr_pool_t *pool;
    xipc__stream_t *stream;
    apr_status_t rv = apr_pool_create(&pool, listener->pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__port_accept(&stream, listener->endpoint, pool);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    peer_t *peer = apr_pcalloc(pool, sizeof *peer);
    peer->pool = pool;
    peer->connection = xipc__connection_make(stream, 1, 1, pool);
    peer->deadline = xipc__deadline(listener->handshake_timeout);
    rv = xipc__handshake_begin(&peer->auth, peer->connection, XIPC__AUTH_LISTENER, &listener->key);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    peer->next = listener->peers;
    listener->peers = peer;
    listener->peer_count++;
    return APR_SUCCESS;
}

/* APR_TIMEUP: no more wait, or there are enough. */
static apr_status_t add_peers(xipc_listener_t *listener)
{
    apr_status_t rv = APR_SUCCESS;
    while (rv == APR_SUCCESS)
        rv = listener->peer_count < PEERS_MAX ? add_peer(listener) : APR_TIMEUP;
    return rv;
}

/* As far as it goes without waiting. APR_TIMEUP: the peer has to say more. */
static apr_status_t go_on(peer_t *peer)
{
    while (!peer->auth.is_done) {
        apr_status_t rv = xipc__handshake_step(&peer->auth, peer->connection, 0);
        if (APR_STATUS_IS_TIMEUP(rv) && peer->deadline <= xipc__port_clock())
            return xipc__fail(XIPC_EAUTH, "the other side stalled in the handshake");
        if (rv != APR_SUCCESS) return rv;
    }
    return APR_SUCCESS;
}

/* The first peer that is through, or out. APR_TIMEUP: none is. */
static apr_status_t try_peers(xipc_connection_t **connection, xipc_listener_t *listener,
                              apr_pool_t *pool)
{
    for (peer_t **link = &listener->peers; *link != NULL; link = &(*link)->next) {
        peer_t *peer = *link;
        apr_status_t rv = go_on(peer);
        if (APR_STATUS_IS_TIMEUP(rv)) continue;
        *link = peer->next;
        listener->peer_count--;
        if (rv == APR_SUCCESS) rv = xipc__connection_move(connection, peer->connection, pool);
        apr_pool_destroy(peer->pool);
        return rv;
    }
    return APR_TIMEUP;
}

static apr_status_t try_accept(xipc_connection_t **connection, xipc_listener_t *listener,
                               apr_pool_t *pool)
{
    if (listener->key.data != NULL) {
        apr_status_t added = add_peers(listener);
        if (added == XIPC_EAUTH) return added;
        /* those that are here go on although another can't be let in */
        apr_status_t rv = try_peers(connection, listener, pool);
        return APR_STATUS_IS_TIMEUP(rv) ? added : rv;
    }
    xipc__stream_t *stream;
    apr_status_t rv = xipc__port_accept(&stream, listener->endpoint, pool);
    if (rv == APR_SUCCESS) *connection = xipc__connection_make(stream, 1, 1, pool);
    return rv;
}

apr_size_t xipc__listener_watch_count(const xipc_listener_t *listener)
{
    return 1 + listener->peer_count;
}

apr_size_t xipc__listener_watch(xipc__waitable_t *watched, const xipc_listener_t *listener)
{
    apr_size_t count = 0;
    /* with so many peers a new one would have to wait anyway */
    if (listener->peer_count < PEERS_MAX)
        watched[count++] =
            (xipc__waitable_t){.handle = xipc__port_endpoint_sentinel(listener->endpoint)};
    for (const peer_t *peer = listener->peers; peer != NULL; peer = peer->next)
        watched[count++] = (xipc__waitable_t){.stream = peer->connection->stream};
    return count;
}

static apr_status_t wait_for_someone(const xipc_listener_t *listener, apr_time_t deadline)
{
    xipc__waitable_t *watched = calloc(xipc__listener_watch_count(listener), sizeof *watched);
    if (watched == NULL) return APR_ENOMEM;
    for (const peer_t *peer = listener->peers; peer != NULL; peer = peer->next)
        if (peer->deadline < deadline) deadline = peer->deadline;
    apr_size_t count = xipc__listener_watch(watched, listener);
    apr_status_t rv = xipc__port_wait(watched, count, deadline);
    free(watched);
    return rv;
}

apr_status_t xipc_listener_accept(xipc_connection_t **connection, xipc_listener_t *listener,
                                  apr_interval_time_t timeout, apr_pool_t *pool)
{
    if (connection == NULL) return xipc__fail_null("connection");
    if (listener == NULL) return xipc__fail_null("listener");
    if (pool == NULL) return xipc__fail_null("pool");
    if (listener->endpoint == NULL) return xipc__fail(XIPC_ECLOSED, "listener");
    apr_time_t deadline = xipc__deadline(timeout);
    for (;;) {
        apr_status_t rv = try_accept(connection, listener, pool);
        if (!APR_STATUS_IS_TIMEUP(rv)) return rv;
        if (xipc__remaining(deadline) == 0) return APR_TIMEUP;
        rv = wait_for_someone(listener, deadline);
        if (rv != APR_SUCCESS && !APR_STATUS_IS_TIMEUP(rv)) return rv;
    }
}

/* ---- travelling ---- */

static void pack_text(xipc__parcel_t *parcel, const void *data, apr_size_t size)
{
    xipc__parcel_write_number(parcel, size);
    xipc__parcel_write(parcel, data, size);
}

static apr_status_t unpack_text(xipc__span_t *text, xipc__unpack_t *unpack)
{
    apr_uint64_t size;
    apr_status_t rv = xipc__unpack_number(&size, unpack);
    if (rv != APR_SUCCESS) return rv;
    const unsigned char *data =
        size > unpack->size ? NULL : xipc__unpack_bytes(unpack, (apr_size_t)size);
    if (data == NULL) return xipc__unpack_bad("a listener cut short");
    *text = (xipc__span_t){apr_pstrmemdup(unpack->pool, (const char *)data, (apr_size_t)size),
                           (apr_size_t)size};
    return APR_SUCCESS;
}

apr_status_t xipc__listener_pack(xipc__parcel_t *parcel, const xipc_listener_t *listener)
{
    if (listener->endpoint == NULL) return xipc__fail(XIPC_ECLOSED, "listener");
    xipc__handle_t handle = xipc__port_endpoint_handle(listener->endpoint);
    pack_text(parcel, listener->address, strlen(listener->address));
    xipc__parcel_write_number(parcel, (apr_uint64_t)listener->handshake_timeout);
    xipc__parcel_write_number(parcel, listener->key.data != NULL);
    pack_text(parcel, listener->key.data, listener->key.size);
    xipc__parcel_write_number(parcel, handle != XIPC__NO_HANDLE);
    return handle == XIPC__NO_HANDLE ? APR_SUCCESS : xipc__parcel_add_handle(parcel, handle);
}

/* Its address and options: what it is made of but for the endpoint. */
static apr_status_t unpack_options(xipc__address_t *address, xipc_listener_options_t *options,
                                   xipc__unpack_t *unpack)
{
    xipc__span_t text;
    apr_uint64_t timeout = 0;
    apr_uint64_t has_key = 0;
    *options = (xipc_listener_options_t){.pool = unpack->pool};
    apr_status_t rv = unpack_text(&text, unpack);
    if (rv == APR_SUCCESS) rv = xipc__unpack_number(&timeout, unpack);
    if (rv == APR_SUCCESS) rv = xipc__unpack_number(&has_key, unpack);
    if (rv == APR_SUCCESS) rv = unpack_text(&options->key, unpack);
    if (rv != APR_SUCCESS) return rv;
    if (timeout == 0 || timeout > APR_INT64_MAX) return xipc__unpack_bad("a listener's timeout");
    options->handshake_timeout = (apr_interval_time_t)timeout;
    if (!has_key) options->key = (xipc__span_t){NULL, 0};
    return xipc__address_parse(address, text.data, unpack->pool);
}

apr_status_t xipc__listener_unpack(xipc_listener_t **listener, xipc__unpack_t *unpack)
{
    xipc__address_t address;
    xipc_listener_options_t options;
    xipc__endpoint_t *endpoint;
    apr_uint64_t has_handle;
    xipc__handle_t handle = XIPC__NO_HANDLE;
    apr_status_t rv = unpack_options(&address, &options, unpack);
    if (rv == APR_SUCCESS) rv = xipc__unpack_number(&has_handle, unpack);
    if (rv != APR_SUCCESS) return rv;
    if (has_handle) {
        const xipc__handle_t *came = xipc__unpack_handles(unpack, 1);
        if (came == NULL) return xipc__unpack_bad("a listener without its handle");
        handle = *came;
    }
    rv = xipc__port_endpoint_adopt(&endpoint, handle, &address, unpack->pool);
    if (rv != APR_SUCCESS) return rv;
    if (has_handle) xipc__unpack_take(unpack, 1);
    *listener = make(endpoint, &address, &options, unpack->pool);
    (*listener)->owner = 0; /* the name is another's */
    return APR_SUCCESS;
}
