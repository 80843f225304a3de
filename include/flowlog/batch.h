/* SPDX-License-Identifier: MIT */
/*
 * flowlog/batch.h - some rows, as columns.
 *
 * A batch is a borrowed, read-only view: plain pointers and fixed widths, ready for any language.  Text
 * stays where it was; a text column is spans into `text`.  Everything in it is valid until the next call
 * on the reader that gave it.
 */
#ifndef FLOWLOG_BATCH_H
#define FLOWLOG_BATCH_H

#include "flowlog/base.h"
#include "flowlog/field.h"
#include "flowlog/token.h"
#include "flowlog/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * One column.  Which members are set depends on `type`:
 *
 *     U32    values: uint32_t[rows]
 *     U64    values: uint64_t[rows]
 *     TIME   values: int64_t[rows], seconds since 1970 UTC
 *     ADDR   values: uint32_t[rows], the IPv4 address as a number (10.0.0.1 = 0x0A000001), 0 elsewhere;
 *            family: uint8_t[rows], 4, 6 or 0 for null;  wide: 16 bytes a row in network order, set only
 *            where family is 6
 *     ENUM   values: uint8_t[rows], codes as flowlog_enum_name takes them, 0 = OTHER or null;  spans: set
 *            only where the row has a value and its code is 0
 *     TEXT   spans: place of the token in batch->text
 *
 * A null row has 0 as its value, and in a TEXT column {0, 0} as its span, so sums need not look at
 * `validity`.
 */
typedef struct flowlog_column {
    const char *name; /* canonical name, NUL-terminated */
    uint16_t field;   /* flowlog_field; 0: not in the catalogue */
    uint8_t type;     /* flowlog_type */
    uint8_t present;  /* 0: this file's format has no such field, and every row is null */
    uint32_t null_count;
    const uint64_t *validity; /* bit r of word r / 64: 1 = row r has a value.  Never NULL */
    const void *values;
    const uint8_t *family;
    const uint8_t (*wide)[16];
    const flowlog_span *spans;
} flowlog_column;

/** See above.  rows is at least 1 in a batch that a reader gives. */
typedef struct flowlog_batch {
    uint32_t rows;
    uint32_t columns;
    const flowlog_column *column; /* [columns], in the order asked for, else in the format's order */
    const char *text;             /* what spans refer to; not NUL-terminated */
    uint64_t text_len;
    const uint8_t *log_status;    /* [rows] flowlog_log_status of each row, 0 = another or none.  Always
                                     set; NODATA also where the format has no log-status and every flow
                                     field it does have is null */
    const flowlog_span *lines;    /* [rows] whole lines as they stand, without the newline; NULL unless
                                     FLOWLOG_READ_LINES */
    const uint64_t *line_numbers; /* [rows] 1-based within the file; NULL unless FLOWLOG_READ_LINES */
    const flowlog_format *format; /* of these rows */
    uint32_t file;                /* index of the input, as flowlog_source_name takes it */
    uint32_t reserved;
    const struct flowlog_filter *filter; /* what chose these rows (reader.h); NULL: nothing did */
} flowlog_batch;

/** The value of one cell.  E_ARGUMENT when row or column is out of range. */
FLOWLOG_API flowlog_status flowlog_batch_value(const flowlog_batch *batch, uint32_t row, uint32_t column,
                                               flowlog_value *value);

/** Index of the column of that name (any spelling flowlog_field_find knows), or -1. */
FLOWLOG_API int32_t flowlog_batch_find(const flowlog_batch *batch, const char *name, size_t len);

/**
 * Write a value as text, as AWS would: numbers in decimal, addresses canonical, "-" for null, tokens as
 * they are.  Always NUL-terminated when cap > 0; returns the whole length as snprintf does.
 */
FLOWLOG_API size_t flowlog_value_format(const flowlog_value *value, char *text, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
