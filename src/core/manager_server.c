/*
 * manager_server.c - the manager's process: queues, and sessions that use them.
 *
 * One thread waits for all sessions at once and never for one of them. A put or get that can't be
 * done now is parked in its session until it can, until its deadline, or until its client is gone:
 * then nothing is taken for it.
 */
#include "core/connection.h"
#include "core/manager_protocol.h"
#include "core/queue.h"
#include "core/values.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* What one session may move before it is the others' turn. */
enum { TURN = 1 << 20 };

typedef struct message_t {
    struct message_t *next;
    apr_size_t size;
    const void *data;
    void *given; /* what the data is in, when it came in memory of its own */
    unsigned char copy[];
} message_t;

typedef struct {
    apr_size_t capacity; /* 0: bounded by memory alone */
    apr_size_t count;
    message_t *first;
    message_t **end;
} stored_queue_t;

typedef struct session_t {
    struct session_t *next;
    apr_pool_t *pool;
    xipc_connection_t *connection;

    stored_queue_t *parked_on; /* NULL when no request is parked */
    verb_e parked_verb;
    apr_time_t deadline;
    apr_int64_t room;      /* of a parked get */
    message_t *message;    /* of a parked put; or of a get, until its answer is out */
    stored_queue_t *taken; /* where `message` was taken from by a get */

    int is_sending;
    xipc__parcel_t parcel;
    xipc__outgoing_t out;
    int is_ready;    /* can be read in this round, or sent to */
    int is_for_room; /* which of the two */
    int is_gone;     /* to be dropped at the end of the round */
} session_t;

typedef struct {
    apr_pool_t *pool;
    apr_pool_t *scratch;        /* cleared after each request */
    apr_array_header_t *queues; /* of stored_queue_t *, by their ids from 1 on */
    session_t *sessions;        /* the longest waiting first */
    session_t **sessions_end;
    session_t *starter;
    apr_array_header_t *waitables; /* of xipc__waitable_t, one for each session */
} server_t;

/* ---- messages ---- */

/* A large message stays where it was received: to copy it would hold up the others for long. */
static message_t *make_message(xipc_values_t *request)
{
    const void *data = NULL;
    apr_size_t size = 0;
    (void)xipc_values_get_bytes(&data, &size, request, REQUEST_PAYLOAD);
    void *given = xipc__values_take_given(request);
    message_t *message = malloc(sizeof *message + (given == NULL ? size : 0));
    if (message == NULL) {
        free(given);
        return NULL;
    }
    *message = (message_t){.size = size, .data = data, .given = given};
    if (given == NULL) message->data = memcpy(message->copy, data, size);
    return message;
}

static void free_message(message_t *message)
{
    if (message == NULL) return;
    free(message->given);
    free(message);
}

/* ---- queues ---- */

static stored_queue_t *find_queue(const server_t *server, apr_int64_t id)
{
    if (id < 1 || id > server->queues->nelts) return NULL;
    return APR_ARRAY_IDX(server->queues, (int)id - 1, stored_queue_t *);
}

static void append_message(stored_queue_t *queue, message_t *message)
{
    message->next = NULL;
    *queue->end = message;
    queue->end = &message->next;
    queue->count++;
}

static message_t *take_first(stored_queue_t *queue)
{
    message_t *message = queue->first;
    queue->first = message->next;
    if (queue->first == NULL) queue->end = &queue->first;
    queue->count--;
    return message;
}

static apr_status_t drop_messages(void *dropped)
{
    stored_queue_t *queue = dropped;
    while (queue->count > 0) free_message(take_first(queue));
    return APR_SUCCESS;
}

/* A message whose taker went away comes first again. */
static void give_back(stored_queue_t *queue, message_t *message)
{
    message->next = queue->first;
    queue->first = message;
    if (message->next == NULL) queue->end = &message->next;
    queue->count++;
}

static int has_room(const stored_queue_t *queue)
{
    return queue->capacity == 0 || queue->count < queue->capacity;
}

/* ---- answers ---- */

/*
 * The client is gone, or talks nonsense; the session is dropped at the end of the round. What was
 * on its way to the client is there for the others at once: to a get of this very round the queue
 * would be empty otherwise.
 */
static void give_up(session_t *session)
{
    session->is_gone = 1;
    if (session->taken == NULL || session->message == NULL) return;
    give_back(session->taken, session->message);
    session->message = NULL;
}

static void finish_answer(session_t *session)
{
    xipc__parcel_free(&session->parcel);
    session->is_sending = 0;
    free_message(session->message);
    session->message = NULL;
    session->taken = NULL;
}

/*
 * As much as the client's stream takes now: neither a slow client nor a quick one holds up the
 * others.
 */
static void send_more(session_t *session)
{
    session->out.pause_at = session->out.sent + TURN;
    apr_status_t rv = xipc__outgoing_push(&session->out, session->connection, 0);
    if (rv == APR_SUCCESS)
        finish_answer(session);
    else if (!APR_STATUS_IS_TIMEUP(rv))
        give_up(session);
}

static void answer(session_t *session, apr_status_t status, apr_int64_t number,
                   const message_t *message, apr_pool_t *scratch)
{
    xipc_values_t *values = xipc_values_make(scratch);
    (void)xipc_values_add_int(values, status);
    (void)xipc_values_add_int(values, number);
    if (message != NULL) xipc__values_share_bytes(values, message->data, message->size);
    if (xipc__parcel_pack_to_send(&session->parcel, values, session->pool) != APR_SUCCESS) {
        give_up(session);
        return;
    }
    session->is_sending = 1;
    xipc__outgoing_begin_parcel(&session->out, &session->parcel);
    send_more(session);
}

/* ---- put and get ---- */

static void accept_put(session_t *session, stored_queue_t *queue, apr_pool_t *scratch)
{
    append_message(queue, session->message);
    session->message = NULL;
    answer(session, APR_SUCCESS, 0, NULL, scratch);
}

static void serve_get(session_t *session, stored_queue_t *queue, apr_pool_t *scratch)
{
    apr_size_t size = queue->first->size;
    if (session->room >= 0 && size > (apr_uint64_t)session->room) {
        answer(session, XIPC_EMSGSIZE, (apr_int64_t)size, NULL, scratch);
        return;
    }
    session->message = take_first(queue);
    session->taken = queue;
    answer(session, APR_SUCCESS, (apr_int64_t)size, session->message, scratch);
}

static void serve_parked(session_t *session, stored_queue_t *queue, apr_pool_t *scratch)
{
    if (session->parked_verb == VERB_PUT)
        accept_put(session, queue, scratch);
    else if (session->parked_verb == VERB_GET)
        serve_get(session, queue, scratch);
    else
        answer(session, APR_SUCCESS, (apr_int64_t)queue->count, NULL, scratch);
}

/* Serve one parked request that can be served, the longest waiting first. */
static int serve_one(server_t *server, stored_queue_t *queue)
{
    for (session_t *session = server->sessions; session != NULL; session = session->next) {
        if (session->parked_on != queue || session->is_gone) continue;
        if (session->parked_verb == VERB_PUT ? !has_room(queue) : queue->count == 0) continue;
        session->parked_on = NULL;
        serve_parked(session, queue, server->scratch);
        return 1;
    }
    return 0;
}

static void move_to_end(server_t *server, session_t *session)
{
    session_t **link = &server->sessions;
    while (*link != session) link = &(*link)->next;
    *link = session->next;
    if (session->next == NULL) server->sessions_end = link;
    session->next = NULL;
    *server->sessions_end = session;
    server->sessions_end = &session->next;
}

static void park(server_t *server, session_t *session, verb_e verb, stored_queue_t *queue,
                 apr_int64_t timeout)
{
    move_to_end(server, session);
    session->parked_on = queue;
    session->parked_verb = verb;
    session->deadline = xipc__deadline(timeout);
    while (serve_one(server, queue)) continue;
}

static void expire(server_t *server, session_t *session)
{
    session->parked_on = NULL;
    free_message(session->message);
    session->message = NULL;
    answer(session, session->parked_verb == VERB_PUT ? XIPC_EFULL : XIPC_EEMPTY, 0, NULL,
           server->scratch);
}

/* ---- sessions ---- */

static session_t *add_session(server_t *server, xipc_connection_t *connection, apr_pool_t *pool)
{
    session_t *session = apr_pcalloc(pool, sizeof *session);
    session->pool = pool;
    session->connection = connection;
    *server->sessions_end = session;
    server->sessions_end = &session->next;
    return session;
}

/*
 * The connection that came with a request lives in the scratch pool; the session needs one that
 * stays.
 */
static apr_status_t attach(server_t *server, xipc_connection_t *received)
{
    apr_pool_t *pool;
    xipc_connection_t *kept;
    apr_status_t rv = apr_pool_create(&pool, server->pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__connection_move(&kept, received, pool);
    if (rv == APR_SUCCESS)
        (void)add_session(server, kept, pool);
    else
        apr_pool_destroy(pool);
    return rv;
}

/* A message that was to be put is not put; one that went back may be what others wait for. */
static void drop_session(server_t *server, session_t *session)
{
    stored_queue_t *queue = session->taken;
    if (session->is_sending) xipc__parcel_free(&session->parcel);
    free_message(session->message);
    (void)xipc_connection_close(session->connection);
    apr_pool_destroy(session->pool);
    while (queue != NULL && serve_one(server, queue)) continue;
}

static void drop_gone(server_t *server)
{
    for (session_t **link = &server->sessions; *link != NULL;) {
        session_t *session = *link;
        if (!session->is_gone || session == server->starter) {
            link = &session->next;
            continue;
        }
        *link = session->next;
        if (*link == NULL) server->sessions_end = link;
        drop_session(server, session);
        link = &server->sessions; /* serving others may have moved them */
    }
}

/* ---- requests ---- */

static void create_queue(server_t *server, session_t *session, apr_int64_t capacity)
{
    if (server->queues->nelts == INT_MAX) {
        answer(session, XIPC_ELIMIT, 0, NULL, server->scratch);
        return;
    }
    stored_queue_t *queue = apr_pcalloc(server->pool, sizeof *queue);
    queue->capacity = (apr_size_t)capacity;
    queue->end = &queue->first;
    apr_pool_cleanup_register(server->pool, queue, drop_messages, apr_pool_cleanup_null);
    APR_ARRAY_PUSH(server->queues, stored_queue_t *) = queue;
    answer(session, APR_SUCCESS, server->queues->nelts, NULL, server->scratch);
}

static apr_status_t begin_put(session_t *session, xipc_values_t *request)
{
    const void *data;
    apr_size_t size;
    apr_status_t rv = xipc_values_get_bytes(&data, &size, request, REQUEST_PAYLOAD);
    if (rv != APR_SUCCESS) return rv;
    session->message = make_message(request);
    return session->message != NULL ? APR_SUCCESS : APR_ENOMEM;
}

typedef struct {
    apr_int64_t verb;
    apr_int64_t queue;
    apr_int64_t timeout;
    apr_int64_t number;
} request_t;

static void handle_queue_request(server_t *server, session_t *session, const request_t *request,
                                 xipc_values_t *values)
{
    stored_queue_t *queue = find_queue(server, request->queue);
    apr_status_t rv = queue == NULL ? XIPC_EPROTOCOL : APR_SUCCESS;
    if (rv == APR_SUCCESS && request->verb == VERB_PUT) rv = begin_put(session, values);
    if (rv != APR_SUCCESS) {
        answer(session, rv, 0, NULL, server->scratch);
        return;
    }
    session->room = request->number;
    if (request->verb == VERB_SIZE)
        answer(session, APR_SUCCESS, (apr_int64_t)queue->count, NULL, server->scratch);
    else
        park(server, session, (verb_e)request->verb, queue, request->timeout);
}

static void handle_attach(server_t *server, session_t *session, const xipc_values_t *values)
{
    xipc_connection_t *received;
    apr_status_t rv = xipc_values_get_connection(&received, values, REQUEST_PAYLOAD);
    if (rv == APR_SUCCESS) rv = attach(server, received);
    answer(session, rv, 0, NULL, server->scratch);
}

static void handle(server_t *server, session_t *session, xipc_values_t *values)
{
    request_t request;
    apr_status_t rv = xipc_values_get_int(&request.verb, values, REQUEST_VERB);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&request.queue, values, REQUEST_QUEUE);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&request.timeout, values, REQUEST_TIMEOUT);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&request.number, values, REQUEST_NUMBER);
    if (rv != APR_SUCCESS) {
        session->is_gone = 1;
        return;
    }
    switch (request.verb) {
    case VERB_CREATE:
        create_queue(server, session, request.number);
        break;
    case VERB_ATTACH:
        handle_attach(server, session, values);
        break;
    case VERB_PUT:
    case VERB_GET:
    case VERB_SIZE:
    case VERB_WATCH:
        handle_queue_request(server, session, &request, values);
        break;
    default:
        session->is_gone = 1;
    }
}

/*
 * A session can be read: the next request, a part of it, or its end. One that speaks before its
 * answer is cut off. No handle left here for what a request brings is not the client's fault.
 */
static void read_request(server_t *server, session_t *session)
{
    xipc_values_t *values;
    session->connection->pause_at = session->connection->position + TURN;
    apr_status_t rv = xipc_connection_recv_values(&values, session->connection, 0, server->scratch);
    if (APR_STATUS_IS_TIMEUP(rv)) return;
    int is_ours = rv != XIPC_EPROTOCOL && xipc__connection_goes_on(session->connection, rv);
    if ((rv != APR_SUCCESS && !is_ours) || session->parked_on != NULL || session->is_sending)
        give_up(session);
    else if (rv != APR_SUCCESS)
        answer(session, rv, 0, NULL, server->scratch);
    else
        handle(server, session, values);
    apr_pool_clear(server->scratch);
}

/* ---- the loop ---- */

/* What to wait for, and until when. */
static apr_time_t plan(server_t *server)
{
    apr_time_t until = XIPC__NEVER;
    apr_array_clear(server->waitables);
    for (session_t *session = server->sessions; session != NULL; session = session->next) {
        xipc__waitable_t *item = apr_array_push(server->waitables);
        *item = (xipc__waitable_t){.stream = session->connection->stream,
                                   .is_for_room = session->is_sending};
        session->is_for_room = session->is_sending;
        if (session->parked_on != NULL && session->deadline < until) until = session->deadline;
    }
    return until;
}

/*
 * Serving a request moves sessions about, so the search for the next one begins anew; they go away
 * in drop_gone only.
 */
static void serve_ready(server_t *server)
{
    const xipc__waitable_t *item = (const xipc__waitable_t *)(const void *)server->waitables->elts;
    for (session_t *session = server->sessions; session != NULL; session = session->next)
        session->is_ready = (item++)->is_ready;
    for (session_t *session = server->sessions; session != NULL;) {
        if (!session->is_ready) {
            session = session->next;
            continue;
        }
        session->is_ready = 0;
        if (session->is_for_room)
            send_more(session);
        else
            read_request(server, session);
        session = server->sessions;
    }
}

static void expire_late(server_t *server)
{
    apr_time_t now = xipc__port_clock();
    for (session_t *session = server->sessions; session != NULL; session = session->next) {
        if (session->is_gone) continue;
        if (session->parked_on != NULL && session->deadline <= now) expire(server, session);
    }
}

static void serve(server_t *server)
{
    while (!server->starter->is_gone) {
        apr_time_t until = plan(server);
        apr_status_t rv = xipc__port_wait((xipc__waitable_t *)(void *)server->waitables->elts,
                                          (apr_size_t)server->waitables->nelts, until);
        if (rv == APR_SUCCESS)
            serve_ready(server);
        else if (!APR_STATUS_IS_TIMEUP(rv))
            return;
        expire_late(server);
        drop_gone(server);
        apr_pool_clear(server->scratch);
    }
}

int xipc__manager_main(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    server_t server = {.pool = pool};
    server.sessions_end = &server.sessions;
    server.waitables = apr_array_make(pool, 16, sizeof(xipc__waitable_t));
    server.queues = apr_array_make(pool, 16, sizeof(stored_queue_t *));
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS ||
        apr_pool_create(&server.scratch, pool) != APR_SUCCESS)
        return EXIT_FAILURE;
    server.starter = add_session(&server, connection, pool);
    serve(&server);
    return EXIT_SUCCESS;
}
