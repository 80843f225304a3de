/* SPDX-License-Identifier: MIT */
/*
 * vpc_make.c - random VPCs with rules that are partly wrong, and hosts that talk (support/vpc_sim.h).
 *
 * Nothing here decides how a conversation ends: that is the walk's.  Chosen often are the cases that are hard to
 * tell from records: packets on both sides of an interval's end, changes of rules, answers that come late, both ends
 * private, client ports that look like services, connections that were forgotten.
 */
#include <stdio.h>
#include <string.h>

#include "support/vpc_sim.h"

struct maker {
    struct vpc_world *w;
    int64_t begin, span;
    int inside[VPC_HOSTS], insides;     /* hosts of instances */
    int outside[VPC_HOSTS], outsides;   /* public addresses */
    int onprem[VPC_HOSTS], onprems;     /* private addresses outside the VPC */
    int nat, balancer, balancer_host;   /* -1: none */
    uint16_t next_number[VPC_ACLS];
};

static uint32_t rnd(struct maker *m, uint32_t n) { return vpc_random(m->w, n); }
static int chance(struct maker *m, uint32_t percent) { return rnd(m, 100) < percent; }

static const struct {
    int proto, port;
} services[] = {{VPC_TCP, 22},   {VPC_TCP, 80},    {VPC_TCP, 443},  {VPC_TCP, 3306},
                {VPC_TCP, 5432}, {VPC_TCP, 6379},  {VPC_TCP, 8080}, {VPC_TCP, 3389},
                {VPC_TCP, 9092}, {VPC_TCP, 33333}, {VPC_TCP, 7777}, {VPC_UDP, 53},
                {VPC_UDP, 123},  {VPC_UDP, 514},   {VPC_UDP, 1194}, {VPC_UDP, 40000}};
enum { SERVICES = sizeof services / sizeof *services, TCP_SERVICES = 11 };

/* --- rules ----------------------------------------------------------------------------------------------- */

static const char *text_of(const struct vpc_cidr *c, char text[VPC_ADDR_TEXT + 4])
{
    char addr[VPC_ADDR_TEXT];
    snprintf(text, VPC_ADDR_TEXT + 4, "%s/%u", vpc_addr_text(&c->addr, addr), c->bits);
    return text;
}

/* Addresses that rules are written for. */
static const char *some_cidr(struct maker *m, char text[VPC_ADDR_TEXT + 4])
{
    struct vpc_world *w = m->w;
    struct vpc_cidr c;
    switch (rnd(m, 6)) {
    case 0:
    case 1: return "0.0.0.0/0";
    case 2: c = w->cidr; break;
    case 3: c = w->subnet[rnd(m, (uint32_t)w->subnets)].cidr; break;
    case 4: return "192.168.7.0/24";
    default:
        c = (struct vpc_cidr){w->host[rnd(m, (uint32_t)w->hosts)].addr[0], 32};
        break;
    }
    return text_of(&c, text);
}

static int next_number(struct maker *m, int acl) { return m->next_number[acl] += (uint16_t)(1 + rnd(m, 9)); }

static void allow_both(struct maker *m, int acl, int egress, int proto, const char *cidr, int from, int to)
{
    vpc_entry(m->w, acl, next_number(m, acl), egress, 1, proto, cidr, from, to);
    if (m->w->cidr6.addr.family && !strcmp(cidr, "0.0.0.0/0") && m->w->acl[acl].n < VPC_ENTRIES - 4)
        vpc_entry(m->w, acl, next_number(m, acl), egress, 1, proto == VPC_ICMP ? VPC_ICMP6 : proto,
                  "::/0", from, to);
}

static void some_denies(struct maker *m, int acl, uint32_t count)
{
    char text[VPC_ADDR_TEXT + 4];
    while (count--) {
        const uint32_t s = rnd(m, SERVICES);
        const int whole = chance(m, 25), proto = whole ? VPC_ANY : services[s].proto, egress = (int)rnd(m, 2);
        const char *cidr = some_cidr(m, text);
        if (whole && !strcmp(cidr, "0.0.0.0/0")) continue;
        /* Outgoing answers go to ports of clients: some entries are about those. */
        const int answers = chance(m, 30);
        vpc_entry(m->w, acl, next_number(m, acl), egress, 0, proto, cidr, answers ? 1024 : services[s].port,
                  answers ? 40000 : services[s].port);
    }
}

/* A list of services and of ports for answers: the usual hand-written one, often too narrow. */
static void narrow_acl(struct maker *m, int acl)
{
    static const int first_port[] = {1024, 1024, 32768, 32768, 49152};
    char text[VPC_ADDR_TEXT + 4];
    for (int egress = 0; egress < 2; egress++) {
        for (uint32_t n = 3 + rnd(m, 4); n; n--) {
            const uint32_t s = rnd(m, SERVICES);
            allow_both(m, acl, egress, services[s].proto, chance(m, 70) ? "0.0.0.0/0" : some_cidr(m, text),
                       services[s].port, services[s].port);
        }
        if (chance(m, 85)) allow_both(m, acl, egress, VPC_TCP, "0.0.0.0/0", first_port[rnd(m, 5)], 65535);
        if (chance(m, 60)) allow_both(m, acl, egress, VPC_UDP, "0.0.0.0/0", first_port[rnd(m, 5)], 65535);
        if (chance(m, 50)) allow_both(m, acl, egress, VPC_ICMP, "0.0.0.0/0", 0, 65535);
        else if (chance(m, 50)) {
            struct vpc_acl_entry *e =
                vpc_entry(m->w, acl, next_number(m, acl), egress, 1, VPC_ICMP, "0.0.0.0/0", 0, 65535);
            e->icmp_type = chance(m, 50) ? 8 : 0;
        }
    }
}

static void make_acls(struct maker *m)
{
    for (int n = 1 + (int)rnd(m, 3); n; n--) {
        const int acl = vpc_add_acl(m->w);
        if (chance(m, 45)) {
            some_denies(m, acl, 1 + rnd(m, 5));
            for (int egress = 0; egress < 2; egress++)
                allow_both(m, acl, egress, VPC_ANY, "0.0.0.0/0", 0, 65535);
        } else {
            if (chance(m, 30)) some_denies(m, acl, 1 + rnd(m, 2));
            narrow_acl(m, acl);
        }
    }
}

static void make_group(struct maker *m, int group)
{
    struct vpc_world *w = m->w;
    char text[VPC_ADDR_TEXT + 4];
    const int v6 = w->cidr6.addr.family != 0;
    for (uint32_t n = 3 + rnd(m, 6); n; n--) {
        const uint32_t s = rnd(m, SERVICES);
        const int member = chance(m, 20);
        const int more = chance(m, 10) ? 2000 : 0; /* a range */
        struct vpc_group_rule *r =
            vpc_rule(w, group, 0, services[s].proto, member ? NULL : some_cidr(m, text),
                     services[s].port, services[s].port + more);
        if (member) r->group = (int)rnd(m, (uint32_t)w->groups);
        if (v6 && chance(m, 40))
            vpc_rule(w, group, 0, services[s].proto, "::/0", services[s].port, services[s].port);
    }
    if (chance(m, 50)) {
        struct vpc_group_rule *r = vpc_rule(w, group, 0, VPC_ICMP, some_cidr(m, text), 0, 0);
        r->icmp_type = chance(m, 50) ? 8 : VPC_ANY;
    }
    if (chance(m, 15)) vpc_rule(w, group, 0, VPC_GRE, "192.168.7.0/24", 0, 0);
    if (chance(m, 60)) {
        vpc_rule(w, group, 1, VPC_ANY, "0.0.0.0/0", 0, 0);
        if (v6) vpc_rule(w, group, 1, VPC_ANY, "::/0", 0, 0);
        return;
    }
    for (uint32_t n = 2 + rnd(m, 4); n; n--) {
        const uint32_t s = rnd(m, SERVICES);
        vpc_rule(w, group, 1, services[s].proto, some_cidr(m, text), services[s].port, services[s].port);
    }
    if (chance(m, 50)) vpc_rule(w, group, 1, VPC_ICMP, "0.0.0.0/0", 0, 0);
}

/* Rules that begin or end in the middle of the log. */
static void change_rules(struct maker *m)
{
    struct vpc_world *w = m->w;
    char text[VPC_ADDR_TEXT + 4];
    w->changed = m->begin + m->span / 4 + rnd(m, (uint32_t)(m->span / 2));
    for (uint32_t n = 2 + rnd(m, 5); n; n--) {
        struct vpc_group *g = &w->group[rnd(m, (uint32_t)w->groups)];
        struct vpc_acl *a = &w->acl[w->subnet[rnd(m, (uint32_t)w->subnets)].acl];
        switch (rnd(m, 5)) {
        case 0:
            if (g->n) g->rule[rnd(m, (uint32_t)g->n)].until = w->changed;
            break;
        case 1:
            if (g->n) g->rule[rnd(m, (uint32_t)g->n)].since = w->changed;
            break;
        case 2:
            if (a->n) a->entry[rnd(m, (uint32_t)a->n)].until = w->changed;
            break;
        default: {
            const uint32_t s = rnd(m, SERVICES);
            const int egress = (int)rnd(m, 2), icmp = chance(m, 20), kind = (int)rnd(m, 3);
            const int from = kind == 0 ? services[s].port : kind == 1 ? 1024 : 0;
            const int number = 2 + (int)(n + 8 * (uint32_t)(a - w->acl)); /* below all others */
            if (a->n >= VPC_ENTRIES - 1) break;
            const char *cidr = chance(m, 50) ? "0.0.0.0/0" : some_cidr(m, text);
            vpc_entry(w, (int)(a - w->acl), number, egress, 0, icmp ? VPC_ICMP : services[s].proto, cidr, from,
                      kind == 0 ? from : 65535)
                ->since = w->changed;
        }
        }
    }
}

/* --- the VPC --------------------------------------------------------------------------------------------- */

static void some_services(struct maker *m, int host, uint32_t count)
{
    while (count--) {
        const uint32_t s = rnd(m, SERVICES), state = rnd(m, 10);
        vpc_serve(m->w, host, services[s].proto, services[s].port,
                  state < 7                                   ? VPC_LISTENS
                  : state < 8 && services[s].proto == VPC_TCP ? VPC_REFUSES
                                                              : VPC_SILENT);
    }
    m->w->host[host].otherwise = (uint8_t)(chance(m, 70) ? VPC_REFUSES : VPC_SILENT);
}

static const char *net_prefix(int net) { return net == 198 ? "198.18" : net == 172 ? "172.20" : "10.7"; }

static void make_instances(struct maker *m, int net, int v6)
{
    struct vpc_world *w = m->w;
    for (int n = 4 + (int)rnd(m, 5), i = 0; i < n; i++) {
        const int subnet = (int)rnd(m, (uint32_t)w->subnets);
        char addrs[160];
        const char *prefix = net_prefix(net);
        int len = snprintf(addrs, sizeof addrs, "%s.%d.%d", prefix, subnet + 1, 10 + i);
        const int second4 = chance(m, 20), second6 = !second4 && chance(m, 25);
        if (second4)
            len += snprintf(addrs + len, sizeof addrs - (size_t)len, ",%s.%d.%d", prefix, subnet + 1,
                            110 + i);
        for (int k = v6 && chance(m, 70) ? 1 + second6 : 0; k; k--)
            len += snprintf(addrs + len, sizeof addrs - (size_t)len, ",2001:db8:7:%d::%d", subnet + 1,
                            10 + i + 100 * (k - 1));
        int host;
        const int iface = vpc_add_iface(w, VPC_INSTANCE, subnet, addrs, &host);
        for (uint32_t g = 1 + rnd(m, 2); g; g--) vpc_join(w, iface, (int)rnd(m, (uint32_t)w->groups));
        w->iface[iface].tcp_timeout_s = chance(m, 50) ? 350 : 432000;
        w->iface[iface].udp_timeout_s = chance(m, 80) ? 30 : 60;
        w->iface[iface].udp_stream_s = chance(m, 80) ? 180 : 60;
        some_services(m, host, 3 + rnd(m, 4));
        m->inside[m->insides++] = host;
    }
}

static void make_vpc(struct maker *m)
{
    static const int nets[] = {10, 10, 10, 10, 10, 172, 172, 172, 172, 198}; /* 198.18/16: not private */
    struct vpc_world *w = m->w;
    const int net = nets[rnd(m, 10)], v6 = chance(m, 40);
    char text[32], text6[80];
    snprintf(text, sizeof text, "%s.0.0/16", net_prefix(net));
    w->cidr = vpc_net(text);
    if (v6) w->cidr6 = vpc_net("2001:db8:7::/56");
    const int subnets = 2 + (int)rnd(m, 3);
    for (int s = 0; s < subnets; s++) {
        snprintf(text, sizeof text, "%s.%d.0/24", net_prefix(net), s + 1);
        snprintf(text6, sizeof text6, "2001:db8:7:%d::/64", s + 1);
        vpc_add_subnet(w, text, v6 ? text6 : NULL, 0);
    }
    for (uint32_t n = 3 + rnd(m, 3); n; n--) vpc_add_group(w);
    make_instances(m, net, v6);
    for (uint32_t n = 4 + rnd(m, 4); n; n--) {
        const char *prefix = chance(m, 70) ? "203.0.113" : "198.51.100";
        snprintf(text, sizeof text, "%s.%u", prefix, 5 * n + rnd(m, 5));
        snprintf(text6, sizeof text6, "%s,2001:db8:ffff::%u", text, n);
        const int host = vpc_add_outside(w, v6 && chance(m, 50) ? text6 : text);
        some_services(m, host, 4);
        m->outside[m->outsides++] = host;
    }
    for (uint32_t n = 1 + rnd(m, 2); n; n--) {
        snprintf(text, sizeof text, "192.168.7.%u", 20 + n);
        const int host = vpc_add_outside(w, text);
        some_services(m, host, 4);
        m->onprem[m->onprems++] = host;
    }
    for (int a = 0; a < VPC_ACLS; a++) m->next_number[a] = 100;
    make_acls(m);
    for (int s = 0; s < w->subnets; s++) w->subnet[s].acl = (int)rnd(m, (uint32_t)w->acls);
    for (int g = 0; g < w->groups; g++) make_group(m, g);
    m->nat = m->balancer = -1;
    if (w->subnets < VPC_SUBNETS && chance(m, 60)) { /* in a subnet of its own, as they are */
        const char *prefix = net_prefix(net);
        snprintf(text, sizeof text, "%s.99.0/24", prefix);
        const int subnet = vpc_add_subnet(w, text, NULL, (int)rnd(m, (uint32_t)w->acls));
        snprintf(text, sizeof text, "%s.99.5", prefix);
        m->nat = vpc_add_iface(w, VPC_NAT, subnet, text, NULL);
        if (chance(m, 60)) {
            snprintf(text, sizeof text, "%s.99.77", prefix);
            m->balancer = vpc_add_iface(w, VPC_BALANCER, subnet, text, &m->balancer_host);
            vpc_join(w, m->balancer, (int)rnd(m, (uint32_t)w->groups));
            vpc_serve(w, m->balancer_host, VPC_TCP, 443, VPC_LISTENS);
        }
    }
    for (int i = 0; i < w->ifaces; i++) w->iface[i].phase = rnd(m, 60000);
}

/* --- conversations ----------------------------------------------------------------------------------------- */

static uint16_t client_port(struct maker *m)
{
    const uint32_t kind = rnd(m, 20);
    if (kind < 14) return (uint16_t)(32768 + rnd(m, 28232));
    if (kind < 17) return (uint16_t)(49152 + rnd(m, 16384));
    if (kind < 19) return (uint16_t)(1024 + rnd(m, 31744));
    return (uint16_t)services[rnd(m, TCP_SERVICES)].port;
}

static int used(const struct maker *m, const struct vpc_talk *t)
{
    for (size_t i = 0; i < m->w->talks; i++) {
        const struct vpc_talk *o = &m->w->talk[i];
        if (o->proto == t->proto && o->client_port == t->client_port && o->server_port == t->server_port &&
            (o->client == t->client || o->nat >= 0))
            return 1;
    }
    return 0;
}

/* Addresses of one family. */
static void choose_addresses(struct maker *m, struct vpc_talk *t)
{
    const struct vpc_host *c = &m->w->host[t->client], *s = &m->w->host[t->server];
    t->client_at = t->server_at = 0;
    if (t->nat >= 0 || chance(m, 40)) return;
    const int i = (int)rnd(m, (uint32_t)c->addrs), k = (int)rnd(m, (uint32_t)s->addrs);
    if (c->addr[i].family != s->addr[k].family) return;
    t->client_at = i;
    t->server_at = k;
}

/* Begun so shortly before a change of rules that it may meet it. */
static int meets_change(struct maker *m, const struct vpc_talk *t)
{
    return m->w->changed && t->at < m->w->changed && t->at > m->w->changed - 150000 && chance(m, 70);
}

static struct vpc_tcp some_tcp(struct maker *m, int slow)
{
    static const int64_t pauses[] = {8000, 40000, 100000, 200000, 380000, 800000, 7200000};
    struct vpc_tcp s = {0};
    s.tries = 1 + (int)rnd(m, 5);
    s.rounds = (int)rnd(m, 5);
    s.request = 60 + rnd(m, 2000);
    s.answer = chance(m, 20) ? 1000 + rnd(m, 2000000) : 100 + rnd(m, 8000);
    s.think = chance(m, 50) ? 50 : chance(m, 90) ? rnd(m, 40000) : 360000 + rnd(m, 100000);
    if (slow) {
        s.rounds = 4 + (int)rnd(m, 4);
        s.think = 10000 + rnd(m, 40000);
        s.tries = 6;
    }
    s.close = chance(m, 70) ? (int)rnd(m, 2) : (int)rnd(m, 5);
    if (chance(m, 25)) {
        s.late = VPC_NOTHING + 1 + (int)rnd(m, 3);
        s.pause = pauses[rnd(m, 7)];
        /* Longer than the longest tracking timeout: six days. */
        if (s.close == VPC_LEFT_OPEN && chance(m, 15)) s.pause = INT64_C(6) * 86400 * 1000;
    }
    return s;
}

/* Runs the conversation; its end. */
static int64_t run(struct maker *m, struct vpc_talk *t)
{
    /* Some servers answer when the tracking entry is gone (30 s).  Those of DNS and NTP answer soon or never. */
    static const int64_t delays[] = {1, 20, 20, 500, 20000, 45000, 90000};
    const uint32_t most = t->server_port == 53 || t->server_port == 123 ? 4 : 7;
    if (chance(m, 15)) { /* on both sides of an interval's end, of whichever interface of the two there is */
        const int host = m->w->host[t->server].iface >= 0 ? t->server : t->client;
        const int64_t phase = m->w->iface[m->w->host[host].iface].phase;
        t->rtt = chance(m, 50) ? t->rtt : 1 + rnd(m, 2500);
        t->at = (t->at - phase) / 60000 * 60000 + phase + 60000 - (int64_t)t->rtt * (1 + rnd(m, 3)) / 4;
    }
    const int talk = vpc_talk(m->w, t), slow = meets_change(m, t);
    if (t->proto == VPC_TCP) {
        const struct vpc_tcp s = some_tcp(m, slow);
        return vpc_run_tcp(m->w, talk, &s);
    }
    const int count = slow ? 15 : 1 + (int)rnd(m, chance(m, 30) ? 20 : 4);
    const int64_t gap = chance(m, 80) && !slow ? 1000 : 15000,
                  delay = t->proto == VPC_UDP ? delays[rnd(m, most)] : 1;
    return vpc_run_datagrams(m->w, talk, count, gap, delay, t->proto == VPC_UDP ? 40 + rnd(m, 400) : 84);
}

static void talk(struct maker *m, struct vpc_talk t, int repeat)
{
    for (int i = 0; t.client_port && i < 20 && used(m, &t); i++) t.client_port = client_port(m);
    for (;; repeat--) {
        int64_t end = run(m, &t);
        const struct vpc_talk *done = &m->w->talk[m->w->talks - 1];
        const int again =
            t.proto == VPC_TCP && done->established && chance(m, 6); /* the same ports once more */
        if (!again && (done->established || repeat <= 0)) return;
        if (end > m->begin + m->span * 2) return;
        t.at = end + (again ? 80000 + rnd(m, 600000) : 500 + rnd(m, 30000));
        if (t.nat >= 0) t.nat_port = (uint16_t)(1024 + rnd(m, 64511));
        for (int i = 0; !again && t.client_port && i < 20 && (!i || used(m, &t)); i++)
            t.client_port = client_port(m);
    }
}

static void choose_port(struct maker *m, struct vpc_talk *t)
{
    const struct vpc_host *s = &m->w->host[t->server];
    const uint32_t kind = rnd(m, 100);
    t->proto = kind < 72 ? VPC_TCP : kind < 86 ? VPC_UDP : kind < 98 ? VPC_ICMP : VPC_GRE;
    if (t->proto == VPC_ICMP && s->addr[t->server_at].family == 6) t->proto = VPC_ICMP6;
    if (t->proto != VPC_TCP && t->proto != VPC_UDP) return;
    t->client_port = client_port(m);
    for (int i = 0; i < 8; i++) {
        const uint32_t k = rnd(m, SERVICES);
        t->server_port = (uint16_t)services[k].port;
        if (services[k].proto != t->proto) continue;
        if (chance(m, 15)) return;
        for (int j = 0; j < s->services; j++)
            if (s->service[j].proto == t->proto && s->service[j].port == t->server_port) return;
    }
    if (t->proto == VPC_UDP) t->server_port = 53;
}

static int pick(struct maker *m, const int *list, int n) { return list[rnd(m, (uint32_t)n)]; }

/* When: anywhere, or near a change of rules. */
static int64_t some_time(struct maker *m)
{
    if (m->w->changed && chance(m, 40)) return m->w->changed - 160000 + rnd(m, 240000);
    return m->begin + rnd(m, (uint32_t)m->span);
}

/* Who talks to whom, and about what. */
static struct vpc_talk choose(struct maker *m)
{
    struct vpc_talk t = {.nat = -1, .at = some_time(m)};
    t.rtt = 1 + rnd(m, chance(m, 30) ? 300 : 20);
    const uint32_t kind = rnd(m, 10);
    if (kind < 4) {
        t.client = chance(m, 70) ? pick(m, m->outside, m->outsides) : pick(m, m->onprem, m->onprems);
        t.server = pick(m, m->inside, m->insides);
    } else if (kind < 8) {
        t.client = pick(m, m->inside, m->insides);
        do t.server = pick(m, m->inside, m->insides);
        while (t.server == t.client);
    } else {
        t.client = pick(m, m->inside, m->insides);
        t.server = chance(m, 75) ? pick(m, m->outside, m->outsides) : pick(m, m->onprem, m->onprems);
        /* Even subnets are private ones. */
        if (m->nat >= 0 && m->w->host[t.server].addr[0].b[0] != 192 &&
            m->w->iface[m->w->host[t.client].iface].subnet % 2 == 0) {
            t.nat = m->nat;
            t.nat_port = (uint16_t)(1024 + rnd(m, 64511));
        }
    }
    choose_addresses(m, &t);
    choose_port(m, &t);
    if (t.nat >= 0 && t.proto == VPC_GRE) t.nat = -1; /* gateways do not carry it */
    if (t.nat >= 0 && t.proto != VPC_TCP && t.proto != VPC_UDP) t.nat_port = 0;
    return t;
}

/* Whether the security groups of both ends would let the request pass. */
static int hopeful(const struct maker *m, const struct vpc_talk *t)
{
    const struct vpc_host *c = &m->w->host[t->client], *s = &m->w->host[t->server];
    struct vpc_packet p = {.src = c->addr[t->client_at],
                           .dst = s->addr[t->server_at],
                           .sport = t->client_port,
                           .dport = t->server_port,
                           .proto = t->proto};
    p.icmp_type = t->proto == VPC_ICMP ? 8 : 128;
    int untracked;
    return (c->iface < 0 || vpc_groups_allow(m->w, c->iface, 1, &p, t->at, &untracked)) &&
           (s->iface < 0 || vpc_groups_allow(m->w, s->iface, 0, &p, t->at, &untracked));
}

static void plain(struct maker *m)
{
    struct vpc_talk t = choose(m);
    for (int i = chance(m, 75) ? 25 : 0; i && !hopeful(m, &t); i--) t = choose(m);
    if (chance(m, 4)) t.lose_request = 8;
    else if (chance(m, 4)) t.lose_reply = 8;
    else if (chance(m, 8)) t.lose_request = t.lose_reply = 2;
    talk(m, t, (int)rnd(m, 3));
}

/* One client asks the same of several interfaces, again and again: neighbours of one subnet to compare with. */
static void monitor(struct maker *m)
{
    const int client = chance(m, 50)   ? pick(m, m->onprem, m->onprems)
                       : chance(m, 50) ? pick(m, m->outside, m->outsides)
                                       : pick(m, m->inside, m->insides);
    const uint32_t s = rnd(m, SERVICES);
    const int64_t at = some_time(m), step = 20000 + rnd(m, 30000);
    const int icmp = chance(m, 25), rounds = 2 + (int)rnd(m, 3);
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < m->insides; i++) {
            struct vpc_talk t = {.client = client,
                                 .server = m->inside[i],
                                 .nat = -1,
                                 .rtt = 1 + rnd(m, 30),
                                 .at = at + r * step + i * 700,
                                 .proto = (uint8_t)(icmp ? VPC_ICMP : services[s].proto)};
            if (t.server == client || chance(m, 20)) continue;
            if (!icmp) {
                t.client_port = client_port(m);
                t.server_port = (uint16_t)services[s].port;
            } else if (chance(m, 15)) { /* and is asked itself */
                t.server = client;
                t.client = m->inside[i];
            }
            talk(m, t, 0);
        }
}

/* A TCP conversation with a port of the client's choice. */
static struct vpc_talk between(struct maker *m, int client, int server, int port)
{
    struct vpc_talk t = {.client = client, .server = server, .nat = -1, .rtt = 60, .proto = VPC_TCP};
    t.at = some_time(m);
    t.client_port = client_port(m);
    t.server_port = (uint16_t)port;
    return t;
}

static void scan(struct maker *m)
{
    const int client = pick(m, m->outside, m->outsides), server = pick(m, m->inside, m->insides);
    struct vpc_talk t = between(m, client, server, 0);
    const struct vpc_tcp s = {.tries = 1, .rounds = 0, .close = VPC_RESET_CLIENT};
    for (uint32_t n = 5 + rnd(m, 15); n; n--) {
        t.server_port = (uint16_t)(1 + rnd(m, 1024));
        t.at += 200 + rnd(m, 2000);
        if (chance(m, 50)) t.client_port++;
        if (used(m, &t)) continue;
        (void)vpc_run_tcp(m->w, vpc_talk(m->w, &t), &s);
    }
}

static void noise(struct maker *m)
{
    const int client = pick(m, m->outside, m->outsides);
    struct vpc_talk t = between(m, client, -1, chance(m, 50) ? 443 : 1024 + (int)rnd(m, 60000));
    t.nat = m->nat;
    t.kind = VPC_NOISE;
    if (chance(m, 30)) t.proto = VPC_UDP;
    if (used(m, &t)) return;
    const int i = vpc_talk(m->w, &t);
    for (uint32_t n = 1 + rnd(m, 3); n; n--, t.at += 1000)
        (void)vpc_send(m->w, i, 0, t.proto == VPC_TCP ? VPC_SYN : 0, 1, 60, t.at);
}

static void backscatter(struct maker *m)
{
    const int client = pick(m, m->inside, m->insides), server = pick(m, m->outside, m->outsides);
    struct vpc_talk t = between(m, client, server, services[rnd(m, TCP_SERVICES)].port);
    const struct vpc_tcp s = {0};
    t.kind = VPC_BACKSCATTER;
    if (!used(m, &t)) (void)vpc_run_tcp(m->w, vpc_talk(m->w, &t), &s);
}

/* A client of the load balancer; what it asks goes on to an instance in a connection of the balancer's own. */
static void balanced(struct maker *m)
{
    const struct vpc_tcp s = {.tries = 3, .rounds = 2, .request = 500, .answer = 4000, .think = 300};
    const struct vpc_talk t = between(m, pick(m, m->outside, m->outsides), m->balancer_host, 443);
    if (used(m, &t)) return;
    const int front = vpc_talk(m->w, &t);
    (void)vpc_run_tcp(m->w, front, &s);
    if (!m->w->talk[front].established) return;
    struct vpc_talk back = between(m, m->balancer_host, m->inside[0], 8080);
    back.at = t.at + 80;
    back.client_port = (uint16_t)(1024 + rnd(m, 64511));
    if (!used(m, &back)) (void)vpc_run_tcp(m->w, vpc_talk(m->w, &back), &s);
}

struct vpc_world *vpc_make(uint64_t seed)
{
    struct maker m = {.w = vpc_new(seed)};
    m.w->linger = 500 + rnd(&m, 10000);
    m.begin = (INT64_C(1700000000) + rnd(&m, 10000000)) * 1000;
    m.span = (INT64_C(1800) + rnd(&m, 7200)) * 1000;
    make_vpc(&m);
    if (chance(&m, 40)) change_rules(&m);
    for (uint32_t n = 40 + rnd(&m, 60); n; n--) plain(&m);
    for (uint32_t n = rnd(&m, 4); n; n--) monitor(&m);
    for (uint32_t n = rnd(&m, 3); n; n--) scan(&m);
    for (uint32_t n = rnd(&m, 6); n; n--) backscatter(&m);
    for (uint32_t n = m.nat >= 0 ? 3 + rnd(&m, 8) : 0; n; n--) noise(&m);
    for (uint32_t n = m.balancer >= 0 ? 3 + rnd(&m, 6) : 0; n; n--) balanced(&m);
    return m.w;
}
