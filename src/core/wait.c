/*
 * wait.c - one wait for many objects of different kinds.
 */
#include "xipc/wait.h"

#include "core/connection.h"
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

static apr_status_t watch(xipc__waitable_t *watched, const xipc_wait_item_t *item)
{
    switch (item->kind) {
    case XIPC_WAIT_CONNECTION:
        return watch_connection(watched, item->of.connection);
    case XIPC_WAIT_PROCESS:
        return watch_process(watched, item->of.process);
    case XIPC_WAIT_QUEUE:
        return watch_queue(watched, item->of.queue);
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

/* Returns how many are ready before any waiting. */
static apr_status_t watch_all(apr_size_t *ready, xipc__waitable_t *watched,
                              const xipc_wait_item_t *items, apr_size_t count)
{
    *ready = 0;
    for (apr_size_t i = 0; i < count; i++) {
        apr_status_t rv = watch(&watched[i], &items[i]);
        if (rv != APR_SUCCESS) return blame(rv, i);
        *ready += watched[i].is_ready != 0;
    }
    return APR_SUCCESS;
}

/* Wait, without losing sight of those that were ready before. */
static apr_status_t wait_for(xipc_wait_item_t *items, xipc__waitable_t *watched, apr_size_t count,
                             apr_size_t ready, apr_time_t deadline)
{
    for (apr_size_t i = 0; i < count; i++) items[i].is_ready = watched[i].is_ready;
    apr_status_t rv = xipc__port_wait(watched, count, ready > 0 ? 0 : deadline);
    return ready > 0 && APR_STATUS_IS_TIMEUP(rv) ? APR_SUCCESS : rv;
}

static apr_size_t count_ready(xipc_wait_item_t *items, const xipc__waitable_t *watched,
                              apr_size_t count)
{
    apr_size_t ready = 0;
    for (apr_size_t i = 0; i < count; i++) {
        items[i].is_ready = items[i].is_ready || watched[i].is_ready;
        ready += items[i].is_ready != 0;
    }
    return ready;
}

apr_status_t xipc_wait(apr_size_t *ready, xipc_wait_item_t *items, apr_size_t count,
                       apr_interval_time_t timeout)
{
    if (ready == NULL) return xipc__fail_null("ready");
    if (items == NULL && count > 0) return xipc__fail_null("items");
    apr_time_t deadline = xipc__deadline(timeout);
    xipc__waitable_t *watched = calloc(count + 1, sizeof *watched);
    if (watched == NULL) return APR_ENOMEM;
    apr_size_t found;
    apr_status_t rv = watch_all(&found, watched, items, count);
    if (rv == APR_SUCCESS) {
        rv = wait_for(items, watched, count, found, deadline);
        *ready = rv == APR_SUCCESS ? count_ready(items, watched, count) : 0;
    }
    free(watched);
    return rv;
}
