/*
 * process_travel.c - a process in a parcel: told by its pid and the time of its start, so that the
 * receiver finds that very one, or learns that it has ended.
 */
#include "core/parcel.h"
#include "core/process.h"
#include "core/state.h"

#include <apr_strings.h>

enum { NAME_MAX_BYTES = 1024 };

apr_status_t xipc__process_pack(xipc__parcel_t *parcel, const xipc_process_t *process)
{
    int exitcode = 0;
    int is_self = process == xipc__state.current;
    if (!is_self) {
        apr_status_t rv = xipc__process_check_child(process);
        if (rv != APR_SUCCESS) return rv;
    }
    apr_uint64_t identity =
        is_self ? xipc__port_identity() : xipc__port_child_identity(process->child);
    int is_known = identity == 0 && xipc_process_exitcode(&exitcode, process) == APR_SUCCESS;
    apr_size_t length = strlen(process->name);
    if (length > NAME_MAX_BYTES) length = NAME_MAX_BYTES;
    xipc__parcel_write_number(parcel, (apr_uint64_t)xipc_process_pid(process));
    xipc__parcel_write_number(parcel, identity);
    xipc__parcel_write_number(parcel, (apr_uint64_t)is_known);
    xipc__parcel_write_number(parcel, (apr_uint64_t)(apr_int64_t)exitcode);
    xipc__parcel_write_number(parcel, length);
    xipc__parcel_write(parcel, process->name, length);
    return APR_SUCCESS;
}

static apr_status_t unpack_name(const char **name, xipc__unpack_t *unpack)
{
    apr_uint64_t length;
    apr_status_t rv = xipc__unpack_number(&length, unpack);
    if (rv != APR_SUCCESS) return rv;
    const unsigned char *bytes =
        length > NAME_MAX_BYTES ? NULL : xipc__unpack_bytes(unpack, (apr_size_t)length);
    if (bytes == NULL) return xipc__unpack_bad("a process without its name");
    *name = apr_pstrmemdup(unpack->pool, (const char *)bytes, (apr_size_t)length);
    return APR_SUCCESS;
}

apr_status_t xipc__process_unpack(xipc_process_t **process, xipc__unpack_t *unpack)
{
    enum { PID, IDENTITY, IS_KNOWN, EXITCODE, COUNT };
    apr_uint64_t numbers[COUNT];
    const char *name;
    xipc__child_t *child;
    apr_status_t rv = APR_SUCCESS;
    for (int i = 0; rv == APR_SUCCESS && i < COUNT; i++)
        rv = xipc__unpack_number(&numbers[i], unpack);
    if (rv == APR_SUCCESS) rv = unpack_name(&name, unpack);
    if (rv != APR_SUCCESS) return rv;
    if (numbers[PID] == 0 || numbers[PID] > APR_INT32_MAX ||
        (numbers[IDENTITY] != 0 && numbers[IDENTITY] >> 32 != numbers[PID]))
        return xipc__unpack_bad("a process that is none");
    rv = xipc__port_child_find(&child, (pid_t)numbers[PID], numbers[IDENTITY], unpack->pool);
    if (rv != APR_SUCCESS) return rv;
    if (numbers[IS_KNOWN]) xipc__port_child_tell(child, (int)(apr_int64_t)numbers[EXITCODE]);
    xipc_process_t *made = xipc__process_make(unpack->pool);
    made->name = name;
    made->child = child;
    made->is_started = 1;
    *process = made;
    return APR_SUCCESS;
}
