/* SPDX-License-Identifier: MIT */
/*
 * simd/crc32_pclmul.c - CRC-32 by carry-less multiplication, 64 bytes a step.
 *
 * The message is a polynomial over GF(2), first bit highest.  128 bits A that stand n bits before the
 * bits B may be replaced by zeros when A * x^n mod P is added to B.  With A = H * x^64 + L that is two
 * products of 64 x 32 bits: H by x^(n + 64) mod P and L by x^n mod P.  Bits are reflected, which makes
 * H the low quadword, and the product of reflected numbers comes out one bit short: hence the shift of
 * the constants by one, and exponents n + 32 and n - 32, for a 32-bit remainder stands in a 64-bit factor.
 *     k(e) = reflect32(x^e mod P) << 1;  e = 512 +- 32 for four accumulators, 128 +- 32 for one.
 * At the end the 128 bits left are 16 bytes whose CRC, from a register of zero, is that of all bytes
 * folded into them; the table does these and the tail.  (Reference: Gopal et al., "Fast CRC Computation
 * for Generic Polynomials Using PCLMULQDQ", 2009.)
 */
#include "simd/crc32_kernels.h"

#if FL_ARCH_X86_64
#include <immintrin.h>

FL_TARGET_BEGIN("pclmul,sse4.1")

FL_INLINE __m128i fold(__m128i a, __m128i b, __m128i k)
{
    return _mm_xor_si128(
        b, _mm_xor_si128(_mm_clmulepi64_si128(a, k, 0x00), _mm_clmulepi64_si128(a, k, 0x11)));
}
FL_INLINE __m128i load(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }

uint32_t flowlog__crc32_pclmul(uint32_t crc, const uint8_t *p, size_t len)
{
    if (len < 64) return flowlog__crc32_scalar(crc, p, len);

    const __m128i k512 = _mm_set_epi64x(0x1C6E41596, 0x154442BD4);
    const __m128i k128 = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0);
    __m128i a = _mm_xor_si128(load(p), _mm_cvtsi32_si128((int)~crc));
    __m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
    for (p += 64, len -= 64; len >= 64; p += 64, len -= 64) {
        a = fold(a, load(p), k512);
        b = fold(b, load(p + 16), k512);
        c = fold(c, load(p + 32), k512);
        d = fold(d, load(p + 48), k512);
    }
    a = fold(fold(fold(a, b, k128), c, k128), d, k128);
    for (; len >= 16; p += 16, len -= 16) a = fold(a, load(p), k128);

    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)(void *)rest, a);
    /* The scalar function inverts the register on entry and on exit: ~0 in is a register of zero. */
    crc = flowlog__crc32_scalar(~UINT32_C(0), rest, sizeof rest);
    return flowlog__crc32_scalar(crc, p, len);
}

FL_TARGET_END
#endif
