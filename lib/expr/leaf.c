/* SPDX-License-Identifier: MIT */
/* leaf.c - see tree.h: comparisons of one field with constants, folded where the field cannot have such values. */
#include <string.h>

#include "core/alloc.h"
#include "core/calendar.h"
#include "expr/internal.h"
#include "expr/sets.h"
#include "schema/enums.h"

/* The smallest and the largest value that there can be, of a field those that decoding lets through; times: any. */
static uint64_t smallest(enum fl_form form, uint64_t mask)
{
    return form == FL_FORM_PART ? flowlog__part_info((uint32_t)mask)->min : 0;
}

static uint64_t largest(enum fl_form form, const struct fl_ref *r, uint64_t mask)
{
    if (form == FL_FORM_PART) return flowlog__part_info((uint32_t)mask)->max;
    switch (r->field) {
    case FLOWLOG_FIELD_SRCPORT:
    case FLOWLOG_FIELD_DSTPORT: return 65535;
    case FLOWLOG_FIELD_PROTOCOL: return 255;
    default: return r->type == FLOWLOG_TYPE_U32 ? UINT32_MAX : UINT64_MAX;
    }
}

static uint32_t not_null(struct fl_builder *b, uint32_t ref)
{
    return flowlog__tree_not(b, flowlog__tree_is_null(b, ref));
}

/* FALSE, or 2: true wherever there is a value; or 0: it depends. */
static int decided(enum fl_op op, uint64_t number, uint64_t min, uint64_t max)
{
    const int beyond = number < min || number > max;
    switch (op) {
    case FL_OP_EQ: return beyond ? FL_NODE_FALSE : 0;
    case FL_OP_NE: return beyond ? 2 : 0;
    case FL_OP_LT: return number <= min ? FL_NODE_FALSE : number > max ? 2 : 0;
    case FL_OP_LE: return number < min ? FL_NODE_FALSE : number >= max ? 2 : 0;
    case FL_OP_GT: return number >= max ? FL_NODE_FALSE : number < min ? 2 : 0;
    default: return number <= min ? 2 : number > max ? FL_NODE_FALSE : 0;
    }
}

uint32_t flowlog__tree_number(struct fl_builder *b, enum fl_form form, uint32_t ref, uint64_t mask,
                              enum fl_op op, uint64_t number)
{
    if (b->failed) return 0;
    struct fl_node n = {.op = (uint8_t)op, .form = (uint8_t)form, .number = number, .mask = mask};
    if (form >= FL_FORM_DURATION) {
        n.type = form == FL_FORM_DURATION ? FLOWLOG_TYPE_TIME : FLOWLOG_TYPE_U64;
        flowlog__tree_derived_fields(b, form);
        return flowlog__tree_node(b, n, 0);
    }
    n.type = form == FL_FORM_PART ? (uint8_t)FLOWLOG_TYPE_U32 : b->ref[ref].type;
    n.field = (uint16_t)ref;
    const int known =
        form == FL_FORM_BITS ? 0 : decided(op, number, smallest(form, mask), largest(form, &b->ref[ref], mask));
    if (known == FL_NODE_FALSE) return FL_NODE_FALSE;
    return known ? not_null(b, ref) : flowlog__tree_node(b, n, 0);
}

uint32_t flowlog__tree_number_range(struct fl_builder *b, enum fl_form form, uint32_t ref, uint64_t mask,
                                    uint64_t from, uint64_t to)
{
    if (b->failed) return 0;
    const uint64_t min = smallest(form, mask), max = largest(form, &b->ref[ref], mask);
    const int low = from > min, high = to < max; /* which ends say anything */
    const uint32_t x = low || !high ? flowlog__tree_number(b, form, ref, mask, FL_OP_GE, from) : FL_NODE_TRUE;
    const uint32_t y = high ? flowlog__tree_number(b, form, ref, mask, FL_OP_LE, to) : FL_NODE_TRUE;
    return flowlog__tree_pair(b, FL_OP_AND, x, y);
}

uint32_t flowlog__tree_number_in(struct fl_builder *b, enum fl_form form, uint32_t ref, uint64_t mask,
                                 uint32_t base)
{
    if (b->failed) return 0;
    const uint64_t min = smallest(form, mask), max = largest(form, &b->ref[ref], mask);
    size_t count = (b->stack_len - base) / 2, n = 0;
    uint64_t *p = flowlog__tree_reserve(b, 2 * count);
    if (!p) return 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t from = b->stack[base + 2 * i], to = b->stack[base + 2 * i + 1];
        if (from > max || to < min) continue;
        p[2 * n] = from > min ? from : min;
        p[2 * n++ + 1] = to < max ? to : max;
    }
    if (!n) return FL_NODE_FALSE;
    n = flowlog__merge_numbers(p, n);
    if (n == 1 && p[0] == p[1]) return flowlog__tree_number(b, form, ref, mask, FL_OP_EQ, p[0]);
    if (n == 1 && p[0] == min && p[1] == max) return not_null(b, ref);
    const uint8_t type = form == FL_FORM_PART ? (uint8_t)FLOWLOG_TYPE_U32 : b->ref[ref].type;
    const struct fl_node node = {
        .op = FL_OP_IN, .form = (uint8_t)form, .type = type, .field = (uint16_t)ref, .mask = mask};
    return flowlog__tree_node(b, node, (uint32_t)(2 * n));
}

/* --- addresses ----------------------------------------------------------------------------------------------- */

/* The addresses up to, or from, one address: IPv4 comes before IPv6.  Changes r, may add a second range. */
static size_t open_range(uint64_t r[2 * FL_RANGE_WORDS], enum fl_op op)
{
    const uint64_t family = r[0], high = r[1], low = r[2];
    uint64_t *const other = r + FL_RANGE_WORDS;
    const uint64_t max_high = family == 6 ? UINT64_MAX : 0,
                   max_low = family == 6 ? UINT64_MAX : UINT32_MAX;
    size_t n = 1;
    if (op == FL_OP_LT || op == FL_OP_LE) {
        r[1] = r[2] = 0;
        r[3] = op == FL_OP_LT && low == 0 ? high - 1 : high;
        r[4] = op == FL_OP_LT ? low - 1 : low;
        if (op == FL_OP_LT && !high && !low) n = 0;
        if (family == 6)
            memcpy(r + n++ * FL_RANGE_WORDS, (const uint64_t[]){4, 0, 0, 0, UINT32_MAX},
                   sizeof *r * FL_RANGE_WORDS);
        return n;
    }
    if (op == FL_OP_GT) {
        if (high == max_high && low == max_low) n = 0;
        r[2] = low + 1;
        r[1] = high + (r[2] == 0);
    }
    r[3] = max_high;
    r[4] = max_low;
    if (family == 4) {
        memcpy(other, (const uint64_t[]){6, 0, 0, UINT64_MAX, UINT64_MAX}, sizeof *r * FL_RANGE_WORDS);
        if (n == 0) memcpy(r, other, sizeof *r * FL_RANGE_WORDS);
        n++;
    }
    return n;
}

/* Merged ranges in the layout of a set; the words it takes. */
static uint32_t pack_set(uint64_t *set, const uint64_t *ranges, size_t count)
{
    uint64_t n4 = 0;
    while (n4 < count && ranges[n4 * FL_RANGE_WORDS] == 4) n4++;
    uint64_t *p = set;
    *p++ = n4 << 32 | (count - n4);
    for (size_t i = 0; i < count; i++) {
        const uint64_t *r = ranges + i * FL_RANGE_WORDS;
        if (i < n4) {
            *p++ = r[2] << 32 | r[4];
        } else {
            memcpy(p, r + 1, 4 * sizeof *p);
            p += 4;
        }
    }
    return (uint32_t)(p - set);
}

static int is_single(const uint64_t *r) { return r[1] == r[3] && r[2] == r[4]; }

static int is_everything(const uint64_t *r, size_t n)
{
    return n == 2 && !r[1] && !r[2] && r[4] == UINT32_MAX && r[5] == 6 && !r[6] && !r[7] &&
           r[8] == UINT64_MAX && r[9] == UINT64_MAX;
}

uint32_t flowlog__tree_address(struct fl_builder *b, uint32_t ref, enum fl_op op, uint32_t base)
{
    if (b->failed) return 0;
    size_t count = (b->stack_len - base) / FL_RANGE_WORDS;
    const size_t words = (count + 1) * FL_RANGE_WORDS;
    uint64_t *p = flowlog__tree_reserve(b, 2 * words + 1), *ranges = p ? p + words : NULL;
    if (!p) return 0;
    memcpy(ranges, b->stack + base, count * FL_RANGE_WORDS * sizeof *p);
    if (op >= FL_OP_LT && op <= FL_OP_GE) count = open_range(ranges, op);
    count = flowlog__merge_ranges(ranges, count);
    if (!count) return FL_NODE_FALSE;
    if (is_everything(ranges, count)) return not_null(b, ref);
    if (op == FL_OP_LT) op = FL_OP_LE;
    if (op == FL_OP_GT) op = FL_OP_GE;
    if (op == FL_OP_NE && !is_single(ranges)) /* of a network: there is a value, and it is not in it */
        return flowlog__tree_pair(b, FL_OP_AND, not_null(b, ref),
                                  flowlog__tree_not(b, flowlog__tree_address(b, ref, FL_OP_IN, base)));
    if (op == FL_OP_EQ || op == FL_OP_IN) op = count == 1 && is_single(ranges) ? FL_OP_EQ : FL_OP_IN;
    const struct fl_node node = {.op = (uint8_t)op, .type = FLOWLOG_TYPE_ADDR, .field = (uint16_t)ref};
    return flowlog__tree_node(b, node, pack_set(p, ranges, count));
}

/* --- text ---------------------------------------------------------------------------------------------------- */

/* 1 if the text has the item in it.  Its first and its last byte are looked at before all of it. */
static int contains(const char *text, size_t len, flowlog_str item)
{
    if (!item.len || item.len > len) return !item.len;
    const char first = item.ptr[0], last = item.ptr[item.len - 1], *const end = text + (len - item.len);
    for (const char *p = text; p <= end; p++)
        if (*p == first && p[item.len - 1] == last && !memcmp(p, item.ptr, item.len)) return 1;
    return 0;
}

int flowlog__text_matches(const struct fl_tree *t, const struct fl_node *n, const char *text, size_t len)
{
    const flowlog_str value = {text, len}, item = flowlog__node_text(t, n, 0);
    switch (n->op) {
    case FL_OP_CONTAINS: return contains(text, len, item);
    case FL_OP_STARTS: return len >= item.len && !memcmp(text, item.ptr, item.len);
    case FL_OP_ENDS: return len >= item.len && !memcmp(text + len - item.len, item.ptr, item.len);
    case FL_OP_IN: break;
    default: {
        if (n->op <= FL_OP_NE && item.len != len) return n->op == FL_OP_NE;
        const int order = flowlog__compare_text(value, item);
        switch (n->op) {
        case FL_OP_EQ: return order == 0;
        case FL_OP_NE: return order != 0;
        case FL_OP_LT: return order < 0;
        case FL_OP_LE: return order <= 0;
        case FL_OP_GT: return order > 0;
        default: return order >= 0;
        }
    }
    }
    uint32_t from = 0, to = n->items;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        const int order = flowlog__compare_text(value, flowlog__node_text(t, n, middle));
        if (!order) return 1;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return 0;
}

/* Tokens that AWS is known to use are spelt as AWS does, whatever their letter case here. */
static flowlog_str canonical(const struct fl_ref *r, enum fl_op op, flowlog_str s)
{
    const uint32_t code = r->type == FLOWLOG_TYPE_ENUM && op < FL_OP_CONTAINS
                              ? flowlog_enum_code(r->field, s.ptr, s.len)
                              : 0;
    return code ? flowlog__enum_set(r->field)->names[code - 1] : s;
}

/* The codes that match, and bit 0 if a token without a code could. */
static uint64_t matching_codes(const struct fl_builder *b, const struct fl_node *n, uint32_t field)
{
    const struct fl_tree tree = flowlog__builder_tree(b, 0);
    const struct fl_enum_set *set = flowlog__enum_set(field);
    uint64_t codes = 1;
    for (uint32_t c = 1; set && c <= set->count; c++)
        if (flowlog__text_matches(&tree, n, set->names[c - 1].ptr, set->names[c - 1].len))
            codes |= UINT64_C(1) << c;
    if (n->op != FL_OP_EQ && n->op != FL_OP_IN) return codes;
    for (uint32_t i = 0; i < n->items; i++) {
        const flowlog_str s = flowlog__node_text(&tree, n, i);
        if (!flowlog_enum_code(field, s.ptr, s.len)) return codes;
    }
    return codes & ~UINT64_C(1);
}

static uint32_t pack_texts(uint64_t *p, const flowlog_str *texts, size_t count)
{
    size_t at = count;
    for (size_t i = 0; i < count; i++) {
        const size_t words = (texts[i].len + 7) / 8;
        p[i] = at;
        p[at] = texts[i].len;
        memset(p + at + 1, 0, words * sizeof *p);
        if (texts[i].len) memcpy(p + at + 1, texts[i].ptr, texts[i].len);
        at += 1 + words;
    }
    return (uint32_t)at;
}

uint32_t flowlog__tree_text(struct fl_builder *b, uint32_t ref, enum fl_op op, uint32_t base)
{
    size_t items = 0;
    if (b->failed) return 0;
    const struct fl_ref r = b->ref[ref];
    for (size_t i = base; i < b->stack_len; i += 1 + ((size_t)b->stack[i] + 7) / 8) items++;
    if (!items) return FL_NODE_FALSE;
    const size_t words = b->stack_len - base + items;
    flowlog_str *texts = flowlog__alloc_array(&b->alloc, items, sizeof *texts);
    const size_t room = items;
    if (!texts) b->failed = 1;
    size_t at = base;
    for (size_t i = 0; texts && i < items; i++) {
        const flowlog_str s = {(const char *)(b->stack + at + 1), (size_t)b->stack[at]};
        texts[i] = canonical(&r, op, s);
        at += 1 + (s.len + 7) / 8;
    }
    if (texts) items = flowlog__merge_texts(texts, items);
    if (op == FL_OP_IN && items == 1) op = FL_OP_EQ;
    struct fl_node n = {
        .op = (uint8_t)op, .type = r.type, .field = (uint16_t)ref, .items = (uint32_t)items};
    uint64_t *p = texts ? flowlog__tree_reserve(b, words) : NULL;
    if (p) n.count = pack_texts(p, texts, items);
    const int empty = texts && op >= FL_OP_CONTAINS && !texts[0].len;
    flowlog__release(&b->alloc, texts, room * sizeof *texts);
    if (!p) return 0;
    if (empty) return not_null(b, ref);
    n.at = b->words;
    if (r.type == FLOWLOG_TYPE_ENUM) n.number = matching_codes(b, &n, r.field);
    return flowlog__tree_node(b, n, n.count);
}
