/*
 * forkserver.c - both sides of the forkserver.
 */
#include "core/forkserver.h"

#include "core/connection.h"
#include "core/listener.h"
#include "core/state.h"
#include "core/target.h"

#include <apr_thread_mutex.h>

#include <stdlib.h>

/* What the server does at once is late when it takes longer than this. */
#define PATIENCE apr_time_from_sec(30)

enum { REQUEST_BOOT, REQUEST_REPORT, REQUEST_BONDS };
enum { ANSWER_STATUS, ANSWER_PID };

struct xipc__forkserver_t {
    apr_pool_t *pool;
    pid_t owner; /* a forked child has its parent's memory, but needs a server of its own */
    xipc__child_t *child;
    xipc_connection_t *control;
};

/* ---- in the server ---- */

typedef struct ward_t {
    struct ward_t *next;
    apr_pool_t *pool;
    xipc__child_t *child;
    xipc_connection_t *report;
    int bonds;
    int is_held; /* it has ended, and keeps its group's number until the report is closed */
} ward_t;

typedef struct {
    apr_pool_t *pool;
    xipc_connection_t *control;
    ward_t *wards; /* children that were not reaped yet */
} server_t;

/* Nothing of the server's stays but the boot stream. */
static apr_status_t keep_only(xipc__stream_t **stream, const xipc_connection_t *boot,
                              apr_pool_t *pool)
{
    xipc__handle_t handle;
    apr_status_t rv = xipc__port_handle_duplicate(&handle, xipc__port_stream_handle(boot->stream));
    xipc__listener_close_all();
    xipc__connection_close_all_but(NULL, 0);
    return rv == APR_SUCCESS ? xipc__port_stream_adopt(stream, handle, pool) : rv;
}

/* In the new child. */
static void run_child(const ward_t *wards, const xipc_connection_t *boot)
{
    apr_pool_t *pool;
    xipc__stream_t *stream = NULL;
    for (const ward_t *ward = wards; ward != NULL; ward = ward->next)
        xipc__port_child_disown(ward->child);
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        keep_only(&stream, boot, pool) != APR_SUCCESS)
        xipc__port_exit(EXIT_FAILURE);
    xipc__port_exit(xipc__boot_serve(xipc__connection_make(stream, 1, 1, pool), pool));
}

static apr_status_t fork_ward(ward_t *ward, const ward_t *others, const xipc_values_t *request,
                              apr_pool_t *pool)
{
    xipc_connection_t *boot;
    apr_status_t rv = xipc_values_get_connection(&boot, request, REQUEST_BOOT);
    if (rv == APR_SUCCESS) rv = xipc_values_get_connection(&ward->report, request, REQUEST_REPORT);
    apr_int64_t bonds = 0;
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&bonds, request, REQUEST_BONDS);
    if (rv != APR_SUCCESS) return rv;
    int threads = xipc__port_threads();
    if (threads > 1) return xipc__fail(XIPC_ETHREADS, "the forkserver has %d", threads);
    ward->bonds = (int)bonds;
    rv = xipc__port_child_fork(&ward->child, ward->bonds, pool);
    if (rv == APR_SUCCESS && ward->child == NULL) run_child(others, boot);
    (void)xipc_connection_close(boot);
    return rv;
}

static apr_status_t send_answer(server_t *server, apr_status_t status, pid_t pid, apr_pool_t *pool)
{
    xipc_values_t *answer = xipc_values_make(pool);
    (void)xipc_values_add_int(answer, status);
    (void)xipc_values_add_int(answer, pid);
    return xipc_connection_send_values(server->control, answer, PATIENCE);
}

/* One request. An error means that the starter is gone. */
static apr_status_t serve_request(server_t *server)
{
    apr_pool_t *pool;
    xipc_values_t *request;
    apr_status_t rv = apr_pool_create(&pool, server->pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc_connection_recv_values(&request, server->control, -1, pool);
    if (rv != APR_SUCCESS) return rv;
    ward_t *ward = apr_pcalloc(pool, sizeof *ward);
    ward->pool = pool;
    apr_status_t forked = fork_ward(ward, server->wards, request, pool);
    rv = send_answer(server, forked, forked == APR_SUCCESS ? xipc__port_child_pid(ward->child) : 0,
                     pool);
    if (forked == APR_SUCCESS) {
        ward->next = server->wards;
        server->wards = ward;
    } else {
        apr_pool_destroy(pool);
    }
    return rv;
}

/* The child keeps its pid until it is reaped, so that waits until the starter has it in sight. */
static void report_end(ward_t *ward)
{
    int exitcode;
    xipc_values_t *seen;
    xipc_values_t *report = xipc_values_make(ward->pool);
    (void)xipc_connection_recv_values(&seen, ward->report, PATIENCE, ward->pool);
    if (xipc__port_child_wait(ward->child, XIPC__NEVER) == APR_SUCCESS &&
        xipc__port_child_exitcode(&exitcode, ward->child) == APR_SUCCESS) {
        (void)xipc_values_add_int(report, exitcode);
        (void)xipc_connection_send_values(ward->report, report, PATIENCE);
    }
    ward->is_held = (ward->bonds & XIPC__BOND_GROUP) != 0;
}

/* One that is ready has ended; or, when it was held, its report is closed. Is it done with? */
static int is_reaped(ward_t *ward)
{
    if (!ward->is_held) {
        report_end(ward);
        if (ward->is_held) return 0;
    }
    xipc__port_child_close(ward->child);
    return 1;
}

static void reap_ready(server_t *server, const xipc__waitable_t *item)
{
    for (ward_t **link = &server->wards; *link != NULL; item++) {
        ward_t *ward = *link;
        if (item->is_ready && is_reaped(ward)) {
            *link = ward->next;
            apr_pool_destroy(ward->pool);
        } else {
            link = &ward->next;
        }
    }
}

static apr_status_t serve_round(server_t *server)
{
    apr_size_t count = 1;
    for (const ward_t *ward = server->wards; ward != NULL; ward = ward->next) count++;
    xipc__waitable_t *items = calloc(count, sizeof *items);
    if (items == NULL) return APR_ENOMEM;
    items[0].stream = server->control->stream;
    apr_size_t at = 1;
    for (const ward_t *ward = server->wards; ward != NULL; ward = ward->next, at++) {
        if (ward->is_held)
            items[at].stream = ward->report->stream;
        else
            items[at].child = ward->child;
    }
    apr_status_t rv = xipc__port_wait(items, count, XIPC__NEVER);
    if (rv == APR_SUCCESS) reap_ready(server, items + 1);
    if (rv == APR_SUCCESS && items[0].is_ready) rv = serve_request(server);
    free(items);
    return rv;
}

/* args: the connection to the starter, and the place of the preload function where there is one. */
static int server_main(xipc_values_t *args, apr_pool_t *pool)
{
    void *address;
    server_t server = {.pool = pool};
    apr_status_t rv = xipc_values_get_connection(&server.control, args, 0);
    if (rv == APR_SUCCESS && xipc_values_count(args) > 1) {
        rv = xipc__place_get(&address, args, 1, XIPC__PLACE_CODE, pool);
        if (rv == APR_SUCCESS) rv = ((xipc_preload_t)xipc__code_function(address))(pool);
    }
    rv = send_answer(&server, rv, 0, pool);
    while (rv == APR_SUCCESS) rv = serve_round(&server);
    return EXIT_SUCCESS;
}

/* ---- in the starter ---- */

int xipc__forkserver_runs(void)
{
    const xipc__forkserver_t *server = xipc__state.forkserver;
    return server != NULL && server->owner == xipc__port_self() &&
           APR_STATUS_IS_TIMEUP(xipc__port_child_wait(server->child, 0));
}

void xipc__forkserver_disown(void)
{
    if (xipc__state.forkserver != NULL) xipc__port_child_disown(xipc__state.forkserver->child);
    xipc__state.forkserver = NULL;
}

void xipc__forkserver_end(void)
{
    xipc__forkserver_t *server = xipc__state.forkserver;
    xipc__state.forkserver = NULL;
    if (server == NULL || server->owner != xipc__port_self()) return;
    (void)xipc_connection_close(server->control);
    (void)xipc__port_child_stop(server->child, XIPC__STOP_KILL);
    (void)xipc__port_child_wait(server->child, XIPC__NEVER);
    xipc__port_child_close(server->child);
    apr_pool_destroy(server->pool);
}

static apr_status_t receive_answer(pid_t *pid, xipc_connection_t *control, apr_pool_t *pool)
{
    xipc_values_t *answer;
    apr_int64_t status;
    apr_int64_t number;
    apr_status_t rv = xipc_connection_recv_values(&answer, control, PATIENCE, pool);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&status, answer, ANSWER_STATUS);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&number, answer, ANSWER_PID);
    if (rv != APR_SUCCESS) return xipc__fail(XIPC_EDIED, "the forkserver does not answer");
    *pid = (pid_t)number;
    return (apr_status_t)status;
}

static apr_status_t start_server(xipc__forkserver_t *server, apr_pool_t *pool)
{
    xipc_connection_t *theirs;
    xipc__started_t started;
    pid_t none;
    apr_status_t rv = xipc_pipe_create(&server->control, &theirs, 1, pool);
    if (rv != APR_SUCCESS) return rv;
    xipc_values_t *args = xipc_values_make(pool);
    (void)xipc_values_add_connection(args, theirs);
    if (xipc__state.preload != NULL)
        rv = xipc__place_add(args, xipc__code_address((void (*)(void))xipc__state.preload),
                             XIPC__PLACE_CODE, pool);
    const xipc__errand_t errand = {
        .name = "forkserver", .method = XIPC_START_SPAWN, .target = server_main, .args = args};
    if (rv == APR_SUCCESS) rv = xipc__boot_start(&started, &errand, pool);
    (void)xipc_connection_close(theirs);
    if (rv != APR_SUCCESS) return rv;
    server->child = started.child;
    rv = receive_answer(&none, server->control, pool);
    if (rv == APR_SUCCESS || rv == XIPC_EDIED) return rv;
    return xipc__fail(XIPC_EFAILED, "the forkserver's preload function returned %d", rv);
}

static apr_status_t ensure_server(void)
{
    apr_pool_t *pool;
    if (xipc__forkserver_runs()) return APR_SUCCESS;
    xipc__forkserver_end();
    apr_status_t rv = apr_pool_create(&pool, NULL);
    if (rv != APR_SUCCESS) return rv;
    xipc__forkserver_t *server = apr_pcalloc(pool, sizeof *server);
    server->pool = pool;
    server->owner = xipc__port_self();
    rv = start_server(server, pool);
    if (rv == APR_SUCCESS) {
        xipc__state.forkserver = server;
        return APR_SUCCESS;
    }
    if (server->child != NULL) {
        (void)xipc__port_child_stop(server->child, XIPC__STOP_KILL);
        (void)xipc__port_child_wait(server->child, XIPC__NEVER);
        xipc__port_child_close(server->child);
    }
    apr_pool_destroy(pool);
    return rv;
}

/* Ask the server for a child, and get it in sight. */
static apr_status_t request_child(xipc__started_t *started, xipc_connection_t *boot_theirs,
                                  xipc_connection_t *report_theirs, int bonds,
                                  apr_pool_t *child_pool, apr_pool_t *pool)
{
    pid_t pid;
    xipc_connection_t *control = xipc__state.forkserver->control;
    xipc_values_t *request = xipc_values_make(pool);
    (void)xipc_values_add_connection(request, boot_theirs);
    (void)xipc_values_add_connection(request, report_theirs);
    (void)xipc_values_add_int(request, bonds);
    apr_status_t rv = xipc_connection_send_values(control, request, PATIENCE);
    if (rv == APR_EPIPE || rv == XIPC_EBROKEN || APR_STATUS_IS_TIMEUP(rv))
        rv = xipc__fail(XIPC_EDIED, "the forkserver is gone");
    if (rv == APR_SUCCESS) rv = receive_answer(&pid, control, pool);
    if (rv == XIPC_EDIED) xipc__forkserver_end(); /* or a late answer would be the next one's */
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__port_child_adopt(&started->child, pid, bonds, child_pool);
    if (rv != APR_SUCCESS) return rv;
    return xipc_connection_send_values(started->report, NULL, PATIENCE);
}

static apr_status_t launch(xipc__started_t *started, xipc_connection_t **boot, int bonds,
                           apr_pool_t *child_pool, apr_pool_t *pool)
{
    xipc_connection_t *boot_theirs;
    xipc_connection_t *report_theirs;
    apr_status_t rv = ensure_server();
    if (rv != APR_SUCCESS) return rv;
    rv = xipc_pipe_create(boot, &boot_theirs, 1, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc_pipe_create(&started->report, &report_theirs, 1, child_pool);
    if (rv == APR_SUCCESS) {
        rv = request_child(started, boot_theirs, report_theirs, bonds, child_pool, pool);
        (void)xipc_connection_close(report_theirs);
        if (rv != APR_SUCCESS) (void)xipc_connection_close(started->report);
    }
    (void)xipc_connection_close(boot_theirs);
    if (rv != APR_SUCCESS) (void)xipc_connection_close(*boot);
    return rv;
}

apr_status_t xipc__forkserver_launch(xipc__started_t *started, xipc_connection_t **boot, int bonds,
                                     apr_pool_t *child_pool, apr_pool_t *pool)
{
    apr_status_t rv = apr_thread_mutex_lock(xipc__state.start_mutex);
    if (rv != APR_SUCCESS) return rv;
    rv = launch(started, boot, bonds, child_pool, pool);
    (void)apr_thread_mutex_unlock(xipc__state.start_mutex);
    return rv;
}

void xipc__forkserver_learn(xipc__child_t *child, xipc_connection_t *report)
{
    apr_pool_t *pool;
    xipc_values_t *values;
    apr_int64_t exitcode;
    int known;
    if (report->stream == NULL || xipc__port_child_exitcode(&known, child) == APR_SUCCESS ||
        apr_pool_create(&pool, report->pool) != APR_SUCCESS)
        return;
    if (xipc_connection_recv_values(&values, report, PATIENCE, pool) == APR_SUCCESS &&
        xipc_values_get_int(&exitcode, values, 0) == APR_SUCCESS)
        xipc__port_child_tell(child, (int)exitcode);
    apr_pool_destroy(pool);
}
