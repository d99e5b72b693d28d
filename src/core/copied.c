/*
 * copied.c - the list of marked variables. Modules enter theirs when they are loaded, long before
 * xipc_initialize().
 */
#include "core/copied.h"

#include "core/state.h"
#include "core/target.h"

#include <string.h>

static xipc_copied_t *entries;

void xipc_copied_add(xipc_copied_t *entry)
{
    xipc__state_lock();
    entry->next = entries;
    entries = entry;
    xipc__state_unlock();
}

void xipc_copied_remove(xipc_copied_t *entry)
{
    xipc__state_lock();
    xipc_copied_t **link = &entries;
    while (*link != NULL && *link != entry) link = &(*link)->next;
    if (*link != NULL) *link = entry->next;
    xipc__state_unlock();
}

apr_status_t xipc__copied_pack(xipc_values_t *values, apr_pool_t *pool)
{
    for (const xipc_copied_t *entry = entries; entry != NULL; entry = entry->next) {
        apr_status_t rv = xipc__place_add(values, entry->address, XIPC__PLACE_DATA, pool);
        if (rv == APR_SUCCESS) rv = xipc_values_add_bytes(values, entry->address, entry->size);
        if (rv != APR_SUCCESS) return rv;
    }
    return APR_SUCCESS;
}

/* What arrives is written only where a mark says that it may. */
static int is_marked(const void *address, apr_size_t size)
{
    for (const xipc_copied_t *entry = entries; entry != NULL; entry = entry->next)
        if (entry->address == address && entry->size == size) return 1;
    return 0;
}

static apr_status_t unpack_one(const xipc_values_t *values, apr_size_t index, apr_pool_t *pool)
{
    void *address;
    const void *data;
    apr_size_t size;
    apr_status_t rv = xipc__place_get(&address, values, index, XIPC__PLACE_DATA, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc_values_get_bytes(&data, &size, values, index + XIPC__PLACE_VALUES);
    if (rv != APR_SUCCESS || !is_marked(address, size))
        return xipc__fail(XIPC_EPROTOCOL, "a copied variable is not marked in this process");
    memcpy(address, data, size);
    return APR_SUCCESS;
}

apr_status_t xipc__copied_unpack(const xipc_values_t *values, apr_size_t index, apr_pool_t *pool)
{
    for (; index < xipc_values_count(values); index += XIPC__PLACE_VALUES + 1) {
        apr_status_t rv = unpack_one(values, index, pool);
        if (rv != APR_SUCCESS) return rv;
    }
    return APR_SUCCESS;
}
