/*
 * port.h - the contract with the system: every primitive that differs, and nothing else. Streams
 * and processes have headers of their own, which this one includes.
 *
 * src/posix and src/win32 implement it, file by file under the same names; CMake picks the folder.
 * The rules:
 *
 * - The core checks arguments; a port function may rely on what its comment states.
 * - Out parameters are written only on success. What a function acquired it releases before it
 *   returns an error, and it registers no pool cleanup: the core owns every object and calls its
 *   close function exactly once.
 * - A deadline is a time on xipc__port_clock(); XIPC__NEVER waits for ever, a time in the past does
 *   not wait. Signals do not cut a wait short.
 * - System errors pass through unchanged; xipc's own codes go through xipc__fail() with a detail.
 * - Handles are close-on-exec / not inheritable from birth. No function prints, raises a signal or
 *   starts a thread.
 */
#ifndef XIPC_CORE_PORT_H
#define XIPC_CORE_PORT_H

#include "core/port_process.h"
#include "core/port_stream.h"

#include <apr_tables.h>

/* ---- waiting for several ---- */

/*
 * One thing to wait for: a stream that can be read (bytes or its end), a child that ends, or, when
 * both are NULL, a handle: a descriptor that can be read, an object that is signalled.
 */
typedef struct {
    xipc__stream_t *stream;
    xipc__child_t *child;
    xipc__handle_t handle;
    int is_for_room; /* of a stream: wait until it can be written to, instead, or a little while */
    int is_ready;    /* out */
} xipc__waitable_t;

/*
 * Wait until at least one is ready and mark all that are. APR_TIMEUP: none was in time. `count` may
 * be 0.
 */
apr_status_t xipc__port_wait(xipc__waitable_t *items, apr_size_t count, apr_time_t deadline);

/*
 * APR_EBADF when the handle of such an item is none, or nothing to wait for. Where the look itself
 * may reset it, it tells whether it was ready.
 */
apr_status_t xipc__port_handle_check(int *is_ready, xipc__handle_t handle);

/* What to wait for until a pipe can be read or written. */
xipc__waitable_t xipc__port_pipe_watch(const xipc__pipe_t *pipe);

/* ---- which process ---- */

/*
 * This process, told from every other one of this system, past and to come: its pid in the upper 32
 * bits, a part of the time of its start below. Never 0. Quick, also right after a fork.
 */
apr_uint64_t xipc__port_identity(void);

/* Has that process ended? Only when it is proved; a zombie has. 0 when it can't be known. */
int xipc__port_identity_is_dead(apr_uint64_t identity);

/* Pids have the same meaning in all processes for which this number is the same. */
apr_uint64_t xipc__port_process_space(void);

/* The processor this thread runs on at this moment; negative when the system does not tell. */
int xipc__port_processor(void);

/* For a loop that waits for another processor: slow this one down a little. */
void xipc__port_pause(void);

/* Let others run that want this thread's processor. */
void xipc__port_yield(void);

/* Two lines of memory from here on are going to be read soon. */
void xipc__port_prefetch(const void *place);

/* ---- memory that several processes have ---- */

typedef struct xipc__memory_t xipc__memory_t;

/*
 * Make shared memory, all zeros. `size` is a multiple of 64 KiB and may be far more than the system
 * has: only what is used takes memory. The first `ready` bytes can be used at once, the rest after
 * xipc__port_memory_commit. Nobody can make it smaller, where the system sees to it. With `id` 0 it
 * has no name; otherwise xipc__port_name_take finds it, until xipc__port_name_forget.
 */
apr_status_t xipc__port_memory_create(xipc__memory_t **memory, apr_uint64_t size, apr_size_t ready,
                                      apr_uint64_t id, apr_pool_t *pool);

/* XIPC_EPROTOCOL when the handle is no such memory; it still belongs to the caller then. */
apr_status_t xipc__port_memory_adopt(xipc__memory_t **memory, xipc__handle_t handle,
                                     apr_pool_t *pool);
void *xipc__port_memory_address(const xipc__memory_t *memory);
apr_uint64_t xipc__port_memory_size(const xipc__memory_t *memory);
xipc__handle_t xipc__port_memory_handle(const xipc__memory_t *memory);

/* What `ready` says of the first bytes, for a range in multiples of 64 KiB, in this process. */
apr_status_t xipc__port_memory_ready(xipc__memory_t *memory, apr_uint64_t offset,
                                     apr_uint64_t size);

/*
 * Make a range usable for everyone: an error says here that there is no memory. And give the memory
 * of a range back, where the system can; what was in it is lost. Both in multiples of 64 KiB.
 */
apr_status_t xipc__port_memory_commit(xipc__memory_t *memory, apr_uint64_t offset,
                                      apr_uint64_t size);
void xipc__port_memory_discard(xipc__memory_t *memory, apr_uint64_t offset, apr_uint64_t size);
void xipc__port_memory_close(xipc__memory_t *memory);

/* As much as it makes sense to ask for: the memory of this machine. */
apr_uint64_t xipc__port_memory_most(void);

/* ---- parking: to sleep until another process changes something in shared memory ---- */

/* In shared memory, at first zeros. Who sleeps at it registers in it. */
typedef struct {
    _Atomic apr_uint32_t word;
    _Atomic apr_uint32_t sleepers;
} xipc__spot_t;

/* What it takes of the system for a few spots, told by their index, and for a bell. */
typedef struct xipc__park_t xipc__park_t;
enum { XIPC__PARK_SPOTS = 4, XIPC__PARK_HANDLES = 2 * XIPC__PARK_SPOTS + 2 };

/* `id` as in xipc__port_memory_create. */
apr_status_t xipc__port_park_create(xipc__park_t **park, apr_uint64_t id, apr_pool_t *pool);

/* XIPC_EPROTOCOL when they are not such handles; they still belong to the caller then. */
apr_status_t xipc__port_park_adopt(xipc__park_t **park, const xipc__handle_t *handles,
                                   apr_size_t count, apr_pool_t *pool);
void xipc__port_park_handles(xipc__handles_t *handles, const xipc__park_t *park); /* adds them */
apr_size_t xipc__port_park_handle_count(void);
void xipc__port_park_close(xipc__park_t *park);

/*
 * Register as a sleeper; then look whether there still is a reason to sleep; then either wait with
 * the word it returned, or cancel. Who changes the reason first does that, with a full barrier,
 * and calls wake if there are sleepers. A wait may end early. A wake can get lost in rare cases,
 * when a process dies in it: so sleep in slices.
 */
apr_uint32_t xipc__port_park_prepare(xipc__spot_t *spot);
void xipc__port_park_cancel(xipc__park_t *park, int index, xipc__spot_t *spot);
void xipc__port_park_wait(xipc__park_t *park, int index, xipc__spot_t *spot, apr_uint32_t word,
                          apr_time_t deadline);

/* Wake one sleeper, or all. Who was woken as the one passes it on when it won't wake the next. */
void xipc__port_park_pass_on(xipc__spot_t *spot);
void xipc__port_park_wake(xipc__park_t *park, int index, xipc__spot_t *spot, int all);

/* The bell is ready in a wait from when it is rung until it is cleared. */
xipc__handle_t xipc__port_park_bell(const xipc__park_t *park);
void xipc__port_park_ring(xipc__park_t *park);
void xipc__port_park_clear(xipc__park_t *park);

/* ---- names: how processes that have nothing in common find each other ---- */

/*
 * The entry of a name of this user's, locked: up to XIPC__NAME_SIZE bytes, zeros where nobody wrote.
 * The lock ends with its owner. Another process may write into it at any time all the same.
 */
typedef struct xipc__name_t xipc__name_t;
enum { XIPC__NAME_SIZE = 65536, XIPC__NAME_LINE = 128, XIPC__NAME_TEXT_MAX = 192 };

/*
 * Lock the entry of a name of 1 to XIPC__NAME_TEXT_MAX lower-case letters, digits and ._-%^ that does
 * not begin with a dot. APR_ENOENT when there is none, unless one may be made. APR_TIMEUP: another
 * process has it locked and does not go on. APR_EACCES: it is another user's; XIPC_EPROTOCOL: it is
 * no entry. To be unlocked before long, by the same thread.
 */
apr_status_t xipc__port_name_lock(xipc__name_t **name, const char *text, int may_make,
                                  apr_time_t deadline);
void xipc__port_name_unlock(xipc__name_t *name);

/* Bytes from the beginning; as many as there are, at most `size`. */
apr_status_t xipc__port_name_read(apr_size_t *got, xipc__name_t *name, void *buffer,
                                  apr_size_t size);

/*
 * XIPC__NAME_LINE bytes at a multiple of that: all of them, or by an error none. A death in it may leave the first
 * 8 as they were and some of the others changed.
 */
apr_status_t xipc__port_name_write(xipc__name_t *name, const void *bytes, apr_size_t offset);

/* The entry is gone; it is still to be unlocked. */
void xipc__port_name_remove(xipc__name_t *name);

/* A handle that keeps the entry there, where the system wants one; otherwise XIPC__NO_HANDLE. */
apr_status_t xipc__port_name_anchor(xipc__handle_t *anchor, xipc__name_t *name);

/* The entries of this user, in no order: adds const char *, in `pool`. */
apr_status_t xipc__port_name_list(apr_array_header_t *texts, apr_pool_t *pool);

/*
 * Handles of our own for those that have these numbers in a process, and were made with `id`. They
 * may lead to anything. APR_ENOENT: it is sure that the process has not got them any more.
 */
apr_status_t xipc__port_name_take(xipc__handles_t *handles, apr_uint64_t identity,
                                  const apr_uint32_t *numbers, apr_size_t count, apr_uint64_t id);

/* Nobody takes what was made with `id` any more; who has it keeps it. */
void xipc__port_name_forget(apr_uint64_t id);

/* ---- the system's own queue ---- */

typedef struct xipc__kernel_queue_t xipc__kernel_queue_t;

/*
 * Which it is, as xipc_queue_backend_e: XIPC_QUEUE_MQUEUE, XIPC_QUEUE_MAILSLOT, or XIPC_QUEUE_AUTO
 * for none.
 */
int xipc__port_kernel_queue_backend(void);

/* Handles that make up one queue, at most. */
enum { XIPC__KERNEL_QUEUE_HANDLES = 8 };

/*
 * Make a queue nobody else can find. 0 asks for the deepest (capacity) or for 1 KiB (message_max);
 * both are written back. XIPC_ELIMIT names the limit and its value. APR_ENOTIMPL where the system
 * has none.
 */
apr_status_t xipc__port_kernel_queue_create(xipc__kernel_queue_t **queue, apr_size_t *capacity,
                                            apr_size_t *message_max, apr_pool_t *pool);

/* How many priorities it has, XIPC_QUEUE_PRIORITY_MAX + 1 or 1. */
unsigned xipc__port_kernel_queue_priorities(void);

/*
 * Put `size` bytes, at most message_max, before all of a lower priority; 0 is the lowest, and below
 * the number of priorities it is. XIPC_EFULL: there was no room until the deadline. Any number at
 * once.
 */
apr_status_t xipc__port_kernel_queue_put(xipc__kernel_queue_t *queue, const void *data,
                                         apr_size_t size, unsigned priority, apr_time_t deadline);

/*
 * Take one message into a buffer of at least message_max bytes. XIPC_EEMPTY: none came. Any number
 * at once.
 */
apr_status_t xipc__port_kernel_queue_get(apr_size_t *size, xipc__kernel_queue_t *queue,
                                         void *buffer, apr_size_t capacity, apr_time_t deadline);

apr_status_t xipc__port_kernel_queue_size(apr_size_t *count, xipc__kernel_queue_t *queue);

/* What is ready in a wait while the queue has a message; it stays the queue's. */
xipc__handle_t xipc__port_kernel_queue_sentinel(const xipc__kernel_queue_t *queue);

/* The queue's handles, which stay the queue's. */
void xipc__port_kernel_queue_handles(xipc__handles_t *handles, const xipc__kernel_queue_t *queue);

/*
 * Make a queue of handles that came from another process, and tell its bounds. It owns them from
 * now on. XIPC_EPROTOCOL when they are no queue's; they still belong to the caller then.
 */
apr_status_t xipc__port_kernel_queue_adopt(xipc__kernel_queue_t **queue, apr_size_t *capacity,
                                           apr_size_t *message_max, const xipc__handle_t *handles,
                                           apr_size_t count, apr_pool_t *pool);

void xipc__port_kernel_queue_close(xipc__kernel_queue_t *queue);

/* ---- images: where code and data are, in terms another process understands ---- */

enum { XIPC__BUILD_MAX = 32 };

/* A place in the program or in a shared library. */
typedef struct {
    const char *module;                   /* the library's file; "" for the program itself */
    apr_uint64_t offset;                  /* from where the module is loaded */
    unsigned char build[XIPC__BUILD_MAX]; /* the module's build identity */
    apr_size_t build_size;
} xipc__place_t;

typedef enum { XIPC__PLACE_CODE, XIPC__PLACE_DATA } xipc__place_e;

/*
 * Find the place of an address. XIPC_ETARGET when it lies in no module, or its memory is not of
 * that kind.
 */
apr_status_t xipc__port_image_find(xipc__place_t *place, const void *address, xipc__place_e kind,
                                   apr_pool_t *pool);

/*
 * The address of a place in this process; a library that is not loaded yet is loaded. XIPC_EBUILD
 * when the module is another build, XIPC_ETARGET when the offset lies in no memory of that kind or
 * the library can't be loaded.
 */
apr_status_t xipc__port_image_address(void **address, const xipc__place_t *place,
                                      xipc__place_e kind, apr_pool_t *pool);

#endif
