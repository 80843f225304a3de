/* SPDX-License-Identifier: MIT */
/*
 * The records that AWS publishes as examples (VPC User Guide, "Flow log record examples"; the news blog on
 * encryption controls), with the formats of those pages: each is read, and says what the page says of it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/read_rows.h"

TestSuite(examples, .timeout = 30);

#define F_IDS "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4 "
#define T_IDS " 123456789010 vpc-abcdefab012345678 "
#define S_IDS " 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - "

static const struct {
    char letter;
    const char *fields;
} formats[] = {
    {'D', "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"},
    {'F', "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr "
          "pkt-dstaddr protocol bytes packets start end action tcp-flags log-status"},
    {'N', "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"},
    {'R', "resource-id instance-id interface-id subnet-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"},
    {'T', "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags type "
          "pkt-srcaddr pkt-dstaddr action log-status"},
    {'S', "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id "
          "instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr "
          "pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status"},
    {'B', "flow-direction traffic-path srcaddr dstaddr srcport dstport encryption-status"},
};

/* What is said: values by name, between blanks, as the row must have them. */
static const struct {
    const char *id;
    char format;
    const char *record, *says;
} examples[] = {
    {"E1", 'D', "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
     "OK version=2 account-id=123456789010 srcaddr=172.31.16.139 dstport=22 protocol=6 packets=20 bytes=4249 start=1418530010 end=1418530070 action=ACCEPT"},
    {"E2", 'D', "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK",
     "OK srcaddr=172.31.9.69 dstaddr=172.31.9.12 srcport=49761 dstport=3389 action=REJECT"},
    {"E3", 'D', "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
     "NODATA interface-id=eni-1235b8ca123456789 srcaddr=- srcport=- protocol=- bytes=- start=1431280876 end=1431280934 action=-"},
    {"E4", 'D', "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA",
     "SKIPDATA interface-id=eni-11111111aaaaaaaaa dstaddr=- packets=- log-status=SKIPDATA"},
    {"E5", 'D', "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK",
     "OK srcport=0 dstport=0 protocol=1 packets=4 bytes=336 action=ACCEPT"},
    {"E6", 'D', "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT OK",
     "OK srcaddr=172.31.16.139 protocol=1 action=REJECT"},
    {"E7", 'D', "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK",
     "OK srcaddr=2001:db8:1234:a100:8d6e:3477:df66:f105 dstaddr=2001:db8:1234:a102:3304:8879:34cf:4071 bytes=8855"},
    {"E8", 'F', F_IDS "52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK",
     "OK version=3 type=IPv4 instance-id=i-01234567890123456 pkt-srcaddr=52.213.180.42 bytes=568 packets=8 tcp-flags=2"},
    {"E9", 'F', F_IDS "10.0.0.62 52.213.180.42 5001 43416 10.0.0.62 52.213.180.42 6 376 7 1566848875 1566848933 ACCEPT 18 OK",
     "OK bytes=376 packets=7 tcp-flags=18"},
    {"E10", 'F', F_IDS "52.213.180.42 10.0.0.62 43418 5001 52.213.180.42 10.0.0.62 6 100701 70 1566848875 1566848933 ACCEPT 2 OK",
     "OK bytes=100701 packets=70 tcp-flags=2"},
    {"E11", 'F', F_IDS "10.0.0.62 52.213.180.42 5001 43418 10.0.0.62 52.213.180.42 6 632 12 1566848875 1566848933 ACCEPT 18 OK",
     "OK bytes=632 tcp-flags=18"},
    {"E12", 'F', F_IDS "10.0.0.62 52.213.180.42 5001 43418 10.0.0.62 52.213.180.42 6 63388 1219 1566848933 1566849113 ACCEPT 1 OK",
     "OK bytes=63388 packets=1219 tcp-flags=1"},
    {"E13", 'F', F_IDS "52.213.180.42 10.0.0.62 43418 5001 52.213.180.42 10.0.0.62 6 23294588 15774 1566848933 1566849113 ACCEPT 1 OK",
     "OK bytes=23294588 packets=15774 tcp-flags=1"},
    {"E14", 'F', F_IDS "52.213.180.42 10.0.0.62 43638 5001 52.213.180.42 10.0.0.62 6 1260 17 1566933133 1566933193 ACCEPT 3 OK",
     "OK srcport=43638 tcp-flags=3"},
    {"E15", 'F', F_IDS "10.0.0.62 52.213.180.42 5001 43638  10.0.0.62 52.213.180.42 6 967 14 1566933133 1566933193 ACCEPT 19 OK",
     "OK dstport=43638 pkt-srcaddr=10.0.0.62 bytes=967 packets=14 tcp-flags=19"},
    {"E16", 'N', "- eni-1235b8ca123456789 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5",
     "none instance-id=- dstaddr=10.0.0.220 pkt-dstaddr=203.0.113.5"},
    {"E17", 'N', "- eni-1235b8ca123456789 10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5",
     "none srcaddr=10.0.0.220 pkt-srcaddr=10.0.0.220"},
    {"E18", 'N', "- eni-1235b8ca123456789 203.0.113.5 10.0.0.220 203.0.113.5 10.0.0.220",
     "none srcaddr=203.0.113.5 pkt-dstaddr=10.0.0.220"},
    {"E19", 'N', "- eni-1235b8ca123456789 10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5",
     "none srcaddr=10.0.0.220 pkt-srcaddr=203.0.113.5 pkt-dstaddr=10.0.1.5"},
    {"E19b", 'N', "i-01234567890123456 eni-1111aaaa2222bbbb3 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
     "none instance-id=i-01234567890123456 dstaddr=203.0.113.5"},
    {"E19b reverse", 'N', "i-01234567890123456 eni-1111aaaa2222bbbb3 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5",
     "none srcaddr=203.0.113.5 pkt-srcaddr=203.0.113.5"},
    {"E20, 1", 'R', "nat-1234567890abcdef - - - 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
     "none resource-id=nat-1234567890abcdef instance-id=- interface-id=- subnet-id=- srcaddr=10.0.1.5"},
    {"E20, 2", 'R', "nat-1234567890abcdef - - - 107.22.182.139 203.0.113.5 107.22.182.139 203.0.113.5",
     "none srcaddr=107.22.182.139 pkt-srcaddr=107.22.182.139"},
    {"E20, 3", 'R', "nat-1234567890abcdef - - - 203.0.113.5 107.22.182.139 203.0.113.5 107.22.182.139",
     "none dstaddr=107.22.182.139 pkt-dstaddr=107.22.182.139"},
    {"E20, 4", 'R', "nat-1234567890abcdef - - - 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5", "none dstaddr=10.0.1.5"},
    {"E20b", 'R', "- i-01234567890123456 eni-1111aaaa2222bbbb3 subnet-aaaaaaaa012345678 10.0.1.5 203.0.113.5 10.0.1.5 203.0.113.5",
     "none resource-id=- interface-id=eni-1111aaaa2222bbbb3 subnet-id=subnet-aaaaaaaa012345678"},
    {"E21", 'T', "3 eni-33333333333333333" T_IDS "subnet-22222222bbbbbbbbb i-01234567890123456 10.20.33.164 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK",
     "OK interface-id=eni-33333333333333333 tcp-flags=3 pkt-srcaddr=10.20.33.164"},
    {"E22", 'T', "3 eni-33333333333333333" T_IDS "subnet-22222222bbbbbbbbb i-01234567890123456 10.40.2.236 10.20.33.164 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 ACCEPT OK",
     "OK srcport=80 tcp-flags=19"},
    {"E23", 'T', "3 eni-11111111111111111" T_IDS "subnet-11111111aaaaaaaaa - 10.40.1.175 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK",
     "OK instance-id=- srcaddr=10.40.1.175 pkt-srcaddr=10.20.33.164"},
    {"E24", 'T', "3 eni-22222222222222222" T_IDS "subnet-22222222bbbbbbbbb - 10.40.2.236 10.40.2.31 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 ACCEPT OK",
     "OK dstaddr=10.40.2.31 pkt-dstaddr=10.20.33.164"},
    {"E25", 'S', "5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044" S_IDS "ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK",
     "OK version=5 packets=14 bytes=15044 az-id=apse2-az3 sublocation-type=- tcp-flags=19 pkt-src-aws-service=S3 pkt-dst-aws-service=- traffic-path=- flow-direction=ingress"},
    {"E26", 'S', "5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471" S_IDS "ACCEPT 3 10.0.0.71 52.95.128.179 - S3 8 egress OK",
     "OK region=ap-southeast-2 tcp-flags=3 pkt-src-aws-service=- pkt-dst-aws-service=S3 traffic-path=8 flow-direction=egress"},
    {"E27, 1", 'B', "ingress - 10.0.133.8 10.0.128.55 43236 80 1", "none flow-direction=ingress traffic-path=- encryption-status=1"},
    {"E27, 2", 'B', "egress 1 10.0.128.55 10.0.133.8 80 43236 1", "none flow-direction=egress traffic-path=1 encryption-status=1"},
    {"E27, 3", 'B', "ingress - 10.0.133.8 10.0.128.55 36902 80 1", "none srcport=36902"},
    {"E27, 4", 'B', "egress 1 10.0.128.55 10.0.133.8 80 36902 1", "none dstport=36902"},
    {"E28, 1", 'B', "ingress - 10.0.130.104 10.0.128.55 55016 80 0", "none encryption-status=0"},
    {"E28, 2", 'B', "egress 1 10.0.128.55 10.0.130.104 80 55016 0", "none encryption-status=0"},
    {"E28, 3", 'B', "ingress - 10.0.130.104 10.0.128.55 60276 80 0", "none srcaddr=10.0.130.104"},
    {"E28, 4", 'B', "egress 1 10.0.128.55 10.0.130.104 80 60276 0", "none dstaddr=10.0.130.104"},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

static const char *fields_of(char letter)
{
    size_t i = 0;
    while (formats[i].letter != letter) i++;
    return formats[i].fields;
}

/* The row has each of the words of `says`. */
static void check(size_t i, const struct rows *r, const char *how)
{
    char row[2000];
    cr_expect_eq(r->status, FLOWLOG_END, "%s, %s: %s", examples[i].id, how, r->err.message);
    cr_expect_eq(r->counters.malformed, 0, "%s, %s", examples[i].id, how);
    cr_expect_eq(r->counters.irregular, strstr(examples[i].record, "  ") ? 1u : 0u, "%s, %s", examples[i].id, how);
    snprintf(row, sizeof row, " %.*s ", (int)strcspn(r->text, "\n"), r->text);
    for (const char *p = examples[i].says; *p;) {
        char word[200];
        const size_t n = strcspn(p, " ");
        snprintf(word, sizeof word, " %.*s ", (int)n, p);
        cr_expect(strstr(row, word), "%s, %s: no%sin%s", examples[i].id, how, word, row);
        p += n + (p[n] == ' ');
    }
}

Test(examples, with_the_format_given)
{
    for (size_t i = 0; i < EXAMPLES; i++) {
        const char *fields = fields_of(examples[i].format);
        flowlog_reader_options o = FLOWLOG_READER_OPTIONS_INIT;
        flowlog_format *f = NULL;
        cr_assert_eq(flowlog_format_parse(fields, strlen(fields), NULL, &f, NULL), FLOWLOG_OK);
        o.format = f;
        check(i, rows_of(examples[i].record, &o), "given");
        flowlog_format_free(f);
    }
}

Test(examples, with_a_header)
{
    for (size_t i = 0; i < EXAMPLES; i++) {
        char text[2000];
        snprintf(text, sizeof text, "%s\n%s\n", fields_of(examples[i].format), examples[i].record);
        check(i, rows_of(text, NULL), "header");
    }
}

Test(examples, told_by_their_content)
{
    for (size_t i = 0; i < EXAMPLES; i++) check(i, rows_of(examples[i].record, NULL), "content");
}

Test(examples, all_in_one_file_with_their_headers)
{
    static char text[1 << 15];
    size_t n = 0;
    for (size_t i = 0; i < EXAMPLES; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s\n%s\n", fields_of(examples[i].format), examples[i].record);
    const struct rows *r = rows_of(text, NULL);
    cr_expect(r->counters.headers == EXAMPLES && r->counters.malformed == 0 && r->counters.nodata == 1 &&
              r->counters.skipdata == 1);
    cr_expect_eq(r->counters.records, EXAMPLES - 2);
}

/* An export of CloudWatch Logs, without its timestamp: no log-status, nothing of the traffic, still a row. */
Test(examples, a_no_data_record_keeps_what_is_known_of_the_interface)
{
    const struct rows *r = rows_of("instance-id interface-id srcaddr dstaddr az-id bytes end subnet-id\n"
                                   "i-085c7a43a498c2f5d eni-0416a1c81c87ab9c9 - - use1-az2 - 1740486335 subnet-027e9a6d4add894eb\n",
                                   NULL);
    cr_expect_str_eq(r->text, "NODATA instance-id=i-085c7a43a498c2f5d interface-id=eni-0416a1c81c87ab9c9 srcaddr=- dstaddr=- "
                              "az-id=use1-az2 bytes=- end=1740486335 subnet-id=subnet-027e9a6d4add894eb\n");
}

/* A real pair that was seen with times in milliseconds. */
Test(examples, milliseconds_as_seen)
{
    const struct rows *r = rows_of("2 123456789010 eni-102010ab - - - - - - - 1512564058000 1512564059000 - SKIPDATA\n", NULL);
    cr_expect(strstr(r->text, "start=1512564058 end=1512564059 "), "%s", r->text);
    cr_expect_eq(r->counters.ms_times, 2);
}
