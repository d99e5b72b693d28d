/*
 * Several writers and readers are killed at random moments and at the points inside the queue, and replaced, while the
 * others go on: nobody is kept waiting, and every message is accounted for. See docs/queue-protocol.md.
 *
 * XIPC_CHAOS_KILLS says how many for each kind of queue, XIPC_CHAOS_SEED repeats the choices of another run.
 */
#include "members.h"

#include <apr_env.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>

enum { WRITERS = 3, READERS = 3, MEMBERS = WRITERS + READERS, KILLS = 100 };

typedef struct {
    testing_queue_e queue;
    apr_size_t capacity;
    apr_size_t most;           /* bytes of a message */
    int ways;                  /* MEMBERS_IN_PLACE, MEMBERS_TASKS */
    const char *const *points; /* NULL at the end */
    unsigned levels;           /* of priorities, on shm */
} kind_t;

static const char *const ring_points[] = {
    "put.entered", "put.padded",  "put.record",       "put.written",     "put.published",
    "put.left",    "get.entered", "get.read",         "get.taken",       "get.discarding",
    "get.freed",   "get.left",    "place.committing", "place.committed", "place.abandoned",
    "place.held",  "place.taken", "place.released",   "repair.entered",  "repair.counted",
    "mark.moved",  NULL};
static const char *const task_points[] = {
    "put.entered",    "put.record", "put.published",    "get.read",    "task.leased",
    "task.taken",     "task.again", "task.taken_again", "task.moving", "task.moved",
    "task.finishing", "task.done",  "get.freed",        "place.held",  "repair.counted",
    "mark.moved",     NULL};
static const char *const level_points[] = {
    "levels.entered",  "levels.done",    "levels.left", "levels.repaired",
    "put.entered",     "put.record",     "put.written", "put.published",
    "put.left",        "get.entered",    "get.read",    "get.taken",
    "get.discarding",  "get.freed",      "get.left",    "place.committed",
    "place.abandoned", "place.held",     "place.taken", "place.released",
    "repair.entered",  "repair.counted", "mark.moved",  NULL};
static const char *const mailslot_points[] = {"mailslot.entered",   "mailslot.writing",
                                              "mailslot.written",   "mailslot.put",
                                              "mailslot.read",      "mailslot.taken",
                                              "mailslot.told",      "mailslot.left",
                                              "mailslot.repairing", NULL};
static const char *const no_points[] = {NULL};

/* ---- one chaos ---- */

typedef struct {
    xipc_process_t *process;
    apr_int64_t slot;
    apr_pool_t *pool;
} member_t;

typedef struct {
    testing_t test;
    const kind_t *kind;
    xipc_queue_t *queue;
    const char *path;
    ledger_t *ledger;
    member_t members[MEMBERS];
    apr_int64_t slots; /* used so far */
    ledger_dice_t dice;
    apr_int64_t lost_most; /* messages that killed readers may have had in their hands */
    apr_int64_t messages;
    apr_int64_t late; /* how much longer than its timeout a call took, at most */
    int kills;
    int kills_at_points;
} chaos_t;

static xipc_queue_t *make_queue(chaos_t *chaos)
{
    const kind_t *kind = chaos->kind;
    xipc_queue_options_t *options;
    xipc_queue_t *queue = NULL;
    if (kind->queue != TESTING_QUEUE_SHM) return testing_queue(&chaos->test, kind->capacity);
    CHECK_OK(xipc_queue_options_create(&options, chaos->test.pool));
    CHECK_OK(xipc_queue_options_backend_set(options, XIPC_QUEUE_SHM));
    CHECK_OK(xipc_queue_options_capacity_set(options, kind->capacity));
    if (kind->capacity > 0) CHECK_OK(xipc_queue_options_message_max_set(options, kind->most));
    if (kind->ways & MEMBERS_TASKS) CHECK_OK(xipc_queue_options_lease_set(options, 0));
    if (kind->levels > 0) CHECK_OK(xipc_queue_options_priorities_set(options, kind->levels));
    CHECK_OK(xipc_queue_create_ex(&queue, options, chaos->test.pool));
    return queue;
}

static const char *some_point(chaos_t *chaos)
{
    unsigned count = 0;
    while (chaos->kind->points[count] != NULL) count++;
    unsigned which = ledger_throw(&chaos->dice, count + count / 2 + 1);
    return which < count ? chaos->kind->points[which] : "";
}

static int is_writer(int which)
{
    return which < WRITERS;
}

static int start(chaos_t *chaos, int which)
{
    member_t *member = &chaos->members[which];
    testing_t inner = chaos->test;
    if (!CHECK(chaos->slots < LEDGER_SLOTS)) return 0;
    member->slot = chaos->slots++;
    if (!CHECK_OK(apr_pool_create(&member->pool, chaos->test.pool))) return 0;
    inner.pool = member->pool;
    xipc_values_t *args = testing_queue_args(chaos->queue, member->pool);
    CHECK_OK(xipc_values_add_string(args, chaos->path));
    CHECK_OK(xipc_values_add_int(args, member->slot));
    CHECK_OK(xipc_values_add_int(args, ledger_throw(&chaos->dice, 1000000)));
    CHECK_OK(xipc_values_add_int(args, (apr_int64_t)chaos->kind->most));
    CHECK_OK(xipc_values_add_int(args, chaos->kind->ways));
    CHECK_OK(xipc_values_add_string(args, some_point(chaos)));
    CHECK_OK(xipc_values_add_int(args, 1 + ledger_throw(&chaos->dice, 16)));
    member->process = testing_start(&inner, is_writer(which) ? members_write : members_read, args);
    return member->process != NULL;
}

static void check_member(const ledger_slot_t *slot)
{
    char text[100];
    if (atomic_load(&slot->line) == 0) return;
    (void)snprintf(text, sizeof text, "members.c:%d, status %d", (int)atomic_load(&slot->line),
                   (int)atomic_load(&slot->status));
    CHECK_TEXT("nothing wrong", text);
}

/* By itself, as from outside: on Win32 that is an exit code like any other. */
static int was_killed(int exitcode)
{
    return exitcode == -9 || (exitcode == 9 && !system_has_fork());
}

/* Wait for its end, and take note of what it may have taken along. */
static void finish(chaos_t *chaos, int which)
{
    member_t *member = &chaos->members[which];
    ledger_slot_t *slot = &chaos->ledger->slots[member->slot];
    int exitcode = testing_finish(member->process);
    check_member(slot);
    CHECK(exitcode == 0 || was_killed(exitcode));
    if (was_killed(exitcode)) {
        chaos->kills++;
        chaos->kills_at_points += atomic_load(&slot->at_point);
        if (!is_writer(which)) chaos->lost_most += atomic_load(&slot->getting);
    }
    apr_pool_destroy(member->pool);
}

/* One to three at once, so that who repairs may die as well. */
static int kill_some(chaos_t *chaos)
{
    int first = (int)ledger_throw(&chaos->dice, MEMBERS);
    int count = 1 + (int)ledger_throw(&chaos->dice, 3);
    apr_sleep(ledger_throw(&chaos->dice, ledger_throw(&chaos->dice, 2) ? 3000 : 20000));
    for (int i = 0; i < count; i++)
        (void)xipc_process_kill(chaos->members[(first + 2 * i) % MEMBERS].process);
    for (int i = 0; i < count; i++) {
        finish(chaos, (first + 2 * i) % MEMBERS);
        if (!start(chaos, (first + 2 * i) % MEMBERS)) return 0;
    }
    return 1;
}

/* ---- what is left ---- */

static int is_of_tasks(const chaos_t *chaos)
{
    return (chaos->kind->ways & MEMBERS_TASKS) != 0;
}

/* A manager may look at a dead one's last request a little later. */
static void drain(chaos_t *chaos, ledger_slot_t *own)
{
    ledger_order_t order;
    ledger_begin_order(&order);
    for (int quiet = 0; quiet < 3;) {
        void *data;
        apr_size_t size;
        ledger_head_t head;
        apr_status_t rv =
            xipc_queue_get(&data, &size, chaos->queue, MILLISECONDS(quiet * 20), chaos->test.pool);
        if (rv == XIPC_EEMPTY) {
            quiet++;
            continue;
        }
        REQUIRE_OK(rv);
        REQUIRE(ledger_read(&head, data, size));
        int seen = atomic_fetch_add(&chaos->ledger->slots[head.slot].seen[head.number], 1);
        if (!is_of_tasks(chaos))
            CHECK_NUMBER(0, seen);
        else
            CHECK_OK(xipc_queue_task_done(chaos->queue));
        if (!ledger_is_in_order(&order, &head)) atomic_fetch_add(&own->swapped, 1);
    }
}

/*
 * Once each; what is missing was in the hands of killed readers. A task is never missing, and may have
 * been done again for that reason.
 */
static void check_messages(chaos_t *chaos)
{
    apr_int64_t missing = 0;
    apr_int64_t again = 0;
    apr_int64_t swapped = 0;
    for (apr_int64_t i = 0; i < chaos->slots; i++) {
        const ledger_slot_t *slot = &chaos->ledger->slots[i];
        apr_int64_t started = atomic_load(&slot->started);
        apr_int64_t done = atomic_load(&slot->done);
        swapped += atomic_load(&slot->swapped);
        chaos->messages += done;
        for (apr_int64_t n = 0; n < LEDGER_MOST; n++) {
            int seen = atomic_load(&slot->seen[n]);
            if (is_of_tasks(chaos) && seen > 1) {
                again += seen - 1;
                seen = 1;
            }
            if (seen > (n < started)) CHECK_NUMBER(n < started, seen);
            missing += n < done && seen == 0;
        }
        if (atomic_load(&slot->late) > chaos->late) chaos->late = atomic_load(&slot->late);
    }
    CHECK(chaos->late < apr_time_from_sec(15));
    if (missing > chaos->lost_most) CHECK_NUMBER(chaos->lost_most, missing);
    if (is_of_tasks(chaos)) CHECK_NUMBER(0, missing);
    CHECK(again <= chaos->lost_most);
    /* what a killed reader was getting from a manager, or had as a task, goes back to the front */
    if (chaos->kind->queue != TESTING_QUEUE_MANAGED && !is_of_tasks(chaos))
        CHECK_NUMBER(0, swapped);
    CHECK(swapped <= chaos->lost_most * READERS);
}

static void check_room(const chaos_t *chaos)
{
    apr_size_t count = 77;
    char buffer[1024];
    const kind_t *kind = chaos->kind;
    CHECK_OK(xipc_queue_size(&count, chaos->queue));
    CHECK_NUMBER(0, count);
    for (int turn = 0; turn < 2 && kind->capacity > 0; turn++) {
        for (apr_size_t i = 0; i < kind->capacity; i++)
            CHECK_OK(xipc_queue_put(chaos->queue, "x", 1, 0));
        CHECK_STATUS(XIPC_EFULL, xipc_queue_put(chaos->queue, "x", 1, 0));
        for (apr_size_t i = 0; i < kind->capacity; i++)
            CHECK_OK(xipc_queue_get_into(&count, chaos->queue, buffer, sizeof buffer, 0));
    }
    for (apr_size_t i = 0; is_of_tasks(chaos) && i < 2 * kind->capacity; i++)
        CHECK_OK(xipc_queue_task_done(chaos->queue));
    if (is_of_tasks(chaos)) CHECK_OK(xipc_queue_join(chaos->queue, 0));
}

static void stop(chaos_t *chaos)
{
    atomic_store(&chaos->ledger->writers_stop, 1);
    for (int i = 0; i < WRITERS; i++) finish(chaos, i);
    atomic_store(&chaos->ledger->readers_stop, 1);
    for (int i = WRITERS; i < MEMBERS; i++) finish(chaos, i);
}

/* As many kills as a ledger has room for. */
static void rage(chaos_t *chaos, int kills)
{
    chaos->queue = make_queue(chaos);
    REQUIRE(chaos->queue != NULL);
    chaos->path = testing_temporary("ledger", chaos->test.pool);
    REQUIRE(chaos->path != NULL);
    REQUIRE_OK(ledger_create(&chaos->ledger, chaos->path, chaos->test.pool));
    int ok = 1;
    for (int i = 0; ok && i < MEMBERS; i++) ok = start(chaos, i);
    while (ok && chaos->kills < kills && chaos->slots + 4 < LEDGER_SLOTS) ok = kill_some(chaos);
    if (ok) {
        stop(chaos);
        drain(chaos, &chaos->ledger->slots[0]);
        check_messages(chaos);
        check_room(chaos);
        CHECK_OK(xipc_queue_close(chaos->queue));
    }
    CHECK_OK(apr_file_remove(chaos->path, chaos->test.pool));
}

/* ---- the tests ---- */

static apr_int64_t from_environment(const char *name, apr_int64_t otherwise, apr_pool_t *pool)
{
    char *value;
    return apr_env_get(&value, name, pool) == APR_SUCCESS ? apr_atoi64(value) : otherwise;
}

static void survive(testing_t *test, const kind_t *kind)
{
    int kills = (int)from_environment("XIPC_CHAOS_KILLS", system_rounds(KILLS), test->pool);
    apr_int64_t seed = from_environment("XIPC_CHAOS_SEED", system_clock() % 1000000, test->pool);
    int done = 0;
    int at_points = 0;
    apr_int64_t messages = 0;
    apr_int64_t late = 0;
    unsigned failures = testing_failures();
    for (apr_int64_t turn = 0; done < kills && testing_failures() == failures; turn++) {
        chaos_t chaos = {.test = *test, .kind = kind};
        chaos.dice.state = (apr_uint64_t)(seed + turn);
        chaos.test.queue = kind->queue;
        REQUIRE_OK(apr_pool_create(&chaos.test.pool, test->pool));
        rage(&chaos, kills - done);
        done += chaos.kills;
        at_points += chaos.kills_at_points;
        messages += chaos.messages;
        if (chaos.late > late) late = chaos.late;
        if (testing_failures() != failures) printf("(XIPC_CHAOS_SEED=%d) ", (int)(seed + turn));
        apr_pool_destroy(chaos.test.pool);
        if (chaos.kills == 0) break;
    }
    printf("(%d kills, %d at points, %d messages, %d ms late at most, from seed %d) ", done,
           at_points, (int)messages, (int)(late / 1000), (int)seed);
}

static void systems_queue_survives_kills(testing_t *test)
{
    /* the kernel's message queues are one system call each */
    kind_t kind = {TESTING_QUEUE_SYSTEM, 5, 900, 0, no_points, 0};
    if (!system_has_fork()) kind.points = mailslot_points;
    survive(test, &kind);
}

static void managed_queue_survives_kills(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_MANAGED, 5, 3000, 0, no_points, 0};
    survive(test, &kind);
}

static void shared_memory_survives_kills(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 5, 300, 0, ring_points, 0};
    survive(test, &kind);
}

static void messages_in_place_survive_kills(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 5, 300, MEMBERS_IN_PLACE, ring_points, 0};
    survive(test, &kind);
}

static void queue_that_grows_survives_kills(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 0, 300000, MEMBERS_IN_PLACE, ring_points, 0};
    survive(test, &kind);
}

static void tasks_survive_kills(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 5, 3000, MEMBERS_TASKS, task_points, 0};
    survive(test, &kind);
}

static void tasks_in_place_survive_kills(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 0, 100000, MEMBERS_TASKS | MEMBERS_IN_PLACE,
                                task_points,       0};
    survive(test, &kind);
}

static void priorities_survive_kills(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 5, 300, MEMBERS_IN_PLACE, level_points, 4};
    survive(test, &kind);
}

static void priorities_of_a_queue_that_grows_survive_kills(testing_t *test)
{
    static const kind_t kind = {TESTING_QUEUE_SHM, 0, 300000, MEMBERS_IN_PLACE, level_points, 32};
    survive(test, &kind);
}

static const testing_case_t cases[] = {
    OF_SYSTEM_QUEUE(systems_queue_survives_kills),
    ONCE(managed_queue_survives_kills),
    ONCE(shared_memory_survives_kills),
    ONCE(messages_in_place_survive_kills),
    ONCE(queue_that_grows_survives_kills),
    ONCE(tasks_survive_kills),
    ONCE(tasks_in_place_survive_kills),
    ONCE(priorities_survive_kills),
    ONCE(priorities_of_a_queue_that_grows_survive_kills),
};

TESTING_MAIN("chaos", cases)
