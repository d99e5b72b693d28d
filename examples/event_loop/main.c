/*
 * event_loop: a program with an event loop of its own, here apr_pollset, takes connections into it.
 */
#include "../example.h"

#include <apr_poll.h>
#include <apr_portable.h>

enum { CHILDREN = 2, MESSAGES = 3 };

/* The child's function: args are [its number, its end of the pipe]. */
static int run(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    xipc_connection_t *connection;
    (void)pool;
    if (failed(xipc_values_get_int(&number, args, 0), "number")) return EXIT_FAILURE;
    if (failed(xipc_values_get_connection(&connection, args, 1), "end")) return EXIT_FAILURE;
    for (int i = 1; i <= MESSAGES; i++) {
        char text[32];
        snprintf(text, sizeof text, "message %d", i);
        if (failed(xipc_connection_send(connection, text, strlen(text), -1), "send"))
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

typedef struct {
    int number;
    xipc_process_t *process;
    xipc_connection_t *connection; /* our end */
    apr_pollfd_t watched;
} child_t;

static void start(child_t *child, apr_pool_t *pool)
{
    xipc_connection_t *theirs;
    xipc_values_t *args = xipc_values_make(pool);
    check(xipc_pipe_create(&child->connection, &theirs, 0, pool), "xipc_pipe_create");
    check(xipc_values_add_int(args, child->number), "number");
    check(xipc_values_add_connection(args, theirs), "end");
    check(xipc_process_create(&child->process, run, args, pool), "xipc_process_create");
    check(xipc_process_start(child->process), "xipc_process_start");
    check(xipc_connection_close(theirs), "close");
}

/* The loop gets the connection's own handle, which goes on belonging to the connection. */
static void watch(apr_pollset_t *loop, child_t *child, apr_pool_t *pool)
{
    apr_os_file_t handle;
    apr_file_t *file;
    check(xipc_connection_os_get(&handle, child->connection), "xipc_connection_os_get");
    check(apr_os_file_put(&file, &handle, 0, pool), "apr_os_file_put");
    child->watched = (apr_pollfd_t){.p = pool, .desc_type = APR_POLL_FILE, .reqevents = APR_POLLIN};
    child->watched.desc.f = file;
    child->watched.client_data = child;
    check(apr_pollset_add(loop, &child->watched), "apr_pollset_add");
}

/* Take all that is there, since the connection may have read ahead. Is it at its end? */
static int receive(child_t *child, apr_pool_t *pool)
{
    void *message;
    apr_size_t size;
    apr_status_t rv;
    while ((rv = xipc_connection_recv(&message, &size, child->connection, 0, pool)) == APR_SUCCESS)
        printf("child %d: said = %s\n", child->number, (const char *)message);
    if (APR_STATUS_IS_TIMEUP(rv)) return 0;
    if (rv != APR_EOF) check(rv, "recv");
    printf("child %d: end of file\n", child->number);
    return 1;
}

int main(int argc, char **argv)
{
    child_t children[CHILDREN];
    apr_pollset_t *loop;
    apr_pool_t *pool = example_begin(argc, argv);
    check(apr_pollset_create(&loop, CHILDREN, pool, 0), "apr_pollset_create");
    for (int i = 0; i < CHILDREN; i++) {
        children[i].number = i + 1;
        start(&children[i], pool);
        watch(loop, &children[i], pool);
    }
    for (int open = CHILDREN; open > 0;) {
        apr_int32_t count;
        const apr_pollfd_t *ready;
        check(apr_pollset_poll(loop, -1, &count, &ready), "apr_pollset_poll");
        for (apr_int32_t i = 0; i < count; i++) {
            child_t *child = ready[i].client_data;
            if (!receive(child, pool)) continue;
            check(apr_pollset_remove(loop, &child->watched), "apr_pollset_remove");
            open--;
        }
    }
    for (int i = 0; i < CHILDREN; i++)
        check(xipc_process_join(children[i].process, -1), "xipc_process_join");
    xipc_terminate();
    return EXIT_SUCCESS;
}
