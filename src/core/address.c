/*
 * address.c - the text of an address.
 */
#include "core/address.h"

#include <apr_strings.h>

#include <string.h>

static apr_status_t malformed(const char *text, const char *why)
{
    return xipc__fail(APR_EINVAL, "the address %.200s: %s", text, why);
}

static apr_status_t parse_port(apr_port_t *port, const char *digits, const char *text)
{
    apr_int64_t number = 0;
    if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 5)
        return malformed(text, "its port is no number");
    number = apr_atoi64(digits);
    if (number > 65535) return malformed(text, "its port is beyond 65535");
    *port = (apr_port_t)number;
    return APR_SUCCESS;
}

/* host:port, where a host with colons stands in brackets. */
static apr_status_t parse_tcp(xipc__address_t *address, const char *rest, const char *text,
                              apr_pool_t *pool)
{
    const char *colon = strrchr(rest, ':');
    apr_size_t length = colon == NULL ? 0 : (apr_size_t)(colon - rest);
    if (length == 0) return malformed(text, "it wants tcp:host:port");
    int is_bracketed = rest[0] == '[' && rest[length - 1] == ']';
    address->kind = XIPC__ADDRESS_TCP;
    address->name = is_bracketed ? apr_pstrmemdup(pool, rest + 1, length - 2)
                                 : apr_pstrmemdup(pool, rest, length);
    if (*address->name == '\0') return malformed(text, "it has no host");
    return parse_port(&address->port, colon + 1, text);
}

static apr_status_t parse_unix(xipc__address_t *address, const char *rest, const char *text,
                               apr_pool_t *pool)
{
    int is_abstract = rest[0] == '@';
    address->kind = is_abstract ? XIPC__ADDRESS_ABSTRACT : XIPC__ADDRESS_UNIX;
    address->name = apr_pstrdup(pool, rest + is_abstract);
    return *address->name != '\0' ? APR_SUCCESS : malformed(text, "it has no name");
}

static apr_status_t parse_pipe(xipc__address_t *address, const char *rest, const char *text,
                               apr_pool_t *pool)
{
    address->kind = XIPC__ADDRESS_PIPE;
    address->name = apr_pstrdup(pool, rest);
    if (*rest == '\0') return malformed(text, "it has no name");
    return strpbrk(rest, "\\/") == NULL ? APR_SUCCESS : malformed(text, "its name has a slash");
}

apr_status_t xipc__address_parse(xipc__address_t *address, const char *text, apr_pool_t *pool)
{
    *address = (xipc__address_t){.kind = XIPC__ADDRESS_PRIVATE, .name = ""};
    if (text == NULL || *text == '\0') return APR_SUCCESS;
    if (strncmp(text, "unix:", 5) == 0) return parse_unix(address, text + 5, text, pool);
    if (strncmp(text, "tcp:", 4) == 0) return parse_tcp(address, text + 4, text, pool);
    if (strncmp(text, "pipe:", 5) == 0) return parse_pipe(address, text + 5, text, pool);
    return malformed(text, "it begins with none of unix:, tcp:, pipe:");
}

const char *xipc__address_text(const xipc__address_t *address, apr_pool_t *pool)
{
    switch (address->kind) {
    case XIPC__ADDRESS_UNIX:
        return apr_pstrcat(pool, "unix:", address->name, NULL);
    case XIPC__ADDRESS_ABSTRACT:
        return apr_pstrcat(pool, "unix:@", address->name, NULL);
    case XIPC__ADDRESS_TCP:
        return apr_psprintf(pool, strchr(address->name, ':') ? "tcp:[%s]:%u" : "tcp:%s:%u",
                            address->name, (unsigned)address->port);
    case XIPC__ADDRESS_PIPE:
        return apr_pstrcat(pool, "pipe:", address->name, NULL);
    case XIPC__ADDRESS_PRIVATE:
        break;
    }
    return "";
}
