/*
 * errno.c - the texts of xipc's own errors, and the detail of a thread's last failure.
 */
#include "xipc/errno.h"

#include "core/fail.h"

#include <apr_strings.h>

#include <stdarg.h>

static const char *const texts[] = {
    [XIPC_EFULL - XIPC_ERROR_START] = "the queue is full",
    [XIPC_EEMPTY - XIPC_ERROR_START] = "the queue is empty",
    [XIPC_ECLOSED - XIPC_ERROR_START] = "the object is closed",
    [XIPC_EBROKEN - XIPC_ERROR_START] = "the connection broke in mid-message",
    [XIPC_EMSGSIZE - XIPC_ERROR_START] = "the message does not fit",
    [XIPC_ELIMIT - XIPC_ERROR_START] = "a limit of the system is in the way",
    [XIPC_EINHERIT - XIPC_ERROR_START] =
        "queues and connections should only be shared between processes through inheritance",
    [XIPC_ETHREADS - XIPC_ERROR_START] = "fork is refused in a process with more than one thread",
    [XIPC_EOWNERDEAD - XIPC_ERROR_START] = "the last owner died holding it",
    [XIPC_ENOTOWNER - XIPC_ERROR_START] = "the object belongs to another process",
    [XIPC_EAUTH - XIPC_ERROR_START] = "the other side did not prove that it knows the key",
    [XIPC_EDIED - XIPC_ERROR_START] = "the process that was to answer has died",
    [XIPC_EFAILED - XIPC_ERROR_START] = "the task returned an error",
    [XIPC_ENOTREADABLE - XIPC_ERROR_START] = "this end of the connection only sends",
    [XIPC_ENOTWRITABLE - XIPC_ERROR_START] = "this end of the connection only receives",
    [XIPC_EBUILD - XIPC_ERROR_START] = "the other process has another build of the module",
    [XIPC_EINIT - XIPC_ERROR_START] = "xipc_initialize was not called at the beginning of main",
    [XIPC_ETARGET - XIPC_ERROR_START] = "not a function of the program or of a shared library",
    [XIPC_ETYPE - XIPC_ERROR_START] = "the value has another type",
    [XIPC_EINDEX - XIPC_ERROR_START] = "there is no value at this index",
    [XIPC_ESTATE - XIPC_ERROR_START] = "the call does not fit the state of the object",
    [XIPC_EPROTOCOL - XIPC_ERROR_START] = "what another process sent is not what was agreed",
};

enum { TEXTS = sizeof texts / sizeof texts[0] };

/* The last failure of this thread that came with a detail. */
static _Thread_local struct {
    apr_status_t status;
    char text[256];
} last;

apr_status_t xipc__fail(apr_status_t status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)apr_vsnprintf(last.text, sizeof last.text, format, arguments);
    va_end(arguments);
    last.status = status;
    return status;
}

apr_status_t xipc__fail_null(const char *name)
{
    return xipc__fail(APR_EINVAL, "%s is NULL", name);
}

const char *xipc__fail_detail(apr_status_t status)
{
    return last.status == status ? last.text : "";
}

const char *xipc_strerror(apr_status_t status, char *buffer, apr_size_t size)
{
    if (size == 0) return buffer;
    apr_status_t index = status - XIPC_ERROR_START;
    if (index > 0 && index < TEXTS)
        (void)apr_cpystrn(buffer, texts[index], size);
    else
        (void)apr_strerror(status, buffer, size);

    const char *detail = xipc__fail_detail(status);
    if (status != APR_SUCCESS && *detail != '\0') {
        apr_size_t used = strlen(buffer);
        (void)apr_snprintf(buffer + used, size - used, ": %s", detail);
    }
    return buffer;
}
