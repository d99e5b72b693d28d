/* What many tests do; see testing.h. */
#include "testing.h"

#include "xipc/listener.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

static const char *program = "";

const char *testing_text(apr_status_t status)
{
    static char text[1024];
    return xipc_strerror(status, text, sizeof text);
}

int testing_text_has_number_below(const char *text, apr_int64_t bound)
{
    while (*text != '\0') {
        if (*text < '0' || *text > '9') {
            text++;
            continue;
        }
        char *end;
        if (apr_strtoi64(text, &end, 10) < bound) return 1;
        text = end;
    }
    return 0;
}

/* ---- processes ---- */

xipc_process_t *testing_create(testing_t *test, xipc_target_t target, const xipc_values_t *args)
{
    xipc_process_t *process;
    if (!CHECK_OK(xipc_process_create(&process, target, args, test->pool))) return NULL;
    if (!CHECK_OK(xipc_process_start_method_set(process, test->method))) return NULL;
    return process;
}

xipc_process_t *testing_start(testing_t *test, xipc_target_t target, const xipc_values_t *args)
{
    xipc_process_t *process = testing_create(test, target, args);
    if (process == NULL || !CHECK_OK(xipc_process_start(process))) return NULL;
    return process;
}

int testing_finish(xipc_process_t *process)
{
    int exitcode = TESTING_NO_EXITCODE;
    if (process == NULL) return exitcode;
    if (!CHECK_OK(xipc_process_join(process, TESTING_PATIENCE))) {
        (void)xipc_process_kill(process);
        (void)xipc_process_join(process, TESTING_PATIENCE);
    }
    CHECK_OK(xipc_process_exitcode(&exitcode, process));
    CHECK_OK(xipc_process_close(process));
    return exitcode;
}

int testing_run(testing_t *test, xipc_target_t target, const xipc_values_t *args)
{
    return testing_finish(testing_start(test, target, args));
}

xipc_target_t testing_as_target(const void *address)
{
    xipc_target_t target;
    memcpy(&target, &address, sizeof target);
    return target;
}

/* ---- queues ---- */

static apr_status_t create_on(xipc_queue_t **queue, xipc_queue_backend_e backend, unsigned levels,
                              apr_size_t capacity, apr_size_t message_max, apr_pool_t *pool)
{
    xipc_queue_options_t *options;
    apr_status_t rv = xipc_queue_options_create(&options, pool);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_backend_set(options, backend);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_priorities_set(options, levels);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_capacity_set(options, capacity);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_message_max_set(options, message_max);
    return rv == APR_SUCCESS ? xipc_queue_create_ex(queue, options, pool) : rv;
}

apr_status_t testing_system_queue(xipc_queue_t **queue, apr_size_t capacity, apr_size_t message_max,
                                  apr_pool_t *pool)
{
    return create_on(queue, system_has_fork() ? XIPC_QUEUE_MQUEUE : XIPC_QUEUE_MAILSLOT, 1,
                     capacity, message_max, pool);
}

xipc_queue_t *testing_queue(testing_t *test, apr_size_t capacity)
{
    xipc_queue_t *queue;
    if (test->queue == TESTING_QUEUE_SYSTEM)
        return CHECK_OK(testing_system_queue(&queue, capacity, 0, test->pool)) ? queue : NULL;
    if (test->queue == TESTING_QUEUE_SHM || test->queue == TESTING_QUEUE_LEVELS) {
        unsigned levels = test->queue == TESTING_QUEUE_SHM ? 1 : XIPC_QUEUE_PRIORITY_MAX + 1;
        apr_status_t rv = create_on(&queue, XIPC_QUEUE_SHM, levels, capacity, 0, test->pool);
        return CHECK_OK(rv) ? queue : NULL;
    }
    if (test->manager == NULL &&
        !CHECK_OK(xipc_manager_start_ex(&test->manager, test->method, test->pool)))
        return NULL;
    return CHECK_OK(xipc_manager_queue(&queue, test->manager, capacity, test->pool)) ? queue : NULL;
}

apr_status_t testing_put_int(xipc_queue_t *queue, apr_int64_t number, apr_interval_time_t timeout)
{
    return xipc_queue_put(queue, &number, sizeof number, timeout);
}

apr_status_t testing_get_int(apr_int64_t *number, xipc_queue_t *queue, apr_interval_time_t timeout,
                             apr_pool_t *pool)
{
    void *data;
    apr_size_t size;
    apr_status_t rv = xipc_queue_get(&data, &size, queue, timeout, pool);
    if (rv != APR_SUCCESS) return rv;
    if (size != sizeof *number) return XIPC_EPROTOCOL;
    memcpy(number, data, sizeof *number);
    return APR_SUCCESS;
}

/* ---- arguments and reports ---- */

xipc_values_t *testing_int_args(apr_int64_t number, apr_pool_t *pool)
{
    xipc_values_t *args = xipc_values_make(pool);
    CHECK_OK(xipc_values_add_int(args, number));
    return args;
}

xipc_values_t *testing_connection_args(xipc_connection_t *connection, apr_pool_t *pool)
{
    xipc_values_t *args = xipc_values_make(pool);
    CHECK_OK(xipc_values_add_connection(args, connection));
    return args;
}

xipc_values_t *testing_queue_args(xipc_queue_t *queue, apr_pool_t *pool)
{
    xipc_values_t *args = xipc_values_make(pool);
    CHECK_OK(xipc_values_add_queue(args, queue));
    return args;
}

int testing_send_int(xipc_connection_t *connection, apr_int64_t number)
{
    return xipc_connection_send(connection, &number, sizeof number, TESTING_PATIENCE) ==
           APR_SUCCESS;
}

int testing_recv_int(apr_int64_t *number, xipc_connection_t *connection,
                     apr_interval_time_t timeout)
{
    apr_size_t size;
    apr_status_t rv = xipc_connection_recv_into(&size, connection, number, sizeof *number, timeout);
    return rv == APR_SUCCESS && size == sizeof *number;
}

/* The byte at a place: no period that a chunk of a power of two could hide. */
static unsigned char byte_at(apr_size_t place, unsigned seed)
{
    return (unsigned char)(place + seed + place / 251 + place / 65521);
}

void testing_fill(void *buffer, apr_size_t size, unsigned seed)
{
    unsigned char *bytes = buffer;
    for (apr_size_t i = 0; i < size; i++) bytes[i] = byte_at(i, seed);
}

int testing_is_filled(const void *buffer, apr_size_t size, unsigned seed)
{
    const unsigned char *bytes = buffer;
    for (apr_size_t i = 0; i < size; i++)
        if (bytes[i] != byte_at(i, seed)) return 0;
    return 1;
}

/* ---- files and programs ---- */

const char *testing_temporary(const char *name, apr_pool_t *pool)
{
    static int count = 0;
    const char *directory;
    if (!CHECK_OK(apr_temp_dir_get(&directory, pool))) return NULL;
    return apr_psprintf(pool, "%s/xipc-test-%d-%d-%s", directory, (int)system_pid(), ++count, name);
}

void testing_program_set(const char *argv0)
{
    program = argv0;
}

const char *testing_program(void)
{
    return program;
}

static apr_status_t read_all(const char **output, apr_file_t *file, apr_pool_t *pool)
{
    apr_size_t used = 0;
    apr_size_t size = 65536;
    char *buffer = apr_palloc(pool, size);
    while (used < size - 1) {
        apr_size_t got = size - 1 - used;
        if (apr_file_read(file, buffer + used, &got) != APR_SUCCESS) break;
        for (apr_size_t i = 0; i < got; i++) /* the lines of a text end in \r\n on Windows */
            if (buffer[used + i] == '\r')
                memmove(buffer + used + i, buffer + used + i + 1, --got - i);
        used += got;
    }
    buffer[used] = '\0';
    *output = buffer;
    return APR_SUCCESS;
}

/* Standard output goes to a file, where a stream is buffered as a whole. */
static apr_status_t run_into(apr_file_t *file, int *exitcode, const char *const *arguments,
                             apr_pool_t *pool)
{
    apr_proc_t proc;
    apr_procattr_t *attributes;
    apr_exit_why_e why;
    const char *argv[8] = {program};
    for (int i = 0; i < 6 && arguments[i] != NULL; i++) argv[i + 1] = arguments[i];
    apr_status_t rv = apr_procattr_create(&attributes, pool);
    if (rv == APR_SUCCESS) rv = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV);
    if (rv == APR_SUCCESS) rv = apr_procattr_child_out_set(attributes, file, NULL);
    if (rv == APR_SUCCESS) rv = apr_proc_create(&proc, program, argv, NULL, attributes, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = apr_proc_wait(&proc, exitcode, &why, APR_WAIT);
    return APR_STATUS_IS_CHILD_DONE(rv) ? APR_SUCCESS : rv;
}

int testing_run_program(const char **output, const char *const *arguments, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_off_t start = 0;
    int exitcode = TESTING_NO_EXITCODE;
    apr_pool_t *scratch;
    (void)apr_pool_create(&scratch, pool);
    char *path = apr_pstrdup(scratch, testing_temporary("XXXXXX", scratch));
    if (CHECK_OK(apr_file_mktemp(&file, path, 0, scratch))) { /* 0: removed when closed */
        CHECK_OK(run_into(file, &exitcode, arguments, scratch));
        WAIT_FOR(system_children() == 0); /* what it left running may still write */
        CHECK_OK(apr_file_seek(file, APR_SET, &start));
        CHECK_OK(read_all(output, file, pool));
    }
    apr_pool_destroy(scratch);
    return exitcode;
}

void testing_use_sockets(void)
{
    apr_pool_t *pool;
    xipc_listener_t *listener;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return;
    (void)xipc_listener_create(&listener, "tcp:127.0.0.1:0", NULL, pool);
    apr_pool_destroy(pool);
}
