/*
 * process_pool.c - a pool of workers as its owner sees it. The owner's own calls drive it; there is
 * no thread.
 */
#include "core/connection.h"
#include "core/process.h"
#include "core/values.h"
#include "core/worker.h"

#include <apr_strings.h>

/* How long a worker may take to end by itself once its connection has. */
#define END_PATIENCE apr_time_from_sec(1)

typedef struct {
    apr_pool_t *pool; /* of this process and its connection; a replaced worker's is destroyed */
    xipc_process_t *process;
    xipc_connection_t *connection;
    int is_busy; /* a task whose result nobody waits for any more */
} worker_t;

struct xipc_process_pool_t {
    apr_pool_t *pool;
    pid_t owner;
    xipc_start_method_e method;
    apr_size_t count;
    worker_t *workers;
    xipc__waitable_t *waitables; /* two for each worker: its connection, then its process */
    int is_closed;
};

struct xipc_process_pool_options_t {
    apr_size_t processes;
    xipc_start_method_e method;
};

/* ---- workers ---- */

static apr_status_t launch(worker_t *worker, const xipc_process_pool_t *workers, apr_pool_t *pool)
{
    xipc_connection_t *theirs;
    apr_status_t rv = xipc_pipe_create(&worker->connection, &theirs, 1, pool);
    if (rv != APR_SUCCESS) return rv;
    xipc_values_t *args = xipc_values_make(pool);
    (void)xipc_values_add_connection(args, theirs);
    rv = xipc_process_create(&worker->process, xipc__worker_main, args, pool);
    if (rv == APR_SUCCESS) rv = xipc_process_start_method_set(worker->process, workers->method);
    if (rv == APR_SUCCESS) rv = xipc_process_start(worker->process);
    (void)xipc_connection_close(theirs);
    return rv;
}

static apr_status_t start_worker(worker_t *worker, const xipc_process_pool_t *workers)
{
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, workers->pool);
    if (rv != APR_SUCCESS) return rv;
    worker_t started = {.pool = pool};
    rv = launch(&started, workers, pool);
    if (rv == APR_SUCCESS)
        *worker = started;
    else
        apr_pool_destroy(pool);
    return rv;
}

static void end_worker(worker_t *worker)
{
    if (worker->pool == NULL) return;
    (void)xipc_process_kill(worker->process);
    (void)xipc_process_join(worker->process, -1);
    apr_pool_destroy(worker->pool);
    *worker = (worker_t){0};
}

static apr_status_t describe_death(worker_t *worker)
{
    int exitcode;
    /* it is ending, or lives without its connection, which is of no use */
    if (xipc_process_join(worker->process, END_PATIENCE) != APR_SUCCESS)
        (void)xipc_process_kill(worker->process);
    (void)xipc_process_join(worker->process, -1);
    if (xipc_process_exitcode(&exitcode, worker->process) != APR_SUCCESS)
        return xipc__fail(XIPC_EDIED, "the worker died in its task");
    return xipc__fail(XIPC_EDIED, "the worker died in its task, exit code %d", exitcode);
}

/* ---- making ---- */

static apr_status_t pool_cleanup(void *data)
{
    xipc_process_pool_t *workers = data;
    if (workers->owner != xipc__port_self()) return APR_SUCCESS;
    for (apr_size_t i = 0; i < workers->count; i++) end_worker(&workers->workers[i]);
    return APR_SUCCESS;
}

apr_status_t xipc_process_pool_options_create(xipc_process_pool_options_t **options,
                                              apr_pool_t *pool)
{
    if (options == NULL) return xipc__fail_null("options");
    if (pool == NULL) return xipc__fail_null("pool");
    *options = apr_pcalloc(pool, sizeof **options);
    return APR_SUCCESS;
}

apr_status_t xipc_process_pool_options_processes_set(xipc_process_pool_options_t *options,
                                                     apr_size_t processes)
{
    if (options == NULL) return xipc__fail_null("options");
    options->processes = processes;
    return APR_SUCCESS;
}

apr_status_t xipc_process_pool_options_start_method_set(xipc_process_pool_options_t *options,
                                                        xipc_start_method_e method)
{
    if (options == NULL) return xipc__fail_null("options");
    apr_status_t rv = xipc__start_method_check(method);
    if (rv == APR_SUCCESS) options->method = method;
    return rv;
}

apr_status_t xipc_process_pool_create_ex(xipc_process_pool_t **workers,
                                         const xipc_process_pool_options_t *options,
                                         apr_pool_t *pool)
{
    static const xipc_process_pool_options_t defaults;
    if (workers == NULL) return xipc__fail_null("workers");
    if (pool == NULL) return xipc__fail_null("pool");
    if (options == NULL) options = &defaults;
    apr_size_t processes =
        options->processes > 0 ? options->processes : (apr_size_t)xipc__port_processors();
    if (processes > INT32_MAX / sizeof(worker_t))
        return xipc__fail(APR_EINVAL, "so many processes can't be");

    xipc_process_pool_t *made = apr_pcalloc(pool, sizeof *made);
    made->pool = pool;
    made->owner = xipc__port_self();
    made->method = options->method;
    made->workers = apr_pcalloc(pool, processes * sizeof *made->workers);
    made->waitables = apr_pcalloc(pool, 2 * processes * sizeof *made->waitables);
    for (; made->count < processes; made->count++) {
        apr_status_t rv = start_worker(&made->workers[made->count], made);
        if (rv != APR_SUCCESS) {
            (void)pool_cleanup(made);
            return rv;
        }
    }
    apr_pool_pre_cleanup_register(pool, made, pool_cleanup);
    *workers = made;
    return APR_SUCCESS;
}

apr_status_t xipc_process_pool_create(xipc_process_pool_t **workers, apr_size_t processes,
                                      apr_pool_t *pool)
{
    const xipc_process_pool_options_t options = {.processes = processes};
    return xipc_process_pool_create_ex(workers, &options, pool);
}

apr_size_t xipc_process_pool_processes(const xipc_process_pool_t *workers)
{
    return workers == NULL ? 0 : workers->count;
}

/* ---- tasks ---- */

/* Receive a worker's outcome, or learn that it is dead. APR_TIMEUP: neither until the deadline. */
static apr_status_t receive_outcome(xipc_values_t **outcome, worker_t *worker, apr_time_t deadline,
                                    apr_pool_t *pool)
{
    for (;;) {
        xipc__waitable_t items[] = {{.stream = worker->connection->stream},
                                    {.child = worker->process->child}};
        apr_status_t rv = xipc__port_wait(items, 2, deadline);
        if (rv != APR_SUCCESS) return rv;
        rv = xipc_connection_recv_values(outcome, worker->connection, 0, pool);
        if (rv == APR_SUCCESS) return rv;
        /* a part of an outcome, and a worker that lives: the rest will come */
        if (!APR_STATUS_IS_TIMEUP(rv) || items[1].is_ready) return describe_death(worker);
    }
}

/*
 * Look whether workers that were left with their tasks are done or dead, waiting for the first
 * until the deadline.
 */
static void tidy_up(xipc_process_pool_t *workers, apr_time_t deadline, apr_pool_t *scratch)
{
    apr_size_t count = 0;
    for (apr_size_t i = 0; i < workers->count; i++) {
        const worker_t *worker = &workers->workers[i];
        if (!worker->is_busy) continue;
        workers->waitables[count++] = (xipc__waitable_t){.stream = worker->connection->stream};
        workers->waitables[count++] = (xipc__waitable_t){.child = worker->process->child};
    }
    if (count == 0 || xipc__port_wait(workers->waitables, count, deadline) != APR_SUCCESS) return;
    for (apr_size_t i = 0; i < workers->count; i++) {
        worker_t *worker = &workers->workers[i];
        xipc_values_t *outcome;
        if (!worker->is_busy) continue;
        apr_status_t rv = receive_outcome(&outcome, worker, 0, scratch);
        if (rv == APR_SUCCESS) worker->is_busy = 0;
        if (rv != APR_SUCCESS && !APR_STATUS_IS_TIMEUP(rv)) end_worker(worker);
    }
}

/*
 * A worker that waits for a task, made anew in the place of a dead one. APR_TIMEUP: all are busy.
 */
static apr_status_t find_idle(worker_t **idle, xipc_process_pool_t *workers)
{
    apr_status_t rv = APR_TIMEUP;
    for (apr_size_t i = 0; i < workers->count; i++) {
        worker_t *worker = &workers->workers[i];
        if (worker->is_busy) continue;
        if (worker->pool != NULL && !xipc_process_is_alive(worker->process)) end_worker(worker);
        if (worker->pool == NULL) rv = start_worker(worker, workers);
        if (worker->pool == NULL) continue; /* it will be tried again; perhaps another is there */
        *idle = worker;
        return APR_SUCCESS;
    }
    return rv;
}

static apr_status_t await_idle(worker_t **worker, xipc_process_pool_t *workers, apr_time_t deadline,
                               apr_pool_t *scratch)
{
    tidy_up(workers, 0, scratch);
    for (;;) {
        apr_status_t rv = find_idle(worker, workers);
        if (!APR_STATUS_IS_TIMEUP(rv) || xipc__remaining(deadline) == 0) return rv;
        tidy_up(workers, deadline, scratch);
    }
}

static apr_status_t read_outcome(xipc_values_t **result, const xipc_values_t *outcome,
                                 apr_pool_t *pool)
{
    apr_int64_t is_tasks;
    apr_int64_t status;
    const char *detail;
    char text[128];
    apr_status_t rv = xipc_values_get_int(&is_tasks, outcome, OUTCOME_IS_TASKS);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&status, outcome, OUTCOME_STATUS);
    if (rv == APR_SUCCESS) rv = xipc_values_get_string(&detail, outcome, OUTCOME_DETAIL);
    if (rv != APR_SUCCESS) return xipc__fail(XIPC_EPROTOCOL, "the worker's outcome is malformed");
    if (status == APR_SUCCESS) {
        xipc_values_t *values = xipc_values_make(pool);
        xipc__values_share(values, outcome, OUTCOME_RESULT);
        if (result != NULL) *result = values;
        return APR_SUCCESS;
    }
    if (!is_tasks) return xipc__fail((apr_status_t)status, "%s", detail);
    (void)xipc_strerror((apr_status_t)status, text, sizeof text);
    return xipc__fail(XIPC_EFAILED, "%d, %s%s%s", (int)status, text, *detail == '\0' ? "" : ": ",
                      detail);
}

/* Give the worker the task and wait for what comes of it. */
static apr_status_t run_task(xipc_values_t **result, xipc_process_pool_t *workers, worker_t *worker,
                             const xipc_values_t *message, apr_time_t deadline, apr_pool_t *pool)
{
    xipc_values_t *outcome;
    xipc__parcel_t parcel;
    apr_status_t rv = xipc__parcel_pack_to_send(&parcel, message, workers->pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__connection_send_parcel(worker->connection, &parcel, deadline);
    xipc__parcel_free(&parcel);
    if (APR_STATUS_IS_TIMEUP(rv)) return rv;
    if (rv == APR_SUCCESS)
        rv = receive_outcome(&outcome, worker, deadline, pool);
    else
        rv = rv == XIPC_EBROKEN ? APR_TIMEUP : describe_death(worker);
    if (rv == APR_SUCCESS) return read_outcome(result, outcome, pool);
    if (APR_STATUS_IS_TIMEUP(rv) && !worker->connection->is_send_broken)
        worker->is_busy = 1;
    else
        end_worker(worker);
    return rv;
}

static apr_status_t check_open(const xipc_process_pool_t *workers)
{
    if (workers == NULL) return xipc__fail_null("workers");
    if (workers->owner != xipc__port_self()) return xipc__fail(XIPC_ENOTOWNER, "process pool");
    return APR_SUCCESS;
}

apr_status_t xipc_process_pool_apply(xipc_values_t **result, xipc_process_pool_t *workers,
                                     xipc_task_t task, const xipc_values_t *args,
                                     apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_status_t rv = check_open(workers);
    if (rv != APR_SUCCESS) return rv;
    if (task == NULL) return xipc__fail_null("task");
    if (pool == NULL) return xipc__fail_null("pool");
    if (workers->is_closed) return xipc__fail(XIPC_ESTATE, "the process pool is closed");
    rv = xipc__values_check_inherit(args);
    if (rv != APR_SUCCESS) return rv;

    apr_time_t deadline = xipc__deadline(timeout);
    worker_t *worker;
    xipc_values_t *message = xipc_values_make(pool);
    rv = xipc__place_add(message, xipc__code_address((void (*)(void))task), XIPC__PLACE_CODE, pool);
    if (rv != APR_SUCCESS) return rv;
    xipc__values_share(message, args, 0);
    rv = await_idle(&worker, workers, deadline, pool);
    return rv == APR_SUCCESS ? run_task(result, workers, worker, message, deadline, pool) : rv;
}

/* ---- the end ---- */

apr_status_t xipc_process_pool_close(xipc_process_pool_t *workers)
{
    apr_status_t rv = check_open(workers);
    if (rv != APR_SUCCESS) return rv;
    workers->is_closed = 1;
    for (apr_size_t i = 0; i < workers->count; i++)
        if (workers->workers[i].pool != NULL)
            (void)xipc_connection_close(workers->workers[i].connection);
    return APR_SUCCESS;
}

apr_status_t xipc_process_pool_terminate(xipc_process_pool_t *workers)
{
    apr_status_t rv = xipc_process_pool_close(workers);
    if (rv != APR_SUCCESS) return rv;
    for (apr_size_t i = 0; i < workers->count; i++)
        if (workers->workers[i].pool != NULL) (void)xipc_process_kill(workers->workers[i].process);
    return APR_SUCCESS;
}

apr_status_t xipc_process_pool_join(xipc_process_pool_t *workers, apr_interval_time_t timeout)
{
    apr_status_t rv = check_open(workers);
    if (rv != APR_SUCCESS) return rv;
    if (!workers->is_closed) return xipc__fail(XIPC_ESTATE, "the process pool is still running");
    apr_time_t deadline = xipc__deadline(timeout);
    for (apr_size_t i = 0; rv == APR_SUCCESS && i < workers->count; i++)
        if (workers->workers[i].pool != NULL)
            rv = xipc_process_join(workers->workers[i].process, xipc__remaining(deadline));
    return rv;
}
