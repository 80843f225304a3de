/* SPDX-License-Identifier: MIT */
/* slots.c - growth of small tables, and numbers in order; see slots.h. */
#include "agg/slots.h"

#include <string.h>

#include "core/bytes.h"
#include "core/error.h"

/* Of the first block, a cache line. */
static unsigned first_log(enum fl_slots_form form) { return form == FL_SLOTS_NARROW ? 4 : 3; }

static size_t block_len(unsigned log, enum fl_slots_form form)
{
    return (size_t)(form == FL_SLOTS_NARROW ? 4 : 8) << log;
}

FL_INLINE void move(const struct fl_pool *pool, const uint64_t *words, void *block, unsigned log,
                    enum fl_slots_form form)
{
    const size_t mask = ((size_t)1 << log) - 1;
    for (size_t i = 0; i < fl_slots_count(words); i++) {
        const uint64_t slot = fl_slots_get(pool, words, i, form);
        if (!slot) continue;
        size_t at = fl_slots_home(pool, log, fl_slots_key(slot, form));
        while (fl_slots_load(block, at, form)) at = (at + 1) & mask;
        fl_slots_store(block, at, form, slot);
    }
}

flowlog_status flowlog__slots_reserve(struct fl_pool *pool, uint64_t *words, uint64_t slots, enum fl_slots_form form)
{
    const unsigned have = fl_slots_log(words);
    unsigned log = have;
    if (!log && slots > 1) log = first_log(form);
    while (log && slots * 4 > (UINT64_C(3) << log)) log++;
    if (log == have) return FLOWLOG_OK;
    const uint64_t handle = log <= FL_SLOTS_LOG_MAX ? flowlog__pool_alloc(pool, block_len(log, form)) : 0;
    if (!handle) return FLOWLOG_E_MEMORY;
    void *block = fl_pool_at(pool, handle);
    memset(block, 0, block_len(log, form));
    switch (form) {
    case FL_SLOTS_SET: move(pool, words, block, log, FL_SLOTS_SET); break;
    case FL_SLOTS_COUNTS: move(pool, words, block, log, FL_SLOTS_COUNTS); break;
    case FL_SLOTS_NARROW: move(pool, words, block, log, FL_SLOTS_NARROW); break;
    }
    if (have) flowlog__pool_release(pool, words[1], block_len(have, form));
    words[0] = (words[0] & ~UINT64_C(0xFF)) | log;
    words[1] = handle;
    return FLOWLOG_OK;
}

flowlog_status flowlog__slots_grow(struct fl_pool *pool, uint64_t *words, uint64_t slot, enum fl_slots_form form)
{
    size_t i;
    FL_TRY(flowlog__slots_reserve(pool, words, (uint64_t)fl_slots_used(words) + 1, form));
    (void)fl_slots_find(pool, words, fl_slots_key(slot, form), form, &i);
    fl_slots_set(pool, words, i, form, slot);
    words[0] += FL_SLOTS_USED;
    return FLOWLOG_OK;
}

void flowlog__slots_release(struct fl_pool *pool, uint64_t *words, enum fl_slots_form form)
{
    if (fl_slots_log(words)) flowlog__pool_release(pool, words[1], block_len(fl_slots_log(words), form));
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

void flowlog__slots_sort(uint8_t *p, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) sift_down(p, i, count);
    for (size_t end = count; end > 1; end--) {
        const uint64_t largest = fl_load64(p);
        fl_store64(p, fl_load64(p + 8 * (end - 1)));
        fl_store64(p + 8 * (end - 1), largest);
        sift_down(p, 0, end - 1);
    }
}
