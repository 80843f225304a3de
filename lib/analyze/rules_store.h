/* SPDX-License-Identifier: MIT */
/*
 * analyze/rules_store.h - how rules are kept: what the files rules*.c share.
 *
 * Everything is an entry of one of a few pools, and is named by its number there.  An id ("sg-1", "10.0.0.0/8") is a
 * symbol: a text that is there once.  A symbol knows which object it stands for, as number + 1, so that a name once
 * known leads anywhere without a search.  Objects are only ever added; one that has been replaced is still in its
 * pool, but its symbol leads to the newer one: fl_is_live().
 */
#ifndef FL_ANALYZE_RULES_STORE_H
#define FL_ANALYZE_RULES_STORE_H

#include "analyze/rules.h"
#include "core/compiler.h"

struct fl_span {
    uint32_t begin, count;
};

/* All of these are numbers + 1, 0: none. */
struct fl_symbol {
    uint32_t offset, len; /* of its text */
    uint32_t acl, group, iface, subnet, vpc, list; /* the object with this id */
    uint32_t subnet_acl;   /* of a subnet: the network ACL associated with it */
    uint32_t default_acl;  /* of a VPC */
    uint32_t first_subnet; /* of a VPC */
};

struct fl_acl {
    uint32_t id, vpc;        /* symbols */
    struct fl_span entries;  /* FL_POOL_ENTRY, by direction and number */
    struct fl_span subnets;  /* FL_POOL_NAME */
    uint8_t is_default;
};

struct fl_acl_entry {
    uint32_t number;
    uint32_t source; /* symbol: the block's text */
    struct fl_cidr cidr;
    int16_t proto;      /* -1: all */
    uint16_t from, to;  /* ports, of TCP and UDP */
    int16_t type, code; /* of ICMP; -1: all */
    uint8_t egress, allow;
};

struct fl_group {
    uint32_t id, vpc;
    struct fl_span rules; /* FL_POOL_RULE */
};

enum { FL_SOURCE_BLOCK, FL_SOURCE_LIST, FL_SOURCE_GROUP };
enum { FL_PEERING_NONE, FL_PEERING_ACTIVE, FL_PEERING_OTHER };

struct fl_group_rule {
    uint32_t source;    /* symbol: the block's text, the list, the group */
    uint32_t peer_vpc;  /* of the group; 0: not said, the rule's own */
    struct fl_cidr cidr;
    int16_t proto;      /* -1: all */
    uint16_t from, to;  /* ports; of ICMP type and code, FL_ICMP_ALL: all */
    uint8_t kind, egress, peering;
};

enum { FL_ICMP_ALL = 65535 };

struct fl_iface {
    uint32_t id, subnet, vpc, type, instance;
    struct fl_span groups;      /* FL_POOL_NAME */
    struct fl_span addresses;   /* FL_POOL_ADDRESS */
    struct fl_span groups_text, description; /* of the text */
    uint32_t tcp_established_sec, udp_sec, udp_stream_sec; /* 0: not set */
    uint8_t requester_managed, source_dest_check, groups_known;
};

struct fl_address {
    struct fl_cidr cidr;
    uint32_t iface; /* its number */
};

struct fl_subnet { /* also a VPC and a prefix list: an id with blocks */
    uint32_t id, vpc;
    uint32_t next;         /* subnet: the next one of its VPC, number + 1 */
    struct fl_span blocks; /* FL_POOL_BLOCK */
};

/* X(NAME, type) */
#define FL_POOLS(X) \
    X(TEXT, char) \
    X(SYMBOL, struct fl_symbol) \
    X(ACL, struct fl_acl) \
    X(ENTRY, struct fl_acl_entry) \
    X(GROUP, struct fl_group) \
    X(RULE, struct fl_group_rule) \
    X(IFACE, struct fl_iface) \
    X(ADDRESS, struct fl_address) \
    X(OWNER, uint32_t) /* addresses of live interfaces, sorted by block, VPC and number */ \
    X(SUBNET, struct fl_subnet) \
    X(VPC, struct fl_subnet) \
    X(LIST, struct fl_subnet) \
    X(BLOCK, struct fl_cidr) \
    X(NAME, uint32_t) /* symbols, in lists */

enum {
#define FL_POOL_ENUM(name, type) FL_POOL_##name,
    FL_POOLS(FL_POOL_ENUM)
#undef FL_POOL_ENUM
    FL_POOL_COUNT
};

struct fl_pool {
    void *data;
    uint32_t count, cap;
};

struct fl_rules {
    flowlog_alloc alloc;
    struct fl_pool pool[FL_POOL_COUNT];
    uint32_t *slot; /* hash table of symbols; 0: empty.  A power of two, at least twice the symbols */
    uint32_t slots;
    uint8_t lengths[2][129]; /* the prefix lengths that addresses have, IPv4 and IPv6, longest first */
    uint8_t lengths_count[2];
};

/* fl_acl_at(rules, 3): element 3 of a pool. */
#define FL_POOL_ACCESS(NAME, name, type) \
    FL_INLINE type *fl_##name##_at(const struct fl_rules *r, uint32_t i) \
    { \
        return (type *)r->pool[FL_POOL_##NAME].data + i; \
    }
FL_POOL_ACCESS(SYMBOL, symbol, struct fl_symbol)
FL_POOL_ACCESS(ACL, acl, struct fl_acl)
FL_POOL_ACCESS(ENTRY, entry, struct fl_acl_entry)
FL_POOL_ACCESS(GROUP, group, struct fl_group)
FL_POOL_ACCESS(RULE, rule, struct fl_group_rule)
FL_POOL_ACCESS(IFACE, iface, struct fl_iface)
FL_POOL_ACCESS(ADDRESS, address, struct fl_address)
FL_POOL_ACCESS(OWNER, owner, uint32_t)
FL_POOL_ACCESS(SUBNET, subnet, struct fl_subnet)
FL_POOL_ACCESS(VPC, vpc, struct fl_subnet)
FL_POOL_ACCESS(LIST, list, struct fl_subnet)
FL_POOL_ACCESS(BLOCK, block, struct fl_cidr)
FL_POOL_ACCESS(NAME, name, uint32_t)
#undef FL_POOL_ACCESS

FL_INLINE uint32_t fl_pool_count(const struct fl_rules *r, int pool) { return r->pool[pool].count; }

FL_INLINE flowlog_str fl_text(const struct fl_rules *r, struct fl_span span)
{
    flowlog_str s = {span.count ? (const char *)r->pool[FL_POOL_TEXT].data + span.begin : NULL, span.count};
    return s;
}

/* The text of a symbol; {NULL, 0} for symbol 0. */
FL_INLINE flowlog_str fl_symbol_text(const struct fl_rules *r, uint32_t symbol)
{
    const struct fl_span span = {fl_symbol_at(r, symbol)->offset, fl_symbol_at(r, symbol)->len};
    return fl_text(r, span);
}

/* The symbol of a text, 0 when there is none. */
uint32_t flowlog__rules_symbol(const struct fl_rules *r, flowlog_str text);

/* The same, made if need be; 0 for an empty text.  E_MEMORY, E_LIMIT. */
flowlog_status flowlog__rules_intern(struct fl_rules *r, flowlog_str text, uint32_t *symbol, flowlog_error *err);

/* Room for `more` elements at the end of a pool.  E_MEMORY, E_LIMIT. */
flowlog_status flowlog__rules_reserve(struct fl_rules *r, int pool, uint32_t more, flowlog_error *err);

/* After pools have changed: let the symbols lead to the objects, sort the owners.  FL_POOL_OWNER has room for all. */
void flowlog__rules_index(struct fl_rules *r);

/*
 * The interface (number + 1) of VPC `vpc`, a symbol or 0, that has an address; the latest, if several say so.
 * flowlog__rules_owners: the first and the number of FL_POOL_OWNER, of whatever VPC.
 */
uint32_t flowlog__rules_owner_in(const struct fl_rules *r, const flowlog_addr *addr, uint32_t vpc);
struct fl_span flowlog__rules_owners(const struct fl_rules *r, const flowlog_addr *addr);

/* The interface of an id and the network ACL of its subnet, number + 1; 0 when not known. */
uint32_t flowlog__rules_iface(const struct fl_rules *r, flowlog_str eni);
uint32_t flowlog__rules_acl_of(const struct fl_rules *r, uint32_t iface);

/* 1 if a packet's protocol and port, or type and code, are those of a rule. */
int flowlog__acl_entry_has(const struct fl_acl_entry *e, unsigned proto, unsigned dport, unsigned type, unsigned code);

/* The type and code of echo that is assumed for a packet of ICMP or ICMPv6. */
struct fl_icmp {
    uint8_t type, code;
};
FL_INLINE int fl_is_icmp(unsigned proto) { return proto == 1 || proto == 58; }
FL_INLINE int fl_has_ports(unsigned proto) { return proto == 6 || proto == 17; }
FL_INLINE struct fl_icmp fl_echo(unsigned proto, int reply)
{
    struct fl_icmp echo = {0, 0};
    echo.type = (uint8_t)(proto == 58 ? (reply ? 129 : 128) : (reply ? 0 : 8));
    return echo;
}

/* Numbers of network ACL entries that are spoken for, of one direction. */
struct fl_rule_numbers {
    uint32_t number[FL_RULES_ACL_ENTRIES_MAX];
    uint32_t count;
};

/*
 * A number below `before` that is free in this direction of a network ACL and not taken, which it is from now on;
 * 0 when there is none.
 */
uint32_t flowlog__rules_free_number(const struct fl_rules *r, const struct fl_acl *acl, int egress, uint32_t before,
                                    struct fl_rule_numbers *taken);

#endif
