/*
 * queue_names.h - queues that unrelated programs find by a name.
 */
#ifndef XIPC_CORE_QUEUE_NAMES_H
#define XIPC_CORE_QUEUE_NAMES_H

#include "core/name_entry.h"
#include "core/queue.h"
#include "core/ring.h"

/* How a queue object is known under its name. */
struct xipc__queue_name_t {
    xipc__ring_name_t name;
    xipc__name_holder_t holder; /* as in the entry; identity 0: not there */
    xipc__handle_t anchor;
};

/* ---- name_text.c ---- */

/* APR_EINVAL for what can't be a queue's name. */
apr_status_t xipc__queue_name_check(const char *text);

/* In the entry's file name: lower case, and nothing that a system could take for something else. */
void xipc__queue_name_escape(char escaped[XIPC__NAME_TEXT_MAX + 1], const char *text);
apr_status_t xipc__queue_name_unescape(char text[XIPC__RING_NAME_SIZE], const char *escaped);

/* ---- queue_names.c ---- */

/* The ring of a queue's dead letters, when it has one, is made with this number. */
apr_uint64_t xipc__queue_letters_id(apr_uint64_t id);

/* In queue_shm.c: the ring that options ask for, with that of its dead letters. */
apr_status_t xipc__queue_shm_create_ring(xipc__ring_t **ring, const xipc_queue_options_t *options,
                                         const xipc__ring_name_t *name, apr_pool_t *pool);
int xipc__queue_shm_has_letters(const xipc__ring_t *ring);

/* Make the queue whose name stands in the options. */
apr_status_t xipc__queue_named_create(xipc_queue_t **queue, const xipc_queue_options_t *options,
                                      apr_pool_t *pool);

/*
 * A queue on a ring that came from another process and has a name: register this process as one
 * that has it, unless somebody has removed the name.
 */
apr_status_t xipc__queue_name_join(xipc_queue_t *queue, xipc__ring_t *ring, apr_pool_t *pool);

/* Before the queue is closed: it does not hold its name any more. The last one removes it. */
void xipc__queue_name_leave(xipc__queue_name_t *name);

#endif
