/*
 * launch.h - CreateProcessW with an exact list of what the child inherits, and a job for its bonds.
 */
#ifndef XIPC_WIN32_LAUNCH_H
#define XIPC_WIN32_LAUNCH_H

#include "win32/stream.h"

/* What a child is given; what is not set is NULL. */
typedef struct {
    wchar_t *program;
    wchar_t *command;
    wchar_t *environment;
    wchar_t *directory;
    int bonds;
    STARTUPINFOEXW startup;
    /* the only inheritable handles, made for this start: also of a boot stream */
    HANDLE inherited[1 + XIPC__STANDARD_STREAMS + XIPC__PROGRAM_HANDLES_MAX];
    DWORD count;
} xipc__launch_t;

/* The file to run (NULL: this program), as a path that may be longer than MAX_PATH. */
apr_status_t xipc__launch_path(wchar_t **path, const char *program, apr_pool_t *pool);

/* A handle for the child to inherit; NULL when there is none, as in a program without a console. */
apr_status_t xipc__launch_inherit(HANDLE *copy, xipc__launch_t *launch, HANDLE handle);

/* The standard streams; NULL for this process's own. */
apr_status_t xipc__launch_streams(xipc__launch_t *launch,
                                  const HANDLE streams[XIPC__STANDARD_STREAMS]);

/* Start it. `boot`, if any, gets to know who reads it before the child runs. */
apr_status_t xipc__launch_run(xipc__child_t **child, xipc__launch_t *launch, xipc__stream_t *boot,
                              apr_pool_t *scratch, apr_pool_t *pool);

/* Also after a start that failed, or was never tried. */
void xipc__launch_clean(xipc__launch_t *launch);

#endif
