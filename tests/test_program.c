/* Other programs as children; the promises of program.h. */
#include "testing.h"

#include "xipc/program.h"
#include "xipc/wait.h"

#include <apr_env.h>
#include <apr_file_info.h>
#include <apr_strings.h>

#include <stdio.h>

/* ---- common ---- */

/* The tool with these words, its three streams pipes. */
static xipc_process_t *create(testing_t *test, const char *word, const char *argument)
{
    const char *argv[] = {XIPC_TEST_TOOL, word, argument, NULL};
    xipc_process_t *process;
    if (!CHECK_OK(xipc_program_create(&process, argv, test->pool))) return NULL;
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_PIPE, NULL));
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDOUT, XIPC_STREAM_PIPE, NULL));
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDERR, XIPC_STREAM_PIPE, NULL));
    return process;
}

static xipc_process_t *start(testing_t *test, const char *word, const char *argument)
{
    xipc_process_t *process = create(test, word, argument);
    return process != NULL && CHECK_OK(xipc_process_start(process)) ? process : NULL;
}

/* Start it if it is not yet, and take all that it says; the exit code. */
static int finish(xipc_program_output_t *output, xipc_process_t *process, const char *input,
                  testing_t *test)
{
    CHECK_OK(xipc_program_communicate(output, process, input, strlen(input), TESTING_PATIENCE,
                                      test->pool));
    return testing_finish(process);
}

static const char *read_file(const char *path, apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, 200);
    FILE *file = fopen(path, "rb");
    if (!CHECK(file != NULL)) return "";
    (void)fread(text, 1, 199, file);
    (void)fclose(file);
    return text;
}

/* ---- starting ---- */

static void exit_code_is_the_programs(testing_t *test)
{
    xipc_program_output_t output;
    xipc_process_t *process = start(test, "exit", "7");
    REQUIRE(process != NULL);
    CHECK(xipc_process_pid(process) > 0);
    CHECK_NUMBER(7, finish(&output, process, "", test));
}

static void arguments_arrive_as_they_are(testing_t *test)
{
    /* on Windows a C library decodes the last one as the program's code page has it */
    const char *words[] = {XIPC_TEST_TOOL,
                           "arguments",
                           "a b",
                           "",
                           "\"",
                           "\\",
                           "a\\\"b",
                           "c\\",
                           "d e\\",
                           "\\\\x",
                           "$HOME",
                           "%PATH%",
                           "*.c",
                           "&|<>^",
                           "'",
                           "a\tb",
                           "-flag",
                           system_has_fork() ? "\xc3\xa4" : "a",
                           NULL};
    const char *expected = "";
    xipc_process_t *process;
    xipc_program_output_t output = {0};
    for (int i = 2; words[i] != NULL; i++)
        expected = apr_pstrcat(test->pool, expected, "<", words[i], ">", NULL);
    REQUIRE_OK(xipc_program_create(&process, words, test->pool));
    REQUIRE_OK(xipc_program_stream_set(process, XIPC_STDOUT, XIPC_STREAM_PIPE, NULL));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_NUMBER(0, finish(&output, process, "", test));
    CHECK_TEXT(expected, output.output);
}

static void environment_is_this_processs_or_the_one_given(testing_t *test)
{
    static const char *const environment[] = {"XIPC_TEST_VARIABLE=given", NULL};
    xipc_program_output_t output = {0};
    xipc_process_t *process = start(test, "variable", "XIPC_TEST_VARIABLE");
    REQUIRE(process != NULL);
    CHECK_NUMBER(0, finish(&output, process, "", test));
    CHECK_TEXT("(none)", output.output);
    process = create(test, "variable", "XIPC_TEST_VARIABLE");
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_environment_set(process, environment));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_NUMBER(0, finish(&output, process, "", test));
    CHECK_TEXT("given", output.output);
}

static void directory_is_this_processs_or_the_one_given(testing_t *test)
{
    xipc_program_output_t output;
    const char *path = testing_temporary("program", test->pool);
    const char *slash = strrchr(path, '/');
    FILE *file = fopen(path, "wb");
    REQUIRE(file != NULL && slash != NULL);
    (void)fclose(file);
    xipc_process_t *process = start(test, "find", slash + 1);
    REQUIRE(process != NULL);
    CHECK_NUMBER(1, finish(&output, process, "", test));
    process = create(test, "find", slash + 1);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_directory_set(
        process, apr_pstrmemdup(test->pool, path, (apr_size_t)(slash - path))));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_NUMBER(0, finish(&output, process, "", test));
    CHECK(remove(path) == 0);
}

static void missing_program_is_an_error_that_names_it(testing_t *test)
{
    static const char *const names[] = {"xipc-no-such-program", "./xipc-no-such-program"};
    for (int i = 0; i < 2; i++) {
        const char *argv[] = {names[i], NULL};
        xipc_process_t *process;
        REQUIRE_OK(xipc_program_create(&process, argv, test->pool));
        CHECK_OK(xipc_program_stream_set(process, XIPC_STDOUT, XIPC_STREAM_PIPE, NULL));
        apr_status_t rv = xipc_process_start(process);
        CHECK(APR_STATUS_IS_ENOENT(rv));
        CHECK(strstr(testing_text(rv), names[i]) != NULL);
        CHECK_NUMBER(0, xipc_process_pid(process));
    }
}

static void missing_directory_is_an_error_that_names_it(testing_t *test)
{
    static const char directory[] = "/xipc/no/such/directory";
    xipc_process_t *process = create(test, "exit", "0");
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_directory_set(process, directory));
    apr_status_t rv = xipc_process_start(process);
    CHECK(rv != APR_SUCCESS);
    CHECK(strstr(testing_text(rv), directory) != NULL);
}

/* The tool, by its name alone. */
static xipc_process_t *create_by_name(testing_t *test)
{
    const char *argv[] = {strrchr(XIPC_TEST_TOOL, '/') + 1, "exit", "7", NULL};
    xipc_process_t *process;
    return CHECK_OK(xipc_program_create(&process, argv, test->pool)) ? process : NULL;
}

/* Not in the directory of this program, which is the tool's, where Windows would look. */
static void name_alone_is_looked_for_in_PATH_only(testing_t *test)
{
    char *path;
    char *directory; /* with its drive */
    REQUIRE_OK(apr_filepath_merge(&directory, NULL, XIPC_TEST_TOOL "/..", APR_FILEPATH_NATIVE,
                                  test->pool));
    xipc_process_t *process = create_by_name(test);
    REQUIRE(process != NULL);
    CHECK(APR_STATUS_IS_ENOENT(xipc_process_start(process)));
    REQUIRE_OK(apr_env_get(&path, "PATH", test->pool));
    const char *longer =
        apr_pstrcat(test->pool, path, system_has_fork() ? ":" : ";;", directory, NULL);
    CHECK_OK(apr_env_set("PATH", longer, test->pool));
    process = create_by_name(test);
    CHECK(process != NULL && CHECK_OK(xipc_process_start(process)));
    CHECK_OK(apr_env_set("PATH", path, test->pool));
    CHECK_NUMBER(7, testing_finish(process));
}

static void program_is_killed_as_any_process(testing_t *test)
{
    xipc_process_t *process = start(test, "echo", NULL);
    REQUIRE(process != NULL);
    CHECK_STATUS(APR_TIMEUP, xipc_process_join(process, MILLISECONDS(20)));
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
}

static void program_is_among_the_active_children_and_in_a_wait(testing_t *test)
{
    apr_size_t ready;
    apr_array_header_t *children;
    xipc_process_t *process = start(test, "echo", NULL);
    REQUIRE(process != NULL);
    REQUIRE_OK(xipc_process_active_children(&children, test->pool));
    CHECK_NUMBER(1, children->nelts);
    xipc_wait_item_t item = {.kind = XIPC_WAIT_PROCESS, .of.process = process};
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, &item, 1, 0));
    CHECK_OK(xipc_program_stream_close(process, XIPC_STDIN));
    CHECK_OK(xipc_wait(&ready, &item, 1, TESTING_PATIENCE));
    CHECK_NUMBER(0, testing_finish(process));
}

/* ---- streams ---- */

static void pipes_lead_to_this_process(testing_t *test)
{
    char buffer[20];
    apr_size_t size = 0;
    xipc_process_t *process = start(test, "echo", NULL);
    REQUIRE(process != NULL);
    CHECK_STATUS(APR_TIMEUP, xipc_program_read(&size, process, XIPC_STDOUT, buffer, sizeof buffer,
                                               MILLISECONDS(10)));
    CHECK_OK(xipc_program_write(&size, process, "hello", 5, TESTING_PATIENCE));
    CHECK_NUMBER(5, size);
    CHECK_OK(xipc_program_stream_close(process, XIPC_STDIN));
    CHECK_STATUS(XIPC_ECLOSED, xipc_program_write(&size, process, "hello", 5, 0));
    CHECK_OK(xipc_program_stream_close(process, XIPC_STDIN));
    CHECK_OK(xipc_program_read(&size, process, XIPC_STDOUT, buffer, 3, TESTING_PATIENCE));
    CHECK(size == 3 && memcmp(buffer, "hel", 3) == 0);
    CHECK_OK(
        xipc_program_read(&size, process, XIPC_STDOUT, buffer, sizeof buffer, TESTING_PATIENCE));
    CHECK(size == 2 && memcmp(buffer, "lo", 2) == 0);
    CHECK_STATUS(APR_EOF, xipc_program_read(&size, process, XIPC_STDOUT, buffer, sizeof buffer,
                                            TESTING_PATIENCE));
    CHECK_NUMBER(0, testing_finish(process));
}

static void full_pipe_is_APR_TIMEUP_with_what_went(testing_t *test)
{
    enum { SIZE = 1 << 20 };
    char *data = apr_pcalloc(test->pool, SIZE);
    apr_size_t first = 0;
    apr_size_t second = 0;
    xipc_program_output_t output;
    xipc_process_t *process = start(test, "echo", NULL);
    REQUIRE(process != NULL);
    testing_fill(data, SIZE, 3);
    CHECK_STATUS(APR_TIMEUP, xipc_program_write(&first, process, data, SIZE, MILLISECONDS(50)));
    CHECK(first > 0 && first < SIZE);
    CHECK_STATUS(APR_TIMEUP, xipc_program_write(&second, process, data + first, SIZE - first, 0));
    first += second;
    CHECK_OK(xipc_program_communicate(&output, process, data + first, SIZE - first,
                                      TESTING_PATIENCE, test->pool));
    CHECK(output.output_size == SIZE && testing_is_filled(output.output, SIZE, 3));
    CHECK_NUMBER(0, testing_finish(process));
}

static void writing_to_an_ended_program_is_APR_EPIPE(testing_t *test)
{
    apr_size_t size;
    xipc_process_t *process = start(test, "exit", "3");
    REQUIRE(process != NULL);
    CHECK_OK(xipc_process_join(process, TESTING_PATIENCE));
    CHECK_STATUS(APR_EPIPE, xipc_program_write(&size, process, "hello", 5, TESTING_PATIENCE));
    CHECK_NUMBER(3, testing_finish(process));
}

static void files_and_nothing_take_the_streams(testing_t *test)
{
    const char *path = testing_temporary("program", test->pool);
    for (int i = 0; i < 3; i++) {
        xipc_process_t *process = create(test, "speak", NULL);
        REQUIRE(process != NULL);
        CHECK_OK(xipc_program_stream_set(process, XIPC_STDOUT,
                                         i < 2 ? XIPC_STREAM_FILE : XIPC_STREAM_APPEND, path));
        CHECK_OK(xipc_program_stream_set(process, XIPC_STDERR, XIPC_STREAM_NOTHING, NULL));
        REQUIRE_OK(xipc_process_start(process));
        CHECK_NUMBER(0, testing_finish(process));
    }
    CHECK_TEXT("to stdout\nto stdout\n", read_file(path, test->pool));
    xipc_program_output_t output = {0};
    xipc_process_t *reader = create(test, "echo", NULL);
    REQUIRE(reader != NULL);
    CHECK_OK(xipc_program_stream_set(reader, XIPC_STDIN, XIPC_STREAM_FILE, path));
    REQUIRE_OK(xipc_process_start(reader));
    CHECK_NUMBER(0, finish(&output, reader, "", test));
    CHECK_TEXT("to stdout\nto stdout\n", output.output);
    CHECK(remove(path) == 0);
}

static void empty_input_is_at_its_end(testing_t *test)
{
    xipc_program_output_t output = {0};
    xipc_process_t *process = create(test, "echo", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_NOTHING, NULL));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_NUMBER(0, finish(&output, process, "", test));
    CHECK_TEXT("", output.output);
}

static void errors_can_go_where_the_output_goes(testing_t *test)
{
    xipc_program_output_t output = {0};
    xipc_process_t *process = create(test, "speak", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDERR, XIPC_STREAM_STDOUT, NULL));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_NUMBER(0, finish(&output, process, "", test));
    CHECK_TEXT("to stdout\nto stderr\n", output.output);
    CHECK_TEXT("", output.errors);
}

static void missing_file_is_an_error_that_names_it(testing_t *test)
{
    const char *path = testing_temporary("no-such-file", test->pool);
    xipc_process_t *process = create(test, "echo", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_FILE, path));
    apr_status_t rv = xipc_process_start(process);
    CHECK(APR_STATUS_IS_ENOENT(rv));
    CHECK(strstr(testing_text(rv), path) != NULL);
}

/* ---- communicate ---- */

static void communicate_fills_and_empties_all_pipes_at_once(testing_t *test)
{
    enum { SIZE = 300000 };
    xipc_program_output_t output;
    char *input = apr_pcalloc(test->pool, SIZE);
    xipc_process_t *process = start(test, "flood", "300000");
    REQUIRE(process != NULL);
    memset(input, 'i', SIZE);
    REQUIRE_OK(
        xipc_program_communicate(&output, process, input, SIZE, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(2 * SIZE, output.output_size);
    CHECK_NUMBER(SIZE, output.errors_size);
    CHECK(output.output[SIZE - 1] == 'o' && output.output[SIZE] == 'i');
    CHECK(output.output[2 * SIZE] == '\0' && output.errors[SIZE] == '\0');
    CHECK_NUMBER(0, testing_finish(process));
}

static void communicate_goes_on_after_a_timeout(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_program_output_t output = {0};
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process = create(test, "answer", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_connection_add(process, there));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_OK(xipc_connection_close(there));
    CHECK_STATUS(APR_TIMEUP,
                 xipc_program_communicate(&output, process, NULL, 0, MILLISECONDS(30), test->pool));
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, finish(&output, process, "", test));
}

static void input_that_nobody_reads_is_dropped(testing_t *test)
{
    enum { SIZE = 1 << 20 };
    xipc_program_output_t output;
    xipc_process_t *process = start(test, "exit", "4");
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_communicate(&output, process, apr_pcalloc(test->pool, SIZE), SIZE,
                                      TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(4, testing_finish(process));
}

static void communicate_does_not_wait_for_who_was_left_with_the_pipes(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    xipc_program_output_t output = {0};
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process = create(test, "leave", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_connection_add(process, there));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_OK(xipc_connection_close(there));
    CHECK_NUMBER(0, finish(&output, process, "", test));
    CHECK_TEXT("left", output.output);
    CHECK(testing_send_int(here, 5)); /* it is still there, and so are its streams */
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(6, number);
    CHECK_OK(xipc_connection_close(here));
}

/* ---- connections ---- */

static void connections_are_inherited(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process = create(test, "answer", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_connection_add(process, there));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_send_int(here, 41));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(42, number);
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(process));
}

static void closed_connection_is_refused(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process = create(test, "answer", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_connection_add(process, there));
    CHECK_OK(xipc_connection_close(there));
    CHECK_STATUS(XIPC_ECLOSED, xipc_program_connection_add(process, there));
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_start(process));
    CHECK_STATUS(APR_ENOENT, xipc_program_inherited(&here, 0, test->pool));
}

/* Run until the other side ends. Args: connection. */
static int stay(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    return xipc_connection_poll(connection, -1) == APR_SUCCESS ? 0 : 91;
}

static void later_child_does_not_keep_a_programs_input_open(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_program_output_t output = {0};
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process = start(test, "echo", NULL);
    xipc_process_t *child = testing_start(test, stay, testing_connection_args(there, test->pool));
    REQUIRE(process != NULL && child != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK_NUMBER(0, finish(&output, process, "hello", test));
    CHECK_TEXT("hello", output.output);
    CHECK(xipc_process_is_alive(child));
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(child));
}

/* ---- bad calls ---- */

static void what_can_not_be_is_refused(testing_t *test)
{
    static const char *const nothing[] = {NULL};
    static const char *const no_equals[] = {"A=1", "B", NULL};
    xipc_process_t *process;
    xipc_process_t *function;
    xipc_program_output_t output = {NULL, 0, NULL, 0};
    CHECK_STATUS(APR_EINVAL, xipc_program_create(&process, nothing, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_program_create(&process, NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_program_create(NULL, nothing, test->pool));
    process = create(test, "exit", "0");
    REQUIRE(process != NULL);
    REQUIRE_OK(xipc_process_create(&function, stay, NULL, test->pool));
    CHECK_STATUS(APR_EINVAL,
                 xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_STDOUT, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_APPEND, "a"));
    CHECK_STATUS(APR_EINVAL, xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_FILE, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_PIPE, "a"));
    CHECK_STATUS(APR_EINVAL, xipc_program_environment_set(process, no_equals));
    CHECK_STATUS(APR_EINVAL, xipc_program_directory_set(function, "/"));
    CHECK_STATUS(XIPC_ESTATE, xipc_program_stream_close(process, XIPC_STDIN));
    CHECK_OK(xipc_process_stoppable_set(process, 1));
    CHECK_STATUS(APR_ENOTIMPL, xipc_process_start(process));
    CHECK_OK(xipc_process_stoppable_set(process, 0));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_STATUS(XIPC_ESTATE, xipc_program_directory_set(process, "/"));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_start(process));
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_STATUS(XIPC_ECLOSED, xipc_program_communicate(&output, process, NULL, 0, 0, test->pool));
    CHECK(output.output == NULL);
}

static const testing_case_t cases[] = {
    ONCE(exit_code_is_the_programs),
    ONCE(arguments_arrive_as_they_are),
    ONCE(environment_is_this_processs_or_the_one_given),
    ONCE(directory_is_this_processs_or_the_one_given),
    ONCE(missing_program_is_an_error_that_names_it),
    ONCE(missing_directory_is_an_error_that_names_it),
    ONCE(name_alone_is_looked_for_in_PATH_only),
    ONCE(program_is_killed_as_any_process),
    ONCE(program_is_among_the_active_children_and_in_a_wait),
    ONCE(pipes_lead_to_this_process),
    ONCE(full_pipe_is_APR_TIMEUP_with_what_went),
    ONCE(writing_to_an_ended_program_is_APR_EPIPE),
    ONCE(files_and_nothing_take_the_streams),
    ONCE(empty_input_is_at_its_end),
    ONCE(errors_can_go_where_the_output_goes),
    ONCE(missing_file_is_an_error_that_names_it),
    ONCE(communicate_fills_and_empties_all_pipes_at_once),
    ONCE(communicate_goes_on_after_a_timeout),
    ONCE(input_that_nobody_reads_is_dropped),
    ONCE(communicate_does_not_wait_for_who_was_left_with_the_pipes),
    ONCE(connections_are_inherited),
    ONCE(closed_connection_is_refused),
    EACH_METHOD(later_child_does_not_keep_a_programs_input_open),
    ONCE(what_can_not_be_is_refused),
};

TESTING_MAIN("program", cases)
