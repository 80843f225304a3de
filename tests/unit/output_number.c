/* SPDX-License-Identifier: MIT */
/* Integers, addresses, shares and times as text: equal to what printf and the calendar say. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flowlog/write.h"
#include "output/number.h"
#include "output/writer.h"

TestSuite(number, .timeout = 20);

static void same_u64(uint64_t v)
{
    char got[32], want[32];
    got[fl_format_u64(got, v)] = '\0';
    snprintf(want, sizeof want, "%" PRIu64, v);
    cr_expect_str_eq(got, want);
}

Test(number, integers_around_every_power_of_ten_and_two)
{
    for (uint64_t p = 1;; p *= 10) {
        same_u64(p - 1);
        same_u64(p);
        same_u64(p + 1);
        same_u64(p * 9 + 5 > p ? p * 9 + 5 : p);
        if (p > UINT64_MAX / 10) break;
    }
    for (unsigned i = 0; i < 64; i++) {
        same_u64((UINT64_C(1) << i) - 1);
        same_u64(UINT64_C(1) << i);
    }
    same_u64(UINT64_MAX);
    same_u64(UINT64_MAX - 1);
    same_u64(UINT64_C(4294967296999999999));
    same_u64(UINT64_C(4294967295999999999));
    same_u64(UINT64_C(4294967296000000000));
    same_u64(UINT64_C(10000000000000000000));
}

Test(number, integers_of_a_walk_through_64_bits)
{
    uint64_t x = 1;
    for (int i = 0; i < 20000; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        same_u64(x >> (i % 64));
    }
}

Test(number, signed_integers_at_their_ends)
{
    const int64_t values[] = {0, -1, 1, INT64_MIN, INT64_MAX, -1000000000, INT64_C(-4294967296)};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char got[32], want[32];
        got[fl_format_i64(got, values[i])] = '\0';
        snprintf(want, sizeof want, "%" PRId64, values[i]);
        cr_expect_str_eq(got, want);
    }
}

Test(number, ipv4_addresses_with_every_octet_at_every_place)
{
    for (uint32_t octet = 0; octet < 256; octet++)
        for (unsigned place = 0; place < 4; place++) {
            const uint32_t a = UINT32_C(0x0A63C807) ^ octet << 8 * place;
            char got[32], want[32];
            got[fl_format_ipv4(got, a)] = '\0';
            snprintf(want, sizeof want, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
            cr_expect_str_eq(got, want);
        }
}

Test(number, a_share_is_a_fraction_without_trailing_zeros)
{
    static const struct {
        uint64_t number;
        const char *text;
    } rows[] = {{0, "0"},           {1000000000, "1"},          {125000000, "0.125"},
                {1, "0.000000001"}, {999999999, "0.999999999"}, {500000000, "0.5"},
                {10000000, "0.01"}, {1500000000, "1.5"},        {UINT64_MAX, "18446744073.709551615"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[40];
        got[flowlog__format_share(got, rows[i].number)] = '\0';
        cr_expect_str_eq(got, rows[i].text, "row %zu: %s", i, got);
    }
}

Test(number, times_of_known_dates)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {{0, "1970-01-01T00:00:00Z"},
                {951782400, "2000-02-29T00:00:00Z"},
                {951868799, "2000-02-29T23:59:59Z"},
                {951868800, "2000-03-01T00:00:00Z"},
                {1772366400, "2026-03-01T12:00:00Z"},
                {4107542400, "2100-03-01T00:00:00Z"},
                {4107542399, "2100-02-28T23:59:59Z"},
                {-1, "1969-12-31T23:59:59Z"},
                {INT64_C(-62167219200), "0000-01-01T00:00:00Z"},
                {INT64_C(-62167219201), "-62167219201"},
                {INT64_C(253402300799), "9999-12-31T23:59:59Z"},
                {INT64_C(253402300800), "253402300800"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[FLOWLOG_TIME_TEXT_MAX];
        cr_expect_eq(flowlog_time_format(rows[i].seconds, got), strlen(rows[i].text));
        cr_expect_str_eq(got, rows[i].text, "row %zu: %s", i, got);
    }
}

/* A calendar that goes day by day, over 2000 years. */
Test(number, every_day_of_two_thousand_years)
{
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = -719528; /* 0000-01-01 */
    for (unsigned year = 0; year < 2400; year++)
        for (unsigned month = 0; month < 12; month++) {
            const int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            const unsigned days = lengths[month] + (month == 1 && leap);
            for (unsigned d = 1; d <= days; d++, day++) {
                char got[FLOWLOG_TIME_TEXT_MAX], want[40];
                flowlog_time_format(day * 86400 + 86399, got);
                snprintf(want, sizeof want, "%04u-%02u-%02uT23:59:59Z", year, month + 1, d);
                cr_assert_str_eq(got, want);
            }
        }
}
