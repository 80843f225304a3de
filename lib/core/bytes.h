/* SPDX-License-Identifier: MIT */
/* core/bytes.h - unaligned little-endian loads and stores, and bit tricks; the only place for them. */
#ifndef FL_CORE_BYTES_H
#define FL_CORE_BYTES_H

#include <stdint.h>
#include <string.h>

#include "core/compiler.h"

FL_INLINE uint32_t fl_swap32(uint32_t x)
{
    return x >> 24 | (x >> 8 & 0xFF00u) | (x << 8 & 0xFF0000u) | x << 24;
}
FL_INLINE uint64_t fl_swap64(uint64_t x)
{
    return (uint64_t)fl_swap32((uint32_t)x) << 32 | fl_swap32((uint32_t)(x >> 32));
}

FL_INLINE uint16_t fl_load16(const void *p)
{
    const uint8_t *b = p;
    return (uint16_t)(b[0] | b[1] << 8);
}
FL_INLINE uint32_t fl_load32(const void *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return FL_BIG_ENDIAN ? fl_swap32(x) : x;
}
FL_INLINE uint64_t fl_load64(const void *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return FL_BIG_ENDIAN ? fl_swap64(x) : x;
}
FL_INLINE void fl_store32(void *p, uint32_t x)
{
    if (FL_BIG_ENDIAN) x = fl_swap32(x);
    memcpy(p, &x, sizeof x);
}
FL_INLINE void fl_store64(void *p, uint64_t x)
{
    if (FL_BIG_ENDIAN) x = fl_swap64(x);
    memcpy(p, &x, sizeof x);
}

/* Number of trailing zero bits; x must not be 0. */
FL_INLINE unsigned fl_ctz64(uint64_t x) { return (unsigned)__builtin_ctzll(x); }

/* Number of leading zero bits; x must not be 0. */
FL_INLINE unsigned fl_clz64(uint64_t x) { return (unsigned)__builtin_clzll(x); }

/* Number of set bits.  The builtin is a call into the compiler's library where no instruction is sure. */
FL_INLINE unsigned fl_popcount64(uint64_t x)
{
#if FL_ARCH_ARM64
    return (unsigned)__builtin_popcountll(x);
#else
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (unsigned)(x * UINT64_C(0x0101010101010101) >> 56);
#endif
}

/* A mask of the lowest n bits, n in 0..64. */
FL_INLINE uint64_t fl_low_bits(unsigned n) { return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1; }

/* Bitmaps as Arrow has them: bit r of word r / 64, least significant first. */
FL_INLINE int fl_bit_get(const uint64_t *map, size_t r) { return (int)(map[r >> 6] >> (r & 63) & 1); }
FL_INLINE void fl_bit_set(uint64_t *map, size_t r) { map[r >> 6] |= UINT64_C(1) << (r & 63); }
FL_INLINE void fl_bit_clear(uint64_t *map, size_t r) { map[r >> 6] &= ~(UINT64_C(1) << (r & 63)); }
FL_INLINE size_t fl_bit_words(size_t rows) { return (rows + 63) / 64; }

#endif
