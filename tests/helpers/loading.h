/* loading.h - the plugin as a loaded library, its functions by name. */
#ifndef TESTS_LOADING_H
#define TESTS_LOADING_H

#include "plugin.h"
#include "testing.h"

#include <apr_dso.h>

typedef struct {
    apr_dso_handle_t *library;
    xipc_target_t add_one;
    xipc_target_t copied;
    xipc_target_t plain;
    xipc_task_t twice;
    xipc_target_t (*hidden)(void);
    void (*copied_set)(int value);
    void (*plain_set)(int value);
    void *(*data)(void);
    const char *(*name)(void);
} plugin_t;

/*
 * Load a plugin's file; it stays until the pool ends or it is unloaded. 0 after a recorded failure.
 */
int plugin_load(plugin_t *plugin, const char *path, apr_pool_t *pool);

#endif
