/*
 * port_mac_commoncrypto.c - keyed digests by macOS's own library.
 */
#include "core/port.h"

#include <CommonCrypto/CommonDigest.h>
#include <CommonCrypto/CommonHMAC.h>

#include <string.h>

int xipc__port_has_mac(void)
{
    return 1;
}

typedef struct {
    const char *name;
    CCHmacAlgorithm algorithm;
    apr_size_t size;
} digest_t;

static const digest_t digests[] = {{"md5", kCCHmacAlgMD5, CC_MD5_DIGEST_LENGTH},
                                   {"sha256", kCCHmacAlgSHA256, CC_SHA256_DIGEST_LENGTH},
                                   {"sha384", kCCHmacAlgSHA384, CC_SHA384_DIGEST_LENGTH}};

apr_status_t xipc__port_mac(unsigned char out[XIPC__MAC_MAX], apr_size_t *size, const char *digest,
                            xipc__span_t key, xipc__span_t text)
{
    for (apr_size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
        if (strcmp(digests[i].name, digest) != 0) continue;
        CCHmac(digests[i].algorithm, key.data, key.size, text.data, text.size, out);
        *size = digests[i].size;
        return APR_SUCCESS;
    }
    return APR_ENOTIMPL;
}
