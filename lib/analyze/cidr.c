/* SPDX-License-Identifier: MIT */
/* cidr.c - see cidr.h. */
#include "analyze/cidr.h"

#include <string.h>

#include "schema/ascii.h"

static unsigned width(unsigned family) { return family == 4 ? 32 : family == 6 ? 128 : 0; }

static void clear_behind(uint8_t bytes[16], unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        const unsigned keep = bits > 8 * i ? bits - 8 * i : 0;
        if (keep < 8) bytes[i] = (uint8_t)(bytes[i] & 0xFF00u >> keep);
    }
}

static unsigned common_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    for (unsigned i = 0; 8 * i < bits; i++) {
        unsigned differ = (unsigned)(a[i] ^ b[i]), at = 8 * i;
        if (!differ) continue;
        for (; !(differ & 0x80); differ <<= 1) at++;
        return at < bits ? at : bits;
    }
    return bits;
}

int flowlog__cidr_parse(flowlog_str text, struct fl_cidr *cidr)
{
    const char *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
    flowlog_addr addr;
    if (!slash || flowlog_addr_parse(text.ptr, (size_t)(slash - text.ptr), &addr) < 0) return 0;
    const char *p = slash + 1, *end = text.ptr + text.len;
    const size_t digits = (size_t)(end - p);
    unsigned bits = 0;
    if (digits < 1 || digits > 3 || (*p == '0' && digits > 1)) return 0;
    for (; p < end; p++) {
        if (!fl_ascii_is_digit(*p)) return 0;
        bits = bits * 10 + (unsigned)(*p - '0');
    }
    if (bits > width(addr.family)) return 0;
    *cidr = flowlog__cidr_of(&addr, bits);
    return 1;
}

struct fl_cidr flowlog__cidr_of(const flowlog_addr *addr, unsigned bits)
{
    struct fl_cidr c;
    const unsigned most = width(addr->family);
    memcpy(c.bytes, addr->bytes, sizeof c.bytes);
    c.family = (uint8_t)(most ? addr->family : 0);
    c.bits = (uint8_t)(bits < most ? bits : most);
    clear_behind(c.bytes, c.bits);
    return c;
}

size_t flowlog__cidr_format(const struct fl_cidr *cidr, char text[FL_CIDR_TEXT_MAX])
{
    flowlog_addr addr = {.family = cidr->family};
    memcpy(addr.bytes, cidr->bytes, sizeof addr.bytes);
    size_t n = flowlog_addr_format(&addr, text);
    const unsigned bits = cidr->bits;
    text[n++] = '/';
    if (bits >= 100) text[n++] = '1';
    if (bits >= 10) text[n++] = (char)('0' + bits / 10 % 10);
    text[n++] = (char)('0' + bits % 10);
    text[n] = '\0';
    return n;
}

/* The first `bits` bits are the same. */
static int same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    return !memcmp(a, b, bits / 8) && !((a[bits / 8 % 16] ^ b[bits / 8 % 16]) & (0xFF00u >> bits % 8 & 0xFF));
}

int flowlog__cidr_has(const struct fl_cidr *cidr, const flowlog_addr *addr)
{
    return cidr->family && cidr->family == addr->family && same_bits(cidr->bytes, addr->bytes, cidr->bits);
}

int flowlog__cidr_covers(const struct fl_cidr *outer, const struct fl_cidr *inner)
{
    return outer->family && outer->family == inner->family && outer->bits <= inner->bits &&
           same_bits(outer->bytes, inner->bytes, outer->bits);
}

int flowlog__cidr_overlaps(const struct fl_cidr *a, const struct fl_cidr *b)
{
    return flowlog__cidr_covers(a, b) || flowlog__cidr_covers(b, a);
}

unsigned flowlog__addr_common_bits(const flowlog_addr *a, const flowlog_addr *b)
{
    return a->family == b->family ? common_bits(a->bytes, b->bytes, width(a->family)) : 0;
}

int flowlog__addr_is_private(const flowlog_addr *addr)
{
    static const struct fl_cidr block[] = {
        {{10}, 4, 8}, {{172, 16}, 4, 12}, {{192, 168}, 4, 16}, {{100, 64}, 4, 10}, {{169, 254}, 4, 16},
        {{0xFC}, 6, 7}, {{0xFE, 0x80}, 6, 10},
    };
    for (size_t i = 0; i < sizeof block / sizeof *block; i++)
        if (flowlog__cidr_has(&block[i], addr)) return 1;
    return 0;
}
