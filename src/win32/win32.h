/*
 * win32.h - what the Windows files of the port share.
 */
#ifndef XIPC_WIN32_WIN32_H
#define XIPC_WIN32_WIN32_H

#include "core/port.h"

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

/* ---- errors ---- */

/* The status of a system error; that of GetLastError(). APR's own macros warn of a sign change. */
apr_status_t xipc__win32_status(DWORD error);
apr_status_t xipc__win32_error(void);

/* ---- text ---- */

apr_status_t xipc__win32_wide(wchar_t **wide, const char *text, apr_pool_t *pool);
apr_status_t xipc__win32_utf8(char **text, const wchar_t *wide, apr_pool_t *pool);

/* The file of a module, of the program itself for NULL: whole, up to 32,767 characters. */
apr_status_t xipc__win32_module_path(wchar_t **path, HMODULE module, apr_pool_t *pool);

/* ---- objects with a name, which Windows wants for pipes and mailslots ---- */

enum { XIPC__WIN32_NAME_MAX = 96 };

/* PREFIXxipc-PID-RANDOM: nobody can guess it, and a stranger's leftovers tell whose they are. */
apr_status_t xipc__win32_random_name(wchar_t name[XIPC__WIN32_NAME_MAX], const char *prefix);

/* Security attributes for an object that only this process's user may open. */
typedef struct {
    SECURITY_ATTRIBUTES attributes;
    SECURITY_DESCRIPTOR descriptor;
    union {
        TOKEN_USER user;
        unsigned char bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } owner;
    union {
        ACL acl;
        unsigned char bytes[sizeof(ACL) + sizeof(ACCESS_ALLOWED_ACE) + SECURITY_MAX_SID_SIZE];
    } list;
} xipc__win32_private_t;

/* It points into itself: not to be copied. */
apr_status_t xipc__win32_private(xipc__win32_private_t *only_me);

/* ---- waiting ---- */

/* WaitForMultipleObjects with a deadline; WAIT_TIMEOUT never comes before it. */
DWORD xipc__win32_wait(DWORD count, const HANDLE *handles, BOOL all, apr_time_t deadline);

/* Has the operation ended? The system writes its result behind the compiler's back. */
int xipc__win32_is_done(const OVERLAPPED *operation);

/* ---- handles ---- */

HANDLE xipc__win32_handle(xipc__handle_t handle);
xipc__handle_t xipc__win32_opaque(HANDLE handle);

/* Another handle for the same thing in this process; on request one that children inherit. */
apr_status_t xipc__win32_duplicate(HANDLE *copy, HANDLE handle, BOOL inheritable);

/* Is it a handle of that type ("Event", "Mutant", "Section", "File")? */
int xipc__win32_is_type(HANDLE handle, const wchar_t *type);

/* Is it the only handle, in all processes, of what it leads to? */
int xipc__win32_is_last(HANDLE handle);

/* ---- processes ---- */

struct xipc__child_t {
    HANDLE process;
    DWORD pid;
    HANDLE job;  /* that its bonds are made of; NULL without any */
    int is_told; /* by another process, how it ended */
    int exitcode;
};

/* A process, told by the time of its start from others that had or will have its number. */
typedef struct {
    apr_uint64_t born;
    apr_uint32_t pid;
} xipc__win32_identity_t;

/* The port's identity of a process; in port_identity.c. */
apr_uint64_t xipc__win32_identity_of(HANDLE process, DWORD pid);

apr_status_t xipc__win32_identify(xipc__win32_identity_t *who, HANDLE process);

/* Open a process to put handles there or take them. XIPC_EDIED: it has ended. */
enum {
    XIPC__WIN32_DUPLICATE_ACCESS =
        PROCESS_DUP_HANDLE | PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE
};
apr_status_t xipc__win32_identity_open(HANDLE *process, const xipc__win32_identity_t *who);

#endif
