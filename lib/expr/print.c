/* SPDX-License-Identifier: MIT */
/*
 * print.c - trees as text: the canonical form, (and (eq action "REJECT") (in dstport 22 3389)), and the language of
 * filters again.
 */
#include "expr/print.h"

#include <string.h>

#include "core/calendar.h"
#include "expr/filter.h"
#include "expr/internal.h"

/* A run of numbers, or of addresses that are no network, is printed one by one up to this length. */
enum { FL_RUN_MAX = 16 };

void flowlog__sink_put(struct fl_sink *s, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++, s->len++)
        if (s->len + 1 < s->cap) s->text[s->len] = text[i];
}

void flowlog__sink_text(struct fl_sink *s, const char *text)
{
    flowlog__sink_put(s, text, strlen(text));
}

size_t flowlog__sink_end(struct fl_sink *s)
{
    if (s->cap) s->text[s->len < s->cap ? s->len : s->cap - 1] = '\0';
    return s->len;
}

void flowlog__sink_number(struct fl_sink *s, uint64_t v)
{
    char buffer[20], *end = buffer + sizeof buffer, *p = end;
    do *--p = (char)('0' + v % 10);
    while (v /= 10);
    flowlog__sink_put(s, p, (size_t)(end - p));
}

void flowlog__sink_decimal(struct fl_sink *s, uint64_t whole, uint32_t billionths)
{
    char digits[9];
    size_t n = sizeof digits;
    flowlog__sink_number(s, whole);
    if (!billionths) return;
    for (size_t i = n; i-- > 0; billionths /= 10) digits[i] = (char)('0' + billionths % 10);
    while (digits[n - 1] == '0') n--;
    flowlog__sink_text(s, ".");
    flowlog__sink_put(s, digits, n);
}

static void put_value(struct fl_sink *s, uint32_t type, uint64_t v)
{
    if (type == FLOWLOG_TYPE_TIME) {
        v ^= UINT64_C(1) << 63;
        if (v >> 63) {
            flowlog__sink_put(s, "-", 1);
            v = 0 - v;
        }
    }
    flowlog__sink_number(s, v);
}

static void put_pairs(struct fl_sink *s, uint32_t type, const uint64_t *p, uint32_t pairs)
{
    for (uint32_t i = 0; i < pairs; i++) {
        const uint64_t from = p[2 * i], to = p[2 * i + 1];
        const int run = to - from < FL_RUN_MAX;
        for (uint64_t v = from;; v++) {
            if (i || v != from) flowlog__sink_put(s, " ", 1);
            put_value(s, type, v);
            if (v == to || !run) break;
        }
        if (run) continue;
        flowlog__sink_put(s, "-", 1);
        put_value(s, type, to);
    }
}

/* --- addresses ----------------------------------------------------------------------------------------------- */

static void put_address(struct fl_sink *s, uint32_t family, uint64_t high, uint64_t low)
{
    char text[FLOWLOG_ADDR_TEXT_MAX];
    flowlog_addr a = {{0}, family};
    for (unsigned i = 0; i < 16; i++) a.bytes[i] = (uint8_t)((i < 8 ? high : low) >> (56 - 8 * (i & 7)));
    for (unsigned i = 0; family == 4 && i < 4; i++) a.bytes[i] = (uint8_t)(low >> (24 - 8 * i));
    if (family == 4) memset(a.bytes + 4, 0, 12);
    flowlog__sink_put(s, text, flowlog_addr_format(&a, text));
}

/* The prefix that a range is, or -1. */
static int prefix_of(uint32_t family, const uint64_t r[4])
{
    int bits = 0;
    const int all = family == 4 ? 32 : 128;
    for (; bits < all; bits++) { /* the bits that both ends share */
        const int at = all - 1 - bits;
        const uint64_t a = at < 64 ? r[1] >> at : r[0] >> (at - 64),
                       b = at < 64 ? r[3] >> at : r[2] >> (at - 64);
        if ((a ^ b) & 1) break;
    }
    for (int i = bits; i < all; i++) {
        const int at = all - 1 - i;
        const uint64_t a = at < 64 ? r[1] >> at : r[0] >> (at - 64),
                       b = at < 64 ? r[3] >> at : r[2] >> (at - 64);
        if ((a & 1) || !(b & 1)) return -1;
    }
    return bits;
}

/* One range: (ip 10.0.0.1), 10.0.0.0/8 or 10.0.0.1-10.0.0.3; `bare` without the parentheses of ip. */
static void put_range(struct fl_sink *s, uint32_t family, const uint64_t r[4], int bare)
{
    const int bits = prefix_of(family, r), single = bits == (family == 4 ? 32 : 128);
    if (single && !bare) flowlog__sink_text(s, "(ip ");
    put_address(s, family, r[0], r[1]);
    if (single && !bare) flowlog__sink_text(s, ")");
    if (single) return;
    if (bits >= 0) {
        flowlog__sink_text(s, "/");
        flowlog__sink_number(s, (uint64_t)bits);
        return;
    }
    flowlog__sink_text(s, "-");
    put_address(s, family, r[2], r[3]);
}

void flowlog__sink_range(struct fl_sink *s, uint32_t family, const uint64_t r[4]) { put_range(s, family, r, 1); }

void flowlog__set_range(const uint64_t *set, uint32_t i, uint32_t *family, uint64_t r[4])
{
    const uint32_t n4 = flowlog__set_v4(set);
    *family = i < n4 ? 4 : 6;
    if (i < n4)
        memcpy(r, (const uint64_t[]){0, set[1 + i] >> 32, 0, (uint32_t)set[1 + i]}, 4 * sizeof *r);
    else
        memcpy(r, set + 1 + n4 + 4 * (size_t)(i - n4), 4 * sizeof *r);
}

static uint32_t set_count(const uint64_t *set) { return flowlog__set_v4(set) + flowlog__set_v6(set); }

/* LE: the last address of the set; GE: the first; else all ranges. */
static void put_set(struct fl_sink *s, const struct fl_node *n, const uint64_t *set, int bare)
{
    uint32_t family;
    uint64_t r[4];
    const uint32_t count = set_count(set);
    if (n->op == FL_OP_LE || n->op == FL_OP_GE) {
        flowlog__set_range(set, n->op == FL_OP_LE ? count - 1 : 0, &family, r);
        memcpy(n->op == FL_OP_LE ? r : r + 2, n->op == FL_OP_LE ? r + 2 : r, 2 * sizeof *r);
        put_range(s, family, r, bare);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i) flowlog__sink_text(s, " ");
        flowlog__set_range(set, i, &family, r);
        const int run = !bare && r[0] == r[2] && r[3] - r[1] < FL_RUN_MAX && prefix_of(family, r) < 0;
        for (const uint64_t last = r[3]; run && r[1] != last; r[1]++) {
            r[3] = r[1];
            put_range(s, family, r, bare);
            flowlog__sink_text(s, " ");
            r[3] = last;
        }
        put_range(s, family, r, bare);
    }
}

/* One range that is a network: in-cidr. */
static int is_network(const uint64_t *set)
{
    uint32_t family;
    uint64_t r[4];
    if (set_count(set) != 1) return 0;
    flowlog__set_range(set, 0, &family, r);
    return prefix_of(family, r) >= 0;
}

/* --- canonical form ------------------------------------------------------------------------------------------ */

static const char *const op_names[] = {
    [FL_OP_NONE] = "none",       [FL_OP_FALSE] = "false", [FL_OP_TRUE] = "true",
    [FL_OP_AND] = "and",         [FL_OP_OR] = "or",       [FL_OP_NOT] = "not",
    [FL_OP_IS_NULL] = "is-null", [FL_OP_EQ] = "eq",       [FL_OP_NE] = "ne",
    [FL_OP_LT] = "lt",           [FL_OP_LE] = "le",       [FL_OP_GT] = "gt",
    [FL_OP_GE] = "ge",           [FL_OP_IN] = "in",       [FL_OP_CONTAINS] = "contains-str",
    [FL_OP_STARTS] = "starts",   [FL_OP_ENDS] = "ends",
};

const char *flowlog__op_name(unsigned op) { return op_names[op]; }

/* In quotes, quotes inside and backslashes behind a backslash. */
static void put_string(struct fl_sink *s, flowlog_str text)
{
    flowlog__sink_text(s, "\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\') flowlog__sink_text(s, "\\");
        flowlog__sink_put(s, text.ptr + i, 1);
    }
    flowlog__sink_text(s, "\"");
}

static void put_plain_name(struct fl_sink *s, const char *name)
{
    const int plain =
        name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")] == '\0';
    if (!plain) flowlog__sink_text(s, "`");
    flowlog__sink_text(s, name);
    if (!plain) flowlog__sink_text(s, "`");
}

static void put_operand(struct fl_sink *s, const struct fl_tree *t, const struct fl_node *n)
{
    const struct fl_ref *r = &t->ref[n->field];
    switch (n->form) {
    case FL_FORM_DURATION: flowlog__sink_text(s, "(sub end start)"); return;
    case FL_FORM_BPP: flowlog__sink_text(s, "(fdiv bytes packets)"); return;
    case FL_FORM_BPS: flowlog__sink_text(s, "(fdiv (mul bytes 8) (sub end start))"); return;
    default: break;
    }
    if (n->form == FL_FORM_PART) { /* of times as SQL has them: @ts is start */
        flowlog__sink_text(s, "(extract ");
        flowlog__sink_text(s, flowlog__part_info((uint32_t)n->mask)->field);
        if (r->field == FLOWLOG_FIELD_START) {
            flowlog__sink_text(s, " @ts)");
            return;
        }
        flowlog__sink_text(s, " (from-unix ");
    }
    if (n->form == FL_FORM_BITS) flowlog__sink_text(s, "(bit-and ");
    if (r->field)
        flowlog__sink_text(s, flowlog_field_get(r->field)->underscore);
    else
        put_plain_name(s, t->chars + r->name);
    if (n->form == FL_FORM_PART) flowlog__sink_text(s, "))");
    if (n->form != FL_FORM_BITS) return;
    flowlog__sink_text(s, " ");
    flowlog__sink_number(s, n->mask);
    flowlog__sink_text(s, ")");
}

static void put_values(struct fl_sink *s, const struct fl_tree *t, const struct fl_node *n)
{
    const uint64_t *words = t->word + n->at;
    if (n->items) {
        for (uint32_t i = 0; i < n->items; i++) {
            if (i) flowlog__sink_text(s, " ");
            put_string(s, flowlog__node_text(t, n, i));
        }
    } else if (n->type == FLOWLOG_TYPE_ADDR) {
        put_set(s, n, words, 0);
    } else if (n->op == FL_OP_IN) {
        put_pairs(s, n->type, words, n->count / 2);
    } else {
        put_value(s, n->form == FL_FORM_FIELD ? n->type : 0, n->number);
    }
}

static void put_node(struct fl_sink *s, const struct fl_tree *t, uint32_t id)
{
    const struct fl_node *n = &t->node[id];
    if (n->op <= FL_OP_TRUE) {
        flowlog__sink_text(s, op_names[n->op]);
        return;
    }
    const int network = n->op == FL_OP_IN && n->type == FLOWLOG_TYPE_ADDR && is_network(t->word + n->at);
    flowlog__sink_text(s, "(");
    flowlog__sink_text(s, network ? "in-cidr" : op_names[n->op]);
    flowlog__sink_text(s, " ");
    if (n->op <= FL_OP_NOT) {
        for (uint32_t i = 0; i < n->count; i++) {
            if (i) flowlog__sink_text(s, " ");
            put_node(s, t, (uint32_t)t->word[n->at + i]);
        }
    } else {
        put_operand(s, t, n);
        if (n->op != FL_OP_IS_NULL) {
            flowlog__sink_text(s, " ");
            put_values(s, t, n);
        }
    }
    flowlog__sink_text(s, ")");
}

size_t flowlog_filter_print(const flowlog_filter *filter, char *text, size_t cap)
{
    struct fl_sink s = {text, cap, 0};
    if (filter && filter->tree.root != FL_NODE_TRUE) put_node(&s, &filter->tree, filter->tree.root);
    return flowlog__sink_end(&s);
}

/* --- the language again -------------------------------------------------------------------------------------- */

static void write_string(struct fl_sink *s, flowlog_str text)
{
    flowlog__sink_text(s, "\"");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') flowlog__sink_text(s, "\"");
        flowlog__sink_put(s, text.ptr + i, 1);
    }
    flowlog__sink_text(s, "\"");
}

static void write_operand(struct fl_sink *s, const struct fl_tree *t, const struct fl_node *n)
{
    static const char *const forms[] = {
        [FL_FORM_DURATION] = "duration", [FL_FORM_BPP] = "bpp", [FL_FORM_BPS] = "bps"};
    const struct fl_ref *r = &t->ref[n->field];
    if (n->form >= FL_FORM_DURATION) {
        flowlog__sink_text(s, forms[n->form]);
        return;
    }
    if (n->form == FL_FORM_PART) {
        flowlog__sink_text(s, flowlog__part_info((uint32_t)n->mask)->word);
        if (r->field == FLOWLOG_FIELD_START) return;
        flowlog__sink_text(s, "(");
    }
    if (!r->field) flowlog__sink_text(s, "`");
    flowlog__sink_text(s, t->chars + r->name);
    if (!r->field) flowlog__sink_text(s, "`");
    if (n->form == FL_FORM_PART) flowlog__sink_text(s, ")");
}

static void write_flags(struct fl_sink *s, uint64_t mask)
{
    flowlog__sink_text(s, "flags ");
    for (unsigned i = 0; i < 6; i++)
        if (mask >> i & 1) flowlog__sink_put(s, &"FSRPAU"[i], 1);
}

static void write_leaf(struct fl_sink *s, const struct fl_tree *t, const struct fl_node *n)
{
    static const char *const signs[] = {
        [FL_OP_EQ] = " = ",      [FL_OP_NE] = " != ",   [FL_OP_LT] = " < ",   [FL_OP_LE] = " <= ",
        [FL_OP_GT] = " > ",      [FL_OP_GE] = " >= ",   [FL_OP_IN] = " in [", [FL_OP_CONTAINS] = " ~ ",
        [FL_OP_STARTS] = " ^= ", [FL_OP_ENDS] = " $= ",
    };
    if (n->form == FL_FORM_BITS) {
        write_flags(s, n->mask);
        return;
    }
    write_operand(s, t, n);
    if (n->op == FL_OP_IS_NULL) {
        flowlog__sink_text(s, " is null");
        return;
    }
    flowlog__sink_text(s, signs[n->op]);
    if (n->items) {
        for (uint32_t i = 0; i < n->items; i++) {
            if (i) flowlog__sink_text(s, " ");
            write_string(s, flowlog__node_text(t, n, i));
        }
    } else if (n->type == FLOWLOG_TYPE_ADDR) {
        put_set(s, n, t->word + n->at, 1);
    } else {
        put_values(s, t, n);
    }
    if (n->op == FL_OP_IN) flowlog__sink_text(s, "]");
}

static void write_node(struct fl_sink *s, const struct fl_tree *t, uint32_t id, int inner)
{
    const struct fl_node *n = &t->node[id];
    if (n->op <= FL_OP_TRUE) {
        flowlog__sink_text(s, op_names[n->op]);
    } else if (n->op == FL_OP_NOT) {
        flowlog__sink_text(s, "not ");
        write_node(s, t, (uint32_t)t->word[n->at], 2);
    } else if (n->op == FL_OP_AND || n->op == FL_OP_OR) {
        const int parentheses = inner > (n->op == FL_OP_AND);
        if (parentheses) flowlog__sink_text(s, "(");
        for (uint32_t i = 0; i < n->count; i++) {
            if (i) flowlog__sink_text(s, n->op == FL_OP_AND ? " and " : " or ");
            write_node(s, t, (uint32_t)t->word[n->at + i], n->op == FL_OP_AND ? 1 : 0);
        }
        if (parentheses) flowlog__sink_text(s, ")");
    } else {
        write_leaf(s, t, n);
    }
}

size_t flowlog__filter_text(const flowlog_filter *filter, char *text, size_t cap)
{
    struct fl_sink s = {text, cap, 0};
    if (filter && filter->tree.root != FL_NODE_TRUE) write_node(&s, &filter->tree, filter->tree.root, 0);
    return flowlog__sink_end(&s);
}
