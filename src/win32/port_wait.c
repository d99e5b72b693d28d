/*
 * port_wait.c - waiting for streams, children and queues at once.
 *
 * Every stream is looked at by a read without a buffer, and all these reads share one event: so any
 * number of streams takes one of the 64 places that WaitForMultipleObjects has, and the rest are
 * for other objects. Where there are more of them, threads watch them for the time of the call.
 */
#include "win32/stream.h"

#include <stdlib.h>

/* How soon a stream that is waited for to be written to is tried: the system does not tell. */
enum { ROOM_MS = 1 };

/* One place is the event's; more objects than that are watched by threads. */
enum { OBJECTS_MAX = MAXIMUM_WAIT_OBJECTS - 1 };

/* What is under way for an item. */
typedef struct {
    OVERLAPPED look; /* at its stream, while is_looking */
    int is_looking;
} task_t;

/* Objects that a thread waits for. */
typedef struct {
    HANDLE thread;
    HANDLE event;                         /* set when one of them is signalled */
    HANDLE handles[MAXIMUM_WAIT_OBJECTS]; /* what ends it, then the objects */
    DWORD handle_count;
    HANDLE seen; /* the one that was signalled, which some are no more after a wait; or NULL */
} watcher_t;

typedef struct {
    xipc__waitable_t *items;
    apr_size_t count;
    task_t *tasks; /* by item */
    HANDLE event;  /* some look has ended, or a watcher saw an object signalled */
    HANDLE handles[MAXIMUM_WAIT_OBJECTS]; /* what to wait for: the event, then objects */
    DWORD handle_count;
    watcher_t *watchers; /* NULL when all objects have a place above */
    apr_size_t watcher_count;
    HANDLE over; /* ends the watchers */
} wait_t;

/* What is signalled when an item that is no stream is ready; NULL for a stream. */
static HANDLE object_of(const xipc__waitable_t *item)
{
    if (item->stream != NULL) return NULL;
    return item->child != NULL ? item->child->process : xipc__win32_handle(item->handle);
}

apr_status_t xipc__port_handle_check(int *is_ready, xipc__handle_t handle)
{
    DWORD found = WaitForSingleObject(xipc__win32_handle(handle), 0);
    *is_ready = found == WAIT_OBJECT_0;
    if (found != WAIT_FAILED) return APR_SUCCESS;
    return xipc__fail(APR_EBADF, "%pp is no object to wait for", (void *)handle);
}

static int is_signalled(HANDLE object)
{
    return WaitForSingleObject(object, 0) == WAIT_OBJECT_0;
}

static int begin_looks(wait_t *wait)
{
    int found = 0;
    for (apr_size_t i = 0; i < wait->count; i++) {
        xipc__waitable_t *item = &wait->items[i];
        task_t *task = &wait->tasks[i];
        if (item->is_for_room)
            item->is_ready = 0;
        else if (item->stream != NULL) {
            task->look.hEvent = wait->event;
            item->is_ready = xipc__win32_stream_look(item->stream, &task->look);
            task->is_looking = !item->is_ready;
        } else
            item->is_ready = is_signalled(object_of(item));
        found |= item->is_ready;
    }
    return found;
}

/* Mark what became ready meanwhile. Is anything? Does any look go on? */
static int collect(int *is_looking, wait_t *wait)
{
    int found = 0;
    *is_looking = 0;
    for (apr_size_t i = 0; i < wait->count; i++) {
        xipc__waitable_t *item = &wait->items[i];
        task_t *task = &wait->tasks[i];
        if (task->is_looking && xipc__win32_stream_look_has_ended(item->stream, &task->look)) {
            task->is_looking = 0;
            item->is_ready = xipc__win32_stream_seen(item->stream, &task->look);
        } else if (item->stream == NULL && !item->is_ready)
            item->is_ready = is_signalled(object_of(item));
        found |= item->is_ready;
        *is_looking |= task->is_looking;
    }
    return found;
}

/* End all looks; one that found something in spite of that counts. Is anything ready? */
static int end_looks(wait_t *wait)
{
    for (apr_size_t i = 0; i < wait->count; i++)
        if (wait->tasks[i].is_looking)
            xipc__win32_stream_look_cancel(wait->items[i].stream, &wait->tasks[i].look);

    for (;;) {
        /* first the reset, then the look at the results: one that comes in between sets it again */
        ResetEvent(wait->event);
        int is_looking;
        int found = collect(&is_looking, wait);
        if (!is_looking) return found;
        (void)WaitForSingleObject(wait->event, INFINITE);
    }
}

/* ---- objects ---- */

/* The wait saw it signalled, and may have reset it by that: it is not asked again. */
static void mark_seen(wait_t *wait, HANDLE object)
{
    for (apr_size_t i = 0; i < wait->count; i++)
        if (object_of(&wait->items[i]) == object) wait->items[i].is_ready = 1;
}

/* None may be listed twice. */
static void list_once(HANDLE *handles, DWORD *count, HANDLE object)
{
    DWORD at = 0;
    while (at < *count && handles[at] != object) at++;
    handles[at] = object;
    if (at == *count) ++*count;
}

/* ---- many objects ---- */

static DWORD WINAPI watch_objects(void *argument)
{
    watcher_t *watcher = argument;
    DWORD found = WaitForMultipleObjects(watcher->handle_count, watcher->handles, FALSE, INFINITE);
    if (found > WAIT_OBJECT_0 && found < WAIT_OBJECT_0 + watcher->handle_count)
        watcher->seen = watcher->handles[found - WAIT_OBJECT_0];
    if (found != WAIT_OBJECT_0) SetEvent(watcher->event);
    return 0;
}

static apr_status_t watcher_start(watcher_t *watcher)
{
    watcher->thread = CreateThread(NULL, 0, watch_objects, watcher, 0, NULL);
    return watcher->thread != NULL ? APR_SUCCESS : xipc__win32_error();
}

/* Give each watcher as many objects as it can wait for, and start it. */
static apr_status_t start_watchers(wait_t *wait, apr_size_t objects)
{
    wait->watchers = calloc(objects / OBJECTS_MAX + 1, sizeof *wait->watchers);
    if (wait->watchers == NULL) return APR_ENOMEM;
    wait->over = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (wait->over == NULL) return xipc__win32_error();
    for (apr_size_t i = 0; objects > 0; i++) {
        HANDLE object = object_of(&wait->items[i]);
        if (object == NULL) continue;
        watcher_t *watcher = &wait->watchers[wait->watcher_count];
        if (watcher->handle_count == 0) watcher->handles[watcher->handle_count++] = wait->over;
        list_once(watcher->handles, &watcher->handle_count, object);
        watcher->event = wait->event;
        objects--;
        if (objects > 0 && watcher->handle_count < MAXIMUM_WAIT_OBJECTS) continue;
        apr_status_t rv = watcher_start(watcher);
        if (rv != APR_SUCCESS) return rv;
        wait->watcher_count++;
    }
    return APR_SUCCESS;
}

/* Did any of them see something? */
static int end_watchers(wait_t *wait)
{
    int found = 0;
    if (wait->over != NULL) SetEvent(wait->over);
    for (apr_size_t i = 0; i < wait->watcher_count; i++) {
        const watcher_t *watcher = &wait->watchers[i];
        (void)WaitForSingleObject(watcher->thread, INFINITE);
        CloseHandle(watcher->thread);
        if (watcher->seen == NULL) continue;
        mark_seen(wait, watcher->seen);
        found = 1;
    }
    if (wait->over != NULL) CloseHandle(wait->over);
    free(wait->watchers);
    return found;
}

/* Has a watcher ended? What it saw is taken up at the end. */
static int is_any_seen(const wait_t *wait)
{
    for (apr_size_t i = 0; i < wait->watcher_count; i++)
        if (WaitForSingleObject(wait->watchers[i].thread, 0) == WAIT_OBJECT_0) return 1;
    return 0;
}

/* List the objects, or have them watched when there are too many. */
static apr_status_t list_objects(wait_t *wait)
{
    apr_size_t objects = 0;
    for (apr_size_t i = 0; i < wait->count; i++) objects += wait->items[i].stream == NULL;
    if (objects > OBJECTS_MAX) return start_watchers(wait, objects);
    for (apr_size_t i = 0; i < wait->count; i++)
        if (wait->items[i].stream == NULL)
            list_once(wait->handles, &wait->handle_count, object_of(&wait->items[i]));
    return APR_SUCCESS;
}

/* ---- the wait ---- */

static apr_status_t wait_until(wait_t *wait, apr_time_t deadline)
{
    wait->handles[wait->handle_count++] = wait->event;
    if (begin_looks(wait)) return APR_SUCCESS;
    apr_status_t rv = list_objects(wait);
    while (rv == APR_SUCCESS) {
        /* each look began with a reset of the event: what had ended before is seen only here */
        int is_looking;
        if (collect(&is_looking, wait) || is_any_seen(wait)) return APR_SUCCESS;
        DWORD found = xipc__win32_wait(wait->handle_count, wait->handles, FALSE, deadline);
        if (found == WAIT_TIMEOUT) return APR_TIMEUP;
        if (found == WAIT_FAILED) rv = xipc__win32_error();
        if (found > WAIT_OBJECT_0 && found < WAIT_OBJECT_0 + wait->handle_count)
            mark_seen(wait, wait->handles[found - WAIT_OBJECT_0]);
    }
    return rv;
}

/* Wait no longer than the first that wants room; all that do are to be tried then. */
static apr_status_t wait_for_room_too(wait_t *wait, apr_time_t deadline)
{
    int is_for_room = 0;
    for (apr_size_t i = 0; i < wait->count; i++) is_for_room |= wait->items[i].is_for_room;
    if (!is_for_room) return wait_until(wait, deadline);
    apr_time_t soon = xipc__deadline(apr_time_from_msec(ROOM_MS));
    apr_status_t rv = wait_until(wait, deadline < soon ? deadline : soon);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_TIMEUP(rv)) return rv;
    for (apr_size_t i = 0; i < wait->count; i++)
        if (wait->items[i].is_for_room) wait->items[i].is_ready = 1;
    return APR_SUCCESS;
}

apr_status_t xipc__port_wait(xipc__waitable_t *items, apr_size_t count, apr_time_t deadline)
{
    wait_t wait = {.items = items, .count = count};
    wait.tasks = calloc(count + 1, sizeof *wait.tasks);
    if (wait.tasks == NULL) return APR_ENOMEM;
    wait.event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (wait.event == NULL) {
        apr_status_t rv = xipc__win32_error();
        free(wait.tasks);
        return rv;
    }
    apr_status_t rv = wait_for_room_too(&wait, deadline);
    if (end_looks(&wait)) rv = APR_SUCCESS;
    if (end_watchers(&wait)) rv = APR_SUCCESS;
    CloseHandle(wait.event);
    free(wait.tasks);
    return rv;
}
