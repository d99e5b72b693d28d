/*
 * auth.c - challenge and response, as Python does them.
 *
 * Up to Python 3.11 a challenge is 20 random bytes and the response their HMAC-MD5. From 3.12 a
 * challenge begins with the name of a digest in braces, and so does the response. We challenge in
 * the new way, which old peers answer with the MD5 of the whole challenge, and answer in both.
 */
#include "core/auth.h"

#include <apr_general.h>

#include <string.h>

#define CHALLENGE "#CHALLENGE#"
#define WELCOME "#WELCOME#"
#define FAILURE "#FAILURE#"
#define OUR_DIGEST "{sha256}"

enum { OLD_CHALLENGE = 20, OLD_RESPONSE = 16, WORD_MAX = 16 };
enum { STEP_VERIFY, STEP_ANSWER, STEP_VERDICT };

static int has_prefix(const void *message, apr_size_t size, const char *prefix)
{
    return size >= strlen(prefix) && memcmp(message, prefix, strlen(prefix)) == 0;
}

static void reply_with(xipc__auth_reply_t *reply, const void *data, apr_size_t size)
{
    memcpy(reply->data + reply->size, data, size);
    reply->size += size;
}

static apr_status_t refuse(const char *why)
{
    return xipc__fail(XIPC_EAUTH, "%s", why);
}

/* Equal, found out in a time that does not tell where they differ. */
static int is_equal(const unsigned char *one, const unsigned char *other, apr_size_t size)
{
    volatile unsigned char difference = 0;
    for (apr_size_t i = 0; i < size; i++)
        difference = (unsigned char)(difference | (one[i] ^ other[i]));
    return difference == 0;
}

/*
 * The digest that a challenge or a response names, and what follows the name. Those of the old
 * kind, told by their length, name none: "md5".
 */
static apr_status_t split(char word[WORD_MAX], const unsigned char **rest, apr_size_t *rest_size,
                          const unsigned char *message, apr_size_t size)
{
    *rest = message;
    *rest_size = size;
    memcpy(word, "md5", sizeof "md5");
    if (size == OLD_CHALLENGE || size == OLD_RESPONSE) return APR_SUCCESS;
    const unsigned char *end = size > 0 && message[0] == '{' ? memchr(message, '}', size) : NULL;
    apr_size_t length = end == NULL ? 0 : (apr_size_t)(end - message) - 1;
    if (length == 0 || length >= WORD_MAX) return refuse("a message that names no digest");
    memcpy(word, message + 1, length);
    word[length] = '\0';
    *rest = end + 1;
    *rest_size = size - length - 2;
    return APR_SUCCESS;
}

static apr_status_t mac(unsigned char *out, apr_size_t *size, const xipc__auth_t *auth,
                        const char *digest, const void *data, apr_size_t data_size)
{
    const xipc__span_t key = {auth->key, auth->key_size};
    const xipc__span_t text = {data, data_size};
    apr_status_t rv = xipc__port_mac(out, size, digest, key, text);
    return rv == APR_ENOTIMPL ? xipc__fail(XIPC_EAUTH, "the other side wants the digest %s", digest)
                              : rv;
}

static apr_status_t send_challenge(xipc__auth_t *auth, xipc__auth_reply_t *reply)
{
    const apr_size_t prefix = sizeof OUR_DIGEST - 1;
    memcpy(auth->challenge, OUR_DIGEST, prefix);
    apr_status_t rv = apr_generate_random_bytes(auth->challenge + prefix, XIPC__AUTH_RANDOM);
    if (rv != APR_SUCCESS) return rv;
    reply_with(reply, CHALLENGE, sizeof CHALLENGE - 1);
    reply_with(reply, auth->challenge, sizeof auth->challenge);
    auth->step = STEP_VERIFY;
    return APR_SUCCESS;
}

/* The other side's response to our challenge. */
static apr_status_t verify(xipc__auth_t *auth, xipc__auth_reply_t *reply,
                           const unsigned char *message, apr_size_t size)
{
    char digest[WORD_MAX];
    const unsigned char *response;
    apr_size_t response_size;
    unsigned char expected[XIPC__MAC_MAX];
    apr_size_t expected_size = 0;
    apr_status_t rv = split(digest, &response, &response_size, message, size);
    if (rv == APR_SUCCESS)
        rv = mac(expected, &expected_size, auth, digest, auth->challenge, sizeof auth->challenge);
    if (rv == APR_SUCCESS &&
        (response_size != expected_size || !is_equal(response, expected, expected_size)))
        rv = refuse("the other side does not know the key");
    if (rv != APR_SUCCESS)
        reply_with(reply, FAILURE, sizeof FAILURE - 1);
    else
        reply_with(reply, WELCOME, sizeof WELCOME - 1);
    auth->step = STEP_ANSWER;
    auth->is_done = rv == APR_SUCCESS && auth->side == XIPC__AUTH_CLIENT;
    return rv;
}

/* The other side's challenge. */
static apr_status_t respond(xipc__auth_t *auth, xipc__auth_reply_t *reply,
                            const unsigned char *message, apr_size_t size)
{
    const apr_size_t prefix = sizeof CHALLENGE - 1;
    char digest[WORD_MAX];
    const unsigned char *rest;
    apr_size_t rest_size;
    unsigned char response[XIPC__MAC_MAX];
    apr_size_t response_size = 0;
    if (!has_prefix(message, size, CHALLENGE)) return refuse("no challenge came");
    message += prefix;
    size -= prefix;
    apr_status_t rv = split(digest, &rest, &rest_size, message, size);
    if (rv == APR_SUCCESS) rv = mac(response, &response_size, auth, digest, message, size);
    if (rv != APR_SUCCESS) return rv;
    if (rest != message) reply_with(reply, message, (apr_size_t)(rest - message)); /* {digest} */
    reply_with(reply, response, response_size);
    auth->step = STEP_VERDICT;
    return APR_SUCCESS;
}

/* What it says of our response. */
static apr_status_t learn(xipc__auth_t *auth, xipc__auth_reply_t *reply,
                          const unsigned char *message, apr_size_t size)
{
    if (size != sizeof WELCOME - 1 || !has_prefix(message, size, WELCOME))
        return refuse("the other side does not accept the key");
    if (auth->side == XIPC__AUTH_CLIENT) return send_challenge(auth, reply);
    auth->is_done = 1;
    return APR_SUCCESS;
}

apr_status_t xipc__auth_begin(xipc__auth_t *auth, xipc__auth_reply_t *reply, xipc__auth_side_e side,
                              const void *key, apr_size_t key_size)
{
    *auth = (xipc__auth_t){.key = key, .key_size = key_size, .side = side, .step = STEP_ANSWER};
    reply->size = 0;
    return side == XIPC__AUTH_LISTENER ? send_challenge(auth, reply) : APR_SUCCESS;
}

apr_status_t xipc__auth_take(xipc__auth_t *auth, xipc__auth_reply_t *reply, const void *message,
                             apr_size_t size)
{
    reply->size = 0;
    if (size > XIPC__AUTH_MESSAGE_MAX) return refuse("a message too long for a handshake");
    switch (auth->step) {
    case STEP_VERIFY:
        return verify(auth, reply, message, size);
    case STEP_ANSWER:
        return respond(auth, reply, message, size);
    default:
        return learn(auth, reply, message, size);
    }
}
