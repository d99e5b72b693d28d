/*
 * system.h - what the suites need from the system and APR does not have.
 *
 * system_posix.c and system_win32.c implement it, function by function in the same order; the build
 * picks one. Where a system can't do a thing the function says so by its result, and the test that
 * needs it is skipped with a reason.
 */
#ifndef TESTS_SYSTEM_H
#define TESTS_SYSTEM_H

#include <apr_portable.h>
#include <apr_tables.h>
#include <apr_time.h>

/* ---- the process itself ---- */

/* Prepare this process for the checks below; called once, before any test. */
void system_prepare(void);

/* Microseconds on a clock that only goes forward. */
apr_time_t system_clock(void);

apr_int64_t system_pid(void);

/* Who forked this process, or has taken it over; 0 when the system does not tell. */
apr_int64_t system_parent_pid(void);

/* The number of threads in this process; 0 when the system does not tell. */
int system_threads(void);

int system_processors(void);

/* Let this process run on one of them alone, and on all again; 0 where that can't be done. */
int system_limit_processors(void);
void system_unlimit_processors(void);

/* Does this system have fork? */
int system_has_fork(void);

/* How many rounds of a repeated test this system bears, of `rounds` on a quick one. */
int system_rounds(int rounds);

/* ---- ends ---- */

/* End this process as a crash does, and the exit code a parent sees then. */
void system_crash(void);
int system_crash_exitcode(void);

/* End this process as a kill from outside does. */
void system_kill_self(void);

/* Kill any process of ours; not 0 on success. */
int system_kill(apr_int64_t pid);

/* Stop a process where it is, and let it go on; 0 where that can't be done. */
int system_suspend(apr_int64_t pid);
int system_resume(apr_int64_t pid);

/* Does a process run? Reaps it when it has become ours, so not for children of the library. */
int system_runs(apr_int64_t pid);

/* ---- what is left behind ---- */

/* Descriptors or handles open in this process. */
int system_count_handles(void);

/* Is that number exact here, or does the system itself open and close some as it likes? */
int system_handles_are_exact(void);

/*
 * Bytes of shared memory in this process; negative when that can't be seen, or none is ever given
 * back.
 */
apr_int64_t system_shared_memory(void);

/* Names of shared memory and queues that exist now, ours or not: an array of const char *. */
apr_array_header_t *system_names(apr_pool_t *pool);

/* Can system_names() see the names of queues? */
int system_sees_queue_names(void);

/* Children and orphaned grandchildren of this process that still run. Ended ones are reaped. */
int system_children(void);

/* ---- handles ---- */

/* Allow `spare` more handles to be opened; 0 when this system has no such limit. */
int system_limit_handles(int spare);
void system_unlimit_handles(void);

/* Limit the bytes in queues of this user; 0 when this system has no such limit. */
int system_limit_queue_bytes(apr_size_t bytes);
void system_unlimit_queue_bytes(void);

/*
 * Let there be so many queues at most in the system, as this process sees it; 0 where that can't
 * be.
 */
int system_limit_queues(int count);
void system_unlimit_queues(void);

/*
 * Allow this process `spare` more bytes of memory; 0 when this system or build has no such limit.
 */
int system_limit_memory(apr_size_t spare);
void system_unlimit_memory(void);

/* Open a file `count` times so that children would inherit it; 0 on failure. */
int system_open_inheritable(const char *path, apr_os_file_t *handles, int count);
void system_close_raw(apr_os_file_t *handles, int count);

/*
 * Two handles, closed by system_close_raw(); the first one can be waited for from system_signal()
 * on. 0 on failure.
 */
int system_open_signal(apr_os_file_t handles[2]);
int system_signal(const apr_os_file_t handles[2]);

/* The same, of a kind that a wait takes back; 0 where there is none. */
int system_open_pulse(apr_os_file_t handles[2]);

/* Close the standard streams of this process, and open them again; 0 where that means nothing. */
int system_close_standard(void);
void system_reopen_standard(void);
int system_is_above_standard(apr_os_file_t handle);

/* Does a handle of this process lead to that file? */
int system_holds_file(const char *path);

/* Would a program started by this one have the handle? May another user open what it leads to? */
int system_is_inheritable(apr_os_file_t handle);
int system_is_open_to_others(apr_os_file_t handle);

/* Have files that are made be open to all (umask 0), or as before; 0 where that means nothing. */
int system_grant_all(int is_granted);

/* May another user do anything with the file? */
int system_is_file_open_to_others(const char *path);

/* Write and read raw bytes, all of them; 0 on failure. */
int system_raw_write(apr_os_file_t handle, const void *data, apr_size_t size);
int system_raw_read(apr_os_file_t handle, void *data, apr_size_t size);

/* ---- signals ---- */

/* Let a signal with a handler arrive every few milliseconds; 0 when this system has none. */
int system_signals_begin(void);
/* Stop it; how many arrived. */
int system_signals_end(void);

/* Let ended children vanish unseen, or not; 0 when this system does not have that. */
int system_ignore_children(int ignore);

#endif
