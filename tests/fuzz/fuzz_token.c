/* SPDX-License-Identifier: MIT */
/*
 * fuzz_token.c - the tokenizer against plain loops.
 *
 * Byte 0: room for ends in one call, 64 and up.  Byte 1: how many fields a line is expected to have.  The rest
 * is the text, which lies in memory of exactly its length.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(int good)
{
    if (!good) abort();
}

static int is_end(char c) { return (unsigned char)c <= 0x20 || c == 0x7F; }
static int is_blank(char c) { return c == ' ' || c == '\t'; }

static void check_ends(const char *text, size_t len, size_t cap)
{
    uint32_t *ends = malloc(cap * sizeof *ends);
    size_t at = 0;
    if (!ends) abort();
    while (at < len) {
        size_t count = 0, used = 0, next = 0;
        check(flowlog_tokenize(text + at, len - at, ends, cap, &count, &used) == FLOWLOG_OK);
        check(used > 0 && used <= len - at && count <= cap && (used == len - at || cap - count < 64));
        for (size_t i = 0; i < used; i++)
            if (is_end(text[at + i])) check(next < count && ends[next++] == i);
        check(next == count);
        at += used;
    }
    free(ends);
}

static void check_lines(const char *text, size_t len)
{
    uint64_t lines = 0, want = len && text[len - 1] != '\n';
    for (size_t i = 0; i < len; i++) want += text[i] == '\n';
    check(flowlog_count_lines(text, len, &lines) == FLOWLOG_OK && lines == want);
}

static void check_split(const char *p, size_t len, uint32_t expected)
{
    enum { CAP = 20 };
    flowlog_span field[CAP];
    flowlog_error err;
    size_t count = 0, end = len, n = 0, bad = SIZE_MAX;
    if (end && p[end - 1] == '\n') end--;
    if (end && p[end - 1] == '\r') end--;
    for (size_t i = end; i--;)
        if (is_end(p[i]) && !is_blank(p[i])) bad = i;
    const flowlog_status status = flowlog_split_line(p, len, expected, field, CAP, &count, &err);
    if (bad != SIZE_MAX) {
        check(status == FLOWLOG_E_MALFORMED && err.status == status && err.offset == bad);
        return;
    }
    check(status == FLOWLOG_OK);
    for (size_t i = 0; i < end;) {
        while (i < end && is_blank(p[i])) i++;
        const size_t first = i;
        while (i < end && !is_blank(p[i])) i++;
        if (i == first) break;
        if (n < CAP && n < count) check(field[n].offset == first && field[n].len == i - first);
        n++;
    }
    check(n == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2) return 0;
    const size_t n = len - 2;
    char *text = malloc(n ? n : 1);
    if (!text) return 0;
    memcpy(text, data + 2, n);
    check_ends(text, n, 64 + data[0]);
    check_lines(text, n);
    check_split(text, n, data[1]);
    for (size_t at = 0; at < n;) { /* and line by line */
        const char *newline = memchr(text + at, '\n', n - at);
        const size_t line = newline ? (size_t)(newline - text) - at + 1 : n - at;
        check_split(text + at, line, data[1]);
        at += line;
    }
    free(text);
    return 0;
}
