/* SPDX-License-Identifier: MIT */
/* simd/vocab_x86.h - what the SSE4.2 and AVX2 levels have in common; see kernels_tpl.h. */
#include "simd/tables.h"

/*
 * A dotted quad in one register: the places of its dots name its shape, the shape's shuffle brings every
 * octet to four bytes of its own, two multiply-adds weigh the digits with 100, 10 and 1.
 */
FL_INLINE int ipv4_digits(const uint8_t *p, uint32_t len, uint32_t *value)
{
    const __m128i b = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_set1_epi8('0'));
    const uint32_t inside = (1u << len) - 1;
    const uint32_t dots = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b, _mm_set1_epi8('.' ^ '0')));
    const uint32_t others =
        (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(b, _mm_set1_epi8(10)), b));
    const uint32_t mask = (dots & inside) | 1u << len;
    const struct fl_ipv4_shape *shape = &flowlog__ipv4_shapes[mask * FL_IPV4_HASH >> 24];
    const __m128i places = _mm_loadu_si128((const __m128i *)(const void *)shape->shuffle);
    const __m128i weights = _mm_set1_epi32(0x010A6400); /* 0, 100, 10, 1 */
    const __m128i parts = _mm_maddubs_epi16(_mm_shuffle_epi8(b, places), weights);
    const __m128i octets = _mm_packs_epi32(_mm_madd_epi16(parts, _mm_set1_epi16(1)), _mm_setzero_si128());
    const __m128i bytes = _mm_packus_epi16(octets, octets);
    const __m128i least = _mm_cvtsi32_si128((int)fl_load32(shape->least));
    const uint32_t large = (uint32_t)_mm_movemask_epi8(_mm_cmpgt_epi16(octets, _mm_set1_epi16(255)));
    const uint32_t enough = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(bytes, least), bytes));
    *value = (uint32_t)_mm_cvtsi128_si32(bytes);
    return (((others ^ dots) & inside) == 0) & (shape->mask == mask) & (large == 0) & ((enough & 0xF) == 0xF);
}
