/* How the system's own queues are made, and what they refuse; the promises of queue.h. */
#include "testing.h"

#include <stdint.h>

static void refused_by_name(apr_status_t rv, apr_int64_t asked, const xipc_queue_t *queue)
{
    char text[512];
    (void)xipc_strerror(rv, text, sizeof text);
    CHECK_STATUS(XIPC_ELIMIT, rv);
    const char *detail = strstr(text, ": ");
    CHECK(detail != NULL && testing_text_has_number_below(detail, asked));
    CHECK(queue == NULL);
}

static void capacity_over_the_systems_limit_is_refused_by_name_and_number(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    refused_by_name(testing_system_queue(&queue, 1000000, 8, test->pool), 1000000, queue);
    refused_by_name(testing_system_queue(&queue, (apr_size_t)-1, 8, test->pool), INT64_MAX, queue);
}

static void message_max_over_the_systems_limit_is_refused_by_name_and_number(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    refused_by_name(testing_system_queue(&queue, 1, (apr_size_t)1 << 30, test->pool), 1 << 30,
                    queue);
    refused_by_name(testing_system_queue(&queue, 1, (apr_size_t)-1, test->pool), INT64_MAX, queue);
}

static void bytes_over_the_users_limit_are_refused_by_name_and_number(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    if (!system_limit_queue_bytes(4321)) {
        testing_skip("no such limit here");
        return;
    }
    apr_status_t rv = testing_system_queue(&queue, 8, 1024, test->pool);
    CHECK(strstr(testing_text(rv), "4321") != NULL);
    refused_by_name(rv, 8 * 1024, queue);
    system_unlimit_queue_bytes();
    CHECK_OK(testing_system_queue(&queue, 8, 1024, test->pool));
}

static void queues_over_the_systems_limit_are_refused_by_name_and_number(testing_t *test)
{
    xipc_queue_t *first = NULL;
    xipc_queue_t *second = NULL;
    if (!system_limit_queues(1)) {
        system_unlimit_queues();
        testing_skip("the number of queues can't be limited here");
        return;
    }
    CHECK_OK(testing_system_queue(&first, 1, 8, test->pool));
    apr_status_t rv = testing_system_queue(&second, 1, 8, test->pool);
    system_unlimit_queues();
    if (rv == APR_SUCCESS) {
        testing_skip("this process is held to no limit");
        return;
    }
    CHECK_STATUS(XIPC_ELIMIT, rv);
    CHECK(strstr(testing_text(rv), "queues_max = 1") != NULL);
    CHECK(second == NULL);
}

static void queue_without_handles_is_an_error_and_leaves_nothing(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    if (!system_limit_handles(0)) {
        testing_skip("no limit of handles here");
        return;
    }
    apr_status_t rv = testing_system_queue(&queue, 1, 8, test->pool);
    system_unlimit_handles();
    CHECK(rv != APR_SUCCESS && queue == NULL);
}

/* Put until it is full; how many went in. */
static apr_size_t fill_up(xipc_queue_t *queue)
{
    for (apr_size_t count = 0;; count++) {
        apr_status_t rv = testing_put_int(queue, (apr_int64_t)count, 0);
        if (rv == APR_SUCCESS) continue;
        CHECK_STATUS(XIPC_EFULL, rv);
        return count;
    }
}

static void capacity_0_is_as_deep_as_the_system_goes(testing_t *test)
{
    xipc_queue_t *queue;
    xipc_queue_caps_t caps;
    apr_int64_t number = -1;
    REQUIRE_OK(testing_system_queue(&queue, 0, 0, test->pool));
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    CHECK(caps.capacity > 1);
    CHECK_NUMBER(1024, caps.message_max);
    CHECK_NUMBER(caps.capacity, fill_up(queue));
    for (apr_size_t i = 0; i < caps.capacity; i++) {
        REQUIRE_OK(testing_get_int(&number, queue, 0, test->pool));
        CHECK_NUMBER(i, number);
    }
}

static void bounds_asked_for_are_bounds_had(testing_t *test)
{
    for (apr_size_t capacity = 1; capacity <= 8; capacity += 7) {
        xipc_queue_t *queue;
        xipc_queue_caps_t caps;
        REQUIRE_OK(testing_system_queue(&queue, capacity, 10 * capacity, test->pool));
        REQUIRE_OK(xipc_queue_caps(&caps, queue));
        CHECK_NUMBER(capacity, caps.capacity);
        CHECK_NUMBER(10 * capacity, caps.message_max);
        CHECK_NUMBER(capacity, fill_up(queue));
        CHECK_OK(xipc_queue_close(queue));
    }
}

static void full_queue_of_the_largest_messages_holds_them_all(testing_t *test)
{
    enum { SIZE = 8192, DEPTH = 8 };
    xipc_queue_t *queue;
    char message[SIZE];
    REQUIRE_OK(testing_system_queue(&queue, DEPTH, SIZE, test->pool));
    for (unsigned i = 0; i < DEPTH; i++) {
        testing_fill(message, SIZE, i);
        CHECK_OK(xipc_queue_put(queue, message, SIZE, 0));
    }
    CHECK_STATUS(XIPC_EFULL, xipc_queue_put(queue, "", 1, 0));
    for (unsigned i = 0; i < DEPTH; i++) {
        apr_size_t size = 0;
        CHECK_OK(xipc_queue_get_into(&size, queue, message, SIZE, 0));
        CHECK(size == SIZE && testing_is_filled(message, SIZE, i));
    }
}

/* ---- options ---- */

static xipc_queue_backend_e own_backend(void)
{
    return system_has_fork() ? XIPC_QUEUE_MQUEUE : XIPC_QUEUE_MAILSLOT;
}

static void options_bound_the_queue(testing_t *test)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue;
    xipc_queue_caps_t caps;
    REQUIRE_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, own_backend()));
    CHECK_OK(xipc_queue_options_capacity_set(options, 2));
    CHECK_OK(xipc_queue_options_message_max_set(options, 100));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    REQUIRE_OK(xipc_queue_caps(&caps, queue));
    CHECK_NUMBER(own_backend(), caps.backend);
    CHECK_NUMBER(2, caps.capacity);
    CHECK_NUMBER(100, caps.message_max);
}

static void NULL_options_are_the_defaults(testing_t *test)
{
    xipc_queue_t *queue;
    REQUIRE_OK(xipc_queue_create_ex(&queue, NULL, test->pool));
    CHECK_NUMBER(XIPC_QUEUE_SHM, xipc_queue_backend(queue));
}

static void backend_of_another_system_is_APR_ENOTIMPL(testing_t *test)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue = NULL;
    REQUIRE_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, system_has_fork() ? XIPC_QUEUE_MAILSLOT
                                                                       : XIPC_QUEUE_MQUEUE));
    CHECK_STATUS(APR_ENOTIMPL, xipc_queue_create_ex(&queue, options, test->pool));
    CHECK(queue == NULL);
}

static void backend_that_is_none_is_APR_EINVAL_and_changes_nothing(testing_t *test)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue;
    REQUIRE_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_backend_set(options, XIPC_QUEUE_MANAGED));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_backend_set(options, (xipc_queue_backend_e)99));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_backend_set(options, (xipc_queue_backend_e)-1));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    CHECK_NUMBER(XIPC_QUEUE_SHM, xipc_queue_backend(queue));
}

static void making_refuses_NULL(testing_t *test)
{
    xipc_queue_t *queue;
    xipc_queue_options_t *options;
    CHECK_STATUS(APR_EINVAL, xipc_queue_create(NULL, 1, 1, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_create(&queue, 1, 1, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_create_ex(NULL, NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_create_ex(&queue, NULL, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_create(NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_create(&options, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_backend_set(NULL, XIPC_QUEUE_AUTO));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_capacity_set(NULL, 1));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_message_max_set(NULL, 1));
}

static xipc_queue_backend_e automatic(apr_size_t capacity, apr_size_t message_max, testing_t *test)
{
    xipc_queue_t *queue;
    if (!CHECK_OK(xipc_queue_create(&queue, capacity, message_max, test->pool)))
        return XIPC_QUEUE_AUTO;
    xipc_queue_backend_e backend = xipc_queue_backend(queue);
    CHECK_OK(xipc_queue_close(queue));
    return backend;
}

static void AUTO_is_the_systems_own_queue_where_it_bears_what_is_asked(testing_t *test)
{
    CHECK_NUMBER(own_backend(), automatic(3, 100, test));
}

static void AUTO_is_shm_where_no_limit_is_asked_or_too_much(testing_t *test)
{
    CHECK_NUMBER(XIPC_QUEUE_SHM, automatic(3, 0, test));
    CHECK_NUMBER(XIPC_QUEUE_SHM, automatic(0, 100, test));
    CHECK_NUMBER(XIPC_QUEUE_SHM, automatic(1000000, 8, test));
    CHECK_NUMBER(XIPC_QUEUE_SHM, automatic(1, (apr_size_t)1 << 24, test));
}

/* ---- names ---- */

static int has_new_name(const apr_array_header_t *before, apr_pool_t *pool)
{
    const apr_array_header_t *now = system_names(pool);
    int found = now->nelts;
    for (int i = 0; i < now->nelts; i++)
        for (int k = 0; k < before->nelts; k++)
            if (strcmp(APR_ARRAY_IDX(now, i, const char *),
                       APR_ARRAY_IDX(before, k, const char *)) == 0) {
                found--;
                break;
            }
    return found > 0;
}

static void made_queue_has_no_name(testing_t *test)
{
    xipc_queue_t *queue;
    if (!system_sees_queue_names()) {
        testing_skip("names of queues can't be seen here");
        return;
    }
    const apr_array_header_t *before = system_names(test->pool);
    REQUIRE_OK(testing_system_queue(&queue, 1, 8, test->pool));
    WAIT_FOR(
        !has_new_name(before, test->pool)); /* another program's name may be there for an instant */
    CHECK_OK(testing_put_int(queue, 1, 0));
}

static void system_without_queues_is_APR_ENOTIMPL_by_name(testing_t *test)
{
    xipc_queue_t *queue;
    apr_status_t rv = testing_system_queue(&queue, 1, 8, test->pool);
    if (rv == APR_SUCCESS) {
        testing_skip("there are queues here");
        return;
    }
    CHECK_STATUS(APR_ENOTIMPL, rv);
    CHECK(strstr(testing_text(rv), "mqueue") != NULL);
}

static const testing_case_t cases[] = {
    OF_SYSTEM_QUEUE(capacity_over_the_systems_limit_is_refused_by_name_and_number),
    OF_SYSTEM_QUEUE(message_max_over_the_systems_limit_is_refused_by_name_and_number),
    OF_SYSTEM_QUEUE(bytes_over_the_users_limit_are_refused_by_name_and_number),
    OF_SYSTEM_QUEUE(queues_over_the_systems_limit_are_refused_by_name_and_number),
    OF_SYSTEM_QUEUE(queue_without_handles_is_an_error_and_leaves_nothing),
    OF_SYSTEM_QUEUE(capacity_0_is_as_deep_as_the_system_goes),
    OF_SYSTEM_QUEUE(bounds_asked_for_are_bounds_had),
    OF_SYSTEM_QUEUE(full_queue_of_the_largest_messages_holds_them_all),
    OF_SYSTEM_QUEUE(options_bound_the_queue),
    OF_SYSTEM_QUEUE(NULL_options_are_the_defaults),
    OF_SYSTEM_QUEUE(AUTO_is_the_systems_own_queue_where_it_bears_what_is_asked),
    ONCE(AUTO_is_shm_where_no_limit_is_asked_or_too_much),
    ONCE(backend_of_another_system_is_APR_ENOTIMPL),
    OF_SYSTEM_QUEUE(backend_that_is_none_is_APR_EINVAL_and_changes_nothing),
    ONCE(making_refuses_NULL),
    ONCE(system_without_queues_is_APR_ENOTIMPL_by_name),
    OF_SYSTEM_QUEUE(made_queue_has_no_name),
};

TESTING_MAIN("queue.limits", cases)
