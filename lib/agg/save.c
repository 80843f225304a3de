/* SPDX-License-Identifier: MIT */
/*
 * save.c - groups to bytes and back; see groups.h.
 *
 *     varint null_keys, varint counted, varint groups, u8 1 where groups were given up and else 0
 *     each group: its key (key.h), varint error where groups were given up, its aggregates (state.h)
 *
 * Groups come in the order of the bytes of their keys, and each thing has one form only: the same groups are the
 * same bytes, whatever the seeds, the order of rows and the machine.
 */
#include <string.h>

#include "agg/groups.h"
#include "agg/sort.h"
#include "core/bytes.h"
#include "core/error.h"

/* Keys in the form of partials, one after the other: that of group i is bytes.p + start[i], up to start[i + 1]. */
struct encoded {
    struct fl_bytes bytes;
    size_t *start;
};

static int comes_before(const void *ctx, uint64_t a, uint64_t b)
{
    const struct encoded *e = ctx;
    const size_t a_len = e->start[a + 1] - e->start[a], b_len = e->start[b + 1] - e->start[b];
    const int c = memcmp(e->bytes.p + e->start[a], e->bytes.p + e->start[b], a_len < b_len ? a_len : b_len);
    return c ? c < 0 : a_len < b_len;
}

/* The first 8 bytes as a number that rises as they do. */
static uint64_t rank_of(const uint8_t *p, size_t len)
{
    uint64_t rank = 0;
    for (size_t i = 0; i < 8; i++) rank = rank << 8 | (i < len ? p[i] : 0);
    return rank;
}

static void encode(const struct fl_groups *g, struct encoded *e, struct fl_sortable *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct fl_key_ref key = flowlog__groups_key(g, i);
        uint64_t words[FL_UNPACKED_MAX];
        if (!key.words) flowlog__keys_unpack(&g->spec.keys, key.word, key.second, words);
        e->start[i] = e->bytes.len;
        flowlog__keys_encode(&g->spec.keys, key.words ? key.words : words, &e->bytes);
    }
    e->start[count] = e->bytes.len;
    if (e->bytes.failed) return;
    for (size_t i = 0; i < count; i++) {
        const size_t len = e->start[i + 1] - e->start[i]; /* 0 without keys: then there are no bytes at all */
        items[i] = (struct fl_sortable){len ? rank_of(e->bytes.p + e->start[i], len) : 0, i};
    }
}

static void save_group(const struct fl_groups *g, const struct encoded *e, size_t i, struct fl_bytes *out)
{
    const uint64_t *record = fl_groups_record(g, i);
    if (e->start[i + 1] > e->start[i])
        flowlog__bytes_put(out, e->bytes.p + e->start[i], e->start[i + 1] - e->start[i]);
    if (g->approximated) flowlog__bytes_put_varint(out, flowlog__groups_error(g, i));
    for (uint32_t a = 0; a < g->spec.aggs; a++)
        g->op[a]->save(&g->spec.agg[a], &g->pool, record + g->spec.agg[a].word, out);
}

void flowlog__groups_save(const struct fl_groups *g, struct fl_bytes *out)
{
    flowlog__bytes_put_varint(out, g->null_keys);
    flowlog__bytes_put_varint(out, g->counted);
    flowlog__bytes_put_varint(out, fl_groups_count(g));
    flowlog__bytes_put_u8(out, (uint8_t)g->approximated);
    const size_t count = (size_t)fl_groups_count(g); /* that many records are in memory */
    if (!count) return;
    struct encoded e;
    flowlog__bytes_init(&e.bytes, &g->alloc);
    e.start = flowlog__alloc_array(&g->alloc, count + 1, sizeof *e.start);
    struct fl_sortable *items = flowlog__alloc_array(&g->alloc, count, 2 * sizeof *items);
    if (e.start && items) encode(g, &e, items, count);
    if (!e.start || !items || e.bytes.failed) {
        out->failed = 1;
    } else {
        const struct fl_sortable *sorted = flowlog__sort_ranked(items, items + count, count, comes_before, &e);
        for (size_t i = 0; i < count && !out->failed; i++) save_group(g, &e, (size_t)sorted[i].ref, out);
    }
    flowlog__bytes_free(&e.bytes);
    flowlog__release(&g->alloc, items, count * 2 * sizeof *items);
    flowlog__release(&g->alloc, e.start, (count + 1) * sizeof *e.start);
}

/* --- and back --------------------------------------------------------------------------------------------------- */

static flowlog_status fail_corrupt(const struct fl_cursor *in, flowlog_error *err)
{
    return flowlog__fail_at(err, FLOWLOG_E_CORRUPT, in->at, 0, 0, "groups that no plan like this one has written");
}

/* Make the group of a key whose words stand behind the arena's end.  NULL record: there is one. */
static flowlog_status make_group(struct fl_groups *g, size_t count, uint64_t **record)
{
    uint64_t *words = g->arena.words + g->arena.len, packed[2];
    const int is_packed = !g->approximated && flowlog__keys_repack(&g->spec.keys, words, packed);
    struct fl_store *s = is_packed ? &g->packed : &g->longs;
    struct fl_place place;
    struct fl_key_ref key;
    FL_TRY(flowlog__store_reserve(s, &g->alloc, &g->arena, 1));
    if (is_packed) {
        key = (struct fl_key_ref){packed[0], NULL, packed[1]};
        place = fl_place_packed(s->form, packed[0], packed[1], s->seed, s->shift);
    } else {
        key = (struct fl_key_ref){fl_long_key(g->arena.len, count), words, 0};
        place = fl_place_hashed(words, count, s->seed, s->shift);
    }
    const uint32_t before = s->count;
    const uint32_t group = flowlog__store_place(s, &g->arena, place, key, UINT32_MAX);
    *record = s->count > before || !g->spec.keys.count ? s->state + group * s->words : NULL;
    if (!is_packed) g->arena.len += count;
    return FLOWLOG_OK;
}

/* `last` is where the key before this one was read from; NULL: this is the first. */
static flowlog_status load_group(struct fl_groups *g, struct fl_cursor *in, const uint8_t **last, size_t *last_len,
                                 flowlog_error *err)
{
    const size_t text = flowlog__keys_have_text(&g->spec.keys) ? (in->len - in->at) / 8 : 0;
    flowlog_status status = flowlog__groups_reserve_words(g, 3 * FL_KEYS_MAX + text);
    if (status < 0) return flowlog__groups_fail(g, status, err);
    const uint8_t *key = in->p + in->at;
    const size_t begin = in->at;
    const size_t count = flowlog__keys_decode(&g->spec.keys, g->spec.keep_null, in, g->arena.words + g->arena.len);
    if (count == SIZE_MAX) return fail_corrupt(in, err);
    const size_t len = in->at - begin;
    if (*last) { /* keys rise; none is the beginning of another */
        const int c = memcmp(*last, key, *last_len < len ? *last_len : len);
        if (c >= 0) return fail_corrupt(in, err);
    }
    *last = key;
    *last_len = len;
    uint64_t *record = NULL;
    status = make_group(g, count, &record);
    if (status < 0) return flowlog__groups_fail(g, status, err);
    if (!record) return fail_corrupt(in, err);
    const uint64_t error = g->approximated ? flowlog__cursor_varint(in) : 0;
    for (uint32_t a = 0; a < g->spec.aggs; a++) {
        const struct fl_agg *agg = &g->spec.agg[a];
        status = g->op[a]->load(agg, &g->pool, record + agg->word, in);
        if (status == FLOWLOG_E_MEMORY) return flowlog__groups_fail(g, status, err);
        if (status < 0 || in->failed) return fail_corrupt(in, err);
    }
    if (!g->approximated) return FLOWLOG_OK;
    *fl_groups_error_word(g, record) = error;
    return error <= record[g->spec.agg[g->spec.weight].word] ? FLOWLOG_OK : fail_corrupt(in, err);
}

flowlog_status flowlog__groups_load(struct fl_groups *g, struct fl_cursor *in, flowlog_error *err)
{
    g->null_keys = flowlog__cursor_varint(in);
    g->counted = flowlog__cursor_varint(in);
    const uint64_t count = flowlog__cursor_varint(in);
    const uint8_t approximated = flowlog__cursor_u8(in);
    if (in->failed || approximated > 1 || count > g->spec.max_groups) return fail_corrupt(in, err);
    if (approximated && (!g->spec.approximate || count != g->spec.max_groups)) return fail_corrupt(in, err);
    if (!g->spec.keys.count && count != 1) return fail_corrupt(in, err);
    if (approximated) FL_TRY(flowlog__groups_approximate(g, err));
    const uint8_t *last = NULL;
    size_t last_len = 0;
    for (uint64_t i = 0; i < count; i++) FL_TRY(load_group(g, in, &last, &last_len, err));
    return approximated ? flowlog__groups_weigh(g, err) : FLOWLOG_OK;
}
