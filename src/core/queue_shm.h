/*
 * queue_shm.h - what the queues on rings in shared memory have in common.
 */
#ifndef XIPC_CORE_QUEUE_SHM_H
#define XIPC_CORE_QUEUE_SHM_H

#include "core/queue.h"
#include "core/ring.h"

void xipc__queue_shm_lost(xipc_queue_stat_t *stat, const xipc__ring_t *ring);
apr_status_t xipc__queue_shm_pack(xipc__parcel_t *parcel, const xipc__ring_t *ring);

/* The queue has the ring, or it is closed. */
apr_status_t xipc__queue_shm_make(xipc_queue_t **queue, xipc__ring_t *ring, apr_pool_t *pool);

/* A queue with priorities around a ring that has them; by an error the ring is the caller's still. */
apr_status_t xipc__queue_levels_make(xipc_queue_t **queue, xipc__ring_t *ring, apr_pool_t *pool);

#endif
