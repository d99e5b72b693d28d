/*
 * values.c - an ordered list of typed values.
 */
#include "core/values.h"

#include "core/connection.h"
#include "core/fail.h"
#include "core/listener.h"
#include "core/process.h"
#include "core/queue.h"
#include "core/state.h"
#include "xipc/shared_memory.h"

#include <apr_strings.h>

static const char *const type_names[] = {"nothing",   "an int",        "a real",  "a string",
                                         "bytes",     "a connection",  "a queue", "a listener",
                                         "a process", "shared memory", "a handle"};

xipc_values_t *xipc_values_make(apr_pool_t *pool)
{
    if (pool == NULL) return NULL;
    xipc_values_t *values = apr_palloc(pool, sizeof *values);
    values->pool = pool;
    values->items = apr_array_make(pool, 4, sizeof(xipc__value_t));
    values->given = NULL;
    return values;
}

apr_size_t xipc_values_count(const xipc_values_t *values)
{
    return values == NULL ? 0 : (apr_size_t)values->items->nelts;
}

void *xipc__values_take_given(xipc_values_t *values)
{
    void *given = values->given;
    if (given != NULL) xipc__frame_disown(given, values->pool);
    values->given = NULL;
    return given;
}

const xipc__value_t *xipc__values_at(const xipc_values_t *values, apr_size_t index)
{
    return &((const xipc__value_t *)(const void *)values->items->elts)[index];
}

xipc__value_t *xipc__values_push(xipc_values_t *values, xipc_value_type_e type)
{
    xipc__value_t *value = apr_array_push(values->items);
    value->type = type;
    return value;
}

/* Bytes can be many: for these alone it is asked whether the pool had the memory. */
static apr_status_t copy_bytes(const void **copy, apr_pool_t *pool, const void *data,
                               apr_size_t size)
{
    void *place = size == 0 ? NULL : apr_palloc(pool, size);
    if (place == NULL && size > 0)
        return xipc__fail(APR_ENOMEM, "for a value of %" APR_SIZE_T_FMT " bytes", size);
    *copy = size == 0 ? "" : memcpy(place, data, size);
    return APR_SUCCESS;
}

void xipc__values_share(xipc_values_t *values, const xipc_values_t *from, apr_size_t first)
{
    for (apr_size_t i = first; i < xipc_values_count(from); i++) {
        const xipc__value_t *source = xipc__values_at(from, i);
        xipc__values_push(values, source->type)->as = source->as;
    }
}

void xipc__values_share_bytes(xipc_values_t *values, const void *data, apr_size_t size)
{
    xipc__value_t *value = xipc__values_push(values, XIPC_VALUE_BYTES);
    value->as.bytes.data = data;
    value->as.bytes.size = size;
}

apr_status_t xipc__values_copy(xipc_values_t **copy, const xipc_values_t *from, apr_pool_t *pool)
{
    xipc_values_t *values = xipc_values_make(pool);
    xipc__values_share(values, from, 0);
    for (apr_size_t at = 0; at < xipc_values_count(values); at++) {
        xipc__value_t *value = &((xipc__value_t *)(void *)values->items->elts)[at];
        if (value->type != XIPC_VALUE_STRING && value->type != XIPC_VALUE_BYTES) continue;
        apr_status_t rv =
            copy_bytes(&value->as.bytes.data, pool, value->as.bytes.data, value->as.bytes.size);
        if (rv != APR_SUCCESS) return rv;
    }
    *copy = values;
    return APR_SUCCESS;
}

apr_status_t xipc__values_check_inherit(const xipc_values_t *values)
{
    for (apr_size_t i = 0; i < xipc_values_count(values); i++) {
        const xipc__value_t *value = xipc__values_at(values, i);
        if (value->type == XIPC_VALUE_CONNECTION || value->type > XIPC_VALUE_QUEUE)
            return xipc__fail(XIPC_EINHERIT, "value %" APR_SIZE_T_FMT " is %s", i,
                              type_names[value->type]);
        if (value->type == XIPC_VALUE_QUEUE && xipc__queue_is_inheritance_only(value->as.queue))
            return xipc__fail(XIPC_EINHERIT,
                              "value %" APR_SIZE_T_FMT
                              " is a queue on %s; a manager's queue, or one with a name, may go "
                              "anywhere",
                              i, xipc__queue_backend_name(value->as.queue));
    }
    return APR_SUCCESS;
}

apr_status_t xipc_values_type(xipc_value_type_e *type, const xipc_values_t *values,
                              apr_size_t index)
{
    if (type == NULL) return xipc__fail_null("type");
    if (values == NULL) return xipc__fail_null("values");
    if (index >= xipc_values_count(values))
        return xipc__fail(XIPC_EINDEX, "index %" APR_SIZE_T_FMT " of %d", index,
                          values->items->nelts);
    *type = xipc__values_at(values, index)->type;
    return APR_SUCCESS;
}

apr_status_t xipc_values_add_int(xipc_values_t *values, apr_int64_t number)
{
    if (values == NULL) return xipc__fail_null("values");
    xipc__values_push(values, XIPC_VALUE_INT)->as.number = number;
    return APR_SUCCESS;
}

apr_status_t xipc_values_add_real(xipc_values_t *values, double number)
{
    if (values == NULL) return xipc__fail_null("values");
    xipc__values_push(values, XIPC_VALUE_REAL)->as.real = number;
    return APR_SUCCESS;
}

static apr_status_t add_bytes(xipc_values_t *values, xipc_value_type_e type, const void *data,
                              apr_size_t size)
{
    const void *copy;
    apr_status_t rv = copy_bytes(&copy, values->pool, data, size);
    if (rv != APR_SUCCESS) return rv;
    xipc__value_t *value = xipc__values_push(values, type);
    value->as.bytes.data = copy;
    value->as.bytes.size = size;
    return APR_SUCCESS;
}

apr_status_t xipc_values_add_string(xipc_values_t *values, const char *string)
{
    if (values == NULL) return xipc__fail_null("values");
    if (string == NULL) return xipc__fail_null("string");
    return add_bytes(values, XIPC_VALUE_STRING, string, strlen(string) + 1);
}

apr_status_t xipc_values_add_bytes(xipc_values_t *values, const void *data, apr_size_t size)
{
    if (values == NULL) return xipc__fail_null("values");
    if (data == NULL && size > 0) return xipc__fail_null("data");
    return add_bytes(values, XIPC_VALUE_BYTES, data, size);
}

apr_status_t xipc_values_add_connection(xipc_values_t *values, xipc_connection_t *connection)
{
    if (values == NULL) return xipc__fail_null("values");
    if (connection == NULL) return xipc__fail_null("connection");
    if (connection->stream == NULL) return xipc__fail(XIPC_ECLOSED, "connection");
    xipc__values_push(values, XIPC_VALUE_CONNECTION)->as.connection = connection;
    return APR_SUCCESS;
}

apr_status_t xipc_values_add_queue(xipc_values_t *values, xipc_queue_t *queue)
{
    if (values == NULL) return xipc__fail_null("values");
    if (queue == NULL) return xipc__fail_null("queue");
    if (xipc__queue_is_closed(queue)) return xipc__fail(XIPC_ECLOSED, "queue");
    xipc__values_push(values, XIPC_VALUE_QUEUE)->as.queue = queue;
    return APR_SUCCESS;
}

apr_status_t xipc_values_add_listener(xipc_values_t *values, xipc_listener_t *listener)
{
    if (values == NULL) return xipc__fail_null("values");
    if (listener == NULL) return xipc__fail_null("listener");
    if (xipc__listener_is_closed(listener)) return xipc__fail(XIPC_ECLOSED, "listener");
    xipc__values_push(values, XIPC_VALUE_LISTENER)->as.listener = listener;
    return APR_SUCCESS;
}

apr_status_t xipc_values_add_process(xipc_values_t *values, xipc_process_t *process)
{
    if (values == NULL) return xipc__fail_null("values");
    if (process == NULL) return xipc__fail_null("process");
    if (process != xipc__state.current) {
        apr_status_t rv = xipc__process_check_child(process);
        if (rv != APR_SUCCESS) return rv;
    }
    xipc__values_push(values, XIPC_VALUE_PROCESS)->as.process = process;
    return APR_SUCCESS;
}

apr_status_t xipc_values_add_memory(xipc_values_t *values, xipc_shared_memory_t *memory)
{
    if (values == NULL) return xipc__fail_null("values");
    if (memory == NULL) return xipc__fail_null("memory");
    if (xipc_shared_memory_address(memory) == NULL)
        return xipc__fail(XIPC_ECLOSED, "shared memory");
    xipc__values_push(values, XIPC_VALUE_MEMORY)->as.memory = memory;
    return APR_SUCCESS;
}

apr_status_t xipc_values_add_handle(xipc_values_t *values, apr_os_file_t handle)
{
    if (values == NULL) return xipc__fail_null("values");
    if ((xipc__handle_t)handle == XIPC__NO_HANDLE || (xipc__handle_t)handle < 0)
        return xipc__fail(APR_EINVAL, "what was given is no handle");
    xipc__values_push(values, XIPC_VALUE_HANDLE)->as.handle = (xipc__handle_t)handle;
    return APR_SUCCESS;
}

/* The value at an index when it has the type, or the error that says what is wrong. */
static apr_status_t find(const xipc__value_t **value, const xipc_values_t *values, apr_size_t index,
                         xipc_value_type_e wanted)
{
    xipc_value_type_e type;
    apr_status_t rv = xipc_values_type(&type, values, index);
    if (rv != APR_SUCCESS) return rv;
    if (type != wanted)
        return xipc__fail(XIPC_ETYPE, "value %" APR_SIZE_T_FMT " is %s, not %s", index,
                          type_names[type], type_names[wanted]);
    *value = xipc__values_at(values, index);
    return APR_SUCCESS;
}

apr_status_t xipc_values_get_int(apr_int64_t *number, const xipc_values_t *values, apr_size_t index)
{
    if (number == NULL) return xipc__fail_null("number");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_INT);
    if (rv == APR_SUCCESS) *number = value->as.number;
    return rv;
}

apr_status_t xipc_values_get_real(double *number, const xipc_values_t *values, apr_size_t index)
{
    if (number == NULL) return xipc__fail_null("number");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_REAL);
    if (rv == APR_SUCCESS) *number = value->as.real;
    return rv;
}

apr_status_t xipc_values_get_string(const char **string, const xipc_values_t *values,
                                    apr_size_t index)
{
    if (string == NULL) return xipc__fail_null("string");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_STRING);
    if (rv == APR_SUCCESS) *string = value->as.bytes.data;
    return rv;
}

apr_status_t xipc_values_get_bytes(const void **data, apr_size_t *size, const xipc_values_t *values,
                                   apr_size_t index)
{
    if (data == NULL) return xipc__fail_null("data");
    if (size == NULL) return xipc__fail_null("size");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_BYTES);
    if (rv != APR_SUCCESS) return rv;
    *data = value->as.bytes.data;
    *size = value->as.bytes.size;
    return APR_SUCCESS;
}

apr_status_t xipc_values_get_connection(xipc_connection_t **connection, const xipc_values_t *values,
                                        apr_size_t index)
{
    if (connection == NULL) return xipc__fail_null("connection");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_CONNECTION);
    if (rv == APR_SUCCESS) *connection = value->as.connection;
    return rv;
}

apr_status_t xipc_values_get_queue(xipc_queue_t **queue, const xipc_values_t *values,
                                   apr_size_t index)
{
    if (queue == NULL) return xipc__fail_null("queue");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_QUEUE);
    if (rv == APR_SUCCESS) *queue = value->as.queue;
    return rv;
}

apr_status_t xipc_values_get_listener(xipc_listener_t **listener, const xipc_values_t *values,
                                      apr_size_t index)
{
    if (listener == NULL) return xipc__fail_null("listener");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_LISTENER);
    if (rv == APR_SUCCESS) *listener = value->as.listener;
    return rv;
}

apr_status_t xipc_values_get_process(xipc_process_t **process, const xipc_values_t *values,
                                     apr_size_t index)
{
    if (process == NULL) return xipc__fail_null("process");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_PROCESS);
    if (rv == APR_SUCCESS) *process = value->as.process;
    return rv;
}

apr_status_t xipc_values_get_memory(xipc_shared_memory_t **memory, const xipc_values_t *values,
                                    apr_size_t index)
{
    if (memory == NULL) return xipc__fail_null("memory");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_MEMORY);
    if (rv == APR_SUCCESS) *memory = value->as.memory;
    return rv;
}

apr_status_t xipc_values_get_handle(apr_os_file_t *handle, const xipc_values_t *values,
                                    apr_size_t index)
{
    if (handle == NULL) return xipc__fail_null("handle");
    const xipc__value_t *value;
    apr_status_t rv = find(&value, values, index, XIPC_VALUE_HANDLE);
    if (rv == APR_SUCCESS) *handle = (apr_os_file_t)value->as.handle;
    return rv;
}
