/*
 * ring_layout.h - what a ring looks like in memory; see docs/queue-protocol.md.
 *
 * Everyone who has the memory may write anything into it at any time: a value is read once, checked,
 * and then used.
 */
#ifndef XIPC_CORE_RING_LAYOUT_H
#define XIPC_CORE_RING_LAYOUT_H

#include "core/point.h"
#include "core/ring.h"

#include <stdatomic.h>
#include <stddef.h>

enum {
    XIPC__RING_MAGIC = 0x78715247,
    XIPC__RING_VERSION = 6,
    XIPC__RING_UNIT = 64,           /* bytes: records begin and end at multiples */
    XIPC__RING_START = 65536,       /* where the records begin */
    XIPC__RING_CHUNK = 1024 * 1024, /* memory is asked for and given back in these */
    XIPC__CHUNK_UNITS = XIPC__RING_CHUNK / XIPC__RING_UNIT
};

/*
 * A ring of more units than that grows and shrinks; a smaller one is there as a whole. The first
 * chunks are kept, since asking for memory costs more than a message.
 */
#define XIPC__RING_FIXED ((apr_uint64_t)64 * XIPC__CHUNK_UNITS)
enum { XIPC__CHUNKS_KEPT = 8 };

/* A ring that grows is walked through only as far as there is a backlog of at least so many units. */
enum { XIPC__RING_BACKLOG = 1024 };

#define XIPC__RING_NONE ((apr_uint64_t)-1)

/*
 * A mark: a place and a number of messages in one word, so that both change at once. The place
 * counts in units from the beginning of time, modulo 2^32.
 */
static inline apr_uint64_t xipc__mark(apr_uint32_t place, apr_uint32_t count)
{
    return (apr_uint64_t)place << 32 | count;
}

static inline apr_uint32_t xipc__mark_place(apr_uint64_t mark)
{
    return (apr_uint32_t)(mark >> 32);
}

static inline apr_uint32_t xipc__mark_count(apr_uint64_t mark)
{
    return (apr_uint32_t)mark;
}

/* A record's first unit; the message stands in the following ones. */
typedef struct {
    _Atomic apr_uint64_t state; /* a kind, and the number of units above bit 32 */
    _Atomic apr_uint64_t size;  /* of the message */
    _Atomic apr_uint64_t owner; /* of one that is reserved, held or leased */
    /* of a task that was taken: which one it is, and how often it was given out */
    _Atomic apr_uint64_t id;
    _Atomic apr_uint64_t deliveries;
    unsigned char fill[XIPC__RING_UNIT - 40];
} xipc__record_t;

enum {
    XIPC__RECORD_READY = 1,
    XIPC__RECORD_PAD,      /* nothing, up to the end of the ring */
    XIPC__RECORD_GONE,     /* abandoned, released, or done */
    XIPC__RECORD_RESERVED, /* being written in place */
    XIPC__RECORD_HELD,     /* being read in place */
    XIPC__RECORD_LEASED,   /* a task that was taken, and is not done yet */
    /* a flag: it stood nearer to the beginning before, where it was counted */
    XIPC__RECORD_COPY = 0x100
};

/* The side of the writers and that of the readers: each has a lock and a mark. */
typedef struct {
    /* what this side works with */
    _Atomic apr_uint64_t owner;    /* the process that is in, or 0 */
    xipc__spot_t spot;             /* who wants in */
    _Atomic apr_uint64_t intent;   /* the mark before what the owner is doing, or NONE */
    _Atomic apr_uint64_t at;       /* the mark, for this side alone; see xipc__ring_mark_set() */
    _Atomic apr_uint64_t seen;     /* the other side's mark when it was looked at last */
    _Atomic apr_uint64_t pad;      /* writers: units of the last pad */
    _Atomic apr_uint64_t next;     /* readers: what `freed` becomes when memory is given back */
    _Atomic apr_uint64_t skip;     /* writers: where a pad skips records, and its units */
    _Atomic apr_uint32_t patience; /* how long to let things gather; see ring_lock.c */
    _Atomic apr_uint32_t turns;    /* how often that was decided */
    /* what died */
    _Atomic apr_uint64_t lost;
    _Atomic apr_uint64_t lost_by;
    unsigned char fill1[40];
    /* what the other side looks at */
    _Atomic apr_uint64_t mark;  /* writers: behind the last record; readers: the next to take */
    _Atomic apr_uint64_t freed; /* readers: up to where there is room again */
    _Atomic apr_int32_t processor;
    unsigned char fill2[108];
} xipc__side_t;

/* Who waits for what; also the indices of the spots in the park. */
enum { XIPC__WRITERS, XIPC__READERS, XIPC__NOT_EMPTY, XIPC__NOT_FULL };

typedef struct {
    xipc__spot_t spot;
    _Atomic apr_uint32_t is_armed; /* the bell */
    unsigned char fill[52];
} xipc__wait_t;

typedef struct {
    /* written once, before anyone else has the memory */
    apr_uint32_t magic;
    apr_uint32_t version;
    apr_uint64_t header_size; /* differs with the layout and the compiler's view of it */
    apr_uint64_t space;       /* of the pids */
    apr_uint64_t units;       /* of the records' part, a power of two */
    apr_uint64_t capacity;
    apr_uint64_t bytes;
    apr_uint64_t message_max;
    apr_uint32_t spin;
    apr_uint32_t tasks;
    apr_uint64_t deliveries;
    apr_uint32_t levels; /* of priorities, each a ring of its own; see levels.h */
    apr_uint32_t word;   /* bytes of a pointer */
    xipc__ring_name_t name;
    unsigned char fill1[96];

    xipc__side_t sides[2];
    xipc__wait_t waits[2]; /* NOT_EMPTY, NOT_FULL */
    struct {
        _Atomic apr_uint64_t
            moving; /* a task's places, before and after, while it moves, or NONE */
        _Atomic apr_uint64_t copied;    /* the mark behind the last one that was moved */
        _Atomic apr_uint64_t buried;    /* of letters: the last one's id, where it was a task */
        _Atomic apr_uint64_t live;      /* about: units of all that was taken and is not done */
        _Atomic apr_uint64_t buried_at; /* of letters: the mark before that one was put */
        unsigned char fill[24];
    } tasks_of;
} xipc__ring_header_t;

typedef struct xipc__tasks_t xipc__tasks_t;

/*
 * What one side writes all the time is in no line that the other one reads all the time, nor in the
 * one beside it: processors fetch lines in pairs.
 */
enum { XIPC__LINE_PAIR = 2 * XIPC__RING_UNIT };
_Static_assert(offsetof(xipc__side_t, mark) == XIPC__LINE_PAIR &&
                   sizeof(xipc__side_t) == 2 * XIPC__LINE_PAIR &&
                   offsetof(xipc__ring_header_t, sides) % XIPC__LINE_PAIR == 0 &&
                   offsetof(xipc__ring_header_t, waits) % XIPC__LINE_PAIR == 0,
               "the layout is in lines");

/* A queue with priorities has more headers before the records, and more records behind its first. */
enum { XIPC__LEVEL_HEADERS = 16384, XIPC__LEVEL_HEADER = 1024 };

static inline xipc__ring_header_t *xipc__level_header(xipc__ring_header_t *first, unsigned level)
{
    _Static_assert(sizeof(xipc__ring_header_t) <= XIPC__LEVEL_HEADER, "headers do not overlap");
    return (xipc__ring_header_t *)(void *)((unsigned char *)first + XIPC__LEVEL_HEADERS +
                                           (apr_size_t)level * XIPC__LEVEL_HEADER);
}

/* Bytes of the records of one ring in the memory. */
static inline apr_uint64_t xipc__level_bytes(apr_uint64_t units)
{
    return (units * XIPC__RING_UNIT + XIPC__RING_START - 1) / XIPC__RING_START * XIPC__RING_START;
}

/*
 * Up to these, a record has its place right behind the last one, and nothing else needs to be looked
 * at: that is what most puts find. Zeros where there is more to it.
 */
typedef struct {
    apr_size_t message_max;
    apr_uint64_t end;   /* in the ring, in units */
    apr_uint64_t used;  /* units */
    apr_uint64_t count; /* messages */
} xipc__quick_t;

struct xipc__ring_t {
    xipc__ring_header_t *header;
    unsigned char *records;
    apr_uint64_t start; /* of the records, in the memory */
    apr_uint64_t units;
    xipc__side_t *tally; /* where what died is counted, two of them */
    xipc__ring_bounds_t bounds;
    xipc__quick_t quick;
    apr_uint64_t there;         /* units from the first on that are memory in any case */
    _Atomic apr_uint32_t chunk; /* one more that is, the last that was looked at */
    apr_uint32_t ours;          /* writers: up to this place lines were taken, last by us; a hint */
    xipc__ring_name_t name;
    xipc__memory_t *memory;
    xipc__park_t *park;
    xipc__tasks_t *tasks;  /* what this process has taken; NULL in a queue without tasks */
    xipc__ring_t *letters; /* where tasks go that were given out too often, or NULL */
};

static inline xipc__record_t *xipc__record_at(const xipc__ring_t *ring, apr_uint32_t place)
{
    return (xipc__record_t *)(void *)(ring->records +
                                      (place & (ring->units - 1)) * XIPC__RING_UNIT);
}

static inline apr_uint64_t xipc__load(const _Atomic apr_uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void xipc__store(_Atomic apr_uint64_t *word, apr_uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/*
 * With a side: move its mark. What the other side reads is taken to its processor, so that reading
 * it here would wait for it: this side goes on from a copy. Release: what the mark tells is there.
 */
static inline void xipc__ring_mark_set(xipc__side_t *side, apr_uint64_t mark)
{
    atomic_store_explicit(&side->mark, mark, memory_order_release);
    XIPC__POINT("mark.moved");
    xipc__store(&side->at, mark);
}

/* Units between `freed` and the writers' mark at most: a ring that grows may skip a part of a round. */
static inline apr_uint64_t xipc__ring_span(const xipc__ring_t *ring)
{
    return ring->units > XIPC__RING_FIXED ? 2 * ring->units : ring->units;
}

static inline apr_uint64_t xipc__record_state(apr_uint64_t units, unsigned kind)
{
    return units << 32 | kind;
}

apr_status_t xipc__ring_bad(const char *what);

/* ---- ring.c ---- */

/* After the bounds are set. */
void xipc__ring_quicken(xipc__ring_t *ring);

/* ---- ring_lock.c; see also ring_lock.h ---- */

/* Count messages that died with a process. */
void xipc__ring_count_lost(const xipc__ring_t *ring, int which, apr_uint64_t owner,
                           apr_uint32_t count);

/* ---- ring_put.c ---- */

/* Enter and begin without looking for room: then it is more, and end or leave. */
apr_status_t xipc__ring_put_enter(xipc__ring_put_t *put, xipc__ring_t *ring, apr_time_t deadline);

/* Bytes of all messages between two marks, each rounded up to 64. */
apr_uint64_t xipc__ring_bytes(const xipc__ring_t *ring, apr_uint64_t tail, apr_uint64_t freed);

/* ---- ring_put.c ---- */

/* With both sides: write a record behind the last one that counts for nothing, as yet unseen. */
apr_status_t xipc__ring_append_copy(xipc__ring_put_t *put, xipc__ring_t *ring, apr_size_t size);

/* ---- ring_get.c ---- */

/* A record, as it was found. */
typedef struct {
    xipc__record_t *record;
    apr_uint64_t state; /* as it was read, once */
    unsigned kind;
    unsigned copy; /* the flag, or 0 */
    apr_uint64_t units;
    apr_uint64_t next; /* the mark behind it */
} xipc__look_t;

/*
 * Before units are looked at: a damaged mark may lead to where nobody has asked for memory yet, which
 * some systems don't let one read.
 */
apr_status_t xipc__ring_reach(xipc__ring_t *ring, apr_uint64_t offset, apr_uint64_t units);

/* Look at the record at a mark, of which `left` units are known to be written. */
apr_status_t xipc__ring_look(xipc__look_t *look, xipc__ring_t *ring, apr_uint64_t mark,
                             apr_uint64_t left);

/* Give out the message of a record. */
apr_status_t xipc__ring_give(xipc__ring_get_t *get, apr_uint64_t mark, const xipc__look_t *look);

/* Enter and begin without looking for a message: then it is more, and end. */
apr_status_t xipc__ring_get_enter(xipc__ring_get_t *get, xipc__ring_t *ring, apr_time_t deadline);

/* With the readers' side: `freed` goes on as far as nobody holds a record. */
void xipc__ring_advance(xipc__ring_t *ring);

/* Regain the room of what was released or abandoned, or held by the dead. */
void xipc__ring_reclaim(xipc__ring_t *ring, apr_time_t deadline);

/* ---- ring_tasks.c: a queue whose messages are tasks, there until they are done ---- */

void xipc__ring_tasks_create(xipc__ring_t *ring, apr_pool_t *pool);
void xipc__ring_tasks_close(xipc__ring_t *ring);

/* With the readers' side: take a message that was found, hold it in place, or let go of that. */
void xipc__ring_task_take(xipc__ring_get_t *get);
void xipc__ring_task_hold(xipc__ring_get_t *get);
apr_status_t xipc__ring_task_release(xipc__ring_t *ring, xipc__record_t *record);

/*
 * With the readers' side: what the dead had taken is given out again, XIPC_EEMPTY when there is
 * nothing, or it is lost, as the queue will have it. The first only looks when it is time.
 */
apr_status_t xipc__ring_task_again(xipc__ring_get_t *get, int is_empty);
void xipc__ring_task_settle(xipc__ring_t *ring);

/* A record that was looked at is of another kind from now on; release: what was done with it is done. */
void xipc__record_set(const xipc__look_t *look, unsigned kind);

/* ---- ring_move.c ---- */

/* With the writers' side: when a task blocks much room, it goes behind the last record. */
void xipc__ring_task_move(xipc__ring_t *ring);

/* With either side: finish a move in which somebody died. */
void xipc__ring_task_moved(xipc__ring_t *ring);

/* ---- ring_place.c ---- */

/* The last message that was put is reserved, to be written later. */
void xipc__ring_keep(const xipc__ring_put_t *put);

/* Take the message in hand, and hold it. */
void xipc__ring_hold(xipc__ring_get_t *get);

/* One that is reserved or held becomes GONE; XIPC_ESTATE when there is none. Its room is not free yet. */
apr_status_t xipc__ring_let_go(xipc__ring_t *ring, const void *data, unsigned kind);

#endif
