/*
 * process.h - the inside of a process object.
 */
#ifndef XIPC_CORE_PROCESS_H
#define XIPC_CORE_PROCESS_H

#include "core/parcel.h"
#include "core/port.h"
#include "xipc/process.h"

/*
 * What a child watches while it runs, each a connection or NULL: an end of file is what it tells.
 */
typedef struct {
    xipc_connection_t *life; /* for XIPC__BOND_LIFE, where the system needs it */
    xipc_connection_t *stop; /* for one that can be stopped */
} xipc__lines_t;

/* What a process object has besides when it stands for another program, in program.c. */
typedef struct xipc__program_t xipc__program_t;

struct xipc_process_t {
    apr_pool_t *pool;
    const char *name;
    xipc_target_t target;
    xipc_values_t *args;
    xipc_start_method_e method;
    pid_t owner;               /* the process that made it */
    xipc__child_t *child;      /* NULL before the start and after the close */
    xipc_connection_t *report; /* the forkserver's, about this child; NULL for other methods */
    int is_started;
    int is_daemon;
    int is_relative; /* this process itself, or its parent: not to be ended */
    int is_fork_forced;
    int bonds; /* of xipc__bond_e */
    int is_stoppable;
    xipc__program_t *program; /* NULL for a function */
    xipc__lines_t lines;      /* the starter's ends */

    xipc_process_t *next; /* in xipc__state.children, from its start to its close */
    xipc_process_t **link;
};

/* A new object, of a child that is not started; what it is to run is not said yet. */
xipc_process_t *xipc__process_make(apr_pool_t *pool);

/* The process's own children, in family.c. */
void xipc__family_enter(xipc_process_t *process);
void xipc__family_leave(xipc_process_t *process);

/*
 * In a new child: who it is, and who started it, whose identity is 0 when it surely runs. Its
 * parent's children are not its own.
 */
void xipc__family_begin(const char *name, pid_t parent, apr_uint64_t identity,
                        const char *parent_name);

/* At the normal end of a process: its daemons end before it. */
void xipc__family_end(void);

/* The name of this process. */
const char *xipc__family_name(void);

/* End a daemon: ask, and after a while don't. */
void xipc__daemon_end(xipc_process_t *process);

/* A process in a parcel, in process_travel.c. */
apr_status_t xipc__process_pack(xipc__parcel_t *parcel, const xipc_process_t *process);
apr_status_t xipc__process_unpack(xipc_process_t **process, xipc__unpack_t *unpack);

/* End a child, or ask it to; what the callers of it return. */
apr_status_t xipc__process_end(const xipc_process_t *process, xipc__stop_e how);

/* The lines that a process wants, in bonds.c: the starter's ends in it, and the child's. */
apr_status_t xipc__lines_open(xipc__lines_t *theirs, xipc_process_t *process);
void xipc__lines_close(const xipc__lines_t *lines);

/* In a child: take its ends, which live on as long as it needs them. */
apr_status_t xipc__lines_take(const xipc__lines_t *lines);

/* What the program wants to be called, in hooks.c. */
void xipc__hooks_run_at_fork(void);
void xipc__hooks_run_at_child_exit(void);

/* The method that XIPC_START_DEFAULT stands for here. */
xipc_start_method_e xipc__start_method_default(void);

/* APR_SUCCESS when this system has the method; otherwise what a setter returns. */
apr_status_t xipc__start_method_check(xipc_start_method_e method);

/* Is this object a child that the caller may wait for? Otherwise the error that says why not. */
apr_status_t xipc__process_check_child(const xipc_process_t *process);

#endif
