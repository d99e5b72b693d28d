/*
 * bonds.c - what binds a child to others: its group, its starter's life, and its starter's wish.
 */
#include "core/connection.h"
#include "core/forkserver.h"
#include "core/process.h"
#include "core/state.h"

/* ---- before the start ---- */

static apr_status_t bond_set(xipc_process_t *process, int bond, int is_set)
{
    if (process == NULL) return xipc__fail_null("process");
    if (process->is_started) return xipc__fail(XIPC_ESTATE, "the process was started");
    process->bonds = is_set ? process->bonds | bond : process->bonds & ~bond;
    return APR_SUCCESS;
}

apr_status_t xipc_process_group_set(xipc_process_t *process, int is_leader)
{
    return bond_set(process, XIPC__BOND_GROUP, is_leader);
}

apr_status_t xipc_process_bound_set(xipc_process_t *process, int is_bound)
{
    return bond_set(process, XIPC__BOND_LIFE, is_bound);
}

apr_status_t xipc_process_stoppable_set(xipc_process_t *process, int is_stoppable)
{
    if (process == NULL) return xipc__fail_null("process");
    if (process->is_started) return xipc__fail(XIPC_ESTATE, "the process was started");
    process->is_stoppable = is_stoppable != 0;
    return APR_SUCCESS;
}

/* ---- lines ---- */

apr_status_t xipc__lines_open(xipc__lines_t *theirs, xipc_process_t *process)
{
    xipc__lines_t *mine = &process->lines;
    apr_status_t rv = APR_SUCCESS;
    *theirs = (xipc__lines_t){NULL, NULL};
    if ((process->bonds & XIPC__BOND_LIFE) && xipc__port_needs_lifeline())
        rv = xipc_pipe_create(&theirs->life, &mine->life, 0, process->pool);
    if (rv == APR_SUCCESS && process->is_stoppable)
        rv = xipc_pipe_create(&theirs->stop, &mine->stop, 0, process->pool);
    if (rv == APR_SUCCESS) return rv;
    xipc__lines_close(theirs);
    xipc__lines_close(mine);
    return rv;
}

void xipc__lines_close(const xipc__lines_t *lines)
{
    if (lines->life != NULL) (void)xipc_connection_close(lines->life);
    if (lines->stop != NULL) (void)xipc_connection_close(lines->stop);
}

/* From here on be killed when the starter's end is closed. */
static apr_status_t hold(xipc_connection_t *lifeline)
{
    xipc__handle_t end;
    apr_status_t rv = xipc__port_handle_duplicate(&end, xipc__port_stream_handle(lifeline->stream));
    (void)xipc_connection_close(lifeline);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__port_lifeline_hold(end);
    if (rv != APR_SUCCESS) xipc__port_handle_close(end);
    return rv;
}

apr_status_t xipc__lines_take(const xipc__lines_t *lines)
{
    xipc__state.stop = lines->stop;
    return lines->life == NULL ? APR_SUCCESS : hold(lines->life);
}

/* ---- groups ---- */

/*
 * A forkserver holds the number of an ended child's group until the report is closed. Without it
 * the number may be others' when the child has ended.
 */
static int group_is_its_own(const xipc_process_t *process)
{
    if (process->report == NULL || xipc__port_child_wait(process->child, 0) != APR_SUCCESS)
        return 1;
    xipc__forkserver_learn(process->child, process->report);
    return APR_STATUS_IS_TIMEUP(xipc_connection_poll(process->report, 0)); /* not at its end */
}

apr_status_t xipc_process_kill_tree(xipc_process_t *process)
{
    apr_status_t rv = xipc__process_check_child(process);
    if (rv != APR_SUCCESS) return rv;
    if (!(process->bonds & XIPC__BOND_GROUP))
        return xipc__fail(XIPC_ESTATE, "process %s leads no group", process->name);
    if (!group_is_its_own(process))
        return xipc__fail(XIPC_EDIED, "the forkserver, which kept the group of process %s",
                          process->name);
    return xipc__process_end(process, XIPC__STOP_GROUP);
}

/* ---- a soft end ---- */

apr_status_t xipc_process_stop(xipc_process_t *process)
{
    apr_status_t rv = xipc__process_check_child(process);
    if (rv != APR_SUCCESS) return rv;
    if (process->lines.stop == NULL)
        return xipc__fail(XIPC_ESTATE, "process %s was not started to be stopped", process->name);
    return xipc_connection_close(process->lines.stop);
}

apr_status_t xipc_stop_connection(xipc_connection_t **connection)
{
    if (connection == NULL) return xipc__fail_null("connection");
    if (xipc__state.stop == NULL)
        return xipc__fail(APR_ENOENT, "this process was not started to be stopped");
    *connection = xipc__state.stop;
    return APR_SUCCESS;
}

int xipc_stop_requested(void)
{
    return xipc__state.stop != NULL && xipc_connection_poll(xipc__state.stop, 0) == APR_SUCCESS;
}
