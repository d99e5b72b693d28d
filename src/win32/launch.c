/*
 * launch.c - CreateProcessW.
 */
#include "win32/launch.h"

#include <stdlib.h>
#include <string.h>

/* ---- what it is given ---- */

apr_status_t xipc__launch_path(wchar_t **path, const char *program, apr_pool_t *pool)
{
    if (program == NULL) {
        apr_status_t rv = xipc__win32_module_path(path, NULL, pool);
        if (rv != APR_SUCCESS) return rv;
    } else {
        apr_status_t rv = xipc__win32_wide(path, program, pool);
        if (rv != APR_SUCCESS) return rv;
    }
    if (wcsncmp(*path, L"\\\\", 2) == 0) return APR_SUCCESS;

    static const wchar_t prefix[] = L"\\\\?\\";
    const apr_size_t skip = sizeof prefix / sizeof prefix[0] - 1;
    DWORD size = GetFullPathNameW(*path, 0, NULL, NULL);
    wchar_t *full = apr_palloc(pool, (skip + size) * sizeof *full);
    DWORD length = GetFullPathNameW(*path, size, full + skip, NULL);
    if (length == 0) return xipc__win32_error();
    if (length >= size) return APR_ENAMETOOLONG; /* the current directory changed meanwhile */
    if (length < MAX_PATH)
        full += skip;
    else
        memcpy(full, prefix, skip * sizeof *full);
    *path = full;
    return APR_SUCCESS;
}

apr_status_t xipc__launch_inherit(HANDLE *copy, xipc__launch_t *launch, HANDLE handle)
{
    *copy = NULL;
    if (handle == NULL || handle == INVALID_HANDLE_VALUE) return APR_SUCCESS;
    apr_status_t rv = xipc__win32_duplicate(copy, handle, TRUE);
    /* a standard stream that was closed leaves its number behind */
    if (rv == xipc__win32_status(ERROR_INVALID_HANDLE)) return APR_SUCCESS;
    if (rv == APR_SUCCESS) launch->inherited[launch->count++] = *copy;
    return rv;
}

apr_status_t xipc__launch_streams(xipc__launch_t *launch,
                                  const HANDLE streams[XIPC__STANDARD_STREAMS])
{
    static const DWORD names[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    STARTUPINFOW *info = &launch->startup.StartupInfo;
    HANDLE *given[] = {&info->hStdInput, &info->hStdOutput, &info->hStdError};
    apr_status_t rv = APR_SUCCESS;
    info->dwFlags |= STARTF_USESTDHANDLES;
    for (int i = 0; rv == APR_SUCCESS && i < XIPC__STANDARD_STREAMS; i++)
        rv = xipc__launch_inherit(given[i], launch,
                                  streams[i] != NULL ? streams[i] : GetStdHandle(names[i]));
    return rv;
}

static apr_status_t attribute_list(xipc__launch_t *launch, apr_pool_t *pool)
{
    SIZE_T size = 0;
    (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    LPPROC_THREAD_ATTRIBUTE_LIST list = apr_palloc(pool, size);
    if (!InitializeProcThreadAttributeList(list, 1, 0, &size)) return xipc__win32_error();
    launch->startup.lpAttributeList = list;
    if (!UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, launch->inherited,
                                   launch->count * sizeof launch->inherited[0], NULL, NULL))
        return xipc__win32_error();
    return APR_SUCCESS;
}

void xipc__launch_clean(xipc__launch_t *launch)
{
    if (launch->startup.lpAttributeList != NULL)
        DeleteProcThreadAttributeList(launch->startup.lpAttributeList);
    launch->startup.lpAttributeList = NULL;
    while (launch->count > 0) CloseHandle(launch->inherited[--launch->count]);
}

/* ---- the start ---- */

/*
 * The job that makes the bonds; NULL for none. For life it ends its processes when its last handle
 * is closed, by whatever end of this process; only those of a group take in whom they start.
 */
static apr_status_t make_job(HANDLE *job, int bonds)
{
    *job = NULL;
    if (bonds == 0) return APR_SUCCESS;
    *job = CreateJobObjectW(NULL, NULL);
    if (*job == NULL) return xipc__win32_error();

    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    DWORD *flags = &limits.BasicLimitInformation.LimitFlags;
    if (bonds & XIPC__BOND_LIFE) *flags |= JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    if (!(bonds & XIPC__BOND_GROUP)) *flags |= JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    if (SetInformationJobObject(*job, JobObjectExtendedLimitInformation, &limits, sizeof limits))
        return APR_SUCCESS;
    apr_status_t rv = xipc__win32_error();
    CloseHandle(*job);
    return rv;
}

/* Remember who reads the boot stream: handles are put there before it can say so itself. */
static apr_status_t know_reader(xipc__stream_t *boot, HANDLE process)
{
    HANDLE self = GetCurrentProcess();
    if (!DuplicateHandle(self, process, self, &boot->child, XIPC__WIN32_DUPLICATE_ACCESS, FALSE, 0))
        return xipc__win32_error();
    return APR_SUCCESS;
}

/*
 * The new process, which waits to be let go, into its job; and the boot stream's reader is known.
 */
static apr_status_t settle(const PROCESS_INFORMATION *started, xipc__stream_t *boot, HANDLE job)
{
    apr_status_t rv = APR_SUCCESS;
    if (job != NULL && !AssignProcessToJobObject(job, started->hProcess))
        return xipc__win32_error();
    if (boot != NULL) rv = know_reader(boot, started->hProcess);
    if (rv != APR_SUCCESS) return rv;
    return ResumeThread(started->hThread) == (DWORD)-1 ? xipc__win32_error() : APR_SUCCESS;
}

static apr_status_t create(PROCESS_INFORMATION *started, xipc__launch_t *launch,
                           apr_pool_t *scratch)
{
    const DWORD flags =
        EXTENDED_STARTUPINFO_PRESENT | CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT;
    launch->startup.StartupInfo.cb = sizeof launch->startup;
    apr_status_t rv = launch->count > 0 ? attribute_list(launch, scratch) : APR_SUCCESS;
    if (rv != APR_SUCCESS) return rv;
    return CreateProcessW(launch->program, launch->command, NULL, NULL, launch->count > 0, flags,
                          launch->environment, launch->directory, &launch->startup.StartupInfo,
                          started)
               ? APR_SUCCESS
               : xipc__win32_error();
}

apr_status_t xipc__launch_run(xipc__child_t **child, xipc__launch_t *launch, xipc__stream_t *boot,
                              apr_pool_t *scratch, apr_pool_t *pool)
{
    HANDLE job;
    PROCESS_INFORMATION started = {0};
    apr_status_t rv = make_job(&job, launch->bonds);
    if (rv != APR_SUCCESS) return rv;
    rv = create(&started, launch, scratch);
    if (rv == APR_SUCCESS) {
        rv = settle(&started, boot, job);
        CloseHandle(started.hThread);
        if (rv != APR_SUCCESS) {
            TerminateProcess(started.hProcess, EXIT_FAILURE);
            CloseHandle(started.hProcess);
        }
    }
    if (rv != APR_SUCCESS) {
        if (job != NULL) CloseHandle(job);
        return rv;
    }
    xipc__child_t *made = apr_palloc(pool, sizeof *made);
    *made = (xipc__child_t){.process = started.hProcess, .pid = started.dwProcessId, .job = job};
    *child = made;
    return APR_SUCCESS;
}
