/* SPDX-License-Identifier: MIT */
/* expr/output_tree.h - the inside of an expression over the columns of a result. */
#ifndef FL_EXPR_OUTPUT_TREE_H
#define FL_EXPR_OUTPUT_TREE_H

#include "core/decimal.h"
#include "expr/output.h"
#include "expr/tree.h"

/* Besides those of enum fl_op. */
enum fl_output_op {
    FL_OUT_COLUMN = 64,
    FL_OUT_LITERAL,
    FL_OUT_ADD,
    FL_OUT_SUBTRACT,
    FL_OUT_MULTIPLY,
    FL_OUT_DIVIDE
};

/* Deep enough for whatever people write, shallow enough for recursion. */
enum { FL_OUT_DEPTH_MAX = 256 };

/* A constant: what it means depends on the value that it is compared with. */
struct fl_out_literal {
    uint32_t at, len; /* in chars: the text, without quotes */
    uint8_t is_number, is_address, is_time, quoted;
    struct fl_decimal number;
    int64_t time;
    uint64_t range[FL_RANGE_WORDS];
};

struct fl_out_node {
    uint8_t op;
    uint8_t is_condition;
    uint16_t depth; /* of what is below, 1 for leaves */
    uint32_t a,
        b; /* operands: numbers of nodes; COLUMN: a is the column; LITERAL, IN: literals a .. a + b */
    uint32_t of; /* IN and text searches: the node whose value it is */
};

struct fl_output {
    flowlog_alloc alloc;
    struct fl_out_node *node;
    struct fl_out_literal *literal;
    char *chars;
    uint32_t nodes, node_cap, literals, literal_cap, char_count, char_cap;
    uint32_t root;
};

/* 1: an operator whose one operand is `of`. */
static inline int flowlog__output_is_search(const struct fl_out_node *n)
{
    return n->op == FL_OP_IS_NULL || (n->op >= FL_OP_IN && n->op <= FL_OP_ENDS);
}

static inline flowlog_str flowlog__literal_text(const struct fl_output *o,
                                                const struct fl_out_literal *l)
{
    return (flowlog_str){o->chars + l->at, l->len};
}

#endif
