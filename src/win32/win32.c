/*
 * win32.c - what the Windows files of the port share.
 */
#include "win32/win32.h"

#include <apr_general.h>
#include <apr_strings.h>

#include <limits.h>

apr_status_t xipc__win32_status(DWORD error)
{
    return error == ERROR_SUCCESS ? APR_SUCCESS : APR_OS_START_SYSERR + (apr_status_t)error;
}

apr_status_t xipc__win32_error(void)
{
    return xipc__win32_status(GetLastError());
}

/* ---- text ---- */

apr_status_t xipc__win32_wide(wchar_t **wide, const char *text, apr_pool_t *pool)
{
    int count = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    if (count <= 0) return xipc__win32_error();

    wchar_t *buffer = apr_palloc(pool, (apr_size_t)count * sizeof *buffer);
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, buffer, count) <= 0)
        return xipc__win32_error();
    *wide = buffer;
    return APR_SUCCESS;
}

apr_status_t xipc__win32_utf8(char **text, const wchar_t *wide, apr_pool_t *pool)
{
    int count = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, NULL, 0, NULL, NULL);
    if (count <= 0) return xipc__win32_error();

    char *buffer = apr_palloc(pool, (apr_size_t)count);
    if (WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, buffer, count, NULL, NULL) <=
        0)
        return xipc__win32_error();
    *text = buffer;
    return APR_SUCCESS;
}

apr_status_t xipc__win32_module_path(wchar_t **path, HMODULE module, apr_pool_t *pool)
{
    for (DWORD size = MAX_PATH; size <= 65536; size *= 2) {
        wchar_t *buffer = apr_palloc(pool, size * sizeof *buffer);
        DWORD length = GetModuleFileNameW(module, buffer, size);
        if (length == 0) return xipc__win32_error();
        /* a path that was cut fills the buffer; not every version sets an error then */
        if (length < size) {
            *path = buffer;
            return APR_SUCCESS;
        }
    }
    return APR_ENAMETOOLONG;
}

apr_status_t xipc__win32_random_name(wchar_t name[XIPC__WIN32_NAME_MAX], const char *prefix)
{
    apr_uint32_t random[4];
    apr_status_t rv = apr_generate_random_bytes((unsigned char *)random, sizeof random);
    if (rv != APR_SUCCESS) return rv;

    char text[XIPC__WIN32_NAME_MAX];
    (void)apr_snprintf(text, sizeof text, "%sxipc-%lu-%08x%08x%08x%08x", prefix,
                       GetCurrentProcessId(), random[0], random[1], random[2], random[3]);
    apr_size_t i = 0;
    do name[i] = (wchar_t)text[i]; /* it is ASCII */
    while (text[i++] != '\0');
    return APR_SUCCESS;
}

/* ---- security ---- */

/* The user this process runs as. */
static apr_status_t own_user(void *buffer, DWORD size)
{
    HANDLE token;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return xipc__win32_error();
    BOOL ok = GetTokenInformation(token, TokenUser, buffer, size, &size);
    apr_status_t rv = ok ? APR_SUCCESS : xipc__win32_error();
    CloseHandle(token);
    return rv;
}

apr_status_t xipc__win32_private(xipc__win32_private_t *only_me)
{
    apr_status_t rv = own_user(&only_me->owner, sizeof only_me->owner);
    if (rv != APR_SUCCESS) return rv;

    PSID owner = only_me->owner.user.User.Sid;
    SECURITY_DESCRIPTOR *descriptor = &only_me->descriptor;
    ACL *list = &only_me->list.acl;
    /* the owner is not left to the system: an administrator's objects would belong to a group */
    if (!InitializeAcl(list, sizeof only_me->list, ACL_REVISION) ||
        !AddAccessAllowedAce(list, ACL_REVISION, GENERIC_ALL, owner) ||
        !InitializeSecurityDescriptor(descriptor, SECURITY_DESCRIPTOR_REVISION) ||
        !SetSecurityDescriptorOwner(descriptor, owner, FALSE) ||
        !SetSecurityDescriptorDacl(descriptor, TRUE, list, FALSE))
        return xipc__win32_error();
    only_me->attributes.nLength = sizeof only_me->attributes;
    only_me->attributes.lpSecurityDescriptor = descriptor;
    only_me->attributes.bInheritHandle = FALSE;
    return APR_SUCCESS;
}

/* ---- waiting ---- */

DWORD xipc__win32_wait(DWORD count, const HANDLE *handles, BOOL all, apr_time_t deadline)
{
    for (;;) {
        /* -1, for ever, becomes INFINITE */
        DWORD found =
            WaitForMultipleObjects(count, handles, all, (DWORD)xipc__remaining_ms(deadline));
        /* the system counts in clock ticks and may be up to one early */
        if (found != WAIT_TIMEOUT || xipc__remaining(deadline) == 0) return found;
    }
}

int xipc__win32_is_done(const OVERLAPPED *operation)
{
    const volatile ULONG_PTR *status = &operation->Internal;
    return *status != (ULONG_PTR)STATUS_PENDING;
}

/* ---- processes ---- */

apr_status_t xipc__win32_identify(xipc__win32_identity_t *who, HANDLE process)
{
    FILETIME created, ended, kernel, user;
    if (!GetProcessTimes(process, &created, &ended, &kernel, &user)) return xipc__win32_error();
    who->born = (apr_uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
    who->pid = GetProcessId(process);
    return APR_SUCCESS;
}

apr_status_t xipc__win32_identity_open(HANDLE *process, const xipc__win32_identity_t *who)
{
    HANDLE opened = OpenProcess(XIPC__WIN32_DUPLICATE_ACCESS, FALSE, who->pid);
    /* how the system says that there is no such process */
    if (opened == NULL && GetLastError() != ERROR_INVALID_PARAMETER) return xipc__win32_error();

    xipc__win32_identity_t found = {0, 0};
    if (opened == NULL || xipc__win32_identify(&found, opened) != APR_SUCCESS ||
        found.born != who->born) {
        if (opened != NULL) CloseHandle(opened);
        return xipc__fail(XIPC_EDIED, "the process that kept handles has ended");
    }
    *process = opened;
    return APR_SUCCESS;
}
