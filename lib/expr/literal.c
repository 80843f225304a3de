/* SPDX-License-Identifier: MIT */
/* literal.c - see literal.h. */
#include "expr/literal.h"

#include <string.h>

#include "core/calendar.h"
#include "core/decimal.h"
#include "expr/lex.h"
#include "flowlog/value.h"
#include "schema/ascii.h"

/* Digits at p[*at..]; *at goes behind them.  0: none, or more than 64 bits. */
static int digits(const char *p, size_t len, size_t *at, uint64_t *value)
{
    const size_t from = *at;
    uint64_t v = 0;
    for (; *at < len && fl_ascii_is_digit(p[*at]); ++*at) {
        const uint64_t digit = (uint64_t)(p[*at] - '0');
        if (v > (UINT64_MAX - digit) / 10) return 0;
        v = v * 10 + digit;
    }
    *value = v;
    return *at > from;
}

/* What K, M, G, T, Ki ... multiply with; 1 for nothing, 0 for anything else. */
static uint64_t suffix(const char *p, size_t len)
{
    static const char letters[] = "kmgt";
    if (!len) return 1;
    const char c = fl_ascii_lower(p[0]), *at = c ? strchr(letters, c) : NULL;
    if (!at || len > 2 || (len == 2 && fl_ascii_lower(p[1]) != 'i')) return 0;
    uint64_t unit = 1;
    for (const char *l = letters; l <= at; l++) unit *= len == 2 ? 1024 : 1000;
    return unit;
}

int flowlog__read_number(const char *p, size_t len, uint64_t *value)
{
    size_t at = 0;
    uint64_t v;
    if (!digits(p, len, &at, &v)) return 0;
    const uint64_t unit = suffix(p + at, len - at);
    if (!unit || v > UINT64_MAX / unit) return 0;
    *value = v * unit;
    return 1;
}

int flowlog__read_decimal(const char *p, size_t len, uint64_t *whole, uint32_t *billionths)
{
    size_t at = 0;
    uint64_t v, fraction = 0, scale = FL_BILLION;
    if (!digits(p, len, &at, &v)) return 0;
    if (at < len && p[at] == '.') {
        const size_t from = ++at;
        for (; at < len && fl_ascii_is_digit(p[at]); at++) {
            scale /= 10;
            if (!scale) return 0;
            fraction += (uint64_t)(p[at] - '0') * scale;
        }
        if (at == from) return 0;
    }
    const uint64_t unit = suffix(p + at, len - at);
    if (!unit || v > UINT64_MAX / unit) return 0;
    /* unit is at most 2^40, so that fraction * unit is cut in two to stay below 2^64. */
    const uint64_t upper = fraction / 1000 * unit, lower = fraction % 1000 * unit;
    const uint64_t millions = upper + lower / 1000;
    const uint64_t carry = millions / 1000000, rest = millions % 1000000 * 1000 + lower % 1000;
    if (v * unit > UINT64_MAX - carry) return 0;
    *whole = v * unit + carry;
    *billionths = (uint32_t)rest;
    return 1;
}

/* --- addresses ----------------------------------------------------------------------------------------------- */

static int read_one(const char *p, size_t len, uint64_t *family, uint64_t *high, uint64_t *low)
{
    flowlog_addr a;
    if (flowlog_addr_parse(p, len, &a) < 0) return 0;
    *family = a.family;
    *high = *low = 0;
    for (unsigned i = 0; i < (a.family == 4 ? 4u : 16u); i++) {
        *high = *high << 8 | *low >> 56;
        *low = *low << 8 | a.bytes[i];
    }
    return 1;
}

static int read_network(const char *p, size_t len, size_t slash, uint64_t r[5])
{
    size_t at = slash + 1;
    uint64_t bits;
    if (!read_one(p, slash, &r[0], &r[1], &r[2]) || !digits(p, len, &at, &bits) || at != len) return 0;
    if ((p[slash + 1] == '0' && len > slash + 2) || bits > (r[0] == 4 ? 32 : 128)) return 0;
    if (r[0] == 4) bits += 96;
    /* bits of the host in the high and in the low word */
    const uint64_t high = bits >= 64 ? 0 : UINT64_MAX >> bits;
    const uint64_t low = bits <= 64 ? UINT64_MAX : bits == 128 ? 0 : UINT64_MAX >> (bits - 64);
    r[1] &= ~high;
    r[2] &= ~low;
    r[3] = r[0] == 4 ? 0 : r[1] | high;
    r[4] = r[0] == 4 ? (r[2] | low) & UINT32_MAX : r[2] | low;
    return 1;
}

int flowlog__read_addresses(const char *p, size_t len, uint64_t r[5])
{
    const char *slash = len ? memchr(p, '/', len) : NULL, *hyphen = len ? memchr(p, '-', len) : NULL;
    if (slash) return read_network(p, len, (size_t)(slash - p), r);
    if (!hyphen) {
        if (!read_one(p, len, &r[0], &r[1], &r[2])) return 0;
        r[3] = r[1];
        r[4] = r[2];
        return 1;
    }
    uint64_t family;
    if (!read_one(p, (size_t)(hyphen - p), &r[0], &r[1], &r[2]) ||
        !read_one(hyphen + 1, len - (size_t)(hyphen + 1 - p), &family, &r[3], &r[4]))
        return 0;
    return family == r[0] && (r[1] < r[3] || (r[1] == r[3] && r[2] <= r[4]));
}

int flowlog__read_octets(const char *p, size_t len, uint64_t r[5])
{
    char text[24];
    unsigned dots = 0;
    if (!len || len > 12 || p[len - 1] != '.') return 0;
    for (size_t i = 0; i < len; i++) dots += p[i] == '.';
    if (dots > 3) return 0;
    memcpy(text, p, len);
    const char *rest = dots == 1 ? "0.0.0/8" : dots == 2 ? "0.0/16" : "0/24";
    const size_t more = strlen(rest);
    memcpy(text + len, rest, more);
    return flowlog__read_addresses(text, len + more, r);
}

/* --- times --------------------------------------------------------------------------------------------------- */

int flowlog__read_period(const char *p, size_t len, int64_t *seconds)
{
    size_t at = 0;
    uint64_t v;
    int64_t unit = 0;
    if (!digits(p, len, &at, &v) || len != at + 1) return 0;
    switch (fl_ascii_lower(p[at])) {
    case 's': unit = 1; break;
    case 'm': unit = 60; break;
    case 'h': unit = 3600; break;
    case 'd': unit = 86400; break;
    case 'w': unit = 7 * 86400; break;
    default: return 0;
    }
    if (v > (uint64_t)(INT64_MAX / 2 / unit)) return 0;
    *seconds = (int64_t)v * unit;
    return 1;
}

/* Exactly n digits, between low and high; then *at is behind them. */
static int field_of(const char *p, size_t len, size_t *at, size_t n, int low, int high, int *value)
{
    int v = 0;
    if (len - *at < n) return 0;
    for (size_t i = 0; i < n; i++) {
        if (!fl_ascii_is_digit(p[*at + i])) return 0;
        v = v * 10 + (p[*at + i] - '0');
    }
    *at += n;
    *value = v;
    return v >= low && v <= high;
}

static int sign_at(const char *p, size_t len, size_t *at, char c)
{
    if (*at >= len || p[*at] != c) return 0;
    ++*at;
    return 1;
}

/* What follows the time of day: nothing, Z, or an offset +02:00, +0200, +02. */
static int read_zone(const char *p, size_t len, size_t at, int64_t *offset)
{
    int hours, minutes = 0;
    *offset = 0;
    if (at == len) return 1;
    if (len - at == 1) return p[at] == 'Z' || p[at] == 'z';
    const int sign = p[at] == '-' ? -1 : p[at] == '+' ? 1 : 0;
    at++;
    if (!sign || !field_of(p, len, &at, 2, 0, 23, &hours)) return 0;
    if (at < len) {
        (void)sign_at(p, len, &at, ':');
        if (!field_of(p, len, &at, 2, 0, 59, &minutes) || at != len) return 0;
    }
    *offset = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
    return 1;
}

static int read_iso(const char *p, size_t len, int64_t *seconds)
{
    size_t at = 0;
    int year, month, day, hour = 0, minute = 0, second = 0;
    int64_t offset = 0;
    if (!field_of(p, len, &at, 4, 1, 9999, &year) || !sign_at(p, len, &at, '-') ||
        !field_of(p, len, &at, 2, 1, 12, &month) || !sign_at(p, len, &at, '-') ||
        !field_of(p, len, &at, 2, 1, flowlog__days_in(year, month), &day))
        return 0;
    if (at < len) {
        if (!sign_at(p, len, &at, 'T') && !sign_at(p, len, &at, 't') && !sign_at(p, len, &at, ' '))
            return 0;
        if (!field_of(p, len, &at, 2, 0, 23, &hour) || !sign_at(p, len, &at, ':') ||
            !field_of(p, len, &at, 2, 0, 59, &minute))
            return 0;
        if (sign_at(p, len, &at, ':')) {
            if (!field_of(p, len, &at, 2, 0, 60, &second)) return 0;
            if (sign_at(p, len, &at, '.')) {
                const size_t from = at;
                while (at < len && fl_ascii_is_digit(p[at])) at++;
                if (at == from) return 0;
            }
        }
        if (!read_zone(p, len, at, &offset)) return 0;
    }
    *seconds = flowlog__days_of(year, month, day) * 86400 + hour * INT64_C(3600) + minute * INT64_C(60) + second -
               offset;
    return 1;
}

int flowlog__read_time(const char *p, size_t len, int64_t now, int64_t *seconds)
{
    const size_t minus = len && p[0] == '-';
    size_t at = minus;
    int64_t period;
    uint64_t v;
    if (flowlog__word_is(p, len, "now")) {
        *seconds = now;
        return now != 0;
    }
    if (minus && flowlog__read_period(p + 1, len - 1, &period)) {
        if (!now || now < INT64_MIN / 2 + 1) return 0;
        *seconds = now - period;
        return 1;
    }
    if (digits(p, len, &at, &v) && at == len && v <= INT64_MAX) {
        *seconds = minus ? -(int64_t)v : (int64_t)v;
        return 1;
    }
    return read_iso(p, len, seconds);
}
