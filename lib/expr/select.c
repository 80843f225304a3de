/* SPDX-License-Identifier: MIT */
/*
 * select.c - a tree over the columns of a batch: which rows match, 64 to a word.
 *
 * Work goes by chunks of rows.  Each node is told which rows are still open and answers for those; and/or ask their
 * cheap operands first and stop as soon as no row is open.  Cheap comparisons do 64 rows without a branch, dear ones
 * only the open rows.
 */
#include <string.h>

#include "core/bytes.h"
#include "core/error.h"
#include "expr/evaluate.h"
#include "expr/internal.h"

enum { CHUNK = 16, ORDERED = 16 };

static void node_of(const struct fl_evaluation *e, uint32_t id, size_t from, size_t words,
                    const uint64_t *open, uint64_t *out);

static uint64_t any_of(const uint64_t *v, size_t words)
{
    uint64_t any = 0;
    for (size_t w = 0; w < words; w++) any |= v[w];
    return any;
}

/* The operands, cheap ones first where they are few; else as written. */
static const uint64_t *by_cost(const struct fl_tree *t, const struct fl_node *n, uint64_t order[ORDERED])
{
    const uint64_t *operands = t->word + n->at;
    if (n->count > ORDERED) return operands;
    for (uint32_t i = 0; i < n->count; i++) {
        uint32_t k = i;
        for (; k > 0 && t->node[order[k - 1]].cost > t->node[operands[i]].cost; k--)
            order[k] = order[k - 1];
        order[k] = operands[i];
    }
    return order;
}

static void join(const struct fl_evaluation *e, const struct fl_node *n, size_t from, size_t words,
                 const uint64_t *open, uint64_t *out)
{
    uint64_t order[ORDERED], left[CHUNK], found[CHUNK];
    const uint64_t *operands = by_cost(e->tree, n, order);
    const int is_and = n->op == FL_OP_AND;
    for (size_t w = 0; w < words; w++) {
        left[w] = open[w];
        out[w] = 0;
    }
    for (uint32_t i = 0; i < n->count && any_of(left, words); i++) {
        node_of(e, (uint32_t)operands[i], from, words, left, found);
        for (size_t w = 0; w < words; w++) {
            out[w] |= found[w];
            left[w] = is_and ? found[w] : left[w] & ~found[w];
        }
    }
    if (!is_and) return;
    for (size_t w = 0; w < words; w++) out[w] = left[w];
}

/* Rows 64 * from and on: out is those of `open` that match. */
static void node_of(const struct fl_evaluation *e, uint32_t id, size_t from, size_t words,
                    const uint64_t *open, uint64_t *out)
{
    const struct fl_node *n = &e->tree->node[id];
    switch (n->op) {
    case FL_OP_FALSE:
    case FL_OP_TRUE:
        for (size_t w = 0; w < words; w++) out[w] = n->op == FL_OP_TRUE ? open[w] : 0;
        return;
    case FL_OP_NOT:
        node_of(e, (uint32_t)e->tree->word[n->at], from, words, open, out);
        for (size_t w = 0; w < words; w++) out[w] = open[w] & ~out[w];
        return;
    case FL_OP_AND:
    case FL_OP_OR: join(e, n, from, words, open, out); return;
    default: flowlog__filter_leaf(e, n, from, words, open, out);
    }
}

/* The columns of the fields; 0 when one has another type than its field. */
static int bind(const struct fl_tree *t, const flowlog_batch *batch, struct fl_evaluation *e)
{
    for (uint32_t i = 0; i < t->refs; i++) {
        const struct fl_ref *r = &t->ref[i];
        const flowlog_column *c = NULL;
        for (uint32_t k = 0; k < batch->columns && !c; k++) {
            const flowlog_column *x = &batch->column[k];
            const int same = r->field ? x->field == r->field
                                      : !x->field && flowlog__same_name(x->name, strlen(x->name),
                                                                        t->chars + r->name, r->name_len);
            if (same) c = x;
        }
        if (c && c->type != r->type) return 0;
        e->column[i] = c;
        if (r->field == FLOWLOG_FIELD_BYTES) e->bytes = c;
        if (r->field == FLOWLOG_FIELD_PACKETS) e->packets = c;
        if (r->field == FLOWLOG_FIELD_START) e->start = c;
        if (r->field == FLOWLOG_FIELD_END) e->end = c;
    }
    return 1;
}

flowlog_status flowlog_filter_select(const flowlog_filter *filter, const flowlog_batch *batch,
                                     uint64_t *selection, uint32_t *matched, flowlog_error *err)
{
    if (!filter || !batch || !selection)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "filter, batch or selection is NULL");
    const struct fl_tree *t = &filter->tree;
    const flowlog_column *column[FL_REFS_MAX];
    struct fl_evaluation e = {t, batch, column, NULL, NULL, NULL, NULL};
    if (t->refs > FL_REFS_MAX)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a condition has too many fields");
    if (!bind(t, batch, &e))
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a column of the batch has the wrong type");
    const size_t words = fl_bit_words(batch->rows);
    uint32_t count = 0;
    for (size_t from = 0; from < words; from += CHUNK) {
        const size_t n = words - from < CHUNK ? words - from : CHUNK;
        uint64_t open[CHUNK];
        for (size_t w = 0; w < n; w++) open[w] = ~UINT64_C(0);
        if (from + n == words) open[n - 1] = fl_low_bits(batch->rows - (unsigned)(words - 1) * 64);
        node_of(&e, t->root, from, n, open, selection + from);
        for (size_t w = 0; w < n; w++) count += fl_popcount64(selection[from + w]);
    }
    if (matched) *matched = count;
    return FLOWLOG_OK;
}
