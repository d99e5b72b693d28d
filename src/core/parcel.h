/*
 * parcel.h - a list of values packed for another process: bytes, and handles beside them.
 */
#ifndef XIPC_CORE_PARCEL_H
#define XIPC_CORE_PARCEL_H

#include "core/port.h"
#include "xipc/values.h"

typedef struct {
    unsigned char *data; /* malloc'ed, since a parcel may be large and is short-lived */
    apr_size_t size;
    apr_size_t capacity;
    int is_out_of_memory; /* a write failed; checked once at the end */
    const void *tail;     /* what comes behind `data`, and is another's; see below */
    apr_size_t tail_size;
    xipc__handles_t handles; /* still owned by the objects they came from, or by `made` */
    xipc__stream_t *made[XIPC__HANDLES_MAX]; /* streams opened for the receiver alone */
    apr_size_t made_count;
    apr_pool_t *parent;
    apr_pool_t *pool; /* of `made`, when there are any */
} xipc__parcel_t;

/* Pack a list, which may be NULL. On success xipc__parcel_free() is owed, before `pool` ends. */
apr_status_t xipc__parcel_pack(xipc__parcel_t *parcel, const xipc_values_t *values,
                               apr_pool_t *pool);
void xipc__parcel_free(xipc__parcel_t *parcel);

/*
 * The same for a parcel that is only sent: when the last value is large and bytes, they are not
 * copied but the parcel's tail, and the list must live as long.
 */
apr_status_t xipc__parcel_pack_to_send(xipc__parcel_t *parcel, const xipc_values_t *values,
                                       apr_pool_t *pool);

/*
 * For the objects that pack themselves: numbers are big-endian. A failure is remembered until the
 * end.
 */
void xipc__parcel_write(xipc__parcel_t *parcel, const void *data, apr_size_t size);
void xipc__parcel_write_number(xipc__parcel_t *parcel, apr_uint64_t number);
apr_status_t xipc__parcel_add_handle(xipc__parcel_t *parcel, xipc__handle_t handle);

/*
 * Make a duplex stream whose end `kept` is the caller's, and add the other to the handles, for the
 * receiver.
 */
apr_status_t xipc__parcel_add_stream(xipc__stream_t **kept, xipc__parcel_t *parcel);

/* A parcel being unpacked: what has not been read yet, and the handles not taken yet. */
typedef struct {
    const unsigned char *start;
    apr_size_t at;
    apr_size_t size;
    xipc__handles_t *handles;
    apr_size_t taken; /* handles given to objects */
    apr_pool_t *pool;
} xipc__unpack_t;

/*
 * Unpack a list into `pool`; its strings and bytes stay in `data`, which must live as long. The
 * handles are all taken or closed, also by an error. XIPC_EPROTOCOL when it is no parcel; nothing
 * in it is believed unchecked.
 */
apr_status_t xipc__parcel_unpack(xipc_values_t **values, const void *data, apr_size_t size,
                                 xipc__handles_t *handles, apr_pool_t *pool);

/* For the objects that unpack themselves. NULL or XIPC_EPROTOCOL when so much is not there. */
const unsigned char *xipc__unpack_bytes(xipc__unpack_t *unpack, apr_size_t size);
apr_status_t xipc__unpack_number(apr_uint64_t *number, xipc__unpack_t *unpack);

/* The next `count` handles without taking them; then take them, once an object owns them. */
const xipc__handle_t *xipc__unpack_handles(xipc__unpack_t *unpack, apr_size_t count);
void xipc__unpack_take(xipc__unpack_t *unpack, apr_size_t count);

apr_status_t xipc__unpack_bad(const char *what);

#endif
