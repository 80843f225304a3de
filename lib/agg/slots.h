/* SPDX-License-Identifier: MIT */
/*
 * agg/slots.h - a small hash table of slots, in two words of a record.
 *
 * One slot is in the second word itself; more are in a block of the pool, 2^k of them, at most three quarters used.
 * A slot is a number that is not 0, and has a key.  The form of the slots is one for all of a table:
 *
 *     SET      64 bits, all of them the key
 *     COUNTS   64 bits, the upper 16 the key
 *     NARROW   32 bits, all of them the key
 *
 *     word 0   bits 0..7: log2 of the slots, 0: the only one is word 1;  8..15: the user's;  32..63: slots used
 *     word 1   the slot; else the block
 */
#ifndef FL_AGG_SLOTS_H
#define FL_AGG_SLOTS_H

#include "agg/pool.h"
#include "core/buffer.h"

enum fl_slots_form { FL_SLOTS_SET, FL_SLOTS_COUNTS, FL_SLOTS_NARROW };
enum { FL_SLOTS_KEY_SHIFT = 48 /* of COUNTS */, FL_SLOTS_LOG_MAX = 20 };
#define FL_SLOTS_USED (UINT64_C(1) << 32)

FL_INLINE unsigned fl_slots_log(const uint64_t *words) { return (unsigned)(words[0] & 0xFF); }
FL_INLINE uint32_t fl_slots_used(const uint64_t *words) { return (uint32_t)(words[0] >> 32); }
FL_INLINE size_t fl_slots_count(const uint64_t *words) { return (size_t)1 << fl_slots_log(words); }

FL_INLINE uint64_t fl_slots_key(uint64_t slot, enum fl_slots_form form)
{
    return form == FL_SLOTS_COUNTS ? slot >> FL_SLOTS_KEY_SHIFT : slot;
}

FL_INLINE uint64_t fl_slots_load(const void *block, size_t i, enum fl_slots_form form)
{
    return form == FL_SLOTS_NARROW ? ((const uint32_t *)block)[i] : ((const uint64_t *)block)[i];
}

FL_INLINE void fl_slots_store(void *block, size_t i, enum fl_slots_form form, uint64_t slot)
{
    if (form == FL_SLOTS_NARROW) ((uint32_t *)block)[i] = (uint32_t)slot;
    else ((uint64_t *)block)[i] = slot;
}

/* Slot i of fl_slots_count; 0 when it is free. */
FL_INLINE uint64_t fl_slots_get(const struct fl_pool *pool, const uint64_t *words, size_t i, enum fl_slots_form form)
{
    return fl_slots_log(words) ? fl_slots_load(fl_pool_at(pool, words[1]), i, form) : words[1];
}

FL_INLINE void fl_slots_set(const struct fl_pool *pool, uint64_t *words, size_t i, enum fl_slots_form form,
                            uint64_t slot)
{
    if (fl_slots_log(words)) fl_slots_store(fl_pool_at(pool, words[1]), i, form, slot);
    else words[1] = slot;
}

/* Where a key would be in a block of 2^log slots; multiplication by an odd number spreads whatever keys there are. */
FL_INLINE size_t fl_slots_home(const struct fl_pool *pool, unsigned log, uint64_t key)
{
    return (size_t)(key * pool->seed >> (64 - log));
}

/* Ask for the line where a key would be, so that it is there when it is looked for. */
FL_INLINE void fl_slots_fetch(const struct fl_pool *pool, const uint64_t *words, uint64_t key,
                              enum fl_slots_form form)
{
    const unsigned log = fl_slots_log(words);
    if (!log) return;
    const size_t home = fl_slots_home(pool, log, key);
    FL_PREFETCH((const uint8_t *)fl_pool_at(pool, words[1]) + home * (form == FL_SLOTS_NARROW ? 4 : 8));
}

/* 1 if the key has a slot, which is then *i; else *i is a free one, if there is one. */
FL_INLINE int fl_slots_find(const struct fl_pool *pool, const uint64_t *words, uint64_t key, enum fl_slots_form form,
                            size_t *i)
{
    const unsigned log = fl_slots_log(words);
    *i = 0;
    if (!log) return words[1] && fl_slots_key(words[1], form) == key;
    const void *block = fl_pool_at(pool, words[1]);
    const size_t mask = ((size_t)1 << log) - 1;
    for (size_t at = fl_slots_home(pool, log, key);; at = (at + 1) & mask) {
        const uint64_t slot = fl_slots_load(block, at, form);
        *i = at;
        if (slot && fl_slots_key(slot, form) == key) return 1;
        if (!slot) return 0;
    }
}

/* 1 if there is no room for one more. */
FL_INLINE int fl_slots_full(const uint64_t *words)
{
    return fl_slots_log(words) ? (fl_slots_used(words) + 1) * 4 > fl_slots_count(words) * 3 : words[1] != 0;
}

/* Make room for so many slots in all.  E_MEMORY: nothing has changed. */
flowlog_status flowlog__slots_reserve(struct fl_pool *pool, uint64_t *words, uint64_t slots, enum fl_slots_form form);

/*
 * Add a slot whose key was not found; `i` is what fl_slots_find said.  The block may be another one then.  E_MEMORY:
 * nothing has changed.
 */
flowlog_status flowlog__slots_grow(struct fl_pool *pool, uint64_t *words, uint64_t slot, enum fl_slots_form form);
FL_INLINE flowlog_status fl_slots_add(struct fl_pool *pool, uint64_t *words, size_t i, uint64_t slot,
                                      enum fl_slots_form form)
{
    if (FL_UNLIKELY(fl_slots_full(words))) return flowlog__slots_grow(pool, words, slot, form);
    fl_slots_set(pool, words, i, form, slot);
    words[0] += FL_SLOTS_USED;
    return FLOWLOG_OK;
}

/* Give the block back; both words are then 0. */
void flowlog__slots_release(struct fl_pool *pool, uint64_t *words, enum fl_slots_form form);

/* Sort little-endian numbers of 64 bits. */
void flowlog__slots_sort(uint8_t *p, size_t count);

#endif
