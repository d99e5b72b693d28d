/* Processes that have no handle left when one comes: errors by name, and nothing else is harmed. */
#include "testing.h"

#include <apr_file_io.h>
#include <apr_portable.h>

/* ---- over a connection ---- */

typedef struct {
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_values_t *values; /* three ends of pipes */
} pipe_t;

static int make_pipe(pipe_t *pipe, testing_t *test)
{
    if (!CHECK_OK(xipc_pipe_create(&pipe->here, &pipe->there, 1, test->pool))) return 0;
    pipe->values = xipc_values_make(test->pool);
    for (int i = 0; i < 3; i++) {
        xipc_connection_t *one;
        xipc_connection_t *other;
        if (!CHECK_OK(xipc_pipe_create(&one, &other, 1, test->pool))) return 0;
        CHECK_OK(xipc_values_add_connection(pipe->values, one));
    }
    return 1;
}

static int is_out_of_handles(apr_status_t rv)
{
    return APR_STATUS_IS_EMFILE(rv) || APR_STATUS_IS_ENFILE(rv);
}

static void receiving_without_handles_left_says_so_and_the_connection_goes_on(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    for (int spare = 0; spare < 3; spare++) {
        xipc_values_t *values = NULL;
        apr_int64_t number = 0;
        CHECK_OK(xipc_connection_send_values(pipe.here, pipe.values, 0));
        CHECK(testing_send_int(pipe.here, 41));
        CHECK_OK(xipc_connection_send_values(pipe.here, pipe.values, 0));
        int handles = system_count_handles();
        if (!system_limit_handles(spare)) {
            testing_skip("no limit of handles here");
            return;
        }
        apr_status_t rv = xipc_connection_recv_values(&values, pipe.there, 0, test->pool);
        system_unlimit_handles();
        CHECK(is_out_of_handles(rv) && values == NULL);
        CHECK(strstr(testing_text(rv), "handle") != NULL);
        CHECK_NUMBER(handles, system_count_handles()); /* not even some of them */
        CHECK(testing_recv_int(&number, pipe.there, 0));
        CHECK_NUMBER(41, number);
        CHECK_OK(xipc_connection_recv_values(&values, pipe.there, 0, test->pool));
        CHECK_NUMBER(3, xipc_values_count(values));
    }
}

static void bytes_come_although_their_handles_can_not(testing_t *test)
{
    pipe_t pipe;
    void *data;
    apr_size_t size = 0;
    apr_size_t whole = 0;
    REQUIRE(make_pipe(&pipe, test));
    for (int i = 0; i < 3; i++) CHECK_OK(xipc_connection_send_values(pipe.here, pipe.values, 0));
    CHECK_OK(xipc_connection_recv(&data, &whole, pipe.there, 0, test->pool));
    if (!system_limit_handles(0)) {
        testing_skip("no limit of handles here");
        return;
    }
    apr_status_t rv = xipc_connection_recv(&data, &size, pipe.there, 0, test->pool);
    system_unlimit_handles();
    CHECK_OK(rv);
    CHECK(size == whole && size > 0);
    xipc_values_t *values;
    CHECK_OK(xipc_connection_recv_values(&values, pipe.there, 0, test->pool));
}

/* ---- starting ---- */

static apr_os_file_t told; /* of the program's own, which a forked child has too */

static int say_it(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return system_raw_write(told, "!", 1) ? 0 : 90;
}

static int count_arguments(xipc_values_t *args, apr_pool_t *pool)
{
    (void)pool;
    return (int)xipc_values_count(args);
}

static void start_succeeds_or_says_that_handles_are_wanting(testing_t *test)
{
    pipe_t pipe;
    int is_started = 0;
    REQUIRE(make_pipe(&pipe, test));
    for (int spare = 0; !is_started && spare < 40; spare++) {
        xipc_process_t *process = testing_create(test, count_arguments, pipe.values);
        REQUIRE(process != NULL);
        if (!system_limit_handles(spare)) {
            testing_skip("no limit of handles here");
            return;
        }
        apr_status_t rv = xipc_process_start(process);
        system_unlimit_handles();
        is_started = rv == APR_SUCCESS;
        if (is_started)
            CHECK_NUMBER(3, testing_finish(process)); /* with all of its arguments */
        else
            CHECK(is_out_of_handles(rv));
    }
    CHECK(is_started);
}

static void target_never_runs_when_the_start_fails_for_want_of_handles(testing_t *test)
{
    apr_file_t *from;
    apr_file_t *to;
    char bytes[32];
    apr_size_t size = sizeof bytes;
    if (test->method != XIPC_START_FORK) {
        testing_skip("other children wait for their parent's word");
        return;
    }
    REQUIRE_OK(apr_file_pipe_create(&from, &to, test->pool));
    REQUIRE_OK(apr_os_file_get(&told, to));
    for (int i = 0; i < system_rounds(1000); i++) {
        xipc_process_t *process = testing_create(test, say_it, NULL);
        if (!system_limit_handles(0)) {
            testing_skip("no limit of handles here");
            return;
        }
        apr_status_t rv = xipc_process_start(process);
        system_unlimit_handles();
        CHECK(is_out_of_handles(rv));
    }
    CHECK_NUMBER(0, testing_run(test, say_it, NULL)); /* and one that runs */
    CHECK_OK(apr_file_close(to));
    CHECK_OK(apr_file_read(from, bytes, &size));
    CHECK_NUMBER(1, size);
}

/* ---- workers ---- */

static xipc_process_pool_t *make_worker(testing_t *test)
{
    xipc_process_pool_options_t *options;
    xipc_process_pool_t *workers;
    if (!CHECK_OK(xipc_process_pool_options_create(&options, test->pool))) return NULL;
    CHECK_OK(xipc_process_pool_options_processes_set(options, 1));
    CHECK_OK(xipc_process_pool_options_start_method_set(options, test->method));
    return CHECK_OK(xipc_process_pool_create_ex(&workers, options, test->pool)) ? workers : NULL;
}

static apr_status_t tell_pid(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return xipc_values_add_int(result, system_pid());
}

static apr_int64_t pid_of_worker(xipc_process_pool_t *workers, testing_t *test)
{
    xipc_values_t *result;
    apr_int64_t pid = -1;
    if (CHECK_OK(xipc_process_pool_apply(&result, workers, tell_pid, NULL, -1, test->pool)))
        CHECK_OK(xipc_values_get_int(&pid, result, 0));
    return pid;
}

static apr_status_t use_up_handles(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return xipc_values_add_int(result, system_limit_handles(0));
}

static apr_status_t free_handles(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    (void)result;
    (void)args;
    (void)pool;
    system_unlimit_handles();
    return APR_SUCCESS;
}

static void worker_without_handles_refuses_the_task_and_goes_on(testing_t *test)
{
    xipc_values_t *result;
    apr_int64_t is_limited = 0;
    test->queue = TESTING_QUEUE_MANAGED;
    xipc_queue_t *queue = testing_queue(test, 0);
    xipc_process_pool_t *workers = make_worker(test);
    REQUIRE(queue != NULL && workers != NULL);
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    apr_int64_t pid = pid_of_worker(workers, test);
    REQUIRE_OK(xipc_process_pool_apply(&result, workers, use_up_handles, NULL, -1, test->pool));
    REQUIRE_OK(xipc_values_get_int(&is_limited, result, 0));
    if (!is_limited) {
        testing_skip("no limit of handles here");
        return;
    }
    CHECK(is_out_of_handles(
        xipc_process_pool_apply(NULL, workers, tell_pid, args, TESTING_PATIENCE, test->pool)));
    CHECK_OK(xipc_process_pool_apply(NULL, workers, free_handles, NULL, -1, test->pool));
    CHECK_OK(xipc_process_pool_apply(NULL, workers, tell_pid, args, -1, test->pool));
    CHECK_NUMBER(pid, pid_of_worker(workers, test));
}

static apr_status_t return_a_closed_queue(xipc_values_t *result, xipc_values_t *args,
                                          apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)pool;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    if (rv == APR_SUCCESS) rv = xipc_values_add_queue(result, queue);
    return rv == APR_SUCCESS ? xipc_queue_close(queue) : rv;
}

static apr_status_t return_too_many_queues(xipc_values_t *result, xipc_values_t *args,
                                           apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)pool;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    for (int i = 0; rv == APR_SUCCESS && i < 129; i++) rv = xipc_values_add_queue(result, queue);
    return rv;
}

static void result_that_can_not_travel_is_XIPC_EFAILED_and_the_worker_goes_on(testing_t *test)
{
    test->queue = TESTING_QUEUE_MANAGED;
    xipc_queue_t *queue = testing_queue(test, 0);
    xipc_process_pool_t *workers = make_worker(test);
    REQUIRE(queue != NULL && workers != NULL);
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    apr_int64_t pid = pid_of_worker(workers, test);
    CHECK_STATUS(XIPC_EFAILED, xipc_process_pool_apply(NULL, workers, return_a_closed_queue, args,
                                                       TESTING_PATIENCE, test->pool));
    CHECK(strstr(testing_text(XIPC_EFAILED), "closed") != NULL);
    CHECK_STATUS(XIPC_EFAILED, xipc_process_pool_apply(NULL, workers, return_too_many_queues, args,
                                                       TESTING_PATIENCE, test->pool));
    CHECK(strstr(testing_text(XIPC_EFAILED), "128") != NULL);
    CHECK_NUMBER(pid, pid_of_worker(workers, test));
}

static const testing_case_t cases[] = {
    ONCE(receiving_without_handles_left_says_so_and_the_connection_goes_on),
    ONCE(bytes_come_although_their_handles_can_not),
    EACH_METHOD(start_succeeds_or_says_that_handles_are_wanting),
    EACH_METHOD(target_never_runs_when_the_start_fails_for_want_of_handles),
    EACH_METHOD(worker_without_handles_refuses_the_task_and_goes_on),
    EACH_METHOD(result_that_can_not_travel_is_XIPC_EFAILED_and_the_worker_goes_on),
};

TESTING_MAIN("handles", cases)
