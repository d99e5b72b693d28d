/*
 * port_self_freebsd.c - what FreeBSD tells a process about itself.
 */
#include "posix/posix.h"

#include <errno.h>
#include <limits.h>
#include <sys/param.h>
#include <sys/types.h>
/* after these, which they need */
#include <sys/cpuset.h>
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
    cpuset_t set;
    long count = cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_PID, -1, sizeof set, &set) == 0
                     ? CPU_COUNT(&set)
                     : sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

int xipc__port_prefers_fork(void)
{
    return 1;
}

xipc__process_e xipc__process_born(apr_uint64_t *born, pid_t pid)
{
    struct kinfo_proc about;
    int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, pid};
    size_t size = sizeof about;
    if (sysctl(name, 4, &about, &size, NULL, 0) != 0)
        return errno == ESRCH ? XIPC__PROCESS_ENDED : XIPC__PROCESS_UNKNOWN;
    if (about.ki_stat == SZOMB) return XIPC__PROCESS_ENDED;
    *born = (apr_uint64_t)about.ki_start.tv_sec * 1000000U + (apr_uint64_t)about.ki_start.tv_usec;
    return XIPC__PROCESS_RUNS;
}

int xipc__port_processor(void)
{
    return -1;
}

apr_uint64_t xipc__port_memory_most(void)
{
    apr_uint64_t bytes = 0;
    size_t size = sizeof bytes;
    if (sysctlbyname("hw.physmem", &bytes, &size, NULL, 0) != 0 || size != sizeof bytes)
        return (apr_uint64_t)1 << 32;
    return bytes;
}
