/*
 * ring_get.c - the readers' side.
 */
#include "core/ring_lock.h"

#include <string.h>

static xipc__side_t *readers(const xipc__ring_t *ring)
{
    return &ring->header->sides[XIPC__READERS];
}

/* ---- one record ---- */

apr_status_t xipc__ring_reach(xipc__ring_t *ring, apr_uint64_t offset, apr_uint64_t units)
{
    if (offset + units <= ring->there) return APR_SUCCESS;
    apr_uint64_t first = offset / XIPC__CHUNK_UNITS;
    apr_uint64_t last = (offset + units - 1) / XIPC__CHUNK_UNITS;
    if (first == last && first == atomic_load_explicit(&ring->chunk, memory_order_relaxed))
        return APR_SUCCESS;
    apr_status_t rv = xipc__port_memory_ready(ring->memory, ring->start + first * XIPC__RING_CHUNK,
                                              (last - first + 1) * XIPC__RING_CHUNK);
    if (rv == APR_SUCCESS)
        atomic_store_explicit(&ring->chunk, (apr_uint32_t)last, memory_order_relaxed);
    return rv;
}

apr_status_t xipc__ring_look(xipc__look_t *look, xipc__ring_t *ring, apr_uint64_t mark,
                             apr_uint64_t left)
{
    apr_uint32_t place = xipc__mark_place(mark);
    apr_uint64_t offset = place & (ring->units - 1);
    apr_status_t rv = xipc__ring_reach(ring, offset, 1);
    if (rv != APR_SUCCESS) return rv;
    look->record = xipc__record_at(ring, place);
    /* acquire: pairs with the commit of a reserved one */
    look->state = atomic_load_explicit(&look->record->state, memory_order_acquire);
    look->kind = (unsigned)(look->state & 0xff);
    look->copy = (unsigned)look->state & XIPC__RECORD_COPY;
    look->units = look->state >> 32;
    if (look->units < 1 || look->units > left || offset + look->units > ring->units)
        return xipc__ring_bad("the length of a record");
    if (look->kind < XIPC__RECORD_READY || look->kind > XIPC__RECORD_LEASED)
        return xipc__ring_bad("the state of a record");
    look->next =
        xipc__mark(place + (apr_uint32_t)look->units,
                   xipc__mark_count(mark) + (look->kind != XIPC__RECORD_PAD && look->copy == 0));
    return look->kind == XIPC__RECORD_PAD ? APR_SUCCESS
                                          : xipc__ring_reach(ring, offset, look->units);
}

void xipc__record_set(const xipc__look_t *look, unsigned kind)
{
    atomic_store_explicit(&look->record->state, xipc__record_state(look->units, kind | look->copy),
                          memory_order_release);
}

/* ---- freeing ---- */

/* In a ring that grows: move `freed` over a record, and give back the memory of chunks behind it. */
static void free_with_memory(xipc__ring_t *ring, apr_uint64_t mark, const xipc__look_t *look)
{
    xipc__side_t *side = readers(ring);
    apr_uint64_t offset = xipc__mark_place(mark) & (ring->units - 1);
    apr_uint64_t first = offset / XIPC__CHUNK_UNITS;
    apr_uint64_t end =
        look->kind == XIPC__RECORD_PAD ? first + 1 : (offset + look->units) / XIPC__CHUNK_UNITS;
    if (first < XIPC__CHUNKS_KEPT) first = XIPC__CHUNKS_KEPT;
    int is_discarded = first < end;
    if (is_discarded) {
        /* the records there are going to be zeros: whoever repairs must not walk over them */
        atomic_store_explicit(&side->next, look->next, memory_order_release);
        XIPC__POINT("get.discarding");
        xipc__port_memory_discard(ring->memory, ring->start + first * XIPC__RING_CHUNK,
                                  (end - first) * XIPC__RING_CHUNK);
    }
    atomic_store_explicit(&side->freed, look->next, memory_order_release);
    /* places come again after some rounds */
    if (is_discarded) atomic_store_explicit(&side->next, XIPC__RING_NONE, memory_order_release);
}

/* Move `freed` over a record. */
static inline void free_record(xipc__ring_t *ring, apr_uint64_t mark, const xipc__look_t *look)
{
    if (ring->units > XIPC__RING_FIXED)
        free_with_memory(ring, mark, look);
    else
        /* release: pairs with the writers' acquire, who may overwrite it from here on */
        atomic_store_explicit(&readers(ring)->freed, look->next, memory_order_release);
}

/*
 * Does a process that lives read it in place? A dead one's is lost, unless that was counted. A task
 * is there until it is done.
 */
static int is_held(xipc__ring_t *ring, const xipc__look_t *look)
{
    if (look->kind == XIPC__RECORD_LEASED) return 1;
    if (look->kind != XIPC__RECORD_HELD) return 0;
    if (ring->tasks != NULL) return 1;
    apr_uint64_t owner = atomic_load_explicit(&look->record->owner, memory_order_relaxed);
    if (!xipc__port_identity_is_dead(owner)) return 1;
    /* unless it had released it since we looked */
    if (xipc__load(&look->record->state) == look->state)
        xipc__ring_count_lost(ring, XIPC__READERS, owner, 1);
    return 0;
}

void xipc__ring_advance(xipc__ring_t *ring)
{
    xipc__side_t *side = readers(ring);
    apr_uint64_t mark = atomic_load_explicit(&side->mark, memory_order_relaxed);
    apr_uint64_t freed = atomic_load_explicit(&side->freed, memory_order_relaxed);
    while (freed != mark) {
        xipc__look_t look;
        apr_uint64_t left = xipc__mark_place(mark) - xipc__mark_place(freed);
        if (xipc__ring_look(&look, ring, freed, left) != APR_SUCCESS || is_held(ring, &look))
            return;
        free_record(ring, freed, &look);
        freed = look.next;
    }
}

/* ---- finding a message ---- */

/* Move the readers' mark over a record, which is free then unless earlier ones are held. */
static inline void pass(xipc__ring_t *ring, apr_uint64_t mark, const xipc__look_t *look)
{
    xipc__side_t *side = readers(ring);
    int is_first = look->kind < XIPC__RECORD_HELD &&
                   atomic_load_explicit(&side->freed, memory_order_relaxed) == mark;
    /* the one store that takes it */
    xipc__ring_mark_set(side, look->next);
    XIPC__POINT("get.taken");
    if (is_first) free_record(ring, mark, look);
}

/* Is it reserved by a process that lives? A dead one's is nobody's. */
static int is_reserved(xipc__ring_t *ring, xipc__look_t *look)
{
    if (look->kind != XIPC__RECORD_RESERVED) return 0;
    apr_uint64_t owner = atomic_load_explicit(&look->record->owner, memory_order_relaxed);
    XIPC__POINT("get.reserved");
    if (owner == xipc__port_identity() || !xipc__port_identity_is_dead(owner)) return 1;
    /* it may have committed it since we looked, and then died: that is seen at the next look */
    apr_uint64_t state = look->state;
    if (!atomic_compare_exchange_strong_explicit(&look->record->state, &state,
                                                 xipc__record_state(look->units, XIPC__RECORD_GONE),
                                                 memory_order_relaxed, memory_order_relaxed))
        return 1;
    xipc__ring_count_lost(ring, XIPC__WRITERS, owner, 1);
    look->kind = XIPC__RECORD_GONE;
    return 0;
}

/* What a reader without a message waits for: that this word is not this value any more. */
typedef struct {
    const _Atomic apr_uint64_t *word;
    apr_uint64_t value;
} reason_t;

/* The writers' mark; only looked at when nothing is known to be written behind the readers'. */
static inline apr_uint64_t known_tail(xipc__ring_t *ring, apr_uint64_t mark)
{
    xipc__side_t *side = readers(ring);
    apr_uint64_t tail = xipc__load(&side->seen);
    if (xipc__mark_place(tail) != xipc__mark_place(mark)) return tail;
    /* acquire: pairs with the store that published the records */
    tail = atomic_load_explicit(&ring->header->sides[XIPC__WRITERS].mark, memory_order_acquire);
    xipc__store(&side->seen, tail);
    return tail;
}

/* How many units are written behind the readers' mark. */
static apr_status_t count_left(apr_uint64_t *left, reason_t *reason, xipc__ring_t *ring,
                               apr_uint64_t mark)
{
    *reason = (reason_t){&ring->header->sides[XIPC__WRITERS].mark, known_tail(ring, mark)};
    *left = xipc__mark_place(reason->value) - xipc__mark_place(mark);
    return *left <= xipc__ring_span(ring) ? APR_SUCCESS : xipc__ring_bad("the marks");
}

apr_status_t xipc__ring_give(xipc__ring_get_t *get, apr_uint64_t mark, const xipc__look_t *look)
{
    get->mark = mark;
    get->next = look->next;
    get->data = look->record + 1;
    get->size = (apr_size_t)atomic_load_explicit(&look->record->size, memory_order_relaxed);
    if (get->size > (look->units - 1) * XIPC__RING_UNIT)
        return xipc__ring_bad("the size of a message");
    return APR_SUCCESS;
}

/* What nearly always happens: there is a message, and it is whole. 0: look closer. */
static inline int find_quickly(xipc__ring_get_t *get)
{
    xipc__ring_t *ring = get->ring;
    apr_uint64_t mark = xipc__load(&readers(ring)->at);
    apr_uint32_t place = xipc__mark_place(mark);
    apr_uint32_t left = xipc__mark_place(known_tail(ring, mark)) - place;
    apr_uint64_t offset = place & (ring->units - 1);
    if (left == 0 || left > xipc__ring_span(ring) || offset >= ring->there) return 0;
    xipc__record_t *record = xipc__record_at(ring, place);
    /* acquire: as in xipc__ring_look() */
    apr_uint64_t state = atomic_load_explicit(&record->state, memory_order_acquire);
    apr_uint64_t size = xipc__load(&record->size);
    apr_uint64_t units = state >> 32;
    if ((apr_uint32_t)state != XIPC__RECORD_READY || units < 1 || units > left ||
        offset + units > ring->there || size > (units - 1) * XIPC__RING_UNIT)
        return 0;
    /* messages often have one size: then this is the one after the next */
    if (2 * units < left)
        xipc__port_prefetch(xipc__record_at(ring, place + 2 * (apr_uint32_t)units));
    get->mark = mark;
    get->next = xipc__mark(place + (apr_uint32_t)units, xipc__mark_count(mark) + 1);
    get->data = record + 1;
    get->size = (apr_size_t)size;
    return 1;
}

/* The oldest message; XIPC_EEMPTY and the reason when there is none. */
static apr_status_t find(xipc__ring_get_t *get, reason_t *reason)
{
    xipc__ring_t *ring = get->ring;
    for (;;) {
        xipc__look_t look;
        apr_uint64_t left;
        get->mark = xipc__load(&readers(ring)->at);
        apr_status_t rv = count_left(&left, reason, ring, get->mark);
        if (rv != APR_SUCCESS) return rv;
        if (left == 0) return XIPC_EEMPTY;
        rv = xipc__ring_look(&look, ring, get->mark, left);
        if (rv != APR_SUCCESS) return rv;
        if (is_reserved(ring, &look)) {
            *reason = (reason_t){&look.record->state, look.state};
            return XIPC_EEMPTY;
        }
        if (look.kind == XIPC__RECORD_PAD || look.kind == XIPC__RECORD_GONE || look.copy != 0) {
            pass(ring, get->mark, &look);
            continue;
        }
        /* one held here was being taken by a process that died: it is still ours to take */
        if (look.kind != XIPC__RECORD_READY)
            atomic_store_explicit(&look.record->state,
                                  xipc__record_state(look.units, XIPC__RECORD_READY),
                                  memory_order_relaxed);
        return xipc__ring_give(get, get->mark, &look);
    }
}

/* ---- the call ---- */

static void begin(xipc__ring_get_t *get, xipc__ring_t *ring)
{
    get->ring = ring;
    get->freed = atomic_load_explicit(&readers(ring)->freed, memory_order_relaxed);
    if (ring->tasks == NULL) return;
    get->taken = xipc__load(&readers(ring)->at);
    get->is_again = 0;
}

static void entered(xipc__ring_get_t *get, xipc__ring_t *ring)
{
    XIPC__POINT("get.entered");
    begin(get, ring);
}

/* What the dead had taken comes before what nobody has taken yet, when it is noticed. */
static apr_status_t find_any(xipc__ring_get_t *get, reason_t *reason)
{
    if (get->ring->tasks == NULL) return find(get, reason);
    apr_status_t rv = xipc__ring_task_again(get, 0);
    if (rv == XIPC_EEMPTY) rv = find(get, reason);
    return rv == XIPC_EEMPTY ? xipc__ring_task_again(get, 1) : rv;
}

apr_status_t xipc__ring_get_enter(xipc__ring_get_t *get, xipc__ring_t *ring, apr_time_t deadline)
{
    apr_status_t rv = xipc__ring_enter(ring, XIPC__READERS, deadline);
    if (rv == APR_TIMEUP)
        return xipc__fail(XIPC_EEMPTY, "a process stopped in it keeps others out");
    if (rv == APR_SUCCESS) entered(get, ring);
    return rv;
}

/* A message, if one comes at once. */
static apr_status_t linger(xipc__ring_get_t *get, reason_t *reason, apr_time_t deadline)
{
    if (!xipc__ring_linger(get->ring, XIPC__READERS, reason->word, reason->value, deadline))
        return XIPC_EEMPTY;
    return get->ring->tasks == NULL && find_quickly(get) ? APR_SUCCESS : find_any(get, reason);
}

/*
 * Begin, whatever has to be done for it; `is_in`: the side is ours already, `has_lingered`: and it
 * was waited for what might come at once.
 */
static apr_status_t begin_anyhow(xipc__ring_get_t *get, xipc__ring_t *ring, apr_time_t deadline,
                                 int is_in, int has_lingered)
{
    for (;; is_in = has_lingered = 0) {
        reason_t reason;
        apr_status_t rv = is_in ? APR_SUCCESS : xipc__ring_get_enter(get, ring, deadline);
        if (rv != APR_SUCCESS) return rv;
        rv = find_any(get, &reason);
        if (rv == XIPC_EEMPTY && !has_lingered) rv = linger(get, &reason, deadline);
        if (rv == APR_SUCCESS) return rv;
        xipc__ring_get_end(get);
        if (rv != XIPC_EEMPTY) return rv;
        rv = xipc__ring_wait(ring, XIPC__NOT_EMPTY, reason.word, reason.value, deadline);
        if (rv == APR_TIMEUP) return xipc__fail(XIPC_EEMPTY, "shm");
    }
}

apr_status_t xipc__ring_get_begin(xipc__ring_get_t *get, xipc__ring_t *ring, apr_time_t deadline)
{
    int is_in = xipc__ring_try_enter(ring, XIPC__READERS);
    if (is_in) {
        entered(get, ring);
        if (ring->tasks == NULL && find_quickly(get)) return APR_SUCCESS;
    }
    return begin_anyhow(get, ring, deadline, is_in, 0);
}

apr_status_t xipc__ring_get_copy(void **data, apr_size_t *size, const xipc__ring_get_t *get,
                                 const xipc__room_t *room)
{
    void *place = xipc__room_get(room, get->size);
    if (place == NULL && room->pool != NULL) return APR_ENOMEM;
    *size = get->size;
    if (place == NULL)
        return xipc__fail(XIPC_EMSGSIZE,
                          "the message has %" APR_SIZE_T_FMT
                          " bytes, the buffer has %" APR_SIZE_T_FMT,
                          get->size, room->capacity);
    memcpy(place, get->data, get->size);
    *data = place;
    return APR_SUCCESS;
}

/* In a queue without tasks. */
static inline void take(const xipc__ring_get_t *get)
{
    xipc__look_t look = {.record = xipc__record_at(get->ring, xipc__mark_place(get->mark)),
                         .kind = XIPC__RECORD_READY,
                         .units = xipc__mark_place(get->next) - xipc__mark_place(get->mark),
                         .next = get->next};
    xipc__side_t *side = readers(get->ring);
    XIPC__POINT("get.read");
    /* of a batch, the first */
    if (xipc__load(&side->intent) == XIPC__RING_NONE)
        atomic_store_explicit(&side->intent, get->mark, memory_order_release);
    pass(get->ring, get->mark, &look);
}

void xipc__ring_get_take(xipc__ring_get_t *get)
{
    if (get->ring->tasks == NULL) {
        take(get);
        return;
    }
    XIPC__POINT("get.read");
    xipc__ring_task_take(get);
}

apr_status_t xipc__ring_get_more(xipc__ring_get_t *get)
{
    reason_t reason;
    if (get->ring->tasks == NULL && find_quickly(get)) return APR_SUCCESS;
    get->is_again = 0;
    return find_any(get, &reason);
}

static inline void leave(xipc__ring_t *ring, int is_room)
{
    XIPC__POINT("get.freed");
    xipc__ring_leave(ring, XIPC__READERS);
    XIPC__POINT("get.left");
    if (is_room) xipc__ring_wake(ring, XIPC__NOT_FULL);
}

void xipc__ring_get_end(xipc__ring_get_t *get)
{
    const xipc__side_t *side = readers(get->ring);
    int is_room = xipc__load(&side->freed) != get->freed;
    if (get->ring->tasks != NULL && !is_room) is_room = xipc__load(&side->at) != get->taken;
    leave(get->ring, is_room);
}

/* A message that is there, or comes at once. */
static inline int find_soon(xipc__ring_get_t *get, apr_time_t deadline)
{
    const _Atomic apr_uint64_t *tail = &get->ring->header->sides[XIPC__WRITERS].mark;
    const xipc__side_t *side = readers(get->ring);
    if (find_quickly(get)) return 1;
    /* nothing there: wait a moment; something else than a message is for others to look at */
    apr_uint64_t seen = xipc__load(&side->seen);
    return seen == xipc__load(&side->at) &&
           xipc__ring_linger(get->ring, XIPC__READERS, tail, seen, deadline) && find_quickly(get);
}

/*
 * All of it, when there is a message and room for it. What is found stays in registers, since nobody
 * else is told of it.
 */
static int get_quickly(void **data, apr_size_t *size, xipc__ring_t *ring, const xipc__room_t *room,
                       apr_time_t deadline)
{
    xipc__ring_get_t get = {.ring = ring};
    const xipc__side_t *side = readers(ring);
    if (!find_soon(&get, deadline)) return 0;
    void *place = xipc__room_get(room, get.size);
    if (place == NULL) return 0;
    memcpy(place, get.data, get.size);
    *data = place;
    *size = get.size;
    apr_uint64_t freed = xipc__load(&side->freed);
    take(&get);
    leave(ring, xipc__load(&side->freed) != freed);
    return 1;
}

apr_status_t xipc__ring_get(void **data, apr_size_t *size, xipc__ring_t *ring,
                            const xipc__room_t *room, apr_time_t deadline)
{
    xipc__ring_get_t get;
    int is_in = xipc__ring_try_enter(ring, XIPC__READERS);
    if (is_in) {
        XIPC__POINT("get.entered");
        if (ring->tasks == NULL && get_quickly(data, size, ring, room, deadline))
            return APR_SUCCESS;
        begin(&get, ring);
    }
    apr_status_t rv = begin_anyhow(&get, ring, deadline, is_in, is_in && ring->tasks == NULL);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__ring_get_copy(data, size, &get, room);
    if (rv == APR_SUCCESS) xipc__ring_get_take(&get);
    xipc__ring_get_end(&get);
    return rv;
}

void xipc__ring_reclaim(xipc__ring_t *ring, apr_time_t deadline)
{
    xipc__ring_get_t get;
    reason_t reason;
    if (xipc__ring_enter(ring, XIPC__READERS, deadline) != APR_SUCCESS) return;
    begin(&get, ring);
    if (ring->tasks != NULL) xipc__ring_task_settle(ring);
    (void)find(&get, &reason); /* it passes what is no message */
    xipc__ring_advance(ring);
    xipc__ring_get_end(&get);
}
