/*
 * listener.c - listeners and clients, and the handshakes when there is a key.
 */
#include "core/listener.h"

#include "core/address.h"
#include "core/auth.h"
#include "core/connection.h"
#include "core/state.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

/* How many handshakes go on at once; further clients wait in the backlog. */
enum { PEERS_MAX = 64 };

/* How soon a client tries again where nobody listens. */
#define RETRY_FIRST apr_time_from_msec(5)
#define RETRY_LAST apr_time_from_msec(100)

struct xipc_listener_options_t {
    apr_pool_t *pool;
    xipc__span_t key; /* its data NULL: none is demanded */
    int backlog;
    apr_interval_time_t handshake_timeout;
};

struct xipc_client_options_t {
    apr_pool_t *pool;
    xipc__span_t key;
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

static apr_status_t key_set(xipc__span_t *key, const void *data, apr_size_t size, apr_pool_t *pool)
{
    if (data == NULL) return xipc__fail_null("key");
    if (!xipc__port_has_mac())
        return xipc__fail(APR_ENOTIMPL, "this build has no library for keyed digests");
    /* a NUL behind it, so that an empty key is not NULL */
    *key = (xipc__span_t){apr_pstrmemdup(pool, data, size), size};
    return APR_SUCCESS;
}

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
    return key_set(&options->key, key, size, options->pool);
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
    return key_set(&options->key, key, size, options->pool);
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

/* ---- one handshake ---- */

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

/* One message of it. */
static apr_status_t step(xipc__auth_t *auth, xipc_connection_t *connection,
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

/* ---- accepting ---- */

static apr_status_t add_peer(xipc_listener_t *listener)
{
    apr_pool_t *pool;
    xipc__stream_t *stream;
    xipc__auth_reply_t reply;
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
    rv = xipc__auth_begin(&peer->auth, &reply, XIPC__AUTH_LISTENER, listener->key.data,
                          listener->key.size);
    if (rv == APR_SUCCESS) rv = send_reply(peer->connection, &reply, 0);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return explain(rv);
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
        apr_status_t rv = step(&peer->auth, peer->connection, 0);
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
        apr_status_t rv = add_peers(listener);
        if (!APR_STATUS_IS_TIMEUP(rv)) return rv;
        return try_peers(connection, listener, pool);
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
    xipc__auth_reply_t reply;
    apr_status_t rv = xipc__auth_begin(&auth, &reply, XIPC__AUTH_CLIENT, key->data, key->size);
    while (rv == APR_SUCCESS && !auth.is_done)
        rv = step(&auth, connection, xipc__remaining(deadline));
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
