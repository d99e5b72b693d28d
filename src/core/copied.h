/*
 * copied.h - the variables marked with XIPC_COPIED, on their way to a spawned child.
 */
#ifndef XIPC_CORE_COPIED_H
#define XIPC_CORE_COPIED_H

#include "xipc/copied.h"
#include "xipc/values.h"

/* Add all marked variables with their values of the moment to a list. */
apr_status_t xipc__copied_pack(xipc_values_t *values, apr_pool_t *pool);

/*
 * Set the variables of the list from values[index] to its end. Only marked ones of the same size
 * are written.
 */
apr_status_t xipc__copied_unpack(const xipc_values_t *values, apr_size_t index, apr_pool_t *pool);

#endif
