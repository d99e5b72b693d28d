/*
 * What a child shares with its parent and what not; the promises of process.h and the article's
 * first program.
 */
#include "testing.h"

#include <stdio.h>

/* ---- the article's variable and list ---- */

static int age = 1;

/* AGE += 1, names.append('jack'), and tell both. */
static int greet(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    age++;
    if (xipc_values_add_string(args, "jack") != APR_SUCCESS) return 91;
    if (!testing_send_int(connection, age)) return 92;
    return xipc_connection_send_values(connection, args, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 93;
}

/* Run the article's child, and check what it tells. */
static void check_greeting(testing_t *test, const xipc_values_t *names, xipc_connection_t *here,
                           apr_int64_t expected)
{
    apr_int64_t told = -1;
    xipc_values_t *list;
    const char *name = "";
    xipc_process_t *process = testing_start(test, greet, names);
    CHECK(testing_recv_int(&told, here, TESTING_PATIENCE));
    CHECK_NUMBER(expected, told);
    if (CHECK_OK(xipc_connection_recv_values(&list, here, TESTING_PATIENCE, test->pool))) {
        CHECK_NUMBER(3, xipc_values_count(list));
        CHECK_OK(xipc_values_get_string(&name, list, 1));
        CHECK_TEXT("peter", name);
        CHECK_OK(xipc_values_get_string(&name, list, 2));
        CHECK_TEXT("jack", name);
    }
    CHECK_NUMBER(0, testing_finish(process));
}

static void change_in_a_child_is_seen_by_neither_parent_nor_next_child(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *names = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_string(names, "peter"));
    check_greeting(test, names, here, 2);
    check_greeting(test, names, here, 2);
    CHECK_NUMBER(1, age);
    CHECK_NUMBER(2, xipc_values_count(names));
}

static void forked_child_has_the_values_of_the_moment_and_a_spawned_one_the_first(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_values_t *names = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_string(names, "peter"));
    age = 41;
    check_greeting(test, names, here, test->method == XIPC_START_FORK ? 42 : 2);
    age = 1;
}

/* Change the bytes of an argument where they lie. */
static int scribble(xipc_values_t *args, apr_pool_t *pool)
{
    const void *data;
    void *writable;
    apr_size_t size;
    (void)pool;
    if (xipc_values_get_bytes(&data, &size, args, 0) != APR_SUCCESS) return 90;
    memcpy(&writable, &data, sizeof writable);
    memset(writable, 'x', size);
    return 0;
}

static void arguments_are_the_childs_own_copy(testing_t *test)
{
    const void *data = NULL;
    apr_size_t size = 0;
    xipc_values_t *args = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_bytes(args, "abc", 3));
    CHECK_NUMBER(0, testing_run(test, scribble, args));
    REQUIRE_OK(xipc_values_get_bytes(&data, &size, args, 0));
    CHECK(size == 3 && memcmp(data, "abc", 3) == 0);
}

/* ---- large arguments ---- */

enum { LARGE = 64 << 20 };

static int check_large(xipc_values_t *args, apr_pool_t *pool)
{
    const void *data;
    apr_size_t size;
    (void)pool;
    if (xipc_values_get_bytes(&data, &size, args, 0) != APR_SUCCESS) return 90;
    return size == LARGE && testing_is_filled(data, size, 5) ? 0 : 91;
}

static void arguments_may_be_64_MiB(testing_t *test)
{
    xipc_values_t *args = xipc_values_make(test->pool);
    void *data = apr_palloc(test->pool, LARGE);
    testing_fill(data, LARGE, 5);
    CHECK_OK(xipc_values_add_bytes(args, data, LARGE));
    CHECK_NUMBER(0, testing_run(test, check_large, args));
}

/* ---- the standard streams ---- */

static int print_line(xipc_values_t *args, apr_pool_t *pool)
{
    const char *line;
    (void)pool;
    if (xipc_values_get_string(&line, args, 0) != APR_SUCCESS) return 90;
    printf("%s\n", line);
    return 0;
}

static int print_in_child(const char *line, xipc_start_method_e method, apr_pool_t *pool)
{
    int exitcode = -1;
    xipc_process_t *process;
    xipc_values_t *args = xipc_values_make(pool);
    if (xipc_values_add_string(args, line) != APR_SUCCESS) return 0;
    if (xipc_process_create(&process, print_line, args, pool) != APR_SUCCESS) return 0;
    if (xipc_process_start_method_set(process, method) != APR_SUCCESS) return 0;
    if (xipc_process_start(process) != APR_SUCCESS) return 0;
    if (xipc_process_join(process, -1) != APR_SUCCESS) return 0;
    return xipc_process_exitcode(&exitcode, process) == APR_SUCCESS && exitcode == 0;
}

/* This program run again, with its output in a file: lines before, between and after children. */
static int print_lines(xipc_start_method_e method)
{
    apr_pool_t *pool;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return 1;
    printf("before\n");
    if (!print_in_child("first", method, pool)) return 2;
    printf("between");
    if (!print_in_child(" and second", method, pool)) return 3;
    printf("after\n");
    xipc_terminate();
    return 0;
}

static void no_line_is_lost_or_printed_twice(testing_t *test)
{
    const char *output = "";
    const char *arguments[] = {"--print", testing_method_name(test->method), NULL};
    CHECK_NUMBER(0, testing_run_program(&output, arguments, test->pool));
    CHECK_TEXT("before\nfirst\nbetween and second\nafter\n", output);
}

/* ---- what reaches a child ---- */

enum { RAW = 50 };

/* Whether the file named first is open here, and how many handles are. */
static int tell_handles(xipc_values_t *args, apr_pool_t *pool)
{
    const char *path;
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_string(&path, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&connection, args, 1) != APR_SUCCESS) return 91;
    if (!testing_send_int(connection, system_holds_file(path))) return 92;
    return testing_send_int(connection, system_count_handles()) ? 0 : 93;
}

typedef struct {
    apr_int64_t holds_file;
    apr_int64_t count;
} told_t;

static told_t ask_handles(testing_t *test, const char *path)
{
    told_t told = {-1, -1};
    xipc_connection_t *here;
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(&here, &there, 1, test->pool))) return told;
    xipc_values_t *args = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_string(args, path));
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *process = testing_start(test, tell_handles, args);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&told.holds_file, here, TESTING_PATIENCE));
    CHECK(testing_recv_int(&told.count, here, TESTING_PATIENCE));
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_OK(xipc_connection_close(here));
    return told;
}

static int make_file(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!CHECK(file != NULL)) return 0;
    return CHECK(fclose(file) == 0);
}

static void spawned_child_inherits_no_handle_of_the_program(testing_t *test)
{
    apr_os_file_t raw[RAW];
    xipc_connection_t *ends[RAW];
    if (test->method != XIPC_START_SPAWN) {
        testing_skip("a forked child has the program's own handles");
        return;
    }
    const char *path = testing_temporary("marker", test->pool);
    REQUIRE(make_file(path));
    told_t before = ask_handles(test, path);
    REQUIRE(system_open_inheritable(path, raw, RAW));
    for (int i = 0; i < RAW; i += 2)
        CHECK_OK(xipc_pipe_create(&ends[i], &ends[i + 1], 1, test->pool));
    told_t after = ask_handles(test, path);
    system_close_raw(raw, RAW);
    CHECK_NUMBER(0, after.holds_file);
    CHECK(after.count <= before.count + (system_handles_are_exact() ? 0 : 5));
    CHECK(remove(path) == 0);
}

static void forked_child_has_the_programs_own_handles_but_no_unlisted_connections(testing_t *test)
{
    apr_os_file_t raw[1];
    xipc_connection_t *ends[RAW];
    if (test->method != XIPC_START_FORK) {
        testing_skip("about fork");
        return;
    }
    const char *path = testing_temporary("marker", test->pool);
    REQUIRE(make_file(path));
    told_t before = ask_handles(test, path);
    REQUIRE(system_open_inheritable(path, raw, 1));
    for (int i = 0; i < RAW; i += 2)
        CHECK_OK(xipc_pipe_create(&ends[i], &ends[i + 1], 1, test->pool));
    told_t after = ask_handles(test, path);
    system_close_raw(raw, 1);
    CHECK_NUMBER(1, after.holds_file);
    CHECK_NUMBER(before.count + 1, after.count);
    CHECK(remove(path) == 0);
}

/* Tell how many handles are here, and stay until the other side's end. Args: connection. */
static int tell_and_stay(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (!testing_send_int(connection, system_count_handles())) return 91;
    return xipc_connection_poll(connection, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 92;
}

static void child_has_nothing_of_what_its_starter_watches_others_by(testing_t *test)
{
    enum { COUNT = 8 };
    xipc_connection_t *here[COUNT];
    xipc_process_t *children[COUNT];
    apr_int64_t count[COUNT] = {0};
    for (int i = 0; i < COUNT; i++) {
        xipc_connection_t *there;
        REQUIRE_OK(xipc_pipe_create(&here[i], &there, 1, test->pool));
        children[i] =
            testing_start(test, tell_and_stay, testing_connection_args(there, test->pool));
        REQUIRE(children[i] != NULL);
        CHECK_OK(xipc_connection_close(there));
        CHECK(testing_recv_int(&count[i], here[i], TESTING_PATIENCE));
    }
    CHECK(count[COUNT - 1] <= count[0] + (system_handles_are_exact() ? 0 : 5));
    for (int i = 0; i < COUNT; i++) CHECK_OK(xipc_connection_close(here[i]));
    for (int i = 0; i < COUNT; i++) CHECK_NUMBER(0, testing_finish(children[i]));
}

static const testing_case_t cases[] = {
    EACH_METHOD(change_in_a_child_is_seen_by_neither_parent_nor_next_child),
    EACH_METHOD(forked_child_has_the_values_of_the_moment_and_a_spawned_one_the_first),
    EACH_METHOD(arguments_are_the_childs_own_copy),
    EACH_METHOD(arguments_may_be_64_MiB),
    EACH_METHOD(no_line_is_lost_or_printed_twice),
    EACH_METHOD(spawned_child_inherits_no_handle_of_the_program),
    EACH_METHOD(forked_child_has_the_programs_own_handles_but_no_unlisted_connections),
    EACH_METHOD(child_has_nothing_of_what_its_starter_watches_others_by),
};

int main(int argc, char **argv)
{
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return TESTING_NO_START;
    if (argc == 3 && strcmp(argv[1], "--print") == 0)
        return print_lines(strcmp(argv[2], "fork") == 0 ? XIPC_START_FORK : XIPC_START_SPAWN);
    return testing_main("process.isolation", cases, sizeof cases / sizeof *cases, argc, argv);
}
