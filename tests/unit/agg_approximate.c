/* SPDX-License-Identifier: MIT */
/* Space-Saving: what approximate.c says that holds, against exact weights, of one collection and of merged ones. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "agg/groups.h"
#include "core/alloc.h"
#include "flowlog/plan.h"
#include "support/alloc_count.h"
#include "support/batch_make.h"

TestSuite(agg_approximate, .timeout = 120);

enum { KEYS = 3000, BATCH = 700 };

static uint64_t state;

static uint32_t below(uint32_t n)
{
    state += UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)((fl_hash_u64(state) >> 32) * n >> 32);
}

/* By Zipf's law, nearly: key k about as often as 1 / (k + 1). */
static uint32_t zipf(void)
{
    uint32_t range = 1 + below(12), k = 0;
    while (range--) k = 2 * k + below(2);
    return k % KEYS;
}

/* What a key looks like: IPv4 and IPv6 in one, two columns of IPv4 and a port, text of any length. */
enum { MIXED, WIDE, TEXT, SHAPES };

static const char *const columns[SHAPES] = {"srcaddr,bytes", "srcaddr,dstaddr,dstport,bytes", "interface-id,bytes"};
static const uint32_t width[SHAPES] = {2, 4, 2};

static void put_key(int shape, uint32_t k, char (*cell)[48])
{
    if (shape == WIDE) {
        sprintf(cell[0], "10.0.%u.1", k >> 8);
        sprintf(cell[1], "10.1.%u.1", k & 255);
        sprintf(cell[2], "%u", k);
    } else if (shape == MIXED) {
        sprintf(cell[0], k % 3 ? "10.7.%u.%u" : "2001:db8::%x:%x", k >> 8, k & 255);
    } else {
        sprintf(cell[0], "eni-%.*s%u", (int)(k * 7 % 25), "0123456789012345678901234", k);
    }
}

static uint32_t key_of(const struct fl_groups *g, uint64_t i, int shape)
{
    flowlog_value v;
    flowlog__keys_value(&g->spec.keys, flowlog__groups_key(g, i), shape == WIDE ? 2 : 0, &v);
    if (shape == WIDE) return (uint32_t)v.number;
    if (shape == MIXED)
        return v.addr.family == 4 ? (uint32_t)v.addr.bytes[2] << 8 | v.addr.bytes[3]
                                  : (uint32_t)v.addr.bytes[13] << 8 | v.addr.bytes[15];
    char text[64] = "";
    memcpy(text, v.text.ptr, v.text.len);
    for (uint32_t k = 0; k < KEYS; k++) {
        char cell[4][48];
        put_key(shape, k, cell);
        if (!strcmp(cell[0], text)) return k;
    }
    cr_assert_fail("%s", text);
    return 0;
}

struct truth {
    uint64_t weight[KEYS], total;
};

static struct fl_group_spec spec_of(int shape, uint32_t weight, uint64_t max)
{
    struct fl_group_spec spec = {.max_groups = max, .approximate = 1, .weight = weight, .aggs = 2};
    const char *names[] = {"srcaddr", "dstaddr", "dstport"};
    if (shape == TEXT) names[0] = "interface-id";
    for (spec.keys.count = 0; spec.keys.count + 1 < width[shape]; spec.keys.count++) {
        const uint32_t k = spec.keys.count, field = flowlog_field_find(names[k], strlen(names[k]));
        spec.keys.key[k] = (struct fl_key){
            .column = k, .field = (uint16_t)field, .type = flowlog_field_get(field)->type};
    }
    spec.agg[0] = (struct fl_agg){.name = "count", .kind = FLOWLOG_AGG_COUNT, .column = FL_NO_COLUMN,
                                  .where = FL_NO_WHERE};
    spec.agg[1] = (struct fl_agg){.name = "sum", .kind = FLOWLOG_AGG_SUM, .column = width[shape] - 1,
                                  .field = FLOWLOG_FIELD_BYTES, .type = FLOWLOG_TYPE_U64, .where = FL_NO_WHERE};
    if (flowlog__agg_op(FLOWLOG_AGG_DISTINCT))
        spec.agg[spec.aggs++] = (struct fl_agg){.name = "distinct", .kind = FLOWLOG_AGG_DISTINCT,
            .column = width[shape] - 1, .field = FLOWLOG_FIELD_BYTES, .type = FLOWLOG_TYPE_U64, .where = FL_NO_WHERE};
    return spec;
}

/* One batch of rows; what was fresh comes from `next`, a key that was not there yet, each time. */
static void feed(struct fl_groups *g, int shape, uint32_t rows, uint32_t *next, struct truth *truth)
{
    static char text[BATCH * 4][48];
    static const char *cells[BATCH * 4];
    for (uint32_t r = 0; r < rows; r++) {
        const uint32_t k = next ? (*next)++ % KEYS : zipf(), bytes = below(4) ? below(100) : below(10000);
        char(*row)[48] = text + r * width[shape];
        put_key(shape, k, row);
        sprintf(row[width[shape] - 1], "%u", bytes);
        for (uint32_t c = 0; c < width[shape]; c++) cells[r * width[shape] + c] = row[c];
        const uint64_t weight = g->spec.weight ? bytes : 1;
        truth->weight[k] += weight;
        truth->total += weight;
    }
    struct test_batch *b = test_batch_new(columns[shape], cells, rows);
    flowlog_error err = {0};
    cr_assert_eq(flowlog__groups_add(g, &b->batch, NULL, NULL, &err), FLOWLOG_OK, "%s", err.message);
    test_batch_free(b);
}

static void expect_bounds(const struct fl_groups *g, int shape, const struct truth *truth, const char *what)
{
    static uint8_t shown[KEYS];
    memset(shown, 0, sizeof shown);
    const uint64_t m = g->spec.max_groups, groups = fl_groups_count(g);
    uint64_t sum = 0;
    cr_assert_leq(groups, m);
    for (uint64_t i = 0; i < groups; i++) {
        const uint64_t *record = fl_groups_record(g, i);
        const uint64_t weight = record[g->spec.agg[g->spec.weight].word], error = flowlog__groups_error(g, i);
        const uint32_t k = key_of(g, i, shape);
        cr_assert_not(shown[k], "%s: key %u twice", what, k);
        shown[k] = 1;
        sum += weight;
        cr_assert_leq(truth->weight[k], weight, "%s: key %u", what, k);
        cr_assert_leq(weight - error, truth->weight[k], "%s: key %u", what, k);
        cr_assert_leq(error, truth->total / m, "%s: key %u", what, k);
        if (!g->approximated) cr_assert(error == 0 && weight == truth->weight[k], "%s: key %u", what, k);
    }
    cr_assert_leq(sum, truth->total, "%s", what);
    for (uint32_t k = 0; k < KEYS; k++)
        if (truth->weight[k] > truth->total / m) cr_assert(shown[k], "%s: key %u is missing", what, k);
}

static struct fl_bytes saved(const struct fl_groups *g)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct fl_bytes out;
    flowlog__bytes_init(&out, &a);
    flowlog__groups_save(g, &out);
    cr_assert_not(out.failed);
    return out;
}

static void load(struct fl_groups *g, const struct fl_bytes *bytes)
{
    struct fl_cursor in = {bytes->p, bytes->len, 0, 0};
    flowlog_error err = {0};
    cr_assert_eq(flowlog__groups_load(g, &in, &err), FLOWLOG_OK, "%s", err.message);
    cr_assert_eq(in.at, bytes->len);
}

Test(agg_approximate, weights_are_not_below_the_truth_and_above_it_by_their_error_at_most)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    for (int round = 0; round < 36; round++) {
        static const uint64_t max[] = {1, 7, 64, 65, 300, 2900};
        const int shape = round % SHAPES;
        const struct fl_group_spec spec = spec_of(shape, (uint32_t)round / 3 % 2, max[round / 6]);
        struct fl_groups g;
        struct truth truth = {{0}, 0};
        state = (uint64_t)round;
        flowlog__groups_init(&g, &spec, &a);
        uint32_t next = 0;
        for (int batch = 0; batch < 14; batch++)
            feed(&g, shape, 1 + below(BATCH), batch % 5 == 4 ? &next : NULL, &truth);
        cr_expect(g.approximated || max[round / 6] > 1000);
        expect_bounds(&g, shape, &truth, "added");
        flowlog__groups_free(&g);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0);
    }
}

Test(agg_approximate, nothing_is_approximate_before_the_limit_is_reached)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    for (int shape = 0; shape < SHAPES; shape++) {
        struct truth truth = {{0}, 0};
        struct fl_group_spec spec = spec_of(shape, 1, KEYS);
        struct fl_groups g, exact;
        flowlog__groups_init(&g, &spec, &a);
        spec.approximate = 0;
        flowlog__groups_init(&exact, &spec, &a);
        uint32_t next = 0;
        for (int batch = 0; batch < 10; batch++) {
            state = (uint64_t)batch;
            feed(&g, shape, BATCH, &next, &truth);
            next -= BATCH;
            state = (uint64_t)batch;
            feed(&exact, shape, BATCH, &next, &(struct truth){{0}, 0});
        }
        cr_assert_eq(fl_groups_count(&g), KEYS);
        cr_assert_eq(g.approximated, 0);
        expect_bounds(&g, shape, &truth, "full");
        struct fl_bytes x = saved(&g), y = saved(&exact);
        cr_expect(x.len == y.len && !memcmp(x.p, y.p, x.len));
        flowlog__bytes_free(&x);
        flowlog__bytes_free(&y);
        flowlog__groups_free(&g);
        flowlog__groups_free(&exact);
    }
}

Test(agg_approximate, bounds_hold_after_merges_and_after_saving_and_loading)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    enum { PARTS = 4 };
    for (int round = 0; round < 60; round++) {
        static const uint64_t max[] = {1, 20, 128, 700, 2500};
        const int shape = round % SHAPES;
        const struct fl_group_spec spec = spec_of(shape, (uint32_t)round / 3 % 2, max[round / 12]);
        struct truth truth = {{0}, 0};
        struct fl_groups part[PARTS];
        state = (uint64_t)round;
        for (int p = 0; p < PARTS; p++) {
            flowlog__groups_init(&part[p], &spec, &a);
            const int batches = (int)below(6);
            uint32_t next = below(KEYS);
            for (int batch = 0; batch < batches; batch++)
                feed(&part[p], shape, 1 + below(BATCH), below(3) ? NULL : &next, &truth);
        }
        for (int p = 1; p < PARTS; p++) {
            struct fl_groups other;
            flowlog__groups_init(&other, &spec, &a);
            struct fl_bytes bytes = saved(&part[p]);
            load(&other, &bytes);
            struct fl_bytes again = saved(&other);
            cr_assert(again.len == bytes.len && !memcmp(again.p, bytes.p, bytes.len), "round %d", round);
            flowlog__bytes_free(&again);
            flowlog__bytes_free(&bytes);
            /* It does not matter which is added to which. */
            struct fl_groups first;
            flowlog__groups_init(&first, &spec, &a);
            bytes = saved(&part[0]);
            load(&first, &bytes);
            flowlog__bytes_free(&bytes);
            cr_assert_eq(flowlog__groups_merge(&other, &first, NULL), FLOWLOG_OK);
            cr_assert_eq(flowlog__groups_merge(&part[0], &part[p], NULL), FLOWLOG_OK);
            struct fl_bytes x = saved(&part[0]), y = saved(&other);
            cr_assert(x.len == y.len && !memcmp(x.p, y.p, x.len), "round %d", round);
            flowlog__bytes_free(&x);
            flowlog__bytes_free(&y);
            flowlog__groups_free(&first);
            if (p % 2) { /* go on with the one that came from bytes */
                flowlog__groups_free(&part[0]);
                part[0] = other;
            } else {
                flowlog__groups_free(&other);
            }
        }
        expect_bounds(&part[0], shape, &truth, "merged");
        feed(&part[0], shape, BATCH, NULL, &truth);
        expect_bounds(&part[0], shape, &truth, "merged, and more added");
        for (int p = 0; p < PARTS; p++) flowlog__groups_free(&part[p]);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "round %d", round);
    }
}

Test(agg_approximate, memory_does_not_grow_with_keys_that_come_and_go)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    for (int shape = 0; shape < SHAPES; shape++) {
        const struct fl_group_spec spec = spec_of(shape, 0, 50);
        struct truth truth = {{0}, 0};
        struct fl_groups g;
        uint32_t next = 0;
        flowlog__groups_init(&g, &spec, &a);
        for (int batch = 0; batch < 20; batch++) feed(&g, shape, BATCH, &next, &truth);
        const size_t after_few = t.live_bytes;
        for (int batch = 0; batch < 200; batch++) feed(&g, shape, BATCH, &next, &truth);
        cr_expect_leq(t.live_bytes, after_few + 64 * 1024, "shape %d: %zu, then %zu", shape, after_few, t.live_bytes);
        expect_bounds(&g, shape, &truth, "fresh keys");
        flowlog__groups_free(&g);
    }
}

Test(agg_approximate, every_allocation_may_fail)
{
    for (int shape = 0; shape < SHAPES; shape++)
        for (size_t fail = 1, done = 0; !done; fail++) {
            struct test_alloc t;
            const flowlog_alloc a = test_alloc_init(&t, fail);
            const flowlog_alloc sound = flowlog__alloc_or_default(NULL);
            const struct fl_group_spec spec = spec_of(shape, 1, 40);
            struct truth truth = {{0}, 0};
            struct fl_groups g, other;
            flowlog__groups_init(&g, &spec, &a);
            flowlog__groups_init(&other, &spec, &sound);
            state = 1;
            feed(&other, shape, BATCH, NULL, &truth);
            const char *cells[2 * 100];
            static char text[100][48];
            for (uint32_t i = 0; i < 100; i++) {
                sprintf(text[i], shape == MIXED ? "10.0.0.%u" : "eni-%u", i);
                cells[2 * i] = text[i];
                cells[2 * i + 1] = "7";
            }
            flowlog_status status = FLOWLOG_OK;
            if (shape != WIDE) {
                struct test_batch *b = test_batch_new(columns[shape], cells, 100);
                status = flowlog__groups_add(&g, &b->batch, NULL, NULL, NULL);
                test_batch_free(b);
            }
            if (status >= 0) status = flowlog__groups_merge(&g, &other, NULL);
            cr_assert(status == FLOWLOG_OK || status == FLOWLOG_E_MEMORY);
            done = status == FLOWLOG_OK;
            cr_assert_eq(done, t.requests < fail, "request %zu", fail);
            flowlog__groups_free(&g);
            flowlog__groups_free(&other);
            cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail);
        }
}
