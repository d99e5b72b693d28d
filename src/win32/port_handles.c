/*
 * port_handles.c - handles, and how they travel from process to process.
 *
 * A handle is a number in one process's table. The sender makes duplicates and writes their numbers beside its pid; the
 * receiver moves them over (DUPLICATE_CLOSE_SOURCE). Where the sender knows the receiver, as a parent its child, it puts
 * them there itself: then nothing is left over when the child dies before it has read.
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

apr_status_t xipc__port_handle_duplicate(xipc__handle_t *copy, xipc__handle_t handle)
{
    HANDLE duplicate;
    apr_status_t rv = xipc__win32_duplicate(&duplicate, xipc__win32_handle(handle), FALSE);
    if (rv == APR_SUCCESS) *copy = xipc__win32_opaque(duplicate);
    return rv;
}

typedef NTSTATUS(NTAPI *query_object_t)(HANDLE, OBJECT_INFORMATION_CLASS, void *, ULONG, ULONG *);

int xipc__win32_is_type(HANDLE handle, const wchar_t *type)
{
    /* documented, but MinGW does not link ntdll unless told */
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    query_object_t query =
        ntdll != NULL ? (query_object_t)(uintptr_t)GetProcAddress(ntdll, "NtQueryObject") : NULL;
    union {
        UNICODE_STRING name; /* what the answer begins with */
        unsigned char bytes[1024];
    } answer;
    ULONG size = sizeof answer;
    if (query == NULL || query(handle, ObjectTypeInformation, &answer, size, &size) < 0) return 0;

    apr_size_t length = wcslen(type) * sizeof *type;
    return answer.name.Length == length && memcmp(answer.name.Buffer, type, length) == 0;
}

/* ---- parcels ---- */

/* What a parcel begins with; the numbers of the handles follow, 8 bytes each. */
typedef struct {
    apr_uint32_t pid; /* 0: the handles are the receiver's already */
    apr_uint32_t count;
    apr_uint64_t born; /* when the sender started: a pid alone may mean another process by now */
} parcel_t;

/* Numbers stand unaligned among bytes. */
static apr_uint64_t number_get(const unsigned char *parcel, apr_size_t index)
{
    apr_uint64_t number;
    memcpy(&number, parcel + sizeof(parcel_t) + index * sizeof number, sizeof number);
    return number;
}

static void number_set(unsigned char *parcel, apr_size_t index, HANDLE handle)
{
    apr_uint64_t number = (uintptr_t)handle;
    memcpy(parcel + sizeof(parcel_t) + index * sizeof number, &number, sizeof number);
}

static apr_status_t birth(apr_uint64_t *when, HANDLE process)
{
    FILETIME created, ended, kernel, user;
    if (!GetProcessTimes(process, &created, &ended, &kernel, &user)) return xipc__win32_error();
    *when = (apr_uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
    return APR_SUCCESS;
}

/* Take the handle out of the process that holds it; NULL for `taken` just closes it there. */
static BOOL take(HANDLE *taken, HANDLE process, apr_uint64_t number)
{
    HANDLE there = (HANDLE)(uintptr_t)number;
    HANDLE here = taken != NULL ? GetCurrentProcess() : NULL;
    return DuplicateHandle(process, there, here, taken, 0, FALSE,
                           DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE);
}

static void drop(const unsigned char *parcel, apr_size_t count, HANDLE receiver)
{
    HANDLE holder = receiver != NULL ? receiver : GetCurrentProcess();
    for (apr_size_t i = 0; i < count; i++) (void)take(NULL, holder, number_get(parcel, i));
}

apr_status_t xipc__win32_parcel_pack(apr_size_t *used, unsigned char *parcel,
                                     const xipc__handles_t *handles, HANDLE receiver)
{
    HANDLE self = GetCurrentProcess();
    parcel_t head = {receiver != NULL ? 0 : GetCurrentProcessId(), (apr_uint32_t)handles->count, 0};
    apr_status_t rv = birth(&head.born, self);
    if (rv != APR_SUCCESS) return rv;

    memcpy(parcel, &head, sizeof head);
    for (apr_size_t i = 0; i < handles->count; i++) {
        HANDLE copy;
        if (!DuplicateHandle(self, xipc__win32_handle(handles->items[i]),
                             receiver != NULL ? receiver : self, &copy, 0, FALSE,
                             DUPLICATE_SAME_ACCESS)) {
            rv = xipc__win32_error();
            drop(parcel, i, receiver);
            /* nothing can be put into a process that has ended */
            return receiver != NULL && WaitForSingleObject(receiver, 0) == WAIT_OBJECT_0 ? APR_EPIPE
                                                                                         : rv;
        }
        number_set(parcel, i, copy);
    }
    *used = sizeof head + handles->count * 8;
    return APR_SUCCESS;
}

void xipc__win32_parcel_drop(const unsigned char *parcel, HANDLE receiver)
{
    parcel_t head;
    memcpy(&head, parcel, sizeof head);
    drop(parcel, head.count, receiver);
}

static apr_status_t sender_ended(void)
{
    return xipc__fail(XIPC_EBROKEN, "the process that sent handles has ended");
}

/* Open the process a parcel came from. */
static apr_status_t open_sender(HANDLE *sender, const parcel_t *head)
{
    const DWORD access = PROCESS_DUP_HANDLE | PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE;
    HANDLE process = OpenProcess(access, FALSE, head->pid);
    if (process == NULL) {
        apr_status_t rv = xipc__win32_error();
        /* how the system says that there is no such process */
        if (rv != xipc__win32_status(ERROR_INVALID_PARAMETER)) return rv;
        return sender_ended();
    }
    apr_uint64_t born = 0;
    apr_status_t rv = birth(&born, process);
    if (rv == APR_SUCCESS && born != head->born) rv = sender_ended();
    if (rv != APR_SUCCESS) {
        CloseHandle(process);
        return rv;
    }
    *sender = process;
    return APR_SUCCESS;
}

static apr_status_t why_not_taken(HANDLE sender)
{
    if (WaitForSingleObject(sender, 0) == WAIT_OBJECT_0) return sender_ended();
    return xipc__fail(XIPC_EPROTOCOL, "a handle that came is none");
}

/* Add the handles to those of the caller: all, or none. */
static apr_status_t take_all(xipc__handles_t *handles, const unsigned char *parcel,
                             apr_size_t count, HANDLE sender)
{
    apr_size_t before = handles->count;
    apr_status_t rv = APR_SUCCESS;
    if (count > XIPC__HANDLES_MAX - before)
        rv = xipc__fail(XIPC_EPROTOCOL, "more handles came than were expected");
    for (apr_size_t i = 0; i < count; i++) {
        HANDLE taken;
        BOOL ok = take(rv == APR_SUCCESS ? &taken : NULL, sender, number_get(parcel, i));
        if (rv != APR_SUCCESS) continue;
        if (ok)
            handles->items[handles->count++] = xipc__win32_opaque(taken);
        else
            rv = why_not_taken(sender);
    }
    if (rv != APR_SUCCESS)
        while (handles->count > before) xipc__port_handle_close(handles->items[--handles->count]);
    return rv;
}

apr_status_t xipc__win32_parcel_unpack(apr_size_t *used, xipc__handles_t *handles,
                                       const unsigned char *parcel, apr_size_t size, int is_placed)
{
    parcel_t head;
    if (size < sizeof head) return xipc__fail(XIPC_EPROTOCOL, "a piece with handles is too short");
    memcpy(&head, parcel, sizeof head);
    if (head.count > XIPC__HANDLES_MAX || size - sizeof head < (apr_size_t)head.count * 8)
        return xipc__fail(XIPC_EPROTOCOL, "a piece with handles is too short");

    apr_status_t rv;
    if (head.pid == 0) {
        /* a stranger could otherwise make us close handles of our own */
        if (!is_placed) return xipc__fail(XIPC_EPROTOCOL, "a piece names handles of its receiver");
        rv = take_all(handles, parcel, head.count, GetCurrentProcess());
    } else {
        HANDLE sender = NULL;
        rv = open_sender(&sender, &head);
        if (rv != APR_SUCCESS) return rv;
        rv = take_all(handles, parcel, head.count, sender);
        CloseHandle(sender);
    }
    if (rv == APR_SUCCESS) *used = sizeof head + (apr_size_t)head.count * 8;
    return rv;
}
