/* SPDX-License-Identifier: MIT */
/* rules_load_iface.c - interfaces, subnets, VPCs and prefix lists from their JSON; see rules_load.h. */
#include "analyze/rules_load.h"

#include <string.h>

/* --- network interfaces ---------------------------------------------------------------------- */

static flowlog_status push_address(const struct fl_loader *l, const struct fl_cidr *cidr,
                                   struct fl_span *addresses)
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
static flowlog_status load_address(const struct fl_loader *l, uint32_t node, const char *name,
                                   const struct fl_cidr *except, struct fl_span *addresses)
{
    flowlog_addr addr;
    flowlog_str s;
    FL_TRY(flowlog__load_is_object(l, node));
    FL_TRY(flowlog__json_get_text(l->doc, node, name, &s, l->err));
    if (!s.len) return FLOWLOG_OK;
    if (flowlog_addr_parse(s.ptr, s.len, &addr) < 0)
        return flowlog__load_wrong(l, flowlog__json_find(l->doc, node, name), "not an address");
    const struct fl_cidr cidr = flowlog__cidr_of(&addr, 128);
    if (except && flowlog__cidr_covers(except, &cidr)) return FLOWLOG_OK;
    return push_address(l, &cidr, addresses);
}

static flowlog_status load_addresses(const struct fl_loader *l, uint32_t node, struct fl_iface *f)
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
        FL_TRY(flowlog__load_array(l, node, lists[i].list, &list));
        FL_FOR_EACH(l, list, item)
        {
            FL_TRY(flowlog__load_is_object(l, item));
            if (!lists[i].is_block) {
                FL_TRY(load_address(l, item, lists[i].member, &primary, &f->addresses));
                continue;
            }
            struct fl_cidr cidr;
            const uint32_t block = flowlog__json_find(l->doc, item, lists[i].member);
            if (!block) return flowlog__load_missing(l, item, lists[i].member);
            FL_TRY(flowlog__load_block(l, block, &cidr));
            FL_TRY(push_address(l, &cidr, &f->addresses));
        }
    }
    return FLOWLOG_OK;
}

static flowlog_status append_text(const struct fl_loader *l, const char *text, size_t len,
                                  struct fl_span *span)
{
    struct fl_pool *pool = &l->r->pool[FL_POOL_TEXT];
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_TEXT, (uint32_t)len, l->err));
    if (len) memcpy((char *)pool->data + pool->count, text, len);
    pool->count += (uint32_t)len;
    span->count += (uint32_t)len;
    return FLOWLOG_OK;
}

/* The groups, and their ids in one text: "sg-1,sg-2". */
static flowlog_status load_groups(const struct fl_loader *l, uint32_t node, struct fl_iface *f)
{
    uint32_t list;
    FL_TRY(flowlog__load_array(l, node, "Groups", &list));
    f->groups_known = list != 0;
    FL_FOR_EACH(l, list, item)
    {
        uint32_t group;
        FL_TRY(flowlog__load_is_object(l, item));
        FL_TRY(flowlog__load_id(l, item, "GroupId", FL_REQUIRED, &group));
        FL_TRY(flowlog__load_push_name(l, group, &f->groups));
    }
    f->groups_text = fl_load_end(l, FL_POOL_TEXT);
    for (uint32_t i = 0; i < f->groups.count; i++) {
        char copy[FL_RULES_ID_MAX + 1]; /* for the text may move */
        const flowlog_str s = fl_symbol_text(l->r, *fl_name_at(l->r, f->groups.begin + i));
        copy[0] = ',';
        memcpy(copy + 1, s.ptr, s.len);
        FL_TRY(append_text(l, copy + !i, s.len + (i > 0), &f->groups_text));
    }
    return FLOWLOG_OK;
}

static flowlog_status load_tracking(const struct fl_loader *l, uint32_t node, struct fl_iface *f)
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

flowlog_status flowlog__load_iface(const struct fl_loader *l, uint32_t node)
{
    struct fl_iface f = {.groups = fl_load_end(l, FL_POOL_NAME),
                         .addresses = fl_load_end(l, FL_POOL_ADDRESS)};
    uint32_t attachment;
    int managed, check;
    flowlog_str description;
    FL_TRY(flowlog__load_id(l, node, "NetworkInterfaceId", FL_REQUIRED, &f.id));
    FL_TRY(flowlog__load_id(l, node, "SubnetId", FL_OPTIONAL, &f.subnet));
    FL_TRY(flowlog__load_id(l, node, "VpcId", FL_OPTIONAL, &f.vpc));
    FL_TRY(flowlog__load_id(l, node, "InterfaceType", FL_OPTIONAL, &f.type));
    FL_TRY(flowlog__json_get_object(l->doc, node, "Attachment", &attachment, l->err));
    FL_TRY(flowlog__load_id(l, attachment, "InstanceId", FL_OPTIONAL, &f.instance));
    FL_TRY(flowlog__json_get_bool(l->doc, node, "RequesterManaged", 0, &managed, l->err));
    FL_TRY(flowlog__json_get_bool(l->doc, node, "SourceDestCheck", 1, &check, l->err));
    f.requester_managed = (uint8_t)managed;
    f.source_dest_check = (uint8_t)check;
    FL_TRY(load_addresses(l, node, &f));
    FL_TRY(load_groups(l, node, &f));
    FL_TRY(load_tracking(l, node, &f));
    FL_TRY(flowlog__json_get_text(l->doc, node, "Description", &description, l->err));
    f.description = fl_load_end(l, FL_POOL_TEXT);
    FL_TRY(append_text(l, description.ptr, description.len, &f.description));
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_IFACE, 1, l->err));
    *fl_iface_at(l->r, l->r->pool[FL_POOL_IFACE].count++) = f;
    return FLOWLOG_OK;
}

/* --- subnets, VPCs, prefix lists ------------------------------------------------------------- */

static flowlog_status push_block(const struct fl_loader *l, uint32_t node, struct fl_span *blocks)
{
    struct fl_cidr cidr;
    FL_TRY(flowlog__load_block(l, node, &cidr));
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_BLOCK, 1, l->err));
    *fl_block_at(l->r, l->r->pool[FL_POOL_BLOCK].count++) = cidr;
    blocks->count++;
    return FLOWLOG_OK;
}

/* Whether an item of a CidrBlockAssociationSet is, or is about to be, what it says: AWS lists former ones too. */
static flowlog_status is_associated(const struct fl_loader *l, uint32_t item, int *yes)
{
    static const char *const name[] = {"CidrBlockState", "Ipv6CidrBlockState"};
    *yes = 1;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        uint32_t state;
        flowlog_str s;
        FL_TRY(flowlog__json_get_object(l->doc, item, name[i], &state, l->err));
        FL_TRY(flowlog__json_get_text(l->doc, state, "State", &s, l->err));
        if (s.len && !flowlog__load_same(s, "associated") && !flowlog__load_same(s, "associating"))
            *yes = 0;
    }
    return FLOWLOG_OK;
}

/* Blocks in list[].member, or the strings of the list itself. */
static flowlog_status load_blocks(const struct fl_loader *l, uint32_t object, const char *name,
                                  const char *member, struct fl_span *blocks)
{
    uint32_t list;
    FL_TRY(flowlog__load_array(l, object, name, &list));
    FL_FOR_EACH(l, list, item)
    {
        if (fl_json_kind(l->doc, item) == FL_JSON_STRING) {
            FL_TRY(push_block(l, item, blocks));
            continue;
        }
        int associated;
        FL_TRY(flowlog__load_is_object(l, item));
        FL_TRY(is_associated(l, item, &associated));
        const uint32_t block = flowlog__json_find(l->doc, item, member);
        if (!block) return flowlog__load_missing(l, item, member);
        if (associated) FL_TRY(push_block(l, block, blocks));
    }
    return FLOWLOG_OK;
}

static flowlog_status load_subnet_or_vpc(const struct fl_loader *l, uint32_t node, int pool)
{
    struct fl_subnet s = {.blocks = fl_load_end(l, FL_POOL_BLOCK)};
    const uint32_t block = flowlog__json_find(l->doc, node, "CidrBlock");
    FL_TRY(flowlog__load_id(l, node, pool == FL_POOL_VPC ? "VpcId" : "SubnetId", FL_REQUIRED, &s.id));
    FL_TRY(flowlog__load_id(l, node, "VpcId", FL_OPTIONAL, &s.vpc));
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

flowlog_status flowlog__load_subnet(const struct fl_loader *l, uint32_t node)
{
    return load_subnet_or_vpc(l, node, FL_POOL_SUBNET);
}
flowlog_status flowlog__load_vpc(const struct fl_loader *l, uint32_t node)
{
    return load_subnet_or_vpc(l, node, FL_POOL_VPC);
}

static flowlog_status push_list(const struct fl_loader *l, const struct fl_subnet *list)
{
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_LIST, 1, l->err));
    *fl_list_at(l->r, l->r->pool[FL_POOL_LIST].count++) = *list;
    return FLOWLOG_OK;
}

/* {"PrefixListId": ..., "Entries": [{"Cidr": ...}]} or "Cidrs": [...]; without either its blocks stay unknown. */
static flowlog_status load_list(const struct fl_loader *l, uint32_t node)
{
    struct fl_subnet list = {.blocks = fl_load_end(l, FL_POOL_BLOCK)};
    FL_TRY(flowlog__load_id(l, node, "PrefixListId", FL_REQUIRED, &list.id));
    if (!flowlog__json_find(l->doc, node, "Entries") && !flowlog__json_find(l->doc, node, "Cidrs"))
        return FLOWLOG_OK;
    FL_TRY(load_blocks(l, node, "Entries", "Cidr", &list.blocks));
    FL_TRY(load_blocks(l, node, "Cidrs", "Cidr", &list.blocks));
    return push_list(l, &list);
}

/* A member of PrefixLists when that is an object: its name is the id. */
static flowlog_status load_named_list(const struct fl_loader *l, uint32_t name)
{
    struct fl_subnet list = {.blocks = fl_load_end(l, FL_POOL_BLOCK)};
    FL_TRY(flowlog__load_symbol(l, name, &list.id));
    if (!list.id) return flowlog__load_wrong(l, name, "not an id");
    const uint32_t value = name + 1;
    if (fl_json_kind(l->doc, value) == FL_JSON_OBJECT) {
        FL_TRY(load_blocks(l, value, "Entries", "Cidr", &list.blocks));
    } else {
        FL_TRY(flowlog__json_expect(l->doc, value, FL_JSON_ARRAY, l->err));
        FL_FOR_EACH(l, value, item) FL_TRY(push_block(l, item, &list.blocks));
    }
    return push_list(l, &list);
}

flowlog_status flowlog__load_lists(const struct fl_loader *l, uint32_t object)
{
    const uint32_t lists = flowlog__json_find(l->doc, object, "PrefixLists");
    const uint32_t entries = flowlog__json_find(l->doc, object, "Entries");
    if (fl_json_kind(l->doc, lists) == FL_JSON_OBJECT) {
        FL_FOR_EACH(l, lists, name) FL_TRY(load_named_list(l, name));
    } else if (fl_json_kind(l->doc, lists) != FL_JSON_NULL) {
        FL_TRY(flowlog__json_expect(l->doc, lists, FL_JSON_ARRAY, l->err));
        FL_FOR_EACH(l, lists, item)
        {
            FL_TRY(flowlog__load_is_object(l, item));
            FL_TRY(load_list(l, item));
        }
    }
    if (!entries) return FLOWLOG_OK;
    if (!flowlog__json_find(l->doc, object, "PrefixListId"))
        return flowlog__load_wrong(l, entries,
                                   "of which prefix list? Put \"PrefixListId\": \"pl-...\" beside it");
    return load_list(l, object);
}
