/* tasking.h - what the suites about tasks share: queues of tasks, and readers that do as they are told. */
#ifndef TESTS_TASKING_H
#define TESTS_TASKING_H

#include "testing.h"

/* Options with this capacity; NULL after a recorded failure, and so are the queues. */
xipc_queue_options_t *tasking_options(apr_size_t capacity, testing_t *test);
xipc_queue_t *tasking_joinable(apr_size_t capacity, testing_t *test);
xipc_queue_t *tasking_leased(apr_size_t deliveries, testing_t *test);

/* Put all numbers from the first to the last; take the next one. */
void tasking_put(xipc_queue_t *queue, apr_int64_t first, apr_int64_t last);
apr_int64_t tasking_take(xipc_queue_t *queue, testing_t *test);

/* A child that reads the queue. */
typedef struct {
    xipc_process_t *process;
    xipc_connection_t *told;
} tasking_reader_t;

/* 0 after a recorded failure. */
int tasking_start(tasking_reader_t *made, xipc_queue_t *queue, testing_t *test);

/* It answers each order with the number that it got, or minus the status. */
enum { TASKING_TAKE, TASKING_TAKE_WAITING, TASKING_HOLD, TASKING_DONE, TASKING_LEAVE };
void tasking_order(tasking_reader_t *to, apr_int64_t what);
apr_int64_t tasking_answer(tasking_reader_t *from);
apr_int64_t tasking_ask(tasking_reader_t *to, apr_int64_t what);

/* Have it end, or kill it; it is gone then. */
void tasking_end(tasking_reader_t *which);
void tasking_kill(tasking_reader_t *which);

#endif
