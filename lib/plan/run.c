/* SPDX-License-Identifier: MIT */
/*
 * run.c - batches into groups and groups into a result; see flowlog/plan.h.
 *
 * A batch goes through: are these its columns; which rows match, for the plan and for each aggregate with a condition
 * of its own; columns that keys need and records do not have; groups.
 */
#include "plan/run.h"

#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/error.h"
#include "plan/result.h"

/* The aggregate that an approximate plan keeps the largest groups of: FL_NONE when its order does not say. */
static uint32_t weight_of(const flowlog_plan *plan)
{
    if (!plan->sorts || plan->sort[0].is_key || !plan->sort[0].descending) return FL_NONE;
    const struct fl_plan_expr *e = &plan->out[plan->sort[0].index].expr;
    if (e->output || e->operand < FL_OPERAND_AGG || e->operand >= FL_OPERAND_RATIO) return FL_NONE;
    const uint32_t a = e->operand - FL_OPERAND_AGG, kind = plan->agg[a].kind;
    return kind == FLOWLOG_AGG_COUNT || kind == FLOWLOG_AGG_SUM ? a : FL_NONE;
}

static void set_keys(const flowlog_plan *plan, const struct fl_derive *derive, struct fl_keys *keys)
{
    keys->count = plan->keys;
    for (uint32_t k = 0; k < plan->keys; k++) {
        const struct fl_plan_key *key = &plan->key[k];
        keys->key[k] = (struct fl_key){.column = derive->at[k], .type = key->type,
                                       .field = plan->field[key->field[0]].field,
                                       .prefix4 = key->bits[0], .prefix6 = key->bits[1]};
    }
}

static void set_aggs(const flowlog_plan *plan, struct fl_group_spec *spec)
{
    spec->aggs = plan->aggs;
    for (uint32_t a = 0; a < plan->aggs; a++) {
        const struct fl_plan_agg *from = &plan->agg[a];
        struct fl_agg *to = &spec->agg[a];
        const char *word = flowlog__plan_agg_word(from->kind);
        *to = (struct fl_agg){.name = word ? word : "a quantile", .kind = from->kind, .column = FL_NO_COLUMN,
                              .order = FL_NO_COLUMN, .quantile = from->quantile,
                              .where = from->where == FL_NONE ? FL_NO_WHERE : from->where};
        if (from->kind == FLOWLOG_AGG_FIRST || from->kind == FLOWLOG_AGG_LAST)
            to->order = flowlog__plan_field_at(plan, FLOWLOG_FIELD_START);
        if (from->field == FL_NONE) continue;
        to->column = from->field;
        to->field = plan->field[from->field].field;
        to->type = plan->field[from->field].type;
    }
    for (uint32_t o = plan->outs; o-- > 0;) { /* the name that users know, of the first column that has it */
        const uint32_t operand = plan->out[o].expr.output ? FL_NONE : plan->out[o].expr.operand;
        if (operand >= FL_OPERAND_AGG && operand < FL_OPERAND_RATIO)
            spec->agg[operand - FL_OPERAND_AGG].name = plan->out[o].name;
    }
}

flowlog_status flowlog_run_begin(const flowlog_plan *plan, const flowlog_alloc *alloc, flowlog_run **run)
{
    if (!plan || !run) return FLOWLOG_E_ARGUMENT;
    if (plan->approximate && weight_of(plan) == FL_NONE) return FLOWLOG_E_ARGUMENT;
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    flowlog_run *r = flowlog__alloc_zero(&a, sizeof *r);
    struct fl_group_spec *spec = flowlog__alloc_zero(&a, sizeof *spec);
    if (!r || !spec) {
        flowlog__release(&a, r, sizeof *r);
        flowlog__release(&a, spec, sizeof *spec);
        return FLOWLOG_E_MEMORY;
    }
    r->alloc = a;
    r->plan = plan;
    r->needs_span = flowlog__plan_needs_span(plan);
    r->all_rows = flowlog__plan_all_rows(plan);
    flowlog__derive_init(&r->derive, plan, &a);
    set_keys(plan, &r->derive, &spec->keys);
    set_aggs(plan, spec);
    spec->keep_null = plan->keep_null;
    spec->all_rows = r->all_rows;
    spec->max_groups = plan->max_groups ? plan->max_groups : FL_PLAN_GROUPS_DEFAULT;
    spec->approximate = plan->approximate;
    spec->weight = plan->approximate ? weight_of(plan) : 0;
    flowlog__groups_init(&r->groups, spec, &r->alloc);
    flowlog__release(&a, spec, sizeof *spec);
    /* Without keys all rows are one group, also when there are none. */
    const flowlog_status status = plan->keys ? FLOWLOG_OK : flowlog__groups_add_only(&r->groups);
    if (status < 0) {
        flowlog_run_free(r);
        return status;
    }
    *run = r;
    return FLOWLOG_OK;
}

void flowlog_run_free(flowlog_run *run)
{
    if (!run) return;
    const flowlog_alloc a = run->alloc;
    flowlog__groups_free(&run->groups);
    flowlog__derive_free(&run->derive);
    flowlog__release(&a, run->bits, run->bits_len);
    flowlog__release(&a, run, sizeof *run);
}

/* --- the columns of a batch ------------------------------------------------------------------------------- */

static flowlog_status check_column(const flowlog_batch *batch, uint32_t c, uint32_t field, const char *name,
                                   flowlog_error *err)
{
    const flowlog_column *column = &batch->column[c];
    const flowlog_field_info *info = flowlog_field_get(field);
    const uint32_t type = info ? info->type : (uint32_t)FLOWLOG_TYPE_TEXT;
    if (column->field == field && column->type == type
        && (field || (column->name && flowlog__plan_same_name(column->name, name, strlen(name))))) return FLOWLOG_OK;
    return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "column %u of the batch is '%.60s' and not '%.60s'", (unsigned)c + 1,
                   column->name ? column->name : "", name);
}

/* *filtered is 1 when the reader has left only rows that match; then the filter's own columns may be missing. */
static flowlog_status check_columns(const flowlog_plan *plan, const flowlog_batch *batch, int *filtered,
                                    flowlog_error *err)
{
    *filtered = !plan->filter || batch->filter == plan->filter;
    uint32_t c = 0, columns = plan->fields;
    const uint32_t more = plan->filter ? flowlog__filter_field_count(plan->filter) : 0;
    for (uint32_t f = 0; f < more; f++)
        columns += !flowlog__plan_has_field(plan, flowlog__filter_field_id(plan->filter, f),
                                            flowlog__filter_field_name(plan->filter, f));
    if (batch->columns != columns && !(*filtered && batch->columns == plan->fields))
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the batch has %u columns and the plan %u fields",
                       (unsigned)batch->columns, (unsigned)columns);
    for (; c < plan->fields; c++) FL_TRY(check_column(batch, c, plan->field[c].field, plan->field[c].name, err));
    for (uint32_t f = 0; c < batch->columns && f < more; f++) {
        const uint32_t field = flowlog__filter_field_id(plan->filter, f);
        const char *name = flowlog__filter_field_name(plan->filter, f);
        if (!flowlog__plan_has_field(plan, field, name)) FL_TRY(check_column(batch, c++, field, name, err));
    }
    return FLOWLOG_OK;
}

/* --- rows that count -------------------------------------------------------------------------------------- */

static uint64_t *bits_of(const flowlog_run *run, uint32_t i) { return run->bits + i * run->bits_words; }

static flowlog_status reserve_bits(flowlog_run *run, uint32_t rows)
{
    const size_t words = ((size_t)rows + 63) / 64, count = 1 + run->plan->wheres;
    if (words <= run->bits_words) return FLOWLOG_OK;
    uint64_t *bits = flowlog__alloc_array(&run->alloc, words * count, sizeof *bits);
    if (!bits) return FLOWLOG_E_MEMORY;
    flowlog__release(&run->alloc, run->bits, run->bits_len);
    run->bits = bits;
    run->bits_len = words * count * sizeof *bits;
    run->bits_words = words;
    return FLOWLOG_OK;
}

/* Rows first .. first + 63 that take part, as the groups see it. */
static uint64_t counted_mask(const flowlog_run *run, const flowlog_batch *batch, const uint64_t *selection,
                             uint32_t first)
{
    const uint32_t n = batch->rows - first < 64 ? batch->rows - first : 64;
    uint64_t mask = fl_low_bits(n);
    if (selection) mask &= selection[first / 64];
    for (uint32_t i = 0; !run->all_rows && i < n; i++) {
        const uint8_t status = batch->log_status[first + i];
        if (status == FLOWLOG_LOG_STATUS_NODATA || status == FLOWLOG_LOG_STATUS_SKIPDATA) mask &= ~(UINT64_C(1) << i);
    }
    for (uint32_t k = 0; !run->plan->keep_null && k < run->plan->keys; k++) {
        const flowlog_column *c = &batch->column[run->derive.at[k]];
        mask &= c->present ? c->validity[first / 64] : 0;
    }
    return mask;
}

static void widen(struct fl_span *span, const struct fl_span *by)
{
    if (by->has_start && (!span->has_start || by->start < span->start)) span->start = by->start;
    if (by->has_end && (!span->has_end || by->end > span->end)) span->end = by->end;
    span->has_start |= by->has_start;
    span->has_end |= by->has_end;
}

static void add_span(flowlog_run *run, const flowlog_batch *batch, const uint64_t *selection)
{
    const flowlog_column *start = &batch->column[flowlog__plan_field_at(run->plan, FLOWLOG_FIELD_START)];
    const flowlog_column *end = &batch->column[flowlog__plan_field_at(run->plan, FLOWLOG_FIELD_END)];
    for (uint32_t first = 0; first < batch->rows; first += 64) {
        const uint64_t mask = counted_mask(run, batch, selection, first);
        for (uint64_t left = mask; left; left &= left - 1) {
            const uint32_t i = first + fl_ctz64(left);
            struct fl_span one = {0, 0, 0, 0};
            one.has_start = (uint8_t)(start->present && fl_bit_get(start->validity, i));
            one.has_end = (uint8_t)(end->present && fl_bit_get(end->validity, i));
            if (one.has_start) one.start = ((const int64_t *)start->values)[i];
            if (one.has_end) one.end = ((const int64_t *)end->values)[i];
            widen(&run->span, &one);
        }
    }
}

/* Its seconds; 0 when there is none. */
static uint64_t span_sec(const struct fl_span *span)
{
    if (!span->has_start || !span->has_end || span->end <= span->start) return 0;
    return (uint64_t)span->end - (uint64_t)span->start;
}

/* --- adding ----------------------------------------------------------------------------------------------- */

static flowlog_status add_batch(flowlog_run *run, const flowlog_batch *batch, int filtered, flowlog_error *err)
{
    const flowlog_plan *plan = run->plan;
    const uint64_t *wheres[FL_AGGS_MAX], *selection = NULL;
    const flowlog_batch *with = batch;
    if (!filtered || plan->wheres)
        if (reserve_bits(run, batch->rows) < 0) return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a batch");
    if (!filtered) {
        uint32_t matched = 0;
        FL_TRY(flowlog_filter_select(plan->filter, batch, bits_of(run, 0), &matched, err));
        if (!matched) return FLOWLOG_OK;
        if (matched < batch->rows) selection = bits_of(run, 0);
    }
    for (uint32_t w = 0; w < plan->wheres; w++) {
        wheres[w] = bits_of(run, w + 1);
        FL_TRY(flowlog_filter_select(plan->where[w].filter, batch, bits_of(run, w + 1), NULL, err));
    }
    if (flowlog__derive(&run->derive, plan, batch, &with) < 0)
        return FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a batch");
    FL_TRY(flowlog__groups_add(&run->groups, with, selection, wheres, err));
    if (run->needs_span) add_span(run, with, selection);
    return FLOWLOG_OK;
}

flowlog_status flowlog_run_add(flowlog_run *run, const flowlog_batch *batch, flowlog_error *err)
{
    int filtered;
    if (!run || !batch) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no run or no batch given");
    if (run->failed < 0) return FL_FAIL(err, run->failed, "the run ended in an error before");
    FL_TRY(check_columns(run->plan, batch, &filtered, err));
    return run->failed = batch->rows ? add_batch(run, batch, filtered, err) : FLOWLOG_OK;
}

/* 1, 0, or E_MEMORY. */
static int equal_plans(const flowlog_plan *a, const flowlog_plan *b, const flowlog_alloc *alloc)
{
    if (a == b) return 1;
    const size_t len = flowlog_plan_explain(a, NULL, 0);
    if (flowlog_plan_explain(b, NULL, 0) != len) return 0;
    char *text = flowlog__alloc(alloc, 2 * (len + 1));
    if (!text) return FLOWLOG_E_MEMORY;
    flowlog_plan_explain(a, text, len + 1);
    flowlog_plan_explain(b, text + len + 1, len + 1);
    const int equal = memcmp(text, text + len + 1, len) == 0;
    flowlog__release(alloc, text, 2 * (len + 1));
    return equal;
}

flowlog_status flowlog_run_merge(flowlog_run *run, const flowlog_run *other, flowlog_error *err)
{
    if (!run || !other || run == other) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "two different runs are needed");
    if (run->failed < 0) return FL_FAIL(err, run->failed, "the run ended in an error before");
    if (other->failed < 0) return FL_FAIL(err, other->failed, "the other run ended in an error before");
    const int equal = equal_plans(run->plan, other->plan, &run->alloc);
    if (equal < 0) return run->failed = FL_FAIL(err, FLOWLOG_E_MEMORY, "out of memory for a plan");
    if (!equal) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "the runs are of different plans");
    run->failed = flowlog__groups_merge(&run->groups, &other->groups, err);
    if (run->failed >= 0) widen(&run->span, &other->span);
    return run->failed;
}

flowlog_status flowlog_run_finish(flowlog_run *run, flowlog_result **result, flowlog_error *err)
{
    if (!run || !result) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "no run or no result given");
    if (run->failed < 0) return FL_FAIL(err, run->failed, "the run ended in an error before");
    struct fl_values values;
    struct fl_ranking ranking;
    const uint64_t bin = flowlog__plan_bin(run->plan);
    FL_TRY(flowlog__values_init(&values, run->plan, &run->groups, bin ? bin : span_sec(&run->span), err));
    flowlog_status status = flowlog__order(&values, &run->alloc, &ranking);
    if (status >= 0) {
        status = flowlog__result_new(&values, &ranking, &run->alloc, result);
        flowlog__ranking_free(&ranking, &run->alloc);
    }
    return status < 0 ? FL_FAIL(err, status, "out of memory for a result") : FLOWLOG_OK;
}
