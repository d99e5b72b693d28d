/*
 * ring_levels.c - priorities: one ring for each behind one gate, which is the two locks of a ring
 * without records.
 *
 * A ring's side is entered with the same side of the gate only, so it is always free, unless its
 * owner died. What the gate's sleepers wait for changes after the ring did: it only tells that there
 * is something to look at.
 */
#include "core/levels.h"
#include "core/ring_lock.h"

enum { PUTS, GETS }; /* also the side of the gate: XIPC__WRITERS, XIPC__READERS */

enum { SHARED_AT = 8192, TRIES = 1000 };

/* In shared memory, at first zeros. Each of the first two lines belongs to a side of the gate. */
typedef struct {
    struct {
        _Atomic apr_uint64_t changes; /* how often messages or room have come */
        _Atomic apr_uint32_t inside;  /* levels that the owner of the gate is in, one bit each */
        unsigned char fill[52];
    } sides[2];
    _Atomic apr_uint32_t used; /* levels that ever had a message */
} shared_t;

struct xipc__levels_t {
    xipc__ring_t *gate;
    shared_t *shared;
    unsigned count;
    _Atomic apr_uint32_t ready; /* levels whose memory this process may touch */
    xipc__ring_t rings[XIPC__RING_LEVELS];
};

static apr_uint32_t bit_of(unsigned level)
{
    return (apr_uint32_t)1 << level;
}

/* ---- making ---- */

/* What stands in there is only compared: the ring is ours to describe. */
static apr_status_t make_level(xipc__levels_t *levels, unsigned level)
{
    xipc__ring_t *gate = levels->gate;
    xipc__ring_t *ring = &levels->rings[level];
    const xipc__ring_header_t *header = xipc__level_header(gate->header, level);
    if (header->magic != XIPC__RING_MAGIC || header->version != XIPC__RING_VERSION ||
        header->units != gate->units || header->levels != levels->count)
        return xipc__ring_bad("one of its priorities");
    *ring = *gate;
    ring->header = xipc__level_header(gate->header, level);
    ring->start = XIPC__RING_START + level * xipc__level_bytes(gate->units);
    ring->records = (unsigned char *)gate->header + ring->start;
    ring->bounds.capacity = ring->bounds.bytes = 0; /* those hold for all of them together */
    xipc__ring_quicken(ring);
    return APR_SUCCESS;
}

apr_status_t xipc__levels_make(xipc__levels_t **levels, xipc__ring_t *ring, apr_pool_t *pool)
{
    xipc__levels_t *made = apr_pcalloc(pool, sizeof *made);
    made->gate = ring;
    made->shared = (shared_t *)(void *)((unsigned char *)ring->header + SHARED_AT);
    made->count = ring->bounds.levels;
    for (unsigned i = 0; i < made->count; i++) {
        apr_status_t rv = make_level(made, i);
        if (rv != APR_SUCCESS) return rv;
    }
    *levels = made;
    return APR_SUCCESS;
}

xipc__ring_t *xipc__levels_ring(const xipc__levels_t *levels)
{
    return levels->gate;
}

/* The memory of a level is there from the first time on that somebody looks at it. */
static apr_status_t make_ready(xipc__levels_t *levels, unsigned level)
{
    const xipc__ring_t *ring = &levels->rings[level];
    if (atomic_load_explicit(&levels->ready, memory_order_relaxed) & bit_of(level))
        return APR_SUCCESS;
    apr_uint64_t size =
        ring->units <= XIPC__RING_FIXED ? xipc__level_bytes(ring->units) : XIPC__RING_CHUNK;
    apr_status_t rv = xipc__port_memory_ready(ring->memory, ring->start, size);
    if (rv == APR_SUCCESS)
        atomic_fetch_or_explicit(&levels->ready, bit_of(level), memory_order_relaxed);
    return rv;
}

/* ---- the gate ---- */

/* Who waits for this side sees, or finds when it looks once more, that something has come. */
static void change(xipc__levels_t *levels, int what)
{
    atomic_fetch_add_explicit(&levels->shared->sides[what].changes, 1, memory_order_seq_cst);
}

static void wake(xipc__levels_t *levels, int what)
{
    xipc__ring_wake(levels->gate, what == PUTS ? XIPC__NOT_EMPTY : XIPC__NOT_FULL);
}

/* The gate's last owner died in there: so did the owner of the levels' sides it was in. */
static void repair(xipc__levels_t *levels, int which, apr_uint32_t inside)
{
    for (unsigned i = 0; i < levels->count; i++) {
        if (!(inside & bit_of(i))) continue;
        if (make_ready(levels, i) != APR_SUCCESS) break;
        if (xipc__ring_enter(&levels->rings[i], which, 0) != APR_SUCCESS) break;
        xipc__ring_leave(&levels->rings[i], which);
    }
    XIPC__POINT("levels.repaired");
    atomic_store_explicit(&levels->shared->sides[which].inside, 0, memory_order_release);
    change(levels, which); /* it may have come so far without telling */
    wake(levels, which);
}

static apr_status_t enter(xipc__levels_t *levels, int which, apr_time_t deadline)
{
    apr_status_t rv = xipc__ring_enter(levels->gate, which, deadline);
    if (rv != APR_SUCCESS) return rv;
    XIPC__POINT("levels.entered");
    apr_uint32_t inside =
        atomic_load_explicit(&levels->shared->sides[which].inside, memory_order_relaxed);
    if (inside != 0) repair(levels, which, inside);
    return APR_SUCCESS;
}

/* Before entering a level's side. */
static void note_inside(xipc__levels_t *levels, int which, apr_uint32_t inside)
{
    atomic_store_explicit(&levels->shared->sides[which].inside, inside, memory_order_release);
}

static void leave(xipc__levels_t *levels, int which, int is_change)
{
    XIPC__POINT("levels.done");
    if (is_change) change(levels, which);
    note_inside(levels, which, 0);
    xipc__ring_leave(levels->gate, which);
    XIPC__POINT("levels.left");
    if (is_change) wake(levels, which);
}

/* ---- looking ---- */

/* Levels that ever had a message, one bit each. */
static apr_uint32_t used_of(const xipc__levels_t *levels)
{
    return atomic_load_explicit(&levels->shared->used, memory_order_acquire);
}

static apr_uint64_t mark_of(const xipc__levels_t *levels, unsigned level, int which)
{
    /* acquire: as the ring's own readers */
    return atomic_load_explicit(&levels->rings[level].header->sides[which].mark,
                                memory_order_acquire);
}

static apr_uint32_t sum_of(const xipc__levels_t *levels, int which)
{
    apr_uint32_t sum = 0;
    apr_uint32_t used = used_of(levels);
    for (unsigned i = 0; i < levels->count; i++)
        if (used & bit_of(i)) sum += xipc__mark_count(mark_of(levels, i, which));
    return sum;
}

apr_status_t xipc__levels_count(apr_size_t *count, const xipc__levels_t *levels)
{
    apr_uint32_t head, tail;
    int tries = 0;
    do {
        /* as in a ring; there are more words to read, so that others might change them for ever */
        head = sum_of(levels, XIPC__READERS);
        tail = sum_of(levels, XIPC__WRITERS);
    } while (head != sum_of(levels, XIPC__READERS) && ++tries < TRIES);
    if (tail - head > levels->count * levels->gate->units)
        return xipc__ring_bad("its number of messages");
    *count = tail - head;
    return APR_SUCCESS;
}

static int has_message(xipc__levels_t *levels)
{
    xipc__levels_get_t get;
    apr_size_t count;
    if (xipc__levels_count(&count, levels) != APR_SUCCESS) return 1;
    if (count == 0) return 0;
    apr_status_t rv = xipc__levels_get_begin(&get, levels, 0);
    if (rv == APR_SUCCESS) xipc__levels_get_end(&get);
    return rv != XIPC_EEMPTY;
}

/* As xipc__ring_watch. */
int xipc__levels_watch(xipc__levels_t *levels)
{
    if (has_message(levels)) return 1;
    xipc__port_park_clear(levels->gate->park);
    atomic_store_explicit(&levels->gate->header->waits[0].is_armed, 1, memory_order_seq_cst);
    if (!has_message(levels)) return 0;
    xipc__port_park_ring(levels->gate->park);
    return 1;
}

/* ---- putting ---- */

/*
 * What the bounds leave, with the gate: no other writer adds anything, and what readers take while
 * we count makes it only more.
 */
static apr_status_t measure(xipc__levels_put_t *put)
{
    const xipc__levels_t *levels = put->levels;
    const xipc__ring_bounds_t *bounds = &levels->gate->bounds;
    apr_uint64_t most = ((apr_uint64_t)bounds->bytes + 63) / 64 * 64;
    apr_uint64_t messages = 0, bytes = 0;
    apr_uint32_t levels_used = used_of(levels);
    put->messages = put->bytes = (apr_uint64_t)-1;
    if (bounds->capacity == 0 && bounds->bytes == 0) return APR_SUCCESS;
    for (unsigned i = 0; i < levels->count; i++) {
        const xipc__ring_t *ring = &levels->rings[i];
        if (!(levels_used & bit_of(i))) continue;
        apr_uint64_t tail = mark_of(levels, i, XIPC__WRITERS);
        apr_uint64_t freed =
            atomic_load_explicit(&ring->header->sides[XIPC__READERS].freed, memory_order_acquire);
        apr_uint32_t used = xipc__mark_place(tail) - xipc__mark_place(freed);
        apr_uint32_t count = xipc__mark_count(tail) - xipc__mark_count(freed);
        if (used > xipc__ring_span(ring) || count > used) return xipc__ring_bad("the marks");
        messages += count;
        if (bounds->bytes > 0) bytes += xipc__ring_bytes(ring, tail, freed);
    }
    if (bounds->capacity > 0)
        put->messages = messages < bounds->capacity ? bounds->capacity - messages : 0;
    if (bounds->bytes > 0) put->bytes = bytes < most ? most - bytes : 0;
    return APR_SUCCESS;
}

/* One more message, as yet unseen. */
static apr_status_t append(xipc__levels_put_t *put, apr_size_t size)
{
    apr_uint64_t bytes = ((apr_uint64_t)size + 63) / 64 * 64;
    if (put->messages == 0 || bytes > put->bytes) return XIPC_EFULL;
    apr_status_t rv = xipc__ring_put_more(&put->put, size);
    if (rv != APR_SUCCESS) return rv;
    put->messages--;
    put->bytes -= bytes;
    return APR_SUCCESS;
}

/* With the gate: begin in a level. By an error nothing is entered. */
static apr_status_t begin(xipc__levels_put_t *put, unsigned level, apr_size_t size)
{
    xipc__levels_t *levels = put->levels;
    xipc__ring_t *ring = &levels->rings[level];
    apr_status_t rv = make_ready(levels, level);
    if (rv == APR_SUCCESS) rv = measure(put);
    if (rv != APR_SUCCESS) return rv;
    note_inside(levels, XIPC__WRITERS, bit_of(level));
    rv = xipc__ring_put_enter(&put->put, ring, 0);
    if (rv != APR_SUCCESS) return rv;
    rv = append(put, size);
    if (rv != APR_SUCCESS)
        xipc__ring_leave(ring, XIPC__WRITERS);
    else if (!(used_of(levels) & bit_of(level)))
        atomic_fetch_or_explicit(&levels->shared->used, bit_of(level), memory_order_release);
    return rv;
}

/* What was released, abandoned, or held by the dead, at any level. */
static void reclaim(xipc__levels_t *levels, apr_time_t deadline)
{
    int is_room = 0;
    if (enter(levels, XIPC__READERS, deadline) != APR_SUCCESS) return;
    apr_uint32_t used = used_of(levels);
    note_inside(levels, XIPC__READERS, used);
    for (unsigned i = 0; i < levels->count; i++) {
        xipc__ring_t *ring = &levels->rings[i];
        const _Atomic apr_uint64_t *freed = &ring->header->sides[XIPC__READERS].freed;
        apr_uint64_t before = atomic_load_explicit(freed, memory_order_relaxed);
        if (!(used & bit_of(i)) || before == mark_of(levels, i, XIPC__WRITERS)) continue;
        if (make_ready(levels, i) == APR_SUCCESS) xipc__ring_reclaim(ring, 0);
        is_room |= atomic_load_explicit(freed, memory_order_relaxed) != before;
    }
    leave(levels, XIPC__READERS, is_room);
}

static apr_status_t wait_for_room(xipc__levels_t *levels, apr_uint64_t seen, apr_time_t deadline)
{
    const _Atomic apr_uint64_t *gets = &levels->shared->sides[GETS].changes;
    apr_status_t rv = xipc__ring_wait(levels->gate, XIPC__NOT_FULL, gets, seen, deadline);
    if (atomic_load_explicit(gets, memory_order_relaxed) != seen) return APR_SUCCESS;
    reclaim(levels, deadline);
    if (atomic_load_explicit(gets, memory_order_relaxed) != seen) return APR_SUCCESS;
    return rv == APR_SUCCESS ? rv : xipc__fail(XIPC_EFULL, "shm");
}

apr_status_t xipc__levels_put_begin(xipc__levels_put_t *put, xipc__levels_t *levels, unsigned level,
                                    apr_size_t size, apr_time_t deadline)
{
    apr_size_t most = xipc__ring_message_max(levels->gate);
    if (size > most)
        return xipc__fail(XIPC_EMSGSIZE,
                          "%" APR_SIZE_T_FMT " bytes, this queue can hold %" APR_SIZE_T_FMT, size,
                          most);
    put->levels = levels;
    for (;;) {
        apr_status_t rv = enter(levels, XIPC__WRITERS, deadline);
        if (rv == APR_TIMEUP)
            return xipc__fail(XIPC_EFULL, "a process stopped in it keeps others out");
        if (rv != APR_SUCCESS) return rv;
        /* acquire: what is counted after this is as new as that, or newer */
        apr_uint64_t seen =
            atomic_load_explicit(&levels->shared->sides[GETS].changes, memory_order_acquire);
        rv = begin(put, level, size);
        if (rv == APR_SUCCESS) return rv;
        leave(levels, XIPC__WRITERS, 0);
        if (rv == XIPC_EFULL) rv = wait_for_room(levels, seen, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
}

apr_status_t xipc__levels_put_more(xipc__levels_put_t *put, apr_size_t size)
{
    return append(put, size);
}

void xipc__levels_put_end(xipc__levels_put_t *put)
{
    xipc__ring_put_end(&put->put);
    leave(put->levels, XIPC__WRITERS, 1);
}

/* ---- getting ---- */

static apr_status_t look_into(xipc__levels_get_t *get, unsigned level)
{
    xipc__levels_t *levels = get->levels;
    if (!(get->entered & bit_of(level))) {
        apr_status_t rv = make_ready(levels, level);
        if (rv != APR_SUCCESS) return rv;
        note_inside(levels, XIPC__READERS, get->entered | bit_of(level));
        rv = xipc__ring_get_enter(&get->gets[level], &levels->rings[level], 0);
        if (rv != APR_SUCCESS) return rv;
        get->entered |= bit_of(level);
    }
    get->at = &get->gets[level];
    return xipc__ring_get_more(get->at);
}

/* With the gate: no other reader takes anything. */
apr_status_t xipc__levels_get_more(xipc__levels_get_t *get)
{
    const xipc__levels_t *levels = get->levels;
    apr_uint32_t used = used_of(levels);
    for (unsigned i = levels->count; i-- > 0;) {
        if (!(used & bit_of(i)) ||
            mark_of(levels, i, XIPC__READERS) == mark_of(levels, i, XIPC__WRITERS))
            continue;
        apr_status_t rv = look_into(get, i);
        if (rv != XIPC_EEMPTY) return rv;
    }
    return XIPC_EEMPTY;
}

apr_status_t xipc__levels_get_begin(xipc__levels_get_t *get, xipc__levels_t *levels,
                                    apr_time_t deadline)
{
    const _Atomic apr_uint64_t *puts = &levels->shared->sides[PUTS].changes;
    get->levels = levels;
    for (;;) {
        apr_status_t rv = enter(levels, XIPC__READERS, deadline);
        if (rv == APR_TIMEUP)
            return xipc__fail(XIPC_EEMPTY, "a process stopped in it keeps others out");
        if (rv != APR_SUCCESS) return rv;
        get->entered = 0;
        /* acquire: what is looked at after this is as new as that, or newer */
        apr_uint64_t seen = atomic_load_explicit(puts, memory_order_acquire);
        rv = xipc__levels_get_more(get);
        if (rv == APR_SUCCESS) return rv;
        xipc__levels_get_end(get);
        if (rv != XIPC_EEMPTY) return rv;
        rv = xipc__ring_wait(levels->gate, XIPC__NOT_EMPTY, puts, seen, deadline);
        if (rv == APR_TIMEUP) return xipc__fail(XIPC_EEMPTY, "shm");
    }
}

void xipc__levels_get_end(xipc__levels_get_t *get)
{
    int is_room = 0;
    apr_uint32_t left = get->entered;
    for (unsigned i = 0; left != 0; i++, left >>= 1) {
        if (!(left & 1)) continue;
        const xipc__side_t *side = &get->levels->rings[i].header->sides[XIPC__READERS];
        is_room |= atomic_load_explicit(&side->freed, memory_order_relaxed) != get->gets[i].freed;
        xipc__ring_get_end(&get->gets[i]);
    }
    leave(get->levels, XIPC__READERS, is_room);
}

/* ---- in place ---- */

apr_status_t xipc__levels_reserve(void **data, xipc__levels_t *levels, apr_size_t size,
                                  apr_time_t deadline)
{
    xipc__levels_put_t put;
    apr_status_t rv = xipc__levels_put_begin(&put, levels, 0, size, deadline);
    if (rv != APR_SUCCESS) return rv;
    xipc__ring_keep(&put.put);
    xipc__levels_put_end(&put);
    *data = put.put.place;
    return APR_SUCCESS;
}

apr_status_t xipc__levels_commit(xipc__levels_t *levels, const void *data, apr_size_t size)
{
    apr_status_t rv = xipc__ring_commit(&levels->rings[0], data, size);
    if (rv != APR_SUCCESS) return rv;
    change(levels, PUTS);
    wake(levels, PUTS);
    return APR_SUCCESS;
}

apr_status_t xipc__levels_abandon(xipc__levels_t *levels, const void *data)
{
    apr_status_t rv = xipc__ring_let_go(&levels->rings[0], data, XIPC__RECORD_RESERVED);
    if (rv != APR_SUCCESS) return rv;
    XIPC__POINT("place.abandoned");
    reclaim(levels, 0);
    change(levels, PUTS); /* what stands behind it can be read */
    wake(levels, PUTS);
    return APR_SUCCESS;
}

apr_status_t xipc__levels_peek(const void **data, apr_size_t *size, xipc__levels_t *levels,
                               apr_time_t deadline)
{
    xipc__levels_get_t get;
    apr_status_t rv = xipc__levels_get_begin(&get, levels, deadline);
    if (rv != APR_SUCCESS) return rv;
    xipc__ring_hold(get.at);
    xipc__levels_get_end(&get);
    *data = get.at->data;
    *size = get.at->size;
    return APR_SUCCESS;
}

/* The ring where a message stands; by its record, since an empty message may stand at the end. */
static xipc__ring_t *ring_of(xipc__levels_t *levels, const void *data)
{
    const unsigned char *first = levels->rings[0].records + XIPC__RING_UNIT;
    const unsigned char *at = data;
    if (at < first) return NULL;
    apr_uint64_t level = (apr_uint64_t)(at - first) / xipc__level_bytes(levels->gate->units);
    if (level >= levels->count || !(used_of(levels) & bit_of((unsigned)level))) return NULL;
    return make_ready(levels, (unsigned)level) == APR_SUCCESS ? &levels->rings[level] : NULL;
}

apr_status_t xipc__levels_release(xipc__levels_t *levels, const void *data)
{
    xipc__ring_t *ring = ring_of(levels, data);
    if (ring == NULL) return xipc__fail(XIPC_ESTATE, "this is not held");
    apr_status_t rv = xipc__ring_let_go(ring, data, XIPC__RECORD_HELD);
    if (rv != APR_SUCCESS) return rv;
    XIPC__POINT("place.released");
    reclaim(levels, 0);
    return APR_SUCCESS;
}
