/* Connections between programs that did not start each other; the promises of listener.h. */
#include "testing.h"

#include "xipc/listener.h"
#include "xipc/wait.h"

#include <apr_strings.h>

/* ---- targets ---- */

enum { CLIENT_EAUTH = 40, CLIENT_REFUSED, CLIENT_TIMEUP, CLIENT_FAILED };

/* In a child: no checks that are a test's. */
static xipc_client_options_t *client_options(const char *key, apr_pool_t *pool)
{
    xipc_client_options_t *options = NULL;
    (void)xipc_client_options_create(&options, pool);
    (void)xipc_client_options_authkey_set(options, key, strlen(key));
    return options;
}

/* Connect, send a number, and wait for an answer. Args: address, key ("" for none), number. */
static int call(xipc_values_t *args, apr_pool_t *pool)
{
    const char *address;
    const char *key;
    apr_int64_t number;
    xipc_connection_t *connection;
    if (xipc_values_get_string(&address, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_string(&key, args, 1) != APR_SUCCESS) return 91;
    if (xipc_values_get_int(&number, args, 2) != APR_SUCCESS) return 92;
    const xipc_client_options_t *options = *key != '\0' ? client_options(key, pool) : NULL;
    apr_status_t rv = xipc_client_connect(&connection, address, options, TESTING_PATIENCE, pool);
    if (rv == XIPC_EAUTH) return CLIENT_EAUTH;
    if (APR_STATUS_IS_TIMEUP(rv)) return CLIENT_TIMEUP;
    if (rv != APR_SUCCESS) return CLIENT_FAILED;
    if (!testing_send_int(connection, number)) return 93;
    return testing_recv_int(&number, connection, TESTING_PATIENCE) ? (int)number : 94;
}

/* Connect, send so many bytes that mean nothing, or leave (-1). Args: address, bytes. */
static int babble(xipc_values_t *args, apr_pool_t *pool)
{
    static const char nonsense[400] = "#WELCOME#";
    const char *address;
    apr_int64_t size;
    xipc_connection_t *connection;
    if (xipc_values_get_string(&address, args, 0) != APR_SUCCESS) return 90;
    if (xipc_values_get_int(&size, args, 1) != APR_SUCCESS) return 91;
    apr_status_t rv = xipc_client_connect(&connection, address, NULL, TESTING_PATIENCE, pool);
    if (rv == APR_SUCCESS && size >= 0)
        rv = xipc_connection_send(connection, nonsense, (apr_size_t)size, TESTING_PATIENCE);
    while (rv == APR_SUCCESS && size >= 0) {
        void *data;
        apr_size_t got;
        if (xipc_connection_recv(&data, &got, connection, TESTING_PATIENCE, pool) != APR_SUCCESS)
            break;
    }
    return rv == APR_SUCCESS ? 0 : CLIENT_FAILED;
}

/* Connect and say nothing until the listener leaves. Args: address. */
static int stall(xipc_values_t *args, apr_pool_t *pool)
{
    const char *address;
    xipc_connection_t *connection;
    apr_status_t rv = xipc_values_get_string(&address, args, 0);
    if (rv == APR_SUCCESS)
        rv = xipc_client_connect(&connection, address, NULL, TESTING_PATIENCE, pool);
    while (rv == APR_SUCCESS) {
        void *data;
        apr_size_t size;
        rv = xipc_connection_recv(&data, &size, connection, TESTING_PATIENCE, pool);
    }
    return APR_STATUS_IS_EOF(rv) ? 0 : CLIENT_FAILED;
}

/* Say that it runs, and stay until the other side's end. Args: connection. */
static int stay(xipc_values_t *args, apr_pool_t *pool)
{
    xipc_connection_t *connection;
    (void)pool;
    if (xipc_values_get_connection(&connection, args, 0) != APR_SUCCESS) return 90;
    if (!testing_send_int(connection, 1)) return 91;
    return xipc_connection_poll(connection, TESTING_PATIENCE) == APR_SUCCESS ? 0 : 92;
}

/* ---- common ---- */

static xipc_listener_t *listen_with(const char *address, const char *key,
                                    apr_interval_time_t handshake, testing_t *test)
{
    xipc_listener_t *listener;
    xipc_listener_options_t *options;
    if (!CHECK_OK(xipc_listener_options_create(&options, test->pool))) return NULL;
    if (key != NULL) CHECK_OK(xipc_listener_options_authkey_set(options, key, strlen(key)));
    if (handshake > 0) CHECK_OK(xipc_listener_options_handshake_timeout_set(options, handshake));
    return CHECK_OK(xipc_listener_create(&listener, address, options, test->pool)) ? listener
                                                                                   : NULL;
}

static xipc_process_t *start_client(const xipc_listener_t *listener, const char *key, int number,
                                    testing_t *test)
{
    xipc_values_t *args = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_string(args, xipc_listener_address(listener)));
    CHECK_OK(xipc_values_add_string(args, key));
    CHECK_OK(xipc_values_add_int(args, number));
    return testing_start(test, call, args);
}

static xipc_process_t *start_stalling(const xipc_listener_t *listener, testing_t *test)
{
    xipc_values_t *args = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_string(args, xipc_listener_address(listener)));
    return testing_start(test, stall, args);
}

/* Accept a client, and answer its number with one more. */
static void serve_one(xipc_listener_t *listener, int number, testing_t *test)
{
    xipc_connection_t *connection;
    apr_int64_t got = -1;
    REQUIRE_OK(xipc_listener_accept(&connection, listener, TESTING_PATIENCE, test->pool));
    CHECK(testing_recv_int(&got, connection, TESTING_PATIENCE));
    CHECK_NUMBER(number, got);
    CHECK(testing_send_int(connection, got + 1));
    CHECK_OK(xipc_connection_close(connection));
}

static void check_call(const char *address, const char *key, testing_t *test)
{
    xipc_listener_t *listener = listen_with(address, key, 0, test);
    REQUIRE(listener != NULL);
    xipc_process_t *client = start_client(listener, key != NULL ? key : "", 5, test);
    REQUIRE(client != NULL);
    serve_one(listener, 5, test);
    CHECK_NUMBER(6, testing_finish(client));
    CHECK_OK(xipc_listener_close(listener));
}

/* An address of that kind that nobody uses, or NULL where there is none. */
static const char *local_address(testing_t *test)
{
    if (!system_has_fork()) return apr_psprintf(test->pool, "pipe:xipc-test-%d", (int)system_pid());
    return apr_pstrcat(test->pool, "unix:", testing_temporary("listener", test->pool), NULL);
}

/* ---- reaching each other ---- */

static void client_reaches_a_listener_at_a_private_address(testing_t *test)
{
    check_call(NULL, NULL, test);
    check_call("", "secret", test);
}

static void client_reaches_a_listener_at_a_local_name(testing_t *test)
{
    check_call(local_address(test), NULL, test);
    check_call(local_address(test), "secret", test);
}

static void client_reaches_a_listener_over_tcp(testing_t *test)
{
    check_call("tcp:127.0.0.1:0", NULL, test);
    check_call("tcp:127.0.0.1:0", "secret", test);
}

static void client_reaches_a_listener_at_an_abstract_name(testing_t *test)
{
    xipc_listener_t *listener;
    const char *address = apr_psprintf(test->pool, "unix:@xipc-test-%d", (int)system_pid());
    apr_status_t rv = xipc_listener_create(&listener, address, NULL, test->pool);
    if (rv == APR_ENOTIMPL) {
        testing_skip("no abstract names here");
        return;
    }
    REQUIRE_OK(rv);
    CHECK_OK(xipc_listener_close(listener));
    check_call(address, "secret", test);
}

static void host_is_reached_by_name_and_by_number(testing_t *test)
{
    static const char *const hosts[][2] = {{"localhost", "127.0.0.1"}, {"127.0.0.1", "localhost"}};
    for (int i = 0; i < 2; i++) {
        xipc_connection_t *client;
        xipc_connection_t *server;
        const char *address = apr_psprintf(test->pool, "tcp:%s:0", hosts[i][0]);
        xipc_listener_t *listener = listen_with(address, NULL, 0, test);
        REQUIRE(listener != NULL);
        const char *port = strrchr(xipc_listener_address(listener), ':');
        address = apr_psprintf(test->pool, "tcp:%s%s", hosts[i][1], port);
        CHECK_OK(xipc_client_connect(&client, address, NULL, TESTING_PATIENCE, test->pool));
        CHECK_OK(xipc_listener_accept(&server, listener, TESTING_PATIENCE, test->pool));
    }
}

static void socket_file_is_for_its_owner_alone_whatever_the_umask(testing_t *test)
{
    if (!system_grant_all(1)) {
        testing_skip("no files for sockets here");
        return;
    }
    xipc_listener_t *listener = listen_with(local_address(test), NULL, 0, test);
    xipc_listener_t *hidden = listen_with(NULL, NULL, 0, test);
    (void)system_grant_all(0);
    REQUIRE(listener != NULL && hidden != NULL);
    const char *path = xipc_listener_address(listener) + strlen("unix:");
    CHECK_NUMBER(0, system_is_file_open_to_others(path));
    char *directory = apr_pstrdup(test->pool, xipc_listener_address(hidden) + strlen("unix:"));
    *strrchr(directory, '/') = '\0';
    CHECK_NUMBER(0, system_is_file_open_to_others(directory));
    CHECK_OK(xipc_listener_close(listener));
    CHECK(system_is_file_open_to_others(path)); /* it is gone */
}

static void chosen_port_is_in_the_address(testing_t *test)
{
    xipc_listener_t *listener = listen_with("tcp:127.0.0.1:0", NULL, 0, test);
    REQUIRE(listener != NULL);
    const char *address = xipc_listener_address(listener);
    CHECK(strncmp(address, "tcp:127.0.0.1:", 14) == 0 && strcmp(address + 14, "0") != 0);
}

static void client_waits_for_its_listener(testing_t *test)
{
    const char *address = local_address(test);
    xipc_values_t *args = xipc_values_make(test->pool);
    CHECK_OK(xipc_values_add_string(args, address));
    CHECK_OK(xipc_values_add_string(args, ""));
    CHECK_OK(xipc_values_add_int(args, 7));
    xipc_process_t *client = testing_start(test, call, args);
    REQUIRE(client != NULL);
    apr_sleep(MILLISECONDS(30));
    xipc_listener_t *listener = listen_with(address, NULL, 0, test);
    REQUIRE(listener != NULL);
    serve_one(listener, 7, test);
    CHECK_NUMBER(8, testing_finish(client));
}

static void child_does_not_keep_its_starters_listener_open(testing_t *test)
{
    xipc_connection_t *here;
    xipc_connection_t *there;
    xipc_connection_t *connection;
    apr_int64_t number;
    xipc_values_t *args = xipc_values_make(test->pool);
    xipc_listener_t *listener = listen_with("tcp:127.0.0.1:0", NULL, 0, test);
    REQUIRE(listener != NULL);
    REQUIRE_OK(xipc_pipe_create(&here, &there, 1, test->pool));
    CHECK_OK(xipc_values_add_connection(args, there));
    xipc_process_t *child = testing_start(test, stay, args);
    REQUIRE(child != NULL);
    CHECK_OK(xipc_connection_close(there));
    CHECK(testing_recv_int(&number, here, TESTING_PATIENCE));
    CHECK_OK(xipc_listener_close(listener));
    CHECK(xipc_client_connect(&connection, xipc_listener_address(listener), NULL, 0, test->pool) !=
          APR_SUCCESS);
    CHECK_OK(xipc_connection_close(here));
    CHECK_NUMBER(0, testing_finish(child));
}

static void connect_gives_up_where_nobody_listens(testing_t *test)
{
    xipc_connection_t *connection;
    const char *address = local_address(test);
    apr_time_t began = system_clock();
    apr_status_t rv =
        xipc_client_connect(&connection, address, NULL, MILLISECONDS(100), test->pool);
    CHECK(rv != APR_SUCCESS);
    CHECK_WAITED(began, MILLISECONDS(100));
    CHECK(xipc_client_connect(&connection, address, NULL, 0, test->pool) != APR_SUCCESS);
}

static void accept_gives_up_after_the_timeout(testing_t *test)
{
    xipc_connection_t *connection;
    xipc_listener_t *listener = listen_with(NULL, NULL, 0, test);
    REQUIRE(listener != NULL);
    apr_time_t began = system_clock();
    CHECK_STATUS(APR_TIMEUP,
                 xipc_listener_accept(&connection, listener, MILLISECONDS(100), test->pool));
    CHECK_WAITED(began, MILLISECONDS(100));
    CHECK_STATUS(APR_TIMEUP, xipc_listener_accept(&connection, listener, 0, test->pool));
}

static void many_clients_are_served_one_after_the_other(testing_t *test)
{
    enum { COUNT = 8 };
    xipc_process_t *clients[COUNT];
    xipc_listener_t *listener = listen_with(NULL, "secret", 0, test);
    REQUIRE(listener != NULL);
    for (int i = 0; i < COUNT; i++) clients[i] = start_client(listener, "secret", 5, test);
    for (int i = 0; i < COUNT; i++) serve_one(listener, 5, test);
    for (int i = 0; i < COUNT; i++) CHECK_NUMBER(6, testing_finish(clients[i]));
}

/* ---- keys ---- */

static void wrong_key_is_XIPC_EAUTH_on_both_sides_and_the_next_is_served(testing_t *test)
{
    xipc_connection_t *connection;
    xipc_listener_t *listener = listen_with(NULL, "secret", 0, test);
    REQUIRE(listener != NULL);
    xipc_process_t *wrong = start_client(listener, "guess", 5, test);
    CHECK_STATUS(XIPC_EAUTH,
                 xipc_listener_accept(&connection, listener, TESTING_PATIENCE, test->pool));
    CHECK_NUMBER(CLIENT_EAUTH, testing_finish(wrong));
    xipc_process_t *right = start_client(listener, "secret", 5, test);
    serve_one(listener, 5, test);
    CHECK_NUMBER(6, testing_finish(right));
}

static void client_that_stalls_holds_up_nobody_and_is_turned_away(testing_t *test)
{
    xipc_connection_t *connection;
    xipc_listener_t *listener = listen_with(NULL, "secret", MILLISECONDS(700), test);
    REQUIRE(listener != NULL);
    xipc_process_t *stalling = start_stalling(listener, test);
    xipc_process_t *good = start_client(listener, "secret", 5, test);
    serve_one(listener, 5, test);
    CHECK_NUMBER(6, testing_finish(good));
    apr_status_t rv = xipc_listener_accept(&connection, listener, TESTING_PATIENCE, test->pool);
    CHECK_STATUS(XIPC_EAUTH, rv);
    CHECK(strstr(testing_text(rv), "stalled") != NULL);
    CHECK_NUMBER(0, testing_finish(stalling));
}

static void check_babble(const char *address, testing_t *test)
{
    static const int sizes[] = {-1, 0, 9, 16, 20, 48, 256, 257, 400};
    xipc_connection_t *connection;
    xipc_listener_t *listener = listen_with(address, "secret", 0, test);
    REQUIRE(listener != NULL);
    for (apr_size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        xipc_values_t *args = xipc_values_make(test->pool);
        CHECK_OK(xipc_values_add_string(args, xipc_listener_address(listener)));
        CHECK_OK(xipc_values_add_int(args, sizes[i]));
        xipc_process_t *bad = testing_start(test, babble, args);
        CHECK_STATUS(XIPC_EAUTH,
                     xipc_listener_accept(&connection, listener, TESTING_PATIENCE, test->pool));
        CHECK_NUMBER(0, testing_finish(bad));
    }
    xipc_process_t *good = start_client(listener, "secret", 5, test);
    serve_one(listener, 5, test);
    CHECK_NUMBER(6, testing_finish(good));
}

static void client_that_leaves_or_babbles_costs_itself_only(testing_t *test)
{
    check_babble(NULL, test);
    check_babble("tcp:127.0.0.1:0", test); /* where one that leaves may come as a reset */
}

static void client_in_its_handshake_goes_on_when_another_can_not_be_let_in(testing_t *test)
{
    xipc_connection_t *connection;
    xipc_connection_t *first;
    xipc_connection_t *second;
    xipc_listener_t *listener = listen_with(NULL, "secret", 0, test);
    REQUIRE(listener != NULL);
    const char *address = xipc_listener_address(listener);
    if (!system_has_fork()) {
        testing_skip("no limit of handles here, and a client waits to be let in");
        return;
    }
    REQUIRE_OK(xipc_client_connect(&first, address, NULL, TESTING_PATIENCE, test->pool));
    CHECK_STATUS(APR_TIMEUP, xipc_listener_accept(&connection, listener, 0, test->pool));
    REQUIRE_OK(xipc_client_connect(&second, address, NULL, TESTING_PATIENCE, test->pool));
    CHECK_OK(xipc_connection_send(first, "nonsense", 8, TESTING_PATIENCE));
    REQUIRE(system_limit_handles(0));
    CHECK_STATUS(XIPC_EAUTH, xipc_listener_accept(&connection, listener, 0, test->pool));
    system_unlimit_handles();
    CHECK_OK(xipc_connection_send(second, "nonsense", 8, TESTING_PATIENCE));
    CHECK_STATUS(XIPC_EAUTH,
                 xipc_listener_accept(&connection, listener, TESTING_PATIENCE, test->pool));
}

/* ---- who is there ---- */

static void peer_of_a_local_connection_is_known(testing_t *test)
{
    xipc_connection_t *connection;
    xipc_peer_t peer = {0, 0};
    apr_int64_t number;
    xipc_listener_t *listener = listen_with(NULL, NULL, 0, test);
    REQUIRE(listener != NULL);
    xipc_process_t *client = start_client(listener, "", 5, test);
    REQUIRE(client != NULL);
    REQUIRE_OK(xipc_listener_accept(&connection, listener, TESTING_PATIENCE, test->pool));
    CHECK_OK(xipc_connection_peer(&peer, connection));
    CHECK(peer.pid == -1 || peer.pid == xipc_process_pid(client));
    CHECK(peer.pid != -1 || peer.user != -1);
    CHECK(testing_recv_int(&number, connection, TESTING_PATIENCE));
    CHECK_OK(xipc_connection_close(connection));
    CHECK_NUMBER(94, testing_finish(client)); /* it had no answer */
}

static void listener_is_ready_in_a_wait_when_a_client_is_there(testing_t *test)
{
    xipc_connection_t *connection;
    apr_size_t ready;
    xipc_listener_t *listener = listen_with(NULL, NULL, 0, test);
    REQUIRE(listener != NULL);
    xipc_wait_item_t item = {.kind = XIPC_WAIT_LISTENER, .of.listener = listener};
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, &item, 1, MILLISECONDS(10)));
    xipc_process_t *client = start_client(listener, "", 5, test);
    CHECK_OK(xipc_wait(&ready, &item, 1, TESTING_PATIENCE));
    CHECK(item.is_ready);
    serve_one(listener, 5, test);
    CHECK_NUMBER(6, testing_finish(client));
    CHECK_STATUS(APR_TIMEUP, xipc_listener_accept(&connection, listener, 0, test->pool));
}

static void handle_of_a_listener_is_ready_when_a_client_is_there(testing_t *test)
{
    apr_os_file_t handle;
    apr_size_t ready;
    xipc_listener_t *listener = listen_with(NULL, NULL, 0, test);
    REQUIRE(listener != NULL);
    REQUIRE_OK(xipc_listener_os_get(&handle, listener));
    xipc_wait_item_t item = {.kind = XIPC_WAIT_HANDLE, .of.handle = handle};
    CHECK_STATUS(APR_TIMEUP, xipc_wait(&ready, &item, 1, MILLISECONDS(10)));
    xipc_process_t *client = start_client(listener, "", 5, test);
    CHECK_OK(xipc_wait(&ready, &item, 1, TESTING_PATIENCE));
    serve_one(listener, 5, test);
    CHECK_NUMBER(6, testing_finish(client));
    CHECK_STATUS(APR_EINVAL, xipc_listener_os_get(NULL, listener));
    CHECK_STATUS(APR_EINVAL, xipc_listener_os_get(&handle, NULL));
    CHECK_OK(xipc_listener_close(listener));
    CHECK_STATUS(XIPC_ECLOSED, xipc_listener_os_get(&handle, listener));
}

/* ---- names ---- */

static void address_in_use_is_refused(testing_t *test)
{
    xipc_listener_t *second;
    const char *address = local_address(test);
    xipc_listener_t *listener = listen_with(address, NULL, 0, test);
    REQUIRE(listener != NULL);
    CHECK(xipc_listener_create(&second, address, NULL, test->pool) != APR_SUCCESS);
    CHECK_OK(xipc_listener_close(listener));
    CHECK_OK(xipc_listener_create(&second, address, NULL, test->pool));
}

static void malformed_addresses_are_APR_EINVAL_with_the_reason(testing_t *test)
{
    static const char *const bad[] = {
        "nothing", "unix:",       "unix:@", "tcp:",     "tcp:host",  "tcp::5",
        "tcp:h:x", "tcp:h:70000", "pipe:",  "tcp:[]:5", "pipe:a\\b", "http://x",
    };
    xipc_listener_t *listener;
    xipc_connection_t *connection;
    for (apr_size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        apr_status_t rv = xipc_listener_create(&listener, bad[i], NULL, test->pool);
        CHECK_STATUS(APR_EINVAL, rv);
        CHECK(strstr(testing_text(rv), bad[i]) != NULL);
        CHECK_STATUS(APR_EINVAL, xipc_client_connect(&connection, bad[i], NULL, 0, test->pool));
    }
    CHECK_STATUS(APR_EINVAL, xipc_client_connect(&connection, "", NULL, 0, test->pool));
}

static void name_too_long_is_APR_EINVAL_with_the_limit(testing_t *test)
{
    xipc_listener_t *listener;
    char *address = apr_palloc(test->pool, 600);
    memset(address, 'x', 599);
    address[599] = '\0';
    memcpy(address, system_has_fork() ? "unix:/" : "pipe:x", 6);
    apr_status_t rv = xipc_listener_create(&listener, address, NULL, test->pool);
    CHECK_STATUS(APR_EINVAL, rv);
    CHECK(testing_text_has_number_below(testing_text(rv), 599));
}

/* ---- bad input ---- */

static void closed_listener_is_XIPC_ECLOSED(testing_t *test)
{
    xipc_connection_t *connection;
    xipc_listener_t *listener = listen_with(NULL, NULL, 0, test);
    REQUIRE(listener != NULL);
    CHECK_OK(xipc_listener_close(listener));
    CHECK_OK(xipc_listener_close(listener));
    CHECK_STATUS(XIPC_ECLOSED, xipc_listener_accept(&connection, listener, 0, test->pool));
}

static void listeners_and_clients_refuse_NULL(testing_t *test)
{
    xipc_listener_t *listener;
    xipc_connection_t *connection;
    xipc_listener_options_t *options;
    xipc_client_options_t *client;
    CHECK_STATUS(APR_EINVAL, xipc_listener_create(NULL, NULL, NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_listener_create(&listener, NULL, NULL, NULL));
    CHECK_STATUS(APR_EINVAL, xipc_listener_accept(&connection, NULL, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_listener_close(NULL));
    CHECK_STATUS(APR_EINVAL, xipc_client_connect(NULL, "tcp:h:1", NULL, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_client_connect(&connection, NULL, NULL, 0, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_listener_options_create(NULL, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_client_options_create(NULL, test->pool));
    REQUIRE_OK(xipc_listener_options_create(&options, test->pool));
    REQUIRE_OK(xipc_client_options_create(&client, test->pool));
    CHECK_STATUS(APR_EINVAL, xipc_listener_options_authkey_set(options, NULL, 0));
    CHECK_STATUS(APR_EINVAL, xipc_client_options_authkey_set(client, NULL, 0));
    CHECK_STATUS(APR_EINVAL, xipc_listener_options_backlog_set(options, 0));
    CHECK_STATUS(APR_EINVAL, xipc_listener_options_handshake_timeout_set(options, 0));
    CHECK_TEXT("", xipc_listener_address(NULL));
}

static const testing_case_t cases[] = {
    EACH_METHOD(client_reaches_a_listener_at_a_private_address),
    EACH_METHOD(client_reaches_a_listener_at_a_local_name),
    EACH_METHOD(client_reaches_a_listener_over_tcp),
    EACH_METHOD(client_reaches_a_listener_at_an_abstract_name),
    ONCE(host_is_reached_by_name_and_by_number),
    ONCE(socket_file_is_for_its_owner_alone_whatever_the_umask),
    ONCE(chosen_port_is_in_the_address),
    EACH_METHOD(client_waits_for_its_listener),
    EACH_METHOD(child_does_not_keep_its_starters_listener_open),
    ONCE(connect_gives_up_where_nobody_listens),
    ONCE(accept_gives_up_after_the_timeout),
    EACH_METHOD(many_clients_are_served_one_after_the_other),
    EACH_METHOD(wrong_key_is_XIPC_EAUTH_on_both_sides_and_the_next_is_served),
    EACH_METHOD(client_that_stalls_holds_up_nobody_and_is_turned_away),
    EACH_METHOD(client_that_leaves_or_babbles_costs_itself_only),
    ONCE(client_in_its_handshake_goes_on_when_another_can_not_be_let_in),
    EACH_METHOD(peer_of_a_local_connection_is_known),
    EACH_METHOD(listener_is_ready_in_a_wait_when_a_client_is_there),
    EACH_METHOD(handle_of_a_listener_is_ready_when_a_client_is_there),
    ONCE(address_in_use_is_refused),
    ONCE(malformed_addresses_are_APR_EINVAL_with_the_reason),
    ONCE(name_too_long_is_APR_EINVAL_with_the_limit),
    ONCE(closed_listener_is_XIPC_ECLOSED),
    ONCE(listeners_and_clients_refuse_NULL),
};

int main(int argc, char **argv)
{
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return TESTING_NO_START;
    testing_use_sockets();
    return testing_main("listener", cases, sizeof cases / sizeof *cases, argc, argv);
}
