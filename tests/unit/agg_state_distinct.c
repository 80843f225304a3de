/* SPDX-License-Identifier: MIT */
/* Different values: exact up to the limit and not beyond, and how good the estimate is from there on. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "agg/state.h"
#include "core/alloc.h"
#include "core/bytes.h"
#include "core/hash.h"
#include "flowlog/plan.h"
#include "support/alloc_count.h"

TestSuite(distinct, .timeout = 120);

enum { PIECE = 4096, REGISTERS = 16384 };

/* One record, and a column of numbers to fill it from. */
struct one {
    struct fl_pool pool;
    uint64_t words[4]; /* record 0, which no group has, and record 2 */
};

static const struct fl_agg agg = {.kind = FLOWLOG_AGG_DISTINCT, .column = 0, .type = FLOWLOG_TYPE_U64};

/* 1: numbers are given as U32, and sets of them are narrow. */
static int is_u32;

static void one_init(struct one *o, const flowlog_alloc *a)
{
    memset(o, 0, sizeof *o);
    flowlog__pool_init(&o->pool, a);
}

static flowlog_status one_add(struct one *o, const uint64_t *values, uint32_t n)
{
    static uint64_t validity[PIECE / 64];
    static size_t at[PIECE];
    memset(validity, 0xFF, sizeof validity);
    static uint32_t narrow[PIECE];
    for (uint32_t i = 0; i < n; i++) at[i] = 2;
    for (uint32_t i = 0; i < n; i++) narrow[i] = (uint32_t)values[i];
    const flowlog_column column = {.type = is_u32 ? FLOWLOG_TYPE_U32 : FLOWLOG_TYPE_U64, .present = 1,
                                   .validity = validity, .values = is_u32 ? (const void *)narrow : values};
    const flowlog_batch batch = {.rows = n, .columns = 1, .column = &column};
    const struct fl_update u = {&batch, NULL, 0, n, o->words, at, &o->pool};
    flowlog_status status = FLOWLOG_OK;
    cr_assert(flowlog__agg_op(FLOWLOG_AGG_DISTINCT)->update(&u, &agg, &status) == n || status < 0);
    return status;
}

/* Values first, first + step, ... */
static void one_add_range(struct one *o, uint64_t first, uint64_t step, uint64_t n)
{
    static uint64_t values[PIECE];
    for (uint64_t done = 0; done < n;) {
        uint32_t k = 0;
        for (; k < PIECE && done < n; k++, done++) values[k] = first + done * step;
        cr_assert_eq(one_add(o, values, k), FLOWLOG_OK);
    }
}

static uint64_t one_count(const struct one *o, int *estimated)
{
    flowlog_value v;
    *estimated = flowlog__agg_op(FLOWLOG_AGG_DISTINCT)->finish(&agg, &o->pool, o->words + 2, &v);
    cr_assert(v.type == FLOWLOG_TYPE_U64 && !v.is_null);
    return v.number;
}

static void expect_limit(void)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct one o;
    one_init(&o, &a);
    int estimated;
    for (uint64_t n = 1; n <= FLOWLOG_DISTINCT_EXACT; n++) {
        const uint64_t zero = is_u32 ? 0 : UINT64_MAX; /* what no slot can hold */
        const uint64_t first = n == 7 ? zero : n;
        one_add_range(&o, first, 0, 2);
        cr_assert_eq(one_count(&o, &estimated), n);
        cr_assert_eq(estimated, 0);
    }
    one_add_range(&o, 8, 1, FLOWLOG_DISTINCT_EXACT - 8);
    one_add_range(&o, is_u32 ? 0 : UINT64_MAX, 0, 3);
    cr_expect_eq(one_count(&o, &estimated), FLOWLOG_DISTINCT_EXACT);
    cr_expect_eq(estimated, 0, "all were known");
    one_add_range(&o, 7, 0, 1);
    const uint64_t n = one_count(&o, &estimated);
    cr_expect_eq(estimated, 1);
    cr_expect(n > 4097 - 110 && n < 4097 + 110, "%d", (int)n);
    flowlog__pool_free(&o.pool);
    cr_expect(t.live_bytes == 0 && t.wrong_lengths == 0);
}

Test(distinct, is_exact_up_to_its_limit_and_an_estimate_from_one_more_on)
{
    for (is_u32 = 0; is_u32 < 2; is_u32++) expect_limit();
}

/* Standard deviation 0.81 % (plan.h), and next to no bias, wherever the values lie. */
Test(distinct, estimates_within_their_standard_error)
{
    static const struct {
        uint64_t n;
        int trials;
    } rows[] = {{4097, 200}, {5000, 200}, {10000, 200}, {20000, 150},
                {40000, 100}, {60000, 80}, {100000, 60}, {1000000, 12}};
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const int64_t n = (int64_t)rows[r].n;
        int64_t sum = 0, squares = 0, worst = 0; /* of errors in parts per million */
        for (int trial = 0; trial < rows[r].trials; trial++) {
            struct one o;
            int estimated;
            one_init(&o, &a);
            /* Runs of neighbours, multiples, and numbers that look like nothing. */
            const uint64_t first = fl_hash_u64((uint64_t)trial << 32 | r);
            const uint64_t step = trial % 3 == 0 ? 1 : trial % 3 == 1 ? 256 : first | 1;
            one_add_range(&o, trial % 3 ? first : first >> 40, step, rows[r].n);
            const int64_t error = ((int64_t)one_count(&o, &estimated) - n) * 1000000 / n;
            cr_assert_eq(estimated, 1);
            sum += error;
            squares += error * error;
            if (error * error > worst * worst) worst = error;
            flowlog__pool_free(&o.pool);
        }
        const int64_t bias = sum / rows[r].trials, variance = squares / rows[r].trials;
        cr_expect_lt(variance, (int64_t)8125 * 8125 * 5 / 4, "%d: %d", (int)n, (int)variance);
        cr_expect_lt(bias * bias * rows[r].trials, (int64_t)8125 * 8125 * 9, "within 3 of its own standard error");
        cr_expect(worst < 35000 && worst > -35000, "%d", (int)worst);
    }
}

static void save(const struct one *o, struct fl_bytes *out)
{
    out->len = 0;
    flowlog__agg_op(FLOWLOG_AGG_DISTINCT)->save(&agg, &o->pool, o->words + 2, out);
    cr_assert(!out->failed);
}

static flowlog_status merge(struct one *o, const struct one *from)
{
    return flowlog__agg_op(FLOWLOG_AGG_DISTINCT)->merge(&agg, &o->pool, o->words + 2, &from->pool, from->words + 2);
}

/* Sets of a and b values of which `both` are the same, on both sides of the limit. */
Test(distinct, merges_to_what_all_values_together_are)
{
    static const struct {
        uint64_t a, b, both;
    } rows[] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 1, 1}, {1, 1, 0}, {6, 1, 0}, {6, 6, 6}, {6, 7, 5},
                {2048, 2048, 0}, {2048, 2049, 1}, {2048, 2049, 0}, {4096, 4096, 4096}, {4096, 1, 0}, {4096, 1, 1},
                {1, 4096, 0}, {4096, 4096, 4095}, {5000, 10, 0}, {10, 5000, 10}, {5000, 6000, 3000}, {3, 40000, 1}};
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    /* Which of both are sets of U32, and whether the values are from 1 on or have the one that no slot can hold. */
    for (size_t r = 0; r < 8 * sizeof rows / sizeof rows[0]; r++) {
        const int x_narrow = r & 1, y_narrow = r >> 1 & 1;
        const uint64_t na = rows[r / 8].a, nb = rows[r / 8].b, both = rows[r / 8].both;
        const uint64_t first = !(r & 4) ? 1 : x_narrow || y_narrow ? 0 : UINT64_MAX - both / 2;
        struct one x, y, all, back;
        one_init(&x, &a);
        one_init(&y, &a);
        one_init(&all, &a);
        one_init(&back, &a);
        is_u32 = x_narrow;
        one_add_range(&x, first, 1, na);
        is_u32 = y_narrow;
        one_add_range(&y, first + na - both, 1, nb);
        is_u32 = 0;
        one_add_range(&all, first, 1, na + nb - both);
        cr_assert_eq(merge(&x, &y), FLOWLOG_OK);
        struct fl_bytes got, expected;
        flowlog__bytes_init(&got, &a);
        flowlog__bytes_init(&expected, &a);
        save(&x, &got);
        save(&all, &expected);
        cr_assert(got.len == expected.len && !memcmp(got.p, expected.p, got.len), "row %zu", r);
        struct fl_cursor in = {got.p, got.len, 0, 0};
        cr_assert_eq(flowlog__agg_op(FLOWLOG_AGG_DISTINCT)->load(&agg, &back.pool, back.words + 2, &in), FLOWLOG_OK);
        int estimated;
        const uint64_t n = one_count(&back, &estimated);
        cr_assert_eq(estimated, na + nb - both > FLOWLOG_DISTINCT_EXACT, "row %zu", r);
        if (!estimated) cr_assert_eq(n, na + nb - both);
        save(&back, &got);
        cr_assert(got.len == expected.len && !memcmp(got.p, expected.p, got.len), "row %zu", r);
        flowlog__agg_op(FLOWLOG_AGG_DISTINCT)->clear(&agg, &back.pool, back.words + 2);
        cr_assert(!back.words[2] && !back.words[3]);
        flowlog__bytes_free(&got);
        flowlog__bytes_free(&expected);
        flowlog__pool_free(&x.pool);
        flowlog__pool_free(&y.pool);
        flowlog__pool_free(&all.pool);
        flowlog__pool_free(&back.pool);
    }
}

/* Registers as a partial may bring them: nothing is too small or too large to be estimated. */
Test(distinct, estimates_whatever_registers_there_are)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    static uint8_t bytes[2 + REGISTERS];
    static const struct {
        uint8_t first, others, status;
        uint64_t least, most;
    } rows[] = {{0, 0, 1, 0, 0}, {52, 0, 1, 0, 0}, {0, 255, 1, 0, 0}, {1, 0, 0, 1, 1}, {51, 0, 0, 1, 1},
                {1, 1, 0, 23000, 24000}, {0, 1, 0, 23000, 24000}, {10, 10, 0, 12000000, 12200000},
                {51, 51, 0, UINT64_MAX, UINT64_MAX}, {50, 50, 0, UINT64_C(1) << 63, UINT64_MAX},
                {40, 40, 0, UINT64_C(12900000000000000), UINT64_C(13100000000000000)}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        memset(bytes, rows[r].others, sizeof bytes);
        bytes[0] = 0x81; /* 4097 */
        bytes[1] = 0x20;
        bytes[2] = rows[r].first;
        struct one o;
        one_init(&o, &a);
        struct fl_cursor in = {bytes, sizeof bytes, 0, 0};
        const flowlog_status status = flowlog__agg_op(FLOWLOG_AGG_DISTINCT)->load(&agg, &o.pool, o.words + 2, &in);
        cr_expect_eq(status, rows[r].status ? FLOWLOG_E_CORRUPT : FLOWLOG_OK, "row %zu", r);
        if (status == FLOWLOG_OK) {
            int estimated;
            const uint64_t n = one_count(&o, &estimated);
            cr_expect(estimated && n >= rows[r].least && n <= rows[r].most, "row %zu: %llu", r, (unsigned long long)n);
        }
        flowlog__pool_free(&o.pool);
    }
}

Test(distinct, loads_only_what_is_in_order_and_once)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    static const struct {
        uint64_t count, values[3];
        flowlog_status status;
    } rows[] = {{0, {0}, FLOWLOG_OK}, {3, {0, 1, UINT64_MAX}, FLOWLOG_OK}, {2, {1, 1}, FLOWLOG_E_CORRUPT},
                {2, {0, 0}, FLOWLOG_E_CORRUPT}, {3, {5, 4, 6}, FLOWLOG_E_CORRUPT}, {4, {1, 2, 3}, FLOWLOG_E_CORRUPT},
                {4098, {1}, FLOWLOG_E_CORRUPT}, {UINT64_MAX, {1}, FLOWLOG_E_CORRUPT}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct one o;
        struct fl_bytes b;
        one_init(&o, &a);
        flowlog__bytes_init(&b, &a);
        flowlog__bytes_put_varint(&b, rows[r].count);
        for (size_t i = 0; i < 3 && i < rows[r].count; i++) flowlog__bytes_put_u64(&b, rows[r].values[i]);
        struct fl_cursor in = {b.p, b.len, 0, 0};
        cr_expect_eq(flowlog__agg_op(FLOWLOG_AGG_DISTINCT)->load(&agg, &o.pool, o.words + 2, &in), rows[r].status,
                     "row %zu", r);
        flowlog__bytes_free(&b);
        flowlog__pool_free(&o.pool);
    }
}

/* Every allocation on the way to registers fails once: what was there is there, and the value can be added again. */
Test(distinct, survives_memory_that_runs_out)
{
    static uint64_t value[1];
    for (size_t fail = 1; fail < 12; fail++) {
        is_u32 = (int)(fail & 1);
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail);
        struct one o;
        int failures = 0, estimated;
        one_init(&o, &a);
        for (value[0] = 1; value[0] <= FLOWLOG_DISTINCT_EXACT + 1; value[0]++) {
            const flowlog_status status = one_add(&o, value, 1);
            if (status < 0) {
                cr_assert_eq(status, FLOWLOG_E_MEMORY);
                cr_assert_eq(one_count(&o, &estimated), value[0] - 1);
                failures++;
                cr_assert_eq(one_add(&o, value, 1), FLOWLOG_OK);
            }
        }
        cr_expect_leq(failures, 1);
        if (fail < 8) cr_expect_eq(failures, 1, "request %zu", fail);
        one_count(&o, &estimated);
        cr_expect_eq(estimated, 1);
        flowlog__pool_free(&o.pool);
        cr_expect(t.live_bytes == 0 && t.wrong_lengths == 0);
    }
}

/* Addresses of both families, tokens and text have values of their own. */
Test(distinct, tells_an_ipv4_address_from_the_same_number_in_ipv6)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    enum { N = 64 };
    static uint32_t v4[N];
    static uint8_t family[N], wide[N][16];
    static size_t at[N];
    uint64_t validity[1] = {UINT64_MAX};
    for (uint32_t i = 0; i < N; i++) {
        at[i] = 2;
        family[i] = i % 2 ? 6 : 4;
        v4[i] = i % 2 ? 0 : i / 4;
        wide[i][15] = (uint8_t)(i / 4);
    }
    const struct fl_agg of_addresses = {.kind = FLOWLOG_AGG_DISTINCT, .column = 0, .type = FLOWLOG_TYPE_ADDR};
    const flowlog_column column = {.type = FLOWLOG_TYPE_ADDR, .present = 1, .validity = validity, .values = v4,
                                   .family = family, .wide = (const uint8_t(*)[16])wide};
    const flowlog_batch batch = {.rows = N, .columns = 1, .column = &column};
    struct one o;
    one_init(&o, &a);
    const struct fl_update u = {&batch, NULL, 0, N, o.words, at, &o.pool};
    flowlog_status status = FLOWLOG_OK;
    cr_assert_eq(flowlog__agg_op(FLOWLOG_AGG_DISTINCT)->update(&u, &of_addresses, &status), N);
    int estimated;
    cr_expect_eq(one_count(&o, &estimated), N / 2);
    flowlog__pool_free(&o.pool);
}
