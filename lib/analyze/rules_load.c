/* SPDX-License-Identifier: MIT */
/*
 * rules_load.c - what the AWS CLI prints, from JSON nodes into the pools; see rules.h for what is accepted.
 *
 * A text is taken as a whole or not at all: everything goes to the end of the pools, which are cut back when a
 * member is wrong; only then do symbols lead to the new objects.  (Symbols and text stay: they lead nowhere.)
 * The objects themselves are read in rules_load_acl.c and rules_load_iface.c.
 */
#include "analyze/rules_load.h"

#include <stdio.h>
#include <string.h>

#include "schema/ascii.h"

flowlog_status flowlog__load_wrong(const struct fl_loader *l, uint32_t node, const char *what)
{
    return flowlog__json_fail(l->doc, node, l->err, FLOWLOG_E_SYNTAX, what);
}

flowlog_status flowlog__load_missing(const struct fl_loader *l, uint32_t object, const char *name)
{
    char what[64];
    snprintf(what, sizeof what, "%s is missing", name);
    return flowlog__load_wrong(l, object, what);
}

flowlog_status flowlog__load_array(const struct fl_loader *l, uint32_t object, const char *name,
                                   uint32_t *list)
{
    return flowlog__json_get_array(l->doc, object, name, list, l->err);
}

flowlog_status flowlog__load_is_object(const struct fl_loader *l, uint32_t node)
{
    return flowlog__json_expect(l->doc, node, FL_JSON_OBJECT, l->err);
}

int flowlog__load_same(flowlog_str s, const char *word)
{
    return s.len == strlen(word) && !memcmp(s.ptr, word, s.len);
}

/* --- single members -------------------------------------------------------------------------- */

/* The symbol of a string node.  Ids are shown, and made part of commands: printable ASCII without blanks. */
flowlog_status flowlog__load_symbol(const struct fl_loader *l, uint32_t node, uint32_t *symbol)
{
    FL_TRY(flowlog__json_expect(l->doc, node, FL_JSON_STRING, l->err));
    const flowlog_str s = fl_json_text(l->doc, node);
    if (s.len > FL_RULES_ID_MAX)
        return flowlog__json_fail(l->doc, node, l->err, FLOWLOG_E_LIMIT, "longer than any id");
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7F) return flowlog__load_wrong(l, node, "not an id");
    return flowlog__rules_intern(l->r, s, symbol, l->err);
}

/* The symbol of a member, 0 when it is absent, null or empty and not FL_REQUIRED. */
flowlog_status flowlog__load_id(const struct fl_loader *l, uint32_t object, const char *name,
                                int required, uint32_t *symbol)
{
    const uint32_t node = flowlog__json_find(l->doc, object, name);
    *symbol = 0;
    if (fl_json_kind(l->doc, node) != FL_JSON_NULL) FL_TRY(flowlog__load_symbol(l, node, symbol));
    return required && !*symbol ? flowlog__load_missing(l, object, name) : FLOWLOG_OK;
}

flowlog_status flowlog__load_block(const struct fl_loader *l, uint32_t node, struct fl_cidr *cidr)
{
    FL_TRY(flowlog__json_expect(l->doc, node, FL_JSON_STRING, l->err));
    return flowlog__cidr_parse(fl_json_text(l->doc, node), cidr)
               ? FLOWLOG_OK
               : flowlog__load_wrong(l, node, "not an address block");
}

flowlog_status flowlog__load_push_name(const struct fl_loader *l, uint32_t symbol, struct fl_span *names)
{
    FL_TRY(flowlog__rules_reserve(l->r, FL_POOL_NAME, 1, l->err));
    *fl_name_at(l->r, l->r->pool[FL_POOL_NAME].count++) = symbol;
    names->count++;
    return FLOWLOG_OK;
}

/* "-1", "6", "tcp", ...: a number, or one of the names that AWS knows. */
flowlog_status flowlog__load_protocol(const struct fl_loader *l, uint32_t object, const char *name,
                                      int16_t *proto)
{
    static const struct {
        const char *name;
        int16_t proto;
    } names[] = {{"-1", -1}, {"all", -1}, {"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}};
    flowlog_str s;
    FL_TRY(flowlog__json_get_text(l->doc, object, name, &s, l->err));
    if (!s.ptr) return flowlog__load_missing(l, object, name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (flowlog__load_same(s, names[i].name)) {
            *proto = names[i].proto;
            return FLOWLOG_OK;
        }
    int number = 0;
    for (size_t i = 0; i < s.len && number <= 255; i++)
        number = fl_ascii_is_digit(s.ptr[i]) ? number * 10 + (s.ptr[i] - '0') : 256;
    if (!s.len || number > 255)
        return flowlog__load_wrong(l, flowlog__json_find(l->doc, object, name), "not a protocol");
    *proto = (int16_t)number;
    return FLOWLOG_OK;
}

flowlog_status flowlog__load_small(const struct fl_loader *l, uint32_t object, const char *name,
                                   int64_t max, int64_t *value)
{
    return flowlog__json_get_int(l->doc, object, name, -1, max, -1, value, l->err);
}

/* Two members as a range of ports: -1 or absent is all. */
flowlog_status flowlog__load_ports(const struct fl_loader *l, uint32_t object, const char *from_name,
                                   const char *to_name, uint16_t *from, uint16_t *to)
{
    int64_t a, b;
    FL_TRY(flowlog__load_small(l, object, from_name, 65535, &a));
    FL_TRY(flowlog__load_small(l, object, to_name, 65535, &b));
    if (a < 0 || b < 0) {
        a = 0;
        b = 65535;
    }
    if (a > b) return flowlog__load_wrong(l, object, "a range of ports that ends before it begins");
    *from = (uint16_t)a;
    *to = (uint16_t)b;
    return FLOWLOG_OK;
}

/* --- whole texts ----------------------------------------------------------------------------- */

static flowlog_status load_object(const struct fl_loader *l, uint32_t object)
{
    static const struct {
        const char *name;
        flowlog_status (*load)(const struct fl_loader *l, uint32_t node);
    } member[] = {{"NetworkAcls", flowlog__load_acl},
                  {"SecurityGroups", flowlog__load_group},
                  {"NetworkInterfaces", flowlog__load_iface},
                  {"Subnets", flowlog__load_subnet},
                  {"Vpcs", flowlog__load_vpc}};
    int known = 0;
    FL_TRY(flowlog__load_is_object(l, object));
    for (size_t i = 0; i < sizeof member / sizeof *member; i++) {
        uint32_t list;
        known |= flowlog__json_find(l->doc, object, member[i].name) != 0;
        FL_TRY(flowlog__load_array(l, object, member[i].name, &list));
        FL_FOR_EACH(l, list, item)
        {
            FL_TRY(flowlog__load_is_object(l, item));
            FL_TRY(member[i].load(l, item));
        }
    }
    known |= flowlog__json_find(l->doc, object, "PrefixLists") ||
             flowlog__json_find(l->doc, object, "Entries");
    if (!known)
        return flowlog__load_wrong(l, object,
                                   "no NetworkAcls, SecurityGroups, NetworkInterfaces, Subnets, Vpcs or "
                                   "PrefixLists");
    return flowlog__load_lists(l, object);
}

flowlog_status flowlog__rules_load_node(struct fl_rules *r, const struct fl_json *doc, uint32_t object,
                                        flowlog_error *err)
{
    const struct fl_loader l = {r, doc, err};
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
