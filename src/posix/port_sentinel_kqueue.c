/*
 * port_sentinel_kqueue.c - macOS and the BSDs: a kqueue that holds one event, the end of one
 * process.
 */
#include "posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
/* after sys/types.h, which it needs on the BSDs */
#include <sys/event.h>
#include <unistd.h>

int xipc__sentinel_open(pid_t pid)
{
    int queue = xipc__fd_raise(kqueue());
    if (queue < 0) return -1;
    (void)fcntl(queue, F_SETFD, FD_CLOEXEC);
    struct kevent event;
    EV_SET(&event, (uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    if (kevent(queue, &event, 1, NULL, 0, NULL) == 0) return queue;
    int error = errno;
    (void)close(queue);
    errno = error;
    return -1;
}

void xipc__sentinel_disown(int sentinel)
{
    (void)sentinel; /* a kqueue is in no child: its number may be somebody else's there */
}

int xipc__sentinel_signal(int sentinel, pid_t pid, int signal)
{
    (void)sentinel;
    /* the number is the child's as long as it is not reaped, which only its owner does */
    return kill(pid, signal);
}
