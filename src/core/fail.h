/*
 * fail.h - an error with a detail for people to read.
 */
#ifndef XIPC_CORE_FAIL_H
#define XIPC_CORE_FAIL_H

#include "xipc/errno.h"

/*
 * Remember a detail for this thread (printf-like, as apr_snprintf formats) and return the status,
 * so that a failing function ends with `return xipc__fail(…)`. xipc_strerror() shows the detail
 * while it is the thread's last one.
 */
apr_status_t xipc__fail(apr_status_t status, const char *format, ...);

/* The most common one: APR_EINVAL, "NAME is NULL". */
apr_status_t xipc__fail_null(const char *name);

/* The detail of this thread's last failure when it was for `status`, otherwise "". */
const char *xipc__fail_detail(apr_status_t status);

#endif
