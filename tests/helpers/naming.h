/* naming.h - what the suites about queues' names share: other programs that have nothing but a name. */
#ifndef TESTS_NAMING_H
#define TESTS_NAMING_H

#include "testing.h"

/* A name that no other test has at this moment. */
const char *naming_name(const char *word, testing_t *test);

/* The tool's words about queues (tool_queue.c): start one, hear the next line that it writes, have it end. */
xipc_process_t *naming_start(testing_t *test, const char *verb, const char *name,
                             const char *argument);
const char *naming_hear(xipc_process_t *process, testing_t *test);
int naming_end(xipc_process_t *process);
void naming_kill(xipc_process_t *process);

/* A program that holds the queue by now: "hold", which opens it, or "make". */
xipc_process_t *naming_start_holder(testing_t *test, const char *verb, const char *name);

/* Options with this name; a queue made with them alone. */
xipc_queue_options_t *naming_options(const char *name, testing_t *test);
xipc_queue_t *naming_make(const char *name, testing_t *test);

/* Open it and close it again. */
apr_status_t naming_try_open(const char *name, testing_t *test);
void naming_check_message(const char *expected, xipc_queue_t *queue, testing_t *test);

/* How many hold it; 0 when it is not in the list. */
apr_size_t naming_holders(const char *name, testing_t *test);

#endif
