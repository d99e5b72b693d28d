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

/* The status of a system error; that of GetLastError(). APR's own macros warn of a change of sign. */
apr_status_t xipc__win32_status(DWORD error);
apr_status_t xipc__win32_error(void);

/* ---- text ---- */

apr_status_t xipc__win32_wide(wchar_t **wide, const char *text, apr_pool_t *pool);
apr_status_t xipc__win32_utf8(char **text, const wchar_t *wide, apr_pool_t *pool);

/* The file of a module, of the program itself for NULL. Not shorter than it is: a path may have 32,767 characters. */
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

/* Handles beside a piece of bytes: how many bytes they take there at most. */
enum { XIPC__WIN32_PARCEL_MAX = 16 + XIPC__HANDLES_MAX * 8 };

/*
 * Write down `handles` for a process that can open this one, or for `receiver` when that is known. What is written down
 * are duplicates, so that the originals may be closed at once. `parcel` has room for XIPC__WIN32_PARCEL_MAX bytes.
 */
apr_status_t xipc__win32_parcel_pack(apr_size_t *used, unsigned char *parcel,
                                     const xipc__handles_t *handles, HANDLE receiver);

/* Close the duplicates of a parcel that was not sent. */
void xipc__win32_parcel_drop(const unsigned char *parcel, HANDLE receiver);

/*
 * Take the handles of a parcel that begins `size` bytes from another process; *used tells where it ends. Only one who
 * trusts the sender (a child its parent) may let it tell handles of this very process: `is_placed`.
 */
apr_status_t xipc__win32_parcel_unpack(apr_size_t *used, xipc__handles_t *handles,
                                       const unsigned char *parcel, apr_size_t size, int is_placed);

/* ---- streams ---- */

struct xipc__stream_t {
    HANDLE pipe;
    OVERLAPPED reading; /* its event lives as long as the stream; so does that of `writing` */
    OVERLAPPED
    writing; /* while is_shutting the marker of xipc__port_stream_shutdown is under way in it */
    unsigned char *
        inbox; /* one piece, made at the first read; a sender and a receiver may be at work at once, and a */
    unsigned char *outbox; /* pool can't serve both: they are malloc's */
    HANDLE child; /* where this is the parent's end of a boot stream: who reads, otherwise NULL */
    int is_boot;  /* this is a child's end of its boot stream */
    int is_ended; /* the writer said that no more comes */
    int is_shut;  /* this end said so */
    int is_shutting; /* and that is still under way */
};

/* The stream of a pipe end, which it owns from now on. */
apr_status_t xipc__win32_stream_make(xipc__stream_t **stream, HANDLE pipe, apr_pool_t *pool);

/* Two connected ends of a new pipe. */
apr_status_t xipc__win32_pipe_pair(HANDLE *first, HANDLE *second, int duplex);

/* Is it a pipe as xipc__win32_pipe_pair makes them? */
int xipc__win32_is_pipe(HANDLE handle);

/*
 * Look whether there is something to read, without taking anything. 1: there is. 0: the look goes on in `look`, whose
 * event is set when it ends; after that _seen tells, unless it was cancelled, that there is.
 */
int xipc__win32_stream_look(xipc__stream_t *stream, OVERLAPPED *look);
int xipc__win32_stream_seen(xipc__stream_t *stream, OVERLAPPED *look);

/* ---- processes ---- */

struct xipc__child_t {
    HANDLE process;
    DWORD pid;
};

#endif
