/* Connecting to a listener, with and without a key, beside bare connect and accept. */
#include "bench.h"
#include "sockets.h"

#include "xipc/listener.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef XIPC_BENCH_OPENSSL
#include <openssl/evp.h>
#include <openssl/hmac.h>
#endif

static const char key[] = "a key for the benchmark";
static const char challenge_word[] = "#CHALLENGE#";
static const char welcome_word[] = "#WELCOME#";

enum { NO_KEY, NEW_DIGEST, OLD_DIGEST };
enum { OLD_CHALLENGE = 20, OLD_RESPONSE = 16, MESSAGE_MAX = 256 };

typedef union {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in tcp;
} place_t;

typedef struct {
    int has_key;
    xipc_listener_t *listener;
    const char *address;
    int listening; /* a bare socket */
    place_t place;
    socklen_t place_size;
} meeting_t;

static void need(apr_status_t rv)
{
    bench_need(rv == APR_SUCCESS, "a listener or a client");
}

/* ---- xipc ---- */

static void accept_all(const bench_side_t *side)
{
    const meeting_t *meeting = side->context;
    apr_pool_t *pool = bench_pool();
    for (uint64_t i = 0; i < side->messages; i++) {
        xipc_connection_t *connection;
        need(xipc_listener_accept(&connection, meeting->listener, -1, pool));
        apr_pool_clear(pool);
    }
}

static void connect_all(const bench_side_t *side)
{
    const meeting_t *meeting = side->context;
    apr_pool_t *lasting = bench_pool();
    apr_pool_t *pool = bench_pool();
    xipc_client_options_t *options;
    need(xipc_client_options_create(&options, lasting));
    if (meeting->has_key) need(xipc_client_options_authkey_set(options, key, sizeof key));
    for (uint64_t i = 0; i < side->messages; i++) {
        xipc_connection_t *connection;
        need(xipc_client_connect(&connection, meeting->address, options, -1, pool));
        apr_pool_clear(pool);
    }
}

static void meet(const bench_side_t *side)
{
    (side->is_reader ? accept_all : connect_all)(side);
}

/* ---- a peer of the old kind ---- */

#ifdef XIPC_BENCH_OPENSSL
static void answer_challenge(socket_t *line)
{
    unsigned char message[MESSAGE_MAX];
    unsigned char response[EVP_MAX_MD_SIZE];
    unsigned size;
    size_t got;
    const size_t prefix = sizeof challenge_word - 1;
    bench_need(socket_receive(line, message, &got) && got > prefix, "a challenge");
    (void)HMAC(EVP_md5(), key, sizeof key, message + prefix, got - prefix, response, &size);
    bench_need(socket_send(line->fd, response, size), "a response");
    bench_need(socket_receive(line, message, &got) && got == sizeof welcome_word - 1, "a welcome");
}

static void challenge(socket_t *line)
{
    unsigned char message[MESSAGE_MAX];
    unsigned char expected[EVP_MAX_MD_SIZE];
    unsigned size;
    size_t got;
    const size_t prefix = sizeof challenge_word - 1;
    memcpy(message, challenge_word, prefix);
    memset(message + prefix, 7, OLD_CHALLENGE);
    (void)HMAC(EVP_md5(), key, sizeof key, message + prefix, OLD_CHALLENGE, expected, &size);
    bench_need(socket_send(line->fd, message, prefix + OLD_CHALLENGE), "a challenge");
    bench_need(socket_receive(line, message, &got) && got == OLD_RESPONSE &&
                   memcmp(message, expected, got) == 0,
               "a response");
    bench_need(socket_send(line->fd, welcome_word, sizeof welcome_word - 1), "a welcome");
}

/* As a client of Python up to 3.11 does. */
static void connect_all_old(const bench_side_t *side)
{
    static socket_t line;
    const meeting_t *meeting = side->context;
    for (uint64_t i = 0; i < side->messages; i++) {
        line.fd = socket(meeting->place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        line.at = line.size = 0;
        bench_need(connect(line.fd, &meeting->place.any, meeting->place_size) == 0, "connect");
        answer_challenge(&line);
        challenge(&line);
        (void)close(line.fd);
    }
}

static void meet_old(const bench_side_t *side)
{
    (side->is_reader ? accept_all : connect_all_old)(side);
}
#endif

/* ---- samples ---- */

/* Where a listener of xipc's is, for a bare client. */
static void learn_place(meeting_t *meeting)
{
    const char *address = meeting->address;
    memset(&meeting->place, 0, sizeof meeting->place);
    if (strncmp(address, "unix:", 5) == 0) {
        meeting->place.local.sun_family = AF_UNIX;
        (void)snprintf(meeting->place.local.sun_path, sizeof meeting->place.local.sun_path, "%s",
                       address + 5);
        meeting->place_size = sizeof meeting->place.local;
        return;
    }
    meeting->place.tcp.sin_family = AF_INET;
    meeting->place.tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    meeting->place.tcp.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    meeting->place_size = sizeof meeting->place.tcp;
}

static double handshakes(const bench_work_t *work)
{
    meeting_t meeting = {.has_key = work->kind != NO_KEY};
    apr_pool_t *pool = bench_pool();
    xipc_listener_options_t *options;
    void (*run)(const bench_side_t *) = meet;
#ifdef XIPC_BENCH_OPENSSL
    if (work->kind == OLD_DIGEST) run = meet_old;
#else
    if (work->kind == OLD_DIGEST) return bench_cannot("this build has no libcrypto");
#endif
    need(xipc_listener_options_create(&options, pool));
    if (meeting.has_key &&
        xipc_listener_options_authkey_set(options, key, sizeof key) != APR_SUCCESS)
        return bench_cannot("this build has no authkeys");
    need(xipc_listener_create(&meeting.listener, work->how, options, pool));
    meeting.address = xipc_listener_address(meeting.listener);
    learn_place(&meeting);
    double time = bench_run_work(work, run, &meeting);
    apr_pool_destroy(pool);
    return time;
}

/* ---- the floor ---- */

static void meet_raw(const bench_side_t *side)
{
    const meeting_t *meeting = side->context;
    for (uint64_t i = 0; i < side->messages; i++) {
        int fd;
        if (side->is_reader) {
            fd = accept4(meeting->listening, NULL, NULL, SOCK_CLOEXEC);
        } else {
            fd = socket(meeting->place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
            bench_need(connect(fd, &meeting->place.any, meeting->place_size) == 0, "connect");
        }
        bench_need(fd >= 0, "accept");
        (void)close(fd);
    }
}

static double connect_and_accept(const bench_work_t *work)
{
    char directory[] = "/tmp/xipc-bench-XXXXXX";
    char path[64];
    const char *tcp = work->how;
    meeting_t meeting = {.address = tcp != NULL ? tcp : path};
    bench_need(mkdtemp(directory) != NULL, "mkdtemp");
    (void)snprintf(path, sizeof path, "unix:%s/listener", directory);
    learn_place(&meeting);
    meeting.listening = socket(meeting.place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_need(bind(meeting.listening, &meeting.place.any, meeting.place_size) == 0 &&
                   listen(meeting.listening, 128) == 0 &&
                   getsockname(meeting.listening, &meeting.place.any, &meeting.place_size) == 0,
               "listen");
    double time = bench_run_work(work, meet_raw, &meeting);
    (void)close(meeting.listening);
    (void)unlink(path + 5);
    (void)rmdir(directory);
    return time;
}

/* ---- rows ---- */

void bench_handshakes(bench_t *bench)
{
    static const char *const keys[] = {[NO_KEY] = "no key",
                                       [NEW_DIGEST] = "a key, new digest",
                                       [OLD_DIGEST] = "a key, old digest"};
    char name[64];
    for (int i = 0; i < 2; i++) {
        for (int kind = NO_KEY; kind <= OLD_DIGEST; kind++) {
            const char *address = i == 0 ? NULL : "tcp:127.0.0.1:0";
            bench_row_t row = {.name = name, .floor_name = "raw connect, accept"};
            row.xipc = (bench_work_t){.once = handshakes,
                                      .count = 1000,
                                      .place = BENCH_TWO_PROCESSORS,
                                      .kind = kind,
                                      .how = address};
            row.floor = row.xipc;
            row.floor.once = connect_and_accept;
            (void)snprintf(name, sizeof name, "connect and accept, %s, %s",
                           i == 0 ? "unix:" : "tcp:", keys[kind]);
            bench_row(bench, &row);
        }
    }
}
