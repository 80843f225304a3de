/* SPDX-License-Identifier: MIT */
/* values.c - the right side of comparisons: operators, single values and lists. */
#include <string.h>

#include "expr/literal.h"
#include "expr/parse.h"
#include "schema/ascii.h"
#include "schema/nearest.h"
#include "schema/services.h"

int flowlog__is_joint(const struct fl_lexer *x)
{
    return flowlog__lex_is(x, "and") || flowlog__lex_is(x, "or") || flowlog__lex_is(x, "not") ||
           flowlog__lex_is(x, "in") || flowlog__lex_is(x, "is");
}

flowlog_status flowlog__parse_operator(struct fl_parser *p, enum fl_op *op)
{
    static const struct {
        char word[3];
        uint8_t sign, op;
    } all[] = {
        {"eq", FL_SIGN_EQ, FL_OP_EQ},       {"ne", FL_SIGN_NE, FL_OP_NE},
        {"lt", FL_SIGN_LT, FL_OP_LT},       {"le", FL_SIGN_LE, FL_OP_LE},
        {"gt", FL_SIGN_GT, FL_OP_GT},       {"ge", FL_SIGN_GE, FL_OP_GE},
        {"in", FL_SIGN_END, FL_OP_IN},      {"", FL_SIGN_CONTAINS, FL_OP_CONTAINS},
        {"", FL_SIGN_STARTS, FL_OP_STARTS}, {"", FL_SIGN_ENDS, FL_OP_ENDS},
    };
    *op = FL_OP_NONE;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const int sign = all[i].sign != FL_SIGN_END && p->x.sign == (enum fl_sign)all[i].sign;
        if (!sign && !(all[i].word[0] && flowlog__lex_is(&p->x, all[i].word))) continue;
        *op = (enum fl_op)all[i].op;
        return flowlog__lex(&p->x, p->err);
    }
    return FLOWLOG_OK;
}

/* 1 for mon or Monday to 7 for sun or Sunday; 0 for anything else. */
static uint32_t weekday_of(const char *w, size_t len)
{
    static const char *const names[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    for (uint32_t i = 0; i < 7; i++) {
        const char abbreviated[4] = {names[i][0], names[i][1], names[i][2], '\0'};
        if (flowlog__word_is(w, len, names[i]) || flowlog__word_is(w, len, abbreviated)) return i + 1;
    }
    return 0;
}

/* A number, of a port, a protocol or a weekday also by its name.  1, or 0. */
static int small_number(enum fl_kind kind, const char *w, size_t len, uint64_t *value)
{
    uint32_t protocol, port;
    if (flowlog__read_number(w, len, value)) return 1;
    if (kind == FL_KIND_PORT && flowlog__service_find(w, len, &protocol, &port)) {
        *value = port;
        return 1;
    }
    if (kind == FL_KIND_WEEKDAY) return (*value = weekday_of(w, len)) != 0;
    const int32_t number = kind == FL_KIND_PROTOCOL ? flowlog__protocol_find(w, len) : -1;
    *value = (uint64_t)number;
    return number >= 0;
}

static flowlog_status push_pair(struct fl_parser *p, uint64_t from, uint64_t to)
{
    return flowlog__tree_push(&p->b, from) && flowlog__tree_push(&p->b, to) ? FLOWLOG_OK
                                                                            : FLOWLOG_E_MEMORY;
}

static const char *const nouns[] = {
    "text", "a number", "a port", "a protocol", "a time", "an address or network", "a duration",
    "a day of the week"};

static flowlog_status unknown_value(struct fl_parser *p, enum fl_kind kind)
{
    struct fl_nearest near = {NULL, 0};
    const char *name;
    if (kind == FL_KIND_PORT)
        for (uint32_t i = 0; (name = flowlog__service_at(i)) != NULL; i++)
            flowlog__nearest_consider(&near, p->x.word, p->x.word_len, name);
    if (near.name)
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "%s is not %s; did you mean '%s'?",
                            flowlog__lex_show(&p->x).text, nouns[kind], near.name);
    return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "%s is not %s", flowlog__lex_show(&p->x).text, nouns[kind]);
}

/* `ordered`: less or more than it, which may be anything. */
static flowlog_status number_value(struct fl_parser *p, enum fl_kind kind, int ordered)
{
    const char *w = p->x.word, *hyphen = memchr(w, '-', p->x.word_len);
    const size_t len = p->x.word_len;
    int64_t period;
    uint64_t from, to;
    if (kind == FL_KIND_PERIOD && flowlog__read_period(w, len, &period))
        return push_pair(p, (uint64_t)period, (uint64_t)period);
    if (!small_number(kind, w, len, &from)) {
        const enum fl_kind end = kind == FL_KIND_WEEKDAY ? kind : FL_KIND_NUMBER; /* of other ranges no names */
        if (!hyphen || !small_number(end, w, (size_t)(hyphen - w), &from) ||
            !small_number(end, hyphen + 1, len - (size_t)(hyphen + 1 - w), &to))
            return unknown_value(p, kind);
        if (from > to)
            return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "%s is a range that ends before it begins",
                                flowlog__lex_show(&p->x).text);
    } else {
        to = from;
    }
    if (kind == FL_KIND_PORT && to > 65535 && !ordered)
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "%s: ports are 0 to 65535",
                            flowlog__lex_show(&p->x).text);
    if (kind == FL_KIND_PROTOCOL && to > 255 && !ordered)
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "%s: protocols are 0 to 255",
                            flowlog__lex_show(&p->x).text);
    return push_pair(p, from, to);
}

static flowlog_status time_value(struct fl_parser *p)
{
    const char *w = p->x.word, *hyphen = p->x.word_len ? memchr(w, '-', p->x.word_len) : NULL;
    const size_t len = p->x.word_len;
    uint64_t from, to;
    int64_t t;
    if (hyphen && flowlog__read_number(w, (size_t)(hyphen - w), &from) &&
        flowlog__read_number(hyphen + 1, len - (size_t)(hyphen + 1 - w), &to) && from <= to &&
        to <= INT64_MAX)
        return push_pair(p, flowlog__time_key((int64_t)from), flowlog__time_key((int64_t)to));
    if (flowlog__read_time(w, len, p->now, &t))
        return push_pair(p, flowlog__time_key(t), flowlog__time_key(t));
    if (!p->now && len && (w[0] == '-' || flowlog__word_is(w, len, "now")))
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "%s: the time of day was not given",
                            flowlog__lex_show(&p->x).text);
    return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX,
                        "%s is not a time: write 2024-01-31, 2024-01-31T10:30:00Z, epoch seconds or -2h",
                        flowlog__lex_show(&p->x).text);
}

flowlog_status flowlog__parse_text(struct fl_parser *p)
{
    const uint32_t at = p->b.stack_len;
    if (!flowlog__tree_push_text(&p->b, p->x.word, p->x.word_len)) return FLOWLOG_E_MEMORY;
    if (p->x.sign != FL_SIGN_QUOTED || !memchr(p->x.word, p->x.quote, p->x.word_len)) return FLOWLOG_OK;
    /* a doubled quote is one */
    char *text = (char *)(p->b.stack + at + 1);
    size_t n = 0;
    for (size_t i = 0; i < p->x.word_len; i++) {
        text[n++] = p->x.word[i];
        if (p->x.word[i] == p->x.quote) i++;
    }
    memset(text + n, 0, (p->x.word_len + 7) / 8 * 8 - n);
    p->b.stack[at] = n;
    p->b.stack_len = at + 1 + (uint32_t)((n + 7) / 8);
    return FLOWLOG_OK;
}

static flowlog_status one_value(struct fl_parser *p, enum fl_kind kind, enum fl_op op)
{
    uint64_t range[FL_RANGE_WORDS];
    if ((p->x.sign != FL_SIGN_WORD && p->x.sign != FL_SIGN_QUOTED) || flowlog__is_joint(&p->x))
        return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected %s before %s", nouns[kind],
                            flowlog__lex_show(&p->x).text);
    switch (kind) {
    case FL_KIND_TEXT: FL_TRY(flowlog__parse_text(p)); break;
    case FL_KIND_TIME: FL_TRY(time_value(p)); break;
    case FL_KIND_ADDRESS:
        if (!flowlog__read_addresses(p->x.word, p->x.word_len, range)) return unknown_value(p, kind);
        for (size_t i = 0; i < FL_RANGE_WORDS; i++)
            if (!flowlog__tree_push(&p->b, range[i])) return FLOWLOG_E_MEMORY;
        break;
    default:
        if (!p->x.word_len) return unknown_value(p, kind);
        FL_TRY(number_value(p, kind, op >= FL_OP_LT && op <= FL_OP_GE));
    }
    return flowlog__lex(&p->x, p->err);
}

/* The values up to the closing bracket. */
static flowlog_status list(struct fl_parser *p, enum fl_kind kind)
{
    const enum fl_sign close = p->x.sign == FL_SIGN_OPEN ? FL_SIGN_CLOSE : FL_SIGN_LIST_CLOSE;
    const size_t begin = p->x.begin;
    FL_NEXT(p);
    for (uint32_t n = 0;; n++) {
        if (p->x.sign == FL_SIGN_END)
            return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, begin, "this list has no end");
        if (p->x.sign == close) {
            if (!n) return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "an empty list");
            return flowlog__lex(&p->x, p->err);
        }
        if (n == FLOWLOG_FILTER_LIST_MAX)
            return FL_FAIL_HERE(p, FLOWLOG_E_LIMIT, "a list has more than %d values",
                                FLOWLOG_FILTER_LIST_MAX);
        FL_TRY(one_value(p, kind, FL_OP_IN));
        if (p->x.sign == FL_SIGN_COMMA) {
            FL_NEXT(p);
            if (p->x.sign == close)
                return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected %s after the comma", nouns[kind]);
        }
    }
}

flowlog_status flowlog__parse_values(struct fl_parser *p, enum fl_kind kind, enum fl_op *op)
{
    const int bracket = p->x.sign == FL_SIGN_LIST_OPEN || (*op == FL_OP_IN && p->x.sign == FL_SIGN_OPEN);
    if (bracket) {
        if (*op != FL_OP_IN && *op != FL_OP_EQ && *op != FL_OP_NONE)
            return FL_FAIL_HERE(p, FLOWLOG_E_SYNTAX, "a list is compared with 'in' only");
        *op = FL_OP_IN;
        return list(p, kind);
    }
    if (*op == FL_OP_NONE) *op = FL_OP_EQ;
    for (uint32_t n = 1;; n++) {
        FL_TRY(one_value(p, kind, *op));
        if (*op != FL_OP_IN || p->x.sign != FL_SIGN_COMMA) return FLOWLOG_OK;
        if (n == FLOWLOG_FILTER_LIST_MAX)
            return FL_FAIL_HERE(p, FLOWLOG_E_LIMIT, "a list has more than %d values",
                                FLOWLOG_FILTER_LIST_MAX);
        FL_NEXT(p);
    }
}

uint32_t flowlog__parse_compare_numbers(struct fl_parser *p, enum fl_form form, uint32_t ref, uint64_t mask,
                                        enum fl_op op, uint32_t base)
{
    struct fl_builder *b = &p->b;
    if (b->failed) return 0;
    const uint64_t from = b->stack[base], to = b->stack[base + 1];
    const int is_range = b->stack_len == base + 2 && from != to;
    if (op == FL_OP_IN || op == FL_OP_EQ) {
        if (!is_range) return flowlog__tree_number_in(b, form, ref, mask, base);
        return flowlog__tree_number_range(b, form, ref, mask, from, to);
    }
    if (is_range) /* only NE comes here: an order is of one value */
        return flowlog__tree_pair(b, FL_OP_OR, flowlog__tree_number(b, form, ref, mask, FL_OP_LT, from),
                                  flowlog__tree_number(b, form, ref, mask, FL_OP_GT, to));
    return flowlog__tree_number(b, form, ref, mask, op, from);
}

uint32_t flowlog__parse_compare(struct fl_parser *p, uint32_t ref, enum fl_op op, uint32_t base)
{
    struct fl_builder *b = &p->b;
    if (b->failed) return 0;
    if (op >= FL_OP_CONTAINS) return flowlog__tree_text(b, ref, op, base);
    switch (b->ref[ref].type) {
    case FLOWLOG_TYPE_ADDR: return flowlog__tree_address(b, ref, op, base);
    case FLOWLOG_TYPE_TEXT:
    case FLOWLOG_TYPE_ENUM: return flowlog__tree_text(b, ref, op, base);
    default: return flowlog__parse_compare_numbers(p, FL_FORM_FIELD, ref, 0, op, base);
    }
}
