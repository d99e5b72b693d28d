/*
 * port_mac.c - keyed digests by the system's own library.
 */
#include "win32/win32.h"

#include <bcrypt.h>

#include <string.h>

int xipc__port_has_mac(void)
{
    return 1;
}

typedef struct {
    const char *name;
    const wchar_t *algorithm;
    apr_size_t size;
} digest_t;

static const digest_t digests[] = {{"md5", BCRYPT_MD5_ALGORITHM, 16},
                                   {"sha256", BCRYPT_SHA256_ALGORITHM, 32},
                                   {"sha384", BCRYPT_SHA384_ALGORITHM, 48}};

static const digest_t *find(const char *name)
{
    for (apr_size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (strcmp(digests[i].name, name) == 0) return &digests[i];
    return NULL;
}

/* The library does not change what it is given, but its declarations don't say so. */
static UCHAR *changeable(const void *data)
{
    return (UCHAR *)(uintptr_t)data;
}

static NTSTATUS digest(unsigned char *out, const digest_t *found, BCRYPT_ALG_HANDLE provider,
                       xipc__span_t key, xipc__span_t text)
{
    BCRYPT_HASH_HANDLE hash;
    NTSTATUS status =
        BCryptCreateHash(provider, &hash, NULL, 0, changeable(key.data), (ULONG)key.size, 0);
    if (status < 0) return status;
    status = BCryptHashData(hash, changeable(text.data), (ULONG)text.size, 0);
    if (status >= 0) status = BCryptFinishHash(hash, out, (ULONG)found->size, 0);
    (void)BCryptDestroyHash(hash);
    return status;
}

apr_status_t xipc__port_mac(unsigned char out[XIPC__MAC_MAX], apr_size_t *size, const char *name,
                            xipc__span_t key, xipc__span_t text)
{
    const digest_t *found = find(name);
    BCRYPT_ALG_HANDLE provider;
    if (found == NULL) return APR_ENOTIMPL;
    if (key.size > ULONG_MAX || text.size > ULONG_MAX) return APR_EINVAL;
    NTSTATUS status =
        BCryptOpenAlgorithmProvider(&provider, found->algorithm, NULL, BCRYPT_ALG_HANDLE_HMAC_FLAG);
    if (status >= 0) {
        status = digest(out, found, provider, key, text);
        (void)BCryptCloseAlgorithmProvider(provider, 0);
    }
    if (status < 0) return xipc__fail(APR_EGENERAL, "the system refuses the digest %s", name);
    *size = found->size;
    return APR_SUCCESS;
}
