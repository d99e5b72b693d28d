/* A manager's process and its queues; the promises of manager.h. What each queue promises is in test_queue*. */
#include "testing.h"

#include <string.h>

/* ---- common ---- */

static xipc_manager_t *start(testing_t *test)
{
    xipc_manager_t *manager;
    if (!CHECK_OK(xipc_manager_start_ex(&manager, test->method, test->pool))) return NULL;
    return manager;
}

static xipc_queue_t *start_with_queue(xipc_manager_t **manager, apr_size_t capacity,
                                      testing_t *test)
{
    xipc_queue_t *queue;
    *manager = start(test);
    if (*manager == NULL) return NULL;
    return CHECK_OK(xipc_manager_queue(&queue, *manager, capacity, test->pool)) ? queue : NULL;
}

static void check_get(xipc_queue_t *queue, apr_int64_t expected, apr_pool_t *pool)
{
    apr_int64_t number = -1;
    CHECK_OK(testing_get_int(&number, queue, TESTING_PATIENCE, pool));
    CHECK_NUMBER(expected, number);
}

static void kill_manager(const xipc_manager_t *manager)
{
    CHECK_OK(xipc_process_kill(xipc_manager_process(manager)));
    CHECK_OK(xipc_process_join(xipc_manager_process(manager), TESTING_PATIENCE));
}

/* ---- targets ---- */

enum { GOT_EDIED = 40, GOT_SOMETHING_ELSE };

static xipc_queue_t *queue_of(const xipc_values_t *args)
{
    xipc_queue_t *queue;
    return xipc_values_get_queue(&queue, args, 0) == APR_SUCCESS ? queue : NULL;
}

/* Args: queue, connection. Tells when it is about to wait in get, or in put when the queue is full. */
static int wait_for_ever(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    apr_int64_t number;
    xipc_queue_t *queue = queue_of(args);
    if (queue == NULL) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    int is_full = xipc_queue_is_full(queue);
    if (!testing_send_int(connection, is_full)) return 92;
    apr_status_t rv =
        is_full ? testing_put_int(queue, 1, -1) : testing_get_int(&number, queue, -1, pool);
    return rv == XIPC_EDIED ? GOT_EDIED : GOT_SOMETHING_ELSE;
}

static int put_one(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue = queue_of(args);
    (void)pool;
    if (queue == NULL) return 90;
    return testing_put_int(queue, 7, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 91;
}

/* Starts a manager, tells its pid, and waits for its end. Args: connection, start method. */
static int start_manager_and_wait(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    apr_int64_t method;
    xipc_manager_t *manager;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_int(&method, args, 1) != APR_SUCCESS) return 91;
    if (xipc_manager_start_ex(&manager, (xipc_start_method_e)method, pool) != APR_SUCCESS)
        return 92;
    if (!testing_send_int(connection, xipc_process_pid(xipc_manager_process(manager)))) return 93;
    (void)xipc_process_join(xipc_manager_process(manager), TESTING_PATIENCE);
    return 94;
}

/* A child that waits in the queue for ever; it does by now, or is about to. */
static xipc_process_t *start_waiter(xipc_queue_t *queue, testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t told;
    if (!CHECK_OK(xipc_pipe_create(&here, &there, 0, test->pool))) return NULL;
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *process = testing_start(test, wait_for_ever, args);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&told, here, TESTING_PATIENCE));
    CHECK_OK(xipc_connection_close(here));
    return process;
}

/* ---- life ---- */

static void manager_is_a_process_of_its_own(testing_t *test)
{
    xipc_manager_t *manager = start(test);
    REQUIRE(manager != NULL);
    const xipc_process_t *process = xipc_manager_process(manager);
    REQUIRE(process != NULL);
    CHECK(xipc_process_is_alive(process));
    CHECK(xipc_process_pid(process) != xipc_current_pid());
    CHECK_OK(xipc_manager_shutdown(manager, TESTING_PATIENCE));
}

static void shutdown_ends_the_process_and_may_be_repeated(testing_t *test)
{
    xipc_manager_t *manager = start(test);
    REQUIRE(manager != NULL);
    pid_t pid = xipc_process_pid(xipc_manager_process(manager));
    CHECK_OK(xipc_manager_shutdown(manager, TESTING_PATIENCE));
    WAIT_FOR(!system_runs(pid)); /* it may be left to the forkserver to reap */
    CHECK_OK(xipc_manager_shutdown(manager, 0));
}

static void manager_ends_with_its_pool(testing_t *test)
{
    apr_pool_t *inner;
    xipc_manager_t *manager;
    REQUIRE_OK(apr_pool_create(&inner, test->pool));
    REQUIRE_OK(xipc_manager_start_ex(&manager, test->method, inner));
    pid_t pid = xipc_process_pid(xipc_manager_process(manager));
    apr_pool_destroy(inner);
    WAIT_FOR(!system_runs(pid));
}

static void manager_ends_when_its_starter_is_killed(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t pid = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 0, test->pool));
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    xipc_process_t *process = testing_start(test, start_manager_and_wait, args);
    REQUIRE(process != NULL);
    CHECK(testing_recv_int(&pid, here, TESTING_PATIENCE));
    CHECK(system_runs(pid));
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
    WAIT_FOR(!system_runs(pid));
}

/* ---- queues ---- */

static void queues_of_one_manager_are_apart(testing_t *test)
{
    xipc_queue_t *second;
    xipc_manager_t *manager;
    xipc_queue_t *first = start_with_queue(&manager, 0, test);
    REQUIRE(first != NULL);
    REQUIRE_OK(xipc_manager_queue(&second, manager, 1, test->pool));
    CHECK_OK(testing_put_int(first, 1, 0));
    CHECK_OK(testing_put_int(first, 2, 0));
    CHECK_OK(testing_put_int(second, 3, 0));
    CHECK_STATUS(XIPC_EFULL, testing_put_int(second, 4, 0));
    check_get(second, 3, test->pool);
    check_get(first, 1, test->pool);
    check_get(first, 2, test->pool);
    CHECK(xipc_queue_is_empty(second));
}

static void messages_stay_when_a_client_closes_its_queue(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue = start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    CHECK_NUMBER(0, testing_run(test, put_one, testing_queue_args(queue, test->pool)));
    check_get(queue, 7, test->pool);
}

static void queue_without_a_bound_holds_very_many_messages(testing_t *test)
{
    xipc_manager_t *manager;
    apr_size_t size = 0;
    apr_pool_t *each;
    xipc_queue_t *queue = start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    const int count = system_rounds(2000);
    for (int i = 0; i < count; i++) CHECK_OK(testing_put_int(queue, i, TESTING_PATIENCE));
    CHECK_OK(xipc_queue_size(&size, queue));
    CHECK_NUMBER(count, size);
    for (int i = 0; i < count; i++) {
        check_get(queue, i, each);
        apr_pool_clear(each);
    }
}

static void message_of_many_megabytes_comes_back_whole(testing_t *test)
{
    const apr_size_t size = 32u << 20;
    xipc_manager_t *manager;
    void *data;
    apr_size_t got = 0;
    xipc_queue_t *queue = start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    char *message = apr_palloc(test->pool, size);
    testing_fill(message, size, 5);
    CHECK_OK(xipc_queue_put(queue, message, size, TESTING_PATIENCE));
    REQUIRE_OK(xipc_queue_get(&data, &got, queue, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(size, got);
    CHECK(testing_is_filled(data, got, 5));
}

/* ---- death ---- */

static void reader_waiting_when_the_manager_dies_is_told_XIPC_EDIED(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue = start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    xipc_process_t *waiter = start_waiter(queue, test);
    REQUIRE(waiter != NULL);
    kill_manager(manager);
    CHECK_NUMBER(GOT_EDIED, testing_finish(waiter));
}

static void writer_waiting_when_the_manager_dies_is_told_XIPC_EDIED(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue = start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    CHECK_OK(testing_put_int(queue, 0, 0));
    xipc_process_t *waiter = start_waiter(queue, test);
    REQUIRE(waiter != NULL);
    kill_manager(manager);
    CHECK_NUMBER(GOT_EDIED, testing_finish(waiter));
}

static void everything_is_XIPC_EDIED_after_the_manager_died(testing_t *test)
{
    xipc_manager_t *manager;
    apr_size_t size;
    apr_int64_t number;
    xipc_queue_t *other;
    xipc_queue_t *queue = start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    kill_manager(manager);
    CHECK_STATUS(XIPC_EDIED, testing_put_int(queue, 1, TESTING_PATIENCE));
    CHECK_STATUS(XIPC_EDIED, testing_get_int(&number, queue, TESTING_PATIENCE, test->pool));
    CHECK_STATUS(XIPC_EDIED, xipc_queue_size(&size, queue));
    CHECK_STATUS(XIPC_EDIED, xipc_manager_queue(&other, manager, 1, test->pool));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_OK(xipc_manager_shutdown(manager, TESTING_PATIENCE));
}

static void killed_waiter_takes_nothing_along(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue = start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    xipc_process_t *waiter = start_waiter(queue, test);
    REQUIRE(waiter != NULL);
    CHECK_OK(xipc_process_kill(waiter));
    CHECK_NUMBER(-9, testing_finish(waiter));
    CHECK_OK(testing_put_int(queue, 5, TESTING_PATIENCE));
    check_get(queue, 5, test->pool);
}

/* ---- bad input ---- */

static void making_a_queue_after_shutdown_is_XIPC_ECLOSED(testing_t *test)
{
    xipc_queue_t *queue;
    xipc_manager_t *manager = start(test);
    REQUIRE(manager != NULL);
    CHECK_OK(xipc_manager_shutdown(manager, TESTING_PATIENCE));
    CHECK_STATUS(XIPC_ECLOSED, xipc_manager_queue(&queue, manager, 1, test->pool));
}

static void manager_refuses_NULL(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue;
    CHECK_STATUS(APR_EINVAL, xipc_manager_start(NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_manager_start(&manager, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_manager_queue(&queue, NULL, 1, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_manager_shutdown(NULL, 0));
    CHECK(xipc_manager_process(NULL) == NULL);
    manager = start(test);
    REQUIRE(manager != NULL);
    CHECK_STATUS(APR_EINVAL, xipc_manager_queue(NULL, manager, 1, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_manager_queue(&queue, manager, 1, NULL));
}

static void start_method_that_is_none_is_APR_EINVAL(testing_t *test)
{
    xipc_manager_t *manager;
    CHECK_STATUS(APR_EINVAL, xipc_manager_start_ex(&manager, (xipc_start_method_e)77, test->pool));
}

static const testing_case_t cases[] = {
    EACH_METHOD(manager_is_a_process_of_its_own),
    EACH_METHOD(shutdown_ends_the_process_and_may_be_repeated),
    EACH_METHOD(manager_ends_with_its_pool),
    EACH_METHOD(manager_ends_when_its_starter_is_killed),
    EACH_METHOD(queues_of_one_manager_are_apart),
    EACH_METHOD(messages_stay_when_a_client_closes_its_queue),
    EACH_METHOD(queue_without_a_bound_holds_very_many_messages),
    EACH_METHOD(message_of_many_megabytes_comes_back_whole),
    EACH_METHOD(reader_waiting_when_the_manager_dies_is_told_XIPC_EDIED),
    EACH_METHOD(writer_waiting_when_the_manager_dies_is_told_XIPC_EDIED),
    EACH_METHOD(everything_is_XIPC_EDIED_after_the_manager_died),
    EACH_METHOD(killed_waiter_takes_nothing_along),
    EACH_METHOD(making_a_queue_after_shutdown_is_XIPC_ECLOSED),
    ONCE(manager_refuses_NULL),
    ONCE(start_method_that_is_none_is_APR_EINVAL),
};

TESTING_MAIN("manager", cases)
