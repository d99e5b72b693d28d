#include <xipc.h>

#include <stdio.h>

/* Runs in the child, on its own copy of the arguments. */
static int greet(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)pool;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    if (rv == APR_SUCCESS) rv = xipc_queue_put(queue, "hello", 5, -1);
    return rv != APR_SUCCESS;
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    xipc_queue_t *queue;
    xipc_process_t *child;
    void *message;
    apr_size_t size;
    char text[256];
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return 1; /* a spawned child ends in here */
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return 1;

    xipc_values_t *args = xipc_values_make(pool);
    apr_status_t rv = xipc_queue_create(&queue, 3, 0, pool);
    if (rv == APR_SUCCESS) rv = xipc_values_add_queue(args, queue);
    if (rv == APR_SUCCESS) rv = xipc_process_create(&child, greet, args, pool);
    if (rv == APR_SUCCESS) rv = xipc_process_start(child);
    if (rv == APR_SUCCESS) rv = xipc_queue_get(&message, &size, queue, apr_time_from_sec(3), pool);
    if (rv == APR_SUCCESS) rv = xipc_process_join(child, -1);
    if (rv == APR_SUCCESS) printf("child: message = %s\n", (const char *)message);
    if (rv != APR_SUCCESS) fprintf(stderr, "%s\n", xipc_strerror(rv, text, sizeof text));
    xipc_terminate();
    return rv != APR_SUCCESS;
}
