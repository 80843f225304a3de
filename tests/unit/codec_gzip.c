/* SPDX-License-Identifier: MIT */
/* gzip: headers, members, trailers, padding; where damage is reported and what is delivered before it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crc32.h"
#include "simd/cpu.h"
#include "support/guard.h"
#include "unit/codec_streams.h"

TestSuite(gzip, .timeout = 30);

static uint8_t file[100000], out[100000];
static size_t len;

static void byte(unsigned b) { file[len++] = (uint8_t)b; }
static void bytes(const void *p, size_t n) { memcpy(file + len, p, n), len += n; }
static void word(uint32_t x, unsigned n)
{
    for (; n--; x >>= 8) byte(x & 0xFF);
}

enum { FTEXT = 1, FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16 };

static size_t header(unsigned flags)
{
    const size_t begin = len;
    bytes("\x1F\x8B\x08", 3);
    byte(flags);
    word(0x12345678, 4);
    byte(0), byte(3);
    if (flags & FEXTRA) word(300, 2), memset(file + len, 'e', 300), len += 300;
    if (flags & FNAME) bytes("flow.log", 9);
    if (flags & FCOMMENT) bytes("", 1);
    if (flags & FHCRC) word(flowlog__crc32(0, file + begin, len - begin) & 0xFFFF, 2);
    return begin;
}

/* A member whose data is a stored block. */
static void member(unsigned flags, const char *text)
{
    header(flags);
    const size_t n = strlen(text);
    byte(1), word((uint32_t)n, 2), word((uint32_t)n ^ 0xFFFF, 2);
    bytes(text, n);
    word(flowlog__crc32(0, text, n), 4), word((uint32_t)n, 4);
}

static struct outcome run(void)
{
    static uint8_t other[sizeof out];
    static const struct plan plans[] = {
        {1, SIZE_MAX, 0, 0}, {SIZE_MAX, 1, 0, 0}, {1, 1, 0, 0}, {7, 9, 1, 0}};
    const struct outcome want =
        read_stream(file, len, one_call, 0, flowlog__cpu_features(), out, sizeof out);
    cr_assert(!want.hung && !want.spilled);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        const struct outcome r = read_stream(file, len, plans[i], 0, 0, other, sizeof other);
        cr_assert(!r.hung && !r.spilled, "plan %zu", i);
        cr_assert_eq(r.status, want.status, "plan %zu: %d, %d", i, r.status, want.status);
        cr_assert(r.len == want.len && memcmp(other, out, r.len) == 0, "plan %zu", i);
        cr_assert_eq(r.members, want.members);
        if (r.status < 0) {
            cr_assert_str_eq(r.err.message, want.err.message, "plan %zu", i);
            cr_assert_eq(r.err.offset, want.err.offset, "plan %zu: %d, %d", i, (int)r.err.offset,
                         (int)want.err.offset);
        } else {
            cr_assert_eq(r.used, len);
        }
    }
    return want;
}

#define READS(text, count)                                                     \
    do {                                                                       \
        const struct outcome r_ = run();                                       \
        cr_expect_eq(r_.status, FLOWLOG_END, "%s", r_.err.message);            \
        cr_expect(r_.len == strlen(text) && memcmp(out, (text), r_.len) == 0); \
        cr_expect_eq(r_.members, (count));                                     \
    } while (0)
#define FAILS(text, at, words)                                                 \
    do {                                                                       \
        const struct outcome r_ = run();                                       \
        cr_expect_eq(r_.status, FLOWLOG_E_CORRUPT);                            \
        cr_expect(r_.len == strlen(text) && memcmp(out, (text), r_.len) == 0); \
        cr_expect_eq(r_.err.offset, (at), "at %d", (int)r_.err.offset);        \
        cr_expect_str_eq(r_.err.message, (words), "%s", r_.err.message);       \
    } while (0)

Test(gzip, every_combination_of_header_fields)
{
    for (unsigned flags = 0; flags < 32; flags++) {
        len = 0;
        member(flags, "hello");
        READS("hello", 1);
    }
}

Test(gzip, members_are_joined_and_may_be_empty)
{
    member(0, "");
    READS("", 1);
    member(FNAME, "one ");
    member(0, "");
    member(FHCRC | FEXTRA, "two");
    READS("one two", 4);
}

Test(gzip, zeros_behind_the_last_member_are_padding)
{
    member(0, "data");
    for (int i = 0; i < 600; i++) {
        byte(0);
        if (i < 20 || i > 590) READS("data", 1);
    }
    const size_t at = len;
    byte('x');
    FAILS("data", at, "bytes behind the last gzip member that are neither a member nor zeros");
}

Test(gzip, anything_else_behind_the_last_member_is_damage_after_delivery)
{
    member(0, "data");
    const size_t at = len;
    bytes("garbage", 7);
    FAILS("data", at, "bytes behind the last gzip member that are neither a member nor zeros");
    len = at;
    bytes("\x1F\x8A", 2);
    FAILS("data", at, "bytes behind the last gzip member that are neither a member nor zeros");
    len = at;
    byte(0x1F);
    FAILS("data", at + 1, "gzip member 2: truncated in a header");
}

Test(gzip, what_is_not_gzip_is_told_so)
{
    FAILS("", 0, "not gzip");
    bytes("2 123456789010 eni-", 19);
    FAILS("", 0, "not gzip");
    len = 0;
    bytes("\x1F\x8C\x08", 3);
    FAILS("", 0, "not gzip");
    len = 0;
    bytes("\x1F", 1);
    FAILS("", 1, "gzip member 1: truncated in a header");
}

Test(gzip, unknown_method_and_reserved_flags_are_refused)
{
    member(0, "x");
    const size_t second = len;
    member(0, "y");
    file[second + 2] = 7;
    FAILS("x", second + 2, "gzip member 2: unknown compression method");
    file[second + 2] = 8;
    for (unsigned bit = 5; bit < 8; bit++) {
        file[second + 3] = (uint8_t)(1u << bit);
        FAILS("x", second + 3, "gzip member 2: reserved header flags");
    }
}

Test(gzip, header_crc_is_checked)
{
    for (unsigned flags = 0; flags < 32; flags += 4) {
        len = 0;
        const size_t begin = header(flags | FHCRC);
        const size_t at = len;
        len = 0;
        member(flags | FHCRC, "x");
        file[begin + 4] ^= 1; /* the time */
        FAILS("", at - 2, "gzip member 1: CRC of the header does not match");
    }
}

Test(gzip, crc_and_length_of_each_member_are_checked)
{
    member(0, "one");
    member(0, "two");
    member(0, "three");
    const size_t trailer = len - 8;
    file[trailer + 2] ^= 0x10;
    FAILS("onetwothree", trailer, "gzip member 3: CRC-32 mismatch");
    file[trailer + 2] ^= 0x10;
    file[trailer + 7] ^= 1;
    FAILS("onetwothree", trailer + 4, "gzip member 3: length mismatch");
}

Test(gzip, deflate_damage_has_the_offset_in_the_file)
{
    member(FNAME, "one");
    const size_t body = len + 10;
    member(0, "two");
    file[body] = 7;
    FAILS("one", body, "gzip member 2: deflate: invalid block type");
}

Test(gzip, no_match_reaches_into_the_member_before)
{
    static struct stream s;
    member(0, "abcdefgh");
    header(0);
    const size_t body = len;
    begin_fixed(&s, 1);
    put_match(&s, 5, 4);
    put_litlen(&s, 256);
    bytes(s.p, stream_len(&s));
    word(0, 4), word(0, 4);
    const struct outcome r = run();
    cr_expect_eq(r.status, FLOWLOG_E_CORRUPT);
    cr_expect_str_eq(r.err.message, "gzip member 2: deflate: distance too far back");
    cr_expect(r.err.offset >= body && r.err.offset < body + 3);
    cr_expect_eq(r.len, 8);
}

Test(gzip, every_truncation_is_an_error_at_the_end_of_input)
{
    member(31, "one");
    const size_t first = len;
    member(31, "two");
    const size_t all = len;
    for (len = 1; len < all; len++) {
        if (len == first) continue;
        const struct outcome r = run();
        cr_expect_eq(r.status, FLOWLOG_E_CORRUPT);
        cr_expect_eq(r.err.offset, len);
        cr_expect(strstr(r.err.message, "truncated"), "%s", r.err.message);
    }
}

Test(gzip, more_input_is_asked_for_until_the_last)
{
    static struct fl_gzip g;
    uint8_t buf[100 + FL_INFLATE_OUT_SLOP];
    size_t used, have = 0;
    member(0, "text");
    flowlog__gzip_init(&g);
    cr_expect_eq(flowlog__gzip_run(&g, NULL, 0, &used, buf, &have, 100, 0, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog__gzip_run(&g, file, len, &used, buf, &have, 100, 0, NULL), FLOWLOG_OK);
    cr_expect_eq(used, len);
    cr_expect_eq(have, 4);
    cr_expect_eq(flowlog__gzip_run(&g, NULL, 0, &used, buf, &have, 100, 1, NULL), FLOWLOG_END);
    cr_expect_eq(flowlog__gzip_run(&g, NULL, 0, &used, buf, &have, 100, 1, NULL), FLOWLOG_END);
    cr_expect(g.members == 1 && g.out_total == 4 && g.in_total == len);
    cr_expect_eq(flowlog__gzip_run(&g, file + 1, 5, &used, buf, &have, 100, 1, NULL), FLOWLOG_E_CORRUPT);
    cr_expect_eq(flowlog__gzip_run(&g, file, len, &used, buf, &have, 100, 1, NULL), FLOWLOG_E_CORRUPT);
}

Test(gzip, an_exact_output_buffer_reaches_the_end)
{
    static struct fl_gzip g;
    uint8_t buf[4 + FL_INFLATE_OUT_SLOP];
    size_t used, have = 0;
    member(0, "text");
    flowlog__gzip_init(&g);
    cr_expect_eq(flowlog__gzip_run(&g, file, len, &used, buf, &have, 4, 1, NULL), FLOWLOG_END);
}
