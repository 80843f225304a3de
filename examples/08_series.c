/* SPDX-License-Identifier: MIT */
/*
 * 08_series.c - bytes and refusals for every five minutes: a time series.
 *
 *     08_series examples/data/vpc
 */
#include <flowlog.h>
#include <stdio.h>

static int print(void *ctx, const char *text, size_t len)
{
    return fwrite(text, 1, len, ctx) == len ? 0 : -1;
}

int main(int argc, char **argv)
{
    flowlog_error err = {0};
    flowlog_plan *plan = NULL;
    flowlog_source *source = NULL;
    flowlog_result *result = NULL;
    flowlog_run_options options = FLOWLOG_RUN_OPTIONS_INIT;
    flowlog_status st = flowlog_plan_new(NULL, &plan);

    options.threads = 2; /* the answer is the same for any number */
    if (st >= 0) st = flowlog_plan_key(plan, "bin(start,5m)", &err);
    if (st >= 0) st = flowlog_plan_select(plan, "sum(bytes) as bytes, rate(sum(bytes)) as per_second", &err);
    if (st >= 0) st = flowlog_plan_select(plan, "count where reject as refused", &err);
    if (st >= 0) st = flowlog_source_file(argc > 1 ? argv[1] : "-", &source, &err);
    if (st >= 0) st = flowlog_plan_run(plan, source, &options, &result, &err);
    if (st >= 0) st = flowlog_write_result(result, FLOWLOG_FORM_TABLE, print, stdout, NULL, &err);
    if (st < 0) fprintf(stderr, "%s: %s\n", flowlog_status_message(st), err.message);

    flowlog_result_free(result);
    flowlog_source_close(source);
    flowlog_plan_free(plan);
    return st < 0;
}
