/* SPDX-License-Identifier: MIT */
/*
 * support/arrow_check.h - is this a schema, and an array of it, by every rule of the Arrow C data interface?  And what
 * does a cell say?
 *
 *     const char *wrong = arrow_check(&schema, &array);      NULL: nothing
 *     arrow_cell(schema.children[c], array.children[c], row, text, sizeof text);     "-" for null
 *
 * Only the formats that libflowlog gives are known.  Beyond Arrow's rules: names and texts are UTF-8, null rows have
 * no text and index 0, dictionaries have no text twice, buffers are aligned to 8 bytes and what follows a bitmap in
 * its last 64 bytes is zero.
 */
#ifndef TEST_ARROW_CHECK_H
#define TEST_ARROW_CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/utf8.h"
#include "flowlog/arrow.h"

static char arrow_wrong_text[256];
#define ARROW_RULE(condition)                                                                               \
    do {                                                                                                    \
        if (!(condition)) {                                                                                 \
            snprintf(arrow_wrong_text, sizeof arrow_wrong_text, "%s: not %s", name ? name : "?", #condition); \
            return arrow_wrong_text;                                                                        \
        }                                                                                                   \
    } while (0)

static inline int arrow_is_utf8(const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text;
    for (size_t i = 0; i < len;) {
        const size_t n = p[i] < 0x80 ? 1 : fl_utf8_sequence(p + i, len - i);
        if (!n) return 0;
        i += n;
    }
    return 1;
}

/* Bytes of a value; 0: utf8; -1: a struct; -2: no such format. */
static inline int arrow_width(const char *format)
{
    static const struct {
        char format[8];
        int width;
    } known[] = {{"I", 4}, {"L", 8}, {"i", 4}, {"tss:UTC", 8}, {"w:16", 16}, {"d:29,9", 16}, {"u", 0}, {"+s", -1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(known[i].format, format, sizeof known[i].format) == 0) return known[i].width;
    return -2;
}

static inline const char *arrow_check_schema(const struct ArrowSchema *s, int depth)
{
    const char *name = s->name;
    ARROW_RULE(s->release != NULL);
    ARROW_RULE(s->format != NULL);
    ARROW_RULE(name != NULL && arrow_is_utf8(name, strlen(name)));
    ARROW_RULE(s->metadata == NULL);
    ARROW_RULE((s->flags & ~(int64_t)ARROW_FLAG_NULLABLE) == 0);
    const int width = arrow_width(s->format);
    ARROW_RULE(width >= -1);
    ARROW_RULE((width == -1) == (depth == 0));
    ARROW_RULE(s->n_children >= 0 && (width == -1 || s->n_children == 0));
    ARROW_RULE(s->n_children == 0 || s->children != NULL);
    for (int64_t i = 0; i < s->n_children; i++) {
        ARROW_RULE(s->children[i] != NULL);
        const char *wrong = arrow_check_schema(s->children[i], 1);
        if (wrong) return wrong;
    }
    ARROW_RULE((s->dictionary != NULL) == (strcmp(s->format, "i") == 0));
    if (!s->dictionary) return NULL;
    ARROW_RULE(depth == 1 && strcmp(s->dictionary->format, "u") == 0);
    return arrow_check_schema(s->dictionary, 2);
}

static inline int arrow_is_valid(const struct ArrowArray *a, int64_t row)
{
    const uint8_t *bits = a->buffers[0];
    return !bits || (bits[row / 8] >> row % 8 & 1);
}

static inline flowlog_str arrow_text(const struct ArrowArray *a, int64_t row)
{
    const int32_t *offset = a->buffers[1];
    return (flowlog_str){(const char *)a->buffers[2] + offset[row], (size_t)(offset[row + 1] - offset[row])};
}

static inline const char *arrow_check_texts(const char *name, const struct ArrowArray *a)
{
    const int32_t *offset = a->buffers[1];
    ARROW_RULE(offset[0] == 0);
    for (int64_t r = 0; r < a->length; r++) {
        ARROW_RULE(offset[r + 1] >= offset[r]);
        const flowlog_str text = arrow_text(a, r);
        ARROW_RULE(arrow_is_utf8(text.ptr, text.len));
        ARROW_RULE(arrow_is_valid(a, r) || text.len == 0);
    }
    return NULL;
}

static inline const char *arrow_check_bits(const char *name, const struct ArrowArray *a)
{
    const uint8_t *bits = a->buffers[0];
    int64_t nulls = 0, end = (a->length + 511) / 512 * 64;
    ARROW_RULE(a->null_count >= 0 && a->null_count <= a->length);
    ARROW_RULE(bits != NULL || a->null_count == 0);
    for (int64_t r = 0; r < a->length; r++) nulls += !arrow_is_valid(a, r);
    ARROW_RULE(nulls == a->null_count);
    for (int64_t r = a->length; bits && r < end * 8; r++) ARROW_RULE((bits[r / 8] >> r % 8 & 1) == 0);
    return NULL;
}

static inline const char *arrow_check_array(const struct ArrowSchema *s, const struct ArrowArray *a)
{
    const char *name = s->name, *wrong;
    const int width = arrow_width(s->format);
    ARROW_RULE(a->release != NULL);
    ARROW_RULE(a->length >= 0);
    ARROW_RULE(a->offset == 0);
    ARROW_RULE(a->n_buffers == (width < 0 ? 1 : width == 0 ? 3 : 2));
    ARROW_RULE(a->buffers != NULL);
    for (int64_t i = 0; i < a->n_buffers; i++) {
        ARROW_RULE(i == 0 || a->buffers[i] != NULL);
        ARROW_RULE((uintptr_t)a->buffers[i] % 8 == 0);
    }
    if ((wrong = arrow_check_bits(name, a)) != NULL) return wrong;
    ARROW_RULE((s->flags & ARROW_FLAG_NULLABLE) || a->null_count == 0);
    ARROW_RULE(a->n_children == s->n_children);
    ARROW_RULE(a->n_children == 0 || a->children != NULL);
    for (int64_t i = 0; i < a->n_children; i++) {
        ARROW_RULE(a->children[i] != NULL && a->children[i]->length == a->length);
        if ((wrong = arrow_check_array(s->children[i], a->children[i])) != NULL) return wrong;
    }
    if (width == 0 && (wrong = arrow_check_texts(name, a)) != NULL) return wrong;
    ARROW_RULE((a->dictionary != NULL) == (s->dictionary != NULL));
    if (!a->dictionary) return NULL;
    if ((wrong = arrow_check_array(s->dictionary, a->dictionary)) != NULL) return wrong;
    ARROW_RULE(a->dictionary->null_count == 0);
    for (int64_t r = 0; r < a->length; r++) {
        const int32_t index = ((const int32_t *)a->buffers[1])[r];
        if (arrow_is_valid(a, r)) ARROW_RULE(index >= 0 && index < a->dictionary->length);
        else ARROW_RULE(index == 0);
    }
    for (int64_t i = 1; i < a->dictionary->length && i < 300; i++)
        for (int64_t k = 0; k < i; k++) {
            const flowlog_str x = arrow_text(a->dictionary, i), y = arrow_text(a->dictionary, k);
            ARROW_RULE(x.len != y.len || memcmp(x.ptr, y.ptr, x.len) != 0);
        }
    return NULL;
}

static inline const char *arrow_check(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    const char *wrong = arrow_check_schema(schema, 0);
    return wrong ? wrong : arrow_check_array(schema, array);
}

/* --- what cells say ----------------------------------------------------------------------------------------- */

/* A number of 128 bits in billionths, as flowlog_value_format writes it. */
static inline void arrow_decimal(const uint8_t *p, char *text, size_t cap)
{
    const union {
        uint16_t word;
        uint8_t byte[2];
    } order = {.word = 1};
    uint64_t word[2], digit = 0;
    char digits[64];
    memcpy(word, p, sizeof word);
    uint64_t low = word[!order.byte[0]], high = word[order.byte[0]];
    const int below = high >> 63 != 0;
    if (below) {
        low = ~low + 1;
        high = ~high + (low == 0);
    }
    size_t n = 0;
    while (low || high || n < 10) { /* schoolbook division of 4 x 32 bits by 10 */
        const uint64_t part[4] = {high >> 32, high & UINT32_MAX, low >> 32, low & UINT32_MAX};
        uint64_t out[4];
        digit = 0;
        for (int i = 0; i < 4; i++) {
            out[i] = (digit << 32 | part[i]) / 10;
            digit = (digit << 32 | part[i]) % 10;
        }
        high = out[0] << 32 | out[1];
        low = out[2] << 32 | out[3];
        digits[n++] = (char)('0' + digit);
    }
    size_t zeros = 0, to = 0;
    while (zeros < 9 && digits[zeros] == '0') zeros++;
    if (below && to + 1 < cap) text[to++] = '-';
    for (size_t i = n; i > zeros && to + 2 < cap; i--) {
        if (i == 9) text[to++] = '.';
        text[to++] = digits[i - 1];
    }
    text[to] = '\0';
}

/* As flowlog_value_format would write the value.  16 bytes of an address are an IPv6 address. */
static inline void arrow_cell(const struct ArrowSchema *s, const struct ArrowArray *a, int64_t row, char *text,
                              size_t cap)
{
    const void *values = a->buffers[1];
    flowlog_str t = {"-", 1};
    if (arrow_is_valid(a, row)) {
        if (a->dictionary) t = arrow_text(a->dictionary, ((const int32_t *)values)[row]);
        else if (!strcmp(s->format, "u")) t = arrow_text(a, row);
        else t.len = 0;
    }
    if (t.len || s->dictionary || s->format[0] == 'u') {
        snprintf(text, cap, "%.*s", (int)t.len, t.ptr);
    } else if (s->format[0] == 'I') {
        snprintf(text, cap, "%" PRIu32, ((const uint32_t *)values)[row]);
    } else if (s->format[0] == 'L') {
        snprintf(text, cap, "%" PRIu64, ((const uint64_t *)values)[row]);
    } else if (s->format[0] == 't') {
        snprintf(text, cap, "%" PRId64, ((const int64_t *)values)[row]);
    } else if (s->format[0] == 'd') {
        arrow_decimal((const uint8_t *)values + 16 * row, text, cap);
    } else {
        flowlog_addr addr = {.family = 6};
        char buffer[FLOWLOG_ADDR_TEXT_MAX];
        memcpy(addr.bytes, (const uint8_t *)values + 16 * row, 16);
        flowlog_addr_format(&addr, buffer);
        snprintf(text, cap, "%s", buffer);
    }
}

#endif
