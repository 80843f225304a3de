/* SPDX-License-Identifier: MIT */
/* plan/one_call.h - what reading a source to its end for a run needs, on one thread or several. */
#ifndef FL_PLAN_ONE_CALL_H
#define FL_PLAN_ONE_CALL_H

#include "flowlog/plan.h"

/* The caller's options with all members there, checked.  E_ARGUMENT. */
flowlog_status flowlog__run_options(const flowlog_run_options *given, flowlog_run_options *options,
                                    flowlog_error *err);

/* How readers for this plan are opened.  Borrowed from both. */
void flowlog__run_reader_options(const flowlog_plan *plan, const flowlog_run_options *options,
                                 flowlog_reader_options *reader);

#endif
