/*
 * ring_put.c - the writers' side.
 */
#include "core/ring_lock.h"

#include <string.h>

/* Where the next record goes. */
typedef struct {
    apr_uint32_t offset; /* of the mark, in the ring */
    apr_uint64_t pad;    /* units to leave out first */
    int is_skip;         /* they are records that are not free yet */
    apr_uint64_t units;
} spot_t;

static xipc__side_t *writers(const xipc__ring_t *ring)
{
    return &ring->header->sides[XIPC__WRITERS];
}

/* ---- room ---- */

static apr_uint64_t units_of(apr_size_t size)
{
    return 1 + (apr_uint64_t)(size / XIPC__RING_UNIT) + (size % XIPC__RING_UNIT != 0);
}

/* Up to the end of the ring when it does not fit there, or when there is plenty of room before. */
static apr_uint64_t pad_before(const xipc__ring_t *ring, const spot_t *spot, apr_uint64_t held)
{
    apr_uint64_t left = ring->units - spot->offset;
    if (spot->units > left) return left;
    if (ring->units <= XIPC__RING_FIXED || held > spot->offset) return 0;
    apr_uint64_t before = spot->offset - held;
    return before > XIPC__RING_BACKLOG && before > 2 * held && before >= spot->units ? left : 0;
}

/*
 * Units that can't be written. A chunk whose memory is going to be given back is the readers' until
 * it is free as a whole: what was written to its beginning would go with it.
 */
static apr_uint64_t held_units(const xipc__ring_t *ring, apr_uint64_t used, apr_uint64_t freed)
{
    if (ring->units <= XIPC__RING_FIXED) return used;
    return used + xipc__mark_place(freed) % XIPC__CHUNK_UNITS;
}

/*
 * Bytes of all messages, each rounded up: without headers, without the pad at the end of the ring if
 * it is in there, and without what was skipped.
 */
apr_uint64_t xipc__ring_bytes(const xipc__ring_t *ring, apr_uint64_t tail, apr_uint64_t freed)
{
    apr_uint64_t used = xipc__mark_place(tail) - xipc__mark_place(freed);
    apr_uint64_t offset = xipc__mark_place(tail) & (apr_uint32_t)(ring->units - 1);
    apr_uint32_t count = xipc__mark_count(tail) - xipc__mark_count(freed);
    apr_uint64_t skip = atomic_load_explicit(&writers(ring)->skip, memory_order_relaxed);
    apr_uint64_t pad =
        used > offset ? atomic_load_explicit(&writers(ring)->pad, memory_order_relaxed) : 0;
    if (xipc__mark_place(skip) - xipc__mark_place(freed) < used) pad += xipc__mark_count(skip);
    apr_uint64_t without = used - (pad < used ? pad : used);
    return without > count ? (without - count) * XIPC__RING_UNIT : 0;
}

/*
 * The last round ended early, the reader has not come so far, and the room before its records is
 * used up: what lies behind them, up to the end of the ring, is free. From the next chunk on, since
 * the memory of the one with the pad may be given back.
 */
static apr_status_t find_behind(spot_t *spot, const xipc__ring_t *ring, apr_uint64_t used,
                                apr_uint64_t held)
{
    apr_uint64_t pad = atomic_load_explicit(&writers(ring)->pad, memory_order_relaxed);
    spot->pad = 0;
    if (ring->units <= XIPC__RING_FIXED || pad >= ring->units) return XIPC_EFULL;
    apr_uint64_t behind =
        ((ring->units - pad) / XIPC__CHUNK_UNITS + 1) * (apr_uint64_t)XIPC__CHUNK_UNITS;
    if (used <= ring->units) { /* not there yet */
        if (used <= spot->offset || behind <= spot->offset || held >= ring->units)
            return XIPC_EFULL;
        spot->pad = behind - spot->offset;
        spot->is_skip = 1;
    }
    return spot->offset + spot->pad + spot->units < ring->units ? APR_SUCCESS : XIPC_EFULL;
}

/* From where messages count against the bounds: a task that was taken does not, even if it is there. */
static apr_uint64_t bound_mark(const xipc__ring_t *ring, apr_uint64_t freed)
{
    if (ring->tasks == NULL) return freed;
    return atomic_load_explicit(&ring->header->sides[XIPC__READERS].mark, memory_order_acquire);
}

/* Is there room behind `tail` when everything before `freed` is free? */
static apr_status_t find(spot_t *spot, const xipc__ring_t *ring, apr_uint64_t tail,
                         apr_uint64_t freed)
{
    apr_uint64_t used = xipc__mark_place(tail) - xipc__mark_place(freed);
    apr_uint64_t bound = bound_mark(ring, freed);
    apr_uint64_t bound_used = xipc__mark_place(tail) - xipc__mark_place(bound);
    apr_uint32_t count = xipc__mark_count(tail) - xipc__mark_count(bound);
    if (used > xipc__ring_span(ring) || bound_used > used || count > bound_used)
        return xipc__ring_bad("the marks");
    spot->offset = xipc__mark_place(tail) & (apr_uint32_t)(ring->units - 1);
    spot->is_skip = 0;
    apr_uint64_t held = held_units(ring, used, freed);
    spot->pad = pad_before(ring, spot, held);
    if (ring->bounds.capacity > 0 && count >= ring->bounds.capacity) return XIPC_EFULL;
    if (ring->bounds.bytes > 0 &&
        xipc__ring_bytes(ring, tail, bound) + (spot->units - 1) * XIPC__RING_UNIT >
            ring->bounds.bytes + XIPC__RING_UNIT - 1)
        return XIPC_EFULL;
    /* a ring that grows keeps one unit free, for the pad that skips */
    apr_uint64_t spare = ring->units > XIPC__RING_FIXED;
    if (held + spot->pad + spot->units + spare <= ring->units) return APR_SUCCESS;
    return find_behind(spot, ring, used, held);
}

/* The same, looking at the readers' side only when it is not known to be enough. */
static apr_status_t find_room(spot_t *spot, xipc__ring_t *ring, apr_uint64_t tail)
{
    xipc__side_t *side = writers(ring);
    apr_uint64_t seen = atomic_load_explicit(&side->seen, memory_order_relaxed);
    int is_near = ring->units <= XIPC__RING_FIXED ||
                  xipc__mark_place(tail) - xipc__mark_place(seen) <= XIPC__RING_BACKLOG;
    apr_status_t rv = is_near ? find(spot, ring, tail, seen) : XIPC_EFULL;
    if (rv != XIPC_EFULL) return rv;
    /* acquire: what was read there has been read before we overwrite it */
    seen = atomic_load_explicit(&ring->header->sides[XIPC__READERS].freed, memory_order_acquire);
    rv = find(spot, ring, tail, seen);
    if (rv == APR_SUCCESS || rv == XIPC_EFULL)
        atomic_store_explicit(&side->seen, seen, memory_order_relaxed);
    return rv;
}

/* ---- memory of a ring that grows ---- */

/* Ask for the chunks that begin in these units; the first one is always there. */
static apr_status_t commit(xipc__ring_t *ring, apr_uint64_t offset, apr_uint64_t units)
{
    apr_uint64_t first = (offset + XIPC__CHUNK_UNITS - 1) / XIPC__CHUNK_UNITS;
    apr_uint64_t end = (offset + units - 1) / XIPC__CHUNK_UNITS + 1;
    if (first == 0) first = 1;
    if (first >= end || ring->units <= XIPC__RING_FIXED) return APR_SUCCESS;
    return xipc__port_memory_commit(ring->memory, ring->start + first * XIPC__RING_CHUNK,
                                    (end - first) * XIPC__RING_CHUNK);
}

/* ---- records ---- */

static void write_record(xipc__record_t *record, unsigned kind, apr_uint64_t units, apr_size_t size)
{
    atomic_store_explicit(&record->size, size, memory_order_relaxed);
    atomic_store_explicit(&record->state, xipc__record_state(units, kind), memory_order_relaxed);
}

/* Places come again after some rounds: what was skipped is forgotten when the reader is past it. */
static void end_round(const xipc__ring_put_t *put, apr_uint64_t pad)
{
    xipc__side_t *side = writers(put->ring);
    apr_uint32_t seen = xipc__mark_place(atomic_load_explicit(&side->seen, memory_order_relaxed));
    apr_uint64_t skip = atomic_load_explicit(&side->skip, memory_order_relaxed);
    if (xipc__mark_place(skip) - seen >= xipc__mark_place(put->mark) - seen)
        atomic_store_explicit(&side->skip, 0, memory_order_relaxed);
    atomic_store_explicit(&side->pad, pad, memory_order_relaxed);
}

static apr_status_t write_pad(xipc__ring_put_t *put, const spot_t *spot)
{
    xipc__ring_t *ring = put->ring;
    apr_status_t rv = commit(ring, spot->offset, 1);
    if (rv != APR_SUCCESS) return rv;
    xipc__record_t *record = xipc__record_at(ring, xipc__mark_place(put->mark));
    write_record(record, XIPC__RECORD_PAD, spot->pad, 0);
    if (spot->is_skip)
        atomic_store_explicit(&writers(ring)->skip,
                              xipc__mark(xipc__mark_place(put->mark), (apr_uint32_t)spot->pad),
                              memory_order_relaxed);
    else
        end_round(put, spot->pad);
    put->mark = xipc__mark(xipc__mark_place(put->mark) + (apr_uint32_t)spot->pad,
                           xipc__mark_count(put->mark));
    XIPC__POINT("put.padded");
    return APR_SUCCESS;
}

/* The record at the mark is written, and the next one goes behind it. */
static void add(xipc__ring_put_t *put, apr_uint64_t units, apr_size_t size)
{
    xipc__record_t *record = xipc__record_at(put->ring, xipc__mark_place(put->mark));
    write_record(record, XIPC__RECORD_READY, units, size);
    put->place = record + 1;
    put->mark = xipc__mark(xipc__mark_place(put->mark) + (apr_uint32_t)units,
                           xipc__mark_count(put->mark) + 1);
    XIPC__POINT("put.record");
}

/* Units that the next message may have right behind a mark, as far as known; 0: look closer. */
static inline apr_uint64_t known_room(const xipc__ring_t *ring, apr_uint64_t mark)
{
    const xipc__quick_t *quick = &ring->quick;
    apr_uint64_t seen = xipc__load(&writers(ring)->seen);
    apr_uint64_t offset = xipc__mark_place(mark) & (ring->units - 1);
    apr_uint64_t used = xipc__mark_place(mark) - xipc__mark_place(seen);
    apr_uint32_t count = xipc__mark_count(mark) - xipc__mark_count(seen);
    if (offset >= quick->end || used >= quick->used || count >= quick->count || count > used)
        return 0;
    return quick->end - offset < quick->used - used ? quick->end - offset : quick->used - used;
}

/* So many lines at once, see below; a larger message is many lines itself. */
enum { LINES = 16 };

/*
 * A line that the reader has read is at its processor, and comes back when it is written to. Message
 * by message that would be waited for each time, since the lock lets nothing pass. So the lines of
 * the next messages, as far as there is room, are written to in a row, which all come in the time of
 * one or two. That is done when the next one, of `units` or so, has not got them yet.
 */
static inline void take_back_lines(xipc__ring_t *ring, apr_uint32_t place, apr_uint64_t units,
                                   apr_uint64_t room)
{
    apr_uint32_t count = room < LINES ? (apr_uint32_t)room : LINES;
    apr_uint32_t ahead = ring->ours - place;
    if (units > count || (ahead >= units && ahead <= LINES)) return;
    for (apr_uint32_t i = 0; i < count; i++)
        xipc__store(&xipc__record_at(ring, place + i)->state, 0);
    ring->ours = place + count;
}

/* What nearly always happens: there is room right behind the last one. 0: look closer. */
static int append_quickly(xipc__ring_put_t *put, apr_size_t size)
{
    apr_uint64_t units = units_of(size);
    apr_uint64_t room = known_room(put->ring, put->mark);
    if (size > put->ring->quick.message_max || units > room) return 0;
    take_back_lines(put->ring, xipc__mark_place(put->mark), units, room);
    add(put, units, size);
    return 1;
}

/* Put one more record behind the last, as yet unseen. */
static apr_status_t append(xipc__ring_put_t *put, apr_size_t size)
{
    spot_t spot = {.units = units_of(size)};
    apr_status_t rv = find_room(&spot, put->ring, put->mark);
    if (rv != APR_SUCCESS) return rv;
    apr_uint64_t before = put->mark;
    if (spot.pad > 0 && (rv = write_pad(put, &spot)) != APR_SUCCESS) return rv;
    rv = commit(put->ring, (spot.offset + spot.pad) & (put->ring->units - 1), spot.units);
    if (rv != APR_SUCCESS) {
        put->mark = before;
        if (spot.is_skip) atomic_store_explicit(&writers(put->ring)->skip, 0, memory_order_relaxed);
        return rv;
    }
    if (spot.pad == 0 && spot.offset + spot.units == put->ring->units) end_round(put, 0);
    add(put, spot.units, size);
    return APR_SUCCESS;
}

static void begin(xipc__ring_put_t *put, xipc__ring_t *ring)
{
    xipc__side_t *side = writers(ring);
    put->ring = ring;
    put->start = put->mark = xipc__load(&side->at);
}

/* The room of a copy is asked for as any other's, but it is no message. */
apr_status_t xipc__ring_append_copy(xipc__ring_put_t *put, xipc__ring_t *ring, apr_size_t size)
{
    begin(put, ring);
    apr_status_t rv = append(put, size);
    put->mark = xipc__mark(xipc__mark_place(put->mark), xipc__mark_count(put->start));
    return rv;
}

/* ---- the call ---- */

/* What a writer waits for: that this moves on. */
static const _Atomic apr_uint64_t *limit_of(const xipc__ring_t *ring)
{
    const xipc__side_t *side = &ring->header->sides[XIPC__READERS];
    return ring->tasks == NULL ? &side->freed : &side->mark;
}

/* Without the lock: wait until the readers' side changes. */
static apr_status_t wait_for_room(xipc__ring_t *ring, apr_uint64_t seen, apr_time_t deadline)
{
    const _Atomic apr_uint64_t *limit = limit_of(ring);
    apr_status_t rv = xipc__ring_wait(ring, XIPC__NOT_FULL, limit, seen, deadline);
    if (atomic_load_explicit(limit, memory_order_relaxed) != seen) return APR_SUCCESS;
    /* it may be held by the dead */
    xipc__ring_reclaim(ring, deadline);
    if (atomic_load_explicit(limit, memory_order_relaxed) != seen) return APR_SUCCESS;
    return rv == APR_SUCCESS ? rv : xipc__fail(XIPC_EFULL, "shm");
}

static apr_status_t enter(xipc__ring_t *ring, apr_time_t deadline)
{
    apr_status_t rv = xipc__ring_enter(ring, XIPC__WRITERS, deadline);
    return rv == APR_TIMEUP ? xipc__fail(XIPC_EFULL, "a process stopped in it keeps others out")
                            : rv;
}

/* With the lock: whoever takes it over from us knows that we wanted to put something. */
static inline void intend(xipc__ring_t *ring)
{
    xipc__side_t *side = writers(ring);
    atomic_store_explicit(&side->intent, xipc__load(&side->at), memory_order_release);
    XIPC__POINT("put.entered");
}

apr_status_t xipc__ring_put_enter(xipc__ring_put_t *put, xipc__ring_t *ring, apr_time_t deadline)
{
    apr_status_t rv = enter(ring, deadline);
    if (rv != APR_SUCCESS) return rv;
    intend(ring);
    begin(put, ring);
    return APR_SUCCESS;
}

/* With the lock. If there is no room: what was seen of the readers' side. */
static apr_status_t try_append(xipc__ring_put_t *put, apr_uint64_t *seen, xipc__ring_t *ring,
                               apr_size_t size)
{
    if (ring->tasks != NULL) {
        xipc__ring_task_move(ring);
        *seen = atomic_load_explicit(limit_of(ring), memory_order_relaxed);
    }
    intend(ring);
    begin(put, ring);
    apr_status_t rv = append(put, size);
    if (ring->tasks == NULL)
        *seen = atomic_load_explicit(&writers(ring)->seen, memory_order_relaxed);
    return rv;
}

/* Begin, whatever has to be done for it; `is_in`: the side is ours already. */
static apr_status_t begin_anyhow(xipc__ring_put_t *put, xipc__ring_t *ring, apr_size_t size,
                                 apr_time_t deadline, int is_in)
{
    for (;; is_in = 0) {
        apr_uint64_t seen;
        apr_status_t rv = is_in ? APR_SUCCESS : enter(ring, deadline);
        if (rv != APR_SUCCESS) return rv;
        rv = try_append(put, &seen, ring, size);
        if (rv == XIPC_EFULL &&
            xipc__ring_linger(ring, XIPC__WRITERS, limit_of(ring), seen, deadline))
            rv = try_append(put, &seen, ring, size);
        if (rv == APR_SUCCESS) return rv;
        xipc__ring_leave(ring, XIPC__WRITERS);
        if (rv == XIPC_EFULL) rv = wait_for_room(ring, seen, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
}

/* If nobody is in, and the next message may go right behind the last. */
static inline int enter_quickly(xipc__ring_t *ring)
{
    if (ring->quick.end == 0 || !xipc__ring_try_enter(ring, XIPC__WRITERS)) return 0;
    intend(ring);
    return 1;
}

static inline apr_status_t check_size(const xipc__ring_t *ring, apr_size_t size)
{
    if (size <= ring->quick.message_max) return APR_SUCCESS;
    apr_size_t most = xipc__ring_message_max(ring);
    if (size <= most) return APR_SUCCESS;
    return xipc__fail(XIPC_EMSGSIZE,
                      "%" APR_SIZE_T_FMT " bytes, this queue can hold %" APR_SIZE_T_FMT, size,
                      most);
}

apr_status_t xipc__ring_put_begin(xipc__ring_put_t *put, xipc__ring_t *ring, apr_size_t size,
                                  apr_time_t deadline)
{
    apr_status_t rv = check_size(ring, size);
    if (rv != APR_SUCCESS) return rv;
    int is_in = enter_quickly(ring);
    if (is_in) {
        begin(put, ring);
        if (append_quickly(put, size)) return APR_SUCCESS;
    }
    return begin_anyhow(put, ring, size, deadline, is_in);
}

apr_status_t xipc__ring_put_more(xipc__ring_put_t *put, apr_size_t size)
{
    if (append_quickly(put, size)) return APR_SUCCESS;
    return size <= xipc__ring_message_max(put->ring) ? append(put, size) : XIPC_EMSGSIZE;
}

static inline void publish(xipc__ring_t *ring, apr_uint64_t mark)
{
    XIPC__POINT("put.written");
    /* release: pairs with the readers' acquire; this one store makes all of it visible */
    xipc__ring_mark_set(writers(ring), mark);
    XIPC__POINT("put.published");
}

static inline void leave(xipc__ring_t *ring)
{
    xipc__ring_leave(ring, XIPC__WRITERS);
    XIPC__POINT("put.left");
    xipc__ring_wake(ring, XIPC__NOT_EMPTY);
}

void xipc__ring_put_end(xipc__ring_put_t *put)
{
    publish(put->ring, put->mark);
    leave(put->ring);
}

/*
 * All of it, when there is room right behind the last one. The header comes after the message: its
 * line and the mark's are asked for at the same time when nothing else is stored between them.
 */
static int put_quickly(xipc__ring_t *ring, const void *data, apr_size_t size)
{
    apr_uint64_t mark = xipc__load(&writers(ring)->at);
    apr_uint64_t units = units_of(size);
    apr_uint32_t next = xipc__mark_place(mark) + (apr_uint32_t)units;
    apr_uint64_t room = known_room(ring, mark);
    if (units > room) return 0;
    xipc__record_t *record = xipc__record_at(ring, xipc__mark_place(mark));
    if (size > 0) memcpy(record + 1, data, size);
    write_record(record, XIPC__RECORD_READY, units, size);
    XIPC__POINT("put.record");
    publish(ring, xipc__mark(next, xipc__mark_count(mark) + 1));
    take_back_lines(ring, next, units, room - units);
    leave(ring);
    return 1;
}

apr_status_t xipc__ring_put(xipc__ring_t *ring, const void *data, apr_size_t size,
                            apr_time_t deadline)
{
    xipc__ring_put_t put;
    apr_status_t rv = check_size(ring, size);
    if (rv != APR_SUCCESS) return rv;
    int is_in = enter_quickly(ring);
    if (is_in && put_quickly(ring, data, size)) return APR_SUCCESS;
    rv = begin_anyhow(&put, ring, size, deadline, is_in);
    if (rv != APR_SUCCESS) return rv;
    if (size > 0) memcpy(put.place, data, size);
    xipc__ring_put_end(&put);
    return APR_SUCCESS;
}
