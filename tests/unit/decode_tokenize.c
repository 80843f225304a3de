/* SPDX-License-Identifier: MIT */
/* The public tokenizer: flowlog_count_lines, flowlog_tokenize, flowlog_split_line. */
#define _DEFAULT_SOURCE
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/token.h"
#include "support/guard.h"

TestSuite(tokenize, .timeout = 30);

static uint64_t state = 88172645463325252u;
static uint32_t rnd(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % n;
}

/* Text of four kinds: like a log, nothing but ends, without ends, anything. */
static void fill(char *p, size_t n, unsigned kind)
{
    static const char log[] = "0123456789abc. \n", ends[] = " \n\t\r\0\x01\x1F\x7F";
    for (size_t i = 0; i < n; i++)
        p[i] = kind == 0   ? log[rnd(sizeof log - 1)]
               : kind == 1 ? ends[rnd(sizeof ends - 1)]
               : kind == 2 ? (char)(0x80 + rnd(128))
                           : (char)rnd(256);
}

static int is_end(char c) { return (unsigned char)c <= 0x20 || c == 0x7F; }

static uint64_t slow_lines(const char *p, size_t n)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < n; i++) lines += p[i] == '\n';
    return lines + (n && p[n - 1] != '\n');
}

/* One call, or call after call with so little room; all ends relative to p. */
static size_t all_ends(const char *p, size_t n, size_t cap, uint32_t *to)
{
    size_t at = 0, total = 0;
    while (at < n) {
        uint32_t *ends = malloc(cap * sizeof *ends); /* exactly cap, for the sanitizer */
        size_t count = 77, used = 77;
        cr_assert_eq(flowlog_tokenize(p + at, n - at, ends, cap, &count, &used), FLOWLOG_OK);
        cr_assert(used > 0 && used <= n - at && count <= cap, "cap %zu: used %zu, count %zu", cap, used, count);
        for (size_t i = 0; i < count; i++) to[total++] = (uint32_t)at + ends[i];
        /* It stops early only when the next 64 bytes might not fit. */
        cr_assert(used == n - at || cap - count < 64, "cap %zu: used %zu of %zu, count %zu", cap, used, n - at, count);
        at += used;
        free(ends);
    }
    return total;
}

Test(tokenize, ends_are_every_byte_that_is_no_part_of_a_field)
{
    char all[256];
    uint32_t ends[256 + 64];
    size_t count, used;
    for (int i = 0; i < 256; i++) all[i] = (char)i;
    cr_assert_eq(flowlog_tokenize(all, 256, ends, 320, &count, &used), FLOWLOG_OK);
    cr_assert_eq(used, 256);
    cr_assert_eq(count, 34);
    for (uint32_t i = 0; i <= 0x20; i++) cr_expect_eq(ends[i], i);
    cr_expect_eq(ends[33], 0x7F);
}

Test(tokenize, resumed_calls_equal_one_call)
{
    static const size_t caps[] = {64, 65, 70, 127, 128, 129, 191, 192, 193, 255, 256, 1000, 4096};
    static char text[5000];
    static uint32_t got[sizeof text];
    for (unsigned kind = 0; kind < 4; kind++)
        for (int round = 0; round < 60; round++) {
            const size_t n = round < 40 ? (size_t)round * 13 : 1 + rnd(sizeof text - 1);
            fill(text, n, kind);
            for (size_t c = 0; c < sizeof caps / sizeof *caps; c++) {
                const size_t total = all_ends(text, n, caps[c], got);
                size_t k = 0;
                for (size_t i = 0; i < n; i++)
                    if (is_end(text[i])) {
                        cr_assert(k < total && got[k] == i, "kind %u, cap %zu, end %zu at %zu", kind, caps[c], k, i);
                        k++;
                    }
                cr_assert_eq(k, total);
            }
        }
}

Test(tokenize, the_whole_block_in_one_call_when_the_array_holds_it)
{
    static char text[3000];
    for (unsigned kind = 0; kind < 4; kind++)
        for (size_t n = 0; n < 400; n++) {
            uint32_t *ends = malloc((n + 64) * sizeof *ends);
            size_t count, used;
            fill(text, n, kind);
            cr_assert_eq(flowlog_tokenize(text, n, ends, n + 64, &count, &used), FLOWLOG_OK);
            cr_assert_eq(used, n);
            free(ends);
        }
}

Test(tokenize, nothing_outside_the_block_is_read)
{
    char text[200];
    for (size_t n = 0; n < sizeof text; n++) {
        fill(text, n, (unsigned)n % 4);
        struct guard g[2] = {guard_end(text, n), guard_start(text, n)};
        for (int side = 0; side < 2; side++) {
            const char *p = (const char *)g[side].p;
            uint32_t got[200];
            uint64_t lines = 99;
            size_t fields;
            flowlog_error err;
            cr_assert_eq(flowlog_count_lines(p, n, &lines), FLOWLOG_OK);
            cr_assert_eq(lines, slow_lines(text, n));
            all_ends(p, n, 64, got);
            all_ends(p, n, 264, got);
            (void)flowlog_split_line(p, n, 14, NULL, 0, &fields, &err);
            guard_free(&g[side]);
        }
    }
}

Test(tokenize, lines_are_newlines_and_a_last_piece)
{
    uint64_t lines;
    cr_assert_eq(flowlog_count_lines(NULL, 0, &lines), FLOWLOG_OK);
    cr_expect_eq(lines, 0);
    static const struct {
        const char *text;
        uint64_t lines;
    } rows[] = {{"", 0}, {"\n", 1}, {"a", 1}, {"a\n", 1}, {"a\nb", 2}, {"\n\n", 2}, {"a\r\nb\r\n", 2}, {"\r", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(flowlog_count_lines(rows[i].text, strlen(rows[i].text), &lines), FLOWLOG_OK);
        cr_expect_eq(lines, rows[i].lines, "row %zu", i);
    }
    static char text[4000];
    for (int round = 0; round < 300; round++) {
        const size_t n = rnd(sizeof text);
        fill(text, n, rnd(4));
        cr_assert_eq(flowlog_count_lines(text, n, &lines), FLOWLOG_OK);
        cr_assert_eq(lines, slow_lines(text, n));
    }
}

Test(tokenize, arguments)
{
    uint32_t ends[64];
    size_t count, used;
    uint64_t lines;
    flowlog_error err;
    cr_expect_eq(flowlog_tokenize("a", 1, ends, 63, &count, &used), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_tokenize("a", 1, NULL, 64, &count, &used), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_tokenize("a", 1, ends, 64, NULL, &used), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_tokenize("a", 1, ends, 64, &count, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_tokenize(NULL, 1, ends, 64, &count, &used), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_tokenize(NULL, 0, ends, 64, &count, &used), FLOWLOG_OK);
    cr_expect(count == 0 && used == 0);
    cr_expect_eq(flowlog_count_lines(NULL, 1, &lines), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_count_lines("a", 1, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_split_line(NULL, 0, 0, NULL, 0, &count, &err), FLOWLOG_OK);
    cr_expect_eq(count, 0);
    cr_expect_eq(flowlog_split_line("a", 1, 0, NULL, 0, NULL, NULL), FLOWLOG_E_ARGUMENT);
    memset(&err, 0, sizeof err);
    cr_expect_eq(flowlog_split_line("a", 1, 0, NULL, 1, &count, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(err.status, FLOWLOG_E_ARGUMENT, "an error that is returned is also written");
}

/* Fields of a line joined by '|'. */
static flowlog_status split(const char *line, size_t len, uint32_t expected, char *joined, size_t *count,
                            flowlog_error *err)
{
    flowlog_span field[8];
    const flowlog_status status = flowlog_split_line(line, len, expected, field, 8, count, err);
    *joined = '\0';
    if (status != FLOWLOG_OK) return status;
    for (size_t i = 0; i < *count && i < 8; i++) {
        if (i) strcat(joined, "|");
        cr_assert(field[i].offset + field[i].len <= len && field[i].len > 0);
        strncat(joined, line + field[i].offset, field[i].len);
    }
    return status;
}

Test(split_line, fields_lie_between_blanks)
{
    static const struct {
        const char *line;
        uint32_t expected;
        const char *joined;
    } rows[] = {
        {"a b c", 3, "a|b|c"},
        {"a b c\n", 3, "a|b|c"},
        {"a b c\r\n", 3, "a|b|c"},
        {"a b c\r", 3, "a|b|c"},
        {"  a b c\t \n", 3, "a|b|c"},
        {"a b c \r\n", 3, "a|b|c"},
        {"\ta", 1, "a"},
        {"a  b c", 3, "a|b|c"},
        {"a \t b\t\tc", 3, "a|b|c"},
        {"a\tb\tc", 3, "a|b|c"},
        {"a b\tc", 2, "a|b|c"},
        {"a  b", 3, "a|b"},
        {"a b", 0, "a|b"},
        {"a  b", 0, "a|b"},
        {"a b", 5, "a|b"},
        {"a b c", 1, "a|b|c"},
        {"", 0, ""},
        {"\n", 3, ""},
        {"\r\n", 0, ""},
        {" \t ", 0, ""},
        {"\x80\xFF -", 2, "\x80\xFF|-"},
        {"!~", 1, "!~"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char joined[200];
        size_t count = 99;
        cr_expect_eq(split(rows[i].line, strlen(rows[i].line), rows[i].expected, joined, &count, NULL), FLOWLOG_OK);
        cr_expect_str_eq(joined, rows[i].joined, "row %zu: %s", i, joined);
    }
}

Test(split_line, the_count_goes_on_when_the_array_is_full)
{
    flowlog_span field[3] = {{9, 9}, {9, 9}, {9, 9}};
    size_t count = 0;
    cr_assert_eq(flowlog_split_line("a bb c d e", 10, 5, field, 2, &count, NULL), FLOWLOG_OK);
    cr_expect_eq(count, 5);
    cr_expect(field[1].offset == 2 && field[1].len == 2);
    cr_expect(field[2].offset == 9 && field[2].len == 9, "written beyond its end");
    cr_assert_eq(flowlog_split_line("a  bb c", 7, 3, NULL, 0, &count, NULL), FLOWLOG_OK);
    cr_expect_eq(count, 3);
}

Test(split_line, control_characters_are_an_error_with_their_offset)
{
    for (int c = 0; c < 256; c++) {
        char line[] = " ab? d\n";
        line[3] = (char)c;
        flowlog_error err = {0};
        size_t count = 99;
        const int control = (c < 0x20 && c != '\t') || c == 0x7F;
        const flowlog_status status = flowlog_split_line(line, 7, 2, NULL, 0, &count, &err);
        cr_expect_eq(status, control ? FLOWLOG_E_MALFORMED : FLOWLOG_OK, "byte %d", c);
        cr_expect_eq(err.offset, control ? 3u : 0u, "byte %d", c);
        cr_expect_eq(err.column, control ? 4u : 0u, "byte %d", c);
    }
    static const char *const rows[] = {"a\r b\n", "a b\r\r\n", "a b\r \n", "\r", "a\nb", "\ra"};
    static const int offset[] = {1, 3, 3, -1, 1, 0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        flowlog_error err = {0};
        size_t count;
        const flowlog_status status = flowlog_split_line(rows[i], strlen(rows[i]), 2, NULL, 0, &count, &err);
        cr_expect_eq(status, offset[i] < 0 ? FLOWLOG_OK : FLOWLOG_E_MALFORMED, "row %zu", i);
        if (offset[i] >= 0) cr_expect_eq(err.offset, (uint64_t)offset[i], "row %zu", i);
    }
}

/* Every string of up to 6 of these bytes, against a splitter that takes runs of blanks as one. */
Test(split_line, agrees_with_a_plain_splitter_on_all_short_lines)
{
    static const char alphabet[] = {'a', 'b', ' ', '\t', '\r', '\x01'};
    for (unsigned len = 0; len <= 6; len++) {
        unsigned total = 1;
        for (unsigned i = 0; i < len; i++) total *= sizeof alphabet;
        for (unsigned x = 0; x < total; x++) {
            char line[8], joined[64], want[64] = "";
            for (unsigned i = 0, y = x; i < len; i++, y /= (unsigned)sizeof alphabet)
                line[i] = alphabet[y % sizeof alphabet];
            unsigned end = len, control = 0, n = 0;
            if (end && line[end - 1] == '\r') end--;
            for (unsigned i = 0; i < end; i++) control |= line[i] == '\r' || line[i] == '\x01';
            for (unsigned i = 0; i < end; i++) {
                const int blank = line[i] == ' ' || line[i] == '\t';
                const int first = !blank && (!i || line[i - 1] == ' ' || line[i - 1] == '\t');
                if (first && n++) strcat(want, "|");
                const size_t end_of_want = strlen(want);
                if (!blank) want[end_of_want] = line[i], want[end_of_want + 1] = '\0';
            }
            for (uint32_t expected = 0; expected < 4; expected++) {
                size_t count = 99;
                const flowlog_status status = split(line, len, expected, joined, &count, NULL);
                cr_assert_eq(status, control ? FLOWLOG_E_MALFORMED : FLOWLOG_OK);
                if (control) continue;
                cr_assert_eq(count, n);
                cr_assert_str_eq(joined, want);
            }
        }
    }
}
