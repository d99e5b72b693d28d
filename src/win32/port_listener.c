/*
 * port_listener.c - listening and connecting, on named pipes.
 *
 * The pipe with the listener's name is only where both meet. For each client the listener makes a
 * pipe of its own, without a name others could know, puts one end into the client's table, and says
 * its number: so every connection is the same kind of pipe, and carries handles.
 */
#include "win32/stream.h"

#include <apr_strings.h>

#include <string.h>
#include <wchar.h>

enum { NAME_MAX_CHARACTERS = 200 };

#define PIPE_PREFIX "\\\\.\\pipe\\"

struct xipc__endpoint_t {
    const wchar_t *path; /* NULL with a socket */
    HANDLE instance;     /* where the next client arrives */
    OVERLAPPED arrival;  /* its event is set when one is there */
    SOCKET socket;       /* of TCP; the event is its, too */
};

/* What the listener says to a client: the number of the end in the client's own table. */
typedef struct {
    apr_uint64_t handle;
} welcome_t;

/* ---- names ---- */

static apr_status_t path_of(wchar_t **path, const xipc__address_t *address, apr_pool_t *pool)
{
    apr_size_t length = strlen(address->name);
    if (address->kind != XIPC__ADDRESS_PIPE)
        return xipc__fail(APR_ENOTIMPL, "this system has no address of that kind");
    if (length > NAME_MAX_CHARACTERS)
        return xipc__fail(APR_EINVAL,
                          "a pipe's name has at most %d bytes, this one has %" APR_SIZE_T_FMT,
                          NAME_MAX_CHARACTERS, length);
    return xipc__win32_wide(path, apr_pstrcat(pool, PIPE_PREFIX, address->name, NULL), pool);
}

static apr_status_t choose_private(xipc__address_t *address, apr_pool_t *pool)
{
    wchar_t name[XIPC__WIN32_NAME_MAX];
    char *text;
    apr_status_t rv = xipc__win32_random_name(name, "");
    if (rv == APR_SUCCESS) rv = xipc__win32_utf8(&text, name, pool);
    if (rv != APR_SUCCESS) return rv;
    address->kind = XIPC__ADDRESS_PIPE;
    address->name = text;
    return APR_SUCCESS;
}

/* ---- listening ---- */

static apr_status_t make_instance(HANDLE *instance, const wchar_t *path, int is_first)
{
    xipc__win32_private_t only_me;
    apr_status_t rv = xipc__win32_private(&only_me);
    if (rv != APR_SUCCESS) return rv;
    DWORD access = PIPE_ACCESS_OUTBOUND | FILE_FLAG_OVERLAPPED;
    if (is_first) access |= FILE_FLAG_FIRST_PIPE_INSTANCE;
    HANDLE made =
        CreateNamedPipeW(path, access, PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS,
                         PIPE_UNLIMITED_INSTANCES, sizeof(welcome_t), 0, 0, &only_me.attributes);
    if (made == INVALID_HANDLE_VALUE) return xipc__win32_error();
    *instance = made;
    return APR_SUCCESS;
}

/* Wine makes another first instance beside the first: there it has to be asked. */
static int is_taken(const wchar_t *path)
{
    return WaitNamedPipeW(path, 1) || GetLastError() != ERROR_FILE_NOT_FOUND;
}

/* Let the next client come. The event tells when it is there, which may be at once. */
static apr_status_t invite(xipc__endpoint_t *endpoint)
{
    if (ConnectNamedPipe(endpoint->instance, &endpoint->arrival)) return APR_SUCCESS;
    switch (GetLastError()) {
    case ERROR_IO_PENDING:
        return APR_SUCCESS;
    case ERROR_PIPE_CONNECTED:
    case ERROR_NO_DATA: /* it is gone again, which accept finds out */
        SetEvent(endpoint->arrival.hEvent);
        return APR_SUCCESS;
    default:
        return xipc__win32_error();
    }
}

static apr_status_t listen_pipe(xipc__endpoint_t *endpoint, const xipc__address_t *address,
                                apr_pool_t *pool)
{
    wchar_t *path;
    apr_status_t rv = path_of(&path, address, pool);
    if (rv != APR_SUCCESS) return rv;
    if (is_taken(path))
        return xipc__fail(xipc__win32_status(ERROR_PIPE_BUSY), "a listener is there already");
    endpoint->path = path;
    rv = make_instance(&endpoint->instance, path, 1);
    if (rv != APR_SUCCESS) return rv;
    rv = invite(endpoint);
    if (rv != APR_SUCCESS) CloseHandle(endpoint->instance);
    return rv;
}

apr_status_t xipc__port_listen(xipc__endpoint_t **endpoint, xipc__address_t *address, int backlog,
                               apr_pool_t *pool)
{
    apr_status_t rv =
        address->kind == XIPC__ADDRESS_PRIVATE ? choose_private(address, pool) : APR_SUCCESS;
    if (rv != APR_SUCCESS) return rv;
    xipc__endpoint_t *made = apr_pcalloc(pool, sizeof *made);
    made->arrival.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (made->arrival.hEvent == NULL) return xipc__win32_error();
    /* a pipe has no backlog: clients who find no instance free wait and try again */
    rv = address->kind == XIPC__ADDRESS_TCP
             ? xipc__tcp_listen(&made->socket, made->arrival.hEvent, address, backlog)
             : listen_pipe(made, address, pool);
    if (rv == APR_SUCCESS)
        *endpoint = made;
    else
        CloseHandle(made->arrival.hEvent);
    return rv;
}

static void close_instance(xipc__endpoint_t *endpoint)
{
    DWORD size;
    if (!xipc__win32_is_done(&endpoint->arrival) &&
        CancelIoEx(endpoint->instance, &endpoint->arrival))
        (void)GetOverlappedResult(endpoint->instance, &endpoint->arrival, &size, TRUE);
    CloseHandle(endpoint->instance);
}

void xipc__port_endpoint_close(xipc__endpoint_t *endpoint, int is_owner)
{
    (void)is_owner; /* the name goes with the last instance */
    if (endpoint->path != NULL)
        close_instance(endpoint);
    else
        (void)closesocket(endpoint->socket);
    CloseHandle(endpoint->arrival.hEvent);
}

xipc__handle_t xipc__port_endpoint_handle(const xipc__endpoint_t *endpoint)
{
    return endpoint->path == NULL ? xipc__win32_opaque((HANDLE)endpoint->socket) : XIPC__NO_HANDLE;
}

/* Another instance of the same name, beside those of the first listener. */
static apr_status_t join_pipe(xipc__endpoint_t *endpoint, const xipc__address_t *address,
                              apr_pool_t *pool)
{
    wchar_t *path;
    apr_status_t rv = path_of(&path, address, pool);
    if (rv == APR_SUCCESS) rv = make_instance(&endpoint->instance, path, 0);
    if (rv != APR_SUCCESS) return rv;
    endpoint->path = path;
    rv = invite(endpoint);
    if (rv != APR_SUCCESS) CloseHandle(endpoint->instance);
    return rv;
}

apr_status_t xipc__port_endpoint_adopt(xipc__endpoint_t **endpoint, xipc__handle_t handle,
                                       const xipc__address_t *address, apr_pool_t *pool)
{
    xipc__endpoint_t *made = apr_pcalloc(pool, sizeof *made);
    made->arrival.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (made->arrival.hEvent == NULL) return xipc__win32_error();
    apr_status_t rv = handle != XIPC__NO_HANDLE
                          ? xipc__tcp_adopt_listening(&made->socket, made->arrival.hEvent,
                                                      xipc__win32_handle(handle))
                          : join_pipe(made, address, pool);
    if (rv == APR_SUCCESS)
        *endpoint = made;
    else
        CloseHandle(made->arrival.hEvent);
    return rv;
}

xipc__handle_t xipc__port_endpoint_sentinel(const xipc__endpoint_t *endpoint)
{
    return xipc__win32_opaque(endpoint->arrival.hEvent);
}

/* Put one end of a new pipe into the client's table and tell it; the other is ours. */
static apr_status_t welcome(HANDLE *own, ULONG *pid, HANDLE instance)
{
    if (!GetNamedPipeClientProcessId(instance, pid)) return xipc__win32_error();
    HANDLE client = OpenProcess(PROCESS_DUP_HANDLE, FALSE, *pid);
    if (client == NULL) return xipc__win32_error();
    HANDLE theirs, there;
    apr_status_t rv = xipc__win32_pipe_pair(own, &theirs, 1);
    if (rv == APR_SUCCESS) {
        BOOL ok = DuplicateHandle(GetCurrentProcess(), theirs, client, &there, 0, FALSE,
                                  DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE);
        rv = ok ? APR_SUCCESS : xipc__win32_error();
        if (!ok) CloseHandle(*own);
    }
    CloseHandle(client);
    if (rv != APR_SUCCESS) return rv;

    /* the instance's buffer is empty and large enough, so this does not wait */
    welcome_t said = {(apr_uint64_t)(uintptr_t)there};
    DWORD size;
    OVERLAPPED writing = {0};
    if (WriteFile(instance, &said, sizeof said, &size, &writing) ||
        (GetLastError() == ERROR_IO_PENDING &&
         GetOverlappedResult(instance, &writing, &size, TRUE)))
        return APR_SUCCESS;
    rv = xipc__win32_error();
    CloseHandle(*own); /* the other end is the client's, who is gone */
    return rv;
}

/* The client that has arrived, and an instance for the next. */
static apr_status_t take_client(HANDLE *own, ULONG *pid, xipc__endpoint_t *endpoint)
{
    HANDLE next;
    apr_status_t rv = make_instance(&next, endpoint->path, 0);
    if (rv != APR_SUCCESS) return rv;
    HANDLE arrived = endpoint->instance;
    endpoint->instance = next;
    ResetEvent(endpoint->arrival.hEvent);
    rv = invite(endpoint);
    apr_status_t welcomed = rv == APR_SUCCESS ? welcome(own, pid, arrived) : rv;
    CloseHandle(arrived); /* what was said can still be read */
    return welcomed;
}

static apr_status_t accept_tcp(xipc__stream_t **stream, const xipc__endpoint_t *endpoint,
                               apr_pool_t *pool)
{
    SOCKET accepted;
    apr_status_t rv = xipc__tcp_accept(&accepted, endpoint->socket, endpoint->arrival.hEvent);
    if (rv == APR_SUCCESS) *stream = xipc__win32_stream_make_tcp(accepted, pool);
    return rv;
}

apr_status_t xipc__port_accept(xipc__stream_t **stream, xipc__endpoint_t *endpoint,
                               apr_pool_t *pool)
{
    if (endpoint->path == NULL) return accept_tcp(stream, endpoint, pool);
    for (;;) {
        HANDLE own;
        ULONG pid;
        if (WaitForSingleObject(endpoint->arrival.hEvent, 0) != WAIT_OBJECT_0) return APR_TIMEUP;
        /* one that is gone already is nobody's business */
        if (take_client(&own, &pid, endpoint) != APR_SUCCESS) continue;
        apr_status_t rv = xipc__port_stream_adopt(stream, xipc__win32_opaque(own), pool);
        if (rv == APR_SUCCESS)
            (*stream)->peer = (pid_t)pid;
        else
            CloseHandle(own);
        return rv;
    }
}

/* ---- connecting ---- */

static apr_status_t read_welcome(welcome_t *said, HANDLE pipe, apr_time_t deadline)
{
    OVERLAPPED reading = {0};
    DWORD size = 0;
    reading.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (reading.hEvent == NULL) return xipc__win32_error();
    apr_status_t rv = APR_SUCCESS;
    if (!ReadFile(pipe, said, sizeof *said, &size, &reading)) {
        rv = xipc__win32_error();
        if (rv == xipc__win32_status(ERROR_IO_PENDING)) {
            int is_late = xipc__win32_wait(1, &reading.hEvent, FALSE, deadline) == WAIT_TIMEOUT;
            if (is_late) (void)CancelIoEx(pipe, &reading);
            rv = GetOverlappedResult(pipe, &reading, &size, TRUE) ? APR_SUCCESS
                                                                  : xipc__win32_error();
            if (rv != APR_SUCCESS && is_late) rv = APR_TIMEUP;
        }
    }
    CloseHandle(reading.hEvent);
    return rv == APR_SUCCESS && size != sizeof *said
               ? xipc__fail(XIPC_EPROTOCOL, "no listener of xipc's is there")
               : rv;
}

/* The number must be of a pipe which the listener made: a stranger could name anything of ours. */
static int is_from(HANDLE pipe, ULONG listener)
{
    ULONG maker;
    return xipc__win32_is_pipe(pipe) && GetNamedPipeServerProcessId(pipe, &maker) &&
           maker == listener;
}

static apr_status_t meet(xipc__stream_t **stream, HANDLE listener, apr_time_t deadline,
                         apr_pool_t *pool)
{
    ULONG pid;
    welcome_t said;
    apr_status_t rv = read_welcome(&said, listener, deadline);
    if (rv != APR_SUCCESS) return rv;
    HANDLE pipe = (HANDLE)(uintptr_t)said.handle;
    if (!GetNamedPipeServerProcessId(listener, &pid) || !is_from(pipe, pid))
        return xipc__fail(XIPC_EPROTOCOL, "no listener of xipc's is there");
    rv = xipc__port_stream_adopt(stream, xipc__win32_opaque(pipe), pool);
    if (rv == APR_SUCCESS) (*stream)->peer = (pid_t)pid;
    return rv;
}

static apr_status_t connect_pipe(xipc__stream_t **stream, int *is_absent,
                                 const xipc__address_t *address, apr_time_t deadline,
                                 apr_pool_t *pool)
{
    wchar_t *path;
    *is_absent = 0;
    apr_status_t rv = path_of(&path, address, pool);
    if (rv != APR_SUCCESS) return rv;
    HANDLE listener =
        CreateFileW(path, GENERIC_READ, 0, NULL, OPEN_EXISTING,
                    FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
    if (listener == INVALID_HANDLE_VALUE) {
        DWORD error = GetLastError();
        *is_absent = error == ERROR_FILE_NOT_FOUND || error == ERROR_PIPE_BUSY;
        return xipc__win32_status(error);
    }
    rv = meet(stream, listener, deadline, pool);
    CloseHandle(listener);
    return rv;
}

apr_status_t xipc__port_connect(xipc__stream_t **stream, int *is_absent,
                                const xipc__address_t *address, apr_time_t deadline,
                                apr_pool_t *pool)
{
    SOCKET connected;
    if (address->kind != XIPC__ADDRESS_TCP)
        return connect_pipe(stream, is_absent, address, deadline, pool);
    apr_status_t rv = xipc__tcp_connect(&connected, is_absent, address, deadline);
    if (rv == APR_SUCCESS) *stream = xipc__win32_stream_make_tcp(connected, pool);
    return rv;
}

/* ---- the other side ---- */

apr_status_t xipc__port_stream_peer(pid_t *pid, apr_int64_t *user, const xipc__stream_t *stream)
{
    if (stream->pipe == NULL) return xipc__fail(APR_ENOTIMPL, "the peer may be on another machine");
    if (stream->peer == -1)
        return xipc__fail(APR_ENOTIMPL, "this system tells of a pipe's maker, not of its user");
    *pid = stream->peer;
    *user = -1; /* it is no number here */
    return APR_SUCCESS;
}

int xipc__port_stream_carries_handles(const xipc__stream_t *stream)
{
    return stream->pipe != NULL;
}
