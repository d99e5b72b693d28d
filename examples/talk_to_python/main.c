/*
 * talk_to_python: a Python at the other end, which calls us, and which we call.
 *
 * The Python is started as a program of ours; what it says on its standard output is collected.
 */
#include "../example.h"

#include <apr_strings.h>

#define PATIENCE apr_time_from_sec(30)
#define KEY "secret"

/* Python's side: "call PORT" connects to us, "listen" waits for us and says at which port. */
static const char script[] =
    "import sys\n"
    "from multiprocessing.connection import Client, Listener\n"
    "if sys.argv[1] == 'call':\n"
    "    with Client(('127.0.0.1', int(sys.argv[2])), authkey=b'" KEY "') as connection:\n"
    "        connection.send_bytes(b'I am a Python that calls')\n"
    "        print('python: received message =', connection.recv_bytes().decode())\n"
    "else:\n"
    "    with Listener(('127.0.0.1', 0), authkey=b'" KEY "') as listener:\n"
    "        print(listener.address[1], flush=True)\n"
    "        with listener.accept() as connection:\n"
    "            print('python: received message =', connection.recv_bytes().decode())\n"
    "            connection.send_bytes(b'I am a Python that was called')\n";

static xipc_process_t *start_python(const char *word, const char *port, apr_pool_t *pool)
{
#ifdef _WIN32
    const char *argv[] = {"python", "-c", script, word, port, NULL};
#else
    const char *argv[] = {"python3", "-c", script, word, port, NULL};
#endif
    xipc_process_t *python;
    check(xipc_program_create(&python, argv, pool), "xipc_program_create");
    check(xipc_program_stream_set(python, XIPC_STDOUT, XIPC_STREAM_PIPE, NULL), "stdout");
    check(xipc_process_start(python), "xipc_process_start");
    return python;
}

/* Wait for its end, and print what it said. */
static void finish_python(xipc_process_t *python, apr_pool_t *pool)
{
    xipc_program_output_t said;
    check(xipc_program_communicate(&said, python, NULL, 0, PATIENCE, pool), "communicate");
    fputs(said.output, stdout);
}

static void say(xipc_connection_t *connection, const char *text)
{
    check(xipc_connection_send(connection, text, strlen(text), PATIENCE), "send");
}

static void hear(xipc_connection_t *connection, apr_pool_t *pool)
{
    void *message;
    apr_size_t size;
    check(xipc_connection_recv(&message, &size, connection, PATIENCE, pool), "recv");
    printf("c: received message = %s\n", (const char *)message);
}

/* Python calls us. */
static void be_called(apr_pool_t *pool)
{
    xipc_listener_options_t *options;
    xipc_listener_t *listener;
    xipc_connection_t *connection;
    check(xipc_listener_options_create(&options, pool), "options");
    check(xipc_listener_options_authkey_set(options, KEY, strlen(KEY)), "authkey");
    check(xipc_listener_create(&listener, "tcp:127.0.0.1:0", options, pool), "listener");
    const char *port = strrchr(xipc_listener_address(listener), ':') + 1;
    xipc_process_t *python = start_python("call", port, pool);
    check(xipc_listener_accept(&connection, listener, PATIENCE, pool), "accept");
    hear(connection, pool);
    say(connection, "I am C that was called");
    finish_python(python, pool);
    check(xipc_connection_close(connection), "close");
    check(xipc_listener_close(listener), "close");
}

/* A line of its output, which may come in pieces. */
static const char *read_line(xipc_process_t *python, apr_pool_t *pool)
{
    char *line = apr_pcalloc(pool, 80);
    for (apr_size_t at = 0, size; at < 79; at += size) {
        check(xipc_program_read(&size, python, XIPC_STDOUT, line + at, 1, PATIENCE), "read");
        if (line[at] == '\n') break;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

/* We call Python, at the port that it says first. */
static void call(apr_pool_t *pool)
{
    xipc_client_options_t *options;
    xipc_connection_t *connection;
    xipc_process_t *python = start_python("listen", NULL, pool);
    const char *address = apr_pstrcat(pool, "tcp:127.0.0.1:", read_line(python, pool), NULL);
    check(xipc_client_options_create(&options, pool), "options");
    check(xipc_client_options_authkey_set(options, KEY, strlen(KEY)), "authkey");
    check(xipc_client_connect(&connection, address, options, PATIENCE, pool), "connect");
    say(connection, "I am C that calls");
    hear(connection, pool);
    finish_python(python, pool);
}

int main(int argc, char **argv)
{
    apr_pool_t *pool = example_begin(argc, argv);
    be_called(pool);
    call(pool);
    xipc_terminate();
    return EXIT_SUCCESS;
}
