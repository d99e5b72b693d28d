/*
 * A list of values in one process; the promises of values.h. Travelling is in test_values_travel.c.
 */
#include "testing.h"

static void new_list_is_empty(testing_t *test)
{
    xipc_values_t *values = xipc_values_make(test->pool);
    REQUIRE(values != NULL);
    CHECK_NUMBER(0, xipc_values_count(values));
}

static void NULL_counts_as_empty(testing_t *test)
{
    (void)test;
    CHECK_NUMBER(0, xipc_values_count(NULL));
}

/* A list with one value of each plain type, in the order of xipc_value_type_e. */
static xipc_values_t *one_of_each(testing_t *test)
{
    xipc_values_t *values = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_int(values, 41));
    CHECK_OK(xipc_values_add_real(values, 1.5));
    CHECK_OK(xipc_values_add_string(values, "peter"));
    CHECK_OK(xipc_values_add_bytes(values, "a\0b", 3));
    return values;
}

static void values_are_read_in_the_order_of_adding(testing_t *test)
{
    apr_int64_t number = 0;
    double real = 0;
    const char *string = "";
    const void *data = NULL;
    apr_size_t size = 0;
    xipc_values_t *values = one_of_each(test);
    CHECK_NUMBER(4, xipc_values_count(values));
    CHECK_OK(xipc_values_get_int(&number, values, 0));
    CHECK_NUMBER(41, number);
    CHECK_OK(xipc_values_get_real(&real, values, 1));
    CHECK(real >= 1.5 && real <= 1.5);
    CHECK_OK(xipc_values_get_string(&string, values, 2));
    CHECK_TEXT("peter", string);
    CHECK_OK(xipc_values_get_bytes(&data, &size, values, 3));
    REQUIRE(size == 3);
    CHECK(memcmp(data, "a\0b", 3) == 0);
}

static void type_tells_what_each_value_is(testing_t *test)
{
    xipc_values_t *values = one_of_each(test);
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_queue_t *queue;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    CHECK_OK(xipc_values_add_connection(values, here));
    CHECK_OK(xipc_values_add_queue(values, queue));
    for (int i = 0; i < 6; i++) {
        xipc_value_type_e type = (xipc_value_type_e)0;
        CHECK_OK(xipc_values_type(&type, values, (apr_size_t)i));
        CHECK_NUMBER(i + 1, type);
    }
}

static void many_values_fit(testing_t *test)
{
    xipc_values_t *values = xipc_values_make(test->pool);
    for (apr_int64_t i = 0; i < 10000; i++)
        if (!CHECK_OK(xipc_values_add_int(values, i))) return;
    CHECK_NUMBER(10000, xipc_values_count(values));
    for (apr_int64_t i = 0; i < 10000; i++) {
        apr_int64_t number = -1;
        REQUIRE_OK(xipc_values_get_int(&number, values, (apr_size_t)i));
        REQUIRE(number == i);
    }
}

static void added_string_and_bytes_are_copied(testing_t *test)
{
    char string[] = "peter";
    char bytes[] = {1, 2, 3};
    const char *read = NULL;
    const void *data = NULL;
    apr_size_t size = 0;
    xipc_values_t *values = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_string(values, string));
    CHECK_OK(xipc_values_add_bytes(values, bytes, sizeof bytes));
    memset(string, 'x', 5);
    memset(bytes, 9, sizeof bytes);
    REQUIRE_OK(xipc_values_get_string(&read, values, 0));
    CHECK_TEXT("peter", read);
    REQUIRE_OK(xipc_values_get_bytes(&data, &size, values, 1));
    CHECK(size == 3 && memcmp(data, "\1\2\3", 3) == 0);
}

static void no_bytes_are_read_as_an_address_and_0(testing_t *test)
{
    const void *data = NULL;
    apr_size_t size = 9;
    xipc_values_t *values = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_bytes(values, NULL, 0));
    CHECK_OK(xipc_values_get_bytes(&data, &size, values, 0));
    CHECK(data != NULL);
    CHECK_NUMBER(0, size);
}

static void empty_string_is_a_value(testing_t *test)
{
    const char *string = NULL;
    xipc_values_t *values = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_string(values, ""));
    CHECK_OK(xipc_values_get_string(&string, values, 0));
    CHECK_TEXT("", string);
}

static void connections_and_queues_are_referred_to(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *connection = NULL;
    xipc_queue_t *queue;
    xipc_queue_t *read = NULL;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    xipc_values_t *values = testing_connection_args(here, test->pool);
    CHECK_OK(xipc_values_add_queue(values, queue));
    CHECK_OK(xipc_values_get_connection(&connection, values, 0));
    CHECK_OK(xipc_values_get_queue(&read, values, 1));
    CHECK(connection == here);
    CHECK(read == queue);
}

/* Read a value by each getter but the right one. */
static void check_wrong_types(const xipc_values_t *values, apr_size_t index)
{
    apr_int64_t number = 7;
    double real = 7;
    const char *string = "7";
    const void *data = &real;
    apr_size_t size = 7;
    xipc_connection_t *connection = NULL;
    xipc_queue_t *queue = NULL;
    if (index != 0) CHECK_STATUS(XIPC_ETYPE, xipc_values_get_int(&number, values, index));
    if (index != 1) CHECK_STATUS(XIPC_ETYPE, xipc_values_get_real(&real, values, index));
    if (index != 2) CHECK_STATUS(XIPC_ETYPE, xipc_values_get_string(&string, values, index));
    if (index != 3) CHECK_STATUS(XIPC_ETYPE, xipc_values_get_bytes(&data, &size, values, index));
    CHECK_STATUS(XIPC_ETYPE, xipc_values_get_connection(&connection, values, index));
    CHECK_STATUS(XIPC_ETYPE, xipc_values_get_queue(&queue, values, index));
    CHECK_NUMBER(7, number);
    CHECK(real > 6 && real < 8);
    CHECK_TEXT("7", string);
    CHECK(data == &real && size == 7 && connection == NULL && queue == NULL);
}

static void reading_as_another_type_is_XIPC_ETYPE_and_changes_nothing(testing_t *test)
{
    xipc_values_t *values = one_of_each(test);
    for (apr_size_t i = 0; i < 4; i++) check_wrong_types(values, i);
}

static void reading_behind_the_end_is_XIPC_EINDEX(testing_t *test)
{
    static const apr_size_t behind[] = {4, 5, (apr_size_t)-1};
    xipc_values_t *values = one_of_each(test);
    for (int i = 0; i < 3; i++) {
        apr_int64_t number = 7;
        double real;
        const char *string;
        const void *data;
        apr_size_t size;
        xipc_connection_t *connection;
        xipc_queue_t *queue;
        xipc_value_type_e type;
        CHECK_STATUS(XIPC_EINDEX, xipc_values_get_int(&number, values, behind[i]));
        CHECK_STATUS(XIPC_EINDEX, xipc_values_get_real(&real, values, behind[i]));
        CHECK_STATUS(XIPC_EINDEX, xipc_values_get_string(&string, values, behind[i]));
        CHECK_STATUS(XIPC_EINDEX, xipc_values_get_bytes(&data, &size, values, behind[i]));
        CHECK_STATUS(XIPC_EINDEX, xipc_values_get_connection(&connection, values, behind[i]));
        CHECK_STATUS(XIPC_EINDEX, xipc_values_get_queue(&queue, values, behind[i]));
        CHECK_STATUS(XIPC_EINDEX, xipc_values_type(&type, values, behind[i]));
        CHECK_NUMBER(7, number);
    }
}

static void adding_to_or_from_NULL_is_APR_EINVAL_and_adds_nothing(testing_t *test)
{
    xipc_values_t *values = one_of_each(test);
    CHECK_STATUS(APR_EINVAL, xipc_values_add_int(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_real(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_string(NULL, "a"));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_bytes(NULL, "a", 1));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_connection(NULL, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_queue(NULL, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_string(values, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_bytes(values, NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_connection(values, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_queue(values, NULL));
    CHECK_NUMBER(4, xipc_values_count(values));
}

static void bytes_beyond_memory_are_APR_ENOMEM_and_not_added(testing_t *test)
{
    xipc_values_t *values = xipc_values_make(test->pool);
    apr_status_t rv = xipc_values_add_bytes(values, "a", SIZE_MAX - 2);
    CHECK_STATUS(APR_ENOMEM, rv);
    CHECK(strstr(testing_text(rv), "bytes") != NULL);
    CHECK_NUMBER(0, xipc_values_count(values));
}

static void list_without_a_pool_is_NULL(testing_t *test)
{
    (void)test;
    CHECK(xipc_values_make(NULL) == NULL);
}

static void reading_from_or_to_NULL_is_APR_EINVAL(testing_t *test)
{
    xipc_values_t *values = one_of_each(test);
    apr_int64_t number;
    double real;
    const char *string;
    const void *data;
    apr_size_t size;
    xipc_value_type_e type;
    CHECK_STATUS(APR_EINVAL, xipc_values_get_int(NULL, values, 0));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_int(&number, NULL, 0));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_real(NULL, values, 1));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_real(&real, NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_string(NULL, values, 2));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_string(&string, NULL, 2));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_bytes(NULL, &size, values, 3));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_bytes(&data, NULL, values, 3));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_bytes(&data, &size, NULL, 3));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_connection(NULL, values, 0));
    CHECK_STATUS(APR_EINVAL, xipc_values_get_queue(NULL, values, 0));
    CHECK_STATUS(APR_EINVAL, xipc_values_type(NULL, values, 0));
    CHECK_STATUS(APR_EINVAL, xipc_values_type(&type, NULL, 0));
}

static void closed_connection_is_refused_and_not_added(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *values = xipc_values_make(test->pool);
    CHECK_OK(xipc_connection_close(here));
    CHECK_STATUS(XIPC_ECLOSED, xipc_values_add_connection(values, here));
    CHECK_NUMBER(0, xipc_values_count(values));
}

static void closed_queue_is_refused_and_not_added(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    xipc_values_t *values = xipc_values_make(test->pool);
    CHECK_OK(xipc_queue_close(queue));
    CHECK_STATUS(XIPC_ECLOSED, xipc_values_add_queue(values, queue));
    CHECK_NUMBER(0, xipc_values_count(values));
}

static const testing_case_t cases[] = {
    ONCE(new_list_is_empty),
    ONCE(NULL_counts_as_empty),
    ONCE(values_are_read_in_the_order_of_adding),
    ONCE(type_tells_what_each_value_is),
    ONCE(many_values_fit),
    ONCE(added_string_and_bytes_are_copied),
    ONCE(no_bytes_are_read_as_an_address_and_0),
    ONCE(empty_string_is_a_value),
    ONCE(connections_and_queues_are_referred_to),
    ONCE(reading_as_another_type_is_XIPC_ETYPE_and_changes_nothing),
    ONCE(reading_behind_the_end_is_XIPC_EINDEX),
    ONCE(adding_to_or_from_NULL_is_APR_EINVAL_and_adds_nothing),
    ONCE(bytes_beyond_memory_are_APR_ENOMEM_and_not_added),
    ONCE(list_without_a_pool_is_NULL),
    ONCE(reading_from_or_to_NULL_is_APR_EINVAL),
    ONCE(closed_connection_is_refused_and_not_added),
    ONCE(closed_queue_is_refused_and_not_added),
};

TESTING_MAIN("values", cases)
