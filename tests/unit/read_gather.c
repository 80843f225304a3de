/* SPDX-License-Identifier: MIT */
/* Batches of 8192 rows and more: the rows of several blocks of text together, and the same rows as ever. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog/filter.h"
#include "flowlog/reader.h"
#include "support/alloc_count.h"

TestSuite(gather, .timeout = 60);

#define HEADER "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"

/* `lines` records with everything that a column may hold; every 1000th is malformed, every 100th has no data. */
static char *make_log(size_t lines, size_t *len)
{
    char *const text = malloc(lines * 160 + sizeof HEADER), *p = text;
    p += sprintf(p, HEADER);
    for (size_t i = 0; i < lines; i++) {
        if (i % 1000 == 999) p += sprintf(p, "2 123456789010 eni-1 nonsense\n");
        else if (i % 100 == 50)
            p += sprintf(p, "2 123456789010 eni-%zu - - - - - - - %zu %zu - NODATA\n", i % 7, 1772366400 + i, 1772366460 + i);
        else
            p += sprintf(p, "2 123456789010 eni-%zu %s%zx 10.0.%zu.%zu %zu 443 6 %zu %zu %zu %zu %s OK\n", i % 7,
                         i % 20 ? "2001:db8::" : "fe80::", i % 9999, i / 250 % 250, i % 250, i % 65536, i, i * 1500,
                         1772366400 + i, 1772366460 + i, i % 3 == 0 ? "REJECT" : i % 31 == 5 ? "DROP" : "ACCEPT");
    }
    *len = (size_t)(p - text);
    return text;
}

struct read {
    uint64_t rows, batches, largest, hash; /* hash: of all values, in order */
    flowlog_counters counters;
    flowlog_status status;
};

static uint64_t hash_row(uint64_t hash, const flowlog_batch *b, uint32_t row)
{
    char text[256];
    flowlog_value v;
    for (uint32_t c = 0; c < b->columns; c++) {
        cr_assert_eq(flowlog_batch_value(b, row, c, &v), FLOWLOG_OK);
        const size_t n = flowlog_value_format(&v, text, sizeof text);
        for (size_t i = 0; i <= n; i++) hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001B3); /* FNV-1a */
    }
    return (hash ^ b->log_status[row]) * UINT64_C(0x100000001B3);
}

static struct read read_source(flowlog_source *source, const flowlog_reader_options *o)
{
    struct read r = {.hash = UINT64_C(0xCBF29CE484222325)};
    flowlog_reader *reader = NULL;
    const flowlog_batch *b;
    r.status = flowlog_reader_open(source, o, &reader, NULL);
    if (r.status < 0) {
        flowlog_source_close(source);
        return r;
    }
    while ((r.status = flowlog_reader_next(reader, &b, NULL)) == FLOWLOG_OK) {
        uint32_t nulls = 0;
        r.batches++;
        r.rows += b->rows;
        if (b->rows > r.largest) r.largest = b->rows;
        for (uint32_t row = 0; row < b->rows; row++) r.hash = hash_row(r.hash, b, row);
        for (uint32_t row = 0; b->columns && row < b->rows; row++)
            nulls += !(b->column[0].validity[row / 64] >> (row & 63) & 1);
        if (b->columns) cr_assert_eq(b->column[0].null_count, nulls);
        cr_assert(b->rows <= (o->batch_rows ? o->batch_rows : 1024));
    }
    r.counters = *flowlog_reader_counters(reader);
    flowlog_reader_close(reader);
    return r;
}

static struct read read_text(const char *text, size_t len, const char *fields, uint32_t batch_rows,
                             const flowlog_filter *filter, uint32_t flags)
{
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_source *source;
    o.fields = fields;
    o.batch_rows = batch_rows;
    o.filter = filter;
    o.flags = flags;
    cr_assert_eq(flowlog_source_memory(text, len, "memory", NULL, &source, NULL), FLOWLOG_OK);
    return read_source(source, &o);
}

#define NUMBERS "srcaddr dstaddr srcport bytes start action"

Test(gather, large_batches_are_filled_from_many_blocks)
{
    size_t len;
    char *const text = make_log(40000, &len);
    const struct read large = read_text(text, len, NUMBERS, 65536, NULL, 0);
    cr_expect_eq(large.rows, 40000 - 40);
    cr_expect_leq(large.batches, 3, "%" PRIu64, large.batches);
    const struct read smaller = read_text(text, len, NUMBERS, 8192, NULL, 0);
    cr_expect_leq(smaller.batches, 7, "%" PRIu64, smaller.batches);
    cr_expect_geq(smaller.largest, 7168, "%" PRIu64, smaller.largest);
    cr_expect_gt(read_text(text, len, NUMBERS, 8191, NULL, 0).batches, 40, "only who asks for them gets them");
    free(text);
}

Test(gather, the_rows_and_the_counters_are_those_of_small_batches)
{
    static const char *const fields[] = {NUMBERS, "bytes", "action,log-status", "srcaddr", "", "vpc-id bytes", "interface-id,bytes"};
    static const char *const wheres[] = {NULL, "reject", "bytes > 30M", "src net 2001:db8::/32", "port 7"};
    size_t len;
    char *const text = make_log(9500, &len);
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
        for (size_t w = 0; w < sizeof wheres / sizeof *wheres; w++)
            for (uint32_t flags = 0; flags <= FLOWLOG_READ_RECORDS_ONLY; flags += FLOWLOG_READ_RECORDS_ONLY) {
                flowlog_filter *filter = NULL;
                if (wheres[w])
                    cr_assert_eq(flowlog_filter_parse(wheres[w], strlen(wheres[w]), NULL, &filter, NULL), FLOWLOG_OK);
                const struct read a = read_text(text, len, fields[f], 0, filter, flags);
                const struct read b = read_text(text, len, fields[f], 65536, filter, flags);
                const struct read c = read_text(text, len, fields[f], 8192, filter, flags);
                cr_expect_eq(a.status, FLOWLOG_END);
                cr_expect(a.rows == b.rows && a.rows == c.rows, "%s where %zu", fields[f], w);
                cr_expect(a.hash == b.hash && a.hash == c.hash, "%s where %zu", fields[f], w);
                cr_expect_eq(memcmp(&a.counters, &b.counters, sizeof a.counters), 0, "%s where %zu", fields[f], w);
                cr_expect_eq(memcmp(&a.counters, &c.counters, sizeof a.counters), 0, "%s where %zu", fields[f], w);
                flowlog_filter_free(filter);
            }
    free(text);
}

Test(gather, whole_lines_and_text_are_not_copied_together)
{
    size_t len;
    char *const text = make_log(9500, &len);
    cr_expect_gt(read_text(text, len, "bytes", 65536, NULL, FLOWLOG_READ_LINES).batches, 20);
    cr_expect_gt(read_text(text, len, "bytes interface-id", 65536, NULL, 0).batches, 20);
    free(text);
}

struct pieces { /* of a text, so long that no two reads give the same */
    const char *text;
    size_t len, at;
};

static int64_t read_piece(void *ctx, void *buf, size_t cap)
{
    struct pieces *p = ctx;
    size_t n = p->len - p->at;
    if (n > cap) n = cap;
    if (n > 7001 + p->at % 997) n = 7001 + p->at % 997;
    memcpy(buf, p->text + p->at, n);
    p->at += n;
    return (int64_t)n;
}

Test(gather, a_callback_gives_the_same)
{
    size_t len;
    char *const text = make_log(9500, &len);
    const struct read a = read_text(text, len, NUMBERS, 0, NULL, 0);
    struct pieces pieces = {text, len, 0};
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_source *source;
    o.fields = NUMBERS;
    o.batch_rows = 65536;
    cr_assert_eq(flowlog_source_callback(read_piece, &pieces, "callback", NULL, &source, NULL), FLOWLOG_OK);
    const struct read b = read_source(source, &o);
    cr_expect(a.rows == b.rows && a.hash == b.hash);
    cr_expect_leq(b.batches, 2);
    free(text);
}

Test(gather, a_fed_reader_gives_what_it_has_when_it_needs_more)
{
    size_t len;
    char *const text = make_log(3000, &len);
    const struct read expected = read_text(text, len, "bytes", 0, NULL, 0);
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_reader *reader;
    const flowlog_batch *b;
    uint64_t rows = 0, fed = 0;
    flowlog_status status;
    o.fields = "bytes";
    o.batch_rows = 65536;
    cr_assert_eq(flowlog_reader_open(NULL, &o, &reader, NULL), FLOWLOG_OK);
    for (size_t at = 0; at < len;) {
        const size_t n = len - at < 90000 ? len - at : 90000;
        cr_assert_eq(flowlog_reader_feed(reader, text + at, n), FLOWLOG_OK);
        at += n;
        while ((status = flowlog_reader_next(reader, &b, NULL)) == FLOWLOG_OK) rows += b->rows;
        cr_assert_eq(status, FLOWLOG_MORE);
        cr_expect_gt(rows, fed);
        fed = rows;
    }
    cr_assert_eq(flowlog_reader_finish(reader), FLOWLOG_OK);
    while ((status = flowlog_reader_next(reader, &b, NULL)) == FLOWLOG_OK) rows += b->rows;
    cr_expect_eq(status, FLOWLOG_END);
    cr_expect_eq(rows, expected.rows);
    flowlog_reader_close(reader);
    free(text);
}

Test(gather, files_and_formats_do_not_mix)
{
    char path[2][64];
    const char *const paths[2] = {path[0], path[1]};
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_source *source;
    flowlog_reader *reader;
    const flowlog_batch *b;
    flowlog_error err;
    uint64_t rows[2] = {0, 0}, sum = 0;
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "gather-%d-%s.log", i, i ? "b" : "a");
        FILE *const f = fopen(path[i], "w");
        fprintf(f, i ? "bytes packets srcaddr dstaddr\n" : "srcaddr dstaddr bytes\n");
        for (int n = 0; n < 3000; n++) fprintf(f, i ? "5 %d 10.0.0.1 10.0.0.2\n" : "10.0.0.1 10.0.0.2 %d\n", n);
        fclose(f);
    }
    o.fields = "bytes packets";
    o.batch_rows = 65536;
    cr_assert_eq(flowlog_source_paths(paths, 2, 0, NULL, &source, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, &o, &reader, &err), FLOWLOG_OK);
    while (flowlog_reader_next(reader, &b, &err) == FLOWLOG_OK) {
        rows[b->file] += b->rows;
        cr_expect_eq(b->column[1].present, b->file);
        cr_expect_eq(b->column[1].null_count, b->file ? 0 : b->rows);
        for (uint32_t r = 0; r < b->rows; r++) sum += ((const uint64_t *)b->column[0].values)[r];
    }
    cr_expect(rows[0] == 3000 && rows[1] == 3000);
    cr_expect_eq(sum, UINT64_C(2999) * 3000 / 2 + 15000);
    flowlog_reader_close(reader);
    remove(path[0]);
    remove(path[1]);
}

Test(gather, a_malformed_line_that_stops_comes_after_the_rows_before_it)
{
    size_t len;
    char *const text = make_log(9500, &len);
    const struct read a = read_text(text, len, NUMBERS, 0, NULL, FLOWLOG_READ_STOP_ON_BAD);
    const struct read b = read_text(text, len, NUMBERS, 65536, NULL, FLOWLOG_READ_STOP_ON_BAD);
    cr_expect(a.status == FLOWLOG_E_MALFORMED && b.status == a.status);
    cr_expect(a.rows == 999 && b.rows == a.rows && a.hash == b.hash);
    free(text);
}

Test(gather, every_allocation_that_fails_is_an_error_and_no_leak)
{
    size_t len;
    char *const text = make_log(2000, &len);
    for (size_t n = 1; n < 400; n++) {
        struct test_alloc t;
        const flowlog_alloc alloc = test_alloc_init(&t, n);
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        flowlog_source *source;
        o.fields = NUMBERS;
        o.batch_rows = 8192;
        o.alloc = &alloc;
        cr_assert_eq(flowlog_source_memory(text, len, "memory", NULL, &source, NULL), FLOWLOG_OK);
        const struct read r = read_source(source, &o);
        cr_expect(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", n);
        if (t.requests < n) {
            cr_expect_eq(r.status, FLOWLOG_END);
            cr_expect_gt(n, 10);
            break;
        }
        cr_expect_eq(r.status, FLOWLOG_E_MEMORY, "request %zu", n);
    }
    free(text);
}
