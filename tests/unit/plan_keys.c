/* SPDX-License-Identifier: MIT */
/* Keys as text, and the columns that are derived for them. */
#include "support/alloc_count.h"
#include "support/plan_ask.h"

TestSuite(keys, .timeout = 30);

/* The names of the keys that a text gives, or the error under it. */
static const char *names_of(const char *text)
{
    static char all[1024];
    flowlog_plan *p = NULL;
    flowlog_run *run = NULL;
    flowlog_result *r = NULL;
    flowlog_error err = {0};
    all[0] = '\0';
    cr_assert_eq(flowlog_plan_new(NULL, &p), FLOWLOG_OK);
    if (flowlog_plan_key(p, text, &err) < 0) {
        snprintf(all, sizeof all, "%*s %s", (int)err.column, "^",
                 flowlog_status_name((flowlog_status)err.status) + 8);
        cr_expect_eq(err.offset + 1, err.column, "%s", text);
        cr_expect_str_eq(flowlog_plan_fields(p), "", "%s", text);
    } else {
        cr_assert_eq(flowlog_run_begin(p, NULL, &run), FLOWLOG_OK);
        cr_assert_eq(flowlog_run_finish(run, &r, NULL), FLOWLOG_OK);
        for (uint32_t c = 0; c < flowlog_result_keys(r); c++)
            sprintf(all + strlen(all), "%s%s", c ? " " : "", flowlog_result_name(r, c));
    }
    flowlog_result_free(r);
    flowlog_run_free(run);
    flowlog_plan_free(p);
    return all;
}

Test(keys, have_one_name_in_every_spelling)
{
    static const char *const rows[][2] = {
        {"srcAddr", "srcaddr"},
        {" src_addr , DSTPORT ", "srcaddr dstport"},
        {"My-Field", "My-Field"},
        {"srcaddr/24", "srcaddr/24"},
        {"srcaddr / 24", "srcaddr/24"},
        {"srcaddr/24/64", "srcaddr/24"},
        {"srcaddr/24,/64", "srcaddr/24"},
        {"srcaddr/24,/48", "srcaddr/24/48"},
        {"srcaddr/24 , /48, dstaddr/0/0", "srcaddr/24/48 dstaddr/0/0"},
        {"srcaddr/32", "srcaddr/32/64"},
        {"srcaddr/48", "srcaddr/48"},
        {"srcaddr/128", "srcaddr/128"},
        {"srcaddr/32/128", "srcaddr/128"},
        {"bin(start,5m)", "bin(start,5m)"},
        {"BIN( start_time , 300S )", "bin(start,5m)"},
        {"bin(end,60m),bin(end,24h),bin(start,7d),bin(start,90m)",
         "bin(end,1h) bin(end,1d) bin(start,1w) bin(start,90m)"},
        {"pair(srcaddr,dstaddr)", "least(srcaddr,dstaddr) greatest(srcaddr,dstaddr)"},
        {"Pair(src_port , dstPort),protocol", "least(srcport,dstport) greatest(srcport,dstport) protocol"},
        {"service,srcaddr", "service srcaddr"},
        {"hour, Weekday(start) ,MONTH( end_time )", "hour weekday month(end)"},
        {"minute,day,year,hour(end),hour", "minute day year hour(end) hour"},
        {"srcaddr,srcaddr/24,srcaddr/16", "srcaddr srcaddr/24 srcaddr/16"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_str_eq(names_of(rows[i][0]), rows[i][1], "%s: %s", rows[i][0], names_of(rows[i][0]));
}

Test(keys, say_where_they_are_wrong)
{
    static const char *const rows[][2] = {
        {"",
         "^ E_SYNTAX"},
        {"srcaddr,",
         "        ^ E_SYNTAX"},
        {"srcaddr dstaddr",
         "        ^ E_SYNTAX"},
        {"srcaddr,srcAddr",
         "        ^ E_DUPLICATE"},
        {"dstport,srcaddr/24,srcaddr/24,/64",
         "                   ^ E_DUPLICATE"},
        {"dstport/24",
         "^ E_FIELD"},
        {"hour(dstport)",
         "     ^ E_FIELD"},
        {"hour,hour(start)",
         "     ^ E_DUPLICATE"},
        {"srcaddr,hour(end",
         "                ^ E_SYNTAX"},
        {"hour/2",
         "    ^ E_SYNTAX"},
        {"srcaddr/",
         "        ^ E_SYNTAX"},
        {"srcaddr/129",
         "        ^ E_SYNTAX"},
        {"srcaddr/33/64",
         "        ^ E_SYNTAX"},
        {"srcaddr/24/129",
         "           ^ E_SYNTAX"},
        {"srcaddr/24,/x",
         "            ^ E_SYNTAX"},
        {"srcaddr/99999999999999999999999",
         "        ^ E_SYNTAX"},
        {"bin(start)",
         "         ^ E_SYNTAX"},
        {"bin(srcaddr,5m)",
         "    ^ E_FIELD"},
        {"bin(start,5)",
         "           ^ E_SYNTAX"},
        {"bin(start,0m)",
         "          ^ E_SYNTAX"},
        {"bin(start,5y)",
         "           ^ E_SYNTAX"},
        {"bin(start,5m",
         "            ^ E_SYNTAX"},
        {"bin(start,1000000000001s)",
         "          ^ E_SYNTAX"},
        {"bin(start,99999999999w)",
         "          ^ E_SYNTAX"},
        {"pair(srcaddr)",
         "            ^ E_SYNTAX"},
        {"pair(srcaddr,dstport)",
         "             ^ E_FIELD"},
        {"pair(action,action)",
         "            ^ E_FIELD"},
        {"pair(srcaddr,src-addr)",
         "^ E_DUPLICATE"},
        {"least(srcaddr,dstaddr)",
         "^ E_SYNTAX"},
        {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
         "                                ^ E_LIMIT"},
        {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,pair(p,q)",
         "                              ^ E_LIMIT"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_str_eq(names_of(rows[i][0]), rows[i][1], "\n%s\n%s", rows[i][0], names_of(rows[i][0]));
}

Test(keys, a_call_that_fails_in_its_middle_changes_nothing)
{
    flowlog_plan *p = ask_plan("key dstport");
    cr_expect_eq(flowlog_plan_key(p, "srcaddr,pair(pkt-srcaddr,pkt-dstaddr),dst_port", NULL), FLOWLOG_E_DUPLICATE);
    cr_expect_str_eq(flowlog_plan_fields(p), "dstport");
    cr_expect_eq(flowlog_plan_key(p, "srcaddr", NULL), FLOWLOG_OK);
    cr_expect_str_eq(flowlog_plan_fields(p), "dstport,srcaddr");
    flowlog_plan_free(p);
}

Test(keys, prefixes_cut_each_family_by_its_own_length)
{
    ASK("10.0.0.0/24 2\n10.0.1.0/24 1\n2001:db8::/64 2\n2001:db8:0:1::/64 1\n", "key srcaddr/24 | select count",
        "10.0.0.1", "10.0.0.255", "10.0.1.0", "2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::");
    ASK("- 1\n0.0.0.0/0 2\n::/0 2\n", "key srcaddr/0/0 | select count | nulls", "10.0.0.1", "255.255.255.255",
        "::1", "ffff::", "-");
    ASK("10.0.0.1/32 1\n10.0.0.2/32 1\n2001:db8::/47 2\n", "key srcaddr/47 | select count", "10.0.0.1", "10.0.0.2",
        "2001:db8:0:1::1", "2001:db8:1:ffff::1");
    ASK("128.0.0.0/1 1\n8000::/1 1\n", "key srcaddr/1/1 | select count", "255.0.0.1", "ffff::1");
    ASK("10.0.0.1/32 1\n::1/128 1\n", "key srcaddr/32/128 | select count", "10.0.0.1", "::1");
    ASK("", "key srcaddr/24 | select count", NULL, NULL);
    ASK("- 2\n", "key srcaddr/24 | select count | nulls", NULL, NULL);
}

Test(keys, prefixes_come_in_the_order_of_addresses)
{
    ASK("9.0.0.0/8 1\n10.0.0.0/8 1\n100.0.0.0/8 1\n::/64 1\n8000::/64 1\n", "key srcaddr/8 | select count",
        "100.1.1.1", "::1", "9.9.9.9", "8000::1", "10.1.1.1");
}

Test(keys, bins_begin_at_multiples_of_their_width)
{
    ASK("1700000000 2\n1700000300 1\n", "key bin(start,100s) | select count", "1700000000", "1700000099",
        "1700000300");
    ASK("0 1\n604800 2\n1209600 1\n", "key bin(start,1w) | select count", "604799", "604800", "1209599", "1209600");
    ASK("-300 2\n0 2\n300 1\n", "key bin(start,5m) | select count", "-1", "-300", "0", "299", "300");
    ASK("-9223372036854775808 1\n9223372000000000000 1\n", "key bin(start,1000000000000s) | select count",
        "-9223372036854775808", "9223372036854775807");
    ASK("- 1\n60 1\n", "key bin(end,1m) | select count | nulls", "-", "61");
}

Test(keys, a_pair_and_its_reverse_are_one)
{
    ASK("10.0.0.1 10.0.0.2 3\n10.0.0.2 10.0.0.2 1\n", "key pair(srcaddr,dstaddr) | select count",
        "10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.1", "10.0.0.2");
    ASK("10.0.0.1 ::1 2\n::1 ::2 2\n", "key pair(srcaddr,dstaddr) | select count",
        "::1", "10.0.0.1", "10.0.0.1", "::1", "::1", "::2", "::2", "::1");
    ASK("22 40000 2\n", "key pair(srcport,dstport) | select count", "22", "40000", "40000", "22");
    ASK("1 18446744073709551615 2\n", "key pair(bytes,packets) | select count", "1", "18446744073709551615",
        "18446744073709551615", "1");
    ASK("-5 7 2\n", "key pair(start,end) | select count", "-5", "7", "7", "-5");
    ASK("a ab 2\nab b 1\n", "key pair(vpc-id,subnet-id) | select count", "ab", "a", "a", "ab", "b", "ab");
}

Test(keys, null_is_the_smaller_half_of_a_pair)
{
    static const char *const cells[] = {"-", "10.0.0.1", "10.0.0.1", "-", "-", "-", "10.0.0.1", "10.0.0.2"};
    ask_expect("key pair(srcaddr,dstaddr) | select count | nulls", cells, COUNT(cells),
               "- - 1\n- 10.0.0.1 2\n10.0.0.1 10.0.0.2 1\n");
    flowlog_result *r = ask("key pair(srcaddr,dstaddr) | select count", cells, COUNT(cells));
    cr_expect_str_eq(ask_text(r), "10.0.0.1 10.0.0.2 1\n");
    cr_expect_eq(flowlog_result_null_keys(r), 3);
    flowlog_result_free(r);
    ASK("- 10.0.0.1 2\n", "key pair(srcaddr,dstaddr) | select count | nulls", NULL, "10.0.0.1", NULL, "10.0.0.1");
    ASK("- x 2\n", "key pair(vpc-id,subnet-id) | select count | nulls", "x", NULL, "x", NULL);
    ASK("- - 1\n", "key pair(vpc-id,subnet-id) | select count | nulls", NULL, NULL);
}

Test(keys, the_service_is_the_port_that_looks_more_like_a_servers)
{
    ASK("ssh 2\nhttps 2\ntcp/30000 1\n", "key service | select count",
        "22", "40000", "6", "40000", "22", "6",         /* below 1024 */
        "443", "1024", "6", "50000", "443", "6", "30000", "60000", "6");
    ASK("tcp/3001 1\nmysql 1\n", "key service | select count",
        "3306", "3001", "6",                            /* a known port, of two below 32768 */
        "3001", "3002", "6");                           /* the lower one */
    ASK("icmp 2\ntcp/0 1\ngre 1\n253 1\n", "key service | select count", "-", "-", "1", "0", "0", "1", "-", "-", "47",
        "0", "0", "6", "-", "-", "253");
    ASK("ssh 1\ndomain 1\nudp/22 1\ndomain/udp 1\nntp 1\n", "key service | select count", "22", "50000", "6", "22",
        "50000",
        "17", "123", "123", "17", "53", "50000", "17", "53", "50000", "6");
    ASK("- 5\nicmp 1\n", "key service | select count | nulls",
        "-", "22", "6", "22", "-", "17", "22", "50000", "-", "65536", "22", "6", "22", "50000", "256", "-", "-", "1");
    ASK("- 1\n", "key service | select count | nulls", NULL, NULL, NULL);
    ASK("icmp 1\n", "key service | select count", NULL, NULL, "1");
}

Test(keys, derived_keys_stand_beside_others_and_in_any_order)
{
    ASK("0 REJECT 10.0.0.0/8 1 5\n300 ACCEPT 10.0.0.0/8 1 7\n300 ACCEPT 192.0.0.0/8 1 1\n",
        "key bin(start,5m),action,srcaddr/8 | select count, sum(bytes)",
        "300", "ACCEPT", "10.0.0.1", "7", "299", "REJECT", "10.9.0.1", "5", "599", "ACCEPT", "192.0.0.1", "1");
    ASK("10.0.0.1 10.0.0.0/8 1\n10.0.0.2 10.0.0.0/8 1\n", "key srcaddr, srcaddr/8 | select count", "10.0.0.1",
        "10.0.0.2");
}

Test(keys, sorting_and_limits_find_them_in_any_spelling)
{
    static const char *const cells[] = {"10.0.0.1", "0", "10.0.1.1", "0", "10.0.0.2", "4000", "10.0.1.9", "4000",
                                        "10.0.0.3", "4000"};
    ask_expect("key srcaddr/24,bin(start,1h) | select count | sort bin(startTime,60m) desc | sort src_addr/24/64 desc", cells,
               COUNT(cells), "10.0.1.0/24 3600 1\n10.0.0.0/24 3600 2\n10.0.1.0/24 0 1\n10.0.0.0/24 0 1\n");
    ask_expect("key srcaddr/24,bin(start,1h) | select count | sort count desc | per 1 bin(start,3600s)", cells,
               COUNT(cells), "10.0.0.0/24 3600 2\n10.0.0.0/24 0 1\n");
    ask_expect("key srcaddr/24,bin(start,1h) | select count | sort count desc | per 1 bin(start,3600s) | limit 1",
               cells,
               COUNT(cells), "10.0.0.0/24 3600 2\n");
    ask_expect("key srcaddr/24,bin(start,1h) | select count | sort count desc | per 1 bin(start,1h), srcaddr/24",
               cells,
               COUNT(cells), "10.0.0.0/24 3600 2\n10.0.0.0/24 0 1\n10.0.1.0/24 0 1\n10.0.1.0/24 3600 1\n");
    flowlog_plan *p = ask_plan("key pair(srcaddr,dstaddr),dstport | select count");
    flowlog_error err = {0};
    cr_expect_eq(flowlog_plan_limit_per(p, "pair(srcaddr,dstaddr)", 1, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_limit_per(p, "least(srcaddr,dstaddr), dst_port", 1, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_sort(p, "greatest(srcaddr,dstaddr)", 1, NULL), FLOWLOG_OK);
    cr_expect_eq(flowlog_plan_sort(p, "pair(srcaddr,dstaddr)", 1, &err), FLOWLOG_E_FIELD, "they are two");
    cr_expect_eq(flowlog_plan_limit_per(p, "dstport, srcaddr", 1, &err), FLOWLOG_E_FIELD);
    cr_expect_eq(err.column, 10);
    cr_expect_eq(flowlog_plan_limit_per(p, "dstport,dst-port", 1, &err), FLOWLOG_E_DUPLICATE);
    cr_expect_eq(err.column, 9);
    cr_expect_eq(flowlog_plan_limit_per(p, "dstport dstport", 1, &err), FLOWLOG_E_SYNTAX);
    cr_expect_eq(flowlog_plan_limit_per(p, "", 1, &err), FLOWLOG_E_SYNTAX);
    flowlog_plan_free(p);
}

Test(keys, memory_that_runs_out_ends_in_a_status)
{
    static const char *const cells[] = {"10.0.0.1", "::1", "22", "443", "6", "300", "::1", "10.0.0.1", "1", "2",
                                        "17", "0"};
    for (size_t fail_at = 1;; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        flowlog_plan *p = NULL;
        flowlog_run *run = NULL;
        flowlog_status st = flowlog_plan_new(&a, &p);
        if (st >= 0) st = flowlog_plan_key(p, "pair(srcaddr,dstaddr),service,bin(start,5m),hour,srcaddr/24", NULL);
        if (st >= 0) st = flowlog_run_begin(p, &a, &run);
        struct test_batch *b = test_batch_new("srcaddr,dstaddr,srcport,dstport,protocol,start", cells, 2);
        if (st >= 0) st = flowlog_run_add(run, &b->batch, NULL);
        test_batch_free(b);
        flowlog_run_free(run);
        flowlog_plan_free(p);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail_at);
        if (st >= 0) break;
        cr_assert_eq(st, FLOWLOG_E_MEMORY);
    }
}
