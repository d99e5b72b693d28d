/*
 * port_memory.c - shared memory without a name: a section of the paging file, whose pages are
 * committed as they are needed. The system has no way to give a page of it back before the end.
 */
#include "win32/win32.h"

enum { GRAIN = 65536 };

/* The system keeps a table of all pages a section could have: 8 MiB for this size. */
#define MOST ((apr_uint64_t)4 << 30)

struct xipc__memory_t {
    HANDLE section;
    unsigned char *address;
    apr_uint64_t size;
};

static apr_status_t commit(unsigned char *address, SIZE_T size)
{
    if (VirtualAlloc(address, size, MEM_COMMIT, PAGE_READWRITE) == NULL) return xipc__win32_error();
    return APR_SUCCESS;
}

/* How large a view is: one stretch of pages after another, as long as they belong to it. */
static apr_uint64_t view_size(unsigned char *address)
{
    MEMORY_BASIC_INFORMATION about;
    apr_uint64_t size = 0;
    while (VirtualQuery(address + size, &about, sizeof about) == sizeof about &&
           about.AllocationBase == address && about.State != MEM_FREE)
        size += about.RegionSize;
    return size;
}

static apr_status_t map(xipc__memory_t **memory, HANDLE section, SIZE_T ready, apr_pool_t *pool)
{
    unsigned char *address = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
    if (address == NULL) return xipc__win32_error();
    apr_uint64_t size = view_size(address);
    apr_status_t rv = size < GRAIN || size % GRAIN != 0
                          ? xipc__fail(XIPC_EPROTOCOL, "the section is no memory of a queue")
                          : commit(address, ready < size ? ready : (SIZE_T)size);
    if (rv != APR_SUCCESS) {
        UnmapViewOfFile(address);
        return rv;
    }
    *memory = apr_palloc(pool, sizeof **memory);
    **memory = (xipc__memory_t){.section = section, .address = address, .size = size};
    return APR_SUCCESS;
}

apr_status_t xipc__port_memory_create(xipc__memory_t **memory, apr_uint64_t size, apr_size_t ready,
                                      apr_uint64_t id, apr_pool_t *pool)
{
    (void)id; /* others take handles out of a process that has them */
    HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE,
                                        (DWORD)(size >> 32), (DWORD)size, NULL);
    if (section == NULL) return xipc__win32_error();
    apr_status_t rv = map(memory, section, ready, pool);
    if (rv != APR_SUCCESS) CloseHandle(section);
    return rv;
}

apr_status_t xipc__port_memory_adopt(xipc__memory_t **memory, xipc__handle_t handle,
                                     apr_pool_t *pool)
{
    HANDLE section = xipc__win32_handle(handle);
    if (!xipc__win32_is_type(section, L"Section"))
        return xipc__fail(XIPC_EPROTOCOL, "the handle is no memory of a queue");
    return map(memory, section, GRAIN, pool);
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
    return xipc__win32_opaque(memory->section);
}

apr_status_t xipc__port_memory_ready(xipc__memory_t *memory, apr_uint64_t offset, apr_uint64_t size)
{
    return xipc__port_memory_commit(memory, offset, size);
}

apr_status_t xipc__port_memory_commit(xipc__memory_t *memory, apr_uint64_t offset,
                                      apr_uint64_t size)
{
    return commit(memory->address + offset, (SIZE_T)size);
}

void xipc__port_memory_discard(xipc__memory_t *memory, apr_uint64_t offset, apr_uint64_t size)
{
    (void)memory;
    (void)offset;
    (void)size;
}

void xipc__port_memory_close(xipc__memory_t *memory)
{
    UnmapViewOfFile(memory->address);
    CloseHandle(memory->section);
}

apr_uint64_t xipc__port_memory_most(void)
{
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    if (!GlobalMemoryStatusEx(&status) || status.ullTotalPhys > MOST) return MOST;
    return status.ullTotalPhys;
}
