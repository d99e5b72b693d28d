/*
 * state.h - what this process knows of itself: the library's only global state.
 */
#ifndef XIPC_CORE_STATE_H
#define XIPC_CORE_STATE_H

#include "xipc/listener.h"
#include "xipc/process.h"

#include <apr_thread_mutex.h>

/* The forkserver's side in its starter. */
typedef struct xipc__forkserver_t xipc__forkserver_t;

typedef struct {
    int initialized;                /* how many xipc_initialize() wait for their xipc_terminate() */
    const char *name;               /* argv[0] */
    const char *executable;         /* what spawn runs; NULL: this process's own image */
    apr_pool_t *pool;               /* of `executable` */
    xipc_connection_t *connections; /* all open ones of this process, under the lock */
    xipc_listener_t *listeners;     /* the same */
    xipc_start_method_e method;     /* what XIPC_START_DEFAULT stands for, when it was set */
    apr_thread_mutex_t *start_mutex; /* of the forkserver and its connection */
    xipc__forkserver_t *forkserver;  /* once it was needed */
    xipc_preload_t preload;          /* what it runs first, or NULL */
    xipc_process_t *children;        /* started here and not closed, under the lock */
    xipc_process_t *current;         /* this process; NULL before somebody asked */
    xipc_process_t *parent;          /* its starter; NULL when that was not xipc */
    xipc_connection_t *stop;         /* at its end when this process is to stop; or NULL */
    const char *child_name;          /* the name it was started with; NULL in the main process */
    struct xipc__hook_t *at_fork;    /* first to run first */
    struct xipc__hook_t *at_exit;    /* first to run first: the last registered */
    apr_uint32_t processes;          /* how many process objects were made, for their names */
} xipc__state_t;

extern xipc__state_t xipc__state;

/*
 * For a few instructions at a time; it needs no set-up, so that it also serves before
 * xipc_initialize().
 */
void xipc__state_lock(void);
void xipc__state_unlock(void);

#endif
