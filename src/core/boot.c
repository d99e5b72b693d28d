/*
 * boot.c - the first words between a parent and its spawned child.
 */
#include "core/boot.h"

#include "core/connection.h"
#include "core/copied.h"
#include "core/state.h"
#include "core/target.h"
#include "xipc/runtime.h"
#include "xipc/version.h"

#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A child that is not ready by then is one whose main never came to xipc_initialize(). */
#define READY_TIMEOUT apr_time_from_sec(30)

enum {
    PREPARATION_VERSION,
    PREPARATION_NAME,
    PREPARATION_TARGET,
    PREPARATION_COPIED = 2 + XIPC__PLACE_VALUES
};
enum { ANSWER_STATUS, ANSWER_DETAIL };

/* ---- in the parent ---- */

static apr_status_t prepare(xipc_values_t **preparation, const char *name, xipc_target_t target,
                            apr_pool_t *pool)
{
    xipc_values_t *values = xipc_values_make(pool);
    (void)xipc_values_add_string(values, XIPC_VERSION_STRING);
    (void)xipc_values_add_string(values, name);
    apr_status_t rv =
        xipc__place_add(values, xipc__code_address((void (*)(void))target), XIPC__PLACE_CODE, pool);
    if (rv == APR_SUCCESS) rv = xipc__copied_pack(values, pool);
    if (rv == APR_SUCCESS) *preparation = values;
    return rv;
}

/* Why a child that should have answered did not. */
static apr_status_t explain_silence(xipc__child_t *child, apr_status_t rv)
{
    int exitcode;
    if (APR_STATUS_IS_TIMEUP(rv))
        return xipc__fail(rv, "the child did not come to xipc_initialize in its main");
    if (xipc__port_child_wait(child, xipc__deadline(apr_time_from_sec(1))) == APR_SUCCESS &&
        xipc__port_child_exitcode(&exitcode, child) == APR_SUCCESS)
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

static apr_status_t introduce(xipc__child_t *child, xipc_connection_t *boot,
                              const xipc__parcel_t *preparation, const xipc__parcel_t *args,
                              apr_pool_t *pool)
{
    apr_time_t deadline = xipc__deadline(READY_TIMEOUT);
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

static void give_up(xipc__child_t *child)
{
    (void)xipc__port_child_stop(child, XIPC__STOP_KILL);
    (void)xipc__port_child_wait(child, XIPC__NEVER);
    xipc__port_child_close(child);
}

static apr_status_t spawn(xipc__child_t **child, const xipc__parcel_t *preparation,
                          const xipc__parcel_t *args, apr_pool_t *child_pool, apr_pool_t *pool)
{
    xipc__child_t *started;
    xipc__stream_t *stream;
    apr_status_t rv = xipc__port_child_spawn(&started, &stream, xipc__state.executable,
                                             xipc__state.name, child_pool);
    if (rv != APR_SUCCESS) return rv;
    xipc_connection_t *boot = xipc__connection_make(stream, 1, 1, pool);
    rv = introduce(started, boot, preparation, args, pool);
    (void)xipc_connection_close(boot);
    if (rv == APR_SUCCESS)
        *child = started;
    else
        give_up(started);
    return rv;
}

/* Both lists are packed before there is a child, so that what can't travel costs none. */
static apr_status_t pack_and_spawn(xipc__child_t **child, const xipc_values_t *preparation,
                                   const xipc_values_t *args, apr_pool_t *child_pool,
                                   apr_pool_t *pool)
{
    xipc__parcel_t packed_preparation;
    xipc__parcel_t packed_args;
    apr_status_t rv = xipc__parcel_pack(&packed_preparation, preparation, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__parcel_pack(&packed_args, args, pool);
    if (rv == APR_SUCCESS) {
        rv = spawn(child, &packed_preparation, &packed_args, child_pool, pool);
        xipc__parcel_free(&packed_args);
    }
    xipc__parcel_free(&packed_preparation);
    return rv;
}

apr_status_t xipc__boot_spawn(xipc__child_t **child, const char *name, xipc_target_t target,
                              const xipc_values_t *args, apr_pool_t *pool)
{
    apr_pool_t *scratch;
    xipc_values_t *preparation;
    apr_status_t rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = prepare(&preparation, name, target, scratch);
    if (rv == APR_SUCCESS) rv = pack_and_spawn(child, preparation, args, pool, scratch);
    apr_pool_destroy(scratch);
    return rv;
}

/* ---- in the child ---- */

typedef struct {
    xipc_target_t target;
    xipc_values_t *args;
} errand_t;

static apr_status_t take_preparation(errand_t *errand, const xipc_values_t *preparation,
                                     apr_pool_t *pool)
{
    const char *version;
    const char *name;
    void *address;
    apr_status_t rv = xipc_values_get_string(&version, preparation, PREPARATION_VERSION);
    if (rv != APR_SUCCESS) return rv;
    if (strcmp(version, XIPC_VERSION_STRING) != 0)
        return xipc__fail(XIPC_EBUILD, "xipc %s in the parent, %s in the child", version,
                          XIPC_VERSION_STRING);
    rv = xipc_values_get_string(&name, preparation, PREPARATION_NAME);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__place_get(&address, preparation, PREPARATION_TARGET, XIPC__PLACE_CODE, pool);
    if (rv != APR_SUCCESS) return rv;
    errand->target = (xipc_target_t)xipc__code_function(address);
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
static apr_status_t take_errand(errand_t *errand, xipc_connection_t *boot, apr_pool_t *pool)
{
    xipc_values_t *preparation;
    apr_status_t rv = xipc_connection_recv_values(&preparation, boot, READY_TIMEOUT, pool);
    if (rv != APR_SUCCESS) return rv;
    apr_status_t prepared = take_preparation(errand, preparation, pool);
    rv = xipc_connection_recv_values(&errand->args, boot, READY_TIMEOUT, pool);
    if (prepared != APR_SUCCESS) rv = prepared;
    apr_status_t answered = answer(boot, rv, pool);
    return rv != APR_SUCCESS ? rv : answered;
}

int xipc__boot_run(xipc_target_t target, xipc_values_t *args, apr_pool_t *pool)
{
    int exitcode = target(args, pool);
    apr_pool_destroy(pool);
    return exitcode;
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

    errand_t errand;
    xipc_connection_t *boot = xipc__connection_make(stream, 1, 1, pool);
    rv = take_errand(&errand, boot, pool);
    (void)xipc_connection_close(boot);
    if (rv != APR_SUCCESS) exit(EXIT_FAILURE); /* the parent knows why, or is gone */

    int exitcode = xipc__boot_run(errand.target, errand.args, pool);
    xipc_terminate();
    exit(exitcode);
}
