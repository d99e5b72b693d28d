/* White box: lists of values as bytes, and what does not stand for one; src/core/parcel.c. */
#include "testing.h"

#include "core/connection.h"
#include "core/parcel.h"

#include <stdlib.h>

enum { LARGE = 100000 };

/* A list with every type; its connection and its queue stay open with the test. */
static xipc_values_t *make_list(testing_t *test)
{
    xipc_connection_t *one;
    xipc_connection_t *other;
    xipc_values_t *values = xipc_values_make(test->pool);
    test->queue = TESTING_QUEUE_MANAGED;
    CHECK_OK(xipc_values_add_int(values, -1));
    CHECK_OK(xipc_values_add_real(values, 0.5));
    CHECK_OK(xipc_values_add_string(values, "peter"));
    CHECK_OK(xipc_values_add_bytes(values, "\0\1\2", 3));
    if (CHECK_OK(xipc_pipe_create(&one, &other, 1, test->pool)))
        CHECK_OK(xipc_values_add_connection(values, one));
    CHECK_OK(xipc_values_add_queue(values, testing_queue(test, 3)));
    CHECK_OK(xipc_values_add_bytes(values, "end", 3));
    return values;
}

/* Unpack bytes with handles like those of the parcel. */
static apr_status_t unpack(xipc_values_t **values, const void *data, apr_size_t size,
                           const xipc__handles_t *like, apr_pool_t *pool)
{
    xipc__handles_t handles;
    for (handles.count = 0; handles.count < like->count; handles.count++)
        CHECK_OK(
            xipc__port_handle_duplicate(&handles.items[handles.count], like->items[handles.count]));
    apr_status_t rv = xipc__parcel_unpack(values, data, size, &handles, pool);
    CHECK_NUMBER(0, handles.count); /* taken or closed */
    return rv;
}

static void list_comes_out_as_it_went_in(testing_t *test)
{
    xipc__parcel_t parcel;
    xipc_values_t *values;
    const char *string = "";
    xipc_values_t *list = make_list(test);
    REQUIRE_OK(xipc__parcel_pack(&parcel, list, test->pool));
    if (CHECK_OK(unpack(&values, parcel.data, parcel.size, &parcel.handles, test->pool))) {
        CHECK_NUMBER(xipc_values_count(list), xipc_values_count(values));
        CHECK_OK(xipc_values_get_string(&string, values, 2));
        CHECK_TEXT("peter", string);
    }
    xipc__parcel_free(&parcel);
}

static void list_cut_short_anywhere_is_XIPC_EPROTOCOL(testing_t *test)
{
    xipc__parcel_t parcel;
    apr_pool_t *each;
    xipc_values_t *values = NULL;
    REQUIRE_OK(xipc__parcel_pack(&parcel, make_list(test), test->pool));
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    int handles = system_count_handles();
    for (apr_size_t size = 0; size < parcel.size; size++) {
        void *exactly = malloc(size > 0 ? size : 1); /* what lies behind it a sanitizer sees */
        if (exactly == NULL) abort();
        memcpy(exactly, parcel.data, size);
        CHECK_STATUS(XIPC_EPROTOCOL, unpack(&values, exactly, size, &parcel.handles, each));
        free(exactly);
        apr_pool_clear(each);
    }
    CHECK(values == NULL);
    if (system_handles_are_exact()) CHECK_NUMBER(handles, system_count_handles());
    xipc__parcel_free(&parcel);
}

/* Any byte may be anything: an error, or another list. */
static void list_with_a_wrong_byte_does_no_harm(testing_t *test)
{
    xipc__parcel_t parcel;
    apr_pool_t *each;
    REQUIRE_OK(xipc__parcel_pack(&parcel, make_list(test), test->pool));
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    int handles = system_count_handles();
    for (apr_size_t at = 0; at < parcel.size; at++) {
        static const unsigned char wrongs[] = {0, 1, 0x7f, 0x80, 0xff};
        unsigned char right = parcel.data[at];
        for (apr_size_t i = 0; i < sizeof wrongs; i++) {
            xipc_values_t *values;
            parcel.data[at] = wrongs[i];
            apr_status_t rv = unpack(&values, parcel.data, parcel.size, &parcel.handles, each);
            CHECK(rv == APR_SUCCESS || rv == XIPC_EPROTOCOL);
            apr_pool_clear(each);
        }
        parcel.data[at] = right;
    }
    if (system_handles_are_exact()) CHECK_NUMBER(handles, system_count_handles());
    xipc__parcel_free(&parcel);
}

static void more_or_fewer_handles_than_named_are_XIPC_EPROTOCOL_and_closed(testing_t *test)
{
    xipc__parcel_t parcel;
    apr_pool_t *each;
    xipc_values_t *values;
    REQUIRE_OK(xipc__parcel_pack(&parcel, make_list(test), test->pool));
    REQUIRE_OK(apr_pool_create(&each, test->pool));
    int handles = system_count_handles();
    const xipc__handles_t right = parcel.handles;
    for (apr_size_t count = 0; count <= right.count + 1; count++) {
        xipc__handles_t like = right;
        like.items[right.count] = right.items[0];
        like.count = count;
        CHECK_STATUS(count == right.count ? APR_SUCCESS : XIPC_EPROTOCOL,
                     unpack(&values, parcel.data, parcel.size, &like, each));
        apr_pool_clear(each);
    }
    if (system_handles_are_exact()) CHECK_NUMBER(handles, system_count_handles());
    xipc__parcel_free(&parcel);
}

/* ---- tails ---- */

static void check_tail(const xipc_values_t *values, apr_size_t expected, testing_t *test)
{
    xipc__parcel_t whole;
    xipc__parcel_t parts;
    REQUIRE_OK(xipc__parcel_pack(&whole, values, test->pool));
    REQUIRE_OK(xipc__parcel_pack_to_send(&parts, values, test->pool));
    CHECK_NUMBER(0, whole.tail_size);
    CHECK_NUMBER(expected, parts.tail_size);
    CHECK_NUMBER(whole.size, parts.size + parts.tail_size);
    if (whole.size == parts.size + parts.tail_size) {
        CHECK(memcmp(whole.data, parts.data, parts.size) == 0);
        CHECK(expected == 0 || memcmp(whole.data + parts.size, parts.tail, expected) == 0);
    }
    xipc__parcel_free(&whole);
    xipc__parcel_free(&parts);
}

static void large_last_bytes_are_not_copied_and_the_whole_is_the_same(testing_t *test)
{
    xipc_values_t *values = xipc_values_make(test->pool);
    char *bytes = apr_palloc(test->pool, LARGE);
    testing_fill(bytes, LARGE, 3);
    check_tail(NULL, 0, test);
    check_tail(values, 0, test);
    CHECK_OK(xipc_values_add_string(values, "odd"));
    CHECK_OK(xipc_values_add_bytes(values, bytes, LARGE));
    check_tail(values, LARGE, test);
    CHECK_OK(xipc_values_add_bytes(values, bytes, 10));
    check_tail(values, 0, test);
    CHECK_OK(xipc_values_add_bytes(values, bytes, LARGE));
    check_tail(values, LARGE, test);
    CHECK_OK(xipc_values_add_int(values, 1));
    check_tail(values, 0, test);
}

/* ---- turns ---- */

static int send_large(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_values_t *values = xipc_values_make(pool);
    void *bytes = apr_palloc(pool, 64 * LARGE);
    testing_fill(bytes, 64 * LARGE, 5);
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    (void)xipc_values_add_bytes(values, bytes, 64 * LARGE);
    return xipc_connection_send_values(connection, values, -1) == APR_SUCCESS ? 0 : 91;
}

static void receive_that_is_to_pause_is_APR_TIMEUP_and_goes_on(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_values_t *values;
    const void *data;
    apr_size_t size = 0;
    apr_status_t rv = APR_TIMEUP;
    int turns = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, send_large, testing_connection_args(there, test->pool));
    for (; APR_STATUS_IS_TIMEUP(rv) && turns < 100; turns++) {
        here->pause_at = here->position + 10 * LARGE;
        rv = xipc_connection_recv_values(&values, here, -1, test->pool);
        CHECK(here->position <= here->pause_at + 64 * LARGE);
    }
    REQUIRE_OK(rv);
    CHECK(turns > 1 && turns <= 8);
    CHECK_OK(xipc_values_get_bytes(&data, &size, values, 0));
    CHECK(size == 64 * LARGE && testing_is_filled(data, size, 5));
    CHECK_NUMBER(0, testing_finish(process));
}

static void send_that_is_to_pause_is_APR_TIMEUP_and_goes_on(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc__outgoing_t out;
    char bytes[1000];
    char buffer[1000];
    apr_size_t size = 0;
    testing_fill(bytes, sizeof bytes, 7);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc__outgoing_begin(&out, bytes, 100);
    out.head_size = xipc__frame_head(out.head, sizeof bytes);
    out.tail = bytes + 100;
    out.tail_size = sizeof bytes - 100;
    out.pause_at = 50; /* between the two writes */
    CHECK_STATUS(APR_TIMEUP, xipc__outgoing_push(&out, here, XIPC__NEVER));
    CHECK_NUMBER(104, out.sent);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_recv_into(&size, there, buffer, sizeof buffer, 0));
    out.pause_at = 0;
    CHECK_OK(xipc__outgoing_push(&out, here, XIPC__NEVER));
    CHECK_OK(xipc_connection_recv_into(&size, there, buffer, sizeof buffer, 0));
    CHECK(size == sizeof bytes && memcmp(buffer, bytes, sizeof bytes) == 0);
}

static const testing_case_t cases[] = {
    ONCE(list_comes_out_as_it_went_in),
    ONCE(list_cut_short_anywhere_is_XIPC_EPROTOCOL),
    ONCE(list_with_a_wrong_byte_does_no_harm),
    ONCE(more_or_fewer_handles_than_named_are_XIPC_EPROTOCOL_and_closed),
    ONCE(large_last_bytes_are_not_copied_and_the_whole_is_the_same),
    ONCE(receive_that_is_to_pause_is_APR_TIMEUP_and_goes_on),
    ONCE(send_that_is_to_pause_is_APR_TIMEUP_and_goes_on),
};

TESTING_MAIN("unit.parcel", cases)
