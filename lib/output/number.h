/* SPDX-License-Identifier: MIT */
/*
 * output/number.h - integers, addresses and times as text.
 *
 * Two digits at a time from a table, no printf: writing records is mostly writing numbers.  Every function
 * writes to a buffer that has room for its FL_*_TEXT bytes and returns how many it wrote, without a NUL.
 */
#ifndef FL_OUTPUT_NUMBER_H
#define FL_OUTPUT_NUMBER_H

#include <stdint.h>
#include <string.h>

#include "core/calendar.h"
#include "core/compiler.h"
#include "flowlog/value.h"

#define FL_U64_TEXT 20  /* 18446744073709551615 */
#define FL_I64_TEXT 20  /* -9223372036854775808 */
#define FL_TIME_TEXT 20 /* 2026-06-01T12:00:00Z, or an int64_t */

static const char fl_two_digits[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

FL_INLINE size_t fl_digits_u32(uint32_t v)
{
    if (v < 100000) return v < 100 ? (v < 10 ? 1 : 2) : v < 1000 ? 3 : v < 10000 ? 4 : 5;
    return v < 10000000 ? (v < 1000000 ? 6 : 7) : v < 100000000 ? 8 : v < 1000000000 ? 9 : 10;
}

/* Write the last `len` digits of v, zeros in front. */
FL_INLINE void fl_put_digits(char *out, size_t len, uint32_t v)
{
    while (len >= 2) {
        memcpy(out + (len -= 2), fl_two_digits + v % 100 * 2, 2);
        v /= 100;
    }
    if (len) *out = (char)('0' + v % 10);
}

FL_INLINE size_t fl_format_u32(char *out, uint32_t v)
{
    const size_t len = fl_digits_u32(v);
    fl_put_digits(out, len, v);
    return len;
}

/* At most 3 pieces: 2^64 - 1 has 20 digits. */
FL_INLINE size_t fl_format_u64(char *out, uint64_t v)
{
    if (FL_LIKELY(v <= UINT32_MAX)) return fl_format_u32(out, (uint32_t)v);
    const uint64_t high = v / 1000000000; /* at most 18446744073 */
    size_t len;
    if (high <= UINT32_MAX) {
        len = fl_format_u32(out, (uint32_t)high);
    } else {
        len = fl_format_u32(out, (uint32_t)(high / 1000000000));
        fl_put_digits(out + len, 9, (uint32_t)(high % 1000000000));
        len += 9;
    }
    fl_put_digits(out + len, 9, (uint32_t)(v % 1000000000));
    return len + 9;
}

FL_INLINE size_t fl_format_i64(char *out, int64_t v)
{
    if (v >= 0) return fl_format_u64(out, (uint64_t)v);
    *out = '-';
    return 1 + fl_format_u64(out + 1, 0 - (uint64_t)v);
}

/* address: 10.0.0.1 = 0x0A000001.  At most 15 bytes. */
FL_INLINE size_t fl_format_ipv4(char *out, uint32_t address)
{
    char *p = out;
    for (unsigned shift = 32; shift;) {
        const uint32_t octet = address >> (shift -= 8) & 255;
        if (octet >= 100) {
            *p++ = (char)('0' + octet / 100);
            memcpy(p, fl_two_digits + octet % 100 * 2, 2);
            p += 2;
        } else if (octet >= 10) {
            memcpy(p, fl_two_digits + octet * 2, 2);
            p += 2;
        } else {
            *p++ = (char)('0' + octet);
        }
        *p++ = '.';
    }
    return (size_t)(p - out) - 1;
}

FL_INLINE size_t fl_format_addr(char *out, const flowlog_addr *addr)
{
    const uint8_t *b = addr->bytes;
    if (addr->family == 4)
        return fl_format_ipv4(out,
                              (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]);
    return flowlog_addr_format(addr, out);
}

/* Seconds since 1970 as 2026-06-01T12:00:00Z; years outside 0 to 9999 as the number itself. */
static inline size_t fl_format_time(char *out, int64_t seconds)
{
    if (seconds < FL_YEARS_FIRST || seconds > FL_YEARS_LAST) return fl_format_i64(out, seconds);
    const uint64_t s = (uint64_t)(seconds + INT64_C(86400) * FL_EPOCH_DAY);
    const uint32_t day_sec = (uint32_t)(s % FL_DAY_SEC);
    const struct fl_date date = fl_date_of((uint32_t)(s / FL_DAY_SEC));
    fl_put_digits(out, 4, date.year);
    out[4] = '-';
    fl_put_digits(out + 5, 2, date.month);
    out[7] = '-';
    fl_put_digits(out + 8, 2, date.day);
    out[10] = 'T';
    fl_put_digits(out + 11, 2, day_sec / 3600);
    out[13] = ':';
    fl_put_digits(out + 14, 2, day_sec / 60 % 60);
    out[16] = ':';
    fl_put_digits(out + 17, 2, day_sec % 60);
    out[19] = 'Z';
    return FL_TIME_TEXT;
}

#endif
