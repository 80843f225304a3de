/* SPDX-License-Identifier: MIT */
/*
 * fuzz_reader.c - the reader against its model and against itself.
 *
 *     byte 0   bits 0-2: FLOWLOG_READ_*; bit 3: a format is given; bits 4-6: which fields, 6 and 7 with a filter;
 *              bit 7: short lines
 *     byte 1   rows of a batch
 *     byte 2   size of the pieces in which the reader is fed; 0: they vary
 *     the rest the input, as it is: text, or gzip
 *
 * From memory and fed in pieces, the same must come out; of plain text it must be what the model says, and
 * every line is counted once.  With a filter it must be the rows that flowlog_filter_select chooses without one.
 */
#include "flowlog/filter.h"
#include "flowlog/token.h"
#include "support/read_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct pieces {
    size_t size;
    uint32_t state;
};

static size_t next_piece(void *ctx)
{
    struct pieces *p = ctx;
    if (p->size) return p->size;
    p->state = p->state * 1664525u + 1013904223u;
    return 1 + (p->state >> 24);
}

static void differ(const struct reading *a, const struct reading *b, const char *what)
{
    const char *difference = transcript_difference(a, b);
    if (!difference) return;
    fprintf(stderr, "%s: %s\n", what, difference);
    abort();
}

/* --- with a filter ---------------------------------------------------------------------------------------------- */

struct digest {
    uint64_t rows, sum;
    flowlog_counters counters;
    int stopped;
};

static uint64_t hash_text(uint64_t h, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)p[i]) * UINT64_C(0x100000001B3);
    return h;
}

static void digest_row(struct digest *d, const flowlog_batch *b, uint32_t r, uint32_t columns)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325) + b->log_status[r];
    if (b->lines) h = hash_text(h + b->line_numbers[r], b->text + b->lines[r].offset, b->lines[r].len);
    for (uint32_t c = 0; c < columns; c++) {
        char text[64];
        flowlog_value v;
        if (flowlog_batch_value(b, r, c, &v) != FLOWLOG_OK) abort();
        const size_t n = flowlog_value_format(&v, text, sizeof text);
        h = hash_text(h, text, n < sizeof text ? n + 1 : sizeof text);
    }
    d->sum += h * ++d->rows; /* the order counts */
}

/* `filter`: of rows that the reader does not choose.  The first `columns` columns count. */
static void digest_reader(flowlog_reader *reader, const char *p, size_t n, struct pieces *pieces,
                          const flowlog_filter *filter, uint32_t columns, struct digest *d)
{
    static uint64_t selection[1024];
    const flowlog_batch *b;
    flowlog_status status;
    memset(d, 0, sizeof *d);
    while ((status = flowlog_reader_next(reader, &b, NULL)) != FLOWLOG_END) {
        if (status == FLOWLOG_E_MALFORMED) {
            d->stopped = 1;
            break;
        }
        if (status == FLOWLOG_MORE) {
            const size_t most = next_piece(pieces), len = most < n ? most : n;
            if (len ? flowlog_reader_feed(reader, p, len) : flowlog_reader_finish(reader)) abort();
            p += len;
            n -= len;
        }
        if (status != FLOWLOG_OK) continue;
        if (filter && flowlog_filter_select(filter, b, selection, NULL, NULL) != FLOWLOG_OK) abort();
        for (uint32_t r = 0; r < b->rows; r++)
            if (!filter || selection[r / 64] >> (r % 64) & 1) digest_row(d, b, r, columns);
    }
    d->counters = *flowlog_reader_counters(reader);
    if (d->stopped) d->counters.bytes = 0; /* of whole blocks, in which the line is somewhere */
    flowlog_reader_close(reader);
}

static flowlog_reader *open_memory(const char *text, size_t n, const flowlog_reader_options *o)
{
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    if (flowlog_source_memory(text, n, NULL, NULL, &source, NULL) != FLOWLOG_OK) abort();
    if (flowlog_reader_open(source, o, &reader, NULL) != FLOWLOG_OK) abort();
    return reader;
}

static void with_filter(const char *text, size_t n, flowlog_reader_options o, int which, struct pieces pieces)
{
    static const char *const conditions[2] = {"dst port in [22 443] and src net 10.0.0.0/8", "bytes > 100 or reject"};
    static const char *const fields[2] = {"bytes,interface-id", "srcaddr,action"},
                      *const with_needs[2] = {"bytes,interface-id,dstport,srcaddr", "srcaddr,action,bytes"};
    struct digest want, memory, fed;
    flowlog_filter *filter = NULL;
    flowlog_reader *reader = NULL;
    if (flowlog_filter_parse(conditions[which], strlen(conditions[which]), NULL, &filter, NULL) != FLOWLOG_OK) abort();
    o.fields = with_needs[which];
    digest_reader(open_memory(text, n, &o), NULL, 0, NULL, filter, 2, &want);
    o.fields = fields[which];
    o.filter = filter;
    digest_reader(open_memory(text, n, &o), NULL, 0, NULL, NULL, 2, &memory);
    if (flowlog_reader_open(NULL, &o, &reader, NULL) != FLOWLOG_OK) abort();
    digest_reader(reader, text, n, &pieces, NULL, 2, &fed);
    if (memory.rows != fed.rows || memory.sum != fed.sum || memory.stopped != fed.stopped) abort();
    if (memcmp(&memory.counters, &fed.counters, sizeof fed.counters) != 0) abort();
    /* Without the filter a row may be malformed that the filter did not look at. */
    if (!want.stopped && (memory.stopped || want.rows != memory.rows || want.sum != memory.sum)) abort();
    if (!want.stopped && want.counters.lines != memory.counters.lines) abort();
    flowlog_filter_free(filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const fields[] = {NULL, "", "srcaddr", "bytes,start,end", "log-status action interface-id",
                                         "dstport,protocol,unheard", NULL, NULL};
    static const char *const given = "version srcaddr dstport protocol bytes start action unheard log-status";
    if (len < 3) return 0;
    struct model_options m = {data[0] & 8 ? given : NULL, fields[data[0] >> 4 & 7],
                              data[0] & 0x80 ? 40 : 0, data[0] & 7u};
    if (!m.given && m.fields && strstr(m.fields, "unheard")) m.fields = "dstport,protocol";
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_format *format = NULL;
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    struct reading memory, fed, model;
    const size_t n = len - 3;
    char *text = malloc(n ? n : 1); /* of exactly its length */
    if (!text) return 0;
    memcpy(text, data + 3, n);
    if (m.given && flowlog_format_parse(m.given, strlen(m.given), NULL, &format, NULL) != FLOWLOG_OK) abort();
    o.format = format;
    o.fields = m.fields;
    o.flags = m.flags;
    o.line_max = (uint32_t)m.line_max;
    o.batch_rows = data[1] == 255 ? 8192 : data[1]; /* from there on rows are gathered */

    if (flowlog_source_memory(text, n, NULL, NULL, &source, NULL) != FLOWLOG_OK) abort();
    if (flowlog_reader_open(source, &o, &reader, NULL) != FLOWLOG_OK) abort();
    transcript_of_reader(reader, NULL, 0, NULL, NULL, &memory);
    flowlog_reader_close(reader);

    struct pieces pieces = {data[2], 1};
    if ((data[0] >> 4 & 7) >= 6) with_filter(text, n, o, data[0] >> 4 & 1, pieces);
    if (flowlog_reader_open(NULL, &o, &reader, NULL) != FLOWLOG_OK) abort();
    transcript_of_reader(reader, text, n, next_piece, &pieces, &fed);
    flowlog_reader_close(reader);
    differ(&memory, &fed, "memory and pieces");

    if (n < 2 || memcmp(text, "\x1F\x8B", 2) != 0) {
        model_read(text, n, &m, &model);
        differ(&model, &memory, "model and memory");
        reading_free(&model);
        uint64_t lines = 0;
        const size_t mark = n >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3) ? 3 : 0;
        if (flowlog_count_lines(text + mark, n - mark, &lines) != FLOWLOG_OK) abort();
        if (memory.status == FLOWLOG_END && (memory.counters.lines != lines || memory.counters.bytes != n)) abort();
    }
    reading_free(&memory);
    reading_free(&fed);
    flowlog_format_free(format);
    free(text);
    return 0;
}
