/* A process is killed at each named place inside a queue in shared memory; see docs/queue-protocol.md. */
#include "points.h"
#include "testing.h"

/* ---- the child ---- */

static const char *kill_at;
static apr_int64_t hits_left;

static void kill_here(const char *name)
{
    if (strcmp(name, kill_at) == 0 && --hits_left == 0) system_kill_self();
}

enum { BURST = 4, ROUNDS = 60, PUT = 0, GOT = 1 };

/* What the child tells: a number, and whether it has been put or got. */
static int report(xipc_connection_t *told, apr_int64_t number, int what)
{
    return testing_send_int(told, 2 * number + what);
}

static unsigned priority_of(apr_int64_t number, unsigned levels)
{
    return (unsigned)(number * 5 / 2) % levels;
}

/* A message begins with its number; the rest follows from it. */
static apr_status_t put_one(xipc_queue_t *queue, apr_int64_t number, char *bytes, apr_size_t size,
                            int in_place, unsigned levels)
{
    void *place = bytes;
    if (in_place && number % 5 == 3) { /* one in between that comes to nothing */
        apr_status_t rv = xipc_queue_reserve(&place, queue, size, 0);
        if (rv == APR_SUCCESS) rv = xipc_queue_abandon(queue, place);
        if (rv != APR_SUCCESS) return rv;
    }
    if (in_place) {
        apr_status_t rv = xipc_queue_reserve(&place, queue, size, 0);
        if (rv != APR_SUCCESS) return rv;
    }
    testing_fill(place, size, (unsigned)number);
    memcpy(place, &number, sizeof number);
    if (in_place) return xipc_queue_commit(queue, place, size);
    return xipc_queue_put_priority(queue, place, size, priority_of(number, levels), 0);
}

static apr_status_t get_one(apr_int64_t *number, xipc_queue_t *queue, char *bytes, apr_size_t most,
                            int in_place)
{
    const void *data = bytes;
    apr_size_t size;
    apr_status_t rv = in_place ? xipc_queue_peek(&data, &size, queue, 0)
                               : xipc_queue_get_into(&size, queue, bytes, most, 0);
    if (rv != APR_SUCCESS) return rv;
    memcpy(number, data, sizeof *number);
    return in_place ? xipc_queue_release(queue, data) : APR_SUCCESS;
}

static apr_size_t size_of(apr_int64_t number, apr_size_t most)
{
    return sizeof number + (apr_size_t)(number * 370037) % (most - sizeof number + 1);
}

/* Put some and get some, tell each, until the place is reached. */
static int churn(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *told;
    xipc_queue_caps_t caps;
    apr_int64_t most, in_place;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 91;
    if (xipc_values_get_string(&kill_at, args, 2) != APR_SUCCESS) return 92;
    if (xipc_values_get_int(&hits_left, args, 3) != APR_SUCCESS) return 93;
    if (xipc_values_get_int(&most, args, 4) != APR_SUCCESS) return 94;
    if (xipc_values_get_int(&in_place, args, 5) != APR_SUCCESS) return 95;
    if (xipc_queue_caps(&caps, queue) != APR_SUCCESS) return 89;
    char *bytes = apr_palloc(pool, (apr_size_t)most);
    xipc__test_point_hook = kill_here;
    apr_int64_t put = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BURST; i++, put++) {
            apr_size_t size = size_of(put, (apr_size_t)most);
            if (put_one(queue, put, bytes, size, (int)in_place, caps.priorities) != APR_SUCCESS)
                return 96;
            if (!report(told, put, PUT)) return 97;
        }
        for (int i = 0; i < BURST; i++) {
            apr_int64_t number;
            if (get_one(&number, queue, bytes, (apr_size_t)most, (int)in_place) != APR_SUCCESS)
                return 98;
            if (!report(told, number, GOT)) return 99;
        }
    }
    return 0;
}

/* ---- the parent ---- */

typedef struct {
    apr_size_t capacity;
    apr_size_t most;
    int in_place;
    unsigned levels; /* of priorities */
} kind_t;

static xipc_queue_t *make(const kind_t *kind, testing_t *test)
{
    xipc_queue_options_t *options;
    xipc_queue_t *queue = NULL;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    CHECK_OK(xipc_queue_options_capacity_set(options, kind->capacity));
    if (kind->capacity > 0) CHECK_OK(xipc_queue_options_message_max_set(options, kind->most));
    CHECK_OK(xipc_queue_options_priorities_set(options, kind->levels));
    return CHECK_OK(xipc_queue_create_ex(&queue, options, test->pool)) ? queue : NULL;
}

static xipc_process_t *start(xipc_connection_t **told, xipc_queue_t *queue, const char *point,
                             apr_int64_t hits, const kind_t *kind, testing_t *test)
{
    xipc_connection_t *there;
    if (!CHECK_OK(xipc_pipe_create(told, &there, 0, test->pool))) return NULL;
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    CHECK_OK(xipc_values_add_string(args, point));
    CHECK_OK(xipc_values_add_int(args, hits));
    CHECK_OK(xipc_values_add_int(args, (apr_int64_t)kind->most));
    CHECK_OK(xipc_values_add_int(args, kind->in_place));
    xipc_process_t *process = testing_start(test, churn, args);
    CHECK_OK(xipc_connection_close(there));
    return process;
}

/* What became of each number, as the child told, and as it was found. */
enum { NUMBERS = BURST * ROUNDS + 2 };
typedef struct {
    char put[NUMBERS];
    char got[NUMBERS];
    char left[NUMBERS];
    apr_int64_t last; /* that was put */
} story_t;

/* Is a message to be taken before another? */
static int is_before(apr_int64_t one, apr_int64_t other, const kind_t *kind)
{
    unsigned first = kind->in_place ? 0 : priority_of(one, kind->levels);
    unsigned second = kind->in_place ? 0 : priority_of(other, kind->levels);
    return first > second || (first == second && one < other);
}

/* What is left is whole and in order; the first of it, or -1. */
static apr_int64_t drain(story_t *story, xipc_queue_t *queue, const kind_t *kind, testing_t *test)
{
    apr_int64_t first = -1;
    apr_int64_t last = -1;
    for (;;) {
        void *data;
        apr_size_t size;
        apr_int64_t number = -1;
        apr_status_t rv = xipc_queue_get(&data, &size, queue, 0, test->pool);
        if (rv == XIPC_EEMPTY || !CHECK_OK(rv) || !CHECK(size >= sizeof number)) return first;
        memcpy(&number, data, sizeof number);
        if (!CHECK(number >= 0 && number < NUMBERS)) return first;
        CHECK(last < 0 || is_before(last, number, kind));
        CHECK_NUMBER(size_of(number, kind->most), size);
        testing_fill(data, sizeof number, (unsigned)number);
        CHECK(testing_is_filled(data, size, (unsigned)number));
        story->left[number] = 1;
        if (first < 0) first = number;
        last = number;
    }
}

/* All that was put and not taken is left; one more either way is the dead one's. */
static void check_rest(story_t *story, xipc_queue_t *queue, const kind_t *kind, testing_t *test)
{
    int missing = 0;
    apr_int64_t first = drain(story, queue, kind, test);
    for (apr_int64_t i = 0; i < NUMBERS; i++) {
        if (story->left[i]) CHECK(!story->got[i] && (story->put[i] || i == story->last + 1));
        if (!story->put[i] || story->got[i] || story->left[i]) continue;
        missing++; /* it was being taken: then it was the next */
        CHECK(first < 0 || is_before(i, first, kind));
    }
    CHECK(missing <= 1);
}

static void check_capacity(xipc_queue_t *queue, const kind_t *kind)
{
    char buffer[16];
    apr_size_t size;
    if (kind->capacity == 0) return;
    for (int turn = 0; turn < 3; turn++) {
        for (apr_size_t i = 0; i < kind->capacity; i++) CHECK_OK(xipc_queue_put(queue, "x", 1, 0));
        CHECK_STATUS(XIPC_EFULL, xipc_queue_put(queue, "x", 1, 0));
        for (apr_size_t i = 0; i < kind->capacity; i++)
            CHECK_OK(xipc_queue_get_into(&size, queue, buffer, sizeof buffer, 0));
    }
}

/* What the child told until it died. */
static void hear(story_t *story, xipc_connection_t *told)
{
    apr_int64_t word;
    memset(story, 0, sizeof *story);
    story->last = -1;
    while (testing_recv_int(&word, told, TESTING_PATIENCE)) {
        REQUIRE(word >= 0 && word / 2 < NUMBERS);
        if (word % 2 == PUT) story->last = word / 2;
        (word % 2 == PUT ? story->put : story->got)[word / 2] = 1;
    }
}

/* By itself, as from outside: on Win32 that is an exit code like any other. */
static int was_killed(int exitcode)
{
    return exitcode == (system_has_fork() ? -9 : 9);
}

static int kill_once(const char *point, apr_int64_t hits, const kind_t *kind, testing_t *outer)
{
    testing_t test = *outer;
    xipc_connection_t *told;
    story_t story;
    if (!CHECK_OK(apr_pool_create(&test.pool, outer->pool))) return 0;
    xipc_queue_t *queue = make(kind, &test);
    xipc_process_t *process = queue != NULL ? start(&told, queue, point, hits, kind, &test) : NULL;
    if (process == NULL) return 0;
    hear(&story, told);
    int exitcode = testing_finish(process);
    CHECK(exitcode == 0 || was_killed(exitcode));
    apr_time_t began = system_clock();
    check_rest(&story, queue, kind, &test);
    check_capacity(queue, kind);
    CHECK(system_clock() - began < apr_time_from_sec(10));
    for (int i = 0; exitcode == 0 && i < NUMBERS; i++) CHECK_NUMBER(story.put[i], story.got[i]);
    apr_pool_destroy(test.pool);
    return was_killed(exitcode);
}

/* Every point of a kind of queue is reached, and survived at its first, second and a later passing. */
static void kill_at_each(const char *const *points, apr_size_t count, const kind_t *kind,
                         testing_t *test)
{
    static const apr_int64_t hits[] = {1, 2, 5, 11};
    for (apr_size_t i = 0; i < count; i++) {
        int killed = 0;
        for (int k = 0; k < (system_rounds(8) < 8 ? 2 : 4); k++)
            killed += kill_once(points[i], hits[k], kind, test);
        if (killed == 0) CHECK_TEXT("a point that is reached", points[i]);
    }
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void death_in_put_or_get_harms_nobody(testing_t *test)
{
    static const char *const points[] = {
        "put.entered", "put.padded", "put.record", "put.written", "put.published", "put.left",
        "get.entered", "get.read",   "get.taken",  "get.freed",   "get.left",      "mark.moved"};
    static const kind_t kind = {5, 150, 0, 1};
    kill_at_each(points, COUNT_OF(points), &kind, test);
}

static void death_while_memory_is_given_back_harms_nobody(testing_t *test)
{
    static const char *const points[] = {"get.discarding", "put.record", "get.taken"};
    static const kind_t kind = {0, 4000000, 0, 1};
    kill_at_each(points, COUNT_OF(points), &kind, test);
}

static void death_in_place_harms_nobody(testing_t *test)
{
    static const char *const points[] = {"put.published",   "place.committing", "place.committed",
                                         "place.abandoned", "place.held",       "place.taken",
                                         "get.left",        "place.released",   "mark.moved"};
    static const kind_t kind = {5, 150, 1, 1};
    kill_at_each(points, COUNT_OF(points), &kind, test);
}

/* The same with a ring for each priority, and in the gate before them. */
static void death_in_a_queue_with_priorities_harms_nobody(testing_t *test)
{
    static const char *const points[] = {
        "levels.entered", "levels.done", "levels.left",   "put.entered", "put.padded",
        "put.record",     "put.written", "put.published", "put.left",    "get.entered",
        "get.read",       "get.taken",   "get.freed",     "get.left",    "mark.moved"};
    static const kind_t kind = {5, 150, 0, 3};
    kill_at_each(points, COUNT_OF(points), &kind, test);
}

static void death_while_memory_of_a_priority_is_given_back_harms_nobody(testing_t *test)
{
    static const char *const points[] = {"get.discarding", "put.record", "get.taken"};
    static const kind_t kind = {0, 4000000, 0, 3};
    kill_at_each(points, COUNT_OF(points), &kind, test);
}

static void death_in_place_harms_nobody_with_priorities(testing_t *test)
{
    static const char *const points[] = {"put.published",   "place.committing", "place.committed",
                                         "place.abandoned", "place.held",       "place.taken",
                                         "levels.entered",  "levels.done",      "levels.left",
                                         "get.left",        "place.released"};
    static const kind_t kind = {5, 150, 1, 3};
    kill_at_each(points, COUNT_OF(points), &kind, test);
}

/* The one that repairs dies as well. */
static void kill_two(const char *first, const char *second, const kind_t *kind, testing_t *test)
{
    xipc_connection_t *told;
    xipc_queue_stat_t stat;
    void *data;
    apr_size_t size;
    xipc_queue_t *queue = make(kind, test);
    REQUIRE(queue != NULL);
    CHECK(was_killed(testing_finish(start(&told, queue, first, 1, kind, test))));
    CHECK(was_killed(testing_finish(start(&told, queue, second, 1, kind, test))));
    (void)xipc_queue_put(queue, "x", 1, 0);
    while (xipc_queue_get(&data, &size, queue, 0, test->pool) == APR_SUCCESS)
        ;
    check_capacity(queue, kind);
    CHECK_OK(xipc_queue_stat(&stat, queue));
    CHECK(first[0] == 'p' ? stat.lost_by_writers >= 1 : stat.lost_by_readers >= 1);
    CHECK_OK(xipc_queue_close(queue));
}

static void death_in_the_repair_harms_nobody(testing_t *test)
{
    static const char *const points[] = {"repair.entered", "repair.counted", "levels.repaired"};
    static const kind_t kinds[] = {{5, 150, 0, 1}, {5, 150, 0, 3}};
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2 + i; k++) {
            kill_two("put.written", points[k], &kinds[i], test);
            kill_two("get.taken", points[k], &kinds[i], test);
        }
    }
}

static void check_what_was_lost(const kind_t *kind, testing_t *test)
{
    xipc_connection_t *told;
    xipc_queue_stat_t stat;
    xipc_queue_t *queue = make(kind, test);
    REQUIRE(queue != NULL);
    xipc_process_t *process = start(&told, queue, "put.written", 3, kind, test);
    REQUIRE(process != NULL);
    apr_int64_t pid = xipc_process_pid(process);
    CHECK(was_killed(testing_finish(process)));
    CHECK_OK(xipc_queue_put(queue, "x", 1, 0));
    CHECK_OK(xipc_queue_stat(&stat, queue));
    CHECK_NUMBER(3, stat.count);
    CHECK_NUMBER(1, stat.lost_by_writers);
    CHECK_NUMBER(pid, stat.last_lost_writer);
    CHECK_NUMBER(0, stat.lost_by_readers);
}

static void stat_tells_what_was_lost_and_whose_it_was(testing_t *test)
{
    static const kind_t kinds[] = {{5, 150, 0, 1}, {5, 150, 0, 3}};
    check_what_was_lost(&kinds[0], test);
    check_what_was_lost(&kinds[1], test);
}

/* Takes a batch of four, and is killed with it. */
static int get_batch(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_queue_message_t messages[4];
    apr_size_t count;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    kill_at = "get.freed";
    hits_left = 1;
    xipc__test_point_hook = kill_here;
    return xipc_queue_get_many(&count, messages, 4, queue, 0, pool) == APR_SUCCESS ? 0 : 91;
}

static void check_lost_batch(const kind_t *kind, testing_t *test)
{
    xipc_queue_stat_t stat;
    apr_int64_t number = -1;
    xipc_queue_t *queue = make(kind, test);
    REQUIRE(queue != NULL);
    for (apr_int64_t i = 0; i < 5; i++) {
        unsigned priority = kind->levels > 1 ? (unsigned)(4 - i) / 2 : 0;
        CHECK_OK(xipc_queue_put_priority(queue, &i, sizeof i, priority, 0));
    }
    CHECK(was_killed(testing_run(test, get_batch, testing_queue_args(queue, test->pool))));
    CHECK_OK(testing_get_int(&number, queue, 0, test->pool));
    CHECK_NUMBER(4, number);
    CHECK_OK(xipc_queue_stat(&stat, queue));
    CHECK_NUMBER(4, stat.lost_by_readers);
    CHECK_NUMBER(0, stat.lost_by_writers);
}

static void stat_counts_all_of_a_batch_that_was_lost(testing_t *test)
{
    static const kind_t kinds[] = {{5, 150, 0, 1}, {5, 150, 0, 3}};
    check_lost_batch(&kinds[0], test);
    check_lost_batch(&kinds[1], test);
}

/* ---- a reader that looks while the writer is at it ---- */

/* Reserve a place, tell, and when told, commit and end. */
static int commit_when_told(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_queue_t *queue;
    xipc_connection_t *told;
    apr_int64_t number;
    void *place;
    (void)pool;
    if (xipc_values_get_queue(&queue, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_connection(&told, args, 1) != APR_SUCCESS) return 91;
    if (xipc_queue_reserve(&place, queue, 4, 0) != APR_SUCCESS) return 92;
    memcpy(place, "late", 4);
    if (!testing_send_int(told, 0) || !testing_recv_int(&number, told, TESTING_PATIENCE)) return 93;
    return xipc_queue_commit(queue, place, 4) == APR_SUCCESS ? 0 : 94;
}

static xipc_process_t *committing;
static xipc_connection_t *told_to_commit;

static void let_commit_and_end(const char *name)
{
    if (strcmp(name, "get.reserved") != 0 || committing == NULL) return;
    xipc_process_t *process = committing;
    committing = NULL;
    CHECK(testing_send_int(told_to_commit, 0));
    CHECK_NUMBER(0, testing_finish(process));
}

static void message_committed_before_its_writer_ended_is_there(testing_t *test)
{
    static const kind_t kind = {5, 150, 0, 1};
    xipc_connection_t *there;
    apr_int64_t number;
    apr_size_t size = 0;
    char bytes[150];
    xipc_queue_t *queue = make(&kind, test);
    REQUIRE(queue != NULL);
    REQUIRE_OK(xipc_pipe_create(&told_to_commit, &there, 1, test->pool));
    xipc_values_t *args = testing_queue_args(queue, test->pool);
    CHECK_OK(xipc_values_add_connection(args, there));
    committing = testing_start(test, commit_when_told, args);
    REQUIRE(committing != NULL && testing_recv_int(&number, told_to_commit, TESTING_PATIENCE));
    xipc__test_point_hook = let_commit_and_end;
    CHECK_OK(xipc_queue_get_into(&size, queue, bytes, sizeof bytes, MILLISECONDS(500)));
    xipc__test_point_hook = NULL;
    CHECK(size == 4 && memcmp(bytes, "late", 4) == 0);
    CHECK(committing == NULL);
}

static const testing_case_t cases[] = {
    EACH_METHOD(death_in_put_or_get_harms_nobody),
    EACH_METHOD(death_while_memory_is_given_back_harms_nobody),
    EACH_METHOD(death_in_place_harms_nobody),
    EACH_METHOD(death_in_a_queue_with_priorities_harms_nobody),
    EACH_METHOD(death_while_memory_of_a_priority_is_given_back_harms_nobody),
    EACH_METHOD(death_in_place_harms_nobody_with_priorities),
    EACH_METHOD(death_in_the_repair_harms_nobody),
    EACH_METHOD(stat_tells_what_was_lost_and_whose_it_was),
    EACH_METHOD(stat_counts_all_of_a_batch_that_was_lost),
    EACH_METHOD(message_committed_before_its_writer_ended_is_there),
};

TESTING_MAIN("queue.points", cases)
