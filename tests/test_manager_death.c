/*
 * Managers, their starters and their clients that die at any moment; see manager.h and queue.h,
 * Death.
 */
#include "managing.h"

#include <stdlib.h>

/* A large message does not fit into the system's buffers: there is a middle to be killed in. */
enum { LARGE = 24 << 20 };

/* ---- the manager dies ---- */

static void who_waits_in_get_when_the_manager_dies_is_told_XIPC_EDIED(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    xipc_process_t *one = managing_start_waiter(queue, test);
    xipc_process_t *other = managing_start_waiter(queue, test);
    apr_time_t began = system_clock();
    managing_kill(manager);
    CHECK_NUMBER(MANAGING_EDIED, testing_finish(one));
    CHECK_NUMBER(MANAGING_EDIED, testing_finish(other));
    CHECK_WAITED(began, 0);
}

static void who_waits_in_put_when_the_manager_dies_is_told_XIPC_EDIED(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    CHECK_OK(testing_put_int(queue, 0, 0));
    xipc_process_t *one = managing_start_waiter(queue, test);
    xipc_process_t *other = managing_start_waiter(queue, test);
    apr_time_t began = system_clock();
    managing_kill(manager);
    CHECK_NUMBER(MANAGING_EDIED, testing_finish(one));
    CHECK_NUMBER(MANAGING_EDIED, testing_finish(other));
    CHECK_WAITED(began, 0);
}

/* Kill a process by its number, a little later. Args: the number. */
static int kill_other(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t pid;
    (void)pool;
    if (xipc_values_get_int(&pid, args, 0) != APR_SUCCESS) return 90;
    apr_sleep(MILLISECONDS(50));
    return system_kill(pid) ? 0 : 91;
}

static void starter_itself_may_wait_when_the_manager_dies(testing_t *test)
{
    xipc_manager_t *manager;
    apr_int64_t number;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    xipc_values_t *args =
        testing_int_args(xipc_process_pid(xipc_manager_process(manager)), test->pool);
    xipc_process_t *killer = testing_start(test, kill_other, args);
    CHECK_STATUS(XIPC_EDIED, testing_get_int(&number, queue, -1, test->pool));
    CHECK_NUMBER(0, testing_finish(killer));
    CHECK_OK(xipc_process_join(xipc_manager_process(manager), TESTING_PATIENCE));
}

static void everything_is_XIPC_EDIED_after_the_manager_died(testing_t *test)
{
    xipc_manager_t *manager;
    apr_size_t size = 77;
    apr_int64_t number;
    char buffer[8];
    xipc_queue_t *other = NULL;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    managing_kill(manager);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(XIPC_EDIED, testing_put_int(queue, 1, TESTING_PATIENCE));
        CHECK_STATUS(XIPC_EDIED, testing_get_int(&number, queue, TESTING_PATIENCE, test->pool));
        CHECK_STATUS(XIPC_EDIED, xipc_queue_get_into(&size, queue, buffer, sizeof buffer, -1));
        CHECK_STATUS(XIPC_EDIED, xipc_queue_size(&size, queue));
        CHECK_STATUS(XIPC_EDIED, xipc_manager_queue(&other, manager, 1, test->pool));
    }
    CHECK(size == 77 && other == NULL);
    CHECK_NUMBER(0, xipc_queue_is_full(queue));
    CHECK_NUMBER(1, xipc_queue_is_empty(queue));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_OK(xipc_manager_shutdown(manager, TESTING_PATIENCE));
}

static int do_nothing(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

static void queue_of_a_dead_manager_reaches_nobody(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    managing_kill(manager);
    xipc_process_t *process = testing_create(test, do_nothing, args);
    REQUIRE(process != NULL);
    CHECK_STATUS(XIPC_EDIED, xipc_process_start(process));
    CHECK_STATUS(XIPC_EDIED, xipc_connection_send_values(here, args, TESTING_PATIENCE));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
}

/* Put large messages until there is an error, which is the exit code. */
static int put_large_for_ever(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    void *message = apr_pcalloc(pool, LARGE);
    int failed = managing_begin_child(&queue, &connection, args);
    if (failed) return failed;
    for (;;) {
        apr_status_t rv = xipc_queue_put(queue, message, LARGE, -1);
        if (rv != APR_SUCCESS) return rv == XIPC_EDIED ? MANAGING_EDIED : MANAGING_OTHER;
        (void)testing_send_int(connection, 1);
    }
}

static int get_large_for_ever(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    apr_size_t size;
    void *buffer = apr_palloc(pool, LARGE);
    int failed = managing_begin_child(&queue, &connection, args);
    if (failed) return failed;
    for (;;) {
        apr_status_t rv = xipc_queue_get_into(&size, queue, buffer, LARGE, -1);
        if (rv != APR_SUCCESS) return rv == XIPC_EDIED ? MANAGING_EDIED : MANAGING_OTHER;
        (void)testing_send_int(connection, size == LARGE && testing_is_filled(buffer, LARGE, 7));
    }
}

static apr_interval_time_t random_delay(void)
{
    return rand() % 20000;
}

static void manager_killed_in_mid_message_is_XIPC_EDIED_to_the_writer(testing_t *test)
{
    for (int round = 0; round < system_rounds(4); round++) {
        xipc_manager_t *manager;
        xipc_connection_t *told;
        xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
        REQUIRE(queue != NULL);
        xipc_process_t *writer = managing_start_child(&told, put_large_for_ever, queue, test);
        apr_sleep(random_delay());
        managing_kill(manager);
        CHECK_NUMBER(MANAGING_EDIED, testing_finish(writer));
    }
}

static void manager_killed_in_mid_message_is_XIPC_EDIED_to_the_reader(testing_t *test)
{
    void *message = apr_palloc(test->pool, LARGE);
    testing_fill(message, LARGE, 7);
    for (int round = 0; round < system_rounds(4); round++) {
        xipc_manager_t *manager;
        xipc_connection_t *told;
        apr_int64_t is_whole;
        xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
        REQUIRE(queue != NULL);
        xipc_process_t *reader = managing_start_child(&told, get_large_for_ever, queue, test);
        for (int i = 0; i < 2; i++) CHECK_OK(xipc_queue_put(queue, message, LARGE, -1));
        apr_sleep(random_delay());
        managing_kill(manager);
        CHECK_NUMBER(MANAGING_EDIED, testing_finish(reader));
        while (testing_recv_int(&is_whole, told, 0)) CHECK(is_whole); /* never torn */
    }
}

static void manager_that_does_not_answer_is_taken_for_dead(testing_t *test)
{
    xipc_manager_t *manager;
    apr_int64_t number;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    REQUIRE(queue != NULL);
    if (!system_suspend(xipc_process_pid(xipc_manager_process(manager)))) {
        testing_skip("processes can't be suspended here");
        return;
    }
    apr_time_t began = system_clock();
    CHECK_STATUS(XIPC_EDIED, testing_get_int(&number, queue, MILLISECONDS(10), test->pool));
    CHECK_WAITED(began, MILLISECONDS(10));
    CHECK(strstr(testing_text(XIPC_EDIED), "does not answer") != NULL);
    CHECK_OK(xipc_manager_shutdown(manager, 0));
}

/* ---- the starter dies ---- */

/*
 * Start a manager, pass a queue of it and its pid, then wait to be killed, or end. Args:
 * connection, method, is_to_end.
 */
static int start_a_manager(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    apr_int64_t method;
    apr_int64_t is_to_end;
    xipc_manager_t *manager;
    xipc_queue_t *queue;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_int(&method, args, 1) != APR_SUCCESS) return 91;
    if (xipc_values_get_int(&is_to_end, args, 2) != APR_SUCCESS) return 92;
    if (xipc_manager_start_ex(&manager, (xipc_start_method_e)method, pool) != APR_SUCCESS)
        return 93;
    if (xipc_manager_queue(&queue, manager, 1, pool) != APR_SUCCESS) return 94;
    xipc_values_t *values = xipc_values_make(pool);
    (void)xipc_values_add_queue(values, queue);
    (void)xipc_values_add_int(values, xipc_process_pid(xipc_manager_process(manager)));
    if (xipc_connection_send_values(connection, values, -1) != APR_SUCCESS) return 95;
    (void)testing_recv_int(&method, connection, -1);
    if (is_to_end) _Exit(0); /* whatever it leaves undone */
    return 0;
}

typedef struct {
    xipc_process_t *process;
    xipc_connection_t *connection;
    xipc_queue_t *queue;
    apr_int64_t pid; /* the manager's */
} starter_t;

static int begin_starter(starter_t *starter, int is_to_end, testing_t *test)
{
    xipc_connection_t *there;
    xipc_values_t *values;
    if (!CHECK_OK(xipc_pipe_create(&starter->connection, &there, 1, test->pool))) return 0;
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    CHECK_OK(xipc_values_add_int(args, is_to_end));
    starter->process = testing_start(test, start_a_manager, args);
    CHECK_OK(xipc_connection_close(there));
    return CHECK_OK(xipc_connection_recv_values(&values, starter->connection, TESTING_PATIENCE,
                                                test->pool)) &&
           CHECK_OK(xipc_values_get_queue(&starter->queue, values, 0)) &&
           CHECK_OK(xipc_values_get_int(&starter->pid, values, 1)) &&
           CHECK(system_runs(starter->pid));
}

static void check_manager_ended(const starter_t *starter, xipc_process_t *waiter, testing_t *test)
{
    apr_int64_t number;
    CHECK_NUMBER(MANAGING_EDIED, testing_finish(waiter));
    CHECK_STATUS(XIPC_EDIED, testing_get_int(&number, starter->queue, -1, test->pool));
    WAIT_FOR(!system_runs(starter->pid));
}

static void manager_ends_when_its_starter_is_killed(testing_t *test)
{
    starter_t starter;
    REQUIRE(begin_starter(&starter, 0, test));
    xipc_process_t *waiter = managing_start_waiter(starter.queue, test);
    CHECK_OK(xipc_process_kill(starter.process));
    CHECK_NUMBER(-9, testing_finish(starter.process));
    check_manager_ended(&starter, waiter, test);
}

static void manager_ends_when_its_starter_ends(testing_t *test)
{
    for (int is_at_once = 0; is_at_once < 2; is_at_once++) {
        starter_t starter;
        REQUIRE(begin_starter(&starter, is_at_once, test));
        xipc_process_t *waiter = managing_start_waiter(starter.queue, test);
        CHECK_OK(xipc_connection_close(starter.connection));
        CHECK_NUMBER(0, testing_finish(starter.process));
        check_manager_ended(&starter, waiter, test);
    }
}

/* ---- a client dies ---- */

static void killed_reader_that_waits_takes_nothing_along(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    for (int round = 0; round < system_rounds(4); round++) {
        xipc_process_t *victim = managing_start_waiter(queue, test);
        xipc_process_t *other = managing_start_waiter(queue, test);
        REQUIRE(victim != NULL);
        CHECK_OK(xipc_process_kill(victim));
        CHECK_NUMBER(-9, testing_finish(victim));
        CHECK_OK(testing_put_int(queue, round, TESTING_PATIENCE));
        CHECK_NUMBER(MANAGING_SERVED, testing_finish(other));
        CHECK_OK(testing_put_int(queue, round, TESTING_PATIENCE));
        managing_check_get(queue, round, test->pool);
    }
}

static void killed_writer_that_waits_puts_nothing(testing_t *test)
{
    xipc_manager_t *manager;
    apr_int64_t number = -1;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 1, test);
    REQUIRE(queue != NULL);
    CHECK_OK(testing_put_int(queue, 0, 0));
    xipc_process_t *victim = managing_start_waiter(queue, test);
    REQUIRE(victim != NULL);
    apr_sleep(MILLISECONDS(50)); /* it may wait by now, else its message comes a little later */
    CHECK_OK(xipc_process_kill(victim));
    CHECK_NUMBER(-9, testing_finish(victim));
    xipc_process_t *other = managing_start_waiter(queue, test);
    managing_check_get(queue, 0, test->pool);
    CHECK_NUMBER(MANAGING_SERVED, testing_finish(other));
    managing_check_get(queue, 99, test->pool);
    apr_status_t rv = testing_get_int(&number, queue, MILLISECONDS(50), test->pool);
    CHECK(rv == XIPC_EEMPTY || number == 99);
}

static void writer_killed_in_mid_message_puts_nothing_torn(testing_t *test)
{
    xipc_manager_t *manager;
    apr_pool_t *each;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 2, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    for (int round = 0; round < system_rounds(8); round++) {
        xipc_connection_t *told;
        apr_size_t size = 0;
        void *data;
        testing_t inner = *test;
        inner.pool = each;
        xipc_process_t *victim = managing_start_child(&told, put_large_for_ever, queue, &inner);
        REQUIRE(victim != NULL);
        apr_sleep(random_delay());
        CHECK_OK(xipc_process_kill(victim));
        CHECK_NUMBER(-9, testing_finish(victim));
        for (int count = 0;
             xipc_queue_get(&data, &size, queue, MILLISECONDS(20), each) == APR_SUCCESS; count++) {
            CHECK_NUMBER(LARGE, size);
            CHECK(count < 4);
        }
        CHECK_OK(testing_put_int(queue, 1, 0));
        managing_check_get(queue, 1, each);
        apr_pool_clear(each);
    }
}

/* Messages whose reader dies in the middle of one come whole to the next reader, in their order. */
static void message_whose_reader_dies_in_its_middle_is_the_next_ones(testing_t *test)
{
    enum { COUNT = 3 };
    xipc_manager_t *manager;
    apr_pool_t *each;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    unsigned char *message = apr_palloc(test->pool, LARGE);
    REQUIRE(queue != NULL);
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    testing_fill(message, LARGE, 7);
    for (int round = 0; round < system_rounds(8); round++) {
        xipc_connection_t *told;
        apr_int64_t is_whole;
        apr_size_t size = 0;
        int count = 0;
        testing_t inner = *test;
        inner.pool = each;
        for (int i = 0; i < COUNT; i++) CHECK_OK(xipc_queue_put(queue, message, LARGE, -1));
        xipc_process_t *victim = managing_start_child(&told, get_large_for_ever, queue, &inner);
        REQUIRE(victim != NULL);
        apr_sleep(random_delay());
        CHECK_OK(xipc_process_kill(victim));
        CHECK_NUMBER(-9, testing_finish(victim));
        for (; testing_recv_int(&is_whole, told, TESTING_PATIENCE); count++) CHECK(is_whole);
        /*
         * what a dead client was being sent is back when its end has been seen, which may be a
         * little later
         */
        while (xipc_queue_get_into(&size, queue, message, LARGE, MILLISECONDS(50)) == APR_SUCCESS) {
            CHECK(size == LARGE && testing_is_filled(message, LARGE, 7));
            count++;
        }
        CHECK(count == COUNT || count == COUNT - 1); /* one may have reached it and not been told */
        apr_pool_clear(each);
    }
}

/* One that stops reading in the middle of its message holds up nobody. */
static void suspended_reader_holds_up_nobody(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_connection_t *told;
    xipc_queue_t *queue = managing_start_with_queue(&manager, 0, test);
    xipc_queue_t *other = managing_queue(manager, 0, test);
    char *message = apr_palloc(test->pool, LARGE);
    apr_size_t size = 0;
    REQUIRE(queue != NULL && other != NULL);
    testing_fill(message, LARGE, 7);
    xipc_process_t *reader = managing_start_child(&told, get_large_for_ever, queue, test);
    REQUIRE(reader != NULL);
    if (!system_suspend(xipc_process_pid(reader))) {
        testing_skip("processes can't be suspended here");
        CHECK_OK(xipc_process_kill(reader));
        CHECK_NUMBER(-9, testing_finish(reader));
        return;
    }
    CHECK_OK(xipc_queue_put(queue, message, LARGE, TESTING_PATIENCE)); /* on its way to it */
    apr_time_t began = system_clock();
    for (int i = 0; i < 200; i++) {
        CHECK_OK(testing_put_int(other, i, TESTING_PATIENCE));
        managing_check_get(other, i, test->pool);
    }
    CHECK_WAITED(began, 0);
    CHECK_OK(xipc_process_kill(reader));
    CHECK_NUMBER(-9, testing_finish(reader));
    memset(message, 0, LARGE);
    CHECK_OK(xipc_queue_get_into(&size, queue, message, LARGE, TESTING_PATIENCE));
    CHECK(size == LARGE && testing_is_filled(message, LARGE, 7)); /* nothing is lost */
}

static const testing_case_t cases[] = {
    EACH_METHOD(who_waits_in_get_when_the_manager_dies_is_told_XIPC_EDIED),
    EACH_METHOD(who_waits_in_put_when_the_manager_dies_is_told_XIPC_EDIED),
    EACH_METHOD(starter_itself_may_wait_when_the_manager_dies),
    EACH_METHOD(everything_is_XIPC_EDIED_after_the_manager_died),
    EACH_METHOD(queue_of_a_dead_manager_reaches_nobody),
    EACH_METHOD(manager_killed_in_mid_message_is_XIPC_EDIED_to_the_writer),
    EACH_METHOD(manager_killed_in_mid_message_is_XIPC_EDIED_to_the_reader),
    ONCE(manager_that_does_not_answer_is_taken_for_dead),
    EACH_METHOD(manager_ends_when_its_starter_is_killed),
    EACH_METHOD(manager_ends_when_its_starter_ends),
    EACH_METHOD(killed_reader_that_waits_takes_nothing_along),
    EACH_METHOD(killed_writer_that_waits_puts_nothing),
    EACH_METHOD(writer_killed_in_mid_message_puts_nothing_torn),
    EACH_METHOD(message_whose_reader_dies_in_its_middle_is_the_next_ones),
    EACH_METHOD(suspended_reader_holds_up_nobody),
};

TESTING_MAIN("manager.death", cases)
