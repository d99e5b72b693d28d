/*
 * port_reserve_fallocate.c - memory that is there when it is touched (Linux, FreeBSD).
 */
#include "posix/posix.h"

#include <errno.h>
#include <fcntl.h>

apr_status_t xipc__memory_reserve(int fd, off_t offset, off_t size)
{
    int error;
    do error = posix_fallocate(fd, offset, size);
    while (error == EINTR);
    /* not every system does it for shared memory: there it is as without the call */
    if (error == EINVAL || error == ENODEV || error == EOPNOTSUPP) return APR_SUCCESS;
    return APR_FROM_OS_ERROR(error);
}
