/*
 * Queues in a manager: what they hold and how far they reach, for each start method of all
 * processes; the promises of manager.h and queue.h.
 */
#include "managing.h"

/* ---- what a queue holds ---- */

static void queue_holds_its_capacity_and_no_more(testing_t *test)
{
    xipc_manager_t *manager;
    apr_size_t size = 77;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 3, test);
    REQUIRE(queue != NULL);
    for (apr_size_t i = 0; i <= 3; i++) {
        CHECK_OK(xipc_queue_size(&size, queue));
        CHECK_NUMBER(i, size);
        CHECK_NUMBER(i == 0, xipc_queue_is_empty(queue));
        CHECK_NUMBER(i == 3, xipc_queue_is_full(queue));
        CHECK_STATUS(i < 3 ? APR_SUCCESS : XIPC_EFULL, testing_put_int(queue, (int)i, 0));
    }
    for (int i = 0; i < 3; i++) managing_check_get(queue, i, test->pool);
    CHECK(xipc_queue_is_empty(queue));
}

static void put_and_get_give_up_after_their_timeouts(testing_t *test)
{
    xipc_manager_t *manager;
    apr_int64_t number = 77;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    apr_time_t began = system_clock();
    CHECK_STATUS(XIPC_EEMPTY, testing_get_int(&number, queue, MILLISECONDS(70), test->pool));
    CHECK_WAITED(began, MILLISECONDS(70));
    CHECK_STATUS(XIPC_EEMPTY, testing_get_int(&number, queue, 0, test->pool));
    CHECK_NUMBER(77, number);
    CHECK_OK(testing_put_int(queue, 1, 0));
    began = system_clock();
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 2, MILLISECONDS(70)));
    CHECK_WAITED(began, MILLISECONDS(70));
    CHECK_STATUS(XIPC_EFULL, testing_put_int(queue, 2, 0));
    managing_check_get(queue, 1, test->pool);
    CHECK(xipc_queue_is_empty(queue));
}

static void message_of_no_bytes_is_one(testing_t *test)
{
    xipc_manager_t *manager;
    apr_size_t size = 77;
    void *data = NULL;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 2, test);
    REQUIRE(queue != NULL);
    CHECK_OK(xipc_queue_put(queue, NULL, 0, 0));
    CHECK_OK(xipc_queue_put(queue, "", 0, 0));
    CHECK(xipc_queue_is_full(queue));
    CHECK_OK(xipc_queue_get(&data, &size, queue, 0, test->pool));
    CHECK(data != NULL && size == 0);
    size = 77;
    CHECK_OK(xipc_queue_get_into(&size, queue, NULL, 0, 0));
    CHECK_NUMBER(0, size);
}

enum { LARGE = 64 << 20 };

static int put_large(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    char *message = apr_palloc(pool, LARGE);
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    testing_fill(message, LARGE, 5);
    return xipc_queue_put(queue, message, LARGE, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 91;
}

static void message_of_64_megabytes_comes_whole(testing_t *test)
{
    xipc_manager_t *manager;
    void *data;
    apr_size_t size = 0;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    CHECK_NUMBER(0, testing_run(test, put_large, testing_queue_args(queue, test->pool)));
    CHECK_OK(xipc_queue_put(queue, "next", 4, 0));
    CHECK_STATUS(XIPC_EMSGSIZE, xipc_queue_get_into(&size, queue, NULL, 0, TESTING_PATIENCE));
    CHECK_NUMBER(LARGE, size);
    REQUIRE_OK(xipc_queue_get(&data, &size, queue, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(LARGE, size);
    CHECK(testing_is_filled(data, size, 5));
    CHECK_OK(xipc_queue_get(&data, &size, queue, 0, test->pool));
    CHECK(size == 4 && memcmp(data, "next", 4) == 0);
}

/* ---- where it reaches ---- */

/* Put 1, 2, 3. Args: the queue, wherever they came from. */
static int put_three(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    for (int i = 1; i <= 3; i++)
        if (testing_put_int(queue, i, TESTING_PATIENCE) != APR_SUCCESS) return 91;
    return 0;
}

static void check_three(xipc_queue_t *queue, apr_pool_t *pool)
{
    for (int i = 1; i <= 3; i++) managing_check_get(queue, i, pool);
    CHECK(xipc_queue_is_empty(queue));
}

static void queue_reaches_a_child_among_its_arguments(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 5, test);
    REQUIRE(queue != NULL);
    CHECK_NUMBER(0, testing_run(test, put_three, testing_queue_args(queue, test->pool)));
    check_three(queue, test->pool);
}

static int put_into_what_comes(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_values_t *values;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 92;
    if (xipc_connection_recv_values(&values, connection, -1, pool) != APR_SUCCESS) return 93;
    return put_three(values, pool);
}

static void queue_reaches_a_running_process_over_a_connection(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 5, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, put_into_what_comes, testing_connection_args(there, test->pool));
    CHECK_OK(
        xipc_connection_send_values(here, testing_queue_args(queue, test->pool), TESTING_PATIENCE));
    CHECK_OK(xipc_queue_close(queue)); /* on its way it has a session of its own */
    CHECK_NUMBER(0, testing_finish(process));
}

/* Make a manager and a queue, pass the queue back, and keep the manager until told. */
static int keep_a_manager(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    apr_int64_t method;
    apr_int64_t told;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_int(&method, args, 1) != APR_SUCCESS) return 91;
    if (xipc_manager_start_ex(&manager, (xipc_start_method_e)method, pool) != APR_SUCCESS)
        return 92;
    if (xipc_manager_queue(&queue, manager, 5, pool) != APR_SUCCESS) return 93;
    xipc_values_t *values = xipc_values_make(pool);
    (void)xipc_values_add_queue(values, queue);
    if (xipc_connection_send_values(connection, values, -1) != APR_SUCCESS) return 94;
    if (!testing_recv_int(&told, connection, -1)) return 95;
    return xipc_manager_shutdown(manager, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 96;
}

static void queue_reaches_the_parent_of_who_made_it(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_values_t *values;
    xipc_queue_t *queue;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    xipc_process_t *process = testing_start(test, keep_a_manager, args);
    REQUIRE_OK(xipc_connection_recv_values(&values, here, TESTING_PATIENCE, test->pool));
    REQUIRE_OK(xipc_values_get_queue(&queue, values, 0));
    CHECK_NUMBER(0, testing_run(test, put_three, values));
    check_three(queue, test->pool);
    CHECK(testing_send_int(here, 0));
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_STATUS(XIPC_EDIED, testing_put_int(queue, 1, 0));
}

/* ---- tasks: chapter 5 of the article ---- */

static apr_status_t write_task(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)result;
    (void)pool;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    if (rv == APR_SUCCESS) rv = xipc_queue_put(queue, "m1", 2, -1);
    return rv == APR_SUCCESS ? xipc_queue_put(queue, "m2", 2, -1) : rv;
}

/* All that comes until nothing does, as one string. */
static apr_status_t read_task(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    char all[64] = "";
    void *data;
    apr_size_t size;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    while (rv == APR_SUCCESS) {
        rv = xipc_queue_get(&data, &size, queue, MILLISECONDS(100), pool);
        if (rv == APR_SUCCESS && strlen(all) < 32) strncat(all, data, 31);
    }
    return rv == XIPC_EEMPTY ? xipc_values_add_string(result, all) : rv;
}

/* A queue is a result too. */
static apr_status_t give_back(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)pool;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    if (rv == APR_SUCCESS) rv = testing_put_int(queue, 3, -1);
    return rv == APR_SUCCESS ? xipc_values_add_queue(result, queue) : rv;
}

static xipc_process_pool_t *make_workers(apr_size_t count, testing_t *test)
{
    xipc_process_pool_options_t *options;
    xipc_process_pool_t *workers;
    if (!CHECK_OK(xipc_process_pool_options_create(&options, test->pool))) return NULL;
    CHECK_OK(xipc_process_pool_options_processes_set(options, count));
    CHECK_OK(xipc_process_pool_options_start_method_set(options, test->method));
    return CHECK_OK(xipc_process_pool_create_ex(&workers, options, test->pool)) ? workers : NULL;
}

static void queue_reaches_the_tasks_of_a_pool(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_values_t *result = NULL;
    const char *all = "";
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    xipc_process_pool_t *workers = make_workers(2, test);
    REQUIRE(queue != NULL && workers != NULL);
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_process_pool_apply(NULL, workers, write_task, args, -1, test->pool));
    REQUIRE_OK(xipc_process_pool_apply(&result, workers, read_task, args, -1, test->pool));
    CHECK_OK(xipc_values_get_string(&all, result, 0));
    CHECK_TEXT("m1m2", all);
    CHECK_OK(xipc_process_pool_close(workers));
    CHECK_OK(xipc_process_pool_join(workers, TESTING_PATIENCE));
}

static void queue_may_be_a_result_of_a_task(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_values_t *result = NULL;
    xipc_queue_t *returned;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    xipc_process_pool_t *workers = make_workers(1, test);
    REQUIRE(queue != NULL && workers != NULL);
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    REQUIRE_OK(xipc_process_pool_apply(&result, workers, give_back, args, -1, test->pool));
    CHECK_OK(xipc_queue_close(queue));
    REQUIRE_OK(xipc_values_get_queue(&returned, result, 0));
    CHECK(returned != queue);
    managing_check_get(returned, 3, test->pool);
}

/* ---- many clients ---- */

enum { CLIENTS = 16, ROUNDS = 25 };

/* Put and get in turn; tell the sum of what came. Args: the queue, the sums' queue, a number. */
static int put_and_get(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_queue_t *sums;
    apr_int64_t number;
    apr_int64_t sum = 0;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_queue(&sums, args, 1) != APR_SUCCESS) return 91;
    if (xipc_values_get_int(&number, args, 2) != APR_SUCCESS) return 92;
    for (int i = 0; i < ROUNDS; i++) {
        apr_int64_t got;
        if (testing_put_int(queue, number, TESTING_PATIENCE) != APR_SUCCESS) return 93;
        if (testing_get_int(&got, queue, TESTING_PATIENCE, pool) != APR_SUCCESS) return 94;
        sum += got;
    }
    return testing_put_int(sums, sum, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 95;
}

static void many_processes_use_a_queue_at_once(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_process_t *clients[CLIENTS];
    apr_int64_t sum = 0;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 4, test);
    xipc_queue_t *sums = managing_queue(manager, 0, test);
    REQUIRE(queue != NULL && sums != NULL);
    const int count = system_rounds(CLIENTS);
    for (int i = 0; i < count; i++) {
        xipc_values_t *args = testing_queue_args(queue, test->pool);
        CHECK_OK(xipc_values_add_queue(args, sums));
        CHECK_OK(xipc_values_add_int(args, (apr_int64_t)1 << (2 * i)));
        clients[i] = testing_start(test, put_and_get, args);
    }
    for (int i = 0; i < count; i++) CHECK_NUMBER(0, testing_finish(clients[i]));
    for (int i = 0; i < count; i++) {
        apr_int64_t one = 0;
        CHECK_OK(testing_get_int(&one, sums, 0, test->pool));
        sum += one;
    }
    for (int i = 0; i < count; i++) sum -= ROUNDS * ((apr_int64_t)1 << (2 * i));
    CHECK_NUMBER(0, sum);
    CHECK(xipc_queue_is_empty(queue) && xipc_queue_is_empty(sums));
}

/* The same queue once more. */
static xipc_queue_t *copy(xipc_queue_t *queue, xipc_connection_t *from, xipc_connection_t *to,
                          testing_t *test)
{
    xipc_values_t *values;
    xipc_queue_t *copied = NULL;
    CHECK_OK(xipc_connection_send_values(from, testing_queue_args(queue, test->pool), -1));
    if (CHECK_OK(xipc_connection_recv_values(&values, to, -1, test->pool)))
        CHECK_OK(xipc_values_get_queue(&copied, values, 0));
    return copied;
}

static void hundreds_of_objects_lead_to_one_queue(testing_t *test)
{
    enum { COPIES = 200 };
    xipc_manager_t *manager;
    xipc_connection_t *from;
    xipc_connection_t *to;
    xipc_queue_t *copies[COPIES];
    apr_size_t size = 0;
    xipc_queue_t *queue = managing_start_with_queue(&manager, COPIES, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_pipe_create(&from, &to, 1, test->pool));
    const int count = system_rounds(COPIES);
    for (int i = 0; i < count; i++) REQUIRE((copies[i] = copy(queue, from, to, test)) != NULL);
    for (int i = 0; i < count; i++) CHECK_OK(testing_put_int(copies[i], i, 0));
    CHECK_OK(xipc_queue_size(&size, queue));
    CHECK_NUMBER(count, size);
    for (int i = count - 1; i > 0; i--) CHECK_OK(xipc_queue_close(copies[i]));
    for (int i = 0; i < count; i++) managing_check_get(copies[0], i, test->pool);
}

static const testing_case_t cases[] = {
    EACH_METHOD(queue_holds_its_capacity_and_no_more),
    EACH_METHOD(put_and_get_give_up_after_their_timeouts),
    EACH_METHOD(message_of_no_bytes_is_one),
    EACH_METHOD(message_of_64_megabytes_comes_whole),
    EACH_METHOD(queue_reaches_a_child_among_its_arguments),
    EACH_METHOD(queue_reaches_a_running_process_over_a_connection),
    EACH_METHOD(queue_reaches_the_parent_of_who_made_it),
    EACH_METHOD(queue_reaches_the_tasks_of_a_pool),
    EACH_METHOD(queue_may_be_a_result_of_a_task),
    EACH_METHOD(many_processes_use_a_queue_at_once),
    EACH_METHOD(hundreds_of_objects_lead_to_one_queue),
};

TESTING_MAIN("manager.queue", cases)
