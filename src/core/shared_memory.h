/*
 * shared_memory.h - memory of several processes, in a parcel.
 */
#ifndef XIPC_CORE_SHARED_MEMORY_H
#define XIPC_CORE_SHARED_MEMORY_H

#include "core/parcel.h"
#include "xipc/shared_memory.h"

apr_status_t xipc__shared_memory_pack(xipc__parcel_t *parcel, const xipc_shared_memory_t *memory);
apr_status_t xipc__shared_memory_unpack(xipc_shared_memory_t **memory, xipc__unpack_t *unpack);

#endif
