/* SPDX-License-Identifier: MIT */
/* slots.c - growth of small tables, and their slots in order; see slots.h. */
#include "agg/slots.h"

#include <string.h>

#include "core/bytes.h"

static size_t block_len(unsigned log) { return sizeof(uint64_t) << log; }

flowlog_status flowlog__slots_reserve(struct fl_pool *pool, uint64_t *words, uint64_t slots, unsigned shift)
{
    const unsigned have = fl_slots_log(words);
    unsigned log = have;
    if (!log && slots > 1) log = FL_SLOTS_FIRST;
    while (log && slots * 4 > (UINT64_C(3) << log)) log++;
    if (log == have) return FLOWLOG_OK;
    const uint64_t block = log <= FL_SLOTS_LOG_MAX ? flowlog__pool_alloc(pool, block_len(log)) : 0;
    if (!block) return FLOWLOG_E_MEMORY;
    uint64_t *slot = fl_pool_at(pool, block);
    memset(slot, 0, block_len(log));
    const uint64_t *old = fl_slots_all(pool, words);
    const size_t mask = ((size_t)1 << log) - 1;
    for (size_t i = 0; i <= ((size_t)1 << have) - 1; i++) {
        if (!old[i]) continue;
        size_t at = fl_slots_home(pool, log, old[i] >> shift);
        while (slot[at]) at = (at + 1) & mask;
        slot[at] = old[i];
    }
    if (have) flowlog__pool_release(pool, words[1], block_len(have));
    words[0] = (words[0] & ~UINT64_C(0xFF)) | log;
    words[1] = block;
    return FLOWLOG_OK;
}

uint64_t *flowlog__slots_add(struct fl_pool *pool, uint64_t *words, uint64_t key, unsigned shift)
{
    uint64_t *slot = fl_slots_find(pool, words, key, shift);
    if (FL_LIKELY(slot && *slot)) return slot;
    if (!slot || fl_slots_full(words)) {
        if (flowlog__slots_reserve(pool, words, (uint64_t)fl_slots_used(words) + 1, shift) < 0) return NULL;
        slot = fl_slots_find(pool, words, key, shift);
    }
    words[0] += FL_SLOTS_USED;
    return slot;
}

void flowlog__slots_release(struct fl_pool *pool, uint64_t *words)
{
    if (fl_slots_log(words)) flowlog__pool_release(pool, words[1], block_len(fl_slots_log(words)));
    words[0] = words[1] = 0;
}

/* A heap of little-endian numbers whose root is the largest. */
static void sift_down(uint8_t *heap, size_t root, size_t count)
{
    const uint64_t moving = fl_load64(heap + 8 * root);
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && fl_load64(heap + 8 * child) < fl_load64(heap + 8 * child + 8)) child++;
        const uint64_t larger = fl_load64(heap + 8 * child);
        if (larger <= moving) break;
        fl_store64(heap + 8 * root, larger);
    }
    fl_store64(heap + 8 * root, moving);
}

static void sort(uint8_t *p, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) sift_down(p, i, count);
    for (size_t end = count; end > 1; end--) {
        const uint64_t largest = fl_load64(p);
        fl_store64(p, fl_load64(p + 8 * (end - 1)));
        fl_store64(p + 8 * (end - 1), largest);
        sift_down(p, 0, end - 1);
    }
}

void flowlog__slots_save(const struct fl_pool *pool, const uint64_t *words, struct fl_bytes *out)
{
    const uint64_t *slot = fl_slots_log(words) ? fl_pool_at(pool, words[1]) : &words[1];
    const size_t start = out->len;
    for (size_t i = 0; i < fl_slots_count(words); i++)
        if (slot[i]) flowlog__bytes_put_u64(out, slot[i]);
    if (!out->failed && out->len > start) sort(out->p + start, (out->len - start) / 8);
}
