/* Queues whose messages are tasks, there until they are done: joining, leases, dead letters; see queue.h. */
#include "testing.h"

#include "xipc/wait.h"

/* ---- a reader that does as it is told ---- */

enum { TAKE, TAKE_WAITING, HOLD, DONE, LEAVE };

/* Answers each order with the number that it got, or minus the status. */
static apr_int64_t obey(apr_int64_t order, xipc_queue_t *queue, apr_pool_t *pool)
{
    apr_int64_t number = -1;
    const void *place;
    apr_size_t size;
    apr_status_t rv = APR_EINVAL;
    if (order == TAKE) rv = testing_get_int(&number, queue, 0, pool);
    if (order == TAKE_WAITING) rv = testing_get_int(&number, queue, TESTING_PATIENCE, pool);
    if (order == HOLD) rv = xipc_queue_peek(&place, &size, queue, 0);
    if (order == DONE) rv = xipc_queue_task_done(queue);
    return rv == APR_SUCCESS ? number : -(apr_int64_t)rv;
}

static int reader(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *told;
    apr_int64_t order;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 91;
    while (testing_recv_int(&order, told, -1) && order != LEAVE)
        if (!testing_send_int(told, obey(order, queue, pool))) return 92;
    return 0;
}

typedef struct {
    xipc_process_t *process;
    xipc_connection_t *told;
} reader_t;

static int start(reader_t *made, xipc_queue_t *queue, testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(&made->told, &there, 1, test->pool))) return 0;
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    made->process = testing_start(test, reader, args);
    CHECK_OK(xipc_connection_close(there));
    return made->process != NULL;
}

static void order(reader_t *to, apr_int64_t what)
{
    CHECK(testing_send_int(to->told, what));
}

static apr_int64_t answer(reader_t *from)
{
    apr_int64_t number = 0;
    CHECK(testing_recv_int(&number, from->told, TESTING_PATIENCE));
    return number;
}

static apr_int64_t ask(reader_t *to, apr_int64_t what)
{
    order(to, what);
    return answer(to);
}

static void end(reader_t *which)
{
    order(which, LEAVE);
    CHECK_NUMBER(0, testing_finish(which->process));
    CHECK_OK(xipc_connection_close(which->told));
}

static void murder(reader_t *which)
{
    CHECK_OK(xipc_process_kill(which->process));
    CHECK_NUMBER(-9, testing_finish(which->process));
    CHECK_OK(xipc_connection_close(which->told));
}

/* ---- queues ---- */

static xipc_queue_options_t *options_of(apr_size_t capacity, testing_t *test)
{
    xipc_queue_options_t *options = NULL;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_capacity_set(options, capacity));
    return options;
}

static xipc_queue_t *made_of(const xipc_queue_options_t *options, testing_t *test)
{
    xipc_queue_t *queue = NULL;
    return CHECK_OK(xipc_queue_create_ex(&queue, options, test->pool)) ? queue : NULL;
}

static xipc_queue_t *joinable(apr_size_t capacity, testing_t *test)
{
    xipc_queue_options_t *options = options_of(capacity, test);
    CHECK_OK(xipc_queue_options_joinable_set(options, 1));
    return made_of(options, test);
}

static xipc_queue_t *leased(apr_size_t deliveries, testing_t *test)
{
    xipc_queue_options_t *options = options_of(0, test);
    CHECK_OK(xipc_queue_options_lease_set(options, deliveries));
    return made_of(options, test);
}

static void put_numbers(xipc_queue_t *queue, apr_int64_t first, apr_int64_t last)
{
    for (apr_int64_t i = first; i <= last; i++) CHECK_OK(testing_put_int(queue, i, 0));
}

static apr_int64_t take(xipc_queue_t *queue, testing_t *test)
{
    apr_int64_t number = -1;
    CHECK_OK(testing_get_int(&number, queue, TESTING_PATIENCE, test->pool));
    return number;
}

/* ---- joining ---- */

static void join_of_an_unused_queue_returns_at_once(testing_t *test)
{
    xipc_queue_t *queue = joinable(0, test);
    REQUIRE(queue != NULL);
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void join_waits_for_tasks_put_and_tasks_taken(testing_t *test)
{
    xipc_queue_t *queue = joinable(0, test);
    REQUIRE(queue != NULL);
    put_numbers(queue, 1, 2);
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_NUMBER(1, take(queue, test));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_NUMBER(2, take(queue, test));
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void join_gives_up_after_the_timeout(testing_t *test)
{
    xipc_queue_t *queue = joinable(0, test);
    REQUIRE(queue != NULL);
    put_numbers(queue, 1, 1);
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
    xipc_queue_t *queue = joinable(10, test);
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
    xipc_queue_t *queue = joinable(0, test);
    REQUIRE(queue != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
    put_numbers(queue, 1, 1);
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
    (void)take(queue, test);
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
}

/* As with Python, who takes a task may hand it on. */
static void another_process_may_end_a_task_without_a_lease(testing_t *test)
{
    reader_t other;
    xipc_queue_t *queue = joinable(0, test);
    REQUIRE(queue != NULL && start(&other, queue, test));
    put_numbers(queue, 1, 1);
    CHECK_NUMBER(1, take(queue, test));
    CHECK_NUMBER(-1, ask(&other, DONE));
    CHECK_OK(xipc_queue_join(queue, 0));
    end(&other);
}

static void taken_task_leaves_its_room_to_others(testing_t *test)
{
    xipc_queue_t *queue = joinable(2, test);
    REQUIRE(queue != NULL);
    put_numbers(queue, 1, 2);
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 3, 0));
    (void)take(queue, test);
    CHECK_NUMBER(0, xipc_queue_is_full(queue));
    put_numbers(queue, 3, 3);
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 4, 0));
    CHECK_NUMBER(2, take(queue, test));
    CHECK_NUMBER(3, take(queue, test));
}

static void join_tells_once_of_tasks_lost_with_their_reader(testing_t *test)
{
    reader_t doomed;
    xipc_queue_stat_t stat;
    xipc_queue_t *queue = joinable(0, test);
    REQUIRE(queue != NULL && start(&doomed, queue, test));
    apr_int64_t pid = (apr_int64_t)xipc_process_pid(doomed.process);
    put_numbers(queue, 1, 3);
    CHECK_NUMBER(1, ask(&doomed, TAKE));
    CHECK_NUMBER(2, ask(&doomed, TAKE));
    murder(&doomed);
    CHECK_NUMBER(3, take(queue, test));
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
    xipc_queue_t *queue = joinable(0, test);
    REQUIRE(queue != NULL);
    put_numbers(queue, 7, 7);
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
    xipc_queue_t *queue = joinable(0, test);
    REQUIRE(queue != NULL);
    put_numbers(queue, 1, 3);
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
    xipc_queue_t *queue = joinable(0, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_reserve(&place, queue, 8, 0));
    CHECK_OK(xipc_queue_abandon(queue, place));
    CHECK_OK(xipc_queue_join(queue, 0));
}

/* ---- leases ---- */

static void task_of_a_killed_reader_goes_to_another(testing_t *test)
{
    reader_t doomed;
    void *data;
    apr_size_t size;
    xipc_queue_lease_t lease;
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL && start(&doomed, queue, test));
    put_numbers(queue, 1, 1);
    CHECK_NUMBER(1, ask(&doomed, TAKE));
    murder(&doomed);
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    REQUIRE_OK(xipc_queue_get_leased(&data, &size, &lease, queue, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(2, lease.deliveries);
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, 0));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&size, queue, NULL, 0, 0));
}

static void task_given_out_again_comes_before_new_ones(testing_t *test)
{
    reader_t doomed;
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL && start(&doomed, queue, test));
    put_numbers(queue, 1, 4);
    CHECK_NUMBER(1, ask(&doomed, TAKE));
    CHECK_NUMBER(2, ask(&doomed, TAKE));
    murder(&doomed);
    for (apr_int64_t i = 1; i <= 4; i++) CHECK_NUMBER(i, take(queue, test));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&(apr_size_t){0}, queue, NULL, 0, 0));
}

static void batch_begins_with_all_that_the_dead_had_taken(testing_t *test)
{
    reader_t doomed;
    xipc_queue_message_t messages[8];
    apr_size_t count = 0;
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL && start(&doomed, queue, test));
    put_numbers(queue, 0, 4);
    for (apr_int64_t i = 0; i < 3; i++) CHECK_NUMBER(i, ask(&doomed, TAKE));
    murder(&doomed);
    REQUIRE_OK(xipc_queue_get_many(&count, messages, 8, queue, 0, test->pool));
    CHECK_NUMBER(5, count);
    for (apr_size_t i = 0; i < count; i++) {
        apr_int64_t number = -1;
        memcpy(&number, messages[i].data, sizeof number);
        CHECK_NUMBER(i, number);
        CHECK_OK(xipc_queue_task_done(queue));
    }
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void task_of_a_living_reader_is_nobody_elses(testing_t *test)
{
    reader_t other;
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL && start(&other, queue, test));
    put_numbers(queue, 1, 1);
    CHECK_NUMBER(1, ask(&other, TAKE));
    CHECK_STATUS(XIPC_EEMPTY,
                 xipc_queue_get_into(&(apr_size_t){0}, queue, NULL, 0, MILLISECONDS(250)));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
    CHECK_NUMBER(-1, ask(&other, DONE));
    CHECK_OK(xipc_queue_join(queue, 0));
    end(&other);
}

static void task_held_in_place_by_a_killed_reader_goes_to_another(testing_t *test)
{
    reader_t doomed;
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL && start(&doomed, queue, test));
    put_numbers(queue, 5, 5);
    CHECK_NUMBER(-1, ask(&doomed, HOLD));
    murder(&doomed);
    CHECK_NUMBER(5, take(queue, test));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void waiting_reader_gets_the_task_of_one_who_dies_meanwhile(testing_t *test)
{
    reader_t doomed, waiting;
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL && start(&doomed, queue, test) && start(&waiting, queue, test));
    put_numbers(queue, 6, 6);
    CHECK_NUMBER(6, ask(&doomed, TAKE));
    order(&waiting, TAKE_WAITING);
    murder(&doomed);
    CHECK_NUMBER(6, answer(&waiting));
    CHECK_NUMBER(-1, ask(&waiting, DONE));
    CHECK_OK(xipc_queue_join(queue, 0));
    end(&waiting);
}

static void wait_sees_a_task_that_is_to_be_given_out_again(testing_t *test)
{
    reader_t doomed;
    apr_size_t ready;
    xipc_queue_t *queue = leased(0, test);
    xipc_wait_item_t item = {.kind = XIPC_WAIT_QUEUE, .of.queue = queue};
    REQUIRE(queue != NULL && start(&doomed, queue, test));
    put_numbers(queue, 6, 6);
    CHECK_NUMBER(6, ask(&doomed, TAKE));
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, &item, 1, 0));
    murder(&doomed);
    CHECK_OK(xipc_wait(&ready, &item, 1, TESTING_PATIENCE));
    CHECK_NUMBER(6, take(queue, test));
}

static void lease_says_which_of_several_tasks_is_done(testing_t *test)
{
    void *data;
    apr_size_t size;
    reader_t other;
    xipc_queue_lease_t leases[3];
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL);
    put_numbers(queue, 1, 3);
    for (int i = 0; i < 3; i++)
        REQUIRE_OK(xipc_queue_get_leased(&data, &size, &leases[i], queue, 0, test->pool));
    CHECK_OK(xipc_queue_lease_done(queue, &leases[1]));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_lease_done(queue, &leases[1]));
    CHECK_OK(xipc_queue_lease_done(queue, &leases[2]));
    REQUIRE(start(&other, queue, test));
    CHECK_NUMBER(-XIPC_EEMPTY, ask(&other, TAKE));
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_OK(xipc_queue_lease_done(queue, &leases[0]));
    CHECK_OK(xipc_queue_join(queue, 0));
    end(&other);
}

static void forked_child_has_no_tasks_of_its_parent(testing_t *test)
{
    reader_t other;
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL);
    put_numbers(queue, 1, 1);
    CHECK_NUMBER(1, take(queue, test));
    REQUIRE(start(&other, queue, test));
    CHECK_NUMBER(-XIPC_ESTATE, ask(&other, DONE));
    end(&other);
    CHECK_OK(xipc_queue_task_done(queue));
}

/* ---- dead letters ---- */

static void task_that_kills_its_readers_becomes_a_dead_letter(testing_t *test)
{
    enum { DELIVERIES = 3 };
    xipc_queue_t *letters;
    xipc_queue_t *queue = leased(DELIVERIES, test);
    apr_size_t count;
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_dead_letters(&letters, queue, test->pool));
    put_numbers(queue, 13, 14);
    for (int i = 0; i < DELIVERIES; i++) {
        reader_t doomed;
        REQUIRE(start(&doomed, queue, test));
        CHECK_NUMBER(13, ask(&doomed, TAKE_WAITING));
        CHECK_NUMBER(1, xipc_queue_is_empty(letters));
        murder(&doomed);
    }
    CHECK_NUMBER(14, take(queue, test));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, TESTING_PATIENCE));
    CHECK_OK(xipc_queue_size(&count, letters));
    CHECK_NUMBER(1, count);
    CHECK_NUMBER(13, take(letters, test));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&count, queue, NULL, 0, 0));
}

static void dead_letters_outlive_the_object_they_came_from(testing_t *test)
{
    reader_t doomed;
    xipc_queue_t *letters;
    xipc_queue_t *queue = leased(1, test);
    REQUIRE(queue != NULL && start(&doomed, queue, test));
    put_numbers(queue, 13, 13);
    CHECK_NUMBER(13, ask(&doomed, TAKE));
    murder(&doomed);
    CHECK_OK(xipc_queue_join(queue, TESTING_PATIENCE));
    REQUIRE_OK(xipc_queue_dead_letters(&letters, queue, test->pool));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_NUMBER(13, take(letters, test));
}

static void queue_without_an_end_of_deliveries_has_no_letters(testing_t *test)
{
    xipc_queue_t *letters = NULL;
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_dead_letters(&letters, queue, test->pool));
    CHECK(letters == NULL);
}

/* ---- room ---- */

/* Far more passes by than a queue keeps in one round, in messages that lie before and behind the task. */
static void long_task_blocks_no_room(testing_t *test)
{
    enum { SIZE = 5000, COUNT = 20000 };
    char *message = apr_palloc(test->pool, SIZE);
    reader_t slow;
    xipc_queue_lease_t lease;
    void *data;
    apr_size_t size;
    apr_int64_t before = system_shared_memory();
    xipc_queue_t *queue = leased(0, test);
    apr_pool_t *each;
    REQUIRE(queue != NULL && start(&slow, queue, test));
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    put_numbers(queue, 77, 77);
    CHECK_NUMBER(77, ask(&slow, TAKE));
    for (unsigned i = 0; i < COUNT; i++) {
        testing_fill(message, SIZE, i);
        REQUIRE_OK(xipc_queue_put(queue, message, SIZE, 0));
        REQUIRE_OK(xipc_queue_get_leased(&data, &size, &lease, queue, 0, each));
        REQUIRE(size == SIZE && testing_is_filled(data, SIZE, i) && lease.deliveries == 1);
        REQUIRE_OK(xipc_queue_task_done(queue));
        apr_pool_clear(each);
    }
    if (before >= 0) CHECK(system_shared_memory() - before < 32 * 1024 * 1024);
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_NUMBER(-1, ask(&slow, DONE));
    CHECK_OK(xipc_queue_join(queue, 0));
    end(&slow);
}

static void long_task_of_a_killed_reader_goes_to_another(testing_t *test)
{
    enum { SIZE = 5000, COUNT = 2000 };
    char *message = apr_pcalloc(test->pool, SIZE);
    reader_t slow;
    apr_size_t size;
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL && start(&slow, queue, test));
    put_numbers(queue, 77, 77);
    CHECK_NUMBER(77, ask(&slow, TAKE));
    for (unsigned i = 0; i < COUNT; i++) {
        REQUIRE_OK(xipc_queue_put(queue, message, SIZE, 0));
        REQUIRE_OK(xipc_queue_get_into(&size, queue, message, SIZE, 0));
        REQUIRE_OK(xipc_queue_task_done(queue));
    }
    murder(&slow);
    CHECK_NUMBER(77, take(queue, test));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, 0));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&size, queue, message, SIZE, 0));
}

static void many_tasks_may_be_taken_at_once(testing_t *test)
{
    enum { COUNT = 30000 };
    apr_size_t size;
    char buffer[8];
    xipc_queue_t *queue = leased(0, test);
    REQUIRE(queue != NULL);
    for (int i = 0; i < COUNT; i++) {
        REQUIRE_OK(xipc_queue_put(queue, "task", 4, 0));
        REQUIRE_OK(xipc_queue_get_into(&size, queue, buffer, sizeof buffer, 0));
    }
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
    for (int i = 0; i < COUNT; i++) {
        if (i == COUNT - 1) CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
        REQUIRE_OK(xipc_queue_task_done(queue));
    }
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
    put_numbers(queue, 1, 1);
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_join(queue, 0));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_lease_done(queue, &lease));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_dead_letters(&letters, queue, test->pool));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_get_leased(&data, &size, &lease, queue, 0, test->pool));
    CHECK_NUMBER(1, take(queue, test));
}

static void systems_queue_is_not_joinable_by_name(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    xipc_queue_options_t *options = options_of(2, test);
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
    xipc_queue_t *plain = joinable(3, test);
    xipc_queue_t *queue = leased(4, test);
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
    xipc_queue_t *queue = leased(1, test);
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
    EACH_METHOD(task_of_a_killed_reader_goes_to_another),
    ONCE(task_given_out_again_comes_before_new_ones),
    ONCE(batch_begins_with_all_that_the_dead_had_taken),
    ONCE(task_of_a_living_reader_is_nobody_elses),
    ONCE(task_held_in_place_by_a_killed_reader_goes_to_another),
    EACH_METHOD(waiting_reader_gets_the_task_of_one_who_dies_meanwhile),
    ONCE(wait_sees_a_task_that_is_to_be_given_out_again),
    ONCE(lease_says_which_of_several_tasks_is_done),
    EACH_METHOD(forked_child_has_no_tasks_of_its_parent),
    EACH_METHOD(task_that_kills_its_readers_becomes_a_dead_letter),
    ONCE(dead_letters_outlive_the_object_they_came_from),
    ONCE(queue_without_an_end_of_deliveries_has_no_letters),
    ONCE(long_task_blocks_no_room),
    ONCE(long_task_of_a_killed_reader_goes_to_another),
    ONCE(many_tasks_may_be_taken_at_once),
    EACH_QUEUE(queue_that_is_not_joinable_has_no_tasks),
    OF_SYSTEM_QUEUE(systems_queue_is_not_joinable_by_name),
    ONCE(caps_tell_of_tasks),
    ONCE(bad_arguments_are_refused),
};

TESTING_MAIN("queue_tasks", cases)
