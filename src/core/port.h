/*
 * port.h - the contract with the system: every primitive that differs, and nothing else.
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

#include "core/deadline.h"
#include "core/fail.h"

#include <apr_network_io.h>
#include <apr_pools.h>

/* ---- clock ---- */

/* Microseconds on a clock that only goes forward; comparable between processes of one system. */
apr_time_t xipc__port_clock(void);

/* ---- handles ---- */

/* A descriptor or a HANDLE, to pass on without looking into it. */
typedef intptr_t xipc__handle_t;

/* The most handles one stream write carries, and one read gives out. */
enum { XIPC__HANDLES_MAX = 128 };

typedef struct {
    xipc__handle_t items[XIPC__HANDLES_MAX];
    apr_size_t count;
    apr_status_t lost; /* of those a read gives out: why others that came could not be taken over */
} xipc__handles_t;

/* No handle. */
#define XIPC__NO_HANDLE ((xipc__handle_t)-1)

void xipc__port_handle_close(xipc__handle_t handle);

/* Is it one of this process's? */
int xipc__port_handle_is_open(xipc__handle_t handle);

/* Another handle for the same thing in this process. */
apr_status_t xipc__port_handle_duplicate(xipc__handle_t *copy, xipc__handle_t handle);

/* ---- streams: bytes between two processes, with handles beside them ---- */

typedef struct xipc__stream_t xipc__stream_t;

/* A write moves at most this many bytes as one piece, which a system may move all or nothing. */
enum { XIPC__STREAM_CHUNK = 65536 };

/* Some bytes to write. */
typedef struct {
    const void *data;
    apr_size_t size;
} xipc__span_t;

/* Two connected ends. With duplex 0 `first` is only read and `second` only written. */
apr_status_t xipc__port_stream_pair(xipc__stream_t **first, xipc__stream_t **second, int duplex,
                                    apr_pool_t *pool);

/*
 * Write some of head followed by body, at least one byte; head is never empty at the first write of
 * a message and at most 16 bytes. A write begins a piece of its own: what one call writes is never
 * joined with the next call's into one piece of more than XIPC__STREAM_CHUNK bytes. The handles
 * (NULL for none) go with the first byte; they stay open here. The receiver gets handles of its
 * own. APR_TIMEUP: nothing was written. APR_EPIPE: the reader is gone.
 */
apr_status_t xipc__port_stream_write(apr_size_t *written, xipc__stream_t *stream, xipc__span_t head,
                                     xipc__span_t body, const xipc__handles_t *handles,
                                     apr_time_t deadline);

/*
 * Read some bytes, at least one. `capacity` is at least XIPC__STREAM_CHUNK, or at least what is
 * left of the message being read: one written piece always fits, or the read is XIPC_EPROTOCOL.
 * Handles that came with these bytes are added to `handles`, which belong to the caller then; what
 * does not fit there is closed and the read is XIPC_EPROTOCOL. When this process has no handles left
 * for them they are all closed, the bytes are there and `lost` is the error. A read never goes on past bytes that
 * came with handles into bytes of a later write. APR_EOF: all writers are gone, or one called
 * xipc__port_stream_shutdown. APR_TIMEUP: nothing was read.
 */
apr_status_t xipc__port_stream_read(apr_size_t *got, xipc__stream_t *stream, void *buffer,
                                    apr_size_t capacity, xipc__handles_t *handles,
                                    apr_time_t deadline);

/* Tell the reader that no more comes, even while others hold this end. It does not wait. */
void xipc__port_stream_shutdown(xipc__stream_t *stream);

void xipc__port_stream_close(xipc__stream_t *stream);

/* The handle of a stream, which stays the stream's. */
xipc__handle_t xipc__port_stream_handle(const xipc__stream_t *stream);

/*
 * Make a stream of a handle that came from another process; from now on the stream owns it.
 * XIPC_EPROTOCOL when the handle is no stream's; it still belongs to the caller then.
 */
apr_status_t xipc__port_stream_adopt(xipc__stream_t **stream, xipc__handle_t handle,
                                     apr_pool_t *pool);

/* Can handles travel over it? Not when it leads to another machine. */
int xipc__port_stream_carries_handles(const xipc__stream_t *stream);

/* ---- listeners: streams between programs that did not start each other ---- */

typedef enum {
    XIPC__ADDRESS_PRIVATE, /* the system's best kind, at a name that the port chooses */
    XIPC__ADDRESS_UNIX,
    XIPC__ADDRESS_ABSTRACT,
    XIPC__ADDRESS_TCP,
    XIPC__ADDRESS_PIPE
} xipc__address_e;

typedef struct {
    xipc__address_e kind;
    const char *name; /* path, name or host */
    apr_port_t port;
} xipc__address_t;

typedef struct xipc__endpoint_t xipc__endpoint_t;

/*
 * Listen; what was chosen is written back to the address, in `pool`. APR_ENOTIMPL for a kind the
 * system does not have, APR_EINVAL for a name that is too long.
 */
apr_status_t xipc__port_listen(xipc__endpoint_t **endpoint, xipc__address_t *address, int backlog,
                               apr_pool_t *pool);

/*
 * Take a client that waits, without waiting for one: APR_TIMEUP. Peers whom the address is not for
 * are turned away unseen.
 */
apr_status_t xipc__port_accept(xipc__stream_t **stream, xipc__endpoint_t *endpoint,
                               apr_pool_t *pool);

/* What is ready in a wait while a client waits; it stays the endpoint's. */
/*
 * For another process that is to listen too: a handle for it to adopt, XIPC__NO_HANDLE when the
 * address does. It does not own the name. From APR_SUCCESS on the handle is the endpoint's.
 */
xipc__handle_t xipc__port_endpoint_handle(const xipc__endpoint_t *endpoint);
apr_status_t xipc__port_endpoint_adopt(xipc__endpoint_t **endpoint, xipc__handle_t handle,
                                       const xipc__address_t *address, apr_pool_t *pool);

xipc__handle_t xipc__port_endpoint_sentinel(const xipc__endpoint_t *endpoint);

/* Close it; `is_owner`: also remove its name. */
void xipc__port_endpoint_close(xipc__endpoint_t *endpoint, int is_owner);

/*
 * Connect once. `is_absent` tells, beside an error, that nobody listens there now, which may change.
 * APR_TIMEUP: no answer in time.
 */
apr_status_t xipc__port_connect(xipc__stream_t **stream, int *is_absent,
                                const xipc__address_t *address, apr_time_t deadline,
                                apr_pool_t *pool);

/* Who made the other end; -1 for what the system does not tell. APR_ENOTIMPL when nothing of it. */
apr_status_t xipc__port_stream_peer(pid_t *pid, apr_int64_t *user, const xipc__stream_t *stream);

/* ---- keyed digests ---- */

enum { XIPC__MAC_MAX = 64 };

/* Does this build have a library for them? */
int xipc__port_has_mac(void);

/* HMAC of the text by a digest's name as Python writes it. APR_ENOTIMPL for a digest not known. */
apr_status_t xipc__port_mac(unsigned char out[XIPC__MAC_MAX], apr_size_t *size, const char *digest,
                            xipc__span_t key, xipc__span_t text);

/* ---- processes ---- */

typedef struct xipc__child_t xipc__child_t;

/* The number of threads in this process; 1 when the system does not tell. */
int xipc__port_threads(void);

/* The number of processors this process may run on, at least 1. */
int xipc__port_processors(void);

/* Does the system have fork, and is it how children start unless something else is asked for? */
int xipc__port_has_fork(void);
int xipc__port_prefers_fork(void);

/* The pid of this process. */
pid_t xipc__port_self(void);

/* The word that marks a spawned child's command line: PROGRAM XIPC__CHILD_OPTION ARGUMENT. */
#define XIPC__CHILD_OPTION "--xipc-child"

/* What binds a child to others; flags. */
typedef enum {
    XIPC__BOND_GROUP = 1, /* it leads a group: itself and whom it starts */
    XIPC__BOND_LIFE = 2   /* it ends when this process has ended, however that came about */
} xipc__bond_e;

/*
 * Copy this process. In the child *child is NULL. A bond for life is made by a lifeline. APR_ENOTIMPL
 * where the system has no fork.
 */
apr_status_t xipc__port_child_fork(xipc__child_t **child, int bonds, apr_pool_t *pool);

/*
 * Start a program as a child of ours, with the command line NAME XIPC__CHILD_OPTION ARGUMENT;
 * ARGUMENT lets the child open its end of `boot`, a new duplex stream. `program` NULL: this
 * process's own image, also when its file was replaced. The child inherits the standard streams and
 * its end of `boot`, nothing else.
 */
apr_status_t xipc__port_child_spawn(xipc__child_t **child, xipc__stream_t **boot,
                                    const char *program, const char *name, int bonds,
                                    apr_pool_t *pool);

/*
 * Does a child need a lifeline to end with this process: a stream whose other end this process has,
 * and nobody else? Otherwise the system sees to the bond from the start.
 */
int xipc__port_needs_lifeline(void);

/*
 * In a child: be killed when nobody has the other end of this stream any more, or at once. From
 * APR_SUCCESS on the handle is the port's.
 */
apr_status_t xipc__port_lifeline_hold(xipc__handle_t end);

/*
 * In a spawned child: open its end of the boot stream. XIPC_EINIT when the argument does not lead
 * to one.
 */
apr_status_t xipc__port_boot_open(xipc__stream_t **boot, const char *argument, apr_pool_t *pool);

/*
 * Watch a process that is no child of this one. The caller sees to it that the pid is that
 * process's until this returns; what its exit code is has to be told, where the system does not. If
 * it leads a group, nobody may reap it before its close.
 */
apr_status_t xipc__port_child_adopt(xipc__child_t **child, pid_t pid, int bonds, apr_pool_t *pool);
void xipc__port_child_tell(xipc__child_t *child, int exitcode);

/* Which process it is, as xipc__port_identity(); 0 when it has ended. */
apr_uint64_t xipc__port_child_identity(xipc__child_t *child);

/*
 * The same for a process of any starter, told by its identity. 0, or nobody any more: a child that
 * has ended.
 */
apr_status_t xipc__port_child_find(xipc__child_t **child, pid_t pid, apr_uint64_t identity,
                                   apr_pool_t *pool);

/* Wait for the end of a child. APR_TIMEUP while it runs. */
apr_status_t xipc__port_child_wait(xipc__child_t *child, apr_time_t deadline);

/*
 * How it ended, after a successful wait: the exit code, or minus the signal's number. ECHILD when
 * nobody knows.
 */
apr_status_t xipc__port_child_exitcode(int *exitcode, const xipc__child_t *child);

pid_t xipc__port_child_pid(const xipc__child_t *child);

/*
 * What can be waited for until it has ended, and stays open until the close; XIPC__NO_HANDLE when its
 * end was seen before.
 */
xipc__handle_t xipc__port_child_sentinel(xipc__child_t *child);

/* The last one kills all of its group, which it must lead, also after its own end. */
typedef enum {
    XIPC__STOP_INTERRUPT,
    XIPC__STOP_TERMINATE,
    XIPC__STOP_KILL,
    XIPC__STOP_GROUP
} xipc__stop_e;

/*
 * Ask a child to end, or end it; APR_SUCCESS also when it has ended. Never hits another process.
 * APR_ENOTIMPL for an interrupt where the system can't.
 */
apr_status_t xipc__port_child_stop(xipc__child_t *child, xipc__stop_e how);

/* Let go of a child, running or ended; it does not wait. */
void xipc__port_child_close(xipc__child_t *child);

/* In a forked child: let go of what its parent watches a process by. Only its pid can be asked for. */
void xipc__port_child_disown(xipc__child_t *child);

/*
 * Flush the standard streams and end a forked child, without what the parent had registered for its
 * own end.
 */
void xipc__port_exit(int code);

/* ---- programs ---- */

/* A stream of a program is a handle that stays the caller's, or this process's own. */
enum { XIPC__STANDARD_STREAMS = 3, XIPC__PROGRAM_HANDLES_MAX = 16 };

/* Where a program finds the numbers of the handles it was given besides: 3rw,4r for two. */
#define XIPC__HANDLES_VARIABLE "XIPC_INHERITED"

typedef struct {
    const char *const *argv;
    const char *const *environment; /* NULL: this process's */
    const char *directory;          /* the same */
    xipc__handle_t streams[XIPC__STANDARD_STREAMS];
    xipc__handle_t handles[XIPC__PROGRAM_HANDLES_MAX];
    const char *marks[XIPC__PROGRAM_HANDLES_MAX]; /* what stands behind the number of a handle */
    apr_size_t handle_count;
    int bonds;
} xipc__command_t;

apr_status_t xipc__port_program_start(xipc__child_t **child, const xipc__command_t *command,
                                      apr_pool_t *pool);

/* This process's own output, which stays its own. */
xipc__handle_t xipc__port_stdout(void);

/* A file for a program's stream; NULL is the one that is empty and swallows everything. */
typedef enum { XIPC__FILE_READ, XIPC__FILE_WRITE, XIPC__FILE_APPEND } xipc__file_e;
apr_status_t xipc__port_file_open(xipc__handle_t *file, const char *path, xipc__file_e how,
                                  apr_pool_t *pool);

/* This end of a plain pipe to or from a program; `there` is the other one. */
typedef struct xipc__pipe_t xipc__pipe_t;
apr_status_t xipc__port_pipe_open(xipc__pipe_t **pipe, xipc__handle_t *there, int is_written,
                                  apr_pool_t *pool);

/*
 * Some bytes, at least one. APR_TIMEUP: none. APR_EPIPE, APR_EOF: the other end is closed
 * everywhere.
 */
apr_status_t xipc__port_pipe_write(apr_size_t *written, xipc__pipe_t *pipe, xipc__span_t data,
                                   apr_time_t deadline);
apr_status_t xipc__port_pipe_read(apr_size_t *got, xipc__pipe_t *pipe, void *buffer,
                                  apr_size_t capacity, apr_time_t deadline);

/* Wait until the pipe has taken what was written, which a close may lose before. */
apr_status_t xipc__port_pipe_flush(xipc__pipe_t *pipe, apr_time_t deadline);

void xipc__port_pipe_close(xipc__pipe_t *pipe);

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

/* ---- memory that several processes have ---- */

typedef struct xipc__memory_t xipc__memory_t;

/*
 * Make shared memory without a name, all zeros. `size` is a multiple of 64 KiB and may be far more
 * than the system has: only what is used takes memory. The first `ready` bytes can be used at once,
 * the rest after xipc__port_memory_commit. Nobody can make it smaller, where the system sees to it.
 */
apr_status_t xipc__port_memory_create(xipc__memory_t **memory, apr_uint64_t size, apr_size_t ready,
                                      apr_pool_t *pool);

/* XIPC_EPROTOCOL when the handle is no such memory; it still belongs to the caller then. */
apr_status_t xipc__port_memory_adopt(xipc__memory_t **memory, xipc__handle_t handle,
                                     apr_pool_t *pool);
void *xipc__port_memory_address(const xipc__memory_t *memory);
apr_uint64_t xipc__port_memory_size(const xipc__memory_t *memory);
xipc__handle_t xipc__port_memory_handle(const xipc__memory_t *memory);

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

apr_status_t xipc__port_park_create(xipc__park_t **park, apr_pool_t *pool);

/* XIPC_EPROTOCOL when they are not such handles; they still belong to the caller then. */
apr_status_t xipc__port_park_adopt(xipc__park_t **park, const xipc__handle_t *handles,
                                   apr_size_t count, apr_pool_t *pool);
void xipc__port_park_handles(xipc__handles_t *handles, const xipc__park_t *park); /* adds them */
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
