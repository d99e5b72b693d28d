/*
 * room.c - memory for a message that is received.
 */
#include "core/room.h"

void *xipc__room_get(const xipc__room_t *room, apr_size_t size)
{
    if (room->pool == NULL)
        return size <= room->capacity ? (room->buffer != NULL ? room->buffer : (void *)"") : NULL;
    char *memory = apr_palloc(room->pool, size + 1);
    if (memory != NULL) memory[size] = '\0';
    return memory;
}
