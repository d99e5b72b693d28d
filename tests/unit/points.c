/* See points.h. */
#include "points.h"

#include <stddef.h>

void (*xipc__test_point_hook)(const char *name);

void xipc__test_point(const char *name)
{
    if (xipc__test_point_hook != NULL) xipc__test_point_hook(name);
}
