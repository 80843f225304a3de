/* SPDX-License-Identifier: MIT */
/*
 * remarks.c - where the answer of a plan differs from what Athena or Logs Insights would say to the same question.
 *
 * Facts: the VPC Flow Logs, Athena and CloudWatch Logs user guides; Trino's documentation of its aggregates.
 */
#include "expr/filter.h"
#include "expr/print.h"
#include "plan/plan.h"

static int has_agg(const flowlog_plan *p, uint32_t kind)
{
    for (uint32_t a = 0; a < p->aggs; a++)
        if (p->agg[a].kind == kind) return 1;
    return 0;
}

static int has_time(const flowlog_plan *p)
{
    for (uint32_t k = 0; k < p->keys; k++)
        if (p->key[k].type == FLOWLOG_TYPE_TIME) return 1;
    for (uint32_t o = 0; o < p->outs; o++)
        if (p->out[o].type == FLOWLOG_TYPE_TIME) return 1;
    return 0;
}

static int negates(const flowlog_plan *p)
{
    for (uint32_t w = 0; w < p->wheres; w++)
        if (flowlog__filter_negates(p->where[w].filter)) return 1;
    return flowlog__filter_negates(p->filter);
}

static void put(struct fl_sink *s, const char *remark)
{
    flowlog__sink_text(s, remark);
    flowlog__sink_text(s, "\n");
}

size_t flowlog_plan_remarks(const flowlog_plan *p, char *text, size_t cap)
{
    struct fl_sink s = {text, text ? cap : 0, 0};
    if (!p) return flowlog__sink_end(&s);
    if (!flowlog__plan_all_rows(p))
        put(&s, "NODATA and SKIPDATA records are left out; on AWS they are rows like others: log_status = 'OK'");
    if (p->keys && !p->keep_null)
        put(&s, "records without a key are left out and counted; on AWS '-' is a group of its own");
    if (negates(p))
        put(&s, "a comparison with '-' is false and its 'not' true, as in Logs Insights; Athena drops the row either way");
    if (has_agg(p, FLOWLOG_AGG_DISTINCT))
        put(&s, "distinct is exact up to 4096 values of a group, then within a standard error of 0.81 %; approx_distinct of "
                "Athena has 2.3 %, count_distinct of Logs Insights is an estimate");
    if (has_agg(p, FLOWLOG_AGG_QUANTILE))
        put(&s, "percentiles are exact below 256 and above it within 1 part in 256; approx_percentile of "
                "Athena and pct of Logs Insights are estimates");
    if (has_agg(p, FLOWLOG_AGG_SUM))
        put(&s, "a sum beyond 64 bits is an error: here of unsigned, on Athena of signed numbers");
    if ((p->limit || p->limit_per) && p->sorts)
        put(&s, "ties at the limit are broken by the order of keys; on AWS any of them may be there");
    if ((p->limit || p->limit_per) && !p->sorts)
        put(&s, "the first rows are those of the smallest keys; LIMIT without ORDER BY takes any rows on Athena");
    if (has_time(p))
        put(&s, "times are written 2021-02-01T00:00:00Z or in seconds; Athena writes 2021-02-01 00:00:00.000 UTC, Logs "
                "Insights 2021-02-01 00:00:00.000");
    return flowlog__sink_end(&s);
}
