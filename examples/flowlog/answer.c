/* SPDX-License-Identifier: MIT */
/*
 * answer.c - the end of top, group and merge.
 */
#include "answer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 16 + 64 }; /* the keys and aggregates of a plan */

/* The end of the key at `p`: a comma outside of parentheses that no second prefix follows, as in srcaddr/24,/64. */
static const char *key_end(const char *p)
{
    for (int depth = 0; *p; p++) {
        if (*p == '(') depth++;
        else if (*p == ')') depth--;
        else if (*p == ',' && depth <= 0 && p[1 + strspn(p + 1, " ")] != '/') break;
    }
    return p;
}

uint32_t answer_key_names(const char *by, struct text *names)
{
    uint32_t count = 0;
    int several = 0;
    for (const char *p = by, *end = p; *p; p = *end ? end + 1 : end) {
        p += strspn(p, " ");
        end = key_end(p);
        size_t len = (size_t)(end - p);
        while (len && p[len - 1] == ' ') len--;
        several |= len > 4 && memchr(p, '(', len) && (p[0] == 'p' || p[0] == 'P'); /* pair(A,B) */
        text_add(names, p, len);
        text_add(names, "", 1);
        count++;
    }
    return several ? 0 : count;
}

void answer_remarks(const flowlog_result *result, const char *by)
{
    const uint64_t left_out = flowlog_result_null_keys(result), rows = flowlog_result_rows(result);
    uint64_t most = 0;
    if (left_out && by)
        message_warning("%" PRIu64 " records left out: '-' or no such field in %s", left_out, by);
    else if (left_out) message_warning("%" PRIu64 " records left out: '-' or no such field in a key", left_out);
    for (uint32_t c = 0; c < flowlog_result_columns(result); c++)
        if (flowlog_result_approximate(result, c))
            message_warning("%s: numbers above %d are estimates, with a standard error of 0.81 %%",
                            flowlog_result_name(result, c), FLOWLOG_DISTINCT_EXACT);
    for (uint64_t r = 0; r < rows; r++)
        if (flowlog_result_error(result, r) > most) most = flowlog_result_error(result, r);
    if (most)
        message_warning("more groups than --max-groups: what rows are sorted by may be too large by up to %" PRIu64,
                        most);
}

int answer_write(const flowlog_result *result, const char *by, flowlog_form form, struct out *out)
{
    const char *names[COLUMNS_MAX];
    flowlog_value values[COLUMNS_MAX];
    struct text given = {NULL, 0, 0};
    const uint32_t columns = flowlog_result_columns(result), keys = flowlog_result_keys(result);
    flowlog_writer *writer = NULL;
    flowlog_error err;
    for (uint32_t c = 0; c < columns; c++) names[c] = flowlog_result_name(result, c);
    if (by && answer_key_names(by, &given) == keys)
        for (uint32_t c = 0, at = 0; c < keys; at += (uint32_t)strlen(names[c]) + 1, c++) names[c] = given.ptr + at;
    flowlog_status status = flowlog_writer_open(form, names, columns, out_write, out, NULL, &writer, &err);
    for (uint64_t r = 0; status >= 0 && r < flowlog_result_rows(result); r++) {
        for (uint32_t c = 0; c < columns; c++) flowlog_result_value(result, r, c, &values[c]);
        status = flowlog_writer_row(writer, values, &err);
    }
    if (status >= 0) status = flowlog_writer_finish(writer, &err);
    if (status < 0 && !out->failed) message_error("%s", err.message);
    flowlog_writer_close(writer);
    text_free(&given);
    return status < 0 ? -1 : 0;
}

int answer_explain(const flowlog_plan *plan, const struct input *input, struct out *out)
{
    struct text text = {NULL, 0, 0};
    const size_t len = flowlog_plan_explain(plan, NULL, 0);
    char *const canonical = need_memory(NULL, len + 1);
    flowlog_plan_explain(plan, canonical, len + 1);
    text_print(&text, "%s\nfields: %s\n", canonical, flowlog_plan_fields(plan));
    if (input)
        text_print(&text, "inputs: %" PRIu32 ", %" PRIu64 " bytes\n", input->inputs,
                   flowlog_source_bytes(input->source));
    const size_t remarks_len = flowlog_plan_remarks(plan, NULL, 0);
    char *const remarks = need_memory(NULL, remarks_len + 1);
    flowlog_plan_remarks(plan, remarks, remarks_len + 1);
    for (char *line = remarks, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        text_print(&text, "remark: %.*s\n", (int)(end - line), line);
    }
    const int bad = out_write(out, text.ptr, text.len);
    free(remarks);
    free(canonical);
    text_free(&text);
    return bad ? -1 : 0;
}

int answer_save(flowlog_run *run, const char *path)
{
    struct out out = out_make(strcmp(path, "-") == 0 ? NULL : path);
    flowlog_error err;
    const flowlog_status status = flowlog_run_save(run, out_write, &out, &err);
    if (status < 0 && !out.failed) message_error("%s: %s", path, err.message);
    return status < 0 || out_close(&out) ? -1 : 0;
}
