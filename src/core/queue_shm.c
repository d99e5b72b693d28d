/*
 * queue_shm.c - queues on a ring in shared memory.
 */
#include "core/queue_shm.h"

#include "core/queue_names.h"

#include <string.h>

/* ---- putting and getting ---- */

static apr_status_t shm_put(void *self, const void *data, apr_size_t size, apr_time_t deadline)
{
    return xipc__ring_put(self, data, size, deadline);
}

static apr_status_t shm_get(void **data, apr_size_t *size, void *self, const xipc__room_t *room,
                            apr_time_t deadline)
{
    return xipc__ring_get(data, size, self, room, deadline);
}

static apr_status_t shm_get_leased(xipc_queue_lease_t *lease, void **data, apr_size_t *size,
                                   void *self, const xipc__room_t *room, apr_time_t deadline)
{
    xipc__ring_get_t get;
    apr_status_t rv = xipc__ring_get_begin(&get, self, deadline);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__ring_get_copy(data, size, &get, room);
    if (rv == APR_SUCCESS) {
        xipc__ring_get_take(&get);
        *lease = (xipc_queue_lease_t){.id = get.id, .deliveries = (apr_size_t)get.deliveries};
    }
    xipc__ring_get_end(&get);
    return rv;
}

/* As many as there is room for, with one wake-up. */
static apr_status_t put_some(apr_size_t *done, xipc__ring_t *ring,
                             const xipc_queue_message_t *messages, apr_size_t count,
                             apr_time_t deadline)
{
    xipc__ring_put_t put;
    apr_size_t at = *done;
    apr_status_t rv = xipc__ring_put_begin(&put, ring, messages[at].size, deadline);
    if (rv != APR_SUCCESS) return rv;
    do {
        if (messages[at].size > 0) memcpy(put.place, messages[at].data, messages[at].size);
        at++;
    } while (at < count && xipc__ring_put_more(&put, messages[at].size) == APR_SUCCESS);
    xipc__ring_put_end(&put);
    *done = at;
    return APR_SUCCESS;
}

static apr_status_t shm_put_many(apr_size_t *done, void *self, const xipc_queue_message_t *messages,
                                 apr_size_t count, apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;
    *done = 0;
    while (rv == APR_SUCCESS && *done < count) rv = put_some(done, self, messages, count, deadline);
    return rv;
}

static apr_status_t shm_get_many(apr_size_t *count, xipc_queue_message_t *messages, apr_size_t most,
                                 void *self, apr_time_t deadline, apr_pool_t *pool)
{
    xipc__ring_get_t get;
    const xipc__room_t room = {.pool = pool};
    apr_size_t got = 0;
    apr_status_t rv = xipc__ring_get_begin(&get, self, deadline);
    if (rv != APR_SUCCESS) return rv;
    while (rv == APR_SUCCESS && got < most) {
        void *data;
        rv = xipc__ring_get_copy(&data, &messages[got].size, &get, &room);
        if (rv != APR_SUCCESS) break;
        messages[got++].data = data;
        xipc__ring_get_take(&get);
        if (got < most) rv = xipc__ring_get_more(&get);
    }
    xipc__ring_get_end(&get);
    if (got == 0) return rv;
    *count = got; /* an error behind them comes again at the next call */
    return APR_SUCCESS;
}

/* ---- in place ---- */

static apr_status_t shm_reserve(void **data, void *self, apr_size_t size, apr_time_t deadline)
{
    return xipc__ring_reserve(data, self, size, deadline);
}

static apr_status_t shm_commit(void *self, const void *data, apr_size_t size)
{
    return xipc__ring_commit(self, data, size);
}

static apr_status_t shm_abandon(void *self, const void *data)
{
    return xipc__ring_abandon(self, data);
}

static apr_status_t shm_peek(const void **data, apr_size_t *size, void *self, apr_time_t deadline)
{
    return xipc__ring_peek(data, size, self, deadline);
}

static apr_status_t shm_release(void *self, const void *data)
{
    return xipc__ring_release(self, data);
}

/* ---- the rest ---- */

static apr_status_t shm_size(apr_size_t *count, void *self)
{
    return xipc__ring_count(count, self);
}

void xipc__queue_shm_lost(xipc_queue_stat_t *stat, const xipc__ring_t *ring)
{
    xipc__ring_lost_t lost;
    xipc__ring_lost(&lost, ring);
    stat->lost_by_writers = (apr_size_t)lost.put;
    stat->lost_by_readers = (apr_size_t)lost.got;
    stat->last_lost_writer = lost.put_by;
    stat->last_lost_reader = lost.got_by;
}

static void shm_lost(xipc_queue_stat_t *stat, void *self)
{
    xipc__queue_shm_lost(stat, self);
}

static apr_status_t shm_watch(xipc__waitable_t *watched, void *self)
{
    watched->handle = xipc__ring_bell(self);
    watched->is_ready = xipc__ring_watch(self);
    return APR_SUCCESS;
}

static apr_status_t shm_done(void *self, const apr_uint64_t *id)
{
    return xipc__ring_task_done(self, id);
}

static apr_status_t shm_join(void *self, apr_time_t deadline)
{
    return xipc__ring_join(self, deadline);
}

apr_status_t xipc__queue_shm_pack(xipc__parcel_t *parcel, const xipc__ring_t *ring)
{
    xipc__handles_t handles;
    handles.count = 0;
    xipc__ring_handles(&handles, ring);
    xipc__parcel_write_number(parcel, handles.count);
    for (apr_size_t i = 0; i < handles.count; i++) {
        apr_status_t rv = xipc__parcel_add_handle(parcel, handles.items[i]);
        if (rv != APR_SUCCESS) return rv;
    }
    return APR_SUCCESS;
}

static apr_status_t shm_pack(xipc__parcel_t *parcel, void *self)
{
    const xipc__ring_t *letters = xipc__ring_letters(self);
    apr_status_t rv = xipc__queue_shm_pack(parcel, self);
    return rv == APR_SUCCESS && letters != NULL ? xipc__queue_shm_pack(parcel, letters) : rv;
}

static void shm_close(void *self)
{
    xipc__ring_close(self);
}

static apr_status_t shm_letters(xipc_queue_t **letters, void *self, apr_pool_t *pool);

static const xipc__queue_extras_t shm_extras = {
    .put_many = shm_put_many,
    .get_many = shm_get_many,
    .reserve = shm_reserve,
    .commit = shm_commit,
    .abandon = shm_abandon,
    .peek = shm_peek,
    .release = shm_release,
    .lost = shm_lost,
    .get_leased = shm_get_leased,
    .done = shm_done,
    .join = shm_join,
    .letters = shm_letters,
};

static const xipc__queue_ops_t shm_ops = {
    .is_inheritance_only = 1,
    .is_bell = 1,
    .put = shm_put,
    .get = shm_get,
    .size = shm_size,
    .watch = shm_watch,
    .pack = shm_pack,
    .close = shm_close,
    .extras = &shm_extras,
};

static apr_size_t lost_by_readers(const xipc__ring_t *ring)
{
    xipc__ring_lost_t lost;
    xipc__ring_lost(&lost, ring);
    return (apr_size_t)lost.got;
}

apr_status_t xipc__queue_shm_make(xipc_queue_t **queue, xipc__ring_t *ring, apr_pool_t *pool)
{
    xipc__ring_bounds_t bounds;
    xipc__ring_bounds(&bounds, ring);
    if (bounds.levels > 1) {
        apr_status_t rv = xipc__queue_levels_make(queue, ring, pool);
        if (rv != APR_SUCCESS) xipc__ring_close(ring);
        return rv;
    }
    *queue =
        xipc__queue_make(&shm_ops, XIPC_QUEUE_SHM, ring, bounds.capacity, bounds.message_max, pool);
    (*queue)->bytes = bounds.bytes;
    (*queue)->tasks = (int)bounds.tasks;
    (*queue)->deliveries = bounds.deliveries;
    (*queue)->lost = lost_by_readers(ring);
    return APR_SUCCESS;
}

/* An object of its own, which may live longer. */
static apr_status_t shm_letters(xipc_queue_t **letters, void *self, apr_pool_t *pool)
{
    xipc__ring_t *ring;
    xipc__handles_t handles;
    handles.count = 0;
    xipc__ring_handles(&handles, xipc__ring_letters(self));
    apr_status_t rv = xipc__ring_share(&ring, handles.items, handles.count, pool);
    return rv == APR_SUCCESS ? xipc__queue_shm_make(letters, ring, pool) : rv;
}

/* Tasks that are given out so often have another queue to go to. */
int xipc__queue_shm_has_letters(const xipc__ring_t *ring)
{
    xipc__ring_bounds_t bounds;
    xipc__ring_bounds(&bounds, ring);
    return bounds.tasks == XIPC__TASKS_LEASED && bounds.deliveries > 0;
}

static apr_status_t create_letters(xipc__ring_t *ring, apr_pool_t *pool)
{
    xipc__ring_t *letters;
    xipc__ring_bounds_t bounds;
    xipc__ring_name_t name = {.id = 0};
    if (!xipc__queue_shm_has_letters(ring)) return APR_SUCCESS;
    if (xipc__ring_name(ring)->id != 0) name.id = xipc__queue_letters_id(xipc__ring_name(ring)->id);
    xipc__ring_bounds(&bounds, ring);
    const xipc__ring_bounds_t unbound = {.message_max = bounds.message_max, .spin = bounds.spin};
    apr_status_t rv = xipc__ring_create_named(&letters, &unbound, &name, pool);
    if (rv == APR_SUCCESS) xipc__ring_letters_set(ring, letters);
    return rv;
}

static void choose_bounds(xipc__ring_bounds_t *bounds, const xipc_queue_options_t *options)
{
    *bounds = (xipc__ring_bounds_t){
        .capacity = options->capacity,
        .bytes = options->bytes,
        .message_max = options->message_max,
        .spin = options->spin >= 0            ? (apr_uint32_t)options->spin
                : xipc__port_processors() > 1 ? XIPC__RING_SPIN
                                              : 0,
        .tasks = (apr_uint32_t)options->tasks,
        .deliveries = options->deliveries,
        .levels = options->priorities,
    };
}

apr_status_t xipc__queue_shm_create_ring(xipc__ring_t **ring, const xipc_queue_options_t *options,
                                         const xipc__ring_name_t *name, apr_pool_t *pool)
{
    xipc__ring_t *made;
    xipc__ring_bounds_t bounds;
    if (options->priorities > 1 && options->tasks != XIPC__QUEUE_PLAIN)
        return xipc__fail(APR_ENOTIMPL,
                          "a queue with priorities has no tasks that could be joined");
    choose_bounds(&bounds, options);
    apr_status_t rv = xipc__ring_create_named(&made, &bounds, name, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = create_letters(made, pool);
    if (rv != APR_SUCCESS)
        xipc__ring_close(made);
    else
        *ring = made;
    return rv;
}

apr_status_t xipc__queue_shm_create(xipc_queue_t **queue, const xipc_queue_options_t *options,
                                    apr_pool_t *pool)
{
    static const xipc__ring_name_t none = {.id = 0};
    xipc__ring_t *ring;
    apr_status_t rv = xipc__queue_shm_create_ring(&ring, options, &none, pool);
    return rv == APR_SUCCESS ? xipc__queue_shm_make(queue, ring, pool) : rv;
}

static apr_status_t unpack_ring(xipc__ring_t **ring, xipc__unpack_t *unpack)
{
    apr_uint64_t count;
    apr_status_t rv = xipc__unpack_number(&count, unpack);
    if (rv != APR_SUCCESS) return rv;
    const xipc__handle_t *handles =
        count > XIPC__RING_HANDLES ? NULL : xipc__unpack_handles(unpack, (apr_size_t)count);
    if (handles == NULL) return xipc__unpack_bad("a queue without its handles");
    rv = xipc__ring_adopt(ring, handles, (apr_size_t)count, unpack->pool);
    if (rv == APR_SUCCESS) xipc__unpack_take(unpack, (apr_size_t)count);
    return rv;
}

apr_status_t xipc__queue_shm_unpack(xipc_queue_t **queue, xipc__unpack_t *unpack)
{
    xipc__ring_t *ring;
    xipc__ring_t *letters;
    apr_status_t rv = unpack_ring(&ring, unpack);
    if (rv != APR_SUCCESS) return rv;
    if (xipc__queue_shm_has_letters(ring)) {
        rv = unpack_ring(&letters, unpack);
        if (rv == APR_SUCCESS) xipc__ring_letters_set(ring, letters);
    }
    if (rv != APR_SUCCESS) {
        xipc__ring_close(ring);
        return rv;
    }
    xipc_queue_t *made;
    rv = xipc__queue_shm_make(&made, ring, unpack->pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__queue_name_join(made, ring, unpack->pool);
    if (rv == APR_SUCCESS)
        *queue = made;
    else
        (void)xipc_queue_close(made);
    return rv;
}
