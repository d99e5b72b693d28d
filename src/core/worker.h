/*
 * worker.h - what a pool and its workers say to each other over the worker's connection, and the
 * worker's process.
 *
 * To the worker: the task's place, then its arguments. Back: a status and its detail, then the
 * result. When the connection ends the worker does too.
 */
#ifndef XIPC_CORE_WORKER_H
#define XIPC_CORE_WORKER_H

#include "core/target.h"
#include "xipc/process_pool.h"

enum { TASK_PLACE, TASK_ARGS = TASK_PLACE + XIPC__PLACE_VALUES };

/*
 * OUTCOME_IS_TASKS is 1 when the status is what the task returned, 0 when the worker could not run
 * it.
 */
enum { OUTCOME_IS_TASKS, OUTCOME_STATUS, OUTCOME_DETAIL, OUTCOME_RESULT };

/* The worker's process: args[0] is its connection. */
int xipc__worker_main(xipc_values_t *args, apr_pool_t *pool);

#endif
