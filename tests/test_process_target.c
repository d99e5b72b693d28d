/* What a target may be, and what is none; the promises of process.h. */
#include "loading.h"

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include <stdio.h>

/* ---- targets in the program ---- */

static int return_number(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    (void)pool;
    return xipc_values_get_int(&number, args, 0) == APR_SUCCESS ? (int)number : 99;
}

static void target_may_be_a_static_function(testing_t *test)
{
    CHECK_NUMBER(7, testing_run(test, return_number, testing_int_args(7, test->pool)));
}

/* ---- targets in a shared library ---- */

static void target_may_be_a_function_of_a_shared_library(testing_t *test)
{
    plugin_t plugin;
    REQUIRE(plugin_load(&plugin, XIPC_TEST_PLUGIN_ONE, test->pool));
    CHECK_NUMBER(8, testing_run(test, plugin.add_one, testing_int_args(7, test->pool)));
    CHECK_NUMBER(9, testing_run(test, plugin.hidden(), testing_int_args(7, test->pool)));
}

static void shared_library_of_the_target_is_loaded_in_the_child_by_itself(testing_t *test)
{
    plugin_t one;
    plugin_t two;
    REQUIRE(plugin_load(&one, XIPC_TEST_PLUGIN_ONE, test->pool));
    REQUIRE(plugin_load(&two, XIPC_TEST_PLUGIN_TWO, test->pool));
    CHECK(one.add_one != two.add_one);
    CHECK(strcmp(one.name(), two.name()) != 0);
    CHECK_NUMBER(8, testing_run(test, two.add_one, testing_int_args(7, test->pool)));
    CHECK_NUMBER(8, testing_run(test, one.add_one, testing_int_args(7, test->pool)));
}

static void variables_of_a_shared_library_are_as_those_of_the_program(testing_t *test)
{
    plugin_t plugin;
    REQUIRE(plugin_load(&plugin, XIPC_TEST_PLUGIN_ONE, test->pool));
    plugin.plain_set(41);
    int expected = test->method == XIPC_START_FORK ? 41 : 1;
    CHECK_NUMBER(expected, testing_run(test, plugin.plain, NULL));
    plugin.plain_set(1);
}

/* A copy of a plugin in a file of its own, next to nothing else. */
static const char *copy_plugin(const char *from, apr_pool_t *pool)
{
    const char *to = testing_temporary("plugin.so", pool);
    return CHECK_OK(apr_file_copy(from, to, APR_FILE_SOURCE_PERMS, pool)) ? to : NULL;
}

static void library_replaced_by_another_build_is_XIPC_EBUILD(testing_t *test)
{
    plugin_t plugin;
    const char *path = copy_plugin(XIPC_TEST_PLUGIN_ONE, test->pool);
    const char *other = copy_plugin(XIPC_TEST_PLUGIN_TWO, test->pool);
    REQUIRE(path != NULL && other != NULL);
    REQUIRE(plugin_load(&plugin, path, test->pool));
    xipc_process_t *process = testing_create(test, plugin.add_one, testing_int_args(7, test->pool));
    REQUIRE(process != NULL);
    if (test->method != XIPC_START_SPAWN) {
        testing_skip("only a spawned child loads the library anew");
        CHECK(remove(other) == 0);
    } else if (remove(path) != 0 || rename(other, path) != 0) {
        testing_skip("a loaded library can't be replaced here");
        CHECK(remove(other) == 0);
    } else {
        CHECK_STATUS(XIPC_EBUILD, xipc_process_start(process));
        CHECK(strstr(testing_text(XIPC_EBUILD), apr_filepath_name_get(path)) != NULL);
        CHECK(!xipc_process_is_alive(process));
    }
    CHECK_OK(apr_dso_unload(plugin.library));
    CHECK(remove(path) == 0);
}

static void library_that_is_gone_is_an_error_that_names_it(testing_t *test)
{
    plugin_t plugin;
    const char *path = copy_plugin(XIPC_TEST_PLUGIN_ONE, test->pool);
    REQUIRE(path != NULL);
    REQUIRE(plugin_load(&plugin, path, test->pool));
    xipc_process_t *process = testing_create(test, plugin.add_one, testing_int_args(7, test->pool));
    REQUIRE(process != NULL);
    if (test->method != XIPC_START_SPAWN || remove(path) != 0) {
        testing_skip("only a spawned child loads the library anew, and not every system removes a "
                     "loaded one");
        CHECK_OK(apr_dso_unload(plugin.library));
        CHECK(remove(path) == 0);
        return;
    }
    apr_status_t rv = xipc_process_start(process);
    CHECK_STATUS(XIPC_ETARGET, rv);
    CHECK(strstr(testing_text(rv), apr_filepath_name_get(path)) != NULL);
}

static void function_of_an_unloaded_library_is_XIPC_ETARGET(testing_t *test)
{
    plugin_t plugin;
    REQUIRE(plugin_load(&plugin, XIPC_TEST_PLUGIN_ONE, test->pool));
    xipc_process_t *process = testing_create(test, plugin.add_one, testing_int_args(7, test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(apr_dso_unload(plugin.library));
    CHECK_STATUS(XIPC_ETARGET, xipc_process_start(process));
}

/* ---- what is no function ---- */

static int variable = 5;
static const int constant = 5;

static void check_no_target(testing_t *test, const void *address)
{
    xipc_process_t *process = testing_create(test, testing_as_target(address), NULL);
    if (process == NULL) return;
    CHECK_STATUS(XIPC_ETARGET, xipc_process_start(process));
    CHECK(strstr(testing_text(XIPC_ETARGET), apr_psprintf(test->pool, "%pp", address)) != NULL);
    CHECK(!xipc_process_is_alive(process));
    CHECK_NUMBER(0, xipc_process_pid(process));
}

static void address_of_data_is_XIPC_ETARGET(testing_t *test)
{
    plugin_t plugin;
    int local = 5;
    REQUIRE(plugin_load(&plugin, XIPC_TEST_PLUGIN_ONE, test->pool));
    check_no_target(test, &variable);
    check_no_target(test, &constant);
    check_no_target(test, plugin.data());
    check_no_target(test, &local);
    check_no_target(test, apr_palloc(test->pool, 100));
}

static void address_of_nothing_is_XIPC_ETARGET(testing_t *test)
{
    static const apr_uintptr_t addresses[] = {1, 4096, (apr_uintptr_t)-1, (apr_uintptr_t)-4096};
    for (apr_size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        const void *address;
        memcpy(&address, &addresses[i], sizeof address);
        check_no_target(test, address);
    }
}

static const testing_case_t cases[] = {
    EACH_METHOD(target_may_be_a_static_function),
    EACH_METHOD(target_may_be_a_function_of_a_shared_library),
    EACH_METHOD(shared_library_of_the_target_is_loaded_in_the_child_by_itself),
    EACH_METHOD(variables_of_a_shared_library_are_as_those_of_the_program),
    EACH_METHOD(library_replaced_by_another_build_is_XIPC_EBUILD),
    EACH_METHOD(library_that_is_gone_is_an_error_that_names_it),
    EACH_METHOD(function_of_an_unloaded_library_is_XIPC_ETARGET),
    EACH_METHOD(address_of_data_is_XIPC_ETARGET),
    EACH_METHOD(address_of_nothing_is_XIPC_ETARGET),
};

TESTING_MAIN("process.target", cases)
