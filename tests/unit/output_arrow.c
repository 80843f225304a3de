/* SPDX-License-Identifier: MIT */
/* Batches, readers and results as Arrow arrays: every rule of the interface, every value, ownership, failures. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flowlog.h"
#include "output/arrow_build.h"
#include "support/alloc_count.h"
#include "support/arrow_check.h"
#include "support/batch_make.h"
#include "support/plan_ask.h"

TestSuite(arrow, .timeout = 60);

enum { TEXT = 1 << 20 };

#define CHECKED(schema, array)                              \
    do {                                                    \
        const char *wrong_ = arrow_check((schema), (array)); \
        cr_assert_null(wrong_, "%s", wrong_);               \
    } while (0)

/* Cells separated by blanks, a line a row, behind what is in `text`. */
static size_t put_rows(const struct ArrowSchema *s, const struct ArrowArray *a, char *text, size_t n)
{
    for (int64_t r = 0; r < a->length; r++) {
        for (int64_t c = 0; c < a->n_children; c++) {
            char cell[4096];
            arrow_cell(s->children[c], a->children[c], r, cell, sizeof cell);
            n += (size_t)snprintf(text + n, TEXT - n, "%s%s", c ? " " : "", cell);
        }
        n += (size_t)snprintf(text + n, TEXT - n, "\n");
    }
    return n;
}

/* A whole stream, each array checked; *arrays: how many.  The stream is released. */
static const char *rows_of_stream(struct ArrowArrayStream *stream, int *arrays)
{
    static char text[TEXT];
    struct ArrowSchema s;
    size_t n = 0;
    int count = 0;
    text[0] = '\0';
    cr_assert_eq(stream->get_schema(stream, &s), 0, "%s", stream->get_last_error(stream));
    for (;; count++) {
        struct ArrowArray a;
        cr_assert_eq(stream->get_next(stream, &a), 0, "%s", stream->get_last_error(stream));
        if (!a.release) break;
        CHECKED(&s, &a);
        n = put_rows(&s, &a, text, n);
        a.release(&a);
        cr_assert_null(a.release);
    }
    s.release(&s);
    cr_assert_null(s.release);
    stream->release(stream);
    cr_assert_null(stream->release);
    if (arrays) *arrays = count;
    return text;
}

/* name format, a line a column; the name of the dictionary's format in brackets. */
static const char *columns_of(const struct ArrowSchema *s)
{
    static char text[4096];
    size_t n = 0;
    text[0] = '\0';
    for (int64_t c = 0; c < s->n_children; c++) {
        const struct ArrowSchema *const child = s->children[c];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %s", child->name, child->format);
        if (child->dictionary) n += (size_t)snprintf(text + n, sizeof text - n, "[%s]", child->dictionary->format);
        n += (size_t)snprintf(text + n, sizeof text - n, "\n");
    }
    return text;
}

/* --- batches ------------------------------------------------------------------------------------------------ */

static const char *const all_types = "srcport,bytes,start,srcaddr,action,interface-id,my-tag";
#define EVERY_ROW                                                                           \
    "4294967295", "18446744073709551615", "-5", "10.0.0.1", "ACCEPT", "eni-1", "a",          \
    "-", "-", "-", "-", "-", "-", "-",                                                       \
    "0", "0", "1700000000", "2001:db8::1", "MAYBE", "eni-1", "-",                            \
    "443", "7", "0", "255.255.255.255", "REJECT", "eni-2", "tag-with-more-than-8-bytes",     \
    "1", "2", "3", "::", "reject", "eni-1", "a", "1", "2", "3", "::ffff:10.0.0.1", "OTHER", "-", "a"
static const char *const every_row[] = {EVERY_ROW};
enum { EVERY = 6 };

Test(arrow, a_batch_has_every_type_every_value_and_every_null)
{
    struct test_batch *b = test_batch_new(all_types, every_row, EVERY);
    struct ArrowSchema s;
    struct ArrowArray a;
    char text[TEXT / 64];
    cr_assert_eq(flowlog_batch_to_arrow(&b->batch, NULL, &s, &a, NULL), FLOWLOG_OK);
    test_batch_free(b);
    CHECKED(&s, &a);
    cr_expect_str_eq(columns_of(&s), "srcport I\nbytes L\nstart tss:UTC\nsrcaddr u\naction i[u]\n"
                                     "interface_id i[u]\nmy-tag u\n");
    put_rows(&s, &a, text, 0);
    cr_expect_str_eq(text, "4294967295 18446744073709551615 -5 10.0.0.1 ACCEPT eni-1 a\n"
                           "- - - - - - -\n"
                           "0 0 1700000000 2001:db8::1 MAYBE eni-1 -\n"
                           "443 7 0 255.255.255.255 REJECT eni-2 tag-with-more-than-8-bytes\n"
                           "1 2 3 :: REJECT eni-1 a\n"
                           "1 2 3 ::ffff:10.0.0.1 OTHER - a\n");
    cr_expect_eq(a.children[0]->null_count, 1);
    cr_expect_eq(a.children[6]->null_count, 2);
    cr_expect_eq(a.children[4]->dictionary->length, 4, "ACCEPT REJECT, then MAYBE OTHER");
    cr_expect_eq(a.children[5]->dictionary->length, 2);
    a.release(&a);
    s.release(&s);
    cr_expect_null(a.release);
    cr_expect_null(s.release);
}

Test(arrow, options_choose_how_addresses_and_repeated_text_look)
{
    struct test_batch *b = test_batch_new(all_types, every_row, EVERY);
    flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
    struct ArrowSchema s;
    struct ArrowArray a;
    char text[TEXT / 64];
    o.flags = FLOWLOG_ARROW_ADDR_BINARY | FLOWLOG_ARROW_NO_DICTIONARY;
    cr_assert_eq(flowlog_batch_to_arrow(&b->batch, &o, &s, &a, NULL), FLOWLOG_OK);
    test_batch_free(b);
    CHECKED(&s, &a);
    cr_expect_str_eq(columns_of(&s), "srcport I\nbytes L\nstart tss:UTC\nsrcaddr w:16\naction u\n"
                                     "interface_id u\nmy-tag u\n");
    put_rows(&s, &a, text, 0);
    cr_expect_str_eq(text, "4294967295 18446744073709551615 -5 ::ffff:10.0.0.1 ACCEPT eni-1 a\n"
                           "- - - - - - -\n"
                           "0 0 1700000000 2001:db8::1 MAYBE eni-1 -\n"
                           "443 7 0 ::ffff:255.255.255.255 REJECT eni-2 tag-with-more-than-8-bytes\n"
                           "1 2 3 :: REJECT eni-1 a\n"
                           "1 2 3 ::ffff:10.0.0.1 OTHER - a\n");
    a.release(&a);
    s.release(&s);
}

Test(arrow, batches_of_no_nulls_of_only_nulls_and_of_nothing_are_arrays_too)
{
    static const char *const full[] = {"1", "ACCEPT", "eni-1", "10.0.0.1", "x"}, *const none[5] = {NULL};
    for (int i = 0; i < 3; i++) {
        struct test_batch *b =
            test_batch_new("bytes,action,interface-id,srcaddr,tag", i == 0 ? full : none, i < 2 ? 1 : 0);
        struct ArrowSchema s;
        struct ArrowArray a;
        cr_assert_eq(flowlog_batch_to_arrow(&b->batch, NULL, &s, &a, NULL), FLOWLOG_OK);
        test_batch_free(b);
        CHECKED(&s, &a);
        cr_expect_eq(a.length, i < 2);
        for (int c = 0; c < 5; c++) {
            cr_expect_eq(a.children[c]->null_count, i == 1);
            cr_expect_eq(a.children[c]->buffers[0] == NULL, i != 1, "no bitmap without a null");
        }
        a.release(&a);
        s.release(&s);
    }
}

Test(arrow, children_and_dictionaries_that_were_moved_out_stay_valid)
{
    for (int order = 0; order < 2; order++) {
        struct test_alloc t;
        const flowlog_alloc alloc = test_alloc_init(&t, 0);
        flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
        struct test_batch *b = test_batch_new(all_types, every_row, EVERY);
        struct ArrowSchema s, name, token_type;
        struct ArrowArray a, column, tokens;
        char text[64];
        o.alloc = &alloc;
        cr_assert_eq(flowlog_batch_to_arrow(&b->batch, &o, &s, &a, NULL), FLOWLOG_OK);
        test_batch_free(b);
        name = *s.children[3];
        s.children[3]->release = NULL;
        token_type = *s.children[4]->dictionary;
        s.children[4]->dictionary->release = NULL;
        column = *a.children[3];
        a.children[3]->release = NULL;
        tokens = *a.children[4]->dictionary;
        a.children[4]->dictionary->release = NULL;
        if (order) {
            s.release(&s);
            a.release(&a);
        }
        cr_expect_str_eq(name.name, "srcaddr");
        arrow_cell(&name, &column, 2, text, sizeof text);
        cr_expect_str_eq(text, "2001:db8::1");
        arrow_cell(&token_type, &tokens, 1, text, sizeof text);
        cr_expect_str_eq(text, "REJECT");
        name.release(&name);
        token_type.release(&token_type);
        column.release(&column);
        tokens.release(&tokens);
        cr_expect_null(column.release);
        if (!order) {
            a.release(&a);
            s.release(&s);
        }
        cr_expect_eq(t.live_blocks, 0);
        cr_expect_eq(t.wrong_lengths, 0);
    }
}

Test(arrow, text_is_utf8_whatever_the_log_has)
{
    static const char *const cells[] = {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F",
                                        "bad\xFFtext\xC3", "bad\xFFtext\xC3",
                                        "\xE2\x82", "\xE2\x82",
                                        "bad\xC3\xBFtext\xC3\x83", "bad\xC3\xBFtext\xC3\x83"};
    struct test_batch *b = test_batch_new("interface-id,tag", cells, 4);
    struct ArrowSchema s;
    struct ArrowArray a;
    char text[TEXT / 64];
    cr_assert_eq(flowlog_batch_to_arrow(&b->batch, NULL, &s, &a, NULL), FLOWLOG_OK);
    test_batch_free(b);
    CHECKED(&s, &a);
    put_rows(&s, &a, text, 0);
    cr_expect_str_eq(text, "gr\xC3\xBC\xC3\x9F gr\xC3\xBC\xC3\x9F\n"
                           "bad\xC3\xBFtext\xC3\x83 bad\xC3\xBFtext\xC3\x83\n"
                           "\xC3\xA2\xC2\x82 \xC3\xA2\xC2\x82\n"
                           "bad\xC3\xBFtext\xC3\x83 bad\xC3\xBFtext\xC3\x83\n");
    cr_expect_eq(a.children[0]->dictionary->length, 3, "what reads alike is one text");
    a.release(&a);
    s.release(&s);
}

Test(arrow, a_dictionary_tells_texts_of_equal_hashes_apart)
{
    enum { TEXTS = 300000 }; /* of which about 10 pairs have the same 32 bits */
    struct fl_arrow_dictionary d = {0};
    struct test_alloc t;
    const flowlog_alloc alloc = test_alloc_init(&t, 0);
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < TEXTS; i++) {
            char text[40];
            uint32_t index;
            const int len = snprintf(text, sizeof text, "eni-%08x-the-end", (unsigned)(i * 2654435761u));
            cr_assert_eq(flowlog__dictionary_find(&d, &alloc, text, (size_t)len, &index), FLOWLOG_OK);
            cr_assert_eq(index, i);
        }
    cr_expect_eq(d.count, TEXTS);
    flowlog__dictionary_clear(&d, &alloc);
    cr_expect_eq(t.live_blocks, 0);
}

Test(arrow, wrong_arguments_are_told)
{
    struct test_batch *b = test_batch_new("bytes", (const char *const[]){"1"}, 1);
    flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
    struct ArrowSchema s;
    struct ArrowArray a;
    struct ArrowArrayStream stream;
    flowlog_error err = {0};
    cr_expect_eq(flowlog_batch_to_arrow(NULL, NULL, &s, &a, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_batch_to_arrow(&b->batch, NULL, NULL, &a, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_batch_to_arrow(&b->batch, NULL, &s, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_reader_to_arrow(NULL, NULL, &stream, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_result_to_arrow(NULL, NULL, &stream, &err), FLOWLOG_E_ARGUMENT);
    o.flags = 4;
    cr_expect_eq(flowlog_batch_to_arrow(&b->batch, &o, &s, &a, &err), FLOWLOG_E_ARGUMENT);
    o.flags = 0;
    o.array_rows = FLOWLOG_ARROW_ROWS_MAX + 1;
    cr_expect_eq(flowlog_batch_to_arrow(&b->batch, &o, &s, &a, &err), FLOWLOG_E_ARGUMENT);
    o.struct_size = 4;
    cr_expect_eq(flowlog_batch_to_arrow(&b->batch, &o, &s, &a, &err), FLOWLOG_E_ARGUMENT);
    cr_expect(strstr(err.message, "struct_size") != NULL);
    o.struct_size = 8; /* of an older version: the rest is the default */
    cr_assert_eq(flowlog_batch_to_arrow(&b->batch, &o, &s, &a, &err), FLOWLOG_OK);
    a.release(&a);
    s.release(&s);
    struct {
        flowlog_arrow_options o;
        uint64_t more;
    } newer = {FLOWLOG_ARROW_OPTIONS_INIT, 1};
    newer.o.struct_size = sizeof newer;
    cr_expect_eq(flowlog_batch_to_arrow(&b->batch, &newer.o, &s, &a, &err), FLOWLOG_E_ARGUMENT);
    b->column[0].type = 99;
    cr_expect_eq(flowlog_batch_to_arrow(&b->batch, NULL, &s, &a, &err), FLOWLOG_E_ARGUMENT);
    test_batch_free(b);
}

Test(arrow, a_batch_leaves_nothing_when_memory_runs_out)
{
    struct test_batch *b = test_batch_new(all_types, every_row, EVERY);
    for (size_t fail_at = 0, requests = 1; fail_at <= requests; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc alloc = test_alloc_init(&t, fail_at);
        flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
        struct ArrowSchema s = {.name = "untouched"};
        struct ArrowArray a = {.length = -7};
        o.alloc = &alloc;
        const flowlog_status status = flowlog_batch_to_arrow(&b->batch, &o, &s, &a, NULL);
        cr_expect_eq(status, fail_at ? FLOWLOG_E_MEMORY : FLOWLOG_OK, "request %zu", fail_at);
        if (!fail_at) {
            requests = t.requests;
            a.release(&a);
            s.release(&s);
        } else {
            cr_expect_eq(a.length, -7);
            cr_expect_str_eq(s.name, "untouched");
        }
        cr_expect_eq(t.live_blocks, 0, "request %zu", fail_at);
        cr_expect_eq(t.wrong_lengths, 0);
    }
    test_batch_free(b);
}

/* --- the limit of text -------------------------------------------------------------------------------------- */

Test(arrow, rows_are_cut_where_a_column_would_be_too_long)
{
    static const char *const cells[] = {"12345678", "10.0.0.1", "eni-1", "12", "10.0.0.2", "eni-1",
                                        "1234", "10.0.0.3", "eni-2"};
    static const struct {
        const char *fields;
        size_t max;
        uint32_t fit;
    } cases[] = {
        {"tag", 1000, 3}, {"tag", 28, 3}, {"tag", 27, 2}, {"tag", 20, 2}, {"tag", 19, 1}, {"tag", 15, 0},
        {"srcaddr", 120, 3}, {"srcaddr", 119, 2}, {"srcaddr", 39, 0}, {"bytes", 0, 3}, {"interface-id", 30, 3},
        {"interface-id", 29, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *column[3];
        const size_t c = !strcmp(cases[i].fields, "srcaddr") ? 1 : !strcmp(cases[i].fields, "interface-id") ? 2 : 0;
        for (size_t r = 0; r < 3; r++) column[r] = cells[r * 3 + c];
        struct test_batch *b = test_batch_new(cases[i].fields, column, 3);
        struct fl_arrow_builder builder;
        struct test_alloc t;
        const flowlog_alloc alloc = test_alloc_init(&t, 0);
        b->batch.text_len = 1000; /* not to be told by that */
        cr_assert_eq(flowlog__arrow_init(&builder, &alloc, 0, 1), FLOWLOG_OK);
        cr_assert_eq(flowlog__arrow_set(&builder, 0, b->column[0].name, b->column[0].field, b->column[0].type),
                     FLOWLOG_OK);
        builder.text_max = cases[i].max;
        cr_expect_eq(flowlog__arrow_fit(&builder, &b->batch, NULL, 0, 3), cases[i].fit, "case %zu", i);
        cr_assert_eq(flowlog__arrow_add(&builder, &b->batch, NULL, 0, 3), FLOWLOG_OK);
        cr_expect_eq(flowlog__arrow_is_full(&builder),
                     cases[i].max < 28 && cases[i].fields[0] == 't' ? 1
                     : cases[i].max < 48 && cases[i].fields[0] == 's' ? 1 : 0, "case %zu", i);
        flowlog__arrow_clear(&builder);
        cr_expect_eq(t.live_blocks, 0);
        test_batch_free(b);
    }
}

/* --- readers ------------------------------------------------------------------------------------------------ */

static flowlog_reader *reader_of(const char *log, const flowlog_reader_options *options)
{
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_source_memory(log, strlen(log), "a log", NULL, &source, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, options, &reader, &err), FLOWLOG_OK, "%s", err.message);
    return reader;
}

static const char *rows_of(const char *log, const flowlog_reader_options *ro, const flowlog_arrow_options *ao,
                           int *arrays)
{
    struct ArrowArrayStream stream;
    cr_assert_eq(flowlog_reader_to_arrow(reader_of(log, ro), ao, &stream, NULL), FLOWLOG_OK);
    return rows_of_stream(&stream, arrays);
}

Test(arrow, a_stream_has_the_rows_of_the_reader)
{
    static const char log[] = "srcaddr bytes action log-status\n10.0.0.1 5 ACCEPT OK\n- - - NODATA\nwrong\n"
                              "10.0.0.2 6 REJECT OK\n";
    flowlog_reader_options ro = FLOWLOG_READER_OPTIONS_INIT;
    cr_expect_str_eq(rows_of(log, NULL, NULL, NULL),
                     "10.0.0.1 5 ACCEPT OK\n- - - NODATA\n10.0.0.2 6 REJECT OK\n");
    ro.flags = FLOWLOG_READ_RECORDS_ONLY;
    ro.fields = "bytes vpc-id srcaddr";
    cr_expect_str_eq(rows_of(log, &ro, NULL, NULL), "5 - 10.0.0.1\n6 - 10.0.0.2\n");
    ro.fields = "";
    cr_expect_str_eq(rows_of(log, &ro, NULL, NULL), "\n\n");
}

/* Rows that differ, with nulls and tokens of many kinds. */
static const char *long_log(uint32_t rows)
{
    static char log[TEXT / 2];
    size_t n = (size_t)snprintf(log, sizeof log, "srcaddr interface-id bytes action start my-tag\n");
    uint32_t x = 12345;
    for (uint32_t r = 0; r < rows; r++) {
        x = x * 1664525 + 1013904223;
        const char *const action = x >> 28 == 0 ? "-" : x >> 28 == 1 ? "DROP" : x >> 31 ? "ACCEPT" : "REJECT";
        char addr[32], bytes[16] = "-";
        snprintf(addr, sizeof addr, x >> 24 & 15 ? "10.%u.0.%u" : "2001:db8::%x:%x", x >> 16 & 255, x >> 8 & 255);
        if (x >> 20 & 15) snprintf(bytes, sizeof bytes, "%u", x >> 4);
        n += (size_t)snprintf(log + n, sizeof log - n, "%s eni-%u %s %s 17000%05u %s%u\n", addr, x >> 10 & 31, bytes,
                              action, r, x >> 13 & 7 ? "tag-" : "t", x >> 16);
    }
    return log;
}

static const char *rows_of_reader(const char *log)
{
    static char text[TEXT];
    flowlog_reader *r = reader_of(log, NULL);
    const flowlog_batch *b;
    size_t n = 0;
    while (flowlog_reader_next(r, &b, NULL) == FLOWLOG_OK)
        for (uint32_t row = 0; row < b->rows; row++) {
            for (uint32_t c = 0; c < b->columns; c++) {
                char cell[128];
                flowlog_value v;
                cr_assert_eq(flowlog_batch_value(b, row, c, &v), FLOWLOG_OK);
                flowlog_value_format(&v, cell, sizeof cell);
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", c ? " " : "", cell);
            }
            n += (size_t)snprintf(text + n, sizeof text - n, "\n");
        }
    flowlog_reader_close(r);
    return text;
}

Test(arrow, arrays_have_the_rows_that_were_asked_for_whatever_the_batches_are)
{
    enum { ROWS = 600 };
    static const uint32_t of_array[] = {100, 1, 63, 64, 65, 127, 599, 600, 601, 0};
    static const uint32_t of_batch[] = {0, 1, 7, 64, 65536};
    const char *const log = long_log(ROWS), *const want = rows_of_reader(log);
    for (size_t i = 0; i < sizeof of_array / sizeof *of_array; i++)
        for (size_t k = 0; k < sizeof of_batch / sizeof *of_batch; k++) {
            flowlog_reader_options ro = FLOWLOG_READER_OPTIONS_INIT;
            flowlog_arrow_options ao = FLOWLOG_ARROW_OPTIONS_INIT;
            int arrays = 0;
            ro.batch_rows = of_batch[k];
            ao.array_rows = of_array[i];
            cr_expect(strcmp(rows_of(log, &ro, &ao, &arrays), want) == 0, "arrays of %u, batches of %u",
                      (unsigned)of_array[i], (unsigned)of_batch[k]);
            cr_expect_eq(arrays, of_array[i] ? (int)((ROWS + of_array[i] - 1) / of_array[i]) : 1);
        }
}

Test(arrow, whatever_bytes_a_log_has_the_arrays_follow_every_rule)
{
    uint32_t x = 1;
    for (int round = 0; round < 300; round++) {
        char log[2048];
        const char *const lines = long_log(20);
        struct ArrowArrayStream stream;
        struct ArrowSchema s;
        struct ArrowArray a;
        flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
        const size_t len = strlen(lines), after_header = strcspn(lines, "\n") + 1;
        cr_assert_lt(len, sizeof log);
        memcpy(log, lines, len + 1);
        for (int i = 0; i < 30; i++) {
            x = x * 1664525 + 1013904223;
            log[after_header + (x >> 8) % (len - after_header)] = (char)(x & 1 ? x >> 24 | 0x80 : 1 + (x >> 24) % 126);
        }
        o.array_rows = 1 + x % 9;
        o.flags = x >> 10 & 3;
        cr_assert_eq(flowlog_reader_to_arrow(reader_of(log, NULL), &o, &stream, NULL), FLOWLOG_OK);
        cr_assert_eq(stream.get_schema(&stream, &s), 0);
        while (stream.get_next(&stream, &a) == 0 && a.release) {
            CHECKED(&s, &a);
            a.release(&a);
        }
        s.release(&s);
        stream.release(&stream);
    }
}

Test(arrow, arrays_outlive_the_stream_and_the_log)
{
    char *const log = strdup(long_log(300));
    struct ArrowArrayStream stream;
    struct ArrowSchema s;
    struct ArrowArray a, b;
    flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
    static char text[TEXT];
    o.array_rows = 200;
    cr_assert_eq(flowlog_reader_to_arrow(reader_of(log, NULL), &o, &stream, NULL), FLOWLOG_OK);
    cr_assert_eq(stream.get_next(&stream, &a), 0);
    cr_assert_eq(stream.get_schema(&stream, &s), 0);
    cr_assert_eq(stream.get_next(&stream, &b), 0);
    stream.release(&stream);
    memset(log, 'x', strlen(log));
    free(log);
    CHECKED(&s, &a);
    CHECKED(&s, &b);
    cr_expect_eq(b.length, 100);
    put_rows(&s, &b, text, put_rows(&s, &a, text, 0));
    cr_expect_str_eq(text, rows_of_reader(long_log(300)));
    a.release(&a);
    s.release(&s);
    b.release(&b);
}

Test(arrow, what_a_stream_has_read_is_in_the_counters)
{
    flowlog_counters counters = {0};
    flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    struct ArrowArray a;
    o.counters = &counters;
    cr_assert_eq(flowlog_reader_to_arrow(reader_of("srcaddr bytes\n10.0.0.1 5\nwrong\n10.0.0.1 6\n", NULL), &o, &stream,
                                         NULL), FLOWLOG_OK);
    cr_assert_eq(stream.get_next(&stream, &a), 0);
    cr_expect_eq(counters.records, 2);
    cr_expect_eq(counters.malformed, 1);
    cr_expect_eq(counters.lines, 4);
    a.release(&a);
    stream.release(&stream);
    cr_expect_eq(counters.headers, 1);
}

Test(arrow, without_rows_the_schema_is_that_of_the_fields_or_of_the_header)
{
    static const struct {
        const char *log, *fields, *columns;
    } cases[] = {
        {"", "srcaddr,bytes", "srcaddr u\nbytes L\n"},
        {"", NULL, ""},
        {"srcaddr action\n", NULL, "srcaddr u\naction i[u]\n"},
        {"srcaddr action\n", "end", "end tss:UTC\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        flowlog_reader_options ro = FLOWLOG_READER_OPTIONS_INIT;
        struct ArrowArrayStream stream;
        struct ArrowSchema s;
        struct ArrowArray a;
        ro.fields = cases[i].fields;
        cr_assert_eq(flowlog_reader_to_arrow(reader_of(cases[i].log, &ro), NULL, &stream, NULL), FLOWLOG_OK);
        cr_assert_eq(stream.get_schema(&stream, &s), 0);
        cr_expect_null(arrow_check_schema(&s, 0));
        cr_expect_str_eq(columns_of(&s), cases[i].columns);
        cr_assert_eq(stream.get_next(&stream, &a), 0);
        cr_expect_null(a.release);
        cr_assert_eq(stream.get_next(&stream, &a), 0, "and again");
        cr_expect_null(a.release);
        cr_expect_null(stream.get_last_error(&stream));
        s.release(&s);
        stream.release(&stream);
    }
}

Test(arrow, other_formats_give_nulls_and_a_field_that_the_schema_lacks_is_an_error)
{
    static const char less[] = "srcaddr bytes action\n10.0.0.1 5 ACCEPT\naction srcaddr\nREJECT 10.0.0.2\n";
    static const char more[] = "srcaddr bytes\n10.0.0.1 5\naction srcaddr\nREJECT 10.0.0.2\n";
    flowlog_reader_options ro = FLOWLOG_READER_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    struct ArrowArray a;
    cr_expect_str_eq(rows_of(less, NULL, NULL, NULL), "10.0.0.1 5 ACCEPT\n10.0.0.2 - REJECT\n");
    cr_expect_str_eq(rows_of("my-tag vpc-id bytes\na vpc-1 5\nbytes srcaddr\n", NULL, NULL, NULL), "a vpc-1 5\n",
                     "a header without rows asks for nothing");
    cr_expect_str_eq(rows_of("my-tag srcaddr vpc-id bytes\na 10.0.0.1 vpc-1 5\nbytes vpc-id\n6 vpc-2\nbytes my-tag "
                             "srcaddr\n7 b -\n", NULL, NULL, NULL), "a 10.0.0.1 vpc-1 5\n- - vpc-2 6\nb - - 7\n");
    ro.fields = "bytes,action";
    cr_expect_str_eq(rows_of(more, &ro, NULL, NULL), "5 -\n- REJECT\n");
    cr_assert_eq(flowlog_reader_to_arrow(reader_of(more, NULL), NULL, &stream, NULL), FLOWLOG_OK);
    cr_assert_eq(stream.get_next(&stream, &a), 0, "what is before the error is given first");
    cr_expect_eq(a.length, 1);
    cr_expect_null(stream.get_last_error(&stream));
    a.release(&a);
    for (int again = 0; again < 2; again++) {
        cr_expect_eq(stream.get_next(&stream, &a), 22);
        cr_expect_str_eq(stream.get_last_error(&stream), "a log: the format here has action, which the schema of the "
                                                         "stream has not: name the fields to read");
    }
    stream.release(&stream);
}

static char damaged_path[2][64];

/* Two inputs, the first one of which is no log. */
static flowlog_reader *damaged_reader(const char *first)
{
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    const char *const paths[] = {damaged_path[0], damaged_path[1]};
    for (int i = 0; i < 2; i++) {
        snprintf(damaged_path[i], sizeof damaged_path[i], "/tmp/flowlog_%ld_arrow_%d.log", (long)getpid(), i + 1);
        FILE *const f = fopen(damaged_path[i], "w");
        cr_assert_not_null(f);
        fputs(i ? "srcaddr bytes\n10.0.0.1 5\n" : first, f);
        fclose(f);
    }
    cr_assert_eq(flowlog_source_paths(paths, 2, 0, NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, NULL, &reader, NULL), FLOWLOG_OK);
    return reader;
}

static int damages;
static int go_on(void *ctx, const char *name, const flowlog_error *err)
{
    damages++;
    cr_expect_eq(ctx, &damages);
    cr_expect_eq(err->status, FLOWLOG_E_FORMAT);
    cr_expect(strstr(name, "arrow_1.log") != NULL);
    return 0;
}
static int stop(void *ctx, const char *name, const flowlog_error *err)
{
    (void)ctx;
    (void)name;
    (void)err;
    return FLOWLOG_E_CANCELLED;
}

Test(arrow, a_damaged_input_ends_a_stream_unless_the_caller_goes_on)
{
    static const char no_log[] = "this is\nno log at all, and has nothing of one\n";
    flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    struct ArrowSchema s;
    struct ArrowArray a;
    cr_assert_eq(flowlog_reader_to_arrow(damaged_reader(no_log), NULL, &stream, NULL), FLOWLOG_OK);
    cr_expect_eq(stream.get_schema(&stream, &s), 22);
    cr_expect(strstr(stream.get_last_error(&stream), "arrow_1.log: ") != NULL, "%s", stream.get_last_error(&stream));
    cr_expect_eq(stream.get_next(&stream, &a), 22, "and so does every later call");
    stream.release(&stream);

    o.damage = go_on;
    o.ctx = &damages;
    cr_assert_eq(flowlog_reader_to_arrow(damaged_reader(no_log), &o, &stream, NULL), FLOWLOG_OK);
    cr_expect_str_eq(rows_of_stream(&stream, NULL), "10.0.0.1 5\n");
    cr_expect_eq(damages, 1);

    o.damage = stop;
    cr_assert_eq(flowlog_reader_to_arrow(damaged_reader(no_log), &o, &stream, NULL), FLOWLOG_OK);
    cr_expect_eq(stream.get_next(&stream, &a), 22);
    stream.release(&stream);
    remove(damaged_path[0]);
    remove(damaged_path[1]);
}

Test(arrow, a_malformed_line_may_end_it_and_is_told_with_its_place)
{
    flowlog_reader_options ro = FLOWLOG_READER_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    struct ArrowArray a;
    ro.flags = FLOWLOG_READ_STOP_ON_BAD;
    cr_assert_eq(flowlog_reader_to_arrow(reader_of("srcaddr bytes\n10.0.0.1 5\n10.0.0.1 x\n", &ro), NULL, &stream,
                                         NULL), FLOWLOG_OK);
    cr_assert_eq(stream.get_next(&stream, &a), 0);
    cr_expect_eq(a.length, 1);
    a.release(&a);
    cr_expect_eq(stream.get_next(&stream, &a), 22);
    cr_expect_str_eq(stream.get_last_error(&stream),
                     "a log: bytes: not a decimal number within the field's range (line 3)");
    stream.release(&stream);
}

Test(arrow, of_a_long_name_its_end_is_told)
{
    char name[1000];
    flowlog_source *source = NULL;
    flowlog_reader *reader = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray a;
    for (size_t i = 0; i < sizeof name; i++) name[i] = (char)('a' + i % 26);
    memcpy(name + sizeof name - 12, "\xC3\xA4/last.log", 12);
    cr_assert_eq(flowlog_source_memory("no log\n", 7, name, NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, NULL, &reader, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_to_arrow(reader, NULL, &stream, NULL), FLOWLOG_OK);
    cr_assert_eq(stream.get_next(&stream, &a), 22);
    const char *const text = stream.get_last_error(&stream), *const at = strstr(text, "?" "?/last.log: ");
    cr_assert_not_null(at, "%s", text);
    cr_expect_eq(at - text, 200 - 11);
    cr_expect_gt(strlen(at), 20, "the sentence is there: %s", at);
    stream.release(&stream);
}

Test(arrow, a_fed_reader_must_have_been_fed_to_its_end)
{
    static const char log[] = "srcaddr bytes\n10.0.0.1 5\n";
    for (int finished = 0; finished < 2; finished++) {
        flowlog_reader *r = NULL;
        struct ArrowArrayStream stream;
        struct ArrowArray a;
        cr_assert_eq(flowlog_reader_open(NULL, NULL, &r, NULL), FLOWLOG_OK);
        cr_assert_eq(flowlog_reader_feed(r, log, sizeof log - 1), FLOWLOG_OK);
        if (finished) cr_assert_eq(flowlog_reader_finish(r), FLOWLOG_OK);
        cr_assert_eq(flowlog_reader_to_arrow(r, NULL, &stream, NULL), FLOWLOG_OK);
        if (finished) {
            cr_expect_str_eq(rows_of_stream(&stream, NULL), "10.0.0.1 5\n");
            continue;
        }
        int got = stream.get_next(&stream, &a);
        if (got == 0 && a.release) {
            a.release(&a);
            got = stream.get_next(&stream, &a);
        }
        cr_expect_eq(got, 22);
        cr_expect(strstr(stream.get_last_error(&stream), "fed") != NULL);
        stream.release(&stream);
    }
}

Test(arrow, a_stream_leaves_nothing_when_memory_runs_out_or_when_it_is_released_half_way)
{
    const char *const log = long_log(300);
    for (size_t fail_at = 0, requests = 1; fail_at <= requests; fail_at++) {
        struct test_alloc t, of_reader;
        const flowlog_alloc alloc = test_alloc_init(&t, fail_at), ra = test_alloc_init(&of_reader, 0);
        flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
        flowlog_reader_options ro = FLOWLOG_READER_OPTIONS_INIT;
        struct ArrowArrayStream stream;
        struct ArrowSchema s = {.release = NULL};
        struct ArrowArray a = {.release = NULL};
        int bad = 0;
        o.alloc = &alloc;
        o.array_rows = 128;
        ro.alloc = &ra;
        flowlog_reader *const r = reader_of(log, &ro);
        if (flowlog_reader_to_arrow(r, &o, &stream, NULL) < 0) {
            cr_expect_eq(fail_at, 1);
            flowlog_reader_close(r);
            continue;
        }
        bad |= stream.get_schema(&stream, &s);
        for (int i = 0; i < 2 && !bad; i++) {
            bad = stream.get_next(&stream, &a);
            if (!bad && i == 0) a.release(&a);
        }
        cr_expect_eq(bad, fail_at ? 12 : 0, "request %zu", fail_at);
        if (bad) cr_expect_str_eq(stream.get_last_error(&stream), "a log: no memory for an Arrow array");
        if (!fail_at) requests = t.requests;
        stream.release(&stream);
        cr_expect_eq(of_reader.live_blocks, 0, "the reader is closed");
        if (s.release) s.release(&s);
        if (a.release) a.release(&a);
        cr_expect_eq(t.live_blocks, 0, "request %zu", fail_at);
        cr_expect_eq(t.wrong_lengths, 0);
    }
}

/* --- results ------------------------------------------------------------------------------------------------ */

static const char *const result_log =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
    "2 1 eni-1 10.0.0.1 10.0.0.9 40000 22 6 1 100 1000 1060 ACCEPT OK\n"
    "2 1 eni-1 10.0.0.1 10.0.0.9 40001 22 6 2 18446744073709551515 1000 1060 REJECT OK\n"
    "2 1 eni-2 10.0.0.2 10.0.0.9 40000 443 6 3 300 1060 1120 ACCEPT OK\n"
    "2 1 eni-1 2001:db8::1 10.0.0.9 40000 53 17 7 400 1060 1120 MAYBE OK\n"
    "2 1 eni-1 - 10.0.0.9 40000 53 17 7 400 1060 1120 MAYBE OK\n";

static flowlog_result *result_of(const char *question)
{
    flowlog_plan *p = ask_plan(question);
    flowlog_source *source = NULL;
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    cr_assert_eq(flowlog_plan_keep_null_keys(p, 1), FLOWLOG_OK);
    cr_assert_eq(flowlog_source_memory(result_log, strlen(result_log), "a log", NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_plan_run(p, source, NULL, &r, &err), FLOWLOG_OK, "%s", err.message);
    flowlog_source_close(source);
    flowlog_plan_free(p);
    return r;
}

static const char *const questions[] = {
    "key interface-id, srcaddr/24, service, action, start, dstport | select sum(bytes) as b, count, avg(packets) as a, "
    "min(srcaddr) as m",
    "key srcaddr | select count - sum(bytes) as d, sum(bytes) / count as q, first(interface-id) as f, "
    "last(action) as l, or(protocol) as o, stddev(packets) as s",
    "select count where src port 1 as n, max(end), min(srcaddr) where src port 1",
};

Test(arrow, a_result_has_every_type_and_every_value)
{
    static const char *const columns[] = {
        "interface_id u\nsrcaddr/24 u\nservice u\naction i[u]\nstart tss:UTC\ndstport I\nb L\ncount L\na d:29,9\nm u\n",
        "srcaddr u\nd d:29,9\nq d:29,9\nf u\nl i[u]\no I\ns d:29,9\n",
        "n L\nmax(end) tss:UTC\nmin(srcaddr) where src port 1 u\n",
    };
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        for (uint32_t rows = 0; rows < 3; rows++) {
            flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
            struct ArrowArrayStream stream;
            struct ArrowSchema s;
            flowlog_result *r = result_of(questions[i]);
            static char want[TEXT / 64];
            size_t n = 0;
            int arrays = 0;
            const uint64_t all = flowlog_result_rows(r);
            want[0] = '\0';
            for (uint64_t row = 0; row < all; row++)
                for (uint32_t c = 0; c < flowlog_result_columns(r); c++) {
                    flowlog_value v;
                    cr_assert_eq(flowlog_result_value(r, row, c, &v), FLOWLOG_OK);
                    n += (size_t)snprintf(want + n, sizeof want - n, "%s", c ? " " : "");
                    n += flowlog_value_format(&v, want + n, sizeof want - n);
                    if (c + 1 == flowlog_result_columns(r)) n += (size_t)snprintf(want + n, sizeof want - n, "\n");
                }
            o.array_rows = rows;
            cr_assert_eq(flowlog_result_to_arrow(r, &o, &stream, NULL), FLOWLOG_OK);
            cr_assert_eq(stream.get_schema(&stream, &s), 0);
            cr_expect_str_eq(columns_of(&s), columns[i]);
            s.release(&s);
            cr_expect_str_eq(rows_of_stream(&stream, &arrays), want);
            cr_expect_eq(arrays, rows ? (int)((all + rows - 1) / rows) : 1);
        }
}

Test(arrow, decimals_are_exact_below_zero_and_at_the_ends)
{
    struct ArrowArrayStream stream;
    cr_assert_eq(flowlog_result_to_arrow(
                     result_of("select sum(bytes) where port 22 as b, 0 - b, b / 3, 0 - b / 3, b - b, 1 / 3 - b, "
                               "0 - count * 7205759403792793.6"), NULL, &stream, NULL), FLOWLOG_OK);
    cr_expect_str_eq(rows_of_stream(&stream, NULL),
                     "18446744073709551615 -18446744073709551615 6148914691236517205 -6148914691236517205 0 "
                     "-18446744073709551614.666666667 -36028797018963968\n", "the last one's lower 64 bits are zero");
}

Test(arrow, a_result_of_no_groups_is_a_stream_of_no_arrays)
{
    struct ArrowArrayStream stream;
    int arrays = -1;
    cr_assert_eq(flowlog_result_to_arrow(result_of("key srcaddr | where src port 1"), NULL, &stream, NULL), FLOWLOG_OK);
    cr_expect_str_eq(rows_of_stream(&stream, &arrays), "");
    cr_expect_eq(arrays, 0);
}

Test(arrow, results_leave_nothing_when_memory_runs_out)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        for (size_t fail_at = 0, requests = 1; fail_at <= requests; fail_at++) {
            struct test_alloc t;
            const flowlog_alloc alloc = test_alloc_init(&t, fail_at);
            flowlog_arrow_options o = FLOWLOG_ARROW_OPTIONS_INIT;
            struct ArrowArrayStream stream;
            struct ArrowSchema s = {.release = NULL};
            struct ArrowArray a = {.release = NULL};
            flowlog_result *const r = result_of(questions[i]);
            o.alloc = &alloc;
            if (flowlog_result_to_arrow(r, &o, &stream, NULL) < 0) {
                cr_expect_eq(t.live_blocks, 0, "request %zu", fail_at);
                flowlog_result_free(r);
                continue;
            }
            int bad = stream.get_schema(&stream, &s);
            if (!bad) bad = stream.get_next(&stream, &a);
            cr_expect_eq(bad, fail_at ? 12 : 0, "request %zu", fail_at);
            if (!fail_at) requests = t.requests;
            stream.release(&stream);
            if (s.release) s.release(&s);
            if (a.release) a.release(&a);
            cr_expect_eq(t.live_blocks, 0, "request %zu", fail_at);
            cr_expect_eq(t.wrong_lengths, 0);
        }
}
