/* SPDX-License-Identifier: MIT */
/*
 * fuzz_inflate.c - inflate against itself: what one call makes of a stream, small pieces make too.
 *
 * Byte 0: bit 0 gzip instead of raw deflate, bit 1 scalar kernels instead of the best, bit 2 sizes are
 * exact, not upper ends.  Bytes 1 and 2: sizes of input and output pieces.  The rest is the stream.
 * No more than 128 KiB of output is looked at.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "simd/cpu.h"
#include "unit/codec_streams.h"

enum { CAP = 1 << 17 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t whole[CAP], pieces[CAP];
    if (len < 3) return 0;
    const int raw = !(data[0] & 1);
    static uint32_t all; /* asking the processor is slow in a virtual machine */
    if (!all) all = flowlog__cpu_features();
    const uint32_t features = data[0] & 2 ? 0 : all;
    const struct plan plan = {data[1] ? (size_t)data[1] : 1, data[2] ? (size_t)data[2] * 3 : 1,
                              !(data[0] & 4), data[0] & 8 ? 32768 + 1000 : 0};
    plan_seed = 1;

    const struct outcome a = read_stream(data + 3, len - 3, one_call, raw, features, whole, CAP);
    if (a.hung || a.spilled) abort();
    if (a.status == FLOWLOG_E_LIMIT || a.len > 100000) return 0;
    const struct outcome b = read_stream(data + 3, len - 3, plan, raw, 0, pieces, CAP);
    if (b.hung || b.spilled || a.status != b.status || a.len != b.len || a.members != b.members) abort();
    if (a.len && memcmp(whole, pieces, a.len) != 0) abort();
    if (a.status < 0 &&
        (a.err.offset != b.err.offset || a.err.offset > len - 3 || strcmp(a.err.message, b.err.message)))
        abort();
    if (a.status == FLOWLOG_END && a.used != b.used) abort();
    return 0;
}
