/*
 * port_program.c - other programs: posix_spawnp, and plain pipes to their standard streams.
 */
#include "core/program.h"
#include "posix/port_objects.h"
#include "posix/posix.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum { HANDLES_FROM = XIPC__STANDARD_STREAMS };

struct xipc__pipe_t {
    int fd;
    int is_written;
};

/* ---- the start ---- */

/* Copies of what the program is given, none at a number that it is to have in the program. */
typedef struct {
    int fds[XIPC__STANDARD_STREAMS + XIPC__PROGRAM_HANDLES_MAX]; /* by that number; -1 for none */
    int count;
} plan_t;

static void plan_clean(const plan_t *plan)
{
    for (int i = 0; i < plan->count; i++)
        if (plan->fds[i] >= 0) (void)close(plan->fds[i]);
}

static apr_status_t plan_make(plan_t *plan, const xipc__command_t *command)
{
    int wanted = HANDLES_FROM + (int)command->handle_count;
    for (plan->count = 0; plan->count < wanted; plan->count++) {
        xipc__handle_t handle = plan->count < HANDLES_FROM
                                    ? command->streams[plan->count]
                                    : command->handles[plan->count - HANDLES_FROM];
        int *copy = &plan->fds[plan->count];
        *copy = -1;
        if (handle == XIPC__NO_HANDLE) continue;
        *copy = fcntl((int)handle, F_DUPFD_CLOEXEC, wanted);
        if (*copy >= 0) continue;
        apr_status_t rv = APR_FROM_OS_ERROR(errno);
        plan_clean(plan);
        return rv;
    }
    return APR_SUCCESS;
}

/* Returns an errno. */
static int plan_actions(posix_spawn_file_actions_t *actions, const plan_t *plan,
                        const char *directory)
{
    int error = 0;
    for (int i = 0; error == 0 && i < plan->count; i++)
        if (plan->fds[i] >= 0) error = posix_spawn_file_actions_adddup2(actions, plan->fds[i], i);
    if (error == 0 && directory != NULL)
        error = posix_spawn_file_actions_addchdir_np(actions, directory);
    return error;
}

static int spawn(pid_t *pid, const xipc__command_t *command, const plan_t *plan,
                 char *const *environment)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *const *argv = (char *const *)(uintptr_t)command->argv;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = plan_actions(&actions, plan, command->directory);
        if (error == 0) error = xipc__spawn_close_from(&actions, &attributes, plan->count);
        if (error == 0 && (command->bonds & XIPC__BOND_GROUP))
            error = xipc__spawn_in_group(&attributes);
        if (error == 0)
            error = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

static char *handles_entry(const xipc__command_t *command, apr_pool_t *pool)
{
    char *entry = apr_pstrdup(pool, XIPC__HANDLES_VARIABLE);
    for (apr_size_t i = 0; i < command->handle_count; i++)
        entry = apr_psprintf(pool, "%s%c%d%s", entry, i == 0 ? '=' : ',', HANDLES_FROM + (int)i,
                             command->marks[i]);
    return entry;
}

static char *const *environment_of(const xipc__command_t *command, apr_pool_t *pool)
{
    char *const *base =
        command->environment != NULL ? (char *const *)(uintptr_t)command->environment : environ;
    if (command->handle_count == 0) return base;
    static const char name[] = XIPC__HANDLES_VARIABLE "=";
    apr_size_t count = 0;
    while (base[count] != NULL) count++;
    char **made = apr_palloc(pool, (count + 2) * sizeof *made);
    apr_size_t at = 0;
    for (apr_size_t i = 0; i < count; i++)
        if (strncmp(base[i], name, sizeof name - 1) != 0) made[at++] = base[i];
    made[at++] = handles_entry(command, pool);
    made[at] = NULL;
    return made;
}

apr_status_t xipc__port_program_start(xipc__child_t **child, const xipc__command_t *command,
                                      apr_pool_t *pool)
{
    pid_t pid;
    plan_t plan;
    if (command->bonds & XIPC__BOND_LIFE)
        return xipc__fail(APR_ENOTIMPL, "this system binds no other program to its starter");
    apr_status_t rv = plan_make(&plan, command);
    if (rv != APR_SUCCESS) return rv;
    int error = spawn(&pid, command, &plan, environment_of(command, pool));
    plan_clean(&plan);
    if (error != 0) return xipc__program_fail(APR_FROM_OS_ERROR(error), command);
    return xipc__child_watch(child, pid, command->bonds, pool);
}

/* ---- files ---- */

xipc__handle_t xipc__port_stdout(void)
{
    return STDOUT_FILENO;
}

apr_status_t xipc__port_file_open(xipc__handle_t *file, const char *path, xipc__file_e how,
                                  apr_pool_t *pool)
{
    static const int flags[] = {[XIPC__FILE_READ] = O_RDONLY,
                                [XIPC__FILE_WRITE] = O_WRONLY | O_CREAT | O_TRUNC,
                                [XIPC__FILE_APPEND] = O_WRONLY | O_CREAT | O_APPEND};
    (void)pool;
    if (path == NULL) path = "/dev/null";
    int fd = open(path, flags[how] | O_CLOEXEC, 0666);
    if (fd < 0) return xipc__fail(APR_FROM_OS_ERROR(errno), "%.200s", path);
    *file = fd;
    return APR_SUCCESS;
}

/* ---- pipes ---- */

apr_status_t xipc__port_pipe_open(xipc__pipe_t **pipe, xipc__handle_t *there, int is_written,
                                  apr_pool_t *pool)
{
    int fds[2];
    if (xipc__pipe_pair(fds) != 0) return APR_FROM_OS_ERROR(errno);
    int own = fds[is_written];
    (void)fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK);
    xipc__pipe_t *made = apr_palloc(pool, sizeof *made);
    *made = (xipc__pipe_t){.fd = own, .is_written = is_written};
    *pipe = made;
    *there = fds[!is_written];
    return APR_SUCCESS;
}

/* A write for which a SIGPIPE would be sent to this thread leaves none behind. */
static ssize_t write_quietly(int fd, const void *data, apr_size_t size)
{
    sigset_t only;
    sigset_t before;
    sigset_t pending;
    (void)sigemptyset(&only);
    (void)sigaddset(&only, SIGPIPE);
    (void)sigpending(&pending);
    int was_pending = sigismember(&pending, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &only, &before);
    ssize_t count = write(fd, data, size);
    int error = errno;
    if (count < 0 && error == EPIPE && !was_pending && sigpending(&pending) == 0 &&
        sigismember(&pending, SIGPIPE)) {
        int taken;
        (void)sigwait(&only, &taken);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return count;
}

apr_status_t xipc__port_pipe_write(apr_size_t *written, xipc__pipe_t *pipe, xipc__span_t data,
                                   apr_time_t deadline)
{
    for (;;) {
        ssize_t count = write_quietly(pipe->fd, data.data, data.size);
        if (count > 0) {
            *written = (apr_size_t)count;
            return APR_SUCCESS;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return APR_FROM_OS_ERROR(errno);
        apr_status_t rv = xipc__fd_wait(pipe->fd, POLLOUT, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
}

apr_status_t xipc__port_pipe_read(apr_size_t *got, xipc__pipe_t *pipe, void *buffer,
                                  apr_size_t capacity, apr_time_t deadline)
{
    for (;;) {
        ssize_t count = read(pipe->fd, buffer, capacity);
        if (count > 0) {
            *got = (apr_size_t)count;
            return APR_SUCCESS;
        }
        if (count == 0) return APR_EOF;
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return APR_FROM_OS_ERROR(errno);
        apr_status_t rv = xipc__fd_wait(pipe->fd, POLLIN, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
}

apr_status_t xipc__port_pipe_flush(xipc__pipe_t *pipe, apr_time_t deadline)
{
    (void)pipe, (void)deadline;
    return APR_SUCCESS; /* the pipe took it, or it was not written */
}

void xipc__port_pipe_close(xipc__pipe_t *pipe)
{
    (void)close(pipe->fd);
    pipe->fd = -1;
}

xipc__waitable_t xipc__port_pipe_watch(const xipc__pipe_t *pipe)
{
    return (xipc__waitable_t){.handle = pipe->fd, .is_for_room = pipe->is_written};
}
