/* SPDX-License-Identifier: MIT */
/*
 * Groups against a slow map: keys of every type, selections, aggregates with conditions, merges in any order, and
 * the bytes they are saved as.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "agg/groups.h"
#include "core/alloc.h"
#include "flowlog/plan.h"
#include "support/alloc_count.h"
#include "support/batch_make.h"

TestSuite(agg_groups, .timeout = 120);

static uint64_t state;

static uint32_t below(uint32_t n)
{
    state += UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)((fl_hash_u64(state) >> 32) * n >> 32);
}

/* --- rows --------------------------------------------------------------------------------------------------- */

enum { FIELDS = 11, WHERES = 2, ROWS_MAX = 1500 };

static const char *const fields[FIELDS] = {"srcaddr",    "dstaddr", "dstport", "protocol",     "action",    "bytes",
                                           "start",      "interface-id", "packets", "log-status", "tcp-flags"};

/* A cell of a field, out of few enough that keys come again and of kinds that matter. */
static const char *make_cell(uint32_t f, char *text)
{
    static const char *const odd_actions[] = {"ACCEPT", "REJECT", "ALLOW", "accept", "DENY-LONGER-THAN-EIGHT"};
    static const char *const statuses[] = {"OK", "OK", "OK", "OK", "OK", "OK", "NODATA", "SKIPDATA", "LATE"};
    if (below(12) == 0) return "-";
    switch (f) {
    case 0:
    case 1:
        if (below(5)) sprintf(text, "10.0.%u.%u", below(3), below(4));
        else sprintf(text, "2001:db8::%x:0:%x", below(3), below(3));
        break;
    case 2: sprintf(text, "%u", below(4) ? below(5) : 65530 + below(20)); break; /* beyond 16 bits too */
    case 3: sprintf(text, "%u", below(6) ? below(3) * 11 : 250 + below(12)); break;
    case 4: return odd_actions[below(below(3) ? 2 : 5)];
    case 5:
    case 8:
        if (below(8)) sprintf(text, "%u", below(7));
        else sprintf(text, "%llu", (unsigned long long)((UINT64_C(1) << (38 + 9 * below(3))) - 1 + below(3)));
        break;
    case 6: sprintf(text, "%u", 1700000000 + 300 * below(4)); break;
    case 7: sprintf(text, "eni-%.*s%u", (int)below(20), "0123456789abcdef0123", below(2)); break;
    case 9: return statuses[below(9)];
    default: sprintf(text, "%u", 1u << below(6)); break;
    }
    return text;
}

struct rows {
    char text[ROWS_MAX * FIELDS][32];
    const char *cells[ROWS_MAX * FIELDS];
    uint32_t count;
};

static struct rows *make_rows(uint32_t count, uint32_t absent)
{
    struct rows *r = malloc(sizeof *r);
    r->count = count;
    for (uint32_t i = 0; i < count * FIELDS; i++)
        r->cells[i] = absent >> i % FIELDS & 1 ? NULL : make_cell(i % FIELDS, r->text[i]);
    return r;
}

static struct test_batch *batch_of(const struct rows *r, uint32_t first, uint32_t count)
{
    char names[200] = "";
    for (uint32_t f = 0; f < FIELDS; f++) sprintf(names + strlen(names), "%s%s", f ? "," : "", fields[f]);
    return test_batch_new(names, r->cells + first * FIELDS, count);
}

/* --- questions ---------------------------------------------------------------------------------------------- */

static void add_key(struct fl_group_spec *spec, uint32_t f, uint32_t type)
{
    const uint32_t field = flowlog_field_find(fields[f], strlen(fields[f]));
    spec->keys.key[spec->keys.count++] =
        (struct fl_key){.column = f, .field = (uint16_t)field, .type = (uint8_t)type, .prefix4 = 32, .prefix6 = 128};
}

static void add_agg(struct fl_group_spec *spec, uint32_t kind, uint32_t f, uint32_t where)
{
    const uint32_t field = f < FIELDS ? flowlog_field_find(fields[f], strlen(fields[f])) : 0;
    const uint8_t type = field ? flowlog_field_get(field)->type : 0;
    spec->agg[spec->aggs++] = (struct fl_agg){.name = "agg", .kind = kind, .column = f, .where = where, .order = 6,
                                              .field = (uint16_t)field, .quantile = 50000, .type = type};
}

static struct fl_group_spec random_spec(void)
{
    struct fl_group_spec spec = {.max_groups = UINT32_MAX};
    const uint32_t count = below(6);
    uint32_t taken = 1u << 9; /* log-status is not a key here: it makes rows count or not */
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t f = below(FIELDS);
        if (taken >> f & 1) continue;
        taken |= 1u << f;
        uint32_t type = flowlog_field_get(flowlog_field_find(fields[f], strlen(fields[f])))->type;
        if (type == FLOWLOG_TYPE_ADDR && below(3) == 0) type = FLOWLOG_TYPE_NET;
        if (type == FLOWLOG_TYPE_U32 && below(3) == 0) type = FLOWLOG_TYPE_SERVICE;
        add_key(&spec, f, type);
    }
    add_agg(&spec, FLOWLOG_AGG_COUNT, FL_NO_COLUMN, FL_NO_WHERE);
    add_agg(&spec, FLOWLOG_AGG_SUM, 8, FL_NO_WHERE);
    add_agg(&spec, FLOWLOG_AGG_COUNT, FL_NO_COLUMN, 0);
    add_agg(&spec, FLOWLOG_AGG_SUM, 2, 1);
    /* Those that are more than their words, where there are such. */
    static const struct {
        uint32_t kind, field;
    } more[] = {{FLOWLOG_AGG_OR, 10},      {FLOWLOG_AGG_MAX, 0},      {FLOWLOG_AGG_DISTINCT, 2},
                {FLOWLOG_AGG_DISTINCT, 7}, {FLOWLOG_AGG_QUANTILE, 5}, {FLOWLOG_AGG_FIRST, 7},
                {FLOWLOG_AGG_STDDEV, 2}};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        if (below(2) && flowlog__agg_op(more[i].kind))
            add_agg(&spec, more[i].kind, more[i].field, below(2) ? FL_NO_WHERE : below(2));
    spec.keep_null = below(2) == 0;
    spec.all_rows = below(3) == 0;
    return spec;
}

/* --- answers, as sorted lines ------------------------------------------------------------------------------- */

struct lines {
    char line[ROWS_MAX + 1][220];
    uint32_t count;
    uint64_t null_keys, counted;
};

static int compare_lines(const void *a, const void *b) { return strcmp(a, b); }

static size_t put_value(char *out, const flowlog_value *v)
{
    if (v->is_null) return (size_t)sprintf(out, "-|");
    if (v->type == FLOWLOG_TYPE_ADDR || v->type == FLOWLOG_TYPE_NET) {
        char text[FLOWLOG_ADDR_TEXT_MAX];
        flowlog_addr_format(&v->addr, text);
        return (size_t)sprintf(out, "%s|", text);
    }
    if (v->type == FLOWLOG_TYPE_TEXT || v->type == FLOWLOG_TYPE_ENUM)
        return (size_t)sprintf(out, "%.*s|", (int)v->text.len, v->text.ptr);
    return (size_t)sprintf(out, "%llu|", (unsigned long long)v->number);
}

static struct lines *lines_of(const struct fl_groups *g)
{
    struct lines *l = calloc(1, sizeof *l);
    l->null_keys = g->null_keys;
    l->counted = g->counted;
    cr_assert_leq(fl_groups_count(g), ROWS_MAX);
    for (uint64_t i = 0; i < fl_groups_count(g); i++) {
        char *out = l->line[l->count++];
        for (uint32_t k = 0; k < g->spec.keys.count; k++) {
            flowlog_value v;
            flowlog__keys_value(&g->spec.keys, flowlog__groups_key(g, i), k, &v);
            cr_assert_eq(v.type, g->spec.keys.key[k].type);
            if (v.type == FLOWLOG_TYPE_NET && !v.is_null) cr_assert_eq(v.code, v.addr.family == 4 ? 32 : 128);
            out += put_value(out, &v);
        }
        const uint64_t *record = fl_groups_record(g, i);
        for (uint32_t a = 0; a < 4; a++)
            out += sprintf(out, " %llu", (unsigned long long)record[g->spec.agg[a].word]);
    }
    qsort(l->line, l->count, sizeof l->line[0], compare_lines);
    return l;
}

struct choice {
    uint64_t selection[ROWS_MAX / 64 + 1], where[WHERES][ROWS_MAX / 64 + 1];
};

/* Words of all ones and of zeros among them. */
static void choose(uint64_t *bits)
{
    for (uint32_t w = 0; w <= ROWS_MAX / 64; w++) {
        const uint32_t kind = below(4);
        bits[w] = kind == 0 ? 0 : kind == 1 ? ~UINT64_C(0) : (uint64_t)below(UINT32_MAX) << 32 | below(UINT32_MAX);
    }
}

/* The slow map: each row is a line of its key, and equal ones are added up. */
static struct lines *lines_by_hand(const struct fl_group_spec *spec, const struct rows *r, const struct choice *c)
{
    struct row_line {
        char key[160];
        uint64_t value[4];
    } *all = calloc(r->count + 1, sizeof *all);
    struct lines *l = calloc(1, sizeof *l);
    struct test_batch *b = batch_of(r, 0, r->count);
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        if (!fl_bit_get(c->selection, i)) continue;
        const uint8_t status = b->batch.log_status[i];
        const int no_flow = status == FLOWLOG_LOG_STATUS_NODATA || status == FLOWLOG_LOG_STATUS_SKIPDATA;
        if (no_flow && !spec->all_rows) continue;
        int is_null = 0;
        char *out = all[n].key;
        *out = '\0';
        for (uint32_t k = 0; k < spec->keys.count; k++) {
            flowlog_value v;
            cr_assert_eq(flowlog_batch_value(&b->batch, i, spec->keys.key[k].column, &v), FLOWLOG_OK);
            is_null |= v.is_null;
            out += put_value(out, &v);
        }
        if (is_null && !spec->keep_null) {
            l->null_keys++;
            continue;
        }
        l->counted++;
        flowlog_value packets, port;
        flowlog_batch_value(&b->batch, i, 8, &packets);
        flowlog_batch_value(&b->batch, i, 2, &port);
        all[n].value[0] = 1;
        all[n].value[1] = packets.number;
        all[n].value[2] = (uint64_t)fl_bit_get(c->where[0], i);
        all[n++].value[3] = fl_bit_get(c->where[1], i) ? port.number : 0;
    }
    qsort(all, n, sizeof all[0], compare_lines);
    for (uint32_t i = 0, next; i < n; i = next) {
        uint64_t sum[4] = {0, 0, 0, 0};
        for (next = i; next < n && !strcmp(all[i].key, all[next].key); next++)
            for (int a = 0; a < 4; a++) sum[a] += all[next].value[a];
        sprintf(l->line[l->count++], "%s %llu %llu %llu %llu", all[i].key, (unsigned long long)sum[0],
                (unsigned long long)sum[1], (unsigned long long)sum[2], (unsigned long long)sum[3]);
    }
    if (!spec->keys.count && !l->count) strcpy(l->line[l->count++], " 0 0 0 0");
    qsort(l->line, l->count, sizeof l->line[0], compare_lines);
    test_batch_free(b);
    free(all);
    return l;
}

static void expect_same(const struct lines *a, const struct lines *b, const char *what, int round)
{
    cr_assert_eq(a->count, b->count, "round %d, %s: %u groups and not %u", round, what, a->count, b->count);
    cr_assert(a->null_keys == b->null_keys && a->counted == b->counted, "round %d, %s", round, what);
    for (uint32_t i = 0; i < a->count; i++)
        cr_assert(!strcmp(a->line[i], b->line[i]), "round %d, %s: '%s' and not '%s'", round, what, a->line[i],
                  b->line[i]);
}

/* --- feeding ------------------------------------------------------------------------------------------------ */

static void begin(struct fl_groups *g, const struct fl_group_spec *spec, const flowlog_alloc *a)
{
    flowlog__groups_init(g, spec, a);
    if (!spec->keys.count) cr_assert_eq(flowlog__groups_add_only(g), FLOWLOG_OK);
}

/* Rows first.. as one batch, with their bits of the choice moved to its beginning. */
static flowlog_status feed(struct fl_groups *g, const struct rows *r, const struct choice *c, uint32_t first,
                           uint32_t count, flowlog_error *err)
{
    struct test_batch *b = batch_of(r, first, count);
    uint64_t bits[1 + WHERES][ROWS_MAX / 64 + 1];
    memset(bits, 0xA5, sizeof bits); /* beyond the rows anything may be set */
    int all = 1;
    for (uint32_t i = 0; i < count; i++)
        for (int m = 0; m <= WHERES; m++) {
            const int bit = fl_bit_get(m ? c->where[m - 1] : c->selection, first + i);
            if (bit) fl_bit_set(bits[m], i);
            else fl_bit_clear(bits[m], i);
            if (!m) all &= bit;
        }
    const uint64_t *const wheres[WHERES] = {bits[1], bits[2]};
    const flowlog_status status = flowlog__groups_add(g, &b->batch, all ? NULL : bits[0], wheres, err);
    test_batch_free(b);
    return status;
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

static void expect_bytes(const struct fl_groups *g, const struct fl_bytes *expected, const char *what, int round)
{
    struct fl_bytes out = saved(g);
    cr_assert_eq(out.len, expected->len, "round %d, %s: %zu bytes and not %zu", round, what, out.len, expected->len);
    cr_assert(!memcmp(out.p, expected->p, out.len), "round %d, %s", round, what);
    flowlog__bytes_free(&out);
}

/* --- tests ------------------------------------------------------------------------------------------------- */

Test(agg_groups, equal_a_slow_map_whole_and_merged_and_loaded)
{
    enum { ROUNDS = 250, PARTS = 5 };
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct choice c;
    for (int round = 0; round < ROUNDS; round++) {
        state = (uint64_t)round;
        const struct fl_group_spec spec = random_spec();
        const uint32_t count = 1 + below(below(4) ? 300 : ROWS_MAX);
        struct rows *r = make_rows(count, below(4) ? 0 : 1u << below(9));
        choose(c.selection);
        choose(c.where[0]);
        choose(c.where[1]);
        if (below(3) == 0) memset(c.selection, 0xFF, sizeof c.selection);
        struct lines *expected = lines_by_hand(&spec, r, &c);

        struct fl_groups whole, part[PARTS];
        begin(&whole, &spec, &a);
        cr_assert_eq(feed(&whole, r, &c, 0, count, NULL), FLOWLOG_OK);
        struct lines *l = lines_of(&whole);
        expect_same(l, expected, "whole", round);
        free(l);
        struct fl_bytes bytes = saved(&whole);

        for (int p = 0; p < PARTS; p++) begin(&part[p], &spec, &a);
        for (uint32_t first = 0, n; first < count; first += n) {
            n = 1 + below(200);
            if (n > count - first) n = count - first;
            cr_assert_eq(feed(&part[below(PARTS)], r, &c, first, n, NULL), FLOWLOG_OK);
        }
        int order[PARTS] = {0, 1, 2, 3, 4};
        for (int left = PARTS; left > 1; left--) { /* any two, the one into the other */
            const uint32_t x = below((uint32_t)left), y = (x + 1 + below((uint32_t)left - 1)) % (uint32_t)left;
            cr_assert_eq(flowlog__groups_merge(&part[order[x]], &part[order[y]], NULL), FLOWLOG_OK);
            order[y] = order[left - 1];
        }
        for (int p = 0; p < PARTS; p++) /* the one that all were merged into has them all */
            if (part[p].counted == whole.counted && part[p].null_keys == whole.null_keys) {
                expect_bytes(&part[p], &bytes, "merged", round);
                break;
            } else {
                cr_assert_lt(p, PARTS - 1, "round %d: none has all rows", round);
            }

        struct fl_groups loaded;
        begin(&loaded, &spec, &a);
        struct fl_cursor in = {bytes.p, bytes.len, 0, 0};
        flowlog_error err = {0};
        cr_assert_eq(flowlog__groups_load(&loaded, &in, &err), FLOWLOG_OK, "round %d: %s", round, err.message);
        cr_assert_eq(in.at, bytes.len);
        l = lines_of(&loaded);
        expect_same(l, expected, "loaded", round);
        free(l);
        expect_bytes(&loaded, &bytes, "loaded", round);

        for (int p = 0; p < PARTS; p++) flowlog__groups_free(&part[p]);
        flowlog__groups_free(&loaded);
        flowlog__groups_free(&whole);
        flowlog__bytes_free(&bytes);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "round %d", round);
        free(expected);
        free(r);
    }
}

static struct choice all_rows(void)
{
    struct choice c;
    memset(&c, 0xFF, sizeof c);
    return c;
}

Test(agg_groups, a_merge_ends_exactly_when_there_are_more_groups_than_allowed)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    const struct choice c = all_rows();
    static const uint32_t keys[][3] = {{0, 0, 0}, {0, 1, 2}, {7, 7, 7}, {0, 2, 7}, {2, 3, 4}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        state = i;
        struct rows *r = make_rows(400, 0);
        struct fl_group_spec spec = {.max_groups = UINT32_MAX, .keep_null = 1};
        add_agg(&spec, FLOWLOG_AGG_COUNT, FL_NO_COLUMN, FL_NO_WHERE);
        for (int k = 0; k < 3; k++) add_key(&spec, keys[i][k], flowlog_field_get(flowlog_field_find(
                                                fields[keys[i][k]], strlen(fields[keys[i][k]])))->type);
        struct fl_groups whole;
        begin(&whole, &spec, &a);
        cr_assert_eq(feed(&whole, r, &c, 0, 400, NULL), FLOWLOG_OK);
        for (int spare = 1; spare >= -1; spare--) {
            flowlog_error err = {0};
            struct fl_groups x, y;
            spec.max_groups = fl_groups_count(&whole) + (uint64_t)spare;
            begin(&x, &spec, &a);
            begin(&y, &spec, &a);
            flowlog_status status = feed(&x, r, &c, 0, 200, NULL);
            if (status >= 0) status = feed(&y, r, &c, 200, 200, NULL);
            if (status >= 0) status = flowlog__groups_merge(&x, &y, &err);
            cr_expect_eq(status, spare >= 0 ? FLOWLOG_OK : FLOWLOG_E_LIMIT, "row %zu, spare %d", i, spare);
            flowlog__groups_free(&x);
            flowlog__groups_free(&y);
        }
        flowlog__groups_free(&whole);
        free(r);
    }
}

Test(agg_groups, a_merge_that_exceeds_64_bits_says_where)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    static const char *const cells[] = {"10.0.0.1", "5", "10.0.0.2", "18446744073709551610"};
    struct test_batch *b = test_batch_new("srcaddr,bytes", cells, 2);
    struct fl_group_spec spec = {.max_groups = 100};
    add_key(&spec, 0, FLOWLOG_TYPE_ADDR);
    add_agg(&spec, FLOWLOG_AGG_SUM, 5, FL_NO_WHERE);
    spec.agg[0].column = 1;
    struct fl_groups x, y;
    begin(&x, &spec, &a);
    begin(&y, &spec, &a);
    cr_assert_eq(flowlog__groups_add(&x, &b->batch, NULL, NULL, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog__groups_add(&y, &b->batch, NULL, NULL, NULL), FLOWLOG_OK);
    flowlog_error err = {0};
    cr_expect_eq(flowlog__groups_merge(&x, &y, &err), FLOWLOG_E_OVERFLOW);
    cr_expect_str_eq(err.message, "agg exceeds 64 bits in a group: 10.0.0.2");
    flowlog__groups_free(&x);
    flowlog__groups_free(&y);
    test_batch_free(b);
}

/* A spec with a key of every type, and its groups. */
static void begin_rich(struct fl_groups *g, const flowlog_alloc *a, int approximate)
{
    static const uint32_t types[] = {FLOWLOG_TYPE_ADDR, FLOWLOG_TYPE_NET, FLOWLOG_TYPE_SERVICE, 0, FLOWLOG_TYPE_ENUM};
    struct fl_group_spec spec = {.max_groups = approximate ? 40 : 100, .keep_null = 1, .approximate = approximate};
    for (uint32_t f = 0; f < 5; f++)
        if (types[f]) add_key(&spec, f, types[f]);
    add_key(&spec, 5, FLOWLOG_TYPE_U64);
    add_key(&spec, 7, FLOWLOG_TYPE_TEXT);
    add_agg(&spec, FLOWLOG_AGG_COUNT, FL_NO_COLUMN, FL_NO_WHERE);
    add_agg(&spec, FLOWLOG_AGG_SUM, 8, FL_NO_WHERE);
    flowlog__groups_init(g, &spec, a);
}

/* Any bytes: an error, or groups that are saved as the bytes that were taken. */
static void load_any(const uint8_t *p, size_t len, int approximate, const char *what, size_t i)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct fl_groups g;
    begin_rich(&g, &a, approximate);
    struct fl_cursor in = {p, len, 0, 0};
    flowlog_error err = {0};
    const flowlog_status status = flowlog__groups_load(&g, &in, &err);
    cr_assert(status == FLOWLOG_OK || status == FLOWLOG_E_CORRUPT, "%s %zu: %d", what, i, status);
    cr_assert_leq(in.at, len);
    if (status >= 0) {
        const struct fl_bytes taken = {.p = (uint8_t *)(uintptr_t)p, .len = in.at};
        expect_bytes(&g, &taken, what, (int)i);
    }
    cr_assert_leq(t.peak_bytes, 256 * 1024 + 64 * len, "%s %zu", what, i);
    flowlog__groups_free(&g);
    cr_assert(t.live_bytes == 0 && t.live_blocks == 0);
}

Test(agg_groups, any_bytes_load_or_are_refused)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    const struct choice c = all_rows();
    for (int approximate = 0; approximate <= 1; approximate++) {
        state = 11;
        struct rows *r = make_rows(90, 0);
        struct fl_groups g;
        begin_rich(&g, &a, approximate);
        cr_assert_eq(feed(&g, r, &c, 0, 90, NULL), FLOWLOG_OK);
        cr_assert_eq(g.approximated, approximate);
        struct fl_bytes bytes = saved(&g);
        load_any(bytes.p, bytes.len, approximate, "whole", 0);
        for (size_t len = 0; len < bytes.len; len++) { /* in a block that ends there */
            uint8_t *cut = malloc(len + 1);
            memcpy(cut, bytes.p, len);
            struct fl_groups h;
            begin_rich(&h, &a, approximate);
            struct fl_cursor in = {cut, len, 0, 0};
            cr_assert_eq(flowlog__groups_load(&h, &in, NULL), FLOWLOG_E_CORRUPT, "%zu bytes", len);
            flowlog__groups_free(&h);
            free(cut);
        }
        uint8_t *damaged = malloc(bytes.len);
        for (size_t i = 0; i < 8 * bytes.len; i++) {
            memcpy(damaged, bytes.p, bytes.len);
            damaged[i / 8] ^= (uint8_t)(1u << i % 8);
            load_any(damaged, bytes.len, approximate, "bit", i);
        }
        for (size_t i = 0; i < 3000; i++) {
            memcpy(damaged, bytes.p, bytes.len);
            for (uint32_t n = 1 + below(4); n; n--) damaged[below((uint32_t)bytes.len)] = (uint8_t)below(256);
            load_any(damaged, bytes.len, approximate, "bytes", i);
        }
        free(damaged);
        flowlog__bytes_free(&bytes);
        flowlog__groups_free(&g);
        free(r);
    }
}

Test(agg_groups, keys_of_a_partial_have_one_form)
{
    /* null_keys 0, counted 1, groups 1, not approximate, then the key; a count of 1. */
    static const struct {
        uint32_t field, type;
        uint8_t bytes[24];
        uint8_t len;
        int good;
    } rows[] = {
        {2, FLOWLOG_TYPE_U32, {1, 5}, 2, 1},
        {2, FLOWLOG_TYPE_U32, {1, 0x85, 0}, 3, 0},                              /* 5 in two bytes */
        {2, FLOWLOG_TYPE_U32, {1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}, 6, 1},
        {2, FLOWLOG_TYPE_U32, {1, 0x80, 0x80, 0x80, 0x80, 0x10}, 6, 0},         /* 2^32 */
        {2, FLOWLOG_TYPE_U32, {0}, 1, 0},                                       /* null, which is left out here */
        {2, FLOWLOG_TYPE_U32, {2, 5}, 2, 0},
        {2, FLOWLOG_TYPE_U32, {3, 1, 'x'}, 3, 0},
        {2, FLOWLOG_TYPE_U32, {4, 1, 2, 3, 4}, 5, 0},
        {5, FLOWLOG_TYPE_U64, {1, 0x80, 0x80, 0x80, 0x80, 0x10}, 6, 1},
        {4, FLOWLOG_TYPE_ENUM, {1, 1}, 2, 1},                                   /* ACCEPT */
        {4, FLOWLOG_TYPE_ENUM, {1, 0}, 2, 0},                                   /* OTHER is text */
        {4, FLOWLOG_TYPE_ENUM, {1, 9}, 2, 0},                                   /* no such code */
        {4, FLOWLOG_TYPE_ENUM, {3, 4, 'D', 'E', 'N', 'Y'}, 6, 1},
        {4, FLOWLOG_TYPE_ENUM, {3, 6, 'A', 'C', 'C', 'E', 'P', 'T'}, 8, 0},     /* which has a code */
        {7, FLOWLOG_TYPE_TEXT, {3, 2, 'e', 'n'}, 4, 1},
        {7, FLOWLOG_TYPE_TEXT, {3, 0x82, 0, 'e', 'n'}, 5, 0},
        {7, FLOWLOG_TYPE_TEXT, {1, 2}, 2, 0},
        {0, FLOWLOG_TYPE_ADDR, {4, 10, 0, 0, 1}, 5, 1},
        {0, FLOWLOG_TYPE_ADDR, {1, 10}, 2, 0},
        {0, FLOWLOG_TYPE_NET, {4, 10, 1, 0, 0}, 5, 1},
        {0, FLOWLOG_TYPE_NET, {4, 10, 1, 0x80, 0}, 5, 0},                       /* beyond a prefix of 16 */
        {0, FLOWLOG_TYPE_NET, {6, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 17, 1},
        {0, FLOWLOG_TYPE_NET, {6, 0x20, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 17, 0}, /* of 47 */
        {0, FLOWLOG_TYPE_NET, {6, 0x20, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 17, 1},
        {2, FLOWLOG_TYPE_SERVICE, {1, 0xBB, 0x83, 0x18}, 4, 1},
        {6, FLOWLOG_TYPE_TIME, {1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}, 11, 1}};
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fl_group_spec spec = {.max_groups = 9};
        add_key(&spec, rows[i].field, rows[i].type);
        spec.keys.key[0].prefix4 = 16;
        spec.keys.key[0].prefix6 = 47;
        add_agg(&spec, FLOWLOG_AGG_COUNT, FL_NO_COLUMN, FL_NO_WHERE);
        struct fl_groups g;
        struct fl_bytes bytes, out;
        flowlog__bytes_init(&bytes, &a);
        flowlog__bytes_put(&bytes, "\0\1\1\0", 4);
        flowlog__bytes_put(&bytes, rows[i].bytes, rows[i].len);
        const uint64_t one = 1;
        flowlog__agg_op(FLOWLOG_AGG_COUNT)->save(&spec.agg[0], NULL, &one, &bytes);
        begin(&g, &spec, &a);
        struct fl_cursor in = {bytes.p, bytes.len, 0, 0};
        flowlog_error err = {0};
        cr_expect_eq(flowlog__groups_load(&g, &in, &err), rows[i].good ? FLOWLOG_OK : FLOWLOG_E_CORRUPT, "row %zu", i);
        if (rows[i].good) {
            out = saved(&g);
            cr_expect(out.len == bytes.len && !memcmp(out.p, bytes.p, out.len), "row %zu", i);
            flowlog__bytes_free(&out);
        } else {
            cr_expect(err.offset >= 4 && err.offset <= bytes.len, "row %zu", i);
        }
        flowlog__bytes_free(&bytes);
        flowlog__groups_free(&g);
    }
}

Test(agg_groups, every_allocation_may_fail)
{
    const struct choice c = all_rows();
    const flowlog_alloc sound = flowlog__alloc_or_default(NULL);
    state = 3;
    struct rows *r = make_rows(500, 0);
    for (int rich = 0; rich <= 2; rich++) {
        struct fl_group_spec spec = {.max_groups = UINT32_MAX};
        add_key(&spec, 0, FLOWLOG_TYPE_ADDR);
        if (rich > 0) add_key(&spec, 1, FLOWLOG_TYPE_ADDR);
        if (rich > 1) add_key(&spec, 7, FLOWLOG_TYPE_TEXT);
        add_agg(&spec, FLOWLOG_AGG_COUNT, FL_NO_COLUMN, FL_NO_WHERE);
        struct fl_groups source;
        begin(&source, &spec, &sound);
        cr_assert_eq(feed(&source, r, &c, 250, 250, NULL), FLOWLOG_OK);
        for (size_t fail = 1, done = 0; !done; fail++) {
            struct test_alloc t;
            const flowlog_alloc a = test_alloc_init(&t, fail);
            struct fl_groups g, h;
            struct fl_bytes out;
            flowlog_error err = {0};
            begin(&g, &spec, &a);
            begin(&h, &spec, &a);
            flowlog__bytes_init(&out, &a);
            flowlog_status status = feed(&g, r, &c, 0, 250, &err);
            if (status >= 0) status = flowlog__groups_merge(&g, &source, &err);
            if (status >= 0) {
                flowlog__groups_save(&g, &out);
                if (out.failed) status = FLOWLOG_E_MEMORY;
            }
            if (status >= 0) {
                struct fl_cursor in = {out.p, out.len, 0, 0};
                status = flowlog__groups_load(&h, &in, &err);
            }
            done = status == FLOWLOG_OK;
            cr_assert(done || status == FLOWLOG_E_MEMORY);
            cr_assert_eq(done, t.requests < fail, "request %zu", fail);
            flowlog__bytes_free(&out);
            flowlog__groups_free(&g);
            flowlog__groups_free(&h);
            cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail);
        }
        flowlog__groups_free(&source);
    }
    free(r);
}
