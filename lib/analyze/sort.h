/* SPDX-License-Identifier: MIT */
/* analyze/sort.h - numbers put in the order of what they number. */
#ifndef FL_ANALYZE_SORT_H
#define FL_ANALYZE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Negative, zero or positive, as thing `a` comes before, with or after thing `b`. */
typedef int fl_sort_compare(const void *things, uint32_t a, uint32_t b);

/*
 * Sort index[0 .. count).  n log n for any input, no memory.  Equal things come in no certain order: a compare that
 * has numbers for its last resort makes the result one.
 */
void flowlog__sort(uint32_t *index, size_t count, fl_sort_compare *compare, const void *things);

#endif
