/* SPDX-License-Identifier: MIT */
/*
 * flowlog/write.h - rows as text: JSON (one object a line), CSV, TSV, records as AWS writes them, or an
 * aligned table.
 *
 * Takes  column names once, then values row by row, batch by batch, or a whole result.
 * Gives  bytes, through a function of the caller's.  Values are never altered to make them fit: quoting
 *        is part of each form.
 *
 *     flowlog_write_result(result, FLOWLOG_FORM_TABLE, write, ctx, NULL, &err);
 */
#ifndef FLOWLOG_WRITE_H
#define FLOWLOG_WRITE_H

#include "flowlog/base.h"
#include "flowlog/batch.h"
#include "flowlog/plan.h"
#include "flowlog/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * How rows look.  Integers are always exact, addresses canonical, and times whole seconds since 1970 as
 * AWS has them, but in a table.  Lines end in one newline.
 */
typedef enum flowlog_form {
    /**
     * For people.  Columns aligned, numbers to the right, "-" for null, times as 2026-06-01T12:00:00Z,
     * shares in percent.  Widths are those of the first 1000 rows (or 1 MiB); these are held back until
     * then, later rows are written as they come, and a value that is wider then moves the rest of its row:
     * nothing is cut.  Control characters and bytes that are no UTF-8 appear in hexadecimal, after a backslash
     * and an x, so that no value can steer a terminal.
     */
    FLOWLOG_FORM_TABLE = 0,
    /**
     * NDJSON: one object a line, null for null.  A byte of text that is part of no valid UTF-8 is written
     * as the escape of U+0080 to U+00FF, so that the line is JSON whatever the input was.
     */
    FLOWLOG_FORM_JSON = 1,
    /**
     * RFC 4180 with a header row and newlines for line ends.  Text is quoted where it holds a comma, a
     * quote, CR or LF.  Null is empty, an empty text is "".
     */
    FLOWLOG_FORM_CSV = 2,
    /** A header row, tabs; tab, LF, CR and backslash in text are a backslash and t, n, r, backslash.  Null is empty. */
    FLOWLOG_FORM_TSV = 3,
    /**
     * As AWS writes records: a header line, single spaces, "-" for null.  A text that is empty or holds
     * blanks or control characters cannot be written so: E_ARGUMENT, and no part of its row is written.
     */
    FLOWLOG_FORM_TEXT = 4
} flowlog_form;

/** Takes `len` bytes; returns 0, or -1 when they could not be written (the writer then gives E_IO). */
typedef int (*flowlog_write_fn)(void *ctx, const char *data, size_t len);

/** Opaque.  One thread at a time. */
typedef struct flowlog_writer flowlog_writer;

/**
 * A type that only writers know: number / 10^9 as a decimal fraction, such as a share of a total
 * (0.125 for 125000000; 12.50% in a table).
 */
#define FLOWLOG_TYPE_SHARE 64

/** Write a whole result in one call.  Errors  as those of the functions below. */
FLOWLOG_API flowlog_status flowlog_write_result(const flowlog_result *result, flowlog_form form,
                                                flowlog_write_fn write, void *ctx,
                                                const flowlog_alloc *alloc, flowlog_error *err);

/**
 * A writer of rows of `columns` values, 1 or more.  Names are copied and written as they stand; the JSON of
 * the command has those of flowlog_field_info.underscore.
 *
 * Ownership  *writer is owned: flowlog_writer_close.
 * Errors     E_ARGUMENT, E_MEMORY.
 * Cost       one allocation, about 64 KiB; a table also holds the rows it holds back.
 */
FLOWLOG_API flowlog_status flowlog_writer_open(flowlog_form form, const char *const *names,
                                               uint32_t columns, flowlog_write_fn write, void *ctx,
                                               const flowlog_alloc *alloc, flowlog_writer **writer,
                                               flowlog_error *err);

/**
 * One row of `columns` values.
 *
 * Errors  E_IO when `write` failed, from then on at every call; E_ARGUMENT for a type that is none, or a
 *         text that the form cannot hold; E_MEMORY (tables); E_STATE after finish.
 */
FLOWLOG_API flowlog_status flowlog_writer_row(flowlog_writer *writer, const flowlog_value *values,
                                              flowlog_error *err);

/** Rows [first, first + rows) of a batch that has `columns` columns.  Like that many rows, but faster. */
FLOWLOG_API flowlog_status flowlog_writer_batch(flowlog_writer *writer, const flowlog_batch *batch,
                                                uint32_t first, uint32_t rows, flowlog_error *err);

/** Writes what is held back.  Must be called once before close; its status says whether all arrived. */
FLOWLOG_API flowlog_status flowlog_writer_finish(flowlog_writer *writer, flowlog_error *err);

/** NULL is allowed and does nothing. */
FLOWLOG_API void flowlog_writer_close(flowlog_writer *writer);

/**
 * Write text as a JSON string, with its quotes, as FLOWLOG_FORM_JSON does; for objects that are no rows.
 * Always NUL-terminated when cap > 0; returns the whole length as snprintf does.
 */
FLOWLOG_API size_t flowlog_json_quote(const char *text, size_t len, char *out, size_t cap);

/** Longest text of a time, with its NUL. */
#define FLOWLOG_TIME_TEXT_MAX 21

/**
 * Write seconds since 1970 as 2026-06-01T12:00:00Z (ISO 8601, UTC); outside the years 0 to 9999 as the
 * number.  NUL-terminated; returns the length.
 */
FLOWLOG_API size_t flowlog_time_format(int64_t seconds, char text[FLOWLOG_TIME_TEXT_MAX]);

#ifdef __cplusplus
}
#endif
#endif
