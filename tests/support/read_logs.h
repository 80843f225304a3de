/* SPDX-License-Identifier: MIT */
/*
 * support/read_logs.h - random flow logs of many formats, healthy or damaged in every way that readers meet.
 *
 * The same seed gives the same text.
 */
#ifndef TEST_READ_LOGS_H
#define TEST_READ_LOGS_H

#include <string.h>

#include "support/read_model.h"

static uint64_t logs_state = 88172645463325252u;

static inline uint32_t rnd(uint32_t n)
{
    logs_state ^= logs_state << 13;
    logs_state ^= logs_state >> 7;
    logs_state ^= logs_state << 17;
    return (uint32_t)(logs_state >> 32) % n;
}

static inline void logs_seed(uint64_t seed)
{
    logs_state = seed * UINT64_C(0x9E3779B97F4A7C15) + 88172645463325252u;
    if (!logs_state) logs_state = 1;
    for (int i = 0; i < 8; i++) (void)rnd(2);
}

/* Header lines.  Two have 14 fields, so that only their names tell them apart. */
static const char *const log_formats[] = {
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
    "account-id version interface-id dstaddr srcaddr srcport dstport protocol bytes packets start end log-status action",
    "log-status pkt-dstaddr version vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr region az-id sublocation-type "
    "sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path account-id interface-id srcaddr "
    "dstaddr srcport dstport protocol packets bytes start end action",
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id "
    "tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id "
    "tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status "
    "type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags "
    "region flow-direction pkt-src-aws-service pkt-dst-aws-service",
    "srcaddr dstaddr bytes start",
    "version brand-new srcaddr Other_New log-status end",
    "flow-direction traffic-path srcaddr dstaddr srcport dstport encryption-status",
    "instance-id action type",
    "instance-id subnet-id vpc-id instance-tag",
    "srcaddr",
    "end start",
    "version account_id interfaceId srcAddr dst_addr srcport dstport protocol packets bytes startTime end action logStatus",
};
enum { LOG_FORMATS = sizeof log_formats / sizeof *log_formats };

static inline void log_token(struct text *t, const struct model_column *c, unsigned bad)
{
    static const char *const numbers[] = {"0", "1", "9", "10", "255", "256", "65535", "65536", "010", "00", "99999999",
                                          "100000000", "4294967295", "4294967296", "9999999999999999", "10000000000000000",
                                          "18446744073709551615", "18446744073709551616", "00000000000000000000000000001",
                                          "99999999999", "100000000000", "1512564058000"};
    static const char *const not_numbers[] = {"+1", "-1", "0x10", "1e3", "1.0", "12a", "a", "99999999999999999999", "--", "1,000"};
    static const char *const v6[] = {"::", "::1", "fe80::1", "2001:db8:1234:a100:8d6e:3477:df66:f105", "::ffff:10.0.0.1",
                                     "1:2:3:4:5:6:7::", "ABCD::EF01", "1:2:3:4:5:6:1.2.3.4"};
    static const char *const not_addresses[] = {"1.2.3", "1.2.3.256", "01.2.3.4", "fe80::1%eth0", "::1::", "12345::", "1.2.3.4.5",
                                                "host", "1:2:3:4:5:6:7:8:9", "10.0.0.1/8", "..."};
    static const char *const words[] = {"ACCEPT", "REJECT", "OK", "NODATA", "SKIPDATA", "IPv4", "IPv6", "ingress", "egress",
                                        "S3", "AMAZON_CONNECT", "TransitGateway", "wavelength", "nat_gateway"};
    static const char *const odd[] = {"accept", "Ok", "nodata", "DROP", "x", "ipv4", "ACCEPTED", "a-very-long-token-indeed", "\xC3\xA9"};
    static const char *const texts[] = {"123456789010", "unknown", "eni-1235b8ca123456789", "vpc-1", "subnet-22", "i-0", "a%2Db",
                                        "caf\xC3\xA9", "\xFF\x80", "~!@#$%^&*()", "TransitGateway"};
    const int wrong = rnd(1000) < bad;
    if (!wrong && rnd(12) == 0) {
        text_add(t, "-", 1);
        return;
    }
    switch (c->type) {
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_U64:
    case FLOWLOG_TYPE_TIME:
        if (wrong) text_print(t, "%s", not_numbers[rnd(10)]);
        else if (rnd(bad ? 30 : 100000) == 0) text_print(t, "%s", numbers[rnd(22)]);
        else if (c->type == FLOWLOG_TYPE_TIME) text_print(t, "%u%s", 1700000000 + rnd(100), rnd(300) ? "" : "000");
        else if (c->field == FLOWLOG_FIELD_PROTOCOL || c->field == FLOWLOG_FIELD_VERSION)
            text_print(t, "%u", 2 + rnd(90));
        else text_print(t, "%u", rnd(rnd(2) ? 65536 : 100));
        break;
    case FLOWLOG_TYPE_ADDR:
        if (wrong) text_print(t, "%s", not_addresses[rnd(11)]);
        else if (rnd(6) == 0) text_print(t, "%s", v6[rnd(8)]);
        else text_print(t, "%u.%u.%u.%u", rnd(256), rnd(256), rnd(100), rnd(10));
        break;
    case FLOWLOG_TYPE_ENUM:
        if (c->field == FLOWLOG_FIELD_LOG_STATUS && rnd(8)) text_add(t, "OK", 2);
        else if (c->field == FLOWLOG_FIELD_LOG_STATUS && rnd(3)) text_print(t, "%s", words[2 + rnd(3)]);
        else if (rnd(10) == 0) text_print(t, "%s", odd[rnd(9)]);
        else text_print(t, "%s", words[rnd(14)]);
        break;
    default: text_print(t, "%s", texts[rnd(11)]); break;
    }
}

/* A line of the format without its newline. */
static inline void log_row(struct text *t, const struct model_format *f, unsigned bad)
{
    const int empty = rnd(12) == 0; /* an interval without traffic */
    for (uint32_t i = 0; i < f->n; i++) {
        if (i) text_add(t, " ", 1);
        if (empty && model_is_flow(f->c[i].field)) text_add(t, "-", 1);
        else if (empty && f->c[i].field == FLOWLOG_FIELD_LOG_STATUS)
            text_print(t, "%s", rnd(2) ? "NODATA" : "SKIPDATA");
        else log_token(t, &f->c[i], bad);
    }
}

/* Replace line t[start..] by a damaged one. */
static inline void log_damage(struct text *t, size_t start, size_t line_max)
{
    static const char controls[] = "\0\x01\x1B\x7F\x0B\x0C\r\x1F";
    const size_t len = t->n - start, at = start + rnd((uint32_t)len + 1);
    char byte;
    switch (rnd(16)) {
    case 0: byte = controls[rnd(8)]; goto insert;
    case 1: byte = '\0'; goto insert;
    case 2: byte = '\t'; goto insert;
    case 3:
        byte = ' ';
    insert:
        text_add(t, &byte, 1);
        memmove(t->p + at + 1, t->p + at, t->n - 1 - at);
        t->p[at] = byte;
        break;
    case 4: text_add(t, "\r", 1); break;
    case 5: text_add(t, " ", 1); break;
    case 6: text_add(t, " \t \r", 4); break;
    case 7:
        text_add(t, "  ", 2);
        memmove(t->p + start + 2, t->p + start, len);
        memcpy(t->p + start, " \t", 2);
        break;
    case 8: text_add(t, " more", 5); break;
    case 9: /* the last value is gone */
        while (t->n > start && t->p[t->n - 1] != ' ') t->n--;
        if (t->n > start) t->n--;
        break;
    case 10: t->n = start + (at - start) / 2; break;
    case 11: /* all blanks are tabs or doubled */
        for (size_t i = start; i < t->n; i++)
            if (t->p[i] == ' ' && rnd(3)) t->p[i] = '\t';
        break;
    case 12: t->n = start; break;
    case 13: /* a comment, of as many words as a record */
        if (len) t->p[start] = '#';
        break;
    case 14: { /* around the limit */
        const size_t want = line_max - 2 + rnd(5);
        while (t->n - start < want) text_add(t, "x", 1);
        break;
    }
    default:
        for (unsigned i = 1 + rnd(4); i && len; i--) t->p[start + rnd((uint32_t)len)] = (char)rnd(256);
        break;
    }
}

struct log_plan {
    unsigned lines, damage, bad, headers; /* the last three in thousandths */
    size_t line_max;
    int format; /* -1: any */
    int headless;
};

static inline void log_make(struct text *t, const struct log_plan *plan)
{
    static struct model_format f;
    unsigned format = plan->format < 0 ? rnd(LOG_FORMATS) : (unsigned)plan->format;
    text_clear(t);
    if (plan->damage && rnd(8) == 0) text_add(t, "\xEF\xBB\xBF", 3);
    model_names(&f, log_formats[format]);
    if (!plan->headless) text_print(t, "%s\n", log_formats[format]);
    for (unsigned i = 0; i < plan->lines; i++) {
        const size_t start = t->n;
        if (rnd(1000) < plan->headers) { /* the same, another, or one that is wrong */
            const unsigned kind = rnd(8);
            if (kind == 0) text_print(t, "%s srcaddr srcaddr", log_formats[format]);
            else if (kind == 1) text_print(t, "srcaddr dstaddr no/such");
            else if (kind > 3) format = rnd(LOG_FORMATS);
            if (kind > 1) text_print(t, "%s", log_formats[format]);
            if (kind == 7) text_add(t, " \r", 2);
            if (kind > 1) model_names(&f, log_formats[format]);
        } else {
            log_row(t, &f, plan->bad);
            if (rnd(1000) < plan->damage) log_damage(t, start, plan->line_max ? plan->line_max : 300);
        }
        text_add(t, "\n", 1);
    }
    if (plan->damage && rnd(3) == 0 && t->n) t->p[--t->n] = '\0';
}

#endif
