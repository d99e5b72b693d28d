/* What the suites need from a POSIX system; see system.h. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* unshare on Linux; APR's flags bring it along */
#endif

#include "system.h"

#include <apr_strings.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#endif

/* Where the file system with the names of queues is seen, or NULL. */
static const char *queue_names;

/* ---- the process itself ---- */

#if defined(__linux__)
/*
 * Orphaned grandchildren become ours, so that they can be seen. The names of queues are shown by a
 * file system that nobody mounts by default: with the rights for it this process gets a view of its
 * own, which vanishes with it.
 */
void system_prepare(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (access("/dev/mqueue", R_OK) == 0) queue_names = "/dev/mqueue";
    if (queue_names != NULL || access("/mnt", R_OK) != 0) return;
    if (unshare(CLONE_NEWNS) != 0) return;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return;
    if (mount("mqueue", "/mnt", "mqueue", 0, NULL) == 0) queue_names = "/mnt";
}
#else
void system_prepare(void)
{
}
#endif

apr_time_t system_clock(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_time_t)now.tv_sec * APR_USEC_PER_SEC + now.tv_nsec / 1000;
}

apr_int64_t system_pid(void)
{
    return getpid();
}

static int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL) return 0;
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(directory);
    return count;
}

apr_int64_t system_parent_pid(void)
{
    return getppid();
}

int system_threads(void)
{
    return count_entries("/proc/self/task");
}

int system_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

#if defined(__linux__)
static cpu_set_t processors_before;

int system_limit_processors(void)
{
    cpu_set_t one;
    if (sched_getaffinity(0, sizeof processors_before, &processors_before) != 0) return 0;
    CPU_ZERO(&one);
    for (size_t i = 0; CPU_COUNT(&one) == 0 && i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &processors_before)) CPU_SET(i, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0;
}

void system_unlimit_processors(void)
{
    (void)sched_setaffinity(0, sizeof processors_before, &processors_before);
}
#else
int system_limit_processors(void)
{
    return 0;
}

void system_unlimit_processors(void)
{
}
#endif

int system_has_fork(void)
{
    return 1;
}

int system_rounds(int rounds)
{
    return rounds;
}

/* ---- ends ---- */

/* A sanitizer turns most crashes into an exit code of its own, but leaves this one alone. */
void system_crash(void)
{
    (void)raise(SIGILL);
}

int system_crash_exitcode(void)
{
    return -SIGILL;
}

void system_kill_self(void)
{
    (void)raise(SIGKILL);
}

int system_kill(apr_int64_t pid)
{
    return kill((pid_t)pid, SIGKILL) == 0;
}

int system_suspend(apr_int64_t pid)
{
    return kill((pid_t)pid, SIGSTOP) == 0;
}

int system_resume(apr_int64_t pid)
{
    return kill((pid_t)pid, SIGCONT) == 0;
}

int system_runs(apr_int64_t pid)
{
    (void)waitpid((pid_t)pid, NULL, WNOHANG);
    return kill((pid_t)pid, 0) == 0;
}

/* ---- what is left behind ---- */

int system_count_handles(void)
{
    int count = 0;
    for (int fd = 0; fd < 4096; fd++) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

int system_handles_are_exact(void)
{
    return 1;
}

/* Of the many there: entries of queues' names, and what belongs to them. */
static int is_of_a_name(const char *name)
{
    if (strncmp(name, "xipc-", 5) == 0)
        return name[5 + strspn(name + 5, "0123456789")] == '-' && name[5] != '-';
    return (strncmp(name, "xipc.", 5) == 0 && strspn(name + 5, "0123456789abcdef") == 16);
}

static void add_names(apr_array_header_t *names, const char *path, int (*is_meant)(const char *),
                      apr_pool_t *pool)
{
    DIR *directory = opendir(path);
    if (directory == NULL) return;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        if (is_meant != NULL && !is_meant(entry->d_name)) continue;
        *(const char **)apr_array_push(names) = apr_pstrcat(pool, path, "/", entry->d_name, NULL);
    }
    (void)closedir(directory);
}

#ifdef XIPC_TEST_MEMORY_RETURNS
apr_int64_t system_shared_memory(void)
{
    char line[128];
    long long kilobytes = -1;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) return -1;
    while (kilobytes < 0 && fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "RssShmem: %lld", &kilobytes);
    (void)fclose(file);
    return kilobytes < 0 ? -1 : kilobytes * 1024;
}
#else
apr_int64_t system_shared_memory(void)
{
    return -1;
}
#endif

apr_array_header_t *system_names(apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 8, sizeof(const char *));
    add_names(names, "/dev/shm", NULL, pool);
    add_names(names, "/tmp", is_of_a_name, pool);
    if (queue_names != NULL) add_names(names, queue_names, NULL, pool);
    return names;
}

int system_sees_queue_names(void)
{
    return queue_names != NULL;
}

int system_children(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return 0; /* ECHILD: none */
    return 1;
}

/* ---- handles ---- */

static struct rlimit handles_before;

int system_limit_handles(int spare)
{
    if (getrlimit(RLIMIT_NOFILE, &handles_before) != 0) return 0;
    struct rlimit limit = handles_before;
    int left = spare + 1;
    int fd = 0;
    for (; left > 0; fd++)
        if (fcntl(fd, F_GETFD) < 0) left--;
    limit.rlim_cur = (rlim_t)fd - 1; /* the last of the free ones is above the limit */
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

void system_unlimit_handles(void)
{
    (void)setrlimit(RLIMIT_NOFILE, &handles_before);
}

#if defined(RLIMIT_MSGQUEUE)
static struct rlimit bytes_before;

int system_limit_queue_bytes(apr_size_t bytes)
{
    if (getrlimit(RLIMIT_MSGQUEUE, &bytes_before) != 0) return 0;
    struct rlimit limit = {(rlim_t)bytes, bytes_before.rlim_max};
    return setrlimit(RLIMIT_MSGQUEUE, &limit) == 0;
}

void system_unlimit_queue_bytes(void)
{
    (void)setrlimit(RLIMIT_MSGQUEUE, &bytes_before);
}
#else
int system_limit_queue_bytes(apr_size_t bytes)
{
    (void)bytes;
    return 0;
}

void system_unlimit_queue_bytes(void)
{
}
#endif

#if defined(__linux__)
static int queues_before = -1; /* the name space of queues that was left */

int system_limit_queues(int count)
{
    queues_before = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
    if (queues_before < 0 || unshare(CLONE_NEWIPC) != 0) return 0;
    FILE *file = fopen("/proc/sys/fs/mqueue/queues_max", "w");
    int done = file != NULL && fprintf(file, "%d", count) > 0;
    if (file != NULL && fclose(file) != 0) done = 0;
    return done;
}

void system_unlimit_queues(void)
{
    if (queues_before < 0) return;
    (void)setns(queues_before, CLONE_NEWIPC);
    (void)close(queues_before);
    queues_before = -1;
}
#else
int system_limit_queues(int count)
{
    (void)count;
    return 0;
}

void system_unlimit_queues(void)
{
}
#endif

static struct rlimit memory_before;

/* Sanitizers end the process where there is no memory; only Linux tells how much it has. */
int system_limit_memory(apr_size_t spare)
{
#if defined(XIPC_TEST_SANITIZED)
    (void)spare;
    return 0;
#else
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    int found = fscanf(file, "%lu", &pages);
    (void)fclose(file);
    if (found != 1 || getrlimit(RLIMIT_AS, &memory_before) != 0) return 0;
    struct rlimit limit = memory_before;
    limit.rlim_cur = (rlim_t)(pages * (unsigned long)sysconf(_SC_PAGESIZE) + spare);
    return setrlimit(RLIMIT_AS, &limit) == 0;
#endif
}

void system_unlimit_memory(void)
{
    (void)setrlimit(RLIMIT_AS, &memory_before);
}

int system_open_inheritable(const char *path, apr_os_file_t *handles, int count)
{
    for (int i = 0; i < count; i++) {
        handles[i] = open(path, O_RDONLY);
        if (handles[i] >= 0) continue;
        system_close_raw(handles, i);
        return 0;
    }
    return 1;
}

void system_close_raw(apr_os_file_t *handles, int count)
{
    for (int i = 0; i < count; i++) (void)close(handles[i]);
}

int system_open_signal(apr_os_file_t handles[2])
{
    return pipe(handles) == 0;
}

int system_signal(const apr_os_file_t handles[2])
{
    return write(handles[1], "", 1) == 1;
}

int system_open_pulse(apr_os_file_t handles[2])
{
    (void)handles;
    return 0;
}

static int standard_before[3];

int system_close_standard(void)
{
    for (int fd = 0; fd < 3; fd++) {
        standard_before[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        (void)close(fd);
    }
    return 1;
}

void system_reopen_standard(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (standard_before[fd] < 0) continue;
        (void)dup2(standard_before[fd], fd);
        (void)close(standard_before[fd]);
    }
}

int system_is_above_standard(apr_os_file_t handle)
{
    return handle > STDERR_FILENO;
}

int system_holds_file(const char *path)
{
    struct stat wanted;
    if (stat(path, &wanted) != 0) return 0;
    for (int fd = 0; fd < 4096; fd++) {
        struct stat found;
        if (fstat(fd, &found) != 0) continue;
        if (found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino) return 1;
    }
    return 0;
}

static int wait_for(int fd, int write_set)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    struct timeval limit = {30, 0};
    return select(fd + 1, write_set ? NULL : &set, write_set ? &set : NULL, NULL, &limit) > 0;
}

int system_is_inheritable(apr_os_file_t handle)
{
    return (fcntl(handle, F_GETFD) & FD_CLOEXEC) == 0;
}

/* Only what has a name may be opened. */
int system_is_open_to_others(apr_os_file_t handle)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    memset(&name, 0, sizeof name);
    return getsockname(handle, (struct sockaddr *)&name, &size) != 0 ||
           size > offsetof(struct sockaddr_storage, ss_family) + sizeof name.ss_family;
}

int system_grant_all(int is_granted)
{
    static mode_t before;
    if (is_granted)
        before = umask(0);
    else
        (void)umask(before);
    return 1;
}

int system_is_file_open_to_others(const char *path)
{
    struct stat about;
    return stat(path, &about) != 0 || (about.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

int system_raw_write(apr_os_file_t handle, const void *data, apr_size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t done = write(handle, at, size);
        if (done < 0 && errno == EAGAIN && wait_for(handle, 1)) continue;
        if (done <= 0) return 0;
        at += done;
        size -= (apr_size_t)done;
    }
    return 1;
}

int system_raw_read(apr_os_file_t handle, void *data, apr_size_t size)
{
    char *at = data;
    while (size > 0) {
        ssize_t done = read(handle, at, size);
        if (done < 0 && errno == EAGAIN && wait_for(handle, 0)) continue;
        if (done <= 0) return 0;
        at += done;
        size -= (apr_size_t)done;
    }
    return 1;
}

/* ---- signals ---- */

static volatile sig_atomic_t signals;
static struct sigaction action_before;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void set_timer(long microseconds)
{
    struct itimerval timer;
    memset(&timer, 0, sizeof timer);
    timer.it_value.tv_usec = timer.it_interval.tv_usec = (suseconds_t)microseconds;
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

int system_signals_begin(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* without SA_RESTART: each one interrupts */
    signals = 0;
    if (sigaction(SIGALRM, &action, &action_before) != 0) return 0;
    set_timer(5000);
    return 1;
}

int system_signals_end(void)
{
    set_timer(0);
    (void)sigaction(SIGALRM, &action_before, NULL);
    return (int)signals;
}

int system_ignore_children(int ignore)
{
    return signal(SIGCHLD, ignore ? SIG_IGN : SIG_DFL) != SIG_ERR;
}
