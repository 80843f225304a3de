/* SPDX-License-Identifier: MIT */
/*
 * flowlog/write.h - rows as text: JSON (one object a line), CSV, TSV, or an aligned table.
 *
 * Takes  column names once, then values row by row.
 * Gives  bytes, through a function of the caller's.  Values are never altered to make them fit: quoting
 *        is part of each form.
 */
#ifndef FLOWLOG_WRITE_H
#define FLOWLOG_WRITE_H

#include "flowlog/base.h"
#include "flowlog/value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum flowlog_form {
    FLOWLOG_FORM_TABLE = 0, /* columns aligned; numbers to the right.  Holds rows until finish, up to 1000 at a time */
    FLOWLOG_FORM_JSON = 1,  /* NDJSON: integers exact, null for "-", keys with underscores */
    FLOWLOG_FORM_CSV = 2,   /* RFC 4180 with a header row; empty for null */
    FLOWLOG_FORM_TSV = 3,   /* tabs, a header row, \t \n \r \\ escaped; empty for null */
    FLOWLOG_FORM_TEXT = 4   /* as AWS writes records: single spaces, "-" for null, a header line */
} flowlog_form;

/** Takes `len` bytes; returns 0, or -1 when they could not be written (the writer then gives E_IO). */
typedef int (*flowlog_write_fn)(void *ctx, const char *data, size_t len);

/** Opaque.  One thread at a time. */
typedef struct flowlog_writer flowlog_writer;

/**
 * Names are copied; in JSON, CSV and TSV hyphens become underscores.
 * Errors  E_ARGUMENT, E_MEMORY.
 */
FLOWLOG_API flowlog_status flowlog_writer_open(flowlog_form form, const char *const *names, uint32_t columns,
                                               flowlog_write_fn write, void *ctx, const flowlog_alloc *alloc,
                                               flowlog_writer **writer, flowlog_error *err);

/** One row of `columns` values.  A value of type FLOWLOG_TYPE_SHARE (below) is written as a fraction. */
FLOWLOG_API flowlog_status flowlog_writer_row(flowlog_writer *writer, const flowlog_value *values,
                                              flowlog_error *err);

/** Writes what is held back.  Must be called once before close; its status says whether all arrived. */
FLOWLOG_API flowlog_status flowlog_writer_finish(flowlog_writer *writer, flowlog_error *err);

/** NULL is allowed and does nothing. */
FLOWLOG_API void flowlog_writer_close(flowlog_writer *writer);

/**
 * A type that only writers know: number / 10^9 as a decimal fraction, such as a share of a total
 * (0.125 for 125000000).
 */
#define FLOWLOG_TYPE_SHARE 64

#ifdef __cplusplus
}
#endif
#endif
