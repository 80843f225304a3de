/* SPDX-License-Identifier: MIT */
/* CRC-32: the table is what its comment says, and all functions are the one that goes bit by bit. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crc32.h"
#include "codec/kernels.h"
#include "simd/cpu.h"
#include "support/guard.h"

TestSuite(crc32, .timeout = 20);

static uint32_t by_bits(uint32_t crc, const uint8_t *p, size_t n)
{
    crc = ~crc;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
    }
    return ~crc;
}

static fl_crc32_fn *kernel(int i)
{
    if (i == 0) return flowlog__crc32_scalar;
#if FL_ARCH_X86_64
    if (i == 1 && flowlog__cpu_features() & FL_CPU_PCLMUL) return flowlog__crc32_pclmul;
#endif
    return NULL;
}

Test(crc32, table_is_what_the_generator_makes)
{
    uint32_t t[8][256];
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;
        for (int i = 0; i < 8; i++) c = c & 1 ? c >> 1 ^ 0xEDB88320 : c >> 1;
        t[0][b] = c;
    }
    for (int k = 1; k < 8; k++)
        for (int b = 0; b < 256; b++) t[k][b] = t[k - 1][b] >> 8 ^ t[0][t[k - 1][b] & 0xFF];
    cr_assert(memcmp(t, flowlog__crc32_table, sizeof t) == 0);
}

Test(crc32, of_the_check_string_is_CBF43926)
{
    for (int k = 0; kernel(k); k++)
        cr_expect_eq(kernel(k)(0, (const uint8_t *)"123456789", 9), 0xCBF43926);
    cr_expect_eq(flowlog__crc32(0, "123456789", 9), 0xCBF43926);
    cr_expect_eq(flowlog__crc32(0x12345678, NULL, 0), 0x12345678);
}

Test(crc32, of_every_length_and_alignment_equals_the_bitwise_one)
{
    uint8_t data[700];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * i * 31 + (i >> 3));
    for (size_t n = 0; n <= 600; n++) {
        struct guard end = guard_end(data + n % 61, n), start = guard_start(data + n % 61, n);
        const uint32_t want = by_bits((uint32_t)n * 77777, data + n % 61, n);
        for (int k = 0; kernel(k); k++) {
            cr_expect_eq(kernel(k)((uint32_t)n * 77777, end.p, n), want, "kernel %d, %zu bytes", k, n);
            cr_expect_eq(kernel(k)((uint32_t)n * 77777, start.p, n), want, "kernel %d, %zu bytes", k, n);
        }
        cr_expect_eq(flowlog__crc32((uint32_t)n * 77777, end.p, n), want);
        guard_free(&end);
        guard_free(&start);
    }
}

Test(crc32, of_pieces_is_that_of_the_whole)
{
    uint8_t data[1000];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7919 >> 4);
    const uint32_t want = by_bits(0, data, sizeof data);
    for (int k = 0; kernel(k); k++)
        for (size_t cut = 0; cut <= sizeof data; cut++)
            cr_expect_eq(kernel(k)(kernel(k)(0, data, cut), data + cut, sizeof data - cut), want,
                         "kernel %d at %zu", k, cut);
}

Test(crc32, of_much_data_is_the_same_by_any_way)
{
    const size_t n = 300001;
    uint8_t *data = malloc(n);
    for (size_t i = 0; i < n; i++) data[i] = (uint8_t)(i * 2654435761u >> 24);
    const uint32_t want = by_bits(1, data, n);
    for (int k = 0; kernel(k); k++) cr_expect_eq(kernel(k)(1, data, n), want, "kernel %d", k);
    cr_expect_eq(flowlog__crc32(1, data, n), want);
    free(data);
}

Test(crc32, kernels_follow_what_is_allowed)
{
    cr_expect(flowlog__codec_kernels(0).crc32 == flowlog__crc32_scalar);
    cr_expect(flowlog__codec_kernels(0).inflate_fast == flowlog__inflate_fast_scalar);
#if FL_ARCH_X86_64
    const uint32_t all = flowlog__cpu_features();
    if (!(all & FL_CPU_AVX2) || !(all & FL_CPU_PCLMUL)) cr_skip_test("no AVX2 or PCLMULQDQ here");
    cr_expect(flowlog__codec_kernels(all).crc32 == flowlog__crc32_pclmul);
    cr_expect(flowlog__codec_kernels(all).inflate_fast == flowlog__inflate_fast_bmi2);
#endif
}
