/* The floors of queues: what the machine gives when nothing but the bare mechanism is there. */
#include "bench.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 64, PAGE = 4096 };

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
    unsigned char fill1[LINE - 2 * sizeof(size_t)];
    _Atomic uint64_t head;
    unsigned char fill2[LINE - sizeof(uint64_t)];
    _Atomic uint64_t tail;
} ring_t;

/* Slots begin at a page, which suits memcpy best. */
static unsigned char *slot_of(ring_t *ring, uint64_t number)
{
    return (unsigned char *)ring + PAGE + number % ring->capacity * ring->slot;
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

static void ring_run(const bench_side_t *side)
{
    (side->is_reader ? ring_read : ring_write)(side->context, side);
}

double bench_floor_ring(const bench_work_t *work)
{
    size_t slot = (work->size + LINE - 1) / LINE * LINE;
    size_t size = PAGE + work->capacity * slot;
    ring_t *ring = bench_shared(size);
    ring->capacity = work->capacity;
    ring->slot = slot;
    double time = bench_run_work(work, ring_run, ring);
    bench_unshare(ring, size);
    return time;
}

/* ---- one line to and fro ---- */

static void line_run(const bench_side_t *side)
{
    _Atomic uint32_t *line = side->context;
    uint32_t mine = (uint32_t)side->is_reader;
    for (uint64_t i = 0; i < side->messages; i++) {
        while (atomic_load_explicit(line, memory_order_acquire) % 2 != mine) pause_a_little();
        atomic_fetch_add_explicit(line, 1, memory_order_release);
    }
}

static void futex_run(const bench_side_t *side)
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

static double on_a_line(const bench_work_t *work, void (*run)(const bench_side_t *))
{
    void *line = bench_shared(LINE);
    double time = bench_run_work(work, run, line);
    bench_unshare(line, LINE);
    return time;
}

double bench_floor_line(const bench_work_t *work)
{
    return on_a_line(work, line_run);
}

double bench_floor_futex(const bench_work_t *work)
{
    return on_a_line(work, futex_run);
}

/* ---- the system's queue ---- */

static void mqueue_run(const bench_side_t *side)
{
    unsigned char message[8192] = {0};
    struct timespec deadline;
    mqd_t queue = *(mqd_t *)side->context;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 3600;
    for (uint64_t i = 0; i < side->messages; i++)
        bench_need(side->is_reader
                       ? mq_timedreceive(queue, (char *)message, sizeof message, NULL, &deadline) >=
                             0
                       : mq_timedsend(queue, (char *)message, side->size, 0, &deadline) == 0,
                   "mqueue");
}

double bench_floor_mqueue(const bench_work_t *work)
{
    struct mq_attr attributes = {.mq_maxmsg = (long)work->capacity, .mq_msgsize = (long)work->size};
    mqd_t queue = mq_open("/xipc-bench", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR,
                          &attributes);
    if (queue < 0) return bench_cannot("mq_open fails here");
    (void)mq_unlink("/xipc-bench");
    double time = bench_run_work(work, mqueue_run, &queue);
    (void)mq_close(queue);
    return time;
}

/* ---- memory ---- */

double bench_floor_memory(const bench_work_t *work)
{
    size_t size = work->capacity * work->size;
    double began = bench_now();
    for (uint64_t i = 0; i < work->count; i++) {
        int fd = memfd_create("bench", MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
            return bench_cannot("memfd_create fails here");
        unsigned char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        bench_need(memory != MAP_FAILED, "mmap");
        memory[0] = 1; /* a segment that nobody touches is no use */
        (void)munmap(memory, size);
        (void)close(fd);
    }
    return (bench_now() - began) / (double)work->count;
}

double bench_floor_number(const bench_work_t *work)
{
    return (double)work->size;
}
