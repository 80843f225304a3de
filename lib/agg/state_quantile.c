/* SPDX-License-Identifier: MIT */
/*
 * state_quantile.c - how many values fell into each bucket, and the value of a rank; see state.h and
 * FLOWLOG_QUANTILE_ERROR in flowlog/plan.h.
 *
 * Up to 255 a bucket is a value; from there on each power of two has 128 buckets.  A group's buckets are slots
 * (slots.h) with the bucket above 48 bits that count.  Nothing is ever joined or sampled, so the counts are a
 * function of the values, and merging adds them.
 */
#include <string.h>

#include "agg/slots.h"
#include "agg/states.h"
#include "flowlog/plan.h"

enum {
    PER_POWER_BITS = 7, /* 128 for each power of two */
    BUCKETS = ((64 - PER_POWER_BITS) << PER_POWER_BITS) + (1 << PER_POWER_BITS),
    COUNT_BITS = FL_SLOTS_KEY_SHIFT,
    AHEAD = 64 /* rows looked at together */
};
#define COUNT_MAX ((UINT64_C(1) << COUNT_BITS) - 1)
_Static_assert(1 << (PER_POWER_BITS + 1) == FLOWLOG_QUANTILE_ERROR, "half a bucket is 1 part in so many");
_Static_assert(2 * BUCKETS < 1 << (64 - COUNT_BITS), "a bucket fits above the count");

/* --- buckets ---------------------------------------------------------------------------------------------- */

/* Below 256 itself; else the highest 8 bits, and 128 for each bit that was dropped. */
FL_INLINE uint32_t bucket_of(uint64_t v)
{
    const unsigned dropped = 63 - PER_POWER_BITS - fl_clz64(v | 1u << PER_POWER_BITS);
    return (dropped << PER_POWER_BITS) + (uint32_t)(v >> dropped);
}

/* The middle of a bucket. */
static uint64_t value_of(uint32_t bucket)
{
    if (bucket < 2u << PER_POWER_BITS) return bucket;
    const unsigned dropped = (bucket >> PER_POWER_BITS) - 1;
    const uint64_t low = (uint64_t)(bucket - (dropped << PER_POWER_BITS)) << dropped;
    return low + (UINT64_C(1) << (dropped - 1));
}

/* The key of a slot rises with the value; it is not 0.  Times before 1970 lie below, mirrored. */
FL_INLINE uint64_t key_of(uint64_t v, int is_time)
{
    if (!is_time) return bucket_of(v) + 1;
    return (int64_t)v < 0 ? BUCKETS + 1 - bucket_of(0 - v) : BUCKETS + 1 + bucket_of(v);
}

static uint64_t value_of_key(uint64_t key, int is_time)
{
    if (!is_time) return value_of((uint32_t)key - 1);
    if (key > BUCKETS) return value_of((uint32_t)key - 1 - BUCKETS);
    const uint64_t v = value_of(BUCKETS + 1 - (uint32_t)key);
    return v < UINT64_C(1) << 63 ? 0 - v : UINT64_C(1) << 63;
}

/* --- update ----------------------------------------------------------------------------------------------- */

static flowlog_status add(struct fl_pool *pool, uint64_t *words, uint64_t key, uint64_t count)
{
    size_t i;
    if (!fl_slots_find(pool, words, key, FL_SLOTS_COUNTS, &i))
        return fl_slots_add(pool, words, i, key << COUNT_BITS | count, FL_SLOTS_COUNTS);
    const uint64_t slot = fl_slots_get(pool, words, i, FL_SLOTS_COUNTS);
    if (FL_UNLIKELY((slot & COUNT_MAX) + count > COUNT_MAX)) return FLOWLOG_E_OVERFLOW;
    fl_slots_set(pool, words, i, FL_SLOTS_COUNTS, slot + count);
    return FLOWLOG_OK;
}

/* Rows that have a value and a record. */
struct found {
    uint32_t count;
    uint32_t i[AHEAD];
    uint64_t key[AHEAD];
};

FL_INLINE void find(const struct fl_update *u, const flowlog_column *c, uint32_t type, uint32_t from, uint32_t to,
                    struct found *f)
{
    const uint32_t *rows = u->rows;
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        const size_t row = fl_row(u, rows, i);
        f->i[count] = i;
        f->key[count] = key_of(fl_number(c->values, type != FLOWLOG_TYPE_U32, row), type == FLOWLOG_TYPE_TIME);
        count += (u->at[i] != 0) & (uint32_t)fl_bit_get(c->validity, row);
    }
    f->count = count;
}

static uint32_t quantile_update(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status)
{
    const flowlog_column *c = fl_column(u, agg);
    if (!c->present) return u->n;
    uint64_t *state = u->state + agg->word;
    struct found f;
    for (uint32_t from = 0, to; from < u->n; from = to) {
        to = u->n - from < AHEAD ? u->n : from + AHEAD;
        if (c->type == FLOWLOG_TYPE_U32) find(u, c, FLOWLOG_TYPE_U32, from, to, &f);
        else find(u, c, c->type, from, to, &f);
        for (uint32_t k = 0; k < f.count; k++)
            fl_slots_fetch(u->pool, state + u->at[f.i[k]], f.key[k], FL_SLOTS_COUNTS);
        for (uint32_t k = 0; k < f.count; k++) {
            *status = add(u->pool, state + u->at[f.i[k]], f.key[k], 1);
            if (FL_UNLIKELY(*status < 0)) return f.i[k];
        }
    }
    return u->n;
}

/* --- the other operations --------------------------------------------------------------------------------- */

static const uint64_t *slots_of(const struct fl_pool *pool, const uint64_t *words)
{
    return fl_slots_log(words) ? fl_pool_at(pool, words[1]) : &words[1];
}

static flowlog_status quantile_merge(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                     const struct fl_pool *from_pool, const uint64_t *from)
{
    (void)agg;
    const uint64_t *slot = slots_of(from_pool, from);
    uint64_t used = fl_slots_used(words);
    for (size_t i = 0; i < fl_slots_count(from); i++) {
        if (!slot[i]) continue;
        size_t at;
        if (!fl_slots_find(pool, words, slot[i] >> COUNT_BITS, FL_SLOTS_COUNTS, &at)) used++;
        else if ((fl_slots_get(pool, words, at, FL_SLOTS_COUNTS) & COUNT_MAX) + (slot[i] & COUNT_MAX) > COUNT_MAX)
            return FLOWLOG_E_OVERFLOW;
    }
    FL_TRY(flowlog__slots_reserve(pool, words, used, FL_SLOTS_COUNTS));
    for (size_t i = 0; i < fl_slots_count(from); i++)
        if (slot[i]) FL_TRY(add(pool, words, slot[i] >> COUNT_BITS, slot[i] & COUNT_MAX));
    return FLOWLOG_OK;
}

/* The key in which the value of a rank is: first the 128 keys it is among, then which of them. */
static uint64_t key_of_rank(const uint64_t *slot, size_t slots, uint64_t rank)
{
    enum { FINE = 128, COARSE = 2 * BUCKETS / FINE + 1 };
    uint64_t coarse[COARSE] = {0}, fine[FINE] = {0};
    for (size_t i = 0; i < slots; i++) coarse[(slot[i] >> COUNT_BITS) / FINE] += slot[i] & COUNT_MAX;
    uint64_t part = 0, key = 0;
    for (; coarse[part] < rank; part++) rank -= coarse[part];
    for (size_t i = 0; i < slots; i++)
        if ((slot[i] >> COUNT_BITS) / FINE == part) fine[(slot[i] >> COUNT_BITS) % FINE] += slot[i] & COUNT_MAX;
    for (; fine[key] < rank; key++) rank -= fine[key];
    return part * FINE + key;
}

static int quantile_finish(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                           flowlog_value *value)
{
    const uint64_t *slot = slots_of(pool, words);
    const size_t slots = fl_slots_count(words);
    memset(value, 0, sizeof *value);
    value->type = agg->type;
    uint64_t n = 0;
    for (size_t i = 0; i < slots; i++) n += slot[i] & COUNT_MAX; /* below 2^62: 2^14 buckets */
    value->is_null = !n;
    if (!n) return 0;
    /* The rank: n * quantile / 100000, rounded up, which does not fit into 64 bits at once; at least 1. */
    enum { WHOLE = 100000 };
    const uint64_t rank = n / WHOLE * agg->quantile + (n % WHOLE * agg->quantile + WHOLE - 1) / WHOLE;
    const uint64_t key = slots == 1 ? slot[0] >> COUNT_BITS : key_of_rank(slot, slots, rank);
    value->number = value_of_key(key, agg->type == FLOWLOG_TYPE_TIME);
    return 0;
}

static void quantile_save(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                          struct fl_bytes *out)
{
    (void)agg;
    const uint64_t *slot = slots_of(pool, words);
    flowlog__bytes_put_varint(out, fl_slots_used(words));
    const size_t start = out->len;
    for (size_t i = 0; i < fl_slots_count(words); i++)
        if (slot[i]) flowlog__bytes_put_u64(out, slot[i]);
    if (!out->failed) flowlog__slots_sort(out->p + start, fl_slots_used(words));
}

static int is_key(const struct fl_agg *agg, uint64_t key)
{
    switch (agg->type) {
    case FLOWLOG_TYPE_U32: return key && key <= bucket_of(UINT32_MAX) + 1;
    case FLOWLOG_TYPE_U64: return key && key <= BUCKETS;
    default: return key > BUCKETS - bucket_of(UINT64_C(1) << 63) && key <= BUCKETS + 1 + bucket_of(INT64_MAX);
    }
}

static flowlog_status quantile_load(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                                    struct fl_cursor *in)
{
    const uint64_t count = flowlog__cursor_varint(in);
    if (in->failed || count > 2 * BUCKETS) return FLOWLOG_E_CORRUPT;
    const uint8_t *p = flowlog__cursor_take(in, (size_t)count * 8);
    if (!p) return FLOWLOG_E_CORRUPT;
    uint64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t slot = fl_load64(p + 8 * i), key = slot >> COUNT_BITS;
        if (key <= before || !is_key(agg, key) || !(slot & COUNT_MAX)) return FLOWLOG_E_CORRUPT;
        before = key;
    }
    FL_TRY(flowlog__slots_reserve(pool, words, count, FL_SLOTS_COUNTS));
    for (size_t i = 0; i < count; i++) {
        const uint64_t slot = fl_load64(p + 8 * i);
        FL_TRY(add(pool, words, slot >> COUNT_BITS, slot & COUNT_MAX));
    }
    return FLOWLOG_OK;
}

static void quantile_clear(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words)
{
    (void)agg;
    flowlog__slots_release(pool, words, FL_SLOTS_COUNTS);
}

const struct fl_agg_op flowlog__agg_quantile = {
    .words = 2, .heavy = 1, .update = quantile_update, .merge = quantile_merge, .finish = quantile_finish,
    .save = quantile_save, .load = quantile_load, .clear = quantile_clear};
