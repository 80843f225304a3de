/* SPDX-License-Identifier: MIT */
/* output_value.c - see output.h: the value of an expression for one row of a result. */
#include <string.h>

#include "expr/lex.h"
#include "expr/output_tree.h"
#include "expr/sets.h"
#include "schema/ascii.h"
#include "schema/services.h"

/* What a node has come to: nothing, a truth, a number, or a value or constant whose meaning is open. */
struct operand {
    enum { NOTHING, TRUTH, NUMBER, VALUE, CONSTANT } kind;
    int truth;
    struct fl_decimal number;
    const flowlog_value *value;
    const struct fl_out_literal *literal;
};

static struct operand evaluate(const struct fl_output *o, uint32_t id, const flowlog_value *columns);

/* 1 and the number that an operand is; 0: it is none. */
static int number_of(const struct operand *x, struct fl_decimal *number)
{
    if (x->kind == NUMBER) *number = x->number;
    if (x->kind == CONSTANT) *number = x->literal->number;
    if (x->kind != VALUE) return x->kind == NUMBER || (x->kind == CONSTANT && x->literal->is_number);
    switch (x->value->type) {
    case FLOWLOG_TYPE_U32:
    case FLOWLOG_TYPE_U64: *number = flowlog__decimal_of(x->value->number); return 1;
    case FLOWLOG_TYPE_TIME: *number = flowlog__decimal_of_signed((int64_t)x->value->number); return 1;
    case FLOWLOG_TYPE_DECIMAL:
        *number = (struct fl_decimal){x->value->number, x->value->billionths, x->value->code};
        return 1;
    default: return 0;
    }
}

static int holds(unsigned op, int order)
{
    switch (op) {
    case FL_OP_EQ: return order == 0;
    case FL_OP_NE: return order != 0;
    case FL_OP_LT: return order < 0;
    case FL_OP_LE: return order <= 0;
    case FL_OP_GT: return order > 0;
    default: return order >= 0;
    }
}

/* --- addresses ---------------------------------------------------------------------------------------------- */

/* The range that an address or a network is. */
static void range_of(const flowlog_value *v, uint64_t r[FL_RANGE_WORDS])
{
    const unsigned bytes = v->addr.family == 4 ? 4 : 16;
    const unsigned bits = v->type == FLOWLOG_TYPE_NET ? v->code : bytes * 8;
    memset(r, 0, FL_RANGE_WORDS * sizeof *r);
    r[0] = v->addr.family;
    for (unsigned i = 0; i < bytes; i++) {
        const unsigned host = bits >= 8 * i + 8 ? 0 : bits <= 8 * i ? 255 : 255u >> (bits - 8 * i);
        r[1] = r[1] << 8 | r[2] >> 56;
        r[2] = r[2] << 8 | (v->addr.bytes[i] & ~host & 255);
        r[3] = r[3] << 8 | r[4] >> 56;
        r[4] = r[4] << 8 | v->addr.bytes[i] | host;
    }
}

static int compare_words(const uint64_t *a, const uint64_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* Equal: all of the value lies in the range.  Less and more go by the first address. */
static int address_holds(unsigned op, const flowlog_value *v, const uint64_t range[FL_RANGE_WORDS])
{
    uint64_t r[FL_RANGE_WORDS];
    range_of(v, r);
    const int inside = r[0] == range[0] && compare_words(r + 1, range + 1, 2) >= 0 &&
                       compare_words(r + 3, range + 3, 2) <= 0;
    if (op <= FL_OP_NE) return inside == (op == FL_OP_EQ);
    return holds(op, compare_words(r, range, 3));
}

/* --- text ----------------------------------------------------------------------------------------------------- */

static size_t add_text(char *text, size_t at, const char *s)
{
    const size_t len = strlen(s);
    memcpy(text + at, s, len);
    return at + len;
}

/* tcp/8444, icmp; the number where a protocol has no name. */
static size_t service_text(uint32_t protocol, uint32_t port, char text[64])
{
    const char *name = flowlog__protocol_name(protocol);
    char digits[8];
    size_t n = 0;
    for (int what = 0; what < 2; what++) {
        uint32_t v = what ? port : protocol;
        size_t d = sizeof digits;
        digits[--d] = '\0';
        do digits[--d] = (char)('0' + v % 10);
        while (v /= 10);
        if (what && !port) break;
        if (what) n = add_text(text, n, "/");
        n = add_text(text, n, what || !name ? digits + d : name);
    }
    return n;
}

/* 1 if a word names the service: https, domain, domain/udp, tcp/8444, icmp. */
static int is_service(const flowlog_value *v, flowlog_str s)
{
    char text[64];
    const uint32_t protocol = (uint32_t)(v->number >> 16), port = (uint32_t)(v->number & 0xFFFF);
    const char *slash = s.len ? memchr(s.ptr, '/', s.len) : NULL;
    uint32_t by, of;
    const size_t name = slash ? (size_t)(slash - s.ptr) : s.len;
    if (flowlog__service_find(s.ptr, name, &by, &of) && of == port && (by == protocol || !by)) {
        const int32_t wanted =
            slash ? flowlog__protocol_find(slash + 1, s.len - name - 1) : (int32_t)protocol;
        return wanted == (int32_t)protocol;
    }
    const size_t n = service_text(protocol, port, text);
    text[n] = '\0';
    return flowlog__word_is(s.ptr, s.len, text);
}

static int text_holds(unsigned op, const flowlog_value *v, flowlog_str s)
{
    if (v->type == FLOWLOG_TYPE_SERVICE) return op <= FL_OP_NE && is_service(v, s) == (op == FL_OP_EQ);
    if (v->type != FLOWLOG_TYPE_TEXT && v->type != FLOWLOG_TYPE_ENUM) return 0;
    if (op <= FL_OP_NE && v->type == FLOWLOG_TYPE_ENUM && v->code && v->text.len == s.len) {
        size_t i = 0; /* known tokens in any letter case */
        while (i < s.len && fl_ascii_lower(v->text.ptr[i]) == fl_ascii_lower(s.ptr[i])) i++;
        return (i == s.len) == (op == FL_OP_EQ);
    }
    return holds(op, flowlog__compare_text(v->text, s));
}

static int found(unsigned op, flowlog_str text, flowlog_str s)
{
    if (s.len > text.len) return 0;
    size_t from = op == FL_OP_ENDS ? text.len - s.len : 0;
    const size_t to = op == FL_OP_STARTS ? 0 : text.len - s.len;
    for (; from <= to; from++)
        if (!s.len || !memcmp(text.ptr + from, s.ptr, s.len)) return 1;
    return 0;
}

/* --- comparisons ------------------------------------------------------------------------------------------------ */

static int constant_holds(const struct fl_output *o, unsigned op, const flowlog_value *v,
                          const struct fl_out_literal *l)
{
    switch (v->type) {
    case FLOWLOG_TYPE_ADDR:
    case FLOWLOG_TYPE_NET: return l->is_address && address_holds(op, v, l->range);
    case FLOWLOG_TYPE_TIME: {
        const int64_t t = (int64_t)v->number;
        return l->is_time && holds(op, (t > l->time) - (t < l->time));
    }
    default: return text_holds(op, v, flowlog__literal_text(o, l));
    }
}

static unsigned mirrored(unsigned op)
{
    switch (op) {
    case FL_OP_LT: return FL_OP_GT;
    case FL_OP_LE: return FL_OP_GE;
    case FL_OP_GT: return FL_OP_LT;
    case FL_OP_GE: return FL_OP_LE;
    default: return op;
    }
}

static int values_hold(unsigned op, const flowlog_value *a, const flowlog_value *b)
{
    const int net = a->type == FLOWLOG_TYPE_ADDR || a->type == FLOWLOG_TYPE_NET;
    uint64_t range[FL_RANGE_WORDS];
    if (net && (b->type == FLOWLOG_TYPE_ADDR || b->type == FLOWLOG_TYPE_NET)) {
        range_of(b, range);
        return address_holds(op, a, range);
    }
    if (a->type == FLOWLOG_TYPE_SERVICE && b->type == FLOWLOG_TYPE_SERVICE)
        return holds(op, (a->number > b->number) - (a->number < b->number));
    if (net || a->type == FLOWLOG_TYPE_SERVICE ||
        (b->type != FLOWLOG_TYPE_TEXT && b->type != FLOWLOG_TYPE_ENUM))
        return 0;
    return text_holds(op, a, b->text);
}

static int compare(const struct fl_output *o, unsigned op, const struct operand *a,
                   const struct operand *b)
{
    struct fl_decimal x, y;
    if (a->kind == NOTHING || b->kind == NOTHING) return 0;
    /* a date is no number, but a time is compared with one */
    if (number_of(a, &x) && number_of(b, &y)) return holds(op, flowlog__decimal_compare(x, y));
    if (a->kind == VALUE && b->kind == CONSTANT) return constant_holds(o, op, a->value, b->literal);
    if (a->kind == CONSTANT && b->kind == VALUE)
        return constant_holds(o, mirrored(op), b->value, a->literal);
    if (a->kind == VALUE && b->kind == VALUE) return values_hold(op, a->value, b->value);
    if (a->kind == CONSTANT && b->kind == CONSTANT)
        return holds(op, flowlog__compare_text(flowlog__literal_text(o, a->literal),
                                               flowlog__literal_text(o, b->literal)));
    return 0;
}

static int search(const struct fl_output *o, const struct fl_out_node *n, const struct operand *x)
{
    if (n->op == FL_OP_IS_NULL) return x->kind == NOTHING;
    for (uint32_t i = 0; i < n->b; i++) {
        const struct operand y = {.kind = CONSTANT, .literal = &o->literal[n->a + i]};
        if (n->op == FL_OP_IN) {
            if (compare(o, FL_OP_EQ, x, &y)) return 1;
        } else if (x->kind == VALUE &&
                   (x->value->type == FLOWLOG_TYPE_TEXT || x->value->type == FLOWLOG_TYPE_ENUM)) {
            return found(n->op, x->value->text, flowlog__literal_text(o, y.literal));
        }
    }
    return 0;
}

static struct operand calculate(unsigned op, const struct operand *a, const struct operand *b)
{
    struct operand r = {.kind = NOTHING};
    struct fl_decimal x, y;
    int known = number_of(a, &x) && number_of(b, &y);
    if (!known) return r;
    switch (op) {
    case FL_OUT_ADD: known = flowlog__decimal_add(x, y, &r.number); break;
    case FL_OUT_SUBTRACT: known = flowlog__decimal_subtract(x, y, &r.number); break;
    case FL_OUT_MULTIPLY: known = flowlog__decimal_multiply(x, y, &r.number); break;
    default: known = flowlog__decimal_divide(x, y, &r.number);
    }
    if (known) r.kind = NUMBER;
    return r;
}

static struct operand evaluate(const struct fl_output *o, uint32_t id, const flowlog_value *columns)
{
    const struct fl_out_node *n = &o->node[id];
    struct operand r = {.kind = TRUTH}, x;
    if (n->op == FL_OUT_COLUMN) {
        r.value = &columns[n->a];
        r.kind = r.value->is_null ? NOTHING : VALUE;
        return r;
    }
    if (n->op == FL_OUT_LITERAL) return (struct operand){.kind = CONSTANT, .literal = &o->literal[n->a]};
    x = evaluate(o, flowlog__output_is_search(n) ? n->of : n->a, columns);
    if (flowlog__output_is_search(n)) {
        r.truth = search(o, n, &x);
    } else if (n->op == FL_OP_NOT) {
        r.truth = !x.truth;
    } else if (n->op == FL_OP_AND || n->op == FL_OP_OR) {
        r.truth = x.truth == (n->op == FL_OP_OR) ? x.truth : evaluate(o, n->b, columns).truth;
    } else {
        const struct operand y = evaluate(o, n->b, columns);
        if (n->op >= FL_OUT_ADD) return calculate(n->op, &x, &y);
        r.truth = compare(o, n->op, &x, &y);
    }
    return r;
}

void flowlog__output_eval(const struct fl_output *o, const flowlog_value *columns, flowlog_value *value)
{
    const struct operand r = evaluate(o, o->root, columns);
    struct fl_decimal d = {0, 0, 0};
    if (r.kind == VALUE) {
        *value = *r.value;
        return;
    }
    memset(value, 0, sizeof *value);
    value->type = FLOWLOG_TYPE_U64;
    if (r.kind == TRUTH) {
        value->number = (uint64_t)r.truth;
        return;
    }
    const int known = number_of(&r, &d);
    value->is_null = (uint8_t)!known;
    if (known && !d.negative && !d.billionths) {
        value->number = d.whole;
        return;
    }
    value->type = FLOWLOG_TYPE_DECIMAL;
    value->number = d.whole;
    value->billionths = d.billionths;
    value->code = (uint16_t)d.negative;
}
