/* SPDX-License-Identifier: MIT */
/* Writers of every form: what a row looks like, and what happens when writing or memory fails. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "flowlog/write.h"
#include "support/alloc_count.h"

TestSuite(writer, .timeout = 20);

static struct sink {
    char text[1 << 21];
    size_t len, calls, fail_after; /* fail_after 0: never; n: the n-th call and those after it fail */
} sink;

static int take(void *ctx, const char *data, size_t len)
{
    struct sink *const s = ctx;
    if (++s->calls >= s->fail_after && s->fail_after) return -1;
    cr_assert(s->len + len < sizeof s->text);
    memcpy(s->text + s->len, data, len);
    s->len += len;
    s->text[s->len] = '\0';
    return 0;
}

static flowlog_value number(uint8_t type, uint64_t n)
{
    return (flowlog_value){.type = type, .number = n};
}
static flowlog_value text(const char *t)
{
    return (flowlog_value){.type = FLOWLOG_TYPE_TEXT, .text = {t, strlen(t)}};
}
static flowlog_value null(uint8_t type) { return (flowlog_value){.type = type, .is_null = 1}; }
static flowlog_value address(const char *t)
{
    flowlog_value v = {.type = FLOWLOG_TYPE_ADDR};
    cr_assert_eq(flowlog_addr_parse(t, strlen(t), &v.addr), FLOWLOG_OK);
    return v;
}

enum { COLUMNS = 10 };
static const char *const names[COLUMNS] = {"version", "account-id", "src,addr", "dst\"addr", "bytes",
                                           "start",   "action",     "share",    "tag",       "none"};

static void fill(flowlog_value v[COLUMNS])
{
    v[0] = number(FLOWLOG_TYPE_U32, 2);
    v[1] = text("000000000012");
    v[2] = address("10.0.0.1");
    v[3] = address("2001:db8::1");
    v[4] = number(FLOWLOG_TYPE_U64, UINT64_MAX);
    v[5] = number(FLOWLOG_TYPE_TIME, 1772366400);
    v[6] =
        (flowlog_value){.type = FLOWLOG_TYPE_ENUM, .code = FLOWLOG_ACTION_ACCEPT, .text = {"ACCEPT", 6}};
    v[7] = number(FLOWLOG_TYPE_SHARE, 125000000);
    v[8] = text("a%20b");
    v[9] = null(FLOWLOG_TYPE_TEXT);
}

static const char *write_one(flowlog_form form, const char *const *heads, const flowlog_value *v,
                             uint32_t columns)
{
    flowlog_writer *w = NULL;
    flowlog_error err;
    memset(&sink, 0, sizeof sink);
    cr_assert_eq(flowlog_writer_open(form, heads, columns, take, &sink, NULL, &w, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_writer_row(w, v, &err), FLOWLOG_OK);
    cr_assert_eq(flowlog_writer_finish(w, &err), FLOWLOG_OK);
    flowlog_writer_close(w);
    return sink.text;
}

Test(writer, json_has_exact_numbers_quoted_text_and_null)
{
    flowlog_value v[COLUMNS];
    fill(v);
    cr_expect_str_eq(
        write_one(FLOWLOG_FORM_JSON, names, v, COLUMNS),
        "{\"version\":2,\"account-id\":\"000000000012\",\"src,addr\":\"10.0.0.1\",\"dst\\\"addr\":"
        "\"2001:db8::1\","
        "\"bytes\":18446744073709551615,\"start\":1772366400,\"action\":\"ACCEPT\",\"share\":0.125,"
        "\"tag\":\"a%20b\",\"none\":null}\n");
}

static flowlog_value decimal(uint64_t whole, uint32_t billionths, int below)
{
    return (flowlog_value){.type = FLOWLOG_TYPE_DECIMAL, .number = whole, .billionths = billionths,
                           .code = (uint16_t)below};
}

static flowlog_value net(const char *t, uint16_t bits)
{
    flowlog_value v = address(t);
    v.type = FLOWLOG_TYPE_NET;
    v.code = bits;
    return v;
}

Test(writer, decimals_are_exact_and_have_no_zeros_at_their_end)
{
    const flowlog_value v[10] = {decimal(0, 0, 0), decimal(1, 500000000, 0), decimal(2, 1, 0), decimal(0, 250000000,
                                                                                                       1),
                                 decimal(UINT64_MAX, 999999999, 0), decimal(UINT64_MAX, 999999999, 1), decimal(10,
                                                                                                               0, 1),
                                 decimal(3, 10, 0), decimal(0, 100000000, 0), null(FLOWLOG_TYPE_DECIMAL)};
    cr_expect_str_eq(write_one(FLOWLOG_FORM_TEXT, names, v,
                               10) + strlen("version account-id src,addr dst\"addr bytes start action share tag none\n"),
                     "0 1.5 2.000000001 -0.25 18446744073709551615.999999999 -18446744073709551615.999999999 -10 3.00000001 0.1 -\n");
    cr_expect_str_eq(write_one(FLOWLOG_FORM_JSON, names, v + 3, 2),
                     "{\"version\":-0.25,\"account-id\":18446744073709551615.999999999}\n");
    cr_expect_str_eq(write_one(FLOWLOG_FORM_CSV, names, v + 8, 2), "version,account-id\n0.1,\n");
}

Test(writer, prefixes_and_services_are_text)
{
    const flowlog_value v[9] = {net("10.1.2.0", 24), net("::", 0), net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                                                       128),
                                number(FLOWLOG_TYPE_SERVICE, 6 << 16 | 443), number(FLOWLOG_TYPE_SERVICE,
                                                                                    6 << 16 | 8444),
                                number(FLOWLOG_TYPE_SERVICE, 1 << 16), number(FLOWLOG_TYPE_SERVICE, 17 << 16 | 53),
                                number(FLOWLOG_TYPE_SERVICE, 253 << 16), number(FLOWLOG_TYPE_SERVICE, 17 << 16)};
    static const char *const heads[9] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    cr_expect_str_eq(write_one(FLOWLOG_FORM_CSV, heads, v, 9),
                     "a,b,c,d,e,f,g,h,i\n10.1.2.0/24,::/0,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128,https,tcp/8444,icmp,domain/udp,"
                     "253,udp/0\n");
    cr_expect_str_eq(write_one(FLOWLOG_FORM_JSON, heads, v, 4),
                     "{\"a\":\"10.1.2.0/24\",\"b\":\"::/0\",\"c\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128\",\"d\":\"https\"}\n");
}

Test(writer, values_format_alike_at_every_room)
{
    const flowlog_value v[5] = {decimal(UINT64_MAX, 999999999, 1), net("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                                                       128),
                                number(FLOWLOG_TYPE_SERVICE, 17 << 16 | 53), number(FLOWLOG_TYPE_TIME,
                                                                                    0 - UINT64_C(5)),
                                number(FLOWLOG_TYPE_TIME, UINT64_C(1) << 63)};
    static const char *const whole[5] = {"-18446744073709551615.999999999",
                                         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
                                         "domain/udp", "-5", "-9223372036854775808"};
    for (size_t i = 0; i < 5; i++)
        for (size_t cap = 0; cap < 64; cap++) {
            char out[65];
            memset(out, 'x', sizeof out);
            cr_expect_eq(flowlog_value_format(&v[i], out, cap), strlen(whole[i]));
            const size_t kept = !cap ? 0 : strlen(whole[i]) < cap ? strlen(whole[i]) : cap - 1;
            cr_expect_eq(memcmp(out, whole[i], kept), 0, "%s in %zu", whole[i], cap);
            if (cap) cr_expect_eq(out[kept], '\0');
            cr_expect_eq(out[cap], 'x');
        }
}

Test(writer, csv_quotes_where_needed)
{
    flowlog_value v[COLUMNS];
    fill(v);
    v[8] = text("one, \"two\"\r\nthree");
    cr_expect_str_eq(
        write_one(FLOWLOG_FORM_CSV, names, v, COLUMNS),
        "version,account-id,\"src,addr\",\"dst\"\"addr\",bytes,start,action,share,tag,none\n"
        "2,000000000012,10.0.0.1,2001:db8::1,18446744073709551615,1772366400,ACCEPT,0.125,"
        "\"one, \"\"two\"\"\r\nthree\",\n");
}

Test(writer, csv_quotes_for_each_of_the_four_characters_alone)
{
    static const struct {
        const char *text, *csv;
    } rows[] = {{"a,b", "version\n\"a,b\"\n"},
                {"a\"b", "version\n\"a\"\"b\"\n"},
                {"a\nb", "version\n\"a\nb\"\n"},
                {"a\rb", "version\n\"a\rb\"\n"},
                {"a b\t;'", "version\na b\t;'\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const flowlog_value v = text(rows[i].text);
        cr_expect_str_eq(write_one(FLOWLOG_FORM_CSV, names, &v, 1), rows[i].csv, "row %zu", i);
    }
}

Test(writer, csv_tells_empty_text_from_null)
{
    const flowlog_value v[3] = {text(""), null(FLOWLOG_TYPE_TEXT), null(FLOWLOG_TYPE_U64)};
    cr_expect_str_eq(write_one(FLOWLOG_FORM_CSV, names, v, 3),
                     "version,account-id,\"src,addr\"\n\"\",,\n");
}

Test(writer, tsv_escapes_what_would_break_a_row)
{
    flowlog_value v[COLUMNS];
    fill(v);
    v[8] = text("\ta\\b\n\r");
    cr_expect_str_eq(
        write_one(FLOWLOG_FORM_TSV, names, v, COLUMNS),
        "version\taccount-id\tsrc,addr\tdst\"addr\tbytes\tstart\taction\tshare\ttag\tnone\n"
        "2\t000000000012\t10.0.0.1\t2001:db8::1\t18446744073709551615\t1772366400\tACCEPT\t0.125\t"
        "\\ta\\\\b\\n\\r\t\n");
}

Test(writer, text_is_a_record_with_dashes_for_null)
{
    flowlog_value v[COLUMNS];
    fill(v);
    cr_expect_str_eq(
        write_one(FLOWLOG_FORM_TEXT, names, v, COLUMNS),
        "version account-id src,addr dst\"addr bytes start action share tag none\n"
        "2 000000000012 10.0.0.1 2001:db8::1 18446744073709551615 1772366400 ACCEPT 0.125 a%20b -\n");
}

Test(writer, text_refuses_what_is_no_token_and_writes_no_part_of_its_row)
{
    static const char *const bad[] = {"", "a b", " ", "a\n", "\x7F", "tab\t"};
    flowlog_writer *w = NULL;
    flowlog_error err = {0};
    memset(&sink, 0, sizeof sink);
    cr_expect_eq(flowlog_writer_open(FLOWLOG_FORM_TEXT, (const char *const[]){"a b"}, 1, take, &sink,
                                     NULL, &w, &err),
                 FLOWLOG_E_ARGUMENT);
    cr_assert_eq(flowlog_writer_open(FLOWLOG_FORM_TEXT, names, 2, take, &sink, NULL, &w, &err),
                 FLOWLOG_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const flowlog_value v[2] = {number(FLOWLOG_TYPE_U32, 7), text(bad[i])};
        cr_expect_eq(flowlog_writer_row(w, v, &err), FLOWLOG_E_ARGUMENT, "row %zu", i);
        cr_expect_eq(err.status, FLOWLOG_E_ARGUMENT);
    }
    const flowlog_value good[2] = {number(FLOWLOG_TYPE_U32, 8), text("\xC3\xA9")};
    cr_expect_eq(flowlog_writer_row(w, good, &err), FLOWLOG_OK);
    cr_expect_eq(flowlog_writer_finish(w, &err), FLOWLOG_OK);
    cr_expect_str_eq(sink.text, "version account-id\n8 \xC3\xA9\n");
    flowlog_writer_close(w);
}

Test(writer, null_of_every_type_is_null)
{
    static const uint8_t types[] = {FLOWLOG_TYPE_TEXT, FLOWLOG_TYPE_U32,  FLOWLOG_TYPE_U64,
                                    FLOWLOG_TYPE_TIME, FLOWLOG_TYPE_ADDR, FLOWLOG_TYPE_ENUM,
                                    FLOWLOG_TYPE_SHARE};
    for (size_t i = 0; i < sizeof types; i++) {
        flowlog_value v = null(types[i]);
        v.number = 7;
        cr_expect_str_eq(write_one(FLOWLOG_FORM_JSON, names, &v, 1), "{\"version\":null}\n");
        cr_expect_str_eq(write_one(FLOWLOG_FORM_TEXT, names, &v, 1), "version\n-\n");
        cr_expect_str_eq(write_one(FLOWLOG_FORM_CSV, names, &v, 1), "version\n\n");
        cr_expect_str_eq(write_one(FLOWLOG_FORM_TABLE, names, &v, 1), "version\n-\n");
    }
    const flowlog_value none = {.type = FLOWLOG_TYPE_ADDR}; /* family 0 */
    cr_expect_str_eq(write_one(FLOWLOG_FORM_JSON, names, &none, 1), "{\"version\":null}\n");
}

Test(writer, header_is_there_without_rows)
{
    static const char *const want[] = {"version  account-id\n", "", "version,account-id\n",
                                       "version\taccount-id\n", "version account-id\n"};
    for (unsigned form = 0; form < 5; form++) {
        flowlog_writer *w = NULL;
        memset(&sink, 0, sizeof sink);
        cr_assert_eq(flowlog_writer_open((flowlog_form)form, names, 2, take, &sink, NULL, &w, NULL),
                     FLOWLOG_OK);
        cr_expect_eq(flowlog_writer_finish(w, NULL), FLOWLOG_OK);
        cr_expect_str_eq(sink.text, want[form], "form %u", form);
        flowlog_writer_close(w);
    }
}

Test(writer, texts_and_names_longer_than_the_buffer_arrive_whole)
{
    static char big[200001], name[90001];
    for (size_t i = 0; i < sizeof big - 1; i++) big[i] = "abc,\"xyz"[i % 8];
    memset(name, 'n', sizeof name - 1);
    const char *const heads[2] = {name, "b"};
    const flowlog_value v[2] = {text(big), number(FLOWLOG_TYPE_U32, 1)};
    for (unsigned form = 0; form < 5; form++) {
        const char *out = write_one((flowlog_form)form, heads, v, 2);
        size_t kept = 0; /* of `big`, quotes and backslashes aside */
        for (const char *p = out; *p; p++) kept += strchr("abcxyz", *p) != NULL;
        /* 6 of 8 letters each, one "b" of the second name */
        cr_expect_eq(kept, (sizeof big - 1) / 8 * 6 + 1, "form %u: %zu", form, kept);
        cr_expect(strstr(out, name) != NULL, "form %u", form);
    }
}

Test(writer, a_write_that_fails_is_an_error_from_then_on)
{
    flowlog_value v[COLUMNS];
    fill(v);
    for (unsigned form = 0; form < 5; form++) {
        flowlog_writer *w = NULL;
        flowlog_error err = {0};
        memset(&sink, 0, sizeof sink);
        sink.fail_after = 2;
        cr_assert_eq(
            flowlog_writer_open((flowlog_form)form, names, COLUMNS, take, &sink, NULL, &w, &err),
            FLOWLOG_OK);
        flowlog_status status = FLOWLOG_OK;
        int rows = 0;
        for (; rows < 10000 && status >= 0; rows++) status = flowlog_writer_row(w, v, &err);
        cr_expect_eq(status, FLOWLOG_E_IO, "form %u", form);
        cr_expect_eq(err.status, FLOWLOG_E_IO);
        cr_expect(rows < 10000);
        cr_expect_eq(sink.calls, 2, "nothing is written after a failure");
        cr_expect_eq(flowlog_writer_row(w, v, NULL), FLOWLOG_E_IO);
        cr_expect_eq(flowlog_writer_finish(w, NULL), FLOWLOG_E_IO);
        cr_expect_eq(sink.calls, 2);
        flowlog_writer_close(w);
    }
}

Test(writer, a_write_that_fails_at_the_end_is_seen_by_finish)
{
    const flowlog_value v = number(FLOWLOG_TYPE_U32, 1);
    for (unsigned form = 0; form < 5; form++) {
        flowlog_writer *w = NULL;
        memset(&sink, 0, sizeof sink);
        sink.fail_after = 1;
        cr_assert_eq(flowlog_writer_open((flowlog_form)form, names, 1, take, &sink, NULL, &w, NULL),
                     FLOWLOG_OK);
        cr_expect_eq(flowlog_writer_row(w, &v, NULL), FLOWLOG_OK);
        cr_expect_eq(flowlog_writer_finish(w, NULL), FLOWLOG_E_IO, "form %u", form);
        flowlog_writer_close(w);
    }
}

Test(writer, after_finish_nothing_is_taken)
{
    const flowlog_value v = number(FLOWLOG_TYPE_U32, 1);
    flowlog_writer *w = NULL;
    memset(&sink, 0, sizeof sink);
    cr_assert_eq(flowlog_writer_open(FLOWLOG_FORM_CSV, names, 1, take, &sink, NULL, &w, NULL),
                 FLOWLOG_OK);
    cr_expect_eq(flowlog_writer_finish(w, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_writer_row(w, &v, NULL), FLOWLOG_E_STATE);
    cr_expect_eq(flowlog_writer_finish(w, NULL), FLOWLOG_E_STATE);
    flowlog_writer_close(w);
    flowlog_writer_close(NULL);
}

Test(writer, wrong_arguments_are_told)
{
    flowlog_writer *w = (flowlog_writer *)(void *)&sink;
    const char *const hole[2] = {"a", NULL};
    cr_expect_eq(flowlog_writer_open((flowlog_form)5, names, 1, take, NULL, NULL, &w, NULL),
                 FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_writer_open((flowlog_form)-1, names, 1, take, NULL, NULL, &w, NULL),
                 FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_writer_open(FLOWLOG_FORM_CSV, NULL, 1, take, NULL, NULL, &w, NULL),
                 FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_writer_open(FLOWLOG_FORM_CSV, names, 0, take, NULL, NULL, &w, NULL),
                 FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_writer_open(FLOWLOG_FORM_CSV, names, 1, NULL, NULL, NULL, &w, NULL),
                 FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_writer_open(FLOWLOG_FORM_CSV, names, 1, take, NULL, NULL, NULL, NULL),
                 FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_writer_open(FLOWLOG_FORM_CSV, hole, 2, take, NULL, NULL, &w, NULL),
                 FLOWLOG_E_ARGUMENT);
    cr_expect(w == (flowlog_writer *)(void *)&sink, "untouched on failure");
    cr_expect_eq(flowlog_writer_finish(NULL, NULL), FLOWLOG_E_ARGUMENT);
    for (unsigned form = 0; form < 5; form++) {
        cr_assert_eq(flowlog_writer_open((flowlog_form)form, names, 1, take, &sink, NULL, &w, NULL),
                     FLOWLOG_OK);
        const flowlog_value none = {.type = 0}, beyond = {.type = FLOWLOG_TYPE_SERVICE + 1},
                            lost = {.type = FLOWLOG_TYPE_TEXT, .text = {NULL, 3}};
        cr_expect_eq(flowlog_writer_row(w, NULL, NULL), FLOWLOG_E_ARGUMENT);
        cr_expect_eq(flowlog_writer_row(w, &none, NULL), FLOWLOG_E_ARGUMENT, "form %u", form);
        cr_expect_eq(flowlog_writer_row(w, &beyond, NULL), FLOWLOG_E_ARGUMENT);
        cr_expect_eq(flowlog_writer_row(w, &lost, NULL), FLOWLOG_E_ARGUMENT);
        cr_expect_eq(flowlog_writer_batch(w, NULL, 0, 0, NULL), FLOWLOG_E_ARGUMENT);
        flowlog_writer_close(w);
    }
}

/* One value of each type in each form, a few rows; every allocation fails once. */
Test(writer, memory_that_runs_out_is_an_error_and_leaves_nothing)
{
    flowlog_value v[COLUMNS];
    fill(v);
    for (unsigned form = 0; form < 5; form++)
        for (size_t fail_at = 0, requests = 1; fail_at <= requests; fail_at++) {
            struct test_alloc t;
            const flowlog_alloc a = test_alloc_init(&t, fail_at);
            flowlog_writer *w = NULL;
            flowlog_error err = {0};
            memset(&sink, 0, sizeof sink);
            flowlog_status status =
                flowlog_writer_open((flowlog_form)form, names, COLUMNS, take, &sink, &a, &w, &err);
            for (int i = 0; i < 100 && status >= 0; i++) status = flowlog_writer_row(w, v, &err);
            if (status >= 0) status = flowlog_writer_finish(w, &err);
            cr_expect_eq(status, fail_at ? FLOWLOG_E_MEMORY : FLOWLOG_OK, "form %u, request %zu", form,
                         fail_at);
            if (fail_at) cr_expect_eq(err.status, FLOWLOG_E_MEMORY);
            flowlog_writer_close(w);
            cr_expect_eq(t.live_blocks, 0, "form %u, request %zu", form, fail_at);
            cr_expect_eq(t.wrong_lengths, 0);
            if (!fail_at) requests = t.requests;
        }
}

/* --- batches ------------------------------------------------------------------------------------------------- */

enum { ROWS = 70 };
static struct {
    uint32_t u32[ROWS], addr[ROWS];
    uint64_t u64[ROWS], valid[2];
    int64_t time[ROWS];
    uint8_t family[ROWS], code[ROWS], wide[ROWS][16];
    flowlog_span text[ROWS], action[ROWS];
} data;
static const char words[] = "eni-0a1b2c,\"x\\accept DROP";
static flowlog_column columns[7];

static flowlog_batch make_batch(void)
{
    for (uint32_t r = 0; r < ROWS; r++) {
        if (r % 5 == 4) continue; /* null rows are zero */
        data.valid[r / 64] |= UINT64_C(1) << r % 64;
        data.u32[r] = r * UINT32_C(61356675);
        data.u64[r] = UINT64_MAX - r * UINT64_C(99999999999999999);
        data.time[r] = 1772366400 + (int64_t)r;
        data.family[r] = r % 3 ? 4 : 6;
        if (r % 3) data.addr[r] = 0x0A000000 + r;
        else data.wide[r][0] = 0x20, data.wide[r][15] = (uint8_t)r;
        data.text[r] = (flowlog_span){0, 1 + r % 14};
        data.code[r] = r % 2 ? FLOWLOG_ACTION_ACCEPT : FLOWLOG_OTHER;
        data.action[r] = r % 2 ? (flowlog_span){14, 6} : (flowlog_span){21, 4};
    }
    static const flowlog_column made[7] = {
        {.name = "srcport", .type = FLOWLOG_TYPE_U32, .values = data.u32},
        {.name = "bytes", .type = FLOWLOG_TYPE_U64, .values = data.u64},
        {.name = "start", .type = FLOWLOG_TYPE_TIME, .values = data.time},
        {.name = "srcaddr", .type = FLOWLOG_TYPE_ADDR, .values = data.addr},
        {.name = "interface-id", .type = FLOWLOG_TYPE_TEXT},
        {.name = "action",
         .type = FLOWLOG_TYPE_ENUM,
         .field = FLOWLOG_FIELD_ACTION,
         .values = data.code},
        {.name = "x", .type = FLOWLOG_TYPE_TEXT},
    };
    static const uint64_t nothing[2];
    static const flowlog_span no_spans[ROWS];
    memcpy(columns, made, sizeof made);
    for (int c = 0; c < 7; c++) columns[c].present = 1, columns[c].validity = data.valid;
    columns[3].family = data.family;
    columns[3].wide = (const uint8_t(*)[16])data.wide;
    columns[4].spans = data.text;
    columns[5].spans = data.action;
    columns[6].spans = no_spans;
    columns[6].validity = nothing;
    return (flowlog_batch){
        .rows = ROWS, .columns = 7, .column = columns, .text = words, .text_len = sizeof words - 1};
}

Test(writer, a_batch_is_written_as_its_rows_are)
{
    const flowlog_batch batch = make_batch();
    const char *heads[7];
    for (int c = 0; c < 7; c++) heads[c] = batch.column[c].name;
    for (unsigned form = 0; form < 5; form++) {
        static char by_row[1 << 20];
        flowlog_writer *w = NULL;
        flowlog_error err = {0};
        memset(&sink, 0, sizeof sink);
        cr_assert_eq(flowlog_writer_open((flowlog_form)form, heads, 7, take, &sink, NULL, &w, &err),
                     FLOWLOG_OK);
        for (uint32_t r = 3; r < ROWS; r++) {
            flowlog_value v[7];
            for (uint32_t c = 0; c < 7; c++)
                cr_assert_eq(flowlog_batch_value(&batch, r, c, &v[c]), FLOWLOG_OK);
            cr_assert_eq(flowlog_writer_row(w, v, &err), FLOWLOG_OK, "%s", err.message);
        }
        cr_assert_eq(flowlog_writer_finish(w, &err), FLOWLOG_OK);
        flowlog_writer_close(w);
        strcpy(by_row, sink.text);

        memset(&sink, 0, sizeof sink);
        cr_assert_eq(flowlog_writer_open((flowlog_form)form, heads, 7, take, &sink, NULL, &w, &err),
                     FLOWLOG_OK);
        cr_assert_eq(flowlog_writer_batch(w, &batch, 3, 0, &err), FLOWLOG_OK);
        cr_assert_eq(flowlog_writer_batch(w, &batch, 3, 20, &err), FLOWLOG_OK);
        cr_assert_eq(flowlog_writer_batch(w, &batch, 23, ROWS - 23, &err), FLOWLOG_OK);
        cr_expect_eq(flowlog_writer_batch(w, &batch, 23, ROWS - 22, &err), FLOWLOG_E_ARGUMENT);
        cr_expect_eq(flowlog_writer_batch(w, &batch, ROWS + 1, 0, &err), FLOWLOG_E_ARGUMENT);
        cr_assert_eq(flowlog_writer_finish(w, &err), FLOWLOG_OK);
        flowlog_writer_close(w);
        cr_expect_str_eq(sink.text, by_row, "form %u", form);
        cr_expect(strstr(sink.text, form == FLOWLOG_FORM_JSON ? "\"ACCEPT\"" : "ACCEPT"), "AWS's case");
        cr_expect(strstr(sink.text, "DROP"), "a token nobody knows");
    }
    flowlog_writer *w = NULL;
    cr_assert_eq(flowlog_writer_open(FLOWLOG_FORM_JSON, heads, 6, take, &sink, NULL, &w, NULL),
                 FLOWLOG_OK);
    cr_expect_eq(flowlog_writer_batch(w, &batch, 0, 1, NULL), FLOWLOG_E_ARGUMENT,
                 "another number of columns");
    flowlog_writer_close(w);
}
