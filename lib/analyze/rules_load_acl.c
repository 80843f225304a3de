/* SPDX-License-Identifier: MIT */
/* rules_load_acl.c - network ACLs and security groups from their JSON; see rules_load.h. */
#include "analyze/rules_load.h"

#include <string.h>

/* --- network ACLs ---------------------------------------------------------------------------- */

static flowlog_status entry_block(const struct fl_loader *l, uint32_t node, struct fl_acl_entry *e)
{
    const uint32_t four = flowlog__json_find(l->doc, node, "CidrBlock");
    const uint32_t six = flowlog__json_find(l->doc, node, "Ipv6CidrBlock");
    const uint32_t block = fl_json_kind(l->doc, four) == FL_JSON_NULL ? six : four;
    if (fl_json_kind(l->doc, block) == FL_JSON_NULL)
        return flowlog__load_missing(l, node, "CidrBlock or Ipv6CidrBlock");
    FL_TRY(flowlog__load_block(l, block, &e->cidr));
    return flowlog__load_symbol(l, block, &e->source);
}

static flowlog_status load_entry(const struct fl_loader *l, uint32_t node, struct fl_acl_entry *e)
{
    int64_t number, type = -1, code = -1;
    int egress;
    flowlog_str action;
    uint32_t range, icmp;
    memset(e, 0, sizeof *e);
    FL_TRY(flowlog__load_is_object(l, node));
    FL_TRY(flowlog__json_get_int(l->doc, node, "RuleNumber", 1, FL_RULE_DEFAULT_IPV6, 0, &number, l->err));
    FL_TRY(flowlog__json_get_bool(l->doc, node, "Egress", -1, &egress, l->err));
    FL_TRY(flowlog__json_get_text(l->doc, node, "RuleAction", &action, l->err));
    if (!number) return flowlog__load_missing(l, node, "RuleNumber");
    if (egress < 0) return flowlog__load_missing(l, node, "Egress");
    if (!action.ptr) return flowlog__load_missing(l, node, "RuleAction");
    e->number = (uint32_t)number;
    e->egress = (uint8_t)egress;
    e->allow = (uint8_t)flowlog__load_same(action, "allow");
    if (!e->allow && !flowlog__load_same(action, "deny"))
        return flowlog__load_wrong(l, flowlog__json_find(l->doc, node, "RuleAction"),
                                   "neither \"allow\" nor \"deny\"");
    FL_TRY(flowlog__load_protocol(l, node, "Protocol", &e->proto));
    FL_TRY(entry_block(l, node, e));
    FL_TRY(flowlog__json_get_object(l->doc, node, "PortRange", &range, l->err));
    e->to = 65535;
    if (fl_has_ports((unsigned)e->proto))
        FL_TRY(flowlog__load_ports(l, range, "From", "To", &e->from, &e->to));
    FL_TRY(flowlog__json_get_object(l->doc, node, "IcmpTypeCode", &icmp, l->err));
    FL_TRY(flowlog__load_small(l, icmp, "Type", 255, &type));
    FL_TRY(flowlog__load_small(l, icmp, "Code", 255, &code));
    e->type = (int16_t)type;
    e->code = (int16_t)code;
    return FLOWLOG_OK;
}

static int is_before(const struct fl_acl_entry *a, const struct fl_acl_entry *b)
{
    return a->egress != b->egress ? a->egress < b->egress : a->number < b->number;
}

/* Into its place among the entries of an ACL that is being loaded; equal numbers stay in the order of the text. */
static flowlog_status push_entry(const struct fl_loader *l, const struct fl_acl_entry *e,
                                 struct fl_span *entries)
{
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_ENTRY, 1, l->err));
    struct fl_acl_entry *first = fl_entry_at(l->r, entries->begin);
    uint32_t at = entries->count++;
    for (; at && is_before(e, &first[at - 1]); at--) first[at] = first[at - 1];
    first[at] = *e;
    l->r->pool[FL_POOL_ENTRY].count++;
    return FLOWLOG_OK;
}

flowlog_status flowlog__load_acl(const struct fl_loader *l, uint32_t node)
{
    struct fl_acl acl = {.entries = fl_load_end(l, FL_POOL_ENTRY),
                         .subnets = fl_load_end(l, FL_POOL_NAME)};
    uint32_t list;
    int is_default;
    FL_TRY(flowlog__load_id(l, node, "NetworkAclId", FL_REQUIRED, &acl.id));
    FL_TRY(flowlog__load_id(l, node, "VpcId", FL_OPTIONAL, &acl.vpc));
    FL_TRY(flowlog__json_get_bool(l->doc, node, "IsDefault", 0, &is_default, l->err));
    acl.is_default = (uint8_t)is_default;
    FL_TRY(flowlog__load_array(l, node, "Associations", &list));
    FL_FOR_EACH(l, list, item)
    {
        uint32_t subnet;
        FL_TRY(flowlog__load_is_object(l, item));
        FL_TRY(flowlog__load_id(l, item, "SubnetId", FL_REQUIRED, &subnet));
        FL_TRY(flowlog__load_push_name(l, subnet, &acl.subnets));
    }
    FL_TRY(flowlog__load_array(l, node, "Entries", &list));
    FL_FOR_EACH(l, list, item)
    {
        struct fl_acl_entry entry;
        if (acl.entries.count == FL_RULES_ACL_ENTRIES_MAX)
            return flowlog__json_fail(l->doc, item, l->err, FLOWLOG_E_LIMIT,
                                      "more entries than an ACL can have");
        FL_TRY(load_entry(l, item, &entry));
        FL_TRY(push_entry(l, &entry, &acl.entries));
    }
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_ACL, 1, l->err));
    *fl_acl_at(l->r, l->r->pool[FL_POOL_ACL].count++) = acl;
    return FLOWLOG_OK;
}

/* --- security groups ------------------------------------------------------------------------- */

/* Ports; of ICMP FromPort is the type and ToPort the code. */
static flowlog_status rule_ports(const struct fl_loader *l, uint32_t node, struct fl_group_rule *rule)
{
    int64_t type, code;
    rule->to = 65535;
    if (fl_has_ports((unsigned)rule->proto))
        return flowlog__load_ports(l, node, "FromPort", "ToPort", &rule->from, &rule->to);
    if (!fl_is_icmp((unsigned)rule->proto)) return FLOWLOG_OK; /* whatever ports are said */
    FL_TRY(flowlog__load_small(l, node, "FromPort", 255, &type));
    FL_TRY(flowlog__load_small(l, node, "ToPort", 255, &code));
    rule->from = (uint16_t)(type < 0 ? FL_ICMP_ALL : type);
    rule->to = (uint16_t)(code < 0 ? FL_ICMP_ALL : code);
    return FLOWLOG_OK;
}

static flowlog_status load_source(const struct fl_loader *l, uint32_t node, const char *name,
                                  struct fl_group_rule *rule)
{
    FL_TRY(flowlog__load_is_object(l, node));
    if (rule->kind == FL_SOURCE_GROUP) {
        flowlog_str status;
        uint32_t connection;
        FL_TRY(flowlog__load_id(l, node, name, FL_OPTIONAL, &rule->source));
        FL_TRY(flowlog__load_id(l, node, "VpcId", FL_OPTIONAL, &rule->peer_vpc));
        FL_TRY(flowlog__load_id(l, node, "VpcPeeringConnectionId", FL_OPTIONAL, &connection));
        FL_TRY(flowlog__json_get_text(l->doc, node, "PeeringStatus", &status, l->err));
        if (status.len)
            rule->peering = flowlog__load_same(status, "active") ? FL_PEERING_ACTIVE : FL_PEERING_OTHER;
        else rule->peering = connection ? FL_PEERING_ACTIVE : FL_PEERING_NONE;
        return FLOWLOG_OK;
    }
    FL_TRY(flowlog__load_id(l, node, name, FL_REQUIRED, &rule->source));
    if (rule->kind != FL_SOURCE_BLOCK) return FLOWLOG_OK;
    return flowlog__load_block(l, flowlog__json_find(l->doc, node, name), &rule->cidr);
}

/* One permission is a rule for each of its sources. */
static flowlog_status load_permission(const struct fl_loader *l, uint32_t node, int egress,
                                      struct fl_span *rules)
{
    static const struct {
        const char *list, *member;
        uint8_t kind;
    } sources[] = {{"IpRanges", "CidrIp", FL_SOURCE_BLOCK},
                   {"Ipv6Ranges", "CidrIpv6", FL_SOURCE_BLOCK},
                   {"PrefixListIds", "PrefixListId", FL_SOURCE_LIST},
                   {"UserIdGroupPairs", "GroupId", FL_SOURCE_GROUP}};
    struct fl_group_rule rule;
    memset(&rule, 0, sizeof rule);
    FL_TRY(flowlog__load_is_object(l, node));
    rule.egress = (uint8_t)egress;
    FL_TRY(flowlog__load_protocol(l, node, "IpProtocol", &rule.proto));
    FL_TRY(rule_ports(l, node, &rule));
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        uint32_t list;
        FL_TRY(flowlog__load_array(l, node, sources[i].list, &list));
        FL_FOR_EACH(l, list, item)
        {
            struct fl_group_rule one = rule;
            one.kind = sources[i].kind;
            FL_TRY(load_source(l, item, sources[i].member, &one));
            FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_RULE, 1, l->err));
            *fl_rule_at(l->r, l->r->pool[FL_POOL_RULE].count++) = one;
            rules->count++;
        }
    }
    return FLOWLOG_OK;
}

flowlog_status flowlog__load_group(const struct fl_loader *l, uint32_t node)
{
    struct fl_group group = {.rules = fl_load_end(l, FL_POOL_RULE)};
    FL_TRY(flowlog__load_id(l, node, "GroupId", FL_REQUIRED, &group.id));
    FL_TRY(flowlog__load_id(l, node, "VpcId", FL_OPTIONAL, &group.vpc));
    for (int egress = 0; egress < 2; egress++) {
        uint32_t list;
        FL_TRY(flowlog__load_array(l, node, egress ? "IpPermissionsEgress" : "IpPermissions", &list));
        FL_FOR_EACH(l, list, item) FL_TRY(load_permission(l, item, egress, &group.rules));
    }
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_GROUP, 1, l->err));
    *fl_group_at(l->r, l->r->pool[FL_POOL_GROUP].count++) = group;
    return FLOWLOG_OK;
}
