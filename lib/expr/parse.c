/* SPDX-License-Identifier: MIT */
/* parse.c - the grammar of filters: or, and, not, parentheses, whose depth is counted. */
#include "expr/parse.h"

#include <string.h>

#include "core/alloc.h"

static flowlog_status parse_or(struct fl_parser *p, uint32_t *id);

static flowlog_status deeper(struct fl_parser *p)
{
    if (p->depth == p->depth_max)
        return FL_FAIL_HERE(p, FLOWLOG_E_LIMIT, "parentheses and nots are more than %u deep",
                            (unsigned)p->depth_max);
    p->depth++;
    return FLOWLOG_OK;
}

static flowlog_status parse_parentheses(struct fl_parser *p, uint32_t *id)
{
    const size_t begin = p->x.begin;
    FL_TRY(deeper(p));
    FL_NEXT(p);
    FL_TRY(parse_or(p, id));
    if (p->x.sign == FL_SIGN_END)
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, begin, "this parenthesis is not closed");
    if (p->x.sign != FL_SIGN_CLOSE)
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected ')' before %s",
                            flowlog__lex_show(&p->x).text);
    p->depth--;
    return flowlog__lex(&p->x, p->err);
}

static int is_not(const struct fl_lexer *x)
{
    return x->sign == FL_SIGN_NOT || flowlog__lex_is(x, "not");
}

static flowlog_status parse_not(struct fl_parser *p, uint32_t *id)
{
    if (!is_not(&p->x))
        return p->x.sign == FL_SIGN_OPEN ? parse_parentheses(p, id) : flowlog__parse_word(p, id);
    FL_TRY(deeper(p));
    FL_NEXT(p);
    FL_TRY(parse_not(p, id));
    p->depth--;
    *id = flowlog__tree_not(&p->b, *id);
    return FLOWLOG_OK;
}

/* 1 if the current sign begins another condition, so that "and" may be left out. */
static int begins(const struct fl_lexer *x)
{
    switch (x->sign) {
    case FL_SIGN_WORD: return !flowlog__is_joint(x) || is_not(x);
    case FL_SIGN_QUOTED:
    case FL_SIGN_OPEN:
    case FL_SIGN_NOT: return 1;
    default: return 0;
    }
}

static flowlog_status parse_and(struct fl_parser *p, uint32_t *id)
{
    const uint32_t base = p->b.stack_len;
    do {
        if (p->x.sign == FL_SIGN_AND || flowlog__lex_is(&p->x, "and")) {
            if (p->b.stack_len == base) break; /* "and" begins a condition: an error */
            FL_NEXT(p);
        }
        FL_TRY(parse_not(p, id));
        if (!flowlog__tree_push(&p->b, *id)) return FLOWLOG_E_MEMORY;
    } while (begins(&p->x) || p->x.sign == FL_SIGN_AND || flowlog__lex_is(&p->x, "and"));
    if (p->b.stack_len == base) return flowlog__parse_word(p, id);
    *id = flowlog__tree_join(&p->b, FL_OP_AND, base);
    return FLOWLOG_OK;
}

static flowlog_status parse_or(struct fl_parser *p, uint32_t *id)
{
    const uint32_t base = p->b.stack_len;
    for (;;) {
        FL_TRY(parse_and(p, id));
        if (!flowlog__tree_push(&p->b, *id)) return FLOWLOG_E_MEMORY;
        if (p->x.sign != FL_SIGN_OR && !flowlog__lex_is(&p->x, "or")) break;
        FL_NEXT(p);
    }
    *id = flowlog__tree_join(&p->b, FL_OP_OR, base);
    return FLOWLOG_OK;
}

static flowlog_status parse_all(struct fl_parser *p, uint32_t *id)
{
    FL_NEXT(p);
    *id = FL_NODE_TRUE;
    if (p->x.sign == FL_SIGN_END) return FLOWLOG_OK;
    FL_TRY(parse_or(p, id));
    if (p->x.sign == FL_SIGN_CLOSE)
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "this ')' was never opened");
    if (p->x.sign != FL_SIGN_END)
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected a condition before %s",
                            flowlog__lex_show(&p->x).text);
    return FLOWLOG_OK;
}

static flowlog_status compile(struct fl_parser *p, const flowlog_alloc *alloc, flowlog_filter **filter)
{
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    flowlog__builder_init(&p->b, &a);
    uint32_t id = 0;
    flowlog_status status = parse_all(p, &id);
    if (p->b.failed) status = FLOWLOG_E_MEMORY;
    if (status == FLOWLOG_OK) {
        const struct fl_tree tree = flowlog__builder_tree(&p->b, id);
        status = flowlog__filter_pack(&tree, id, &a, filter);
    }
    flowlog__builder_free(&p->b);
    return status == FLOWLOG_E_MEMORY ? FL_FAIL(p->err, status, "no memory for a condition") : status;
}

static flowlog_status read_options(const flowlog_filter_options *given, flowlog_filter_options *o,
                                   flowlog_error *err)
{
    static const flowlog_filter_options defaults = FLOWLOG_FILTER_OPTIONS_INIT;
    *o = defaults;
    if (!given) return FLOWLOG_OK;
    const size_t size = given->struct_size;
    if (size < 8)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "struct_size of the filter options is not set");
    memcpy(o, given, size < sizeof *o ? size : sizeof *o);
    for (size_t i = sizeof *o; i < size; i++)
        if (((const uint8_t *)given)[i])
            return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "filter options of a newer version are set");
    if (o->flags) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "unknown filter flags");
    return FLOWLOG_OK;
}

flowlog_status flowlog_filter_parse(const char *text, size_t len, const flowlog_filter_options *options,
                                    flowlog_filter **filter, flowlog_error *err)
{
    flowlog_filter_options o;
    if (!filter || (!text && len)) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "filter or text is NULL");
    FL_TRY(read_options(options, &o, err));
    if (len > FLOWLOG_FILTER_TEXT_MAX)
        return FL_FAIL_AT(err, FLOWLOG_E_LIMIT, FLOWLOG_FILTER_TEXT_MAX,
                          "a condition has more than %d bytes", FLOWLOG_FILTER_TEXT_MAX);
    struct fl_parser p = {.x = {.text = text ? text : "", .len = len},
                          .format = o.format,
                          .now = o.now,
                          .err = err,
                          .depth_max = FLOWLOG_FILTER_DEPTH_MAX};
    return compile(&p, o.alloc, filter);
}

flowlog_status flowlog__filter_load(const char *text, size_t len, const flowlog_alloc *alloc,
                                    flowlog_filter **filter, flowlog_error *err)
{
    if (len > FL_LOAD_TEXT_MAX) return FL_FAIL(err, FLOWLOG_E_LIMIT, "a condition is too long");
    struct fl_parser p = {
        .x = {.text = text ? text : "", .len = len}, .err = err, .depth_max = FL_LOAD_DEPTH_MAX};
    return compile(&p, alloc, filter);
}
