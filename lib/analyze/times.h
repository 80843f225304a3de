/* SPDX-License-Identifier: MIT */
/*
 * analyze/times.h - at about what times something was there, in 2048 bits.
 *
 * Time is cut into cells of 16 seconds, or of twice as many as often as it takes for the first and the last one to be
 * less than 2048 cells apart.  So what is kept depends on what was added, never on the order.
 */
#ifndef FL_ANALYZE_TIMES_H
#define FL_ANALYZE_TIMES_H

#include "core/alloc.h"
#include "core/compiler.h"

struct fl_times { /* zero: empty */
    uint64_t *bits;       /* cell n at n modulo 2048; NULL: nothing was added */
    uint32_t first, last; /* seconds since 1970 */
    uint8_t shift;        /* a cell has 2^shift seconds */
};

/* first <= last.  E_MEMORY. */
flowlog_status flowlog__times_add(struct fl_times *t, const flowlog_alloc *alloc, uint32_t first, uint32_t last);
flowlog_status flowlog__times_merge(struct fl_times *t, const flowlog_alloc *alloc, const struct fl_times *other);
void flowlog__times_free(struct fl_times *t, const flowlog_alloc *alloc);

/* Where the last cell ends; 0: empty. */
FL_INLINE uint32_t fl_times_end(const struct fl_times *t)
{
    return t->bits ? t->last | ((UINT32_C(1) << t->shift) - 1) : 0;
}

/* 1 if something was there in a cell of [first, last]. */
int flowlog__times_overlap(const struct fl_times *t, uint32_t first, uint32_t last);
/* The same for the cells behind that of `time`: the next one, and all that begin at most `seconds` later. */
int flowlog__times_after(const struct fl_times *t, uint32_t time, uint32_t seconds);

#endif
