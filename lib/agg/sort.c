/* SPDX-License-Identifier: MIT */
/* sort.c - merge sort from runs of a few upwards; see sort.h. */
#include "agg/sort.h"

enum { RUN = 8 };

struct order {
    int (*before)(const void *ctx, uint64_t a, uint64_t b);
    const void *ctx;
};

static int comes_before(const struct order *o, const struct fl_sortable *a, const struct fl_sortable *b)
{
    return a->rank != b->rank ? a->rank < b->rank : o->before(o->ctx, a->ref, b->ref);
}

static void sort_run(const struct order *o, struct fl_sortable *a, size_t start, size_t end)
{
    for (size_t i = start + 1; i < end; i++) {
        const struct fl_sortable one = a[i];
        size_t j = i;
        for (; j > start && comes_before(o, &one, &a[j - 1]); j--) a[j] = a[j - 1];
        a[j] = one;
    }
}

static void merge(const struct order *o, const struct fl_sortable *a, struct fl_sortable *b, size_t start,
                  size_t middle, size_t end)
{
    size_t i = start, j = middle;
    for (size_t k = start; k < end; k++)
        b[k] = i < middle && (j == end || !comes_before(o, &a[j], &a[i])) ? a[i++] : a[j++];
}

struct fl_sortable *flowlog__sort_ranked(struct fl_sortable *items, struct fl_sortable *scratch, size_t count,
                                         int (*before)(const void *ctx, uint64_t a, uint64_t b), const void *ctx)
{
    const struct order o = {before, ctx};
    struct fl_sortable *a = items, *b = scratch;
    for (size_t start = 0; start < count; start += RUN)
        sort_run(&o, a, start, count - start < RUN ? count : start + RUN);
    for (size_t run = RUN; run < count; run = run > count / 2 ? count : 2 * run) {
        for (size_t start = 0; start < count;) {
            const size_t middle = count - start < run ? count : start + run;
            const size_t end = count - middle < run ? count : middle + run;
            merge(&o, a, b, start, middle, end);
            start = end;
        }
        struct fl_sortable *swap = a;
        a = b;
        b = swap;
    }
    return a;
}
