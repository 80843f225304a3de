/* SPDX-License-Identifier: MIT */
/*
 * analyze/rules.h - security groups and network ACLs as the AWS CLI prints them, and what they say to a packet.
 *
 * Takes  JSON: the output of `aws ec2 describe-network-acls`, -security-groups, -network-interfaces, -subnets,
 *        -vpcs, -prefix-lists, get-managed-prefix-list-entries; and the `rules` member of a context.
 * Gives  for a packet at an interface: does the network ACL let it through, by which entry; do the security groups;
 *        what came closest; the smallest change that would let it through; facts about interfaces and subnets;
 *        warnings about the rules themselves.
 *
 * Each text is one object with one or more of these members; members that are not named here are not looked at:
 *
 *   NetworkAcls, SecurityGroups, NetworkInterfaces, Subnets, Vpcs    arrays, as AWS prints them
 *   PrefixListId + Entries[].Cidr     what get-managed-prefix-list-entries prints does not say which list it is:
 *                                     put the list's id beside it
 *   PrefixLists                       {id: {"Entries": [{"Cidr": ...}]}}, {id: ["10.0.0.0/8", ...]}, or what
 *                                     describe-prefix-lists prints: [{"PrefixListId": ..., "Cidrs": [...]}]
 *
 * Several texts add up.  The same id once more replaces what was there, as a whole; of two network ACLs that name
 * one subnet, and of two default ACLs of one VPC, the later counts.
 *
 * "maybe" is an answer: a prefix list, group or interface that was not supplied, or a subnet border that cannot be
 * known, must not become a "no" (diagnosis.md, section 3).  Flow logs have no ICMP type: echo is assumed.
 *
 * Memory     all of it by the allocator, bounded by the limits below.  Asking allocates nothing.
 * Threads    loading: one at a time; asking: any number, once nothing is loaded any more.
 * Ownership  every flowlog_str given is borrowed until the next load, or free.
 */
#ifndef FL_ANALYZE_RULES_H
#define FL_ANALYZE_RULES_H

#include "analyze/cidr.h"
#include "flowlog/value.h"

struct fl_rules;
struct fl_json;

/* Limits: reaching one is E_LIMIT.  AWS allows 40 entries a direction, 1000 rules and 16 groups an interface. */
enum {
    FL_RULES_ID_MAX = 128,         /* bytes of an id or of a block's text */
    FL_RULES_ACL_ENTRIES_MAX = 256, /* of one network ACL, both directions */
    FL_RULES_ITEMS_MAX = 1 << 22   /* of each kind, over all texts: interfaces, addresses, entries, rules, blocks */
};

flowlog_status flowlog__rules_new(const flowlog_alloc *alloc, struct fl_rules **rules);
void flowlog__rules_free(struct fl_rules *rules);

/*
 * Add what a text says.  E_SYNTAX and E_DUPLICATE with offset, line, column and, for what is JSON but not what AWS
 * prints, the path of the offending member; E_LIMIT, E_MEMORY.  After a failure the rules are what they were before.
 */
flowlog_status flowlog__rules_load(struct fl_rules *rules, const char *json, size_t len, flowlog_error *err);
/* The same for an object of a document that was parsed already. */
flowlog_status flowlog__rules_load_node(struct fl_rules *rules, const struct fl_json *doc, uint32_t object,
                                        flowlog_error *err);

/* --- questions ------------------------------------------------------------------------------- */

/* One packet, in one direction, at one interface. */
struct fl_rule_question {
    flowlog_str eni;            /* interface id */
    flowlog_addr local, remote; /* packet-level addresses; remote = peer */
    uint16_t dport, sport;      /* of the packet asked about; 0 where portless */
    uint8_t proto;
    uint8_t egress;             /* 1: the packet leaves the interface */
    uint8_t reply;              /* 1: a reply: security groups are not consulted */
    uint8_t same_subnet;        /* 1: both ends in one subnet: the network ACL is not consulted; 2: unknown, the
                                   rules decide as far as they can */
};

enum {
    FL_RULE_UNKNOWN,       /* interface, subnet, ACL or groups were not supplied */
    FL_RULE_NOT_CONSULTED, /* replies, traffic inside of a subnet, interfaces without groups */
    FL_RULE_ALLOW,
    FL_RULE_DENY,
    FL_RULE_MAYBE
};

/* Why nothing came of a security group rule that came closest. */
enum {
    FL_RULE_MISS_NONE,
    FL_RULE_MISS_SOURCE, /* same protocol and port, other source (or destination) */
    FL_RULE_MISS_PORT    /* same source (or destination), other port or protocol */
};

enum { FL_RULE_DEFAULT_IPV4 = 32767, FL_RULE_DEFAULT_IPV6 = 32768, FL_RULE_NUMBER_LAST = 32766 };

struct fl_rule_answer {
    uint8_t nacl, sg;                   /* FL_RULE_* */
    uint8_t same_subnet;                /* 1, 0, or 2: not known; the network ACL was then consulted */
    uint8_t sg_closest_kind;            /* FL_RULE_MISS_* */
    uint32_t rule_number;               /* deciding NACL entry (32767/32768 = none matched); 0: not consulted */
    flowlog_str acl, subnet, vpc;       /* of the interface; {NULL, 0} where not known */
    flowlog_str sg_groups;              /* the interface's group ids joined by ',' */
    flowlog_str sg_closest_group;       /* with FL_RULE_MISS_*: the rule that came closest ... */
    flowlog_str sg_closest_source;      /* ... its block, prefix list or group, as AWS prints it */
    uint16_t sg_closest_from, sg_closest_to; /* ... its ports (ICMP: type and code, 65535 = all) */
    int16_t sg_closest_proto;           /* ... its protocol; -1: all */
    flowlog_str sg_unknown;             /* with sg MAYBE: the list or group that would have to be supplied */
};

/* E_ARGUMENT for a question with addresses of two families, or none; everything else has an answer. */
flowlog_status flowlog__rules_ask(const struct fl_rules *rules, const struct fl_rule_question *q,
                                  struct fl_rule_answer *a);

enum { FL_TRACKING_UNKNOWN, FL_TRACKING_TRACKED, FL_TRACKING_UNTRACKED };

/*
 * Whether the security groups track the connection of this request (q.reply is not looked at).  An untracked one is
 * cut at once when its rule goes; a tracked one goes on until it is idle for too long.
 */
int flowlog__rules_tracking(const struct fl_rules *rules, const struct fl_rule_question *q);

/* --- the smallest change --------------------------------------------------------------------- */

enum { FL_RULE_CHANGE_NACL = 1, FL_RULE_CHANGE_SG = 2, FL_RULE_CHANGE_NACL_ENTRY = 3 };

/* One rule to add; FL_RULE_CHANGE_NACL_ENTRY: no number is free, so entry `number` has to be changed by hand. */
struct fl_rule_change {
    uint8_t what;    /* FL_RULE_CHANGE_* */
    uint8_t egress;
    uint8_t proto;
    uint8_t portless;
    uint16_t from, to; /* ports; ICMP: type and code */
    uint32_t number; /* of the NACL entry */
    uint32_t before; /* the denying entry that it is put before */
    flowlog_str id;  /* network ACL or security group */
    struct fl_cidr peer;
};

enum { FL_RULE_CHANGES_MAX = 3, FL_RULE_ROW_MAX = 320, FL_RULE_COMMAND_MAX = 512 };

/*
 * What to add so that the packet asked about passes, and, when it is a request, its answer too: never more than one
 * address and one port, but for answers the clients' port range that AWS advises, 1024-65535, for this one address.
 * `a` is the answer to `q`.  Returns how many there are; none where nothing denies for certain.
 */
size_t flowlog__rules_changes(const struct fl_rules *rules, const struct fl_rule_question *q,
                              const struct fl_rule_answer *a, struct fl_rule_change change[FL_RULE_CHANGES_MAX]);

/* As a row of a table, in words; as a command of the AWS CLI, empty for _NACL_ENTRY. */
size_t flowlog__rule_change_row(const struct fl_rule_change *change, char row[FL_RULE_ROW_MAX]);
size_t flowlog__rule_change_command(const struct fl_rule_change *change, char command[FL_RULE_COMMAND_MAX]);

/* All changes at once, a line each, no line end behind the last; cut at cap, always with a NUL.  Returns the count. */
size_t flowlog__rules_change(const struct fl_rules *rules, const struct fl_rule_question *q,
                             const struct fl_rule_answer *a, char *row, size_t row_cap, char *command,
                             size_t command_cap);

/* --- facts ----------------------------------------------------------------------------------- */

struct fl_rule_interface {
    flowlog_str id, subnet, vpc, type; /* type: as AWS prints it: "interface", "nat_gateway", ... */
    flowlog_str instance, description;
    flowlog_str groups;                /* ids joined by ',' */
    uint32_t index;                    /* for flowlog__rules_address */
    uint32_t addresses;                /* how many: private addresses and prefixes */
    uint32_t tcp_established_sec, udp_sec, udp_stream_sec; /* idle limits of connection tracking ... */
    uint8_t tcp_established_set, udp_set, udp_stream_set;  /* ... 1: as supplied; 0: AWS's default */
    uint8_t requester_managed;         /* by an AWS service */
    uint8_t source_dest_check;         /* 0: it forwards packets of others */
    uint8_t groups_known;              /* 0: the text did not have the member Groups */
};

/* 1 and *out, or 0 when the interface was not supplied. */
int flowlog__rules_interface(const struct fl_rules *rules, flowlog_str eni, struct fl_rule_interface *out);
/* The i-th interface in no certain order, i < count; 0 behind the last.  For tables that an engine builds. */
int flowlog__rules_interface_at(const struct fl_rules *rules, uint32_t i, struct fl_rule_interface *out);
/* The i-th address or prefix of an interface, i < addresses; the primary one first. */
struct fl_cidr flowlog__rules_address(const struct fl_rules *rules, const struct fl_rule_interface *iface, uint32_t i);
/*
 * The interface that has this private address (or a prefix around it): the one of `vpc` if that is not empty, else
 * the only one there is.  0 when there is none, or more than one.
 */
int flowlog__rules_owner(const struct fl_rules *rules, const flowlog_addr *addr, flowlog_str vpc,
                         struct fl_rule_interface *out);

/* 1 yes, 0 no, 2 not known (the subnet's or VPC's blocks were not supplied). */
int flowlog__rules_in_subnet(const struct fl_rules *rules, flowlog_str subnet, const flowlog_addr *addr);
int flowlog__rules_in_vpc(const struct fl_rules *rules, flowlog_str vpc, const flowlog_addr *addr);
/*
 * Whether `local`, an address of interface `eni`, and `remote` lie in one subnet: 1, 0, 2.  By the subnet's blocks, the
 * interfaces' subnets, and failing these by the sizes AWS allows: /28 to /16, IPv6 /64 to /44.
 */
int flowlog__rules_same_subnet(const struct fl_rules *rules, flowlog_str eni, const flowlog_addr *local,
                               const flowlog_addr *remote);

/* --- warnings about the rules themselves ----------------------------------------------------- */

enum {
    FL_RULE_WARNING_EPHEMERAL = 1,   /* a network ACL lets requests through, but not their answers */
    FL_RULE_WARNING_UNREACHED = 2,   /* a deny entry behind an allow entry that covers it */
    FL_RULE_WARNING_STALE_GROUP = 3  /* a rule names a group of another VPC without active peering */
};

struct fl_rule_warning {
    uint8_t code;
    uint8_t egress;    /* of the rule that `number` names; STALE_GROUP: of the rule */
    uint8_t family;    /* 4 or 6; STALE_GROUP: 0 */
    int16_t proto;     /* -1: all */
    uint16_t from, to; /* EPHEMERAL: the first ports of 1024-65535 that answers cannot reach; else the rule's */
    uint32_t number;   /* EPHEMERAL: the entry that allows requests; UNREACHED: the deny entry */
    uint32_t other;    /* UNREACHED: the entry in front of it */
    flowlog_str id;    /* network ACL or security group */
    flowlog_str source;/* block of the entry `number`; the group that is referenced */
};

struct fl_rule_cursor { /* zero: the beginning */
    uint32_t kind, object, item;
};

/* 1 and the next warning, or 0 at the end.  In the order of loading: the same for the same texts. */
int flowlog__rules_warning(const struct fl_rules *rules, struct fl_rule_cursor *cursor,
                           struct fl_rule_warning *warning);
/* One English sentence; as snprintf. */
size_t flowlog__rule_warning_text(const struct fl_rule_warning *warning, char *text, size_t cap);

#endif
