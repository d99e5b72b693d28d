/*
 * boot.h - how a spawned child gets to its target: what the parent tells it and what it answers.
 *
 * Over the boot stream go two lists of values to the child, one back: preparation: version, the
 *   process's name, the target's place, then each copied variable's place and bytes
 *   arguments:   the target's
 *   answer:      a status and its detail
 * The stream is closed then, and the target runs.
 */
#ifndef XIPC_CORE_BOOT_H
#define XIPC_CORE_BOOT_H

#include "core/port.h"
#include "xipc/process.h"

/* In the parent: start a child that runs `target`; when this returns APR_SUCCESS it is about to. */
apr_status_t xipc__boot_spawn(xipc__child_t **child, const char *name, xipc_target_t target,
                              const xipc_values_t *args, apr_pool_t *pool);

/*
 * In the child: take what the parent sends, run the target and end. It returns only when there is
 * no parent there.
 */
apr_status_t xipc__boot_child(const char *argument);

/* Run a target in a child, with a pool of its own, and return its exit code. */
int xipc__boot_run(xipc_target_t target, xipc_values_t *args, apr_pool_t *pool);

#endif
