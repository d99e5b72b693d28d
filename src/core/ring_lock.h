/*
 * ring_lock.h - entering a side, and waiting for the other one.
 *
 * What nearly always happens is here, to become a part of each put and get; the rest is in ring_lock.c.
 */
#ifndef XIPC_CORE_RING_LOCK_H
#define XIPC_CORE_RING_LOCK_H

#include "core/ring_layout.h"

/*
 * Enter a side; repairs what a dead owner left. APR_TIMEUP: its owner lives and did not leave it,
 * a little beyond the deadline.
 */
apr_status_t xipc__ring_enter(xipc__ring_t *ring, int which, apr_time_t deadline);

/* Messages after which a side tells its processor. */
enum { XIPC__TELL = 64 };

/* Enter it if nobody is in. */
static inline int xipc__ring_try_enter(xipc__ring_t *ring, int which)
{
    apr_uint64_t nobody = 0;
    _Atomic apr_uint64_t *owner = &ring->header->sides[which].owner;
    /* acquire: pairs with the exchange of who left */
    return atomic_load_explicit(owner, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong_explicit(owner, &nobody, xipc__port_identity(),
                                                   memory_order_acquire, memory_order_relaxed);
}

/*
 * Where this side runs, for those who wait for it. Asking for it costs as much as a part of a message,
 * so that it is only told now and then, and when somebody waits.
 */
void xipc__ring_tell_processor(xipc__side_t *side);

/* After leaving a side: wake one of those who want in. */
void xipc__ring_wake_next(xipc__ring_t *ring, int which);

static inline void xipc__ring_leave(xipc__ring_t *ring, int which)
{
    xipc__side_t *side = &ring->header->sides[which];
    if (xipc__mark_count(xipc__load(&side->at)) % XIPC__TELL == 0) xipc__ring_tell_processor(side);
    xipc__store(&side->intent, XIPC__RING_NONE);
    /* a full barrier: what was done is visible before it is looked for sleepers, here and in wake */
    atomic_exchange_explicit(&side->owner, 0, memory_order_seq_cst);
    if (atomic_load_explicit(&side->spot.sleepers, memory_order_seq_cst) != 0)
        xipc__ring_wake_next(ring, which);
}

/*
 * With a side: look for an instant whether a word changes, unless somebody else wants in. It often
 * does when the other side is at work on another processor, and entering again would cost more. It
 * may let some more messages, or places, come before it returns. A reader's next record is asked for
 * meanwhile.
 */
int xipc__ring_linger(xipc__ring_t *ring, int which, const _Atomic apr_uint64_t *word,
                      apr_uint64_t old, apr_time_t deadline);

/* Wait until a word is not `old`, or a while has passed. APR_TIMEUP: the deadline has passed. */
apr_status_t xipc__ring_wait(xipc__ring_t *ring, int spot, const _Atomic apr_uint64_t *word,
                             apr_uint64_t old, apr_time_t deadline);

/* Wake all who wait at a spot, and ring the bell if it is armed. */
void xipc__ring_wake_all(xipc__ring_t *ring, int spot);

/* After leaving a side. */
static inline void xipc__ring_wake(xipc__ring_t *ring, int spot)
{
    xipc__wait_t *at = &ring->header->waits[spot - XIPC__NOT_EMPTY];
    if (atomic_load_explicit(&at->spot.sleepers, memory_order_seq_cst) != 0 ||
        atomic_load_explicit(&at->is_armed, memory_order_seq_cst) != 0)
        xipc__ring_wake_all(ring, spot);
}

#endif
