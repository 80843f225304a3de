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

/* The records of a store: those of group g begin at state[g * words]. */
struct fl_records {
    uint64_t *state;
    size_t words;
};

struct fl_agg_op {
    uint32_t words;
    /* Add rows[i] to groups[i] for i in 0..n.  Returns n, or the i whose group is now beyond 64 bits. */
    uint32_t (*update)(struct fl_records records, const struct fl_agg *agg, const flowlog_batch *batch,
                       const uint32_t *groups, const uint32_t *rows, uint32_t n);
    /* The value of a finished record. */
    uint64_t (*finish)(const uint64_t *words);
};

/* NULL for a kind that does not exist. */
const struct fl_agg_op *flowlog__agg_op(uint32_t kind);

#endif
