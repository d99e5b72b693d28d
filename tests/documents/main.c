/*
 * main.c - runs a program of the documents under the start method that its argument names.
 */
#include "document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_chosen(const char *option)
{
    static const char *const names[] = {"--start-method=fork", "--start-method=spawn",
                                        "--start-method=forkserver"};
    static const xipc_start_method_e methods[] = {XIPC_START_FORK, XIPC_START_SPAWN,
                                                  XIPC_START_FORKSERVER};
    for (int i = 0; i < 3; i++)
        if (strcmp(option, names[i]) == 0) return xipc_start_method_set(methods[i]) == APR_SUCCESS;
    return 0;
}

int main(int argc, char **argv)
{
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return EXIT_FAILURE;
    if (argc != 2 || !is_chosen(argv[1])) {
        fprintf(stderr, "usage: %s --start-method=fork|spawn|forkserver\n", argv[0]);
        return 2;
    }
    int exitcode = document(argc, argv);
    xipc_terminate();
    return exitcode;
}

int document_run(apr_status_t (*run)(apr_pool_t *pool))
{
    char text[256];
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, NULL);
    if (rv == APR_SUCCESS) rv = run(pool);
    if (rv != APR_SUCCESS) fprintf(stderr, "%s\n", xipc_strerror(rv, text, sizeof text));
    return rv == APR_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
