/* SPDX-License-Identifier: MIT */
/*
 * top.c - flowlog top: who talks most.
 *
 * A plan with the keys, the sums of bytes and packets and the number of records, sorted by the measure.  Two more
 * columns, which are not printed, count the records that have bytes and packets: a sum over a field that no record
 * has is null, not zero; so is a share of zero.
 */
#include <inttypes.h>
#include <string.h>

#include "answer.h"
#include "commands.h"
#include "progress.h"

static const char *const measures[] = {"bytes", "packets", "flows"};

/*
 * part / whole in billionths, rounded down; whole is not 0 and part not above it.  Long division, as the
 * product has up to 94 bits: one decimal digit at a time, and each digit by subtraction, since ten times
 * the rest may not fit 64 bits.
 */
static uint64_t billionths(uint64_t part, uint64_t whole)
{
    if (part >= whole) return 1000000000;
    uint64_t rest = part, quotient = 0;
    for (int i = 0; i < 9; i++) {
        uint64_t times_ten = 0, digit = 0;
        for (int k = 0; k < 10; k++) { /* times_ten = (times_ten + rest) mod whole, counting the wraps */
            if (times_ten >= whole - rest) {
                times_ten -= whole - rest;
                digit++;
            } else {
                times_ten += rest;
            }
        }
        quotient = quotient * 10 + digit;
        rest = times_ten;
    }
    return quotient;
}

/* 0, or -1 after a message. */
static int build(flowlog_plan *plan, const struct input *input)
{
    const struct options *const o = input->options;
    const char *const by = o->by ? o->by : "srcaddr";
    flowlog_filter_options how = FLOWLOG_FILTER_OPTIONS_INIT;
    flowlog_error err;
    how.format = input->format;
    flowlog_status status = flowlog_plan_where_options(plan, &how);
    memset(&err, 0, sizeof err);
    if (status >= 0 && input->filter) status = flowlog_plan_where_filter(plan, input->filter, &err);
    if (status >= 0 && (status = flowlog_plan_key(plan, by, &err)) < 0) {
        input_report_text("--by", by, &err);
        return -1;
    }
    if (status >= 0) status = flowlog_plan_aggregate(plan, FLOWLOG_AGG_SUM, "bytes", "bytes", &err);
    if (status >= 0) status = flowlog_plan_aggregate(plan, FLOWLOG_AGG_SUM, "packets", "packets", &err);
    if (status == FLOWLOG_E_DUPLICATE) {
        message_error("--by: bytes and packets are summed, they cannot be keys too");
        message_caret(by, 0);
        return -1;
    }
    if (status >= 0) status = flowlog_plan_aggregate(plan, FLOWLOG_AGG_COUNT, NULL, "flows", &err);
    if (status >= 0) status = flowlog_plan_aggregate(plan, FLOWLOG_AGG_COUNT, "bytes", "count(bytes)", &err);
    if (status >= 0) status = flowlog_plan_aggregate(plan, FLOWLOG_AGG_COUNT, "packets", "count(packets)", &err);
    if (status >= 0) status = flowlog_plan_sort(plan, o->measure, 1, &err);
    if (status < 0) {
        message_error("%s", err.message);
        return -1;
    }
    flowlog_plan_limit(plan, o->has_limit ? o->limit : 10);
    return 0;
}

/* What is asked, and how many of the records have it: [i] of measures[i]. */
struct share {
    uint32_t keys, measure;
    uint64_t total, has[3];
};

/* 0, or -1 after a message: a question about what no record has is a mistake worth a word, not an empty answer. */
static int weigh(const struct options *o, const flowlog_result *result, struct share *share)
{
    const uint64_t counted = flowlog_result_counted(result);
    share->keys = flowlog_result_keys(result);
    share->measure = share->keys;
    while (strcmp(o->measure, measures[share->measure - share->keys]) != 0) share->measure++;
    share->has[2] = counted;
    for (uint32_t i = 0; i < 2; i++)
        if (flowlog_result_total(result, share->keys + 3 + i, &share->has[i]) < 0) share->has[i] = 0;
    const uint64_t has = share->has[share->measure - share->keys];
    if (!counted && flowlog_result_null_keys(result)) {
        message_error("no record has %s: '-' in all of them, or no such field", o->by ? o->by : "srcaddr");
        return -1;
    }
    if (counted && !has) {
        message_error("no record has the field '%s', which --measure %s adds up", o->measure, o->measure);
        message_more("--measure flows counts records");
        return -1;
    }
    if (has < counted)
        message_warning("%" PRIu64 " records have no '%s' and add nothing to it", counted - has, o->measure);
    if (flowlog_result_total(result, share->measure, &share->total) >= 0) return 0;
    message_error("the total exceeds 64 bits");
    return -1;
}

static int write_result(const struct options *o, const flowlog_result *result, const struct share *share,
                        struct out *out)
{
    const char *names[20];
    flowlog_value values[20]; /* 16 keys, three measures, the share */
    const uint32_t keys = share->keys;
    struct text given = {NULL, 0, 0};
    flowlog_error err;
    flowlog_writer *writer = NULL;
    for (uint32_t c = 0; c < keys; c++) names[c] = flowlog_result_name(result, c);
    if (o->by && answer_key_names(o->by, &given) == keys)
        for (uint32_t c = 0, at = 0; c < keys; at += (uint32_t)strlen(names[c]) + 1, c++) names[c] = given.ptr + at;
    for (uint32_t i = 0; i < 3; i++) names[keys + i] = measures[i];
    names[keys + 3] = "share";
    flowlog_status status = flowlog_writer_open(o->form, names, keys + 4, out_write, out, NULL, &writer, &err);
    for (uint64_t r = 0; status >= 0 && r < flowlog_result_rows(result); r++) {
        for (uint32_t c = 0; c < keys + 3; c++) flowlog_result_value(result, r, c, &values[c]);
        for (uint32_t i = 0; i < 3; i++)
            if (!share->has[i]) values[keys + i].is_null = 1;
        memset(&values[keys + 3], 0, sizeof *values);
        values[keys + 3].type = FLOWLOG_TYPE_SHARE;
        values[keys + 3].is_null = share->total == 0;
        if (share->total) values[keys + 3].number = billionths(values[share->measure].number, share->total);
        status = flowlog_writer_row(writer, values, &err);
    }
    if (status >= 0) status = flowlog_writer_finish(writer, &err);
    if (status < 0 && !out->failed) message_error("%s", err.message);
    flowlog_writer_close(writer);
    text_free(&given);
    return status < 0 ? -1 : 0;
}

static int finish(struct input *input, flowlog_run *groups, struct out *out)
{
    const struct options *const o = input->options;
    const int status = input_finish(input);
    struct share share;
    flowlog_result *result = NULL;
    flowlog_error err;
    if (status == STATUS_FAILED) return status;
    if (flowlog_run_finish(groups, &result, &err) < 0) {
        message_error("%s", err.message);
        return STATUS_FAILED;
    }
    int bad = weigh(o, result, &share);
    if (!bad) {
        answer_remarks(result, o->by ? o->by : "srcaddr");
        bad = write_result(o, result, &share, out);
    }
    flowlog_result_free(result);
    return bad ? STATUS_FAILED : status;
}

static int run(struct input *input, flowlog_plan *plan, struct out *out)
{
    flowlog_run *groups = NULL;
    if (build(plan, input)) return STATUS_FAILED;
    if (input->options->explain) {
        if (input_find(input, out)) return STATUS_FAILED;
        progress_end(0);
        return answer_explain(plan, input, out) ? STATUS_FAILED : STATUS_DONE;
    }
    if (input_collect(input, out, plan, &groups)) return STATUS_FAILED;
    const int status = finish(input, groups, out);
    flowlog_run_free(groups);
    return status;
}

int command_top(const struct options *o)
{
    struct input input;
    struct out out = out_make(o->output);
    flowlog_plan *plan = NULL;
    int status = STATUS_FAILED;
    if (input_prepare(&input, o) == 0) {
        if (flowlog_plan_new(NULL, &plan) < 0) message_error("out of memory");
        else status = run(&input, plan, &out);
    }
    if (status != STATUS_FAILED && out_close(&out)) status = STATUS_FAILED;
    flowlog_plan_free(plan);
    input_close(&input);
    return status;
}
