/* SPDX-License-Identifier: MIT */
/* spans.c - see spans.h. */
#include "analyze/spans.h"

#include <string.h>

#include "core/error.h"

/* The first interval that ends at or behind a time. */
static uint32_t find(const struct fl_spans *s, uint64_t time)
{
    uint32_t low = 0, high = s->count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (s->span[mid].last < time) low = mid + 1;
        else high = mid;
    }
    return low;
}

static flowlog_status grow(struct fl_spans *s, const flowlog_alloc *alloc)
{
    if (s->count < s->cap) return FLOWLOG_OK;
    const uint32_t cap = s->cap ? s->cap * 2 : 4;
    struct fl_span_time *span = flowlog__resize(alloc, s->span, s->cap * sizeof *span, cap * sizeof *span);
    if (!span) return FLOWLOG_E_MEMORY;
    s->span = span;
    s->cap = cap;
    return FLOWLOG_OK;
}

flowlog_status flowlog__spans_add(struct fl_spans *s, const flowlog_alloc *alloc, uint32_t first, uint32_t last,
                                  uint32_t gap, int widen)
{
    const uint32_t from = find(s, first > gap ? first - gap : 0);
    uint32_t to = from; /* [from, to) become one with the new one */
    while (to < s->count && s->span[to].first <= (uint64_t)last + gap) {
        if (s->span[to].first < first) first = s->span[to].first;
        if (s->span[to].last > last) last = s->span[to].last;
        to++;
    }
    if (to == from && s->count >= FL_SPANS_MAX) {
        if (!widen) return FLOWLOG_OK;
        to = from < s->count ? from + 1 : from;
        struct fl_span_time *near = &s->span[to - 1];
        if (near->first > first) near->first = first;
        if (near->last < last) near->last = last;
        return FLOWLOG_OK;
    }
    if (to == from) {
        FL_TRY(grow(s, alloc));
        memmove(s->span + from + 1, s->span + from, (s->count - from) * sizeof *s->span);
        s->count++;
    } else if (to > from + 1) {
        memmove(s->span + from + 1, s->span + to, (s->count - to) * sizeof *s->span);
        s->count -= to - from - 1;
    }
    s->span[from].first = first;
    s->span[from].last = last;
    return FLOWLOG_OK;
}

void flowlog__spans_free(struct fl_spans *s, const flowlog_alloc *alloc)
{
    if (s->span) flowlog__release(alloc, s->span, s->cap * sizeof *s->span);
    memset(s, 0, sizeof *s);
}

int flowlog__spans_overlap(const struct fl_spans *s, uint32_t first, uint32_t last)
{
    const uint32_t i = find(s, first);
    return i < s->count && s->span[i].first <= last;
}

int flowlog__spans_cover(const struct fl_spans *s, uint32_t first, uint32_t last)
{
    const uint32_t i = find(s, first);
    return i < s->count && s->span[i].first <= first && s->span[i].last >= last;
}
