/*
 * ring.h - a queue in shared memory: many writers, many readers, records of any size in a ring.
 *
 * docs/queue-protocol.md tells how it works, and why no death in it harms the others.
 */
#ifndef XIPC_CORE_RING_H
#define XIPC_CORE_RING_H

#include "core/port.h"
#include "core/room.h"

typedef struct xipc__ring_t xipc__ring_t;

/* Handles that make up one ring, at most. */
enum { XIPC__RING_HANDLES = 1 + XIPC__PARK_HANDLES };

/* Levels of priorities at most. */
enum { XIPC__RING_LEVELS = 32 };

/* How often a wait looks again before it sleeps, unless something else is asked for. */
enum { XIPC__RING_SPIN = 400 };

/*
 * Is a message a task, there until it is done? And what becomes of one whose reader died before: it
 * is lost, or somebody else's.
 */
typedef enum { XIPC__TASKS_NONE, XIPC__TASKS_COUNTED, XIPC__TASKS_LEASED } xipc__ring_tasks_e;

/* Bounds; 0 for none. */
typedef struct {
    apr_size_t capacity;    /* messages */
    apr_size_t bytes;       /* of all messages, each rounded up to 64 */
    apr_size_t message_max; /* bytes of one */
    apr_uint32_t spin;
    apr_uint32_t tasks;    /* of xipc__ring_tasks_e */
    apr_size_t deliveries; /* how often a task is given out; 0: without end */
    apr_uint32_t levels;   /* of priorities: more than 1 take what is in levels.h */
} xipc__ring_bounds_t;

/* What died with its process, and the pid of the last one. */
typedef struct {
    apr_uint64_t put; /* messages that were being put */
    apr_uint64_t got; /* messages that were being taken, or were looked at in place */
    pid_t put_by;
    pid_t got_by;
} xipc__ring_lost_t;

apr_status_t xipc__ring_create(xipc__ring_t **ring, const xipc__ring_bounds_t *bounds,
                               apr_pool_t *pool);

/* What a queue with a name is known by: which of all that ever had the name, and the name. */
enum { XIPC__RING_NAME_SIZE = 72 };
typedef struct {
    apr_uint64_t id; /* 0: it has none */
    char text[XIPC__RING_NAME_SIZE];
} xipc__ring_name_t;

/* The same with a name, for which others find it by the port's names. */
apr_status_t xipc__ring_create_named(xipc__ring_t **ring, const xipc__ring_bounds_t *bounds,
                                     const xipc__ring_name_t *name, apr_pool_t *pool);

/* As its maker wrote it, or another process: the text ends, and may be anything. */
const xipc__ring_name_t *xipc__ring_name(const xipc__ring_t *ring);

/* The handles stay the ring's. */
void xipc__ring_handles(xipc__handles_t *handles, const xipc__ring_t *ring);

/*
 * Make a ring of handles that came from another process. It owns them from now on. XIPC_EPROTOCOL
 * when they are no ring's; they still belong to the caller then.
 */
apr_status_t xipc__ring_adopt(xipc__ring_t **ring, const xipc__handle_t *handles, apr_size_t count,
                              apr_pool_t *pool);

/* The same with duplicates of the handles; these stay the caller's. */
apr_status_t xipc__ring_share(xipc__ring_t **ring, const xipc__handle_t *handles, apr_size_t count,
                              apr_pool_t *pool);
void xipc__ring_close(xipc__ring_t *ring);
void xipc__ring_bounds(xipc__ring_bounds_t *bounds, const xipc__ring_t *ring);

/* The largest message that can ever be in it. */
apr_size_t xipc__ring_message_max(const xipc__ring_t *ring);

/* Exact, but for reserved places, which count. XIPC_EPROTOCOL when its memory is no ring any more. */
apr_status_t xipc__ring_count(apr_size_t *count, const xipc__ring_t *ring);
void xipc__ring_lost(xipc__ring_lost_t *lost, const xipc__ring_t *ring);

/*
 * Is there a message to take? If not, the bell rings when one comes; it may also ring for nothing.
 */
int xipc__ring_watch(xipc__ring_t *ring);
xipc__handle_t xipc__ring_bell(const xipc__ring_t *ring);

/* ---- putting ---- */

typedef struct {
    xipc__ring_t *ring;
    void *place;       /* where the message goes; aligned to 64 bytes */
    apr_uint64_t mark; /* behind the last record; nobody sees the new ones yet */
    apr_uint64_t start;
} xipc__ring_put_t;

/* Put a message. XIPC_EFULL; XIPC_EMSGSIZE when it can never fit. */
apr_status_t xipc__ring_put(xipc__ring_t *ring, const void *data, apr_size_t size,
                            apr_time_t deadline);

/*
 * The same in steps. Wait for room for `size` bytes, and keep other writers out. XIPC_EFULL;
 * XIPC_EMSGSIZE when it can never fit. After success: fill `place`, call more for the next message,
 * and then end, which makes all of them visible.
 */
apr_status_t xipc__ring_put_begin(xipc__ring_put_t *put, xipc__ring_t *ring, apr_size_t size,
                                  apr_time_t deadline);
apr_status_t xipc__ring_put_more(xipc__ring_put_t *put, apr_size_t size);
void xipc__ring_put_end(xipc__ring_put_t *put);

/* ---- getting ---- */

typedef struct {
    xipc__ring_t *ring;
    const void *data; /* the oldest message, in place */
    apr_size_t size;
    apr_uint64_t mark; /* where it is, and where the next one is */
    apr_uint64_t next;
    apr_uint64_t freed; /* up to where there was room at the beginning */
    apr_uint64_t taken; /* the same for what was taken, in a queue with tasks */
    /* of a task, when it was taken */
    int is_again; /* it was given out before */
    apr_uint64_t id;
    apr_uint64_t deliveries;
} xipc__ring_get_t;

/*
 * Take the oldest message into the room. XIPC_EEMPTY; XIPC_EMSGSIZE writes *size and takes nothing.
 */
apr_status_t xipc__ring_get(void **data, apr_size_t *size, xipc__ring_t *ring,
                            const xipc__room_t *room, apr_time_t deadline);

/*
 * The same in steps. Wait for a message, and keep other readers out. XIPC_EEMPTY. After success:
 * copy it, take it or leave it, call more for the next one, and then end.
 */
apr_status_t xipc__ring_get_begin(xipc__ring_get_t *get, xipc__ring_t *ring, apr_time_t deadline);
apr_status_t xipc__ring_get_copy(void **data, apr_size_t *size, const xipc__ring_get_t *get,
                                 const xipc__room_t *room);
void xipc__ring_get_take(xipc__ring_get_t *get);
apr_status_t xipc__ring_get_more(xipc__ring_get_t *get);
void xipc__ring_get_end(xipc__ring_get_t *get);

/* ---- in place ---- */

/* Reserve a place in the order; readers wait there until it is committed or abandoned. */
apr_status_t xipc__ring_reserve(void **data, xipc__ring_t *ring, apr_size_t size,
                                apr_time_t deadline);
apr_status_t xipc__ring_commit(xipc__ring_t *ring, const void *data, apr_size_t size);
apr_status_t xipc__ring_abandon(xipc__ring_t *ring, const void *data);

/* Take a message and leave it where it is until it is released. */
apr_status_t xipc__ring_peek(const void **data, apr_size_t *size, xipc__ring_t *ring,
                             apr_time_t deadline);
apr_status_t xipc__ring_release(xipc__ring_t *ring, const void *data);

/* ---- tasks ---- */

/* Where tasks go that were given out too often; it is closed with the ring. */
void xipc__ring_letters_set(xipc__ring_t *ring, xipc__ring_t *letters);
xipc__ring_t *xipc__ring_letters(const xipc__ring_t *ring);

/*
 * A task is done: this one, or, without an id, the first that this thread, or else this process,
 * took. XIPC_ESTATE when there is none. APR_TIMEUP: a process stopped in it keeps others out.
 */
apr_status_t xipc__ring_task_done(xipc__ring_t *ring, const apr_uint64_t *id);

/* Wait until all that was put is done. APR_TIMEUP. */
apr_status_t xipc__ring_join(xipc__ring_t *ring, apr_time_t deadline);

#endif
