/* Starts that fail, and starts side by side; the promises of xipc_process_start(). */
#include "testing.h"

#include <apr_env.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <stdio.h>
#include <stdlib.h>

static int return_number(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    (void)pool;
    return xipc_values_get_int(&number, args, 0) == APR_SUCCESS ? (int)number : 99;
}

/* ---- another program ---- */

static xipc_process_t *create_spawned(testing_t *test)
{
    xipc_process_t *process;
    if (!CHECK_OK(xipc_process_create(&process, return_number, testing_int_args(7, test->pool),
                                      test->pool)))
        return NULL;
    return CHECK_OK(xipc_process_start_method_set(process, XIPC_START_SPAWN)) ? process : NULL;
}

/* What a failed start leaves: an object that can be started again. */
static void check_can_start_now(xipc_process_t *process)
{
    CHECK_NUMBER(0, xipc_process_is_alive(process));
    CHECK_NUMBER(0, xipc_process_pid(process));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_join(process, 0));
    CHECK_OK(xipc_process_start(process));
    CHECK_NUMBER(7, testing_finish(process));
}

static void missing_program_is_APR_ENOENT(testing_t *test)
{
    xipc_process_t *process = create_spawned(test);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_spawn_executable_set(testing_temporary("missing", test->pool)));
    int handles = system_count_handles();
    CHECK_STATUS(APR_ENOENT, xipc_process_start(process));
    if (system_handles_are_exact()) CHECK_NUMBER(handles, system_count_handles());
    CHECK(system_children() == 0);
    CHECK_OK(xipc_spawn_executable_set(NULL));
    check_can_start_now(process);
}

static void file_that_is_no_program_is_an_error(testing_t *test)
{
    xipc_process_t *process = create_spawned(test);
    const char *path = testing_temporary("text", test->pool);
    FILE *file = fopen(path, "wb");
    REQUIRE(process != NULL && file != NULL);
    CHECK(fputs("no program\n", file) >= 0);
    CHECK(fclose(file) == 0);
    CHECK_OK(xipc_spawn_executable_set(path));
    CHECK(xipc_process_start(process) != APR_SUCCESS);
    CHECK(system_children() == 0);
    CHECK_OK(xipc_spawn_executable_set(NULL));
    check_can_start_now(process);
    CHECK(remove(path) == 0);
}

static void copy_of_this_program_can_be_spawned(testing_t *test)
{
    xipc_process_t *process = create_spawned(test);
    REQUIRE(process != NULL);
    /* beside the original, where Windows finds the libraries */
    char *path = apr_psprintf(test->pool, "%s-copy-%d.exe", testing_program(), (int)system_pid());
    REQUIRE_OK(apr_file_copy(testing_program(), path, APR_FILE_SOURCE_PERMS, test->pool));
    CHECK_OK(xipc_spawn_executable_set(path));
    memset(path, 'x', strlen(path)); /* the library has its own copy */
    CHECK_OK(xipc_process_start(process));
    CHECK_NUMBER(7, testing_finish(process));
    CHECK_OK(xipc_spawn_executable_set(NULL));
    path = apr_psprintf(test->pool, "%s-copy-%d.exe", testing_program(), (int)system_pid());
    CHECK(remove(path) == 0);
}

static void function_of_this_program_in_another_one_is_XIPC_EBUILD(testing_t *test)
{
    xipc_process_t *process = create_spawned(test);
    REQUIRE(process != NULL);
    CHECK_OK(xipc_spawn_executable_set(XIPC_TEST_TOOL));
    CHECK_STATUS(XIPC_EBUILD, xipc_process_start(process));
    WAIT_FOR(system_children() ==
             0); /* a sanitizer in the child may have had a helper of its own */
    CHECK_OK(xipc_spawn_executable_set(NULL));
    check_can_start_now(process);
}

/*
 * See main: with this word in the environment this program ends before it comes to
 * xipc_initialize().
 */
static const char early_end[] = "XIPC_TEST_EARLY_END";

static void program_that_ends_before_initialize_is_XIPC_EDIED(testing_t *test)
{
    xipc_process_t *process = create_spawned(test);
    REQUIRE(process != NULL);
    REQUIRE_OK(apr_env_set(early_end, "1", test->pool));
    apr_time_t began = system_clock();
    CHECK_STATUS(XIPC_EDIED, xipc_process_start(process));
    CHECK(system_clock() - began < apr_time_from_sec(10));
    CHECK(system_children() == 0);
    CHECK_OK(apr_env_delete(early_end, test->pool));
    check_can_start_now(process);
}

/* ---- closed handles among the arguments ---- */

static void closed_connection_among_the_arguments_is_XIPC_ECLOSED(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_create(test, return_number, testing_connection_args(there, test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_start(process));
    CHECK_NUMBER(0, xipc_process_is_alive(process));
}

static void closed_queue_among_the_arguments_is_XIPC_ECLOSED(testing_t *test)
{
    xipc_queue_t *queue = testing_queue(test, 1);
    REQUIRE(queue != NULL);
    xipc_process_t *process =
        testing_create(test, return_number, testing_queue_args(queue, test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_queue_close(queue));
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_start(process));
    CHECK_NUMBER(0, xipc_process_is_alive(process));
}

/* ---- no handles left ---- */

/* A process whose arguments are a number and some connections. */
static xipc_process_t *create_with_connections(testing_t *test)
{
    xipc_values_t *args = testing_int_args(7, test->pool);
    for (int i = 0; i < 4; i++) {
        xipc_connection_t *here;
        xipc_connection_t *there;
        if (!CHECK_OK(xipc_pipe_create(&here, &there, 1, test->pool))) return NULL;
        CHECK_OK(xipc_values_add_connection(args, there));
    }
    return testing_create(test, return_number, args);
}

/* Start with few handles to spare, more each time, until it works. */
static void start_without_handles_says_so_and_leaves_nothing(testing_t *test)
{
    apr_status_t rv = APR_EGENERAL;
    xipc_process_t *process = create_with_connections(test);
    REQUIRE(process != NULL);
    int handles = system_count_handles();
    for (int spare = 0; rv != APR_SUCCESS && spare < 64; spare++) {
        if (!system_limit_handles(spare)) {
            testing_skip("no limit of handles here");
            return;
        }
        rv = xipc_process_start(process);
        system_unlimit_handles();
        if (spare == 0 && test->method == XIPC_START_SPAWN) CHECK(APR_STATUS_IS_EMFILE(rv));
        if (rv == APR_SUCCESS) break;
        CHECK_NUMBER(0, xipc_process_is_alive(process));
        if (test->method == XIPC_START_FORKSERVER) continue; /* its server may stand by now */
        CHECK_NUMBER(handles, system_count_handles());
        CHECK(system_children() == 0);
    }
    CHECK_OK(rv);
    CHECK_NUMBER(7, testing_finish(process));
}

/* ---- no memory left ---- */

/* HUGE_SIZE: more than what earlier tests left with the allocator. */
enum { LITTLE = 8 << 20, LARGE = 64 << 20, HUGE_SIZE = 80 << 20 };

static xipc_process_t *create_with_large_argument(testing_t *test)
{
    xipc_values_t *args = testing_int_args(7, test->pool);
    CHECK_OK(xipc_values_add_bytes(args, apr_pcalloc(test->pool, LARGE), LARGE));
    CHECK_OK(xipc_values_add_int(args, 1)); /* the last value may be sent from where it is */
    return testing_create(test, return_number, args);
}

static void start_without_memory_is_APR_ENOMEM_and_leaves_nothing(testing_t *test)
{
    xipc_process_t *process = create_with_large_argument(test);
    REQUIRE(process != NULL);
    int handles = system_count_handles();
    if (!system_limit_memory(LITTLE)) {
        testing_skip("no limit of memory here");
        return;
    }
    apr_status_t rv = xipc_process_start(process);
    system_unlimit_memory();
    CHECK_STATUS(APR_ENOMEM, rv);
    CHECK_NUMBER(handles, system_count_handles());
    CHECK(system_children() == 0);
    check_can_start_now(process);
}

static void arguments_beyond_memory_are_APR_ENOMEM(testing_t *test)
{
    xipc_process_t *process = NULL;
    xipc_values_t *args = xipc_values_make(test->pool);
    REQUIRE_OK(xipc_values_add_bytes(args, apr_pcalloc(test->pool, HUGE_SIZE), HUGE_SIZE));
    if (!system_limit_memory(LITTLE)) {
        testing_skip("no limit of memory here");
        return;
    }
    apr_status_t rv = xipc_process_create(&process, return_number, args, test->pool);
    system_unlimit_memory();
    CHECK_STATUS(APR_ENOMEM, rv);
    CHECK(process == NULL);
}

/* ---- threads ---- */

static void *APR_THREAD_FUNC wait_for_word(apr_thread_t *thread, void *data)
{
    apr_int64_t number;
    (void)testing_recv_int(&number, data, TESTING_PATIENCE);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void fork_with_a_second_thread_is_XIPC_ETHREADS(testing_t *test)
{
    apr_thread_t *thread;
    apr_status_t rv;
    xipc_connection_t *here;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process = testing_create(test, return_number, testing_int_args(7, test->pool));
    REQUIRE(process != NULL);
    REQUIRE_OK(apr_thread_create(&thread, NULL, wait_for_word, there, test->pool));
    apr_status_t expected = test->method == XIPC_START_FORK ? XIPC_ETHREADS : APR_SUCCESS;
    CHECK_STATUS(expected, xipc_process_start(process));
    CHECK_NUMBER(expected == APR_SUCCESS, xipc_process_pid(process) != 0);
    CHECK(testing_send_int(here, 1));
    CHECK_OK(apr_thread_join(&rv, thread));
    if (expected != APR_SUCCESS) CHECK_OK(xipc_process_start(process));
    CHECK_NUMBER(7, testing_finish(process));
}

/* Wait for the end of the connection, then return 3. */
static int live(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    return xipc_connection_recv(&data, &size, connection, -1, pool) == APR_EOF ? 3 : 91;
}

enum { THREADS = 4, STARTS = 4 };

typedef struct {
    apr_pool_t *pool;
    xipc_process_t *processes[STARTS];
    xipc_connection_t *ends[STARTS];
    apr_status_t status;
} starter_t;

static apr_status_t start_one(starter_t *starter, int index)
{
    xipc_connection_t *there;
    apr_status_t rv = xipc_pipe_create(&starter->ends[index], &there, 1, starter->pool);
    if (rv != APR_SUCCESS) return rv;
    xipc_values_t *args = xipc_values_make(starter->pool);
    rv = xipc_values_add_connection(args, there);
    if (rv == APR_SUCCESS)
        rv = xipc_process_create(&starter->processes[index], live, args, starter->pool);
    if (rv == APR_SUCCESS)
        rv = xipc_process_start_method_set(starter->processes[index], XIPC_START_SPAWN);
    if (rv == APR_SUCCESS) rv = xipc_process_start(starter->processes[index]);
    (void)xipc_connection_close(there);
    return rv;
}

static void *APR_THREAD_FUNC start_several(apr_thread_t *thread, void *data)
{
    starter_t *starter = data;
    starter->status = APR_SUCCESS;
    for (int i = 0; starter->status == APR_SUCCESS && i < STARTS; i++)
        starter->status = start_one(starter, i);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/*
 * Were one child's end in another child too, its end of file would not come before that one's end.
 */
static void check_each_has_its_own(starter_t *starter, int index)
{
    void *data;
    apr_size_t size;
    if (!CHECK(starter->processes[index] != NULL)) return;
    CHECK_OK(xipc_process_kill(starter->processes[index]));
    CHECK_NUMBER(-9, testing_finish(starter->processes[index]));
    CHECK_STATUS(APR_EOF, xipc_connection_recv(&data, &size, starter->ends[index],
                                               apr_time_from_sec(5), starter->pool));
}

static void threads_start_processes_at_once_and_no_child_has_anothers_end(testing_t *test)
{
    starter_t starters[THREADS];
    apr_thread_t *threads[THREADS];
    memset(starters, 0, sizeof starters);
    for (int i = 0; i < THREADS; i++) {
        REQUIRE_OK(apr_pool_create(&starters[i].pool, NULL));
        REQUIRE_OK(apr_thread_create(&threads[i], NULL, start_several, &starters[i], test->pool));
    }
    for (int i = 0; i < THREADS; i++) {
        apr_status_t rv;
        CHECK_OK(apr_thread_join(&rv, threads[i]));
        CHECK_OK(starters[i].status);
    }
    for (int i = 0; i < THREADS; i++)
        for (int k = 0; k < STARTS; k++) check_each_has_its_own(&starters[i], k);
    for (int i = 0; i < THREADS; i++) apr_pool_destroy(starters[i].pool);
}

static const testing_case_t cases[] = {
    ONCE(missing_program_is_APR_ENOENT),
    ONCE(file_that_is_no_program_is_an_error),
    ONCE(copy_of_this_program_can_be_spawned),
    ONCE(function_of_this_program_in_another_one_is_XIPC_EBUILD),
    ONCE(program_that_ends_before_initialize_is_XIPC_EDIED),
    EACH_METHOD(closed_connection_among_the_arguments_is_XIPC_ECLOSED),
    EACH_METHOD(closed_queue_among_the_arguments_is_XIPC_ECLOSED),
    EACH_METHOD(start_without_handles_says_so_and_leaves_nothing),
    EACH_METHOD(start_without_memory_is_APR_ENOMEM_and_leaves_nothing),
    ONCE(arguments_beyond_memory_are_APR_ENOMEM),
    EACH_METHOD(fork_with_a_second_thread_is_XIPC_ETHREADS),
    ONCE(threads_start_processes_at_once_and_no_child_has_anothers_end),
};

int main(int argc, char **argv)
{
    if (getenv(early_end) != NULL) return 5;
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return TESTING_NO_START;
    return testing_main("process.start", cases, sizeof cases / sizeof *cases, argc, argv);
}
