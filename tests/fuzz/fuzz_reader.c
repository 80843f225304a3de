/* SPDX-License-Identifier: MIT */
/*
 * fuzz_reader.c - the reader against its model and against itself.
 *
 *     byte 0   bits 0-2: FLOWLOG_READ_*; bit 3: a format is given; bits 4-6: which fields; bit 7: short lines
 *     byte 1   rows of a batch
 *     byte 2   size of the pieces in which the reader is fed; 0: they vary
 *     the rest the input, as it is: text, or gzip
 *
 * From memory and fed in pieces, the same must come out; of plain text it must be what the model says, and
 * every line is counted once.
 */
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
    o.batch_rows = data[1];

    if (flowlog_source_memory(text, n, NULL, NULL, &source, NULL) != FLOWLOG_OK) abort();
    if (flowlog_reader_open(source, &o, &reader, NULL) != FLOWLOG_OK) abort();
    transcript_of_reader(reader, NULL, 0, NULL, NULL, &memory);
    flowlog_reader_close(reader);

    struct pieces pieces = {data[2], 1};
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
