/*
 * Threads of one process that put and get at once in every way a queue in shared memory has. With the thread sanitizer
 * this finds what the ring's memory orders leave to chance.
 */
#include "testing.h"

#include <apr_thread_proc.h>

#include <stdatomic.h>

enum { WRITERS = 3, READERS = 3, EACH = 600, BYTES = 200, BATCH = 3, ALL = WRITERS * EACH };

/* Messages of one call have the highest priority, the others have 0. */
enum { LOW, HIGH, PRIORITIES };

typedef struct {
    xipc_queue_t *queue;
    unsigned highest;
    int index;
    int is_leased; /* messages are tasks */
    apr_uint64_t wrong;
    apr_int64_t last[WRITERS][PRIORITIES]; /* a reader's */
} worker_t;

static atomic_int left;
static _Atomic unsigned char seen[ALL];

static void make(void *bytes, apr_int64_t number, int priority)
{
    memcpy(bytes, &number, sizeof number);
    testing_fill((char *)bytes + sizeof number, BYTES - sizeof number,
                 (unsigned)(number + priority * ALL));
}

/* ---- writing ---- */

static apr_status_t put_in_place(xipc_queue_t *queue, apr_int64_t number)
{
    void *place;
    apr_status_t rv = xipc_queue_reserve(&place, queue, BYTES, TESTING_PATIENCE);
    if (rv != APR_SUCCESS) return rv;
    make(place, number, LOW);
    return xipc_queue_commit(queue, place, BYTES);
}

static apr_status_t put_batch(xipc_queue_t *queue, apr_int64_t number)
{
    char bytes[BATCH][BYTES];
    xipc_queue_message_t messages[BATCH];
    apr_size_t done;
    for (int i = 0; i < BATCH; i++) {
        make(bytes[i], number + i, LOW);
        messages[i].data = bytes[i];
        messages[i].size = BYTES;
    }
    return xipc_queue_put_many(&done, queue, messages, BATCH, TESTING_PATIENCE);
}

static apr_status_t put_all(const worker_t *worker)
{
    apr_status_t rv = APR_SUCCESS;
    apr_int64_t end = (worker->index + 1) * (apr_int64_t)EACH;
    for (apr_int64_t number = end - EACH; rv == APR_SUCCESS && number < end;) {
        char bytes[BYTES];
        if (number % 2 == 0 && number + BATCH <= end) {
            rv = put_batch(worker->queue, number);
            number += BATCH;
        } else if (number % 5 == 0) {
            rv = put_in_place(worker->queue, number++);
        } else {
            make(bytes, number++, HIGH);
            rv = xipc_queue_put_priority(worker->queue, bytes, BYTES, worker->highest,
                                         TESTING_PATIENCE);
        }
    }
    return rv;
}

/* ---- reading ---- */

static void note(worker_t *worker, const void *data, apr_size_t size)
{
    apr_int64_t number = -1;
    int priority = LOW;
    if (size == BYTES) memcpy(&number, data, sizeof number);
    while (priority < PRIORITIES &&
           !testing_is_filled((const char *)data + sizeof number, BYTES - sizeof number,
                              (unsigned)(number + priority * ALL)))
        priority++;
    if (number < 0 || number >= ALL || priority == PRIORITIES) {
        worker->wrong++;
        return;
    }
    /* without priorities all are in one order */
    apr_int64_t *last = &worker->last[number / EACH][worker->highest > 0 ? priority : LOW];
    worker->wrong += number <= *last || atomic_fetch_add(&seen[number], 1) != 0;
    *last = number;
    atomic_fetch_sub(&left, 1);
}

static apr_status_t finish(const worker_t *worker, apr_size_t count)
{
    apr_status_t rv = APR_SUCCESS;
    for (apr_size_t i = 0; worker->is_leased && rv == APR_SUCCESS && i < count; i++)
        rv = xipc_queue_task_done(worker->queue);
    return rv;
}

static apr_status_t get_in_place(worker_t *worker)
{
    const void *data;
    apr_size_t size;
    apr_status_t rv = xipc_queue_peek(&data, &size, worker->queue, MILLISECONDS(5));
    if (rv != APR_SUCCESS) return rv;
    note(worker, data, size);
    rv = xipc_queue_release(worker->queue, data);
    return rv == APR_SUCCESS ? finish(worker, 1) : rv;
}

static apr_status_t get_some(worker_t *worker, int way, apr_pool_t *pool)
{
    xipc_queue_message_t messages[BATCH];
    apr_size_t count = 1;
    apr_status_t rv;
    if (way == 0) return get_in_place(worker);
    if (way == 1) {
        void *data;
        rv = xipc_queue_get(&data, &messages[0].size, worker->queue, MILLISECONDS(5), pool);
        messages[0].data = data;
    } else {
        rv = xipc_queue_get_many(&count, messages, BATCH, worker->queue, MILLISECONDS(5), pool);
    }
    if (rv != APR_SUCCESS) return rv;
    for (apr_size_t i = 0; i < count; i++) note(worker, messages[i].data, messages[i].size);
    return finish(worker, count);
}

static apr_status_t get_all(worker_t *worker, apr_pool_t *pool)
{
    apr_pool_t *each;
    apr_time_t give_up = system_clock() + TESTING_PATIENCE;
    apr_status_t rv = apr_pool_create(&each, pool);
    for (int i = 0; rv == APR_SUCCESS && atomic_load(&left) > 0; i++) {
        rv = get_some(worker, i % 3, each);
        if (rv == XIPC_EEMPTY && system_clock() < give_up) rv = APR_SUCCESS;
        apr_pool_clear(each);
    }
    return rv;
}

/* A frame of its own, since the end of a thread in mid-function leaves what a sanitizer knows of it behind. */
static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    apr_thread_exit(thread, worker->index < WRITERS ? put_all(worker)
                                                    : get_all(worker, apr_thread_pool_get(thread)));
    return NULL;
}

/* ---- the tests ---- */

static void run(apr_size_t capacity, int spin, int is_leased, unsigned levels, testing_t *test)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue;
    apr_thread_t *threads[WRITERS + READERS];
    worker_t workers[WRITERS + READERS];
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    CHECK_OK(xipc_queue_options_capacity_set(options, capacity));
    CHECK_OK(xipc_queue_options_message_max_set(options, BYTES));
    CHECK_OK(xipc_queue_options_spin_set(options, spin));
    if (is_leased) CHECK_OK(xipc_queue_options_lease_set(options, 0));
    CHECK_OK(xipc_queue_options_priorities_set(options, levels));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    atomic_store(&left, ALL);
    for (int i = 0; i < ALL; i++) atomic_store(&seen[i], 0);
    for (int i = 0; i < WRITERS + READERS; i++) {
        workers[i] =
            (worker_t){.queue = queue, .highest = levels - 1, .index = i, .is_leased = is_leased};
        memset(workers[i].last, -1, sizeof workers[i].last);
        REQUIRE_OK(apr_thread_create(&threads[i], NULL, work, &workers[i], test->pool));
    }
    for (int i = 0; i < WRITERS + READERS; i++) {
        apr_status_t rv;
        CHECK_OK(apr_thread_join(&rv, threads[i]));
        CHECK_OK(rv);
        CHECK_NUMBER(0, workers[i].wrong);
    }
    CHECK_NUMBER(0, atomic_load(&left));
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
    if (is_leased) CHECK_OK(xipc_queue_join(queue, 0));
}

static void threads_put_and_get_in_every_way(testing_t *test)
{
    run(4, 0, 0, 1, test);
    run(4, -1, 0, 1, test);
    run(64, -1, 0, 1, test);
}

static void threads_share_a_queue_without_a_bound(testing_t *test)
{
    run(0, -1, 0, 1, test);
}

static void threads_take_tasks_and_do_them(testing_t *test)
{
    run(4, 0, 1, 1, test);
    run(64, -1, 1, 1, test);
}

static void threads_share_a_queue_with_priorities(testing_t *test)
{
    run(4, 0, 0, 2, test);
    run(4, -1, 0, 2, test);
    run(0, -1, 0, 3, test);
}

static const testing_case_t cases[] = {
    ONCE(threads_put_and_get_in_every_way),
    ONCE(threads_share_a_queue_without_a_bound),
    ONCE(threads_take_tasks_and_do_them),
    ONCE(threads_share_a_queue_with_priorities),
};

TESTING_MAIN("queue.threads", cases)
