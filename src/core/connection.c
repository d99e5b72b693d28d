/*
 * connection.c - the two ends of a pipe.
 */
#include "core/connection.h"

#include "core/state.h"
#include "core/values.h"

#include <stdlib.h>
#include <string.h>

/* What a packed connection can do. */
enum { PACKED_READS = 1, PACKED_WRITES = 2, PACKED_SEND_BROKEN = 4 };

/* ---- life ---- */

static void enter(xipc_connection_t *connection)
{
    xipc__state_lock();
    connection->next = xipc__state.connections;
    connection->link = &xipc__state.connections;
    if (connection->next != NULL) connection->next->link = &connection->next;
    xipc__state.connections = connection;
    xipc__state_unlock();
}

static void leave(xipc_connection_t *connection)
{
    xipc__state_lock();
    *connection->link = connection->next;
    if (connection->next != NULL) connection->next->link = connection->link;
    xipc__state_unlock();
}

static apr_status_t connection_cleanup(void *data)
{
    return xipc_connection_close(data);
}

xipc_connection_t *xipc__connection_make(xipc__stream_t *stream, int can_read, int can_write,
                                         apr_pool_t *pool)
{
    xipc_connection_t *connection = apr_pcalloc(pool, sizeof *connection);
    connection->pool = pool;
    connection->stream = stream;
    connection->can_read = can_read;
    connection->can_write = can_write;
    enter(connection);
    apr_pool_cleanup_register(pool, connection, connection_cleanup, apr_pool_cleanup_null);
    return connection;
}

apr_status_t xipc_pipe_create(xipc_connection_t **first, xipc_connection_t **second, int duplex,
                              apr_pool_t *pool)
{
    if (first == NULL) return xipc__fail_null("first");
    if (second == NULL) return xipc__fail_null("second");
    if (pool == NULL) return xipc__fail_null("pool");
    xipc__stream_t *one;
    xipc__stream_t *other;
    apr_status_t rv = xipc__port_stream_pair(&one, &other, duplex, pool);
    if (rv != APR_SUCCESS) return rv;
    *first = xipc__connection_make(one, 1, duplex != 0, pool);
    *second = xipc__connection_make(other, duplex != 0, 1, pool);
    return APR_SUCCESS;
}

static void free_buffers(xipc_connection_t *connection)
{
    xipc__arrived_t *arrived = connection->arrived;
    for (apr_size_t i = 0; arrived != NULL && i < arrived->count; i++)
        xipc__port_handle_close(arrived->items[i]);
    free(arrived);
    free(connection->ahead);
    free(connection->body);
    connection->arrived = NULL;
    connection->ahead = connection->body = NULL;
}

apr_status_t xipc_connection_close(xipc_connection_t *connection)
{
    if (connection == NULL) return xipc__fail_null("connection");
    if (connection->stream == NULL) return APR_SUCCESS;
    leave(connection);
    xipc__port_stream_close(connection->stream);
    connection->stream = NULL;
    free_buffers(connection);
    return APR_SUCCESS;
}

/* What was read and not given out. */
static void hand_over(xipc_connection_t *made, xipc_connection_t *connection)
{
    made->body = connection->body;
    made->body_size = connection->body_size;
    made->body_got = connection->body_got;
    made->body_capacity = connection->body_capacity;
    made->skip_left = connection->skip_left;
    made->is_skipping = connection->is_skipping;
    made->limit = connection->limit;
    made->ahead = connection->ahead;
    made->ahead_at = connection->ahead_at;
    made->ahead_size = connection->ahead_size;
    made->position = connection->position;
    made->end = connection->end;
    made->arrived = connection->arrived;
    connection->body = connection->ahead = NULL;
    connection->arrived = NULL;
}

apr_status_t xipc__connection_move(xipc_connection_t **moved, xipc_connection_t *connection,
                                   apr_pool_t *pool)
{
    xipc__handle_t handle;
    xipc__stream_t *stream;
    apr_status_t rv =
        xipc__port_handle_duplicate(&handle, xipc__port_stream_handle(connection->stream));
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__port_stream_adopt(&stream, handle, pool);
    if (rv != APR_SUCCESS) {
        xipc__port_handle_close(handle);
        return rv;
    }
    xipc_connection_t *made =
        xipc__connection_make(stream, connection->can_read, connection->can_write, pool);
    hand_over(made, connection);
    (void)xipc_connection_close(connection);
    *moved = made;
    return APR_SUCCESS;
}

static int is_among(const xipc_connection_t *connection, xipc_connection_t *const *list,
                    apr_size_t count)
{
    while (count > 0 && list[count - 1] != connection) count--;
    return count > 0;
}

void xipc__connection_close_all_but(xipc_connection_t *const *kept, apr_size_t count)
{
    xipc_connection_t *next;
    for (xipc_connection_t *each = xipc__state.connections; each != NULL; each = next) {
        next = each->next;
        if (!is_among(each, kept, count)) (void)xipc_connection_close(each);
    }
}

int xipc_connection_is_readable(const xipc_connection_t *connection)
{
    return connection != NULL && connection->stream != NULL && connection->can_read;
}

int xipc_connection_is_writable(const xipc_connection_t *connection)
{
    return connection != NULL && connection->stream != NULL && connection->can_write;
}

apr_status_t xipc_connection_os_get(apr_os_file_t *handle, const xipc_connection_t *connection)
{
    if (handle == NULL) return xipc__fail_null("handle");
    if (connection == NULL) return xipc__fail_null("connection");
    if (connection->stream == NULL) return xipc__fail(XIPC_ECLOSED, "connection");
    *handle = (apr_os_file_t)xipc__port_stream_handle(connection->stream);
    return APR_SUCCESS;
}

apr_status_t xipc_connection_peer(xipc_peer_t *peer, const xipc_connection_t *connection)
{
    if (peer == NULL) return xipc__fail_null("peer");
    if (connection == NULL) return xipc__fail_null("connection");
    if (connection->stream == NULL) return xipc__fail(XIPC_ECLOSED, "connection");
    return xipc__port_stream_peer(&peer->pid, &peer->user, connection->stream);
}

/* ---- sending ---- */

static apr_status_t check_send(const xipc_connection_t *connection)
{
    if (connection == NULL) return xipc__fail_null("connection");
    if (connection->stream == NULL) return xipc__fail(XIPC_ECLOSED, "connection");
    if (!connection->can_write) return xipc__fail(XIPC_ENOTWRITABLE, "connection");
    if (connection->is_send_broken)
        return xipc__fail(XIPC_EBROKEN, "an earlier send ended in mid-message");
    return APR_SUCCESS;
}

static apr_status_t send_message(xipc_connection_t *connection, xipc__outgoing_t *out,
                                 apr_time_t deadline)
{
    apr_status_t rv = xipc__outgoing_push(out, connection, deadline);
    if (rv == APR_SUCCESS || out->sent == 0) return rv;

    /* the receiver has a part, so nothing else may follow it */
    connection->is_send_broken = 1;
    xipc__port_stream_shutdown(connection->stream);
    return APR_STATUS_IS_TIMEUP(rv) ? xipc__fail(XIPC_EBROKEN, "the time ended in mid-message")
                                    : rv;
}

apr_status_t xipc__connection_send_parcel(xipc_connection_t *connection,
                                          const xipc__parcel_t *parcel, apr_time_t deadline)
{
    if (parcel->handles.count > 0 && !xipc__port_stream_carries_handles(connection->stream))
        return xipc__fail(APR_ENOTIMPL, "connections and queues can't travel over TCP");
    xipc__outgoing_t out;
    xipc__outgoing_begin_parcel(&out, parcel);
    return send_message(connection, &out, deadline);
}

apr_status_t xipc_connection_send(xipc_connection_t *connection, const void *data, apr_size_t size,
                                  apr_interval_time_t timeout)
{
    apr_status_t rv = check_send(connection);
    if (rv != APR_SUCCESS) return rv;
    if (data == NULL && size > 0) return xipc__fail_null("data");
    xipc__outgoing_t out;
    xipc__outgoing_begin(&out, data, size);
    return send_message(connection, &out, xipc__deadline(timeout));
}

apr_status_t xipc_connection_send_values(xipc_connection_t *connection, const xipc_values_t *values,
                                         apr_interval_time_t timeout)
{
    apr_status_t rv = check_send(connection);
    if (rv != APR_SUCCESS) return rv;
    xipc__parcel_t parcel;
    rv = xipc__parcel_pack_to_send(&parcel, values, connection->pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__connection_send_parcel(connection, &parcel, xipc__deadline(timeout));
    xipc__parcel_free(&parcel);
    return rv;
}

/* ---- receiving ---- */

static apr_status_t check_receive(const xipc_connection_t *connection)
{
    if (connection == NULL) return xipc__fail_null("connection");
    if (connection->stream == NULL) return xipc__fail(XIPC_ECLOSED, "connection");
    if (!connection->can_read) return xipc__fail(XIPC_ENOTREADABLE, "connection");
    return APR_SUCCESS;
}

apr_status_t xipc_connection_recv(void **data, apr_size_t *size, xipc_connection_t *connection,
                                  apr_interval_time_t timeout, apr_pool_t *pool)
{
    if (data == NULL) return xipc__fail_null("data");
    if (size == NULL) return xipc__fail_null("size");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_status_t rv = check_receive(connection);
    if (rv != APR_SUCCESS) return rv;
    xipc__room_t room = {.pool = pool};
    return xipc__frame_receive(data, size, connection, &room, NULL, xipc__deadline(timeout));
}

apr_status_t xipc_connection_recv_into(apr_size_t *size, xipc_connection_t *connection,
                                       void *buffer, apr_size_t capacity,
                                       apr_interval_time_t timeout)
{
    if (size == NULL) return xipc__fail_null("size");
    if (buffer == NULL && capacity > 0) return xipc__fail_null("buffer");
    apr_status_t rv = check_receive(connection);
    if (rv != APR_SUCCESS) return rv;
    xipc__room_t room = {.buffer = buffer, .capacity = capacity};
    void *data;
    return xipc__frame_receive(&data, size, connection, &room, NULL, xipc__deadline(timeout));
}

apr_status_t xipc_connection_recv_values(xipc_values_t **values, xipc_connection_t *connection,
                                         apr_interval_time_t timeout, apr_pool_t *pool)
{
    if (values == NULL) return xipc__fail_null("values");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_status_t rv = check_receive(connection);
    if (rv != APR_SUCCESS) return rv;
    xipc__room_t room = {.pool = pool};
    xipc__handles_t handles;
    handles.count = 0;
    handles.lost = APR_SUCCESS;
    void *data;
    apr_size_t size;
    rv = xipc__frame_receive(&data, &size, connection, &room, &handles, xipc__deadline(timeout));
    if (rv != APR_SUCCESS) return rv;
    if (handles.lost == APR_SUCCESS) {
        rv = xipc__parcel_unpack(values, data, size, &handles, pool);
        if (rv == APR_SUCCESS) (*values)->given = connection->given;
        return rv;
    }
    while (handles.count > 0) xipc__port_handle_close(handles.items[--handles.count]);
    return xipc__fail(handles.lost, "the handles of the list can't be had, and it is gone");
}

apr_status_t xipc_connection_limit_set(xipc_connection_t *connection, apr_size_t limit)
{
    apr_status_t rv = check_receive(connection);
    if (rv == APR_SUCCESS) connection->limit = limit;
    return rv;
}

apr_status_t xipc_connection_skip(xipc_connection_t *connection, apr_interval_time_t timeout)
{
    apr_status_t rv = check_receive(connection);
    return rv == APR_SUCCESS ? xipc__frame_skip(connection, xipc__deadline(timeout)) : rv;
}

int xipc__connection_goes_on(const xipc_connection_t *connection, apr_status_t failed)
{
    return connection->end == APR_SUCCESS && !APR_STATUS_IS_TIMEUP(failed) &&
           !APR_STATUS_IS_ENOMEM(failed);
}

apr_status_t xipc_connection_poll(xipc_connection_t *connection, apr_interval_time_t timeout)
{
    apr_status_t rv = check_receive(connection);
    if (rv != APR_SUCCESS) return rv;
    apr_time_t deadline = xipc__deadline(timeout);
    if (connection->is_skipping) rv = xipc__frame_skip(connection, deadline);
    if (connection->ahead_size > 0 || connection->end != APR_SUCCESS) return APR_SUCCESS;
    if (rv == APR_SUCCESS) rv = xipc__frame_fill(connection, deadline);
    return connection->end != APR_SUCCESS ? APR_SUCCESS
                                          : rv; /* the end, too, is something to receive */
}

/* ---- travelling ---- */

static void pack_read_ahead(xipc__parcel_t *parcel, const xipc_connection_t *connection)
{
    unsigned char head[12];
    apr_size_t head_size =
        connection->body == NULL ? 0 : xipc__frame_head(head, connection->body_size);
    apr_size_t body_got = connection->body == NULL ? 0 : connection->body_got;
    xipc__parcel_write_number(parcel, head_size + body_got + connection->ahead_size);
    xipc__parcel_write(parcel, head, head_size);
    xipc__parcel_write(parcel, connection->body, body_got);
    if (connection->ahead_size > 0)
        xipc__parcel_write(parcel, connection->ahead + connection->ahead_at,
                           connection->ahead_size);
}

apr_status_t xipc__connection_pack(xipc__parcel_t *parcel, const xipc_connection_t *connection)
{
    if (connection->stream == NULL) return xipc__fail(XIPC_ECLOSED, "a connection in the list");
    if (connection->arrived != NULL && connection->arrived->count > 0)
        return xipc__fail(
            XIPC_ESTATE,
            "a connection in the list has a message with handles to be received first");
    if (connection->is_skipping)
        return xipc__fail(XIPC_ESTATE, "a connection in the list has a message half skipped");
    int abilities = (connection->can_read ? PACKED_READS : 0) |
                    (connection->can_write ? PACKED_WRITES : 0) |
                    (connection->is_send_broken ? PACKED_SEND_BROKEN : 0);
    unsigned char byte = (unsigned char)abilities;
    xipc__parcel_write(parcel, &byte, 1);
    pack_read_ahead(parcel, connection);
    return xipc__parcel_add_handle(parcel, xipc__port_stream_handle(connection->stream));
}

/* Bytes read ahead by the sender of the connection are read ahead here. */
static apr_status_t unpack_read_ahead(const unsigned char **ahead, apr_size_t *size,
                                      xipc__unpack_t *unpack)
{
    apr_uint64_t count;
    apr_status_t rv = xipc__unpack_number(&count, unpack);
    if (rv != APR_SUCCESS) return rv;
    if (count > unpack->size || (*ahead = xipc__unpack_bytes(unpack, (apr_size_t)count)) == NULL)
        return xipc__unpack_bad("a connection cut short");
    *size = (apr_size_t)count;
    return APR_SUCCESS;
}

apr_status_t xipc__connection_unpack(xipc_connection_t **connection, xipc__unpack_t *unpack)
{
    const unsigned char *abilities = xipc__unpack_bytes(unpack, 1);
    if (abilities == NULL) return xipc__unpack_bad("a connection cut short");
    const unsigned char *ahead = NULL;
    apr_size_t ahead_size = 0;
    apr_status_t rv = unpack_read_ahead(&ahead, &ahead_size, unpack);
    if (rv != APR_SUCCESS) return rv;
    const xipc__handle_t *handle = xipc__unpack_handles(unpack, 1);
    if (handle == NULL) return xipc__unpack_bad("a connection without its handle");

    xipc__stream_t *stream;
    rv = xipc__port_stream_adopt(&stream, *handle, unpack->pool);
    if (rv != APR_SUCCESS) return rv;
    xipc__unpack_take(unpack, 1);
    *connection = xipc__connection_make(stream, (*abilities & PACKED_READS) != 0,
                                        (*abilities & PACKED_WRITES) != 0, unpack->pool);
    (*connection)->is_send_broken = (*abilities & PACKED_SEND_BROKEN) != 0;
    rv = xipc__frame_put_ahead(*connection, ahead, ahead_size);
    if (rv != APR_SUCCESS) (void)xipc_connection_close(*connection);
    return rv;
}
