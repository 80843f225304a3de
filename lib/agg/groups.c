/* SPDX-License-Identifier: MIT */
/* groups.c - batches to groups, 64 rows at a time; see groups.h. */
#include "agg/groups.h"

#include <string.h>

#include "core/bytes.h"
#include "core/error.h"
#include "flowlog/plan.h"

void flowlog__groups_init(struct fl_groups *g, const struct fl_group_spec *spec, const flowlog_alloc *alloc)
{
    memset(g, 0, sizeof *g);
    g->alloc = *alloc;
    g->spec = *spec;
    /* Where objects lie differs from run to run, and is not known to whoever writes the input. */
    const uint64_t seed = fl_hash_u64((uint64_t)(uintptr_t)g ^ fl_hash_u64((uint64_t)(uintptr_t)&alloc));
    g->packed.seed = seed;
    g->longs.seed = fl_hash_u64(seed + 1);
    flowlog__keys_layout(&g->spec.keys);
    uint32_t words = 0;
    for (uint32_t a = 0; a < g->spec.aggs; a++) {
        g->spec.agg[a].word = words;
        g->op[a] = flowlog__agg_op(g->spec.agg[a].kind);
        words += g->op[a]->words;
    }
    g->packed.words = g->longs.words = words ? words : 1;
    flowlog__pool_init(&g->pool, alloc);
    g->packed.exact = g->spec.keys.packed_bits <= 32;
}

void flowlog__groups_free(struct fl_groups *g)
{
    flowlog__store_free(&g->packed, &g->alloc);
    flowlog__store_free(&g->longs, &g->alloc);
    flowlog__pool_free(&g->pool);
    flowlog__release(&g->alloc, g->arena.words, g->arena.cap * sizeof *g->arena.words);
}

struct fl_key_ref flowlog__groups_key(const struct fl_groups *g, uint64_t i)
{
    if (i < g->packed.count) return (struct fl_key_ref){g->packed.key[i + 1], NULL};
    const uint64_t key = g->longs.key[i - g->packed.count + 1];
    return (struct fl_key_ref){key, fl_long_words(&g->arena, key)};
}

const uint64_t *flowlog__groups_record(const struct fl_groups *g, uint64_t i)
{
    const struct fl_store *s = i < g->packed.count ? &g->packed : &g->longs;
    const size_t group = (size_t)(i < g->packed.count ? i : i - g->packed.count) + 1;
    return s->state + group * s->words;
}

/* --- which rows count ------------------------------------------------------------------------------------- */

_Static_assert(FLOWLOG_LOG_STATUS_NODATA == 2 && FLOWLOG_LOG_STATUS_SKIPDATA == 3, "2 and 3 in one comparison");

/* A bit for each of n bytes (at most 64) that is not 0. */
static uint64_t nonzero_mask(const uint8_t *bytes, uint32_t n)
{
    const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
    uint64_t mask = 0;
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) { /* the top bit of each byte, gathered by a multiplication */
        const uint64_t x = fl_load64(bytes + i);
        const uint64_t tops = ((((x & low) + low) | x) & ~low) >> 7;
        mask |= (tops * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    for (; i < n; i++) mask |= (uint64_t)(bytes[i] != 0) << i;
    return mask;
}

/* A bit for each of n rows that is neither NODATA nor SKIPDATA. */
static uint64_t records_mask(const uint8_t *status, uint32_t n)
{
    uint8_t other[FL_CHUNK];
    for (uint32_t i = 0; i < n; i++) other[i] = (uint8_t)((status[i] & 0xFEu) ^ 2);
    return nonzero_mask(other, n);
}

/* A bit for each of n rows from `first` on, a multiple of 64, that has a value in every key column. */
static uint64_t keys_mask(const struct fl_keys *keys, const flowlog_batch *batch, uint32_t first, uint32_t n)
{
    uint64_t mask = fl_low_bits(n);
    for (uint32_t k = 0; k < keys->count; k++) {
        const flowlog_column *c = &batch->column[keys->key[k].column];
        mask &= c->present ? c->validity[first / 64] : 0;
    }
    return mask;
}

/* Rows of a batch and their records: rows[0..n), or n from `first` on when in_order. */
struct chunk {
    uint32_t first, n;
    int in_order;
    uint32_t rows[2 * FL_CHUNK];
    size_t at[2 * FL_CHUNK];
};

/*
 * What is under way while a batch is added.  Rows with long keys wait until there is a chunk of them, for
 * few at a time could not be fetched ahead.
 */
struct work {
    struct fl_groups *g;
    const flowlog_batch *batch;
    flowlog_error *err;
    struct chunk now, late;
};

/* --- aggregates ------------------------------------------------------------------------------------------- */

static flowlog_status fail_groups(const struct fl_groups *g, flowlog_status status, flowlog_error *err)
{
    if (status == FLOWLOG_E_LIMIT)
        return FL_FAIL(err, status, "more than %llu groups", (unsigned long long)g->spec.max_groups);
    return FL_FAIL(err, status, "out of memory for %llu groups", (unsigned long long)fl_groups_count(g));
}

static flowlog_status fail_overflow(const struct fl_groups *g, const struct fl_agg *agg, struct fl_key_ref ref,
                                    flowlog_error *err)
{
    char text[160] = "";
    size_t len = 0;
    for (uint32_t k = 0; k < g->spec.keys.count && len + 50 < sizeof text; k++) {
        flowlog_value value;
        char cell[48];
        flowlog__keys_value(&g->spec.keys, ref, k, &value);
        flowlog_value_format(&value, cell, sizeof cell);
        const size_t cell_len = strlen(cell);
        text[len++] = k ? ' ' : ':';
        if (!k) text[len++] = ' ';
        memcpy(text + len, cell, cell_len);
        len += cell_len;
    }
    text[len] = '\0';
    return FL_FAIL(err, FLOWLOG_E_OVERFLOW, "%.40s exceeds 64 bits in a group%s", agg->name, text);
}

/*
 * Rows that do not count have record 0, which no group has: it takes whatever comes, and starts again from zero
 * when that is too much.
 */
static flowlog_status update(struct work *w, const struct fl_store *s, struct chunk *chunk)
{
    struct fl_groups *g = w->g;
    const uint32_t n = chunk->n;
    chunk->n = 0;
    for (uint32_t a = 0; n && a < g->spec.aggs; a++) {
        const struct fl_agg *agg = &g->spec.agg[a];
        for (uint32_t from = 0;;) {
            const struct fl_update u = {w->batch, chunk->in_order ? NULL : chunk->rows + from, chunk->first + from,
                                        n - from, s->state, chunk->at + from, &g->pool};
            flowlog_status status = FLOWLOG_OK;
            from += g->op[a]->update(&u, agg, &status);
            if (FL_LIKELY(from == n)) break;
            if (status != FLOWLOG_E_OVERFLOW) return fail_groups(g, status, w->err);
            if (!chunk->at[from]) {
                memset(s->state, 0, s->words * sizeof *s->state);
                continue;
            }
            const uint64_t key = s->key[chunk->at[from] / s->words];
            const uint64_t *words = s == &g->longs ? fl_long_words(&g->arena, key) : NULL;
            return fail_overflow(g, agg, (struct fl_key_ref){key, words}, w->err);
        }
    }
    return FLOWLOG_OK;
}

/* --- groups of rows --------------------------------------------------------------------------------------- */

/* How many groups a store may have, given how many the other one has. */
static uint64_t limit_of(const struct fl_groups *g, const struct fl_store *s)
{
    return g->spec.max_groups - (s == &g->packed ? g->longs.count : g->packed.count);
}

/*
 * Look places up and fetch the records ahead; at[i] becomes the index of the record, 0 where the key's own
 * bucket has none.  What was found in a store that is not exact is still to be verified: two keys with one
 * check or-ed may give any number, and beyond the count it is none.  Returns a bit for each of the first 64 that
 * has none.
 */
FL_INLINE uint64_t look(const struct fl_store *s, const struct fl_place *place, uint32_t n, int exact,
                   uint32_t *groups, size_t *at)
{
    const struct fl_bucket *bucket = s->bucket;
    const uint64_t *state = s->state, *key = s->key;
    const size_t words = s->words;
    const uint32_t count = s->count;
    uint64_t missing = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct fl_bucket *b = &bucket[place[i].bucket];
        uint32_t group = fl_match8(b->check, b->group, place[i].check);
        if (!exact) {
            group = group <= count ? group : 0;
            FL_PREFETCH(&key[group]);
        }
        missing |= (uint64_t)(group == 0) << (i & 63);
        groups[i] = group;
        at[i] = group * words;
        FL_PREFETCH(&state[at[i]]);
    }
    return missing;
}

FL_INLINE void place_packed(const struct fl_store *s, const uint64_t *keys, uint32_t n, int exact,
                            struct fl_place *place)
{
    const struct fl_bucket *bucket = s->bucket;
    const unsigned shift = s->shift;
    const uint64_t seed = s->seed;
    for (uint32_t i = 0; i < n; i++) {
        place[i] = exact ? fl_place_exact(keys[i], seed, shift) : fl_place_hashed(&keys[i], 1, seed, shift);
        FL_PREFETCH(&bucket[place[i].bucket]);
    }
}

/* The rows of w->now by their keys, those of them that are in `use`. */
static flowlog_status add_packed(struct work *w, const uint64_t *keys, uint64_t use)
{
    struct fl_groups *g = w->g;
    struct fl_store *s = &g->packed;
    struct chunk *now = &w->now;
    const uint32_t n = now->n;
    size_t *at = now->at;
    const flowlog_status status = flowlog__store_reserve(s, &g->alloc, NULL, n);
    if (FL_UNLIKELY(status < 0)) return fail_groups(g, status, w->err);
    struct fl_place place[FL_CHUNK];
    uint32_t groups[FL_CHUNK];
    uint64_t missing;
    if (s->exact) {
        place_packed(s, keys, n, 1, place);
        missing = look(s, place, n, 1, groups, at);
    } else {
        place_packed(s, keys, n, 0, place);
        missing = look(s, place, n, 0, groups, at);
        for (uint32_t i = 0; i < n; i++)
            missing |= (uint64_t)(s->key[groups[i]] != keys[i]) << i;
    }
    const uint64_t limit = limit_of(g, s);
    for (uint64_t left = missing & use; left; left &= left - 1) {
        const unsigned i = fl_ctz64(left);
        const uint32_t group = flowlog__store_place(s, NULL, place[i], keys[i], NULL, limit);
        if (FL_UNLIKELY(!group)) return fail_groups(g, FLOWLOG_E_LIMIT, w->err);
        at[i] = group * s->words;
    }
    for (uint64_t left = ~use & fl_low_bits(n); left; left &= left - 1) at[fl_ctz64(left)] = 0;
    return update(w, s, now);
}

flowlog_status flowlog__groups_add_only(struct fl_groups *g)
{
    FL_TRY(flowlog__store_reserve(&g->packed, &g->alloc, NULL, 1));
    const struct fl_store *s = &g->packed;
    flowlog__store_place(&g->packed, NULL, fl_place_exact(0, s->seed, s->shift), 0, NULL, 1);
    return FLOWLOG_OK;
}

static flowlog_status reserve_words(struct fl_groups *g, size_t more)
{
    struct fl_arena *arena = &g->arena;
    if (arena->cap - arena->len >= more) return FLOWLOG_OK;
    size_t cap = arena->cap ? arena->cap * 2 : 1024;
    if (cap - arena->len < more) cap = arena->len + more;
    if (cap < arena->len || cap > SIZE_MAX / sizeof *arena->words) return FLOWLOG_E_MEMORY;
    void *p = flowlog__resize(&g->alloc, arena->words, arena->cap * sizeof *arena->words,
                              cap * sizeof *arena->words);
    if (!p) return FLOWLOG_E_MEMORY;
    arena->words = p;
    arena->cap = cap;
    return FLOWLOG_OK;
}

/*
 * The rows of w->late.  Their keys are written one after the other behind the arena's end, which is where new
 * ones stay; those that are known are overwritten by the new ones after them.
 */
static flowlog_status add_late(struct work *w)
{
    struct fl_groups *g = w->g;
    struct fl_store *s = &g->longs;
    struct fl_arena *arena = &g->arena;
    const uint32_t n = w->late.n;
    size_t *at = w->late.at;
    if (!n) return FLOWLOG_OK;
    flowlog_status status = flowlog__store_reserve(s, &g->alloc, arena, n);
    if (FL_UNLIKELY(status < 0)) return fail_groups(g, status, w->err);
    struct fl_place place[2 * FL_CHUNK];
    uint32_t groups[2 * FL_CHUNK];
    size_t start[2 * FL_CHUNK + 1];
    const size_t max = flowlog__keys_long_max(&g->spec.keys, w->batch, w->late.rows, n);
    status = reserve_words(g, max);
    if (FL_UNLIKELY(status < 0)) return fail_groups(g, status, w->err);
    start[0] = arena->len;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t *words = arena->words + start[i];
        const size_t count = flowlog__keys_long(&g->spec.keys, w->batch, w->late.rows[i], words);
        if (count > FL_LONG_WORDS_MAX) return FL_FAIL(w->err, FLOWLOG_E_LIMIT, "a key longer than 128 MiB");
        place[i] = fl_place_hashed(words, count, s->seed, s->shift);
        FL_PREFETCH(&s->bucket[place[i].bucket]);
        start[i + 1] = start[i] + count;
    }
    (void)look(s, place, n, 0, groups, at);
    const uint64_t limit = limit_of(g, s);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *words = arena->words + start[i];
        const size_t count = start[i + 1] - start[i];
        if (groups[i] && fl_long_equal(arena, s->key[groups[i]], words, count)) continue;
        const uint32_t before = s->count;
        const uint64_t key = (uint64_t)arena->len << 24 | count;
        groups[i] = flowlog__store_place(s, arena, place[i], key, words, limit);
        if (FL_UNLIKELY(!groups[i])) return fail_groups(g, FLOWLOG_E_LIMIT, w->err);
        at[i] = groups[i] * s->words;
        if (s->count == before) continue;
        memmove(arena->words + arena->len, words, count * sizeof *words);
        arena->len += count;
    }
    return update(w, s, &w->late);
}

static flowlog_status add_chunk(struct work *w, uint32_t first, uint32_t n)
{
    struct fl_groups *g = w->g;
    const flowlog_batch *batch = w->batch;
    struct chunk *now = &w->now;
    const uint64_t whole = fl_low_bits(n);
    uint64_t mask = whole;
    if (!g->spec.keep_null) {
        const uint64_t records = records_mask(batch->log_status + first, n) & whole;
        mask = keys_mask(&g->spec.keys, batch, first, n) & records;
        if (mask != records) g->null_keys += fl_popcount64(records & ~mask);
    }
    if (!mask) return FLOWLOG_OK;
    uint64_t keys[FL_CHUNK];
    uint8_t odd[FL_CHUNK];
    now->first = first;
    now->n = n;
    now->in_order = 1;
    if (!flowlog__keys_pack(&g->spec.keys, batch, first, n, keys, odd)) {
        const uint64_t late = nonzero_mask(odd, n) & mask;
        for (uint64_t left = late; left; left &= left - 1) w->late.rows[w->late.n++] = first + fl_ctz64(left);
        mask &= ~late;
    }
    if (mask) FL_TRY(add_packed(w, keys, mask));
    /* Fewer than a chunk may stay, so that the next one has room. */
    return w->late.n < FL_CHUNK ? FLOWLOG_OK : add_late(w);
}

flowlog_status flowlog__groups_add(struct fl_groups *g, const flowlog_batch *batch, flowlog_error *err)
{
    struct work w;
    w.g = g;
    w.batch = batch;
    w.err = err;
    w.late.n = w.late.first = 0;
    w.late.in_order = 0;
    for (uint32_t left = batch->rows, n; left; left -= n) {
        n = left < FL_CHUNK ? left : FL_CHUNK;
        FL_TRY(add_chunk(&w, batch->rows - left, n));
    }
    return add_late(&w);
}
