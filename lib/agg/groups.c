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
    flowlog__pool_init(&g->pool, alloc);
    flowlog__keys_layout(&g->spec.keys);
    uint32_t words = 0;
    for (uint32_t a = 0; a < g->spec.aggs; a++) {
        g->spec.agg[a].word = words;
        g->op[a] = flowlog__agg_op(g->spec.agg[a].kind);
        words += g->op[a]->words;
    }
    if (spec->approximate) words++; /* fl_groups_error_word */
    if (!words) words = 1;
    /* Where objects lie differs from run to run, and is not known to whoever writes the input. */
    const uint64_t seed = fl_hash_u64((uint64_t)(uintptr_t)g ^ fl_hash_u64((uint64_t)(uintptr_t)&alloc));
    const struct fl_keys *keys = &g->spec.keys;
    const uint32_t form = keys->packed_words == 2     ? FL_STORE_TWO
                          : keys->packed_bits <= 32 ? FL_STORE_EXACT
                                                      : FL_STORE_ONE;
    flowlog__store_init(&g->packed, form, words, seed);
    flowlog__store_init(&g->longs, FL_STORE_LONG, words, fl_hash_u64(seed + 1));
}

void flowlog__groups_free(struct fl_groups *g)
{
    flowlog__store_free(&g->packed, &g->alloc);
    flowlog__store_free(&g->longs, &g->alloc);
    flowlog__release(&g->alloc, g->arena.words, g->arena.cap * sizeof *g->arena.words);
    flowlog__release(&g->alloc, g->heap, g->heap_len);
    flowlog__pool_free(&g->pool);
}

struct fl_key_ref flowlog__groups_key_in(const struct fl_groups *g, const struct fl_store *s, uint32_t group)
{
    const uint64_t *key = fl_store_key(s, group);
    return (struct fl_key_ref){key[0], s->form == FL_STORE_LONG ? fl_long_words(&g->arena, key[0]) : NULL,
                               s->form == FL_STORE_TWO ? key[1] : 0};
}

struct fl_key_ref flowlog__groups_key(const struct fl_groups *g, uint64_t i)
{
    if (i < g->packed.count) return flowlog__groups_key_in(g, &g->packed, (uint32_t)i + 1);
    return flowlog__groups_key_in(g, &g->longs, (uint32_t)(i - g->packed.count) + 1);
}

uint64_t flowlog__groups_error(const struct fl_groups *g, uint64_t i)
{
    if (!g->approximated) return 0;
    return *fl_groups_error_word(g, g->longs.state + ((size_t)i + 1) * g->longs.words);
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

/* Rows of a batch and their records: rows[0..n), or n from `first` on when rows is NULL. */
struct chunk {
    uint32_t first, n;
    const uint32_t *rows;
    const size_t *at;
};

/*
 * n rows from `first` on, under way to their records: keys are made and buckets fetched ahead, then, while those of the
 * next ones are made, buckets are read and records fetched ahead, and, another chunk later, the records are there.
 */
struct under_way {
    uint32_t first, n;
    uint64_t use, late; /* rows that count, with packed and with long keys */
    uint32_t packed_words;
    unsigned shift;
    struct fl_place place[FL_CHUNK]; /* as of packed_words and shift */
    uint64_t keys[2 * FL_CHUNK];
    size_t at[FL_CHUNK];
};

/*
 * What there is while a batch is added.  Rows with long keys wait until there is a chunk of them, for
 * few at a time could not be fetched ahead.
 */
struct work {
    struct fl_groups *g;
    const flowlog_batch *batch;
    const uint64_t *const *wheres;
    flowlog_error *err;
    struct under_way ring[FL_UNDER_WAY];
    uint32_t late; /* rows */
    uint32_t late_rows[2 * FL_CHUNK];
    size_t late_at[2 * FL_CHUNK];
};

/* --- aggregates ------------------------------------------------------------------------------------------- */

flowlog_status flowlog__groups_fail_agg(const struct fl_groups *g, const struct fl_agg *agg, flowlog_status status,
                                        struct fl_key_ref key, flowlog_error *err)
{
    if (status != FLOWLOG_E_OVERFLOW) return flowlog__groups_fail(g, status, err);
    char text[160] = "";
    size_t len = 0;
    for (uint32_t k = 0; k < g->spec.keys.count && len + 50 < sizeof text; k++) {
        flowlog_value value;
        char cell[48];
        flowlog__keys_value(&g->spec.keys, key, k, &value);
        flowlog_value_format(&value, cell, sizeof cell);
        const size_t cell_len = strlen(cell);
        text[len++] = k ? ' ' : ':';
        if (!k) text[len++] = ' ';
        memcpy(text + len, cell, cell_len);
        len += cell_len;
    }
    text[len] = '\0';
    return FL_FAIL(err, status, "%.40s exceeds 64 bits in a group%s", agg->name, text);
}

/* A bit for each of n rows of a chunk from `from` on that `where` takes; n is at most 64. */
static uint64_t where_mask(const struct chunk *chunk, uint32_t from, uint32_t n, const uint64_t *where)
{
    if (!chunk->rows) return where[chunk->first / 64];
    uint64_t mask = 0;
    for (uint32_t i = 0; i < n; i++) mask |= (uint64_t)fl_bit_get(where, chunk->rows[from + i]) << i;
    return mask;
}

/*
 * Rows that do not count have record 0, which no group has: it takes whatever comes, and starts again from zero
 * when that is too much.
 */
static flowlog_status update_agg(struct work *w, struct fl_store *s, const struct chunk *chunk, uint32_t from,
                                 uint32_t n, const struct fl_agg *agg, const struct fl_agg_op *op)
{
    struct fl_groups *g = w->g;
    const size_t *at = chunk->at + from;
    size_t taken[FL_CHUNK];
    if (agg->where != FL_NO_WHERE) {
        const uint64_t all = fl_low_bits(n), mask = where_mask(chunk, from, n, w->wheres[agg->where]) & all;
        if (!mask) return FLOWLOG_OK;
        if (mask != all) {
            for (uint32_t i = 0; i < n; i++) taken[i] = mask >> i & 1 ? at[i] : 0;
            at = taken;
        }
    }
    for (uint32_t done = 0;;) {
        const struct fl_update u = {w->batch, chunk->rows ? chunk->rows + from + done : NULL,
                                    chunk->first + from + done, n - done, s->state, at + done, &g->pool};
        flowlog_status status = FLOWLOG_OK;
        done += op->update(&u, agg, &status);
        if (FL_LIKELY(done == n)) return FLOWLOG_OK;
        if (status == FLOWLOG_E_OVERFLOW && !at[done]) {
            memset(s->state, 0, s->words * sizeof *s->state);
            continue;
        }
        const struct fl_key_ref key = flowlog__groups_key_in(g, s, (uint32_t)(at[done] / s->words));
        return flowlog__groups_fail_agg(g, agg, status, key, w->err);
    }
}

/* Add the rows from..to of a chunk to their records. */
static flowlog_status update(struct work *w, struct fl_store *s, const struct chunk *chunk, uint32_t from, uint32_t to)
{
    for (uint32_t n; from < to; from += n) {
        n = to - from < FL_CHUNK ? to - from : FL_CHUNK;
        for (uint32_t a = 0; a < w->g->spec.aggs; a++)
            FL_TRY(update_agg(w, s, chunk, from, n, &w->g->spec.agg[a], w->g->op[a]));
    }
    return FLOWLOG_OK;
}

/* --- groups of rows --------------------------------------------------------------------------------------- */

flowlog_status flowlog__groups_fail(const struct fl_groups *g, flowlog_status status, flowlog_error *err)
{
    if (status == FLOWLOG_E_LIMIT)
        return FL_FAIL(err, status, "more than %llu groups", (unsigned long long)g->spec.max_groups);
    return FL_FAIL(err, status, "out of memory for %llu groups", (unsigned long long)fl_groups_count(g));
}

/* How many groups a store may have, given how many the other one has. */
static uint64_t limit_of(const struct fl_groups *g, const struct fl_store *s)
{
    return g->spec.max_groups - (s == &g->packed ? g->longs.count : g->packed.count);
}

/*
 * Look places up and fetch the records ahead; at[i] becomes the index of the record, 0 where the key's own
 * bucket has none.  What was found in a store that is not exact is still to be verified: two keys with one
 * check or-ed may give any number, and beyond the count it is none.
 */
FL_INLINE void look(const struct fl_store *s, const struct fl_place *place, uint32_t n, int exact, uint32_t *groups,
                    size_t *at)
{
    const struct fl_bucket *bucket = s->bucket;
    const uint64_t *state = s->state, *key = s->state + s->key_at;
    const size_t words = s->words;
    const uint32_t count = s->count;
    for (uint32_t i = 0; i < n; i++) {
        const struct fl_bucket *b = &bucket[place[i].bucket];
        uint32_t group = fl_match8(b->check, b->group, place[i].check);
        if (!exact) group = group <= count ? group : 0;
        if (groups) groups[i] = group;
        at[i] = group * words;
        FL_PREFETCH(&state[at[i]]);
        if (!exact) FL_PREFETCH(&key[at[i]]);
    }
}

FL_INLINE void place_packed(const struct fl_store *s, const uint64_t *keys, uint32_t n, uint32_t form,
                            struct fl_place *place)
{
    const struct fl_bucket *bucket = s->bucket;
    const unsigned shift = s->shift;
    const uint64_t seed = s->seed, *second = keys + FL_CHUNK;
    for (uint32_t i = 0; i < n; i++) {
        place[i] = fl_place_packed(form, keys[i], form == FL_STORE_TWO ? second[i] : 0, seed, shift);
        FL_PREFETCH(&bucket[place[i].bucket]);
    }
}

flowlog_status flowlog__groups_place_packed(struct fl_groups *g, const uint64_t *keys, uint32_t n,
                                            struct fl_place *place)
{
    struct fl_store *s = &g->packed;
    FL_TRY(flowlog__store_reserve(s, &g->alloc, NULL, FL_UNDER_WAY * FL_CHUNK));
    if (s->form == FL_STORE_EXACT) place_packed(s, keys, n, FL_STORE_EXACT, place);
    else if (s->form == FL_STORE_ONE) place_packed(s, keys, n, FL_STORE_ONE, place);
    else place_packed(s, keys, n, FL_STORE_TWO, place);
    return FLOWLOG_OK;
}

void flowlog__groups_look_packed(const struct fl_groups *g, const struct fl_place *place, uint32_t n, size_t *at)
{
    const struct fl_store *s = &g->packed;
    if (s->form == FL_STORE_EXACT) look(s, place, n, 1, NULL, at);
    else look(s, place, n, 0, NULL, at);
}

/* A bit for each key that what was found is not the group of. */
FL_INLINE uint64_t missing_packed(const struct fl_store *s, const uint64_t *keys, uint32_t n, uint32_t form,
                                  const size_t *at)
{
    const uint64_t *have = s->state + s->key_at, *second = keys + FL_CHUNK;
    uint64_t missing = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t differ = at[i] == 0; /* record 0 has key 0 */
        if (form != FL_STORE_EXACT) differ |= have[at[i]] ^ keys[i];
        if (form == FL_STORE_TWO) differ |= have[at[i] + 1] ^ second[i];
        missing |= (uint64_t)(differ != 0) << i;
    }
    return missing;
}

flowlog_status flowlog__groups_find_packed(struct fl_groups *g, const uint64_t *keys, const struct fl_place *place,
                                           uint32_t n, uint64_t use, size_t *at)
{
    struct fl_store *s = &g->packed;
    uint64_t missing;
    if (s->form == FL_STORE_EXACT) missing = missing_packed(s, keys, n, FL_STORE_EXACT, at);
    else if (s->form == FL_STORE_ONE) missing = missing_packed(s, keys, n, FL_STORE_ONE, at);
    else missing = missing_packed(s, keys, n, FL_STORE_TWO, at);
    const uint64_t limit = limit_of(g, s);
    for (uint64_t left = missing & use; left; left &= left - 1) {
        const unsigned i = fl_ctz64(left);
        const uint64_t second = s->form == FL_STORE_TWO ? keys[FL_CHUNK + i] : 0;
        uint32_t group = FL_LIKELY(s->count < limit) ? fl_store_add(s, place[i], keys[i], second) : 0;
        if (!group) group = flowlog__store_place(s, NULL, place[i], (struct fl_key_ref){keys[i], NULL, second}, limit);
        if (FL_UNLIKELY(!group)) return FLOWLOG_E_LIMIT;
        at[i] = group * s->words;
    }
    for (uint64_t left = ~use & fl_low_bits(n); left; left &= left - 1) at[fl_ctz64(left)] = 0;
    return FLOWLOG_OK;
}

flowlog_status flowlog__groups_add_only(struct fl_groups *g)
{
    FL_TRY(flowlog__store_reserve(&g->packed, &g->alloc, NULL, 1));
    const struct fl_store *s = &g->packed;
    flowlog__store_place(&g->packed, NULL, fl_place_exact(0, s->seed, s->shift), (struct fl_key_ref){0, NULL, 0}, 1);
    return FLOWLOG_OK;
}

flowlog_status flowlog__groups_reserve_words(struct fl_groups *g, size_t more)
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

uint64_t flowlog__groups_keep_words(struct fl_groups *g, const struct fl_staged *staged, uint32_t i)
{
    struct fl_arena *arena = &g->arena;
    const size_t count = staged->start[i + 1] - staged->start[i];
    const uint64_t key = fl_long_key(arena->len, count);
    memmove(arena->words + arena->len, arena->words + staged->start[i], count * sizeof *arena->words);
    arena->len += count;
    return key;
}

flowlog_status flowlog__groups_look_long(struct fl_groups *g, struct fl_staged *staged, size_t *at)
{
    struct fl_store *s = &g->longs;
    FL_TRY(flowlog__store_reserve(s, &g->alloc, &g->arena, staged->n));
    for (uint32_t i = 0; i < staged->n; i++) {
        const uint64_t *words = g->arena.words + staged->start[i];
        staged->place[i] = fl_place_hashed(words, staged->start[i + 1] - staged->start[i], s->seed, s->shift);
        FL_PREFETCH(&s->bucket[staged->place[i].bucket]);
    }
    look(s, staged->place, staged->n, 0, staged->group, at);
    return FLOWLOG_OK;
}

/* New keys stay behind the arena's end, moved up over those that were known; so none is overwritten too early. */
flowlog_status flowlog__groups_place_long(struct fl_groups *g, struct fl_staged *staged, uint32_t *i, size_t *at)
{
    struct fl_store *s = &g->longs;
    const struct fl_arena *arena = &g->arena;
    const uint64_t limit = limit_of(g, s);
    for (; *i < staged->n; ++*i) {
        const uint64_t *words = arena->words + staged->start[*i];
        const size_t count = staged->start[*i + 1] - staged->start[*i];
        const uint32_t known = staged->group[*i];
        if (known && fl_long_equal(arena, fl_store_key(s, known)[0], words, count)) continue;
        const uint32_t before = s->count;
        const struct fl_key_ref key = {fl_long_key(arena->len, count), words, 0};
        const uint32_t group = flowlog__store_place(s, arena, staged->place[*i], key, limit);
        if (FL_UNLIKELY(!group)) return FLOWLOG_E_LIMIT;
        at[*i] = group * s->words;
        if (s->count != before) flowlog__groups_keep_words(g, staged, *i);
    }
    return FLOWLOG_OK;
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

/* Groups are given up from now on. */
static flowlog_status begin_to_approximate(struct work *w)
{
    FL_TRY(flowlog__groups_approximate(w->g, w->err));
    return flowlog__groups_weigh(w->g, w->err);
}

static flowlog_status place(struct work *w, struct under_way *p)
{
    struct fl_groups *g = w->g;
    const flowlog_status status = flowlog__groups_place_packed(g, p->keys, p->n, p->place);
    p->shift = g->packed.shift;
    return FL_LIKELY(status >= 0) ? FLOWLOG_OK : flowlog__groups_fail(g, status, w->err);
}

/* Make the keys of the rows in `mask`. */
static flowlog_status make_keys(struct work *w, struct under_way *p, uint64_t mask)
{
    const struct fl_keys *keys = &w->g->spec.keys;
    uint8_t odd[FL_CHUNK];
    p->packed_words = keys->packed_words;
    p->use = mask;
    p->late = 0;
    if (!mask) return FLOWLOG_OK;
    if (!flowlog__keys_pack(keys, w->batch, p->first, p->n, p->keys, odd)) {
        p->late = nonzero_mask(odd, p->n) & mask;
        p->use &= ~p->late;
    }
    return p->use ? place(w, p) : FLOWLOG_OK;
}

/* Of the next n rows those that count, and their keys. */
static flowlog_status prepare(struct work *w, struct under_way *p, uint32_t first, uint32_t n, uint64_t selected)
{
    struct fl_groups *g = w->g;
    const flowlog_batch *batch = w->batch;
    uint64_t mask = selected & fl_low_bits(n);
    if (mask && !g->spec.all_rows) mask &= records_mask(batch->log_status + first, n);
    if (mask && !g->spec.keep_null) {
        const uint64_t records = mask;
        mask &= keys_mask(&g->spec.keys, batch, first, n);
        if (mask != records) g->null_keys += fl_popcount64(records & ~mask);
    }
    g->counted += fl_popcount64(mask);
    p->first = first;
    p->n = n;
    return make_keys(w, p, mask);
}

/* Read the buckets.  When the store has grown since, or groups were given up, what was placed is no longer true. */
static flowlog_status look_up(struct work *w, struct under_way *p)
{
    const struct fl_groups *g = w->g;
    if (FL_UNLIKELY(p->packed_words != g->spec.keys.packed_words)) FL_TRY(make_keys(w, p, p->use | p->late));
    if (!p->use) return FLOWLOG_OK;
    if (FL_UNLIKELY(p->shift != g->packed.shift)) FL_TRY(place(w, p));
    flowlog__groups_look_packed(g, p->place, p->n, p->at);
    return FLOWLOG_OK;
}

static void put_off(struct work *w, const struct under_way *p, uint64_t rows)
{
    for (; rows; rows &= rows - 1) w->late_rows[w->late++] = p->first + fl_ctz64(rows);
}

static flowlog_status add_packed(struct work *w, struct under_way *p)
{
    struct fl_groups *g = w->g;
    const struct chunk chunk = {p->first, p->n, NULL, p->at};
    const flowlog_status status = flowlog__groups_find_packed(g, p->keys, p->place, p->n, p->use, p->at);
    if (FL_LIKELY(status >= 0)) return update(w, &g->packed, &chunk, 0, p->n);
    if (status != FLOWLOG_E_LIMIT || !g->spec.approximate) return flowlog__groups_fail(g, status, w->err);
    put_off(w, p, p->use);
    return begin_to_approximate(w);
}

/* Write the keys of the late rows behind the arena's end. */
static flowlog_status stage(const struct work *w, struct fl_staged *staged)
{
    struct fl_groups *g = w->g;
    staged->n = w->late;
    const size_t max = flowlog__keys_long_max(&g->spec.keys, w->batch, w->late_rows, w->late);
    FL_TRY(flowlog__groups_reserve_words(g, max));
    staged->start[0] = g->arena.len;
    for (uint32_t i = 0; i < w->late; i++) {
        uint64_t *words = g->arena.words + staged->start[i];
        const size_t count = flowlog__keys_long(&g->spec.keys, w->batch, w->late_rows[i], words);
        if (count > FL_LONG_WORDS_MAX) return FL_FAIL(w->err, FLOWLOG_E_LIMIT, "a key longer than 128 MiB");
        staged->start[i + 1] = staged->start[i] + count;
    }
    return FLOWLOG_OK;
}

/*
 * The late rows, in order: before a group is taken over, those before it must have been added, for they may be
 * what decides which one.
 */
static flowlog_status add_late(struct work *w)
{
    struct fl_groups *g = w->g;
    const struct chunk chunk = {0, 0, w->late_rows, w->late_at};
    while (w->late) {
        struct fl_staged staged;
        flowlog_status status = flowlog__groups_tidy(g);
        if (status >= 0) status = stage(w, &staged);
        if (status >= 0) status = flowlog__groups_look_long(g, &staged, w->late_at);
        uint32_t i = 0, added = 0;
        while (status >= 0 && (status = flowlog__groups_place_long(g, &staged, &i, w->late_at)) == FLOWLOG_E_LIMIT) {
            if (!g->spec.approximate) break;
            FL_TRY(update(w, &g->longs, &chunk, added, i));
            added = i;
            if (!g->approximated) break;
            w->late_at[i] = flowlog__groups_take_over(g, &staged, i) * g->longs.words;
            i++;
            status = FLOWLOG_OK;
        }
        if (status == FLOWLOG_E_LIMIT && g->spec.approximate && !g->approximated) {
            w->late -= added;
            memmove(w->late_rows, w->late_rows + added, w->late * sizeof *w->late_rows);
            FL_TRY(begin_to_approximate(w)); /* keys that were looked up are elsewhere now: again from here on */
            continue;
        }
        if (FL_UNLIKELY(status < 0)) return flowlog__groups_fail(g, status, w->err);
        w->late = 0;
        FL_TRY(update(w, &g->longs, &chunk, added, staged.n));
    }
    return FLOWLOG_OK;
}

static flowlog_status finish(struct work *w, struct under_way *p)
{
    if (FL_UNLIKELY(p->packed_words != w->g->spec.keys.packed_words || (p->use && p->shift != w->g->packed.shift)))
        FL_TRY(look_up(w, p));
    put_off(w, p, p->late);
    if (p->use) FL_TRY(add_packed(w, p));
    /* Fewer than a chunk may stay, so that the next one has room. */
    return w->late < FL_CHUNK ? FLOWLOG_OK : add_late(w);
}

flowlog_status flowlog__groups_add(struct fl_groups *g, const flowlog_batch *batch, const uint64_t *selection,
                                   const uint64_t *const *wheres, flowlog_error *err)
{
    struct work w;
    w.g = g;
    w.batch = batch;
    w.wheres = wheres;
    w.err = err;
    w.late = 0;
    const uint32_t chunks = (batch->rows + FL_CHUNK - 1) / FL_CHUNK;
    for (uint32_t c = 0; c < chunks + 2; c++) {
        const uint32_t first = c * FL_CHUNK, left = batch->rows - first;
        if (c < chunks)
            FL_TRY(prepare(&w, &w.ring[c % FL_UNDER_WAY], first, left < FL_CHUNK ? left : FL_CHUNK,
                           selection ? selection[first / 64] : ~UINT64_C(0)));
        if (c >= 1 && c - 1 < chunks) FL_TRY(look_up(&w, &w.ring[(c - 1) % FL_UNDER_WAY]));
        if (c >= 2) FL_TRY(finish(&w, &w.ring[(c - 2) % FL_UNDER_WAY]));
    }
    return add_late(&w);
}
