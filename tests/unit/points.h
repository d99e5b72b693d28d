/* points.h - the named places inside the library where a test can have the process killed. */
#ifndef TESTS_UNIT_POINTS_H
#define TESTS_UNIT_POINTS_H

/* Called with the name of each place the process comes to; NULL for nothing. */
extern void (*xipc__test_point_hook)(const char *name);

void xipc__test_point(const char *name);

#endif
