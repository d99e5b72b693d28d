/*
 * sockets.h - the floor of connections: messages with a length of 4 bytes before them on a blocking
 * socket, as lean as they can be. One call sends one; one call receives as many as are there.
 */
#ifndef BENCH_SOCKETS_H
#define BENCH_SOCKETS_H

#include <stddef.h>

enum { SOCKET_AHEAD = 65536 };

typedef struct {
    int fd;
    size_t at;
    size_t size; /* bytes read ahead */
    unsigned char ahead[SOCKET_AHEAD];
} socket_t;

/* Returns 0 when the other side is gone. */
int socket_send(int fd, const void *data, size_t size);
int socket_receive(socket_t *from, void *data, size_t *size);

/* One byte with a descriptor. */
int socket_send_handle(int fd, int handle);
int socket_receive_handle(int fd);

#endif
