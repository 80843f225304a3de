/* SPDX-License-Identifier: MIT */
/* analyze/sweep.h - reporting and forgetting conversations while records still come. */
#ifndef FL_ANALYZE_SWEEP_H
#define FL_ANALYZE_SWEEP_H

#include "analyze/report.h"

/* After a batch: report and forget what is over (STREAM), and what is too much.  FLOWLOG_END as the callback says. */
flowlog_status flowlog__sweep(flowlog_diagnosis *d, flowlog_error *err);

#endif
