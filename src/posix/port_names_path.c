/*
 * port_names_path.c - what a name stands for has names itself, made of a random number: memory, and
 * pipes in the file system (macOS, FreeBSD, where no process shows its descriptors).
 */
#include "posix/posix.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not TMPDIR, which two programs may have different ideas of. */
const char *const xipc__names_directory = "/tmp";

enum { PIPES = XIPC__PARK_HANDLES / 2, NAME_SIZE = 48 };

/* macOS takes 31 bytes. */
static const char *memory_name(char name[NAME_SIZE], apr_uint64_t id)
{
    (void)apr_snprintf(name, NAME_SIZE, "/xipc-%016" APR_UINT64_T_HEX_FMT, id);
    return name;
}

static const char *pipe_path(char path[NAME_SIZE], apr_uint64_t id, int index)
{
    (void)apr_snprintf(path, NAME_SIZE, "%s/xipc.%016" APR_UINT64_T_HEX_FMT ".%d",
                       xipc__names_directory, id, index);
    return path;
}

/* ---- making ---- */

/* Both ends, the reading one first, without which there is no writing one. */
static int open_ends(int fds[2], const char *path)
{
    fds[0] = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fds[0] < 0) return -1;
    fds[1] = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fds[1] >= 0) return 0;
    int error = errno;
    (void)close(fds[0]);
    errno = error;
    return -1;
}

int xipc__named_pipe(int fds[2], apr_uint64_t id, int index)
{
    char path[NAME_SIZE];
    if (mkfifo(pipe_path(path, id, index), S_IRUSR | S_IWUSR) != 0) return -1;
    return open_ends(fds, path);
}

apr_status_t xipc__named_memory(int *fd, apr_uint64_t id)
{
    char name[NAME_SIZE];
    /* close-on-exec */
    *fd = shm_open(memory_name(name, id), O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
    return *fd >= 0 ? APR_SUCCESS : APR_FROM_OS_ERROR(errno);
}

void xipc__named_memory_forget(apr_uint64_t id)
{
    char name[NAME_SIZE];
    (void)shm_unlink(memory_name(name, id));
}

/* ---- finding ---- */

static apr_status_t check_ours(int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0) return APR_FROM_OS_ERROR(errno);
    if (about.st_uid == geteuid()) return APR_SUCCESS;
    return xipc__fail(APR_EACCES, "a part of the queue is another user's");
}

static apr_status_t take_memory(xipc__handles_t *handles, apr_uint64_t id)
{
    char name[NAME_SIZE];
    int fd = shm_open(memory_name(name, id), O_RDWR, 0);
    if (fd < 0) return APR_FROM_OS_ERROR(errno);
    handles->items[handles->count++] = fd;
    return check_ours(fd);
}

static apr_status_t take_pipe(xipc__handles_t *handles, apr_uint64_t id, int index)
{
    char path[NAME_SIZE];
    int fds[2];
    if (open_ends(fds, pipe_path(path, id, index)) != 0) return APR_FROM_OS_ERROR(errno);
    for (int i = 0; i < 2; i++) handles->items[handles->count++] = fds[i];
    return check_ours(fds[0]);
}

apr_status_t xipc__port_name_take(xipc__handles_t *handles, apr_uint64_t identity,
                                  const apr_uint32_t *numbers, apr_size_t count, apr_uint64_t id)
{
    apr_size_t before = handles->count;
    (void)identity;
    (void)numbers;
    (void)count;
    apr_status_t rv = take_memory(handles, id);
    for (int i = 0; rv == APR_SUCCESS && i < PIPES; i++) rv = take_pipe(handles, id, i);
    if (rv != APR_SUCCESS)
        while (handles->count > before) xipc__port_handle_close(handles->items[--handles->count]);
    return rv;
}

void xipc__port_name_forget(apr_uint64_t id)
{
    char name[NAME_SIZE];
    xipc__named_memory_forget(id);
    for (int i = 0; i < PIPES; i++) (void)unlink(pipe_path(name, id, i));
}
