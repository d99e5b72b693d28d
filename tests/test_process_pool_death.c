/* Workers that are busy, that die, and pools that end; the promises of process_pool.h. */
#include "testing.h"

#include <stdlib.h>

/* ---- tasks ---- */

static apr_status_t tell_pid(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return xipc_values_add_int(result, system_pid());
}

/* Be busy until something is in the queue. */
static apr_status_t wait_for_word(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    apr_int64_t number;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    if (rv == APR_SUCCESS) rv = testing_get_int(&number, queue, -1, pool);
    return rv == APR_SUCCESS ? xipc_values_add_int(result, number) : rv;
}

static apr_status_t die(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    (void)result;
    (void)args;
    (void)pool;
    system_kill_self();
    return APR_SUCCESS;
}

static apr_status_t leave(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    (void)result;
    (void)args;
    (void)pool;
    _Exit(43);
}

/* ---- pools ---- */

static xipc_process_pool_t *make_workers(testing_t *test, apr_size_t count)
{
    xipc_process_pool_options_t *options;
    xipc_process_pool_t *workers;
    if (!CHECK_OK(xipc_process_pool_options_create(&options, test->pool))) return NULL;
    CHECK_OK(xipc_process_pool_options_processes_set(options, count));
    CHECK_OK(xipc_process_pool_options_start_method_set(options, test->method));
    return CHECK_OK(xipc_process_pool_create_ex(&workers, options, test->pool)) ? workers : NULL;
}

/* A queue by which tasks can be kept busy. */
static xipc_queue_t *make_words(testing_t *test)
{
    test->queue = TESTING_QUEUE_MANAGED;
    return testing_queue(test, 0);
}

static apr_status_t try_pid(apr_int64_t *pid, xipc_process_pool_t *workers,
                            apr_interval_time_t timeout, testing_t *test)
{
    xipc_values_t *result = NULL;
    apr_status_t rv =
        xipc_process_pool_apply(&result, workers, tell_pid, NULL, timeout, test->pool);
    return rv == APR_SUCCESS ? xipc_values_get_int(pid, result, 0) : rv;
}

static apr_int64_t pid_of_worker(xipc_process_pool_t *workers, testing_t *test)
{
    apr_int64_t pid = -1;
    CHECK_OK(try_pid(&pid, workers, TESTING_PATIENCE, test));
    return pid;
}

/* Keep one worker busy until a word is put into the queue. */
static void keep_busy(xipc_process_pool_t *workers, xipc_queue_t *words, testing_t *test)
{
    xipc_values_t *result = NULL;
    xipc_values_t *args = testing_queue_args(words, test->pool);
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_process_pool_apply(&result, workers, wait_for_word, args,
                                                     MILLISECONDS(100), test->pool));
    CHECK_WAITED(began, MILLISECONDS(100));
    CHECK(result == NULL);
}

static void end_workers(xipc_process_pool_t *workers)
{
    CHECK_OK(xipc_process_pool_close(workers));
    CHECK_OK(xipc_process_pool_join(workers, TESTING_PATIENCE));
}

/* ---- timeouts ---- */

static void apply_gives_up_after_the_timeout_and_another_worker_goes_on(testing_t *test)
{
    xipc_queue_t *words = make_words(test);
    xipc_process_pool_t *workers = make_workers(test, 2);
    REQUIRE(words != NULL && workers != NULL);
    keep_busy(workers, words, test);
    apr_int64_t pid = pid_of_worker(workers, test);
    CHECK_NUMBER(pid, pid_of_worker(workers, test)); /* the one that is free */
    CHECK_OK(testing_put_int(words, 1, 0));
    end_workers(workers);
}

static void two_workers_are_two_processes(testing_t *test)
{
    xipc_queue_t *words = make_words(test);
    xipc_process_pool_t *workers = make_workers(test, 2);
    REQUIRE(words != NULL && workers != NULL);
    apr_int64_t first = pid_of_worker(workers, test);
    apr_int64_t second = first;
    for (int i = 0; i < 2 && second == first; i++) {
        keep_busy(workers, words, test); /* either of them, as the pool likes */
        apr_int64_t free = pid_of_worker(workers, test);
        if (free != first) second = free;
        CHECK_OK(testing_put_int(words, 1, 0));
        WAIT_FOR(xipc_queue_is_empty(words));
    }
    CHECK(second != first || pid_of_worker(workers, test) != first);
    end_workers(workers);
}

static void busy_worker_takes_tasks_again_when_it_is_done(testing_t *test)
{
    apr_int64_t pid = -1;
    xipc_queue_t *words = make_words(test);
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(words != NULL && workers != NULL);
    apr_int64_t before = pid_of_worker(workers, test);
    keep_busy(workers, words, test);
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, try_pid(&pid, workers, MILLISECONDS(100), test)); /* nobody is free */
    CHECK_WAITED(began, MILLISECONDS(100));
    CHECK_STATUS(APR_TIMEUP, try_pid(&pid, workers, 0, test));
    CHECK_OK(testing_put_int(words, 1, 0));
    CHECK_NUMBER(before, pid_of_worker(workers, test)); /* the late result is dropped */
    CHECK_NUMBER(before, pid_of_worker(workers, test));
    end_workers(workers);
}

/* ---- death ---- */

static void check_death(xipc_process_pool_t *workers, xipc_task_t task, const char *word,
                        testing_t *test)
{
    xipc_values_t *result = NULL;
    apr_time_t began = system_clock();
    apr_status_t rv =
        xipc_process_pool_apply(&result, workers, task, NULL, TESTING_PATIENCE, test->pool);
    CHECK_STATUS(XIPC_EDIED, rv);
    CHECK(strstr(testing_text(rv), word) != NULL);
    CHECK(system_clock() - began < apr_time_from_sec(15));
    CHECK(result == NULL);
}

static void worker_that_dies_in_a_task_costs_that_task_only(testing_t *test)
{
    xipc_process_pool_t *workers = make_workers(test, 2);
    REQUIRE(workers != NULL);
    for (int i = 0; i < 3; i++) {
        check_death(workers, die, "9", test);
        CHECK(pid_of_worker(workers, test) > 0);
        check_death(workers, leave, "43", test);
        CHECK(pid_of_worker(workers, test) > 0);
        CHECK_NUMBER(2, xipc_process_pool_processes(workers));
    }
    end_workers(workers);
}

/* M2 of the design: with Python a pool is dead when all its workers were killed. */
static void pool_lives_on_when_all_its_workers_die_in_tasks(testing_t *test)
{
    xipc_process_pool_t *workers = make_workers(test, 2);
    REQUIRE(workers != NULL);
    for (int i = 0; i < 4; i++) check_death(workers, die, "9", test);
    CHECK(pid_of_worker(workers, test) > 0);
    end_workers(workers);
}

static void idle_worker_that_was_killed_is_replaced_and_costs_nothing(testing_t *test)
{
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(workers != NULL);
    for (int i = 0; i < 3; i++) {
        apr_int64_t pid = pid_of_worker(workers, test);
        REQUIRE(system_kill(pid));
        apr_sleep(MILLISECONDS(20)); /* its end and its last words come at their own times */
        CHECK(pid_of_worker(workers, test) != pid);
    }
    end_workers(workers);
}

static void busy_worker_that_was_killed_is_replaced(testing_t *test)
{
    xipc_queue_t *words = make_words(test);
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(words != NULL && workers != NULL);
    apr_int64_t pid = pid_of_worker(workers, test);
    keep_busy(workers, words, test);
    REQUIRE(system_kill(pid));
    CHECK(pid_of_worker(workers, test) != pid);
    end_workers(workers);
}

/* ---- the end of a pool ---- */

static void closed_pool_takes_no_tasks(testing_t *test)
{
    apr_int64_t pid;
    xipc_process_pool_t *workers = make_workers(test, 2);
    REQUIRE(workers != NULL);
    CHECK_STATUS(XIPC_ESTATE,
                 xipc_process_pool_join(workers, -1)); /* nobody has told them to end */
    CHECK_OK(xipc_process_pool_close(workers));
    CHECK_OK(xipc_process_pool_close(workers));
    CHECK_STATUS(XIPC_ESTATE, try_pid(&pid, workers, -1, test));
    CHECK_OK(xipc_process_pool_join(workers, -1));
    CHECK_OK(xipc_process_pool_join(workers, 0));
    CHECK_STATUS(XIPC_ESTATE, try_pid(&pid, workers, -1, test));
    CHECK_OK(xipc_process_pool_close(workers));
    CHECK_OK(xipc_process_pool_terminate(workers));
}

static void join_gives_up_after_the_timeout_while_a_task_runs(testing_t *test)
{
    xipc_queue_t *words = make_words(test);
    xipc_process_pool_t *workers = make_workers(test, 2);
    REQUIRE(words != NULL && workers != NULL);
    keep_busy(workers, words, test);
    CHECK_OK(xipc_process_pool_close(workers));
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_process_pool_join(workers, MILLISECONDS(120)));
    CHECK_WAITED(began, MILLISECONDS(120));
    CHECK_STATUS(APR_TIMEUP, xipc_process_pool_join(workers, 0));
    CHECK_OK(testing_put_int(words, 1, 0));
    CHECK_OK(xipc_process_pool_join(workers, TESTING_PATIENCE));
}

static void terminate_ends_workers_in_mid_task(testing_t *test)
{
    apr_int64_t pid;
    xipc_queue_t *words = make_words(test);
    xipc_process_pool_t *workers = make_workers(test, 2);
    REQUIRE(words != NULL && workers != NULL);
    keep_busy(workers, words, test);
    CHECK_OK(xipc_process_pool_terminate(workers));
    CHECK_OK(xipc_process_pool_join(workers, TESTING_PATIENCE));
    CHECK_STATUS(XIPC_ESTATE, try_pid(&pid, workers, -1, test));
    CHECK_OK(xipc_process_pool_terminate(workers));
}

static void end_of_the_memory_pool_ends_the_workers(testing_t *test)
{
    testing_t inner = *test;
    xipc_queue_t *words = make_words(test);
    REQUIRE_OK(apr_pool_create(&inner.pool, test->pool));
    xipc_process_pool_t *workers = make_workers(&inner, 2);
    REQUIRE(words != NULL && workers != NULL);
    apr_int64_t pid = pid_of_worker(workers, test);
    keep_busy(workers, words, &inner);
    apr_pool_destroy(inner.pool);
    WAIT_FOR(!system_runs(pid));
}

/* A process that has a pool, and is killed. */
static int die_with_a_pool(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_process_pool_t *workers;
    xipc_values_t *result;
    apr_int64_t pid;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_process_pool_create(&workers, 2, pool) != APR_SUCCESS) return 91;
    if (xipc_process_pool_apply(&result, workers, tell_pid, NULL, -1, pool) != APR_SUCCESS)
        return 92;
    if (xipc_values_get_int(&pid, result, 0) != APR_SUCCESS) return 93;
    if (!testing_send_int(connection, pid)) return 94;
    system_kill_self();
    return 95;
}

static void workers_end_when_their_pools_process_is_killed(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t pid = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, die_with_a_pool, testing_connection_args(there, test->pool));
    CHECK(testing_recv_int(&pid, here, TESTING_PATIENCE));
    CHECK(testing_finish(process) < 90);
    WAIT_FOR(!system_runs(pid));
}

/* ---- another process ---- */

static xipc_process_pool_t
    *anothers; /* found by a forked child, which has a copy of every variable */

static int use_anothers_pool(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_values_t *result = NULL;
    (void)args;
    if (xipc_process_pool_apply(&result, anothers, tell_pid, NULL, -1, pool) != XIPC_ENOTOWNER)
        return 1;
    if (xipc_process_pool_close(anothers) != XIPC_ENOTOWNER) return 2;
    if (xipc_process_pool_terminate(anothers) != XIPC_ENOTOWNER) return 3;
    if (xipc_process_pool_join(anothers, 0) != XIPC_ENOTOWNER) return 4;
    return result == NULL ? 0 : 5;
}

static void pool_of_another_process_is_XIPC_ENOTOWNER(testing_t *test)
{
    if (test->method != XIPC_START_FORK) {
        testing_skip("only a forked child has the parent's objects");
        return;
    }
    anothers = make_workers(test, 1);
    REQUIRE(anothers != NULL);
    CHECK_NUMBER(0, testing_run(test, use_anothers_pool, NULL));
    CHECK(pid_of_worker(anothers, test) > 0);
    end_workers(anothers);
}

static const testing_case_t cases[] = {
    EACH_METHOD(apply_gives_up_after_the_timeout_and_another_worker_goes_on),
    EACH_METHOD(two_workers_are_two_processes),
    EACH_METHOD(busy_worker_takes_tasks_again_when_it_is_done),
    EACH_METHOD(worker_that_dies_in_a_task_costs_that_task_only),
    EACH_METHOD(pool_lives_on_when_all_its_workers_die_in_tasks),
    EACH_METHOD(idle_worker_that_was_killed_is_replaced_and_costs_nothing),
    EACH_METHOD(busy_worker_that_was_killed_is_replaced),
    EACH_METHOD(closed_pool_takes_no_tasks),
    EACH_METHOD(join_gives_up_after_the_timeout_while_a_task_runs),
    EACH_METHOD(terminate_ends_workers_in_mid_task),
    EACH_METHOD(end_of_the_memory_pool_ends_the_workers),
    EACH_METHOD(workers_end_when_their_pools_process_is_killed),
    EACH_METHOD(pool_of_another_process_is_XIPC_ENOTOWNER),
};

TESTING_MAIN("process_pool.death", cases)
