/*
 * port_peer_linux.c - Linux: who is at the other end of a Unix socket.
 */
#include "posix/posix.h"

#include <errno.h>
#include <sys/socket.h>

int xipc__socket_has_abstract(void)
{
    return 1;
}

apr_status_t xipc__socket_peer(pid_t *pid, apr_int64_t *user, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return APR_FROM_OS_ERROR(errno);
    *pid = peer.pid;
    *user = (apr_int64_t)peer.uid;
    return APR_SUCCESS;
}
