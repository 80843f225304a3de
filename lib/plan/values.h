/* SPDX-License-Identifier: MIT */
/* plan/values.h - the values of a group's columns: aggregates finished, shares, rates, expressions. */
#ifndef FL_PLAN_VALUES_H
#define FL_PLAN_VALUES_H

#include "plan/plan.h"

struct fl_values {
    const flowlog_plan *plan;
    const struct fl_groups *groups;
    uint64_t rate_sec;               /* what rates are divided by; 0: they are null */
    uint64_t total[FL_AGGS_MAX];     /* of COUNT and SUM over all groups */
    uint8_t too_large[FL_AGGS_MAX];  /* 1: it exceeds 64 bits */
};

/* The values of one group by operand; only those that were asked for mean something. */
struct fl_row {
    flowlog_value value[FL_OPERANDS];
    uint64_t estimated[FL_OPERAND_WORDS]; /* a bit for each that is an estimate */
};

/* E_OVERFLOW when a share is of a total that exceeds 64 bits. */
flowlog_status flowlog__values_init(struct fl_values *v, const flowlog_plan *plan, const struct fl_groups *groups,
                                    uint64_t rate_sec, flowlog_error *err);

/* Text is borrowed from the groups. */
void flowlog__values_row(const struct fl_values *v, uint64_t group, const uint64_t uses[FL_OPERAND_WORDS],
                         struct fl_row *row);

/* Column `out` of those after the keys, of a row in which all that it uses was asked for. */
const flowlog_value *flowlog__values_out(const struct fl_values *v, const struct fl_row *row, uint32_t out,
                                         int *estimated);

/* 1 if the group meets the conditions on groups. */
int flowlog__values_match(const struct fl_values *v, uint64_t group, struct fl_row *row);

/* Negative, zero or positive: null, then by value, of any type. */
int flowlog__values_compare(const flowlog_value *a, const flowlog_value *b);

#endif
