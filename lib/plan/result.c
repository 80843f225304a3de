/* SPDX-License-Identifier: MIT */
/*
 * result.c - the answer: for each row the key in the form it was grouped by, and the aggregates.
 *
 * Everything is a copy, in three blocks of memory whose sizes are known before they are asked for.
 */
#include "plan/result.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

struct flowlog_result {
    flowlog_alloc alloc;
    struct fl_keys keys;
    uint32_t aggs;
    uint64_t rows, groups, null_keys;
    uint64_t total[FL_AGGS_MAX];
    uint8_t too_large[FL_AGGS_MAX]; /* the total exceeds 64 bits */
    const char *name[FL_PLAN_COLUMNS];
    char *names;
    size_t names_len;
    uint64_t *cells; /* [rows][3 + aggs]: words of a long key or 0, the packed key or its offset, its second word,
                       aggregates */
    size_t cells_len;
    uint64_t *words; /* of long keys */
    size_t words_len;
};

enum { CELL_LONG, CELL_KEY, CELL_SECOND, CELL_AGGS };

void flowlog_result_free(flowlog_result *r)
{
    if (!r) return;
    const flowlog_alloc a = r->alloc;
    flowlog__release(&a, r->names, r->names_len);
    flowlog__release(&a, r->cells, r->cells_len);
    flowlog__release(&a, r->words, r->words_len);
    flowlog__release(&a, r, sizeof *r);
}

static flowlog_status set_names(flowlog_result *r, const flowlog_plan *plan)
{
    const uint32_t columns = plan->keys + plan->aggs;
    for (uint32_t c = 0; c < columns; c++) r->names_len += strlen(flowlog__plan_column(plan, c)) + 1;
    if (!columns) return FLOWLOG_OK;
    char *p = r->names = flowlog__alloc(&r->alloc, r->names_len);
    if (!p) return FLOWLOG_E_MEMORY;
    for (uint32_t c = 0; c < columns; c++) {
        const size_t len = strlen(flowlog__plan_column(plan, c)) + 1;
        memcpy(p, flowlog__plan_column(plan, c), len);
        r->name[c] = p;
        p += len;
    }
    return FLOWLOG_OK;
}

static uint64_t aggregate(const struct fl_groups *g, uint64_t group, uint32_t a)
{
    const struct fl_agg *agg = &g->spec.agg[a];
    flowlog_value value;
    flowlog__agg_op(agg->kind)->finish(agg, &g->pool, flowlog__groups_record(g, group) + agg->word, &value);
    return value.number;
}

static void set_totals(flowlog_result *r, const struct fl_groups *g)
{
    for (uint64_t i = 0; i < r->groups; i++)
        for (uint32_t a = 0; a < r->aggs; a++) {
            const uint64_t v = aggregate(g, i, a);
            r->too_large[a] |= v > UINT64_MAX - r->total[a];
            r->total[a] += v;
        }
}

/* How many words a long key has; 0 for a packed one. */
static size_t long_words(struct fl_key_ref ref) { return ref.words ? fl_long_count(ref.word) : 0; }

static flowlog_status set_rows(flowlog_result *r, const struct fl_groups *g, const struct fl_ranked *ranked,
                               size_t count)
{
    const size_t width = CELL_AGGS + r->aggs;
    size_t words = 0;
    for (size_t i = 0; i < count; i++) words += long_words(flowlog__groups_key(g, ranked[i].group));
    if (count > SIZE_MAX / sizeof(uint64_t) / width) return FLOWLOG_E_MEMORY;
    r->rows = count;
    if (count) {
        r->cells_len = count * width * sizeof(uint64_t);
        r->cells = flowlog__alloc(&r->alloc, r->cells_len);
        if (!r->cells) return FLOWLOG_E_MEMORY;
    }
    if (words) {
        r->words_len = words * sizeof(uint64_t);
        r->words = flowlog__alloc(&r->alloc, r->words_len);
        if (!r->words) return FLOWLOG_E_MEMORY;
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const struct fl_key_ref ref = flowlog__groups_key(g, ranked[i].group);
        uint64_t *cell = r->cells + i * width;
        const size_t n = long_words(ref);
        cell[CELL_LONG] = n;
        cell[CELL_KEY] = n ? used : ref.word;
        cell[CELL_SECOND] = ref.second;
        if (n) memcpy(r->words + used, ref.words, n * sizeof(uint64_t));
        used += n;
        for (uint32_t a = 0; a < r->aggs; a++) cell[CELL_AGGS + a] = aggregate(g, ranked[i].group, a);
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog__result_new(const flowlog_plan *plan, const struct fl_groups *g,
                                   const struct fl_ranked *ranked, size_t count, const flowlog_alloc *alloc,
                                   flowlog_result **result)
{
    flowlog_result *r = flowlog__alloc_zero(alloc, sizeof *r);
    if (!r) return FLOWLOG_E_MEMORY;
    r->alloc = *alloc;
    r->keys = g->spec.keys;
    r->aggs = g->spec.aggs;
    r->groups = fl_groups_count(g);
    r->null_keys = g->null_keys;
    flowlog_status status = set_names(r, plan);
    if (status >= 0) status = set_rows(r, g, ranked, count);
    if (status < 0) {
        flowlog_result_free(r);
        return status;
    }
    set_totals(r, g);
    *result = r;
    return FLOWLOG_OK;
}

uint64_t flowlog_result_rows(const flowlog_result *result) { return result ? result->rows : 0; }

uint32_t flowlog_result_columns(const flowlog_result *result)
{
    return result ? result->keys.count + result->aggs : 0;
}

const char *flowlog_result_name(const flowlog_result *result, uint32_t column)
{
    return column < flowlog_result_columns(result) ? result->name[column] : NULL;
}

flowlog_status flowlog_result_value(const flowlog_result *result, uint64_t row, uint32_t column,
                                    flowlog_value *value)
{
    if (!result || !value || row >= result->rows || column >= flowlog_result_columns(result))
        return FLOWLOG_E_ARGUMENT;
    const uint64_t *cell = result->cells + (size_t)row * (CELL_AGGS + result->aggs);
    if (column < result->keys.count) {
        const uint64_t key = cell[CELL_KEY];
        const struct fl_key_ref ref = {key, cell[CELL_LONG] ? result->words + (size_t)key : NULL,
                                       cell[CELL_SECOND]};
        flowlog__keys_value(&result->keys, ref, column, value);
    } else {
        memset(value, 0, sizeof *value);
        value->type = FLOWLOG_TYPE_U64;
        value->number = cell[CELL_AGGS + column - result->keys.count];
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog_result_total(const flowlog_result *result, uint32_t column, uint64_t *total)
{
    if (!result || !total || column < result->keys.count || column >= flowlog_result_columns(result))
        return FLOWLOG_E_ARGUMENT;
    const uint32_t a = column - result->keys.count;
    if (result->too_large[a]) return FLOWLOG_E_OVERFLOW;
    *total = result->total[a];
    return FLOWLOG_OK;
}

uint64_t flowlog_result_groups(const flowlog_result *result) { return result ? result->groups : 0; }

uint64_t flowlog_result_null_keys(const flowlog_result *result) { return result ? result->null_keys : 0; }
