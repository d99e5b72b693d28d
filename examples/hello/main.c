#include <xipc.h>

#include <stdio.h>

/* Runs in the child, on a copy of the arguments. */
static int greet(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 1;
    return xipc_queue_put(queue, "hello", 5, -1) != APR_SUCCESS;
}

static apr_status_t run(apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_process_t *child;
    void *message;
    apr_size_t size;
    xipc_values_t *args = xipc_values_make(pool);
    apr_status_t rv = xipc_queue_create(&queue, 3, 0, pool);
    if (rv == APR_SUCCESS) rv = xipc_values_add_queue(args, queue);
    if (rv == APR_SUCCESS) rv = xipc_process_create(&child, greet, args, pool);
    if (rv == APR_SUCCESS) rv = xipc_process_start(child);
    if (rv == APR_SUCCESS) rv = xipc_queue_get(&message, &size, queue, apr_time_from_sec(3), pool);
    if (rv == APR_SUCCESS) printf("child: message = %s\n", (const char *)message);
    return rv == APR_SUCCESS ? xipc_process_join(child, -1) : rv;
}

int main(int argc, char **argv)
{
    char text[256];
    apr_pool_t *pool;
    apr_status_t rv = xipc_initialize(&argc, &argv); /* a spawned child goes on in greet() */
    if (rv == APR_SUCCESS) rv = apr_pool_create(&pool, NULL);
    if (rv == APR_SUCCESS) rv = run(pool);
    if (rv != APR_SUCCESS) fprintf(stderr, "%s\n", xipc_strerror(rv, text, sizeof text));
    xipc_terminate();
    return rv != APR_SUCCESS;
}
