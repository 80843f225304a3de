/* SPDX-License-Identifier: MIT */
/*
 * analyze_diagnose.c - the table of verdicts row by row through the public API, what a simulated VPC has refuted,
 * memory that fails, context that is wrong, and streaming.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/diagnose.h"
#include "support/alloc_count.h"

TestSuite(analyze_diagnose, .timeout = 120);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
enum { NONE = 0, LOW = FLOWLOG_CONFIDENCE_LOW, MEDIUM = FLOWLOG_CONFIDENCE_MEDIUM, HIGH = FLOWLOG_CONFIDENCE_HIGH };
enum { ICMP = 1, TCP = 6, UDP = 17, GRE = 47 };

/* --- records ----------------------------------------------------------------------------------------------- */

static const char header[] = "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end "
                             "action log-status tcp-flags flow-direction reject-reason interface-type\n";
enum { T0 = 1700000000, LINES = 1 << 16 };
enum { NO_FLAGS = -1 };
/* Request and reply, accepted and refused; or-ed with the rest. */
enum { RA, RR, PA, PR, SKIPPED, SILENT /* NODATA */, SIDE = 7 };
enum { OTHER = 8 /* from another client port */, NEIGHBOUR = 16 /* at eni-2, whose address is 10.0.1.6 */ };
enum { BPA = 32, EC = 64, NEW = 128 }; /* reject-reason */

struct record {
    int side;
    unsigned packets, bytes;
    int from, to;     /* seconds after T0 */
    int flags;
};

enum { INBOUND, OUTBOUND, NO_WAY }; /* where requests go at eni-1; NO_WAY: the log does not say */

struct row {
    const char *name;
    int proto, way, client_port, port;
    const char *context, *type; /* NULL: {}, "interface" */
    struct record record[6];    /* the first with no packets ends them */
    int verdict, layer, confidence, alt;
};

/* eni-1 is 10.0.1.5 and talks to 10.0.2.9. */
static size_t print_record(char *to, size_t cap, const struct row *row, const struct record *r)
{
    const int side = r->side & SIDE, neighbour = (r->side & NEIGHBOUR) != 0;
    if (side == SKIPPED || side == SILENT)
        return (size_t)snprintf(to, cap, "3 eni-1 - - - - - - - %d %d - %s - - - -\n", T0 + r->from, T0 + r->to,
                                side == SILENT ? "NODATA" : "SKIPDATA");
    const int reply = side >= PA, outbound = row->way == OUTBOUND;
    const char *own = neighbour ? "10.0.1.6" : "10.0.1.5", *peer = "10.0.2.9";
    const char *client = outbound ? own : peer, *server = outbound ? peer : own;
    const int cport = row->client_port ? row->client_port + ((r->side & OTHER) != 0) : 0;
    char flags[16] = "-";
    if (r->flags != NO_FLAGS) snprintf(flags, sizeof flags, "%d", r->flags);
    return (size_t)snprintf(to, cap, "3 eni-%d %s %s %d %d %d %u %u %d %d %s OK %s %s %s %s\n", 1 + neighbour,
                            reply ? server : client, reply ? client : server, reply ? row->port : cport,
                            reply ? cport : row->port, row->proto, r->packets, r->bytes, T0 + r->from, T0 + r->to,
                            side == RA || side == PA ? "ACCEPT" : "REJECT", flags,
                            row->way == NO_WAY  ? "-"
                            : reply == outbound ? "ingress"
                                                : "egress",
                            r->side & BPA   ? "BPA"
                            : r->side & EC  ? "EC"
                            : r->side & NEW ? "NEW"
                                            : "-",
                            row->type ? row->type : "interface");
}

/* Something long before and long after, elsewhere: the log does not end where the conversation does. */
static const char around[] =
    "3 eni-9 192.0.2.1 10.9.9.9 50000 53 17 1 60 1699990000 1699990001 ACCEPT OK - ingress - interface\n"
    "3 eni-9 192.0.2.1 10.9.9.9 50000 53 17 1 60 1700010000 1700010001 ACCEPT OK - ingress - interface\n";

static flowlog_status feed_status(flowlog_diagnosis *d, const char *text, size_t len, flowlog_error *err)
{
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    const flowlog_batch *batch;
    o.fields = flowlog_diagnosis_fields(d);
    o.flags |= FLOWLOG_READ_LINES;
    cr_assert_eq(flowlog_source_memory(text, len, "case", NULL, &source, err), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, &o, &reader, err), FLOWLOG_OK, "%s", err->message);
    flowlog_status status;
    while ((status = flowlog_reader_next(reader, &batch, err)) == FLOWLOG_OK)
        if ((status = flowlog_diagnosis_add(d, batch, err)) != FLOWLOG_OK) break;
    cr_expect_eq(flowlog_reader_counters(reader)->malformed, 0);
    flowlog_reader_close(reader);
    return status == FLOWLOG_END ? FLOWLOG_OK : status;
}

static void feed(flowlog_diagnosis *d, const char *text)
{
    flowlog_error err = {0};
    cr_assert_eq(feed_status(d, text, strlen(text), &err), FLOWLOG_OK, "%s", err.message);
}

static flowlog_diagnosis *engine(const char *context)
{
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d = NULL;
    flowlog_error err;
    o.flags = FLOWLOG_DIAGNOSE_ALL;
    cr_assert_eq(flowlog_diagnosis_new(&o, &d, &err), FLOWLOG_OK, "%s", err.message);
    if (context)
        cr_assert_eq(flowlog_diagnosis_context(d, context, strlen(context), &err), FLOWLOG_OK, "%s", err.message);
    return d;
}

/* --- the table --------------------------------------------------------------------------------------------- */

struct wanted {
    const struct row *row;
    flowlog_finding f;
    int found;
};

/* The finding of the conversation itself, at eni-1. */
static int pick(void *ctx, const flowlog_finding *f)
{
    struct wanted *w = ctx;
    const int a = f->client_port, b = f->server_port, client = w->row->client_port, port = w->row->port;
    if (f->kind != FLOWLOG_FINDING_DIAGNOSIS || f->eni.len != 5 || memcmp(f->eni.ptr, "eni-1", 5)) return 0;
    if (f->proto != w->row->proto || !((a == client && b == port) || (a == port && b == client))) return 0;
    w->found++;
    w->f = *f;
    return 0;
}

static void expect_row(const struct row *row)
{
    char text[8192];
    flowlog_error err;
    struct wanted w = {.row = row};
    flowlog_diagnosis *d = engine(row->context);
    size_t n = (size_t)snprintf(text, sizeof text, "%s%s", header, around);
    for (size_t i = 0;
         i < COUNT(row->record) && (row->record[i].packets || (row->record[i].side & SIDE) >= SKIPPED); i++)
        n += print_record(text + n, sizeof text - n, row, &row->record[i]);
    feed(d, text);
    cr_assert_eq(flowlog_diagnosis_finish(d, pick, &w, &err), FLOWLOG_OK, "%s", err.message);
    flowlog_diagnosis_free(d);
    cr_expect_geq(w.found, 1, "%s: %d findings", row->name, w.found);
    cr_expect_eq(w.f.verdict, row->verdict, "%s: %s", row->name, flowlog_verdict_name(w.f.verdict));
    cr_expect_eq(w.f.layer, row->layer, "%s: layer %s", row->name, flowlog_layer_name(w.f.layer));
    cr_expect_eq(w.f.confidence, row->confidence, "%s: %s", row->name, flowlog_confidence_name(w.f.confidence));
    int alt = !row->alt;
    for (int i = 0; i < w.f.alts; i++) alt |= w.f.alt[i] == row->alt;
    cr_expect(alt, "%s: alternative %s is missing", row->name, flowlog_layer_name((uint32_t)row->alt));
}

#define V(verdict, layer) FLOWLOG_VERDICT_##verdict, FLOWLOG_LAYER_##layer
#define L(layer) FLOWLOG_LAYER_##layer
#define SAME_SUBNET "{\"subnets\":{\"subnet-1\":[\"10.0.0.0/16\"]},\"enis\":{\"eni-1\":{\"subnet\":\"subnet-1\"}}}"
#define TWO_ENIS "{\"enis\":{\"eni-1\":{\"subnet\":\"subnet-1\"},\"eni-2\":{\"subnet\":\"subnet-1\"}}}"
#define WINDOW "{\"log_window\":[1699990000,1700010000]}"

static const struct row rows[] = {
    /* refused, and AWS says why */
    {"BPA", TCP, INBOUND, 40000, 443, NULL, NULL, {{RR | BPA, 1, 60, 0, 9, 2}}, V(BLOCKED_BPA, BPA), HIGH, 0},
    {"EC",
     TCP,
     OUTBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR | EC, 1, 60, 0, 9, 2}},
     V(BLOCKED_ENCRYPTION, ENCRYPTION),
     HIGH,
     0},
    {"another reason",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR | NEW, 1, 60, 0, 9, 2}},
     V(BLOCKED_OTHER, OTHER),
     HIGH,
     0},
    {"a reason beside what was accepted",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 9, 900, 0, 9, 2}, {PA, 9, 900, 0, 9, 18}, {RR | BPA, 1, 60, 30, 39, 2}},
     V(BLOCKED_BPA, BPA),
     HIGH,
     0},
    /* 1010 */
    {"1010 SYN and RST",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {PA, 1, 40, 0, 9, 4}},
     V(REFUSED, HOST),
     HIGH,
     0},
    {"1010 no flags, small and equal",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 2, 120, 0, 9, NO_FLAGS}, {PA, 2, 80, 0, 9, NO_FLAGS}},
     V(REFUSED, HOST),
     MEDIUM,
     0},
    {"1010 data both ways",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 10, 2000, 0, 9, 3}, {PA, 9, 9000, 0, 9, 19}},
     V(OK, NONE),
     HIGH,
     0},
    {"1010 UDP",
     UDP,
     OUTBOUND,
     40000,
     53,
     NULL,
     NULL,
     {{RA, 1, 70, 0, 0, NO_FLAGS}, {PA, 1, 170, 0, 0, NO_FLAGS}},
     V(OK, NONE),
     HIGH,
     0},
    /* 0100 */
    {"0100 no SYN",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 40, 0, 9, 4}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(SG_OR_NACL)},
    {"0100 direction unknown",
     TCP,
     NO_WAY,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 60, 0, 9, 2}},
     V(BLOCKED, SG_OR_NACL),
     LOW,
     0},
    {"0100 in one subnet",
     TCP,
     INBOUND,
     40000,
     443,
     SAME_SUBNET,
     NULL,
     {{RR, 1, 60, 0, 9, 2}},
     V(BLOCKED_INBOUND, SG),
     HIGH,
     0},
    {"0100 another port let through, SYN",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 60, 0, 9, 2}, {RA | OTHER, 9, 900, 30, 39, 2}, {PA | OTHER, 9, 900, 30, 39, 18}},
     V(RULE_CHANGE, SG_OR_NACL),
     MEDIUM,
     0},
    {"0100 another port let through, no flags",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 60, 0, 9, NO_FLAGS}, {RA | OTHER, 9, 900, 30, 39, NO_FLAGS}, {PA | OTHER, 9, 900, 30, 39, NO_FLAGS}},
     V(STRAY, CONNTRACK),
     LOW,
     L(RULE_CHANGE)},
    {"0100 a neighbour let through before and after",
     TCP,
     INBOUND,
     40000,
     443,
     TWO_ENIS,
     NULL,
     {{RR, 1, 60, 1000, 1050, 2},
      {RR, 1, 60, 1300, 1350, 2},
      {RA | OTHER | NEIGHBOUR, 9, 900, 1000, 1400, 2},
      {PA | OTHER | NEIGHBOUR, 9, 900, 1000, 1400, 18}},
     V(BLOCKED_INBOUND, SG),
     HIGH,
     0},
    {"0100 inbound with SYN",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 60, 0, 9, 2}},
     V(BLOCKED_INBOUND, SG_OR_NACL),
     HIGH,
     0},
    {"0100 outbound with SYN",
     TCP,
     OUTBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 60, 0, 9, 2}},
     V(BLOCKED_OUTBOUND, SG_OR_NACL),
     HIGH,
     0},
    {"0100 no flags",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 60, 0, 9, NO_FLAGS}},
     V(BLOCKED_INBOUND, SG_OR_NACL),
     MEDIUM,
     0},
    /* 1001 */
    {"1001 in one subnet",
     TCP,
     INBOUND,
     40000,
     443,
     SAME_SUBNET,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {PR, 1, 60, 0, 9, 18}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(SG)},
    {"1001 SYN-ACK out",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {PR, 1, 60, 0, 9, 18}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     HIGH,
     0},
    {"1001 SYN-ACK in",
     TCP,
     OUTBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {PR, 1, 60, 0, 9, 18}},
     V(BLOCKED_REPLY_INBOUND, NACL),
     HIGH,
     0},
    {"1001 SYN and RST",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {PR, 1, 40, 0, 9, 4}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     HIGH,
     0},
    {"1001 SYN and something",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {PR, 1, 40, 0, 9, 0}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     MEDIUM,
     L(CONNTRACK)},
    {"1001 no SYN, few",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 5, 400, 0, 9, 0}, {PR, 3, 120, 0, 9, 1}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(NACL)},
    {"1001 no SYN, many",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 5, 400, 0, 9, 0}, {PR, 4, 160, 0, 9, 0}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     LOW,
     L(CONNTRACK)},
    {"1001 no flags, 60 bytes",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 2, 120, 0, 9, NO_FLAGS}, {PR, 2, 120, 0, 9, NO_FLAGS}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     HIGH,
     0},
    {"1001 no flags, larger",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 2, 900, 0, 9, NO_FLAGS}, {PR, 2, 900, 0, 9, NO_FLAGS}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     MEDIUM,
     L(CONNTRACK)},
    {"1001 DNS at once",
     UDP,
     INBOUND,
     40000,
     53,
     NULL,
     NULL,
     {{RA, 1, 70, 0, 9, NO_FLAGS}, {PR, 1, 170, 0, 9, NO_FLAGS}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     HIGH,
     0},
    {"1001 UDP late",
     UDP,
     INBOUND,
     40000,
     53,
     NULL,
     NULL,
     {{RA, 1, 70, 0, 9, NO_FLAGS}, {PR, 1, 170, 50, 59, NO_FLAGS}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     LOW,
     L(CONNTRACK)},
    {"1001 ping",
     ICMP,
     INBOUND,
     0,
     0,
     NULL,
     NULL,
     {{RA, 4, 336, 0, 9, NO_FLAGS}, {PR, 4, 336, 0, 9, NO_FLAGS}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     HIGH,
     0},
    {"1001 another protocol",
     GRE,
     INBOUND,
     0,
     0,
     NULL,
     NULL,
     {{RA, 4, 336, 0, 9, NO_FLAGS}, {PR, 4, 336, 0, 9, NO_FLAGS}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     MEDIUM,
     0},
    /* 1000 */
    {"1000 transit",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     "transit_gateway",
     {{RA, 5, 900, 0, 9, 2}},
     V(TRANSIT, NONE),
     MEDIUM,
     0},
    {"1000 syslog",
     UDP,
     OUTBOUND,
     40000,
     514,
     NULL,
     NULL,
     {{RA, 5, 900, 0, 9, NO_FLAGS}},
     V(ONE_WAY, NONE),
     MEDIUM,
     0},
    {"1000 noise at a NAT gateway",
     TCP,
     INBOUND,
     40000,
     443,
     "{\"vpc_cidrs\":[\"10.0.1.0/24\"]}",
     "nat_gateway",
     {{RA, 2, 120, 0, 9, 2}},
     V(NO_REPLY, PATH),
     MEDIUM,
     0},
    {"1000 accepted traffic only",
     TCP,
     INBOUND,
     40000,
     443,
     "{\"traffic_type\":\"ACCEPT\"}",
     NULL,
     {{RA, 2, 120, 0, 9, 2}},
     V(INSUFFICIENT_DATA, UNKNOWN),
     LOW,
     0},
    {"1000 records skipped",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 2, 120, 0, 9, 2}, {SKIPPED, 0, 0, 60, 119, 0}},
     V(INSUFFICIENT_DATA, UNKNOWN),
     LOW,
     0},
    {"1000 data flowed",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 20, 9000, 0, 9, 3}},
     V(ASYMMETRIC, PATH),
     MEDIUM,
     0},
    {"1000 data flowed, then the log ends",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 20, 9000, 9990, 9999, 3}},
     V(INSUFFICIENT_DATA, UNKNOWN),
     LOW,
     0},
    {"1000 SYNs in", TCP, INBOUND, 40000, 443, WINDOW, NULL, {{RA, 4, 240, 0, 9, 2}}, V(NO_REPLY, HOST), HIGH, 0},
    {"1000 SYNs out",
     TCP,
     OUTBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 4, 240, 0, 9, 2}, {SILENT, 0, 0, 60, 179, 0}},
     V(NO_REPLY, PATH),
     HIGH,
     0},
    {"1000 SYNs, and other records after them",
     TCP,
     OUTBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 4, 240, 0, 9, 2}, {RA | OTHER, 4, 240, 50, 59, 2}, {RA | OTHER, 4, 240, 250, 259, 2}},
     V(NO_REPLY, PATH),
     HIGH,
     0},
    {"1000 no flags",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 3, 180, 0, 9, NO_FLAGS}},
     V(NO_REPLY, HOST),
     MEDIUM,
     0},
    {"1000 UDP", UDP, INBOUND, 40000, 53, NULL, NULL, {{RA, 3, 180, 0, 9, NO_FLAGS}}, V(NO_REPLY, HOST), LOW, 0},
    {"1000 SYNs, then the log ends",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 4, 240, 9990, 9999, 2}},
     V(NO_REPLY, HOST),
     LOW,
     0},
    /* 0001, 0010, 0011 */
    {"0001 refused traffic only",
     TCP,
     INBOUND,
     40000,
     443,
     "{\"traffic_type\":\"REJECT\"}",
     NULL,
     {{PR, 1, 60, 0, 9, NO_FLAGS}},
     V(INSUFFICIENT_DATA, UNKNOWN),
     LOW,
     L(NACL)},
    {"0001 backscatter",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{PR, 1, 60, 0, 9, 18}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(NACL)},
    {"0001 FIN, all of the log told",
     TCP,
     INBOUND,
     40000,
     443,
     WINDOW,
     NULL,
     {{PR, 1, 40, 0, 9, 1}},
     V(STRAY, CONNTRACK),
     HIGH,
     L(NACL)},
    {"0001 RST",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{PR, 1, 40, 0, 9, 4}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(NACL)},
    {"0001 no flags",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{PR, 1, 40, 0, 9, NO_FLAGS}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(NACL)},
    {"0001 no flags, where the log begins",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{PR, 1, 40, -9990, -9981, NO_FLAGS}},
     V(STRAY, CONNTRACK),
     LOW,
     L(NACL)},
    {"0010 where the log begins",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{PA, 5, 900, -9990, -9981, 0}},
     V(INSUFFICIENT_DATA, UNKNOWN),
     LOW,
     0},
    {"0010", TCP, INBOUND, 40000, 443, NULL, NULL, {{PA, 5, 900, 0, 9, 0}}, V(ASYMMETRIC, PATH), LOW, 0},
    {"0011",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{PA, 5, 900, 0, 9, 0}, {PR, 1, 40, 20, 29, 1}},
     V(STRAY, CONNTRACK),
     LOW,
     L(NACL)},
    /* 0101, 0110, 0111 */
    {"0101 no SYN",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 40, 0, 9, 1}, {PR, 1, 40, 0, 9, 1}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(SG_OR_NACL)},
    {"0101 no flags",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 60, 0, 9, NO_FLAGS}, {PR, 1, 60, 0, 9, NO_FLAGS}},
     V(BLOCKED_INBOUND, SG_OR_NACL),
     LOW,
     0},
    {"0110 who is the client is not sure",
     TCP,
     INBOUND,
     40000,
     40001,
     NULL,
     NULL,
     {{RR, 1, 900, 0, 9, NO_FLAGS}, {PA, 1, 900, 0, 9, NO_FLAGS}},
     V(BLOCKED_REPLY_INBOUND, NACL),
     MEDIUM,
     L(CONNTRACK)},
    {"0110 TCP",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 40, 0, 9, 0}, {PA, 1, 40, 0, 9, 0}},
     V(STRAY, CONNTRACK),
     LOW,
     0},
    {"0110 flags say who is the client",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 60, 0, 9, 2}, {PA, 1, 60, 0, 9, 0}},
     V(RULE_CHANGE, SG_OR_NACL),
     LOW,
     0},
    {"0111",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RR, 1, 60, 0, 9, 2}, {PA, 1, 60, 0, 9, 0}, {PR, 1, 60, 30, 39, 0}},
     V(RULE_CHANGE, SG_OR_NACL),
     LOW,
     0},
    /* 1011 and other mixtures */
    {"1011 a late FIN",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 9, 900, 0, 30, 3}, {PA, 9, 900, 0, 30, 19}, {PR, 1, 40, 300, 310, 1}},
     V(STRAY, CONNTRACK),
     HIGH,
     L(NACL)},
    {"1011 many replies refused",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 9, 900, 0, 30, NO_FLAGS}, {PA, 9, 900, 0, 30, NO_FLAGS}, {PR, 50, 4000, 50, 59, NO_FLAGS}},
     V(RULE_CHANGE, NACL),
     MEDIUM,
     0},
    {"1100 SYN",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {RR, 3, 180, 30, 39, 2}},
     V(RULE_CHANGE, SG_OR_NACL),
     MEDIUM,
     0},
    {"1100 many without flags",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, NO_FLAGS}, {RR, 9, 540, 30, 39, NO_FLAGS}},
     V(RULE_CHANGE, SG_OR_NACL),
     LOW,
     0},
    {"1110 UDP",
     UDP,
     INBOUND,
     40000,
     53,
     NULL,
     NULL,
     {{RA, 2, 140, 0, 9, NO_FLAGS}, {PA, 2, 300, 0, 9, NO_FLAGS}, {RR, 2, 140, 20, 29, NO_FLAGS}},
     V(RULE_CHANGE, SG_OR_NACL),
     MEDIUM,
     0},
    {"1110 UDP after a pause",
     UDP,
     INBOUND,
     40000,
     53,
     NULL,
     NULL,
     {{RA, 2, 140, 0, 9, NO_FLAGS}, {PA, 2, 300, 0, 9, NO_FLAGS}, {RR, 2, 140, 250, 259, NO_FLAGS}},
     V(STRAY, CONNTRACK),
     LOW,
     L(SG_OR_NACL)},
    {"1101",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {RR, 1, 60, 30, 39, 2}, {PR, 1, 60, 0, 9, 18}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     MEDIUM,
     0},
    {"1101 the reply is late",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {RR, 1, 60, 30, 39, 2}, {PR, 1, 40, 0, 9, 1}},
     V(RULE_CHANGE, SG_OR_NACL),
     LOW,
     0},
    {"1111 both are late",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 9, 900, 0, 9, 3}, {RR, 1, 40, 30, 39, 1}, {PA, 9, 900, 0, 9, 19}, {PR, 1, 40, 30, 39, 1}},
     V(STRAY, CONNTRACK),
     LOW,
     L(NACL)},
    {"1111",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 9, 900, 0, 9, 3}, {RR, 1, 60, 30, 39, 2}, {PA, 9, 900, 0, 9, 19}, {PR, 1, 40, 30, 39, 18}},
     V(RULE_CHANGE, NACL),
     LOW,
     0},
};

Test(analyze_diagnose, each_row_of_the_table)
{
    for (size_t i = 0; i < COUNT(rows); i++) expect_row(&rows[i]);
}

/* Every row stands for a "high" that was once given and that a simulated VPC made false. */
static const struct row refuted[] = {
    {"SYNs whose answers may lie before the log",
     TCP,
     OUTBOUND,
     6379,
     3389,
     NULL,
     NULL,
     {{RA, 4, 240, -9999, -9990, 2}, {RA | OTHER, 4, 240, -9950, -9941, 2}, {RA | OTHER, 4, 240, 250, 259, 2}},
     V(NO_REPLY, PATH),
     MEDIUM,
     0},
    {"a connection that was reset, and another one from the same port that goes on",
     TCP,
     INBOUND,
     11051,
     5432,
     NULL,
     NULL,
     {{RA, 3, 152, 0, 8, 7}, {PA, 4, 216, 0, 8, 19}, {PA, 7, 7428, 100, 101, 18}, {RA, 4, 2090, 100, 1000, 2},
      {PA, 6, 7368, 1001, 1001, 0}, {PR, 1, 52, 1200, 1200, 1}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(RULE_CHANGE)},
    {"each end calls the other from the same ports",
     TCP,
     OUTBOUND,
     7777,
     80,
     NULL,
     NULL,
     {{RA, 3, 180, 0, 3, 2}, {PA, 1, 60, 30, 30, 2}, {RA, 1, 40, 35, 50, 4}},
     V(OK, NONE),
     MEDIUM,
     0},
    {"what is refused alone may be an answer where ports are not sure",
     UDP,
     INBOUND,
     40000,
     20000,
     SAME_SUBNET,
     NULL,
     {{RR, 3, 300, 0, 59, NO_FLAGS}},
     V(BLOCKED_INBOUND, SG),
     MEDIUM,
     0},
    {"a connection whose RST comes an interval later, and nothing between is there",
     TCP,
     OUTBOUND,
     49889,
     80,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 0, 2}, {PA, 1, 40, 22, 64, 4}},
     V(REFUSED, HOST),
     MEDIUM,
     0},
    {"more RSTs refused than there were SYNs",
     TCP,
     OUTBOUND,
     33366,
     5432,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 59, 2}, {PR, 3, 120, 0, 59, 4}},
     V(BLOCKED_REPLY_INBOUND, NACL),
     MEDIUM,
     L(CONNTRACK)},
    {"a RST refused an interval after the SYN",
     TCP,
     OUTBOUND,
     33366,
     5432,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 59, 2}, {PR, 1, 40, 120, 179, 4}},
     V(BLOCKED_REPLY_INBOUND, NACL),
     MEDIUM,
     L(CONNTRACK)},
    {"two ends that try to reach each other from the same ports, in vain",
     TCP,
     OUTBOUND,
     7777,
     443,
     NULL,
     NULL,
     {{RA, 2, 120, 578, 689, NO_FLAGS}, {PR, 2, 120, 0, 121, NO_FLAGS}},
     V(BLOCKED_REPLY_INBOUND, NACL),
     MEDIUM,
     L(CONNTRACK)},
    {"as many pings each way where records are missing",
     ICMP,
     OUTBOUND,
     0,
     0,
     NULL,
     NULL,
     {{RA, 1, 84, 0, 59, NO_FLAGS}, {PR, 1, 84, 0, 59, NO_FLAGS}, {SKIPPED, 0, 0, 60, 119, 0}},
     V(BLOCKED_REPLY_INBOUND, NACL),
     MEDIUM,
     0},
    {"SYNs with nothing at all after them at the interface",
     TCP,
     OUTBOUND,
     32198,
     3306,
     NULL,
     NULL,
     {{RA, 4, 240, 0, 59, 2}, {SILENT, 0, 0, 500, 559, 0}},
     V(NO_REPLY, PATH),
     MEDIUM,
     0},
    {"a refused FIN of a connection that had not ended may be a rule's",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 9, 900, 0, 30, 2}, {PA, 9, 900, 0, 30, 18}, {PR, 1, 40, 300, 310, 1}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(RULE_CHANGE)},
    {"small packets without flags may be a refusal",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 3, 160, 0, 9, NO_FLAGS}, {PA, 2, 80, 0, 9, NO_FLAGS}},
     V(REFUSED, HOST),
     MEDIUM,
     0},
    {"an answer over UDP may come after tracking ended",
     UDP,
     INBOUND,
     40000,
     5353,
     NULL,
     NULL,
     {{RA, 1, 70, 0, 59, NO_FLAGS}, {PR, 1, 170, 0, 59, NO_FLAGS}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     MEDIUM,
     L(CONNTRACK)},
    {"a neighbour let through once does not tell of a change",
     TCP,
     INBOUND,
     40000,
     443,
     TWO_ENIS,
     NULL,
     {{RR, 1, 60, 0, 9, 2},
      {RA | OTHER | NEIGHBOUR, 9, 900, 30, 39, 2},
      {PA | OTHER | NEIGHBOUR, 9, 900, 30, 39, 18}},
     V(BLOCKED_INBOUND, SG),
     MEDIUM,
     L(NACL)},
    {"behind a NAT gateway the host is not at fault",
     TCP,
     INBOUND,
     40000,
     443,
     "{\"vpc_cidrs\":[\"10.0.0.0/16\"]}",
     "nat_gateway",
     {{RA, 4, 240, 0, 9, 2}},
     V(NO_REPLY, PATH),
     MEDIUM,
     0},
    {"a RST with more than SYNs is no refusal for sure",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 3, 180, 0, 9, 6}, {PA, 1, 40, 0, 9, 4}},
     V(REFUSED, HOST),
     MEDIUM,
     0},
    {"40 bytes each way may be the end of an old connection",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 52, 0, 9, NO_FLAGS}, {PR, 1, 40, 0, 9, NO_FLAGS}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     MEDIUM,
     L(CONNTRACK)},
    {"a RST long after the SYN may be late",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {PR, 1, 40, 400, 409, 4}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     MEDIUM,
     L(CONNTRACK)},
    {"pings of unequal numbers may be two ends that ping",
     ICMP,
     INBOUND,
     0,
     0,
     NULL,
     NULL,
     {{RA, 4, 336, 0, 9, NO_FLAGS}, {PR, 3, 252, 0, 9, NO_FLAGS}},
     V(BLOCKED_REPLY_OUTBOUND, NACL),
     MEDIUM,
     0},
    {"a ping let through at a neighbour proves nothing of ping",
     ICMP,
     INBOUND,
     0,
     0,
     TWO_ENIS,
     NULL,
     {{RR, 4, 336, 0, 300, NO_FLAGS},
      {RA | NEIGHBOUR, 4, 336, 0, 300, NO_FLAGS},
      {PA | NEIGHBOUR, 4, 336, 0, 300, NO_FLAGS}},
     V(BLOCKED_INBOUND, SG_OR_NACL),
     MEDIUM,
     0},
    {"SYNs within a second may be answered in the next interval",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 2, 120, 0, 1, 2}},
     V(NO_REPLY, HOST),
     MEDIUM,
     0},
    {"a FIN refused in the minute in which the connection ended may be why it ended",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 9, 900, 0, 59, 6}, {PA, 9, 900, 0, 59, 18}, {PR, 1, 40, 30, 59, 1}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(RULE_CHANGE)},
    {"two SYNs are too few to be sure of silence",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 2, 120, 0, 59, 2}},
     V(NO_REPLY, HOST),
     MEDIUM,
     0},
    {"a RST more than a minute after the SYN may end a connection whose records are lost",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 60, 0, 9, 2}, {PA, 1, 40, 75, 79, 4}},
     V(REFUSED, HOST),
     MEDIUM,
     0},
    {"a RST to a SYN-ACK that nobody asked for is no connection",
     TCP,
     OUTBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 1, 40, 0, 9, 4}, {PA, 1, 44, 0, 9, 18}},
     V(OK, NONE),
     MEDIUM,
     0},
    {"two one-way flows without ports look like an exchange",
     GRE,
     INBOUND,
     0,
     0,
     NULL,
     NULL,
     {{RA, 4, 336, 0, 9, NO_FLAGS}, {PA, 4, 336, 0, 9, NO_FLAGS}},
     V(OK, NONE),
     MEDIUM,
     0},
    {"answers that seem to start before the SYN are of the new connection",
     TCP,
     INBOUND,
     40000,
     443,
     NULL,
     NULL,
     {{RA, 9, 900, -900, -850, 3},
      {PA, 9, 900, -900, -850, 19},
      {PA, 9, 900, -80, -30, 18},
      {RA, 9, 900, 0, 50, 2},
      {PR, 1, 60, 20, 59, 4}},
     V(STRAY, CONNTRACK),
     MEDIUM,
     L(RULE_CHANGE)},
};

Test(analyze_diagnose, what_can_be_false_is_not_sure)
{
    for (size_t i = 0; i < COUNT(refuted); i++) expect_row(&refuted[i]);
}

/* Both ends ping each other, and each refuses the other's pings; records of eni-1 are lost. */
static const char twin_pings[] =
    "3 eni-1 10.0.1.5 10.0.2.9 0 0 1 1 84 1700000000 1700000059 ACCEPT OK - egress - interface\n"
    "3 eni-1 10.0.2.9 10.0.1.5 0 0 1 1 84 1700000000 1700000059 REJECT OK - ingress - interface\n"
    "3 eni-2 10.0.1.5 10.0.2.9 0 0 1 1 84 1700000000 1700000059 REJECT OK - ingress - interface\n"
    "3 eni-2 10.0.2.9 10.0.1.5 0 0 1 2 168 1700000000 1700000059 ACCEPT OK - egress - interface\n";

Test(analyze_diagnose, what_never_reached_the_other_interface_was_not_answered)
{
    static const struct row row = {"", ICMP, OUTBOUND, 0, 0, NULL, NULL, {{0}}, 0, 0, 0, 0};
    for (int both = 0; both < 2; both++) {
        struct wanted w = {.row = &row};
        char text[2048];
        flowlog_error err;
        flowlog_diagnosis *d = engine(NULL);
        const char *end = strstr(twin_pings, "3 eni-2");
        const int len = both ? (int)strlen(twin_pings) : (int)(end - twin_pings);
        snprintf(text, sizeof text, "%s%s%.*s", header, around, len, twin_pings);
        feed(d, text);
        cr_assert_eq(flowlog_diagnosis_finish(d, pick, &w, &err), FLOWLOG_OK);
        flowlog_diagnosis_free(d);
        cr_expect_eq(w.f.verdict, FLOWLOG_VERDICT_BLOCKED_REPLY_INBOUND, "%s", flowlog_verdict_name(w.f.verdict));
        cr_expect_eq(w.f.confidence, both ? MEDIUM : HIGH, "%d: %d", both, w.f.confidence);
    }
}

/* eni-1 has the answers alone, which are late; ports have them for requests. */
static const char lone_answers[] =
    "3 eni-1 10.0.2.9 10.0.1.5 40000 3306 17 3 300 1700000090 1700000100 REJECT OK - ingress - interface\n"
    "3 eni-2 10.0.1.5 10.0.2.9 3306 40000 17 3 300 1700000000 1700000030 ACCEPT OK - ingress - interface\n"
    "3 eni-2 10.0.2.9 10.0.1.5 40000 3306 17 3 300 1700000090 1700000100 ACCEPT OK - egress - interface\n";

Test(analyze_diagnose, what_follows_packets_of_the_other_direction_may_be_an_answer)
{
    static const struct row row = {"", UDP, INBOUND, 40000, 3306, NULL, NULL, {{0}}, 0, 0, 0, 0};
    for (int both = 0; both < 2; both++) {
        struct wanted w = {.row = &row};
        char text[2048];
        flowlog_error err;
        flowlog_diagnosis *d = engine(SAME_SUBNET);
        const char *end = strstr(lone_answers, "3 eni-2");
        const int len = both ? (int)strlen(lone_answers) : (int)(end - lone_answers);
        snprintf(text, sizeof text, "%s%s%.*s", header, around, len, lone_answers);
        feed(d, text);
        cr_assert_eq(flowlog_diagnosis_finish(d, pick, &w, &err), FLOWLOG_OK);
        flowlog_diagnosis_free(d);
        cr_expect_eq(w.f.verdict, FLOWLOG_VERDICT_BLOCKED_INBOUND, "%s", flowlog_verdict_name(w.f.verdict));
        cr_expect_eq(w.f.confidence, both ? MEDIUM : HIGH, "%d: %d", both, w.f.confidence);
    }
}

/* Own addresses are what flow-direction says; what all records have in common is a peer. */
static const char one_peer[] =
    "3 eni-1 2001:db8:7:4::11 2001:db8:ffff::3 55029 6379 6 4 320 1700000000 1700000030 REJECT OK 2 egress - interface\n"
    "3 eni-2 2001:db8:7:4::14 2001:db8:ffff::3 50001 6379 6 4 320 1700000000 1700000030 REJECT OK 2 egress - interface\n"
    "3 eni-2 2001:db8:7:4::114 2001:db8:ffff::3 50002 443 6 4 320 1700000000 1700000030 REJECT OK 2 egress - interface\n"
    "3 eni-3 2001:db8:ffff::3 2001:db8:7:4::12 27312 53 17 3 459 1700000000 1700000030 REJECT OK - ingress - interface\n"
    "3 eni-3 2001:db8:7:4::112 2001:db8:ffff::2 33271 443 6 3 400 1700000000 1700000030 REJECT OK 2 egress - interface\n";

Test(analyze_diagnose, a_peer_of_several_own_addresses_is_no_own_address)
{
    static const struct row row = {"", TCP, OUTBOUND, 55029, 6379, NULL, NULL, {{0}}, 0, 0, 0, 0};
    struct wanted w = {.row = &row};
    char text[4096];
    flowlog_error err;
    flowlog_diagnosis *d = engine("{\"enis\":{\"eni-1\":{\"subnet\":\"s\"},\"eni-2\":{\"subnet\":\"s\"},"
                                  "\"eni-3\":{\"subnet\":\"s\"}}}");
    snprintf(text, sizeof text, "%s%s%s", header, around, one_peer);
    feed(d, text);
    cr_assert_eq(flowlog_diagnosis_finish(d, pick, &w, &err), FLOWLOG_OK);
    flowlog_diagnosis_free(d);
    cr_expect_eq(w.f.verdict, FLOWLOG_VERDICT_BLOCKED_OUTBOUND, "%s", flowlog_verdict_name(w.f.verdict));
    cr_expect_eq(w.f.layer, FLOWLOG_LAYER_SG_OR_NACL, "%s", flowlog_layer_name(w.f.layer));
}

struct paths {
    unsigned found, sure, blocked;
};

static int pick_path(void *ctx, const flowlog_finding *f)
{
    struct paths *p = ctx;
    if (f->kind != FLOWLOG_FINDING_PATH) return 0;
    p->found++;
    p->sure += f->confidence == HIGH;
    p->blocked += f->verdict == FLOWLOG_VERDICT_BLOCKED_INBOUND;
    return 0;
}

static struct paths paths_of(const char *context, const char *records)
{
    struct paths p = {0, 0, 0};
    char text[4096];
    flowlog_error err;
    flowlog_diagnosis *d = engine(context);
    snprintf(text, sizeof text, "%s%s%s", header, around, records);
    feed(d, text);
    cr_assert_eq(flowlog_diagnosis_finish(d, pick_path, &p, &err), FLOWLOG_OK);
    flowlog_diagnosis_free(d);
    return p;
}

#define LOCAL "{\"local\":{\"eni-1\":[\"10.0.1.5\"],\"eni-2\":[\"10.0.2.9\"]}}"

/* 40 bytes each way, and the answer refused: an old connection's end, as far as the client's end can tell. */
Test(analyze_diagnose, a_path_is_not_surer_than_its_ends)
{
    static const char old_end[] =
        "3 eni-1 10.0.2.9 10.0.1.5 80 59705 6 1 40 1700000000 1700000000 REJECT OK - - - interface\n"
        "3 eni-2 10.0.2.9 10.0.1.5 80 59705 6 1 40 1700000000 1700000000 ACCEPT OK - - - interface\n"
        "3 eni-2 10.0.1.5 10.0.2.9 59705 80 6 1 40 1700000039 1700000039 ACCEPT OK - - - interface\n"
        "3 eni-1 10.0.1.5 10.0.2.9 59705 80 6 1 40 1700000039 1700000039 ACCEPT OK - - - interface\n";
    const struct paths p = paths_of(LOCAL, old_end);
    cr_expect_eq(p.found, 1);
    cr_expect_eq(p.sure, 0);
}

/* Pings that are answered; ten minutes before, pings the other way that were refused. */
Test(analyze_diagnose, a_path_joins_what_happened_at_one_time)
{
    static const char two_times[] =
        "3 eni-2 10.0.1.5 10.0.2.9 0 0 1 3 252 1699999400 1699999440 REJECT OK - ingress - interface\n"
        "3 eni-1 10.0.1.5 10.0.2.9 0 0 1 3 252 1700000000 1700000030 ACCEPT OK - egress - interface\n"
        "3 eni-1 10.0.2.9 10.0.1.5 0 0 1 3 252 1700000000 1700000030 ACCEPT OK - ingress - interface\n";
    cr_expect_eq(paths_of(LOCAL, two_times).blocked, 0);
}

static const char no_pings[] =
    "{\"NetworkInterfaces\":[{\"NetworkInterfaceId\":\"eni-1\",\"SubnetId\":\"subnet-1\",\"VpcId\":\"vpc-1\","
    "\"PrivateIpAddress\":\"10.0.1.5\",\"Groups\":[{\"GroupId\":\"sg-1\"}]}],\"SecurityGroups\":[{\"GroupId\":\"sg-1\","
    "\"IpPermissions\":[],\"IpPermissionsEgress\":[{\"IpProtocol\":\"-1\",\"IpRanges\":[{\"CidrIp\":\"0.0.0.0/0\"}]}]}],"
    "\"NetworkAcls\":[{\"NetworkAclId\":\"acl-1\",\"VpcId\":\"vpc-1\",\"IsDefault\":true,\"Entries\":[{\"RuleNumber\":100,"
    "\"Egress\":true,\"RuleAction\":\"allow\",\"Protocol\":\"-1\",\"CidrBlock\":\"0.0.0.0/0\"}]}]}";

Test(analyze_diagnose, rules_that_refuse_all_pings_do_not_say_that_these_were_answers)
{
    static const struct row row = {"", ICMP, OUTBOUND, 0, 0, NULL, NULL, {{0}}, 0, 0, 0, 0};
    static const char pings[] =
        "3 eni-1 10.0.1.5 10.9.2.9 0 0 1 3 252 1700000000 1700000030 ACCEPT OK - egress - interface\n"
        "3 eni-1 10.9.2.9 10.0.1.5 0 0 1 5 420 1700000000 1700000030 REJECT OK - ingress - interface\n";
    struct wanted w = {.row = &row};
    char text[2048];
    flowlog_error err;
    flowlog_diagnosis *d = engine(NULL);
    cr_assert_eq(flowlog_diagnosis_rules(d, no_pings, strlen(no_pings), &err), FLOWLOG_OK, "%s", err.message);
    snprintf(text, sizeof text, "%s%s%s", header, around, pings);
    feed(d, text);
    cr_assert_eq(flowlog_diagnosis_finish(d, pick, &w, &err), FLOWLOG_OK);
    flowlog_diagnosis_free(d);
    cr_expect_eq(w.f.layer, FLOWLOG_LAYER_NACL, "%s", flowlog_layer_name(w.f.layer));
    cr_expect_lt(w.f.confidence, HIGH);
}

static int keep_change(void *ctx, const flowlog_finding *f)
{
    char (*text)[512] = ctx;
    if (f->eni.len != 5 || memcmp(f->eni.ptr, "eni-1", 5)) return 0;
    snprintf(text[0], 512, "%.*s", (int)f->change_row.len, f->change_row.ptr);
    snprintf(text[1], 512, "%.*s", (int)f->change_command.len, f->change_command.ptr);
    cr_expect_eq(f->clients, 5);
    return 0;
}

Test(analyze_diagnose, one_change_is_for_all_clients_of_a_group)
{
    char text[4096], change[2][512] = {"", ""};
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d = NULL;
    flowlog_error err;
    o.flags = FLOWLOG_DIAGNOSE_GROUPED;
    cr_assert_eq(flowlog_diagnosis_new(&o, &d, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_diagnosis_rules(d, no_pings, strlen(no_pings), &err), FLOWLOG_OK, "%s", err.message);
    size_t n = (size_t)snprintf(text, sizeof text, "%s%s", header, around);
    static const unsigned clients[] = {8, 9, 10, 11, 40};
    for (unsigned i = 0; i < 5; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "3 eni-1 10.9.2.%u 10.0.1.5 40000 443 6 3 180 1700000000 1700000030 REJECT OK 2 ingress - "
                              "interface\n", clients[i]);
    feed(d, text);
    cr_assert_eq(flowlog_diagnosis_finish(d, keep_change, change, &err), FLOWLOG_OK);
    flowlog_diagnosis_free(d);
    const char *group = "security group sg-1: add inbound allow tcp port 443 from 10.9.2.8/30, 10.9.2.40/32";
    cr_expect(strstr(change[0], group), "%s", change[0]);
    cr_expect(strstr(change[0], "allow tcp port 443 from 10.9.2.8/30, before rule"), "%s", change[0]);
    cr_expect(strstr(change[1], "IpRanges=[{CidrIp=10.9.2.8/30},{CidrIp=10.9.2.40/32}]"), "%s", change[1]);
}

/* A ping that enters may be an answer whose request is lost. */
static const char *const nat_noise[] = {
    "3 eni-1 198.51.100.7 10.0.1.5 40000 443 6 2 120 1700000000 1700000009 ACCEPT OK 2 ingress - nat_gateway\n",
    "3 eni-1 198.51.100.7 10.0.1.5 0 0 1 2 168 1700000000 1700000009 ACCEPT OK - ingress - nat_gateway\n"};

Test(analyze_diagnose, noise_from_outside_at_a_nat_gateway)
{
    static const struct row row[] = {{"", TCP, INBOUND, 40000, 443, NULL, NULL, {{0}}, 0, 0, HIGH, 0},
                                     {"", ICMP, INBOUND, 0, 0, NULL, NULL, {{0}}, 0, 0, MEDIUM, 0}};
    for (unsigned i = 0; i < 2; i++) {
        struct wanted w = {.row = &row[i]};
        char text[2048];
        flowlog_error err;
        flowlog_diagnosis *d = engine("{\"vpc_cidrs\":[\"10.0.1.0/24\"]}");
        snprintf(text, sizeof text, "%s%s%s", header, around, nat_noise[i]);
        feed(d, text);
        cr_assert_eq(flowlog_diagnosis_finish(d, pick, &w, &err), FLOWLOG_OK);
        flowlog_diagnosis_free(d);
        cr_expect_eq(w.f.verdict, FLOWLOG_VERDICT_UNSOLICITED_NAT, "%s", flowlog_verdict_name(w.f.verdict));
        cr_expect_eq(w.f.confidence, row[i].confidence);
    }
}

/* --- many conversations ------------------------------------------------------------------------------------ */

static uint32_t random_below(uint64_t *state, uint32_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32) % n;
}

/* Some records of conversation `i`, which begins at T0 + at: any sides, with and without flags. */
static size_t print_talk(char *to, size_t cap, uint32_t i, uint32_t at, uint64_t *state)
{
    static const int protos[] = {TCP, TCP, UDP, ICMP};
    const int proto = protos[random_below(state, COUNT(protos))];
    const int port = proto == ICMP ? 0 : 1 + (int)(i % 1000); /* few peers each: how many they are is not known early */
    const uint32_t sides = 1 + random_below(state, 15), flags = random_below(state, 2);
    const int cport = port ? 40000 + (int)(i % 20000) : 0, out = (int)random_below(state, 2);
    size_t n = 0;
    for (uint32_t side = 0; side < 4; side++) {
        if (!(sides >> side & 1)) continue;
        static const int seen[] = {2, 2, 18, 18};
        const uint32_t packets = 1 + random_below(state, 9), first = at + random_below(state, 30);
        char own[32], peer[32], tcp[16] = "-";
        snprintf(own, sizeof own, "10.0.%u.5", 1 + i % 5);
        snprintf(peer, sizeof peer, "192.0.%u.%u", 2 + i / 250 % 50, 1 + i % 250);
        if (proto == TCP && flags) snprintf(tcp, sizeof tcp, "%d", random_below(state, 3) ? seen[side] : 5);
        const int reply = side >= PA, from_own = reply != out;
        n += (size_t)snprintf(to + n, cap - n, "3 eni-%u %s %s %d %d %d %u %u %u %u %s OK %s %s - interface\n",
                              1 + i % 5, from_own ? own : peer, from_own ? peer : own, reply ? port : cport,
                              reply ? cport : port, proto, packets, packets * (40 + 10 * random_below(state, 90)),
                              T0 + first, T0 + first + random_below(state, 50), side % 2 ? "REJECT" : "ACCEPT", tcp,
                              from_own ? "egress" : "ingress");
    }
    return n;
}

struct texts {
    char *line[4096];
    size_t n;
};

static int keep_text(void *ctx, const flowlog_finding *f)
{
    struct texts *t = ctx;
    char json[4096];
    cr_assert_lt(t->n, COUNT(t->line));
    cr_assert_lt(flowlog_finding_json(f, NULL, json, sizeof json), sizeof json);
    t->line[t->n] = malloc(strlen(json) + 1);
    strcpy(t->line[t->n++], json);
    return 0;
}

static int compare_texts(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

enum { TALKS = 1200, CHUNK = 40, PACE = 20 /* seconds from one conversation to the next */ };

static struct texts run_talks(uint32_t flags, size_t *early)
{
    struct texts t = {.n = 0};
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d;
    flowlog_error err;
    uint64_t state = 88172645463325252u;
    char *text = malloc(LINES);
    o.flags = FLOWLOG_DIAGNOSE_ALL | flags;
    o.report = flags ? keep_text : NULL;
    o.ctx = &t;
    cr_assert_eq(flowlog_diagnosis_new(&o, &d, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_diagnosis_context(d, "{\"agg\":60}", 10, &err), FLOWLOG_OK, "%s", err.message);
    for (uint32_t i = 0; i < TALKS;) {
        size_t n = (size_t)snprintf(text, LINES, "%s", header);
        for (const uint32_t end = i + CHUNK; i < end; i++)
            n += print_talk(text + n, LINES - n, i, i * PACE, &state);
        feed(d, text);
    }
    *early = t.n;
    cr_assert_eq(flowlog_diagnosis_finish(d, keep_text, &t, &err), FLOWLOG_OK);
    flowlog_diagnosis_free(d);
    free(text);
    qsort(t.line, t.n, sizeof *t.line, compare_texts);
    return t;
}

Test(analyze_diagnose, streaming_finds_what_waiting_does)
{
    size_t early, none;
    struct texts all = run_talks(0, &none), stream = run_talks(FLOWLOG_DIAGNOSE_STREAM, &early);
    cr_expect_eq(none, 0);
    cr_expect_gt(early, TALKS / 2);
    cr_expect_geq(all.n, TALKS);
    cr_expect_eq(all.n, stream.n, "%zu and %zu findings", all.n, stream.n);
    for (size_t i = 0; i < all.n && i < stream.n; i++)
        cr_expect_str_eq(all.line[i], stream.line[i]);
    for (size_t i = 0; i < all.n; i++) free(all.line[i]);
    for (size_t i = 0; i < stream.n; i++) free(stream.line[i]);
}

/* --- memory ------------------------------------------------------------------------------------------------ */

static const char whole_context[] =
    "{\"local\":{\"eni-1\":[\"10.0.1.5\"]},\"enis\":{\"eni-2\":{\"type\":\"interface\",\"subnet\":\"subnet-2\","
    "\"groups\":[\"sg-1\"],\"addrs\":[\"10.0.2.5\",\"2001:db8::5\"]}},\"subnets\":{\"subnet-2\":[\"10.0.2.0/24\"]},"
    "\"vpc_cidrs\":[\"10.0.0.0/16\"],\"traffic_type\":\"ALL\",\"agg\":60,\"log_window\":[1600000000,1800000000],"
    "\"udp_timeout\":30,\"udp_stream\":180,\"query\":{\"server\":\"10.0.1.5\"}}";
static const char some_rules[] =
    "{\"NetworkAcls\":[{\"NetworkAclId\":\"acl-1\",\"VpcId\":\"vpc-1\",\"IsDefault\":true,\"Associations\":[],"
    "\"Entries\":[{\"RuleNumber\":100,\"Egress\":true,\"RuleAction\":\"deny\",\"Protocol\":\"-1\",\"CidrBlock\":"
    "\"0.0.0.0/0\"}]}],\"NetworkInterfaces\":[{\"NetworkInterfaceId\":\"eni-1\",\"SubnetId\":\"subnet-1\",\"VpcId\":"
    "\"vpc-1\",\"PrivateIpAddress\":\"10.0.1.5\",\"Groups\":[]}]}";

static int nothing(void *ctx, const flowlog_finding *f)
{
    *(size_t *)ctx += f->records;
    return 0;
}

static flowlog_status use(flowlog_diagnosis *d, flowlog_diagnosis *other, const char *text, size_t half)
{
    flowlog_error err;
    size_t records = 0;
    flowlog_status status = flowlog_diagnosis_context(d, whole_context, sizeof whole_context - 1, &err);
    if (status >= 0) status = flowlog_diagnosis_rules(d, some_rules, sizeof some_rules - 1, &err);
    if (status >= 0) status = feed_status(d, text, half, &err);
    if (status >= 0) status = feed_status(other, text + half, strlen(text + half), &err);
    if (status >= 0) status = flowlog_diagnosis_merge(d, other, &err);
    if (status >= 0) status = flowlog_diagnosis_finish(d, nothing, &records, &err);
    if (status >= 0) cr_expect_gt(records, 9);
    return status;
}

static flowlog_status once(const flowlog_alloc *alloc, const char *text, size_t half)
{
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d = NULL, *other = NULL;
    flowlog_error err;
    o.flags = FLOWLOG_DIAGNOSE_ALL | FLOWLOG_DIAGNOSE_GROUPED;
    o.alloc = alloc;
    o.evidence = 2;
    flowlog_status status = flowlog_diagnosis_new(&o, &d, &err);
    if (status >= 0) status = flowlog_diagnosis_new(&o, &other, &err);
    if (status >= 0) status = use(d, other, text, half);
    flowlog_diagnosis_free(d);
    flowlog_diagnosis_free(other);
    return status;
}

/* Two logs, one behind the other: the second begins at the place returned. */
static size_t two_logs(char *text)
{
    uint64_t state = 7;
    size_t n = 0, half = 0;
    for (uint32_t i = 0; i < 90; i++) {
        if (i % 45 == 0) {
            half = n;
            n += (size_t)snprintf(text + n, LINES - n, "%s", header);
        }
        n += print_talk(text + n, LINES - n, i, i % 45 * PACE, &state);
    }
    return half;
}

Test(analyze_diagnose, every_allocation_may_fail)
{
    char *text = malloc(LINES);
    const size_t half = two_logs(text);
    struct test_alloc t;
    size_t n = 1;
    for (;; n++) {
        const flowlog_alloc alloc = test_alloc_init(&t, n);
        const flowlog_status status = once(&alloc, text, half);
        cr_expect_eq(t.live_bytes, 0, "allocation %zu leaks", n);
        cr_expect_eq(t.live_blocks, 0);
        cr_expect_eq(t.wrong_lengths, 0);
        if (t.requests < n) {
            cr_expect_eq(status, FLOWLOG_OK);
            break;
        }
        cr_expect_eq(status, FLOWLOG_E_MEMORY, "allocation %zu: %d", n, (int)status);
    }
    cr_expect_gt(n, 50);
    free(text);
}

/* --- context ----------------------------------------------------------------------------------------------- */

static flowlog_status load(const char *json, size_t len)
{
    struct test_alloc t;
    const flowlog_alloc alloc = test_alloc_init(&t, 0);
    flowlog_diagnosis_options o = FLOWLOG_DIAGNOSIS_OPTIONS_INIT;
    flowlog_diagnosis *d = NULL;
    flowlog_error err = {0};
    o.alloc = &alloc;
    cr_assert_eq(flowlog_diagnosis_new(&o, &d, &err), FLOWLOG_OK);
    const flowlog_status status = flowlog_diagnosis_context(d, json, len, &err);
    cr_expect_eq(err.status, status);
    flowlog_diagnosis_free(d);
    cr_expect_eq(t.live_bytes, 0);
    cr_expect_eq(t.wrong_lengths, 0);
    return status;
}

Test(analyze_diagnose, a_context_is_whole_or_wrong)
{
    const size_t len = sizeof whole_context - 1;
    for (size_t n = 0; n < len; n++) {
        char *copy = malloc(n + 1); /* so that reading beyond it is seen */
        memcpy(copy, whole_context, n);
        cr_expect_lt(load(copy, n), 0, "the first %zu bytes", n);
        free(copy);
    }
    cr_expect_eq(load(whole_context, len), FLOWLOG_OK);
}

Test(analyze_diagnose, what_a_context_cannot_say)
{
    static const char *const wrong[] = {
        "[]", "1", "null", "{\"unknown\":1}", "{\"local\":[]}", "{\"local\":{\"eni-1\":\"10.0.0.1\"}}",
        "{\"local\":{\"eni-1\":[\"10.0.0.256\"]}}", "{\"local\":{\"eni-1\":[1]}}", "{\"enis\":{\"eni-1\":[]}}",
        "{\"enis\":{\"eni-1\":{\"type\":1}}}", "{\"subnets\":{\"s\":[\"10.0.0.0/33\"]}}", "{\"subnets\":{\"s\":[\"\"]}}",
        "{\"vpc_cidrs\":{}}", "{\"vpc_cidrs\":[\"2001:db8::/129\"]}", "{\"traffic_type\":\"all\"}", "{\"agg\":61}",
        "{\"agg\":-60}", "{\"agg\":6e1}", "{\"agg\":60.5}", "{\"agg\":99999999999999999999}", "{\"log_window\":[1]}",
        "{\"log_window\":[2,1]}", "{\"log_window\":[1,2,3]}", "{\"log_window\":[-1,2]}", "{\"udp_timeout\":\"30\"}",
        "{\"query\":{\"port\":65536}}", "{\"query\":{\"client\":\"x\"}}", "{\"agg\":60,\"agg\":60}", "{\"agg\":60}}",
        "{\"rules\":[]}", "{\"agg\":60,}", "{'agg':60}"};
    for (size_t i = 0; i < COUNT(wrong); i++) cr_expect_lt(load(wrong[i], strlen(wrong[i])), 0, "%s", wrong[i]);
    cr_expect_eq(load("{}", 2), FLOWLOG_OK);
    char deep[4096];
    memset(deep, '[', sizeof deep);
    cr_expect_lt(load(deep, sizeof deep), 0);
}

Test(analyze_diagnose, a_context_comes_before_the_records)
{
    flowlog_error err;
    size_t records = 0;
    flowlog_diagnosis *d = engine(NULL);
    char text[2048];
    snprintf(text, sizeof text, "%s%s", header, around);
    feed(d, text);
    cr_expect_eq(flowlog_diagnosis_context(d, "{}", 2, &err), FLOWLOG_E_STATE);
    cr_expect_eq(flowlog_diagnosis_finish(d, nothing, &records, &err), FLOWLOG_OK);
    cr_expect_eq(records, 2);
    cr_expect_eq(flowlog_diagnosis_finish(d, nothing, &records, &err), FLOWLOG_E_STATE);
    flowlog_diagnosis_free(d);
}
