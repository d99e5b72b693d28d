/*
 * worker.c - the process that runs a pool's tasks.
 */
#include "core/worker.h"

#include "core/connection.h"
#include "core/fail.h"
#include "core/values.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int is_tasks; /* the status is the task's own */
    apr_status_t status;
    xipc_values_t *result;
} outcome_t;

static void run(outcome_t *outcome, const xipc_values_t *message, apr_pool_t *pool)
{
    void *address;
    outcome->result = xipc_values_make(pool);
    outcome->status = xipc__place_get(&address, message, TASK_PLACE, XIPC__PLACE_CODE, pool);
    if (outcome->status != APR_SUCCESS) return;
    xipc_values_t *args = xipc_values_make(pool);
    xipc__values_share(args, message, TASK_ARGS); /* the message is its own */
    xipc_task_t task = (xipc_task_t)xipc__code_function(address);
    outcome->is_tasks = 1;
    outcome->status = task(outcome->result, args, pool);
    if (outcome->status == APR_SUCCESS)
        outcome->status = xipc__values_check_inherit(outcome->result);
}

static apr_status_t try_send(xipc_connection_t *connection, const outcome_t *outcome,
                             apr_pool_t *pool)
{
    xipc_values_t *values = xipc_values_make(pool);
    (void)xipc_values_add_int(values, outcome->is_tasks);
    (void)xipc_values_add_int(values, outcome->status);
    (void)xipc_values_add_string(values, xipc__fail_detail(outcome->status));
    if (outcome->status == APR_SUCCESS) xipc__values_share(values, outcome->result, 0);
    return xipc_connection_send_values(connection, values, -1);
}

/* A result that can't travel is the task's failure. */
static apr_status_t send_outcome(xipc_connection_t *connection, outcome_t *outcome,
                                 apr_pool_t *pool)
{
    apr_status_t rv = try_send(connection, outcome, pool);
    if (rv == APR_SUCCESS || APR_STATUS_IS_EPIPE(rv) || connection->is_send_broken) return rv;
    outcome->status = rv;
    return try_send(connection, outcome, pool);
}

int xipc__worker_main(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    apr_pool_t *task_pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS ||
        apr_pool_create(&task_pool, pool) != APR_SUCCESS)
        return EXIT_FAILURE;
    for (;;) {
        xipc_values_t *message;
        apr_status_t rv = xipc_connection_recv_values(&message, connection, -1, task_pool);
        if (APR_STATUS_IS_EOF(rv)) return EXIT_SUCCESS;
        outcome_t outcome = {.status = rv};
        if (rv == APR_SUCCESS)
            run(&outcome, message, task_pool);
        else if (!xipc__connection_goes_on(connection, rv))
            return EXIT_FAILURE;
        (void)fflush(stdout); /* what a task printed is there when its result is */
        (void)fflush(stderr);
        if (send_outcome(connection, &outcome, task_pool) != APR_SUCCESS) return EXIT_FAILURE;
        apr_pool_clear(task_pool);
    }
}
