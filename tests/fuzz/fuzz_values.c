/*
 * A list of values that came, with handles beside it: the first byte says how many, and of which
 * kinds.
 */
#include "common.h"

#include "core/connection.h"
#include "core/parcel.h"

#include <string.h>

/* Duplicates of a connection's handle and of shared memory's, in turn. */
static void add_handles(xipc__handles_t *handles, unsigned how, apr_pool_t *pool)
{
    xipc_connection_t *ends[2];
    xipc__memory_t *memory;
    MUST(xipc_pipe_create(&ends[0], &ends[1], 1, pool) == APR_SUCCESS);
    MUST(xipc__port_memory_create(&memory, 65536, 65536, 0, pool) == APR_SUCCESS);
    for (; how % 8 > handles->count; how ^= 8u << handles->count % 4) {
        xipc__handle_t *handle = &handles->items[handles->count++];
        MUST(xipc__port_handle_duplicate(
                 handle, how & 8 ? xipc__port_memory_handle(memory)
                                 : xipc__port_stream_handle(ends[0]->stream)) == APR_SUCCESS);
    }
    xipc__port_memory_close(memory);
}

/* All of it is to be there, and to end where it says. */
static void look(const xipc_values_t *values)
{
    for (apr_size_t i = 0; i < xipc_values_count(values); i++) {
        const char *text;
        const void *bytes;
        apr_size_t size;
        unsigned sum = 0;
        if (xipc_values_get_string(&text, values, i) == APR_SUCCESS) sum += (unsigned)strlen(text);
        if (xipc_values_get_bytes(&bytes, &size, values, i) == APR_SUCCESS)
            for (apr_size_t at = 0; at < size; at++) sum += ((const unsigned char *)bytes)[at];
        static volatile unsigned seen;
        seen = sum;
        (void)seen;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xipc_values_t *values;
    xipc__handles_t handles = {.count = 0};
    if (size < 1) return 0;
    apr_pool_t *pool = fuzz_pool();
    unsigned char *copy = malloc(size); /* of its very size, so that a read beyond is seen */
    MUST(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    add_handles(&handles, data[0], pool);
    if (xipc__parcel_unpack(&values, copy, size - 1, &handles, pool) == APR_SUCCESS) look(values);
    MUST(handles.count == 0);
    apr_pool_destroy(pool);
    free(copy);
    return 0;
}
