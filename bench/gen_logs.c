/* SPDX-License-Identifier: MIT */
/*
 * gen_logs.c - flow logs for the benchmarks, as many bytes as asked for, at some 500 MB/s.
 *
 *     gen_logs --kind v2|v2mixed|v2flows|v5|tgw --mb N [--seed S] > file      1 MB = 1 000 000 bytes
 *
 * v2       default format; one account, 200 interfaces, one clock era: the friendly shape
 * v2mixed  default format as an organisation's bucket holds it: 40 accounts, 2 000 interfaces with ids
 *          of both lengths, "::" addresses, byte counters of 1 to 11 digits, clock eras that change every
 *          2 048 records.  The published table is measured on this one
 * v2flows  the same, of 2 000 000 flows that come again and again, as those of real networks do; in the others a flow
 *          is hardly ever seen twice, and four of five combinations of addresses and port are new
 * v5       29 fields in an order of their own (that of a record example in the VPC User Guide),
 *          250 bytes a record
 * tgw      36 fields, the default of Transit Gateway flow logs
 *
 * All kinds: addresses by Zipf's law over 50 000 IPv4 and 4 000 IPv6 addresses, 5 % IPv6, 90 % ACCEPT,
 * 0.5 % (v2mixed: 1 %) NODATA and SKIPDATA.  The first line is the header.  The same seed gives the same
 * bytes everywhere: there is no floating point and no library random number.  Addresses are written in
 * their canonical form, so that programs which group by text and programs which group by value agree.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IPV4_COUNT 50000
#define IPV6_COUNT 4000
#define ZIPF_BITS 20
#define FLOWS 2000000 /* of v2flows */
#define RECORD_MAX 1024 /* no record is longer */

struct token {
    uint8_t len;
    char text[47];
};

static struct token ipv4[IPV4_COUNT], ipv6[IPV6_COUNT];
static uint32_t *zipf4, *zipf6;
static uint64_t state;

static uint64_t rnd(void) /* splitmix64 */
{
    uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint32_t below(uint32_t n) { return (uint32_t)(((rnd() >> 32) * n) >> 32); }

static char *put(char *p, const char *s)
{
    const size_t n = strlen(s);
    memcpy(p, s, n);
    return p + n;
}

static char *put_token(char *p, const struct token *t)
{
    memcpy(p, t->text, sizeof t->text); /* more than needed: a fixed size is faster */
    return p + t->len;
}

static char *put_number(char *p, uint64_t v)
{
    char digits[20];
    int n = 0;
    do digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    while (n > 0) *p++ = digits[--n];
    return p;
}

static void set(struct token *t, const char *text)
{
    const size_t n = strlen(text);
    if (n > sizeof t->text) abort();
    t->len = (uint8_t)n;
    memcpy(t->text, text, n);
}

static void hex(char *out, int digits)
{
    uint64_t v = 0;
    for (int i = 0; i < digits; i++) {
        if (i % 16 == 0) v = rnd();
        out[i] = "0123456789abcdef"[v & 15];
        v >>= 4;
    }
    out[digits] = 0;
}

/* Where the quantile q of 2^ZIPF_BITS falls when rank r (from 0) has the weight 1/(r+1). */
static uint32_t *make_zipf(uint32_t ranks)
{
    const uint32_t size = UINT32_C(1) << ZIPF_BITS;
    uint32_t *table = malloc(size * sizeof *table);
    if (table == NULL) exit(2);
    uint64_t total = 0, sum = 0;
    for (uint32_t r = 0; r < ranks; r++) total += (UINT64_C(1) << 36) / (r + 1);
    uint32_t q = 0;
    for (uint32_t r = 0; r < ranks; r++) {
        sum += (UINT64_C(1) << 36) / (r + 1);
        while (q < size && total / size * q < sum) table[q++] = r;
    }
    while (q < size) table[q++] = ranks - 1;
    return table;
}

static void make_addresses(int compressed)
{
    char text[64];
    for (uint32_t i = 0; i < IPV4_COUNT; i++) {
        const uint64_t v = rnd();
        if (v & 1) /* ours: distinct by construction */
            snprintf(text, sizeof text, "10.%u.%u.%u", (unsigned)(1 + i % 3), (unsigned)(i / 256 & 255),
                     (unsigned)(i & 255));
        else /* theirs: 11.0.0.0 to 126.255.255.255, a multiple of an odd number modulo 2^32 is distinct too */
            snprintf(text, sizeof text, "%u.%u.%u.%u", (unsigned)(11 + (i * 2654435761u >> 24) % 116),
                     (unsigned)(i * 2654435761u >> 16 & 255), (unsigned)(i >> 8 & 255),
                     (unsigned)(i & 255));
        set(&ipv4[i], text);
    }
    for (uint32_t i = 0; i < IPV6_COUNT; i++) {
        const uint64_t v = rnd();
        const unsigned g = (unsigned)(1 + i), a = (unsigned)(v & 0x7FFF) | 0x8000,
                       b = (unsigned)(v >> 16 & 0xFFF) | 0x1000, c = (unsigned)(v >> 32 & 0xFFFF) | 1,
                       d = (unsigned)(v >> 48 & 0xFFFF) | 2;
        switch (compressed ? i % 5 : 0) {
        case 1: snprintf(text, sizeof text, "2001:db8::%x", g); break;
        case 2: snprintf(text, sizeof text, "2001:db8:%x:%x::%x", a, b, g); break;
        case 3: snprintf(text, sizeof text, "2600:1f18:%x:%x:0:%x:%x:%x", a, b, c, d, g); break;
        case 4: snprintf(text, sizeof text, "fe80::%x:%x:%x:%x", a, b, d, g); break;
        default:
            snprintf(text, sizeof text, "2600:1f18:%x:%x:%x:%x:%x:%x", a, b, c, d,
                     (unsigned)(0x10 + i % 7), g);
        }
        set(&ipv6[i], text);
    }
}

/* What is the same in all records of one interface. */
struct interface {
    struct token account, eni, vpc, subnet, instance, az;
};

static struct interface *interfaces;
static uint32_t interface_count;

static void make_interfaces(uint32_t count, uint32_t accounts, int both_lengths)
{
    static const char *const az[] = {"use1-az1", "use1-az2", "use1-az4", "euc1-az3"};
    struct token account[64], vpc[64], subnet[64];
    char text[64], h[32];
    interface_count = count;
    interfaces = calloc(count, sizeof *interfaces);
    if (interfaces == NULL) exit(2);
    for (uint32_t i = 0; i < 64; i++) {
        snprintf(text, sizeof text, "%012" PRIu64,
                 i == 0 ? UINT64_C(123456789012) : rnd() % UINT64_C(1000000000000));
        set(&account[i], i == 7 ? "unknown" : text);
        hex(h, 17);
        snprintf(text, sizeof text, "vpc-%s", h);
        set(&vpc[i], text);
        hex(h, 17);
        snprintf(text, sizeof text, "subnet-%s", h);
        set(&subnet[i], text);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct interface *f = &interfaces[i];
        f->account = account[below(accounts)];
        hex(h, both_lengths && i % 5 == 0 ? 8 : 17);
        snprintf(text, sizeof text, "eni-%s", h);
        set(&f->eni, text);
        f->vpc = vpc[i % 5];
        f->subnet = subnet[i % 20];
        hex(h, 17);
        snprintf(text, sizeof text, "i-%s", h);
        set(&f->instance, i % 8 == 0 ? "-" : text);
        set(&f->az, az[i % 4]);
    }
}

/* One flow, before it is written. */
struct flow {
    const struct interface *where;
    const struct token *src, *dst;
    const char *status, *action;
    uint64_t packets, bytes, start, end;
    uint32_t sport, dport, protocol, flags;
    int v6, egress;
};

static const uint32_t services[] = {443,  443,  443,  443,  80,   80,   22,   53,
                                    3306, 5432, 8080, 8443, 6379, 9092, 3389, 123};

static void make_flow(struct flow *f, int mixed, int again, uint64_t n)
{
    static const uint64_t eras[] = {1772366400, 1418530010, 1616729292, 1566848875};
    static const uint8_t lengths[64] = {1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3,  3,
                                        3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,  4,
                                        4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5,  5,
                                        6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 9, 9, 10, 11};
    static const uint64_t tens[] = {1,       10,       100,       1000,       10000,       100000,
                                    1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000};
    uint64_t r = rnd();
    f->where = &interfaces[(uint32_t)(((r & 0xFFFF) * interface_count) >> 16)];
    f->start = (mixed ? eras[n / 2048 % 4] : eras[0]) + n / 3000 + (r >> 17 & 31);
    f->end = f->start + 29 + (r >> 22 & 31);
    f->action = (r >> 35 & 1023) < 102 ? "REJECT" : "ACCEPT";
    f->status = "OK";
    if ((r >> 45 & 1023) < (mixed ? 10u : 5u)) {
        f->status = (r >> 55 & 3) == 0 ? "SKIPDATA" : "NODATA";
        f->action = NULL;
        return;
    }
    const uint64_t flow = again ? below(FLOWS) : 0, here = state;
    if (again) { /* what follows is a function of the flow's number */
        state = flow;
        r = rnd();
    }
    f->egress = (int)(r >> 16 & 1);
    f->v6 = (r >> 27 & 255) < 13;
    const uint64_t a = rnd();
    const uint32_t mask = (UINT32_C(1) << ZIPF_BITS) - 1;
    f->src = f->v6 ? &ipv6[zipf6[a & mask]] : &ipv4[zipf4[a & mask]];
    f->dst = f->v6 ? &ipv6[zipf6[a >> 20 & mask]] : &ipv4[zipf4[a >> 20 & mask]];
    const uint32_t kind = (uint32_t)(a >> 40 & 31);
    f->protocol = kind < 22             ? 6
                  : kind < 30           ? 17
                  : f->v6               ? 58
                  : kind < 31 || !mixed ? 1
                  : (a >> 45 & 1)       ? 47
                                        : 50;
    f->sport = f->dport = 0;
    if (f->protocol == 6 || f->protocol == 17) {
        const uint32_t service = a >> 46 & 3 ? services[a >> 48 & 15] : (uint32_t)(a >> 48);
        const uint32_t client = 1024 + below(64512);
        f->sport = f->egress ? service : client;
        f->dport = f->egress ? client : service;
    }
    if (again) state = here;
    const uint64_t b = rnd();
    if (mixed) {
        const uint32_t len = lengths[b & 63];
        f->bytes = tens[len - 1] + (b >> 6) % (tens[len] - tens[len - 1]);
        f->packets = f->bytes / (40 + (b >> 40 & 1023)) + 1;
    } else {
        f->packets = 1 + ((b & 0xFFFF) >> (b >> 16 & 15));
        f->bytes = f->packets * (40 + (b >> 20 & 1023));
    }
    static const uint8_t flags[] = {0, 0, 2, 3, 18, 19, 1, 4};
    f->flags = f->protocol == 6 ? flags[b >> 56 & 7] : 0;
}

static char *space(char *p)
{
    *p = ' ';
    return p + 1;
}

static const char v2_header[] = "version account-id interface-id srcaddr dstaddr srcport dstport "
                                "protocol packets bytes start end action log-status\n";

static char *write_v2(char *p, const struct flow *f)
{
    p = put(p, "2 ");
    p = space(put_token(p, &f->where->account));
    p = space(put_token(p, &f->where->eni));
    if (f->action == NULL) {
        p = put(p, "- - - - - - - ");
    } else {
        p = space(put_token(p, f->src));
        p = space(put_token(p, f->dst));
        p = space(put_number(p, f->sport));
        p = space(put_number(p, f->dport));
        p = space(put_number(p, f->protocol));
        p = space(put_number(p, f->packets));
        p = space(put_number(p, f->bytes));
    }
    p = space(put_number(p, f->start));
    p = space(put_number(p, f->end));
    p = space(put(p, f->action ? f->action : "-"));
    p = put(p, f->status);
    *p++ = '\n';
    return p;
}

static const char v5_header[] =
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id "
    "subnet-id instance-id"
    " interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr"
    " pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status\n";

static char *write_v5(char *p, const struct flow *f)
{
    static const char *const service[] = {"S3",         "AMAZON", "EC2", "DYNAMODB",
                                          "CLOUDFRONT", "S3",     "EC2", "S3"};
    const struct interface *w = f->where;
    if (f->action == NULL) {
        p = put(p, "5 - - - - - ");
    } else {
        p = space(put_token(put(p, "5 "), f->src));
        p = space(put_token(p, f->dst));
        p = space(put_number(p, f->sport));
        p = space(put_number(p, f->dport));
        p = space(put_number(p, f->protocol));
    }
    p = space(put_number(p, f->start));
    p = space(put_number(p, f->end));
    if (f->action == NULL) {
        p = put(p, "- - - ");
    } else {
        p = put(p, f->v6 ? "IPv6 " : "IPv4 ");
        p = space(put_number(p, f->packets));
        p = space(put_number(p, f->bytes));
    }
    p = space(put_token(p, &w->account));
    p = space(put_token(p, &w->vpc));
    p = space(put_token(p, &w->subnet));
    p = space(put_token(p, &w->instance));
    p = space(put_token(p, &w->eni));
    p = put(p, "us-east-1 ");
    p = put(put_token(p, &w->az), " - - ");
    if (f->action == NULL) {
        p = put(p, "- - - - - - - - ");
    } else {
        const uint64_t r = rnd();
        p = space(put(p, f->action));
        p = space(put_number(p, f->flags));
        /* one in eight was translated on its way */
        p = space(put_token(p, (r & 7) || f->v6 ? f->src : &ipv4[zipf4[r >> 8 & 0xFFFF]]));
        p = space(put_token(p, f->dst));
        p = space(put(p, (r >> 3 & 15) == 0 ? service[r >> 32 & 7] : "-"));
        p = space(put(p, (r >> 24 & 15) == 0 ? service[r >> 35 & 7] : "-"));
        if (f->egress)
            p = put_number(p, (r >> 40 & 3) ? 1 : 8);
        else
            p = put(p, "-");
        p = put(p, f->egress ? " egress " : " ingress ");
    }
    p = put(p, f->status);
    *p++ = '\n';
    return p;
}

static const char tgw_header[] = "version resource-type account-id tgw-id tgw-attachment-id "
                                 "tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id"
                                 " tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni "
                                 "tgw-dst-eni tgw-src-az-id tgw-dst-az-id"
                                 " tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol "
                                 "packets bytes start end log-status type"
                                 " packets-lost-no-route packets-lost-blackhole "
                                 "packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region"
                                 " flow-direction pkt-src-aws-service pkt-dst-aws-service\n";

static char *write_tgw(char *p, const struct flow *f)
{
    static const char *const attachment[] = {
        "tgw-attach-0a0a0a0a0a0a0a0a1", "tgw-attach-0b0b0b0b0b0b0b0b2", "tgw-attach-0c0c0c0c0c0c0c0c3",
        "tgw-attach-0d0d0d0d0d0d0d0d4"};
    const uint64_t r = rnd();
    const struct interface *s = f->where,
                           *d = &interfaces[(uint32_t)(((r & 0xFFFF) * interface_count) >> 16)];
    p = put(p, "6 TransitGateway 123456789012 tgw-0123456789abcdef0 ");
    p = space(put(p, attachment[r >> 16 & 3]));
    p = space(put_token(p, &s->account));
    p = space(put_token(p, &d->account));
    p = space(put_token(p, &s->vpc));
    p = space(put_token(p, &d->vpc));
    p = space(put_token(p, &s->subnet));
    p = space(put_token(p, &d->subnet));
    p = space(put_token(p, &s->eni));
    p = space(put_token(p, &d->eni));
    p = space(put_token(p, &s->az));
    p = space(put_token(p, &d->az));
    p = space(put(p, attachment[r >> 18 & 3]));
    if (f->action == NULL) {
        p = put(p, "- - - - - - - ");
    } else {
        p = space(put_token(p, f->src));
        p = space(put_token(p, f->dst));
        p = space(put_number(p, f->sport));
        p = space(put_number(p, f->dport));
        p = space(put_number(p, f->protocol));
        p = space(put_number(p, f->packets));
        p = space(put_number(p, f->bytes));
    }
    p = space(put_number(p, f->start));
    p = space(put_number(p, f->end));
    p = put(p, f->status);
    if (f->action == NULL) return put(p, " - - - - - - us-east-1 - - -\n");
    p = put(p, f->v6 ? " IPv6 " : " IPv4 ");
    p = put(p, (r >> 20 & 63) == 0 ? "3 0 " : "0 0 ");
    p = put(p, (r >> 26 & 63) == 0 ? "12 0 " : "0 0 ");
    p = put(put_number(p, f->flags), " us-east-1 ");
    return put(p, f->egress ? "egress - -\n" : "ingress - -\n");
}

static void flush(const char *buffer, const char *end)
{
    const size_t n = (size_t)(end - buffer);
    if (fwrite(buffer, 1, n, stdout) != n) {
        fputs("gen_logs: cannot write\n", stderr);
        exit(2);
    }
}

static int usage(void)
{
    fputs("usage: gen_logs --kind v2|v2mixed|v2flows|v5|tgw --mb N [--seed S] > file\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *kind = NULL;
    uint64_t mb = 0;
    state = 1;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return usage();
        if (strcmp(argv[i], "--kind") == 0)
            kind = argv[i + 1];
        else if (strcmp(argv[i], "--mb") == 0)
            mb = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            state = strtoull(argv[i + 1], NULL, 10);
        else
            return usage();
    }
    if (kind == NULL || mb == 0) return usage();
    /* Written in large pieces, as downloads are: the page cache then keeps large pages, which map far faster. */
    setvbuf(stdout, NULL, _IOFBF, (size_t)4 << 20);
    const int again = strcmp(kind, "v2flows") == 0, mixed = again || strcmp(kind, "v2mixed") == 0;
    char *(*write_record)(char *, const struct flow *) = write_v2;
    const char *header = v2_header;
    if (strcmp(kind, "v5") == 0) {
        write_record = write_v5;
        header = v5_header;
    } else if (strcmp(kind, "tgw") == 0) {
        write_record = write_tgw;
        header = tgw_header;
    } else if (strcmp(kind, "v2") != 0 && !mixed) {
        return usage();
    }
    make_addresses(mixed || write_record != write_v2);
    zipf4 = make_zipf(IPV4_COUNT);
    zipf6 = make_zipf(IPV6_COUNT);
    make_interfaces(mixed ? 2000 : 200, mixed ? 40 : write_record == write_tgw ? 3 : 1, mixed);

    const size_t size = 1 << 20;
    char *buffer = malloc(size);
    if (buffer == NULL) return 2;
    char *p = put(buffer, header);
    uint64_t written = 0, goal = mb * 1000000;
    for (uint64_t n = 0; written + (uint64_t)(p - buffer) < goal; n++) {
        struct flow f;
        make_flow(&f, mixed, again, n);
        p = write_record(p, &f);
        if ((size_t)(p - buffer) > size - RECORD_MAX) {
            flush(buffer, p);
            written += (uint64_t)(p - buffer);
            p = buffer;
        }
    }
    flush(buffer, p);
    free(buffer);
    free(interfaces);
    free(zipf4);
    free(zipf6);
    return fflush(stdout) != 0 ? 2 : 0;
}
