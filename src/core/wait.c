/*
 * wait.c - one wait for many objects of different kinds.
 */
#include "xipc/wait.h"

#include "core/connection.h"
#include "core/listener.h"
#include "core/process.h"
#include "core/queue.h"

#include <apr_strings.h>

#include <stdlib.h>

/* What the system is to watch for a connection; one with bytes read ahead is ready by itself. */
static apr_status_t watch_connection(xipc__waitable_t *watched, xipc_connection_t *connection)
{
    if (connection == NULL) return xipc__fail_null("connection");
    if (connection->stream == NULL) return xipc__fail(XIPC_ECLOSED, "connection");
    if (!connection->can_read) return xipc__fail(XIPC_ENOTREADABLE, "connection");
    watched->stream = connection->stream;
    watched->is_ready = connection->ahead_size > 0 || connection->end != APR_SUCCESS;
    return APR_SUCCESS;
}

static apr_status_t watch_process(xipc__waitable_t *watched, const xipc_process_t *process)
{
    apr_status_t rv = xipc__process_check_child(process);
    if (rv == APR_SUCCESS) watched->child = process->child;
    return rv;
}

static apr_status_t watch_queue(xipc__waitable_t *watched, const xipc_queue_t *queue)
{
    if (queue == NULL) return xipc__fail_null("queue");
    if (xipc__queue_is_closed(queue)) return xipc__fail(XIPC_ECLOSED, "queue");
    return queue->ops->watch(watched, queue->self);
}

/* A listener has more than one thing to watch; it has as many places here as it wants. */
static apr_status_t watch_listener(xipc__waitable_t *watched, apr_size_t *count,
                                   const xipc_listener_t *listener)
{
    *count = xipc__listener_watch(watched, listener);
    return APR_SUCCESS;
}

static apr_status_t watch_handle(xipc__waitable_t *watched, apr_os_file_t handle)
{
    watched->handle = (xipc__handle_t)handle;
    return xipc__port_handle_check(&watched->is_ready, watched->handle);
}

static apr_status_t count_places(apr_size_t *places, const xipc_wait_item_t *item)
{
    *places = 1;
    if (item->kind != XIPC_WAIT_LISTENER) return APR_SUCCESS;
    if (item->of.listener == NULL) return xipc__fail_null("listener");
    if (xipc__listener_is_closed(item->of.listener)) return xipc__fail(XIPC_ECLOSED, "listener");
    *places = xipc__listener_watch_count(item->of.listener);
    return APR_SUCCESS;
}

static apr_status_t watch(xipc__waitable_t *watched, apr_size_t *count,
                          const xipc_wait_item_t *item)
{
    *count = 1;
    switch (item->kind) {
    case XIPC_WAIT_CONNECTION:
        return watch_connection(watched, item->of.connection);
    case XIPC_WAIT_PROCESS:
        return watch_process(watched, item->of.process);
    case XIPC_WAIT_QUEUE:
        return watch_queue(watched, item->of.queue);
    case XIPC_WAIT_LISTENER:
        return watch_listener(watched, count, item->of.listener);
    case XIPC_WAIT_HANDLE:
        return watch_handle(watched, item->of.handle);
    }
    return xipc__fail(APR_EINVAL, "%d is nothing to wait for", (int)item->kind);
}

/* Say in the detail which item it was. */
static apr_status_t blame(apr_status_t rv, apr_size_t index)
{
    char why[200];
    (void)apr_cpystrn(why, xipc__fail_detail(rv), sizeof why);
    return xipc__fail(rv, "item %" APR_SIZE_T_FMT "%s%s", index, why[0] != '\0' ? ": " : "", why);
}

/* All that the system is to watch; `ends[i]` is where item i's part of it ends. */
typedef struct {
    xipc__waitable_t *watched;
    apr_size_t *ends;
    apr_size_t count;
    int is_any_ready; /* without any waiting */
} plan_t;

static apr_status_t make_room(plan_t *plan, const xipc_wait_item_t *items, apr_size_t count)
{
    apr_size_t total = 0;
    for (apr_size_t i = 0; i < count; i++) {
        apr_size_t places;
        apr_status_t rv = count_places(&places, &items[i]);
        if (rv != APR_SUCCESS) return blame(rv, i);
        total += places;
    }
    plan->watched = calloc(total + 1, sizeof *plan->watched);
    plan->ends = calloc(count + 1, sizeof *plan->ends);
    return plan->watched != NULL && plan->ends != NULL ? APR_SUCCESS : APR_ENOMEM;
}

static apr_status_t watch_all(plan_t *plan, const xipc_wait_item_t *items, apr_size_t count)
{
    apr_status_t rv = make_room(plan, items, count);
    for (apr_size_t i = 0; rv == APR_SUCCESS && i < count; i++) {
        apr_size_t used;
        xipc__waitable_t *watched = plan->watched + plan->count;
        rv = watch(watched, &used, &items[i]);
        if (rv != APR_SUCCESS) return blame(rv, i);
        plan->is_any_ready |= watched->is_ready;
        plan->count += used;
        plan->ends[i] = plan->count;
    }
    return rv;
}

static void mark(xipc_wait_item_t *items, apr_size_t count, const plan_t *plan, int keeps_old)
{
    apr_size_t at = 0;
    for (apr_size_t i = 0; i < count; i++) {
        if (!keeps_old) items[i].is_ready = 0;
        for (; at < plan->ends[i]; at++) items[i].is_ready |= plan->watched[at].is_ready;
    }
}

enum { BELL_SLICE = 100000 };

static int is_bell(const xipc_wait_item_t *item)
{
    return item->kind == XIPC_WAIT_QUEUE && item->of.queue->ops->is_bell;
}

static int has_bells(const xipc_wait_item_t *items, apr_size_t count)
{
    for (apr_size_t i = 0; i < count; i++)
        if (is_bell(&items[i])) return 1;
    return 0;
}

/* Look again at the queues whose bell may have rung. Is anything ready now? */
static int look_again(plan_t *plan, const xipc_wait_item_t *items, apr_size_t count)
{
    int is_any_ready = 0;
    for (apr_size_t i = 0; i < count; i++)
        if (is_bell(&items[i])) {
            apr_size_t used;
            (void)watch(&plan->watched[plan->ends[i] - 1], &used, &items[i]);
        }
    for (apr_size_t at = 0; at < plan->count; at++) is_any_ready |= plan->watched[at].is_ready;
    return is_any_ready;
}

/*
 * A bell may ring in vain, when another reader was quicker, or not at all, when the process at it
 * died: so look again after each, and now and then.
 */
static apr_status_t wait_for_bells(plan_t *plan, const xipc_wait_item_t *items, apr_size_t count,
                                   apr_time_t deadline)
{
    for (;;) {
        apr_time_t slice = xipc__deadline(BELL_SLICE);
        apr_status_t rv =
            xipc__port_wait(plan->watched, plan->count, deadline < slice ? deadline : slice);
        if (rv != APR_SUCCESS && !APR_STATUS_IS_TIMEUP(rv)) return rv;
        if (look_again(plan, items, count)) return APR_SUCCESS;
        if (xipc__remaining(deadline) == 0) return APR_TIMEUP;
    }
}

/* The wait itself forgets what was ready before, so that is marked first. */
static apr_status_t wait_for(xipc_wait_item_t *items, apr_size_t count, plan_t *plan,
                             apr_time_t deadline)
{
    mark(items, count, plan, 0);
    if (plan->is_any_ready) deadline = 0;
    apr_status_t rv = has_bells(items, count)
                          ? wait_for_bells(plan, items, count, deadline)
                          : xipc__port_wait(plan->watched, plan->count, deadline);
    if (rv == APR_SUCCESS) mark(items, count, plan, 1);
    return plan->is_any_ready && APR_STATUS_IS_TIMEUP(rv) ? APR_SUCCESS : rv;
}

static apr_size_t count_ready(const xipc_wait_item_t *items, apr_size_t count)
{
    apr_size_t ready = 0;
    for (apr_size_t i = 0; i < count; i++) ready += items[i].is_ready != 0;
    return ready;
}

apr_status_t xipc_wait(apr_size_t *ready, xipc_wait_item_t *items, apr_size_t count,
                       apr_interval_time_t timeout)
{
    if (ready == NULL) return xipc__fail_null("ready");
    if (items == NULL && count > 0) return xipc__fail_null("items");
    apr_time_t deadline = xipc__deadline(timeout);
    plan_t plan = {0};
    apr_status_t rv = watch_all(&plan, items, count);
    if (rv == APR_SUCCESS) {
        rv = wait_for(items, count, &plan, deadline);
        if (rv == APR_SUCCESS || APR_STATUS_IS_TIMEUP(rv)) *ready = count_ready(items, count);
    }
    free(plan.watched);
    free(plan.ends);
    return rv;
}
