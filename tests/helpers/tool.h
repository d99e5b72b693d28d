/* tool.h - the parts of the program that tests start. */
#ifndef TESTS_TOOL_H
#define TESTS_TOOL_H

#include <xipc.h>

/* queue VERB [NAME [ARGUMENT]]: a program that has a queue's name and nothing else. */
int tool_queue(int argc, char **argv, apr_pool_t *pool);

#endif
