/* SPDX-License-Identifier: MIT */
/*
 * read/rows.h - rows of a block to a batch: which rows are records, which of them the filter wants, what their
 * fields are, and which are malformed.
 */
#ifndef FL_READ_ROWS_H
#define FL_READ_ROWS_H

#include "flowlog/reader.h"
#include "read/block.h"
#include "read/choose.h"
#include "read/frame.h"
#include "read/layout.h"

typedef struct fl_batcher {
    flowlog_alloc alloc;
    const fl_kernels *k;
    uint32_t flags;    /* FLOWLOG_READ_* */
    size_t rows_max;   /* of a batch */
    const flowlog_filter *filter; /* NULL: every row */
    fl_chooser chooser;           /* if there is a filter */
    fl_frame now;                 /* the rows of the last run, */
    size_t used;                  /* chosen among so many */
    fl_frame pending;             /* the few rows of several runs, until they are a batch: with a filter, or */
    int gathers;                  /* because large batches were asked for */

    uint8_t *status;   /* [rows_max] of each row of the block, chosen or not */
    uint64_t *valid, *todo, *drop, *bad, *pick; /* bitmaps of rows_max */
    uint32_t *row;     /* [rows_max] which rows of the block those of the batch are */
    uint32_t *keep;    /* [rows_max] which rows of the batch stay in it */
    uint32_t *pairs;   /* [2 * rows_max] where a field of each row of the batch lies */
    const uint8_t *ahead; /* text that will be scanned next, to be fetched while columns are decoded */
    size_t ahead_len;
} fl_batcher;

flowlog_status flowlog__batcher_init(fl_batcher *b, const flowlog_alloc *alloc, const fl_kernels *k, uint32_t flags,
                                     const flowlog_filter *filter, size_t rows_max);
void flowlog__batcher_clear(fl_batcher *b);

/* Rows from here on are of this layout.  E_MEMORY. */
flowlog_status flowlog__batcher_layout(fl_batcher *b, const fl_layout_entry *layout);

/* What became of some rows. */
typedef struct fl_outcome {
    size_t used;     /* rows of the block that are done with */
    int header;      /* row `used` is a header: the reader takes it from there */
    int stopped;     /* READ_STOP_ON_BAD: row `used` is malformed, as are reason and column */
    uint16_t reason, column;
} fl_outcome;

/*
 * Called for each malformed row: its number in block->rows, the reason, the 1-based column at fault.
 */
typedef void (*fl_bad_row)(void *ctx, size_t row, uint16_t reason, uint16_t column);

/*
 * Make a batch of the rows from `first` on, at most rows_max of them: b->now.batch, whose rows may be none.  Counts
 * records, nodata, skipdata, irregular, ms_times and odd_times; malformed rows go to `bad`.  E_MEMORY, only with a
 * filter.
 */
flowlog_status flowlog__batcher_run(fl_batcher *b, const fl_block *block, size_t first, flowlog_counters *counters,
                                    fl_bad_row bad, void *ctx, fl_outcome *outcome, flowlog_error *err);

/* 1: runs may be kept for later batches; see below. */
static inline int fl_batcher_defers(const fl_batcher *b) { return b->filter || b->gathers; }

/*
 * Keep the rows of the last run for a later batch, if they fit what is pending, and if it pays: a filter left few of
 * them, or large batches were asked for and no column is text.  OK: kept, and b->now is free.  END: they are to be
 * given as they are, once what is pending has been given.  E_MEMORY.
 */
flowlog_status flowlog__batcher_defer(fl_batcher *b);

#endif
