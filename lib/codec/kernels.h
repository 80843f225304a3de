/* SPDX-License-Identifier: MIT */
/* codec/kernels.h - which function does CRC-32 and the inner loop of inflate on this processor. */
#ifndef FL_CODEC_KERNELS_H
#define FL_CODEC_KERNELS_H

#include "simd/crc32_kernels.h"
#include "simd/inflate_fast.h"

struct fl_codec_kernels {
    fl_crc32_fn *crc32;
    fl_inflate_fast_fn *inflate_fast;
};

/* The best of what a set of FL_CPU_* bits allows; 0 is the scalar ones, which exist everywhere. */
struct fl_codec_kernels flowlog__codec_kernels(uint32_t cpu_features_allowed);

/* The inner loop in plain C, the specification of the others. */
fl_inflate_fast_fn flowlog__inflate_fast_scalar;

#endif
