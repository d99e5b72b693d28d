/*
 * queue_levels.c - queues with priorities in shared memory.
 */
#include "core/levels.h"
#include "core/queue_shm.h"

#include <string.h>

/* ---- putting and getting ---- */

static apr_status_t levels_put_priority(void *self, const void *data, apr_size_t size,
                                        unsigned priority, apr_time_t deadline)
{
    xipc__levels_put_t put;
    apr_status_t rv = xipc__levels_put_begin(&put, self, priority, size, deadline);
    if (rv != APR_SUCCESS) return rv;
    if (size > 0) memcpy(put.put.place, data, size);
    xipc__levels_put_end(&put);
    return APR_SUCCESS;
}

static apr_status_t levels_put(void *self, const void *data, apr_size_t size, apr_time_t deadline)
{
    return levels_put_priority(self, data, size, 0, deadline);
}

static apr_status_t levels_get(void **data, apr_size_t *size, void *self, const xipc__room_t *room,
                               apr_time_t deadline)
{
    xipc__levels_get_t get;
    apr_status_t rv = xipc__levels_get_begin(&get, self, deadline);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__ring_get_copy(data, size, get.at, room);
    if (rv == APR_SUCCESS) xipc__ring_get_take(get.at);
    xipc__levels_get_end(&get);
    return rv;
}

/* As many as there is room for, with one wake-up. */
static apr_status_t put_some(apr_size_t *done, xipc__levels_t *levels,
                             const xipc_queue_message_t *messages, apr_size_t count,
                             apr_time_t deadline)
{
    xipc__levels_put_t put;
    apr_size_t at = *done;
    apr_status_t rv = xipc__levels_put_begin(&put, levels, 0, messages[at].size, deadline);
    if (rv != APR_SUCCESS) return rv;
    do {
        if (messages[at].size > 0) memcpy(put.put.place, messages[at].data, messages[at].size);
        at++;
    } while (at < count && xipc__levels_put_more(&put, messages[at].size) == APR_SUCCESS);
    xipc__levels_put_end(&put);
    *done = at;
    return APR_SUCCESS;
}

static apr_status_t levels_put_many(apr_size_t *done, void *self,
                                    const xipc_queue_message_t *messages, apr_size_t count,
                                    apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;
    *done = 0;
    while (rv == APR_SUCCESS && *done < count) rv = put_some(done, self, messages, count, deadline);
    return rv;
}

static apr_status_t levels_get_many(apr_size_t *count, xipc_queue_message_t *messages,
                                    apr_size_t most, void *self, apr_time_t deadline,
                                    apr_pool_t *pool)
{
    xipc__levels_get_t get;
    const xipc__room_t room = {.pool = pool};
    apr_size_t got = 0;
    apr_status_t rv = xipc__levels_get_begin(&get, self, deadline);
    if (rv != APR_SUCCESS) return rv;
    while (rv == APR_SUCCESS && got < most) {
        void *data;
        rv = xipc__ring_get_copy(&data, &messages[got].size, get.at, &room);
        if (rv != APR_SUCCESS) break;
        messages[got++].data = data;
        xipc__ring_get_take(get.at);
        if (got < most) rv = xipc__levels_get_more(&get);
    }
    xipc__levels_get_end(&get);
    if (got == 0) return rv;
    *count = got; /* an error behind them comes again at the next call */
    return APR_SUCCESS;
}

/* ---- in place ---- */

static apr_status_t levels_reserve(void **data, void *self, apr_size_t size, apr_time_t deadline)
{
    return xipc__levels_reserve(data, self, size, deadline);
}

static apr_status_t levels_commit(void *self, const void *data, apr_size_t size)
{
    return xipc__levels_commit(self, data, size);
}

static apr_status_t levels_abandon(void *self, const void *data)
{
    return xipc__levels_abandon(self, data);
}

static apr_status_t levels_peek(const void **data, apr_size_t *size, void *self,
                                apr_time_t deadline)
{
    return xipc__levels_peek(data, size, self, deadline);
}

static apr_status_t levels_release(void *self, const void *data)
{
    return xipc__levels_release(self, data);
}

/* ---- the rest ---- */

static apr_status_t levels_size(apr_size_t *count, void *self)
{
    return xipc__levels_count(count, self);
}

static void levels_lost(xipc_queue_stat_t *stat, void *self)
{
    xipc__queue_shm_lost(stat, xipc__levels_ring(self));
}

static apr_status_t levels_watch(xipc__waitable_t *watched, void *self)
{
    watched->handle = xipc__ring_bell(xipc__levels_ring(self));
    watched->is_ready = xipc__levels_watch(self);
    return APR_SUCCESS;
}

static apr_status_t levels_pack(xipc__parcel_t *parcel, void *self)
{
    return xipc__queue_shm_pack(parcel, xipc__levels_ring(self));
}

static void levels_close(void *self)
{
    xipc__ring_close(xipc__levels_ring(self));
}

static const xipc__queue_extras_t levels_extras = {
    .put_many = levels_put_many,
    .get_many = levels_get_many,
    .reserve = levels_reserve,
    .commit = levels_commit,
    .abandon = levels_abandon,
    .peek = levels_peek,
    .release = levels_release,
    .lost = levels_lost,
};

static const xipc__queue_ops_t levels_ops = {
    .is_inheritance_only = 1,
    .is_bell = 1,
    .put = levels_put,
    .get = levels_get,
    .size = levels_size,
    .watch = levels_watch,
    .pack = levels_pack,
    .close = levels_close,
    .extras = &levels_extras,
    .put_priority = levels_put_priority,
};

apr_status_t xipc__queue_levels_make(xipc_queue_t **queue, xipc__ring_t *ring, apr_pool_t *pool)
{
    xipc__levels_t *levels;
    xipc__ring_bounds_t bounds;
    xipc__ring_bounds(&bounds, ring);
    apr_status_t rv = xipc__levels_make(&levels, ring, pool);
    if (rv != APR_SUCCESS) return rv;
    *queue = xipc__queue_make(&levels_ops, XIPC_QUEUE_SHM, levels, bounds.capacity,
                              bounds.message_max, pool);
    (*queue)->bytes = bounds.bytes;
    (*queue)->priorities = bounds.levels;
    return APR_SUCCESS;
}
