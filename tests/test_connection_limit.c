/* Messages that are too large for who receives them: refused, received later, or dropped. */
#include "testing.h"

#include <apr_portable.h>

#include <string.h>

enum { LIMIT = 100, LARGE = 1 << 20 };

typedef struct {
    xipc_connection_t *here;
    xipc_connection_t *there; /* its limit is LIMIT */
    apr_os_file_t raw;        /* of `here` */
    void *data;
    apr_size_t size;
} pipe_t;

static int make_pipe(pipe_t *pipe, testing_t *test)
{
    *pipe = (pipe_t){0};
    return CHECK_OK(xipc_pipe_create(&pipe->here, &pipe->there, 1, test->pool)) &&
           CHECK_OK(xipc_connection_os_get(&pipe->raw, pipe->here)) &&
           CHECK_OK(xipc_connection_limit_set(pipe->there, LIMIT));
}

static apr_status_t receive(pipe_t *pipe, apr_interval_time_t timeout, testing_t *test)
{
    return xipc_connection_recv(&pipe->data, &pipe->size, pipe->there, timeout, test->pool);
}

static int send_filled(pipe_t *pipe, apr_size_t size, testing_t *test)
{
    char *bytes = apr_palloc(test->pool, size);
    testing_fill(bytes, size, 3);
    return CHECK_OK(xipc_connection_send(pipe->here, bytes, size, TESTING_PATIENCE));
}

/* The next message is the number. */
static void next_is(apr_int64_t expected, pipe_t *pipe)
{
    apr_int64_t number = 0;
    CHECK(testing_recv_int(&number, pipe->there, TESTING_PATIENCE));
    CHECK_NUMBER(expected, number);
}

/* ---- refused, and received later ---- */

static void message_over_the_limit_is_XIPC_EMSGSIZE_with_its_size(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    CHECK(send_filled(&pipe, LIMIT, test));
    CHECK(send_filled(&pipe, LIMIT + 1, test));
    CHECK_OK(receive(&pipe, TESTING_PATIENCE, test));
    CHECK_NUMBER(LIMIT, pipe.size);
    CHECK_STATUS(XIPC_EMSGSIZE, receive(&pipe, TESTING_PATIENCE, test));
    CHECK_NUMBER(LIMIT + 1, pipe.size);
    CHECK(strstr(testing_text(XIPC_EMSGSIZE), "101") != NULL);
}

static void message_over_the_limit_stays_until_the_limit_is_raised(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    CHECK(send_filled(&pipe, 2000, test));
    CHECK(testing_send_int(pipe.here, 41));
    for (int i = 0; i < 3; i++) CHECK_STATUS(XIPC_EMSGSIZE, receive(&pipe, 0, test));
    CHECK_OK(xipc_connection_limit_set(pipe.there, 2000));
    REQUIRE_OK(receive(&pipe, TESTING_PATIENCE, test));
    CHECK(pipe.size == 2000 && testing_is_filled(pipe.data, 2000, 3));
    next_is(41, &pipe);
}

static void limit_holds_for_a_message_that_has_begun(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    CHECK_OK(xipc_connection_limit_set(pipe.there, 0));
    CHECK(system_raw_write(pipe.raw, "\0\0\0\310begin", 9)); /* 200 bytes are to come, 5 do */
    CHECK_STATUS(APR_TIMEUP, receive(&pipe, 0, test));
    CHECK_OK(xipc_connection_limit_set(pipe.there, LIMIT));
    CHECK_STATUS(XIPC_EMSGSIZE, receive(&pipe, 0, test));
    CHECK_NUMBER(200, pipe.size);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_skip(pipe.there, 0));
}

static void limit_holds_for_lists_of_values(testing_t *test)
{
    pipe_t pipe;
    xipc_values_t *values = NULL;
    REQUIRE(make_pipe(&pipe, test));
    xipc_values_t *list = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_bytes(list, apr_pcalloc(test->pool, LIMIT), LIMIT));
    CHECK_OK(xipc_connection_send_values(pipe.here, list, TESTING_PATIENCE));
    CHECK_STATUS(XIPC_EMSGSIZE,
                 xipc_connection_recv_values(&values, pipe.there, TESTING_PATIENCE, test->pool));
    CHECK_OK(xipc_connection_limit_set(pipe.there, 0));
    CHECK_OK(xipc_connection_recv_values(&values, pipe.there, TESTING_PATIENCE, test->pool));
    CHECK(values != NULL && xipc_values_count(values) == 1);
}

/* ---- dropped ---- */

static void message_over_the_limit_is_skipped_and_the_connection_goes_on(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    CHECK(send_filled(&pipe, 2000, test));
    CHECK(testing_send_int(pipe.here, 41));
    CHECK_STATUS(XIPC_EMSGSIZE, receive(&pipe, TESTING_PATIENCE, test));
    CHECK_OK(xipc_connection_skip(pipe.there, TESTING_PATIENCE));
    next_is(41, &pipe);
    CHECK(testing_send_int(pipe.there, 42)); /* the other direction too */
    apr_int64_t number = 0;
    CHECK(testing_recv_int(&number, pipe.here, TESTING_PATIENCE));
    CHECK_NUMBER(42, number);
}

/* The child's function: send a large message, then a small one. */
static int send_large(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 91;
    void *bytes = apr_pcalloc(pool, LARGE);
    if (xipc_connection_send(connection, bytes, LARGE, TESTING_PATIENCE) != APR_SUCCESS) return 92;
    return testing_send_int(connection, 41) ? 0 : 93;
}

static void message_larger_than_what_is_on_its_way_is_skipped(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    xipc_process_t *process =
        testing_start(test, send_large, testing_connection_args(pipe.here, test->pool));
    REQUIRE(process != NULL);
    CHECK_STATUS(XIPC_EMSGSIZE, receive(&pipe, TESTING_PATIENCE, test));
    CHECK_NUMBER(LARGE, pipe.size);
    CHECK_OK(xipc_connection_skip(pipe.there, TESTING_PATIENCE));
    next_is(41, &pipe);
    CHECK_NUMBER(0, testing_finish(process));
}

static void skip_that_times_out_is_ended_by_the_next_call(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    CHECK(system_raw_write(pipe.raw, "\0\0\0\310begin", 9)); /* 200 bytes are to come, 5 do */
    CHECK_STATUS(APR_TIMEUP, xipc_connection_skip(pipe.there, 0));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(pipe.there, 0));
    CHECK_STATUS(APR_TIMEUP, receive(&pipe, 0, test));
    CHECK(system_raw_write(pipe.raw, apr_pcalloc(test->pool, 195), 195));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(pipe.there, 0));
    CHECK(testing_send_int(pipe.here, 41));
    CHECK_OK(xipc_connection_poll(pipe.there, TESTING_PATIENCE));
    next_is(41, &pipe);
}

static void sender_that_dies_while_its_message_is_skipped_is_XIPC_EBROKEN(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    CHECK(system_raw_write(pipe.raw, "\0\0\0\310begin", 9));
    CHECK_OK(xipc_connection_close(pipe.here));
    CHECK_STATUS(XIPC_EBROKEN, xipc_connection_skip(pipe.there, TESTING_PATIENCE));
    CHECK_STATUS(XIPC_EBROKEN, receive(&pipe, TESTING_PATIENCE, test));
}

static void skipped_list_leaves_no_handle(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    xipc_connection_t *one;
    xipc_connection_t *other;
    REQUIRE_OK(xipc_pipe_create(&one, &other, 1, test->pool));
    xipc_values_t *list = testing_connection_args(one, test->pool);
    CHECK_OK(xipc_connection_send_values(pipe.here, list, TESTING_PATIENCE));
    CHECK(testing_send_int(pipe.here, 41));
    CHECK_OK(xipc_connection_skip(pipe.there, TESTING_PATIENCE));
    next_is(41, &pipe);
    CHECK_OK(xipc_connection_close(one));
    CHECK_STATUS(APR_EOF, xipc_connection_recv(&pipe.data, &pipe.size, other, TESTING_PATIENCE,
                                               test->pool)); /* nobody else has that end */
}

/* ---- hostile and wrong ---- */

enum { HANDLES = 100 };

/* Send two lists with many handles each, the first with many bytes. Args: connection. */
static int send_lists(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_values_t *values = xipc_values_make(pool);
    xipc_values_t *large = xipc_values_make(pool);
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 91;
    for (int i = 0; i < HANDLES; i++) {
        if (xipc_values_add_connection(values, connection) != APR_SUCCESS) return 92;
        if (xipc_values_add_connection(large, connection) != APR_SUCCESS) return 93;
    }
    if (xipc_values_add_bytes(large, apr_pcalloc(pool, LARGE), LARGE) != APR_SUCCESS) return 94;
    if (xipc_connection_send_values(connection, large, TESTING_PATIENCE) != APR_SUCCESS) return 95;
    if (xipc_connection_send_values(connection, values, TESTING_PATIENCE) != APR_SUCCESS) return 96;
    return xipc_connection_poll(connection, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 97;
}

static void list_behind_a_skipped_one_has_its_handles(testing_t *test)
{
    pipe_t pipe;
    xipc_values_t *values;
    apr_pool_t *pool;
    REQUIRE(make_pipe(&pipe, test));
    REQUIRE_OK(apr_pool_create(&pool, test->pool));
    CHECK_OK(xipc_connection_limit_set(pipe.there, 0));
    xipc_process_t *process =
        testing_start(test, send_lists, testing_connection_args(pipe.here, test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_skip(pipe.there, TESTING_PATIENCE));
    CHECK_OK(xipc_connection_recv_values(&values, pipe.there, TESTING_PATIENCE, pool));
    CHECK_NUMBER(HANDLES, xipc_values_count(values));
    apr_pool_destroy(pool);
    CHECK(testing_send_int(pipe.there, 1));
    CHECK_NUMBER(0, testing_finish(process));
}

static void announced_length_over_the_limit_takes_no_memory(testing_t *test)
{
    pipe_t pipe;
    REQUIRE(make_pipe(&pipe, test));
    CHECK(system_raw_write(pipe.raw, "\377\377\377\377\100\0\0\0\0\0\0\0abcd", 16)); /* 2^62 */
    CHECK_STATUS(XIPC_EMSGSIZE, receive(&pipe, TESTING_PATIENCE, test));
    CHECK(pipe.size == (apr_size_t)1 << 62);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_skip(pipe.there, MILLISECONDS(20)));
    CHECK_OK(xipc_connection_close(pipe.here));
    CHECK_STATUS(XIPC_EBROKEN, xipc_connection_skip(pipe.there, TESTING_PATIENCE));
}

static void limit_and_skip_refuse_ends_that_do_not_receive(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 0, test->pool));
    CHECK_STATUS(XIPC_ENOTREADABLE, xipc_connection_limit_set(there, 1));
    CHECK_STATUS(XIPC_ENOTREADABLE, xipc_connection_skip(there, 0));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_skip(here, 0));
    CHECK_OK(xipc_connection_close(here));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_limit_set(here, 1));
    CHECK_STATUS(XIPC_ECLOSED, xipc_connection_skip(here, 0));
    CHECK_STATUS(APR_EINVAL, xipc_connection_limit_set(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_connection_skip(NULL, 0));
}

static const testing_case_t cases[] = {
    ONCE(message_over_the_limit_is_XIPC_EMSGSIZE_with_its_size),
    ONCE(message_over_the_limit_stays_until_the_limit_is_raised),
    ONCE(limit_holds_for_a_message_that_has_begun),
    ONCE(limit_holds_for_lists_of_values),
    ONCE(message_over_the_limit_is_skipped_and_the_connection_goes_on),
    EACH_METHOD(message_larger_than_what_is_on_its_way_is_skipped),
    ONCE(skip_that_times_out_is_ended_by_the_next_call),
    ONCE(sender_that_dies_while_its_message_is_skipped_is_XIPC_EBROKEN),
    ONCE(skipped_list_leaves_no_handle),
    EACH_METHOD(list_behind_a_skipped_one_has_its_handles),
    ONCE(announced_length_over_the_limit_takes_no_memory),
    ONCE(limit_and_skip_refuse_ends_that_do_not_receive),
};

TESTING_MAIN("connection.limit", cases)
