/* SPDX-License-Identifier: MIT */
/*
 * agg/store.h - a hash table of groups: a bucket directory, and beside it by group number the key and the
 * record of aggregates.
 *
 * A bucket is one cache line: eight 32-bit checks of keys and eight group numbers, compared at once.  A
 * lookup therefore takes one line that can be fetched ahead as soon as the hash is known, and no branch
 * that depends on the data.  What does not fit into its bucket goes to the next one that has room.
 *
 * Where all of a packed key fits into 32 bits the check is the key itself, what is found need not be verified, and
 * keys lie in an array of their own that lookups do not touch.  Else the check is 32 bits of the hash, and the key
 * lies at the end of the record, so that to verify it costs no further cache line.
 *
 * Groups are numbered from 1; 0 is an empty slot.
 */
#ifndef FL_AGG_STORE_H
#define FL_AGG_STORE_H

#include <string.h>

#include "agg/key.h"
#include "agg/state.h"
#include "core/alloc.h"
#include "simd/match8.h"

enum { FL_SLOTS = 8, FL_LINE = 64 };

struct fl_bucket {
    uint32_t check[FL_SLOTS];
    uint32_t group[FL_SLOTS];
};
_Static_assert(sizeof(struct fl_bucket) == FL_LINE, "a bucket is one cache line");

/* The words of long keys, one after the other; in a store of long keys a key is (offset << 24 | words). */
struct fl_arena {
    uint64_t *words;
    size_t len, cap;
    size_t dead; /* words of keys that no group has any more */
};

/* How a store keeps keys. */
enum {
    FL_STORE_EXACT = 0, /* one word of at most 32 bits, in `key` */
    FL_STORE_ONE = 1,   /* a packed word, in the record */
    FL_STORE_TWO = 2,   /* two packed words, in the record */
    FL_STORE_LONG = 3   /* offset << 24 | words of a long key in an arena, in the record */
};

struct fl_store {
    struct fl_bucket *bucket; /* aligned within `memory` */
    void *memory;
    size_t memory_len;
    size_t mask;    /* buckets - 1 */
    unsigned shift; /* the bucket of a key is its hash >> shift */
    uint32_t form;  /* FL_STORE_EXACT ... */
    uint32_t count; /* groups 1..count */
    size_t far;     /* no group is further from its own bucket */
    uint64_t seed;
    uint32_t key_cap, state_cap;
    uint64_t *key;   /* [1 + key_cap], only of FL_STORE_EXACT */
    uint64_t *state; /* [1 + state_cap] records; begins a cache line */
    void *state_memory;
    size_t state_len;
    size_t words;  /* of a record: what the caller keeps, then the key */
    size_t key_at; /* where in a record its key begins */
};

/* Set form and size of the records; `words` of them are the caller's.  All else must be zero. */
void flowlog__store_init(struct fl_store *s, uint32_t form, uint32_t words, uint64_t seed);

/* Where a key belongs. */
struct fl_place {
    uint32_t bucket, check;
};

/*
 * A single multiplication would do for keys of 32 bits in theory; but for one seed in fifty it puts half of
 * a run of neighbouring addresses out of their buckets.
 */
FL_INLINE struct fl_place fl_place_exact(uint64_t key, uint64_t seed, unsigned shift)
{
    return (struct fl_place){(uint32_t)(fl_hash_u64(key ^ seed) >> shift), (uint32_t)key};
}

/*
 * The check of a hash begins FL_APART bits below its top.  As long as there are no more than 2^FL_APART buckets the
 * two have no bit in common; beyond, the check says in which half of its bucket a group belongs when buckets are
 * doubled, so that its key need not be looked at, and it still has 11 bits of its own among 2^29 buckets.
 */
enum { FL_APART = 8 };
FL_INLINE struct fl_place fl_place_hash(uint64_t hash, unsigned shift)
{
    return (struct fl_place){(uint32_t)(hash >> shift), (uint32_t)(hash >> (32 - FL_APART))};
}
FL_INLINE struct fl_place fl_place_packed(uint32_t form, uint64_t word, uint64_t second, uint64_t seed, unsigned shift)
{
    if (form == FL_STORE_EXACT) return fl_place_exact(word, seed, shift);
    const uint64_t hash = fl_hash_u64(seed ^ word);
    return fl_place_hash(form == FL_STORE_TWO ? fl_hash_u64(hash ^ second) : hash, shift);
}
FL_INLINE struct fl_place fl_place_hashed(const uint64_t *words, size_t n, uint64_t seed, unsigned shift)
{
    return fl_place_hash(fl_key_hash(words, n, seed), shift);
}

/*
 * Make room for `more` groups; after that flowlog__store_place cannot fail.  `arena` is NULL in a store of
 * packed keys.  E_MEMORY; E_LIMIT when there would be more groups than 32 bits can number.
 */
flowlog_status flowlog__store_reserve(struct fl_store *s, const flowlog_alloc *alloc,
                                      const struct fl_arena *arena, uint32_t more);
void flowlog__store_free(struct fl_store *s, const flowlog_alloc *alloc);

/*
 * Find the group of a key wherever it is, or, when there are fewer than `limit`, make it, with a record of zeros.
 * 0: there are `limit` groups and this is another one.
 */
uint32_t flowlog__store_place(struct fl_store *s, const struct fl_arena *arena, struct fl_place place,
                              struct fl_key_ref key, uint64_t limit);

/* The group of a key, or 0. */
uint32_t flowlog__store_find(const struct fl_store *s, const struct fl_arena *arena, struct fl_place place,
                             struct fl_key_ref key);

/*
 * Make the group of a key that has none in its own bucket, if there is room in it; 0 if not, or if there may be one.
 * The short way of flowlog__store_place, for many new groups.
 */
FL_INLINE uint32_t fl_store_add(struct fl_store *s, struct fl_place place, uint64_t word, uint64_t second)
{
    struct fl_bucket *bucket = &s->bucket[place.bucket];
    const unsigned slot = fl_used8(bucket->group);
    if (slot == FL_SLOTS || fl_match8(bucket->check, bucket->group, place.check)) return 0;
    const uint32_t group = ++s->count;
    uint64_t *record = s->state + group * s->words;
    bucket->check[slot] = place.check;
    bucket->group[slot] = group;
    memset(record, 0, s->words * sizeof *record);
    if (s->form == FL_STORE_EXACT) s->key[group] = word;
    else record[s->key_at] = word;
    if (s->form == FL_STORE_TWO) record[s->key_at + 1] = second;
    return group;
}

/* Give a group another key, which no group has; its record stays.  Only of long keys. */
void flowlog__store_rename(struct fl_store *s, const struct fl_arena *arena, uint32_t group, struct fl_place place,
                           uint64_t key);

/* The key of a group as the store keeps it: one word, or two. */
FL_INLINE const uint64_t *fl_store_key(const struct fl_store *s, uint32_t group)
{
    return s->form == FL_STORE_EXACT ? &s->key[group] : &s->state[group * s->words + s->key_at];
}

/* The words of a long key. */
FL_INLINE const uint64_t *fl_long_words(const struct fl_arena *arena, uint64_t key)
{
    return arena->words + (size_t)(key >> 24);
}
FL_INLINE size_t fl_long_count(uint64_t key) { return (size_t)(key & FL_LONG_WORDS_MAX); }
FL_INLINE uint64_t fl_long_key(size_t offset, size_t count) { return (uint64_t)offset << 24 | count; }

FL_INLINE int fl_long_equal(const struct fl_arena *arena, uint64_t key, const uint64_t *words, size_t n)
{
    if (fl_long_count(key) != n) return 0;
    const uint64_t *have = fl_long_words(arena, key);
    uint64_t differ = 0;
    for (size_t i = 0; i < n; i++) differ |= have[i] ^ words[i];
    return !differ;
}

#endif
