/*
 * process.c - run a function in another process.
 */
#include "core/process.h"

#include "core/boot.h"
#include "core/connection.h"
#include "core/forkserver.h"
#include "core/listener.h"
#include "core/parcel.h"
#include "core/program.h"
#include "core/state.h"
#include "core/target.h"
#include "core/values.h"

#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- start methods ---- */

xipc_start_method_e xipc__start_method_default(void)
{
    if (xipc__state.method != XIPC_START_DEFAULT) return xipc__state.method;
    return xipc__port_prefers_fork() ? XIPC_START_FORK : XIPC_START_SPAWN;
}

apr_status_t xipc__start_method_check(xipc_start_method_e method)
{
    switch (method) {
    case XIPC_START_DEFAULT:
    case XIPC_START_SPAWN:
        return APR_SUCCESS;
    case XIPC_START_FORK:
    case XIPC_START_FORKSERVER:
        return xipc__port_has_fork() ? APR_SUCCESS
                                     : xipc__fail(APR_ENOTIMPL, "this system has no fork");
    }
    return xipc__fail(APR_EINVAL, "%d is no start method", (int)method);
}

apr_status_t xipc_start_method_set(xipc_start_method_e method)
{
    if (xipc__state.initialized == 0) return xipc__fail(XIPC_EINIT, "there is no default before");
    apr_status_t rv = xipc__start_method_check(method);
    if (rv == APR_SUCCESS) xipc__state.method = method;
    return rv;
}

xipc_start_method_e xipc_start_method_get(void)
{
    return xipc__start_method_default();
}

apr_size_t xipc_start_methods(const xipc_start_method_e **methods)
{
    static const xipc_start_method_e fork_first[] = {XIPC_START_FORK, XIPC_START_SPAWN,
                                                     XIPC_START_FORKSERVER};
    static const xipc_start_method_e spawn_first[] = {XIPC_START_SPAWN, XIPC_START_FORK,
                                                      XIPC_START_FORKSERVER};
    if (methods != NULL) *methods = xipc__port_prefers_fork() ? fork_first : spawn_first;
    return xipc__port_has_fork() ? 3 : 1;
}

apr_status_t xipc_forkserver_preload_set(xipc_preload_t preload)
{
    if (xipc__state.initialized == 0) return xipc__fail(XIPC_EINIT, "there is no server before");
    if (!xipc__port_has_fork()) return xipc__fail(APR_ENOTIMPL, "this system has no fork");
    if (xipc__forkserver_runs()) return xipc__fail(XIPC_ESTATE, "the forkserver runs");
    xipc__state.preload = preload;
    return APR_SUCCESS;
}

/* ---- making ---- */

static apr_status_t process_cleanup(void *data)
{
    xipc_process_t *process = data;
    if (process->owner == xipc__port_self()) {
        if (process->is_daemon) xipc__daemon_end(process);
        xipc__family_leave(process);
    }
    if (process->child != NULL && process->owner == xipc__port_self())
        xipc__port_child_close(process->child);
    process->child = NULL;
    if (process->report != NULL) (void)xipc_connection_close(process->report);
    xipc__lines_close(&process->lines);
    if (process->program != NULL) xipc__program_close(process->program);
    return APR_SUCCESS;
}

xipc_process_t *xipc__process_make(apr_pool_t *pool)
{
    xipc__state_lock();
    apr_uint32_t number = ++xipc__state.processes;
    xipc__state_unlock();
    xipc_process_t *made = apr_pcalloc(pool, sizeof *made);
    made->pool = pool;
    made->name = apr_psprintf(pool, "Process-%u", (unsigned)number);
    made->method = xipc__start_method_default();
    made->owner = xipc__port_self();
    apr_pool_cleanup_register(pool, made, process_cleanup, apr_pool_cleanup_null);
    return made;
}

apr_status_t xipc_process_create(xipc_process_t **process, xipc_target_t target,
                                 const xipc_values_t *args, apr_pool_t *pool)
{
    if (process == NULL) return xipc__fail_null("process");
    if (target == NULL) return xipc__fail_null("target");
    if (pool == NULL) return xipc__fail_null("pool");
    xipc_values_t *copy;
    apr_status_t rv = xipc__values_copy(&copy, args, pool);
    if (rv != APR_SUCCESS) return rv;
    xipc_process_t *made = xipc__process_make(pool);
    made->target = target;
    made->args = copy;
    *process = made;
    return APR_SUCCESS;
}

apr_status_t xipc_process_start_method_set(xipc_process_t *process, xipc_start_method_e method)
{
    if (process == NULL) return xipc__fail_null("process");
    if (process->is_started) return xipc__fail(XIPC_ESTATE, "the process was started");
    apr_status_t rv = xipc__start_method_check(method);
    if (rv == APR_SUCCESS)
        process->method = method == XIPC_START_DEFAULT ? xipc__start_method_default() : method;
    return rv;
}

xipc_start_method_e xipc_process_start_method(const xipc_process_t *process)
{
    return process == NULL ? xipc__start_method_default() : process->method;
}

apr_status_t xipc_process_name_set(xipc_process_t *process, const char *name)
{
    if (process == NULL) return xipc__fail_null("process");
    if (name == NULL) return xipc__fail_null("name");
    if (process->is_started) return xipc__fail(XIPC_ESTATE, "the process was started");
    process->name = apr_pstrdup(process->pool, name);
    return APR_SUCCESS;
}

apr_status_t xipc_process_daemon_set(xipc_process_t *process, int is_daemon)
{
    if (process == NULL) return xipc__fail_null("process");
    if (process->is_started) return xipc__fail(XIPC_ESTATE, "the process was started");
    process->is_daemon = is_daemon != 0;
    return APR_SUCCESS;
}

int xipc_process_is_daemon(const xipc_process_t *process)
{
    return process != NULL && process->is_daemon;
}

apr_status_t xipc_process_fork_forced_set(xipc_process_t *process, int is_forced)
{
    if (process == NULL) return xipc__fail_null("process");
    if (process->is_started) return xipc__fail(XIPC_ESTATE, "the process was started");
    process->is_fork_forced = is_forced != 0;
    return APR_SUCCESS;
}

const char *xipc_process_name(const xipc_process_t *process)
{
    return process == NULL ? "" : process->name;
}

apr_status_t xipc_spawn_executable_set(const char *path)
{
    if (xipc__state.initialized == 0) return xipc__fail(XIPC_EINIT, "%s", "before anything else");
    xipc__state.executable = path == NULL ? NULL : apr_pstrdup(xipc__state.pool, path);
    return APR_SUCCESS;
}

/* ---- starting ---- */

static void close_handles(xipc__handles_t *handles)
{
    while (handles->count > 0) xipc__port_handle_close(handles->items[--handles->count]);
}

/* The child's own handles, made before the fork: the start can tell then why there are none. */
static apr_status_t copy_handles(xipc__handles_t *copies, const xipc__handles_t *handles)
{
    for (copies->count = 0; copies->count < handles->count; copies->count++) {
        apr_status_t rv = xipc__port_handle_duplicate(&copies->items[copies->count],
                                                      handles->items[copies->count]);
        if (rv == APR_SUCCESS) continue;
        close_handles(copies);
        return rv;
    }
    return APR_SUCCESS;
}

/*
 * The forked child. Its arguments come out of the parcel, as in every other child, with handles of
 * their own, so that all connections and listeners of the parent can be closed here: an end that a
 * child does not use would keep the other side from its end of file.
 */
static void run_forked(const xipc_process_t *process, xipc__parcel_t *parcel,
                       xipc__handles_t *handles, const xipc__lines_t *lines)
{
    apr_pool_t *pool;
    xipc_values_t *args;
    while (parcel->made_count > 0) xipc__port_stream_close(parcel->made[--parcel->made_count]);
    xipc__listener_close_all();
    xipc__connection_close_all_but((xipc_connection_t *const[]){lines->life, lines->stop}, 2);
    xipc__family_begin(process->name, process->owner, 0, xipc__family_name());
    apr_status_t rv = xipc__lines_take(lines);
    xipc__hooks_run_at_fork();
    if (rv == APR_SUCCESS) rv = apr_pool_create(&pool, NULL);
    if (rv == APR_SUCCESS) {
        rv = xipc__parcel_unpack(&args, parcel->data, parcel->size, handles, pool);
        if (rv == APR_SUCCESS) xipc__port_exit(xipc__boot_run(process->target, args, pool));
        apr_pool_destroy(pool); /* what has a name is given back, as at a target's end */
    }
    xipc__port_exit(EXIT_FAILURE);
}

static apr_status_t fork_with(xipc_process_t *process, xipc__parcel_t *parcel,
                              const xipc__lines_t *lines, int has_threads)
{
    xipc__child_t *child;
    xipc__handles_t handles;
    apr_status_t rv = copy_handles(&handles, &parcel->handles);
    if (rv != APR_SUCCESS) return rv;
    (void)fflush(NULL);                  /* or the child would print what the parent had not yet */
    if (has_threads) xipc__state_lock(); /* or the child could have it locked for ever */
    rv = xipc__port_child_fork(&child, process->bonds, process->pool);
    if (has_threads) xipc__state_unlock();
    if (rv == APR_SUCCESS && child == NULL) run_forked(process, parcel, &handles, lines);
    close_handles(&handles);
    if (rv == APR_SUCCESS) process->child = child;
    return rv;
}

static apr_status_t start_forked(xipc_process_t *process, const xipc__lines_t *lines)
{
    xipc__place_t place;
    xipc__parcel_t parcel;
    apr_status_t rv =
        xipc__port_image_find(&place, xipc__code_address((void (*)(void))process->target),
                              XIPC__PLACE_CODE, process->pool);
    if (rv != APR_SUCCESS) return rv;
    int threads = xipc__port_threads();
    if (threads > 1 && !process->is_fork_forced)
        return xipc__fail(XIPC_ETHREADS, "it has %d", threads);
    rv = xipc__parcel_pack(&parcel, process->args, process->pool);
    if (rv != APR_SUCCESS) return rv;
    rv = fork_with(process, &parcel, lines, threads > 1);
    xipc__parcel_free(&parcel);
    return rv;
}

static apr_status_t start_anew(xipc_process_t *process, const xipc__lines_t *lines)
{
    const xipc__errand_t errand = {.name = process->name,
                                   .method = process->method,
                                   .target = process->target,
                                   .args = process->args,
                                   .bonds = process->bonds,
                                   .lines = *lines};
    xipc__started_t started;
    (void)fflush(stdout);
    (void)fflush(stderr);
    apr_status_t rv = xipc__boot_start(&started, &errand, process->pool);
    if (rv != APR_SUCCESS) return rv;
    process->child = started.child;
    process->report = started.report;
    return APR_SUCCESS;
}

static apr_status_t start_with_lines(xipc_process_t *process)
{
    xipc__lines_t theirs;
    apr_status_t rv = xipc__lines_open(&theirs, process);
    if (rv != APR_SUCCESS) return rv;
    rv = process->method == XIPC_START_FORK ? start_forked(process, &theirs)
                                            : start_anew(process, &theirs);
    xipc__lines_close(&theirs);
    if (rv != APR_SUCCESS) xipc__lines_close(&process->lines);
    return rv;
}

apr_status_t xipc_process_start(xipc_process_t *process)
{
    if (process == NULL) return xipc__fail_null("process");
    if (xipc__state.initialized == 0)
        return xipc__fail(XIPC_EINIT, "a process can't be started before");
    if (process->owner != xipc__port_self())
        return xipc__fail(XIPC_ENOTOWNER, "process %s", process->name);
    if (process->is_started || process->is_relative)
        return xipc__fail(XIPC_ESTATE, "the process was started before");
    apr_status_t rv =
        process->program != NULL ? xipc__program_start(process) : start_with_lines(process);
    if (rv != APR_SUCCESS) return rv;
    process->is_started = 1;
    xipc__family_enter(process);
    return APR_SUCCESS;
}

/* ---- the life and the end ---- */

apr_status_t xipc__process_check_child(const xipc_process_t *process)
{
    if (process == NULL) return xipc__fail_null("process");
    if (process->owner != xipc__port_self())
        return xipc__fail(XIPC_ENOTOWNER, "process %s", process->name);
    if (!process->is_started) return xipc__fail(XIPC_ESTATE, "the process was not started");
    if (process->child == NULL) return xipc__fail(XIPC_ECLOSED, "process %s", process->name);
    return APR_SUCCESS;
}

apr_status_t xipc_process_join(xipc_process_t *process, apr_interval_time_t timeout)
{
    apr_status_t rv = xipc__process_check_child(process);
    return rv == APR_SUCCESS ? xipc__port_child_wait(process->child, xipc__deadline(timeout)) : rv;
}

apr_status_t xipc_process_exitcode(int *exitcode, const xipc_process_t *process)
{
    if (exitcode == NULL) return xipc__fail_null("exitcode");
    apr_status_t rv = xipc__process_check_child(process);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__port_child_wait(process->child, 0);
    if (APR_STATUS_IS_TIMEUP(rv)) return APR_CHILD_NOTDONE;
    if (rv != APR_SUCCESS) return rv;
    if (process->report != NULL) xipc__forkserver_learn(process->child, process->report);
    return xipc__port_child_exitcode(exitcode, process->child);
}

int xipc_process_is_alive(const xipc_process_t *process)
{
    if (process != NULL && process == xipc__state.current) return 1;
    return xipc__process_check_child(process) == APR_SUCCESS &&
           APR_STATUS_IS_TIMEUP(xipc__port_child_wait(process->child, 0));
}

pid_t xipc_process_pid(const xipc_process_t *process)
{
    if (process != NULL && process == xipc__state.current) return xipc__port_self();
    return process == NULL || process->child == NULL ? 0 : xipc__port_child_pid(process->child);
}

apr_status_t xipc_process_os_get(apr_os_file_t *handle, const xipc_process_t *process)
{
    if (handle == NULL) return xipc__fail_null("handle");
    apr_status_t rv = xipc__process_check_child(process);
    if (rv != APR_SUCCESS) return rv;
    xipc__handle_t sentinel = xipc__port_child_sentinel(process->child);
    if (sentinel == XIPC__NO_HANDLE)
        return xipc__fail(XIPC_ESTATE, "process %s has ended", process->name);
    *handle = (apr_os_file_t)sentinel;
    return APR_SUCCESS;
}

pid_t xipc_current_pid(void)
{
    return xipc__port_self();
}

apr_status_t xipc__process_end(const xipc_process_t *process, xipc__stop_e how)
{
    apr_status_t rv = xipc__process_check_child(process);
    if (rv == APR_SUCCESS && process->is_relative)
        rv = xipc__fail(XIPC_ENOTOWNER, "process %s is no child of this one", process->name);
    return rv == APR_SUCCESS ? xipc__port_child_stop(process->child, how) : rv;
}

apr_status_t xipc_process_interrupt(xipc_process_t *process)
{
    return xipc__process_end(process, XIPC__STOP_INTERRUPT);
}

apr_status_t xipc_process_terminate(xipc_process_t *process)
{
    return xipc__process_end(process, XIPC__STOP_TERMINATE);
}

apr_status_t xipc_process_kill(xipc_process_t *process)
{
    return xipc__process_end(process, XIPC__STOP_KILL);
}

apr_status_t xipc_process_close(xipc_process_t *process)
{
    if (process == NULL) return xipc__fail_null("process");
    if (process->child == NULL) return APR_SUCCESS;
    if (xipc_process_is_alive(process))
        return xipc__fail(APR_EBUSY, "process %s is running", process->name);
    return process_cleanup(process);
}
