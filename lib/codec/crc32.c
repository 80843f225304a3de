/* SPDX-License-Identifier: MIT */
/* codec/crc32.c - CRC-32 by the best kernel allowed. */
#include "codec/crc32.h"

#include "codec/kernels.h"
#include "simd/kernels.h"

uint32_t flowlog__crc32(uint32_t crc, const void *p, size_t len)
{
    return flowlog__codec_kernels(flowlog__simd_allowed()).crc32(crc, p, len);
}
