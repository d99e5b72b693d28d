/*
 * runtime.c - the begin and the end of a program that uses xipc.
 */
#include "xipc/runtime.h"

#include "core/boot.h"
#include "core/fail.h"
#include "core/forkserver.h"
#include "core/port.h"
#include "core/process.h"
#include "core/program.h"
#include "core/state.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <stdatomic.h>
#include <string.h>

xipc__state_t xipc__state;

static atomic_flag state_lock = ATOMIC_FLAG_INIT;

void xipc__state_lock(void)
{
    while (atomic_flag_test_and_set_explicit(&state_lock, memory_order_acquire)) apr_thread_yield();
}

void xipc__state_unlock(void)
{
    atomic_flag_clear_explicit(&state_lock, memory_order_release);
}

static int is_spawned_child(int argc, char **argv)
{
    return argc >= 2 && strcmp(argv[1], XIPC__CHILD_OPTION) == 0;
}

/*
 * What APR calls is looked up at the first call, which would be in each forked child anew: some ten
 * page faults each. So it is called here once.
 */
static void bind_calls_of_children(void)
{
    apr_pool_t *pool;
    if (apr_pool_create(&pool, xipc__state.pool) != APR_SUCCESS) return;
    (void)apr_pstrdup(pool, "");
    apr_pool_destroy(pool);
}

static apr_status_t set_up(int argc, char **argv)
{
    apr_status_t rv = apr_initialize();
    if (rv != APR_SUCCESS) return rv;
    rv = apr_pool_create(&xipc__state.pool, NULL);
    if (rv != APR_SUCCESS) {
        apr_terminate();
        return rv;
    }
    rv = apr_thread_mutex_create(&xipc__state.start_mutex, APR_THREAD_MUTEX_DEFAULT,
                                 xipc__state.pool);
    if (rv != APR_SUCCESS) {
        apr_terminate();
        return rv;
    }
    xipc__state.name = argc > 0 ? argv[0] : "xipc";
    xipc__state.initialized = 1;
    xipc__program_take_inherited();
    bind_calls_of_children();
    return APR_SUCCESS;
}

apr_status_t xipc_initialize(int *argc, char ***argv)
{
    if (argc == NULL) return xipc__fail_null("argc");
    if (argv == NULL || *argv == NULL) return xipc__fail_null("argv");
    if (xipc__state.initialized > 0) {
        xipc__state.initialized++;
        return APR_SUCCESS;
    }

    apr_status_t rv = set_up(*argc, *argv);
    if (rv != APR_SUCCESS) return rv;
    if (is_spawned_child(*argc, *argv)) {
        /* comes back only when this process is no spawned child after all */
        rv = xipc__boot_child(*argc > 2 ? (*argv)[2] : "");
        xipc_terminate();
    }
    return rv;
}

void xipc_terminate(void)
{
    if (xipc__state.initialized == 0 || --xipc__state.initialized > 0) return;
    xipc__family_end();
    xipc__forkserver_end();
    apr_pool_destroy(xipc__state.pool);
    xipc__state.pool = NULL;
    xipc__state.executable = NULL;
    xipc__state.preload = NULL;
    xipc__state.current = xipc__state.parent = NULL;
    xipc__state.child_name = NULL;
    xipc__state.stop = NULL;
    xipc__state.at_fork = xipc__state.at_exit = NULL;
    xipc__state.method = XIPC_START_DEFAULT;
    apr_terminate();
}
