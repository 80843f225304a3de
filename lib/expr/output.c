/* SPDX-License-Identifier: MIT */
/* output.c - see output.h: from text to nodes.  Recursion is as deep as parentheses, which are counted. */
#include "expr/output.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "expr/filter.h"
#include "expr/lex.h"
#include "expr/literal.h"
#include "expr/output_tree.h"
#include "expr/print.h"
#include "schema/ascii.h"

struct parser {
    struct fl_lexer x;
    struct fl_output *o;
    fl_output_resolve resolve;
    void *ctx;
    uint32_t depth;
    flowlog_error *err;
};

#define NEXT(p) FL_TRY(flowlog__lex(&(p)->x, (p)->err))
#define FAIL_HERE(p, status, ...) FL_FAIL_AT((p)->err, (status), (p)->x.begin, __VA_ARGS__)

static flowlog_status parse_or(struct parser *p, uint32_t *id);

/* --- nodes ------------------------------------------------------------------------------------------------ */

static int grow(const flowlog_alloc *a, void *array, uint32_t *cap, uint32_t need, size_t size)
{
    if (need <= *cap) return 1;
    uint32_t more = *cap ? *cap * 2 : 16;
    while (more < need) more *= 2;
    void *old, *p;
    memcpy(&old, array, sizeof old);
    p = flowlog__resize(a, old, *cap * size, more * size);
    if (!p) return 0;
    memcpy(array, &p, sizeof p);
    *cap = more;
    return 1;
}

static uint32_t depth_of(const struct fl_output *o, const struct fl_out_node *n)
{
    if (n->op == FL_OUT_COLUMN || n->op == FL_OUT_LITERAL) return 1;
    if (flowlog__output_is_search(n)) return o->node[n->of].depth + 1u;
    const uint32_t a = o->node[n->a].depth, b = n->op == FL_OP_NOT ? 0 : o->node[n->b].depth;
    return (a > b ? a : b) + 1;
}

static flowlog_status add(struct parser *p, struct fl_out_node n, uint32_t *id)
{
    struct fl_output *o = p->o;
    const uint32_t depth = depth_of(o, &n);
    if (depth > FL_OUT_DEPTH_MAX)
        return FAIL_HERE(p, FLOWLOG_E_LIMIT, "an expression is more than %d deep", FL_OUT_DEPTH_MAX);
    if (!grow(&o->alloc, &o->node, &o->node_cap, o->nodes + 1, sizeof n)) return FLOWLOG_E_MEMORY;
    n.depth = (uint16_t)depth;
    o->node[o->nodes] = n;
    *id = o->nodes++;
    return FLOWLOG_OK;
}

static flowlog_status add_pair(struct parser *p, unsigned op, int is_condition, uint32_t a, uint32_t b,
                               uint32_t *id)
{
    return add(
        p,
        (struct fl_out_node){.op = (uint8_t)op, .is_condition = (uint8_t)is_condition, .a = a, .b = b},
        id);
}

/* A literal of text[0..len); every meaning it could have is found now. */
static flowlog_status add_literal(struct parser *p, const char *text, size_t len, char quote)
{
    struct fl_output *o = p->o;
    struct fl_out_literal l = {.at = o->char_count, .quoted = quote != 0};
    if (!grow(&o->alloc, &o->chars, &o->char_cap, o->char_count + (uint32_t)len + FL_DECIMAL_TEXT, 1) ||
        !grow(&o->alloc, &o->literal, &o->literal_cap, o->literals + 1, sizeof l))
        return FLOWLOG_E_MEMORY;
    for (size_t i = 0; i < len; i++) {
        o->chars[o->char_count + l.len++] = text[i];
        if (quote && text[i] == quote) i++;
    }
    char *digits = o->chars + l.at;
    l.is_number = (uint8_t)flowlog__read_decimal(digits, l.len, &l.number.whole, &l.number.billionths);
    l.is_address = (uint8_t)flowlog__read_addresses(digits, l.len, l.range);
    l.is_time = (uint8_t)flowlog__read_time(digits, l.len, 0, &l.time);
    if (l.is_number &&
        !quote) { /* 1K is 1000 whatever it is compared with; 007 is text where text is wanted */
        l.quoted = l.len > 1 && digits[0] == '0' && digits[1] != '.';
        struct fl_sink sink = {digits, FL_DECIMAL_TEXT, 0};
        if (!l.quoted) flowlog__sink_decimal(&sink, l.number.whole, l.number.billionths);
        if (!l.quoted) l.len = (uint32_t)sink.len;
    }
    o->char_count += l.len;
    o->literal[o->literals++] = l;
    return FLOWLOG_OK;
}

static flowlog_status literal_node(struct parser *p, uint32_t *id)
{
    const uint32_t at = p->o->literals;
    FL_TRY(add_literal(p, p->x.word, p->x.word_len, p->x.sign == FL_SIGN_QUOTED ? p->x.quote : 0));
    NEXT(p);
    return add(p, (struct fl_out_node){.op = FL_OUT_LITERAL, .a = at, .b = 1}, id);
}

/* --- names and constants ------------------------------------------------------------------------------------ */

/* The end of the parentheses that open at text[at]; 0: they do not close. */
static size_t call_end(const char *text, size_t len, size_t at)
{
    size_t depth = 0;
    for (char quote = 0; at < len; at++) {
        const char c = text[at];
        if (quote) {
            if (c == quote) quote = 0;
        } else if (fl_ascii_is_quote(c)) {
            quote = c;
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && --depth == 0) {
            return at + 1;
        }
    }
    return 0;
}

/* Behind a name: "where CONDITION" goes to a comma, "as", a parenthesis that was open before, or the end. */
static flowlog_status skip_where(struct parser *p, size_t *end)
{
    int depth = 0;
    struct fl_lexer x = p->x;
    x.arithmetic = 0;
    for (;;) {
        FL_TRY(flowlog__lex(&x, p->err));
        const int stops =
            x.sign == FL_SIGN_COMMA || x.sign == FL_SIGN_CLOSE || flowlog__lex_is(&x, "as");
        if (x.sign == FL_SIGN_END || (depth == 0 && stops)) break;
        depth += x.sign == FL_SIGN_OPEN || x.sign == FL_SIGN_LIST_OPEN;
        depth -= x.sign == FL_SIGN_CLOSE || x.sign == FL_SIGN_LIST_CLOSE;
        *end = x.at;
    }
    x.arithmetic = 1;
    p->x = x;
    return FLOWLOG_OK;
}

/* Asks for text[begin..end); errors move to where they are in the whole text. */
static flowlog_status ask(struct parser *p, size_t begin, size_t end, uint32_t *column,
                          flowlog_error *err)
{
    const flowlog_status status = p->resolve(p->ctx, p->x.text + begin, end - begin, column, err);
    if (status < 0 && err) {
        err->offset += begin;
        err->column = (uint32_t)err->offset + 1;
    }
    return status;
}

/* Go to the sign that begins at `at`. */
static flowlog_status go_to(struct parser *p, size_t at)
{
    p->x.at = at;
    return flowlog__lex(&p->x, p->err);
}

/*
 * The column that begins here.  Names may have '-' and '/' in them, srcaddr/24, so that the longest name is tried
 * first: bytes/count is the column of that name, or a quotient.
 */
static flowlog_status column_node(struct parser *p, uint32_t *id)
{
    const size_t begin = p->x.begin;
    size_t end = p->x.at, whole, shortest;
    uint32_t column = 0;
    if (end < p->x.len && p->x.text[end] == '(' && !(end = call_end(p->x.text, p->x.len, end)))
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, p->x.at, "this parenthesis is not closed");
    FL_TRY(go_to(p, end));
    if (flowlog__lex_is(&p->x, "where")) FL_TRY(skip_where(p, &end));
    whole = shortest = end;
    flowlog_status status = ask(p, begin, end, &column, NULL);
    if (status == FLOWLOG_E_MEMORY) return status;
    if (status < 0) {
        size_t word = begin;
        while (word < whole && p->x.text[word] != '(' && !fl_ascii_is_blank(p->x.text[word])) word++;
        for (size_t cut = word; status < 0 && cut-- > begin + 1;) {
            const char c = p->x.text[cut];
            if (c != '/' && c != '-') continue;
            if (c == '/') shortest = cut;
            end = cut;
            status = ask(p, begin, end, &column, NULL);
            if (status == FLOWLOG_E_MEMORY) return status;
        }
        if (status < 0) {
            status = ask(p, begin, shortest, &column, p->err);
            return status < 0 ? status : FL_FAIL_AT(p->err, FLOWLOG_E_FIELD, begin, "unknown column");
        }
        FL_TRY(go_to(p, end));
    }
    return add(p, (struct fl_out_node){.op = FL_OUT_COLUMN, .a = column}, id);
}

/* A number that ends before a sign: 100/count. */
static flowlog_status number_node(struct parser *p, uint32_t *id)
{
    uint64_t range[FL_RANGE_WORDS], whole;
    uint32_t billionths;
    int64_t time;
    const size_t begin = p->x.begin;
    if (!flowlog__read_addresses(p->x.word, p->x.word_len, range) &&
        !flowlog__read_time(p->x.word, p->x.word_len, 0, &time)) {
        size_t n = 0;
        while (n < p->x.word_len && p->x.word[n] != '/' && p->x.word[n] != '-') n++;
        if (!flowlog__read_decimal(p->x.word, n, &whole, &billionths))
            return FAIL_HERE(p, FLOWLOG_E_SYNTAX, "%s is not a number", flowlog__lex_show(&p->x).text);
        p->x.word_len = n;
        p->x.at = begin + n;
    }
    return literal_node(p, id);
}

static int is_constant(const struct fl_lexer *x)
{
    uint64_t range[FL_RANGE_WORDS];
    return x->sign == FL_SIGN_WORD &&
           (fl_ascii_is_digit(x->word[0]) || flowlog__read_addresses(x->word, x->word_len, range));
}

static int is_joint(const struct fl_lexer *x)
{
    return flowlog__lex_is(x, "and") || flowlog__lex_is(x, "or") || flowlog__lex_is(x, "not") ||
           flowlog__lex_is(x, "in") || flowlog__lex_is(x, "is") || flowlog__lex_is(x, "as");
}

static flowlog_status deeper(struct parser *p)
{
    if (p->depth == FLOWLOG_FILTER_DEPTH_MAX)
        return FAIL_HERE(p, FLOWLOG_E_LIMIT, "parentheses and nots are more than %d deep",
                         FLOWLOG_FILTER_DEPTH_MAX);
    p->depth++;
    return FLOWLOG_OK;
}

static flowlog_status parse_primary(struct parser *p, uint32_t *id)
{
    const size_t begin = p->x.begin;
    if (p->x.sign == FL_SIGN_OPEN) {
        FL_TRY(deeper(p));
        NEXT(p);
        FL_TRY(parse_or(p, id));
        if (p->x.sign == FL_SIGN_END)
            return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, begin, "this parenthesis is not closed");
        if (p->x.sign != FL_SIGN_CLOSE)
            return FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected ')' before %s",
                             flowlog__lex_show(&p->x).text);
        p->depth--;
        return flowlog__lex(&p->x, p->err);
    }
    if (is_constant(&p->x)) return number_node(p, id);
    if (p->x.sign == FL_SIGN_QUOTED) { /* a name with blanks in it, or text */
        uint32_t column;
        const flowlog_status status = p->resolve(p->ctx, p->x.word, p->x.word_len, &column, NULL);
        if (status == FLOWLOG_E_MEMORY) return status;
        if (status < 0) return literal_node(p, id);
        NEXT(p);
        return add(p, (struct fl_out_node){.op = FL_OUT_COLUMN, .a = column}, id);
    }
    if (p->x.sign != FL_SIGN_WORD || is_joint(&p->x))
        return FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected a column or a number before %s",
                         flowlog__lex_show(&p->x).text);
    return column_node(p, id);
}

/* --- arithmetic --------------------------------------------------------------------------------------------- */

static int is_number(const struct fl_output *o, uint32_t id)
{
    const struct fl_out_node *n = &o->node[id];
    return !n->is_condition && (n->op != FL_OUT_LITERAL || o->literal[n->a].is_number);
}

static flowlog_status arithmetic(struct parser *p, unsigned op, uint32_t *a, uint32_t b, size_t at)
{
    if (!is_number(p->o, *a) || !is_number(p->o, b))
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at,
                          "numbers are expected on both sides of this sign");
    return add_pair(p, op, 0, *a, b, a);
}

static flowlog_status parse_product(struct parser *p, uint32_t *id)
{
    FL_TRY(parse_primary(p, id));
    while (p->x.sign == FL_SIGN_TIMES || p->x.sign == FL_SIGN_DIVIDE) {
        const unsigned op = p->x.sign == FL_SIGN_TIMES ? FL_OUT_MULTIPLY : FL_OUT_DIVIDE;
        const size_t at = p->x.begin;
        uint32_t b;
        NEXT(p);
        FL_TRY(parse_primary(p, &b));
        FL_TRY(arithmetic(p, op, id, b, at));
    }
    return FLOWLOG_OK;
}

static flowlog_status parse_sum(struct parser *p, uint32_t *id)
{
    FL_TRY(parse_product(p, id));
    while (p->x.sign == FL_SIGN_PLUS || p->x.sign == FL_SIGN_MINUS) {
        const unsigned op = p->x.sign == FL_SIGN_PLUS ? FL_OUT_ADD : FL_OUT_SUBTRACT;
        const size_t at = p->x.begin;
        uint32_t b;
        NEXT(p);
        FL_TRY(parse_product(p, &b));
        FL_TRY(arithmetic(p, op, id, b, at));
    }
    return FLOWLOG_OK;
}

/* --- conditions --------------------------------------------------------------------------------------------- */

static unsigned comparison(const struct fl_lexer *x)
{
    static const struct {
        char word[3];
        uint8_t sign, op;
    } all[] = {
        {"eq", FL_SIGN_EQ, FL_OP_EQ},
        {"ne", FL_SIGN_NE, FL_OP_NE},
        {"lt", FL_SIGN_LT, FL_OP_LT},
        {"le", FL_SIGN_LE, FL_OP_LE},
        {"gt", FL_SIGN_GT, FL_OP_GT},
        {"ge", FL_SIGN_GE, FL_OP_GE},
        {"in", 255, FL_OP_IN},
        {"is", 255, FL_OP_IS_NULL},
        {"", FL_SIGN_CONTAINS, FL_OP_CONTAINS},
        {"", FL_SIGN_STARTS, FL_OP_STARTS},
        {"", FL_SIGN_ENDS, FL_OP_ENDS},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (x->sign == (enum fl_sign)all[i].sign || (all[i].word[0] && flowlog__lex_is(x, all[i].word)))
            return all[i].op;
    return FL_OP_NONE;
}

/* A constant of a list or behind a text search. */
static flowlog_status constant(struct parser *p)
{
    if ((p->x.sign != FL_SIGN_WORD && p->x.sign != FL_SIGN_QUOTED) || is_joint(&p->x))
        return FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected a value before %s",
                         flowlog__lex_show(&p->x).text);
    FL_TRY(add_literal(p, p->x.word, p->x.word_len, p->x.sign == FL_SIGN_QUOTED ? p->x.quote : 0));
    return flowlog__lex(&p->x, p->err);
}

static flowlog_status parse_list(struct parser *p, uint32_t *id)
{
    const uint32_t first = p->o->literals, of = *id;
    const size_t begin = p->x.begin;
    const enum fl_sign close = p->x.sign == FL_SIGN_OPEN ? FL_SIGN_CLOSE : FL_SIGN_LIST_CLOSE;
    if (p->x.sign != FL_SIGN_OPEN && p->x.sign != FL_SIGN_LIST_OPEN)
        return FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected a list such as [1 2] before %s",
                         flowlog__lex_show(&p->x).text);
    NEXT(p);
    while (p->x.sign != close) {
        if (p->x.sign == FL_SIGN_END)
            return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, begin, "this list has no end");
        FL_TRY(constant(p));
        if (p->x.sign == FL_SIGN_COMMA) NEXT(p);
    }
    if (p->o->literals == first) return FAIL_HERE(p, FLOWLOG_E_SYNTAX, "an empty list");
    NEXT(p);
    return add(p,
               (struct fl_out_node){
                   .op = FL_OP_IN, .is_condition = 1, .a = first, .b = p->o->literals - first, .of = of},
               id);
}

/* The right side: a sum, or a word that is no column and stands for itself. */
static flowlog_status parse_right(struct parser *p, unsigned op, uint32_t *id)
{
    const struct fl_lexer before = p->x;
    flowlog_error *const err = p->err;
    if (before.sign != FL_SIGN_WORD || is_constant(&before) || is_joint(&before) || op > FL_OP_NE ||
        (before.at < before.len && before.text[before.at] == '('))
        return parse_sum(p, id);
    const uint32_t nodes = p->o->nodes, literals = p->o->literals;
    p->err = NULL;
    const flowlog_status status = parse_sum(p, id);
    p->err = err;
    if (status >= 0 || status == FLOWLOG_E_MEMORY) return status;
    p->x = before;
    p->o->nodes = nodes;
    p->o->literals = literals;
    return literal_node(p, id);
}

static flowlog_status parse_comparison(struct parser *p, uint32_t *id)
{
    FL_TRY(parse_sum(p, id));
    const unsigned op = comparison(&p->x);
    const size_t at = p->x.begin;
    uint32_t b = 0;
    if (op == FL_OP_NONE) return FLOWLOG_OK;
    if (p->o->node[*id].is_condition)
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "a condition is not compared");
    NEXT(p);
    if (op == FL_OP_IN) return parse_list(p, id);
    if (op == FL_OP_IS_NULL) {
        const int not = flowlog__lex_is(&p->x, "not");
        if (not ) NEXT(p);
        if (!flowlog__lex_is(&p->x, "null"))
            return FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected null after is");
        NEXT(p);
        FL_TRY(add(p, (struct fl_out_node){.op = FL_OP_IS_NULL, .is_condition = 1, .of = *id}, id));
        return not ? add_pair(p, FL_OP_NOT, 1, *id, 0, id) : FLOWLOG_OK;
    }
    if (op >= FL_OP_CONTAINS) {
        const uint32_t first = p->o->literals, of = *id;
        FL_TRY(constant(p));
        return add(
            p, (struct fl_out_node){.op = (uint8_t)op, .is_condition = 1, .a = first, .b = 1, .of = of},
            id);
    }
    FL_TRY(parse_right(p, op, &b));
    if (p->o->node[b].is_condition)
        return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "a condition is not compared");
    return add_pair(p, op, 1, *id, b, id);
}

static flowlog_status expect_condition(struct parser *p, uint32_t id, size_t at)
{
    if (p->o->node[id].is_condition) return FLOWLOG_OK;
    return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "a comparison is expected: count > 5");
}

static flowlog_status parse_not(struct parser *p, uint32_t *id)
{
    if (p->x.sign != FL_SIGN_NOT && !flowlog__lex_is(&p->x, "not")) return parse_comparison(p, id);
    FL_TRY(deeper(p));
    NEXT(p);
    const size_t at = p->x.begin;
    FL_TRY(parse_not(p, id));
    FL_TRY(expect_condition(p, *id, at));
    p->depth--;
    return add_pair(p, FL_OP_NOT, 1, *id, 0, id);
}

/* "and", or a condition right behind another. */
static int goes_on(const struct parser *p, uint32_t id)
{
    if (p->x.sign == FL_SIGN_AND || flowlog__lex_is(&p->x, "and")) return 1;
    if (!p->o->node[id].is_condition) return 0;
    return p->x.sign == FL_SIGN_OPEN || p->x.sign == FL_SIGN_NOT || p->x.sign == FL_SIGN_QUOTED ||
           (p->x.sign == FL_SIGN_WORD && (!is_joint(&p->x) || flowlog__lex_is(&p->x, "not")));
}

static flowlog_status parse_and(struct parser *p, uint32_t *id)
{
    size_t at = p->x.begin;
    FL_TRY(parse_not(p, id));
    while (goes_on(p, *id)) {
        uint32_t b;
        FL_TRY(expect_condition(p, *id, at));
        if (p->x.sign == FL_SIGN_AND || flowlog__lex_is(&p->x, "and")) NEXT(p);
        at = p->x.begin;
        FL_TRY(parse_not(p, &b));
        FL_TRY(expect_condition(p, b, at));
        FL_TRY(add_pair(p, FL_OP_AND, 1, *id, b, id));
    }
    return FLOWLOG_OK;
}

static flowlog_status parse_or(struct parser *p, uint32_t *id)
{
    size_t at = p->x.begin;
    FL_TRY(parse_and(p, id));
    while (p->x.sign == FL_SIGN_OR || flowlog__lex_is(&p->x, "or")) {
        uint32_t b;
        FL_TRY(expect_condition(p, *id, at));
        NEXT(p);
        at = p->x.begin;
        FL_TRY(parse_and(p, &b));
        FL_TRY(expect_condition(p, b, at));
        FL_TRY(add_pair(p, FL_OP_OR, 1, *id, b, id));
    }
    return FLOWLOG_OK;
}

/* --- the whole ---------------------------------------------------------------------------------------------- */

static flowlog_status parse_all(struct parser *p, int condition, size_t *end)
{
    NEXT(p);
    const size_t at = p->x.begin;
    if (!condition) {
        FL_TRY(parse_sum(p, &p->o->root));
        if (!is_number(p->o, p->o->root))
            return FL_FAIL_AT(p->err, FLOWLOG_E_SYNTAX, at, "a number is expected");
        if (p->x.sign != FL_SIGN_END && p->x.sign != FL_SIGN_COMMA && !flowlog__lex_is(&p->x, "as"))
            return FAIL_HERE(p, FLOWLOG_E_SYNTAX, "not expected here: %s",
                             flowlog__lex_show(&p->x).text);
    } else {
        FL_TRY(parse_or(p, &p->o->root));
        FL_TRY(expect_condition(p, p->o->root, at));
        if (p->x.sign != FL_SIGN_END)
            return FAIL_HERE(p, FLOWLOG_E_SYNTAX, "expected a condition before %s",
                             flowlog__lex_show(&p->x).text);
    }
    *end = p->x.begin;
    return FLOWLOG_OK;
}

flowlog_status flowlog__output_parse(const char *text, size_t len, int condition,
                                     fl_output_resolve resolve, void *ctx, const flowlog_alloc *alloc,
                                     struct fl_output **output, size_t *end, flowlog_error *err)
{
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    if (len > FLOWLOG_FILTER_TEXT_MAX)
        return FL_FAIL_AT(err, FLOWLOG_E_LIMIT, FLOWLOG_FILTER_TEXT_MAX,
                          "an expression has more than %d bytes", FLOWLOG_FILTER_TEXT_MAX);
    struct fl_output *o = flowlog__alloc_zero(&a, sizeof *o);
    if (!o) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for an expression");
    o->alloc = a;
    struct parser p = {.x = {.text = text, .len = len, .arithmetic = 1},
                       .o = o,
                       .resolve = resolve,
                       .ctx = ctx,
                       .err = err};
    const flowlog_status status = parse_all(&p, condition, end);
    if (status < 0) {
        flowlog__output_free(o);
        return status == FLOWLOG_E_MEMORY ? FL_FAIL(err, status, "no memory for an expression") : status;
    }
    *output = o;
    return FLOWLOG_OK;
}

void flowlog__output_free(struct fl_output *o)
{
    if (!o) return;
    const flowlog_alloc a = o->alloc;
    flowlog__release(&a, o->node, o->node_cap * sizeof *o->node);
    flowlog__release(&a, o->literal, o->literal_cap * sizeof *o->literal);
    flowlog__release(&a, o->chars, o->char_cap);
    flowlog__release(&a, o, sizeof *o);
}

int64_t flowlog__output_column(const struct fl_output *o)
{
    return o->node[o->root].op == FL_OUT_COLUMN ? (int64_t)o->node[o->root].a : -1;
}

static void mark(const struct fl_output *o, uint32_t id, uint64_t *columns, size_t words)
{
    const struct fl_out_node *n = &o->node[id];
    if (n->op == FL_OUT_COLUMN) {
        if (n->a / 64 < words) columns[n->a / 64] |= UINT64_C(1) << n->a % 64;
    } else if (flowlog__output_is_search(n)) {
        mark(o, n->of, columns, words);
    } else if (n->op != FL_OUT_LITERAL) {
        mark(o, n->a, columns, words);
        if (n->op != FL_OP_NOT) mark(o, n->b, columns, words);
    }
}

void flowlog__output_columns(const struct fl_output *o, uint64_t *columns, size_t words)
{
    memset(columns, 0, words * sizeof *columns);
    mark(o, o->root, columns, words);
}

void flowlog__output_renumber(struct fl_output *o, const uint32_t *map)
{
    for (uint32_t i = 0; i < o->nodes; i++)
        if (o->node[i].op == FL_OUT_COLUMN) o->node[i].a = map[o->node[i].a];
}
