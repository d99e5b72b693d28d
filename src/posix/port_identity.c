/*
 * port_identity.c - which process this is, and whether another one has ended.
 */
#include "posix/posix.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 until it is asked for, and again in a forked child. */
static _Atomic apr_uint64_t self;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void forget(void)
{
    atomic_store_explicit(&self, 0, memory_order_relaxed);
}

static void prepare(void)
{
    (void)pthread_atfork(NULL, NULL, forget);
}

static apr_uint64_t compose(pid_t pid, apr_uint64_t born)
{
    return (apr_uint64_t)pid << 32 | (born & 0xffffffffU);
}

apr_uint64_t xipc__identity_of(pid_t pid)
{
    apr_uint64_t born = 0;
    if (xipc__process_born(&born, pid) != XIPC__PROCESS_RUNS) born = 0;
    return compose(pid, born);
}

apr_uint64_t xipc__port_identity(void)
{
    apr_uint64_t identity = atomic_load_explicit(&self, memory_order_relaxed);
    if (identity != 0) return identity;
    (void)pthread_once(&once, prepare);
    identity = xipc__identity_of(getpid());
    atomic_store_explicit(&self, identity, memory_order_relaxed);
    return identity;
}

int xipc__port_identity_is_dead(apr_uint64_t identity)
{
    pid_t pid = (pid_t)(identity >> 32);
    apr_uint64_t born;
    if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH)) return 1;
    switch (xipc__process_born(&born, pid)) {
    case XIPC__PROCESS_RUNS:
        /* one that could not know when it started wrote 0 */
        return (apr_uint32_t)identity != 0 && compose(pid, born) != identity;
    case XIPC__PROCESS_ENDED:
        return 1;
    case XIPC__PROCESS_UNKNOWN:
        break;
    }
    return kill(pid, 0) != 0 && errno == ESRCH;
}

apr_uint64_t xipc__port_process_space(void)
{
    struct stat space; /* Linux has several spaces of pids; elsewhere there is no such file */
    return stat("/proc/self/ns/pid", &space) == 0 ? (apr_uint64_t)space.st_ino : 0;
}
