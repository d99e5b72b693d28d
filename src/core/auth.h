/*
 * auth.h - the handshakes of Python's multiprocessing.connection, one message at a time: both sides
 * prove that they know a key. It reads and writes nothing itself.
 */
#ifndef XIPC_CORE_AUTH_H
#define XIPC_CORE_AUTH_H

#include "core/port.h"

enum {
    XIPC__AUTH_MESSAGE_MAX = 256,                 /* the largest that is believed */
    XIPC__AUTH_RANDOM = 40,                       /* bytes of our challenge */
    XIPC__AUTH_CHALLENGE = 8 + XIPC__AUTH_RANDOM, /* {sha256} before them */
    XIPC__AUTH_REPLY_MAX = 11 + XIPC__AUTH_CHALLENGE + 64
};

typedef enum { XIPC__AUTH_LISTENER, XIPC__AUTH_CLIENT } xipc__auth_side_e;

typedef struct {
    unsigned char data[XIPC__AUTH_REPLY_MAX];
    apr_size_t size; /* 0: nothing to send */
} xipc__auth_reply_t;

typedef struct {
    const void *key;
    apr_size_t key_size;
    xipc__auth_side_e side;
    int step;
    int is_done;
    unsigned char challenge[XIPC__AUTH_CHALLENGE];
} xipc__auth_t;

/* Begin; the key must live as long. A listener has a first message to send. */
apr_status_t xipc__auth_begin(xipc__auth_t *auth, xipc__auth_reply_t *reply, xipc__auth_side_e side,
                              const void *key, apr_size_t key_size);

/*
 * Take a message of the other side, and tell what is to be sent; auth->is_done when that is the
 * last. XIPC_EAUTH: it is over, once the reply has been sent.
 */
apr_status_t xipc__auth_take(xipc__auth_t *auth, xipc__auth_reply_t *reply, const void *message,
                             apr_size_t size);

#endif
