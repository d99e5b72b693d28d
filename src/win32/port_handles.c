/*
 * port_handles.c - handles: copies of them, and what they lead to.
 */
#include "win32/win32.h"

#include <string.h>
#include <winternl.h>

HANDLE xipc__win32_handle(xipc__handle_t handle)
{
    return (HANDLE)handle;
}

xipc__handle_t xipc__win32_opaque(HANDLE handle)
{
    return (xipc__handle_t)handle;
}

apr_status_t xipc__win32_duplicate(HANDLE *copy, HANDLE handle, BOOL inheritable)
{
    HANDLE self = GetCurrentProcess();
    if (!DuplicateHandle(self, handle, self, copy, 0, inheritable, DUPLICATE_SAME_ACCESS))
        return xipc__win32_error();
    return APR_SUCCESS;
}

void xipc__port_handle_close(xipc__handle_t handle)
{
    CloseHandle(xipc__win32_handle(handle));
}

int xipc__port_handle_is_open(xipc__handle_t handle)
{
    DWORD flags;
    return GetHandleInformation(xipc__win32_handle(handle), &flags) != 0;
}

apr_status_t xipc__port_handle_duplicate(xipc__handle_t *copy, xipc__handle_t handle)
{
    HANDLE duplicate;
    apr_status_t rv = xipc__win32_duplicate(&duplicate, xipc__win32_handle(handle), FALSE);
    if (rv == APR_SUCCESS) *copy = xipc__win32_opaque(duplicate);
    return rv;
}

/* ---- what they lead to ---- */

typedef NTSTATUS(NTAPI *query_object_t)(HANDLE, OBJECT_INFORMATION_CLASS, void *, ULONG, ULONG *);

/* NtQueryObject is documented, but MinGW does not link ntdll unless told. */
static int query(HANDLE handle, OBJECT_INFORMATION_CLASS what, void *answer, ULONG size)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    query_object_t call =
        ntdll != NULL ? (query_object_t)(uintptr_t)GetProcAddress(ntdll, "NtQueryObject") : NULL;
    return call != NULL && call(handle, what, answer, size, &size) >= 0;
}

int xipc__win32_is_type(HANDLE handle, const wchar_t *type)
{
    union {
        UNICODE_STRING name; /* what the answer begins with */
        unsigned char bytes[1024];
    } answer;
    if (!query(handle, ObjectTypeInformation, &answer, sizeof answer)) return 0;
    apr_size_t length = wcslen(type) * sizeof *type;
    return answer.name.Length == length && memcmp(answer.name.Buffer, type, length) == 0;
}

int xipc__win32_is_last(HANDLE handle)
{
    PUBLIC_OBJECT_BASIC_INFORMATION answer;
    return query(handle, ObjectBasicInformation, &answer, sizeof answer) && answer.HandleCount == 1;
}
