/* SPDX-License-Identifier: MIT */
/* A whole result in one call: all columns, all rows, and what happens when memory or writing fails. */
#include <criterion/criterion.h>
#include <string.h>

#include "flowlog.h"
#include "support/alloc_count.h"

TestSuite(write_result, .timeout = 20);

static struct sink {
    char text[65536];
    size_t len, fails;
} sink;

static int take(void *ctx, const char *data, size_t len)
{
    struct sink *const s = ctx;
    if (s->fails) return -1;
    cr_assert(s->len + len < sizeof s->text);
    memcpy(s->text + s->len, data, len);
    s->text[s->len += len] = '\0';
    return 0;
}

static flowlog_result *make_result(void)
{
    static const char log[] = "srcaddr action bytes\n10.0.0.1 ACCEPT 5\n10.0.0.2 REJECT 18446744073709551605\n"
                              "10.0.0.1 ACCEPT 5\n2001:db8::1 OTHER 1\n";
    flowlog_plan *plan = NULL;
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    flowlog_run *run = NULL;
    flowlog_result *result = NULL;
    const flowlog_batch *batch;
    flowlog_error err = {0};
    flowlog_reader_options options = FLOWLOG_READER_OPTIONS_INIT;
    cr_assert_eq(flowlog_plan_new(NULL, &plan), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_key(plan, "srcaddr", &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_key(plan, "action", &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_aggregate(plan, FLOWLOG_AGG_SUM, "bytes", "bytes", &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_aggregate(plan, FLOWLOG_AGG_COUNT, NULL, NULL, &err), FLOWLOG_OK);
    options.fields = flowlog_plan_fields(plan);
    cr_assert_eq(flowlog_source_memory(log, sizeof log - 1, NULL, NULL, &source, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, &options, &reader, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_begin(plan, NULL, &run), FLOWLOG_OK);
    while (flowlog_reader_next(reader, &batch, &err) == FLOWLOG_OK)
        cr_assert_eq(flowlog_run_add(run, batch, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_finish(run, &result, &err), FLOWLOG_OK);
    flowlog_run_free(run);
    flowlog_reader_close(reader);
    flowlog_plan_free(plan);
    return result;
}

Test(write_result, writes_keys_and_aggregates_of_every_row)
{
    static const char *const want[] = {
        ("srcaddr      action                 bytes  count\n"
         "10.0.0.1     ACCEPT                    10      2\n"
         "10.0.0.2     REJECT  18446744073709551605      1\n"
         "2001:db8::1  OTHER                      1      1\n"),
        ("{\"srcaddr\":\"10.0.0.1\",\"action\":\"ACCEPT\",\"bytes\":10,\"count\":2}\n"
         "{\"srcaddr\":\"10.0.0.2\",\"action\":\"REJECT\",\"bytes\":18446744073709551605,\"count\":1}\n"
         "{\"srcaddr\":\"2001:db8::1\",\"action\":\"OTHER\",\"bytes\":1,\"count\":1}\n"),
        ("srcaddr,action,bytes,count\n10.0.0.1,ACCEPT,10,2\n10.0.0.2,REJECT,18446744073709551605,1\n"
         "2001:db8::1,OTHER,1,1\n")};
    flowlog_result *const result = make_result();
    for (unsigned form = 0; form < 3; form++) {
        flowlog_error err = {0};
        memset(&sink, 0, sizeof sink);
        cr_expect_eq(flowlog_write_result(result, (flowlog_form)form, take, &sink, NULL, &err), FLOWLOG_OK);
        cr_expect_str_eq(sink.text, want[form]);
    }
    flowlog_result_free(result);
}

Test(write_result, tells_what_failed)
{
    flowlog_result *const result = make_result();
    flowlog_error err = {0};
    memset(&sink, 0, sizeof sink);
    cr_expect_eq(flowlog_write_result(NULL, FLOWLOG_FORM_CSV, take, &sink, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_write_result(result, (flowlog_form)9, take, &sink, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_write_result(result, FLOWLOG_FORM_CSV, NULL, &sink, NULL, &err), FLOWLOG_E_ARGUMENT);
    sink.fails = 1;
    cr_expect_eq(flowlog_write_result(result, FLOWLOG_FORM_CSV, take, &sink, NULL, &err), FLOWLOG_E_IO);
    cr_expect_eq(err.status, FLOWLOG_E_IO);
    flowlog_result_free(result);
}

Test(write_result, leaves_nothing_when_memory_runs_out)
{
    flowlog_result *const result = make_result();
    for (unsigned form = 0; form < 5; form++)
        for (size_t fail_at = 0, requests = 1; fail_at <= requests; fail_at++) {
            struct test_alloc t;
            const flowlog_alloc a = test_alloc_init(&t, fail_at);
            memset(&sink, 0, sizeof sink);
            const flowlog_status status =
                flowlog_write_result(result, (flowlog_form)form, take, &sink, &a, NULL);
            cr_expect_eq(status, fail_at ? FLOWLOG_E_MEMORY : FLOWLOG_OK, "form %u, request %zu", form,
                         fail_at);
            cr_expect_eq(t.live_blocks, 0, "form %u, request %zu", form, fail_at);
            cr_expect_eq(t.wrong_lengths, 0);
            if (!fail_at) requests = t.requests;
        }
    flowlog_result_free(result);
}
