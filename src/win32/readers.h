/*
 * readers.h - which process reads from which end of a pipe.
 *
 * Windows keeps no handle that is on its way: it must be in the table of some process. The best one
 * is the receiver's: it is there when the sender has ended, and gone when the receiver has. So who
 * reads from an end says so in a page of memory that both ends of the pipe share. What stands there
 * is a hint, and may be anything: who uses it finds that process, or none.
 */
#ifndef XIPC_WIN32_READERS_H
#define XIPC_WIN32_READERS_H

#include "win32/win32.h"

/* Who said last that it reads from an end. */
typedef struct {
    volatile apr_uint64_t born;
    volatile apr_uint32_t pid;   /* 0: nobody did */
    volatile apr_uint32_t taken; /* pieces read from this end, by whomever */
} xipc__reader_t;

/* Of a pipe; all zero where nobody can be told. */
typedef struct {
    HANDLE section;
    xipc__reader_t *ends; /* of the pipe: two */
    int own;              /* which of them is this one */
} xipc__readers_t;

/* Find or make the page of a pipe, and say that this process reads from this end. */
void xipc__readers_open(xipc__readers_t *readers, HANDLE pipe);

/* Say it again, in case another process had this end meanwhile. */
void xipc__readers_announce(const xipc__readers_t *readers);

/* A piece was read from this end. How many were from the other: it changes when there is room. */
void xipc__readers_count(const xipc__readers_t *readers);
apr_uint32_t xipc__readers_counted(const xipc__readers_t *readers);

/* Open the process that reads from the other end; NULL when that is not known. */
HANDLE xipc__readers_open_other(const xipc__readers_t *readers);

void xipc__readers_close(xipc__readers_t *readers);

#endif
