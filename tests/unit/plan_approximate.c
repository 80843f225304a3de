/* SPDX-License-Identifier: MIT */
/* Plans with more groups than they may hold: what flowlog_plan_approximate promises, through the public functions. */
#include "support/plan_ask.h"

TestSuite(approximate, .timeout = 60);

/* A stream in which key k comes about in proportion to 1 / k, and the truth about it. */
enum { STREAM = 30000, KEYS = 3000, KEPT = 128 };
static uint32_t draw_key(uint64_t *state)
{
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    uint32_t limit = KEYS;
    for (uint64_t bits = *state; bits & 1 && limit > 1; bits >>= 1) limit = limit / 3 + 1;
    return (uint32_t)(*state >> 32) % limit;
}

static void check_largest(const char *plan, int sums)
{
    static char cell[2 * STREAM][16];
    static const char *cells[2 * STREAM];
    static uint64_t truth[KEYS], seen[KEYS];
    uint64_t state = 88172645463325252u, total = 0, errors = 0;
    memset(truth, 0, sizeof truth);
    memset(seen, 0, sizeof seen);
    for (uint32_t r = 0; r < STREAM; r++) {
        const uint32_t key = draw_key(&state), bytes = (uint32_t)(state >> 20) % 100;
        sprintf(cell[2 * r], "10.0.%u.%u", (unsigned)key / 256, (unsigned)key % 256);
        sprintf(cell[2 * r + 1], "%u", (unsigned)bytes);
        cells[2 * r] = cell[2 * r];
        cells[2 * r + 1] = cell[2 * r + 1];
        truth[key] += sums ? bytes : 1;
        total += sums ? bytes : 1;
    }
    flowlog_plan *p = ask_plan(plan);
    flowlog_run *run = ask_run(p, cells, 2 * STREAM);
    flowlog_result *result = NULL;
    cr_assert_eq(flowlog_run_finish(run, &result, NULL), FLOWLOG_OK);
    cr_expect_leq(flowlog_result_rows(result), KEPT);
    uint64_t before = UINT64_MAX;
    for (uint64_t r = 0; r < flowlog_result_rows(result); r++) {
        flowlog_value key, value;
        flowlog_result_value(result, r, 0, &key);
        flowlog_result_value(result, r, 1, &value);
        const uint32_t k = (uint32_t)key.addr.bytes[2] * 256 + key.addr.bytes[3];
        const uint64_t error = flowlog_result_error(result, r);
        cr_expect(value.number <= before, "row %u: in order", (unsigned)r);
        cr_expect(value.number >= truth[k] && value.number - truth[k] <= error,
                  "key %u: %llu, truly %llu, at most %llu too large", (unsigned)k, (unsigned long long)value.number,
                  (unsigned long long)truth[k], (unsigned long long)error);
        cr_expect(error <= total / KEPT, "error %llu", (unsigned long long)error);
        seen[k] = 1;
        errors += error;
        before = value.number;
    }
    for (uint32_t k = 0; k < KEYS; k++)
        cr_expect(seen[k] || truth[k] <= total / KEPT, "key %u of %llu is not there", (unsigned)k,
                  (unsigned long long)truth[k]);
    cr_expect_gt(errors, 0, "nothing was estimated");
    flowlog_result_free(result);
    flowlog_run_free(run);
    flowlog_plan_free(p);
}

Test(approximate, the_largest_groups_are_there_within_the_error_that_is_told)
{
    check_largest("key srcaddr | select count as n, max(bytes) | sort n desc | max 128 | approximate", 0);
    check_largest("key srcaddr | select sum(bytes) as n | sort n desc | max 128 | approximate", 1);
}

Test(approximate, without_it_too_many_groups_are_an_error)
{
    static const char *const cells[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
    flowlog_plan *p = ask_plan("key srcaddr | select count as n | sort n desc | max 2");
    struct test_batch *b = ask_batch(p, cells, COUNT(cells));
    flowlog_run *run = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
    cr_expect_eq(flowlog_run_add(run, &b->batch, &err), FLOWLOG_E_LIMIT);
    flowlog_run_free(run);
    test_batch_free(b);
    flowlog_plan_free(p);
}

Test(approximate, an_order_that_does_not_begin_with_a_descending_count_or_sum_is_refused)
{
    static const char *const plans[] = {
        "key srcaddr | select count as n | max 2 | approximate", "key srcaddr | select count as n | sort n | max 2 | approximate",
        "key srcaddr | select count as n | sort srcaddr desc | max 2 | approximate",
        "key srcaddr | select max(bytes) as n | sort n desc | max 2 | approximate",
        "key srcaddr | select count * 2 as n | sort n desc | max 2 | approximate",
    };
    for (size_t i = 0; i < COUNT(plans); i++) {
        flowlog_plan *p = ask_plan(plans[i]);
        flowlog_run *run = NULL;
        cr_expect_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_E_ARGUMENT, "%s", plans[i]);
        flowlog_plan_free(p);
    }
}
