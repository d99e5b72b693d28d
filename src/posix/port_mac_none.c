/*
 * port_mac_none.c - a build without a library for keyed digests.
 */
#include "core/port.h"

int xipc__port_has_mac(void)
{
    return 0;
}

apr_status_t xipc__port_mac(unsigned char out[XIPC__MAC_MAX], apr_size_t *size, const char *digest,
                            xipc__span_t key, xipc__span_t text)
{
    (void)out, (void)size, (void)digest, (void)key, (void)text;
    return APR_ENOTIMPL;
}
