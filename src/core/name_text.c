/*
 * name_text.c - what a queue's name may be, and how it is written in a list of the system's.
 */
#include "core/queue_names.h"

#include <string.h>

static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

apr_status_t xipc__queue_name_check(const char *text)
{
    apr_size_t size = strlen(text);
    if (strstr(text, "://") != NULL)
        return xipc__fail(APR_ENOTIMPL, "\"%s\" is an address; there are names only", text);
    if (size == 0) return xipc__fail(APR_EINVAL, "a queue's name is empty");
    if (size > XIPC_QUEUE_NAME_MAX)
        return xipc__fail(APR_EINVAL, "a queue's name has %" APR_SIZE_T_FMT " bytes, more than %d",
                          size, XIPC_QUEUE_NAME_MAX);
    for (apr_size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < ' ' || byte == 0x7f || byte == '/' || byte == '\\')
            return xipc__fail(APR_EINVAL,
                              "byte %" APR_SIZE_T_FMT " of a queue's name is 0x%02x, which can't "
                              "be in one",
                              i, byte);
    }
    return APR_SUCCESS;
}

/* Capitals are marked: on macOS the case of a file's name makes no difference. */
void xipc__queue_name_escape(char escaped[XIPC__NAME_TEXT_MAX + 1], const char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (strchr(plain, *text) != NULL) {
            *escaped++ = *text;
        } else if (byte >= 'A' && byte <= 'Z') {
            *escaped++ = '^';
            *escaped++ = (char)(byte - 'A' + 'a');
        } else {
            *escaped++ = '%';
            *escaped++ = digits[byte >> 4];
            *escaped++ = digits[byte & 15];
        }
    }
    *escaped = '\0';
}

static int hex(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* One byte, and how much of the text it was; 0 when it is none of ours. */
static apr_size_t unescape_one(char *byte, const char *at)
{
    if (*at == '^' && at[1] >= 'a' && at[1] <= 'z') {
        *byte = (char)(at[1] - 'a' + 'A');
        return 2;
    }
    if (*at == '%' && hex(at[1]) >= 0 && hex(at[2]) >= 0) {
        *byte = (char)(hex(at[1]) << 4 | hex(at[2]));
        return 3;
    }
    *byte = *at;
    return strchr(plain, *at) != NULL;
}

apr_status_t xipc__queue_name_unescape(char text[XIPC__RING_NAME_SIZE], const char *escaped)
{
    apr_size_t size = 0;
    while (*escaped != '\0' && size < XIPC_QUEUE_NAME_MAX) {
        apr_size_t used = unescape_one(&text[size], escaped);
        if (used == 0) return APR_EINVAL;
        size++;
        escaped += used;
    }
    text[size] = '\0';
    return *escaped == '\0' ? xipc__queue_name_check(text) : APR_EINVAL;
}
