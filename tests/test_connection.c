/* Messages through a pipe; the promises of connection.h. */
#include "testing.h"

#include "xipc/listener.h"

/* ---- targets ---- */

/* Send back what comes until the end. */
static int echo(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    apr_pool_t *each;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (apr_pool_create(&each, pool) != APR_SUCCESS) return 91;
    for (;;) {
        apr_status_t rv = xipc_connection_recv(&data, &size, connection, -1, each);
        if (rv == APR_EOF) return 0;
        if (rv != APR_SUCCESS) return 92;
        if (xipc_connection_send(connection, data, size, -1) != APR_SUCCESS) return 93;
        apr_pool_clear(each);
    }
}

/* A child that echoes, and this side's end of the connection to it. */
static xipc_process_t *start_echo(xipc_connection_t **here, testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(here, &there, 1, test->pool))) return NULL;
    xipc_process_t *process = testing_start(test, echo, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    return process;
}

/* ---- messages ---- */

static void check_echo(xipc_connection_t *here, apr_size_t size, apr_pool_t *pool)
{
    apr_pool_t *each;
    void *data = NULL;
    apr_size_t got = (apr_size_t)-1;
    REQUIRE_OK(apr_pool_create(&each, pool));
    char *sent = apr_palloc(each, size + 1);
    testing_fill(sent, size, (unsigned)size);
    CHECK_OK(xipc_connection_send(here, sent, size, TESTING_PATIENCE));
    CHECK_OK(xipc_connection_recv(&data, &got, here, TESTING_PATIENCE, each));
    CHECK_NUMBER(size, got);
    CHECK(data != NULL);
    if (data != NULL && got == size) {
        CHECK(testing_is_filled(data, got, (unsigned)size));
        CHECK(((char *)data)[got] == '\0');
    }
    apr_pool_destroy(each);
}

static void messages_of_every_size_arrive_whole(testing_t *test)
{
    static const apr_size_t sizes[] = {0,      1,      2,      3,       4,       5,       15,
                                       16,     17,     4095,   4096,    4097,    65519,   65531,
                                       65532,  65533,  65535,  65536,   65537,   65540,   131071,
                                       131072, 212992, 262144, 1048575, 1048576, 1048577, 16777216};
    xipc_connection_t *here;
    xipc_process_t *process = start_echo(&here, test);
    REQUIRE(process != NULL);
    for (apr_size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_echo(here, sizes[i], test->pool);
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(process));
}

enum { HUGE_SIZE = 256 << 20 };

/* Receive one message of 256 MiB and tell whether it is right. */
static int check_huge(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (xipc_connection_recv(&data, &size, connection, -1, pool) != APR_SUCCESS) return 91;
    return size == HUGE_SIZE && testing_is_filled(data, size, 4) ? 0 : 92;
}

static void message_may_be_256_MiB(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    void *data = apr_palloc(test->pool, HUGE_SIZE);
    testing_fill(data, HUGE_SIZE, 4);
    test->method = XIPC_START_SPAWN;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 0, test->pool));
    xipc_process_t *process =
        testing_start(test, check_huge, testing_connection_args(here, test->pool));
    CHECK_OK(xipc_connection_close(here));
    CHECK_OK(xipc_connection_send(there, data, HUGE_SIZE, 4 * TESTING_PATIENCE));
    CHECK_NUMBER(0, testing_finish(process));
}

static void many_messages_arrive_in_order(testing_t *test)
{
    xipc_connection_t *here;
    xipc_process_t *process = start_echo(&here, test);
    REQUIRE(process != NULL);
    apr_int64_t received = 0;
    for (apr_int64_t sent = 0; sent < 3000; sent++) {
        REQUIRE(testing_send_int(here, sent));
        if (sent < 20) continue; /* so many are on their way */
        apr_int64_t number = -1;
        REQUIRE(testing_recv_int(&number, here, TESTING_PATIENCE));
        REQUIRE(number == received++);
    }
    CHECK_OK(xipc_connection_close(here));
    (void)xipc_process_kill(process); /* it may be answering still */
    (void)testing_finish(process);
}

static void messages_are_never_joined_or_split(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    char bytes[100];
    testing_fill(bytes, sizeof bytes, 1);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    for (apr_size_t i = 0; i < 40; i++)
        CHECK_OK(xipc_connection_send(here, bytes, i, TESTING_PATIENCE));
    for (apr_size_t i = 0; i < 40; i++) {
        apr_size_t size = 1000;
        void *data = NULL;
        REQUIRE_OK(xipc_connection_recv(&data, &size, there, TESTING_PATIENCE, test->pool));
        CHECK_NUMBER(i, size);
        CHECK(memcmp(data, bytes, i) == 0);
    }
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
}

static void messages_are_framed_as_Python_frames_them(testing_t *test)
{
    static const unsigned char frame[] = {0, 0, 0, 2, 'h', 'i'};
    unsigned char raw[sizeof frame] = {0};
    char buffer[8] = "";
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_os_file_t handle;
    apr_size_t size = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_connection_os_get(&handle, there));
    CHECK_OK(xipc_connection_send(here, "hi", 2, TESTING_PATIENCE));
    CHECK(system_raw_read(handle, raw, sizeof raw));
    CHECK(memcmp(raw, frame, sizeof frame) == 0);
    CHECK(system_raw_write(handle, frame, sizeof frame));
    CHECK_OK(xipc_connection_recv_into(&size, here, buffer, sizeof buffer, TESTING_PATIENCE));
    CHECK(size == 2 && memcmp(buffer, "hi", 2) == 0);
}

/* ---- ends ---- */

static void ends_of_a_duplex_pipe_send_and_receive(testing_t *test)
{
    xipc_connection_t *first;
    xipc_connection_t *second;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&first, &second, 1, test->pool));
    CHECK(xipc_connection_is_readable(first) == 1 && xipc_connection_is_writable(first) == 1);
    CHECK(xipc_connection_is_readable(second) == 1 && xipc_connection_is_writable(second) == 1);
    CHECK(testing_send_int(first, 41));
    CHECK(testing_send_int(second, 42));
    CHECK(testing_recv_int(&number, second, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
    CHECK(testing_recv_int(&number, first, TESTING_PATIENCE));
    CHECK_NUMBER(42, number);
}

static void first_end_of_a_simplex_pipe_receives_and_the_second_sends(testing_t *test)
{
    xipc_connection_t *first;
    xipc_connection_t *second;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&first, &second, 0, test->pool));
    CHECK(xipc_connection_is_readable(first) == 1 && xipc_connection_is_writable(first) == 0);
    CHECK(xipc_connection_is_readable(second) == 0 && xipc_connection_is_writable(second) == 1);
    CHECK(testing_send_int(second, 41));
    CHECK(testing_recv_int(&number, first, TESTING_PATIENCE));
    CHECK_NUMBER(41, number);
}

static void wrong_direction_is_refused_by_name(testing_t *test)
{
    xipc_connection_t *first;
    xipc_connection_t *second;
    char buffer[8];
    apr_size_t size = 77;
    void *data = NULL;
    xipc_values_t *values = NULL;
    REQUIRE_OK(xipc_pipe_create(&first, &second, 0, test->pool));
    CHECK_STATUS(XIPC_ENOTWRITABLE, xipc_connection_send(first, "hi", 2, -1));
    CHECK_STATUS(XIPC_ENOTWRITABLE, xipc_connection_send_values(first, NULL, -1));
    CHECK_STATUS(XIPC_ENOTREADABLE, xipc_connection_recv(&data, &size, second, -1, test->pool));
    CHECK_STATUS(XIPC_ENOTREADABLE,
                 xipc_connection_recv_into(&size, second, buffer, sizeof buffer, -1));
    CHECK_STATUS(XIPC_ENOTREADABLE, xipc_connection_recv_values(&values, second, -1, test->pool));
    CHECK_STATUS(XIPC_ENOTREADABLE, xipc_connection_poll(second, -1));
    CHECK(size == 77 && data == NULL && values == NULL);
}

static void os_get_gives_the_systems_handle(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_os_file_t first;
    apr_os_file_t second;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_connection_os_get(&first, here));
    CHECK_OK(xipc_connection_os_get(&second, there));
    CHECK(first != second);
    CHECK_STATUS(APR_EINVAL, xipc_connection_os_get(NULL, here));
    CHECK_STATUS(APR_EINVAL, xipc_connection_os_get(&first, NULL));
}

static void ends_are_for_this_process_and_user_alone(testing_t *test)
{
    for (int duplex = 0; duplex < 2; duplex++) {
        xipc_connection_t *ends[2];
        REQUIRE_OK(xipc_pipe_create(&ends[0], &ends[1], duplex, test->pool));
        for (int i = 0; i < 2; i++) {
            apr_os_file_t handle;
            REQUIRE_OK(xipc_connection_os_get(&handle, ends[i]));
            CHECK_NUMBER(0, system_is_inheritable(handle));
            CHECK_NUMBER(0, system_is_open_to_others(handle));
        }
    }
}

/* What is printed would go into a connection that has such a number. */
static void ends_never_take_the_place_of_a_closed_standard_stream(testing_t *test)
{
    enum { ENDS = 5 };
    xipc_connection_t *ends[ENDS] = {NULL};
    xipc_listener_t *listener = NULL;
    xipc_values_t *values = xipc_values_make(test->pool);
    if (!system_close_standard()) {
        testing_skip("no numbers that stand for streams here");
        return;
    }
    apr_status_t rv = xipc_pipe_create(&ends[0], &ends[1], 1, test->pool);
    if (rv == APR_SUCCESS) rv = xipc_listener_create(&listener, NULL, NULL, test->pool);
    if (rv == APR_SUCCESS)
        rv = xipc_client_connect(&ends[2], xipc_listener_address(listener), NULL, 0, test->pool);
    if (rv == APR_SUCCESS) rv = xipc_listener_accept(&ends[3], listener, 0, test->pool);
    if (rv == APR_SUCCESS) rv = xipc_values_add_connection(values, ends[3]);
    if (rv == APR_SUCCESS) rv = xipc_connection_send_values(ends[0], values, 0);
    if (rv == APR_SUCCESS) rv = xipc_connection_recv_values(&values, ends[1], 0, test->pool);
    if (rv == APR_SUCCESS) rv = xipc_values_get_connection(&ends[4], values, 0);
    system_reopen_standard();
    CHECK_OK(rv);
    for (int i = 0; rv == APR_SUCCESS && i < ENDS; i++) {
        apr_os_file_t handle;
        CHECK_OK(xipc_connection_os_get(&handle, ends[i]));
        CHECK(system_is_above_standard(handle));
        CHECK_NUMBER(0, system_is_inheritable(handle));
    }
}

/* ---- receiving into a buffer ---- */

static void recv_into_a_small_buffer_keeps_the_message_and_tells_its_size(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    char buffer[8];
    apr_size_t size = 0;
    void *data = NULL;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_connection_send(here, "0123456789", 10, TESTING_PATIENCE));
    CHECK_OK(xipc_connection_send(here, "abcdefgh", 8, TESTING_PATIENCE));
    CHECK_STATUS(XIPC_EMSGSIZE,
                 xipc_connection_recv_into(&size, there, buffer, sizeof buffer, TESTING_PATIENCE));
    CHECK_NUMBER(10, size);
    size = 0;
    CHECK_STATUS(XIPC_EMSGSIZE, xipc_connection_recv_into(&size, there, NULL, 0, TESTING_PATIENCE));
    CHECK_NUMBER(10, size);
    REQUIRE_OK(xipc_connection_recv(&data, &size, there, TESTING_PATIENCE, test->pool));
    CHECK(size == 10 && memcmp(data, "0123456789", 10) == 0);
    CHECK_OK(xipc_connection_recv_into(&size, there, buffer, sizeof buffer, TESTING_PATIENCE));
    CHECK(size == 8 && memcmp(buffer, "abcdefgh", 8) == 0);
}

static void large_message_waits_for_a_large_buffer(testing_t *test)
{
    enum { LARGE = 1 << 20 };
    xipc_connection_t *here;
    apr_size_t size = 0;
    char *bytes = apr_palloc(test->pool, LARGE);
    xipc_process_t *process = start_echo(&here, test);
    REQUIRE(process != NULL);
    testing_fill(bytes, LARGE, 6);
    CHECK_OK(xipc_connection_send(here, bytes, LARGE, TESTING_PATIENCE));
    memset(bytes, 0, LARGE);
    CHECK_STATUS(XIPC_EMSGSIZE,
                 xipc_connection_recv_into(&size, here, bytes, LARGE - 1, TESTING_PATIENCE));
    CHECK_NUMBER(LARGE, size);
    CHECK_OK(xipc_connection_recv_into(&size, here, bytes, LARGE, TESTING_PATIENCE));
    CHECK_NUMBER(LARGE, size);
    CHECK(testing_is_filled(bytes, LARGE, 6));
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(process));
}

static void empty_message_needs_no_buffer(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_size_t size = 77;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_connection_send(here, NULL, 0, TESTING_PATIENCE));
    CHECK_OK(xipc_connection_recv_into(&size, there, NULL, 0, TESTING_PATIENCE));
    CHECK_NUMBER(0, size);
}

/* ---- closing, NULL ---- */

static void closed_end_is_XIPC_ECLOSED(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    char buffer[8];
    apr_size_t size = 77;
    void *data = NULL;
    xipc_values_t *values = NULL;
    apr_os_file_t handle;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_connection_close(here));
    CHECK_OK(xipc_connection_close(here));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_send(here, "hi", 2, -1));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_send_values(here, NULL, -1));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_recv(&data, &size, here, -1, test->pool));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_recv_into(&size, here, buffer, sizeof buffer, -1));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_recv_values(&values, here, -1, test->pool));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_poll(here, -1));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_os_get(&handle, here));
    CHECK(size == 77 && data == NULL && values == NULL);
    CHECK_NUMBER(0, xipc_connection_is_readable(here));
    CHECK_NUMBER(0, xipc_connection_is_writable(here));
}

static void calls_refuse_NULL(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    char buffer[8];
    apr_size_t size;
    void *data;
    xipc_values_t *values;
    CHECK_STATUS(APR_EINVAL, xipc_pipe_create(NULL, &there, 1, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_pipe_create(&here, NULL, 1, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_pipe_create(&here, &there, 1, NULL));
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_connection_send(NULL, "hi", 2, 0));
    CHECK_STATUS(APR_EINVAL, xipc_connection_send(here, NULL, 2, 0));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv(NULL, &size, here, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv(&data, NULL, here, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv(&data, &size, NULL, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv(&data, &size, here, 0, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv_into(NULL, here, buffer, sizeof buffer, 0));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv_into(&size, NULL, buffer, sizeof buffer, 0));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv_into(&size, here, NULL, sizeof buffer, 0));
    CHECK_STATUS(APR_EINVAL, xipc_connection_poll(NULL, 0));
    CHECK_STATUS(APR_EINVAL, xipc_connection_send_values(NULL, NULL, 0));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv_values(NULL, here, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv_values(&values, NULL, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_connection_recv_values(&values, here, 0, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_connection_close(NULL));
    CHECK_NUMBER(0, xipc_connection_is_readable(NULL));
    CHECK_NUMBER(0, xipc_connection_is_writable(NULL));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
}

static void end_closes_with_its_pool(testing_t *test)
{
    apr_pool_t *pool;
    xipc_connection_t *here;
    xipc_connection_t *there;
    int handles = system_count_handles();
    REQUIRE_OK(apr_pool_create(&pool, test->pool));
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, pool));
    CHECK(system_count_handles() > handles);
    apr_pool_destroy(pool);
    if (system_handles_are_exact()) CHECK_NUMBER(handles, system_count_handles());
}

static void pipe_without_handles_is_an_error_and_leaves_nothing(testing_t *test)
{
    for (int spare = 0; spare < 2; spare++) {
        xipc_connection_t *here = NULL;
        xipc_connection_t *there = NULL;
        if (!system_limit_handles(spare)) {
            testing_skip("no limit of handles here");
            return;
        }
        apr_status_t rv = xipc_pipe_create(&here, &there, 1, test->pool);
        system_unlimit_handles();
        CHECK(APR_STATUS_IS_EMFILE(rv));
        CHECK(here == NULL && there == NULL);
    }
}

static const testing_case_t cases[] = {
    EACH_METHOD(messages_of_every_size_arrive_whole),
    ONCE(message_may_be_256_MiB),
    EACH_METHOD(many_messages_arrive_in_order),
    ONCE(messages_are_never_joined_or_split),
    ONCE(messages_are_framed_as_Python_frames_them),
    ONCE(ends_of_a_duplex_pipe_send_and_receive),
    ONCE(first_end_of_a_simplex_pipe_receives_and_the_second_sends),
    ONCE(wrong_direction_is_refused_by_name),
    ONCE(os_get_gives_the_systems_handle),
    ONCE(ends_are_for_this_process_and_user_alone),
    ONCE(ends_never_take_the_place_of_a_closed_standard_stream),
    ONCE(recv_into_a_small_buffer_keeps_the_message_and_tells_its_size),
    EACH_METHOD(large_message_waits_for_a_large_buffer),
    ONCE(empty_message_needs_no_buffer),
    ONCE(closed_end_is_XIPC_ECLOSED),
    ONCE(calls_refuse_NULL),
    ONCE(end_closes_with_its_pool),
    ONCE(pipe_without_handles_is_an_error_and_leaves_nothing),
};

TESTING_MAIN("connection", cases)
