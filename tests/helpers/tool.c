/*
 * tool.c - a program for the tests to start: tool WORD [ARGUMENT...].
 */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

/* Copy the input to the output. */
static int echo(void)
{
    char buffer[4096];
    size_t size;
    while ((size = fread(buffer, 1, sizeof buffer, stdin)) > 0)
        if (fwrite(buffer, 1, size, stdout) != size) return 1;
    return 0;
}

static int print_arguments(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) printf("<%s>", argv[i]);
    return 0;
}

static int print_variable(const char *name)
{
    const char *value = getenv(name);
    printf("%s", value != NULL ? value : "(none)");
    return 0;
}

/* Is the file there, from this directory? */
static int find_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 1;
    (void)fclose(file);
    return 0;
}

/* Both outputs are filled before the input is read. */
static int flood(int size)
{
    for (int i = 0; i < size; i++) {
        (void)putc('o', stdout);
        (void)putc('e', stderr);
    }
    return fflush(stdout) != 0 || fflush(stderr) != 0 || echo();
}

static int speak(void)
{
    (void)fputs("to stdout\n", stdout);
    (void)fflush(stdout);
    (void)fputs("to stderr\n", stderr);
    return 0;
}

/* Answer a number with the next one until the other side ends. */
static int answer(apr_pool_t *pool)
{
    xipc_connection_t *connection;
    xipc_connection_t *none;
    apr_int64_t number;
    apr_size_t size;
    if (xipc_program_inherited(&connection, 0, pool) != APR_SUCCESS) return 1;
    if (xipc_program_inherited(&none, 0, pool) != APR_ENOENT) return 2;
    if (xipc_program_inherited(&none, 1, pool) != APR_ENOENT) return 3;
    while (xipc_connection_recv_into(&size, connection, &number, sizeof number, -1) ==
           APR_SUCCESS) {
        number++;
        if (xipc_connection_send(connection, &number, sizeof number, -1) != APR_SUCCESS) return 4;
    }
    return 0;
}

/* Leave a process behind that has our streams, and answers as long as the other side wants. */
static int leave_another(const char *self, apr_pool_t *pool)
{
    const char *argv[] = {self, "answer", NULL};
    xipc_process_t *process;
    xipc_connection_t *connection;
    if (xipc_program_inherited(&connection, 0, pool) != APR_SUCCESS) return 1;
    if (xipc_program_create(&process, argv, pool) != APR_SUCCESS) return 2;
    if (xipc_program_connection_add(process, connection) != APR_SUCCESS) return 3;
    if (xipc_process_start(process) != APR_SUCCESS) return 4;
    printf("left");
    return 0;
}

static int run(int argc, char **argv, apr_pool_t *pool)
{
    const char *word = argc > 1 ? argv[1] : "";
    const char *argument = argc > 2 ? argv[2] : "";
    if (strcmp(word, "echo") == 0) return echo();
    if (strcmp(word, "arguments") == 0) return print_arguments(argc - 2, argv + 2);
    if (strcmp(word, "variable") == 0) return print_variable(argument);
    if (strcmp(word, "find") == 0) return find_file(argument);
    if (strcmp(word, "flood") == 0) return flood(atoi(argument));
    if (strcmp(word, "speak") == 0) return speak();
    if (strcmp(word, "exit") == 0) return atoi(argument);
    if (strcmp(word, "answer") == 0) return answer(pool);
    if (strcmp(word, "leave") == 0) return leave_another(argv[0], pool);
    if (strcmp(word, "queue") == 0) return tool_queue(argc, argv, pool);
    return 99;
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
#ifdef _WIN32 /* the bytes as they are */
    (void)_setmode(_fileno(stdin), _O_BINARY);
    (void)_setmode(_fileno(stdout), _O_BINARY);
    (void)_setmode(_fileno(stderr), _O_BINARY);
#endif
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return 98;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return 97;
    int exitcode = run(argc, argv, pool);
    xipc_terminate();
    return exitcode;
}
