/*
 * A child answers with its exit code: enough to show that the package compiles, links and starts.
 */
#include <xipc.h>

#include <apr_pools.h>
#include <stdio.h>

enum { ANSWER = 42 };

static int child(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return ANSWER;
}

static int run_child(int *exitcode, apr_pool_t *pool)
{
    xipc_process_t *process;
    apr_status_t rv = xipc_process_create(&process, child, NULL, pool);
    if (rv == APR_SUCCESS) rv = xipc_process_start_method_set(process, XIPC_START_SPAWN);
    if (rv == APR_SUCCESS) rv = xipc_process_start(process);
    if (rv == APR_SUCCESS) rv = xipc_process_join(process, -1);
    if (rv == APR_SUCCESS) rv = xipc_process_exitcode(exitcode, process);
    return rv;
}

int main(int argc, char **argv)
{
    char text[256];
    apr_status_t rv = xipc_initialize(&argc, &argv);
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "xipc_initialize: %s\n", xipc_strerror(rv, text, sizeof text));
        return 1;
    }
    apr_pool_t *pool;
    int exitcode = -1;
    rv = apr_pool_create(&pool, NULL);
    if (rv == APR_SUCCESS) rv = run_child(&exitcode, pool);
    if (rv != APR_SUCCESS) fprintf(stderr, "child: %s\n", xipc_strerror(rv, text, sizeof text));
    printf("xipc %s: the child's answer = %d\n", XIPC_VERSION_STRING, exitcode);
    xipc_terminate();
    return exitcode == ANSWER ? 0 : 1;
}
