/* The floors: what the machine gives when nothing but the bare mechanism is there. */
#include "bench.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void pause_a_little(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* ---- a plain ring ---- */

typedef struct {
    size_t capacity;
    size_t slot;
    unsigned char fill1[48];
    _Atomic uint64_t head;
    unsigned char fill2[56];
    _Atomic uint64_t tail;
    unsigned char fill3[56];
} ring_t;

void *bench_ring(size_t capacity, size_t size)
{
    size_t slot = (size + 63) / 64 * 64;
    ring_t *ring = bench_shared(sizeof *ring + capacity * slot);
    ring->capacity = capacity;
    ring->slot = slot;
    return ring;
}

static unsigned char *slot_of(ring_t *ring, uint64_t number)
{
    return (unsigned char *)(ring + 1) + number % ring->capacity * ring->slot;
}

static void ring_write(ring_t *ring, const bench_side_t *side)
{
    static unsigned char message[1 << 20];
    uint64_t seen = 0;
    for (uint64_t i = 0; i < side->messages; i++) {
        while (i - seen >= ring->capacity) {
            seen = atomic_load_explicit(&ring->head, memory_order_acquire);
            if (i - seen >= ring->capacity) pause_a_little();
        }
        memcpy(slot_of(ring, i), message, side->size);
        atomic_store_explicit(&ring->tail, i + 1, memory_order_release);
    }
}

static void ring_read(ring_t *ring, const bench_side_t *side)
{
    static unsigned char message[1 << 20];
    uint64_t seen = 0;
    for (uint64_t i = 0; i < side->messages; i++) {
        while (i == seen) {
            seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
            if (i == seen) pause_a_little();
        }
        memcpy(message, slot_of(ring, i), side->size);
        atomic_store_explicit(&ring->head, i + 1, memory_order_release);
    }
}

void bench_ring_run(const bench_side_t *side)
{
    (side->is_reader ? ring_read : ring_write)(side->context, side);
}

/* ---- one line to and fro ---- */

void bench_line_run(const bench_side_t *side)
{
    _Atomic uint32_t *line = side->context;
    uint32_t mine = (uint32_t)side->is_reader;
    for (uint64_t i = 0; i < side->messages; i++) {
        while (atomic_load_explicit(line, memory_order_acquire) % 2 != mine) pause_a_little();
        atomic_fetch_add_explicit(line, 1, memory_order_release);
    }
}

void bench_futex_run(const bench_side_t *side)
{
    _Atomic uint32_t *line = side->context;
    uint32_t mine = (uint32_t)side->is_reader;
    for (uint64_t i = 0; i < side->messages; i++) {
        uint32_t now;
        while ((now = atomic_load_explicit(line, memory_order_acquire)) % 2 != mine)
            (void)syscall(SYS_futex, line, FUTEX_WAIT, now, NULL, NULL, 0);
        atomic_fetch_add_explicit(line, 1, memory_order_release);
        (void)syscall(SYS_futex, line, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}
