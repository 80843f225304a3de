/* SPDX-License-Identifier: MIT */
/*
 * agg/state.h - what is kept for each group: one record of 64-bit words, a few of them for each aggregate.
 *
 * An aggregate is an entry of a table of operations over its words; a group begins with all words zero.  What does
 * not fit into words (sets, histograms, text) lies in a pool that belongs to all groups, and a word has its handle;
 * 0 is none.
 *
 * Every state is a function of the rows that were added, not of their order, nor of how they were split and merged.
 */
#ifndef FL_AGG_STATE_H
#define FL_AGG_STATE_H

#include "agg/pool.h"
#include "core/buffer.h"
#include "flowlog/batch.h"

enum { FL_AGGS_MAX = 64 };
#define FL_NO_COLUMN UINT32_MAX
#define FL_NO_WHERE UINT32_MAX

struct fl_agg {
    const char *name;  /* for messages; borrowed */
    uint32_t kind;     /* flowlog_agg */
    uint32_t column;   /* in the batches; FL_NO_COLUMN: COUNT of rows */
    uint32_t order;    /* FIRST, LAST: the column of `start` */
    uint32_t where;    /* which selection of rows it takes (groups.h), FL_NO_WHERE: all */
    uint32_t quantile; /* QUANTILE: thousandths of a percent, 99900 for p99.9; 1 .. 100000 */
    uint32_t word;     /* of the record where its words begin */
    uint16_t field;    /* flowlog_field of the column, 0: unknown */
    uint8_t type;      /* flowlog_type of the column */
};

/*
 * Up to FL_CHUNK rows of a batch and where their groups' records begin.  rows is NULL when the rows follow
 * one another from `first` on, which is the usual case and lets loops run over columns as they lie.
 * Rows that do not count have record 0, which no group has: whatever is added there means nothing.
 */
struct fl_update {
    const flowlog_batch *batch;
    const uint32_t *rows;
    uint32_t first, n;
    uint64_t *state;  /* the records of a store */
    const size_t *at; /* [n] indexes into it */
    struct fl_pool *pool;
};

struct fl_agg_op {
    uint32_t words;
    uint8_t heavy; /* 1: its words have handles, so that a record is more than its words */
    uint8_t plain; /* 1: what it finishes to is the number in its only word, never null and never an estimate */
    /*
     * Add each row to its record.  Returns n, or the i at which it stopped; then *status is E_OVERFLOW (the record
     * would exceed 64 bits; it is unchanged) or E_MEMORY.
     */
    uint32_t (*update)(const struct fl_update *u, const struct fl_agg *agg, flowlog_status *status);
    /* Add a record of another pool (or the same).  E_OVERFLOW, E_MEMORY: the first is unchanged. */
    flowlog_status (*merge)(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                            const struct fl_pool *from_pool, const uint64_t *from);
    /* The value of a record, complete with its type; text is borrowed from the pool.  1 if it is an estimate. */
    int (*finish)(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                  flowlog_value *value);
    /* Write the record in the form of partials: the same bytes for the same rows.  Memory: out->failed. */
    void (*save)(const struct fl_agg *agg, const struct fl_pool *pool, const uint64_t *words,
                 struct fl_bytes *out);
    /* Read it into a record of zeros.  E_CORRUPT for anything that save would not have written, E_MEMORY. */
    flowlog_status (*load)(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words,
                           struct fl_cursor *in);
    /* Give back what its words have handles of, before the record is used for another group. */
    void (*clear)(const struct fl_agg *agg, struct fl_pool *pool, uint64_t *words);
};

/* NULL for a kind that does not exist. */
const struct fl_agg_op *flowlog__agg_op(uint32_t kind);

/* flowlog_type of the values that finish gives; 0: this kind cannot take a column of that type. */
uint32_t flowlog__agg_type(uint32_t kind, uint32_t column_type);

#endif
