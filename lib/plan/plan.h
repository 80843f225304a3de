/* SPDX-License-Identifier: MIT */
/* plan/plan.h - the inside of a plan, for the executor. */
#ifndef FL_PLAN_PLAN_H
#define FL_PLAN_PLAN_H

#include "agg/groups.h"
#include "flowlog/plan.h"

enum {
    FL_PLAN_FIELDS = FL_KEYS_MAX + FL_AGGS_MAX,
    FL_PLAN_COLUMNS = FL_KEYS_MAX + FL_AGGS_MAX /* output columns: keys, then aggregates */
};

#define FL_PLAN_GROUPS_DEFAULT (UINT64_C(16) << 20)
#define FL_PLAN_GROUPS_MAX UINT64_C(0xFFFFFF00) /* numbered in 32 bits */

struct fl_plan_field {
    char *name; /* canonical, or unknown as it was given; owned, NUL-terminated */
    uint16_t field;
    uint8_t type;
};

struct fl_plan_agg {
    char *name; /* owned, NUL-terminated */
    uint32_t kind;
    uint32_t field; /* index; UINT32_MAX: none */
};

struct fl_plan_sort {
    uint32_t is_key, index; /* of keys or of aggregates */
    uint32_t descending;
};

struct flowlog_plan {
    flowlog_alloc alloc;
    uint32_t fields, keys, aggs, sorts;
    struct fl_plan_field field[FL_PLAN_FIELDS]; /* what is read, in the order in which it was named */
    uint32_t key[FL_KEYS_MAX];                  /* indexes of fields */
    struct fl_plan_agg agg[FL_AGGS_MAX];
    struct fl_plan_sort sort[FL_PLAN_COLUMNS];
    char *text; /* the names of the fields, separated by commas */
    size_t text_len, text_cap;
    uint64_t limit; /* 0: none */
    uint64_t max_groups;
    int keep_null;
};

/* Name of output column c. */
const char *flowlog__plan_column(const flowlog_plan *plan, uint32_t c);

/* 1 if both names are one field that the catalogue does not know: hyphen is underscore, case is nothing. */
int flowlog__plan_same_name(const char *a, const char *b);

#endif
