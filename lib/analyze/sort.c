/* SPDX-License-Identifier: MIT */
/* sort.c - heap sort; see sort.h.  Not the fastest, but no input makes it slow, and it needs no memory. */
#include "analyze/sort.h"

/* index[0 .. count) is a heap below `root`; let index[root] sink to its place. */
static void sink(uint32_t *index, size_t root, size_t count, fl_sort_compare *compare, const void *things)
{
    const uint32_t moved = index[root];
    while (root < count / 2) {
        size_t child = 2 * root + 1;
        if (child + 1 < count && compare(things, index[child], index[child + 1]) < 0) child++;
        if (compare(things, index[child], moved) <= 0) break;
        index[root] = index[child];
        root = child;
    }
    index[root] = moved;
}

void flowlog__sort(uint32_t *index, size_t count, fl_sort_compare *compare, const void *things)
{
    for (size_t root = count / 2; root--;) sink(index, root, count, compare, things);
    for (size_t end = count; end > 1; end--) {
        const uint32_t largest = index[0];
        index[0] = index[end - 1];
        index[end - 1] = largest;
        sink(index, 0, end - 1, compare, things);
    }
}
