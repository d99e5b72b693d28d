/* Queues that unrelated programs find by a name; the promises of queue.h about them. */
#include "testing.h"

#include "xipc/program.h"
#include "xipc/wait.h"

#include <apr_strings.h>

/* ---- other programs, which have nothing but the name ---- */

/* A name that no other test has at this moment. */
static const char *name_for(const char *word, testing_t *test)
{
    return apr_psprintf(test->pool, "test-%s-%d", word, (int)system_pid());
}

static xipc_process_t *start(testing_t *test, const char *verb, const char *name,
                             const char *argument)
{
    const char *argv[] = {XIPC_TEST_TOOL, "queue", verb, name, argument, NULL};
    xipc_process_t *process;
    if (!CHECK_OK(xipc_program_create(&process, argv, test->pool))) return NULL;
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_PIPE, NULL));
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDOUT, XIPC_STREAM_PIPE, NULL));
    return CHECK_OK(xipc_process_start(process)) ? process : NULL;
}

/* The next line that it writes. */
static const char *hear(xipc_process_t *process, testing_t *test)
{
    char line[400];
    apr_size_t size = 0;
    while (process != NULL && size < sizeof line - 1) {
        apr_size_t got;
        apr_status_t rv =
            xipc_program_read(&got, process, XIPC_STDOUT, line + size, 1, TESTING_PATIENCE);
        if (rv != APR_SUCCESS || line[size] == '\n') break;
        size++;
    }
    line[size] = '\0';
    return apr_pstrdup(test->pool, line);
}

static int end(xipc_process_t *process)
{
    CHECK_OK(xipc_program_stream_close(process, XIPC_STDIN));
    return testing_finish(process);
}

static void kill_and_finish(xipc_process_t *process)
{
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
}

/* A program that holds the queue, and what it said. */
static xipc_process_t *start_holder(testing_t *test, const char *verb, const char *name)
{
    xipc_process_t *process = start(test, verb, name, "made");
    if (process == NULL) return NULL;
    CHECK_TEXT(strcmp(verb, "hold") == 0 ? "held" : "put", hear(process, test));
    return process;
}

/* ---- queues of this program ---- */

static xipc_queue_options_t *named(const char *name, testing_t *test)
{
    xipc_queue_options_t *options = NULL;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_name_set(options, name));
    return options;
}

static xipc_queue_t *make(const char *name, testing_t *test)
{
    xipc_queue_t *queue = NULL;
    CHECK_OK(xipc_queue_create_ex(&queue, named(name, test), test->pool));
    return queue;
}

static apr_status_t try_open(const char *name, testing_t *test)
{
    xipc_queue_t *queue;
    apr_status_t rv = xipc_queue_open(&queue, name, NULL, test->pool);
    if (rv == APR_SUCCESS) CHECK_OK(xipc_queue_close(queue));
    return rv;
}

static void check_message(const char *expected, xipc_queue_t *queue, testing_t *test)
{
    void *data;
    apr_size_t size;
    REQUIRE_OK(xipc_queue_get(&data, &size, queue, TESTING_PATIENCE, test->pool));
    CHECK_TEXT(expected, data);
}

/* How many hold it; 0 when it is not in the list. */
static apr_size_t holders(const char *name, testing_t *test)
{
    apr_array_header_t *list;
    if (!CHECK_OK(xipc_queue_list(&list, test->pool))) return 0;
    for (int i = 0; i < list->nelts; i++) {
        const xipc_queue_listed_t *listed = &APR_ARRAY_IDX(list, i, xipc_queue_listed_t);
        if (strcmp(listed->name, name) == 0) return listed->holders;
    }
    return 0;
}

/* ---- finding each other ---- */

static void unrelated_program_opens_it_by_its_name(testing_t *test)
{
    const char *name = name_for("open", test);
    xipc_queue_t *queue = make(name, test);
    REQUIRE(queue != NULL);
    CHECK_TEXT(name, xipc_queue_name(queue));
    xipc_process_t *process = start(test, "put", name, "from there");
    CHECK_TEXT("put", hear(process, test));
    check_message("from there", queue, test);
    CHECK_NUMBER(2, holders(name, test));
    CHECK_NUMBER(0, end(process));
    process = start(test, "get", name, "");
    CHECK_OK(xipc_queue_put(queue, "from here", 9, 0));
    CHECK_TEXT("from here", hear(process, test));
    CHECK_NUMBER(0, end(process));
    CHECK_NUMBER(1, holders(name, test));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_NUMBER(0, holders(name, test));
}

/* More than a queue keeps of its memory, so that it grows and shrinks, seen from both sides. */
static void large_messages_pass_between_programs(testing_t *test)
{
    enum { SIZE = 3000000, COUNT = 7 };
    const char *name = name_for("large", test);
    char *bytes = apr_palloc(test->pool, SIZE);
    xipc_queue_t *first = make(name, test);
    xipc_queue_t *second;
    REQUIRE(first != NULL);
    REQUIRE_OK(xipc_queue_open(&second, name, NULL, test->pool));
    for (int turn = 0; turn < 3; turn++) {
        for (unsigned i = 0; i < COUNT; i++) {
            testing_fill(bytes, SIZE, i);
            CHECK_OK(xipc_queue_put(first, bytes, SIZE - i, 0));
        }
        for (unsigned i = 0; i < COUNT; i++) {
            apr_size_t size;
            CHECK_OK(xipc_queue_get_into(&size, second, bytes, SIZE, 0));
            CHECK_NUMBER(SIZE - i, size);
            CHECK(testing_is_filled(bytes, size, i));
        }
    }
}

static void name_that_exists_is_refused_at_creation(testing_t *test)
{
    const char *name = name_for("exists", test);
    xipc_process_t *process = start_holder(test, "make", name);
    xipc_queue_t *queue = NULL;
    REQUIRE(process != NULL);
    CHECK_STATUS(APR_EEXIST, xipc_queue_create_ex(&queue, named(name, test), test->pool));
    CHECK(strstr(testing_text(APR_EEXIST), name) != NULL);
    CHECK(queue == NULL);
    CHECK_NUMBER(1, holders(name, test));
    CHECK_NUMBER(0, end(process));
}

static void name_that_does_not_exist_is_told_at_opening(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    const char *name = name_for("absent", test);
    CHECK_STATUS(APR_ENOENT, xipc_queue_open(&queue, name, NULL, test->pool));
    CHECK(strstr(testing_text(APR_ENOENT), name) != NULL);
    CHECK_STATUS(APR_ENOENT, xipc_queue_unlink(name));
    CHECK(queue == NULL);
}

static void of_many_that_open_or_create_one_creates(testing_t *test)
{
    enum { PROGRAMS = 8 };
    xipc_process_t *processes[PROGRAMS];
    int count = system_rounds(PROGRAMS) < PROGRAMS ? 3 : PROGRAMS;
    for (int round = 0; round < 3; round++) {
        const char *name = name_for("race", test);
        xipc_queue_t *queue;
        apr_size_t messages = 0;
        for (int i = 0; i < count; i++) processes[i] = start(test, "race", name, "100");
        for (int i = 0; i < count; i++) CHECK_TEXT("put", hear(processes[i], test));
        REQUIRE_OK(xipc_queue_open(&queue, name, NULL, test->pool));
        CHECK_OK(xipc_queue_size(&messages, queue));
        CHECK_NUMBER(count, messages);
        CHECK_NUMBER(count + 1, holders(name, test));
        for (int i = 0; i < count; i++) CHECK_NUMBER(0, end(processes[i]));
        CHECK_OK(xipc_queue_close(queue));
    }
}

static void open_or_create_makes_it_and_then_opens_it(testing_t *test)
{
    const char *name = name_for("or", test);
    xipc_queue_t *first, *second;
    REQUIRE_OK(xipc_queue_open_or_create(&first, name, NULL, test->pool));
    REQUIRE_OK(xipc_queue_open_or_create(&second, name, NULL, test->pool));
    CHECK_OK(xipc_queue_put(first, "x", 1, 0));
    check_message("x", second, test);
}

static void options_agree_or_the_difference_is_told(testing_t *test)
{
    const char *name = name_for("options", test);
    xipc_queue_options_t *options = named(name, test);
    xipc_queue_t *queue, *other = NULL;
    CHECK_OK(xipc_queue_options_capacity_set(options, 10));
    CHECK_OK(xipc_queue_options_message_max_set(options, 500));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    CHECK_OK(xipc_queue_options_message_max_set(options, 0));
    REQUIRE_OK(xipc_queue_open(&other, name, options, test->pool));
    CHECK_OK(xipc_queue_close(other));
    other = NULL;
    CHECK_OK(xipc_queue_options_capacity_set(options, 11));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_open(&other, name, options, test->pool));
    CHECK(strstr(testing_text(XIPC_ESTATE), "capacity 10, asked for 11") != NULL);
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_open_or_create(&other, name, options, test->pool));
    CHECK_OK(xipc_queue_options_capacity_set(options, 10));
    CHECK_OK(xipc_queue_options_message_max_set(options, 501));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_open(&other, name, options, test->pool));
    CHECK(strstr(testing_text(XIPC_ESTATE), "message_max 500, asked for 501") != NULL);
    CHECK_OK(xipc_queue_options_message_max_set(options, 0));
    CHECK_OK(xipc_queue_options_bytes_set(options, 4096));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_open(&other, name, options, test->pool));
    CHECK(other == NULL);
    CHECK_NUMBER(1, holders(name, test));
}

static void tasks_and_dead_letters_are_found_by_the_name(testing_t *test)
{
    const char *name = name_for("tasks", test);
    xipc_queue_options_t *options = named(name, test);
    xipc_queue_t *queue, *other = NULL, *letters;
    CHECK_OK(xipc_queue_options_lease_set(options, 1));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    CHECK_OK(xipc_queue_options_lease_set(options, 2));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_open(&other, name, options, test->pool));
    CHECK(strstr(testing_text(XIPC_ESTATE), "deliveries 1, asked for 2") != NULL);
    CHECK_OK(xipc_queue_put(queue, "deadly", 6, 0));
    xipc_process_t *process = start(test, "get", name, "");
    CHECK_TEXT("deadly", hear(process, test));
    kill_and_finish(process);
    REQUIRE_OK(xipc_queue_open(&other, name, NULL, test->pool));
    CHECK_OK(xipc_queue_join(other, TESTING_PATIENCE));
    REQUIRE_OK(xipc_queue_dead_letters(&letters, other, test->pool));
    CHECK_OK(xipc_queue_close(queue));
    check_message("deadly", letters, test);
    CHECK(xipc_queue_name(letters) == NULL);
    CHECK_OK(xipc_queue_close(other));
    CHECK_STATUS(APR_ENOENT, try_open(name, test));
    REQUIRE((queue = make(name, test)) != NULL);
    CHECK_OK(xipc_queue_options_lease_set(options, 0));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_open(&other, name, options, test->pool));
    CHECK(strstr(testing_text(XIPC_ESTATE), "is not joinable, asked for one that is leased") !=
          NULL);
}

static void wait_works_between_programs(testing_t *test)
{
    const char *name = name_for("wait", test);
    xipc_queue_t *queue = make(name, test);
    REQUIRE(queue != NULL);
    for (int round = 0; round < 3; round++) {
        xipc_wait_item_t item = {.kind = XIPC_WAIT_QUEUE, .of.queue = queue};
        apr_size_t ready = 0;
        xipc_process_t *process = start(test, "wait", name, "");
        CHECK_TEXT("waiting", hear(process, test));
        CHECK_OK(xipc_queue_put(queue, "there", 5, 0));
        CHECK_TEXT("there", hear(process, test));
        CHECK_NUMBER(0, end(process));
        process = start(test, "put", name, "here");
        CHECK_OK(xipc_wait(&ready, &item, 1, TESTING_PATIENCE));
        check_message("here", queue, test);
        CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, &item, 1, MILLISECONDS(20)));
        CHECK_TEXT("put", hear(process, test));
        CHECK_NUMBER(0, end(process));
    }
}

/* ---- what a name is ---- */

static void what_can_be_no_name_is_refused(testing_t *test)
{
    static const struct {
        const char *name;
        const char *why;
    } bad[] = {{"", "empty"},
               {"a/b", "0x2f"},
               {"a\\b", "0x5c"},
               {"a\nb", "0x0a"},
               {"\x7f", "0x7f"},
               {"/", "0x2f"},
               {"..\\..", "0x5c"},
               {"0123456789012345678901234567890123456789012345678901234567890123x", "65 bytes"}};
    xipc_queue_options_t *options = named("good", test);
    xipc_queue_t *queue = NULL;
    for (apr_size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_STATUS(APR_EINVAL, xipc_queue_options_name_set(options, bad[i].name));
        CHECK_STATUS(APR_EINVAL, xipc_queue_open(&queue, bad[i].name, NULL, test->pool));
        CHECK(strstr(testing_text(APR_EINVAL), bad[i].why) != NULL);
        CHECK_STATUS(APR_EINVAL, xipc_queue_open_or_create(&queue, bad[i].name, NULL, test->pool));
        CHECK_STATUS(APR_EINVAL, xipc_queue_unlink(bad[i].name));
    }
    CHECK_STATUS(APR_ENOTIMPL, xipc_queue_open(&queue, "redis://host/q", NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_open(NULL, "good", NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_open(&queue, NULL, NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_queue_open(&queue, "good", NULL, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_options_name_set(NULL, "good"));
    CHECK_STATUS(APR_EINVAL, xipc_queue_unlink(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_queue_list(NULL, test->pool));
    CHECK(xipc_queue_name(NULL) == NULL);
    CHECK(queue == NULL);
}

static void odd_names_are_names_and_differ(testing_t *test)
{
    enum { COUNT = 9 };
    static const char *const odd[COUNT] = {
        "..",
        "%",
        "^a",
        "A",
        "a",
        "\xc3\xa4 \xff",
        "-",
        "a b:c*?\"<>|",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%64"};
    xipc_queue_t *queues[COUNT];
    for (int i = 0; i < COUNT; i++) {
        (void)xipc_queue_unlink(odd[i]); /* of another run that was killed */
        queues[i] = make(odd[i], test);
        REQUIRE(queues[i] != NULL);
        CHECK_OK(xipc_queue_put(queues[i], odd[i], strlen(odd[i]), 0));
    }
    for (int i = 0; i < COUNT; i++) {
        xipc_queue_t *queue;
        CHECK_NUMBER(1, holders(odd[i], test));
        REQUIRE_OK(xipc_queue_open(&queue, odd[i], NULL, test->pool));
        check_message(odd[i], queue, test);
    }
}

static void named_queue_is_in_shared_memory_and_may_go_anywhere(testing_t *test)
{
    const char *name = name_for("caps", test);
    xipc_queue_options_t *options = named(name, test);
    xipc_queue_caps_t caps;
    xipc_queue_t *queue, *anonymous;
    CHECK_OK(xipc_queue_options_capacity_set(options, 4));
    CHECK_OK(xipc_queue_options_message_max_set(options, 64));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    CHECK_OK(xipc_queue_caps(&caps, queue));
    CHECK_NUMBER(XIPC_QUEUE_SHM, caps.backend);
    CHECK(!caps.is_inheritance_only);
    CHECK_OK(xipc_queue_close(queue));
    CHECK_TEXT(name, xipc_queue_name(queue));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_MQUEUE));
    CHECK_STATUS(APR_ENOTIMPL, xipc_queue_create_ex(&queue, options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_MAILSLOT));
    CHECK_STATUS(APR_ENOTIMPL, xipc_queue_open(&queue, name, options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    CHECK_OK(xipc_queue_options_name_set(options, NULL));
    REQUIRE_OK(xipc_queue_create_ex(&anonymous, options, test->pool));
    CHECK(xipc_queue_name(anonymous) == NULL);
}

/* ---- how long it lasts ---- */

static void last_to_close_removes_the_name(testing_t *test)
{
    const char *name = name_for("last", test);
    xipc_queue_t *queue = make(name, test);
    xipc_process_t *process = start_holder(test, "hold", name);
    REQUIRE(queue != NULL && process != NULL);
    CHECK_OK(xipc_queue_put(queue, "kept", 4, 0));
    CHECK_OK(xipc_queue_close(queue));
    REQUIRE_OK(xipc_queue_open(&queue, name, NULL, test->pool));
    check_message("kept", queue, test);
    CHECK_NUMBER(0, end(process));
    CHECK_OK(try_open(name, test));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_STATUS(APR_ENOENT, try_open(name, test));
}

static void unlinked_queue_goes_on_and_another_may_have_the_name(testing_t *test)
{
    const char *name = name_for("unlink", test);
    xipc_queue_t *old = make(name, test);
    xipc_process_t *process = start(test, "wait", name, "");
    REQUIRE(old != NULL && process != NULL);
    CHECK_TEXT("waiting", hear(process, test));
    CHECK_OK(xipc_queue_unlink(name));
    CHECK_STATUS(APR_ENOENT, xipc_queue_unlink(name));
    CHECK_STATUS(APR_ENOENT, try_open(name, test));
    xipc_queue_t *another = make(name, test);
    REQUIRE(another != NULL);
    CHECK_OK(xipc_queue_put(another, "new", 3, 0));
    CHECK_OK(xipc_queue_put(old, "old", 3, 0));
    CHECK_TEXT("old", hear(process, test));
    CHECK_NUMBER(0, end(process));
    CHECK_OK(xipc_queue_close(old));
    CHECK_NUMBER(1, holders(name, test));
    check_message("new", another, test);
}

/* All that look: each finds that only a dead one held it. */
static void name_of_the_dead_is_removed_by_the_next_who_looks(testing_t *test)
{
    const char *name = name_for("dead", test);
    xipc_queue_t *queue;
    for (int look = 0; look < 5; look++) {
        xipc_process_t *process = start_holder(test, "make", name);
        REQUIRE(process != NULL);
        CHECK_NUMBER(1, holders(name, test));
        kill_and_finish(process);
        if (look == 0) CHECK_STATUS(APR_ENOENT, try_open(name, test));
        if (look == 1) CHECK_STATUS(APR_ENOENT, xipc_queue_unlink(name));
        if (look == 2) CHECK_NUMBER(0, holders(name, test));
        if (look < 3) continue;
        queue = NULL;
        if (look == 3) queue = make(name, test);
        if (look == 4) CHECK_OK(xipc_queue_open_or_create(&queue, name, NULL, test->pool));
        REQUIRE(queue != NULL);
        CHECK(xipc_queue_is_empty(queue));
        CHECK_OK(xipc_queue_close(queue));
    }
}

static void name_of_a_living_one_stays_when_others_die(testing_t *test)
{
    const char *name = name_for("living", test);
    xipc_process_t *dying = start_holder(test, "make", name);
    xipc_process_t *living = start_holder(test, "hold", name);
    xipc_queue_t *queue;
    REQUIRE(dying != NULL && living != NULL);
    kill_and_finish(dying);
    CHECK_STATUS(APR_EEXIST, xipc_queue_create_ex(&queue, named(name, test), test->pool));
    CHECK_NUMBER(1, holders(name, test));
    REQUIRE_OK(xipc_queue_open(&queue, name, NULL, test->pool));
    check_message("made", queue, test);
    kill_and_finish(living);
    CHECK_NUMBER(1, holders(name, test));
    CHECK_OK(xipc_queue_put(queue, "x", 1, 0));
    CHECK_OK(try_open(name, test));
}

/* ---- travelling ---- */

/* Says that it has the queue, and stays until it is told to end. */
static int hold(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *told;
    apr_int64_t word;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 1;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 2;
    if (xipc_queue_name(queue) == NULL) return 3;
    if (!testing_send_int(told, 1)) return 4;
    return testing_recv_int(&word, told, TESTING_PATIENCE) ? 0 : 5;
}

static void who_is_given_it_holds_it_too(testing_t *test)
{
    const char *name = name_for("given", test);
    xipc_queue_t *queue = make(name, test);
    xipc_connection_t *here, *there;
    apr_int64_t word;
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *process = testing_start(test, hold, args);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&word, here, TESTING_PATIENCE));
    CHECK_NUMBER(2, holders(name, test));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_OK(try_open(name, test));
    CHECK(testing_send_int(here, 1));
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_NUMBER(0, holders(name, test));
}

static xipc_queue_t *inherited;

static int close_inherited(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return inherited != NULL && xipc_queue_close(inherited) != APR_SUCCESS;
}

static void forked_copy_holds_nothing(testing_t *test)
{
    const char *name = name_for("copy", test);
    inherited = make(name, test);
    REQUIRE(inherited != NULL);
    CHECK_NUMBER(0, testing_run(test, close_inherited, NULL));
    CHECK_NUMBER(1, holders(name, test));
    CHECK_OK(try_open(name, test));
    CHECK_OK(xipc_queue_put(inherited, "x", 1, 0));
    inherited = NULL;
}

static apr_status_t put_one(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)result;
    (void)pool;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    return rv == APR_SUCCESS ? xipc_queue_put(queue, "task", 4, 0) : rv;
}

static void pools_task_takes_it_among_its_arguments(testing_t *test)
{
    const char *name = name_for("task", test);
    xipc_process_pool_t *workers;
    xipc_values_t *result;
    REQUIRE_OK(xipc_process_pool_create(&workers, 1, test->pool));
    xipc_queue_t *queue = make(name, test);
    REQUIRE(queue != NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(xipc_process_pool_apply(&result, workers, put_one,
                                         testing_queue_args(queue, test->pool), TESTING_PATIENCE,
                                         test->pool));
        check_message("task", queue, test);
    }
    WAIT_FOR(holders(name, test) == 1); /* the worker's went with its task */
    CHECK_OK(xipc_process_pool_close(workers));
    CHECK_OK(xipc_process_pool_join(workers, TESTING_PATIENCE));
}

static void queue_in_a_message_holds_its_name_once_received(testing_t *test)
{
    const char *name = name_for("message", test);
    xipc_connection_t *here, *there;
    xipc_values_t *values;
    xipc_queue_t *received;
    xipc_queue_t *queue = make(name, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_connection_send_values(here, testing_queue_args(queue, test->pool), -1));
    CHECK_OK(xipc_connection_recv_values(&values, there, TESTING_PATIENCE, test->pool));
    REQUIRE_OK(xipc_values_get_queue(&received, values, 0));
    CHECK_NUMBER(2, holders(name, test));
    /* on its way while the name is taken away, and given to another */
    CHECK_OK(xipc_connection_send_values(here, testing_queue_args(queue, test->pool), -1));
    CHECK_OK(xipc_queue_unlink(name));
    xipc_queue_t *another = make(name, test);
    REQUIRE(another != NULL);
    CHECK_OK(xipc_connection_recv_values(&values, there, TESTING_PATIENCE, test->pool));
    REQUIRE_OK(xipc_values_get_queue(&received, values, 0));
    CHECK_NUMBER(1, holders(name, test));
    CHECK_OK(xipc_queue_put(received, "old", 3, 0));
    check_message("old", queue, test);
    CHECK_OK(xipc_queue_close(received));
    CHECK_OK(try_open(name, test));
}

static const testing_case_t cases[] = {
    ONCE(unrelated_program_opens_it_by_its_name),
    ONCE(large_messages_pass_between_programs),
    ONCE(name_that_exists_is_refused_at_creation),
    ONCE(name_that_does_not_exist_is_told_at_opening),
    ONCE(of_many_that_open_or_create_one_creates),
    ONCE(open_or_create_makes_it_and_then_opens_it),
    ONCE(options_agree_or_the_difference_is_told),
    ONCE(tasks_and_dead_letters_are_found_by_the_name),
    ONCE(wait_works_between_programs),
    ONCE(what_can_be_no_name_is_refused),
    ONCE(odd_names_are_names_and_differ),
    ONCE(named_queue_is_in_shared_memory_and_may_go_anywhere),
    ONCE(last_to_close_removes_the_name),
    ONCE(unlinked_queue_goes_on_and_another_may_have_the_name),
    ONCE(name_of_the_dead_is_removed_by_the_next_who_looks),
    ONCE(name_of_a_living_one_stays_when_others_die),
    EACH_METHOD(who_is_given_it_holds_it_too),
    EACH_METHOD(forked_copy_holds_nothing),
    EACH_METHOD(pools_task_takes_it_among_its_arguments),
    ONCE(queue_in_a_message_holds_its_name_once_received),
};

TESTING_MAIN("queue.names", cases)
