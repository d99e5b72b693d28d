/*
 * ring_tasks.c - messages as tasks: one that was taken stays where it is, leased to its reader, until
 * it is done.
 *
 * All of this happens with the readers' side. The record itself says whose it is; what this process
 * remembers of its tasks only says where to look first.
 */
#include "core/ring_lock.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_AFTER = 100000 /* microseconds: how often a reader who is busy looks for the dead */ };

/* A task that this process has taken. */
typedef struct {
    apr_uint64_t id;
    apr_uint32_t place;
    const void *thread;
} taken_t;

struct xipc__tasks_t {
    taken_t *taken; /* in the order in which they were taken */
    apr_size_t first;
    apr_size_t end;
    apr_size_t room;
    apr_uint64_t process; /* whose this is: a forked child begins with none */
    apr_time_t looked;    /* when somebody here looked for the dead */
};

static xipc__side_t *readers(const xipc__ring_t *ring)
{
    return &ring->header->sides[XIPC__READERS];
}

/* ---- what this process has taken ---- */

/* Told by the place of a variable that each thread has its own of. */
static const void *this_thread(void)
{
    static _Thread_local char here;
    return &here;
}

static xipc__tasks_t *own(xipc__ring_t *ring)
{
    xipc__tasks_t *tasks = ring->tasks;
    apr_uint64_t me = xipc__port_identity();
    if (tasks->process != me) tasks->first = tasks->end = 0;
    tasks->process = me;
    return tasks;
}

static void make_room(xipc__tasks_t *tasks)
{
    apr_size_t count = tasks->end - tasks->first;
    if (tasks->first > 0)
        memmove(tasks->taken, tasks->taken + tasks->first, count * sizeof(taken_t));
    tasks->first = 0;
    tasks->end = count;
    if (2 * count < tasks->room) return;
    apr_size_t room = tasks->room == 0 ? 16 : 2 * tasks->room;
    taken_t *more = realloc(tasks->taken, room * sizeof *more);
    if (more == NULL) return;
    tasks->taken = more;
    tasks->room = room;
}

/* When there is no memory, it is found without. */
static void remember(xipc__ring_t *ring, apr_uint32_t place, apr_uint64_t id)
{
    xipc__tasks_t *tasks = own(ring);
    if (tasks->end == tasks->room) make_room(tasks);
    if (tasks->end == tasks->room) return;
    tasks->taken[tasks->end++] = (taken_t){.id = id, .place = place, .thread = this_thread()};
}

static void forget(xipc__tasks_t *tasks, apr_size_t index)
{
    if (index == tasks->first) {
        tasks->first++;
        return;
    }
    tasks->end--;
    memmove(&tasks->taken[index], &tasks->taken[index + 1],
            (tasks->end - index) * sizeof *tasks->taken);
}

void xipc__ring_tasks_create(xipc__ring_t *ring, apr_pool_t *pool)
{
    if (ring->bounds.tasks != XIPC__TASKS_NONE)
        ring->tasks = apr_pcalloc(pool, sizeof *ring->tasks);
}

void xipc__ring_tasks_close(xipc__ring_t *ring)
{
    if (ring->tasks != NULL) free(ring->tasks->taken);
    if (ring->letters != NULL) xipc__ring_close(ring->letters);
}

void xipc__ring_letters_set(xipc__ring_t *ring, xipc__ring_t *letters)
{
    ring->letters = letters;
}

xipc__ring_t *xipc__ring_letters(const xipc__ring_t *ring)
{
    return ring->letters;
}

/* ---- records ---- */

/* It only tells whether a move is worth it, and is counted anew when all are looked at. */
static void add_live(const xipc__ring_t *ring, apr_uint64_t units)
{
    _Atomic apr_uint64_t *live = &ring->header->tasks_of.live;
    xipc__store(live, xipc__load(live) + units);
}

/* Nobody has it any more. */
static void finish(const xipc__ring_t *ring, const xipc__look_t *look)
{
    _Atomic apr_uint64_t *live = &ring->header->tasks_of.live;
    xipc__record_set(look, XIPC__RECORD_GONE);
    xipc__store(live, xipc__load(live) > look->units ? xipc__load(live) - look->units : 0);
}

/* The record of a message that was found. */
static xipc__look_t look_of(const xipc__ring_get_t *get)
{
    xipc__record_t *record = xipc__record_at(get->ring, xipc__mark_place(get->mark));
    return (xipc__look_t){.record = record,
                          .copy = (unsigned)xipc__load(&record->state) & XIPC__RECORD_COPY,
                          .units = xipc__mark_place(get->next) - xipc__mark_place(get->mark),
                          .next = get->next};
}

/* ---- taking ---- */

/* The process is named before the state that makes it count, and the mark is the store that takes it. */
static void take_first(xipc__ring_get_t *get, const xipc__look_t *look, unsigned kind)
{
    get->id = get->mark;
    get->deliveries = 1;
    xipc__store(&look->record->id, get->id);
    xipc__store(&look->record->deliveries, get->deliveries);
    xipc__store(&look->record->owner, xipc__port_identity());
    xipc__record_set(look, kind);
    XIPC__POINT("task.leased");
    xipc__ring_mark_set(readers(get->ring), get->next);
    XIPC__POINT("task.taken");
    add_live(get->ring, look->units);
}

/* From one who died: the name is the store that takes it. */
static void take_again(xipc__ring_get_t *get, const xipc__look_t *look, unsigned kind)
{
    get->id = xipc__load(&look->record->id);
    get->deliveries = xipc__load(&look->record->deliveries) + 1;
    xipc__store(&look->record->deliveries, get->deliveries);
    XIPC__POINT("task.again");
    xipc__record_set(look, kind);
    atomic_store_explicit(&look->record->owner, xipc__port_identity(), memory_order_release);
    XIPC__POINT("task.taken_again");
}

static void take(xipc__ring_get_t *get, unsigned kind)
{
    xipc__look_t look = look_of(get);
    (get->is_again ? take_again : take_first)(get, &look, kind);
}

void xipc__ring_task_take(xipc__ring_get_t *get)
{
    take(get, XIPC__RECORD_LEASED);
    remember(get->ring, xipc__mark_place(get->mark), get->id);
}

void xipc__ring_task_hold(xipc__ring_get_t *get)
{
    take(get, XIPC__RECORD_HELD);
}

/* Read in place, but not done yet. */
apr_status_t xipc__ring_task_release(xipc__ring_t *ring, xipc__record_t *record)
{
    apr_uint32_t offset =
        (apr_uint32_t)(((unsigned char *)record - ring->records) / XIPC__RING_UNIT);
    if (xipc__ring_enter(ring, XIPC__READERS, 0) != APR_SUCCESS)
        return xipc__fail(APR_TIMEUP, "a process stopped in it keeps others out");
    apr_uint64_t state = xipc__load(&record->state);
    xipc__store(&record->state,
                xipc__record_state(state >> 32,
                                   XIPC__RECORD_LEASED | ((unsigned)state & XIPC__RECORD_COPY)));
    apr_uint32_t freed = xipc__mark_place(xipc__load(&readers(ring)->freed));
    apr_uint32_t place = freed + ((offset - freed) & (apr_uint32_t)(ring->units - 1));
    remember(ring, place, xipc__load(&record->id));
    xipc__ring_leave(ring, XIPC__READERS);
    return APR_SUCCESS;
}

/* ---- all that was taken and is not done ---- */

typedef struct {
    xipc__ring_t *ring;
    apr_uint64_t mark;  /* of the next record */
    apr_uint32_t taken; /* up to this place all was taken; behind it only copies were */
    apr_uint64_t tail;
    apr_uint32_t end; /* places behind it have nothing of that kind */
    apr_uint64_t live;
} walk_t;

static walk_t walk(xipc__ring_t *ring)
{
    apr_uint64_t mark = xipc__load(&readers(ring)->mark);
    apr_uint64_t copied = xipc__load(&ring->header->tasks_of.copied);
    walk_t walk = {.ring = ring, .mark = xipc__load(&readers(ring)->freed)};
    /* acquire: pairs with the store that published the records */
    walk.tail =
        atomic_load_explicit(&ring->header->sides[XIPC__WRITERS].mark, memory_order_acquire);
    walk.end = walk.taken = xipc__mark_place(mark);
    apr_uint32_t most = xipc__mark_place(walk.tail) - xipc__mark_place(walk.mark);
    apr_uint32_t beyond = xipc__mark_place(copied) - xipc__mark_place(walk.mark);
    if (beyond >= (apr_uint32_t)1 << 31) {
        /* it is behind; places come again after some rounds, when it would seem to be before us */
        xipc__store(&ring->header->tasks_of.copied, walk.mark);
        return walk;
    }
    if (beyond <= walk.end - xipc__mark_place(walk.mark)) return walk;
    /* one that was never seen says nothing of those before it */
    walk.end = xipc__mark_place(beyond <= most ? copied : walk.tail);
    return walk;
}

/* A record that was leased when somebody died in taking it, before the mark moved, is nobody's. */
static int is_taken(const walk_t *walk, apr_uint64_t mark, const xipc__look_t *look)
{
    if (look->kind != XIPC__RECORD_LEASED && look->kind != XIPC__RECORD_HELD) return 0;
    apr_uint32_t before = walk->taken - xipc__mark_place(mark);
    return look->copy != 0 || (before > 0 && before < (apr_uint32_t)1 << 31);
}

static int next_taken(xipc__look_t *look, apr_uint64_t *mark, walk_t *walk)
{
    while (xipc__mark_place(walk->mark) != walk->end) {
        apr_uint64_t left = xipc__mark_place(walk->tail) - xipc__mark_place(walk->mark);
        if (xipc__ring_look(look, walk->ring, walk->mark, left) != APR_SUCCESS) return 0;
        *mark = walk->mark;
        walk->mark = look->next;
        if (!is_taken(walk, *mark, look)) continue;
        walk->live += look->units;
        return 1;
    }
    xipc__store(&walk->ring->header->tasks_of.live, walk->live);
    return 0;
}

/* ---- what the dead had taken ---- */

/* Which task became the last letter: it did when the letters' mark has moved since that was written. */
static apr_uint64_t last_buried(const xipc__ring_t *letters)
{
    apr_uint64_t mark = xipc__load(&letters->header->sides[XIPC__WRITERS].mark);
    return mark != xipc__load(&letters->header->tasks_of.buried_at)
               ? xipc__load(&letters->header->tasks_of.buried)
               : XIPC__RING_NONE;
}

/* Somebody may have died between putting it there and finishing it here. */
static void finish_buried(xipc__ring_t *ring, apr_uint64_t id)
{
    xipc__look_t look;
    apr_uint64_t mark;
    for (walk_t all = walk(ring); id != XIPC__RING_NONE && next_taken(&look, &mark, &all);)
        if (xipc__load(&look.record->id) == id) finish(ring, &look);
}

static void put_letter(xipc__ring_put_t *put, const xipc__ring_get_t *task, apr_uint64_t id)
{
    xipc__ring_header_t *header = put->ring->header;
    if (task->size > 0) memcpy(put->place, task->data, task->size);
    xipc__store(&header->tasks_of.buried, XIPC__RING_NONE);
    atomic_store_explicit(&header->tasks_of.buried_at, put->start, memory_order_release);
    atomic_store_explicit(&header->tasks_of.buried, id, memory_order_release);
    XIPC__POINT("task.burying");
    xipc__ring_put_end(put);
}

/* A letter is put by one store; who comes later knows whether that was done. */
static apr_status_t bury(xipc__ring_t *ring, const xipc__look_t *look)
{
    xipc__ring_get_t task = {.ring = ring};
    xipc__ring_put_t put;
    apr_uint64_t id = xipc__load(&look->record->id);
    apr_status_t rv = xipc__ring_give(&task, 0, look);
    if (rv == APR_SUCCESS) rv = xipc__ring_enter(ring->letters, XIPC__WRITERS, 0);
    if (rv != APR_SUCCESS) return rv;
    apr_uint64_t last = last_buried(ring->letters);
    xipc__ring_leave(ring->letters, XIPC__WRITERS);
    if (last != id) {
        finish_buried(ring, last);
        rv = xipc__ring_put_begin(&put, ring->letters, task.size, 0);
        if (rv != APR_SUCCESS) return rv;
        put_letter(&put, &task, id);
    }
    XIPC__POINT("task.buried");
    finish(ring, look);
    return APR_SUCCESS;
}

static int is_too_often(const xipc__ring_t *ring, const xipc__look_t *look)
{
    return ring->letters != NULL &&
           xipc__load(&look->record->deliveries) >= ring->bounds.deliveries;
}

/* Of whom it was seen during a walk that they live, so that not each record costs a look. */
typedef struct {
    apr_uint64_t owners[16];
    unsigned next;
} living_t;

static int is_dead(living_t *living, apr_uint64_t owner)
{
    const unsigned count = sizeof living->owners / sizeof *living->owners;
    for (unsigned i = 0; i < count; i++)
        if (living->owners[i] == owner) return 0;
    if (xipc__port_identity_is_dead(owner)) return 1;
    living->owners[living->next++ % count] = owner;
    return 0;
}

/*
 * The next task whose reader is dead, that is still to be done: the others are buried, or lost where
 * nobody is to have them again.
 */
static int next_orphan(xipc__look_t *look, apr_uint64_t *mark, walk_t *walk, xipc__ring_t *ring)
{
    living_t living = {.owners = {xipc__port_identity()}, .next = 1};
    while (next_taken(look, mark, walk)) {
        apr_uint64_t owner = xipc__load(&look->record->owner);
        if (!is_dead(&living, owner)) continue;
        if (ring->bounds.tasks == XIPC__TASKS_COUNTED) {
            xipc__ring_count_lost(ring, XIPC__READERS, owner, 1);
            finish(ring, look);
        } else if (!is_too_often(ring, look) || bury(ring, look) != APR_SUCCESS) {
            return 1;
        }
    }
    return 0;
}

void xipc__ring_task_settle(xipc__ring_t *ring)
{
    xipc__look_t look;
    apr_uint64_t mark;
    walk_t all = walk(ring);
    while (next_orphan(&look, &mark, &all, ring)) continue;
    ring->tasks->looked = xipc__port_clock();
}

static int is_time(const xipc__ring_t *ring)
{
    apr_time_t now = xipc__port_clock();
    return now - ring->tasks->looked >= LOOK_AFTER || now < ring->tasks->looked;
}

apr_status_t xipc__ring_task_again(xipc__ring_get_t *get, int is_empty)
{
    xipc__ring_t *ring = get->ring;
    xipc__look_t look;
    apr_uint64_t mark;
    if (ring->bounds.tasks != XIPC__TASKS_LEASED) return XIPC_EEMPTY;
    walk_t all = walk(ring);
    if (xipc__mark_place(all.mark) == all.end) return XIPC_EEMPTY;
    if (!is_empty && !is_time(ring)) return XIPC_EEMPTY;
    ring->tasks->looked = xipc__port_clock();
    while (next_orphan(&look, &mark, &all, ring)) {
        if (is_too_often(ring, &look)) continue; /* there was no room for it where it belongs */
        get->is_again = 1;
        ring->tasks->looked = 0; /* there may be more of it */
        return xipc__ring_give(get, mark, &look);
    }
    xipc__ring_advance(ring);
    return XIPC_EEMPTY;
}

/* ---- done ---- */

/* A task of this process at a place, if it is still there; or else wherever it is now. */
static int find_own(xipc__look_t *look, xipc__ring_t *ring, const taken_t *taken)
{
    apr_uint64_t mark;
    apr_uint64_t me = xipc__port_identity();
    apr_uint64_t freed = xipc__load(&readers(ring)->freed);
    walk_t all = walk(ring);
    apr_uint32_t left = xipc__mark_place(all.tail) - taken->place;
    if (taken->place - xipc__mark_place(freed) <
            xipc__mark_place(all.tail) - xipc__mark_place(freed) &&
        xipc__ring_look(look, ring, xipc__mark(taken->place, 0), left) == APR_SUCCESS &&
        look->kind == XIPC__RECORD_LEASED && xipc__load(&look->record->owner) == me &&
        xipc__load(&look->record->id) == taken->id)
        return 1;
    while (next_taken(look, &mark, &all))
        if (look->kind == XIPC__RECORD_LEASED && xipc__load(&look->record->owner) == me &&
            xipc__load(&look->record->id) == taken->id)
            return 1;
    return 0;
}

/* Which of them is meant: this one, or the first of this thread, or the first. */
static apr_size_t choose(const xipc__tasks_t *tasks, const apr_uint64_t *id)
{
    apr_size_t i = tasks->first;
    while (i < tasks->end &&
           (id != NULL ? tasks->taken[i].id != *id : tasks->taken[i].thread != this_thread()))
        i++;
    return id == NULL && i == tasks->end ? tasks->first : i;
}

static int find_remembered(xipc__look_t *look, xipc__ring_t *ring, const apr_uint64_t *id)
{
    xipc__tasks_t *tasks = own(ring);
    for (apr_size_t i = choose(tasks, id); i < tasks->end; i = choose(tasks, id)) {
        const taken_t taken = tasks->taken[i];
        forget(tasks, i);
        if (find_own(look, ring, &taken)) return 1;
    }
    return 0;
}

/* One that is not remembered, or, where tasks are only counted, somebody else's. */
static int find_other(xipc__look_t *look, xipc__ring_t *ring, const apr_uint64_t *id)
{
    apr_uint64_t mark;
    apr_uint64_t me = xipc__port_identity();
    int is_any = id == NULL && ring->bounds.tasks == XIPC__TASKS_COUNTED;
    for (walk_t all = walk(ring); next_taken(look, &mark, &all);) {
        if (look->kind != XIPC__RECORD_LEASED) continue;
        if (xipc__load(&look->record->owner) == me
                ? id == NULL || xipc__load(&look->record->id) == *id
                : is_any)
            return 1;
    }
    return 0;
}

apr_status_t xipc__ring_task_done(xipc__ring_t *ring, const apr_uint64_t *id)
{
    xipc__look_t look;
    if (xipc__ring_enter(ring, XIPC__READERS, 0) != APR_SUCCESS)
        return xipc__fail(APR_TIMEUP, "a process stopped in it keeps others out");
    apr_uint64_t freed = xipc__load(&readers(ring)->freed);
    int is_found = find_remembered(&look, ring, id) || find_other(&look, ring, id);
    if (is_found) {
        XIPC__POINT("task.finishing");
        finish(ring, &look);
        XIPC__POINT("task.done");
        xipc__ring_advance(ring);
    }
    int is_room = xipc__load(&readers(ring)->freed) != freed;
    xipc__ring_leave(ring, XIPC__READERS);
    if (is_room) xipc__ring_wake(ring, XIPC__NOT_FULL);
    return is_found ? APR_SUCCESS
                    : xipc__fail(XIPC_ESTATE, "this process has taken no such task, or it is done");
}

/* ---- all done ---- */

apr_status_t xipc__ring_join(xipc__ring_t *ring, apr_time_t deadline)
{
    const _Atomic apr_uint64_t *freed = &readers(ring)->freed;
    for (;;) {
        xipc__ring_reclaim(ring, deadline);
        apr_uint64_t seen = atomic_load_explicit(freed, memory_order_acquire);
        apr_uint64_t tail =
            atomic_load_explicit(&ring->header->sides[XIPC__WRITERS].mark, memory_order_acquire);
        if (xipc__mark_place(seen) == xipc__mark_place(tail)) return APR_SUCCESS;
        apr_status_t rv = xipc__ring_wait(ring, XIPC__NOT_FULL, freed, seen, deadline);
        if (rv != APR_SUCCESS) return xipc__fail(rv, "there are tasks that are not done");
    }
}
