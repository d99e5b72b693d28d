/* The benchmark's options and groups; see docs/performance.md. */
#include "bench.h"

#include "xipc/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*run)(bench_t *bench);
} groups[] = {{"processes", bench_processes},
              {"connections", bench_connections},
              {"queues", bench_queues},
              {"peers", bench_peers}};

enum { REPEATS = 9, GROUPS = sizeof groups / sizeof groups[0] };

static const char usage[] =
    "usage: bench [OPTION...] [GROUP | PART OF A ROW'S NAME]...\n"
    "  --list         name the groups and rows, and do nothing\n"
    "  --quick        one short sample of each: it works, the figures mean nothing\n"
    "  --repeats N    samples of a row, 9\n"
    "  --json FILE    write a line of JSON for each row too; - writes them to the error stream\n"
    "  --markdown     tables for docs/performance.md\n"
    "groups: processes, connections, queues, peers\n";

static FILE *open_json(const char *name)
{
    FILE *file = strcmp(name, "-") == 0 ? stderr : fopen(name, "we");
    if (file == NULL) {
        perror(name);
        exit(2);
    }
    return file;
}

static void take_option(bench_t *bench, const char *option, const char *value)
{
    if (strcmp(option, "--list") == 0)
        bench->is_list = 1;
    else if (strcmp(option, "--quick") == 0)
        bench->is_quick = bench->repeats = 1;
    else if (strcmp(option, "--markdown") == 0)
        bench->is_markdown = 1;
    else if (strcmp(option, "--repeats") == 0 && value != NULL && strtol(value, NULL, 10) > 0)
        bench->repeats = (int)strtol(value, NULL, 10);
    else if (strcmp(option, "--json") == 0 && value != NULL)
        bench->json = open_json(value);
    else {
        (void)fputs(usage, strcmp(option, "--help") == 0 ? stdout : stderr);
        exit(strcmp(option, "--help") == 0 ? 0 : 2);
    }
}

static int has_value(const char *option)
{
    return strcmp(option, "--repeats") == 0 || strcmp(option, "--json") == 0;
}

/* The options; what is left chooses. */
static void take_arguments(bench_t *bench, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        take_option(bench, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (has_value(argv[i])) i++;
    }
    bench->chosen = argv + i;
    bench->chosen_count = argc - i;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], BENCH_EXIT_AT_ONCE) == 0) _exit(0);
    if (xipc_initialize(&argc, &argv) != APR_SUCCESS) return 1;
    bench_t bench = {.repeats = REPEATS};
    take_arguments(&bench, argc, argv);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!bench.is_list) bench_report_begin(&bench);
    for (int i = 0; i < GROUPS; i++) {
        bench.group = groups[i].name;
        groups[i].run(&bench);
    }
    if (bench.json != NULL && bench.json != stderr) (void)fclose(bench.json);
    xipc_terminate();
    return bench.failed;
}
