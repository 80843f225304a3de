/* SPDX-License-Identifier: MIT */
/*
 * state_number.c - states that are sums: count, sum, avg, stddev, or; see state.h.
 *
 * Nulls are zeros in the columns, so a sum need not ask for them; what counts rows adds their bit of validity.
 */
#include <string.h>

#include "agg/states.h"
#include "core/decimal.h"
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
    .words = 1, .plain = 1, .update = count_update, .merge = merge_sum, .finish = finish_word,
    .save = save_word, .load = load_word, .clear = flowlog__clear_nothing};

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
    .words = 1, .plain = 1, .update = sum_update, .merge = merge_sum, .finish = finish_word,
    .save = save_word, .load = load_word, .clear = flowlog__clear_nothing};

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
    .save = save_word, .load = load_word, .clear = flowlog__clear_nothing};

/* --- avg and stddev --------------------------------------------------------------------------------------- */

/*
 * How many values, their sum, and for the deviation the sum of their squares.  A sum of 64 bits has squares whose
 * sum is not above its own square, so that 128 bits hold it.
 */
enum { MEAN_COUNT, MEAN_SUM, MEAN_WORDS, MEAN_SQUARES = MEAN_WORDS, DEVIATION_WORDS = MEAN_SQUARES + 2 };

FL_INLINE void add_square(uint64_t *squares, uint64_t v)
{
    if (FL_LIKELY(v <= UINT32_MAX)) {
        squares[0] += v * v;
        squares[1] += squares[0] < v * v;
    } else {
        struct fl_wide wide = {{squares[0], squares[1], 0}};
        flowlog__wide_add_square(&wide, v);
        squares[0] = wide.word[0];
        squares[1] = wide.word[1];
    }
}

FL_INLINE uint32_t mean_loop(const struct fl_update *u, const struct fl_agg *agg, int wide, const uint32_t *rows,
                             int squares)
{
    const flowlog_column *column = fl_column(u, agg);
    const void *values = column->values;
    const uint64_t *validity = column->validity;
    uint64_t *state = u->state + agg->word;
    const size_t *at = u->at;
    const uint32_t n = u->n;
    for (uint32_t i = 0; i < n; i++) {
        const size_t row = fl_row(u, rows, i);
        uint64_t *words = state + at[i];
        const uint64_t v = fl_number(values, wide, row), sum = words[MEAN_SUM] + v;
        if (FL_UNLIKELY(sum < v)) return i;
        words[MEAN_SUM] = sum;
        words[MEAN_COUNT] += (uint64_t)fl_bit_get(validity, row);
        if (squares) add_square(words + MEAN_SQUARES, v);
    }
    return n;
}

FL_INLINE uint32_t avg_loop(const struct fl_update *u, const struct fl_agg *agg, int wide, const uint32_t *rows)
{
    return mean_loop(u, agg, wide, rows, 0);
}

FL_INLINE uint32_t stddev_loop(const struct fl_update *u, const struct fl_agg *agg, int wide, const uint32_t *rows)
{
    return mean_loop(u, agg, wide, rows, 1);
}

static uint32_t avg_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    const flowlog_column *column = fl_column(u, agg);
    if (!column->present) return u->n;
    const uint32_t done = FL_BY_FORM(avg_loop, u, agg, column->type);
    if (FL_UNLIKELY(done < u->n)) *status = FLOWLOG_E_OVERFLOW;
    return done;
}

static uint32_t stddev_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    const flowlog_column *column = fl_column(u, agg);
    if (!column->present) return u->n;
    const uint32_t done = FL_BY_FORM(stddev_loop, u, agg, column->type);
    if (FL_UNLIKELY(done < u->n)) *status = FLOWLOG_E_OVERFLOW;
    return done;
}

static flowlog_status mean_merge(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                 const struct fl_pool *from_pool, const uint64_t *from)
{
    (void)pool;
    (void)from_pool;
    for (int w = MEAN_COUNT; w <= MEAN_SUM; w++)
        if (words[w] > UINT64_MAX - from[w]) return FLOWLOG_E_OVERFLOW;
    words[MEAN_COUNT] += from[MEAN_COUNT];
    words[MEAN_SUM] += from[MEAN_SUM];
    if (agg->kind != FLOWLOG_AGG_STDDEV) return FLOWLOG_OK;
    struct fl_wide squares = {{words[MEAN_SQUARES], words[MEAN_SQUARES + 1], 0}};
    const struct fl_wide more = {{from[MEAN_SQUARES], from[MEAN_SQUARES + 1], 0}};
    flowlog__wide_add(&squares, &more);
    words[MEAN_SQUARES] = squares.word[0];
    words[MEAN_SQUARES + 1] = squares.word[1];
    return FLOWLOG_OK;
}

static int mean_finish(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                       flowlog_value *value)
{
    (void)pool;
    const uint64_t count = words[MEAN_COUNT];
    struct fl_decimal d = {0, 0, 0};
    set_number(value, FLOWLOG_TYPE_DECIMAL, 0);
    if (agg->kind == FLOWLOG_AGG_AVG) {
        value->is_null = !flowlog__decimal_ratio(words[MEAN_SUM], count, &d);
    } else if (count < 2) {
        value->is_null = 1;
    } else {
        const struct fl_wide squares = {{words[MEAN_SQUARES], words[MEAN_SQUARES + 1], 0}};
        d = flowlog__deviation(&squares, words[MEAN_SUM], count);
    }
    value->number = d.whole;
    value->billionths = d.billionths;
    return 0;
}

static void mean_save(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                      struct fl_bytes *out)
{
    (void)pool;
    const int n = agg->kind == FLOWLOG_AGG_STDDEV ? DEVIATION_WORDS : MEAN_WORDS;
    for (int w = 0; w < n; w++) flowlog__bytes_put_varint(out, words[w]);
}

static flowlog_status mean_load(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                struct fl_cursor *in)
{
    (void)pool;
    uint64_t w[DEVIATION_WORDS] = {0};
    const int is_deviation = agg->kind == FLOWLOG_AGG_STDDEV;
    for (int i = 0; i < (is_deviation ? DEVIATION_WORDS : MEAN_WORDS); i++) w[i] = flowlog__cursor_varint(in);
    if (in->failed || (!w[MEAN_COUNT] && w[MEAN_SUM])) return FLOWLOG_E_CORRUPT;
    if (is_deviation) {
        const struct fl_wide squares = {{w[MEAN_SQUARES], w[MEAN_SQUARES + 1], 0}};
        if (!flowlog__squares_are_possible(&squares, w[MEAN_SUM], w[MEAN_COUNT])) return FLOWLOG_E_CORRUPT;
    }
    memcpy(words, w, (is_deviation ? DEVIATION_WORDS : MEAN_WORDS) * sizeof *w);
    return FLOWLOG_OK;
}

const struct fl_agg_op flowlog__agg_avg = {
    .words = MEAN_WORDS, .update = avg_update, .merge = mean_merge, .finish = mean_finish,
    .save = mean_save, .load = mean_load, .clear = flowlog__clear_nothing};

const struct fl_agg_op flowlog__agg_stddev = {
    .words = DEVIATION_WORDS, .update = stddev_update, .merge = mean_merge, .finish = mean_finish,
    .save = mean_save, .load = mean_load, .clear = flowlog__clear_nothing};
