/* SPDX-License-Identifier: MIT */
/*
 * vpc_rules.c - the pieces of a VPC and what its rules say of one packet (support/vpc_sim.h).
 *
 * Network ACL: the user guide's "Network ACL rules": lowest number first, the first entry that fits decides, the
 * last one (32767, of IPv6 32768) denies.  An entry names protocol, the other end's addresses, destination ports or
 * ICMP type, and nothing else.
 * Security group: allow only; rules of all groups of the interface are one set; a rule that names a group holds for
 * the private addresses of the interfaces in it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vpc_sim.h"

static void die(const char *why)
{
    fprintf(stderr, "vpc_sim: %s\n", why);
    abort();
}

/* --- addresses ------------------------------------------------------------------------------------------- */

static unsigned number(const char **p, unsigned base)
{
    unsigned n = 0, digits = 0;
    for (;; (*p)++, digits++) {
        unsigned d;
        if (**p >= '0' && **p <= '9') d = (unsigned)(**p - '0');
        else if (base == 16 && **p >= 'a' && **p <= 'f') d = (unsigned)(**p - 'a') + 10;
        else break;
        n = n * base + d;
    }
    if (!digits || n > 65535) die("not a number in an address");
    return n;
}

struct vpc_addr vpc_ip(const char *text)
{
    struct vpc_addr a = {0};
    const char *p = text;
    if (text[strcspn(text, ":,")] != ':') { /* of a list, the first */
        a.family = 4;
        for (int i = 0; i < 4; i++) {
            a.b[i] = (uint8_t)number(&p, 10);
            if (i < 3 && *p++ != '.') die("not an IPv4 address");
        }
        return a;
    }
    uint16_t group[8] = {0};
    int n = 0, gap = -1;
    a.family = 6;
    while (*p && *p != '/' && *p != ',' && n < 8) {
        if (p[0] == ':' && p[1] == ':') {
            gap = n;
            p += 2;
            continue;
        }
        if (*p == ':') p++;
        group[n++] = (uint16_t)number(&p, 16);
    }
    for (int i = 0; i < n; i++) {
        const int at = gap >= 0 && i >= gap ? 8 - n + i : i;
        a.b[2 * at] = (uint8_t)(group[i] >> 8);
        a.b[2 * at + 1] = (uint8_t)(group[i] & 255);
    }
    return a;
}

struct vpc_cidr vpc_net(const char *text)
{
    struct vpc_cidr c = {vpc_ip(text), 0};
    const char *slash = strchr(text, '/');
    c.bits = (uint8_t)(slash ? atoi(slash + 1) : c.addr.family == 4 ? 32 : 128);
    return c;
}

int vpc_addr_same(const struct vpc_addr *a, const struct vpc_addr *b)
{
    return a->family == b->family && !memcmp(a->b, b->b, sizeof a->b);
}

int vpc_cidr_holds(const struct vpc_cidr *c, const struct vpc_addr *a)
{
    if (!a->family || c->addr.family != a->family) return 0;
    for (unsigned i = 0; i < c->bits; i++) {
        const uint8_t bit = (uint8_t)(0x80u >> (i & 7));
        if ((c->addr.b[i / 8] ^ a->b[i / 8]) & bit) return 0;
    }
    return 1;
}

/* IPv6 in eight groups of lower case, as in AWS's example. */
const char *vpc_addr_text(const struct vpc_addr *a, char text[VPC_ADDR_TEXT])
{
    if (a->family == 4) {
        snprintf(text, VPC_ADDR_TEXT, "%u.%u.%u.%u", a->b[0], a->b[1], a->b[2], a->b[3]);
    } else if (a->family == 6) {
        int n = 0;
        for (int i = 0; i < 8; i++)
            n += snprintf(text + n, (size_t)(VPC_ADDR_TEXT - n), "%s%x", i ? ":" : "",
                          (unsigned)(a->b[2 * i] << 8 | a->b[2 * i + 1]));
    } else {
        snprintf(text, VPC_ADDR_TEXT, "-");
    }
    return text;
}

/* --- text ------------------------------------------------------------------------------------------------ */

void vpc_print(struct vpc_text *t, const char *format, ...)
{
    for (;;) {
        va_list args;
        va_start(args, format);
        const int n = vsnprintf(t->p ? t->p + t->n : NULL, t->room - t->n, format, args);
        va_end(args);
        if (n < 0) die("vsnprintf");
        if (t->p && (size_t)n < t->room - t->n) {
            t->n += (size_t)n;
            return;
        }
        t->room = (t->room + (size_t)n + 64) * 2;
        t->p = realloc(t->p, t->room);
        if (!t->p) die("out of memory");
    }
}

void vpc_text_free(struct vpc_text *t)
{
    free(t->p);
    *t = (struct vpc_text){0};
}

/* --- building -------------------------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint32_t vpc_random(struct vpc_world *w, uint32_t n)
{
    return (uint32_t)((next(&w->random) >> 32) * n >> 32);
}

static uint64_t name(struct vpc_world *w) { return next(&w->random) & UINT64_C(0xFFFFFFFF); }

struct vpc_world *vpc_new(uint64_t seed)
{
    struct vpc_world *w = calloc(1, sizeof *w);
    if (!w) die("out of memory");
    w->random = seed;
    snprintf(w->id, sizeof w->id, "vpc-0%016llx", (unsigned long long)name(w));
    snprintf(w->account, sizeof w->account, "123456789010");
    w->linger = 5000;
    vpc_add_acl(w);
    w->acl[0].is_default = 1;
    for (int egress = 0; egress < 2; egress++) {
        vpc_entry(w, 0, 100, egress, 1, VPC_ANY, "0.0.0.0/0", 0, 65535);
        vpc_entry(w, 0, 101, egress, 1, VPC_ANY, "::/0", 0, 65535);
    }
    return w;
}

void vpc_free(struct vpc_world *w)
{
    if (!w) return;
    free(w->talk);
    free(w->view);
    free(w->seen);
    free(w->track);
    free(w);
}

int vpc_add_acl(struct vpc_world *w)
{
    if (w->acls == VPC_ACLS) die("too many network ACLs");
    snprintf(w->acl[w->acls].id, sizeof w->acl->id, "acl-0%016llx", (unsigned long long)name(w));
    return w->acls++;
}

int vpc_add_subnet(struct vpc_world *w, const char *cidr, const char *cidr6, int acl)
{
    if (w->subnets == VPC_SUBNETS) die("too many subnets");
    struct vpc_subnet *s = &w->subnet[w->subnets];
    snprintf(s->id, sizeof s->id, "subnet-0%016llx", (unsigned long long)name(w));
    s->cidr = vpc_net(cidr);
    if (cidr6) s->cidr6 = vpc_net(cidr6);
    s->acl = acl;
    return w->subnets++;
}

int vpc_add_group(struct vpc_world *w)
{
    if (w->groups == VPC_GROUPS) die("too many groups");
    snprintf(w->group[w->groups].id, sizeof w->group->id, "sg-0%016llx", (unsigned long long)name(w));
    return w->groups++;
}

static int add_host(struct vpc_world *w, int iface, const char *addrs)
{
    if (w->hosts == VPC_HOSTS) die("too many hosts");
    struct vpc_host *h = &w->host[w->hosts];
    h->iface = iface;
    h->otherwise = VPC_REFUSES;
    for (const char *p = addrs; p; p = strchr(p, ',')) {
        if (*p == ',') p++;
        if (h->addrs == VPC_ADDRS) die("too many addresses");
        h->addr[h->addrs++] = vpc_ip(p);
    }
    return w->hosts++;
}

int vpc_add_iface(struct vpc_world *w, int kind, int subnet, const char *addrs, int *host)
{
    if (w->ifaces == VPC_IFACES) die("too many interfaces");
    struct vpc_iface *i = &w->iface[w->ifaces];
    snprintf(i->id, sizeof i->id, "eni-0%016llx", (unsigned long long)name(w));
    if (kind == VPC_INSTANCE)
        snprintf(i->instance, sizeof i->instance, "i-0%016llx", (unsigned long long)name(w));
    i->kind = (uint8_t)kind;
    i->subnet = subnet;
    i->tcp_timeout_s = 432000; /* the documented defaults */
    i->udp_timeout_s = 30;
    i->udp_stream_s = 180;
    const int h = add_host(w, w->ifaces, addrs);
    if (host) *host = h;
    return w->ifaces++;
}

int vpc_add_outside(struct vpc_world *w, const char *addrs) { return add_host(w, -1, addrs); }

void vpc_join(struct vpc_world *w, int iface, int group)
{
    struct vpc_iface *i = &w->iface[iface];
    if (i->groups == VPC_GROUPS_OF) die("too many groups of an interface");
    i->group[i->groups++] = group;
}

void vpc_serve(struct vpc_world *w, int host, int proto, int port, int state)
{
    struct vpc_host *h = &w->host[host];
    if (h->services == VPC_SERVICES) die("too many services");
    h->service[h->services++] = (struct vpc_service){(uint8_t)proto, (uint8_t)state, (uint16_t)port};
}

struct vpc_acl_entry *vpc_entry(struct vpc_world *w, int acl, int number_, int egress, int allow, int proto,
                                const char *cidr, int from, int to)
{
    struct vpc_acl *a = &w->acl[acl];
    if (a->n == VPC_ENTRIES) die("too many entries");
    int at = a->n++;
    for (; at && a->entry[at - 1].number > number_; at--) a->entry[at] = a->entry[at - 1];
    a->entry[at] = (struct vpc_acl_entry){.cidr = vpc_net(cidr),
                                          .since = 0,
                                          .until = VPC_ALWAYS,
                                          .number = (uint16_t)number_,
                                          .from = (uint16_t)from,
                                          .to = (uint16_t)to,
                                          .proto = (int16_t)proto,
                                          .icmp_type = VPC_ANY,
                                          .egress = (uint8_t)egress,
                                          .allow = (uint8_t)allow};
    return &a->entry[at];
}

struct vpc_group_rule *vpc_rule(struct vpc_world *w, int group, int egress, int proto, const char *cidr,
                                int from, int to)
{
    struct vpc_group *g = &w->group[group];
    if (g->n == VPC_RULES) die("too many rules");
    struct vpc_group_rule *r = &g->rule[g->n++];
    *r = (struct vpc_group_rule){
        .since = 0, .until = VPC_ALWAYS, .group = -1, .proto = (int16_t)proto, .from = (uint16_t)from,
        .to = (uint16_t)to, .icmp_type = VPC_ANY, .egress = (uint8_t)egress};
    if (cidr) r->cidr = vpc_net(cidr);
    return r;
}

/* --- what the rules say ---------------------------------------------------------------------------------- */

static int has_ports(int proto) { return proto == VPC_TCP || proto == VPC_UDP; }
static int is_icmp(int proto) { return proto == VPC_ICMP || proto == VPC_ICMP6; }

int vpc_acl_allows(const struct vpc_acl *acl, int egress, const struct vpc_packet *p, int64_t at,
                   uint16_t *number_)
{
    const struct vpc_addr *remote = egress ? &p->dst : &p->src;
    for (int i = 0; i < acl->n; i++) {
        const struct vpc_acl_entry *e = &acl->entry[i];
        if (e->egress != egress || at < e->since || at >= e->until) continue;
        if (!vpc_cidr_holds(&e->cidr, remote)) continue;
        if (e->proto != VPC_ANY) {
            if (e->proto != p->proto) continue;
            if (has_ports(p->proto) && (p->dport < e->from || p->dport > e->to)) continue;
            if (is_icmp(p->proto) && e->icmp_type != VPC_ANY && e->icmp_type != p->icmp_type) continue;
        }
        *number_ = e->number;
        return e->allow;
    }
    *number_ = remote->family == 4 ? 32767 : 32768;
    return 0;
}

static int in_group(const struct vpc_world *w, int group, const struct vpc_addr *a)
{
    for (int h = 0; h < w->hosts; h++) {
        const struct vpc_host *host = &w->host[h];
        if (host->iface < 0) continue;
        const struct vpc_iface *iface = &w->iface[host->iface];
        int member = 0;
        for (int i = 0; i < iface->groups; i++) member |= iface->group[i] == group;
        for (int i = 0; member && i < host->addrs; i++)
            if (vpc_addr_same(&host->addr[i], a)) return 1;
    }
    return 0;
}

static int in_force(const struct vpc_group_rule *r, int egress, int64_t at)
{
    return r->egress == egress && at >= r->since && at < r->until;
}

static int any_address(const struct vpc_group_rule *r, int family)
{
    return r->group < 0 && r->cidr.bits == 0 && r->cidr.addr.family == family;
}

static int rule_fits(const struct vpc_world *w, const struct vpc_group_rule *r, const struct vpc_packet *p,
                     const struct vpc_addr *remote)
{
    if (r->proto != VPC_ANY) {
        if (r->proto != p->proto) return 0;
        if (has_ports(p->proto) && (p->dport < r->from || p->dport > r->to)) return 0;
        if (is_icmp(p->proto) && r->icmp_type != VPC_ANY && r->icmp_type != p->icmp_type) return 0;
    }
    return r->group >= 0 ? in_group(w, r->group, remote) : vpc_cidr_holds(&r->cidr, remote);
}

static int all_ports(const struct vpc_group_rule *r, int proto)
{
    return r->proto == VPC_ANY || (r->proto == proto && r->from == 0 && r->to == 65535);
}

int vpc_groups_allow(const struct vpc_world *w, int iface, int egress, const struct vpc_packet *p, int64_t at,
                     int *untracked)
{
    const struct vpc_iface *i = &w->iface[iface];
    const struct vpc_addr *remote = egress ? &p->dst : &p->src;
    const struct vpc_packet answer = {.dport = p->sport,
                                      .proto = p->proto}; /* the request, if `p` is an answer */
    int allowed = 0;
    int any_here = 0, all_here = 0;   /* this way: a fitting rule is for any address; and for all ports */
    int any_there = 0,
        all_there = 0; /* the other way: a rule for any address fits the request; all answers */
    for (int g = 0; g < i->groups; g++) {
        const struct vpc_group *group = &w->group[i->group[g]];
        for (int k = 0; k < group->n; k++) {
            const struct vpc_group_rule *r = &group->rule[k];
            const int any = any_address(r, remote->family);
            if (in_force(r, egress, at) && rule_fits(w, r, p, remote)) {
                allowed = 1;
                any_here |= any;
                all_here |= any && all_ports(r, p->proto);
            }
            if (in_force(r, !egress, at) && any) {
                any_there |= rule_fits(w, r, &answer, remote);
                all_there |= all_ports(r, p->proto);
            }
        }
    }
    *untracked = allowed && has_ports(p->proto) && ((any_here && all_there) || (all_here && any_there));
    return allowed;
}
