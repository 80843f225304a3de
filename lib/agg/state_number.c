/* SPDX-License-Identifier: MIT */
/*
 * state_number.c - states that are sums: count, sum, or; see state.h.
 *
 * Nulls are zeros in the columns, so a sum need not ask for them; what counts rows adds their bit of validity.
 */
#include <string.h>

#include "agg/states.h"
#include "flowlog/plan.h"

/* --- what they share -------------------------------------------------------------------------------------- */

static void set_number(flowlog_value *value, uint32_t type, uint64_t number)
{
    memset(value, 0, sizeof *value);
    value->type = (uint8_t)type;
    value->number = number;
}

static int finish_word(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                       flowlog_value *value)
{
    (void)pool;
    set_number(value, agg->kind == FLOWLOG_AGG_OR ? agg->type : FLOWLOG_TYPE_U64, words[0]);
    return 0;
}

static void save_word(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                      struct fl_bytes *out)
{
    (void)agg;
    (void)pool;
    flowlog__bytes_put_varint(out, words[0]);
}

static flowlog_status load_word(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                struct fl_cursor *in)
{
    (void)pool;
    const uint64_t word = flowlog__cursor_varint(in);
    if (in->failed) return FLOWLOG_E_CORRUPT;
    if (agg->kind == FLOWLOG_AGG_OR && agg->type == FLOWLOG_TYPE_U32 && word > UINT32_MAX) return FLOWLOG_E_CORRUPT;
    words[0] = word;
    return FLOWLOG_OK;
}

static void clear_nothing(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words)
{
    (void)agg;
    (void)pool;
    (void)words;
}

/* Count and sum: one word that must not overflow. */
static flowlog_status merge_sum(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                const struct fl_pool *from_pool, const uint64_t *from)
{
    (void)agg;
    (void)pool;
    (void)from_pool;
    if (words[0] > UINT64_MAX - from[0]) return FLOWLOG_E_OVERFLOW;
    words[0] += from[0];
    return FLOWLOG_OK;
}

/* --- count ------------------------------------------------------------------------------------------------ */

static uint32_t count_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    (void)status; /* 2^64 rows are out of reach */
    uint64_t *state = u->state + agg->word;
    const size_t *at = u->at;
    const uint32_t n = u->n;
    if (agg->column == FL_NO_COLUMN) {
        for (uint32_t i = 0; i < n; i++) state[at[i]]++;
        return n;
    }
    const flowlog_column *column = fl_column(u, agg);
    if (!column->present) return n;
    if (u->rows)
        for (uint32_t i = 0; i < n; i++) state[at[i]] += (uint64_t)fl_bit_get(column->validity, u->rows[i]);
    else
        for (uint32_t i = 0; i < n; i++) state[at[i]] += (uint64_t)fl_bit_get(column->validity, u->first + i);
    return n;
}

const struct fl_agg_op flowlog__agg_count = {
    .words = 1, .update = count_update, .merge = merge_sum, .finish = finish_word,
    .save = save_word, .load = load_word, .clear = clear_nothing};

/* --- sum -------------------------------------------------------------------------------------------------- */

/* The branch is taken at most once in a run. */
FL_INLINE uint32_t sum_loop(const struct fl_update *u, const struct fl_agg *agg, int wide, const uint32_t *rows)
{
    const void *values = fl_column(u, agg)->values;
    uint64_t *state = u->state + agg->word;
    const size_t *at = u->at;
    const uint32_t n = u->n;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t v = fl_number(values, wide, fl_row(u, rows, i)), sum = state[at[i]] + v;
        if (FL_UNLIKELY(sum < v)) return i;
        state[at[i]] = sum;
    }
    return n;
}

static uint32_t sum_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    const flowlog_column *column = fl_column(u, agg);
    if (!column->present) return u->n;
    const uint32_t done = FL_BY_FORM(sum_loop, u, agg, column->type);
    if (FL_UNLIKELY(done < u->n)) *status = FLOWLOG_E_OVERFLOW;
    return done;
}

const struct fl_agg_op flowlog__agg_sum = {
    .words = 1, .update = sum_update, .merge = merge_sum, .finish = finish_word,
    .save = save_word, .load = load_word, .clear = clear_nothing};

/* --- or --------------------------------------------------------------------------------------------------- */

FL_INLINE uint32_t or_loop(const struct fl_update *u, const struct fl_agg *agg, int wide, const uint32_t *rows)
{
    const void *values = fl_column(u, agg)->values;
    uint64_t *state = u->state + agg->word;
    const size_t *at = u->at;
    const uint32_t n = u->n;
    for (uint32_t i = 0; i < n; i++) state[at[i]] |= fl_number(values, wide, fl_row(u, rows, i));
    return n;
}

static uint32_t or_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    (void)status;
    const flowlog_column *column = fl_column(u, agg);
    return column->present ? FL_BY_FORM(or_loop, u, agg, column->type) : u->n;
}

static flowlog_status or_merge(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                               const struct fl_pool *from_pool, const uint64_t *from)
{
    (void)agg;
    (void)pool;
    (void)from_pool;
    words[0] |= from[0];
    return FLOWLOG_OK;
}

const struct fl_agg_op flowlog__agg_or = {
    .words = 1, .update = or_update, .merge = or_merge, .finish = finish_word,
    .save = save_word, .load = load_word, .clear = clear_nothing};
