/*
 * queue: a queue of three messages, and what happens to the fourth.
 */
#include "../example.h"

static void put(xipc_queue_t *queue, const char *message)
{
    check(xipc_queue_put(queue, message, strlen(message), -1), message);
    printf("queue: put = %s\n", message);
}

static void show_full(xipc_queue_t *queue)
{
    printf("queue: full = %s\n", xipc_queue_is_full(queue) ? "true" : "false");
}

/* Put a message where there is no room for it. */
static void try_put(xipc_queue_t *queue, const char *message, int seconds)
{
    apr_size_t size;
    apr_status_t rv = xipc_queue_put(queue, message, strlen(message), apr_time_from_sec(seconds));
    if (rv != XIPC_EFULL) check(rv == APR_SUCCESS ? APR_EGENERAL : rv, message);
    check(xipc_queue_size(&size, queue), "xipc_queue_size");
    printf("queue: put %s within %d s = queue is full, messages now: %d\n", message, seconds,
           (int)size);
}

int main(int argc, char **argv)
{
    xipc_queue_t *queue;
    void *message;
    apr_size_t size;
    apr_pool_t *pool = example_begin(argc, argv);
    xipc_queue_caps_t caps;
    check(xipc_queue_create(&queue, 3, 64, pool), "xipc_queue_create");
    check(xipc_queue_caps(&caps, queue), "xipc_queue_caps");
    printf("queue: backend = %s\n", caps.backend_name);

    put(queue, "m1");
    put(queue, "m2");
    show_full(queue);
    put(queue, "m3");
    show_full(queue);
    try_put(queue, "m4", 0);
    try_put(queue, "m4", 2);
    check(xipc_queue_get(&message, &size, queue, -1, pool), "xipc_queue_get");
    printf("queue: get = %s\n", (const char *)message);
    xipc_terminate();
    return EXIT_SUCCESS;
}
