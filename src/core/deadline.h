/*
 * deadline.h - a timeout becomes a deadline once, and the deadline is passed down.
 */
#ifndef XIPC_CORE_DEADLINE_H
#define XIPC_CORE_DEADLINE_H

#include <apr_time.h>
#include <stdint.h>

/* The deadline that never comes. */
#define XIPC__NEVER INT64_MAX

/* The deadline of a timeout that starts now: negative waits for ever, 0 does not wait. */
apr_time_t xipc__deadline(apr_interval_time_t timeout);

/* What is left until a deadline: negative for XIPC__NEVER, 0 when it has passed. */
apr_interval_time_t xipc__remaining(apr_time_t deadline);

/*
 * The same in milliseconds, rounded up and cut to what an int holds, as poll and its kin want it:
 * -1 for ever.
 */
int xipc__remaining_ms(apr_time_t deadline);

#endif
