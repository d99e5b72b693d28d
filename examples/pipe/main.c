/*
 * pipe: two children talk to each other over a pipe; then a pipe that goes one way only.
 */
#include "../example.h"

#include <apr_strings.h>

/* The child's function: args are [its name, its end of the pipe]. */
static int run(xipc_values_t *args, apr_pool_t *pool)
{
    const char *name;
    xipc_connection_t *connection;
    void *message;
    apr_size_t size;
    if (failed(xipc_values_get_string(&name, args, 0), "name")) return EXIT_FAILURE;
    if (failed(xipc_values_get_connection(&connection, args, 1), "end")) return EXIT_FAILURE;

    const char *greeting = apr_pstrcat(pool, "I am ", name, NULL);
    if (failed(xipc_connection_send(connection, greeting, strlen(greeting), -1), "send"))
        return EXIT_FAILURE;
    if (failed(xipc_connection_recv(&message, &size, connection, -1, pool), "recv"))
        return EXIT_FAILURE;
    printf("%s: received message = %s\n", name, (const char *)message);
    return EXIT_SUCCESS;
}

static xipc_process_t *start(const char *name, xipc_connection_t *connection, apr_pool_t *pool)
{
    xipc_process_t *child;
    xipc_values_t *args = xipc_values_make(pool);
    check(xipc_values_add_string(args, name), name);
    check(xipc_values_add_connection(args, connection), name);
    check(xipc_process_create(&child, run, args, pool), "xipc_process_create");
    check(xipc_process_start(child), "xipc_process_start");
    check(xipc_connection_close(connection), "close"); /* the child has its own */
    return child;
}

static void duplex(apr_pool_t *pool)
{
    xipc_connection_t *first;
    xipc_connection_t *second;
    check(xipc_pipe_create(&first, &second, 1, pool), "xipc_pipe_create");
    xipc_process_t *one = start("thread1", first, pool);
    xipc_process_t *two = start("thread2", second, pool);
    check(xipc_process_join(one, -1), "xipc_process_join");
    check(xipc_process_join(two, -1), "xipc_process_join");
}

static void show_send(const char *who, xipc_connection_t *connection)
{
    char text[256];
    apr_status_t rv = xipc_connection_send(connection, "hello", 5, 0);
    printf("%s: send = %s%s\n", who, rv == APR_SUCCESS ? "" : "refused: ",
           rv == APR_SUCCESS ? "sent" : xipc_strerror(rv, text, sizeof text));
}

static void simplex(apr_pool_t *pool)
{
    xipc_connection_t *first;
    xipc_connection_t *second;
    void *message;
    apr_size_t size;
    char text[256];
    check(xipc_pipe_create(&first, &second, 0, pool), "xipc_pipe_create");
    show_send("second end", second);
    check(xipc_connection_recv(&message, &size, first, -1, pool), "recv");
    printf("first end: received message = %s\n", (const char *)message);
    show_send("first end", first);
    apr_status_t rv = xipc_connection_recv(&message, &size, second, 0, pool);
    printf("second end: recv = refused: %s\n", xipc_strerror(rv, text, sizeof text));
}

int main(int argc, char **argv)
{
    apr_pool_t *pool = example_begin(argc, argv);
    duplex(pool);
    simplex(pool);
    xipc_terminate();
    return EXIT_SUCCESS;
}
