/* SPDX-License-Identifier: MIT */
/*
 * group.c - flowlog group: any keys, any aggregates, conditions on groups, order, limits.
 *
 * The options are handed to the plan as they stand; what is wrong with one is shown in it.
 */
#include <string.h>

#include "answer.h"
#include "commands.h"
#include "progress.h"

/* One column of --sort at a time; outside of parentheses commas part them. */
static int add_order(flowlog_plan *plan, const char *sort)
{
    struct text column = {NULL, 0, 0};
    flowlog_status status = FLOWLOG_OK;
    for (const char *p = sort; status >= 0; p++) {
        const char *const begin = p += strspn(p, " ");
        for (int depth = 0; *p && (*p != ',' || depth || p[1] == '/'); p++) depth += (*p == '(') - (*p == ')');
        size_t len = (size_t)(p - begin);
        while (len && begin[len - 1] == ' ') len--;
        const int rising = len > 4 && memcmp(begin + len - 4, ":asc", 4) == 0;
        if (rising) len -= 4;
        else if (len > 5 && memcmp(begin + len - 5, ":desc", 5) == 0) len -= 5;
        flowlog_error err;
        column.len = 0;
        text_add(&column, begin, len);
        status = flowlog_plan_sort(plan, column.ptr, !rising, &err);
        if (status < 0) {
            message_error("--sort: %s", err.message);
            message_caret(sort, (size_t)(begin - sort));
        }
        if (!*p) break;
    }
    text_free(&column);
    return status < 0 ? -1 : 0;
}

/* 0, or -1 after a message. */
static int build(flowlog_plan *plan, const struct input *input)
{
    const struct options *const o = input->options;
    const char *const agg = o->agg ? o->agg : "count";
    const char *option = "--where", *text = o->where ? o->where : "";
    flowlog_filter_options how = FLOWLOG_FILTER_OPTIONS_INIT;
    flowlog_error err;
    how.format = input->format;
    flowlog_status status = flowlog_plan_where_options(plan, &how);
    memset(&err, 0, sizeof err);
    if (status >= 0 && input->filter) status = flowlog_plan_where_filter(plan, input->filter, &err);
    if (status >= 0 && o->by) status = flowlog_plan_key(plan, text = o->by, &err), option = "--by";
    if (status >= 0) status = flowlog_plan_select(plan, text = agg, &err), option = "--agg";
    if (status >= 0 && o->having) status = flowlog_plan_having(plan, text = o->having, &err), option = "--having";
    if (status >= 0 && o->sort && add_order(plan, o->sort)) return -1;
    if (status >= 0 && o->per) {
        status = flowlog_plan_limit_per(plan, text = o->per, o->limit, &err);
        option = "--per";
    } else if (status >= 0) {
        status = flowlog_plan_limit(plan, o->limit);
    }
    if (status < 0) {
        input_report_text(option, text, &err);
        return -1;
    }
    flowlog_plan_keep_null_keys(plan, o->nulls);
    if (o->max_groups && flowlog_plan_max_groups(plan, o->max_groups) < 0) {
        message_error("--max-groups is too large");
        return -1;
    }
    flowlog_plan_approximate(plan, o->approximate);
    return 0;
}

static int finish(struct input *input, flowlog_run *groups, struct out *out)
{
    const struct options *const o = input->options;
    const int status = input_finish(input);
    flowlog_result *result = NULL;
    flowlog_error err;
    if (status == STATUS_FAILED) return status;
    if (o->partial) return answer_save(groups, o->partial) ? STATUS_FAILED : status;
    if (flowlog_run_finish(groups, &result, &err) < 0) {
        message_error("%s", err.message);
        return STATUS_FAILED;
    }
    answer_remarks(result, o->by);
    const int bad = answer_write(result, o->by, o->form, out);
    flowlog_result_free(result);
    return bad ? STATUS_FAILED : status;
}

static int run(struct input *input, flowlog_plan *plan, struct out *out)
{
    const struct options *const o = input->options;
    flowlog_run *groups = NULL;
    if (o->per && !o->limit) {
        message_error("--per needs -n: so many rows for each value of %s", o->per);
        return STATUS_FAILED;
    }
    if (build(plan, input)) return STATUS_FAILED;
    if (o->explain) {
        if (input_find(input, out)) return STATUS_FAILED;
        progress_end(0);
        return answer_explain(plan, input, out) ? STATUS_FAILED : STATUS_DONE;
    }
    if (input_collect(input, out, plan, &groups)) return STATUS_FAILED;
    const int status = finish(input, groups, out);
    flowlog_run_free(groups);
    return status;
}

int command_group(const struct options *o)
{
    struct input input;
    struct out out = out_make(o->output);
    flowlog_plan *plan = NULL;
    int status = STATUS_FAILED;
    if (input_prepare(&input, o) == 0) {
        if (flowlog_plan_new(NULL, &plan) < 0) message_error("out of memory");
        else status = run(&input, plan, &out);
    }
    if (status != STATUS_FAILED && !o->partial && out_close(&out)) status = STATUS_FAILED;
    flowlog_plan_free(plan);
    input_close(&input);
    return status;
}
