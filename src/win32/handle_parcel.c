/*
 * handle_parcel.c - handles beside bytes, on their way to another process.
 */
#include "win32/handle_parcel.h"

#include <string.h>

typedef xipc__handle_parcel_head_t head_t;

/* Numbers stand unaligned among bytes. */
static apr_uint64_t number_get(const unsigned char *bytes, apr_size_t index)
{
    apr_uint64_t number;
    memcpy(&number, bytes + sizeof(head_t) + index * sizeof number, sizeof number);
    return number;
}

static void number_set(unsigned char *bytes, apr_size_t index, HANDLE handle)
{
    apr_uint64_t number = (uintptr_t)handle;
    memcpy(bytes + sizeof(head_t) + index * sizeof number, &number, sizeof number);
}

/* Move a handle here out of the process that holds it. */
static BOOL take(HANDLE *taken, HANDLE holder, apr_uint64_t number)
{
    HANDLE there = (HANDLE)(uintptr_t)number;
    return DuplicateHandle(holder, there, GetCurrentProcess(), taken, 0, FALSE,
                           DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE);
}

/* Under Wine a handle can't be closed in another process, only moved. */
static void drop(const unsigned char *bytes, apr_size_t count, HANDLE holder)
{
    for (apr_size_t i = 0; i < count; i++) {
        HANDLE taken;
        if (take(&taken, holder, number_get(bytes, i))) CloseHandle(taken);
    }
}

/* ---- packing ---- */

static apr_status_t pack(xipc__handle_parcel_t *parcel, const xipc__handles_t *handles,
                         HANDLE holder)
{
    head_t head = {.count = (apr_uint32_t)handles->count};
    apr_status_t rv = xipc__win32_identify(&head.holder, holder);
    if (rv != APR_SUCCESS) return rv;

    memcpy(parcel->bytes, &head, sizeof head);
    for (apr_size_t i = 0; i < handles->count; i++) {
        HANDLE copy;
        if (!DuplicateHandle(GetCurrentProcess(), xipc__win32_handle(handles->items[i]), holder,
                             &copy, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
            rv = xipc__win32_error();
            drop(parcel->bytes, i, holder);
            return rv;
        }
        number_set(parcel->bytes, i, copy);
    }
    parcel->size = sizeof head + handles->count * sizeof(apr_uint64_t);
    parcel->holder = holder;
    return APR_SUCCESS;
}

apr_status_t xipc__handle_parcel_pack(xipc__handle_parcel_t *parcel, const xipc__handles_t *handles,
                                      HANDLE reader)
{
    /* it may be about to end, and another may read then */
    if (reader != NULL && pack(parcel, handles, reader) == APR_SUCCESS) return APR_SUCCESS;
    return pack(parcel, handles, GetCurrentProcess());
}

void xipc__handle_parcel_drop(const xipc__handle_parcel_t *parcel)
{
    drop(parcel->bytes, (parcel->size - sizeof(head_t)) / sizeof(apr_uint64_t), parcel->holder);
}

/* ---- unpacking ---- */

static apr_status_t why_not_taken(HANDLE holder)
{
    DWORD error = GetLastError();
    if (WaitForSingleObject(holder, 0) == WAIT_OBJECT_0)
        return xipc__fail(XIPC_EDIED, "the process that kept handles has ended");
    if (error == ERROR_INVALID_HANDLE) return xipc__fail(XIPC_EPROTOCOL, "what came is no handle");
    return xipc__win32_status(error);
}

/* Add the handles to those of the caller: all, or none. */
static apr_status_t take_all(xipc__handles_t *handles, const unsigned char *bytes, apr_size_t count,
                             HANDLE holder)
{
    apr_size_t before = handles->count;
    apr_status_t rv = APR_SUCCESS;
    for (apr_size_t i = 0; i < count; i++) {
        HANDLE taken;
        if (take(&taken, holder, number_get(bytes, i)))
            handles->items[handles->count++] = xipc__win32_opaque(taken);
        else if (rv == APR_SUCCESS)
            rv = why_not_taken(holder);
    }
    if (rv != APR_SUCCESS)
        while (handles->count > before) xipc__port_handle_close(handles->items[--handles->count]);
    return rv;
}

apr_status_t xipc__handle_parcel_unpack(apr_size_t *used, xipc__handles_t *handles,
                                        const unsigned char *bytes, apr_size_t size)
{
    head_t head;
    if (size < sizeof head) return xipc__fail(XIPC_EPROTOCOL, "a piece with handles is too short");
    memcpy(&head, bytes, sizeof head);
    if (head.count > XIPC__HANDLES_MAX - handles->count)
        return xipc__fail(XIPC_EPROTOCOL, "more handles came than were expected");
    apr_size_t end = sizeof head + head.count * sizeof(apr_uint64_t);
    if (size < end) return xipc__fail(XIPC_EPROTOCOL, "a piece with handles is too short");

    HANDLE holder;
    *used = end;
    apr_status_t lost = xipc__win32_identity_open(&holder, &head.holder);
    if (lost == APR_SUCCESS) {
        lost = take_all(handles, bytes, head.count, holder);
        CloseHandle(holder);
    }
    if (lost != APR_SUCCESS) handles->lost = lost;
    return APR_SUCCESS;
}
