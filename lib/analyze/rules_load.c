/* SPDX-License-Identifier: MIT */
/*
 * rules_load.c - what the AWS CLI prints, from JSON nodes into the pools; see rules.h for what is accepted.
 *
 * A text is taken as a whole or not at all: everything goes to the end of the pools, which are cut back when a
 * member is wrong; only then do symbols lead to the new objects.  (Symbols and text stay: they lead nowhere.)
 */
#include <stdio.h>
#include <string.h>

#include "analyze/json.h"
#include "analyze/rules_store.h"
#include "core/error.h"
#include "schema/ascii.h"

struct loader {
    struct fl_rules *r;
    const struct fl_json *doc;
    flowlog_error *err;
};

static flowlog_status wrong(const struct loader *l, uint32_t node, const char *what)
{
    return flowlog__json_fail(l->doc, node, l->err, FLOWLOG_E_SYNTAX, what);
}

static flowlog_status missing(const struct loader *l, uint32_t object, const char *name)
{
    char what[64];
    snprintf(what, sizeof what, "%s is missing", name);
    return wrong(l, object, what);
}

/* For each item of an array, or name of an object's members; of nothing: none. */
#define FL_FOR_EACH(l, list, item) \
    for (uint32_t item = fl_json_first((l)->doc, (list)); item; item = fl_json_next((l)->doc, (list), item))

static flowlog_status array(const struct loader *l, uint32_t object, const char *name, uint32_t *list)
{
    return flowlog__json_get_array(l->doc, object, name, list, l->err);
}

static flowlog_status is_object(const struct loader *l, uint32_t node)
{
    return flowlog__json_expect(l->doc, node, FL_JSON_OBJECT, l->err);
}

static int same(flowlog_str s, const char *word) { return s.len == strlen(word) && !memcmp(s.ptr, word, s.len); }

/* --- single members -------------------------------------------------------------------------- */

/* The symbol of a string node.  Ids are shown, and made part of commands: printable ASCII without blanks. */
static flowlog_status symbol_of(const struct loader *l, uint32_t node, uint32_t *symbol)
{
    FL_TRY(flowlog__json_expect(l->doc, node, FL_JSON_STRING, l->err));
    const flowlog_str s = fl_json_text(l->doc, node);
    if (s.len > FL_RULES_ID_MAX)
        return flowlog__json_fail(l->doc, node, l->err, FLOWLOG_E_LIMIT, "longer than any id");
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7F) return wrong(l, node, "not an id");
    return flowlog__rules_intern(l->r, s, symbol, l->err);
}

enum { OPTIONAL, REQUIRED };

/* The symbol of a member, 0 when it is absent, null or empty and not REQUIRED. */
static flowlog_status id(const struct loader *l, uint32_t object, const char *name, int required, uint32_t *symbol)
{
    const uint32_t node = flowlog__json_find(l->doc, object, name);
    *symbol = 0;
    if (fl_json_kind(l->doc, node) != FL_JSON_NULL) FL_TRY(symbol_of(l, node, symbol));
    return required && !*symbol ? missing(l, object, name) : FLOWLOG_OK;
}

static flowlog_status block_of(const struct loader *l, uint32_t node, struct fl_cidr *cidr)
{
    FL_TRY(flowlog__json_expect(l->doc, node, FL_JSON_STRING, l->err));
    return flowlog__cidr_parse(fl_json_text(l->doc, node), cidr) ? FLOWLOG_OK
                                                                 : wrong(l, node, "not an address block");
}

static flowlog_status push_block(const struct loader *l, uint32_t node, struct fl_span *blocks)
{
    struct fl_cidr cidr;
    FL_TRY(block_of(l, node, &cidr));
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_BLOCK, 1, l->err));
    *fl_block_at(l->r, l->r->pool[FL_POOL_BLOCK].count++) = cidr;
    blocks->count++;
    return FLOWLOG_OK;
}

static flowlog_status push_name(const struct loader *l, uint32_t symbol, struct fl_span *names)
{
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_NAME, 1, l->err));
    *fl_name_at(l->r, l->r->pool[FL_POOL_NAME].count++) = symbol;
    names->count++;
    return FLOWLOG_OK;
}

static struct fl_span end_of(const struct loader *l, int pool)
{
    const struct fl_span span = {fl_pool_count(l->r, pool), 0};
    return span;
}

/* "-1", "6", "tcp", ...: a number, or one of the names that AWS knows. */
static flowlog_status protocol(const struct loader *l, uint32_t object, const char *name, int16_t *proto)
{
    static const struct {
        const char *name;
        int16_t proto;
    } names[] = {{"-1", -1}, {"all", -1}, {"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}};
    flowlog_str s;
    FL_TRY(flowlog__json_get_text(l->doc, object, name, &s, l->err));
    if (!s.ptr) return missing(l, object, name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (same(s, names[i].name)) {
            *proto = names[i].proto;
            return FLOWLOG_OK;
        }
    int number = 0;
    for (size_t i = 0; i < s.len && number <= 255; i++)
        number = fl_ascii_is_digit(s.ptr[i]) ? number * 10 + (s.ptr[i] - '0') : 256;
    if (!s.len || number > 255) return wrong(l, flowlog__json_find(l->doc, object, name), "not a protocol");
    *proto = (int16_t)number;
    return FLOWLOG_OK;
}

static flowlog_status small(const struct loader *l, uint32_t object, const char *name, int64_t max, int64_t *value)
{
    return flowlog__json_get_int(l->doc, object, name, -1, max, -1, value, l->err);
}

/* Two members as a range of ports: -1 or absent is all. */
static flowlog_status ports(const struct loader *l, uint32_t object, const char *from_name, const char *to_name,
                            uint16_t *from, uint16_t *to)
{
    int64_t a, b;
    FL_TRY(small(l, object, from_name, 65535, &a));
    FL_TRY(small(l, object, to_name, 65535, &b));
    if (a < 0 || b < 0) {
        a = 0;
        b = 65535;
    }
    if (a > b) return wrong(l, object, "a range of ports that ends before it begins");
    *from = (uint16_t)a;
    *to = (uint16_t)b;
    return FLOWLOG_OK;
}

/* --- network ACLs ---------------------------------------------------------------------------- */

static flowlog_status entry_block(const struct loader *l, uint32_t node, struct fl_acl_entry *e)
{
    const uint32_t four = flowlog__json_find(l->doc, node, "CidrBlock");
    const uint32_t six = flowlog__json_find(l->doc, node, "Ipv6CidrBlock");
    const uint32_t block = fl_json_kind(l->doc, four) == FL_JSON_NULL ? six : four;
    if (fl_json_kind(l->doc, block) == FL_JSON_NULL) return missing(l, node, "CidrBlock or Ipv6CidrBlock");
    FL_TRY(block_of(l, block, &e->cidr));
    return symbol_of(l, block, &e->source);
}

static flowlog_status load_entry(const struct loader *l, uint32_t node, struct fl_acl_entry *e)
{
    int64_t number, type = -1, code = -1;
    int egress;
    flowlog_str action;
    uint32_t range, icmp;
    memset(e, 0, sizeof *e);
    FL_TRY(is_object(l, node));
    FL_TRY(flowlog__json_get_int(l->doc, node, "RuleNumber", 1, FL_RULE_DEFAULT_IPV6, 0, &number, l->err));
    FL_TRY(flowlog__json_get_bool(l->doc, node, "Egress", -1, &egress, l->err));
    FL_TRY(flowlog__json_get_text(l->doc, node, "RuleAction", &action, l->err));
    if (!number) return missing(l, node, "RuleNumber");
    if (egress < 0) return missing(l, node, "Egress");
    if (!action.ptr) return missing(l, node, "RuleAction");
    e->number = (uint32_t)number;
    e->egress = (uint8_t)egress;
    e->allow = (uint8_t)same(action, "allow");
    if (!e->allow && !same(action, "deny"))
        return wrong(l, flowlog__json_find(l->doc, node, "RuleAction"), "neither \"allow\" nor \"deny\"");
    FL_TRY(protocol(l, node, "Protocol", &e->proto));
    FL_TRY(entry_block(l, node, e));
    FL_TRY(flowlog__json_get_object(l->doc, node, "PortRange", &range, l->err));
    e->to = 65535;
    if (fl_has_ports((unsigned)e->proto)) FL_TRY(ports(l, range, "From", "To", &e->from, &e->to));
    FL_TRY(flowlog__json_get_object(l->doc, node, "IcmpTypeCode", &icmp, l->err));
    FL_TRY(small(l, icmp, "Type", 255, &type));
    FL_TRY(small(l, icmp, "Code", 255, &code));
    e->type = (int16_t)type;
    e->code = (int16_t)code;
    return FLOWLOG_OK;
}

static int is_before(const struct fl_acl_entry *a, const struct fl_acl_entry *b)
{
    return a->egress != b->egress ? a->egress < b->egress : a->number < b->number;
}

/* Into its place among the entries of an ACL that is being loaded; equal numbers stay in the order of the text. */
static flowlog_status push_entry(const struct loader *l, const struct fl_acl_entry *e, struct fl_span *entries)
{
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_ENTRY, 1, l->err));
    struct fl_acl_entry *first = fl_entry_at(l->r, entries->begin);
    uint32_t at = entries->count++;
    for (; at && is_before(e, &first[at - 1]); at--) first[at] = first[at - 1];
    first[at] = *e;
    l->r->pool[FL_POOL_ENTRY].count++;
    return FLOWLOG_OK;
}

static flowlog_status load_acl(const struct loader *l, uint32_t node)
{
    struct fl_acl acl = {.entries = end_of(l, FL_POOL_ENTRY), .subnets = end_of(l, FL_POOL_NAME)};
    uint32_t list;
    int is_default;
    FL_TRY(id(l, node, "NetworkAclId", REQUIRED, &acl.id));
    FL_TRY(id(l, node, "VpcId", OPTIONAL, &acl.vpc));
    FL_TRY(flowlog__json_get_bool(l->doc, node, "IsDefault", 0, &is_default, l->err));
    acl.is_default = (uint8_t)is_default;
    FL_TRY(array(l, node, "Associations", &list));
    FL_FOR_EACH(l, list, item)
    {
        uint32_t subnet;
        FL_TRY(is_object(l, item));
        FL_TRY(id(l, item, "SubnetId", REQUIRED, &subnet));
        FL_TRY(push_name(l, subnet, &acl.subnets));
    }
    FL_TRY(array(l, node, "Entries", &list));
    FL_FOR_EACH(l, list, item)
    {
        struct fl_acl_entry entry;
        if (acl.entries.count == FL_RULES_ACL_ENTRIES_MAX)
            return flowlog__json_fail(l->doc, item, l->err, FLOWLOG_E_LIMIT, "more entries than an ACL can have");
        FL_TRY(load_entry(l, item, &entry));
        FL_TRY(push_entry(l, &entry, &acl.entries));
    }
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_ACL, 1, l->err));
    *fl_acl_at(l->r, l->r->pool[FL_POOL_ACL].count++) = acl;
    return FLOWLOG_OK;
}

/* --- security groups ------------------------------------------------------------------------- */

/* Ports; of ICMP FromPort is the type and ToPort the code. */
static flowlog_status rule_ports(const struct loader *l, uint32_t node, struct fl_group_rule *rule)
{
    int64_t type, code;
    rule->to = 65535;
    if (fl_has_ports((unsigned)rule->proto)) return ports(l, node, "FromPort", "ToPort", &rule->from, &rule->to);
    if (!fl_is_icmp((unsigned)rule->proto)) return FLOWLOG_OK; /* whatever ports are said */
    FL_TRY(small(l, node, "FromPort", 255, &type));
    FL_TRY(small(l, node, "ToPort", 255, &code));
    rule->from = (uint16_t)(type < 0 ? FL_ICMP_ALL : type);
    rule->to = (uint16_t)(code < 0 ? FL_ICMP_ALL : code);
    return FLOWLOG_OK;
}

static flowlog_status load_source(const struct loader *l, uint32_t node, const char *name, struct fl_group_rule *rule)
{
    FL_TRY(is_object(l, node));
    if (rule->kind == FL_SOURCE_GROUP) {
        flowlog_str status;
        uint32_t connection;
        FL_TRY(id(l, node, name, OPTIONAL, &rule->source));
        FL_TRY(id(l, node, "VpcId", OPTIONAL, &rule->peer_vpc));
        FL_TRY(id(l, node, "VpcPeeringConnectionId", OPTIONAL, &connection));
        FL_TRY(flowlog__json_get_text(l->doc, node, "PeeringStatus", &status, l->err));
        rule->peering = status.len ? (same(status, "active") ? FL_PEERING_ACTIVE : FL_PEERING_OTHER)
                                   : connection ? FL_PEERING_ACTIVE : FL_PEERING_NONE;
        return FLOWLOG_OK;
    }
    FL_TRY(id(l, node, name, REQUIRED, &rule->source));
    if (rule->kind != FL_SOURCE_BLOCK) return FLOWLOG_OK;
    return block_of(l, flowlog__json_find(l->doc, node, name), &rule->cidr);
}

/* One permission is a rule for each of its sources. */
static flowlog_status load_permission(const struct loader *l, uint32_t node, int egress, struct fl_span *rules)
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
    FL_TRY(is_object(l, node));
    rule.egress = (uint8_t)egress;
    FL_TRY(protocol(l, node, "IpProtocol", &rule.proto));
    FL_TRY(rule_ports(l, node, &rule));
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        uint32_t list;
        FL_TRY(array(l, node, sources[i].list, &list));
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

static flowlog_status load_group(const struct loader *l, uint32_t node)
{
    struct fl_group group = {.rules = end_of(l, FL_POOL_RULE)};
    FL_TRY(id(l, node, "GroupId", REQUIRED, &group.id));
    FL_TRY(id(l, node, "VpcId", OPTIONAL, &group.vpc));
    for (int egress = 0; egress < 2; egress++) {
        uint32_t list;
        FL_TRY(array(l, node, egress ? "IpPermissionsEgress" : "IpPermissions", &list));
        FL_FOR_EACH(l, list, item) FL_TRY(load_permission(l, item, egress, &group.rules));
    }
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_GROUP, 1, l->err));
    *fl_group_at(l->r, l->r->pool[FL_POOL_GROUP].count++) = group;
    return FLOWLOG_OK;
}

/* --- network interfaces ---------------------------------------------------------------------- */

static flowlog_status push_address(const struct loader *l, const struct fl_cidr *cidr, struct fl_span *addresses)
{
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_ADDRESS, 1, l->err));
    struct fl_address *a = fl_address_at(l->r, l->r->pool[FL_POOL_ADDRESS].count++);
    memset(a, 0, sizeof *a);
    a->cidr = *cidr;
    a->iface = fl_pool_count(l->r, FL_POOL_IFACE); /* the one being loaded */
    addresses->count++;
    return FLOWLOG_OK;
}

/* A member that is an address, if it is there; `except` is left out: the primary address stands twice. */
static flowlog_status load_address(const struct loader *l, uint32_t node, const char *name,
                                   const struct fl_cidr *except, struct fl_span *addresses)
{
    flowlog_addr addr;
    flowlog_str s;
    FL_TRY(is_object(l, node));
    FL_TRY(flowlog__json_get_text(l->doc, node, name, &s, l->err));
    if (!s.len) return FLOWLOG_OK;
    if (flowlog_addr_parse(s.ptr, s.len, &addr) < 0)
        return wrong(l, flowlog__json_find(l->doc, node, name), "not an address");
    const struct fl_cidr cidr = flowlog__cidr_of(&addr, 128);
    if (except && flowlog__cidr_covers(except, &cidr)) return FLOWLOG_OK;
    return push_address(l, &cidr, addresses);
}

static flowlog_status load_addresses(const struct loader *l, uint32_t node, struct fl_iface *f)
{
    static const struct {
        const char *list, *member;
        int is_block;
    } lists[] = {{"PrivateIpAddresses", "PrivateIpAddress", 0},
                 {"Ipv6Addresses", "Ipv6Address", 0},
                 {"Ipv4Prefixes", "Ipv4Prefix", 1},
                 {"Ipv6Prefixes", "Ipv6Prefix", 1}};
    struct fl_cidr primary = {{0}, 0, 0};
    FL_TRY(load_address(l, node, "PrivateIpAddress", NULL, &f->addresses));
    if (f->addresses.count) primary = fl_address_at(l->r, f->addresses.begin)->cidr;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        uint32_t list;
        FL_TRY(array(l, node, lists[i].list, &list));
        FL_FOR_EACH(l, list, item)
        {
            FL_TRY(is_object(l, item));
            if (!lists[i].is_block) {
                FL_TRY(load_address(l, item, lists[i].member, &primary, &f->addresses));
                continue;
            }
            struct fl_cidr cidr;
            const uint32_t block = flowlog__json_find(l->doc, item, lists[i].member);
            if (!block) return missing(l, item, lists[i].member);
            FL_TRY(block_of(l, block, &cidr));
            FL_TRY(push_address(l, &cidr, &f->addresses));
        }
    }
    return FLOWLOG_OK;
}

static flowlog_status append_text(const struct loader *l, const char *text, size_t len, struct fl_span *span)
{
    struct fl_pool *pool = &l->r->pool[FL_POOL_TEXT];
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_TEXT, (uint32_t)len, l->err));
    if (len) memcpy((char *)pool->data + pool->count, text, len);
    pool->count += (uint32_t)len;
    span->count += (uint32_t)len;
    return FLOWLOG_OK;
}

/* The groups, and their ids in one text: "sg-1,sg-2". */
static flowlog_status load_groups(const struct loader *l, uint32_t node, struct fl_iface *f)
{
    uint32_t list;
    FL_TRY(array(l, node, "Groups", &list));
    f->groups_known = list != 0;
    FL_FOR_EACH(l, list, item)
    {
        uint32_t group;
        FL_TRY(is_object(l, item));
        FL_TRY(id(l, item, "GroupId", REQUIRED, &group));
        FL_TRY(push_name(l, group, &f->groups));
    }
    f->groups_text = end_of(l, FL_POOL_TEXT);
    for (uint32_t i = 0; i < f->groups.count; i++) {
        char copy[FL_RULES_ID_MAX + 1]; /* for the text may move */
        const flowlog_str s = fl_symbol_text(l->r, *fl_name_at(l->r, f->groups.begin + i));
        copy[0] = ',';
        memcpy(copy + 1, s.ptr, s.len);
        FL_TRY(append_text(l, copy + !i, s.len + (i > 0), &f->groups_text));
    }
    return FLOWLOG_OK;
}

static flowlog_status load_tracking(const struct loader *l, uint32_t node, struct fl_iface *f)
{
    static const char *const name[] = {"TcpEstablishedTimeout", "UdpTimeout", "UdpStreamTimeout"};
    uint32_t *const limit[] = {&f->tcp_established_sec, &f->udp_sec, &f->udp_stream_sec};
    uint32_t tracking;
    FL_TRY(flowlog__json_get_object(l->doc, node, "ConnectionTrackingConfiguration", &tracking, l->err));
    for (size_t i = 0; i < sizeof limit / sizeof *limit; i++) {
        int64_t sec;
        FL_TRY(flowlog__json_get_int(l->doc, tracking, name[i], 0, INT32_MAX, 0, &sec, l->err));
        *limit[i] = (uint32_t)sec;
    }
    return FLOWLOG_OK;
}

static flowlog_status load_iface(const struct loader *l, uint32_t node)
{
    struct fl_iface f = {.groups = end_of(l, FL_POOL_NAME), .addresses = end_of(l, FL_POOL_ADDRESS)};
    uint32_t attachment;
    int managed, check;
    flowlog_str description;
    FL_TRY(id(l, node, "NetworkInterfaceId", REQUIRED, &f.id));
    FL_TRY(id(l, node, "SubnetId", OPTIONAL, &f.subnet));
    FL_TRY(id(l, node, "VpcId", OPTIONAL, &f.vpc));
    FL_TRY(id(l, node, "InterfaceType", OPTIONAL, &f.type));
    FL_TRY(flowlog__json_get_object(l->doc, node, "Attachment", &attachment, l->err));
    FL_TRY(id(l, attachment, "InstanceId", OPTIONAL, &f.instance));
    FL_TRY(flowlog__json_get_bool(l->doc, node, "RequesterManaged", 0, &managed, l->err));
    FL_TRY(flowlog__json_get_bool(l->doc, node, "SourceDestCheck", 1, &check, l->err));
    f.requester_managed = (uint8_t)managed;
    f.source_dest_check = (uint8_t)check;
    FL_TRY(load_addresses(l, node, &f));
    FL_TRY(load_groups(l, node, &f));
    FL_TRY(load_tracking(l, node, &f));
    FL_TRY(flowlog__json_get_text(l->doc, node, "Description", &description, l->err));
    f.description = end_of(l, FL_POOL_TEXT);
    FL_TRY(append_text(l, description.ptr, description.len, &f.description));
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_IFACE, 1, l->err));
    *fl_iface_at(l->r, l->r->pool[FL_POOL_IFACE].count++) = f;
    return FLOWLOG_OK;
}

/* --- subnets, VPCs, prefix lists ------------------------------------------------------------- */

/* Whether an item of a CidrBlockAssociationSet is, or is about to be, what it says: AWS lists former ones too. */
static flowlog_status is_associated(const struct loader *l, uint32_t item, int *yes)
{
    static const char *const name[] = {"CidrBlockState", "Ipv6CidrBlockState"};
    *yes = 1;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        uint32_t state;
        flowlog_str s;
        FL_TRY(flowlog__json_get_object(l->doc, item, name[i], &state, l->err));
        FL_TRY(flowlog__json_get_text(l->doc, state, "State", &s, l->err));
        if (s.len && !same(s, "associated") && !same(s, "associating")) *yes = 0;
    }
    return FLOWLOG_OK;
}

/* Blocks in list[].member, or the strings of the list itself. */
static flowlog_status load_blocks(const struct loader *l, uint32_t object, const char *name, const char *member,
                                  struct fl_span *blocks)
{
    uint32_t list;
    FL_TRY(array(l, object, name, &list));
    FL_FOR_EACH(l, list, item)
    {
        if (fl_json_kind(l->doc, item) == FL_JSON_STRING) {
            FL_TRY(push_block(l, item, blocks));
            continue;
        }
        int associated;
        FL_TRY(is_object(l, item));
        FL_TRY(is_associated(l, item, &associated));
        const uint32_t block = flowlog__json_find(l->doc, item, member);
        if (!block) return missing(l, item, member);
        if (associated) FL_TRY(push_block(l, block, blocks));
    }
    return FLOWLOG_OK;
}

static flowlog_status load_subnet_or_vpc(const struct loader *l, uint32_t node, int pool)
{
    struct fl_subnet s = {.blocks = end_of(l, FL_POOL_BLOCK)};
    const uint32_t block = flowlog__json_find(l->doc, node, "CidrBlock");
    FL_TRY(id(l, node, pool == FL_POOL_VPC ? "VpcId" : "SubnetId", REQUIRED, &s.id));
    FL_TRY(id(l, node, "VpcId", OPTIONAL, &s.vpc));
    if (fl_json_kind(l->doc, block) != FL_JSON_NULL) FL_TRY(push_block(l, block, &s.blocks));
    FL_TRY(load_blocks(l, node, "CidrBlockAssociationSet", "CidrBlock", &s.blocks));
    FL_TRY(load_blocks(l, node, "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", &s.blocks));
    FL_TRY(flowlog__rules_reserve(l->r, pool, 1, l->err));
    struct fl_subnet *to = pool == FL_POOL_VPC ? fl_vpc_at(l->r, fl_pool_count(l->r, pool))
                                               : fl_subnet_at(l->r, fl_pool_count(l->r, pool));
    *to = s;
    l->r->pool[pool].count++;
    return FLOWLOG_OK;
}

static flowlog_status load_subnet(const struct loader *l, uint32_t node)
{
    return load_subnet_or_vpc(l, node, FL_POOL_SUBNET);
}
static flowlog_status load_vpc(const struct loader *l, uint32_t node)
{
    return load_subnet_or_vpc(l, node, FL_POOL_VPC);
}

static flowlog_status push_list(const struct loader *l, const struct fl_subnet *list)
{
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_LIST, 1, l->err));
    *fl_list_at(l->r, l->r->pool[FL_POOL_LIST].count++) = *list;
    return FLOWLOG_OK;
}

/* {"PrefixListId": ..., "Entries": [{"Cidr": ...}]} or "Cidrs": [...]; without either its blocks stay unknown. */
static flowlog_status load_list(const struct loader *l, uint32_t node)
{
    struct fl_subnet list = {.blocks = end_of(l, FL_POOL_BLOCK)};
    FL_TRY(id(l, node, "PrefixListId", REQUIRED, &list.id));
    if (!flowlog__json_find(l->doc, node, "Entries") && !flowlog__json_find(l->doc, node, "Cidrs")) return FLOWLOG_OK;
    FL_TRY(load_blocks(l, node, "Entries", "Cidr", &list.blocks));
    FL_TRY(load_blocks(l, node, "Cidrs", "Cidr", &list.blocks));
    return push_list(l, &list);
}

/* A member of PrefixLists when that is an object: its name is the id. */
static flowlog_status load_named_list(const struct loader *l, uint32_t name)
{
    struct fl_subnet list = {.blocks = end_of(l, FL_POOL_BLOCK)};
    FL_TRY(symbol_of(l, name, &list.id));
    if (!list.id) return wrong(l, name, "not an id");
    const uint32_t value = name + 1;
    if (fl_json_kind(l->doc, value) == FL_JSON_OBJECT) {
        FL_TRY(load_blocks(l, value, "Entries", "Cidr", &list.blocks));
    } else {
        FL_TRY(flowlog__json_expect(l->doc, value, FL_JSON_ARRAY, l->err));
        FL_FOR_EACH(l, value, item) FL_TRY(push_block(l, item, &list.blocks));
    }
    return push_list(l, &list);
}

static flowlog_status load_lists(const struct loader *l, uint32_t object)
{
    const uint32_t lists = flowlog__json_find(l->doc, object, "PrefixLists");
    if (fl_json_kind(l->doc, lists) == FL_JSON_OBJECT) {
        FL_FOR_EACH(l, lists, name) FL_TRY(load_named_list(l, name));
    } else if (fl_json_kind(l->doc, lists) != FL_JSON_NULL) {
        FL_TRY(flowlog__json_expect(l->doc, lists, FL_JSON_ARRAY, l->err));
        FL_FOR_EACH(l, lists, item)
        {
            FL_TRY(is_object(l, item));
            FL_TRY(load_list(l, item));
        }
    }
    return FLOWLOG_OK;
}

/* --- whole texts ----------------------------------------------------------------------------- */

static flowlog_status load_object(const struct loader *l, uint32_t object)
{
    static const struct {
        const char *name;
        flowlog_status (*load)(const struct loader *l, uint32_t node);
    } member[] = {{"NetworkAcls", load_acl},
                  {"SecurityGroups", load_group},
                  {"NetworkInterfaces", load_iface},
                  {"Subnets", load_subnet},
                  {"Vpcs", load_vpc}};
    int known = 0;
    FL_TRY(is_object(l, object));
    for (size_t i = 0; i < sizeof member / sizeof *member; i++) {
        uint32_t list;
        known |= flowlog__json_find(l->doc, object, member[i].name) != 0;
        FL_TRY(array(l, object, member[i].name, &list));
        FL_FOR_EACH(l, list, item)
        {
            FL_TRY(is_object(l, item));
            FL_TRY(member[i].load(l, item));
        }
    }
    known |= flowlog__json_find(l->doc, object, "PrefixLists") != 0;
    FL_TRY(load_lists(l, object));
    const uint32_t entries = flowlog__json_find(l->doc, object, "Entries");
    if (entries) {
        if (!flowlog__json_find(l->doc, object, "PrefixListId"))
            return wrong(l, entries, "of which prefix list? Put \"PrefixListId\": \"pl-...\" beside it");
        return load_list(l, object);
    }
    return known ? FLOWLOG_OK
                 : wrong(l, object, "no NetworkAcls, SecurityGroups, NetworkInterfaces, Subnets, Vpcs or PrefixLists");
}

flowlog_status flowlog__rules_load_node(struct fl_rules *r, const struct fl_json *doc, uint32_t object,
                                        flowlog_error *err)
{
    const struct loader l = {r, doc, err};
    uint32_t count[FL_POOL_COUNT];
    for (int i = 0; i < FL_POOL_COUNT; i++) count[i] = fl_pool_count(r, i);
    flowlog_status status = load_object(&l, object);
    if (status >= 0) {
        const uint32_t owners = fl_pool_count(r, FL_POOL_ADDRESS) - count[FL_POOL_OWNER];
        status = flowlog__rules_reserve(r, FL_POOL_OWNER, owners, err);
    }
    if (status < 0) {
        for (int i = 0; i < FL_POOL_COUNT; i++)
            if (i != FL_POOL_SYMBOL && i != FL_POOL_TEXT) r->pool[i].count = count[i];
        return status;
    }
    flowlog__rules_index(r);
    return FLOWLOG_OK;
}

flowlog_status flowlog__rules_load(struct fl_rules *r, const char *json, size_t len, flowlog_error *err)
{
    struct fl_json doc;
    FL_TRY(flowlog__json_parse(json, len, NULL, &r->alloc, &doc, err));
    const flowlog_status status = flowlog__rules_load_node(r, &doc, FL_JSON_ROOT, err);
    flowlog__json_clear(&doc);
    return status;
}
