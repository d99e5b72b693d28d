/*
 * port_descriptor.c - descriptors above those of the standard streams.
 */
#include "posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { LOWEST = 3 };

int xipc__fd_duplicate(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, LOWEST);
}

int xipc__fd_raise(int fd)
{
    if (fd < 0 || fd >= LOWEST) return fd;
    int raised = xipc__fd_duplicate(fd);
    int error = errno;
    (void)close(fd);
    errno = error;
    return raised;
}

int xipc__fd_raise_both(int made, int fds[2])
{
    if (made != 0 || (fds[0] >= LOWEST && fds[1] >= LOWEST)) return made;
    fds[0] = xipc__fd_raise(fds[0]);
    fds[1] = xipc__fd_raise(fds[1]);
    if (fds[0] >= 0 && fds[1] >= 0) return 0;
    int error = errno;
    if (fds[0] >= 0) (void)close(fds[0]);
    if (fds[1] >= 0) (void)close(fds[1]);
    errno = error;
    return -1;
}
