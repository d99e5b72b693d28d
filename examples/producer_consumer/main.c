/*
 * producer_consumer: one process writes into a queue, another reads until nothing has come for
 * three seconds.
 */
#include "../example.h"

/* The writer's function: args are [the queue]. */
static int write_messages(xipc_values_t *args, apr_pool_t *pool)
{
    static const char *const messages[] = {"m1", "m2", "m3"};
    xipc_queue_t *queue;
    (void)pool;
    if (failed(xipc_values_get_queue(&queue, args, 0), "queue")) return EXIT_FAILURE;
    for (int i = 0; i < 3; i++) {
        if (failed(xipc_queue_put(queue, messages[i], 2, -1), "put")) return EXIT_FAILURE;
        printf("writer: put = %s, pid = %d\n", messages[i], (int)xipc_current_pid());
    }
    return EXIT_SUCCESS;
}

/* The reader's: the same. */
static int read_messages(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    void *message;
    apr_size_t size;
    apr_status_t rv;
    if (failed(xipc_values_get_queue(&queue, args, 0), "queue")) return EXIT_FAILURE;
    while ((rv = xipc_queue_get(&message, &size, queue, apr_time_from_sec(3), pool)) == APR_SUCCESS)
        printf("reader: got = %s, pid = %d\n", (const char *)message, (int)xipc_current_pid());
    if (rv != XIPC_EEMPTY) return failed(rv, "get");
    printf("reader: all messages have been read\n");
    return EXIT_SUCCESS;
}

static xipc_process_t *start(xipc_target_t target, xipc_queue_t *queue, apr_pool_t *pool)
{
    xipc_process_t *child;
    xipc_values_t *args = xipc_values_make(pool);
    check(xipc_values_add_queue(args, queue), "queue");
    check(xipc_process_create(&child, target, args, pool), "xipc_process_create");
    check(xipc_process_start(child), "xipc_process_start");
    return child;
}

static void join(const char *who, xipc_process_t *child)
{
    int exitcode;
    pid_t pid = xipc_process_pid(child);
    check(xipc_process_join(child, -1), "xipc_process_join");
    check(xipc_process_exitcode(&exitcode, child), "xipc_process_exitcode");
    printf("parent: %s with pid %d, exit code = %d\n", who, (int)pid, exitcode);
}

int main(int argc, char **argv)
{
    xipc_queue_t *queue;
    apr_pool_t *pool = example_begin(argc, argv);
    xipc_queue_caps_t caps;
    check(xipc_queue_create(&queue, 0, 0, pool), "xipc_queue_create");
    check(xipc_queue_caps(&caps, queue), "xipc_queue_caps");
    printf("parent: queue backend = %s\n", caps.backend_name);
    xipc_process_t *writer = start(write_messages, queue, pool);
    xipc_process_t *reader = start(read_messages, queue, pool);
    join("writer", writer);
    join("reader", reader);
    xipc_terminate();
    return EXIT_SUCCESS;
}
