/* Bare sockets; see sockets.h. */
#include "sockets.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { HEAD = 4 };

int socket_send(int fd, const void *data, size_t size)
{
    uint32_t head = htonl((uint32_t)size);
    struct iovec parts[2] = {{&head, HEAD}, {(void *)(uintptr_t)data, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (sent >= HEAD && (size_t)sent < HEAD + size) {
        ssize_t more =
            send(fd, (const char *)data + sent - HEAD, size + HEAD - (size_t)sent, MSG_NOSIGNAL);
        if (more <= 0) return 0;
        sent += more;
    }
    return sent >= HEAD;
}

/* So many bytes at least that are read ahead. */
static int fill(socket_t *from, size_t least)
{
    if (from->size >= least) return 1;
    memmove(from->ahead, from->ahead + from->at, from->size);
    from->at = 0;
    while (from->size < least) {
        ssize_t got = recv(from->fd, from->ahead + from->size, sizeof from->ahead - from->size, 0);
        if (got <= 0) return 0;
        from->size += (size_t)got;
    }
    return 1;
}

int socket_receive(socket_t *from, void *data, size_t *size)
{
    uint32_t head;
    if (!fill(from, HEAD)) return 0;
    memcpy(&head, from->ahead + from->at, HEAD);
    *size = ntohl(head);
    from->at += HEAD;
    from->size -= HEAD;
    size_t there = from->size < *size ? from->size : *size;
    memcpy(data, from->ahead + from->at, there);
    from->at += there;
    from->size -= there;
    while (there < *size) {
        ssize_t got = recv(from->fd, (char *)data + there, *size - there, 0);
        if (got <= 0) return 0;
        there += (size_t)got;
    }
    return 1;
}

int socket_send_handle(int fd, int handle)
{
    char byte = 0;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof handle)];
    } control = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof handle);
    memcpy(CMSG_DATA(header), &handle, sizeof handle);
    return sendmsg(fd, &message, MSG_NOSIGNAL) == 1;
}

int socket_receive_handle(int fd)
{
    char byte;
    int handle = -1;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof handle)];
    } control;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL) memcpy(&handle, CMSG_DATA(header), sizeof handle);
    return handle;
}
