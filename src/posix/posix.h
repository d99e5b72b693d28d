/*
 * posix.h - what the POSIX files share: descriptors, and the few calls that differ inside the
 * family.
 */
#ifndef XIPC_POSIX_POSIX_H
#define XIPC_POSIX_POSIX_H

#include "core/port.h"

#include <spawn.h>
#include <sys/socket.h>

/*
 * Wait until a descriptor is ready for `events` of poll(2), or in error. APR_TIMEUP: the deadline
 * came first.
 */
apr_status_t xipc__fd_wait(int fd, short events, apr_time_t deadline);

/* The same for a whole list. */
struct pollfd;
apr_status_t xipc__fd_poll(struct pollfd *list, apr_size_t count, apr_time_t deadline);

/* ---- port_descriptor.c: descriptors that are never standard streams ---- */

/*
 * In a program that runs with a standard stream closed the next descriptor gets its number, and what
 * is printed would go into a connection: so it is moved. Takes and returns -1 with errno as they are.
 */
int xipc__fd_raise(int fd);
int xipc__fd_raise_both(int made, int fds[2]); /* the same for what pipe(2) returned and made */
int xipc__fd_duplicate(int fd);

/*
 * ---- port_socket_*.c: sockets whose descriptors are close-on-exec, and writes without SIGPIPE
 * ----
 */

int xipc__socket_pair(int fds[2]);
int xipc__pipe_pair(int fds[2]); /* the first is read */
int xipc__socket_make(int family);
int xipc__socket_accept(int listening);

/* They wait when they may and the socket is no non-blocking one. */
ssize_t xipc__socket_send(int fd, const struct msghdr *message, int may_wait);
ssize_t xipc__socket_receive(int fd, struct msghdr *message, int may_wait);

/* Make a socket that came from elsewhere behave the same. */
void xipc__socket_adopt(int fd);

/* ---- port_peer_*.c: who is at the other end of a Unix socket; -1 for what is not told ---- */

apr_status_t xipc__socket_peer(pid_t *pid, apr_int64_t *user, int fd);

/* Has it names for Unix sockets that are no files? */
int xipc__socket_has_abstract(void);

/* ---- port_sentinel_*.c: a descriptor that becomes readable when a child has ended ---- */

/* Returns -1 with errno; ESRCH when it has ended, on some systems also before it is reaped. */
int xipc__sentinel_open(pid_t pid);

/* In a forked child: close the parent's. */
void xipc__sentinel_disown(int sentinel);

/* Send the signal to that very process. Returns -1 with errno. */
int xipc__sentinel_signal(int sentinel, pid_t pid, int signal);

/* ---- port_spawn_*.c: close all descriptors from `first` on in the spawned program ---- */

int xipc__spawn_in_group(posix_spawnattr_t *attributes); /* in port_process.c; keeps other flags */
int xipc__spawn_close_from(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                           int first);

/* ---- port_self_*.c: this process ---- */

/* A path that leads to this process's own image, in `pool` or static. NULL with errno. */
const char *xipc__self_image(apr_pool_t *pool);

/* What the system knows of a process: when it started, in units of the system's. */
typedef enum { XIPC__PROCESS_RUNS, XIPC__PROCESS_ENDED, XIPC__PROCESS_UNKNOWN } xipc__process_e;
apr_uint64_t xipc__identity_of(pid_t pid); /* in port_identity.c */
xipc__process_e xipc__process_born(apr_uint64_t *born, pid_t pid);

/*
 * ---- port_names_*.c: what a queue with a name is made of ----
 */

/* The directory of the entries, in a place that all programs of the system agree on. */
extern const char *const xipc__names_directory;

/* As pipe(2) and shm_open(3), so that xipc__port_name_take finds them. */
int xipc__named_pipe(int fds[2], apr_uint64_t id, int index);
apr_status_t xipc__named_memory(int *fd, apr_uint64_t id);
void xipc__named_memory_forget(apr_uint64_t id);

/* ---- port_reserve_*.c ---- */

/* See to it that a part of the memory can be used, where the system knows how. */
apr_status_t xipc__memory_reserve(int fd, off_t offset, off_t size);

#endif
