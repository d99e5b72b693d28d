/* Samples in turns, and what they say. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLES_MAX = 99, QUICK_PART = 256 };

static const char *cannot;

double bench_cannot(const char *why)
{
    cannot = why;
    return 0;
}

double bench_run_work(const bench_work_t *work, void (*run)(const bench_side_t *), void *context)
{
    const bench_run_t what = {.work = run,
                              .writers = work->writers > 0 ? work->writers : 1,
                              .readers = work->readers > 0 ? work->readers : 1,
                              .place = work->place,
                              .messages = work->count,
                              .size = work->size,
                              .context = context};
    return bench_run(&what);
}

apr_pool_t *bench_pool(void)
{
    apr_pool_t *pool;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) abort();
    return pool;
}

/* ---- figures ---- */

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one;
    double b = *(const double *)other;
    return (a > b) - (a < b);
}

/* The value below which a part of the sorted samples lies. */
static double quantile(const double *samples, int count, double part)
{
    double at = part * (count - 1);
    int below = (int)at;
    int above = below + 1 < count ? below + 1 : below;
    return samples[below] + (at - below) * (samples[above] - samples[below]);
}

static bench_figure_t figure_of(double *samples, int count)
{
    qsort(samples, (size_t)count, sizeof *samples, compare);
    bench_figure_t figure = {
        .median = quantile(samples, count, 0.5), .least = samples[0], .most = samples[count - 1]};
    double between = quantile(samples, count, 0.75) - quantile(samples, count, 0.25);
    figure.spread = between / 2 / figure.median;
    return figure;
}

/* ---- samples ---- */

static int is_chosen(const bench_t *bench, const bench_row_t *row)
{
    for (int i = 0; i < bench->chosen_count; i++)
        if (strcmp(bench->chosen[i], bench->group) == 0 ||
            strstr(row->name, bench->chosen[i]) != NULL)
            return 1;
    return bench->chosen_count == 0;
}

static bench_work_t scaled(const bench_work_t *work, const bench_t *bench)
{
    bench_work_t some = *work;
    if (bench->is_quick) some.count = work->count / QUICK_PART / 32 * 32;
    if (bench->is_quick && some.count == 0) some.count = work->count < 32 ? 1 : 32;
    return some;
}

static int sample(double *value, const bench_work_t *work)
{
    if (work->once == NULL) return 1;
    if (!bench_has_place(work->place)) {
        (void)bench_cannot("there is only one processor");
        return 0;
    }
    *value = work->once(work);
    return *value > 0;
}

/* Each goes first every other time, so that neither always has the caches the other left. */
static int sample_both(double *xipc, double *floor, const bench_work_t works[2], int number)
{
    if (number % 2 == 0) return sample(floor, &works[1]) && sample(xipc, &works[0]);
    return sample(xipc, &works[0]) && sample(floor, &works[1]);
}

static void conclude(bench_result_t *result, double *xipc, double *floor, int count)
{
    const bench_row_t *row = result->row;
    result->xipc = figure_of(xipc, count);
    if (row->floor.once == NULL) return;
    result->floor = figure_of(floor, count);
    result->ratio = result->xipc.median / result->floor.median;
    result->ratio_best = result->xipc.least / result->floor.least;
    result->is_met = result->ratio <= row->aim;
}

void bench_row(bench_t *bench, const bench_row_t *row)
{
    static double xipc[SAMPLES_MAX];
    static double floor[SAMPLES_MAX];
    bench_result_t result = {.row = row};
    if (!is_chosen(bench, row)) return;
    if (bench->is_list) {
        printf("%-12s %s\n", bench->group, row->name);
        return;
    }
    const bench_work_t works[2] = {scaled(&row->xipc, bench), scaled(&row->floor, bench)};
    int count = 0;
    cannot = NULL;
    while (count < bench->repeats && count < SAMPLES_MAX &&
           sample_both(&xipc[count], &floor[count], works, count))
        count++;
    if (count == bench->repeats || count == SAMPLES_MAX)
        conclude(&result, xipc, floor, count);
    else
        result.cannot = cannot != NULL ? cannot : "it failed";
    bench->failed |= result.cannot != NULL && cannot == NULL;
    bench_report(bench, &result);
}
