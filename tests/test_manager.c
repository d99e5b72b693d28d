/*
 * A manager's process and its queues; the promises of manager.h. What each queue promises is in
 * test_queue*.
 */
#include "managing.h"

/* ---- targets ---- */

static int put_one(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    return testing_put_int(queue, 7, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 91;
}

static xipc_manager_t
    *parents_manager; /* found by a forked child, which has a copy of every variable */
static xipc_queue_t *parents_queue;

/*
 * Try what only the parent may do; the exit code is the number of errors that are not the right
 * ones.
 */
static int use_the_parents_manager(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue = NULL;
    apr_size_t size;
    int wrong = 0;
    (void)args;
    wrong += xipc_manager_queue(&queue, parents_manager, 1, pool) != XIPC_ENOTOWNER;
    wrong += xipc_manager_shutdown(parents_manager, 0) != XIPC_ENOTOWNER;
    wrong += queue != NULL;
    wrong += testing_put_int(parents_queue, 1, 0) != XIPC_ECLOSED;
    wrong += xipc_queue_size(&size, parents_queue) != XIPC_ECLOSED;
    return wrong;
}

/* ---- life ---- */

static void manager_is_a_process_of_its_own(testing_t *test)
{
    xipc_manager_t *manager = managing_start(test);
    REQUIRE(manager != NULL);
    const xipc_process_t *process = xipc_manager_process(manager);
    REQUIRE(process != NULL);
    CHECK(xipc_process_is_alive(process));
    CHECK(xipc_process_pid(process) != xipc_current_pid());
    CHECK_OK(xipc_manager_shutdown(manager, TESTING_PATIENCE));
}

static void shutdown_ends_the_process_and_may_be_repeated(testing_t *test)
{
    xipc_manager_t *manager = managing_start(test);
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

static void manager_is_started_by_the_default_method(testing_t *test)
{
    xipc_manager_t *manager;
    CHECK_OK(xipc_start_method_set(test->method));
    apr_status_t rv = xipc_manager_start(&manager, test->pool);
    CHECK_OK(xipc_start_method_set(XIPC_START_DEFAULT));
    REQUIRE_OK(rv);
    CHECK_NUMBER(test->method, xipc_process_start_method(xipc_manager_process(manager)));
}

static void manager_belongs_to_the_process_that_made_it(testing_t *test)
{
    if (test->method != XIPC_START_FORK) {
        testing_skip("only a forked child has the object");
        return;
    }
    parents_queue = managing_start_with_queue(&parents_manager, 0, test);
    REQUIRE(parents_queue != NULL);
    CHECK_NUMBER(0, testing_run(test, use_the_parents_manager, NULL));
    CHECK(xipc_process_is_alive(xipc_manager_process(parents_manager)));
    CHECK_OK(testing_put_int(parents_queue, 1, 0));
    managing_check_get(parents_queue, 1, test->pool);
}

static void who_waits_at_the_shutdown_is_told_XIPC_EDIED(testing_t *test)
{
    xipc_manager_t *manager;
    apr_int64_t number;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    xipc_process_t *waiter = managing_start_waiter(queue, test);
    CHECK_OK(xipc_manager_shutdown(manager, TESTING_PATIENCE));
    CHECK_NUMBER(MANAGING_EDIED, testing_finish(waiter));
    CHECK_STATUS(XIPC_EDIED, testing_put_int(queue, 1, -1));
    CHECK_STATUS(XIPC_EDIED, testing_get_int(&number, queue, -1, test->pool));
}

static void shutdown_kills_a_manager_that_does_not_end_in_time(testing_t *test)
{
    xipc_manager_t *manager = managing_start(test);
    REQUIRE(manager != NULL);
    pid_t pid = xipc_process_pid(xipc_manager_process(manager));
    if (!system_suspend(pid)) {
        testing_skip("processes can't be suspended here");
        return;
    }
    apr_time_t began = system_clock();
    CHECK_OK(xipc_manager_shutdown(manager, MILLISECONDS(150)));
    CHECK_WAITED(began, MILLISECONDS(150));
    WAIT_FOR(!system_runs(pid));
}

/* ---- queues ---- */

static void queues_of_two_managers_are_apart(testing_t *test)
{
    xipc_manager_t *one;
    xipc_manager_t *other;
    xipc_queue_t *first = managing_start_with_queue(&one, 0, test);
    xipc_queue_t *second = managing_start_with_queue(&other, 0, test);
    REQUIRE(first != NULL && second != NULL);
    CHECK_OK(testing_put_int(first, 1, 0));
    CHECK_OK(testing_put_int(second, 2, 0));
    managing_check_get(first, 1, test->pool);
    CHECK_OK(xipc_manager_shutdown(one, TESTING_PATIENCE));
    managing_check_get(second, 2, test->pool);
    CHECK(xipc_queue_is_empty(second));
}

static void queues_of_one_manager_are_apart(testing_t *test)
{
    xipc_queue_t *second;
    xipc_manager_t *manager;
    xipc_queue_t *first = managing_start_with_queue(&manager, 0, test);
    REQUIRE(first != NULL);
    REQUIRE_OK(xipc_manager_queue(&second, manager, 1, test->pool));
    CHECK_OK(testing_put_int(first, 1, 0));
    CHECK_OK(testing_put_int(first, 2, 0));
    CHECK_OK(testing_put_int(second, 3, 0));
    CHECK_STATUS(XIPC_EFULL, testing_put_int(second, 4, 0));
    managing_check_get(second, 3, test->pool);
    managing_check_get(first, 1, test->pool);
    managing_check_get(first, 2, test->pool);
    CHECK(xipc_queue_is_empty(second));
}

static void messages_stay_when_a_client_closes_its_queue(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    CHECK_NUMBER(0, testing_run(test, put_one, testing_queue_args(queue, test->pool)));
    managing_check_get(queue, 7, test->pool);
}

static void queue_without_a_bound_holds_very_many_messages(testing_t *test)
{
    xipc_manager_t *manager;
    apr_size_t size = 0;
    apr_pool_t *each;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    const int count = system_rounds(2000);
    for (int i = 0; i < count; i++) CHECK_OK(testing_put_int(queue, i, TESTING_PATIENCE));
    CHECK_OK(xipc_queue_size(&size, queue));
    CHECK_NUMBER(count, size);
    for (int i = 0; i < count; i++) {
        managing_check_get(queue, i, each);
        apr_pool_clear(each);
    }
}

/* ---- limits ---- */

static void start_without_handles_is_an_error_and_leaves_nothing(testing_t *test)
{
    xipc_manager_t *manager = NULL;
    for (int spare = 0; spare < 3; spare++) {
        if (!system_limit_handles(spare)) {
            testing_skip("no limit of handles here");
            return;
        }
        apr_status_t rv = xipc_manager_start_ex(&manager, test->method, test->pool);
        system_unlimit_handles();
        CHECK(rv != APR_SUCCESS && manager == NULL);
    }
}

static void queue_without_handles_is_an_error_and_leaves_nothing(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *other = NULL;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    for (int spare = 0; spare < 2; spare++) {
        if (!system_limit_handles(spare)) {
            testing_skip("no limit of handles here");
            return;
        }
        apr_status_t rv = xipc_manager_queue(&other, manager, 1, test->pool);
        system_unlimit_handles();
        CHECK(APR_STATUS_IS_EMFILE(rv) && other == NULL);
    }
    CHECK_OK(xipc_manager_queue(&other, manager, 1, test->pool));
    CHECK_OK(testing_put_int(queue, 1, 0));
}

/* Take queues until there are no more of them; how many there were. */
static int take_queues(xipc_queue_t **queues, int most, xipc_manager_t *manager, testing_t *test)
{
    for (int count = 0; count < most; count++) {
        apr_status_t rv = xipc_manager_queue(&queues[count], manager, 0, test->pool);
        if (rv == APR_SUCCESS) continue;
        CHECK(APR_STATUS_IS_EMFILE(rv));
        return count;
    }
    return most;
}

static void manager_without_handles_says_so_and_goes_on(testing_t *test)
{
    enum { SPARE = 30, MOST = 100 };
    xipc_queue_t *queues[MOST];
    xipc_queue_t *last = NULL;
    if (!system_limit_handles(SPARE)) { /* which the manager takes over */
        testing_skip("no limit of handles here");
        return;
    }
    xipc_manager_t *manager = managing_start(test);
    system_unlimit_handles();
    REQUIRE(manager != NULL);
    int count = take_queues(queues, MOST, manager, test);
    REQUIRE(count > 3 && count < MOST);
    CHECK_NUMBER(0, take_queues(&last, 1, manager, test));
    for (int i = 0; i < count; i++) CHECK_OK(testing_put_int(queues[i], i, 0));
    for (int i = 0; i < count; i++) managing_check_get(queues[i], i, test->pool);
    for (int i = 0; i < 3; i++) CHECK_OK(xipc_queue_close(queues[i]));
    WAIT_FOR(xipc_manager_queue(&last, manager, 0, test->pool) == APR_SUCCESS);
    CHECK_OK(testing_put_int(last, 1, 0));
}

/* ---- bad input ---- */

static void making_a_queue_after_shutdown_is_XIPC_ECLOSED(testing_t *test)
{
    xipc_queue_t *queue;
    xipc_manager_t *manager = managing_start(test);
    REQUIRE(manager != NULL);
    CHECK_OK(xipc_manager_shutdown(manager, TESTING_PATIENCE));
    CHECK_STATUS(XIPC_ECLOSED, xipc_manager_queue(&queue, manager, 1, test->pool));
    CHECK(strstr(testing_text(XIPC_ECLOSED), "manager") != NULL);
}

static void capacity_beyond_all_memory_is_APR_EINVAL(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    xipc_manager_t *manager = managing_start(test);
    REQUIRE(manager != NULL);
    CHECK_STATUS(APR_EINVAL, xipc_manager_queue(&queue, manager, (apr_size_t)-1, test->pool));
    CHECK(queue == NULL);
}

static void start_method_that_is_not_here_is_APR_ENOTIMPL(testing_t *test)
{
    xipc_manager_t *manager;
    if (system_has_fork()) {
        testing_skip("all are here");
        return;
    }
    CHECK_STATUS(APR_ENOTIMPL, xipc_manager_start_ex(&manager, XIPC_START_FORK, test->pool));
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
    manager = managing_start(test);
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
    EACH_METHOD(manager_is_started_by_the_default_method),
    EACH_METHOD(manager_belongs_to_the_process_that_made_it),
    EACH_METHOD(who_waits_at_the_shutdown_is_told_XIPC_EDIED),
    EACH_METHOD(shutdown_kills_a_manager_that_does_not_end_in_time),
    EACH_METHOD(queues_of_one_manager_are_apart),
    EACH_METHOD(queues_of_two_managers_are_apart),
    EACH_METHOD(messages_stay_when_a_client_closes_its_queue),
    EACH_METHOD(queue_without_a_bound_holds_very_many_messages),
    EACH_METHOD(start_without_handles_is_an_error_and_leaves_nothing),
    EACH_METHOD(queue_without_handles_is_an_error_and_leaves_nothing),
    EACH_METHOD(manager_without_handles_says_so_and_goes_on),
    EACH_METHOD(making_a_queue_after_shutdown_is_XIPC_ECLOSED),
    ONCE(capacity_beyond_all_memory_is_APR_EINVAL),
    ONCE(manager_refuses_NULL),
    ONCE(start_method_that_is_not_here_is_APR_ENOTIMPL),
    ONCE(start_method_that_is_none_is_APR_EINVAL),
};

TESTING_MAIN("manager", cases)
