/* SPDX-License-Identifier: MIT */
/* expr_select.c - which rows match: nulls, absent columns, tokens without a code, both families, whole words. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/filter.h"
#include "support/batch_make.h"

TestSuite(expr_select, .timeout = 60);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#define FIELDS "srcaddr,dstaddr,dstport,bytes,packets,start,end,action,interface-id,new-field,tcp-flags,protocol"
enum { COLUMNS = 12, ROWS = 8 };

static const char *const cells[ROWS * COLUMNS] = {
    "10.0.0.1", "10.0.0.2",    "22",    "1000", "10", "100", "160", "ACCEPT", "eni-1", "a",  "2",  "6",
    "10.0.0.2", "10.0.0.1",    "50000", "999",  "10", "100", "100", "REJECT", "eni-2", "b",  "18", "6",
    "::1",      "2001:db8::5", "443",   "0",    "0",  "200", "190", "Drop",   "eni-1", "-",  "0",  "17",
    "-",        "-",           "-",     "-",    "-",  "300", "360", "-",      "eni-3", "aa", "-",  "-",
    "0.0.0.0",  "10.255.0.1",  "0",     "18446744073709551615", "18446744073709551615", "0", "1", "accept", "-", "ab", "3", "0",
    "192.0.2.7", "::ffff:10.0.0.1", "65535", "8", "3", "400", "401", "REJECT", "eni-1", "a", "31", "6",
    "255.255.255.255", "::", "80", "5", "2", "500", "560", "dropped", "eni-12", "a", "1", "1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "10.0.0.9", "3389", "15", "2", "600", "660", "ACCEPT", "eni-1", "a", "2", "6",
};

Test(expr_select, comparisons_with_null_are_false_and_their_opposites_true)
{
    static const struct {
        const char *text, *rows; /* a digit for each row that matches */
    } tests[] = {
        {"", "01234567"}, {"false", ""}, {"reject", "15"}, {"not reject", "023467"}, {"action != reject", "02467"},
        {"accept", "047"}, {"action = Drop", "2"}, {"action ^= drop", "6"}, {"action ^= Drop", "2"}, {"action ~ C", "01457"},
        {"action is null", "3"}, {"action > ACCEPT", "1256"}, {"action in [Drop REJECT]", "125"},
        {"dst port 22", "0"}, {"dst port 0", "4"}, {"dstport is null", "3"}, {"dst port >= 0", "0124567"},
        {"dst port > 1023", "157"}, {"not dst port > 1023", "02346"}, {"dst port in [22 80 443 3389]", "0267"},
        {"dst port in [0 22 80-443 3389 65535 7 9 11]", "024567"}, {"dst port != 22", "124567"},
        {"bytes = 18446744073709551615", "4"}, {"bytes < 9", "256"}, {"bytes in [0 5 8 15 999 1 3]", "12567"},
        {"src host 10.0.0.1", "0"}, {"host 10.0.0.1", "01"}, {"host != 10.0.0.1", "24567"}, {"net 10.0.0.0/8", "0147"},
        {"src net 0.0.0.0/0", "01456"}, {"src 0.0.0.0", "4"}, {"ipv6", "27"}, {"dst net ::/0", "256"}, {"dst ::ffff:10.0.0.1", "5"},
        {"src and dst net 10.0.0.0/24", "01"}, {"srcaddr != 10.0.0.0/8", "24567"}, {"srcaddr != 0.0.0.0", "012567"},
        {"srcaddr < 10.0.0.2", "04"}, {"srcaddr > 192.0.2.7", "267"}, {"srcaddr >= ::1", "27"}, {"srcaddr <= ::1", "012456"},
        {"src in [10.0.0.1 10.0.0.3 192.0.2.1 192.0.2.7 0.0.0.0 ::1 ::3 fe80::/10]", "0245"},
        {"srcaddr ~ .0.", "0145"}, {"srcaddr ^= ff", "7"}, {"srcaddr $= 1", "02"}, {"dstport ~ 3", "257"},
        {"start < 100", "4"}, {"from 100 to 300", "012"}, {"start in [100 300 500]", "0136"}, {"end ~ 60", "0367"},
        {"duration = 60", "0367"}, {"duration < 1", "12"}, {"duration > 0", "034567"}, {"duration != 60", "1245"},
        {"bpp >= 100", "0"}, {"bpp < 100", "14567"}, {"bpp = 1", "4"}, {"bpp > 99", "01"}, {"bpp != 1", "01567"}, {"bpp >= 2", "01567"},
        {"bps = 2", "7"}, {"bps > 1", "0457"}, {"bps >= 64", "045"}, {"bps < 1", "6"}, {"not bps >= 0", "123"},
        {"minute in [5-9]", "356"}, {"not minute(end) = 6", "012467"}, {"hour(end) 0 year = 1970", "01234567"},
        {"weekday thu", "01234567"}, {"day != 1", ""}, {"`vpc-id` is null and month 1", "01234567"},
        {"interface-id ~ i-1", "02567"}, {"interface-id ~ eni-12", "6"}, {"interface-id ~ eni-123", ""},
        {"eni eni-1", "0257"}, {"interface-id ^= eni-1", "02567"}, {"interface-id $= 2", "16"}, {"interface-id != eni-1", "136"},
        {"eni in [eni-3 eni-2 x]", "13"}, {"interface-id < eni-12", "0257"}, {"interface-id >= eni-12", "136"},
        {"`new_field` = a", "0567"}, {"`new-field` ~ a", "034567"}, {"`new-field` is null", "2"}, {"`nowhere` = a", ""},
        {"`nowhere` is null", "01234567"}, {"not `nowhere` = a", "01234567"}, {"vpc v", ""}, {"vpc-id is null", "01234567"},
        {"flags S", "01457"}, {"flags SA", "15"}, {"not flags S", "236"}, {"flags SAFRP", "5"},
        {"tcp reject or (udp and dst port 443)", "125"}, {"proto in [6 17 1 0]", "0124567"},
        {"duration > 0 and not (eni eni-1 or reject)", "346"},
    };
    struct test_batch *b = test_batch_new(FIELDS, cells, ROWS);
    for (size_t i = 0; i < COUNT(tests); i++) {
        flowlog_filter *filter = NULL;
        flowlog_error err = {0};
        uint64_t selection = ~UINT64_C(0);
        uint32_t matched = 99;
        char rows[ROWS + 1] = "";
        size_t n = 0;
        const char *text = tests[i].text;
        const flowlog_status status = flowlog_filter_parse(text, strlen(text), NULL, &filter, &err);
        cr_assert_eq(status, FLOWLOG_OK, "%s: %s", text, err.message);
        cr_assert_eq(flowlog_filter_select(filter, &b->batch, &selection, &matched, &err), FLOWLOG_OK);
        for (unsigned r = 0; r < 64; r++)
            if (selection >> r & 1 && n < ROWS) rows[n++] = (char)('0' + r);
        cr_expect_str_eq(rows, tests[i].rows, "%s: rows %s instead of %s", tests[i].text, rows, tests[i].rows);
        cr_expect_eq(matched, n, "%s", tests[i].text);
        flowlog_filter_free(filter);
    }
    test_batch_free(b);
}

/* Thousands of ranges, some single, some touching, of which rows are asked one by one. */
Test(expr_select, long_lists_are_searched_exactly)
{
    enum { RANGES = 2000, MANY = 700 };
    static char text[65536], cell[2 * MANY][20];
    static const char *values[2 * MANY];
    static uint32_t range[RANGES][2];
    uint64_t state = 88172645463325252u, selection[(MANY + 63) / 64];
    for (int which = 0; which < 2; which++) { /* addresses, numbers */
        size_t len = (size_t)sprintf(text, which ? "bytes in [" : "srcaddr in [");
        uint32_t n = 0, matched = 0;
        for (; n < RANGES && len + 40 < sizeof text; n++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            const uint32_t from = (uint32_t)(state >> 32) % 100000 * 16, to = from + (uint32_t)state % 3 * 8;
            range[n][0] = from;
            range[n][1] = to;
            if (which) len += (size_t)sprintf(text + len, "%u-%u ", (unsigned)from, (unsigned)to);
            else
                len += (size_t)sprintf(text + len, "0.%u.%u.%u-0.%u.%u.%u ", from >> 16, from >> 8 & 255, from & 255,
                                       to >> 16, to >> 8 & 255, to & 255);
        }
        strcpy(text + len, "]");
        for (uint32_t r = 0; r < MANY; r++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            const uint32_t x = r < 20 ? range[r][r & 1] + r / 2 % 2 : (uint32_t)(state >> 32) % 1700000;
            sprintf(cell[2 * r], "0.%u.%u.%u", x >> 16, x >> 8 & 255, x & 255);
            sprintf(cell[2 * r + 1], "%u", (unsigned)x);
            values[2 * r] = r % 50 == 49 ? "-" : cell[2 * r];
            values[2 * r + 1] = r % 50 == 49 ? "-" : cell[2 * r + 1];
        }
        struct test_batch *b = test_batch_new("srcaddr,bytes", values, MANY);
        flowlog_filter *filter = NULL;
        flowlog_error err = {0};
        cr_assert_eq(flowlog_filter_parse(text, len + 1, NULL, &filter, &err), FLOWLOG_OK, "%s", err.message);
        cr_assert_eq(flowlog_filter_select(filter, &b->batch, selection, &matched, NULL), FLOWLOG_OK);
        for (uint32_t r = 0; r < MANY; r++) {
            const uint32_t x = (uint32_t)strtoul(cell[2 * r + 1], NULL, 10);
            uint32_t i = 0;
            while (i < n && (x < range[i][0] || x > range[i][1])) i++;
            cr_assert_eq(selection[r / 64] >> r % 64 & 1, i < n && r % 50 != 49, "row %u, %u", (unsigned)r,
                         (unsigned)x);
        }
        cr_expect(matched > 20 && matched < MANY / 2, "%u", (unsigned)matched);
        flowlog_filter_free(filter);
        test_batch_free(b);
    }
}

Test(expr_select, arguments_and_types_are_checked)
{
    struct test_batch *b = test_batch_new(FIELDS, cells, ROWS);
    flowlog_filter *filter = NULL;
    uint64_t selection;
    cr_assert_eq(flowlog_filter_parse("dst port 22", 11, NULL, &filter, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_filter_select(NULL, &b->batch, &selection, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_filter_select(filter, NULL, &selection, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_filter_select(filter, &b->batch, NULL, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_filter_select(filter, &b->batch, &selection, NULL, NULL), FLOWLOG_OK);
    b->column[2].type = FLOWLOG_TYPE_U64;
    cr_expect_eq(flowlog_filter_select(filter, &b->batch, &selection, NULL, NULL), FLOWLOG_E_ARGUMENT);
    b->column[2].type = FLOWLOG_TYPE_U32;
    flowlog_filter_free(filter);
    test_batch_free(b);
}
