/*
 * room.h - where a message is to be put that is received.
 */
#ifndef XIPC_CORE_ROOM_H
#define XIPC_CORE_ROOM_H

#include <apr_pools.h>

/* A buffer of the caller's, or memory of a pool. */
typedef struct {
    void *buffer; /* NULL with a pool */
    apr_size_t capacity;
    apr_pool_t *pool;
} xipc__room_t;

/*
 * Room for a message of that size, followed by a NUL in pool memory. NULL when the buffer is too
 * small or the pool has no memory.
 */
void *xipc__room_get(const xipc__room_t *room, apr_size_t size);

#endif
