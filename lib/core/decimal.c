/* SPDX-License-Identifier: MIT */
/*
 * decimal.c - decimals and exact sums of squares; see decimal.h.
 *
 * What fits into 64 bits is done there, and that is nearly everything.  The rest is done with whole numbers of 256
 * bits, by the methods one uses on paper with digits of 32 bits (Knuth, The Art of Computer Programming 4.3.1).
 * 256 bits are enough: the largest number is the 10^18 * n * squares of a deviation, 60 + 64 + 128 bits.
 */
#include "core/decimal.h"

#include <string.h>

#include "core/compiler.h"

enum { LIMBS = 8 };

/* Least significant limb first; limbs from `used` on are zero, and the one before is not. */
struct big {
    uint32_t limb[LIMBS];
    unsigned used;
};

static void trim(struct big *b)
{
    while (b->used && !b->limb[b->used - 1]) b->used--;
}

static struct big big_of(uint64_t v)
{
    struct big b = {{(uint32_t)v, (uint32_t)(v >> 32)}, 2};
    trim(&b);
    return b;
}

/* What is in 64 bits, of a number that is less. */
static uint64_t low_word(const struct big *b) { return (uint64_t)b->limb[1] << 32 | b->limb[0]; }

static int compare(const struct big *a, const struct big *b)
{
    if (a->used != b->used) return a->used < b->used ? -1 : 1;
    for (unsigned i = a->used; i-- > 0;)
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

static struct big sum(const struct big *a, const struct big *b)
{
    struct big s = {{0}, LIMBS};
    uint64_t carry = 0;
    for (unsigned i = 0; i < LIMBS; i++) {
        carry += (uint64_t)a->limb[i] + b->limb[i];
        s.limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    FL_ASSERT(!carry);
    trim(&s);
    return s;
}

/* a is not less than b. */
static struct big difference(const struct big *a, const struct big *b)
{
    struct big d = {{0}, LIMBS};
    uint64_t borrow = 0;
    for (unsigned i = 0; i < LIMBS; i++) {
        const uint64_t x = (uint64_t)a->limb[i] - b->limb[i] - borrow;
        d.limb[i] = (uint32_t)x;
        borrow = x >> 63;
    }
    FL_ASSERT(!borrow);
    trim(&d);
    return d;
}

static struct big product(const struct big *a, const struct big *b)
{
    struct big p = {{0}, a->used + b->used};
    FL_ASSERT(p.used <= LIMBS + 1);
    for (unsigned i = 0; i < a->used; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; j < b->used && i + j < LIMBS; j++) {
            carry += (uint64_t)a->limb[i] * b->limb[j] + p.limb[i + j];
            p.limb[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        if (i + b->used < LIMBS) p.limb[i + b->used] = (uint32_t)carry;
        else FL_ASSERT(!carry);
    }
    if (p.used > LIMBS) p.used = LIMBS;
    trim(&p);
    return p;
}

/* Limbs of b << shift, 0 <= shift < 32, one more than b has. */
static void shift_left(const struct big *b, unsigned shift, uint32_t *to)
{
    uint32_t carry = 0;
    for (unsigned i = 0; i < b->used; i++) {
        const uint64_t x = (uint64_t)b->limb[i] << shift;
        to[i] = (uint32_t)x | carry;
        carry = (uint32_t)(x >> 32);
    }
    to[b->used] = carry;
}

/* One limb of a quotient: u[0..n] is reduced by it times v[0..n), whose highest bit is set; n is at least 2. */
static uint32_t divide_step(uint32_t *u, const uint32_t *v, unsigned n)
{
    const uint64_t top = (uint64_t)u[n] << 32 | u[n - 1];
    uint64_t guess = top / v[n - 1], rest = top % v[n - 1];
    while (guess >> 32 || guess * v[n - 2] > (rest << 32 | u[n - 2])) {
        guess--;
        rest += v[n - 1];
        if (rest >> 32) break;
    }
    uint64_t carry = 0, borrow = 0;
    for (unsigned i = 0; i <= n; i++) {
        carry += i < n ? guess * v[i] : 0;
        const uint64_t x = (uint64_t)u[i] - (uint32_t)carry - borrow;
        u[i] = (uint32_t)x;
        borrow = x >> 63;
        carry >>= 32;
    }
    if (!borrow) return (uint32_t)guess;
    carry = 0; /* one too many: about twice in 2^32 */
    for (unsigned i = 0; i <= n; i++) {
        carry += (uint64_t)u[i] + (i < n ? v[i] : 0);
        u[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return (uint32_t)guess - 1;
}

/* The quotient, rounded down, and what is left; by is not zero. */
static struct big quotient(const struct big *a, const struct big *by, struct big *left)
{
    struct big q = {{0}, 0}, r = {{0}, 0};
    if (by->used == 1) {
        uint64_t rest = 0;
        q.used = a->used;
        for (unsigned i = a->used; i-- > 0;) {
            rest = rest << 32 | a->limb[i];
            q.limb[i] = (uint32_t)(rest / by->limb[0]);
            rest %= by->limb[0];
        }
        r = big_of(rest);
    } else if (a->used < by->used) {
        r = *a;
    } else {
        uint32_t u[LIMBS + 1], v[LIMBS + 1];
        unsigned shift = 0;
        while (!(by->limb[by->used - 1] << shift >> 31)) shift++;
        shift_left(a, shift, u);
        shift_left(by, shift, v);
        q.used = a->used - by->used + 1;
        for (unsigned i = q.used; i-- > 0;) q.limb[i] = divide_step(u + i, v, by->used);
        r.used = by->used;
        for (unsigned i = 0; i < r.used; i++)
            r.limb[i] = (uint32_t)(((uint64_t)(i + 1 < r.used ? u[i + 1] : 0) << 32 | u[i]) >> shift);
        trim(&r);
    }
    trim(&q);
    *left = r;
    return q;
}

/* The quotient, rounded half up. */
static struct big rounded(const struct big *a, const struct big *by)
{
    struct big left;
    const struct big q = quotient(a, by, &left), twice = sum(&left, &left), one = big_of(1);
    return compare(&twice, by) < 0 ? q : sum(&q, &one);
}

/* By Newton's method from above: each step halves the error until it is none, then squares it. */
static struct big square_root(const struct big *a)
{
    if (!a->used) return *a;
    unsigned bits = 32 * a->used;
    while (!(a->limb[(bits - 1) / 32] >> (bits - 1) % 32 & 1)) bits--;
    const unsigned half = (bits + 1) / 2; /* the root is below 2^half */
    const struct big two = big_of(2);
    struct big root = {{0}, half / 32 + 1};
    root.limb[half / 32] = UINT32_C(1) << half % 32;
    for (;;) {
        struct big left, next = quotient(a, &root, &left);
        next = sum(&next, &root);
        next = quotient(&next, &two, &left);
        if (compare(&next, &root) >= 0) return root;
        root = next;
    }
}

/* --- decimals --------------------------------------------------------------------------------------------- */

struct fl_decimal flowlog__decimal_of(uint64_t whole) { return (struct fl_decimal){whole, 0, 0}; }

struct fl_decimal flowlog__decimal_of_signed(int64_t value)
{
    return value < 0 ? (struct fl_decimal){0 - (uint64_t)value, 0, 1} : (struct fl_decimal){(uint64_t)value, 0, 0};
}

/* Zero has no sign. */
static struct fl_decimal with_sign(struct fl_decimal d, uint32_t negative)
{
    d.negative = negative && (d.whole || d.billionths);
    return d;
}

static struct big scaled(struct fl_decimal d)
{
    const struct big whole = big_of(d.whole), billion = big_of(FL_BILLION), rest = big_of(d.billionths);
    const struct big p = product(&whole, &billion);
    return sum(&p, &rest);
}

/* 1 and the number of so many billionths, or 0 if it is too large. */
static int unscaled(const struct big *billionths, uint32_t negative, struct fl_decimal *out)
{
    const struct big billion = big_of(FL_BILLION);
    struct big left;
    const struct big whole = quotient(billionths, &billion, &left);
    if (whole.used > 2) return 0;
    *out = with_sign((struct fl_decimal){low_word(&whole), left.limb[0], 0}, negative);
    return 1;
}

static int compare_magnitudes(struct fl_decimal a, struct fl_decimal b)
{
    if (a.whole != b.whole) return a.whole < b.whole ? -1 : 1;
    return (a.billionths > b.billionths) - (a.billionths < b.billionths);
}

int flowlog__decimal_compare(struct fl_decimal a, struct fl_decimal b)
{
    if (a.negative != b.negative) return a.negative ? -1 : 1;
    const int c = compare_magnitudes(a, b);
    return a.negative ? -c : c;
}

int flowlog__decimal_ratio(uint64_t numerator, uint64_t denominator, struct fl_decimal *out)
{
    if (!denominator) return 0;
    uint64_t whole = numerator / denominator, rest = numerator % denominator, billionths;
    if (FL_LIKELY(rest <= UINT64_MAX / FL_BILLION)) {
        rest *= FL_BILLION;
        billionths = rest / denominator;
        rest %= denominator;
        billionths += rest >= denominator - rest;
    } else {
        const struct big r = big_of(rest), billion = big_of(FL_BILLION), by = big_of(denominator);
        const struct big p = product(&r, &billion), q = rounded(&p, &by);
        billionths = low_word(&q);
    }
    if (billionths == FL_BILLION) {
        whole++;
        billionths = 0;
    }
    *out = (struct fl_decimal){whole, (uint32_t)billionths, 0};
    return 1;
}

int flowlog__decimal_add(struct fl_decimal a, struct fl_decimal b, struct fl_decimal *out)
{
    if (a.negative == b.negative) {
        uint64_t whole = a.whole + b.whole;
        uint32_t billionths = a.billionths + b.billionths;
        const uint32_t carry = billionths >= FL_BILLION;
        if (whole < a.whole || (carry && whole == UINT64_MAX)) return 0;
        whole += carry;
        if (carry) billionths -= FL_BILLION;
        *out = (struct fl_decimal){whole, billionths, a.negative};
        return 1;
    }
    if (compare_magnitudes(a, b) < 0) {
        const struct fl_decimal swap = a;
        a = b;
        b = swap;
    }
    const uint32_t borrow = a.billionths < b.billionths;
    *out = with_sign((struct fl_decimal){a.whole - b.whole - borrow,
                                         a.billionths + (borrow ? FL_BILLION : 0) - b.billionths, 0}, a.negative);
    return 1;
}

int flowlog__decimal_subtract(struct fl_decimal a, struct fl_decimal b, struct fl_decimal *out)
{
    return flowlog__decimal_add(a, with_sign(b, !b.negative), out);
}

int flowlog__decimal_multiply(struct fl_decimal a, struct fl_decimal b, struct fl_decimal *out)
{
    const uint32_t negative = a.negative != b.negative;
    if (!a.billionths && !b.billionths && (!b.whole || a.whole <= UINT64_MAX / b.whole)) {
        *out = with_sign(flowlog__decimal_of(a.whole * b.whole), negative);
        return 1;
    }
    const struct big x = scaled(a), y = scaled(b), billion = big_of(FL_BILLION);
    const struct big p = product(&x, &y), q = rounded(&p, &billion);
    return unscaled(&q, negative, out);
}

int flowlog__decimal_divide(struct fl_decimal a, struct fl_decimal b, struct fl_decimal *out)
{
    const uint32_t negative = a.negative != b.negative;
    if (!b.whole && !b.billionths) return 0;
    if (!a.billionths && !b.billionths) {
        struct fl_decimal d;
        if (!flowlog__decimal_ratio(a.whole, b.whole, &d)) return 0;
        *out = with_sign(d, negative);
        return 1;
    }
    const struct big x = scaled(a), y = scaled(b), billion = big_of(FL_BILLION);
    const struct big p = product(&x, &billion), q = rounded(&p, &y);
    return unscaled(&q, negative, out);
}

/* --- squares ---------------------------------------------------------------------------------------------- */

void flowlog__wide_add(struct fl_wide *sum_of, const struct fl_wide *other)
{
    uint64_t carry = 0;
    for (int i = 0; i < 3; i++) {
        const uint64_t x = sum_of->word[i] + carry, y = x + other->word[i];
        carry = (x < carry) | (y < x);
        sum_of->word[i] = y;
    }
}

void flowlog__wide_add_square(struct fl_wide *sum_of, uint64_t value)
{
    /* (high 2^32 + low)^2 */
    const uint64_t low = (uint32_t)value, high = value >> 32, middle = low * high;
    struct fl_wide square = {{low * low, high * high + (middle >> 31), 0}};
    const uint64_t add = middle << 33; /* middle 2^33, of which 31 bits are in the word above */
    square.word[0] += add;
    square.word[1] += square.word[0] < add;
    flowlog__wide_add(sum_of, &square);
}

static struct big big_of_wide(const struct fl_wide *w)
{
    struct big b = {{0}, 6};
    for (unsigned i = 0; i < 6; i++) b.limb[i] = (uint32_t)(w->word[i / 2] >> (i % 2 * 32));
    trim(&b);
    return b;
}

int flowlog__squares_are_possible(const struct fl_wide *squares, uint64_t total, uint64_t n)
{
    /* (x + y + ..)^2 is at least x^2 + y^2 + .., and by Cauchy and Schwarz at most n times it */
    const struct big s = big_of_wide(squares), t = big_of(total), count = big_of(n);
    const struct big t2 = product(&t, &t), most = product(&s, &count);
    return compare(&s, &t2) <= 0 && compare(&t2, &most) <= 0 && !((squares->word[0] ^ total) & 1);
}

struct fl_decimal flowlog__deviation(const struct fl_wide *squares, uint64_t total, uint64_t n)
{
    struct big left;
    const struct big s = big_of_wide(squares), count = big_of(n), less = big_of(n - 1), t = big_of(total);
    const struct big a = product(&s, &count), b = product(&t, &t);
    FL_ASSERT(n >= 2 && compare(&a, &b) >= 0);
    const struct big by = product(&count, &less), scale = big_of(UINT64_C(1000000000000000000));
    struct big x = difference(&a, &b);
    x = product(&x, &scale);
    x = quotient(&x, &by, &left);
    x = square_root(&x);
    struct fl_decimal d = {0, 0, 0};
    (void)unscaled(&x, 0, &d); /* it is below the largest value */
    return d;
}
