/* SPDX-License-Identifier: MIT */
/*
 * analyze/report.h - findings of an engine: worked out, chosen, put in order, grouped, and delivered.
 */
#ifndef FL_ANALYZE_REPORT_H
#define FL_ANALYZE_REPORT_H

#include "analyze/path.h"

/*
 * Deliver what is to be said of conversations whose last record ends before `horizon`; they are then marked as
 * reported.  With `all` also the answer to the question, if there is one.
 */
flowlog_status flowlog__report(flowlog_diagnosis *d, uint32_t horizon, int all, flowlog_finding_fn fn, void *ctx,
                               flowlog_error *err);

/* Everything about an episode but its evidence lines; text is borrowed from the engine and the buffers below. */
void flowlog__finding_fill(const struct fl_view *view, const struct fl_look *look, const struct fl_verdict *v,
                           uint32_t eni, flowlog_finding *f);

#endif
