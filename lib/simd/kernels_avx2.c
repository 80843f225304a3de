/* SPDX-License-Identifier: MIT */
/* kernels_avx2.c - AVX2 with BMI1 and BMI2; see kernels.h for the contract. */
#include "simd/kernels.h"

#if FL_ARCH_X86_64
#include <immintrin.h>

#include "core/bytes.h"

FL_TARGET_BEGIN("avx2,bmi,bmi2,lzcnt,popcnt")

#include "simd/vocab_x86.h"

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

FL_INLINE uint64_t block_ends(fl_block b) { return block_mask(ends32(b.low), ends32(b.high)); }
FL_INLINE uint32_t lowest(uint64_t m) { return (uint32_t)_tzcnt_u64(m); }
FL_INLINE uint32_t popcount(uint64_t m) { return (uint32_t)_mm_popcnt_u64(m); }

#include "simd/kernels_tpl.h"

const fl_kernels flowlog__kernels_avx2 = {
    .name = "avx2",
    .needs = FL_CPU_SSE42 | FL_CPU_AVX2,
    FL_KERNELS(FL_KERNEL_ENTRY)};

FL_TARGET_END
#else
typedef int fl_not_this_architecture; /* ISO C forbids an empty translation unit */
#endif
