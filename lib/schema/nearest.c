/* SPDX-License-Identifier: MIT */
/*
 * nearest.c - edit distance between names: insertions, deletions, replacements and swapped neighbours count one
 * each.  Letter case counts nothing, and '-' is '_'.
 */
#include "schema/nearest.h"

#include <string.h>

#include "schema/catalogue.h"

enum { FL_NEAREST_MAX = 40 }; /* longer words are not compared */

static char fold(char c) { return c == '_' ? '-' : fl_ascii_lower(c); }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][FL_NEAREST_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_len; j++) last[j] = before[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            const size_t differ = fold(a[i - 1]) != fold(b[j - 1]);
            row[j] = least(least(last[j] + 1, row[j - 1] + 1), last[j - 1] + differ);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *const free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[b_len];
}

void flowlog__nearest_consider(struct fl_nearest *best, const char *word, size_t len, const char *name)
{
    const size_t name_len = strlen(name);
    if (len < 2 || len > FL_NEAREST_MAX || name_len > FL_NEAREST_MAX) return;
    const size_t d = edit_distance(word, len, name, name_len);
    const size_t most = len < 6 ? 1 + (len > 3) : len / 3;
    if (d > most || (best->name && d >= best->distance)) return;
    best->name = name;
    best->distance = d;
}

const char *flowlog__nearest_field(const char *word, size_t len)
{
    struct fl_nearest best = {NULL, 0};
    for (uint32_t f = 1; f <= FL_FIELDS; f++)
        flowlog__nearest_consider(&best, word, len, flowlog_field_get(f)->name);
    return best.name;
}
