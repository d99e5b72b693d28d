/*
 * port_self_linux.c - what Linux tells a process about itself.
 */
#include "posix/posix.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <unistd.h>

const char *xipc__self_image(apr_pool_t *pool)
{
    (void)pool;
    return "/proc/self/exe"; /* the image itself, also when its file was replaced or removed */
}

/* Fields of /proc/PID/stat, counted as in proc(5): 3 is the first one here. */
enum { STATE = 3, THREADS = 20, START = 22 };

/* They stand behind the name, which may hold anything. Returns 0 when the file can't be read. */
static int read_fields(char *state, unsigned long long fields[START + 1], pid_t pid)
{
    char path[48];
    char text[1024];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t size = read(fd, text, sizeof text - 1);
    (void)close(fd);
    text[size > 0 ? size : 0] = '\0';
    char *at = strrchr(text, ')');
    if (at == NULL || sscanf(at + 1, " %c", state) != 1) return 0;
    for (int field = STATE; field <= START; field++) {
        at = strchr(at + 1, ' ');
        if (at == NULL) return 0;
        fields[field] = strtoull(at, NULL, 10);
    }
    return 1;
}

int xipc__port_threads(void)
{
    char state;
    unsigned long long fields[START + 1];
    /* what the C library is sure of costs nothing; once there were threads, only the kernel knows */
    if (__libc_single_threaded) return 1;
    if (!read_fields(&state, fields, getpid())) return 1;
    return fields[THREADS] > 1 ? (int)fields[THREADS] : 1;
}

xipc__process_e xipc__process_born(apr_uint64_t *born, pid_t pid)
{
    char state;
    unsigned long long fields[START + 1];
    if (!read_fields(&state, fields, pid)) return XIPC__PROCESS_UNKNOWN;
    /* a zombie whose other threads live on is a process whose first thread has ended */
    if ((state == 'Z' || state == 'X') && fields[THREADS] <= 1) return XIPC__PROCESS_ENDED;
    *born = fields[START];
    return XIPC__PROCESS_RUNS;
}

int xipc__port_processor(void)
{
    return sched_getcpu();
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

apr_uint64_t xipc__port_memory_most(void)
{
    return (apr_uint64_t)sysconf(_SC_PHYS_PAGES) * (apr_uint64_t)sysconf(_SC_PAGESIZE);
}
