/*
 * A queue in shared memory that another process has scribbled over: the first byte says how much is in it, and whether
 * it has tasks, then come
 * places of 2 bytes, each with a byte to put there, and in the end everything is tried.
 */
#include "common.h"

#include "core/ring.h"
#include "core/ring_layout.h"

#include <string.h>

enum { SCRIBBLES = 64, CALLS = 8 };

/* Tasks that are not done. */
static void take_some(xipc__ring_t *ring)
{
    for (int i = 0; i < 3; i++) {
        xipc__ring_get_t get;
        if (xipc__ring_get_begin(&get, ring, 0) != APR_SUCCESS) return;
        xipc__ring_get_take(&get);
        xipc__ring_get_end(&get);
    }
}

static xipc__ring_t *make_ring(unsigned messages, apr_pool_t *pool)
{
    static const unsigned char message[100];
    xipc__ring_t *ring;
    /* always bounded: an unbounded one is large, which takes the sanitizer long */
    const xipc__ring_bounds_t bounds = {.capacity = messages & 1 ? 20 : 0,
                                        .bytes = 16384,
                                        .message_max = 200,
                                        .tasks = messages >= 192   ? XIPC__TASKS_LEASED
                                                 : messages >= 128 ? XIPC__TASKS_COUNTED
                                                                   : XIPC__TASKS_NONE};
    MUST(xipc__ring_create(&ring, &bounds, pool) == APR_SUCCESS);
    for (unsigned i = 0; i < messages % 16; i++) {
        xipc__ring_put_t put;
        MUST(xipc__ring_put_begin(&put, ring, i * 6, 0) == APR_SUCCESS);
        memcpy(put.place, message, i * 6);
        xipc__ring_put_end(&put);
    }
    if (messages >= 128) take_some(ring);
    return ring;
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
        bytes[(data[at] << 8 | data[at + 1]) % 8192] = data[at + 2];
    /* an owner that lives is waited for, a second each time: not here */
    xipc__ring_header_t *header = (void *)bytes;
    atomic_store(&header->sides[XIPC__WRITERS].owner, 0);
    atomic_store(&header->sides[XIPC__READERS].owner, 0);
    xipc__port_memory_close(memory);
}

static void put_some(xipc__ring_t *ring)
{
    for (apr_size_t i = 0; i < CALLS; i++) {
        xipc__ring_put_t put;
        if (xipc__ring_put_begin(&put, ring, i * 20, 0) != APR_SUCCESS) continue;
        memset(put.place, 1, i * 20);
        if (i % 2 == 0 && xipc__ring_put_more(&put, 10) == APR_SUCCESS) memset(put.place, 2, 10);
        xipc__ring_put_end(&put);
    }
}

static void get_some(xipc__ring_t *ring)
{
    unsigned sum = 0;
    for (int i = 0; i < 2 * CALLS; i++) {
        xipc__ring_get_t get;
        if (xipc__ring_get_begin(&get, ring, 0) != APR_SUCCESS) continue;
        for (apr_size_t at = 0; at < get.size; at++) sum += ((const unsigned char *)get.data)[at];
        xipc__ring_get_take(&get);
        xipc__ring_get_end(&get);
    }
    static volatile unsigned seen;
    seen = sum;
    (void)seen;
}

static void try_places(xipc__ring_t *ring)
{
    void *place;
    const void *data;
    apr_size_t size;
    if (xipc__ring_reserve(&place, ring, 50, 0) == APR_SUCCESS) {
        memset(place, 3, 50);
        (void)xipc__ring_commit(ring, place, 20);
    }
    if (xipc__ring_peek(&data, &size, ring, 0) == APR_SUCCESS) (void)xipc__ring_release(ring, data);
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

static void try_adopt(const xipc__ring_t *ring, apr_pool_t *pool)
{
    xipc__ring_t *other;
    xipc__handles_t handles = {.count = 0};
    xipc__handle_t copies[XIPC__RING_HANDLES];
    xipc__ring_handles(&handles, ring);
    for (apr_size_t i = 0; i < handles.count; i++)
        MUST(xipc__port_handle_duplicate(&copies[i], handles.items[i]) == APR_SUCCESS);
    if (xipc__ring_adopt(&other, copies, handles.count, pool) == APR_SUCCESS) {
        get_some(other);
        xipc__ring_close(other);
    } else {
        for (apr_size_t i = 0; i < handles.count; i++) xipc__port_handle_close(copies[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_size_t count;
    xipc__ring_lost_t lost;
    if (size < 1) return 0;
    apr_pool_t *pool = fuzz_pool();
    xipc__ring_t *ring = make_ring(data[0], pool);
    scribble(ring, data + 1, size - 1, pool);
    (void)xipc__ring_count(&count, ring);
    xipc__ring_lost(&lost, ring);
    put_some(ring);
    get_some(ring);
    try_places(ring);
    try_tasks(ring);
    try_adopt(ring, pool);
    xipc__ring_close(ring);
    apr_pool_destroy(pool);
    return 0;
}
