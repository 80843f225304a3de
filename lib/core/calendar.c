/* SPDX-License-Identifier: MIT */
/* calendar.c - see calendar.h. */
#include "core/calendar.h"

static int is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int64_t flowlog__days_of(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    const int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + before[month - 1] + (month > 2 && is_leap(year)) + day - 1 - 719162;
}

int flowlog__days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* --- parts of a time -------------------------------------------------------------------------------------- */

const struct fl_part_info *flowlog__part_info(uint32_t part)
{
    static const struct fl_part_info parts[FL_PARTS] = {
        [FL_PART_MINUTE] = {"minute", "minute", 0, 59}, [FL_PART_HOUR] = {"hour", "hour", 0, 23},
        [FL_PART_WEEKDAY] = {"weekday", "day_of_week", 1, 7}, [FL_PART_DAY] = {"day", "day", 1, 31},
        [FL_PART_MONTH] = {"month", "month", 1, 12}, [FL_PART_YEAR] = {"year", "year", 0, 9999},
    };
    return part < FL_PARTS ? &parts[part] : 0;
}

/* What is left of a time after whole units, below zero too. */
static uint32_t rest_of(int64_t seconds, int32_t unit)
{
    const int64_t rest = seconds % unit;
    return (uint32_t)(rest < 0 ? rest + unit : rest);
}

static uint32_t date_part(uint32_t part, int64_t seconds)
{
    const int64_t days = seconds / FL_DAY_SEC - (seconds % FL_DAY_SEC < 0);
    if (part == FL_PART_WEEKDAY) return (uint32_t)((days % 7 + 7 + 3) % 7) + 1; /* 1970-01-01 was a Thursday */
    if (part == FL_PART_YEAR && seconds < FL_YEARS_FIRST) return 0;
    if (part == FL_PART_YEAR && seconds > FL_YEARS_LAST) return 9999;
    /* months and days are the same in every era */
    const int near = seconds >= FL_YEARS_FIRST && seconds <= FL_YEARS_LAST;
    const struct fl_date d = fl_date_of((uint32_t)((near ? days : days % FL_ERA_DAYS) + FL_EPOCH_DAY));
    return part == FL_PART_YEAR ? d.year : part == FL_PART_MONTH ? d.month : d.day;
}

uint32_t flowlog__part_of(uint32_t part, int64_t seconds)
{
    if (part == FL_PART_MINUTE) return rest_of(seconds, 3600) / 60;
    if (part == FL_PART_HOUR) return rest_of(seconds, FL_DAY_SEC) / 3600;
    return date_part(part, seconds);
}

void flowlog__part_fill(struct fl_part_cache *c, int64_t seconds)
{
    const int32_t unit = c->part == FL_PART_MINUTE ? 60 : c->part == FL_PART_HOUR ? 3600 : FL_DAY_SEC;
    c->value = flowlog__part_of(c->part, seconds);
    c->begin = (uint64_t)seconds - rest_of(seconds, unit);
    c->len = (uint64_t)unit;
    /* where the first and the last unit of all times go beyond what numbers can say */
    if (seconds >= INT64_MIN + unit && seconds <= INT64_MAX - unit) return;
    c->begin = (uint64_t)seconds;
    c->len = 1;
}
