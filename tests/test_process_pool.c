/* Workers and their tasks, for each start method; the promises of process_pool.h. */
#include "loading.h"

/* ---- tasks ---- */

static apr_status_t add(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t sum = 0;
    (void)pool;
    for (apr_size_t i = 0; i < xipc_values_count(args); i++) {
        apr_int64_t number;
        apr_status_t rv = xipc_values_get_int(&number, args, i);
        if (rv != APR_SUCCESS) return rv;
        sum += number;
    }
    return xipc_values_add_int(result, sum);
}

static apr_status_t tell_pid(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return xipc_values_add_int(result, system_pid());
}

static apr_status_t count_calls(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    static int calls = 0;
    (void)args;
    (void)pool;
    return xipc_values_add_int(result, ++calls);
}

/* Change the arguments, and give them back. */
static apr_status_t append(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    const void *data;
    apr_size_t size;
    (void)pool;
    apr_status_t rv = xipc_values_add_string(args, "jack");
    if (rv == APR_SUCCESS) rv = xipc_values_get_bytes(&data, &size, args, 0);
    if (rv == APR_SUCCESS) rv = xipc_values_add_int(result, (apr_int64_t)xipc_values_count(args));
    return rv == APR_SUCCESS ? xipc_values_add_bytes(result, data, size) : rv;
}

static apr_status_t fail(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    (void)pool;
    (void)xipc_values_add_int(result, 1); /* does not travel */
    apr_int64_t status = 0;
    (void)xipc_values_get_int(&status, args, 0);
    return (apr_status_t)status;
}

static apr_status_t put_one(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)result;
    (void)pool;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    return rv == APR_SUCCESS ? testing_put_int(queue, 41, TESTING_PATIENCE) : rv;
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

/* The integer that a task gives, or -1. */
static apr_int64_t apply(xipc_process_pool_t *workers, xipc_task_t task, const xipc_values_t *args,
                         testing_t *test)
{
    xipc_values_t *result = NULL;
    apr_int64_t number = -1;
    if (!CHECK_OK(
            xipc_process_pool_apply(&result, workers, task, args, TESTING_PATIENCE, test->pool)))
        return -1;
    CHECK_OK(xipc_values_get_int(&number, result, 0));
    return number;
}

static void end_workers(xipc_process_pool_t *workers)
{
    CHECK_OK(xipc_process_pool_close(workers));
    CHECK_OK(xipc_process_pool_join(workers, TESTING_PATIENCE));
}

/* ---- results ---- */

static void apply_gives_the_result_of_the_task(testing_t *test)
{
    xipc_process_pool_t *workers = make_workers(test, 2);
    REQUIRE(workers != NULL);
    xipc_values_t *args = testing_int_args(40, test->pool);
    CHECK_OK(xipc_values_add_int(args, 2));
    CHECK_NUMBER(42, apply(workers, add, args, test));
    CHECK_NUMBER(0, apply(workers, add, NULL, test));
    CHECK_OK(xipc_process_pool_apply(NULL, workers, add, args, -1, test->pool)); /* not wanted */
    end_workers(workers);
}

static void workers_live_on_between_tasks(testing_t *test)
{
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(workers != NULL);
    apr_int64_t pid = apply(workers, tell_pid, NULL, test);
    CHECK(pid != system_pid());
    for (apr_int64_t i = 1; i <= 20; i++) CHECK_NUMBER(i, apply(workers, count_calls, NULL, test));
    CHECK_NUMBER(pid, apply(workers, tell_pid, NULL, test));
    end_workers(workers);
}

static void task_has_its_own_copy_of_the_arguments(testing_t *test)
{
    xipc_values_t *result = NULL;
    apr_int64_t count = 0;
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(workers != NULL);
    xipc_values_t *args = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_bytes(args, "peter", 5));
    for (int i = 0; i < 2; i++) {
        REQUIRE_OK(
            xipc_process_pool_apply(&result, workers, append, args, TESTING_PATIENCE, test->pool));
        CHECK_OK(xipc_values_get_int(&count, result, 0));
        CHECK_NUMBER(2, count);
        CHECK_NUMBER(1, xipc_values_count(args));
    }
    end_workers(workers);
}

static void arguments_and_result_may_be_large(testing_t *test)
{
    enum { LARGE = 32 << 20 };
    xipc_values_t *result = NULL;
    const void *data = NULL;
    apr_size_t size = 0;
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(workers != NULL);
    char *bytes = apr_palloc(test->pool, LARGE);
    testing_fill(bytes, LARGE, 2);
    xipc_values_t *args = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_bytes(args, bytes, LARGE));
    REQUIRE_OK(
        xipc_process_pool_apply(&result, workers, append, args, 2 * TESTING_PATIENCE, test->pool));
    CHECK_OK(xipc_values_get_bytes(&data, &size, result, 1));
    CHECK(size == LARGE && testing_is_filled(data, size, 2));
    end_workers(workers);
}

static void task_may_be_in_a_shared_library(testing_t *test)
{
    plugin_t plugin;
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(workers != NULL);
    REQUIRE(plugin_load(&plugin, XIPC_TEST_PLUGIN_ONE, test->pool)); /* later than the workers */
    CHECK_NUMBER(42, apply(workers, plugin.twice, testing_int_args(21, test->pool), test));
    end_workers(workers);
}

static void error_of_a_task_is_XIPC_EFAILED_and_named(testing_t *test)
{
    static const apr_status_t errors[] = {APR_ENOENT, XIPC_ETYPE, 77};
    char expected[200];
    xipc_values_t *result = NULL;
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(workers != NULL);
    for (int i = 0; i < 3; i++) {
        xipc_values_t *args = testing_int_args(errors[i], test->pool);
        CHECK_STATUS(XIPC_EFAILED, xipc_process_pool_apply(&result, workers, fail, args,
                                                           TESTING_PATIENCE, test->pool));
        CHECK(result == NULL);
        const char *text = testing_text(XIPC_EFAILED);
        CHECK(strstr(text, xipc_strerror(errors[i], expected, sizeof expected)) != NULL);
    }
    CHECK_NUMBER(5, apply(workers, add, testing_int_args(5, test->pool), test));
    end_workers(workers);
}

static void data_as_a_task_is_XIPC_ETARGET(testing_t *test)
{
    static int variable = 1;
    xipc_values_t *result = NULL;
    xipc_task_t task;
    const void *address = &variable;
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(workers != NULL);
    memcpy(&task, &address, sizeof task);
    CHECK_STATUS(XIPC_ETARGET, xipc_process_pool_apply(&result, workers, task, NULL,
                                                       TESTING_PATIENCE, test->pool));
    CHECK(result == NULL);
    CHECK_NUMBER(5, apply(workers, add, testing_int_args(5, test->pool), test));
    end_workers(workers);
}

/* ---- how many ---- */

static void pool_has_as_many_workers_as_asked(testing_t *test)
{
    for (apr_size_t count = 1; count <= 3; count++) {
        xipc_process_pool_t *workers = make_workers(test, count);
        REQUIRE(workers != NULL);
        CHECK_NUMBER(count, xipc_process_pool_processes(workers));
        end_workers(workers);
    }
    CHECK_NUMBER(0, xipc_process_pool_processes(NULL));
}

static void pool_of_0_has_a_worker_for_each_processor(testing_t *test)
{
    xipc_process_pool_t *workers;
    REQUIRE_OK(xipc_process_pool_create(&workers, 0, test->pool));
    CHECK(xipc_process_pool_processes(workers) >= 1);
    CHECK(xipc_process_pool_processes(workers) <= (apr_size_t)system_processors());
    CHECK_NUMBER(5, apply(workers, add, testing_int_args(5, test->pool), test));
    end_workers(workers);
}

static void NULL_options_are_the_defaults(testing_t *test)
{
    xipc_process_pool_t *workers;
    REQUIRE_OK(xipc_process_pool_create_ex(&workers, NULL, test->pool));
    CHECK_NUMBER(5, apply(workers, add, testing_int_args(5, test->pool), test));
    end_workers(workers);
}

static void start_method_of_the_options_is_checked(testing_t *test)
{
    xipc_process_pool_options_t *options;
    REQUIRE_OK(xipc_process_pool_options_create(&options, test->pool));
    CHECK_STATUS(APR_EINVAL,
                 xipc_process_pool_options_start_method_set(options, (xipc_start_method_e)99));
    CHECK_STATUS(system_has_fork() ? APR_SUCCESS : APR_ENOTIMPL,
                 xipc_process_pool_options_start_method_set(options, XIPC_START_FORK));
    CHECK_OK(xipc_process_pool_options_start_method_set(options, XIPC_START_SPAWN));
}

static void calls_refuse_NULL(testing_t *test)
{
    xipc_process_pool_t *workers = NULL;
    xipc_process_pool_options_t *options;
    xipc_values_t *result = NULL;
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_create(NULL, 1, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_create(&workers, 1, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_create_ex(NULL, NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_create_ex(&workers, NULL, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_options_create(NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_options_create(&options, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_options_processes_set(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_options_start_method_set(NULL, XIPC_START_SPAWN));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_apply(&result, NULL, add, NULL, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_close(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_terminate(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_join(NULL, 0));
    CHECK(workers == NULL);
    REQUIRE_OK(xipc_process_pool_create(&workers, 1, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_apply(&result, workers, NULL, NULL, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_process_pool_apply(&result, workers, add, NULL, 0, NULL));
    end_workers(workers);
}

/* ---- what may be among the arguments ---- */

static void check_inherit(xipc_process_pool_t *workers, const xipc_values_t *args, testing_t *test)
{
    xipc_values_t *result = NULL;
    char text[512];
    apr_status_t rv =
        xipc_process_pool_apply(&result, workers, put_one, args, TESTING_PATIENCE, test->pool);
    CHECK_STATUS(XIPC_EINHERIT, rv);
    (void)xipc_strerror(rv, text, sizeof text);
    CHECK(strstr(text, "inherit") != NULL || strstr(text, "process starts") != NULL);
    CHECK(result == NULL);
}

static void systems_queue_among_the_arguments_is_XIPC_EINHERIT(testing_t *test)
{
    xipc_queue_t *queue;
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(workers != NULL);
    REQUIRE_OK(xipc_queue_create(&queue, 1, 0, test->pool));
    check_inherit(workers, testing_queue_args(queue, test->pool), test);
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
    CHECK_NUMBER(5, apply(workers, add, testing_int_args(5, test->pool), test));
    end_workers(workers);
}

static void connection_among_the_arguments_is_XIPC_EINHERIT(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_process_pool_t *workers = make_workers(test, 1);
    REQUIRE(workers != NULL);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    check_inherit(workers, testing_connection_args(there, test->pool), test);
    CHECK_NUMBER(5, apply(workers, add, testing_int_args(5, test->pool), test));
    end_workers(workers);
}

static void managers_queue_may_be_among_the_arguments(testing_t *test)
{
    apr_int64_t number = 0;
    test->queue = TESTING_QUEUE_MANAGED;
    xipc_queue_t *queue = testing_queue(test, 0);
    xipc_process_pool_t *workers = make_workers(test, 2);
    REQUIRE(queue != NULL && workers != NULL);
    for (int i = 0; i < 4; i++) {
        xipc_values_t *args = testing_queue_args(queue, test->pool);
        CHECK_OK(
            xipc_process_pool_apply(NULL, workers, put_one, args, TESTING_PATIENCE, test->pool));
        CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
        CHECK_NUMBER(41, number);
    }
    end_workers(workers);
}

/* ---- a pool elsewhere ---- */

static int use_a_pool(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t method;
    apr_int64_t number;
    xipc_process_pool_options_t *options;
    xipc_process_pool_t *workers;
    xipc_values_t *result;
    if (xipc_values_get_int(&method, args, 0) != APR_SUCCESS) return 90;
    if (xipc_process_pool_options_create(&options, pool) != APR_SUCCESS) return 91;
    if (xipc_process_pool_options_processes_set(options, 2) != APR_SUCCESS) return 92;
    if (xipc_process_pool_options_start_method_set(options, (xipc_start_method_e)method) !=
        APR_SUCCESS)
        return 93;
    if (xipc_process_pool_create_ex(&workers, options, pool) != APR_SUCCESS) return 94;
    if (xipc_process_pool_apply(&result, workers, add, args, TESTING_PATIENCE, pool) != APR_SUCCESS)
        return 95;
    if (xipc_values_get_int(&number, result, 0) != APR_SUCCESS || number != method) return 96;
    if (xipc_process_pool_close(workers) != APR_SUCCESS) return 97;
    return xipc_process_pool_join(workers, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 98;
}

static void child_may_have_a_pool_of_its_own(testing_t *test)
{
    CHECK_NUMBER(0, testing_run(test, use_a_pool, testing_int_args(test->method, test->pool)));
}

static const testing_case_t cases[] = {
    EACH_METHOD(apply_gives_the_result_of_the_task),
    EACH_METHOD(workers_live_on_between_tasks),
    EACH_METHOD(task_has_its_own_copy_of_the_arguments),
    EACH_METHOD(arguments_and_result_may_be_large),
    EACH_METHOD(task_may_be_in_a_shared_library),
    EACH_METHOD(error_of_a_task_is_XIPC_EFAILED_and_named),
    EACH_METHOD(data_as_a_task_is_XIPC_ETARGET),
    EACH_METHOD(pool_has_as_many_workers_as_asked),
    ONCE(pool_of_0_has_a_worker_for_each_processor),
    ONCE(NULL_options_are_the_defaults),
    ONCE(start_method_of_the_options_is_checked),
    ONCE(calls_refuse_NULL),
    OF_SYSTEM_QUEUE_EACH_METHOD(systems_queue_among_the_arguments_is_XIPC_EINHERIT),
    EACH_METHOD(connection_among_the_arguments_is_XIPC_EINHERIT),
    EACH_METHOD(managers_queue_may_be_among_the_arguments),
    EACH_METHOD(child_may_have_a_pool_of_its_own),
};

TESTING_MAIN("process_pool", cases)
