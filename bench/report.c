/* A table for people, in plain text or Markdown, and lines of JSON. */
#include "bench.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- numbers ---- */

static const char *time_text(double ns, char *text, size_t size)
{
    if (ns < 1e3)
        (void)snprintf(text, size, "%.*f ns", ns < 100 ? 1 : 0, ns);
    else if (ns < 1e6)
        (void)snprintf(text, size, "%.*f us", ns < 1e5 ? 2 : 0, ns / 1e3);
    else
        (void)snprintf(text, size, "%.2f ms", ns / 1e6);
    return text;
}

static const char *number_text(double number, bench_unit_e unit, char *text, size_t size)
{
    if (unit == BENCH_TIME) return time_text(number, text, size);
    if (unit == BENCH_BYTES)
        (void)snprintf(text, size, "%.0f KiB", number / 1024);
    else
        (void)snprintf(text, size, "%.2f calls", number);
    return text;
}

/* "5.40 us  3%": the spread behind it, where samples can differ. */
static const char *figure_text(const bench_figure_t *figure, bench_unit_e unit, char *text,
                               size_t size)
{
    char number[32];
    (void)number_text(figure->median, unit, number, sizeof number);
    if (unit == BENCH_TIME)
        (void)snprintf(text, size, "%s ±%2.0f%%", number, figure->spread * 100);
    else
        (void)snprintf(text, size, "%s", number);
    return text;
}

static const char *verdict(const bench_result_t *result)
{
    if (result->row->aim == 0) return "";
    return result->is_met ? "met" : "missed";
}

static const char *aim_text(const bench_row_t *row, char *text, size_t size)
{
    text[0] = '\0';
    if (row->aim > 0) (void)snprintf(text, size, "%.2f", row->aim);
    return text;
}

/* ---- text ---- */

static void print_text(const bench_result_t *result)
{
    const bench_row_t *row = result->row;
    char xipc[48];
    char floor[48];
    char aim[16];
    if (result->cannot != NULL) {
        printf("%-45s not measured: %s\n", row->name, result->cannot);
        return;
    }
    (void)figure_text(&result->xipc, row->unit, xipc, sizeof xipc);
    if (row->floor_name == NULL) {
        printf("%-45s %15s\n", row->name, xipc);
        return;
    }
    (void)figure_text(&result->floor, row->unit, floor, sizeof floor);
    /* the sign before the spread has two bytes and one column */
    int width = row->unit == BENCH_TIME ? 16 : 15;
    printf("%-45s %*s %*s %6.2f %6.2f %6s  %-6s  %s\n", row->name, width, xipc, width, floor,
           result->ratio, result->ratio_best, aim_text(row, aim, sizeof aim), verdict(result),
           row->floor_name);
}

/* ---- Markdown ---- */

static void print_markdown(const bench_result_t *result)
{
    const bench_row_t *row = result->row;
    char xipc[48];
    char floor[48];
    char aim[16];
    if (result->cannot != NULL) {
        printf("| %s | not measured: %s | | | | |\n", row->name, result->cannot);
        return;
    }
    (void)figure_text(&result->xipc, row->unit, xipc, sizeof xipc);
    if (row->floor_name == NULL) {
        printf("| %s | %s | | | | |\n", row->name, xipc);
        return;
    }
    (void)figure_text(&result->floor, row->unit, floor, sizeof floor);
    (void)aim_text(row, aim, sizeof aim);
    printf("| %s | %s | %s: %s | %.2f (%.2f) | %s | %s |\n", row->name, xipc, row->floor_name,
           floor, result->ratio, result->ratio_best, aim, verdict(result));
}

/* ---- JSON ---- */

static void write_figure(FILE *file, const char *name, const bench_figure_t *figure)
{
    (void)fprintf(file,
                  ", \"%s\": {\"median\": %.2f, \"least\": %.2f, \"most\": %.2f, \"spread\": %.4f}",
                  name, figure->median, figure->least, figure->most, figure->spread);
}

static void write_json(const bench_t *bench, const bench_result_t *result)
{
    static const char *const units[] = {
        [BENCH_TIME] = "ns", [BENCH_BYTES] = "bytes", [BENCH_CALLS] = "calls"};
    FILE *file = bench->json;
    const bench_row_t *row = result->row;
    (void)fprintf(file, "{\"group\": \"%s\", \"row\": \"%s\", \"unit\": \"%s\"", bench->group,
                  row->name, units[row->unit]);
    if (result->cannot != NULL) {
        (void)fprintf(file, ", \"not_measured\": \"%s\"}\n", result->cannot);
        return;
    }
    (void)fprintf(file, ", \"samples\": %d", bench->repeats);
    write_figure(file, "xipc", &result->xipc);
    if (row->floor_name != NULL) {
        (void)fprintf(file, ", \"beside\": \"%s\"", row->floor_name);
        write_figure(file, "floor", &result->floor);
        (void)fprintf(file, ", \"ratio\": %.3f, \"ratio_of_least\": %.3f", result->ratio,
                      result->ratio_best);
    }
    if (row->aim > 0)
        (void)fprintf(file, ", \"aim\": %.3f, \"met\": %s", row->aim,
                      result->is_met ? "true" : "false");
    (void)fputs("}\n", file);
    (void)fflush(file);
}

/* ---- the whole ---- */

void bench_report_begin(const bench_t *bench)
{
    struct utsname system = {0};
    (void)uname(&system);
    printf("%s %s, %s, %ld processors, compiler %s, %d samples a row in turns; median, half the "
           "distance of the quartiles\n",
           system.sysname, system.release, system.machine, sysconf(_SC_NPROCESSORS_ONLN),
           __VERSION__, bench->repeats);
}

static void print_head(const bench_t *bench)
{
    if (bench->is_markdown)
        printf("\n### %s\n\n| | xipc | beside | ratio (of the least) | aim | |\n"
               "| --- | --- | --- | --- | --- | --- |\n",
               bench->group);
    else
        printf("\n%-45s %15s %15s %6s %6s %6s\n", bench->group, "xipc", "floor", "ratio", "least",
               "aim");
}

void bench_report(bench_t *bench, const bench_result_t *result)
{
    if (bench->headed != bench->group) print_head(bench);
    bench->headed = bench->group;
    if (bench->is_markdown)
        print_markdown(result);
    else
        print_text(result);
    if (bench->json != NULL) write_json(bench, result);
}
