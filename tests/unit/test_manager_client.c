/*
 * White box: a managed queue whose manager answers wrongly, late or not at all; src/core/manager.c
 * and queue_managed.c.
 */
#include "testing.h"

#include "core/connection.h"
#include "core/manager_protocol.h"
#include "core/queue.h"

/* A queue, and the end of its session where its manager would be. */
static xipc_queue_t *make_queue(xipc_connection_t **manager, testing_t *test)
{
    xipc_connection_t *session;
    if (!CHECK_OK(xipc_pipe_create(&session, manager, 1, test->pool))) return NULL;
    return xipc__queue_managed_make(session, 1, 0, test->pool);
}

/* A queue whose manager has said something, and then left. */
static xipc_queue_t *make_answered(const xipc_values_t *answer, testing_t *test)
{
    xipc_connection_t *manager;
    xipc_queue_t *queue = make_queue(&manager, test);
    if (queue == NULL) return NULL;
    CHECK_OK(xipc_connection_send_values(manager, answer, 0));
    return queue;
}

static xipc_values_t *make_answer(apr_status_t status, apr_int64_t number, const char *text,
                                  testing_t *test)
{
    xipc_values_t *answer = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_int(answer, status));
    CHECK_OK(xipc_values_add_int(answer, number));
    if (text != NULL) CHECK_OK(xipc_values_add_bytes(answer, text, strlen(text)));
    return answer;
}

/* ---- answers ---- */

static void answer_is_taken_as_it_is(testing_t *test)
{
    apr_size_t size = 0;
    void *data = NULL;
    char buffer[4];
    apr_size_t count = 0;
    xipc_values_t *four = make_answer(APR_SUCCESS, 4, "four", test);
    CHECK_OK(xipc_queue_get(&data, &size, make_answered(four, test), -1, test->pool));
    CHECK(size == 4 && data != NULL && memcmp(data, "four", 5) == 0); /* and the NUL behind it */
    size = 0;
    CHECK_OK(xipc_queue_get_into(&size, make_answered(four, test), buffer, 4, -1));
    CHECK(size == 4 && memcmp(buffer, "four", 4) == 0);
    CHECK_OK(xipc_queue_size(&count, make_answered(four, test)));
    CHECK_NUMBER(4, count);
    xipc_values_t *too_large = make_answer(XIPC_EMSGSIZE, 77, NULL, test);
    CHECK_STATUS(XIPC_EMSGSIZE,
                 xipc_queue_get_into(&size, make_answered(too_large, test), buffer, 4, -1));
    CHECK_NUMBER(77, size);
}

static void error_the_manager_tells_passes_through(testing_t *test)
{
    static const apr_status_t told[] = {XIPC_EFULL, XIPC_EPROTOCOL, APR_ENOMEM, APR_EACCES};
    for (apr_size_t i = 0; i < sizeof told / sizeof *told; i++) {
        xipc_queue_t *queue = make_answered(make_answer(told[i], 0, NULL, test), test);
        CHECK_STATUS(told[i], xipc_queue_put(queue, "", 0, -1));
    }
}

/* What was the detail of an earlier failure is not shown again. */
static void error_of_the_manager_has_a_text_of_its_own(testing_t *test)
{
    xipc_queue_t *system_queue;
    xipc_queue_t *queue = make_answered(make_answer(XIPC_EEMPTY, 0, NULL, test), test);
    void *data;
    apr_size_t size;
    if (xipc_queue_create(&system_queue, 1, 8, test->pool) == APR_SUCCESS)
        CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get(&data, &size, system_queue, 0, test->pool));
    CHECK_STATUS(XIPC_EEMPTY, xipc_queue_get(&data, &size, queue, -1, test->pool));
    CHECK(strstr(testing_text(XIPC_EEMPTY), "mqueue") == NULL);
    CHECK(strstr(testing_text(XIPC_EEMPTY), "manage") != NULL);
}

static void check_get_refused(const xipc_values_t *answer, testing_t *test)
{
    apr_size_t size = 77;
    void *data = NULL;
    xipc_queue_t *queue = make_answered(answer, test);
    CHECK_STATUS(XIPC_EPROTOCOL, xipc_queue_get(&data, &size, queue, -1, test->pool));
    CHECK(size == 77 && data == NULL);
}

static void answer_without_what_belongs_to_it_is_XIPC_EPROTOCOL(testing_t *test)
{
    char buffer[4] = "abc";
    apr_size_t size = 77;
    xipc_values_t *number_alone = make_answer(APR_SUCCESS, 4, NULL, test);
    check_get_refused(number_alone, test);
    CHECK_OK(xipc_values_add_string(number_alone, "not bytes"));
    check_get_refused(number_alone, test);
    xipc_values_t *too_large = make_answer(APR_SUCCESS, 5, "large", test);
    CHECK_STATUS(XIPC_EPROTOCOL,
                 xipc_queue_get_into(&size, make_answered(too_large, test), buffer, 4, -1));
    CHECK(size == 77 && strcmp(buffer, "abc") == 0);
    xipc_values_t *negative = make_answer(APR_SUCCESS, -1, NULL, test);
    CHECK_STATUS(XIPC_EPROTOCOL, xipc_queue_size(&size, make_answered(negative, test)));
    CHECK_NUMBER(77, size);
}

static void check_lost(xipc_queue_t *queue, testing_t *test)
{
    apr_size_t size = 77;
    void *data = NULL;
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(XIPC_EDIED, xipc_queue_get(&data, &size, queue, -1, test->pool));
        CHECK_STATUS(XIPC_EDIED, xipc_queue_put(queue, "hi", 2, -1));
        CHECK_STATUS(XIPC_EDIED, xipc_queue_size(&size, queue));
    }
    CHECK(size == 77 && data == NULL);
}

/* After that nobody knows what belongs to what. */
static void answer_that_is_none_loses_the_manager(testing_t *test)
{
    xipc_connection_t *manager;
    xipc_values_t *text = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_string(text, "what?"));
    check_lost(make_answered(text, test), test);
    check_lost(make_answered(NULL, test), test);
    xipc_queue_t *queue = make_queue(&manager, test);
    REQUIRE(queue != NULL);
    CHECK_OK(xipc_connection_send(manager, "no list", 7, 0));
    check_lost(queue, test);
}

static void manager_that_left_is_XIPC_EDIED(testing_t *test)
{
    xipc_connection_t *manager;
    xipc_queue_t *queue = make_queue(&manager, test);
    REQUIRE(queue != NULL);
    CHECK_OK(xipc_connection_close(manager));
    check_lost(queue, test);
    CHECK_OK(xipc_queue_close(queue));
}

/* ---- patience ---- */

/*
 * Slow managers are at work all the time, but need longer for a message than one that is dead is
 * waited for.
 */
enum { SLOW = 4 << 20, PIECE = XIPC__STREAM_CHUNK };

static void rest(void)
{
    apr_sleep(MILLISECONDS(110));
}

/* Let a request trickle in, then answer it. */
static int take_slowly(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *session;
    xipc__handles_t handles = {.count = 0};
    unsigned char *bytes = apr_palloc(pool, PIECE);
    apr_size_t got = 0;
    if (xipc_values_get_connection(&session, args, 0) != APR_SUCCESS) return 90;
    for (apr_size_t all = 0; all < SLOW; all += got) {
        if (xipc__port_stream_read(&got, session->stream, bytes, PIECE, &handles,
                                   xipc__deadline(TESTING_PATIENCE)) != APR_SUCCESS)
            return 91;
        rest();
    }
    xipc_values_t *answer = xipc_values_make(pool);
    (void)xipc_values_add_int(answer, APR_SUCCESS);
    (void)xipc_values_add_int(answer, 0);
    if (xipc_connection_send_values(session, answer, TESTING_PATIENCE) != APR_SUCCESS) return 92;
    return xipc_connection_poll(session, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 93;
}

/* Take a request at once, and let its answer trickle out. */
static int answer_slowly(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *session;
    xipc_values_t *values;
    xipc__parcel_t parcel;
    xipc__outgoing_t out;
    if (xipc_values_get_connection(&session, args, 0) != APR_SUCCESS) return 90;
    if (xipc_connection_recv_values(&values, session, -1, pool) != APR_SUCCESS) return 91;
    values = xipc_values_make(pool);
    (void)xipc_values_add_int(values, APR_SUCCESS);
    (void)xipc_values_add_int(values, SLOW);
    (void)xipc_values_add_bytes(values, apr_pcalloc(pool, SLOW), SLOW);
    if (xipc__parcel_pack(&parcel, values, pool) != APR_SUCCESS) return 92;
    xipc__outgoing_begin(&out, parcel.data, 0);
    out.head_size = xipc__frame_head(out.head, parcel.size);
    while (out.body_size < parcel.size) { /* the message is complete when all of it was given out */
        out.body_size += parcel.size - out.body_size < PIECE ? parcel.size - out.body_size : PIECE;
        if (xipc__outgoing_push(&out, session, xipc__deadline(TESTING_PATIENCE)) != APR_SUCCESS)
            return 93;
        rest();
    }
    xipc__parcel_free(&parcel);
    return 0;
}

static xipc_queue_t *start_slow(xipc_process_t **process, xipc_target_t target, testing_t *test)
{
    xipc_connection_t *theirs;
    xipc_queue_t *queue = make_queue(&theirs, test);
    if (queue == NULL) return NULL;
    *process = testing_start(test, target, testing_connection_args(theirs, test->pool));
    CHECK_OK(xipc_connection_close(theirs));
    return queue;
}

static void manager_that_is_at_work_is_waited_for(testing_t *test)
{
    xipc_process_t *taker;
    xipc_process_t *answerer;
    void *data;
    apr_size_t size = 0;
    xipc_queue_t *puts = start_slow(&taker, take_slowly, test);
    xipc_queue_t *gets = start_slow(&answerer, answer_slowly, test);
    REQUIRE(puts != NULL && gets != NULL);
    apr_time_t began = system_clock();
    CHECK_OK(xipc_queue_put(puts, apr_pcalloc(test->pool, SLOW), SLOW, 0));
    CHECK_WAITED(began, apr_time_from_sec(6)); /* or it was no test */
    CHECK_OK(xipc_queue_close(puts));
    CHECK_OK(xipc_queue_get(&data, &size, gets, 0, test->pool));
    CHECK_NUMBER(SLOW, size);
    CHECK_NUMBER(0, testing_finish(taker));
    CHECK_NUMBER(0, testing_finish(answerer));
}

static const testing_case_t cases[] = {
    ONCE(answer_is_taken_as_it_is),
    ONCE(error_the_manager_tells_passes_through),
    ONCE(error_of_the_manager_has_a_text_of_its_own),
    ONCE(answer_without_what_belongs_to_it_is_XIPC_EPROTOCOL),
    ONCE(answer_that_is_none_loses_the_manager),
    ONCE(manager_that_left_is_XIPC_EDIED),
    ONCE(manager_that_is_at_work_is_waited_for),
};

TESTING_MAIN("unit.manager_client", cases)
