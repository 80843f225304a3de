/* SPDX-License-Identifier: MIT */
/* plan/run.h - the inside of a run, for partials and for reading in one call. */
#ifndef FL_PLAN_RUN_H
#define FL_PLAN_RUN_H

#include "plan/derive.h"
#include "plan/plan.h"

/* From the first start to the last end of the rows that counted; each only where has is 1. */
struct fl_span {
    int64_t start, end;
    uint8_t has_start, has_end;
};

struct flowlog_run {
    flowlog_alloc alloc;
    const flowlog_plan *plan;
    struct fl_groups groups;
    struct fl_derive derive;
    uint64_t *bits;   /* selections: of the filter, then of the conditions of aggregates */
    size_t bits_len;  /* bytes */
    size_t bits_words; /* of one */
    int needs_span, all_rows;
    struct fl_span span;
    flowlog_status failed; /* what ended the run */
};

#endif
