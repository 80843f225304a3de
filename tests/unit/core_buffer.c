/* SPDX-License-Identifier: MIT */
/* Bytes that grow, and the cursor that reads them back: every form, every cut, memory that runs out. */
#include <criterion/criterion.h>

#include "core/alloc.h"
#include "core/buffer.h"
#include "support/alloc_count.h"

TestSuite(buffer, .timeout = 30);

static const uint64_t numbers[] = {0, 1, 0x7F, 0x80, 0x3FFF, 0x4000, 0xFFFFFFFF, UINT64_C(1) << 32, UINT64_C(1) << 56,
                                   (UINT64_C(1) << 63) - 1, UINT64_C(1) << 63, UINT64_MAX};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static void put_all(struct fl_bytes *b)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        flowlog__bytes_put_u8(b, (uint8_t)numbers[i]);
        flowlog__bytes_put_u32(b, (uint32_t)numbers[i]);
        flowlog__bytes_put_u64(b, numbers[i]);
        flowlog__bytes_put_varint(b, numbers[i]);
        flowlog__bytes_put(b, "text", i % 5);
    }
}

Test(buffer, gives_back_what_was_put)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct fl_bytes b;
    flowlog__bytes_init(&b, &a);
    for (int round = 0; round < 50; round++) put_all(&b);
    cr_assert(!b.failed);
    struct fl_cursor c = {b.p, b.len, 0, 0};
    for (size_t i = 0; i < 50 * NUMBERS; i++) {
        const uint64_t v = numbers[i % NUMBERS];
        cr_assert_eq(flowlog__cursor_u8(&c), (uint8_t)v);
        cr_assert_eq(flowlog__cursor_u32(&c), (uint32_t)v);
        cr_assert_eq(flowlog__cursor_u64(&c), v);
        cr_assert_eq(flowlog__cursor_varint(&c), v);
        cr_assert(!memcmp(flowlog__cursor_take(&c, i % NUMBERS % 5), "text", i % NUMBERS % 5));
    }
    cr_expect(c.at == b.len && !c.failed);
    flowlog__bytes_free(&b);
    cr_expect(t.live_bytes == 0 && t.wrong_lengths == 0);
}

Test(buffer, is_little_endian_and_varints_have_seven_bits_a_byte)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct fl_bytes b;
    flowlog__bytes_init(&b, &a);
    flowlog__bytes_put_u32(&b, 0x01020304);
    flowlog__bytes_put_u64(&b, UINT64_C(0x1122334455667788));
    flowlog__bytes_put_varint(&b, 300);
    cr_assert_eq(b.len, 14);
    cr_expect(!memcmp(b.p, "\x04\x03\x02\x01\x88\x77\x66\x55\x44\x33\x22\x11\xAC\x02", 14));
    flowlog__bytes_free(&b);
}

Test(buffer, a_cursor_cut_anywhere_gives_zeros_from_there_on)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct fl_bytes b;
    flowlog__bytes_init(&b, &a);
    put_all(&b);
    for (size_t len = 0; len < b.len; len++) {
        struct fl_cursor c = {b.p, len, 0, 0};
        for (size_t i = 0; i < NUMBERS; i++) {
            flowlog__cursor_u8(&c);
            flowlog__cursor_u32(&c);
            flowlog__cursor_u64(&c);
            flowlog__cursor_varint(&c);
            flowlog__cursor_take(&c, i % 5);
        }
        cr_assert(c.failed && c.at <= len, "cut at %zu", len);
        cr_assert(!flowlog__cursor_u8(&c) && !flowlog__cursor_u64(&c) && !flowlog__cursor_varint(&c));
        cr_assert_null(flowlog__cursor_take(&c, 0));
    }
    flowlog__bytes_free(&b);
}

Test(buffer, a_varint_has_one_form)
{
    static const struct {
        const char *bytes;
        size_t len;
        int failed;
    } rows[] = {{"\x00", 1, 0}, {"\x80\x00", 2, 1}, {"\xFF\x00", 2, 1}, {"\x80\x01", 2, 0},
                {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 10, 0}, {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 10, 1},
                {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00", 10, 1}, {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x81\x00", 11, 1},
                {"\x80", 1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fl_cursor c = {(const uint8_t *)rows[i].bytes, rows[i].len, 0, 0};
        const uint64_t v = flowlog__cursor_varint(&c);
        cr_expect_eq(c.failed, rows[i].failed, "row %zu", i);
        if (c.failed) cr_expect_eq(v, 0, "row %zu", i);
    }
}

Test(buffer, remembers_that_memory_ran_out)
{
    for (size_t fail = 1; fail <= 4; fail++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail);
        struct fl_bytes b;
        flowlog__bytes_init(&b, &a);
        for (int round = 0; round < 20; round++) put_all(&b);
        cr_expect(b.failed);
        const size_t len = b.len;
        flowlog__bytes_put_u8(&b, 1);
        cr_expect_eq(b.len, len);
        flowlog__bytes_free(&b);
        cr_expect(t.live_bytes == 0 && t.wrong_lengths == 0);
    }
}

Test(buffer, cannot_be_asked_for_more_than_there_is_address_space)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct fl_bytes b;
    flowlog__bytes_init(&b, &a);
    flowlog__bytes_put_u8(&b, 1);
    flowlog__bytes_put(&b, "", SIZE_MAX);
    cr_expect(b.failed && b.len == 1);
    flowlog__bytes_free(&b);
    cr_expect_eq(t.live_bytes, 0);
}
