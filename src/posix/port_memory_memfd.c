/*
 * port_memory_memfd.c - shared memory without a name, whose size is sealed (Linux).
 */
#include "posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, GRAIN = 65536 };

struct xipc__memory_t {
    int fd;
    void *address;
    apr_uint64_t size;
};

static apr_status_t map(xipc__memory_t **memory, int fd, apr_uint64_t size, apr_pool_t *pool)
{
    if (size > SIZE_MAX / 2) return APR_ENOMEM;
    void *address = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) return APR_FROM_OS_ERROR(errno);
    (void)madvise(address, (size_t)size, MADV_DONTDUMP);
    *memory = apr_palloc(pool, sizeof **memory);
    **memory = (xipc__memory_t){.fd = fd, .address = address, .size = size};
    return APR_SUCCESS;
}

apr_status_t xipc__port_memory_create(xipc__memory_t **memory, apr_uint64_t size, apr_size_t ready,
                                      apr_uint64_t id, apr_pool_t *pool)
{
    (void)id;    /* others take handles out of a process that has them */
    (void)ready; /* pages come when they are touched */
    int fd = xipc__fd_raise(memfd_create("xipc", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0) return APR_FROM_OS_ERROR(errno);
    apr_status_t rv = APR_SUCCESS;
    if (ftruncate(fd, (off_t)size) != 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0)
        rv = APR_FROM_OS_ERROR(errno);
    if (rv == APR_SUCCESS) rv = map(memory, fd, size, pool);
    if (rv != APR_SUCCESS) (void)close(fd);
    return rv;
}

apr_status_t xipc__port_memory_adopt(xipc__memory_t **memory, xipc__handle_t handle,
                                     apr_pool_t *pool)
{
    struct stat about;
    int seals = fcntl((int)handle, F_GET_SEALS);
    /* without the seal its other owner could cut it off under us: SIGBUS */
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat((int)handle, &about) != 0 ||
        about.st_size < GRAIN || about.st_size % GRAIN != 0)
        return xipc__fail(XIPC_EPROTOCOL, "the descriptor is no memory of a queue");
    return map(memory, (int)handle, (apr_uint64_t)about.st_size, pool);
}

void *xipc__port_memory_address(const xipc__memory_t *memory)
{
    return memory->address;
}

apr_uint64_t xipc__port_memory_size(const xipc__memory_t *memory)
{
    return memory->size;
}

xipc__handle_t xipc__port_memory_handle(const xipc__memory_t *memory)
{
    return memory->fd;
}

apr_status_t xipc__port_memory_ready(xipc__memory_t *memory, apr_uint64_t offset, apr_uint64_t size)
{
    (void)memory; /* as at the making */
    (void)offset;
    (void)size;
    return APR_SUCCESS;
}

apr_status_t xipc__port_memory_commit(xipc__memory_t *memory, apr_uint64_t offset,
                                      apr_uint64_t size)
{
    while (fallocate(memory->fd, 0, (off_t)offset, (off_t)size) != 0)
        if (errno != EINTR) return APR_FROM_OS_ERROR(errno);
    return APR_SUCCESS;
}

void xipc__port_memory_discard(xipc__memory_t *memory, apr_uint64_t offset, apr_uint64_t size)
{
    (void)fallocate(memory->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                    (off_t)size);
}

void xipc__port_memory_close(xipc__memory_t *memory)
{
    (void)munmap(memory->address, (size_t)memory->size);
    (void)close(memory->fd);
}
