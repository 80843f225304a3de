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
    g->seed = fl_hash_u64((uint64_t)(uintptr_t)g ^ fl_hash_u64((uint64_t)(uintptr_t)&alloc));
    flowlog__keys_layout(&g->spec.keys);
    uint32_t words = 0;
    for (uint32_t a = 0; a < g->spec.aggs; a++) {
        g->spec.agg[a].word = words;
        words += flowlog__agg_op(g->spec.agg[a].kind)->words;
    }
    g->packed.records.words = g->longs.records.words = words ? words : 1;
    g->packed.exact = g->spec.keys.packed_bits <= 32;
}

void flowlog__groups_free(struct fl_groups *g)
{
    flowlog__store_free(&g->packed, &g->alloc);
    flowlog__store_free(&g->longs, &g->alloc);
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
    return s->records.state + group * s->records.words;
}

/* --- which rows count ------------------------------------------------------------------------------------- */

_Static_assert(FLOWLOG_LOG_STATUS_NODATA == 2 && FLOWLOG_LOG_STATUS_SKIPDATA == 3, "2 and 3 in one comparison");

/* A bit for each of n rows that is neither NODATA nor SKIPDATA. */
static uint64_t records_mask(const uint8_t *status, uint32_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t found = 0;
    if (n == FL_CHUNK) { /* eight at a time: is any byte 2 or 3?  Almost never */
        for (int i = 0; i < FL_CHUNK; i += 8) {
            const uint64_t x = (fl_load64(status + i) & ~ones) ^ ones * 2;
            found |= (x - ones) & ~x & ones << 7;
        }
        if (!found) return ~UINT64_C(0);
    }
    uint64_t mask = 0;
    for (uint32_t i = 0; i < n; i++) mask |= (uint64_t)((status[i] & 0xFEu) != 2) << i;
    return mask;
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

static uint32_t list_rows(uint64_t mask, uint32_t first, uint32_t *rows)
{
    uint32_t n = 0;
    if (mask == ~UINT64_C(0)) {
        for (; n < FL_CHUNK; n++) rows[n] = first + n;
        return n;
    }
    for (; mask; mask &= mask - 1) rows[n++] = first + fl_ctz64(mask);
    return n;
}

/* --- aggregates ------------------------------------------------------------------------------------------- */

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

static flowlog_status update(struct fl_groups *g, const struct fl_store *s, const flowlog_batch *batch,
                             const uint32_t *groups, const uint32_t *rows, uint32_t n, flowlog_error *err)
{
    for (uint32_t a = 0; a < g->spec.aggs; a++) {
        const struct fl_agg *agg = &g->spec.agg[a];
        const uint32_t done = flowlog__agg_op(agg->kind)->update(s->records, agg, batch, groups, rows, n);
        if (FL_UNLIKELY(done < n)) {
            const uint64_t key = s->key[groups[done]];
            const uint64_t *words = s == &g->longs ? fl_long_words(&g->arena, key) : NULL;
            return fail_overflow(g, agg, (struct fl_key_ref){key, words}, err);
        }
    }
    return FLOWLOG_OK;
}

/* --- groups of rows --------------------------------------------------------------------------------------- */

static flowlog_status fail_groups(const struct fl_groups *g, flowlog_status status, flowlog_error *err)
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

FL_INLINE void prefetch_record(const struct fl_store *s, uint32_t group)
{
    FL_PREFETCH(s->records.state + group * s->records.words);
}

static flowlog_status add_packed(struct fl_groups *g, const flowlog_batch *batch, const uint32_t *rows,
                                 const uint64_t *keys, uint32_t n, flowlog_error *err)
{
    struct fl_store *s = &g->packed;
    const flowlog_status status = flowlog__store_reserve(s, &g->alloc, NULL, g->seed, n);
    if (FL_UNLIKELY(status < 0)) return fail_groups(g, status, err);
    const uint64_t limit = limit_of(g, s);
    struct fl_place place[FL_CHUNK];
    uint32_t groups[FL_CHUNK];
    for (uint32_t i = 0; i < n; i++) {
        place[i] = fl_place_of(s, keys[i], fl_key_hash(&keys[i], 1, g->seed));
        FL_PREFETCH(&s->bucket[place[i].bucket]);
    }
    for (uint32_t i = 0; i < n; i++) {
        groups[i] = fl_store_look(s, place[i]);
        prefetch_record(s, groups[i] <= s->count ? groups[i] : 0);
        if (!s->exact && groups[i] <= s->count) FL_PREFETCH(&s->key[groups[i]]);
    }
    /* Two keys with one check or-ed may have given any number: verified, it is right nevertheless. */
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t found = groups[i];
        if (FL_LIKELY(found && (s->exact || (found <= s->count && s->key[found] == keys[i])))) continue;
        groups[i] = flowlog__store_place(s, NULL, place[i], keys[i], NULL, limit);
        if (FL_UNLIKELY(!groups[i])) return fail_groups(g, FLOWLOG_E_LIMIT, err);
    }
    return update(g, s, batch, groups, rows, n, err);
}

flowlog_status flowlog__groups_add_only(struct fl_groups *g)
{
    FL_TRY(flowlog__store_reserve(&g->packed, &g->alloc, NULL, g->seed, 1));
    const struct fl_place place = fl_place_of(&g->packed, 0, fl_key_hash(&(uint64_t){0}, 1, g->seed));
    flowlog__store_place(&g->packed, NULL, place, 0, NULL, 1);
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
 * The keys are written one after the other behind the arena's end, which is where new ones stay; those that
 * are known are overwritten by the new ones after them.
 */
static flowlog_status add_long(struct fl_groups *g, const flowlog_batch *batch, const uint32_t *rows,
                               uint32_t n, flowlog_error *err)
{
    struct fl_store *s = &g->longs;
    struct fl_arena *arena = &g->arena;
    flowlog_status status = flowlog__store_reserve(s, &g->alloc, arena, g->seed, n);
    if (FL_UNLIKELY(status < 0)) return fail_groups(g, status, err);
    struct fl_place place[FL_CHUNK];
    size_t start[FL_CHUNK + 1];
    uint32_t groups[FL_CHUNK];
    start[0] = arena->len;
    for (uint32_t i = 0; i < n; i++) {
        const size_t max = flowlog__keys_long_max(&g->spec.keys, batch, rows[i]);
        if (max > FL_LONG_WORDS_MAX) return FL_FAIL(err, FLOWLOG_E_LIMIT, "a key longer than 128 MiB");
        status = reserve_words(g, start[i] - arena->len + max);
        if (FL_UNLIKELY(status < 0)) return fail_groups(g, status, err);
        uint64_t *words = arena->words + start[i];
        const size_t count = flowlog__keys_long(&g->spec.keys, batch, rows[i], words);
        place[i] = fl_place_of(s, 0, fl_key_hash(words, count, g->seed));
        FL_PREFETCH(&s->bucket[place[i].bucket]);
        start[i + 1] = start[i] + count;
    }
    for (uint32_t i = 0; i < n; i++) {
        groups[i] = fl_store_look(s, place[i]);
        if (groups[i] > s->count) groups[i] = 0;
        prefetch_record(s, groups[i]);
        FL_PREFETCH(&s->key[groups[i]]);
    }
    const uint64_t limit = limit_of(g, s);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *words = arena->words + start[i];
        const size_t count = start[i + 1] - start[i];
        if (groups[i] && fl_long_equal(arena, s->key[groups[i]], words, count)) continue;
        const uint32_t before = s->count;
        groups[i] = flowlog__store_place(s, arena, place[i], (uint64_t)arena->len << 24 | count, words, limit);
        if (FL_UNLIKELY(!groups[i])) return fail_groups(g, FLOWLOG_E_LIMIT, err);
        if (s->count == before) continue;
        memmove(arena->words + arena->len, words, count * sizeof *words);
        arena->len += count;
    }
    return update(g, s, batch, groups, rows, n, err);
}

static flowlog_status add_chunk(struct fl_groups *g, const flowlog_batch *batch, uint32_t first, uint32_t n,
                                flowlog_error *err)
{
    uint64_t mask = fl_low_bits(n);
    if (!g->spec.keep_null) {
        const uint64_t records = records_mask(batch->log_status + first, n);
        mask = keys_mask(&g->spec.keys, batch, first, n) & records;
        const uint64_t null_keys = records & fl_low_bits(n) & ~mask;
        if (null_keys) g->null_keys += fl_popcount64(null_keys);
    }
    if (!mask) return FLOWLOG_OK;
    uint32_t rows[FL_CHUNK];
    uint64_t keys[FL_CHUNK];
    uint8_t odd[FL_CHUNK];
    n = list_rows(mask, first, rows);
    if (FL_LIKELY(flowlog__keys_pack(&g->spec.keys, batch, rows, n, keys, odd)))
        return add_packed(g, batch, rows, keys, n, err);
    uint32_t fit = 0, others = 0, rest[FL_CHUNK];
    for (uint32_t i = 0; i < n; i++) {
        if (odd[i]) {
            rest[others++] = rows[i];
        } else {
            rows[fit] = rows[i];
            keys[fit++] = keys[i];
        }
    }
    if (fit) FL_TRY(add_packed(g, batch, rows, keys, fit, err));
    return add_long(g, batch, rest, others, err);
}

flowlog_status flowlog__groups_add(struct fl_groups *g, const flowlog_batch *batch, flowlog_error *err)
{
    for (uint32_t left = batch->rows, n; left; left -= n) {
        n = left < FL_CHUNK ? left : FL_CHUNK;
        FL_TRY(add_chunk(g, batch, batch->rows - left, n, err));
    }
    return FLOWLOG_OK;
}
