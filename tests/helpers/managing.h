/*
 * managing.h - managers for the suites that are about them; each is started the way the test says.
 */
#ifndef TESTS_MANAGING_H
#define TESTS_MANAGING_H

#include "testing.h"

/* NULL after a recorded failure; so are the queues below. */
xipc_manager_t *managing_start(testing_t *test);
xipc_queue_t *managing_queue(xipc_manager_t *manager, apr_size_t capacity, testing_t *test);

/* A manager and a queue in it. */
xipc_queue_t *managing_start_with_queue(xipc_manager_t **manager, apr_size_t capacity,
                                        testing_t *test);

/* Kill the manager's process; it is dead then. */
void managing_kill(const xipc_manager_t *manager);

/* The next number of a queue. */
void managing_check_get(xipc_queue_t *queue, apr_int64_t expected, apr_pool_t *pool);

/*
 * A child with the queue and the sending end of a pipe as its arguments, and in *told the other
 * end, where the child has told a number by now.
 */
xipc_process_t *managing_start_child(xipc_connection_t **told, xipc_target_t target,
                                     xipc_queue_t *queue, testing_t *test);

/*
 * In such a child: take the arguments, and tell that number. Returns 0, or an exit code for a
 * failure.
 */
int managing_begin_child(xipc_queue_t **queue, xipc_connection_t **connection,
                         const xipc_values_t *args);

/*
 * A target for such a child: it waits for ever, in put when the queue is full, else in get, and its
 * exit code tells what came of that.
 */
int managing_wait_for_ever(xipc_values_t *args, apr_pool_t *pool);
enum { MANAGING_SERVED = 40, MANAGING_EDIED, MANAGING_OTHER };

/* A child that waits for ever; it does by now, or is about to. */
xipc_process_t *managing_start_waiter(xipc_queue_t *queue, testing_t *test);

#endif
