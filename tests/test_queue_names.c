/* Queues that unrelated programs find by a name; the promises of queue.h about them. */
#include "naming.h"

#include "xipc/wait.h"

/* ---- finding each other ---- */

static void unrelated_program_opens_it_by_its_name(testing_t *test)
{
    const char *name = naming_name("open", test);
    xipc_queue_t *queue = naming_make(name, test);
    REQUIRE(queue != NULL);
    CHECK_TEXT(name, xipc_queue_name(queue));
    xipc_process_t *process = naming_start(test, "put", name, "from there");
    CHECK_TEXT("put", naming_hear(process, test));
    naming_check_message("from there", queue, test);
    CHECK_NUMBER(2, naming_holders(name, test));
    CHECK_NUMBER(0, naming_end(process));
    process = naming_start(test, "get", name, "");
    CHECK_OK(xipc_queue_put(queue, "from here", 9, 0));
    CHECK_TEXT("from here", naming_hear(process, test));
    CHECK_NUMBER(0, naming_end(process));
    CHECK_NUMBER(1, naming_holders(name, test));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_NUMBER(0, naming_holders(name, test));
}

/* More than a queue keeps of its memory, so that it grows and shrinks, seen from both sides. */
static void large_messages_pass_between_programs(testing_t *test)
{
    enum { SIZE = 3000000, COUNT = 7 };
    const char *name = naming_name("large", test);
    char *bytes = apr_palloc(test->pool, SIZE);
    xipc_queue_t *first = naming_make(name, test);
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
    const char *name = naming_name("exists", test);
    xipc_process_t *process = naming_start_holder(test, "make", name);
    xipc_queue_t *queue = NULL;
    REQUIRE(process != NULL);
    CHECK_STATUS(APR_EEXIST, xipc_queue_create_ex(&queue, naming_options(name, test), test->pool));
    CHECK(strstr(testing_text(APR_EEXIST), name) != NULL);
    CHECK(queue == NULL);
    CHECK_NUMBER(1, naming_holders(name, test));
    CHECK_NUMBER(0, naming_end(process));
}

static void name_that_does_not_exist_is_told_at_opening(testing_t *test)
{
    xipc_queue_t *queue = NULL;
    const char *name = naming_name("absent", test);
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
        const char *name = naming_name("race", test);
        xipc_queue_t *queue;
        apr_size_t messages = 0;
        for (int i = 0; i < count; i++) processes[i] = naming_start(test, "race", name, "100");
        for (int i = 0; i < count; i++) CHECK_TEXT("put", naming_hear(processes[i], test));
        REQUIRE_OK(xipc_queue_open(&queue, name, NULL, test->pool));
        CHECK_OK(xipc_queue_size(&messages, queue));
        CHECK_NUMBER(count, messages);
        CHECK_NUMBER(count + 1, naming_holders(name, test));
        for (int i = 0; i < count; i++) CHECK_NUMBER(0, naming_end(processes[i]));
        CHECK_OK(xipc_queue_close(queue));
    }
}

static void open_or_create_makes_it_and_then_opens_it(testing_t *test)
{
    const char *name = naming_name("or", test);
    xipc_queue_t *first, *second;
    REQUIRE_OK(xipc_queue_open_or_create(&first, name, NULL, test->pool));
    REQUIRE_OK(xipc_queue_open_or_create(&second, name, NULL, test->pool));
    CHECK_OK(xipc_queue_put(first, "x", 1, 0));
    naming_check_message("x", second, test);
}

static void options_agree_or_the_difference_is_told(testing_t *test)
{
    const char *name = naming_name("options", test);
    xipc_queue_options_t *options = naming_options(name, test);
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
    CHECK_NUMBER(1, naming_holders(name, test));
}

static void tasks_and_dead_letters_are_found_by_the_name(testing_t *test)
{
    const char *name = naming_name("tasks", test);
    xipc_queue_options_t *options = naming_options(name, test);
    xipc_queue_t *queue, *other = NULL, *letters;
    CHECK_OK(xipc_queue_options_lease_set(options, 1));
    REQUIRE_OK(xipc_queue_create_ex(&queue, options, test->pool));
    CHECK_OK(xipc_queue_options_lease_set(options, 2));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_open(&other, name, options, test->pool));
    CHECK(strstr(testing_text(XIPC_ESTATE), "deliveries 1, asked for 2") != NULL);
    CHECK_OK(xipc_queue_put(queue, "deadly", 6, 0));
    xipc_process_t *process = naming_start(test, "get", name, "");
    CHECK_TEXT("deadly", naming_hear(process, test));
    naming_kill(process);
    REQUIRE_OK(xipc_queue_open(&other, name, NULL, test->pool));
    CHECK_OK(xipc_queue_join(other, TESTING_PATIENCE));
    REQUIRE_OK(xipc_queue_dead_letters(&letters, other, test->pool));
    CHECK_OK(xipc_queue_close(queue));
    naming_check_message("deadly", letters, test);
    CHECK(xipc_queue_name(letters) == NULL);
    CHECK_OK(xipc_queue_close(other));
    CHECK_STATUS(APR_ENOENT, naming_try_open(name, test));
    REQUIRE((queue = naming_make(name, test)) != NULL);
    CHECK_OK(xipc_queue_options_lease_set(options, 0));
    CHECK_STATUS(XIPC_ESTATE, xipc_queue_open(&other, name, options, test->pool));
    CHECK(strstr(testing_text(XIPC_ESTATE), "is not joinable, asked for one that is leased") !=
          NULL);
}

static void wait_works_between_programs(testing_t *test)
{
    const char *name = naming_name("wait", test);
    xipc_queue_t *queue = naming_make(name, test);
    REQUIRE(queue != NULL);
    for (int round = 0; round < 3; round++) {
        xipc_wait_item_t item = {.kind = XIPC_WAIT_QUEUE, .of.queue = queue};
        apr_size_t ready = 0;
        xipc_process_t *process = naming_start(test, "wait", name, "");
        CHECK_TEXT("waiting", naming_hear(process, test));
        CHECK_OK(xipc_queue_put(queue, "there", 5, 0));
        CHECK_TEXT("there", naming_hear(process, test));
        CHECK_NUMBER(0, naming_end(process));
        process = naming_start(test, "put", name, "here");
        CHECK_OK(xipc_wait(&ready, &item, 1, TESTING_PATIENCE));
        naming_check_message("here", queue, test);
        CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, &item, 1, MILLISECONDS(20)));
        CHECK_TEXT("put", naming_hear(process, test));
        CHECK_NUMBER(0, naming_end(process));
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
    xipc_queue_options_t *options = naming_options("good", test);
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
        queues[i] = naming_make(odd[i], test);
        REQUIRE(queues[i] != NULL);
        CHECK_OK(xipc_queue_put(queues[i], odd[i], strlen(odd[i]), 0));
    }
    for (int i = 0; i < COUNT; i++) {
        xipc_queue_t *queue;
        CHECK_NUMBER(1, naming_holders(odd[i], test));
        REQUIRE_OK(xipc_queue_open(&queue, odd[i], NULL, test->pool));
        naming_check_message(odd[i], queue, test);
    }
}

static void named_queue_is_in_shared_memory_and_may_go_anywhere(testing_t *test)
{
    const char *name = naming_name("caps", test);
    xipc_queue_options_t *options = naming_options(name, test);
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
};

TESTING_MAIN("queue.names", cases)
