/*
 * What the other side says in a handshake: the first byte says which side we are, then come
 * messages, each after a byte with its size. Nobody gets through without the key.
 */
#include "common.h"

#include "core/auth.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xipc__auth_t auth;
    xipc__auth_reply_t reply;
    if (size < 1) return 0;
    xipc__auth_side_e side = data[0] & 1 ? XIPC__AUTH_LISTENER : XIPC__AUTH_CLIENT;
    apr_status_t rv = xipc__auth_begin(&auth, &reply, side, "secret", 6);
    for (size_t at = 1; rv == APR_SUCCESS && !auth.is_done && at < size;) {
        size_t length = data[at++];
        if (length > size - at) length = size - at;
        unsigned char *message = malloc(length + 1);
        MUST(message != NULL);
        memcpy(message, data + at, length);
        rv = xipc__auth_take(&auth, &reply, message, length);
        MUST(reply.size <= sizeof reply.data);
        free(message);
        at += length;
    }
    MUST(rv != APR_SUCCESS || !auth.is_done);
    return 0;
}
