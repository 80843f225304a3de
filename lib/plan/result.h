/* SPDX-License-Identifier: MIT */
/* plan/result.h - how a run makes its result. */
#ifndef FL_PLAN_RESULT_H
#define FL_PLAN_RESULT_H

#include "plan/order.h"

/* The ranked groups, in that order, copied: the result needs neither run nor plan.  E_MEMORY. */
flowlog_status flowlog__result_new(const struct fl_values *v, const struct fl_ranking *ranking,
                                   const flowlog_alloc *alloc, flowlog_result **result);

#endif
