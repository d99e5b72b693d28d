/*
 * port_self_linux.c - what Linux tells a process about itself.
 */
#include "posix/posix.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *xipc__self_image(apr_pool_t *pool)
{
    (void)pool;
    return "/proc/self/exe"; /* the image itself, also when its file was replaced or removed */
}

/* Field 20 of /proc/self/stat, counted from behind the name, which may hold anything. */
int xipc__port_threads(void)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL) return 1;
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 20; field++) at = strchr(at + 1, ' ');
    long threads = at == NULL ? 1 : strtol(at, NULL, 10);
    return threads > 1 ? (int)threads : 1;
}

int xipc__port_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

int xipc__port_prefers_fork(void)
{
    return 1;
}
