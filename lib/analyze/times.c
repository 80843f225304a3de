/* SPDX-License-Identifier: MIT */
/* times.c - see times.h. */
#include "analyze/times.h"

#include <string.h>

#include "core/error.h"

enum { CELLS = 2048, WORDS = CELLS / 64, SHIFT = 4 /* 16 seconds */ };

static void set_cell(uint64_t *bits, uint32_t cell) { bits[cell / 64 % WORDS] |= UINT64_C(1) << cell % 64; }
static int has_cell(const uint64_t *bits, uint32_t cell) { return bits[cell / 64 % WORDS] >> cell % 64 & 1; }

/* Cells of twice the size. */
static void coarsen(struct fl_times *t)
{
    uint64_t bits[WORDS] = {0};
    for (uint32_t cell = t->first >> t->shift; cell <= t->last >> t->shift; cell++)
        if (has_cell(t->bits, cell)) set_cell(bits, cell >> 1);
    memcpy(t->bits, bits, sizeof bits);
    t->shift++;
}

flowlog_status flowlog__times_add(struct fl_times *t, const flowlog_alloc *alloc, uint32_t first, uint32_t last)
{
    if (!t->bits) {
        t->bits = flowlog__alloc_zero(alloc, WORDS * sizeof *t->bits);
        if (!t->bits) return FLOWLOG_E_MEMORY;
        t->first = t->last = first;
        t->shift = SHIFT;
    }
    const uint32_t low = first < t->first ? first : t->first, high = last > t->last ? last : t->last;
    while ((high >> t->shift) - (low >> t->shift) >= CELLS) coarsen(t);
    t->first = low;
    t->last = high;
    for (uint32_t cell = first >> t->shift; cell <= last >> t->shift; cell++) set_cell(t->bits, cell);
    return FLOWLOG_OK;
}

flowlog_status flowlog__times_merge(struct fl_times *t, const flowlog_alloc *alloc, const struct fl_times *other)
{
    if (!other->bits) return FLOWLOG_OK;
    FL_TRY(flowlog__times_add(t, alloc, other->first, other->first));
    FL_TRY(flowlog__times_add(t, alloc, other->last, other->last));
    while (t->shift < other->shift) coarsen(t);
    for (uint32_t cell = other->first >> other->shift; cell <= other->last >> other->shift; cell++)
        if (has_cell(other->bits, cell)) set_cell(t->bits, cell >> (t->shift - other->shift));
    return FLOWLOG_OK;
}

void flowlog__times_free(struct fl_times *t, const flowlog_alloc *alloc)
{
    if (t->bits) flowlog__release(alloc, t->bits, WORDS * sizeof *t->bits);
    memset(t, 0, sizeof *t);
}

int flowlog__times_overlap(const struct fl_times *t, uint32_t first, uint32_t last)
{
    if (!t->bits) return 0;
    uint32_t cell = (first > t->first ? first : t->first) >> t->shift;
    const uint32_t end = (last < t->last ? last : t->last) >> t->shift;
    for (; cell <= end; cell++)
        if (has_cell(t->bits, cell)) return 1;
    return 0;
}

int flowlog__times_after(const struct fl_times *t, uint32_t time, uint32_t seconds)
{
    const uint64_t next = (((uint64_t)time >> t->shift) + 1) << t->shift, last = (uint64_t)time + seconds;
    const uint64_t to = last < next ? next : last;
    if (next > UINT32_MAX) return 0;
    return flowlog__times_overlap(t, (uint32_t)next, to < UINT32_MAX ? (uint32_t)to : UINT32_MAX);
}
