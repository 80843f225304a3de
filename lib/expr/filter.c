/* SPDX-License-Identifier: MIT */
/* filter.c - a finished filter: one allocation of tree and names; made, joined, copied, asked. */
#include "expr/filter.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "expr/internal.h"

/* The places of the arrays in the one allocation; members are multiples of 8 bytes before those that are not. */
static void place(flowlog_filter *f)
{
    struct fl_tree *t = &f->tree;
    char *p = (char *)f + (sizeof *f + 7) / 8 * 8;
    t->node = (const struct fl_node *)(const void *)p;
    p += t->nodes * sizeof *t->node;
    t->word = (const uint64_t *)(const void *)p;
    p += t->words * sizeof *t->word;
    t->ref = (const struct fl_ref *)(const void *)p;
    p += t->refs * sizeof *t->ref;
    t->chars = p;
    f->names = p + t->char_count;
}

static size_t size_of(const struct fl_tree *t)
{
    return (sizeof(flowlog_filter) + 7) / 8 * 8 + t->nodes * sizeof *t->node +
           t->words * sizeof *t->word + t->refs * sizeof *t->ref + 2 * (size_t)t->char_count + 1;
}

/* A copy of n bytes into memory that the caller has just allocated and nobody else sees as changeable. */
static void fill(const void *to, const void *from, size_t n)
{
    if (n) memcpy((void *)(uintptr_t)to, from, n);
}

static flowlog_filter *pack(const struct fl_tree *t, const flowlog_alloc *alloc)
{
    const size_t len = size_of(t);
    flowlog_filter *f = flowlog__alloc(alloc, len);
    if (!f) return NULL;
    f->alloc = *alloc;
    f->alloc_len = len;
    f->tree = *t;
    place(f);
    fill(f->tree.node, t->node, t->nodes * sizeof *t->node);
    fill(f->tree.word, t->word, t->words * sizeof *t->word);
    fill(f->tree.ref, t->ref, t->refs * sizeof *t->ref);
    fill(f->tree.chars, t->chars, t->char_count);
    f->names_len = 0;
    for (uint32_t i = 0; i < t->refs; i++) {
        if (i) f->names[f->names_len++] = ',';
        memcpy(f->names + f->names_len, t->chars + t->ref[i].name, t->ref[i].name_len);
        f->names_len += t->ref[i].name_len;
    }
    f->names[f->names_len] = '\0';
    return f;
}

/* What `root` needs of b, and no more. */
static flowlog_status finish(struct fl_builder *b, uint32_t root, flowlog_filter **filter)
{
    flowlog_filter *f = NULL;
    if (!b->failed) {
        const struct fl_tree tree = flowlog__builder_tree(b, root);
        f = pack(&tree, &b->alloc);
    }
    flowlog__builder_free(b);
    if (!f) return FLOWLOG_E_MEMORY;
    *filter = f;
    return FLOWLOG_OK;
}

flowlog_status flowlog__filter_pack(const struct fl_tree *tree, uint32_t root,
                                    const flowlog_alloc *alloc, flowlog_filter **filter)
{
    struct fl_builder b;
    flowlog__builder_init(&b, alloc);
    return finish(&b, flowlog__tree_import(&b, tree, root), filter);
}

flowlog_status flowlog_filter_and(const flowlog_filter *x, const flowlog_filter *y,
                                  const flowlog_alloc *alloc, flowlog_filter **filter,
                                  flowlog_error *err)
{
    if (!filter) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "filter is NULL");
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    struct fl_builder b;
    flowlog__builder_init(&b, &a);
    const uint32_t left = x ? flowlog__tree_import(&b, &x->tree, x->tree.root) : FL_NODE_TRUE;
    const uint32_t right = y ? flowlog__tree_import(&b, &y->tree, y->tree.root) : FL_NODE_TRUE;
    const uint32_t both = b.failed ? 0 : flowlog__tree_pair(&b, FL_OP_AND, left, right);
    flowlog_filter *joined = NULL;
    flowlog_status status = FLOWLOG_E_MEMORY;
    if (!b.failed) { /* once more, without what the joining left behind */
        const struct fl_tree tree = flowlog__builder_tree(&b, both);
        status = flowlog__filter_pack(&tree, both, &a, &joined);
    }
    flowlog__builder_free(&b);
    if (status < 0) return FL_FAIL(err, status, "no memory for a condition");
    *filter = joined;
    return FLOWLOG_OK;
}

flowlog_status flowlog__filter_copy(const flowlog_filter *filter, const flowlog_alloc *alloc,
                                    flowlog_filter **copy)
{
    const flowlog_alloc a = flowlog__alloc_or_default(alloc);
    flowlog_filter *f = pack(&filter->tree, &a);
    if (!f) return FLOWLOG_E_MEMORY;
    *copy = f;
    return FLOWLOG_OK;
}

void flowlog_filter_free(flowlog_filter *filter)
{
    if (!filter) return;
    const flowlog_alloc a = filter->alloc;
    flowlog__release(&a, filter, filter->alloc_len);
}

const char *flowlog_filter_fields(const flowlog_filter *filter) { return filter ? filter->names : ""; }

uint32_t flowlog__filter_field_count(const flowlog_filter *filter)
{
    return filter ? filter->tree.refs : 0;
}

const char *flowlog__filter_field_name(const flowlog_filter *filter, uint32_t i)
{
    return filter->tree.chars + filter->tree.ref[i].name;
}

uint32_t flowlog__filter_field_id(const flowlog_filter *filter, uint32_t i)
{
    return filter->tree.ref[i].field;
}

int flowlog__filter_names_status(const flowlog_filter *filter)
{
    for (uint32_t i = 0; filter && i < filter->tree.refs; i++)
        if (filter->tree.ref[i].field == FLOWLOG_FIELD_LOG_STATUS) return 1;
    return 0;
}

int flowlog__filter_negates(const flowlog_filter *filter)
{
    for (uint32_t i = 0; filter && i < filter->tree.nodes; i++) {
        const struct fl_node *n = &filter->tree.node[i];
        if (n->op == FL_OP_NOT && filter->tree.node[filter->tree.word[n->at]].op != FL_OP_IS_NULL) return 1;
    }
    return 0;
}
