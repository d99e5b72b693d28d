/*
 * port_names.c - entries of names: small files of this user's alone, locked by flock(2), which ends
 * with the process. They are read and written, never mapped, so that nobody can cut them off under
 * us.
 */
#include "posix/posix.h"

#include <apr_strings.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct xipc__name_t {
    int fd;
    char path[256];
};

enum { PREFIX_SIZE = 32, FIRST_NAP = 500, LONGEST_NAP = 2000 };

static const char *prefix(char buffer[PREFIX_SIZE])
{
    (void)apr_snprintf(buffer, PREFIX_SIZE, "xipc-%lu-", (unsigned long)geteuid());
    return buffer;
}

/* ---- locking ---- */

/* It may be anybody's who came first; and it must be a file, or reading would not end. */
static apr_status_t check_owner(int fd, const char *path)
{
    struct stat about;
    if (fstat(fd, &about) != 0) return APR_FROM_OS_ERROR(errno);
    if (!S_ISREG(about.st_mode)) return xipc__fail(XIPC_EPROTOCOL, "%s is no file", path);
    if (about.st_uid != geteuid()) return xipc__fail(APR_EACCES, "%s is another user's", path);
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return xipc__fail(APR_EACCES, "others may write to %s", path);
    return APR_SUCCESS;
}

static apr_status_t open_entry(xipc__name_t *name, int may_make)
{
    int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (may_make ? O_CREAT : 0);
    name->fd = open(name->path, flags, S_IRUSR | S_IWUSR);
    if (name->fd < 0 && errno == ENOENT && !may_make) return APR_ENOENT;
    if (name->fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
        return xipc__fail(XIPC_EPROTOCOL, "%s is no file", name->path);
    if (name->fd < 0) {
        int error = errno;
        return xipc__fail(APR_FROM_OS_ERROR(error), "%s", name->path);
    }
    apr_status_t rv = check_owner(name->fd, name->path);
    if (rv != APR_SUCCESS) (void)close(name->fd);
    return rv;
}

static apr_status_t lock_entry(const xipc__name_t *name, apr_time_t deadline)
{
    apr_interval_time_t nap = FIRST_NAP;
    while (flock(name->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return APR_FROM_OS_ERROR(errno);
        if (xipc__remaining(deadline) == 0)
            return xipc__fail(APR_TIMEUP, "%s is locked by a process that does not go on",
                              name->path);
        apr_sleep(nap);
        if (nap < LONGEST_NAP) nap *= 2;
    }
    return APR_SUCCESS;
}

/* Another process may have removed it while we waited for it. */
static int is_still_there(const xipc__name_t *name)
{
    struct stat ours, now;
    return fstat(name->fd, &ours) == 0 && lstat(name->path, &now) == 0 &&
           ours.st_ino == now.st_ino && ours.st_dev == now.st_dev;
}

static apr_status_t open_and_lock(xipc__name_t *name, int may_make, apr_time_t deadline)
{
    for (;;) {
        apr_status_t rv = open_entry(name, may_make);
        if (rv != APR_SUCCESS) return rv;
        rv = lock_entry(name, deadline);
        if (rv == APR_SUCCESS && is_still_there(name)) return APR_SUCCESS;
        (void)close(name->fd);
        if (rv != APR_SUCCESS) return rv;
    }
}

apr_status_t xipc__port_name_lock(xipc__name_t **name, const char *text, int may_make,
                                  apr_time_t deadline)
{
    char start[PREFIX_SIZE];
    xipc__name_t *made = malloc(sizeof *made);
    if (made == NULL) return APR_ENOMEM;
    (void)apr_snprintf(made->path, sizeof made->path, "%s/%s%s", xipc__names_directory,
                       prefix(start), text);
    apr_status_t rv = open_and_lock(made, may_make, deadline);
    if (rv == APR_SUCCESS)
        *name = made;
    else
        free(made);
    return rv;
}

void xipc__port_name_unlock(xipc__name_t *name)
{
    /* not by the close alone: a child forked meanwhile has the descriptor too */
    (void)flock(name->fd, LOCK_UN);
    (void)close(name->fd);
    free(name);
}

/* ---- what is in it ---- */

apr_status_t xipc__port_name_read(apr_size_t *got, xipc__name_t *name, void *buffer,
                                  apr_size_t size)
{
    apr_size_t done = 0;
    while (done < size) {
        ssize_t count = pread(name->fd, (char *)buffer + done, size - done, (off_t)done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return APR_FROM_OS_ERROR(errno);
        if (count == 0) break;
        done += (apr_size_t)count;
    }
    *got = done;
    return APR_SUCCESS;
}

apr_status_t xipc__port_name_write(xipc__name_t *name, const void *bytes, apr_size_t offset)
{
    for (;;) {
        ssize_t count = pwrite(name->fd, bytes, XIPC__NAME_LINE, (off_t)offset);
        if (count == XIPC__NAME_LINE) return APR_SUCCESS;
        if (count < 0 && errno == EINTR) continue;
        int error = count < 0 ? errno : ENOSPC;
        return xipc__fail(APR_FROM_OS_ERROR(error), "%s", name->path);
    }
}

void xipc__port_name_remove(xipc__name_t *name)
{
    (void)unlink(name->path);
}

apr_status_t xipc__port_name_anchor(xipc__handle_t *anchor, xipc__name_t *name)
{
    (void)name; /* the file stays on its own */
    *anchor = XIPC__NO_HANDLE;
    return APR_SUCCESS;
}

/* ---- all of them ---- */

apr_status_t xipc__port_name_list(apr_array_header_t *texts, apr_pool_t *pool)
{
    char buffer[PREFIX_SIZE];
    const char *start = prefix(buffer);
    const struct dirent *found;
    DIR *directory = opendir(xipc__names_directory);
    if (directory == NULL) return APR_FROM_OS_ERROR(errno);
    while ((found = readdir(directory)) != NULL)
        if (strncmp(found->d_name, start, strlen(start)) == 0)
            APR_ARRAY_PUSH(texts, const char *) = apr_pstrdup(pool, found->d_name + strlen(start));
    (void)closedir(directory);
    return APR_SUCCESS;
}
