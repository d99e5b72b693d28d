/* The standard streams of other programs; the promises of program.h. */
#include "programs.h"

#include "xipc/wait.h"

#include <apr_file_info.h>
#include <apr_strings.h>

#include <stdio.h>

static const char *read_file(const char *path, apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, 200);
    FILE *file = fopen(path, "rb");
    if (!CHECK(file != NULL)) return "";
    (void)fread(text, 1, 199, file);
    (void)fclose(file);
    return text;
}
/* ---- streams ---- */

static void pipes_lead_to_this_process(testing_t *test)
{
    char buffer[20];
    apr_size_t size = 0;
    xipc_process_t *process = programs_start(test, "echo", NULL);
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
    xipc_process_t *process = programs_start(test, "echo", NULL);
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
    xipc_process_t *process = programs_start(test, "exit", "3");
    REQUIRE(process != NULL);
    CHECK_OK(xipc_process_join(process, TESTING_PATIENCE));
    CHECK_STATUS(APR_EPIPE, xipc_program_write(&size, process, "hello", 5, TESTING_PATIENCE));
    CHECK_NUMBER(3, testing_finish(process));
}

static void files_and_nothing_take_the_streams(testing_t *test)
{
    const char *path = testing_temporary("program", test->pool);
    for (int i = 0; i < 3; i++) {
        xipc_process_t *process = programs_create(test, "speak", NULL);
        REQUIRE(process != NULL);
        CHECK_OK(xipc_program_stream_set(process, XIPC_STDOUT,
                                         i < 2 ? XIPC_STREAM_FILE : XIPC_STREAM_APPEND, path));
        CHECK_OK(xipc_program_stream_set(process, XIPC_STDERR, XIPC_STREAM_NOTHING, NULL));
        REQUIRE_OK(xipc_process_start(process));
        CHECK_NUMBER(0, testing_finish(process));
    }
    CHECK_TEXT("to stdout\nto stdout\n", read_file(path, test->pool));
    xipc_program_output_t output = {0};
    xipc_process_t *reader = programs_create(test, "echo", NULL);
    REQUIRE(reader != NULL);
    CHECK_OK(xipc_program_stream_set(reader, XIPC_STDIN, XIPC_STREAM_FILE, path));
    REQUIRE_OK(xipc_process_start(reader));
    CHECK_NUMBER(0, programs_finish(&output, reader, "", test));
    CHECK_TEXT("to stdout\nto stdout\n", output.output);
    CHECK(remove(path) == 0);
}

static void empty_input_is_at_its_end(testing_t *test)
{
    xipc_program_output_t output = {0};
    xipc_process_t *process = programs_create(test, "echo", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_NOTHING, NULL));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_NUMBER(0, programs_finish(&output, process, "", test));
    CHECK_TEXT("", output.output);
}

static void errors_can_go_where_the_output_goes(testing_t *test)
{
    xipc_program_output_t output = {0};
    xipc_process_t *process = programs_create(test, "speak", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDERR, XIPC_STREAM_STDOUT, NULL));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_NUMBER(0, programs_finish(&output, process, "", test));
    CHECK_TEXT("to stdout\nto stderr\n", output.output);
    CHECK_TEXT("", output.errors);
}

static void missing_file_is_an_error_that_names_it(testing_t *test)
{
    const char *path = testing_temporary("no-such-file", test->pool);
    xipc_process_t *process = programs_create(test, "echo", NULL);
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
    xipc_process_t *process = programs_start(test, "flood", "300000");
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
    xipc_process_t *process = programs_create(test, "answer", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_connection_add(process, there));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_OK(xipc_connection_close(there));
    CHECK_STATUS(APR_TIMEUP,
                 xipc_program_communicate(&output, process, NULL, 0, MILLISECONDS(30), test->pool));
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, programs_finish(&output, process, "", test));
}

static void input_that_nobody_reads_is_dropped(testing_t *test)
{
    enum { SIZE = 1 << 20 };
    xipc_program_output_t output;
    xipc_process_t *process = programs_start(test, "exit", "4");
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
    xipc_process_t *process = programs_create(test, "leave", NULL);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_program_connection_add(process, there));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_OK(xipc_connection_close(there));
    CHECK_NUMBER(0, programs_finish(&output, process, "", test));
    CHECK_TEXT("left", output.output);
    CHECK(testing_send_int(here, 5)); /* it is still there, and so are its streams */
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_NUMBER(6, number);
    CHECK_OK(xipc_connection_close(here));
}

static const testing_case_t cases[] = {
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
};

TESTING_MAIN("program.streams", cases)
