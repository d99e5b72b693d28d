/*
 * queue_managed.c - a queue in a manager, as its client sees it.
 */
#include "core/manager_protocol.h"
#include "core/queue.h"
#include "core/values.h"

#include <string.h>

typedef struct {
    xipc_connection_t *session;
    apr_int64_t id;
    apr_size_t capacity;
    apr_pool_t *scratch; /* cleared after each call */
    apr_pool_t *pool;
    xipc_connection_t *watch; /* a session of its own for WATCH; NULL before the first */
    int is_watching;          /* its answer has not been received */
    pid_t owner;              /* the process that has the sessions */
} managed_t;

/* In a forked child the sessions are closed as all connections are, since they are the parent's. */
static apr_status_t check_here(const managed_t *managed)
{
    if (managed->session->stream != NULL || managed->owner == xipc__port_self()) return APR_SUCCESS;
    return xipc__fail(XIPC_ECLOSED, "a managed queue reaches a forked child among its arguments");
}

static apr_status_t call(xipc_values_t **answer, managed_t *managed, const xipc_values_t *request,
                         apr_interval_time_t timeout)
{
    apr_status_t rv = check_here(managed);
    if (rv != APR_SUCCESS) return rv;
    return xipc__session_call(answer, managed->session, request, timeout, managed->scratch);
}

static apr_status_t managed_put(void *self, const void *data, apr_size_t size, apr_time_t deadline)
{
    managed_t *managed = self;
    apr_interval_time_t timeout = xipc__remaining(deadline);
    xipc_values_t *answer;
    xipc_values_t *request =
        xipc__session_request(VERB_PUT, managed->id, timeout, 0, managed->scratch);
    xipc__values_share_bytes(request, data, size);
    apr_status_t rv = call(&answer, managed, request, timeout);
    apr_pool_clear(managed->scratch);
    return rv;
}

/*
 * A large message stays in the memory it came in, where one NUL byte is behind it when it is the last
 * of the answer's values.
 */
static void *keep_place(const void *message, xipc_values_t *answer, apr_pool_t *pool)
{
    if (pool == NULL || xipc_values_count(answer) != ANSWER_PAYLOAD + 1) return NULL;
    void *given = xipc__values_take_given(answer);
    if (given == NULL) return NULL;
    xipc__frame_own(given, pool);
    return (char *)given + ((const char *)message - (const char *)given);
}

static apr_status_t take_answer(void **data, apr_size_t *size, xipc_values_t *answer,
                                const xipc__room_t *room)
{
    const void *message;
    apr_size_t got;
    apr_status_t rv = xipc_values_get_bytes(&message, &got, answer, ANSWER_PAYLOAD);
    if (rv != APR_SUCCESS) return xipc__fail(XIPC_EPROTOCOL, "the manager's answer has no message");
    if (room->pool == NULL && got > room->capacity)
        return xipc__fail(XIPC_EPROTOCOL, "the manager's message is larger than was asked for");
    void *place = keep_place(message, answer, room->pool);
    if (place == NULL) {
        place = xipc__room_get(room, got);
        if (place == NULL) return APR_ENOMEM;
        memcpy(place, message, got);
    }
    *data = place;
    *size = got;
    return APR_SUCCESS;
}

static apr_status_t take_size(apr_size_t *size, const xipc_values_t *answer)
{
    apr_int64_t number;
    apr_status_t rv = xipc_values_get_int(&number, answer, ANSWER_NUMBER);
    if (rv != APR_SUCCESS || number < 0)
        return xipc__fail(XIPC_EPROTOCOL, "the manager's answer has no number");
    *size = (apr_size_t)number;
    return APR_SUCCESS;
}

static apr_status_t tell_size(apr_size_t *size, const xipc_values_t *answer)
{
    apr_status_t rv = take_size(size, answer);
    if (rv != APR_SUCCESS) return rv;
    return xipc__fail(XIPC_EMSGSIZE, "the message has %" APR_SIZE_T_FMT " bytes", *size);
}

static apr_status_t managed_get(void **data, apr_size_t *size, void *self, const xipc__room_t *room,
                                apr_time_t deadline)
{
    managed_t *managed = self;
    apr_interval_time_t timeout = xipc__remaining(deadline);
    apr_int64_t limit =
        room->pool != NULL || room->capacity > INT64_MAX ? -1 : (apr_int64_t)room->capacity;
    xipc_values_t *answer;
    xipc_values_t *request =
        xipc__session_request(VERB_GET, managed->id, timeout, limit, managed->scratch);
    apr_status_t rv = call(&answer, managed, request, timeout);
    if (rv == APR_SUCCESS)
        rv = take_answer(data, size, answer, room);
    else if (rv == XIPC_EMSGSIZE)
        rv = tell_size(size, answer);
    apr_pool_clear(managed->scratch);
    return rv;
}

static apr_status_t managed_size(apr_size_t *count, void *self)
{
    managed_t *managed = self;
    xipc_values_t *answer;
    xipc_values_t *request = xipc__session_request(VERB_SIZE, managed->id, 0, 0, managed->scratch);
    apr_status_t rv = call(&answer, managed, request, 0);
    if (rv == APR_SUCCESS) rv = take_size(count, answer);
    apr_pool_clear(managed->scratch);
    return rv;
}

static int is_answered(const managed_t *managed)
{
    return managed->is_watching && xipc_connection_poll(managed->watch, 0) == APR_SUCCESS;
}

/* Ask once; the question stands until a later wait finds it answered, and asks anew. */
static apr_status_t ask_watch(managed_t *managed)
{
    xipc_values_t *answer;
    apr_status_t rv = check_here(managed);
    if (rv == APR_SUCCESS && managed->watch == NULL)
        rv = xipc__session_open(&managed->watch, managed->session, managed->scratch, managed->pool);
    if (rv == APR_SUCCESS && is_answered(managed)) {
        rv = xipc__session_finish(&answer, managed->watch, 0, managed->scratch);
        managed->is_watching = 0;
    }
    if (rv != APR_SUCCESS || managed->is_watching) return rv;
    rv = xipc__session_begin(
        managed->watch, xipc__session_request(VERB_WATCH, managed->id, -1, 0, managed->scratch));
    managed->is_watching = rv == APR_SUCCESS;
    return rv;
}

/* Whether there is a message now is known by the answer to a second question, which comes after. */
static apr_status_t managed_watch(xipc__waitable_t *watched, void *self)
{
    managed_t *managed = self;
    apr_size_t count;
    apr_status_t rv = ask_watch(managed);
    apr_pool_clear(managed->scratch);
    if (rv == APR_SUCCESS) rv = managed_size(&count, managed);
    if (rv != APR_SUCCESS) return rv;
    watched->stream = managed->watch->stream;
    watched->is_ready = count > 0;
    return APR_SUCCESS;
}

/* The receiver gets a session of its own, which this one asks the manager to take. */
static apr_status_t managed_pack(xipc__parcel_t *parcel, void *self)
{
    managed_t *managed = self;
    xipc__stream_t *kept;
    apr_status_t rv = check_here(managed);
    if (rv == APR_SUCCESS) rv = xipc__parcel_add_stream(&kept, parcel);
    if (rv != APR_SUCCESS) return rv;
    xipc_connection_t *theirs = xipc__connection_make(kept, 1, 1, parcel->pool);
    rv = xipc__session_attach(managed->session, theirs, managed->scratch);
    (void)xipc_connection_close(theirs);
    apr_pool_clear(managed->scratch);
    if (rv != APR_SUCCESS) return rv;
    xipc__parcel_write_number(parcel, (apr_uint64_t)managed->id);
    xipc__parcel_write_number(parcel, managed->capacity);
    return APR_SUCCESS;
}

static void managed_close(void *self)
{
    managed_t *managed = self;
    (void)xipc_connection_close(managed->session);
    if (managed->watch != NULL) (void)xipc_connection_close(managed->watch);
}

static const xipc__queue_ops_t managed_ops = {
    .is_inheritance_only = 0,
    .put = managed_put,
    .get = managed_get,
    .size = managed_size,
    .watch = managed_watch,
    .pack = managed_pack,
    .close = managed_close,
};

xipc_queue_t *xipc__queue_managed_make(xipc_connection_t *session, apr_int64_t id,
                                       apr_size_t capacity, apr_pool_t *pool)
{
    managed_t *managed = apr_palloc(pool, sizeof *managed);
    *managed = (managed_t){.session = session,
                           .id = id,
                           .capacity = capacity,
                           .pool = pool,
                           .owner = xipc__port_self()};
    if (apr_pool_create(&managed->scratch, pool) != APR_SUCCESS) {
        (void)xipc_connection_close(session);
        return NULL;
    }
    return xipc__queue_make(&managed_ops, XIPC_QUEUE_MANAGED, managed, capacity, 0, pool);
}

apr_status_t xipc__queue_managed_unpack(xipc_queue_t **queue, xipc__unpack_t *unpack)
{
    apr_uint64_t id;
    apr_uint64_t capacity;
    xipc__stream_t *stream;
    apr_status_t rv = xipc__unpack_number(&id, unpack);
    if (rv == APR_SUCCESS) rv = xipc__unpack_number(&capacity, unpack);
    if (rv != APR_SUCCESS) return rv;
    const xipc__handle_t *handle = xipc__unpack_handles(unpack, 1);
    if (handle == NULL) return xipc__unpack_bad("a queue without its session");
    rv = xipc__port_stream_adopt(&stream, *handle, unpack->pool);
    if (rv != APR_SUCCESS) return rv;
    xipc__unpack_take(unpack, 1);
    xipc_connection_t *session = xipc__connection_make(stream, 1, 1, unpack->pool);
    xipc_queue_t *made =
        xipc__queue_managed_make(session, (apr_int64_t)id, (apr_size_t)capacity, unpack->pool);
    if (made == NULL) return APR_ENOMEM;
    *queue = made;
    return APR_SUCCESS;
}
