/* SPDX-License-Identifier: MIT */
/* codec/crc32.c - CRC-32 by the best kernel allowed; who has many pieces keeps the kernel himself. */
#include "codec/crc32.h"

#include "codec/kernels.h"
#include "simd/kernels.h"

/* Asking what is allowed may ask the processor, which costs tens of microseconds in a virtual machine. */
enum { WORTH_ASKING = 1 << 17 };

uint32_t flowlog__crc32(uint32_t crc, const void *p, size_t len)
{
    if (len < WORTH_ASKING) return flowlog__crc32_scalar(crc, p, len);
    return flowlog__codec_kernels(flowlog__simd_allowed()).crc32(crc, p, len);
}
