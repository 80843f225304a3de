/* SPDX-License-Identifier: MIT */
/*
 * read/layout.h - what the reader needs to know of a format to cut, classify and decode its lines.
 *
 * Each different format that a source has is kept once, with the columns of the batches made from it.
 */
#ifndef FL_READ_LAYOUT_H
#define FL_READ_LAYOUT_H

#include "decode/column.h"
#include "flowlog/field.h"
#include "flowlog/filter.h"

/* Most different formats of one reader: more is a header nobody meant. */
#define FL_LAYOUTS_MAX 256

/*
 * How a row of the right number of fields is told to be a record, an empty interval, or a header:
 * by a column that no header can fit.
 */
typedef enum fl_guard {
    FL_GUARD_STATUS, /* log-status: OK, NODATA, SKIPDATA */
    FL_GUARD_DIGIT,  /* a flow field that begins with a digit unless it is null or an IPv6 address */
    FL_GUARD_LINE    /* the format has neither: ask the header rule about each line */
} fl_guard;

/* One column of the batches, or one that the filter reads: which field of the line it is. */
typedef struct fl_target {
    int32_t index;  /* column of the format; -1: this format has no such field */
    int32_t shared; /* of the filter's: the column of the batches that is the same field; -1: none */
    fl_decoder decoder;
    const char *name;
} fl_target;

typedef struct fl_layout_entry {
    flowlog_format *format; /* owned */
    uint32_t fields;        /* values a line must have */
    uint8_t guard;          /* fl_guard */
    uint32_t guard_index;
    fl_decoder status;      /* of log-status, where guard is STATUS */
    uint32_t flow_fields;   /* how many of the format's fields describe traffic; all null: NODATA */
    uint16_t flow_index[16];
    uint32_t targets, needs;
    fl_target *target; /* of the batches; in the same allocation, as the next */
    fl_target *need;   /* of the filter */
    size_t alloc_len;
} fl_layout_entry;

/*
 * The entry of `format`, which is moved in.  `wanted`: the fields of the batches, NULL for all of the format;
 * `filter` may be NULL, and is borrowed.  On failure the format stays the caller's.
 */
flowlog_status flowlog__layout_new(flowlog_format *format, const flowlog_format *wanted,
                                   const flowlog_filter *filter, const flowlog_alloc *alloc, fl_layout_entry **entry,
                                   flowlog_error *err);
void flowlog__layout_free(fl_layout_entry *entry, const flowlog_alloc *alloc);

/* 1 if every flow field of the row that begins at *at is "-". */
int flowlog__layout_no_traffic(const fl_layout_entry *entry, const uint8_t *text, const uint32_t *at);

#endif
