/* SPDX-License-Identifier: MIT */
/*
 * Where readers of flow logs disagree: what this one does, a test for each topic, named after it.
 *
 * CloudWatch events, Parquet and de-duplication have no reader yet and no tests here.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <zlib.h>

#include "support/read_rows.h"

TestSuite(decisions, .timeout = 30);

#define RECORD "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n"

static void expect(const char *text, const char *rows)
{
    const struct rows *r = rows_of(text, NULL);
    cr_expect_eq(r->status, FLOWLOG_END, "%s: %s", text, r->err.message);
    cr_expect_str_eq(r->text, rows);
}

/* The counters that are not zero, besides files, bytes and lines. */
static const flowlog_counters *counted(const char *text)
{
    return &rows_of(text, NULL)->counters;
}

Test(decisions, dash_is_null)
{
    expect("version account-id srcaddr srcport bytes start action\n- - - - - - -\n",
           "NODATA version=- account-id=- srcaddr=- srcport=- bytes=- start=- action=-\n");
    expect("srcport bytes\n0 0\n", "none srcport=0 bytes=0\n");
    const struct rows *r = rows_of("srcport start\n- 5\n0 -\n", NULL);
    cr_expect_str_eq(r->text, "NODATA srcport=- start=5\nnone srcport=0 start=-\n");
}

Test(decisions, account_id_is_text)
{
    expect("account-id bytes\n000456789010 1\nunknown 2\n", "none account-id=000456789010 bytes=1\nnone account-id=unknown bytes=2\n");
}

Test(decisions, integers)
{
    expect("srcport protocol bytes\n65535 255 18446744073709551615\n010 06 0000\n",
           "none srcport=65535 protocol=255 bytes=18446744073709551615\nnone srcport=10 protocol=6 bytes=0\n");
    static const char *const bad[] = {"65536 6 1", "1 256 1", "1 6 18446744073709551616", "+1 6 1", "-1 6 1", "0x1 6 1", "1 6 1e3", "1 6 1.0", "1 tcp 1"};
    static const uint16_t column[] = {1, 2, 3, 1, 1, 1, 3, 3, 2};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[100];
        sprintf(text, "srcport protocol bytes\n%s\n1 6 1\n", bad[i]);
        const struct rows *r = rows_of(text, NULL);
        cr_expect_str_eq(r->text, "none srcport=1 protocol=6 bytes=1\n");
        cr_expect_eq(r->counters.reasons[FLOWLOG_REASON_NUMBER], 1, "%s", bad[i]);
        cr_expect_eq(r->counters.bad_line[0].column, column[i], "%s: column %u", bad[i],
                     r->counters.bad_line[0].column);
    }
    /* The reason names the field. */
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    o.flags = FLOWLOG_READ_STOP_ON_BAD;
    const struct rows *r = rows_of("srcport dstport\n1 65536\n", &o);
    cr_expect_eq(r->status, FLOWLOG_E_MALFORMED);
    cr_expect(strstr(r->err.message, "dstport"), "%s", r->err.message);
}

Test(decisions, separators)
{
    expect("srcaddr srcport bytes\n1.1.1.1 2 3\n1.1.1.1  2 3\n1.1.1.1\t2\t 3\n 1.1.1.1 2 3 \n1.1.1.1 2 3\r\n",
           "none srcaddr=1.1.1.1 srcport=2 bytes=3\nnone srcaddr=1.1.1.1 srcport=2 bytes=3\n"
           "none srcaddr=1.1.1.1 srcport=2 bytes=3\nnone srcaddr=1.1.1.1 srcport=2 bytes=3\n"
           "none srcaddr=1.1.1.1 srcport=2 bytes=3\n");
    cr_expect_eq(counted("srcaddr srcport bytes\n1.1.1.1 2 3\n1.1.1.1  2 3\n1.1.1.1\t2\t 3\n 1.1.1.1 2 3 \n1.1.1.1 2 3\r\n")->irregular, 4);
    expect("\xEF\xBB\xBFsrcaddr bytes\n1.1.1.1 2", "none srcaddr=1.1.1.1 bytes=2\n");
    cr_expect_eq(counted("\xEF\xBB\xBFsrcaddr bytes\n1.1.1.1 2")->irregular, 0);
    cr_expect_eq(counted("\xEF\xBB\xBFsrcaddr bytes\n1.1.1.1 2")->lines, 2);
}

Test(decisions, too_few_and_too_many_values)
{
    const struct rows *r = rows_of("srcaddr srcport bytes\n1.1.1.1 2\n1.1.1.1 2 3 4\n1.1.1.1\n1.1.1.1 2 3\n", NULL);
    cr_expect_str_eq(r->text, "none srcaddr=1.1.1.1 srcport=2 bytes=3\n");
    cr_expect_eq(r->counters.reasons[FLOWLOG_REASON_TOO_FEW], 2);
    cr_expect_eq(r->counters.reasons[FLOWLOG_REASON_TOO_MANY], 1);
    cr_expect_eq(r->counters.bad_line[0].column, 0);
}

Test(decisions, one_bad_line_costs_that_line)
{
    const struct rows *r = rows_of("srcaddr bytes\n1.1.1.1 1\nbogus line\n1.1.1.1 3\n", NULL);
    cr_expect_str_eq(r->text, "none srcaddr=1.1.1.1 bytes=1\nnone srcaddr=1.1.1.1 bytes=3\n");
    const flowlog_bad_line *b = &r->counters.bad_line[0];
    cr_expect_eq(r->counters.bad_lines, 1);
    cr_expect(b->line == 3 && b->offset == 24 && b->reason == FLOWLOG_REASON_ADDRESS && b->column == 1);
    cr_expect_str_eq(b->text, "bogus line");
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    o.flags = FLOWLOG_READ_STOP_ON_BAD;
    r = rows_of("srcaddr bytes\n1.1.1.1 1\nbogus line\n1.1.1.1 3\n", &o);
    cr_expect_str_eq(r->text, "none srcaddr=1.1.1.1 bytes=1\n");
    cr_expect(r->status == FLOWLOG_E_MALFORMED && r->err.line == 3 && r->err.offset == 24);
}

Test(decisions, header)
{
    expect("srcaddr\n1.1.1.1\n", "none srcaddr=1.1.1.1\n");
    expect("srcAddr dst_addr \"start\" endTime\n1.1.1.1 2.2.2.2 3 4\n", "none srcaddr=1.1.1.1 dstaddr=2.2.2.2 start=3 end=4\n");
    /* Half of at least three are known, none of the others a value. */
    expect("srcaddr brand-new bytes more\n1.1.1.1 x 3 y\n", "none srcaddr=1.1.1.1 brand-new=x bytes=3 more=y\n");
    cr_expect_eq(rows_of("srcaddr brand-new\n", NULL)->status, FLOWLOG_E_FORMAT, "half of two");
    cr_expect_eq(rows_of("srcaddr a b\n", NULL)->status, FLOWLOG_E_FORMAT, "less than half");
    cr_expect_eq(rows_of("srcaddr bytes 5\n", NULL)->status, FLOWLOG_E_FORMAT, "a number");
    cr_expect_eq(rows_of("srcaddr bytes -\n", NULL)->status, FLOWLOG_E_FORMAT, "a null");
    cr_expect_eq(rows_of("srcaddr bytes ::1\n", NULL)->status, FLOWLOG_E_FORMAT, "an address");
    /* Anywhere, the same again or another, with as many fields too. */
    const struct rows *r = rows_of("srcaddr bytes\n1.1.1.1 1\nsrcaddr bytes\n1.1.1.1 2\nbytes srcaddr\n3 1.1.1.1\nend\n9\n", NULL);
    cr_expect_str_eq(r->text, "none srcaddr=1.1.1.1 bytes=1\nnone srcaddr=1.1.1.1 bytes=2\nnone bytes=3 srcaddr=1.1.1.1\nnone end=9\n");
    cr_expect_eq(r->counters.headers, 4);
}

/* Found by fuzzing: the reader and its model disagreed about such a line. */
Test(decisions, header_words_with_a_status_are_a_record)
{
    const flowlog_counters *c = counted("version srcaddr log-status\nsrcaddr dstaddr OK\nsrcaddr dstaddr NODATA\n");
    cr_expect_eq(c->headers, 1);
    cr_expect_eq(c->malformed, 2);
    c = counted("version srcaddr log-status\nsrcaddr dstaddr interface-id\n10.0.0.1 10.0.0.2 eni-1\n");
    cr_expect_eq(c->headers, 2);
    cr_expect_eq(c->records, 1);
}

Test(decisions, unknown_field_names)
{
    expect("srcaddr bytes Brand_New\n1.1.1.1 1 x\n1.1.1.1 1 -\n", "none srcaddr=1.1.1.1 bytes=1 Brand_New=x\nnone srcaddr=1.1.1.1 bytes=1 Brand_New=-\n");
    flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
    flowlog_format *f = NULL;
    cr_assert_eq(flowlog_format_parse("${srcaddr} ${brand-new}", 23, NULL, &f, NULL), FLOWLOG_OK);
    o.format = f;
    cr_expect_str_eq(rows_of("1.1.1.1 x\n", &o)->text, "none srcaddr=1.1.1.1 brand-new=x\n");
    flowlog_format_free(f);
    flowlog_error err;
    cr_expect_eq(flowlog_format_parse("srcaddr bytes src_addr", 22, NULL, &f, &err), FLOWLOG_E_DUPLICATE);
    cr_expect(strstr(err.message, "column 1)") && strstr(err.message, "column 15)"), "%s", err.message);
    /* In a header it costs that line. */
    cr_expect_eq(counted("srcaddr bytes\nsrcaddr srcAddr\n1.1.1.1 5\n")->reasons[FLOWLOG_REASON_HEADER], 1);
    cr_expect_eq(counted("srcaddr bytes\nsrcaddr srcAddr\n1.1.1.1 5\n")->records, 1);
}

Test(decisions, no_header_and_no_format)
{
    const struct rows *r = rows_of(RECORD RECORD, NULL);
    cr_expect(r->status == FLOWLOG_END && r->counters.records == 2);
    cr_expect(strstr(r->text, "srcaddr=172.31.16.139 ") && strstr(r->text, "action=ACCEPT"));
    /* Never by count alone: fourteen values, one of which is no address. */
    r = rows_of("2 123456789010 eni-1 host 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n", NULL);
    cr_expect_eq(r->status, FLOWLOG_E_FORMAT);
    cr_expect(strstr(r->err.message, "host") && r->err.line == 1, "%s", r->err.message);
    r = rows_of("some other text\n", NULL);
    cr_expect(r->status == FLOWLOG_E_FORMAT && strstr(r->err.message, "3 values"), "%s", r->err.message);
    /* All lines must fit. */
    r = rows_of(RECORD "2 123456789010 eni-1 1.1.1.1 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 MAYBE OK\n", NULL);
    cr_expect(r->status == FLOWLOG_E_FORMAT && strstr(r->err.message, "MAYBE"), "%s", r->err.message);
}

Test(decisions, nodata_and_skipdata)
{
    const struct rows *r = rows_of(
        "interface-id srcaddr bytes start log-status\n"
        "eni-1 - - 5 NODATA\n"
        "eni-2 - - 6 SKIPDATA\n"
        "eni-3 1.1.1.1 7 7 OK\n", NULL);
    cr_expect_str_eq(r->text, "NODATA interface-id=eni-1 srcaddr=- bytes=- start=5 log-status=NODATA\n"
                              "SKIPDATA interface-id=eni-2 srcaddr=- bytes=- start=6 log-status=SKIPDATA\n"
                              "OK interface-id=eni-3 srcaddr=1.1.1.1 bytes=7 start=7 log-status=OK\n");
    cr_expect(r->counters.nodata == 1 && r->counters.skipdata == 1 && r->counters.records == 1);
    /* Without log-status: nothing of the traffic is known. */
    r = rows_of("instance-id srcaddr bytes end\ni-1 - - 5\ni-1 - 0 5\ni-1 1.1.1.1 - 5\n", NULL);
    cr_expect(r->counters.nodata == 1 && r->counters.records == 2);
    r = rows_of("instance-id end\n- -\n", NULL);
    cr_expect(r->counters.nodata == 0 && r->counters.records == 1, "a format without fields of traffic");
}

Test(decisions, enumerations)
{
    expect("action log-status flow-direction pkt-src-aws-service\naccept ok INGRESS s3\nDROP OK sideways NEW_SERVICE\n",
           "OK action=ACCEPT log-status=OK flow-direction=ingress pkt-src-aws-service=S3\n"
           "OK action=DROP log-status=OK flow-direction=sideways pkt-src-aws-service=NEW_SERVICE\n");
}

Test(decisions, time)
{
    const struct rows *r = rows_of("start end\n1512564058000 1512564059000\n99999999999 100000000000\n0 1\n5 4\n- 4\n7 7\n", NULL);
    cr_expect_str_eq(r->text, "none start=1512564058 end=1512564059\nnone start=99999999999 end=100000000\nnone start=0 end=1\n"
                              "none start=5 end=4\nnone start=- end=4\nnone start=7 end=7\n");
    cr_expect_eq(r->counters.ms_times, 3);
    cr_expect_eq(r->counters.odd_times, 2);
}

Test(decisions, comments_and_blank_lines)
{
    const struct rows *r = rows_of("srcaddr bytes\n# a comment\n#1.1.1.1 5\n  # 5\n\n   \n\t\r\n1.1.1.1 5\n#", NULL);
    cr_expect_str_eq(r->text, "none srcaddr=1.1.1.1 bytes=5\n");
    cr_expect_eq(r->counters.skipped, 7);
    cr_expect_eq(r->counters.malformed, 0);
}

/* A record that somebody commented out has as many words as a record. */
Test(decisions, comments_among_well_formed_lines)
{
    const struct rows *r = rows_of("version srcaddr\n2 1.1.1.1\n#2 1.1.1.2\n2 1.1.1.3\n# 1.1.1.4\n", NULL);
    cr_expect_str_eq(r->text, "none version=2 srcaddr=1.1.1.1\nnone version=2 srcaddr=1.1.1.3\n");
    cr_expect(r->counters.skipped == 2 && r->counters.malformed == 0);
}

Test(decisions, bytes_of_text)
{
    for (int c = 1; c < 256; c++) {
        char text[100];
        if (c == '\n') continue;
        sprintf(text, "instance-tag srcaddr bytes\na%cb 1.1.1.1 2\nb 1.1.1.1 3\n", c);
        const struct rows *r = rows_of(text, NULL);
        const int blank = c == ' ' || c == '\t', control = !blank && (c < 0x20 || c == 0x7F);
        cr_expect_eq(r->counters.reasons[FLOWLOG_REASON_CONTROL], (uint64_t)control, "byte %d", c);
        cr_expect_eq(r->counters.reasons[FLOWLOG_REASON_TOO_MANY], (uint64_t)blank, "byte %d", c);
        cr_expect_eq(r->counters.records, control || blank ? 1u : 2u, "byte %d", c);
    }
    static const char with_nul[] = "srcaddr bytes\n1.1.1.1 2\0\n1.1.1.1 3\n";
    const struct rows *r = rows_of_bytes(with_nul, sizeof with_nul - 1, NULL);
    cr_expect(r->counters.reasons[FLOWLOG_REASON_CONTROL] == 1 && r->counters.records == 1);
    cr_expect_str_eq(r->counters.bad_line[0].text, "1.1.1.1 2?");
}

Test(decisions, mapped_addresses_and_zone_ids)
{
    expect("srcaddr\n::ffff:10.0.0.1\n10.0.0.1\n", "none srcaddr=::ffff:10.0.0.1\nnone srcaddr=10.0.0.1\n");
    cr_expect_eq(counted("srcaddr\nfe80::1%eth0\n")->reasons[FLOWLOG_REASON_ADDRESS], 1);
    cr_expect_eq(counted("srcaddr\n010.0.0.1\n")->reasons[FLOWLOG_REASON_ADDRESS], 1);
}

Test(decisions, duplicates_are_kept)
{
    expect("srcaddr\n1.1.1.1\n1.1.1.1\n", "none srcaddr=1.1.1.1\nnone srcaddr=1.1.1.1\n");
}

static size_t pack(const char *text, uint8_t *to, size_t cap)
{
    z_stream z = {0};
    deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)strlen(text);
    z.next_out = to;
    z.avail_out = (uInt)cap;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t n = cap - z.avail_out;
    deflateEnd(&z);
    return n;
}

Test(decisions, gzip)
{
    uint8_t packed[4096];
    size_t n = pack("srcaddr bytes\n1.1.1.1 1\n1.1.1", packed, sizeof packed);
    n += pack("", packed + n, sizeof packed - n);
    n += pack(".2 2\n1.1.1.3 3", packed + n, sizeof packed - n);
    static const char *const all = "none srcaddr=1.1.1.1 bytes=1\nnone srcaddr=1.1.1.2 bytes=2\nnone srcaddr=1.1.1.3 bytes=3\n";
    cr_expect_str_eq(rows_of_bytes(packed, n, NULL)->text, all);
    memset(packed + n, 0, 100);
    const struct rows *r = rows_of_bytes(packed, n + 100, NULL);
    cr_expect_str_eq(r->text, all);
    cr_expect_eq(r->status, FLOWLOG_END, "zero padding: %s", r->err.message);
    /* Truncated: the records before, then an error with its offset; the piece of a line is no record. */
    r = rows_of_bytes(packed, n - 9, NULL);
    cr_expect_eq(r->status, FLOWLOG_E_CORRUPT);
    cr_expect_str_eq(r->text, "none srcaddr=1.1.1.1 bytes=1\nnone srcaddr=1.1.1.2 bytes=2\n");
    cr_expect(r->err.offset > 0 && r->err.offset <= n - 9, "%llu", (unsigned long long)r->err.offset);
    cr_expect_eq(r->err.line, 4);
    /* Corrupt: the check of the last member. */
    packed[n - 8] ^= 1;
    r = rows_of_bytes(packed, n, NULL);
    cr_expect_eq(r->status, FLOWLOG_E_CORRUPT);
    cr_expect_str_eq(r->text, "none srcaddr=1.1.1.1 bytes=1\nnone srcaddr=1.1.1.2 bytes=2\n");
}
