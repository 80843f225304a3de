/* SPDX-License-Identifier: MIT */
/* Raw deflate: streams written bit by bit, what is accepted and what is refused, and where. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simd/cpu.h"
#include "support/guard.h"
#include "unit/codec_streams.h"

TestSuite(inflate, .timeout = 30);

static uint8_t out[400000];

static uint32_t features(int k)
{
    static uint32_t all; /* asking the processor is slow in a virtual machine */
    if (!all) all = flowlog__cpu_features();
    return k ? all : 0;
}

/* All kernels, one call and one byte at a time; asserts that they agree and gives the outcome. */
static struct outcome run(const struct stream *s, size_t len)
{
    static uint8_t other[sizeof out];
    static const struct plan plans[] = {{SIZE_MAX, SIZE_MAX, 0, 0},
                                        {1, SIZE_MAX, 0, 0},
                                        {SIZE_MAX, 1, 0, 0},
                                        {1, 1, 0, 0},
                                        {40, 300, 1, 0}};
    const struct outcome want = read_stream(s->p, len, one_call, 1, 0, out, sizeof out);
    cr_assert(!want.hung && !want.spilled);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
            const struct outcome r =
                read_stream(s->p, len, plans[i], 1, features(k), other, sizeof other);
            cr_assert(!r.hung && !r.spilled, "kernels %d, plan %zu", k, i);
            cr_assert_eq(r.status, want.status, "kernels %d, plan %zu", k, i);
            cr_assert_eq(r.len, want.len, "kernels %d, plan %zu: %zu, %zu", k, i, r.len, want.len);
            cr_assert(memcmp(other, out, r.len) == 0, "kernels %d, plan %zu", k, i);
            if (r.status == FLOWLOG_END) cr_assert_eq(r.used, want.used, "kernels %d, plan %zu", k, i);
            if (r.status < 0) {
                cr_assert_str_eq(r.err.message, want.err.message, "kernels %d, plan %zu", k, i);
                cr_assert_eq(r.err.offset, want.err.offset, "kernels %d, plan %zu: %d, %d", k, i,
                             (int)r.err.offset, (int)want.err.offset);
            }
        }
    return want;
}

static struct stream *fresh(void)
{
    static struct stream s;
    memset(&s, 0, sizeof s);
    return &s;
}

#define REFUSED(s, text, made)                                                              \
    do {                                                                                    \
        const struct outcome r_ = run((s), stream_len(s));                                  \
        cr_expect_eq(r_.status, FLOWLOG_E_CORRUPT);                                         \
        if (r_.status < 0) cr_expect(strstr(r_.err.message, (text)), "%s", r_.err.message); \
        cr_expect_eq(r_.len, (size_t)(made), "made %zu", r_.len);                           \
    } while (0)
#define ACCEPTED(s, made)                                                                      \
    do {                                                                                       \
        const struct outcome r_ = run((s), stream_len(s));                                     \
        cr_expect_eq(r_.status, FLOWLOG_END, "%s", r_.status < 0 ? r_.err.message : "no end"); \
        cr_expect_eq(r_.len, (size_t)(made), "made %zu", r_.len);                              \
        cr_expect_eq(r_.used, stream_len(s));                                                  \
    } while (0)

/* So that the inner loop meets what follows: it wants 32 bytes of input. */
static void put_tail(struct stream *s) { s->bits += 8 * 80; }

Test(inflate, empty_fixed_block_is_an_empty_output)
{
    struct stream *s = fresh();
    begin_fixed(s, 1);
    put_litlen(s, 256);
    ACCEPTED(s, 0);
}

Test(inflate, stored_blocks_of_0_and_65535_bytes)
{
    static uint8_t big[65535];
    for (size_t i = 0; i < sizeof big; i++) big[i] = (uint8_t)(i * 31 >> 3);
    struct stream *s = fresh();
    put_stored(s, 0, big, 0);
    put_stored(s, 0, big, 65535);
    put_stored(s, 0, big, 1);
    put_stored(s, 1, big, 0);
    ACCEPTED(s, 65536);
    cr_expect(memcmp(out, big, 65535) == 0 && out[65535] == big[0]);
}

Test(inflate, every_period_and_length_of_an_overlapping_match)
{
    for (unsigned far = 1; far <= 70; far++) {
        struct stream *s = fresh();
        size_t n = 0;
        static uint8_t want[200000];
        begin_fixed(s, 1);
        for (unsigned i = 0; i < far; i++) {
            put_litlen(s, want[n++] = (uint8_t)(i * 37 + far));
        }
        for (unsigned len = 3; len <= 258; len++) {
            put_match(s, len, far);
            for (unsigned i = 0; i < len; i++, n++) want[n] = want[n - far];
            put_litlen(s, want[n++] = (uint8_t)len);
        }
        put_litlen(s, 256);
        static uint8_t got[200000];
        for (int k = 0; k < 2; k++) {
            const struct outcome r =
                read_stream(s->p, stream_len(s), one_call, 1, features(k), got, sizeof got);
            cr_expect(r.status == FLOWLOG_END && r.len == n && memcmp(got, want, n) == 0,
                      "kernels %d, distance %u", k, far);
        }
    }
}

Test(inflate, every_distance_symbol_at_both_ends)
{
    static uint8_t want[400000];
    struct stream *s = fresh();
    size_t n = 0;
    begin_fixed(s, 1);
    for (unsigned i = 0; i < 32768; i++) put_litlen(s, want[n++] = (uint8_t)(i * i >> 5));
    for (unsigned d = 0; d < 30; d++) {
        const unsigned extra = d < 4 ? 0 : d / 2 - 1, base = d < 4 ? d + 1 : ((2 + d % 2) << extra) + 1;
        const unsigned far[2] = {base, base + (1u << extra) - 1};
        for (int e = 0; e < 2; e++) {
            put_match(s, 200, far[e]);
            for (unsigned i = 0; i < 200; i++, n++) want[n] = want[n - far[e]];
        }
    }
    put_litlen(s, 256);
    ACCEPTED(s, n);
    cr_expect(memcmp(out, want, n) == 0);
}

Test(inflate, length_258_may_be_written_as_284_with_all_extra_bits)
{
    struct stream *s = fresh();
    begin_fixed(s, 1);
    put_litlen(s, 'a');
    put_litlen(s, 284);
    put(s, 31, 5);
    put_dist(s, 0);
    put_litlen(s, 256);
    ACCEPTED(s, 259);
}

Test(inflate, block_type_3_is_refused)
{
    struct stream *s = fresh();
    put(s, 7, 3);
    put_tail(s);
    REFUSED(s, "block type", 0);
}

Test(inflate, stored_length_must_match_its_complement)
{
    struct stream *s = fresh();
    put_stored(s, 1, "abc", 3);
    s->p[3] ^= 1;
    REFUSED(s, "complement", 0);
}

Test(inflate, distance_before_the_beginning_is_refused)
{
    for (unsigned made = 0; made < 40; made++)
        for (int tail = 0; tail < 2; tail++) {
            struct stream *s = fresh();
            begin_fixed(s, 1);
            for (unsigned i = 0; i < made; i++) put_litlen(s, 'x');
            put_match(s, 10, made + 1);
            put_litlen(s, 256);
            if (tail) put_tail(s);
            REFUSED(s, "too far", made);
            if (!made) continue;
            s = fresh();
            begin_fixed(s, 1);
            for (unsigned i = 0; i < made; i++) put_litlen(s, 'x');
            put_match(s, 10, made);
            put_litlen(s, 256);
            ACCEPTED(s, made + 10);
        }
}

Test(inflate, symbols_286_287_and_distances_30_31_of_the_fixed_code_are_refused)
{
    for (unsigned symbol = 286; symbol < 288; symbol++)
        for (int tail = 0; tail < 2; tail++) {
            struct stream *s = fresh();
            begin_fixed(s, 1);
            put_litlen(s, 'x');
            put_litlen(s, symbol);
            put_litlen(s, 256);
            if (tail) put_tail(s);
            REFUSED(s, "literal/length symbol", 1);
            s = fresh();
            begin_fixed(s, 1);
            put_litlen(s, 'x');
            put_litlen(s, 257);
            put_dist(s, symbol - 256);
            put_litlen(s, 256);
            if (tail) put_tail(s);
            REFUSED(s, "distance symbol", 1);
        }
}

/* 'a' and the end of block, one bit each. */
static struct stream *two_symbols(void)
{
    struct stream *s = fresh();
    s->litlen_len['a'] = s->litlen_len[256] = 1;
    return s;
}
/* 'a', the end of block and lengths 3 and 4, two bits each. */
static struct stream *four_symbols(void)
{
    struct stream *s = fresh();
    s->litlen_len['a'] = s->litlen_len[256] = s->litlen_len[257] = s->litlen_len[258] = 2;
    return s;
}

Test(inflate, no_distances_at_all_are_fine_while_none_is_used)
{
    struct stream *s = two_symbols();
    begin_dynamic(s, 1, 257, 1);
    for (int i = 0; i < 1000; i++) put_litlen(s, 'a');
    put_litlen(s, 256);
    ACCEPTED(s, 1000);

    for (int tail = 0; tail < 2; tail++) {
        s = four_symbols();
        begin_dynamic(s, 1, 259, 1);
        put_litlen(s, 'a');
        put_litlen(s, 257);
        put(s, (uint32_t)tail, 1);
        put_litlen(s, 256);
        put_tail(s);
        REFUSED(s, "distance symbol", 1);
    }
}

Test(inflate, a_single_distance_of_one_bit_is_fine_its_other_half_is_not)
{
    for (unsigned used = 0; used < 2; used++)
        for (int tail = 0; tail < 2; tail++) {
            struct stream *s = four_symbols();
            s->dist_len[0] = 1;
            begin_dynamic(s, 1, 259, 1);
            put_litlen(s, 'a');
            put_litlen(s, 258);
            put(s, used, 1);
            put_litlen(s, 256);
            if (used) {
                if (tail) put_tail(s);
                REFUSED(s, "distance symbol", 1);
            } else {
                ACCEPTED(s, 5);
            }
        }
}

Test(inflate, a_single_literal_length_word_is_the_end_of_block_alone)
{
    for (unsigned used = 0; used < 2; used++) {
        struct stream *s = fresh();
        s->litlen_len[256] = 1;
        begin_dynamic(s, 1, 257, 1);
        put(s, used, 1);
        if (used)
            REFUSED(s, "literal/length symbol", 0);
        else
            ACCEPTED(s, 0);
    }
}

Test(inflate, incomplete_codes_are_refused)
{
    struct stream *s = fresh();
    s->litlen_len['a'] = 2;
    s->litlen_len[256] = 1;
    begin_dynamic(s, 1, 257, 1);
    put_tail(s);
    REFUSED(s, "literal/length code", 0);

    s = fresh();
    s->litlen_len[256] = 2;
    begin_dynamic(s, 1, 257, 1);
    put_tail(s);
    REFUSED(s, "literal/length code", 0);

    s = two_symbols();
    s->dist_len[0] = 2;
    begin_dynamic(s, 1, 257, 1);
    put_tail(s);
    REFUSED(s, "distance code", 0);

    s = two_symbols();
    s->dist_len[0] = 1;
    s->dist_len[1] = 2;
    begin_dynamic(s, 1, 257, 2);
    put_tail(s);
    REFUSED(s, "distance code", 0);

    s = fresh(); /* the code of the code lengths: one word only, and none at all */
    put(s, 5, 3);
    put(s, 0, 14);
    put(s, 1, 12);
    put_tail(s);
    REFUSED(s, "code of the code lengths", 0);
    s = fresh();
    put(s, 5, 3);
    put(s, 0, 14);
    put_tail(s);
    REFUSED(s, "code of the code lengths", 0);
}

Test(inflate, over_subscribed_codes_are_refused)
{
    struct stream *s = two_symbols();
    s->litlen_len['b'] = 15;
    begin_dynamic(s, 1, 257, 1);
    put_tail(s);
    REFUSED(s, "literal/length code", 0);

    s = two_symbols();
    s->dist_len[0] = s->dist_len[1] = s->dist_len[2] = 1;
    begin_dynamic(s, 1, 257, 3);
    put_tail(s);
    REFUSED(s, "distance code", 0);

    s = fresh();
    put(s, 5, 3);
    put(s, 0, 14);
    for (int i = 0; i < 4; i++) put(s, 1, 3);
    put_tail(s);
    REFUSED(s, "code of the code lengths", 0);
}

Test(inflate, a_block_without_end_is_refused)
{
    struct stream *s = fresh();
    s->litlen_len['a'] = s->litlen_len['b'] = 1;
    begin_dynamic(s, 1, 257, 1);
    put_tail(s);
    REFUSED(s, "end-of-block", 0);
}

Test(inflate, more_than_286_lengths_or_30_distances_are_refused)
{
    for (unsigned i = 0; i < 4; i++) {
        struct stream *s = fresh();
        begin_dynamic_raw(s, 1, i < 2 ? 287 + i : 257, i < 2 ? 1 : 29 + i);
        put_tail(s);
        REFUSED(s, "too many", 0);
    }
}

/* A code of the code lengths: 0, 2, 16 and 18 with two bits each. */
static void begin_repeats(struct stream *s, unsigned hdist)
{
    put(s, 5, 3);
    put(s, 0, 5);
    put(s, hdist, 5);
    put(s, 14, 4); /* 18 of the 19 */
    static const unsigned order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1};
    for (unsigned i = 0; i < 18; i++) {
        const unsigned o = order[i];
        put(s, o == 0 || o == 2 || o == 16 || o == 18 ? 2 : 0, 3);
    }
}

Test(inflate, repeats_of_a_code_length)
{
    struct stream *s = fresh(); /* nothing to repeat */
    begin_repeats(s, 0);
    put_word(s, 2, 2);
    put_tail(s);
    REFUSED(s, "repeat", 0);

    s = fresh(); /* one zero too many */
    begin_repeats(s, 0);
    put_word(s, 3, 2), put(s, 127, 7);
    put_word(s, 3, 2), put(s, 110, 7);
    put_tail(s);
    REFUSED(s, "repeat", 0);

    s = fresh(); /* a repeat may run from the literals into the distances: four words of two bits each */
    begin_repeats(s, 3);
    put_word(s, 3, 2), put(s, 127, 7);
    put_word(s, 3, 2), put(s, 104, 7);
    put_word(s, 1, 2);               /* 253 */
    put_word(s, 2, 2), put(s, 3, 2); /* 254, 255, 256, distances 0, 1, 2 */
    put_word(s, 1, 2);               /* distance 3 */
    put_word(s, 0, 2), put_word(s, 2, 2), put_word(s, 3, 2);
    ACCEPTED(s, 2);
    cr_expect(out[0] == 253 && out[1] == 255);
}

Test(inflate, deepest_codes_and_all_sub_tables)
{
    /* Literals 'a'.. with lengths 1, 2, .. 15: the end of block has 15 bits; distances the same. */
    struct stream *s = fresh();
    for (unsigned i = 0; i < 14; i++) s->litlen_len['a' + i] = i + 1;
    s->litlen_len[257] = s->litlen_len[256] = 15;
    for (unsigned i = 0; i < 14; i++) s->dist_len[i] = i + 1;
    s->dist_len[14] = s->dist_len[29] = 15;
    begin_dynamic(s, 1, 258, 30);
    static uint8_t want[400000];
    size_t n = 0;
    for (unsigned i = 0; i < 33000; i++) {
        const unsigned c = i % 14;
        put_litlen(s, want[n++] = (uint8_t)('a' + c));
    }
    for (unsigned d = 0; d < 30; d = d == 14 ? 29 : d + 1)
        for (unsigned k = 0; k < 3; k++) {
            const unsigned extra = d < 4 ? 0 : d / 2 - 1,
                           base = d < 4 ? d + 1 : ((2 + d % 2) << extra) + 1;
            const unsigned add = k == 0 ? 0 : k == 1 ? (1u << extra) - 1 : (1u << extra) / 3;
            put_litlen(s, 257);
            put_dist(s, d);
            put(s, add, extra);
            for (int i = 0; i < 3; i++, n++) want[n] = want[n - base - add];
        }
    put_litlen(s, 256);
    ACCEPTED(s, n);
    cr_expect(memcmp(out, want, n) == 0);
}

Test(inflate, full_tables_of_every_shape_fit)
{
    /* Random complete codes over all symbols: split a random word until there are enough. */
    uint32_t seed = 12345;
    for (int round = 0; round < 300; round++) {
        struct stream *s = fresh();
        const unsigned nl = 286, nd = 30;
        unsigned *const lens[2] = {s->litlen_len, s->dist_len};
        const unsigned counts[2] = {nl, nd};
        for (int a = 0; a < 2; a++) {
            unsigned n = 1, deep = round % 3;
            lens[a][0] = 0;
            while (n < counts[a]) {
                seed = seed * 1664525u + 1013904223u;
                unsigned i = deep ? n - 1 -
                                        (seed >> 8) % (n < 4          ? n
                                                       : deep * 4 < n ? deep * 4
                                                                      : n)
                                  : (seed >> 8) % n;
                for (unsigned tries = 0; lens[a][i] == 15 && tries < n; tries++) i = (i + 1) % n;
                lens[a][n++] = ++lens[a][i];
            }
        }
        begin_dynamic(s, 1, nl, nd);
        static uint8_t want[100000];
        size_t n = 0;
        for (unsigned i = 0; i < 256; i++) put_litlen(s, want[n++] = (uint8_t)i);
        for (unsigned i = 0; i < 600; i++) {
            seed = seed * 1664525u + 1013904223u;
            const unsigned len = 3 + (seed >> 8) % 50, far = 1 + (seed >> 16) % (n < 32768 ? n : 32768);
            put_match(s, len, (unsigned)far);
            for (unsigned k = 0; k < len; k++, n++) want[n] = want[n - far];
            put_litlen(s, want[n++] = (uint8_t)seed);
        }
        put_litlen(s, 256);
        for (int k = 0; k < 2; k++) {
            const struct outcome r =
                read_stream(s->p, stream_len(s), one_call, 1, features(k), out, sizeof out);
            cr_assert(r.status == FLOWLOG_END && r.len == n && !memcmp(out, want, n),
                      "round %d, kernels %d: %s", round, k,
                      r.status < 0 ? r.err.message : "bytes differ");
        }
        const struct outcome r =
            read_stream(s->p, stream_len(s), (struct plan){3, 7, 1, 0}, 1, 0, out, sizeof out);
        cr_assert(r.status == FLOWLOG_END && r.len == n && !memcmp(out, want, n), "round %d in pieces",
                  round);
    }
}

Test(inflate, bytes_behind_the_end_are_not_consumed)
{
    for (unsigned extra = 0; extra < 100; extra++) {
        struct stream *s = fresh();
        begin_fixed(s, 1);
        for (unsigned i = 0; i < 50; i++) put_litlen(s, 'a' + i % 26);
        put_litlen(s, 256);
        const size_t n = stream_len(s);
        memset(s->p + n, 0xFF, extra);
        const struct outcome r = run(s, n + extra);
        cr_expect_eq(r.status, FLOWLOG_END);
        cr_expect_eq(r.used, n, "with %u bytes behind", extra);
    }
}

Test(inflate, nothing_outside_the_input_is_read_nor_outside_the_slop_written)
{
    struct stream *s = fresh();
    begin_fixed(s, 1);
    for (unsigned i = 0; i < 40; i++) put_litlen(s, 'a' + i % 26);
    for (unsigned i = 0; i < 40; i++) put_match(s, 3 + 6 * i, i % 37 + 1);
    put_litlen(s, 256);
    const size_t n = stream_len(s);
    const struct outcome want = read_stream(s->p, n, one_call, 1, 0, out, sizeof out);
    cr_assert_eq(want.status, FLOWLOG_END);
    static struct fl_inflate f;
    for (int k = 0; k < 2; k++)
        for (size_t cut = 0; cut <= n; cut++)
            for (int side = 0; side < 2; side++) {
                struct guard g = guard_make(s->p, cut, side);
                struct guard o = guard_make(NULL, want.len + FL_INFLATE_OUT_SLOP, 1);
                flowlog__inflate_init(&f);
                f.kernels = flowlog__codec_kernels(features(k));
                size_t used, len = 0;
                const flowlog_status st =
                    flowlog__inflate_run(&f, g.p, cut, &used, o.p, &len, want.len, 1, NULL);
                cr_expect_eq(st, cut == n ? FLOWLOG_END : FLOWLOG_E_CORRUPT);
                cr_expect(len <= want.len && memcmp(o.p, out, len) == 0);
                guard_free(&g);
                guard_free(&o);
            }
    for (size_t cap = 0; cap <= want.len; cap += 13) { /* output that ends in the middle of everything */
        struct guard o = guard_make(NULL, cap + FL_INFLATE_OUT_SLOP, 1);
        flowlog__inflate_init(&f);
        size_t used, len = 0;
        const flowlog_status st = flowlog__inflate_run(&f, s->p, n, &used, o.p, &len, cap, 1, NULL);
        cr_expect(st >= 0 && len == cap && memcmp(o.p, out, len) == 0);
        guard_free(&o);
    }
}

Test(inflate, truncation_is_told_with_the_length_of_the_input)
{
    struct stream *s = fresh();
    begin_fixed(s, 1);
    for (unsigned i = 0; i < 200; i++) put_litlen(s, 'a' + i % 26);
    put_litlen(s, 256);
    for (size_t cut = 0; cut < stream_len(s); cut++) {
        const struct outcome r = run(s, cut);
        cr_expect_eq(r.status, FLOWLOG_E_CORRUPT);
        cr_expect_eq(r.err.offset, cut);
        cr_expect_eq(r.len, cut * 8 < 3 ? 0 : (cut * 8 - 3) / 8, "%zu of %zu", r.len, cut);
    }
}

Test(inflate, end_and_errors_are_permanent)
{
    static struct fl_inflate f;
    uint8_t buf[100 + FL_INFLATE_OUT_SLOP];
    flowlog_error err;
    size_t used, len = 0;
    static const uint8_t bad[] = {7, 0, 0, 0}, good[] = {3, 0};
    flowlog__inflate_init(&f);
    cr_expect_eq(flowlog__inflate_run(&f, bad, 4, &used, buf, &len, 100, 0, &err), FLOWLOG_E_CORRUPT);
    cr_expect_eq(flowlog__inflate_run(&f, good, 2, &used, buf, &len, 100, 1, &err), FLOWLOG_E_CORRUPT);
    cr_expect_eq(used, 0);
    flowlog__inflate_init(&f);
    cr_expect_eq(flowlog__inflate_run(&f, good, 2, &used, buf, &len, 100, 1, &err), FLOWLOG_END);
    cr_expect_eq(used, 2);
    cr_expect_eq(flowlog__inflate_run(&f, good, 2, &used, buf, &len, 100, 1, &err), FLOWLOG_END);
    cr_expect_eq(used, 0);
    flowlog__inflate_init(&f);
    cr_expect_eq(flowlog__inflate_run(&f, NULL, 0, &used, buf, &len, 100, 0, &err), FLOWLOG_OK);
}
