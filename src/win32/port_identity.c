/*
 * port_identity.c - which process this is, and whether another one has ended.
 */
#include "win32/win32.h"

#include <stdatomic.h>

static apr_uint64_t compose(const xipc__win32_identity_t *who)
{
    /* of the 100 ns since 1601, those that tell apart whom a pid may have belonged to */
    return (apr_uint64_t)who->pid << 32 | ((who->born >> 10) & 0xffffffffU);
}

apr_uint64_t xipc__win32_identity_of(HANDLE process, DWORD pid)
{
    xipc__win32_identity_t who;
    if (xipc__win32_identify(&who, process) != APR_SUCCESS)
        who = (xipc__win32_identity_t){.pid = pid};
    return compose(&who);
}

apr_uint64_t xipc__port_identity(void)
{
    static _Atomic apr_uint64_t self;
    apr_uint64_t identity = atomic_load_explicit(&self, memory_order_relaxed);
    if (identity != 0) return identity;
    identity = xipc__win32_identity_of(GetCurrentProcess(), GetCurrentProcessId());
    atomic_store_explicit(&self, identity, memory_order_relaxed);
    return identity;
}

int xipc__port_identity_is_dead(apr_uint64_t identity)
{
    DWORD pid = (DWORD)(identity >> 32);
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, FALSE, pid);
    if (process == NULL) return pid == 0 || GetLastError() == ERROR_INVALID_PARAMETER;
    xipc__win32_identity_t who;
    int is_dead = WaitForSingleObject(process, 0) == WAIT_OBJECT_0;
    if (!is_dead && xipc__win32_identify(&who, process) == APR_SUCCESS)
        is_dead = compose(&who) != identity;
    CloseHandle(process);
    return is_dead;
}

apr_uint64_t xipc__port_process_space(void)
{
    return 0;
}
