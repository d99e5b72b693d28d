/*
 * ledger.h - what the processes of a chaos wrote down, in a file that all have in their memory: a kill takes nothing of
 * it back.
 */
#ifndef TESTS_CHAOS_LEDGER_H
#define TESTS_CHAOS_LEDGER_H

#include "testing.h"

#include <stdatomic.h>

enum {
    LEDGER_SLOTS = 64,  /* processes of one chaos, those that replaced killed ones included */
    LEDGER_MOST = 8192, /* messages of one writer */
    LEDGER_BATCH = 4,   /* messages of one call at most */
    LEDGER_PRIORITIES = 4
};

/* What one process wrote down of itself; `seen` is written by those who got its messages. */
typedef struct {
    _Atomic apr_int64_t started;  /* puts that it began */
    _Atomic apr_int64_t done;     /* and that came back with success */
    _Atomic apr_int32_t getting;  /* messages that it may have in its hands */
    _Atomic apr_int32_t swapped;  /* messages that came after later ones of the same writer */
    _Atomic apr_int32_t at_point; /* it killed itself */
    _Atomic apr_int32_t line;     /* where it found an error */
    _Atomic apr_int32_t status;
    _Atomic apr_int64_t late; /* how much longer than its timeout a call took, at most */
    _Atomic unsigned char seen[LEDGER_MOST];
} ledger_slot_t;

typedef struct {
    _Atomic apr_int32_t writers_stop;
    _Atomic apr_int32_t readers_stop;
    ledger_slot_t slots[LEDGER_SLOTS];
} ledger_t;

/* A new one in a file of that name, or the one that is there. */
apr_status_t ledger_create(ledger_t **ledger, const char *path, apr_pool_t *pool);
apr_status_t ledger_open(ledger_t **ledger, const char *path, apr_pool_t *pool);

/* A message as it travels: whose it is, which, its priority, and bytes that follow from the first two. */
typedef struct {
    apr_int64_t slot;
    apr_int64_t number;
    apr_int64_t priority;
} ledger_head_t;

void ledger_write(void *bytes, apr_size_t size, apr_int64_t slot, apr_int64_t number,
                  unsigned priority);
/* Is it whole? */
int ledger_read(ledger_head_t *head, const void *bytes, apr_size_t size);

/* What one reader saw: the last number of each writer with each priority. */
typedef struct {
    apr_int64_t last[LEDGER_SLOTS][LEDGER_PRIORITIES];
} ledger_order_t;

void ledger_begin_order(ledger_order_t *order);
/* Does it come after those that were seen? */
int ledger_is_in_order(ledger_order_t *order, const ledger_head_t *head);

/* A sequence of numbers that follows from its beginning. */
typedef struct {
    apr_uint64_t state;
} ledger_dice_t;

unsigned ledger_throw(ledger_dice_t *dice, unsigned sides);

#endif
