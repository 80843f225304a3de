/* SPDX-License-Identifier: MIT */
/*
 * approximate.c - Space-Saving: when there are max_groups and a key comes that has none, it takes over the group of
 * the smallest weight (Metwally, Agrawal, El Abbadi 2005).
 *
 * What holds of m groups, N the sum of all weights that were added, and `least` the smallest weight there is:
 *
 *   true <= weight <= true + error         of each group: it began with the weight of the one it took over
 *   error <= least <= N / m                for all weights together are at most N
 *   true <= least                          of each key that has no group
 *
 * Two such collections merge so that it holds again (Agarwal and others, Mergeable Summaries, 2012): a group that
 * only one of them has may have been given up by the other with as much as the other's least, which is added to its
 * weight and to its error; then the m largest stay.  Together the m largest are at most N: each of them has, beyond
 * the least of both, what it had there, and m times the least of both is no more than all that is missing.
 *
 * From the first group that is given up on, all keys are long ones, in one store, so that any may take over any.  The
 * smallest is found by a heap of weights as they were when last looked at; weights only grow, so a root that is up to
 * date is the smallest.
 */
#include <string.h>

#include "agg/groups.h"
#include "agg/sort.h"
#include "core/bytes.h"
#include "core/error.h"

struct fl_weighed {
    uint64_t weight;
    uint32_t group;
};

static uint64_t *weight_of(const struct fl_groups *g, uint32_t group)
{
    return &g->longs.state[group * g->longs.words + g->spec.agg[g->spec.weight].word];
}

static uint64_t *error_of(const struct fl_groups *g, uint32_t group)
{
    return fl_groups_error_word(g, &g->longs.state[group * g->longs.words]);
}

static void sift_down(struct fl_weighed *heap, size_t root, size_t count)
{
    const struct fl_weighed moving = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && heap[child + 1].weight < heap[child].weight) child++;
        if (heap[child].weight >= moving.weight) break;
        heap[root] = heap[child];
    }
    heap[root] = moving;
}

/* The group of the smallest weight, at the root. */
static uint32_t lightest(struct fl_groups *g)
{
    for (;;) {
        const uint64_t weight = *weight_of(g, g->heap[0].group);
        if (weight == g->heap[0].weight) return g->heap[0].group;
        g->heap[0].weight = weight;
        sift_down(g->heap, 0, g->longs.count);
    }
}

flowlog_status flowlog__groups_weigh(struct fl_groups *g, flowlog_error *err)
{
    const uint32_t count = g->longs.count;
    if (!g->heap) {
        g->heap = flowlog__alloc_array(&g->alloc, count, sizeof *g->heap);
        if (!g->heap) return flowlog__groups_fail(g, FLOWLOG_E_MEMORY, err);
        g->heap_len = count * sizeof *g->heap;
    }
    for (uint32_t i = 0; i < count; i++) g->heap[i] = (struct fl_weighed){*weight_of(g, i + 1), i + 1};
    for (size_t i = count / 2; i-- > 0;) sift_down(g->heap, i, count);
    return FLOWLOG_OK;
}

/* Packed groups become long ones. */
static flowlog_status move_packed(struct fl_groups *g)
{
    struct fl_store *from = &g->packed, *to = &g->longs;
    for (uint32_t group = 1; group <= from->count; group++) {
        FL_TRY(flowlog__store_reserve(to, &g->alloc, &g->arena, 1));
        FL_TRY(flowlog__groups_reserve_words(g, FL_UNPACKED_MAX));
        const struct fl_key_ref key = flowlog__groups_key_in(g, from, group);
        uint64_t *words = g->arena.words + g->arena.len;
        const size_t count = flowlog__keys_unpack(&g->spec.keys, key.word, key.second, words);
        const struct fl_key_ref moved = {fl_long_key(g->arena.len, count), words, 0};
        const struct fl_place place = fl_place_hashed(words, count, to->seed, to->shift);
        const uint32_t now = flowlog__store_place(to, &g->arena, place, moved, UINT32_MAX);
        memcpy(to->state + now * to->words, from->state + group * from->words, from->key_at * sizeof *from->state);
        g->arena.len += count;
    }
    flowlog__store_free(from, &g->alloc);
    const uint64_t seed = from->seed;
    memset(from, 0, sizeof *from);
    flowlog__store_init(from, FL_STORE_EXACT, (uint32_t)to->key_at, seed);
    g->spec.keys.packed_words = 0;
    return FLOWLOG_OK;
}

flowlog_status flowlog__groups_approximate(struct fl_groups *g, flowlog_error *err)
{
    const flowlog_status status = move_packed(g);
    if (status < 0) return flowlog__groups_fail(g, status, err);
    g->approximated = 1;
    return FLOWLOG_OK;
}

/* Drop the words of keys that no group has any more, when they are most of what there is. */
flowlog_status flowlog__groups_tidy(struct fl_groups *g)
{
    enum { WORTH_IT = 4096 };
    const struct fl_arena old = g->arena;
    if (old.dead < WORTH_IT || old.dead < old.len / 2) return FLOWLOG_OK;
    struct fl_arena arena = {NULL, 0, old.len, 0};
    arena.words = flowlog__alloc_array(&g->alloc, arena.cap, sizeof *arena.words);
    if (!arena.words) return FLOWLOG_E_MEMORY;
    for (uint32_t group = 1; group <= g->longs.count; group++) {
        uint64_t *key = &g->longs.state[group * g->longs.words + g->longs.key_at];
        const size_t count = fl_long_count(*key);
        memcpy(arena.words + arena.len, fl_long_words(&old, *key), count * sizeof *arena.words);
        *key = fl_long_key(arena.len, count);
        arena.len += count;
    }
    flowlog__release(&g->alloc, old.words, old.cap * sizeof *old.words);
    g->arena = arena;
    return FLOWLOG_OK;
}

/* A record without anything, for another key. */
static uint64_t *clear_record(struct fl_groups *g, uint32_t group)
{
    uint64_t *record = g->longs.state + group * g->longs.words;
    for (uint32_t a = 0; a < g->spec.aggs; a++)
        if (g->op[a]->clear) g->op[a]->clear(&g->spec.agg[a], &g->pool, record + g->spec.agg[a].word);
    memset(record, 0, g->longs.key_at * sizeof *record);
    return record;
}

/* Give a group the key that is staged as number i; its words go where the old ones were if there is room. */
static void rename_group(struct fl_groups *g, const struct fl_staged *staged, uint32_t i, uint32_t group)
{
    const uint64_t old = fl_store_key(&g->longs, group)[0];
    const size_t count = staged->start[i + 1] - staged->start[i], had = fl_long_count(old);
    struct fl_arena *arena = &g->arena;
    if (count <= had) {
        const uint64_t key = fl_long_key((size_t)(old >> 24), count);
        flowlog__store_rename(&g->longs, arena, group, staged->place[i], key); /* before the old words are gone */
        memcpy(arena->words + (size_t)(old >> 24), arena->words + staged->start[i], count * sizeof *arena->words);
        arena->dead += had - count;
    } else {
        flowlog__store_rename(&g->longs, arena, group, staged->place[i], flowlog__groups_keep_words(g, staged, i));
        arena->dead += had;
    }
}

uint32_t flowlog__groups_take_over(struct fl_groups *g, const struct fl_staged *staged, uint32_t i)
{
    const uint32_t group = lightest(g);
    const uint64_t weight = *weight_of(g, group);
    clear_record(g, group);
    rename_group(g, staged, i, group);
    *weight_of(g, group) = *error_of(g, group) = weight;
    return group;
}

/* --- merge -------------------------------------------------------------------------------------------------------- */

#define OTHER (UINT64_C(1) << 63) /* in `ref`: group of `from` and not of g */

struct merging {
    struct fl_groups *g;
    const struct fl_groups *from;
    flowlog_error *err;
    uint64_t least, from_least; /* what a group may have had before it was given up */
    uint64_t *both;             /* a bit for each group of g that `from` has too */
    struct fl_sortable *items;  /* [2 * cap] all groups of both, and room to sort them */
    size_t words, cap, count;
};

static uint64_t least_of(const struct fl_groups *g)
{
    if (!g->approximated) return 0;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 1; i <= g->longs.count; i++)
        if (*weight_of(g, i) < least) least = *weight_of(g, i);
    return least;
}

static struct fl_key_ref key_of(const struct merging *m, uint64_t ref)
{
    return flowlog__groups_key(ref & OTHER ? m->from : m->g, ref & ~OTHER);
}

/* Equal weights go by keys, so that it does not matter which of the two is added to which. */
static int comes_before(const void *ctx, uint64_t a, uint64_t b)
{
    const struct merging *m = ctx;
    return flowlog__keys_compare(&m->g->spec.keys, key_of(m, a), key_of(m, b)) < 0;
}

/* Put the key of group i of `from` behind the arena's end. */
static flowlog_status stage(const struct merging *m, uint64_t i, struct fl_staged *staged)
{
    struct fl_groups *g = m->g;
    const struct fl_key_ref key = flowlog__groups_key(m->from, i);
    size_t count = key.words ? fl_long_count(key.word) : FL_UNPACKED_MAX;
    FL_TRY(flowlog__groups_reserve_words(g, count));
    uint64_t *words = g->arena.words + g->arena.len;
    if (key.words) memcpy(words, key.words, count * sizeof *words);
    else count = flowlog__keys_unpack(&m->from->spec.keys, key.word, key.second, words);
    staged->n = 1;
    staged->start[0] = g->arena.len;
    staged->start[1] = g->arena.len + count;
    staged->place[0] = fl_place_hashed(words, count, g->longs.seed, g->longs.shift);
    return FLOWLOG_OK;
}

static flowlog_status add_record(const struct merging *m, uint32_t group, uint64_t i)
{
    struct fl_groups *g = m->g;
    uint64_t *to = g->longs.state + group * g->longs.words;
    const uint64_t *record = fl_groups_record(m->from, i);
    for (uint32_t a = 0; a < g->spec.aggs; a++) {
        const struct fl_agg *agg = &g->spec.agg[a];
        const flowlog_status status =
            g->op[a]->merge(agg, &g->pool, to + agg->word, &m->from->pool, record + agg->word);
        if (status < 0)
            return flowlog__groups_fail_agg(g, agg, status, flowlog__groups_key_in(g, &g->longs, group), m->err);
    }
    *error_of(g, group) += flowlog__groups_error(m->from, i);
    return FLOWLOG_OK;
}

/* What the side that does not have a group may have given up of it. */
static flowlog_status add_least(const struct merging *m, uint32_t group, uint64_t least)
{
    const struct fl_groups *g = m->g;
    uint64_t *weight = weight_of(g, group);
    if (*weight > UINT64_MAX - least)
        return flowlog__groups_fail_agg(g, &g->spec.agg[g->spec.weight], FLOWLOG_E_OVERFLOW,
                                        flowlog__groups_key_in(g, &g->longs, group), m->err);
    *weight += least;
    *error_of(g, group) += least;
    return FLOWLOG_OK;
}

/* Groups that both have are added up; all that there are become items. */
static flowlog_status meet(struct merging *m)
{
    struct fl_groups *g = m->g;
    const uint32_t had = g->longs.count;
    const uint32_t word = g->spec.agg[g->spec.weight].word;
    struct fl_staged staged;
    for (uint64_t i = 0; i < fl_groups_count(m->from); i++) {
        const flowlog_status status = stage(m, i, &staged);
        if (status < 0) return flowlog__groups_fail(g, status, m->err);
        const struct fl_key_ref key = {fl_long_key(staged.start[0], staged.start[1] - staged.start[0]),
                                       g->arena.words + staged.start[0], 0};
        const uint32_t group = flowlog__store_find(&g->longs, &g->arena, staged.place[0], key);
        if (group) {
            fl_bit_set(m->both, group);
            FL_TRY(add_record(m, group, i));
            continue;
        }
        const uint64_t weight = fl_groups_record(m->from, i)[word];
        const uint64_t shown = weight > UINT64_MAX - m->least ? UINT64_MAX : weight + m->least;
        m->items[m->count++] = (struct fl_sortable){~shown, i | OTHER};
    }
    for (uint32_t group = 1; group <= had; group++) {
        if (!fl_bit_get(m->both, group)) FL_TRY(add_least(m, group, m->from_least));
        m->items[m->count++] = (struct fl_sortable){~*weight_of(g, group), group - 1};
    }
    return FLOWLOG_OK;
}

/* The max_groups largest stay: those of `from` take the places of those of g that are not among them, or new ones. */
static flowlog_status choose(struct merging *m)
{
    struct fl_groups *g = m->g;
    const struct fl_sortable *sorted =
        flowlog__sort_ranked(m->items, m->items + m->cap, m->count, comes_before, m);
    const size_t stay = m->count < g->spec.max_groups ? m->count : (size_t)g->spec.max_groups;
    size_t loser = stay;
    struct fl_staged staged;
    for (size_t i = 0; i < stay; i++) {
        if (!(sorted[i].ref & OTHER)) continue;
        while (loser < m->count && sorted[loser].ref & OTHER) loser++;
        flowlog_status status = flowlog__store_reserve(&g->longs, &g->alloc, &g->arena, 1);
        if (status >= 0) status = stage(m, sorted[i].ref & ~OTHER, &staged);
        if (status < 0) return flowlog__groups_fail(g, status, m->err);
        uint32_t group;
        if (loser < m->count) {
            group = (uint32_t)sorted[loser++].ref + 1;
            clear_record(g, group);
            rename_group(g, &staged, 0, group);
        } else {
            const struct fl_key_ref key = {fl_long_key(staged.start[0], staged.start[1] - staged.start[0]),
                                           g->arena.words + staged.start[0], 0};
            group = flowlog__store_place(&g->longs, &g->arena, staged.place[0], key, UINT32_MAX);
            flowlog__groups_keep_words(g, &staged, 0);
        }
        FL_TRY(add_record(m, group, sorted[i].ref & ~OTHER));
        FL_TRY(add_least(m, group, m->least));
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog__groups_merge_approximately(struct fl_groups *g, const struct fl_groups *from,
                                                   flowlog_error *err)
{
    struct merging m = {.g = g, .from = from, .err = err, .least = least_of(g), .from_least = least_of(from)};
    FL_TRY(flowlog__groups_approximate(g, err));
    flowlog_status status = flowlog__groups_tidy(g);
    if (status < 0) return flowlog__groups_fail(g, status, err);
    m.words = fl_bit_words((size_t)g->longs.count + 1);
    m.cap = (size_t)(fl_groups_count(g) + fl_groups_count(from));
    m.both = flowlog__alloc_zero(&g->alloc, m.words * sizeof *m.both);
    m.items = flowlog__alloc_array(&g->alloc, m.cap, 2 * sizeof *m.items);
    status = m.both && m.items ? meet(&m) : flowlog__groups_fail(g, FLOWLOG_E_MEMORY, err);
    if (status >= 0) status = choose(&m);
    flowlog__release(&g->alloc, m.both, m.words * sizeof *m.both);
    flowlog__release(&g->alloc, m.items, m.cap * 2 * sizeof *m.items);
    return status < 0 ? status : flowlog__groups_weigh(g, err);
}
