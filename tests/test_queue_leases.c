/* Tasks that outlive their readers: leases, dead letters, and the room that they take; see queue.h. */
#include "tasking.h"

#include "xipc/wait.h"

/* ---- leases ---- */

static void task_of_a_killed_reader_goes_to_another(testing_t *test)
{
    tasking_reader_t doomed;
    void *data;
    apr_size_t size;
    xipc_queue_lease_t lease;
    xipc_queue_t *queue = tasking_leased(0, test);
    REQUIRE(queue != NULL && tasking_start(&doomed, queue, test));
    tasking_put(queue, 1, 1);
    CHECK_NUMBER(1, tasking_ask(&doomed, TASKING_TAKE));
    tasking_kill(&doomed);
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    REQUIRE_OK(xipc_queue_get_leased(&data, &size, &lease, queue, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(2, lease.deliveries);
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, 0));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&size, queue, NULL, 0, 0));
}

static void task_given_out_again_comes_before_new_ones(testing_t *test)
{
    tasking_reader_t doomed;
    xipc_queue_t *queue = tasking_leased(0, test);
    REQUIRE(queue != NULL && tasking_start(&doomed, queue, test));
    tasking_put(queue, 1, 4);
    CHECK_NUMBER(1, tasking_ask(&doomed, TASKING_TAKE));
    CHECK_NUMBER(2, tasking_ask(&doomed, TASKING_TAKE));
    tasking_kill(&doomed);
    for (apr_int64_t i = 1; i <= 4; i++) CHECK_NUMBER(i, tasking_take(queue, test));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&(apr_size_t){0}, queue, NULL, 0, 0));
}

static void batch_begins_with_all_that_the_dead_had_taken(testing_t *test)
{
    tasking_reader_t doomed;
    xipc_queue_message_t messages[8];
    apr_size_t count = 0;
    xipc_queue_t *queue = tasking_leased(0, test);
    REQUIRE(queue != NULL && tasking_start(&doomed, queue, test));
    tasking_put(queue, 0, 4);
    for (apr_int64_t i = 0; i < 3; i++) CHECK_NUMBER(i, tasking_ask(&doomed, TASKING_TAKE));
    tasking_kill(&doomed);
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
    tasking_reader_t other;
    xipc_queue_t *queue = tasking_leased(0, test);
    REQUIRE(queue != NULL && tasking_start(&other, queue, test));
    tasking_put(queue, 1, 1);
    CHECK_NUMBER(1, tasking_ask(&other, TASKING_TAKE));
    CHECK_STATUS(XIPC_EEMPTY,
                 xipc_queue_get_into(&(apr_size_t){0}, queue, NULL, 0, MILLISECONDS(250)));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_task_done(queue));
    CHECK_NUMBER(-1, tasking_ask(&other, TASKING_DONE));
    CHECK_OK(xipc_queue_join(queue, 0));
    tasking_end(&other);
}

static void task_held_in_place_by_a_killed_reader_goes_to_another(testing_t *test)
{
    tasking_reader_t doomed;
    xipc_queue_t *queue = tasking_leased(0, test);
    REQUIRE(queue != NULL && tasking_start(&doomed, queue, test));
    tasking_put(queue, 5, 5);
    CHECK_NUMBER(-1, tasking_ask(&doomed, TASKING_HOLD));
    tasking_kill(&doomed);
    CHECK_NUMBER(5, tasking_take(queue, test));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, 0));
}

static void waiting_reader_gets_the_task_of_one_who_dies_meanwhile(testing_t *test)
{
    tasking_reader_t doomed, waiting;
    xipc_queue_t *queue = tasking_leased(0, test);
    REQUIRE(queue != NULL && tasking_start(&doomed, queue, test) &&
            tasking_start(&waiting, queue, test));
    tasking_put(queue, 6, 6);
    CHECK_NUMBER(6, tasking_ask(&doomed, TASKING_TAKE));
    tasking_order(&waiting, TASKING_TAKE_WAITING);
    tasking_kill(&doomed);
    CHECK_NUMBER(6, tasking_answer(&waiting));
    CHECK_NUMBER(-1, tasking_ask(&waiting, TASKING_DONE));
    CHECK_OK(xipc_queue_join(queue, 0));
    tasking_end(&waiting);
}

static void wait_sees_a_task_that_is_to_be_given_out_again(testing_t *test)
{
    tasking_reader_t doomed;
    apr_size_t ready;
    xipc_queue_t *queue = tasking_leased(0, test);
    xipc_wait_item_t item = {.kind = XIPC_WAIT_QUEUE, .of.queue = queue};
    REQUIRE(queue != NULL && tasking_start(&doomed, queue, test));
    tasking_put(queue, 6, 6);
    CHECK_NUMBER(6, tasking_ask(&doomed, TASKING_TAKE));
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, &item, 1, 0));
    tasking_kill(&doomed);
    CHECK_OK(xipc_wait(&ready, &item, 1, TESTING_PATIENCE));
    CHECK_NUMBER(6, tasking_take(queue, test));
}

static void lease_says_which_of_several_tasks_is_done(testing_t *test)
{
    void *data;
    apr_size_t size;
    tasking_reader_t other;
    xipc_queue_lease_t leases[3];
    xipc_queue_t *queue = tasking_leased(0, test);
    REQUIRE(queue != NULL);
    tasking_put(queue, 1, 3);
    for (int i = 0; i < 3; i++)
        REQUIRE_OK(xipc_queue_get_leased(&data, &size, &leases[i], queue, 0, test->pool));
    CHECK_OK(xipc_queue_lease_done(queue, &leases[1]));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_lease_done(queue, &leases[1]));
    CHECK_OK(xipc_queue_lease_done(queue, &leases[2]));
    REQUIRE(tasking_start(&other, queue, test));
    CHECK_NUMBER(-XIPC_EEMPTY, tasking_ask(&other, TASKING_TAKE));
    CHECK_STATUS(APR_TIMEUP, xipc_queue_join(queue, 0));
    CHECK_OK(xipc_queue_lease_done(queue, &leases[0]));
    CHECK_OK(xipc_queue_join(queue, 0));
    tasking_end(&other);
}

static void forked_child_has_no_tasks_of_its_parent(testing_t *test)
{
    tasking_reader_t other;
    xipc_queue_t *queue = tasking_leased(0, test);
    REQUIRE(queue != NULL);
    tasking_put(queue, 1, 1);
    CHECK_NUMBER(1, tasking_take(queue, test));
    REQUIRE(tasking_start(&other, queue, test));
    CHECK_NUMBER(-XIPC_ESTATE, tasking_ask(&other, TASKING_DONE));
    tasking_end(&other);
    CHECK_OK(xipc_queue_task_done(queue));
}

/* ---- dead letters ---- */

static void task_that_kills_its_readers_becomes_a_dead_letter(testing_t *test)
{
    enum { DELIVERIES = 3 };
    xipc_queue_t *letters;
    xipc_queue_t *queue = tasking_leased(DELIVERIES, test);
    apr_size_t count;
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_dead_letters(&letters, queue, test->pool));
    tasking_put(queue, 13, 14);
    for (int i = 0; i < DELIVERIES; i++) {
        tasking_reader_t doomed;
        REQUIRE(tasking_start(&doomed, queue, test));
        CHECK_NUMBER(13, tasking_ask(&doomed, TASKING_TAKE_WAITING));
        CHECK_NUMBER(1, xipc_queue_is_empty(letters));
        tasking_kill(&doomed);
    }
    CHECK_NUMBER(14, tasking_take(queue, test));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, TESTING_PATIENCE));
    CHECK_OK(xipc_queue_size(&count, letters));
    CHECK_NUMBER(1, count);
    CHECK_NUMBER(13, tasking_take(letters, test));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&count, queue, NULL, 0, 0));
}

static void dead_letters_outlive_the_object_they_came_from(testing_t *test)
{
    tasking_reader_t doomed;
    xipc_queue_t *letters;
    xipc_queue_t *queue = tasking_leased(1, test);
    REQUIRE(queue != NULL && tasking_start(&doomed, queue, test));
    tasking_put(queue, 13, 13);
    CHECK_NUMBER(13, tasking_ask(&doomed, TASKING_TAKE));
    tasking_kill(&doomed);
    CHECK_OK(xipc_queue_join(queue, TESTING_PATIENCE));
    REQUIRE_OK(xipc_queue_dead_letters(&letters, queue, test->pool));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_NUMBER(13, tasking_take(letters, test));
}

static void queue_without_an_end_of_deliveries_has_no_letters(testing_t *test)
{
    xipc_queue_t *letters = NULL;
    xipc_queue_t *queue = tasking_leased(0, test);
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
    tasking_reader_t slow;
    xipc_queue_lease_t lease;
    void *data;
    apr_size_t size;
    apr_int64_t before = system_shared_memory();
    xipc_queue_t *queue = tasking_leased(0, test);
    apr_pool_t *each;
    REQUIRE(queue != NULL && tasking_start(&slow, queue, test));
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    tasking_put(queue, 77, 77);
    CHECK_NUMBER(77, tasking_ask(&slow, TASKING_TAKE));
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
    CHECK_NUMBER(-1, tasking_ask(&slow, TASKING_DONE));
    CHECK_OK(xipc_queue_join(queue, 0));
    tasking_end(&slow);
}

static void long_task_of_a_killed_reader_goes_to_another(testing_t *test)
{
    enum { SIZE = 5000, COUNT = 2000 };
    char *message = apr_pcalloc(test->pool, SIZE);
    tasking_reader_t slow;
    apr_size_t size;
    xipc_queue_t *queue = tasking_leased(0, test);
    REQUIRE(queue != NULL && tasking_start(&slow, queue, test));
    tasking_put(queue, 77, 77);
    CHECK_NUMBER(77, tasking_ask(&slow, TASKING_TAKE));
    for (unsigned i = 0; i < COUNT; i++) {
        REQUIRE_OK(xipc_queue_put(queue, message, SIZE, 0));
        REQUIRE_OK(xipc_queue_get_into(&size, queue, message, SIZE, 0));
        REQUIRE_OK(xipc_queue_task_done(queue));
    }
    tasking_kill(&slow);
    CHECK_NUMBER(77, tasking_take(queue, test));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, 0));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get_into(&size, queue, message, SIZE, 0));
}

static void many_tasks_may_be_taken_at_once(testing_t *test)
{
    enum { COUNT = 30000 };
    apr_size_t size;
    char buffer[8];
    xipc_queue_t *queue = tasking_leased(0, test);
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

static const testing_case_t cases[] = {
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
};

TESTING_MAIN("queue_leases", cases)
