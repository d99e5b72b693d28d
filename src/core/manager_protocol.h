/*
 * manager_protocol.h - what a manager and its clients say to each other.
 *
 * A session is a duplex connection to the manager. A client sends a request and waits for the
 * answer; then it may send the next. Both are lists of values. A session is made over another one:
 * `attach` carries the manager's end of it.
 */
#ifndef XIPC_CORE_MANAGER_PROTOCOL_H
#define XIPC_CORE_MANAGER_PROTOCOL_H

#include "xipc/connection.h"
#include "xipc/process.h"

enum {
    REQUEST_VERB,    /* int: verb_e */
    REQUEST_QUEUE,   /* int: which queue; not used by create and attach */
    REQUEST_TIMEOUT, /* int: microseconds that a put or get may wait; negative for ever */
    REQUEST_NUMBER,  /* int: create: the capacity; get: the client's room for a message, or -1 */
    REQUEST_PAYLOAD  /* put: the bytes; attach: the connection; otherwise not there */
};

enum {
    ANSWER_STATUS,  /* int */
    ANSWER_NUMBER,  /* int: create: the queue's id; size: the count; get: the size of the message */
    ANSWER_PAYLOAD, /* get: the bytes; otherwise not there */
};

/* WATCH is answered when there is a message, which stays where it is. */
typedef enum { VERB_CREATE = 1, VERB_ATTACH, VERB_PUT, VERB_GET, VERB_SIZE, VERB_WATCH } verb_e;

/*
 * In the client: one request and its answer, whose values live as long as `pool`. `timeout` is what
 * the request may wait in the manager. The answer's own status is returned when there is one;
 * XIPC_EDIED when none comes.
 */
apr_status_t xipc__session_call(xipc_values_t **answer, xipc_connection_t *session,
                                const xipc_values_t *request, apr_interval_time_t timeout,
                                apr_pool_t *pool);

/* The two halves of a call, for an answer that is waited for by other means. */
apr_status_t xipc__session_begin(xipc_connection_t *session, const xipc_values_t *request);
apr_status_t xipc__session_finish(xipc_values_t **answer, xipc_connection_t *session,
                                  apr_interval_time_t timeout, apr_pool_t *pool);

/* A new session with the manager that `session` leads to. */
apr_status_t xipc__session_open(xipc_connection_t **opened, xipc_connection_t *session,
                                apr_pool_t *scratch, apr_pool_t *pool);

/* A request with its first four values. */
xipc_values_t *xipc__session_request(verb_e verb, apr_int64_t queue, apr_interval_time_t timeout,
                                     apr_int64_t number, apr_pool_t *pool);

/* Give the manager the end `theirs` of a new session; it still belongs to the caller. */
apr_status_t xipc__session_attach(xipc_connection_t *session, xipc_connection_t *theirs,
                                  apr_pool_t *pool);

/* The manager's process: args[0] is the session with its starter. */
int xipc__manager_main(xipc_values_t *args, apr_pool_t *pool);

#endif
