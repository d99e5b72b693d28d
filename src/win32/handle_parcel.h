/*
 * handle_parcel.h - handles beside bytes, on their way to another process.
 *
 * A handle is a number in the table of one process. The sender puts duplicates into the receiver's
 * table, where it knows the receiver, or into its own; the parcel tells where they are, and the
 * receiver moves them to where it wants them (DUPLICATE_CLOSE_SOURCE).
 *
 * The receiver believes the numbers: whoever could send wrong ones is a process of the same user,
 * which may open this one and do as much.
 */
#ifndef XIPC_WIN32_HANDLE_PARCEL_H
#define XIPC_WIN32_HANDLE_PARCEL_H

#include "win32/win32.h"

/* What a parcel begins with; the numbers of the handles follow, 8 bytes each. */
typedef struct {
    xipc__win32_identity_t holder; /* the process whose handles they are */
    apr_uint32_t count;
} xipc__handle_parcel_head_t;

enum {
    XIPC__HANDLE_PARCEL_MAX = sizeof(xipc__handle_parcel_head_t) + XIPC__HANDLES_MAX * 8,
};

typedef struct {
    unsigned char bytes[XIPC__HANDLE_PARCEL_MAX];
    apr_size_t size;
    HANDLE holder; /* not the parcel's */
} xipc__handle_parcel_t;

/* Pack duplicates, for `reader` when it is not NULL: it stays open as long as the parcel. */
apr_status_t xipc__handle_parcel_pack(xipc__handle_parcel_t *parcel, const xipc__handles_t *handles,
                                      HANDLE reader);

/* Close the duplicates of a parcel that was not sent. */
void xipc__handle_parcel_drop(const xipc__handle_parcel_t *parcel);

/*
 * Take the handles of a parcel that begins `size` bytes from another process, all or none; *used
 * tells where it ends. handles->lost tells why there are none: XIPC_EDIED, the process that kept
 * them has ended. XIPC_EPROTOCOL: it is no parcel, or brings more than the list has room for.
 */
apr_status_t xipc__handle_parcel_unpack(apr_size_t *used, xipc__handles_t *handles,
                                        const unsigned char *bytes, apr_size_t size);

#endif
