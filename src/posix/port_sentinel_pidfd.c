/*
 * port_sentinel_pidfd.c - Linux: a pidfd stands for one process, whatever its number is used for
 * later.
 */
#include "posix/posix.h"

#include <sys/syscall.h>
#include <unistd.h>

int xipc__sentinel_open(pid_t pid)
{
    return xipc__fd_raise((int)syscall(SYS_pidfd_open, pid, 0)); /* close-on-exec by itself */
}

void xipc__sentinel_disown(int sentinel)
{
    (void)close(sentinel);
}

int xipc__sentinel_signal(int sentinel, pid_t pid, int signal)
{
    (void)pid;
    return (int)syscall(SYS_pidfd_send_signal, sentinel, signal, NULL, 0);
}
