/*
 * port_stream.c - streams on socket pairs, which carry descriptors too and never raise SIGPIPE.
 *
 * A simplex pipe is a socket pair as well, shut down one way: a pipe(2) could not do either.
 *
 * A call with a deadline tries, waits by poll and tries again; one without lets the first call wait,
 * which is one system call instead of three.
 */
#include "posix/port_objects.h"
#include "posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for the descriptors of one message, aligned as cmsghdr wants it. */
typedef union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * XIPC__HANDLES_MAX)];
} control_t;

void xipc__port_handle_close(xipc__handle_t handle)
{
    (void)close((int)handle);
}

int xipc__port_handle_is_open(xipc__handle_t handle)
{
    return fcntl((int)handle, F_GETFD) >= 0;
}

apr_status_t xipc__port_handle_duplicate(xipc__handle_t *copy, xipc__handle_t handle)
{
    int fd = xipc__fd_duplicate((int)handle);
    if (fd < 0) return APR_FROM_OS_ERROR(errno);
    *copy = fd;
    return APR_SUCCESS;
}

static xipc__stream_t *make(int fd, apr_pool_t *pool)
{
    xipc__stream_t *stream = apr_palloc(pool, sizeof *stream);
    stream->fd = fd;
    return stream;
}

apr_status_t xipc__port_stream_pair(xipc__stream_t **first, xipc__stream_t **second, int duplex,
                                    apr_pool_t *pool)
{
    int fds[2];
    if (xipc__socket_pair(fds) != 0) return APR_FROM_OS_ERROR(errno);
    if (!duplex) {
        (void)shutdown(fds[0], SHUT_WR);
        (void)shutdown(fds[1], SHUT_RD);
    }
    *first = make(fds[0], pool);
    *second = make(fds[1], pool);
    return APR_SUCCESS;
}

static void put_handles(struct msghdr *message, control_t *control, const xipc__handles_t *handles)
{
    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * handles->count);
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * handles->count);
    for (apr_size_t i = 0; i < handles->count; i++) {
        int fd = (int)handles->items[i];
        memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    }
}

apr_status_t xipc__port_stream_write(apr_size_t *written, xipc__stream_t *stream, xipc__span_t head,
                                     xipc__span_t body, const xipc__handles_t *handles,
                                     apr_time_t deadline)
{
    control_t control;
    struct iovec parts[2] = {{(void *)(uintptr_t)head.data, head.size},
                             {(void *)(uintptr_t)body.data, body.size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (handles != NULL) put_handles(&message, &control, handles);
    for (;;) {
        ssize_t sent = xipc__socket_send(stream->fd, &message, deadline == XIPC__NEVER);
        if (sent > 0) {
            *written = (apr_size_t)sent;
            return APR_SUCCESS;
        }
        int error = sent == 0 ? EAGAIN : errno;
        if (error == ECONNRESET) error = EPIPE; /* some systems say it so */
        if (error != EAGAIN && error != EWOULDBLOCK && error != EINTR)
            return APR_FROM_OS_ERROR(error);
        if (error == EINTR) continue;
        apr_status_t rv = xipc__fd_wait(stream->fd, POLLOUT, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
}

/*
 * Descriptors that came along: to the list, or all closed when some are missing. The system cuts
 * them off when there are more than we have room for, or none is left to this process.
 */
static apr_status_t take_handles(struct msghdr *message, xipc__handles_t *handles)
{
    int is_cut = (message->msg_flags & MSG_CTRUNC) != 0;
    int is_too_many = 0;
    int is_lost = is_cut;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        apr_size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (apr_size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            fd = xipc__fd_raise(fd);
            if (fd < 0)
                is_lost = 1;
            else if (handles->count < XIPC__HANDLES_MAX)
                handles->items[handles->count++] = fd;
            else
                is_too_many = 1, (void)close(fd);
        }
    }
    if (!is_lost && !is_too_many) return APR_SUCCESS;
    if (is_cut && handles->count == XIPC__HANDLES_MAX) is_too_many = 1;
    while (handles->count > 0) (void)close((int)handles->items[--handles->count]);
    handles->lost = APR_FROM_OS_ERROR(EMFILE);
    if (!is_too_many) return APR_SUCCESS;
    return xipc__fail(XIPC_EPROTOCOL, "more than %d handles in one message", XIPC__HANDLES_MAX);
}

apr_status_t xipc__port_stream_read(apr_size_t *got, xipc__stream_t *stream, void *buffer,
                                    apr_size_t capacity, xipc__handles_t *handles,
                                    apr_time_t deadline)
{
    for (;;) {
        control_t control;
        struct iovec part = {buffer, capacity};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        ssize_t count = xipc__socket_receive(stream->fd, &message, deadline == XIPC__NEVER);
        if (count > 0) {
            apr_status_t rv = take_handles(&message, handles);
            if (rv == APR_SUCCESS) *got = (apr_size_t)count;
            return rv;
        }
        /*
         * a reset: the other side closed with something of ours unread; all it had sent was
         * received by now
         */
        if (count == 0 || errno == ECONNRESET) return APR_EOF;
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return APR_FROM_OS_ERROR(errno);
        apr_status_t rv = xipc__fd_wait(stream->fd, POLLIN, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
}

void xipc__port_stream_shutdown(xipc__stream_t *stream)
{
    (void)shutdown(stream->fd, SHUT_WR);
}

void xipc__port_stream_close(xipc__stream_t *stream)
{
    (void)close(stream->fd);
    stream->fd = -1;
}

xipc__handle_t xipc__port_stream_handle(const xipc__stream_t *stream)
{
    return stream->fd;
}

apr_status_t xipc__port_stream_adopt(xipc__stream_t **stream, xipc__handle_t handle,
                                     apr_pool_t *pool)
{
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt((int)handle, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
        return xipc__fail(XIPC_EPROTOCOL, "the descriptor is no stream socket");
    xipc__socket_adopt((int)handle);
    *stream = make((int)handle, pool);
    return APR_SUCCESS;
}
