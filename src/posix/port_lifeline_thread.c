/*
 * port_lifeline_thread.c - macOS and the BSDs: a thread waits for the other end to be gone.
 */
#include "posix/posix.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

static void *wait_and_die(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char byte;
    /* nothing is ever written to it; an error means that the program closed it */
    if (xipc__fd_wait(fd, POLLIN, XIPC__NEVER) == APR_SUCCESS && read(fd, &byte, 1) == 0)
        (void)kill(getpid(), SIGKILL);
    return NULL;
}

apr_status_t xipc__port_lifeline_hold(xipc__handle_t end)
{
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all); /* signals are for the program's own threads */
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error != 0) return APR_FROM_OS_ERROR(error);
    error = pthread_create(&thread, NULL, wait_and_die, (void *)(intptr_t)end);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) return APR_FROM_OS_ERROR(error);
    (void)pthread_detach(thread);
    return APR_SUCCESS;
}
