/*
 * Handles of every kind among values: listeners, processes, shared memory, the system's; see
 * values.h.
 */
#include "testing.h"

#include "xipc/family.h"
#include "xipc/listener.h"
#include "xipc/shared_memory.h"
#include "xipc/wait.h"

#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>

enum { MEMORY_SIZE = 100000 };

/* ---- targets ---- */

static xipc_connection_t *connection_of(const xipc_values_t *args, apr_size_t index)
{
    xipc_connection_t *connection;
    return xipc_values_get_connection(&connection, args, index) == APR_SUCCESS ? connection : NULL;
}

/* Accept a client, and answer its number with the next one. Args: listener. */
static int serve(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    xipc_listener_t *listener;
    xipc_connection_t *connection;
    if (xipc_values_get_listener(&listener, args, 0) != APR_SUCCESS) return 90;
    if (xipc_listener_accept(&connection, listener, TESTING_PATIENCE, pool) != APR_SUCCESS)
        return 91;
    if (!testing_recv_int(&number, connection, TESTING_PATIENCE)) return 92;
    return testing_send_int(connection, number + 1) ? 0 : 93;
}

/* Run until the other side ends. Args: connection. */
static int stay(xipc_values_t *args, apr_pool_t *pool)
{
    (void)pool;
    return xipc_connection_poll(connection_of(args, 0), -1) == APR_SUCCESS ? 5 : 91;
}

/* Kill a process, and see its end. Args: process. */
static int end_process(xipc_values_t *args, apr_pool_t *pool)
{
    apr_size_t ready;
    xipc_wait_item_t item = {.kind = XIPC_WAIT_PROCESS};
    (void)pool;
    if (xipc_values_get_process(&item.of.process, args, 0) != APR_SUCCESS) return 90;
    if (!xipc_process_is_alive(item.of.process)) return 91;
    if (xipc_wait(&ready, &item, 1, 0) != APR_TIMEUP) return 92;
    if (xipc_process_kill(item.of.process) != APR_SUCCESS) return 93;
    if (xipc_wait(&ready, &item, 1, TESTING_PATIENCE) != APR_SUCCESS) return 94;
    if (xipc_process_join(item.of.process, 0) != APR_SUCCESS) return 95;
    return xipc_process_kill(item.of.process) == APR_SUCCESS ? 0 : 96;
}

/* The exit code of a process that has ended. Args: process. */
static int return_exitcode(xipc_values_t *args, apr_pool_t *pool)
{
    int exitcode;
    xipc_process_t *process;
    (void)pool;
    if (xipc_values_get_process(&process, args, 0) != APR_SUCCESS) return 90;
    if (xipc_process_join(process, 0) != APR_SUCCESS) return 91;
    if (strcmp(xipc_process_name(process), "the ended one") != 0) return 92;
    return xipc_process_exitcode(&exitcode, process) == APR_SUCCESS ? exitcode : 93;
}

/* Is that the starter? Args: process. */
static int join_starter(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_process_t *process;
    xipc_process_t *parent;
    (void)pool;
    if (xipc_values_get_process(&process, args, 0) != APR_SUCCESS) return 90;
    if (xipc_process_parent(&parent) != APR_SUCCESS) return 91;
    if (xipc_process_pid(process) != xipc_process_pid(parent)) return 92;
    return xipc_process_join(process, MILLISECONDS(5)) == APR_TIMEUP ? 0 : 93;
}

/* Check what is in the memory, and put something else there. Args: memory. */
static int change_memory(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_shared_memory_t *memory;
    (void)pool;
    if (xipc_values_get_memory(&memory, args, 0) != APR_SUCCESS) return 90;
    if (xipc_shared_memory_size(memory) != MEMORY_SIZE) return 91;
    if (!testing_is_filled(xipc_shared_memory_address(memory), MEMORY_SIZE, 1)) return 92;
    testing_fill(xipc_shared_memory_address(memory), MEMORY_SIZE, 2);
    return 0;
}

/* Write to a file that the parent opened. Args: handle. */
static int write_file(xipc_values_t *args, apr_pool_t *pool)
{
    apr_os_file_t handle;
    apr_file_t *file;
    if (xipc_values_get_handle(&handle, args, 0) != APR_SUCCESS) return 90;
    if (apr_os_file_put(&file, &handle, APR_FOPEN_WRITE, pool) != APR_SUCCESS) return 91;
    return apr_file_write_full(file, "hello", 5, NULL) == APR_SUCCESS ? 0 : 92;
}

/* Receive a list with one of each kind, and say how many values it has. Args: connection. */
static int receive_all(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_values_t *values;
    xipc_shared_memory_t *memory;
    if (xipc_connection_recv_values(&values, connection_of(args, 0), TESTING_PATIENCE, pool) !=
        APR_SUCCESS)
        return 90;
    if (xipc_values_get_memory(&memory, values, 2) != APR_SUCCESS) return 91;
    memcpy(xipc_shared_memory_address(memory), "seen", 5);
    return (int)xipc_values_count(values);
}

/* ---- common ---- */

static apr_os_file_t open_file(apr_file_t **file, const char *path, apr_pool_t *pool)
{
    apr_os_file_t handle = (apr_os_file_t)-1;
    if (CHECK_OK(apr_file_open(file, path, APR_FOPEN_CREATE | APR_FOPEN_READ | APR_FOPEN_WRITE,
                               APR_FPROT_OS_DEFAULT, pool)))
        CHECK_OK(apr_os_file_get(&handle, *file));
    return handle;
}

/* A child that stays until `here` is closed. */
static xipc_process_t *start_staying(xipc_connection_t **here, testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(here, &there, 1, test->pool))) return NULL;
    xipc_process_t *process = testing_start(test, stay, testing_connection_args(there, test->pool));
    CHECK_OK(xipc_connection_close(there));
    return process;
}

/* A child accepts what comes to the parent's listener. */
static void check_serving(const char *address, testing_t *test)
{
    apr_int64_t number = 5;
    xipc_listener_t *listener;
    xipc_listener_options_t *options;
    xipc_client_options_t *client;
    xipc_connection_t *connection;
    xipc_values_t *args = xipc_values_make(test->pool);
    REQUIRE_OK(xipc_listener_options_create(&options, test->pool));
    REQUIRE_OK(xipc_listener_options_authkey_set(options, "secret", 6));
    REQUIRE_OK(xipc_listener_create(&listener, address, options, test->pool));
    REQUIRE_OK(xipc_values_add_listener(args, listener));
    xipc_process_t *process = testing_start(test, serve, args);
    REQUIRE(process != NULL);
    /*
     * on Windows each has an instance of a pipe, and this one would take the client and not accept
     */
    if (!system_has_fork()) CHECK_OK(xipc_listener_close(listener));
    REQUIRE_OK(xipc_client_options_create(&client, test->pool));
    REQUIRE_OK(xipc_client_options_authkey_set(client, "secret", 6));
    REQUIRE_OK(xipc_client_connect(&connection, xipc_listener_address(listener), client,
                                   TESTING_PATIENCE, test->pool));
    CHECK(testing_send_int(connection, number));
    CHECK(testing_recv_int(&number, connection, TESTING_PATIENCE));
    CHECK_NUMBER(6, number);
    CHECK_NUMBER(0, testing_finish(process));
    CHECK_OK(xipc_listener_close(listener));
}

/* ---- listeners ---- */

static void listener_goes_to_a_child(testing_t *test)
{
    check_serving("tcp:127.0.0.1:0", test);
    check_serving(NULL, test);
}

/* ---- processes ---- */

static void process_is_ended_and_waited_for_by_another(testing_t *test)
{
    xipc_connection_t *here;
    xipc_values_t *args = xipc_values_make(test->pool);
    xipc_process_t *process = start_staying(&here, test);
    REQUIRE(process != NULL);
    REQUIRE_OK(xipc_values_add_process(args, process));
    CHECK_NUMBER(0, testing_run(test, end_process, args));
    CHECK_NUMBER(-9, testing_finish(process));
}

static void ended_process_has_its_exitcode_along(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_values_t *args = xipc_values_make(test->pool);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_create(test, stay, testing_connection_args(there, test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_process_name_set(process, "the ended one"));
    REQUIRE_OK(xipc_process_start(process));
    CHECK_OK(xipc_connection_close(there));
    CHECK_OK(xipc_connection_close(here));
    CHECK_OK(xipc_process_join(process, TESTING_PATIENCE));
    REQUIRE_OK(xipc_values_add_process(args, process));
    CHECK_NUMBER(5, testing_run(test, return_exitcode, args));
    CHECK_NUMBER(5, testing_finish(process));
}

static void current_process_goes_along(testing_t *test)
{
    xipc_process_t *self;
    xipc_values_t *args = xipc_values_make(test->pool);
    REQUIRE_OK(xipc_process_current(&self));
    REQUIRE_OK(xipc_values_add_process(args, self));
    CHECK_NUMBER(0, testing_run(test, join_starter, args));
}

static void process_that_was_not_started_is_refused(testing_t *test)
{
    xipc_process_t *process;
    xipc_values_t *args = xipc_values_make(test->pool);
    REQUIRE_OK(xipc_process_create(&process, stay, NULL, test->pool));
    CHECK_STATUS(XIPC_ESTATE, xipc_values_add_process(args, process));
}

/* ---- shared memory ---- */

static void memory_is_the_same_in_a_child(testing_t *test)
{
    xipc_shared_memory_t *memory;
    xipc_values_t *args = xipc_values_make(test->pool);
    REQUIRE_OK(xipc_shared_memory_create(&memory, MEMORY_SIZE, test->pool));
    CHECK_NUMBER(MEMORY_SIZE, xipc_shared_memory_size(memory));
    for (int i = 0; i < MEMORY_SIZE; i += 4096)
        CHECK_NUMBER(0, ((char *)xipc_shared_memory_address(memory))[i]);
    testing_fill(xipc_shared_memory_address(memory), MEMORY_SIZE, 1);
    REQUIRE_OK(xipc_values_add_memory(args, memory));
    CHECK_NUMBER(0, testing_run(test, change_memory, args));
    CHECK(testing_is_filled(xipc_shared_memory_address(memory), MEMORY_SIZE, 2));
    CHECK_OK(xipc_shared_memory_close(memory));
    CHECK_OK(xipc_shared_memory_close(memory));
    CHECK(xipc_shared_memory_address(memory) == NULL);
    CHECK_STATUS(XIPC_ECLOSED, xipc_values_add_memory(args, memory));
}

static void memory_that_can_not_be_had_is_refused(testing_t *test)
{
    xipc_shared_memory_t *memory;
    CHECK_STATUS(APR_EINVAL, xipc_shared_memory_create(&memory, 0, test->pool));
    CHECK(xipc_shared_memory_create(&memory, (apr_size_t)-1, test->pool) != APR_SUCCESS);
    CHECK(xipc_shared_memory_create(&memory, (apr_size_t)1 << 46, test->pool) != APR_SUCCESS);
    CHECK_STATUS(APR_EINVAL, xipc_shared_memory_create(NULL, 1, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_shared_memory_close(NULL));
}

/* ---- the system's handles ---- */

static void file_of_the_parent_is_written_by_a_child(testing_t *test)
{
    char text[10] = "";
    apr_size_t size = 0;
    apr_off_t begin = 0;
    apr_file_t *file;
    const char *path = testing_temporary("handle", test->pool);
    xipc_values_t *args = xipc_values_make(test->pool);
    REQUIRE_OK(xipc_values_add_handle(args, open_file(&file, path, test->pool)));
    CHECK_NUMBER(0, testing_run(test, write_file, args));
    CHECK_OK(apr_file_seek(file, APR_SET, &begin));
    CHECK_OK(apr_file_read_full(file, text, 5, &size));
    CHECK_TEXT("hello", text);
    CHECK_OK(apr_file_close(file));
    CHECK_OK(apr_file_remove(path, test->pool));
}

/* ---- many kinds in one message ---- */

/* What a list has when one of each kind was added. */
static xipc_values_t *one_of_each(xipc_shared_memory_t **memory, testing_t *test)
{
    apr_file_t *file;
    xipc_process_t *self;
    xipc_listener_t *listener;
    const char *path = testing_temporary("handle", test->pool);
    xipc_values_t *values = xipc_values_make(test->pool);
    CHECK_OK(xipc_listener_create(&listener, NULL, NULL, test->pool));
    CHECK_OK(xipc_process_current(&self));
    CHECK_OK(xipc_shared_memory_create(memory, MEMORY_SIZE, test->pool));
    CHECK_OK(xipc_values_add_listener(values, listener));
    CHECK_OK(xipc_values_add_process(values, self));
    CHECK_OK(xipc_values_add_memory(values, *memory));
    CHECK_OK(xipc_values_add_handle(values, open_file(&file, path, test->pool)));
    CHECK_OK(xipc_values_add_queue(values, testing_queue(test, 3)));
    CHECK_OK(xipc_values_add_int(values, 7));
    CHECK_OK(apr_file_remove(path, test->pool));
    return values;
}

static void one_message_has_handles_of_every_kind(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_shared_memory_t *memory;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    xipc_process_t *process =
        testing_start(test, receive_all, testing_connection_args(there, test->pool));
    REQUIRE(process != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK_OK(xipc_connection_send_values(here, one_of_each(&memory, test), TESTING_PATIENCE));
    CHECK_NUMBER(6, testing_finish(process));
    CHECK_TEXT("seen", xipc_shared_memory_address(memory));
}

/* The harness counts the handles of this process afterwards. */
static void handles_that_nobody_receives_are_not_left_behind(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_shared_memory_t *memory;
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_connection_send_values(here, one_of_each(&memory, test), TESTING_PATIENCE));
    CHECK_OK(xipc_connection_close(there));
    CHECK_OK(xipc_connection_close(here));
}

static void handle_that_is_none_is_EBADF_and_nothing_is_started_or_sent(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_values_t *values = xipc_values_make(test->pool);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_values_add_handle(values, (apr_os_file_t)(intptr_t)99996));
    apr_status_t rv = xipc_connection_send_values(here, values, TESTING_PATIENCE);
    CHECK(APR_STATUS_IS_EBADF(rv));
    CHECK(strstr(testing_text(rv), "handle") != NULL);
    CHECK_STATUS(APR_TIMEUP, xipc_connection_poll(there, 0));
    xipc_process_t *process = testing_create(test, stay, values);
    REQUIRE(process != NULL);
    CHECK(APR_STATUS_IS_EBADF(xipc_process_start(process)));
    CHECK(!xipc_process_is_alive(process));
}

static void wrong_type_is_XIPC_ETYPE_and_NULL_is_APR_EINVAL(testing_t *test)
{
    apr_os_file_t handle;
    xipc_process_t *process;
    xipc_listener_t *listener;
    xipc_shared_memory_t *memory;
    xipc_values_t *values = testing_int_args(1, test->pool);
    CHECK_STATUS(XIPC_ETYPE, xipc_values_get_listener(&listener, values, 0));
    CHECK_STATUS(XIPC_ETYPE, xipc_values_get_process(&process, values, 0));
    CHECK_STATUS(XIPC_ETYPE, xipc_values_get_memory(&memory, values, 0));
    CHECK_STATUS(XIPC_ETYPE, xipc_values_get_handle(&handle, values, 0));
    CHECK_STATUS(XIPC_EINDEX, xipc_values_get_handle(&handle, values, 1));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_listener(values, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_process(values, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_memory(values, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_values_add_handle(values, (apr_os_file_t)-1));
    CHECK_NUMBER(1, xipc_values_count(values));
}

static const testing_case_t cases[] = {
    EACH_METHOD(listener_goes_to_a_child),
    EACH_METHOD(process_is_ended_and_waited_for_by_another),
    EACH_METHOD(ended_process_has_its_exitcode_along),
    EACH_METHOD(current_process_goes_along),
    ONCE(process_that_was_not_started_is_refused),
    EACH_METHOD(memory_is_the_same_in_a_child),
    ONCE(memory_that_can_not_be_had_is_refused),
    EACH_METHOD(file_of_the_parent_is_written_by_a_child),
    EACH_METHOD(one_message_has_handles_of_every_kind),
    ONCE(handles_that_nobody_receives_are_not_left_behind),
    EACH_METHOD(handle_that_is_none_is_EBADF_and_nothing_is_started_or_sent),
    ONCE(wrong_type_is_XIPC_ETYPE_and_NULL_is_APR_EINVAL),
};

int main(int argc, char **argv)
{
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return TESTING_NO_START;
    testing_use_sockets();
    return testing_main("values.handles", cases, sizeof cases / sizeof *cases, argc, argv);
}
