/*
 * port_processor.c - what a thread tells the processor it runs on.
 */
#include "posix/posix.h"

#include <sched.h>

void xipc__port_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

void xipc__port_yield(void)
{
    (void)sched_yield();
}

void xipc__port_prefetch(const void *place)
{
    __builtin_prefetch(place);
    __builtin_prefetch((const char *)place + 64);
}
