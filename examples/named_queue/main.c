/*
 * named_queue: two programs that have nothing but a name in common. The second one is this program
 * again, started as any other would be.
 */
#include "../example.h"

#include <apr_strings.h>

/* The second program: take one message and put another. */
static void answer(const char *name, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    void *message;
    apr_size_t size;
    check(xipc_queue_open(&queue, name, NULL, pool), "xipc_queue_open");
    check(xipc_queue_get(&message, &size, queue, apr_time_from_sec(3), pool), "xipc_queue_get");
    printf("second: got = %s\n", (const char *)message);
    check(xipc_queue_put(queue, "m2", 2, 0), "xipc_queue_put");
}

static void run_second(const char *program, const char *name, apr_pool_t *pool)
{
    const char *argv[] = {program, "--answer", name, NULL};
    xipc_process_t *process;
    check(xipc_program_create(&process, argv, pool), "xipc_program_create");
    check(xipc_process_start(process), "xipc_process_start");
    check(xipc_process_join(process, -1), "xipc_process_join");
}

/* The first program: make a queue, have it answered, and take the name away. */
static void ask(const char *program, const char *name, apr_pool_t *pool)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue, *none;
    void *message;
    apr_size_t size;
    check(xipc_queue_options_create(&options, pool), "xipc_queue_options_create");
    check(xipc_queue_options_name_set(options, name), "xipc_queue_options_name_set");
    check(xipc_queue_create_ex(&queue, options, pool), "xipc_queue_create_ex");
    check(xipc_queue_put(queue, "m1", 2, 0), "xipc_queue_put");
    run_second(program, name, pool);
    check(xipc_queue_get(&message, &size, queue, 0, pool), "xipc_queue_get");
    printf("first: got = %s\n", (const char *)message);
    check(xipc_queue_unlink(name), "xipc_queue_unlink");
    apr_status_t rv = xipc_queue_open(&none, name, NULL, pool);
    printf("first: open after unlink = %s\n", APR_STATUS_IS_ENOENT(rv) ? "no such queue" : "?");
}

int main(int argc, char **argv)
{
    int is_second = argc == 3 && strcmp(argv[1], "--answer") == 0;
    apr_pool_t *pool = example_begin(is_second ? 1 : argc, argv);
    if (is_second)
        answer(argv[2], pool);
    else
        ask(argv[0], apr_psprintf(pool, "example-%d", (int)xipc_current_pid()), pool);
    xipc_terminate();
    return EXIT_SUCCESS;
}
