/* SPDX-License-Identifier: MIT */
/*
 * simd/kernels_tpl.h - the kernel bodies that the vector levels share; included once by each.
 *
 * The including file has opened its target region and defined, in its vocabulary:
 *     fl_block, block_load(p)         64 bytes
 *     block_ends(b)                   mask of bytes in 0x00..0x20 and 0x7F
 *     block_eq(b, c)                  mask of bytes equal to c
 *     lowest(m), popcount(m)          lowest set bit (anything for 0), number of set bits
 *     ipv4_digits(p, len, &value)     1 and the value, or 0; reads 16 bytes from p; len 1..15
 *     FL_KERNEL(name)                 the level's name for a kernel
 * A level with a better idea for a kernel defines FL_HAVE_<KERNEL> and its own body first.
 *
 * Numbers are done eight bytes at a time in a general register.  A token of n <= 8 characters is loaded
 * from its start and shifted left by 64 - 8n bits: its characters come to lie at the upper end, zeros
 * below them, whatever followed it is gone.
 */
#include <string.h>

#include "core/bytes.h"
#include "simd/ipv6.h"

#ifndef FL_HAVE_COUNT_NEWLINES
static size_t FL_KERNEL(count_newlines)(const uint8_t *p, size_t n)
{
    size_t count = 0, i = 0;
    for (; i + 64 <= n; i += 64) count += popcount(block_eq(block_load(p + i), '\n'));
    if (i < n) {
        uint8_t tail[64] = {0};
        memcpy(tail, p + i, n - i);
        count += popcount(block_eq(block_load(tail), '\n'));
    }
    return count;
}
#endif

#ifndef FL_HAVE_SCAN_ENDS
FL_INLINE uint32_t *write_ends(uint32_t *out, uint32_t base, uint64_t ends)
{
    uint32_t *const next = out + popcount(ends);
    while (ends) { /* eight at a time: most blocks take one turn; what is beyond `next` is scribble */
        for (int k = 0; k < 8; k++) {
            out[k] = base + lowest(ends);
            ends &= ends - 1;
        }
        out += 8;
    }
    return next;
}

static size_t FL_KERNEL(scan_ends)(const uint8_t *p, size_t n, uint32_t *out, fl_scan *scan)
{
    uint32_t *next = out;
    uint64_t carry = 1, adjacent = 0, strange = 0;
    size_t newlines = 0;
    for (size_t i = 0; i < n; i += 64) {
        uint8_t tail[64];
        const uint8_t *q = p + i;
        if (n - i < 64) {
            memset(tail, 'x', sizeof tail);
            memcpy(tail, q, n - i);
            q = tail;
        }
        const fl_block b = block_load(q);
        const uint64_t ends = block_ends(b), newline = block_eq(b, '\n');
        adjacent |= ends & (ends << 1 | carry);
        strange |= ends & ~(newline | block_eq(b, ' '));
        newlines += popcount(newline);
        carry = ends >> 63;
        next = write_ends(next, (uint32_t)i, ends);
    }
    *scan = (fl_scan){newlines, adjacent != 0, strange != 0};
    return (size_t)(next - out);
}
#endif

#if !defined(FL_HAVE_DIGITS8) || !defined(FL_HAVE_DIGITS16)
/* Characters minus '0', eight of them, first in the lowest byte, as a number. */
FL_INLINE uint64_t eight_digits(uint64_t x)
{
    x = (x * (10 * 256 + 1)) >> 8 & UINT64_C(0x00FF00FF00FF00FF);
    x = (x * (100 * 65536 + 1)) >> 16 & UINT64_C(0x0000FFFF0000FFFF);
    return (x * (10000 * UINT64_C(0x100000000) + 1)) >> 32;
}

/*
 * 1 if all eight bytes are at most 9.  Adding 0x76 sets the top bit of bytes 0x0A..0x7F; a carry into the next
 * byte needs a byte of 0x8A or more, which has its own top bit set.
 */
FL_INLINE int all_digits(uint64_t x)
{
    return ((x | (x + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080)) == 0;
}

#define FL_ZEROS UINT64_C(0x3030303030303030)
#define FL_DASH (UINT64_C(0x1D) << 56) /* ('-' ^ '0') alone in the highest byte */
#endif

#ifndef FL_HAVE_DIGITS8
static int FL_KERNEL(digits8)(const fl_rows *rows, size_t field, uint32_t max, uint32_t *out, uint64_t *valid,
                              uint64_t *todo)
{
    const uint32_t *at = rows->at + field;
    uint64_t any = 0;
    for (size_t r = 0; r < rows->rows;) {
        uint64_t good = 0, odd = 0;
        const size_t stop = rows->rows - r < 64 ? rows->rows : r + 64;
        for (unsigned k = 0; r < stop; r++, k++, at += rows->stride) {
            if (r % 8 == 0) fl_fetch_ahead(rows, r);
            const uint32_t start = at[0] + 1, len = at[1] - start;
            const uint64_t x = (fl_load64(rows->text + start) ^ FL_ZEROS) << ((64 - 8 * len) & 63);
            const uint64_t v = eight_digits(x);
            const uint64_t ok = (uint64_t)(all_digits(x) & (len <= 8) & (v <= max));
            good |= ok << k;
            odd |= ((ok | (uint64_t)((len == 1) & (x == FL_DASH))) ^ 1) << k;
            out[r] = (uint32_t)(v & (0 - ok));
        }
        valid[(r - 1) / 64] = good;
        todo[(r - 1) / 64] = odd;
        any |= odd;
    }
    return any != 0;
}
#endif

#ifndef FL_HAVE_DIGITS16
static int FL_KERNEL(digits16)(const fl_rows *rows, size_t field, uint64_t max, uint64_t *out, uint64_t *valid,
                               uint64_t *todo)
{
    const uint32_t *at = rows->at + field;
    uint64_t any = 0;
    for (size_t r = 0; r < rows->rows;) {
        uint64_t good = 0, odd = 0;
        const size_t stop = rows->rows - r < 64 ? rows->rows : r + 64;
        for (unsigned k = 0; r < stop; r++, k++, at += rows->stride) {
            if (r % 8 == 0) fl_fetch_ahead(rows, r);
            const uint32_t start = at[0] + 1, len = at[1] - start;
            uint64_t low, high = 0;
            if (len <= 8) {
                low = (fl_load64(rows->text + start) ^ FL_ZEROS) << ((64 - 8 * len) & 63);
            } else { /* the last eight, and what is before them */
                low = fl_load64(rows->text + at[1] - 8) ^ FL_ZEROS;
                high = (fl_load64(rows->text + start) ^ FL_ZEROS) << ((128 - 8 * len) & 63);
            }
            const uint64_t v = eight_digits(high) * 100000000 + eight_digits(low);
            const uint64_t ok = (uint64_t)(all_digits(low) & all_digits(high) & (len <= 16) & (v <= max));
            good |= ok << k;
            odd |= ((ok | (uint64_t)((len == 1) & (low == FL_DASH))) ^ 1) << k;
            out[r] = v & (0 - ok);
        }
        valid[(r - 1) / 64] = good;
        todo[(r - 1) / 64] = odd;
        any |= odd;
    }
    return any != 0;
}
#endif

#ifndef FL_HAVE_IPV4
static int FL_KERNEL(ipv4)(const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid, uint64_t *todo)
{
    const uint32_t *at = rows->at + field;
    uint64_t any = 0;
    for (size_t r = 0; r < rows->rows;) {
        uint64_t good = 0;
        const size_t first = r, stop = rows->rows - r < 64 ? rows->rows : r + 64;
        for (unsigned k = 0; r < stop; r++, k++, at += rows->stride) {
            if (r % 8 == 0) fl_fetch_ahead(rows, r);
            const uint32_t start = at[0] + 1, len = at[1] - start;
            uint32_t v;
            const uint64_t ok = (uint64_t)(ipv4_digits(rows->text + start, len & 15, &v) & (len <= 15));
            good |= ok << k;
            out[r] = v & (0 - (uint32_t)ok);
        }
        valid[first / 64] = good;
        todo[first / 64] = ~good & fl_low_bits((unsigned)(stop - first));
        any |= todo[first / 64];
    }
    return any != 0;
}
#endif

#ifndef FL_HAVE_IPV6
static int FL_KERNEL(ipv6)(const fl_rows *rows, size_t field, uint8_t (*out)[16], uint8_t *family,
                           uint64_t *valid, uint64_t *todo)
{
    return fl_ipv6_rows(rows, field, out, family, valid, todo);
}
#endif

#ifndef FL_HAVE_SPANS
static void FL_KERNEL(spans)(const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid)
{
    const uint32_t *at = rows->at + field;
    for (size_t r = 0; r < rows->rows;) {
        uint64_t good = 0;
        const size_t first = r, stop = rows->rows - r < 64 ? rows->rows : r + 64;
        for (unsigned k = 0; r < stop; r++, k++, at += rows->stride) {
            if (r % 8 == 0) fl_fetch_ahead(rows, r);
            const uint32_t start = at[0] + 1, len = at[1] - start;
            const uint32_t ok = (uint32_t)((len != 1) | (rows->text[start] != '-'));
            good |= (uint64_t)ok << k;
            out[2 * r] = start & (0 - ok);
            out[2 * r + 1] = len & (0 - ok);
        }
        valid[first / 64] = good;
    }
}
#endif

#ifndef FL_HAVE_TOKENS8
static int FL_KERNEL(tokens8)(const fl_rows *rows, size_t field, const fl_token *known, size_t count, uint8_t *out,
                              uint64_t *valid, uint64_t *todo)
{
    const uint32_t *at = rows->at + field;
    uint64_t any = 0;
    for (size_t r = 0; r < rows->rows;) {
        uint64_t good = 0, odd = 0;
        const size_t first = r, stop = rows->rows - r < 64 ? rows->rows : r + 64;
        for (unsigned k = 0; r < stop; r++, k++, at += rows->stride) {
            if (r % 8 == 0) fl_fetch_ahead(rows, r);
            const uint32_t start = at[0] + 1, len = at[1] - start, shift = (64 - 8 * len) & 63;
            const uint64_t x = fl_load64(rows->text + start) << shift >> shift;
            size_t i = 0;
            while (i < count && x != known[i].bytes) i++; /* most rows have the first or the second */
            const uint64_t found = (uint64_t)((i < count) & (len <= 8));
            good |= found << k;
            odd |= ((found | (uint64_t)((len == 1) & (x == '-'))) ^ 1) << k;
            out[r] = found ? (uint8_t)known[i].code : 0;
        }
        valid[first / 64] = good;
        todo[first / 64] = odd;
        any |= odd;
    }
    return any != 0;
}
#endif
