/* SPDX-License-Identifier: MIT */
/*
 * support/plan_ask.h - plans from text, and their answers to cells of text as text.
 *
 *     ask_plan("key srcaddr/24 | where reject | select count, sum(bytes) as b | having b > 1 | sort b desc | limit 3")
 *
 * Parts are steps of the builder, in order; besides those above "per N KEYS", "nulls", "max N", "approximate".
 * A batch has the columns of flowlog_plan_fields.
 */
#ifndef TEST_PLAN_ASK_H
#define TEST_PLAN_ASK_H

#include <criterion/criterion.h>

#include "flowlog/plan.h"
#include "support/batch_make.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline flowlog_status ask_step(flowlog_plan *p, char *step, flowlog_error *err)
{
    while (*step == ' ') step++;
    for (size_t len = strlen(step); len && step[len - 1] == ' ';) step[--len] = '\0';
    char *rest = strchr(step, ' ');
    if (rest) *rest++ = '\0';
    else rest = step + strlen(step);
    if (!strcmp(step, "key")) return flowlog_plan_key(p, rest, err);
    if (!strcmp(step, "where")) return flowlog_plan_where(p, rest, err);
    if (!strcmp(step, "select")) return flowlog_plan_select(p, rest, err);
    if (!strcmp(step, "having")) return flowlog_plan_having(p, rest, err);
    if (!strcmp(step, "limit")) return flowlog_plan_limit(p, strtoull(rest, NULL, 10));
    if (!strcmp(step, "max")) return flowlog_plan_max_groups(p, strtoull(rest, NULL, 10));
    if (!strcmp(step, "nulls")) return flowlog_plan_keep_null_keys(p, 1);
    if (!strcmp(step, "approximate")) return flowlog_plan_approximate(p, 1);
    if (!strcmp(step, "per")) {
        const uint64_t rows = strtoull(rest, &rest, 10);
        return flowlog_plan_limit_per(p, rest, rows, err);
    }
    if (!strcmp(step, "sort")) {
        const size_t len = strlen(rest);
        const int descending = len > 5 && !strcmp(rest + len - 5, " desc");
        if (descending) rest[len - 5] = '\0';
        return flowlog_plan_sort(p, rest, descending, err);
    }
    return FLOWLOG_E_ARGUMENT;
}

static inline flowlog_plan *ask_plan(const char *text)
{
    flowlog_plan *p = NULL;
    flowlog_error err = {0};
    char copy[4096];
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    cr_assert_lt(strlen(text), sizeof copy);
    strcpy(copy, text);
    for (char *step = copy, *next; step; step = next) {
        next = strchr(step, '|');
        if (next) *next++ = '\0';
        cr_assert_eq(ask_step(p, step, &err), FLOWLOG_OK, "%s: %s: %s at %u", text, step, err.message, err.column);
    }
    return p;
}

static inline uint32_t ask_columns(const flowlog_plan *p)
{
    const char *fields = flowlog_plan_fields(p);
    uint32_t columns = *fields ? 1 : 0;
    for (const char *c = fields; *c; c++) columns += *c == ',';
    return columns;
}

/* The batch of a plan's fields; without fields, so many rows as there are cells. */
static inline struct test_batch *ask_batch(const flowlog_plan *p, const char *const *cells, size_t count)
{
    const uint32_t columns = ask_columns(p);
    cr_assert_eq(columns ? count % columns : 0, 0, "%zu cells for %s", count, flowlog_plan_fields(p));
    return test_batch_new(flowlog_plan_fields(p), cells, (uint32_t)(columns ? count / columns : count));
}

static inline flowlog_run *ask_run(const flowlog_plan *p, const char *const *cells, size_t count)
{
    flowlog_run *run = NULL;
    flowlog_error err = {0};
    struct test_batch *b = ask_batch(p, cells, count);
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_add(run, &b->batch, &err), FLOWLOG_OK, "%s", err.message);
    test_batch_free(b);
    return run;
}

/* Rows on lines, cells between blanks. */
static inline const char *ask_text(const flowlog_result *r)
{
    static char all[1 << 16];
    char *out = all, cell[256];
    *out = '\0';
    for (uint64_t i = 0; i < flowlog_result_rows(r); i++) {
        for (uint32_t c = 0; c < flowlog_result_columns(r); c++) {
            flowlog_value v;
            cr_assert_eq(flowlog_result_value(r, i, c, &v), FLOWLOG_OK);
            cr_assert_eq(v.type, flowlog_result_type(r, c), "column %u", c);
            flowlog_value_format(&v, cell, sizeof cell);
            out += sprintf(out, "%s%s", c ? " " : "", cell);
        }
        out += sprintf(out, "\n");
    }
    return all;
}

static inline flowlog_result *ask(const char *plan, const char *const *cells, size_t count)
{
    flowlog_plan *p = ask_plan(plan);
    flowlog_run *run = ask_run(p, cells, count);
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_run_finish(run, &r, &err), FLOWLOG_OK, "%s: %s", plan, err.message);
    flowlog_run_free(run); /* the result needs neither */
    flowlog_plan_free(p);
    return r;
}

static inline void ask_expect(const char *plan, const char *const *cells, size_t count, const char *expected)
{
    flowlog_result *r = ask(plan, cells, count);
    const char *text = ask_text(r);
    cr_expect(!strcmp(text, expected), "%s gives:\n%s", plan, text);
    flowlog_result_free(r);
}
#define ASK(expected, plan, ...)                                    \
    do {                                                            \
        static const char *const cells_[] = {__VA_ARGS__};          \
        ask_expect((plan), cells_, COUNT(cells_), (expected));      \
    } while (0)

/* What a plan is in its canonical form. */
static inline const char *ask_explain(const char *plan)
{
    static char text[1 << 14];
    flowlog_plan *p = ask_plan(plan);
    const size_t len = flowlog_plan_explain(p, text, sizeof text);
    cr_assert_eq(len, strlen(text));
    flowlog_plan_free(p);
    return text;
}

#endif
