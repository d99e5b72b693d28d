/*
 * target.h - functions and variables as values, so that another process of the same program finds
 * them.
 */
#ifndef XIPC_CORE_TARGET_H
#define XIPC_CORE_TARGET_H

#include "core/port.h"
#include "xipc/values.h"

enum { XIPC__PLACE_VALUES = 3 }; /* values that a place takes in a list */

/* Add the place of an address to a list. XIPC_ETARGET when it has none. */
apr_status_t xipc__place_add(xipc_values_t *values, const void *address, xipc__place_e kind,
                             apr_pool_t *pool);

/*
 * The address of the place that begins at values[index]. XIPC_EBUILD, XIPC_ETARGET as
 * xipc__port_image_address.
 */
apr_status_t xipc__place_get(void **address, const xipc_values_t *values, apr_size_t index,
                             xipc__place_e kind, apr_pool_t *pool);

/*
 * C has no conversion between pointers to functions and to objects; through an integer the systems
 * here all have it.
 */
const void *xipc__code_address(void (*function)(void));
void (*xipc__code_function(const void *address))(void);

#endif
