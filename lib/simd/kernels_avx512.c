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

#include "simd/tables.h"

typedef __m512i fl_block;

FL_INLINE fl_block block_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
FL_INLINE uint64_t block_eq(fl_block b, char c) { return _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8(c)); }
FL_INLINE uint64_t block_ends(fl_block b)
{
    return _mm512_cmple_epu8_mask(b, _mm512_set1_epi8(0x20)) | block_eq(b, 0x7F);
}
FL_INLINE uint32_t popcount(uint64_t m) { return (uint32_t)_mm_popcnt_u64(m); }

#define FL_HAVE_SCAN_ENDS 1
static size_t scan_ends(const uint8_t *p, size_t n, uint32_t *out, fl_scan *scan)
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
static int digits8(const fl_rows *rows, size_t field, uint32_t max, uint32_t *out, uint64_t *valid,
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
static int digits16(const fl_rows *rows, size_t field, uint64_t max, uint64_t *out, uint64_t *valid,
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
            v = _mm512_add_epi64(_mm512_mullo_epi64(eight_digits_lanes(head), _mm512_set1_epi64(100000000)),
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
 * Four dotted quads at a time, a 128-bit lane each; the idea is that of vocab_x86.h.  A token's sixteen
 * bytes may reach beyond its end: `inside` has its bytes only.
 */
FL_INLINE uint32_t four_quads(const uint8_t *text, const uint32_t *at, size_t stride, uint32_t *out)
{
    __m512i b, places;
    __m128i least = _mm_setzero_si128();
    const uint32_t s0 = at[0] + 1, s1 = at[stride] + 1, s2 = at[2 * stride] + 1, s3 = at[3 * stride] + 1;
    const uint32_t n0 = at[1] - s0, n1 = at[stride + 1] - s1, n2 = at[2 * stride + 1] - s2,
                   n3 = at[3 * stride + 1] - s3;
    b = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)(text + s0)));
    b = _mm512_inserti32x4(b, _mm_loadu_si128((const __m128i *)(const void *)(text + s1)), 1);
    b = _mm512_inserti32x4(b, _mm_loadu_si128((const __m128i *)(const void *)(text + s2)), 2);
    b = _mm512_inserti32x4(b, _mm_loadu_si128((const __m128i *)(const void *)(text + s3)), 3);
    b = _mm512_xor_si512(b, _mm512_set1_epi8('0'));
    const uint64_t dot = _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8('.' ^ '0'));
    const uint64_t other = _mm512_cmpgt_epu8_mask(b, _mm512_set1_epi8(9));
    const uint32_t e0 = 1u << (n0 & 15), e1 = 1u << (n1 & 15), e2 = 1u << (n2 & 15), e3 = 1u << (n3 & 15);
    const uint64_t inside =
        (uint64_t)(e0 - 1) | (uint64_t)(e1 - 1) << 16 | (uint64_t)(e2 - 1) << 32 | (uint64_t)(e3 - 1) << 48;
    const uint64_t dots = dot & inside, wrong = (other & inside) ^ dots;
    const uint32_t m0 = ((uint32_t)dots & 0xFFFF) | e0, m1 = ((uint32_t)(dots >> 16) & 0xFFFF) | e1,
                   m2 = ((uint32_t)(dots >> 32) & 0xFFFF) | e2, m3 = (uint32_t)(dots >> 48) | e3;
    const struct fl_ipv4_shape *h0 = &flowlog__ipv4_shapes[m0 * FL_IPV4_HASH >> 24],
                               *h1 = &flowlog__ipv4_shapes[m1 * FL_IPV4_HASH >> 24],
                               *h2 = &flowlog__ipv4_shapes[m2 * FL_IPV4_HASH >> 24],
                               *h3 = &flowlog__ipv4_shapes[m3 * FL_IPV4_HASH >> 24];
    places = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)h0->shuffle));
    places = _mm512_inserti32x4(places, _mm_loadu_si128((const __m128i *)(const void *)h1->shuffle), 1);
    places = _mm512_inserti32x4(places, _mm_loadu_si128((const __m128i *)(const void *)h2->shuffle), 2);
    places = _mm512_inserti32x4(places, _mm_loadu_si128((const __m128i *)(const void *)h3->shuffle), 3);
    least = _mm_setr_epi32((int)fl_load32(h0->least), (int)fl_load32(h1->least), (int)fl_load32(h2->least),
                           (int)fl_load32(h3->least));
    const __m512i parts = _mm512_maddubs_epi16(_mm512_shuffle_epi8(b, places), _mm512_set1_epi32(0x010A6400));
    const __m512i octets = _mm512_madd_epi16(parts, _mm512_set1_epi16(1));
    const __m128i bytes = _mm512_cvtepi32_epi8(octets);
    const uint32_t large = _mm512_cmpgt_epi32_mask(octets, _mm512_set1_epi32(255));
    const uint32_t small = _mm_cmplt_epu8_mask(bytes, least);
    const uint64_t bad = wrong | _pdep_u64(large | small, UINT64_C(0x000F000F000F000F));
    const uint32_t ok0 = (uint32_t)(((bad & 0xFFFF) == 0) & (h0->mask == m0) & (n0 <= 15)),
                   ok1 = (uint32_t)(((bad >> 16 & 0xFFFF) == 0) & (h1->mask == m1) & (n1 <= 15)),
                   ok2 = (uint32_t)(((bad >> 32 & 0xFFFF) == 0) & (h2->mask == m2) & (n2 <= 15)),
                   ok3 = (uint32_t)(((bad >> 48) == 0) & (h3->mask == m3) & (n3 <= 15));
    const uint32_t ok = ok0 | ok1 << 1 | ok2 << 2 | ok3 << 3;
    _mm_storeu_si128((__m128i *)(void *)out, _mm_maskz_mov_epi32((__mmask8)ok, bytes));
    return ok;
}

#define FL_HAVE_IPV4 1
static int ipv4(const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid, uint64_t *todo)
{
    uint64_t any = 0;
    for (size_t r = 0; r < rows->rows;) {
        uint64_t good = 0;
        const size_t first = r, stop = rows->rows - r < 64 ? rows->rows : r + 64;
        for (; r + 4 <= stop; r += 4) {
            const uint32_t *at = rows->at + r * rows->stride + field;
            good |= (uint64_t)four_quads(rows->text, at, rows->stride, out + r) << (r - first);
        }
        if (r < stop) { /* the last one to three rows, the first of them repeated */
            uint32_t places[4][2], values[4];
            for (size_t k = 0; k < 4; k++) {
                const size_t row = r + k < stop ? r + k : r;
                const uint32_t *at = rows->at + row * rows->stride + field;
                places[k][0] = at[0];
                places[k][1] = at[1];
            }
            const uint64_t ok = four_quads(rows->text, places[0], 2, values);
            good |= (ok & fl_low_bits((unsigned)(stop - r))) << (r - first);
            for (size_t k = 0; r < stop; r++, k++) out[r] = values[k];
        }
        valid[first / 64] = good;
        todo[first / 64] = ~good & fl_low_bits((unsigned)(stop - first));
        any |= todo[first / 64];
    }
    return any != 0;
}

#define FL_HAVE_SPANS 1
static void spans(const fl_rows *rows, size_t field, uint32_t *out, uint64_t *valid)
{
    const __m256i step = row_steps(rows->stride);
    const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi64(1);
    uint8_t *good = (uint8_t *)valid;
    map_clear(valid, rows->rows);
    for (size_t r = 0; r < rows->rows; r += 8) {
        const __mmask8 lanes = lanes_left(rows->rows - r);
        const uint32_t *at = rows->at + r * rows->stride + field;
        const __m512i pair = _mm512_mask_i32gather_epi64(zero, lanes, step, at, 4);
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
static int tokens8(const fl_rows *rows, size_t field, const fl_token *known, size_t count, uint8_t *out,
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
    .needs = FL_CPU_SSE42 | FL_CPU_AVX2 | FL_CPU_AVX512,
    FL_KERNELS(FL_KERNEL_ENTRY)};

FL_TARGET_END
#else
typedef int fl_not_this_architecture; /* ISO C forbids an empty translation unit */
#endif
