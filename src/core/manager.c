/*
 * manager.c - a manager's process as its starter sees it, and the client's side of a session.
 */
#include "core/connection.h"
#include "core/manager_protocol.h"
#include "core/process.h"
#include "core/queue.h"
#include "xipc/manager.h"

/* A manager of which nothing has come so long after it had to answer is taken for dead. */
#define GRACE apr_time_from_sec(5)

struct xipc_manager_t {
    xipc_process_t *process;
    xipc_connection_t *session; /* closed after the shutdown */
};

/* ---- a session's client ---- */

xipc_values_t *xipc__session_request(verb_e verb, apr_int64_t queue, apr_interval_time_t timeout,
                                     apr_int64_t number, apr_pool_t *pool)
{
    xipc_values_t *request = xipc_values_make(pool);
    (void)xipc_values_add_int(request, verb);
    (void)xipc_values_add_int(request, queue);
    (void)xipc_values_add_int(request, timeout);
    (void)xipc_values_add_int(request, number);
    return request;
}

/* After this nobody can tell which answer belongs to which request. */
static apr_status_t lose(xipc_connection_t *session, const char *why)
{
    (void)xipc_connection_close(session);
    return xipc__fail(XIPC_EDIED, "the manager %s", why);
}

/* Send as long as the manager takes something within its grace. */
static apr_status_t push(xipc__outgoing_t *out, xipc_connection_t *session)
{
    for (;;) {
        apr_uint64_t before = out->sent;
        apr_status_t rv = xipc__outgoing_push(out, session, xipc__deadline(GRACE));
        if (!APR_STATUS_IS_TIMEUP(rv) || out->sent == before) return rv;
    }
}

apr_status_t xipc__session_begin(xipc_connection_t *session, const xipc_values_t *request)
{
    xipc__parcel_t parcel;
    xipc__outgoing_t out;
    if (session->stream == NULL) return xipc__fail(XIPC_EDIED, "the manager was lost before");
    apr_status_t rv = xipc__parcel_pack_to_send(&parcel, request, session->pool);
    if (rv != APR_SUCCESS) return rv;
    xipc__outgoing_begin_parcel(&out, &parcel);
    rv = push(&out, session);
    xipc__parcel_free(&parcel);
    if (rv == APR_SUCCESS) return rv;
    if (APR_STATUS_IS_TIMEUP(rv)) return lose(session, "does not answer");
    /* an error of this side before the first byte leaves the session as it was */
    return out.sent > 0 || APR_STATUS_IS_EPIPE(rv) ? lose(session, "has died") : rv;
}

/* Receive as long as the manager sends something within its grace. */
static apr_status_t receive(xipc_values_t **answer, xipc_connection_t *session,
                            apr_interval_time_t patience, apr_pool_t *pool)
{
    for (;;) {
        apr_uint64_t before = session->position;
        apr_status_t rv = xipc_connection_recv_values(answer, session, patience, pool);
        if (!APR_STATUS_IS_TIMEUP(rv) || session->position == before) return rv;
        patience = GRACE;
    }
}

apr_status_t xipc__session_finish(xipc_values_t **answer, xipc_connection_t *session,
                                  apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_int64_t status;
    apr_interval_time_t patience =
        timeout < 0 || timeout > INT64_MAX - GRACE ? -1 : timeout + GRACE;
    apr_status_t rv = receive(answer, session, patience, pool);
    if (APR_STATUS_IS_TIMEUP(rv)) return lose(session, "does not answer");
    if (rv == XIPC_EPROTOCOL) return lose(session, "answers nonsense");
    if (rv != APR_SUCCESS) return lose(session, "has died");
    rv = xipc_values_get_int(&status, *answer, ANSWER_STATUS);
    if (rv != APR_SUCCESS) return lose(session, "answers nonsense");
    return status == APR_SUCCESS ? APR_SUCCESS
                                 : xipc__fail((apr_status_t)status, "says the manager");
}

apr_status_t xipc__session_call(xipc_values_t **answer, xipc_connection_t *session,
                                const xipc_values_t *request, apr_interval_time_t timeout,
                                apr_pool_t *pool)
{
    apr_status_t rv = xipc__session_begin(session, request);
    return rv == APR_SUCCESS ? xipc__session_finish(answer, session, timeout, pool) : rv;
}

apr_status_t xipc__session_attach(xipc_connection_t *session, xipc_connection_t *theirs,
                                  apr_pool_t *pool)
{
    xipc_values_t *answer;
    xipc_values_t *request = xipc__session_request(VERB_ATTACH, 0, 0, 0, pool);
    apr_status_t rv = xipc_values_add_connection(request, theirs);
    return rv == APR_SUCCESS ? xipc__session_call(&answer, session, request, 0, pool) : rv;
}

apr_status_t xipc__session_open(xipc_connection_t **opened, xipc_connection_t *session,
                                apr_pool_t *scratch, apr_pool_t *pool)
{
    xipc_connection_t *mine;
    xipc_connection_t *theirs;
    apr_status_t rv = xipc_pipe_create(&mine, &theirs, 1, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__session_attach(session, theirs, scratch);
    (void)xipc_connection_close(theirs);
    if (rv == APR_SUCCESS)
        *opened = mine;
    else
        (void)xipc_connection_close(mine);
    return rv;
}

/* ---- the manager ---- */

static apr_status_t manager_cleanup(void *data)
{
    return xipc_manager_shutdown(data, GRACE);
}

apr_status_t xipc_manager_start_ex(xipc_manager_t **manager, xipc_start_method_e method,
                                   apr_pool_t *pool)
{
    if (manager == NULL) return xipc__fail_null("manager");
    if (pool == NULL) return xipc__fail_null("pool");
    xipc_manager_t *made = apr_pcalloc(pool, sizeof *made);
    xipc_connection_t *theirs;
    apr_status_t rv = xipc_pipe_create(&made->session, &theirs, 1, pool);
    if (rv != APR_SUCCESS) return rv;
    xipc_values_t *args = xipc_values_make(pool);
    (void)xipc_values_add_connection(args, theirs);
    rv = xipc_process_create(&made->process, xipc__manager_main, args, pool);
    if (rv == APR_SUCCESS) rv = xipc_process_start_method_set(made->process, method);
    if (rv == APR_SUCCESS) rv = xipc_process_name_set(made->process, "Manager");
    if (rv == APR_SUCCESS) rv = xipc_process_start(made->process);
    (void)xipc_connection_close(theirs);
    if (rv != APR_SUCCESS) {
        (void)xipc_connection_close(made->session);
        return rv;
    }
    apr_pool_pre_cleanup_register(pool, made, manager_cleanup);
    *manager = made;
    return APR_SUCCESS;
}

apr_status_t xipc_manager_start(xipc_manager_t **manager, apr_pool_t *pool)
{
    return xipc_manager_start_ex(manager, XIPC_START_DEFAULT, pool);
}

xipc_process_t *xipc_manager_process(const xipc_manager_t *manager)
{
    return manager == NULL ? NULL : manager->process;
}

static apr_status_t create_queue(xipc_queue_t **queue, const xipc_manager_t *manager,
                                 apr_size_t capacity, apr_pool_t *scratch, apr_pool_t *pool)
{
    xipc_connection_t *session;
    apr_status_t rv = xipc__session_open(&session, manager->session, scratch, pool);
    if (rv != APR_SUCCESS) return rv;
    xipc_values_t *answer;
    apr_int64_t id;
    xipc_values_t *request =
        xipc__session_request(VERB_CREATE, 0, 0, (apr_int64_t)capacity, scratch);
    rv = xipc__session_call(&answer, session, request, 0, scratch);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&id, answer, ANSWER_NUMBER);
    if (rv != APR_SUCCESS) {
        (void)xipc_connection_close(session);
        return rv;
    }
    xipc_queue_t *made = xipc__queue_managed_make(session, id, capacity, pool);
    if (made == NULL) return APR_ENOMEM;
    *queue = made;
    return APR_SUCCESS;
}

apr_status_t xipc_manager_queue(xipc_queue_t **queue, xipc_manager_t *manager, apr_size_t capacity,
                                apr_pool_t *pool)
{
    if (queue == NULL) return xipc__fail_null("queue");
    if (manager == NULL) return xipc__fail_null("manager");
    if (pool == NULL) return xipc__fail_null("pool");
    if (manager->process->owner != xipc__port_self()) return xipc__fail(XIPC_ENOTOWNER, "manager");
    if (manager->session->stream == NULL && manager->process->child == NULL)
        return xipc__fail(XIPC_ECLOSED, "manager");
    if (capacity > INT64_MAX) return xipc__fail(APR_EINVAL, "the capacity is beyond all memory");
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = create_queue(queue, manager, capacity, scratch, pool);
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t xipc_manager_shutdown(xipc_manager_t *manager, apr_interval_time_t timeout)
{
    if (manager == NULL) return xipc__fail_null("manager");
    if (manager->process->owner != xipc__port_self()) return xipc__fail(XIPC_ENOTOWNER, "manager");
    if (manager->process->child == NULL) return APR_SUCCESS;
    (void)xipc_connection_close(manager->session); /* which is the sign to end */
    apr_status_t rv = xipc_process_join(manager->process, timeout);
    if (APR_STATUS_IS_TIMEUP(rv)) {
        (void)xipc_process_kill(manager->process);
        rv = xipc_process_join(manager->process, -1);
    }
    return rv == APR_SUCCESS ? xipc_process_close(manager->process) : rv;
}
