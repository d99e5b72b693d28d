/*
 * port_wait.c - waiting for one descriptor or for many.
 */
#include "posix/posix.h"
#include "posix/port_objects.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

apr_status_t xipc__fd_poll(struct pollfd *list, apr_size_t count, apr_time_t deadline)
{
    for (;;) {
        int ready = poll(list, (nfds_t)count, xipc__remaining_ms(deadline));
        if (ready > 0) return APR_SUCCESS;
        if (ready < 0 && errno != EINTR) return APR_FROM_OS_ERROR(errno);
        if (xipc__remaining(deadline) == 0) return APR_TIMEUP;
    }
}

apr_status_t xipc__fd_wait(int fd, short events, apr_time_t deadline)
{
    struct pollfd one = {.fd = fd, .events = events};
    return xipc__fd_poll(&one, 1, deadline);
}

/* What poll is to watch; a child that was reaped has nothing to watch any more. */
static int watched_fd(const xipc__waitable_t *item)
{
    if (item->stream != NULL) return item->stream->fd;
    return item->child != NULL ? item->child->sentinel : (int)item->handle;
}

static int is_over(const xipc__waitable_t *item)
{
    return item->child != NULL && item->child->is_ended;
}

apr_status_t xipc__port_handle_check(xipc__handle_t handle)
{
    return fcntl((int)handle, F_GETFD) >= 0
               ? APR_SUCCESS
               : xipc__fail(APR_EBADF, "%d is no open descriptor", (int)handle);
}

apr_status_t xipc__port_wait(xipc__waitable_t *items, apr_size_t count, apr_time_t deadline)
{
    struct pollfd few[16];
    struct pollfd *list = few;
    int is_any_over = 0;
    if (count > sizeof few / sizeof few[0] && (list = calloc(count, sizeof *list)) == NULL)
        return APR_ENOMEM;
    for (apr_size_t i = 0; i < count; i++) {
        list[i] = (struct pollfd){.fd = watched_fd(&items[i]),
                                  .events = items[i].is_for_room ? POLLOUT : POLLIN};
        is_any_over |= is_over(&items[i]);
    }
    apr_status_t rv = xipc__fd_poll(list, count, is_any_over ? 0 : deadline);
    if (is_any_over && APR_STATUS_IS_TIMEUP(rv)) rv = APR_SUCCESS;
    for (apr_size_t i = 0; i < count; i++)
        items[i].is_ready = rv == APR_SUCCESS && (list[i].revents != 0 || is_over(&items[i]));
    if (list != few) free(list);
    return rv;
}
