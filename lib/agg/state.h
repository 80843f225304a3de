/* SPDX-License-Identifier: MIT */
/*
 * agg/state.h - what is kept for each group: one record of 64-bit words, a few of them for each aggregate.
 *
 * An aggregate is an entry of a table of operations over its words; a group begins with all words zero.
 */
#ifndef FL_AGG_STATE_H
#define FL_AGG_STATE_H

#include "flowlog/batch.h"

enum { FL_AGGS_MAX = 64 };

struct fl_agg {
    const char *name; /* for messages; borrowed */
    uint32_t kind;    /* flowlog_agg */
    uint32_t column;  /* in the batches; unused by COUNT */
    uint32_t word;    /* of the record where its words begin */
};

/*
 * Up to FL_CHUNK rows of a batch and where their groups' records begin.  rows is NULL when the rows follow
 * one another from `first` on, which is the usual case and lets loops run over columns as they lie.
 */
struct fl_update {
    const flowlog_batch *batch;
    const uint32_t *rows;
    uint32_t first, n;
    uint64_t *state;  /* the records of a store */
    const size_t *at; /* [n] indexes into it */
};

struct fl_agg_op {
    uint32_t words;
    /* Add each row to its record.  Returns n, or the i whose record would exceed 64 bits. */
    uint32_t (*update)(const struct fl_update *u, const struct fl_agg *agg);
    /* The value of a finished record. */
    uint64_t (*finish)(const uint64_t *words);
};

/* NULL for a kind that does not exist. */
const struct fl_agg_op *flowlog__agg_op(uint32_t kind);

#endif
