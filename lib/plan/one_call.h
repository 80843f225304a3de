/* SPDX-License-Identifier: MIT */
/* plan/one_call.h - what reading a source to its end for a run needs, on one thread or several. */
#ifndef FL_PLAN_ONE_CALL_H
#define FL_PLAN_ONE_CALL_H

#include "plan/run.h"

/* The caller's options with all members there, checked.  E_ARGUMENT. */
flowlog_status flowlog__run_options(const flowlog_run_options *given, flowlog_run_options *options,
                                    flowlog_error *err);

/* How readers for this plan are opened.  Borrowed from both. */
void flowlog__run_reader_options(const flowlog_plan *plan, const flowlog_run_options *options,
                                 flowlog_reader_options *reader);

/* 1 if what a reader said is the damage of one input, which the others can be read without. */
int flowlog__is_damage(flowlog_status status);

/* What the caller says to the damage of an input: OK to go on, or the status to end with. */
flowlog_status flowlog__tell_damage(const flowlog_run_options *options, const char *name, const flowlog_error *damage,
                                    flowlog_error *err);

/*
 * Add everything that the source has, on one thread.  *counters is written also when this fails.  The source stays the
 * caller's and is used up.
 */
flowlog_status flowlog__collect(flowlog_run *run, flowlog_source *source, const flowlog_run_options *options,
                                flowlog_counters *counters, flowlog_error *err);

#endif
