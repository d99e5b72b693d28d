#include "programs.h"

xipc_process_t *programs_create(testing_t *test, const char *word, const char *argument)
{
    const char *argv[] = {XIPC_TEST_TOOL, word, argument, NULL};
    xipc_process_t *process;
    if (!CHECK_OK(xipc_program_create(&process, argv, test->pool))) return NULL;
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_PIPE, NULL));
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDOUT, XIPC_STREAM_PIPE, NULL));
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDERR, XIPC_STREAM_PIPE, NULL));
    return process;
}

xipc_process_t *programs_start(testing_t *test, const char *word, const char *argument)
{
    xipc_process_t *process = programs_create(test, word, argument);
    return process != NULL && CHECK_OK(xipc_process_start(process)) ? process : NULL;
}

int programs_finish(xipc_program_output_t *output, xipc_process_t *process, const char *input,
                    testing_t *test)
{
    CHECK_OK(xipc_program_communicate(output, process, input, strlen(input), TESTING_PATIENCE,
                                      test->pool));
    return testing_finish(process);
}
