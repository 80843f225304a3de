/* SPDX-License-Identifier: MIT */
/*
 * flowlog/arrow.h - batches and results as Arrow arrays, through the C data and C stream interfaces.
 *
 * Takes  a batch (batch.h), a reader (reader.h) or a result (plan.h).
 * Gives  the structures that pandas, Polars, DuckDB, Spark and others take over as they are.  All values are copied:
 *        what was exported needs neither the reader nor the batch nor the library's caller.
 *
 *     struct ArrowArrayStream stream;
 *     flowlog_reader_to_arrow(reader, NULL, &stream, &err);      the stream owns the reader now
 *     ... hand &stream to a consumer, which calls stream.release ...
 *
 * Each array is a struct array, a child a column, with this type:
 *
 *   U32       uint32                                    I
 *   U64       uint64                                    L
 *   TIME      timestamp in seconds, UTC                 tss:UTC
 *   ADDR      utf8, canonical as flowlog_addr_format    u
 *             or 16 bytes (FLOWLOG_ARROW_ADDR_BINARY)   w:16
 *   ENUM      utf8, as a dictionary with int32 indices  i, dictionary u
 *   TEXT      of a batch, and a field of the catalogue: so too, since names repeat row after row;
 *             else utf8                                 u
 *   DECIMAL   decimal128(29, 9), exact                  d:29,9
 *   NET       utf8, 10.1.2.0/24                         u
 *   SERVICE   utf8, https                               u
 *
 * Null is null in every one of them.  Columns of the catalogue's fields have names with underscores, interface_id,
 * as Parquet files from AWS; others keep theirs.  Text in Arrow is UTF-8 and text of a log need not be: a byte that
 * is part of no valid UTF-8 becomes the character of its number, U+0080 to U+00FF, as in JSON (write.h).
 *
 * Every array has dictionaries of its own, as the C stream interface allows: those of an ENUM begin with all tokens
 * that AWS documents, in the order of their codes, and then have the others that the array's rows have.
 */
#ifndef FLOWLOG_ARROW_H
#define FLOWLOG_ARROW_H

#include "flowlog/base.h"
#include "flowlog/batch.h"
#include "flowlog/plan.h"
#include "flowlog/reader.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The structures of the Arrow C data interface.  Their layout and these guards are Arrow's, so that a program may
 * have them from several headers.
 */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

/** The type of an array.  release NULL: it has been released, or moved elsewhere. */
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

/** The data of an array.  release NULL: it has been released, or moved elsewhere. */
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

/** Arrays of one schema, one after the other; the end is an array whose release is NULL. */
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

/* Flags of flowlog_arrow_options, or-ed. */
enum {
    FLOWLOG_ARROW_ADDR_BINARY = 1,  /* addresses as 16 bytes in network order, IPv4 as ::ffff:a.b.c.d (RFC 4291
                                       section 2.5.5.2), which then equals that IPv6 address */
    FLOWLOG_ARROW_NO_DICTIONARY = 2 /* plain utf8 in place of dictionaries */
};

#define FLOWLOG_ARROW_ROWS_MAX 16777216 /* the largest array_rows: 2^24 */

/** Zero means the default for every member but the first; FLOWLOG_ARROW_OPTIONS_INIT sets that. */
typedef struct flowlog_arrow_options {
    uint32_t struct_size;         /* sizeof(flowlog_arrow_options) */
    uint32_t flags;               /* FLOWLOG_ARROW_* */
    uint32_t array_rows;          /* of streams: rows of every array but the last; 0: 65536.  Shorter only where a
                                     column would have more than 2 GiB of text, of a result 1 GiB.  DuckDB's
                                     duckdb_data_chunk_from_arrow takes 2048 at most */
    uint32_t reserved;            /* 0 */
    const flowlog_alloc *alloc;   /* NULL: malloc.  Copied; its functions must work as long as an array, schema or
                                     stream is not released, and from whichever thread releases it */
    flowlog_damage_fn damage;     /* of readers: as in plan.h; NULL: the first damaged input ends the stream */
    void *ctx;                    /* of `damage` */
    flowlog_counters *counters;   /* of readers: written by every call of the stream; may be NULL.  Must stay valid
                                     until the stream is released */
} flowlog_arrow_options;

#define FLOWLOG_ARROW_OPTIONS_INIT {sizeof(flowlog_arrow_options), 0, 0, 0, NULL, NULL, NULL, NULL}

/**
 * The rows of a batch as one struct array, and its schema.  `options` may be NULL.
 *
 * Ownership  *schema and *array are owned: call their release.  Children and dictionaries may be moved out of them
 *            and then live on their own.
 * Errors     E_ARGUMENT, E_MEMORY, E_LIMIT (a column of more than 2 GiB of text); neither is then written.
 */
FLOWLOG_API flowlog_status flowlog_batch_to_arrow(const flowlog_batch *batch, const flowlog_arrow_options *options,
                                                  struct ArrowSchema *schema, struct ArrowArray *array,
                                                  flowlog_error *err);

/**
 * What a reader gives, as a stream.  Arrays do not follow the reader's batches: see array_rows.
 *
 * The schema has the fields that the reader was opened for.  Without such a list it has those of the first rows, or
 * of the first format where there are no rows; inputs of other formats then give nulls for fields they lack, and a
 * field that is not in the schema ends the stream with an error that names it.  Rows without data (NODATA, SKIPDATA)
 * are rows unless the reader leaves them out.
 *
 * get_schema and get_next return 0, or ENOMEM, EIO or EINVAL, and get_last_error then gives a sentence with the
 * input's name, valid until the next call.  Everything read before an error is given first, and after it every
 * get_next returns the same error.
 *
 * Ownership  *reader is moved into the stream when this succeeds, and stays the caller's when it fails.  *stream is
 *            owned: call its release.  What it gave stays valid.
 * Errors     E_ARGUMENT, E_MEMORY.  A fed reader must have been fed to its end.
 * Threads    one thread at a time for a stream; arrays and schemas belong to whom they were given.
 * Cost       memory of one array; nothing is read before the first get_next, or get_schema of a reader without a list
 *            of fields.
 */
FLOWLOG_API flowlog_status flowlog_reader_to_arrow(flowlog_reader *reader, const flowlog_arrow_options *options,
                                                   struct ArrowArrayStream *stream, flowlog_error *err);

/**
 * Like flowlog_reader_to_arrow, but the rows of a result: *result is moved.  Its columns have the names of
 * flowlog_result_name, those of the catalogue's fields with underscores.
 */
FLOWLOG_API flowlog_status flowlog_result_to_arrow(flowlog_result *result, const flowlog_arrow_options *options,
                                                   struct ArrowArrayStream *stream, flowlog_error *err);

#ifdef __cplusplus
}
#endif
#endif
