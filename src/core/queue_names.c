/*
 * queue_names.c - queues that unrelated programs find by a name.
 *
 * A name has an entry, locked while it is looked at or changed: which queue it stands for, and which
 * processes have it. Who looks removes what only the dead had. docs/queue-protocol.md tells more.
 */
#include "core/queue_names.h"

#include "core/queue_shm.h"

#include <apr_general.h>
#include <apr_strings.h>

#include <string.h>

/* ---- finding ---- */

/* An entry without a queue, to make one, or with a living one. */
static apr_status_t open_entry(xipc__entry_t **entry, const char *text, int may_make)
{
    for (;;) {
        apr_status_t rv = xipc__entry_open(entry, text, may_make);
        if (rv != APR_SUCCESS) return rv;
        xipc__entry_e state = xipc__entry_state(*entry);
        if (state == XIPC__ENTRY_LIVE || (state == XIPC__ENTRY_EMPTY && may_make))
            return APR_SUCCESS;
        xipc__entry_remove(*entry);
        xipc__entry_close(*entry);
        if (!may_make) return APR_ENOENT;
    }
}

static apr_status_t not_there(const char *text)
{
    return xipc__fail(APR_ENOENT, "no queue has the name \"%s\"", text);
}

static void close_all(xipc__handles_t *handles)
{
    while (handles->count > 0) xipc__port_handle_close(handles->items[--handles->count]);
}

apr_uint64_t xipc__queue_letters_id(apr_uint64_t id)
{
    return ~id;
}

/* One ring by what a process has of it. APR_ENOENT: that one has it no more. */
static apr_status_t take_part(xipc__ring_t **ring, const xipc__name_holder_t *holder,
                              apr_size_t first, apr_size_t count, const xipc__ring_name_t *name,
                              apr_pool_t *pool)
{
    xipc__handles_t handles = {.count = 0};
    apr_status_t rv =
        xipc__port_name_take(&handles, holder->identity, holder->handles + first, count, name->id);
    /* whatever went wrong: were they its own, or of one that has its number now? */
    if (xipc__port_identity_is_dead(holder->identity)) {
        close_all(&handles);
        return APR_ENOENT;
    }
    if (rv == APR_SUCCESS) rv = xipc__ring_adopt(ring, handles.items, handles.count, pool);
    if (rv != APR_SUCCESS) {
        close_all(&handles);
        return rv;
    }
    const xipc__ring_name_t *found = xipc__ring_name(*ring);
    if (found->id == name->id) return APR_SUCCESS;
    /* with these numbers it has another queue by now: after an exec, say, it did not let go of ours */
    int is_another = strcmp(found->text, name->text) != 0;
    xipc__ring_close(*ring);
    if (is_another) return APR_ENOENT;
    return xipc__fail(XIPC_EPROTOCOL, "what process %d has is not the queue of this name",
                      (int)(holder->identity >> 32));
}

/* With its dead letters, if it has such. */
static apr_status_t take_ring(xipc__ring_t **ring, const xipc__entry_t *entry,
                              const xipc__name_holder_t *holder, const char *text, apr_pool_t *pool)
{
    xipc__ring_t *whole, *letters;
    apr_size_t each = xipc__port_park_handle_count() + 1;
    xipc__ring_name_t name = {.id = entry->head.id};
    (void)apr_cpystrn(name.text, text, sizeof name.text);
    apr_status_t rv = take_part(&whole, holder, 0, each, &name, pool);
    if (rv != APR_SUCCESS) return rv;
    if (xipc__queue_shm_has_letters(whole)) {
        name = (xipc__ring_name_t){.id = xipc__queue_letters_id(name.id)};
        rv = take_part(&letters, holder, each, each, &name, pool);
        if (rv == APR_SUCCESS) xipc__ring_letters_set(whole, letters);
    }
    if (rv == APR_SUCCESS)
        *ring = whole;
    else
        xipc__ring_close(whole);
    return rv;
}

/* APR_ENOENT: nobody has it. */
static apr_status_t find_ring(xipc__ring_t **ring, const xipc__entry_t *entry, const char *text,
                              apr_pool_t *pool)
{
    apr_status_t result = APR_ENOENT;
    for (int i = 0; i < XIPC__ENTRY_HOLDERS; i++) {
        if (entry->holders[i].identity == 0) continue;
        apr_status_t rv = take_ring(ring, entry, &entry->holders[i], text, pool);
        if (rv == APR_SUCCESS) return rv;
        if (!APR_STATUS_IS_ENOENT(rv)) result = rv;
    }
    return result;
}

/* ---- holding ---- */

static xipc__queue_name_t *make_name(const xipc__ring_t *ring, apr_pool_t *pool)
{
    xipc__queue_name_t *name = apr_pcalloc(pool, sizeof *name);
    name->name = *xipc__ring_name(ring);
    name->anchor = XIPC__NO_HANDLE;
    return name;
}

/* This process has it from now on; the entry says so. */
static apr_status_t hold(xipc__queue_name_t *name, xipc__entry_t *entry, const xipc__ring_t *ring)
{
    xipc__handles_t handles = {.count = 0};
    xipc__name_holder_t holder = {.identity = xipc__port_identity()};
    xipc__ring_handles(&handles, ring);
    if (xipc__ring_letters(ring) != NULL) xipc__ring_handles(&handles, xipc__ring_letters(ring));
    holder.count = (apr_uint32_t)handles.count;
    for (apr_size_t i = 0; i < handles.count; i++)
        holder.handles[i] = (apr_uint32_t)handles.items[i];
    apr_status_t rv = xipc__port_name_anchor(&name->anchor, entry->port);
    if (rv != APR_SUCCESS) return rv;
    rv = xipc__entry_add(entry, &holder);
    if (rv == APR_SUCCESS)
        name->holder = holder;
    else if (name->anchor != XIPC__NO_HANDLE)
        xipc__port_handle_close(name->anchor);
    XIPC__POINT("name.held");
    return rv;
}

/* With the entry of its name, whichever queue's that is now. */
static void give_up(xipc__entry_t *entry, const xipc__queue_name_t *name)
{
    if (entry->head.id == name->name.id) {
        xipc__entry_drop(entry, &name->holder);
        XIPC__POINT("name.dropped");
    } else {
        xipc__entry_forget(name->name.id);
    }
    if (xipc__entry_state(entry) != XIPC__ENTRY_LIVE) xipc__entry_remove(entry);
}

void xipc__queue_name_leave(xipc__queue_name_t *name)
{
    xipc__entry_t *entry;
    /* a forked child has a copy of this, but holds nothing */
    if (name->holder.identity != 0 && name->holder.identity == xipc__port_identity()) {
        apr_status_t rv = xipc__entry_open(&entry, name->name.text, 0);
        if (rv == APR_SUCCESS) {
            give_up(entry, name);
            xipc__entry_close(entry);
        } else if (APR_STATUS_IS_ENOENT(rv) || rv == XIPC_EPROTOCOL) {
            /* removed, if by whoever was not allowed to: nobody finds the queue any more */
            xipc__entry_forget(name->name.id);
        }
    }
    name->holder.identity = 0;
    if (name->anchor != XIPC__NO_HANDLE) xipc__port_handle_close(name->anchor);
    name->anchor = XIPC__NO_HANDLE;
}

/* The name may have been removed meanwhile, and even be another queue's: then it is held by nobody. */
apr_status_t xipc__queue_name_join(xipc_queue_t *queue, xipc__ring_t *ring, apr_pool_t *pool)
{
    xipc__entry_t *entry;
    xipc__queue_name_t *name = make_name(ring, pool);
    if (name->name.text[0] == '\0') return APR_SUCCESS; /* none, or one of a queue's letters */
    if (xipc__queue_name_check(name->name.text) != APR_SUCCESS)
        return xipc__fail(XIPC_EPROTOCOL, "a queue's name is none");
    apr_status_t rv = xipc__entry_open(&entry, name->name.text, 0);
    if (rv == APR_SUCCESS) {
        if (entry->head.id == name->name.id && !entry->head.is_removed)
            rv = hold(name, entry, ring);
        xipc__entry_close(entry);
    } else if (APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_EACCES(rv) || rv == XIPC_EPROTOCOL) {
        rv = APR_SUCCESS;
    }
    if (rv == APR_SUCCESS) queue->name = name;
    return rv;
}

/* ---- making and opening ---- */

static apr_status_t make_ring(xipc__ring_t **ring, xipc__entry_t *entry, const char *text,
                              const xipc_queue_options_t *options, apr_pool_t *pool)
{
    xipc__ring_name_t name = {.id = 0};
    const xipc__name_holder_t me = {.identity = xipc__port_identity()};
    (void)apr_cpystrn(name.text, text, sizeof name.text);
    apr_status_t rv = APR_SUCCESS;
    while (rv == APR_SUCCESS && (name.id == 0 || ~name.id == 0))
        rv = apr_generate_random_bytes((unsigned char *)&name.id, sizeof name.id);
    /* the entry first: what is made below can be found by it, should this process die */
    if (rv == APR_SUCCESS) rv = xipc__entry_claim(entry, name.id, &me);
    if (rv == APR_SUCCESS) rv = xipc__queue_shm_create_ring(ring, options, &name, pool);
    XIPC__POINT("name.made");
    return rv;
}

/* The queue of a ring, held by its name; by an error the ring is closed. */
static apr_status_t make_held(xipc_queue_t **queue, xipc__entry_t *entry, xipc__ring_t *ring,
                              apr_pool_t *pool)
{
    xipc_queue_t *made;
    apr_status_t rv = xipc__queue_shm_make(&made, ring, pool);
    if (rv != APR_SUCCESS) return rv;
    xipc__queue_name_t *name = make_name(ring, pool);
    rv = hold(name, entry, ring);
    if (rv != APR_SUCCESS) {
        (void)xipc_queue_close(made);
        return rv;
    }
    made->name = name;
    *queue = made;
    return APR_SUCCESS;
}

static apr_status_t make(xipc_queue_t **queue, xipc__entry_t *entry, const char *text,
                         const xipc_queue_options_t *options, apr_pool_t *pool)
{
    xipc__ring_t *ring;
    apr_status_t rv = make_ring(&ring, entry, text, options, pool);
    if (rv == APR_SUCCESS) rv = make_held(queue, entry, ring, pool);
    if (rv != APR_SUCCESS) xipc__entry_remove(entry);
    return rv;
}

static apr_status_t agree_on(const char *what, apr_size_t has, apr_size_t asked, const char *text)
{
    if (asked == 0 || asked == has) return APR_SUCCESS;
    return xipc__fail(XIPC_ESTATE,
                      "the queue \"%s\" has %s %" APR_SIZE_T_FMT ", asked for %" APR_SIZE_T_FMT,
                      text, what, has, asked);
}

static apr_status_t agree_on_tasks(const xipc__ring_bounds_t *bounds,
                                   const xipc_queue_options_t *options, const char *text)
{
    static const char *const kinds[] = {"not joinable", "joinable", "leased"};
    if (options->tasks == XIPC__QUEUE_PLAIN) return APR_SUCCESS;
    if (options->tasks != (int)bounds->tasks)
        return xipc__fail(XIPC_ESTATE, "the queue \"%s\" is %s, asked for one that is %s", text,
                          kinds[bounds->tasks], kinds[options->tasks]);
    return agree_on("deliveries", bounds->deliveries, options->deliveries, text);
}

/* What was asked for is what it has; what was not asked for, anything. */
static apr_status_t agree(const xipc__ring_t *ring, const xipc_queue_options_t *options,
                          const char *text)
{
    xipc__ring_bounds_t bounds;
    if (options == NULL) return APR_SUCCESS;
    xipc__ring_bounds(&bounds, ring);
    apr_status_t rv = agree_on("capacity", bounds.capacity, options->capacity, text);
    if (rv == APR_SUCCESS)
        rv = agree_on("message_max", bounds.message_max, options->message_max, text);
    if (rv == APR_SUCCESS) rv = agree_on("bytes", bounds.bytes, options->bytes, text);
    if (rv == APR_SUCCESS)
        rv = agree_on("priorities", bounds.levels,
                      options->priorities > 1 ? options->priorities : 0, text);
    if (rv == APR_SUCCESS) rv = agree_on_tasks(&bounds, options, text);
    return rv;
}

/* APR_ENOENT: it turned out that nobody has it. */
static apr_status_t enter(xipc_queue_t **queue, xipc__entry_t *entry, const char *text,
                          const xipc_queue_options_t *options, apr_pool_t *pool)
{
    xipc__ring_t *ring;
    apr_status_t rv = find_ring(&ring, entry, text, pool);
    if (rv != APR_SUCCESS) return rv;
    XIPC__POINT("name.taken");
    rv = agree(ring, options, text);
    if (rv == APR_SUCCESS) return make_held(queue, entry, ring, pool);
    xipc__ring_close(ring);
    return rv;
}

typedef enum { CREATE, OPEN, OPEN_OR_CREATE } how_e;

static apr_status_t refuse(const xipc__entry_t *entry, const char *text, apr_pool_t *pool)
{
    xipc__ring_t *ring;
    apr_status_t rv = find_ring(&ring, entry, text, pool);
    if (APR_STATUS_IS_ENOENT(rv)) return rv;
    if (rv == APR_SUCCESS) xipc__ring_close(ring);
    return xipc__fail(APR_EEXIST, "a queue with the name \"%s\" is there already", text);
}

/* With the entry locked. `is_gone`: nobody has the queue any more, and the entry was removed. */
static apr_status_t do_with(xipc_queue_t **queue, int *is_gone, xipc__entry_t *entry,
                            const char *text, how_e how, const xipc_queue_options_t *options,
                            apr_pool_t *pool)
{
    *is_gone = 0;
    if (xipc__entry_state(entry) == XIPC__ENTRY_EMPTY)
        return make(queue, entry, text, options, pool);
    apr_status_t rv =
        how == CREATE ? refuse(entry, text, pool) : enter(queue, entry, text, options, pool);
    *is_gone = APR_STATUS_IS_ENOENT(rv);
    if (*is_gone) xipc__entry_remove(entry);
    return rv;
}

static apr_status_t check_backend(const xipc_queue_options_t *options)
{
    if (options == NULL || options->backend == XIPC_QUEUE_AUTO ||
        options->backend == XIPC_QUEUE_SHM)
        return APR_SUCCESS;
    return xipc__fail(APR_ENOTIMPL, "queues with names are in shared memory, not on %s",
                      options->backend == XIPC_QUEUE_MQUEUE ? "mqueue" : "mailslot");
}

static apr_status_t get_queue(xipc_queue_t **queue, const char *text, how_e how,
                              const xipc_queue_options_t *options, apr_pool_t *pool)
{
    static const xipc_queue_options_t defaults = {.spin = -1};
    xipc__entry_t *entry;
    int is_gone = 0;
    apr_status_t rv = check_backend(options);
    if (rv != APR_SUCCESS) return rv;
    if (options == NULL && how != OPEN) options = &defaults;
    do {
        rv = open_entry(&entry, text, how != OPEN);
        if (rv != APR_SUCCESS) break;
        rv = do_with(queue, &is_gone, entry, text, how, options, pool);
        xipc__entry_close(entry);
    } while (is_gone && how != OPEN);
    return APR_STATUS_IS_ENOENT(rv) && how == OPEN ? not_there(text) : rv;
}

apr_status_t xipc__queue_named_create(xipc_queue_t **queue, const xipc_queue_options_t *options,
                                      apr_pool_t *pool)
{
    return get_queue(queue, options->name, CREATE, options, pool);
}

static apr_status_t check(const void *out, const char *out_name, const char *name,
                          const apr_pool_t *pool)
{
    if (out == NULL) return xipc__fail_null(out_name);
    if (name == NULL) return xipc__fail_null("name");
    if (pool == NULL) return xipc__fail_null("pool");
    return xipc__queue_name_check(name);
}

apr_status_t xipc_queue_open(xipc_queue_t **queue, const char *name,
                             const xipc_queue_options_t *options, apr_pool_t *pool)
{
    apr_status_t rv = check(queue, "queue", name, pool);
    return rv == APR_SUCCESS ? get_queue(queue, name, OPEN, options, pool) : rv;
}

apr_status_t xipc_queue_open_or_create(xipc_queue_t **queue, const char *name,
                                       const xipc_queue_options_t *options, apr_pool_t *pool)
{
    apr_status_t rv = check(queue, "queue", name, pool);
    return rv == APR_SUCCESS ? get_queue(queue, name, OPEN_OR_CREATE, options, pool) : rv;
}

apr_status_t xipc_queue_unlink(const char *name)
{
    apr_status_t rv = check("", "", name, (const apr_pool_t *)(const void *)"");
    if (rv == APR_SUCCESS) rv = xipc__entry_unlink(name);
    return APR_STATUS_IS_ENOENT(rv) ? not_there(name) : rv;
}

const char *xipc_queue_name(const xipc_queue_t *queue)
{
    return queue == NULL || queue->name == NULL ? NULL : queue->name->name.text;
}

/* ---- looking ---- */

/* What can't be read is not listed. */
static void list_one(apr_array_header_t *list, const char *escaped, apr_pool_t *pool)
{
    char text[XIPC__RING_NAME_SIZE];
    xipc__entry_t *entry;
    if (xipc__queue_name_unescape(text, escaped) != APR_SUCCESS) return;
    if (open_entry(&entry, text, 0) != APR_SUCCESS) return;
    xipc_queue_listed_t *listed = apr_array_push(list);
    *listed = (xipc_queue_listed_t){.name = apr_pstrdup(pool, text)};
    for (int i = 0; i < XIPC__ENTRY_HOLDERS; i++)
        listed->holders += entry->holders[i].identity != 0;
    xipc__entry_close(entry);
}

apr_status_t xipc_queue_list(apr_array_header_t **list, apr_pool_t *pool)
{
    apr_pool_t *scratch;
    if (list == NULL) return xipc__fail_null("list");
    if (pool == NULL) return xipc__fail_null("pool");
    apr_status_t rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) return rv;
    apr_array_header_t *found = apr_array_make(scratch, 8, sizeof(const char *));
    rv = xipc__port_name_list(found, scratch);
    if (rv == APR_SUCCESS) {
        apr_array_header_t *made = apr_array_make(pool, found->nelts, sizeof(xipc_queue_listed_t));
        for (int i = 0; i < found->nelts; i++)
            list_one(made, APR_ARRAY_IDX(found, i, const char *), pool);
        *list = made;
    }
    apr_pool_destroy(scratch);
    return rv;
}
