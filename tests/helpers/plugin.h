/* plugin.h - a shared library with targets and tasks, built twice from one source. */
#ifndef TESTS_PLUGIN_H
#define TESTS_PLUGIN_H

#include "xipc/process.h"
#include "xipc/process_pool.h"

/* A name exported by the library. */
#if defined(_WIN32)
#define PLUGIN_EXPORT __declspec(dllexport)
#else
#define PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

/* A target: its first argument, plus one. */
PLUGIN_EXPORT int plugin_add_one(xipc_values_t *args, apr_pool_t *pool);

/* A static target of the same kind that adds two; known by its address only. */
PLUGIN_EXPORT xipc_target_t plugin_hidden(void);

/* A task: twice its first argument. */
PLUGIN_EXPORT apr_status_t plugin_twice(xipc_values_t *result, xipc_values_t *args,
                                        apr_pool_t *pool);

/* A target: the value of a variable of the library that is marked XIPC_COPIED; at first 1. */
PLUGIN_EXPORT int plugin_copied(xipc_values_t *args, apr_pool_t *pool);
PLUGIN_EXPORT void plugin_copied_set(int value);

/* A target: the value of a variable that is not marked; at first 1. */
PLUGIN_EXPORT int plugin_plain(xipc_values_t *args, apr_pool_t *pool);
PLUGIN_EXPORT void plugin_plain_set(int value);

/* A variable: no function. */
PLUGIN_EXPORT void *plugin_data(void);

/* Which build it is. */
PLUGIN_EXPORT const char *plugin_name(void);

#endif
