/* See ledger.h. */
#include "ledger.h"

#include <apr_file_io.h>
#include <apr_mmap.h>

static apr_status_t map(ledger_t **ledger, const char *path, apr_int32_t flags, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_mmap_t *mapped;
    apr_status_t rv =
        apr_file_open(&file, path, APR_READ | APR_WRITE | APR_BINARY | flags, APR_OS_DEFAULT, pool);
    if (rv != APR_SUCCESS) return rv;
    if (flags != 0) rv = apr_file_trunc(file, sizeof(ledger_t));
    if (rv == APR_SUCCESS)
        rv = apr_mmap_create(&mapped, file, 0, sizeof(ledger_t), APR_MMAP_READ | APR_MMAP_WRITE,
                             pool);
    (void)apr_file_close(file);
    if (rv == APR_SUCCESS) *ledger = mapped->mm;
    return rv;
}

apr_status_t ledger_create(ledger_t **ledger, const char *path, apr_pool_t *pool)
{
    return map(ledger, path, APR_CREATE | APR_EXCL, pool);
}

apr_status_t ledger_open(ledger_t **ledger, const char *path, apr_pool_t *pool)
{
    return map(ledger, path, 0, pool);
}

/* ---- messages ---- */

static unsigned seed_of(apr_int64_t slot, apr_int64_t number)
{
    return (unsigned)(slot * 31337 + number);
}

void ledger_write(void *bytes, apr_size_t size, apr_int64_t slot, apr_int64_t number,
                  unsigned priority)
{
    const ledger_head_t head = {slot, number, priority};
    memcpy(bytes, &head, sizeof head);
    testing_fill((char *)bytes + sizeof head, size - sizeof head, seed_of(slot, number));
}

int ledger_read(ledger_head_t *head, const void *bytes, apr_size_t size)
{
    if (size < sizeof *head) return 0;
    memcpy(head, bytes, sizeof *head);
    if (head->slot < 0 || head->slot >= LEDGER_SLOTS) return 0;
    if (head->number < 0 || head->number >= LEDGER_MOST) return 0;
    if (head->priority < 0 || head->priority >= LEDGER_PRIORITIES) return 0;
    return testing_is_filled((const char *)bytes + sizeof *head, size - sizeof *head,
                             seed_of(head->slot, head->number));
}

void ledger_begin_order(ledger_order_t *order)
{
    for (int i = 0; i < LEDGER_SLOTS; i++)
        for (int k = 0; k < LEDGER_PRIORITIES; k++) order->last[i][k] = -1;
}

int ledger_is_in_order(ledger_order_t *order, const ledger_head_t *head)
{
    apr_int64_t *last = &order->last[head->slot][head->priority];
    if (head->number <= *last) return 0;
    *last = head->number;
    return 1;
}

unsigned ledger_throw(ledger_dice_t *dice, unsigned sides)
{
    dice->state = dice->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(dice->state >> 33) % sides;
}
