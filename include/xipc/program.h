/**
 * @file program.h
 * @brief Run any program: its arguments, its environment, its standard streams.
 *
 * A program is a process like any other: xipc_process_start(), xipc_process_join(),
 * xipc_process_exitcode(), xipc_process_kill(), xipc_wait() … take it. What it is given is said
 * between xipc_program_create() and xipc_process_start(). It inherits the standard streams, or what
 * they were set to, and the connections that were added; nothing else.
 *
 * Python counterpart: `subprocess.Popen`.
 *
 * @code
 * const char *argv[] = {"sort", "-r", NULL};
 * xipc_program_output_t result;
 * xipc_program_create(&process, argv, pool);
 * xipc_program_stream_set(process, XIPC_STDIN, XIPC_STREAM_PIPE, NULL);
 * xipc_program_stream_set(process, XIPC_STDOUT, XIPC_STREAM_PIPE, NULL);
 * xipc_process_start(process);
 * xipc_program_communicate(&result, process, "a\nb\n", 4, apr_time_from_sec(10), pool);
 * printf("%s", result.output);
 * @endcode
 */
#ifndef XIPC_PROGRAM_H
#define XIPC_PROGRAM_H

#include "xipc/connection.h"
#include "xipc/export.h"
#include "xipc/process.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The standard streams of a program. */
typedef enum {
    XIPC_STDIN,  /**< what it reads */
    XIPC_STDOUT, /**< what it writes */
    XIPC_STDERR  /**< what it complains by */
} xipc_standard_e;

/** What a standard stream leads to. */
typedef enum {
    XIPC_STREAM_INHERITED, /**< where this process's own does; the default */
    XIPC_STREAM_NOTHING,   /**< at its end at once; what is written vanishes */
    XIPC_STREAM_PIPE,      /**< to this process */
    XIPC_STREAM_FILE,      /**< a file: read, or written from its begin, made when needed */
    XIPC_STREAM_APPEND,    /**< a file, written at its end; of output only */
    XIPC_STREAM_STDOUT     /**< of #XIPC_STDERR only: where #XIPC_STDOUT does */
} xipc_program_stream_e;

/** What a program wrote to its pipes; both are followed by a NUL that does not count. */
typedef struct {
    const char *output;     /**< of #XIPC_STDOUT; empty when that is no pipe */
    apr_size_t output_size; /**< bytes */
    const char *errors;     /**< of #XIPC_STDERR; empty when that is no pipe */
    apr_size_t errors_size; /**< bytes */
} xipc_program_output_t;

/**
 * Make a process object for a program; nothing runs yet.
 *
 * A name without a slash is looked for in the directories of PATH, this process's; on Win32 in
 * those alone that are absolute, never where this program lies or in the current directory, and
 * `.exe` may be left out. Of the setters for processes those for the name, a group and a daemon
 * apply. A program can be bound to this process's life on Win32 only, and has no line to be stopped
 * by: its start is APR_ENOTIMPL then.
 *
 * @param process  where the object goes; it lives as long as @p pool
 * @param argv     the program and its arguments, NULL at the end; copied. UTF-8 on Win32, where the
 *                 command line is quoted as the C library takes it apart
 * @param pool     where the object lives
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL or @p argv is empty; XIPC_EINIT before
 *         xipc_initialize()
 * @par Blocking  Never.
 * @par Threads   The object belongs to one thread at a time, and to the process that made it.
 * @par System    At the start: posix_spawnp(3) with all but the listed descriptors closed;
 *                CreateProcessW with an explicit handle list.
 */
XIPC_EXPORT apr_status_t xipc_program_create(xipc_process_t **process, const char *const *argv,
                                             apr_pool_t *pool);

/**
 * Give the program an environment of its own.
 *
 * @param process      not started yet
 * @param environment  `NAME=value` each, NULL at the end; copied. NULL, as at first: this process's
 * @return APR_SUCCESS; APR_EINVAL when @p process is NULL or no program, or an entry has no `=`;
 *         XIPC_ESTATE after the start. The environment is as before then.
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_program_environment_set(xipc_process_t *process,
                                                      const char *const *environment);

/**
 * Have the program begin in another directory. A relative path of the program itself is looked for
 * from there on POSIX.
 *
 * @param process    not started yet
 * @param directory  copied; NULL, as at first: this process's. Whether it is there shows at the
 *                   start
 * @return APR_SUCCESS; APR_EINVAL when @p process is NULL or no program; XIPC_ESTATE after the
 *         start
 * @par Blocking  Never.
 * @par System    posix_spawn_file_actions_addchdir_np(3); CreateProcessW.
 */
XIPC_EXPORT apr_status_t xipc_program_directory_set(xipc_process_t *process, const char *directory);

/**
 * Say where a standard stream of the program leads.
 *
 * @param process  not started yet
 * @param which    the stream
 * @param how      where it leads
 * @param path     the file of XIPC_STREAM_FILE and XIPC_STREAM_APPEND, copied; otherwise NULL.
 *                 Whether it can be opened shows at the start
 * @return APR_SUCCESS; APR_EINVAL when @p process is NULL or no program, a stream can't lead there,
 *         or @p path is missing or not wanted; XIPC_ESTATE after the start. The stream is as before
 *         then.
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_program_stream_set(xipc_process_t *process, xipc_standard_e which,
                                                 xipc_program_stream_e how, const char *path);

/**
 * Let the program inherit a connection.
 *
 * A program that uses xipc gets it by xipc_program_inherited(). Others on POSIX find the first one
 * added as descriptor 3, the next as 4, and so on; a Python may make a
 * `multiprocessing.connection.Connection` of it. The environment variable `XIPC_INHERITED` has the
 * numbers, of descriptors or handles, with what can be done with them: `3rw,4r`.
 *
 * @param process     not started yet
 * @param connection  open until xipc_process_start(), which does not close it here
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL or @p process is no program; XIPC_ECLOSED
 *         for a closed connection; XIPC_ELIMIT for more than 16; XIPC_ESTATE after the start
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_program_connection_add(xipc_process_t *process,
                                                     xipc_connection_t *connection);

/**
 * In a program that was started by another one with xipc_program_connection_add(): take one of the
 * connections, each only once.
 *
 * @param connection  where it goes; it lives as long as @p pool
 * @param index       0 is the first one added
 * @param pool        where it lives
 * @return APR_SUCCESS; APR_ENOENT when there is none of that number; XIPC_EPROTOCOL when the number
 *         in the environment leads to no connection; APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 * @par Threads   From one thread at a time.
 */
XIPC_EXPORT apr_status_t xipc_program_inherited(xipc_connection_t **connection, apr_size_t index,
                                                apr_pool_t *pool);

/**
 * Write to the program's standard input.
 *
 * @param written  how many bytes went, also with an error
 * @param process  started, with a pipe for XIPC_STDIN
 * @param data     the bytes
 * @param size     how many
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @return APR_SUCCESS when all went; APR_TIMEUP when some did not in time; APR_EPIPE when nobody
 *         reads any more; XIPC_ECLOSED after xipc_program_stream_close(); XIPC_ENOTWRITABLE when it
 *         is no pipe; APR_EINVAL when a pointer is NULL or @p process is no program; XIPC_ESTATE
 *         before the start
 * @par Blocking  Up to @p timeout. Signals do not cut it short; there is no SIGPIPE.
 * @par System    pipe(2), non-blocking; on Win32 a named pipe, overlapped, where up to 64 KiB of
 *                what went are still on their way.
 */
XIPC_EXPORT apr_status_t xipc_program_write(apr_size_t *written, xipc_process_t *process,
                                            const void *data, apr_size_t size,
                                            apr_interval_time_t timeout);

/**
 * Read what the program wrote.
 *
 * @param got       how many bytes came, at least one with APR_SUCCESS
 * @param process   started, with a pipe for @p which
 * @param which     XIPC_STDOUT or XIPC_STDERR
 * @param buffer    where they go
 * @param capacity  how many fit, at least 1
 * @param timeout   microseconds; negative waits for ever, 0 does not wait
 * @return APR_SUCCESS; APR_TIMEUP when nothing came in time; APR_EOF when nobody writes any more:
 *         neither the program nor one that it started and gave this stream; XIPC_ECLOSED after
 *         xipc_program_stream_close(); XIPC_ENOTREADABLE when it is no pipe; APR_EINVAL when a
 *         pointer is NULL, @p capacity is 0 or @p process is no program; XIPC_ESTATE before the
 *         start
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 */
XIPC_EXPORT apr_status_t xipc_program_read(apr_size_t *got, xipc_process_t *process,
                                           xipc_standard_e which, void *buffer, apr_size_t capacity,
                                           apr_interval_time_t timeout);

/**
 * Close this end of a pipe: the program reads its end of file from XIPC_STDIN, or can write no more
 * to the others. What was written stays to be read; on Win32 what the pipe has no room for is lost.
 *
 * @param process  started
 * @param which    the stream
 * @return APR_SUCCESS, also the second time and when it is no pipe; APR_EINVAL when @p process is
 *         NULL or no program; XIPC_ESTATE before the start
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_program_stream_close(xipc_process_t *process, xipc_standard_e which);

/**
 * Give the program its input, collect its outputs, and wait for its end, whichever pipe is full
 * first.
 *
 * When the program has ended, what its pipes hold is taken and nothing more is waited for: not for
 * a process that it left behind with its pipes. After APR_TIMEUP nothing is lost: call it again
 * with the same input, or kill the program first. Memory alone bounds what is collected; read with
 * xipc_program_read() where a program may write without an end.
 *
 * @param result      where the outputs go; they live as long as @p pool
 * @param process     started; XIPC_STDIN is closed when its input has gone
 * @param input       for XIPC_STDIN; NULL for none. What a program does not read is dropped
 * @param input_size  bytes
 * @param timeout     microseconds; negative waits for ever, 0 does not wait
 * @param pool        where the outputs live
 * @return APR_SUCCESS when it has ended; APR_TIMEUP while it runs; XIPC_ENOTWRITABLE for input
 *         without a pipe for it; APR_ENOMEM; APR_EINVAL when a pointer is NULL or @p process is no
 *         program; XIPC_ESTATE before the start; XIPC_ECLOSED after xipc_process_close();
 *         XIPC_ENOTOWNER in another process. @p result is unchanged then.
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 */
XIPC_EXPORT apr_status_t xipc_program_communicate(xipc_program_output_t *result,
                                                  xipc_process_t *process, const void *input,
                                                  apr_size_t input_size,
                                                  apr_interval_time_t timeout, apr_pool_t *pool);

#ifdef __cplusplus
}
#endif

#endif
