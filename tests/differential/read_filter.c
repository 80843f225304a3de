/* SPDX-License-Identifier: MIT */
/*
 * A reader with a filter against a reader without one and flowlog_filter_select on what it gives: the same rows and
 * values, over random filters, random logs with every kind of damage, and all ways in.
 */
#include <criterion/criterion.h>

#include "expr/filter.h"
#include "support/alloc_count.h"
#include "support/read_logs.h"

TestSuite(read_filter, .timeout = 120);

/* --- filters -------------------------------------------------------------------------------------------------- */

static void add_atom(struct text *t)
{
    switch (rnd(18)) {
    case 0: text_print(t, "reject"); break;
    case 1: text_print(t, "accept"); break;
    case 2: text_print(t, "dst port in [%u %u %u]", rnd(100), rnd(100), rnd(65536)); break;
    case 3: text_print(t, "src net %u.0.0.0/8", rnd(256)); break;
    case 4: text_print(t, "net %u.%u.0.0/%u", rnd(256), rnd(256) & 254u, 15 + rnd(2)); break;
    case 5: text_print(t, "bytes > %u", rnd(2) ? rnd(100) : rnd(65536)); break;
    case 6: text_print(t, "port < %u", rnd(100)); break;
    case 7: text_print(t, "nodata"); break;
    case 8: text_print(t, "ok"); break;
    case 9: text_print(t, "srcaddr is null"); break;
    case 10: text_print(t, "proto %u", 2 + rnd(90)); break;
    case 11: text_print(t, "start >= %u", 1700000000 + rnd(100)); break;
    case 12: text_print(t, "duration > %u", rnd(60)); break;
    case 13: text_print(t, "interface-id = %s", rnd(2) ? "vpc-1" : "eni-1235b8ca123456789"); break;
    case 14: text_print(t, "account-id ^= 12"); break;
    case 15: text_print(t, "ipv6"); break;
    case 16: text_print(t, "bytes = %u", rnd(12)); break;
    default: text_print(t, "src host %u.%u.%u.%u", rnd(256), rnd(256), rnd(100), rnd(10)); break;
    }
}

static flowlog_filter *random_filter(struct text *t)
{
    flowlog_filter *filter;
    flowlog_error e;
    text_clear(t);
    for (unsigned i = rnd(8) ? 1 + rnd(3) : 0; i; i--) {
        if (rnd(4) == 0) text_print(t, "not ");
        add_atom(t);
        if (i > 1) text_print(t, rnd(2) ? " or " : " and ");
    }
    cr_assert_eq(flowlog_filter_parse(t->p, t->n, NULL, &filter, &e), FLOWLOG_OK, "%s: %s", t->p, e.message);
    return filter;
}

/* --- rows as text ----------------------------------------------------------------------------------------------- */

struct rows {
    struct text text;
    uint64_t rows;
    flowlog_counters counters;
    flowlog_status status;
    flowlog_error err;
};

/* The first `columns` columns of a row. */
static void add_row(struct rows *out, const flowlog_batch *b, uint32_t r, uint32_t columns)
{
    text_print(&out->text, "%u", b->log_status[r]);
    if (b->lines) {
        text_print(&out->text, " %llu <", (unsigned long long)b->line_numbers[r]);
        text_add(&out->text, b->text + b->lines[r].offset, b->lines[r].len);
        text_add(&out->text, ">", 1);
    }
    for (uint32_t c = 0; c < columns; c++) {
        char text[400];
        flowlog_value v;
        cr_assert_eq(flowlog_batch_value(b, r, c, &v), FLOWLOG_OK);
        flowlog_value_format(&v, text, sizeof text);
        text_print(&out->text, " %s=%s%s", b->column[c].name, text, b->column[c].present ? "" : "!");
    }
    text_add(&out->text, "\n", 1);
    out->rows++;
}

static void check_nulls(const flowlog_batch *b)
{
    for (uint32_t c = 0; c < b->columns; c++) {
        uint32_t nulls = 0;
        for (uint32_t r = 0; r < b->rows; r++) nulls += !(b->column[c].validity[r / 64] >> (r % 64) & 1);
        cr_assert_eq(b->column[c].null_count, nulls);
        if (b->rows % 64) cr_assert_eq(b->column[c].validity[b->rows / 64] >> (b->rows % 64), 0);
    }
}

/* Read to the end; rows that match `filter` where the reader has none.  `columns`: how many count; 0: all. */
static void read_rows(flowlog_reader *reader, const char *p, size_t n, const flowlog_filter *filter, uint32_t columns,
                      struct rows *out)
{
    static uint64_t selection[1024];
    const flowlog_batch *b;
    size_t fed = 0;
    memset(out, 0, sizeof *out);
    text_clear(&out->text);
    for (;;) {
        flowlog_error e;
        const flowlog_status status = flowlog_reader_next(reader, &b, &e);
        if (status == FLOWLOG_END) break;
        if (status == FLOWLOG_MORE) {
            const size_t most = rnd(3) ? 1 + rnd(200) : 1 + rnd(3000), len = most < n - fed ? most : n - fed;
            if (len) cr_assert_eq(flowlog_reader_feed(reader, p + fed, len), FLOWLOG_OK);
            else cr_assert_eq(flowlog_reader_finish(reader), FLOWLOG_OK);
            fed += len;
            continue;
        }
        if (status < 0) {
            text_print(&out->text, "error %d line %llu offset %llu %s\n", (int)status, (unsigned long long)e.line,
                       (unsigned long long)e.offset, e.message);
            out->status = status;
            out->err = e;
            if (status == FLOWLOG_E_MALFORMED) break;
            continue;
        }
        cr_assert_gt(b->rows, 0);
        check_nulls(b);
        if (filter) cr_assert_eq(flowlog_filter_select(filter, b, selection, NULL, NULL), FLOWLOG_OK);
        for (uint32_t r = 0; r < b->rows; r++)
            if (!filter || selection[r / 64] >> (r % 64) & 1) add_row(out, b, r, columns ? columns - 1 : b->columns);
    }
    out->counters = *flowlog_reader_counters(reader);
    flowlog_reader_close(reader);
}

static flowlog_reader *memory_reader(const struct text *t, const flowlog_reader_options *o)
{
    flowlog_source *source;
    flowlog_reader *reader;
    cr_assert_eq(flowlog_source_memory(t->p, t->n, NULL, NULL, &source, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_reader_open(source, o, &reader, NULL), FLOWLOG_OK);
    return reader;
}

static flowlog_reader *fed_reader(const flowlog_reader_options *o)
{
    flowlog_reader *reader;
    cr_assert_eq(flowlog_reader_open(NULL, o, &reader, NULL), FLOWLOG_OK);
    return reader;
}

/* --- the same rows -------------------------------------------------------------------------------------------- */

static const char *random_fields(uint32_t *count)
{
    static const struct {
        const char *names;
        uint32_t count;
    } lists[] = {{NULL, 0}, {"", 0}, {"bytes", 1}, {"srcaddr,dstaddr,bytes", 3}, {"action interface-id", 2},
                 {"end,start,dstport", 3}, {"log-status,srcaddr,account-id,packets", 4}, {"type", 1}};
    const uint32_t i = rnd(8);
    *count = lists[i].count;
    return lists[i].names;
}

/* The fields wanted, and behind them those that the filter reads too. */
static void all_fields(struct text *t, const char *wanted, const flowlog_filter *filter)
{
    struct model_format have = {.n = 0}, more;
    text_clear(t);
    text_print(t, "%s", wanted);
    model_names(&have, wanted);
    model_names(&more, flowlog_filter_fields(filter));
    for (uint32_t i = 0; i < more.n; i++)
        if (model_add_name(&have, more.c[i].name, strlen(more.c[i].name)))
            text_print(t, "%s%s", t->n ? "," : "", more.c[i].name);
}

static uint64_t malformed_of(const struct text *t, flowlog_reader_options o, const char *fields,
                             const flowlog_filter *f, uint64_t *rows)
{
    struct rows r;
    o.fields = fields;
    o.filter = NULL;
    read_rows(memory_reader(t, &o), NULL, 0, f, 1, &r);
    *rows = r.rows;
    text_free(&r.text);
    return r.counters.malformed;
}

/* What is counted, as the header of the reader says. */
static void check_counters(const struct rows *want, const struct rows *got, const struct text *t,
                           const flowlog_reader_options *o, const char *what)
{
    struct fl_raw_test tests[FL_RAW_TESTS];
    const flowlog_counters *a = &want->counters, *b = &got->counters;
    cr_assert_eq(a->lines, b->lines, "%s", what);
    cr_assert_eq(a->bytes, b->bytes, "%s", what);
    cr_assert_eq(a->headers, b->headers, "%s", what);
    cr_assert_eq(a->skipped, b->skipped, "%s", what);
    cr_assert_leq(b->malformed, a->malformed, "%s", what);
    cr_assert_geq(b->nodata, a->nodata, "%s", what);
    for (uint32_t i = 0; i < FLOWLOG_REASONS; i++)
        if (i != FLOWLOG_REASON_NUMBER && i != FLOWLOG_REASON_ADDRESS)
            cr_assert_eq(a->reasons[i], b->reasons[i], "%s", what);
    if (o->flags & FLOWLOG_READ_RECORDS_ONLY) return;
    uint64_t all, chosen;
    const uint64_t of_lines = malformed_of(t, *o, "", NULL, &all);
    const uint64_t of_filter = malformed_of(t, *o, flowlog_filter_fields(o->filter), o->filter, &chosen);
    const uint64_t of_wanted = chosen - got->rows; /* rows that matched, and were malformed elsewhere */
    if (flowlog__filter_raw_tests(o->filter, tests)) {
        cr_assert_geq(b->malformed, of_lines + of_wanted, "%s", what);
        cr_assert_leq(b->malformed, of_filter + of_wanted, "%s", what);
    } else {
        cr_assert_eq(b->malformed, of_filter + of_wanted, "%s", what);
    }
}

static void compare(const struct rows *want, const struct rows *got, int stop, const char *what)
{
    size_t i = 0, line = 0, n = want->text.n;
    /* The reader without a filter may stop at a row that the other one did not look at. */
    if (stop && want->status == FLOWLOG_E_MALFORMED) n = (size_t)(strstr(want->text.p, "error") - want->text.p);
    else
        cr_assert_eq(want->text.n, got->text.n, "%s: %llu and %llu rows\n%s---\n%s", what,
                     (unsigned long long)want->rows, (unsigned long long)got->rows, want->text.p, got->text.p);
    for (; i < n && want->text.p[i] == got->text.p[i]; i++)
        if (want->text.p[i] == '\n') line = i + 1;
    cr_assert_eq(i, n, "%s:\nwant %.200s\ngot  %.200s", what, want->text.p + line, got->text.p + line);
}

static void rounds(uint64_t first, uint64_t count)
{
    static const uint32_t batch_rows[] = {0, 0, 1, 2, 7, 64, 100, 1024};
    static const unsigned rates[] = {0, 2, 20, 200};
    struct text t = {NULL, 0, 0}, condition = {NULL, 0, 0}, fields = {NULL, 0, 0};
    for (uint64_t round = first; round < first + count; round++) {
        logs_seed(round);
        const struct log_plan plan = {
            1 + rnd(rnd(3) ? 60 : 3000), rates[rnd(4)], rates[rnd(4)] / 4, rates[rnd(3)] / 2, 300, -1, rnd(6) == 0};
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT, without;
        flowlog_format *given = NULL;
        struct rows want, got;
        char what[200];
        uint32_t wanted;
        log_make(&t, &plan);
        flowlog_filter *filter = random_filter(&condition);
        if (rnd(3) == 0) {
            const char *names = log_formats[rnd(LOG_FORMATS)];
            cr_assert_eq(flowlog_format_parse(names, strlen(names), NULL, &given, NULL), FLOWLOG_OK);
        }
        o.format = given;
        o.fields = random_fields(&wanted);
        if (rnd(2)) o.flags |= FLOWLOG_READ_LINES;
        if (rnd(4) == 0) o.flags |= FLOWLOG_READ_RECORDS_ONLY;
        if (rnd(8) == 0) o.flags |= FLOWLOG_READ_STOP_ON_BAD;
        const int stop = (o.flags & FLOWLOG_READ_STOP_ON_BAD) != 0;
        without = o;
        if (o.fields) {
            all_fields(&fields, o.fields, filter);
            without.fields = fields.p;
        }
        snprintf(what, sizeof what, "round %llu: %s", (unsigned long long)round, condition.p);
        read_rows(memory_reader(&t, &without), NULL, 0, filter, o.fields ? wanted + 1 : 0, &want);
        o.filter = filter;
        for (int way = 0; way < 3; way++) {
            o.batch_rows = batch_rows[rnd(8)];
            read_rows(way < 2 ? memory_reader(&t, &o) : fed_reader(&o), t.p, t.n, NULL, 0, &got);
            compare(&want, &got, stop, what);
            if (!stop) check_counters(&want, &got, &t, &o, what);
            text_free(&got.text);
        }
        text_free(&want.text);
        flowlog_filter_free(filter);
        flowlog_format_free(given);
    }
    text_free(&t);
    text_free(&condition);
    text_free(&fields);
}

Test(read_filter, random_filters_over_random_logs_1) { rounds(1, 400); }
Test(read_filter, random_filters_over_random_logs_2) { rounds(10001, 400); }
Test(read_filter, random_filters_over_random_logs_3) { rounds(20001, 400); }

/* --- batches --------------------------------------------------------------------------------------------------- */

static void make_log(struct text *t, unsigned lines)
{
    text_clear(t);
    text_print(t, "%s\n", log_formats[0]);
    for (unsigned i = 0; i < lines; i++)
        text_print(t, "2 123456789010 eni-1235b8ca123456789 10.0.%u.%u 172.31.16.21 %u %u 6 20 4249 1418530010 1418530070 %s OK\n",
                   rnd(256), rnd(256), rnd(65536), rnd(100) ? rnd(1000) : 22, rnd(10) ? "ACCEPT" : "REJECT");
}

static flowlog_filter *parse(const char *text)
{
    flowlog_filter *filter;
    cr_assert_eq(flowlog_filter_parse(text, strlen(text), NULL, &filter, NULL), FLOWLOG_OK);
    return filter;
}

Test(read_filter, the_rows_of_a_selective_filter_come_in_well_filled_batches)
{
    struct text t = {NULL, 0, 0};
    const flowlog_batch *b;
    uint64_t rows = 0, batches = 0;
    logs_seed(5);
    make_log(&t, 20000);
    flowlog_filter *filter = parse("reject");
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    o.fields = "srcaddr,interface-id";
    o.filter = filter;
    flowlog_reader *reader = memory_reader(&t, &o);
    while (flowlog_reader_next(reader, &b, NULL) == FLOWLOG_OK) {
        cr_assert_eq(b->filter, filter);
        rows += b->rows;
        batches++;
    }
    cr_assert_gt(rows, 1500u);
    cr_assert_leq(batches, rows / 512 + 1);
    cr_assert_eq(flowlog_reader_counters(reader)->records, 20000u);
    flowlog_reader_close(reader);
    flowlog_filter_free(filter);
    text_free(&t);
}

Test(read_filter, nothing_is_allocated_after_the_first_batch_and_failures_end_in_a_status)
{
    static const char *const filters[] = {"reject", "dst port 22 and src net 10.0.0.0/9", "bytes > 1", "bytes > 5000"};
    struct text t = {NULL, 0, 0};
    logs_seed(6);
    make_log(&t, 5000);
    for (size_t f = 0; f < 4; f++) {
        flowlog_filter *filter = parse(filters[f]);
        int complete = 0;
        for (size_t fail = 0; !complete || fail < 3; fail++) {
            struct test_alloc count;
            const flowlog_alloc alloc = test_alloc_init(&count, fail);
            flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
            flowlog_source *source;
            flowlog_reader *reader;
            const flowlog_batch *b;
            flowlog_status status;
            size_t after = 0;
            o.alloc = &alloc;
            o.fields = "srcaddr,interface-id,bytes";
            o.filter = filter;
            cr_assert_eq(flowlog_source_memory(t.p, t.n, NULL, NULL, &source, NULL), FLOWLOG_OK);
            status = flowlog_reader_open(source, &o, &reader, NULL);
            if (status < 0) {
                cr_assert_eq(status, FLOWLOG_E_MEMORY);
                flowlog_source_close(source);
            } else {
                while ((status = flowlog_reader_next(reader, &b, NULL)) == FLOWLOG_OK) {
                    if (!after) after = count.requests;
                    cr_assert_eq(count.requests, after);
                }
                cr_assert(status == FLOWLOG_END || status == FLOWLOG_E_MEMORY);
                complete |= fail && status == FLOWLOG_END;
                flowlog_reader_close(reader);
            }
            cr_assert_eq(count.live_bytes, 0);
            cr_assert_eq(count.wrong_lengths, 0);
            cr_assert_lt(fail, 200u);
        }
        flowlog_filter_free(filter);
    }
    text_free(&t);
}

/* The filter's own field is malformed in a row that its text does not exclude, or in one that it does. */
Test(read_filter, only_values_that_were_looked_at_are_malformed)
{
    static const char log[] = "srcaddr dstport bytes start end\n"
                              "10.0.0.1 22 1 1700000000000 1700000001\n"
                              "10.0.0.2 22 x 1700000000000 1700000001\n"
                              "10.0.0.x 22 1 1700000000000 1700000001\n"
                              "10.0.0.3 23 x 1700000000000 1600000001\n"
                              "10.0.0.4 0x 1 1700000000 1600000001\n"
                              "10.0.0.5 022 1 1700000000 1600000001\n";
    struct text t = {NULL, 0, 0};
    struct rows got;
    text_print(&t, "%s", log);
    flowlog_filter *filter = parse("dst port 22");
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    o.fields = "srcaddr,bytes,start,end";
    o.filter = filter;
    read_rows(memory_reader(&t, &o), NULL, 0, NULL, 0, &got);
    cr_assert_str_eq(got.text.p, "0 srcaddr=10.0.0.1 bytes=1 start=1700000000 end=1700000001\n"
                                 "0 srcaddr=10.0.0.5 bytes=1 start=1700000000 end=1600000001\n");
    cr_assert_eq(got.counters.malformed, 3);
    cr_assert_eq(got.counters.bad_line[0].line, 3);
    cr_assert_eq(got.counters.bad_line[0].column, 3);
    cr_assert_eq(got.counters.bad_line[1].line, 4);
    cr_assert_eq(got.counters.bad_line[1].column, 1);
    cr_assert_eq(got.counters.bad_line[2].line, 6);
    cr_assert_eq(got.counters.bad_line[2].column, 2);
    cr_assert_eq(got.counters.records, 3);
    cr_assert_eq(got.counters.ms_times, 1, "of rows that matched");
    cr_assert_eq(got.counters.odd_times, 1, "of rows that matched");
    text_free(&got.text);
    text_free(&t);
    flowlog_filter_free(filter);
}
