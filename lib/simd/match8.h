/* SPDX-License-Identifier: MIT */
/*
 * simd/match8.h - which of eight 32-bit words equals another, and how many are used, with what every processor of the
 * kind has (SSE2, NEON): inline in a hash table's inner loop, where a call through the kernel table would cost more
 * than the work.  Compilers do not find this form by themselves: at -O3 gcc 12 makes it four times slower.
 */
#ifndef FL_SIMD_MATCH8_H
#define FL_SIMD_MATCH8_H

#include <stdint.h>

#include "core/compiler.h"

#if FL_ARCH_X86_64
#include <emmintrin.h>
#elif FL_ARCH_ARM64
#include <arm_neon.h>
#endif

/* The bitwise or of value[i] over all i with key[i] == wanted; both arrays have 8 words, aligned to 16 bytes. */
FL_INLINE uint32_t fl_match8(const uint32_t *key, const uint32_t *value, uint32_t wanted)
{
#if FL_ARCH_X86_64
    const __m128i w = _mm_set1_epi32((int)wanted);
    const __m128i *k = (const __m128i *)(const void *)key, *v = (const __m128i *)(const void *)value;
    const __m128i a = _mm_and_si128(_mm_cmpeq_epi32(_mm_load_si128(k), w), _mm_load_si128(v));
    const __m128i b = _mm_and_si128(_mm_cmpeq_epi32(_mm_load_si128(k + 1), w), _mm_load_si128(v + 1));
    __m128i r = _mm_or_si128(a, b);
    r = _mm_or_si128(r, _mm_shuffle_epi32(r, 0x4E));
    r = _mm_or_si128(r, _mm_shuffle_epi32(r, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(r);
#elif FL_ARCH_ARM64
    const uint32x4_t w = vdupq_n_u32(wanted);
    const uint32x4_t a = vandq_u32(vceqq_u32(vld1q_u32(key), w), vld1q_u32(value));
    const uint32x4_t b = vandq_u32(vceqq_u32(vld1q_u32(key + 4), w), vld1q_u32(value + 4));
    const uint32x4_t r = vorrq_u32(a, b);
    const uint64x2_t h = vreinterpretq_u64_u32(r);
    const uint64_t x = vgetq_lane_u64(h, 0) | vgetq_lane_u64(h, 1);
    return (uint32_t)(x | x >> 32);
#else
    uint32_t r = 0;
    for (int i = 0; i < 8; i++) r |= key[i] == wanted ? value[i] : 0;
    return r;
#endif
}

/* How many of eight words, of which those that are not 0 come first, are not 0; aligned to 16 bytes. */
FL_INLINE unsigned fl_used8(const uint32_t *value)
{
#if FL_ARCH_X86_64
    const __m128i *v = (const __m128i *)(const void *)value, zero = _mm_setzero_si128();
    const __m128i a = _mm_cmpeq_epi32(_mm_load_si128(v), zero), b = _mm_cmpeq_epi32(_mm_load_si128(v + 1), zero);
    const int empty = _mm_movemask_epi8(_mm_packs_epi32(a, b)); /* two bits a word */
    return (unsigned)__builtin_ctz((unsigned)empty | 1u << 16) / 2;
#else
    unsigned n = 0;
    for (int i = 0; i < 8; i++) n += value[i] != 0;
    return n;
#endif
}

#endif
