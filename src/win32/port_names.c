/*
 * port_names.c - entries of names: sections with a name, each guarded by a mutex with a name. Who
 * has the queue keeps its section open, so that the system removes it with the last of them. What
 * the name stands for has none itself: a process that has it is asked for duplicates.
 */
#include "win32/win32.h"

#include <apr_strings.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <winternl.h>

struct xipc__name_t {
    HANDLE mutex;
    HANDLE section;
    unsigned char *view;
};

enum { WIDE_MAX = 256, PREFIX_MAX = 32 };

/* The names are ASCII. */
static void widen(wchar_t wide[WIDE_MAX], const char *text)
{
    apr_size_t i = 0;
    do wide[i] = (wchar_t)text[i];
    while (text[i++] != '\0');
}

/* The last number of the user's identifier tells the users of one session apart, mostly. */
static const char *user_prefix(char buffer[PREFIX_MAX], xipc__win32_private_t *only_me)
{
    PSID user = only_me->owner.user.User.Sid;
    DWORD last = *GetSidSubAuthority(user, (DWORD)*GetSidSubAuthorityCount(user) - 1);
    (void)apr_snprintf(buffer, PREFIX_MAX, "xipc-%lu-", last);
    return buffer;
}

static void object_name(wchar_t wide[WIDE_MAX], const char *kind, const char *text,
                        xipc__win32_private_t *only_me)
{
    char prefix[PREFIX_MAX];
    char name[WIDE_MAX];
    (void)apr_snprintf(name, sizeof name, "Local\\%s%s%s", kind, user_prefix(prefix, only_me),
                       text);
    widen(wide, name);
}

/* ---- locking ---- */

static apr_status_t explain(const char *text)
{
    apr_status_t rv = xipc__win32_error();
    if (rv == xipc__win32_status(ERROR_ACCESS_DENIED))
        return xipc__fail(APR_EACCES, "the name \"%s\" is another user's", text);
    if (rv == xipc__win32_status(ERROR_INVALID_HANDLE))
        return xipc__fail(XIPC_EPROTOCOL, "the name \"%s\" is something else's", text);
    return rv;
}

/* It may be anybody's who came first. */
static apr_status_t check_owner(HANDLE object, xipc__win32_private_t *only_me, const char *text)
{
    union {
        SECURITY_DESCRIPTOR descriptor;
        unsigned char bytes[512];
    } about;
    DWORD size;
    PSID owner;
    BOOL is_default;
    if (!GetKernelObjectSecurity(object, OWNER_SECURITY_INFORMATION, &about, sizeof about, &size) ||
        !GetSecurityDescriptorOwner(&about, &owner, &is_default))
        return xipc__win32_error();
    if (owner == NULL || !EqualSid(owner, only_me->owner.user.User.Sid))
        return xipc__fail(APR_EACCES, "the name \"%s\" is another user's", text);
    return APR_SUCCESS;
}

static apr_status_t lock_mutex(xipc__name_t *name, const char *text, xipc__win32_private_t *only_me,
                               apr_time_t deadline)
{
    wchar_t wide[WIDE_MAX];
    object_name(wide, "lock-", text, only_me);
    name->mutex = CreateMutexW(&only_me->attributes, FALSE, wide);
    if (name->mutex == NULL) return explain(text);
    DWORD found = xipc__win32_wait(1, &name->mutex, FALSE, deadline);
    if (found == WAIT_OBJECT_0 || found == WAIT_ABANDONED_0) return APR_SUCCESS;
    apr_status_t rv =
        found == WAIT_TIMEOUT
            ? xipc__fail(APR_TIMEUP, "the name \"%s\" is locked by a process that does not go on",
                         text)
            : xipc__win32_error();
    CloseHandle(name->mutex);
    return rv;
}

static apr_status_t map_section(xipc__name_t *name, const char *text)
{
    MEMORY_BASIC_INFORMATION about;
    name->view = MapViewOfFile(name->section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
    if (name->view == NULL) return xipc__win32_error();
    if (VirtualQuery(name->view, &about, sizeof about) == sizeof about &&
        about.State == MEM_COMMIT && about.RegionSize >= XIPC__NAME_SIZE)
        return APR_SUCCESS;
    UnmapViewOfFile(name->view);
    return xipc__fail(XIPC_EPROTOCOL, "the name \"%s\" is something else's", text);
}

static apr_status_t open_section(xipc__name_t *name, const char *text,
                                 xipc__win32_private_t *only_me, int may_make)
{
    wchar_t wide[WIDE_MAX];
    object_name(wide, "", text, only_me);
    name->section =
        may_make ? CreateFileMappingW(INVALID_HANDLE_VALUE, &only_me->attributes, PAGE_READWRITE, 0,
                                      XIPC__NAME_SIZE, wide)
                 : OpenFileMappingW(FILE_MAP_READ | FILE_MAP_WRITE | READ_CONTROL, FALSE, wide);
    if (name->section == NULL)
        return GetLastError() == ERROR_FILE_NOT_FOUND ? APR_ENOENT : explain(text);
    apr_status_t rv = check_owner(name->section, only_me, text);
    if (rv == APR_SUCCESS) rv = map_section(name, text);
    if (rv != APR_SUCCESS) CloseHandle(name->section);
    return rv;
}

apr_status_t xipc__port_name_lock(xipc__name_t **name, const char *text, int may_make,
                                  apr_time_t deadline)
{
    xipc__win32_private_t only_me;
    xipc__name_t made;
    apr_status_t rv = xipc__win32_private(&only_me);
    if (rv == APR_SUCCESS) rv = lock_mutex(&made, text, &only_me, deadline);
    if (rv != APR_SUCCESS) return rv;
    rv = open_section(&made, text, &only_me, may_make);
    if (rv == APR_SUCCESS) {
        *name = malloc(sizeof **name);
        if (*name != NULL) {
            **name = made;
            return APR_SUCCESS;
        }
        rv = APR_ENOMEM;
        UnmapViewOfFile(made.view);
        CloseHandle(made.section);
    }
    ReleaseMutex(made.mutex);
    CloseHandle(made.mutex);
    return rv;
}

void xipc__port_name_unlock(xipc__name_t *name)
{
    UnmapViewOfFile(name->view);
    CloseHandle(name->section);
    ReleaseMutex(name->mutex);
    CloseHandle(name->mutex);
    free(name);
}

/* ---- what is in it ---- */

apr_status_t xipc__port_name_read(apr_size_t *got, xipc__name_t *name, void *buffer,
                                  apr_size_t size)
{
    *got = size < XIPC__NAME_SIZE ? size : XIPC__NAME_SIZE;
    memcpy(buffer, name->view, *got);
    return APR_SUCCESS;
}

/* The first word says whether the others count: it comes last, a death in between changes nothing. */
static void write_line(unsigned char *place, const void *bytes)
{
    apr_uint64_t first;
    memcpy(&first, bytes, sizeof first);
    memcpy(place + sizeof first, (const char *)bytes + sizeof first,
           XIPC__NAME_LINE - sizeof first);
    atomic_store((_Atomic apr_uint64_t *)(void *)place, first);
}

apr_status_t xipc__port_name_write(xipc__name_t *name, const void *bytes, apr_size_t offset)
{
    write_line(name->view + offset, bytes);
    return APR_SUCCESS;
}

/* The head last: who finds it without the rest removes it again. */
void xipc__port_name_remove(xipc__name_t *name)
{
    static const unsigned char nothing[XIPC__NAME_LINE] = {0};
    memset(name->view + sizeof nothing, 0, XIPC__NAME_SIZE - sizeof nothing);
    write_line(name->view, nothing);
}

apr_status_t xipc__port_name_anchor(xipc__handle_t *anchor, xipc__name_t *name)
{
    return xipc__port_handle_duplicate(anchor, xipc__win32_opaque(name->section));
}

/* ---- all of them ---- */

typedef NTSTATUS(NTAPI *open_directory_t)(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *);
typedef NTSTATUS(NTAPI *query_directory_t)(HANDLE, void *, ULONG, BOOLEAN, BOOLEAN, ULONG *,
                                           ULONG *);

enum { DIRECTORY_READS = 1 };

static FARPROC native(const char *name)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    return ntdll != NULL ? GetProcAddress(ntdll, name) : NULL;
}

/* Where the names of this session are. */
static apr_status_t open_directory(HANDLE *directory)
{
    DWORD session = 0;
    char path[64] = "\\BaseNamedObjects";
    wchar_t wide[WIDE_MAX];
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    open_directory_t call = (open_directory_t)(uintptr_t)native("NtOpenDirectoryObject");
    if (call == NULL) return APR_ENOTIMPL;
    if (ProcessIdToSessionId(GetCurrentProcessId(), &session) && session != 0)
        (void)apr_snprintf(path, sizeof path, "\\Sessions\\%lu\\BaseNamedObjects", session);
    widen(wide, path);
    name.Buffer = wide;
    name.Length = (USHORT)(wcslen(wide) * sizeof *wide);
    name.MaximumLength = name.Length;
    InitializeObjectAttributes(&attributes, &name, 0, NULL, NULL);
    NTSTATUS status = call(directory, DIRECTORY_READS, &attributes);
    return status >= 0 ? APR_SUCCESS
                       : xipc__fail(APR_EGENERAL, "%s: status %lx", path, (unsigned long)status);
}

/* The rest of a name that begins like ours; NULL for others. */
static const char *own_part(const UNICODE_STRING *name, const char *prefix, apr_pool_t *pool)
{
    apr_size_t length = name->Length / sizeof *name->Buffer;
    apr_size_t skip = strlen(prefix);
    if (length <= skip || length >= WIDE_MAX) return NULL;
    char *text = apr_palloc(pool, length + 1);
    for (apr_size_t i = 0; i < length; i++) text[i] = (char)(name->Buffer[i] & 0x7f);
    text[length] = '\0';
    return strncmp(text, prefix, skip) == 0 ? text + skip : NULL;
}

apr_status_t xipc__port_name_list(apr_array_header_t *texts, apr_pool_t *pool)
{
    union {
        UNICODE_STRING strings[2]; /* the name, and the type */
        unsigned char bytes[4096];
    } entry;
    char prefix[PREFIX_MAX];
    HANDLE directory;
    ULONG context = 0;
    ULONG length;
    xipc__win32_private_t only_me;
    query_directory_t call = (query_directory_t)(uintptr_t)native("NtQueryDirectoryObject");
    if (call == NULL) return APR_ENOTIMPL;
    apr_status_t rv = xipc__win32_private(&only_me);
    if (rv == APR_SUCCESS) rv = open_directory(&directory);
    if (rv != APR_SUCCESS) return rv;
    (void)user_prefix(prefix, &only_me);
    /* one at a time; anything but 0 ends it */
    while (call(directory, &entry, sizeof entry, TRUE, FALSE, &context, &length) == 0) {
        const char *text = own_part(&entry.strings[0], prefix, pool);
        if (text != NULL) APR_ARRAY_PUSH(texts, const char *) = text;
    }
    CloseHandle(directory);
    return APR_SUCCESS;
}

/* ---- what a name stands for ---- */

static apr_status_t open_holder(HANDLE *process, apr_uint64_t identity)
{
    DWORD pid = (DWORD)(identity >> 32);
    *process = OpenProcess(XIPC__WIN32_DUPLICATE_ACCESS, FALSE, pid);
    if (*process == NULL) {
        if (GetLastError() == ERROR_INVALID_PARAMETER) return APR_ENOENT;
        apr_status_t rv = xipc__win32_error();
        return xipc__fail(rv, "process %lu, which has the queue, can't be opened", pid);
    }
    if (xipc__win32_identity_of(*process, pid) == identity) return APR_SUCCESS;
    CloseHandle(*process);
    return APR_ENOENT;
}

apr_status_t xipc__port_name_take(xipc__handles_t *handles, apr_uint64_t identity,
                                  const apr_uint32_t *numbers, apr_size_t count, apr_uint64_t id)
{
    HANDLE process;
    apr_size_t before = handles->count;
    (void)id;
    apr_status_t rv = open_holder(&process, identity);
    if (rv != APR_SUCCESS) return rv;
    for (apr_size_t i = 0; rv == APR_SUCCESS && i < count; i++) {
        HANDLE copy;
        HANDLE there = (HANDLE)(uintptr_t)numbers[i];
        if (DuplicateHandle(process, there, GetCurrentProcess(), &copy, 0, FALSE,
                            DUPLICATE_SAME_ACCESS))
            handles->items[handles->count++] = xipc__win32_opaque(copy);
        else
            rv = GetLastError() == ERROR_INVALID_HANDLE ? APR_ENOENT : xipc__win32_error();
    }
    CloseHandle(process);
    if (rv != APR_SUCCESS)
        while (handles->count > before) xipc__port_handle_close(handles->items[--handles->count]);
    return rv;
}

void xipc__port_name_forget(apr_uint64_t id)
{
    (void)id;
}
