/*
 * port_process.h - the contract with the system about processes and programs. The rules are those
 * of port.h.
 */
#ifndef XIPC_CORE_PORT_PROCESS_H
#define XIPC_CORE_PORT_PROCESS_H

#include "core/port_stream.h"

/* ---- processes ---- */

typedef struct xipc__child_t xipc__child_t;

/* The number of threads in this process; 1 when the system does not tell. */
int xipc__port_threads(void);

/* The number of processors this process may run on, at least 1. */
int xipc__port_processors(void);

/* Does the system have fork, and is it how children start unless something else is asked for? */
int xipc__port_has_fork(void);
int xipc__port_prefers_fork(void);

/* The pid of this process. */
pid_t xipc__port_self(void);

/* The word that marks a spawned child's command line: PROGRAM XIPC__CHILD_OPTION ARGUMENT. */
#define XIPC__CHILD_OPTION "--xipc-child"

/* What binds a child to others; flags. */
typedef enum {
    XIPC__BOND_GROUP = 1, /* it leads a group: itself and whom it starts */
    XIPC__BOND_LIFE = 2   /* it ends when this process has ended, however that came about */
} xipc__bond_e;

/*
 * Copy this process. In the child *child is NULL. A bond for life is made by a lifeline.
 * APR_ENOTIMPL where the system has no fork.
 */
apr_status_t xipc__port_child_fork(xipc__child_t **child, int bonds, apr_pool_t *pool);

/*
 * Start a program as a child of ours, with the command line NAME XIPC__CHILD_OPTION ARGUMENT;
 * ARGUMENT lets the child open its end of `boot`, a new duplex stream. `program` NULL: this
 * process's own image, also when its file was replaced. The child inherits the standard streams and
 * its end of `boot`, nothing else.
 */
apr_status_t xipc__port_child_spawn(xipc__child_t **child, xipc__stream_t **boot,
                                    const char *program, const char *name, int bonds,
                                    apr_pool_t *pool);

/*
 * Does a child need a lifeline to end with this process: a stream whose other end this process has,
 * and nobody else? Otherwise the system sees to the bond from the start.
 */
int xipc__port_needs_lifeline(void);

/*
 * In a child: be killed when nobody has the other end of this stream any more, or at once. From
 * APR_SUCCESS on the handle is the port's.
 */
apr_status_t xipc__port_lifeline_hold(xipc__handle_t end);

/*
 * In a spawned child: open its end of the boot stream. XIPC_EINIT when the argument does not lead
 * to one.
 */
apr_status_t xipc__port_boot_open(xipc__stream_t **boot, const char *argument, apr_pool_t *pool);

/*
 * Watch a process that is no child of this one. The caller sees to it that the pid is that
 * process's until this returns; what its exit code is has to be told, where the system does not. If
 * it leads a group, nobody may reap it before its close.
 */
apr_status_t xipc__port_child_adopt(xipc__child_t **child, pid_t pid, int bonds, apr_pool_t *pool);
void xipc__port_child_tell(xipc__child_t *child, int exitcode);

/* Which process it is, as xipc__port_identity(); 0 when it has ended. */
apr_uint64_t xipc__port_child_identity(xipc__child_t *child);

/*
 * The same for a process of any starter, told by its identity. 0, or nobody any more: a child that
 * has ended.
 */
apr_status_t xipc__port_child_find(xipc__child_t **child, pid_t pid, apr_uint64_t identity,
                                   apr_pool_t *pool);

/* Wait for the end of a child. APR_TIMEUP while it runs. */
apr_status_t xipc__port_child_wait(xipc__child_t *child, apr_time_t deadline);

/*
 * How it ended, after a successful wait: the exit code, or minus the signal's number. ECHILD when
 * nobody knows.
 */
apr_status_t xipc__port_child_exitcode(int *exitcode, const xipc__child_t *child);

pid_t xipc__port_child_pid(const xipc__child_t *child);

/*
 * What can be waited for until it has ended, and stays open until the close; XIPC__NO_HANDLE when its
 * end was seen before.
 */
xipc__handle_t xipc__port_child_sentinel(xipc__child_t *child);

/* The last one kills all of its group, which it must lead, also after its own end. */
typedef enum {
    XIPC__STOP_INTERRUPT,
    XIPC__STOP_TERMINATE,
    XIPC__STOP_KILL,
    XIPC__STOP_GROUP
} xipc__stop_e;

/*
 * Ask a child to end, or end it; APR_SUCCESS also when it has ended. Never hits another process.
 * APR_ENOTIMPL for an interrupt where the system can't.
 */
apr_status_t xipc__port_child_stop(xipc__child_t *child, xipc__stop_e how);

/* Let go of a child, running or ended; it does not wait. */
void xipc__port_child_close(xipc__child_t *child);

/* In a forked child: let go of what its parent watches a process by. Only its pid can be asked for. */
void xipc__port_child_disown(xipc__child_t *child);

/*
 * Flush the standard streams and end a forked child, without what the parent had registered for its
 * own end.
 */
void xipc__port_exit(int code);

/* ---- programs ---- */

/* A stream of a program is a handle that stays the caller's, or this process's own. */
enum { XIPC__STANDARD_STREAMS = 3, XIPC__PROGRAM_HANDLES_MAX = 16 };

/* Where a program finds the numbers of the handles it was given besides: 3rw,4r for two. */
#define XIPC__HANDLES_VARIABLE "XIPC_INHERITED"

typedef struct {
    const char *const *argv;
    const char *const *environment; /* NULL: this process's */
    const char *directory;          /* the same */
    xipc__handle_t streams[XIPC__STANDARD_STREAMS];
    xipc__handle_t handles[XIPC__PROGRAM_HANDLES_MAX];
    const char *marks[XIPC__PROGRAM_HANDLES_MAX]; /* what stands behind the number of a handle */
    apr_size_t handle_count;
    int bonds;
} xipc__command_t;

apr_status_t xipc__port_program_start(xipc__child_t **child, const xipc__command_t *command,
                                      apr_pool_t *pool);

/* This process's own output, which stays its own. */
xipc__handle_t xipc__port_stdout(void);

/* A file for a program's stream; NULL is the one that is empty and swallows everything. */
typedef enum { XIPC__FILE_READ, XIPC__FILE_WRITE, XIPC__FILE_APPEND } xipc__file_e;
apr_status_t xipc__port_file_open(xipc__handle_t *file, const char *path, xipc__file_e how,
                                  apr_pool_t *pool);

/* This end of a plain pipe to or from a program; `there` is the other one. */
typedef struct xipc__pipe_t xipc__pipe_t;
apr_status_t xipc__port_pipe_open(xipc__pipe_t **pipe, xipc__handle_t *there, int is_written,
                                  apr_pool_t *pool);

/*
 * Some bytes, at least one. APR_TIMEUP: none. APR_EPIPE, APR_EOF: the other end is closed
 * everywhere.
 */
apr_status_t xipc__port_pipe_write(apr_size_t *written, xipc__pipe_t *pipe, xipc__span_t data,
                                   apr_time_t deadline);
apr_status_t xipc__port_pipe_read(apr_size_t *got, xipc__pipe_t *pipe, void *buffer,
                                  apr_size_t capacity, apr_time_t deadline);

/* Wait until the pipe has taken what was written, which a close may lose before. */
apr_status_t xipc__port_pipe_flush(xipc__pipe_t *pipe, apr_time_t deadline);

void xipc__port_pipe_close(xipc__pipe_t *pipe);

#endif
