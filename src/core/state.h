/*
 * state.h - what this process knows of itself: the library's only global state.
 */
#ifndef XIPC_CORE_STATE_H
#define XIPC_CORE_STATE_H

#include "xipc/values.h"

typedef struct {
    int initialized;                /* how many xipc_initialize() wait for their xipc_terminate() */
    const char *name;               /* argv[0] */
    const char *executable;         /* what spawn runs; NULL: this process's own image */
    apr_pool_t *pool;               /* of `executable` */
    xipc_connection_t *connections; /* all open ones of this process, under the lock */
    apr_uint32_t processes;         /* how many process objects were made, for their names */
} xipc__state_t;

extern xipc__state_t xipc__state;

/*
 * For a few instructions at a time; it needs no set-up, so that it also serves before
 * xipc_initialize().
 */
void xipc__state_lock(void);
void xipc__state_unlock(void);

#endif
