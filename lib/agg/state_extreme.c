/* SPDX-License-Identifier: MIT */
/*
 * state_extreme.c - min and max; see state.h.
 *
 * Values are turned into unsigned numbers of which the largest is wanted, so that zeros, with which a group begins
 * and which nulls become, are never better than a value, and the loop has no branch:
 *
 *     numbers     word 0: the value, for min its complement; word 1: 1 if there is one
 *     addresses   words 0 to 2: family, 16 bytes in network order as a number; for min what complements them
 */
#include <string.h>

#include "agg/states.h"
#include "core/bytes.h"
#include "flowlog/plan.h"

enum { EXTREME_WORDS = 3 };

/* What makes a number one of which the largest is wanted, and back. */
static uint64_t flip_of(const struct fl_agg *agg)
{
    const uint64_t order = agg->type == FLOWLOG_TYPE_TIME ? UINT64_C(1) << 63 : 0; /* negative ones first */
    return agg->kind == FLOWLOG_AGG_MIN ? ~order : order;
}

FL_INLINE uint32_t number_loop(const struct fl_update *u, const struct fl_agg *agg, int wide, const uint32_t *rows)
{
    const flowlog_column *column = fl_column(u, agg);
    const void *values = column->values;
    const uint64_t *validity = column->validity, flip = flip_of(agg);
    uint64_t *state = u->state + agg->word;
    const size_t *at = u->at;
    const uint32_t n = u->n;
    for (uint32_t i = 0; i < n; i++) {
        const size_t row = fl_row(u, rows, i);
        uint64_t *words = state + at[i];
        const uint64_t valid = (uint64_t)fl_bit_get(validity, row);
        const uint64_t v = (fl_number(values, wide, row) ^ flip) & (0 - valid);
        words[0] = words[0] > v ? words[0] : v;
        words[1] |= valid;
    }
    return n;
}

/* --- addresses -------------------------------------------------------------------------------------------- */

struct address {
    uint64_t word[EXTREME_WORDS];
};

/* Of min and max families 2 and 4, as 6 and 4 are for max. */
static struct address flip_address(struct address a, int is_min)
{
    return is_min ? (struct address){{8 - a.word[0], ~a.word[1], ~a.word[2]}} : a;
}

static int is_less(const uint64_t *a, const uint64_t *b)
{
    for (int w = 0; w < EXTREME_WORDS; w++)
        if (a[w] != b[w]) return a[w] < b[w];
    return 0;
}

static void take_larger(uint64_t *words, const uint64_t *other)
{
    if (is_less(words, other)) memcpy(words, other, EXTREME_WORDS * sizeof *words);
}

static uint32_t update_addresses(const struct fl_update *u, const struct fl_agg *agg)
{
    const flowlog_column *column = fl_column(u, agg);
    const int is_min = agg->kind == FLOWLOG_AGG_MIN;
    uint64_t *state = u->state + agg->word;
    for (uint32_t i = 0; i < u->n; i++) {
        const size_t row = fl_row(u, u->rows, i);
        struct address a;
        if (!fl_address(column, row, a.word)) continue;
        a = flip_address(a, is_min);
        take_larger(state + u->at[i], a.word);
    }
    return u->n;
}

/* --- the operations --------------------------------------------------------------------------------------- */

static uint32_t extreme_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    (void)status;
    const flowlog_column *column = fl_column(u, agg);
    if (!column->present) return u->n;
    if (column->type == FLOWLOG_TYPE_ADDR) return update_addresses(u, agg);
    return FL_BY_FORM(number_loop, u, agg, column->type);
}

static flowlog_status extreme_merge(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                    const struct fl_pool *from_pool, const uint64_t *from)
{
    (void)pool;
    (void)from_pool;
    if (agg->type == FLOWLOG_TYPE_ADDR) {
        take_larger(words, from);
    } else {
        if (from[0] > words[0]) words[0] = from[0];
        words[1] |= from[1];
    }
    return FLOWLOG_OK;
}

/* The value as it was; 0: there is none. */
static int value_of(const struct fl_agg *agg, const uint64_t *words, struct address *a)
{
    if (agg->type != FLOWLOG_TYPE_ADDR) {
        a->word[1] = words[0] ^ flip_of(agg);
        return words[1] != 0;
    }
    memcpy(a->word, words, sizeof a->word);
    if (!words[0]) return 0;
    *a = flip_address(*a, agg->kind == FLOWLOG_AGG_MIN);
    return 1;
}

static int extreme_finish(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                          flowlog_value *value)
{
    (void)pool;
    struct address a;
    memset(value, 0, sizeof *value);
    value->type = agg->type;
    value->is_null = !value_of(agg, words, &a);
    if (value->is_null) return 0;
    if (agg->type == FLOWLOG_TYPE_ADDR) fl_address_value(a.word, &value->addr);
    else value->number = a.word[1];
    return 0;
}

static void extreme_save(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                         struct fl_bytes *out)
{
    (void)pool;
    struct address a;
    const int some = value_of(agg, words, &a);
    if (agg->type == FLOWLOG_TYPE_ADDR) {
        if (some) flowlog__address_save(a.word, out);
        else flowlog__bytes_put_u8(out, 0);
    } else {
        flowlog__bytes_put_u8(out, (uint8_t)some);
        if (some) flowlog__bytes_put_varint(out, a.word[1]);
    }
}

static flowlog_status extreme_load(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                   struct fl_cursor *in)
{
    (void)pool;
    const uint8_t tag = flowlog__cursor_u8(in);
    if (in->failed) return FLOWLOG_E_CORRUPT;
    if (!tag) return FLOWLOG_OK;
    struct address a;
    if (agg->type == FLOWLOG_TYPE_ADDR) {
        FL_TRY(flowlog__address_load(tag, in, a.word));
        a = flip_address(a, agg->kind == FLOWLOG_AGG_MIN);
        memcpy(words, a.word, sizeof a.word);
        return FLOWLOG_OK;
    }
    const uint64_t v = flowlog__cursor_varint(in);
    if (tag != 1 || in->failed || !fl_number_fits(agg->type, v)) return FLOWLOG_E_CORRUPT;
    words[0] = v ^ flip_of(agg);
    words[1] = 1;
    return FLOWLOG_OK;
}

const struct fl_agg_op flowlog__agg_extreme = {
    .words = EXTREME_WORDS, .update = extreme_update, .merge = extreme_merge, .finish = extreme_finish,
    .save = extreme_save, .load = extreme_load, .clear = flowlog__clear_nothing};
