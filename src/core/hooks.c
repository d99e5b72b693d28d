/*
 * hooks.c - what the program wants to be called in its children.
 */
#include "core/process.h"

#include "core/state.h"
#include "xipc/family.h"

#include <stdlib.h>

typedef struct xipc__hook_t {
    struct xipc__hook_t *next;
    xipc_hook_t call;
    void *data;
} hook_t;

static apr_status_t make(hook_t **made, xipc_hook_t call, void *data)
{
    if (call == NULL) return xipc__fail_null("hook");
    if (xipc__state.initialized == 0) return xipc__fail(XIPC_EINIT, "a hook is lost before");
    hook_t *hook = apr_palloc(xipc__state.pool, sizeof *hook);
    *hook = (hook_t){.call = call, .data = data};
    *made = hook;
    return APR_SUCCESS;
}

apr_status_t xipc_at_fork(xipc_hook_t hook, void *data)
{
    hook_t *made;
    apr_status_t rv = make(&made, hook, data);
    if (rv != APR_SUCCESS) return rv;
    hook_t **end = &xipc__state.at_fork;
    while (*end != NULL) end = &(*end)->next;
    *end = made;
    return APR_SUCCESS;
}

apr_status_t xipc_at_child_exit(xipc_hook_t hook, void *data)
{
    hook_t *made;
    apr_status_t rv = make(&made, hook, data);
    if (rv != APR_SUCCESS) return rv;
    made->next = xipc__state.at_exit;
    xipc__state.at_exit = made;
    return APR_SUCCESS;
}

void xipc__hooks_run_at_fork(void)
{
    for (const hook_t *hook = xipc__state.at_fork; hook != NULL; hook = hook->next)
        hook->call(hook->data);
}

/* One that a hook registers runs too. */
void xipc__hooks_run_at_child_exit(void)
{
    while (xipc__state.at_exit != NULL) {
        const hook_t *hook = xipc__state.at_exit;
        xipc__state.at_exit = hook->next;
        hook->call(hook->data);
    }
}
