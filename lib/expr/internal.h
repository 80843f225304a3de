/* SPDX-License-Identifier: MIT */
/* expr/internal.h - what the files of this folder share beyond tree.h. */
#ifndef FL_EXPR_INTERNAL_H
#define FL_EXPR_INTERNAL_H

#include "expr/tree.h"
#include "flowlog/filter.h"

/* One allocation: this struct, the arrays of the tree, the names of the fields. */
struct flowlog_filter {
    flowlog_alloc alloc;
    size_t alloc_len;
    struct fl_tree tree;
    char *names; /* of the fields, separated by commas; NUL-terminated */
    size_t names_len;
};

/* A filter of what is below `root` and nothing else.  E_MEMORY. */
flowlog_status flowlog__filter_pack(const struct fl_tree *tree, uint32_t root,
                                    const flowlog_alloc *alloc, flowlog_filter **filter);

/*
 * flowlog_filter_parse for text that flowlog__filter_text wrote: longer than users may write, and deeper by what
 * the words for either side stood for.
 */
enum { FL_LOAD_TEXT_MAX = 1 << 24, FL_LOAD_DEPTH_MAX = FLOWLOG_FILTER_DEPTH_MAX + 8 };

/* Room for `count` words behind the others; NULL when memory ran out. */
uint64_t *flowlog__tree_reserve(struct fl_builder *b, size_t count);
/* The node with the `count` words that were written there: one that exists, or a new one.  0: no memory. */
uint32_t flowlog__tree_node(struct fl_builder *b, struct fl_node n, uint32_t count);

/* The fields that a derived form reads become fields of the tree. */
void flowlog__tree_derived_fields(struct fl_builder *b, enum fl_form form);

/* Equal but for letter case, hyphens and underscores. */
int flowlog__same_name(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
