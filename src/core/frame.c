/*
 * frame.c - messages on a stream of bytes, framed as Python's multiprocessing.connection does: a
 * length of 4 bytes, big-endian and signed; -1 stands for a length of 8 bytes that follows.
 */
#include "core/connection.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_SHORT = 4,
    HEAD_LONG = 12,
    /* a whole piece fits behind an unfinished header */
    AHEAD_CAPACITY = XIPC__STREAM_CHUNK + HEAD_LONG,
    /* memory for a large body grows as it arrives: a length alone costs no more than this */
    BODY_STEP = 1 << 24
};

static void write_big_endian(unsigned char *bytes, apr_uint64_t number, int count)
{
    for (int i = 0; i < count; i++) bytes[i] = (unsigned char)(number >> (8 * (count - 1 - i)));
}

static apr_uint64_t read_big_endian(const unsigned char *bytes, int count)
{
    apr_uint64_t number = 0;
    for (int i = 0; i < count; i++) number = number << 8 | bytes[i];
    return number;
}

/* ---- sending ---- */

apr_size_t xipc__frame_head(unsigned char head[12], apr_uint64_t body_size)
{
    if (body_size <= INT32_MAX) {
        write_big_endian(head, body_size, HEAD_SHORT);
        return HEAD_SHORT;
    }
    write_big_endian(head, UINT32_MAX, HEAD_SHORT);
    write_big_endian(head + HEAD_SHORT, body_size, 8);
    return HEAD_LONG;
}

void xipc__outgoing_begin(xipc__outgoing_t *out, const void *body, apr_size_t size)
{
    *out = (xipc__outgoing_t){.body = body, .body_size = size};
    out->head_size = xipc__frame_head(out->head, size);
}

void xipc__outgoing_begin_parcel(xipc__outgoing_t *out, const xipc__parcel_t *parcel)
{
    *out = (xipc__outgoing_t){.body = parcel->data,
                              .body_size = parcel->size,
                              .tail = parcel->tail,
                              .tail_size = parcel->tail_size,
                              .handles = parcel->handles.count > 0 ? &parcel->handles : NULL};
    out->head_size = xipc__frame_head(out->head, (apr_uint64_t)parcel->size + parcel->tail_size);
}

/* What is to be sent next. */
static void next_spans(xipc__span_t *head, xipc__span_t *body, const xipc__outgoing_t *out)
{
    apr_size_t head_sent = out->sent < out->head_size ? (apr_size_t)out->sent : out->head_size;
    apr_size_t body_sent = (apr_size_t)(out->sent - head_sent);
    *head = (xipc__span_t){out->head + head_sent, out->head_size - head_sent};
    if (body_sent < out->body_size || out->tail_size == 0)
        *body = (xipc__span_t){(const char *)out->body + body_sent, out->body_size - body_sent};
    else
        *body = (xipc__span_t){(const char *)out->tail + (body_sent - out->body_size),
                               out->tail_size - (body_sent - out->body_size)};
    if (body->size == 0) body->data = out->head;
}

apr_status_t xipc__outgoing_push(xipc__outgoing_t *out, xipc_connection_t *connection,
                                 apr_time_t deadline)
{
    while (out->sent < (apr_uint64_t)out->head_size + out->body_size + out->tail_size) {
        xipc__span_t head;
        xipc__span_t body;
        apr_size_t written;
        if (out->pause_at > 0 && out->sent >= out->pause_at) return APR_TIMEUP;
        next_spans(&head, &body, out);
        apr_status_t rv = xipc__port_stream_write(&written, connection->stream, head, body,
                                                  out->sent == 0 ? out->handles : NULL, deadline);
        if (rv != APR_SUCCESS) return rv;
        out->sent += written;
    }
    return APR_SUCCESS;
}

/* ---- handles that arrive ---- */

static apr_status_t keep_arrived(xipc_connection_t *connection, const xipc__handles_t *handles)
{
    if (connection->arrived == NULL) connection->arrived = calloc(1, sizeof *connection->arrived);
    xipc__arrived_t *arrived = connection->arrived;
    apr_status_t rv = arrived == NULL ? APR_ENOMEM : APR_SUCCESS;
    if (rv == APR_SUCCESS && handles->lost != APR_SUCCESS) {
        arrived->lost = handles->lost;
        arrived->lost_position = connection->position;
    }
    for (apr_size_t i = 0; i < handles->count; i++) {
        if (rv == APR_SUCCESS && arrived->count == XIPC__ARRIVED_MAX)
            rv = xipc__fail(XIPC_EPROTOCOL, "more handles than %d on their way", XIPC__ARRIVED_MAX);
        if (rv == APR_SUCCESS) {
            arrived->items[arrived->count] = handles->items[i];
            arrived->positions[arrived->count++] = connection->position;
        } else {
            xipc__port_handle_close(handles->items[i]);
        }
    }
    return rv;
}

/* Take out the handles of the message that ends where the bytes not given out begin. */
static void take_arrived(xipc_connection_t *connection, xipc__handles_t *handles)
{
    xipc__arrived_t *arrived = connection->arrived;
    if (arrived == NULL) return;
    apr_uint64_t end = connection->position - connection->ahead_size;
    if (arrived->lost != APR_SUCCESS && arrived->lost_position <= end) {
        if (handles != NULL) handles->lost = arrived->lost;
        arrived->lost = APR_SUCCESS;
    }
    apr_size_t taken = 0;
    while (taken < arrived->count && arrived->positions[taken] <= end) {
        if (handles != NULL && handles->count < XIPC__HANDLES_MAX) {
            handles->items[handles->count++] = arrived->items[taken];
        } else {
            xipc__port_handle_close(arrived->items[taken]);
            if (handles != NULL) handles->lost = XIPC_EPROTOCOL; /* so many no list has */
        }
        taken++;
    }
    arrived->count -= taken;
    memmove(arrived->items, arrived->items + taken, arrived->count * sizeof arrived->items[0]);
    memmove(arrived->positions, arrived->positions + taken,
            arrived->count * sizeof arrived->positions[0]);
}

/* ---- receiving ---- */

/* An end, clean or not, is for good; a timeout is not. */
static apr_status_t note_end(xipc_connection_t *connection, apr_status_t rv)
{
    int is_in_message =
        connection->body != NULL || connection->is_skipping || connection->ahead_size > 0;
    if (rv == APR_SUCCESS || APR_STATUS_IS_TIMEUP(rv)) return rv;
    if (APR_STATUS_IS_EOF(rv) && is_in_message)
        rv = xipc__fail(XIPC_EBROKEN, "the other side is gone");
    connection->end = rv;
    return rv;
}

/* One read may take all that a quick writer has, so it is not to go far beyond a pause. */
static apr_size_t until_pause(const xipc_connection_t *connection, apr_size_t capacity)
{
    if (connection->pause_at == 0) return capacity;
    apr_uint64_t left = connection->pause_at - connection->position;
    if (left < XIPC__STREAM_CHUNK) left = XIPC__STREAM_CHUNK;
    return capacity < left ? capacity : (apr_size_t)left;
}

/* Read some bytes from the stream to `buffer`; see xipc__port_stream_read for the capacity. */
static apr_status_t read_some(apr_size_t *got, xipc_connection_t *connection, void *buffer,
                              apr_size_t capacity, apr_time_t deadline)
{
    if (connection->end != APR_SUCCESS) return connection->end;
    if (connection->pause_at > 0 && connection->position >= connection->pause_at) return APR_TIMEUP;
    xipc__handles_t handles;
    handles.count = 0;
    handles.lost = APR_SUCCESS;
    apr_status_t rv = xipc__port_stream_read(got, connection->stream, buffer,
                                             until_pause(connection, capacity), &handles, deadline);
    if (rv == APR_SUCCESS) {
        connection->position += *got;
        if (handles.count > 0 || handles.lost != APR_SUCCESS)
            rv = keep_arrived(connection, &handles);
    }
    return note_end(connection, rv);
}

apr_status_t xipc__frame_fill(xipc_connection_t *connection, apr_time_t deadline)
{
    if (connection->ahead == NULL) {
        connection->ahead = malloc(AHEAD_CAPACITY);
        if (connection->ahead == NULL) return APR_ENOMEM;
    }
    if (connection->ahead_at > 0) {
        memmove(connection->ahead, connection->ahead + connection->ahead_at,
                connection->ahead_size);
        connection->ahead_at = 0;
    }
    apr_size_t got;
    apr_status_t rv = read_some(&got, connection, connection->ahead + connection->ahead_size,
                                AHEAD_CAPACITY - connection->ahead_size, deadline);
    if (rv == APR_SUCCESS) connection->ahead_size += got;
    return rv;
}

apr_status_t xipc__frame_put_ahead(xipc_connection_t *connection, const void *data, apr_size_t size)
{
    if (size == 0) return APR_SUCCESS;
    connection->ahead = malloc(size > AHEAD_CAPACITY ? size : AHEAD_CAPACITY);
    if (connection->ahead == NULL) return APR_ENOMEM;
    memcpy(connection->ahead, data, size);
    connection->ahead_size = size;
    connection->position = size;
    return APR_SUCCESS;
}

/* Move up to `size` bytes out of what was read ahead. */
static apr_size_t take_ahead(xipc_connection_t *connection, void *buffer, apr_uint64_t size)
{
    apr_size_t count = size < connection->ahead_size ? (apr_size_t)size : connection->ahead_size;
    if (count == 0) return 0;
    memcpy(buffer, connection->ahead + connection->ahead_at, count);
    connection->ahead_at += count;
    connection->ahead_size -= count;
    if (connection->ahead_size == 0) connection->ahead_at = 0;
    return count;
}

/* The header of the next message, which stays where it is. */
static apr_status_t peek_head(apr_size_t *head_size, apr_uint64_t *size,
                              xipc_connection_t *connection, apr_time_t deadline)
{
    for (;;) {
        const unsigned char *head =
            connection->ahead_size == 0 ? NULL : connection->ahead + connection->ahead_at;
        apr_uint64_t length =
            connection->ahead_size < HEAD_SHORT ? 0 : read_big_endian(head, HEAD_SHORT);
        apr_size_t needed = length == UINT32_MAX ? HEAD_LONG : HEAD_SHORT;
        if (connection->ahead_size >= needed) {
            if (needed == HEAD_SHORT && length > INT32_MAX)
                return connection->end = xipc__fail(XIPC_EPROTOCOL, "a message of negative length");
            *size = needed == HEAD_SHORT ? length : read_big_endian(head + HEAD_SHORT, 8);
            *head_size = needed;
            return *size < SIZE_MAX / 2
                       ? APR_SUCCESS
                       : (connection->end =
                              xipc__fail(XIPC_EPROTOCOL, "a message of impossible length"));
        }
        apr_status_t rv = xipc__frame_fill(connection, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
}

/* A message that is here as a whole. */
static apr_status_t receive_from_ahead(void **data, apr_size_t *size, xipc_connection_t *connection,
                                       const xipc__room_t *room, apr_size_t head_size,
                                       apr_size_t body_size)
{
    void *place = xipc__room_get(room, body_size);
    if (place == NULL) return APR_ENOMEM;
    connection->ahead_at += head_size;
    connection->ahead_size -= head_size;
    (void)take_ahead(connection, place, body_size);
    if (connection->ahead_size == 0) connection->ahead_at = 0;
    *data = place;
    *size = body_size;
    return APR_SUCCESS;
}

/* Memory for at least one byte more of the body; one byte is kept for the NUL. */
static apr_status_t grow_body(xipc_connection_t *connection)
{
    if (connection->body_got < connection->body_capacity) return APR_SUCCESS;
    apr_uint64_t wanted = (apr_uint64_t)connection->body_capacity * 2;
    if (wanted < BODY_STEP) wanted = BODY_STEP;
    if (wanted > connection->body_size) wanted = connection->body_size;
    unsigned char *body = realloc(connection->body, (apr_size_t)wanted + 1);
    if (body == NULL) return APR_ENOMEM;
    connection->body = body;
    connection->body_capacity = (apr_size_t)wanted;
    return APR_SUCCESS;
}

static apr_status_t begin_body(xipc_connection_t *connection, apr_size_t head_size,
                               apr_uint64_t size)
{
    connection->body_size = size;
    connection->body_got = connection->body_capacity = 0;
    apr_status_t rv = grow_body(connection);
    if (rv != APR_SUCCESS) return rv;
    connection->ahead_at += head_size;
    connection->ahead_size -= head_size;
    connection->body_got = take_ahead(connection, connection->body, connection->body_capacity);
    return APR_SUCCESS;
}

/* Read more of the body to its place in `body`, which has the capacity that the connection knows. */
static apr_status_t read_more(xipc_connection_t *connection, unsigned char *body,
                              apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;
    unsigned char *place = body + connection->body_got;
    apr_size_t room = connection->body_capacity - connection->body_got;
    apr_size_t got = take_ahead(connection, place, room);
    /*
     * a read wants room for a whole piece, so a little that is left goes through the bytes read
     * ahead
     */
    if (got == 0 && room < XIPC__STREAM_CHUNK &&
        room < connection->body_size - connection->body_got)
        rv = xipc__frame_fill(connection, deadline);
    else if (got == 0)
        rv = read_some(&got, connection, place, room, deadline);
    if (rv == APR_SUCCESS) connection->body_got += got;
    return rv;
}

static apr_status_t go_on_with_body(xipc_connection_t *connection, apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;
    while (rv == APR_SUCCESS && connection->body_got < connection->body_size) {
        rv = grow_body(connection);
        if (rv == APR_SUCCESS) rv = read_more(connection, connection->body, deadline);
    }
    return rv;
}

static apr_status_t free_given(void *given)
{
    free(given);
    return APR_SUCCESS;
}

void xipc__frame_own(void *given, apr_pool_t *pool)
{
    apr_pool_cleanup_register(pool, given, free_given, apr_pool_cleanup_null);
}

void xipc__frame_disown(void *given, apr_pool_t *pool)
{
    apr_pool_cleanup_kill(pool, given, free_given);
}

/* Hand the finished body over. */
static apr_status_t receive_body(void **data, apr_size_t *size, xipc_connection_t *connection,
                                 const xipc__room_t *room)
{
    apr_size_t body_size = (apr_size_t)connection->body_size;
    if (room->pool != NULL) {
        connection->body[body_size] = '\0';
        xipc__frame_own(connection->body, room->pool);
        *data = connection->given = connection->body;
    } else {
        memcpy(room->buffer, connection->body, body_size);
        free(connection->body);
        *data = room->buffer;
    }
    connection->body = NULL;
    *size = body_size;
    return APR_SUCCESS;
}

static apr_status_t check_size(apr_size_t *size, const xipc_connection_t *connection,
                               const xipc__room_t *room, apr_uint64_t body_size)
{
    int is_over = connection->limit > 0 && body_size > connection->limit;
    if (!is_over && (room->pool != NULL || body_size <= room->capacity)) return APR_SUCCESS;
    *size = (apr_size_t)body_size;
    return xipc__fail(XIPC_EMSGSIZE, "the message has %" APR_SIZE_T_FMT " bytes", *size);
}

/*
 * Straight into the caller's buffer, which saves a copy. The memory that the connection has for the
 * whole body takes over what came when the rest does not come now.
 */
static apr_status_t receive_straight(void **data, apr_size_t *size, xipc_connection_t *connection,
                                     const xipc__room_t *room, apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;
    memcpy(room->buffer, connection->body, connection->body_got);
    while (rv == APR_SUCCESS && connection->body_got < connection->body_size)
        rv = read_more(connection, room->buffer, deadline);
    if (rv != APR_SUCCESS) {
        memcpy(connection->body, room->buffer, connection->body_got);
        return rv;
    }
    free(connection->body);
    connection->body = NULL;
    *data = room->buffer;
    *size = (apr_size_t)connection->body_size;
    return APR_SUCCESS;
}

/* Go on with a message whose body has begun. */
static apr_status_t receive_large(void **data, apr_size_t *size, xipc_connection_t *connection,
                                  const xipc__room_t *room, apr_time_t deadline)
{
    apr_status_t rv = check_size(size, connection, room, connection->body_size);
    if (rv == APR_SUCCESS && room->pool == NULL &&
        connection->body_capacity == connection->body_size)
        return receive_straight(data, size, connection, room, deadline);
    if (rv == APR_SUCCESS) rv = go_on_with_body(connection, deadline);
    return rv == APR_SUCCESS ? receive_body(data, size, connection, room) : rv;
}

/* Begin the next message; one that is here as a whole is given out at once: *is_done. */
static apr_status_t receive_head(int *is_done, void **data, apr_size_t *size,
                                 xipc_connection_t *connection, const xipc__room_t *room,
                                 apr_time_t deadline)
{
    apr_size_t head_size;
    apr_uint64_t body_size;
    apr_status_t rv = peek_head(&head_size, &body_size, connection, deadline);
    if (rv == APR_SUCCESS) rv = check_size(size, connection, room, body_size);
    if (rv != APR_SUCCESS) return rv;
    *is_done = connection->ahead_size - head_size >= body_size;
    return *is_done
               ? receive_from_ahead(data, size, connection, room, head_size, (apr_size_t)body_size)
               : begin_body(connection, head_size, body_size);
}

apr_status_t xipc__frame_receive(void **data, apr_size_t *size, xipc_connection_t *connection,
                                 const xipc__room_t *room, xipc__handles_t *handles,
                                 apr_time_t deadline)
{
    int is_done = 0;
    connection->given = NULL;
    apr_status_t rv =
        connection->is_skipping ? xipc__frame_skip(connection, deadline) : APR_SUCCESS;
    if (rv == APR_SUCCESS && connection->body == NULL)
        rv = receive_head(&is_done, data, size, connection, room, deadline);
    if (rv == APR_SUCCESS && !is_done) rv = receive_large(data, size, connection, room, deadline);
    if (rv == APR_SUCCESS) take_arrived(connection, handles);
    return rv;
}

/* ---- skipping ---- */

static apr_status_t begin_skip(xipc_connection_t *connection, apr_time_t deadline)
{
    if (connection->body != NULL) {
        connection->skip_left = connection->body_size - connection->body_got;
        free(connection->body);
        connection->body = NULL;
    } else {
        apr_size_t head_size;
        apr_status_t rv = peek_head(&head_size, &connection->skip_left, connection, deadline);
        if (rv != APR_SUCCESS) return rv;
        connection->ahead_at += head_size;
        connection->ahead_size -= head_size;
    }
    connection->is_skipping = 1;
    return APR_SUCCESS;
}

apr_status_t xipc__frame_skip(xipc_connection_t *connection, apr_time_t deadline)
{
    apr_status_t rv = connection->is_skipping ? APR_SUCCESS : begin_skip(connection, deadline);
    while (rv == APR_SUCCESS && connection->skip_left > 0) {
        if (connection->ahead_size == 0) rv = xipc__frame_fill(connection, deadline);
        apr_size_t count = connection->skip_left < connection->ahead_size
                               ? (apr_size_t)connection->skip_left
                               : connection->ahead_size;
        connection->ahead_at += count;
        connection->ahead_size -= count;
        connection->skip_left -= count;
    }
    if (rv != APR_SUCCESS) return rv;
    connection->is_skipping = 0;
    take_arrived(connection, NULL);
    return APR_SUCCESS;
}
