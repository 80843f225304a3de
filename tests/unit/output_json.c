/* SPDX-License-Identifier: MIT */
/* JSON strings: whatever the bytes are, the text is valid JSON and says the same. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/write.h"
#include "support/guard.h"

TestSuite(json, .timeout = 20);

/* A strict reader of one JSON string: no control characters, only the escapes of RFC 8259, valid UTF-8.
   Writes what it means as UTF-8; returns the length, or -1. */
static long read_string(const char *json, size_t len, char *out)
{
    const unsigned char *p = (const unsigned char *)json, *const end = p + len;
    char *o = out;
    if (len < 2 || *p++ != '"') return -1;
    while (p < end && *p != '"') {
        unsigned c = *p++;
        if (c < 0x20) return -1;
        if (c >= 0x80) {
            const unsigned n = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
            unsigned long code = c & (0x3Fu >> n);
            if (c < 0xC2 || c > 0xF4 || (size_t)(end - p) < n) return -1;
            *o++ = (char)c;
            for (unsigned i = 0; i < n; i++, p++) {
                if ((*p & 0xC0) != 0x80) return -1;
                code = code << 6 | (*p & 0x3Fu);
                *o++ = (char)*p;
            }
            if (code < (n == 1   ? 0x80u
                        : n == 2 ? 0x800u
                                 : 0x10000u) ||
                code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
                return -1;
            continue;
        }
        if (c != '\\') {
            *o++ = (char)c;
            continue;
        }
        if (p == end) return -1;
        static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        c = *p++;
        const char *const letter = c ? strchr(letters, (int)c) : NULL;
        if (letter) {
            *o++ = meanings[letter - letters];
        } else if (c == 'u' && end - p >= 4) {
            char hex[5] = {(char)p[0], (char)p[1], (char)p[2], (char)p[3], 0}, *stop;
            const unsigned long code = strtoul(hex, &stop, 16);
            if (*stop || code > 0xFF) return -1; /* we write no others */
            p += 4;
            if (code < 0x80) *o++ = (char)code;
            else *o++ = (char)(0xC0 | code >> 6), *o++ = (char)(0x80 | (code & 0x3F));
        } else {
            return -1;
        }
    }
    return p + 1 == end ? o - out : -1;
}

static long round_trip(const char *text, size_t len, char *meaning)
{
    static char json[70000];
    const size_t n = flowlog_json_quote(text, len, json, sizeof json);
    cr_assert(n < sizeof json);
    cr_assert_eq(json[n], '\0');
    return read_string(json, n, meaning);
}

Test(json, every_ascii_byte_survives_at_every_place)
{
    char meaning[64];
    for (int c = 0; c < 128; c++)
        for (size_t len = 1; len <= 20; len++)
            for (size_t at = 0; at < len; at++) {
                char text[20];
                memset(text, 'x', sizeof text);
                text[at] = (char)c;
                cr_assert_eq(round_trip(text, len, meaning), (long)len, "byte %d at %zu of %zu", c, at,
                             len);
                cr_assert(memcmp(text, meaning, len) == 0);
            }
}

/* Rows go another way than flowlog_json_quote: plain text is found eight bytes at a time. */
static char row[256];
static int take(void *ctx, const char *data, size_t len)
{
    (void)ctx;
    cr_assert(len < sizeof row);
    memcpy(row, data, len);
    row[len] = '\0';
    return 0;
}

Test(json, a_row_has_the_text_that_quote_gives)
{
    static const char *const names[] = {"k"};
    for (int c = 0; c < 256; c++)
        for (size_t len = 1; len <= 33; len++)
            for (size_t at = 0; at < len; at++) {
                char text[40], want[256] = "{\"k\":";
                memset(text, 'x', sizeof text);
                text[at] = (char)c;
                const flowlog_value v = {.type = FLOWLOG_TYPE_TEXT, .text = {text, len}};
                flowlog_writer *w = NULL;
                if (c > 0x23 && c < 0x7E && c != '\\' && c % 16) continue; /* alike */
                cr_assert_eq(flowlog_writer_open(FLOWLOG_FORM_JSON, names, 1, take, NULL, NULL, &w, NULL), FLOWLOG_OK);
                cr_assert_eq(flowlog_writer_row(w, &v, NULL), FLOWLOG_OK);
                cr_assert_eq(flowlog_writer_finish(w, NULL), FLOWLOG_OK);
                flowlog_writer_close(w);
                flowlog_json_quote(text, len, want + 5, sizeof want - 5);
                strcat(want, "}\n");
                cr_assert_str_eq(row, want, "byte %d at %zu of %zu", c, at, len);
            }
}

Test(json, valid_utf8_stands_as_it_is)
{
    static const char *const texts[] = {"\xC3\xA9",         "\xE2\x82\xAC",    "\xF0\x9F\x98\x80",
                                        "\xC2\xA0",         "\xDF\xBF",        "\xE0\xA0\x80",
                                        "\xED\x9F\xBF",     "\xEE\x80\x80",    "\xEF\xBF\xBF",
                                        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char json[32], want[32] = "\"";
        strcat(strcat(want, texts[i]), "\"");
        flowlog_json_quote(texts[i], strlen(texts[i]), json, sizeof json);
        cr_expect_str_eq(json, want, "text %zu", i);
    }
}

Test(json, bytes_that_are_no_utf8_become_escapes_of_two_digits)
{
    static const struct {
        const char *text, *json;
    } rows[] = {{"\xFF", "\"\\u00ff\""},
                {"a\x80z", "\"a\\u0080z\""},
                {"\xC3", "\"\\u00c3\""},
                {"\xC0\x80", "\"\\u00c0\\u0080\""},
                {"\xE0\x9F\xBF", "\"\\u00e0\\u009f\\u00bf\""},
                {"\xED\xA0\x80", "\"\\u00ed\\u00a0\\u0080\""},
                {"\xF0\x8F\xBF\xBF", "\"\\u00f0\\u008f\\u00bf\\u00bf\""},
                {"\xF4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\""},
                {"\xF5\x80\x80\x80", "\"\\u00f5\\u0080\\u0080\\u0080\""},
                {"\xE2\x82", "\"\\u00e2\\u0082\""},
                {"\xE2\x82z", "\"\\u00e2\\u0082z\""},
                {"\xC3\xC3\xA9", "\"\\u00c3\xC3\xA9\""},
                {"a\xC2\x9B\xC2\x80\xC2\x9F", "\"a\\u009b\\u0080\\u009f\""},
                {"\x7F\x1B", "\"\\u007f\\u001b\""},
                {"\"\\\b\f\n\r\t/", "\"\\\"\\\\\\b\\f\\n\\r\\t/\""},
                {"", "\"\""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[64], meaning[64];
        const size_t n = flowlog_json_quote(rows[i].text, strlen(rows[i].text), json, sizeof json);
        cr_expect_str_eq(json, rows[i].json, "row %zu: %s", i, json);
        cr_expect(read_string(json, n, meaning) >= 0, "row %zu", i);
    }
}

Test(json, any_two_and_three_bytes_give_valid_json)
{
    char meaning[64];
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            const char two[2] = {(char)a, (char)b};
            cr_assert(round_trip(two, 2, meaning) >= 0, "%02x %02x", a, b);
            for (unsigned c = 0x70; c < 256; c += 15) {
                const char three[3] = {(char)a, (char)b, (char)c};
                cr_assert(round_trip(three, 3, meaning) >= 0, "%02x %02x %02x", a, b, c);
            }
        }
}

Test(json, reads_nothing_outside_the_text)
{
    for (size_t len = 0; len < 40; len++) {
        char text[40], meaning[256];
        memset(text, 0xE2, sizeof text);
        struct guard end = guard_end(text, len), start = guard_start(text, len);
        cr_expect(round_trip((const char *)end.p, len, meaning) >= 0);
        cr_expect(round_trip((const char *)start.p, len, meaning) >= 0);
        guard_free(&end);
        guard_free(&start);
    }
}

Test(json, quote_returns_the_whole_length_and_writes_what_fits)
{
    const char text[] = "a\"\x01z";
    char whole[32];
    const size_t n = flowlog_json_quote(text, 4, whole, sizeof whole);
    cr_expect_str_eq(whole, "\"a\\\"\\u0001z\"");
    cr_expect_eq(n, strlen(whole));
    for (size_t cap = 0; cap <= n + 2; cap++) {
        char out[40];
        memset(out, '#', sizeof out);
        cr_expect_eq(flowlog_json_quote(text, 4, cap ? out : NULL, cap), n);
        const size_t kept = cap == 0 ? 0 : cap <= n ? cap - 1 : n;
        cr_expect(memcmp(out, whole, kept) == 0, "cap %zu", cap);
        if (cap) cr_expect_eq(out[kept], '\0', "cap %zu", cap);
        for (size_t i = cap > n ? n + 1 : cap; i < sizeof out; i++)
            cr_expect_eq(out[i], '#', "cap %zu, byte %zu", cap, i);
    }
}
