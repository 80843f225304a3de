/* SPDX-License-Identifier: MIT */
/* store.c - growth of a store, and the lookups that its first bucket does not answer; see store.h. */
#include "agg/store.h"

#include <string.h>

#include "core/error.h"

enum { FIRST_SHIFT = 60 /* 16 buckets */, FULL = 5 /* groups a bucket, of 8, at which buckets are doubled */ };
#define GROUPS_MAX (UINT32_MAX - 1)
_Static_assert(GROUPS_MAX / FULL * 2 < UINT32_MAX, "bucket numbers fit into 32 bits");

void flowlog__store_init(struct fl_store *s, uint32_t form, uint32_t words, uint64_t seed)
{
    const uint32_t key = form == FL_STORE_EXACT ? 0 : form == FL_STORE_TWO ? 2 : 1;
    s->form = form;
    s->seed = seed;
    s->key_at = words;
    s->words = words + key;
    /* Of records of three words every fifth would lie in two cache lines; of four none does. */
    if (key && s->words == 3) s->words = 4;
}

static void *line_of(void *memory)
{
    return (void *)(((uintptr_t)memory + FL_LINE - 1) & ~(uintptr_t)(FL_LINE - 1));
}

/* The first free slot from a bucket on: there is one, for on average at most FULL of 8 are taken. */
static void put(struct fl_store *s, struct fl_place place, uint32_t group)
{
    size_t b = place.bucket, distance = 0;
    unsigned slot;
    while ((slot = fl_used8(s->bucket[b].group)) == FL_SLOTS) {
        b = (b + 1) & s->mask;
        distance++;
    }
    s->bucket[b].check[slot] = place.check;
    s->bucket[b].group[slot] = group;
    if (distance > s->far) s->far = distance;
}

static struct fl_place place_of(const struct fl_store *s, const struct fl_arena *arena, uint32_t group)
{
    const uint64_t *key = fl_store_key(s, group);
    if (s->form != FL_STORE_LONG)
        return fl_place_packed(s->form, key[0], s->form == FL_STORE_TWO ? key[1] : 0, s->seed, s->shift);
    return fl_place_hashed(fl_long_words(arena, key[0]), fl_long_count(key[0]), s->seed, s->shift);
}

/* All groups by their keys, in the order of their numbers. */
static void put_all(struct fl_store *s, const struct fl_arena *arena)
{
    enum { AHEAD = 32 };
    struct fl_place ring[AHEAD];
    for (uint64_t g = 1; g <= (uint64_t)s->count + AHEAD; g++) {
        if (g > AHEAD) put(s, ring[g % AHEAD], (uint32_t)(g - AHEAD));
        if (g > s->count) continue;
        ring[g % AHEAD] = place_of(s, arena, (uint32_t)g);
        FL_PREFETCH(&s->bucket[ring[g % AHEAD].bucket]);
    }
}

/* How many bits of the number of a group's own bucket its check begins with. */
static unsigned bits_in_check(size_t buckets)
{
    unsigned bits = 0;
    while (buckets >> bits > (size_t)1 << FL_APART) bits++;
    return bits;
}

/*
 * All groups by what their old buckets say of them, which were half as many: from left to right in both, so that no
 * key is touched and no line is waited for.
 */
static void split(struct fl_store *s, const struct fl_bucket *old, size_t buckets, unsigned bits)
{
    const size_t within = ((size_t)1 << bits) - 1;
    for (size_t b = 0; b < buckets; b++)
        for (unsigned i = 0; i < FL_SLOTS && old[b].group[i]; i++) {
            const uint32_t check = old[b].check[i];
            const size_t own = (b - ((b - (check >> (32 - bits))) & within)) & (buckets - 1);
            put(s, (struct fl_place){(uint32_t)(2 * own + (check >> (31 - bits) & 1)), check}, old[b].group[i]);
        }
}

static void split_exact(struct fl_store *s, const struct fl_bucket *old, size_t buckets)
{
    for (size_t b = 0; b < buckets; b++)
        for (unsigned i = 0; i < FL_SLOTS && old[b].group[i]; i++)
            put(s, fl_place_exact(old[b].check[i], s->seed, s->shift), old[b].group[i]);
}

static flowlog_status grow_buckets(struct fl_store *s, const flowlog_alloc *alloc,
                                   const struct fl_arena *arena)
{
    const struct fl_store old = *s;
    const unsigned shift = s->bucket ? s->shift - 1 : FIRST_SHIFT;
    const uint64_t buckets = UINT64_C(1) << (64 - shift);
    if (buckets > (SIZE_MAX - FL_LINE) / sizeof *s->bucket) return FLOWLOG_E_MEMORY;
    const size_t len = (size_t)buckets * sizeof *s->bucket + FL_LINE - 1;
    void *memory = flowlog__alloc_zero(alloc, len);
    if (!memory) return FLOWLOG_E_MEMORY;
    s->memory = memory;
    s->memory_len = len;
    s->bucket = line_of(memory);
    s->mask = (size_t)buckets - 1;
    s->shift = shift;
    s->far = 0;
    const unsigned bits = old.bucket ? bits_in_check(old.mask + 1) : 0;
    if (old.bucket && s->form == FL_STORE_EXACT) split_exact(s, old.bucket, old.mask + 1);
    else if (bits && old.far < (size_t)1 << bits) split(s, old.bucket, old.mask + 1, bits);
    else put_all(s, arena);
    flowlog__release(alloc, old.memory, old.memory_len);
    return FLOWLOG_OK;
}

/* How many groups to make room for. */
static uint64_t next_cap(uint32_t cap, uint64_t groups)
{
    uint64_t want = cap ? (uint64_t)cap * 2 : 127;
    if (want < groups) want = groups;
    return want > GROUPS_MAX ? GROUPS_MAX : want;
}

static flowlog_status grow_keys(struct fl_store *s, uint64_t groups, const flowlog_alloc *alloc)
{
    if (s->key && groups <= s->key_cap) return FLOWLOG_OK;
    const uint64_t want = next_cap(s->key_cap, groups);
    if (want + 1 > SIZE_MAX / sizeof *s->key) return FLOWLOG_E_MEMORY;
    const size_t old = s->key ? ((size_t)s->key_cap + 1) * sizeof *s->key : 0;
    uint64_t *p = flowlog__resize(alloc, s->key, old, (size_t)(want + 1) * sizeof *s->key);
    if (!p) return FLOWLOG_E_MEMORY;
    p[0] = 0; /* which lookups that find nothing read */
    s->key = p;
    s->key_cap = (uint32_t)want;
    return FLOWLOG_OK;
}

static flowlog_status grow_state(struct fl_store *s, uint64_t groups, const flowlog_alloc *alloc)
{
    if (s->state && groups <= s->state_cap) return FLOWLOG_OK;
    const uint64_t want = next_cap(s->state_cap, groups);
    const size_t size = s->words * sizeof *s->state;
    if (want + 1 > (SIZE_MAX - FL_LINE) / size) return FLOWLOG_E_MEMORY;
    const size_t len = (size_t)(want + 1) * size + FL_LINE - 1;
    const size_t used = s->state ? ((size_t)s->count + 1) * size : 0;
    const size_t before = s->state ? (size_t)((char *)s->state - (char *)s->state_memory) : 0;
    char *p = flowlog__resize(alloc, s->state_memory, s->state_len, len);
    if (!p) return FLOWLOG_E_MEMORY;
    void *state = line_of(p);
    if (used && state != p + before) memmove(state, p + before, used); /* the new block begins elsewhere in its line */
    if (!used) memset(state, 0, size); /* record 0, which lookups that find nothing read */
    s->state_memory = p;
    s->state_len = len;
    s->state = state;
    s->state_cap = (uint32_t)want;
    return FLOWLOG_OK;
}

flowlog_status flowlog__store_reserve(struct fl_store *s, const flowlog_alloc *alloc,
                                      const struct fl_arena *arena, uint32_t more)
{
    const uint64_t groups = (uint64_t)s->count + more;
    if (groups > GROUPS_MAX) return FLOWLOG_E_LIMIT;
    if (s->form == FL_STORE_EXACT) FL_TRY(grow_keys(s, groups, alloc));
    FL_TRY(grow_state(s, groups, alloc));
    while (!s->bucket || groups > ((uint64_t)s->mask + 1) * FULL) FL_TRY(grow_buckets(s, alloc, arena));
    return FLOWLOG_OK;
}

void flowlog__store_free(struct fl_store *s, const flowlog_alloc *alloc)
{
    flowlog__release(alloc, s->memory, s->memory_len);
    flowlog__release(alloc, s->state_memory, s->state_len);
    if (s->key) flowlog__release(alloc, s->key, ((size_t)s->key_cap + 1) * sizeof *s->key);
}

static void set_key(struct fl_store *s, uint32_t group, struct fl_key_ref key)
{
    uint64_t *to = s->form == FL_STORE_EXACT ? &s->key[group] : &s->state[group * s->words + s->key_at];
    to[0] = key.word;
    if (s->form == FL_STORE_TWO) to[1] = key.second;
}

static int has_key(const struct fl_store *s, const struct fl_arena *arena, uint32_t group, struct fl_key_ref key)
{
    const uint64_t *have = fl_store_key(s, group);
    if (key.words) return fl_long_equal(arena, have[0], key.words, fl_long_count(key.word));
    return have[0] == key.word && (s->form != FL_STORE_TWO || have[1] == key.second);
}

uint32_t flowlog__store_find(const struct fl_store *s, const struct fl_arena *arena, struct fl_place place,
                             struct fl_key_ref key)
{
    for (size_t b = place.bucket; s->count; b = (b + 1) & s->mask) {
        const struct fl_bucket *bucket = &s->bucket[b];
        for (unsigned i = 0; i < FL_SLOTS; i++) {
            const uint32_t group = bucket->group[i];
            if (!group) return 0;
            if (bucket->check[i] == place.check && has_key(s, arena, group, key)) return group;
        }
    }
    return 0;
}

uint32_t flowlog__store_place(struct fl_store *s, const struct fl_arena *arena, struct fl_place place,
                              struct fl_key_ref key, uint64_t limit)
{
    const uint32_t group = flowlog__store_find(s, arena, place, key);
    if (group) return group;
    if (s->count >= limit) return 0;
    put(s, place, ++s->count);
    memset(s->state + s->count * s->words, 0, s->words * sizeof *s->state);
    set_key(s, s->count, key);
    return s->count;
}

/*
 * An entry that may take the free slot of bucket `hole`, which was full: one of a later bucket that is there only
 * because its own, or one between, had no room.  The last bucket to look at is the first that is not full.
 */
static int find_displaced(const struct fl_store *s, const struct fl_arena *arena, size_t hole, size_t *bucket,
                          unsigned *slot)
{
    for (size_t b = (hole + 1) & s->mask; b != hole; b = (b + 1) & s->mask)
        for (unsigned i = 0; i < FL_SLOTS; i++) {
            const uint32_t group = s->bucket[b].group[i];
            if (!group) return 0;
            if (((b - place_of(s, arena, group).bucket) & s->mask) < ((b - hole) & s->mask)) continue;
            *bucket = b;
            *slot = i;
            return 1;
        }
    return 0;
}

/* Free the slot of a group, so that every search still ends where it should. */
static void drop(struct fl_store *s, const struct fl_arena *arena, uint32_t group)
{
    size_t b = place_of(s, arena, group).bucket;
    unsigned i = 0;
    while (s->bucket[b].group[i] != group) {
        if (++i < FL_SLOTS) continue;
        i = 0;
        b = (b + 1) & s->mask;
    }
    size_t from;
    unsigned slot;
    while (s->bucket[b].group[FL_SLOTS - 1] && find_displaced(s, arena, b, &from, &slot)) {
        s->bucket[b].check[i] = s->bucket[from].check[slot];
        s->bucket[b].group[i] = s->bucket[from].group[slot];
        b = from;
        i = slot;
    }
    struct fl_bucket *bucket = &s->bucket[b];
    unsigned last = FL_SLOTS - 1;
    while (!bucket->group[last]) last--;
    bucket->check[i] = bucket->check[last];
    bucket->group[i] = bucket->group[last];
    bucket->group[last] = 0;
}

void flowlog__store_rename(struct fl_store *s, const struct fl_arena *arena, uint32_t group, struct fl_place place,
                           uint64_t key)
{
    drop(s, arena, group);
    s->state[group * s->words + s->key_at] = key;
    put(s, place, group);
}
