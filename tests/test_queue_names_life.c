/* How long a queue's name lasts, and who holds it; the promises of queue.h about them. */
#include "naming.h"

/* ---- how long it lasts ---- */

static void last_to_close_removes_the_name(testing_t *test)
{
    const char *name = naming_name("last", test);
    xipc_queue_t *queue = naming_make(name, test);
    xipc_process_t *process = naming_start_holder(test, "hold", name);
    REQUIRE(queue != NULL && process != NULL);
    CHECK_OK(xipc_queue_put(queue, "kept", 4, 0));
    CHECK_OK(xipc_queue_close(queue));
    REQUIRE_OK(xipc_queue_open(&queue, name, NULL, test->pool));
    naming_check_message("kept", queue, test);
    CHECK_NUMBER(0, naming_end(process));
    CHECK_OK(naming_try_open(name, test));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_STATUS(APR_ENOENT, naming_try_open(name, test));
}

static void unlinked_queue_goes_on_and_another_may_have_the_name(testing_t *test)
{
    const char *name = naming_name("unlink", test);
    xipc_queue_t *old = naming_make(name, test);
    xipc_process_t *process = naming_start(test, "wait", name, "");
    REQUIRE(old != NULL && process != NULL);
    CHECK_TEXT("waiting", naming_hear(process, test));
    CHECK_OK(xipc_queue_unlink(name));
    CHECK_STATUS(APR_ENOENT, xipc_queue_unlink(name));
    CHECK_STATUS(APR_ENOENT, naming_try_open(name, test));
    xipc_queue_t *another = naming_make(name, test);
    REQUIRE(another != NULL);
    CHECK_OK(xipc_queue_put(another, "new", 3, 0));
    CHECK_OK(xipc_queue_put(old, "old", 3, 0));
    CHECK_TEXT("old", naming_hear(process, test));
    CHECK_NUMBER(0, naming_end(process));
    CHECK_OK(xipc_queue_close(old));
    CHECK_NUMBER(1, naming_holders(name, test));
    naming_check_message("new", another, test);
}

/* All that look: each finds that only a dead one held it. */
static void name_of_the_dead_is_removed_by_the_next_who_looks(testing_t *test)
{
    const char *name = naming_name("dead", test);
    xipc_queue_t *queue;
    for (int look = 0; look < 5; look++) {
        xipc_process_t *process = naming_start_holder(test, "make", name);
        REQUIRE(process != NULL);
        CHECK_NUMBER(1, naming_holders(name, test));
        naming_kill(process);
        if (look == 0) CHECK_STATUS(APR_ENOENT, naming_try_open(name, test));
        if (look == 1) CHECK_STATUS(APR_ENOENT, xipc_queue_unlink(name));
        if (look == 2) CHECK_NUMBER(0, naming_holders(name, test));
        if (look < 3) continue;
        queue = NULL;
        if (look == 3) queue = naming_make(name, test);
        if (look == 4) CHECK_OK(xipc_queue_open_or_create(&queue, name, NULL, test->pool));
        REQUIRE(queue != NULL);
        CHECK(xipc_queue_is_empty(queue));
        CHECK_OK(xipc_queue_close(queue));
    }
}

static void name_of_a_living_one_stays_when_others_die(testing_t *test)
{
    const char *name = naming_name("living", test);
    xipc_process_t *dying = naming_start_holder(test, "make", name);
    xipc_process_t *living = naming_start_holder(test, "hold", name);
    xipc_queue_t *queue;
    REQUIRE(dying != NULL && living != NULL);
    naming_kill(dying);
    CHECK_STATUS(APR_EEXIST, xipc_queue_create_ex(&queue, naming_options(name, test), test->pool));
    CHECK_NUMBER(1, naming_holders(name, test));
    REQUIRE_OK(xipc_queue_open(&queue, name, NULL, test->pool));
    naming_check_message("made", queue, test);
    naming_kill(living);
    CHECK_NUMBER(1, naming_holders(name, test));
    CHECK_OK(xipc_queue_put(queue, "x", 1, 0));
    CHECK_OK(naming_try_open(name, test));
}

/* ---- travelling ---- */

/* Says that it has the queue, and stays until it is told to end. */
static int hold(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *told;
    apr_int64_t word;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 1;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 2;
    if (xipc_queue_name(queue) == NULL) return 3;
    if (!testing_send_int(told, 1)) return 4;
    return testing_recv_int(&word, told, TESTING_PATIENCE) ? 0 : 5;
}

static void who_is_given_it_holds_it_too(testing_t *test)
{
    const char *name = naming_name("given", test);
    xipc_queue_t *queue = naming_make(name, test);
    xipc_connection_t *here, *there;
    apr_int64_t word;
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *process = testing_start(test, hold, args);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&word, here, TESTING_PATIENCE));
    CHECK_NUMBER(2, naming_holders(name, test));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_OK(naming_try_open(name, test));
    CHECK(testing_send_int(here, 1));
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_NUMBER(0, naming_holders(name, test));
}

static xipc_queue_t *inherited;

static int close_inherited(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return inherited != NULL && xipc_queue_close(inherited) != APR_SUCCESS;
}

static void forked_copy_holds_nothing(testing_t *test)
{
    const char *name = naming_name("copy", test);
    inherited = naming_make(name, test);
    REQUIRE(inherited != NULL);
    CHECK_NUMBER(0, testing_run(test, close_inherited, NULL));
    CHECK_NUMBER(1, naming_holders(name, test));
    CHECK_OK(naming_try_open(name, test));
    CHECK_OK(xipc_queue_put(inherited, "x", 1, 0));
    inherited = NULL;
}

static apr_status_t put_one(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)result;
    (void)pool;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    return rv == APR_SUCCESS ? xipc_queue_put(queue, "task", 4, 0) : rv;
}

static void pools_task_takes_it_among_its_arguments(testing_t *test)
{
    const char *name = naming_name("task", test);
    xipc_process_pool_t *workers;
    xipc_values_t *result;
    REQUIRE_OK(xipc_process_pool_create(&workers, 1, test->pool));
    xipc_queue_t *queue = naming_make(name, test);
    REQUIRE(queue != NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(xipc_process_pool_apply(&result, workers, put_one,
                                         testing_queue_args(queue, test->pool), TESTING_PATIENCE,
                                         test->pool));
        naming_check_message("task", queue, test);
    }
    WAIT_FOR(naming_holders(name, test) == 1); /* the worker's went with its task */
    CHECK_OK(xipc_process_pool_close(workers));
    CHECK_OK(xipc_process_pool_join(workers, TESTING_PATIENCE));
}

static void queue_in_a_message_holds_its_name_once_received(testing_t *test)
{
    const char *name = naming_name("message", test);
    xipc_connection_t *here, *there;
    xipc_values_t *values;
    xipc_queue_t *received;
    xipc_queue_t *queue = naming_make(name, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_connection_send_values(here, testing_queue_args(queue, test->pool), -1));
    CHECK_OK(xipc_connection_recv_values(&values, there, TESTING_PATIENCE, test->pool));
    REQUIRE_OK(xipc_values_get_queue(&received, values, 0));
    CHECK_NUMBER(2, naming_holders(name, test));
    /* on its way while the name is taken away, and given to another */
    CHECK_OK(xipc_connection_send_values(here, testing_queue_args(queue, test->pool), -1));
    CHECK_OK(xipc_queue_unlink(name));
    xipc_queue_t *another = naming_make(name, test);
    REQUIRE(another != NULL);
    CHECK_OK(xipc_connection_recv_values(&values, there, TESTING_PATIENCE, test->pool));
    REQUIRE_OK(xipc_values_get_queue(&received, values, 0));
    CHECK_NUMBER(1, naming_holders(name, test));
    CHECK_OK(xipc_queue_put(received, "old", 3, 0));
    naming_check_message("old", queue, test);
    CHECK_OK(xipc_queue_close(received));
    CHECK_OK(naming_try_open(name, test));
}

static const testing_case_t cases[] = {
    ONCE(last_to_close_removes_the_name),
    ONCE(unlinked_queue_goes_on_and_another_may_have_the_name),
    ONCE(name_of_the_dead_is_removed_by_the_next_who_looks),
    ONCE(name_of_a_living_one_stays_when_others_die),
    EACH_METHOD(who_is_given_it_holds_it_too),
    EACH_METHOD(forked_copy_holds_nothing),
    EACH_METHOD(pools_task_takes_it_among_its_arguments),
    ONCE(queue_in_a_message_holds_its_name_once_received),
};

TESTING_MAIN("queue.names.life", cases)
