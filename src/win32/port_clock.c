/*
 * port_clock.c - the clock of deadlines.
 */
#include "win32/win32.h"

apr_time_t xipc__port_clock(void)
{
    /* neither fails since Windows XP; it counts from the system's start: processes can compare */
    LARGE_INTEGER frequency, count;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    LONGLONG seconds = count.QuadPart / frequency.QuadPart;
    LONGLONG rest = count.QuadPart % frequency.QuadPart;
    return seconds * APR_USEC_PER_SEC + rest * APR_USEC_PER_SEC / frequency.QuadPart;
}
