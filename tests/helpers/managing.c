/* Managers and their clients; see managing.h. */
#include "managing.h"

xipc_manager_t *managing_start(testing_t *test)
{
    xipc_manager_t *manager;
    return CHECK_OK(xipc_manager_start_ex(&manager, test->method, test->pool)) ? manager : NULL;
}

xipc_queue_t *managing_queue(xipc_manager_t *manager, apr_size_t capacity, testing_t *test)
{
    xipc_queue_t *queue;
    if (manager == NULL) return NULL;
    return CHECK_OK(xipc_manager_queue(&queue, manager, capacity, test->pool)) ? queue : NULL;
}

xipc_queue_t *managing_start_with_queue(xipc_manager_t **manager, apr_size_t capacity,
                                        testing_t *test)
{
    *manager = managing_start(test);
    return managing_queue(*manager, capacity, test);
}

void managing_kill(const xipc_manager_t *manager)
{
    CHECK_OK(xipc_process_kill(xipc_manager_process(manager)));
    CHECK_OK(xipc_process_join(xipc_manager_process(manager), TESTING_PATIENCE));
}

void managing_check_get(xipc_queue_t *queue, apr_int64_t expected, apr_pool_t *pool)
{
    apr_int64_t number = -1;
    CHECK_OK(testing_get_int(&number, queue, TESTING_PATIENCE, pool));
    CHECK_NUMBER(expected, number);
}

/* ---- children ---- */

xipc_process_t *managing_start_child(xipc_connection_t **told, xipc_target_t target,
                                     xipc_queue_t *queue, testing_t *test)
{
    xipc_connection_t *there;
    apr_int64_t number;
    if (!CHECK_OK(xipc_pipe_create(told, &there, 0, test->pool))) return NULL;
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *process = testing_start(test, target, args);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&number, *told, TESTING_PATIENCE));
    return process;
}

int managing_begin_child(xipc_queue_t **queue, xipc_connection_t **connection,
                         const xipc_values_t *args)
{
    if (xipc_values_get_queue(queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(connection, args, 1) != APR_SUCCESS) return 91;
    return testing_send_int(*connection, 0) ? 0 : 92;
}

int managing_wait_for_ever(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *connection;
    apr_int64_t number;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    int is_full = xipc_queue_is_full(queue);
    int failed = managing_begin_child(&queue, &connection, args);
    if (failed) return failed;
    apr_status_t rv =
        is_full ? testing_put_int(queue, 99, -1) : testing_get_int(&number, queue, -1, pool);
    if (rv == APR_SUCCESS) return MANAGING_SERVED;
    return rv == XIPC_EDIED ? MANAGING_EDIED : MANAGING_OTHER;
}

xipc_process_t *managing_start_waiter(xipc_queue_t *queue, testing_t *test)
{
    xipc_connection_t *told;
    xipc_process_t *process = managing_start_child(&told, managing_wait_for_ever, queue, test);
    if (process != NULL) CHECK_OK(xipc_connection_close(told));
    return process;
}
