/* SPDX-License-Identifier: MIT */
/*
 * schema_header.c - which lines are headers.  The lines come from AWS's documentation (headers of files in
 * S3, the record examples of the VPC guide, the blog on encryption controls) and from exports seen in use.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "flowlog/field.h"
#include "schema/layouts.h"
#include "support/alloc_count.h"
#include "support/guard.h"

TestSuite(schema_header, .timeout = 20);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const char *const headers[] = {
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
        "end action log-status",
    "flow-direction traffic-path srcaddr dstaddr srcport dstport encryption-status",
    "account-id action az-id bytes dstaddr dstport end flow-direction instance-id interface-id log-status packets",
    "account_id interface_id src_addr dst_addr src_port dst_port start_time end_time log_status",
    "accountId endTime interfaceId logStatus startTime version action bytes dstAddr dstPort packets "
        "protocol srcAddr srcPort",
    "version srcaddr \"start\" `end`",
    "version",
    "instance-tag-2",
    "srcaddr dstaddr",
    "VERSION SRCADDR",
    "export-timestamp version account-id", /* an unknown name first */
    "version account-id new-in-2030",
    "srcaddr foo bar dstaddr", /* half of them */
    "version  srcaddr\tdstaddr", /* runs of blanks */
    "version srcaddr \r",
    "version srcaddr\r\n",
    "\xEF\xBB\xBFversion srcaddr",
    "  version srcaddr  ",
};

#define F_IDS \
    "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 " \
    "123456789010 IPv4 "

static const char *const others[] = {
    /* The record examples of the guide. */
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 "
        "1418530070 ACCEPT OK",
    "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 "
        "1418530070 REJECT OK",
    "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
    "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA",
    "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK",
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT OK",
    "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 "
        "2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK",
    F_IDS "52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK",
    F_IDS "10.0.0.62 52.213.180.42 5001 43416 10.0.0.62 52.213.180.42 6 376 7 1566848875 1566848933 ACCEPT 18 OK",
    F_IDS "52.213.180.42 10.0.0.62 43418 5001 52.213.180.42 10.0.0.62 6 100701 70 1566848875 1566848933 ACCEPT 2 OK",
    F_IDS "10.0.0.62 52.213.180.42 5001 43418 10.0.0.62 52.213.180.42 6 632 12 1566848875 1566848933 ACCEPT 18 OK",
    F_IDS "10.0.0.62 52.213.180.42 5001 43418 10.0.0.62 52.213.180.42 6 63388 1219 1566848933 1566849113 ACCEPT 1 OK",
    F_IDS "52.213.180.42 10.0.0.62 43418 5001 52.213.180.42 10.0.0.62 6 23294588 15774 1566848933 "
        "1566849113 ACCEPT 1 OK",
    F_IDS "52.213.180.42 10.0.0.62 43638 5001 52.213.180.42 10.0.0.62 6 1260 17 1566933133 1566933193 ACCEPT 3 OK",
    F_IDS "10.0.0.62 52.213.180.42 5001 43638  10.0.0.62 52.213.180.42 6 967 14 1566933133 1566933193 ACCEPT 19 OK",
    "- eni-1235b8ca123456789 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5",
    "- eni-1235b8ca123456789 10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5",
    "- eni-1235b8ca123456789 203.0.113.5 10.0.0.220 203.0.113.5 10.0.0.220",
    "- eni-1235b8ca123456789 10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5",
    "i-01234567890123456 eni-1111aaaa2222bbbb3 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
    "i-01234567890123456 eni-1111aaaa2222bbbb3 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5",
    "nat-1234567890abcdef - - - 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
    "nat-1234567890abcdef - - - 107.22.182.139 203.0.113.5 107.22.182.139 203.0.113.5",
    "nat-1234567890abcdef - - - 203.0.113.5 107.22.182.139 203.0.113.5 107.22.182.139",
    "nat-1234567890abcdef - - - 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5",
    "- i-01234567890123456 eni-1111aaaa2222bbbb3 subnet-aaaaaaaa012345678 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
    "3 eni-33333333333333333 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb "
        "i-01234567890123456 10.20.33.164 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT "
        "OK",
    "3 eni-33333333333333333 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb "
        "i-01234567890123456 10.40.2.236 10.20.33.164 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 "
        "ACCEPT OK",
    "3 eni-11111111111111111 123456789010 vpc-abcdefab012345678 subnet-11111111aaaaaaaaa - "
        "10.40.1.175 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK",
    "3 eni-22222222222222222 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb - "
        "10.40.2.236 10.40.2.31 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 ACCEPT OK",
    "5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 "
        "vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 "
        "ap-southeast-2 apse2-az3 - - ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK",
    "5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 123456789012 "
        "vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 "
        "ap-southeast-2 apse2-az3 - - ACCEPT 3 10.0.0.71 52.95.128.179 - S3 8 egress OK",
    "ingress - 10.0.133.8 10.0.128.55 43236 80 1",
    "egress 1 10.0.128.55 10.0.133.8 80 43236 1",
    "ingress - 10.0.130.104 10.0.128.55 55016 80 0",
    /* Exports, JSON, ends of files. */
    "2025-02-25T12:25:04.000Z i-085c7a43a498c2f5d eni-0416a1c81c87ab9c9 - - - use1-az2 - 1740486335 "
        "- - - - - - 1740486304 subnet-027e9a6d4add894eb",
    "{\"message\":\"2 123456789012 eni-05fdd58317a3a58e4\"}",
    "", " ", "\r\n", "-", "- - -", "\xEF\xBB\xBF",
    /* Formats of one or two columns, whose values are words. */
    "ACCEPT", "REJECT OK", "NODATA", "IPv4 us-east-1", "ingress", "nat_gateway", "TransitGateway", "S3 AMAZON",
    "unknown", "vpc-12345678", "eni-1 OK", "BPA",
    /* Nearly headers. */
    "hello", "hello world", "hello world again",
    "version hello",            /* two tokens, one of them known */
    "version foo bar",          /* less than half */
    "version srcaddr 7",        /* a number among them */
    "version srcaddr 10.0.0.1", /* an address */
    "version srcaddr fe80::1", "version srcaddr dstaddr ::", "version srcaddr dstaddr -",
    "version srcaddr dstaddr arn:aws:ecs:us-east-1:123456789012:cluster/x",
    "version srcaddr dstaddr 2025-02-25T12:25:04.000Z",
    "version srcaddr dstaddr \x01", "version srcaddr dstaddr f\xC3\xA9", "version srcaddr dstaddr ${x}",
    "version,srcaddr,dstaddr", "${version} ${srcaddr}", "# version srcaddr dstaddr x y",
    "version srcaddr \"dstaddr x", "version srcaddr\x0Btype",
};

Test(schema_header, real_headers_are_headers)
{
    for (size_t i = 0; i < COUNT(headers); i++) {
        flowlog_format *format = NULL;
        flowlog_error err = {0};
        cr_expect(flowlog_is_header(headers[i], strlen(headers[i])), "row %zu: %s", i, headers[i]);
        const int status = flowlog_format_from_header(headers[i], strlen(headers[i]), NULL, &format, &err);
        cr_expect_eq(status, FLOWLOG_OK, "row %zu: %s", i, err.message);
        flowlog_format_free(format);
    }
}

Test(schema_header, records_and_other_lines_are_none)
{
    for (size_t i = 0; i < COUNT(others); i++) {
        flowlog_format *format = (void *)&i;
        flowlog_error err = {0};
        cr_expect_eq(flowlog_is_header(others[i], strlen(others[i])), 0, "row %zu: %s", i, others[i]);
        const int status = flowlog_format_from_header(others[i], strlen(others[i]), NULL, &format, &err);
        cr_expect_eq(status, FLOWLOG_E_FORMAT, "row %zu: %s", i, flowlog_status_name(status));
        cr_expect_eq(err.status, status);
        cr_expect_eq((void *)format, (void *)&i, "written only on success");
    }
}

Test(schema_header, headers_of_all_layouts_are_headers_and_make_the_same_format)
{
    size_t count;
    const struct fl_layout *layouts = flowlog__layouts(&count);
    for (size_t i = 0; i < count; i++) {
        for (int style = 1; style <= 2; style++) {
            flowlog_format *a = NULL, *b = NULL;
            char line[4096];
            cr_assert_eq(flowlog_format_parse(layouts[i].fields, strlen(layouts[i].fields), NULL, &a, NULL), 0);
            size_t len = flowlog_format_print(a, style, line, sizeof line - 1);
            for (size_t k = 0; k < len; k++)
                if (line[k] == ',') line[k] = ' ';
            line[len++] = '\n';
            cr_expect(flowlog_is_header(line, len), "%s", layouts[i].name);
            cr_expect_eq(flowlog_format_from_header(line, len, NULL, &b, NULL), FLOWLOG_OK);
            cr_expect(flowlog_format_equal(a, b));
            flowlog_format_free(a);
            flowlog_format_free(b);
        }
    }
}

Test(schema_header, unknown_names_become_text_columns_and_quotes_go)
{
    static const char line[] = "\xEF\xBB\xBF" "export-timestamp \"start\" `end`\tversion\r";
    flowlog_format *f = NULL;
    cr_assert_eq(flowlog_format_from_header(line, sizeof line - 1, NULL, &f, NULL), FLOWLOG_OK);
    char text[128];
    flowlog_format_print(f, FLOWLOG_FORMAT_AWS, text, sizeof text);
    cr_expect_str_eq(text, "${export-timestamp} ${start} ${end} ${version}");
    cr_expect_eq(flowlog_format_column_at(f, 0)->type, FLOWLOG_TYPE_TEXT);
    flowlog_format_free(f);
    /* Unlike in a format string, these words mean nothing here. */
    cr_assert_eq(flowlog_format_from_header("default srcaddr dstaddr", 23, NULL, &f, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_format_columns(f), 3);
    flowlog_format_free(f);
}

/* The known edge of the rule: values that users chose, called like fields. */
Test(schema_header, tag_values_called_like_fields_make_a_record_a_header)
{
    cr_expect(flowlog_is_header("version", 7));
    cr_expect(flowlog_is_header("type region", 11));
    cr_expect(flowlog_is_header("type us-east-1 region", 21));
}

Test(schema_header, errors_point_at_the_token)
{
    static const struct {
        const char *line, *caret;
        int status;
        const char *message;
    } table[] = {
        {"version srcaddr end src_addr", //
         "                    ^", FLOWLOG_E_DUPLICATE,
         "'src_addr' (field 4, column 21) is the same field as 'srcaddr' (field 2, column 9)"},
        {"\"start\" version startTime", //
         "                ^", FLOWLOG_E_DUPLICATE, "as 'start' (field 1, column 2)"},
        {"new-one version end new_one", //
         "                    ^", FLOWLOG_E_DUPLICATE, "as 'new-one' (field 1, column 1)"},
        {"version srcaddr 10.0.0.1", //
         "                ^", FLOWLOG_E_FORMAT, "'10.0.0.1' is no field"},
        {" 2 123456789010 eni-1", //
         " ^", FLOWLOG_E_FORMAT, "'2' is no field"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        flowlog_format *format;
        flowlog_error err = {0};
        const int status = flowlog_format_from_header(table[i].line, strlen(table[i].line), NULL, &format, &err);
        cr_expect_eq(status, table[i].status, "row %zu: %s", i, flowlog_status_name(status));
        cr_expect_eq(err.offset, strlen(table[i].caret) - 1, "row %zu: offset %u", i, (unsigned)err.offset);
        cr_expect_eq(err.column, err.offset + 1, "row %zu", i);
        cr_expect(strstr(err.message, table[i].message), "row %zu: %s", i, err.message);
    }
    flowlog_format *format;
    flowlog_error err;
    cr_expect_eq(flowlog_format_from_header(NULL, 0, NULL, &format, &err), FLOWLOG_E_FORMAT);
    cr_expect_eq(flowlog_format_from_header(NULL, 1, NULL, &format, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_format_from_header("version", 7, NULL, NULL, &err), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_is_header(NULL, 0), 0);
}

Test(schema_header, more_fields_than_the_limit_are_refused_as_such)
{
    char line[8192] = "version account-id interface-id srcaddr dstaddr";
    for (uint32_t f = 6; f <= flowlog_field_count(); f++) {
        strcat(line, " ");
        strcat(line, flowlog_field_get(f)->name);
    }
    const size_t known_len = strlen(line);
    for (unsigned i = 0; i < 72; i++) sprintf(line + strlen(line), " x%02u", i);
    flowlog_format *format = NULL;
    cr_assert_eq(flowlog_format_from_header(line, strlen(line), NULL, &format, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_format_columns(format), 144, "72 known and 72 unknown: half of them");
    flowlog_format_free(format);
    strcat(line, " y");
    cr_expect_eq(flowlog_is_header(line, strlen(line)), 0, "less than half");
    /* Beyond 256 there must be repeated names: whichever comes first is reported. */
    flowlog_error err;
    line[known_len] = '\0';
    while (strlen(line) < 4096) strcat(line, " version");
    cr_expect(flowlog_is_header(line, strlen(line)));
    cr_expect_eq(flowlog_format_from_header(line, strlen(line), NULL, &format, &err), FLOWLOG_E_DUPLICATE);
    /* An unknown name that is too long is no name. */
    char long_name[200] = "version srcaddr ";
    memset(long_name + 16, 'x', 128);
    cr_expect(flowlog_is_header(long_name, 16 + 128));
    long_name[16 + 128] = 'x';
    cr_expect_eq(flowlog_is_header(long_name, 16 + 129), 0);
}

Test(schema_header, makes_one_allocation_and_survives_its_failure)
{
    for (size_t fail_at = 0; fail_at <= 1; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        flowlog_format *format = NULL;
        cr_expect_eq(flowlog_format_from_header("foo version end", 15, &a, &format, NULL),
                     fail_at ? FLOWLOG_E_MEMORY : FLOWLOG_OK);
        cr_expect_eq(t.requests, 1);
        flowlog_format_free(format);
        cr_expect(!t.live_bytes && !t.live_blocks && !t.wrong_lengths);
    }
}

static void read_every_prefix(const char *line)
{
    for (size_t len = 0; len <= strlen(line); len++) {
        struct guard end = guard_end(line, len), start = guard_start(line, len);
        flowlog_format *a = NULL, *b = NULL;
        cr_expect_eq(flowlog_is_header((const char *)end.p, len), flowlog_is_header((const char *)start.p, len));
        const int status = flowlog_format_from_header((const char *)end.p, len, NULL, &a, NULL);
        cr_expect_eq(status, flowlog_format_from_header((const char *)start.p, len, NULL, &b, NULL));
        guard_free(&end);
        guard_free(&start);
        cr_expect(flowlog_format_equal(a, b));
        flowlog_format_free(a);
        flowlog_format_free(b);
    }
}

Test(schema_header, reads_no_byte_outside_the_line)
{
    read_every_prefix("\xEF\xBB\xBFversion foo\t\"start\"  `end` srcaddr 10.0.0.1 \r\n");
    read_every_prefix("2 123456789010 eni-1235b8ca123456789 - - -");
    read_every_prefix("version account-id interface-id srcaddr dstaddr srcport\r");
}

/* Found by fuzzing: only one carriage return is part of a line's end, as everywhere else. */
Test(schema_header, a_second_carriage_return_is_a_control_character)
{
    cr_expect_eq(flowlog_is_header("tgw-id", 6), 1);
    cr_expect_eq(flowlog_is_header("tgw-id\r", 7), 1);
    cr_expect_eq(flowlog_is_header("tgw-id\r\n", 8), 1);
    cr_expect_eq(flowlog_is_header("tgw-id \t\r\n", 10), 1);
    cr_expect_eq(flowlog_is_header("tgw-id\r\r", 8), 0);
    cr_expect_eq(flowlog_is_header("tgw-id\r\r\n", 9), 0);
    cr_expect_eq(flowlog_is_header("tgw-id\n\n", 8), 0);
    cr_expect_eq(flowlog_is_header("\xEF\xBB\xBF" "tgw-id", 9), 1); /* a byte order mark begins the line, */
    cr_expect_eq(flowlog_is_header("\t\xEF\xBB\xBF" "tgw-id", 10), 0); /* or is no such mark */
}
