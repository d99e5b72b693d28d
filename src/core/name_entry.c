/*
 * name_entry.c - reading and changing the entry of a queue's name.
 */
#include "core/name_entry.h"

#include "core/queue_names.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(xipc__entry_head_t) == XIPC__NAME_LINE &&
                   sizeof(xipc__name_holder_t) == XIPC__NAME_LINE &&
                   offsetof(xipc__entry_t, port) == XIPC__NAME_SIZE,
               "an entry consists of lines");
_Static_assert(2 * (int)XIPC__RING_HANDLES <= (int)XIPC__ENTRY_HANDLES,
               "a queue's handles fit, and those of its dead letters");

/* An entry is locked for moments: whoever is stopped in there is not waited for any longer. */
enum { PATIENCE = 5 * APR_USEC_PER_SEC };

/* ---- reading ---- */

static apr_status_t bad(const char *what)
{
    return xipc__fail(XIPC_EPROTOCOL, "the entry of the name is damaged: %s", what);
}

static apr_status_t check_head(const xipc__entry_head_t *head)
{
    if (head->magic == 0 && head->version == 0) return APR_SUCCESS; /* nothing was written */
    if (head->magic != XIPC__ENTRY_MAGIC) return bad("it is no queue's");
    if (head->version != XIPC__ENTRY_VERSION)
        return xipc__fail(XIPC_EPROTOCOL, "the name is kept in layout %u, here it is %u",
                          head->version, (unsigned)XIPC__ENTRY_VERSION);
    if (head->space != xipc__port_process_space())
        return xipc__fail(XIPC_EPROTOCOL, "the queue is of another space of process numbers, where "
                                          "nobody could tell who of us lives");
    return APR_SUCCESS;
}

static void leave_out_dead(xipc__entry_t *entry)
{
    for (int i = 0; i < XIPC__ENTRY_HOLDERS; i++) {
        xipc__name_holder_t *holder = &entry->holders[i];
        if (holder->identity != 0 && xipc__port_identity_is_dead(holder->identity))
            holder->identity = 0;
        if (holder->count > XIPC__ENTRY_HANDLES) holder->count = 0;
    }
}

static apr_status_t read_entry(xipc__entry_t *entry)
{
    apr_size_t got;
    apr_status_t rv = xipc__port_name_read(&got, entry->port, entry, XIPC__NAME_SIZE);
    if (rv != APR_SUCCESS) return rv;
    rv = check_head(&entry->head);
    if (rv == APR_SUCCESS) leave_out_dead(entry);
    return rv;
}

static apr_status_t lock_entry(xipc__entry_t **entry, const char *text, int may_make)
{
    char escaped[XIPC__NAME_TEXT_MAX + 1];
    xipc__entry_t *made = calloc(1, sizeof *made);
    if (made == NULL) return APR_ENOMEM;
    xipc__queue_name_escape(escaped, text);
    apr_status_t rv =
        xipc__port_name_lock(&made->port, escaped, may_make, xipc__deadline(PATIENCE));
    if (rv == APR_SUCCESS)
        *entry = made;
    else
        free(made);
    XIPC__POINT("name.locked");
    return rv;
}

apr_status_t xipc__entry_open(xipc__entry_t **entry, const char *text, int may_make)
{
    xipc__entry_t *made;
    apr_status_t rv = lock_entry(&made, text, may_make);
    if (rv != APR_SUCCESS) return rv;
    rv = read_entry(made);
    if (rv == APR_SUCCESS)
        *entry = made;
    else
        xipc__entry_close(made);
    return rv;
}

void xipc__entry_close(xipc__entry_t *entry)
{
    xipc__port_name_unlock(entry->port);
    free(entry);
}

static int has_holder(const xipc__entry_t *entry)
{
    for (int i = 0; i < XIPC__ENTRY_HOLDERS; i++)
        if (entry->holders[i].identity != 0) return 1;
    return 0;
}

xipc__entry_e xipc__entry_state(const xipc__entry_t *entry)
{
    /* holders without a head are of a queue that nobody finds any more */
    if (entry->head.magic == 0) return has_holder(entry) ? XIPC__ENTRY_STALE : XIPC__ENTRY_EMPTY;
    if (entry->head.is_removed) return XIPC__ENTRY_STALE;
    return has_holder(entry) ? XIPC__ENTRY_LIVE : XIPC__ENTRY_STALE;
}

/* ---- changing ---- */

static apr_status_t write_holder(xipc__entry_t *entry, int index)
{
    return xipc__port_name_write(entry->port, &entry->holders[index],
                                 (apr_size_t)(index + 1) * XIPC__NAME_LINE);
}

void xipc__entry_forget(apr_uint64_t id)
{
    xipc__port_name_forget(id);
    xipc__port_name_forget(xipc__queue_letters_id(id));
}

/* That it is being removed is said first, so that whoever comes after a death here goes on with it. */
void xipc__entry_remove(xipc__entry_t *entry)
{
    if (entry->head.magic == XIPC__ENTRY_MAGIC && entry->head.version == XIPC__ENTRY_VERSION) {
        entry->head.is_removed = 1;
        (void)xipc__port_name_write(entry->port, &entry->head, 0);
        XIPC__POINT("name.removing");
        xipc__entry_forget(entry->head.id);
        XIPC__POINT("name.forgotten");
    }
    xipc__port_name_remove(entry->port);
    XIPC__POINT("name.removed");
}

apr_status_t xipc__entry_unlink(const char *text)
{
    xipc__entry_t *entry;
    apr_status_t rv = lock_entry(&entry, text, 0);
    if (rv != APR_SUCCESS) return rv;
    rv = read_entry(entry);
    int was_there = rv != APR_SUCCESS || xipc__entry_state(entry) == XIPC__ENTRY_LIVE;
    xipc__entry_remove(entry);
    xipc__entry_close(entry);
    return was_there ? APR_SUCCESS : APR_ENOENT;
}

apr_status_t xipc__entry_claim(xipc__entry_t *entry, apr_uint64_t id,
                               const xipc__name_holder_t *holder)
{
    entry->holders[0] = *holder;
    apr_status_t rv = write_holder(entry, 0);
    if (rv != APR_SUCCESS) return rv;
    XIPC__POINT("name.claiming");
    entry->head = (xipc__entry_head_t){.magic = XIPC__ENTRY_MAGIC,
                                       .version = XIPC__ENTRY_VERSION,
                                       .space = xipc__port_process_space(),
                                       .id = id};
    rv = xipc__port_name_write(entry->port, &entry->head, 0);
    XIPC__POINT("name.claimed");
    return rv;
}

static int is_same(const xipc__name_holder_t *one, const xipc__name_holder_t *other)
{
    return one->identity == other->identity && one->count == other->count &&
           memcmp(one->handles, other->handles, sizeof one->handles) == 0;
}

static int find_holder(const xipc__entry_t *entry, const xipc__name_holder_t *wanted)
{
    for (int i = 0; i < XIPC__ENTRY_HOLDERS; i++)
        if (is_same(&entry->holders[i], wanted)) return i;
    return -1;
}

static int find_place(const xipc__entry_t *entry)
{
    for (int i = 0; i < XIPC__ENTRY_HOLDERS; i++)
        if (entry->holders[i].identity == 0) return i;
    return -1;
}

apr_status_t xipc__entry_add(xipc__entry_t *entry, const xipc__name_holder_t *holder)
{
    const xipc__name_holder_t promised = {.identity = holder->identity};
    int index = find_holder(entry, &promised);
    if (index < 0) index = find_place(entry);
    if (index < 0)
        return xipc__fail(XIPC_ELIMIT, "a queue's name = %d holders", XIPC__ENTRY_HOLDERS);
    entry->holders[index] = *holder;
    return write_holder(entry, index);
}

void xipc__entry_drop(xipc__entry_t *entry, const xipc__name_holder_t *holder)
{
    int index = find_holder(entry, holder);
    if (index < 0) return;
    entry->holders[index] = (xipc__name_holder_t){.identity = 0};
    (void)write_holder(entry, index);
}
