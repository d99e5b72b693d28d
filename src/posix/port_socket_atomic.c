/*
 * port_socket_atomic.c - sockets on systems where flags make them close-on-exec from birth (Linux,
 * the BSDs).
 */
#include "posix/posix.h"

#include <fcntl.h>
#include <unistd.h>

int xipc__socket_pair(int fds[2])
{
    return xipc__fd_raise_both(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), fds);
}

int xipc__pipe_pair(int fds[2])
{
    return xipc__fd_raise_both(pipe2(fds, O_CLOEXEC), fds);
}

int xipc__socket_make(int family)
{
    return xipc__fd_raise(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

int xipc__socket_accept(int listening)
{
    return xipc__fd_raise(accept4(listening, NULL, NULL, SOCK_CLOEXEC));
}

ssize_t xipc__socket_send(int fd, const struct msghdr *message, int may_wait)
{
    return sendmsg(fd, message, MSG_NOSIGNAL | (may_wait ? 0 : MSG_DONTWAIT));
}

ssize_t xipc__socket_receive(int fd, struct msghdr *message, int may_wait)
{
    return recvmsg(fd, message, MSG_CMSG_CLOEXEC | (may_wait ? 0 : MSG_DONTWAIT));
}

void xipc__socket_adopt(int fd)
{
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}
