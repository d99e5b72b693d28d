/*
 * port_listener.c - listening and connecting, on Unix sockets and TCP.
 */
#include "posix/port_objects.h"
#include "posix/posix.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct xipc__endpoint_t {
    int fd;
    int is_abstract;
    const char *path;      /* to be removed; NULL for none */
    const char *directory; /* the same */
};

/* An address as the system takes it. */
typedef struct {
    struct sockaddr_storage storage;
    socklen_t size;
} place_t;

static apr_status_t last_error(void)
{
    return APR_FROM_OS_ERROR(errno);
}

/* ---- addresses ---- */

static apr_status_t place_unix(place_t *place, const char *name, int is_abstract)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&place->storage;
    apr_size_t length = strlen(name);
    apr_size_t room = sizeof address->sun_path - 1;
    if (length > room)
        return xipc__fail(APR_EINVAL,
                          "a socket's name has at most %" APR_SIZE_T_FMT
                          " bytes, this one has %" APR_SIZE_T_FMT,
                          room, length);
    memset(&place->storage, 0, sizeof place->storage);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path + is_abstract, name, length);
    place->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    return APR_SUCCESS;
}

/* How many addresses of one host are tried. */
enum { PLACES_MAX = 8 };

static void take_place(place_t *place, const struct addrinfo *found)
{
    memcpy(&place->storage, found->ai_addr, found->ai_addrlen);
    place->size = found->ai_addrlen;
}

/* For a listener the one that clients try who know of IPv4 alone, Python's among them. */
static void swap_in_ipv4(place_t *places, int count)
{
    int at = 0;
    while (at < count && places[at].storage.ss_family != AF_INET) at++;
    if (at == count) return;
    place_t first = places[0];
    places[0] = places[at];
    places[at] = first;
}

static apr_status_t place_tcp(place_t *places, int *count, const xipc__address_t *address,
                              int is_passive)
{
    char port[8];
    struct addrinfo *found;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | (is_passive ? AI_PASSIVE : 0)};
    (void)apr_snprintf(port, sizeof port, "%u", (unsigned)address->port);
    int error = getaddrinfo(address->name, port, &hints, &found);
    if (error == EAI_SYSTEM) return last_error();
    if (error != 0)
        return xipc__fail(APR_EINVAL, "host %.200s: %s", address->name, gai_strerror(error));
    *count = 0;
    for (const struct addrinfo *each = found; each != NULL && *count < PLACES_MAX;
         each = each->ai_next)
        take_place(&places[(*count)++], each);
    freeaddrinfo(found);
    if (is_passive) swap_in_ipv4(places, *count);
    return APR_SUCCESS;
}

/* Where that is; a host's name may lead to several places. */
static apr_status_t places_of(place_t places[PLACES_MAX], int *count,
                              const xipc__address_t *address, int is_passive)
{
    *count = 1;
    switch (address->kind) {
    case XIPC__ADDRESS_UNIX:
        return place_unix(places, address->name, 0);
    case XIPC__ADDRESS_ABSTRACT:
        if (!xipc__socket_has_abstract())
            return xipc__fail(APR_ENOTIMPL, "this system has no abstract names");
        return place_unix(places, address->name, 1);
    case XIPC__ADDRESS_TCP:
        return place_tcp(places, count, address, is_passive);
    case XIPC__ADDRESS_PIPE:
    case XIPC__ADDRESS_PRIVATE:
        break;
    }
    return xipc__fail(APR_ENOTIMPL, "this system has no address of that kind");
}

/* ---- sockets ---- */

static int socket_open(int family)
{
    int fd = xipc__socket_make(family);
    if (fd < 0) return -1;
    int flags = fcntl(fd, F_GETFL);
    (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    return fd;
}

/* Messages are written whole, so there is nothing to gain by waiting for more. */
static void do_not_delay(int fd)
{
    int yes = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* fails for others */
}

static apr_status_t bind_and_listen(int fd, const place_t *place, const char *path, int backlog)
{
    int yes = 1;
    if (place->storage.ss_family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (path != NULL) (void)fchmod(fd, S_IRUSR | S_IWUSR); /* where the file gets its mode by it */
    if (bind(fd, (const struct sockaddr *)&place->storage, place->size) != 0) return last_error();
    if ((path != NULL && chmod(path, S_IRUSR | S_IWUSR) != 0) || listen(fd, backlog) != 0) {
        apr_status_t rv = last_error();
        if (path != NULL) (void)unlink(path);
        return rv;
    }
    return APR_SUCCESS;
}

/* ---- listening ---- */

/* A path in a directory of its own that only the user can enter. */
static apr_status_t choose_private(xipc__address_t *address, const char **directory,
                                   apr_pool_t *pool)
{
    const char *base = getenv("TMPDIR");
    if (base == NULL || base[0] != '/' || strlen(base) > 64) base = "/tmp";
    char *made = apr_pstrcat(pool, base, "/xipc-XXXXXX", NULL);
    if (mkdtemp(made) == NULL) return last_error();
    address->kind = XIPC__ADDRESS_UNIX;
    address->name = apr_pstrcat(pool, made, "/listener", NULL);
    *directory = made;
    return APR_SUCCESS;
}

/* Port 0 was for the system to choose. */
static void learn_port(xipc__address_t *address, int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } bound;
    socklen_t size = sizeof bound;
    if (address->kind != XIPC__ADDRESS_TCP || getsockname(fd, &bound.any, &size) != 0) return;
    address->port =
        ntohs(bound.any.sa_family == AF_INET6 ? bound.six.sin6_port : bound.four.sin_port);
}

static apr_status_t listen_at(int *listening, xipc__address_t *address, int backlog)
{
    place_t places[PLACES_MAX];
    int count;
    apr_status_t rv = places_of(places, &count, address, 1);
    if (rv != APR_SUCCESS) return rv;
    int fd = socket_open(places[0].storage.ss_family);
    if (fd < 0) return last_error();
    const char *path = address->kind == XIPC__ADDRESS_UNIX ? address->name : NULL;
    rv = bind_and_listen(fd, &places[0], path, backlog);
    if (rv != APR_SUCCESS) {
        (void)close(fd);
        return rv;
    }
    learn_port(address, fd);
    *listening = fd;
    return APR_SUCCESS;
}

apr_status_t xipc__port_listen(xipc__endpoint_t **endpoint, xipc__address_t *address, int backlog,
                               apr_pool_t *pool)
{
    int fd;
    const char *directory = NULL;
    apr_status_t rv = address->kind == XIPC__ADDRESS_PRIVATE
                          ? choose_private(address, &directory, pool)
                          : APR_SUCCESS;
    if (rv == APR_SUCCESS) rv = listen_at(&fd, address, backlog);
    if (rv != APR_SUCCESS) {
        if (directory != NULL) (void)rmdir(directory);
        return rv;
    }
    xipc__endpoint_t *made = apr_palloc(pool, sizeof *made);
    *made = (xipc__endpoint_t){.fd = fd,
                               .is_abstract = address->kind == XIPC__ADDRESS_ABSTRACT,
                               .path = address->kind == XIPC__ADDRESS_UNIX ? address->name : NULL,
                               .directory = directory};
    *endpoint = made;
    return APR_SUCCESS;
}

void xipc__port_endpoint_close(xipc__endpoint_t *endpoint, int is_owner)
{
    (void)close(endpoint->fd);
    endpoint->fd = -1;
    if (is_owner && endpoint->path != NULL) (void)unlink(endpoint->path);
    if (is_owner && endpoint->directory != NULL) (void)rmdir(endpoint->directory);
}

xipc__handle_t xipc__port_endpoint_handle(const xipc__endpoint_t *endpoint)
{
    return endpoint->fd;
}

apr_status_t xipc__port_endpoint_adopt(xipc__endpoint_t **endpoint, xipc__handle_t handle,
                                       const xipc__address_t *address, apr_pool_t *pool)
{
    int listens = 0;
    socklen_t size = sizeof listens;
    if (getsockopt((int)handle, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens)
        return xipc__fail(XIPC_EPROTOCOL, "the descriptor does not listen");
    xipc__socket_adopt((int)handle);
    (void)fcntl((int)handle, F_SETFL, fcntl((int)handle, F_GETFL) | O_NONBLOCK);
    *endpoint = apr_palloc(pool, sizeof **endpoint);
    **endpoint = (xipc__endpoint_t){.fd = (int)handle,
                                    .is_abstract = address->kind == XIPC__ADDRESS_ABSTRACT};
    return APR_SUCCESS;
}

xipc__handle_t xipc__port_endpoint_sentinel(const xipc__endpoint_t *endpoint)
{
    return endpoint->fd;
}

/* An abstract name has no mode that would keep others away. */
static int is_welcome(const xipc__endpoint_t *endpoint, int fd)
{
    pid_t pid;
    apr_int64_t user = -1;
    if (!endpoint->is_abstract) return 1;
    return xipc__socket_peer(&pid, &user, fd) == APR_SUCCESS && user == (apr_int64_t)geteuid();
}

/* Nobody is there; or one whose network is in trouble, which Linux tells of here: accept(2). */
static int is_for_later(int error)
{
    static const int errors[] = {EAGAIN,   EWOULDBLOCK, EPROTO,    ENOPROTOOPT,
                                 ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH};
    for (apr_size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i] == error) return 1;
    return 0;
}

apr_status_t xipc__port_accept(xipc__stream_t **stream, xipc__endpoint_t *endpoint,
                               apr_pool_t *pool)
{
    for (;;) {
        int fd = xipc__socket_accept(endpoint->fd);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue; /* nobody's business */
            return is_for_later(errno) ? APR_TIMEUP : last_error();
        }
        apr_status_t rv = is_welcome(endpoint, fd)
                              ? xipc__port_stream_adopt(stream, (xipc__handle_t)fd, pool)
                              : APR_EGENERAL;
        if (rv == APR_SUCCESS) {
            do_not_delay(fd);
            return APR_SUCCESS;
        }
        (void)close(fd);
    }
}

/* ---- connecting ---- */

/* The end of a connect that could not be finished at once. */
static int finish(int fd, apr_time_t deadline)
{
    int error = 0;
    socklen_t size = sizeof error;
    apr_status_t rv = xipc__fd_wait(fd, POLLOUT, deadline);
    if (APR_STATUS_IS_TIMEUP(rv)) return ETIMEDOUT;
    if (rv != APR_SUCCESS) return (int)rv;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static int connect_to(int fd, const place_t *place, apr_time_t deadline)
{
    if (connect(fd, (const struct sockaddr *)&place->storage, place->size) == 0) return 0;
    return errno == EINPROGRESS || errno == EINTR ? finish(fd, deadline) : errno;
}

static apr_status_t try_place(xipc__stream_t **stream, int *is_absent, const place_t *place,
                              apr_time_t deadline, apr_pool_t *pool)
{
    int fd = socket_open(place->storage.ss_family);
    if (fd < 0) return last_error();
    int error = connect_to(fd, place, deadline);
    if (error == 0) {
        do_not_delay(fd);
        apr_status_t rv = xipc__port_stream_adopt(stream, (xipc__handle_t)fd, pool);
        if (rv == APR_SUCCESS) return rv;
        error = (int)rv;
    }
    (void)close(fd);
    /* EAGAIN: more wait for a Unix socket's listener than its backlog holds */
    *is_absent |= error == ENOENT || error == ECONNREFUSED || error == EAGAIN;
    return error == ETIMEDOUT ? APR_TIMEUP : APR_FROM_OS_ERROR(error);
}

/* One that does not answer must not cost the next ones all of the time. */
static apr_time_t share(apr_time_t deadline, int others)
{
    apr_interval_time_t left = xipc__remaining(deadline);
    return others == 0 || left <= 0 ? deadline : xipc__deadline(left / (others + 1));
}

apr_status_t xipc__port_connect(xipc__stream_t **stream, int *is_absent,
                                const xipc__address_t *address, apr_time_t deadline,
                                apr_pool_t *pool)
{
    place_t places[PLACES_MAX];
    int count;
    *is_absent = 0;
    apr_status_t rv = places_of(places, &count, address, 0);
    if (rv != APR_SUCCESS) return rv;
    for (int i = 0; i < count; i++) {
        rv = try_place(stream, is_absent, &places[i], share(deadline, count - i - 1), pool);
        if (rv == APR_SUCCESS) return rv;
    }
    return rv;
}

/* ---- the other side ---- */

apr_status_t xipc__port_stream_peer(pid_t *pid, apr_int64_t *user, const xipc__stream_t *stream)
{
    if (!xipc__port_stream_carries_handles(stream))
        return xipc__fail(APR_ENOTIMPL, "the peer may be on another machine");
    return xipc__socket_peer(pid, user, stream->fd);
}

int xipc__port_stream_carries_handles(const xipc__stream_t *stream)
{
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    return getsockname(stream->fd, (struct sockaddr *)&own, &size) == 0 && own.ss_family == AF_UNIX;
}
