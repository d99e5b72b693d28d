/*
 * ring.c - making a ring, and looking at it.
 */
#include "core/ring_layout.h"

#include <string.h>

/* A record's units are 31 bits of a mark, so that more and less can be told apart. */
#define UNITS_MAX ((apr_uint64_t)1 << 31)

apr_status_t xipc__ring_bad(const char *what)
{
    return xipc__fail(XIPC_EPROTOCOL, "the shared memory of the queue is damaged: %s", what);
}

/* ---- how large ---- */

static apr_uint64_t power_of_two(apr_uint64_t least)
{
    apr_uint64_t units = 16;
    while (units < least && units < UNITS_MAX) units *= 2;
    return units;
}

static apr_uint64_t units_of(apr_uint64_t size)
{
    return 1 + (size / XIPC__RING_UNIT + (size % XIPC__RING_UNIT != 0));
}

/* A ring that grows has two chunks more: one is the readers' until it is free as a whole. */
static apr_uint64_t with_chunks(apr_uint64_t least)
{
    if (power_of_two(least) <= XIPC__RING_FIXED) return power_of_two(least);
    return power_of_two(least + 2 * XIPC__CHUNK_UNITS);
}

/* As many as the largest messages need and one more, since none is split at the end of the ring. */
static apr_status_t bounded_units(apr_uint64_t *units, const xipc__ring_bounds_t *bounds)
{
    apr_uint64_t each = units_of(bounds->message_max);
    if (each > UNITS_MAX / 2 || bounds->capacity > (UNITS_MAX - 2 * XIPC__CHUNK_UNITS) / each - 1)
        return xipc__fail(XIPC_ELIMIT,
                          "a queue in shared memory holds up to %" APR_UINT64_T_FMT
                          " bytes, asked for %" APR_SIZE_T_FMT " messages of %" APR_SIZE_T_FMT,
                          UNITS_MAX * XIPC__RING_UNIT, bounds->capacity, bounds->message_max);
    *units = with_chunks((bounds->capacity + 1) * each);
    return APR_SUCCESS;
}

/* For one of the largest messages, in a ring that grows. */
static apr_uint64_t least_units(const xipc__ring_bounds_t *bounds)
{
    return with_chunks(2 * units_of(bounds->message_max) + XIPC__RING_FIXED + 1);
}

static apr_uint32_t levels_of(const xipc__ring_bounds_t *bounds)
{
    return bounds->levels > 1 ? bounds->levels : 1;
}

/* Tasks are there until they are done, so that no number of them is the most. */
static int is_bounded(const xipc__ring_bounds_t *bounds)
{
    return bounds->capacity > 0 && bounds->message_max > 0 && bounds->tasks == XIPC__TASKS_NONE;
}

static apr_status_t choose_units(apr_uint64_t *units, const xipc__ring_bounds_t *bounds)
{
    if (is_bounded(bounds)) return bounded_units(units, bounds);
    if (bounds->message_max / XIPC__RING_UNIT > UNITS_MAX / 2 - 2 - XIPC__CHUNK_UNITS)
        return xipc__fail(XIPC_ELIMIT,
                          "a message in shared memory has up to %" APR_UINT64_T_FMT
                          " bytes, asked for %" APR_SIZE_T_FMT,
                          (UNITS_MAX / 2 - 2 - XIPC__CHUNK_UNITS) * XIPC__RING_UNIT,
                          bounds->message_max);
    /* as much as the machine has: only what is used takes memory */
    apr_uint64_t least = least_units(bounds);
    apr_uint64_t most = xipc__port_memory_most() / XIPC__RING_UNIT / levels_of(bounds);
    *units = power_of_two(most > least ? most : least);
    return APR_SUCCESS;
}

static apr_uint64_t memory_size(apr_uint64_t units, apr_uint32_t levels)
{
    return XIPC__RING_START + levels * xipc__level_bytes(units);
}

/* ---- making ---- */

void xipc__ring_quicken(xipc__ring_t *ring)
{
    int is_growing = ring->units > XIPC__RING_FIXED;
    ring->there = is_growing ? XIPC__CHUNK_UNITS : ring->units;
    ring->quick = (xipc__quick_t){.message_max = 0};
    if (ring->bounds.tasks != XIPC__TASKS_NONE || ring->bounds.bytes > 0) return;
    /* a ring that grows has its first chunk at once, and a short backlog stays there */
    ring->quick.end = is_growing ? XIPC__RING_BACKLOG : ring->units - 1;
    ring->quick.used = is_growing ? XIPC__RING_BACKLOG : ring->units;
    ring->quick.count = ring->bounds.capacity > 0 ? ring->bounds.capacity : XIPC__RING_NONE;
    ring->quick.message_max = xipc__ring_message_max(ring);
}

static xipc__ring_t *make(xipc__memory_t *memory, xipc__park_t *park, apr_pool_t *pool)
{
    xipc__ring_t *ring = apr_pcalloc(pool, sizeof *ring);
    ring->header = xipc__port_memory_address(memory);
    ring->start = XIPC__RING_START;
    ring->records = (unsigned char *)ring->header + ring->start;
    ring->tally = ring->header->sides;
    ring->memory = memory;
    ring->park = park;
    return ring;
}

static void fill_header(xipc__ring_header_t *header, const xipc__ring_bounds_t *bounds,
                        const xipc__ring_name_t *name, apr_uint64_t units)
{
    header->header_size = sizeof *header;
    header->space = xipc__port_process_space();
    header->units = units;
    header->capacity = bounds->capacity;
    header->bytes = bounds->bytes;
    header->message_max = bounds->message_max;
    header->spin = bounds->spin;
    header->tasks = bounds->tasks;
    header->deliveries = bounds->deliveries;
    atomic_store(&header->tasks_of.moving, XIPC__RING_NONE);
    atomic_store(&header->tasks_of.buried, XIPC__RING_NONE);
    header->levels = levels_of(bounds);
    header->word = sizeof(void *);
    header->name = *name;
    for (int i = 0; i < 2; i++) {
        atomic_store(&header->sides[i].intent, XIPC__RING_NONE);
        atomic_store(&header->sides[i].next, XIPC__RING_NONE);
        atomic_store(&header->sides[i].processor, -1);
    }
    header->version = XIPC__RING_VERSION;
    header->magic = XIPC__RING_MAGIC;
}

static void fill_headers(xipc__ring_header_t *header, const xipc__ring_bounds_t *bounds,
                         const xipc__ring_name_t *name, apr_uint64_t units)
{
    for (unsigned i = 0; bounds->levels > 1 && i < bounds->levels; i++)
        fill_header(xipc__level_header(header, i), bounds, name, units);
    fill_header(header, bounds, name, units);
}

/* Address space may be scarcer than memory: then smaller, as long as that bears what was asked. */
static apr_status_t create_memory(xipc__memory_t **memory, apr_uint64_t *units, apr_uint64_t least,
                                  apr_uint32_t levels, apr_uint64_t id, apr_pool_t *pool)
{
    apr_status_t rv;
    for (;;) {
        apr_uint64_t size = memory_size(*units, levels);
        /* what is not asked for chunk by chunk is there at once; that of levels when they are used */
        apr_uint64_t first = *units > XIPC__RING_FIXED ? XIPC__RING_START + XIPC__RING_CHUNK : size;
        if (levels > 1) first = XIPC__RING_START;
        rv = xipc__port_memory_create(memory, size, (apr_size_t)first, id, pool);
        if (!APR_STATUS_IS_ENOMEM(rv) || *units / 2 < least) return rv;
        *units /= 2;
    }
}

apr_status_t xipc__ring_create(xipc__ring_t **ring, const xipc__ring_bounds_t *bounds,
                               apr_pool_t *pool)
{
    static const xipc__ring_name_t none = {.id = 0};
    return xipc__ring_create_named(ring, bounds, &none, pool);
}

apr_status_t xipc__ring_create_named(xipc__ring_t **ring, const xipc__ring_bounds_t *bounds,
                                     const xipc__ring_name_t *name, apr_pool_t *pool)
{
    apr_uint64_t units;
    xipc__memory_t *memory;
    xipc__park_t *park;
    apr_status_t rv = choose_units(&units, bounds);
    if (rv != APR_SUCCESS) return rv;
    int is_fixed = is_bounded(bounds);
    apr_uint64_t least = least_units(bounds);
    rv =
        create_memory(&memory, &units, is_fixed ? units : least, levels_of(bounds), name->id, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__port_park_create(&park, name->id, pool);
    if (rv != APR_SUCCESS) {
        xipc__port_memory_close(memory);
        return rv;
    }
    *ring = make(memory, park, pool);
    (*ring)->units = units;
    (*ring)->bounds = *bounds;
    (*ring)->name = *name;
    xipc__ring_quicken(*ring);
    fill_headers((*ring)->header, bounds, name, units);
    xipc__ring_tasks_create(*ring, pool);
    return APR_SUCCESS;
}

void xipc__ring_handles(xipc__handles_t *handles, const xipc__ring_t *ring)
{
    handles->items[handles->count++] = xipc__port_memory_handle(ring->memory);
    xipc__port_park_handles(handles, ring->park);
}

/* Take the facts over into our own memory, where nobody can change them. */
static apr_status_t read_header(xipc__ring_t *ring)
{
    xipc__ring_header_t header;
    memcpy((void *)&header, (const void *)ring->header, sizeof header);
    if (header.magic != XIPC__RING_MAGIC) return xipc__ring_bad("it is no queue's");
    if (header.version != XIPC__RING_VERSION || header.word != sizeof(void *) ||
        header.header_size != sizeof header)
        return xipc__fail(XIPC_EPROTOCOL,
                          "the queue is of another build: layout %u with words of %u bytes, here "
                          "%u and %u",
                          header.version, header.word, (unsigned)XIPC__RING_VERSION,
                          (unsigned)sizeof(void *));
    if (header.units < 16 || header.units > UNITS_MAX || (header.units & (header.units - 1)) != 0 ||
        header.levels < 1 || header.levels > XIPC__RING_LEVELS ||
        memory_size(header.units, header.levels) > xipc__port_memory_size(ring->memory))
        return xipc__ring_bad("its size");
    if (header.capacity > (apr_size_t)-1 || header.bytes > (apr_size_t)-1 ||
        header.message_max > (apr_size_t)-1 || header.deliveries > (apr_size_t)-1 ||
        header.tasks > XIPC__TASKS_LEASED ||
        (header.levels > 1 && header.tasks != XIPC__TASKS_NONE))
        return xipc__ring_bad("its bounds");
    if (header.space != xipc__port_process_space())
        return xipc__fail(XIPC_EPROTOCOL, "the queue is of another space of process numbers, where "
                                          "nobody could tell who of us lives");
    ring->units = header.units;
    ring->bounds.capacity = (apr_size_t)header.capacity;
    ring->bounds.bytes = (apr_size_t)header.bytes;
    ring->bounds.message_max = (apr_size_t)header.message_max;
    ring->bounds.spin = header.spin < 1000000 ? header.spin : 1000000;
    ring->bounds.tasks = header.tasks;
    ring->bounds.deliveries = (apr_size_t)header.deliveries;
    ring->bounds.levels = header.levels;
    ring->name = header.name;
    ring->name.text[sizeof ring->name.text - 1] = '\0';
    xipc__ring_quicken(ring);
    return APR_SUCCESS;
}

static apr_status_t duplicate_all(xipc__handle_t *copies, const xipc__handle_t *handles,
                                  apr_size_t count)
{
    for (apr_size_t i = 0; i < count; i++) {
        apr_status_t rv = xipc__port_handle_duplicate(&copies[i], handles[i]);
        if (rv == APR_SUCCESS) continue;
        while (i-- > 0) xipc__port_handle_close(copies[i]);
        return rv;
    }
    return APR_SUCCESS;
}

static apr_status_t adopt_copies(xipc__ring_t **ring, const xipc__handle_t *handles,
                                 apr_size_t count, apr_pool_t *pool)
{
    xipc__memory_t *memory;
    xipc__park_t *park;
    apr_status_t rv = xipc__port_memory_adopt(&memory, handles[0], pool);
    if (rv != APR_SUCCESS) {
        xipc__port_handle_close(handles[0]);
        for (apr_size_t i = 1; i < count; i++) xipc__port_handle_close(handles[i]);
        return rv;
    }
    rv = xipc__port_park_adopt(&park, handles + 1, count - 1, pool);
    if (rv != APR_SUCCESS) {
        for (apr_size_t i = 1; i < count; i++) xipc__port_handle_close(handles[i]);
        xipc__port_memory_close(memory);
        return rv;
    }
    xipc__ring_t *made = make(memory, park, pool);
    rv = read_header(made);
    if (rv != APR_SUCCESS) {
        xipc__ring_close(made);
        return rv;
    }
    xipc__ring_tasks_create(made, pool);
    *ring = made;
    return APR_SUCCESS;
}

apr_status_t xipc__ring_share(xipc__ring_t **ring, const xipc__handle_t *handles, apr_size_t count,
                              apr_pool_t *pool)
{
    xipc__handle_t copies[XIPC__RING_HANDLES];
    if (count < 1 || count > XIPC__RING_HANDLES)
        return xipc__fail(XIPC_EPROTOCOL, "a queue without its handles");
    apr_status_t rv = duplicate_all(copies, handles, count);
    return rv == APR_SUCCESS ? adopt_copies(ring, copies, count, pool) : rv;
}

/* On copies, so that by an error the caller's are as they were. */
apr_status_t xipc__ring_adopt(xipc__ring_t **ring, const xipc__handle_t *handles, apr_size_t count,
                              apr_pool_t *pool)
{
    apr_status_t rv = xipc__ring_share(ring, handles, count, pool);
    if (rv != APR_SUCCESS) return rv;
    for (apr_size_t i = 0; i < count; i++) xipc__port_handle_close(handles[i]);
    return APR_SUCCESS;
}

void xipc__ring_close(xipc__ring_t *ring)
{
    xipc__ring_tasks_close(ring);
    xipc__port_park_close(ring->park);
    xipc__port_memory_close(ring->memory);
}

/* ---- looking ---- */

const xipc__ring_name_t *xipc__ring_name(const xipc__ring_t *ring)
{
    return &ring->name;
}

void xipc__ring_bounds(xipc__ring_bounds_t *bounds, const xipc__ring_t *ring)
{
    *bounds = ring->bounds;
}

apr_size_t xipc__ring_message_max(const xipc__ring_t *ring)
{
    apr_uint64_t chunk = ring->units > XIPC__RING_FIXED ? XIPC__CHUNK_UNITS : 0;
    apr_size_t most = (apr_size_t)(ring->units / 2 - 1 - chunk) * XIPC__RING_UNIT;
    if (ring->bounds.message_max > 0 && ring->bounds.message_max < most)
        most = ring->bounds.message_max;
    return ring->bounds.bytes > 0 && ring->bounds.bytes < most ? ring->bounds.bytes : most;
}

apr_status_t xipc__ring_count(apr_size_t *count, const xipc__ring_t *ring)
{
    const xipc__side_t *sides = ring->header->sides;
    apr_uint64_t head, tail;
    do {
        /* the same before and after: then both were so at one moment */
        head = atomic_load_explicit(&sides[XIPC__READERS].mark, memory_order_acquire);
        tail = atomic_load_explicit(&sides[XIPC__WRITERS].mark, memory_order_acquire);
    } while (head != atomic_load_explicit(&sides[XIPC__READERS].mark, memory_order_acquire));
    apr_uint32_t found = xipc__mark_count(tail) - xipc__mark_count(head);
    if (found > ring->units) return xipc__ring_bad("its number of messages");
    *count = found;
    return APR_SUCCESS;
}

void xipc__ring_lost(xipc__ring_lost_t *lost, const xipc__ring_t *ring)
{
    const xipc__side_t *sides = ring->header->sides;
    lost->put = atomic_load(&sides[XIPC__WRITERS].lost);
    lost->got = atomic_load(&sides[XIPC__READERS].lost);
    lost->put_by = (pid_t)(atomic_load(&sides[XIPC__WRITERS].lost_by) >> 32);
    lost->got_by = (pid_t)(atomic_load(&sides[XIPC__READERS].lost_by) >> 32);
}

static int has_message(xipc__ring_t *ring)
{
    xipc__ring_get_t get;
    apr_size_t count;
    /* a damaged one is ready: the call that follows says so */
    if (xipc__ring_count(&count, ring) != APR_SUCCESS) return 1;
    if (count == 0 && ring->tasks == NULL) return 0;
    apr_status_t rv = xipc__ring_get_begin(&get, ring, 0);
    if (rv == APR_SUCCESS) xipc__ring_get_end(&get);
    return rv != XIPC_EEMPTY;
}

int xipc__ring_watch(xipc__ring_t *ring)
{
    if (has_message(ring)) return 1;
    xipc__port_park_clear(ring->park);
    atomic_store_explicit(&ring->header->waits[0].is_armed, 1, memory_order_seq_cst);
    if (!has_message(ring)) return 0;
    xipc__port_park_ring(ring->park); /* for others, whose ringing was cleared here */
    return 1;
}

xipc__handle_t xipc__ring_bell(const xipc__ring_t *ring)
{
    return xipc__port_park_bell(ring->park);
}
