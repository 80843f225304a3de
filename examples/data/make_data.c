/* SPDX-License-Identifier: MIT */
/*
 * make_data.c - a made-up VPC and one hour of its life, as the flow logs bundled with libflowlog.
 *
 *     make_data OUTDIR             writes vpc/ v5/ tgw/ damaged/ below OUTDIR
 *     make_data --tests DIR        writes the files of tests/data
 *     make_data --check OUTDIR     makes everything again in memory and compares (also --check --tests DIR)
 *
 * Only developers run it: the files are committed.  It needs zlib.  Nothing in it depends on time, locale,
 * floating point or the machine: the same text comes out everywhere.  Compressed bytes depend on the version
 * of zlib, so --check compares what they inflate to.
 *
 * A conversation is made once and seen by every interface it crosses, in both directions, as AWS records it:
 * that is what makes the planted faults (README.md) look the way the real ones do.  All addresses outside the
 * VPC are from the ranges set aside for documentation and benchmarks (RFC 5737, 3849, 2544), but for one S3.
 */
#define _POSIX_C_SOURCE 200809L
#define ZLIB_CONST
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define T0 1772366400 /* 2026-03-01T12:00:00Z */
#define MINUTES 60
#define ACCOUNT_A "123456789010"
#define ACCOUNT_B "210987654321"
#define VPC "vpc-0a1b2c3d4e5f60718"
#define V2_HEADER                                                                                      \
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end" \
    " action log-status\n"

static void die(const char *what, const char *name)
{
    fprintf(stderr, "make_data: %s: %s\n", name, what);
    exit(2);
}

/* ---- output ---------------------------------------------------------------------------------------- */

enum { PLAIN, GZIP, GZIP_MEMBERS, GZIP_CUT, GZIP_PADDED };
static int checking;
static int differences;
static const char *root;

struct text {
    char *p;
    size_t len, cap;
};

static void add(struct text *t, const void *data, size_t len)
{
    if (t->len + len > t->cap) {
        t->cap = (t->len + len) * 2 + 4096;
        t->p = realloc(t->p, t->cap);
        if (t->p == NULL) die("out of memory", "add");
    }
    if (len > 0) memcpy(t->p + t->len, data, len);
    t->len += len;
}

static void puts_to(struct text *t, const char *s) { add(t, s, strlen(s)); }

static void print(struct text *t, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof line) die("line too long", "print");
    add(t, line, (size_t)n);
}

static void gzip_member(struct text *out, const char *data, size_t len)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        die("deflateInit2 failed", "gzip");
    const size_t cap = deflateBound(&z, (uLong)len) + 64;
    unsigned char *buf = malloc(cap);
    if (buf == NULL) die("out of memory", "gzip");
    z.next_in = (const unsigned char *)data;
    z.avail_in = (uInt)len;
    z.next_out = buf;
    z.avail_out = (uInt)cap;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) die("deflate failed", "gzip");
    add(out, buf, cap - z.avail_out);
    deflateEnd(&z);
    free(buf);
}

static void make_parents(char *path)
{
    for (char *p = path + 1; *p != 0; p++)
        if (*p == '/') {
            *p = 0;
            if (mkdir(path, 0777) != 0 && errno != EEXIST) die(strerror(errno), path);
            *p = '/';
        }
}

/* gzread gives plain files as they are, and what was there of a damaged one. */
static void compare(const char *path, const struct text *want, int kind)
{
    gzFile f = gzopen(path, "rb");
    if (f == NULL) {
        printf("%s: missing\n", path);
        differences++;
        return;
    }
    struct text got = {0};
    char buf[65536];
    int n;
    while ((n = gzread(f, buf, sizeof buf)) > 0) add(&got, buf, (size_t)n);
    gzclose(f);
    int same;
    if (kind == GZIP_CUT)
        same = got.len > want->len / 4 && got.len < want->len && memcmp(got.p, want->p, got.len) == 0;
    else
        same = got.len == want->len && (got.len == 0 || memcmp(got.p, want->p, got.len) == 0);
    if (!same) {
        printf("%s: differs\n", path);
        differences++;
    }
    free(got.p);
}

static void output(const char *name, struct text *t, int kind)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", root, name);
    if (checking) {
        compare(path, t, kind);
    } else {
        struct text out = {0};
        if (kind == PLAIN) {
            add(&out, t->p, t->len);
        } else if (kind == GZIP_MEMBERS) { /* cut where it hurts: in the middle of a line */
            const size_t third = t->len / 3;
            gzip_member(&out, t->p, third);
            gzip_member(&out, t->p + third, third);
            gzip_member(&out, "", 0);
            gzip_member(&out, t->p + 2 * third, t->len - 2 * third);
        } else {
            gzip_member(&out, t->p, t->len);
            if (kind == GZIP_CUT) out.len = out.len * 6 / 10;
            if (kind == GZIP_PADDED) add(&out, "\0\0\0\0\0\0\0", 7);
        }
        make_parents(path);
        FILE *f = fopen(path, "wb");
        if (f == NULL || (out.len > 0 && fwrite(out.p, 1, out.len, f) != out.len) || fclose(f) != 0)
            die(strerror(errno), path);
        free(out.p);
    }
    free(t->p);
    memset(t, 0, sizeof *t);
}

/* ---- numbers that look random ------------------------------------------------------------------------ */

static uint64_t state = 20260301;

static uint64_t rnd64(void) /* splitmix64 */
{
    uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Never two of these in one expression: C does not say which is called first. */
static unsigned rnd(unsigned low, unsigned high) /* both included */
{
    return low + (unsigned)(rnd64() >> 33) % (high - low + 1);
}

/* ---- the VPC ------------------------------------------------------------------------------------------ */

enum { PUBLIC, WEB, APP, DB, BATCH };
static const char *const subnet_id[] = {"subnet-0f10a2b3c4d5e6f70", "subnet-0f11a2b3c4d5e6f71",
                                        "subnet-0f12a2b3c4d5e6f72", "subnet-0f13a2b3c4d5e6f73",
                                        "subnet-0f14a2b3c4d5e6f74"};

struct host {
    const char *account, *eni, *instance;
    int subnet;
    const char *az, *ip4, *ip6;
};

enum {
    ALB1,
    ALB2,
    NAT,
    BASTION,
    WEB1,
    WEB2,
    WEB3,
    APP1,
    APP2,
    APP3,
    RESOLVER,
    PG,
    MYSQL,
    STANDBY,
    BATCH1,
    BATCH2,
    SPARE,
    HOSTS
};
static const struct host host[HOSTS] = {
    [ALB1] = {ACCOUNT_A, "eni-0a10b2c3d4e5f6a01", "-", PUBLIC, "use1-az1", "10.0.0.11",
              "2001:db8:1234:a100:8d6e:3477:df66:f101"},
    [ALB2] = {ACCOUNT_A, "eni-0a10b2c3d4e5f6a02", "-", PUBLIC, "use1-az2", "10.0.0.12",
              "2001:db8:1234:a100:8d6e:3477:df66:f102"},
    [NAT] = {ACCOUNT_A, "eni-0a10b2c3d4e5f6a20", "-", PUBLIC, "use1-az1", "10.0.0.20", NULL},
    [BASTION] = {ACCOUNT_A, "eni-0a10b2c3d4e5f6a30", "i-0b57102030405060a", PUBLIC, "use1-az1",
                 "10.0.0.30", NULL},
    [WEB1] = {ACCOUNT_A, "eni-0b21c3d4e5f6a7b21", "i-0eb11121314151617", WEB, "use1-az1", "10.0.1.21",
              NULL},
    [WEB2] = {ACCOUNT_A, "eni-0b21c3d4e5f6a7b22", "i-0eb21222324252627", WEB, "use1-az1", "10.0.1.22",
              NULL},
    [WEB3] = {ACCOUNT_A, "eni-0b21c3d4e5f6a7b23", "i-0eb31323334353637", WEB, "use1-az2", "10.0.1.23",
              "2001:db8:1234:a101:3304:8879:34cf:4023"},
    [APP1] = {ACCOUNT_A, "eni-0c32d4e5f6a7b8c31", "i-0aa11121314151617", APP, "use1-az1", "10.0.2.31",
              NULL},
    [APP2] = {ACCOUNT_A, "eni-0c32d4e5f6a7b8c32", "i-0aa21222324252627", APP, "use1-az1", "10.0.2.32",
              NULL},
    [APP3] = {ACCOUNT_A, "eni-0c32d4e5f6a7b8c33", "i-0aa31323334353637", APP, "use1-az1", "10.0.2.33",
              NULL},
    [RESOLVER] = {ACCOUNT_A, "eni-0c32d4e5f6a7b8c53", "i-0d531323334353637", APP, "use1-az1",
                  "10.0.2.53", NULL},
    [PG] = {ACCOUNT_A, "eni-1a2b3c4d", "-", DB, "use1-az1", "10.0.3.41", NULL},
    [MYSQL] = {ACCOUNT_A, "eni-0d43e5f6a7b8c9d42", "-", DB, "use1-az1", "10.0.3.42", NULL},
    [STANDBY] = {ACCOUNT_A, "eni-5e6f7a8b", "-", DB, "use1-az1", "10.0.3.43", NULL},
    [BATCH1] = {ACCOUNT_B, "eni-0e54f6a7b8c9dae51", "i-0ba11121314151617", BATCH, "use1-az2",
                "10.0.4.51", NULL},
    [BATCH2] = {ACCOUNT_B, "eni-0e54f6a7b8c9dae52", "i-0ba21222324252627", BATCH, "use1-az2",
                "10.0.4.52", NULL},
    [SPARE] = {ACCOUNT_B, "eni-0e54f6a7b8c9dae60", "i-0ba61222324252627", BATCH, "use1-az2", "10.0.4.60",
               NULL},
};

struct record {
    int host, egress, path, flags; /* flags: tcp-flags, -1 for "-"; path 0 for "-" */
    int64_t start, end;
    const char *status, *action, *src_service, *dst_service;
    char src[40], dst[40], psrc[40], pdst[40];
    unsigned sport, dport, proto;
    uint64_t packets, bytes;
    size_t seq;
};

#define RECORDS_MAX 40000
static struct record *records;
static size_t record_count;

/* Each interface has its own clock of one-minute windows; a record never leaves its window. */
static int64_t window_start(int h, int64_t t)
{
    const int64_t offset = (h * 17) % 60;
    return t - (t - T0 - offset + 6000) % 60;
}

static struct record *new_record(int h, int64_t start, int64_t seconds)
{
    if (record_count == RECORDS_MAX) die("too many records", "new_record");
    struct record *r = &records[record_count];
    memset(r, 0, sizeof *r);
    r->seq = record_count++;
    r->host = h;
    r->start = start;
    r->end = start + seconds;
    const int64_t last = window_start(h, start) + 59;
    if (r->end > last) r->end = last;
    r->status = "OK";
    r->src_service = r->dst_service = "-";
    return r;
}

/* One direction of a conversation: who sends what to whom. */
struct way {
    const char *src, *dst;
    unsigned sport, dport, proto;
    uint64_t packets, bytes;
    int flags;
};

static struct record *see(int h, int egress, int64_t t, int64_t seconds, const struct way *w,
                          const char *action)
{
    struct record *r = seconds == 59 ? new_record(h, window_start(h, t), 59) /* all of the window */
                                     : new_record(h, t, w->packets == 1 ? 0 : seconds);
    r->egress = egress;
    r->action = action;
    snprintf(r->src, sizeof r->src, "%s", w->src);
    snprintf(r->dst, sizeof r->dst, "%s", w->dst);
    snprintf(r->psrc, sizeof r->psrc, "%s", w->src);
    snprintf(r->pdst, sizeof r->pdst, "%s", w->dst);
    r->sport = w->sport;
    r->dport = w->dport;
    r->proto = w->proto;
    r->packets = w->packets;
    r->bytes = w->bytes;
    r->flags = w->proto == 6 ? w->flags : 0;
    if (egress)
        r->path = strncmp(w->dst, "10.", 3) == 0 || strncmp(w->dst, "2001:db8:1234:", 14) == 0 ? 1 : 8;
    return r;
}

static struct way turned(const struct way *w, uint64_t packets, uint64_t bytes, int flags)
{
    struct way r = {w->dst, w->src, w->dport, w->sport, w->proto, packets, bytes, flags};
    return r;
}

enum verdict { FINE, REFUSED_BY_SG, REPLY_REFUSED_BY_ACL };

/* A conversation inside the VPC, or between it and the internet (host -1). */
static void converse(int client, int server, int64_t t, int64_t seconds, const struct way *request,
                     const struct way *reply, enum verdict verdict)
{
    if (client >= 0) see(client, 1, t, seconds, request, "ACCEPT");
    if (server >= 0) see(server, 0, t, seconds, request, verdict == REFUSED_BY_SG ? "REJECT" : "ACCEPT");
    if (verdict == REFUSED_BY_SG) return;
    if (server >= 0)
        see(server, 1, t, seconds, reply, verdict == REPLY_REFUSED_BY_ACL ? "REJECT" : "ACCEPT");
    if (verdict == REPLY_REFUSED_BY_ACL) return;
    if (client >= 0) see(client, 0, t, seconds, reply, "ACCEPT");
}

/* Out through the NAT gateway: six records (User Guide, "Traffic through a NAT gateway"). */
static void converse_by_nat(int client, const char *remote, int64_t t, int64_t seconds,
                            const struct way *request, const struct way *reply)
{
    const char *nat = host[NAT].ip4;
    const unsigned nat_port = rnd(1024, 65535);
    see(client, 1, t, seconds, request, "ACCEPT")->path = 1;
    struct way w = *request;
    w.dst = nat;
    struct record *r = see(NAT, 0, t, seconds, &w, "ACCEPT");
    snprintf(r->pdst, sizeof r->pdst, "%s", remote);
    w = *request;
    w.src = nat;
    w.sport = nat_port;
    see(NAT, 1, t, seconds, &w, "ACCEPT");
    w = *reply;
    w.dst = nat;
    w.dport = nat_port;
    see(NAT, 0, t, seconds, &w, "ACCEPT");
    w = *reply;
    w.src = nat;
    r = see(NAT, 1, t, seconds, &w, "ACCEPT");
    snprintf(r->psrc, sizeof r->psrc, "%s", remote);
    see(client, 0, t, seconds, reply, "ACCEPT");
}

/* Traffic in kilobytes, from low to high. */
struct volume {
    unsigned up_low, up_high, down_low, down_high;
};

static void tcp(int client, const char *from, int server, const char *to, unsigned cport, unsigned port,
                int64_t t, int64_t seconds, struct volume v, int long_lived)
{
    const uint64_t kb_up = rnd(v.up_low, v.up_high);
    const uint64_t kb_down = rnd(v.down_low, v.down_high);
    const uint64_t up = 4 + kb_up + kb_down / 3, down = 4 + kb_down + kb_up / 3;
    struct way request = {
        from, to, cport, port, 6, up, up * 52 + kb_up * 1000 + rnd(0, 400), long_lived ? 0 : 3};
    struct way reply =
        turned(&request, down, down * 52 + kb_down * 1000 + rnd(0, 400), long_lived ? 0 : 19);
    converse(client, server, t, seconds, &request, &reply, FINE);
}

static void idle(int h, int64_t t, const char *status)
{
    struct record *r = new_record(h, window_start(h, t), 59);
    r->status = status;
}

static char pool[64][40];

static const char *client_v4(void)
{
    char *p = pool[rnd(0, 63)];
    const unsigned k = rnd(0, 99); /* a few clients come often, most seldom */
    const unsigned n = k < 50 ? rnd(1, 12) : k < 85 ? rnd(1, 200) : rnd(1, 1000);
    if (n < 100)
        snprintf(p, 40, "203.0.113.%u", 128 + n);
    else
        snprintf(p, 40, "198.18.%u.%u", n / 250, n % 250 + 1);
    return p;
}

static const char *client_v6(void)
{
    char *p = pool[rnd(0, 63)];
    const unsigned n = rnd(1, 40);
    snprintf(p, 40, "2001:db8:%x:%x:%x:%x:%x:%x", 0x4000 + n % 9, 0x1a0 + n, 0x2b10 + n, 0x88 + n * 7,
             0x3c00 + n, 0x4f10 + n * 13);
    return p;
}

/* ---- one hour ----------------------------------------------------------------------------------------- */

static unsigned linux_port(void) { return rnd(32768, 60999); }

static void internet_noise(int64_t t)
{
    static const unsigned ports[] = {23,   445,  3389, 8080, 5060, 1433, 6379, 81,
                                     2323, 5555, 8728, 53,   123,  161,  11211};
    static const int targets[] = {ALB1, ALB2, NAT, BASTION, WEB1, WEB2, WEB3};
    const unsigned count = rnd(5, 11);
    for (unsigned i = 0; i < count; i++) {
        char from[40];
        const unsigned n = rnd(0, 256 * 254 - 1);
        snprintf(from, sizeof from, "198.19.%u.%u", n / 254, n % 254 + 1);
        const int h = targets[rnd(0, 6)];
        const int64_t at = t + rnd(0, 59);
        if (rnd(0, 19) == 0) {
            struct way ping = {from, host[h].ip4, 0, 0, 1, rnd(1, 2), 0, 0};
            ping.bytes = ping.packets * 28;
            see(h, 0, at, 2, &ping, "REJECT");
            continue;
        }
        const unsigned any = rnd(1024, 65535), port = rnd(0, 2) == 0 ? any : ports[any % 15];
        const unsigned proto =
            port == 5060 || port == 53 || port == 123 || port == 161 || port == 11211 ? 17 : 6;
        const unsigned bytes = proto == 6 ? 40 + 4 * rnd(0, 1) : rnd(40, 420);
        struct way w = {from, host[h].ip4, rnd(1024, 65535), port, proto, 1, bytes, 2};
        see(h, 0, at, 0, &w, "REJECT");
    }
}

static void daily_work(int m)
{
    static unsigned keep_port[2][3], app_port[3][3], db_port[3][2];
    const int64_t t = T0 + 60 * m;
    if (m % 20 == 0) {
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) app_port[i][j] = linux_port();
            db_port[i][0] = linux_port();
            db_port[i][1] = linux_port();
            keep_port[0][i] = rnd(1024, 65535);
            keep_port[1][i] = rnd(1024, 65535);
        }
    }
    for (int i = 0; i < 13; i++) { /* visitors, two of thirteen by IPv6 */
        const int v6 = i >= 11, alb = rnd(0, 1) ? ALB1 : ALB2;
        const char *from = v6 ? client_v6() : client_v4();
        const unsigned cport = rnd(1024, 65535), port = rnd(0, 9) == 0 ? 80 : 443;
        const int64_t at = t + rnd(0, 50), seconds = rnd(1, 9);
        const struct volume visit = {1, 5, 4, 90};
        tcp(-1, from, alb, v6 ? host[alb].ip6 : host[alb].ip4, cport, port, at, seconds, visit, 0);
    }
    const int kept = m % 20 != 0; /* connections between the tiers live for twenty minutes */
    for (int a = 0; a < 2; a++)
        for (int w = 0; w < 3; w++)
            tcp(ALB1 + a, host[ALB1 + a].ip4, WEB1 + w, host[WEB1 + w].ip4, keep_port[a][w], 8080, t, 59,
                (struct volume){3, 12, 40, 160}, kept);
    for (int w = 0; w < 3; w++)
        for (int a = 0; a < 2; a++)
            tcp(WEB1 + w, host[WEB1 + w].ip4, APP1 + a, host[APP1 + a].ip4, app_port[w][a], 8443, t, 59,
                (struct volume){4, 20, 20, 80}, kept);
    for (int a = 0; a < 3; a++) {
        tcp(APP1 + a, host[APP1 + a].ip4, PG, host[PG].ip4, db_port[a][0], 5432, t, 59,
            (struct volume){5, 30, 20, 300}, kept);
        if (m % 2 == a % 2)
            tcp(APP1 + a, host[APP1 + a].ip4, MYSQL, host[MYSQL].ip4, db_port[a][1], 3306, t, 59,
                (struct volume){2, 10, 5, 60}, m % 20 > 1);
    }
    /* names: every server asks the resolver, the resolver asks outside (queries to AmazonProvidedDNS are not logged) */
    for (int i = 0; i < 3; i++) {
        static const int askers[] = {WEB1, WEB2, WEB3, APP1, APP2, APP3, BATCH1, BATCH2};
        const int h = askers[rnd(0, 7)];
        const unsigned cport = linux_port();
        struct way q = {host[h].ip4, host[RESOLVER].ip4, cport, 53, 17, 1, rnd(58, 90), 0};
        struct way a = turned(&q, 1, q.bytes + rnd(16, 200), 0);
        converse(h, RESOLVER, t + rnd(0, 59), 0, &q, &a, FINE);
    }
    const unsigned forward_port = linux_port();
    struct way q = {host[RESOLVER].ip4, "198.51.100.53", forward_port, 53, 17, 1, rnd(60, 92), 0};
    struct way a = turned(&q, 1, q.bytes + rnd(16, 300), 0);
    converse_by_nat(RESOLVER, "198.51.100.53", t + rnd(0, 59), 0, &q, &a);
    if (m % 3 == 0) {
        const int h = (m / 3) % 2 ? APP1 + m % 3 : BATCH1 + (m / 6) % 2;
        struct way n = {host[h].ip4, "203.0.113.123", 123, 123, 17, 1, 76, 0};
        struct way r = turned(&n, 1, 76, 0);
        converse_by_nat(h, "203.0.113.123", t + rnd(0, 59), 0, &n, &r);
    }
    for (int i = 0; i < 2; i++) {
        const int h = APP1 + (int)rnd(0, 2);
        const unsigned cport = linux_port();
        struct way up = {host[h].ip4, "192.0.2.10", cport, 443, 6, rnd(9, 20), 0, 3};
        up.bytes = up.packets * 52 + rnd(900, 6000);
        struct way down = turned(&up, up.packets + 2, up.packets * 52 + rnd(3000, 20000), 19);
        const int64_t at = t + rnd(0, 50);
        converse_by_nat(h, "192.0.2.10", at, rnd(1, 6), &up, &down);
    }
    if (m % 5 == 2) { /* S3 by a gateway endpoint: no NAT on the way */
        const int h = APP1 + (int)rnd(0, 1);
        const unsigned cport = linux_port();
        struct way up = {host[h].ip4, "52.216.10.34", cport, 443, 6, rnd(400, 4000), 0, 3};
        up.bytes = up.packets * 1440;
        struct way down = turned(&up, up.packets / 2, up.packets / 2 * 52 + 5000, 19);
        struct record *r = see(h, 1, t + 3, 40, &up, "ACCEPT");
        r->path = 7;
        r->dst_service = "S3";
        see(h, 0, t + 3, 40, &down, "ACCEPT")->src_service = "S3";
    }
    if (m % 2 == 0) { /* monitoring by ping, over IPv4 and once in a while over IPv6 */
        const int h = WEB1 + (m / 2) % 3;
        struct way ping = {host[BASTION].ip4, host[h].ip4, 0, 0, 1, 4, 336, 0};
        struct way pong = turned(&ping, 4, 336, 0);
        converse(BASTION, h, t + 5, 4, &ping, &pong, FINE);
        struct way ping6 = {host[ALB1].ip6, host[WEB3].ip6, 0, 0, 58, 3, 312, 0};
        struct way pong6 = turned(&ping6, 3, 312, 0);
        if (m % 10 == 0) converse(ALB1, WEB3, t + 7, 3, &ping6, &pong6, FINE);
    }
    if (m >= 3 && m <= 40) /* an administrator at work: one session from end to end */
        tcp(-1, "203.0.113.10", BASTION, host[BASTION].ip4, 51514, 22, t, 59,
            (struct volume){2, 9, 3, 20}, m != 3 && m != 40);
    if (m % 2 == 0)
        idle(STANDBY, t, "NODATA");
    else
        tcp(PG, host[PG].ip4, STANDBY, host[STANDBY].ip4, 41001, 5432, t, 59,
            (struct volume){20, 90, 2, 2}, 1);
    idle(SPARE, t, "NODATA");
    internet_noise(t);
}

/* The planted faults.  README.md lists them: change both. */
static void faults(int m)
{
    const int64_t t = T0 + 60 * m;
    if (m % 2 == 1) /* 1: app-3's security group does not let the web tier in */
        for (int w = 0; w < 3; w++) {
            struct way syn = {host[WEB1 + w].ip4, host[APP3].ip4, linux_port(), 8443, 6, 3, 180, 2};
            converse(WEB1 + w, APP3, t + rnd(0, 30), 7, &syn, NULL, REFUSED_BY_SG);
        }
    if (m >= 10) /* 2: the database subnet's network ACL does not let replies out to the batch subnet */
        for (int b = 0; b < 2; b++) {
            struct way syn = {host[BATCH1 + b].ip4, host[MYSQL].ip4, linux_port(), 3306, 6, 3, 180, 2};
            struct way ack = turned(&syn, 5, 300, 18);
            converse(BATCH1 + b, MYSQL, t + rnd(0, 30), 7, &syn, &ack, REPLY_REFUSED_BY_ACL);
        }
    if (m >= 20 && m <= 22) /* 3: a port scan of web-1 */
        for (unsigned i = 0; i < 40; i++) {
            const unsigned k = (unsigned)(m - 20) * 40 + i;
            struct way syn = {
                "198.51.100.77", host[WEB1].ip4, 40000 + k % 7, k * 8 + 1 + k % 5, 6, 1, 44, 2};
            see(WEB1, 0, t + i * 60 / 40, 0, &syn, "REJECT");
        }
    if (m >= 30 && m < 40) { /* 4: passwords guessed at the bastion; the other public hosts refuse */
        for (unsigned i = 0; i < 5; i++) {
            const unsigned cport = 50000 + (unsigned)m * 60 + i * 11;
            struct way in = {"203.0.113.99", host[BASTION].ip4, cport, 22, 6, rnd(12, 22), 0, 3};
            in.bytes = in.packets * 52 + rnd(1400, 1900);
            struct way out = turned(&in, in.packets - 1, in.packets * 52 + rnd(1700, 2300), 19);
            converse(-1, BASTION, t + i * 11, 6, &in, &out, FINE);
        }
        static const int others[] = {NAT, WEB1, WEB2, WEB3};
        for (int i = 0; i < 4; i++) {
            const unsigned cport = 50001 + (unsigned)m * 60 + (unsigned)i;
            struct way syn = {"203.0.113.99", host[others[i]].ip4, cport, 22, 6, 1, 60, 2};
            see(others[i], 0, t + 1 + 3 * i, 0, &syn, "REJECT");
        }
    }
    if (m >= 45 && m <= 55) { /* 5: something leaves */
        struct way out = {host[BATCH2].ip4, "192.0.2.200", 47222, 443, 6, 373000 + rnd(0, 999), 0,
                          m == 45 ? 2 : 0};
        out.bytes = out.packets * 1400;
        struct way in = turned(&out, out.packets / 4, out.packets / 4 * 52, m == 45 ? 18 : 0);
        converse_by_nat(BATCH2, "192.0.2.200", t, 59, &out, &in);
    }
    if (m == 17) idle(ALB1, t, "SKIPDATA");
    if (m == 33) idle(NAT, t, "SKIPDATA");
    if (m == 41) idle(ALB2, t, "SKIPDATA");
}

static int by_start(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void write_v2(struct text *t, const struct record *r)
{
    const struct host *h = &host[r->host];
    if (r->action == NULL)
        print(t, "2 %s %s - - - - - - - %" PRId64 " %" PRId64 " - %s\n", h->account, h->eni, r->start,
              r->end, r->status);
    else
        print(t, "2 %s %s %s %s %u %u %u %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s %s\n",
              h->account, h->eni, r->src, r->dst, r->sport, r->dport, r->proto, r->packets, r->bytes,
              r->start, r->end, r->action, r->status);
}

#define V5_HEADER                                                                                      \
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id " \
    "subnet-id"                                                                                        \
    " instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags "         \
    "pkt-srcaddr"                                                                                      \
    " pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status\n"

static void write_v5(struct text *t, const struct record *r)
{
    const struct host *h = &host[r->host];
    if (r->action == NULL) { /* metadata of the interface stays */
        print(t,
              "5 - - - - - %" PRId64 " %" PRId64 " - - - %s " VPC
              " %s %s %s us-east-1 %s - - - - - - - - - - %s\n",
              r->start, r->end, h->account, subnet_id[h->subnet], h->instance, h->eni, h->az, r->status);
        return;
    }
    char path[4] = "-";
    if (r->path != 0) snprintf(path, sizeof path, "%d", r->path % 10);
    print(t,
          "5 %s %s %u %u %u %" PRId64 " %" PRId64 " %s %" PRIu64 " %" PRIu64 " %s " VPC
          " %s %s %s us-east-1 %s",
          r->src, r->dst, r->sport, r->dport, r->proto, r->start, r->end,
          strchr(r->src, ':') ? "IPv6" : "IPv4", r->packets, r->bytes, h->account, subnet_id[h->subnet],
          h->instance, h->eni, h->az);
    print(t, " - - %s %d %s %s %s %s %s %s %s\n", r->action, r->flags, r->psrc, r->pdst, r->src_service,
          r->dst_service, path, r->egress ? "egress" : "ingress", r->status);
}

static void make_vpc(void)
{
    static const char *const accounts[] = {ACCOUNT_A, ACCOUNT_B};
    static const char *const flow_log[] = {"fl-0123456789abcdef0", "fl-0fedcba9876543210"};
    for (int a = 0; a < 2; a++)
        for (int slot = 0; slot < MINUTES / 5; slot++) {
            struct text t = {0};
            puts_to(&t, V2_HEADER);
            for (size_t i = 0; i < record_count; i++)
                if (strcmp(host[records[i].host].account, accounts[a]) == 0 &&
                    (records[i].end - T0) / 300 == slot)
                    write_v2(&t, &records[i]);
            char name[256];
            snprintf(name, sizeof name,
                     "vpc/AWSLogs/%s/vpcflowlogs/us-east-1/2026/03/01/"
                     "%s_vpcflowlogs_us-east-1_%s_20260301T12%02dZ_"
                     "%08" PRIx32 ".log.gz",
                     accounts[a], accounts[a], flow_log[a], slot * 5,
                     (uint32_t)(slot == 0 && a == 0 ? 0x1a2b3c4d : rnd64()));
            output(name, &t, GZIP);
        }
}

static void make_v5(void)
{
    struct text t = {0};
    puts_to(&t, V5_HEADER);
    for (size_t i = 0; i < record_count; i++)
        if (records[i].end >= T0 + 20 * 60 && records[i].end < T0 + 35 * 60) write_v5(&t, &records[i]);
    output("v5/" ACCOUNT_A "_vpcflowlogs_us-east-1_fl-0aabbccddeeff0011_20260301T1220Z_5e6f7081.log.gz",
           &t, GZIP);
}

/* ---- a Transit Gateway: the default format has all 36 fields -------------------------------------------- */

static const char tgw_header[] =
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id "
    "tgw-dst-vpc-account-id"
    " tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni "
    "tgw-src-az-id"
    " tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end"
    " log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded"
    " packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service "
    "pkt-dst-aws-service\n";

struct attachment {
    const char *id, *account, *vpc, *subnet, *eni, *az, *net;
};

static const struct attachment attachment[] = {
    {"tgw-attach-0a0a0a0a0a0a0a0a1", ACCOUNT_A, VPC, "subnet-0f15a2b3c4d5e6f75", "eni-0f65a7b8c9daebf01",
     "use1-az1", "10.0"},
    {"tgw-attach-0b0b0b0b0b0b0b0b2", ACCOUNT_B, "vpc-0b2c3d4e5f6071829", "subnet-0e25a2b3c4d5e6f75",
     "eni-0f65a7b8c9daebf02", "use1-az2", "10.20"},
    {"tgw-attach-0c0c0c0c0c0c0c0c3", "333322221111", "vpc-0c3d4e5f60718293a", "subnet-0d35a2b3c4d5e6f75",
     "eni-0f65a7b8c9daebf03", "use1-az4", "10.40"},
};

static void tgw_record(struct text *t, const struct attachment *s, const struct attachment *d,
                       int egress, const char *src, const char *dst, unsigned sport, unsigned dport,
                       unsigned proto, uint64_t packets, uint64_t bytes, int64_t start,
                       uint64_t no_route, uint64_t blackhole, uint64_t mtu, uint64_t ttl, int flags)
{
    const struct attachment *here = egress && d != NULL ? d : s, *there = egress && d != NULL ? s : d;
    print(t, "6 TransitGateway " ACCOUNT_A " tgw-0123456789abcdef0 %s %s %s %s %s %s %s %s %s %s %s %s ",
          here->id, s->account, d ? d->account : "-", s->vpc, d ? d->vpc : "-", s->subnet,
          d ? d->subnet : "-", s->eni, d ? d->eni : "-", s->az, d ? d->az : "-",
          there ? there->id : "-");
    print(t,
          "%s %s %u %u %u %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " OK IPv4 %" PRIu64 " %" PRIu64
          " %" PRIu64 " %" PRIu64 " %d us-east-1 %s - -\n",
          src, dst, sport, dport, proto, packets, bytes, start, start + 59, no_route, blackhole, mtu,
          ttl, flags, egress ? "egress" : "ingress");
}

static void make_tgw(void)
{
    struct text t = {0};
    puts_to(&t, tgw_header);
    for (int m = 0; m < 15; m++) {
        const int64_t start = T0 + 60 * m;
        for (int i = 0; i < 8; i++) {
            const unsigned a = rnd(0, 2), b = (a + rnd(1, 2)) % 3, x = rnd(0, 159), y = rnd(0, 159);
            const struct attachment *c = &attachment[a], *s = &attachment[b];
            char from[40], to[40];
            snprintf(from, sizeof from, "%s.%u.%u", c->net, 1 + x / 40, 20 + x % 40);
            snprintf(to, sizeof to, "%s.%u.%u", s->net, 1 + y / 40, 20 + y % 40);
            const unsigned port = rnd(0, 3) == 0 ? 5432 : 443, cport = linux_port();
            const uint64_t up = rnd(5, 60), down = rnd(5, 300);
            for (int egress = 0; egress < 2; egress++)
                tgw_record(&t, c, s, egress, from, to, cport, port, 6, up, up * 300, start, 0, 0, 0, 0,
                           3);
            for (int egress = 0; egress < 2; egress++)
                tgw_record(&t, s, c, egress, to, from, port, cport, 6, down, down * 1100, start, 0, 0, 0,
                           0, 19);
        }
        /* no route to 10.99.0.0/16; a blackhole route to 10.66.0.0/16; jumbo frames that do not fit */
        tgw_record(&t, &attachment[0], NULL, 0, "10.0.4.51", "10.99.1.7", linux_port(), 443, 6, 3, 180,
                   start, 3, 0, 0, 0, 2);
        if (m % 3 == 0)
            tgw_record(&t, &attachment[1], NULL, 0, "10.20.1.30", "10.66.0.9", linux_port(), 22, 6, 4,
                       240, start, 0, 4, 0, 0, 2);
        if (m % 5 == 0)
            tgw_record(&t, &attachment[0], &attachment[2], 0, "10.0.4.52", "10.40.2.36", 47111, 2049, 6,
                       90, 801000, start, 0, 0, 12, 0, 0);
    }
    print(&t,
          "6 TransitGateway " ACCOUNT_A
          " tgw-0123456789abcdef0 %s - - - - - - - - - - - - - - - - - - %d %d NODATA"
          " - - - - - - us-east-1 - - -\n",
          attachment[2].id, T0 + 900, T0 + 959);
    output("tgw/" ACCOUNT_A "_vpcflowlogs_us-east-1_fl-0ffeeddccbbaa9988_20260301T1200Z_9a8b7c6d.log.gz",
           &t, GZIP);
}

/* ---- damage --------------------------------------------------------------------------------------------- */

#define GOOD "2 " ACCOUNT_A " eni-0b21c3d4e5f6a7b21 "

static void make_damaged(void)
{
    struct text t = {0};
    /* clang-format off */
    /* README.md counts these lines: change both. */
    puts_to(&t, V2_HEADER
            GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n"
            "\n"
            "# a comment, as people leave them\n"
            GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT\n"          /* too few */
            GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK extra\n" /* too many */
            GOOD "10.0.0.11 10.0.1.21 70000 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n"       /* port */
            GOOD "10.0.0.11 10.0.1.21 -1 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n"
            GOOD "10.0.0.11 10.0.1.21 40110 0x50 6 10 1040 1772366400 1772366459 ACCEPT OK\n"
            GOOD "10.0.0.11 10.0.1.21 40110 8080 256 10 1040 1772366400 1772366459 ACCEPT OK\n" /* protocol */
            GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 18446744073709551616 1772366400 1772366459 ACCEPT OK\n"
            GOOD "10.0.0.256 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n" /* addresses */
            GOOD "10.0.0.011 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n"
            GOOD "10.0.0.11 fe80::1%eth0 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n"
            GOOD "10.0.0.11 10.0.1.21 40110  8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n" /* two blanks: fine */
            GOOD "10.0.0.11\t10.0.1.21\t40110\t8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n" /* tabs: fine */
            " " GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK \n" /* ends: fine */
            GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400000 1772366459000 ACCEPT OK\n" /* ms: fine */
            GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366459 1772366400 ACCEPT OK\n" /* start > end: fine */
            GOOD "10.0.0.11 10.0.1.21 00443 8080 6 10 1040 1772366400 1772366459 accept ok\n" /* case, zeros: fine */
            GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 DROP OK\n"   /* open set: fine */
            "2 unknown - ::ffff:10.0.0.1 2001:db8::1 0 0 58 1 104 1772366400 1772366400 ACCEPT OK\n");
    puts_to(&t, GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACC\x01PT OK\n"); /* control */
    add(&t, GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\0\n",
        sizeof(GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\0\n") - 1);
    puts_to(&t, V2_HEADER /* repeated: two files were joined */
            GOOD "- - - - - - - 1772366460 1772366519 - NODATA\n"
            GOOD "- - - - - - - 1772366520 1772366579 - SKIPDATA\n"
            /* another format from here on */
            "flow-direction traffic-path srcaddr dstaddr srcport dstport action log-status\n"
            "ingress - 10.0.0.11 10.0.1.21 40110 8080 ACCEPT OK\n"
            "egress 1 10.0.1.21 10.0.0.11 8080 40110 ACCEPT OK\n"
            GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n" /* now too many */
            "version srcaddr srcaddr srcport dstport action log-status\n"                    /* header: srcaddr twice */
            V2_HEADER
            GOOD "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n"
            GOOD "10.0.0.12 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK"); /* no newline */
    /* clang-format on */
    output("damaged/lines.log", &t, PLAIN);

    puts_to(&t, V2_HEADER);
    t.len--;
    puts_to(&t, "\r\n");
    for (int i = 0; i < 20; i++)
        print(&t, GOOD "10.0.0.11 10.0.1.21 %d 8080 6 %d %d %d %d ACCEPT OK\r\n", 40110 + i, 10 + i,
              1000 + 100 * i, T0 + 60 * i, T0 + 60 * i + 59);
    output("damaged/crlf.log", &t, PLAIN);

    puts_to(&t, V2_HEADER GOOD
            "10.0.0.11 10.0.1.21 40110 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n" GOOD);
    for (int i = 0; i < 70000; i++) /* beyond the longest line that is taken */
        puts_to(&t, "x");
    puts_to(&t, "\n" GOOD "10.0.0.12 10.0.1.21 40111 8080 6 10 1040 1772366400 1772366459 ACCEPT OK\n");
    output("damaged/long-line.log.gz", &t, GZIP);

    puts_to(&t, V2_HEADER);
    for (int i = 0; i < 400; i++) {
        const unsigned cport = rnd(1024, 65535), packets = rnd(3, 99);
        print(&t, GOOD "10.0.0.11 10.0.1.21 %u 8080 6 %u %u %d %d ACCEPT OK\n", cport, packets,
              rnd(1000, 99999), T0 + 9 * i, T0 + 9 * i + 50);
    }
    output("damaged/truncated.log.gz", &t, GZIP_CUT);
}

/* ---- tests/data: every way in which whole files may be packed -------------------------------------------- */

static void body(struct text *t, int lines)
{
    puts_to(t, V2_HEADER);
    for (int i = 0; i < lines; i++)
        print(t, GOOD "10.0.0.%d 10.0.1.21 %d 443 6 %d %d %d %d %s OK\n", 1 + i % 250, 32768 + i,
              1 + i % 9, 100 + i, T0 + i, T0 + i + 59, i % 7 == 0 ? "REJECT" : "ACCEPT");
}

static void make_tests(void)
{
    struct text t = {0};
    body(&t, 100);
    output("plain.log", &t, PLAIN);
    body(&t, 100);
    output("plain.log.gz", &t, GZIP);
    body(&t, 100);
    output("members.log.gz", &t, GZIP_MEMBERS);
    body(&t, 100);
    output("padded.log.gz", &t, GZIP_PADDED);
    body(&t, 2000);
    output("truncated.log.gz", &t, GZIP_CUT);
    body(&t, 100);
    output("gzip-without-suffix", &t, GZIP);
    puts_to(&t, "\xEF\xBB\xBF");
    body(&t, 100);
    t.len--; /* and no newline at the end */
    output("bom.log", &t, PLAIN);
    output("empty.log", &t, PLAIN);
    output("empty.log.gz", &t, GZIP);
    puts_to(&t, V2_HEADER);
    output("header-only.log", &t, PLAIN);
    puts_to(&t, "\n# nothing here\n\n");
    output("blank.log", &t, PLAIN);
    body(&t, 100); /* no header: the default format by its content */
    const size_t head = sizeof V2_HEADER - 1;
    memmove(t.p, t.p + head, t.len - head);
    t.len -= head;
    output("headerless-v2.log", &t, PLAIN);
    puts_to(&t, V2_HEADER /* the largest values there are; their sum is more than 64 bits hold */
                    GOOD
            "255.255.255.255 0.0.0.0 65535 0 255 1 18446744073709551615 0 4294967295 ACCEPT OK\n" GOOD
            "255.255.255.255 0.0.0.0 65535 0 255 18446744073709551615 1 0 4294967295 ACCEPT OK\n");
    output("largest.log", &t, PLAIN);
    for (int i = 0; i < 20; i++) /* no header and no known layout: an error that says so */
        print(&t, "%d hello world %d\n", i, i * i);
    output("unknown-format.log", &t, PLAIN);
}

int main(int argc, char **argv)
{
    int tests = 0, arg = 1;
    for (; arg < argc && strncmp(argv[arg], "--", 2) == 0; arg++) {
        if (strcmp(argv[arg], "--check") == 0)
            checking = 1;
        else if (strcmp(argv[arg], "--tests") == 0)
            tests = 1;
        else
            break;
    }
    if (arg + 1 != argc) {
        fprintf(stderr, "usage: make_data [--check] [--tests] DIR\n");
        return 2;
    }
    root = argv[arg];
    if (tests) {
        make_tests();
    } else {
        records = malloc(RECORDS_MAX * sizeof *records);
        if (records == NULL) die("out of memory", "main");
        for (int m = 0; m < MINUTES; m++) {
            daily_work(m);
            faults(m);
        }
        qsort(records, record_count, sizeof *records, by_start);
        make_vpc();
        make_v5();
        make_tgw();
        make_damaged();
        free(records);
    }
    return differences != 0;
}
