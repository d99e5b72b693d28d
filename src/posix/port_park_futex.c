/*
 * port_park_futex.c - sleeping at a word of shared memory (Linux). `sleepers` is 1 once somebody
 * may sleep there; a wake clears it first.
 */
#include "posix/posix.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct xipc__park_t {
    int bell;
};

static xipc__park_t *make(int bell, apr_pool_t *pool)
{
    xipc__park_t *park = apr_palloc(pool, sizeof *park);
    park->bell = bell;
    return park;
}

/* One descriptor for both ends of a pipe, which unlike an eventfd can be opened in /proc. */
static int open_pipe(apr_uint64_t id)
{
    int fds[2];
    char path[32];
    if (xipc__named_pipe(fds, id, 0) != 0) return -1;
    (void)apr_snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
    int bell = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int error = errno;
    (void)close(fds[0]);
    (void)close(fds[1]);
    errno = error;
    return bell;
}

apr_status_t xipc__port_park_create(xipc__park_t **park, apr_uint64_t id, apr_pool_t *pool)
{
    int bell = id != 0 ? open_pipe(id) : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell < 0 && id != 0 && errno == ENOENT)
        return xipc__fail(APR_ENOTIMPL, "queues with names need /proc");
    if (bell < 0) return APR_FROM_OS_ERROR(errno);
    *park = make(bell, pool);
    return APR_SUCCESS;
}

apr_status_t xipc__port_park_adopt(xipc__park_t **park, const xipc__handle_t *handles,
                                   apr_size_t count, apr_pool_t *pool)
{
    if (count != 1) return xipc__fail(XIPC_EPROTOCOL, "a queue's handles are not complete");
    *park = make((int)handles[0], pool);
    return APR_SUCCESS;
}

void xipc__port_park_handles(xipc__handles_t *handles, const xipc__park_t *park)
{
    handles->items[handles->count++] = park->bell;
}

apr_size_t xipc__port_park_handle_count(void)
{
    return 1;
}

void xipc__port_park_close(xipc__park_t *park)
{
    (void)close(park->bell);
}

apr_uint32_t xipc__port_park_prepare(xipc__spot_t *spot)
{
    apr_uint32_t word = atomic_load_explicit(&spot->word, memory_order_relaxed);
    atomic_exchange_explicit(&spot->sleepers, 1, memory_order_seq_cst);
    return word;
}

void xipc__port_park_cancel(xipc__park_t *park, int index, xipc__spot_t *spot)
{
    (void)park;
    (void)index;
    (void)spot; /* others may sleep there: the next wake finds out */
}

void xipc__port_park_wait(xipc__park_t *park, int index, xipc__spot_t *spot, apr_uint32_t word,
                          apr_time_t deadline)
{
    (void)park;
    (void)index;
    apr_interval_time_t left = xipc__remaining(deadline);
    struct timespec timeout = {.tv_sec = (time_t)apr_time_sec(left),
                               .tv_nsec = (long)apr_time_usec(left) * 1000};
    (void)syscall(SYS_futex, &spot->word, FUTEX_WAIT, word, left < 0 ? NULL : &timeout, NULL, 0);
}

/* Which of them sleep is not known: the next who wakes finds out. */
void xipc__port_park_pass_on(xipc__spot_t *spot)
{
    atomic_exchange_explicit(&spot->sleepers, 1, memory_order_seq_cst);
}

void xipc__port_park_wake(xipc__park_t *park, int index, xipc__spot_t *spot, int all)
{
    (void)park;
    (void)index;
    if (atomic_exchange_explicit(&spot->sleepers, 0, memory_order_seq_cst) == 0) return;
    atomic_fetch_add_explicit(&spot->word, 1, memory_order_seq_cst);
    (void)syscall(SYS_futex, &spot->word, FUTEX_WAKE, all ? INT_MAX : 1, NULL, NULL, 0);
}

xipc__handle_t xipc__port_park_bell(const xipc__park_t *park)
{
    return park->bell;
}

void xipc__port_park_ring(xipc__park_t *park)
{
    const uint64_t one = 1;
    ssize_t written = write(park->bell, &one, sizeof one);
    (void)written; /* one that rings already is as good */
}

void xipc__port_park_clear(xipc__park_t *park)
{
    uint64_t rung[16]; /* an eventfd gives one, and a pipe as many as there are */
    while (read(park->bell, rung, sizeof rung) == (ssize_t)sizeof rung)
        ;
}
