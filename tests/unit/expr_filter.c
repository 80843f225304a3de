/* SPDX-License-Identifier: MIT */
/* expr_filter.c - conditions from text: canonical forms, errors with their places, limits, memory, copies. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/filter.h"
#include "support/alloc_count.h"

TestSuite(expr_filter, .timeout = 60);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define NOW INT64_C(1700000000)

static flowlog_status parse(const char *text, size_t len, flowlog_filter **filter, flowlog_error *err)
{
    flowlog_filter_options o = FLOWLOG_FILTER_OPTIONS_INIT;
    flowlog_format *format = NULL;
    cr_assert_eq(flowlog_format_parse("version brand-new srcaddr", 25, NULL, &format, NULL), FLOWLOG_OK);
    o.format = format;
    o.now = NOW;
    const flowlog_status status = flowlog_filter_parse(text, len, &o, filter, err);
    flowlog_format_free(format);
    return status;
}

static char *print(const flowlog_filter *filter)
{
    const size_t n = flowlog_filter_print(filter, NULL, 0);
    char *text = malloc(n + 1);
    cr_assert_eq(flowlog_filter_print(filter, text, n + 1), n);
    cr_assert_eq(strlen(text), n);
    return text;
}

static void expect_form(const char *text, const char *form, const char *fields)
{
    flowlog_filter *filter = NULL, *again = NULL;
    flowlog_error err = {0};
    cr_assert_eq(parse(text, strlen(text), &filter, &err), FLOWLOG_OK, "%s: %s", text, err.message);
    char *got = print(filter);
    cr_expect_str_eq(got, form, "%s:\n  %s instead of\n  %s", text, got, form);
    if (fields) cr_expect_str_eq(flowlog_filter_fields(filter), fields, "%s: %s", text, flowlog_filter_fields(filter));
    /* the text for partials reads back to the same, without any options */
    const size_t n = flowlog__filter_text(filter, NULL, 0);
    char *written = malloc(n + 1);
    flowlog__filter_text(filter, written, n + 1);
    cr_assert_eq(flowlog__filter_load(written, n, NULL, &again, &err), FLOWLOG_OK, "%s: %s", written, err.message);
    char *second = print(again);
    cr_expect_str_eq(second, got, "%s: %s", text, written);
    free(second);
    free(written);
    free(got);
    flowlog_filter_free(filter);
    flowlog_filter_free(again);
}

Test(expr_filter, words_mean_what_the_header_says)
{
    static const char *const rows[][3] = {
        {"", "", ""},
        {" \t\r\n # only a comment", "", ""},
        {"reject and dst port in [22 3389] and src net 10.0.0.0/8",
         "(and (eq action \"REJECT\") (in dstport 22 3389) (in-cidr srcaddr 10.0.0.0/8))", "action,dstport,srcaddr"},
        {"reject and tcp dst port 22", "(and (eq action \"REJECT\") (eq protocol 6) (eq dstport 22))", "action,protocol,dstport"},
        {"REJECT Tcp DST Port 22 # as typed", "(and (eq action \"REJECT\") (eq protocol 6) (eq dstport 22))", NULL},
        {"host 10.0.0.1", "(or (eq srcaddr (ip 10.0.0.1)) (eq dstaddr (ip 10.0.0.1)))", "srcaddr,dstaddr"},
        {"10.0.0.1", "(or (eq srcaddr (ip 10.0.0.1)) (eq dstaddr (ip 10.0.0.1)))", NULL},
        {"10.0.0.1/8", "(or (in-cidr srcaddr 10.0.0.0/8) (in-cidr dstaddr 10.0.0.0/8))", NULL},
        {"src or dst host 10.1.2.3", "(or (eq srcaddr (ip 10.1.2.3)) (eq dstaddr (ip 10.1.2.3)))", NULL},
        {"src and dst net 10.0.0.0/8", "(and (in-cidr srcaddr 10.0.0.0/8) (in-cidr dstaddr 10.0.0.0/8))", NULL},
        {"src host 10.1.2.3 or dst host 1.2.3.4", "(or (eq srcaddr (ip 10.1.2.3)) (eq dstaddr (ip 1.2.3.4)))", NULL},
        {"src 10.1.2.3", "(eq srcaddr (ip 10.1.2.3))", NULL},
        {"not port 22", "(not (or (eq srcport 22) (eq dstport 22)))", "srcport,dstport"},
        {"not tcp port 22", "(not (and (eq protocol 6) (or (eq srcport 22) (eq dstport 22))))", NULL},
        {"tcp or udp port 53", "(or (eq protocol 6) (and (eq protocol 17) (or (eq srcport 53) (eq dstport 53))))", NULL},
        {"port != 22", "(and (ne srcport 22) (ne dstport 22))", NULL},
        {"host ne 10.0.0.1", "(and (ne srcaddr (ip 10.0.0.1)) (ne dstaddr (ip 10.0.0.1)))", NULL},
        {"port in [22,80]", "(or (in srcport 22 80) (in dstport 22 80))", NULL},
        {"dst port [80 22 80]", "(in dstport 22 80)", NULL},
        {"dst port in (22, 80)", "(in dstport 22 80)", NULL},
        {"dst port in 22, 80", "(in dstport 22 80)", NULL},
        {"dst port ssh", "(eq dstport 22)", NULL},
        {"dst port > 1023", "(gt dstport 1023)", NULL},
        {"dst portrange 6000-6008", "(and (ge dstport 6000) (le dstport 6008))", NULL},
        {"dst port in [6000-6100 1]", "(in dstport 1 6000-6100)", NULL},
        {"src ip in [10.0.0.0/8, 192.0.2.1]", "(in srcaddr 10.0.0.0/8 (ip 192.0.2.1))", NULL},
        {"pkt src host 1.2.3.4", "(eq pkt_srcaddr (ip 1.2.3.4))", "pkt-srcaddr"},
        {"pkt 1.2.3.4", "(or (eq pkt_srcaddr (ip 1.2.3.4)) (eq pkt_dstaddr (ip 1.2.3.4)))", NULL},
        {"net 2001:db8::1/32", "(or (in-cidr srcaddr 2001:db8::/32) (in-cidr dstaddr 2001:db8::/32))", NULL},
        {"udp", "(eq protocol 17)", NULL},
        {"icmpv6 or icmp6", "(eq protocol 58)", NULL},
        {"proto 6", "(eq protocol 6)", NULL},
        {"proto in [tcp udp 47]", "(in protocol 6 17 47)", NULL},
        {"accept ok ingress", "(and (eq action \"ACCEPT\") (eq log_status \"OK\") (eq flow_direction \"ingress\"))", NULL},
        {"nodata or skipdata", "(or (eq log_status \"NODATA\") (eq log_status \"SKIPDATA\"))", "log-status"},
        {"egress ipv6", "(and (eq flow_direction \"egress\") (in-cidr srcaddr ::/0))", NULL},
        {"ipv4", "(in-cidr srcaddr 0.0.0.0/0)", NULL},
        {"flags S", "(eq (bit-and tcp_flags 2) 2)", "tcp-flags"},
        {"flags sa", "(eq (bit-and tcp_flags 18) 18)", NULL},
        {"bytes > 1K", "(gt bytes 1000)", NULL},
        {"bytes gt 5Ki and packets le 3M", "(and (gt bytes 5120) (le packets 3000000))", NULL},
        {"duration < 5m", "(lt (sub end start) 300)", "start,end"},
        {"bpp >= 100", "(ge (fdiv bytes packets) 100)", "bytes,packets"},
        {"bps == 1G", "(eq (fdiv (mul bytes 8) (sub end start)) 1000000000)", "bytes,start,end"},
        {"eni eni-0a1b", "(eq interface_id \"eni-0a1b\")", "interface-id"},
        {"vpc vpc-1 subnet s-1 instance i-1 account 012",
         "(and (eq vpc_id \"vpc-1\") (eq subnet_id \"s-1\") (eq instance_id \"i-1\") (eq account_id \"012\"))", NULL},
        {"service ssh", "(and (eq protocol 6) (or (eq srcport 22) (eq dstport 22)))", NULL},
        {"dst service domain", "(and (in protocol 6 17) (eq dstport 53))", NULL},
        {"service s3", "(or (eq pkt_src_aws_service \"S3\") (eq pkt_dst_aws_service \"S3\"))", NULL},
        {"subnet-id = subnet-0a1b", "(eq subnet_id \"subnet-0a1b\")", NULL},
        {"tcpFlags = 2", "(eq tcp_flags 2)", NULL},
        {"protocol = tcp", "(eq protocol 6)", NULL},
        {"protocol = \"6\"", "(eq protocol 6)", NULL},
        {"`end` > 1000", "(gt end 1000)", NULL},
        {"Brand_New = x", "(eq brand-new \"x\")", "brand-new"},
        {"brand-new ~ 'a \"b\" \\'", "(contains-str brand-new \"a \\\"b\\\" \\\\\")", NULL},
        {"`other` ^= it", "(starts other \"it\")", "other"},
        {"eni 'it''s'", "(eq interface_id \"it's\")", NULL},
        {"interface-id $= 9a", "(ends interface_id \"9a\")", NULL},
        {"srcaddr ^= 10.1.", "(in-cidr srcaddr 10.1.0.0/16)", NULL},
        {"not dstaddr ~ 10.0.", "(not (contains-str dstaddr \"10.0.\"))", NULL},
        {"instance-id is null", "(is-null instance_id)", "instance-id"},
        {"instance-id = -", "(is-null instance_id)", NULL},
        {"instance-id <> '-'", "(not (is-null instance_id))", NULL},
        {"instance-id is not null", "(not (is-null instance_id))", NULL},
        {"action = accept", "(eq action \"ACCEPT\")", NULL},
        {"action != Drop", "(ne action \"Drop\")", NULL},
        {"action in [reject accept]", "(in action \"ACCEPT\" \"REJECT\")", NULL},
        {"last 2h", "(ge start 1699992800)", "start"},
        {"end < now", "(lt end 1700000000)", NULL},
        {"from 2024-01-01 to 2024-01-02T10:00:00+02:00", "(and (ge start 1704067200) (lt start 1704182400))", NULL},
        {"from -1d to 1700000000", "(and (ge start 1699913600) (lt start 1700000000))", NULL},
        {"true and reject", "(eq action \"REJECT\")", NULL},
        {"hour >= 18", "(ge (extract hour @ts) 18)", "start"},
        {"hour in [8-17]", "(and (ge (extract hour @ts) 8) (le (extract hour @ts) 17))", NULL},
        {"Hour(end) in [0-7 18-23]", "(in (extract hour (from-unix end)) 0 1 2 3 4 5 6 7 18 19 20 21 22 23)", "end"},
        {"hour( \"start\" ) 12", "(eq (extract hour @ts) 12)", "start"},
        {"hour != 3-4", "(or (lt (extract hour @ts) 3) (gt (extract hour @ts) 4))", NULL},
        {"weekday in [sat SUN]", "(in (extract day_of_week @ts) 6 7)", "start"},
        {"weekday sunday or weekday = 1", "(or (eq (extract day_of_week @ts) 7) (eq (extract day_of_week @ts) 1))", NULL},
        {"not (weekday in [mon-fri] and hour in [8-17])",
         "(not (and (le (extract day_of_week @ts) 5) (ge (extract hour @ts) 8) (le (extract hour @ts) 17)))", "start"},
        {"minute 0 day lt 8 month in [1-3, 12] year = 2026",
         "(and (eq (extract minute @ts) 0) (lt (extract day @ts) 8) (in (extract month @ts) 1 2 3 12) (eq (extract year @ts) 2026))", "start"},
        {"year in [2020-2025 2030]", "(in (extract year @ts) 2020 2021 2022 2023 2024 2025 2030)", NULL},
        {"`hour` = x", "(eq hour \"x\")", "hour"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) expect_form(rows[i][0], rows[i][1], rows[i][2]);
}

Test(expr_filter, equal_conditions_fold_to_equal_forms)
{
    static const char *const rows[][2] = {
        {"((reject) and (tcp and (udp)))", "(and (eq action \"REJECT\") (eq protocol 6) (eq protocol 17))"},
        {"reject and reject", "(eq action \"REJECT\")"},
        {"tcp or (tcp or udp) or udp", "(or (eq protocol 6) (eq protocol 17))"},
        {"not not tcp", "(eq protocol 6)"},
        {"bytes >= 0", "(not (is-null bytes))"},
        {"bytes < 0", "false"},
        {"weekday >= 1", "(not (is-null start))"},
        {"weekday < 1 or hour > 23", "false"},
        {"hour <= 99 and weekday > 0", "(not (is-null start))"},
        {"weekday in [mon-sun]", "(not (is-null start))"},
        {"hour in [0-23]", "(not (is-null start))"},
        {"bytes in [0-5]", "(le bytes 5)"},
        {"dst port in [1024-65535]", "(ge dstport 1024)"},
        {"dst port > 65535", "false"},
        {"dst port < 70000", "(not (is-null dstport))"},
        {"dst port <= 65535", "(not (is-null dstport))"},
        {"version = 4294967296", "false"},
        {"version != 4294967296", "(not (is-null version))"},
        {"bytes > 18446744073709551615", "false"},
        {"bytes < 0 and reject", "false"},
        {"bytes < 0 or reject", "(eq action \"REJECT\")"},
        {"not bytes < 0", ""},
        {"dst port in [22]", "(eq dstport 22)"},
        {"dst port in [0-65535]", "(not (is-null dstport))"},
        {"dst port in [1-3 2-5 9]", "(in dstport 1 2 3 4 5 9)"},
        {"srcaddr in [10.0.0.0/9 10.128.0.0/9 10.0.0.7]", "(in-cidr srcaddr 10.0.0.0/8)"},
        {"srcaddr in [10.0.0.1 10.0.0.2]", "(in srcaddr (ip 10.0.0.1) (ip 10.0.0.2))"},
        {"srcaddr in [10.0.0.1-10.0.1.0]", "(in srcaddr 10.0.0.1-10.0.1.0)"},
        {"srcaddr in [0.0.0.0/0 ::/0]", "(not (is-null srcaddr))"},
        {"srcaddr in [::1/128 10.0.0.1/32]", "(in srcaddr (ip 10.0.0.1) (ip ::1))"},
        {"srcaddr != 10.0.0.0/8", "(and (not (is-null srcaddr)) (not (in-cidr srcaddr 10.0.0.0/8)))"},
        {"srcaddr < 10.0.0.5", "(le srcaddr (ip 10.0.0.4))"},
        {"srcaddr > 255.255.255.255", "(ge srcaddr (ip ::))"},
        {"srcaddr < 0.0.0.0", "false"},
        {"srcaddr <= ::1", "(le srcaddr (ip ::1))"},
        {"srcaddr >= 0.0.0.0", "(not (is-null srcaddr))"},
        {"srcaddr > ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "false"},
        {"interface-id in [b a b]", "(in interface_id \"a\" \"b\")"},
        {"interface-id ~ ''", "(not (is-null interface_id))"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) expect_form(rows[i][0], rows[i][1], NULL);
}

Test(expr_filter, errors_name_the_word_and_its_place)
{
    static const struct {
        const char *text, *caret;
        flowlog_status status;
        const char *message;
    } rows[] = {
        {"rejct", "^", FLOWLOG_E_SYNTAX, "unknown word 'rejct'; did you mean 'reject'?"},
        {"tcp and srcadr = 1", "        ^", FLOWLOG_E_FIELD, "unknown field 'srcadr'; did you mean 'srcaddr'?"},
        {"nosuchfield is null", "^", FLOWLOG_E_FIELD, "unknown field 'nosuchfield'"},
        {"(reject", "^", FLOWLOG_E_SYNTAX, "this parenthesis is not closed"},
        {"reject)", "      ^", FLOWLOG_E_SYNTAX, "this ')' was never opened"},
        {"(reject]", "       ^", FLOWLOG_E_SYNTAX, "expected ')' before ']'"},
        {"and reject", "^", FLOWLOG_E_SYNTAX, "expected a condition before 'and'"},
        {"reject and", "          ^", FLOWLOG_E_SYNTAX, "expected a condition before the end"},
        {"reject or or tcp", "          ^", FLOWLOG_E_SYNTAX, "expected a condition before 'or'"},
        {"not", "   ^", FLOWLOG_E_SYNTAX, "expected a condition before the end"},
        {"dst port", "        ^", FLOWLOG_E_SYNTAX, "expected a port before the end"},
        {"dst port 70000", "         ^", FLOWLOG_E_SYNTAX, "'70000': ports are 0 to 65535"},
        {"port sshh", "     ^", FLOWLOG_E_SYNTAX, "'sshh' is not a port; did you mean 'ssh'?"},
        {"port 9-1", "     ^", FLOWLOG_E_SYNTAX, "'9-1' is a range that ends before it begins"},
        {"port > 1-2", "       ^", FLOWLOG_E_SYNTAX, "more and less are of one value, not of a range"},
        {"proto 256", "      ^", FLOWLOG_E_SYNTAX, "'256': protocols are 0 to 255"},
        {"port in [22", "        ^", FLOWLOG_E_SYNTAX, "this list has no end"},
        {"port in []", "         ^", FLOWLOG_E_SYNTAX, "an empty list"},
        {"port > [22]", "       ^", FLOWLOG_E_SYNTAX, "a list is compared with 'in' only"},
        {"host 10.0.0.256", "     ^", FLOWLOG_E_SYNTAX, "'10.0.0.256' is not an address or network"},
        {"net 10.0.0.0/33", "    ^", FLOWLOG_E_SYNTAX, "'10.0.0.0/33' is not an address or network"},
        {"src nothing", "    ^", FLOWLOG_E_SYNTAX, "expected host, net, port or an address before 'nothing'"},
        {"pkt src port 3", "        ^", FLOWLOG_E_SYNTAX, "ports have no packet-level fields"},
        {"bytes", "     ^", FLOWLOG_E_SYNTAX, "expected a comparison after 'bytes'"},
        {"bytes > 1.5", "        ^", FLOWLOG_E_SYNTAX, "'1.5' is not a number"},
        {"bytes > 99999999999999999999", "        ^", FLOWLOG_E_SYNTAX, "'99999999999999999999' is not a number"},
        {"bytes > 18446744073709551615K", "        ^", FLOWLOG_E_SYNTAX, "'18446744073709551615K' is not a number"},
        {"bytes > 5 > 3", "          ^", FLOWLOG_E_SYNTAX, "expected a condition before '>'"},
        {"bpp in [1 2]", "    ^", FLOWLOG_E_SYNTAX, NULL},
        {"flags SX", "      ^", FLOWLOG_E_SYNTAX, "'SX': flags are letters of FSRPAU"},
        {"eni and reject", "    ^", FLOWLOG_E_SYNTAX, "expected text before 'and'"},
        {"eni 'a", "    ^", FLOWLOG_E_SYNTAX, "this ' has no end"},
        {"tcp & udp", "    ^", FLOWLOG_E_SYNTAX, "a single '&': write &&"},
        {"start > yesterday", "        ^", FLOWLOG_E_SYNTAX, NULL},
        {"start > 2024-02-30", "        ^", FLOWLOG_E_SYNTAX, NULL},
        {"from 2024-01-01", "               ^", FLOWLOG_E_SYNTAX, "expected 'to' before the end"},
        {"last month", "     ^", FLOWLOG_E_SYNTAX, "expected a time such as 2h or 7d before 'month'"},
        {"service nosuch", "        ^", FLOWLOG_E_SYNTAX, NULL},
        {"tcp \x01", "    ^", FLOWLOG_E_SYNTAX, "a control character"},
        {"hour 24", "     ^", FLOWLOG_E_SYNTAX, "'hour' is 0 to 23"},
        {"weekday in [mon 0]", "           ^", FLOWLOG_E_SYNTAX, "'weekday' is 1 to 7"},
        {"weekday = fry", "          ^", FLOWLOG_E_SYNTAX, "'fry' is not a day of the week"},
        {"weekday in [fri-mon]", "            ^", FLOWLOG_E_SYNTAX, "'fri-mon' is a range that ends before it begins"},
        {"hour > 3-4", "       ^", FLOWLOG_E_SYNTAX, "more and less are of one value, not of a range"},
        {"hour ~ 3", "     ^", FLOWLOG_E_SYNTAX, "text is searched in fields only"},
        {"hour(bytes) = 3", "     ^", FLOWLOG_E_FIELD, "hour is of a time: hour(start) or hour(end)"},
        {"hour(end = 3", "         ^", FLOWLOG_E_SYNTAX, "expected ')' before '='"},
        {"eni is nil", "       ^", FLOWLOG_E_SYNTAX, "expected null after is"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        flowlog_filter *filter = NULL;
        flowlog_error err = {0};
        const flowlog_status status = parse(rows[i].text, strlen(rows[i].text), &filter, &err);
        cr_expect_eq(status, rows[i].status, "%s: %s", rows[i].text, flowlog_status_name(status));
        cr_expect_eq(err.status, status, "%s", rows[i].text);
        cr_expect_null(filter);
        cr_expect_eq(err.column, strlen(rows[i].caret), "%s: column %u", rows[i].text, (unsigned)err.column);
        cr_expect_eq(err.offset + 1, err.column, "%s", rows[i].text);
        if (rows[i].message) cr_expect_str_eq(err.message, rows[i].message, "%s: %s", rows[i].text, err.message);
    }
}

Test(expr_filter, times_that_need_now_are_errors_without_it)
{
    static const char *const texts[] = {"last 2h", "start > -2h", "start > now"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        flowlog_filter *filter = NULL;
        flowlog_error err = {0};
        const flowlog_status status = flowlog_filter_parse(texts[i], strlen(texts[i]), NULL, &filter, &err);
        cr_expect_eq(status, FLOWLOG_E_SYNTAX, "%s", texts[i]);
        cr_expect_not_null(strstr(err.message, "time of day"), "%s", err.message);
    }
}

static void expect_status(char *text, size_t len, flowlog_status wanted)
{
    flowlog_filter *filter = NULL;
    flowlog_error err = {0};
    const flowlog_status status = flowlog_filter_parse(text, len, NULL, &filter, &err);
    cr_expect_eq(status, wanted, "%s: %s", flowlog_status_name(status), err.message);
    flowlog_filter_free(filter);
    free(text);
}

static char *repeat(const char *begin, const char *piece, size_t times, const char *end, size_t *len)
{
    char *text = malloc(strlen(begin) + strlen(piece) * times + strlen(end) + 1);
    *len = 0;
    *len += (size_t)sprintf(text + *len, "%s", begin);
    for (size_t i = 0; i < times; i++) {
        memcpy(text + *len, piece, strlen(piece));
        *len += strlen(piece);
    }
    *len += (size_t)sprintf(text + *len, "%s", end);
    return text;
}

Test(expr_filter, limits_are_statuses)
{
    size_t len;
    char *text = repeat("", " ", FLOWLOG_FILTER_TEXT_MAX, "", &len);
    expect_status(text, len, FLOWLOG_OK);
    text = repeat("", " ", FLOWLOG_FILTER_TEXT_MAX + 1, "", &len);
    expect_status(text, len, FLOWLOG_E_LIMIT);
    text = repeat("", "(", FLOWLOG_FILTER_DEPTH_MAX + 1, "tcp", &len);
    expect_status(text, len, FLOWLOG_E_LIMIT);
    text = repeat("", "(", FLOWLOG_FILTER_DEPTH_MAX, "tcp", &len);
    expect_status(text, len, FLOWLOG_E_SYNTAX);
    text = repeat("", "not ", FLOWLOG_FILTER_DEPTH_MAX, "tcp", &len);
    expect_status(text, len, FLOWLOG_OK);
    text = repeat("", "!", FLOWLOG_FILTER_DEPTH_MAX + 1, "tcp", &len);
    expect_status(text, len, FLOWLOG_E_LIMIT);
    text = repeat("dst port in [", "1 ", 32000, "]", &len);
    expect_status(text, len, FLOWLOG_OK);
    text = repeat("", "ok ", 21000, "", &len);
    expect_status(text, len, FLOWLOG_OK);
}

Test(expr_filter, arguments_are_checked)
{
    flowlog_filter *filter = NULL;
    flowlog_filter_options o = FLOWLOG_FILTER_OPTIONS_INIT;
    cr_expect_eq(flowlog_filter_parse(NULL, 0, NULL, &filter, NULL), FLOWLOG_OK);
    flowlog_filter_free(filter);
    cr_expect_eq(flowlog_filter_parse(NULL, 1, NULL, &filter, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_filter_parse("tcp", 3, NULL, NULL, NULL), FLOWLOG_E_ARGUMENT);
    o.struct_size = 0;
    cr_expect_eq(flowlog_filter_parse("tcp", 3, &o, &filter, NULL), FLOWLOG_E_ARGUMENT);
    o.struct_size = sizeof o;
    o.flags = 1;
    cr_expect_eq(flowlog_filter_parse("tcp", 3, &o, &filter, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_filter_and(NULL, NULL, NULL, NULL, NULL), FLOWLOG_E_ARGUMENT);
    cr_expect_eq(flowlog_filter_print(NULL, NULL, 0), 0);
    cr_expect_str_eq(flowlog_filter_fields(NULL), "");
    flowlog_filter_free(NULL);
}

static const char everything[] =
    "reject and dst port in [22 3389 5000-6000] and (host in [10.0.0.1 10.0.0.9 ::1 2001:db8::/32] or eni in [a b c]) "
    "and not (bpp > 5 or flags SA or `new` ~ x) and service s3 and start > 5";

Test(expr_filter, memory_that_runs_out_anywhere_is_a_status)
{
    struct test_alloc t;
    flowlog_filter_options o = FLOWLOG_FILTER_OPTIONS_INIT;
    for (size_t fail = 1;; fail++) {
        flowlog_alloc a = test_alloc_init(&t, fail);
        flowlog_filter *filter = NULL, *copy = NULL, *both = NULL;
        o.alloc = &a;
        flowlog_error err = {0};
        flowlog_status status = flowlog_filter_parse(everything, strlen(everything), &o, &filter, &err);
        if (status == FLOWLOG_OK) status = flowlog__filter_copy(filter, &a, &copy);
        if (status == FLOWLOG_OK) status = flowlog_filter_and(filter, copy, &a, &both, &err);
        flowlog_filter_free(filter);
        flowlog_filter_free(copy);
        flowlog_filter_free(both);
        cr_assert(status == FLOWLOG_OK || status == FLOWLOG_E_MEMORY, "%zu: %s", fail, err.message);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail);
        if (status == FLOWLOG_OK) {
            cr_assert_gt(fail, 10);
            break;
        }
    }
}

Test(expr_filter, and_joins_and_copies_are_equal)
{
    flowlog_filter *a = NULL, *b = NULL, *both = NULL, *copy = NULL;
    cr_assert_eq(parse("reject and tcp", 14, &a, NULL), FLOWLOG_OK);
    cr_assert_eq(parse("udp or tcp", 10, &b, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog_filter_and(a, b, NULL, &both, NULL), FLOWLOG_OK);
    cr_assert_eq(flowlog__filter_copy(both, NULL, &copy), FLOWLOG_OK);
    flowlog_filter_free(both);
    char *text = print(copy);
    cr_expect_str_eq(text, "(and (eq action \"REJECT\") (eq protocol 6) (or (eq protocol 17) (eq protocol 6)))");
    cr_expect_str_eq(flowlog_filter_fields(copy), "action,protocol");
    cr_expect_eq(flowlog__filter_field_count(copy), 2);
    cr_expect_eq(flowlog__filter_field_id(copy, 1), FLOWLOG_FIELD_PROTOCOL);
    cr_expect_str_eq(flowlog__filter_field_name(copy, 0), "action");
    cr_expect_eq(flowlog__filter_names_status(copy), 0);
    free(text);
    flowlog_filter_free(copy);
    cr_assert_eq(flowlog_filter_and(NULL, a, NULL, &both, NULL), FLOWLOG_OK);
    text = print(both);
    cr_expect_str_eq(text, "(and (eq action \"REJECT\") (eq protocol 6))");
    free(text);
    flowlog_filter_free(both);
    cr_assert_eq(flowlog_filter_and(NULL, NULL, NULL, &both, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_filter_print(both, NULL, 0), 0);
    flowlog_filter_free(both);
    flowlog_filter_free(a);
    flowlog_filter_free(b);
    cr_assert_eq(parse("nodata", 6, &a, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog__filter_names_status(a), 1);
    flowlog_filter_free(a);
}

Test(expr_filter, print_writes_what_fits)
{
    flowlog_filter *filter = NULL;
    char text[8] = "xxxxxxx";
    cr_assert_eq(parse("tcp", 3, &filter, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_filter_print(filter, text, 5), 15);
    cr_expect_str_eq(text, "(eq ");
    cr_expect_eq(text[5], 'x');
    cr_expect_eq(flowlog_filter_print(filter, text, 1), 15);
    cr_expect_str_eq(text, "");
    flowlog_filter_free(filter);
}
