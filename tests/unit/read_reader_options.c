/* SPDX-License-Identifier: MIT */
/* The reader's options, its states, its errors file by file, and formats that are told from content. */
#define _DEFAULT_SOURCE
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "schema/layouts.h"
#include "support/alloc_count.h"
#include "support/read_rows.h"

TestSuite(reader, .timeout = 30);

#define RECORD "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n"

static flowlog_status open_with(const flowlog_reader_options *o, flowlog_error *err)
{
    flowlog_reader *reader = NULL;
    memset(err, 0, sizeof *err);
    const flowlog_status status = flowlog_reader_open(NULL, o, &reader, err);
    cr_expect_eq(err->status, status, "%d: %s", (int)status, err->message);
    cr_expect_eq(!reader, status < 0);
    flowlog_reader_close(reader);
    return status;
}

/* --- options --------------------------------------------------------------------------------------- */

Test(reader, options_begin_with_their_size)
{
    struct {
        flowlog_reader_options o;
        uint64_t later[2];
    } big = {FLOWLOG_READER_OPTIONS_INIT, {0, 0}};
    flowlog_error err;
    cr_expect_eq(open_with(NULL, &err), FLOWLOG_OK);
    cr_expect_eq(open_with(&big.o, &err), FLOWLOG_OK);
    big.o.struct_size = 0;
    cr_expect_eq(open_with(&big.o, &err), FLOWLOG_E_ARGUMENT);
    big.o.struct_size = 8; /* size and flags only */
    big.o.line_max = 0xFFFFFFFF;
    big.o.fields = "no such fields";
    cr_expect_eq(open_with(&big.o, &err), FLOWLOG_OK, "members beyond the size are not looked at");
    big.o = (flowlog_reader_options)FLOWLOG_READER_OPTIONS_INIT;
    big.o.struct_size = sizeof big;
    cr_expect_eq(open_with(&big.o, &err), FLOWLOG_OK, "a longer struct, zero beyond what is known");
    big.later[1] = 1;
    cr_expect_eq(open_with(&big.o, &err), FLOWLOG_E_ARGUMENT, "a longer struct that says something unknown");
}

Test(reader, options_out_of_range_are_refused)
{
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_error err;
    o.flags = 8;
    cr_expect_eq(open_with(&o, &err), FLOWLOG_E_ARGUMENT);
    o.flags = 0x80000000u;
    cr_expect_eq(open_with(&o, &err), FLOWLOG_E_ARGUMENT);
    o.flags = 7;
    cr_expect_eq(open_with(&o, &err), FLOWLOG_OK);
    o.batch_rows = 65536;
    cr_expect_eq(open_with(&o, &err), FLOWLOG_OK);
    o.batch_rows = 65537;
    cr_expect_eq(open_with(&o, &err), FLOWLOG_E_ARGUMENT);
    o.batch_rows = 0;
    o.line_max = 1 << 20;
    cr_expect_eq(open_with(&o, &err), FLOWLOG_OK);
    o.line_max++;
    cr_expect_eq(open_with(&o, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_reader_open(NULL, NULL, NULL, &err), FLOWLOG_E_ARGUMENT);
}

Test(reader, unknown_field_names_are_refused_with_their_offset)
{
    static const struct {
        const char *fields;
        flowlog_status status;
        uint64_t offset;
    } rows[] = {
        {"srcaddr,bytes", FLOWLOG_OK, 0},
        {"${srcaddr} $${bytes}", FLOWLOG_OK, 0},
        {"src_addr accountId", FLOWLOG_OK, 0},
        {"default", FLOWLOG_OK, 0},
        {"tgw", FLOWLOG_OK, 0},
        {"known-by-format", FLOWLOG_OK, 0},
        {"KNOWN_BY_FORMAT,srcaddr", FLOWLOG_OK, 0},
        {"nothing", FLOWLOG_E_FIELD, 0},
        {"srcaddr,bytez", FLOWLOG_E_FIELD, 8},
        {"srcaddr  ,  bytez", FLOWLOG_E_FIELD, 12},
        {"srcaddr,addr", FLOWLOG_E_FIELD, 8}, /* not at the letters within srcaddr */
        {"srcaddr,src", FLOWLOG_E_FIELD, 8},
        {"${srcaddr} ${src}", FLOWLOG_E_FIELD, 13},
        {"'srcaddr' 'src'", FLOWLOG_E_FIELD, 11},
        {"a,b", FLOWLOG_E_FIELD, 0},
        {"srcaddr,srcaddr", FLOWLOG_E_DUPLICATE, 8},
        {"srcaddr,bytes,src-addr", FLOWLOG_E_DUPLICATE, 14},
        {"srcaddr,,bytes", FLOWLOG_E_SYNTAX, 8},
        {"srcaddr,10.0.0.1", FLOWLOG_E_SYNTAX, 8},
    };
    flowlog_format *f = NULL;
    cr_assert_eq(flowlog_format_parse("srcaddr known-by-format", 23, NULL, &f, NULL), FLOWLOG_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        flowlog_error err;
        o.fields = rows[i].fields;
        o.format = f;
        cr_expect_eq(open_with(&o, &err), rows[i].status, "'%s': %s", rows[i].fields, err.message);
        cr_expect_eq(err.offset, rows[i].offset, "'%s': %llu", rows[i].fields, (unsigned long long)err.offset);
        if (rows[i].status < 0) cr_expect_eq(err.column, rows[i].offset + 1, "'%s'", rows[i].fields);
    }
    flowlog_format_free(f);
}

Test(reader, no_fields_at_all)
{
    static const char *const none[] = {"", " ", ",", " , "};
    for (size_t i = 0; i < 4; i++) {
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        o.fields = none[i];
        const struct rows *r = rows_of("srcaddr bytes log-status\n1.1.1.1 5 OK\nx y NODATA\n1.1.1.1\n", &o);
        cr_expect_str_eq(r->text, "OK\nNODATA\n", "no value is looked at, so none is malformed");
        cr_expect(r->counters.malformed == 1 && r->counters.reasons[FLOWLOG_REASON_TOO_FEW] == 1);
    }
}

Test(reader, fields_in_the_order_asked_for_and_nulls_where_a_file_has_none)
{
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_source *source;
    flowlog_reader *reader;
    const flowlog_batch *b;
    char fields[] = "bytes,srcaddr,instance-id,start,action,tcp-flags";
    o.fields = fields;
    static const char text[] = "srcaddr bytes\n1.1.1.1 5\n::1 -\n";
    cr_assert_eq(flowlog_source_memory(text, sizeof text - 1, NULL, NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, &o, &reader, NULL), FLOWLOG_OK);
    memset(fields, 'x', sizeof fields - 1); /* the list was copied */
    cr_assert_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_OK);
    static const char *const names[] = {"bytes", "srcaddr", "instance-id", "start", "action", "tcp-flags"};
    static const uint8_t present[] = {1, 1, 0, 0, 0, 0};
    static const uint32_t nulls[] = {1, 0, 2, 2, 2, 2};
    cr_assert_eq(b->columns, 6);
    for (uint32_t i = 0; i < 6; i++) {
        cr_expect_str_eq(b->column[i].name, names[i]);
        cr_expect_eq(b->column[i].present, present[i], "%s", names[i]);
        cr_expect_eq(b->column[i].null_count, nulls[i], "%s", names[i]);
        for (uint32_t r = 0; r < 2; r++) {
            flowlog_value v;
            cr_assert_eq(flowlog_batch_value(b, r, i, &v), FLOWLOG_OK);
            if (!present[i]) cr_expect(v.is_null);
        }
    }
    cr_expect_eq(flowlog_batch_find(b, "srcAddr", 7), 1);
    cr_expect_eq(flowlog_batch_find(b, "dstaddr", 7), -1);
    flowlog_reader_close(reader);
}

/* --- lines, stopping, records only ----------------------------------------------------------------- */

Test(reader, lines_are_given_as_they_stand_with_their_numbers)
{
    static const char text[] = "srcaddr bytes\n"
                               "1.1.1.1 1\n"
                               "bad\n"
                               "\n"
                               "1.1.1.2  2 \r\n"
                               " 1.1.1.3\t3\n"
                               "1.1.1.4 x\n"
                               "1.1.1.5 5\r\n"
                               "1.1.1.6 6";
    static const char *const lines[] = {"1.1.1.1 1", "1.1.1.2  2 \r", " 1.1.1.3\t3", "1.1.1.5 5\r", "1.1.1.6 6"};
    static const uint64_t numbers[] = {2, 5, 6, 8, 9};
    for (uint32_t batch_rows = 1; batch_rows < 10; batch_rows++) {
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        flowlog_source *source;
        flowlog_reader *reader;
        const flowlog_batch *b;
        size_t n = 0;
        o.flags = FLOWLOG_READ_LINES;
        o.batch_rows = batch_rows;
        cr_assert_eq(flowlog_source_memory(text, sizeof text - 1, NULL, NULL, &source, NULL), FLOWLOG_OK);
        cr_assert_eq(flowlog_reader_open(source, &o, &reader, NULL), FLOWLOG_OK);
        while (flowlog_reader_next(reader, &b, NULL) == FLOWLOG_OK)
            for (uint32_t r = 0; r < b->rows; r++, n++) {
                cr_assert_lt(n, 5u);
                cr_expect_eq(b->line_numbers[r], numbers[n]);
                cr_expect_eq(b->lines[r].len, strlen(lines[n]));
                cr_expect(!memcmp(b->text + b->lines[r].offset, lines[n], b->lines[r].len), "%s", lines[n]);
            }
        cr_expect_eq(n, 5);
        flowlog_reader_close(reader);
    }
    cr_expect_eq(rows_of(text, NULL)->counters.irregular, 3);
}

Test(reader, stopping_at_a_bad_line_is_permanent)
{
    static const struct {
        const char *text, *rows, *message;
        uint64_t line, offset;
    } cases[] = {
        {"srcaddr bytes\n1.1.1.1 1\n1.1.1.2 x\n1.1.1.3 3\n", "none srcaddr=1.1.1.1 bytes=1\n", "bytes: not a decimal", 3, 24},
        {"srcaddr bytes\nx y\n1.1.1.3 3\n", "", "srcaddr: not an IPv4", 2, 14},
        {"srcaddr bytes\n1.1.1.1 1\n\n1.1.1.3\n1.1.1.1 1\n", "none srcaddr=1.1.1.1 bytes=1\n", "fewer values", 4, 25},
        {"srcaddr bytes\n1 2 3\n", "", "more values", 2, 14},
        {"srcaddr bytes\n1.1.1.1  1 \n1.1.1.1 \x01\n", "none srcaddr=1.1.1.1 bytes=1\n", "control character", 3, 26},
        {"srcaddr bytes\nbytes bytes\n1.1.1.1 1\n", "", "named twice", 2, 14},
        {"bytes bytes\n", "", "named twice", 1, 0},
        {"srcaddr bytes\n1.1.1.1 1\n1234567890123456789012345678901234567890x\n", "none srcaddr=1.1.1.1 bytes=1\n", "longer than", 3, 24},
        {"\xEF\xBB\xBF# 5\n1234567890123456789012345678901234567890x", "", "longer than", 2, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        o.flags = FLOWLOG_READ_STOP_ON_BAD;
        o.line_max = 40;
        const struct rows *r = rows_of(cases[i].text, &o);
        cr_expect_eq(r->status, FLOWLOG_E_MALFORMED, "case %zu", i);
        cr_expect_str_eq(r->text, cases[i].rows, "case %zu: %s", i, r->text);
        cr_expect(r->err.line == cases[i].line && r->err.offset == cases[i].offset,
                  "case %zu: line %llu, offset %llu", i, (unsigned long long)r->err.line,
                  (unsigned long long)r->err.offset);
        cr_expect(strstr(r->err.message, cases[i].message), "case %zu: %s", i, r->err.message);
        cr_expect_eq(r->counters.malformed, 1);
    }
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_source *source;
    flowlog_reader *reader;
    const flowlog_batch *b;
    o.flags = FLOWLOG_READ_STOP_ON_BAD;
    cr_assert_eq(flowlog_source_memory("srcaddr\nx\n1.1.1.1\n", 18, NULL, NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, &o, &reader, NULL), FLOWLOG_OK);
    for (int i = 0; i < 3; i++) {
        flowlog_error err = {0};
        cr_expect_eq(flowlog_reader_next(reader, &b, &err), FLOWLOG_E_MALFORMED);
        cr_expect_eq(err.line, 2);
        cr_expect_eq(flowlog_reader_counters(reader)->malformed, 1);
    }
    flowlog_reader_close(reader);
}

Test(reader, records_only_leaves_the_others_out_and_counts_them)
{
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    o.flags = FLOWLOG_READ_RECORDS_ONLY;
    const struct rows *r = rows_of("bytes log-status\n- NODATA\n1 OK\n- SKIPDATA\n2 STRANGE\nx NODATA\n- -\n", &o);
    cr_expect_str_eq(r->text, "OK bytes=1 log-status=OK\nnone bytes=2 log-status=STRANGE\n");
    cr_expect(r->counters.records == 2 && r->counters.nodata == 2 && r->counters.skipdata == 1 &&
              r->counters.malformed == 1);
    r = rows_of("bytes log-status\n- NODATA\n- SKIPDATA\n", &o);
    cr_expect_eq(r->status, FLOWLOG_END, "no batch, not an empty one");
    cr_expect_str_eq(r->text, "");
}

/* --- states ---------------------------------------------------------------------------------------- */

Test(reader, feeding_has_an_order)
{
    flowlog_reader *reader;
    const flowlog_batch *b;
    cr_assert_eq(flowlog_reader_open(NULL, NULL, &reader, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_MORE);
    cr_expect_eq(flowlog_reader_feed(reader, NULL, 0), FLOWLOG_OK);
    cr_expect_eq(flowlog_reader_feed(reader, NULL, 1), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_reader_feed(NULL, "a", 1), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_reader_feed(reader, "srcaddr\n", 8), FLOWLOG_OK);
    cr_expect_eq(flowlog_reader_feed(reader, "1.1.1.1\n", 8), FLOWLOG_E_STATE, "bytes from before are left");
    cr_expect_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_MORE);
    cr_expect_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_MORE);
    cr_expect_eq(flowlog_reader_feed(reader, "1.1.1.1", 7), FLOWLOG_OK);
    cr_expect_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_MORE, "not a line yet");
    cr_expect_eq(flowlog_reader_finish(reader), FLOWLOG_OK);
    cr_expect_eq(flowlog_reader_finish(reader), FLOWLOG_OK);
    cr_expect_eq(flowlog_reader_feed(reader, "a", 1), FLOWLOG_E_STATE);
    cr_expect_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_OK);
    cr_expect_eq(b->rows, 1);
    cr_expect_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_END);
    cr_expect_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_END);
    cr_expect_eq(flowlog_reader_path(reader, 0), NULL);
    cr_expect_eq(flowlog_reader_counters(reader)->bytes, 15);
    cr_expect_eq(flowlog_reader_progress(reader), 15);
    flowlog_reader_close(reader);
    flowlog_reader_close(NULL);

    flowlog_source *source;
    cr_assert_eq(flowlog_source_memory("srcaddr\n", 8, "some memory", NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, NULL, &reader, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_reader_feed(reader, "a", 1), FLOWLOG_E_STATE);
    cr_expect_eq(flowlog_reader_finish(reader), FLOWLOG_E_STATE);
    cr_expect_eq(flowlog_reader_next(NULL, &b, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_reader_next(reader, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_END);
    cr_expect_str_eq(flowlog_reader_path(reader, 0), "some memory");
    cr_expect_eq(flowlog_reader_path(reader, 1), NULL);
    flowlog_reader_close(reader);
}

Test(reader, nothing_at_all)
{
    static const char *const texts[] = {"", "\n", "# only\n", " \t\r\n", "\xEF\xBB\xBF", "srcaddr bytes"};
    static const uint64_t lines[] = {0, 1, 1, 1, 0, 1};
    for (size_t i = 0; i < 6; i++) {
        const struct rows *r = rows_of(texts[i], NULL);
        cr_expect(r->status == FLOWLOG_END && !*r->text, "text %zu: %s", i, r->err.message);
        cr_expect_eq(r->counters.lines, lines[i], "text %zu", i);
        cr_expect_eq(r->counters.bytes, strlen(texts[i]), "text %zu", i);
    }
}

Test(reader, a_source_stays_the_callers_when_opening_fails)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_source *source;
    flowlog_reader *reader = NULL;
    flowlog_error err;
    o.fields = "nonsense";
    o.alloc = &a;
    cr_assert_eq(flowlog_source_memory("a", 1, "n", &a, &source, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_reader_open(source, &o, &reader, &err), FLOWLOG_E_FIELD);
    cr_expect_str_eq(flowlog_source_name(source, 0), "n");
    flowlog_source_close(source);
    cr_expect(t.live_blocks == 0 && t.wrong_lengths == 0);
}

Test(reader, formats_met_are_kept_once_each)
{
    flowlog_source *source;
    flowlog_reader *reader;
    const flowlog_batch *b;
    static const char text[] = "srcaddr bytes\n1.1.1.1 1\nbytes srcaddr\n1 1.1.1.1\nsrc_addr bytes\n1.1.1.1 1\n";
    cr_assert_eq(flowlog_source_memory(text, sizeof text - 1, NULL, NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, NULL, &reader, NULL), FLOWLOG_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_OK);
        cr_expect_eq(b->format, flowlog_reader_format_at(reader, i % 2));
    }
    cr_expect_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_END);
    cr_expect_eq(flowlog_reader_formats(reader), 2);
    cr_expect_eq(flowlog_reader_format_at(reader, 2), NULL);
    flowlog_reader_close(reader);
}

Test(reader, more_formats_than_anyone_means_are_bad_headers)
{
    static char text[1 << 16];
    size_t n = 0;
    for (int i = 0; i < 300; i++) n += (size_t)sprintf(text + n, "srcaddr bytes odd%d\n1.1.1.1 %d x\n", i, i);
    const struct rows *r = rows_of(text, NULL);
    cr_expect_eq(r->counters.headers, 256);
    cr_expect_eq(r->counters.reasons[FLOWLOG_REASON_HEADER], 44);
    cr_expect_eq(r->counters.records, 300);
}

Test(reader, only_the_first_bad_lines_are_kept_and_their_text_is_cut)
{
    static char text[1 << 14];
    size_t n = (size_t)sprintf(text, "srcaddr\n");
    for (int i = 0; i < 20; i++) n += (size_t)sprintf(text + n, "x%d\x1B%0200d\n", i, 7);
    const struct rows *r = rows_of(text, NULL);
    cr_expect(r->counters.malformed == 20 && r->counters.bad_lines == FLOWLOG_BAD_LINES);
    for (uint32_t i = 0; i < FLOWLOG_BAD_LINES; i++) {
        const flowlog_bad_line *bad = &r->counters.bad_line[i];
        char begin[20];
        sprintf(begin, "x%u?000", i);
        cr_expect(bad->line == i + 2 && bad->text_len == 115 && strlen(bad->text) == 115 &&
                  !strncmp(bad->text, begin, 6));
    }
}

Test(reader, reasons_have_names)
{
#define X(name, number, text, message)                      \
    cr_expect_str_eq(flowlog_reason_name(number), text);    \
    cr_expect_str_eq(flowlog_reason_message(number), message);
    FLOWLOG_REASON_MAP(X)
#undef X
    cr_expect_str_eq(flowlog_reason_name(FLOWLOG_REASON_TOO_FEW), "too_few");
    cr_expect_str_eq(flowlog_reason_name(FLOWLOG_REASON_HEADER), "header");
    cr_expect_str_eq(flowlog_reason_name(99), "unknown");
    cr_expect_str_eq(flowlog_reason_message(0), "unknown reason");
}

/* --- several files, some of them bad --------------------------------------------------------------- */

static void put(const char *dir, const char *name, const void *p, size_t n)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(p, 1, n, f) == n && !fclose(f));
}

static void put_text(const char *dir, const char *name, const char *text) { put(dir, name, text, strlen(text)); }

Test(reader, a_bad_file_costs_that_file)
{
    char dir[] = "/tmp/flowlog_readdir_XXXXXX", path[300], command[100];
    cr_assert(mkdtemp(dir));
    put_text(dir, "a.log", "srcaddr\n1.1.1.1\n");
    put_text(dir, "b.log", "nobody knows what this is\n");
    put_text(dir, "c.log", "srcaddr\n1.1.1.3\n");
    put_text(dir, "d.log", "srcaddr\n1.1.1.4\n");
    put(dir, "e.log.gz", "\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03not deflate at all", 28);
    put_text(dir, "f.log", RECORD);
    put_text(dir, "g.log", "srcaddr\n1.1.1.7\n");
    flowlog_source *source;
    flowlog_reader *reader;
    const flowlog_batch *b;
    const char *paths[] = {dir};
    flowlog_error err;
    flowlog_status status;
    char seen[200] = "";
    cr_assert_eq(flowlog_source_paths(paths, 1, 0, NULL, &source, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, NULL, &reader, &err), FLOWLOG_OK);
    snprintf(path, sizeof path, "%s/d.log", dir);
    cr_assert_eq(unlink(path), 0); /* gone before its turn comes */
    while ((status = flowlog_reader_next(reader, &b, &err)) != FLOWLOG_END) {
        const uint32_t file = flowlog_reader_file(reader);
        const char *name = strrchr(flowlog_reader_path(reader, file), '/') + 1;
        sprintf(seen + strlen(seen), "%.1s:%s ", name, status == FLOWLOG_OK ? "ok" : flowlog_status_name(status) + 8);
        if (status == FLOWLOG_OK) cr_expect_eq(b->file, file);
        cr_assert_lt(strlen(seen), 150u);
    }
    cr_expect_str_eq(seen, "a:ok b:E_FORMAT c:ok d:E_IO e:E_CORRUPT f:ok g:ok ");
    cr_expect_eq(flowlog_reader_counters(reader)->records, 4);
    flowlog_reader_close(reader);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    cr_assert_eq(system(command), 0);
}

static int64_t half(void *ctx, void *buf, size_t cap)
{
    int *calls = ctx;
    static const char text[] = "srcaddr\n1.1.1.1\n1.1.1.2\n1.1";
    if (*calls) return -1;
    ++*calls;
    cr_assert_geq(cap, sizeof text);
    memcpy(buf, text, sizeof text - 1);
    return sizeof text - 1;
}

Test(reader, rows_before_a_failing_read_are_given)
{
    flowlog_source *source;
    flowlog_reader *reader;
    const flowlog_batch *b;
    flowlog_error err = {0};
    int calls = 0;
    cr_assert_eq(flowlog_source_callback(half, &calls, "half", NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, NULL, &reader, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_next(reader, &b, &err), FLOWLOG_OK);
    cr_expect_eq(b->rows, 2);
    cr_expect_eq(flowlog_reader_next(reader, &b, &err), FLOWLOG_E_IO);
    cr_expect(err.status == FLOWLOG_E_IO && err.line == 4 && strstr(err.message, "half"), "%s", err.message);
    cr_expect_eq(flowlog_reader_next(reader, &b, &err), FLOWLOG_END);
    flowlog_reader_close(reader);
}

/* --- hostile input --------------------------------------------------------------------------------- */

/* Processor time of reading so many bytes of a pattern, in one block as long as blocks get; the best of three. */
static double seconds_of(const char *pattern, size_t bytes)
{
    char *text = malloc(bytes + 100);
    size_t n = (size_t)sprintf(text, "srcaddr bytes\n");
    double best = 1e9;
    while (n < bytes) n += (size_t)sprintf(text + n, "%s", pattern);
    for (int i = 0; i < 3; i++) {
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        flowlog_source *source;
        flowlog_reader *reader;
        const flowlog_batch *b;
        o.line_max = 1 << 20;
        o.batch_rows = 65536;
        cr_assert_eq(flowlog_source_memory(text, n, NULL, NULL, &source, NULL), FLOWLOG_OK);
        cr_assert_eq(flowlog_reader_open(source, &o, &reader, NULL), FLOWLOG_OK);
        const clock_t begin = clock();
        while (flowlog_reader_next(reader, &b, NULL) == FLOWLOG_OK) {}
        const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        if (seconds < best) best = seconds;
        flowlog_reader_close(reader);
    }
    free(text);
    return best;
}

/* Lines that are no rows, in blocks that have as many values as if all were: each must not cost a look at the rest. */
Test(reader, time_grows_with_the_input_whatever_its_lines_are)
{
    static const char *const patterns[] = {"a\na b c\n", "x y\n# z\n", "\n", "1.1.1.1  5\n1.1.1.1 5\n", "1.1.1.1 x\n1.1.1.1 5\n"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        const double one = seconds_of(patterns[i], 1 << 16), eight = seconds_of(patterns[i], 1 << 19);
        cr_expect_lt(eight, 8 * one * 3 + 0.3, "pattern %zu: %.4f s, then %.4f s", i, one, eight);
    }
}

/* --- formats told from content --------------------------------------------------------------------- */

/* A value that the field can have, and that tells something. */
static const char *value_for(const flowlog_format_column *c)
{
    static const char *const pairs[][2] = {
        {"version", "5"}, {"account-id", "123456789010"}, {"interface-id", "eni-1"}, {"vpc-id", "vpc-1"}, {"subnet-id", "subnet-1"},
        {"instance-id", "i-1"}, {"action", "ACCEPT"}, {"log-status", "OK"}, {"type", "IPv4"}, {"flow-direction", "egress"},
        {"resource-type", "TransitGateway"}, {"tgw-id", "tgw-1"}, {"tgw-attachment-id", "tgw-attach-1"},
        {"tgw-pair-attachment-id", "tgw-attach-2"}, {"tgw-src-vpc-account-id", "123456789010"}, {"tgw-dst-vpc-account-id", "unknown"},
        {"resource-id", "nat-1"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!strcmp(c->name, pairs[i][0])) return pairs[i][1];
    if (c->type == FLOWLOG_TYPE_ADDR) return "10.0.0.1";
    if (c->type == FLOWLOG_TYPE_TEXT) return "-";
    if (c->type == FLOWLOG_TYPE_ENUM) return "S3";
    return c->type == FLOWLOG_TYPE_TIME ? "1700000000" : "7";
}

Test(reader, every_known_layout_is_told_from_a_line_of_it)
{
    size_t count;
    const struct fl_layout *layouts = flowlog__layouts(&count);
    for (size_t i = 0; i < count; i++) {
        flowlog_format *f = NULL;
        flowlog_source *source;
        flowlog_reader *reader;
        const flowlog_batch *b;
        flowlog_error err;
        char line[3000];
        size_t n = 0;
        cr_assert_eq(flowlog_format_parse(layouts[i].fields, strlen(layouts[i].fields), NULL, &f, NULL), FLOWLOG_OK);
        for (uint32_t k = 0; k < flowlog_format_columns(f); k++)
            n += (size_t)sprintf(line + n, "%s%s", k ? " " : "", value_for(flowlog_format_column_at(f, k)));
        cr_assert_eq(flowlog_source_memory(line, n, NULL, NULL, &source, NULL), FLOWLOG_OK);
        cr_assert_eq(flowlog_reader_open(source, NULL, &reader, NULL), FLOWLOG_OK);
        const flowlog_status status = flowlog_reader_next(reader, &b, &err);
        cr_expect_eq(status, FLOWLOG_OK, "%s: %s", layouts[i].name, err.message);
        if (status == FLOWLOG_OK) cr_expect(flowlog_format_equal(b->format, f), "%s", layouts[i].name);
        flowlog_reader_close(reader);
        flowlog_format_free(f);
    }
}

Test(reader, lines_that_fit_several_layouts_or_none_are_an_error_that_says_so)
{
    /* Eight nulls and nothing else: the only layout of eight fields; four: none. */
    cr_expect_eq(rows_of("- - - - - - - -\n", NULL)->status, FLOWLOG_END);
    const struct rows *r = rows_of("- - - -\n", NULL);
    cr_expect(r->status == FLOWLOG_E_FORMAT && strstr(r->err.message, "4 values"), "%s", r->err.message);
    /* 29 nulls: all fields up to version 5, in AWS's order or the alphabet's. */
    char text[100] = "";
    for (int i = 0; i < 29; i++) strcat(text, i ? " -" : "-");
    r = rows_of(text, NULL);
    cr_expect(r->status == FLOWLOG_E_FORMAT && strstr(r->err.message, "several") &&
                  strstr(r->err.message, "alphabetical"),
              "%s", r->err.message);
    /* The place is that of the first line of data. */
    r = rows_of("# comment\n\nwhat is this\n", NULL);
    cr_expect(r->status == FLOWLOG_E_FORMAT && r->err.line == 3 && r->err.offset == 11);
    /* The token that did not fit is named, and is printable. */
    r = rows_of("2 123456789010 eni-1 1.1.1.1 172.31.16.21 20641 22 6 20 42x9 1418530010 1418530070 ACCEPT OK\n", NULL);
    cr_expect(r->status == FLOWLOG_E_FORMAT && strstr(r->err.message, "value 10 (42x9)"), "%s", r->err.message);
}

/* One value of a line of the Transit Gateway default or of all fields is none that its field has. */
Test(reader, every_value_must_be_one_that_its_field_can_have)
{
    static const struct {
        const char *field, *value;
    } wrong[] = {
        {"version", "1"}, {"version", "0"}, {"version", "100"}, {"version", "x"}, {"account-id", "12345678901"},
        {"account-id", "1234567890123"}, {"account-id", "12345678901x"}, {"account-id", "unknow"}, {"interface-id", "1234"},
        {"interface-id", "eni-"}, {"srcaddr", "10.0.0"}, {"srcport", "65536"}, {"protocol", "256"}, {"bytes", "-5"},
        {"start", "now"}, {"action", "MAYBE"}, {"log-status", "FINE"}, {"vpc-id", "subnet-1"}, {"subnet-id", "vpc-1"},
        {"instance-id", "eni-1"}, {"type", "IPv5"}, {"flow-direction", "up"}, {"resource-id", "i-1"}, {"ecs-cluster-arn", "x"},
        {"ecs-task-arn", "x"}, {"ecs-task-definition-arn", "x"}, {"ecs-container-instance-arn", "x"},
        {"next-hop-interface-id", "x"}, {"next-hop-subnet-id", "x"}, {"next-hop-vpc-id", "x"}, {"resource-type", "Vpc"},
        {"tgw-id", "x"}, {"tgw-attachment-id", "tgw-1"}, {"tgw-pair-attachment-id", "tgw-1"}, {"tgw-src-vpc-account-id", "1"},
        {"tgw-dst-vpc-account-id", "1"}, {"tgw-src-vpc-id", "x"}, {"tgw-dst-vpc-id", "x"}, {"tgw-src-subnet-id", "x"},
        {"tgw-dst-subnet-id", "x"}, {"tgw-src-eni", "x"}, {"tgw-dst-eni", "x"}, {"tcp-flags", "S"}, {"traffic-path", "8x"},
    };
    size_t count;
    const struct fl_layout *layouts = flowlog__layouts(&count);
    for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
        const size_t layout = strstr(wrong[w].field, "tgw") || !strcmp(wrong[w].field, "resource-type") ? 1 : 9;
        flowlog_format *f = NULL;
        char line[3000];
        size_t n = 0, changed = 0;
        cr_assert_eq(
            flowlog_format_parse(layouts[layout].fields, strlen(layouts[layout].fields), NULL, &f, NULL),
            FLOWLOG_OK);
        for (uint32_t k = 0; k < flowlog_format_columns(f); k++) {
            const flowlog_format_column *c = flowlog_format_column_at(f, k);
            const int here = !strcmp(c->name, wrong[w].field);
            changed += (size_t)here;
            n += (size_t)sprintf(line + n, "%s%s", k ? " " : "", here ? wrong[w].value : value_for(c));
        }
        cr_assert_eq(changed, 1, "%s", wrong[w].field);
        cr_expect_eq(rows_of(line, NULL)->status, FLOWLOG_E_FORMAT, "%s: %s", wrong[w].field, wrong[w].value);
        flowlog_format_free(f);
    }
}

Test(reader, a_given_format_holds_until_a_header)
{
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_format *f = NULL;
    cr_assert_eq(flowlog_format_parse("srcport dstport", 15, NULL, &f, NULL), FLOWLOG_OK);
    o.format = f;
    cr_expect_str_eq(rows_of("1 2\n3 4\n", &o)->text, "none srcport=1 dstport=2\nnone srcport=3 dstport=4\n");
    cr_expect_str_eq(rows_of("1 2\ndstport srcport\n3 4\n", &o)->text, "none srcport=1 dstport=2\nnone dstport=3 srcport=4\n");
    flowlog_reader *reader;
    cr_assert_eq(flowlog_reader_open(NULL, &o, &reader, NULL), FLOWLOG_OK);
    flowlog_format_free(f); /* it was copied */
    const flowlog_batch *b;
    cr_assert_eq(flowlog_reader_feed(reader, "1 2\n", 4), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_next(reader, &b, NULL), FLOWLOG_OK);
    cr_expect_str_eq(b->column[0].name, "srcport");
    flowlog_reader_close(reader);
}
