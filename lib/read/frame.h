/* SPDX-License-Identifier: MIT */
/*
 * read/frame.h - a batch and the memory behind it.  Rows can be taken out of it, and rows of another one
 * appended to it; what is appended is copied, its text too.
 */
#ifndef FL_READ_FRAME_H
#define FL_READ_FRAME_H

#include "core/alloc.h"
#include "flowlog/batch.h"
#include "read/layout.h"

typedef struct fl_frame {
    flowlog_alloc alloc;
    size_t rows_max;
    const fl_layout_entry *layout;
    flowlog_batch batch;
    flowlog_column *shown; /* [FLOWLOG_FORMAT_COLUMNS_MAX] */
    fl_column *column;     /* the same, writable */
    void *room;            /* of all columns */
    size_t room_len;
    uint8_t *status;       /* [rows_max] flowlog_log_status */
    flowlog_span *lines;   /* [rows_max], only if asked for, as the next */
    uint64_t *line_numbers;
    uint8_t *text;         /* of rows that were appended */
    size_t text_cap, text_len;
} fl_frame;

/* `text_cap` 0: nothing will be appended.  E_MEMORY: to be cleared all the same. */
flowlog_status flowlog__frame_init(fl_frame *f, const flowlog_alloc *alloc, size_t rows_max, int with_lines,
                                   size_t text_cap);
void flowlog__frame_clear(fl_frame *f);

/* Its rows from here on are of this layout; it has none.  E_MEMORY. */
flowlog_status flowlog__frame_layout(fl_frame *f, const fl_layout_entry *layout);

/* Count the nulls of each column, once all rows are there. */
void flowlog__frame_finish(fl_frame *f);

/* Append the rows of `from`, which is of the same layout and file.  0: there is no room, and nothing was done. */
int flowlog__frame_append(fl_frame *f, const fl_frame *from);

/* A column as others see it; its nulls are not counted. */
flowlog_column flowlog__column_show(const fl_target *target, const fl_column *column);

/* Of a column, keep rows[0..n), which rise, as its first ones. */
void flowlog__column_keep(fl_column *column, uint32_t type, const uint32_t *rows, size_t n);

/* How many of the first `rows` rows of a column are null. */
uint32_t flowlog__column_nulls(const fl_column *column, size_t rows);

#endif
