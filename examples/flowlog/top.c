/* SPDX-License-Identifier: MIT */
/*
 * top.c - flowlog top: who talks most.
 *
 * A plan with the keys, the sums of bytes and packets and the number of records, sorted by the measure.
 * A sum over a field that no format in the input has is null, not zero; so is a share of zero.
 */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "text.h"

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
static int build(flowlog_plan *plan, const struct options *o, const struct field_list *keys)
{
    flowlog_error err;
    flowlog_status status = FLOWLOG_OK;
    for (uint32_t i = 0; status >= 0 && i < keys->count; i++)
        status = flowlog_plan_key(plan, keys->name[i], &err);
    if (status >= 0) status = flowlog_plan_aggregate(plan, FLOWLOG_AGG_SUM, "bytes", "bytes", &err);
    if (status >= 0) status = flowlog_plan_aggregate(plan, FLOWLOG_AGG_SUM, "packets", "packets", &err);
    if (status >= 0) status = flowlog_plan_aggregate(plan, FLOWLOG_AGG_COUNT, NULL, "flows", &err);
    if (status >= 0) status = flowlog_plan_sort(plan, o->measure, 1, &err);
    if (status < 0) {
        message_error("%s", err.message);
        return -1;
    }
    flowlog_plan_limit(plan, o->has_limit ? o->limit : 10);
    return 0;
}

/* The keys as given, for column names. */
static int check_keys(const struct options *o, const struct field_list *keys, struct text *spelled)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->name[i], "bytes") == 0 || strcmp(keys->name[i], "packets") == 0) {
            message_error("--by: '%s' is summed, it cannot be a key too", keys->name[i]);
            message_caret(o->by, keys->given[i].offset);
            return -1;
        }
        text_add(spelled, o->by + keys->given[i].offset, keys->given[i].len + 1);
        spelled->ptr[spelled->len - 1] = '\0';
    }
    return 0;
}

/* A question about fields that nothing in the input has is a mistake worth a word, not an empty answer. */
static int check_answerable(const struct input *input, const struct field_list *keys)
{
    const char *const measure = input->options->measure;
    if (!flowlog_reader_formats(input->reader)) return 0;
    for (uint32_t i = 0; i < keys->count; i++) {
        if (input_has(input, keys->name[i])) continue;
        message_error("no format in the input has the field '%s'", keys->name[i]);
        return -1;
    }
    if (strcmp(measure, "flows") == 0 || input_has(input, measure)) return 0;
    message_error("no format in the input has the field '%s', which --measure %s adds up", measure,
                  measure);
    message_more("--measure flows counts records");
    return -1;
}

static int write_result(const struct input *input, const flowlog_result *result, uint32_t keys,
                        const char *spelled, struct out *out)
{
    const struct options *const o = input->options;
    const char *names[FLOWLOG_FORMAT_COLUMNS_MAX + 4];
    flowlog_value values[FLOWLOG_FORMAT_COLUMNS_MAX + 4];
    uint32_t measure = 0;
    for (uint32_t i = 0; i < keys; i++, spelled += strlen(spelled) + 1) names[i] = spelled;
    for (uint32_t i = 0; i < 3; i++) {
        names[keys + i] = measures[i];
        if (strcmp(o->measure, measures[i]) == 0) measure = keys + i;
    }
    names[keys + 3] = "share";
    const int has[3] = {input_has(input, "bytes"), input_has(input, "packets"), 1};
    uint64_t total = 0;
    flowlog_error err;
    flowlog_writer *writer = NULL;
    flowlog_status status = flowlog_result_total(result, measure, &total);
    if (status < 0) {
        message_error("%s", status == FLOWLOG_E_OVERFLOW ? "the total exceeds 64 bits"
                                                         : flowlog_status_message(status));
        return -1;
    }
    status = flowlog_writer_open(o->form, names, keys + 4, out_write, out, NULL, &writer, &err);
    for (uint64_t r = 0; status >= 0 && r < flowlog_result_rows(result); r++) {
        for (uint32_t c = 0; c < keys + 3; c++) flowlog_result_value(result, r, c, &values[c]);
        for (uint32_t i = 0; i < 3; i++)
            if (!has[i]) values[keys + i].is_null = 1;
        memset(&values[keys + 3], 0, sizeof *values);
        values[keys + 3].type = FLOWLOG_TYPE_SHARE;
        values[keys + 3].is_null = total == 0;
        if (total) values[keys + 3].number = billionths(values[measure].number, total);
        status = flowlog_writer_row(writer, values, &err);
    }
    if (status >= 0) status = flowlog_writer_finish(writer, &err);
    if (status < 0 && !out->failed) message_error("%s", err.message);
    flowlog_writer_close(writer);
    return status < 0 ? -1 : 0;
}

/* Read everything into the run.  0, or -1 after a message. */
static int collect(struct input *input, flowlog_run *groups)
{
    const char *const measure = input->options->measure;
    const flowlog_batch *batch;
    uint64_t unmeasured = 0;
    int more;
    while ((more = input_next(input, &batch)) > 0) {
        flowlog_error err;
        if (flowlog_run_add(groups, batch, &err) < 0) {
            message_error("%s: %s", input_label(input, batch->file), err.message);
            return -1;
        }
        if (strcmp(measure, "flows") == 0) continue;
        const int32_t column = flowlog_batch_find(batch, measure, strlen(measure));
        if (column >= 0 && !batch->column[column].present) unmeasured += batch->rows;
    }
    if (more == 0 && unmeasured && input_has(input, measure))
        message_warning("%" PRIu64 " records are in formats without '%s' and add nothing to it",
                        unmeasured, measure);
    return more;
}

static int run(struct input *input, flowlog_plan *plan, struct text *spelled, struct out *out)
{
    const struct options *const o = input->options;
    struct field_list keys;
    if (input_fields(input, "--by", o->by, &keys) || check_keys(o, &keys, spelled) ||
        build(plan, o, &keys) ||
        input_open(input, out, flowlog_plan_fields(plan), FLOWLOG_READ_RECORDS_ONLY, 0))
        return STATUS_FAILED;
    flowlog_run *groups = NULL;
    flowlog_result *result = NULL;
    flowlog_error err;
    int status = STATUS_FAILED;
    if (flowlog_run_begin(plan, NULL, &groups) < 0) {
        message_error("out of memory");
    } else if (collect(input, groups) == 0) {
        status = input_finish(input);
        if (status != STATUS_FAILED && check_answerable(input, &keys)) status = STATUS_FAILED;
        if (status != STATUS_FAILED && flowlog_run_finish(groups, &result, &err) < 0) {
            message_error("%s", err.message);
            status = STATUS_FAILED;
        }
    }
    if (status != STATUS_FAILED) {
        const uint64_t left_out = flowlog_result_null_keys(result);
        if (left_out)
            message_warning("%" PRIu64 " records left out: '-' or no such field in %s", left_out, o->by);
        if (write_result(input, result, keys.count, spelled->ptr, out)) status = STATUS_FAILED;
    }
    flowlog_result_free(result);
    flowlog_run_free(groups);
    return status;
}

int command_top(const struct options *o)
{
    struct input input;
    struct out out = out_make(o->output);
    struct text spelled = {NULL, 0, 0};
    flowlog_plan *plan = NULL;
    int status = STATUS_FAILED;
    if (input_prepare(&input, o) == 0) {
        if (flowlog_plan_new(NULL, &plan) < 0) message_error("out of memory");
        else status = run(&input, plan, &spelled, &out);
    }
    if (status != STATUS_FAILED && out_close(&out)) status = STATUS_FAILED;
    flowlog_plan_free(plan);
    input_close(&input);
    text_free(&spelled);
    return status;
}
