/* POSIX: what may lie where the entry of a name should be. */
#include "testing.h"

#include "posix/posix.h"

#include <apr_strings.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *queue_name(testing_t *test)
{
    return apr_psprintf(test->pool, "test-file-%d", (int)system_pid());
}

static const char *entry_path(testing_t *test)
{
    return apr_psprintf(test->pool, "%s/xipc-%lu-%s", xipc__names_directory,
                        (unsigned long)geteuid(), queue_name(test));
}

static apr_status_t create_named(xipc_queue_t **queue, const char *name, testing_t *test)
{
    xipc_queue_options_t *options;
    CHECK_OK(xipc_queue_options_create(&options, test->pool));
    CHECK_OK(xipc_queue_options_name_set(options, name));
    return xipc_queue_create_ex(queue, options, test->pool);
}

static apr_status_t create(xipc_queue_t **queue, testing_t *test)
{
    return create_named(queue, queue_name(test), test);
}

/* All calls say so, and leave it there. */
static void check_refused(apr_status_t expected, testing_t *test)
{
    xipc_queue_t *queue;
    apr_array_header_t *list;
    struct stat before, after;
    CHECK(lstat(entry_path(test), &before) == 0);
    CHECK_STATUS(expected, xipc_queue_open(&queue, queue_name(test), NULL, test->pool));
    CHECK_STATUS(expected, create(&queue, test));
    CHECK_STATUS(expected, xipc_queue_unlink(queue_name(test)));
    CHECK_OK(xipc_queue_list(&list, test->pool));
    CHECK(lstat(entry_path(test), &after) == 0);
    CHECK(before.st_ino == after.st_ino);
}

static void file_that_others_may_write_is_refused(testing_t *test)
{
    int fd = open(entry_path(test), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    CHECK(fchmod(fd, 0666) == 0);
    CHECK(close(fd) == 0);
    check_refused(APR_EACCES, test);
    CHECK(unlink(entry_path(test)) == 0);
}

static void file_of_another_user_is_refused(testing_t *test)
{
    int fd = open(entry_path(test), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    if (fchown(fd, 12345, (gid_t)-1) == 0)
        check_refused(APR_EACCES, test);
    else
        testing_skip("only root can give a file away");
    CHECK(close(fd) == 0);
    CHECK(unlink(entry_path(test)) == 0);
}

static void what_is_no_file_is_refused(testing_t *test)
{
    CHECK(symlink("/etc/passwd", entry_path(test)) == 0);
    check_refused(XIPC_EPROTOCOL, test);
    CHECK(unlink(entry_path(test)) == 0);
    CHECK(mkdir(entry_path(test), 0700) == 0);
    check_refused(XIPC_EPROTOCOL, test);
    CHECK(rmdir(entry_path(test)) == 0);
    CHECK(mkfifo(entry_path(test), 0600) == 0);
    check_refused(XIPC_EPROTOCOL, test);
    CHECK(unlink(entry_path(test)) == 0);
}

static void entry_is_this_users_alone(testing_t *test)
{
    xipc_queue_t *queue;
    struct stat about;
    mode_t mask = umask(0);
    REQUIRE_OK(create(&queue, test));
    (void)umask(mask);
    CHECK(stat(entry_path(test), &about) == 0);
    CHECK_NUMBER(0600, about.st_mode & 07777);
}

/* Cut off, or filled up: nobody crashes, and who has the queue goes on. */
static void entry_that_is_cut_off_harms_nobody(testing_t *test)
{
    static const off_t sizes[] = {0, 1, 63, 127, 128, 129, 200, 255};
    for (int i = 0; i < (int)(sizeof sizes / sizeof *sizes); i++) {
        xipc_queue_t *queue, *other;
        REQUIRE_OK(create(&queue, test));
        CHECK(truncate(entry_path(test), sizes[i]) == 0);
        apr_status_t rv = xipc_queue_open(&other, queue_name(test), NULL, test->pool);
        /* of the longer ones what is left may be enough */
        if (rv != APR_SUCCESS || sizes[i] < 128)
            CHECK(APR_STATUS_IS_ENOENT(rv) || rv == XIPC_EPROTOCOL);
        if (rv == APR_SUCCESS) CHECK_OK(xipc_queue_close(other));
        CHECK_OK(xipc_queue_put(queue, "x", 1, 0));
        CHECK_OK(xipc_queue_close(queue));
        (void)xipc_queue_unlink(queue_name(test));
    }
}

static void lock_that_is_never_released_is_a_timeout(testing_t *test)
{
    xipc_queue_t *queue, *other;
    REQUIRE_OK(create(&queue, test));
    int fd = open(entry_path(test), O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0 && flock(fd, LOCK_EX) == 0);
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP, xipc_queue_open(&other, queue_name(test), NULL, test->pool));
    CHECK_WAITED(began, apr_time_from_sec(5));
    CHECK(close(fd) == 0);
    CHECK_OK(xipc_queue_open(&other, queue_name(test), NULL, test->pool));
}

/* Two of them, since the first is what fork leaves: the parent's copy. */
static void child_of_a_plain_fork_closes_its_copy_alone(testing_t *test)
{
    xipc_queue_t *queue, *other;
    REQUIRE_OK(create(&queue, test));
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        apr_pool_destroy(test->pool);
        _exit(0);
    }
    while (pid > 0 && system_runs(pid)) apr_sleep(1000);
    CHECK_OK(xipc_queue_open(&other, queue_name(test), NULL, test->pool));
    CHECK_OK(xipc_queue_put(other, "x", 1, 0));
}

static int can_be_opened(const char *name, testing_t *test)
{
    xipc_queue_t *queue;
    return xipc_queue_open(&queue, name, NULL, test->pool) == APR_SUCCESS &&
           xipc_queue_close(queue) == APR_SUCCESS;
}

/* As after an exec: its descriptors went without a close, and their numbers are another queue's. */
static void holder_whose_descriptors_are_another_queues_holds_nothing(testing_t *test)
{
    xipc_queue_t *queue;
    const char *name = queue_name(test);
    const char *other = apr_pstrcat(test->pool, name, "-other", NULL);
    if (strcmp(xipc__names_directory, "/dev/shm") != 0) {
        testing_skip("here a queue is found by names, not by numbers");
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)create_named(&queue, name, test);
        for (int fd = 3; fd < 256; fd++) (void)close(fd);
        (void)create_named(&queue, other, test);
        for (;;) (void)pause();
    }
    REQUIRE(pid > 0);
    WAIT_FOR(can_be_opened(other, test));
    CHECK_STATUS(APR_ENOENT, xipc_queue_open(&queue, name, NULL, test->pool));
    CHECK_OK(create(&queue, test));
    CHECK(system_kill(pid) != 0);
    while (system_runs(pid)) apr_sleep(1000);
    CHECK(!can_be_opened(other, test));
}

static const testing_case_t cases[] = {
    ONCE(file_that_others_may_write_is_refused),
    ONCE(file_of_another_user_is_refused),
    ONCE(what_is_no_file_is_refused),
    ONCE(entry_is_this_users_alone),
    ONCE(entry_that_is_cut_off_harms_nobody),
    ONCE(lock_that_is_never_released_is_a_timeout),
    ONCE(child_of_a_plain_fork_closes_its_copy_alone),
    ONCE(holder_whose_descriptors_are_another_queues_holds_nothing),
};

TESTING_MAIN("name.files", cases)
