/*
 * target.c - places in an image, as values.
 */
#include "core/target.h"

#include <string.h>

const void *xipc__code_address(void (*function)(void))
{
    return (const void *)(uintptr_t)function; /* NOLINT(performance-no-int-to-ptr): see target.h */
}

void (*xipc__code_function(const void *address))(void)
{
    return (void (*)(void))(uintptr_t)address;
}

apr_status_t xipc__place_add(xipc_values_t *values, const void *address, xipc__place_e kind,
                             apr_pool_t *pool)
{
    xipc__place_t place;
    apr_status_t rv = xipc__port_image_find(&place, address, kind, pool);
    if (rv != APR_SUCCESS) return rv;
    (void)xipc_values_add_string(values, place.module);
    (void)xipc_values_add_int(values, (apr_int64_t)place.offset);
    return xipc_values_add_bytes(values, place.build, place.build_size);
}

apr_status_t xipc__place_get(void **address, const xipc_values_t *values, apr_size_t index,
                             xipc__place_e kind, apr_pool_t *pool)
{
    xipc__place_t place;
    apr_int64_t offset;
    const void *build;
    apr_status_t rv = xipc_values_get_string(&place.module, values, index);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&offset, values, index + 1);
    if (rv == APR_SUCCESS) rv = xipc_values_get_bytes(&build, &place.build_size, values, index + 2);
    if (rv != APR_SUCCESS || place.build_size > sizeof place.build)
        return xipc__fail(XIPC_EPROTOCOL, "the place of a function is malformed");
    place.offset = (apr_uint64_t)offset;
    memcpy(place.build, build, place.build_size);
    return xipc__port_image_address(address, &place, kind, pool);
}
