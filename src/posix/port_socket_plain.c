/*
 * port_socket_plain.c - sockets on systems without such flags (macOS): close-on-exec is set right
 * after birth, and SIGPIPE is switched off by a socket option.
 *
 * Between birth and flag another thread's fork and exec could take the descriptor along; xipc's own
 * starts can't, since they close everything that is not listed.
 */
#include "posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifdef MSG_NOSIGNAL /* where these files are tried on a system that has it */
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0
#endif

void xipc__socket_adopt(int fd)
{
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
    int yes = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
}

int xipc__socket_pair(int fds[2])
{
    if (xipc__fd_raise_both(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), fds) != 0) return -1;
    xipc__socket_adopt(fds[0]);
    xipc__socket_adopt(fds[1]);
    return 0;
}

int xipc__pipe_pair(int fds[2])
{
    if (xipc__fd_raise_both(pipe(fds), fds) != 0) return -1;
    (void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    return 0;
}

static int adopted(int fd)
{
    if (fd >= 0) xipc__socket_adopt(fd);
    return fd;
}

int xipc__socket_make(int family)
{
    return adopted(xipc__fd_raise(socket(family, SOCK_STREAM, 0)));
}

int xipc__socket_accept(int listening)
{
    return adopted(xipc__fd_raise(accept(listening, NULL, NULL)));
}

ssize_t xipc__socket_send(int fd, const struct msghdr *message, int may_wait)
{
    return sendmsg(fd, message, SEND_FLAGS | (may_wait ? 0 : MSG_DONTWAIT));
}

ssize_t xipc__socket_receive(int fd, struct msghdr *message, int may_wait)
{
    ssize_t count = recvmsg(fd, message, may_wait ? 0 : MSG_DONTWAIT);
    if (count <= 0 || message->msg_controllen == 0) return count;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t received = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < received; i++) {
            int fd_received;
            memcpy(&fd_received, CMSG_DATA(header) + i * sizeof fd_received, sizeof fd_received);
            (void)fcntl(fd_received, F_SETFD, FD_CLOEXEC);
        }
    }
    return count;
}
