/* What the suites need from Windows; see system.h. */
#include "system.h"

#include <apr_strings.h>

#include <windows.h>

#include <tlhelp32.h>

#include <stdlib.h>
#include <string.h>

/* ---- the process itself ---- */

void system_prepare(void)
{
    (void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    /* the first name opens the directory of names, for good: no test shall be blamed for that */
    HANDLE named = CreateEventA(NULL, TRUE, FALSE, "Local\\xipc-test");
    if (named != NULL) (void)CloseHandle(named);
}

apr_time_t system_clock(void)
{
    LARGE_INTEGER now;
    LARGE_INTEGER frequency;
    (void)QueryPerformanceCounter(&now);
    (void)QueryPerformanceFrequency(&frequency);
    apr_int64_t seconds = now.QuadPart / frequency.QuadPart;
    apr_int64_t rest = now.QuadPart % frequency.QuadPart;
    return seconds * APR_USEC_PER_SEC + rest * APR_USEC_PER_SEC / frequency.QuadPart;
}

apr_int64_t system_pid(void)
{
    return GetCurrentProcessId();
}

apr_int64_t system_parent_pid(void)
{
    return 0;
}

int system_threads(void)
{
    return 0;
}

int system_processors(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return (int)info.dwNumberOfProcessors;
}

static DWORD_PTR processors_before;

int system_limit_processors(void)
{
    DWORD_PTR all;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &processors_before, &all)) return 0;
    DWORD_PTR lowest = processors_before & (~processors_before + 1);
    return SetProcessAffinityMask(GetCurrentProcess(), lowest) != 0;
}

void system_unlimit_processors(void)
{
    (void)SetProcessAffinityMask(GetCurrentProcess(), processors_before);
}

int system_has_fork(void)
{
    return 0;
}

/* A process costs far more here, under Wine above all. */
int system_rounds(int rounds)
{
    return rounds < 4 ? 1 : rounds / 4;
}

/* ---- ends ---- */

void system_crash(void)
{
    RaiseException(EXCEPTION_ILLEGAL_INSTRUCTION, EXCEPTION_NONCONTINUABLE, 0, NULL);
}

int system_crash_exitcode(void)
{
    return (int)EXCEPTION_ILLEGAL_INSTRUCTION;
}

void system_kill_self(void)
{
    (void)TerminateProcess(GetCurrentProcess(), 9);
}

int system_kill(apr_int64_t pid)
{
    HANDLE process = OpenProcess(PROCESS_TERMINATE, FALSE, (DWORD)pid);
    if (process == NULL) return 0;
    BOOL done = TerminateProcess(process, 9);
    (void)CloseHandle(process);
    return done != 0;
}

int system_suspend(apr_int64_t pid)
{
    (void)pid;
    return 0;
}

int system_resume(apr_int64_t pid)
{
    (void)pid;
    return 0;
}

int system_runs(apr_int64_t pid)
{
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)pid);
    if (process == NULL) return 0;
    DWORD state = WaitForSingleObject(process, 0);
    (void)CloseHandle(process);
    return state == WAIT_TIMEOUT;
}

/* ---- what is left behind ---- */

/* Under Wine they are. Windows opens some in its own libraries at their first use. */
int system_handles_are_exact(void)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != NULL;
}

/* Wine gives the lowest free number, so that the last one is not far beyond the others. */
static int probe_handles(void)
{
    enum { STEP = 4, GAP_MAX = 512 };
    int count = 0;
    int gap = 0;
    for (ULONG_PTR number = STEP; gap < GAP_MAX; number += STEP) {
        DWORD flags;
        gap++;
        if (!GetHandleInformation((HANDLE)number, &flags)) continue;
        count++;
        gap = 0;
    }
    return count;
}

/*
 * GetProcessHandleCount() is always 0 under Wine, and its server may crash when it is asked for a
 * list of all handles while processes start.
 */
int system_count_handles(void)
{
    DWORD count = 0;
    if (system_handles_are_exact()) return probe_handles();
    (void)GetProcessHandleCount(GetCurrentProcess(), &count);
    return (int)count;
}

apr_int64_t system_shared_memory(void)
{
    return -1;
}

apr_array_header_t *system_names(apr_pool_t *pool)
{
    return apr_array_make(pool, 1, sizeof(const char *));
}

int system_sees_queue_names(void)
{
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '\\');
    return slash != NULL ? slash + 1 : path;
}

/* Orphans are told by the name of their program, which is this one. */
int system_children(void)
{
    char self[MAX_PATH] = "";
    (void)GetModuleFileNameA(NULL, self, sizeof self);
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    if (snapshot == INVALID_HANDLE_VALUE) return 0;
    PROCESSENTRY32 entry;
    memset(&entry, 0, sizeof entry);
    entry.dwSize = sizeof entry;
    int count = 0;
    for (BOOL more = Process32First(snapshot, &entry); more;
         more = Process32Next(snapshot, &entry)) {
        if (entry.th32ProcessID == GetCurrentProcessId()) continue;
        count += _stricmp(base_name(entry.szExeFile), base_name(self)) == 0;
    }
    (void)CloseHandle(snapshot);
    return count;
}

/* ---- handles ---- */

int system_limit_handles(int spare)
{
    (void)spare;
    return 0;
}

void system_unlimit_handles(void)
{
}

int system_limit_queue_bytes(apr_size_t bytes)
{
    (void)bytes;
    return 0;
}

void system_unlimit_queue_bytes(void)
{
}

int system_limit_queues(int count)
{
    (void)count;
    return 0;
}

void system_unlimit_queues(void)
{
}

int system_limit_memory(apr_size_t spare)
{
    (void)spare;
    return 0;
}

void system_unlimit_memory(void)
{
}

int system_open_inheritable(const char *path, apr_os_file_t *handles, int count)
{
    SECURITY_ATTRIBUTES inheritable = {sizeof inheritable, NULL, TRUE};
    for (int i = 0; i < count; i++) {
        handles[i] =
            CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                        &inheritable, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
        if (handles[i] != INVALID_HANDLE_VALUE) continue;
        system_close_raw(handles, i);
        return 0;
    }
    return 1;
}

int system_open_signal(apr_os_file_t handles[2])
{
    HANDLE self = GetCurrentProcess();
    handles[0] = CreateEventW(NULL, TRUE, FALSE, NULL);
    return handles[0] != NULL &&
           DuplicateHandle(self, handles[0], self, &handles[1], 0, FALSE, DUPLICATE_SAME_ACCESS);
}

int system_signal(const apr_os_file_t handles[2])
{
    return SetEvent(handles[1]) != 0;
}

int system_open_pulse(apr_os_file_t handles[2])
{
    HANDLE self = GetCurrentProcess();
    handles[0] = CreateEventW(NULL, FALSE, FALSE, NULL);
    return handles[0] != NULL &&
           DuplicateHandle(self, handles[0], self, &handles[1], 0, FALSE, DUPLICATE_SAME_ACCESS);
}

int system_close_standard(void)
{
    return 0;
}

void system_reopen_standard(void)
{
}

int system_is_above_standard(apr_os_file_t handle)
{
    (void)handle;
    return 1;
}

void system_close_raw(apr_os_file_t *handles, int count)
{
    for (int i = 0; i < count; i++) (void)CloseHandle(handles[i]);
}

int system_holds_file(const char *path)
{
    const char *wanted = strrchr(path, '/');
    wanted = base_name(wanted != NULL ? wanted + 1 : path);
    for (apr_uintptr_t value = 4; value < 0x4000; value += 4) {
        HANDLE handle = (HANDLE)value;
        char found[MAX_PATH * 2] = "";
        if (GetFileType(handle) != FILE_TYPE_DISK) continue;
        DWORD size = GetFinalPathNameByHandleA(handle, found, sizeof found, FILE_NAME_NORMALIZED);
        if (size == 0 || size >= sizeof found) continue;
        if (_stricmp(base_name(found), wanted) == 0) return 1;
    }
    return 0;
}

int system_is_inheritable(apr_os_file_t handle)
{
    DWORD flags = 0;
    return !GetHandleInformation(handle, &flags) || (flags & HANDLE_FLAG_INHERIT) != 0;
}

/* The user of this process; 0 on failure. */
static BOOL own_user(TOKEN_USER *user, DWORD size)
{
    HANDLE token;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return FALSE;
    BOOL done = GetTokenInformation(token, TokenUser, user, size, &size);
    (void)CloseHandle(token);
    return done;
}

int system_is_open_to_others(apr_os_file_t handle)
{
    union {
        TOKEN_USER user;
        SECURITY_DESCRIPTOR descriptor;
        char bytes[512];
    } own, found;
    BOOL has_list, is_default;
    ACL *list = NULL;
    ACCESS_ALLOWED_ACE *entry;
    DWORD size;
    if (!own_user(&own.user, sizeof own) ||
        !GetKernelObjectSecurity(handle, DACL_SECURITY_INFORMATION, &found, sizeof found, &size) ||
        !GetSecurityDescriptorDacl(&found, &has_list, &list, &is_default))
        return 1;
    return !has_list || list == NULL || list->AceCount != 1 || !GetAce(list, 0, (void **)&entry) ||
           entry->Header.AceType != ACCESS_ALLOWED_ACE_TYPE ||
           !EqualSid(&entry->SidStart, own.user.User.Sid);
}

/* One transfer on an overlapped handle; 0 on failure. */
static DWORD transfer(HANDLE handle, void *buffer, const void *data, apr_size_t size)
{
    OVERLAPPED overlapped;
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
    if (overlapped.hEvent == NULL) return 0;
    BOOL begun = buffer != NULL ? ReadFile(handle, buffer, (DWORD)size, NULL, &overlapped)
                                : WriteFile(handle, data, (DWORD)size, NULL, &overlapped);
    DWORD done = 0;
    if (begun || GetLastError() == ERROR_IO_PENDING)
        (void)GetOverlappedResult(handle, &overlapped, &done, TRUE);
    (void)CloseHandle(overlapped.hEvent);
    return done;
}

int system_grant_all(int is_granted)
{
    (void)is_granted;
    return 0;
}

int system_is_file_open_to_others(const char *path)
{
    (void)path;
    return 0;
}

int system_raw_write(apr_os_file_t handle, const void *data, apr_size_t size)
{
    return transfer(handle, NULL, data, size) == size;
}

int system_raw_read(apr_os_file_t handle, void *data, apr_size_t size)
{
    char *at = data;
    while (size > 0) {
        DWORD done = transfer(handle, at, NULL, size);
        if (done == 0) return 0;
        at += done;
        size -= done;
    }
    return 1;
}

/* ---- signals ---- */

int system_signals_begin(void)
{
    return 0;
}

int system_signals_end(void)
{
    return 0;
}

int system_ignore_children(int ignore)
{
    (void)ignore;
    return 0;
}
