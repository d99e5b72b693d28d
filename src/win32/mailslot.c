/*
 * mailslot.c - mailslots as they are on Windows, and as they are under Wine.
 *
 * Up to version 8 Wine makes a mailslot of a pair of Unix datagram sockets. That system bounds what
 * is unread, and the writer who meets the bound blocks, where nothing can wake it. It also can't
 * count the messages; by that it is told from the others, which keep messages in memory.
 */
#include "win32/mailslot.h"

/* On Windows the messages take kernel memory. */
enum { MEMORY = 4 * 1024 * 1024, MEMORY_OVERHEAD = 128 };

/*
 * The send buffer of a socket: net.core.wmem_default is 212,992 bytes. A sixteenth is left for what
 * a kernel may add.
 */
enum {
    SOCKET_BUFFER = 212992 / 16 * 15,
    SOCKET_OVERHEAD = 320,
    SOCKET_HEAD = 256,
    SOCKET_PAGE = 4096,
    SOCKET_LINEAR = 16384
};

/* What Linux takes for a datagram, its "truesize": a power of two, or pages (measured on 6.18). */
static apr_size_t datagram_cost(apr_size_t size)
{
    apr_size_t needed = size + SOCKET_OVERHEAD;
    if (needed > SOCKET_LINEAR) return (needed / SOCKET_PAGE + 2) * SOCKET_PAGE;
    apr_size_t block = 512;
    while (block < needed) block *= 2;
    return block + SOCKET_HEAD;
}

apr_size_t xipc__mailslot_depth(apr_size_t size)
{
    return xipc__mailslot_counts() ? MEMORY / (size + MEMORY_OVERHEAD)
                                   : SOCKET_BUFFER / datagram_cost(size);
}

apr_status_t xipc__mailslot_create(HANDLE *reader, HANDLE *writer, apr_size_t message_max)
{
    xipc__win32_private_t only_me;
    wchar_t name[XIPC__WIN32_NAME_MAX];
    apr_status_t rv = xipc__win32_private(&only_me);
    if (rv == APR_SUCCESS) rv = xipc__win32_random_name(name, "\\\\.\\mailslot\\");
    if (rv != APR_SUCCESS) return rv;

    /* a read never waits: under Wine nothing could end it */
    HANDLE slot = CreateMailslotW(name, (DWORD)message_max, 0, &only_me.attributes);
    if (slot == INVALID_HANDLE_VALUE) return xipc__win32_error();
    HANDLE end = CreateFileW(name, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                             OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (end == INVALID_HANDLE_VALUE) {
        rv = xipc__win32_error();
        CloseHandle(slot);
        return rv;
    }
    *reader = slot;
    *writer = end;
    return APR_SUCCESS;
}

apr_status_t xipc__mailslot_look(DWORD *next, DWORD *count, HANDLE reader)
{
    return GetMailslotInfo(reader, NULL, next, count, NULL) ? APR_SUCCESS : xipc__win32_error();
}

/* ---- asking the system what it is ---- */

static int is_counting;
static INIT_ONCE asked = INIT_ONCE_STATIC_INIT;

/* Put in two, and see what is told. */
static BOOL CALLBACK ask(INIT_ONCE *once, void *parameter, void **context)
{
    (void)once;
    (void)parameter;
    (void)context;
    HANDLE reader, writer;
    if (xipc__mailslot_create(&reader, &writer, 1) != APR_SUCCESS) return FALSE;

    DWORD written, next, count = 0;
    BOOL ok = WriteFile(writer, "1", 1, &written, NULL) &&
              WriteFile(writer, "2", 1, &written, NULL) &&
              xipc__mailslot_look(&next, &count, reader) == APR_SUCCESS;
    is_counting = ok && count == 2;
    CloseHandle(writer);
    CloseHandle(reader);
    return ok;
}

int xipc__mailslot_counts(void)
{
    /* when it can't be found out now it is as with Wine's: right everywhere, with less room */
    return InitOnceExecuteOnce(&asked, ask, NULL, NULL) && is_counting;
}
