/*
 * port_kernel_queue.c - the system's own queue: a mailslot, with a bound.
 *
 * A mailslot has no bound, tells no writer when there is room, and can't be waited for under Wine.
 * So a queue is a mailslot, a page of shared memory that counts what went in and what came out, a
 * mutex over both, and two events that follow the count: not_empty, not_full. Both numbers only
 * grow, and each message carries its own.
 *
 * Any process may be killed at any instruction. The system then gives its mutex to the next one,
 * and says so (WAIT_ABANDONED); that one repairs the count. For it to come at all, an event is set
 * before the change that makes it true, and reset after the one that makes it false: whoever is to
 * notice is awake by then.
 *
 * What a killed process leaves is a count that is too high by one, never too low: it had not yet
 * written what it counts, or had taken what it did not uncount. Where the system counts messages
 * that is put right at once; elsewhere the message that comes next tells by its number that others
 * before it don't exist, or an empty mailslot says it.
 */
#include "core/point.h"
#include "win32/mailslot.h"
#include "xipc/queue.h"

#include <string.h>

enum { READER, WRITER, MUTEX, NOT_EMPTY, NOT_FULL, PAGE, HANDLES };

enum { MAGIC = 0x78697063, VERSION = 1 };

/* The shared page. Everyone who has the queue can write anything here: copy, check, use. */
typedef struct {
    apr_uint32_t magic;
    apr_uint32_t version;
    apr_uint32_t capacity;
    apr_uint32_t message_max;
    volatile apr_uint64_t put; /* the number of the next message to put */
    volatile apr_uint64_t got; /* and of the next to get */
    volatile apr_uint64_t
        writing; /* 1 more than the number of the message that was written last, or nearly */
} page_t;

/* What each message begins with: an empty one would get lost under Wine. */
typedef struct {
    apr_uint64_t number;
    apr_uint64_t size;
} header_t;

struct xipc__kernel_queue_t {
    HANDLE handles[HANDLES];
    page_t *page;
    apr_uint64_t capacity; /* our own copy: the page's may change */
    apr_size_t message_max;
    unsigned char *buffer; /* one message with its header, for who holds the mutex */
};

/* How long the mutex is waited for when time is up but there is work: its holder is quick. */
enum { GRACE = APR_USEC_PER_SEC };

int xipc__port_kernel_queue_backend(void)
{
    return XIPC_QUEUE_MAILSLOT;
}

unsigned xipc__port_kernel_queue_priorities(void)
{
    return 1;
}

/* ---- the count, under the mutex ---- */

/* Never more than the capacity, whatever the page says. */
static apr_uint64_t count_of(const xipc__kernel_queue_t *queue)
{
    apr_uint64_t count = queue->page->put - queue->page->got;
    return count <= queue->capacity ? count : queue->capacity;
}

static void tell_events(const xipc__kernel_queue_t *queue)
{
    apr_uint64_t count = count_of(queue);
    (void)(count > 0 ? SetEvent : ResetEvent)(queue->handles[NOT_EMPTY]);
    (void)(count < queue->capacity ? SetEvent : ResetEvent)(queue->handles[NOT_FULL]);
}

/* Make the count agree with the mailslot, as far as the system tells. */
static void correct(xipc__kernel_queue_t *queue)
{
    page_t *page = queue->page;
    DWORD next, count;
    if (xipc__mailslot_look(&next, &count, queue->handles[READER]) == APR_SUCCESS) {
        if (next == MAILSLOT_NO_MESSAGE)
            page->got = page->put;
        else if (xipc__mailslot_counts())
            page->got = page->put - count;
        else if (page->got == page->put)
            page->got = page->put - 1;
    }
    tell_events(queue);
}

/* The last owner of the mutex was killed. */
static void repair(xipc__kernel_queue_t *queue)
{
    page_t *page = queue->page;
    /* the message may be there, not counted; if it is not, its number is one that never comes */
    if (page->writing == page->put + 1) page->put++;
    XIPC__POINT("mailslot.repairing");
    correct(queue);
}

/* ---- the mutex ---- */

static void leave(xipc__kernel_queue_t *queue)
{
    (void)ReleaseMutex(queue->handles[MUTEX]);
}

/* Take the mutex once `event` is set. `in_vain` is what it means that it was not in time. */
static apr_status_t enter(xipc__kernel_queue_t *queue, int event, apr_time_t deadline,
                          apr_status_t in_vain)
{
    HANDLE both[] = {queue->handles[MUTEX], queue->handles[event]};
    DWORD found = xipc__win32_wait(2, both, TRUE, deadline);
    /* the event is set, so only the mutex is held at this moment: no reason to give up */
    if (found == WAIT_TIMEOUT && WaitForSingleObject(both[1], 0) == WAIT_OBJECT_0)
        found = xipc__win32_wait(1, both, FALSE, xipc__deadline(GRACE));

    if (found == WAIT_TIMEOUT) return in_vain;
    if (found == WAIT_FAILED) return xipc__win32_error();
    if (found == WAIT_ABANDONED_0 || found == WAIT_ABANDONED_0 + 1) repair(queue);
    XIPC__POINT("mailslot.entered");
    return APR_SUCCESS;
}

/* ---- put ---- */

static apr_status_t write_message(xipc__kernel_queue_t *queue, const void *data, apr_size_t size)
{
    page_t *page = queue->page;
    header_t header = {page->put, size};
    memcpy(queue->buffer, &header, sizeof header);
    if (size > 0) memcpy(queue->buffer + sizeof header, data, size);

    page->writing = header.number + 1;
    XIPC__POINT("mailslot.writing");
    DWORD written;
    if (!WriteFile(queue->handles[WRITER], queue->buffer, (DWORD)(sizeof header + size), &written,
                   NULL)) {
        apr_status_t rv = xipc__win32_error();
        page->writing = 0;
        return rv;
    }
    XIPC__POINT("mailslot.written");
    page->put = header.number + 1;
    XIPC__POINT("mailslot.put");
    return APR_SUCCESS;
}

/* With the mutex: put it if there is room, otherwise XIPC_EFULL. */
static apr_status_t put_now(xipc__kernel_queue_t *queue, const void *data, apr_size_t size)
{
    apr_uint64_t count = count_of(queue);
    if (count >= queue->capacity) {
        tell_events(queue);
        return XIPC_EFULL;
    }
    if (count == 0) SetEvent(queue->handles[NOT_EMPTY]);
    apr_status_t rv = write_message(queue, data, size);
    if (rv != APR_SUCCESS || count + 1 >= queue->capacity) tell_events(queue);
    return rv;
}

apr_status_t xipc__port_kernel_queue_put(xipc__kernel_queue_t *queue, const void *data,
                                         apr_size_t size, unsigned priority, apr_time_t deadline)
{
    (void)priority; /* a mailslot has one */
    for (;;) {
        apr_status_t rv = enter(queue, NOT_FULL, deadline, XIPC_EFULL);
        if (rv != APR_SUCCESS) return rv;
        rv = put_now(queue, data, size);
        XIPC__POINT("mailslot.told");
        leave(queue);
        XIPC__POINT("mailslot.left");
        /* a repair found the queue full although the event was set */
        if (rv != XIPC_EFULL || xipc__remaining(deadline) == 0) return rv;
    }
}

/* ---- get ---- */

/* The message with that number was taken: those between the last one and it do not exist. */
static void count_taken(page_t *page, apr_uint64_t number)
{
    apr_uint64_t got = page->got;
    /* a number that can't be is a stranger's */
    page->got = number - got < page->put - got ? number + 1 : got + 1;
}

static apr_status_t read_message(apr_size_t *size, xipc__kernel_queue_t *queue, void *buffer)
{
    DWORD taken;
    DWORD room = (DWORD)(sizeof(header_t) + queue->message_max);
    if (!ReadFile(queue->handles[READER], queue->buffer, room, &taken, NULL))
        return xipc__win32_error();
    XIPC__POINT("mailslot.read");

    header_t header = {0};
    if (taken >= sizeof header) memcpy(&header, queue->buffer, sizeof header);
    count_taken(queue->page, taken >= sizeof header ? header.number : queue->page->got);
    XIPC__POINT("mailslot.taken");
    if (taken < sizeof header || header.size != taken - sizeof header)
        return xipc__fail(XIPC_EPROTOCOL, "a message of %lu bytes in the mailslot is no queue's",
                          taken);
    memcpy(buffer, queue->buffer + sizeof header, taken - sizeof header);
    *size = taken - sizeof header;
    return APR_SUCCESS;
}

/* With the mutex: get the next message if there is one, otherwise XIPC_EEMPTY. */
static apr_status_t get_now(apr_size_t *size, xipc__kernel_queue_t *queue, void *buffer)
{
    DWORD next, count;
    apr_status_t rv = xipc__mailslot_look(&next, &count, queue->handles[READER]);
    if (rv != APR_SUCCESS) return rv;
    if (next == MAILSLOT_NO_MESSAGE) {
        correct(queue);
        return XIPC_EEMPTY;
    }
    if (count_of(queue) >= queue->capacity) SetEvent(queue->handles[NOT_FULL]);
    rv = read_message(size, queue, buffer);
    if (rv != APR_SUCCESS || count_of(queue) == 0) tell_events(queue);
    return rv;
}

apr_status_t xipc__port_kernel_queue_get(apr_size_t *size, xipc__kernel_queue_t *queue,
                                         void *buffer, apr_size_t capacity, apr_time_t deadline)
{
    (void)capacity; /* at least message_max */
    for (;;) {
        apr_status_t rv = enter(queue, NOT_EMPTY, deadline, XIPC_EEMPTY);
        if (rv != APR_SUCCESS) return rv;
        rv = get_now(size, queue, buffer);
        XIPC__POINT("mailslot.told");
        leave(queue);
        XIPC__POINT("mailslot.left");
        /* what was counted was never written */
        if (rv != XIPC_EEMPTY || xipc__remaining(deadline) == 0) return rv;
    }
}

apr_status_t xipc__port_kernel_queue_size(apr_size_t *count, xipc__kernel_queue_t *queue)
{
    DWORD found = xipc__win32_wait(1, &queue->handles[MUTEX], FALSE, xipc__deadline(GRACE));
    if (found == WAIT_FAILED) return xipc__win32_error();
    if (found == WAIT_ABANDONED_0) repair(queue);
    /* without the mutex, in time, it is what was last written down */
    *count = (apr_size_t)count_of(queue);
    if (found != WAIT_TIMEOUT) leave(queue);
    return APR_SUCCESS;
}

/* ---- making and closing ---- */

static void close_all(xipc__kernel_queue_t *queue)
{
    if (queue->page != NULL) UnmapViewOfFile(queue->page);
    for (int i = HANDLES; i-- > 0;)
        if (queue->handles[i] != NULL) CloseHandle(queue->handles[i]);
}

/* Check what is asked, or fill in what is not. */
static apr_status_t bound(apr_size_t *capacity, apr_size_t *message_max)
{
    const apr_size_t most = XIPC__MAILSLOT_MESSAGE_MAX - sizeof(header_t);
    apr_size_t size = *message_max > 0 ? *message_max : 1024;
    if (size > most)
        return xipc__fail(XIPC_ELIMIT,
                          "message_max %" APR_SIZE_T_FMT
                          " is over the largest mailslot message, %" APR_SIZE_T_FMT " bytes",
                          size, most);
    apr_size_t depth = xipc__mailslot_depth(size + sizeof(header_t));
    if (*capacity > depth)
        return xipc__fail(XIPC_ELIMIT,
                          "capacity %" APR_SIZE_T_FMT
                          " is over what a mailslot bears of %" APR_SIZE_T_FMT
                          "-byte messages, %" APR_SIZE_T_FMT,
                          *capacity, size, depth);
    *message_max = size;
    if (*capacity == 0) *capacity = depth;
    return APR_SUCCESS;
}

static apr_status_t map(xipc__kernel_queue_t *queue)
{
    queue->page = MapViewOfFile(queue->handles[PAGE], FILE_MAP_READ | FILE_MAP_WRITE, 0, 0,
                                sizeof *queue->page);
    return queue->page != NULL ? APR_SUCCESS : xipc__win32_error();
}

/* The objects beside the mailslot. They have no name. */
static apr_status_t make_objects(xipc__kernel_queue_t *queue)
{
    queue->handles[MUTEX] = CreateMutexW(NULL, FALSE, NULL);
    if (queue->handles[MUTEX] == NULL) return xipc__win32_error();
    queue->handles[NOT_EMPTY] = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (queue->handles[NOT_EMPTY] == NULL) return xipc__win32_error();
    queue->handles[NOT_FULL] = CreateEventW(NULL, TRUE, TRUE, NULL);
    if (queue->handles[NOT_FULL] == NULL) return xipc__win32_error();
    queue->handles[PAGE] = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0,
                                              sizeof *queue->page, NULL);
    return queue->handles[PAGE] != NULL ? map(queue) : xipc__win32_error();
}

static void finish_make(xipc__kernel_queue_t *queue, apr_size_t capacity, apr_size_t message_max,
                        apr_pool_t *pool)
{
    queue->capacity = capacity;
    queue->message_max = message_max;
    queue->buffer = apr_palloc(pool, sizeof(header_t) + message_max);
}

apr_status_t xipc__port_kernel_queue_create(xipc__kernel_queue_t **queue, apr_size_t *capacity,
                                            apr_size_t *message_max, apr_pool_t *pool)
{
    apr_size_t depth = *capacity, size = *message_max;
    apr_status_t rv = bound(&depth, &size);
    if (rv != APR_SUCCESS) return rv;

    xipc__kernel_queue_t *made = apr_pcalloc(pool, sizeof *made);
    rv = xipc__mailslot_create(&made->handles[READER], &made->handles[WRITER],
                               sizeof(header_t) + size);
    if (rv == APR_SUCCESS) rv = make_objects(made);
    if (rv != APR_SUCCESS) {
        close_all(made);
        return rv;
    }
    page_t page = {MAGIC, VERSION, (apr_uint32_t)depth, (apr_uint32_t)size, 0, 0, 0};
    *made->page = page;
    finish_make(made, depth, size, pool);
    *queue = made;
    *capacity = depth;
    *message_max = size;
    return APR_SUCCESS;
}

xipc__handle_t xipc__port_kernel_queue_sentinel(const xipc__kernel_queue_t *queue)
{
    return xipc__win32_opaque(queue->handles[NOT_EMPTY]);
}

void xipc__port_kernel_queue_handles(xipc__handles_t *handles, const xipc__kernel_queue_t *queue)
{
    handles->count = HANDLES;
    for (int i = 0; i < HANDLES; i++) handles->items[i] = xipc__win32_opaque(queue->handles[i]);
}

/* Are they what they should be? A wrong one could make us wait for ever, or write elsewhere. */
static int are_handles(const xipc__handle_t *handles, apr_size_t count)
{
    static const wchar_t *const types[HANDLES] = {L"File",  L"File",  L"Mutant",
                                                  L"Event", L"Event", L"Section"};
    if (count != HANDLES) return 0;
    for (int i = 0; i < HANDLES; i++)
        if (!xipc__win32_is_type(xipc__win32_handle(handles[i]), types[i])) return 0;
    DWORD next, waiting;
    return xipc__mailslot_look(&next, &waiting, xipc__win32_handle(handles[READER])) == APR_SUCCESS;
}

apr_status_t xipc__port_kernel_queue_adopt(xipc__kernel_queue_t **queue, apr_size_t *capacity,
                                           apr_size_t *message_max, const xipc__handle_t *handles,
                                           apr_size_t count, apr_pool_t *pool)
{
    if (!are_handles(handles, count))
        return xipc__fail(XIPC_EPROTOCOL, "the handles that came are no queue's");
    xipc__kernel_queue_t *made = apr_pcalloc(pool, sizeof *made);
    for (int i = 0; i < HANDLES; i++) made->handles[i] = xipc__win32_handle(handles[i]);
    if (map(made) != APR_SUCCESS)
        return xipc__fail(XIPC_EPROTOCOL, "the memory that came is no queue's");

    page_t page = *made->page;
    apr_size_t depth = page.capacity, size = page.message_max;
    if (page.magic != MAGIC || page.version != VERSION || depth == 0 || size == 0 ||
        bound(&depth, &size) != APR_SUCCESS) {
        UnmapViewOfFile(made->page);
        return xipc__fail(XIPC_EPROTOCOL, "the memory that came is no queue's");
    }
    finish_make(made, depth, size, pool);
    *queue = made;
    *capacity = depth;
    *message_max = size;
    return APR_SUCCESS;
}

void xipc__port_kernel_queue_close(xipc__kernel_queue_t *queue)
{
    close_all(queue);
}
