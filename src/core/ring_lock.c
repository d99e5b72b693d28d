/*
 * ring_lock.c - entering a side, and waiting for the other one.
 *
 * The lock is a word that names its owner, set by the very instruction that takes it. So a dead
 * owner is known whenever it died, on every system, and nothing in the memory is a pointer that
 * could lead astray. Only proof of death breaks it.
 */
#include "core/ring_layout.h"

enum {
    TRIES = 100,       /* before sleeping for a lock, which is held for an instant */
    LOOKS = 50,        /* looks at the other side before leaving in vain */
    FIRST_LOOK = 1000, /* microseconds: then it is looked whether the owner lives */
    LONGEST = 64000,
    SLICE = 100000, /* the longest sleep for the other side */
    GRACE = APR_USEC_PER_SEC
};

static apr_time_t earlier(apr_time_t deadline, apr_interval_time_t slice)
{
    apr_time_t end = xipc__port_clock() + slice;
    return deadline < end ? deadline : end;
}

/* ---- entering ---- */

static int try_enter(xipc__side_t *side, apr_uint64_t me)
{
    apr_uint64_t nobody = 0;
    /* acquire: pairs with the exchange of who left */
    return atomic_load_explicit(&side->owner, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong_explicit(&side->owner, &nobody, me, memory_order_acquire,
                                                   memory_order_relaxed);
}

void xipc__ring_count_lost(const xipc__ring_t *ring, int which, apr_uint64_t owner,
                           apr_uint32_t count)
{
    xipc__side_t *side = &ring->tally[which];
    atomic_store_explicit(&side->lost_by, owner, memory_order_relaxed);
    atomic_fetch_add_explicit(&side->lost, count, memory_order_relaxed);
}

/* Both marks of the readers: what was taken is free, unless somebody holds it. */
static void repair_readers(xipc__ring_t *ring, xipc__side_t *side)
{
    apr_uint64_t next = atomic_load_explicit(&side->next, memory_order_relaxed);
    apr_uint64_t freed = atomic_load_explicit(&side->freed, memory_order_relaxed);
    apr_uint64_t mark = atomic_load_explicit(&side->mark, memory_order_relaxed);
    apr_uint32_t taken = xipc__mark_place(mark) - xipc__mark_place(freed);
    /* the memory up to there may have been given back already, and its records with it */
    if (next != XIPC__RING_NONE && xipc__mark_place(next) - xipc__mark_place(freed) <= taken)
        atomic_store_explicit(&side->freed, next, memory_order_release);
    xipc__ring_advance(ring);
}

/* A pad that was never seen skips nothing. */
static void repair_writers(xipc__side_t *side, apr_uint64_t mark)
{
    apr_uint64_t skip = atomic_load_explicit(&side->skip, memory_order_relaxed);
    if (xipc__mark_place(skip) - xipc__mark_place(mark) < (apr_uint32_t)1 << 31)
        atomic_store_explicit(&side->skip, 0, memory_order_relaxed);
}

/*
 * What a dead owner left. A writer that had not moved its mark took its message along; a reader
 * that had moved it, too. Idempotent, since whoever repairs may die as well.
 */
static void repair(xipc__ring_t *ring, int which, apr_uint64_t dead)
{
    xipc__side_t *side = &ring->header->sides[which];
    apr_uint64_t intent = atomic_load_explicit(&side->intent, memory_order_relaxed);
    apr_uint64_t mark = atomic_load_explicit(&side->mark, memory_order_relaxed);
    apr_uint32_t taken = xipc__mark_count(mark) - xipc__mark_count(intent);
    if (intent != XIPC__RING_NONE && which == XIPC__READERS && taken > 0)
        xipc__ring_count_lost(ring, which, dead, taken);
    else if (which == XIPC__WRITERS && intent == mark)
        xipc__ring_count_lost(ring, which, dead, 1);
    XIPC__POINT("repair.counted");
    if (ring->tasks != NULL) xipc__ring_task_moved(ring);
    if (which == XIPC__READERS)
        repair_readers(ring, side);
    else
        repair_writers(side, mark);
    atomic_store_explicit(&side->intent, XIPC__RING_NONE, memory_order_release);
}

static int enter_from_dead(xipc__ring_t *ring, int which, apr_uint64_t me)
{
    xipc__side_t *side = &ring->header->sides[which];
    apr_uint64_t owner = atomic_load_explicit(&side->owner, memory_order_relaxed);
    if (owner == 0 || !xipc__port_identity_is_dead(owner)) return 0;
    if (!atomic_compare_exchange_strong_explicit(&side->owner, &owner, me, memory_order_acquire,
                                                 memory_order_relaxed))
        return 0;
    XIPC__POINT("repair.entered");
    repair(ring, which, owner);
    return 1;
}

static int spin_to_enter(xipc__ring_t *ring, xipc__side_t *side, apr_uint64_t me)
{
    for (int i = 0; ring->bounds.spin > 0 && i < TRIES; i++) {
        if (try_enter(side, me)) return 1;
        xipc__port_pause();
    }
    return 0;
}

static apr_status_t sleep_to_enter(xipc__ring_t *ring, int which, apr_uint64_t me,
                                   apr_time_t deadline)
{
    xipc__side_t *side = &ring->header->sides[which];
    apr_time_t began = xipc__port_clock();
    /* its owner only needs a few instructions, so that time is up is no reason to give up */
    apr_time_t limit = deadline > began + GRACE ? deadline : began + GRACE;
    apr_interval_time_t slice = FIRST_LOOK;
    for (;;) {
        apr_uint32_t word = xipc__port_park_prepare(&side->spot);
        if (try_enter(side, me)) {
            xipc__port_park_cancel(ring->park, which, &side->spot);
            return APR_SUCCESS;
        }
        xipc__port_park_wait(ring->park, which, &side->spot, word, earlier(limit, slice));
        int is_in = try_enter(side, me);
        int is_late = !is_in && xipc__port_clock() >= began + FIRST_LOOK;
        if (is_late) is_in = enter_from_dead(ring, which, me);
        if (is_in || (is_late && xipc__remaining(limit) == 0)) {
            /* only one is woken at a time, who then speaks for the others */
            xipc__port_park_pass_on(&side->spot);
            return is_in ? APR_SUCCESS : APR_TIMEUP;
        }
        if (is_late && slice < LONGEST) slice *= 2;
    }
}

int xipc__ring_try_enter(xipc__ring_t *ring, int which)
{
    return try_enter(&ring->header->sides[which], xipc__port_identity());
}

apr_status_t xipc__ring_enter(xipc__ring_t *ring, int which, apr_time_t deadline)
{
    xipc__side_t *side = &ring->header->sides[which];
    apr_uint64_t me = xipc__port_identity();
    if (try_enter(side, me) || spin_to_enter(ring, side, me)) return APR_SUCCESS;
    return sleep_to_enter(ring, which, me, deadline);
}

/* Where this side runs, for those who wait for it. */
static void tell_processor(xipc__side_t *side)
{
    apr_int32_t here = xipc__port_processor();
    if (atomic_load_explicit(&side->processor, memory_order_relaxed) != here)
        atomic_store_explicit(&side->processor, here, memory_order_relaxed);
}

void xipc__ring_leave(xipc__ring_t *ring, int which)
{
    xipc__side_t *side = &ring->header->sides[which];
    tell_processor(side);
    atomic_store_explicit(&side->intent, XIPC__RING_NONE, memory_order_relaxed);
    /* a full barrier: what was done is visible before it is looked for sleepers, here and in wake */
    atomic_exchange_explicit(&side->owner, 0, memory_order_seq_cst);
    if (atomic_load_explicit(&side->spot.sleepers, memory_order_seq_cst) != 0)
        xipc__port_park_wake(ring->park, which, &side->spot, 0);
}

/* ---- waiting for the other side ---- */

/* Is whoever we wait for likely to be running at this moment, on another processor? */
static int is_worth_spinning(const xipc__ring_t *ring, int spot)
{
    int other = spot == XIPC__NOT_EMPTY ? XIPC__WRITERS : XIPC__READERS;
    apr_int32_t there =
        atomic_load_explicit(&ring->header->sides[other].processor, memory_order_relaxed);
    return ring->bounds.spin > 0 && (there < 0 || there != xipc__port_processor());
}

int xipc__ring_linger(xipc__ring_t *ring, int which, const _Atomic apr_uint64_t *word,
                      apr_uint64_t old, apr_time_t deadline)
{
    const xipc__spot_t *others = &ring->header->sides[which].spot;
    int spot = which == XIPC__READERS ? XIPC__NOT_EMPTY : XIPC__NOT_FULL;
    if (!is_worth_spinning(ring, spot) || xipc__remaining(deadline) == 0) return 0;
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load_explicit(word, memory_order_relaxed) != old) return 1;
        if (atomic_load_explicit(&others->sleepers, memory_order_relaxed) != 0) return 0;
        xipc__port_pause();
    }
    return 0;
}

apr_status_t xipc__ring_wait(xipc__ring_t *ring, int spot, const _Atomic apr_uint64_t *word,
                             apr_uint64_t old, apr_time_t deadline)
{
    if (xipc__remaining(deadline) == 0) return APR_TIMEUP;
    if (is_worth_spinning(ring, spot)) {
        for (apr_uint32_t i = 0; i < ring->bounds.spin; i++) {
            if (atomic_load_explicit(word, memory_order_relaxed) != old) return APR_SUCCESS;
            xipc__port_pause();
        }
    }
    xipc__spot_t *at = &ring->header->waits[spot - XIPC__NOT_EMPTY].spot;
    apr_uint32_t ticket = xipc__port_park_prepare(at);
    if (atomic_load_explicit(word, memory_order_seq_cst) != old)
        xipc__port_park_cancel(ring->park, spot, at);
    else
        xipc__port_park_wait(ring->park, spot, at, ticket, earlier(deadline, SLICE));
    return APR_SUCCESS;
}

void xipc__ring_wake(xipc__ring_t *ring, int spot)
{
    xipc__spot_t *at = &ring->header->waits[spot - XIPC__NOT_EMPTY].spot;
    _Atomic apr_uint32_t *armed = &ring->header->waits[spot - XIPC__NOT_EMPTY].is_armed;
    if (atomic_load_explicit(&at->sleepers, memory_order_seq_cst) != 0)
        xipc__port_park_wake(ring->park, spot, at, 1);
    if (atomic_load_explicit(armed, memory_order_seq_cst) != 0) {
        atomic_store_explicit(armed, 0, memory_order_seq_cst);
        xipc__port_park_ring(ring->park);
    }
}
