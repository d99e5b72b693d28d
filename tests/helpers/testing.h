/*
 * testing.h - how the suites are written.
 *
 * A suite is a table of tests, each a function whose name is the promise it checks. A test can run
 * once, or once for each start method of the system, for each kind of queue, or for each pair of
 * these. After each one the harness looks for handles, processes and names left behind.
 *
 * Assertions belong to the parent: a child reports by its exit code, a connection or a queue.
 */
#ifndef TESTS_TESTING_H
#define TESTS_TESTING_H

#include "system.h"

#include "xipc/connection.h"
#include "xipc/errno.h"
#include "xipc/manager.h"
#include "xipc/process.h"
#include "xipc/process_pool.h"
#include "xipc/queue.h"
#include "xipc/runtime.h"
#include "xipc/values.h"

#include <string.h>

/* ---- tests and suites ---- */

/* A kind of queue that tests run over. */
typedef enum {
    TESTING_QUEUE_SYSTEM,
    TESTING_QUEUE_SHM,
    TESTING_QUEUE_LEVELS, /* the same with all priorities there are */
    TESTING_QUEUE_MANAGED,
    TESTING_QUEUE_KINDS
} testing_queue_e;

/* One test while it runs. */
typedef struct {
    apr_pool_t *pool;           /* ends with the test */
    xipc_start_method_e method; /* for tests that run for each start method */
    testing_queue_e queue;      /* for tests that run for each kind of queue */
    xipc_manager_t *manager;    /* where managed queues live; made when first needed */
} testing_t;

/* TESTING_SYSTEM_QUEUE: about the system's own queue, and left out where there is none. */
enum { TESTING_ONCE = 0, TESTING_METHODS = 1, TESTING_QUEUES = 2, TESTING_SYSTEM_QUEUE = 4 };

typedef struct {
    const char *name;
    void (*run)(testing_t *test);
    int each; /* of TESTING_METHODS, TESTING_QUEUES, TESTING_SYSTEM_QUEUE */
} testing_case_t;

#define TESTING_CASE(function, each)                                                               \
    {                                                                                              \
#function, function, each                                                                  \
    }
#define ONCE(function) TESTING_CASE(function, TESTING_ONCE)
#define EACH_METHOD(function) TESTING_CASE(function, TESTING_METHODS)
#define EACH_QUEUE(function) TESTING_CASE(function, TESTING_QUEUES)
#define EACH_QUEUE_AND_METHOD(function) TESTING_CASE(function, TESTING_METHODS | TESTING_QUEUES)
#define OF_SYSTEM_QUEUE(function) TESTING_CASE(function, TESTING_SYSTEM_QUEUE)
#define OF_SYSTEM_QUEUE_EACH_METHOD(function)                                                      \
    TESTING_CASE(function, TESTING_SYSTEM_QUEUE | TESTING_METHODS)

/*
 * Run a suite and return the exit code of the program. The first argument of the program, if any,
 * is a part of the names to run.
 */
int testing_main(const char *suite, const testing_case_t *cases, apr_size_t count, int argc,
                 char **argv);

/* A whole main for a suite without helpers of its own. */
#define TESTING_MAIN(suite, cases)                                                                 \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return TESTING_NO_START;                 \
        return testing_main(suite, cases, sizeof(cases) / sizeof *(cases), argc, argv);            \
    }

/* The exit code of a test program in which xipc_initialize() failed. */
enum { TESTING_NO_START = 99 };

/* Say why a test checks nothing on this system. */
void testing_skip(const char *reason);

/*
 * Before the tests of a suite with sockets: the first socket of a process leaves handles of the
 * system's behind, which are no test's.
 */
void testing_use_sockets(void);

/* ---- assertions ---- */

int testing_check(int is_true, const char *text, const char *file, int line);
int testing_check_number(apr_int64_t expected, apr_int64_t actual, const char *text,
                         const char *file, int line);
int testing_check_status(apr_status_t expected, apr_status_t actual, const char *text,
                         const char *file, int line);
int testing_check_text(const char *expected, const char *actual, const char *text, const char *file,
                       int line);
int testing_check_waited(apr_time_t began, apr_interval_time_t timeout, const char *file, int line);

#define CHECK(condition) testing_check((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_NUMBER(expected, actual)                                                             \
    testing_check_number((apr_int64_t)(expected), (apr_int64_t)(actual), #actual, __FILE__,        \
                         __LINE__)
#define CHECK_STATUS(expected, call) testing_check_status(expected, call, #call, __FILE__, __LINE__)
#define CHECK_OK(call) CHECK_STATUS(APR_SUCCESS, call)
#define CHECK_TEXT(expected, actual)                                                               \
    testing_check_text(expected, actual, #actual, __FILE__, __LINE__)

/* How many of them failed so far. */
unsigned testing_failures(void);

/* The wait that began then lasted at least the timeout, and did not last for ever. */
#define CHECK_WAITED(began, timeout) testing_check_waited(began, timeout, __FILE__, __LINE__)

/* As their namesakes, and the test ends when they fail. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!CHECK(condition)) return;                                                             \
    } while (0)
#define REQUIRE_OK(call)                                                                           \
    do {                                                                                           \
        if (!CHECK_OK(call)) return;                                                               \
    } while (0)

/* Wait until something becomes true. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        const apr_time_t give_up = system_clock() + TESTING_PATIENCE;                              \
        while (!(condition) && system_clock() < give_up) apr_sleep(1000);                          \
        CHECK(condition);                                                                          \
    } while (0)

#define MILLISECONDS(n) ((apr_interval_time_t)(n)*1000)

/* How long to wait for what should happen soon: long, since a test machine may be busy. */
#define TESTING_PATIENCE apr_time_from_sec(40)

/* ---- common actions ---- */

/* The detail-bearing text of a status, for this thread. */
const char *testing_text(apr_status_t status);

/* Is there a number below `bound` in the text? */
int testing_text_has_number_below(const char *text, apr_int64_t bound);

/* A process that is started the way the test says; NULL after a recorded failure. */
xipc_process_t *testing_create(testing_t *test, xipc_target_t target, const xipc_values_t *args);
xipc_process_t *testing_start(testing_t *test, xipc_target_t target, const xipc_values_t *args);

/*
 * Wait for its end, close it, and return its exit code; TESTING_NO_EXITCODE after a recorded
 * failure.
 */
int testing_finish(xipc_process_t *process);

/* Start, wait and close. */
int testing_run(testing_t *test, xipc_target_t target, const xipc_values_t *args);

enum { TESTING_NO_EXITCODE = -1000000 };

/* The system's own queue; what xipc_queue_create_ex() says. */
apr_status_t testing_system_queue(xipc_queue_t **queue, apr_size_t capacity, apr_size_t message_max,
                                  apr_pool_t *pool);

/* A queue of the test's kind, or of any where it has none; NULL after a recorded failure. */
xipc_queue_t *testing_queue(testing_t *test, apr_size_t capacity);

/* Start methods that this system has. */
apr_size_t testing_methods(const xipc_start_method_e **methods);
const char *testing_method_name(xipc_start_method_e method);

/* Arguments in one call: a list with one integer, or one connection. */
xipc_values_t *testing_int_args(apr_int64_t number, apr_pool_t *pool);
xipc_values_t *testing_connection_args(xipc_connection_t *connection, apr_pool_t *pool);
xipc_values_t *testing_queue_args(xipc_queue_t *queue, apr_pool_t *pool);

/* Integers as whole messages, for reports; 0 on failure. */
int testing_send_int(xipc_connection_t *connection, apr_int64_t number);
int testing_recv_int(apr_int64_t *number, xipc_connection_t *connection,
                     apr_interval_time_t timeout);
apr_status_t testing_put_int(xipc_queue_t *queue, apr_int64_t number, apr_interval_time_t timeout);
apr_status_t testing_get_int(apr_int64_t *number, xipc_queue_t *queue, apr_interval_time_t timeout,
                             apr_pool_t *pool);

/* Bytes that differ from place to place, and their check. */
void testing_fill(void *buffer, apr_size_t size, unsigned seed);
int testing_is_filled(const void *buffer, apr_size_t size, unsigned seed);

/* A data pointer as a target, and back: what no correct program does. */
xipc_target_t testing_as_target(const void *address);

/* A name in the directory for temporary files, for a file that does not exist yet. */
const char *testing_temporary(const char *name, apr_pool_t *pool);

/* The file of this program. */
const char *testing_program(void);
void testing_program_set(const char *argv0);

/*
 * Run this program with these arguments (NULL at the end), and give its exit code and what it and
 * the processes it left behind wrote. Not while the test has children.
 */
int testing_run_program(const char **output, const char *const *arguments, apr_pool_t *pool);

#endif
