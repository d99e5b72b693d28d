/*
 * program.c - run any program: its streams, and all that goes through them.
 */
#include "core/program.h"

#include "core/connection.h"
#include "core/state.h"

#include <apr_env.h>
#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

/*
 * How much of an output is read at once, and how much a pipe may hold, on Linux unless root asks.
 */
enum { READ_SIZE = 65536, PIPE_MAX = 1 << 20 };

/* A standard stream of the program. */
typedef struct {
    xipc_program_stream_e how;
    const char *path;
    xipc__pipe_t *pipe; /* NULL when it is none, before the start and after its close */
    int is_pipe;        /* it is one, open or closed */
    char *data;         /* malloc'ed: what was collected of it */
    apr_size_t size;
    apr_size_t capacity;
} outlet_t;

struct xipc__program_t {
    const char *const *argv;
    const char *const *environment;
    const char *directory;
    outlet_t outlets[XIPC__STANDARD_STREAMS];
    xipc_connection_t *connections[XIPC__PROGRAM_HANDLES_MAX];
    apr_size_t connection_count;
    apr_size_t input_sent; /* by communicate */
};

/* ---- making ---- */

static const char *const *copy_list(const char *const *list, apr_pool_t *pool)
{
    apr_size_t count = 0;
    while (list[count] != NULL) count++;
    const char **made = apr_palloc(pool, (count + 1) * sizeof *made);
    for (apr_size_t i = 0; i < count; i++) made[i] = apr_pstrdup(pool, list[i]);
    made[count] = NULL;
    return made;
}

apr_status_t xipc_program_create(xipc_process_t **process, const char *const *argv,
                                 apr_pool_t *pool)
{
    if (process == NULL) return xipc__fail_null("process");
    if (argv == NULL) return xipc__fail_null("argv");
    if (argv[0] == NULL || *argv[0] == '\0')
        return xipc__fail(APR_EINVAL, "there is no program in argv");
    if (pool == NULL) return xipc__fail_null("pool");
    if (xipc__state.initialized == 0)
        return xipc__fail(XIPC_EINIT, "a program can't be started before");
    xipc_process_t *made = xipc__process_make(pool);
    made->program = apr_pcalloc(pool, sizeof *made->program);
    made->program->argv = copy_list(argv, pool);
    *process = made;
    return APR_SUCCESS;
}

/* APR_SUCCESS when it is a program that was not started. */
static apr_status_t check_new(const xipc_process_t *process)
{
    if (process == NULL) return xipc__fail_null("process");
    if (process->program == NULL)
        return xipc__fail(APR_EINVAL, "process %s is no program", process->name);
    if (process->is_started) return xipc__fail(XIPC_ESTATE, "the process was started");
    return APR_SUCCESS;
}

apr_status_t xipc_program_environment_set(xipc_process_t *process, const char *const *environment)
{
    apr_status_t rv = check_new(process);
    if (rv != APR_SUCCESS) return rv;
    for (const char *const *each = environment; each != NULL && *each != NULL; each++)
        if (strchr(*each, '=') == NULL)
            return xipc__fail(APR_EINVAL, "the environment's entry %.200s has no =", *each);
    process->program->environment =
        environment == NULL ? NULL : copy_list(environment, process->pool);
    return APR_SUCCESS;
}

apr_status_t xipc_program_directory_set(xipc_process_t *process, const char *directory)
{
    apr_status_t rv = check_new(process);
    if (rv != APR_SUCCESS) return rv;
    process->program->directory = apr_pstrdup(process->pool, directory);
    return APR_SUCCESS;
}

/* Can this stream lead there? */
static int is_possible(xipc_standard_e which, xipc_program_stream_e how)
{
    switch (how) {
    case XIPC_STREAM_INHERITED:
    case XIPC_STREAM_NOTHING:
    case XIPC_STREAM_PIPE:
    case XIPC_STREAM_FILE:
        return which == XIPC_STDIN || which == XIPC_STDOUT || which == XIPC_STDERR;
    case XIPC_STREAM_APPEND:
        return which == XIPC_STDOUT || which == XIPC_STDERR;
    case XIPC_STREAM_STDOUT:
        return which == XIPC_STDERR;
    }
    return 0;
}

apr_status_t xipc_program_stream_set(xipc_process_t *process, xipc_standard_e which,
                                     xipc_program_stream_e how, const char *path)
{
    apr_status_t rv = check_new(process);
    if (rv != APR_SUCCESS) return rv;
    if (!is_possible(which, how))
        return xipc__fail(APR_EINVAL, "stream %d can't lead to %d", (int)which, (int)how);
    int wants_path = how == XIPC_STREAM_FILE || how == XIPC_STREAM_APPEND;
    if (wants_path != (path != NULL))
        return xipc__fail(APR_EINVAL,
                          wants_path ? "a file wants a path" : "only a file has a path");
    outlet_t *outlet = &process->program->outlets[which];
    outlet->how = how;
    outlet->path = apr_pstrdup(process->pool, path);
    return APR_SUCCESS;
}

apr_status_t xipc_program_connection_add(xipc_process_t *process, xipc_connection_t *connection)
{
    apr_status_t rv = check_new(process);
    if (rv != APR_SUCCESS) return rv;
    if (connection == NULL) return xipc__fail_null("connection");
    if (connection->stream == NULL) return xipc__fail(XIPC_ECLOSED, "connection");
    xipc__program_t *program = process->program;
    if (program->connection_count == XIPC__PROGRAM_HANDLES_MAX)
        return xipc__fail(XIPC_ELIMIT, "a program inherits at most %d connections",
                          XIPC__PROGRAM_HANDLES_MAX);
    program->connections[program->connection_count++] = connection;
    return APR_SUCCESS;
}

/* ---- the start ---- */

static apr_status_t open_outlet(xipc__handle_t *theirs, outlet_t *outlet, xipc_standard_e which,
                                apr_pool_t *pool)
{
    xipc__file_e file = which == XIPC_STDIN ? XIPC__FILE_READ : XIPC__FILE_WRITE;
    switch (outlet->how) {
    case XIPC_STREAM_NOTHING:
        return xipc__port_file_open(theirs, NULL, file, pool);
    case XIPC_STREAM_PIPE:
        outlet->is_pipe = 1;
        return xipc__port_pipe_open(&outlet->pipe, theirs, which == XIPC_STDIN, pool);
    case XIPC_STREAM_APPEND:
        return xipc__port_file_open(theirs, outlet->path, XIPC__FILE_APPEND, pool);
    case XIPC_STREAM_FILE:
        return xipc__port_file_open(theirs, outlet->path, file, pool);
    case XIPC_STREAM_INHERITED:
    case XIPC_STREAM_STDOUT:
        break;
    }
    *theirs = XIPC__NO_HANDLE;
    return APR_SUCCESS;
}

static void close_theirs(xipc__command_t *command)
{
    for (int i = 0; i < XIPC__STANDARD_STREAMS; i++) {
        if (command->streams[i] != XIPC__NO_HANDLE) xipc__port_handle_close(command->streams[i]);
        command->streams[i] = XIPC__NO_HANDLE;
    }
}

static apr_status_t open_all(xipc__command_t *command, xipc__program_t *program, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    for (int i = 0; i < XIPC__STANDARD_STREAMS; i++) command->streams[i] = XIPC__NO_HANDLE;
    for (int i = 0; rv == APR_SUCCESS && i < XIPC__STANDARD_STREAMS; i++)
        rv = open_outlet(&command->streams[i], &program->outlets[i], (xipc_standard_e)i, pool);
    if (rv != APR_SUCCESS || program->outlets[XIPC_STDERR].how != XIPC_STREAM_STDOUT) return rv;
    xipc__handle_t out = command->streams[XIPC_STDOUT];
    return xipc__port_handle_duplicate(&command->streams[XIPC_STDERR],
                                       out != XIPC__NO_HANDLE ? out : xipc__port_stdout());
}

static apr_status_t list_connections(xipc__command_t *command, const xipc__program_t *program)
{
    for (apr_size_t i = 0; i < program->connection_count; i++) {
        const xipc_connection_t *connection = program->connections[i];
        if (connection->stream == NULL) return xipc__fail(XIPC_ECLOSED, "connection");
        if (connection->body != NULL || connection->ahead_size > connection->ahead_at)
            return xipc__fail(XIPC_ESTATE, "what a connection has read ahead can't go along");
        command->handles[i] = xipc__port_stream_handle(connection->stream);
        command->marks[i] = connection->can_read ? connection->can_write ? "rw" : "r" : "w";
    }
    command->handle_count = program->connection_count;
    return APR_SUCCESS;
}

apr_status_t xipc__program_fail(apr_status_t status, const xipc__command_t *command)
{
    if (command->directory == NULL) return xipc__fail(status, "%.200s", command->argv[0]);
    return xipc__fail(status, "%.200s in the directory %.200s", command->argv[0],
                      command->directory);
}

apr_status_t xipc__program_start(xipc_process_t *process)
{
    xipc__program_t *program = process->program;
    xipc__command_t command = {.argv = program->argv,
                               .environment = program->environment,
                               .directory = program->directory,
                               .bonds = process->bonds};
    if (process->is_stoppable)
        return xipc__fail(APR_ENOTIMPL, "only a function has a line to be stopped by");
    apr_status_t rv = list_connections(&command, program);
    if (rv != APR_SUCCESS) return rv;
    rv = open_all(&command, program, process->pool);
    if (rv == APR_SUCCESS) rv = xipc__port_program_start(&process->child, &command, process->pool);
    close_theirs(&command);
    if (rv != APR_SUCCESS) xipc__program_close(program);
    return rv;
}

static void close_outlet(outlet_t *outlet)
{
    if (outlet->pipe != NULL) xipc__port_pipe_close(outlet->pipe);
    outlet->pipe = NULL;
}

void xipc__program_close(xipc__program_t *program)
{
    for (int i = 0; i < XIPC__STANDARD_STREAMS; i++) {
        outlet_t *outlet = &program->outlets[i];
        close_outlet(outlet);
        free(outlet->data);
        outlet->data = NULL;
        outlet->size = outlet->capacity = 0;
    }
}

/* ---- its streams ---- */

static apr_status_t check_started(const xipc_process_t *process)
{
    if (process == NULL) return xipc__fail_null("process");
    if (process->program == NULL)
        return xipc__fail(APR_EINVAL, "process %s is no program", process->name);
    if (process->owner != xipc__port_self())
        return xipc__fail(XIPC_ENOTOWNER, "process %s", process->name);
    return process->is_started ? APR_SUCCESS
                               : xipc__fail(XIPC_ESTATE, "the process was not started");
}

/* The outlet when it is an open pipe; `no_pipe` is the error when it never was one. */
static apr_status_t find_pipe(outlet_t **found, const xipc_process_t *process, int which,
                              apr_status_t no_pipe)
{
    apr_status_t rv = check_started(process);
    if (rv != APR_SUCCESS) return rv;
    *found = &process->program->outlets[which];
    if (!(*found)->is_pipe) return xipc__fail(no_pipe, "stream %d is no pipe", which);
    return (*found)->pipe != NULL ? APR_SUCCESS : xipc__fail(XIPC_ECLOSED, "stream %d", which);
}

apr_status_t xipc_program_write(apr_size_t *written, xipc_process_t *process, const void *data,
                                apr_size_t size, apr_interval_time_t timeout)
{
    outlet_t *outlet;
    if (written == NULL) return xipc__fail_null("written");
    *written = 0;
    if (data == NULL && size > 0) return xipc__fail_null("data");
    apr_status_t rv = find_pipe(&outlet, process, XIPC_STDIN, XIPC_ENOTWRITABLE);
    apr_time_t deadline = xipc__deadline(timeout);
    while (rv == APR_SUCCESS && *written < size) {
        apr_size_t part = 0;
        xipc__span_t rest = {(const char *)data + *written, size - *written};
        rv = xipc__port_pipe_write(&part, outlet->pipe, rest, deadline);
        *written += part;
    }
    if (rv == APR_SUCCESS) (void)xipc__port_pipe_flush(outlet->pipe, deadline);
    return rv;
}

apr_status_t xipc_program_read(apr_size_t *got, xipc_process_t *process, xipc_standard_e which,
                               void *buffer, apr_size_t capacity, apr_interval_time_t timeout)
{
    outlet_t *outlet;
    if (got == NULL) return xipc__fail_null("got");
    if (buffer == NULL) return xipc__fail_null("buffer");
    if (capacity == 0) return xipc__fail(APR_EINVAL, "a buffer of no bytes");
    if (which != XIPC_STDOUT && which != XIPC_STDERR)
        return xipc__fail(APR_EINVAL, "stream %d is not written by a program", (int)which);
    apr_status_t rv = find_pipe(&outlet, process, (int)which, XIPC_ENOTREADABLE);
    if (rv != APR_SUCCESS) return rv;
    return xipc__port_pipe_read(got, outlet->pipe, buffer, capacity, xipc__deadline(timeout));
}

apr_status_t xipc_program_stream_close(xipc_process_t *process, xipc_standard_e which)
{
    apr_status_t rv = check_started(process);
    if (rv != APR_SUCCESS) return rv;
    if (!is_possible(which, XIPC_STREAM_PIPE))
        return xipc__fail(APR_EINVAL, "there is no stream %d", (int)which);
    close_outlet(&process->program->outlets[which]);
    return APR_SUCCESS;
}

/* ---- communicate ---- */

static apr_status_t grow(outlet_t *outlet)
{
    if (outlet->capacity - outlet->size >= READ_SIZE) return APR_SUCCESS;
    apr_size_t capacity = 2 * outlet->capacity + READ_SIZE;
    char *data = realloc(outlet->data, capacity);
    if (data == NULL) return APR_ENOMEM;
    outlet->data = data;
    outlet->capacity = capacity;
    return APR_SUCCESS;
}

/* Take some of what is there now; an outlet at its end is closed. APR_TIMEUP: nothing is there. */
static apr_status_t collect(outlet_t *outlet)
{
    apr_size_t got;
    if (outlet->pipe == NULL) return APR_TIMEUP;
    apr_status_t rv = grow(outlet);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__port_pipe_read(&got, outlet->pipe, outlet->data + outlet->size, READ_SIZE, 0);
    if (rv == APR_SUCCESS)
        outlet->size += got;
    else if (!APR_STATUS_IS_TIMEUP(rv))
        close_outlet(outlet); /* at its end, or it can't be read */
    return rv == APR_SUCCESS ? rv : APR_TIMEUP;
}

/* What an ended program left in its pipes; others may go on writing there. */
static apr_status_t drain(outlet_t *outlet)
{
    apr_status_t rv = APR_SUCCESS;
    for (int i = 0; rv == APR_SUCCESS && i < PIPE_MAX / READ_SIZE; i++) rv = collect(outlet);
    return APR_STATUS_IS_TIMEUP(rv) ? APR_SUCCESS : rv;
}

/* Give as much input as there is room for; when all has gone, or nobody wants it, it is closed. */
static void feed(xipc__program_t *program, xipc__span_t input)
{
    outlet_t *outlet = &program->outlets[XIPC_STDIN];
    apr_status_t rv = APR_SUCCESS;
    while (rv == APR_SUCCESS && outlet->pipe != NULL && program->input_sent < input.size) {
        apr_size_t part = 0;
        xipc__span_t rest = {(const char *)input.data + program->input_sent,
                             input.size - program->input_sent};
        rv = xipc__port_pipe_write(&part, outlet->pipe, rest, 0);
        program->input_sent += part;
    }
    if (rv == APR_SUCCESS && outlet->pipe != NULL) rv = xipc__port_pipe_flush(outlet->pipe, 0);
    if (!APR_STATUS_IS_TIMEUP(rv)) close_outlet(outlet);
}

/* One round: what can be moved now, then a wait for more. */
static apr_status_t exchange(xipc_process_t *process, xipc__span_t input, apr_time_t deadline)
{
    xipc__program_t *program = process->program;
    xipc__waitable_t items[1 + XIPC__STANDARD_STREAMS] = {{.child = process->child}};
    apr_size_t count = 1;
    feed(program, input);
    for (int i = XIPC_STDOUT; i <= XIPC_STDERR; i++) {
        apr_status_t rv = collect(&program->outlets[i]);
        if (rv != APR_SUCCESS && !APR_STATUS_IS_TIMEUP(rv)) return rv;
    }
    for (int i = 0; i < XIPC__STANDARD_STREAMS; i++)
        if (program->outlets[i].pipe != NULL)
            items[count++] = xipc__port_pipe_watch(program->outlets[i].pipe);
    return xipc__port_wait(items, count, deadline);
}

static const char *take(apr_size_t *size, outlet_t *outlet, apr_pool_t *pool)
{
    const char *data = apr_pstrmemdup(pool, outlet->size > 0 ? outlet->data : "", outlet->size);
    *size = outlet->size;
    free(outlet->data);
    outlet->data = NULL;
    outlet->size = outlet->capacity = 0;
    return data;
}

apr_status_t xipc_program_communicate(xipc_program_output_t *result, xipc_process_t *process,
                                      const void *input, apr_size_t input_size,
                                      apr_interval_time_t timeout, apr_pool_t *pool)
{
    if (result == NULL) return xipc__fail_null("result");
    if (pool == NULL) return xipc__fail_null("pool");
    if (input == NULL && input_size > 0) return xipc__fail_null("input");
    apr_status_t rv = check_started(process);
    if (rv != APR_SUCCESS) return rv;
    outlet_t *outlets = process->program->outlets;
    if (process->child == NULL) return xipc__fail(XIPC_ECLOSED, "process %s", process->name);
    if (input_size > 0 && !outlets[XIPC_STDIN].is_pipe)
        return xipc__fail(XIPC_ENOTWRITABLE, "stream 0 is no pipe");
    apr_time_t deadline = xipc__deadline(timeout);
    while (xipc__process_check_child(process) == APR_SUCCESS && xipc_process_is_alive(process)) {
        rv = exchange(process, (xipc__span_t){input, input_size}, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
    close_outlet(&outlets[XIPC_STDIN]);
    rv = drain(&outlets[XIPC_STDOUT]);
    if (rv == APR_SUCCESS) rv = drain(&outlets[XIPC_STDERR]);
    if (rv != APR_SUCCESS) return rv;
    result->output = take(&result->output_size, &outlets[XIPC_STDOUT], pool);
    result->errors = take(&result->errors_size, &outlets[XIPC_STDERR], pool);
    return APR_SUCCESS;
}

/* ---- in a program that was started so ---- */

static struct {
    xipc__handle_t handles[XIPC__PROGRAM_HANDLES_MAX]; /* XIPC__NO_HANDLE: taken */
    const char *marks[XIPC__PROGRAM_HANDLES_MAX];
    apr_size_t count;
} inherited;

void xipc__program_take_inherited(void)
{
    char *list;
    char *last;
    inherited.count = 0;
    if (apr_env_get(&list, XIPC__HANDLES_VARIABLE, xipc__state.pool) != APR_SUCCESS) return;
    (void)apr_env_delete(XIPC__HANDLES_VARIABLE, xipc__state.pool); /* or others would take it up */
    for (char *each = apr_strtok(list, ",", &last);
         each != NULL && inherited.count < XIPC__PROGRAM_HANDLES_MAX;
         each = apr_strtok(NULL, ",", &last)) {
        inherited.marks[inherited.count] = each + strspn(each, "0123456789");
        inherited.handles[inherited.count++] = (xipc__handle_t)apr_atoi64(each);
    }
}

apr_status_t xipc_program_inherited(xipc_connection_t **connection, apr_size_t index,
                                    apr_pool_t *pool)
{
    xipc__stream_t *stream;
    if (connection == NULL) return xipc__fail_null("connection");
    if (pool == NULL) return xipc__fail_null("pool");
    if (index >= inherited.count || inherited.handles[index] == XIPC__NO_HANDLE)
        return xipc__fail(APR_ENOENT, "no connection %" APR_SIZE_T_FMT " was inherited", index);
    apr_status_t rv = xipc__port_stream_adopt(&stream, inherited.handles[index], pool);
    if (rv != APR_SUCCESS) return rv;
    inherited.handles[index] = XIPC__NO_HANDLE;
    const char *marks = inherited.marks[index];
    *connection =
        xipc__connection_make(stream, strchr(marks, 'r') != NULL, strchr(marks, 'w') != NULL, pool);
    return APR_SUCCESS;
}
