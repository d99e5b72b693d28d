/*
 * port_reserve_none.c - for systems that have no call for it (macOS, whose shared memory is as large
 * as its swap files).
 */
#include "posix/posix.h"

apr_status_t xipc__memory_reserve(int fd, off_t offset, off_t size)
{
    (void)fd;
    (void)offset;
    (void)size;
    return APR_SUCCESS;
}
