/*
 * tcp.c - sockets of TCP.
 */
#include "win32/tcp.h"

#include <ws2tcpip.h>

#include <stdio.h>
#include <string.h>

static apr_status_t status_of(int error)
{
    return xipc__win32_status((DWORD)error);
}

static apr_status_t last_error(void)
{
    return status_of(WSAGetLastError());
}

/* ---- waiting ---- */

typedef enum { TO_READ, TO_WRITE, TO_CONNECT } purpose_e;

/* Wait until it can be done, or fails. */
static apr_status_t wait_until(SOCKET socket, purpose_e purpose, apr_time_t deadline)
{
    for (;;) {
        fd_set set = {.fd_count = 1, .fd_array = {socket}};
        fd_set failed = set; /* where the system tells of a connect that failed */
        int left = xipc__remaining_ms(deadline);
        struct timeval timeout = {.tv_sec = left / 1000, .tv_usec = (left % 1000) * 1000};
        int found = select(0, purpose == TO_READ ? &set : NULL, purpose != TO_READ ? &set : NULL,
                           purpose == TO_CONNECT ? &failed : NULL, left < 0 ? NULL : &timeout);
        if (found > 0) return APR_SUCCESS;
        if (found < 0) return last_error();
        if (xipc__remaining(deadline) == 0) return APR_TIMEUP;
    }
}

int xipc__tcp_is_readable(SOCKET socket)
{
    return wait_until(socket, TO_READ, 0) != APR_TIMEUP;
}

void xipc__tcp_watch(SOCKET socket, HANDLE event)
{
    (void)WSAEventSelect(socket, event, event != NULL ? FD_READ | FD_CLOSE : 0);
}

/* ---- streams ---- */

static int is_gone(int error)
{
    return error == WSAECONNRESET || error == WSAECONNABORTED || error == WSAESHUTDOWN ||
           error == WSAENETRESET;
}

static WSABUF buffer_of(const void *data, apr_size_t size)
{
    if (size > XIPC__STREAM_CHUNK) size = XIPC__STREAM_CHUNK;
    return (WSABUF){.len = (ULONG)size, .buf = (char *)(uintptr_t)data};
}

apr_status_t xipc__tcp_write(apr_size_t *written, SOCKET socket, xipc__span_t head,
                             xipc__span_t body, apr_time_t deadline)
{
    WSABUF parts[] = {buffer_of(head.data, head.size), buffer_of(body.data, body.size)};
    for (;;) {
        DWORD sent = 0;
        if (WSASend(socket, parts, 2, &sent, 0, NULL, NULL) == 0 && sent > 0) {
            *written = sent;
            return APR_SUCCESS;
        }
        int error = WSAGetLastError();
        if (is_gone(error)) return APR_EPIPE;
        if (error != WSAEWOULDBLOCK) return status_of(error);
        apr_status_t rv = wait_until(socket, TO_WRITE, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
}

apr_status_t xipc__tcp_read(apr_size_t *got, SOCKET socket, void *buffer, apr_size_t capacity,
                            apr_time_t deadline)
{
    int room = capacity < INT_MAX ? (int)capacity : INT_MAX;
    for (;;) {
        int count = recv(socket, buffer, room, 0);
        if (count > 0) {
            *got = (apr_size_t)count;
            return APR_SUCCESS;
        }
        int error = WSAGetLastError();
        if (count == 0 || is_gone(error)) return APR_EOF;
        if (error != WSAEWOULDBLOCK) return status_of(error);
        apr_status_t rv = wait_until(socket, TO_READ, deadline);
        if (rv != APR_SUCCESS) return rv;
    }
}

/* ---- addresses ---- */

/* An address as the system takes it. */
typedef struct {
    struct sockaddr_storage storage;
    int size;
} place_t;

/* How many addresses of one host are tried. */
enum { PLACES_MAX = 8 };

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

static apr_status_t places_of(place_t places[PLACES_MAX], int *count,
                              const xipc__address_t *address, int is_passive)
{
    char port[8];
    struct addrinfo *found;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = is_passive ? AI_PASSIVE : 0};
    (void)snprintf(port, sizeof port, "%u", (unsigned)address->port);
    int error = getaddrinfo(address->name, port, &hints, &found);
    if (error != 0)
        return xipc__fail(APR_EINVAL, "host %.200s is not known (%d)", address->name, error);
    *count = 0;
    for (const struct addrinfo *each = found; each != NULL && *count < PLACES_MAX;
         each = each->ai_next, (*count)++) {
        memcpy(&places[*count].storage, each->ai_addr, each->ai_addrlen);
        places[*count].size = (int)each->ai_addrlen;
    }
    freeaddrinfo(found);
    if (is_passive) swap_in_ipv4(places, *count);
    return APR_SUCCESS;
}

static SOCKET socket_open(const place_t *place)
{
    return WSASocketW(place->storage.ss_family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

/* Calls that would block fail instead; and messages are not kept back for more. */
static apr_status_t set_up(SOCKET socket)
{
    u_long yes = 1;
    BOOL no_delay = TRUE;
    if (ioctlsocket(socket, FIONBIO, &yes) != 0) return last_error();
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, (const char *)&no_delay, sizeof no_delay);
    return APR_SUCCESS;
}

/*
 * A handle becomes a socket by a description of what it leads to: Windows makes a mere duplicate
 * do, Wine does not.
 */
apr_status_t xipc__tcp_adopt(SOCKET *socket, HANDLE handle)
{
    WSAPROTOCOL_INFOW info;
    if (WSADuplicateSocketW((SOCKET)handle, GetCurrentProcessId(), &info) != 0)
        return xipc__fail(XIPC_EPROTOCOL, "the handle is no socket");
    SOCKET made = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                             WSA_FLAG_OVERLAPPED);
    if (made == INVALID_SOCKET) return last_error();
    (void)SetHandleInformation((HANDLE)made, HANDLE_FLAG_INHERIT, 0);
    int is_tcp = info.iSocketType == SOCK_STREAM &&
                 (info.iAddressFamily == AF_INET || info.iAddressFamily == AF_INET6);
    apr_status_t rv = is_tcp ? set_up(made) : xipc__fail(XIPC_EPROTOCOL, "the socket is not TCP's");
    if (rv != APR_SUCCESS) {
        (void)closesocket(made);
        return rv;
    }
    CloseHandle(handle);
    *socket = made;
    return APR_SUCCESS;
}

/* ---- listening ---- */

static void learn_port(xipc__address_t *address, SOCKET socket)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } bound;
    int size = sizeof bound;
    if (getsockname(socket, &bound.any, &size) != 0) return;
    address->port =
        ntohs(bound.any.sa_family == AF_INET6 ? bound.six.sin6_port : bound.four.sin_port);
}

static apr_status_t bind_and_listen(SOCKET socket, HANDLE event, const place_t *place, int backlog)
{
    BOOL yes = TRUE; /* or another program could take the port over */
    if (setsockopt(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&yes, sizeof yes) != 0 ||
        bind(socket, (const struct sockaddr *)&place->storage, place->size) != 0 ||
        WSAEventSelect(socket, event, FD_ACCEPT) != 0 || listen(socket, backlog) != 0)
        return last_error();
    return APR_SUCCESS;
}

apr_status_t xipc__tcp_listen(SOCKET *listening, HANDLE event, xipc__address_t *address,
                              int backlog)
{
    place_t places[PLACES_MAX];
    int count;
    apr_status_t rv = places_of(places, &count, address, 1);
    if (rv != APR_SUCCESS) return rv;
    SOCKET made = socket_open(&places[0]);
    if (made == INVALID_SOCKET) return last_error();
    rv = bind_and_listen(made, event, &places[0], backlog);
    if (rv != APR_SUCCESS) {
        (void)closesocket(made);
        return rv;
    }
    learn_port(address, made);
    *listening = made;
    return APR_SUCCESS;
}

apr_status_t xipc__tcp_adopt_listening(SOCKET *listening, HANDLE event, HANDLE handle)
{
    BOOL listens = FALSE;
    int size = sizeof listens;
    apr_status_t rv = xipc__tcp_adopt(listening, handle);
    if (rv != APR_SUCCESS) return rv;
    if (getsockopt(*listening, SOL_SOCKET, SO_ACCEPTCONN, (char *)&listens, &size) != 0 || !listens)
        rv = xipc__fail(XIPC_EPROTOCOL, "the socket does not listen");
    else if (WSAEventSelect(*listening, event, FD_ACCEPT) != 0)
        rv = last_error();
    if (rv != APR_SUCCESS) (void)closesocket(*listening);
    return rv;
}

apr_status_t xipc__tcp_accept(SOCKET *accepted, SOCKET listening, HANDLE event)
{
    for (;;) {
        /* the reset first: accept sets the event again when more clients wait */
        WSANETWORKEVENTS events;
        (void)WSAEnumNetworkEvents(listening, event, &events);
        SOCKET made = accept(listening, NULL, NULL);
        if (made == INVALID_SOCKET) {
            int error = WSAGetLastError();
            if (error == WSAECONNRESET) continue; /* one that left before is nobody's business */
            return error == WSAEWOULDBLOCK ? APR_TIMEUP : status_of(error);
        }
        (void)SetHandleInformation((HANDLE)made, HANDLE_FLAG_INHERIT, 0);
        (void)WSAEventSelect(made, NULL, 0); /* which it has from the listening socket */
        apr_status_t rv = set_up(made);
        if (rv == APR_SUCCESS)
            *accepted = made;
        else
            (void)closesocket(made);
        return rv;
    }
}

/* ---- connecting ---- */

/* The end of a connect that could not be finished at once. */
static apr_status_t finish(int *error, SOCKET socket, apr_time_t deadline)
{
    int size = sizeof *error;
    apr_status_t rv = wait_until(socket, TO_CONNECT, deadline);
    if (rv != APR_SUCCESS) return rv;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, (char *)error, &size) == 0 ? APR_SUCCESS
                                                                               : last_error();
}

static apr_status_t connect_to(int *is_absent, SOCKET socket, const place_t *place,
                               apr_time_t deadline)
{
    int error = 0;
    apr_status_t rv = set_up(socket);
    if (rv != APR_SUCCESS) return rv;
    if (connect(socket, (const struct sockaddr *)&place->storage, place->size) != 0) {
        error = WSAGetLastError();
        if (error == WSAEWOULDBLOCK) rv = finish(&error, socket, deadline);
    }
    if (rv != APR_SUCCESS || error == 0) return rv;
    *is_absent |= error == WSAECONNREFUSED;
    return status_of(error);
}

static apr_status_t try_place(SOCKET *connected, int *is_absent, const place_t *place,
                              apr_time_t deadline)
{
    SOCKET made = socket_open(place);
    if (made == INVALID_SOCKET) return last_error();
    apr_status_t rv = connect_to(is_absent, made, place, deadline);
    if (rv == APR_SUCCESS)
        *connected = made;
    else
        (void)closesocket(made);
    return rv;
}

/* One that does not answer must not cost the next ones all of the time. */
static apr_time_t share(apr_time_t deadline, int others)
{
    apr_interval_time_t left = xipc__remaining(deadline);
    return others == 0 || left <= 0 ? deadline : xipc__deadline(left / (others + 1));
}

apr_status_t xipc__tcp_connect(SOCKET *connected, int *is_absent, const xipc__address_t *address,
                               apr_time_t deadline)
{
    place_t places[PLACES_MAX];
    int count;
    *is_absent = 0;
    apr_status_t rv = places_of(places, &count, address, 0);
    if (rv != APR_SUCCESS) return rv;
    for (int i = 0; i < count; i++) {
        rv = try_place(connected, is_absent, &places[i], share(deadline, count - i - 1));
        if (rv == APR_SUCCESS) return rv;
    }
    return rv;
}
