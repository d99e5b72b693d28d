/* Queues whose messages are tasks, there until they are done: joining, and what is refused; see queue.h. */
#include "tasking.h"

/* ---- joining ---- */

static void join_of_an_unused_queue_returns_at_once(testing_t *test)
{
    xipc_queue_t *queue = tasking_joinable(0, test);
    REQUIRE(queue != NULL);
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void join_waits_for_tasks_put_and_tasks_taken(testing_t *test)
{
    xipc_queue_t *queue = tasking_joinable(0, test);
    REQUIRE(queue != NULL);
    tasking_put(queue, 1, 2);
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_NUMBER(1, tasking_take(queue, test));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_NUMBER(2, tasking_take(queue, test));
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void join_gives_up_after_the_timeout(testing_t *test)
{
    xipc_queue_t *queue = tasking_joinable(0, test);
    REQUIRE(queue != NULL);
    tasking_put(queue, 1, 1);
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, MILLISECONDS(150)));
    CHECK_WAITED(began, MILLISECONDS(150));
}

static int do_all(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    apr_int64_t number;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    for (;;) {
        if (testing_get_int(&number, queue, TESTING_PATIENCE, pool) != APR_SUCCESS) return 91;
        if (number < 0) return xipc_queue_task_done(queue) == APR_SUCCESS ? 0 : 92;
        apr_sleep(100 * (number % 7));
        if (xipc_queue_task_done(queue) != APR_SUCCESS) return 93;
    }
}

static void join_returns_when_other_processes_have_done_all(testing_t *test)
{
    enum { WORKERS = 3, TASKS = 300 };
    xipc_process_t *workers[WORKERS];
    xipc_queue_t *queue = tasking_joinable(10, test);
    REQUIRE(queue != NULL);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = testing_start(test, do_all, testing_queue_args(queue, test->pool));
        REQUIRE(workers[i] != NULL);
    }
    for (int i = 0; i < TASKS; i++) CHECK_OK(testing_put_int(queue, i, TESTING_PATIENCE));
    CHECK_OK(xipc_queue_join(queue, TESTING_PATIENCE));
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
    for (int i = 0; i < WORKERS; i++) CHECK_OK(testing_put_int(queue, -1, TESTING_PATIENCE));
    for (int i = 0; i < WORKERS; i++) CHECK_NUMBER(0, testing_finish(workers[i]));
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void task_done_once_too_often_is_refused(testing_t *test)
{
    xipc_queue_t *queue = tasking_joinable(0, test);
    REQUIRE(queue != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
    tasking_put(queue, 1, 1);
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
    (void)tasking_take(queue, test);
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
}

/* As with Python, who takes a task may hand it on. */
static void another_process_may_end_a_task_without_a_lease(testing_t *test)
{
    tasking_reader_t other;
    xipc_queue_t *queue = tasking_joinable(0, test);
    REQUIRE(queue != NULL && tasking_start(&other, queue, test));
    tasking_put(queue, 1, 1);
    CHECK_NUMBER(1, tasking_take(queue, test));
    CHECK_NUMBER(-1, tasking_ask(&other, TASKING_DONE));
    CHECK_OK(xipc_queue_join(queue, 0));
    tasking_end(&other);
}

static void taken_task_leaves_its_room_to_others(testing_t *test)
{
    xipc_queue_t *queue = tasking_joinable(2, test);
    REQUIRE(queue != NULL);
    tasking_put(queue, 1, 2);
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 3, 0));
    (void)tasking_take(queue, test);
    CHECK_NUMBER(0, xipc_queue_is_full(queue));
    tasking_put(queue, 3, 3);
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 4, 0));
    CHECK_NUMBER(2, tasking_take(queue, test));
    CHECK_NUMBER(3, tasking_take(queue, test));
}

static void join_tells_once_of_tasks_lost_with_their_reader(testing_t *test)
{
    tasking_reader_t doomed;
    xipc_queue_stat_t stat;
    xipc_queue_t *queue = tasking_joinable(0, test);
    REQUIRE(queue != NULL && tasking_start(&doomed, queue, test));
    apr_int64_t pid = (apr_int64_t)xipc_process_pid(doomed.process);
    tasking_put(queue, 1, 3);
    CHECK_NUMBER(1, tasking_ask(&doomed, TASKING_TAKE));
    CHECK_NUMBER(2, tasking_ask(&doomed, TASKING_TAKE));
    tasking_kill(&doomed);
    CHECK_NUMBER(3, tasking_take(queue, test));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_STATUS(XIPC_EDIED, xipc_queue_join(queue, TESTING_PATIENCE));
    CHECK_OK(xipc_queue_stat(&stat, queue));
    CHECK_NUMBER(2, stat.lost_by_readers);
    CHECK_NUMBER(pid, stat.last_lost_reader);
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void message_in_place_is_a_task_until_it_is_done(testing_t *test)
{
    const void *data;
    apr_size_t size;
    xipc_queue_t *queue = tasking_joinable(0, test);
    REQUIRE(queue != NULL);
    tasking_put(queue, 7, 7);
    REQUIRE_OK(xipc_queue_peek(&data, &size, queue, 0));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_release(queue, data));
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void each_message_of_a_batch_is_a_task(testing_t *test)
{
    xipc_queue_message_t messages[4];
    apr_size_t count;
    xipc_queue_t *queue = tasking_joinable(0, test);
    REQUIRE(queue != NULL);
    tasking_put(queue, 1, 3);
    REQUIRE_OK(xipc_queue_get_many(&count, messages, 4, queue, 0, test->pool));
    CHECK_NUMBER(3, count);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
        CHECK_OK(xipc_queue_task_done(queue));
    }
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void what_was_reserved_and_abandoned_is_no_task(testing_t *test)
{
    void *place;
    xipc_queue_t *queue = tasking_joinable(0, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_reserve(&place, queue, 8, 0));
    CHECK_OK(xipc_queue_abandon(queue, place));
    CHECK_OK(xipc_queue_join(queue, 0));
}

/* ---- what is refused ---- */

static void queue_that_is_not_joinable_has_no_tasks(testing_t *test)
{
    xipc_queue_lease_t lease = {0, 0};
    void *data = NULL;
    apr_size_t size;
    xipc_queue_t *letters;
    xipc_queue_t *queue = testing_queue(test, 2);
    REQUIRE(queue != NULL);
    tasking_put(queue, 1, 1);
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_join(queue, 0));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_lease_done(queue, &lease));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_dead_letters(&letters, queue, test->pool));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_get_leased(&data, &size, &lease, queue, 0, test->pool));
    CHECK_NUMBER(1, tasking_take(queue, test));
}

static void systems_queue_is_not_joinable_by_name(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    xipc_queue_options_t *options = tasking_options(2, test);
    CHECK_OK(xipc_queue_options_backend_set(options, system_has_fork() ? XIPC_QUEUE_MQUEUE
                                                                       : XIPC_QUEUE_MAILSLOT));
    CHECK_OK(xipc_queue_options_joinable_set(options, 1));
    apr_status_t rv = xipc_queue_create_ex(&queue, options, test->pool);
    CHECK_STATUS(APR_ENOTIMPL, rv);
    CHECK(strstr(testing_text(rv), system_has_fork() ? "mqueue" : "mailslot") != NULL);
    CHECK(queue == NULL);
}

static void caps_tell_of_tasks(testing_t *test)
{
    xipc_queue_caps_t caps;
    xipc_queue_t *plain = tasking_joinable(3, test);
    xipc_queue_t *queue = tasking_leased(4, test);
    REQUIRE(plain != NULL && queue != NULL);
    CHECK_OK(xipc_queue_caps(&caps, plain));
    CHECK_NUMBER(XIPC_QUEUE_SHM, caps.backend);
    CHECK_NUMBER(3, caps.capacity);
    CHECK(caps.is_joinable && !caps.is_leased);
    CHECK_OK(xipc_queue_caps(&caps, queue));
    CHECK(caps.is_joinable && caps.is_leased && caps.deliveries == 4);
}

static void bad_arguments_are_refused(testing_t *test)
{
    void *data;
    apr_size_t size;
    xipc_queue_lease_t lease;
    xipc_queue_t *letters;
    xipc_queue_t *queue = tasking_leased(1, test);
    REQUIRE(queue != NULL);
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_joinable_set(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_lease_set(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_queue_task_done(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_join(NULL, 0));
    CHECK_STATUS(APR_EINVAL, xipc_queue_lease_done(queue, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get_leased(&data, &size, NULL, queue, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get_leased(NULL, &size, &lease, queue, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get_leased(&data, NULL, &lease, queue, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_get_leased(&data, &size, &lease, queue, 0, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_dead_letters(NULL, queue, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_dead_letters(&letters, queue, NULL));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_STATUS(XIPC_ECLOSED, xipc_queue_task_done(queue));
    CHECK_STATUS(XIPC_ECLOSED, xipc_queue_join(queue, 0));
    CHECK_STATUS(XIPC_ECLOSED, xipc_queue_dead_letters(&letters, queue, test->pool));
}

static const testing_case_t cases[] = {
    ONCE(join_of_an_unused_queue_returns_at_once),
    ONCE(join_waits_for_tasks_put_and_tasks_taken),
    ONCE(join_gives_up_after_the_timeout),
    EACH_METHOD(join_returns_when_other_processes_have_done_all),
    ONCE(task_done_once_too_often_is_refused),
    ONCE(another_process_may_end_a_task_without_a_lease),
    ONCE(taken_task_leaves_its_room_to_others),
    EACH_METHOD(join_tells_once_of_tasks_lost_with_their_reader),
    ONCE(message_in_place_is_a_task_until_it_is_done),
    ONCE(each_message_of_a_batch_is_a_task),
    ONCE(what_was_reserved_and_abandoned_is_no_task),
    EACH_QUEUE(queue_that_is_not_joinable_has_no_tasks),
    OF_SYSTEM_QUEUE(systems_queue_is_not_joinable_by_name),
    ONCE(caps_tell_of_tasks),
    ONCE(bad_arguments_are_refused),
};

TESTING_MAIN("queue_tasks", cases)
