/*
 * programs.h - another program, tests/helpers/tool.c, for the suites about programs.
 */
#ifndef TESTS_PROGRAMS_H
#define TESTS_PROGRAMS_H

#include "testing.h"

#include "xipc/program.h"

/* The tool with these words, its three streams pipes; NULL after a recorded failure. */
xipc_process_t *programs_create(testing_t *test, const char *word, const char *argument);
xipc_process_t *programs_start(testing_t *test, const char *word, const char *argument);

/* Start it if it is not yet, and take all that it says; the exit code. */
int programs_finish(xipc_program_output_t *output, xipc_process_t *process, const char *input,
                    testing_t *test);

#endif
