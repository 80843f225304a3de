/* SPDX-License-Identifier: MIT */
/* plan/result.h - how a run makes its result. */
#ifndef FL_PLAN_RESULT_H
#define FL_PLAN_RESULT_H

#include "plan/order.h"

/* The groups of `ranked`, in that order, copied: the result needs neither run nor plan.  E_MEMORY. */
flowlog_status flowlog__result_new(const flowlog_plan *plan, const struct fl_groups *g,
                                   const struct fl_ranked *ranked, size_t count, const flowlog_alloc *alloc,
                                   flowlog_result **result);

#endif
