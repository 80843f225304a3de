/* SPDX-License-Identifier: MIT */
/* plan/order.h - the groups of a run in the order of its plan, all of them or the first few. */
#ifndef FL_PLAN_ORDER_H
#define FL_PLAN_ORDER_H

#include "plan/values.h"

/* One group with what decides most comparisons. */
struct fl_ranked {
    uint64_t prefix[2]; /* of the first two columns of the order: smaller comes first */
    uint32_t group;     /* as flowlog__groups_key takes it */
};

/* Groups in order; owned: flowlog__ranking_free. */
struct fl_ranking {
    struct fl_ranked *ranked;
    size_t count, cap;
};

/* The groups that the plan's conditions and limits leave, in order.  E_MEMORY. */
flowlog_status flowlog__order(const struct fl_values *v, const flowlog_alloc *alloc, struct fl_ranking *ranking);
void flowlog__ranking_free(struct fl_ranking *ranking, const flowlog_alloc *alloc);

#endif
