/*
 * members.h - the processes of a chaos: they put and get in every way there is until they are told to stop, and write down
 * what they did.
 *
 * Arguments: the queue, the ledger's file, the slot, the seed, bytes of the largest message, which ways there are
 * beside putting and getting, and the point where it kills itself ("" for none) with the number of times it passes before.
 */
#ifndef TESTS_CHAOS_MEMBERS_H
#define TESTS_CHAOS_MEMBERS_H

#include "ledger.h"

int members_write(xipc_values_t *args, apr_pool_t *pool);
int members_read(xipc_values_t *args, apr_pool_t *pool);

/* Messages may be written and read in place; messages are tasks with leases. */
enum { MEMBERS_IN_PLACE = 1, MEMBERS_TASKS = 2 };

/* The call came to its end, a little beyond its timeout at most, with one of these answers. */
enum { MEMBERS_OK = 0, MEMBERS_FAILED = 60 };

#endif
