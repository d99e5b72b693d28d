/*
 * The queue in shared memory, as src/core/ring*.c have it and docs/queue-protocol.md tells: every access to the shared
 * memory is a step of its own, and a process may be killed before any of them.
 *
 * PUTTERS and GETTERS processes, MESSAGES each to put, a ring of CAPACITY records of two words each. DEATHS of the
 * processes are killed. PLACE: messages are written and read in place. Of the sleeping the model has the futex's: the
 * word as a ticket that goes stale at the next wake-up.
 *
 * Without deaths nobody sleeps in slices, so that a wake-up that is lost is a process that sleeps for ever. With deaths
 * a sleeper also looks again when there is something to be seen: that is what slices do.
 *
 * BROKEN_... each leave something out or turn something round: then the model must fail.
 */
#ifndef PUTTERS
#define PUTTERS 2
#endif
#ifndef GETTERS
#define GETTERS 2
#endif
#ifndef MESSAGES
#define MESSAGES 1
#endif
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#define ALL 5 /* init is 0 */
#define SLICES (DEATHS > 0)

/* sides, and the spots where one sleeps */
#define WRITERS 0
#define READERS 1
#define NOT_EMPTY 2
#define NOT_FULL 3
#define NONE 255

/* ---- the shared memory ---- */

byte owner[2];
byte mark[2]; /* how many were put, and taken */
byte freed;
byte seen[2]; /* the other side's, as it was when it was looked at last */
byte intent[2] = NONE;
byte lost[2];
bool sleepers[4];

#define READY 1
#define GONE 2
#define RESERVED 3
#define HELD 4
typedef record_t { byte state, owner, first, second };
record_t record[CAPACITY];
#define AT(place) record[(place) % CAPACITY]

/* ---- the system ---- */

bool dead[ALL];
byte deaths;
byte ticket[ALL] = NONE; /* the spot whose word it has read; NONE once that has changed */
bool asleep[ALL];

/* ---- what is checked ---- */

byte delivered; /* messages that a reader has got out of the call */
byte returned;  /* puts that came to their end */
byte ended;

#define OWNED_BY_DEAD(side) (owner[side] != 0 && dead[owner[side]])
#define NEXT_IS_OF_DEAD \
    (mark[READERS] != mark[WRITERS] && AT(mark[READERS]).state == RESERVED && dead[AT(mark[READERS]).owner])
#define IS_HELD(place) (AT(place).state == HELD && !dead[AT(place).owner])
#define IS_RECLAIMABLE \
    (OWNED_BY_DEAD(READERS) || (freed != mark[READERS] && !IS_HELD(freed)) || NEXT_IS_OF_DEAD || \
     (mark[READERS] != mark[WRITERS] && AT(mark[READERS]).state == GONE))

/* ---- sleeping ---- */

inline prepare(spot)
{
    ticket[_pid] = spot;
    sleepers[spot] = true
}

/* Sleep unless the word has changed; until woken or, in slices, until there is something to be seen. */
#define FALL_ASLEEP(spot) asleep[_pid] = (ticket[_pid] == spot)
#define WAKE_UP(reason) \
    if \
    :: atomic { !asleep[_pid] -> ticket[_pid] = NONE } \
    :: atomic { SLICES && asleep[_pid] && (reason) -> asleep[_pid] = false; ticket[_pid] = NONE } \
    fi

/* The word counts on: who read it before and does not sleep yet won't. */
inline count_on(spot)
{
    d_step {
        w = 1;
        do
        :: w < ALL -> if :: ticket[w] == spot && !asleep[w] -> ticket[w] = NONE :: else fi; w++
        :: else -> break
        od;
        w = 0
    }
}

inline wake_all(spot)
{
    if
    :: sleepers[spot] ->
        sleepers[spot] = false;
        count_on(spot);
        d_step {
            w = 1;
            do
            :: w < ALL -> if :: ticket[w] == spot -> ticket[w] = NONE; asleep[w] = false :: else fi; w++
            :: else -> break
            od;
            w = 0
        }
    :: else
    fi
}

/* The system wakes one of them, whichever it likes. */
inline wake_one(spot)
{
    if
    :: sleepers[spot] ->
        sleepers[spot] = false;
        count_on(spot);
        atomic {
            if
            :: ticket[1] == spot && asleep[1] -> asleep[1] = false
            :: ticket[2] == spot && asleep[2] -> asleep[2] = false
            :: ticket[3] == spot && asleep[3] -> asleep[3] = false
            :: ticket[4] == spot && asleep[4] -> asleep[4] = false
            :: else
            fi
        }
    :: else
    fi
}

/* ---- the locks: ring_lock.c ---- */

/* What a dead owner left. */
inline repair(side)
{
    if
    :: intent[side] != NONE && (intent[side] == mark[side]) == (side == WRITERS) -> lost[side]++
    :: else
    fi;
    if
    :: side == READERS -> advance()
    :: else
    fi;
    intent[side] = NONE
}

/* `freed` goes on as far as nobody who lives holds a record. */
inline advance()
{
#ifdef BROKEN_NO_REPAIR
    skip
#else
    do
    :: freed != mark[READERS] && !IS_HELD(freed) -> freed++
    :: else -> break
    od
#endif
}

#ifdef BROKEN_NAME_LATER
/* A lock that is taken first, and gets its owner's name then. */
bool locked[2];
#define TRY(side) atomic { !locked[side] -> locked[side] = true }; owner[side] = _pid
#define UNLOCK(side) owner[side] = 0; locked[side] = false
#define IS_FREE(side) (!locked[side])
#else
#define TRY(side) atomic { owner[side] == 0 -> owner[side] = _pid }
#define UNLOCK(side) owner[side] = 0
#define IS_FREE(side) (owner[side] == 0)
#endif
#ifdef BROKEN_NO_PROOF
#define MAY_BREAK(side) (owner[side] != 0 && owner[side] != _pid)
#else
#define MAY_BREAK(side) OWNED_BY_DEAD(side)
#endif

inline enter(side)
{
    if
    :: TRY(side)
    :: else ->
        do
        :: prepare(side);
            if
            :: TRY(side); break
            :: else
            fi;
            FALL_ASLEEP(side);
            WAKE_UP(IS_FREE(side) || MAY_BREAK(side));
            if
            :: TRY(side);
#ifndef BROKEN_SILENT
                sleepers[side] = true; /* it speaks for the others that sleep */
#endif
                break
            :: atomic { MAY_BREAK(side) -> owner[side] = _pid };
                repair(side);
                sleepers[side] = true;
                break
            :: else
            fi
        od
    fi
}

inline leave(side)
{
    intent[side] = NONE;
    UNLOCK(side);
    wake_one(side)
}

/* ---- freeing and reclaiming: ring_get.c ---- */

inline pass()
{
    first = (freed == mark[READERS]);
#ifdef BROKEN_FREE_FIRST
    if :: first -> freed++ :: else fi;
    mark[READERS]++
#else
    mark[READERS]++;
    if
    :: first -> freed++
    :: else
    fi
#endif
    ;
    first = 0
}

/* Is there a record at the readers' mark, as far as they know? */
#define NEXT_IS(kind) (mark[READERS] != seen[READERS] && AT(mark[READERS]).state == kind)

/* Over what is no message, up to one or to the end. */
inline find()
{
    do
    :: mark[READERS] == seen[READERS] && seen[READERS] != mark[WRITERS] -> seen[READERS] = mark[WRITERS]
    :: NEXT_IS(GONE) -> pass()
#ifndef BROKEN_WAIT_FOR_DEAD
    :: NEXT_IS(RESERVED) && dead[AT(mark[READERS]).owner] ->
        lost[WRITERS]++;
        AT(mark[READERS]).state = GONE
#endif
    :: NEXT_IS(HELD) -> AT(mark[READERS]).state = READY /* a dead one was taking it */
    :: else -> break
    od
}

inline end_get()
{
    if
    :: freed != begun -> begun = 0; leave(READERS); wake_all(NOT_FULL)
    :: else -> begun = 0; leave(READERS)
    fi
}

inline reclaim()
{
    enter(READERS);
    begun = freed;
    find();
    advance();
    end_get()
}

/* ---- putting: ring_put.c, ring_place.c ---- */

proctype writer()
{
    byte left = MESSAGES, known, w, begun;
    bool first;
    {
        do
        :: left > 0 ->
            enter(WRITERS);
            intent[WRITERS] = mark[WRITERS];
            if
            :: mark[WRITERS] - seen[WRITERS] >= CAPACITY -> seen[WRITERS] = freed
            :: else
            fi;
            if
            :: mark[WRITERS] - seen[WRITERS] < CAPACITY ->
#ifdef PLACE
                AT(mark[WRITERS]).owner = _pid;
                AT(mark[WRITERS]).state = RESERVED;
                known = mark[WRITERS];
                mark[WRITERS]++;
                leave(WRITERS);
                wake_all(NOT_EMPTY);
                AT(known).first = known + 1;
                AT(known).second = known + 1;
                AT(known).state = READY;
#else
#ifdef BROKEN_PUBLISH_FIRST
                mark[WRITERS]++;
                AT(mark[WRITERS] - 1).first = mark[WRITERS];
                AT(mark[WRITERS] - 1).second = mark[WRITERS];
#else
                AT(mark[WRITERS]).first = mark[WRITERS] + 1;
                AT(mark[WRITERS]).second = mark[WRITERS] + 1;
                AT(mark[WRITERS]).state = READY;
#ifdef BROKEN_LOOK_FIRST
                first = sleepers[NOT_EMPTY];
#endif
                mark[WRITERS]++;
#endif
                leave(WRITERS);
#endif
#ifdef BROKEN_LOOK_FIRST
                if
                :: first -> wake_all(NOT_EMPTY)
                :: else
                fi;
                first = 0;
#else
                wake_all(NOT_EMPTY);
#endif
                known = 0;
progress_put:   returned++;
                left--
            :: else ->
                known = seen[WRITERS];
                leave(WRITERS);
                prepare(NOT_FULL);
                if
#ifndef BROKEN_NO_SECOND_LOOK
                :: freed != known
#endif
                :: else ->
#ifdef BROKEN_NO_SECOND_LOOK
                   skip;
#endif
                   FALL_ASLEEP(NOT_FULL);
end_full:          WAKE_UP(freed != known || IS_RECLAIMABLE || OWNED_BY_DEAD(WRITERS))
                fi;
                if
                :: freed == known -> known = 0; reclaim()
                :: else -> known = 0
                fi
            fi
        :: else -> break
        od
    } unless { dead[_pid] };
    ended++
}

/* ---- getting ---- */

proctype reader()
{
    byte a, b, known, w, begun, place;
    bool first;
    {
        do
        :: enter(READERS);
            begun = freed;
            find();
            if
            :: mark[READERS] == seen[READERS] -> /* empty */
                known = seen[READERS];
                end_get();
                prepare(NOT_EMPTY);
                if
                :: mark[WRITERS] != known
                :: else ->
                   FALL_ASLEEP(NOT_EMPTY);
end_empty:         WAKE_UP(mark[WRITERS] != known || OWNED_BY_DEAD(READERS))
                fi;
                known = 0
#ifdef PLACE
            :: NEXT_IS(RESERVED) ->
                place = mark[READERS] % CAPACITY;
                end_get();
                prepare(NOT_EMPTY);
                if
                :: record[place].state != RESERVED
                :: else ->
                   FALL_ASLEEP(NOT_EMPTY);
                   WAKE_UP(record[place].state != RESERVED || NEXT_IS_OF_DEAD || OWNED_BY_DEAD(READERS))
                fi;
                place = 0
            :: NEXT_IS(READY) ->
                known = mark[READERS];
                AT(known).owner = _pid;
                AT(known).state = HELD;
                mark[READERS]++;
                end_get();
#ifdef BROKEN_RELEASE_FIRST
                AT(known).state = GONE;
#endif
                a = AT(known).first;
                b = AT(known).second;
                assert(a == known + 1 && b == a);
#ifndef BROKEN_RELEASE_FIRST
                AT(known).state = GONE;
#endif
progress_read:  delivered++;
                a = 0; b = 0; known = 0;
                reclaim()
#else
            :: else ->
                a = AT(mark[READERS]).first;
                b = AT(mark[READERS]).second;
                /* in order, once, whole, and not overwritten before it was taken */
                assert(a == mark[READERS] + 1 && b == a);
                a = 0; b = 0;
                intent[READERS] = mark[READERS];
                pass();
                end_get();
progress_got:   delivered++
#endif
            fi
        od
    } unless { dead[_pid] };
    ended++
}

/* ---- the end ---- */

#define KILL(who) \
    atomic { who <= PUTTERS + GETTERS && deaths < DEATHS && !dead[who] -> \
        deaths++; dead[who] = true; asleep[who] = false; ticket[who] = NONE }

proctype killer()
{
    do
    :: KILL(1)
    :: KILL(2)
    :: KILL(3)
    :: KILL(4)
    :: break
    od
}

/* When nothing moves any more: what was put was taken, and every room is free again. */
init
{
    byte i, dead_writers, dead_readers;
    atomic {
        i = 0;
        do :: i < PUTTERS -> run writer(); i++ :: else -> break od;
        i = 0;
        do :: i < GETTERS -> run reader(); i++ :: else -> break od;
        run killer()
    }
    timeout ->
    d_step {
        i = 1;
        do
        :: i <= PUTTERS -> dead_writers = dead_writers + dead[i]; i++
        :: i > PUTTERS && i <= PUTTERS + GETTERS -> dead_readers = dead_readers + dead[i]; i++
        :: else -> break
        od
    }
    assert(mark[WRITERS] >= returned);
    assert(mark[READERS] - delivered <= dead_readers + dead_writers);
    if
    :: dead_readers < GETTERS ->
        assert(mark[READERS] == mark[WRITERS]);
        /* what a dead one holds in place is regained by the next who wants room */
        assert(freed == mark[READERS] || (deaths > 0 && AT(freed).state != READY));
        assert(mark[WRITERS] >= (PUTTERS - dead_writers) * MESSAGES);
        assert(ended >= PUTTERS)
    :: else
    fi;
    assert(deaths > 1 || lost[WRITERS] <= dead_writers + dead_readers && lost[READERS] <= dead_readers + dead_writers)
}
