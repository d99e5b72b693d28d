/* The life of a process object; the promises of process.h for each start method. */
#include "testing.h"

#include "xipc/wait.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <errno.h>
#include <stdlib.h>

/* ---- targets ---- */

static int return_number(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    (void)pool;
    return xipc_values_get_int(&number, args, 0) == APR_SUCCESS ? (int)number : 99;
}

/* Live until the parent closes its end. */
static int live(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    void *data;
    apr_size_t size;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    return xipc_connection_recv(&data, &size, connection, -1, pool) == APR_EOF ? 3 : 91;
}

static int tell_pid(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    return testing_send_int(connection, system_pid()) ? 0 : 91;
}

static int crash(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    system_crash();
    return 0;
}

/* ---- a child that lives as long as the test wants ---- */

typedef struct {
    xipc_process_t *process;
    xipc_connection_t *life;
} living_t;

static int start_living(living_t *living, testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(&living->life, &there, 1, test->pool))) return 0;
    living->process = testing_start(test, live, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    return living->process != NULL;
}

static int end_living(living_t *living)
{
    CHECK_OK(xipc_connection_close(living->life));
    return testing_finish(living->process);
}

/* ---- exit codes ---- */

static void exitcode_is_what_the_target_returned(testing_t *test)
{
    CHECK_NUMBER(0, testing_run(test, return_number, testing_int_args(0, test->pool)));
    CHECK_NUMBER(7, testing_run(test, return_number, testing_int_args(7, test->pool)));
    CHECK_NUMBER(255, testing_run(test, return_number, testing_int_args(255, test->pool)));
}

static void exitcode_keeps_its_lowest_8_bits_on_POSIX(testing_t *test)
{
    int expected = system_has_fork() ? 7 : 256 + 7;
    CHECK_NUMBER(expected, testing_run(test, return_number, testing_int_args(256 + 7, test->pool)));
}

static void killed_process_has_exitcode_minus_9(testing_t *test)
{
    living_t living;
    REQUIRE(start_living(&living, test));
    CHECK_OK(xipc_process_kill(living.process));
    CHECK_NUMBER(-9, testing_finish(living.process));
}

static void terminated_process_has_exitcode_minus_15(testing_t *test)
{
    living_t living;
    REQUIRE(start_living(&living, test));
    CHECK_OK(xipc_process_terminate(living.process));
    CHECK_NUMBER(-15, testing_finish(living.process));
}

static void crashed_process_has_a_negative_exitcode(testing_t *test)
{
    CHECK_NUMBER(system_crash_exitcode(), testing_run(test, crash, NULL));
}

static void exitcode_of_a_running_process_is_APR_CHILD_NOTDONE(testing_t *test)
{
    living_t living;
    int exitcode = 77;
    REQUIRE(start_living(&living, test));
    CHECK_STATUS(APR_CHILD_NOTDONE, xipc_process_exitcode(&exitcode, living.process));
    CHECK_NUMBER(77, exitcode);
    CHECK_NUMBER(3, end_living(&living));
}

static void exitcode_is_known_without_a_join(testing_t *test)
{
    int exitcode = 77;
    xipc_process_t *process = testing_start(test, return_number, testing_int_args(5, test->pool));
    REQUIRE(process != NULL);
    WAIT_FOR(!xipc_process_is_alive(process));
    CHECK_OK(xipc_process_exitcode(&exitcode, process));
    CHECK_NUMBER(5, exitcode);
    CHECK_OK(xipc_process_exitcode(&exitcode, process));
    CHECK_NUMBER(5, testing_finish(process));
}

static void exitcode_is_ECHILD_when_children_vanish_unseen(testing_t *test)
{
    int exitcode = 77;
    if (test->method == XIPC_START_FORKSERVER || !system_ignore_children(1)) {
        testing_skip("no SIGCHLD here");
        return;
    }
    xipc_process_t *process = testing_start(test, return_number, testing_int_args(5, test->pool));
    if (process != NULL) {
        CHECK_OK(xipc_process_join(process, TESTING_PATIENCE));
        CHECK_STATUS(ECHILD, xipc_process_exitcode(&exitcode, process));
        CHECK_NUMBER(77, exitcode);
        CHECK(!xipc_process_is_alive(process));
    }
    CHECK(system_ignore_children(0));
}

/* ---- join ---- */

static void join_gives_up_after_the_timeout(testing_t *test)
{
    living_t living;
    REQUIRE(start_living(&living, test));
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_process_join(living.process, MILLISECONDS(150)));
    CHECK_WAITED(began, MILLISECONDS(150));
    CHECK_NUMBER(3, end_living(&living));
}

static void join_with_timeout_0_does_not_wait(testing_t *test)
{
    living_t living;
    REQUIRE(start_living(&living, test));
    CHECK_STATUS(APR_TIMEUP, xipc_process_join(living.process, 0));
    CHECK_NUMBER(3, end_living(&living));
}

static void join_without_a_timeout_waits_for_the_end(testing_t *test)
{
    xipc_process_t *process = testing_start(test, return_number, testing_int_args(5, test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_process_join(process, -1));
    CHECK_NUMBER(5, testing_finish(process));
}

static void join_can_be_repeated(testing_t *test)
{
    xipc_process_t *process = testing_start(test, return_number, testing_int_args(5, test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_process_join(process, TESTING_PATIENCE));
    CHECK_OK(xipc_process_join(process, 0));
    CHECK_OK(xipc_process_join(process, -1));
    CHECK_NUMBER(5, testing_finish(process));
}

static void join_is_not_cut_short_by_signals(testing_t *test)
{
    living_t living;
    REQUIRE(start_living(&living, test));
    int has_signals = system_signals_begin();
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_process_join(living.process, MILLISECONDS(150)));
    CHECK_WAITED(began, MILLISECONDS(150));
    if (has_signals) CHECK(system_signals_end() > 0);
    CHECK_NUMBER(3, end_living(&living));
}

/* The target starts a process that lives on, and does not wait for it. */
static int leave_a_child(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_process_t *process;
    apr_int64_t method;
    if (xipc_values_get_int(&method, args, 1) != APR_SUCCESS) return 90;
    if (xipc_process_create(&process, live, args, pool) != APR_SUCCESS) return 91;
    if (xipc_process_start_method_set(process, (xipc_start_method_e)method) != APR_SUCCESS)
        return 92;
    return xipc_process_start(process) == APR_SUCCESS ? 0 : 93;
}

static void join_does_not_wait_for_grandchildren(testing_t *test)
{
    xipc_connection_t *life;
    xipc_connection_t *there;
    REQUIRE_OK(xipc_pipe_create(&life, &there, 1, test->pool));
    xipc_values_t *args = testing_connection_args(there, test->pool);
    CHECK_OK(xipc_values_add_int(args, test->method));
    xipc_process_t *process = testing_start(test, leave_a_child, args);
    CHECK_OK(xipc_connection_close(there));
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(life, 0)); /* the grandchild still has its end */
    CHECK_OK(xipc_connection_close(life));
}

static void join_reaps_nobody_elses_child(testing_t *test)
{
    apr_proc_t proc;
    apr_procattr_t *attributes;
    apr_exit_why_e why;
    int exitcode = -1;
    const char *argv[] = {testing_program(), "--return", "6", NULL};
    REQUIRE_OK(apr_procattr_create(&attributes, test->pool));
    REQUIRE_OK(apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV));
    REQUIRE_OK(apr_proc_create(&proc, argv[0], argv, NULL, attributes, test->pool));
    CHECK_NUMBER(5, testing_run(test, return_number, testing_int_args(5, test->pool)));
    CHECK_STATUS(APR_CHILD_DONE, apr_proc_wait(&proc, &exitcode, &why, APR_WAIT));
    CHECK_NUMBER(6, exitcode);
}

/* ---- is_alive, pid, name ---- */

static void handle_of_a_process_is_ready_when_it_has_ended(testing_t *test)
{
    apr_os_file_t handle;
    apr_size_t ready;
    int exitcode = -1;
    living_t living;
    REQUIRE(start_living(&living, test));
    xipc_process_t *process = living.process;
    CHECK_STATUS(APR_EINVAL, xipc_process_os_get(NULL, process));
    CHECK_STATUS(APR_EINVAL, xipc_process_os_get(&handle, NULL));
    REQUIRE_OK(xipc_process_os_get(&handle, process));
    xipc_wait_item_t item = {.kind = XIPC_WAIT_HANDLE, .of.handle = handle};
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, &item, 1, MILLISECONDS(20)));
    CHECK_OK(xipc_connection_close(living.life));
    CHECK_OK(xipc_wait(&ready, &item, 1, TESTING_PATIENCE));
    CHECK_OK(xipc_process_join(process, 0));
    CHECK_OK(xipc_process_exitcode(&exitcode, process));
    CHECK_OK(
        xipc_wait(&ready, &item, 1, 0)); /* it stays so, and is the object's, until its close */
    CHECK_OK(xipc_process_close(process));
    CHECK_STATUS(XIPC_ECLOSED, xipc_process_os_get(&handle, process));
}

static void process_is_alive_from_start_to_end(testing_t *test)
{
    living_t living;
    xipc_process_t *created = testing_create(test, return_number, NULL);
    REQUIRE(created != NULL);
    CHECK_NUMBER(0, xipc_process_is_alive(created));
    REQUIRE(start_living(&living, test));
    CHECK_NUMBER(1, xipc_process_is_alive(living.process));
    CHECK_OK(xipc_connection_close(living.life));
    CHECK_OK(xipc_process_join(living.process, TESTING_PATIENCE));
    CHECK_NUMBER(0, xipc_process_is_alive(living.process));
    CHECK_NUMBER(3, testing_finish(living.process));
    CHECK_NUMBER(0, xipc_process_is_alive(living.process));
}

static void pid_is_the_systems_number_of_the_child(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    apr_int64_t told = -1;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_create(test, tell_pid, testing_connection_args(there, test->pool));
    REQUIRE(process != NULL);
    CHECK_NUMBER(0, xipc_process_pid(process));
    REQUIRE_OK(xipc_process_start(process));
    CHECK(testing_recv_int(&told, here, TESTING_PATIENCE));
    CHECK_NUMBER(told, xipc_process_pid(process));
    CHECK(told != system_pid());
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_NUMBER(0, xipc_process_pid(process));
}

static void name_is_Process_N_until_it_is_set(testing_t *test)
{
    char name[] = "worker";
    xipc_process_t *first = testing_create(test, return_number, NULL);
    xipc_process_t *second = testing_create(test, return_number, NULL);
    REQUIRE(first != NULL && second != NULL);
    CHECK(strncmp(xipc_process_name(first), "Process-", 8) == 0);
    CHECK(apr_strtoi64(xipc_process_name(first) + 8, NULL, 10) > 0);
    CHECK(strcmp(xipc_process_name(first), xipc_process_name(second)) != 0);
    CHECK_OK(xipc_process_name_set(first, name));
    name[0] = 'X';
    CHECK_TEXT("worker", xipc_process_name(first));
    CHECK_OK(xipc_process_name_set(first, "other"));
    CHECK_TEXT("other", xipc_process_name(first));
}

static void name_can_not_be_set_after_start(testing_t *test)
{
    xipc_process_t *process = testing_create(test, return_number, testing_int_args(0, test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_process_name_set(process, "worker"));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_STATUS(XIPC_ESTATE, xipc_process_name_set(process, "other"));
    CHECK_TEXT("worker", xipc_process_name(process));
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_TEXT("worker", xipc_process_name(process));
}

static void many_processes_run_at_once(testing_t *test)
{
    enum { COUNT = 12 };
    living_t living[COUNT];
    for (int i = 0; i < COUNT; i++) REQUIRE(start_living(&living[i], test));
    for (int i = 0; i < COUNT; i++) {
        CHECK(xipc_process_is_alive(living[i].process));
        for (int k = 0; k < i; k++)
            CHECK(xipc_process_pid(living[i].process) != xipc_process_pid(living[k].process));
    }
    for (int i = 0; i < COUNT; i++) CHECK_NUMBER(3, end_living(&living[i]));
}

static const testing_case_t cases[] = {
    EACH_METHOD(exitcode_is_what_the_target_returned),
    EACH_METHOD(exitcode_keeps_its_lowest_8_bits_on_POSIX),
    EACH_METHOD(killed_process_has_exitcode_minus_9),
    EACH_METHOD(terminated_process_has_exitcode_minus_15),
    EACH_METHOD(crashed_process_has_a_negative_exitcode),
    EACH_METHOD(exitcode_of_a_running_process_is_APR_CHILD_NOTDONE),
    EACH_METHOD(exitcode_is_known_without_a_join),
    EACH_METHOD(exitcode_is_ECHILD_when_children_vanish_unseen),
    EACH_METHOD(join_gives_up_after_the_timeout),
    EACH_METHOD(join_with_timeout_0_does_not_wait),
    EACH_METHOD(join_without_a_timeout_waits_for_the_end),
    EACH_METHOD(join_can_be_repeated),
    EACH_METHOD(join_is_not_cut_short_by_signals),
    EACH_METHOD(join_does_not_wait_for_grandchildren),
    EACH_METHOD(join_reaps_nobody_elses_child),
    EACH_METHOD(handle_of_a_process_is_ready_when_it_has_ended),
    EACH_METHOD(process_is_alive_from_start_to_end),
    EACH_METHOD(pid_is_the_systems_number_of_the_child),
    ONCE(name_is_Process_N_until_it_is_set),
    EACH_METHOD(name_can_not_be_set_after_start),
    EACH_METHOD(many_processes_run_at_once),
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--return") == 0) return (int)strtol(argv[2], NULL, 10);
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return TESTING_NO_START;
    return testing_main("process", cases, sizeof cases / sizeof *cases, argc, argv);
}
