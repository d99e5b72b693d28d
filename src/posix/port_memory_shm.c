/*
 * port_memory_shm.c - shared memory whose name is taken away at once, unless it belongs to a queue
 * with a name (macOS, FreeBSD).
 *
 * Its size is set once; macOS refuses a second time. The memory of a range is not given back before
 * the end: macOS has no call for that.
 */
#include "posix/posix.h"

#include <apr_general.h>
#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GRAIN = 65536 };

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
    *memory = apr_palloc(pool, sizeof **memory);
    **memory = (xipc__memory_t){.fd = fd, .address = address, .size = size};
    return APR_SUCCESS;
}

static apr_status_t open_unnamed(int *fd)
{
    for (;;) {
        apr_uint64_t random;
        char name[32]; /* macOS takes 31 bytes */
        apr_status_t rv = apr_generate_random_bytes((unsigned char *)&random, sizeof random);
        if (rv != APR_SUCCESS) return rv;
        (void)apr_snprintf(name, sizeof name, "/xipc-%" APR_UINT64_T_HEX_FMT, random);
        /* close-on-exec by itself */
        *fd = xipc__fd_raise(shm_open(name, O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR));
        if (*fd >= 0) {
            (void)shm_unlink(name);
            return APR_SUCCESS;
        }
        if (errno != EEXIST) return APR_FROM_OS_ERROR(errno);
    }
}

apr_status_t xipc__port_memory_create(xipc__memory_t **memory, apr_uint64_t size, apr_size_t ready,
                                      apr_uint64_t id, apr_pool_t *pool)
{
    int fd;
    apr_status_t rv = id != 0 ? xipc__named_memory(&fd, id) : open_unnamed(&fd);
    if (rv != APR_SUCCESS) return rv;
    if (ftruncate(fd, (off_t)size) != 0) rv = APR_FROM_OS_ERROR(errno);
    if (rv == APR_SUCCESS) rv = xipc__memory_reserve(fd, 0, (off_t)ready);
    if (rv == APR_SUCCESS) rv = map(memory, fd, size, pool);
    if (rv != APR_SUCCESS) {
        (void)close(fd);
        if (id != 0) xipc__named_memory_forget(id);
    }
    return rv;
}

apr_status_t xipc__port_memory_adopt(xipc__memory_t **memory, xipc__handle_t handle,
                                     apr_pool_t *pool)
{
    struct stat about;
    if (fstat((int)handle, &about) != 0 || S_ISSOCK(about.st_mode) || S_ISFIFO(about.st_mode) ||
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
    return xipc__port_memory_commit(memory, offset, size);
}

apr_status_t xipc__port_memory_commit(xipc__memory_t *memory, apr_uint64_t offset,
                                      apr_uint64_t size)
{
    return xipc__memory_reserve(memory->fd, (off_t)offset, (off_t)size);
}

void xipc__port_memory_discard(xipc__memory_t *memory, apr_uint64_t offset, apr_uint64_t size)
{
    (void)memory;
    (void)offset;
    (void)size;
}

void xipc__port_memory_close(xipc__memory_t *memory)
{
    (void)munmap(memory->address, (size_t)memory->size);
    (void)close(memory->fd);
}
