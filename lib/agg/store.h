/* SPDX-License-Identifier: MIT */
/*
 * agg/store.h - a hash table of groups: a bucket directory, and beside it by group number the key and the
 * record of aggregates.
 *
 * A bucket is one cache line: eight 32-bit checks of keys and eight group numbers, compared at once.  A
 * lookup therefore takes one line that can be fetched ahead as soon as the hash is known, and no branch
 * that depends on the data.  What does not fit into its bucket goes to the next one that has room.
 *
 * Where all of a packed key fits into 32 bits the check is the key itself (`exact`), and what is found need
 * not be verified; else it is 32 bits of the hash.  Groups are numbered from 1; 0 is an empty slot.
 */
#ifndef FL_AGG_STORE_H
#define FL_AGG_STORE_H

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
};
#define FL_LONG_WORDS_MAX ((UINT32_C(1) << 24) - 1)

struct fl_store {
    struct fl_bucket *bucket; /* aligned within `memory` */
    void *memory;
    size_t memory_len;
    size_t mask;    /* buckets - 1 */
    unsigned shift; /* the bucket of a key is its hash >> shift */
    int exact;
    uint64_t seed;
    uint32_t count; /* groups 1..count */
    uint32_t key_cap, state_cap;
    uint64_t *key;   /* [1 + key_cap] */
    uint64_t *state; /* [1 + state_cap] records */
    size_t words;    /* of a record */
};

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
FL_INLINE struct fl_place fl_place_hashed(const uint64_t *words, size_t n, uint64_t seed, unsigned shift)
{
    const uint64_t hash = fl_key_hash(words, n, seed);
    return (struct fl_place){(uint32_t)(hash >> shift), (uint32_t)hash};
}

/*
 * Make room for `more` groups; after that flowlog__store_place cannot fail.  `arena` is NULL in a store of
 * packed keys.  E_MEMORY; E_LIMIT when there would be more groups than 32 bits can number.
 */
flowlog_status flowlog__store_reserve(struct fl_store *s, const flowlog_alloc *alloc,
                                      const struct fl_arena *arena, uint32_t more);
void flowlog__store_free(struct fl_store *s, const flowlog_alloc *alloc);

/*
 * Find the group of a key wherever it is, or, when there are fewer than `limit`, make it.  `words` is the
 * key in the arena for a long one, else NULL.  0: there are `limit` groups and this is another one.
 */
uint32_t flowlog__store_place(struct fl_store *s, const struct fl_arena *arena, struct fl_place place,
                              uint64_t key, const uint64_t *words, uint64_t limit);

/* The words of a long key. */
FL_INLINE const uint64_t *fl_long_words(const struct fl_arena *arena, uint64_t key)
{
    return arena->words + (size_t)(key >> 24);
}
FL_INLINE size_t fl_long_count(uint64_t key) { return (size_t)(key & FL_LONG_WORDS_MAX); }

FL_INLINE int fl_long_equal(const struct fl_arena *arena, uint64_t key, const uint64_t *words, size_t n)
{
    if (fl_long_count(key) != n) return 0;
    const uint64_t *have = fl_long_words(arena, key);
    uint64_t differ = 0;
    for (size_t i = 0; i < n; i++) differ |= have[i] ^ words[i];
    return !differ;
}

#endif
