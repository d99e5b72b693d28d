/*
 * deadline.c - timeouts and deadlines.
 */
#include "core/deadline.h"

#include "core/port.h"

#include <limits.h>

apr_time_t xipc__deadline(apr_interval_time_t timeout)
{
    if (timeout < 0) return XIPC__NEVER;
    apr_time_t now = xipc__port_clock();
    return timeout < XIPC__NEVER - now ? now + timeout : XIPC__NEVER;
}

apr_interval_time_t xipc__remaining(apr_time_t deadline)
{
    if (deadline == XIPC__NEVER) return -1;
    apr_time_t now = xipc__port_clock();
    return deadline > now ? deadline - now : 0;
}

int xipc__remaining_ms(apr_time_t deadline)
{
    apr_interval_time_t left = xipc__remaining(deadline);
    if (left < 0) return -1;
    apr_interval_time_t ms = left / 1000 + (left % 1000 != 0);
    return ms < INT_MAX ? (int)ms : INT_MAX;
}
