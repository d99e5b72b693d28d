/* See naming.h. */
#include "naming.h"

#include "xipc/program.h"

#include <apr_strings.h>

/* ---- other programs, which have nothing but the name ---- */

/* A name that no other test has at this moment. */
const char *naming_name(const char *word, testing_t *test)
{
    return apr_psprintf(test->pool, "test-%s-%d", word, (int)system_pid());
}

xipc_process_t *naming_start(testing_t *test, const char *verb, const char *name,
                             const char *argument)
{
    const char *argv[] = {XIPC_TEST_TOOL, "queue", verb, name, argument, NULL};
    xipc_process_t *process;
    if (!CHECK_OK(xipc_program_create(&process, argv, test->pool))) return NULL;
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_PIPE, NULL));
    CHECK_OK(xipc_program_stream_set(process, XIPC_STDOUT, XIPC_STREAM_PIPE, NULL));
    return CHECK_OK(xipc_process_start(process)) ? process : NULL;
}

/* The next line that it writes. */
const char *naming_hear(xipc_process_t *process, testing_t *test)
{
    char line[400];
    apr_size_t size = 0;
    while (process != NULL && size < sizeof line - 1) {
        apr_size_t got;
        apr_status_t rv =
            xipc_program_read(&got, process, XIPC_STDOUT, line + size, 1, TESTING_PATIENCE);
        if (rv != APR_SUCCESS || line[size] == '\n') break;
        size++;
    }
    line[size] = '\0';
    return apr_pstrdup(test->pool, line);
}

int naming_end(xipc_process_t *process)
{
    CHECK_OK(xipc_program_stream_close(process, XIPC_STDIN));
    return testing_finish(process);
}

void naming_kill(xipc_process_t *process)
{
    CHECK_OK(xipc_process_kill(process));
    CHECK_NUMBER(-9, testing_finish(process));
}

/* A program that holds the queue, and what it said. */
xipc_process_t *naming_start_holder(testing_t *test, const char *verb, const char *name)
{
    xipc_process_t *process = naming_start(test, verb, name, "made");
    if (process == NULL) return NULL;
    CHECK_TEXT(strcmp(verb, "hold") == 0 ? "held" : "put", naming_hear(process, test));
    return process;
}

/* ---- queues of this program ---- */

xipc_queue_options_t *naming_options(const char *name, testing_t *test)
{
    xipc_queue_options_t *options = NULL;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_name_set(options, name));
    return options;
}

xipc_queue_t *naming_make(const char *name, testing_t *test)
{
    xipc_queue_t *queue = NULL;
    CHECK_OK(xipc_queue_create_ex(&queue, naming_options(name, test), test->pool));
    return queue;
}

apr_status_t naming_try_open(const char *name, testing_t *test)
{
    xipc_queue_t *queue;
    apr_status_t rv = xipc_queue_open(&queue, name, NULL, test->pool);
    if (rv == APR_SUCCESS) CHECK_OK(xipc_queue_close(queue));
    return rv;
}

void naming_check_message(const char *expected, xipc_queue_t *queue, testing_t *test)
{
    void *data;
    apr_size_t size;
    REQUIRE_OK(xipc_queue_get(&data, &size, queue, TESTING_PATIENCE, test->pool));
    CHECK_TEXT(expected, data);
}

/* How many hold it; 0 when it is not in the list. */
apr_size_t naming_holders(const char *name, testing_t *test)
{
    apr_array_header_t *list;
    if (!CHECK_OK(xipc_queue_list(&list, test->pool))) return 0;
    for (int i = 0; i < list->nelts; i++) {
        const xipc_queue_listed_t *listed = &APR_ARRAY_IDX(list, i, xipc_queue_listed_t);
        if (strcmp(listed->name, name) == 0) return listed->holders;
    }
    return 0;
}
