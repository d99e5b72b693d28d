/*
 * ring_lock.c - entering a side that is not free, and waiting for the other one.
 *
 * The lock is a word that names its owner, set by the very instruction that takes it. So a dead
 * owner is known whenever it died, on every system, and nothing in the memory is a pointer that
 * could lead astray. Only proof of death breaks it.
 */
#include "core/ring_lock.h"

enum {
    TRIES = 100,       /* before sleeping for a lock, which is held for an instant */
    LOOKS = 50,        /* looks at the other side before leaving in vain */
    PATIENCE = 128,    /* pauses at most, to let messages or places gather */
    TRIED = 24,        /* so many at first */
    TRIAL = 1000,      /* and anew after so many times when they brought nothing */
    GATHERED = 32,     /* that many are enough */
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
    xipc__store(&side->at, mark);
    if (ring->tasks != NULL) xipc__ring_task_moved(ring);
    if (which == XIPC__READERS)
        repair_readers(ring, side);
    else
        repair_writers(side, mark);
    atomic_store_explicit(&side->intent, XIPC__RING_NONE, memory_order_release);
}

static int enter_from_dead(xipc__ring_t *ring, int which)
{
    xipc__side_t *side = &ring->header->sides[which];
    apr_uint64_t owner = atomic_load_explicit(&side->owner, memory_order_relaxed);
    if (owner == 0 || !xipc__port_identity_is_dead(owner)) return 0;
    if (!atomic_compare_exchange_strong_explicit(&side->owner, &owner, xipc__port_identity(),
                                                 memory_order_acquire, memory_order_relaxed))
        return 0;
    XIPC__POINT("repair.entered");
    repair(ring, which, owner);
    return 1;
}

static int spin_to_enter(xipc__ring_t *ring, int which)
{
    for (int i = 0; ring->bounds.spin > 0 && i < TRIES; i++) {
        if (xipc__ring_try_enter(ring, which)) return 1;
        xipc__port_pause();
    }
    return 0;
}

static apr_status_t sleep_to_enter(xipc__ring_t *ring, int which, apr_time_t deadline)
{
    xipc__side_t *side = &ring->header->sides[which];
    apr_time_t began = xipc__port_clock();
    /* its owner only needs a few instructions, so that time is up is no reason to give up */
    apr_time_t limit = deadline > began + GRACE ? deadline : began + GRACE;
    apr_interval_time_t slice = FIRST_LOOK;
    for (;;) {
        apr_uint32_t word = xipc__port_park_prepare(&side->spot);
        if (xipc__ring_try_enter(ring, which)) {
            xipc__port_park_cancel(ring->park, which, &side->spot);
            return APR_SUCCESS;
        }
        xipc__port_park_wait(ring->park, which, &side->spot, word, earlier(limit, slice));
        int is_in = xipc__ring_try_enter(ring, which);
        int is_late = !is_in && xipc__port_clock() >= began + FIRST_LOOK;
        if (is_late) is_in = enter_from_dead(ring, which);
        if (is_in || (is_late && xipc__remaining(limit) == 0)) {
            /* only one is woken at a time, who then speaks for the others */
            xipc__port_park_pass_on(&side->spot);
            return is_in ? APR_SUCCESS : APR_TIMEUP;
        }
        if (is_late && slice < LONGEST) slice *= 2;
    }
}

apr_status_t xipc__ring_enter(xipc__ring_t *ring, int which, apr_time_t deadline)
{
    if (xipc__ring_try_enter(ring, which) || spin_to_enter(ring, which)) return APR_SUCCESS;
    return sleep_to_enter(ring, which, deadline);
}

void xipc__ring_wake_next(xipc__ring_t *ring, int which)
{
    xipc__port_park_wake(ring->park, which, &ring->header->sides[which].spot, 0);
}

/* ---- waiting for the other side ---- */

void xipc__ring_tell_processor(xipc__side_t *side)
{
    apr_int32_t here = xipc__port_processor();
    if (atomic_load_explicit(&side->processor, memory_order_relaxed) != here)
        atomic_store_explicit(&side->processor, here, memory_order_relaxed);
}

/* The side that those at a spot wait for. */
static int waited_for(int spot)
{
    return spot == XIPC__NOT_EMPTY ? XIPC__WRITERS : XIPC__READERS;
}

/* Was whoever we wait for seen last on this very processor? */
static int is_beside(const xipc__ring_t *ring, int other)
{
    apr_int32_t there =
        atomic_load_explicit(&ring->header->sides[other].processor, memory_order_relaxed);
    return there >= 0 && there == xipc__port_processor();
}

/* Is it likely to be running at this moment, on another processor? */
static int is_worth_spinning(const xipc__ring_t *ring, int other)
{
    return ring->bounds.spin > 0 && !is_beside(ring, other);
}

/* A part of what can be there is enough, or the other side would have nothing to do meanwhile. */
static apr_uint32_t enough(const xipc__ring_t *ring)
{
    apr_size_t part = ring->bounds.capacity / 3 * 2;
    return part == 0 || part > GATHERED ? GATHERED : (apr_uint32_t)part;
}

/* Pauses for this time; now and then it is tried anew whether they bring more. */
static apr_uint32_t choose_patience(xipc__side_t *side)
{
    apr_uint32_t patience = atomic_load_explicit(&side->patience, memory_order_relaxed);
    apr_uint32_t turn = atomic_load_explicit(&side->turns, memory_order_relaxed);
    atomic_store_explicit(&side->turns, turn + 1, memory_order_relaxed);
    if (patience == 0 && turn % TRIAL == 0) return TRIED;
    return patience < PATIENCE ? patience : PATIENCE;
}

/*
 * The other side goes on: let it, for some pauses. To take each message, or each place, from it at
 * the moment when it is there costs both sides more than the message, since what they share goes to
 * and fro each time. Whether it goes on shows when we wait: one that waits for our answer brings
 * nothing more, and is not kept waiting.
 */
static void gather(xipc__ring_t *ring, int which, const _Atomic apr_uint64_t *word,
                   apr_uint64_t old)
{
    xipc__side_t *side = &ring->header->sides[which];
    apr_uint32_t patience = choose_patience(side);
    if (patience == 0) return;
    for (apr_uint32_t i = 0; i < patience; i++) {
        if (atomic_load_explicit(&side->spot.sleepers, memory_order_relaxed) != 0) return;
        xipc__port_pause();
    }
    apr_uint32_t more =
        xipc__mark_count(atomic_load_explicit(word, memory_order_relaxed)) - xipc__mark_count(old);
    if (more > enough(ring))
        patience -= patience / 4 + 1;
    else if (more > 2)
        patience += patience / 8 + 1;
    else if (more < 2)
        patience = patience > TRIED ? patience / 2 : 0;
    atomic_store_explicit(&side->patience, patience, memory_order_relaxed);
}

int xipc__ring_linger(xipc__ring_t *ring, int which, const _Atomic apr_uint64_t *word,
                      apr_uint64_t old, apr_time_t deadline)
{
    xipc__side_t *side = &ring->header->sides[which];
    if (!is_worth_spinning(ring, 1 - which) || xipc__remaining(deadline) == 0) return 0;
    /* the message comes along with the word that tells of it */
    const xipc__record_t *next = xipc__record_at(ring, xipc__mark_place(xipc__load(&side->at)));
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load_explicit(word, memory_order_relaxed) != old) {
            gather(ring, which, word, old);
            return 1;
        }
        if (atomic_load_explicit(&side->spot.sleepers, memory_order_relaxed) != 0) return 0;
        if (which == XIPC__READERS) xipc__port_prefetch(next);
        xipc__port_pause();
    }
    return 0;
}

/* Before sleeping: it is cheaper when the other side comes in a moment. */
static int wait_awake(const xipc__ring_t *ring, int other, const _Atomic apr_uint64_t *word,
                      apr_uint64_t old)
{
    if (is_beside(ring, other)) {
        /* it can only come when it has the processor */
        xipc__port_yield();
        return atomic_load_explicit(word, memory_order_relaxed) != old;
    }
    for (apr_uint32_t i = 0; i < ring->bounds.spin; i++) {
        if (atomic_load_explicit(word, memory_order_relaxed) != old) return 1;
        xipc__port_pause();
    }
    return 0;
}

apr_status_t xipc__ring_wait(xipc__ring_t *ring, int spot, const _Atomic apr_uint64_t *word,
                             apr_uint64_t old, apr_time_t deadline)
{
    if (xipc__remaining(deadline) == 0) return APR_TIMEUP;
    xipc__ring_tell_processor(&ring->header->sides[1 - waited_for(spot)]);
    if (wait_awake(ring, waited_for(spot), word, old)) return APR_SUCCESS;
    xipc__spot_t *at = &ring->header->waits[spot - XIPC__NOT_EMPTY].spot;
    apr_uint32_t ticket = xipc__port_park_prepare(at);
    if (atomic_load_explicit(word, memory_order_seq_cst) != old)
        xipc__port_park_cancel(ring->park, spot, at);
    else
        xipc__port_park_wait(ring->park, spot, at, ticket, earlier(deadline, SLICE));
    return APR_SUCCESS;
}

void xipc__ring_wake_all(xipc__ring_t *ring, int spot)
{
    xipc__wait_t *at = &ring->header->waits[spot - XIPC__NOT_EMPTY];
    xipc__ring_tell_processor(&ring->header->sides[waited_for(spot)]);
    if (atomic_load_explicit(&at->spot.sleepers, memory_order_seq_cst) != 0)
        xipc__port_park_wake(ring->park, spot, &at->spot, 1);
    if (atomic_load_explicit(&at->is_armed, memory_order_seq_cst) != 0) {
        atomic_store_explicit(&at->is_armed, 0, memory_order_seq_cst);
        xipc__port_park_ring(ring->park);
    }
}
