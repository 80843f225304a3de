/* SPDX-License-Identifier: MIT */
/* A source answered in one call: options, counters, progress, damage, and what is left of the source. */
#include "support/alloc_count.h"
#include "support/plan_ask.h"

TestSuite(collect, .timeout = 30);

static const char *const log_text =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
    "2 1 eni-1 10.0.0.1 10.0.0.9 40000 22 6 1 100 1000 1060 ACCEPT OK\n"
    "2 1 eni-1 10.0.0.1 10.0.0.9 40001 22 6 2 200 1000 1060 REJECT OK\n"
    "2 1 eni-1 - - - - - - - 1000 1060 - NODATA\n"
    "2 1 eni-1 10.0.0.2 10.0.0.9 40000 443 6 3 300 1060 1120 ACCEPT OK\n"
    "2 1 eni-1 10.0.0.2 10.0.0.9 40000 443 6 3 oops 1060 1120 ACCEPT OK\n"
    "2 1 eni-1 2001:db8::1 10.0.0.9 40000 443 6 4 400 1060 1120 ACCEPT OK\n";

static flowlog_source *source_of(const char *text)
{
    flowlog_source *s = NULL;
    cr_assert_eq(flowlog_source_memory(text, strlen(text), "a log", NULL, &s, NULL), FLOWLOG_OK);
    return s;
}

static void expect(const char *plan, const char *expected)
{
    flowlog_plan *p = ask_plan(plan);
    flowlog_source *s = source_of(log_text);
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_plan_run(p, s, NULL, &r, &err), FLOWLOG_OK, "%s: %s", plan, err.message);
    cr_expect_str_eq(ask_text(r), expected, "%s:\n%s", plan, ask_text(r));
    flowlog_result_free(r);
    flowlog_source_close(s);
    flowlog_plan_free(p);
}

Test(collect, answers_questions_about_a_log)
{
    expect("select count", "5\n"); /* `bytes` is not looked at, so no line is malformed */
    expect("select count, sum(bytes)", "4 1000\n");
    expect("key srcaddr | select sum(bytes) as b | sort b desc", "2001:db8::1 400\n10.0.0.1 300\n10.0.0.2 300\n");
    expect("where reject | key service | select count", "ssh 1\n");
    expect("where dst port 443 and bytes > 300 | key srcaddr/24 | select sum(bytes)", "2001:db8::/64 400\n");
    expect("where nodata | key interface-id | select count", "eni-1 1\n");
    expect("key log-status | select count", "NODATA 1\nOK 5\n");
    expect("key bin(start,1m) | select count, rate(sum(bytes)) as r", "960 2 5\n1020 2 11.666666667\n");
    expect("key srcaddr | select rate(count) as r, share(sum(packets)) as s | having s > 0.3 | limit 1",
           "10.0.0.2 0.016666667 0.461538462\n");
    expect("where src host 192.0.2.1 | select count", "0\n");
    expect("where src host 192.0.2.1 | key srcaddr", "");
    expect("select min(start), max(end), count where accept as a", "1000 1120 4\n");
}

Test(collect, the_source_stays_the_callers_and_counters_are_written)
{
    flowlog_plan *p = ask_plan("select sum(bytes) | where accept");
    flowlog_source *s = source_of(log_text);
    flowlog_result *r = NULL;
    flowlog_counters counters = {0};
    flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
    o.counters = &counters;
    cr_assert_eq(flowlog_plan_run(p, s, &o, &r, NULL), FLOWLOG_OK);
    cr_expect_str_eq(flowlog_source_name(s, 0), "a log");
    cr_expect_eq(counters.files, 1);
    cr_expect_eq(counters.lines, 7);
    cr_expect_eq(counters.headers, 1);
    cr_expect_eq(counters.nodata, 1);
    cr_expect_eq(counters.malformed, 1);
    cr_expect_eq(counters.records, 4);
    cr_expect_eq(counters.bad_line[0].line, 6);
    flowlog_result_free(r);
    r = NULL;
    cr_expect_eq(flowlog_plan_run(p, s, &o, &r, NULL), FLOWLOG_OK, "it is used up");
    cr_expect_str_eq(ask_text(r), "0\n");
    flowlog_result_free(r);
    flowlog_source_close(s);
    flowlog_plan_free(p);
}

Test(collect, a_malformed_line_may_end_it)
{
    flowlog_plan *p = ask_plan("select sum(bytes)");
    flowlog_source *s = source_of(log_text);
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    flowlog_counters counters = {0};
    flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
    o.flags = FLOWLOG_READ_STOP_ON_BAD;
    o.counters = &counters;
    cr_expect_eq(flowlog_plan_run(p, s, &o, &r, &err), FLOWLOG_E_MALFORMED);
    cr_expect_eq(err.line, 6);
    cr_expect_eq(counters.malformed, 1);
    cr_expect_null(r);
    flowlog_source_close(s);
    flowlog_plan_free(p);
}

/* --- several inputs, some damaged ------------------------------------------------------------------------- */

struct told {
    int calls, answer;
    char names[256];
    uint64_t bytes, total;
};

static int damage(void *ctx, const char *name, const flowlog_error *err)
{
    struct told *t = ctx;
    const char *slash = strrchr(name, '/');
    cr_expect_lt(err->status, 0);
    t->calls++;
    strcat(strcat(t->names, slash ? slash + 1 : name), " ");
    return t->answer;
}

static int progress(void *ctx, uint64_t bytes, uint64_t total)
{
    struct told *t = ctx;
    cr_expect_geq(bytes, t->bytes);
    t->calls++;
    t->bytes = bytes;
    t->total = total;
    return t->answer;
}

static flowlog_source *source_of_files(void)
{
    const char *const paths[] = {FLOWLOG_SOURCE_DIR "/tests/data/plain.log",
                                 FLOWLOG_SOURCE_DIR "/tests/data/truncated.log.gz",
                                 FLOWLOG_SOURCE_DIR "/tests/data/unknown-format.log",
                                     FLOWLOG_SOURCE_DIR "/tests/data/plain.log.gz"};
    flowlog_source *s = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_source_paths(paths, COUNT(paths), 0, NULL, &s, &err), FLOWLOG_OK, "%s", err.message);
    return s;
}

Test(collect, damage_is_told_and_decides)
{
    flowlog_plan *p = ask_plan("select count");
    flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
    flowlog_counters counters = {0};
    struct told t = {0};
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    o.damage = damage;
    o.ctx = &t;
    o.counters = &counters;
    flowlog_source *s = source_of_files();
    cr_expect_eq(flowlog_plan_run(p, s, &o, &r, &err), FLOWLOG_OK, "%s", err.message);
    cr_expect_str_eq(t.names, "truncated.log.gz unknown-format.log ");
    cr_expect_eq(counters.files, 4);
    flowlog_value v;
    cr_assert_eq(flowlog_result_value(r, 0, 0, &v), FLOWLOG_OK);
    cr_expect_eq(v.number, counters.records, "all that could be read counts");
    flowlog_result_free(r);
    flowlog_source_close(s);
    /* the first damage ends it where nobody asks, or when the answer is a status */
    r = NULL;
    o.damage = NULL;
    s = source_of_files();
    cr_expect_eq(flowlog_plan_run(p, s, &o, &r, &err), FLOWLOG_E_CORRUPT);
    flowlog_source_close(s);
    t.answer = FLOWLOG_E_LIMIT;
    o.damage = damage;
    s = source_of_files();
    cr_expect_eq(flowlog_plan_run(p, s, &o, &r, &err), FLOWLOG_E_LIMIT);
    cr_expect_eq(err.status, FLOWLOG_E_LIMIT);
    cr_expect_eq(counters.files, 2);
    flowlog_source_close(s);
    cr_expect_null(r);
    flowlog_plan_free(p);
}

Test(collect, progress_is_told_to_the_end_and_can_cancel)
{
    flowlog_plan *p = ask_plan("select count");
    flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
    struct told t = {0};
    flowlog_run *run = NULL;
    flowlog_error err = {0};
    o.progress = progress;
    o.ctx = &t;
    flowlog_source *s = source_of(log_text);
    cr_expect_eq(flowlog_plan_collect(p, s, &o, &run, &err), FLOWLOG_OK);
    cr_expect_geq(t.calls, 1);
    cr_expect_eq(t.bytes, strlen(log_text));
    cr_expect_eq(t.total, strlen(log_text));
    flowlog_run_free(run);
    flowlog_source_close(s);
    run = NULL;
    t.answer = 1;
    t.bytes = 0;
    s = source_of(log_text);
    cr_expect_eq(flowlog_plan_collect(p, s, &o, &run, &err), FLOWLOG_E_CANCELLED);
    cr_expect_null(run);
    flowlog_source_close(s);
    flowlog_plan_free(p);
}

Test(collect, a_run_is_finished_merged_or_saved_by_hand)
{
    flowlog_plan *p = ask_plan("key srcaddr | select count");
    flowlog_source *s = source_of(log_text), *s2 = source_of(log_text);
    flowlog_run *run = NULL, *run2 = NULL;
    flowlog_result *r = NULL;
    cr_assert_eq(flowlog_plan_collect(p, s, NULL, &run, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_collect(p, s2, NULL, &run2, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_merge(run, run2, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_finish(run, &r, NULL), FLOWLOG_OK);
    cr_expect_str_eq(ask_text(r), "10.0.0.1 4\n10.0.0.2 4\n2001:db8::1 2\n");
    flowlog_result_free(r);
    flowlog_run_free(run);
    flowlog_run_free(run2);
    flowlog_source_close(s);
    flowlog_source_close(s2);
    flowlog_plan_free(p);
}

Test(collect, refuses_what_makes_no_sense)
{
    flowlog_plan *p = ask_plan("key srcaddr | select count | approximate");
    flowlog_source *s = source_of(log_text);
    flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
    flowlog_run *run = NULL;
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    cr_expect_eq(flowlog_plan_collect(p, s, &o, &run, &err), FLOWLOG_E_ARGUMENT,
                 "an order by count or sum is missing");
    cr_expect_eq(flowlog_plan_collect(NULL, s, &o, &run, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_collect(p, NULL, &o, &run, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_collect(p, s, &o, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_run(p, s, &o, NULL, &err), FLOWLOG_E_ARGUMENT);
    o.flags = FLOWLOG_READ_LINES;
    cr_expect_eq(flowlog_plan_run(p, s, &o, &r, &err), FLOWLOG_E_ARGUMENT);
    o.flags = 0;
    o.struct_size = 0;
    cr_expect_eq(flowlog_plan_run(p, s, &o, &r, &err), FLOWLOG_E_ARGUMENT);
    flowlog_source_close(s);
    flowlog_plan_free(p);
}

Test(collect, memory_that_runs_out_ends_in_a_status)
{
    flowlog_plan *p = ask_plan("where accept | key srcaddr/24,service | select sum(bytes)/count as m, distinct(dstport) where dst port 443 as d "
                               "| sort m desc");
    for (size_t fail_at = 1;; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        flowlog_run_options o = FLOWLOG_RUN_OPTIONS_INIT;
        o.alloc = &a;
        flowlog_source *s = source_of(log_text);
        flowlog_result *r = NULL;
        const flowlog_status st = flowlog_plan_run(p, s, &o, &r, NULL);
        flowlog_result_free(r);
        flowlog_source_close(s);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail_at);
        if (st >= 0) break;
        cr_assert_eq(st, FLOWLOG_E_MEMORY, "request %zu: %d", fail_at, (int)st);
    }
    flowlog_plan_free(p);
}
