/*
 * port_mac_openssl.c - keyed digests by libcrypto.
 */
#include "core/port.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <limits.h>
#include <string.h>

int xipc__port_has_mac(void)
{
    return 1;
}

static const EVP_MD *find(const char *digest)
{
    if (strcmp(digest, "md5") == 0) return EVP_md5();
    if (strcmp(digest, "sha256") == 0) return EVP_sha256();
    if (strcmp(digest, "sha384") == 0) return EVP_sha384();
    if (strcmp(digest, "sha3_256") == 0) return EVP_sha3_256();
    if (strcmp(digest, "sha3_384") == 0) return EVP_sha3_384();
    return NULL;
}

apr_status_t xipc__port_mac(unsigned char out[XIPC__MAC_MAX], apr_size_t *size, const char *digest,
                            xipc__span_t key, xipc__span_t text)
{
    unsigned int count = 0;
    const EVP_MD *md = find(digest);
    if (md == NULL) return APR_ENOTIMPL;
    if (key.size > INT_MAX) return APR_EINVAL;
    if (HMAC(md, key.data, (int)key.size, text.data, text.size, out, &count) == NULL)
        return xipc__fail(APR_EGENERAL, "libcrypto refuses the digest %s", digest);
    *size = count;
    return APR_SUCCESS;
}
