/*
 * port_lifeline_signal.c - Linux: the kernel itself sends the signal when the other end is gone.
 *
 * PR_SET_PDEATHSIG would tell of the thread that forked, not of its process, and of the forkserver
 * instead of the starter.
 */
#include "posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

apr_status_t xipc__port_lifeline_hold(xipc__handle_t end)
{
    int fd = (int)end;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETSIG, SIGKILL) < 0 ||
        fcntl(fd, F_SETFL, flags | O_ASYNC) < 0)
        return APR_FROM_OS_ERROR(errno);
    /* nothing is ever written to it, so that it can be read says that it ended before this */
    if (xipc__fd_wait(fd, POLLIN, 0) == APR_SUCCESS) (void)kill(getpid(), SIGKILL);
    return APR_SUCCESS;
}
