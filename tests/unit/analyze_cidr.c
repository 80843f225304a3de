/* SPDX-License-Identifier: MIT */
/* analyze_cidr.c - address blocks against bits one by one, and sorting against a plain check. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cidr.h"
#include "analyze/sort.h"

TestSuite(analyze_cidr, .timeout = 60);
TestSuite(analyze_sort, .timeout = 60);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static flowlog_str str(const char *text) { return (flowlog_str){text, strlen(text)}; }

static flowlog_addr addr(const char *text)
{
    flowlog_addr a;
    cr_assert_eq(flowlog_addr_parse(text, strlen(text), &a), FLOWLOG_OK, "%s", text);
    return a;
}

static struct fl_cidr block(const char *text)
{
    struct fl_cidr c;
    cr_assert(flowlog__cidr_parse(str(text), &c), "%s", text);
    return c;
}

Test(analyze_cidr, reads_and_writes_blocks)
{
    static const char *const rows[][2] = {
        {"10.0.0.0/8", "10.0.0.0/8"},         {"0.0.0.0/0", "0.0.0.0/0"},           {"10.1.2.3/32", "10.1.2.3/32"},
        {"10.255.255.255/9", "10.128.0.0/9"}, {"255.255.255.255/1", "128.0.0.0/1"}, {"::/0", "::/0"},
        {"2001:db8:ffff::/33", "2001:db8:8000::/33"},                               {"::1/128", "::1/128"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/99", "ffff:ffff:ffff:ffff:ffff:ffff:e000:0/99"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[FL_CIDR_TEXT_MAX];
        const struct fl_cidr c = block(rows[i][0]);
        cr_expect_eq(flowlog__cidr_format(&c, text), strlen(rows[i][1]));
        cr_expect_str_eq(text, rows[i][1]);
    }
}

Test(analyze_cidr, refuses_what_is_no_block)
{
    static const char *const texts[] = {"",
                                        "/",
                                        "10.0.0.0",
                                        "10.0.0.0/",
                                        "/8",
                                        "10.0.0.0/33",
                                        "::/129",
                                        "10.0.0.0/08",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/+1",
                                        "10.0.0.0/8 ",
                                        "10.0.0/8",
                                        "10.0.0.0/8/8",
                                        "::/0x1",
                                        "::/999999999999",
                                        "10.0.0.0/1000",
                                        "10.0.0.0/ 8"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct fl_cidr c = {{7}, 4, 9};
        cr_expect_not(flowlog__cidr_parse(str(texts[i]), &c), "%s", texts[i]);
        cr_expect(c.bytes[0] == 7 && c.bits == 9, "untouched");
    }
    struct fl_cidr c;
    cr_expect_not(flowlog__cidr_parse((flowlog_str){NULL, 0}, &c));
}

static uint64_t state = 88172645463325252u;
static unsigned rnd(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 32) % n);
}

static int bit(const uint8_t *bytes, unsigned i) { return bytes[i / 8] >> (7 - i % 8) & 1; }

static flowlog_addr random_address(void)
{
    flowlog_addr a = {.family = rnd(3) ? 6 : 4};
    for (unsigned i = 0; i < (a.family == 4 ? 4u : 16u); i++) a.bytes[i] = (uint8_t)(rnd(4) ? 0xFF * rnd(2) : rnd(256));
    return a;
}

Test(analyze_cidr, containing_is_what_the_bits_say)
{
    for (int i = 0; i < 200000; i++) {
        const flowlog_addr a = random_address(), b = random_address();
        const unsigned width = a.family == 4 ? 32 : 128, bits = rnd(width + 1);
        const struct fl_cidr c = flowlog__cidr_of(&a, bits), d = flowlog__cidr_of(&b, rnd(129));
        unsigned common = 0;
        while (a.family == b.family && common < width && bit(a.bytes, common) == bit(b.bytes, common)) common++;
        cr_assert_eq(c.bits, bits);
        cr_assert_eq(flowlog__addr_common_bits(&a, &b), common);
        cr_assert_eq(flowlog__cidr_has(&c, &b), a.family == b.family && common >= bits);
        cr_assert(flowlog__cidr_has(&c, &a));
        const int covers = a.family == b.family && bits <= d.bits && common >= bits;
        cr_assert_eq(flowlog__cidr_covers(&c, &d), covers);
        cr_assert_eq(flowlog__cidr_overlaps(&c, &d), flowlog__cidr_overlaps(&d, &c));
        cr_assert_eq(flowlog__cidr_overlaps(&c, &d), covers || flowlog__cidr_covers(&d, &c));
        for (unsigned k = bits; k < 128; k++) cr_assert_eq(bit(c.bytes, k), 0);
    }
    const struct fl_cidr none = {{0}, 0, 0};
    const flowlog_addr a = addr("0.0.0.0"), nobody = {{0}, 0};
    cr_expect_not(flowlog__cidr_has(&none, &a));
    cr_expect_not(flowlog__cidr_has(&none, &nobody));
    cr_expect_not(flowlog__cidr_covers(&none, &none));
}

Test(analyze_cidr, private_addresses_end_where_their_blocks_do)
{
    static const struct {
        const char *address;
        int is_private;
    } rows[] = {
        {"9.255.255.255", 0},   {"10.0.0.0", 1},        {"10.255.255.255", 1}, {"11.0.0.0", 0},    {"172.15.255.255", 0},
        {"172.16.0.0", 1},      {"172.31.255.255", 1},  {"172.32.0.0", 0},     {"192.168.0.0", 1}, {"192.169.0.0", 0},
        {"100.63.255.255", 0},  {"100.64.0.0", 1},      {"100.127.255.255", 1}, {"100.128.0.0", 0}, {"169.254.0.1", 1},
        {"169.253.255.255", 0}, {"fbff::", 0},          {"fc00::", 1},         {"fdff::1", 1},     {"fe00::", 0},
        {"fe80::1", 1},         {"febf:ffff::", 1},     {"fec0::", 0},         {"2001:db8::1", 0}, {"::ffff:10.0.0.1", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const flowlog_addr a = addr(rows[i].address);
        cr_expect_eq(flowlog__addr_is_private(&a), rows[i].is_private, "%s", rows[i].address);
    }
}

static int compare(const void *things, uint32_t a, uint32_t b)
{
    const unsigned char *value = things;
    if (value[a] != value[b]) return value[a] < value[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

Test(analyze_sort, puts_every_length_in_order)
{
    unsigned char value[70];
    for (unsigned count = 0; count <= COUNT(value); count++)
        for (int round = 0; round < 300; round++) {
            uint32_t index[COUNT(value)];
            unsigned seen = 0;
            for (unsigned i = 0; i < count; i++) {
                value[i] = (unsigned char)(round == 0 ? i : round == 1 ? count - i : rnd(round % 2 ? 4 : 256));
                index[i] = i;
            }
            flowlog__sort(index, count, compare, value);
            for (unsigned i = 1; i < count; i++) cr_assert_lt(compare(value, index[i - 1], index[i]), 0);
            for (unsigned i = 0; i < count; i++) seen += index[i];
            cr_assert_eq(seen, count ? count * (count - 1) / 2 : 0);
        }
}
