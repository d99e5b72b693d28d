/*
 * mailslot.h - what the kernel queue needs to know of mailslots.
 */
#ifndef XIPC_WIN32_MAILSLOT_H
#define XIPC_WIN32_MAILSLOT_H

#include "win32/win32.h"

/* Bytes of the largest message. Windows has larger ones, but Wine tells a wrong size for them. */
enum { XIPC__MAILSLOT_MESSAGE_MAX = 65536 };

/* How many messages of `size` bytes a mailslot bears before a writer would block or be refused. */
apr_size_t xipc__mailslot_depth(apr_size_t size);

/* A new mailslot with a name nobody knows: the end that reads, and one that writes. */
apr_status_t xipc__mailslot_create(HANDLE *reader, HANDLE *writer, apr_size_t message_max);

/*
 * The size of the next message, MAILSLOT_NO_MESSAGE when there is none, and how many there are.
 * *count is right only where xipc__mailslot_counts(); elsewhere it only tells 0 from more.
 */
apr_status_t xipc__mailslot_look(DWORD *next, DWORD *count, HANDLE reader);
int xipc__mailslot_counts(void);

#endif
