/* SPDX-License-Identifier: MIT */
/* core_calendar.c - dates and parts of times, against a calendar that counts day by day. */
#include <criterion/criterion.h>

#include "core/calendar.h"

TestSuite(calendar, .timeout = 30);

static int is_leap(int year) { return year % 400 == 0 || (year % 4 == 0 && year % 100 != 0); }

Test(calendar, days_and_dates_are_those_that_counting_gives)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = -719162; /* 0001-01-01, a Monday */
    uint32_t weekday = 1;
    for (int y = 1; y <= 9999; y++)
        for (int m = 1; m <= 12; m++) {
            const int last = days[m - 1] + (m == 2 && is_leap(y));
            cr_assert_eq(flowlog__days_in(y, m), last);
            for (int d = 1; d <= last; d++, day++, weekday = weekday % 7 + 1) {
                const struct fl_date date = fl_date_of((uint32_t)(day + FL_EPOCH_DAY));
                const int64_t t = day * 86400 + (day & 1 ? 0 : 86399);
                if (date.year != (uint32_t)y || date.month != (uint32_t)m || date.day != (uint32_t)d
                    || flowlog__days_of(y, m, d) != day || flowlog__part_of(FL_PART_YEAR, t) != (uint32_t)y
                    || flowlog__part_of(FL_PART_MONTH, t) != (uint32_t)m
                    || flowlog__part_of(FL_PART_DAY, t) != (uint32_t)d
                    || flowlog__part_of(FL_PART_WEEKDAY, t) != weekday)
                    cr_assert_fail("%04d-%02d-%02d", y, m, d);
            }
        }
    cr_expect_eq(flowlog__days_of(1970, 1, 1), 0);
}

Test(calendar, parts_are_rounded_down_below_zero_too)
{
    static const struct {
        int64_t t;
        uint32_t minute, hour, weekday, day, month, year;
    } rows[] = {
        {0, 0, 0, 4, 1, 1, 1970},
        {-1, 59, 23, 3, 31, 12, 1969},
        {1700000000, 13, 22, 2, 14, 11, 2023}, /* 2023-11-14T22:13:20Z */
        {951782399, 59, 23, 1, 28, 2, 2000},
        {951782400, 0, 0, 2, 29, 2, 2000},
        {FL_YEARS_FIRST, 0, 0, 6, 1, 1, 0},
        {FL_YEARS_FIRST - 1, 59, 23, 5, 31, 12, 0},
        {FL_YEARS_LAST, 59, 23, 5, 31, 12, 9999},
        {FL_YEARS_LAST + 1, 0, 0, 6, 1, 1, 9999},
        {INT64_MAX, 30, 15, 7, 4, 12, 9999}, /* 292277026596-12-04T15:30:07Z */
        {INT64_MIN, 29, 8, 7, 27, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint32_t wanted[FL_PARTS] = {[FL_PART_MINUTE] = rows[i].minute, [FL_PART_HOUR] = rows[i].hour,
                                           [FL_PART_WEEKDAY] = rows[i].weekday, [FL_PART_DAY] = rows[i].day,
                                           [FL_PART_MONTH] = rows[i].month, [FL_PART_YEAR] = rows[i].year};
        for (uint32_t p = 0; p < FL_PARTS; p++)
            cr_expect_eq(flowlog__part_of(p, rows[i].t), wanted[p], "row %zu, %s: %u", i, flowlog__part_info(p)->word,
                         (unsigned)flowlog__part_of(p, rows[i].t));
    }
}

Test(calendar, what_is_remembered_is_what_would_be_worked_out)
{
    static const int64_t around[] = {0, 1700000000, INT64_MIN, INT64_MAX, FL_YEARS_FIRST, FL_YEARS_LAST, -86400};
    uint64_t state = 88172645463325252u;
    for (uint32_t p = 0; p < FL_PARTS; p++) {
        struct fl_part_cache c = {.part = p};
        for (int i = 0; i < 200000; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            const int64_t base = around[state % 7], by = (int64_t)(state >> 32) % 200000 - 100000;
            const int early = by < 0 && base < INT64_MIN - by, late = by > 0 && base > INT64_MAX - by;
            const int64_t t = early ? INT64_MIN : late ? INT64_MAX : base + by;
            cr_assert_eq(fl_part_at(&c, t), flowlog__part_of(p, t), "%u of %lld", (unsigned)p, (long long)t);
        }
    }
    /* around every change of a unit, from either side */
    for (uint32_t p = 0; p < FL_PARTS; p++)
        for (int64_t change = 1699999200 - 7 * 86400; change <= 1699999200 + 86400; change += 60)
            for (int64_t from = change - 1; from <= change; from++)
                for (int64_t to = change - 61; to <= change + 60; to++) {
                    struct fl_part_cache c = {.part = p};
                    (void)fl_part_at(&c, from);
                    if (fl_part_at(&c, to) != flowlog__part_of(p, to))
                        cr_assert_fail("%u of %lld after %lld", (unsigned)p, (long long)to, (long long)from);
                }
    cr_expect_null(flowlog__part_info(FL_PARTS));
}
