/*
 * task_queue: a task outlives the worker that dies with it, and one that kills every worker ends as a
 * dead letter.
 */
#include "../example.h"

/* Takes tasks until there are none, or until one is too much for it. Args: the queue, a number. */
static int work(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_queue_lease_t lease;
    apr_int64_t worker;
    void *task;
    apr_size_t size;
    if (failed(xipc_values_get_queue(&queue, args, 0), "queue")) return 1;
    if (failed(xipc_values_get_int(&worker, args, 1), "number")) return 1;
    while (xipc_queue_get_leased(&task, &size, &lease, queue, 0, pool) == APR_SUCCESS) {
        printf("worker %d: task = %s, delivery = %d\n", (int)worker, (const char *)task,
               (int)lease.deliveries);
        if (strcmp(task, "bad") == 0) return 7; /* it ends without having done it */
        if (failed(xipc_queue_task_done(queue), "xipc_queue_task_done")) return 1;
    }
    return 0;
}

static void run_worker(xipc_queue_t *queue, int number, apr_pool_t *pool)
{
    xipc_process_t *child;
    int exitcode;
    xipc_values_t *args = xipc_values_make(pool);
    check(xipc_values_add_queue(args, queue), "queue");
    check(xipc_values_add_int(args, number), "number");
    check(xipc_process_create(&child, work, args, pool), "xipc_process_create");
    check(xipc_process_start(child), "xipc_process_start");
    check(xipc_process_join(child, -1), "xipc_process_join");
    check(xipc_process_exitcode(&exitcode, child), "xipc_process_exitcode");
    printf("parent: exit code of worker %d = %d\n", number, exitcode);
}

int main(int argc, char **argv)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue, *letters;
    void *task;
    apr_size_t size;
    apr_pool_t *pool = example_begin(argc, argv);
    check(xipc_queue_options_create(&options, pool), "xipc_queue_options_create");
    check(xipc_queue_options_lease_set(options, 2), "xipc_queue_options_lease_set");
    check(xipc_queue_create_ex(&queue, options, pool), "xipc_queue_create_ex");
    check(xipc_queue_put(queue, "bad", 3, 0), "xipc_queue_put");
    check(xipc_queue_put(queue, "good", 4, 0), "xipc_queue_put");
    for (int number = 1; number <= 3; number++) run_worker(queue, number, pool);
    check(xipc_queue_join(queue, apr_time_from_sec(3)), "xipc_queue_join");
    check(xipc_queue_dead_letters(&letters, queue, pool), "xipc_queue_dead_letters");
    check(xipc_queue_get(&task, &size, letters, 0, pool), "xipc_queue_get");
    printf("parent: all tasks = done\nparent: dead letter = %s\n", (const char *)task);
    xipc_terminate();
    return EXIT_SUCCESS;
}
