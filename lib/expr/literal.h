/* SPDX-License-Identifier: MIT */
/* expr/literal.h - constants as people write them.  All functions give 1, or 0 when the word is none such. */
#ifndef FL_EXPR_LITERAL_H
#define FL_EXPR_LITERAL_H

#include <stddef.h>
#include <stdint.h>

/* 1000, 64K, 1Mi.  0 also beyond 64 bits. */
int flowlog__read_number(const char *p, size_t len, uint64_t *value);

/* Whole numbers below 2^64 with up to nine digits behind a point, and a suffix: the whole and the billionths. */
int flowlog__read_decimal(const char *p, size_t len, uint64_t *whole, uint32_t *billionths);

/* 10.0.0.1, 10.0.0.0/8, 10.0.0.1-10.0.0.9, the same of IPv6; host bits are cut.  See FL_RANGE_WORDS. */
int flowlog__read_addresses(const char *p, size_t len, uint64_t range[5]);

/* "10." "10.1." "10.1.2.": what the text of addresses begins with, as a range. */
int flowlog__read_octets(const char *p, size_t len, uint64_t range[5]);

/* 90s 5m 2h 7d 2w as seconds. */
int flowlog__read_period(const char *p, size_t len, int64_t *seconds);

/*
 * 2024-01-31, 2024-01-31T10:30, 2024-01-31T10:30:05.5Z, ...+02:00; seconds since 1970; -2h before now, `now` itself
 * (0 also when now is 0).  UTC where there is no offset; fractions of a second are cut.
 */
int flowlog__read_time(const char *p, size_t len, int64_t now, int64_t *seconds);

#endif
