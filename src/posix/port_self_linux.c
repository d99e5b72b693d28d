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
    if (!read_fields(&state, fields, getpid())) return 2;
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

/* The first line of a control group's file; "" when it has none. */
static void read_line(char *text, int size, const char *root, const char *path, const char *name)
{
    char file_name[640];
    (void)snprintf(file_name, sizeof file_name, "/sys/fs/cgroup%s%s/%s", root, path, name);
    FILE *file = fopen(file_name, "re");
    text[0] = '\0';
    if (file == NULL) return;
    if (fgets(text, size, file) == NULL) text[0] = '\0';
    (void)fclose(file);
}

/* How many processors a quota makes; 0 for no limit, which it says by "max" or -1. */
static long processors_of(const char *quota, const char *period)
{
    long time = strtol(quota, NULL, 10);
    long of = strtol(period, NULL, 10);
    return time > 0 && of > 0 ? (time + of - 1) / of : 0;
}

static long limit_of_new(const char *path)
{
    char text[64]; /* "QUOTA PERIOD" */
    read_line(text, sizeof text, "", path, "cpu.max");
    const char *period = strchr(text, ' ');
    return processors_of(text, period != NULL ? period : "");
}

/* Where a system has each controller in a tree of its own. */
static long limit_of_old(const char *path)
{
    char quota[32];
    char period[32];
    read_line(quota, sizeof quota, "/cpu", path, "cpu.cfs_quota_us");
    read_line(period, sizeof period, "/cpu", path, "cpu.cfs_period_us");
    return processors_of(quota, period);
}

/* Does a line of /proc/self/cgroup name the controller "cpu", among others? */
static int has_cpu(const char *names)
{
    const char *found = strstr(names, "cpu");
    while (found != NULL &&
           ((found[-1] != ':' && found[-1] != ',') || (found[3] != ':' && found[3] != ',')))
        found = strstr(found + 1, "cpu");
    return found != NULL;
}

static long lesser(long one, long other)
{
    return one == 0 || (other > 0 && other < one) ? other : one;
}

/*
 * The least of what a control group and those around it allow. In a container the path may begin
 * outside of what is seen, so the top is asked too.
 */
static long least_of(char *path, long (*limit_of)(const char *path))
{
    path[strcspn(path, "\n")] = '\0';
    long least = 0;
    for (char *end = path + strlen(path); end != NULL; end = strrchr(path, '/')) {
        *end = '\0';
        least = lesser(least, limit_of(path));
    }
    return least;
}

/* Lines of /proc/self/cgroup: "NUMBER:CONTROLLERS:PATH". */
static long groups_limit(void)
{
    char line[512];
    long least = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL) return 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *names = strchr(line, ':');
        char *path = names == NULL ? NULL : strchr(names + 1, ':');
        if (path == NULL) continue;
        if (path == names + 1)
            least = lesser(least, least_of(path + 1, limit_of_new));
        else if (has_cpu(names))
            least = lesser(least, least_of(path + 1, limit_of_old));
    }
    (void)fclose(file);
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
