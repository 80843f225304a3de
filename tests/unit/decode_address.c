/* SPDX-License-Identifier: MIT */
/* Addresses: a table of forms, then the C library's inet_pton and inet_ntop as a second opinion. */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "decode/address.h"
#include "flowlog/value.h"
#include "support/guard.h"

TestSuite(address, .timeout = 30);

static uint64_t state = 88172645463325252u;
static uint32_t rnd(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % n;
}

struct form {
    const char *text;
    const char *bytes; /* 8 or 32 hexadecimal digits, NULL: refused */
    const char *canonical; /* NULL: the text itself */
};

static const struct form forms[] = {
    {"0.0.0.0", "00000000", NULL},
    {"255.255.255.255", "ffffffff", NULL},
    {"10.0.0.1", "0a000001", NULL},
    {"1.20.200.3", "0114c803", NULL},
    /* RFC 4291, section 2.2, forms 1 to 3 */
    {"abcd:ef01:2345:6789:abcd:ef01:2345:6789", "abcdef0123456789abcdef0123456789", NULL},
    {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcdef0123456789abcdef0123456789",
     "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
    {"2001:DB8:0:0:8:800:200C:417A", "20010db80000000000080800200c417a", "2001:db8::8:800:200c:417a"},
    {"2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a", NULL},
    {"FF01::101", "ff010000000000000000000000000101", "ff01::101"},
    {"::1", "00000000000000000000000000000001", NULL},
    {"::", "00000000000000000000000000000000", NULL},
    {"0:0:0:0:0:0:0:0", "00000000000000000000000000000000", "::"},
    {"0:0:0:0:0:0:13.1.68.3", "0000000000000000000000000d014403", "::d01:4403"},
    {"::13.1.68.3", "0000000000000000000000000d014403", "::d01:4403"},
    {"0:0:0:0:0:FFFF:129.144.52.38", "00000000000000000000ffff81903426", "::ffff:129.144.52.38"},
    {"::FFFF:129.144.52.38", "00000000000000000000ffff81903426", "::ffff:129.144.52.38"},
    {"::ffff:8190:3426", "00000000000000000000ffff81903426", "::ffff:129.144.52.38"},
    {"64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221", "64:ff9b::c000:221"},
    {"1:2:3:4:5:6:7:8", "00010002000300040005000600070008", NULL},
    {"1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304", "1:2:3:4:5:6:102:304"},
    /* "::" for one group, at every place */
    {"::2:3:4:5:6:7:8", "00000002000300040005000600070008", "0:2:3:4:5:6:7:8"},
    {"1::3:4:5:6:7:8", "00010000000300040005000600070008", "1:0:3:4:5:6:7:8"},
    {"1:2:3:4:5:6::8", "00010002000300040005000600000008", "1:2:3:4:5:6:0:8"},
    {"1:2:3:4:5:6:7::", "00010002000300040005000600070000", "1:2:3:4:5:6:7:0"},
    {"1::", "00010000000000000000000000000000", NULL},
    {"1:2::", "00010002000000000000000000000000", NULL},
    {"1::8", "00010000000000000000000000000008", NULL},
    {"1:2:3:4:5::1.2.3.4", "00010002000300040005000001020304", "1:2:3:4:5:0:102:304"},
    {"::1:2:3:4:5:1.2.3.4", "00000001000200030004000501020304", "0:1:2:3:4:5:102:304"},
    {"0001:0002:0003:0004:0005:0006:0007:0008", "00010002000300040005000600070008", "1:2:3:4:5:6:7:8"},
    /* RFC 5952: the longest run, the first of equal ones, none of one group only */
    {"2001:0:0:1:0:0:0:1", "20010000000000010000000000000001", "2001:0:0:1::1"},
    {"2001:db8:0:0:1:0:0:1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"},
    {"2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001", NULL},
    {"0:0:1:0:0:1:0:0", "00000000000100000000000100000000", "::1:0:0:1:0:0"},
    {"1:0:0:1:0:0:1:0", "00010000000000010000000000010000", "1::1:0:0:1:0"},
    {"1:1:1:1:1:1:0:0", "00010001000100010001000100000000", "1:1:1:1:1:1::"},
    {"0:0:1:1:1:1:1:1", "00000000000100010001000100010001", "::1:1:1:1:1:1"},
    {"::fffe:1.2.3.4", "00000000000000000000fffe01020304", "::fffe:102:304"},
    {"2001:db8:1234:a100:8d6e:3477:df66:f105", "20010db81234a1008d6e3477df66f105", NULL},

    /* refused */
    {"", NULL, NULL},
    {"-", NULL, NULL},
    {"1", NULL, NULL},
    {"1.2.3", NULL, NULL},
    {"1.2.3.", NULL, NULL},
    {".1.2.3", NULL, NULL},
    {"1.2.3.4.", NULL, NULL},
    {"1.2.3.4.5", NULL, NULL},
    {"1..3.4", NULL, NULL},
    {"1.2.3.256", NULL, NULL},
    {"1.2.3.999", NULL, NULL},
    {"1.2.3.1000", NULL, NULL},
    {"256.0.0.1", NULL, NULL},
    {"01.2.3.4", NULL, NULL},
    {"1.2.3.04", NULL, NULL},
    {"1.00.3.4", NULL, NULL},
    {"010.0.0.1", NULL, NULL},
    {"0x1.2.3.4", NULL, NULL},
    {"+1.2.3.4", NULL, NULL},
    {"-1.2.3.4", NULL, NULL},
    {" 1.2.3.4", NULL, NULL},
    {"1.2.3.4 ", NULL, NULL},
    {"1.2.3.4/32", NULL, NULL},
    {"1.2.3.4:80", NULL, NULL},
    {"1,2,3,4", NULL, NULL},
    {"a.b.c.d", NULL, NULL},
    {"16909060", NULL, NULL},
    {":", NULL, NULL},
    {":::", NULL, NULL},
    {"::::", NULL, NULL},
    {":1", NULL, NULL},
    {"1:", NULL, NULL},
    {":1:2:3:4:5:6:7", NULL, NULL},
    {":1:2:3:4:5:6:7:8", NULL, NULL},
    {"1:2:3:4:5:6:7:", NULL, NULL},
    {"1:2:3:4:5:6:7:8:", NULL, NULL},
    {"1::2:", NULL, NULL},
    {"1:2:3:4:5:6:7", NULL, NULL},
    {"1:2:3:4:5:6:7:8:9", NULL, NULL},
    {"1::2::3", NULL, NULL},
    {"::1::", NULL, NULL},
    {"1:::2", NULL, NULL},
    {":::1", NULL, NULL},
    {"1:::", NULL, NULL},
    {"1:2:3:4:5:6:7:8::", NULL, NULL},
    {"::1:2:3:4:5:6:7:8", NULL, NULL},
    {"1:2:3:4::5:6:7:8", NULL, NULL},
    {"12345::", NULL, NULL},
    {"::12345", NULL, NULL},
    {"::00001", NULL, NULL},
    {"::g", NULL, NULL},
    {"::-1", NULL, NULL},
    {"fe80::1%eth0", NULL, NULL},
    {"fe80::1%1", NULL, NULL},
    {"::1%", NULL, NULL},
    {"::1/128", NULL, NULL},
    {"[::1]", NULL, NULL},
    {"1.2.3.4::", NULL, NULL},
    {"::1.2.3.4:5", NULL, NULL},
    {"::1.2.3.4:", NULL, NULL},
    {"1.2.3.4:5:6:7:8:9:a", NULL, NULL},
    {"1:2:3:4:5:6:7:1.2.3.4", NULL, NULL},
    {"1:2:3:4:5:1.2.3.4", NULL, NULL},
    {"1:2:3:4:5:6::1.2.3.4", NULL, NULL},
    {"::1.2.3", NULL, NULL},
    {"::1.2.3.4.5", NULL, NULL},
    {"::1.2.3.256", NULL, NULL},
    {"::01.2.3.4", NULL, NULL},
    {"::ffff:1.2.3.04", NULL, NULL},
    {"::a.2.3.4", NULL, NULL},
    {"::.2.3.4", NULL, NULL},
    {"::1.", NULL, NULL},
    {"1:2:3:4:5:6:7:8 ", NULL, NULL},
    {"0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL, NULL},
};

static void hexadecimal(char *to, const uint8_t *bytes, size_t n)
{
    *to = '\0';
    for (size_t i = 0; i < n; i++) to += sprintf(to, "%02x", bytes[i]);
}

Test(address, forms_of_rfc_4291_and_what_is_none)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct form *f = &forms[i];
        const size_t len = strlen(f->text);
        flowlog_addr a, before;
        memset(&a, 0x5A, sizeof a);
        before = a;
        const flowlog_status status = flowlog_addr_parse(f->text, len, &a);
        if (!f->bytes) {
            cr_expect_eq(status, FLOWLOG_E_SYNTAX, "'%s' was accepted", f->text);
            cr_expect(!memcmp(&a, &before, sizeof a), "'%s' changed the address", f->text);
            continue;
        }
        cr_expect_eq(status, FLOWLOG_OK, "'%s' was refused", f->text);
        if (status != FLOWLOG_OK) continue;
        char hex[40], text[FLOWLOG_ADDR_TEXT_MAX];
        const int wide = strlen(f->bytes) == 32;
        hexadecimal(hex, a.bytes, wide ? 16 : 4);
        cr_expect_eq(a.family, wide ? 6u : 4u, "'%s': family %u", f->text, a.family);
        cr_expect_str_eq(hex, f->bytes, "'%s' is %s", f->text, hex);
        if (!wide)
            for (int k = 4; k < 16; k++) cr_expect_eq(a.bytes[k], 0, "'%s': bytes behind the four", f->text);
        const size_t n = flowlog_addr_format(&a, text);
        cr_expect_str_eq(text, f->canonical ? f->canonical : f->text);
        cr_expect_eq(n, strlen(text));
    }
}

Test(address, nothing_outside_the_text_is_read)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *text = forms[i].text;
        const size_t len = strlen(text);
        flowlog_addr a;
        struct guard e = guard_end(text, len), s = guard_start(text, len);
        const flowlog_status wanted = forms[i].bytes ? FLOWLOG_OK : FLOWLOG_E_SYNTAX;
        cr_expect_eq(flowlog_addr_parse((char *)e.p, len, &a), wanted, "'%s'", text);
        cr_expect_eq(flowlog_addr_parse((char *)s.p, len, &a), wanted, "'%s'", text);
        guard_free(&e);
        guard_free(&s);
    }
}

Test(address, null_arguments)
{
    flowlog_addr a;
    cr_expect_eq(flowlog_addr_parse(NULL, 0, &a), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_addr_parse("::1", 3, NULL), FLOWLOG_E_ARGUMENT);
}

/* What inet_pton says: 4, 6 or 0.  It refuses leading zeros of octets as we do. */
static int opinion(const char *text, uint8_t out[16])
{
    memset(out, 0, 16);
    if (inet_pton(AF_INET, text, out) == 1) {
        for (const char *p = text; *p; p++)
            if (*p == '0' && (p == text || p[-1] == '.') && p[1] >= '0' && p[1] <= '9') return 0;
        return 4;
    }
    memset(out, 0, 16);
    return inet_pton(AF_INET6, text, out) == 1 ? 6 : 0;
}

/* Something like an address: pieces of one, in an order that is mostly right, then a few bytes changed. */
static void almost_address(char *t, size_t cap)
{
    static const char *const pieces[] = {"0", "1", "ffff", "12345", "::", ":", ".", "255", "256", "00", "01", "abc",
                                         "1.2.3.4", "db8", "127.0.0.1", "%", "g", "0000", "a:b", "10.", "::ffff:"};
    size_t n = 0;
    if (rnd(3) == 0) {
        n = (size_t)snprintf(t, cap, "%u.%u.%u.%u", rnd(300), rnd(300), rnd(rnd(2) ? 10 : 260), rnd(256));
    } else if (rnd(2) == 0) {
        const unsigned groups = 6 + rnd(4), gap = rnd(12);
        for (unsigned g = 0; g < groups; g++)
            n += (size_t)snprintf(t + n, cap - n, "%s%x", g ? g == gap ? "::" : ":" : gap ? "" : "::",
                                  rnd(rnd(2) ? 3 : 65536));
        if (rnd(4) == 0) n += (size_t)snprintf(t + n, cap - n, ":%u.%u.%u.%u", rnd(256), rnd(256), rnd(256), rnd(256));
    } else {
        for (unsigned i = 1 + rnd(9); i; i--)
            n += (size_t)snprintf(t + n, cap - n, "%s", pieces[rnd(sizeof pieces / sizeof *pieces)]);
    }
    for (unsigned i = rnd(3); i && n; i--) {
        const size_t at = rnd((uint32_t)n);
        if (rnd(2)) {
            t[at] = "0123456789abcdefABCDEF.:%-g"[rnd(27)];
        } else {
            memmove(t + at, t + at + 1, n - at);
            n--;
        }
    }
}

Test(address, a_million_strings_are_judged_as_by_inet_pton)
{
    unsigned accepted[7] = {0};
    for (int i = 0; i < 1000000; i++) {
        char t[160];
        uint8_t want[16];
        flowlog_addr a;
        almost_address(t, sizeof t);
        const int family = opinion(t, want);
        const flowlog_status status = flowlog_addr_parse(t, strlen(t), &a);
        accepted[family]++;
        cr_assert_eq(status, family ? FLOWLOG_OK : FLOWLOG_E_SYNTAX, "'%s': %d", t, (int)status);
        if (!family) continue;
        cr_assert_eq((int)a.family, family, "'%s'", t);
        cr_assert(!memcmp(a.bytes, want, 16), "'%s'", t);
    }
    cr_assert(accepted[0] > 100000 && accepted[4] > 50000 && accepted[6] > 50000, "%u %u %u", accepted[0], accepted[4],
              accepted[6]);
}

/*
 * inet_ntop knows RFC 5952 too, but writes ::1.2.3.4 (deprecated) where the first 12 bytes are zero and the
 * last 4 are not small.
 */
Test(address, formatting_agrees_with_inet_ntop_and_reads_back)
{
    for (int i = 0; i < 300000; i++) {
        flowlog_addr a = {{0}, 6}, b;
        char ours[FLOWLOG_ADDR_TEXT_MAX], theirs[INET6_ADDRSTRLEN];
        if (i % 3 == 0) a.family = 4;
        for (unsigned k = 0; k < (a.family == 4 ? 4u : 16u); k++) a.bytes[k] = (uint8_t)rnd(256);
        if (a.family == 6)
            for (unsigned g = 0, zeros = rnd(9); g < zeros; g++) {
                const unsigned at = rnd(8) * 2;
                a.bytes[at] = a.bytes[at + 1] = 0;
            }
        if (i % 30 == 1) memcpy(a.bytes, "\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12);
        const size_t n = flowlog_addr_format(&a, ours);
        cr_assert_eq(n, strlen(ours));
        cr_assert(inet_ntop(a.family == 4 ? AF_INET : AF_INET6, a.bytes, theirs, sizeof theirs));
        static const uint8_t zero[12];
        if (a.family == 4 || memcmp(a.bytes, zero, 12) != 0) cr_assert_str_eq(ours, theirs);
        cr_assert_eq(flowlog_addr_parse(ours, n, &b), FLOWLOG_OK, "%s", ours);
        cr_assert(!memcmp(&a, &b, sizeof a), "%s", ours);
    }
}

Test(address, no_address_is_a_dash)
{
    const flowlog_addr none = {{0}, 0};
    char text[FLOWLOG_ADDR_TEXT_MAX];
    cr_expect_eq(flowlog_addr_format(&none, text), 1);
    cr_expect_str_eq(text, "-");
}

Test(address, the_longest_text_fits)
{
    flowlog_addr a;
    char text[FLOWLOG_ADDR_TEXT_MAX];
    cr_assert_eq(flowlog_addr_parse("1111:2222:3333:4444:5555:6666:7777:8888", 39, &a), FLOWLOG_OK);
    cr_expect_eq(flowlog_addr_format(&a, text), FLOWLOG_ADDR_TEXT_MAX - 1);
    cr_assert_eq(flowlog_addr_parse("0000:0000:0000:0000:0000:ffff:255.255.255.255", 45, &a), FLOWLOG_OK);
    cr_expect_lt(flowlog_addr_format(&a, text), FLOWLOG_ADDR_TEXT_MAX);
}

Test(address, order_is_ipv4_before_ipv6_then_by_number)
{
    static const char *const rising[] = {"0.0.0.0", "0.0.0.255", "0.0.1.0", "9.255.255.255", "10.0.0.0", "127.0.0.1",
                                         "128.0.0.0", "255.255.255.255", "::", "::1", "::ffff:0.0.0.1",
                                         "::ffff:10.0.0.1", "0:0:0:1::", "7fff::", "8000::", "ffff::"};
    const size_t n = sizeof rising / sizeof *rising;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            flowlog_addr a, b;
            cr_assert_eq(flowlog_addr_parse(rising[i], strlen(rising[i]), &a), FLOWLOG_OK);
            cr_assert_eq(flowlog_addr_parse(rising[j], strlen(rising[j]), &b), FLOWLOG_OK);
            const int c = flowlog_addr_compare(&a, &b);
            cr_expect_eq((c > 0) - (c < 0), (i > j) - (i < j), "%s %s", rising[i], rising[j]);
        }
}
