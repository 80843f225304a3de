/* SPDX-License-Identifier: MIT */
/*
 * read/block.h - whole lines of text, cut into rows of a format.
 *
 * One scan finds where every field of the block ends.  As long as each line has one blank between its
 * values, and as many values as the format, that list is already the table of rows, and nothing is done
 * line by line.  Where a block has any other line, its lines are walked: good rows are collected
 * in a second table, rows with runs of blanks are written anew with single ones, and lines that are no rows
 * are handed to the reader.
 */
#ifndef FL_READ_BLOCK_H
#define FL_READ_BLOCK_H

#include "core/alloc.h"
#include "flowlog/token.h"
#include "simd/kernels.h"

/* Where a row of a walked block came from. */
typedef struct fl_origin {
    uint64_t line;      /* 1-based within the file */
    uint32_t offset;    /* of the line in the block */
    uint32_t len;       /* without the newline */
    uint32_t shown;     /* offset of the line in rows.text */
    uint32_t irregular; /* 1: accepted although it was not as it should be */
} fl_origin;

typedef struct fl_block {
    const fl_kernels *k;
    const uint8_t *text;
    size_t len;
    uint64_t line;     /* number of the line at `pos` */
    uint64_t offset;   /* of text[0] in the file */
    uint32_t *at;      /* at[0] is the entry before the first line; then `count` ends */
    size_t count;
    size_t pos;        /* the next line lies behind at[pos] */
    size_t newlines;   /* of the lines from there on */
    int plain;         /* the scan saw neither empty fields nor strange ends */
    int odd_next;      /* the next line is to be handed out, not taken as a row */
    uint32_t proven;   /* the rest of the block is rows of so many fields; 0: not known */

    /* The rows of the last FL_BLOCK_ROWS. */
    fl_rows rows;
    int direct;          /* rows.at is `at`: every line is a row, the first one being line `first_line` */
    size_t direct_pos;
    uint64_t first_line;
    fl_origin *origin;   /* of each row, unless direct */

    /* The line of the last FL_BLOCK_LINE, without its newline: text[line_start .. line_end). */
    size_t line_start, line_end;

    uint32_t *table;     /* rows of a walked block */
    size_t table_cap;
    uint8_t *scratch;    /* rows written anew, each followed by the line as it was */
    size_t scratch_cap, scratch_used;
    size_t rows_max;     /* of a walked block, at a time */
} fl_block;

enum { FL_BLOCK_END, FL_BLOCK_ROWS, FL_BLOCK_LINE };

/* Room for blocks of `bytes_max` bytes and `rows_max` rows.  E_MEMORY. */
flowlog_status flowlog__block_init(fl_block *b, const flowlog_alloc *alloc, const fl_kernels *k, size_t bytes_max,
                                   size_t rows_max);
void flowlog__block_clear(fl_block *b, const flowlog_alloc *alloc, size_t bytes_max);

/* text[0 .. len) ends in a newline, and FL_TEXT_SLOP bytes behind it are readable. */
void flowlog__block_begin(fl_block *b, const uint8_t *text, size_t len, uint64_t line, uint64_t offset);

/*
 * FL_BLOCK_ROWS: `rows`, of `fields` fields each (a header may be among them: that is the reader's to see).
 * FL_BLOCK_LINE: the next line is no such row.  FL_BLOCK_END: the block is used up.
 */
int flowlog__block_next(fl_block *b, uint32_t fields);

/* The number of the line that a row came from. */
uint64_t flowlog__block_line(const fl_block *b, size_t row);

/* Forget the rows just given from `row` on, and hand its line out next. */
void flowlog__block_rewind(fl_block *b, size_t row);

#endif
