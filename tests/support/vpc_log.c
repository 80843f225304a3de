/* SPDX-License-Identifier: MIT */
/*
 * vpc_log.c - what was seen at the interfaces, as the records AWS writes (support/vpc_sim.h).
 *
 * Each interface has its intervals; within one, packets of the same printed addresses, ports, protocol and action are
 * one record.  A packet is therefore in exactly one record, and records of refused and of accepted packets of one
 * 5-tuple stand beside each other.  tcp-flags are or-ed; of ACK only that of a SYN-ACK is kept.
 *
 * start is "up to 60 seconds before the packet was received, or up to 60 seconds after it was transmitted", end up to
 * 60 seconds after the last packet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vpc_sim.h"

const char *const vpc_formats[VPC_FORMATS] = {
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
    "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags "
    "pkt-srcaddr pkt-dstaddr",
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status "
    "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction",
};

enum { SKEW_S = 60, QUIET_MAX = 400 }; /* NODATA of one pause at most */

struct record {
    struct vpc_end src, dst;      /* as shown */
    struct vpc_addr psrc, pdst;   /* of the packets; equal for all records of a format that has no pkt-* */
    int64_t window, first, last;
    uint64_t packets, bytes;
    int iface;
    uint8_t proto, refused, in, flags;
};

struct line {
    int64_t at; /* when it is delivered */
    size_t start, len;
    uint64_t tie;
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = a * UINT64_C(0x9E3779B97F4A7C15) + b;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* --- intervals ------------------------------------------------------------------------------------------- */

static int64_t interval_ms(const struct vpc_log_options *o) { return (int64_t)o->interval_s * 1000; }

int64_t vpc_log_window(const struct vpc_world *w, const struct vpc_log_options *o, int iface, int64_t at)
{
    return (at - w->iface[iface].phase) / interval_ms(o);
}

static int64_t window_begin(const struct vpc_world *w, const struct vpc_log_options *o, int iface,
                            int64_t window)
{
    return window * interval_ms(o) + w->iface[iface].phase;
}

int vpc_log_loses(const struct vpc_log_options *o, int iface, int64_t window)
{
    return o->lose && (int)(mix(mix(o->seed, (uint64_t)iface + 77), (uint64_t)window) % 1000) < o->lose;
}

static int within(const struct vpc_world *w, const struct vpc_log_options *o, int iface, int64_t window)
{
    const int64_t begin = window_begin(w, o, iface, window);
    return (!o->from || begin >= o->from) && (!o->to || begin + interval_ms(o) <= o->to);
}

/* --- aggregation ----------------------------------------------------------------------------------------- */

static int compare_ends(const struct vpc_end *a, const struct vpc_end *b)
{
    const int c = memcmp(a->addr.b, b->addr.b, sizeof a->addr.b);
    return c ? c : (int)a->port - (int)b->port;
}

static int compare_records(const void *x, const void *y)
{
    const struct record *a = x, *b = y;
    int c;
    if (a->window != b->window) return a->window < b->window ? -1 : 1;
    if ((c = a->iface - b->iface) || (c = a->proto - b->proto) || (c = a->refused - b->refused) ||
        (c = a->in - b->in) || (c = a->src.addr.family - b->src.addr.family) ||
        (c = compare_ends(&a->src, &b->src)) || (c = compare_ends(&a->dst, &b->dst)) ||
        (c = memcmp(a->psrc.b, b->psrc.b, sizeof a->psrc.b)))
        return c;
    return memcmp(a->pdst.b, b->pdst.b, sizeof a->pdst.b);
}

static uint8_t reported_flags(uint8_t flags)
{
    const int kept = flags & VPC_SYN ? VPC_FIN | VPC_RST | VPC_SYN | VPC_ACK : VPC_FIN | VPC_RST;
    return (uint8_t)(flags & kept);
}

static struct record record_of(const struct vpc_world *w, const struct vpc_log_options *o,
                               const struct vpc_seen *s)
{
    const struct vpc_view *v = &w->view[s->view];
    struct record r;
    memset(&r, 0, sizeof r);
    r.iface = v->iface;
    r.window = vpc_log_window(w, o, v->iface, s->at);
    r.src = s->reply ? v->shown_server : v->shown_client;
    r.dst = s->reply ? v->shown_client : v->shown_server;
    if (o->format != VPC_V2) {
        r.psrc = s->reply ? v->server.addr : v->client.addr;
        r.pdst = s->reply ? v->client.addr : v->server.addr;
    }
    r.proto = w->talk[v->talk].proto;
    r.refused = s->refused;
    r.in = v->request_in != s->reply;
    r.flags = reported_flags(s->flags);
    r.packets = s->packets;
    r.bytes = s->bytes;
    r.first = r.last = s->at;
    return r;
}

/* --- lines ----------------------------------------------------------------------------------------------- */

static int64_t floor_s(int64_t at) { return at / 1000; }

static void times(const struct vpc_world *w, const struct vpc_log_options *o, const struct record *r,
                  int64_t *start, int64_t *end)
{
    const uint64_t h =
        mix(mix(o->seed + 5, (uint64_t)r->first), (uint64_t)r->last ^ r->bytes << 20 ^ r->src.port);
    *start = floor_s(r->first);
    *end = floor_s(r->last);
    if (o->times == VPC_BY_WINDOW) { /* the interval's own, as far as the documented 60 s let it */
        const int64_t begin = floor_s(window_begin(w, o, r->iface, r->window));
        *start = begin > *start - SKEW_S ? begin : *start - SKEW_S;
        *end = begin + o->interval_s - 1 < *end + SKEW_S ? begin + o->interval_s - 1 : *end + SKEW_S;
    } else if (o->times == VPC_SKEWED) {
        *start += (int64_t)(h % (SKEW_S + 1)) - (r->in ? (int64_t)(h >> 16) % (SKEW_S + 1) : 0);
        *end += (int64_t)(h >> 32) % (SKEW_S + 1);
    }
    if (*end < *start) *end = *start;
}

static void write_record(const struct vpc_world *w, const struct vpc_log_options *o, const struct record *r,
                         struct vpc_text *t)
{
    char src[VPC_ADDR_TEXT], dst[VPC_ADDR_TEXT], psrc[VPC_ADDR_TEXT], pdst[VPC_ADDR_TEXT];
    int64_t start, end;
    const struct vpc_iface *i = &w->iface[r->iface];
    times(w, o, r, &start, &end);
    if (o->format == VPC_V3) vpc_print(t, "3 %s", i->id);
    else vpc_print(t, "%d %s %s", o->format == VPC_V2 ? 2 : 5, w->account, i->id);
    vpc_print(t, " %s %s %u %u %u %llu %llu %lld %lld %s OK", vpc_addr_text(&r->src.addr, src),
              vpc_addr_text(&r->dst.addr, dst), r->src.port, r->dst.port, r->proto,
              (unsigned long long)r->packets, (unsigned long long)r->bytes, (long long)start,
              (long long)end, r->refused ? "REJECT" : "ACCEPT");
    if (o->format == VPC_V5)
        vpc_print(t, " %s %s %s", w->id, w->subnet[i->subnet].id, i->instance[0] ? i->instance : "-");
    if (o->format != VPC_V2) vpc_print(t, " %u", r->flags);
    if (o->format == VPC_V5) vpc_print(t, " IPv%u", r->src.addr.family);
    if (o->format != VPC_V2)
        vpc_print(t, " %s %s", vpc_addr_text(&r->psrc, psrc), vpc_addr_text(&r->pdst, pdst));
    if (o->format == VPC_V5) vpc_print(t, " %s", r->in ? "ingress" : "egress");
}

static void write_status(const struct vpc_world *w, const struct vpc_log_options *o, int iface,
                         int64_t window, const char *status, struct vpc_text *t)
{
    const struct vpc_iface *i = &w->iface[iface];
    const int64_t begin = floor_s(window_begin(w, o, iface, window));
    if (o->format == VPC_V3) vpc_print(t, "3 %s", i->id);
    else vpc_print(t, "%d %s %s", o->format == VPC_V2 ? 2 : 5, w->account, i->id);
    vpc_print(t, " - - - - - - - %lld %lld - %s", (long long)begin, (long long)begin + o->interval_s - 1,
              status);
    if (o->format == VPC_V3) vpc_print(t, " - - -");
    if (o->format == VPC_V5)
        vpc_print(t, " %s %s %s - - - - -", w->id, w->subnet[i->subnet].id,
                  i->instance[0] ? i->instance : "-");
}

static int compare_lines(const void *x, const void *y)
{
    const struct line *a = x, *b = y;
    if (a->at != b->at) return a->at < b->at ? -1 : 1;
    return a->tie < b->tie ? -1 : a->tie > b->tie;
}

struct lines {
    struct line *p;
    size_t n, room;
    struct vpc_text text;
};

static void end_line(struct lines *l, const struct vpc_log_options *o, size_t start, int64_t at)
{
    if (l->n == l->room) {
        l->room = l->room ? l->room * 2 : 1024;
        l->p = realloc(l->p, l->room * sizeof *l->p);
        if (!l->p) abort();
    }
    const uint64_t h = mix(o->seed + 9, l->n);
    if (o->order == VPC_NEARLY) at += (int64_t)(h % 20 ? h % 90000 : h % 900000); /* some are very late */
    if (o->order == VPC_SHUFFLED) at = (int64_t)(h >> 2);
    l->p[l->n] = (struct line){at, start, l->text.n - start, l->n};
    l->n++;
}

/* Intervals in which an interface had nothing to write, between its first and its last one. */
static void quiet_windows(const struct vpc_world *w, const struct vpc_log_options *o,
                          const struct record *r, size_t n, struct lines *l, struct vpc_log *log)
{
    for (int iface = 0; iface < w->ifaces; iface++) {
        int64_t last = -1;
        for (size_t k = 0; k < n; k++) { /* in order of windows */
            if (r[k].iface != iface || !within(w, o, iface, r[k].window)) continue;
            for (int64_t q = last + 1; last >= 0 && q < r[k].window && o->nodata; q++) {
                if (vpc_log_loses(o, iface, q) || q > last + QUIET_MAX) continue;
                const size_t start = l->text.n;
                write_status(w, o, iface, q, "NODATA", &l->text);
                end_line(l, o, start, window_begin(w, o, iface, q + 1));
                log->nodata++;
            }
            if (r[k].window != last && vpc_log_loses(o, iface, r[k].window)) {
                log->lost++;
                if (o->marked) {
                    const size_t start = l->text.n;
                    write_status(w, o, iface, r[k].window, "SKIPDATA", &l->text);
                    end_line(l, o, start, window_begin(w, o, iface, r[k].window + 1));
                    log->skipdata++;
                }
            }
            last = r[k].window;
        }
    }
}

void vpc_log_write(const struct vpc_world *w, const struct vpc_log_options *o, struct vpc_log *log)
{
    memset(log, 0, sizeof *log);
    struct record *r = calloc(w->seens + 1, sizeof *r);
    if (!r) abort();
    for (size_t i = 0; i < w->seens; i++) r[i] = record_of(w, o, &w->seen[i]);
    qsort(r, w->seens, sizeof *r, compare_records);
    size_t n = 0;
    for (size_t i = 0; i < w->seens; i++) {
        struct record *last = n ? &r[n - 1] : NULL;
        if (last && compare_records(last, &r[i]) == 0) {
            last->packets += r[i].packets;
            last->bytes += r[i].bytes;
            last->flags |= r[i].flags;
            if (r[i].first < last->first) last->first = r[i].first;
            if (r[i].last > last->last) last->last = r[i].last;
        } else {
            r[n++] = r[i];
        }
    }

    struct lines l = {0};
    for (size_t i = 0; i < n; i++) {
        if (!within(w, o, r[i].iface, r[i].window)) continue;
        const int64_t begin = window_begin(w, o, r[i].iface, r[i].window), end = begin + interval_ms(o);
        if (!log->first_s || floor_s(begin) < log->first_s) log->first_s = floor_s(begin);
        if (floor_s(end) > log->last_s) log->last_s = floor_s(end);
        if (vpc_log_loses(o, r[i].iface, r[i].window)) continue;
        const size_t start = l.text.n;
        write_record(w, o, &r[i], &l.text);
        end_line(&l, o, start, end);
        log->records++;
        log->packets += r[i].packets;
        log->bytes += r[i].bytes;
    }
    quiet_windows(w, o, r, n, &l, log);
    if (l.n) qsort(l.p, l.n, sizeof *l.p, compare_lines);
    vpc_print(&log->text, "%s", "");
    if (o->header) vpc_print(&log->text, "%s\n", vpc_formats[o->format]);
    for (size_t i = 0; i < l.n; i++)
        vpc_print(&log->text, "%.*s\n", (int)l.p[i].len, l.text.p + l.p[i].start);
    free(l.p);
    vpc_text_free(&l.text);
    free(r);
}

void vpc_log_free(struct vpc_log *log) { vpc_text_free(&log->text); }
