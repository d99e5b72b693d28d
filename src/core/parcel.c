/*
 * parcel.c - how a list of values travels (docs/wire-format.md has the layout).
 */
#include "core/parcel.h"

#include "core/connection.h"
#include "core/listener.h"
#include "core/process.h"
#include "core/queue.h"
#include "core/shared_memory.h"
#include "core/values.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

static const unsigned char magic[4] = {'X', 'V', 0, 1};

enum { TAIL_MIN = 16384 };  /* from here on another system call costs less than a copy */
enum { LITTLE_MORE = 256 }; /* room that a parcel has for what comes next */
enum { ALIGNMENT = 8 };     /* of bytes, so that the receiver may look at them as a struct */

/* ---- packing ---- */

static int reserve(xipc__parcel_t *parcel, apr_size_t more)
{
    if (parcel->is_out_of_memory) return 0;
    if (more <= parcel->capacity - parcel->size) return 1;
    apr_size_t wanted = 0; /* stays so when the sum is beyond all memory */
    if (more < SIZE_MAX / 4 - parcel->size) wanted = parcel->size + more + LITTLE_MORE;
    if (wanted > 0 && wanted < parcel->capacity * 2) wanted = parcel->capacity * 2;
    unsigned char *data = wanted == 0 ? NULL : realloc(parcel->data, wanted);
    if (data == NULL) {
        parcel->is_out_of_memory = 1;
        return 0;
    }
    parcel->data = data;
    parcel->capacity = wanted;
    return 1;
}

void xipc__parcel_write(xipc__parcel_t *parcel, const void *data, apr_size_t size)
{
    if (size == 0 || !reserve(parcel, size)) return;
    memcpy(parcel->data + parcel->size, data, size);
    parcel->size += size;
}

void xipc__parcel_write_number(xipc__parcel_t *parcel, apr_uint64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(number >> (56 - 8 * i));
    xipc__parcel_write(parcel, bytes, sizeof bytes);
}

apr_status_t xipc__parcel_add_handle(xipc__parcel_t *parcel, xipc__handle_t handle)
{
    if (parcel->handles.count == XIPC__HANDLES_MAX)
        return xipc__fail(XIPC_ELIMIT, "one message carries at most %d handles", XIPC__HANDLES_MAX);
    parcel->handles.items[parcel->handles.count++] = handle;
    return APR_SUCCESS;
}

apr_status_t xipc__parcel_add_stream(xipc__stream_t **kept, xipc__parcel_t *parcel)
{
    apr_status_t rv =
        parcel->pool == NULL ? apr_pool_create(&parcel->pool, parcel->parent) : APR_SUCCESS;
    if (rv != APR_SUCCESS) return rv;
    xipc__stream_t *mine;
    xipc__stream_t *theirs;
    rv = xipc__port_stream_pair(&mine, &theirs, 1, parcel->pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__parcel_add_handle(parcel, xipc__port_stream_handle(theirs));
    if (rv != APR_SUCCESS) {
        xipc__port_stream_close(theirs);
        xipc__port_stream_close(mine);
        return rv;
    }
    parcel->made[parcel->made_count++] = theirs;
    *kept = mine;
    return APR_SUCCESS;
}

/* All but the bytes themselves. */
static void pack_size(xipc__parcel_t *parcel, const xipc__value_t *value)
{
    static const unsigned char padding[ALIGNMENT];
    xipc__parcel_write_number(parcel, value->as.bytes.size);
    xipc__parcel_write(parcel, padding, (ALIGNMENT - parcel->size % ALIGNMENT) % ALIGNMENT);
}

/* The user's own may be anything: an error here, not one of the system's in the middle of a start. */
static apr_status_t pack_handle(xipc__parcel_t *parcel, xipc__handle_t handle)
{
    if (!xipc__port_handle_is_open(handle))
        return xipc__fail(APR_EBADF, "a handle in the list is none");
    return xipc__parcel_add_handle(parcel, handle);
}

static apr_status_t pack_value(xipc__parcel_t *parcel, const xipc__value_t *value)
{
    unsigned char type = (unsigned char)value->type;
    apr_uint64_t bits;
    xipc__parcel_write(parcel, &type, 1);
    switch (value->type) {
    case XIPC_VALUE_INT:
        xipc__parcel_write_number(parcel, (apr_uint64_t)value->as.number);
        return APR_SUCCESS;
    case XIPC_VALUE_REAL:
        memcpy(&bits, &value->as.real, sizeof bits);
        xipc__parcel_write_number(parcel, bits);
        return APR_SUCCESS;
    case XIPC_VALUE_STRING:
    case XIPC_VALUE_BYTES:
        pack_size(parcel, value);
        xipc__parcel_write(parcel, value->as.bytes.data, value->as.bytes.size);
        return APR_SUCCESS;
    case XIPC_VALUE_CONNECTION:
        return xipc__connection_pack(parcel, value->as.connection);
    case XIPC_VALUE_QUEUE:
        return xipc__queue_pack(parcel, value->as.queue);
    case XIPC_VALUE_LISTENER:
        return xipc__listener_pack(parcel, value->as.listener);
    case XIPC_VALUE_PROCESS:
        return xipc__process_pack(parcel, value->as.process);
    case XIPC_VALUE_MEMORY:
        return xipc__shared_memory_pack(parcel, value->as.memory);
    case XIPC_VALUE_HANDLE:
        return pack_handle(parcel, value->as.handle);
    }
    return APR_EGENERAL;
}

/* A value that is all of it in the parcel but its bytes, which are the tail. */
static apr_status_t pack_tail(xipc__parcel_t *parcel, const xipc__value_t *value)
{
    unsigned char type = (unsigned char)value->type;
    xipc__parcel_write(parcel, &type, 1);
    pack_size(parcel, value);
    parcel->tail = value->as.bytes.data;
    parcel->tail_size = value->as.bytes.size;
    return APR_SUCCESS;
}

static int is_tail(const xipc_values_t *values, apr_size_t index)
{
    const xipc__value_t *value = xipc__values_at(values, index);
    return index + 1 == xipc_values_count(values) && value->type == XIPC_VALUE_BYTES &&
           value->as.bytes.size >= TAIL_MIN;
}

static apr_status_t pack(xipc__parcel_t *parcel, const xipc_values_t *values, int may_have_tail,
                         apr_pool_t *pool)
{
    *parcel = (xipc__parcel_t){.parent = pool};
    xipc__parcel_write(parcel, magic, sizeof magic);
    xipc__parcel_write_number(parcel, xipc_values_count(values));
    for (apr_size_t i = 0; i < xipc_values_count(values); i++) {
        const xipc__value_t *value = xipc__values_at(values, i);
        apr_status_t rv = may_have_tail && is_tail(values, i) ? pack_tail(parcel, value)
                                                              : pack_value(parcel, value);
        if (rv == APR_SUCCESS && parcel->is_out_of_memory) rv = APR_ENOMEM;
        if (rv != APR_SUCCESS) {
            xipc__parcel_free(parcel);
            return rv;
        }
    }
    return APR_SUCCESS;
}

apr_status_t xipc__parcel_pack(xipc__parcel_t *parcel, const xipc_values_t *values,
                               apr_pool_t *pool)
{
    return pack(parcel, values, 0, pool);
}

apr_status_t xipc__parcel_pack_to_send(xipc__parcel_t *parcel, const xipc_values_t *values,
                                       apr_pool_t *pool)
{
    return pack(parcel, values, 1, pool);
}

void xipc__parcel_free(xipc__parcel_t *parcel)
{
    while (parcel->made_count > 0) xipc__port_stream_close(parcel->made[--parcel->made_count]);
    if (parcel->pool != NULL) apr_pool_destroy(parcel->pool);
    parcel->pool = NULL;
    free(parcel->data);
    parcel->data = NULL;
}

/* ---- unpacking ---- */

apr_status_t xipc__unpack_bad(const char *what)
{
    return xipc__fail(XIPC_EPROTOCOL, "a list of values with %s", what);
}

const unsigned char *xipc__unpack_bytes(xipc__unpack_t *unpack, apr_size_t size)
{
    if (size > unpack->size - unpack->at) return NULL;
    const unsigned char *bytes = unpack->start + unpack->at;
    unpack->at += size;
    return bytes;
}

apr_status_t xipc__unpack_number(apr_uint64_t *number, xipc__unpack_t *unpack)
{
    const unsigned char *bytes = xipc__unpack_bytes(unpack, 8);
    if (bytes == NULL) return xipc__unpack_bad("its end missing");
    apr_uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | bytes[i];
    *number = value;
    return APR_SUCCESS;
}

const xipc__handle_t *xipc__unpack_handles(xipc__unpack_t *unpack, apr_size_t count)
{
    if (count > unpack->handles->count - unpack->taken) return NULL;
    return unpack->handles->items + unpack->taken;
}

void xipc__unpack_take(xipc__unpack_t *unpack, apr_size_t count)
{
    unpack->taken += count;
}

static apr_status_t unpack_bytes(xipc__value_t *value, xipc__unpack_t *unpack)
{
    apr_uint64_t size;
    apr_status_t rv = xipc__unpack_number(&size, unpack);
    if (rv != APR_SUCCESS) return rv;
    if (size > unpack->size ||
        xipc__unpack_bytes(unpack, (ALIGNMENT - unpack->at % ALIGNMENT) % ALIGNMENT) == NULL)
        return xipc__unpack_bad("a size beyond its end");
    value->as.bytes.size = (apr_size_t)size;
    value->as.bytes.data = xipc__unpack_bytes(unpack, value->as.bytes.size);
    return value->as.bytes.data == NULL ? xipc__unpack_bad("a size beyond its end") : APR_SUCCESS;
}

static apr_status_t check_string(const xipc__value_t *value)
{
    apr_size_t size = value->as.bytes.size;
    const char *text = value->as.bytes.data;
    if (size == 0 || memchr(text, '\0', size) != text + (size - 1))
        return xipc__unpack_bad("a string that does not end where it says");
    return APR_SUCCESS;
}

/* A plain handle has no object of its own: the list's pool closes it. */
static apr_status_t handle_cleanup(void *data)
{
    xipc__port_handle_close(*(xipc__handle_t *)data);
    return APR_SUCCESS;
}

static apr_status_t unpack_handle(xipc__value_t *value, xipc__unpack_t *unpack)
{
    const xipc__handle_t *handle = xipc__unpack_handles(unpack, 1);
    if (handle == NULL) return xipc__unpack_bad("a handle that is not there");
    xipc__handle_t *kept = apr_pmemdup(unpack->pool, handle, sizeof *handle);
    apr_pool_cleanup_register(unpack->pool, kept, handle_cleanup, apr_pool_cleanup_null);
    value->as.handle = *kept;
    xipc__unpack_take(unpack, 1);
    return APR_SUCCESS;
}

static apr_status_t unpack_value(xipc__value_t *value, xipc__unpack_t *unpack)
{
    apr_uint64_t bits;
    apr_status_t rv;
    switch (value->type) {
    case XIPC_VALUE_INT:
        rv = xipc__unpack_number(&bits, unpack);
        if (rv == APR_SUCCESS) value->as.number = (apr_int64_t)bits;
        return rv;
    case XIPC_VALUE_REAL:
        rv = xipc__unpack_number(&bits, unpack);
        if (rv == APR_SUCCESS) memcpy(&value->as.real, &bits, sizeof bits);
        return rv;
    case XIPC_VALUE_STRING:
        rv = unpack_bytes(value, unpack);
        return rv == APR_SUCCESS ? check_string(value) : rv;
    case XIPC_VALUE_BYTES:
        return unpack_bytes(value, unpack);
    case XIPC_VALUE_CONNECTION:
        return xipc__connection_unpack(&value->as.connection, unpack);
    case XIPC_VALUE_QUEUE:
        return xipc__queue_unpack(&value->as.queue, unpack);
    case XIPC_VALUE_LISTENER:
        return xipc__listener_unpack(&value->as.listener, unpack);
    case XIPC_VALUE_PROCESS:
        return xipc__process_unpack(&value->as.process, unpack);
    case XIPC_VALUE_MEMORY:
        return xipc__shared_memory_unpack(&value->as.memory, unpack);
    case XIPC_VALUE_HANDLE:
        return unpack_handle(value, unpack);
    }
    return xipc__unpack_bad("a type that is none");
}

static apr_status_t unpack_all(xipc_values_t *values, xipc__unpack_t *unpack)
{
    apr_uint64_t count;
    const unsigned char *start = xipc__unpack_bytes(unpack, sizeof magic);
    if (start == NULL || memcmp(start, magic, sizeof magic) != 0)
        return xipc__unpack_bad("another beginning");
    apr_status_t rv = xipc__unpack_number(&count, unpack);
    for (apr_uint64_t i = 0; rv == APR_SUCCESS && i < count; i++) {
        const unsigned char *type = xipc__unpack_bytes(unpack, 1);
        xipc__value_t value = {0};
        if (type == NULL) return xipc__unpack_bad("its end missing");
        value.type = (xipc_value_type_e)*type;
        rv = unpack_value(&value, unpack);
        if (rv == APR_SUCCESS) *xipc__values_push(values, value.type) = value;
    }
    if (rv != APR_SUCCESS) return rv;
    if (unpack->at != unpack->size) return xipc__unpack_bad("something behind its end");
    if (unpack->taken != unpack->handles->count) return xipc__unpack_bad("handles nobody takes");
    return APR_SUCCESS;
}

/* Objects that an unfinished list owns already. */
static void close_objects(xipc_values_t *values)
{
    for (apr_size_t i = 0; i < xipc_values_count(values); i++) {
        const xipc__value_t *value = xipc__values_at(values, i);
        if (value->type == XIPC_VALUE_CONNECTION) (void)xipc_connection_close(value->as.connection);
        if (value->type == XIPC_VALUE_QUEUE) (void)xipc_queue_close(value->as.queue);
        if (value->type == XIPC_VALUE_LISTENER) (void)xipc_listener_close(value->as.listener);
        if (value->type == XIPC_VALUE_MEMORY) (void)xipc_shared_memory_close(value->as.memory);
    }
}

apr_status_t xipc__parcel_unpack(xipc_values_t **values, const void *data, apr_size_t size,
                                 xipc__handles_t *handles, apr_pool_t *pool)
{
    xipc__unpack_t unpack = {.start = data, .size = size, .handles = handles, .pool = pool};
    xipc_values_t *list = xipc_values_make(pool);
    apr_status_t rv = unpack_all(list, &unpack);
    if (rv != APR_SUCCESS) close_objects(list);
    for (apr_size_t i = unpack.taken; i < handles->count; i++)
        xipc__port_handle_close(handles->items[i]);
    handles->count = 0;
    if (rv == APR_SUCCESS) *values = list;
    return rv;
}
