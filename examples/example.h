/*
 * example.h - what all examples begin with: the option --start-method, and what to do about errors.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <xipc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Did that fail? Then it says so. */
static inline int failed(apr_status_t rv, const char *what)
{
    char text[256];
    if (rv == APR_SUCCESS) return 0;
    fprintf(stderr, "%s: %s\n", what, xipc_strerror(rv, text, sizeof text));
    return 1;
}

/* The same for the main program, which ends then. */
static inline void check(apr_status_t rv, const char *what)
{
    if (failed(rv, what)) exit(EXIT_FAILURE);
}

static inline void example_usage(const char *program)
{
    fprintf(stderr, "usage: %s [--start-method=fork|spawn|forkserver]\n", program);
    exit(2);
}

/* All processes of the example are to be started the way the option says. */
static inline void example_option(const char *program, const char *option)
{
    static const char *const names[] = {"fork", "spawn", "forkserver"};
    static const xipc_start_method_e methods[] = {XIPC_START_FORK, XIPC_START_SPAWN,
                                                  XIPC_START_FORKSERVER};
    const char *const prefix = "--start-method=";
    for (int i = 0; i < 3; i++) {
        if (strncmp(option, prefix, strlen(prefix)) != 0) break;
        if (strcmp(option + strlen(prefix), names[i]) != 0) continue;
        check(xipc_start_method_set(methods[i]), option);
        return;
    }
    fprintf(stderr, "%s: unknown option: %s\n", program, option);
    example_usage(program);
}

/* Begin the program: in a spawned child this runs the child's function and does not come back. */
static inline apr_pool_t *example_begin(int argc, char **argv)
{
    apr_pool_t *pool;
    check(xipc_initialize(&argc, &argv), "xipc_initialize");
    if (argc > 2) example_usage(argv[0]);
    if (argc == 2) example_option(argv[0], argv[1]);
    check(apr_pool_create(&pool, NULL), "apr_pool_create");
    return pool;
}

#endif
