/* SPDX-License-Identifier: MIT */
/*
 * tree.c - see tree.h: growing a tree.  A node is looked up before it is made, so that comparing two conditions is
 * comparing two numbers.
 */
#include "expr/tree.h"

#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"
#include "expr/internal.h"
#include "schema/catalogue.h"

/* Room for one more beyond `count`; entries of `size` bytes.  1, or 0 when memory ran out. */
static int grow(struct fl_builder *b, void *array, uint32_t *cap, uint64_t need, size_t size)
{
    if (need <= *cap) return !b->failed;
    uint64_t more = *cap ? (uint64_t)*cap * 2 : 32;
    while (more < need) more *= 2;
    void *old;
    memcpy(&old, array, sizeof old);
    void *p = more > UINT32_MAX / 2 || more > SIZE_MAX / size
                  ? NULL
                  : flowlog__resize(&b->alloc, old, (size_t)*cap * size, (size_t)more * size);
    if (!p) {
        b->failed = 1;
        return 0;
    }
    memcpy(array, &p, sizeof p);
    *cap = (uint32_t)more;
    return !b->failed;
}

void flowlog__builder_init(struct fl_builder *b, const flowlog_alloc *alloc)
{
    memset(b, 0, sizeof *b);
    b->alloc = *alloc;
    static const struct fl_node none = {0};
    if (!grow(b, &b->node, &b->node_cap, 1, sizeof *b->node) || !flowlog__tree_reserve(b, 0)) return;
    b->node[0] = none;
    b->nodes = 1;
    struct fl_node n = {.op = FL_OP_FALSE};
    flowlog__tree_node(b, n, 0);
    n.op = FL_OP_TRUE;
    flowlog__tree_node(b, n, 0);
}

void flowlog__builder_free(struct fl_builder *b)
{
    flowlog__release(&b->alloc, b->node, b->node_cap * sizeof *b->node);
    flowlog__release(&b->alloc, b->mark, b->mark_cap * sizeof *b->mark);
    flowlog__release(&b->alloc, b->word, b->word_cap * sizeof *b->word);
    flowlog__release(&b->alloc, b->ref, b->ref_cap * sizeof *b->ref);
    flowlog__release(&b->alloc, b->chars, b->char_cap);
    flowlog__release(&b->alloc, b->slot, b->slots * sizeof *b->slot);
    flowlog__release(&b->alloc, b->stack, b->stack_cap * sizeof *b->stack);
}

int flowlog__tree_push(struct fl_builder *b, uint64_t value)
{
    if (!grow(b, &b->stack, &b->stack_cap, (uint64_t)b->stack_len + 1, sizeof *b->stack)) return 0;
    b->stack[b->stack_len++] = value;
    return 1;
}

uint64_t *flowlog__tree_reserve(struct fl_builder *b, size_t count)
{
    if (!grow(b, &b->word, &b->word_cap, (uint64_t)b->words + count + 1, sizeof *b->word)) return NULL;
    return b->word + b->words;
}

int flowlog__tree_push_text(struct fl_builder *b, const char *text, size_t len)
{
    const size_t words = (len + 7) / 8;
    if (!grow(b, &b->stack, &b->stack_cap, (uint64_t)b->stack_len + 1 + words, sizeof *b->stack))
        return 0;
    uint64_t *p = b->stack + b->stack_len;
    memset(p, 0, (words + 1) * sizeof *p);
    p[0] = len;
    if (len) memcpy(p + 1, text, len);
    b->stack_len += (uint32_t)words + 1;
    return 1;
}

/* --- equal nodes are one ------------------------------------------------------------------------------------- */

static uint64_t hash_node(const struct fl_builder *b, const struct fl_node *n)
{
    uint64_t h = fl_hash_u64((uint64_t)n->op << 48 | (uint64_t)n->form << 40 | (uint64_t)n->field << 20 |
                             n->type);
    h = fl_hash_u64(h ^ n->number);
    h = fl_hash_u64(h ^ n->mask ^ (uint64_t)n->count << 32);
    for (uint32_t i = 0; i < n->count; i++) h = fl_hash_u64(h ^ b->word[n->at + i]);
    return h;
}

static int same_node(const struct fl_builder *b, const struct fl_node *x, const struct fl_node *y)
{
    return x->op == y->op && x->form == y->form && x->type == y->type && x->field == y->field &&
           x->number == y->number && x->mask == y->mask && x->count == y->count &&
           x->items == y->items &&
           (!x->count || !memcmp(b->word + x->at, b->word + y->at, x->count * sizeof *b->word));
}

static int rehash(struct fl_builder *b)
{
    const uint32_t slots = b->slots ? b->slots * 2 : 64;
    uint32_t *slot = flowlog__alloc_zero(&b->alloc, slots * sizeof *slot);
    if (!slot) {
        b->failed = 1;
        return 0;
    }
    for (uint32_t id = 1; id < b->nodes; id++) {
        uint32_t i = (uint32_t)hash_node(b, &b->node[id]) & (slots - 1);
        while (slot[i]) i = (i + 1) & (slots - 1);
        slot[i] = id;
    }
    flowlog__release(&b->alloc, b->slot, b->slots * sizeof *b->slot);
    b->slot = slot;
    b->slots = slots;
    return 1;
}

/* What one row costs about, in units of a comparison of numbers. */
static uint8_t cost_of(const struct fl_node *n)
{
    if (n->op <= FL_OP_TRUE) return 0;
    if (n->op == FL_OP_IS_NULL) return 1;
    if (n->form >= FL_FORM_DURATION) return 12;
    if (n->form == FL_FORM_PART) return 6;
    if (n->op == FL_OP_IN && n->type != FLOWLOG_TYPE_ENUM) return n->count > 16 ? 16 : 8;
    if (n->op >= FL_OP_CONTAINS && n->type != FLOWLOG_TYPE_ENUM) return 40;
    switch (n->type) {
    case FLOWLOG_TYPE_ENUM: return 1;
    case FLOWLOG_TYPE_U32: return 2;
    case FLOWLOG_TYPE_TEXT: return 20;
    default: return 3;
    }
}

static uint8_t cost_of_join(const struct fl_builder *b, const struct fl_node *n)
{
    uint32_t sum = 1;
    for (uint32_t i = 0; i < n->count && sum < 255; i++) sum += b->node[b->word[n->at + i]].cost;
    return (uint8_t)(sum < 255 ? sum : 255);
}

uint32_t flowlog__tree_node(struct fl_builder *b, struct fl_node n, uint32_t count)
{
    if (b->failed || ((uint64_t)b->nodes * 2 >= b->slots && !rehash(b))) return 0;
    n.at = b->words;
    n.count = count;
    uint32_t i = (uint32_t)hash_node(b, &n) & (b->slots - 1);
    for (; b->slot[i]; i = (i + 1) & (b->slots - 1))
        if (same_node(b, &b->node[b->slot[i]], &n)) return b->slot[i];
    if (!grow(b, &b->node, &b->node_cap, (uint64_t)b->nodes + 1, sizeof n)) return 0;
    n.cost = n.op >= FL_OP_AND && n.op <= FL_OP_NOT ? cost_of_join(b, &n) : cost_of(&n);
    b->node[b->nodes] = n;
    b->slot[i] = b->nodes;
    b->words += count;
    return b->nodes++;
}

/* --- fields -------------------------------------------------------------------------------------------------- */

static uint32_t add_ref(struct fl_builder *b, uint32_t field, uint8_t type, const char *name, size_t len)
{
    if (!grow(b, &b->ref, &b->ref_cap, (uint64_t)b->refs + 1, sizeof *b->ref) ||
        !grow(b, &b->chars, &b->char_cap, (uint64_t)b->char_count + len + 1, 1))
        return 0;
    memcpy(b->chars + b->char_count, name, len);
    b->chars[b->char_count + len] = '\0';
    b->ref[b->refs] = (struct fl_ref){(uint16_t)field, type, b->char_count, (uint32_t)len};
    b->char_count += (uint32_t)len + 1;
    return b->refs++;
}

uint32_t flowlog__tree_field(struct fl_builder *b, uint32_t field)
{
    for (uint32_t i = 0; i < b->refs; i++)
        if (b->ref[i].field == field) return i;
    const flowlog_field_info *info = flowlog_field_get(field);
    return add_ref(b, field, info->type, info->name, strlen(info->name));
}

int flowlog__same_name(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len) return 0;
    for (size_t i = 0; i < a_len; i++)
        if (fl_ascii_lower(a[i]) != fl_ascii_lower(b[i]) &&
            !(fl_ascii_is_hyphen(a[i]) && fl_ascii_is_hyphen(b[i])))
            return 0;
    return 1;
}

uint32_t flowlog__tree_named(struct fl_builder *b, const char *name, size_t len)
{
    for (uint32_t i = 0; i < b->refs; i++)
        if (!b->ref[i].field &&
            flowlog__same_name(b->chars + b->ref[i].name, b->ref[i].name_len, name, len))
            return i;
    return add_ref(b, 0, FLOWLOG_TYPE_TEXT, name, len);
}

/* --- logic --------------------------------------------------------------------------------------------------- */

/* Operands base..end of the stack, flat and each once, are put behind `end`; 0: one of them decides alone. */
static int flatten(struct fl_builder *b, enum fl_op op, uint32_t base, uint32_t end)
{
    const uint32_t neutral = op == FL_OP_AND ? FL_NODE_TRUE : FL_NODE_FALSE;
    const uint32_t deciding = op == FL_OP_AND ? FL_NODE_FALSE : FL_NODE_TRUE;
    b->stamp++;
    for (uint32_t i = base; i < end; i++) {
        const uint32_t id = (uint32_t)b->stack[i];
        const int same = b->node[id].op == op;
        const uint32_t count = same ? b->node[id].count : 1;
        for (uint32_t k = 0; k < count; k++) {
            const uint32_t x = same ? (uint32_t)b->word[b->node[id].at + k] : id;
            if (x == deciding) return 0;
            if (x == neutral || b->mark[x] == b->stamp) continue;
            b->mark[x] = b->stamp;
            if (!flowlog__tree_push(b, x)) return 0;
        }
    }
    return 1;
}

uint32_t flowlog__tree_join(struct fl_builder *b, enum fl_op op, uint32_t base)
{
    const uint32_t end = b->stack_len, had = b->mark_cap;
    if (!grow(b, &b->mark, &b->mark_cap, b->nodes, sizeof *b->mark)) return 0;
    memset(b->mark + had, 0, (b->mark_cap - had) * sizeof *b->mark);
    uint32_t id = op == FL_OP_AND ? FL_NODE_FALSE : FL_NODE_TRUE;
    if (flatten(b, op, base, end)) {
        const uint32_t count = b->stack_len - end;
        uint64_t *words = flowlog__tree_reserve(b, count);
        if (!count) {
            id = op == FL_OP_AND ? FL_NODE_TRUE : FL_NODE_FALSE;
        } else if (count == 1) {
            id = (uint32_t)b->stack[end];
        } else if (words) {
            memcpy(words, b->stack + end, count * sizeof *words);
            id = flowlog__tree_node(b, (struct fl_node){.op = (uint8_t)op}, count);
        }
    }
    b->stack_len = base;
    return b->failed ? 0 : id;
}

uint32_t flowlog__tree_pair(struct fl_builder *b, enum fl_op op, uint32_t x, uint32_t y)
{
    const uint32_t base = b->stack_len;
    if (!flowlog__tree_push(b, x) || !flowlog__tree_push(b, y)) return 0;
    return flowlog__tree_join(b, op, base);
}

uint32_t flowlog__tree_not(struct fl_builder *b, uint32_t x)
{
    uint64_t *word = flowlog__tree_reserve(b, 1);
    if (!word) return 0;
    if (x == FL_NODE_TRUE) return FL_NODE_FALSE;
    if (x == FL_NODE_FALSE) return FL_NODE_TRUE;
    if (b->node[x].op == FL_OP_NOT) return (uint32_t)b->word[b->node[x].at];
    word[0] = x;
    return flowlog__tree_node(b, (struct fl_node){.op = FL_OP_NOT}, 1);
}

uint32_t flowlog__tree_is_null(struct fl_builder *b, uint32_t ref)
{
    if (b->failed) return 0;
    return flowlog__tree_node(
        b, (struct fl_node){.op = FL_OP_IS_NULL, .type = b->ref[ref].type, .field = (uint16_t)ref}, 0);
}

/* --- copies -------------------------------------------------------------------------------------------------- */

uint32_t flowlog__tree_import(struct fl_builder *b, const struct fl_tree *t, uint32_t id)
{
    if (id <= FL_NODE_TRUE) return id;
    struct fl_node n = t->node[id];
    if (n.op >= FL_OP_AND && n.op <= FL_OP_NOT) {
        const uint32_t base = b->stack_len;
        for (uint32_t i = 0; i < n.count; i++)
            if (!flowlog__tree_push(b, flowlog__tree_import(b, t, (uint32_t)t->word[n.at + i])))
                return 0;
        if (n.op != FL_OP_NOT) return flowlog__tree_join(b, (enum fl_op)n.op, base);
        b->stack_len = base;
        return flowlog__tree_not(b, (uint32_t)b->stack[base]);
    }
    uint64_t *words = flowlog__tree_reserve(b, n.count);
    if (!words) return 0;
    if (n.count) memcpy(words, t->word + n.at, n.count * sizeof *words);
    if (n.form < FL_FORM_DURATION) {
        const struct fl_ref *r = &t->ref[n.field];
        n.field = (uint16_t)(r->field ? flowlog__tree_field(b, r->field)
                                      : flowlog__tree_named(b, t->chars + r->name, r->name_len));
    } else {
        flowlog__tree_derived_fields(b, (enum fl_form)n.form);
    }
    return flowlog__tree_node(b, n, n.count);
}

void flowlog__tree_derived_fields(struct fl_builder *b, enum fl_form form)
{
    if (form != FL_FORM_DURATION) (void)flowlog__tree_field(b, FLOWLOG_FIELD_BYTES);
    if (form == FL_FORM_BPP) {
        (void)flowlog__tree_field(b, FLOWLOG_FIELD_PACKETS);
        return;
    }
    (void)flowlog__tree_field(b, FLOWLOG_FIELD_START);
    (void)flowlog__tree_field(b, FLOWLOG_FIELD_END);
}

struct fl_tree flowlog__builder_tree(const struct fl_builder *b, uint32_t root)
{
    return (struct fl_tree){b->node,  b->word, b->ref,        b->chars, b->nodes,
                            b->words, b->refs, b->char_count, root};
}
