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

/* "QUOTA PERIOD" of one control group: how many processors that makes; 0 for no limit. */
static long group_limit(const char *path)
{
    char file_name[512];
    char text[64] = "";
    (void)snprintf(file_name, sizeof file_name, "/sys/fs/cgroup%s/cpu.max", path);
    FILE *file = fopen(file_name, "re");
    if (file == NULL) return 0;
    char *line = fgets(text, sizeof text, file);
    (void)fclose(file);
    char *rest = text;
    long quota = line == NULL ? 0 : strtol(text, &rest, 10); /* "max" is 0 */
    long period = strtol(rest, NULL, 10);
    return quota > 0 && period > 0 ? (quota + period - 1) / period : 0;
}

/* The least of what this process's control group and those around it allow. */
static long groups_limit(void)
{
    char path[256] = "";
    long least = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL) return 0;
    while (fgets(path, sizeof path, file) != NULL && strncmp(path, "0::", 3) != 0) path[0] = '\0';
    (void)fclose(file);
    if (path[0] == '\0') return 0;
    path[strcspn(path, "\n")] = '\0';
    for (char *end = path + strlen(path); end > path + 3; *end = '\0') {
        long limit = group_limit(path + 3);
        if (limit > 0 && (least == 0 || limit < least)) least = limit;
        end = strrchr(path, '/');
    }
    return least;
}

int xipc__port_processors(void)
{
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                             : sysconf(_SC_NPROCESSORS_ONLN);
    long limit = groups_limit();
    if (limit > 0 && limit < count) count = limit;
    return count > 0 ? (int)count : 1;
}

int xipc__port_prefers_fork(void)
{
    return 1;
}
