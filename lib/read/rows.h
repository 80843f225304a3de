/* SPDX-License-Identifier: MIT */
/*
 * read/rows.h - rows of a block to a batch: which rows are records, what their fields are, and which of
 * them are malformed.
 */
#ifndef FL_READ_ROWS_H
#define FL_READ_ROWS_H

#include "flowlog/reader.h"
#include "read/block.h"
#include "read/layout.h"

typedef struct fl_batcher {
    flowlog_alloc alloc;
    const fl_kernels *k;
    uint32_t flags;    /* FLOWLOG_READ_* */
    size_t rows_max;   /* of a batch */
    const fl_layout_entry *layout;

    flowlog_batch batch;
    flowlog_column *shown;  /* [FLOWLOG_FORMAT_COLUMNS_MAX] */
    fl_column *column;      /* the same, writable */
    void *room;             /* of all columns */
    size_t room_len;

    uint8_t *status;        /* [rows_max] flowlog_log_status */
    flowlog_span *lines;    /* [rows_max], only with READ_LINES, as the next */
    uint64_t *line_numbers;
    uint64_t *valid, *todo, *drop; /* bitmaps of rows_max */
    uint32_t *kept;         /* places of the rows that are left when some were dropped */
    size_t kept_cap;
    uint32_t *kept_row;     /* [rows_max] which row each of them was */
    const uint8_t *ahead; /* text that will be scanned next, to be fetched while columns are decoded */
    size_t ahead_len;
} fl_batcher;

flowlog_status flowlog__batcher_init(fl_batcher *b, const flowlog_alloc *alloc, const fl_kernels *k, uint32_t flags,
                                     size_t rows_max, size_t table_cap);
void flowlog__batcher_clear(fl_batcher *b);

/* Batches from here on are of this layout.  E_MEMORY. */
flowlog_status flowlog__batcher_layout(fl_batcher *b, const fl_layout_entry *layout);

/* What became of some rows. */
typedef struct fl_outcome {
    size_t used;     /* rows of the block that are done with */
    size_t rows;     /* of them, those in the batch */
    int header;      /* row `used` is a header: the reader takes it from there */
    int stopped;     /* READ_STOP_ON_BAD: row `used` is malformed, as are reason and column */
    uint16_t reason, column;
} fl_outcome;

/*
 * Called for each malformed row: its number in block->rows, the reason, the 1-based column at fault.
 */
typedef void (*fl_bad_row)(void *ctx, size_t row, uint16_t reason, uint16_t column);

/*
 * Make a batch of the rows from `first` on, at most rows_max of them.  Counts records, nodata, skipdata,
 * irregular, ms_times and odd_times; malformed rows go to `bad`.
 */
void flowlog__batcher_run(fl_batcher *b, const fl_block *block, size_t first, flowlog_counters *counters,
                          fl_bad_row bad, void *ctx, fl_outcome *outcome);

#endif
