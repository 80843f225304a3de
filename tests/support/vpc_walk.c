/* SPDX-License-Identifier: MIT */
/*
 * vpc_walk.c - packets through interfaces: connection tracking, NAT, what is seen where (support/vpc_sim.h).
 *
 * Timeouts are those of "Security group connection tracking": TCP established 350 s or 432000 s by instance type,
 * UDP 30 s, 180 s once there was more than one exchange, other protocols 600 s.  When a closed connection's entry
 * goes is not documented; here it is world.linger after the second FIN, and at once after a RST.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vpc_sim.h"

enum {
    UNANSWERED_MS = 60000, /* an entry whose SYN was not answered; not documented */
    OTHER_MS = 600000,
    NAT_IDLE_MS = 350000,
    PATH_MAX_ = 4
};

/* A zeroed element more at the end of an array. */
static void *grow(void *array, size_t *n, size_t *room, size_t size)
{
    if (*n == *room) {
        *room = *room ? *room * 2 : 64;
        array = realloc(array, *room * size);
        if (!array) {
            fprintf(stderr, "vpc_sim: out of memory\n");
            abort();
        }
    }
    memset((char *)array + *n * size, 0, size);
    ++*n;
    return array;
}

int vpc_talk(struct vpc_world *w, const struct vpc_talk *talk)
{
    w->talk = grow(w->talk, &w->talks, &w->talk_room, sizeof *w->talk);
    struct vpc_talk *t = &w->talk[w->talks - 1];
    *t = *talk;
    t->end = t->at;
    t->host_state = VPC_SILENT;
    if (t->server >= 0) {
        const struct vpc_host *h = &w->host[t->server];
        t->host_state = t->proto == VPC_TCP                              ? h->otherwise
                        : t->proto == VPC_ICMP || t->proto == VPC_ICMP6 ? VPC_LISTENS
                                                                         : VPC_SILENT;
        for (int i = 0; i < h->services; i++)
            if (h->service[i].proto == t->proto && h->service[i].port == t->server_port)
                t->host_state = h->service[i].state;
    }
    return (int)w->talks - 1;
}

/* --- connection tracking --------------------------------------------------------------------------------- */

static int same_end(const struct vpc_end *a, const struct vpc_end *b)
{
    return a->port == b->port && vpc_addr_same(&a->addr, &b->addr);
}

static int expired(const struct vpc_world *w, const struct vpc_track *e, int64_t at)
{
    const struct vpc_iface *i = &w->iface[e->iface];
    int64_t idle = OTHER_MS;
    if (e->closed && at > e->closed) return 1;
    if (e->proto == VPC_TCP) idle = e->both ? (int64_t)i->tcp_timeout_s * 1000 : UNANSWERED_MS;
    if (e->proto == VPC_UDP) idle = (int64_t)(e->turns >= 2 ? i->udp_stream_s : i->udp_timeout_s) * 1000;
    return at - e->last > idle;
}

static int echo_of(const struct vpc_world *w, int talk)
{
    const int proto = w->talk[talk].proto;
    return proto == VPC_ICMP || proto == VPC_ICMP6 ? talk : -1;
}

/* Conversations are run one after the other, not by time: an entry is not there before it was made. */
static struct vpc_track *find_entry(struct vpc_world *w, const struct vpc_view *v, int in,
                                    const struct vpc_packet *p, int64_t at)
{
    const int echo = echo_of(w, v->talk);
    const struct vpc_end src = {p->src, p->sport}, dst = {p->dst, p->dport};
    for (size_t i = w->tracks; i--;) {
        struct vpc_track *e = &w->track[i];
        if (e->gone || e->iface != v->iface || e->proto != p->proto || e->echo != echo || at < e->born)
            continue;
        if (!same_end(&e->local, in ? &dst : &src) || !same_end(&e->remote, in ? &src : &dst)) continue;
        if (!expired(w, e, at)) return e;
        e->gone = 1;
    }
    return NULL;
}

static void touch(const struct vpc_world *w, struct vpc_track *e, int in, const struct vpc_packet *p,
                  int64_t at)
{
    const int backward = in != e->begun_in;
    e->both |= (uint8_t)backward;
    if (e->turns < 3 && backward == !(e->turns & 1)) e->turns++;
    if (at > e->last) e->last = at;
    if (p->flags & VPC_FIN) e->fins |= (uint8_t)(1 << in);
    if (p->flags & VPC_RST) e->closed = at;
    else if (e->fins == 3 && !e->closed) e->closed = at + w->linger;
}

/* What the security groups say, and what it does to the entry; `look` leaves everything as it is. */
static int groups_pass(struct vpc_world *w, struct vpc_view *v, int in, const struct vpc_packet *p,
                       int64_t at, int look)
{
    if (w->iface[v->iface].kind == VPC_NAT) return 1;
    struct vpc_track *e = find_entry(w, v, in, p, at);
    int untracked = 0;
    if (!e) {
        if (!vpc_groups_allow(w, v->iface, !in, p, at, &untracked)) return 0;
        if (w->talk[v->talk].nat >= 0) untracked = 0; /* through a NAT gateway all is tracked */
    }
    if (look || untracked) return 1;
    if (!e) {
        w->track = grow(w->track, &w->tracks, &w->track_room, sizeof *w->track);
        e = &w->track[w->tracks - 1];
        const struct vpc_end src = {p->src, p->sport}, dst = {p->dst, p->dport};
        *e = (struct vpc_track){.iface = v->iface, .local = in ? dst : src, .remote = in ? src : dst,
                                .proto = p->proto, .begun_in = (uint8_t)in, .born = at, .last = at,
                                .echo = echo_of(w, v->talk)};
        v->tracked = 1;
    }
    touch(w, e, in, p, at);
    return 1;
}

/* --- one interface --------------------------------------------------------------------------------------- */

static void count(struct vpc_side *s, const struct vpc_packet *p, int64_t at)
{
    if (!s->packets || at < s->first) s->first = at;
    if (!s->packets || at > s->last) s->last = at;
    s->packets += p->packets;
    s->bytes += p->bytes;
}

static void refuse(struct vpc_side *s, const struct vpc_view *v, int cause, int reply,
                   const struct vpc_packet *p, uint16_t rule)
{
    const int opener = p->proto == VPC_TCP ? (p->flags & (VPC_SYN | VPC_ACK)) == VPC_SYN : !reply;
    s->causes |= (uint8_t)(1 << cause);
    s->openers |= (uint8_t)opener;
    if (cause == VPC_BY_GROUP && reply && v->tracked) s->strays = 1;
    if (v->fins == 3 && !opener) s->strays = 1;
    if (rule) {
        if (!s->rule_min || rule < s->rule_min) s->rule_min = rule;
        if (rule > s->rule_max) s->rule_max = rule;
    }
}

/* 1: the interface let it pass. */
static int pass(struct vpc_world *w, int view, int reply, const struct vpc_packet *p, int64_t at)
{
    struct vpc_view *v = &w->view[view];
    const int in = v->request_in != reply;
    const struct vpc_acl *acl = &w->acl[w->subnet[w->iface[v->iface].subnet].acl];
    uint16_t rule = 0;
    const int by_acl = v->same_subnet || vpc_acl_allows(acl, !in, p, at, &rule);
    /* Inbound the network ACL comes first, and what it refuses no security group ever sees. */
    const int by_groups = groups_pass(w, v, in, p, at, in && !by_acl);
    const int refused = !by_acl || !by_groups;
    struct vpc_side *s = &v->side[reply ? (refused ? VPC_PR : VPC_PA) : (refused ? VPC_RR : VPC_RA)];
    count(s, p, at);
    const int cause = by_acl ? VPC_BY_GROUP : by_groups ? VPC_BY_ACL : VPC_BY_BOTH;
    if (refused) refuse(s, v, cause, reply, p, by_acl ? 0 : rule);
    else if (p->flags & VPC_RST) v->fins = 3;
    else if (p->flags & VPC_FIN) v->fins |= (uint8_t)(1 << reply);

    w->seen = grow(w->seen, &w->seens, &w->seen_room, sizeof *w->seen);
    w->seen[w->seens - 1] = (struct vpc_seen){.view = view,
                                              .reply = (uint8_t)reply,
                                              .refused = (uint8_t)refused,
                                              .flags = p->flags,
                                              .packets = p->packets,
                                              .bytes = p->bytes,
                                              .at = at};
    if (at > w->talk[v->talk].end) w->talk[v->talk].end = at;
    return !refused;
}

/* --- the way --------------------------------------------------------------------------------------------- */

static int iface_of(const struct vpc_world *w, int host) { return host < 0 ? -1 : w->host[host].iface; }

static const struct vpc_addr *primary(const struct vpc_world *w, int iface, int family)
{
    for (int h = 0; h < w->hosts; h++) {
        if (w->host[h].iface != iface) continue;
        for (int i = 0; i < w->host[h].addrs; i++)
            if (w->host[h].addr[i].family == family) return &w->host[h].addr[i];
    }
    return NULL;
}

/* The view of a talk at an interface; `next`: the interface on the other side of the wire, or -1. */
static int view_of(struct vpc_world *w, int talk, int iface, int leg, int next, struct vpc_end client,
                   struct vpc_end server, int request_in)
{
    for (size_t i = w->views; i--;) {
        const struct vpc_view *v = &w->view[i];
        if (v->talk == talk && v->iface == iface && v->leg == leg) return (int)i;
    }
    w->view = grow(w->view, &w->views, &w->view_room, sizeof *w->view);
    struct vpc_view *v = &w->view[w->views - 1];
    v->talk = talk;
    v->iface = iface;
    v->leg = leg;
    v->client = v->shown_client = client;
    v->server = v->shown_server = server;
    v->request_in = (uint8_t)request_in;
    v->same_subnet = next >= 0 && w->iface[next].subnet == w->iface[iface].subnet;
    /* "If traffic is sent to a secondary address, dstaddr shows the primary one", and so on: the interface's own
       side is always its primary IPv4 address.  IPv6 is shown as it is. */
    if (client.addr.family == 4) {
        struct vpc_end *own = request_in ? &v->shown_server : &v->shown_client;
        own->addr = *primary(w, iface, 4);
    }
    return (int)w->views - 1;
}

struct step {
    int iface, leg, in; /* in: requests enter here */
    struct vpc_end client, server;
    int next; /* interface beyond, for the subnet border */
};

/* The interfaces on the way from client to server, in that order. */
static int way(const struct vpc_world *w, const struct vpc_talk *t, struct step steps[PATH_MAX_])
{
    int n = 0;
    const int ci = iface_of(w, t->client), si = iface_of(w, t->server);
    const struct vpc_end client = {w->host[t->client].addr[t->client_at], t->client_port};
    struct vpc_end server = {{0}, t->server_port};
    if (t->kind == VPC_NOISE) server.addr = *primary(w, t->nat, 4);
    else server.addr = w->host[t->server].addr[t->server_at];
    if (t->kind == VPC_NOISE) {
        steps[n++] = (struct step){t->nat, 1, 1, client, server, -1};
        return n;
    }
    const int nat = t->nat;
    if (ci >= 0) steps[n++] = (struct step){ci, 0, 0, client, server, nat >= 0 ? nat : si};
    if (nat >= 0) {
        const struct vpc_end outer = {*primary(w, nat, 4), t->nat_port};
        steps[n++] = (struct step){nat, 0, 1, client, server, ci};
        steps[n++] = (struct step){nat, 1, 0, outer, server, -1};
    }
    if (si >= 0) steps[n++] = (struct step){si, 0, 1, client, server, ci};
    return n;
}

static int step_pass(struct vpc_world *w, int talk, const struct step *s, int reply,
                     struct vpc_packet *p, int64_t at)
{
    p->src = reply ? s->server.addr : s->client.addr;
    p->dst = reply ? s->client.addr : s->server.addr;
    p->sport = reply ? s->server.port : s->client.port;
    p->dport = reply ? s->client.port : s->server.port;
    return pass(w, view_of(w, talk, s->iface, s->leg, s->next, s->client, s->server, s->in), reply, p, at);
}

int vpc_send(struct vpc_world *w, int talk, int reply, int flags, uint32_t packets, uint32_t bytes,
             int64_t at)
{
    struct step steps[PATH_MAX_];
    struct vpc_talk *t = &w->talk[talk];
    const int n = way(w, t, steps);
    struct vpc_packet p = {.proto = t->proto, .flags = (uint8_t)flags, .packets = packets, .bytes = bytes};
    if (t->proto == VPC_ICMP) p.icmp_type = reply ? 0 : 8;
    if (t->proto == VPC_ICMP6) p.icmp_type = reply ? 129 : 128;
    const int lost = (int)vpc_random(w, 8) < (reply ? t->lose_reply : t->lose_request);
    /* The route lies where the packet leaves what is ours or goes from one interface to the other. */
    const int from = reply ? iface_of(w, t->server) : iface_of(w, t->client);
    int routed = from < 0;
    if (t->kind != VPC_NOISE || !reply) reply ? t->replies_sent++ : t->requests_sent++;
    if (routed && lost) goto gone;
    for (int i = 0; i < n; i++) {
        const struct step *s = &steps[reply ? n - 1 - i : i];
        const int outward = s->in == reply; /* it leaves the interface */
        if (!outward && !routed && s->iface != t->nat) {
            if (lost) goto gone;
            routed = 1;
        }
        /* At the interface of the host that sends it is seen now, beyond the route half a round trip later. */
        if (!step_pass(w, talk, s, reply, &p, routed ? at + t->rtt / 2 : at)) return 0;
        if (s->iface == t->nat && !outward) {
            if (t->kind == VPC_NOISE) return 0;
            if (t->nat_last && at - t->nat_last > NAT_IDLE_MS && !(flags & VPC_SYN)) {
                if (reply) return 0;
                /* The gateway has forgotten the connection and says so. */
                struct vpc_packet r = {.proto = t->proto, .flags = VPC_RST, .packets = 1, .bytes = 40};
                if (t->proto == VPC_TCP && step_pass(w, talk, &steps[1], 1, &r, at))
                    (void)step_pass(w, talk, &steps[0], 1, &r, at);
                return 0;
            }
            t->nat_last = at;
        }
    }
    if (!routed && lost) goto gone;
    reply ? t->replies_got++ : t->requests_got++;
    return 1;
gone:
    reply ? (t->lost_reply = 1) : (t->lost_request = 1);
    return 0;
}
