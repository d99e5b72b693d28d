/* Waiting for several objects at once; the promises of wait.h. */
#include "testing.h"

#include "xipc/wait.h"

#include <apr_thread_proc.h>

/* ---- targets ---- */

/* Send a number, wait for the other side's end, and return the number. Args: connection, number. */
static int send_and_stay(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    apr_int64_t number;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_int(&number, args, 1) != APR_SUCCESS) return 91;
    if (!testing_send_int(connection, number)) return 92;
    return xipc_connection_poll(connection, TESTING_PATIENCE) == APR_SUCCESS ? (int)number : 93;
}

/* Put a number as soon as told. Args: queue, connection. */
static int put_when_told(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    apr_int64_t number;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    if (!testing_recv_int(&number, connection, TESTING_PATIENCE)) return 92;
    return testing_put_int(queue, number, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 93;
}

/* ---- items ---- */

static xipc_wait_item_t of_connection(xipc_connection_t *connection)
{
    return (xipc_wait_item_t){.kind = XIPC_WAIT_CONNECTION, .of.connection = connection};
}

static xipc_wait_item_t of_process(xipc_process_t *process)
{
    return (xipc_wait_item_t){.kind = XIPC_WAIT_PROCESS, .of.process = process};
}

static xipc_wait_item_t of_queue(xipc_queue_t *queue)
{
    return (xipc_wait_item_t){.kind = XIPC_WAIT_QUEUE, .of.queue = queue};
}

static xipc_wait_item_t of_handle(apr_os_file_t handle)
{
    return (xipc_wait_item_t){.kind = XIPC_WAIT_HANDLE, .of.handle = handle};
}

static int make_pipe(xipc_connection_t **here, xipc_connection_t **there, testing_t *test)
{
    return CHECK_OK(xipc_pipe_create(here, there, 1, test->pool));
}

/* Wait for one item, and tell whether it is ready. */
static int is_ready(xipc_wait_item_t item, apr_interval_time_t timeout)
{
    apr_size_t ready = 99;
    apr_status_t rv = xipc_wait(&ready, &item, 1, timeout);
    CHECK_STATUS(item.is_ready ? APR_SUCCESS : APR_TIMEUP, rv);
    CHECK_NUMBER(item.is_ready != 0, ready);
    return item.is_ready;
}

/* ---- what is ready ---- */

static void connection_with_a_message_is_ready_until_it_is_received(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number;
    REQUIRE(make_pipe(&here, &there, test));
    CHECK(!is_ready(of_connection(here), 0));
    CHECK(testing_send_int(there, 1));
    CHECK(is_ready(of_connection(here), TESTING_PATIENCE));
    CHECK(is_ready(of_connection(here), 0));
    CHECK(testing_recv_int(&number, here, 0));
    CHECK(!is_ready(of_connection(here), 0));
}

static void connection_is_ready_for_messages_that_were_read_ahead(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number;
    REQUIRE(make_pipe(&here, &there, test));
    CHECK(testing_send_int(there, 1));
    CHECK(testing_send_int(there, 2));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK(is_ready(of_connection(here), 0));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK(!is_ready(of_connection(here), 0));
}

static void connection_at_its_end_is_ready(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE(make_pipe(&here, &there, test));
    CHECK_OK(xipc_connection_close(there));
    CHECK(is_ready(of_connection(here), TESTING_PATIENCE));
}

static void process_is_ready_when_it_has_ended(testing_t *test)
{
    apr_int64_t number;
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE(make_pipe(&here, &there, test));
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, 5));
    xipc_process_t *process = testing_start(test, send_and_stay, args);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK(!is_ready(of_process(process), 0));
    CHECK_OK(xipc_connection_close(here));
    CHECK(is_ready(of_process(process), TESTING_PATIENCE));
    CHECK_OK(xipc_process_join(process, 0));
    CHECK(is_ready(of_process(process), 0));
    CHECK_NUMBER(5, testing_finish(process));
}

static void queue_is_ready_while_it_has_a_message(testing_t *test)
{
    apr_int64_t number;
    xipc_queue_t *queue = testing_queue(test, 2);
    REQUIRE(queue != NULL);
    CHECK(!is_ready(of_queue(queue), 0));
    CHECK_OK(testing_put_int(queue, 1, 0));
    CHECK(is_ready(of_queue(queue), TESTING_PATIENCE));
    CHECK(is_ready(of_queue(queue), 0));
    CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
    CHECK(!is_ready(of_queue(queue), 0));
    CHECK_OK(testing_put_int(queue, 2, 0));
    CHECK(is_ready(of_queue(queue), TESTING_PATIENCE));
}

static void put_of_another_process_ends_the_wait_for_a_queue(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    xipc_queue_t *queue = testing_queue(test, 2);
    REQUIRE(queue != NULL && make_pipe(&here, &there, test));
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *process = testing_start(test, put_when_told, args);
    REQUIRE(process != NULL);
    CHECK(!is_ready(of_queue(queue), MILLISECONDS(20)));
    CHECK(testing_send_int(here, 8));
    CHECK(is_ready(of_queue(queue), TESTING_PATIENCE));
    CHECK_OK(testing_get_int(&number, queue, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(8, number);
    CHECK_NUMBER(0, testing_finish(process));
}

static void queue_whose_manager_dies_is_ready_and_then_XIPC_EDIED(testing_t *test)
{
    xipc_manager_t *manager;
    xipc_queue_t *queue;
    apr_int64_t number;
    apr_size_t ready;
    REQUIRE_OK(xipc_manager_start_ex(&manager, test->method, test->pool));
    REQUIRE_OK(xipc_manager_queue(&queue, manager, 1, test->pool));
    CHECK(!is_ready(of_queue(queue), 0));
    CHECK_OK(xipc_process_kill(xipc_manager_process(manager)));
    xipc_wait_item_t item = of_queue(queue);
    apr_status_t rv = xipc_wait(&ready, &item, 1, TESTING_PATIENCE);
    CHECK(rv == APR_SUCCESS || rv == XIPC_EDIED); /* it was told before, or meanwhile */
    CHECK_STATUS(XIPC_EDIED, testing_get_int(&number, queue, TESTING_PATIENCE, test->pool));
    CHECK_STATUS(XIPC_EDIED, xipc_wait(&ready, &item, 1, 0));
}

/* ---- many ---- */

static void all_that_are_ready_are_marked_and_no_other(testing_t *test)
{
    enum { COUNT = 150 }; /* more than Win32 waits for at once */
    static xipc_connection_t *here[COUNT];
    static xipc_connection_t *there[COUNT];
    static xipc_wait_item_t items[COUNT];
    apr_size_t ready = 0;
    for (int i = 0; i < COUNT; i++) {
        REQUIRE(make_pipe(&here[i], &there[i], test));
        items[i] = of_connection(here[i]);
    }
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, items, COUNT, 0));
    CHECK_NUMBER(0, ready);
    for (int i = 0; i < COUNT; i += 7) CHECK(testing_send_int(there[i], i));
    CHECK_OK(xipc_wait(&ready, items, COUNT, TESTING_PATIENCE));
    CHECK_NUMBER((COUNT + 6) / 7, ready);
    for (int i = 0; i < COUNT; i++) CHECK_NUMBER(i % 7 == 0, items[i].is_ready != 0);
}

static void objects_of_every_kind_wait_together(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_size_t ready;
    xipc_queue_t *queue = testing_queue(test, 2);
    REQUIRE(queue != NULL && make_pipe(&here, &there, test));
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, 6));
    xipc_process_t *process = testing_start(test, send_and_stay, args);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_close(there));
    xipc_wait_item_t items[] = {of_queue(queue), of_process(process), of_connection(here)};
    CHECK_OK(xipc_wait(&ready, items, 3, TESTING_PATIENCE));
    CHECK_NUMBER(1, ready);
    CHECK(items[2].is_ready && !items[0].is_ready && !items[1].is_ready);
    CHECK_OK(testing_put_int(queue, 1, 0));
    CHECK(is_ready(items[0], TESTING_PATIENCE)); /* a managed queue tells in its time */
    CHECK_OK(xipc_wait(&ready, items, 3, TESTING_PATIENCE));
    CHECK_NUMBER(2, ready);
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(6, testing_finish(process));
}

static void handle_of_the_system_is_ready_when_it_is_signalled(testing_t *test)
{
    apr_os_file_t handles[2];
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_size_t ready;
    REQUIRE(make_pipe(&here, &there, test));
    REQUIRE(system_open_signal(handles));
    CHECK(!is_ready(of_handle(handles[0]), 0));
    CHECK(system_signal(handles));
    xipc_wait_item_t items[] = {of_connection(here), of_handle(handles[0])};
    CHECK_OK(xipc_wait(&ready, items, 2, TESTING_PATIENCE));
    CHECK_NUMBER(1, ready);
    CHECK(!items[0].is_ready && items[1].is_ready);
    system_close_raw(handles, 2);
}

static void same_object_may_be_there_twice(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_size_t ready;
    REQUIRE(make_pipe(&here, &there, test));
    xipc_wait_item_t items[] = {of_connection(here), of_connection(here)};
    CHECK(testing_send_int(there, 1));
    CHECK_OK(xipc_wait(&ready, items, 2, TESTING_PATIENCE));
    CHECK_NUMBER(2, ready);
}

static void any_number_of_processes_may_be_waited_for(testing_t *test)
{
    enum { COUNT = 150 }; /* more than Win32 waits for at once; as often the same will do */
    xipc_wait_item_t items[COUNT];
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number;
    apr_size_t ready;
    REQUIRE(make_pipe(&here, &there, test));
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, 5));
    xipc_process_t *process = testing_start(test, send_and_stay, args);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    for (int i = 0; i < COUNT; i++) items[i] = of_process(process);
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, items, COUNT, MILLISECONDS(30)));
    CHECK_OK(xipc_connection_close(here)); /* it ends while we wait */
    CHECK_OK(xipc_wait(&ready, items, COUNT, TESTING_PATIENCE));
    CHECK_NUMBER(COUNT, ready);
    CHECK_NUMBER(5, testing_finish(process));
}

static void more_items_than_descriptors_may_be_waited_for(testing_t *test)
{
    enum { COUNT = 3000 };
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_size_t ready = 0;
    REQUIRE(make_pipe(&here, &there, test));
    xipc_wait_item_t *items = apr_pcalloc(test->pool, COUNT * sizeof *items);
    for (int i = 0; i < COUNT; i++) items[i] = of_connection(i == 7 ? there : here);
    int is_limited = system_limit_handles(4);
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, items, COUNT, MILLISECONDS(20)));
    CHECK_NUMBER(0, ready);
    CHECK(testing_send_int(there, 1));
    CHECK_OK(xipc_wait(&ready, items, COUNT, TESTING_PATIENCE));
    if (is_limited) system_unlimit_handles();
    CHECK_NUMBER(COUNT - 1, ready);
    CHECK(!items[7].is_ready && items[8].is_ready);
}

static void *APR_THREAD_FUNC signal_soon(apr_thread_t *thread, void *data)
{
    apr_sleep(MILLISECONDS(100));
    (void)system_signal(data);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* Alone, and among so many that Win32 has them watched by threads. */
static void check_pulse(apr_os_file_t pulse[2], const apr_os_file_t quiet[2], apr_size_t others,
                        testing_t *test)
{
    apr_status_t ended;
    apr_thread_t *thread;
    apr_size_t ready = 0;
    xipc_wait_item_t *items = apr_pcalloc(test->pool, (others + 1) * sizeof *items);
    for (apr_size_t i = 0; i < others; i++) items[i] = of_handle(quiet[0]);
    items[others] = of_handle(pulse[0]);
    CHECK(system_signal(pulse)); /* before the wait */
    CHECK_OK(xipc_wait(&ready, items, others + 1, TESTING_PATIENCE));
    CHECK(ready == 1 && items[others].is_ready);
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, items, others + 1, 0));
    REQUIRE_OK(apr_thread_create(&thread, NULL, signal_soon, pulse, test->pool));
    CHECK_OK(xipc_wait(&ready, items, others + 1, TESTING_PATIENCE));
    CHECK(ready == 1 && items[others].is_ready);
    CHECK_OK(apr_thread_join(&ended, thread));
}

static void handle_that_a_wait_takes_back_is_marked_all_the_same(testing_t *test)
{
    apr_os_file_t pulse[2];
    apr_os_file_t quiet[2];
    if (!system_open_pulse(pulse)) {
        testing_skip("no such handles here");
        return;
    }
    REQUIRE(system_open_signal(quiet));
    check_pulse(pulse, quiet, 0, test);
    check_pulse(pulse, quiet, 5, test);
    check_pulse(pulse, quiet, 200, test);
    system_close_raw(pulse, 2);
    system_close_raw(quiet, 2);
}

/* ---- time ---- */

static void wait_gives_up_after_the_timeout(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE(make_pipe(&here, &there, test));
    apr_time_t began = system_clock();
    CHECK(!is_ready(of_connection(here), MILLISECONDS(120)));
    CHECK_WAITED(began, MILLISECONDS(120));
}

static void wait_for_nothing_is_a_sleep(testing_t *test)
{
    apr_size_t ready = 5;
    (void)test;
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, NULL, 0, MILLISECONDS(80)));
    CHECK_WAITED(began, MILLISECONDS(80));
    CHECK_NUMBER(0, ready);
}

/* ---- bad input ---- */

static void refuse(apr_status_t expected, xipc_wait_item_t bad, testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_size_t ready;
    REQUIRE(make_pipe(&here, &there, test));
    xipc_wait_item_t items[] = {of_connection(here), bad};
    apr_status_t rv = xipc_wait(&ready, items, 2, 0);
    CHECK_STATUS(expected, rv);
    CHECK(strstr(testing_text(rv), "item 1") != NULL);
}

static void item_that_cannot_be_waited_for_is_refused_by_number(testing_t *test)
{
    xipc_connection_t *reads;
    xipc_connection_t *writes;
    REQUIRE_OK(xipc_pipe_create(&reads, &writes, 0, test->pool));
    refuse(APR_EINVAL, of_connection(NULL), test);
    refuse(APR_EINVAL, of_process(NULL), test);
    refuse(APR_EINVAL, of_queue(NULL), test);
    refuse(APR_EINVAL, (xipc_wait_item_t){.kind = (xipc_wait_e)77}, test);
    refuse(XIPC_ENOTREADABLE, of_connection(writes), test);
    CHECK_OK(xipc_connection_close(reads));
    refuse(XIPC_ECLOSED, of_connection(reads), test);
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    CHECK_OK(xipc_queue_close(queue));
    refuse(XIPC_ECLOSED, of_queue(queue), test);
    refuse(APR_EBADF, of_handle((apr_os_file_t)(intptr_t)99996), test);
    refuse(XIPC_ESTATE, of_process(testing_create(test, send_and_stay, NULL)), test);
}

static void wait_refuses_NULL(testing_t *test)
{
    apr_size_t ready;
    xipc_wait_item_t item = of_connection(NULL);
    (void)test;
    CHECK_STATUS(APR_EINVAL, xipc_wait(NULL, &item, 1, 0));
    CHECK_STATUS(APR_EINVAL, xipc_wait(&ready, NULL, 1, 0));
}

static const testing_case_t cases[] = {
    ONCE(connection_with_a_message_is_ready_until_it_is_received),
    ONCE(connection_is_ready_for_messages_that_were_read_ahead),
    ONCE(connection_at_its_end_is_ready),
    EACH_METHOD(process_is_ready_when_it_has_ended),
    EACH_QUEUE(queue_is_ready_while_it_has_a_message),
    EACH_QUEUE_AND_METHOD(put_of_another_process_ends_the_wait_for_a_queue),
    EACH_METHOD(queue_whose_manager_dies_is_ready_and_then_XIPC_EDIED),
    ONCE(all_that_are_ready_are_marked_and_no_other),
    EACH_QUEUE_AND_METHOD(objects_of_every_kind_wait_together),
    ONCE(handle_of_the_system_is_ready_when_it_is_signalled),
    ONCE(same_object_may_be_there_twice),
    EACH_METHOD(any_number_of_processes_may_be_waited_for),
    ONCE(more_items_than_descriptors_may_be_waited_for),
    ONCE(handle_that_a_wait_takes_back_is_marked_all_the_same),
    ONCE(wait_gives_up_after_the_timeout),
    ONCE(wait_for_nothing_is_a_sleep),
    EACH_METHOD(item_that_cannot_be_waited_for_is_refused_by_number),
    ONCE(wait_refuses_NULL),
};

TESTING_MAIN("wait", cases)
