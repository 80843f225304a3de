/* SPDX-License-Identifier: MIT */
/* analyze/rules_load.h - members of what the AWS CLI prints: what the files rules_load*.c share. */
#ifndef FL_ANALYZE_RULES_LOAD_H
#define FL_ANALYZE_RULES_LOAD_H

#include "analyze/json.h"
#include "analyze/rules_store.h"
#include "core/error.h"

struct fl_loader {
    struct fl_rules *r;
    const struct fl_json *doc;
    flowlog_error *err;
};

/* For each item of an array, or name of an object's members; of nothing: none. */
#define FL_FOR_EACH(l, list, item) \
    for (uint32_t item = fl_json_first((l)->doc, (list)); item; item = fl_json_next((l)->doc, (list), item))

/* E_SYNTAX with the path of a node: `what` is wrong with it, or its member `name` is missing. */
flowlog_status flowlog__load_wrong(const struct fl_loader *l, uint32_t node, const char *what);
flowlog_status flowlog__load_missing(const struct fl_loader *l, uint32_t object, const char *name);

int flowlog__load_same(flowlog_str s, const char *word);
flowlog_status flowlog__load_is_object(const struct fl_loader *l, uint32_t node);
flowlog_status flowlog__load_array(const struct fl_loader *l, uint32_t object, const char *name, uint32_t *list);

/* The symbol of a string node.  Ids are shown, and made part of commands: printable ASCII without blanks. */
flowlog_status flowlog__load_symbol(const struct fl_loader *l, uint32_t node, uint32_t *symbol);
/* The symbol of a member, 0 when it is absent, null or empty and not required. */
flowlog_status flowlog__load_id(const struct fl_loader *l, uint32_t object, const char *name, int required,
                                uint32_t *symbol);
enum { FL_OPTIONAL, FL_REQUIRED };

/* The block that a string node says. */
flowlog_status flowlog__load_block(const struct fl_loader *l, uint32_t node, struct fl_cidr *cidr);
/* "-1", "6", "tcp", ...: a number, or one of the names that AWS knows; required. */
flowlog_status flowlog__load_protocol(const struct fl_loader *l, uint32_t object, const char *name, int16_t *proto);
/* -1 to max; absent is -1. */
flowlog_status flowlog__load_small(const struct fl_loader *l, uint32_t object, const char *name, int64_t max,
                                   int64_t *value);
/* Two members as a range of ports: -1 or absent is all. */
flowlog_status flowlog__load_ports(const struct fl_loader *l, uint32_t object, const char *from_name,
                                   const char *to_name, uint16_t *from, uint16_t *to);

/* One more symbol at the end of a list of names that ends where their pool does. */
flowlog_status flowlog__load_push_name(const struct fl_loader *l, uint32_t symbol, struct fl_span *names);

FL_INLINE struct fl_span fl_load_end(const struct fl_loader *l, int pool)
{
    const struct fl_span span = {fl_pool_count(l->r, pool), 0};
    return span;
}

/* One object of each kind: an item of NetworkAcls, SecurityGroups, ...; all of PrefixLists and Entries. */
flowlog_status flowlog__load_acl(const struct fl_loader *l, uint32_t node);
flowlog_status flowlog__load_group(const struct fl_loader *l, uint32_t node);
flowlog_status flowlog__load_iface(const struct fl_loader *l, uint32_t node);
flowlog_status flowlog__load_subnet(const struct fl_loader *l, uint32_t node);
flowlog_status flowlog__load_vpc(const struct fl_loader *l, uint32_t node);
flowlog_status flowlog__load_lists(const struct fl_loader *l, uint32_t object);

#endif
