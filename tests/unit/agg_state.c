/* SPDX-License-Identifier: MIT */
/*
 * The states of all aggregates over columns of all types, against what their definitions say when they are followed
 * row by row; and that a state depends on its rows alone: not on their order, nor on how they were split and merged.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "agg/key.h"
#include "agg/state.h"
#include "core/alloc.h"
#include "core/decimal.h"
#include "core/hash.h"
#include "flowlog/plan.h"
#include "support/alloc_count.h"
#include "support/batch_make.h"

TestSuite(state, .timeout = 120);

enum { COLUMNS = 7, ROWS = 700, GROUPS = 6, WORDS = 8, WORD = 2, START = 6 };
static const char fields[] = "dstport,bytes,end,srcaddr,action,interface-id,start";

/* Which aggregate can take which column. */
struct question {
    uint32_t kind, column, quantile;
};
#define Q(kind, column, quantile) {FLOWLOG_AGG_##kind, (column), (quantile)}
static const struct question questions[] = {
    Q(COUNT, FL_NO_COLUMN, 0), Q(COUNT, 0, 0), Q(COUNT, 3, 0), Q(COUNT, 5, 0), Q(SUM, 0, 0),
    Q(SUM, 1, 0), Q(MIN, 0, 0), Q(MIN, 1, 0), Q(MIN, 2, 0), Q(MIN, 3, 0), Q(MAX, 0, 0),
    Q(MAX, 1, 0), Q(MAX, 2, 0), Q(MAX, 3, 0), Q(AVG, 0, 0), Q(AVG, 1, 0), Q(STDDEV, 0, 0),
    Q(STDDEV, 1, 0), Q(DISTINCT, 0, 0), Q(DISTINCT, 1, 0), Q(DISTINCT, 2, 0), Q(DISTINCT, 3, 0),
    Q(DISTINCT, 4, 0), Q(DISTINCT, 5, 0), Q(QUANTILE, 0, 50000), Q(QUANTILE, 0, 1),
    Q(QUANTILE, 1, 99900), Q(QUANTILE, 1, 100000), Q(QUANTILE, 2, 33333), Q(FIRST, 0, 0),
    Q(FIRST, 1, 0), Q(FIRST, 2, 0), Q(FIRST, 3, 0), Q(FIRST, 4, 0), Q(FIRST, 5, 0), Q(LAST, 0, 0),
    Q(LAST, 1, 0), Q(LAST, 2, 0), Q(LAST, 3, 0), Q(LAST, 4, 0), Q(LAST, 5, 0), Q(OR, 0, 0),
    Q(OR, 1, 0)};
enum { QUESTIONS = sizeof questions / sizeof questions[0] };

static const uint8_t types[COLUMNS] = {FLOWLOG_TYPE_U32, FLOWLOG_TYPE_U64, FLOWLOG_TYPE_TIME, FLOWLOG_TYPE_ADDR,
                                       FLOWLOG_TYPE_ENUM, FLOWLOG_TYPE_TEXT, FLOWLOG_TYPE_TIME};

static struct fl_agg agg_of(const struct question *q)
{
    return (struct fl_agg){.name = "it", .kind = q->kind, .column = q->column, .order = START, .where = FL_NO_WHERE,
                           .quantile = q->quantile, .word = WORD, .field = FLOWLOG_FIELD_ACTION,
                           .type = q->column == FL_NO_COLUMN ? 0 : types[q->column]};
}

/* --- rows ------------------------------------------------------------------------------------------------- */

static uint64_t next(uint64_t *state) { return fl_hash_u64(++*state); }

/* Values that meet again, of all sizes; some null. */
static void make_cell(char *cell, uint32_t column, uint64_t r)
{
    static const char *const actions[] = {"ACCEPT", "REJECT", "reject", "MAYBE", "maybe", "ACCEPTED", "A", "Z"};
    const uint64_t small = r >> 8 & 15, large = r >> (20 + (r >> 4) % 40);
    if (r % 7 == 0) strcpy(cell, "-");
    else if (column == 0) sprintf(cell, "%u", (unsigned)(r % 3 ? small : large & 0xFFFF));
    else if (column == 1) sprintf(cell, "%llu", (unsigned long long)(r % 3 ? small * 1000 : large));
    else if (column == 2) sprintf(cell, "%s%llu", r % 3 ? "" : "-1", (unsigned long long)(r % 5 ? small : large));
    else if (column == 3 && r % 3) sprintf(cell, "10.0.%u.%u", (unsigned)small % 3, (unsigned)(large % 200));
    else if (column == 3) sprintf(cell, "fd00:%x::%x", (unsigned)small % 3, (unsigned)(large % 20));
    else if (column == 4) strcpy(cell, actions[small % 8]);
    else if (column == 5) sprintf(cell, "eni-%0*u", (int)(small * 2), (unsigned)(large % 40));
    else sprintf(cell, "%d", (int)small - 3);
}

struct rows {
    struct test_batch *made;
    uint32_t group[ROWS]; /* 0: does not count */
};

static struct rows rows_of(uint64_t seed)
{
    static char text[ROWS * COLUMNS][64];
    static const char *cells[ROWS * COLUMNS];
    struct rows rows;
    for (uint32_t i = 0; i < ROWS * COLUMNS; i++) {
        make_cell(text[i], i % COLUMNS, next(&seed));
        cells[i] = text[i];
    }
    rows.made = test_batch_new(fields, cells, ROWS);
    /* Group GROUPS - 1 has no rows, the one before a single one. */
    for (uint32_t i = 0; i < ROWS; i++) rows.group[i] = (uint32_t)(next(&seed) % (GROUPS - 2));
    rows.group[ROWS / 2] = GROUPS - 2;
    return rows;
}

/* --- states ----------------------------------------------------------------------------------------------- */

struct states {
    struct fl_pool pool;
    uint64_t words[GROUPS * WORDS];
};

static void states_init(struct states *s, const flowlog_alloc *alloc)
{
    memset(s, 0, sizeof *s);
    flowlog__pool_init(&s->pool, alloc);
}

/* The first words of a record belong to others. */
static void check_others(const struct states *s, uint32_t words)
{
    for (uint32_t g = 0; g < GROUPS; g++)
        for (uint32_t w = 0; w < WORDS; w++)
            if (w < WORD || w >= WORD + words) cr_assert_eq(s->words[g * WORDS + w], 0);
}

/* Rows of `list`, or all of them when it is NULL, in pieces of up to 64. */
static flowlog_status states_add(struct states *s, const struct fl_agg *agg, const struct rows *rows,
                                 const uint32_t *list, uint32_t count)
{
    const struct fl_agg_op *op = flowlog__agg_op(agg->kind);
    if (!list) count = ROWS;
    for (uint32_t from = 0; from < count;) {
        const uint32_t n = count - from < 64 ? count - from : list && from % 3 ? 37 : 64;
        size_t at[64];
        for (uint32_t i = 0; i < n; i++) at[i] = rows->group[list ? list[from + i] : from + i] * (size_t)WORDS;
        const struct fl_update u = {&rows->made->batch, list ? list + from : NULL, from, n, s->words, at, &s->pool};
        flowlog_status status = FLOWLOG_OK;
        const uint32_t done = op->update(&u, agg, &status);
        if (done < n) return status;
        cr_assert_eq(status, FLOWLOG_OK);
        from += n;
    }
    return FLOWLOG_OK;
}

static void states_save(const struct states *s, const struct fl_agg *agg, struct fl_bytes *out)
{
    for (uint32_t g = 1; g < GROUPS; g++)
        flowlog__agg_op(agg->kind)->save(agg, &s->pool, s->words + g * WORDS + WORD, out);
}

static flowlog_status states_merge(struct states *s, const struct states *from, const struct fl_agg *agg)
{
    for (uint32_t g = 1; g < GROUPS; g++) {
        const flowlog_status status = flowlog__agg_op(agg->kind)->merge(
            agg, &s->pool, s->words + g * WORDS + WORD, &from->pool, from->words + g * WORDS + WORD);
        if (status < 0) return status;
    }
    return FLOWLOG_OK;
}

static flowlog_status states_load(struct states *s, const struct fl_agg *agg, struct fl_cursor *in)
{
    for (uint32_t g = 1; g < GROUPS; g++) {
        const flowlog_status status = flowlog__agg_op(agg->kind)->load(agg, &s->pool, s->words + g * WORDS + WORD, in);
        if (status < 0) return status;
    }
    return FLOWLOG_OK;
}

static void states_free(struct states *s) { flowlog__pool_free(&s->pool); }

/* --- what the definitions say ----------------------------------------------------------------------------- */

struct seen {
    flowlog_value value[ROWS];
    int64_t start[ROWS];
    int has_start[ROWS];
    uint32_t rows, count; /* all, and those whose value is not null: value[0 .. count) */
};

static void see(const struct rows *rows, const struct fl_agg *agg, uint32_t group, struct seen *seen)
{
    seen->rows = seen->count = 0;
    for (uint32_t r = 0; r < ROWS; r++) {
        if (rows->group[r] != group) continue;
        seen->rows++;
        if (agg->column == FL_NO_COLUMN) continue;
        flowlog_value start;
        flowlog_batch_value(&rows->made->batch, r, agg->column, &seen->value[seen->count]);
        flowlog_batch_value(&rows->made->batch, r, START, &start);
        seen->start[seen->count] = (int64_t)start.number;
        seen->has_start[seen->count] = !start.is_null;
        seen->count += !seen->value[seen->count].is_null;
    }
}

static int is_same(const flowlog_value *a, const flowlog_value *b)
{
    return a->type == b->type && a->is_null == b->is_null && a->code == b->code && a->billionths == b->billionths
           && a->number == b->number && !memcmp(&a->addr, &b->addr, sizeof a->addr) && a->text.len == b->text.len
           && (!a->text.len || !memcmp(a->text.ptr, b->text.ptr, a->text.len));
}

static void sort_values(flowlog_value *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        const flowlog_value one = v[i];
        uint32_t j = i;
        for (; j && flowlog__value_compare(&one, &v[j - 1]) < 0; j--) v[j] = v[j - 1];
        v[j] = one;
    }
}

static flowlog_value number_value(uint32_t type, uint64_t number)
{
    return (flowlog_value){.type = (uint8_t)type, .number = number};
}

static flowlog_value decimal_value(struct fl_decimal d)
{
    return (flowlog_value){.type = FLOWLOG_TYPE_DECIMAL, .number = d.whole, .billionths = d.billionths};
}

static flowlog_value expected_pick(const struct fl_agg *agg, const struct seen *s)
{
    flowlog_value best = {.type = agg->type, .is_null = 1};
    int64_t best_start = 0;
    const int sign = agg->kind == FLOWLOG_AGG_FIRST ? -1 : 1;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!s->has_start[i]) continue;
        const int c = ((s->start[i] > best_start) - (s->start[i] < best_start)) * sign;
        if (best.is_null || c > 0 || (!c && flowlog__value_compare(&s->value[i], &best) * sign > 0)) {
            best = s->value[i];
            best_start = s->start[i];
        }
    }
    return best;
}

static flowlog_value expected_value(const struct fl_agg *agg, struct seen *s)
{
    flowlog_value v = {.type = agg->type, .is_null = 1};
    struct fl_decimal d = {0, 0, 0};
    struct fl_wide squares = {{0}};
    uint64_t sum = 0, bits = 0, different = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        sum += s->value[i].number;
        bits |= s->value[i].number;
        flowlog__wide_add_square(&squares, s->value[i].number);
    }
    switch (agg->kind) {
    case FLOWLOG_AGG_COUNT: return number_value(FLOWLOG_TYPE_U64, agg->column == FL_NO_COLUMN ? s->rows : s->count);
    case FLOWLOG_AGG_SUM: return number_value(FLOWLOG_TYPE_U64, sum);
    case FLOWLOG_AGG_OR: return number_value(agg->type, bits);
    case FLOWLOG_AGG_AVG:
        v = decimal_value(d);
        v.is_null = !s->count;
        if (flowlog__decimal_ratio(sum, s->count, &d)) v = decimal_value(d);
        return v;
    case FLOWLOG_AGG_STDDEV:
        if (s->count >= 2) d = flowlog__deviation(&squares, sum, s->count);
        v = decimal_value(d);
        v.is_null = s->count < 2;
        return v;
    case FLOWLOG_AGG_FIRST:
    case FLOWLOG_AGG_LAST: return expected_pick(agg, s);
    default: break;
    }
    sort_values(s->value, s->count);
    if (agg->kind == FLOWLOG_AGG_DISTINCT) {
        for (uint32_t i = 0; i < s->count; i++)
            different += !i || flowlog__value_compare(&s->value[i - 1], &s->value[i]);
        return number_value(FLOWLOG_TYPE_U64, different);
    }
    if (!s->count) return v;
    if (agg->kind == FLOWLOG_AGG_MIN) return s->value[0];
    if (agg->kind == FLOWLOG_AGG_MAX) return s->value[s->count - 1];
    const uint64_t rank = ((uint64_t)s->count * agg->quantile + 99999) / 100000;
    return s->value[rank - 1];
}

/* Of quantiles as far as they are exact. */
static int is_expected(const struct fl_agg *agg, const flowlog_value *value, const flowlog_value *expected)
{
    if (agg->kind != FLOWLOG_AGG_QUANTILE || value->is_null) return is_same(value, expected);
    const int is_below = agg->type == FLOWLOG_TYPE_TIME && (int64_t)expected->number < 0;
    const uint64_t x = is_below ? 0 - value->number : value->number;
    const uint64_t y = is_below ? 0 - expected->number : expected->number;
    return value->type == expected->type && (x > y ? x - y : y - x) <= y / FLOWLOG_QUANTILE_ERROR;
}

static void check_values(const struct states *s, const struct fl_agg *agg, const struct rows *rows, size_t q)
{
    static struct seen seen;
    for (uint32_t g = 1; g < GROUPS; g++) {
        flowlog_value value;
        memset(&value, 0xA5, sizeof value);
        const int estimated = flowlog__agg_op(agg->kind)->finish(agg, &s->pool, s->words + g * WORDS + WORD, &value);
        see(rows, agg, g, &seen);
        const flowlog_value expected = expected_value(agg, &seen);
        cr_assert_eq(estimated, 0);
        cr_assert_eq(value.type, flowlog__agg_type(agg->kind, agg->type));
        cr_assert(is_expected(agg, &value, &expected), "question %zu group %u: %llu.%09u %d, not %llu.%09u %d", q, g,
                  (unsigned long long)value.number, (unsigned)value.billionths, value.is_null,
                  (unsigned long long)expected.number, (unsigned)expected.billionths, expected.is_null);
    }
}

/* --- tests ------------------------------------------------------------------------------------------------ */

Test(state, is_what_its_definition_says)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct rows rows = rows_of(seed << 32);
        for (size_t q = 0; q < QUESTIONS; q++) {
            const struct fl_agg agg = agg_of(&questions[q]);
            struct test_alloc t;
            const flowlog_alloc a = test_alloc_init(&t, 0);
            struct states s;
            states_init(&s, &a);
            cr_assert_eq(states_add(&s, &agg, &rows, NULL, 0), FLOWLOG_OK);
            check_values(&s, &agg, &rows, q);
            const struct fl_agg_op *op = flowlog__agg_op(agg.kind);
            memset(s.words, 0, WORDS * sizeof *s.words); /* record 0 means nothing */
            check_others(&s, op->words);
            states_free(&s);
            cr_assert(t.live_bytes == 0 && t.wrong_lengths == 0);
        }
        test_batch_free(rows.made);
    }
}

Test(state, of_a_column_that_is_not_there_is_as_of_nulls)
{
    static const char *cells[64 * COLUMNS];
    struct rows rows;
    rows.made = test_batch_new(fields, cells, 64);
    for (size_t q = 1; q < QUESTIONS; q++) {
        const struct fl_agg agg = agg_of(&questions[q]);
        const struct fl_agg_op *op = flowlog__agg_op(agg.kind);
        struct states s;
        const flowlog_alloc a = flowlog__alloc_or_default(NULL);
        states_init(&s, &a);
        size_t at[64];
        for (int i = 0; i < 64; i++) at[i] = WORDS;
        flowlog_status status = FLOWLOG_OK;
        const struct fl_update u = {&rows.made->batch, NULL, 0, 64, s.words, at, &s.pool};
        cr_assert_eq(op->update(&u, &agg, &status), 64);
        for (uint32_t w = 0; w < GROUPS * WORDS; w++) cr_assert_eq(s.words[w], 0);
        states_free(&s);
    }
    test_batch_free(rows.made);
}

/* What the states are after they were saved and loaded. */
static void states_reload(struct states *s, const struct fl_agg *agg)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct fl_bytes b;
    flowlog__bytes_init(&b, &a);
    states_save(s, agg, &b);
    states_free(s);
    states_init(s, &a);
    struct fl_cursor in = {b.p, b.len, 0, 0};
    cr_assert_eq(states_load(s, agg, &in), FLOWLOG_OK);
    flowlog__bytes_free(&b);
}

/* Rows in any order, split into parts, saved and loaded or not, merged as any tree: the same bytes. */
Test(state, is_the_same_however_rows_are_ordered_split_and_merged)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    enum { PARTS = 7 };
    uint64_t random = 9;
    for (uint64_t seed = 11; seed <= 12; seed++) {
        struct rows rows = rows_of(seed << 32);
        for (size_t q = 0; q < QUESTIONS; q++) {
            const struct fl_agg agg = agg_of(&questions[q]);
            struct states whole;
            struct fl_bytes expected;
            flowlog__bytes_init(&expected, &a);
            states_init(&whole, &a);
            states_add(&whole, &agg, &rows, NULL, 0);
            states_save(&whole, &agg, &expected);
            for (int round = 0; round < 3; round++) {
                static uint32_t list[PARTS][ROWS];
                uint32_t order[ROWS], count[PARTS] = {0}, left = PARTS;
                struct states part[PARTS];
                for (uint32_t i = 0; i < ROWS; i++) order[i] = i;
                for (uint32_t i = ROWS; i > 1; i--) {
                    const uint32_t j = (uint32_t)(next(&random) % i), swap = order[i - 1];
                    order[i - 1] = order[j];
                    order[j] = swap;
                }
                for (uint32_t i = 0; i < ROWS; i++) {
                    const uint32_t p = (uint32_t)(next(&random) % PARTS);
                    list[p][count[p]++] = order[i];
                }
                for (uint32_t p = 0; p < PARTS; p++) {
                    states_init(&part[p], &a);
                    cr_assert_eq(states_add(&part[p], &agg, &rows, list[p], count[p]), FLOWLOG_OK);
                }
                while (left > 1) { /* any two of those that are left */
                    const uint32_t x = (uint32_t)(next(&random) % left);
                    const uint32_t y = (x + 1 + (uint32_t)(next(&random) % (left - 1))) % left;
                    if (next(&random) % 3 == 0) states_reload(&part[x], &agg);
                    if (next(&random) % 3 == 0) states_reload(&part[y], &agg);
                    cr_assert_eq(states_merge(&part[x], &part[y], &agg), FLOWLOG_OK);
                    states_free(&part[y]);
                    left--;
                    if (y != left) part[y] = part[left];
                }
                struct fl_bytes bytes;
                flowlog__bytes_init(&bytes, &a);
                states_save(&part[0], &agg, &bytes);
                cr_assert(bytes.len == expected.len && !memcmp(bytes.p, expected.p, bytes.len), "question %zu", q);
                check_values(&part[0], &agg, &rows, q);
                flowlog__bytes_free(&bytes);
                states_free(&part[0]);
            }
            states_free(&whole);
            flowlog__bytes_free(&expected);
        }
        test_batch_free(rows.made);
    }
}

/* What was loaded is the state: it has the values, saves the same bytes and goes on. */
static void load_and_check(const struct fl_agg *agg, const struct rows *rows, const struct fl_bytes *saved, size_t q)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct states s;
    states_init(&s, &a);
    struct fl_cursor in = {saved->p, saved->len, 0, 0};
    cr_assert_eq(states_load(&s, agg, &in), FLOWLOG_OK, "question %zu", q);
    cr_assert_eq(in.at, saved->len);
    check_values(&s, agg, rows, q);
    struct fl_bytes again;
    flowlog__bytes_init(&again, &a);
    states_save(&s, agg, &again);
    cr_assert(again.len == saved->len && !memcmp(again.p, saved->p, again.len), "question %zu", q);
    flowlog__bytes_free(&again);
    for (uint32_t g = 1; g < GROUPS; g++) flowlog__agg_op(agg->kind)->clear(agg, &s.pool, s.words + g * WORDS + WORD);
    states_free(&s);
    cr_assert(t.live_bytes == 0 && t.wrong_lengths == 0);
}

/* Any bytes: an error, or a state that saves them again and can be merged and finished. */
static void load_anything(const struct fl_agg *agg, const uint8_t *p, size_t len)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct states s, other;
    states_init(&s, &a);
    states_init(&other, &a);
    struct fl_cursor in = {p, len, 0, 0};
    const flowlog_status status = states_load(&s, agg, &in);
    if (status < 0) {
        cr_assert_eq(status, FLOWLOG_E_CORRUPT);
    } else {
        struct fl_bytes again;
        flowlog__bytes_init(&again, &a);
        states_save(&s, agg, &again);
        cr_assert(again.len == in.at && !memcmp(again.p, p, again.len));
        flowlog__bytes_free(&again);
        const flowlog_status merged = states_merge(&other, &s, agg), twice = states_merge(&other, &s, agg);
        cr_assert(merged == FLOWLOG_OK && (twice == FLOWLOG_OK || twice == FLOWLOG_E_OVERFLOW));
        for (uint32_t g = 1; g < GROUPS; g++) {
            flowlog_value v;
            flowlog__agg_op(agg->kind)->finish(agg, &other.pool, other.words + g * WORDS + WORD, &v);
        }
    }
    cr_assert_lt(t.peak_bytes, (size_t)1 << 21, "in proportion to the bytes");
    states_free(&s);
    states_free(&other);
    cr_assert(t.live_bytes == 0 && t.wrong_lengths == 0);
}

Test(state, is_saved_and_loaded_and_any_bytes_are_a_state_or_corrupt)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct rows rows = rows_of(UINT64_C(21) << 32);
    uint64_t random = 5;
    for (size_t q = 0; q < QUESTIONS; q++) {
        const struct fl_agg agg = agg_of(&questions[q]);
        struct states s;
        struct fl_bytes saved;
        flowlog__bytes_init(&saved, &a);
        states_init(&s, &a);
        states_add(&s, &agg, &rows, NULL, 0);
        states_save(&s, &agg, &saved);
        load_and_check(&agg, &rows, &saved, q);
        uint8_t *exact = malloc(saved.len); /* so that reading beyond it is seen */
        for (size_t len = 0; len < saved.len; len += len < 300 ? 1 : 61) {
            uint8_t *cut = malloc(len + !len);
            memcpy(cut, saved.p, len);
            struct states t;
            states_init(&t, &a);
            struct fl_cursor in = {cut, len, 0, 0};
            cr_assert_eq(states_load(&t, &agg, &in), FLOWLOG_E_CORRUPT, "question %zu cut at %zu", q, len);
            states_free(&t);
            free(cut);
        }
        for (int flip = 0; flip < 300; flip++) {
            const size_t reach = flip % 2 || saved.len < 40 ? saved.len : 40;
            memcpy(exact, saved.p, saved.len);
            for (uint64_t n = next(&random) % 3 + 1; n--;) exact[next(&random) % reach] ^= (uint8_t)next(&random);
            load_anything(&agg, exact, saved.len);
        }
        free(exact);
        states_free(&s);
        flowlog__bytes_free(&saved);
    }
    test_batch_free(rows.made);
}

Test(state, every_allocation_may_fail_once)
{
    struct rows rows = rows_of(UINT64_C(31) << 32);
    const flowlog_alloc steady = flowlog__alloc_or_default(NULL);
    for (size_t q = 0; q < QUESTIONS; q++) {
        const struct fl_agg agg = agg_of(&questions[q]);
        struct states source;
        states_init(&source, &steady);
        states_add(&source, &agg, &rows, NULL, 0);
        struct fl_bytes saved;
        flowlog__bytes_init(&saved, &steady);
        states_save(&source, &agg, &saved);
        int done = 0;
        for (size_t fail = 1; !done; fail++) {
            struct test_alloc t;
            const flowlog_alloc a = test_alloc_init(&t, fail);
            struct states s, loaded;
            struct fl_bytes before, after;
            flowlog__bytes_init(&before, &steady);
            flowlog__bytes_init(&after, &steady);
            states_init(&s, &a);
            states_init(&loaded, &a);
            struct fl_cursor in = {saved.p, saved.len, 0, 0};
            flowlog_status status = states_add(&s, &agg, &rows, NULL, 0);
            if (status == FLOWLOG_OK) {
                states_save(&s, &agg, &before);
                for (uint32_t g = 1; g < GROUPS && status == FLOWLOG_OK; g++) { /* what fails leaves what was there */
                    const struct fl_agg_op *op = flowlog__agg_op(agg.kind);
                    uint64_t *words = s.words + g * WORDS + WORD;
                    before.len = after.len = 0;
                    op->save(&agg, &s.pool, words, &before);
                    status = op->merge(&agg, &s.pool, words, &source.pool, source.words + (GROUPS - g) * WORDS + WORD);
                    op->save(&agg, &s.pool, words, &after);
                    if (status < 0) cr_assert(before.len == after.len && !memcmp(before.p, after.p, before.len));
                }
            }
            if (status == FLOWLOG_OK) status = states_load(&loaded, &agg, &in);
            cr_assert(status == FLOWLOG_OK || status == FLOWLOG_E_MEMORY);
            done = t.requests < fail;
            states_free(&s);
            states_free(&loaded);
            flowlog__bytes_free(&before);
            flowlog__bytes_free(&after);
            cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0);
        }
        states_free(&source);
        flowlog__bytes_free(&saved);
    }
    test_batch_free(rows.made);
}

Test(state, rows_that_do_not_count_take_no_memory)
{
    struct rows rows = rows_of(UINT64_C(41) << 32);
    memset(rows.group, 0, sizeof rows.group);
    for (size_t q = 0; q < QUESTIONS; q++) {
        const struct fl_agg agg = agg_of(&questions[q]);
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, 1);
        struct states s;
        states_init(&s, &a);
        cr_assert_eq(states_add(&s, &agg, &rows, NULL, 0), FLOWLOG_OK);
        cr_assert_eq(t.requests, 0);
        if (flowlog__agg_op(agg.kind)->heavy)
            for (uint32_t w = 0; w < WORDS; w++) cr_assert_eq(s.words[w], 0);
        states_free(&s);
    }
    test_batch_free(rows.made);
}

/* A null is a zero in its column, and a zero would be the smallest of these, or the largest. */
Test(state, min_and_max_of_values_beside_nulls_are_not_zero)
{
    static const char *const cells[] = {"-", "-", "-", "-", "7", "7000", "-7", "10.0.0.7", "-", "-", "-", "-",
                                        "9", "9000", "-9", "::9", "-", "-", "-", "-"};
    static const uint64_t expected[2][3] = {{7, 7000, 0 - UINT64_C(9)}, {9, 9000, 0 - UINT64_C(7)}};
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct test_batch *b = test_batch_new("dstport,bytes,start,srcaddr", cells, 5);
    const size_t at[] = {8, 8, 8, 8, 8};
    struct fl_pool pool;
    flowlog__pool_init(&pool, &a);
    for (uint32_t k = 0; k < 2; k++)
        for (uint32_t c = 0; c < 4; c++) {
            const struct fl_agg agg = {.kind = k ? FLOWLOG_AGG_MAX : FLOWLOG_AGG_MIN, .column = c,
                                       .type = b->column[c].type};
            const struct fl_agg_op *op = flowlog__agg_op(agg.kind);
            uint64_t state[16] = {0};
            const struct fl_update u = {&b->batch, NULL, 0, 5, state, at, &pool};
            flowlog_status status = FLOWLOG_OK;
            flowlog_value v;
            cr_assert_eq(op->update(&u, &agg, &status), 5);
            op->finish(&agg, &pool, state + 8, &v);
            cr_expect_eq(v.is_null, 0);
            if (c < 3) cr_expect_eq(v.number, expected[k][c], "kind %u column %u", k, c);
            else cr_expect_eq(v.addr.family, k ? 6 : 4);
        }
    flowlog__pool_free(&pool);
    test_batch_free(b);
}

/* Each kind that adds up: what exceeds 64 bits stops at its row, whose record is unchanged. */
Test(state, a_sum_beyond_64_bits_stops_at_its_row)
{
    static const char *const cells[] = {"18446744073709551615", "5", "-", "1", "2"};
    static const uint32_t kinds[] = {FLOWLOG_AGG_SUM, FLOWLOG_AGG_AVG, FLOWLOG_AGG_STDDEV};
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct test_batch *b = test_batch_new("bytes", cells, 5);
    for (size_t k = 0; k < 3; k++)
        for (int listed = 0; listed < 2; listed++) {
            static const uint32_t list[] = {0, 1, 2, 3, 4};
            const struct fl_agg agg = {.kind = kinds[k], .column = 0, .word = 1, .type = FLOWLOG_TYPE_U64};
            uint64_t state[24] = {0}, before[24];
            const size_t at[] = {8, 16, 8, 8, 16};
            struct fl_pool pool;
            flowlog__pool_init(&pool, &a);
            flowlog_status status = FLOWLOG_OK;
            struct fl_update u = {&b->batch, listed ? list : NULL, 0, 5, state, at, &pool};
            cr_assert_eq(flowlog__agg_op(agg.kind)->update(&u, &agg, &status), 3);
            cr_assert_eq(status, FLOWLOG_E_OVERFLOW);
            memcpy(before, state, sizeof state);
            u.rows = list + 3;
            u.n = 1;
            u.at = at + 3;
            cr_assert_eq(flowlog__agg_op(agg.kind)->update(&u, &agg, &status), 0);
            cr_assert(!memcmp(before, state, sizeof state), "unchanged");
            const flowlog_status merged = flowlog__agg_op(agg.kind)->merge(&agg, &pool, state + 9, &pool, state + 17);
            cr_assert_eq(merged, FLOWLOG_E_OVERFLOW);
            cr_assert(!memcmp(before, state, sizeof state), "unchanged");
            flowlog_value v;
            flowlog__agg_op(agg.kind)->finish(&agg, &pool, state + 9, &v);
            if (kinds[k] != FLOWLOG_AGG_STDDEV) cr_assert_eq(v.number, UINT64_MAX);
            flowlog__pool_free(&pool);
        }
    test_batch_free(b);
}

Test(state, has_a_type_for_what_it_can_take)
{
    static const struct {
        uint32_t kind;
        uint8_t type[7]; /* of TEXT U32 U64 TIME ADDR ENUM: by column type, 0 unused */
    } rows[] = {
        {FLOWLOG_AGG_COUNT, {0, 3, 3, 3, 3, 3, 3}}, {FLOWLOG_AGG_SUM, {0, 0, 3, 3, 0, 0, 0}},
        {FLOWLOG_AGG_MIN, {0, 0, 2, 3, 4, 5, 0}}, {FLOWLOG_AGG_MAX, {0, 0, 2, 3, 4, 5, 0}},
        {FLOWLOG_AGG_AVG, {0, 0, 7, 7, 0, 0, 0}}, {FLOWLOG_AGG_STDDEV, {0, 0, 7, 7, 0, 0, 0}},
        {FLOWLOG_AGG_DISTINCT, {0, 3, 3, 3, 3, 3, 3}}, {FLOWLOG_AGG_QUANTILE, {0, 0, 2, 3, 4, 0, 0}},
        {FLOWLOG_AGG_FIRST, {0, 1, 2, 3, 4, 5, 6}}, {FLOWLOG_AGG_LAST, {0, 1, 2, 3, 4, 5, 6}},
        {FLOWLOG_AGG_OR, {0, 0, 2, 3, 0, 0, 0}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_not_null(flowlog__agg_op(rows[i].kind));
        for (uint32_t type = 1; type <= 6; type++)
            cr_expect_eq(flowlog__agg_type(rows[i].kind, type), rows[i].type[type], "%u of %u", rows[i].kind, type);
        cr_expect_eq(flowlog__agg_type(rows[i].kind, FLOWLOG_TYPE_DECIMAL) != 0,
                     rows[i].kind == FLOWLOG_AGG_COUNT || rows[i].kind == FLOWLOG_AGG_DISTINCT);
    }
    cr_expect_null(flowlog__agg_op(0));
    cr_expect_null(flowlog__agg_op(12));
    cr_expect_null(flowlog__agg_op(UINT32_MAX));
    cr_expect_eq(flowlog__agg_type(12, FLOWLOG_TYPE_U32), 0);
    cr_expect_eq(flowlog__agg_type(FLOWLOG_AGG_COUNT, 0), FLOWLOG_TYPE_U64, "rows");
}
