/*
 * port_program.c - other programs: their command lines, and plain pipes to their standard streams.
 */
#include "core/program.h"
#include "win32/launch.h"

#include <apr_strings.h>

#include <stdio.h>
#include <string.h>

/* ---- the command line ---- */

static int wants_quotes(const char *word)
{
    return *word == '\0' || strpbrk(word, " \t\n\v\"") != NULL;
}

/*
 * A word as the C library takes it apart: backslashes count double before a quote, the closing one
 * too. `to` has room for it.
 */
static char *quote(char *to, const char *word)
{
    if (!wants_quotes(word)) return apr_cpystrn(to, word, strlen(word) + 1);
    apr_size_t backslashes = 0;
    *to++ = '"';
    for (; *word != '\0'; word++) {
        if (*word == '"')
            for (backslashes++; backslashes > 0; backslashes--) *to++ = '\\';
        backslashes = *word == '\\' ? backslashes + 1 : 0;
        *to++ = *word;
    }
    for (; backslashes > 0; backslashes--) *to++ = '\\';
    *to++ = '"';
    *to = '\0';
    return to;
}

static apr_status_t command_line(wchar_t **command, const char *const *argv, apr_pool_t *pool)
{
    apr_size_t room = 1;
    for (const char *const *word = argv; *word != NULL; word++) room += 2 * strlen(*word) + 3;
    char *line = apr_palloc(pool, room);
    char *end = quote(line, argv[0]);
    for (const char *const *word = argv + 1; *word != NULL; word++) {
        *end++ = ' ';
        end = quote(end, *word);
    }
    return xipc__win32_wide(command, line, pool);
}

/* ---- the file ---- */

static int ends_with(const wchar_t *path, const wchar_t *suffix)
{
    apr_size_t length = wcslen(path);
    apr_size_t size = wcslen(suffix);
    return length >= size && _wcsicmp(path + length - size, suffix) == 0;
}

static int is_absolute(const wchar_t *directory, apr_size_t length)
{
    return length >= 3 &&
           (directory[1] == L':' || wcsncmp(directory, L"\\\\", 2) == 0); /* not the current one */
}

/* The directories of PATH that are the same from everywhere, each with a semicolon before it. */
static const wchar_t *search_list(apr_pool_t *pool)
{
    DWORD size = GetEnvironmentVariableW(L"PATH", NULL, 0);
    wchar_t *all = apr_pcalloc(pool, (size + 1) * sizeof *all);
    wchar_t *list = apr_pcalloc(pool, (size + 2) * sizeof *list);
    apr_size_t end = 0;
    if (GetEnvironmentVariableW(L"PATH", all, size) >= size) return list;
    for (const wchar_t *entry = all; *entry != L'\0';) {
        apr_size_t length = wcscspn(entry, L";");
        if (is_absolute(entry, length)) {
            list[end++] = L';';
            memcpy(list + end, entry, length * sizeof *entry);
            end += length;
        }
        entry += length + (entry[length] == L';');
    }
    return list;
}

/*
 * A name without a directory is looked for along PATH alone. The system would look first where this
 * program lies and in the current directory, where anybody may have put something of that name.
 */
static apr_status_t find_program(wchar_t **path, const char *name, apr_pool_t *pool)
{
    wchar_t *wide;
    if (strpbrk(name, "/\\:") != NULL) return xipc__launch_path(path, name, pool);
    apr_status_t rv = xipc__win32_wide(&wide, name, pool);
    if (rv != APR_SUCCESS) return rv;
    const wchar_t *list = search_list(pool);
    DWORD size = *list == L'\0' ? 0 : SearchPathW(list, wide, L".exe", 0, NULL, NULL);
    if (size == 0) return APR_FROM_OS_ERROR(ERROR_FILE_NOT_FOUND);
    *path = apr_palloc(pool, size * sizeof **path);
    DWORD length = SearchPathW(list, wide, L".exe", size, *path, NULL);
    return length > 0 && length < size ? APR_SUCCESS : APR_ENAMETOOLONG;
}

static apr_status_t choose_program(wchar_t **path, const char *name, apr_pool_t *pool)
{
    apr_status_t rv = find_program(path, name, pool);
    if (rv != APR_SUCCESS) return xipc__fail(rv, "%.200s", name);
    /* cmd.exe would take the arguments apart by rules of its own */
    if (ends_with(*path, L".bat") || ends_with(*path, L".cmd"))
        return xipc__fail(APR_EINVAL, "%.200s is a batch file, no program", name);
    return APR_SUCCESS;
}

/* ---- the environment ---- */

static int is_for_handles(const wchar_t *entry)
{
    static const wchar_t name[] = L"" XIPC__HANDLES_VARIABLE "=";
    return _wcsnicmp(entry, name, wcslen(name)) == 0;
}

/* Entries one behind the other, an empty one at the end. */
static void append_entry(wchar_t **block, apr_size_t *size, const wchar_t *entry, apr_pool_t *pool)
{
    apr_size_t length = wcslen(entry) + 1;
    wchar_t *longer = apr_palloc(pool, (*size + length + 1) * sizeof *longer);
    if (*size > 0) memcpy(longer, *block, *size * sizeof *longer);
    memcpy(longer + *size, entry, length * sizeof *longer);
    *size += length;
    longer[*size] = L'\0';
    *block = longer;
}

static apr_status_t append_given(wchar_t **block, apr_size_t *size, const char *const *environment,
                                 apr_pool_t *pool)
{
    for (; *environment != NULL; environment++) {
        wchar_t *entry;
        apr_status_t rv = xipc__win32_wide(&entry, *environment, pool);
        if (rv != APR_SUCCESS) return rv;
        if (!is_for_handles(entry)) append_entry(block, size, entry, pool);
    }
    return APR_SUCCESS;
}

static apr_status_t append_own(wchar_t **block, apr_size_t *size, apr_pool_t *pool)
{
    wchar_t *own = GetEnvironmentStringsW();
    if (own == NULL) return xipc__win32_error();
    for (const wchar_t *entry = own; *entry != L'\0'; entry += wcslen(entry) + 1)
        if (!is_for_handles(entry)) append_entry(block, size, entry, pool);
    FreeEnvironmentStringsW(own);
    return APR_SUCCESS;
}

/* The handles are inherited, and their numbers in an entry of the environment. */
static apr_status_t append_handles(wchar_t **block, apr_size_t *size, xipc__launch_t *launch,
                                   const xipc__command_t *command, apr_pool_t *pool)
{
    char *text = apr_pstrdup(pool, XIPC__HANDLES_VARIABLE);
    for (apr_size_t i = 0; i < command->handle_count; i++) {
        HANDLE copy;
        apr_status_t rv =
            xipc__launch_inherit(&copy, launch, xipc__win32_handle(command->handles[i]));
        if (rv != APR_SUCCESS) return rv;
        text = apr_psprintf(pool, "%s%c%lu%s", text, i == 0 ? '=' : ',', HandleToULong(copy),
                            command->marks[i]);
    }
    wchar_t *entry;
    apr_status_t rv = xipc__win32_wide(&entry, text, pool);
    if (rv == APR_SUCCESS) append_entry(block, size, entry, pool);
    return rv;
}

static apr_status_t make_environment(xipc__launch_t *launch, const xipc__command_t *command,
                                     apr_pool_t *pool)
{
    wchar_t *block = L"\0";
    apr_size_t size = 0;
    if (command->environment == NULL && command->handle_count == 0) return APR_SUCCESS;
    apr_status_t rv = command->environment != NULL
                          ? append_given(&block, &size, command->environment, pool)
                          : append_own(&block, &size, pool);
    if (rv == APR_SUCCESS && command->handle_count > 0)
        rv = append_handles(&block, &size, launch, command, pool);
    launch->environment = block;
    return rv;
}

/* ---- the start ---- */

static apr_status_t prepare(xipc__launch_t *launch, const xipc__command_t *command,
                            apr_pool_t *pool)
{
    HANDLE streams[XIPC__STANDARD_STREAMS];
    for (int i = 0; i < XIPC__STANDARD_STREAMS; i++)
        streams[i] =
            command->streams[i] == XIPC__NO_HANDLE ? NULL : xipc__win32_handle(command->streams[i]);
    apr_status_t rv = choose_program(&launch->program, command->argv[0], pool);
    if (rv == APR_SUCCESS) rv = command_line(&launch->command, command->argv, pool);
    if (rv == APR_SUCCESS && command->directory != NULL)
        rv = xipc__win32_wide(&launch->directory, command->directory, pool);
    if (rv == APR_SUCCESS) rv = xipc__launch_streams(launch, streams);
    return rv == APR_SUCCESS ? make_environment(launch, command, pool) : rv;
}

apr_status_t xipc__port_program_start(xipc__child_t **child, const xipc__command_t *command,
                                      apr_pool_t *pool)
{
    apr_pool_t *scratch;
    xipc__launch_t launch = {.bonds = command->bonds};
    apr_status_t rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = prepare(&launch, command, scratch);
    if (rv == APR_SUCCESS) {
        rv = xipc__launch_run(child, &launch, NULL, scratch, pool);
        if (rv != APR_SUCCESS) rv = xipc__program_fail(rv, command);
    }
    xipc__launch_clean(&launch);
    apr_pool_destroy(scratch);
    return rv;
}

/* ---- files ---- */

xipc__handle_t xipc__port_stdout(void)
{
    return xipc__win32_opaque(GetStdHandle(STD_OUTPUT_HANDLE));
}

apr_status_t xipc__port_file_open(xipc__handle_t *file, const char *path, xipc__file_e how,
                                  apr_pool_t *pool)
{
    static const DWORD access[] = {[XIPC__FILE_READ] = GENERIC_READ,
                                   [XIPC__FILE_WRITE] = GENERIC_WRITE,
                                   [XIPC__FILE_APPEND] = FILE_APPEND_DATA | SYNCHRONIZE};
    static const DWORD creation[] = {[XIPC__FILE_READ] = OPEN_EXISTING,
                                     [XIPC__FILE_WRITE] = CREATE_ALWAYS,
                                     [XIPC__FILE_APPEND] = OPEN_ALWAYS};
    wchar_t *wide = L"NUL";
    apr_status_t rv = path != NULL ? xipc__win32_wide(&wide, path, pool) : APR_SUCCESS;
    if (rv != APR_SUCCESS) return rv;
    HANDLE made =
        CreateFileW(wide, access[how], FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                    path != NULL ? creation[how] : OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (made == INVALID_HANDLE_VALUE)
        return xipc__fail(xipc__win32_error(), "%.200s", path != NULL ? path : "NUL");
    *file = xipc__win32_opaque(made);
    return APR_SUCCESS;
}

/* ---- pipes ---- */

enum { BOX_SIZE = 65536 };

/*
 * An operation goes on in the box while nobody waits for it, so that a deadline cancels nothing:
 * what is read stands there until it is taken, what is written until the pipe has room.
 */
struct xipc__pipe_t {
    HANDLE handle;
    OVERLAPPED operation; /* its event is set when it has ended */
    int is_written;
    int is_under_way;
    int is_gone;     /* the other end is */
    DWORD at, ready; /* what was read and not taken */
    unsigned char box[BOX_SIZE];
};

/* Our end is overlapped, the program's is not: it expects to be made to wait. */
static apr_status_t make_ends(HANDLE *own, HANDLE *there, int is_written)
{
    wchar_t name[XIPC__WIN32_NAME_MAX];
    xipc__win32_private_t only_me;
    apr_status_t rv = xipc__win32_random_name(name, "\\\\.\\pipe\\");
    if (rv == APR_SUCCESS) rv = xipc__win32_private(&only_me);
    if (rv != APR_SUCCESS) return rv;
    DWORD access = is_written ? PIPE_ACCESS_OUTBOUND : PIPE_ACCESS_INBOUND;
    *own = CreateNamedPipeW(name, access | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                            PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, BOX_SIZE,
                            BOX_SIZE, 0, &only_me.attributes);
    if (*own == INVALID_HANDLE_VALUE) return xipc__win32_error();
    *there = CreateFileW(name,
                         is_written ? GENERIC_READ | FILE_WRITE_ATTRIBUTES
                                    : GENERIC_WRITE | FILE_READ_ATTRIBUTES,
                         0, NULL, OPEN_EXISTING, SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, NULL);
    if (*there != INVALID_HANDLE_VALUE) return APR_SUCCESS;
    rv = xipc__win32_error();
    CloseHandle(*own);
    return rv;
}

/* Begin to read, so that the event tells when something is there. */
static void begin_read(xipc__pipe_t *pipe)
{
    BOOL done = ReadFile(pipe->handle, pipe->box, BOX_SIZE, NULL, &pipe->operation);
    pipe->is_under_way = done || GetLastError() == ERROR_IO_PENDING;
    if (pipe->is_under_way) return;
    pipe->is_gone = 1;
    SetEvent(pipe->operation.hEvent);
}

apr_status_t xipc__port_pipe_open(xipc__pipe_t **pipe, xipc__handle_t *there, int is_written,
                                  apr_pool_t *pool)
{
    HANDLE other;
    xipc__pipe_t *made = apr_pcalloc(pool, sizeof *made);
    made->is_written = is_written;
    made->operation.hEvent = CreateEventW(NULL, TRUE, is_written, NULL);
    if (made->operation.hEvent == NULL) return xipc__win32_error();
    apr_status_t rv = make_ends(&made->handle, &other, is_written);
    if (rv != APR_SUCCESS) {
        CloseHandle(made->operation.hEvent);
        return rv;
    }
    if (!is_written) begin_read(made);
    *pipe = made;
    *there = xipc__win32_opaque(other);
    return APR_SUCCESS;
}

/* The end of what is under way. APR_TIMEUP: it goes on. */
static apr_status_t finish(xipc__pipe_t *pipe, apr_time_t deadline)
{
    if (!pipe->is_under_way) return APR_SUCCESS;
    if (xipc__win32_wait(1, &pipe->operation.hEvent, FALSE, deadline) != WAIT_OBJECT_0)
        return APR_TIMEUP;
    DWORD moved = 0;
    pipe->is_under_way = 0;
    if (!GetOverlappedResult(pipe->handle, &pipe->operation, &moved, TRUE)) pipe->is_gone = 1;
    if (!pipe->is_written) pipe->at = 0, pipe->ready = moved;
    return APR_SUCCESS;
}

apr_status_t xipc__port_pipe_write(apr_size_t *written, xipc__pipe_t *pipe, xipc__span_t data,
                                   apr_time_t deadline)
{
    apr_status_t rv = finish(pipe, deadline);
    if (rv != APR_SUCCESS) return rv;
    if (pipe->is_gone) return APR_EPIPE;
    DWORD size = data.size < BOX_SIZE ? (DWORD)data.size : BOX_SIZE;
    memcpy(pipe->box, data.data, size);
    BOOL done = WriteFile(pipe->handle, pipe->box, size, NULL, &pipe->operation);
    pipe->is_under_way = done || GetLastError() == ERROR_IO_PENDING;
    if (!pipe->is_under_way) {
        pipe->is_gone = 1;
        SetEvent(pipe->operation.hEvent);
        return APR_EPIPE;
    }
    *written = size;
    return APR_SUCCESS;
}

apr_status_t xipc__port_pipe_read(apr_size_t *got, xipc__pipe_t *pipe, void *buffer,
                                  apr_size_t capacity, apr_time_t deadline)
{
    while (pipe->at == pipe->ready) {
        apr_status_t rv = finish(pipe, deadline);
        if (rv != APR_SUCCESS) return rv;
        if (pipe->at < pipe->ready) break;
        if (pipe->is_gone) return APR_EOF;
        begin_read(pipe); /* a program may write nothing at all, which is not the end */
    }
    apr_size_t left = pipe->ready - pipe->at;
    *got = capacity < left ? capacity : left;
    memcpy(buffer, pipe->box + pipe->at, *got);
    pipe->at += (DWORD)*got;
    if (pipe->at == pipe->ready && !pipe->is_gone) begin_read(pipe);
    return APR_SUCCESS;
}

apr_status_t xipc__port_pipe_flush(xipc__pipe_t *pipe, apr_time_t deadline)
{
    return finish(pipe, deadline);
}

void xipc__port_pipe_close(xipc__pipe_t *pipe)
{
    if (pipe->is_under_way) {
        DWORD moved;
        if (finish(pipe, 0) != APR_SUCCESS) (void)CancelIoEx(pipe->handle, &pipe->operation);
        /* until it has ended the system may use our memory */
        if (pipe->is_under_way)
            (void)GetOverlappedResult(pipe->handle, &pipe->operation, &moved, TRUE);
        pipe->is_under_way = 0;
    }
    CloseHandle(pipe->handle);
    CloseHandle(pipe->operation.hEvent);
}

xipc__waitable_t xipc__port_pipe_watch(const xipc__pipe_t *pipe)
{
    return (xipc__waitable_t){.handle = xipc__win32_opaque(pipe->operation.hEvent)};
}
