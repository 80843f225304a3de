/* SPDX-License-Identifier: MIT */
/* expr/parse.h - between the grammar (parse.c), its words (words.c) and the values of lists (values.c). */
#ifndef FL_EXPR_PARSE_H
#define FL_EXPR_PARSE_H

#include "core/error.h"
#include "expr/filter.h"
#include "expr/internal.h"
#include "expr/lex.h"

struct fl_parser {
    struct fl_lexer x;
    struct fl_builder b;
    const flowlog_format *format; /* may be NULL */
    int64_t now;
    uint32_t depth, depth_max;
    flowlog_error *err;
};

/* What may stand on the right side of a comparison. */
enum fl_kind {
    FL_KIND_TEXT,
    FL_KIND_NUMBER,
    FL_KIND_PORT,
    FL_KIND_PROTOCOL,
    FL_KIND_TIME,
    FL_KIND_ADDRESS,
    FL_KIND_PERIOD,
    FL_KIND_WEEKDAY
};

#define FL_NEXT(p) FL_TRY(flowlog__lex(&(p)->x, (p)->err))

/* An error at the current sign. */
#define FL_FAIL_HERE(p, status, ...) FL_FAIL_AT((p)->err, (status), (p)->x.begin, __VA_ARGS__)

/* A condition that one word begins: everything but parentheses, and, or, not. */
flowlog_status flowlog__parse_word(struct fl_parser *p, uint32_t *id);

/* 1 if the current word is one that joins: and, or, not, in, is; never a value. */
int flowlog__is_joint(const struct fl_lexer *x);

/* Reads a comparison sign, "in" or nothing (*op is then FL_OP_NONE). */
flowlog_status flowlog__parse_operator(struct fl_parser *p, enum fl_op *op);

/*
 * Values on the stack: one, or a list where *op is IN or where there is a bracket (*op EQ or NONE becomes IN; NONE
 * before one value becomes EQ).  Numbers and times are pairs [from, to], addresses ranges, text strings.
 */
flowlog_status flowlog__parse_values(struct fl_parser *p, enum fl_kind kind, enum fl_op *op);

/* The current sign as a string on the stack, or FL_E_SYNTAX. */
flowlog_status flowlog__parse_text(struct fl_parser *p);

/* The comparison of a number (see flowlog__tree_number) with the pairs that were pushed since `base`; they stay. */
uint32_t flowlog__parse_compare_numbers(struct fl_parser *p, enum fl_form form, uint32_t ref, uint64_t mask,
                                        enum fl_op op, uint32_t base);

/* The comparison of a field with what was pushed since `base`; values stay. */
uint32_t flowlog__parse_compare(struct fl_parser *p, uint32_t ref, enum fl_op op, uint32_t base);

#endif
