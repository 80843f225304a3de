/* SPDX-License-Identifier: MIT */
/* analyze/spans.h - sets of times as intervals in rising order, none touching the next. */
#ifndef FL_ANALYZE_SPANS_H
#define FL_ANALYZE_SPANS_H

#include "core/alloc.h"

struct fl_span_time {
    uint32_t first, last; /* seconds since 1970, both included */
};

struct fl_spans {
    struct fl_span_time *span;
    uint32_t count, cap;
};

/* Most intervals of a set. */
enum { FL_SPANS_MAX = 4096 };

/*
 * Add [first, last]; intervals with at most `gap` seconds between them become one.  When a set is full, `widen` puts
 * what comes to its neighbour, so that the set says too much; else what comes is left out, and it says too little.
 */
flowlog_status flowlog__spans_add(struct fl_spans *s, const flowlog_alloc *alloc, uint32_t first, uint32_t last,
                                  uint32_t gap, int widen);
void flowlog__spans_free(struct fl_spans *s, const flowlog_alloc *alloc);

/* 1 if some time in [first, last] is in the set; if all of it is. */
int flowlog__spans_overlap(const struct fl_spans *s, uint32_t first, uint32_t last);
int flowlog__spans_cover(const struct fl_spans *s, uint32_t first, uint32_t last);

#endif
