/*
 * pool_queue: the tasks of a pool share a queue that lives in a manager's process; a plain queue
 * can't get there.
 */
#include "../example.h"

/* A task: args are [the queue]. */
static apr_status_t write_messages(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    static const char *const messages[] = {"m1", "m2"};
    xipc_queue_t *queue;
    (void)result;
    (void)pool;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    for (int i = 0; rv == APR_SUCCESS && i < 2; i++) {
        rv = xipc_queue_put(queue, messages[i], 2, -1);
        printf("writer: put = %s, pid = %d\n", messages[i], (int)xipc_current_pid());
    }
    return rv;
}

/* The same, the other way. */
static apr_status_t read_messages(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    void *message;
    apr_size_t size;
    (void)result;
    apr_status_t rv = xipc_values_get_queue(&queue, args, 0);
    if (rv != APR_SUCCESS) return rv;
    while ((rv = xipc_queue_get(&message, &size, queue, apr_time_from_sec(3), pool)) == APR_SUCCESS)
        printf("reader: got = %s, pid = %d\n", (const char *)message, (int)xipc_current_pid());
    if (rv != XIPC_EEMPTY) return rv;
    printf("reader: all messages have been read\n");
    return APR_SUCCESS;
}

static apr_status_t apply(xipc_process_pool_t *workers, xipc_task_t task, xipc_queue_t *queue,
                          apr_pool_t *pool)
{
    xipc_values_t *result;
    xipc_values_t *args = xipc_values_make(pool);
    check(xipc_values_add_queue(args, queue), "queue");
    return xipc_process_pool_apply(&result, workers, task, args, -1, pool);
}

static void try_plain_queue(xipc_process_pool_t *workers, apr_pool_t *pool)
{
    xipc_queue_t *plain;
    char text[256];
    check(xipc_queue_create(&plain, 3, 64, pool), "xipc_queue_create");
    apr_status_t rv = apply(workers, write_messages, plain, pool);
    if (rv != XIPC_EINHERIT) check(rv == APR_SUCCESS ? APR_EGENERAL : rv, "plain queue");
    printf("parent: plain queue = refused: %s\n", xipc_strerror(rv, text, sizeof text));
}

int main(int argc, char **argv)
{
    xipc_process_pool_t *workers;
    xipc_manager_t *manager;
    xipc_queue_t *queue;
    apr_pool_t *pool = example_begin(argc, argv);
    check(xipc_process_pool_create(&workers, 2, pool), "xipc_process_pool_create");
    try_plain_queue(workers, pool);

    check(xipc_manager_start(&manager, pool), "xipc_manager_start");
    check(xipc_manager_queue(&queue, manager, 0, pool), "xipc_manager_queue");
    check(apply(workers, write_messages, queue, pool), "apply(write)");
    check(apply(workers, read_messages, queue, pool), "apply(read)");
    check(xipc_process_pool_close(workers), "xipc_process_pool_close");
    check(xipc_process_pool_join(workers, -1), "xipc_process_pool_join");
    printf("parent: pool = closed and joined\n");
    xipc_terminate();
    return EXIT_SUCCESS;
}
