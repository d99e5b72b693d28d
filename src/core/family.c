/*
 * family.c - who this process is, who started it, and whom it started.
 */
#include "core/forkserver.h"
#include "core/process.h"
#include "core/program.h"
#include "core/state.h"
#include "xipc/family.h"

#include <apr_strings.h>

/* How long a daemon that was asked to end may take. */
#define DAEMON_PATIENCE apr_time_from_sec(2)

/* ---- the list of children ---- */

void xipc__family_enter(xipc_process_t *process)
{
    xipc__state_lock();
    process->next = xipc__state.children;
    process->link = &xipc__state.children;
    if (process->next != NULL) process->next->link = &process->next;
    xipc__state.children = process;
    xipc__state_unlock();
}

void xipc__family_leave(xipc_process_t *process)
{
    xipc__state_lock();
    if (process->link != NULL) {
        *process->link = process->next;
        if (process->next != NULL) process->next->link = process->link;
    }
    process->link = NULL;
    xipc__state_unlock();
}

apr_status_t xipc_process_active_children(apr_array_header_t **children, apr_pool_t *pool)
{
    if (children == NULL) return xipc__fail_null("children");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_array_header_t *found = apr_array_make(pool, 8, sizeof(xipc_process_t *));
    xipc__state_lock();
    for (xipc_process_t *child = xipc__state.children; child != NULL; child = child->next)
        if (xipc_process_is_alive(child)) *(xipc_process_t **)apr_array_push(found) = child;
    xipc__state_unlock();
    *children = found;
    return APR_SUCCESS;
}

/* ---- daemons ---- */

/* In a way that it sees, if there is one. */
static void ask(xipc_process_t *process)
{
    if (xipc_process_stop(process) != APR_SUCCESS) (void)xipc_process_terminate(process);
}

void xipc__daemon_end(xipc_process_t *process)
{
    if (!xipc_process_is_alive(process)) return;
    ask(process);
    if (xipc_process_join(process, DAEMON_PATIENCE) == APR_SUCCESS) return;
    (void)xipc_process_kill(process);
    (void)xipc_process_join(process, -1);
}

void xipc__family_end(void)
{
    /* all are asked before the first is waited for */
    for (xipc_process_t *child = xipc__state.children; child != NULL; child = child->next)
        if (child->is_daemon) ask(child);
    for (xipc_process_t *child = xipc__state.children; child != NULL; child = child->next)
        if (child->is_daemon) xipc__daemon_end(child);
}

/* ---- this process and its parent ---- */

static xipc_process_t *make_relative(const char *name)
{
    xipc_process_t *made = apr_pcalloc(xipc__state.pool, sizeof *made);
    made->pool = xipc__state.pool;
    made->name = apr_pstrdup(xipc__state.pool, name);
    made->owner = xipc__port_self();
    made->is_relative = 1;
    return made;
}

const char *xipc__family_name(void)
{
    return xipc__state.child_name != NULL ? xipc__state.child_name : "MainProcess";
}

static apr_status_t parent_cleanup(void *data)
{
    xipc_process_t *parent = data;
    if (parent->child != NULL && parent->owner == xipc__port_self())
        xipc__port_child_close(parent->child);
    parent->child = NULL;
    return APR_SUCCESS;
}

/* What leads to the parent's relatives, and to its programs' streams, whose end a copy would hide. */
static void disown_all(void)
{
    for (xipc_process_t *child = xipc__state.children; child != NULL; child = child->next) {
        if (child->program != NULL) xipc__program_close(child->program);
        if (child->child != NULL) xipc__port_child_disown(child->child);
    }
    xipc_process_t *parent = xipc__state.parent;
    if (parent != NULL && parent->child != NULL) xipc__port_child_disown(parent->child);
    xipc__forkserver_disown();
    xipc__state.children = NULL;
}

/* The parent when it can be watched: it, and not one that has its number meanwhile. */
static xipc__child_t *watch_parent(pid_t pid, apr_uint64_t identity)
{
    xipc__child_t *parent;
    if (xipc__port_child_adopt(&parent, pid, 0, xipc__state.pool) != APR_SUCCESS) return NULL;
    if (identity == 0 || !xipc__port_identity_is_dead(identity)) return parent;
    xipc__port_child_close(parent);
    return NULL;
}

void xipc__family_begin(const char *name, pid_t parent, apr_uint64_t identity,
                        const char *parent_name)
{
    const char *own_name = apr_pstrdup(xipc__state.pool, name);
    disown_all();
    xipc__state.current = NULL;
    xipc__state.stop = NULL;
    xipc__state.parent = make_relative(parent_name);
    xipc__state.child_name = own_name;
    xipc_process_t *made = xipc__state.parent;
    made->child = watch_parent(parent, identity);
    made->is_started = 1;
    apr_pool_cleanup_register(xipc__state.pool, made, parent_cleanup, apr_pool_cleanup_null);
}

apr_status_t xipc_process_current(xipc_process_t **process)
{
    if (process == NULL) return xipc__fail_null("process");
    if (xipc__state.initialized == 0)
        return xipc__fail(XIPC_EINIT, "this process has no name before");
    xipc__state_lock();
    if (xipc__state.current == NULL) xipc__state.current = make_relative(xipc__family_name());
    *process = xipc__state.current;
    xipc__state_unlock();
    return APR_SUCCESS;
}

apr_status_t xipc_process_parent(xipc_process_t **process)
{
    if (process == NULL) return xipc__fail_null("process");
    if (xipc__state.initialized == 0) return xipc__fail(XIPC_EINIT, "no parent is known before");
    if (xipc__state.parent == NULL)
        return xipc__fail(APR_ENOENT, "this process was not started by xipc");
    if (xipc__state.parent->child == NULL)
        return xipc__fail(XIPC_EDIED, "the parent had ended before it could be watched");
    *process = xipc__state.parent;
    return APR_SUCCESS;
}

int xipc_cpu_count(void)
{
    return xipc__port_processors();
}
