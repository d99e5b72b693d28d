/*
 * stream.h - the inside of a stream, for those who start processes on it or wait for it.
 */
#ifndef XIPC_WIN32_STREAM_H
#define XIPC_WIN32_STREAM_H

#include "win32/readers.h"
#include "win32/tcp.h"
#include "win32/win32.h"

struct xipc__stream_t {
    HANDLE pipe;        /* NULL with a socket */
    SOCKET socket;      /* of TCP; the rest is for pipes then */
    OVERLAPPED reading; /* their events live as long as the stream */
    OVERLAPPED writing;
    /* One piece each, made when needed. A sender and a receiver may be at work at once, and a pool
       can't serve both: they are malloc's. */
    unsigned char *inbox;
    unsigned char *outbox;
    xipc__readers_t readers;
    pid_t peer;      /* who is at the other end of what a listener or a client got; otherwise -1 */
    HANDLE child;    /* the parent's end of a boot stream: who reads the other; otherwise NULL */
    int is_ended;    /* the writer said that no more comes, or is gone */
    int is_shut;     /* this end said so */
    int is_shutting; /* and that is still under way, in `writing` */
};

/* The stream of a pipe end, which it owns from now on. */
apr_status_t xipc__win32_stream_make(xipc__stream_t **stream, HANDLE pipe, apr_pool_t *pool);

/* The stream of a socket of TCP, the same. */
xipc__stream_t *xipc__win32_stream_make_tcp(SOCKET socket, apr_pool_t *pool);

/* Two connected ends of a new pipe. */
apr_status_t xipc__win32_pipe_pair(HANDLE *first, HANDLE *second, int duplex);

/* Is it a pipe as xipc__win32_pipe_pair makes them? */
int xipc__win32_is_pipe(HANDLE handle);

/*
 * Look whether there is something to read, without taking anything. 1: there is. 0: the look goes
 * on in `look`, whose event is set when it has ended, by itself or by _cancel; after that _seen
 * tells whether there is.
 */
int xipc__win32_stream_look(xipc__stream_t *stream, OVERLAPPED *look);
int xipc__win32_stream_look_has_ended(const xipc__stream_t *stream, const OVERLAPPED *look);
void xipc__win32_stream_look_cancel(const xipc__stream_t *stream, OVERLAPPED *look);
int xipc__win32_stream_seen(xipc__stream_t *stream, OVERLAPPED *look);

#endif
