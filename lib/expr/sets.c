/* SPDX-License-Identifier: MIT */
/* sets.c - see sets.h.  Sorting is heap sort: no memory, no recursion, no bad case that hostile lists could find. */
#include "expr/sets.h"

#include <string.h>

#include "core/compiler.h"
#include "expr/tree.h"

typedef int (*compare_fn)(const void *a, const void *b);

static void swap(unsigned char *a, unsigned char *b, size_t size)
{
    unsigned char t[64];
    memcpy(t, a, size);
    memcpy(a, b, size);
    memcpy(b, t, size);
}

static void sift(unsigned char *p, size_t root, size_t count, size_t size, compare_fn compare)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(p + child * size, p + (child + 1) * size) < 0) child++;
        if (compare(p + root * size, p + child * size) >= 0) return;
        swap(p + root * size, p + child * size, size);
    }
}

static void sort(void *values, size_t count, size_t size, compare_fn compare)
{
    unsigned char *p = values;
    for (size_t i = count / 2; i-- > 0;) sift(p, i, count, size, compare);
    for (size_t n = count; n > 1; n--) {
        swap(p, p + (n - 1) * size, size);
        sift(p, 0, n - 1, size, compare);
    }
}

static int compare_words(const uint64_t *a, const uint64_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int compare_numbers(const void *a, const void *b) { return compare_words(a, b, 2); }

size_t flowlog__merge_numbers(uint64_t *p, size_t count)
{
    size_t n = 0;
    sort(p, count, 2 * sizeof *p, compare_numbers);
    for (size_t i = 0; i < count; i++) {
        uint64_t *last = p + 2 * n - 2;
        if (n && (p[2 * i] <= last[1] || p[2 * i] == last[1] + 1)) {
            if (p[2 * i + 1] > last[1]) last[1] = p[2 * i + 1];
            continue;
        }
        memmove(p + 2 * n++, p + 2 * i, 2 * sizeof *p);
    }
    return n;
}

static int compare_ranges(const void *a, const void *b) { return compare_words(a, b, FL_RANGE_WORDS); }

/* 1 if range b, which does not begin before a, leaves no address between them. */
static int touches(const uint64_t *a, const uint64_t *b)
{
    if (a[0] != b[0]) return 0;
    if (compare_words(b + 1, a + 3, 2) <= 0) return 1;
    const uint64_t low = a[4] + 1;
    return b[2] == low && b[1] == a[3] + (low == 0);
}

size_t flowlog__merge_ranges(uint64_t *p, size_t count)
{
    size_t n = 0;
    sort(p, count, FL_RANGE_WORDS * sizeof *p, compare_ranges);
    for (size_t i = 0; i < count; i++) {
        const uint64_t *r = p + FL_RANGE_WORDS * i;
        uint64_t *last = n ? p + FL_RANGE_WORDS * (n - 1) : p;
        if (n && touches(last, r)) {
            if (compare_words(r + 3, last + 3, 2) > 0) memcpy(last + 3, r + 3, 2 * sizeof *p);
            continue;
        }
        memmove(p + FL_RANGE_WORDS * n++, r, FL_RANGE_WORDS * sizeof *p);
    }
    return n;
}

int flowlog__compare_text(flowlog_str a, flowlog_str b)
{
    const size_t n = a.len < b.len ? a.len : b.len;
    const int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_texts(const void *a, const void *b)
{
    return flowlog__compare_text(*(const flowlog_str *)a, *(const flowlog_str *)b);
}

size_t flowlog__merge_texts(flowlog_str *p, size_t count)
{
    size_t n = 0;
    sort(p, count, sizeof *p, compare_texts);
    for (size_t i = 0; i < count; i++)
        if (!n || flowlog__compare_text(p[n - 1], p[i])) p[n++] = p[i];
    return n;
}
