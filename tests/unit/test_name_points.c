/* A process is killed at each named place inside the calls about queues' names; see docs/queue-protocol.md. */
#include "points.h"
#include "testing.h"

#include <apr_strings.h>

/* ---- the child ---- */

static const char *kill_at;

static void kill_here(const char *name)
{
    if (strcmp(name, kill_at) == 0) system_kill_self();
}

static apr_status_t create(xipc_queue_t **queue, const char *name, apr_pool_t *pool)
{
    xipc_queue_options_t *options;
    apr_status_t rv = xipc_queue_options_create(&options, pool);
    if (rv == APR_SUCCESS) rv = xipc_queue_options_name_set(options, name);
    return rv == APR_SUCCESS ? xipc_queue_create_ex(queue, options, pool) : rv;
}

/* What is to be done before it is killed. */
static apr_status_t begin(xipc_queue_t **queue, const char *action, const char *name,
                          apr_pool_t *pool)
{
    if (strcmp(action, "close last") == 0) return create(queue, name, pool);
    if (strcmp(action, "close") == 0) return xipc_queue_open(queue, name, NULL, pool);
    return APR_SUCCESS;
}

static apr_status_t act(xipc_queue_t *queue, const char *action, const char *name, apr_pool_t *pool)
{
    apr_array_header_t *list;
    if (queue != NULL) return xipc_queue_close(queue);
    if (strcmp(action, "create") == 0) return create(&queue, name, pool);
    if (strcmp(action, "open") == 0) return xipc_queue_open(&queue, name, NULL, pool);
    if (strcmp(action, "unlink") == 0) return xipc_queue_unlink(name);
    return xipc_queue_list(&list, pool);
}

static int child(xipc_values_t *args, apr_pool_t *pool)
{
    const char *action, *name;
    xipc_queue_t *queue = NULL;
    if (xipc_values_get_string(&action, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_string(&name, args, 1) != APR_SUCCESS) return 91;
    if (xipc_values_get_string(&kill_at, args, 2) != APR_SUCCESS) return 92;
    if (begin(&queue, action, name, pool) != APR_SUCCESS) return 93;
    xipc__test_point_hook = kill_here;
    (void)act(queue, action, name, pool);
    return 0;
}

/* ---- the parent ---- */

static const char *queue_name(testing_t *test)
{
    return apr_psprintf(test->pool, "test-point-%d", (int)system_pid());
}

/* By itself, as from outside: on Win32 that is an exit code like any other. */
static int was_killed(int exitcode)
{
    return exitcode == (system_has_fork() ? -9 : 9);
}

/* Its exit code says whether the place was reached. */
static int run_to(const char *action, const char *point, testing_t *test)
{
    xipc_values_t *args = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_string(args, action));
    CHECK_OK(xipc_values_add_string(args, queue_name(test)));
    CHECK_OK(xipc_values_add_string(args, point));
    return was_killed(testing_run(test, child, args));
}

static void run_and_kill(const char *action, const char *point, testing_t *test)
{
    if (!run_to(action, point, test)) CHECK_TEXT("a point that is reached", point);
}

static apr_status_t try_open(testing_t *test)
{
    xipc_queue_t *queue;
    apr_status_t rv = xipc_queue_open(&queue, queue_name(test), NULL, test->pool);
    if (rv == APR_SUCCESS) CHECK_OK(xipc_queue_close(queue));
    return rv;
}

static apr_size_t holders(testing_t *test)
{
    apr_array_header_t *list;
    if (!CHECK_OK(xipc_queue_list(&list, test->pool))) return 0;
    for (int i = 0; i < list->nelts; i++) {
        const xipc_queue_listed_t *listed = &APR_ARRAY_IDX(list, i, xipc_queue_listed_t);
        if (strcmp(listed->name, queue_name(test)) == 0) return listed->holders;
    }
    return 0;
}

/* Who looks first finds a name that nobody has; then it can be had. */
static void check_free(int first_look, testing_t *test)
{
    xipc_queue_t *queue = NULL;
    if (first_look == 0) CHECK_STATUS(APR_ENOENT, try_open(test));
    if (first_look == 1) CHECK_STATUS(APR_ENOENT, xipc_queue_unlink(queue_name(test)));
    if (first_look == 2) CHECK_NUMBER(0, holders(test));
    REQUIRE_OK(create(&queue, queue_name(test), test->pool));
    CHECK_OK(xipc_queue_put(queue, "x", 1, 0));
    CHECK_NUMBER(1, holders(test));
    CHECK_OK(try_open(test));
    CHECK_OK(xipc_queue_close(queue));
    CHECK_STATUS(APR_ENOENT, try_open(test));
}

#define COUNT_OF(array) (int)(sizeof(array) / sizeof *(array))

static void death_in_create_leaves_a_name_that_can_be_had(testing_t *test)
{
    static const char *const points[] = {"name.locked", "name.claiming", "name.claimed",
                                         "name.made", "name.held"};
    for (int i = 0; i < COUNT_OF(points); i++) {
        for (int look = 0; look < 4; look++) {
            run_and_kill("create", points[i], test);
            check_free(look, test);
        }
    }
}

/*
 * What a dead one left is removed by one that dies as well. On Win32 the system has removed it before, so that most
 * places are reached by a creation alone.
 */
static void death_in_the_removal_leaves_it_to_the_next(testing_t *test)
{
    static const char *const points[] = {"name.locked", "name.removing", "name.forgotten",
                                         "name.removed"};
    static const char *const actions[] = {"create", "open", "unlink", "list"};
    for (int i = 0; i < COUNT_OF(points); i++) {
        for (int k = 0; k < COUNT_OF(actions); k++) {
            run_and_kill("create", "name.held", test);
            if (!run_to(actions[k], points[i], test) && system_has_fork())
                CHECK_TEXT("a point that is reached", points[i]);
            check_free((i + k) % 4, test);
        }
    }
}

static void death_of_the_last_in_close_leaves_it_to_the_next(testing_t *test)
{
    static const char *const points[] = {"name.locked", "name.dropped", "name.removing",
                                         "name.forgotten", "name.removed"};
    for (int i = 0; i < COUNT_OF(points); i++) {
        for (int look = 0; look < 4; look++) {
            run_and_kill("close last", points[i], test);
            check_free(look, test);
        }
    }
}

static void death_of_one_leaves_the_queue_of_the_others(testing_t *test)
{
    static const struct {
        const char *action, *point;
    } deaths[] = {{"open", "name.locked"},  {"open", "name.taken"},    {"open", "name.held"},
                  {"close", "name.locked"}, {"close", "name.dropped"}, {"create", "name.locked"},
                  {"unlink", "name.locked"}};
    xipc_queue_t *queue;
    apr_size_t count = 0;
    REQUIRE_OK(create(&queue, queue_name(test), test->pool));
    CHECK_OK(xipc_queue_put(queue, "x", 1, 0));
    for (int i = 0; i < COUNT_OF(deaths); i++) {
        run_and_kill(deaths[i].action, deaths[i].point, test);
        CHECK_NUMBER(1, holders(test));
        CHECK_OK(try_open(test));
        CHECK_OK(xipc_queue_size(&count, queue));
        CHECK_NUMBER(1, count);
    }
}

static void death_in_unlink_removes_the_name_and_not_the_queue(testing_t *test)
{
    static const char *const points[] = {"name.removing", "name.forgotten", "name.removed"};
    for (int i = 0; i < COUNT_OF(points); i++) {
        for (int look = 0; look < 4; look++) {
            xipc_queue_t *queue;
            char byte;
            apr_size_t size;
            REQUIRE_OK(create(&queue, queue_name(test), test->pool));
            CHECK_OK(xipc_queue_put(queue, "x", 1, 0));
            run_and_kill("unlink", points[i], test);
            check_free(look, test);
            CHECK_OK(xipc_queue_get_into(&size, queue, &byte, 1, 0));
            CHECK_OK(xipc_queue_close(queue));
        }
    }
}

static const testing_case_t cases[] = {
    EACH_METHOD(death_in_create_leaves_a_name_that_can_be_had),
    ONCE(death_in_the_removal_leaves_it_to_the_next),
    ONCE(death_of_the_last_in_close_leaves_it_to_the_next),
    ONCE(death_of_one_leaves_the_queue_of_the_others),
    ONCE(death_in_unlink_removes_the_name_and_not_the_queue),
};

TESTING_MAIN("name.points", cases)
