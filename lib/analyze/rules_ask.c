/* SPDX-License-Identifier: MIT */
/*
 * rules_ask.c - what network ACL and security groups say to one packet: diagnosis.md, section 3.2.
 *
 * The network ACL is walked in the order of numbers, and the first entry that matches decides.  Security groups are
 * the union of their rules: one that matches is enough, so "no" needs all of them to be known.
 */
#include <string.h>

#include "analyze/rules_store.h"
#include "core/error.h"

/* --- the network ACL ------------------------------------------------------------------------- */

int flowlog__acl_entry_has(const struct fl_acl_entry *e, unsigned proto, unsigned dport, unsigned type, unsigned code)
{
    if (e->proto == -1) return 1;
    if ((unsigned)e->proto != proto) return 0;
    if (fl_has_ports(proto)) return dport >= e->from && dport <= e->to;
    if (fl_is_icmp(proto) && e->type >= 0)
        return (unsigned)e->type == type && (e->code < 0 || (unsigned)e->code == code);
    return 1;
}

static void ask_acl(const struct fl_rules *r, const struct fl_acl *acl, const struct fl_rule_question *q,
                    struct fl_rule_answer *a)
{
    const struct fl_icmp echo = fl_echo(q->proto, q->reply);
    a->nacl = FL_RULE_DENY;
    a->rule_number = q->remote.family == 6 ? FL_RULE_DEFAULT_IPV6 : FL_RULE_DEFAULT_IPV4;
    for (uint32_t i = 0; i < acl->entries.count; i++) {
        const struct fl_acl_entry *e = fl_entry_at(r, acl->entries.begin + i);
        if (e->egress != q->egress || !flowlog__cidr_has(&e->cidr, &q->remote)) continue;
        if (!flowlog__acl_entry_has(e, q->proto, q->dport, echo.type, echo.code)) continue;
        a->nacl = e->allow ? FL_RULE_ALLOW : FL_RULE_DENY;
        a->rule_number = e->number;
        break;
    }
}

/* --- security groups ------------------------------------------------------------------------- */

enum { NO, MAYBE, YES };

/* What a group reference needs to know of the remote address, found out when the first one asks. */
struct peer {
    const struct fl_rules *r;
    const struct fl_rule_question *q;
    const struct fl_iface *iface; /* the one asked about */
    struct fl_span owners;
    uint32_t own; /* number + 1 of the interface of the own VPC that has the address */
    uint8_t is_known, may_be_inside;
};

static int is_member(const struct fl_rules *r, const struct fl_iface *f, uint32_t group)
{
    for (uint32_t i = 0; i < f->groups.count; i++)
        if (*fl_name_at(r, f->groups.begin + i) == group) return YES;
    return f->groups_known ? NO : MAYBE;
}

static int in_blocks(const struct fl_rules *r, const struct fl_subnet *s, const flowlog_addr *addr, int *of_family)
{
    for (uint32_t i = 0; i < s->blocks.count; i++) {
        const struct fl_cidr *block = fl_block_at(r, s->blocks.begin + i);
        if (block->family != addr->family) continue;
        if (of_family) *of_family = 1;
        if (flowlog__cidr_has(block, addr)) return 1;
    }
    return 0;
}

/* An address that an interface might have which was not supplied: not one of the Internet. */
static int may_be_inside(const struct peer *p)
{
    enum { IPV6_VPC_BITS = 44 }; /* the largest block a VPC can have */
    const flowlog_addr *remote = &p->q->remote;
    if (flowlog__addr_is_private(remote)) return 1;
    if (remote->family == 6 && flowlog__addr_common_bits(&p->q->local, remote) >= IPV6_VPC_BITS) return 1;
    return flowlog__rules_in_vpc(p->r, fl_symbol_text(p->r, p->iface->vpc), remote) == 1;
}

/* Group references match the private addresses of the group's members. */
static int match_group(struct peer *p, const struct fl_group_rule *rule)
{
    enum { OWNERS_LOOKED_AT = 64 }; /* as many VPCs with one address: answers stay quick, and "maybe" is true */
    const struct fl_rules *r = p->r;
    if (!p->is_known) {
        p->own = flowlog__rules_owner_in(r, &p->q->remote, p->iface->vpc);
        p->owners = flowlog__rules_owners(r, &p->q->remote);
        p->may_be_inside = (uint8_t)may_be_inside(p);
        p->is_known = 1;
    }
    if (!rule->source) return MAYBE;
    if (p->own) return is_member(r, fl_iface_at(r, p->own - 1), rule->source);
    const uint32_t group = fl_symbol_at(r, rule->source)->group;
    const uint32_t vpc = group && fl_group_at(r, group - 1)->vpc ? fl_group_at(r, group - 1)->vpc : rule->peer_vpc;
    int answer = p->may_be_inside ? MAYBE : NO;
    if (p->owners.count > OWNERS_LOOKED_AT) return MAYBE;
    for (uint32_t i = 0; i < p->owners.count; i++) {
        const uint32_t address = *fl_owner_at(r, p->owners.begin + i);
        const struct fl_iface *f = fl_iface_at(r, fl_address_at(r, address)->iface);
        const int member = is_member(r, f, rule->source);
        if (member == YES) return YES;
        /* In the group's own VPC this is the interface that has the address. */
        if (vpc && f->vpc == vpc) answer = member;
    }
    return answer;
}

static int match_source(struct peer *p, const struct fl_group_rule *rule)
{
    const uint32_t list = fl_symbol_at(p->r, rule->source)->list;
    if (rule->kind == FL_SOURCE_BLOCK) return flowlog__cidr_has(&rule->cidr, &p->q->remote) ? YES : NO;
    if (rule->kind == FL_SOURCE_GROUP) return match_group(p, rule);
    return !list ? MAYBE : in_blocks(p->r, fl_list_at(p->r, list - 1), &p->q->remote, NULL) ? YES : NO;
}

static int match_port(const struct fl_group_rule *rule, const struct fl_rule_question *q)
{
    if (rule->proto == -1) return 1;
    if ((unsigned)rule->proto != q->proto) return 0;
    if (fl_has_ports(q->proto)) return q->dport >= rule->from && q->dport <= rule->to;
    if (fl_is_icmp(q->proto) && rule->from != FL_ICMP_ALL) {
        const struct fl_icmp echo = fl_echo(q->proto, 0);
        return rule->from == echo.type && (rule->to == FL_ICMP_ALL || rule->to == echo.code);
    }
    return 1;
}

/*
 * How little a rule misses by, of groups that all say no; larger is closer, 0: not close.  A rule for this very port
 * but of another source is closest, the fewer ports it has and the more leading bits it shares the closer; then one of
 * this source for another port, the nearer the closer, or for another protocol; at last one for everything from
 * elsewhere.  The ranges of these do not meet.
 */
enum { CLOSE_ALL = 1 /* + at most 128 bits */, CLOSE_PROTOCOL = 1000, CLOSE_PORT = 1 << 16, CLOSE_SOURCE = 1 << 24 };

static uint32_t closeness_of_source(const struct fl_group_rule *rule, const struct fl_rule_question *q)
{
    uint32_t bits = 0;
    if (rule->kind == FL_SOURCE_BLOCK && rule->cidr.family == q->remote.family) {
        flowlog_addr block = {.family = rule->cidr.family};
        memcpy(block.bytes, rule->cidr.bytes, sizeof block.bytes);
        bits = flowlog__addr_common_bits(&block, &q->remote);
    }
    if (rule->proto == -1) return CLOSE_ALL + bits;
    const uint32_t ports = fl_has_ports(q->proto) ? (uint32_t)rule->to - rule->from : 0;
    return CLOSE_SOURCE + (65535 - ports) * 129 + bits;
}

static uint32_t closeness_of_port(const struct fl_group_rule *rule, const struct fl_rule_question *q)
{
    if ((unsigned)rule->proto != q->proto || !fl_has_ports(q->proto)) return CLOSE_PROTOCOL;
    const uint32_t port = q->dport, distance = port < rule->from ? rule->from - port : port - rule->to;
    return CLOSE_PORT + 65535 - distance;
}

static void find_closest(struct peer *p, struct fl_rule_answer *a)
{
    const struct fl_rules *r = p->r;
    uint32_t best = 0;
    for (uint32_t i = 0; i < p->iface->groups.count; i++) {
        const struct fl_symbol *s = fl_symbol_at(r, *fl_name_at(r, p->iface->groups.begin + i));
        if (!s->group) continue;
        const struct fl_group *group = fl_group_at(r, s->group - 1);
        for (uint32_t k = 0; k < group->rules.count; k++) {
            const struct fl_group_rule *rule = fl_rule_at(r, group->rules.begin + k);
            if (rule->egress != p->q->egress) continue;
            const int has_port = match_port(rule, p->q);
            const uint32_t close = has_port ? closeness_of_source(rule, p->q) : closeness_of_port(rule, p->q);
            if (close <= best || (!has_port && match_source(p, rule) != YES)) continue;
            best = close;
            a->sg_closest_kind = has_port ? FL_RULE_MISS_SOURCE : FL_RULE_MISS_PORT;
            a->sg_closest_group = fl_symbol_text(r, group->id);
            a->sg_closest_source = fl_symbol_text(r, rule->source);
            a->sg_closest_proto = rule->proto;
            a->sg_closest_from = rule->from;
            a->sg_closest_to = rule->to;
        }
    }
}

static void ask_groups(struct peer *p, struct fl_rule_answer *a)
{
    const struct fl_rules *r = p->r;
    uint32_t groups_there = 0;
    int answer = NO;
    for (uint32_t i = 0; i < p->iface->groups.count && answer != YES; i++) {
        const uint32_t symbol = *fl_name_at(r, p->iface->groups.begin + i), number = fl_symbol_at(r, symbol)->group;
        if (!number) {
            if (!a->sg_unknown.len) a->sg_unknown = fl_symbol_text(r, symbol);
            answer = MAYBE;
            continue;
        }
        groups_there++;
        const struct fl_span rules = fl_group_at(r, number - 1)->rules;
        for (uint32_t k = 0; k < rules.count && answer != YES; k++) {
            const struct fl_group_rule *rule = fl_rule_at(r, rules.begin + k);
            if (rule->egress != p->q->egress || !match_port(rule, p->q)) continue;
            const int source = match_source(p, rule);
            if (source == MAYBE && !a->sg_unknown.len) a->sg_unknown = fl_symbol_text(r, rule->source);
            if (source > answer) answer = source;
        }
    }
    if (answer == MAYBE) {
        a->sg = groups_there ? FL_RULE_MAYBE : FL_RULE_UNKNOWN;
        return;
    }
    a->sg = answer == YES ? FL_RULE_ALLOW : FL_RULE_DENY;
    a->sg_unknown.ptr = NULL;
    a->sg_unknown.len = 0;
    if (answer == NO) find_closest(p, a);
}

/* --- both ------------------------------------------------------------------------------------ */

flowlog_status flowlog__rules_ask(const struct fl_rules *r, const struct fl_rule_question *q, struct fl_rule_answer *a)
{
    const uint32_t iface = flowlog__rules_iface(r, q->eni), acl = iface ? flowlog__rules_acl_of(r, iface) : 0;
    if ((q->remote.family != 4 && q->remote.family != 6) || q->local.family != q->remote.family)
        return FLOWLOG_E_ARGUMENT;
    memset(a, 0, sizeof *a);
    a->same_subnet = q->same_subnet;
    if (q->same_subnet > 1) a->same_subnet = (uint8_t)flowlog__rules_same_subnet(r, q->eni, &q->local, &q->remote);
    if (a->same_subnet == 1) a->nacl = FL_RULE_NOT_CONSULTED;
    if (q->reply) a->sg = FL_RULE_NOT_CONSULTED;
    if (!iface) return FLOWLOG_OK;

    const struct fl_iface *f = fl_iface_at(r, iface - 1);
    a->subnet = fl_symbol_text(r, f->subnet);
    a->vpc = fl_symbol_text(r, f->vpc);
    a->sg_groups = fl_text(r, f->groups_text);
    if (acl) a->acl = fl_symbol_text(r, fl_acl_at(r, acl - 1)->id);
    if (acl && a->same_subnet != 1) {
        ask_acl(r, fl_acl_at(r, acl - 1), q, a);
        /* Inside of the subnet the ACL would not be asked. */
        if (a->nacl == FL_RULE_DENY && a->same_subnet == 2) a->nacl = FL_RULE_MAYBE;
    }
    if (q->reply || !f->groups_known) return FLOWLOG_OK;
    struct peer peer = {.r = r, .q = q, .iface = f};
    if (f->groups.count) ask_groups(&peer, a);
    else a->sg = FL_RULE_NOT_CONSULTED;
    return FLOWLOG_OK;
}

/* --- tracked or not -------------------------------------------------------------------------- */

static int is_any(const struct fl_group_rule *rule, unsigned family)
{
    return rule->kind == FL_SOURCE_BLOCK && rule->cidr.family == family && rule->cidr.bits == 0;
}

/* Interfaces of services whose connections are tracked whatever the rules are (diagnosis.md, section 2.2). */
static int is_auto_tracked(const struct fl_rules *r, uint32_t iface)
{
    static const char *const type[] = {"nat_gateway", "network_load_balancer", "vpc_endpoint", "lambda",
                                       "global_accelerator_managed", "gateway_load_balancer_endpoint"};
    if (!iface) return 0;
    const flowlog_str s = fl_symbol_text(r, fl_iface_at(r, iface - 1)->type);
    for (size_t i = 0; i < sizeof type / sizeof *type; i++)
        if (s.len == strlen(type[i]) && !memcmp(s.ptr, type[i], s.len)) return 1;
    return 0;
}

int flowlog__rules_tracking(const struct fl_rules *r, const struct fl_rule_question *q)
{
    const uint32_t iface = flowlog__rules_iface(r, q->eni);
    int request = 0, answers = 0, all_known = 1;
    if (!fl_has_ports(q->proto)) return FL_TRACKING_TRACKED;
    if (!iface || !fl_iface_at(r, iface - 1)->groups_known) return FL_TRACKING_UNKNOWN;
    const struct fl_iface *f = fl_iface_at(r, iface - 1);
    if (is_auto_tracked(r, iface) || is_auto_tracked(r, flowlog__rules_owner_in(r, &q->remote, f->vpc)))
        return FL_TRACKING_TRACKED;
    for (uint32_t i = 0; i < f->groups.count; i++) {
        const uint32_t number = fl_symbol_at(r, *fl_name_at(r, f->groups.begin + i))->group;
        if (!number) {
            all_known = 0;
            continue;
        }
        const struct fl_span rules = fl_group_at(r, number - 1)->rules;
        for (uint32_t k = 0; k < rules.count; k++) {
            const struct fl_group_rule *rule = fl_rule_at(r, rules.begin + k);
            if (!is_any(rule, q->remote.family)) continue;
            if (rule->egress == q->egress) request |= match_port(rule, q);
            else if (rule->proto == -1 || (unsigned)rule->proto == q->proto)
                answers |= rule->from == 0 && rule->to == 65535;
        }
    }
    return request && answers ? FL_TRACKING_UNTRACKED : all_known ? FL_TRACKING_TRACKED : FL_TRACKING_UNKNOWN;
}

/* --- facts ----------------------------------------------------------------------------------- */

static void describe(const struct fl_rules *r, uint32_t number, struct fl_rule_interface *out)
{
    const struct fl_iface *f = fl_iface_at(r, number);
    const flowlog_str type = fl_symbol_text(r, f->type);
    const int is_nlb = type.len == 21 && !memcmp(type.ptr, "network_load_balancer", 21);
    memset(out, 0, sizeof *out);
    out->id = fl_symbol_text(r, f->id);
    out->subnet = fl_symbol_text(r, f->subnet);
    out->vpc = fl_symbol_text(r, f->vpc);
    out->type = type;
    out->instance = fl_symbol_text(r, f->instance);
    out->description = fl_text(r, f->description);
    out->groups = fl_text(r, f->groups_text);
    out->index = number;
    out->addresses = f->addresses.count;
    /* AWS's defaults, in seconds: 5 days, and through a network load balancer 350 and 120 (diagnosis.md, 2.2). */
    out->tcp_established_sec = f->tcp_established_sec ? f->tcp_established_sec : is_nlb ? 350 : 432000;
    out->udp_sec = f->udp_sec ? f->udp_sec : is_nlb ? 120 : 30;
    out->udp_stream_sec = f->udp_stream_sec ? f->udp_stream_sec : is_nlb ? 120 : 180;
    out->tcp_established_set = f->tcp_established_sec != 0;
    out->udp_set = f->udp_sec != 0;
    out->udp_stream_set = f->udp_stream_sec != 0;
    out->requester_managed = f->requester_managed;
    out->source_dest_check = f->source_dest_check;
    out->groups_known = f->groups_known;
}

int flowlog__rules_interface(const struct fl_rules *r, flowlog_str eni, struct fl_rule_interface *out)
{
    const uint32_t iface = flowlog__rules_iface(r, eni);
    if (iface) describe(r, iface - 1, out);
    return iface != 0;
}

int flowlog__rules_interface_at(const struct fl_rules *r, uint32_t i, struct fl_rule_interface *out)
{
    if (i >= fl_pool_count(r, FL_POOL_IFACE)) return 0;
    /* One that was replaced reads as the one that came for it. */
    describe(r, fl_symbol_at(r, fl_iface_at(r, i)->id)->iface - 1, out);
    return 1;
}

struct fl_cidr flowlog__rules_address(const struct fl_rules *r, const struct fl_rule_interface *iface, uint32_t i)
{
    return fl_address_at(r, fl_iface_at(r, iface->index)->addresses.begin + i)->cidr;
}

int flowlog__rules_owner(const struct fl_rules *r, const flowlog_addr *addr, flowlog_str vpc,
                         struct fl_rule_interface *out)
{
    const uint32_t symbol = flowlog__rules_symbol(r, vpc);
    uint32_t iface = 0;
    if (vpc.len) {
        if (symbol) iface = flowlog__rules_owner_in(r, addr, symbol);
    } else {
        const struct fl_span owners = flowlog__rules_owners(r, addr);
        if (owners.count == 1) iface = fl_address_at(r, *fl_owner_at(r, owners.begin))->iface + 1;
    }
    if (iface) describe(r, iface - 1, out);
    return iface != 0;
}

int flowlog__rules_in_subnet(const struct fl_rules *r, flowlog_str subnet, const flowlog_addr *addr)
{
    const uint32_t number = fl_symbol_at(r, flowlog__rules_symbol(r, subnet))->subnet;
    int known = 0;
    if (number && in_blocks(r, fl_subnet_at(r, number - 1), addr, &known)) return 1;
    return known ? 0 : 2;
}

int flowlog__rules_in_vpc(const struct fl_rules *r, flowlog_str vpc, const flowlog_addr *addr)
{
    const struct fl_symbol *s = fl_symbol_at(r, flowlog__rules_symbol(r, vpc));
    int known = 0;
    if (s->vpc && in_blocks(r, fl_vpc_at(r, s->vpc - 1), addr, &known)) return 1;
    for (uint32_t i = s->first_subnet; i; i = fl_subnet_at(r, i - 1)->next)
        if (in_blocks(r, fl_subnet_at(r, i - 1), addr, NULL)) return 1;
    return known ? 0 : 2; /* subnets alone may not be all there are */
}

int flowlog__rules_same_subnet(const struct fl_rules *r, flowlog_str eni, const flowlog_addr *local,
                               const flowlog_addr *remote)
{
    const uint32_t number = flowlog__rules_iface(r, eni);
    if (local->family != remote->family) return 0;
    if (number && fl_iface_at(r, number - 1)->subnet) {
        const struct fl_iface *f = fl_iface_at(r, number - 1);
        const int inside = flowlog__rules_in_subnet(r, fl_symbol_text(r, f->subnet), remote);
        if (inside != 2) return inside;
        const uint32_t peer = flowlog__rules_owner_in(r, remote, f->vpc);
        if (peer && fl_iface_at(r, peer - 1)->subnet) return fl_iface_at(r, peer - 1)->subnet == f->subnet;
    }
    /* AWS allows subnets of /28 to /16, and of /64 to /44: two addresses closer than that must, others cannot. */
    const unsigned common = flowlog__addr_common_bits(local, remote), six = remote->family == 6;
    return common >= (six ? 64u : 28u) ? 1 : common < (six ? 44u : 16u) ? 0 : 2;
}
