/*
 * White box: a manager's process as its sessions see it, well-behaved and hostile ones;
 * src/core/manager_server.c and manager_protocol.h.
 */
#include "testing.h"

#include "core/connection.h"
#include "core/manager_protocol.h"

#include <stdint.h>

/* ---- common ---- */

/* A manager's process of which the test holds the starter's session. */
static xipc_connection_t *start_server(testing_t *test)
{
    xipc_connection_t *mine;
    xipc_connection_t *theirs;
    if (!CHECK_OK(xipc_pipe_create(&mine, &theirs, 1, test->pool))) return NULL;
    xipc_process_t *process =
        testing_start(test, xipc__manager_main, testing_connection_args(theirs, test->pool));
    CHECK_OK(xipc_connection_close(theirs));
    return process == NULL ? NULL : mine; /* the process ends with it */
}

static xipc_connection_t *open_session(xipc_connection_t *other, testing_t *test)
{
    xipc_connection_t *session;
    return CHECK_OK(xipc__session_open(&session, other, test->pool, test->pool)) ? session : NULL;
}

static apr_status_t ask(apr_int64_t *number, xipc_connection_t *session, apr_int64_t verb,
                        apr_int64_t queue, apr_int64_t argument, apr_pool_t *pool)
{
    xipc_values_t *answer;
    xipc_values_t *request = xipc__session_request((verb_e)verb, queue, 0, argument, pool);
    apr_status_t rv = xipc__session_call(&answer, session, request, 0, pool);
    if (rv == APR_SUCCESS) CHECK_OK(xipc_values_get_int(number, answer, ANSWER_NUMBER));
    return rv;
}

static apr_int64_t create_queue(xipc_connection_t *session, apr_int64_t capacity, apr_pool_t *pool)
{
    apr_int64_t id = -1;
    CHECK_OK(ask(&id, session, VERB_CREATE, 0, capacity, pool));
    return id;
}

static apr_int64_t size_of(xipc_connection_t *session, apr_int64_t queue, apr_pool_t *pool)
{
    apr_int64_t size = -1;
    CHECK_OK(ask(&size, session, VERB_SIZE, queue, 0, pool));
    return size;
}

static void begin_put(xipc_connection_t *session, apr_int64_t queue, apr_int64_t timeout,
                      const char *text, apr_pool_t *pool)
{
    xipc_values_t *request = xipc__session_request(VERB_PUT, queue, timeout, 0, pool);
    CHECK_OK(xipc_values_add_bytes(request, text, strlen(text)));
    CHECK_OK(xipc__session_begin(session, request));
}

static void begin_get(xipc_connection_t *session, apr_int64_t queue, apr_int64_t timeout,
                      apr_int64_t room, apr_pool_t *pool)
{
    CHECK_OK(
        xipc__session_begin(session, xipc__session_request(VERB_GET, queue, timeout, room, pool)));
}

/* The status of the answer to what was begun. */
static apr_status_t finish(xipc_connection_t *session, apr_pool_t *pool)
{
    xipc_values_t *answer;
    return xipc__session_finish(&answer, session, TESTING_PATIENCE, pool);
}

static void check_answer(const char *text, xipc_connection_t *session, apr_pool_t *pool)
{
    xipc_values_t *answer;
    const void *data;
    apr_size_t size = 0;
    if (!CHECK_OK(xipc__session_finish(&answer, session, TESTING_PATIENCE, pool))) return;
    CHECK_OK(xipc_values_get_bytes(&data, &size, answer, ANSWER_PAYLOAD));
    CHECK(size == strlen(text) && memcmp(data, text, size) == 0);
}

static void put(xipc_connection_t *session, apr_int64_t queue, const char *text, apr_pool_t *pool)
{
    begin_put(session, queue, 0, text, pool);
    CHECK_OK(finish(session, pool));
}

static void check_get(const char *text, xipc_connection_t *session, apr_int64_t queue,
                      apr_pool_t *pool)
{
    begin_get(session, queue, TESTING_PATIENCE, -1, pool);
    check_answer(text, session, pool);
}

/* What was sent by any session has been looked at by now: the manager looks at all in turn. */
static void settle(xipc_connection_t *session, apr_int64_t queue, apr_pool_t *pool)
{
    for (int i = 0; i < 3; i++) (void)size_of(session, queue, pool);
}

static void check_ended(xipc_connection_t *session, apr_pool_t *pool)
{
    void *data;
    apr_size_t size;
    CHECK_STATUS(APR_EOF, xipc_connection_recv(&data, &size, session, TESTING_PATIENCE, pool));
}

typedef struct {
    xipc_connection_t *starter;
    xipc_connection_t *good;
    xipc_connection_t *bad;
    apr_int64_t queue;
} scene_t;

static int set_scene(scene_t *scene, apr_int64_t capacity, testing_t *test)
{
    scene->starter = start_server(test);
    if (scene->starter == NULL) return 0;
    scene->good = open_session(scene->starter, test);
    scene->bad = open_session(scene->starter, test);
    if (scene->good == NULL || scene->bad == NULL) return 0;
    scene->queue = create_queue(scene->good, capacity, test->pool);
    return 1;
}

/* The manager is as well as ever. */
static void check_scene(const scene_t *scene, testing_t *test)
{
    put(scene->good, scene->queue, "well", test->pool);
    check_get("well", scene->good, scene->queue, test->pool);
    CHECK_NUMBER(0, size_of(scene->good, scene->queue, test->pool));
    xipc_connection_t *another = open_session(scene->starter, test);
    if (another != NULL) CHECK_OK(xipc_connection_close(another));
}

/* ---- order ---- */

static void who_has_waited_longest_is_served_first(testing_t *test)
{
    scene_t scene;
    REQUIRE(set_scene(&scene, 1, test));
    xipc_connection_t *third = open_session(scene.starter, test);
    for (int round = 0; round < 3; round++) {
        begin_get(scene.bad, scene.queue, -1, -1, test->pool);
        settle(scene.good, scene.queue, test->pool);
        begin_get(third, scene.queue, -1, -1, test->pool);
        settle(scene.good, scene.queue, test->pool);
        put(scene.good, scene.queue, "first", test->pool);
        put(scene.good, scene.queue, "second", test->pool);
        check_answer("first", scene.bad, test->pool);
        check_answer("second", third, test->pool);
        begin_put(third, scene.queue, -1, "one", test->pool);
        settle(scene.good, scene.queue, test->pool);
        begin_put(scene.bad, scene.queue, -1, "two", test->pool);
        settle(scene.good, scene.queue, test->pool);
        check_get("one", scene.good, scene.queue, test->pool);
        check_get("two", scene.good, scene.queue, test->pool);
        CHECK_OK(finish(third, test->pool));
        CHECK_OK(finish(scene.bad, test->pool));
    }
}

static void waiting_requests_end_at_their_own_deadlines(testing_t *test)
{
    scene_t scene;
    REQUIRE(set_scene(&scene, 1, test));
    put(scene.good, scene.queue, "only", test->pool);
    apr_time_t began = system_clock();
    begin_put(scene.bad, scene.queue, MILLISECONDS(90), "late", test->pool);
    begin_put(scene.good, scene.queue, MILLISECONDS(30), "later", test->pool);
    CHECK_STATUS(XIPC_EFULL, finish(scene.good, test->pool));
    CHECK_WAITED(began, MILLISECONDS(30));
    CHECK_STATUS(XIPC_EFULL, finish(scene.bad, test->pool));
    CHECK_WAITED(began, MILLISECONDS(90));
    check_get("only", scene.good, scene.queue, test->pool);
    CHECK_NUMBER(0, size_of(scene.good, scene.queue, test->pool));
}

static void reader_without_room_leaves_the_message_to_the_next(testing_t *test)
{
    scene_t scene;
    REQUIRE(set_scene(&scene, 0, test));
    xipc_connection_t *third = open_session(scene.starter, test);
    begin_get(scene.bad, scene.queue, -1, 3, test->pool);
    settle(scene.good, scene.queue, test->pool);
    begin_get(third, scene.queue, -1, 4, test->pool);
    settle(scene.good, scene.queue, test->pool);
    put(scene.good, scene.queue, "four", test->pool);
    CHECK_STATUS(XIPC_EMSGSIZE, finish(scene.bad, test->pool));
    check_answer("four", third, test->pool);
}

static void who_watches_takes_nothing(testing_t *test)
{
    scene_t scene;
    REQUIRE(set_scene(&scene, 0, test));
    xipc_connection_t *third = open_session(scene.starter, test);
    CHECK_OK(xipc__session_begin(
        scene.bad, xipc__session_request(VERB_WATCH, scene.queue, -1, 0, test->pool)));
    CHECK_OK(xipc__session_begin(
        third, xipc__session_request(VERB_WATCH, scene.queue, -1, 0, test->pool)));
    settle(scene.good, scene.queue, test->pool);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(third, 0));
    put(scene.good, scene.queue, "here", test->pool);
    CHECK_OK(finish(scene.bad, test->pool));
    CHECK_OK(finish(third, test->pool));
    check_get("here", scene.good, scene.queue, test->pool);
}

/* ---- sessions that end ---- */

static void session_that_ends_while_it_waits_changes_nothing(testing_t *test)
{
    scene_t scene;
    REQUIRE(set_scene(&scene, 1, test));
    begin_get(scene.bad, scene.queue, -1, -1, test->pool);
    settle(scene.good, scene.queue, test->pool);
    CHECK_OK(xipc_connection_close(scene.bad));
    put(scene.good, scene.queue, "kept", test->pool);
    xipc_connection_t *writer = open_session(scene.starter, test);
    begin_put(writer, scene.queue, -1, "dropped", test->pool);
    settle(scene.good, scene.queue, test->pool);
    CHECK_OK(xipc_connection_close(writer));
    settle(scene.good, scene.queue, test->pool);
    check_get("kept", scene.good, scene.queue, test->pool);
    check_scene(&scene, test);
}

/* Large enough to be stuck on its way to who does not read. */
enum { LARGE = 4 << 20 };

static void put_large(xipc_connection_t *session, apr_int64_t queue, unsigned seed,
                      apr_pool_t *pool)
{
    xipc_values_t *request = xipc__session_request(VERB_PUT, queue, 0, 0, pool);
    void *message = apr_palloc(pool, LARGE);
    testing_fill(message, LARGE, seed);
    CHECK_OK(xipc_values_add_bytes(request, message, LARGE));
    CHECK_OK(xipc__session_begin(session, request));
    CHECK_OK(finish(session, pool));
}

static void check_get_large(xipc_connection_t *session, apr_int64_t queue, unsigned seed,
                            apr_pool_t *pool)
{
    xipc_values_t *answer;
    const void *data;
    apr_size_t size;
    begin_get(session, queue, TESTING_PATIENCE, -1, pool);
    REQUIRE_OK(xipc__session_finish(&answer, session, TESTING_PATIENCE, pool));
    REQUIRE_OK(xipc_values_get_bytes(&data, &size, answer, ANSWER_PAYLOAD));
    CHECK(size == LARGE && testing_is_filled(data, LARGE, seed));
}

static void readers_that_do_not_read_hold_up_nobody_and_lose_nothing(testing_t *test)
{
    enum { READERS = 8 };
    scene_t scene;
    xipc_connection_t *readers[READERS];
    REQUIRE(set_scene(&scene, 0, test));
    apr_int64_t other = create_queue(scene.good, 0, test->pool);
    for (int i = 0; i < READERS; i++) {
        put_large(scene.good, scene.queue, (unsigned)i, test->pool);
        readers[i] = open_session(scene.starter, test);
        begin_get(readers[i], scene.queue, -1, -1, test->pool);
        settle(scene.good, scene.queue, test->pool);
    }
    CHECK_NUMBER(0, size_of(scene.good, scene.queue, test->pool)); /* all are on their way */
    apr_time_t began = system_clock();
    for (int i = 0; i < 100; i++) {
        put(scene.good, other, "quick", test->pool);
        check_get("quick", scene.good, other, test->pool);
    }
    CHECK_WAITED(began, 0);
    for (int i = READERS - 1; i >= 0; i--) { /* each one goes back to the front */
        CHECK_OK(xipc_connection_close(readers[i]));
        WAIT_FOR(size_of(scene.good, scene.queue, test->pool) == READERS - i);
    }
    for (int i = 0; i < READERS; i++)
        check_get_large(scene.good, scene.queue, (unsigned)i, test->pool);
}

static void message_that_comes_back_goes_to_who_waits(testing_t *test)
{
    scene_t scene;
    REQUIRE(set_scene(&scene, 0, test));
    put_large(scene.good, scene.queue, 1, test->pool);
    begin_get(scene.bad, scene.queue, -1, -1, test->pool);
    settle(scene.good, scene.queue, test->pool);
    xipc_connection_t *waiter = open_session(scene.starter, test);
    begin_get(waiter, scene.queue, -1, -1, test->pool);
    settle(scene.good, scene.queue, test->pool);
    CHECK_OK(xipc_connection_close(scene.bad));
    CHECK_OK(finish(waiter, test->pool));
}

/* ---- hostile sessions ---- */

static void who_speaks_before_its_answer_is_cut_off(testing_t *test)
{
    scene_t scene;
    REQUIRE(set_scene(&scene, 0, test));
    begin_get(scene.bad, scene.queue, -1, -1, test->pool);
    settle(scene.good, scene.queue, test->pool);
    begin_get(scene.bad, scene.queue, -1, -1, test->pool);
    check_ended(scene.bad, test->pool);
    check_scene(&scene, test);
}

static void unknown_queue_is_XIPC_EPROTOCOL_and_the_session_goes_on(testing_t *test)
{
    static const apr_int64_t unknown[] = {0, -1, 2, 1000, INT64_MAX, INT64_MIN};
    scene_t scene;
    apr_int64_t number;
    REQUIRE(set_scene(&scene, 0, test));
    for (apr_size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        CHECK_STATUS(XIPC_EPROTOCOL, ask(&number, scene.bad, VERB_SIZE, unknown[i], 0, test->pool));
        CHECK_STATUS(XIPC_EPROTOCOL, ask(&number, scene.bad, VERB_GET, unknown[i], 0, test->pool));
        CHECK_STATUS(XIPC_EPROTOCOL, ask(&number, scene.bad, VERB_PUT, unknown[i], 0, test->pool));
        CHECK_STATUS(XIPC_EPROTOCOL,
                     ask(&number, scene.bad, VERB_WATCH, unknown[i], 0, test->pool));
    }
    CHECK_NUMBER(0, size_of(scene.bad, scene.queue, test->pool));
}

static void unknown_verb_ends_the_session(testing_t *test)
{
    static const apr_int64_t unknown[] = {0, -1, VERB_WATCH + 1, INT64_MAX, INT64_MIN};
    scene_t scene;
    REQUIRE(set_scene(&scene, 0, test));
    for (apr_size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        xipc_values_t *request = xipc_values_make(test->pool);
        xipc_connection_t *session = open_session(scene.starter, test);
        CHECK_OK(xipc_values_add_int(request, unknown[i]));
        for (int k = 0; k < 3; k++) CHECK_OK(xipc_values_add_int(request, 1));
        CHECK_OK(xipc__session_begin(session, request));
        check_ended(session, test->pool);
    }
    check_scene(&scene, test);
}

static void extreme_numbers_are_just_numbers(testing_t *test)
{
    static const apr_int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX};
    scene_t scene;
    REQUIRE(set_scene(&scene, 0, test));
    for (apr_size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
        (void)create_queue(scene.bad, extremes[i], test->pool);
        begin_put(scene.bad, scene.queue, extremes[i], "text", test->pool);
        CHECK_OK(finish(scene.bad, test->pool));
        begin_get(scene.bad, scene.queue, extremes[i], extremes[i], test->pool);
        check_answer("text", scene.bad, test->pool);
    }
    check_scene(&scene, test);
}

static void request_without_its_payload_is_refused_and_the_session_goes_on(testing_t *test)
{
    scene_t scene;
    apr_int64_t number;
    REQUIRE(set_scene(&scene, 0, test));
    CHECK(ask(&number, scene.bad, VERB_PUT, scene.queue, 0, test->pool) != APR_SUCCESS);
    CHECK(ask(&number, scene.bad, VERB_ATTACH, 0, 0, test->pool) != APR_SUCCESS);
    xipc_values_t *request = xipc__session_request(VERB_PUT, scene.queue, 0, 0, test->pool);
    CHECK_OK(xipc_values_add_string(request, "no bytes"));
    CHECK_OK(xipc__session_begin(scene.bad, request));
    CHECK_STATUS(XIPC_ETYPE, finish(scene.bad, test->pool));
    CHECK_NUMBER(0, size_of(scene.bad, scene.queue, test->pool));
}

typedef struct {
    const char *bytes;
    apr_size_t size;
} raw_t;

#define RAW(bytes)                                                                                 \
    {                                                                                              \
        bytes, sizeof(bytes) - 1                                                                   \
    }

static void send_raw(xipc_connection_t *session, const raw_t *raw)
{
    apr_os_file_t handle;
    CHECK_OK(xipc_connection_os_get(&handle, session));
    CHECK(system_raw_write(handle, raw->bytes, raw->size));
}

static void garbage_ends_its_session_alone(testing_t *test)
{
    static const raw_t garbage[] = {
        RAW("\xff\xff\xff\xfe"),                                 /* a length of -2 */
        RAW("\x80\0\0\0"),                                       /* the least number */
        RAW("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), /* more than all memory */
        RAW("\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"),
        RAW("\0\0\0\0"),     /* nothing */
        RAW("\0\0\0\4XV\0"), /* not a list, once it is whole */
        RAW("\0\0\0\7garbage"),
        RAW("\0\0\0\14XV\0\1\0\0\0\0\0\0\0\0"),                     /* no values */
        RAW("\0\0\0\14XV\0\1\377\377\377\377\377\377\377\377"),     /* too many */
        RAW("\0\0\0\15XV\0\1\0\0\0\0\0\0\0\1\7"),                   /* a type that is none */
        RAW("\0\0\0\15XV\0\1\0\0\0\0\0\0\0\1\5"),                   /* half a connection */
        RAW("\0\0\0\26XV\0\1\0\0\0\0\0\0\0\1\5\3\0\0\0\0\0\0\0\0"), /* one without a handle */
        RAW("\0\0\0\30XV\0\1\0\0\0\0\0\0\0\1\4\177\377\377\377\377\377\377\377\0\0\0"), /* too long */
    };
    scene_t scene;
    REQUIRE(set_scene(&scene, 0, test));
    for (apr_size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        static const raw_t rest = RAW("\2");
        xipc_connection_t *session = open_session(scene.starter, test);
        send_raw(session, &garbage[i]);
        if (i == 5) send_raw(session, &rest);
        check_ended(session, test->pool);
        check_scene(&scene, test);
    }
}

static void half_a_message_is_no_message(testing_t *test)
{
    static const raw_t begins[] = {
        RAW("\0"),
        RAW("\0\0\0"),
        RAW("\0\0\0\4XV"),
        RAW("\x7f\xff\xff\xff"),
        RAW("\xff\xff\xff\xff\0\0\1\0\0\0\0\0 a terabyte"),
    };
    scene_t scene;
    REQUIRE(set_scene(&scene, 0, test));
    for (apr_size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        xipc_connection_t *session = open_session(scene.starter, test);
        send_raw(session, &begins[i]);
        check_scene(&scene, test);
        CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(session, 0));
        CHECK_OK(xipc_connection_close(session));
        check_scene(&scene, test);
    }
}

static void sessions_that_can_not_speak_are_borne(testing_t *test)
{
    scene_t scene;
    xipc_connection_t *one;
    xipc_connection_t *other;
    REQUIRE(set_scene(&scene, 0, test));
    for (int duplex = 0; duplex < 2; duplex++) { /* both ends of one pipe */
        REQUIRE_OK(xipc_pipe_create(&one, &other, duplex, test->pool));
        if (duplex) begin_get(other, scene.queue, 0, -1, test->pool); /* what it says to itself */
        CHECK_OK(xipc__session_attach(scene.bad, one, test->pool));
        CHECK_OK(xipc__session_attach(scene.bad, other, test->pool));
        CHECK_OK(xipc_connection_close(one));
        CHECK_OK(xipc_connection_close(other));
        check_scene(&scene, test);
    }
    REQUIRE_OK(xipc_pipe_create(&one, &other, 1, test->pool));
    CHECK_OK(xipc_connection_close(other)); /* nobody is at the other end */
    CHECK_OK(xipc__session_attach(scene.bad, one, test->pool));
    check_scene(&scene, test);
}

static const testing_case_t cases[] = {
    ONCE(who_has_waited_longest_is_served_first),
    ONCE(waiting_requests_end_at_their_own_deadlines),
    ONCE(reader_without_room_leaves_the_message_to_the_next),
    ONCE(who_watches_takes_nothing),
    ONCE(session_that_ends_while_it_waits_changes_nothing),
    ONCE(readers_that_do_not_read_hold_up_nobody_and_lose_nothing),
    ONCE(message_that_comes_back_goes_to_who_waits),
    ONCE(who_speaks_before_its_answer_is_cut_off),
    ONCE(unknown_queue_is_XIPC_EPROTOCOL_and_the_session_goes_on),
    ONCE(unknown_verb_ends_the_session),
    ONCE(extreme_numbers_are_just_numbers),
    ONCE(request_without_its_payload_is_refused_and_the_session_goes_on),
    ONCE(garbage_ends_its_session_alone),
    ONCE(half_a_message_is_no_message),
    ONCE(sessions_that_can_not_speak_are_borne),
};

TESTING_MAIN("unit.manager_session", cases)
