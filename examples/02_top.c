/* SPDX-License-Identifier: MIT */
/*
 * 02_top.c - the ten pairs of addresses that exchanged most bytes: a plan, run in one call, and a table.
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
    flowlog_result *result = NULL;
    flowlog_status st = flowlog_plan_new(NULL, &plan);

    if (st >= 0) st = flowlog_plan_key(plan, "srcaddr, dstaddr", &err);
    if (st >= 0) st = flowlog_plan_select(plan, "sum(bytes) as bytes", &err);
    if (st >= 0) st = flowlog_plan_sort(plan, "bytes", 1, &err);
    if (st >= 0) st = flowlog_plan_limit(plan, 10);
    if (st >= 0) st = flowlog_source_file(argc > 1 ? argv[1] : "-", &source, &err);
    if (st >= 0) st = flowlog_plan_run(plan, source, NULL, &result, &err);
    if (st >= 0) st = flowlog_write_result(result, FLOWLOG_FORM_TABLE, print, stdout, NULL, &err);
    if (st < 0) fprintf(stderr, "%s: %s\n", flowlog_status_message(st), err.message);

    flowlog_result_free(result);
    flowlog_source_close(source);
    flowlog_plan_free(plan);
    return st < 0;
}
