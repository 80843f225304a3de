/* SPDX-License-Identifier: MIT */
/*
 * rules_warn.c - what is wrong with the rules themselves, whatever traffic there is: diagnosis.md, end of 3.2.
 *
 * The cursor walks, for each kind of warning, over all objects and their rules; each step looks at one rule.  The
 * largest step compares an entry with all others of its ACL at each end of a range of ports: 256^2 * 2.
 */
#include <stdio.h>
#include <string.h>

#include "analyze/rules_store.h"
#include "core/error.h"

enum { CLIENT_FIRST = 1024, CLIENT_LAST = 65535 };
/* A range this wide of high ports lets answers in; it is no service.  The narrowest in use: Windows, 49152-65535. */
enum { CLIENT_RANGE = 16383 };

static int covers_ports(const struct fl_acl_entry *outer, const struct fl_acl_entry *inner)
{
    if (outer->proto == -1) return 1;
    if (outer->proto != inner->proto) return 0;
    if (fl_has_ports((unsigned)inner->proto)) return outer->from <= inner->from && outer->to >= inner->to;
    if (!fl_is_icmp((unsigned)inner->proto) || outer->type < 0) return 1;
    return outer->type == inner->type && (outer->code < 0 || outer->code == inner->code);
}

/* --- answers that cannot pass ---------------------------------------------------------------- */

static int is_service(const struct fl_acl_entry *e)
{
    if (!e->allow) return 0;
    if (e->proto == -1) return 1;
    return fl_has_ports((unsigned)e->proto) && !(e->from >= CLIENT_FIRST && e->to - e->from >= CLIENT_RANGE);
}

/* Whether answers of protocol `proto` to all of `peers`, at port `port`, pass the entries of a direction. */
static int passes(const struct fl_rules *r, const struct fl_acl *acl, unsigned egress, const struct fl_cidr *peers,
                  unsigned proto, unsigned port)
{
    for (uint32_t i = 0; i < acl->entries.count; i++) {
        const struct fl_acl_entry *e = fl_entry_at(r, acl->entries.begin + i);
        if (e->egress != egress || !flowlog__cidr_covers(&e->cidr, peers)) continue;
        if (flowlog__acl_entry_has(e, proto, port, 0, 0)) return e->allow;
    }
    return 0;
}

/* The smallest port above `port` at which the entries of a direction may decide otherwise; CLIENT_LAST + 1: none. */
static unsigned next_edge(const struct fl_rules *r, const struct fl_acl *acl, unsigned egress, unsigned port)
{
    unsigned edge = CLIENT_LAST + 1;
    for (uint32_t i = 0; i < acl->entries.count; i++) {
        const struct fl_acl_entry *e = fl_entry_at(r, acl->entries.begin + i);
        if (e->egress != egress) continue;
        if (e->from > port && e->from < edge) edge = e->from;
        if (e->to >= port && e->to + 1u < edge) edge = e->to + 1u;
    }
    return edge;
}

static int warn_ephemeral(const struct fl_rules *r, uint32_t object, uint32_t item, struct fl_rule_warning *w)
{
    const struct fl_acl *acl = fl_acl_at(r, object);
    const struct fl_acl_entry *e = fl_entry_at(r, acl->entries.begin + item);
    const unsigned proto = e->proto == 17 ? 17 : 6, back = !e->egress;
    unsigned port = CLIENT_FIRST;
    if (!is_service(e)) return 0;
    while (port <= CLIENT_LAST && passes(r, acl, back, &e->cidr, proto, port)) port = next_edge(r, acl, back, port);
    if (port > CLIENT_LAST) return 0;
    w->from = (uint16_t)port;
    while (port <= CLIENT_LAST && !passes(r, acl, back, &e->cidr, proto, port)) port = next_edge(r, acl, back, port);
    w->to = (uint16_t)(port - 1);
    w->code = FL_RULE_WARNING_EPHEMERAL;
    w->egress = e->egress;
    w->family = e->cidr.family;
    w->proto = (int16_t)proto;
    w->number = e->number;
    w->id = fl_symbol_text(r, acl->id);
    w->source = fl_symbol_text(r, e->source);
    return 1;
}

/* --- entries that are never reached ---------------------------------------------------------- */

static int warn_unreached(const struct fl_rules *r, uint32_t object, uint32_t item, struct fl_rule_warning *w)
{
    const struct fl_acl *acl = fl_acl_at(r, object);
    const struct fl_acl_entry *e = fl_entry_at(r, acl->entries.begin + item);
    if (e->allow || e->number > FL_RULE_NUMBER_LAST) return 0; /* the last ones are AWS's own */
    for (uint32_t i = 0; i < item; i++) {
        const struct fl_acl_entry *front = fl_entry_at(r, acl->entries.begin + i);
        if (front->egress != e->egress || !flowlog__cidr_covers(&front->cidr, &e->cidr) || !covers_ports(front, e))
            continue;
        if (!front->allow) return 0; /* denied anyhow */
        w->code = FL_RULE_WARNING_UNREACHED;
        w->egress = e->egress;
        w->family = e->cidr.family;
        w->proto = e->proto;
        w->from = e->from;
        w->to = e->to;
        w->number = e->number;
        w->other = front->number;
        w->id = fl_symbol_text(r, acl->id);
        w->source = fl_symbol_text(r, e->source);
        return 1;
    }
    return 0;
}

/* --- groups that are gone -------------------------------------------------------------------- */

static int warn_stale(const struct fl_rules *r, uint32_t object, uint32_t item, struct fl_rule_warning *w)
{
    const struct fl_group *group = fl_group_at(r, object);
    const struct fl_group_rule *rule = fl_rule_at(r, group->rules.begin + item);
    if (rule->kind != FL_SOURCE_GROUP) return 0;
    const uint32_t peer = fl_symbol_at(r, rule->source)->group;
    const uint32_t vpc = rule->peer_vpc ? rule->peer_vpc : peer ? fl_group_at(r, peer - 1)->vpc : 0;
    const int elsewhere = vpc && group->vpc && vpc != group->vpc;
    if (rule->peering != FL_PEERING_OTHER && !(elsewhere && rule->peering == FL_PEERING_NONE)) return 0;
    w->code = FL_RULE_WARNING_STALE_GROUP;
    w->egress = rule->egress;
    w->proto = rule->proto;
    w->from = rule->from;
    w->to = rule->to;
    w->id = fl_symbol_text(r, group->id);
    w->source = fl_symbol_text(r, rule->source);
    return 1;
}

/* --- one after the other --------------------------------------------------------------------- */

int flowlog__rules_warning(const struct fl_rules *r, struct fl_rule_cursor *c, struct fl_rule_warning *warning)
{
    static const struct {
        int pool;
        int (*look)(const struct fl_rules *r, uint32_t object, uint32_t item, struct fl_rule_warning *w);
    } kind[] = {{FL_POOL_ACL, warn_ephemeral}, {FL_POOL_ACL, warn_unreached}, {FL_POOL_GROUP, warn_stale}};
    for (; c->kind < sizeof kind / sizeof *kind; c->kind++, c->object = 0) {
        const int is_acl = kind[c->kind].pool == FL_POOL_ACL;
        for (; c->object < fl_pool_count(r, kind[c->kind].pool); c->object++, c->item = 0) {
            const uint32_t i = c->object;
            const struct fl_symbol *s = fl_symbol_at(r, is_acl ? fl_acl_at(r, i)->id : fl_group_at(r, i)->id);
            if ((is_acl ? s->acl : s->group) != i + 1) continue; /* replaced */
            while (c->item < (is_acl ? fl_acl_at(r, i)->entries.count : fl_group_at(r, i)->rules.count)) {
                struct fl_rule_warning w;
                memset(&w, 0, sizeof w);
                if (!kind[c->kind].look(r, i, c->item++, &w)) continue;
                *warning = w;
                return 1;
            }
        }
    }
    return 0;
}

size_t flowlog__rule_warning_text(const struct fl_rule_warning *w, char *text, size_t cap)
{
    const char *direction = w->egress ? "outbound" : "inbound", *other = w->egress ? "inbound" : "outbound";
    const char *to = w->egress ? "to" : "from", *proto = w->proto == 17 ? "udp" : "tcp";
    const int id = (int)w->id.len, source = (int)w->source.len;
    const char *source_text = w->source.ptr ? w->source.ptr : "";
    int n;
    char ports[24];
    if (w->from == w->to) snprintf(ports, sizeof ports, "port %u", (unsigned)w->from);
    else snprintf(ports, sizeof ports, "ports %u-%u", (unsigned)w->from, (unsigned)w->to);
    if (w->code == FL_RULE_WARNING_EPHEMERAL)
        n = snprintf(text, cap,
                     "network ACL %.*s: %s rule %u allows requests %s %.*s, but no %s rule allows %s answers %s %s; "
                     "clients choose from 1024-65535",
                     id, w->id.ptr, direction, (unsigned)w->number, to, source, source_text, other, proto,
                     w->egress ? "from there to" : "to", ports);
    else if (w->code == FL_RULE_WARNING_UNREACHED)
        n = snprintf(text, cap,
                     "network ACL %.*s: %s deny rule %u (%.*s) is never reached: rule %u before it allows all of it",
                     id, w->id.ptr, direction, (unsigned)w->number, source, source_text, (unsigned)w->other);
    else
        n = snprintf(text, cap,
                     "security group %.*s: an %s rule names group %.*s of another VPC without active peering, and lets "
                     "nothing through",
                     id, w->id.ptr, direction, source, source_text);
    return n < 0 ? 0 : (size_t)n;
}
