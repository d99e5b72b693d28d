/*
 * process.h - the inside of a process object.
 */
#ifndef XIPC_CORE_PROCESS_H
#define XIPC_CORE_PROCESS_H

#include "core/port.h"
#include "xipc/process.h"

struct xipc_process_t {
    apr_pool_t *pool;
    const char *name;
    xipc_target_t target;
    xipc_values_t *args;
    xipc_start_method_e method;
    pid_t owner;               /* the process that made it */
    xipc__child_t *child;      /* NULL before the start and after the close */
    xipc_connection_t *report; /* the forkserver's, about this child; NULL for other methods */
    int is_started;
};

/* The method that XIPC_START_DEFAULT stands for here. */
xipc_start_method_e xipc__start_method_default(void);

/* APR_SUCCESS when this system has the method; otherwise what a setter returns. */
apr_status_t xipc__start_method_check(xipc_start_method_e method);

/* Is this object a child that the caller may wait for? Otherwise the error that says why not. */
apr_status_t xipc__process_check_child(const xipc_process_t *process);

#endif
