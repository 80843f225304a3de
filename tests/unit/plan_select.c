/* SPDX-License-Identifier: MIT */
/* Output columns and conditions on groups as text: what they mean, and where they are wrong. */
#include "support/alloc_count.h"
#include "support/plan_ask.h"

TestSuite(select, .timeout = 30);

/* Bytes, packets, start, end, srcaddr of a few rows, whatever a plan asks for. */
static const char *const numbers[] = {"1", "2", "3", "4", "100"};

Test(select, every_aggregate_has_its_value)
{
    ask_expect("select count, count(bytes), sum(bytes), min(bytes), max(bytes), avg(bytes), stddev(bytes), distinct(bytes), "
               "p50(bytes), p100(bytes), or(bytes)", numbers, COUNT(numbers),
               "5 5 110 1 100 22 43.617656975 5 3 100 103\n");
    ASK("2 1 7 7 7 7 - 1 7 7\n",
        "select count, count(bytes), sum(bytes), min(bytes), max(bytes), avg(bytes), stddev(bytes), "
        "distinct(bytes), p95(bytes), or(bytes)", "7", "-");
    ask_expect("select count, count(bytes), sum(bytes), min(bytes), max(bytes), avg(bytes), stddev(bytes), "
               "distinct(bytes), p95(bytes), or(bytes)", NULL, 0, "0 0 0 - - - - 0 - 0\n");
    ASK("b a\n", "select first(action), last(action)", "a", "9", "b", "5", "-", "1", "c", "-");
    ASK("10.0.0.1 ::1 3\n", "select min(srcaddr), max(srcaddr), distinct(srcaddr)", "::1", "10.0.0.1", "255.0.0.1",
        "10.0.0.1");
    ASK("0.333333333\n", "select avg(protocol)", "0", "0", "1");
    ASK("9 100\n", "select min(start), p51(start)", "100", "9");
}

Test(select, names_columns_by_their_text_or_alias)
{
    flowlog_result *r = ask("key SrcAddr | select count,  SUM( Bytes ) ,p99.90(bytes) as p, avg(bytes) AS \"a, b\"",
                            (const char *const[]){"10.0.0.1", "5"}, 2);
    cr_expect_str_eq(flowlog_result_name(r, 0), "srcaddr");
    cr_expect_str_eq(flowlog_result_name(r, 1), "count");
    cr_expect_str_eq(flowlog_result_name(r, 2), "SUM( Bytes )");
    cr_expect_str_eq(flowlog_result_name(r, 3), "p");
    cr_expect_str_eq(flowlog_result_name(r, 4), "a, b");
    cr_expect_null(flowlog_result_name(r, 5));
    cr_expect_eq(flowlog_result_keys(r), 1);
    cr_expect_eq(flowlog_result_columns(r), 5);
    cr_expect_str_eq(ask_text(r), "10.0.0.1 1 5 5 5\n");
    flowlog_result_free(r);
}

Test(select, shares_are_of_all_groups_before_having_and_limit)
{
    static const char *const cells[] = {"6", "10", "6", "20", "17", "10", "1", "0"};
    ask_expect("key protocol | select sum(bytes) as b, share(sum(bytes)), share(count) | sort b desc | limit 2",
               cells,
               COUNT(cells), "6 30 0.75 0.5\n17 10 0.25 0.25\n");
    ask_expect("key protocol | select share(sum(bytes)) as s | having s < 0.5", cells, COUNT(cells),
               "1 0\n17 0.25\n");
    ASK("6 -\n", "key protocol | select share(sum(bytes))", "6", "0");
    ask_expect("select share(count)", NULL, 0, "-\n");
    flowlog_plan *p = ask_plan("key protocol | select share(sum(bytes))");
    static const char *const large[] = {"6", "18446744073709551615", "17", "1"};
    flowlog_run *run = ask_run(p, large, COUNT(large));
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    cr_expect_eq(flowlog_run_finish(run, &r, &err), FLOWLOG_E_OVERFLOW);
    flowlog_run_free(run);
    flowlog_plan_free(p);
}

Test(select, rates_are_of_the_bin_or_of_the_whole_time)
{
    ASK("0 0.1 5\n60 0 -\n", "key bin(start,1m) | select rate(sum(bytes)), max(bytes)", "0", "1", "59", "5", "61",
        "-");
    ASK("0 0.2\n60 0\n", "key bin(start,1m) | select rate(sum(bytes)) as r", "0", "2", "59", "10", "61", "-");
    ASK("6 4 0.02\n17 2 0.01\n", "key protocol | select sum(bytes), rate(sum(bytes))",
        "6", "1", "100", "160", "6", "3", "-", "300", "17", "2", "200", "-");
    ASK("-\n", "select rate(count)", "100", "100");
    ASK("-\n", "select rate(count)", "100", "-");
    ASK("-\n", "select rate(count)", "100", "99");
    ASK("0.5\n", "select rate(count)", "-9223372036854775807", "-9223372036854775805");
    /* rows without a key do not count */
    ASK("6 0.1\n", "key protocol | select rate(count)", "6", "100", "110", "-", "0", "1000");
}

Test(select, arithmetic_is_exact_to_nine_digits)
{
    ASK("2.5 0.333333333 6 -1 2 7\n",
        "select sum(bytes) / count as a, count / 6 as b, sum(bytes)+1 as c, count - 3 as d, "
        "2 * (sum(bytes) - 4) as e, 7 as f", "5", "-");
    ASK("-\n", "select sum(bytes) / count(bytes) as a", "-");
    ASK("-\n", "select avg(bytes) + 1 as a", "-");
    ASK("0.5 1\n", "select count / 2 as half, half * 2 as whole", NULL);
    ASK("6 1 0.25\n17 3 0.75\n", "key protocol | select count, count / 4 as s", "6", "17", "17", "17");
    ASK("-\n", "select sum(bytes) * 2 as twice", "18446744073709551615");
}

Test(select, an_aggregate_with_a_condition_takes_only_rows_that_match)
{
    static const char *const cells[] = {"6", "10", "REJECT", "6", "20", "ACCEPT", "17", "5", "ACCEPT", "17", "-",
                                        "REJECT"};
    ask_expect("key protocol | select sum(bytes), sum(bytes) where reject as r, count where accept, "
               "count(bytes) where reject as c", cells, COUNT(cells), "6 30 10 1 1\n17 5 0 1 0\n");
    ASK("0.75 1 1.5\n", "select (count where reject) / count as a, share(count where reject) as s, "
        "(count where reject) / ((count where accept) + 1) as r", "REJECT", "ACCEPT", "REJECT", "REJECT");
    /* a null fits no condition, and its negation fits it */
    ASK("1 2\n", "select count where dst port in [22, 443] as a, count where not dst port in [22 443] as b", "22",
        "-", "80");
    /* records without traffic take part where their status is asked for */
    ASK("3 1 1\n", "select count, count where nodata as n, count where skipdata as s", "OK", "NODATA", "SKIPDATA");
}

Test(select, conditions_on_groups_see_columns_keys_and_aggregates_that_are_none)
{
    static const char *const cells[] = {"22", "5", "10.0.0.1", "22", "7", "10.0.0.2", "443", "1", "10.0.0.1", "80",
                                        "-", "::1"};
    static const struct {
        const char *having, *expected;
    } rows[] = {
        {"", "22 2\n80 1\n443 1\n"},
        {"n > 1", "22 2\n"},
        {"count > 1", "22 2\n"},
        {"sum(bytes) > 0 and n < 2", "443 1\n"},
        {"sum(bytes) / count < 6.5 and not sum(bytes) = 0", "22 2\n443 1\n"},
        {"dstport in [22 80]", "22 2\n80 1\n"},
        {"dst_port > 100", "443 1\n"},
        {"avg(bytes) is null", "80 1\n"},
        {"avg(bytes) < 100", "22 2\n443 1\n"},
        {"not avg(bytes) < 100", "80 1\n"},
        {"max(srcaddr) = 10.0.0.2", "22 2\n"},
        {"share(count) >= 0.5", "22 2\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char plan[256];
        snprintf(plan, sizeof plan,
                 "key dstport | select count as n | having sum(bytes) >= 0 | having count(srcaddr) > 0 | having %s",
                 rows[i].having);
        ask_expect(plan, cells, COUNT(cells), rows[i].expected);
    }
}

Test(select, a_having_is_before_limits_and_totals_are_before_it)
{
    static const char *const cells[] = {"1", "10", "2", "30", "3", "20", "4", "5"};
    flowlog_result *r = ask("key protocol | select sum(bytes) as b, count, avg(bytes) as a | having b < 30 | sort b desc | limit 2",
                            cells, COUNT(cells));
    uint64_t total = 0;
    cr_expect_str_eq(ask_text(r), "3 20 1 20\n1 10 1 10\n");
    cr_expect_eq(flowlog_result_groups(r), 4);
    cr_expect_eq(flowlog_result_counted(r), 4);
    cr_expect_eq(flowlog_result_total(r, 1, &total), FLOWLOG_OK);
    cr_expect_eq(total, 65);
    cr_expect_eq(flowlog_result_total(r, 0, &total), FLOWLOG_E_ARGUMENT, "a key");
    cr_expect_eq(flowlog_result_total(r, 3, &total), FLOWLOG_E_ARGUMENT, "an average");
    flowlog_result_free(r);
}

Test(select, sorts_by_any_column)
{
    static const char *const cells[] = {"1", "10", "2", "31", "1", "15", "3", "-", "2", "0", "4",
                                        "18446744073709551615"};
    ask_expect("key protocol | select avg(bytes) as a | sort a", cells, COUNT(cells),
               "3 -\n1 12.5\n2 15.5\n4 18446744073709551615\n");
    ask_expect("key protocol | select avg(bytes) as a | sort a desc | limit 3", cells, COUNT(cells),
               "4 18446744073709551615\n2 15.5\n1 12.5\n");
    ask_expect("key protocol | select 0 - count(bytes) as c | sort c", cells, COUNT(cells),
               "1 -2\n2 -2\n4 -1\n3 0\n");
    ask_expect("key protocol | select max(bytes) as m, 10 - max(bytes) as d | sort d | limit 3", cells, COUNT(cells),
               "3 - -\n4 18446744073709551615 -18446744073709551605\n2 31 -21\n");
    ASK("3 - -\n1 10.0.0.9 10.0.0.1\n2 ::1 ::1\n",
        "key protocol | select max(srcaddr) as m, first(srcaddr) as f | sort m",
        "2", "::1", "5", "1", "10.0.0.9", "5", "1", "10.0.0.1", "4", "3", "-", "1");
}

/* The error of a step under the text that was given. */
static const char *error_of(flowlog_status (*step)(flowlog_plan *plan, const char *text, flowlog_error *err),
                            const char *text)
{
    static char shown[512];
    flowlog_plan *p = ask_plan("key dstport | select count as n");
    flowlog_error err = {0};
    char before[1024], after[1024], fields[256];
    flowlog_plan_explain(p, before, sizeof before);
    snprintf(fields, sizeof fields, "%s", flowlog_plan_fields(p));
    const flowlog_status st = step(p, text, &err);
    flowlog_plan_explain(p, after, sizeof after);
    cr_expect_eq(st, step(p, text, NULL), "%s", text);
    if (st < 0) {
        cr_expect_str_eq(before, after, "%s", text);
        cr_expect_str_eq(flowlog_plan_fields(p), fields, "%s", text);
        cr_expect_eq(err.status, st, "%s", text);
        cr_expect_eq(err.offset + 1, err.column, "%s", text);
    }
    snprintf(shown, sizeof shown, "%*s %s", (int)err.column, st < 0 ? "^" : "", flowlog_status_name(st) + 8);
    flowlog_plan_free(p);
    return shown;
}

Test(select, says_where_columns_are_wrong)
{
    static const char *const rows[][2] = {
        {"", "^ E_SYNTAX"},
        {"sum", "   ^ E_SYNTAX"},
        {"sum()", "    ^ E_SYNTAX"},
        {"sum(bytes", "   ^ E_SYNTAX"},
        {"sum(bytes,packets)", "         ^ E_SYNTAX"},
        {"sum(srcaddr)", "    ^ E_FIELD"},
        {"sum(no-such)", "    ^ E_FIELD"},
        {"count, max(action)", "           ^ E_FIELD"},
        {"total(bytes)", "^ E_FIELD"},
        {"p(bytes)", "^ E_FIELD"},
        {"p0(bytes)", "^ E_FIELD"},
        {"p100.1(bytes)", "^ E_FIELD"},
        {"p99.9999(bytes)", "^ E_FIELD"},
        {"p99.9", "     ^ E_SYNTAX"},
        {"p50(srcaddr)", "    ^ E_FIELD"},
        {"count,", "      ^ E_SYNTAX"},
        {",count", "^ E_SYNTAX"},
        {"count,count", "      ^ E_DUPLICATE"},
        {"count(bytes) as n", "                ^ E_DUPLICATE"},
        {"count(bytes) as dstport", "                ^ E_DUPLICATE"},
        {"count as", "        ^ E_SYNTAX"},
        {"count as a b", "         ^ E_SYNTAX"},
        {"count x", "      ^ E_SYNTAX"},
        {"count where", "           ^ E_SYNTAX"},
        {"count where  as r", "           ^ E_SYNTAX"},
        {"count where no-such-field = 5", "            ^ E_FIELD"},
        {"count, count where dst port in [22, x] as b", "                                    ^ E_SYNTAX"},
        {"share(avg(bytes))", "      ^ E_FIELD"},
        {"share(n)", "      ^ E_FIELD"},
        {"share", "     ^ E_SYNTAX"},
        {"rate(count) x", "            ^ E_SYNTAX"},
        {"dstport", "^ E_FIELD"},
        {"count / ", "       ^ E_SYNTAX"},
        {"count / sum(srcaddr)", "            ^ E_FIELD"},
        {"count + nonsense", "        ^ E_FIELD"},
        {"(count", "^ E_SYNTAX"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_str_eq(error_of(flowlog_plan_select, rows[i][0]), rows[i][1], "\n%s\n%s", rows[i][0],
                         error_of(flowlog_plan_select, rows[i][0]));
}

Test(select, says_where_conditions_on_groups_are_wrong)
{
    static const char *const rows[][2] = {
        {"n >", "   ^ E_SYNTAX"},
        {"n > 1 and", "         ^ E_SYNTAX"},
        {"nonsense > 1", "^ E_FIELD"},
        {"n > 1 or sum(srcaddr) > 2", "             ^ E_FIELD"},
        {"n > 1 n", "      ^ E_SYNTAX"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_str_eq(error_of(flowlog_plan_having, rows[i][0]), rows[i][1], "\n%s\n%s", rows[i][0],
                         error_of(flowlog_plan_having, rows[i][0]));
}

Test(select, takes_sixty_four_aggregates_hidden_ones_included)
{
    flowlog_plan *p = NULL;
    char text[64];
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    for (int i = 1; i <= 60; i++) {
        snprintf(text, sizeof text, "p%d(bytes)", i);
        cr_assert_eq(flowlog_plan_select(p, text, NULL), FLOWLOG_OK);
    }
    cr_expect_eq(flowlog_plan_having(p, "max(bytes) + min(bytes) + avg(bytes) + sum(bytes) + sum(packets) > 0",
                                     NULL), FLOWLOG_E_LIMIT);
    cr_expect_eq(flowlog_plan_having(p, "max(bytes) + min(bytes) + avg(bytes) + sum(bytes) > 0", NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_select(p, "count(packets)", NULL), FLOWLOG_E_LIMIT);
    cr_expect_eq(flowlog_plan_select(p, "p1(bytes) as again", NULL), FLOWLOG_OK, "it is shared");
    cr_expect_str_eq(flowlog_plan_fields(p), "bytes");
    flowlog_plan_free(p);
}

Test(select, memory_that_runs_out_leaves_the_plan_as_it_was)
{
    for (size_t fail_at = 1;; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        flowlog_plan *p = NULL;
        int failed = 0;
        char before[1024], after[1024];
        while (flowlog_plan_new(&a, &p) < 0) failed++;
#define TRY(call)                                              \
    do {                                                       \
        flowlog_plan_explain(p, before, sizeof before);        \
        const flowlog_status st_ = (call);                     \
        if (st_ >= 0) break;                                   \
        cr_assert_eq(st_, FLOWLOG_E_MEMORY, "request %zu", fail_at); \
        flowlog_plan_explain(p, after, sizeof after);          \
        cr_assert_str_eq(after, before, "request %zu", fail_at); \
        failed++;                                              \
    } while (1)
        TRY(flowlog_plan_where(p, "reject and dst port 22", NULL));
        TRY(flowlog_plan_where(p, "src net 10.0.0.0/8", NULL));
        TRY(flowlog_plan_key(p, "dstport,pair(srcaddr,dstaddr)", NULL));
        TRY(flowlog_plan_select(p, "sum(bytes) where accept as a, rate(count), count/5 as c, count as \"a name\"",
                                NULL));
        TRY(flowlog_plan_having(p, "max(packets) > 5 and c < 1M", NULL));
        cr_expect_str_eq(flowlog_plan_fields(p), "dstport,srcaddr,dstaddr,bytes,action,start,end,packets");
        flowlog_plan_free(p);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail_at);
        cr_assert_leq(failed, 1);
        if (!failed) break;
    }
}
