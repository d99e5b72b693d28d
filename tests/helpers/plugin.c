/* A shared library with targets and tasks; see plugin.h. */
#include "plugin.h"

#include "xipc/copied.h"

static int copied = 1;
XIPC_COPIED(copied);

static int plain = 1;

int plugin_add_one(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number = -2;
    (void)pool;
    return xipc_values_get_int(&number, args, 0) == APR_SUCCESS ? (int)number + 1 : 90;
}

static int add_two(xipc_values_t *args, apr_pool_t *pool)
{
    return plugin_add_one(args, pool) + 1;
}

xipc_target_t plugin_hidden(void)
{
    return add_two;
}

apr_status_t plugin_twice(xipc_values_t *result, xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    (void)pool;
    apr_status_t rv = xipc_values_get_int(&number, args, 0);
    return rv != APR_SUCCESS ? rv : xipc_values_add_int(result, number * 2);
}

int plugin_copied(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return copied;
}

void plugin_copied_set(int value)
{
    copied = value;
}

int plugin_plain(xipc_values_t *args, apr_pool_t *pool)
{
    (void)args;
    (void)pool;
    return plain;
}

void plugin_plain_set(int value)
{
    plain = value;
}

void *plugin_data(void)
{
    return &plain;
}

const char *plugin_name(void)
{
    return XIPC_PLUGIN_NAME;
}
