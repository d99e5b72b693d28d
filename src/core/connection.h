/*
 * connection.h - the inside of a connection: a stream with Python's framing on it.
 */
#ifndef XIPC_CORE_CONNECTION_H
#define XIPC_CORE_CONNECTION_H

#include "core/parcel.h"
#include "core/port.h"
#include "core/room.h"
#include "xipc/connection.h"

/* Those of the message that is being received, and of the next one, whose begin came with its end. */
enum { XIPC__ARRIVED_MAX = 2 * XIPC__HANDLES_MAX };

/*
 * Handles that came with bytes read ahead, each with the position in the stream up to which those
 * bytes went.
 */
typedef struct {
    xipc__handle_t items[XIPC__ARRIVED_MAX];
    apr_uint64_t positions[XIPC__ARRIVED_MAX];
    apr_size_t count;
    apr_status_t lost; /* why some that came are not among them */
    apr_uint64_t lost_position;
} xipc__arrived_t;

struct xipc_connection_t {
    apr_pool_t *pool;
    xipc__stream_t *stream; /* NULL when closed */
    int can_read;
    int can_write;
    int is_send_broken; /* a send ended in mid-message */

    /*
     * What was read and not given out: first the body of the message begun, then bytes ahead of it.
     */
    unsigned char
        *body; /* malloc'ed; of a message whose header was read, NULL when there is none */
    apr_uint64_t body_size;
    apr_size_t body_got;
    apr_size_t body_capacity;
    apr_uint64_t skip_left; /* of a message that is skipped, with is_skipping */
    int is_skipping;
    apr_size_t limit;     /* larger messages are not received; 0: none are too large */
    unsigned char *ahead; /* malloc'ed at the first read */
    apr_size_t ahead_at;
    apr_size_t ahead_size;
    apr_uint64_t position; /* bytes read from the stream so far */
    apr_uint64_t pause_at; /* at that position a read is APR_TIMEUP, for others' turn; 0: never */
    apr_status_t end;      /* what every further read says, once it is not APR_SUCCESS */
    xipc__arrived_t *arrived; /* malloc'ed at the first handle */
    void *given;              /* the memory of the last message given out, when it has its own */

    xipc_connection_t *next; /* in xipc__state.connections */
    xipc_connection_t **link;
};

/* Make a connection of a stream, which it owns from now on. */
xipc_connection_t *xipc__connection_make(xipc__stream_t *stream, int can_read, int can_write,
                                         apr_pool_t *pool);

/* The same connection in another pool; the old object is closed. */
apr_status_t xipc__connection_move(xipc_connection_t **moved, xipc_connection_t *connection,
                                   apr_pool_t *pool);

/* Send a parcel; it still belongs to the caller. */
apr_status_t xipc__connection_send_parcel(xipc_connection_t *connection,
                                          const xipc__parcel_t *parcel, apr_time_t deadline);

/*
 * After a receive of a list that failed: is that message gone, and may the next one be received?
 */
int xipc__connection_goes_on(const xipc_connection_t *connection, apr_status_t failed);

/* A connection in a parcel. */
apr_status_t xipc__connection_pack(xipc__parcel_t *parcel, const xipc_connection_t *connection);
apr_status_t xipc__connection_unpack(xipc_connection_t **connection, xipc__unpack_t *unpack);

/* In a forked child: close every connection that this process has, but for these; some are NULL. */
void xipc__connection_close_all_but(xipc_connection_t *const *kept, apr_size_t count);

/* ---- sending, in frame.c ---- */

/* A message on its way; `sent` counts the header too. */
typedef struct {
    unsigned char head[12];
    apr_size_t head_size;
    const void *body;
    apr_size_t body_size;
    const void *tail; /* what the body ends with, from elsewhere */
    apr_size_t tail_size;
    apr_uint64_t sent;
    const xipc__handles_t *handles; /* NULL for none */
    apr_uint64_t pause_at; /* when so much is sent it is APR_TIMEUP, for others' turn; 0: never */
} xipc__outgoing_t;

void xipc__outgoing_begin(xipc__outgoing_t *out, const void *body, apr_size_t size);
void xipc__outgoing_begin_parcel(xipc__outgoing_t *out, const xipc__parcel_t *parcel);

/* Go on sending. APR_TIMEUP: out->sent tells how far it came, and it may be called again. */
apr_status_t xipc__outgoing_push(xipc__outgoing_t *out, xipc_connection_t *connection,
                                 apr_time_t deadline);

/* ---- receiving, in frame.c ---- */

/*
 * Receive one message into the room: *data is where it is, followed by a NUL in pool memory. The
 * handles that came with it go to `handles`, with `lost` when there should be more, or are closed
 * when that is NULL. XIPC_EMSGSIZE writes *size: the room or the limit is too small.
 */
apr_status_t xipc__frame_receive(void **data, apr_size_t *size, xipc_connection_t *connection,
                                 const xipc__room_t *room, xipc__handles_t *handles,
                                 apr_time_t deadline);

/* Drop the next message, or what is left of one. APR_TIMEUP: it goes on at the next call. */
apr_status_t xipc__frame_skip(xipc_connection_t *connection, apr_time_t deadline);

/*
 * Memory that a message in a pool has for itself: it goes with the pool, until it is taken from it.
 */
void xipc__frame_own(void *given, apr_pool_t *pool);
void xipc__frame_disown(void *given, apr_pool_t *pool);

/* Read ahead once, so that at least one byte more is there. */
apr_status_t xipc__frame_fill(xipc_connection_t *connection, apr_time_t deadline);

/*
 * What another process had read ahead when it passed the connection on comes first here. Only for a
 * new connection.
 */
apr_status_t xipc__frame_put_ahead(xipc_connection_t *connection, const void *data,
                                   apr_size_t size);

/*
 * The header of the message whose body has begun, for a connection that is passed on; returns its
 * size.
 */
apr_size_t xipc__frame_head(unsigned char head[12], apr_uint64_t body_size);

#endif
