/*
 * queue_kernel.c - queues on the system's own: POSIX message queue or mailslot.
 */
#include "core/queue.h"

#include <stdlib.h>
#include <string.h>

/* A message up to this size is taken through the stack. */
enum { SMALL_MESSAGE = 8192 };

typedef struct {
    xipc__kernel_queue_t *queue;
    apr_size_t message_max;
} kernel_t;

static apr_status_t kernel_put(void *self, const void *data, apr_size_t size, apr_time_t deadline)
{
    return xipc__port_kernel_queue_put(((kernel_t *)self)->queue, data, size, 0, deadline);
}

static apr_status_t kernel_put_priority(void *self, const void *data, apr_size_t size,
                                        unsigned priority, apr_time_t deadline)
{
    return xipc__port_kernel_queue_put(((kernel_t *)self)->queue, data, size, priority, deadline);
}

/* Through a buffer for the largest message, since its size is not known before it is taken. */
static apr_status_t get_to_pool(void **data, apr_size_t *size, kernel_t *kernel,
                                const xipc__room_t *room, void *buffer, apr_time_t deadline)
{
    apr_size_t got;
    apr_status_t rv =
        xipc__port_kernel_queue_get(&got, kernel->queue, buffer, kernel->message_max, deadline);
    if (rv != APR_SUCCESS) return rv;
    void *place = xipc__room_get(room, got);
    if (place == NULL) return APR_ENOMEM;
    memcpy(place, buffer, got);
    *data = place;
    *size = got;
    return APR_SUCCESS;
}

static apr_status_t get_to_buffer(void **data, apr_size_t *size, kernel_t *kernel,
                                  const xipc__room_t *room, apr_time_t deadline)
{
    if (room->capacity < kernel->message_max) {
        *size = kernel->message_max;
        return xipc__fail(
            XIPC_EMSGSIZE,
            "the queue can't look before it takes, so the buffer must hold %" APR_SIZE_T_FMT,
            kernel->message_max);
    }
    *data = room->buffer;
    return xipc__port_kernel_queue_get(size, kernel->queue, room->buffer, room->capacity, deadline);
}

static apr_status_t kernel_get(void **data, apr_size_t *size, void *self, const xipc__room_t *room,
                               apr_time_t deadline)
{
    kernel_t *kernel = self;
    if (room->pool == NULL) return get_to_buffer(data, size, kernel, room, deadline);
    if (kernel->message_max <= SMALL_MESSAGE) {
        unsigned char buffer[SMALL_MESSAGE];
        return get_to_pool(data, size, kernel, room, buffer, deadline);
    }
    void *buffer = malloc(kernel->message_max);
    if (buffer == NULL) return APR_ENOMEM;
    apr_status_t rv = get_to_pool(data, size, kernel, room, buffer, deadline);
    free(buffer);
    return rv;
}

static apr_status_t kernel_size(apr_size_t *count, void *self)
{
    return xipc__port_kernel_queue_size(count, ((kernel_t *)self)->queue);
}

static apr_status_t kernel_watch(xipc__waitable_t *watched, void *self)
{
    watched->handle = xipc__port_kernel_queue_sentinel(((kernel_t *)self)->queue);
    return APR_SUCCESS;
}

static apr_status_t kernel_pack(xipc__parcel_t *parcel, void *self)
{
    xipc__handles_t handles;
    handles.count = 0;
    xipc__port_kernel_queue_handles(&handles, ((kernel_t *)self)->queue);
    xipc__parcel_write_number(parcel, handles.count);
    for (apr_size_t i = 0; i < handles.count; i++) {
        apr_status_t rv = xipc__parcel_add_handle(parcel, handles.items[i]);
        if (rv != APR_SUCCESS) return rv;
    }
    return APR_SUCCESS;
}

static void kernel_close(void *self)
{
    xipc__port_kernel_queue_close(((kernel_t *)self)->queue);
}

static const xipc__queue_ops_t kernel_ops = {
    .is_inheritance_only = 1,
    .put = kernel_put,
    .get = kernel_get,
    .size = kernel_size,
    .watch = kernel_watch,
    .pack = kernel_pack,
    .close = kernel_close,
    .put_priority = kernel_put_priority,
};

static xipc_queue_t *make(xipc__kernel_queue_t *queue, apr_size_t capacity, apr_size_t message_max,
                          apr_pool_t *pool)
{
    kernel_t *kernel = apr_palloc(pool, sizeof *kernel);
    *kernel = (kernel_t){.queue = queue, .message_max = message_max};
    xipc_queue_t *made =
        xipc__queue_make(&kernel_ops, (xipc_queue_backend_e)xipc__port_kernel_queue_backend(),
                         kernel, capacity, message_max, pool);
    made->priorities = xipc__port_kernel_queue_priorities();
    return made;
}

apr_status_t xipc__queue_kernel_create(xipc_queue_t **queue, apr_size_t capacity,
                                       apr_size_t message_max, apr_pool_t *pool)
{
    xipc__kernel_queue_t *made;
    apr_status_t rv = xipc__port_kernel_queue_create(&made, &capacity, &message_max, pool);
    if (rv == APR_SUCCESS) *queue = make(made, capacity, message_max, pool);
    return rv;
}

apr_status_t xipc__queue_kernel_unpack(xipc_queue_t **queue, xipc__unpack_t *unpack)
{
    apr_uint64_t count;
    apr_status_t rv = xipc__unpack_number(&count, unpack);
    if (rv != APR_SUCCESS) return rv;
    const xipc__handle_t *handles =
        count > XIPC__KERNEL_QUEUE_HANDLES ? NULL : xipc__unpack_handles(unpack, (apr_size_t)count);
    if (handles == NULL) return xipc__unpack_bad("a queue without its handles");
    xipc__kernel_queue_t *adopted;
    apr_size_t capacity;
    apr_size_t message_max;
    rv = xipc__port_kernel_queue_adopt(&adopted, &capacity, &message_max, handles,
                                       (apr_size_t)count, unpack->pool);
    if (rv != APR_SUCCESS) return rv;
    xipc__unpack_take(unpack, (apr_size_t)count);
    *queue = make(adopted, capacity, message_max, unpack->pool);
    return APR_SUCCESS;
}
