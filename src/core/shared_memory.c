/*
 * shared_memory.c - memory that several processes have.
 */
#include "core/shared_memory.h"

enum { GRAIN = 65536 }; /* of the port's sizes */

struct xipc_shared_memory_t {
    xipc__memory_t *memory; /* NULL when closed */
    apr_size_t size;
};

static apr_status_t memory_cleanup(void *data)
{
    return xipc_shared_memory_close(data);
}

/* All of it is usable from the start: a page that can't be had is no error that anybody sees. */
static apr_status_t make(xipc_shared_memory_t **made, xipc__memory_t *memory, apr_size_t size,
                         apr_pool_t *pool)
{
    apr_status_t rv = xipc__port_memory_commit(memory, 0, xipc__port_memory_size(memory));
    if (rv != APR_SUCCESS) return rv;
    *made = apr_palloc(pool, sizeof **made);
    **made = (xipc_shared_memory_t){.memory = memory, .size = size};
    apr_pool_cleanup_register(pool, *made, memory_cleanup, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

apr_status_t xipc_shared_memory_create(xipc_shared_memory_t **memory, apr_size_t size,
                                       apr_pool_t *pool)
{
    xipc__memory_t *under;
    if (memory == NULL) return xipc__fail_null("memory");
    if (pool == NULL) return xipc__fail_null("pool");
    if (size == 0) return xipc__fail(APR_EINVAL, "memory of no bytes");
    /* or the system would try, and have to end somebody */
    if (size > xipc__port_memory_most())
        return xipc__fail(APR_ENOMEM, "%" APR_SIZE_T_FMT " bytes, more than this machine has",
                          size);
    apr_uint64_t whole = ((apr_uint64_t)size + GRAIN - 1) / GRAIN * GRAIN;
    apr_status_t rv = xipc__port_memory_create(&under, whole, GRAIN, 0, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = make(memory, under, size, pool);
    if (rv != APR_SUCCESS) xipc__port_memory_close(under);
    return rv;
}

void *xipc_shared_memory_address(const xipc_shared_memory_t *memory)
{
    return memory == NULL || memory->memory == NULL ? NULL
                                                    : xipc__port_memory_address(memory->memory);
}

apr_size_t xipc_shared_memory_size(const xipc_shared_memory_t *memory)
{
    return memory == NULL ? 0 : memory->size;
}

apr_status_t xipc_shared_memory_close(xipc_shared_memory_t *memory)
{
    if (memory == NULL) return xipc__fail_null("memory");
    if (memory->memory != NULL) xipc__port_memory_close(memory->memory);
    memory->memory = NULL;
    return APR_SUCCESS;
}

apr_status_t xipc__shared_memory_pack(xipc__parcel_t *parcel, const xipc_shared_memory_t *memory)
{
    if (memory->memory == NULL) return xipc__fail(XIPC_ECLOSED, "shared memory");
    xipc__parcel_write_number(parcel, memory->size);
    return xipc__parcel_add_handle(parcel, xipc__port_memory_handle(memory->memory));
}

apr_status_t xipc__shared_memory_unpack(xipc_shared_memory_t **memory, xipc__unpack_t *unpack)
{
    apr_uint64_t size;
    xipc__memory_t *under;
    apr_status_t rv = xipc__unpack_number(&size, unpack);
    if (rv != APR_SUCCESS) return rv;
    const xipc__handle_t *handle = xipc__unpack_handles(unpack, 1);
    if (handle == NULL) return xipc__unpack_bad("shared memory without its handle");
    rv = xipc__port_memory_adopt(&under, *handle, unpack->pool);
    if (rv != APR_SUCCESS) return rv;
    xipc__unpack_take(unpack, 1);
    rv = size == 0 || size > xipc__port_memory_size(under)
             ? xipc__unpack_bad("shared memory smaller than it says")
             : make(memory, under, (apr_size_t)size, unpack->pool);
    if (rv != APR_SUCCESS) xipc__port_memory_close(under);
    return rv;
}
