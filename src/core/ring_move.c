/*
 * ring_move.c - a task that lasts, moved out of the way: the room behind it can't be used again before
 * it is done.
 */
#include "core/ring_lock.h"

#include <string.h>

static xipc__side_t *readers(const xipc__ring_t *ring)
{
    return &ring->header->sides[XIPC__READERS];
}

static apr_uint64_t both(apr_uint64_t from, apr_uint64_t to)
{
    return xipc__mark(xipc__mark_place(from), xipc__mark_place(to));
}

/* Is the oldest a task, and most of what is kept behind it not wanted any more? */
static int is_to_move(xipc__look_t *look, xipc__ring_t *ring)
{
    apr_uint64_t freed = xipc__load(&readers(ring)->freed);
    apr_uint64_t mark = xipc__load(&readers(ring)->mark);
    apr_uint64_t kept = xipc__mark_place(mark) - xipc__mark_place(freed);
    if (kept <= XIPC__CHUNK_UNITS || 4 * xipc__load(&ring->header->tasks_of.live) > kept) return 0;
    return xipc__ring_look(look, ring, freed, kept) == APR_SUCCESS &&
           look->kind == XIPC__RECORD_LEASED && 4 * look->units <= kept;
}

static void copy_record(const xipc__ring_put_t *put, const xipc__look_t *look, apr_size_t size)
{
    xipc__record_t *copy = (xipc__record_t *)put->place - 1;
    xipc__store(&copy->id, xipc__load(&look->record->id));
    xipc__store(&copy->deliveries, xipc__load(&look->record->deliveries));
    xipc__store(&copy->owner, xipc__load(&look->record->owner));
    xipc__store(&copy->state, xipc__record_state(xipc__load(&copy->state) >> 32,
                                                 XIPC__RECORD_LEASED | XIPC__RECORD_COPY));
    if (size > 0) memcpy(put->place, look->record + 1, size);
}

/* With both sides. One store makes the copy count; until then nothing has happened. */
static void move(xipc__ring_t *ring, const xipc__look_t *look)
{
    xipc__ring_put_t put;
    xipc__ring_get_t task = {.ring = ring};
    apr_uint64_t freed = xipc__load(&readers(ring)->freed);
    if (xipc__ring_give(&task, freed, look) != APR_SUCCESS ||
        xipc__ring_append_copy(&put, ring, task.size) != APR_SUCCESS)
        return;
    copy_record(&put, look, task.size);
    apr_uint64_t units = xipc__load(&((xipc__record_t *)put.place - 1)->state) >> 32;
    apr_uint64_t at = put.mark - xipc__mark((apr_uint32_t)units, 0);
    xipc__store(&ring->header->tasks_of.copied, put.mark);
    atomic_store_explicit(&ring->header->tasks_of.moving, both(freed, at), memory_order_release);
    XIPC__POINT("task.moving");
    xipc__ring_mark_set(&ring->header->sides[XIPC__WRITERS], put.mark);
    XIPC__POINT("task.moved");
    xipc__ring_task_moved(ring);
    xipc__ring_advance(ring);
}

void xipc__ring_task_move(xipc__ring_t *ring)
{
    xipc__look_t look;
    if (!is_to_move(&look, ring) || !xipc__ring_try_enter(ring, XIPC__READERS)) return;
    xipc__ring_advance(ring);
    if (is_to_move(&look, ring)) move(ring, &look);
    xipc__ring_leave(ring, XIPC__READERS);
}

/*
 * When the copy counts, the one before is nobody's. It can't have been written over meanwhile: who is
 * in here has one of the sides, and that takes both.
 */
void xipc__ring_task_moved(xipc__ring_t *ring)
{
    xipc__look_t from;
    _Atomic apr_uint64_t *moving = &ring->header->tasks_of.moving;
    apr_uint64_t places = xipc__load(moving);
    if (places == XIPC__RING_NONE) return;
    apr_uint32_t to = xipc__mark_count(places);
    apr_uint64_t tail =
        atomic_load_explicit(&ring->header->sides[XIPC__WRITERS].mark, memory_order_acquire);
    /* who repairs the other side may have settled it, and then put something else there */
    if (xipc__load(moving) != places) return;
    apr_uint32_t behind = xipc__mark_place(tail) - to;
    int is_published = behind > 0 && behind < (apr_uint32_t)1 << 31;
    apr_uint64_t left = xipc__mark_place(tail) - xipc__mark_place(places);
    if (is_published && xipc__ring_look(&from, ring, places, left) == APR_SUCCESS &&
        from.kind == XIPC__RECORD_LEASED &&
        xipc__ring_reach(ring, to & (ring->units - 1), 1) == APR_SUCCESS &&
        xipc__load(&from.record->id) == xipc__load(&xipc__record_at(ring, to)->id))
        xipc__record_set(&from, XIPC__RECORD_GONE);
    (void)atomic_compare_exchange_strong(moving, &places, XIPC__RING_NONE);
}
