/* A queue between processes, for each kind of queue and start method; the promises of queue.h. */
#include "testing.h"

/* ---- targets ---- */

static int put_three(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    for (apr_int64_t i = 1; i <= 3; i++)
        if (testing_put_int(queue, i, TESTING_PATIENCE) != APR_SUCCESS) return 91;
    return 0;
}

/* Each more urgent than the one before, or as many as the queue has priorities for. */
static int put_three_rising(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_queue_caps_t caps;
    char digit[] = "0";
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_queue_caps(&caps, queue) != APR_SUCCESS) return 91;
    for (unsigned i = 0; i < 3; i++, digit[0]++) {
        apr_status_t expected = i < caps.priorities ? APR_SUCCESS : APR_ENOTIMPL;
        if (xipc_queue_put_priority(queue, digit, 1, i, TESTING_PATIENCE) != expected) return 92;
    }
    return 0;
}

/* The exit code is the three numbers that came, as digits. */
static int get_three(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    apr_int64_t number;
    int digits = 0;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 254;
    for (int i = 0; i < 3; i++) {
        if (testing_get_int(&number, queue, TESTING_PATIENCE, pool) != APR_SUCCESS) return 255;
        digits = digits * 6 + (int)number;
    }
    return digits;
}

enum { ONE_TWO_THREE = (1 * 6 + 2) * 6 + 3 };

/* Tell when it is about to wait, then get one and tell it. */
static int get_and_tell(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    apr_int64_t number = -1;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    if (!testing_send_int(connection, 0)) return 92;
    if (testing_get_int(&number, queue, -1, pool) != APR_SUCCESS) return 93;
    return testing_send_int(connection, number) ? 0 : 94;
}

/* Tell when it is about to wait, then put one and tell that. */
static int put_and_tell(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    if (!testing_send_int(connection, 0)) return 92;
    if (testing_put_int(queue, 42, -1) != APR_SUCCESS) return 93;
    return testing_send_int(connection, 1) ? 0 : 94;
}

/* ---- reaching a process ---- */

static void child_puts_and_the_parent_gets(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 5);
    REQUIRE(queue != NULL);
    CHECK_NUMBER(0, testing_run(test, put_three, testing_queue_args(queue, test->pool)));
    for (apr_int64_t i = 1; i <= 3; i++) {
        apr_int64_t number = -1;
        CHECK_OK(testing_get_int(&number, queue, 0, test->pool)); /* visible when put returned */
        CHECK_NUMBER(i, number);
    }
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static void priorities_of_a_childs_messages_hold_for_the_parent(testing_t *test)
{
    xipc_queue_caps_t caps;
    xipc_queue_t *queue = testing_queue(test, 3);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    CHECK_NUMBER(0, testing_run(test, put_three_rising, testing_queue_args(queue, test->pool)));
    for (int digit = caps.priorities > 1 ? '2' : '0'; digit >= '0'; digit--) {
        void *data;
        apr_size_t size;
        REQUIRE_OK(xipc_queue_get(&data, &size, queue, 0, test->pool));
        CHECK_NUMBER(digit, *(const char *)data);
    }
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static void parent_puts_and_the_child_gets(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 2);
    REQUIRE(queue != NULL);
    CHECK_OK(testing_put_int(queue, 1, 0)); /* before there is a child */
    xipc_process_t *process = testing_start(test, get_three, testing_queue_args(queue, test->pool));
    CHECK_OK(testing_put_int(queue, 2, TESTING_PATIENCE));
    CHECK_OK(testing_put_int(queue, 3, TESTING_PATIENCE));
    CHECK_NUMBER(ONE_TWO_THREE, testing_finish(process));
}

static void others_go_on_using_a_queue_that_was_closed_here(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 5);
    REQUIRE(queue != NULL);
    for (apr_int64_t i = 1; i <= 2; i++) CHECK_OK(testing_put_int(queue, i, 0));
    xipc_process_t *reader = testing_start(test, get_three, testing_queue_args(queue, test->pool));
    CHECK_OK(testing_put_int(queue, 3, TESTING_PATIENCE));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_NUMBER(ONE_TWO_THREE, testing_finish(reader));
}

static xipc_queue_t *inherited; /* found by a forked child, which has a copy of every variable */

static int put_inherited(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return testing_put_int(inherited, 41, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 90;
}

static void queue_reaches_a_forked_child_as_a_variable(testing_t *test)
{
    apr_int64_t number = 0;
    if (test->method != XIPC_START_FORK || test->queue == TESTING_QUEUE_MANAGED) {
        testing_skip("about fork and the system's own queue");
        return;
    }
    inherited = testing_queue(test, 2);
    REQUIRE(inherited != NULL);
    CHECK_NUMBER(0, testing_run(test, put_inherited, NULL));
    CHECK_OK(testing_get_int(&number, inherited, 0, test->pool));
    CHECK_NUMBER(41, number);
}

/* Receive a queue over a connection and use it. */
static int put_into_what_comes(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_values_t *values;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_connection_recv_values(&values, connection, -1, pool) != APR_SUCCESS) return 91;
    return put_three(values, pool);
}

static void queue_reaches_a_running_process_over_a_connection(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_queue_t *queue = testing_queue(test, 5);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, put_into_what_comes, testing_connection_args(there, test->pool));
    CHECK_OK(
        xipc_connection_send_values(here, testing_queue_args(queue, test->pool), TESTING_PATIENCE));
    CHECK_NUMBER(0, testing_finish(process));
    for (apr_int64_t i = 1; i <= 3; i++) {
        apr_int64_t number = -1;
        CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
        CHECK_NUMBER(i, number);
    }
}

/* Start a child of its own that puts into the queue. */
static int hand_on(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t method;
    int exitcode;
    xipc_process_t *process;
    if (xipc_values_get_int(&method, args, 1) != APR_SUCCESS) return 90;
    if (xipc_process_create(&process, put_three, args, pool) != APR_SUCCESS) return 91;
    if (xipc_process_start_method_set(process, (xipc_start_method_e)method) != APR_SUCCESS)
        return 92;
    if (xipc_process_start(process) != APR_SUCCESS) return 93;
    if (xipc_process_join(process, TESTING_PATIENCE) != APR_SUCCESS) return 94;
    return xipc_process_exitcode(&exitcode, process) == APR_SUCCESS ? exitcode : 95;
}

static void child_hands_the_queue_on_to_its_own_child(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 5);
    REQUIRE(queue != NULL);
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    CHECK_NUMBER(0, testing_run(test, hand_on, args));
    for (apr_int64_t i = 1; i <= 3; i++) {
        apr_int64_t number = -1;
        CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
        CHECK_NUMBER(i, number);
    }
}

/* ---- waiting for another process ---- */

/* A child with the queue and a connection, which has told that it is about to wait. */
static xipc_process_t *start_waiting(xipc_connection_t **here, xipc_target_t target,
                                     xipc_queue_t *queue, testing_t *test)
{
    xipc_connection_t *there;
    apr_int64_t number;
    if (!CHECK_OK(xipc_pipe_create(here, &there, 1, test->pool))) return NULL;
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *process = testing_start(test, target, args);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&number, *here, TESTING_PATIENCE));
    return process;
}

static void waiting_get_is_served_by_a_put_of_another_process(testing_t *test)
{
    xipc_connection_t *here;
    apr_int64_t number = 0;
    xipc_queue_t *queue = testing_queue(test, 2);
    REQUIRE(queue != NULL);
    xipc_process_t *process = start_waiting(&here, get_and_tell, queue, test);
    REQUIRE(process != NULL);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(here, MILLISECONDS(60)));
    CHECK_OK(testing_put_int(queue, 41, 0));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    CHECK_NUMBER(0, testing_finish(process));
}

static void waiting_put_is_served_by_a_get_of_another_process(testing_t *test)
{
    xipc_connection_t *here;
    apr_int64_t number = 0;
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    CHECK_OK(testing_put_int(queue, 41, 0));
    xipc_process_t *process = start_waiting(&here, put_and_tell, queue, test);
    REQUIRE(process != NULL);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(here, MILLISECONDS(60)));
    CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
    CHECK_NUMBER(41, number);
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
    CHECK_NUMBER(42, number);
    CHECK_NUMBER(0, testing_finish(process));
}

/* ---- many at once ---- */

enum { WRITERS = 3, READERS = 3, MESSAGES = 200, STOP = -1 };

/* Put MESSAGES numbers: the writer's own in the thousands. */
static int write_many(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    apr_int64_t writer;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_int(&writer, args, 1) != APR_SUCCESS) return 91;
    for (apr_int64_t i = 0; i < MESSAGES; i++)
        if (testing_put_int(queue, writer * 1000 + i, TESTING_PATIENCE) != APR_SUCCESS) return 92;
    return 0;
}

/* Get numbers until STOP comes, and tell each. */
static int read_many(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    for (;;) {
        apr_int64_t number;
        if (testing_get_int(&number, queue, TESTING_PATIENCE, pool) != APR_SUCCESS) return 92;
        if (number == STOP) return 0;
        if (!testing_send_int(connection, number)) return 93;
    }
}

typedef struct {
    xipc_process_t *writers[WRITERS];
    xipc_process_t *readers[READERS];
    xipc_connection_t *told[READERS];
    int seen[WRITERS * MESSAGES];
} crowd_t;

static void start_crowd(crowd_t *crowd, xipc_queue_t *queue, testing_t *test)
{
    for (int i = 0; i < READERS; i++) {
        xipc_connection_t *there;
        CHECK_OK(xipc_pipe_create(&crowd->told[i], &there, 0, test->pool));
        xipc_values_t *args = testing_queue_args(queue, test->pool);
        CHECK_OK(xipc_values_add_connection(args, there));
        crowd->readers[i] = testing_start(test, read_many, args);
        CHECK_OK(xipc_connection_close(there));
    }
    for (int i = 0; i < WRITERS; i++) {
        xipc_values_t *args = testing_queue_args(queue, test->pool);
        CHECK_OK(xipc_values_add_int(args, i));
        crowd->writers[i] = testing_start(test, write_many, args);
    }
}

/* What one reader got: of each writer in that one's order. */
static void count_told(crowd_t *crowd, xipc_connection_t *told)
{
    apr_int64_t last[WRITERS] = {-1, -1, -1};
    apr_int64_t number;
    while (testing_recv_int(&number, told, TESTING_PATIENCE)) {
        apr_int64_t writer = number / 1000;
        apr_int64_t place = number % 1000;
        REQUIRE(number >= 0 && writer < WRITERS && place < MESSAGES);
        CHECK(place > last[writer]);
        last[writer] = place;
        crowd->seen[writer * MESSAGES + place]++;
    }
}

static void many_writers_and_readers_share_a_queue(testing_t *test)
{
    crowd_t *crowd = apr_pcalloc(test->pool, sizeof *crowd);
    xipc_queue_t *queue = testing_queue(test, 4);
    REQUIRE(queue != NULL);
    start_crowd(crowd, queue, test);
    for (int i = 0; i < WRITERS; i++) CHECK_NUMBER(0, testing_finish(crowd->writers[i]));
    for (int i = 0; i < READERS; i++) CHECK_OK(testing_put_int(queue, STOP, TESTING_PATIENCE));
    for (int i = 0; i < READERS; i++) {
        count_told(crowd, crowd->told[i]);
        CHECK_NUMBER(0, testing_finish(crowd->readers[i]));
    }
    int once = 0;
    for (int i = 0; i < WRITERS * MESSAGES; i++) once += crowd->seen[i] == 1;
    CHECK_NUMBER(WRITERS * MESSAGES, once);
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
}

static const testing_case_t cases[] = {
    EACH_QUEUE_AND_METHOD(child_puts_and_the_parent_gets),
    EACH_QUEUE_AND_METHOD(priorities_of_a_childs_messages_hold_for_the_parent),
    EACH_QUEUE_AND_METHOD(parent_puts_and_the_child_gets),
    EACH_QUEUE_AND_METHOD(others_go_on_using_a_queue_that_was_closed_here),
    EACH_QUEUE_AND_METHOD(queue_reaches_a_forked_child_as_a_variable),
    EACH_QUEUE_AND_METHOD(queue_reaches_a_running_process_over_a_connection),
    EACH_QUEUE_AND_METHOD(child_hands_the_queue_on_to_its_own_child),
    EACH_QUEUE_AND_METHOD(waiting_get_is_served_by_a_put_of_another_process),
    EACH_QUEUE_AND_METHOD(waiting_put_is_served_by_a_get_of_another_process),
    EACH_QUEUE_AND_METHOD(many_writers_and_readers_share_a_queue),
};

TESTING_MAIN("queue.processes", cases)
