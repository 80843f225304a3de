/* SPDX-License-Identifier: MIT */
/*
 * 09_merge.c - one question to several logs, each read by itself, as several threads or machines would, and the runs
 * added up.  flowlog_run_save and flowlog_run_load carry a run from one machine to another.
 *
 *     09_merge examples/data/vpc/AWSLogs/123456789010 examples/data/vpc/AWSLogs/210987654321
 */
#include <flowlog.h>
#include <stdio.h>

static int print(void *ctx, const char *text, size_t len)
{
    return fwrite(text, 1, len, ctx) == len ? 0 : -1;
}

/* Read one log and add what it has to `sum`. */
static flowlog_status add(const flowlog_plan *plan, const char *path, flowlog_run *sum, flowlog_error *err)
{
    flowlog_source *source = NULL;
    flowlog_run *run = NULL;
    flowlog_status st = flowlog_source_file(path, &source, err);
    if (st >= 0) st = flowlog_plan_collect(plan, source, NULL, &run, err);
    if (st >= 0) st = flowlog_run_merge(sum, run, err);
    flowlog_run_free(run);
    flowlog_source_close(source);
    return st;
}

int main(int argc, char **argv)
{
    flowlog_error err = {0};
    flowlog_plan *plan = NULL;
    flowlog_run *sum = NULL;
    flowlog_result *result = NULL;
    flowlog_status st = flowlog_plan_new(NULL, &plan);

    if (st >= 0) st = flowlog_plan_key(plan, "action", &err);
    if (st >= 0) st = flowlog_plan_select(plan, "count, sum(bytes), distinct(srcaddr), p95(bytes)", &err);
    if (st >= 0) st = flowlog_run_begin(plan, NULL, &sum);
    for (int i = 1; i < argc && st >= 0; i++) st = add(plan, argv[i], sum, &err);
    if (st >= 0) st = flowlog_run_finish(sum, &result, &err);
    if (st >= 0) st = flowlog_write_result(result, FLOWLOG_FORM_TABLE, print, stdout, NULL, &err);
    if (st < 0) fprintf(stderr, "%s: %s\n", flowlog_status_message(st), err.message);

    flowlog_result_free(result);
    flowlog_run_free(sum);
    flowlog_plan_free(plan);
    return st < 0;
}
