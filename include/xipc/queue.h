/**
 * @file queue.h
 * @brief A bounded queue of messages between any number of processes.
 *
 * First in, first out (xipc_queue_put_priority() apart); what was put is visible to every reader when xipc_queue_put() returns. A
 * queue reaches another process among its arguments or over a connection; the system's own is also
 * in a forked child that finds it in a variable, a managed one is closed there. One with a name can
 * be opened by programs that have nothing else in common (xipc_queue_open()). It has several
 * backends, one interface:
 *
 * - `mqueue`: a POSIX message queue, kept by the kernel (Linux);
 * - `mailslot`: a mailslot with a shared counter for the bound (Win32);
 * - `shm`: a ring in shared memory, the fastest, with messages of any size and any number of them;
 * - `managed`: a queue in a manager process (see manager.h), which may go anywhere, a pool's tasks
 *   included.
 *
 * Python counterpart: `multiprocessing.Queue`; `put_nowait` and `get_nowait` are timeout 0, `qsize`
 * is xipc_queue_size().
 *
 * @code
 * xipc_queue_t *queue;
 * xipc_queue_create(&queue, 3, 0, pool);
 * xipc_queue_put(queue, "m1", 2, 0);
 * void *data;
 * apr_size_t size;
 * apr_status_t rv = xipc_queue_get(&data, &size, queue, apr_time_from_sec(3), pool);
 * @endcode
 */
#ifndef XIPC_QUEUE_H
#define XIPC_QUEUE_H

#include "xipc/export.h"
#include "xipc/values.h"

#include <apr_tables.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a queue stands on. */
typedef enum {
    XIPC_QUEUE_AUTO = 0,     /**< the system's own queue where it bears what is asked, or shm */
    XIPC_QUEUE_MQUEUE = 1,   /**< POSIX message queue */
    XIPC_QUEUE_MAILSLOT = 2, /**< Win32 mailslot */
    XIPC_QUEUE_MANAGED = 3,  /**< in a manager's process; made by xipc_manager_queue() */
    XIPC_QUEUE_SHM = 4       /**< a ring in shared memory */
} xipc_queue_backend_e;

/** How a queue is to be. @see xipc_queue_options_create */
typedef struct xipc_queue_options_t xipc_queue_options_t;

/** The most bytes in a queue's name. */
#define XIPC_QUEUE_NAME_MAX 64

/** The highest priority of a message; the lowest is 0. */
#define XIPC_QUEUE_PRIORITY_MAX 31

/** What a queue is and bears. */
typedef struct {
    xipc_queue_backend_e backend; /**< what it stands on */
    const char *backend_name;     /**< the same in a word */
    apr_size_t capacity;          /**< messages it holds; 0: bounded by memory alone */
    apr_size_t message_max;       /**< bytes of the largest message; 0: bounded by memory alone */
    int is_inheritance_only;      /**< not 0: can't be among the arguments of a pool's task */
    apr_size_t bytes;             /**< of all messages together; 0: not bounded so */
    unsigned priorities;          /**< levels of xipc_queue_put_priority(); 1: it has none */
    int is_in_place;              /**< not 0: messages in place, and what was lost is counted */
    int is_joinable;       /**< not 0: messages are tasks, which xipc_queue_join() waits for */
    int is_leased;         /**< not 0: a task whose reader died is given out again */
    apr_size_t deliveries; /**< how often, before it is a dead letter; 0: without end */
} xipc_queue_caps_t;

/** A message of a batch. */
typedef struct {
    const void *data; /**< where it is; may be NULL when its size is 0 */
    apr_size_t size;  /**< bytes */
} xipc_queue_message_t;

/** A task that was taken from a queue. @see xipc_queue_get_leased */
typedef struct {
    apr_uint64_t id;       /**< which one, told from all others of its queue */
    apr_size_t deliveries; /**< how often it has been given out, this time included; 1 at first */
} xipc_queue_lease_t;

/** How a queue is at this moment, and what died with processes that used it. */
typedef struct {
    apr_size_t count;           /**< messages in it */
    apr_size_t lost_by_writers; /**< messages that a process was putting when it died */
    apr_size_t
        lost_by_readers;    /**< messages a process was taking, or held in place, when it died */
    pid_t last_lost_writer; /**< the process that died last in putting; 0 for none */
    pid_t last_lost_reader; /**< the process that died last in taking; 0 for none */
} xipc_queue_stat_t;

/**
 * Make a queue on the backend that suits: the system's own when a bound and a size are given and
 * it bears them, otherwise shared memory.
 *
 * @param queue        where it goes; it lives as long as @p pool, or until xipc_queue_close()
 * @param capacity     how many messages it holds at most; 0: no bound but memory
 * @param message_max  bytes of the largest message; 0: no limit but memory
 * @param pool         where the object lives
 * @return APR_SUCCESS; XIPC_ELIMIT when even shared memory does not bear so much, with the limit's
 *         name and value in the text of xipc_strerror(); APR_EINVAL when a pointer is NULL; what the
 *         system says. Nothing is left behind then.
 * @par Blocking  Never.
 * @par Lifetime  The queue has no name others could see; it and the messages in it are gone when
 *                the last process that has it closed it or ended, however it ended.
 * @par System    mq_open(3), unlinked at once; CreateMailslotW with a random name; memfd_create(2),
 *                shm_open(3) unlinked at once, or CreateFileMappingW without a name.
 */
XIPC_EXPORT apr_status_t xipc_queue_create(xipc_queue_t **queue, apr_size_t capacity,
                                           apr_size_t message_max, apr_pool_t *pool);

/**
 * Make options for xipc_queue_create_ex(), all unset: backend AUTO, no bound and no limit asked.
 *
 * @param options  where they go; they live as long as @p pool
 * @param pool     where they live
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_create(xipc_queue_options_t **options,
                                                   apr_pool_t *pool);

/**
 * Choose the backend.
 *
 * @param options  the options
 * @param backend  which
 * @return APR_SUCCESS; APR_EINVAL when it is no backend or one that xipc_queue_create_ex() does not
 *         make, or @p options is NULL; they are as before then
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_backend_set(xipc_queue_options_t *options,
                                                        xipc_queue_backend_e backend);

/**
 * Bound the number of messages.
 *
 * @param options   the options
 * @param capacity  messages; 0: no bound asked, which on the system's own queues, when they are
 *                  asked for by name, is as many as the system gives
 * @return APR_SUCCESS; APR_EINVAL when @p options is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_capacity_set(xipc_queue_options_t *options,
                                                         apr_size_t capacity);

/**
 * Bound the bytes of all messages together; the number of messages may be bounded as well.
 *
 * @param options  the options
 * @param bytes    bytes, each message's rounded up to 64; 0: no bound asked
 * @return APR_SUCCESS; APR_EINVAL when @p options is NULL. xipc_queue_create_ex() says APR_ENOTIMPL
 *         when a system's own queue is asked for by name as well.
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_bytes_set(xipc_queue_options_t *options,
                                                      apr_size_t bytes);

/**
 * Choose how often a wait in shared memory looks again before it sleeps. It does so only while the
 * other side was last seen on another processor; on the same one, a wait gives the processor up
 * once, whatever is chosen here. While messages come in a stream, a wait that is over may take a few
 * microseconds more, in which several gather; not when it is 0.
 *
 * @param options  the options
 * @param spin     times, some nanoseconds each; 0: never, for many more processes than processors;
 *                 negative: what suits the machine
 * @return APR_SUCCESS; APR_EINVAL when @p options is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_spin_set(xipc_queue_options_t *options, int spin);

/**
 * Give the queue priorities, see xipc_queue_put_priority(). In shared memory each level takes memory
 * of its own once there has been a message in it, and a put and a get take longer than without.
 *
 * @param options  the options
 * @param levels   1 to #XIPC_QUEUE_PRIORITY_MAX + 1: priorities from 0 to @p levels - 1; 1, as when it
 *                 is not set: none are asked for, which a queue in shared memory then has not
 * @return APR_SUCCESS; APR_EINVAL when there can't be so many, or @p options is NULL; they are as
 *         before then. xipc_queue_create_ex() says APR_ENOTIMPL when a backend that has none is asked
 *         for by name as well, a mailslot, or when the queue is to be joinable as well.
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_priorities_set(xipc_queue_options_t *options,
                                                           unsigned levels);

/**
 * Bound the size of a message.
 *
 * @param options      the options
 * @param message_max  bytes; 0: no limit asked, which on the system's own queues, when they are
 *                     asked for by name, is 1 KiB
 * @return APR_SUCCESS; APR_EINVAL when @p options is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_message_max_set(xipc_queue_options_t *options,
                                                            apr_size_t message_max);

/**
 * Ask for a queue whose messages are tasks, which xipc_queue_task_done() ends and xipc_queue_join()
 * waits for. Such a queue is in shared memory. A task that was taken does not count against the
 * bounds, though it is kept until it is done; one that was moved out of the way of others counts
 * against a bound in bytes again, until readers have passed its new place.
 *
 * @param options      the options
 * @param is_joinable  0 for no, the default
 * @return APR_SUCCESS; APR_EINVAL when @p options is NULL. xipc_queue_create_ex() says APR_ENOTIMPL
 *         when a system's own queue is asked for by name as well.
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_joinable_set(xipc_queue_options_t *options,
                                                         int is_joinable);

/**
 * Ask for a joinable queue whose tasks outlive their readers: one that was taken is leased to the
 * process that took it, and when that dies before the task is done, another reader gets it, before
 * all that nobody has had yet. No time ends a lease, only the task's end or proof of its reader's.
 *
 * @param options     the options
 * @param deliveries  how often a task is given out at most; one whose last reader died too becomes a
 *                    dead letter, for xipc_queue_dead_letters(); 0: without end
 * @return as xipc_queue_options_joinable_set()
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_lease_set(xipc_queue_options_t *options,
                                                      apr_size_t deliveries);

/**
 * Give the queue a name, by which other programs of this user can open it.
 *
 * @param options  the options
 * @param name     1 to #XIPC_QUEUE_NAME_MAX bytes, which are copied: no control characters, slashes or
 *                 backslashes; NULL: none
 * @return APR_SUCCESS; APR_EINVAL when it can't be a name, which the text of xipc_strerror() explains,
 *         or @p options is NULL; APR_ENOTIMPL when it is an address, with `://` in it. The options are
 *         as before then.
 * @par Blocking  Never.
 * @par Limits    Queues with names are in shared memory: with #XIPC_QUEUE_AUTO xipc_queue_create_ex()
 *                makes them there, and with #XIPC_QUEUE_MQUEUE or #XIPC_QUEUE_MAILSLOT it says
 *                APR_ENOTIMPL.
 */
XIPC_EXPORT apr_status_t xipc_queue_options_name_set(xipc_queue_options_t *options,
                                                     const char *name);

/**
 * Make a queue as the options say.
 *
 * @param queue    where it goes; it lives as long as @p pool, or until xipc_queue_close()
 * @param options  how it is to be; NULL for the defaults
 * @param pool     where the object lives
 * @return as xipc_queue_create(); XIPC_ELIMIT also when the backend asked for does not bear so much;
 *         APR_ENOTIMPL when this system does not have it, or it has no names and one is asked for;
 *         APR_EEXIST when a living queue has the name; otherwise with a name as xipc_queue_open().
 *         Nothing is left behind by an error.
 * @par Blocking  Never without a name; with one as xipc_queue_open().
 * @par Death     A process killed in here leaves nothing, or what the next one removes who looks at the
 *                name.
 */
XIPC_EXPORT apr_status_t xipc_queue_create_ex(xipc_queue_t **queue,
                                              const xipc_queue_options_t *options,
                                              apr_pool_t *pool);

/**
 * Open a queue that another program of this user has made under a name.
 *
 * This process holds the queue too from now on, as do those that get it from this one, until
 * xipc_queue_close() or their end. The name lasts until xipc_queue_unlink(), or until nobody holds the
 * queue any more: the last one to close it removes the name, and if all holders were killed, the next
 * call that looks at the name does. A queue with a name may be among the arguments of a pool's task.
 *
 * @param queue    where it goes; it lives as long as @p pool, or until xipc_queue_close()
 * @param name     its name
 * @param options  NULL: take the queue as it is; otherwise what is set in them (capacity, bytes,
 *                 largest message, priorities, joinable or leases, deliveries) must be as the queue
 *                 has it. The spin is the queue's, and the name in the options does not matter.
 * @param pool     where the object lives
 * @return APR_SUCCESS; APR_ENOENT when no living queue has the name; XIPC_ESTATE when the queue is not
 *         as the options say, the text of xipc_strerror() tells in what; XIPC_EPROTOCOL when what has
 *         the name is no queue, of another version or word size, damaged, or of another pid namespace;
 *         APR_EACCES when it is another user's, or a process that has the queue can't be asked for it
 *         (Linux: no /proc, mounted with hidepid, or a process that is not dumpable); XIPC_ELIMIT when
 *         511 objects hold it; APR_TIMEUP when another process stays in such a call, stopped, or hundreds
 *         come at once;
 *         APR_EINVAL when a pointer is NULL or the name can't be one; APR_ENOTIMPL for an address, with
 *         `://` in it; what the system says. Nothing is changed then.
 * @par Blocking  For an instant, while others open or close the same name; 5 seconds at most.
 * @par Threads   Any number at once.
 * @par Death     As xipc_queue_create_ex().
 * @par System    Linux: a file in /dev/shm tells who has the queue, and /proc leads to it. macOS,
 *                FreeBSD: a file in /tmp, pipes beside it, and shm_open(3). Win32: a section named in
 *                the session (`Local\\`), and duplicates of a holder's handles.
 */
XIPC_EXPORT apr_status_t xipc_queue_open(xipc_queue_t **queue, const char *name,
                                         const xipc_queue_options_t *options, apr_pool_t *pool);

/**
 * Open a queue by its name, or make it when no living one has the name. Of many that do this at once
 * one makes it.
 *
 * @param queue    where it goes; it lives as long as @p pool, or until xipc_queue_close()
 * @param name     its name
 * @param options  how it is to be; one that is there must agree, as with xipc_queue_open(). NULL: as
 *                 it is, or the defaults
 * @param pool     where the object lives
 * @return as xipc_queue_open() and xipc_queue_create_ex(), but never APR_ENOENT or APR_EEXIST for the
 *         name's sake
 * @par Blocking  As xipc_queue_open().
 * @par Threads   Any number at once.
 * @par Death     As xipc_queue_create_ex().
 */
XIPC_EXPORT apr_status_t xipc_queue_open_or_create(xipc_queue_t **queue, const char *name,
                                                   const xipc_queue_options_t *options,
                                                   apr_pool_t *pool);

/**
 * Take a queue's name away. Those who hold the queue go on with it and with each other; another queue
 * may have the name from now on.
 *
 * @param name  the name; also one whose queue xipc_queue_open() does not understand
 * @return APR_SUCCESS; APR_ENOENT when no living queue had the name (a dead one's is removed); APR_EACCES
 *         when it is another user's; XIPC_EPROTOCOL when something else than an entry stands there;
 *         APR_TIMEUP; APR_EINVAL and APR_ENOTIMPL as xipc_queue_open()
 * @par Blocking  As xipc_queue_open().
 * @par Threads   Any number at once.
 * @par Death     A process killed in here has removed the name, or not, or the next one who looks does.
 */
XIPC_EXPORT apr_status_t xipc_queue_unlink(const char *name);

/** A queue in a list. */
typedef struct {
    const char *name;   /**< its name */
    apr_size_t holders; /**< queue objects in all processes that hold it, at least 1 */
} xipc_queue_listed_t;

/**
 * The queues of this user that have names, in no order. Those that only dead processes held are
 * removed, and those that another version made in an unknown way are not shown.
 *
 * @param list  where an array of #xipc_queue_listed_t goes
 * @param pool  where it and the names live
 * @return APR_SUCCESS, also when there are none; APR_EINVAL when a pointer is NULL; what the system says
 * @par Blocking  As xipc_queue_open(), for each queue.
 * @par Threads   Any number at once.
 */
XIPC_EXPORT apr_status_t xipc_queue_list(apr_array_header_t **list, apr_pool_t *pool);

/**
 * The name under which the queue was made.
 *
 * @param queue  the queue
 * @return the name, also after xipc_queue_close() or xipc_queue_unlink(), as long as the queue object;
 *         NULL when it never had one or @p queue is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT const char *xipc_queue_name(const xipc_queue_t *queue);

/**
 * Add one message, waiting for room.
 *
 * @param queue    the queue
 * @param data     the message; may be NULL when @p size is 0
 * @param size     bytes; 0 is a message too
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @return APR_SUCCESS: readers can see it; XIPC_EFULL when there was no room in time; XIPC_EMSGSIZE
 *         when @p size is over the queue's limit or more than it could ever hold; XIPC_ECLOSED after xipc_queue_close(); XIPC_EDIED
 *         when the manager of a managed queue has died or does not answer (whether the message is
 *         in it is then not known); APR_EINVAL when @p queue is NULL, or @p data is and @p size is
 *         not 0. Nothing is put by an error otherwise.
 * @par Blocking  Up to @p timeout while the queue is full. Signals do not cut it short.
 * @par Threads   Any number of threads and processes at once on the system's queues; a managed
 *                queue's object belongs to one thread at a time.
 * @par Death     A process killed in here leaves the message whole in the queue, or not in it at
 *                all.
 */
XIPC_EXPORT apr_status_t xipc_queue_put(xipc_queue_t *queue, const void *data, apr_size_t size,
                                        apr_interval_time_t timeout);

/**
 * Add one message that is taken before all of a lower priority, and behind those of its own. What
 * xipc_queue_put() and xipc_queue_put_many() put has priority 0.
 *
 * @param queue     the queue; xipc_queue_caps() tells how many priorities it has
 * @param data      the message; may be NULL when @p size is 0
 * @param size      bytes; 0 is a message too
 * @param priority  0 to #XIPC_QUEUE_PRIORITY_MAX
 * @param timeout   microseconds; negative waits for ever, 0 does not wait
 * @return as xipc_queue_put(); APR_ENOTIMPL when @p priority is not 0 and the queue has none, with
 *         the backend's name in the text of xipc_strerror(); APR_EINVAL also when it is higher than
 *         the queue's highest. Nothing is put then.
 * @par Blocking  Up to @p timeout while the queue is full, whatever the priorities of what is in it.
 * @par Threads   As xipc_queue_put().
 * @par Death     As xipc_queue_put().
 * @par System    mq_send(3) has all of them; shared memory those that were asked for with
 *                xipc_queue_options_priorities_set(), a ring each; mailslot and managed have none.
 */
XIPC_EXPORT apr_status_t xipc_queue_put_priority(xipc_queue_t *queue, const void *data,
                                                 apr_size_t size, unsigned priority,
                                                 apr_interval_time_t timeout);

/**
 * Take the oldest message of the highest priority, waiting for one.
 *
 * @param data     where its address goes; it lives as long as @p pool, is never NULL, and has one
 *                 NUL byte behind it that does not count
 * @param size     where its size goes
 * @param queue    the queue
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @param pool     where the message is put
 * @return APR_SUCCESS; XIPC_EEMPTY when there was none in time; XIPC_ECLOSED after
 *         xipc_queue_close(); XIPC_EDIED when the manager of a managed queue has died or does not
 *         answer; APR_EINVAL when a pointer is NULL. The out parameters are unchanged then.
 * @par Blocking  Up to @p timeout while the queue is empty. Signals do not cut it short.
 * @par Threads   As xipc_queue_put().
 * @par Death     A process killed in here leaves the message in the queue, or has taken it along;
 *                never half of it, and no other message.
 */
XIPC_EXPORT apr_status_t xipc_queue_get(void **data, apr_size_t *size, xipc_queue_t *queue,
                                        apr_interval_time_t timeout, apr_pool_t *pool);

/**
 * Take the oldest message of the highest priority into a buffer of the caller's.
 *
 * @param size      where its size goes; with XIPC_EMSGSIZE the size needed
 * @param queue     the queue
 * @param buffer    where the message is put; may be NULL when @p capacity is 0
 * @param capacity  bytes in @p buffer
 * @param timeout   microseconds; negative waits for ever, 0 does not wait
 * @return as xipc_queue_get(), and XIPC_EMSGSIZE when the buffer is too small; nothing is taken
 *         then. The system's own queues can't look before they take: there a buffer below the
 *         queue's `message_max` is refused at once.
 * @par Blocking  Up to @p timeout while the queue is empty. Signals do not cut it short.
 * @par Threads   As xipc_queue_put().
 */
XIPC_EXPORT apr_status_t xipc_queue_get_into(apr_size_t *size, xipc_queue_t *queue, void *buffer,
                                             apr_size_t capacity, apr_interval_time_t timeout);

/**
 * Add several messages in order, with one wake-up where the queue is in shared memory.
 *
 * @param done      where the number of those put goes, also by an error: the first so many
 * @param queue     the queue
 * @param messages  the messages; may be NULL when @p count is 0
 * @param count     how many
 * @param timeout   microseconds for all of them; negative waits for ever, 0 does not wait
 * @return as xipc_queue_put(); APR_SUCCESS when all were put
 * @par Blocking  Up to @p timeout while the queue is full. Signals do not cut it short.
 * @par Threads   As xipc_queue_put().
 * @par Death     A process killed in here leaves the first so many messages in the queue.
 */
XIPC_EXPORT apr_status_t xipc_queue_put_many(apr_size_t *done, xipc_queue_t *queue,
                                             const xipc_queue_message_t *messages, apr_size_t count,
                                             apr_interval_time_t timeout);

/**
 * Take the messages that are there, in the order of single gets, waiting for the first.
 *
 * @param count     where the number of those taken goes
 * @param messages  where they go; each lives as long as @p pool
 * @param most      how many at most, at least 1
 * @param queue     the queue
 * @param timeout   microseconds; negative waits for ever, 0 does not wait
 * @param pool      where the messages are put
 * @return as xipc_queue_get()
 * @par Blocking  Up to @p timeout while the queue is empty. Signals do not cut it short.
 * @par Threads   As xipc_queue_put().
 */
XIPC_EXPORT apr_status_t xipc_queue_get_many(apr_size_t *count, xipc_queue_message_t *messages,
                                             apr_size_t most, xipc_queue_t *queue,
                                             apr_interval_time_t timeout, apr_pool_t *pool);

/**
 * Reserve a place for a message, to write it there. Readers come to it in its order, and wait there
 * until it is committed or abandoned, or this process has ended; it counts as a message until then.
 * Its priority is 0: messages of a higher one do not wait for it.
 *
 * @param data     where its address goes, a multiple of 64
 * @param queue    the queue
 * @param size     bytes at most
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @return as xipc_queue_put(); APR_ENOTIMPL on other backends than shm
 * @par Blocking  Up to @p timeout while the queue is full.
 * @par Threads   As xipc_queue_put(). Another thread may commit it, another process can't.
 * @par Death     What a process that died had reserved is passed over, and its room regained.
 */
XIPC_EXPORT apr_status_t xipc_queue_reserve(void **data, xipc_queue_t *queue, apr_size_t size,
                                            apr_interval_time_t timeout);

/**
 * The message in a reserved place is written: readers may take it.
 *
 * @param queue  the queue
 * @param data   its address, from xipc_queue_reserve()
 * @param size   bytes, no more than were reserved
 * @return APR_SUCCESS; XIPC_ESTATE when this was not reserved by this process; XIPC_EMSGSIZE when
 *         it is larger than the place; XIPC_ECLOSED; APR_ENOTIMPL; APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_commit(xipc_queue_t *queue, const void *data, apr_size_t size);

/**
 * Give a reserved place up.
 *
 * @param queue  the queue
 * @param data   its address, from xipc_queue_reserve()
 * @return as xipc_queue_commit()
 * @par Blocking  For an instant.
 */
XIPC_EXPORT apr_status_t xipc_queue_abandon(xipc_queue_t *queue, const void *data);

/**
 * Take the oldest message of the highest priority, and read it where it is. Its room is not free
 * before xipc_queue_release(), nor is that of later messages of its priority. In a joinable queue it is
 * still a task to be done after that.
 *
 * @param data     where its address goes, a multiple of 64
 * @param size     where its size goes
 * @param queue    the queue
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @return as xipc_queue_get(); APR_ENOTIMPL on other backends than shm
 * @par Blocking  Up to @p timeout while the queue is empty.
 * @par Threads   As xipc_queue_put().
 * @par Death     What a process that died held is gone, and its room regained.
 */
XIPC_EXPORT apr_status_t xipc_queue_peek(const void **data, apr_size_t *size, xipc_queue_t *queue,
                                         apr_interval_time_t timeout);

/**
 * A message read in place is not needed any more.
 *
 * @param queue  the queue
 * @param data   its address, from xipc_queue_peek()
 * @return APR_SUCCESS; XIPC_ESTATE when this process does not hold it; APR_TIMEUP in a joinable queue
 *         when a process that is stopped inside it keeps others out for a second, and the message is
 *         still held; XIPC_ECLOSED; APR_ENOTIMPL; APR_EINVAL when a pointer is NULL
 * @par Blocking  For an instant.
 */
XIPC_EXPORT apr_status_t xipc_queue_release(xipc_queue_t *queue, const void *data);

/**
 * A task is done: the first of those that this thread took from the queue and that are not done, or
 * else the first that this process took. In a queue without leases it may be another process's when
 * this one has none, as a task may have been handed on.
 *
 * @param queue  a joinable queue
 * @return APR_SUCCESS; XIPC_ESTATE when there is none, or the queue is not joinable; APR_TIMEUP when
 *         a process that is stopped inside the queue keeps others out for a second; XIPC_ECLOSED;
 *         APR_EINVAL when @p queue is NULL. All is as before then.
 * @par Blocking  For an instant.
 * @par Threads   Any number of threads and processes at once.
 * @par Death     A process killed in here has done the task, or not.
 */
XIPC_EXPORT apr_status_t xipc_queue_task_done(xipc_queue_t *queue);

/**
 * Wait until all tasks that were put are done. What is a dead letter counts as done.
 *
 * @param queue    a joinable queue
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @return APR_SUCCESS; APR_TIMEUP when some are not done in time; XIPC_EDIED when all others are
 *         done, but some, since the last call with this object, were lost with readers that died
 *         (without leases; xipc_queue_stat() counts them); XIPC_ESTATE when the queue is not
 *         joinable; XIPC_ECLOSED; APR_EINVAL when @p queue is NULL
 * @par Blocking  Up to @p timeout. Signals do not cut it short.
 * @par Threads   Any number of threads and processes at once.
 */
XIPC_EXPORT apr_status_t xipc_queue_join(xipc_queue_t *queue, apr_interval_time_t timeout);

/**
 * Take a task as xipc_queue_get() does, and tell which one it is.
 *
 * @param data     where its address goes; it lives as long as @p pool
 * @param size     where its size goes
 * @param lease    where its identity goes and how often it has been given out; may not be NULL
 * @param queue    a joinable queue
 * @param timeout  microseconds; negative waits for ever, 0 does not wait
 * @param pool     where the message is put
 * @return as xipc_queue_get(); XIPC_ESTATE when the queue is not joinable
 * @par Blocking  Up to @p timeout while there is none. Signals do not cut it short.
 * @par Threads   As xipc_queue_put().
 * @par Death     A process killed in here leaves the task in the queue, or has taken it.
 */
XIPC_EXPORT apr_status_t xipc_queue_get_leased(void **data, apr_size_t *size,
                                               xipc_queue_lease_t *lease, xipc_queue_t *queue,
                                               apr_interval_time_t timeout, apr_pool_t *pool);

/**
 * A certain task is done, for who has several at once.
 *
 * @param queue  the queue
 * @param lease  from xipc_queue_get_leased() in this process, in any thread
 * @return as xipc_queue_task_done()
 * @par Blocking  For an instant.
 * @par Threads   As xipc_queue_task_done().
 * @par Death     As xipc_queue_task_done().
 */
XIPC_EXPORT apr_status_t xipc_queue_lease_done(xipc_queue_t *queue,
                                               const xipc_queue_lease_t *lease);

/**
 * The queue of tasks that were given out as often as was allowed, and whose last reader died as well.
 * A task is moved there once, when a reader or a join next comes by.
 *
 * @param letters  where the queue goes, without bounds and not joinable; it lives as long as @p pool,
 *                 or until xipc_queue_close(), whatever becomes of @p queue
 * @param queue    a queue with leases and a number of deliveries
 * @param pool     where the object lives
 * @return APR_SUCCESS; XIPC_ESTATE when the queue has none; XIPC_ECLOSED; APR_EINVAL when a pointer is
 *         NULL; what the system says
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_dead_letters(xipc_queue_t **letters, xipc_queue_t *queue,
                                                 apr_pool_t *pool);

/**
 * How the queue is, and what was lost with processes that died in it.
 *
 * @param stat   where it goes; on other backends than shm the numbers of the lost are 0
 * @param queue  the queue
 * @return as xipc_queue_size()
 * @par Blocking  As xipc_queue_size().
 * @par Limits    A death is noticed when the next process comes to what the dead one left.
 */
XIPC_EXPORT apr_status_t xipc_queue_stat(xipc_queue_stat_t *stat, xipc_queue_t *queue);

/**
 * How many messages wait in the queue at this moment.
 *
 * @param count  where their number goes
 * @param queue  the queue
 * @return APR_SUCCESS; XIPC_ECLOSED after xipc_queue_close(); XIPC_EDIED when the manager of a
 *         managed queue has died; APR_EINVAL when a pointer is NULL
 * @par Blocking  For an instant on mailslots, and while the manager of a managed queue answers;
 *                otherwise never.
 */
XIPC_EXPORT apr_status_t xipc_queue_size(apr_size_t *count, xipc_queue_t *queue);

/**
 * Is the queue full at this moment?
 *
 * @param queue  the queue
 * @return 1 or 0; 0 when that can't be known (the queue is closed, its manager has died, or @p
 *         queue is NULL)
 * @par Blocking  As xipc_queue_size().
 */
XIPC_EXPORT int xipc_queue_is_full(xipc_queue_t *queue);

/**
 * Is the queue empty at this moment?
 *
 * @param queue  the queue
 * @return 1 or 0; 1 when that can't be known (the queue is closed, its manager has died, or @p
 *         queue is NULL)
 * @par Blocking  As xipc_queue_size().
 */
XIPC_EXPORT int xipc_queue_is_empty(xipc_queue_t *queue);

/**
 * What the queue stands on.
 *
 * @param queue  the queue
 * @return its backend, also after xipc_queue_close(); XIPC_QUEUE_AUTO when @p queue is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT xipc_queue_backend_e xipc_queue_backend(const xipc_queue_t *queue);

/**
 * What the queue is and bears.
 *
 * @param caps   where it goes
 * @param queue  the queue
 * @return APR_SUCCESS; APR_EINVAL when a pointer is NULL
 * @par Blocking  Never.
 */
XIPC_EXPORT apr_status_t xipc_queue_caps(xipc_queue_caps_t *caps, const xipc_queue_t *queue);

/**
 * Close the queue in this process. The others go on using it.
 *
 * @param queue  the queue
 * @return APR_SUCCESS, also the second time; APR_EINVAL when @p queue is NULL
 * @par Blocking  Never without a name; with one as xipc_queue_open().
 * @par Threads   Not while another thread uses it.
 * @par Lifetime  The last one that holds a queue with a name removes the name. A forked child that has
 *                the object as its parent's copy holds nothing.
 */
XIPC_EXPORT apr_status_t xipc_queue_close(xipc_queue_t *queue);

#ifdef __cplusplus
}
#endif

#endif
