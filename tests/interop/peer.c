/*
 * peer.c - the C side of the tests with a real Python: a listener that echoes, or a client that
 * sends messages and checks what comes back.
 *
 *   peer listen ADDRESS KEY    prints the address, echoes until the end
 *   peer connect ADDRESS KEY [large]
 *
 * KEY "-" is none.
 */
#include <xipc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE apr_time_from_sec(60)

static void check(apr_status_t rv, const char *what)
{
    char text[256];
    if (rv == APR_SUCCESS) return;
    fprintf(stderr, "%s: %s\n", what, xipc_strerror(rv, text, sizeof text));
    exit(EXIT_FAILURE);
}

/* Echo, each message in a pool of its own. */
static void echo(xipc_connection_t *connection, apr_pool_t *pool)
{
    for (;;) {
        apr_pool_t *each;
        void *data;
        apr_size_t size;
        check(apr_pool_create(&each, pool), "pool");
        apr_status_t rv = xipc_connection_recv(&data, &size, connection, PATIENCE, each);
        if (rv == APR_EOF) return;
        check(rv, "recv");
        check(xipc_connection_send(connection, data, size, PATIENCE), "send");
        apr_pool_destroy(each);
    }
}

static void exchange(xipc_connection_t *connection, apr_size_t size)
{
    apr_size_t got = 0;
    char *sent = malloc(size + 1);
    char *received = malloc(size + 1);
    if (sent == NULL || received == NULL) exit(EXIT_FAILURE);
    memset(sent, 'x', size);
    if (size > 0) sent[size - 1] = 'y';
    check(xipc_connection_send(connection, sent, size, PATIENCE), "send");
    check(xipc_connection_poll(connection, PATIENCE), "poll");
    check(xipc_connection_recv_into(&got, connection, received, size + 1, PATIENCE), "recv");
    if (!APR_STATUS_IS_TIMEUP(xipc_connection_poll(connection, 0))) exit(EXIT_FAILURE);
    if (got != size || memcmp(sent, received, size) != 0) {
        fprintf(stderr, "%zu bytes came back as %zu others\n", size, got);
        exit(EXIT_FAILURE);
    }
    free(sent);
    free(received);
}

static void run_listener(const char *address, const char *key, apr_pool_t *pool)
{
    xipc_listener_options_t *options;
    xipc_listener_t *listener;
    xipc_connection_t *connection;
    check(xipc_listener_options_create(&options, pool), "options");
    if (key != NULL) check(xipc_listener_options_authkey_set(options, key, strlen(key)), "authkey");
    check(xipc_listener_create(&listener, address, options, pool), "listener");
    printf("%s\n", xipc_listener_address(listener));
    fflush(stdout);
    check(xipc_listener_accept(&connection, listener, PATIENCE, pool), "accept");
    echo(connection, pool);
    check(xipc_listener_close(listener), "close");
}

static void run_client(const char *address, const char *key, int is_large, apr_pool_t *pool)
{
    static const apr_size_t sizes[] = {0, 1, 16384, 16385, 1 << 20};
    xipc_client_options_t *options;
    xipc_connection_t *connection;
    check(xipc_client_options_create(&options, pool), "options");
    if (key != NULL) check(xipc_client_options_authkey_set(options, key, strlen(key)), "authkey");
    check(xipc_client_connect(&connection, address, options, PATIENCE, pool), "connect");
    for (apr_size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) exchange(connection, sizes[i]);
    if (is_large) exchange(connection, ((apr_size_t)1 << 31) + 5);
    check(xipc_connection_close(connection), "close");
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    check(xipc_initialize(&argc, &argv), "initialize");
    check(apr_pool_create(&pool, NULL), "pool");
    if (argc < 4) return 2;
    const char *key = strcmp(argv[3], "-") == 0 ? NULL : argv[3];
    if (strcmp(argv[1], "listen") == 0)
        run_listener(argv[2], key, pool);
    else
        run_client(argv[2], key, argc > 4, pool);
    xipc_terminate();
    return EXIT_SUCCESS;
}
