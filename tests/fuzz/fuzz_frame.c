/*
 * What a peer writes to a connection: the first byte says how it is read, the rest are the frames.
 */
#include "common.h"

#include "core/connection.h"

enum { LIMIT = 4096, CALLS = 64 };

static apr_status_t read_one(xipc_connection_t *connection, unsigned how, apr_pool_t *pool)
{
    char buffer[100];
    void *data;
    apr_size_t size = 0;
    xipc_values_t *values;
    apr_status_t rv;
    switch (how % 4) {
    case 0:
        return xipc_connection_recv(&data, &size, connection, 0, pool);
    case 1:
        rv = xipc_connection_recv_into(&size, connection, buffer, sizeof buffer, 0);
        MUST(rv != APR_SUCCESS || size <= sizeof buffer);
        MUST(rv != XIPC_EMSGSIZE || size > sizeof buffer);
        return rv;
    case 2:
        return xipc_connection_recv_values(&values, connection, 0, pool);
    default:
        return xipc_connection_skip(connection, 0);
    }
}

/* Until the end, or an error that stays. */
static void read_all(xipc_connection_t *connection, unsigned how, apr_pool_t *pool)
{
    for (int i = 0; i < CALLS; i++, how = how >> 1 | (how & 1) << 7) {
        apr_status_t rv = read_one(connection, how, pool);
        if (rv == APR_EOF || rv == XIPC_EBROKEN) return;
        if (rv == XIPC_EMSGSIZE) (void)xipc_connection_skip(connection, 0);
        (void)xipc_connection_poll(connection, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_size_t written = 0;
    if (size < 2 || size > XIPC__STREAM_CHUNK) return 0;
    apr_pool_t *pool = fuzz_pool();
    MUST(xipc_pipe_create(&here, &there, 1, pool) == APR_SUCCESS);
    MUST(xipc_connection_limit_set(here, LIMIT) == APR_SUCCESS);
    (void)xipc__port_stream_write(&written, there->stream, (xipc__span_t){data + 1, 1},
                                  (xipc__span_t){data + 2, size - 2}, NULL, 0);
    MUST(xipc_connection_close(there) == APR_SUCCESS);
    read_all(here, data[0], pool);
    apr_pool_destroy(pool);
    return 0;
}
