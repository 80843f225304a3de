/* SPDX-License-Identifier: MIT */
/*
 * address.c - text of IPv4 and IPv6 addresses to values and back.
 *
 * Reading takes every form of RFC 4291 section 2.2 and no other: no zone id, no prefix length, no octet
 * with a leading zero (which some readers take for octal).  Writing is RFC 5952.
 */
#include "decode/address.h"

#include <string.h>

#include "flowlog/value.h"
#include "simd/ipv6.h"

int flowlog__parse_ipv4(const uint8_t *p, size_t len, uint32_t *value)
{
    uint32_t v = 0;
    size_t i = 0;
    for (int octet = 0; octet < 4; octet++) {
        uint32_t x = 0;
        size_t digits = 0;
        if (octet && (i >= len || p[i++] != '.')) return 0;
        for (; i < len && digits < 3 && p[i] >= '0' && p[i] <= '9'; i++, digits++)
            x = x * 10 + (uint32_t)(p[i] - '0');
        if (!digits || x > 255 || (digits > 1 && p[i - digits] == '0')) return 0;
        v = v << 8 | x;
    }
    *value = v;
    return i == len;
}

/* Four hexadecimal digits. */
static void write_group(uint8_t *t, uint32_t group)
{
    for (int k = 0; k < 4; k++) t[k] = (uint8_t)"0123456789abcdef"[group >> (12 - 4 * k) & 15];
}

int flowlog__parse_ipv6(const uint8_t *p, size_t len, uint8_t out[16])
{
    if (len > 45) return 0; /* six groups and a dotted quad */
    if (!memchr(p, '.', len)) return fl_parse_groups(p, len, out);

    /* The last 32 bits are a dotted quad: write them as two groups instead. */
    uint8_t text[45 + 9];
    uint32_t quad;
    size_t start = len;
    while (start && p[start - 1] != ':') start--;
    if (!start || !flowlog__parse_ipv4(p + start, len - start, &quad)) return 0;
    memcpy(text, p, start);
    write_group(text + start, quad >> 16);
    text[start + 4] = ':';
    write_group(text + start + 5, quad & 0xFFFF);
    return fl_parse_groups(text, start + 9, out);
}

flowlog_status flowlog_addr_parse(const char *text, size_t len, flowlog_addr *addr)
{
    flowlog_addr a = {{0}, 0};
    uint32_t v4;
    if (!text || !addr) return FLOWLOG_E_ARGUMENT;
    if (flowlog__parse_ipv4((const uint8_t *)text, len, &v4)) {
        for (int k = 0; k < 4; k++) a.bytes[k] = (uint8_t)(v4 >> (24 - 8 * k));
        a.family = 4;
    } else if (flowlog__parse_ipv6((const uint8_t *)text, len, a.bytes)) {
        a.family = 6;
    } else {
        return FLOWLOG_E_SYNTAX;
    }
    *addr = a;
    return FLOWLOG_OK;
}

static char *write_octet(char *t, unsigned v)
{
    if (v >= 100) *t++ = (char)('0' + v / 100);
    if (v >= 10) *t++ = (char)('0' + v / 10 % 10);
    *t++ = (char)('0' + v % 10);
    return t;
}

static char *write_quad(char *t, const uint8_t *b)
{
    for (int k = 0; k < 4; k++) {
        if (k) *t++ = '.';
        t = write_octet(t, b[k]);
    }
    return t;
}

static char *write_ipv6(char *t, const uint8_t *b)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    static const char hex[] = "0123456789abcdef";
    if (memcmp(b, mapped, sizeof mapped) == 0) {
        memcpy(t, "::ffff:", 7);
        return write_quad(t + 7, b + 12);
    }
    int best = 8, best_len = 1; /* the first longest run of at least two zero groups */
    for (int g = 0, run = 0; g < 8; g++) {
        run = b[2 * g] | b[2 * g + 1] ? 0 : run + 1;
        if (run > best_len) {
            best_len = run;
            best = g - run + 1;
        }
    }
    for (int g = 0; g < 8; g++) {
        if (g == best) {
            *t++ = ':';
            if (g == 0) *t++ = ':';
            g += best_len - 1;
            continue;
        }
        const unsigned v = (unsigned)b[2 * g] << 8 | b[2 * g + 1];
        if (v >= 0x1000) *t++ = hex[v >> 12];
        if (v >= 0x100) *t++ = hex[v >> 8 & 15];
        if (v >= 0x10) *t++ = hex[v >> 4 & 15];
        *t++ = hex[v & 15];
        if (g < 7) *t++ = ':';
    }
    return t;
}

size_t flowlog_addr_format(const flowlog_addr *addr, char text[FLOWLOG_ADDR_TEXT_MAX])
{
    char *t = text;
    if (addr->family == 4) t = write_quad(t, addr->bytes);
    else if (addr->family == 6) t = write_ipv6(t, addr->bytes);
    else *t++ = '-';
    *t = '\0';
    return (size_t)(t - text);
}

int flowlog_addr_compare(const flowlog_addr *a, const flowlog_addr *b)
{
    if (a->family != b->family) return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, 16);
}
