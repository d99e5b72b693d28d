/*
 * queue_tasks.c - messages as tasks: joining, leases, dead letters.
 */
#include "core/queue.h"

apr_status_t xipc_queue_options_joinable_set(xipc_queue_options_t *options, int is_joinable)
{
    if (options == NULL) return xipc__fail_null("options");
    if (!is_joinable)
        options->tasks = XIPC__QUEUE_PLAIN;
    else if (options->tasks == XIPC__QUEUE_PLAIN)
        options->tasks = XIPC__QUEUE_JOINABLE;
    return APR_SUCCESS;
}

apr_status_t xipc_queue_options_lease_set(xipc_queue_options_t *options, apr_size_t deliveries)
{
    if (options == NULL) return xipc__fail_null("options");
    options->tasks = XIPC__QUEUE_LEASED;
    options->deliveries = deliveries;
    return APR_SUCCESS;
}

static apr_status_t check(const xipc_queue_t *queue)
{
    apr_status_t rv = xipc__queue_check(queue);
    if (rv == APR_SUCCESS && queue->tasks == XIPC__QUEUE_PLAIN)
        return xipc__fail(XIPC_ESTATE, "this queue (%s) is not joinable",
                          xipc__queue_backend_name(queue));
    return rv;
}

apr_status_t xipc_queue_task_done(xipc_queue_t *queue)
{
    apr_status_t rv = check(queue);
    return rv == APR_SUCCESS ? queue->ops->extras->done(queue->self, NULL) : rv;
}

/* Each object tells of a loss once. */
static apr_status_t tell_lost(xipc_queue_t *queue)
{
    xipc_queue_stat_t stat;
    if (queue->tasks == XIPC__QUEUE_LEASED) return APR_SUCCESS;
    queue->ops->extras->lost(&stat, queue->self);
    apr_size_t lost = stat.lost_by_readers - queue->lost;
    if (lost == 0) return APR_SUCCESS;
    queue->lost = stat.lost_by_readers;
    return xipc__fail(XIPC_EDIED,
                      "%" APR_SIZE_T_FMT " tasks were lost with readers, the last with process %ld",
                      lost, (long)stat.last_lost_reader);
}

apr_status_t xipc_queue_join(xipc_queue_t *queue, apr_interval_time_t timeout)
{
    apr_status_t rv = check(queue);
    if (rv == APR_SUCCESS) rv = queue->ops->extras->join(queue->self, xipc__deadline(timeout));
    return rv == APR_SUCCESS ? tell_lost(queue) : rv;
}

apr_status_t xipc_queue_get_leased(void **data, apr_size_t *size, xipc_queue_lease_t *lease,
                                   xipc_queue_t *queue, apr_interval_time_t timeout,
                                   apr_pool_t *pool)
{
    if (data == NULL) return xipc__fail_null("data");
    if (size == NULL) return xipc__fail_null("size");
    if (lease == NULL) return xipc__fail_null("lease");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_status_t rv = check(queue);
    if (rv != APR_SUCCESS) return rv;
    const xipc__room_t room = {.pool = pool};
    return queue->ops->extras->get_leased(lease, data, size, queue->self, &room,
                                          xipc__deadline(timeout));
}

apr_status_t xipc_queue_lease_done(xipc_queue_t *queue, const xipc_queue_lease_t *lease)
{
    if (lease == NULL) return xipc__fail_null("lease");
    apr_status_t rv = check(queue);
    return rv == APR_SUCCESS ? queue->ops->extras->done(queue->self, &lease->id) : rv;
}

apr_status_t xipc_queue_dead_letters(xipc_queue_t **letters, xipc_queue_t *queue, apr_pool_t *pool)
{
    if (letters == NULL) return xipc__fail_null("letters");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_status_t rv = check(queue);
    if (rv != APR_SUCCESS) return rv;
    if (queue->tasks != XIPC__QUEUE_LEASED || queue->deliveries == 0)
        return xipc__fail(XIPC_ESTATE, "the tasks of this queue are given out without end");
    return queue->ops->extras->letters(letters, queue->self, pool);
}
