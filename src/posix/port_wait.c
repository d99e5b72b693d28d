/*
 * port_wait.c - waiting for one descriptor or for many.
 */
#include "posix/posix.h"
#include "posix/port_objects.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

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

apr_status_t xipc__port_handle_check(int *is_ready, xipc__handle_t handle)
{
    *is_ready = 0;
    return xipc__port_handle_is_open(handle)
               ? APR_SUCCESS
               : xipc__fail(APR_EBADF, "%d is no open descriptor", (int)handle);
}

static int compare_watched(const void *one, const void *other)
{
    const struct pollfd *left = one;
    const struct pollfd *right = other;
    if (left->fd != right->fd) return left->fd < right->fd ? -1 : 1;
    return (int)left->events - (int)right->events;
}

/* The list in order, without what has ended and what is there twice. */
static apr_size_t condense(struct pollfd *list, apr_size_t count)
{
    apr_size_t kept = 0;
    qsort(list, count, sizeof *list, compare_watched);
    for (apr_size_t i = 0; i < count; i++)
        if (list[i].fd >= 0 && (kept == 0 || compare_watched(&list[i], &list[kept - 1]) != 0))
            list[kept++] = list[i];
    return kept;
}

/* A system polls no more entries than a process may have descriptors: then each once. */
static apr_status_t poll_once_each(struct pollfd *list, apr_size_t count, apr_time_t deadline)
{
    struct pollfd *each = calloc(count + 1, sizeof *each);
    if (each == NULL) return APR_ENOMEM;
    memcpy(each, list, count * sizeof *each);
    apr_size_t kept = condense(each, count);
    apr_status_t rv = xipc__fd_poll(each, kept, deadline);
    for (apr_size_t i = 0; rv == APR_SUCCESS && i < count; i++) {
        const struct pollfd *found = bsearch(&list[i], each, kept, sizeof *each, compare_watched);
        list[i].revents = 0;
        if (found != NULL) list[i].revents = found->revents;
    }
    free(each);
    return rv;
}

static apr_status_t poll_all(struct pollfd *list, apr_size_t count, apr_time_t deadline)
{
    apr_status_t rv = xipc__fd_poll(list, count, deadline);
    return APR_STATUS_IS_EINVAL(rv) ? poll_once_each(list, count, deadline) : rv;
}

/* What poll is to watch; -1 for a child that has ended. */
static struct pollfd watch(const xipc__waitable_t *item)
{
    struct pollfd watched = {.fd = (int)item->handle,
                             .events = item->is_for_room ? POLLOUT : POLLIN};
    if (item->stream != NULL)
        watched.fd = item->stream->fd;
    else if (item->child != NULL)
        watched.fd = xipc__child_hold(item->child);
    return watched;
}

static int is_over(const xipc__waitable_t *item, const struct pollfd *watched)
{
    return item->child != NULL && item->stream == NULL && watched->fd < 0;
}

apr_status_t xipc__port_wait(xipc__waitable_t *items, apr_size_t count, apr_time_t deadline)
{
    struct pollfd few[16];
    struct pollfd *list = few;
    int is_any_over = 0;
    if (count > sizeof few / sizeof few[0] && (list = calloc(count, sizeof *list)) == NULL)
        return APR_ENOMEM;
    for (apr_size_t i = 0; i < count; i++) {
        list[i] = watch(&items[i]);
        is_any_over |= is_over(&items[i], &list[i]);
    }
    apr_status_t rv = poll_all(list, count, is_any_over ? 0 : deadline);
    if (is_any_over && APR_STATUS_IS_TIMEUP(rv)) rv = APR_SUCCESS;
    for (apr_size_t i = 0; i < count; i++) {
        items[i].is_ready =
            rv == APR_SUCCESS && (list[i].revents != 0 || is_over(&items[i], &list[i]));
        if (items[i].child != NULL && items[i].stream == NULL) xipc__child_release(items[i].child);
    }
    if (list != few) free(list);
    return rv;
}
