/* SPDX-License-Identifier: MIT */
/* simd/inflate_bmi2.c - the inner loop of inflate with BMI2's shifts and bit-field extraction. */
#include "simd/inflate_fast.h"

#if FL_ARCH_X86_64
#include <immintrin.h>

#include "core/bytes.h"

FL_TARGET_BEGIN("bmi,bmi2")

#define FL_INFLATE_FAST_NAME flowlog__inflate_fast_bmi2
#define FL_INFLATE_KEEP(x, n) _bzhi_u64((x), (n))
#include "simd/inflate_tpl.h"

FL_TARGET_END
#endif
