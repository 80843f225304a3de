/* SPDX-License-Identifier: MIT */
/*
 * Decimals against sums and products of decimal digits, as they are done on paper: each result is the one number
 * that its definition allows.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/decimal.h"
#include "core/hash.h"

TestSuite(decimal, .timeout = 60);

enum { DIGITS = 110 };

struct paper {
    uint8_t digit[DIGITS]; /* least significant first */
};

static struct paper paper_of(uint64_t v)
{
    struct paper p = {{0}};
    for (int i = 0; v; i++, v /= 10) p.digit[i] = (uint8_t)(v % 10);
    return p;
}

static struct paper add(struct paper a, struct paper b)
{
    unsigned carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        carry += a.digit[i] + b.digit[i];
        a.digit[i] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    cr_assert_eq(carry, 0);
    return a;
}

static struct paper mul(struct paper a, struct paper b)
{
    struct paper p = {{0}};
    for (int i = 0; i < DIGITS; i++) {
        unsigned carry = 0;
        if (!a.digit[i]) continue;
        for (int j = 0; i + j < DIGITS; j++) {
            carry += p.digit[i + j] + a.digit[i] * b.digit[j];
            p.digit[i + j] = (uint8_t)(carry % 10);
            carry /= 10;
        }
        cr_assert_eq(carry, 0);
    }
    return p;
}

static int less(struct paper a, struct paper b)
{
    for (int i = DIGITS; i-- > 0;)
        if (a.digit[i] != b.digit[i]) return a.digit[i] < b.digit[i];
    return 0;
}

static struct paper scaled(struct fl_decimal d)
{
    return add(mul(paper_of(d.whole), paper_of(FL_BILLION)), paper_of(d.billionths));
}

/* q is x / y rounded half up: 2 q y <= 2 x + y < 2 (q + 1) y. */
static int is_rounded(struct paper q, struct paper x, struct paper y)
{
    const struct paper two = paper_of(2), high = add(mul(two, x), y);
    return !less(high, mul(mul(two, q), y)) && less(high, mul(mul(two, add(q, paper_of(1))), y));
}

/* x / y rounded is too large: 2 (2^64 10^9) y <= 2 x + y. */
static int is_too_large(struct paper x, struct paper y)
{
    const struct paper limit = mul(add(paper_of(UINT64_MAX), paper_of(1)), paper_of(FL_BILLION));
    return !less(add(mul(paper_of(2), x), y), mul(mul(paper_of(2), limit), y));
}

static uint64_t next(uint64_t *state) { return fl_hash_u64(++*state); }

/* Numbers of all sizes, and those beside powers of two and at the ends. */
static uint64_t some_number(uint64_t *state)
{
    const uint64_t r = next(state), bits = next(state) % 65, x = bits ? r >> (64 - bits) : 0;
    switch (next(state) % 8) {
    case 0: return bits < 64 ? (UINT64_C(1) << bits) - (r & 1) : UINT64_MAX - (r & 1);
    case 1: return r % 20;
    case 2: return x / FL_BILLION * FL_BILLION;
    default: return x;
    }
}

static struct fl_decimal some_decimal(uint64_t *state)
{
    struct fl_decimal d = {some_number(state), 0, 0};
    const uint64_t r = next(state);
    static const uint32_t ends[] = {FL_BILLION - 1, 1, FL_BILLION / 2};
    if (r % 3) d.billionths = r % 7 < 3 ? ends[r % 7] : (uint32_t)(r / 7 % FL_BILLION);
    d.negative = r >> 60 & 1 && (d.whole || d.billionths);
    return d;
}

Test(decimal, a_ratio_is_rounded_half_up)
{
    uint64_t state = 1;
    for (int i = 0; i < 3000; i++) {
        const uint64_t n = some_number(&state), d = some_number(&state);
        struct fl_decimal out = {7, 7, 7};
        const int ok = flowlog__decimal_ratio(n, d, &out);
        cr_assert_eq(ok, d != 0);
        if (!ok) continue;
        cr_assert(out.billionths < FL_BILLION && !out.negative);
        cr_assert(is_rounded(scaled(out), mul(paper_of(n), paper_of(FL_BILLION)), paper_of(d)), "%llu / %llu",
                  (unsigned long long)n, (unsigned long long)d);
    }
}

static void expect_ratio(uint64_t n, uint64_t d, uint64_t whole, uint32_t billionths)
{
    struct fl_decimal out;
    cr_assert(flowlog__decimal_ratio(n, d, &out));
    cr_expect(out.whole == whole && out.billionths == billionths, "%llu.%09u", (unsigned long long)out.whole,
              (unsigned)out.billionths);
}

Test(decimal, ratios_known_by_heart)
{
    expect_ratio(0, 1, 0, 0);
    expect_ratio(1, 3, 0, 333333333);
    expect_ratio(2, 3, 0, 666666667);
    expect_ratio(1, 2000000000, 0, 1);         /* half a billionth is rounded up */
    expect_ratio(999999999, 2000000000, 0, 500000000);
    expect_ratio(1999999999, 2000000000, 1, 0); /* and carries */
    expect_ratio(1, 2000000001, 0, 0);
    expect_ratio(UINT64_MAX, 1, UINT64_MAX, 0);
    expect_ratio(UINT64_MAX - 1, UINT64_MAX, 1, 0);
    expect_ratio(UINT64_MAX, UINT64_MAX, 1, 0);
    expect_ratio(UINT64_MAX, 2, UINT64_MAX / 2, 500000000);
    struct fl_decimal out = {7, 7, 7};
    cr_expect(!flowlog__decimal_ratio(1, 0, &out));
    cr_expect(out.whole == 7 && out.billionths == 7 && out.negative == 7, "unchanged");
}

Test(decimal, sums_and_differences_are_exact)
{
    uint64_t state = 2;
    for (int i = 0; i < 4000; i++) {
        struct fl_decimal a = some_decimal(&state), b = some_decimal(&state), out = {7, 7, 7};
        const int subtract = i & 1;
        const int ok = subtract ? flowlog__decimal_subtract(a, b, &out) : flowlog__decimal_add(a, b, &out);
        if (subtract && (b.whole || b.billionths)) b.negative = !b.negative;
        const struct paper x = scaled(a), y = scaled(b), z = scaled(out);
        if (!ok) {
            cr_assert_eq(a.negative, b.negative);
            cr_assert(is_too_large(add(x, y), paper_of(1)));
            cr_assert(out.whole == 7 && out.billionths == 7 && out.negative == 7, "unchanged");
            continue;
        }
        cr_assert(out.billionths < FL_BILLION && (!out.negative || out.whole || out.billionths));
        if (a.negative == b.negative) {
            cr_assert(!memcmp(&z, (struct paper[]){add(x, y)}, sizeof z));
            cr_assert_eq(out.negative, a.negative);
        } else { /* the larger is the sum of the smaller and the result */
            const struct paper large = less(x, y) ? y : x, small = less(x, y) ? x : y;
            cr_assert(!memcmp(&large, (struct paper[]){add(small, z)}, sizeof z));
            if (out.whole || out.billionths) cr_assert_eq(out.negative, less(x, y) ? b.negative : a.negative);
        }
    }
}

Test(decimal, products_and_quotients_are_rounded_half_away_from_zero)
{
    uint64_t state = 3;
    int wide = 0, large = 0;
    for (int i = 0; i < 3000; i++) {
        const struct fl_decimal a = some_decimal(&state), b = some_decimal(&state);
        struct fl_decimal out = {7, 7, 7};
        const int divide = i & 1;
        const int ok = divide ? flowlog__decimal_divide(a, b, &out) : flowlog__decimal_multiply(a, b, &out);
        struct paper x = scaled(a), y = scaled(b);
        if (divide) {
            x = mul(x, paper_of(FL_BILLION));
        } else {
            x = mul(x, y);
            y = paper_of(FL_BILLION);
        }
        if (!ok) {
            cr_assert(out.whole == 7 && out.billionths == 7 && out.negative == 7, "unchanged");
            cr_assert((divide && !b.whole && !b.billionths) || is_too_large(x, y));
            large++;
            continue;
        }
        cr_assert(out.billionths < FL_BILLION);
        cr_assert(is_rounded(scaled(out), x, y), "%d: %llu.%09u and %llu.%09u", divide, (unsigned long long)a.whole,
                  (unsigned)a.billionths, (unsigned long long)b.whole, (unsigned)b.billionths);
        if (out.whole || out.billionths) cr_assert_eq(out.negative, a.negative != b.negative);
        else cr_assert_eq(out.negative, 0);
        wide += a.billionths != 0;
    }
    cr_expect(wide > 300 && large > 100, "%d %d", wide, large);
}

Test(decimal, compares_as_numbers)
{
    static const struct fl_decimal rising[] = {{UINT64_MAX, 999999999, 1}, {UINT64_MAX, 0, 1}, {2, 0, 1}, {1, 1, 1},
                                               {1, 0, 1}, {0, 1, 1}, {0, 0, 0}, {0, 1, 0}, {0, 999999999, 0}, {1, 0, 0},
                                               {1, 1, 0}, {UINT64_MAX, 0, 0}, {UINT64_MAX, 999999999, 0}};
    const int n = sizeof rising / sizeof rising[0];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const int c = flowlog__decimal_compare(rising[i], rising[j]);
            cr_expect_eq((c > 0) - (c < 0), (i > j) - (i < j), "%d %d", i, j);
        }
}

Test(decimal, of_signed_numbers_also_the_smallest)
{
    const struct fl_decimal smallest = flowlog__decimal_of_signed(INT64_MIN), minus = flowlog__decimal_of_signed(-5),
                            none = flowlog__decimal_of_signed(0), most = flowlog__decimal_of_signed(INT64_MAX);
    cr_expect(smallest.whole == UINT64_C(1) << 63 && smallest.negative == 1 && smallest.billionths == 0);
    cr_expect(minus.whole == 5 && minus.negative == 1);
    cr_expect(none.whole == 0 && none.negative == 0);
    cr_expect(most.whole == INT64_MAX && most.negative == 0);
    cr_expect_eq(flowlog__decimal_of(UINT64_MAX).whole, UINT64_MAX);
}

static struct paper paper_of_wide(const struct fl_wide *w)
{
    const struct paper base = add(paper_of(UINT64_MAX), paper_of(1));
    return add(paper_of(w->word[0]), mul(base, add(paper_of(w->word[1]), mul(base, paper_of(w->word[2])))));
}

Test(decimal, sums_of_squares_are_exact)
{
    uint64_t state = 4;
    struct fl_wide w = {{0}}, other = {{0}};
    struct paper expected = {{0}}, both = {{0}};
    for (int i = 0; i < 2000; i++) {
        const uint64_t v = i < 20 ? UINT64_MAX - (uint64_t)i : some_number(&state);
        flowlog__wide_add_square(i % 3 ? &w : &other, v);
        const struct paper square = mul(paper_of(v), paper_of(v));
        if (i % 3) expected = add(expected, square);
        both = add(both, square);
    }
    cr_expect(!memcmp(&expected, (struct paper[]){paper_of_wide(&w)}, sizeof expected));
    flowlog__wide_add(&w, &other);
    cr_expect(!memcmp(&both, (struct paper[]){paper_of_wide(&w)}, sizeof both));
    cr_expect(w.word[2] > 0);
    /* A carry that goes through a word that is all ones. */
    struct fl_wide a = {{UINT64_MAX, UINT64_MAX, 1}}, one = {{1, 0, 0}};
    flowlog__wide_add(&a, &one);
    cr_expect(a.word[0] == 0 && a.word[1] == 0 && a.word[2] == 2);
}

/* r^2 n (n - 1) <= (n squares - sum^2) 10^18 < (r + 1)^2 n (n - 1) */
static void expect_deviation(const struct fl_wide *squares, uint64_t sum, uint64_t n)
{
    const struct fl_decimal d = flowlog__deviation(squares, sum, n);
    const struct paper r = scaled(d), over = add(r, paper_of(1)), by = mul(paper_of(n), paper_of(n - 1));
    const struct paper e18 = mul(paper_of(FL_BILLION), paper_of(FL_BILLION));
    const struct paper s2 = mul(mul(paper_of(sum), paper_of(sum)), e18);
    const struct paper x = mul(mul(paper_of(n), paper_of_wide(squares)), e18);
    cr_assert(d.billionths < FL_BILLION && !d.negative);
    cr_assert(!less(x, add(s2, mul(mul(r, r), by))), "n %llu", (unsigned long long)n);
    cr_assert(less(x, add(s2, mul(mul(over, over), by))), "n %llu", (unsigned long long)n);
}

Test(decimal, deviations_are_rounded_down_to_nine_digits)
{
    uint64_t state = 5;
    for (int i = 0; i < 1500; i++) {
        const uint64_t n = 2 + next(&state) % (i % 10 ? 12 : 2000), bits = next(&state) % 64;
        struct fl_wide squares = {{0}};
        uint64_t sum = 0;
        for (uint64_t k = 0; k < n; k++) {
            uint64_t v = next(&state) >> bits;
            if (i % 5 == 0) v = v & 1 ? UINT64_C(1) << 40 : (UINT64_C(1) << 40) - 1;
            if (v > UINT64_MAX - sum) v = 0;
            sum += v;
            flowlog__wide_add_square(&squares, v);
        }
        expect_deviation(&squares, sum, n);
    }
    /* The largest there are: one value with all of the sum; and as many rows as can be counted. */
    struct fl_wide one = {{0}};
    flowlog__wide_add_square(&one, UINT64_MAX);
    expect_deviation(&one, UINT64_MAX, 2);
    expect_deviation(&one, UINT64_MAX, UINT64_MAX);
}

Test(decimal, deviations_known_by_heart)
{
    struct fl_wide w = {{0}};
    static const uint64_t values[] = {2, 4, 4, 4, 5, 5, 7, 9}; /* variance 32 / 7 */
    for (int i = 0; i < 8; i++) flowlog__wide_add_square(&w, values[i]);
    struct fl_decimal d = flowlog__deviation(&w, 40, 8);
    cr_expect(d.whole == 2 && d.billionths == 138089935, "%09u", (unsigned)d.billionths);
    struct fl_wide same = {{5 * 49, 0, 0}};
    d = flowlog__deviation(&same, 35, 5);
    cr_expect(d.whole == 0 && d.billionths == 0);
    struct fl_wide two = {{16, 0, 0}};
    d = flowlog__deviation(&two, 4, 2); /* 0 and 4: sqrt 8 */
    cr_expect(d.whole == 2 && d.billionths == 828427124);
}
