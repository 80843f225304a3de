/* SPDX-License-Identifier: MIT */
/*
 * 02_top.c - the ten pairs of addresses that exchanged most bytes: a plan, a reader, a run, a table.
 *
 *     02_top examples/data/vpc
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
    flowlog_reader *reader = NULL;
    flowlog_run *run = NULL;
    flowlog_result *result = NULL;
    const flowlog_batch *batch;
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_status st = flowlog_plan_new(NULL, &plan);

    if (st >= 0) st = flowlog_plan_key(plan, "srcaddr", &err);
    if (st >= 0) st = flowlog_plan_key(plan, "dstaddr", &err);
    if (st >= 0) st = flowlog_plan_aggregate(plan, FLOWLOG_AGG_SUM, "bytes", "bytes", &err);
    if (st >= 0) st = flowlog_plan_sort(plan, "bytes", 1, &err);
    if (st >= 0) st = flowlog_plan_limit(plan, 10);
    if (st >= 0) st = flowlog_run_begin(plan, NULL, &run);
    if (st >= 0) st = flowlog_source_file(argc > 1 ? argv[1] : "-", &source, &err);
    if (st >= 0) options.fields = flowlog_plan_fields(plan);
    if (st >= 0) st = flowlog_reader_open(source, &options, &reader, &err);
    if (st < 0) flowlog_source_close(source); /* an open reader owns it */
    while (st >= 0 && (st = flowlog_reader_next(reader, &batch, &err)) == FLOWLOG_OK)
        st = flowlog_run_add(run, batch, &err);
    if (st == FLOWLOG_END) st = flowlog_run_finish(run, &result, &err);
    if (st >= 0) st = flowlog_write_result(result, FLOWLOG_FORM_TABLE, print, stdout, NULL, &err);
    if (st < 0) fprintf(stderr, "%s: %s\n", flowlog_status_message(st), err.message);

    flowlog_result_free(result);
    flowlog_run_free(run);
    flowlog_reader_close(reader);
    flowlog_plan_free(plan);
    return st < 0;
}
