/* point.h - places where the tests kill the process. */
#ifndef XIPC_CORE_POINT_H
#define XIPC_CORE_POINT_H

#ifdef XIPC_TEST_POINTS
void xipc__test_point(const char *name);
#define XIPC__POINT(name) xipc__test_point(name)
#else
#define XIPC__POINT(name) ((void)0)
#endif

#endif
