/*
 * A queue in shared memory that another process has scribbled over: the first byte says how much is in it and whether it
 * has priorities or tasks, then come places of 2 bytes, each with a byte to put there, and in the end everything is tried.
 */
#include "common.h"

#include "core/levels.h"
#include "core/ring.h"
#include "core/ring_lock.h"

#include <string.h>

/* Without a bound in bytes there is one in messages. */
enum { SCRIBBLES = 64, CALLS = 8, LEVELS = 3, HAS_LEVELS = 16, HAS_NO_BYTES = 32 + 1 };

/* `levels` is NULL where there are none. */
typedef struct {
    xipc__ring_t *ring;
    xipc__levels_t *levels;
} target_t;

static xipc__ring_t *make_ring(unsigned first, apr_pool_t *pool)
{
    xipc__ring_t *ring;
    /* always bounded: an unbounded one is large, which takes the sanitizer long */
    const xipc__ring_bounds_t bounds = {.capacity = first & 1 ? 20 : 0,
                                        .bytes = (first & HAS_NO_BYTES) == HAS_NO_BYTES ? 0 : 16384,
                                        .message_max = 200,
                                        .levels = first & HAS_LEVELS ? LEVELS : 1,
                                        .tasks = first & HAS_LEVELS ? XIPC__TASKS_NONE
                                                 : first >= 192     ? XIPC__TASKS_LEASED
                                                 : first >= 128     ? XIPC__TASKS_COUNTED
                                                                    : XIPC__TASKS_NONE};
    MUST(xipc__ring_create(&ring, &bounds, pool) == APR_SUCCESS);
    return ring;
}

/* ---- all that can be done ---- */

static void put_one(target_t *target, apr_size_t size, unsigned i)
{
    xipc__ring_put_t put;
    xipc__levels_put_t level;
    if (target->levels == NULL && i % 3 == 0) {
        static const char message[200] = {1};
        (void)xipc__ring_put(target->ring, message, size < sizeof message ? size : 10, 0);
        return;
    }
    if (target->levels == NULL) {
        if (xipc__ring_put_begin(&put, target->ring, size, 0) != APR_SUCCESS) return;
        memset(put.place, 1, size);
        if (i % 2 == 0 && xipc__ring_put_more(&put, 10) == APR_SUCCESS) memset(put.place, 2, 10);
        xipc__ring_put_end(&put);
        return;
    }
    if (xipc__levels_put_begin(&level, target->levels, i % LEVELS, size, 0) != APR_SUCCESS) return;
    memset(level.put.place, 1, size);
    if (i % 2 == 0 && xipc__levels_put_more(&level, 10) == APR_SUCCESS)
        memset(level.put.place, 2, 10);
    xipc__levels_put_end(&level);
}

static void read_one(const xipc__ring_get_t *get)
{
    static volatile unsigned seen;
    unsigned sum = 0;
    for (apr_size_t at = 0; at < get->size; at++) sum += ((const unsigned char *)get->data)[at];
    seen = sum;
    (void)seen;
}

static void get_whole(target_t *target)
{
    static char buffer[200];
    const xipc__room_t room = {.buffer = buffer, .capacity = sizeof buffer};
    void *data;
    apr_size_t size;
    (void)xipc__ring_get(&data, &size, target->ring, &room, 0);
}

static void get_one(target_t *target, unsigned i)
{
    xipc__ring_get_t get;
    xipc__levels_get_t level;
    if (target->levels == NULL && i % 3 == 0) {
        get_whole(target);
        return;
    }
    if (target->levels == NULL) {
        if (xipc__ring_get_begin(&get, target->ring, 0) != APR_SUCCESS) return;
        read_one(&get);
        xipc__ring_get_take(&get);
        xipc__ring_get_end(&get);
        return;
    }
    if (xipc__levels_get_begin(&level, target->levels, 0) != APR_SUCCESS) return;
    read_one(level.at);
    xipc__ring_get_take(level.at);
    if (xipc__levels_get_more(&level) == APR_SUCCESS) read_one(level.at);
    xipc__levels_get_end(&level);
}

static void try_places(target_t *target)
{
    void *place;
    const void *data;
    apr_size_t size;
    int is_ring = target->levels == NULL;
    apr_status_t rv = is_ring ? xipc__ring_reserve(&place, target->ring, 50, 0)
                              : xipc__levels_reserve(&place, target->levels, 50, 0);
    if (rv == APR_SUCCESS) {
        memset(place, 3, 50);
        (void)(is_ring ? xipc__ring_commit(target->ring, place, 20)
                       : xipc__levels_commit(target->levels, place, 20));
    }
    rv = is_ring ? xipc__ring_peek(&data, &size, target->ring, 0)
                 : xipc__levels_peek(&data, &size, target->levels, 0);
    if (rv != APR_SUCCESS) return;
    (void)(is_ring ? xipc__ring_release(target->ring, data)
                   : xipc__levels_release(target->levels, data));
}

static void try_tasks(xipc__ring_t *ring)
{
    apr_uint64_t id = 3;
    if (ring->tasks == NULL) return;
    (void)xipc__ring_task_done(ring, NULL);
    (void)xipc__ring_task_done(ring, &id);
    if (xipc__ring_enter(ring, XIPC__WRITERS, 0) == APR_SUCCESS) {
        xipc__ring_task_move(ring);
        xipc__ring_task_moved(ring);
        xipc__ring_leave(ring, XIPC__WRITERS);
    }
    (void)xipc__ring_join(ring, 0);
}

static void look(target_t *target)
{
    apr_size_t count;
    xipc__ring_lost_t lost;
    if (target->levels == NULL)
        (void)xipc__ring_count(&count, target->ring);
    else
        (void)xipc__levels_count(&count, target->levels);
    xipc__ring_lost(&lost, target->ring);
}

static void try_adopt(const xipc__ring_t *ring, apr_pool_t *pool)
{
    target_t other = {0};
    xipc__handles_t handles = {.count = 0};
    xipc__handle_t copies[XIPC__RING_HANDLES];
    xipc__ring_bounds_t bounds;
    xipc__ring_handles(&handles, ring);
    for (apr_size_t i = 0; i < handles.count; i++)
        MUST(xipc__port_handle_duplicate(&copies[i], handles.items[i]) == APR_SUCCESS);
    if (xipc__ring_adopt(&other.ring, copies, handles.count, pool) != APR_SUCCESS) {
        for (apr_size_t i = 0; i < handles.count; i++) xipc__port_handle_close(copies[i]);
        return;
    }
    xipc__ring_bounds(&bounds, other.ring);
    if (bounds.levels == 1 || xipc__levels_make(&other.levels, other.ring, pool) == APR_SUCCESS)
        for (unsigned i = 0; i < CALLS; i++) get_one(&other, i);
    xipc__ring_close(other.ring);
}

/* ---- what another process may have done ---- */

/* Some places matter more: the headers, and the records that are used. */
static size_t place_of(unsigned word, const xipc__ring_t *ring)
{
    enum { SHARED = 8192, PART = 1024 };
    size_t at = word % PART;
    unsigned part = word / PART % 8;
    if (ring->bounds.levels == 1) return part < 4 ? at : XIPC__RING_START + (part - 4) * PART + at;
    if (part == 0) return at;
    if (part == 1) return SHARED + at % 256;
    if (part < 2 + LEVELS) return XIPC__LEVEL_HEADERS + (part - 2) * XIPC__LEVEL_HEADER + at;
    return XIPC__RING_START + (part - 2 - LEVELS) * xipc__level_bytes(ring->units) + at;
}

static void scribble(const xipc__ring_t *ring, const uint8_t *data, size_t size, apr_pool_t *pool)
{
    xipc__handle_t handle;
    xipc__memory_t *memory;
    xipc__handles_t handles = {.count = 0};
    xipc__ring_handles(&handles, ring);
    MUST(xipc__port_handle_duplicate(&handle, handles.items[0]) == APR_SUCCESS);
    MUST(xipc__port_memory_adopt(&memory, handle, pool) == APR_SUCCESS);
    unsigned char *bytes = xipc__port_memory_address(memory);
    for (size_t at = 0; at + 3 <= size && at < 3 * (size_t)SCRIBBLES; at += 3)
        bytes[place_of((unsigned)(data[at] << 8 | data[at + 1]), ring)] = data[at + 2];
    /* an owner that lives is waited for, a second each time: not here */
    xipc__ring_header_t *header = (void *)bytes;
    for (unsigned i = 0; i <= LEVELS; i++) {
        xipc__ring_header_t *one = i < LEVELS ? xipc__level_header(header, i) : header;
        atomic_store(&one->sides[XIPC__WRITERS].owner, 0);
        atomic_store(&one->sides[XIPC__READERS].owner, 0);
    }
    xipc__port_memory_close(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    target_t target = {0};
    if (size < 1) return 0;
    apr_pool_t *pool = fuzz_pool();
    target.ring = make_ring(data[0], pool);
    if (data[0] & HAS_LEVELS)
        MUST(xipc__levels_make(&target.levels, target.ring, pool) == APR_SUCCESS);
    for (unsigned i = 0; i < data[0] % 16; i++) put_one(&target, i * 6, 2 * i + 1);
    for (unsigned i = 0; i < 3 && target.ring->tasks != NULL; i++)
        get_one(&target, i); /* and not done */
    scribble(target.ring, data + 1, size - 1, pool);
    look(&target);
    for (unsigned i = 0; i < CALLS; i++) put_one(&target, i * 20, i);
    for (unsigned i = 0; i < 2 * CALLS; i++) get_one(&target, i);
    try_places(&target);
    try_tasks(target.ring);
    try_adopt(target.ring, pool);
    xipc__ring_close(target.ring);
    apr_pool_destroy(pool);
    return 0;
}
