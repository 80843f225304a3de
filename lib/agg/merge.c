/* SPDX-License-Identifier: MIT */
/*
 * merge.c - groups into groups; see groups.h.
 *
 * Keys of both are equal words, whatever the seeds and sizes of the tables, and are looked up 64 at a time as the
 * keys of rows are.
 */
#include <string.h>

#include "agg/groups.h"
#include "core/bytes.h"
#include "core/error.h"

/* Add n records of `from`, those of groups first.., to the records at[0..n) of `to`. */
static flowlog_status merge_records(struct fl_groups *g, const struct fl_store *to, const size_t *at,
                                    const struct fl_groups *other, const struct fl_store *from, uint32_t first,
                                    uint32_t n, flowlog_error *err)
{
    for (uint32_t a = 0; a < g->spec.aggs; a++) {
        const struct fl_agg *agg = &g->spec.agg[a];
        const uint64_t *source = from->state + first * from->words + agg->word;
        for (uint32_t i = 0; i < n; i++, source += from->words) {
            const flowlog_status status =
                g->op[a]->merge(agg, &g->pool, to->state + at[i] + agg->word, &other->pool, source);
            if (FL_UNLIKELY(status < 0)) {
                const struct fl_key_ref key = flowlog__groups_key_in(g, to, (uint32_t)(at[i] / to->words));
                return flowlog__groups_fail_agg(g, agg, status, key, err);
            }
        }
    }
    return FLOWLOG_OK;
}

static flowlog_status merge_packed(struct fl_groups *g, const struct fl_groups *other, flowlog_error *err)
{
    const struct fl_store *from = &other->packed;
    for (uint32_t first = 1, n; first <= from->count; first += n) {
        n = from->count - first < FL_CHUNK ? from->count - first + 1 : FL_CHUNK;
        uint64_t keys[2 * FL_CHUNK];
        size_t at[FL_CHUNK];
        for (uint32_t i = 0; i < n; i++) {
            const uint64_t *key = fl_store_key(from, first + i);
            keys[i] = key[0];
            if (from->form == FL_STORE_TWO) keys[FL_CHUNK + i] = key[1];
        }
        struct fl_place place[FL_CHUNK];
        flowlog_status status = flowlog__groups_place_packed(g, keys, n, place);
        if (status >= 0) flowlog__groups_look_packed(g, place, n, at);
        if (status >= 0) status = flowlog__groups_find_packed(g, keys, place, n, fl_low_bits(n), at);
        if (FL_UNLIKELY(status < 0)) return flowlog__groups_fail(g, status, err);
        FL_TRY(merge_records(g, &g->packed, at, other, from, first, n, err));
    }
    return FLOWLOG_OK;
}

static flowlog_status stage(struct fl_groups *g, const struct fl_groups *other, uint32_t first, uint32_t n,
                            struct fl_staged *staged)
{
    size_t words = 0;
    for (uint32_t i = 0; i < n; i++) words += fl_long_count(fl_store_key(&other->longs, first + i)[0]);
    FL_TRY(flowlog__groups_reserve_words(g, words));
    staged->n = n;
    staged->start[0] = g->arena.len;
    for (uint32_t i = 0; i < n; i++) {
        const struct fl_key_ref key = flowlog__groups_key_in(other, &other->longs, first + i);
        const size_t count = fl_long_count(key.word);
        memcpy(g->arena.words + staged->start[i], key.words, count * sizeof *key.words);
        staged->start[i + 1] = staged->start[i] + count;
    }
    return FLOWLOG_OK;
}

static flowlog_status merge_longs(struct fl_groups *g, const struct fl_groups *other, flowlog_error *err)
{
    const struct fl_store *from = &other->longs;
    for (uint32_t first = 1, n; first <= from->count; first += n) {
        n = from->count - first < FL_CHUNK ? from->count - first + 1 : FL_CHUNK;
        struct fl_staged staged;
        size_t at[FL_CHUNK];
        uint32_t i = 0;
        flowlog_status status = stage(g, other, first, n, &staged);
        if (status >= 0) status = flowlog__groups_look_long(g, &staged, at);
        if (status >= 0) status = flowlog__groups_place_long(g, &staged, &i, at);
        if (FL_UNLIKELY(status < 0)) return flowlog__groups_fail(g, status, err);
        FL_TRY(merge_records(g, &g->longs, at, other, from, first, n, err));
    }
    return FLOWLOG_OK;
}

static int has(const struct fl_groups *g, struct fl_key_ref key)
{
    const struct fl_store *s = key.words ? &g->longs : &g->packed;
    const struct fl_place place =
        key.words ? fl_place_hashed(key.words, fl_long_count(key.word), s->seed, s->shift)
                  : fl_place_packed(s->form, key.word, key.second, s->seed, s->shift);
    return flowlog__store_find(s, &g->arena, place, key) != 0;
}

/* 1 if the groups of both, those of one key counted once, are more than max_groups. */
static int are_too_many(const struct fl_groups *g, const struct fl_groups *from)
{
    uint64_t count = fl_groups_count(g) + fl_groups_count(from);
    for (uint64_t i = 0; count > g->spec.max_groups && i < fl_groups_count(from); i++)
        count -= (uint64_t)has(g, flowlog__groups_key(from, i));
    return count > g->spec.max_groups;
}

flowlog_status flowlog__groups_merge(struct fl_groups *g, const struct fl_groups *from, flowlog_error *err)
{
    if (g->approximated || from->approximated || (g->spec.approximate && are_too_many(g, from))) {
        FL_TRY(flowlog__groups_merge_approximately(g, from, err));
    } else {
        FL_TRY(merge_packed(g, from, err));
        FL_TRY(merge_longs(g, from, err));
    }
    g->null_keys += from->null_keys;
    g->counted += from->counted;
    return FLOWLOG_OK;
}
