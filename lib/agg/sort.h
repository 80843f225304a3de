/* SPDX-License-Identifier: MIT */
/* agg/sort.h - things put in order by a number and, where that is equal, by a comparison. */
#ifndef FL_AGG_SORT_H
#define FL_AGG_SORT_H

#include <stddef.h>
#include <stdint.h>

struct fl_sortable {
    uint64_t rank; /* smaller comes first */
    uint64_t ref;  /* what it is, for `before` */
};

/*
 * Sort items[0..count), which ends in either array, of `count` entries both; returns the one.  before(ctx, a, b) is
 * asked only where ranks are equal: 1 if a comes before b.  Merge sort: no input makes it slow.
 */
struct fl_sortable *flowlog__sort_ranked(struct fl_sortable *items, struct fl_sortable *scratch, size_t count,
                                         int (*before)(const void *ctx, uint64_t a, uint64_t b), const void *ctx);

#endif
