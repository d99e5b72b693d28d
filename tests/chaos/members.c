/* See members.h. */
#include "members.h"
#include "unit/points.h"

#include <apr_strings.h>

typedef struct {
    xipc_queue_t *queue;
    ledger_t *ledger;
    ledger_slot_t *own;
    apr_int64_t slot;
    apr_size_t most;
    int in_place;
    int tasks;
    ledger_dice_t dice;
    char *bytes[LEDGER_BATCH];
    unsigned priorities;
    ledger_order_t order; /* a reader's */
    apr_int32_t wrong;    /* the line that found an error */
    apr_pool_t *pool;     /* for one call */
} member_t;

static const char *kill_at;
static apr_int64_t passes_left;
static ledger_slot_t *killed;

static void kill_here(const char *name)
{
    if (strcmp(name, kill_at) != 0 || --passes_left > 0) return;
    atomic_store(&killed->at_point, 1);
    system_kill_self();
}

static int begin(member_t *member, xipc_values_t *args, apr_pool_t *pool)
{
    const char *path;
    apr_int64_t seed;
    apr_int64_t most;
    apr_int64_t ways;
    xipc_queue_caps_t caps;
    memset(member, 0, sizeof *member);
    if (xipc_values_get_queue(&member->queue, args, 0) != APR_SUCCESS) return 50;
    if (xipc_values_get_string(&path, args, 1) != APR_SUCCESS) return 51;
    if (xipc_values_get_int(&member->slot, args, 2) != APR_SUCCESS) return 52;
    if (xipc_values_get_int(&seed, args, 3) != APR_SUCCESS) return 53;
    if (xipc_values_get_int(&most, args, 4) != APR_SUCCESS) return 54;
    if (xipc_values_get_int(&ways, args, 5) != APR_SUCCESS) return 55;
    if (xipc_values_get_string(&kill_at, args, 6) != APR_SUCCESS) return 56;
    if (xipc_values_get_int(&passes_left, args, 7) != APR_SUCCESS) return 57;
    if (xipc_queue_caps(&caps, member->queue) != APR_SUCCESS) return 49;
    if (ledger_open(&member->ledger, path, pool) != APR_SUCCESS) return 58;
    if (apr_pool_create(&member->pool, pool) != APR_SUCCESS) return 59;
    member->own = killed = &member->ledger->slots[member->slot];
    member->most = (apr_size_t)most;
    member->in_place = (ways & MEMBERS_IN_PLACE) != 0;
    member->tasks = (ways & MEMBERS_TASKS) != 0;
    member->dice.state = (apr_uint64_t)seed;
    for (int i = 0; i < LEDGER_BATCH; i++) member->bytes[i] = apr_palloc(pool, member->most);
    member->priorities = caps.priorities < LEDGER_PRIORITIES ? caps.priorities : LEDGER_PRIORITIES;
    ledger_begin_order(&member->order);
    if (kill_at[0] != '\0') xipc__test_point_hook = kill_here;
    return 0;
}

/* ---- what is noted ---- */

static int fail(member_t *member, int line, apr_status_t status)
{
    if (atomic_load(&member->own->line) == 0) {
        atomic_store(&member->own->status, status);
        atomic_store(&member->own->line, line);
    }
    member->wrong = line;
    return 0;
}

/* A true answer, in time: 1 for success, 0 for `otherwise`. */
static int settle(member_t *member, apr_status_t rv, apr_status_t otherwise,
                  apr_interval_time_t timeout, apr_time_t began)
{
    apr_int64_t late = system_clock() - began - timeout;
    if (late > atomic_load(&member->own->late)) atomic_store(&member->own->late, late);
    if (rv == APR_SUCCESS) return 1;
    if (rv != otherwise) (void)fail(member, __LINE__, rv);
    if (late < 0) (void)fail(member, __LINE__, rv);
    return 0;
}

static apr_interval_time_t some_timeout(member_t *member)
{
    static const apr_interval_time_t timeouts[] = {0, 0, 1000, 20000, 300000};
    return timeouts[ledger_throw(&member->dice, 5)];
}

/* ---- writing ---- */

/* Small ones more often. */
static apr_size_t some_size(member_t *member)
{
    apr_size_t least = sizeof(ledger_head_t);
    unsigned range = (unsigned)(member->most - least) >> ledger_throw(&member->dice, 8);
    return least + ledger_throw(&member->dice, range + 1);
}

static void put_one(member_t *member, apr_int64_t number)
{
    apr_size_t size = some_size(member);
    apr_interval_time_t timeout = some_timeout(member);
    unsigned priority = ledger_throw(&member->dice, member->priorities);
    ledger_write(member->bytes[0], size, member->slot, number, priority);
    atomic_store(&member->own->started, number + 1);
    apr_time_t began = system_clock();
    apr_status_t rv =
        xipc_queue_put_priority(member->queue, member->bytes[0], size, priority, timeout);
    if (settle(member, rv, XIPC_EFULL, timeout, began))
        atomic_store(&member->own->done, number + 1);
}

static void put_many(member_t *member, apr_int64_t number)
{
    xipc_queue_message_t messages[LEDGER_BATCH];
    apr_size_t count = 1 + ledger_throw(&member->dice, LEDGER_BATCH);
    apr_size_t done = 0;
    apr_interval_time_t timeout = some_timeout(member);
    for (apr_size_t i = 0; i < count; i++) {
        messages[i].data = member->bytes[i];
        messages[i].size = some_size(member);
        ledger_write(member->bytes[i], messages[i].size, member->slot, number + (apr_int64_t)i, 0);
    }
    atomic_store(&member->own->started, number + (apr_int64_t)count);
    apr_time_t began = system_clock();
    apr_status_t rv = xipc_queue_put_many(&done, member->queue, messages, count, timeout);
    (void)settle(member, rv, XIPC_EFULL, timeout, began);
    atomic_store(&member->own->done, number + (apr_int64_t)done);
}

static void put_in_place(member_t *member, apr_int64_t number)
{
    void *place;
    apr_size_t size = some_size(member);
    apr_interval_time_t timeout = some_timeout(member);
    atomic_store(&member->own->started, number + 1);
    apr_time_t began = system_clock();
    apr_status_t rv = xipc_queue_reserve(&place, member->queue, size, timeout);
    if (!settle(member, rv, XIPC_EFULL, timeout, began)) return;
    int is_abandoned = ledger_throw(&member->dice, 4) == 0;
    ledger_write(place, size, is_abandoned ? -1 : member->slot, number, 0);
    rv = is_abandoned ? xipc_queue_abandon(member->queue, place)
                      : xipc_queue_commit(member->queue, place, size);
    if (rv != APR_SUCCESS) (void)fail(member, __LINE__, rv);
    if (!is_abandoned) atomic_store(&member->own->done, number + 1);
}

/* A queue without a bound is not to grow for ever. */
static int is_crowded(member_t *member)
{
    apr_size_t count;
    apr_status_t rv = xipc_queue_size(&count, member->queue);
    if (rv != APR_SUCCESS) return !fail(member, __LINE__, rv);
    return count > 64;
}

int members_write(xipc_values_t *args, apr_pool_t *pool)
{
    member_t member;
    int rc = begin(&member, args, pool);
    if (rc != 0) return rc;
    for (;;) {
        apr_int64_t number = atomic_load(&member.own->done);
        if (atomic_load(&member.ledger->writers_stop) || number + LEDGER_BATCH > LEDGER_MOST) break;
        unsigned way = ledger_throw(&member.dice, 4);
        if (way == 3) {
            while (is_crowded(&member) && !atomic_load(&member.ledger->writers_stop))
                apr_sleep(1000);
            put_one(&member, number);
        } else if (way == 0) {
            put_many(&member, number);
        } else if (way == 1 && member.in_place) {
            put_in_place(&member, number);
        } else {
            put_one(&member, number);
        }
        if (member.wrong != 0) return MEMBERS_FAILED;
    }
    return 0;
}

/* ---- reading ---- */

static void note(member_t *member, const void *data, apr_size_t size)
{
    ledger_head_t head;
    if (!ledger_read(&head, data, size)) {
        (void)fail(member, __LINE__, 0);
        return;
    }
    int seen = atomic_fetch_add(&member->ledger->slots[head.slot].seen[head.number], 1);
    if (seen != 0 && !member->tasks) (void)fail(member, __LINE__, 0);
    if (!ledger_is_in_order(&member->order, &head)) atomic_fetch_add(&member->own->swapped, 1);
}

/* What was noted is done, in a queue of tasks. */
static void finish(member_t *member, apr_size_t count)
{
    for (apr_size_t i = 0; member->tasks && i < count; i++) {
        apr_status_t rv = xipc_queue_task_done(member->queue);
        if (rv != APR_SUCCESS) (void)fail(member, __LINE__, rv);
    }
}

static void get_one(member_t *member)
{
    void *data;
    apr_size_t size;
    apr_interval_time_t timeout = some_timeout(member);
    atomic_store(&member->own->getting, 1);
    apr_time_t began = system_clock();
    apr_status_t rv = xipc_queue_get(&data, &size, member->queue, timeout, member->pool);
    if (!settle(member, rv, XIPC_EEMPTY, timeout, began)) return;
    note(member, data, size);
    finish(member, 1);
}

static void get_many(member_t *member)
{
    xipc_queue_message_t messages[LEDGER_BATCH];
    apr_size_t count = 0;
    apr_interval_time_t timeout = some_timeout(member);
    atomic_store(&member->own->getting, LEDGER_BATCH);
    apr_time_t began = system_clock();
    apr_status_t rv =
        xipc_queue_get_many(&count, messages, LEDGER_BATCH, member->queue, timeout, member->pool);
    if (!settle(member, rv, XIPC_EEMPTY, timeout, began)) return;
    for (apr_size_t i = 0; i < count; i++) note(member, messages[i].data, messages[i].size);
    finish(member, count);
}

/* Up to two at once, given back in either order. */
static void get_in_place(member_t *member)
{
    const void *data[2];
    apr_size_t size;
    int count = 0;
    apr_interval_time_t timeout = some_timeout(member);
    int most = 1 + (int)ledger_throw(&member->dice, 2);
    atomic_store(&member->own->getting, most);
    for (; count < most; count++) {
        apr_time_t began = system_clock();
        apr_status_t rv = xipc_queue_peek(&data[count], &size, member->queue, timeout);
        if (!settle(member, rv, XIPC_EEMPTY, timeout, began)) break;
        note(member, data[count], size);
    }
    if (count == 2 && ledger_throw(&member->dice, 2) == 0) {
        const void *first = data[0];
        data[0] = data[1];
        data[1] = first;
    }
    for (int i = 0; i < count; i++) {
        apr_status_t rv = xipc_queue_release(member->queue, data[i]);
        if (rv != APR_SUCCESS) (void)fail(member, __LINE__, rv);
    }
    finish(member, (apr_size_t)count);
}

int members_read(xipc_values_t *args, apr_pool_t *pool)
{
    member_t member;
    int rc = begin(&member, args, pool);
    if (rc != 0) return rc;
    while (!atomic_load(&member.ledger->readers_stop)) {
        unsigned way = ledger_throw(&member.dice, 3);
        if (way == 0)
            get_many(&member);
        else if (way == 1 && member.in_place)
            get_in_place(&member);
        else
            get_one(&member);
        atomic_store(&member.own->getting, 0);
        apr_pool_clear(member.pool);
        if (member.wrong != 0) return MEMBERS_FAILED;
    }
    return 0;
}
