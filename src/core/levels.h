/*
 * levels.h - priorities in shared memory: a ring for each, behind one gate.
 *
 * docs/queue-protocol.md tells how they work together. The calls are those of ring.h, one each.
 */
#ifndef XIPC_CORE_LEVELS_H
#define XIPC_CORE_LEVELS_H

#include "core/ring.h"

typedef struct xipc__levels_t xipc__levels_t;

/*
 * The levels of a ring that was made with more than one, or came from another process. XIPC_EPROTOCOL
 * when there are none in its memory; the ring is the caller's as before then, otherwise the levels'.
 */
apr_status_t xipc__levels_make(xipc__levels_t **levels, xipc__ring_t *ring, apr_pool_t *pool);

/* The ring they stand behind, for its handles, bounds, bell, and what was lost. */
xipc__ring_t *xipc__levels_ring(const xipc__levels_t *levels);

/* In all of them. */
apr_status_t xipc__levels_count(apr_size_t *count, const xipc__levels_t *levels);
int xipc__levels_watch(xipc__levels_t *levels);

/* ---- putting ---- */

typedef struct {
    xipc__levels_t *levels;
    xipc__ring_put_t put;
    apr_uint64_t messages; /* for so many there is room within the bounds */
    apr_uint64_t bytes;
} xipc__levels_put_t;

/* Level 0 is the last to be read. */
apr_status_t xipc__levels_put_begin(xipc__levels_put_t *put, xipc__levels_t *levels, unsigned level,
                                    apr_size_t size, apr_time_t deadline);
apr_status_t xipc__levels_put_more(xipc__levels_put_t *put, apr_size_t size);
void xipc__levels_put_end(xipc__levels_put_t *put);

/* ---- getting ---- */

typedef struct {
    xipc__levels_t *levels;
    xipc__ring_get_t *at; /* the message in hand: the oldest of the highest level that has one */
    apr_uint32_t entered; /* levels, one bit each */
    xipc__ring_get_t gets[XIPC__RING_LEVELS];
} xipc__levels_get_t;

apr_status_t xipc__levels_get_begin(xipc__levels_get_t *get, xipc__levels_t *levels,
                                    apr_time_t deadline);
apr_status_t xipc__levels_get_more(xipc__levels_get_t *get);
void xipc__levels_get_end(xipc__levels_get_t *get);

/* ---- in place; written with priority 0 ---- */

apr_status_t xipc__levels_reserve(void **data, xipc__levels_t *levels, apr_size_t size,
                                  apr_time_t deadline);
apr_status_t xipc__levels_commit(xipc__levels_t *levels, const void *data, apr_size_t size);
apr_status_t xipc__levels_abandon(xipc__levels_t *levels, const void *data);
apr_status_t xipc__levels_peek(const void **data, apr_size_t *size, xipc__levels_t *levels,
                               apr_time_t deadline);
apr_status_t xipc__levels_release(xipc__levels_t *levels, const void *data);

#endif
