/* SPDX-License-Identifier: MIT */
/* analyze_times.c - about what times something was there: against an array of seconds, in any order. */
#include <criterion/criterion.h>

#include "analyze/times.h"
#include "support/alloc_count.h"

TestSuite(analyze_times, .timeout = 30);

enum { SPAN = 200000, BASE = 1700000000 };

static uint32_t random_below(uint64_t *state, uint32_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32) % n;
}

static int same(const struct fl_times *a, const struct fl_times *b)
{
    return a->first == b->first && a->last == b->last && a->shift == b->shift &&
           !memcmp(a->bits, b->bits, 2048 / 8);
}

Test(analyze_times, what_is_kept_does_not_depend_on_the_order)
{
    struct test_alloc t;
    const flowlog_alloc alloc = test_alloc_init(&t, 0);
    uint64_t state = 88172645463325252u;
    for (unsigned round = 0; round < 60; round++) {
        const uint32_t span = round % 3 ? round % 3 == 1 ? 3000 : SPAN : 4000000000u;
        struct fl_times up = {0}, down = {0}, half[2] = {{0}, {0}};
        uint32_t first[40], last[40];
        for (unsigned i = 0; i < 40; i++) {
            first[i] = span > BASE ? random_below(&state, span) : BASE + random_below(&state, span);
            last[i] = first[i] + random_below(&state, 700);
        }
        for (unsigned i = 0; i < 40; i++) {
            cr_assert_eq(flowlog__times_add(&up, &alloc, first[i], last[i]), FLOWLOG_OK);
            cr_assert_eq(flowlog__times_add(&down, &alloc, first[39 - i], last[39 - i]), FLOWLOG_OK);
            cr_assert_eq(flowlog__times_add(&half[i % 3 == 0], &alloc, first[i], last[i]), FLOWLOG_OK);
        }
        cr_assert(same(&up, &down), "%u", round);
        cr_assert_eq(flowlog__times_merge(&half[round % 2], &alloc, &half[1 - round % 2]), FLOWLOG_OK);
        cr_assert(same(&up, &half[round % 2]), "%u", round);
        for (unsigned i = 0; i < 2000; i++) {
            const uint32_t cell = UINT32_C(1) << up.shift, from = first[i % 40] + random_below(&state, 9000) - 4500;
            const uint32_t to = from + random_below(&state, 300);
            int there = 0, next = 0;
            for (unsigned k = 0; k < 40; k++) {
                there |= from / cell <= last[k] / cell && first[k] / cell <= to / cell;
                const uint32_t a = from / cell + 1, b = to / cell > a ? to / cell : a;
                next |= a <= last[k] / cell && first[k] / cell <= b;
            }
            cr_assert_eq(flowlog__times_overlap(&up, from, to), there, "%u %u", from, to);
            cr_assert_eq(flowlog__times_after(&up, from, to - from), next, "%u %u", from, to);
        }
        flowlog__times_free(&up, &alloc);
        flowlog__times_free(&down, &alloc);
        flowlog__times_free(&half[0], &alloc);
        flowlog__times_free(&half[1], &alloc);
    }
    cr_assert_eq(t.live_bytes, 0);
}

Test(analyze_times, cells_are_as_small_as_they_can_be_and_the_ends_of_time_are_times)
{
    struct test_alloc t;
    const flowlog_alloc alloc = test_alloc_init(&t, 0);
    struct fl_times one = {0}, none = {0};
    cr_assert_eq(flowlog__times_merge(&one, &alloc, &none), FLOWLOG_OK);
    cr_assert(!flowlog__times_overlap(&one, 0, UINT32_MAX) && !flowlog__times_after(&one, 0, UINT32_MAX));
    cr_assert_eq(flowlog__times_add(&one, &alloc, 2048, 2048), FLOWLOG_OK);
    cr_assert_eq(flowlog__times_add(&one, &alloc, 2048 + 2047 * 16 + 15, 2048 + 2047 * 16 + 15), FLOWLOG_OK);
    cr_assert_eq(one.shift, 4);
    cr_assert(!flowlog__times_overlap(&one, 2064, 2047 * 16 + 2047) && !flowlog__times_after(&one, 2048, 16));
    cr_assert_eq(flowlog__times_add(&one, &alloc, 0, 0), FLOWLOG_OK);
    cr_assert_eq(one.shift, 5);
    cr_assert_eq(flowlog__times_add(&one, &alloc, UINT32_MAX, UINT32_MAX), FLOWLOG_OK);
    cr_assert_eq(one.shift, 21);
    cr_assert(flowlog__times_overlap(&one, UINT32_MAX, UINT32_MAX) && !flowlog__times_after(&one, UINT32_MAX, 60));
    cr_assert(flowlog__times_after(&one, UINT32_MAX - (1u << 21), 0));
    flowlog__times_free(&one, &alloc);

    struct test_alloc fails;
    const flowlog_alloc poor = test_alloc_init(&fails, 1);
    cr_assert_eq(flowlog__times_add(&one, &poor, 1, 2), FLOWLOG_E_MEMORY);
    cr_assert(!one.bits && !fails.live_bytes && !t.live_bytes);
}
