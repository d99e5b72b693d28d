/*
 * boot.h - how a spawned child gets to its target: what the parent tells it and what it answers.
 *
 * Over the boot stream go two lists of values to the child, one back: preparation: version, the
 *   process's name, its lines, the target's place, then each copied variable's place
 *   and bytes
 *   arguments:   the target's
 *   answer:      a status and its detail
 * The stream is closed then, and the target runs.
 */
#ifndef XIPC_CORE_BOOT_H
#define XIPC_CORE_BOOT_H

#include "core/port.h"
#include "core/process.h"
#include "xipc/process.h"

/* A child that runs. */
typedef struct {
    xipc__child_t *child;
    xipc_connection_t *report; /* from the forkserver; NULL when the child is this process's own */
} xipc__started_t;

/* What a child is to do. */
typedef struct {
    const char *name;
    xipc_start_method_e method; /* spawn or forkserver */
    xipc_target_t target;
    const xipc_values_t *args;
    int bonds;           /* of xipc__bond_e */
    xipc__lines_t lines; /* the child's ends */
} xipc__errand_t;

/* In the parent: start a child on its errand; when this returns APR_SUCCESS it is about to. */
apr_status_t xipc__boot_start(xipc__started_t *started, const xipc__errand_t *errand,
                              apr_pool_t *pool);

/*
 * In a spawned child: take what the parent sends, run the target and end. It returns only when
 * there is no parent there.
 */
apr_status_t xipc__boot_child(const char *argument);

/*
 * In any child: do the errand that comes over `boot`, which is closed before; returns its exit
 * code.
 */
int xipc__boot_serve(xipc_connection_t *boot, apr_pool_t *pool);

/* Run a target in a child, with a pool of its own, and return its exit code. */
int xipc__boot_run(xipc_target_t target, xipc_values_t *args, apr_pool_t *pool);

#endif
