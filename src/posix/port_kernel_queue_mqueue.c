/*
 * port_kernel_queue_mqueue.c - POSIX message queues where a queue is a descriptor (Linux): it can
 * be polled, inherited and passed on. The kernel keeps the messages, so that no death of a process
 * can harm the others.
 */
#include "posix/posix.h"

#include "xipc/queue.h"

#include <apr_general.h>
#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DEFAULT_MESSAGE_MAX = 1024 };

struct xipc__kernel_queue_t {
    mqd_t mq;
};

int xipc__port_kernel_queue_backend(void)
{
    return XIPC_QUEUE_MQUEUE;
}

unsigned xipc__port_kernel_queue_priorities(void)
{
    return XIPC_QUEUE_PRIORITY_MAX + 1;
}

/* ---- limits ---- */

/* A number of /proc/sys/fs/mqueue, or 0 when it can't be read. */
static unsigned long read_limit(const char *name)
{
    char path[64];
    char text[32] = "";
    (void)apr_snprintf(path, sizeof path, "/proc/sys/fs/mqueue/%s", name);
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    char *line = fgets(text, sizeof text, file);
    (void)fclose(file);
    return line == NULL ? 0 : strtoul(line, NULL, 10);
}

/* EMFILE has two reasons: no descriptor left, or no bytes left for this user's queues. */
static apr_status_t explain_emfile(apr_size_t capacity, apr_size_t message_max)
{
    struct rlimit limit;
    int fd = open("/", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return APR_FROM_OS_ERROR(errno);
    (void)close(fd);
    if (getrlimit(RLIMIT_MSGQUEUE, &limit) != 0) return APR_FROM_OS_ERROR(EMFILE);
    return xipc__fail(XIPC_ELIMIT,
                      "RLIMIT_MSGQUEUE = %" APR_UINT64_T_FMT
                      " bytes for all queues of this user; this one has %" APR_SIZE_T_FMT
                      " messages of %" APR_SIZE_T_FMT " bytes",
                      (apr_uint64_t)limit.rlim_cur, capacity, message_max);
}

static apr_status_t explain_einval(apr_size_t capacity, apr_size_t message_max)
{
    unsigned long msg_max = read_limit("msg_max");
    unsigned long msgsize_max = read_limit("msgsize_max");
    if (msgsize_max > 0 && message_max > msgsize_max)
        return xipc__fail(XIPC_ELIMIT,
                          "fs.mqueue.msgsize_max = %lu, asked for messages of %" APR_SIZE_T_FMT
                          " bytes",
                          msgsize_max, message_max);
    return xipc__fail(XIPC_ELIMIT,
                      "fs.mqueue.msg_max = %lu, asked for %" APR_SIZE_T_FMT " messages", msg_max,
                      capacity);
}

static apr_status_t explain(int error, apr_size_t capacity, apr_size_t message_max)
{
    switch (error) {
    case EINVAL:
        return explain_einval(capacity, message_max);
    case EMFILE:
        return explain_emfile(capacity, message_max);
    case ENOSPC:
        return xipc__fail(XIPC_ELIMIT, "fs.mqueue.queues_max = %lu queues in this system",
                          read_limit("queues_max"));
    default:
        return APR_FROM_OS_ERROR(error);
    }
}

/* ---- making ---- */

/* Open a new queue under a random name and take the name away at once. */
static apr_status_t open_unnamed(mqd_t *mq, struct mq_attr *attributes)
{
    for (;;) {
        apr_uint64_t random;
        char name[48];
        apr_status_t rv = apr_generate_random_bytes((unsigned char *)&random, sizeof random);
        if (rv != APR_SUCCESS) return rv;
        (void)apr_snprintf(name, sizeof name, "/xipc-%" APR_PID_T_FMT "-%" APR_UINT64_T_HEX_FMT,
                           getpid(), random);
        *mq =
            xipc__fd_raise(mq_open(name, O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR, attributes));
        if (*mq >= 0) {
            (void)mq_unlink(name);
            return APR_SUCCESS;
        }
        if (errno != EEXIST)
            return explain(errno, (apr_size_t)attributes->mq_maxmsg,
                           (apr_size_t)attributes->mq_msgsize);
    }
}

static xipc__kernel_queue_t *make(mqd_t mq, apr_pool_t *pool)
{
    xipc__kernel_queue_t *queue = apr_palloc(pool, sizeof *queue);
    queue->mq = mq;
    return queue;
}

apr_status_t xipc__port_kernel_queue_create(xipc__kernel_queue_t **queue, apr_size_t *capacity,
                                            apr_size_t *message_max, apr_pool_t *pool)
{
    apr_size_t depth = *capacity > 0 ? *capacity : (apr_size_t)read_limit("msg_max");
    apr_size_t size = *message_max > 0 ? *message_max : DEFAULT_MESSAGE_MAX;
    if (depth == 0) depth = 10; /* the system's own default, where it does not tell */
    if (depth > LONG_MAX || size > LONG_MAX) return explain_einval(depth, size);
    mqd_t mq;
    struct mq_attr attributes = {.mq_maxmsg = (long)depth, .mq_msgsize = (long)size};
    apr_status_t rv = open_unnamed(&mq, &attributes);
    if (rv != APR_SUCCESS) return rv;
    *queue = make(mq, pool);
    *capacity = depth;
    *message_max = size;
    return APR_SUCCESS;
}

xipc__handle_t xipc__port_kernel_queue_sentinel(const xipc__kernel_queue_t *queue)
{
    return queue->mq;
}

void xipc__port_kernel_queue_handles(xipc__handles_t *handles, const xipc__kernel_queue_t *queue)
{
    handles->items[0] = queue->mq;
    handles->count = 1;
}

apr_status_t xipc__port_kernel_queue_adopt(xipc__kernel_queue_t **queue, apr_size_t *capacity,
                                           apr_size_t *message_max, const xipc__handle_t *handles,
                                           apr_size_t count, apr_pool_t *pool)
{
    struct mq_attr attributes;
    if (count != 1 || mq_getattr((mqd_t)handles[0], &attributes) != 0 ||
        attributes.mq_maxmsg <= 0 || attributes.mq_msgsize <= 0)
        return xipc__fail(XIPC_EPROTOCOL, "the descriptor is no message queue");
    *queue = make((mqd_t)handles[0], pool);
    *capacity = (apr_size_t)attributes.mq_maxmsg;
    *message_max = (apr_size_t)attributes.mq_msgsize;
    return APR_SUCCESS;
}

void xipc__port_kernel_queue_close(xipc__kernel_queue_t *queue)
{
    (void)mq_close(queue->mq);
    queue->mq = -1;
}

/* ---- using ---- */

/*
 * With a deadline the waiting is done by poll, since mq_timedsend and mq_timedreceive know only the
 * wall clock, which may jump: they are given a time long past, and so never wait. Without one the
 * kernel may wait in the call itself.
 */
static const struct timespec long_past;

static int send_once(mqd_t mq, const void *data, apr_size_t size, unsigned priority,
                     apr_time_t deadline)
{
    return deadline == XIPC__NEVER ? mq_send(mq, data, size, priority)
                                   : mq_timedsend(mq, data, size, priority, &long_past);
}

static ssize_t receive_once(mqd_t mq, void *buffer, apr_size_t capacity, apr_time_t deadline)
{
    return deadline == XIPC__NEVER ? mq_receive(mq, buffer, capacity, NULL)
                                   : mq_timedreceive(mq, buffer, capacity, NULL, &long_past);
}

/* EAGAIN: another process made the queue non-blocking for all. */
static apr_status_t wait_until(const xipc__kernel_queue_t *queue, short events, apr_time_t deadline)
{
    if (errno == EINTR) return APR_SUCCESS;
    if (errno != ETIMEDOUT && errno != EAGAIN) return APR_FROM_OS_ERROR(errno);
    return xipc__fd_wait(queue->mq, events, deadline);
}

apr_status_t xipc__port_kernel_queue_put(xipc__kernel_queue_t *queue, const void *data,
                                         apr_size_t size, unsigned priority, apr_time_t deadline)
{
    while (send_once(queue->mq, data, size, priority, deadline) != 0) {
        apr_status_t rv = wait_until(queue, POLLOUT, deadline);
        if (APR_STATUS_IS_TIMEUP(rv)) return xipc__fail(XIPC_EFULL, "mqueue");
        if (rv != APR_SUCCESS) return rv;
    }
    return APR_SUCCESS;
}

apr_status_t xipc__port_kernel_queue_get(apr_size_t *size, xipc__kernel_queue_t *queue,
                                         void *buffer, apr_size_t capacity, apr_time_t deadline)
{
    ssize_t got;
    while ((got = receive_once(queue->mq, buffer, capacity, deadline)) < 0) {
        apr_status_t rv = wait_until(queue, POLLIN, deadline);
        if (APR_STATUS_IS_TIMEUP(rv)) return xipc__fail(XIPC_EEMPTY, "mqueue");
        if (rv != APR_SUCCESS) return rv;
    }
    *size = (apr_size_t)got;
    return APR_SUCCESS;
}

apr_status_t xipc__port_kernel_queue_size(apr_size_t *count, xipc__kernel_queue_t *queue)
{
    struct mq_attr attributes;
    if (mq_getattr(queue->mq, &attributes) != 0) return APR_FROM_OS_ERROR(errno);
    *count = (apr_size_t)attributes.mq_curmsgs;
    return APR_SUCCESS;
}
