/*
 * Begin and end; the promises of runtime.h. What needs a fresh process runs this program again with
 * a word.
 */
#include "testing.h"

#include <apr_general.h>
#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>

enum { GOOD = 0, BAD = 1 };

static int arguments_are_untouched;

/* ---- children ---- */

static int answer(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return 42;
}

/* Wait for the end of the parent, and say that this process lives on. */
static int outlive(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return BAD;
    if (xipc_connection_recv(&data, &size, connection, -1, pool) != APR_EOF) return BAD;
    printf("child went on\n");
    return GOOD;
}

/* ---- programs: what this program does when it is run again with a word ---- */

static int start(xipc_target_t target, const xipc_values_t *args, int method, apr_pool_t *pool,
                 apr_status_t expected)
{
    xipc_process_t *process;
    int exitcode = -1;
    if (xipc_process_create(&process, target, args, pool) != APR_SUCCESS) return BAD;
    if (xipc_process_start_method_set(process, (xipc_start_method_e)method) != APR_SUCCESS)
        return BAD;
    if (xipc_process_start(process) != expected) return BAD;
    if (expected != APR_SUCCESS) return xipc_process_is_alive(process);
    if (target == outlive) return GOOD;
    if (xipc_process_join(process, -1) != APR_SUCCESS) return BAD;
    if (xipc_process_exitcode(&exitcode, process) != APR_SUCCESS) return BAD;
    return exitcode == 42 ? GOOD : BAD;
}

static int too_early(int method)
{
    apr_pool_t *pool;
    if (apr_initialize() != APR_SUCCESS) return BAD;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return BAD;
    int result = start(answer, NULL, method, pool, XIPC_EINIT);
    apr_terminate();
    return result;
}

static int executable_too_early(void)
{
    return xipc_spawn_executable_set("nothing") == XIPC_EINIT ? GOOD : BAD;
}

static int run_once(int method, int *argc, char ***argv)
{
    apr_pool_t *pool;
    if (xipc_initialize(argc, argv) != APR_SUCCESS) return BAD;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return BAD;
    int result = start(answer, NULL, method, pool, APR_SUCCESS);
    xipc_terminate();
    return result;
}

static int nested(int method, int *argc, char ***argv)
{
    if (xipc_initialize(argc, argv) != APR_SUCCESS) return BAD;
    if (run_once(method, argc, argv) != GOOD) return BAD; /* begins and ends the inner one */
    apr_pool_t *pool;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return BAD;
    int result = start(answer, NULL, method, pool, APR_SUCCESS);
    xipc_terminate();
    return result;
}

static int again(int method, int *argc, char ***argv)
{
    if (run_once(method, argc, argv) != GOOD) return BAD;
    return run_once(method, argc, argv);
}

static int null(int *argc, char ***argv)
{
    if (!APR_STATUS_IS_EINVAL(xipc_initialize(NULL, argv))) return BAD;
    if (!APR_STATUS_IS_EINVAL(xipc_initialize(argc, NULL))) return BAD;
    return too_early(XIPC_START_SPAWN); /* those did not count */
}

static int leave_a_child(int method, int *argc, char ***argv)
{
    apr_pool_t *pool;
    xipc_connection_t *here;
    xipc_connection_t *there;
    if (xipc_initialize(argc, argv) != APR_SUCCESS) return BAD;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return BAD;
    if (xipc_pipe_create(&here, &there, 1, pool) != APR_SUCCESS) return BAD;
    xipc_values_t *args = xipc_values_make(pool);
    if (xipc_values_add_connection(args, there) != APR_SUCCESS) return BAD;
    if (start(outlive, args, method, pool, APR_SUCCESS) != GOOD) return BAD;
    printf("parent ends\n");
    fflush(stdout);
    xipc_terminate();
    return GOOD;
}

static int run_word(const char *word, int method, int *argc, char ***argv)
{
    if (strcmp(word, "too-early") == 0) return too_early(method);
    if (strcmp(word, "executable-too-early") == 0) return executable_too_early();
    if (strcmp(word, "nested") == 0) return nested(method, argc, argv);
    if (strcmp(word, "again") == 0) return again(method, argc, argv);
    if (strcmp(word, "null") == 0) return null(argc, argv);
    if (strcmp(word, "leave-a-child") == 0) return leave_a_child(method, argc, argv);
    return BAD;
}

/* ---- tests ---- */

/* Run this program again with a word and the test's start method. */
static int run_again(const char **output, const char *word, testing_t *test)
{
    const char *arguments[] = {"--word", word, apr_itoa(test->pool, (int)test->method), NULL};
    return testing_run_program(output, arguments, test->pool);
}

static void initialize_leaves_the_arguments_as_they_are(testing_t *test)
{
    (void)test;
    CHECK(arguments_are_untouched);
}

static void initialize_refuses_NULL_and_does_not_count_it(testing_t *test)
{
    const char *output;
    int argc = 0;
    CHECK_STATUS(APR_EINVAL, xipc_initialize(&argc, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_initialize(NULL, NULL));
    CHECK_NUMBER(GOOD, run_again(&output, "null", test));
}

static void start_before_initialize_is_XIPC_EINIT(testing_t *test)
{
    const char *output;
    CHECK_NUMBER(GOOD, run_again(&output, "too-early", test));
}

static void spawn_executable_set_before_initialize_is_XIPC_EINIT(testing_t *test)
{
    const char *output;
    CHECK_NUMBER(GOOD, run_again(&output, "executable-too-early", test));
}

static void initialize_nests_and_each_wants_a_terminate(testing_t *test)
{
    const char *output;
    CHECK_NUMBER(GOOD, run_again(&output, "nested", test));
}

static void initialize_works_again_after_the_last_terminate(testing_t *test)
{
    const char *output;
    CHECK_NUMBER(GOOD, run_again(&output, "again", test));
}

static void children_go_on_after_terminate(testing_t *test)
{
    const char *output = "";
    CHECK_NUMBER(GOOD, run_again(&output, "leave-a-child", test));
    CHECK(strstr(output, "parent ends\n") != NULL);
    CHECK(strstr(output, "child went on\n") != NULL);
}

/* The option that marks a spawned child, given by hand: no parent is at the other end. */
static void check_by_hand(const char *argument, testing_t *test)
{
    const char *output;
    const char *arguments[] = {"--xipc-child", argument, NULL};
    apr_time_t began = system_clock();
    CHECK_NUMBER(TESTING_NO_START, testing_run_program(&output, arguments, test->pool));
    CHECK(system_clock() - began < apr_time_from_sec(10));
}

static void option_of_a_child_given_by_hand_is_XIPC_EINIT_and_does_not_hang(testing_t *test)
{
    check_by_hand("3", test);
    check_by_hand("0", test);
    check_by_hand("1", test);
    check_by_hand("-1", test);
    check_by_hand("999999", test);
    check_by_hand("99999999999999999999999999", test);
    check_by_hand("", test);
    check_by_hand("3x", test);
    check_by_hand("nonsense", test);
    check_by_hand(NULL, test);
}

static const testing_case_t cases[] = {
    ONCE(initialize_leaves_the_arguments_as_they_are),
    ONCE(initialize_refuses_NULL_and_does_not_count_it),
    EACH_METHOD(start_before_initialize_is_XIPC_EINIT),
    ONCE(spawn_executable_set_before_initialize_is_XIPC_EINIT),
    EACH_METHOD(initialize_nests_and_each_wants_a_terminate),
    EACH_METHOD(initialize_works_again_after_the_last_terminate),
    EACH_METHOD(children_go_on_after_terminate),
    ONCE(option_of_a_child_given_by_hand_is_XIPC_EINIT_and_does_not_hang),
};

int main(int argc, char **argv)
{
    int argc_before = argc;
    char **argv_before = argv;
    char *first_before = argv[0];
    if (argc == 4 && strcmp(argv[1], "--word") == 0)
        return run_word(argv[2], (int)strtol(argv[3], NULL, 10), &argc, &argv);
    apr_status_t rv = xipc_initialize(&argc, &argv);
    if (rv != APR_SUCCESS) return rv == XIPC_EINIT ? TESTING_NO_START : BAD;
    arguments_are_untouched = argc == argc_before && argv == argv_before && argv[0] == first_before;
    return testing_main("runtime", cases, sizeof cases / sizeof *cases, argc, argv);
}
