/*
 * port_stream.c - streams on named pipes.
 *
 * The pipe carries messages, not bytes: a write that is cancelled before the reader took it has
 * then sent nothing at all, where a byte pipe may have sent a part. One message is one piece of the
 * stream. One that is longer than data can be carries handles too: a number, of the bytes of data,
 * then a parcel, then the data. An empty message tells that no more comes. A reader always takes
 * whole messages, or looks without taking.
 */
#include "win32/stream.h"

#include "win32/handle_parcel.h"

#include <stdlib.h>
#include <string.h>
#include <winternl.h>

enum { DATA_MAX = XIPC__STREAM_CHUNK };
enum { PIECE_MAX = sizeof(apr_uint32_t) + XIPC__HANDLE_PARCEL_MAX + DATA_MAX };
enum { PIPE_ROOM = 4 * PIECE_MAX }; /* about as much as a socket of Linux holds */

/*
 * A piece with handles that finds the pipe full is tried again when the reader has taken something,
 * which is looked for that often, or after a while anyway.
 */
enum { LOOK_MS = 5, RETRY = APR_USEC_PER_SEC / 4 };

/* ---- pipes ---- */

/* The end that listens; in a simplex pipe it is the one that reads. */
static apr_status_t pipe_listen(HANDLE *pipe, const wchar_t *name, int duplex)
{
    xipc__win32_private_t only_me;
    apr_status_t rv = xipc__win32_private(&only_me);
    if (rv != APR_SUCCESS) return rv;

    DWORD access = duplex ? PIPE_ACCESS_DUPLEX : PIPE_ACCESS_INBOUND;
    DWORD mode = PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
    HANDLE end =
        CreateNamedPipeW(name, access | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE, mode,
                         1, PIPE_ROOM, PIPE_ROOM, 0, &only_me.attributes);
    if (end == INVALID_HANDLE_VALUE) return xipc__win32_error();
    *pipe = end;
    return APR_SUCCESS;
}

static apr_status_t pipe_connect(HANDLE *pipe, const wchar_t *name, int duplex)
{
    /* attributes, so that a process this end is passed to can ask whether it is a pipe */
    DWORD access = duplex ? GENERIC_READ | GENERIC_WRITE : GENERIC_WRITE | FILE_READ_ATTRIBUTES;
    HANDLE end =
        CreateFileW(name, access, 0, NULL, OPEN_EXISTING,
                    FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
    if (end == INVALID_HANDLE_VALUE) return xipc__win32_error();

    DWORD mode = PIPE_READMODE_MESSAGE;
    if (duplex && !SetNamedPipeHandleState(end, &mode, NULL, NULL)) {
        apr_status_t rv = xipc__win32_error();
        CloseHandle(end);
        return rv;
    }
    *pipe = end;
    return APR_SUCCESS;
}

apr_status_t xipc__win32_pipe_pair(HANDLE *first, HANDLE *second, int duplex)
{
    wchar_t name[XIPC__WIN32_NAME_MAX];
    apr_status_t rv = xipc__win32_random_name(name, "\\\\.\\pipe\\");
    if (rv != APR_SUCCESS) return rv;

    HANDLE listener = NULL, client = NULL;
    rv = pipe_listen(&listener, name, duplex);
    if (rv != APR_SUCCESS) return rv;
    /* connects at once: a new instance waits for its client, ConnectNamedPipe has nothing to do */
    rv = pipe_connect(&client, name, duplex);
    if (rv != APR_SUCCESS) {
        CloseHandle(listener);
        return rv;
    }
    *first = listener;
    *second = client;
    return APR_SUCCESS;
}

typedef NTSTATUS(NTAPI *query_file_t)(HANDLE, IO_STATUS_BLOCK *, void *, ULONG, int);

/* On a handle that is not overlapped a read would block, whatever its deadline. */
static int is_overlapped(HANDLE handle)
{
    enum { MODE_INFORMATION = 16, SYNCHRONOUS_ALERT = 0x10, SYNCHRONOUS_NONALERT = 0x20 };
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    query_file_t query =
        ntdll != NULL ? (query_file_t)(uintptr_t)GetProcAddress(ntdll, "NtQueryInformationFile")
                      : NULL;
    IO_STATUS_BLOCK status;
    ULONG mode = 0;
    if (query == NULL || query(handle, &status, &mode, sizeof mode, MODE_INFORMATION) < 0) return 0;
    return (mode & (SYNCHRONOUS_ALERT | SYNCHRONOUS_NONALERT)) == 0;
}

int xipc__win32_is_pipe(HANDLE handle)
{
    DWORD flags;
    return GetFileType(handle) == FILE_TYPE_PIPE && is_overlapped(handle) &&
           GetNamedPipeInfo(handle, &flags, NULL, NULL, NULL) && (flags & PIPE_TYPE_MESSAGE) != 0;
}

/* ---- making streams ---- */

apr_status_t xipc__win32_stream_make(xipc__stream_t **stream, HANDLE pipe, apr_pool_t *pool)
{
    xipc__stream_t *made = apr_pcalloc(pool, sizeof *made);
    made->pipe = pipe;
    made->peer = -1;
    made->reading.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    made->writing.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (made->reading.hEvent == NULL || made->writing.hEvent == NULL) {
        apr_status_t rv = xipc__win32_error();
        if (made->reading.hEvent != NULL) CloseHandle(made->reading.hEvent);
        return rv;
    }
    *stream = made;
    return APR_SUCCESS;
}

xipc__stream_t *xipc__win32_stream_make_tcp(SOCKET socket, apr_pool_t *pool)
{
    xipc__stream_t *made = apr_pcalloc(pool, sizeof *made);
    made->socket = socket;
    made->peer = -1;
    return made;
}

apr_status_t xipc__port_stream_pair(xipc__stream_t **first, xipc__stream_t **second, int duplex,
                                    apr_pool_t *pool)
{
    HANDLE reader, writer;
    apr_status_t rv = xipc__win32_pipe_pair(&reader, &writer, duplex);
    if (rv != APR_SUCCESS) return rv;

    xipc__stream_t *reading, *writing;
    rv = xipc__win32_stream_make(&reading, reader, pool);
    if (rv != APR_SUCCESS) goto close_reader;
    rv = xipc__win32_stream_make(&writing, writer, pool);
    if (rv != APR_SUCCESS) {
        xipc__port_stream_close(reading);
        goto close_writer;
    }
    xipc__readers_open(&reading->readers, reader);
    xipc__readers_open(&writing->readers, writer);
    *first = reading;
    *second = writing;
    return APR_SUCCESS;

close_reader:
    CloseHandle(reader);
close_writer:
    CloseHandle(writer);
    return rv;
}

/* ---- one operation ---- */

static apr_status_t box_make(unsigned char **box)
{
    if (*box == NULL) *box = malloc(PIECE_MAX);
    return *box != NULL ? APR_SUCCESS : APR_ENOMEM;
}

/* The result of an operation, cancelled at the deadline. One that ended in spite of that counts. */
static DWORD finish(DWORD *moved, HANDLE pipe, OVERLAPPED *operation, BOOL done,
                    apr_time_t deadline)
{
    DWORD error = done ? ERROR_SUCCESS : GetLastError();
    if (!done && error != ERROR_IO_PENDING && error != ERROR_MORE_DATA) return error;
    if (error == ERROR_IO_PENDING &&
        xipc__win32_wait(1, &operation->hEvent, FALSE, deadline) != WAIT_OBJECT_0)
        (void)CancelIoEx(pipe, operation);
    return GetOverlappedResult(pipe, operation, moved, TRUE) ? ERROR_SUCCESS : GetLastError();
}

static int is_gone(DWORD error)
{
    return error == ERROR_BROKEN_PIPE || error == ERROR_NO_DATA ||
           error == ERROR_PIPE_NOT_CONNECTED;
}

/* ---- writing ---- */

static apr_size_t append(unsigned char *to, apr_size_t room, xipc__span_t span)
{
    apr_size_t size = span.size < room ? span.size : room;
    if (size > 0) memcpy(to, span.data, size);
    return size;
}

static apr_size_t append_both(unsigned char *to, xipc__span_t head, xipc__span_t body)
{
    apr_size_t size = append(to, DATA_MAX, head);
    return size + append(to + size, DATA_MAX - size, body);
}

/* Send what stands in the outbox. */
static apr_status_t send_piece(xipc__stream_t *stream, apr_size_t size, apr_time_t deadline)
{
    BOOL done = WriteFile(stream->pipe, stream->outbox, (DWORD)size, NULL, &stream->writing);
    DWORD moved = 0;
    DWORD error = finish(&moved, stream->pipe, &stream->writing, done, deadline);
    if (error == ERROR_OPERATION_ABORTED) return APR_TIMEUP;
    return is_gone(error) ? APR_EPIPE : xipc__win32_status(error);
}

/* Send data with the parcel before it, if there is room now. */
static apr_status_t send_parcel(apr_size_t *written, xipc__stream_t *stream,
                                const xipc__handle_parcel_t *parcel, xipc__span_t head,
                                xipc__span_t body)
{
    unsigned char *piece = stream->outbox;
    unsigned char *data = piece + sizeof(apr_uint32_t) + parcel->size;
    apr_size_t size = append_both(data, head, body);
    apr_uint32_t number = (apr_uint32_t)size;
    memcpy(piece, &number, sizeof number);
    memcpy(piece + sizeof number, parcel->bytes, parcel->size);

    apr_size_t used = (apr_size_t)(data - piece) + size;
    if (used <= DATA_MAX) { /* not what earlier pieces or others' memory left here */
        memset(piece + used, 0, DATA_MAX + 1 - used);
        used = DATA_MAX + 1;
    }
    apr_status_t rv = send_piece(stream, used, 0);
    if (rv == APR_SUCCESS) *written = size;
    return rv;
}

static apr_status_t try_with_handles(apr_size_t *written, xipc__stream_t *stream, xipc__span_t head,
                                     xipc__span_t body, const xipc__handles_t *handles)
{
    xipc__handle_parcel_t parcel;
    HANDLE other = stream->child == NULL ? xipc__readers_open_other(&stream->readers) : NULL;
    apr_status_t rv =
        xipc__handle_parcel_pack(&parcel, handles, stream->child != NULL ? stream->child : other);
    if (rv == APR_SUCCESS) {
        rv = send_parcel(written, stream, &parcel, head, body);
        if (rv != APR_SUCCESS) xipc__handle_parcel_drop(&parcel);
    }
    if (other != NULL) CloseHandle(other);
    return rv;
}

/* Let the reader take something, up to the deadline; a little where it can't be seen. */
static void await_room(const xipc__stream_t *stream, apr_uint32_t counted, apr_time_t deadline)
{
    apr_time_t again = xipc__deadline(RETRY);
    if (deadline < again) again = deadline;
    do {
        int left = xipc__remaining_ms(again);
        Sleep((DWORD)(left < LOOK_MS ? left : LOOK_MS));
    } while (stream->readers.ends != NULL && xipc__remaining(again) > 0 &&
             xipc__readers_counted(&stream->readers) == counted);
}

/*
 * It does not wait with the handles packed: who is killed then leaves them in the reader's table.
 * So that this hardly ever happens the attempts are few, too.
 */
static apr_status_t write_with_handles(apr_size_t *written, xipc__stream_t *stream,
                                       xipc__span_t head, xipc__span_t body,
                                       const xipc__handles_t *handles, apr_time_t deadline)
{
    for (;;) {
        apr_uint32_t counted = xipc__readers_counted(&stream->readers);
        apr_status_t rv = try_with_handles(written, stream, head, body, handles);
        if (!APR_STATUS_IS_TIMEUP(rv) || xipc__remaining(deadline) == 0) return rv;
        await_room(stream, counted, deadline);
    }
}

apr_status_t xipc__port_stream_write(apr_size_t *written, xipc__stream_t *stream, xipc__span_t head,
                                     xipc__span_t body, const xipc__handles_t *handles,
                                     apr_time_t deadline)
{
    if (stream->is_shut) return APR_EPIPE;
    if (stream->pipe == NULL) return xipc__tcp_write(written, stream->socket, head, body, deadline);
    apr_status_t rv = box_make(&stream->outbox);
    if (rv != APR_SUCCESS) return rv;

    if (handles != NULL && handles->count > 0)
        return write_with_handles(written, stream, head, body, handles, deadline);
    apr_size_t size = append_both(stream->outbox, head, body);
    rv = send_piece(stream, size, deadline);
    if (rv == APR_SUCCESS) *written = size;
    return rv;
}

/* ---- reading ---- */

/* Receive a piece into the inbox. */
static apr_status_t receive_piece(DWORD *size, xipc__stream_t *stream, apr_time_t deadline)
{
    if (stream->is_ended) return APR_EOF;
    BOOL done = ReadFile(stream->pipe, stream->inbox, PIECE_MAX, NULL, &stream->reading);
    DWORD error = finish(size, stream->pipe, &stream->reading, done, deadline);
    if (error == ERROR_OPERATION_ABORTED) return APR_TIMEUP;
    if (error == ERROR_MORE_DATA)
        return xipc__fail(XIPC_EPROTOCOL, "a piece is over %d bytes", (int)PIECE_MAX);
    if (is_gone(error) || (error == ERROR_SUCCESS && *size == 0)) stream->is_ended = 1;
    xipc__readers_count(&stream->readers);
    return stream->is_ended ? APR_EOF : xipc__win32_status(error);
}

/* The data of the piece in the inbox; the handles before it are taken. */
static apr_status_t open_piece(xipc__span_t *data, const xipc__stream_t *stream, apr_size_t size,
                               xipc__handles_t *handles)
{
    const unsigned char *piece = stream->inbox;
    apr_uint32_t number = (apr_uint32_t)size;
    apr_size_t start = 0;
    if (size > DATA_MAX) {
        memcpy(&number, piece, sizeof number);
        apr_status_t rv = xipc__handle_parcel_unpack(&start, handles, piece + sizeof number,
                                                     size - sizeof number);
        if (rv != APR_SUCCESS) return rv;
        start += sizeof number;
    }
    *data = (xipc__span_t){piece + start, number};
    return APR_SUCCESS;
}

static void close_since(xipc__handles_t *handles, apr_size_t before)
{
    while (handles->count > before) xipc__port_handle_close(handles->items[--handles->count]);
}

apr_status_t xipc__port_stream_read(apr_size_t *got, xipc__stream_t *stream, void *buffer,
                                    apr_size_t capacity, xipc__handles_t *handles,
                                    apr_time_t deadline)
{
    DWORD size = 0;
    if (stream->pipe == NULL)
        return xipc__tcp_read(got, stream->socket, buffer, capacity, deadline);
    xipc__readers_announce(&stream->readers);
    apr_status_t rv = box_make(&stream->inbox);
    if (rv == APR_SUCCESS) rv = receive_piece(&size, stream, deadline);
    if (rv != APR_SUCCESS) return rv;

    xipc__span_t data;
    apr_size_t before = handles->count;
    rv = open_piece(&data, stream, size, handles);
    if (rv != APR_SUCCESS) return rv;
    const unsigned char *end = stream->inbox + size;
    apr_size_t most = (apr_size_t)(end - (const unsigned char *)data.data);
    if (data.size == 0 || data.size > most || data.size > capacity) {
        close_since(handles, before);
        return xipc__fail(XIPC_EPROTOCOL, "a piece of %lu bytes tells a size of %" APR_SIZE_T_FMT,
                          size, data.size);
    }
    memcpy(buffer, data.data, data.size);
    *got = data.size;
    return APR_SUCCESS;
}

/*
 * Take what nobody is going to receive, for the handles in it: they are in the table of a process.
 * Not more than what is there now, or a quick writer would keep us here.
 */
static void discard(xipc__stream_t *stream)
{
    DWORD left = 0, size;
    if (!xipc__win32_is_last(stream->pipe) ||
        !PeekNamedPipe(stream->pipe, NULL, 0, NULL, &left, NULL) || left <= DATA_MAX ||
        box_make(&stream->inbox) != APR_SUCCESS)
        return;
    while (left > 0 && receive_piece(&size, stream, 0) == APR_SUCCESS) {
        xipc__span_t data;
        xipc__handles_t handles;
        handles.count = 0;
        (void)open_piece(&data, stream, size, &handles);
        close_since(&handles, 0);
        left -= size < left ? size : left;
    }
}

/* ---- looking ---- */

/* The event only says that something may be there; what ends a look is that it is. */
static int look_tcp(const xipc__stream_t *stream, OVERLAPPED *look)
{
    look->Internal = (ULONG_PTR)STATUS_PENDING;
    xipc__tcp_watch(stream->socket, look->hEvent);
    if (!xipc__tcp_is_readable(stream->socket)) return 0;
    xipc__tcp_watch(stream->socket, NULL);
    return 1;
}

int xipc__win32_stream_look(xipc__stream_t *stream, OVERLAPPED *look)
{
    if (stream->pipe == NULL) return look_tcp(stream, look);
    if (stream->is_ended) return 1;
    /* without room for a byte it ends when there is a message, and takes nothing of it */
    unsigned char nothing;
    BOOL done = ReadFile(stream->pipe, &nothing, 0, NULL, look);
    /* a success is the empty message, which is taken by this */
    if (done) stream->is_ended = 1;
    return done || GetLastError() != ERROR_IO_PENDING;
}

int xipc__win32_stream_look_has_ended(const xipc__stream_t *stream, const OVERLAPPED *look)
{
    return xipc__win32_is_done(look) ||
           (stream->pipe == NULL && xipc__tcp_is_readable(stream->socket));
}

void xipc__win32_stream_look_cancel(const xipc__stream_t *stream, OVERLAPPED *look)
{
    if (stream->pipe != NULL)
        (void)CancelIoEx(stream->pipe, look);
    else
        look->Internal = 0;
}

int xipc__win32_stream_seen(xipc__stream_t *stream, OVERLAPPED *look)
{
    DWORD size;
    if (stream->pipe == NULL) {
        xipc__tcp_watch(stream->socket, NULL);
        return xipc__tcp_is_readable(stream->socket);
    }
    if (GetOverlappedResult(stream->pipe, look, &size, FALSE)) stream->is_ended = 1;
    /* other errors are for the next read to tell */
    return stream->is_ended || GetLastError() != ERROR_OPERATION_ABORTED;
}

/* ---- ending ---- */

void xipc__port_stream_shutdown(xipc__stream_t *stream)
{
    if (stream->is_shut) return;
    stream->is_shut = 1;
    if (stream->pipe == NULL) {
        (void)shutdown(stream->socket, SD_SEND);
        return;
    }
    /* it needs no room in the pipe, so it should never have to wait */
    BOOL done = WriteFile(stream->pipe, "", 0, NULL, &stream->writing);
    stream->is_shutting = !done && GetLastError() == ERROR_IO_PENDING;
}

void xipc__port_stream_close(xipc__stream_t *stream)
{
    if (stream->pipe == NULL) {
        (void)closesocket(stream->socket);
        return;
    }
    if (stream->is_shutting) {
        DWORD size;
        (void)CancelIoEx(stream->pipe, &stream->writing);
        /* until it has ended the system may write into our memory */
        (void)GetOverlappedResult(stream->pipe, &stream->writing, &size, TRUE);
    }
    discard(stream);
    CloseHandle(stream->pipe);
    xipc__readers_close(&stream->readers);
    if (stream->reading.hEvent != NULL) CloseHandle(stream->reading.hEvent);
    if (stream->writing.hEvent != NULL) CloseHandle(stream->writing.hEvent);
    if (stream->child != NULL) CloseHandle(stream->child);
    free(stream->inbox);
    free(stream->outbox);
}

xipc__handle_t xipc__port_stream_handle(const xipc__stream_t *stream)
{
    return xipc__win32_opaque(stream->pipe != NULL ? stream->pipe : (HANDLE)stream->socket);
}

static apr_status_t adopt_tcp(xipc__stream_t **stream, HANDLE handle, apr_pool_t *pool)
{
    SOCKET socket;
    if (xipc__tcp_adopt(&socket, handle) != APR_SUCCESS)
        return xipc__fail(XIPC_EPROTOCOL,
                          "a handle that came is neither a pipe of xipc's nor a socket");
    *stream = xipc__win32_stream_make_tcp(socket, pool);
    return APR_SUCCESS;
}

apr_status_t xipc__port_stream_adopt(xipc__stream_t **stream, xipc__handle_t handle,
                                     apr_pool_t *pool)
{
    HANDLE pipe = xipc__win32_handle(handle);
    if (!xipc__win32_is_pipe(pipe)) return adopt_tcp(stream, pipe, pool);
    apr_status_t rv = xipc__win32_stream_make(stream, pipe, pool);
    if (rv == APR_SUCCESS) xipc__readers_open(&(*stream)->readers, pipe);
    return rv;
}
