/* SPDX-License-Identifier: MIT */
/* state.c - count and sum; see state.h. */
#include "agg/state.h"

#include "core/compiler.h"
#include "flowlog/plan.h"

static uint32_t count_update(struct fl_records records, const struct fl_agg *agg, const flowlog_batch *batch,
                             const uint32_t *groups, const uint32_t *rows, uint32_t n)
{
    (void)batch;
    (void)rows;
    uint64_t *state = records.state + agg->word;
    for (uint32_t i = 0; i < n; i++) state[groups[i] * records.words]++; /* 2^64 rows are out of reach */
    return n;
}

/* Nulls are zeros in the columns.  The branch is never taken but once in a run. */
#define SUM(type)                                                    \
    do {                                                             \
        const type *values_ = column->values;                        \
        for (uint32_t i = 0; i < n; i++) {                           \
            uint64_t *sum_ = &state[groups[i] * records.words];      \
            const uint64_t v_ = values_[rows[i]];                    \
            if (FL_UNLIKELY(*sum_ > UINT64_MAX - v_)) return i;      \
            *sum_ += v_;                                             \
        }                                                            \
    } while (0)

static uint32_t sum_update(struct fl_records records, const struct fl_agg *agg, const flowlog_batch *batch,
                           const uint32_t *groups, const uint32_t *rows, uint32_t n)
{
    const flowlog_column *column = &batch->column[agg->column];
    uint64_t *state = records.state + agg->word;
    if (!column->present) return n;
    if (column->type == FLOWLOG_TYPE_U64) SUM(uint64_t);
    else SUM(uint32_t);
    return n;
}

static uint64_t first_word(const uint64_t *words) { return words[0]; }

const struct fl_agg_op *flowlog__agg_op(uint32_t kind)
{
    static const struct fl_agg_op ops[] = {
        [FLOWLOG_AGG_COUNT] = {1, count_update, first_word},
        [FLOWLOG_AGG_SUM] = {1, sum_update, first_word},
    };
    return kind < sizeof ops / sizeof ops[0] && ops[kind].update ? &ops[kind] : NULL;
}
