/* Entries of names that are damaged, foreign or of another version, and queues that do not fit theirs. */
#include "core/name_entry.h"
#include "core/queue_names.h"
#include "core/ring_layout.h"
#include "testing.h"

#include <apr_strings.h>

static const char *queue_name(testing_t *test)
{
    return apr_psprintf(test->pool, "test-entry-%d", (int)system_pid());
}

static xipc_queue_t *create(testing_t *test)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue = NULL;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_name_set(options, queue_name(test)));
    CHECK_OK(xipc_queue_create_ex(&queue, options, test->pool));
    return queue;
}

static apr_status_t try_open(testing_t *test)
{
    xipc_queue_t *queue;
    apr_status_t rv = xipc_queue_open(&queue, queue_name(test), NULL, test->pool);
    if (rv == APR_SUCCESS) CHECK_OK(xipc_queue_close(queue));
    return rv;
}

static int is_listed(testing_t *test)
{
    apr_array_header_t *list;
    if (!CHECK_OK(xipc_queue_list(&list, test->pool))) return 0;
    for (int i = 0; i < list->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(list, i, xipc_queue_listed_t).name, queue_name(test)) == 0)
            return 1;
    return 0;
}

/* Write a line of the entry behind the library's back. */
static void write_line(const void *bytes, apr_size_t line, testing_t *test)
{
    char escaped[XIPC__NAME_TEXT_MAX + 1];
    xipc__name_t *name;
    xipc__queue_name_escape(escaped, queue_name(test));
    REQUIRE_OK(xipc__port_name_lock(&name, escaped, 1, XIPC__NEVER));
    CHECK_OK(xipc__port_name_write(name, bytes, line * XIPC__NAME_LINE));
    xipc__port_name_unlock(name);
}

static xipc__entry_head_t read_head(testing_t *test)
{
    xipc__entry_head_t head = {0};
    xipc__entry_t *entry;
    if (!CHECK_OK(xipc__entry_open(&entry, queue_name(test), 0))) return head;
    head = entry->head;
    xipc__entry_close(entry);
    return head;
}

/* With a queue, so that there is something that must not be taken for dead. */
static void check_refused(const void *bytes, const char *why, testing_t *test)
{
    xipc_queue_t *other;
    xipc_queue_t *queue = create(test);
    REQUIRE(queue != NULL);
    write_line(bytes, 0, test);
    CHECK_STATUS(XIPC_EPROTOCOL, try_open(test));
    CHECK(strstr(testing_text(XIPC_EPROTOCOL), why) != NULL);
    CHECK_STATUS(XIPC_EPROTOCOL,
                 xipc_queue_open_or_create(&other, queue_name(test), NULL, test->pool));
    CHECK(!is_listed(test));
    CHECK_STATUS(XIPC_EPROTOCOL, try_open(test)); /* nobody removed it */
    CHECK_OK(xipc_queue_unlink(queue_name(test)));
    CHECK_STATUS(APR_ENOENT, try_open(test));
    CHECK_OK(xipc_queue_put(queue, "x", 1, 0));
    CHECK_OK(xipc_queue_close(queue));
}

static void entry_of_something_else_is_refused(testing_t *test)
{
    static const unsigned char garbage[XIPC__NAME_LINE] = {1, 2, 3, 4, 5};
    check_refused(garbage, "no queue's", test);
}

static void entry_of_another_version_is_refused(testing_t *test)
{
    const xipc__entry_head_t head = {
        .magic = XIPC__ENTRY_MAGIC, .version = 77, .space = xipc__port_process_space()};
    check_refused(&head, "layout 77", test);
}

static void entry_of_another_space_of_pids_is_refused(testing_t *test)
{
    const xipc__entry_head_t head = {.magic = XIPC__ENTRY_MAGIC,
                                     .version = XIPC__ENTRY_VERSION,
                                     .space = xipc__port_process_space() + 1};
    check_refused(&head, "space of process numbers", test);
}

static void entry_that_lost_its_head_is_a_free_name(testing_t *test)
{
    static const unsigned char nothing[XIPC__NAME_LINE] = {0};
    xipc_queue_t *old = create(test);
    REQUIRE(old != NULL);
    write_line(nothing, 0, test);
    CHECK_STATUS(APR_ENOENT, try_open(test));
    xipc_queue_t *another = create(test);
    REQUIRE(another != NULL);
    CHECK_OK(xipc_queue_close(old));
    CHECK(is_listed(test));
}

/* Numbers that lead to nothing, or to something else; ours is among the holders as well. */
static void holder_that_has_not_got_it_is_passed_over(testing_t *test)
{
    xipc__name_holder_t holder = {.identity = xipc__port_identity(), .count = XIPC__ENTRY_HANDLES};
    xipc_queue_t *queue = create(test);
    REQUIRE(queue != NULL);
    for (int i = 0; i < XIPC__ENTRY_HANDLES; i++) holder.handles[i] = 0x7ffffff0;
    write_line(&holder, 300, test);
    CHECK_OK(try_open(test));
    holder.count = 0x7fffffff;
    write_line(&holder, 301, test);
    CHECK_OK(try_open(test));
    for (int i = 0; i < XIPC__ENTRY_HANDLES; i++) holder.handles[i] = (apr_uint32_t)i;
    holder.count = 2;
    write_line(&holder, 1, test); /* in the place of the true one */
    (void)try_open(test);
    (void)xipc_queue_unlink(queue_name(test));
}

static void number_of_another_queue_is_noticed(testing_t *test)
{
    xipc_queue_t *queue = create(test);
    REQUIRE(queue != NULL);
    xipc__entry_head_t head = read_head(test);
    head.id++;
    write_line(&head, 0, test);
    CHECK(try_open(test) != APR_SUCCESS);
    head.id--;
    write_line(&head, 0, test);
    (void)try_open(test);
    (void)xipc_queue_unlink(queue_name(test));
}

static void full_list_of_holders_is_a_limit_with_its_number(testing_t *test)
{
    xipc__name_holder_t holder = {.identity = xipc__port_identity(), .count = XIPC__ENTRY_HANDLES};
    xipc_queue_t *queue = create(test);
    REQUIRE(queue != NULL);
    for (apr_uint32_t i = 1; i < XIPC__ENTRY_HOLDERS; i++) {
        holder.handles[0] = 0x7ff00000 + i;
        write_line(&holder, i + 1, test);
    }
    CHECK_STATUS(XIPC_ELIMIT, try_open(test));
    CHECK(strstr(testing_text(XIPC_ELIMIT), "511") != NULL);
    CHECK_OK(xipc_queue_unlink(queue_name(test)));
}

/* ---- the queue itself ---- */

static void check_scribbled(void *place, int value, const char *why, testing_t *test)
{
    unsigned char *byte = place;
    unsigned char old = *byte;
    xipc_queue_t *other;
    *byte = (unsigned char)value;
    CHECK_STATUS(XIPC_EPROTOCOL, try_open(test));
    CHECK(strstr(testing_text(XIPC_EPROTOCOL), why) != NULL);
    CHECK_STATUS(XIPC_EPROTOCOL,
                 xipc_queue_open_or_create(&other, queue_name(test), NULL, test->pool));
    *byte = old;
    CHECK_OK(try_open(test));
}

static void queue_whose_head_is_scribbled_over_is_refused(testing_t *test)
{
    xipc_queue_t *queue = create(test);
    REQUIRE(queue != NULL);
    xipc__ring_header_t *header = ((xipc__ring_t *)queue->self)->header;
    check_scribbled(&header->magic, 1, "no queue's", test);
    check_scribbled(&header->version, 99, "layout 99", test);
    check_scribbled(&header->word, 2, "words of 2 bytes", test);
    check_scribbled(&header->header_size, 3, "another build", test);
    check_scribbled(&header->units, 3, "its size", test);
    check_scribbled(&header->space, 200, "space of process numbers", test);
    check_scribbled(&header->name.id, 0, "not the queue of this name", test);
}

static void names_are_escaped_and_come_back(testing_t *test)
{
    char text[2] = "x";
    (void)test;
    for (int byte = 1; byte < 256; byte++) {
        char escaped[XIPC__NAME_TEXT_MAX + 1];
        char back[XIPC__RING_NAME_SIZE];
        text[0] = (char)byte;
        if (xipc__queue_name_check(text) != APR_SUCCESS) continue;
        xipc__queue_name_escape(escaped, text);
        CHECK(strspn(escaped, "abcdefghijklmnopqrstuvwxyz0123456789._-%^") == strlen(escaped));
        CHECK_OK(xipc__queue_name_unescape(back, escaped));
        CHECK_TEXT(text, back);
    }
    static const char *const bad[] = {"", "%2f", "%", "%0", "^", "^1", "A", "%2", "a%zz"};
    for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
        char back[XIPC__RING_NAME_SIZE];
        CHECK(xipc__queue_name_unescape(back, bad[i]) != APR_SUCCESS);
    }
}

static const testing_case_t cases[] = {
    ONCE(entry_of_something_else_is_refused),
    ONCE(entry_of_another_version_is_refused),
    ONCE(entry_of_another_space_of_pids_is_refused),
    ONCE(entry_that_lost_its_head_is_a_free_name),
    ONCE(holder_that_has_not_got_it_is_passed_over),
    ONCE(number_of_another_queue_is_noticed),
    ONCE(full_list_of_holders_is_a_limit_with_its_number),
    ONCE(queue_whose_head_is_scribbled_over_is_refused),
    ONCE(names_are_escaped_and_come_back),
};

TESTING_MAIN("name.entries", cases)
