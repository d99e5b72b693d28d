/**
 * @file process.h
 * @brief Run a function in another process.
 *
 * A child works on a copy: of its arguments always, of the program's variables as the start method
 * has it.
 *
 * - **fork** (POSIX): the child is a copy of this process as it is now. Every variable has its
 *   value of the moment; the program's own descriptors are there too, but of xipc's connections
 *   only those among the arguments.
 * - **spawn** (everywhere): the child is the program started anew. Variables have their first
 *   values, except those marked with #XIPC_COPIED; it inherits the standard streams and what is
 *   among the arguments, nothing else.
 * - **forkserver** (POSIX): the child is a copy of a server, which is this program started anew
 *   when it is first needed and kept small: it starts as cheaply as a fork, however large this
 *   process is, and safely, however many threads it has. Variables and handles are as with spawn,
 *   and what the server's preload function left.
 *
 * Python counterpart: `multiprocessing.Process`.
 *
 * @code
 * static int greet(xipc_values_t *args, apr_pool_t *pool)
 * {
 *     const char *name;
 *     if (xipc_values_get_string(&name, args, 0) != APR_SUCCESS) return 1;
 *     printf("hello %s\n", name);
 *     return 0;
 * }
 * …
 * xipc_values_t *args = xipc_values_make(pool);
 * xipc_values_add_string(args, "peter");
 * xipc_process_create(&process, greet, args, pool);
 * xipc_process_start(process);
 * xipc_process_join(process, -1);
 * @endcode
 */
#ifndef XIPC_PROCESS_H
#define XIPC_PROCESS_H

#include "xipc/export.h"
#include "xipc/values.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a child comes to be. */
typedef enum {
    XIPC_START_DEFAULT = 0,   /**< what suits the system: fork on Linux and the BSDs, else spawn */
    XIPC_START_FORK = 1,      /**< a copy of this process; POSIX only */
    XIPC_START_SPAWN = 2,     /**< the program started anew */
    XIPC_START_FORKSERVER = 3 /**< a copy of a process kept small for this; POSIX only */
} xipc_start_method_e;

/**
 * What a child runs.
 *
 * @param args  the child's own copy of the arguments, to change freely
 * @param pool  a pool that lives until the target returns
 * @return the exit code; POSIX keeps its lowest 8 bits
 */
typedef int (*xipc_target_t)(xipc_values_t *args, apr_pool_t *pool);

/**
 * What a forkserver does first, so that all its children have it done.
 *
 * @param pool  a pool that lives as long as the server
 * @return APR_SUCCESS; after anything else the server ends, and the start that wanted it is
 *         XIPC_EFAILED
 */
typedef apr_status_t (*xipc_preload_t)(apr_pool_t *pool);

/**
 * Choose the start method that XIPC_START_DEFAULT stands for from now on, here and in children
 * started from now on.
 *
 * @param method  the method; XIPC_START_DEFAULT goes back to the system's
 * @return APR_SUCCESS; XIPC_EINIT before xipc_initialize(); APR_ENOTIMPL when this system does not
 *         have it; APR_EINVAL when it is none. The default is as before then.
 * @par Blocking  Never.
 * @par Threads   Not while another thread makes a process.
 */
XIPC_EXPORT apr_status_t xipc_start_method_set(xipc_start_method_e method);

/**
 * The start method that XIPC_START_DEFAULT stands for.
 *
 * @return the method, never XIPC_START_DEFAULT
 * @par Blocking  Never.
 */
XIPC_EXPORT xipc_start_method_e xipc_start_method_get(void);

/**
 * The start methods of this system.
 *
 * @param methods  where the list's address goes, the system's default first; it lives as long as
 *                 the program. May be NULL
 * @return how many there are
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_size_t xipc_start_methods(const xipc_start_method_e **methods);

/**
 * Have the forkserver run a function before it forks its first child.
 *
 * @param preload  any function of the program or of a shared library; NULL for none
 * @return APR_SUCCESS; XIPC_EINIT before xipc_initialize(); XIPC_ESTATE when this process's server
 *         runs already; APR_ENOTIMPL where there is no forkserver
 * @par Blocking  Never.
 * @par Threads   Not while another thread starts a process.
 */
XIPC_EXPORT apr_status_t xipc_forkserver_preload_set(xipc_preload_t preload);

/**
 * Make a process object; nothing runs yet.
 *
 * The arguments are copied now: what the caller does to @p args afterwards is not seen by the
 * child. Connections and queues among them must stay open until xipc_process_start().
 *
 * @param process  where the object goes; it lives as long as @p pool. When the pool ends while the
 *                 child runs, the child goes on; join or kill it before
 * @param target   the function to run: any function of the program or of a shared library, static
 *                 ones too
 * @param args     its arguments; NULL for none
 * @param pool     where the object lives
 * @return APR_SUCCESS; APR_EINVAL when @p process, @p target or @p pool is NULL; APR_ENOMEM when
 *         there is no memory for the copy
 * @par Blocking  Never.
 * @par Threads   The object belongs to one thread at a time, and to the process that made it.
 */
XIPC_EXPORT apr_status_t xipc_process_create(xipc_process_t **process, xipc_target_t target,
                                             const xipc_values_t *args, apr_pool_t *pool);

/**
 * Choose how this process is started.
 *
 * @param process  not started yet
 * @param method   the start method
 * @return APR_SUCCESS; APR_ENOTIMPL when this system does not have it (Win32 has no fork);
 *         APR_EINVAL when it is none, or @p process is NULL; XIPC_ESTATE when the process was
 *         started. The method is as before then.
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_start_method_set(xipc_process_t *process,
                                                       xipc_start_method_e method);

/**
 * The start method of this process.
 *
 * @param process  the process
 * @return the method that is or will be used, never XIPC_START_DEFAULT
 * @par Blocking  Never.
 */
XIPC_EXPORT xipc_start_method_e xipc_process_start_method(const xipc_process_t *process);

/**
 * Name the process, for people to read.
 *
 * @param process  not started yet
 * @param name     copied; without one it is `Process-N`
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL; XIPC_ESTATE when the process was started
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_name_set(xipc_process_t *process, const char *name);

/**
 * Have the process end with its starter: when that reaches its last xipc_terminate(), or the end of
 * its own target, or destroys the object, a daemon that still runs is asked to end
 * (xipc_process_terminate()), and after 2 seconds killed.
 *
 * A starter that is killed does not come to that. Unlike Python's, a daemon may have children.
 *
 * @param process    not started yet
 * @param is_daemon  not 0: it is to be one; it is none by default
 * @return APR_SUCCESS; XIPC_ESTATE after the start; APR_EINVAL when @p process is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_daemon_set(xipc_process_t *process, int is_daemon);

/**
 * Is it a daemon?
 *
 * @param process  the process
 * @return 1 or 0; 0 for NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT int xipc_process_is_daemon(const xipc_process_t *process);

/**
 * Have the process lead a group of its own: itself, whom it starts, whom those start
 * and so on. xipc_process_kill_tree() ends them all.
 *
 * On POSIX it is a process group: Ctrl-C at a terminal no longer reaches it, and it can't read from
 * that terminal. Until the object is closed the group's number stays the child's.
 *
 * @param process    not started yet
 * @param is_leader  not 0: it is to lead one; it does not by default
 * @return APR_SUCCESS; XIPC_ESTATE after the start; APR_EINVAL when @p process is NULL
 * @par Blocking  Never.
 * @par System    setpgid(2), POSIX_SPAWN_SETPGROUP; a job object on Win32, which none can leave.
 */
XIPC_EXPORT apr_status_t xipc_process_group_set(xipc_process_t *process, int is_leader);

/**
 * Bind the process to the life of its starter: it is killed when that has ended, however that came
 * about, or closes or destroys the object. Unlike a daemon's, its end needs nothing that the
 * starter does.
 *
 * With a start by the forkserver too it is the starter that counts. Bound is the process alone;
 * whom it starts is bound to it only when that is asked for in turn (on Win32, the whole group if
 * it leads one, too).
 *
 * @param process   not started yet
 * @param is_bound  not 0: it is to be bound; it is not by default
 * @return APR_SUCCESS; XIPC_ESTATE after the start; APR_EINVAL when @p process is NULL
 * @par Blocking  Never.
 * @par System    A socket pair whose other end only the starter has. Linux: the kernel itself sends
 *                SIGKILL when it is closed (O_ASYNC, F_SETSIG). macOS and the BSDs: a thread in the
 *                child waits for that, so that the child can't fork further ones (XIPC_ETHREADS). A
 *                copy that the starter makes with a fork(2) of its own keeps its end open, too.
 *                Win32: a job object with KILL_ON_JOB_CLOSE.
 */
XIPC_EXPORT apr_status_t xipc_process_bound_set(xipc_process_t *process, int is_bound);

/**
 * Have the process get a line by which it can be asked to stop, and see that: xipc_process_stop().
 * It is the same on every system, unlike the signals of xipc_process_terminate(), and ends nothing
 * by itself.
 *
 * @param process       not started yet
 * @param is_stoppable  not 0: it is to have one; it has none by default
 * @return APR_SUCCESS; XIPC_ESTATE after the start; APR_EINVAL when @p process is NULL
 * @par Blocking  Never.
 * @par System    A socket pair; a named pipe on Win32.
 */
XIPC_EXPORT apr_status_t xipc_process_stoppable_set(xipc_process_t *process, int is_stoppable);

/**
 * Fork even when this process has more than one thread. Only the calling one is in the child; what
 * the others held, a lock of the memory allocator's among it, is held there for ever. For programs
 * that know what their threads do.
 *
 * @param process    not started yet; without effect for other start methods
 * @param is_forced  not 0: fork, whatever there is; otherwise the start is XIPC_ETHREADS
 * @return APR_SUCCESS; XIPC_ESTATE after the start; APR_EINVAL when @p process is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_fork_forced_set(xipc_process_t *process, int is_forced);

/**
 * The name of a process.
 *
 * @param process  the process
 * @return its name, which lives as long as the object, or until the next xipc_process_name_set()
 * @par Blocking  Never.
 */
XIPC_EXPORT const char *xipc_process_name(const xipc_process_t *process);

/**
 * Start the process.
 *
 * Standard streams are flushed before, so that no line is lost or printed twice. With spawn and
 * forkserver the call returns when the child has found its target and taken its arguments, or has
 * said why it can't; a child that is not there after 30 seconds, and a second more for each 16 MiB
 * of arguments, is ended.
 *
 * @param process  created by this process and not started yet
 * @return APR_SUCCESS, or, with nothing left running or open and the object as before:
 *         XIPC_EINIT when `main` did not call xipc_initialize();
 *         XIPC_ESTATE when it was started before;
 *         XIPC_ENOTOWNER when another process made the object;
 *         XIPC_ETHREADS for fork in a process with more than one thread, when not forced;
 *         XIPC_ETARGET when the target is not in the program or a shared library;
 *         XIPC_EBUILD when the library that holds it is another build in the child;
 *         XIPC_ECLOSED when a connection or queue among the arguments is closed;
 *         XIPC_ESTATE when a connection among them has a message with handles to be received, or
 *         one half skipped; XIPC_ELIMIT when there are more than 128 handles; the system's EBADF
 *         when one is none;
 *         XIPC_EDIED when the child ended on its way, or the forkserver did not answer, which then
 *         is ended: the next start makes another; XIPC_EFAILED when its preload function failed;
 *         APR_TIMEUP when the child did not get ready;
 *         what the system says when it has no memory, no handle or no such program.
 * @par Blocking  fork: no. spawn: until the child is ready, about the time a program takes to
 *                start. forkserver: about the time of a fork, the first time that of a spawn more.
 * @par Threads   Several threads may start processes of their own at once; with spawn no child
 *                inherits what another thread is passing to its child.
 * @par System    fork(2); posix_spawn(3) of the program's own image with all but the listed
 *                descriptors closed; CreateProcessW with an explicit handle list.
 */
XIPC_EXPORT apr_status_t xipc_process_start(xipc_process_t *process);

/**
 * Wait until the process has ended.
 *
 * It waits on the kernel's object for that very process: it needs no signal handler, reaps nobody
 * else's child and does not wait for grandchildren.
 *
 * @param process  started by this process
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @return APR_SUCCESS when it has ended; APR_TIMEUP while it runs; APR_EINVAL when @p process is
 *         NULL; XIPC_ESTATE when it was not started; XIPC_ENOTOWNER in another process;
 *         XIPC_ECLOSED after xipc_process_close()
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 * @par System    pidfd and waitid(2) on Linux, kqueue on macOS and the BSDs, the process handle on
 *                Win32.
 */
XIPC_EXPORT apr_status_t xipc_process_join(xipc_process_t *process, apr_interval_time_t timeout);

/**
 * How the process ended.
 *
 * @param exitcode  where it goes: what the target returned; −N when signal N ended the process (on
 *                  Win32 −15 and −9 after xipc_process_terminate() and xipc_process_kill(), and an
 *                  exception's code, which is negative too, after a crash)
 * @param process   started by this process
 * @return APR_SUCCESS; APR_CHILD_NOTDONE while it runs; APR_EINVAL when a pointer is NULL;
 *         XIPC_ESTATE when it was not started; XIPC_ENOTOWNER in another process; XIPC_ECLOSED
 *         after xipc_process_close(); the system's ECHILD when somebody else in this program reaped
 *         the child, or SIGCHLD is ignored, so that nobody can know. @p exitcode is unchanged then.
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_exitcode(int *exitcode, const xipc_process_t *process);

/**
 * Does it run?
 *
 * @param process  the process
 * @return 1 from its start to its end and for the calling process itself, otherwise 0; 0 also in a
 *         process that did not start it
 * @par Blocking  Never.
 */
XIPC_EXPORT int xipc_process_is_alive(const xipc_process_t *process);

/**
 * The system's number of the process.
 *
 * @param process  the process
 * @return its pid, 0 before it is started and after xipc_process_close()
 * @par Blocking  Never.
 */
XIPC_EXPORT pid_t xipc_process_pid(const xipc_process_t *process);

/**
 * The system's handle to wait for the end of the process by, for an event loop of the caller's.
 *
 * It becomes readable (on Win32: signalled) when the process has ended, and stays so; nothing can be
 * read from it. Then xipc_process_join() with timeout 0 is APR_SUCCESS. Python counterpart:
 * `Process.sentinel`.
 *
 * @param handle   where it goes: a descriptor or a HANDLE; it still belongs to the object, which
 *                 closes it at its close or end
 * @param process  started by this process, or its parent
 * @return APR_SUCCESS; XIPC_ESTATE when it was not started, or a call has seen its end already;
 *         XIPC_ENOTOWNER in another process; XIPC_ECLOSED after xipc_process_close(); APR_EINVAL
 *         when a pointer is NULL. @p handle is unchanged then.
 * @par Blocking  Never.
 * @par System    A pidfd on Linux, a kqueue on macOS and the BSDs, the process handle on Win32.
 */
XIPC_EXPORT apr_status_t xipc_process_os_get(apr_os_file_t *handle, const xipc_process_t *process);

/**
 * The system's number of the calling process. Python counterpart: `os.getpid()`.
 *
 * @return its pid
 * @par Blocking  Never.
 * @par Threads   From any thread, and before xipc_initialize() too.
 * @par System    getpid(2); GetCurrentProcessId.
 */
XIPC_EXPORT pid_t xipc_current_pid(void);

/**
 * Interrupt the process, as Ctrl-C does.
 *
 * @param process  started by this process
 * @return as xipc_process_terminate(); APR_ENOTIMPL on Win32, which can't interrupt one process
 *         alone
 * @par Blocking  Never; join it to see the end.
 * @par System    SIGINT on POSIX. Python counterpart: `Process.interrupt`.
 */
XIPC_EXPORT apr_status_t xipc_process_interrupt(xipc_process_t *process);

/**
 * Ask the process to stop, in a way that it can see: xipc_stop_requested() and
 * xipc_stop_connection() are for it to look. A daemon that can be stopped is asked so first.
 *
 * @param process  started by this process, after xipc_process_stoppable_set()
 * @return APR_SUCCESS, also the second time and when it has ended; XIPC_ESTATE when it was not
 *         started, or without a line for this; APR_EINVAL when @p process is NULL; XIPC_ENOTOWNER
 *         in another process; XIPC_ECLOSED after xipc_process_close()
 * @par Blocking  Never; join it to see the end, if it comes.
 * @par System    The end of file on a line of its own.
 */
XIPC_EXPORT apr_status_t xipc_process_stop(xipc_process_t *process);

/**
 * Has this process been asked to stop? Also when its starter has ended, or destroyed its object:
 * nobody is left then who could ask.
 *
 * @return 1 or 0; 0 always in a process that was not started to be stopped
 * @par Blocking  Never.
 * @par Threads   As xipc_connection_poll() with the connection of xipc_stop_connection().
 */
XIPC_EXPORT int xipc_stop_requested(void);

/**
 * The line to wait on for a request to stop, with others in xipc_wait(), or alone by
 * xipc_connection_poll(): it is ready, at its end, from then on.
 *
 * @param connection  where it goes; it is this process's, not to be closed, until the target
 *                    returns
 * @return APR_SUCCESS; APR_ENOENT in a process that was not started to be stopped; APR_EINVAL when
 *         @p connection is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_stop_connection(xipc_connection_t **connection);

/**
 * Ask the process to end.
 *
 * @param process  started by this process
 * @return APR_SUCCESS, also when it has ended already; APR_EINVAL when @p process is NULL;
 *         XIPC_ESTATE when it was not started; XIPC_ENOTOWNER in another process; XIPC_ECLOSED
 *         after xipc_process_close()
 * @par Blocking  Never; join it to see the end.
 * @par System    SIGTERM on POSIX, through the pidfd on Linux; TerminateProcess on Win32, which the
 *                process can't see.
 */
XIPC_EXPORT apr_status_t xipc_process_terminate(xipc_process_t *process);

/**
 * End the process at once.
 *
 * @param process  started by this process
 * @return as xipc_process_terminate()
 * @par Blocking  Never; join it to see the end.
 * @par System    SIGKILL on POSIX; TerminateProcess on Win32.
 */
XIPC_EXPORT apr_status_t xipc_process_kill(xipc_process_t *process);

/**
 * End the process and all of its group at once: also after its own end, since those it left behind
 * may live on.
 *
 * @param process  started by this process, after xipc_process_group_set()
 * @return as xipc_process_terminate(); XIPC_ESTATE too when it leads no group; XIPC_EDIED when it
 *         has ended and so has the forkserver, which kept the group's number its own
 * @par Blocking  Never; join it to see its end. One that the forkserver started and that has just
 *                ended: until the server has said so.
 * @par System    SIGKILL to the process group on POSIX; TerminateJobObject on Win32. A process that
 *                left its group (setsid, setpgid) is not found, a new group of a further child of
 *                xipc's among them.
 */
XIPC_EXPORT apr_status_t xipc_process_kill_tree(xipc_process_t *process);

/**
 * Let go of an ended process.
 *
 * @param process  not running
 * @return APR_SUCCESS, also the second time; APR_EBUSY while the process runs, it is as before
 *         then; APR_EINVAL when @p process is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_process_close(xipc_process_t *process);

/**
 * Have spawned children run another program file than this process does.
 *
 * That program must reach xipc_initialize() and hold the same build of the target: the target of a
 * shared library, or a copy of this program. Python counterpart: `multiprocessing.set_executable`.
 *
 * @param path  the program's file, copied; NULL goes back to this process's own image
 * @return APR_SUCCESS; XIPC_EINIT before xipc_initialize(). Whether the file is there shows at
 *         xipc_process_start().
 * @par Blocking  Never.
 * @par Threads   Not while another thread starts a process.
 */
XIPC_EXPORT apr_status_t xipc_spawn_executable_set(const char *path);

#ifdef __cplusplus
}
#endif

#endif
