/* The locks of a queue in shared memory, from inside. */
#include "core/queue.h"
#include "core/ring_lock.h"
#include "testing.h"

#include <apr_thread_proc.h>

enum { THREADS = 4, ROUNDS = 4000 };

static apr_status_t put_and_get(xipc_queue_t *queue)
{
    apr_status_t rv = APR_SUCCESS;
    for (int i = 0; rv == APR_SUCCESS && i < ROUNDS; i++) {
        char byte;
        apr_size_t size;
        rv = xipc_queue_put(queue, "x", 1, TESTING_PATIENCE);
        if (rv == APR_SUCCESS) rv = xipc_queue_get_into(&size, queue, &byte, 1, TESTING_PATIENCE);
    }
    return rv;
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    apr_thread_exit(thread, put_and_get(data));
    return NULL;
}

/* Waits that end although nobody wakes, of some. */
static int early_wakes(const xipc__ring_t *ring, int which)
{
    int early = 0;
    xipc__spot_t *spot = &ring->header->sides[which].spot;
    for (int i = 0; i < 4 * THREADS; i++) {
        apr_time_t began = system_clock();
        apr_uint32_t word = xipc__port_park_prepare(spot);
        xipc__port_park_wait(ring->park, which, spot, word, xipc__port_clock() + MILLISECONDS(20));
        early += system_clock() - began < MILLISECONDS(10);
    }
    return early;
}

/* Who wants in is woken once for each time that it slept: wake-ups that nobody needs don't pile up. */
static void who_slept_for_a_lock_leaves_no_wake_ups_behind(testing_t *test)
{
    xipc_queue_t *queue;
    xipc_queue_options_t *options;
    apr_thread_t *threads[THREADS];
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    CHECK_OK(xipc_queue_options_spin_set(options, 0));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    for (int i = 0; i < THREADS; i++)
        REQUIRE_OK(apr_thread_create(&threads[i], NULL, work, queue, test->pool));
    for (int i = 0; i < THREADS; i++) {
        apr_status_t rv;
        CHECK_OK(apr_thread_join(&rv, threads[i]));
        CHECK_OK(rv);
    }
    CHECK(early_wakes(queue->self, XIPC__WRITERS) <= THREADS);
    CHECK(early_wakes(queue->self, XIPC__READERS) <= THREADS);
}

/* Where nothing was ever put, and on some systems nothing can be read unless it is asked for. */
static void marks_that_lead_to_no_memory_are_an_error(testing_t *test)
{
    xipc_queue_t *queue;
    xipc_queue_options_t *options;
    char byte;
    apr_size_t size;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    const xipc__ring_t *ring = queue->self;
    for (apr_uint32_t part = 2; part <= 16; part *= 2) {
        apr_uint32_t place = (apr_uint32_t)(ring->units / part);
        xipc__ring_mark_set(&ring->header->sides[XIPC__READERS], xipc__mark(place, 0));
        xipc__ring_mark_set(&ring->header->sides[XIPC__WRITERS], xipc__mark(place + 2, 1));
        CHECK_STATUS(XIPC_EPROTOCOL, xipc_queue_get_into(&size, queue, &byte, 1, 0));
    }
    CHECK_OK(xipc_queue_close(queue));
}

static const testing_case_t cases[] = {
    ONCE(who_slept_for_a_lock_leaves_no_wake_ups_behind),
    ONCE(marks_that_lead_to_no_memory_are_an_error),
};

TESTING_MAIN("queue.lock", cases)
