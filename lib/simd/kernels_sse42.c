/* SPDX-License-Identifier: MIT */
/* kernels_sse42.c - the level of every x86-64 processor since 2008; see kernels.h for the contract. */
#include "simd/kernels.h"

#if FL_ARCH_X86_64
#include <immintrin.h>

#include "core/bytes.h"

FL_TARGET_BEGIN("sse4.2,popcnt")

#include "simd/vocab_x86.h"

#define FL_KERNEL(name) sse42_##name

typedef struct {
    __m128i v[4];
} fl_block;

FL_INLINE fl_block block_load(const uint8_t *p)
{
    fl_block b;
    for (int i = 0; i < 4; i++) b.v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
    return b;
}

FL_INLINE uint64_t block_eq(fl_block b, char c)
{
    uint64_t m = 0;
    for (int i = 0; i < 4; i++)
        m |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b.v[i], _mm_set1_epi8(c))) << (16 * i);
    return m;
}

FL_INLINE uint64_t block_ends(fl_block b)
{
    const __m128i blank = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7F);
    uint64_t m = 0;
    for (int i = 0; i < 4; i++) {
        const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(b.v[i], blank), b.v[i]);
        const __m128i end = _mm_or_si128(low, _mm_cmpeq_epi8(b.v[i], del));
        m |= (uint64_t)(uint32_t)_mm_movemask_epi8(end) << (16 * i);
    }
    return m;
}

FL_INLINE uint32_t lowest(uint64_t m) { return fl_ctz64(m | UINT64_C(1) << 63); }
FL_INLINE uint32_t popcount(uint64_t m) { return (uint32_t)_mm_popcnt_u64(m); }

#include "simd/kernels_tpl.h"

const fl_kernels flowlog__kernels_sse42 = {
    .name = "sse42",
    .needs = FL_CPU_SSE42,
    FL_KERNELS(FL_KERNEL_ENTRY)};

FL_TARGET_END
#else
typedef int fl_not_this_architecture; /* ISO C forbids an empty translation unit */
#endif
