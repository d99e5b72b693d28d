/*
 * port_spawn_darwin.c - macOS: every descriptor is closed unless a file action names it.
 */
#include "posix/posix.h"

int xipc__spawn_close_from(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                           int first)
{
    (void)first; /* those below it that are no standard streams were named by adddup2 */
    int error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_CLOEXEC_DEFAULT);
    for (int fd = 0; error == 0 && fd <= 2; fd++)
        error = posix_spawn_file_actions_addinherit_np(actions, fd);
    return error;
}
