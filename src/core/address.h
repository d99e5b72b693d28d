/*
 * address.h - where a listener is, taken apart.
 */
#ifndef XIPC_CORE_ADDRESS_H
#define XIPC_CORE_ADDRESS_H

#include "core/port.h"

/* APR_EINVAL says what is malformed. NULL and "" are XIPC__ADDRESS_PRIVATE. */
apr_status_t xipc__address_parse(xipc__address_t *address, const char *text, apr_pool_t *pool);

/* The other way. */
const char *xipc__address_text(const xipc__address_t *address, apr_pool_t *pool);

#endif
