/* SPDX-License-Identifier: MIT */
/* kernels_neon.c - little-endian AArch64; see kernels.h for the contract. */
#include "simd/kernels.h"

#if FL_ARCH_ARM64
#include <arm_neon.h>

#include "core/bytes.h"
#include "simd/tables.h"

#define FL_KERNEL(name) neon_##name

typedef struct {
    uint8x16_t v[4];
} fl_block;

FL_INLINE fl_block block_load(const uint8_t *p)
{
    fl_block b;
    for (int i = 0; i < 4; i++) b.v[i] = vld1q_u8(p + 16 * i);
    return b;
}

/* Four vectors of 0x00 or 0xFF to 64 bits: one bit of each byte, then neighbours added three times. */
FL_INLINE uint64_t block_mask(fl_block b)
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(weights);
    const uint8x16_t low = vpaddq_u8(vandq_u8(b.v[0], bit), vandq_u8(b.v[1], bit));
    const uint8x16_t high = vpaddq_u8(vandq_u8(b.v[2], bit), vandq_u8(b.v[3], bit));
    const uint8x16_t both = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(both, both)), 0);
}

FL_INLINE uint64_t block_eq(fl_block b, char c)
{
    for (int i = 0; i < 4; i++) b.v[i] = vceqq_u8(b.v[i], vdupq_n_u8((uint8_t)c));
    return block_mask(b);
}

FL_INLINE uint64_t block_ends(fl_block b)
{
    for (int i = 0; i < 4; i++)
        b.v[i] = vorrq_u8(vcleq_u8(b.v[i], vdupq_n_u8(0x20)), vceqq_u8(b.v[i], vdupq_n_u8(0x7F)));
    return block_mask(b);
}

FL_INLINE uint32_t lowest(uint64_t m) { return fl_ctz64(m | UINT64_C(1) << 63); }
FL_INLINE uint32_t popcount(uint64_t m) { return fl_popcount64(m); }

/* As in vocab_x86.h: the shape of the dots, one table lookup, digits weighed with 100, 10 and 1. */
FL_INLINE int ipv4_digits(const uint8_t *p, uint32_t len, uint32_t *value)
{
    static const uint8_t places[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint16_t weight[8] = {0, 100, 10, 1, 0, 100, 10, 1};
    const uint8x16_t b = veorq_u8(vld1q_u8(p), vdupq_n_u8('0'));
    const uint8x16_t inside = vcltq_u8(vld1q_u8(places), vdupq_n_u8((uint8_t)len));
    const uint8x16_t dot = vandq_u8(vceqq_u8(b, vdupq_n_u8('.' ^ '0')), inside);
    const uint8x16_t other = vandq_u8(vcgtq_u8(b, vdupq_n_u8(9)), inside);
    const fl_block dots = {{dot, vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0)}};
    const uint32_t mask = (uint32_t)block_mask(dots) | 1u << len;
    const struct fl_ipv4_shape *shape = &flowlog__ipv4_shapes[mask * FL_IPV4_HASH >> 24];
    const uint8x16_t digits = vqtbl1q_u8(b, vld1q_u8(shape->shuffle));
    const uint16x8_t w = vld1q_u16(weight);
    const uint16x8_t low = vmulq_u16(vmovl_u8(vget_low_u8(digits)), w);
    const uint16x8_t high = vmulq_u16(vmovl_u8(vget_high_u8(digits)), w);
    const uint16x8_t pairs = vpaddq_u16(low, high);
    const uint16x4_t octets = vget_low_u16(vpaddq_u16(pairs, pairs)); /* last octet first */
    const uint8x8_t bytes = vmovn_u16(vcombine_u16(octets, octets));
    const uint8x8_t least = vreinterpret_u8_u32(vdup_n_u32(fl_load32(shape->least)));
    *value = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
    return (vmaxvq_u8(veorq_u8(dot, other)) == 0) & (shape->mask == mask) & (vmaxv_u16(octets) <= 255) &
           (vminv_u8(vcge_u8(bytes, least)) == 0xFF);
}

#include "simd/kernels_tpl.h"

const fl_kernels flowlog__kernels_neon = {
    .name = "neon",
    .needs = FL_CPU_NEON,
    FL_KERNELS(FL_KERNEL_ENTRY)};

#else
typedef int fl_not_this_architecture; /* ISO C forbids an empty translation unit */
#endif
