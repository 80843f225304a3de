/* SPDX-License-Identifier: MIT */
/*
 * kernels_avx512.c - F, DQ, BW, VL, VBMI and VBMI2 (Ice Lake, Zen 4 and later); see kernels.h.
 *
 * A column is done eight rows at a time: one gather brings where each token starts and ends (neighbours
 * in `at`, so one 64-bit word a row), a second one the first eight bytes of each token.  Rows beyond the
 * last are masked off and read nothing.
 */
#include "simd/kernels.h"

#if FL_ARCH_X86_64
#include <immintrin.h>

#include "core/bytes.h"

FL_TARGET_BEGIN("avx512f,avx512dq,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt")

#define FL_KERNEL(name) avx512_##name

typedef __m512i fl_block;

FL_INLINE fl_block block_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
FL_INLINE uint64_t block_eq(fl_block b, char c) { return _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8(c)); }
FL_INLINE uint64_t block_ends(fl_block b)
{
    return _mm512_cmple_epu8_mask(b, _mm512_set1_epi8(0x20)) | block_eq(b, 0x7F);
}
FL_INLINE uint32_t lowest(uint64_t m) { return (uint32_t)_tzcnt_u64(m); }
FL_INLINE uint32_t popcount(uint64_t m) { return (uint32_t)_mm_popcnt_u64(m); }

/* How far scanning asks for text: mapped pages are scattered, and the hardware stops at the end of each. */
#define SCAN_AHEAD 2048

#define FL_HAVE_SCAN_ENDS 1
static size_t FL_KERNEL(scan_ends)(const uint8_t *p, size_t n, uint32_t *out, fl_scan *scan)
{
    static const uint8_t places[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                       16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                       32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
                                       48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const __m512i iota = _mm512_loadu_si512(places);
    uint32_t *next = out;
    uint64_t carry = 1, adjacent = 0, strange = 0;
    size_t newlines = 0;
    for (size_t i = 0; i < n; i += 64) {
        __m512i b;
        _mm_prefetch((const char *)p + i + SCAN_AHEAD, _MM_HINT_T0); /* harmless behind the end */
        if (n - i >= 64) b = _mm512_loadu_si512(p + i);
        else b = _mm512_mask_loadu_epi8(_mm512_set1_epi8('x'), _bzhi_u64(~UINT64_C(0), (unsigned)(n - i)), p + i);
        const uint64_t ends = block_ends(b), newline = block_eq(b, '\n');
        adjacent |= ends & (ends << 1 | carry);
        strange |= ends & ~(newline | block_eq(b, ' '));
        newlines += popcount(newline);
        carry = ends >> 63;

        /* Sixteen positions at a time: few blocks of a log have more. */
        const __m512i base = _mm512_set1_epi32((int)(uint32_t)i);
        const uint32_t count = popcount(ends);
        __m512i packed = _mm512_maskz_compress_epi8(ends, iota);
        _mm512_storeu_si512(next, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
        if (FL_UNLIKELY(count > 16)) {
            for (uint32_t k = 16; k < count; k += 16) {
                packed = _mm512_shuffle_i64x2(packed, packed, 0x39); /* the next 128 bits come first */
                const __m512i wide = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed));
                _mm512_storeu_si512(next + k, _mm512_add_epi32(base, wide));
            }
        }
        next += count;
    }
    *scan = (fl_scan){newlines, adjacent != 0, strange != 0};
    return (size_t)(next - out);
}

/* Eight tokens: where each starts, ends (64-bit lanes), and its first eight bytes. */
typedef struct {
    __m512i start, end, bytes;
} fl_eight;

FL_INLINE fl_eight load_eight(const fl_rows *rows, size_t row, size_t field, __m256i step, __mmask8 lanes)
{
    const __m512i zero = _mm512_setzero_si512(), low = _mm512_set1_epi64(0xFFFFFFFF);
    const uint32_t *at = rows->at + row * rows->stride + field;
    const __m512i pair = _mm512_mask_i32gather_epi64(zero, lanes, step, at, 4);
    fl_fetch_ahead(rows, row);
    fl_eight e;
    e.start = _mm512_and_si512(_mm512_add_epi64(pair, _mm512_set1_epi64(1)), low);
    e.end = _mm512_srli_epi64(pair, 32);
    e.bytes = _mm512_mask_i64gather_epi64(zero, lanes, e.start, rows->text, 1);
    return e;
}

/* Entries between one row and the next, for eight rows. */
FL_INLINE __m256i row_steps(size_t stride)
{
    return _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((int)stride));
}

FL_INLINE __mmask8 lanes_left(size_t left) { return left >= 8 ? 0xFF : (__mmask8)((1u << left) - 1); }

/* The characters of a token of `len` <= 8 at the upper end of its lane, minus '0', zeros below. */
FL_INLINE __m512i top_digits(__m512i bytes, __m512i len)
{
    const __m512i shift = _mm512_sub_epi64(_mm512_set1_epi64(64), _mm512_slli_epi64(len, 3));
    return _mm512_sllv_epi64(_mm512_xor_si512(bytes, _mm512_set1_epi8('0')), shift);
}

FL_INLINE __mmask8 lanes_all_digits(__m512i x)
{
    const __m512i large = _mm512_or_si512(x, _mm512_add_epi8(x, _mm512_set1_epi8(0x76)));
    return _mm512_testn_epi64_mask(large, _mm512_set1_epi8((char)0x80));
}

/* Eight digits a lane, first in the lowest byte, as a number. */
FL_INLINE __m512i eight_digits_lanes(__m512i x)
{
    const __m512i two = _mm512_maddubs_epi16(x, _mm512_set1_epi16(0x010A));      /* 10, 1 */
    const __m512i four = _mm512_madd_epi16(two, _mm512_set1_epi32(0x00010064));  /* 100, 1 */
    const __m512i high = _mm512_mul_epu32(four, _mm512_set1_epi64(10000));
    return _mm512_add_epi64(high, _mm512_srli_epi64(four, 32));
}

#define FL_LANES_DASH _mm512_set1_epi64(INT64_C(0x1D) << 56) /* ('-' ^ '0') alone at the upper end */

/*
 * Bitmaps are written eight rows at a time; on a little-endian machine byte i of a bitmap is rows 8i to
 * 8i + 7.  The words are cleared first so that unused bits are 0.
 */
FL_INLINE void map_clear(uint64_t *map, size_t rows)
{
    for (size_t w = 0; w < fl_bit_words(rows); w++) map[w] = 0;
}

#define FL_HAVE_DIGITS8 1
static int FL_KERNEL(digits8)(const fl_rows *rows, size_t field, uint32_t max, uint32_t *out, uint64_t *valid,
                              uint64_t *todo)
{
    const __m256i step = row_steps(rows->stride);
    const __m512i limit = _mm512_set1_epi64((int64_t)max), eight = _mm512_set1_epi64(8);
    uint8_t *good = (uint8_t *)valid, *odd = (uint8_t *)todo;
    uint32_t any = 0;
    map_clear(valid, rows->rows);
    map_clear(todo, rows->rows);
    for (size_t r = 0; r < rows->rows; r += 8) {
        const __mmask8 lanes = lanes_left(rows->rows - r);
        const fl_eight e = load_eight(rows, r, field, step, lanes);
        const __m512i len = _mm512_sub_epi64(e.end, e.start);
        const __m512i x = top_digits(e.bytes, len), v = eight_digits_lanes(x);
        const __mmask8 ok = _mm512_mask_cmple_epu64_mask(lanes, len, eight) & lanes_all_digits(x) &
                            _mm512_cmple_epu64_mask(v, limit);
        const __mmask8 dash = _mm512_mask_cmpeq_epi64_mask(lanes, x, FL_LANES_DASH) &
                              _mm512_cmpeq_epi64_mask(len, _mm512_set1_epi64(1));
        const uint32_t bad = (uint32_t)(lanes & ~(ok | dash)) & 0xFF;
        good[r / 8] = (uint8_t)ok;
        odd[r / 8] = (uint8_t)bad;
        any |= bad;
        const __m256i narrow = _mm512_maskz_cvtepi64_epi32(ok, v);
        if (FL_LIKELY(lanes == 0xFF)) _mm256_storeu_si256((__m256i *)(void *)(out + r), narrow);
        else _mm256_mask_storeu_epi32(out + r, lanes, narrow);
    }
    return any != 0;
}

#define FL_HAVE_DIGITS16 1
static int FL_KERNEL(digits16)(const fl_rows *rows, size_t field, uint64_t max, uint64_t *out, uint64_t *valid,
                               uint64_t *todo)
{
    const __m256i step = row_steps(rows->stride);
    const __m512i limit = _mm512_set1_epi64((int64_t)max), eight = _mm512_set1_epi64(8);
    const __m512i zeros = _mm512_set1_epi8('0');
    uint8_t *good = (uint8_t *)valid, *odd = (uint8_t *)todo;
    uint32_t any = 0;
    map_clear(valid, rows->rows);
    map_clear(todo, rows->rows);
    for (size_t r = 0; r < rows->rows; r += 8) {
        const __mmask8 lanes = lanes_left(rows->rows - r);
        const fl_eight e = load_eight(rows, r, field, step, lanes);
        const __m512i len = _mm512_sub_epi64(e.end, e.start);
        const __mmask8 wide = _mm512_mask_cmpgt_epu64_mask(lanes, len, eight);
        __m512i x = top_digits(e.bytes, len), v;
        __mmask8 digits, fits = lanes;
        if (wide) { /* the last eight bytes of the longer tokens, and what is before them */
            const __m512i last = _mm512_sub_epi64(e.end, eight);
            const __m512i tail = _mm512_mask_i64gather_epi64(zeros, wide, last, rows->text, 1);
            const __m512i head = _mm512_maskz_mov_epi64(wide, top_digits(e.bytes, _mm512_sub_epi64(len, eight)));
            x = _mm512_mask_xor_epi64(x, wide, tail, zeros);
            v = _mm512_add_epi64(_mm512_mul_epu32(eight_digits_lanes(head), _mm512_set1_epi64(100000000)),
                                 eight_digits_lanes(x));
            digits = lanes_all_digits(x) & lanes_all_digits(head);
            fits = _mm512_cmple_epu64_mask(len, _mm512_set1_epi64(16));
        } else {
            v = eight_digits_lanes(x);
            digits = lanes_all_digits(x);
        }
        const __mmask8 ok = _mm512_mask_cmple_epu64_mask(lanes, v, limit) & digits & fits;
        const __mmask8 dash = _mm512_mask_cmpeq_epi64_mask(lanes, x, FL_LANES_DASH) &
                              _mm512_cmpeq_epi64_mask(len, _mm512_set1_epi64(1));
        const uint32_t bad = (uint32_t)(lanes & ~(ok | dash)) & 0xFF;
        good[r / 8] = (uint8_t)ok;
        odd[r / 8] = (uint8_t)bad;
        any |= bad;
        const __m512i kept = _mm512_maskz_mov_epi64(ok, v);
        if (FL_LIKELY(lanes == 0xFF)) _mm512_storeu_si512(out + r, kept);
        else _mm512_mask_storeu_epi64(out + r, lanes, kept);
    }
    return any != 0;
}

/*
 * Dotted quads, 64 rows at a time, four to a register, a 128-bit lane each.
 *
 * The dots of a lane and the end of its token are its four separators.  Compressing their places gives 16
 * bytes: where each octet of four quads ends; the one before it, or the start of the lane, is where it begins.
 * From these come the places of the last three characters before each separator, as far as they belong to
 * the octet, and one permutation brings them to four bytes of their own, last octet first.
 *
 * A lane without exactly three dots would shift the lanes behind it: it is given four separators anyway,
 * and refused at the end.
 *
 * The work is cut into short loops over all 64 rows, because one long loop body is a chain of some 90 cycles
 * that the processor cannot hold often enough to fill its ports: 6.1 ns a row in one loop, 2.3 so.
 */
enum { QUADS = 64, QUAD_GROUPS = QUADS / 4 };

struct quads {
    __m512i text[QUAD_GROUPS];
    uint64_t dot[QUAD_GROUPS], end[QUAD_GROUPS]; /* a bit for each byte of text */
    uint64_t bad[QUAD_GROUPS];                   /* 16 bits a row, any of them set: not an IPv4 address */
    uint32_t start[QUADS];
    uint8_t len[QUADS]; /* 255: or more */
};

/* Where the tokens are; rows from `left` on get an empty one. */
FL_INLINE void quads_find(struct quads *q, const fl_rows *rows, size_t row, size_t field, __m256i step, size_t left)
{
    for (size_t r = 0; r < QUADS; r += 8) {
        const __mmask8 lanes = r < left ? lanes_left(left - r) : 0;
        const uint32_t *at = rows->at + (row + r) * rows->stride + field;
        const __m512i pair = _mm512_mask_i32gather_epi64(_mm512_set1_epi64(0xFFFFFFFF), lanes, step, at, 4);
        const __m512i start = _mm512_add_epi32(pair, _mm512_set1_epi64(1));
        const __m512i len = _mm512_sub_epi32(_mm512_srli_epi64(pair, 32), start);
        _mm256_storeu_si256((__m256i *)(void *)(q->start + r), _mm512_cvtepi64_epi32(start));
        _mm_storel_epi64((__m128i *)(void *)(q->len + r),
                         _mm512_cvtusepi64_epi8(_mm512_and_si512(len, _mm512_set1_epi64(0xFFFFFFFF))));
    }
}

/* Their text, and the masks of dots and ends within it. */
FL_INLINE void quads_load(struct quads *q, const uint8_t *text, __m512i place)
{
    /* Byte k of four to all bytes of lane k. */
    const __m512i by_lane = _mm512_setr_epi64(0, 0, 0x0101010101010101, 0x0101010101010101, 0x0202020202020202,
                                              0x0202020202020202, 0x0303030303030303, 0x0303030303030303);
    for (size_t g = 0; g < QUAD_GROUPS; g++) {
        const uint32_t *start = q->start + 4 * g;
        const __m512i lens = _mm512_set1_epi32((int)fl_load32(q->len + 4 * g));
        const __m512i len = _mm512_shuffle_epi8(lens, by_lane);
        __m512i b = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)(text + start[0])));
        b = _mm512_inserti32x4(b, _mm_loadu_si128((const __m128i *)(const void *)(text + start[1])), 1);
        b = _mm512_inserti32x4(b, _mm_loadu_si128((const __m128i *)(const void *)(text + start[2])), 2);
        b = _mm512_inserti32x4(b, _mm_loadu_si128((const __m128i *)(const void *)(text + start[3])), 3);
        q->text[g] = b;
        q->end[g] = _mm512_cmpeq_epi8_mask(place, len);
        q->dot[g] = _mm512_mask_cmpeq_epi8_mask(_mm512_cmplt_epu8_mask(place, len), b, _mm512_set1_epi8('.'));
    }
}

/*
 * `bad` where a row has not three dots or no end within 16 bytes; there, `dot` and `end` become four arbitrary
 * separators.  All rows at once: a 16-bit lane each.
 */
FL_INLINE void quads_count(struct quads *q)
{
    const __m512i one = _mm512_set1_epi16(1), two = _mm512_set1_epi8(0x33), four = _mm512_set1_epi8(0x0F);
    for (size_t g = 0; g < QUAD_GROUPS; g += 8) {
        const __m512i dot = _mm512_loadu_si512(q->dot + g), end = _mm512_loadu_si512(q->end + g);
        __m512i n = _mm512_sub_epi8(dot, _mm512_and_si512(_mm512_srli_epi16(dot, 1), _mm512_set1_epi8(0x55)));
        n = _mm512_add_epi8(_mm512_and_si512(n, two), _mm512_and_si512(_mm512_srli_epi16(n, 2), two));
        n = _mm512_and_si512(_mm512_add_epi8(n, _mm512_srli_epi16(n, 4)), four);
        n = _mm512_maddubs_epi16(n, _mm512_set1_epi8(1));
        const __mmask32 ok = _mm512_cmpeq_epi16_mask(n, _mm512_set1_epi16(3)) & _mm512_cmpge_epu16_mask(end, one);
        _mm512_storeu_si512(q->bad + g, _mm512_maskz_set1_epi16(~ok, -1));
        _mm512_storeu_si512(q->dot + g, _mm512_mask_set1_epi16(_mm512_or_si512(dot, end), ~ok, 0x00AA));
    }
}

FL_INLINE void quads_values(struct quads *q, uint32_t *out, __m512i iota, const fl_rows *rows, size_t row)
{
    /* Byte 4k + j of sixteen to the four bytes of octet 3 - j of lane k. */
    const __m512i by_octet = _mm512_setr_epi64(0x0202020203030303, 0x0000000001010101, 0x0606060607070707,
                                               0x0404040405050505, 0x0A0A0A0A0B0B0B0B, 0x0808080809090909,
                                               0x0E0E0E0E0F0F0F0F, 0x0C0C0C0C0D0D0D0D);
    const __m128i before_lane = _mm_set_epi32(47, 31, 15, 0xFF);
    const __m128i reverse = _mm_set_epi32(0x0C0D0E0F, 0x08090A0B, 0x04050607, 0x00010203);
    const __m128i least_of = _mm_set_epi32(0, 0, 0, 0x640A0000); /* by digits: -, 0, 10, 100 */
    for (size_t g = 0; g < QUAD_GROUPS; g++) {
        if (g % 2 == 0) fl_fetch_ahead(rows, row + 4 * g);
        const __m128i ends = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(q->dot[g], iota));
        const __m128i starts = _mm_mask_mov_epi8(_mm_bslli_si128(ends, 1), 0x1111, before_lane);
        const __m128i digits = _mm_sub_epi8(_mm_sub_epi8(ends, starts), _mm_set1_epi8(1));
        const uint32_t uneven = _mm_cmpgt_epu8_mask(_mm_sub_epi8(digits, _mm_set1_epi8(1)), _mm_set1_epi8(2));
        const __m512i from = _mm512_add_epi8(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(ends), by_octet),
                                             _mm512_set1_epi32((int)0xFFFEFDFC)); /* -4, -3, -2, -1 */
        const __m512i after = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(starts), by_octet);
        const uint64_t own = _mm512_cmpgt_epi8_mask(from, after);
        const __m512i characters = _mm512_xor_si512(q->text[g], _mm512_set1_epi8('0'));
        const __m512i values = _mm512_maskz_permutexvar_epi8(own, from, characters);
        const uint64_t letters = _mm512_cmpgt_epu8_mask(values, _mm512_set1_epi8(9));
        const __m512i parts = _mm512_maddubs_epi16(values, _mm512_set1_epi32(0x010A6400)); /* 0, 100, 10, 1 */
        const __m512i octets = _mm512_madd_epi16(parts, _mm512_set1_epi16(1));
        const __m128i bytes = _mm512_cvtepi32_epi8(octets);
        const __m128i least = _mm_shuffle_epi8(least_of, _mm_shuffle_epi8(digits, reverse));
        const uint32_t outside = (uint32_t)_mm512_cmpgt_epi32_mask(octets, _mm512_set1_epi32(255)) |
                                 _mm_cmplt_epu8_mask(bytes, least) | uneven;
        q->bad[g] |= letters | _pdep_u64(outside, UINT64_C(0x000F000F000F000F));
        _mm_storeu_si128((__m128i *)(void *)(out + 4 * g), bytes);
    }
}

#define FL_HAVE_IPV4 1
static int FL_KERNEL(ipv4)(const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid, uint64_t *todo)
{
    const __m512i iota = _mm512_setr_epi64(0x0706050403020100, 0x0F0E0D0C0B0A0908, 0x1716151413121110,
                                           0x1F1E1D1C1B1A1918, 0x2726252423222120, 0x2F2E2D2C2B2A2928,
                                           0x3736353433323130, 0x3F3E3D3C3B3A3938);
    const __m512i place = _mm512_and_si512(iota, _mm512_set1_epi8(15));
    const __m256i step = row_steps(rows->stride);
    const fl_rows r = *rows;
    uint64_t any = 0;
    for (size_t row = 0; row < r.rows; row += QUADS) {
        const size_t left = r.rows - row < QUADS ? r.rows - row : QUADS;
        struct quads q;
        uint32_t values[QUADS];
        quads_find(&q, &r, row, field, step, left);
        quads_load(&q, r.text, place);
        quads_count(&q);
        quads_values(&q, values, iota, &r, row);
        const __m512i all = _mm512_set1_epi16(-1);
        const uint64_t low = _mm512_testn_epi16_mask(_mm512_loadu_si512(q.bad), all);
        const uint64_t high = _mm512_testn_epi16_mask(_mm512_loadu_si512(q.bad + 8), all);
        const uint64_t lanes = fl_low_bits((unsigned)left), ok = lanes & (low | high << 32);
        for (size_t k = 0; k < left; k += 16) {
            const __m512i kept = _mm512_maskz_loadu_epi32((__mmask16)(ok >> k), values + k);
            _mm512_mask_storeu_epi32(out + row + k, (__mmask16)(lanes >> k), kept);
        }
        valid[row / 64] = ok;
        todo[row / 64] = lanes & ~ok;
        any |= lanes & ~ok;
    }
    return any != 0;
}

/*
 * One IPv6 address in registers.  Where groups begin and end is a matter of masks; compressing the places of
 * the ends, and of the beginnings, gives a byte for each group that is not empty.  The places of the last four
 * characters before each end, as far as they belong to the group, bring its digits to four bytes of their own; these
 * fold into 16 bits, and one expansion makes room for "::".
 */
FL_INLINE int ipv6_groups(const uint8_t *p, uint32_t len, uint8_t *out)
{
    const __m512i iota = _mm512_setr_epi64(0x0706050403020100, 0x0F0E0D0C0B0A0908, 0x1716151413121110,
                                           0x1F1E1D1C1B1A1918, 0x2726252423222120, 0x2F2E2D2C2B2A2928,
                                           0x3736353433323130, 0x3F3E3D3C3B3A3938);
    const __m256i by_group = _mm256_setr_epi64x(0x0101010100000000, 0x0303030302020202, 0x0505050504040404,
                                                0x0707070706060606);
    const uint64_t inside = _bzhi_u64(~UINT64_C(0), len);
    const __m512i text = _mm512_maskz_loadu_epi8(inside, p);
    const __m512i letter = _mm512_sub_epi8(_mm512_or_si512(text, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
    const __m512i digit = _mm512_sub_epi8(text, _mm512_set1_epi8('0'));
    const uint64_t letters = _mm512_mask_cmplt_epu8_mask(inside, letter, _mm512_set1_epi8(6));
    const uint64_t hex = letters | _mm512_mask_cmplt_epu8_mask(inside, digit, _mm512_set1_epi8(10));
    const uint64_t colon = _mm512_mask_cmpeq_epi8_mask(inside, text, _mm512_set1_epi8(':'));
    const __m512i nibble = _mm512_mask_add_epi8(digit, letters, letter, _mm512_set1_epi8(10));

    const uint64_t gap = colon & colon >> 1; /* the first colon of each "::" */
    const uint64_t ends = ~hex & hex << 1, begins = hex & ~(hex << 1);
    const uint64_t five = hex & hex >> 1 & hex >> 2 & hex >> 3 & hex >> 4;
    const uint32_t groups = popcount(ends), before = popcount(ends & (gap ^ (gap - 1)));
    const uint64_t first = colon & 1, last = colon >> (len - 1) & 1;
    if ((hex | colon) != inside || five || (gap & (gap - 1)) || groups > (gap ? 7u : 8u) || (!gap && groups != 8) ||
        (first && !(gap & 1)) || (last && !(gap >> (len - 2) & 1)))
        return 0;

    const __m128i end = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(ends, iota));
    const __m128i begin = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(begins, iota));
    const __m256i from = _mm256_add_epi8(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(end), by_group),
                                         _mm256_set1_epi32((int)0xFFFEFDFC)); /* -4, -3, -2, -1 */
    const __m256i least = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(begin), by_group);
    const __mmask32 own = _mm256_cmpge_epi8_mask(from, least) & _bzhi_u32(0xFFFFFFFF, 4 * groups);
    const __m512i digits = _mm512_maskz_permutexvar_epi8(own, _mm512_castsi256_si512(from), nibble);
    const __m256i bytes = _mm256_maddubs_epi16(_mm512_castsi512_si256(digits), _mm256_set1_epi16(0x0110)); /* 16, 1 */
    const uint32_t after = groups - before;
    const __mmask16 room =
        (__mmask16)(gap ? _bzhi_u32(0xFFFF, 2 * before) | ~_bzhi_u32(0xFFFF, 16 - 2 * after) : 0xFFFF);
    _mm_storeu_si128((__m128i *)(void *)out, _mm_maskz_expand_epi8(room, _mm256_cvtepi16_epi8(bytes)));
    return 1;
}

#define FL_HAVE_IPV6 1
static int FL_KERNEL(ipv6)(const fl_rows *rows, size_t field, uint8_t (*out)[16], uint8_t *family,
                           uint64_t *valid, uint64_t *todo)
{
    uint64_t any = 0;
    for (size_t w = 0; w < fl_bit_words(rows->rows); w++) {
        uint64_t done = 0;
        for (uint64_t left = todo[w]; left; left &= left - 1) {
            const unsigned k = lowest(left);
            const size_t r = w * 64 + k;
            const uint32_t *at = rows->at + r * rows->stride + field;
            const uint32_t start = at[0] + 1, len = at[1] - start;
            if (len < 2 || len > 39 || !ipv6_groups(rows->text + start, len, out[r])) continue;
            family[r] = 6;
            done |= UINT64_C(1) << k;
        }
        valid[w] |= done;
        todo[w] &= ~done;
        any |= todo[w];
    }
    return any != 0;
}

#define FL_HAVE_SPANS 1
static void FL_KERNEL(spans)(const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid)
{
    const __m256i step = row_steps(rows->stride);
    const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi64(1);
    uint8_t *good = (uint8_t *)valid;
    map_clear(valid, rows->rows);
    for (size_t r = 0; r < rows->rows; r += 8) {
        const __mmask8 lanes = lanes_left(rows->rows - r);
        const uint32_t *at = rows->at + r * rows->stride + field;
        const __m512i pair = _mm512_mask_i32gather_epi64(zero, lanes, step, at, 4);
        fl_fetch_ahead(rows, r);
        const __m512i start = _mm512_and_si512(_mm512_add_epi64(pair, one), _mm512_set1_epi64(0xFFFFFFFF));
        const __m512i len = _mm512_sub_epi64(_mm512_srli_epi64(pair, 32), start);
        __mmask8 ok = lanes;
        const __mmask8 single = _mm512_mask_cmpeq_epi64_mask(lanes, len, one);
        if (single) {
            const __m512i bytes = _mm512_mask_i64gather_epi64(zero, single, start, rows->text, 1);
            const __m512i first = _mm512_and_si512(bytes, _mm512_set1_epi64(0xFF));
            ok &= (__mmask8)~_mm512_mask_cmpeq_epi64_mask(single, first, _mm512_set1_epi64('-'));
        }
        const __m512i span = _mm512_maskz_or_epi64(ok, start, _mm512_slli_epi64(len, 32));
        good[r / 8] = (uint8_t)ok;
        if (FL_LIKELY(lanes == 0xFF)) _mm512_storeu_si512(out + 2 * r, span);
        else _mm512_mask_storeu_epi64(out + 2 * r, lanes, span);
    }
}

#define FL_HAVE_TOKENS8 1
static int FL_KERNEL(tokens8)(const fl_rows *rows, size_t field, const fl_token *known, size_t count, uint8_t *out,
                              uint64_t *valid, uint64_t *todo)
{
    const __m256i step = row_steps(rows->stride);
    uint8_t *good = (uint8_t *)valid, *odd = (uint8_t *)todo;
    uint32_t any = 0;
    map_clear(valid, rows->rows);
    map_clear(todo, rows->rows);
    for (size_t r = 0; r < rows->rows; r += 8) {
        const __mmask8 lanes = lanes_left(rows->rows - r);
        const fl_eight e = load_eight(rows, r, field, step, lanes);
        const __m512i len = _mm512_sub_epi64(e.end, e.start);
        const __m512i shift = _mm512_sub_epi64(_mm512_set1_epi64(64), _mm512_slli_epi64(len, 3));
        const __m512i x = _mm512_srlv_epi64(_mm512_sllv_epi64(e.bytes, shift), shift);
        const __mmask8 fits = _mm512_mask_cmple_epu64_mask(lanes, len, _mm512_set1_epi64(8));
        __m512i code = _mm512_setzero_si512();
        __mmask8 found = 0;
        for (size_t k = 0; k < count; k++) {
            const __m512i token = _mm512_set1_epi64((int64_t)known[k].bytes);
            const __mmask8 equal = _mm512_mask_cmpeq_epi64_mask(fits, x, token);
            code = _mm512_mask_mov_epi64(code, equal, _mm512_set1_epi64((int64_t)known[k].code));
            found |= equal;
        }
        const __mmask8 dash = _mm512_mask_cmpeq_epi64_mask(fits, x, _mm512_set1_epi64('-'));
        const uint32_t bad = (uint32_t)(lanes & ~(found | dash)) & 0xFF;
        good[r / 8] = (uint8_t)found;
        odd[r / 8] = (uint8_t)bad;
        any |= bad;
        _mm_mask_storeu_epi8(out + r, lanes, _mm512_cvtepi64_epi8(code));
    }
    return any != 0;
}

#include "simd/kernels_tpl.h"

const fl_kernels flowlog__kernels_avx512 = {
    .name = "avx512",
    .needs = FL_CPU_SSE42 | FL_CPU_AVX2 | FL_CPU_AVX512 | FL_CPU_PCLMUL,
    FL_KERNELS(FL_KERNEL_ENTRY)};

FL_TARGET_END
#else
typedef int fl_not_this_architecture; /* ISO C forbids an empty translation unit */
#endif
