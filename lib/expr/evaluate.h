/* SPDX-License-Identifier: MIT */
/* expr/evaluate.h - between the logic of evaluation (select.c) and its comparisons (evaluate.c). */
#ifndef FL_EXPR_EVALUATE_H
#define FL_EXPR_EVALUATE_H

#include "expr/tree.h"
#include "flowlog/batch.h"
#include "schema/catalogue.h"

/* Fields of one filter: those of the catalogue, and those that a format may have besides. */
enum { FL_REFS_MAX = FL_FIELDS + FLOWLOG_FORMAT_COLUMNS_MAX };

struct fl_evaluation {
    const struct fl_tree *tree;
    const flowlog_batch *batch;
    const flowlog_column **column; /* by index of the field; NULL: the batch lacks it */
    const flowlog_column *bytes, *packets, *start, *end;
};

/* out: the rows of `open` that match the comparison; words from.. of the batch. */
void flowlog__filter_leaf(const struct fl_evaluation *e, const struct fl_node *n, size_t from, size_t words,
                   const uint64_t *open, uint64_t *out);

#endif
