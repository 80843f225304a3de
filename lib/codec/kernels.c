/* SPDX-License-Identifier: MIT */
/* codec/kernels.c - the choice, and the plain inner loop of inflate. */
#include "codec/kernels.h"

#include "core/bytes.h"
#include "simd/cpu.h"

struct fl_codec_kernels flowlog__codec_kernels(uint32_t cpu_features_allowed)
{
    struct fl_codec_kernels k = {flowlog__crc32_scalar, flowlog__inflate_fast_scalar};
#if FL_ARCH_X86_64
    if (cpu_features_allowed & FL_CPU_PCLMUL) k.crc32 = flowlog__crc32_pclmul;
    if (cpu_features_allowed & FL_CPU_AVX2) k.inflate_fast = flowlog__inflate_fast_bmi2;
#else
    (void)cpu_features_allowed;
#endif
    return k;
}

#define FL_INFLATE_FAST_NAME flowlog__inflate_fast_scalar
#define FL_INFLATE_KEEP(x, n) ((x) & ((UINT64_C(1) << (n)) - 1))
#include "simd/inflate_tpl.h"
