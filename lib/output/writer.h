/* SPDX-License-Identifier: MIT */
/*
 * output/writer.h - what the forms share: a buffer in front of the caller's function.
 *
 * JSON, CSV, TSV and text differ in what stands before a cell, in the word for null, and in how text is
 * quoted; struct fl_form says just that, and writer.c does the rest once.  A table holds rows back and
 * is the exception (table.c).
 */
#ifndef FL_OUTPUT_WRITER_H
#define FL_OUTPUT_WRITER_H

#include <string.h>

#include "core/compiler.h"
#include "flowlog/token.h"
#include "flowlog/write.h"

#define FL_WRITER_BUFFER ((size_t)65536)

struct fl_table;

struct fl_form {
    char null_text[8];
    uint8_t null_len;
    uint8_t quotes_addr; /* 1: addresses are strings */
    uint8_t header;      /* 1: the names are the first row */
    char separator;      /* between cells; JSON has its keys instead */
    /* Write text, quoted as the form asks. */
    void (*text)(flowlog_writer *writer, const char *text, size_t len);
    /* 1 if the form can hold the text; NULL: it can hold any. */
    int (*fits)(const char *text, size_t len);
};

extern const struct fl_form flowlog__form_json, flowlog__form_csv, flowlog__form_tsv, flowlog__form_text;

struct flowlog_writer {
    flowlog_alloc alloc;
    size_t own_len; /* of this allocation, prefixes and buffer included */
    const struct fl_form *form; /* NULL: a table */
    struct fl_table *table;
    flowlog_write_fn write;
    void *ctx;
    uint32_t columns;
    uint8_t failed;   /* `write` failed: all that follows is dropped */
    uint8_t finished;
    flowlog_span *prefix; /* [columns] what stands before each cell, in prefix_text */
    char *prefix_text;
    char *buffer; /* [FL_WRITER_BUFFER] */
    size_t used;
};

/* Hand the buffer to the caller's function. */
void flowlog__writer_flush(flowlog_writer *writer);

/* Bytes longer than what is left of the buffer. */
void flowlog__writer_put_long(flowlog_writer *writer, const char *data, size_t len);

/* At least len bytes of room at the place it returns; len <= FL_WRITER_BUFFER.  Add to `used` what was taken. */
FL_INLINE char *fl_room(flowlog_writer *w, size_t len)
{
    if (FL_UNLIKELY(FL_WRITER_BUFFER - w->used < len)) flowlog__writer_flush(w);
    return w->buffer + w->used;
}

FL_INLINE void fl_put(flowlog_writer *w, const char *data, size_t len)
{
    if (FL_UNLIKELY(FL_WRITER_BUFFER - w->used < len)) {
        flowlog__writer_put_long(w, data, len);
        return;
    }
    memcpy(w->buffer + w->used, data, len);
    w->used += len;
}

FL_INLINE void fl_put_char(flowlog_writer *w, char c)
{
    *fl_room(w, 1) = c;
    w->used++;
}

/* Share: number / 10^9, without trailing zeros.  At most 31 bytes. */
size_t flowlog__format_share(char *out, uint64_t number);

/* output/table.c */
flowlog_status flowlog__table_new(flowlog_writer *writer, const char *const *names, flowlog_error *err);
flowlog_status flowlog__table_row(flowlog_writer *writer, const flowlog_value *values,
                                  flowlog_error *err);
void flowlog__table_finish(flowlog_writer *writer);
void flowlog__table_free(flowlog_writer *writer);

#endif
