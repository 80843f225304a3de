/* SPDX-License-Identifier: MIT */
/*
 * core/calendar.h - the calendar of ISO 8601 (Gregorian, also before 1582) in UTC: days to dates and back, and parts
 * of a time.
 */
#ifndef FL_CORE_CALENDAR_H
#define FL_CORE_CALENDAR_H

#include <stdint.h>

#include "core/compiler.h"

enum { FL_DAY_SEC = 86400 };

/* The first second of the year 0 and the last one of 9999: beyond them years have no four digits. */
#define FL_YEARS_FIRST INT64_C(-62167219200)
#define FL_YEARS_LAST INT64_C(253402300799)

struct fl_date {
    uint32_t year, month, day;
};

/*
 * The date of day 0 .. 2^32 - 1, day 0 being 1 March of the year -400.  Years are counted from 1 March, so that the
 * leap day is the last of its year, and in eras of 400 years (146097 days), so that nothing is negative.  `year` is
 * meant for the years from 0 on.
 */
enum { FL_ERA_DAYS = 146097, FL_EPOCH_DAY = 719468 + FL_ERA_DAYS /* 1970-01-01 */ };
FL_INLINE struct fl_date fl_date_of(uint32_t days)
{
    const uint32_t era = days / FL_ERA_DAYS, of_era = days % FL_ERA_DAYS;
    const uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint32_t march_month = (5 * of_year + 2) / 153; /* 0 = March */
    struct fl_date d;
    d.day = of_year - (153 * march_month + 2) / 5 + 1;
    d.month = march_month < 10 ? march_month + 3 : march_month - 9;
    d.year = era * 400 + year_of_era + (d.month <= 2) - 400;
    return d;
}

/* Days from 1970-01-01 to a date of the years 1 to 9999. */
int64_t flowlog__days_of(int year, int month, int day);
int flowlog__days_in(int year, int month);

/* What can be asked of a time.  Each has a word in filters and keys. */
enum fl_part { FL_PART_MINUTE, FL_PART_HOUR, FL_PART_WEEKDAY, FL_PART_DAY, FL_PART_MONTH, FL_PART_YEAR, FL_PARTS };

struct fl_part_info {
    const char *word, *field; /* "weekday", and what SQL's EXTRACT calls it: "day_of_week" */
    uint32_t min, max;        /* its values */
};
const struct fl_part_info *flowlog__part_info(uint32_t part);

/*
 * The part of a time in seconds since 1970, any time: weekdays from 1, a Monday, to 7; a year below 0 is 0, one above
 * 9999 is 9999.
 */
uint32_t flowlog__part_of(uint32_t part, int64_t seconds);

/*
 * The same for many times, of which neighbours are mostly in one minute, hour or day: worked out once for each change.
 * Begins as {part}.
 */
struct fl_part_cache {
    uint32_t part, value;
    uint64_t begin, len; /* times in [begin, begin + len) have the value */
};
void flowlog__part_fill(struct fl_part_cache *c, int64_t seconds);
FL_INLINE uint32_t fl_part_at(struct fl_part_cache *c, int64_t seconds)
{
    if (FL_UNLIKELY((uint64_t)seconds - c->begin >= c->len)) flowlog__part_fill(c, seconds);
    return c->value;
}

#endif
