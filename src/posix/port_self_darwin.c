/*
 * port_self_darwin.c - what macOS tells a process about itself.
 */
#include "posix/posix.h"

#include <errno.h>
#include <mach-o/dyld.h>
#include <mach/mach.h>
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
