/* SPDX-License-Identifier: MIT */
/* Runs: which rows count, what groups are, order, limits, totals, overflow, memory. */
#include <criterion/criterion.h>

#include "flowlog/plan.h"
#include "support/alloc_count.h"
#include "support/batch_make.h"

TestSuite(run, .timeout = 30);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A plan from words: "key srcaddr, sum bytes, count, sort sum(bytes) desc, limit 3, nulls, max 7". */
static flowlog_plan *plan_of(const char *text)
{
    flowlog_plan *p = NULL;
    flowlog_error err = {0};
    char copy[512], word[3][64];
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    strcpy(copy, text);
    for (char *part = strtok(copy, ","); part; part = strtok(NULL, ",")) {
        flowlog_status st = FLOWLOG_E_ARGUMENT;
        word[1][0] = word[2][0] = '\0';
        sscanf(part, "%63s %63s %63s", word[0], word[1], word[2]);
        if (!strcmp(word[0], "key")) st = flowlog_plan_key(p, word[1], &err);
        if (!strcmp(word[0], "sum")) st = flowlog_plan_aggregate(p, FLOWLOG_AGG_SUM, word[1], NULL, &err);
        if (!strcmp(word[0], "count"))
            st = flowlog_plan_aggregate(p, FLOWLOG_AGG_COUNT, *word[1] ? word[1] : NULL, NULL, &err);
        if (!strcmp(word[0], "sort")) st = flowlog_plan_sort(p, word[1], !strcmp(word[2], "desc"), &err);
        if (!strcmp(word[0], "limit")) st = flowlog_plan_limit(p, strtoull(word[1], NULL, 10));
        if (!strcmp(word[0], "max")) st = flowlog_plan_max_groups(p, strtoull(word[1], NULL, 10));
        if (!strcmp(word[0], "nulls")) st = flowlog_plan_keep_null_keys(p, 1);
        cr_assert_eq(st, FLOWLOG_OK, "%s: %s", part, err.message);
    }
    return p;
}

static const char *text_of(const flowlog_result *r)
{
    static char all[1 << 16];
    char *out = all, cell[128];
    *out = '\0';
    for (uint64_t i = 0; i < flowlog_result_rows(r); i++) {
        for (uint32_t c = 0; c < flowlog_result_columns(r); c++) {
            flowlog_value v;
            cr_assert_eq(flowlog_result_value(r, i, c, &v), FLOWLOG_OK);
            flowlog_value_format(&v, cell, sizeof cell);
            out += sprintf(out, "%s%s", c ? " " : "", cell);
        }
        out += sprintf(out, "\n");
    }
    return all;
}

/* The result of one batch. */
static flowlog_result *result_of(const char *text, const char *fields, const char *const *cells, size_t count)
{
    flowlog_plan *p = plan_of(text);
    uint32_t columns = *fields ? 1 : 0;
    for (const char *c = fields; *c; c++) columns += *c == ',';
    struct test_batch *b = test_batch_new(fields, cells, columns ? (uint32_t)count / columns : (uint32_t)count);
    flowlog_run *run;
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_add(run, &b->batch, &err), FLOWLOG_OK, "%s", err.message);
    cr_assert_eq(flowlog_run_finish(run, &r, &err), FLOWLOG_OK, "%s", err.message);
    /* The result needs none of these. */
    flowlog_run_free(run);
    flowlog_plan_free(p);
    test_batch_free(b);
    return r;
}

static void expect(const char *plan, const char *fields, const char *const *cells, size_t count, const char *expected)
{
    flowlog_result *r = result_of(plan, fields, cells, count);
    const char *text = text_of(r);
    cr_expect(!strcmp(text, expected), "%s gives:\n%s", plan, text);
    flowlog_result_free(r);
}
#define EXPECT(expected, plan, fields, ...)                      \
    do {                                                         \
        static const char *const cells_[] = {__VA_ARGS__};       \
        expect((plan), (fields), cells_, COUNT(cells_), (expected)); \
    } while (0)

Test(run, groups_addresses_by_value_ipv4_before_ipv6)
{
    EXPECT("9.0.0.0 1\n10.0.0.1 2\n255.255.255.255 1\n::1 1\n::ffff:10.0.0.1 1\n2001:db8::1 1\n8000:: 2\nfe80::1 1\nfe80::2 1\n",
           "key srcaddr, count", "srcaddr",
           "fe80::2", "10.0.0.1", "::ffff:10.0.0.1", "8000:0:0::", "255.255.255.255", "::1", "8000::", "9.0.0.0",
           "10.0.0.1", "fe80::1", "2001:db8::1");
}

Test(run, zero_is_a_value_and_null_is_none)
{
    EXPECT("0 1 0\n5 1 7\n", "key dstport, count, sum bytes", "dstport,bytes", "0", "-", "5", "7", "-", "9");
    EXPECT("- 1 9\n0 1 0\n5 1 7\n", "key dstport, count, sum bytes, nulls", "dstport,bytes",
           "0", "-", "5", "7", "-", "9");
}

Test(run, counts_rows_left_out_because_a_key_was_null)
{
    static const char *const cells[] = {"10.0.0.1", "-", "-", "1", "-", "-", "10.0.0.1", "2"};
    flowlog_result *r = result_of("key srcaddr, key dstport, count", "srcaddr,dstport", cells, COUNT(cells));
    cr_expect_str_eq(text_of(r), "10.0.0.1 2 1\n");
    cr_expect_eq(flowlog_result_null_keys(r), 3);
    cr_expect_eq(flowlog_result_groups(r), 1);
    flowlog_result_free(r);
    r = result_of("key srcaddr, key dstport, count, nulls", "srcaddr,dstport", cells, COUNT(cells));
    cr_expect_str_eq(text_of(r), "- - 1\n- 1 1\n10.0.0.1 - 1\n10.0.0.1 2 1\n");
    cr_expect_eq(flowlog_result_null_keys(r), 0);
    flowlog_result_free(r);
}

Test(run, rows_without_traffic_count_when_nulls_are_kept_or_the_status_is_a_key)
{
    static const char *const cells[] = {"eni-1", "OK", "eni-1", "NODATA", "eni-2", "SKIPDATA", "eni-2", "-",
                                        "-", "NODATA", "eni-2", "WHATEVER", "-", "OK"};
    flowlog_result *r = result_of("key interface-id, count, count log-status", "interface-id,log-status", cells, COUNT(cells));
    cr_expect_str_eq(text_of(r), "eni-1 1 1\neni-2 2 1\n");
    cr_expect_eq(flowlog_result_null_keys(r), 1, "not the NODATA row");
    cr_expect_eq(flowlog_result_counted(r), 3);
    flowlog_result_free(r);
    r = result_of("key interface-id, key log-status, count", "interface-id,log-status", cells, COUNT(cells));
    cr_expect_str_eq(text_of(r), "eni-1 NODATA 1\neni-1 OK 1\neni-2 SKIPDATA 1\neni-2 WHATEVER 1\n");
    cr_expect_eq(flowlog_result_null_keys(r), 3);
    cr_expect_eq(flowlog_result_counted(r), 4);
    flowlog_result_free(r);
    r = result_of("key interface-id, key log-status, count, nulls", "interface-id,log-status", cells, COUNT(cells));
    cr_expect_str_eq(text_of(r), "- NODATA 1\n- OK 1\neni-1 NODATA 1\neni-1 OK 1\neni-2 - 1\neni-2 SKIPDATA 1\n"
                                 "eni-2 WHATEVER 1\n");
    cr_expect_eq(flowlog_result_counted(r), 7);
    flowlog_result_free(r);
}

Test(run, every_place_of_a_row_without_traffic_in_a_batch_is_seen)
{
    enum { ROWS = 200 };
    const char *cells[ROWS * 2];
    for (int empty = 0; empty < ROWS; empty++) {
        for (int r = 0; r < ROWS; r++) {
            cells[2 * r] = "10.0.0.1";
            cells[2 * r + 1] = r == empty ? r % 2 ? "NODATA" : "SKIPDATA" : "OK";
        }
        flowlog_result *r = result_of("key srcaddr, count log-status", "srcaddr,log-status", cells, COUNT(cells));
        cr_expect_str_eq(text_of(r), "10.0.0.1 199\n", "row %d", empty);
        flowlog_result_free(r);
    }
}

Test(run, tokens_group_by_code_and_unknown_ones_by_text)
{
    EXPECT("ACCEPT 2\nMAYBE 1\nREJECT 1\nmaybe 2\n", "key action, count", "action",
           "maybe", "ACCEPT", "MAYBE", "REJECT", "maybe", "accept");
}

Test(run, text_is_compared_by_bytes_and_its_length_counts)
{
    EXPECT(" 1\n0123 1\n123 2\nA 1\na 1\nab 1\na\xC3\xA9 1\n", "key account-id, count", "account-id",
           "a", "123", "0123", "a\xC3\xA9", "", "A", "123", "ab");
}

Test(run, keys_of_two_texts_are_not_their_concatenation)
{
    EXPECT(" aab 1\na ab 1\naa b 1\naab  1\n", "key vpc-id, key subnet-id, count", "vpc-id,subnet-id",
           "aa", "b", "a", "ab", "", "aab", "aab", "");
}

Test(run, values_beyond_their_usual_width_are_the_same_values)
{
    EXPECT("65535 1\n65536 2\n4294967295 1\n", "key dstport, count", "dstport", "65536", "4294967295", "65536", "65535");
    EXPECT("0 1\n1099511627775 1\n1099511627776 2\n18446744073709551615 1\n", "key bytes, count", "bytes",
           "1099511627776", "18446744073709551615", "0", "1099511627775", "1099511627776");
    EXPECT("0 1\n1700000000 2\n9000000000000 1\n", "key start, count", "start",
           "1700000000", "9000000000000", "0", "1700000000");
}

Test(run, fields_that_no_catalogue_knows_are_text)
{
    EXPECT("- 1\n10 1\n9 2\n", "key shoe-size, count, nulls", "shoe_size", "9", "10", "-", "9");
}

Test(run, a_field_may_be_key_and_sum_at_once)
{
    EXPECT("22 2 44\n443 1 443\n", "key dstport, count, sum dstport", "dstport", "22", "443", "22");
}

Test(run, a_field_that_a_file_does_not_have_is_null)
{
    EXPECT("10.0.0.1 1 0\n", "key srcaddr, count, sum bytes", "srcaddr,bytes", "10.0.0.1", NULL);
    EXPECT("", "key tcp-flags, count", "tcp-flags", NULL, NULL);
    EXPECT("- 2\n", "key tcp-flags, count, nulls", "tcp-flags", NULL, NULL);
    EXPECT("- 10.0.0.1 2\n", "key flow-direction, key srcaddr, count, nulls", "flow-direction,srcaddr",
           NULL, "10.0.0.1", NULL, "10.0.0.1");
}

Test(run, without_keys_there_is_one_row_also_without_input)
{
    EXPECT("3 11\n", "count, sum bytes", "bytes", "5", "-", "6");
    flowlog_result *r = result_of("count, sum bytes", "bytes", NULL, 0);
    cr_expect_str_eq(text_of(r), "0 0\n");
    cr_expect_eq(flowlog_result_groups(r), 1);
    flowlog_result_free(r);
}

Test(run, without_aggregates_it_lists_the_keys)
{
    EXPECT("1\n2\n", "key protocol", "protocol", "2", "1", "2");
}

Test(run, sorts_by_several_columns_and_ties_by_keys)
{
    static const char *const cells[] = {"10.0.0.3", "6", "5", "10.0.0.1", "6", "5", "10.0.0.2", "17", "5",
                                        "10.0.0.4", "17", "9", "::1", "6", "5", "10.0.0.1", "17", "5"};
    const char *const fields = "srcaddr,protocol,bytes";
    expect("key srcaddr, key protocol, sum bytes, sort sum(bytes) desc", fields, cells, COUNT(cells),
           "10.0.0.4 17 9\n10.0.0.1 6 5\n10.0.0.1 17 5\n10.0.0.2 17 5\n10.0.0.3 6 5\n::1 6 5\n");
    expect("key srcaddr, key protocol, sum bytes, sort protocol desc, sort sum(bytes)", fields, cells, COUNT(cells),
           "10.0.0.1 17 5\n10.0.0.2 17 5\n10.0.0.4 17 9\n10.0.0.1 6 5\n10.0.0.3 6 5\n::1 6 5\n");
    expect("key srcaddr, key protocol, sum bytes, sort srcaddr desc", fields, cells, COUNT(cells),
           "::1 6 5\n10.0.0.4 17 9\n10.0.0.3 6 5\n10.0.0.2 17 5\n10.0.0.1 6 5\n10.0.0.1 17 5\n");
}

Test(run, null_comes_first_rising_and_last_falling)
{
    EXPECT("- 1\n0 1\n1 1\n", "key protocol, count, nulls", "protocol", "1", "-", "0");
    EXPECT("1 1\n0 1\n- 1\n", "key protocol, count, nulls, sort protocol desc", "protocol", "1", "-", "0");
}

Test(run, the_largest_values_keep_their_order)
{
    EXPECT("18446744073709551614 1\n18446744073709551615 1\n", "key bytes, count", "bytes",
           "18446744073709551615", "18446744073709551614");
    EXPECT("9223372036854775806\n9223372036854775807\n", "key start", "start",
           "9223372036854775807", "9223372036854775806");
    EXPECT("ffff:ffff:ffff:ffff::1\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n", "key srcaddr", "srcaddr",
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::1");
    EXPECT("aaaaaaaaa\naaaaaaaab\n\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\n\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF" "a\n",
           "key vpc-id", "vpc-id", "aaaaaaaab", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF" "a",
           "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "aaaaaaaaa");
}

Test(run, a_limit_cuts_rows_and_neither_groups_nor_totals)
{
    static const char *const cells[] = {"1", "10", "2", "30", "3", "20", "4", "5"};
    flowlog_result *r = result_of("key protocol, sum bytes, count, sort sum(bytes) desc, limit 2", "protocol,bytes",
                                  cells, COUNT(cells));
    uint64_t total = 0;
    cr_expect_str_eq(text_of(r), "2 30 1\n3 20 1\n");
    cr_expect_eq(flowlog_result_rows(r), 2);
    cr_expect_eq(flowlog_result_groups(r), 4);
    cr_expect_eq(flowlog_result_total(r, 1, &total), FLOWLOG_OK);
    cr_expect_eq(total, 65);
    cr_expect_eq(flowlog_result_total(r, 2, &total), FLOWLOG_OK);
    cr_expect_eq(total, 4);
    cr_expect_eq(flowlog_result_total(r, 0, &total), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_result_total(r, 3, &total), FLOWLOG_E_ARGUMENT);
    flowlog_value v;
    cr_expect_eq(flowlog_result_value(r, 2, 0, &v), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_result_value(r, 0, 3, &v), FLOWLOG_E_ARGUMENT);
    cr_expect_str_eq(flowlog_result_name(r, 0), "protocol");
    cr_expect_str_eq(flowlog_result_name(r, 1), "sum(bytes)");
    cr_expect_str_eq(flowlog_result_name(r, 2), "count");
    cr_expect_null(flowlog_result_name(r, 3));
    flowlog_result_free(r);
}

Test(run, sums_are_exact_up_to_the_last_value_of_64_bits)
{
    EXPECT("10.0.0.1 18446744073709551615\n", "key srcaddr, sum bytes", "srcaddr,bytes",
           "10.0.0.1", "18446744073709551614", "10.0.0.1", "1", "10.0.0.1", "0");
}

static void expect_overflow(const char *plan, const char *fields, const char *const *cells,
                            uint32_t rows, const char *message)
{
    flowlog_plan *p = plan_of(plan);
    struct test_batch *b = test_batch_new(fields, cells, rows);
    flowlog_run *run;
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    cr_expect_eq(flowlog_run_add(run, &b->batch, &err), FLOWLOG_E_OVERFLOW);
    cr_expect_str_eq(err.message, message);
    cr_expect_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_E_OVERFLOW, "and it stays so");
    cr_expect_eq(flowlog_run_finish(run, &r, NULL), FLOWLOG_E_OVERFLOW);
    cr_expect_null(r);
    flowlog_run_free(run);
    flowlog_plan_free(p);
    test_batch_free(b);
}

Test(run, a_sum_beyond_64_bits_is_an_error_that_names_the_group)
{
    static const char *const v4[] = {"10.0.0.1", "6", "18446744073709551615", "10.0.0.2", "6", "1", "10.0.0.1", "6", "1"};
    expect_overflow("key srcaddr, key protocol, sum bytes", "srcaddr,protocol,bytes", v4, 3,
                    "sum(bytes) exceeds 64 bits in a group: 10.0.0.1 6");
    static const char *const v6[] = {"::1", "eni-1", "18446744073709551615", "::1", "eni-1", "1"};
    expect_overflow("key srcaddr, key interface-id, sum bytes", "srcaddr,interface-id,bytes", v6, 2,
                    "sum(bytes) exceeds 64 bits in a group: ::1 eni-1");
    static const char *const all[] = {"18446744073709551615", "18446744073709551615"};
    expect_overflow("sum bytes", "bytes", all, 2, "sum(bytes) exceeds 64 bits in a group");
}

Test(run, a_total_beyond_64_bits_is_an_error_of_the_total_alone)
{
    static const char *const cells[] = {"10.0.0.1", "18446744073709551615", "10.0.0.2", "1"};
    flowlog_result *r = result_of("key srcaddr, sum bytes, count", "srcaddr,bytes", cells, COUNT(cells));
    uint64_t total = 7;
    cr_expect_str_eq(text_of(r), "10.0.0.1 18446744073709551615 1\n10.0.0.2 1 1\n");
    cr_expect_eq(flowlog_result_total(r, 1, &total), FLOWLOG_E_OVERFLOW);
    cr_expect_eq(total, 7);
    cr_expect_eq(flowlog_result_total(r, 2, &total), FLOWLOG_OK);
    flowlog_result_free(r);
}

Test(run, more_groups_than_allowed_are_an_error_and_as_many_are_not)
{
    static const char *const cells[] = {"10.0.0.1", "::1", "10.0.0.2", "::1", "10.0.0.1", "::2"};
    struct test_batch *b = test_batch_new("srcaddr", cells, 6);
    for (uint64_t max = 1; max <= 5; max++) {
        flowlog_plan *p = plan_of("key srcaddr, count");
        cr_assert_eq(flowlog_plan_max_groups(p, max), FLOWLOG_OK);
        flowlog_run *run;
        flowlog_error err = {0};
        cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
        cr_expect_eq(flowlog_run_add(run, &b->batch, &err), max < 4 ? FLOWLOG_E_LIMIT : FLOWLOG_OK, "max %d", (int)max);
        if (max == 2) cr_expect_str_eq(err.message, "more than 2 groups");
        flowlog_run_free(run);
        flowlog_plan_free(p);
    }
    test_batch_free(b);
}

Test(run, a_batch_with_other_columns_is_refused_and_harms_nothing)
{
    flowlog_plan *p = plan_of("key srcaddr, key odd-one, sum bytes");
    flowlog_run *run;
    flowlog_result *r;
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    static const char *const cells[] = {"10.0.0.1", "x", "5", "6"};
    const char *const bad[] = {"dstaddr,odd-one,bytes", "srcaddr,odd-two,bytes", "srcaddr,bytes,odd-one",
                               "srcaddr,odd-one", "srcaddr,odd-one,bytes,packets", "srcaddr,odd-one,packets", ""};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct test_batch *b = test_batch_new(bad[i], cells, 1);
        flowlog_error err = {0};
        cr_expect_eq(flowlog_run_add(run, &b->batch, &err), FLOWLOG_E_ARGUMENT, "%s", bad[i]);
        cr_expect_eq(err.status, FLOWLOG_E_ARGUMENT);
        test_batch_free(b);
    }
    struct test_batch *b = test_batch_new("srcaddr,odd_one,bytes", cells, 1);
    cr_expect_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_finish(run, &r, NULL), FLOWLOG_OK);
    cr_expect_str_eq(text_of(r), "10.0.0.1 x 5\n");
    test_batch_free(b);
    flowlog_result_free(r);
    flowlog_run_free(run);
    flowlog_plan_free(p);
}

Test(run, finishing_is_a_look_and_the_run_goes_on)
{
    flowlog_plan *p = plan_of("key protocol, count");
    static const char *const cells[] = {"6", "17"};
    struct test_batch *b = test_batch_new("protocol", cells, 2);
    flowlog_run *run;
    flowlog_result *first, *second;
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_finish(run, &first, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_run_finish(run, &second, NULL), FLOWLOG_OK);
    cr_expect_str_eq(text_of(first), "6 1\n17 1\n");
    cr_expect_str_eq(text_of(second), "6 2\n17 2\n");
    flowlog_result_free(first);
    flowlog_result_free(second);
    flowlog_run_free(run);
    flowlog_plan_free(p);
    test_batch_free(b);
}

Test(run, the_first_of_many_groups_are_those_of_the_whole_order)
{
    enum { ROWS = 5000 };
    static char text[ROWS][2][24];
    static const char *cells[ROWS * 2];
    for (uint32_t r = 0; r < ROWS; r++) {
        sprintf(text[r][0], "10.%u.%u.%u", r * 7919 % 251, r * 31 % 253, r * 17 % 255);
        sprintf(text[r][1], "%u", r * 2654435761u % 97); /* many ties */
        cells[2 * r] = text[r][0];
        cells[2 * r + 1] = text[r][1];
    }
    static char whole[1 << 16];
    flowlog_result *all = result_of("key srcaddr, sum bytes, sort sum(bytes) desc, limit 1500", "srcaddr,bytes", cells, COUNT(cells));
    strcpy(whole, text_of(all));
    flowlog_result_free(all);
    for (int limit = 1; limit < 1500; limit = limit * 3 + 1) {
        char plan[96];
        sprintf(plan, "key srcaddr, sum bytes, sort sum(bytes) desc, limit %d", limit);
        flowlog_result *r = result_of(plan, "srcaddr,bytes", cells, COUNT(cells));
        const char *part = text_of(r);
        cr_expect_eq(flowlog_result_rows(r), (uint64_t)limit);
        cr_expect(!strncmp(part, whole, strlen(part)), "limit %d", limit);
        flowlog_result_free(r);
    }
    /* ... and the whole order, beyond any selection */
    all = result_of("key srcaddr, sum bytes, sort sum(bytes) desc", "srcaddr,bytes", cells, COUNT(cells));
    uint64_t last = UINT64_MAX;
    flowlog_addr before = {{0}, 0};
    for (uint64_t r = 0; r < flowlog_result_rows(all); r++) {
        flowlog_value key, sum;
        flowlog_result_value(all, r, 0, &key);
        flowlog_result_value(all, r, 1, &sum);
        cr_assert(sum.number < last || (sum.number == last && flowlog_addr_compare(&before, &key.addr) < 0));
        last = sum.number;
        before = key.addr;
    }
    flowlog_result_free(all);
}

static flowlog_status run_once(const flowlog_plan *p, struct test_batch *b, const flowlog_alloc *a)
{
    flowlog_run *run = NULL;
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    flowlog_status st = flowlog_run_begin(p, a, &run);
    if (st < 0) return st;
    for (int i = 0; i < 2 && st >= 0; i++) st = flowlog_run_add(run, &b->batch, &err);
    if (st >= 0) {
        st = flowlog_run_finish(run, &r, &err);
        if (st >= 0) cr_expect_eq(flowlog_result_rows(r), 600);
    }
    if (st < 0) cr_expect_eq(err.status, st);
    flowlog_result_free(r);
    flowlog_run_free(run);
    return st;
}

Test(run, every_allocation_that_fails_leaves_a_status_and_no_memory)
{
    enum { ROWS = 600 };
    static char text[ROWS][24];
    static const char *cells[ROWS * 2];
    for (uint32_t r = 0; r < ROWS; r++) {
        sprintf(text[r], r % 2 ? "10.0.%u.%u" : "::%x:%x", r / 200, r % 200 + 1);
        cells[2 * r] = text[r];
        cells[2 * r + 1] = "1";
    }
    flowlog_plan *p = plan_of("key srcaddr, sum bytes, count, sort sum(bytes)");
    struct test_batch *b = test_batch_new("srcaddr,bytes", cells, ROWS);
    size_t failures = 0;
    for (size_t fail_at = 1;; fail_at++, failures++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        const flowlog_status st = run_once(p, b, &a);
        cr_assert(st == FLOWLOG_OK || st == FLOWLOG_E_MEMORY);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail_at);
        if (st == FLOWLOG_OK) break;
    }
    cr_expect_gt(failures, 15);
    test_batch_free(b);
    flowlog_plan_free(p);
}

/* Three sources through two groups: the third takes the place of the smaller one, and may have had its rows. */
Test(run, an_approximate_result_says_how_wrong_each_row_may_be)
{
    static const char *const cells[] = {"10.0.0.1", "5", "10.0.0.1", "5", "10.0.0.2", "3", "10.0.0.3", "4"};
    for (int max = 2; max <= 3; max++) {
        flowlog_plan *p = plan_of("key srcaddr, sum bytes, sort sum(bytes) desc");
        struct test_batch *b = test_batch_new("srcaddr,bytes", cells, 4);
        flowlog_run *run = NULL;
        flowlog_result *r = NULL;
        cr_assert_eq(flowlog_plan_max_groups(p, (uint64_t)max), FLOWLOG_OK);
        cr_assert_eq(flowlog_plan_approximate(p, 1), FLOWLOG_OK);
        cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
        cr_assert_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_OK);
        cr_assert_eq(flowlog_run_finish(run, &r, NULL), FLOWLOG_OK);
        cr_expect_str_eq(text_of(r), max == 2 ? "10.0.0.1 10\n10.0.0.3 7\n" : "10.0.0.1 10\n10.0.0.3 4\n10.0.0.2 3\n");
        cr_expect_eq(flowlog_result_error(r, 0), 0);
        cr_expect_eq(flowlog_result_error(r, 1), max == 2 ? 3 : 0);
        cr_expect_eq(flowlog_result_error(r, 99), 0);
        cr_expect_eq(flowlog_result_error(NULL, 0), 0);
        flowlog_result_free(r);
        flowlog_run_free(run);
        flowlog_plan_free(p);
        test_batch_free(b);
    }
}

Test(run, what_only_the_filter_needs_may_be_missing_where_the_reader_applied_it)
{
    static const char *const cells[] = {"10.0.0.1", "5", "REJECT", "10.0.0.2", "7", "ACCEPT"};
    flowlog_plan *p = plan_of("key srcaddr, sum bytes");
    cr_assert_eq(flowlog_plan_where(p, "reject", NULL), FLOWLOG_OK);
    cr_expect_str_eq(flowlog_plan_fields(p), "srcaddr,bytes,action");
    struct test_batch *b = test_batch_new("srcaddr,bytes,action", cells, 2);
    flowlog_run *run = NULL;
    flowlog_result *r = NULL;
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    cr_expect_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_OK, "the run applies it");
    b->batch.columns = 2;
    cr_expect_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_E_ARGUMENT, "nobody did");
    b->batch.filter = flowlog_plan_filter(p);
    cr_expect_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_OK, "the reader did");
    b->batch.columns = 3;
    cr_expect_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_OK, "it may be there too");
    b->batch.columns = 1;
    cr_expect_eq(flowlog_run_add(run, &b->batch, NULL), FLOWLOG_E_ARGUMENT);
    b->batch.columns = 3;
    cr_assert_eq(flowlog_run_finish(run, &r, NULL), FLOWLOG_OK);
    cr_expect_str_eq(text_of(r), "10.0.0.1 15\n10.0.0.2 14\n");
    flowlog_result_free(r);
    flowlog_run_free(run);
    flowlog_plan_free(p);
    test_batch_free(b);
}
