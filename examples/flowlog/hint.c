/* SPDX-License-Identifier: MIT */
/*
 * hint.c - edit distance between names: insertions, deletions, replacements and swapped neighbours count
 * one each.  Letter case counts nothing, and '-' is '_'.
 */
#include "hint.h"

#include <ctype.h>
#include <string.h>

#include "flowlog.h"

#define NAME_MAX_LEN 63

static int fold(char c) { return c == '_' ? '-' : tolower((unsigned char)c); }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NAME_MAX_LEN + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_len; j++) last[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            const int differ = fold(a[i - 1]) != fold(b[j - 1]);
            row[j] = least(least(last[j] + 1, row[j - 1] + 1), last[j - 1] + (size_t)differ);
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

/* Keep the better of two; a third of the letters may be wrong, at least one. */
static void consider(const char *text, size_t len, const char *name, const char **best,
                     size_t *best_distance)
{
    const size_t name_len = strlen(name);
    if (len == 0 || len > NAME_MAX_LEN || name_len > NAME_MAX_LEN) return;
    const size_t d = distance(text, len, name, name_len);
    if (d < *best_distance && d <= (len < 6 ? 1 + (len > 3) : len / 3)) {
        *best = name;
        *best_distance = d;
    }
}

const char *hint_name(const char *text, size_t len, const char *const *names)
{
    const char *best = NULL;
    size_t d = NAME_MAX_LEN;
    for (; *names; names++) consider(text, len, *names, &best, &d);
    return best;
}

const char *hint_field(const char *text, size_t len)
{
    const char *best = NULL;
    size_t d = NAME_MAX_LEN;
    for (uint32_t f = 1; f <= flowlog_field_count(); f++)
        consider(text, len, flowlog_field_get(f)->name, &best, &d);
    return best;
}
