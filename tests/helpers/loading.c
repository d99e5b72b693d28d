/* The plugin as a loaded library; see loading.h. */
#include "loading.h"

/* The address of a name as a function: C knows no cast for that. */
static int find(void *function, apr_dso_handle_t *library, const char *name)
{
    apr_dso_handle_sym_t address = NULL;
    if (!CHECK_OK(apr_dso_sym(&address, library, name))) return 0;
    memcpy(function, &address, sizeof address);
    return 1;
}

int plugin_load(plugin_t *plugin, const char *path, apr_pool_t *pool)
{
    char text[512];
    apr_status_t rv = apr_dso_load(&plugin->library, path, pool);
    if (rv != APR_SUCCESS)
        return CHECK_TEXT("loaded", apr_dso_error(plugin->library, text, sizeof text));
    return find(&plugin->add_one, plugin->library, "plugin_add_one") &&
           find(&plugin->copied, plugin->library, "plugin_copied") &&
           find(&plugin->plain, plugin->library, "plugin_plain") &&
           find(&plugin->twice, plugin->library, "plugin_twice") &&
           find(&plugin->hidden, plugin->library, "plugin_hidden") &&
           find(&plugin->copied_set, plugin->library, "plugin_copied_set") &&
           find(&plugin->plain_set, plugin->library, "plugin_plain_set") &&
           find(&plugin->data, plugin->library, "plugin_data") &&
           find(&plugin->name, plugin->library, "plugin_name");
}
