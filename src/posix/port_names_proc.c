/*
 * port_names_proc.c - what a name stands for has none itself: it is opened in /proc, where a process
 * that has it shows its descriptors (Linux). So it is gone with its last user, and its size stays
 * sealed.
 */
#include "posix/posix.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char *const xipc__names_directory = "/dev/shm";

int xipc__named_pipe(int fds[2], apr_uint64_t id, int index)
{
    (void)id;
    (void)index;
    return pipe2(fds, O_CLOEXEC | O_NONBLOCK);
}

/* Whose descriptors can't be seen may have them still. */
static apr_status_t open_table(int *table, pid_t pid)
{
    char path[32];
    (void)apr_snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    *table = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*table >= 0) return APR_SUCCESS;
    int error = errno == ENOENT ? EACCES : errno;
    return xipc__fail(APR_FROM_OS_ERROR(error),
                      "%s, of a process that has the queue, can't be read: is /proc mounted, with "
                      "hidepid, or is that process not dumpable?",
                      path);
}

/* Opening may have effects of its own, on a terminal for instance: so look first what it is. */
static apr_status_t open_entry(int *fd, int table, apr_uint32_t number, const char *kind)
{
    char entry[16];
    char target[32] = "";
    (void)apr_snprintf(entry, sizeof entry, "%u", number);
    if (readlinkat(table, entry, target, sizeof target - 1) < 0)
        return errno == ENOENT ? APR_ENOENT
                               : xipc__fail(APR_FROM_OS_ERROR(errno),
                                            "a process that has the queue shows nobody what it "
                                            "has: is it not dumpable?");
    if (strncmp(target, kind, strlen(kind)) != 0) return APR_ENOENT;
    *fd = openat(table, entry, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return *fd >= 0 ? APR_SUCCESS : APR_FROM_OS_ERROR(errno);
}

apr_status_t xipc__port_name_take(xipc__handles_t *handles, apr_uint64_t identity,
                                  const apr_uint32_t *numbers, apr_size_t count, apr_uint64_t id)
{
    int table;
    apr_size_t before = handles->count;
    (void)id;
    apr_status_t rv = open_table(&table, (pid_t)(identity >> 32));
    if (rv != APR_SUCCESS) return rv;
    for (apr_size_t i = 0; rv == APR_SUCCESS && i < count; i++) {
        int fd;
        rv = open_entry(&fd, table, numbers[i], i == 0 ? "/memfd:xipc " : "pipe:");
        if (rv == APR_SUCCESS) handles->items[handles->count++] = fd;
    }
    (void)close(table);
    if (rv != APR_SUCCESS)
        while (handles->count > before) xipc__port_handle_close(handles->items[--handles->count]);
    return rv;
}

void xipc__port_name_forget(apr_uint64_t id)
{
    (void)id;
}
