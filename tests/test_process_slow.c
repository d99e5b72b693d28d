/* The one promise of process.h that takes half a minute to see. */
#include "testing.h"

#include <apr_env.h>

#include <stdlib.h>

/*
 * See main: with this word in the environment this program stays away from xipc_initialize() for
 * long.
 */
static const char dawdle[] = "XIPC_TEST_DAWDLE";

static int nothing(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 0;
}

static void child_that_is_not_there_after_30_seconds_is_ended(testing_t *test)
{
    xipc_process_t *process;
    REQUIRE_OK(xipc_process_create(&process, nothing, NULL, test->pool));
    REQUIRE_OK(xipc_process_start_method_set(process, XIPC_START_SPAWN));
    REQUIRE_OK(apr_env_set(dawdle, "1", test->pool));
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_process_start(process));
    CHECK_WAITED(began, apr_time_from_sec(30));
    CHECK_NUMBER(0, xipc_process_is_alive(process));
    CHECK(system_children() == 0);
    CHECK_OK(apr_env_delete(dawdle, test->pool));
    CHECK_OK(xipc_process_start(process));
    CHECK_NUMBER(0, testing_finish(process));
}

static const testing_case_t cases[] = {
    ONCE(child_that_is_not_there_after_30_seconds_is_ended),
};

int main(int argc, char **argv)
{
    if (getenv(dawdle) != NULL) apr_sleep(apr_time_from_sec(90));
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return TESTING_NO_START;
    return testing_main("process.slow", cases, sizeof cases / sizeof *cases, argc, argv);
}
