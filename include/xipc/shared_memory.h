/**
 * @file shared_memory.h
 * @brief Memory that several processes have.
 *
 * Plain bytes without a lock and without a name: what they mean, and who may write when, is for the
 * processes to agree on. It gets to another process among the arguments of a child, or over a
 * connection: xipc_values_add_memory(). The memory is there as long as some process has it.
 *
 * Python counterpart: `multiprocessing.shared_memory.SharedMemory`.
 *
 * @code
 * xipc_shared_memory_create(&memory, 1 << 20, pool);
 * double *numbers = xipc_shared_memory_address(memory);
 * xipc_values_add_memory(args, memory);
 * @endcode
 */
#ifndef XIPC_SHARED_MEMORY_H
#define XIPC_SHARED_MEMORY_H

#include "xipc/export.h"
#include "xipc/values.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make shared memory, all zeros.
 *
 * @param memory  where the object goes; it lives as long as @p pool, which unmaps it
 * @param size    bytes, at least 1
 * @param pool    where the object lives
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL or @p size is 0; what the system says when
 *         it has not so much memory or no handle. Nothing is left behind then.
 * @par Blocking  Never.
 * @par Threads   The object belongs to one thread at a time; the memory to whom it is given.
 * @par System    memfd_create(2), sealed against becoming smaller, with its pages reserved;
 *                shm_open(3), unlinked at once; CreateFileMappingW.
 */
XIPC_EXPORT apr_status_t xipc_shared_memory_create(xipc_shared_memory_t **memory, apr_size_t size,
                                                   apr_pool_t *pool);

/**
 * Where it is in this process: at the begin of a page, and elsewhere in every process.
 *
 * @param memory  the memory
 * @return its address; NULL after xipc_shared_memory_close() and for NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT void *xipc_shared_memory_address(const xipc_shared_memory_t *memory);

/**
 * How large it is.
 *
 * @param memory  the memory
 * @return the bytes it was made with; 0 for NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_size_t xipc_shared_memory_size(const xipc_shared_memory_t *memory);

/**
 * Let go of it here; the others keep it.
 *
 * @param memory  the memory
 * @return APR_SUCCESS, also the second time; APR_EINVAL when @p memory is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_shared_memory_close(xipc_shared_memory_t *memory);

#ifdef __cplusplus
}
#endif

#endif
