/* SPDX-License-Identifier: MIT */
/* output_print.c - see output.h: expressions in canonical form, and as text that reads back. */
#include <string.h>

#include "expr/output_tree.h"
#include "expr/print.h"

struct printer {
    struct fl_sink s;
    const struct fl_output *o;
    const char *(*name)(void *ctx, uint32_t column);
    void *ctx;
};

/* A number as it is; everything else in quotes, with `escape` before quotes inside. */
static void put_literal(struct printer *p, const struct fl_out_literal *l, char escape)
{
    const flowlog_str text = flowlog__literal_text(p->o, l);
    if (l->is_number && !l->quoted) {
        flowlog__sink_put(&p->s, text.ptr, text.len);
        return;
    }
    flowlog__sink_text(&p->s, "\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || (text.ptr[i] == '\\' && escape == '\\'))
            flowlog__sink_put(&p->s, &escape, 1);
        flowlog__sink_put(&p->s, text.ptr + i, 1);
    }
    flowlog__sink_text(&p->s, "\"");
}

/* Addresses outside of quotes, in their canonical form: the text is kept as it was typed. */
static void put_constant(struct printer *p, const struct fl_out_literal *l, char escape)
{
    if (!l->is_address || l->quoted) {
        put_literal(p, l, escape);
        return;
    }
    const int single = l->range[1] == l->range[3] && l->range[2] == l->range[4];
    if (single && escape == '\\') flowlog__sink_text(&p->s, "(ip ");
    flowlog__sink_range(&p->s, (uint32_t)l->range[0], l->range + 1);
    if (single && escape == '\\') flowlog__sink_text(&p->s, ")");
}

/* --- canonical form ----------------------------------------------------------------------------------------- */

static const char *op_name(unsigned op)
{
    switch (op) {
    case FL_OUT_ADD: return "add";
    case FL_OUT_SUBTRACT: return "sub";
    case FL_OUT_MULTIPLY: return "mul";
    case FL_OUT_DIVIDE: return "fdiv";
    default: return flowlog__op_name(op);
    }
}

static void put_node(struct printer *p, uint32_t id);

/* Of and(and(a, b), c) the three operands. */
static void put_operands(struct printer *p, uint32_t id, unsigned op)
{
    const struct fl_out_node *n = &p->o->node[id];
    if (n->op != op) {
        flowlog__sink_text(&p->s, " ");
        put_node(p, id);
        return;
    }
    put_operands(p, n->a, op);
    put_operands(p, n->b, op);
}

static void put_node(struct printer *p, uint32_t id)
{
    const struct fl_out_node *n = &p->o->node[id];
    if (n->op == FL_OUT_COLUMN) {
        flowlog__sink_text(&p->s, p->name(p->ctx, n->a));
        return;
    }
    if (n->op == FL_OUT_LITERAL) {
        put_constant(p, &p->o->literal[n->a], '\\');
        return;
    }
    flowlog__sink_text(&p->s, "(");
    flowlog__sink_text(&p->s, op_name(n->op));
    if (flowlog__output_is_search(n)) {
        flowlog__sink_text(&p->s, " ");
        put_node(p, n->of);
        for (uint32_t i = 0; n->op != FL_OP_IS_NULL && i < n->b; i++) {
            flowlog__sink_text(&p->s, " ");
            put_constant(p, &p->o->literal[n->a + i], '\\');
        }
    } else if (n->op == FL_OP_AND || n->op == FL_OP_OR) {
        put_operands(p, id, n->op);
    } else {
        flowlog__sink_text(&p->s, " ");
        put_node(p, n->a);
        if (n->op != FL_OP_NOT) {
            flowlog__sink_text(&p->s, " ");
            put_node(p, n->b);
        }
    }
    flowlog__sink_text(&p->s, ")");
}

size_t flowlog__output_print(const struct fl_output *o, const char *(*name)(void *ctx, uint32_t column),
                             void *ctx, char *text, size_t cap)
{
    struct printer p = {{text, cap, 0}, o, name, ctx};
    put_node(&p, o->root);
    return flowlog__sink_end(&p.s);
}

/* --- text that reads back ----------------------------------------------------------------------------------- */

/* How tightly an operator binds. */
static int binding(unsigned op)
{
    switch (op) {
    case FL_OP_OR: return 1;
    case FL_OP_AND: return 2;
    case FL_OP_NOT: return 3;
    case FL_OUT_ADD:
    case FL_OUT_SUBTRACT: return 5;
    case FL_OUT_MULTIPLY:
    case FL_OUT_DIVIDE: return 6;
    case FL_OUT_COLUMN:
    case FL_OUT_LITERAL: return 7;
    default: return 4;
    }
}

static const char *sign(unsigned op)
{
    switch (op) {
    case FL_OP_OR: return " or ";
    case FL_OP_AND: return " and ";
    case FL_OP_EQ: return " = ";
    case FL_OP_NE: return " != ";
    case FL_OP_LT: return " < ";
    case FL_OP_LE: return " <= ";
    case FL_OP_GT: return " > ";
    case FL_OP_GE: return " >= ";
    case FL_OP_IN: return " in [";
    case FL_OP_CONTAINS: return " ~ ";
    case FL_OP_STARTS: return " ^= ";
    case FL_OP_ENDS: return " $= ";
    case FL_OUT_ADD: return " + ";
    case FL_OUT_SUBTRACT: return " - ";
    case FL_OUT_MULTIPLY: return " * ";
    default: return " / ";
    }
}

/* "count where reject" goes on to the end unless it is in parentheses; other names with blanks are quoted. */
static void write_name(struct printer *p, const char *name)
{
    const int where = strstr(name, " where ") != NULL, blank = !where && strchr(name, ' ') != NULL;
    if (where || blank) flowlog__sink_text(&p->s, where ? "(" : "\"");
    flowlog__sink_text(&p->s, name);
    if (where || blank) flowlog__sink_text(&p->s, where ? ")" : "\"");
}

static void write_node(struct printer *p, uint32_t id, int least)
{
    const struct fl_out_node *n = &p->o->node[id];
    const int bound = binding(n->op), inside = bound < least;
    if (inside) flowlog__sink_text(&p->s, "(");
    if (n->op == FL_OUT_COLUMN) {
        write_name(p, p->name(p->ctx, n->a));
    } else if (n->op == FL_OUT_LITERAL) {
        put_constant(p, &p->o->literal[n->a], '"');
    } else if (n->op == FL_OP_NOT) {
        flowlog__sink_text(&p->s, "not ");
        write_node(p, n->a, 3);
    } else if (n->op == FL_OP_IS_NULL) {
        write_node(p, n->of, 5);
        flowlog__sink_text(&p->s, " is null");
    } else if (flowlog__output_is_search(n)) {
        write_node(p, n->of, 5);
        flowlog__sink_text(&p->s, sign(n->op));
        for (uint32_t i = 0; i < n->b; i++) {
            if (i) flowlog__sink_text(&p->s, " ");
            put_constant(p, &p->o->literal[n->a + i], '"');
        }
        if (n->op == FL_OP_IN) flowlog__sink_text(&p->s, "]");
    } else { /* the right operand of signs that are not associative binds tighter */
        const int comparison = bound == 4;
        write_node(p, n->a, comparison ? 5 : bound);
        flowlog__sink_text(&p->s, sign(n->op));
        write_node(p, n->b, bound + 1);
    }
    if (inside) flowlog__sink_text(&p->s, ")");
}

size_t flowlog__output_text(const struct fl_output *o, const char *(*name)(void *ctx, uint32_t column),
                            void *ctx, char *text, size_t cap)
{
    struct printer p = {{text, cap, 0}, o, name, ctx};
    write_node(&p, o->root, 0);
    return flowlog__sink_end(&p.s);
}
