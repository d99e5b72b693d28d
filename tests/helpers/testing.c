/* The harness of the suites; see testing.h. */
#include "testing.h"

#include <apr_strings.h>

#include <CUnit/Basic.h>

#include <stdio.h>

/* A test in one of its variants, as CUnit knows it. */
typedef struct {
    const char *name;
    const testing_case_t *test;
    xipc_start_method_e method;
    testing_queue_e queue;
} variant_t;

static variant_t *variants;
static apr_size_t variant_count;
static char **command_line;

/* ---- assertions ---- */

int testing_check(int is_true, const char *text, const char *file, int line)
{
    (void)CU_assertImplementation(is_true, (unsigned)line, text, file, "", CU_FALSE);
    return is_true;
}

int testing_check_number(apr_int64_t expected, apr_int64_t actual, const char *text,
                         const char *file, int line)
{
    char message[512];
    (void)snprintf(message, sizeof message, "%s: expected %lld, got %lld", text,
                   (long long)expected, (long long)actual);
    return testing_check(expected == actual, message, file, line);
}

int testing_check_text(const char *expected, const char *actual, const char *text, const char *file,
                       int line)
{
    char message[1024];
    const char *shown = actual != NULL ? actual : "(null)";
    (void)apr_snprintf(message, sizeof message, "%s: expected \"%.400s\", got \"%.400s\"", text,
                       expected, shown);
    return testing_check(actual != NULL && strcmp(expected, actual) == 0, message, file, line);
}

/* A system may have several codes for one condition; APR's macros know them. */
static int status_is(apr_status_t expected, apr_status_t actual)
{
    switch (expected) {
    case APR_TIMEUP:
        return APR_STATUS_IS_TIMEUP(actual);
    case APR_EINVAL:
        return APR_STATUS_IS_EINVAL(actual);
    case APR_ENOENT:
        return APR_STATUS_IS_ENOENT(actual);
    case APR_EPIPE:
        return APR_STATUS_IS_EPIPE(actual);
    default:
        return expected == actual;
    }
}

int testing_check_status(apr_status_t expected, apr_status_t actual, const char *text,
                         const char *file, int line)
{
    char wanted[160];
    char got[400];
    char message[1024];
    (void)xipc_strerror(actual, got, sizeof got);
    (void)xipc_strerror(expected, wanted, sizeof wanted);
    (void)apr_snprintf(message, sizeof message, "%s: expected %d (%s), got %d (%s)", text, expected,
                       wanted, actual, got);
    return testing_check(status_is(expected, actual), message, file, line);
}

int testing_check_waited(apr_time_t began, apr_interval_time_t timeout, const char *file, int line)
{
    char message[160];
    apr_interval_time_t waited = system_clock() - began;
    (void)snprintf(message, sizeof message, "waited %lld us for a timeout of %lld",
                   (long long)waited, (long long)timeout);
    return testing_check(waited >= timeout && waited < timeout + apr_time_from_sec(15), message,
                         file, line);
}

unsigned testing_failures(void)
{
    return CU_get_number_of_failures();
}

void testing_skip(const char *reason)
{
    printf("(skipped: %s) ", reason);
}

/* ---- one test ---- */

static int has_name(const apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(names, i, const char *), name) == 0) return 1;
    return 0;
}

/* A name that is there now and was not before, or NULL. */
static const char *new_name(const apr_array_header_t *before, apr_pool_t *pool)
{
    const apr_array_header_t *now = system_names(pool);
    for (int i = 0; i < now->nelts; i++) {
        const char *name = APR_ARRAY_IDX(now, i, const char *);
        if (!has_name(before, name)) return name;
    }
    return NULL;
}

/* Handles that a system may open in a test for itself, where they are not exact. */
enum { SYSTEMS_OWN = 8 };

static int handles_are(int before)
{
    int now = system_count_handles();
    return system_handles_are_exact() ? now == before : now <= before + SYSTEMS_OWN;
}

/*
 * Processes end in their own time, and other programs' names come and go: so look until a deadline.
 */
static void check_nothing_left(int handles, const apr_array_header_t *names, apr_pool_t *pool)
{
    const apr_time_t give_up = system_clock() + apr_time_from_sec(8);
    const char *left;
    apr_pool_t *scratch;
    (void)apr_pool_create(&scratch, pool);
    while (((left = new_name(names, scratch)) != NULL || !handles_are(handles) ||
            system_children() != 0) &&
           system_clock() < give_up) {
        apr_pool_clear(scratch);
        apr_sleep(5000);
    }
    if (!handles_are(handles)) CHECK_NUMBER(handles, system_count_handles());
    CHECK(system_children() == 0);
    if (left != NULL) CHECK_TEXT("no name left", left); /* not asked anew: others' come and go */
    apr_pool_destroy(scratch);
}

/* The server that starts processes ends with the library's own end. */
static void end_server(void)
{
    int argc = 1;
    xipc_terminate();
    (void)xipc_initialize(&argc, &command_line); /* the next start tells when it failed */
}

/* What CUnit runs for every test; which one it is CUnit knows. */
static void run_variant(void)
{
    const char *name = CU_get_current_test()->pName;
    apr_size_t index = 0;
    while (index < variant_count && strcmp(variants[index].name, name) != 0) index++;
    const variant_t *variant = &variants[index];
    apr_pool_t *outer;
    testing_t test = {NULL, variant->method, variant->queue, NULL};
    REQUIRE_OK(apr_pool_create(&outer, NULL));
    const apr_array_header_t *names = system_names(outer);
    int handles = system_count_handles();
    REQUIRE_OK(apr_pool_create(&test.pool, NULL));
    variant->test->run(&test);
    apr_pool_destroy(test.pool);
    if (test.method == XIPC_START_FORKSERVER) end_server();
    check_nothing_left(handles, names, outer);
    apr_pool_destroy(outer);
}

/* ---- the suite ---- */

const char *testing_method_name(xipc_start_method_e method)
{
    static const char *const names[] = {"default", "fork", "spawn", "forkserver"};
    return names[method];
}

static int has_threads(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return system_threads() > 1;
}

/* A sanitizer may run a thread of its own, here or in a child; then fork is rightly refused. */
static int is_refused_for_threads(xipc_process_t *process)
{
    int exitcode = 0;
    apr_status_t rv = xipc_process_start(process);
    if (rv == APR_SUCCESS) rv = xipc_process_join(process, -1);
    if (rv == APR_SUCCESS) (void)xipc_process_exitcode(&exitcode, process);
    return rv == XIPC_ETHREADS || exitcode == 1;
}

static int has_method(xipc_start_method_e method)
{
    apr_pool_t *pool;
    xipc_process_t *process;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return 0;
    int found = xipc_process_create(&process, has_threads, NULL, pool) == APR_SUCCESS &&
                xipc_process_start_method_set(process, method) == APR_SUCCESS;
    if (found && method != XIPC_START_SPAWN && is_refused_for_threads(process)) {
        printf("start method %s is left out: a sanitizer has threads of its own\n",
               testing_method_name(method));
        found = 0;
    }
    apr_pool_destroy(pool);
    end_server();
    return found;
}

apr_size_t testing_methods(const xipc_start_method_e **methods)
{
    static xipc_start_method_e found[3];
    static apr_size_t count = 0;
    static int is_known = 0;
    static const xipc_start_method_e all[] = {XIPC_START_FORK, XIPC_START_SPAWN,
                                              XIPC_START_FORKSERVER};
    for (apr_size_t i = 0; !is_known && i < 3; i++)
        if (has_method(all[i])) found[count++] = all[i];
    is_known = 1;
    *methods = found;
    return count;
}

static int has_system_queue(void)
{
    apr_pool_t *pool;
    xipc_queue_t *queue;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return 0;
    apr_status_t rv = testing_system_queue(&queue, 1, 8, pool);
    apr_pool_destroy(pool);
    return rv != APR_ENOTIMPL;
}

static void add_variant(const testing_case_t *test, const char *method, const char *queue,
                        variant_t variant, apr_pool_t *pool)
{
    variant.test = test;
    variant.name =
        apr_pstrcat(pool, test->name, method != NULL ? " [" : "", method != NULL ? method : "",
                    method != NULL ? "]" : "", queue != NULL ? " [" : "",
                    queue != NULL ? queue : "", queue != NULL ? "]" : "", NULL);
    variants[variant_count++] = variant;
}

static void add_case(const testing_case_t *test, testing_queue_e first_queue, apr_pool_t *pool)
{
    static const char *const queues[] = {"system", "shm", "shm with priorities", "managed"};
    const xipc_start_method_e *methods;
    apr_size_t method_count = testing_methods(&methods);
    apr_size_t of_methods = test->each & TESTING_METHODS ? method_count : 1;
    int last_queue = test->each & TESTING_QUEUES ? TESTING_QUEUE_MANAGED : (int)first_queue;
    for (int q = (int)first_queue; q <= last_queue; q++) {
        for (apr_size_t m = 0; m < of_methods; m++) {
            variant_t variant = {NULL, NULL, XIPC_START_DEFAULT, (testing_queue_e)q};
            if (test->each & TESTING_METHODS) variant.method = methods[m];
            add_variant(test, test->each & TESTING_METHODS ? testing_method_name(methods[m]) : NULL,
                        test->each & TESTING_QUEUES ? queues[q] : NULL, variant, pool);
        }
    }
}

static void add_cases(const testing_case_t *cases, apr_size_t count, apr_pool_t *pool)
{
    int has_queue = has_system_queue();
    variants = apr_pcalloc(pool, count * 3 * TESTING_QUEUE_KINDS * sizeof *variants);
    for (apr_size_t i = 0; i < count; i++) {
        if (has_queue || !(cases[i].each & TESTING_SYSTEM_QUEUE))
            add_case(&cases[i], has_queue ? TESTING_QUEUE_SYSTEM : TESTING_QUEUE_SHM, pool);
        else
            printf("%s is left out: this system has no queue of its own\n", cases[i].name);
    }
}

static int register_suite(const char *suite, const char *filter)
{
    CU_pSuite registered = CU_add_suite(suite, NULL, NULL);
    if (registered == NULL) return 0;
    for (apr_size_t i = 0; i < variant_count; i++) {
        if (filter != NULL && strstr(variants[i].name, filter) == NULL) continue;
        if (CU_add_test(registered, variants[i].name, run_variant) == NULL) return 0;
    }
    return 1;
}

static int run_suite(const char *suite, const char *filter)
{
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    if (!register_suite(suite, filter)) return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    (void)CU_basic_run_tests();
    int failures = CU_get_number_of_failures() != 0 || CU_get_number_of_tests_run() == 0;
    CU_cleanup_registry();
    return failures;
}

int testing_main(const char *suite, const testing_case_t *cases, apr_size_t count, int argc,
                 char **argv)
{
    apr_pool_t *pool;
    testing_program_set(argv[0]);
    command_line = argv;
    (void)apr_initialize(); /* our pools outlive the library's end */
    system_prepare();
    (void)setvbuf(stdout, NULL, _IONBF, 0); /* a test that hangs or crashes has been named then */
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return 1;
    add_cases(cases, count, pool);
    int failed = run_suite(suite, argc > 1 ? argv[1] : NULL);
    apr_pool_destroy(pool);
    xipc_terminate();
    apr_terminate();
    return failed;
}
