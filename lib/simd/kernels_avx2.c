/* SPDX-License-Identifier: MIT */
/*
 * kernels_avx2.c - AVX2 with BMI1 and BMI2; see kernels.h for the contract.
 *
 * Numbers are done four rows at a time, a 64-bit lane each.  The last one to three rows repeat their last row
 * in the lanes that are left over.
 */
#include "simd/kernels.h"

#if FL_ARCH_X86_64
#include <immintrin.h>
#include <string.h>

#include "core/bytes.h"

FL_TARGET_BEGIN("avx2,bmi,bmi2,lzcnt,popcnt")

#include "simd/vocab_x86.h"

#define FL_KERNEL(name) avx2_##name

typedef struct {
    __m256i low, high;
} fl_block;

FL_INLINE fl_block block_load(const uint8_t *p)
{
    return (fl_block){_mm256_loadu_si256((const __m256i *)(const void *)p),
                      _mm256_loadu_si256((const __m256i *)(const void *)(p + 32))};
}

FL_INLINE uint64_t block_mask(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

FL_INLINE uint64_t block_eq(fl_block b, char c)
{
    const __m256i k = _mm256_set1_epi8(c);
    return block_mask(_mm256_cmpeq_epi8(b.low, k), _mm256_cmpeq_epi8(b.high, k));
}

FL_INLINE __m256i ends32(__m256i v)
{
    const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x20)), v);
    return _mm256_or_si256(low, _mm256_cmpeq_epi8(v, _mm256_set1_epi8(0x7F)));
}

FL_INLINE uint32_t popcount(uint64_t m) { return (uint32_t)_mm_popcnt_u64(m); }

/*
 * Eight places at a time, as a table has them for the eight bits of a mask: as many steps for every block, whatever
 * is in it, so nothing depends on a guess.
 */
FL_INLINE uint32_t *write_places(uint32_t *out, uint32_t base, uint64_t ends)
{
    const __m256i eight = _mm256_set1_epi32(8);
    __m256i first = _mm256_set1_epi32((int)base);
    for (int k = 0; k < 8; k++, ends >>= 8) {
        const __m128i places = _mm_loadl_epi64((const __m128i *)(const void *)flowlog__bit_places[ends & 0xFF]);
        _mm256_storeu_si256((__m256i *)(void *)out, _mm256_add_epi32(first, _mm256_cvtepu8_epi32(places)));
        first = _mm256_add_epi32(first, eight);
        out += popcount(ends & 0xFF);
    }
    return out;
}

/* Newlines as all-ones bytes are counted down in bytes, which hold so many blocks. */
#define BLOCKS_A_SUM 127

#define FL_HAVE_SCAN_ENDS 1
static size_t FL_KERNEL(scan_ends)(const uint8_t *p, size_t n, uint32_t *out, fl_scan *scan)
{
    const __m256i newline = _mm256_set1_epi8('\n'), blank = _mm256_set1_epi8(' '), zero = _mm256_setzero_si256();
    __m256i strange = zero, newlines = zero;
    uint32_t *next = out;
    uint64_t carry = 1, adjacent = 0;
    for (size_t i = 0; i < n;) {
        __m256i count = zero;
        for (int block = 0; block < BLOCKS_A_SUM && i < n; block++, i += 64) {
            uint8_t tail[64];
            const uint8_t *q = p + i;
            if (n - i < 64) {
                memset(tail, 'x', sizeof tail);
                memcpy(tail, q, n - i);
                q = tail;
            }
            const fl_block b = block_load(q);
            const __m256i low = ends32(b.low), high = ends32(b.high);
            const __m256i low_line = _mm256_cmpeq_epi8(b.low, newline), high_line = _mm256_cmpeq_epi8(b.high, newline);
            const __m256i low_plain = _mm256_or_si256(low_line, _mm256_cmpeq_epi8(b.low, blank)),
                          high_plain = _mm256_or_si256(high_line, _mm256_cmpeq_epi8(b.high, blank));
            const uint64_t ends = block_mask(low, high);
            strange = _mm256_or_si256(strange, _mm256_or_si256(_mm256_andnot_si256(low_plain, low),
                                                               _mm256_andnot_si256(high_plain, high)));
            count = _mm256_sub_epi8(count, _mm256_add_epi8(low_line, high_line));
            adjacent |= ends & (ends << 1 | carry);
            carry = ends >> 63;
            next = write_places(next, (uint32_t)i, ends);
        }
        newlines = _mm256_add_epi64(newlines, _mm256_sad_epu8(count, zero));
    }
    uint64_t sums[4];
    _mm256_storeu_si256((__m256i *)(void *)sums, newlines);
    *scan = (fl_scan){(size_t)(sums[0] + sums[1] + sums[2] + sums[3]), adjacent != 0,
                      !_mm256_testz_si256(strange, strange)};
    return (size_t)(next - out);
}

/* Four rows of a column; lanes from `left` on repeat the last row. */
typedef struct {
    __m256i start, end, len, bytes;
} fl_four;

FL_INLINE fl_four load_four(const fl_rows *rows, size_t row, size_t field, size_t left)
{
    const uint32_t *at = rows->at + row * rows->stride + field;
    const size_t one = left > 1 ? rows->stride : 0, two = left > 2 ? one + one : one,
                 three = left > 3 ? two + one : two;
    const uint8_t *t = rows->text;
    if (row % 8 == 0) fl_fetch_ahead(rows, row);
    const uint32_t s0 = at[0] + 1, s1 = at[one] + 1, s2 = at[two] + 1, s3 = at[three] + 1;
    fl_four f;
    f.start = _mm256_cvtepu32_epi64(_mm_setr_epi32((int)s0, (int)s1, (int)s2, (int)s3));
    f.end = _mm256_cvtepu32_epi64(_mm_setr_epi32((int)at[1], (int)at[one + 1], (int)at[two + 1], (int)at[three + 1]));
    f.len = _mm256_sub_epi64(f.end, f.start);
    f.bytes = _mm256_setr_epi64x((int64_t)fl_load64(t + s0), (int64_t)fl_load64(t + s1), (int64_t)fl_load64(t + s2),
                                 (int64_t)fl_load64(t + s3));
    return f;
}

/* Stores of the first `left` lanes. */
FL_INLINE void store_u32(uint32_t *out, __m128i v, size_t left)
{
    if (left >= 4) _mm_storeu_si128((__m128i *)(void *)out, v);
    else
        _mm_maskstore_epi32((int *)(void *)out,
                            _mm_cmpgt_epi32(_mm_set1_epi32((int)left), _mm_setr_epi32(0, 1, 2, 3)), v);
}

FL_INLINE void store_u64(uint64_t *out, __m256i v, size_t left)
{
    const __m256i keep = _mm256_cmpgt_epi64(_mm256_set1_epi64x((int64_t)left), _mm256_setr_epi64x(0, 1, 2, 3));
    if (left >= 4) _mm256_storeu_si256((__m256i *)(void *)out, v);
    else _mm256_maskstore_epi64((long long *)(void *)out, keep, v);
}

/* A bit for each lane that is all ones, or negative. */
FL_INLINE uint64_t lane_bits(__m256i v) { return (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(v)); }

/* The characters of tokens of `len` <= 8 at the upper end of their lanes, minus '0', zeros below. */
FL_INLINE __m256i top_digits(__m256i bytes, __m256i len)
{
    const __m256i shift = _mm256_sub_epi64(_mm256_set1_epi64x(64), _mm256_slli_epi64(len, 3));
    return _mm256_sllv_epi64(_mm256_xor_si256(bytes, _mm256_set1_epi8('0')), shift);
}

/* All ones in lanes whose bytes are at most 9. */
FL_INLINE __m256i lanes_all_digits(__m256i x)
{
    const __m256i nine = _mm256_set1_epi8(9);
    const __m256i small = _mm256_cmpeq_epi8(_mm256_max_epu8(x, nine), nine);
    return _mm256_cmpeq_epi64(small, _mm256_set1_epi64x(-1));
}

/* Eight digits a lane, first in the lowest byte, as a number. */
FL_INLINE __m256i eight_digits_lanes(__m256i x)
{
    const __m256i two = _mm256_maddubs_epi16(x, _mm256_set1_epi16(0x010A));     /* 10, 1 */
    const __m256i four = _mm256_madd_epi16(two, _mm256_set1_epi32(0x00010064)); /* 100, 1 */
    const __m256i high = _mm256_mul_epu32(four, _mm256_set1_epi64x(10000));
    return _mm256_add_epi64(high, _mm256_srli_epi64(four, 32));
}

/* All ones in lanes where a > b, for values below 2^63. */
FL_INLINE __m256i above(__m256i a, __m256i b) { return _mm256_cmpgt_epi64(a, b); }

FL_INLINE __m256i is_dash(__m256i top, __m256i len)
{
    const __m256i dash = _mm256_cmpeq_epi64(top, _mm256_set1_epi64x(INT64_C(0x1D) << 56)); /* '-' ^ '0' */
    return _mm256_and_si256(dash, _mm256_cmpeq_epi64(len, _mm256_set1_epi64x(1)));
}

#define FL_HAVE_DIGITS8 1
static int FL_KERNEL(digits8)(const fl_rows *rows, size_t field, uint32_t max, uint32_t *out,
                              uint64_t *valid, uint64_t *todo)
{
    const fl_rows r = *rows;
    const __m256i limit = _mm256_set1_epi64x((int64_t)max), eight = _mm256_set1_epi64x(8);
    uint64_t any = 0;
    for (size_t first = 0; first < r.rows; first += 64) {
        uint64_t good = 0, odd = 0;
        const size_t stop = r.rows - first < 64 ? r.rows : first + 64;
        for (size_t row = first; row < stop; row += 4) {
            const fl_four f = load_four(&r, row, field, stop - row);
            const __m256i x = top_digits(f.bytes, f.len), v = eight_digits_lanes(x);
            const __m256i off = _mm256_or_si256(above(f.len, eight), above(v, limit));
            const __m256i ok = _mm256_andnot_si256(off, lanes_all_digits(x));
            const __m256i kept = _mm256_permutevar8x32_epi32(_mm256_and_si256(v, ok),
                                                             _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
            good |= lane_bits(ok) << (row & 63);
            odd |= (lane_bits(_mm256_or_si256(ok, is_dash(x, f.len))) ^ 15) << (row & 63);
            store_u32(out + row, _mm256_castsi256_si128(kept), stop - row);
        }
        const uint64_t lanes = fl_low_bits((unsigned)(stop - first));
        valid[first / 64] = good & lanes;
        todo[first / 64] = odd & lanes;
        any |= odd & lanes;
    }
    return any != 0;
}

#define FL_HAVE_DIGITS16 1
static int FL_KERNEL(digits16)(const fl_rows *rows, size_t field, uint64_t max, uint64_t *out,
                               uint64_t *valid, uint64_t *todo)
{
    const fl_rows r = *rows;
    const __m256i eight = _mm256_set1_epi64x(8), zeros = _mm256_set1_epi8('0');
    /* No value of sixteen digits is above 2^63: a larger limit is none. */
    const __m256i limit = _mm256_set1_epi64x(max > INT64_MAX ? INT64_MAX : (int64_t)max);
    uint64_t any = 0;
    for (size_t first = 0; first < r.rows; first += 64) {
        uint64_t good = 0, odd = 0;
        const size_t stop = r.rows - first < 64 ? r.rows : first + 64;
        for (size_t row = first; row < stop; row += 4) {
            const fl_four f = load_four(&r, row, field, stop - row);
            const __m256i wide = above(f.len, eight);
            __m256i x = top_digits(f.bytes, f.len), v, ok = lanes_all_digits(x), off = _mm256_setzero_si256();
            if (_mm256_testz_si256(wide, wide)) {
                v = eight_digits_lanes(x);
            } else { /* the last eight bytes of the longer tokens, and what is before them */
                const __m256i last = _mm256_sub_epi64(f.end, eight);
                const __m256i tail = _mm256_mask_i64gather_epi64(zeros, (const long long *)(const void *)r.text, last,
                                                                 wide, 1);
                const __m256i head = _mm256_and_si256(top_digits(f.bytes, _mm256_sub_epi64(f.len, eight)), wide);
                x = _mm256_blendv_epi8(x, _mm256_xor_si256(tail, zeros), wide);
                v = _mm256_add_epi64(_mm256_mul_epu32(eight_digits_lanes(head), _mm256_set1_epi64x(100000000)),
                                     eight_digits_lanes(x));
                ok = _mm256_and_si256(lanes_all_digits(x), lanes_all_digits(head));
                off = above(f.len, _mm256_set1_epi64x(16));
            }
            ok = _mm256_andnot_si256(_mm256_or_si256(off, above(v, limit)), ok);
            const __m256i kept = _mm256_and_si256(v, ok);
            good |= lane_bits(ok) << (row & 63);
            odd |= (lane_bits(_mm256_or_si256(ok, is_dash(x, f.len))) ^ 15) << (row & 63);
            store_u64(out + row, kept, stop - row);
        }
        const uint64_t lanes = fl_low_bits((unsigned)(stop - first));
        valid[first / 64] = good & lanes;
        todo[first / 64] = odd & lanes;
        any |= odd & lanes;
    }
    return any != 0;
}

#include "simd/kernels_tpl.h"

const fl_kernels flowlog__kernels_avx2 = {
    .name = "avx2",
    .needs = FL_CPU_SSE42 | FL_CPU_AVX2 | FL_CPU_PCLMUL,
    FL_KERNELS(FL_KERNEL_ENTRY)};

FL_TARGET_END
#else
typedef int fl_not_this_architecture; /* ISO C forbids an empty translation unit */
#endif
