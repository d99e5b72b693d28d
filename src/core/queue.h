/*
 * queue.h - one interface, several backends.
 */
#ifndef XIPC_CORE_QUEUE_H
#define XIPC_CORE_QUEUE_H

#include "core/connection.h"
#include "core/parcel.h"
#include "xipc/queue.h"

/* What a backend may do beyond putting and getting; named as in queue.h. */
typedef struct {
    apr_status_t (*put_many)(apr_size_t *done, void *self, const xipc_queue_message_t *messages,
                             apr_size_t count, apr_time_t deadline);
    apr_status_t (*get_many)(apr_size_t *count, xipc_queue_message_t *messages, apr_size_t most,
                             void *self, apr_time_t deadline, apr_pool_t *pool);
    apr_status_t (*reserve)(void **data, void *self, apr_size_t size, apr_time_t deadline);
    apr_status_t (*commit)(void *self, const void *data, apr_size_t size);
    apr_status_t (*abandon)(void *self, const void *data);
    apr_status_t (*peek)(const void **data, apr_size_t *size, void *self, apr_time_t deadline);
    apr_status_t (*release)(void *self, const void *data);
    void (*lost)(xipc_queue_stat_t *stat, void *self);
    /* of a queue whose messages are tasks; `done` without an id: the first that was taken */
    apr_status_t (*get_leased)(xipc_queue_lease_t *lease, void **data, apr_size_t *size, void *self,
                               const xipc__room_t *room, apr_time_t deadline);
    apr_status_t (*done)(void *self, const apr_uint64_t *id);
    apr_status_t (*join)(void *self, apr_time_t deadline);
    apr_status_t (*letters)(xipc_queue_t **letters, void *self, apr_pool_t *pool);
} xipc__queue_extras_t;

/*
 * What a backend does. The interface has checked the arguments: the queue is open, `size` within
 * message_max. `self` is the backend's own state.
 */
typedef struct {
    int is_inheritance_only;
    apr_status_t (*put)(void *self, const void *data, apr_size_t size, apr_time_t deadline);
    /* Take the oldest message into the room; XIPC_EMSGSIZE writes *size and takes nothing. */
    apr_status_t (*get)(void **data, apr_size_t *size, void *self, const xipc__room_t *room,
                        apr_time_t deadline);
    apr_status_t (*size)(apr_size_t *count, void *self);
    /* What a wait is to watch: it becomes ready when there is a message; or it is ready now. */
    apr_status_t (*watch)(xipc__waitable_t *watched, void *self);
    /* Write what the receiver needs, handles included, to make its own. */
    apr_status_t (*pack)(xipc__parcel_t *parcel, void *self);
    void (*close)(void *self);
    /* What only some backends have; NULL otherwise. */
    const xipc__queue_extras_t *extras;
    int is_bell; /* what is watched may be ready in vain, and is to be looked at again */
    /* A put with a priority above 0; NULL when the queue has none. */
    apr_status_t (*put_priority)(void *self, const void *data, apr_size_t size, unsigned priority,
                                 apr_time_t deadline);
} xipc__queue_ops_t;

typedef struct xipc__queue_name_t xipc__queue_name_t;

struct xipc_queue_t {
    const xipc__queue_ops_t *ops;
    void *self; /* NULL when closed */
    xipc_queue_backend_e backend;
    apr_size_t capacity;      /* 0: bounded by memory alone */
    apr_size_t message_max;   /* 0: bounded by memory alone */
    apr_size_t bytes;         /* of all messages; 0: not bounded so */
    int tasks;                /* of xipc__queue_tasks_e */
    apr_size_t deliveries;    /* how often a task is given out; 0: without end */
    apr_size_t lost;          /* tasks whose loss the user of this object knows */
    unsigned priorities;      /* at least 1 */
    xipc__queue_name_t *name; /* NULL without one */
};

struct xipc_queue_options_t {
    xipc_queue_backend_e backend;
    apr_size_t capacity;
    apr_size_t bytes;
    apr_size_t message_max;
    int spin; /* negative: as many as suit the machine */
    int tasks;
    apr_size_t deliveries;
    unsigned priorities;
    char name[XIPC_QUEUE_NAME_MAX + 1]; /* empty without one */
};

/* Is a message a task, there until it is done; and one whose reader died before, another one's? */
typedef enum { XIPC__QUEUE_PLAIN, XIPC__QUEUE_JOINABLE, XIPC__QUEUE_LEASED } xipc__queue_tasks_e;

/* Make the queue object around a backend's state, which it owns from now on. */
xipc_queue_t *xipc__queue_make(const xipc__queue_ops_t *ops, xipc_queue_backend_e backend,
                               void *self, apr_size_t capacity, apr_size_t message_max,
                               apr_pool_t *pool);

/* APR_EINVAL when it is NULL, XIPC_ECLOSED when it is closed. */
apr_status_t xipc__queue_check(const xipc_queue_t *queue);
int xipc__queue_is_closed(const xipc_queue_t *queue);
int xipc__queue_is_inheritance_only(const xipc_queue_t *queue);
const char *xipc__queue_backend_name(const xipc_queue_t *queue);

apr_status_t xipc__queue_pack(xipc__parcel_t *parcel, const xipc_queue_t *queue);
apr_status_t xipc__queue_unpack(xipc_queue_t **queue, xipc__unpack_t *unpack);

/* The backends: the system's own queue, a ring in shared memory, and a queue in a manager. */
apr_status_t xipc__queue_kernel_create(xipc_queue_t **queue, apr_size_t capacity,
                                       apr_size_t message_max, apr_pool_t *pool);
apr_status_t xipc__queue_kernel_unpack(xipc_queue_t **queue, xipc__unpack_t *unpack);
apr_status_t xipc__queue_shm_create(xipc_queue_t **queue, const xipc_queue_options_t *options,
                                    apr_pool_t *pool);
apr_status_t xipc__queue_shm_unpack(xipc_queue_t **queue, xipc__unpack_t *unpack);
apr_status_t xipc__queue_managed_unpack(xipc_queue_t **queue, xipc__unpack_t *unpack);

/*
 * A queue that the manager at the other end of `session` knows by `id`; it owns the session from
 * now on. NULL when there is no memory.
 */
xipc_queue_t *xipc__queue_managed_make(xipc_connection_t *session, apr_int64_t id,
                                       apr_size_t capacity, apr_pool_t *pool);

#endif
