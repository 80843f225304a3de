/* SPDX-License-Identifier: MIT */
/* state.c - count and sum; see state.h. */
#include "agg/state.h"

#include "core/compiler.h"
#include "flowlog/plan.h"

static uint32_t count_update(const struct fl_update *u, const struct fl_agg *agg)
{
    uint64_t *state = u->state + agg->word;
    const size_t *at = u->at;
    const uint32_t n = u->n;
    for (uint32_t i = 0; i < n; i++) state[at[i]]++; /* 2^64 rows are out of reach */
    return n;
}

/* Nulls are zeros in the columns.  The branch is taken at most once in a run. */
#define SUM(value)                                              \
    do {                                                        \
        for (uint32_t i = 0; i < n; i++) {                      \
            const uint64_t v_ = (value), s_ = state[at[i]] + v_; \
            if (FL_UNLIKELY(s_ < v_)) return i;                 \
            state[at[i]] = s_;                                  \
        }                                                       \
    } while (0)

#define SUM_COLUMN(type)                                          \
    do {                                                          \
        const type *values_ = column->values;                     \
        if (rows) {                                               \
            SUM(values_[rows[i]]);                                \
        } else {                                                  \
            values_ += u->first;                                  \
            SUM(values_[i]);                                      \
        }                                                         \
    } while (0)

static uint32_t sum_update(const struct fl_update *u, const struct fl_agg *agg)
{
    const flowlog_column *column = &u->batch->column[agg->column];
    uint64_t *state = u->state + agg->word;
    const size_t *at = u->at;
    const uint32_t n = u->n, *rows = u->rows;
    if (!column->present) return n;
    if (column->type == FLOWLOG_TYPE_U64) SUM_COLUMN(uint64_t);
    else SUM_COLUMN(uint32_t);
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
