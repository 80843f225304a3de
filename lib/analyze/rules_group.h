/* SPDX-License-Identifier: MIT */
/*
 * analyze/rules_group.h - what to add for many conversations at once.
 *
 * Changes that differ in nothing but the address are put together: of these addresses blocks are made where every
 * address of a block is there, so that the rules let nobody in who was not seen.  A security group takes them as one
 * rule with a list; a network ACL takes an entry, with a number of its own, for each block.
 */
#ifndef FL_ANALYZE_RULES_GROUP_H
#define FL_ANALYZE_RULES_GROUP_H

#include "analyze/rules.h"

enum { FL_RULE_GROUP_MAX = 1024 /* changes that are kept; what goes beyond is counted */ };

struct fl_rule_group {
    struct fl_rule_change *change; /* [FL_RULE_GROUP_MAX] */
    size_t count, more;
};

void flowlog__rule_group_add(struct fl_rule_group *g, const struct fl_rule_change *change, size_t count);

/*
 * All of them, a line each, as flowlog__rules_change has it; they are those of interface `eni`.  What has no room in a
 * text is counted there: "and 7 more".  The changes are put in order and joined.
 */
void flowlog__rule_group_write(const struct fl_rules *rules, flowlog_str eni, struct fl_rule_group *g, char *row,
                               size_t row_cap, char *command, size_t command_cap);

/* Join blocks, in the order of addresses, until no two are the halves of one.  Returns how many are left. */
size_t flowlog__cidr_join(struct fl_cidr *block, size_t count);

#endif
