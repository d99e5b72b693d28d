/*
 * port_self_darwin.c - what macOS tells a process about itself.
 */
#include "posix/posix.h"

#include <errno.h>
#include <mach-o/dyld.h>
#include <mach/mach.h>
#include <sys/sysctl.h>
#include <unistd.h>

const char *xipc__self_image(apr_pool_t *pool)
{
    uint32_t size = 0;
    (void)_NSGetExecutablePath(NULL, &size);
    char *path = apr_palloc(pool, size);
    if (_NSGetExecutablePath(path, &size) == 0) return path;
    errno = ENOENT;
    return NULL;
}

int xipc__port_threads(void)
{
    thread_act_array_t threads;
    mach_msg_type_number_t count = 1;
    if (task_threads(mach_task_self(), &threads, &count) != KERN_SUCCESS) return 1;
    for (mach_msg_type_number_t i = 0; i < count; i++)
        (void)mach_port_deallocate(mach_task_self(), threads[i]);
    (void)vm_deallocate(mach_task_self(), (vm_address_t)threads, count * sizeof threads[0]);
    return (int)count;
}

int xipc__port_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

int xipc__port_prefers_fork(void)
{
    return 0; /* the system's frameworks are not made for it */
}

xipc__process_e xipc__process_born(apr_uint64_t *born, pid_t pid)
{
    struct kinfo_proc about;
    int name[] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, pid};
    size_t size = sizeof about;
    if (sysctl(name, 4, &about, &size, NULL, 0) != 0) return XIPC__PROCESS_UNKNOWN;
    if (size == 0 || about.kp_proc.p_stat == SZOMB) return XIPC__PROCESS_ENDED;
    *born = (apr_uint64_t)about.kp_proc.p_starttime.tv_sec * 1000000U +
            (apr_uint64_t)about.kp_proc.p_starttime.tv_usec;
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
    if (sysctlbyname("hw.memsize", &bytes, &size, NULL, 0) != 0 || size != sizeof bytes)
        return (apr_uint64_t)1 << 32;
    return bytes;
}
