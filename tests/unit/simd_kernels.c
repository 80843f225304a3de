/* SPDX-License-Identifier: MIT */
/* Every compiled kernel table against the scalar one, on buffers that touch unmapped pages. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "flowlog/base.h"
#include "simd/kernels.h"
#include "simd/tables.h"
#include "support/guard.h"

static uint32_t seed = 1;
static uint32_t rnd(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

/* The n-th table other than scalar that this processor can run; NULL at the end. */
static const fl_kernels *usable(size_t n)
{
    /* CPUID traps in a virtual machine and takes tens of microseconds there: ask once a process. */
    static uint32_t have, asked;
    if (!asked) have = flowlog__cpu_features(), asked = 1;
    for (size_t i = 0; flowlog__kernels_all[i]; i++) {
        const fl_kernels *k = flowlog__kernels_all[i];
        if (k == &flowlog__kernels_scalar || (k->needs & have) != k->needs) continue;
        if (n-- == 0) return k;
    }
    return NULL;
}

static void fill_bytes(uint8_t *p, size_t n, int kind)
{
    static const char log_like[] = "0123456789.-:abcACEPTR ";
    for (size_t i = 0; i < n; i++) switch (kind) {
        case 0: p[i] = (uint8_t)log_like[rnd(sizeof log_like - 1)]; break;
        case 1: p[i] = (uint8_t)rnd(256); break;
        case 2: p[i] = (uint8_t)" \n"[rnd(2)]; break;
        case 3: p[i] = (uint8_t)(rnd(9) ? 'x' : rnd(12) ? ' ' : '\n'); break;
        default: p[i] = (uint8_t)"\x1F\x20\x21\x7E\x7F\x80\xFF\x00\n"[rnd(9)]; break;
        }
}

static void check_scan(const fl_kernels *k, const uint8_t *p, size_t n)
{
    uint32_t *want = malloc((n + FL_ENDS_SLOP) * 4), *got = malloc((n + FL_ENDS_SLOP) * 4);
    fl_scan a, b;
    const size_t x = flowlog__kernels_scalar.scan_ends(p, n, want, &a), y = k->scan_ends(p, n, got, &b);
    cr_assert_eq(x, y, "%s n=%zu", k->name, n);
    cr_assert(memcmp(want, got, x * 4) == 0, "%s n=%zu", k->name, n);
    cr_assert(a.newlines == b.newlines && a.adjacent == b.adjacent && a.strange == b.strange, "%s n=%zu", k->name, n);
    cr_assert_eq(flowlog__kernels_scalar.count_newlines(p, n), k->count_newlines(p, n), "%s n=%zu", k->name, n);
    free(want);
    free(got);
}

Test(kernels, scans_equal_scalar_at_every_boundary_length)
{
    static const size_t big[] = {4094, 4095, 4096, 4097, 4098, 65535, 65537};
    uint8_t *text = malloc(70000);
    for (size_t i = 0; usable(i); i++)
        for (size_t c = 0; c < 200 + sizeof big / sizeof *big; c++)
            for (int kind = 0; kind < 5; kind++) {
                const size_t n = c <= 200 ? c : big[c - 201];
                fill_bytes(text, n, kind);
                struct guard end = guard_end(text, n), start = guard_start(text, n);
                check_scan(usable(i), end.p, n);
                check_scan(usable(i), start.p, n);
                guard_free(&end);
                guard_free(&start);
            }
    free(text);
}

/* One random token: numbers, quads, dashes, words, and everything that is nearly one of them. */
static size_t make_token(char *t, int kind)
{
    static const char *const odd[] = {
        "-", "0", "00", "010", "255", "256", "65535", "65536", "99999999", "100000000", "9999999999999999",
        "10000000000000000", "18446744073709551615", "1.2.3.4", "255.255.255.255", "256.1.1.1", "01.2.3.4",
        "1.2.3.04", "1.2.3", "1.2.3.4.5", ".1.2.3.4", "1..2.3", "1.2.3.4.", "1234.1.1.1", "::1", "2001:db8::1",
        "ACCEPT", "REJECT", "accept", "OK", "NODATA", "SKIPDATA", "SKIPDATAX", "O", "--", "1-", "-1", "+1", "1a",
        "12345678901234567", "000.000.000.000", "0.0.0.0", "1.2.3.4:", "1/2.3.4.5", "\xFF", "1\x80", "0x10"};
    if (kind == 0) return (size_t)sprintf(t, "%s", odd[rnd(sizeof odd / sizeof *odd)]);
    if (kind == 1) {
        size_t n = 1 + rnd(rnd(4) ? 10 : 22);
        for (size_t i = 0; i < n; i++) t[i] = (char)('0' + rnd(10));
        return n;
    }
    if (kind == 4) { /* groups of hexadecimal digits, mostly right */
        size_t n = 0, groups = rnd(4) ? 8 : 1 + rnd(9), gap = rnd(3) ? rnd(10) : 99;
        if (gap < 9 && rnd(8)) groups = rnd(8);
        if (gap == 0) n += (size_t)sprintf(t + n, "::");
        for (size_t g = 0; g < groups; g++) {
            const char *form = rnd(2) ? "%x" : rnd(2) ? "%X" : "%04x";
            n += (size_t)sprintf(t + n, form, rnd(rnd(2) ? 65536 : rnd(2) ? 16 : 300));
            if (g + 1 == gap) n += (size_t)sprintf(t + n, "::");
            else if (g + 1 < groups) t[n++] = ':';
        }
        if (!n) n = (size_t)sprintf(t, "::");
        if (rnd(6) == 0) t[rnd((uint32_t)n)] = ":.gGaf0%-"[rnd(9)];
        if (rnd(9) == 0) t[n++] = ":0a"[rnd(3)];
        return n;
    }
    if (kind == 2) return (size_t)sprintf(t, "%u.%u.%u.%u", rnd(256), rnd(256), rnd(256), rnd(rnd(3) ? 256 : 400));
    size_t n = 1 + rnd(40);
    for (size_t i = 0; i < n; i++) t[i] = "0123456789.:-ACEPTOKabf/"[rnd(24)];
    return n;
}

#define ROWS_MAX 300
#define FIELDS 3

/* Rows of FIELDS random tokens, in a buffer with exactly FL_TEXT_SLOP bytes before an unmapped page. */
static struct guard make_rows(fl_rows *rows, uint32_t *at, size_t count, int compact)
{
    static char text[ROWS_MAX * FIELDS * 60 + FL_TEXT_SLOP];
    size_t n = 0, k = 0;
    if (!compact) at[k++] = UINT32_MAX;
    for (size_t r = 0; r < count; r++) {
        if (compact) {
            n += rnd(3); /* a gap between rows */
            at[k++] = (uint32_t)n - 1;
        }
        for (int f = 0; f < FIELDS; f++) {
            n += make_token(text + n, (int)rnd(5));
            at[k++] = (uint32_t)n;
            text[n++] = f == FIELDS - 1 ? '\n' : ' ';
        }
    }
    n--; /* rows may end right at the end of the text */
    for (size_t i = 0; i < FL_TEXT_SLOP; i++) text[n + i] = (char)rnd(256);
    struct guard g = guard_end(text, n + FL_TEXT_SLOP);
    *rows = (fl_rows){g.p, at, (size_t)FIELDS + (compact ? 1 : 0), count, g.p, count % 3};
    return g;
}

static const fl_token words[] = {{UINT64_C(0x545045434341), 1}, {UINT64_C(0x5443454A4552), 2}, {UINT64_C(0x4B4F), 3}};

static void check_columns(const fl_kernels *k, const fl_rows *rows, size_t field)
{
    const fl_kernels *s = &flowlog__kernels_scalar;
    uint64_t va[5], vb[5], ta[5], tb[5];
    static uint64_t a[ROWS_MAX + 1], b[ROWS_MAX + 1];
    const size_t n = rows->rows, w = fl_bit_words(n) * 8;
    static const uint32_t limits[] = {255, 65535, UINT32_MAX};
    static const uint64_t long_limits[] = {99999999999, UINT64_MAX};
#define SAME(size, what)                                                                             \
    cr_assert(memcmp(va, vb, w) == 0 && memcmp(ta, tb, w) == 0 && memcmp(a, b, n * (size)) == 0 &&   \
                  ((uint8_t *)b)[n * (size)] == 0xEE,                                                \
              "%s %s n=%zu field=%zu", k->name, what, n, field)
#define RESET() (memset(a, 0xEE, sizeof a), memset(b, 0xEE, sizeof b), memset(ta, 0, w), memset(tb, 0, w))
    for (size_t i = 0; i < 3; i++) {
        RESET();
        int x = s->digits8(rows, field, limits[i], (uint32_t *)a, va, ta);
        int y = k->digits8(rows, field, limits[i], (uint32_t *)b, vb, tb);
        SAME(4, "digits8");
        cr_assert_eq(x, y);
    }
    for (size_t i = 0; i < 2; i++) {
        RESET();
        int x = s->digits16(rows, field, long_limits[i], a, va, ta);
        int y = k->digits16(rows, field, long_limits[i], b, vb, tb);
        SAME(8, "digits16");
        cr_assert_eq(x, y);
    }
    RESET();
    int x = s->ipv4(rows, field, (uint32_t *)a, va, ta), y = k->ipv4(rows, field, (uint32_t *)b, vb, tb);
    SAME(4, "ipv4");
    cr_assert_eq(x, y);
    static uint8_t wide_a[ROWS_MAX][16], wide_b[ROWS_MAX][16];
    memset(wide_a, 0xEE, sizeof wide_a);
    memset(wide_b, 0xEE, sizeof wide_b);
    memset(a, 4, sizeof a);
    memset(b, 4, sizeof b);
    x = s->ipv6(rows, field, wide_a, (uint8_t *)a, va, ta), y = k->ipv6(rows, field, wide_b, (uint8_t *)b, vb, tb);
    cr_assert(memcmp(va, vb, w) == 0 && memcmp(ta, tb, w) == 0 && memcmp(a, b, sizeof a) == 0 && x == y,
              "%s ipv6", k->name);
    for (size_t r = 0; r < n; r++)
        cr_assert(((uint8_t *)a)[r] == 4 || memcmp(wide_a[r], wide_b[r], 16) == 0, "%s ipv6 row %zu", k->name, r);
    RESET();
    s->spans(rows, field, (uint32_t *)a, va), k->spans(rows, field, (uint32_t *)b, vb);
    SAME(8, "spans");
    RESET();
    x = s->tokens8(rows, field, words, 3, (uint8_t *)a, va, ta);
    y = k->tokens8(rows, field, words, 3, (uint8_t *)b, vb, tb);
    SAME(1, "tokens8");
    cr_assert_eq(x, y);
}

Test(kernels, columns_equal_scalar)
{
    static uint32_t at[ROWS_MAX * (FIELDS + 1) + 1];
    for (size_t i = 0; usable(i); i++)
        for (size_t c = 1; c < 900; c++) {
            const size_t count = c < 150 ? c : 1 + rnd(ROWS_MAX);
            fl_rows rows;
            struct guard g = make_rows(&rows, at, count, (int)(c & 1));
            for (size_t f = 0; f < FIELDS; f++) check_columns(usable(i), &rows, f);
            guard_free(&g);
        }
}

Test(kernels, every_ipv4_octet_and_shape)
{
    char text[80] = {0};
    for (size_t i = 0; usable(i); i++)
        for (int place = 0; place < 4; place++)
            for (unsigned v = 0; v < 1000; v++)
                for (int shape = 0; shape < 27; shape++) {
                    const unsigned sample[3] = {7, 10, 100};
                    unsigned o[4] = {sample[shape % 3], sample[shape / 3 % 3], sample[shape / 9], 0};
                    o[3] = o[place];
                    o[place] = v;
                    uint32_t at[2] = {UINT32_MAX, 0}, got = 1;
                    uint64_t valid, todo;
                    at[1] = (uint32_t)sprintf(text, "%u.%u.%u.%u", o[0], o[1], o[2], o[3]);
                    fl_rows rows = {(const uint8_t *)text, at, 1, 1, NULL, 0};
                    usable(i)->ipv4(&rows, 0, &got, &valid, &todo);
                    cr_assert_eq(valid, v < 256, "%s %s", usable(i)->name, text);
                    if (valid) cr_assert_eq(got, o[0] << 24 | o[1] << 16 | o[2] << 8 | o[3], "%s", text);
                }
}

Test(kernels, the_ipv4_table_is_what_its_comment_says)
{
    int shapes = 0;
    for (int i = 0; i < 81; i++) {
        const int n[4] = {i % 3 + 1, i / 3 % 3 + 1, i / 9 % 3 + 1, i / 27 + 1};
        const int first[4] = {0, n[0] + 1, n[0] + n[1] + 2, n[0] + n[1] + n[2] + 3};
        const uint32_t mask = 1u << n[0] | 1u << (first[1] + n[1]) | 1u << (first[2] + n[2]) | 1u << (first[3] + n[3]);
        const struct fl_ipv4_shape *s = &flowlog__ipv4_shapes[mask * FL_IPV4_HASH >> 24];
        cr_assert_eq(s->mask, mask);
        for (int o = 0; o < 4; o++) {
            for (int k = 0; k < 4; k++)
                cr_assert_eq(s->shuffle[(3 - o) * 4 + k], k < 4 - n[o] ? 0x80 : first[o] + k - (4 - n[o]));
            cr_assert_eq(s->least[3 - o], n[o] == 1 ? 0 : n[o] == 2 ? 10 : 100);
        }
    }
    for (int i = 0; i < FL_IPV4_SHAPES; i++) shapes += flowlog__ipv4_shapes[i].mask != 0;
    cr_assert_eq(shapes, 81);
}

Test(kernels, the_table_of_places_is_what_its_comment_says)
{
    for (unsigned m = 0; m < 256; m++) {
        unsigned n = 0;
        for (unsigned bit = 0; bit < 8; bit++)
            if (m >> bit & 1) cr_assert_eq(flowlog__bit_places[m][n++], bit);
        for (; n < 8; n++) cr_assert_eq(flowlog__bit_places[m][n], 0);
    }
}

Test(dispatch, honours_the_level_that_is_asked_for)
{
    const char *want = getenv("FLOWLOG_SIMD");
    if (!want || !*want) cr_skip("FLOWLOG_SIMD is not set");
    for (size_t i = 0; flowlog__kernels_all[i]; i++) {
        const fl_kernels *k = flowlog__kernels_all[i];
        if (strcmp(want, k->name) == 0 && (k->needs & flowlog__cpu_features()) == k->needs) {
            cr_assert_str_eq(flowlog_simd_name(), want);
            return;
        }
    }
    cr_assert_str_eq(flowlog_simd_name(), "unsupported");
    cr_assert_null(flowlog__kernels());
}

Test(dispatch, refuses_an_unknown_level)
{
    setenv("FLOWLOG_SIMD", "altivec", 1);
    cr_assert_str_eq(flowlog_simd_name(), "unsupported");
    cr_assert_null(flowlog__kernels());
    cr_assert_eq(flowlog__simd_allowed(), 0);
}
