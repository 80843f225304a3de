/* SPDX-License-Identifier: MIT */
/* analyze/explain.h - what supplied rules say to a refusal: the layer looked up instead of inferred. */
#ifndef FL_ANALYZE_EXPLAIN_H
#define FL_ANALYZE_EXPLAIN_H

#include "analyze/rules.h"
#include "analyze/view.h"

struct fl_explained {
    struct fl_rule_question q;
    struct fl_rule_answer a;
    uint8_t asked;      /* q and a are set */
    uint8_t sg_missing; /* no security group rule allows it */
};

/* Addresses, subnets and kinds of the interfaces in the rules, told to the engine; once, before a view is made. */
flowlog_status flowlog__explain_prepare(flowlog_diagnosis *d);

/* Look a verdict about interface `eni` up; layer, confidence and verdict change where the rules are certain. */
void flowlog__explain(const struct fl_view *view, const struct fl_look *look, uint32_t eni, struct fl_verdict *v,
                      struct fl_explained *e);

/* The rest of a finding: rule numbers, the closest miss, and the smallest change into the buffers. */
void flowlog__explain_fill(const struct fl_view *view, const struct fl_explained *e, char *row, size_t row_cap,
                           char *command, size_t command_cap, flowlog_finding *f);

#endif
