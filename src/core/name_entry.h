/*
 * name_entry.h - what the entry of a queue's name says: which queue it is, and who has it.
 *
 * An entry is a head and places for holders, each a line of its own that is written whole. So a
 * death leaves it as it was before a line or after it.
 */
#ifndef XIPC_CORE_NAME_ENTRY_H
#define XIPC_CORE_NAME_ENTRY_H

#include "core/point.h"
#include "core/port.h"

enum {
    XIPC__ENTRY_MAGIC = 0x78714e6d,
    XIPC__ENTRY_VERSION = 1,
    XIPC__ENTRY_HOLDERS = XIPC__NAME_SIZE / XIPC__NAME_LINE - 1,
    XIPC__ENTRY_HANDLES = 29
};

typedef struct {
    apr_uint32_t magic;
    apr_uint32_t version; /* of the entry; it tells who lives whatever the queue's own version is */
    apr_uint32_t is_removed;
    apr_uint32_t unused;
    apr_uint64_t space; /* of the pids */
    apr_uint64_t id;
    unsigned char fill[XIPC__NAME_LINE - 32];
} xipc__entry_head_t;

/* Who has the queue: its handles have these numbers there, and then those of its dead letters. */
typedef struct {
    apr_uint64_t identity; /* 0: nobody */
    apr_uint32_t count;
    apr_uint32_t handles[XIPC__ENTRY_HANDLES];
} xipc__name_holder_t;

/* One that is locked, as it was read then; what is dead is left out. */
typedef struct {
    xipc__entry_head_t head;
    xipc__name_holder_t holders[XIPC__ENTRY_HOLDERS];
    xipc__name_t *port;
} xipc__entry_t;

typedef enum {
    XIPC__ENTRY_EMPTY, /* nothing is in it, or what was there had died or was being removed */
    XIPC__ENTRY_LIVE,  /* it is a queue's that somebody has */
    XIPC__ENTRY_STALE  /* nobody has it any more */
} xipc__entry_e;

/*
 * Lock an entry and read it. APR_ENOENT: there is none, and none may be made. XIPC_EPROTOCOL: it
 * is no entry, or nobody could tell here whether its holders live.
 */
apr_status_t xipc__entry_open(xipc__entry_t **entry, const char *text, int may_make);
void xipc__entry_close(xipc__entry_t *entry);
xipc__entry_e xipc__entry_state(const xipc__entry_t *entry);

/* Remove it, in whatever state it is; it is still to be closed. */
void xipc__entry_remove(xipc__entry_t *entry);

/* Of a queue that had an entry once: nobody finds what it is made of any more. */
void xipc__entry_forget(apr_uint64_t id);

/* The same by name, also of one that is not understood. APR_ENOENT: there was no living one. */
apr_status_t xipc__entry_unlink(const char *text);

/* Say which queue it is, and that `holder` has it or is about to make it. */
apr_status_t xipc__entry_claim(xipc__entry_t *entry, apr_uint64_t id,
                               const xipc__name_holder_t *holder);

/* Add a holder or change the one with its identity and no handles; take it out. */
apr_status_t xipc__entry_add(xipc__entry_t *entry, const xipc__name_holder_t *holder);
void xipc__entry_drop(xipc__entry_t *entry, const xipc__name_holder_t *holder);

#endif
