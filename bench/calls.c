/* Counting a process's system calls, with ptrace. */
#include "bench.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A call that nothing else here makes. */
void bench_mark(void)
{
    (void)syscall(SYS_getppid);
}

static void be_traced(void (*work)(void *), void *context)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(1);
    (void)raise(SIGSTOP);
    work(context);
    _exit(0);
}

/* Until the next stop at a call, on the way in or out. 0: it ended. */
static int go_on(pid_t pid)
{
    int status;
    if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0) return 0;
    return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
           WSTOPSIG(status) == (SIGTRAP | 0x80);
}

static double count_between_marks(pid_t pid)
{
    struct __ptrace_syscall_info info;
    int marks = 0;
    double count = 0;
    while (go_on(pid)) {
        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return 0;
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
        if (info.entry.nr == SYS_getppid)
            marks++;
        else if (marks == 1)
            count++;
    }
    return marks == 2 ? count : 0;
}

double bench_calls(void (*work)(void *), void *context)
{
    int status;
    double count = 0;
    pid_t pid = fork();
    bench_need(pid >= 0, "fork");
    if (pid == 0) be_traced(work, context);
    if (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
        if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0)
            count = count_between_marks(pid);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
    }
    return count > 0 ? count : bench_cannot("a process can't be traced here");
}
