/* Other programs as children: how they start and what they inherit; the promises of program.h. */
#include "programs.h"

#include "xipc/family.h"
#include "xipc/wait.h"

#include <apr_env.h>
#include <apr_file_info.h>
#include <apr_strings.h>

/* ---- starting ---- */

static void exit_code_is_the_programs(testing_t *test)
{
    xipc_program_output_t output;
    xipc_process_t *process = programs_start(test, "exit", "7");
    REQUIRE(process != NULL);
    CHECK(xipc_process_pid(process) > 0);
    CHECK_NUMBER(7, programs_finish(&output, process, "", test));
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
    CHECK_NUMBER(0, programs_finish(&output, process, "", test));
    CHECK_TEXT(expected, output.output);
}

static void environment_is_this_processs_or_the_one_given(testing_t *test)
{
    static const char *const environment[] = {"XIPC_TEST_VARIABLE=given", NULL};
    xipc_program_output_t output = {0};
    xipc_process_t *process = programs_start(test, "variable", "XIPC_TEST_VARIABLE");
    REQUIRE(process != NULL);
    CHECK_NUMBER(0, programs_finish(&output, process, "", test));
    CHECK_TEXT("(none)", output.output);
    process = programs_create(test, "variable", "XIPC_TEST_VARIABLE");
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_environment_set(process, environment));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_NUMBER(0, programs_finish(&output, process, "", test));
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
    xipc_process_t *process = programs_start(test, "find", slash + 1);
    REQUIRE(process != NULL);
    CHECK_NUMBER(1, programs_finish(&output, process, "", test));
    process = programs_create(test, "find", slash + 1);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_directory_set(
        process, apr_pstrmemdup(test->pool, path, (apr_size_t)(slash - path))));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_NUMBER(0, programs_finish(&output, process, "", test));
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
    xipc_process_t *process = programs_create(test, "exit", "0");
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
    xipc_process_t *process = programs_start(test, "echo", NULL);
    REQUIRE(process != NULL);
    CHECK_STATUS(APR_TIMEUP, xipc_process_join(process, MILLISECONDS(20)));
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
}

static void program_is_among_the_active_children_and_in_a_wait(testing_t *test)
{
    apr_size_t ready;
    apr_array_header_t *children;
    xipc_process_t *process = programs_start(test, "echo", NULL);
    REQUIRE(process != NULL);
    REQUIRE_OK(xipc_process_active_children(&children, test->pool));
    CHECK_NUMBER(1, children->nelts);
    xipc_wait_item_t item = {.kind = XIPC_WAIT_PROCESS, .of.process = process};
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, &item, 1, 0));
    CHECK_OK(xipc_program_stream_close(process, XIPC_STDIN));
    CHECK_OK(xipc_wait(&ready, &item, 1, TESTING_PATIENCE));
    CHECK_NUMBER(0, testing_finish(process));
}

/* ---- connections ---- */

static void connections_are_inherited(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t number = 0;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process = programs_create(test, "answer", NULL);
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
    xipc_process_t *process = programs_create(test, "answer", NULL);
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
    xipc_process_t *process = programs_start(test, "echo", NULL);
    xipc_process_t *child = testing_start(test, stay, testing_connection_args(there, test->pool));
    REQUIRE(process != NULL && child != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK_NUMBER(0, programs_finish(&output, process, "hello", test));
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
    process = programs_create(test, "exit", "0");
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
    ONCE(connections_are_inherited),
    ONCE(closed_connection_is_refused),
    EACH_METHOD(later_child_does_not_keep_a_programs_input_open),
    ONCE(what_can_not_be_is_refused),
};

TESTING_MAIN("program", cases)
