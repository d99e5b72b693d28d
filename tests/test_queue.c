/* A queue in one process, for each kind of queue; the promises of queue.h. */
#include "testing.h"

#include <apr_thread_proc.h>

static void messages_leave_in_the_order_they_came(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    for (apr_int64_t round = 0; round < 30; round++) {
        apr_int64_t number = -1;
        CHECK_OK(testing_put_int(queue, round, 0));
        if (round < 2) continue;
        CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
        CHECK_NUMBER(round - 2, number);
    }
}

static void put_message_is_visible_at_once(testing_t *test)
{
    apr_size_t count = 77;
    apr_int64_t number;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    for (int i = 0; i < 200; i++) {
        CHECK_OK(testing_put_int(queue, i, 0));
        CHECK_OK(xipc_queue_size(&count, queue));
        CHECK_NUMBER(1, count);
        REQUIRE_OK(testing_get_int(&number, queue, 0, test->pool));
    }
}

/* The article's queue of three. */
static void full_empty_and_size_tell_how_it_is(testing_t *test)
{
    apr_size_t count = 77;
    apr_int64_t number;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    for (apr_size_t i = 0; i <= 3; i++) {
        CHECK_OK(xipc_queue_size(&count, queue));
        CHECK_NUMBER(i, count);
        CHECK_NUMBER(i == 0, xipc_queue_is_empty(queue));
        CHECK_NUMBER(i == 3, xipc_queue_is_full(queue));
        CHECK_STATUS(i < 3 ? APR_SUCCESS : XIPC_EFULL, testing_put_int(queue, 1, 0));
    }
    CHECK_OK(xipc_queue_size(&count, queue));
    CHECK_NUMBER(3, count);
    CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
    CHECK_NUMBER(0, xipc_queue_is_full(queue));
    CHECK_OK(testing_put_int(queue, 1, 0));
    CHECK_NUMBER(1, xipc_queue_is_full(queue));
}

static void put_gives_up_after_the_timeout(testing_t *test)
{
    apr_size_t count = 77;
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    CHECK_OK(testing_put_int(queue, 1, 0));
    apr_time_t began = system_clock();
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 2, MILLISECONDS(120)));
    CHECK_WAITED(began, MILLISECONDS(120));
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 2, 0));
    CHECK_OK(xipc_queue_size(&count, queue));
    CHECK_NUMBER(1, count);
}

static void get_gives_up_after_the_timeout_and_changes_nothing(testing_t *test)
{
    void *data = NULL;
    apr_size_t size = 77;
    char *buffer = apr_palloc(test->pool, 65536);
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    apr_time_t began = system_clock();
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get(&data, &size, queue, MILLISECONDS(120), test->pool));
    CHECK_WAITED(began, MILLISECONDS(120));
    began = system_clock();
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&size, queue, buffer, 65536, MILLISECONDS(120)));
    CHECK_WAITED(began, MILLISECONDS(120));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get(&data, &size, queue, 0, test->pool));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&size, queue, buffer, 65536, 0));
    CHECK(data == NULL && size == 77);
}

static void waiting_is_not_cut_short_by_signals(testing_t *test)
{
    apr_int64_t number;
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    int has_signals = system_signals_begin();
    apr_time_t began = system_clock();
    CHECK_STATUS(XIPC_EEMPTY, testing_get_int(&number, queue, MILLISECONDS(120), test->pool));
    CHECK_WAITED(began, MILLISECONDS(120));
    CHECK_OK(testing_put_int(queue, 1, 0));
    began = system_clock();
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 2, MILLISECONDS(120)));
    CHECK_WAITED(began, MILLISECONDS(120));
    if (has_signals) CHECK(system_signals_end() > 0);
}

/* ---- sizes ---- */

static void check_size(xipc_queue_t *queue, apr_size_t size, apr_pool_t *pool)
{
    apr_pool_t *each;
    void *data = NULL;
    apr_size_t got = (apr_size_t)-1;
    REQUIRE_OK(apr_pool_create(&each, pool));
    char *bytes = apr_palloc(each, size + 1);
    testing_fill(bytes, size, (unsigned)size);
    CHECK_OK(xipc_queue_put(queue, size > 0 ? bytes : NULL, size, TESTING_PATIENCE));
    CHECK_OK(xipc_queue_get(&data, &got, queue, TESTING_PATIENCE, each));
    CHECK_NUMBER(size, got);
    CHECK(data != NULL);
    if (data != NULL && got == size) {
        CHECK(testing_is_filled(data, got, (unsigned)size));
        CHECK(((char *)data)[got] == '\0');
    }
    memset(bytes, 0, size);
    CHECK_OK(
        xipc_queue_put(queue, "first", 5, TESTING_PATIENCE)); /* the next one is itself again */
    CHECK_OK(xipc_queue_get(&data, &got, queue, TESTING_PATIENCE, each));
    CHECK(got == 5 && memcmp(data, "first", 5) == 0);
    apr_pool_destroy(each);
}

static void messages_of_every_size_come_whole(testing_t *test)
{
    xipc_queue_caps_t caps;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    apr_size_t most = caps.message_max != 0 ? caps.message_max : 8 << 20;
    for (apr_size_t size = 0; size <= 40; size++) check_size(queue, size, test->pool);
    for (apr_size_t size = 64; size < most; size *= 2) {
        check_size(queue, size - 1, test->pool);
        check_size(queue, size, test->pool);
        check_size(queue, size + 1 <= most ? size + 1 : most, test->pool);
    }
    check_size(queue, most, test->pool);
}

static void message_over_the_limit_is_XIPC_EMSGSIZE_and_not_put(testing_t *test)
{
    xipc_queue_caps_t caps;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    if (caps.message_max == 0) {
        testing_skip("this queue has no such limit");
        return;
    }
    char *bytes = apr_pcalloc(test->pool, caps.message_max + 1);
    CHECK_STATUS(XIPC_EMSGSIZE, xipc_queue_put(queue, bytes, caps.message_max + 1, -1));
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static void get_into_a_buffer_of_the_limit_takes_the_message(testing_t *test)
{
    xipc_queue_caps_t caps;
    apr_size_t size = 0;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    apr_size_t capacity = caps.message_max != 0 ? caps.message_max : 5;
    char *buffer = apr_pcalloc(test->pool, capacity + 1);
    buffer[capacity] = '#';
    CHECK_OK(xipc_queue_put(queue, "hello", 5, 0));
    CHECK_OK(xipc_queue_get_into(&size, queue, buffer, capacity, TESTING_PATIENCE));
    CHECK(size == 5 && memcmp(buffer, "hello", 5) == 0);
    CHECK(buffer[capacity] == '#');
}

static void get_into_a_small_buffer_takes_nothing_and_tells_the_size(testing_t *test)
{
    xipc_queue_caps_t caps;
    char buffer[4];
    apr_size_t size = 0;
    apr_size_t count = 0;
    void *data = NULL;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    CHECK_OK(xipc_queue_put(queue, "hello", 5, 0));
    CHECK_STATUS(XIPC_EMSGSIZE,
                 xipc_queue_get_into(&size, queue, buffer, sizeof buffer, TESTING_PATIENCE));
    CHECK_NUMBER(caps.message_max != 0 ? caps.message_max : 5, size);
    size = 0;
    CHECK_STATUS(XIPC_EMSGSIZE, xipc_queue_get_into(&size, queue, NULL, 0, TESTING_PATIENCE));
    CHECK_OK(xipc_queue_size(&count, queue));
    CHECK_NUMBER(1, count);
    CHECK_OK(xipc_queue_get(&data, &size, queue, TESTING_PATIENCE, test->pool));
    CHECK(size == 5 && memcmp(data, "hello", 5) == 0);
}

/* ---- priorities ---- */

static int has_priorities(const xipc_queue_t *queue)
{
    xipc_queue_caps_t caps;
    return CHECK_OK(xipc_queue_caps(&caps, queue)) && caps.priorities > 1;
}

/* The queue of a test of priorities, or NULL where there are none. */
static xipc_queue_t *queue_with_priorities(testing_t *test, apr_size_t capacity)
{
    xipc_queue_t *queue = testing_queue(test, capacity);
    if (queue == NULL || has_priorities(queue)) return queue;
    testing_skip("no priorities here");
    return NULL;
}

static void put_text(xipc_queue_t *queue, const char *text, unsigned priority)
{
    CHECK_OK(xipc_queue_put_priority(queue, text, strlen(text), priority, 0));
}

static void check_texts(xipc_queue_t *queue, const char *const *texts, testing_t *test)
{
    for (; *texts != NULL; texts++) {
        void *data;
        apr_size_t size;
        REQUIRE_OK(xipc_queue_get(&data, &size, queue, 0, test->pool));
        CHECK_TEXT(*texts, (const char *)data);
    }
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static void highest_priority_comes_first_and_each_in_order(testing_t *test)
{
    static const char *const expected[] = {"31 a", "31 b", "1 a", "1 b", "0 a", "0 b", NULL};
    xipc_queue_t *queue = queue_with_priorities(test, 6);
    if (queue == NULL) return;
    put_text(queue, "0 a", 0);
    put_text(queue, "1 a", 1);
    put_text(queue, "31 a", XIPC_QUEUE_PRIORITY_MAX);
    CHECK_OK(xipc_queue_put(queue, "0 b", 3, 0));
    put_text(queue, "1 b", 1);
    put_text(queue, "31 b", XIPC_QUEUE_PRIORITY_MAX);
    check_texts(queue, expected, test);
}

static void bounds_hold_for_every_priority(testing_t *test)
{
    static const char *const expected[] = {"low", NULL};
    xipc_queue_caps_t caps;
    xipc_queue_t *queue = queue_with_priorities(test, 1);
    if (queue == NULL) return;
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    apr_size_t over = caps.message_max > 0 ? caps.message_max + 1 : (apr_size_t)-1 / 2;
    const char *large = apr_pcalloc(test->pool, caps.message_max + 1);
    CHECK_STATUS(XIPC_EMSGSIZE, xipc_queue_put_priority(queue, large, over, 9, -1));
    put_text(queue, "low", 0);
    CHECK_STATUS(XIPC_EFULL, xipc_queue_put_priority(queue, "high", 4, 9, 10000));
    check_texts(queue, expected, test);
}

static void priorities_are_refused_by_name_where_there_are_none(testing_t *test)
{
    static const char *const expected[] = {"0 a", NULL};
    xipc_queue_caps_t caps;
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    if (caps.priorities > 1) {
        testing_skip("there are priorities here");
        return;
    }
    apr_status_t rv = xipc_queue_put_priority(queue, "1 a", 3, 1, -1);
    CHECK_STATUS(APR_ENOTIMPL, rv);
    CHECK(strstr(testing_text(rv), caps.backend_name) != NULL);
    put_text(queue, "0 a", 0);
    check_texts(queue, expected, test);
}

static void priority_over_the_highest_is_APR_EINVAL(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    CHECK_STATUS(APR_EINVAL,
                 xipc_queue_put_priority(queue, "hi", 2, XIPC_QUEUE_PRIORITY_MAX + 1, -1));
    CHECK_STATUS(APR_EINVAL, xipc_queue_put_priority(queue, "hi", 2, (unsigned)-1, -1));
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

/* ---- closing, NULL, caps ---- */

static void closed_queue_is_XIPC_ECLOSED(testing_t *test)
{
    char *buffer = apr_palloc(test->pool, 65536);
    apr_size_t size = 77;
    void *data = NULL;
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    CHECK_OK(testing_put_int(queue, 1, 0));
    xipc_queue_backend_e backend = xipc_queue_backend(queue);
    CHECK_OK(xipc_queue_close(queue));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_STATUS(XIPC_ECLOSED, xipc_queue_put(queue, "hi", 2, -1));
    CHECK_STATUS(XIPC_ECLOSED, xipc_queue_put_priority(queue, "hi", 2, 1, -1));
    CHECK_STATUS(XIPC_ECLOSED, xipc_queue_get(&data, &size, queue, -1, test->pool));
    CHECK_STATUS(XIPC_ECLOSED, xipc_queue_get_into(&size, queue, buffer, 65536, -1));
    CHECK_STATUS(XIPC_ECLOSED, xipc_queue_size(&size, queue));
    CHECK(data == NULL && size == 77);
    CHECK_NUMBER(0, xipc_queue_is_full(queue));
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
    CHECK_NUMBER(backend, xipc_queue_backend(queue));
}

static void calls_refuse_NULL(testing_t *test)
{
    char *buffer = apr_palloc(test->pool, 65536);
    apr_size_t size = 77;
    void *data = NULL;
    xipc_queue_caps_t caps;
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    CHECK_STATUS(APR_EINVAL, xipc_queue_put(NULL, "hi", 2, 0));
    CHECK_STATUS(APR_EINVAL, xipc_queue_put(queue, NULL, 2, 0));
    CHECK_STATUS(APR_EINVAL, xipc_queue_put_priority(NULL, "hi", 2, 0, 0));
    CHECK_STATUS(APR_EINVAL, xipc_queue_put_priority(queue, NULL, 2, 0, 0));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get(NULL, &size, queue, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get(&data, NULL, queue, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get(&data, &size, NULL, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get(&data, &size, queue, 0, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get_into(NULL, queue, buffer, 65536, 0));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get_into(&size, NULL, buffer, 65536, 0));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get_into(&size, queue, NULL, 65536, 0));
    CHECK_STATUS(APR_EINVAL, xipc_queue_size(NULL, queue));
    CHECK_STATUS(APR_EINVAL, xipc_queue_size(&size, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_caps(NULL, queue));
    CHECK_STATUS(APR_EINVAL, xipc_queue_caps(&caps, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_close(NULL));
    CHECK_NUMBER(0, xipc_queue_is_full(NULL));
    CHECK_NUMBER(1, xipc_queue_is_empty(NULL));
    CHECK_NUMBER(XIPC_QUEUE_AUTO, xipc_queue_backend(NULL));
    CHECK(data == NULL && size == 77);
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static void caps_tell_what_the_queue_bears(testing_t *test)
{
    xipc_queue_caps_t caps;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    CHECK_NUMBER(xipc_queue_backend(queue), caps.backend);
    CHECK_NUMBER(3, caps.capacity);
    CHECK_NUMBER(0, caps.bytes);
    int has_all = caps.backend == XIPC_QUEUE_MQUEUE || test->queue == TESTING_QUEUE_LEVELS;
    CHECK_NUMBER(has_all ? XIPC_QUEUE_PRIORITY_MAX + 1 : 1, caps.priorities);
    CHECK_NUMBER(caps.backend == XIPC_QUEUE_SHM, caps.is_in_place != 0);
    if (test->queue == TESTING_QUEUE_MANAGED) {
        CHECK_NUMBER(XIPC_QUEUE_MANAGED, caps.backend);
        CHECK_TEXT("managed", caps.backend_name);
        CHECK(!caps.is_inheritance_only);
        CHECK_NUMBER(0, caps.message_max);
    } else if (test->queue != TESTING_QUEUE_SYSTEM) {
        CHECK_NUMBER(XIPC_QUEUE_SHM, caps.backend);
        CHECK_TEXT("shm", caps.backend_name);
        CHECK(caps.is_inheritance_only);
        CHECK_NUMBER(0, caps.message_max);
    } else {
        CHECK_NUMBER(system_has_fork() ? XIPC_QUEUE_MQUEUE : XIPC_QUEUE_MAILSLOT, caps.backend);
        CHECK_TEXT(system_has_fork() ? "mqueue" : "mailslot", caps.backend_name);
        CHECK(caps.is_inheritance_only);
        CHECK_NUMBER(1024, caps.message_max);
    }
}

static void stat_counts_messages_and_nothing_lost_where_nobody_died(testing_t *test)
{
    xipc_queue_stat_t stat = {.count = 77};
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    CHECK_STATUS(APR_EINVAL, xipc_queue_stat(NULL, queue));
    CHECK_STATUS(APR_EINVAL, xipc_queue_stat(&stat, NULL));
    CHECK_NUMBER(77, stat.count);
    for (apr_int64_t i = 0; i < 2; i++) CHECK_OK(testing_put_int(queue, i, 0));
    CHECK_OK(xipc_queue_stat(&stat, queue));
    CHECK_NUMBER(2, stat.count);
    CHECK(stat.lost_by_writers == 0 && stat.lost_by_readers == 0);
    CHECK(stat.last_lost_writer == 0 && stat.last_lost_reader == 0);
    CHECK_OK(xipc_queue_close(queue));
    CHECK_STATUS(XIPC_ECLOSED, xipc_queue_stat(&stat, queue));
    CHECK_NUMBER(2, stat.count);
}

static void queue_closes_with_its_pool(testing_t *test)
{
    apr_pool_t *pool;
    testing_t inner = *test;
    REQUIRE(testing_queue(test, 1) != NULL); /* and its manager, if it has one */
    inner.manager = test->manager;
    int handles = system_count_handles();
    REQUIRE_OK(apr_pool_create(&pool, test->pool));
    inner.pool = pool;
    xipc_queue_t *queue = testing_queue(&inner, 1);
    REQUIRE(queue != NULL);
    CHECK_OK(testing_put_int(queue, 1, 0));
    apr_pool_destroy(pool);
    if (system_handles_are_exact()) CHECK_NUMBER(handles, system_count_handles());
}

/* ---- threads ---- */

enum { MESSAGES = 300 };

static void *APR_THREAD_FUNC put_all(apr_thread_t *thread, void *data)
{
    apr_status_t rv = APR_SUCCESS;
    for (apr_int64_t i = 1; rv == APR_SUCCESS && i <= MESSAGES; i++)
        rv = testing_put_int(data, i, TESTING_PATIENCE);
    apr_thread_exit(thread, rv);
    return NULL;
}

static void threads_may_put_and_get_at_once(testing_t *test)
{
    enum { THREADS = 3 };
    apr_thread_t *threads[THREADS];
    apr_int64_t sum = 0;
    if (test->queue == TESTING_QUEUE_MANAGED) {
        testing_skip("a managed queue's object belongs to one thread at a time");
        return;
    }
    xipc_queue_t *queue = testing_queue(test, 2);
    REQUIRE(queue != NULL);
    for (int i = 0; i < THREADS; i++)
        REQUIRE_OK(apr_thread_create(&threads[i], NULL, put_all, queue, test->pool));
    for (int i = 0; i < THREADS * MESSAGES; i++) {
        apr_int64_t number = 0;
        if (!CHECK_OK(testing_get_int(&number, queue, TESTING_PATIENCE, test->pool))) break;
        sum += number;
    }
    for (int i = 0; i < THREADS; i++) {
        apr_status_t rv;
        CHECK_OK(apr_thread_join(&rv, threads[i]));
        CHECK_OK(rv);
    }
    CHECK_NUMBER(THREADS * (MESSAGES * (MESSAGES + 1) / 2), sum);
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static const testing_case_t cases[] = {
    EACH_QUEUE(messages_leave_in_the_order_they_came),
    EACH_QUEUE(put_message_is_visible_at_once),
    EACH_QUEUE(full_empty_and_size_tell_how_it_is),
    EACH_QUEUE(put_gives_up_after_the_timeout),
    EACH_QUEUE(get_gives_up_after_the_timeout_and_changes_nothing),
    EACH_QUEUE(waiting_is_not_cut_short_by_signals),
    EACH_QUEUE(messages_of_every_size_come_whole),
    EACH_QUEUE(message_over_the_limit_is_XIPC_EMSGSIZE_and_not_put),
    EACH_QUEUE(get_into_a_buffer_of_the_limit_takes_the_message),
    EACH_QUEUE(get_into_a_small_buffer_takes_nothing_and_tells_the_size),
    EACH_QUEUE(closed_queue_is_XIPC_ECLOSED),
    EACH_QUEUE(calls_refuse_NULL),
    EACH_QUEUE(highest_priority_comes_first_and_each_in_order),
    EACH_QUEUE(bounds_hold_for_every_priority),
    EACH_QUEUE(priorities_are_refused_by_name_where_there_are_none),
    EACH_QUEUE(priority_over_the_highest_is_APR_EINVAL),
    EACH_QUEUE(caps_tell_what_the_queue_bears),
    EACH_QUEUE(stat_counts_messages_and_nothing_lost_where_nobody_died),
    EACH_QUEUE(queue_closes_with_its_pool),
    EACH_QUEUE(threads_may_put_and_get_at_once),
};

TESTING_MAIN("queue", cases)
