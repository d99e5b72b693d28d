/*
 * port_peer_bsd.c - macOS and the BSDs: who is at the other end of a Unix socket. The user alone.
 */
#include "posix/posix.h"

#include <errno.h>
#include <unistd.h>

int xipc__socket_has_abstract(void)
{
    return 0;
}

apr_status_t xipc__socket_peer(pid_t *pid, apr_int64_t *user, int fd)
{
    uid_t uid;
    gid_t gid;
    if (getpeereid(fd, &uid, &gid) != 0) return APR_FROM_OS_ERROR(errno);
    *pid = -1;
    *user = (apr_int64_t)uid;
    return APR_SUCCESS;
}
