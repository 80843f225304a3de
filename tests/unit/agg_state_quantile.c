/* SPDX-License-Identifier: MIT */
/* Quantiles against sorted arrays: exact below 256, at most 1 part in 256 wrong above, at every border of a bucket. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "agg/state.h"
#include "core/alloc.h"
#include "core/bytes.h"
#include "core/hash.h"
#include "flowlog/plan.h"

TestSuite(quantile, .timeout = 60);

enum { PIECE = 64, MOST = 60000 };

struct one {
    struct fl_pool pool;
    uint64_t words[4]; /* record 0, which no group has, and record 2 */
};

static struct fl_agg agg_of(uint32_t type, uint32_t quantile)
{
    return (struct fl_agg){.kind = FLOWLOG_AGG_QUANTILE, .type = (uint8_t)type, .quantile = quantile};
}

static void one_init(struct one *o)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    memset(o, 0, sizeof *o);
    flowlog__pool_init(&o->pool, &a);
}

/* Of U64 and TIME. */
static flowlog_status one_add(struct one *o, uint32_t type, const uint64_t *values, size_t n)
{
    static const uint64_t validity[PIECE / 64] = {UINT64_MAX};
    static size_t at[PIECE];
    flowlog_status status = FLOWLOG_OK;
    const struct fl_agg agg = agg_of(type, 1);
    for (uint32_t i = 0; i < PIECE; i++) at[i] = 2;
    for (size_t from = 0; from < n && status == FLOWLOG_OK; from += PIECE) {
        const uint32_t rows = n - from < PIECE ? (uint32_t)(n - from) : PIECE;
        const flowlog_column column = {.type = (uint8_t)type, .present = 1, .validity = validity,
                                       .values = values + from};
        const flowlog_batch batch = {.rows = rows, .columns = 1, .column = &column};
        const struct fl_update u = {&batch, NULL, 0, rows, o->words, at, &o->pool};
        flowlog__agg_op(FLOWLOG_AGG_QUANTILE)->update(&u, &agg, &status);
    }
    return status;
}

static uint64_t one_value(const struct one *o, uint32_t type, uint32_t quantile)
{
    const struct fl_agg agg = agg_of(type, quantile);
    flowlog_value v;
    cr_assert_eq(flowlog__agg_op(FLOWLOG_AGG_QUANTILE)->finish(&agg, &o->pool, o->words + 2, &v), 0);
    cr_assert(v.type == type && !v.is_null);
    return v.number;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* |value - truth| * 256 <= |truth|, and none at all below 256. */
static int is_near(uint64_t value, uint64_t truth, uint32_t type)
{
    if (type == FLOWLOG_TYPE_TIME && (int64_t)truth < 0) {
        value = 0 - value;
        truth = 0 - truth;
    }
    const uint64_t error = value > truth ? value - truth : truth - value;
    return truth < FLOWLOG_QUANTILE_ERROR ? !error : error <= truth / FLOWLOG_QUANTILE_ERROR;
}

Test(quantile, of_one_value_is_within_its_bound_at_every_border)
{
    static const uint32_t of_types[] = {FLOWLOG_TYPE_U64, FLOWLOG_TYPE_TIME};
    for (unsigned bit = 0; bit < 64; bit++)
        for (uint64_t part = 0; part < 128; part++)
            for (int beside = -1; beside <= 1; beside++)
                for (int k = 0; k < 3; k++) {
                    uint64_t v = (UINT64_C(1) << bit) + (bit >= 7 ? part << (bit - 7) : 0) + (uint64_t)(int64_t)beside;
                    if (k == 2) v = 0 - v;
                    if (bit < 7 && part) continue;
                    struct one o;
                    one_init(&o);
                    const uint32_t type = of_types[k != 0];
                    cr_assert_eq(one_add(&o, type, &v, 1), FLOWLOG_OK);
                    cr_assert(is_near(one_value(&o, type, 50000), v, type), "%llu", (unsigned long long)v);
                    flowlog__pool_free(&o.pool);
                }
}

/* Small and large numbers, some often. */
static uint64_t value_of(uint64_t i, uint64_t shape)
{
    const uint64_t r = fl_hash_u64(i + shape * 1000003);
    switch (shape) {
    case 0: return r % 300;
    case 1: return r >> (r & 63);
    case 2: return 40 + r % 1461;
    case 3: return UINT64_C(1700000000) + r % 86400;
    default: return i * i;
    }
}

Test(quantile, of_many_values_is_within_its_bound_at_every_rank)
{
    static const uint32_t quantiles[] = {1,     500,   1000,  5000,  25000, 33333, 50000, 66667,
                                         75000, 90000, 95000, 99000, 99900, 99999, 100000};
    static const size_t counts[] = {1, 2, 3, 10, 99, 100, 101, 1000, 4097, MOST};
    static uint64_t values[MOST];
    for (uint64_t shape = 0; shape < 5; shape++)
        for (int is_time = 0; is_time < 2; is_time++)
            for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
                const size_t n = counts[c];
                const uint32_t type = is_time ? FLOWLOG_TYPE_TIME : FLOWLOG_TYPE_U64;
                struct one o;
                one_init(&o);
                for (size_t i = 0; i < n; i++) values[i] = value_of(i, shape) - (is_time ? value_of(i * 3, shape) : 0);
                cr_assert_eq(one_add(&o, type, values, n), FLOWLOG_OK);
                qsort(values, n, sizeof *values, is_time ? by_time : by_value);
                for (size_t q = 0; q < sizeof quantiles / sizeof quantiles[0]; q++) {
                    const size_t rank = (n * quantiles[q] + 99999) / 100000;
                    const uint64_t v = one_value(&o, type, quantiles[q]);
                    cr_assert(is_near(v, values[rank - 1], type), "shape %d n %zu q %u: %lld, not %lld", (int)shape, n,
                              (unsigned)quantiles[q], (long long)v, (long long)values[rank - 1]);
                }
                flowlog__pool_free(&o.pool);
            }
}

static flowlog_status load(struct one *o, uint32_t type, const uint64_t *slots, uint64_t count)
{
    struct fl_bytes b;
    const struct fl_agg agg = agg_of(type, 50000);
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    flowlog__bytes_init(&b, &a);
    flowlog__bytes_put_varint(&b, count);
    for (uint64_t i = 0; i < count; i++) flowlog__bytes_put_u64(&b, slots[i]);
    struct fl_cursor in = {b.p, b.len, 0, 0};
    const flowlog_status status = flowlog__agg_op(FLOWLOG_AGG_QUANTILE)->load(&agg, &o->pool, o->words + 2, &in);
    flowlog__bytes_free(&b);
    return status;
}

Test(quantile, loads_buckets_that_a_value_of_its_type_can_be_in)
{
    enum { U32 = FLOWLOG_TYPE_U32, U64 = FLOWLOG_TYPE_U64, TIME = FLOWLOG_TYPE_TIME };
    static const struct {
        uint32_t type;
        uint64_t key, key2; /* 0: one only */
        uint64_t count;
        flowlog_status status;
    } rows[] = {{U64, 1, 0, 1, FLOWLOG_OK}, {U64, 7424, 0, 1, FLOWLOG_OK}, {U64, 7425, 0, 1, FLOWLOG_E_CORRUPT},
                {U64, 0, 0, 1, FLOWLOG_E_CORRUPT}, {U64, 5, 5, 1, FLOWLOG_E_CORRUPT}, {U64, 5, 4, 1, FLOWLOG_E_CORRUPT},
                {U64, 5, 6, 1, FLOWLOG_OK}, {U64, 5, 0, 0, FLOWLOG_E_CORRUPT},
                {U32, 3328, 0, 1, FLOWLOG_OK}, {U32, 3329, 0, 1, FLOWLOG_E_CORRUPT},
                {TIME, 129, 0, 1, FLOWLOG_OK}, {TIME, 128, 0, 1, FLOWLOG_E_CORRUPT},
                {TIME, 14720, 0, 1, FLOWLOG_OK}, {TIME, 14721, 0, 1, FLOWLOG_E_CORRUPT},
                {U64, 65535, 0, 1, FLOWLOG_E_CORRUPT}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct one o;
        one_init(&o);
        const uint64_t slots[] = {rows[r].key << 48 | rows[r].count, rows[r].key2 << 48 | 1};
        cr_expect_eq(load(&o, rows[r].type, slots, rows[r].key2 ? 2 : 1), rows[r].status, "row %zu", r);
        flowlog__pool_free(&o.pool);
    }
    struct one o;
    one_init(&o);
    cr_expect_eq(load(&o, U64, NULL, 0), FLOWLOG_OK);
    flowlog__pool_free(&o.pool);
}

/* The ends of what each type can hold are buckets that load accepts: the borders above are the true ones. */
Test(quantile, the_ends_of_every_type_are_saved_and_loaded)
{
    static const uint64_t ends[] = {0, UINT64_MAX, (uint64_t)INT64_MAX, UINT64_C(1) << 63};
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    for (uint32_t type = FLOWLOG_TYPE_U64; type <= FLOWLOG_TYPE_TIME; type++) {
        const struct fl_agg agg = agg_of(type, 50000);
        struct one o, back;
        struct fl_bytes b;
        one_init(&o);
        one_init(&back);
        flowlog__bytes_init(&b, &a);
        cr_assert_eq(one_add(&o, type, ends, 4), FLOWLOG_OK);
        flowlog__agg_op(FLOWLOG_AGG_QUANTILE)->save(&agg, &o.pool, o.words + 2, &b);
        struct fl_cursor in = {b.p, b.len, 0, 0};
        cr_expect_eq(flowlog__agg_op(FLOWLOG_AGG_QUANTILE)->load(&agg, &back.pool, back.words + 2, &in), FLOWLOG_OK);
        cr_expect_eq(in.at, b.len);
        flowlog__bytes_free(&b);
        flowlog__pool_free(&o.pool);
        flowlog__pool_free(&back.pool);
    }
}

Test(quantile, a_bucket_that_is_full_is_an_overflow_and_stays)
{
    const uint64_t five = 5, full = UINT64_C(6) << 48 | ((UINT64_C(1) << 48) - 1), six[] = {6};
    struct one o, other;
    one_init(&o);
    one_init(&other);
    cr_assert_eq(load(&o, FLOWLOG_TYPE_U64, &full, 1), FLOWLOG_OK);
    cr_assert_eq(one_value(&o, FLOWLOG_TYPE_U64, 50000), 5);
    cr_expect_eq(one_add(&o, FLOWLOG_TYPE_U64, &five, 1), FLOWLOG_E_OVERFLOW);
    cr_expect_eq(one_add(&o, FLOWLOG_TYPE_U64, six, 1), FLOWLOG_OK);
    cr_expect_eq(one_value(&o, FLOWLOG_TYPE_U64, 100000), 6);
    cr_expect_eq(one_value(&o, FLOWLOG_TYPE_U64, 99999), 5);
    cr_assert_eq(one_add(&other, FLOWLOG_TYPE_U64, &five, 1), FLOWLOG_OK);
    const struct fl_agg agg = agg_of(FLOWLOG_TYPE_U64, 50000);
    const uint64_t before[] = {other.words[2], other.words[3]};
    cr_expect_eq(flowlog__agg_op(FLOWLOG_AGG_QUANTILE)->merge(&agg, &other.pool, other.words + 2, &o.pool, o.words + 2),
                 FLOWLOG_E_OVERFLOW);
    cr_expect(before[0] == other.words[2] && before[1] == other.words[3], "unchanged");
    flowlog__pool_free(&o.pool);
    flowlog__pool_free(&other.pool);
}
