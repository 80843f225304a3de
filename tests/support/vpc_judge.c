/* SPDX-License-Identifier: MIT */
/*
 * vpc_judge.c - claims against the truth (support/vpc_judge.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vpc_judge.h"

enum { SLACK_S = 130 }; /* both ends of a record may be 60 s off, and intervals meet */

static int is(const char *a, const char *b) { return a && !strcmp(a, b); }
static int begins(const char *a, const char *b) { return a && !strncmp(a, b, strlen(b)); }

/* --- which conversations a claim is about -------------------------------------------------------------------- */

static int same_end(const struct vpc_end *a, const struct vpc_end *b)
{
    return a->port == b->port && vpc_addr_same(&a->addr, &b->addr);
}

/* The ends as the format shows them. */
static struct vpc_end client_of(const struct vpc_view *v, const struct vpc_log_options *o)
{
    return o->format == VPC_V2 ? v->shown_client : v->client;
}
static struct vpc_end server_of(const struct vpc_view *v, const struct vpc_log_options *o)
{
    return o->format == VPC_V2 ? v->shown_server : v->server;
}

static void span(const struct vpc_view *v, int64_t *first, int64_t *last)
{
    *first = INT64_MAX;
    *last = 0;
    for (int i = 0; i < 4; i++) {
        if (!v->side[i].packets) continue;
        if (v->side[i].first / 1000 < *first) *first = v->side[i].first / 1000;
        if (v->side[i].last / 1000 > *last) *last = v->side[i].last / 1000;
    }
}

/* 0: another conversation; 1: this one; -1: this one with client and server exchanged. */
static int concerns(const struct vpc_world *w, const struct vpc_log_options *o, const struct vpc_claim *c,
                    const struct vpc_view *v)
{
    int64_t first, last;
    if (v->iface != c->iface || w->talk[v->talk].proto != c->proto) return 0;
    span(v, &first, &last);
    if (first > c->last + o->interval_s + SLACK_S || last + o->interval_s + SLACK_S < c->first) return 0;
    const struct vpc_end client = client_of(v, o), server = server_of(v, o);
    if (same_end(&c->client, &client) && same_end(&c->server, &server)) return 1;
    if (same_end(&c->client, &server) && same_end(&c->server, &client)) return -1;
    return 0;
}

/* --- is it false ------------------------------------------------------------------------------------------- */

static int layer_fits(const char *layer, uint8_t causes)
{
    if (is(layer, "SG")) return causes >> VPC_BY_GROUP & 1;
    if (is(layer, "NACL")) return causes >> VPC_BY_ACL & 1;
    if (is(layer, "SG_AND_NACL")) return causes >> VPC_BY_BOTH & 1;
    return is(layer, "SG_OR_NACL") && causes;
}

static int by_acl(const struct vpc_side *s) { return s->causes & (1 << VPC_BY_ACL | 1 << VPC_BY_BOTH); }

static int rule_fits(const struct vpc_claim *c, const struct vpc_side *s)
{
    return !c->rule || !strstr(c->layer, "NACL") || is(c->layer, "SG_OR_NACL") ||
           (c->rule >= s->rule_min && c->rule <= s->rule_max);
}

/* The claim holds of this conversation, whose roles are the claim's (turn 1) or the other way round (-1). */
static int holds(const struct vpc_world *w, const struct vpc_claim *c, const struct vpc_view *v, int turn)
{
    const struct vpc_talk *t = &w->talk[v->talk];
    const struct vpc_side *rr = &v->side[VPC_RR], *pr = &v->side[VPC_PR];
    const int answered = v->side[VPC_RA].packets && v->side[VPC_PA].packets;
    const int reset = t->proto == VPC_TCP && t->host_state == VPC_REFUSES && !t->established;
    const char *request = v->request_in ? "in" : "out", *reply = v->request_in ? "out" : "in";

    if (is(c->verdict, "OK")) return answered && !reset;
    if (is(c->verdict, "REFUSED")) return turn > 0 && answered && reset;
    if (is(c->verdict, "BLOCKED_INBOUND") || is(c->verdict, "BLOCKED_OUTBOUND")) {
        const char *direction = is(c->verdict, "BLOCKED_INBOUND") ? "in" : "out";
        if (t->kind == VPC_BACKSCATTER) /* an answer that nobody asked for may be taken for a request */
            return turn < 0 && pr->packets && is(direction, reply) && layer_fits(c->layer, pr->causes);
        return turn > 0 && rr->packets && is(direction, request) && is(c->phase, "request") &&
               layer_fits(c->layer, rr->causes) && rule_fits(c, rr);
    }
    if (begins(c->verdict, "BLOCKED_REPLY_")) {
        const char *direction = is(c->verdict, "BLOCKED_REPLY_INBOUND") ? "in" : "out";
        if (t->kind == VPC_BACKSCATTER && turn < 0) /* and what is said to it for the reply */
            return rr->packets && is(direction, request) && by_acl(rr);
        return turn > 0 && pr->packets && is(direction, reply) && is(c->phase, "reply") &&
               is(c->layer, "NACL") && by_acl(pr) &&
               rule_fits(c, pr);
    }
    if (is(c->verdict, "STRAY"))
        return pr->strays || rr->strays || t->kind == VPC_BACKSCATTER ||
               (rr->packets && !rr->openers && v->tracked && !by_acl(rr));
    if (is(c->verdict, "NO_REPLY")) {
        if (turn < 0 || !v->side[VPC_RA].packets || v->side[VPC_PA].packets || pr->packets) return 0;
        return !is(c->layer, "HOST") || (v->request_in && !t->replies_sent);
    }
    if (is(c->verdict, "NOT_DELIVERED"))
        return is(c->phase, "reply") ? t->lost_reply && !t->replies_got : t->lost_request && !t->requests_got;
    if (is(c->verdict, "UNSOLICITED_NAT")) return t->kind == VPC_NOISE;
    if (is(c->verdict, "RULE_CHANGE")) return w->changed && (rr->packets || pr->packets);
    if (is(c->verdict, "CONFIG_MISMATCH")) return w->changed || pr->strays;
    return 1; /* nothing that could mislead is claimed */
}

static void describe(const struct vpc_world *w, const struct vpc_view *v, char *why, size_t room)
{
    static const char *const kinds[] = {"", "noise, ", "backscatter, "}, *const states[] = {"listens",
                                                                                            "refuses",
                                                                                            "silent"};
    const struct vpc_talk *t = &w->talk[v->talk];
    char a[VPC_ADDR_TEXT], b[VPC_ADDR_TEXT];
    snprintf(
        why, room,
        "talk %d at %s: %s:%u -> %s:%u %s%s; RA %llu RR %llu (causes %x, rules %u-%u) PA %llu PR %llu (causes %x, rules "
        "%u-%u, strays %u); host %s%s%s%s",
        v->talk, w->iface[v->iface].id, vpc_addr_text(&v->client.addr, a), v->client.port,
        vpc_addr_text(&v->server.addr, b), v->server.port, kinds[t->kind],
        v->request_in ? "requests enter" : "requests leave", (unsigned long long)v->side[0].packets,
        (unsigned long long)v->side[1].packets, v->side[1].causes, v->side[1].rule_min,
        v->side[1].rule_max, (unsigned long long)v->side[2].packets,
        (unsigned long long)v->side[3].packets, v->side[3].causes, v->side[3].rule_min,
        v->side[3].rule_max, v->side[3].strays, states[t->host_state],
        t->established ? ", established" : "", t->lost_request ? ", requests lost" : "",
        t->lost_reply ? ", replies lost" : "");
    const size_t n = strlen(why);
    if (w->changed) snprintf(why + n, room - n, "; rules changed at %lld", (long long)(w->changed / 1000));
}

/* A claim about a way names the interface at fault, which is not where nothing arrived: any interface of it will do. */
static int false_path(const struct vpc_world *w, const struct vpc_log_options *o,
                      const struct vpc_claim *c, char *why, size_t room)
{
    int any = 0;
    for (size_t i = 0; i < w->views; i++) {
        struct vpc_claim at = *c;
        at.iface = w->view[i].iface;
        const int turn = concerns(w, o, &at, &w->view[i]);
        if (!turn) continue;
        if (holds(w, c, &w->view[i], turn)) return 0;
        if (!any++) describe(w, &w->view[i], why, room);
    }
    if (!any) snprintf(why, room, "there was no such conversation");
    return 1;
}

int vpc_false(const struct vpc_world *w, const struct vpc_log_options *o, const struct vpc_claim *c,
              char *why, size_t room)
{
    int any = 0;
    if (c->path && (is(c->verdict, "NOT_DELIVERED") || is(c->verdict, "OK")))
        return false_path(w, o, c, why, room);
    for (size_t i = 0; i < w->views; i++) {
        const int turn = concerns(w, o, c, &w->view[i]);
        if (!turn) continue;
        if (holds(w, c, &w->view[i], turn)) return 0;
        if (!any++) describe(w, &w->view[i], why, room);
    }
    if (!any) snprintf(why, room, "there was no such conversation");
    return 1;
}

/* --- what has to be found ---------------------------------------------------------------------------------- */

static int same_key(const struct vpc_world *w, const struct vpc_log_options *o, const struct vpc_view *a,
                    const struct vpc_view *b)
{
    if (a->iface != b->iface || w->talk[a->talk].proto != w->talk[b->talk].proto) return 0;
    const struct vpc_end ac = client_of(a, o), as = server_of(a, o), bc = client_of(b, o),
                         bs = server_of(b, o);
    return (same_end(&ac, &bc) && same_end(&as, &bs)) || (same_end(&ac, &bs) && same_end(&as, &bc));
}

/* VPC_CASES: not refused by the rules. */
static int kind_of(const struct vpc_world *w, const struct vpc_view *v)
{
    const struct vpc_side *s = v->side;
    if (w->talk[v->talk].kind != VPC_TALK) return VPC_CASES;
    const int reply = by_acl(&s[VPC_PR]);
    if (s[VPC_RR].packets && !s[VPC_RA].packets) return VPC_CASE_REQUEST;
    if (s[VPC_RR].packets) return VPC_CASE_CHANGED;
    if (reply && !s[VPC_PA].packets && !s[VPC_PR].strays) return VPC_CASE_REPLY;
    if (reply) return VPC_CASE_CHANGED;
    return VPC_CASES;
}

static int is_private(const struct vpc_addr *a)
{
    static const char *const nets[] = {"10.0.0.0/8",    "172.16.0.0/12",  "192.168.0.0/16",
                                       "100.64.0.0/10", "169.254.0.0/16", "fc00::/7",
                                       "fe80::/10"};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        const struct vpc_cidr c = vpc_net(nets[i]);
        if (vpc_cidr_holds(&c, a)) return 1;
    }
    return 0;
}

/* The interface has records of one pair of addresses only, and both are private or neither is; or its IPv6 addresses
   are several, so that none is in all of its records. */
static int is_blind(const struct vpc_world *w, const struct vpc_view *v)
{
    const int family = v->client.addr.family;
    const struct vpc_addr *own = v->request_in ? &v->shown_server.addr : &v->shown_client.addr;
    const struct vpc_addr *peer = v->request_in ? &v->shown_client.addr : &v->shown_server.addr;
    for (size_t i = 0; i < w->views; i++) {
        const struct vpc_view *x = &w->view[i];
        if (x->iface != v->iface || x->client.addr.family != family) continue;
        const struct vpc_addr *o = x->request_in ? &x->shown_server.addr : &x->shown_client.addr;
        const struct vpc_addr *p = x->request_in ? &x->shown_client.addr : &x->shown_server.addr;
        if (!vpc_addr_same(o, own)) return 1;
        if (!vpc_addr_same(p, peer)) return 0;
    }
    return is_private(own) == is_private(peer);
}

/* What a reader of ports alone would say. */
static int is_service(uint16_t port)
{
    static const uint16_t usual[] = {1194, 3306, 3389, 5432, 6379, 8080, 8443, 9092};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (port == usual[i]) return 3;
    return port < 1024 ? 3 : port < 32768;
}

static int has_odd_ports(const struct vpc_view *v)
{
    const int client = is_service(v->client.port), server = is_service(v->server.port);
    return v->client.port != v->server.port &&
           (client > server || (client == server && v->client.port < v->server.port));
}

static int near_change(const struct vpc_world *w, const struct vpc_log_options *o, const struct vpc_view *v)
{
    int64_t first, last;
    span(v, &first, &last);
    const int64_t at = w->changed / 1000, slack = o->interval_s + SLACK_S;
    return w->changed && first - slack < at && at < last + slack;
}

size_t vpc_cases(const struct vpc_world *w, const struct vpc_log_options *o, struct vpc_case **cases)
{
    size_t n = 0;
    struct vpc_case *list = calloc(w->views + 1, sizeof *list);
    uint8_t *done = calloc(w->views + 1, 1);
    if (!list || !done) abort();
    for (size_t i = 0; i < w->views; i++) {
        if (done[i]) continue;
        const struct vpc_view *v = &w->view[i];
        struct vpc_case c = {.view = (int)i,
                             .kind = (uint8_t)kind_of(w, v),
                             .near_change = (uint8_t)near_change(w, o, v)};
        int refused = 0;
        for (size_t k = i; k < w->views; k++) {
            const struct vpc_view *x = &w->view[k];
            if (!same_key(w, o, v, x)) continue;
            done[k] = 1;
            const int kind = kind_of(w, x);
            refused |= kind != VPC_CASES;
            if (kind != c.kind || x->request_in != v->request_in) c.kind = VPC_CASE_MIXED;
            if (near_change(w, o, x)) c.near_change = 1;
            const struct vpc_side *s = &x->side[x->side[VPC_RR].packets ? VPC_RR : VPC_PR];
            if (k == i) c.rule = s->rule_min;
            if (s->rule_min != s->rule_max || s->rule_min != c.rule) c.rule = 0;
            c.causes |= s->causes;
        }
        if (!refused) continue;
        c.blind = (uint8_t)is_blind(w, v);
        c.odd_ports = (uint8_t)has_odd_ports(v);
        list[n++] = c;
    }
    free(done);
    *cases = list;
    return n;
}

int vpc_found(const struct vpc_world *w, const struct vpc_log_options *o, const struct vpc_case *c,
              const struct vpc_claim *claims, size_t n, const struct vpc_claim **best)
{
    const struct vpc_view *v = &w->view[c->view];
    const int reply = c->kind == VPC_CASE_REPLY;
    const char *direction = v->request_in != reply ? "in" : "out";
    for (size_t i = 0; i < n; i++) {
        const struct vpc_claim *x = &claims[i];
        if (x->path || concerns(w, o, x, v) != 1) continue;
        const int change = is(x->verdict, "RULE_CHANGE");
        if (c->kind == VPC_CASE_CHANGED || c->kind == VPC_CASE_MIXED) {
            if (!change && !begins(x->verdict, "BLOCKED")) continue;
        } else {
            if (!is(x->direction, direction) || !is(x->phase, reply ? "reply" : "request")) continue;
            if (change ? !c->near_change : !begins(x->verdict, reply ? "BLOCKED_REPLY_" : "BLOCKED"))
                continue;
        }
        *best = x;
        return 1;
    }
    return 0;
}
