/*
 * port_stream.h - the contract with the system about time, handles and bytes on their way between
 * processes. The rules are those of port.h.
 */
#ifndef XIPC_CORE_PORT_STREAM_H
#define XIPC_CORE_PORT_STREAM_H

#include "core/deadline.h"
#include "core/fail.h"

#include <apr_network_io.h>
#include <apr_pools.h>

/* ---- clock ---- */

/* Microseconds on a clock that only goes forward; comparable between processes of one system. */
apr_time_t xipc__port_clock(void);

/* ---- handles ---- */

/* A descriptor or a HANDLE, to pass on without looking into it. */
typedef intptr_t xipc__handle_t;

/* The most handles one stream write carries, and one read gives out. */
enum { XIPC__HANDLES_MAX = 128 };

typedef struct {
    xipc__handle_t items[XIPC__HANDLES_MAX];
    apr_size_t count;
    apr_status_t lost; /* of those a read gives out: why others that came could not be taken over */
} xipc__handles_t;

/* No handle. */
#define XIPC__NO_HANDLE ((xipc__handle_t)-1)

void xipc__port_handle_close(xipc__handle_t handle);

/* Is it one of this process's? */
int xipc__port_handle_is_open(xipc__handle_t handle);

/* Another handle for the same thing in this process. */
apr_status_t xipc__port_handle_duplicate(xipc__handle_t *copy, xipc__handle_t handle);

/* ---- streams: bytes between two processes, with handles beside them ---- */

typedef struct xipc__stream_t xipc__stream_t;

/* A write moves at most this many bytes as one piece, which a system may move all or nothing. */
enum { XIPC__STREAM_CHUNK = 65536 };

/* Some bytes to write. */
typedef struct {
    const void *data;
    apr_size_t size;
} xipc__span_t;

/* Two connected ends. With duplex 0 `first` is only read and `second` only written. */
apr_status_t xipc__port_stream_pair(xipc__stream_t **first, xipc__stream_t **second, int duplex,
                                    apr_pool_t *pool);

/*
 * Write some of head followed by body, at least one byte; head is never empty at the first write of
 * a message and at most 16 bytes. A write begins a piece of its own: what one call writes is never
 * joined with the next call's into one piece of more than XIPC__STREAM_CHUNK bytes. The handles
 * (NULL for none) go with the first byte; they stay open here. The receiver gets handles of its
 * own. APR_TIMEUP: nothing was written. APR_EPIPE: the reader is gone.
 */
apr_status_t xipc__port_stream_write(apr_size_t *written, xipc__stream_t *stream, xipc__span_t head,
                                     xipc__span_t body, const xipc__handles_t *handles,
                                     apr_time_t deadline);

/*
 * Read some bytes, at least one. `capacity` is at least XIPC__STREAM_CHUNK, or at least what is
 * left of the message being read: one written piece always fits, or the read is XIPC_EPROTOCOL.
 * Handles that came with these bytes are added to `handles`, which belong to the caller then; what
 * does not fit there is closed and the read is XIPC_EPROTOCOL. When this process has no handles
 * left for them they are all closed, the bytes are there and `lost` is the error. A read never goes
 * on past bytes that came with handles into bytes of a later write. APR_EOF: all writers are gone,
 * or one called xipc__port_stream_shutdown. APR_TIMEUP: nothing was read.
 */
apr_status_t xipc__port_stream_read(apr_size_t *got, xipc__stream_t *stream, void *buffer,
                                    apr_size_t capacity, xipc__handles_t *handles,
                                    apr_time_t deadline);

/* Tell the reader that no more comes, even while others hold this end. It does not wait. */
void xipc__port_stream_shutdown(xipc__stream_t *stream);

void xipc__port_stream_close(xipc__stream_t *stream);

/* The handle of a stream, which stays the stream's. */
xipc__handle_t xipc__port_stream_handle(const xipc__stream_t *stream);

/*
 * Make a stream of a handle that came from another process; from now on the stream owns it.
 * XIPC_EPROTOCOL when the handle is no stream's; it still belongs to the caller then.
 */
apr_status_t xipc__port_stream_adopt(xipc__stream_t **stream, xipc__handle_t handle,
                                     apr_pool_t *pool);

/* Can handles travel over it? Not when it leads to another machine. */
int xipc__port_stream_carries_handles(const xipc__stream_t *stream);

/* ---- listeners: streams between programs that did not start each other ---- */

typedef enum {
    XIPC__ADDRESS_PRIVATE, /* the system's best kind, at a name that the port chooses */
    XIPC__ADDRESS_UNIX,
    XIPC__ADDRESS_ABSTRACT,
    XIPC__ADDRESS_TCP,
    XIPC__ADDRESS_PIPE
} xipc__address_e;

typedef struct {
    xipc__address_e kind;
    const char *name; /* path, name or host */
    apr_port_t port;
} xipc__address_t;

typedef struct xipc__endpoint_t xipc__endpoint_t;

/*
 * Listen; what was chosen is written back to the address, in `pool`. APR_ENOTIMPL for a kind the
 * system does not have, APR_EINVAL for a name that is too long.
 */
apr_status_t xipc__port_listen(xipc__endpoint_t **endpoint, xipc__address_t *address, int backlog,
                               apr_pool_t *pool);

/*
 * Take a client that waits, without waiting for one: APR_TIMEUP. Peers whom the address is not for
 * are turned away unseen.
 */
apr_status_t xipc__port_accept(xipc__stream_t **stream, xipc__endpoint_t *endpoint,
                               apr_pool_t *pool);

/*
 * For another process that is to listen too: a handle for it to adopt, XIPC__NO_HANDLE when the
 * address does. It does not own the name. From APR_SUCCESS on the handle is the endpoint's.
 */
xipc__handle_t xipc__port_endpoint_handle(const xipc__endpoint_t *endpoint);
apr_status_t xipc__port_endpoint_adopt(xipc__endpoint_t **endpoint, xipc__handle_t handle,
                                       const xipc__address_t *address, apr_pool_t *pool);

/* What is ready in a wait while a client waits; it stays the endpoint's. */
xipc__handle_t xipc__port_endpoint_sentinel(const xipc__endpoint_t *endpoint);

/* Close it; `is_owner`: also remove its name. */
void xipc__port_endpoint_close(xipc__endpoint_t *endpoint, int is_owner);

/*
 * Connect once. `is_absent` tells, beside an error, that nobody listens there now, which may
 * change. APR_TIMEUP: no answer in time.
 */
apr_status_t xipc__port_connect(xipc__stream_t **stream, int *is_absent,
                                const xipc__address_t *address, apr_time_t deadline,
                                apr_pool_t *pool);

/* Who made the other end; -1 for what the system does not tell. APR_ENOTIMPL when nothing of it. */
apr_status_t xipc__port_stream_peer(pid_t *pid, apr_int64_t *user, const xipc__stream_t *stream);

/* ---- keyed digests ---- */

enum { XIPC__MAC_MAX = 64 };

/* Does this build have a library for them? */
int xipc__port_has_mac(void);

/* HMAC of the text by a digest's name as Python writes it. APR_ENOTIMPL for a digest not known. */
apr_status_t xipc__port_mac(unsigned char out[XIPC__MAC_MAX], apr_size_t *size, const char *digest,
                            xipc__span_t key, xipc__span_t text);

#endif
