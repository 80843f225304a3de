/* SPDX-License-Identifier: MIT */
/*
 * plan/plan.h - the inside of a plan: what its builder (plan.c, keys.c, select.c) makes, and run, explain and
 * partials read.
 *
 * Aggregates are shared: two columns, or a column and a condition, that ask for the same one have it once.  They
 * stand in the order in which columns and then conditions name them, so that equal questions are equal here too,
 * however they were put together.
 *
 * Expressions (expr/output.h) see numbered operands:
 *
 *     0 .. 15      keys
 *     16 .. 79     aggregates
 *     80 .. 143    ratios: shares and rates of aggregates
 *     144 .. 207   output columns after the keys
 */
#ifndef FL_PLAN_PLAN_H
#define FL_PLAN_PLAN_H

#include "agg/groups.h"
#include "expr/filter.h"
#include "expr/output.h"
#include "flowlog/plan.h"
#include "schema/format.h"

enum {
    FL_PLAN_FIELDS = FLOWLOG_FORMAT_COLUMNS_MAX, /* what a reader can give */
    FL_PLAN_OUTS = FL_AGGS_MAX,
    FL_PLAN_COLUMNS = FL_KEYS_MAX + FL_PLAN_OUTS, /* of a result: keys, then outs */
    FL_PLAN_HAVINGS = 16,

    FL_OPERAND_AGG = FL_KEYS_MAX,
    FL_OPERAND_RATIO = FL_OPERAND_AGG + FL_AGGS_MAX,
    FL_OPERAND_OUT = FL_OPERAND_RATIO + FL_AGGS_MAX,
    FL_OPERANDS = FL_OPERAND_OUT + FL_PLAN_OUTS,
    FL_OPERAND_WORDS = (FL_OPERANDS + 63) / 64
};

#define FL_PLAN_GROUPS_DEFAULT (UINT64_C(16) << 20)
#define FL_PLAN_GROUPS_MAX UINT64_C(0xFFFFFF00) /* numbered in 32 bits */
#define FL_BIN_MAX_SEC UINT64_C(1000000000000)  /* widest bin, 31 688 years: its ends fit into int64_t */
#define FL_NONE UINT32_MAX

/* One that the records have; owned by the plan. */
struct fl_plan_field {
    char *name; /* canonical, or unknown as it was given */
    uint16_t field;
    uint8_t type;
};

enum fl_key_kind {
    FL_KEY_FIELD,
    FL_KEY_PREFIX,
    FL_KEY_BIN,
    FL_KEY_LEAST,
    FL_KEY_GREATEST,
    FL_KEY_SERVICE,
    FL_KEY_PART
};

struct fl_plan_key {
    char *name;         /* canonical: srcaddr/24, bin(start,5m), least(srcaddr,dstaddr), service, hour, hour(end) */
    uint64_t width;     /* BIN: seconds */
    uint32_t field[3];  /* indexes; LEAST and GREATEST: two; SERVICE: srcport, dstport, protocol */
    uint8_t kind;       /* fl_key_kind */
    uint8_t type;       /* flowlog_type of its values */
    uint8_t bits[2];    /* PREFIX: of IPv4, of IPv6 */
    uint8_t part;       /* PART: core/calendar.h */
};

struct fl_plan_where {
    flowlog_filter *filter;
    char *text; /* canonical */
};

struct fl_plan_agg {
    uint32_t kind;     /* flowlog_agg */
    uint32_t field;    /* index; FL_NONE: COUNT of rows */
    uint32_t quantile; /* thousandths of a percent */
    uint32_t where;    /* index; FL_NONE: all rows */
};

struct fl_plan_ratio {
    uint32_t is_rate, agg; /* else a share */
};

/* An expression, and which aggregates it names, in the order in which it does so. */
struct fl_plan_expr {
    struct fl_output *output;        /* NULL: the operand itself */
    uint32_t operand;                /* FL_NONE when there is an output */
    uint32_t aggs;
    uint64_t uses[FL_OPERAND_WORDS]; /* operands, and those of the output columns among them */
    uint8_t agg[FL_AGGS_MAX];
};

struct fl_plan_out {
    char *name;
    struct fl_plan_expr expr;
    uint32_t type; /* flowlog_type */
};

struct fl_plan_sort {
    uint32_t is_key, index; /* of keys or of outs */
    uint32_t descending;
};

struct flowlog_plan {
    flowlog_alloc alloc;
    uint32_t fields, keys, aggs, ratios, outs, wheres, havings, sorts;
    struct fl_plan_field field[FL_PLAN_FIELDS]; /* what is read, in the order in which it was named */
    struct fl_plan_key key[FL_KEYS_MAX];
    struct fl_plan_agg agg[FL_AGGS_MAX];
    struct fl_plan_ratio ratio[FL_AGGS_MAX];
    struct fl_plan_where where[FL_AGGS_MAX];
    struct fl_plan_out out[FL_PLAN_OUTS];
    struct fl_plan_expr having[FL_PLAN_HAVINGS];
    struct fl_plan_sort sort[FL_PLAN_COLUMNS];
    char *text; /* names of the fields, separated by commas; then those that only the filter needs */
    size_t text_len;
    char *needed; /* the same without the filter's */
    size_t needed_len;
    flowlog_filter *filter; /* NULL: every row */
    flowlog_filter_options where_options;
    flowlog_format *where_format; /* owned, what where_options points to */
    uint64_t limit;               /* 0: none */
    uint64_t limit_per;           /* 0: none */
    uint64_t max_groups;          /* 0: the default */
    uint32_t per_keys;            /* bit k: key k */
    int keep_null, approximate;
};

/* How far a plan was built, to go back to when a step fails in its middle. */
struct fl_plan_mark {
    uint32_t fields, keys, aggs, ratios, outs, wheres, havings;
};
struct fl_plan_mark flowlog__plan_mark(const flowlog_plan *plan);
/* End a step: keep what was added since when `status` is no error, else take it back; E_MEMORY may come of it. */
flowlog_status flowlog__plan_end(flowlog_plan *plan, const struct fl_plan_mark *mark, flowlog_status status,
                                 flowlog_error *err);

/* Make the text of flowlog_plan_fields anew, after the filter was set without a step.  E_MEMORY. */
flowlog_status flowlog__plan_set_text(flowlog_plan *plan);

/* The parts of steps.  What they add is taken back by flowlog__plan_end. */
flowlog_status flowlog__plan_add_field(flowlog_plan *plan, const char *name, size_t len, uint32_t *index,
                                       flowlog_error *err);
flowlog_status flowlog__plan_add_key(flowlog_plan *plan, const struct fl_plan_key *key, flowlog_error *err);
/* The number of the aggregate, an equal one's if there is one.  The field is checked. */
flowlog_status flowlog__plan_add_agg(flowlog_plan *plan, const struct fl_plan_agg *agg, uint32_t *index,
                                     flowlog_error *err);
/* `filter` is moved, also when this fails. */
flowlog_status flowlog__plan_add_where(flowlog_plan *plan, flowlog_filter *filter, uint32_t *index,
                                       flowlog_error *err);
flowlog_status flowlog__plan_add_ratio(flowlog_plan *plan, const struct fl_plan_ratio *ratio, uint32_t *index,
                                       flowlog_error *err);
/* The name is copied; expr->output is moved when this succeeds. */
flowlog_status flowlog__plan_add_out(flowlog_plan *plan, const char *name, size_t len,
                                     const struct fl_plan_expr *expr, flowlog_error *err);
/* expr->output is moved when this succeeds. */
flowlog_status flowlog__plan_add_having(flowlog_plan *plan, const struct fl_plan_expr *expr, flowlog_error *err);

/* Complete an expression whose output or operand is set: what it uses. */
void flowlog__plan_expr_uses(const flowlog_plan *plan, struct fl_plan_expr *expr);
void flowlog__plan_expr_name(struct fl_plan_expr *expr, uint32_t agg);

/* A key's text in text[at..end): parsed, its fields added.  *at moves behind it.  A pair gives two. */
flowlog_status flowlog__plan_parse_key(flowlog_plan *plan, const char *text, size_t *at, size_t end,
                                       struct fl_plan_key key[2], uint32_t *count, flowlog_error *err);
/* The key that is meant by text[0..len), in any spelling, or FL_NONE. */
uint32_t flowlog__plan_find_key(const flowlog_plan *plan, const char *text, size_t len);
/* Its name, snprintf-like. */
size_t flowlog__plan_key_name(const flowlog_plan *plan, const struct fl_plan_key *key, char *text, size_t cap);

/* "sum" of FLOWLOG_AGG_SUM; NULL for QUANTILE and for what is none. */
const char *flowlog__plan_agg_word(uint32_t kind);

/* Name of output column c. */
const char *flowlog__plan_column(const flowlog_plan *plan, uint32_t c);

/* 1 if both names are one field that the catalogue does not know: hyphen is underscore, case is nothing. */
int flowlog__plan_same_name(const char *a, const char *b, size_t b_len);

/* 1 if NODATA and SKIPDATA rows take part. */
int flowlog__plan_all_rows(const flowlog_plan *plan);
/* Width of its first bin in seconds; 0: no key is one. */
uint64_t flowlog__plan_bin(const flowlog_plan *plan);
/* 1 if a rate needs the time from the first start to the last end. */
int flowlog__plan_needs_span(const flowlog_plan *plan);
/* 1 if the field, by its number or when that is 0 by its name, is one of keys and aggregates. */
int flowlog__plan_has_field(const flowlog_plan *plan, uint32_t field, const char *name);
/* Index of a field by its number, FL_NONE. */
uint32_t flowlog__plan_field_at(const flowlog_plan *plan, uint32_t field);

FL_INLINE int fl_uses(const uint64_t *uses, uint32_t operand) { return (int)(uses[operand / 64] >> operand % 64 & 1); }

#endif
