/*
 * values.h - the inside of a list of values.
 */
#ifndef XIPC_CORE_VALUES_H
#define XIPC_CORE_VALUES_H

#include "core/port.h"
#include "xipc/values.h"

#include <apr_tables.h>

typedef struct {
    xipc_value_type_e type;
    union {
        apr_int64_t number;
        double real;
        struct {
            const void *data;
            apr_size_t size;
        } bytes; /* of a string the size counts its NUL */
        xipc_connection_t *connection;
        xipc_queue_t *queue;
        xipc_listener_t *listener;
        xipc_process_t *process;
        xipc_shared_memory_t *memory;
        xipc__handle_t handle;
    } as;
} xipc__value_t;

struct xipc_values_t {
    apr_pool_t *pool;
    apr_array_header_t *items; /* of xipc__value_t */
    void *given;               /* the memory of the message it came in, if it has one */
};

const xipc__value_t *xipc__values_at(const xipc_values_t *values, apr_size_t index);

/* A new value at the end, to be filled in. */
xipc__value_t *xipc__values_push(xipc_values_t *values, xipc_value_type_e type);

/* A copy of a list, which may be NULL. Handles stay the same objects. APR_ENOMEM. */
apr_status_t xipc__values_copy(xipc_values_t **copy, const xipc_values_t *from, apr_pool_t *pool);

/*
 * Add the values of `from`, which may be NULL, from `first` on, without copying strings and bytes,
 * which must live as long as `values`.
 */
void xipc__values_share(xipc_values_t *values, const xipc_values_t *from, apr_size_t first);
void xipc__values_share_bytes(xipc_values_t *values, const void *data, apr_size_t size);

/*
 * Take the memory that strings and bytes of a received list are in from the list's pool; it is the
 * caller's to give to another, or to free(). NULL when it is a part of the pool's.
 */
void *xipc__values_take_given(xipc_values_t *values);

/*
 * XIPC_EINHERIT when something in the list, which may be NULL, can't go to a process that runs
 * already.
 */
apr_status_t xipc__values_check_inherit(const xipc_values_t *values);

#endif
