/*
 * queue.c - what is the same for every queue: arguments, options, travelling.
 */
#include "core/queue.h"

#include "core/queue_names.h"

#include <apr_strings.h>

static const char *const backend_names[] = {
    [XIPC_QUEUE_AUTO] = "none",         [XIPC_QUEUE_MQUEUE] = "mqueue",
    [XIPC_QUEUE_MAILSLOT] = "mailslot", [XIPC_QUEUE_MANAGED] = "managed",
    [XIPC_QUEUE_SHM] = "shm",
};

/* ---- making ---- */

static apr_status_t queue_cleanup(void *data)
{
    return xipc_queue_close(data);
}

xipc_queue_t *xipc__queue_make(const xipc__queue_ops_t *ops, xipc_queue_backend_e backend,
                               void *self, apr_size_t capacity, apr_size_t message_max,
                               apr_pool_t *pool)
{
    xipc_queue_t *queue = apr_palloc(pool, sizeof *queue);
    *queue = (xipc_queue_t){.ops = ops,
                            .self = self,
                            .backend = backend,
                            .capacity = capacity,
                            .message_max = message_max,
                            .priorities = 1};
    apr_pool_cleanup_register(pool, queue, queue_cleanup, apr_pool_cleanup_null);
    return queue;
}

apr_status_t xipc_queue_options_create(xipc_queue_options_t **options, apr_pool_t *pool)
{
    if (options == NULL) return xipc__fail_null("options");
    if (pool == NULL) return xipc__fail_null("pool");
    *options = apr_palloc(pool, sizeof **options);
    **options = (xipc_queue_options_t){.spin = -1};
    return APR_SUCCESS;
}

apr_status_t xipc_queue_options_backend_set(xipc_queue_options_t *options,
                                            xipc_queue_backend_e backend)
{
    if (options == NULL) return xipc__fail_null("options");
    switch (backend) {
    case XIPC_QUEUE_AUTO:
    case XIPC_QUEUE_MQUEUE:
    case XIPC_QUEUE_MAILSLOT:
    case XIPC_QUEUE_SHM:
        options->backend = backend;
        return APR_SUCCESS;
    case XIPC_QUEUE_MANAGED:
        return xipc__fail(APR_EINVAL, "a managed queue is made by xipc_manager_queue");
    }
    return xipc__fail(APR_EINVAL, "%d is no queue backend", (int)backend);
}

apr_status_t xipc_queue_options_capacity_set(xipc_queue_options_t *options, apr_size_t capacity)
{
    if (options == NULL) return xipc__fail_null("options");
    options->capacity = capacity;
    return APR_SUCCESS;
}

apr_status_t xipc_queue_options_message_max_set(xipc_queue_options_t *options,
                                                apr_size_t message_max)
{
    if (options == NULL) return xipc__fail_null("options");
    options->message_max = message_max;
    return APR_SUCCESS;
}

apr_status_t xipc_queue_options_bytes_set(xipc_queue_options_t *options, apr_size_t bytes)
{
    if (options == NULL) return xipc__fail_null("options");
    options->bytes = bytes;
    return APR_SUCCESS;
}

apr_status_t xipc_queue_options_spin_set(xipc_queue_options_t *options, int spin)
{
    if (options == NULL) return xipc__fail_null("options");
    options->spin = spin;
    return APR_SUCCESS;
}

apr_status_t xipc_queue_options_priorities_set(xipc_queue_options_t *options, unsigned levels)
{
    if (options == NULL) return xipc__fail_null("options");
    if (levels < 1 || levels > XIPC_QUEUE_PRIORITY_MAX + 1)
        return xipc__fail(APR_EINVAL, "%u levels of priorities, there can be 1 to %d", levels,
                          XIPC_QUEUE_PRIORITY_MAX + 1);
    options->priorities = levels;
    return APR_SUCCESS;
}

apr_status_t xipc_queue_options_name_set(xipc_queue_options_t *options, const char *name)
{
    if (options == NULL) return xipc__fail_null("options");
    apr_status_t rv = name != NULL ? xipc__queue_name_check(name) : APR_SUCCESS;
    if (rv == APR_SUCCESS)
        (void)apr_cpystrn(options->name, name != NULL ? name : "", sizeof options->name);
    return rv;
}

static apr_status_t create_kernel(xipc_queue_t **queue, const xipc_queue_options_t *options,
                                  apr_pool_t *pool)
{
    const char *name = backend_names[options->backend];
    if (options->bytes > 0) return xipc__fail(APR_ENOTIMPL, "%s has no bound in bytes", name);
    if (options->tasks != XIPC__QUEUE_PLAIN)
        return xipc__fail(APR_ENOTIMPL, "%s has no tasks that could be joined", name);
    if (options->priorities > xipc__port_kernel_queue_priorities())
        return xipc__fail(APR_ENOTIMPL, "%s has no priorities", name);
    return xipc__queue_kernel_create(queue, options->capacity, options->message_max, pool);
}

/* The system's own where it has one and bears what is asked; no limit asked: no limit had. */
static apr_status_t create_auto(xipc_queue_t **queue, const xipc_queue_options_t *options,
                                apr_pool_t *pool)
{
    if (options->capacity > 0 && options->message_max > 0 && options->bytes == 0 &&
        options->tasks == XIPC__QUEUE_PLAIN &&
        options->priorities <= xipc__port_kernel_queue_priorities()) {
        apr_status_t rv =
            xipc__queue_kernel_create(queue, options->capacity, options->message_max, pool);
        if (rv != XIPC_ELIMIT && rv != APR_ENOTIMPL) return rv;
    }
    return xipc__queue_shm_create(queue, options, pool);
}

apr_status_t xipc_queue_create_ex(xipc_queue_t **queue, const xipc_queue_options_t *options,
                                  apr_pool_t *pool)
{
    static const xipc_queue_options_t defaults = {.spin = -1};
    if (queue == NULL) return xipc__fail_null("queue");
    if (pool == NULL) return xipc__fail_null("pool");
    if (options == NULL) options = &defaults;
    if (options->name[0] != '\0') return xipc__queue_named_create(queue, options, pool);
    if (options->backend == XIPC_QUEUE_AUTO) return create_auto(queue, options, pool);
    if (options->backend == XIPC_QUEUE_SHM) return xipc__queue_shm_create(queue, options, pool);
    if ((int)options->backend != xipc__port_kernel_queue_backend())
        return xipc__fail(APR_ENOTIMPL, "no %s here; this system's own queue is %s",
                          backend_names[options->backend],
                          backend_names[xipc__port_kernel_queue_backend()]);
    return create_kernel(queue, options, pool);
}

apr_status_t xipc_queue_create(xipc_queue_t **queue, apr_size_t capacity, apr_size_t message_max,
                               apr_pool_t *pool)
{
    const xipc_queue_options_t options = {
        .capacity = capacity, .message_max = message_max, .spin = -1};
    return xipc_queue_create_ex(queue, &options, pool);
}

/* ---- using ---- */

apr_status_t xipc__queue_check(const xipc_queue_t *queue)
{
    if (queue == NULL) return xipc__fail_null("queue");
    if (queue->self == NULL) return xipc__fail(XIPC_ECLOSED, "queue");
    return APR_SUCCESS;
}

apr_status_t xipc_queue_put(xipc_queue_t *queue, const void *data, apr_size_t size,
                            apr_interval_time_t timeout)
{
    apr_status_t rv = xipc__queue_check(queue);
    if (rv != APR_SUCCESS) return rv;
    if (data == NULL && size > 0) return xipc__fail_null("data");
    if (queue->message_max > 0 && size > queue->message_max)
        return xipc__fail(XIPC_EMSGSIZE,
                          "%" APR_SIZE_T_FMT " bytes, the queue's limit is %" APR_SIZE_T_FMT, size,
                          queue->message_max);
    return queue->ops->put(queue->self, data != NULL ? data : "", size, xipc__deadline(timeout));
}

apr_status_t xipc_queue_get(void **data, apr_size_t *size, xipc_queue_t *queue,
                            apr_interval_time_t timeout, apr_pool_t *pool)
{
    if (data == NULL) return xipc__fail_null("data");
    if (size == NULL) return xipc__fail_null("size");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_status_t rv = xipc__queue_check(queue);
    if (rv != APR_SUCCESS) return rv;
    const xipc__room_t room = {.pool = pool};
    return queue->ops->get(data, size, queue->self, &room, xipc__deadline(timeout));
}

apr_status_t xipc_queue_get_into(apr_size_t *size, xipc_queue_t *queue, void *buffer,
                                 apr_size_t capacity, apr_interval_time_t timeout)
{
    if (size == NULL) return xipc__fail_null("size");
    if (buffer == NULL && capacity > 0) return xipc__fail_null("buffer");
    apr_status_t rv = xipc__queue_check(queue);
    if (rv != APR_SUCCESS) return rv;
    const xipc__room_t room = {.buffer = buffer, .capacity = capacity};
    void *data;
    return queue->ops->get(&data, size, queue->self, &room, xipc__deadline(timeout));
}

apr_status_t xipc_queue_size(apr_size_t *count, xipc_queue_t *queue)
{
    if (count == NULL) return xipc__fail_null("count");
    apr_status_t rv = xipc__queue_check(queue);
    return rv == APR_SUCCESS ? queue->ops->size(count, queue->self) : rv;
}

int xipc_queue_is_full(xipc_queue_t *queue)
{
    apr_size_t count;
    return xipc_queue_size(&count, queue) == APR_SUCCESS && queue->capacity > 0 &&
           count >= queue->capacity;
}

int xipc_queue_is_empty(xipc_queue_t *queue)
{
    apr_size_t count;
    return xipc_queue_size(&count, queue) != APR_SUCCESS || count == 0;
}

xipc_queue_backend_e xipc_queue_backend(const xipc_queue_t *queue)
{
    return queue == NULL ? XIPC_QUEUE_AUTO : queue->backend;
}

apr_status_t xipc_queue_caps(xipc_queue_caps_t *caps, const xipc_queue_t *queue)
{
    if (caps == NULL) return xipc__fail_null("caps");
    if (queue == NULL) return xipc__fail_null("queue");
    caps->backend = queue->backend;
    caps->backend_name = backend_names[queue->backend];
    caps->capacity = queue->capacity;
    caps->message_max = queue->message_max;
    caps->is_inheritance_only = xipc__queue_is_inheritance_only(queue);
    caps->bytes = queue->bytes;
    caps->priorities = queue->priorities;
    caps->is_in_place = queue->ops->extras != NULL;
    caps->is_joinable = queue->tasks != XIPC__QUEUE_PLAIN;
    caps->is_leased = queue->tasks == XIPC__QUEUE_LEASED;
    caps->deliveries = queue->deliveries;
    return APR_SUCCESS;
}

apr_status_t xipc_queue_close(xipc_queue_t *queue)
{
    if (queue == NULL) return xipc__fail_null("queue");
    /* first the name: who finds this process by it finds the handles open */
    if (queue->self != NULL && queue->name != NULL) xipc__queue_name_leave(queue->name);
    if (queue->self != NULL) queue->ops->close(queue->self);
    queue->self = NULL;
    return APR_SUCCESS;
}

int xipc__queue_is_closed(const xipc_queue_t *queue)
{
    return queue->self == NULL;
}

int xipc__queue_is_inheritance_only(const xipc_queue_t *queue)
{
    return queue->ops->is_inheritance_only && queue->name == NULL;
}

const char *xipc__queue_backend_name(const xipc_queue_t *queue)
{
    return backend_names[queue->backend];
}

/* ---- travelling ---- */

apr_status_t xipc__queue_pack(xipc__parcel_t *parcel, const xipc_queue_t *queue)
{
    if (queue->self == NULL) return xipc__fail(XIPC_ECLOSED, "a queue in the list");
    unsigned char backend = (unsigned char)queue->backend;
    xipc__parcel_write(parcel, &backend, 1);
    return queue->ops->pack(parcel, queue->self);
}

apr_status_t xipc__queue_unpack(xipc_queue_t **queue, xipc__unpack_t *unpack)
{
    const unsigned char *backend = xipc__unpack_bytes(unpack, 1);
    if (backend == NULL) return xipc__unpack_bad("a queue cut short");
    if (*backend == XIPC_QUEUE_MANAGED) return xipc__queue_managed_unpack(queue, unpack);
    if (*backend == XIPC_QUEUE_SHM) return xipc__queue_shm_unpack(queue, unpack);
    if (*backend == xipc__port_kernel_queue_backend())
        return xipc__queue_kernel_unpack(queue, unpack);
    return xipc__unpack_bad("a queue of a kind that is not here");
}
