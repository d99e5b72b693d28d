/*
 * port_park_pipe.c - sleeping until a byte comes through a pipe, for systems without a public call
 * that sleeps at a word of memory which several processes have (macOS before 14.4). `sleepers`
 * counts; a wake takes as many off as it writes bytes. A byte too many only ends a wait early.
 */
#include "posix/posix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BELL = XIPC__PARK_SPOTS, PIPES };

struct xipc__park_t {
    int fds[PIPES][2]; /* reading end, writing end */
};

static int open_pipe(int fds[2], apr_uint64_t id, int index)
{
    int made = id != 0 ? xipc__named_pipe(fds, id, index) : pipe(fds);
    if (xipc__fd_raise_both(made, fds) != 0) return -1;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

static void close_pipes(xipc__park_t *park, int count)
{
    for (int i = 0; i < 2 * count; i++) (void)close(park->fds[i / 2][i % 2]);
}

apr_status_t xipc__port_park_create(xipc__park_t **park, apr_uint64_t id, apr_pool_t *pool)
{
    xipc__park_t *made = apr_palloc(pool, sizeof *made);
    for (int i = 0; i < PIPES; i++)
        if (open_pipe(made->fds[i], id, i) != 0) {
            apr_status_t rv = APR_FROM_OS_ERROR(errno);
            close_pipes(made, i);
            return rv;
        }
    *park = made;
    return APR_SUCCESS;
}

/* It must be a pipe, and it must not block: a byte that does not fit is not needed. */
static int check_pipe(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode) && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

apr_status_t xipc__port_park_adopt(xipc__park_t **park, const xipc__handle_t *handles,
                                   apr_size_t count, apr_pool_t *pool)
{
    if (count != XIPC__PARK_HANDLES)
        return xipc__fail(XIPC_EPROTOCOL, "a queue's handles are not complete");
    xipc__park_t *made = apr_palloc(pool, sizeof *made);
    for (int i = 0; i < 2 * PIPES; i++) {
        if (!check_pipe((int)handles[i]))
            return xipc__fail(XIPC_EPROTOCOL, "a queue's descriptor is no pipe");
        made->fds[i / 2][i % 2] = (int)handles[i];
    }
    *park = made;
    return APR_SUCCESS;
}

void xipc__port_park_handles(xipc__handles_t *handles, const xipc__park_t *park)
{
    for (int i = 0; i < 2 * PIPES; i++) handles->items[handles->count++] = park->fds[i / 2][i % 2];
}

apr_size_t xipc__port_park_handle_count(void)
{
    return 2 * PIPES;
}

void xipc__port_park_close(xipc__park_t *park)
{
    close_pipes(park, PIPES);
}

apr_uint32_t xipc__port_park_prepare(xipc__spot_t *spot)
{
    atomic_fetch_add_explicit(&spot->sleepers, 1, memory_order_seq_cst);
    return 0;
}

/* Whether one was on the list. */
static int take_off(xipc__spot_t *spot)
{
    apr_uint32_t count = atomic_load_explicit(&spot->sleepers, memory_order_relaxed);
    while (count > 0 &&
           !atomic_compare_exchange_weak_explicit(&spot->sleepers, &count, count - 1,
                                                  memory_order_seq_cst, memory_order_relaxed))
        ;
    return count > 0;
}

/* Who is not on the list any more has a wake-up coming, which nobody else needs. */
void xipc__port_park_cancel(xipc__park_t *park, int index, xipc__spot_t *spot)
{
    char byte;
    if (take_off(spot)) return;
    ssize_t got = read(park->fds[index][0], &byte, 1);
    (void)got;
}

void xipc__port_park_wait(xipc__park_t *park, int index, xipc__spot_t *spot, apr_uint32_t word,
                          apr_time_t deadline)
{
    char byte;
    (void)word;
    int fd = park->fds[index][0];
    (void)xipc__fd_wait(fd, POLLIN, deadline);
    /* no byte for us: another took it, or nobody woke us, and we are registered still */
    if (read(fd, &byte, 1) != 1) xipc__port_park_cancel(park, index, spot);
}

void xipc__port_park_pass_on(xipc__spot_t *spot)
{
    (void)spot; /* the others are registered still */
}

void xipc__port_park_wake(xipc__park_t *park, int index, xipc__spot_t *spot, int all)
{
    static const char bytes[64] = {0};
    apr_uint32_t count = atomic_exchange_explicit(&spot->sleepers, 0, memory_order_seq_cst);
    if (count == 0) return;
    if (!all && count > 1) {
        atomic_fetch_add_explicit(&spot->sleepers, count - 1, memory_order_seq_cst);
        count = 1;
    }
    /* the number is another process's word: bounded, and the slices of the sleepers do the rest */
    ssize_t written =
        write(park->fds[index][1], bytes, count < sizeof bytes ? count : sizeof bytes);
    (void)written;
}

xipc__handle_t xipc__port_park_bell(const xipc__park_t *park)
{
    return park->fds[BELL][0];
}

void xipc__port_park_ring(xipc__park_t *park)
{
    ssize_t written = write(park->fds[BELL][1], "", 1);
    (void)written;
}

void xipc__port_park_clear(xipc__park_t *park)
{
    char bytes[64];
    while (read(park->fds[BELL][0], bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        ;
}
