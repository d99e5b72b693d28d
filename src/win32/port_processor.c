/*
 * port_processor.c - what a thread tells the processor it runs on, and which one that is.
 */
#include "win32/win32.h"

int xipc__port_processor(void)
{
    return (int)GetCurrentProcessorNumber();
}

void xipc__port_pause(void)
{
    YieldProcessor();
}

void xipc__port_yield(void)
{
    (void)SwitchToThread();
}

void xipc__port_prefetch(const void *place)
{
    const char *line = place;
    PreFetchCacheLine(PF_TEMPORAL_LEVEL_1, line);
    PreFetchCacheLine(PF_TEMPORAL_LEVEL_1, line + 64);
}
