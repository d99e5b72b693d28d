/*
 * port_park.c - sleeping at a semaphore: WaitOnAddress does not cross processes. `sleepers` counts;
 * a wake takes as many off as it releases. One too many only ends a wait early.
 */
#include "win32/win32.h"

#include <stdatomic.h>

enum { BELL = XIPC__PARK_SPOTS, OBJECTS, WAKE_MOST = 64 };

struct xipc__park_t {
    HANDLE objects[OBJECTS];
};

static void close_objects(xipc__park_t *park, int count)
{
    for (int i = 0; i < count; i++) CloseHandle(park->objects[i]);
}

apr_status_t xipc__port_park_create(xipc__park_t **park, apr_uint64_t id, apr_pool_t *pool)
{
    (void)id; /* others take handles out of a process that has them */
    xipc__park_t *made = apr_palloc(pool, sizeof *made);
    for (int i = 0; i < OBJECTS; i++) {
        made->objects[i] = i == BELL ? CreateEventW(NULL, TRUE, FALSE, NULL)
                                     : CreateSemaphoreW(NULL, 0, 4 * WAKE_MOST, NULL);
        if (made->objects[i] == NULL) {
            apr_status_t rv = xipc__win32_error();
            close_objects(made, i);
            return rv;
        }
    }
    *park = made;
    return APR_SUCCESS;
}

apr_status_t xipc__port_park_adopt(xipc__park_t **park, const xipc__handle_t *handles,
                                   apr_size_t count, apr_pool_t *pool)
{
    if (count != OBJECTS) return xipc__fail(XIPC_EPROTOCOL, "a queue's handles are not complete");
    xipc__park_t *made = apr_palloc(pool, sizeof *made);
    for (int i = 0; i < OBJECTS; i++) {
        made->objects[i] = xipc__win32_handle(handles[i]);
        if (!xipc__win32_is_type(made->objects[i], i == BELL ? L"Event" : L"Semaphore"))
            return xipc__fail(XIPC_EPROTOCOL, "a queue's handle leads to something else");
    }
    *park = made;
    return APR_SUCCESS;
}

void xipc__port_park_handles(xipc__handles_t *handles, const xipc__park_t *park)
{
    for (int i = 0; i < OBJECTS; i++)
        handles->items[handles->count++] = xipc__win32_opaque(park->objects[i]);
}

apr_size_t xipc__port_park_handle_count(void)
{
    return OBJECTS;
}

void xipc__port_park_close(xipc__park_t *park)
{
    close_objects(park, OBJECTS);
}

apr_uint32_t xipc__port_park_prepare(xipc__spot_t *spot)
{
    atomic_fetch_add_explicit(&spot->sleepers, 1, memory_order_seq_cst);
    return 0;
}

/* Whether one was on the list. */
static int take_off(xipc__spot_t *spot)
{
    apr_uint32_t count = atomic_load_explicit(&spot->sleepers, memory_order_relaxed);
    while (count > 0 &&
           !atomic_compare_exchange_weak_explicit(&spot->sleepers, &count, count - 1,
                                                  memory_order_seq_cst, memory_order_relaxed))
        ;
    return count > 0;
}

/* Who is not on the list any more has a wake-up coming, which nobody else needs. */
void xipc__port_park_cancel(xipc__park_t *park, int index, xipc__spot_t *spot)
{
    if (!take_off(spot)) (void)WaitForSingleObject(park->objects[index], 0);
}

void xipc__port_park_wait(xipc__park_t *park, int index, xipc__spot_t *spot, apr_uint32_t word,
                          apr_time_t deadline)
{
    (void)word;
    /* nobody woke us, and we are registered still */
    if (xipc__win32_wait(1, &park->objects[index], FALSE, deadline) != WAIT_OBJECT_0)
        xipc__port_park_cancel(park, index, spot);
}

void xipc__port_park_pass_on(xipc__spot_t *spot)
{
    (void)spot; /* the others are registered still */
}

void xipc__port_park_wake(xipc__park_t *park, int index, xipc__spot_t *spot, int all)
{
    apr_uint32_t count = atomic_exchange_explicit(&spot->sleepers, 0, memory_order_seq_cst);
    if (count == 0) return;
    if (!all && count > 1) {
        atomic_fetch_add_explicit(&spot->sleepers, count - 1, memory_order_seq_cst);
        count = 1;
    }
    /* the number is another process's word: bounded, and the slices of the sleepers do the rest */
    (void)ReleaseSemaphore(park->objects[index], count < WAKE_MOST ? (LONG)count : WAKE_MOST, NULL);
}

xipc__handle_t xipc__port_park_bell(const xipc__park_t *park)
{
    return xipc__win32_opaque(park->objects[BELL]);
}

void xipc__port_park_ring(xipc__park_t *park)
{
    SetEvent(park->objects[BELL]);
}

void xipc__port_park_clear(xipc__park_t *park)
{
    ResetEvent(park->objects[BELL]);
}
