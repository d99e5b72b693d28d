/* Readers of tasks, and their queues; see tasking.h. */
#include "tasking.h"

/* ---- a reader that does as it is told ---- */

/* Answers each order with the number that it got, or minus the status. */
static apr_int64_t obey(apr_int64_t order, xipc_queue_t *queue, apr_pool_t *pool)
{
    apr_int64_t number = -1;
    const void *place;
    apr_size_t size;
    apr_status_t rv = APR_EINVAL;
    if (order == TASKING_TAKE) rv = testing_get_int(&number, queue, 0, pool);
    if (order == TASKING_TAKE_WAITING) rv = testing_get_int(&number, queue, TESTING_PATIENCE, pool);
    if (order == TASKING_HOLD) rv = xipc_queue_peek(&place, &size, queue, 0);
    if (order == TASKING_DONE) rv = xipc_queue_task_done(queue);
    return rv == APR_SUCCESS ? number : -(apr_int64_t)rv;
}

static int reader(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *told;
    apr_int64_t order;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 91;
    while (testing_recv_int(&order, told, -1) && order != TASKING_LEAVE)
        if (!testing_send_int(told, obey(order, queue, pool))) return 92;
    return 0;
}

int tasking_start(tasking_reader_t *made, xipc_queue_t *queue, testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(&made->told, &there, 1, test->pool))) return 0;
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    made->process = testing_start(test, reader, args);
    CHECK_OK(xipc_connection_close(there));
    return made->process != NULL;
}

void tasking_order(tasking_reader_t *to, apr_int64_t what)
{
    CHECK(testing_send_int(to->told, what));
}

apr_int64_t tasking_answer(tasking_reader_t *from)
{
    apr_int64_t number = 0;
    CHECK(testing_recv_int(&number, from->told, TESTING_PATIENCE));
    return number;
}

apr_int64_t tasking_ask(tasking_reader_t *to, apr_int64_t what)
{
    tasking_order(to, what);
    return tasking_answer(to);
}

void tasking_end(tasking_reader_t *which)
{
    tasking_order(which, TASKING_LEAVE);
    CHECK_NUMBER(0, testing_finish(which->process));
    CHECK_OK(xipc_connection_close(which->told));
}

void tasking_kill(tasking_reader_t *which)
{
    CHECK_OK(xipc_process_kill(which->process));
    CHECK_NUMBER(-9, testing_finish(which->process));
    CHECK_OK(xipc_connection_close(which->told));
}

/* ---- queues ---- */

xipc_queue_options_t *tasking_options(apr_size_t capacity, testing_t *test)
{
    xipc_queue_options_t *options = NULL;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_capacity_set(options, capacity));
    return options;
}

static xipc_queue_t *made_of(const xipc_queue_options_t *options, testing_t *test)
{
    xipc_queue_t *queue = NULL;
    return CHECK_OK(xipc_queue_create_ex(&queue, options, test->pool)) ? queue : NULL;
}

xipc_queue_t *tasking_joinable(apr_size_t capacity, testing_t *test)
{
    xipc_queue_options_t *options = tasking_options(capacity, test);
    CHECK_OK(xipc_queue_options_joinable_set(options, 1));
    return made_of(options, test);
}

xipc_queue_t *tasking_leased(apr_size_t deliveries, testing_t *test)
{
    xipc_queue_options_t *options = tasking_options(0, test);
    CHECK_OK(xipc_queue_options_lease_set(options, deliveries));
    return made_of(options, test);
}

void tasking_put(xipc_queue_t *queue, apr_int64_t first, apr_int64_t last)
{
    for (apr_int64_t i = first; i <= last; i++) CHECK_OK(testing_put_int(queue, i, 0));
}

apr_int64_t tasking_take(xipc_queue_t *queue, testing_t *test)
{
    apr_int64_t number = -1;
    CHECK_OK(testing_get_int(&number, queue, TESTING_PATIENCE, test->pool));
    return number;
}
