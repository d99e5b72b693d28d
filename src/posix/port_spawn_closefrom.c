/*
 * port_spawn_closefrom.c - glibc from 2.34 and FreeBSD: one file action closes all that is not
 * listed.
 */
#include "posix/posix.h"

int xipc__spawn_close_from(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                           int first)
{
    (void)attributes;
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
