/* SPDX-License-Identifier: MIT */
/*
 * simd/crc32_kernels.h - CRC-32 of gzip (polynomial 0x04C11DB7, reflected), one function per processor.
 *
 * Each takes the CRC of what came before (0 at the beginning) and returns that of the whole; any
 * alignment, any length, reads p[0 .. len) only.  flowlog__crc32_scalar is the specification.
 */
#ifndef FL_SIMD_CRC32_KERNELS_H
#define FL_SIMD_CRC32_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"

typedef uint32_t fl_crc32_fn(uint32_t crc, const uint8_t *p, size_t len);

uint32_t flowlog__crc32_scalar(uint32_t crc, const uint8_t *p, size_t len);

/* [k][b]: what byte b contributes to the CRC when k bytes follow it in the same word. */
extern const uint32_t flowlog__crc32_table[8][256];

#if FL_ARCH_X86_64
/* Needs PCLMULQDQ and SSE4.1. */
uint32_t flowlog__crc32_pclmul(uint32_t crc, const uint8_t *p, size_t len);
#endif

#endif
