/* SPDX-License-Identifier: MIT */
/* intern.c - see intern.h. */
#include "analyze/intern.h"

#include <string.h>

#include "core/error.h"
#include "core/hash.h"

enum { FIRST_SLOTS = 64, FIRST_STRINGS = 63, FIRST_BYTES = 1024 };

/* The slot that holds the string, or the empty one where it belongs.  At least half of the slots are empty. */
static uint32_t slot_of(const struct fl_intern *t, const void *data, size_t len)
{
    uint32_t s = (uint32_t)fl_hash_bytes(data, len) & (t->slots - 1);
    for (; t->slot[s]; s = (s + 1) & (t->slots - 1)) {
        const flowlog_str have = fl_intern_text(t, t->slot[s]);
        if (have.len == len && memcmp(have.ptr, data, len) == 0) break;
    }
    return s;
}

uint32_t flowlog__intern_find(const struct fl_intern *t, const void *data, size_t len)
{
    return t->slots ? t->slot[slot_of(t, data, len)] : 0;
}

static flowlog_status grow_slots(struct fl_intern *t, const flowlog_alloc *alloc)
{
    const uint32_t slots = t->slots ? t->slots * 2 : FIRST_SLOTS;
    if ((uint64_t)slots * sizeof *t->slot > SIZE_MAX / 2) return FLOWLOG_E_MEMORY;
    uint32_t *slot = flowlog__alloc_zero(alloc, slots * sizeof *slot);
    if (!slot) return FLOWLOG_E_MEMORY;
    if (t->slot) flowlog__release(alloc, t->slot, t->slots * sizeof *slot);
    t->slot = slot;
    t->slots = slots;
    for (uint32_t i = 1; i <= t->count; i++) {
        const flowlog_str s = fl_intern_text(t, i);
        slot[slot_of(t, s.ptr, s.len)] = i;
    }
    return FLOWLOG_OK;
}

static flowlog_status make_room(struct fl_intern *t, const flowlog_alloc *alloc, size_t len)
{
    if (t->cap - t->len < len) {
        size_t cap = t->cap ? t->cap : FIRST_BYTES;
        while (cap - t->len < len) {
            if (cap > SIZE_MAX / 2) return FLOWLOG_E_MEMORY;
            cap *= 2;
        }
        char *bytes = flowlog__resize(alloc, t->bytes, t->cap, cap);
        if (!bytes) return FLOWLOG_E_MEMORY;
        t->bytes = bytes;
        t->cap = cap;
    }
    if (!t->end || t->count == t->end_cap) {
        const uint32_t cap = t->end ? t->end_cap * 2 + 1 : FIRST_STRINGS;
        if (((uint64_t)cap + 1) * sizeof *t->end > SIZE_MAX / 2) return FLOWLOG_E_MEMORY;
        size_t *end = flowlog__resize(alloc, t->end, t->end ? ((size_t)t->end_cap + 1) * sizeof *end : 0,
                                      ((size_t)cap + 1) * sizeof *end);
        if (!end) return FLOWLOG_E_MEMORY;
        end[0] = 0;
        t->end = end;
        t->end_cap = cap;
    }
    return t->count >= t->slots / 2 ? grow_slots(t, alloc) : FLOWLOG_OK;
}

flowlog_status flowlog__intern(struct fl_intern *t, const flowlog_alloc *alloc, const void *data, size_t len,
                               uint32_t limit, uint32_t *id)
{
    *id = flowlog__intern_find(t, data, len);
    if (*id) return FLOWLOG_OK;
    if (t->count >= limit || t->count >= UINT32_C(1) << 29) return FLOWLOG_E_LIMIT;
    FL_TRY(make_room(t, alloc, len));
    t->slot[slot_of(t, data, len)] = t->count + 1;
    if (len) memcpy(t->bytes + t->len, data, len);
    t->len += len;
    t->end[++t->count] = t->len;
    *id = t->count;
    return FLOWLOG_OK;
}

void flowlog__intern_free(struct fl_intern *t, const flowlog_alloc *alloc)
{
    flowlog__release(alloc, t->bytes, t->cap);
    if (t->end) flowlog__release(alloc, t->end, ((size_t)t->end_cap + 1) * sizeof *t->end);
    if (t->slot) flowlog__release(alloc, t->slot, t->slots * sizeof *t->slot);
    memset(t, 0, sizeof *t);
}
