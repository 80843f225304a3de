/* SPDX-License-Identifier: MIT */
/* store.c - growth of a store, and the lookups that its first bucket does not answer; see store.h. */
#include "agg/store.h"

#include <string.h>

#include "core/error.h"

enum { FIRST_SHIFT = 60 /* 16 buckets */, FULL = 6 /* groups a bucket, of 8, at which buckets are doubled */ };
#define GROUPS_MAX (UINT32_MAX - 1)
_Static_assert(GROUPS_MAX / FULL * 2 < UINT32_MAX, "bucket numbers fit into 32 bits");

/* The first free slot from a bucket on: there is one, for on average at most FULL of 8 are taken. */
static void put(struct fl_store *s, struct fl_place place, uint32_t group)
{
    for (size_t b = place.bucket;; b = (b + 1) & s->mask) {
        struct fl_bucket *bucket = &s->bucket[b];
        for (unsigned i = 0; i < FL_SLOTS; i++)
            if (!bucket->group[i]) {
                bucket->check[i] = place.check;
                bucket->group[i] = group;
                return;
            }
    }
}

static struct fl_place place_of(const struct fl_store *s, const struct fl_arena *arena, uint64_t key)
{
    if (s->exact) return fl_place_exact(key, s->seed, s->shift);
    if (!arena) return fl_place_hashed(&key, 1, s->seed, s->shift);
    return fl_place_hashed(fl_long_words(arena, key), fl_long_count(key), s->seed, s->shift);
}

static flowlog_status grow_buckets(struct fl_store *s, const flowlog_alloc *alloc,
                                   const struct fl_arena *arena)
{
    const unsigned shift = s->bucket ? s->shift - 1 : FIRST_SHIFT;
    const uint64_t buckets = UINT64_C(1) << (64 - shift);
    if (buckets > (SIZE_MAX - FL_LINE) / sizeof *s->bucket) return FLOWLOG_E_MEMORY;
    const size_t len = (size_t)buckets * sizeof *s->bucket + FL_LINE - 1;
    void *memory = flowlog__alloc_zero(alloc, len);
    if (!memory) return FLOWLOG_E_MEMORY;
    flowlog__release(alloc, s->memory, s->memory_len);
    s->memory = memory;
    s->memory_len = len;
    s->bucket = (struct fl_bucket *)(((uintptr_t)memory + FL_LINE - 1) & ~(uintptr_t)(FL_LINE - 1));
    s->mask = (size_t)buckets - 1;
    s->shift = shift;
    enum { AHEAD = 32 };
    struct fl_place ring[AHEAD];
    for (uint64_t g = 1; g <= (uint64_t)s->count + AHEAD; g++) {
        if (g > AHEAD) put(s, ring[g % AHEAD], (uint32_t)(g - AHEAD));
        if (g > s->count) continue;
        ring[g % AHEAD] = place_of(s, arena, s->key[g]);
        FL_PREFETCH(&s->bucket[ring[g % AHEAD].bucket]);
    }
    return FLOWLOG_OK;
}

/* An array by group number, of at least `groups` entries beside entry 0. */
static flowlog_status grow_array(uint64_t **array, uint32_t *cap, uint64_t groups, size_t words,
                                 const flowlog_alloc *alloc)
{
    if (*array && groups <= *cap) return FLOWLOG_OK;
    const size_t size = words * sizeof **array, old = *array ? ((size_t)*cap + 1) * size : 0;
    uint64_t want = *array ? (uint64_t)*cap * 2 : 127;
    if (want < groups) want = groups;
    if (want > GROUPS_MAX) want = GROUPS_MAX;
    if (want + 1 > SIZE_MAX / size) return FLOWLOG_E_MEMORY;
    void *p = flowlog__resize(alloc, *array, old, (size_t)(want + 1) * size);
    if (!p) return FLOWLOG_E_MEMORY;
    *array = p;
    if (!old) memset(p, 0, size); /* entry 0, which lookups that find nothing read */
    *cap = (uint32_t)want;
    return FLOWLOG_OK;
}

flowlog_status flowlog__store_reserve(struct fl_store *s, const flowlog_alloc *alloc,
                                      const struct fl_arena *arena, uint32_t more)
{
    const uint64_t groups = (uint64_t)s->count + more;
    if (groups > GROUPS_MAX) return FLOWLOG_E_LIMIT;
    FL_TRY(grow_array(&s->key, &s->key_cap, groups, 1, alloc));
    FL_TRY(grow_array(&s->state, &s->state_cap, groups, s->words, alloc));
    while (!s->bucket || groups > ((uint64_t)s->mask + 1) * FULL) FL_TRY(grow_buckets(s, alloc, arena));
    return FLOWLOG_OK;
}

void flowlog__store_free(struct fl_store *s, const flowlog_alloc *alloc)
{
    flowlog__release(alloc, s->memory, s->memory_len);
    if (s->key) flowlog__release(alloc, s->key, ((size_t)s->key_cap + 1) * sizeof *s->key);
    if (s->state)
        flowlog__release(alloc, s->state, ((size_t)s->state_cap + 1) * s->words * sizeof *s->key);
}

uint32_t flowlog__store_place(struct fl_store *s, const struct fl_arena *arena, struct fl_place place,
                              uint64_t key, const uint64_t *words, uint64_t limit)
{
    for (size_t b = place.bucket;; b = (b + 1) & s->mask) {
        struct fl_bucket *bucket = &s->bucket[b];
        for (unsigned i = 0; i < FL_SLOTS; i++) {
            const uint32_t group = bucket->group[i];
            if (!group) {
                if (s->count >= limit) return 0;
                bucket->check[i] = place.check;
                bucket->group[i] = ++s->count;
                s->key[s->count] = key;
                memset(s->state + s->count * s->words, 0, s->words * sizeof *s->key);
                return s->count;
            }
            if (bucket->check[i] != place.check) continue;
            if (words ? fl_long_equal(arena, s->key[group], words, fl_long_count(key)) : s->key[group] == key)
                return group;
        }
    }
}
