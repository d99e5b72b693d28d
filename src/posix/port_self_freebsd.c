/*
 * port_self_freebsd.c - what FreeBSD tells a process about itself.
 */
#include "posix/posix.h"

#include <errno.h>
#include <limits.h>
#include <sys/types.h>
/* after sys/types.h, which they need */
#include <sys/sysctl.h>
#include <sys/user.h>
#include <unistd.h>

const char *xipc__self_image(apr_pool_t *pool)
{
    int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, -1};
    size_t size = PATH_MAX;
    char *path = apr_palloc(pool, size);
    return sysctl(name, 4, path, &size, NULL, 0) == 0 ? path : NULL;
}

int xipc__port_threads(void)
{
    struct kinfo_proc self;
    int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, getpid()};
    size_t size = sizeof self;
    return sysctl(name, 4, &self, &size, NULL, 0) == 0 && self.ki_numthreads > 1
               ? self.ki_numthreads
               : 1;
}

int xipc__port_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

int xipc__port_prefers_fork(void)
{
    return 1;
}
