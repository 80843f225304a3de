/* SPDX-License-Identifier: MIT */
/* plan/order.h - the groups of a run in the order of its plan, all of them or the first few. */
#ifndef FL_PLAN_ORDER_H
#define FL_PLAN_ORDER_H

#include "plan/plan.h"

/* One group with what decides most comparisons. */
struct fl_ranked {
    uint64_t prefix[2]; /* of the first two columns of the order: smaller comes first */
    uint32_t group;     /* as flowlog__groups_key takes it */
};

/*
 * The first `limit` groups (0: all), in order.  *ranked has *count entries and is owned: release
 * *count * sizeof.  NULL when there are none.  E_MEMORY.
 */
flowlog_status flowlog__order(const flowlog_plan *plan, const struct fl_groups *g, const flowlog_alloc *alloc,
                              uint64_t limit, struct fl_ranked **ranked, size_t *count);

#endif
