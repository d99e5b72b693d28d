/*
 * Values that travel: as arguments and over a connection, to a child that sends back what it got.
 */
#include "testing.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

/*
 * The child's last argument is a connection: send back the arguments as a list, then every list
 * that comes.
 */
static int echo_values(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_values_t *values;
    apr_size_t last = xipc_values_count(args) - 1;
    if (xipc_values_get_connection(&connection, args, last) != APR_SUCCESS) return 1;
    if (xipc_connection_send_values(connection, args, -1) != APR_SUCCESS) return 2;
    for (;;) {
        apr_status_t rv = xipc_connection_recv_values(&values, connection, -1, pool);
        if (rv == APR_EOF) return 0;
        if (rv != APR_SUCCESS) return 3;
        if (xipc_connection_send_values(connection, values, -1) != APR_SUCCESS) return 4;
    }
}

static int is_same_bytes(const xipc_values_t *a, const xipc_values_t *b, apr_size_t index)
{
    const void *left;
    const void *right;
    apr_size_t left_size;
    apr_size_t right_size;
    if (xipc_values_get_bytes(&left, &left_size, a, index) != APR_SUCCESS) return 0;
    if (xipc_values_get_bytes(&right, &right_size, b, index) != APR_SUCCESS) return 0;
    return left_size == right_size && memcmp(left, right, left_size) == 0;
}

static int is_same_string(const xipc_values_t *a, const xipc_values_t *b, apr_size_t index)
{
    const char *left;
    const char *right;
    if (xipc_values_get_string(&left, a, index) != APR_SUCCESS) return 0;
    if (xipc_values_get_string(&right, b, index) != APR_SUCCESS) return 0;
    return strcmp(left, right) == 0;
}

/* Bit for bit, so that NaN and the sign of 0 count. */
static int is_same_real(const xipc_values_t *a, const xipc_values_t *b, apr_size_t index)
{
    double left = 1;
    double right = 2;
    if (xipc_values_get_real(&left, a, index) != APR_SUCCESS) return 0;
    if (xipc_values_get_real(&right, b, index) != APR_SUCCESS) return 0;
    return memcmp(&left, &right, sizeof left) == 0;
}

static int is_same_int(const xipc_values_t *a, const xipc_values_t *b, apr_size_t index)
{
    apr_int64_t left = 1;
    apr_int64_t right = 2;
    if (xipc_values_get_int(&left, a, index) != APR_SUCCESS) return 0;
    if (xipc_values_get_int(&right, b, index) != APR_SUCCESS) return 0;
    return left == right;
}

static int is_same(const xipc_values_t *a, const xipc_values_t *b, apr_size_t index)
{
    xipc_value_type_e type;
    if (xipc_values_type(&type, a, index) != APR_SUCCESS) return 0;
    switch (type) {
    case XIPC_VALUE_INT:
        return is_same_int(a, b, index);
    case XIPC_VALUE_REAL:
        return is_same_real(a, b, index);
    case XIPC_VALUE_STRING:
        return is_same_string(a, b, index);
    case XIPC_VALUE_BYTES:
        return is_same_bytes(a, b, index);
    default:
        return 0;
    }
}

/* The first `count` values are the same. */
static void check_same(const xipc_values_t *sent, const xipc_values_t *received, apr_size_t count)
{
    for (apr_size_t i = 0; i < count; i++)
        if (!CHECK(is_same(sent, received, i))) return;
}

/* Send a list through a child both ways: as its arguments, and over a connection. */
static void check_round_trip(testing_t *test, xipc_values_t *values)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_values_t *back;
    apr_size_t count = xipc_values_count(values);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    REQUIRE_OK(xipc_values_add_connection(values, there));
    xipc_process_t *process = testing_start(test, echo_values, values);
    REQUIRE(process != NULL);
    REQUIRE_OK(xipc_connection_close(there));
    REQUIRE_OK(xipc_connection_recv_values(&back, here, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(count + 1, xipc_values_count(back));
    check_same(values, back, count);
    CHECK_OK(xipc_connection_send_values(here, back, TESTING_PATIENCE));
    REQUIRE_OK(xipc_connection_recv_values(&back, here, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(count + 1, xipc_values_count(back));
    check_same(values, back, count);
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(process));
}

static void integers_travel_as_they_are(testing_t *test)
{
    static const apr_int64_t numbers[] = {0,         1,         -1,        255,      256,
                                          INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    xipc_values_t *values = xipc_values_make(test->pool);
    for (apr_size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        CHECK_OK(xipc_values_add_int(values, numbers[i]));
    check_round_trip(test, values);
}

static void reals_travel_as_they_are(testing_t *test)
{
    const double reals[] = {0.0,     -0.0,     1.5,         -1e300,           DBL_MAX,
                            DBL_MIN, 4.9e-324, (double)NAN, (double)INFINITY, (double)-INFINITY};
    xipc_values_t *values = xipc_values_make(test->pool);
    for (apr_size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        CHECK_OK(xipc_values_add_real(values, reals[i]));
    check_round_trip(test, values);
}

static void strings_travel_as_they_are(testing_t *test)
{
    enum { LONG = 1 << 20 };
    xipc_values_t *values = xipc_values_make(test->pool);
    char *text = apr_palloc(test->pool, LONG + 1);
    memset(text, 'x', LONG);
    text[LONG] = '\0';
    CHECK_OK(xipc_values_add_string(values, ""));
    CHECK_OK(xipc_values_add_string(values, "peter"));
    CHECK_OK(xipc_values_add_string(values, "\xe8\xbf\x9b\xe7\xa8\x8b \xff\x01\n"));
    CHECK_OK(xipc_values_add_string(values, text));
    check_round_trip(test, values);
}

static void bytes_travel_as_they_are(testing_t *test)
{
    enum { LONG = 10 << 20 };
    unsigned char *bytes = apr_palloc(test->pool, LONG);
    testing_fill(bytes, LONG, 3);
    xipc_values_t *values = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_bytes(values, NULL, 0));
    CHECK_OK(xipc_values_add_bytes(values, "", 1));
    CHECK_OK(xipc_values_add_bytes(values, bytes, LONG));
    CHECK_OK(xipc_values_add_bytes(values, bytes, 65537));
    check_round_trip(test, values);
}

static void many_values_travel_in_order(testing_t *test)
{
    xipc_values_t *values = xipc_values_make(test->pool);
    for (apr_int64_t i = 0; i < 20000; i++)
        if (!CHECK_OK(xipc_values_add_int(values, i))) return;
    check_round_trip(test, values);
}

static int count_args(xipc_values_t *args, apr_pool_t *pool)
{
    (void)pool;
    return (int)xipc_values_count(args);
}

static void no_arguments_arrive_as_an_empty_list(testing_t *test)
{
    CHECK_NUMBER(0, testing_run(test, count_args, NULL));
    CHECK_NUMBER(0, testing_run(test, count_args, xipc_values_make(test->pool)));
}

/* ---- what is no list of values ---- */

static void message_that_is_no_list_is_XIPC_EPROTOCOL_and_gone(testing_t *test)
{
    static const char *const messages[] = {"", "x", "hello, this is no list of values",
                                           "\377\377\377\377\377\377\377"};
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_values_t *values = NULL;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    for (int i = 0; i < 4; i++) {
        CHECK_OK(xipc_connection_send(here, messages[i], strlen(messages[i]), TESTING_PATIENCE));
        CHECK_STATUS(XIPC_EPROTOCOL,
                     xipc_connection_recv_values(&values, there, TESTING_PATIENCE, test->pool));
        CHECK(values == NULL);
    }
    CHECK_OK(xipc_connection_send_values(here, testing_int_args(7, test->pool), TESTING_PATIENCE));
    CHECK_OK(xipc_connection_recv_values(&values, there, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(1, xipc_values_count(values));
}

/*
 * Send these bytes where a list is expected: they are one or they are refused, and the connection
 * goes on.
 */
static int survives(xipc_connection_t *here, xipc_connection_t *there, const void *data,
                    apr_size_t size, apr_pool_t *pool)
{
    xipc_values_t *values;
    if (!CHECK_OK(xipc_connection_send(here, data, size, TESTING_PATIENCE))) return 0;
    apr_status_t rv = xipc_connection_recv_values(&values, there, TESTING_PATIENCE, pool);
    return CHECK(rv == APR_SUCCESS || rv == XIPC_EPROTOCOL);
}

static void damaged_list_is_refused_and_does_no_harm(testing_t *test)
{
    static const unsigned char damages[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    xipc_connection_t *here;
    xipc_connection_t *there;
    void *data;
    apr_size_t size;
    apr_pool_t *scratch;
    xipc_values_t *values = testing_int_args(1, test->pool);
    REQUIRE_OK(apr_pool_create(&scratch, test->pool));
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_values_add_string(values, "peter"));
    CHECK_OK(xipc_values_add_bytes(values, "abc", 3));
    CHECK_OK(xipc_values_add_real(values, 1.5));
    CHECK_OK(xipc_connection_send_values(here, values, TESTING_PATIENCE));
    REQUIRE_OK(xipc_connection_recv(&data, &size, there, TESTING_PATIENCE, test->pool));
    for (apr_size_t cut = 0; cut < size; cut++)
        if (!survives(here, there, data, cut, scratch)) return;
    unsigned char *bytes = data;
    for (apr_size_t i = 0; i < size * sizeof damages; i++) {
        unsigned char before = bytes[i / sizeof damages];
        bytes[i / sizeof damages] = damages[i % sizeof damages];
        if (!survives(here, there, data, size, scratch)) return;
        bytes[i / sizeof damages] = before;
        apr_pool_clear(scratch);
    }
}

static const testing_case_t cases[] = {
    EACH_METHOD(integers_travel_as_they_are),
    EACH_METHOD(reals_travel_as_they_are),
    EACH_METHOD(strings_travel_as_they_are),
    EACH_METHOD(bytes_travel_as_they_are),
    EACH_METHOD(many_values_travel_in_order),
    EACH_METHOD(no_arguments_arrive_as_an_empty_list),
    ONCE(message_that_is_no_list_is_XIPC_EPROTOCOL_and_gone),
    ONCE(damaged_list_is_refused_and_does_no_harm),
};

TESTING_MAIN("values.travel", cases)
