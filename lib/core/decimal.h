/* SPDX-License-Identifier: MIT */
/*
 * core/decimal.h - decimal numbers with nine digits behind the point, in integers only, so that averages, rates
 * and quotients are the same bytes on every machine.
 *
 * Every function returns 1, or 0 when the result has no such number: too large (2^64 and beyond), or divided by
 * zero; *out is then unchanged.  Results that have more digits are rounded half away from zero.
 */
#ifndef FL_CORE_DECIMAL_H
#define FL_CORE_DECIMAL_H

#include <stdint.h>

#define FL_BILLION UINT32_C(1000000000)

struct fl_decimal {
    uint64_t whole;
    uint32_t billionths; /* 0 .. 999999999 */
    uint32_t negative;   /* 1: below zero; never with both others zero */
};

struct fl_decimal flowlog__decimal_of(uint64_t whole);
struct fl_decimal flowlog__decimal_of_signed(int64_t value);
/* numerator / denominator of two whole numbers. */
int flowlog__decimal_ratio(uint64_t numerator, uint64_t denominator, struct fl_decimal *out);
int flowlog__decimal_add(struct fl_decimal a, struct fl_decimal b, struct fl_decimal *out);
int flowlog__decimal_subtract(struct fl_decimal a, struct fl_decimal b, struct fl_decimal *out);
int flowlog__decimal_multiply(struct fl_decimal a, struct fl_decimal b, struct fl_decimal *out);
int flowlog__decimal_divide(struct fl_decimal a, struct fl_decimal b, struct fl_decimal *out);
/* Negative, zero or positive. */
int flowlog__decimal_compare(struct fl_decimal a, struct fl_decimal b);

/* Exact sums of squares: 192 bits, least significant word first. */
struct fl_wide {
    uint64_t word[3];
};
void flowlog__wide_add_square(struct fl_wide *sum, uint64_t value); /* cannot overflow: 2^64 rows are out of reach */
void flowlog__wide_add(struct fl_wide *sum, const struct fl_wide *other);
/* 1 if n values may have this sum and these squares, as far as flowlog__deviation relies on it. */
int flowlog__squares_are_possible(const struct fl_wide *squares, uint64_t sum, uint64_t n);

/*
 * sqrt((squares - sum^2 / n) / (n - 1)), rounded down to nine digits; n is at least 2 and sum the sum of the n
 * values whose squares were added.
 */
struct fl_decimal flowlog__deviation(const struct fl_wide *squares, uint64_t sum, uint64_t n);

#endif
