/* SPDX-License-Identifier: MIT */
/* Tables: alignment, what is held back, and nothing that a terminal would obey. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "flowlog/write.h"

TestSuite(table, .timeout = 20);

static struct sink {
    char text[1 << 22];
    size_t len;
} sink;

static int take(void *ctx, const char *data, size_t len)
{
    struct sink *const s = ctx;
    cr_assert(s->len + len < sizeof s->text);
    memcpy(s->text + s->len, data, len);
    s->len += len;
    s->text[s->len] = '\0';
    return 0;
}

static flowlog_value number(uint64_t n)
{
    return (flowlog_value){.type = FLOWLOG_TYPE_U64, .number = n};
}
static flowlog_value text(const char *t)
{
    return (flowlog_value){.type = FLOWLOG_TYPE_TEXT, .text = {t, strlen(t)}};
}

static flowlog_writer *open_table(const char *const *names, uint32_t columns)
{
    flowlog_writer *w = NULL;
    memset(&sink, 0, sizeof sink);
    cr_assert_eq(flowlog_writer_open(FLOWLOG_FORM_TABLE, names, columns, take, &sink, NULL, &w, NULL),
                 FLOWLOG_OK);
    return w;
}

static void row(flowlog_writer *w, flowlog_value a, flowlog_value b, flowlog_value c)
{
    const flowlog_value v[3] = {a, b, c};
    cr_assert_eq(flowlog_writer_row(w, v, NULL), FLOWLOG_OK);
}

static const char *finish(flowlog_writer *w)
{
    cr_assert_eq(flowlog_writer_finish(w, NULL), FLOWLOG_OK);
    flowlog_writer_close(w);
    return sink.text;
}

static const char *const names[] = {"interface-id", "bytes", "action"};

Test(table, sets_numbers_to_the_right_and_text_to_the_left)
{
    flowlog_writer *w = open_table(names, 3);
    const flowlog_value none = {.type = FLOWLOG_TYPE_U64, .is_null = 1};
    row(w, text("eni-1"), none, text("ACCEPT"));
    row(w, text("eni-0a1b2c3d4e5f"), number(UINT64_MAX), text("OK"));
    row(w, text("eni-2"), number(7), text("-"));
    cr_expect_str_eq(finish(w), "interface-id                     bytes  action\n"
                                "eni-1                                -  ACCEPT\n"
                                "eni-0a1b2c3d4e5f  18446744073709551615  OK\n"
                                "eni-2                                7  -\n");
}

Test(table, shows_times_as_dates_and_shares_in_percent)
{
    static const char *const heads[] = {"start", "share", "end"};
    flowlog_writer *w = open_table(heads, 3);
    row(w, (flowlog_value){.type = FLOWLOG_TYPE_TIME, .number = 1772366400},
        (flowlog_value){.type = FLOWLOG_TYPE_SHARE, .number = 125999999},
        (flowlog_value){.type = FLOWLOG_TYPE_TIME, .is_null = 1});
    row(w, (flowlog_value){.type = FLOWLOG_TYPE_TIME, .number = UINT64_MAX},
        (flowlog_value){.type = FLOWLOG_TYPE_SHARE, .number = 1000000000},
        (flowlog_value){.type = FLOWLOG_TYPE_TIME});
    cr_expect_str_eq(finish(w), "start                   share  end\n"
                                "2026-03-01T12:00:00Z   12.59%  -\n"
                                "1969-12-31T23:59:59Z  100.00%  1970-01-01T00:00:00Z\n");
}

Test(table, sets_decimals_to_the_right_and_prefixes_to_the_left)
{
    static const char *const heads[] = {"net", "mean", "service"};
    flowlog_writer *w = open_table(heads, 3);
    row(w, (flowlog_value){.type = FLOWLOG_TYPE_NET, .code = 8, .addr = {{10}, 4}},
        (flowlog_value){.type = FLOWLOG_TYPE_DECIMAL, .number = 12, .billionths = 500000000},
        (flowlog_value){.type = FLOWLOG_TYPE_SERVICE, .number = 6 << 16 | 22});
    row(w, (flowlog_value){.type = FLOWLOG_TYPE_NET, .is_null = 1},
        (flowlog_value){.type = FLOWLOG_TYPE_DECIMAL, .number = 7},
        (flowlog_value){.type = FLOWLOG_TYPE_SERVICE, .number = 6 << 16 | 9999});
    cr_expect_str_eq(finish(w), "net         mean  service\n"
                                "10.0.0.0/8  12.5  ssh\n"
                                "-              7  tcp/9999\n");
}

Test(table, lets_no_value_steer_a_terminal)
{
    static const char *const heads[] = {"\x1B[31m", "b", "c"};
    flowlog_writer *w = open_table(heads, 3);
    row(w, text("\x1B]0;title\x07"), text("\xC2\x9B" "2J"), text("\x9B\xFF\n\x7F\xC3\xA9"));
    cr_expect_str_eq(finish(w), "\\x1b[31m          b           c\n"
                                "\\x1b]0;title\\x07  \\xc2\\x9b2J  \\x9b\\xff\\x0a\\x7f\xC3\xA9\n");
}

Test(table, counts_characters_and_not_bytes)
{
    flowlog_writer *w = open_table(names, 3);
    row(w, text("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80" "0123456789"), number(1), text("x"));
    row(w, text("0123456789abc"), number(2), text("y"));
    cr_expect_str_eq(finish(w), "interface-id   bytes  action\n"
                                "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80" "0123456789      1  x\n"
                                "0123456789abc      2  y\n");
}

Test(table, holds_a_thousand_rows_back_and_cuts_nothing_later)
{
    flowlog_writer *w = open_table(names, 3);
    for (int i = 0; i < 1500; i++) row(w, text("eni-1"), number(1), text("OK"));
    row(w, text("eni-that-is-wider-than-all"), number(123456), text("OK"));
    row(w, text("eni-1"), number(1), text("OK"));
    const char *p = finish(w);
    cr_expect(strncmp(p, "interface-id  bytes  action\n", 28) == 0);
    p += 28;
    for (int i = 0; i < 1500; i++, p += 24)
        cr_assert(strncmp(p, "eni-1             1  OK\n", 24) == 0, "row %d", i);
    cr_expect_str_eq(p, "eni-that-is-wider-than-all  123456  OK\neni-1             1  OK\n");
}

Test(table, takes_widths_from_the_first_thousand_rows)
{
    flowlog_writer *w = open_table(names, 3);
    for (int i = 0; i < 999; i++) row(w, text("a"), number(1), text("b"));
    cr_expect_eq(sink.len, 0, "held back");
    row(w, text("the-thousandth-row"), number(1), text("b"));
    row(w, text("the-thousand-and-first-row"), number(1), text("b"));
    const char *p = finish(w);
    cr_expect(strncmp(p, "interface-id        bytes  action\na                       1  b\n", 63) == 0,
              "%.70s", p);
}

Test(table, holds_at_most_a_mebibyte_back)
{
    static char wide[100001];
    memset(wide, 'w', sizeof wide - 1);
    flowlog_writer *w = open_table(names, 3);
    for (int i = 0; i < 10; i++) row(w, text(wide), number(1), text("b"));
    cr_expect_eq(sink.len, 0);
    row(w, text(wide), number(1), text("b"));
    cr_expect(sink.len > 1000000, "%zu", sink.len);
    finish(w);
    cr_expect_eq(sink.len, (size_t)12 * 100000 + 12 * 9 + 11 * 2 + 7, "%zu", sink.len);
}
