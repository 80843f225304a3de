/* SPDX-License-Identifier: MIT */
/*
 * support/read_rows.h - a text through the reader, as lines of values that a test can spell out:
 *
 *     struct rows *r = rows_of(text, &options);         NULL: the defaults
 *     cr_assert_str_eq(rows_text(r), "OK srcaddr=10.0.0.1 bytes=5\n");
 *     r->counters, r->status, r->err
 *
 * A line for each row: its status ("OK", "NODATA", "SKIPDATA", "none"), then name=value for every column that
 * the file has.  Values are those of flowlog_value_format.
 */
#ifndef TEST_READ_ROWS_H
#define TEST_READ_ROWS_H

#include <string.h>

#include "flowlog/reader.h"

struct rows {
    char text[1 << 16];
    size_t n;
    flowlog_counters counters;
    flowlog_status status; /* END, or the first error */
    flowlog_error err;
};

static inline void rows_put(struct rows *r, const char *text)
{
    const size_t n = strlen(text);
    if (r->n + n + 1 > sizeof r->text) return;
    memcpy(r->text + r->n, text, n + 1);
    r->n += n;
}

static inline void rows_batch(struct rows *r, const flowlog_batch *b)
{
    static const char *const status[] = {"none", "OK", "NODATA", "SKIPDATA"};
    for (uint32_t row = 0; row < b->rows; row++) {
        rows_put(r, b->log_status[row] < 4 ? status[b->log_status[row]] : "?");
        for (uint32_t i = 0; i < b->columns; i++) {
            char text[4000];
            flowlog_value v;
            if (!b->column[i].present) continue;
            if (flowlog_batch_value(b, row, i, &v) != FLOWLOG_OK) rows_put(r, "BROKEN");
            flowlog_value_format(&v, text, sizeof text);
            rows_put(r, " ");
            rows_put(r, b->column[i].name);
            rows_put(r, "=");
            rows_put(r, text);
        }
        rows_put(r, "\n");
    }
}

static inline struct rows *rows_of_bytes(const void *p, size_t n, const flowlog_reader_options *options)
{
    static struct rows all[4]; /* so that a test may compare a few */
    static unsigned next;
    struct rows *r = &all[next++ % 4];
    flowlog_source *source;
    flowlog_reader *reader;
    const flowlog_batch *b;
    flowlog_status status;
    flowlog_error err;
    memset(r, 0, sizeof *r);
    r->status = flowlog_source_memory(p, n, "memory", NULL, &source, &r->err);
    if (r->status < 0) return r;
    r->status = flowlog_reader_open(source, options, &reader, &r->err);
    if (r->status < 0) {
        flowlog_source_close(source);
        return r;
    }
    r->status = FLOWLOG_END;
    while ((status = flowlog_reader_next(reader, &b, &err)) != FLOWLOG_END) {
        if (status == FLOWLOG_OK) {
            rows_batch(r, b);
            continue;
        }
        if (r->status == FLOWLOG_END) {
            r->status = status;
            r->err = err;
        }
        if (status == FLOWLOG_E_MALFORMED) break;
    }
    r->counters = *flowlog_reader_counters(reader);
    flowlog_reader_close(reader);
    return r;
}

static inline struct rows *rows_of(const char *text, const flowlog_reader_options *options)
{
    return rows_of_bytes(text, strlen(text), options);
}

#endif
