/* SPDX-License-Identifier: MIT */
/*
 * agg/slots.h - a small hash table of 64-bit slots, in two words of a record.
 *
 * One slot is in the second word itself; more are in a block of the pool, 2^k of them, at most three quarters used.
 * A slot is not 0; its key is slot >> shift, where `shift` is one and the same for all of a table: 0, and a slot
 * is a key, or more, and it has room for a number below the key.
 *
 *     word 0   bits 0..7: log2 of the slots, 0: the only one is word 1;  8..15: the user's;  32..63: slots used
 *     word 1   the slot; else the block
 */
#ifndef FL_AGG_SLOTS_H
#define FL_AGG_SLOTS_H

#include "agg/pool.h"
#include "core/buffer.h"

enum { FL_SLOTS_FIRST = 3 /* log2 of the slots of the first block, a cache line */, FL_SLOTS_LOG_MAX = 20 };
#define FL_SLOTS_USED (UINT64_C(1) << 32)

FL_INLINE unsigned fl_slots_log(const uint64_t *words) { return (unsigned)(words[0] & 0xFF); }
FL_INLINE uint32_t fl_slots_used(const uint64_t *words) { return (uint32_t)(words[0] >> 32); }

/* All slots, used or 0, and how many there are. */
FL_INLINE uint64_t *fl_slots_all(const struct fl_pool *pool, uint64_t *words)
{
    return fl_slots_log(words) ? fl_pool_at(pool, words[1]) : &words[1];
}
FL_INLINE size_t fl_slots_count(const uint64_t *words) { return (size_t)1 << fl_slots_log(words); }

/* Where a key would be in a block of 2^log slots; multiplication by an odd number spreads whatever keys there are. */
FL_INLINE size_t fl_slots_home(const struct fl_pool *pool, unsigned log, uint64_t key)
{
    return (size_t)(key * pool->seed >> (64 - log));
}

/* Ask for the line where a key would be, so that it is there when it is looked for. */
FL_INLINE void fl_slots_fetch(const struct fl_pool *pool, const uint64_t *words, uint64_t key)
{
    const unsigned log = fl_slots_log(words);
    if (log) FL_PREFETCH((const uint64_t *)fl_pool_at(pool, words[1]) + fl_slots_home(pool, log, key));
}

/*
 * The slot of a key, or the free one where it belongs; NULL when there is no free one, which only the slot in the
 * record itself can cause.
 */
FL_INLINE uint64_t *fl_slots_find(const struct fl_pool *pool, uint64_t *words, uint64_t key, unsigned shift)
{
    const unsigned log = fl_slots_log(words);
    if (!log) return !words[1] || words[1] >> shift == key ? &words[1] : NULL;
    uint64_t *slot = fl_pool_at(pool, words[1]);
    const size_t mask = ((size_t)1 << log) - 1;
    for (size_t i = fl_slots_home(pool, log, key);; i = (i + 1) & mask)
        if (!slot[i] || slot[i] >> shift == key) return &slot[i];
}

/* 1 if one more would be more than three quarters. */
FL_INLINE int fl_slots_full(const uint64_t *words)
{
    return fl_slots_log(words) && (fl_slots_used(words) + 1) * 4 > fl_slots_count(words) * 3;
}

/* Make room for so many slots in all.  E_MEMORY: nothing has changed. */
flowlog_status flowlog__slots_reserve(struct fl_pool *pool, uint64_t *words, uint64_t slots, unsigned shift);

/*
 * The slot of a key, made if there is none: then *slot is 0, is counted as used, and must be given its value.
 * NULL: no memory, nothing has changed.
 */
uint64_t *flowlog__slots_add(struct fl_pool *pool, uint64_t *words, uint64_t key, unsigned shift);

/* Give the block back; both words are then 0. */
void flowlog__slots_release(struct fl_pool *pool, uint64_t *words);

/* Write all slots in rising order. */
void flowlog__slots_save(const struct fl_pool *pool, const uint64_t *words, struct fl_bytes *out);

#endif
