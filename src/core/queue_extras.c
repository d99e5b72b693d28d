/*
 * queue_extras.c - priorities, batches, messages in place, and what was lost.
 */
#include "core/queue.h"

static apr_status_t check_messages(const xipc_queue_t *queue, const xipc_queue_message_t *messages,
                                   apr_size_t count)
{
    for (apr_size_t i = 0; i < count; i++) {
        if (messages[i].data == NULL && messages[i].size > 0) return xipc__fail_null("data");
        if (queue->message_max > 0 && messages[i].size > queue->message_max)
            return xipc__fail(XIPC_EMSGSIZE,
                              "message %" APR_SIZE_T_FMT ": %" APR_SIZE_T_FMT
                              " bytes, the queue's limit is %" APR_SIZE_T_FMT,
                              i, messages[i].size, queue->message_max);
    }
    return APR_SUCCESS;
}

/* ---- priorities ---- */

static apr_status_t check_priority(const xipc_queue_t *queue, unsigned priority)
{
    if (priority > XIPC_QUEUE_PRIORITY_MAX)
        return xipc__fail(APR_EINVAL, "priority %u, the highest is %d", priority,
                          XIPC_QUEUE_PRIORITY_MAX);
    if (priority < queue->priorities) return APR_SUCCESS;
    if (queue->priorities > 1)
        return xipc__fail(APR_EINVAL, "priority %u, this queue's highest is %u", priority,
                          queue->priorities - 1);
    if (queue->backend == XIPC_QUEUE_SHM)
        return xipc__fail(APR_ENOTIMPL, "this queue on shm was made without priorities");
    return xipc__fail(APR_ENOTIMPL, "a queue on %s has no priorities",
                      xipc__queue_backend_name(queue));
}

apr_status_t xipc_queue_put_priority(xipc_queue_t *queue, const void *data, apr_size_t size,
                                     unsigned priority, apr_interval_time_t timeout)
{
    const xipc_queue_message_t message = {data, size};
    apr_status_t rv = xipc__queue_check(queue);
    if (rv == APR_SUCCESS) rv = check_priority(queue, priority);
    if (rv != APR_SUCCESS) return rv;
    if (priority == 0) return xipc_queue_put(queue, data, size, timeout);
    rv = check_messages(queue, &message, 1);
    if (rv != APR_SUCCESS) return rv;
    return queue->ops->put_priority(queue->self, data != NULL ? data : "", size, priority,
                                    xipc__deadline(timeout));
}

/* ---- batches ---- */

static apr_status_t put_one_by_one(apr_size_t *done, xipc_queue_t *queue,
                                   const xipc_queue_message_t *messages, apr_size_t count,
                                   apr_time_t deadline)
{
    for (*done = 0; *done < count; ++*done) {
        const xipc_queue_message_t *message = &messages[*done];
        apr_status_t rv = queue->ops->put(queue->self, message->data != NULL ? message->data : "",
                                          message->size, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
    return APR_SUCCESS;
}

apr_status_t xipc_queue_put_many(apr_size_t *done, xipc_queue_t *queue,
                                 const xipc_queue_message_t *messages, apr_size_t count,
                                 apr_interval_time_t timeout)
{
    if (done == NULL) return xipc__fail_null("done");
    if (messages == NULL && count > 0) return xipc__fail_null("messages");
    apr_status_t rv = xipc__queue_check(queue);
    if (rv == APR_SUCCESS) rv = check_messages(queue, messages, count);
    *done = 0;
    if (rv != APR_SUCCESS || count == 0) return rv;
    apr_time_t deadline = xipc__deadline(timeout);
    if (queue->ops->extras != NULL)
        return queue->ops->extras->put_many(done, queue->self, messages, count, deadline);
    return put_one_by_one(done, queue, messages, count, deadline);
}

/* The first may be waited for, the others are those that are there. */
static apr_status_t get_one_by_one(apr_size_t *count, xipc_queue_message_t *messages,
                                   apr_size_t most, xipc_queue_t *queue, apr_time_t deadline,
                                   apr_pool_t *pool)
{
    const xipc__room_t room = {.pool = pool};
    for (*count = 0; *count < most; ++*count) {
        void *data;
        apr_status_t rv = queue->ops->get(&data, &messages[*count].size, queue->self, &room,
                                          *count == 0 ? deadline : 0);
        if (rv != APR_SUCCESS) return *count > 0 ? APR_SUCCESS : rv;
        messages[*count].data = data;
    }
    return APR_SUCCESS;
}

apr_status_t xipc_queue_get_many(apr_size_t *count, xipc_queue_message_t *messages, apr_size_t most,
                                 xipc_queue_t *queue, apr_interval_time_t timeout, apr_pool_t *pool)
{
    if (count == NULL) return xipc__fail_null("count");
    if (messages == NULL) return xipc__fail_null("messages");
    if (most == 0) return xipc__fail(APR_EINVAL, "no room for any message");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_status_t rv = xipc__queue_check(queue);
    if (rv != APR_SUCCESS) return rv;
    apr_time_t deadline = xipc__deadline(timeout);
    if (queue->ops->extras != NULL)
        return queue->ops->extras->get_many(count, messages, most, queue->self, deadline, pool);
    return get_one_by_one(count, messages, most, queue, deadline, pool);
}

/* ---- in place ---- */

static apr_status_t check_extras(const xipc_queue_t *queue)
{
    apr_status_t rv = xipc__queue_check(queue);
    if (rv == APR_SUCCESS && queue->ops->extras == NULL)
        return xipc__fail(APR_ENOTIMPL, "messages of a queue on %s have no place in our memory",
                          xipc__queue_backend_name(queue));
    return rv;
}

apr_status_t xipc_queue_reserve(void **data, xipc_queue_t *queue, apr_size_t size,
                                apr_interval_time_t timeout)
{
    if (data == NULL) return xipc__fail_null("data");
    apr_status_t rv = check_extras(queue);
    if (rv != APR_SUCCESS) return rv;
    if (queue->message_max > 0 && size > queue->message_max)
        return xipc__fail(XIPC_EMSGSIZE,
                          "%" APR_SIZE_T_FMT " bytes, the queue's limit is %" APR_SIZE_T_FMT, size,
                          queue->message_max);
    return queue->ops->extras->reserve(data, queue->self, size, xipc__deadline(timeout));
}

apr_status_t xipc_queue_commit(xipc_queue_t *queue, const void *data, apr_size_t size)
{
    if (data == NULL) return xipc__fail_null("data");
    apr_status_t rv = check_extras(queue);
    return rv == APR_SUCCESS ? queue->ops->extras->commit(queue->self, data, size) : rv;
}

apr_status_t xipc_queue_abandon(xipc_queue_t *queue, const void *data)
{
    if (data == NULL) return xipc__fail_null("data");
    apr_status_t rv = check_extras(queue);
    return rv == APR_SUCCESS ? queue->ops->extras->abandon(queue->self, data) : rv;
}

apr_status_t xipc_queue_peek(const void **data, apr_size_t *size, xipc_queue_t *queue,
                             apr_interval_time_t timeout)
{
    if (data == NULL) return xipc__fail_null("data");
    if (size == NULL) return xipc__fail_null("size");
    apr_status_t rv = check_extras(queue);
    if (rv != APR_SUCCESS) return rv;
    return queue->ops->extras->peek(data, size, queue->self, xipc__deadline(timeout));
}

apr_status_t xipc_queue_release(xipc_queue_t *queue, const void *data)
{
    if (data == NULL) return xipc__fail_null("data");
    apr_status_t rv = check_extras(queue);
    return rv == APR_SUCCESS ? queue->ops->extras->release(queue->self, data) : rv;
}

/* ---- what was lost ---- */

apr_status_t xipc_queue_stat(xipc_queue_stat_t *stat, xipc_queue_t *queue)
{
    if (stat == NULL) return xipc__fail_null("stat");
    apr_size_t count;
    apr_status_t rv = xipc_queue_size(&count, queue);
    if (rv != APR_SUCCESS) return rv;
    *stat = (xipc_queue_stat_t){.count = count};
    if (queue->ops->extras != NULL) queue->ops->extras->lost(stat, queue->self);
    return APR_SUCCESS;
}
