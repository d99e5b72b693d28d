/*
 * port_process.c - children: fork, posix_spawn, and waiting on a descriptor for their end.
 */
#include "posix/port_objects.h"
#include "posix/posix.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { BOOT_FD = 3 }; /* where a spawned child finds its end of the boot stream */

pid_t xipc__port_self(void)
{
    return getpid();
}

int xipc__port_has_fork(void)
{
    return 1;
}

int xipc__port_needs_lifeline(void)
{
    return 1;
}

/* ---- starting ---- */

static xipc__child_t *make(pid_t pid, int sentinel, int bonds, apr_pool_t *pool)
{
    xipc__child_t *child = apr_palloc(pool, sizeof *child);
    *child = (xipc__child_t){.pid = pid,
                             .is_leader = (bonds & XIPC__BOND_GROUP) != 0,
                             .lock = ATOMIC_FLAG_INIT,
                             .sentinel = sentinel};
    return child;
}

/* Watch a process; one that has ended already gets a descriptor that is readable for ever. */
static int open_sentinel(pid_t pid)
{
    int fds[2];
    int sentinel = xipc__sentinel_open(pid);
    if (sentinel >= 0 || errno != ESRCH || xipc__socket_pair(fds) != 0) return sentinel;
    (void)close(fds[1]);
    return fds[0];
}

apr_status_t xipc__child_watch(xipc__child_t **child, pid_t pid, int bonds, apr_pool_t *pool)
{
    int sentinel = open_sentinel(pid);
    if (sentinel < 0) {
        int error = errno;
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
        return APR_FROM_OS_ERROR(error);
    }
    *child = make(pid, sentinel, bonds, pool);
    return APR_SUCCESS;
}

apr_status_t xipc__port_child_adopt(xipc__child_t **child, pid_t pid, int bonds, apr_pool_t *pool)
{
    int sentinel = open_sentinel(pid);
    if (sentinel < 0) return APR_FROM_OS_ERROR(errno);
    *child = make(pid, sentinel, bonds, pool);
    (*child)->is_adopted = 1;
    return APR_SUCCESS;
}

apr_uint64_t xipc__port_child_identity(xipc__child_t *child)
{
    /* the look at its end comes last: until then the number was its own */
    apr_uint64_t identity = xipc__identity_of(child->pid);
    return xipc__port_child_wait(child, 0) == APR_SUCCESS ? 0 : identity;
}

apr_status_t xipc__port_child_find(xipc__child_t **child, pid_t pid, apr_uint64_t identity,
                                   apr_pool_t *pool)
{
    apr_status_t rv = identity == 0 ? APR_SUCCESS : xipc__port_child_adopt(child, pid, 0, pool);
    if (rv != APR_SUCCESS || (identity != 0 && !xipc__port_identity_is_dead(identity))) return rv;
    if (identity != 0) xipc__port_child_close(*child);
    *child = make(pid, -1, 0, pool);
    (*child)->is_adopted = (*child)->is_ended = 1;
    return APR_SUCCESS;
}

void xipc__port_child_tell(xipc__child_t *child, int exitcode)
{
    child->is_known = 1;
    child->exitcode = exitcode;
}

apr_status_t xipc__port_child_fork(xipc__child_t **child, int bonds, apr_pool_t *pool)
{
    /*
     * kept free for the child's sentinel: without one it would have to be ended when it runs
     * already
     */
    int reserve = open("/", O_RDONLY | O_CLOEXEC);
    if (reserve < 0) return APR_FROM_OS_ERROR(errno);
    pid_t pid = fork();
    int error = pid < 0 ? errno : 0;
    (void)close(reserve);
    if (pid < 0) return APR_FROM_OS_ERROR(error);
    /* on both sides: neither can rely on the other to be first */
    if (bonds & XIPC__BOND_GROUP) (void)setpgid(pid, pid);
    if (pid > 0) return xipc__child_watch(child, pid, bonds, pool);
    *child = NULL;
    return APR_SUCCESS;
}

int xipc__spawn_in_group(posix_spawnattr_t *attributes)
{
    short flags;
    int error = posix_spawnattr_getflags(attributes, &flags);
    if (error == 0)
        error = posix_spawnattr_setflags(attributes, (short)(flags | POSIX_SPAWN_SETPGROUP));
    return error == 0 ? posix_spawnattr_setpgroup(attributes, 0) : error;
}

/* posix_spawn with nothing but the standard streams and `boot`, at BOOT_FD. Returns an errno. */
static int spawn(pid_t *pid, const char *program, const char *name, int boot, int bonds)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char argument[16];
    (void)apr_snprintf(argument, sizeof argument, "%d", BOOT_FD);
    char *argv[] = {(char *)(uintptr_t)name, (char *)(uintptr_t)XIPC__CHILD_OPTION, argument, NULL};

    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, boot, BOOT_FD);
        if (error == 0) error = xipc__spawn_close_from(&actions, &attributes, BOOT_FD + 1);
        if (error == 0 && (bonds & XIPC__BOND_GROUP)) error = xipc__spawn_in_group(&attributes);
        if (error == 0) error = posix_spawn(pid, program, &actions, &attributes, argv, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/*
 * A program that runs with a standard stream closed must not hand its boot stream to the child in
 * that place.
 */
static apr_status_t raise_above_standard(xipc__stream_t *stream)
{
    if (stream->fd >= BOOT_FD) return APR_SUCCESS;
    int fd = fcntl(stream->fd, F_DUPFD_CLOEXEC, BOOT_FD);
    if (fd < 0) return APR_FROM_OS_ERROR(errno);
    (void)close(stream->fd);
    stream->fd = fd;
    return APR_SUCCESS;
}

apr_status_t xipc__port_child_spawn(xipc__child_t **child, xipc__stream_t **boot,
                                    const char *program, const char *name, int bonds,
                                    apr_pool_t *pool)
{
    xipc__stream_t *mine;
    xipc__stream_t *theirs;
    pid_t pid;
    if (program == NULL) program = xipc__self_image(pool);
    if (program == NULL) return APR_FROM_OS_ERROR(errno);
    apr_status_t rv = xipc__port_stream_pair(&mine, &theirs, 1, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = raise_above_standard(theirs);
    if (rv == APR_SUCCESS) rv = APR_FROM_OS_ERROR(spawn(&pid, program, name, theirs->fd, bonds));
    if (rv == APR_SUCCESS) rv = xipc__child_watch(child, pid, bonds, pool);
    xipc__port_stream_close(theirs);
    if (rv == APR_SUCCESS)
        *boot = mine;
    else
        xipc__port_stream_close(mine);
    return rv;
}

apr_status_t xipc__port_boot_open(xipc__stream_t **boot, const char *argument, apr_pool_t *pool)
{
    char *end;
    errno = 0;
    long fd = strtol(argument, &end, 10);
    if (errno != 0 || end == argument || *end != '\0' || fd != BOOT_FD ||
        xipc__port_stream_adopt(boot, (xipc__handle_t)fd, pool) != APR_SUCCESS)
        return xipc__fail(XIPC_EINIT, "%s is for the use of xipc alone", XIPC__CHILD_OPTION);
    return APR_SUCCESS;
}

/* ---- the end ---- */

/* For a call or two at a time. */
static void lock(xipc__child_t *child)
{
    while (atomic_flag_test_and_set_explicit(&child->lock, memory_order_acquire))
        (void)sched_yield();
}

static void unlock(xipc__child_t *child)
{
    atomic_flag_clear_explicit(&child->lock, memory_order_release);
}

static void close_sentinel(xipc__child_t *child)
{
    if (child->sentinel >= 0) (void)close(child->sentinel);
    child->sentinel = -1;
}

int xipc__child_hold(xipc__child_t *child)
{
    lock(child);
    int sentinel = child->is_ended ? -1 : child->sentinel;
    child->waiters++;
    unlock(child);
    return sentinel;
}

void xipc__child_release(xipc__child_t *child)
{
    lock(child);
    if (--child->waiters == 0 && child->is_ended) close_sentinel(child);
    unlock(child);
}

static void note_end(xipc__child_t *child, const siginfo_t *how)
{
    child->is_ended = 1;
    child->is_known = how != NULL;
    if (how != NULL)
        child->exitcode = how->si_code == CLD_EXITED ? how->si_status & 0xff : -how->si_status;
    if (child->waiters == 0) close_sentinel(child);
}

/*
 * Reap the child if it has ended; one that leads a group stays a zombie, which keeps the group's
 * number. Somebody else may have reaped it: then it has ended, nobody knows how.
 */
static void look(xipc__child_t *child)
{
    siginfo_t how;
    int found;
    if (child->is_ended) return;
    if (child->is_adopted) {
        if (xipc__fd_wait(child->sentinel, POLLIN, 0) == APR_SUCCESS) note_end(child, NULL);
        return;
    }
    how.si_pid = 0; /* what it stays when the child runs */
    do
        found = waitid(P_PID, (id_t)child->pid, &how,
                       WEXITED | WNOHANG | (child->is_leader ? WNOWAIT : 0));
    while (found < 0 && errno == EINTR);
    if (found < 0)
        note_end(child, NULL);
    else if (how.si_pid != 0)
        note_end(child, &how);
}

static int has_ended(xipc__child_t *child)
{
    lock(child);
    look(child);
    int is_ended = child->is_ended;
    unlock(child);
    return is_ended;
}

apr_status_t xipc__port_child_wait(xipc__child_t *child, apr_time_t deadline)
{
    while (!has_ended(child)) {
        int sentinel = xipc__child_hold(child);
        apr_status_t rv = xipc__fd_wait(sentinel, POLLIN, sentinel < 0 ? 0 : deadline);
        xipc__child_release(child);
        if (rv != APR_SUCCESS && sentinel >= 0) return rv;
    }
    return APR_SUCCESS;
}

apr_status_t xipc__port_child_exitcode(int *exitcode, const xipc__child_t *child)
{
    if (!child->is_known) return APR_FROM_OS_ERROR(ECHILD);
    *exitcode = child->exitcode;
    return APR_SUCCESS;
}

pid_t xipc__port_child_pid(const xipc__child_t *child)
{
    return child->pid;
}

xipc__handle_t xipc__port_child_sentinel(xipc__child_t *child)
{
    int sentinel = xipc__child_hold(child); /* never released: it is the caller's to wait at */
    return sentinel < 0 ? XIPC__NO_HANDLE : (xipc__handle_t)sentinel;
}

/* A group of zombies alone may not be signalled on some systems. */
static apr_status_t kill_group(const xipc__child_t *child)
{
    if (kill(-child->pid, SIGKILL) == 0 || errno == ESRCH || errno == EPERM) return APR_SUCCESS;
    return APR_FROM_OS_ERROR(errno);
}

apr_status_t xipc__port_child_stop(xipc__child_t *child, xipc__stop_e how)
{
    static const int signals[] = {[XIPC__STOP_INTERRUPT] = SIGINT,
                                  [XIPC__STOP_TERMINATE] = SIGTERM,
                                  [XIPC__STOP_KILL] = SIGKILL};
    if (how == XIPC__STOP_GROUP) return kill_group(child);
    if (has_ended(child)) return APR_SUCCESS;
    int sentinel = xipc__child_hold(child);
    int error = 0;
    if (sentinel >= 0 && xipc__sentinel_signal(sentinel, child->pid, signals[how]) != 0)
        error = errno;
    xipc__child_release(child);
    return error == ESRCH ? APR_SUCCESS : APR_FROM_OS_ERROR(error);
}

void xipc__port_child_close(xipc__child_t *child)
{
    if (has_ended(child) && child->is_leader && !child->is_adopted)
        (void)waitpid(child->pid, NULL, WNOHANG);
    close_sentinel(child);
}

void xipc__port_child_disown(xipc__child_t *child)
{
    if (child->sentinel >= 0) xipc__sentinel_disown(child->sentinel);
    child->sentinel = -1;
}

void xipc__port_exit(int code)
{
    (void)fflush(NULL);
    _exit(code);
}
