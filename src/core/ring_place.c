/*
 * ring_place.c - writing and reading messages where they are.
 *
 * The lock of a side is held for an instant only; in between, the record itself says whose it is.
 */
#include "core/ring_lock.h"

/* The record of a message of this process that is in a state; NULL when there is none. */
static xipc__record_t *record_of(const xipc__ring_t *ring, const void *data, unsigned kind)
{
    const unsigned char *at = data;
    apr_uint64_t bytes = ring->units * XIPC__RING_UNIT;
    if (at < ring->records + XIPC__RING_UNIT || at > ring->records + bytes ||
        (apr_size_t)(at - ring->records) % XIPC__RING_UNIT != 0)
        return NULL;
    xipc__record_t *record =
        xipc__record_at(ring, (apr_uint32_t)((at - ring->records) / XIPC__RING_UNIT - 1));
    int is_ours =
        (atomic_load_explicit(&record->state, memory_order_relaxed) & 0xff) == kind &&
        atomic_load_explicit(&record->owner, memory_order_relaxed) == xipc__port_identity();
    return is_ours ? record : NULL;
}

static apr_status_t find_own(xipc__record_t **record, const xipc__ring_t *ring, const void *data,
                             unsigned kind)
{
    *record = record_of(ring, data, kind);
    if (*record != NULL) return APR_SUCCESS;
    return xipc__fail(XIPC_ESTATE,
                      kind == XIPC__RECORD_RESERVED ? "this was not reserved" : "this is not held");
}

static apr_uint64_t units_of(const xipc__record_t *record)
{
    return atomic_load_explicit(&record->state, memory_order_relaxed) >> 32;
}

/* release: what was written there is seen by who finds the new state; read there: was read before */
static void change(xipc__record_t *record, unsigned kind)
{
    atomic_store_explicit(&record->state, xipc__record_state(units_of(record), kind),
                          memory_order_release);
}

/* ---- writing ---- */

void xipc__ring_keep(const xipc__ring_put_t *put)
{
    xipc__record_t *record = (xipc__record_t *)put->place - 1;
    atomic_store_explicit(&record->owner, xipc__port_identity(), memory_order_relaxed);
    change(record, XIPC__RECORD_RESERVED);
}

apr_status_t xipc__ring_reserve(void **data, xipc__ring_t *ring, apr_size_t size,
                                apr_time_t deadline)
{
    xipc__ring_put_t put;
    apr_status_t rv = xipc__ring_put_begin(&put, ring, size, deadline);
    if (rv != APR_SUCCESS) return rv;
    xipc__ring_keep(&put);
    xipc__ring_put_end(&put);
    *data = put.place;
    return APR_SUCCESS;
}

apr_status_t xipc__ring_commit(xipc__ring_t *ring, const void *data, apr_size_t size)
{
    xipc__record_t *record;
    apr_status_t rv = find_own(&record, ring, data, XIPC__RECORD_RESERVED);
    if (rv != APR_SUCCESS) return rv;
    if (size > (units_of(record) - 1) * XIPC__RING_UNIT)
        return xipc__fail(XIPC_EMSGSIZE, "%" APR_SIZE_T_FMT " bytes are more than were reserved",
                          size);
    atomic_store_explicit(&record->size, size, memory_order_relaxed);
    XIPC__POINT("place.committing");
    /* seq_cst: before it is looked for sleepers */
    atomic_exchange_explicit(&record->state,
                             xipc__record_state(units_of(record), XIPC__RECORD_READY),
                             memory_order_seq_cst);
    XIPC__POINT("place.committed");
    xipc__ring_wake(ring, XIPC__NOT_EMPTY);
    return APR_SUCCESS;
}

apr_status_t xipc__ring_let_go(xipc__ring_t *ring, const void *data, unsigned kind)
{
    xipc__record_t *record;
    apr_status_t rv = find_own(&record, ring, data, kind);
    if (rv != APR_SUCCESS) return rv;
    change(record, XIPC__RECORD_GONE);
    return APR_SUCCESS;
}

apr_status_t xipc__ring_abandon(xipc__ring_t *ring, const void *data)
{
    apr_status_t rv = xipc__ring_let_go(ring, data, XIPC__RECORD_RESERVED);
    if (rv != APR_SUCCESS) return rv;
    XIPC__POINT("place.abandoned");
    xipc__ring_reclaim(ring, 0);
    xipc__ring_wake(ring, XIPC__NOT_EMPTY);
    return APR_SUCCESS;
}

/* ---- reading ---- */

void xipc__ring_hold(xipc__ring_get_t *get)
{
    xipc__side_t *side = &get->ring->header->sides[XIPC__READERS];
    xipc__record_t *record = xipc__record_at(get->ring, xipc__mark_place(get->mark));
    apr_uint64_t units = xipc__mark_place(get->next) - xipc__mark_place(get->mark);
    atomic_store_explicit(&record->owner, xipc__port_identity(), memory_order_relaxed);
    atomic_store_explicit(&record->state, xipc__record_state(units, XIPC__RECORD_HELD),
                          memory_order_release);
    XIPC__POINT("place.held");
    xipc__ring_mark_set(side, get->next);
    XIPC__POINT("place.taken");
}

apr_status_t xipc__ring_peek(const void **data, apr_size_t *size, xipc__ring_t *ring,
                             apr_time_t deadline)
{
    xipc__ring_get_t get;
    apr_status_t rv = xipc__ring_get_begin(&get, ring, deadline);
    if (rv != APR_SUCCESS) return rv;
    if (ring->tasks != NULL)
        xipc__ring_task_hold(&get);
    else
        xipc__ring_hold(&get);
    xipc__ring_get_end(&get);
    *data = get.data;
    *size = get.size;
    return APR_SUCCESS;
}

apr_status_t xipc__ring_release(xipc__ring_t *ring, const void *data)
{
    if (ring->tasks != NULL) {
        xipc__record_t *record;
        apr_status_t rv = find_own(&record, ring, data, XIPC__RECORD_HELD);
        return rv == APR_SUCCESS ? xipc__ring_task_release(ring, record) : rv;
    }
    apr_status_t rv = xipc__ring_let_go(ring, data, XIPC__RECORD_HELD);
    if (rv != APR_SUCCESS) return rv;
    XIPC__POINT("place.released");
    xipc__ring_reclaim(ring, 0);
    return APR_SUCCESS;
}
