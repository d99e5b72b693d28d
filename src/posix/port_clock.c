/*
 * port_clock.c - the monotonic clock.
 */
#include "core/port.h"

#include <time.h>

apr_time_t xipc__port_clock(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_time_t)now.tv_sec * APR_USEC_PER_SEC + now.tv_nsec / 1000;
}
