/*
 * port_stream.c - streams on named pipes.
 *
 * The pipe carries messages, not bytes: a write that is cancelled before the reader took it has then sent nothing at
 * all, where a byte pipe may have sent a part. One message is one piece: a tag, with TAG_HANDLES a parcel, then data.
 * An empty message tells that no more comes. A reader always takes whole messages, or looks without taking.
 */
#include "win32/win32.h"

#include <stdlib.h>
#include <string.h>
#include <winternl.h>

enum { TAG_DATA = 0xD1, TAG_HANDLES = 0xD2 };
enum { PIECE_MAX = 1 + XIPC__WIN32_PARCEL_MAX + XIPC__STREAM_CHUNK };

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
                         1, PIECE_MAX, PIECE_MAX, 0, &only_me.attributes);
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
    /* connects at once: an instance that was just made waits for its client, ConnectNamedPipe has nothing to do */
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
    *first = reading;
    *second = writing;
    return APR_SUCCESS;

close_reader:
    CloseHandle(reader);
close_writer:
    CloseHandle(writer);
    return rv;
}

/* ---- reading and writing ---- */

static apr_status_t box_make(unsigned char **box)
{
    if (*box == NULL) *box = malloc(PIECE_MAX);
    return *box != NULL ? APR_SUCCESS : APR_ENOMEM;
}

/* The result of an operation that was begun, cancelled at the deadline. One that ended in spite of that counts. */
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

static apr_size_t append(unsigned char *to, apr_size_t room, xipc__span_t span)
{
    apr_size_t size = span.size < room ? span.size : room;
    if (size > 0) memcpy(to, span.data, size);
    return size;
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

apr_status_t xipc__port_stream_write(apr_size_t *written, xipc__stream_t *stream, xipc__span_t head,
                                     xipc__span_t body, const xipc__handles_t *handles,
                                     apr_time_t deadline)
{
    if (stream->is_shut) return APR_EPIPE;
    apr_status_t rv = box_make(&stream->outbox);
    if (rv != APR_SUCCESS) return rv;

    unsigned char *piece = stream->outbox;
    int has_handles = handles != NULL && handles->count > 0;
    apr_size_t used = 0;
    piece[0] = has_handles ? TAG_HANDLES : TAG_DATA;
    if (has_handles) rv = xipc__win32_parcel_pack(&used, piece + 1, handles, stream->child);
    if (rv != APR_SUCCESS) return rv;

    unsigned char *data = piece + 1 + used;
    apr_size_t size = append(data, XIPC__STREAM_CHUNK, head);
    size += append(data + size, XIPC__STREAM_CHUNK - size, body);
    rv = send_piece(stream, 1 + used + size, deadline);
    if (rv == APR_SUCCESS)
        *written = size;
    else if (has_handles)
        xipc__win32_parcel_drop(piece + 1, stream->child);
    return rv;
}

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
    return stream->is_ended ? APR_EOF : xipc__win32_status(error);
}

/* Where the data of the piece in the inbox begins; the handles before it are taken. */
static apr_status_t open_piece(apr_size_t *start, xipc__stream_t *stream, apr_size_t size,
                               xipc__handles_t *handles)
{
    const unsigned char *piece = stream->inbox;
    apr_size_t used = 0;
    apr_status_t rv = APR_SUCCESS;
    if (piece[0] == TAG_HANDLES)
        rv = xipc__win32_parcel_unpack(&used, handles, piece + 1, size - 1, stream->is_boot);
    else if (piece[0] != TAG_DATA)
        rv = xipc__fail(XIPC_EPROTOCOL, "a piece begins with the byte %d", piece[0]);
    if (rv == APR_SUCCESS) *start = 1 + used;
    return rv;
}

apr_status_t xipc__port_stream_read(apr_size_t *got, xipc__stream_t *stream, void *buffer,
                                    apr_size_t capacity, xipc__handles_t *handles,
                                    apr_time_t deadline)
{
    apr_status_t rv = box_make(&stream->inbox);
    DWORD size = 0;
    if (rv == APR_SUCCESS) rv = receive_piece(&size, stream, deadline);
    if (rv != APR_SUCCESS) return rv;

    apr_size_t before = handles->count, start;
    rv = open_piece(&start, stream, size, handles);
    if (rv != APR_SUCCESS) return rv;
    apr_size_t data = size - start;
    if (data == 0 || data > capacity) {
        while (handles->count > before) xipc__port_handle_close(handles->items[--handles->count]);
        return xipc__fail(XIPC_EPROTOCOL,
                          "a piece has %" APR_SIZE_T_FMT " bytes, at most %" APR_SIZE_T_FMT
                          " can be",
                          data, capacity);
    }
    memcpy(buffer, stream->inbox + start, data);
    *got = data;
    return APR_SUCCESS;
}

int xipc__win32_stream_look(xipc__stream_t *stream, OVERLAPPED *look)
{
    if (stream->is_ended) return 1;
    /* without room for a byte it ends when there is a message, and takes nothing of it */
    unsigned char nothing;
    BOOL done = ReadFile(stream->pipe, &nothing, 0, NULL, look);
    /* a success is the empty message, which is taken by this */
    if (done) stream->is_ended = 1;
    return done || GetLastError() != ERROR_IO_PENDING;
}

int xipc__win32_stream_seen(xipc__stream_t *stream, OVERLAPPED *look)
{
    DWORD size;
    if (GetOverlappedResult(stream->pipe, look, &size, FALSE)) stream->is_ended = 1;
    /* other errors are for the next read to tell */
    return stream->is_ended || GetLastError() != ERROR_OPERATION_ABORTED;
}

/* ---- ending ---- */

void xipc__port_stream_shutdown(xipc__stream_t *stream)
{
    if (stream->is_shut) return;
    stream->is_shut = 1;
    /* it needs no room in the pipe, so it should never have to wait */
    BOOL done = WriteFile(stream->pipe, "", 0, NULL, &stream->writing);
    stream->is_shutting = !done && GetLastError() == ERROR_IO_PENDING;
}

void xipc__port_stream_close(xipc__stream_t *stream)
{
    if (stream->is_shutting) {
        DWORD size;
        (void)CancelIoEx(stream->pipe, &stream->writing);
        /* until it has ended the system may write into our memory */
        (void)GetOverlappedResult(stream->pipe, &stream->writing, &size, TRUE);
    }
    CloseHandle(stream->pipe);
    if (stream->reading.hEvent != NULL) CloseHandle(stream->reading.hEvent);
    if (stream->writing.hEvent != NULL) CloseHandle(stream->writing.hEvent);
    if (stream->child != NULL) CloseHandle(stream->child);
    free(stream->inbox);
    free(stream->outbox);
}

xipc__handle_t xipc__port_stream_handle(const xipc__stream_t *stream)
{
    return xipc__win32_opaque(stream->pipe);
}

apr_status_t xipc__port_stream_adopt(xipc__stream_t **stream, xipc__handle_t handle,
                                     apr_pool_t *pool)
{
    HANDLE pipe = xipc__win32_handle(handle);
    if (!xipc__win32_is_pipe(pipe))
        return xipc__fail(XIPC_EPROTOCOL, "a handle that came is no pipe of xipc's");
    return xipc__win32_stream_make(stream, pipe, pool);
}
