/*
 * port_process.c - processes: CreateProcessW with an exact list of what the child inherits.
 */
#include "win32/launch.h"
#include "win32/stream.h"

#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>

/*
 * TerminateProcess tells no signal; these exit codes stand for one. No program returns them by
 * chance: they are larger than what a C program's exit codes are on other systems.
 */
enum { SIGNAL_CODE = 0x10000, SIGNAL_KILL = 9, SIGNAL_TERMINATE = 15 };

/* ---- this process ---- */

int xipc__port_threads(void)
{
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    if (snapshot == INVALID_HANDLE_VALUE) return 1;

    THREADENTRY32 entry = {.dwSize = sizeof entry};
    int count = 0;
    for (BOOL ok = Thread32First(snapshot, &entry); ok; ok = Thread32Next(snapshot, &entry))
        if (entry.th32OwnerProcessID == GetCurrentProcessId()) count++;
    CloseHandle(snapshot);
    return count > 0 ? count : 1;
}

int xipc__port_processors(void)
{
    DWORD_PTR own = 0, all = 0;
    int count = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &own, &all))
        for (; own != 0; own &= own - 1) count++;
    /* the mask is 0 where the process runs in more than one group of processors */
    return count > 0 ? count : (int)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
}

int xipc__port_has_fork(void)
{
    return 0;
}

int xipc__port_prefers_fork(void)
{
    return 0;
}

pid_t xipc__port_self(void)
{
    return (pid_t)GetCurrentProcessId();
}

apr_status_t xipc__port_child_fork(xipc__child_t **child, int bonds, apr_pool_t *pool)
{
    (void)child, (void)bonds, (void)pool;
    return xipc__fail(APR_ENOTIMPL, "Windows has no fork");
}

int xipc__port_needs_lifeline(void)
{
    return 0; /* a job has it */
}

apr_status_t xipc__port_lifeline_hold(xipc__handle_t end)
{
    (void)end;
    return xipc__fail(APR_ENOTIMPL, "Windows has jobs for that");
}

/* ---- starting ---- */

/*
 * "NAME" OPTION HANDLE. The first word has rules of its own: a quote can't be escaped, and a
 * backslash before the closing quote escapes it for some C libraries and not for others. Neither
 * may come up.
 */
static apr_status_t command_line(wchar_t **command, const char *name, HANDLE boot, apr_pool_t *pool)
{
    char *word = apr_pstrdup(pool, name);
    for (char *at = word; *at != '\0'; at++)
        if (*at == '"') *at = '\'';
    apr_size_t length = strlen(word);
    while (length > 0 && word[length - 1] == '\\') word[--length] = '/';
    /* handles have 32 significant bits, also in a 64-bit process */
    char *line = apr_psprintf(pool, "\"%s\" " XIPC__CHILD_OPTION " %lx", word, HandleToULong(boot));
    return xipc__win32_wide(command, line, pool);
}

static apr_status_t open_boot(xipc__stream_t **boot, HANDLE *end, apr_pool_t *pool)
{
    HANDLE here;
    apr_status_t rv = xipc__win32_pipe_pair(&here, end, 1);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__win32_stream_make(boot, here, pool);
    if (rv != APR_SUCCESS) {
        CloseHandle(here);
        CloseHandle(*end);
    }
    return rv;
}

static apr_status_t prepare(xipc__launch_t *launch, HANDLE boot, const char *program,
                            const char *name, apr_pool_t *pool)
{
    static const HANDLE own[XIPC__STANDARD_STREAMS] = {NULL, NULL, NULL};
    HANDLE end;
    apr_status_t rv = xipc__launch_path(&launch->program, program, pool);
    if (rv == APR_SUCCESS) rv = xipc__launch_inherit(&end, launch, boot);
    if (rv == APR_SUCCESS) rv = xipc__launch_streams(launch, own);
    return rv == APR_SUCCESS ? command_line(&launch->command, name, end, pool) : rv;
}

apr_status_t xipc__port_child_spawn(xipc__child_t **child, xipc__stream_t **boot,
                                    const char *program, const char *name, int bonds,
                                    apr_pool_t *pool)
{
    HANDLE end;
    apr_pool_t *scratch;
    xipc__launch_t launch = {.bonds = bonds};
    apr_status_t rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = open_boot(boot, &end, pool);
    if (rv == APR_SUCCESS) {
        rv = prepare(&launch, end, program, name, scratch);
        if (rv == APR_SUCCESS) rv = xipc__launch_run(child, &launch, *boot, scratch, pool);
        xipc__launch_clean(&launch);
        CloseHandle(end);
        if (rv != APR_SUCCESS) xipc__port_stream_close(*boot);
    }
    apr_pool_destroy(scratch);
    return rv;
}

/* A handle's number in hexadecimal, and nothing else. */
static HANDLE parse_handle(const char *text)
{
    const char *end = text + strspn(text, "0123456789abcdef");
    if (end == text || *end != '\0' || (apr_size_t)(end - text) > 2 * sizeof(HANDLE)) return NULL;
    return (HANDLE)(uintptr_t)strtoull(text, NULL, 16);
}

apr_status_t xipc__port_boot_open(xipc__stream_t **boot, const char *argument, apr_pool_t *pool)
{
    HANDLE pipe = parse_handle(argument);
    if (pipe == NULL || !xipc__win32_is_pipe(pipe))
        return xipc__fail(XIPC_EINIT, "%s %s does not name a pipe of this process",
                          XIPC__CHILD_OPTION, argument);
    if (!SetHandleInformation(pipe, HANDLE_FLAG_INHERIT, 0)) return xipc__win32_error();

    xipc__stream_t *stream;
    apr_status_t rv = xipc__win32_stream_make(&stream, pipe, pool);
    if (rv != APR_SUCCESS) return rv;
    *boot = stream;
    return APR_SUCCESS;
}

/* ---- a child's life ---- */

apr_status_t xipc__port_child_adopt(xipc__child_t **child, pid_t pid, int bonds, apr_pool_t *pool)
{
    (void)bonds; /* only a forkserver has children with bonds for others to adopt */
    HANDLE process =
        OpenProcess(SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid);
    if (process == NULL) return xipc__win32_error();
    xipc__child_t *made = apr_pcalloc(pool, sizeof *made);
    made->process = process;
    made->pid = (DWORD)pid;
    *child = made;
    return APR_SUCCESS;
}

apr_uint64_t xipc__port_child_identity(xipc__child_t *child)
{
    if (WaitForSingleObject(child->process, 0) == WAIT_OBJECT_0) return 0;
    return xipc__win32_identity_of(child->process, child->pid);
}

/* One that has ended, as far as can be seen: an object that is signalled. */
static apr_status_t make_ended(xipc__child_t **child, pid_t pid, apr_pool_t *pool)
{
    HANDLE event = CreateEventW(NULL, TRUE, TRUE, NULL);
    if (event == NULL) return xipc__win32_error();
    *child = apr_palloc(pool, sizeof **child);
    **child = (xipc__child_t){.process = event, .pid = (DWORD)pid};
    return APR_SUCCESS;
}

apr_status_t xipc__port_child_find(xipc__child_t **child, pid_t pid, apr_uint64_t identity,
                                   apr_pool_t *pool)
{
    const DWORD access = SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_TERMINATE;
    HANDLE process = identity == 0 ? NULL : OpenProcess(access, FALSE, (DWORD)pid);
    if (process == NULL) {
        if (identity != 0 && !xipc__port_identity_is_dead(identity)) return xipc__win32_error();
        return make_ended(child, pid, pool);
    }
    if (xipc__win32_identity_of(process, (DWORD)pid) != identity) {
        CloseHandle(process);
        return make_ended(child, pid, pool);
    }
    *child = apr_palloc(pool, sizeof **child);
    **child = (xipc__child_t){.process = process, .pid = (DWORD)pid};
    return APR_SUCCESS;
}

void xipc__port_child_tell(xipc__child_t *child, int exitcode)
{
    child->is_told = 1;
    child->exitcode = exitcode;
}

apr_status_t xipc__port_child_wait(xipc__child_t *child, apr_time_t deadline)
{
    DWORD found = xipc__win32_wait(1, &child->process, FALSE, deadline);
    if (found == WAIT_OBJECT_0) return APR_SUCCESS;
    return found == WAIT_TIMEOUT ? APR_TIMEUP : xipc__win32_error();
}

apr_status_t xipc__port_child_exitcode(int *exitcode, const xipc__child_t *child)
{
    DWORD code;
    if (child->is_told) {
        *exitcode = child->exitcode;
        return APR_SUCCESS;
    }
    if (!GetExitCodeProcess(child->process, &code)) return xipc__win32_error();
    if (code == (SIGNAL_CODE | SIGNAL_KILL))
        *exitcode = -SIGNAL_KILL;
    else if (code == (SIGNAL_CODE | SIGNAL_TERMINATE))
        *exitcode = -SIGNAL_TERMINATE;
    else
        *exitcode = (int)code;
    return APR_SUCCESS;
}

pid_t xipc__port_child_pid(const xipc__child_t *child)
{
    return (pid_t)child->pid;
}

xipc__handle_t xipc__port_child_sentinel(xipc__child_t *child)
{
    return xipc__win32_opaque(child->process);
}

apr_status_t xipc__port_child_stop(xipc__child_t *child, xipc__stop_e how)
{
    if (xipc__port_child_wait(child, 0) == APR_SUCCESS && how != XIPC__STOP_GROUP)
        return APR_SUCCESS;
    if (how == XIPC__STOP_INTERRUPT)
        return xipc__fail(APR_ENOTIMPL, "this system can't interrupt one process alone");
    if (how == XIPC__STOP_GROUP)
        return TerminateJobObject(child->job, SIGNAL_CODE | SIGNAL_KILL) ? APR_SUCCESS
                                                                         : xipc__win32_error();
    UINT code = SIGNAL_CODE | (how == XIPC__STOP_KILL ? SIGNAL_KILL : SIGNAL_TERMINATE);
    if (TerminateProcess(child->process, code)) return APR_SUCCESS;
    /* our handle grants everything, so this means that it has ended or is about to */
    return GetLastError() == ERROR_ACCESS_DENIED ? APR_SUCCESS : xipc__win32_error();
}

void xipc__port_child_close(xipc__child_t *child)
{
    CloseHandle(child->process);
    if (child->job != NULL) CloseHandle(child->job);
}

void xipc__port_child_disown(xipc__child_t *child)
{
    (void)child; /* there is no fork */
}

void xipc__port_exit(int code)
{
    (void)fflush(NULL);
    ExitProcess((UINT)code);
}
