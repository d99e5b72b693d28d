/* A process is killed at each named place inside a queue with leases: each task is done once, or still to be done. */
#include "points.h"
#include "testing.h"

/* ---- the child ---- */

static const char *kill_at;
static apr_int64_t hits_left;

static void kill_here(const char *name)
{
    if (strcmp(name, kill_at) == 0 && --hits_left == 0) system_kill_self();
}

/* Enough of it goes past the first task, which is never done, that this is moved some times. */
enum { TASKS = 1000, BYTES = 5000, PUT = 0, GOT = 1, DONE = 2, WAYS = 3 };

static int report(xipc_connection_t *told, apr_int64_t number, int what)
{
    return testing_send_int(told, WAYS * number + what);
}

/* Take one, and do it unless it is the first. */
static int take_one(xipc_queue_t *queue, xipc_connection_t *told, apr_pool_t *pool)
{
    void *data;
    apr_size_t size;
    apr_int64_t number;
    xipc_queue_lease_t lease;
    if (xipc_queue_get_leased(&data, &size, &lease, queue, 0, pool) != APR_SUCCESS) return 0;
    memcpy(&number, data, sizeof number);
    if (!report(told, number, GOT)) return 0;
    if (number == 0) return 1;
    return xipc_queue_lease_done(queue, &lease) == APR_SUCCESS && report(told, number, DONE);
}

static int churn(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *told;
    apr_pool_t *each;
    apr_int64_t first;
    char bytes[BYTES] = "";
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 91;
    if (xipc_values_get_string(&kill_at, args, 2) != APR_SUCCESS) return 92;
    if (xipc_values_get_int(&hits_left, args, 3) != APR_SUCCESS) return 93;
    if (xipc_values_get_int(&first, args, 4) != APR_SUCCESS) return 94;
    if (apr_pool_create(&each, pool) != APR_SUCCESS) return 95;
    xipc__test_point_hook = kill_here;
    for (apr_int64_t i = first; i < first + TASKS; i++) {
        memcpy(bytes, &i, sizeof i);
        if (xipc_queue_put(queue, bytes, sizeof bytes, 0) != APR_SUCCESS) return 96;
        if (!report(told, i, PUT)) return 97;
        if (!take_one(queue, told, each)) return 98;
        apr_pool_clear(each);
    }
    return 0;
}

/* ---- the parent ---- */

typedef struct {
    const char *point;
    apr_int64_t hits;
    apr_size_t deliveries;
} kill_t;

typedef struct {
    int put[2 * TASKS];
    int got[2 * TASKS];
    int done[2 * TASKS];
    int seen[2 * TASKS]; /* by the parent, in the queue or among the letters */
} account_t;

static xipc_queue_t *make(apr_size_t deliveries, testing_t *test)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue = NULL;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_lease_set(options, deliveries));
    return CHECK_OK(xipc_queue_create_ex(&queue, options, test->pool)) ? queue : NULL;
}

/* Run a child until it is killed, or done; its exit code. */
static int run(account_t *account, xipc_queue_t *queue, const kill_t *kill, apr_int64_t first,
               testing_t *test)
{
    xipc_connection_t *told, *there;
    apr_int64_t what;
    if (!CHECK_OK(xipc_pipe_create(&told, &there, 0, test->pool))) return -1;
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    CHECK_OK(xipc_values_add_string(args, kill->point));
    CHECK_OK(xipc_values_add_int(args, kill->hits));
    CHECK_OK(xipc_values_add_int(args, first));
    xipc_process_t *process = testing_start(test, churn, args);
    CHECK_OK(xipc_connection_close(there));
    if (process == NULL) return -1;
    while (testing_recv_int(&what, told, TESTING_PATIENCE)) {
        int *of_kind[WAYS] = {account->put, account->got, account->done};
        if (!CHECK(what >= 0 && what < WAYS * 2 * TASKS)) break;
        of_kind[what % WAYS][what / WAYS]++;
    }
    CHECK_OK(xipc_connection_close(told));
    return testing_finish(process);
}

static void see(account_t *account, const void *data, apr_size_t size)
{
    apr_int64_t number = -1;
    REQUIRE(size == BYTES);
    memcpy(&number, data, sizeof number);
    REQUIRE(number >= 0 && number < 2 * TASKS);
    account->seen[number]++;
}

static void take_rest(account_t *account, xipc_queue_t *queue, apr_pool_t *pool)
{
    void *data;
    apr_size_t size;
    while (xipc_queue_get(&data, &size, queue, MILLISECONDS(250), pool) == APR_SUCCESS) {
        see(account, data, size);
        CHECK_OK(xipc_queue_task_done(queue));
    }
    CHECK_OK(xipc_queue_join(queue, TESTING_PATIENCE));
}

static void take_letters(account_t *account, xipc_queue_t *queue, apr_pool_t *pool)
{
    xipc_queue_t *letters;
    void *data;
    apr_size_t size;
    REQUIRE_OK(xipc_queue_dead_letters(&letters, queue, pool));
    while (xipc_queue_get(&data, &size, letters, 0, pool) == APR_SUCCESS) see(account, data, size);
    CHECK_OK(xipc_queue_close(letters));
}

/* Every task once: done by a child, or seen here; only of one that was being put or done it can't be known. */
static void check(const account_t *account)
{
    int doubts = 0;
    int wrong = 0;
    for (int i = 0; i < 2 * TASKS; i++) {
        int is_doubtful = (account->got[i] > account->done[i] && i > 0) || !account->put[i];
        int times = account->done[i] + account->seen[i];
        if (is_doubtful && times != 1 && account->got[i]) doubts++;
        if (times > 1 || (times == 0 && !is_doubtful)) wrong++;
    }
    CHECK_NUMBER(0, wrong);
    CHECK(doubts <= 2); /* one for each child that was killed */
}

/* By itself, as from outside: on Win32 that is an exit code like any other. */
static int was_killed(int exitcode)
{
    return exitcode == (system_has_fork() ? -9 : 9);
}

static void survives(testing_t *test, const kill_t *first, const kill_t *second)
{
    account_t account;
    memset(&account, 0, sizeof account);
    xipc_queue_t *queue = make(second->deliveries, test);
    REQUIRE(queue != NULL);
    if (first != NULL) CHECK(was_killed(run(&account, queue, first, 0, test)));
    CHECK(was_killed(run(&account, queue, second, first != NULL ? TASKS : 0, test)));
    take_rest(&account, queue, test->pool);
    if (second->deliveries > 0) take_letters(&account, queue, test->pool);
    check(&account);
    CHECK_OK(xipc_queue_close(queue));
}

static void kill_while_tasks_are_taken_and_done(testing_t *test)
{
    static const char *const points[] = {"task.leased", "task.taken", "task.finishing", "task.done",
                                         "mark.moved"};
    for (int i = 0; i < 5; i++) {
        const kill_t kill = {points[i], 10, 0};
        survives(test, NULL, &kill);
    }
}

static void kill_while_a_task_is_moved(testing_t *test)
{
    static const char *const points[] = {"task.moving", "task.moved"};
    for (int i = 0; i < 2; i++)
        for (apr_int64_t hits = 1; hits <= 2; hits++) {
            const kill_t kill = {points[i], hits, 0};
            survives(test, NULL, &kill);
        }
}

static void kill_while_a_task_is_given_out_again(testing_t *test)
{
    static const char *const points[] = {"task.again", "task.taken_again"};
    static const kill_t first = {"task.finishing", 5, 0};
    for (int i = 0; i < 2; i++) {
        const kill_t kill = {points[i], 1, 0};
        survives(test, &first, &kill);
    }
}

static void kill_while_a_task_becomes_a_dead_letter(testing_t *test)
{
    static const char *const points[] = {"put.record", "task.burying", "put.published", "put.left",
                                         "task.buried"};
    static const kill_t first = {"task.finishing", 5, 1};
    for (int i = 0; i < 5; i++) {
        const kill_t kill = {points[i], strncmp(points[i], "task", 4) == 0 ? 1 : 2, 1};
        survives(test, &first, &kill);
    }
}

/* Messages that wait keep the copy of a moved task before the readers' mark, when another move is cut short. */
static void kill_in_a_move_leaves_the_task_of_one_who_lives(testing_t *test)
{
    enum { BACKLOG = 50 };
    for (apr_int64_t hits = 1; hits <= 4; hits++) {
        account_t account;
        char bytes[BYTES] = "";
        apr_size_t size;
        const kill_t kill = {"task.moving", hits, 0};
        memset(&account, 0, sizeof account);
        xipc_queue_t *queue = make(0, test);
        REQUIRE(queue != NULL);
        for (int i = 0; i <= BACKLOG; i++) REQUIRE_OK(xipc_queue_put(queue, bytes, BYTES, 0));
        REQUIRE_OK(xipc_queue_get_into(&size, queue, bytes, BYTES, 0));
        CHECK(was_killed(run(&account, queue, &kill, TASKS, test)));
        CHECK_OK(xipc_queue_task_done(queue));
        CHECK_OK(xipc_queue_close(queue));
    }
}

/* ---- two at the same time ---- */

static int was_moved;

static void note_move(const char *name)
{
    if (strcmp(name, "task.moved") == 0) was_moved = 1;
}

static int die_in_taking(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    void *data;
    apr_size_t size;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    kill_at = "task.leased";
    hits_left = 1;
    xipc__test_point_hook = kill_here;
    (void)xipc_queue_get(&data, &size, queue, 0, pool);
    return 91;
}

/* A process that looks for what the dead had, as its first call does. */
static int do_all(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    void *data;
    apr_size_t size;
    apr_int64_t number;
    apr_int64_t last = -1;
    xipc_queue_lease_t lease;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    while (xipc_queue_get_leased(&data, &size, &lease, queue, 0, pool) == APR_SUCCESS) {
        memcpy(&number, data, sizeof number);
        if (lease.deliveries != 1) return 91;
        if (number <= last) return 92;
        last = number;
        if (xipc_queue_lease_done(queue, &lease) != APR_SUCCESS) return 93;
    }
    return 0;
}

/* Put `number`, and do the oldest unless it was moved meanwhile. */
static int pass_one(xipc_queue_t *queue, apr_int64_t number, apr_pool_t *pool)
{
    char bytes[BYTES] = "";
    void *data;
    apr_size_t size;
    xipc_queue_lease_t lease;
    memcpy(bytes, &number, sizeof number);
    if (!CHECK_OK(xipc_queue_put(queue, bytes, BYTES, 0))) return 0;
    if (was_moved) return 0;
    return CHECK_OK(xipc_queue_get_leased(&data, &size, &lease, queue, 0, pool)) &&
           CHECK_OK(xipc_queue_lease_done(queue, &lease));
}

/* Between the mark and the copy of a moved task nothing was taken, whatever a dead one left there. */
static void kill_in_taking_behind_a_copy_leaves_the_task_once(testing_t *test)
{
    enum { BACKLOG = 10 };
    char bytes[BYTES] = "";
    apr_size_t size;
    apr_int64_t number = 1;
    xipc_queue_t *queue = make(0, test);
    REQUIRE(queue != NULL);
    for (int i = 0; i <= BACKLOG; i++) REQUIRE_OK(xipc_queue_put(queue, bytes, BYTES, 0));
    REQUIRE_OK(xipc_queue_get_into(&size, queue, bytes, BYTES, 0));
    was_moved = 0;
    xipc__test_point_hook = note_move;
    while (number < TASKS && pass_one(queue, number, test->pool)) number++;
    xipc__test_point_hook = NULL;
    REQUIRE(was_moved);
    CHECK(was_killed(testing_run(test, die_in_taking, testing_queue_args(queue, test->pool))));
    CHECK_NUMBER(0, testing_run(test, do_all, testing_queue_args(queue, test->pool)));
    CHECK_OK(xipc_queue_task_done(queue));
    CHECK_OK(xipc_queue_join(queue, TESTING_PATIENCE));
}

static int take_only(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    apr_int64_t number;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    return testing_get_int(&number, queue, 0, pool) == APR_SUCCESS ? 0 : 91;
}

/* Take one and keep it, and when told, die in burying another. */
static int die_in_burying(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *told;
    apr_int64_t number;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 91;
    if (testing_get_int(&number, queue, 0, pool) != APR_SUCCESS) return 92;
    if (!testing_send_int(told, number)) return 93;
    if (!testing_recv_int(&number, told, TESTING_PATIENCE)) return 94;
    kill_at = "task.buried";
    hits_left = 1;
    xipc__test_point_hook = kill_here;
    (void)testing_get_int(&number, queue, TESTING_PATIENCE, pool);
    return 95;
}

/* The one that died had a task as well, before that which it was burying. */
static void kill_in_burying_leaves_each_letter_once(testing_t *test)
{
    xipc_connection_t *told, *there;
    xipc_queue_t *letters;
    apr_int64_t number;
    int seen[3] = {0};
    xipc_queue_t *queue = make(1, test);
    REQUIRE(queue != NULL);
    CHECK_OK(testing_put_int(queue, 1, 0));
    CHECK_OK(testing_put_int(queue, 2, 0));
    REQUIRE_OK(xipc_pipe_create(&told, &there, 1, test->pool));
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *doomed = testing_start(test, die_in_burying, args);
    REQUIRE(doomed != NULL && testing_recv_int(&number, told, TESTING_PATIENCE));
    CHECK_NUMBER(0, testing_run(test, take_only, testing_queue_args(queue, test->pool)));
    CHECK(testing_send_int(told, 0));
    CHECK(was_killed(testing_finish(doomed)));
    CHECK_OK(xipc_queue_join(queue, TESTING_PATIENCE));
    REQUIRE_OK(xipc_queue_dead_letters(&letters, queue, test->pool));
    while (testing_get_int(&number, letters, 0, test->pool) == APR_SUCCESS)
        if (CHECK(number == 1 || number == 2)) seen[number]++;
    CHECK(seen[1] == 1 && seen[2] == 1);
}

static const testing_case_t cases[] = {
    ONCE(kill_while_tasks_are_taken_and_done),
    ONCE(kill_while_a_task_is_moved),
    ONCE(kill_in_a_move_leaves_the_task_of_one_who_lives),
    ONCE(kill_while_a_task_is_given_out_again),
    ONCE(kill_while_a_task_becomes_a_dead_letter),
    ONCE(kill_in_taking_behind_a_copy_leaves_the_task_once),
    ONCE(kill_in_burying_leaves_each_letter_once),
};

TESTING_MAIN("unit.task_points", cases)
