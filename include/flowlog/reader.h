/* SPDX-License-Identifier: MIT */
/*
 * flowlog/reader.h - turn a source of bytes into batches of typed rows.
 *
 * Takes  a flowlog_source (source.h), or bytes that the caller feeds.
 * Gives  flowlog_batch views (batch.h), one at a time, and counts every line exactly once.
 * Next   plan.h aggregates batches; write.h prints them.
 */
#ifndef FLOWLOG_READER_H
#define FLOWLOG_READER_H

#include "flowlog/base.h"
#include "flowlog/batch.h"
#include "flowlog/field.h"
#include "flowlog/source.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Opaque.  One thread at a time. */
typedef struct flowlog_reader flowlog_reader;

/** Why a line was malformed: X(name, number, "name", "message"). */
#define FLOWLOG_REASON_MAP(X)                                                \
    X(TOO_FEW, 1, "too_few", "fewer values than the format has fields")      \
    X(TOO_MANY, 2, "too_many", "more values than the format has fields")     \
    X(CONTROL, 3, "control", "control character")                            \
    X(TOO_LONG, 4, "too_long", "line longer than the limit")                 \
    X(NUMBER, 5, "number", "not a decimal number within the field's range")  \
    X(ADDRESS, 6, "address", "not an IPv4 or IPv6 address")                  \
    X(HEADER, 7, "header", "header with a field named twice or too many fields")

typedef enum flowlog_reason {
#define FLOWLOG_REASON_ENUM(name, number, text, message) FLOWLOG_REASON_##name = (number),
    FLOWLOG_REASON_MAP(FLOWLOG_REASON_ENUM)
#undef FLOWLOG_REASON_ENUM
} flowlog_reason;
#define FLOWLOG_REASONS 8 /* one more than the largest reason */

/** "too_few" for FLOWLOG_REASON_TOO_FEW, and the sentence.  Static text. */
FLOWLOG_API const char *flowlog_reason_name(uint32_t reason);
FLOWLOG_API const char *flowlog_reason_message(uint32_t reason);

/** One malformed line. */
typedef struct flowlog_bad_line {
    uint32_t file;   /* index of the input */
    uint16_t reason; /* flowlog_reason */
    uint16_t column; /* 1-based column of the format that was at fault; 0 = the whole line */
    uint64_t line;   /* 1-based within its file */
    uint64_t offset; /* of the line's first byte within its file, after decompression */
    uint32_t text_len;
    char text[116];  /* its beginning, control characters as '?'; NUL-terminated */
} flowlog_bad_line;

#define FLOWLOG_BAD_LINES 8 /* how many malformed lines are kept whole */

/**
 * What was read so far.  Every line is in exactly one of six:
 *     lines = records + nodata + skipdata + headers + malformed + skipped
 *
 * Lines are always checked for their number of values, but values only in the fields that were asked for: a
 * reader of all fields can find more malformed lines than one of two.
 */
typedef struct flowlog_counters {
    uint64_t files;     /* inputs begun */
    uint64_t bytes;     /* of text, after decompression */
    uint64_t lines;
    uint64_t records;   /* rows whose status is neither NODATA nor SKIPDATA */
    uint64_t nodata;
    uint64_t skipdata;
    uint64_t headers;   /* see flowlog_is_header; a line that has as many values as the format and OK, NODATA or
                           SKIPDATA as its log-status is a record, whatever its other values are called */
    uint64_t malformed;
    uint64_t skipped;   /* blank lines, and lines that begin with '#' */
    uint64_t irregular; /* accepted lines with runs of blanks, tabs, CR, blanks at an end (also counted above) */
    uint64_t ms_times;  /* time values that were milliseconds and were converted (fields that were asked for) */
    uint64_t odd_times; /* rows that start after they end (where both fields were asked for) */
    uint64_t reasons[FLOWLOG_REASONS]; /* malformed, by reason */
    uint32_t bad_lines;                /* of `bad_line` that are set: the first ones met */
    uint32_t reserved;
    flowlog_bad_line bad_line[FLOWLOG_BAD_LINES];
} flowlog_counters;

/* Flags of flowlog_reader_options, or-ed. */
enum {
    FLOWLOG_READ_LINES = 1,       /* fill batch->lines and batch->line_numbers */
    FLOWLOG_READ_STOP_ON_BAD = 2, /* a malformed line ends the reading: E_MALFORMED with its line and offset */
    FLOWLOG_READ_RECORDS_ONLY = 4 /* leave NODATA and SKIPDATA out of the batches; they are still counted */
};

/** Zero means the default for every member but the first; FLOWLOG_READER_OPTIONS_INIT sets that. */
typedef struct flowlog_reader_options {
    uint32_t struct_size;         /* sizeof(flowlog_reader_options) */
    uint32_t flags;               /* FLOWLOG_READ_* */
    const char *fields;           /* NULL: all fields of each format.  Else names separated by commas or
                                     blanks, "" for none: exactly these are decoded, in this order, and a
                                     file without one of them gives nulls.  Copied */
    const flowlog_format *format; /* of lines that follow no header; NULL: found by content.  Copied */
    const flowlog_alloc *alloc;   /* NULL: malloc.  Copied */
    uint32_t batch_rows;          /* most rows a batch; 0: 1024.  At most 65536.  From 8192 on, rows are
                                     copied together until a batch is nearly full, where no column is text */
    uint32_t line_max;            /* longest line in bytes; 0: 65536; beyond it a line is malformed.
                                     At most 1 MiB */
    const struct flowlog_filter *filter; /* only rows that match are in the batches; NULL: all.  Borrowed until
                                     close.  A row that it leaves out is counted like any other (but for
                                     ms_times and odd_times), and only those of its values were looked at that
                                     decided it */
} flowlog_reader_options;

#define FLOWLOG_READER_OPTIONS_INIT {sizeof(flowlog_reader_options), 0, NULL, NULL, NULL, 0, 0, NULL}

/**
 * Open a reader on a source; with source NULL, one that is fed (flowlog_reader_feed).
 *
 * The field list is checked: a name that neither the catalogue nor options->format knows is E_FIELD,
 * with its offset.
 *
 * Ownership  *source is moved into the reader when this succeeds, and stays the caller's when it fails.
 *            *reader is owned: flowlog_reader_close.
 * Errors     E_ARGUMENT, E_FIELD, E_DUPLICATE, E_MEMORY, E_UNSUPPORTED (flowlog_simd_name).
 * Cost       about 1 MiB with the defaults.
 */
FLOWLOG_API flowlog_status flowlog_reader_open(flowlog_source *source, const flowlog_reader_options *options,
                                               flowlog_reader **reader, flowlog_error *err);

/**
 * Advance to the next batch.
 *
 * FLOWLOG_OK: *batch describes 1 or more rows.  FLOWLOG_END: no more rows.  FLOWLOG_MORE: the bytes that
 * were fed are used up.
 *
 * A malformed line is not an error; see flowlog_counters and FLOWLOG_READ_STOP_ON_BAD.  A file that
 * cannot be read to its end (I/O, damaged gzip, no format) gives an error after everything before the
 * damage was delivered; its `err` has line and offset, flowlog_reader_path its name.  Calling again
 * continues with the next file.
 *
 * Ownership  *batch is borrowed: valid until the next call on `reader`.
 * Errors     E_IO, E_CORRUPT, E_FORMAT, E_MALFORMED (only with STOP_ON_BAD; permanent), E_MEMORY
 *            (permanent).
 * Cost       no allocation after a file's first batch as long as formats stay the same.
 */
FLOWLOG_API flowlog_status flowlog_reader_next(flowlog_reader *reader, const flowlog_batch **batch,
                                               flowlog_error *err);

/**
 * Give a fed reader more bytes, cut anywhere; then call flowlog_reader_next until it says MORE.
 * `data` is borrowed until then.  E_STATE when bytes from before are left, after finish, or when the
 * reader has a source.
 */
FLOWLOG_API flowlog_status flowlog_reader_feed(flowlog_reader *reader, const void *data, size_t len);

/** No more bytes will come: next gives what is left and then END. */
FLOWLOG_API flowlog_status flowlog_reader_finish(flowlog_reader *reader);

/** The counters so far; borrowed from the reader and updated by each next. */
FLOWLOG_API const flowlog_counters *flowlog_reader_counters(const flowlog_reader *reader);

/** The name of input `file`; borrowed from the reader; NULL if there is none. */
FLOWLOG_API const char *flowlog_reader_path(const flowlog_reader *reader, uint32_t file);

/** Index of the input that is being read, or whose error was just given. */
FLOWLOG_API uint32_t flowlog_reader_file(const flowlog_reader *reader);

/** Input consumed so far (compressed bytes of a .gz), to compare with flowlog_source_bytes. */
FLOWLOG_API uint64_t flowlog_reader_progress(const flowlog_reader *reader);

/** The different formats met so far: how many, and each; borrowed from the reader. */
FLOWLOG_API uint32_t flowlog_reader_formats(const flowlog_reader *reader);
FLOWLOG_API const flowlog_format *flowlog_reader_format_at(const flowlog_reader *reader, uint32_t index);

/** Closes the source too.  NULL is allowed and does nothing. */
FLOWLOG_API void flowlog_reader_close(flowlog_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
