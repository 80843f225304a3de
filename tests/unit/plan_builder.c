/* SPDX-License-Identifier: MIT */
/* Plans: names, projections, and mistakes found when they are made. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "flowlog/plan.h"
#include "support/alloc_count.h"

TestSuite(plan, .timeout = 20);

static flowlog_plan *new_plan(void)
{
    flowlog_plan *p = NULL;
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    return p;
}

Test(plan, names_the_fields_to_read_once_and_canonically)
{
    flowlog_plan *p = new_plan();
    cr_expect_str_eq(flowlog_plan_fields(p), "");
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_COUNT, NULL, NULL, NULL), FLOWLOG_OK);
    cr_expect_str_eq(flowlog_plan_fields(p), "");
    cr_expect_eq(flowlog_plan_key(p, "srcAddr", NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_key(p, "dst_port", NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "BYTES", NULL, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "dstport", NULL, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_key(p, "My-Field", NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "bytes", "again", NULL), FLOWLOG_OK);
    cr_expect_str_eq(flowlog_plan_fields(p), "srcaddr,dstport,bytes,My-Field");
    flowlog_plan_free(p);
}

Test(plan, refuses_the_same_key_twice_under_any_name)
{
    flowlog_plan *p = new_plan();
    flowlog_error err = {0};
    cr_expect_eq(flowlog_plan_key(p, "interface-id", &err), FLOWLOG_OK);
    cr_expect_eq(err.status, 0, "untouched on success");
    cr_expect_eq(flowlog_plan_key(p, "interfaceId", &err), FLOWLOG_E_DUPLICATE);
    cr_expect_eq(flowlog_plan_key(p, "new-thing", &err), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_key(p, "NEW_thing", &err), FLOWLOG_E_DUPLICATE);
    cr_expect_str_eq(flowlog_plan_fields(p), "interface-id,new-thing");
    flowlog_plan_free(p);
}

Test(plan, refuses_two_columns_of_one_name)
{
    flowlog_plan *p = new_plan();
    flowlog_error err = {0};
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "bytes", "bytes", &err), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_COUNT, NULL, "bytes", &err), FLOWLOG_E_DUPLICATE);
    cr_expect_eq(flowlog_plan_key(p, "bytes", &err), FLOWLOG_E_DUPLICATE);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_COUNT, NULL, NULL, &err), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_COUNT, NULL, NULL, &err), FLOWLOG_E_DUPLICATE);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "packets", NULL, &err), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "packets", NULL, &err), FLOWLOG_E_DUPLICATE);
    flowlog_plan_free(p);
}

Test(plan, refuses_names_that_could_be_no_field)
{
    flowlog_plan *p = new_plan();
    flowlog_error err = {0};
    const char *const bad[] = {"", " ", "a b", "a,", ",a", "a,,b", "a\tb", "\x7F", "a$", "(a)", "{a}", "'a b'"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_eq(flowlog_plan_key(p, bad[i], &err), FLOWLOG_E_SYNTAX, "row %zu", i);
    cr_expect_str_eq(flowlog_plan_fields(p), "");
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_COUNT, "a b", NULL, &err), FLOWLOG_E_FIELD);
    flowlog_plan_free(p);
}

Test(plan, sums_only_numbers)
{
    flowlog_plan *p = new_plan();
    flowlog_error err = {0};
    const char *const bad[] = {"start", "srcaddr", "action", "interface-id", "no-such-field"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, bad[i], NULL, &err), FLOWLOG_E_FIELD, "%s", bad[i]);
        cr_expect(strstr(err.message, bad[i]), "%s", err.message);
    }
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, NULL, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "bytes", "", &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_aggregate(p, (flowlog_agg)0, NULL, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_aggregate(p, (flowlog_agg)12, NULL, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_QUANTILE, "bytes", NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_aggregate(p, (flowlog_agg)-1, NULL, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "protocol", NULL, &err), FLOWLOG_OK);
    cr_expect_str_eq(flowlog_plan_fields(p), "protocol");
    flowlog_plan_free(p);
}

Test(plan, takes_sixteen_keys_and_sixty_four_aggregates)
{
    flowlog_plan *p = new_plan();
    char name[16];
    for (int i = 0; i <= 16; i++) {
        snprintf(name, sizeof name, "key%d", i);
        cr_expect_eq(flowlog_plan_key(p, name, NULL), i < 16 ? FLOWLOG_OK : FLOWLOG_E_LIMIT);
    }
    for (int i = 0; i <= 64; i++) {
        snprintf(name, sizeof name, "agg%d", i);
        cr_expect_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, i % 2 ? "bytes" : "packets", name, NULL),
                     i < 64 ? FLOWLOG_OK : FLOWLOG_E_LIMIT);
    }
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "agg%d", i);
        cr_expect_eq(flowlog_plan_sort(p, name, 1, NULL), FLOWLOG_OK);
        snprintf(name, sizeof name, "key%d", i);
        if (i < 16) cr_expect_eq(flowlog_plan_sort(p, name, 1, NULL), FLOWLOG_OK);
    }
    flowlog_plan_free(p);
}

Test(plan, sorts_only_by_columns_it_has_and_once_by_each)
{
    flowlog_plan *p = new_plan();
    flowlog_error err = {0};
    cr_assert_eq(flowlog_plan_key(p, "flow-direction", NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "bytes", NULL, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_sort(p, "bytes", 1, &err), FLOWLOG_E_FIELD, "it is named sum(bytes)");
    cr_expect_eq(flowlog_plan_sort(p, "", 1, &err), FLOWLOG_E_FIELD);
    cr_expect_eq(flowlog_plan_sort(p, "sum(bytes)", 1, &err), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_sort(p, "flowDirection", 0, &err), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_sort(p, "sum(bytes)", 0, &err), FLOWLOG_E_DUPLICATE);
    cr_expect_eq(flowlog_plan_sort(p, "flow-direction", 1, &err), FLOWLOG_E_DUPLICATE);
    flowlog_plan_free(p);
}

Test(plan, refuses_what_makes_no_sense)
{
    flowlog_plan *p = new_plan();
    flowlog_run *run = NULL;
    flowlog_result *result = NULL;
    cr_expect_eq(flowlog_plan_new(NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_key(NULL, "a", NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_key(p, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_sort(p, NULL, 0, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_limit(NULL, 1), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_keep_null_keys(NULL, 1), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_max_groups(NULL, 1), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_plan_max_groups(p, UINT64_C(1) << 32), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_run_begin(NULL, NULL, &run), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_run_begin(p, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_run_add(NULL, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_run_finish(NULL, &result, NULL), FLOWLOG_E_ARGUMENT);
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    cr_expect_eq(flowlog_run_add(run, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_run_finish(run, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_str_eq(flowlog_plan_fields(NULL), "");
    cr_expect_eq(flowlog_result_rows(NULL), 0);
    cr_expect_eq(flowlog_result_columns(NULL), 0);
    cr_expect_null(flowlog_result_name(NULL, 0));
    flowlog_run_free(run);
    flowlog_run_free(NULL);
    flowlog_plan_free(p);
    flowlog_plan_free(NULL);
    flowlog_result_free(NULL);
}

Test(plan, every_allocation_that_fails_leaves_the_plan_as_it_was)
{
    for (size_t fail_at = 1;; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        flowlog_plan *p = NULL;
        int failed = 0;
        while (flowlog_plan_new(&a, &p) < 0) failed++;
        /* a step that failed can be done again */
        while (flowlog_plan_key(p, "srcaddr", NULL) < 0) failed++;
        while (flowlog_plan_key(p, "a-new-field-with-a-long-name", NULL) < 0) failed++;
        while (flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "bytes", NULL, NULL) < 0) failed++;
        while (flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, "packets", "p", NULL) < 0) failed++;
        cr_expect_str_eq(flowlog_plan_fields(p), "srcaddr,a-new-field-with-a-long-name,bytes,packets");
        flowlog_plan_free(p);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail_at);
        cr_assert_leq(failed, 1);
        if (!failed) break;
    }
}
