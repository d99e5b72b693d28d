/*
 * program.h - the inside of a process object that stands for another program.
 */
#ifndef XIPC_CORE_PROGRAM_H
#define XIPC_CORE_PROGRAM_H

#include "core/port.h"
#include "core/process.h"
#include "xipc/program.h"

/* In xipc_process_start(), for a process with a program. */
apr_status_t xipc__program_start(xipc_process_t *process);

/* For a port: the system did not start it, for its own sake or its directory's. */
apr_status_t xipc__program_fail(apr_status_t status, const xipc__command_t *command);

/* At the end of the object. */
void xipc__program_close(xipc__program_t *program);

/* In xipc_initialize(): what this program was given, out of its environment. */
void xipc__program_take_inherited(void);

#endif
