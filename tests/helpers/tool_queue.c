/* Words of the tool about queues with names: each says what it did, and then waits for the end of its input. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 40 }; /* seconds */

static int fail(apr_status_t rv, const char *what)
{
    char text[300];
    printf("%s: %s\n", what, xipc_strerror(rv, text, sizeof text));
    return 10;
}

static int say_and_stay(const char *text)
{
    printf("%s\n", text);
    (void)fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}

static int put(xipc_queue_t *queue, const char *text)
{
    apr_status_t rv = xipc_queue_put(queue, text, strlen(text), apr_time_from_sec(PATIENCE));
    return rv == APR_SUCCESS ? say_and_stay("put") : fail(rv, "put");
}

static int get(xipc_queue_t *queue, apr_pool_t *pool)
{
    void *data;
    apr_size_t size;
    apr_status_t rv = xipc_queue_get(&data, &size, queue, apr_time_from_sec(PATIENCE), pool);
    return rv == APR_SUCCESS ? say_and_stay(data) : fail(rv, "get");
}

/* Sleeps in xipc_wait() until there is a message. */
static int wait_for(xipc_queue_t *queue, apr_pool_t *pool)
{
    xipc_wait_item_t item = {.kind = XIPC_WAIT_QUEUE, .of.queue = queue};
    apr_size_t ready;
    printf("waiting\n");
    (void)fflush(stdout);
    apr_status_t rv = xipc_wait(&ready, &item, 1, apr_time_from_sec(PATIENCE));
    return rv == APR_SUCCESS ? get(queue, pool) : fail(rv, "wait");
}

static int use(xipc_queue_t *queue, const char *verb, const char *argument, apr_pool_t *pool)
{
    if (strcmp(verb, "put") == 0) return put(queue, argument);
    if (strcmp(verb, "get") == 0) return get(queue, pool);
    if (strcmp(verb, "wait") == 0) return wait_for(queue, pool);
    return say_and_stay("held");
}

/* Whoever comes first makes it, with as many messages as the argument says. */
static int race(const char *name, const char *argument, apr_pool_t *pool)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue;
    apr_status_t rv = xipc_queue_options_create(&options, pool);
    if (rv == APR_SUCCESS)
        rv = xipc_queue_options_capacity_set(options, (apr_size_t)atoi(argument));
    if (rv == APR_SUCCESS) rv = xipc_queue_open_or_create(&queue, name, options, pool);
    return rv == APR_SUCCESS ? put(queue, "here") : fail(rv, "open_or_create");
}

static int make(const char *name, apr_pool_t *pool)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue;
    apr_status_t rv = xipc_queue_options_create(&options, pool);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_name_set(options, name);
    if (rv == APR_SUCCESS) rv = xipc_queue_create_ex(&queue, options, pool);
    return rv == APR_SUCCESS ? put(queue, "made") : fail(rv, "create");
}

/* ---- no memory ---- */

/* Is it an error that says there is no room? */
static int is_full(apr_status_t rv, const char *what)
{
    (void)fail(rv, what);
    return rv != APR_SUCCESS && (APR_STATUS_IS_ENOSPC(rv) || APR_STATUS_IS_ENOMEM(rv));
}

/* Of a queue of some MiB, with a name or without. */
static apr_status_t large_options(xipc_queue_options_t **options, const char *name,
                                  apr_pool_t *pool)
{
    apr_status_t rv = xipc_queue_options_create(options, pool);
    if (rv == APR_SUCCESS && *name != '\0') rv = xipc_queue_options_name_set(*options, name);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_backend_set(*options, XIPC_QUEUE_SHM);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_capacity_set(*options, 1000);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_message_max_set(*options, 10000);
    return rv;
}

/* That there is no room for. */
static int create_without_room(const char *name, apr_pool_t *pool)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue;
    apr_status_t rv = large_options(&options, name, pool);
    if (rv != APR_SUCCESS) return fail(rv, "options");
    return is_full(xipc_queue_create_ex(&queue, options, pool), "create") ? 0 : 11;
}

/* With priorities: each has its memory when it is used first. */
static int put_without_room(const char *name, apr_pool_t *pool)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue;
    apr_status_t rv = large_options(&options, name, pool);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_priorities_set(options, 2);
    if (rv == APR_SUCCESS) rv = xipc_queue_create_ex(&queue, options, pool);
    if (rv != APR_SUCCESS) return fail(rv, "create");
    return is_full(xipc_queue_put(queue, "x", 1, 0), "put") ? 0 : 11;
}

/* Put until there is no room; the queue is as good as before then. */
static int grow_without_room(const char *name, apr_pool_t *pool)
{
    enum { SIZE = 1000000, MOST = 200 };
    void *bytes = apr_pcalloc(pool, SIZE);
    xipc_queue_t *queue;
    apr_size_t size, count;
    int put = 0;
    apr_status_t rv = *name != '\0' ? xipc_queue_open_or_create(&queue, name, NULL, pool)
                                    : xipc_queue_create(&queue, 0, 0, pool);
    if (rv != APR_SUCCESS) return fail(rv, "create");
    while (put < MOST && (rv = xipc_queue_put(queue, bytes, SIZE, 0)) == APR_SUCCESS) put++;
    if (!is_full(rv, "put")) return 11;
    if (xipc_queue_size(&count, queue) != APR_SUCCESS || (int)count != put) return 12;
    for (int i = 0; i < put; i++)
        if (xipc_queue_get_into(&size, queue, bytes, SIZE, 0) != APR_SUCCESS) return 13;
    if (xipc_queue_put(queue, bytes, 1000, 0) != APR_SUCCESS) return 14;
    printf("put %d\n", put);
    return 0;
}

int tool_queue(int argc, char **argv, apr_pool_t *pool)
{
    const char *verb = argc > 2 ? argv[2] : "";
    const char *name = argc > 3 ? argv[3] : "";
    const char *argument = argc > 4 ? argv[4] : "";
    xipc_queue_t *queue;
    if (strcmp(verb, "race") == 0) return race(name, argument, pool);
    if (strcmp(verb, "make") == 0) return make(name, pool);
    if (strcmp(verb, "create-full") == 0) return create_without_room(name, pool);
    if (strcmp(verb, "put-full") == 0) return put_without_room(name, pool);
    if (strcmp(verb, "grow-full") == 0) return grow_without_room(name, pool);
    apr_status_t rv = xipc_queue_open(&queue, name, NULL, pool);
    return rv == APR_SUCCESS ? use(queue, verb, argument, pool) : fail(rv, "open");
}
