/* SPDX-License-Identifier: MIT */
/* simd/ipv6.h - an IPv6 address of hexadecimal groups, character by character; see ipv6 in kernels.h. */
#ifndef FL_SIMD_IPV6_H
#define FL_SIMD_IPV6_H

#include <string.h>

#include "core/bytes.h"
#include "simd/kernels.h"

static inline int fl_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 1 and 16 bytes, or 0 with out[] undefined. */
static inline int fl_parse_groups(const uint8_t *p, size_t len, uint8_t out[16])
{
    size_t n = 0, gap = SIZE_MAX, i = 0; /* bytes written; where "::" stands among them */
    if (len < 2 || len > 39) return 0;
    if (p[0] == ':' && p[1] == ':') {
        gap = 0;
        i = 2;
    }
    while (i < len) {
        uint32_t group = 0;
        const size_t first = i;
        for (int h; i < len && i - first < 4 && (h = fl_hex_digit(p[i])) >= 0; i++) group = group << 4 | (uint32_t)h;
        if (i == first || n == 16) return 0;
        out[n++] = (uint8_t)(group >> 8);
        out[n++] = (uint8_t)group;
        if (i == len) break;
        if (p[i++] != ':' || i == len) return 0; /* a fifth digit, another character, a colon at the end */
        if (p[i] != ':') continue;
        if (gap != SIZE_MAX) return 0;
        gap = n;
        i++;
    }
    if (gap == SIZE_MAX) return n == 16;
    if (n == 16) return 0; /* "::" stands for at least one group */
    memmove(out + 16 - (n - gap), out + gap, n - gap);
    memset(out + gap, 0, 16 - n);
    return 1;
}

/* The whole kernel, for levels without a better idea. */
static inline int fl_ipv6_rows(const fl_rows *rows, size_t field, uint8_t (*out)[16], uint8_t *family, uint64_t *valid,
                               uint64_t *todo)
{
    uint64_t any = 0;
    for (size_t w = 0; w < fl_bit_words(rows->rows); w++) {
        for (uint64_t left = todo[w]; left; left &= left - 1) {
            const size_t r = w * 64 + fl_ctz64(left);
            const uint32_t *at = rows->at + r * rows->stride + field;
            const uint32_t start = at[0] + 1;
            uint8_t address[16];
            if (!fl_parse_groups(rows->text + start, at[1] - start, address)) continue;
            memcpy(out[r], address, 16);
            family[r] = 6;
            fl_bit_set(valid, r);
            fl_bit_clear(todo, r);
        }
        any |= todo[w];
    }
    return any != 0;
}

#endif
