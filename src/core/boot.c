/*
 * boot.c - the first words between a parent and its spawned child.
 */
#include "core/boot.h"

#include "core/connection.h"
#include "core/copied.h"
#include "core/forkserver.h"
#include "core/process.h"
#include "core/state.h"
#include "core/target.h"
#include "xipc/runtime.h"
#include "xipc/version.h"

#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A child that is not ready by then is one whose main never came to xipc_initialize(). Large
 * arguments get a second more for so many bytes.
 */
#define READY_TIMEOUT apr_time_from_sec(30)
enum { BYTES_A_SECOND = 1 << 24 };

enum {
    PREPARATION_VERSION,
    PREPARATION_NAME,
    PREPARATION_METHOD, /* the default start method */
    PREPARATION_PARENT, /* the starter's pid, its identity and its name */
    PREPARATION_PARENT_IDENTITY,
    PREPARATION_PARENT_NAME,
    PREPARATION_LIFE, /* connections, or 0 */
    PREPARATION_STOP,
    PREPARATION_TARGET,
    PREPARATION_COPIED = PREPARATION_TARGET + XIPC__PLACE_VALUES
};
enum { ANSWER_STATUS, ANSWER_DETAIL };

/* ---- in the parent ---- */

static void add_line(xipc_values_t *values, xipc_connection_t *line)
{
    if (line != NULL)
        (void)xipc_values_add_connection(values, line);
    else
        (void)xipc_values_add_int(values, 0);
}

static apr_status_t prepare(xipc_values_t **preparation, const xipc__errand_t *errand,
                            apr_pool_t *pool)
{
    xipc_values_t *values = xipc_values_make(pool);
    (void)xipc_values_add_string(values, XIPC_VERSION_STRING);
    (void)xipc_values_add_string(values, errand->name);
    (void)xipc_values_add_int(values, xipc__state.method);
    (void)xipc_values_add_int(values, xipc__port_self());
    (void)xipc_values_add_int(values, (apr_int64_t)xipc__port_identity());
    (void)xipc_values_add_string(values, xipc__family_name());
    add_line(values, errand->lines.life);
    add_line(values, errand->lines.stop);
    const void *target = xipc__code_address((void (*)(void))errand->target);
    apr_status_t rv = xipc__place_add(values, target, XIPC__PLACE_CODE, pool);
    if (rv == APR_SUCCESS) rv = xipc__copied_pack(values, pool);
    if (rv == APR_SUCCESS) *preparation = values;
    return rv;
}

/* Why a child that should have answered did not. */
static apr_status_t explain_silence(xipc__child_t *child, apr_status_t rv)
{
    int exitcode;
    int is_gone = APR_STATUS_IS_EOF(rv) || rv == APR_EPIPE || rv == XIPC_EBROKEN;
    if (APR_STATUS_IS_TIMEUP(rv))
        return xipc__fail(rv, "the child did not come to xipc_initialize in its main");
    apr_time_t deadline = is_gone ? xipc__deadline(apr_time_from_sec(1)) : 0;
    int has_ended = xipc__port_child_wait(child, deadline) == APR_SUCCESS;
    if (!has_ended && !is_gone) return rv; /* this side's own trouble */
    if (has_ended && xipc__port_child_exitcode(&exitcode, child) == APR_SUCCESS)
        return xipc__fail(XIPC_EDIED, "the child ended before it was ready, exit code %d",
                          exitcode);
    return xipc__fail(XIPC_EDIED, "the child ended before it was ready");
}

/* The answer, or the end of the child, whose grandchildren may hold the stream open. */
static apr_status_t await_answer(xipc_values_t **answer, xipc__child_t *child,
                                 xipc_connection_t *boot, apr_time_t deadline, apr_pool_t *pool)
{
    xipc__waitable_t items[] = {{.stream = boot->stream}, {.child = child}};
    apr_status_t rv = xipc__port_wait(items, 2, deadline);
    if (rv != APR_SUCCESS) return rv;
    return xipc_connection_recv_values(answer, boot,
                                       items[0].is_ready ? xipc__remaining(deadline) : 0, pool);
}

static apr_interval_time_t patience(const xipc__parcel_t *args)
{
    apr_uint64_t size = (apr_uint64_t)args->size + args->tail_size;
    return READY_TIMEOUT + apr_time_from_sec((apr_interval_time_t)(size / BYTES_A_SECOND));
}

static apr_status_t introduce(xipc__child_t *child, xipc_connection_t *boot,
                              const xipc__parcel_t *preparation, const xipc__parcel_t *args,
                              apr_pool_t *pool)
{
    apr_time_t deadline = xipc__deadline(patience(args));
    xipc_values_t *answer;
    apr_int64_t status;
    const char *detail;
    apr_status_t rv = xipc__connection_send_parcel(boot, preparation, deadline);
    if (rv == APR_SUCCESS) rv = xipc__connection_send_parcel(boot, args, deadline);
    if (rv == APR_SUCCESS) rv = await_answer(&answer, child, boot, deadline, pool);
    if (rv != APR_SUCCESS) return explain_silence(child, rv);
    rv = xipc_values_get_int(&status, answer, ANSWER_STATUS);
    if (rv == APR_SUCCESS) rv = xipc_values_get_string(&detail, answer, ANSWER_DETAIL);
    if (rv != APR_SUCCESS) return xipc__fail(XIPC_EPROTOCOL, "the child's answer is malformed");
    if (status == APR_SUCCESS) return APR_SUCCESS;
    return *detail == '\0' ? (apr_status_t)status : xipc__fail((apr_status_t)status, "%s", detail);
}

static void give_up(const xipc__started_t *started)
{
    (void)xipc__port_child_stop(started->child, XIPC__STOP_KILL);
    (void)xipc__port_child_wait(started->child, XIPC__NEVER);
    xipc__port_child_close(started->child);
    if (started->report != NULL) (void)xipc_connection_close(started->report);
}

/* A child that waits for its errand at the other end of `boot`. */
static apr_status_t launch(xipc__started_t *started, xipc_connection_t **boot,
                           const xipc__errand_t *errand, apr_pool_t *child_pool, apr_pool_t *pool)
{
    if (errand->method == XIPC_START_FORKSERVER)
        return xipc__forkserver_launch(started, boot, errand->bonds, child_pool, pool);
    xipc__stream_t *stream;
    started->report = NULL;
    apr_status_t rv = xipc__port_child_spawn(&started->child, &stream, xipc__state.executable,
                                             xipc__state.name, errand->bonds, child_pool);
    if (rv == APR_SUCCESS) *boot = xipc__connection_make(stream, 1, 1, pool);
    return rv;
}

static apr_status_t launch_and_introduce(xipc__started_t *started, const xipc__errand_t *errand,
                                         const xipc__parcel_t *preparation,
                                         const xipc__parcel_t *args, apr_pool_t *child_pool,
                                         apr_pool_t *pool)
{
    xipc__started_t launched;
    xipc_connection_t *boot;
    apr_status_t rv = launch(&launched, &boot, errand, child_pool, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = introduce(launched.child, boot, preparation, args, pool);
    (void)xipc_connection_close(boot);
    if (rv == APR_SUCCESS)
        *started = launched;
    else
        give_up(&launched);
    return rv;
}

/* Both lists are packed before there is a child, so that what can't travel costs none. */
static apr_status_t pack_and_launch(xipc__started_t *started, const xipc__errand_t *errand,
                                    apr_pool_t *child_pool, apr_pool_t *pool)
{
    xipc_values_t *values;
    xipc__parcel_t preparation;
    xipc__parcel_t args;
    apr_status_t rv = prepare(&values, errand, pool);
    if (rv == APR_SUCCESS) rv = xipc__parcel_pack_to_send(&preparation, values, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__parcel_pack_to_send(&args, errand->args, pool);
    if (rv == APR_SUCCESS) {
        rv = launch_and_introduce(started, errand, &preparation, &args, child_pool, pool);
        xipc__parcel_free(&args);
    }
    xipc__parcel_free(&preparation);
    return rv;
}

apr_status_t xipc__boot_start(xipc__started_t *started, const xipc__errand_t *errand,
                              apr_pool_t *pool)
{
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = pack_and_launch(started, errand, pool, scratch);
    apr_pool_destroy(scratch);
    return rv;
}

/* ---- in the child ---- */

typedef struct {
    xipc_target_t target;
    xipc_values_t *args;
} job_t;

static apr_status_t take_family(const xipc_values_t *preparation)
{
    const char *name;
    const char *parent_name;
    apr_int64_t parent;
    apr_int64_t identity;
    apr_status_t rv = xipc_values_get_string(&name, preparation, PREPARATION_NAME);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&parent, preparation, PREPARATION_PARENT);
    if (rv == APR_SUCCESS)
        rv = xipc_values_get_int(&identity, preparation, PREPARATION_PARENT_IDENTITY);
    if (rv == APR_SUCCESS)
        rv = xipc_values_get_string(&parent_name, preparation, PREPARATION_PARENT_NAME);
    if (rv == APR_SUCCESS)
        xipc__family_begin(name, (pid_t)parent, (apr_uint64_t)identity, parent_name);
    return rv;
}

/* *line is NULL when there is none. */
static apr_status_t take_line(xipc_connection_t **line, const xipc_values_t *preparation,
                              apr_size_t index)
{
    xipc_value_type_e type;
    *line = NULL;
    apr_status_t rv = xipc_values_type(&type, preparation, index);
    if (rv != APR_SUCCESS || type != XIPC_VALUE_CONNECTION) return rv;
    return xipc_values_get_connection(line, preparation, index);
}

static apr_status_t take_lines(const xipc_values_t *preparation)
{
    xipc__lines_t lines;
    apr_status_t rv = take_line(&lines.life, preparation, PREPARATION_LIFE);
    if (rv == APR_SUCCESS) rv = take_line(&lines.stop, preparation, PREPARATION_STOP);
    return rv == APR_SUCCESS ? xipc__lines_take(&lines) : rv;
}

static apr_status_t take_preparation(job_t *job, const xipc_values_t *preparation, apr_pool_t *pool)
{
    const char *version;
    apr_int64_t method;
    void *address;
    apr_status_t rv = xipc_values_get_string(&version, preparation, PREPARATION_VERSION);
    if (rv != APR_SUCCESS) return rv;
    if (strcmp(version, XIPC_VERSION_STRING) != 0)
        return xipc__fail(XIPC_EBUILD, "xipc %s in the parent, %s in the child", version,
                          XIPC_VERSION_STRING);
    rv = take_family(preparation);
    if (rv == APR_SUCCESS) rv = take_lines(preparation);
    if (rv == APR_SUCCESS) rv = xipc_values_get_int(&method, preparation, PREPARATION_METHOD);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__place_get(&address, preparation, PREPARATION_TARGET, XIPC__PLACE_CODE, pool);
    if (rv != APR_SUCCESS) return rv;
    job->target = (xipc_target_t)xipc__code_function(address);
    xipc__state.method = (xipc_start_method_e)method;
    return xipc__copied_unpack(preparation, PREPARATION_COPIED, pool);
}

static apr_status_t answer(xipc_connection_t *boot, apr_status_t status, apr_pool_t *pool)
{
    xipc_values_t *values = xipc_values_make(pool);
    (void)xipc_values_add_int(values, status);
    (void)xipc_values_add_string(values, xipc__fail_detail(status));
    return xipc_connection_send_values(boot, values, READY_TIMEOUT);
}

/* What the parent sends; the error of the last step is also the answer. */
static apr_status_t take_job(job_t *job, xipc_connection_t *boot, apr_pool_t *pool)
{
    xipc_values_t *preparation;
    apr_status_t rv = xipc_connection_recv_values(&preparation, boot, READY_TIMEOUT, pool);
    if (rv != APR_SUCCESS) return rv;
    apr_status_t prepared = take_preparation(job, preparation, pool);
    /* however large: the parent gives up, and ends this process, when it has waited enough */
    rv = xipc_connection_recv_values(&job->args, boot, -1, pool);
    if (prepared != APR_SUCCESS) rv = prepared;
    apr_status_t answered = answer(boot, rv, pool);
    return rv != APR_SUCCESS ? rv : answered;
}

int xipc__boot_run(xipc_target_t target, xipc_values_t *args, apr_pool_t *pool)
{
    int exitcode = target(args, pool);
    xipc__hooks_run_at_child_exit();
    xipc__family_end();
    apr_pool_destroy(pool);
    return exitcode;
}

int xipc__boot_serve(xipc_connection_t *boot, apr_pool_t *pool)
{
    job_t job;
    apr_status_t rv = take_job(&job, boot, pool);
    (void)xipc_connection_close(boot);
    if (rv != APR_SUCCESS) return EXIT_FAILURE; /* the parent knows why, or is gone */
    return xipc__boot_run(job.target, job.args, pool);
}

apr_status_t xipc__boot_child(const char *argument)
{
    apr_pool_t *pool;
    xipc__stream_t *stream;
    apr_status_t rv = apr_pool_create(&pool, NULL);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__port_boot_open(&stream, argument, pool);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    int exitcode = xipc__boot_serve(xipc__connection_make(stream, 1, 1, pool), pool);
    xipc_terminate();
    exit(exitcode);
}
