/* SPDX-License-Identifier: MIT */
/* kernels_scalar.c - the specification of kernels.h: the plainest loops there are. */
#include "simd/kernels.h"

#include "core/bytes.h"
#include "simd/ipv6.h"

#define FL_KERNEL(name) scalar_##name

static size_t FL_KERNEL(count_newlines)(const uint8_t *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += p[i] == '\n';
    return count;
}

static size_t FL_KERNEL(scan_ends)(const uint8_t *p, size_t n, uint32_t *out, fl_scan *scan)
{
    size_t count = 0;
    int after_end = 1;
    *scan = (fl_scan){0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        const int is_end = p[i] <= 0x20 || p[i] == 0x7F;
        if (is_end) {
            out[count++] = (uint32_t)i;
            if (after_end) scan->adjacent = 1;
            if (p[i] == '\n') scan->newlines++;
            else if (p[i] != ' ') scan->strange = 1;
        }
        after_end = is_end;
    }
    return count;
}

struct token {
    const uint8_t *p;
    size_t len;
};

static struct token token_at(const fl_rows *rows, size_t row, size_t field)
{
    const uint32_t *at = rows->at + row * rows->stride + field;
    const uint32_t start = at[0] + 1;
    return (struct token){rows->text + start, at[1] - start};
}

static int is_dash(struct token t) { return t.len == 1 && t.p[0] == '-'; }

/* Up to max_len decimal digits, not above max. */
static int parse_digits(struct token t, size_t max_len, uint64_t max, uint64_t *value)
{
    uint64_t v = 0;
    if (t.len > max_len) return 0;
    for (size_t i = 0; i < t.len; i++) {
        if (t.p[i] < '0' || t.p[i] > '9') return 0;
        v = v * 10 + (uint64_t)(t.p[i] - '0');
    }
    *value = v;
    return v <= max;
}

static void clear_maps(const fl_rows *rows, uint64_t *valid, uint64_t *todo)
{
    for (size_t w = 0; w < fl_bit_words(rows->rows); w++) {
        valid[w] = 0;
        if (todo) todo[w] = 0;
    }
}

static int FL_KERNEL(digits8)(const fl_rows *rows, size_t field, uint32_t max, uint32_t *out, uint64_t *valid,
                              uint64_t *todo)
{
    int any = 0;
    clear_maps(rows, valid, todo);
    for (size_t r = 0; r < rows->rows; r++) {
        const struct token t = token_at(rows, r, field);
        uint64_t v = 0;
        out[r] = 0;
        if (is_dash(t)) continue;
        if (parse_digits(t, 8, max, &v)) {
            out[r] = (uint32_t)v;
            fl_bit_set(valid, r);
        } else {
            fl_bit_set(todo, r);
            any = 1;
        }
    }
    return any;
}

static int FL_KERNEL(digits16)(const fl_rows *rows, size_t field, uint64_t max, uint64_t *out, uint64_t *valid,
                               uint64_t *todo)
{
    int any = 0;
    clear_maps(rows, valid, todo);
    for (size_t r = 0; r < rows->rows; r++) {
        const struct token t = token_at(rows, r, field);
        uint64_t v = 0;
        out[r] = 0;
        if (is_dash(t)) continue;
        if (parse_digits(t, 16, max, &v)) {
            out[r] = v;
            fl_bit_set(valid, r);
        } else {
            fl_bit_set(todo, r);
            any = 1;
        }
    }
    return any;
}

static int parse_ipv4(struct token t, uint32_t *value)
{
    uint32_t v = 0;
    size_t i = 0;
    for (int octet = 0; octet < 4; octet++) {
        uint32_t x = 0;
        size_t digits = 0;
        if (octet && (i >= t.len || t.p[i++] != '.')) return 0;
        while (i < t.len && digits < 3 && t.p[i] >= '0' && t.p[i] <= '9') {
            x = x * 10 + (uint32_t)(t.p[i++] - '0');
            digits++;
        }
        if (!digits || x > 255) return 0;
        if ((digits == 2 && x < 10) || (digits == 3 && x < 100)) return 0;
        v = v << 8 | x;
    }
    *value = v;
    return i == t.len;
}

static int FL_KERNEL(ipv4)(const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid, uint64_t *todo)
{
    int any = 0;
    clear_maps(rows, valid, todo);
    for (size_t r = 0; r < rows->rows; r++) {
        uint32_t v = 0;
        if (parse_ipv4(token_at(rows, r, field), &v)) {
            out[r] = v;
            fl_bit_set(valid, r);
        } else {
            out[r] = 0;
            fl_bit_set(todo, r);
            any = 1;
        }
    }
    return any;
}

static int FL_KERNEL(ipv6)(const fl_rows *rows, size_t field, uint8_t (*out)[16], uint8_t *family,
                           uint64_t *valid, uint64_t *todo)
{
    return fl_ipv6_rows(rows, field, out, family, valid, todo);
}

static void FL_KERNEL(spans)(const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid)
{
    clear_maps(rows, valid, NULL);
    for (size_t r = 0; r < rows->rows; r++) {
        const struct token t = token_at(rows, r, field);
        out[2 * r] = out[2 * r + 1] = 0;
        if (is_dash(t)) continue;
        out[2 * r] = (uint32_t)(t.p - rows->text);
        out[2 * r + 1] = (uint32_t)t.len;
        fl_bit_set(valid, r);
    }
}

static int FL_KERNEL(tokens8)(const fl_rows *rows, size_t field, const fl_token *known, size_t count, uint8_t *out,
                              uint64_t *valid, uint64_t *todo)
{
    int any = 0;
    clear_maps(rows, valid, todo);
    for (size_t r = 0; r < rows->rows; r++) {
        const struct token t = token_at(rows, r, field);
        uint64_t bytes = 0;
        int found = 0;
        out[r] = 0;
        if (is_dash(t)) continue;
        for (size_t i = 0; i < t.len && i < 8; i++) bytes |= (uint64_t)t.p[i] << (8 * i);
        for (size_t k = 0; k < count && !found && t.len <= 8; k++)
            if (known[k].bytes == bytes) {
                out[r] = (uint8_t)known[k].code;
                found = 1;
            }
        if (found) {
            fl_bit_set(valid, r);
        } else {
            fl_bit_set(todo, r);
            any = 1;
        }
    }
    return any;
}

const fl_kernels flowlog__kernels_scalar = {
    .name = "scalar",
    .needs = 0,
    FL_KERNELS(FL_KERNEL_ENTRY)};
