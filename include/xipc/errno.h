/**
 * @file errno.h
 * @brief What can go wrong, by name.
 *
 * Every call returns an `apr_status_t`. A system's own error passes through unchanged (test it with
 * `APR_STATUS_IS_…`); what only this library knows has a code of its own, below. xipc_strerror()
 * gives the text for both, with the detail of the failure (which argument, which limit and its
 * value) where there is one.
 *
 * Python counterpart: the exceptions of `multiprocessing`, `queue.Full`, `queue.Empty`, `EOFError`.
 *
 * @code
 * char text[256];
 * apr_status_t rv = xipc_queue_create(&queue, 1000000, 0, pool);
 * if (rv != APR_SUCCESS) fprintf(stderr, "%s\n", xipc_strerror(rv, text, sizeof text));
 * @endcode
 */
#ifndef XIPC_ERRNO_H
#define XIPC_ERRNO_H

#include "xipc/export.h"

#include <apr_errno.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The first of xipc's codes, inside the range that APR leaves to applications. */
#define XIPC_ERROR_START (APR_OS_START_USERERR + 7000)

/** The queue was full until the timeout. Python: `queue.Full`. */
#define XIPC_EFULL (XIPC_ERROR_START + 1)
/** The queue was empty until the timeout. Python: `queue.Empty`. */
#define XIPC_EEMPTY (XIPC_ERROR_START + 2)
/** The object was closed by this process. */
#define XIPC_ECLOSED (XIPC_ERROR_START + 3)
/** A message ended in its middle, the other side's or ours: this direction can't go on. */
#define XIPC_EBROKEN (XIPC_ERROR_START + 4)
/** The message is over the buffer's size or the object's limit. Nothing was taken or sent. */
#define XIPC_EMSGSIZE (XIPC_ERROR_START + 5)
/** A limit of the system; the detail names it and its value. */
#define XIPC_ELIMIT (XIPC_ERROR_START + 6)
/** The object reaches another process only when that process starts, or over a connection. */
#define XIPC_EINHERIT (XIPC_ERROR_START + 7)
/** This process has more than one thread: a forked child would hold locks nobody releases. */
#define XIPC_ETHREADS (XIPC_ERROR_START + 8)
/** The lock is yours; its last owner died holding it. */
#define XIPC_EOWNERDEAD (XIPC_ERROR_START + 9)
/** The object belongs to another process. */
#define XIPC_ENOTOWNER (XIPC_ERROR_START + 10)
/** The other side did not prove that it knows the key. */
#define XIPC_EAUTH (XIPC_ERROR_START + 11)
/** The process that was to answer has died. */
#define XIPC_EDIED (XIPC_ERROR_START + 12)
/** The task returned an error of its own; the detail tells which. */
#define XIPC_EFAILED (XIPC_ERROR_START + 13)
/** This end of the connection only sends. */
#define XIPC_ENOTREADABLE (XIPC_ERROR_START + 14)
/** This end of the connection only receives. */
#define XIPC_ENOTWRITABLE (XIPC_ERROR_START + 15)
/** The module that holds the function is another build in the other process. */
#define XIPC_EBUILD (XIPC_ERROR_START + 16)
/** xipc_initialize() was not called, or not in time, in the program's `main`. */
#define XIPC_EINIT (XIPC_ERROR_START + 17)
/** The address is not a function of the program or of a loaded shared library. */
#define XIPC_ETARGET (XIPC_ERROR_START + 18)
/** The value has another type. */
#define XIPC_ETYPE (XIPC_ERROR_START + 19)
/** There is no value at that index. */
#define XIPC_EINDEX (XIPC_ERROR_START + 20)
/** The call does not fit the state of the object; the detail says why. */
#define XIPC_ESTATE (XIPC_ERROR_START + 21)
/** What another process sent is not what was agreed; it was not used. */
#define XIPC_EPROTOCOL (XIPC_ERROR_START + 22)

/**
 * Text for a status: xipc's own, APR's or the system's.
 *
 * Where the last failing xipc call of this thread returned @p status with a detail (an argument's
 * name, a limit's name and value), the detail follows the text after a colon.
 *
 * @param status  what a call returned
 * @param buffer  where the text goes, always ended by a NUL when @p size is not 0
 * @param size    bytes in @p buffer; a longer text is cut
 * @return @p buffer
 * @par Blocking  Never.
 * @par Threads   Any; the detail is the calling thread's own.
 */
XIPC_EXPORT const char *xipc_strerror(apr_status_t status, char *buffer, apr_size_t size);

#ifdef __cplusplus
}
#endif

#endif
