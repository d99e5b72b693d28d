/*
 * port_kernel_queue_none.c - systems without message queues that are descriptors (macOS has none at
 * all).
 */
#include "core/port.h"

#include "xipc/queue.h"

int xipc__port_kernel_queue_backend(void)
{
    return XIPC_QUEUE_AUTO;
}

unsigned xipc__port_kernel_queue_priorities(void)
{
    return 1;
}

apr_status_t xipc__port_kernel_queue_create(xipc__kernel_queue_t **queue, apr_size_t *capacity,
                                            apr_size_t *message_max, apr_pool_t *pool)
{
    (void)queue, (void)capacity, (void)message_max, (void)pool;
    return xipc__fail(APR_ENOTIMPL, "this system has no mqueue and no mailslot");
}

/* No queue is ever made here, so the rest is never called; the linker wants it all the same. */

apr_status_t xipc__port_kernel_queue_put(xipc__kernel_queue_t *queue, const void *data,
                                         apr_size_t size, unsigned priority, apr_time_t deadline)
{
    (void)queue, (void)data, (void)size, (void)priority, (void)deadline;
    return APR_ENOTIMPL;
}

apr_status_t xipc__port_kernel_queue_get(apr_size_t *size, xipc__kernel_queue_t *queue,
                                         void *buffer, apr_size_t capacity, apr_time_t deadline)
{
    (void)size, (void)queue, (void)buffer, (void)capacity, (void)deadline;
    return APR_ENOTIMPL;
}

apr_status_t xipc__port_kernel_queue_size(apr_size_t *count, xipc__kernel_queue_t *queue)
{
    (void)count, (void)queue;
    return APR_ENOTIMPL;
}

xipc__handle_t xipc__port_kernel_queue_sentinel(const xipc__kernel_queue_t *queue)
{
    (void)queue;
    return -1;
}

void xipc__port_kernel_queue_handles(xipc__handles_t *handles, const xipc__kernel_queue_t *queue)
{
    (void)queue;
    handles->count = 0;
}

apr_status_t xipc__port_kernel_queue_adopt(xipc__kernel_queue_t **queue, apr_size_t *capacity,
                                           apr_size_t *message_max, const xipc__handle_t *handles,
                                           apr_size_t count, apr_pool_t *pool)
{
    (void)queue, (void)capacity, (void)message_max, (void)handles, (void)count, (void)pool;
    return xipc__fail(XIPC_EPROTOCOL, "this system has no such queue");
}

void xipc__port_kernel_queue_close(xipc__kernel_queue_t *queue)
{
    (void)queue;
}
