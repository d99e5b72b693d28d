/* Variables whose value of the moment goes along; the promises of copied.h. */
#include "loading.h"

#include "xipc/copied.h"

typedef struct {
    char name[16];
    double weight;
    int ages[3];
} person_t;

enum { LARGE = 300000 };

static int number = 1;
static int numbers[] = {1, 2, 3};
static person_t person = {"peter", 70.5, {1, 2, 3}};
static unsigned char large[LARGE];
static int unmarked = 1;

XIPC_COPIED(number);
XIPC_COPIED(numbers);
XIPC_COPIED(person);
XIPC_COPIED(large);

extern int shared_with_other_files; /* a mark may be on a variable that is not static too */
int shared_with_other_files = 1;
XIPC_COPIED(shared_with_other_files);

/* Everything back to its first value. */
static void reset(void)
{
    static const person_t first = {"peter", 70.5, {1, 2, 3}};
    number = 1;
    numbers[0] = 1;
    person = first;
    memset(large, 0, LARGE);
    shared_with_other_files = 1;
    unmarked = 1;
}

static int return_number(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return number++;
}

static void number_goes_along(testing_t *test)
{
    CHECK_NUMBER(1, testing_run(test, return_number, NULL));
    number = 41;
    CHECK_NUMBER(41, testing_run(test, return_number, NULL));
    CHECK_NUMBER(41, testing_run(test, return_number, NULL));
    CHECK_NUMBER(41, number); /* a child's change stays there */
    reset();
}

static int check_others(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    if (numbers[0] != 41 || numbers[1] != 2 || numbers[2] != 43) return 1;
    if (strcmp(person.name, "jack") != 0 || person.weight < 80.24 || person.weight > 80.26)
        return 2;
    if (person.ages[0] != 1 || person.ages[2] != 33) return 3;
    if (!testing_is_filled(large, LARGE, 9)) return 4;
    if (shared_with_other_files != 51) return 5;
    return 0;
}

static void arrays_and_structs_go_along(testing_t *test)
{
    numbers[0] = 41;
    numbers[2] = 43;
    memcpy(person.name, "jack", 5);
    person.weight = 80.25;
    person.ages[2] = 33;
    testing_fill(large, LARGE, 9);
    shared_with_other_files = 51;
    CHECK_NUMBER(0, testing_run(test, check_others, NULL));
    numbers[2] = 3;
    reset();
}

static int return_unmarked(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return unmarked;
}

static void unmarked_variable_has_its_first_value_in_a_spawned_child(testing_t *test)
{
    unmarked = 41;
    number = 42;
    CHECK_NUMBER(test->method == XIPC_START_FORK ? 41 : 1,
                 testing_run(test, return_unmarked, NULL));
    reset();
}

static void value_is_that_of_the_start(testing_t *test)
{
    number = 5;
    xipc_process_t *process = testing_create(test, return_number, NULL);
    REQUIRE(process != NULL);
    number = 6;
    CHECK_OK(xipc_process_start(process));
    number = 7;
    CHECK_NUMBER(6, testing_finish(process));
    reset();
}

/* Change the variable and start a child of the same kind, which tells what it has. */
static int change_and_start(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t method;
    int exitcode;
    xipc_process_t *process;
    if (xipc_values_get_int(&method, args, 0) != APR_SUCCESS) return 90;
    if (number != 41) return 91;
    number++;
    if (xipc_process_create(&process, return_number, NULL, pool) != APR_SUCCESS) return 92;
    if (xipc_process_start_method_set(process, (xipc_start_method_e)method) != APR_SUCCESS)
        return 93;
    if (xipc_process_start(process) != APR_SUCCESS) return 94;
    if (xipc_process_join(process, TESTING_PATIENCE) != APR_SUCCESS) return 95;
    return xipc_process_exitcode(&exitcode, process) == APR_SUCCESS ? exitcode : 96;
}

static void value_goes_on_to_grandchildren(testing_t *test)
{
    number = 41;
    CHECK_NUMBER(42,
                 testing_run(test, change_and_start, testing_int_args(test->method, test->pool)));
    CHECK_NUMBER(41, number);
    reset();
}

static void variable_of_a_shared_library_goes_along(testing_t *test)
{
    plugin_t plugin;
    REQUIRE(plugin_load(&plugin, XIPC_TEST_PLUGIN_ONE, test->pool));
    CHECK_NUMBER(1, testing_run(test, plugin.copied, NULL));
    plugin.copied_set(41);
    CHECK_NUMBER(41, testing_run(test, plugin.copied, NULL));
    number = 42; /* the program's own go along beside */
    CHECK_NUMBER(42, testing_run(test, return_number, NULL));
    plugin.copied_set(1);
    reset();
}

static void unloaded_library_takes_its_marks_along(testing_t *test)
{
    plugin_t plugin;
    REQUIRE(plugin_load(&plugin, XIPC_TEST_PLUGIN_ONE, test->pool));
    plugin.copied_set(41);
    CHECK_OK(apr_dso_unload(plugin.library));
    number = 42;
    CHECK_NUMBER(42, testing_run(test, return_number, NULL));
    reset();
}

static const testing_case_t cases[] = {
    EACH_METHOD(number_goes_along),
    EACH_METHOD(arrays_and_structs_go_along),
    EACH_METHOD(unmarked_variable_has_its_first_value_in_a_spawned_child),
    EACH_METHOD(value_is_that_of_the_start),
    EACH_METHOD(value_goes_on_to_grandchildren),
    EACH_METHOD(variable_of_a_shared_library_goes_along),
    EACH_METHOD(unloaded_library_takes_its_marks_along),
};

TESTING_MAIN("copied", cases)
