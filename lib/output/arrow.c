/* SPDX-License-Identifier: MIT */
/*
 * arrow.c - batches, readers and results through the Arrow C interfaces.
 *
 * A stream puts rows into a builder until an array is full, from a reader's batches or a result, and keeps what went
 * wrong until the rows before it have been given.
 */
#include "flowlog/arrow.h"

#include <stdio.h>

#include "core/alloc.h"
#include "core/error.h"
#include "output/arrow_build.h"
#include "plan/parallel.h"
#include "read/reader.h"

#define ARRAY_ROWS 65536 /* default: large enough that what a consumer does once an array does not count */

/* Numbers of errno, which consumers expect; these three are the same on Linux, the BSDs, macOS and Windows. */
enum { ERRNO_IO = 5, ERRNO_MEMORY = 12, ERRNO_INVALID = 22 };

enum { MESSAGE_MAX = 512, NAME_SHOWN = 200 };

struct stream {
    flowlog_alloc alloc;
    flowlog_damage_fn damage;
    void *ctx; /* of damage */
    flowlog_counters *counters;
    uint32_t flags;
    size_t array_rows;
    flowlog_reader *reader; /* owned; NULL: the result */
    flowlog_result *result; /* owned */
    struct fl_arrow_builder builder;
    int ready;              /* the columns are known */
    const flowlog_batch *batch;
    uint32_t row;           /* the first one of the batch that is not in an array */
    uint64_t result_row;
    const flowlog_format *mapped; /* of the batches that `map` is for */
    int32_t *map;                 /* [columns] see flowlog__arrow_add */
    flowlog_status status;        /* END or an error: nothing follows but what is in the builder */
    int broken;                   /* an error of the builder: its columns may be of different lengths */
    flowlog_error err;
    char message[MESSAGE_MAX];
};

/* --- options and batches ---------------------------------------------------------------------------------- */

static flowlog_status read_options(const flowlog_arrow_options *given, flowlog_arrow_options *o, flowlog_error *err)
{
    memset(o, 0, sizeof *o);
    if (!given) return FLOWLOG_OK;
    const size_t size = given->struct_size;
    if (size < 8) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "struct_size of the Arrow options is not set");
    memcpy(o, given, size < sizeof *o ? size : sizeof *o);
    for (size_t i = sizeof *o; i < size; i++)
        if (((const uint8_t *)given)[i])
            return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "Arrow options of a newer version are set");
    const uint32_t known = FLOWLOG_ARROW_ADDR_BINARY | FLOWLOG_ARROW_NO_DICTIONARY;
    if (o->flags & ~known || o->reserved) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "unknown Arrow flags");
    if (o->array_rows > FLOWLOG_ARROW_ROWS_MAX)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "array_rows is above %d", FLOWLOG_ARROW_ROWS_MAX);
    return FLOWLOG_OK;
}

static flowlog_status failed(flowlog_error *err, flowlog_status status)
{
    if (status == FLOWLOG_E_MEMORY) return FL_FAIL(err, status, "no memory for an Arrow array");
    if (status == FLOWLOG_E_LIMIT)
        return FL_FAIL(err, status, "a column has more than %zu bytes of text", FL_ARROW_TEXT_MAX);
    return status < 0 ? FL_FAIL(err, status, "a column has a type that is none") : status;
}

static flowlog_status set_from_batch(struct fl_arrow_builder *b, const flowlog_batch *batch)
{
    for (uint32_t c = 0; c < batch->columns; c++)
        FL_TRY(flowlog__arrow_set(b, c, batch->column[c].name, batch->column[c].field, batch->column[c].type));
    return FLOWLOG_OK;
}

static flowlog_status export_batch(struct fl_arrow_builder *b, const flowlog_batch *batch, struct ArrowSchema *schema,
                                   struct ArrowArray *array)
{
    struct ArrowSchema made;
    FL_TRY(set_from_batch(b, batch));
    FL_TRY(flowlog__arrow_add(b, batch, NULL, 0, batch->rows));
    FL_TRY(flowlog__arrow_schema(b, &made));
    const flowlog_status status = flowlog__arrow_finish(b, array);
    if (status < 0) made.release(&made);
    else *schema = made;
    return status;
}

flowlog_status flowlog_batch_to_arrow(const flowlog_batch *batch, const flowlog_arrow_options *options,
                                      struct ArrowSchema *schema, struct ArrowArray *array, flowlog_error *err)
{
    flowlog_arrow_options o;
    struct fl_arrow_builder b;
    if (!batch || !schema || !array)
        return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a batch and places for schema and array are needed");
    FL_TRY(read_options(options, &o, err));
    const flowlog_alloc alloc = flowlog__alloc_or_default(o.alloc);
    flowlog_status status = flowlog__arrow_init(&b, &alloc, o.flags, batch->columns);
    if (status == FLOWLOG_OK) status = export_batch(&b, batch, schema, array);
    flowlog__arrow_clear(&b);
    return failed(err, status);
}

/* --- the columns of a stream ------------------------------------------------------------------------------ */

/* Rows to be had from s->batch.  OK, END or an error, in s->err. */
static flowlog_status fetch(struct stream *s)
{
    while (!s->batch || s->row == s->batch->rows) {
        s->row = 0;
        const flowlog_status status = flowlog_reader_next(s->reader, &s->batch, &s->err);
        if (status == FLOWLOG_OK) continue;
        s->batch = NULL;
        if (status == FLOWLOG_MORE)
            return FL_FAIL(&s->err, FLOWLOG_E_STATE, "the reader was not fed to its end before it became a stream");
        if (!s->damage || !flowlog__is_damage(status)) return status;
        const char *const name = flowlog_reader_path(s->reader, flowlog_reader_file(s->reader));
        const int answer = s->damage(s->ctx, name ? name : "", &s->err);
        if (answer) return answer < 0 ? (flowlog_status)answer : FLOWLOG_E_CANCELLED;
        memset(&s->err, 0, sizeof s->err);
    }
    return FLOWLOG_OK;
}

static flowlog_status set_from_format(struct fl_arrow_builder *b, const flowlog_format *format)
{
    for (uint32_t c = 0; c < b->columns; c++) {
        const flowlog_format_column *const column = flowlog_format_column_at(format, c);
        FL_TRY(flowlog__arrow_set(b, c, column->name, column->field, column->type));
    }
    return FLOWLOG_OK;
}

static flowlog_status set_from_result(struct fl_arrow_builder *b, const flowlog_result *result)
{
    for (uint32_t c = 0; c < b->columns; c++)
        FL_TRY(flowlog__arrow_set(b, c, flowlog_result_name(result, c), 0, flowlog_result_type(result, c)));
    return FLOWLOG_OK;
}

/* The fields that were asked for, else those of the first rows, else those of the first format. */
static flowlog_status columns_of_reader(struct stream *s)
{
    const flowlog_format *format = flowlog__reader_fields(s->reader);
    if (!format) {
        const flowlog_status status = fetch(s);
        if (status < 0) return status;
        format = flowlog_reader_format_at(s->reader, 0);
    }
    const uint32_t columns = s->batch ? s->batch->columns : format ? flowlog_format_columns(format) : 0;
    FL_TRY(flowlog__arrow_init(&s->builder, &s->alloc, s->flags, columns));
    s->map = flowlog__alloc_array(&s->alloc, columns, sizeof *s->map);
    if (!s->map && columns) return FLOWLOG_E_MEMORY;
    return s->batch ? set_from_batch(&s->builder, s->batch) : set_from_format(&s->builder, format);
}

static flowlog_status find_columns(struct stream *s)
{
    if (s->ready) return FLOWLOG_OK;
    memset(&s->err, 0, sizeof s->err);
    const flowlog_status status = columns_of_reader(s);
    if (status < 0) return s->err.status ? status : failed(&s->err, status);
    s->ready = 1;
    return FLOWLOG_OK;
}

/* Which columns of batches of this format are those of the stream. */
static flowlog_status map_columns(struct stream *s)
{
    const struct fl_arrow_builder *const b = &s->builder;
    if (s->mapped == s->batch->format) return FLOWLOG_OK;
    uint32_t found = 0;
    for (uint32_t c = 0; c < b->columns; c++) {
        s->map[c] = flowlog_batch_find(s->batch, b->column[c].name, strlen(b->column[c].name));
        found += s->map[c] >= 0;
    }
    for (uint32_t i = 0; found < s->batch->columns && i < s->batch->columns; i++) {
        uint32_t c = 0;
        while (c < b->columns && s->map[c] != (int32_t)i) c++;
        if (c == b->columns)
            return FL_FAIL(&s->err, FLOWLOG_E_FORMAT,
                           "the format here has %s, which the schema of the stream has not: name the fields to read",
                           s->batch->column[i].name);
    }
    s->mapped = s->batch->format;
    return FLOWLOG_OK;
}

/* --- rows of a stream ------------------------------------------------------------------------------------- */

static flowlog_status broken(struct stream *s, flowlog_status status)
{
    s->broken = 1;
    return s->status = failed(&s->err, status);
}

/* Some rows of a batch.  OK, END: the array cannot have more; or an error, in s->err. */
static flowlog_status add_from_reader(struct stream *s)
{
    struct fl_arrow_builder *const b = &s->builder;
    const flowlog_status status = fetch(s);
    if (status != FLOWLOG_OK) return s->status = status;
    if (map_columns(s) < 0) return s->status = FLOWLOG_E_FORMAT;
    const size_t room = s->array_rows - b->rows;
    uint32_t rows = s->batch->rows - s->row;
    if (rows > room) rows = (uint32_t)room;
    rows = flowlog__arrow_fit(b, s->batch, s->map, s->row, rows);
    if (!rows && b->rows) return FLOWLOG_END;
    const flowlog_status added =
        rows ? flowlog__arrow_add(b, s->batch, s->map, s->row, rows) : FLOWLOG_E_LIMIT;
    s->row += rows;
    return added < 0 ? broken(s, added) : FLOWLOG_OK;
}

static flowlog_status add_from_result(struct stream *s)
{
    if (s->result_row == flowlog_result_rows(s->result)) return s->status = FLOWLOG_END;
    if (flowlog__arrow_is_full(&s->builder)) return FLOWLOG_END;
    const flowlog_status status = flowlog__arrow_add_result(&s->builder, s->result, s->result_row);
    s->result_row++;
    return status < 0 ? broken(s, status) : FLOWLOG_OK;
}

/* OK with an array, or one whose release is NULL at the end; or an error, in s->err. */
static flowlog_status next_array(struct stream *s, struct ArrowArray *array)
{
    struct fl_arrow_builder *const b = &s->builder;
    if (s->status == FLOWLOG_OK) {
        const flowlog_status status = find_columns(s);
        if (status < 0) s->status = status;
    }
    while (s->status == FLOWLOG_OK && b->rows < s->array_rows) {
        const flowlog_status status = s->reader ? add_from_reader(s) : add_from_result(s);
        if (status != FLOWLOG_OK) break;
    }
    if (b->rows && !s->broken) {
        const flowlog_status status = flowlog__arrow_finish(b, array);
        return status < 0 ? broken(s, status) : FLOWLOG_OK;
    }
    if (s->status < 0) return s->status;
    memset(array, 0, sizeof *array);
    return FLOWLOG_OK;
}

/* --- what a consumer calls -------------------------------------------------------------------------------- */

/* The sentence of s->err, with the input's name, of a long one its end, and the line. */
static void tell(struct stream *s)
{
    const flowlog_error *const e = &s->err;
    const char *name = s->reader ? flowlog_reader_path(s->reader, flowlog_reader_file(s->reader)) : NULL;
    const size_t len = name ? strlen(name) : 0;
    char place[64] = "";
    if (e->line) snprintf(place, sizeof place, " (line %llu)", (unsigned long long)e->line);
    if (len > NAME_SHOWN) name += len - NAME_SHOWN;
    snprintf(s->message, sizeof s->message, "%s%s%s%s", name ? name : "", name ? ": " : "", e->message, place);
    for (char *c = s->message; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7F) *c = '?';
}

static int answer(struct stream *s, flowlog_status status)
{
    if (s->counters && s->reader) *s->counters = *flowlog_reader_counters(s->reader);
    s->message[0] = '\0';
    if (status >= 0) return 0;
    tell(s);
    if (status == FLOWLOG_E_MEMORY) return ERRNO_MEMORY;
    return status == FLOWLOG_E_IO || status == FLOWLOG_E_CORRUPT ? ERRNO_IO : ERRNO_INVALID;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct stream *const s = stream->private_data;
    if (s->status < 0) return answer(s, s->status);
    flowlog_status status = find_columns(s);
    if (status < 0) s->status = status;
    else status = failed(&s->err, flowlog__arrow_schema(&s->builder, out));
    return answer(s, status);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct stream *const s = stream->private_data;
    return answer(s, next_array(s, out));
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const struct stream *const s = stream->private_data;
    return s->message[0] ? s->message : NULL;
}

static void destroy(struct stream *s)
{
    const flowlog_alloc a = s->alloc;
    flowlog__release(&a, s->map, s->builder.columns * sizeof *s->map);
    flowlog__arrow_clear(&s->builder);
    flowlog__release(&a, s, sizeof *s);
}

static void release_stream(struct ArrowArrayStream *stream)
{
    struct stream *const s = stream->private_data;
    (void)answer(s, FLOWLOG_OK);
    flowlog_reader_close(s->reader);
    flowlog_result_free(s->result);
    destroy(s);
    stream->release = NULL;
}

/* --- making a stream -------------------------------------------------------------------------------------- */

static flowlog_status new_stream(const flowlog_arrow_options *options, struct stream **stream, flowlog_error *err)
{
    flowlog_arrow_options o;
    FL_TRY(read_options(options, &o, err));
    const flowlog_alloc alloc = flowlog__alloc_or_default(o.alloc);
    struct stream *const s = flowlog__alloc_zero(&alloc, sizeof *s);
    if (!s) return FL_FAIL(err, FLOWLOG_E_MEMORY, "no memory for an Arrow stream");
    s->alloc = s->builder.alloc = alloc;
    s->damage = o.damage;
    s->ctx = o.ctx;
    s->counters = o.counters;
    s->flags = o.flags;
    s->array_rows = o.array_rows ? o.array_rows : ARRAY_ROWS;
    *stream = s;
    return FLOWLOG_OK;
}

static void give(struct stream *s, struct ArrowArrayStream *stream)
{
    *stream = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, s};
}

flowlog_status flowlog_reader_to_arrow(flowlog_reader *reader, const flowlog_arrow_options *options,
                                       struct ArrowArrayStream *stream, flowlog_error *err)
{
    struct stream *s = NULL;
    if (!reader || !stream) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a reader and a place for the stream are needed");
    FL_TRY(new_stream(options, &s, err));
    s->reader = reader;
    give(s, stream);
    return FLOWLOG_OK;
}

flowlog_status flowlog_result_to_arrow(flowlog_result *result, const flowlog_arrow_options *options,
                                       struct ArrowArrayStream *stream, flowlog_error *err)
{
    struct stream *s = NULL;
    if (!result || !stream) return FL_FAIL(err, FLOWLOG_E_ARGUMENT, "a result and a place for the stream are needed");
    FL_TRY(new_stream(options, &s, err));
    flowlog_status status = flowlog__arrow_init(&s->builder, &s->alloc, s->flags, flowlog_result_columns(result));
    if (status == FLOWLOG_OK) status = set_from_result(&s->builder, result);
    if (status < 0) {
        destroy(s);
        return failed(err, status);
    }
    s->ready = 1;
    s->result = result;
    give(s, stream);
    return FLOWLOG_OK;
}
