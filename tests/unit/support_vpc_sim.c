/* SPDX-License-Identifier: MIT */
/*
 * The simulated VPC itself, before it judges anything: small VPCs whose records are known (AWS's own examples,
 * spec/input.md section 6), and what must hold of every random one.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/vpc_judge.h"
#include "support/vpc_sim.h"

TestSuite(vpc_sim, .timeout = 60);

#define T0 INT64_C(1418530010) /* seconds; that of AWS's SSH example */
static const int64_t t0 = T0 * 1000;

/* One subnet 172.31.16.0/20 with an interface of a group, and a host outside. */
struct small {
    struct vpc_world *w;
    int acl, subnet, group, iface, host, outside;
};

static struct small make_small(void)
{
    struct small s = {.w = vpc_new(1)};
    s.acl = vpc_add_acl(s.w);
    s.subnet = vpc_add_subnet(s.w, "172.31.16.0/20", NULL, s.acl);
    s.group = vpc_add_group(s.w);
    s.iface = vpc_add_iface(s.w, VPC_INSTANCE, s.subnet, "172.31.16.139,172.31.16.200", &s.host);
    strcpy(s.w->iface[s.iface].id, "eni-1235b8ca123456789");
    vpc_join(s.w, s.iface, s.group);
    s.outside = vpc_add_outside(s.w, "203.0.113.12");
    return s;
}

static void open_acl(struct vpc_world *w, int acl)
{
    vpc_entry(w, acl, 100, 0, 1, VPC_ANY, "0.0.0.0/0", 0, 65535);
    vpc_entry(w, acl, 100, 1, 1, VPC_ANY, "0.0.0.0/0", 0, 65535);
}

static struct vpc_talk from_outside(const struct small *s, int proto, int client_port, int port)
{
    return (struct vpc_talk){.client = s->outside,
                             .server = s->host,
                             .nat = -1,
                             .client_port = (uint16_t)client_port,
                             .server_port = (uint16_t)port,
                             .proto = (uint8_t)proto,
                             .rtt = 20,
                             .at = t0};
}

static const struct vpc_log_options plain = {.format = VPC_V2, .interval_s = 600};

static void expect_log(const struct vpc_world *w, const struct vpc_log_options *o, const char *expected)
{
    struct vpc_log log;
    vpc_log_write(w, o, &log);
    cr_expect_str_eq(log.text.p, expected, "got\n%sexpected\n%s", log.text.p, expected);
    vpc_log_free(&log);
}

/* How often `what` is in the log of all packets as version 5. */
static int count_in_log(const struct vpc_world *w, const char *what)
{
    struct vpc_log log;
    int n = 0;
    vpc_log_write(w, &(struct vpc_log_options){.format = VPC_V5, .interval_s = 60}, &log);
    for (const char *p = log.text.p; (p = strstr(p, what)); p++) n++;
    vpc_log_free(&log);
    return n;
}

/* --- AWS's examples ---------------------------------------------------------------------------------------- */

#define PING_IN \
    "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1418530010 1418530013 "
#define PING_OUT \
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 1418530010 1418530013 "

static struct small make_ping(int group_allows, int acl_in, int acl_out)
{
    struct small s = make_small();
    if (group_allows) vpc_rule(s.w, s.group, 0, VPC_ICMP, "0.0.0.0/0", 0, 0);
    if (acl_in) vpc_entry(s.w, s.acl, 100, 0, 1, VPC_ICMP, "0.0.0.0/0", 0, 0);
    if (acl_out) vpc_entry(s.w, s.acl, 100, 1, 1, VPC_ICMP, "0.0.0.0/0", 0, 0);
    const struct vpc_talk talk = from_outside(&s, VPC_ICMP, 0, 0);
    vpc_run_datagrams(s.w, vpc_talk(s.w, &talk), 4, 1000, 0, 84);
    return s;
}

Test(vpc_sim, a_ping_whose_answer_the_network_acl_denies_is_an_accept_and_a_reject)
{
    struct small s = make_ping(1, 1, 0);
    expect_log(s.w, &plain, PING_IN "ACCEPT OK\n" PING_OUT "REJECT OK\n");
    const struct vpc_view *v = &s.w->view[0];
    cr_expect_eq(s.w->views, 1);
    cr_expect_eq(v->request_in, 1);
    cr_expect_eq(v->side[VPC_PR].packets, 4);
    cr_expect_eq(v->side[VPC_PR].causes, 1 << VPC_BY_ACL);
    cr_expect_eq(v->side[VPC_PR].rule_min, 32767);
    cr_expect_eq(v->side[VPC_PR].strays, 0);
    cr_expect_eq(s.w->talk[0].replies_sent, 4);
    cr_expect_eq(s.w->talk[0].replies_got, 0);
    vpc_free(s.w);
}

Test(vpc_sim, a_ping_through_an_open_network_acl_is_two_accepts)
{
    struct small s = make_ping(1, 1, 1);
    expect_log(s.w, &plain, PING_OUT "ACCEPT OK\n" PING_IN "ACCEPT OK\n");
    cr_expect_eq(s.w->talk[0].established, 1);
    vpc_free(s.w);
}

Test(vpc_sim, a_ping_that_the_security_group_denies_is_a_single_reject)
{
    struct small s = make_ping(0, 1, 1);
    expect_log(s.w, &plain, PING_IN "REJECT OK\n");
    cr_expect_eq(s.w->view[0].side[VPC_RR].causes, 1 << VPC_BY_GROUP);
    vpc_free(s.w);
    s = make_ping(1, 0, 1);
    expect_log(s.w, &plain, PING_IN "REJECT OK\n");
    cr_expect_eq(s.w->view[0].side[VPC_RR].causes, 1 << VPC_BY_ACL);
    vpc_free(s.w);
    s = make_ping(0, 0, 1);
    expect_log(s.w, &plain, PING_IN "REJECT OK\n");
    cr_expect_eq(s.w->view[0].side[VPC_RR].causes, 1 << VPC_BY_BOTH);
    vpc_free(s.w);
}

Test(vpc_sim, ssh_is_accepted_and_rdp_is_rejected)
{
    struct small s = make_small();
    open_acl(s.w, s.acl);
    vpc_rule(s.w, s.group, 0, VPC_TCP, "0.0.0.0/0", 22, 22);
    vpc_serve(s.w, s.host, VPC_TCP, 22, VPC_LISTENS);
    const struct vpc_tcp script = {.tries = 3, .rounds = 1, .request = 100, .answer = 200};
    struct vpc_talk talk = from_outside(&s, VPC_TCP, 20641, 22);
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk), &script);
    talk = from_outside(&s, VPC_TCP, 49761, 3389);
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk), &script);
    /* In: SYN, ACK, request, ACK of the answer, FIN, last ACK.  Out: SYN-ACK, answer, FIN. */
    expect_log(
        s.w, &plain,
        "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 22 20641 6 3 364 1418530010 1418530010 ACCEPT OK\n"
        "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 20641 22 6 6 420 1418530010 1418530010 ACCEPT OK\n"
        "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 49761 3389 6 3 180 1418530010 1418530013 REJECT OK\n");
    vpc_free(s.w);
}

/* The tcp-flags of each record of a connection, in order of time, answers first. */
static void expect_flags(const struct vpc_world *w, const char *expected)
{
    struct vpc_log log;
    char got[200] = "";
    vpc_log_write(w, &(struct vpc_log_options){.format = VPC_V3, .interval_s = 60}, &log);
    for (const char *p = log.text.p; (p = strstr(p, " OK ")); p++) {
        unsigned flags;
        cr_assert_eq(sscanf(p, " OK %u ", &flags), 1);
        sprintf(got + strlen(got), "%u ", flags);
    }
    cr_expect_str_eq(got, expected, "%s", log.text.p);
    vpc_log_free(&log);
}

Test(vpc_sim, tcp_flags_are_those_of_awss_sequences)
{
    struct small s = make_small();
    open_acl(s.w, s.acl);
    vpc_rule(s.w, s.group, 0, VPC_TCP, "0.0.0.0/0", 5001, 5001);
    vpc_serve(s.w, s.host, VPC_TCP, 5001, VPC_LISTENS);
    struct vpc_talk talk = from_outside(&s, VPC_TCP, 43638, 5001);
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk),
                &(struct vpc_tcp){.tries = 1, .rounds = 1, .request = 9, .answer = 9});
    expect_flags(s.w, "19 3 "); /* short: all in one interval */
    vpc_free(s.w);

    s = make_small();
    open_acl(s.w, s.acl);
    vpc_rule(s.w, s.group, 0, VPC_TCP, "0.0.0.0/0", 5001, 5001);
    vpc_serve(s.w, s.host, VPC_TCP, 5001, VPC_LISTENS);
    talk = from_outside(&s, VPC_TCP, 43416, 5001);
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk),
                &(struct vpc_tcp){.tries = 1, .rounds = 2, .request = 9, .answer = 9, .think = 70000});
    expect_flags(s.w, "18 2 0 0 1 1 "); /* begin, middle, end in intervals of their own */
    vpc_free(s.w);

    s = make_small();
    open_acl(s.w, s.acl);
    vpc_rule(s.w, s.group, 0, VPC_TCP, "0.0.0.0/0", 5001, 5001);
    talk = from_outside(&s, VPC_TCP, 43416, 5001);
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk), &(struct vpc_tcp){.tries = 3}); /* nobody listens */
    expect_flags(s.w, "4 2 ");
    vpc_free(s.w);
}

Test(vpc_sim, a_nat_gateway_has_the_legs_that_aws_shows)
{
    struct vpc_world *w = vpc_new(2);
    int host;
    const int private_ = vpc_add_subnet(w, "10.0.1.0/24", NULL, 0),
              public_ = vpc_add_subnet(w, "10.0.0.0/24", NULL, 0);
    const int group = vpc_add_group(w), iface = vpc_add_iface(w, VPC_INSTANCE, private_, "10.0.1.5", &host);
    vpc_join(w, iface, group);
    vpc_rule(w, group, 1, VPC_ANY, "0.0.0.0/0", 0, 0);
    const int nat = vpc_add_iface(w, VPC_NAT, public_, "10.0.0.220", NULL),
              outside = vpc_add_outside(w, "203.0.113.5");
    vpc_serve(w, outside, VPC_TCP, 443, VPC_LISTENS);
    const struct vpc_talk talk = {.client = host,
                                  .server = outside,
                                  .nat = nat,
                                  .client_port = 40000,
                                  .server_port = 443,
                                  .nat_port = 1100,
                                  .proto = VPC_TCP,
                                  .rtt = 20,
                                  .at = t0};
    vpc_run_tcp(w, vpc_talk(w, &talk), &(struct vpc_tcp){.tries = 1, .rounds = 1, .request = 9, .answer = 9});
    cr_expect_eq(w->talk[0].established, 1);
    strcpy(w->iface[iface].id, "eni-a");
    strcpy(w->iface[nat].id, "eni-n");
    strcpy(w->iface[iface].instance, "i-0");
    static const char *const legs[] = {
        " eni-a 10.0.1.5 203.0.113.5 40000 443 ", " 10.0.1.5 203.0.113.5 egress\n",  /* instance */
        " eni-n 10.0.1.5 10.0.0.220 40000 443 ", " 10.0.1.5 203.0.113.5 ingress\n",  /* E16 */
        " eni-n 10.0.0.220 203.0.113.5 1100 443 ", " 10.0.0.220 203.0.113.5 egress\n", /* E17 */
        " eni-n 203.0.113.5 10.0.0.220 443 1100 ", " 203.0.113.5 10.0.0.220 ingress\n", /* E18 */
        " eni-n 10.0.0.220 10.0.1.5 443 40000 ", " 203.0.113.5 10.0.1.5 egress\n",     /* E19 */
        " eni-a 203.0.113.5 10.0.1.5 443 40000 ", " 203.0.113.5 10.0.1.5 ingress\n",
    };
    for (size_t i = 0; i < sizeof legs / sizeof *legs; i++)
        cr_expect_eq(count_in_log(w, legs[i]), 1, "%s", legs[i]);
    cr_expect_eq(count_in_log(w, "\n"), 6);
    vpc_free(w);
}

Test(vpc_sim, intervals_without_records_are_written_as_aws_shows)
{
    struct small s = make_ping(1, 1, 1);
    struct vpc_talk talk = from_outside(&s, VPC_ICMP, 0, 0);
    talk.at += 120000;
    vpc_run_datagrams(s.w, vpc_talk(s.w, &talk), 4, 1000, 0, 84);
    s.w->iface[s.iface].phase = 50000; /* of T0, which is 50 s after a full minute */
    struct vpc_log log;
    vpc_log_write(s.w, &(struct vpc_log_options){.format = VPC_V2, .interval_s = 60, .nodata = 1}, &log);
    cr_expect_eq(log.nodata, 1);
    cr_expect(
        strstr(log.text.p,
               "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1418530070 1418530129 - NODATA\n"),
        "%s", log.text.p);
    vpc_log_free(&log);
    vpc_log_write(
        s.w, &(struct vpc_log_options){.format = VPC_V2, .interval_s = 60, .lose = 1000, .marked = 1},
        &log);
    cr_expect_str_eq(
        log.text.p,
        "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1418530010 1418530069 - SKIPDATA\n"
        "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1418530130 1418530189 - SKIPDATA\n");
    cr_expect_eq(log.lost, 2);
    vpc_log_free(&log);
    vpc_free(s.w);
}

/* --- rules ------------------------------------------------------------------------------------------------- */

Test(vpc_sim, within_a_subnet_no_network_acl_is_asked)
{
    struct small s = make_small(); /* its network ACL denies all */
    int other;
    const int iface = vpc_add_iface(s.w, VPC_INSTANCE, s.subnet, "172.31.16.21", &other);
    vpc_join(s.w, iface, s.group);
    vpc_rule(s.w, s.group, 0, VPC_TCP, NULL, 22, 22)->group = s.group; /* of its own members */
    vpc_rule(s.w, s.group, 1, VPC_ANY, "172.31.16.0/20", 0, 0);
    vpc_serve(s.w, s.host, VPC_TCP, 22, VPC_LISTENS);
    struct vpc_talk talk = from_outside(&s, VPC_TCP, 40000, 22);
    talk.client = other;
    const struct vpc_tcp script = {.tries = 1};
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk), &script);
    cr_expect_eq(s.w->talk[0].established, 1);
    talk.client = s.outside; /* and it is no member */
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk), &script);
    cr_expect_eq(s.w->talk[1].requests_got, 0);
    cr_expect_eq(s.w->view[2].side[VPC_RR].causes, 1 << VPC_BY_BOTH);
    vpc_free(s.w);
}

Test(vpc_sim, network_acl_entries_are_taken_by_number)
{
    struct vpc_world *w = vpc_new(3);
    const int acl = vpc_add_acl(w);
    vpc_entry(w, acl, 200, 0, 1, VPC_TCP, "0.0.0.0/0", 80, 80);
    vpc_entry(w, acl, 100, 0, 0, VPC_TCP, "10.0.0.0/8", 0, 65535);
    vpc_entry(w, acl, 50, 0, 1, VPC_TCP, "10.0.0.1/32", 80, 443);
    vpc_entry(w, acl, 60, 1, 1, VPC_ANY, "::/0", 0, 0);
    vpc_entry(w, acl, 300, 0, 1, VPC_ICMP, "0.0.0.0/0", 0, 0)->icmp_type = 8;
    vpc_entry(w, acl, 40, 0, 0, VPC_UDP, "0.0.0.0/0", 53, 53)->since = 1000;
    static const struct {
        const char *src;
        int proto, port, type;
        int64_t at;
        int allowed, number;
    } rows[] = {
        {"10.0.0.1", VPC_TCP, 80, 0, 0, 1, 50},      {"10.0.0.1", VPC_TCP, 443, 0, 0, 1, 50},
        {"10.0.0.1", VPC_TCP, 444, 0, 0, 0, 100},    {"10.0.0.2", VPC_TCP, 80, 0, 0, 0, 100},
        {"9.9.9.9", VPC_TCP, 80, 0, 0, 1, 200},      {"9.9.9.9", VPC_TCP, 81, 0, 0, 0, 32767},
        {"9.9.9.9", VPC_UDP, 80, 0, 0, 0, 32767},    {"9.9.9.9", VPC_UDP, 53, 0, 1000, 0, 40},
        {"9.9.9.9", VPC_UDP, 53, 0, 999, 0, 32767},  {"9.9.9.9", VPC_ICMP, 0, 8, 0, 1, 300},
        {"9.9.9.9", VPC_ICMP, 0, 0, 0, 0, 32767},    {"2001:db8::1", VPC_TCP, 80, 0, 0, 0, 32768},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct vpc_packet p = {.src = vpc_ip(rows[i].src),
                                     .dst = vpc_ip("10.1.1.1"),
                                     .dport = (uint16_t)rows[i].port,
                                     .proto = (uint8_t)rows[i].proto,
                                     .icmp_type = (uint8_t)rows[i].type};
        uint16_t number = 0;
        cr_expect_eq(vpc_acl_allows(&w->acl[acl], 0, &p, rows[i].at, &number), rows[i].allowed, "row %zu", i);
        cr_expect_eq(number, rows[i].number, "row %zu: %u", i, number);
    }
    vpc_free(w);
}

Test(vpc_sim, security_groups_are_stateful_and_network_acls_are_not)
{
    static const int narrow[] = {1024, 32768, 49152};
    for (int i = 0; i < 3; i++) {
        struct small s = make_small();
        vpc_rule(s.w, s.group, 0, VPC_TCP, "203.0.113.12/32", 443, 443); /* no rule for what goes out */
        vpc_entry(s.w, s.acl, 100, 0, 1, VPC_TCP, "0.0.0.0/0", 443, 443);
        vpc_entry(s.w, s.acl, 110, 1, 1, VPC_TCP, "0.0.0.0/0", narrow[i], 65535);
        vpc_serve(s.w, s.host, VPC_TCP, 443, VPC_LISTENS);
        const struct vpc_talk talk = from_outside(&s, VPC_TCP, 40000, 443);
        vpc_run_tcp(s.w, vpc_talk(s.w, &talk),
                    &(struct vpc_tcp){.tries = 2, .rounds = 1, .request = 9, .answer = 9});
        cr_expect_eq(s.w->talk[0].established, i < 2);
        const struct vpc_side *refused = &s.w->view[0].side[VPC_PR];
        cr_expect_eq(refused->packets, i < 2 ? 0 : 4); /* two to each SYN, two that the server sends again */
        cr_expect_eq(refused->causes, i < 2 ? 0 : 1 << VPC_BY_ACL);
        vpc_free(s.w);
    }
}

Test(vpc_sim, records_show_the_primary_address_and_packets_their_own)
{
    struct small s = make_small();
    open_acl(s.w, s.acl);
    struct vpc_talk talk = from_outside(&s, VPC_TCP, 40000, 443);
    talk.server_at = 1;
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk), &(struct vpc_tcp){.tries = 1});
    cr_expect_eq(count_in_log(s.w, " 203.0.113.12 172.31.16.139 40000 443 6 1 60 "), 1);
    cr_expect_eq(count_in_log(s.w, " 203.0.113.12 172.31.16.200 ingress\n"), 1);
    vpc_free(s.w);
}

/* --- connection tracking ----------------------------------------------------------------------------------- */

/* A connection of a minute a round; a rule goes after two and a half.  What was refused of it. */
static void run_change(int untracked, int by_acl, uint64_t *in, uint64_t *out, uint8_t *strays)
{
    struct small s = make_small();
    open_acl(s.w, s.acl);
    vpc_rule(s.w, s.group, 0, VPC_TCP, untracked ? "0.0.0.0/0" : "203.0.113.0/24", 443, 443);
    if (untracked) vpc_rule(s.w, s.group, 1, VPC_ANY, "0.0.0.0/0", 0, 0);
    if (by_acl) vpc_entry(s.w, s.acl, 50, 1, 0, VPC_TCP, "0.0.0.0/0", 1024, 65535)->since = t0 + 150000;
    else s.w->group[s.group].rule[0].until = t0 + 150000;
    vpc_serve(s.w, s.host, VPC_TCP, 443, VPC_LISTENS);
    const struct vpc_talk talk = from_outside(&s, VPC_TCP, 40000, 443);
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk),
                &(struct vpc_tcp){.tries = 1, .rounds = 4, .request = 9, .answer = 9, .think = 60000});
    *in = s.w->view[0].side[VPC_RR].packets;
    *out = s.w->view[0].side[VPC_PR].packets;
    *strays = s.w->view[0].side[VPC_PR].strays;
    vpc_free(s.w);
}

Test(vpc_sim, a_tracked_connection_outlives_its_rule_an_untracked_one_is_cut)
{
    uint64_t in, out;
    uint8_t strays;
    run_change(0, 0, &in, &out, &strays);
    cr_expect(in == 0 && out == 0);
    run_change(1, 0, &in, &out, &strays);
    cr_expect(in > 0 && out == 0);
    run_change(0, 1, &in, &out, &strays); /* a network ACL cuts both kinds */
    cr_expect(in == 0 && out > 0 && strays == 0);
    run_change(1, 1, &in, &out, &strays);
    cr_expect(in == 0 && out > 0);
}

/* What a server says `pause` after a connection; 1: refused as a stray. */
static int late_server(int timeout_s, int how, int64_t pause)
{
    struct small s = make_small();
    open_acl(s.w, s.acl);
    vpc_rule(s.w, s.group, 0, VPC_TCP, "203.0.113.0/24", 443, 443);
    vpc_serve(s.w, s.host, VPC_TCP, 443, VPC_LISTENS);
    s.w->iface[s.iface].tcp_timeout_s = timeout_s;
    s.w->linger = 2000;
    const struct vpc_talk talk = from_outside(&s, VPC_TCP, 40000, 443);
    vpc_run_tcp(s.w, vpc_talk(s.w, &talk),
                &(struct vpc_tcp){.tries = 1,
                                  .rounds = 1,
                                  .request = 9,
                                  .answer = 9,
                                  .close = how,
                                  .pause = pause,
                                  .late = VPC_SERVER_SPEAKS});
    const struct vpc_side *refused = &s.w->view[0].side[VPC_PR];
    if (refused->packets) cr_expect(refused->causes == 1 << VPC_BY_GROUP && refused->strays);
    const int stray = refused->packets > 0;
    vpc_free(s.w);
    return stray;
}

Test(vpc_sim, packets_after_the_close_or_the_idle_timeout_are_strays)
{
    cr_expect_eq(late_server(350, VPC_CLOSE_CLIENT, 1000), 0);
    cr_expect_eq(late_server(350, VPC_CLOSE_CLIENT, 9000), 1);
    cr_expect_eq(late_server(350, VPC_RESET_CLIENT, 500), 1);
    cr_expect_eq(late_server(350, VPC_LEFT_OPEN, 349000), 0);
    cr_expect_eq(late_server(350, VPC_LEFT_OPEN, 351000), 1);
    cr_expect_eq(late_server(432000, VPC_LEFT_OPEN, 431999000), 0);
    cr_expect_eq(late_server(432000, VPC_LEFT_OPEN, 432001000), 1);
}

Test(vpc_sim, a_udp_answer_is_tracked_for_30_seconds_and_a_stream_for_180)
{
    static const struct {
        int count; /* exchanges, 10 s apart; then the server says one thing more */
        int64_t pause;
        int refused;
    } rows[] = {{0, 29000, 0}, {0, 31000, 1}, {1, 29000, 0}, {1, 31000, 1}, {2, 179000, 0}, {2, 181000, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct small s = make_small();
        open_acl(s.w, s.acl);
        vpc_rule(s.w, s.group, 0, VPC_UDP, "203.0.113.0/24", 53, 53);
        vpc_serve(s.w, s.host, VPC_UDP, 53, rows[i].count ? VPC_LISTENS : VPC_SILENT);
        const struct vpc_talk udp = from_outside(&s, VPC_UDP, 40000, 53);
        const int talk = vpc_talk(s.w, &udp);
        const int64_t end = vpc_run_datagrams(s.w, talk, rows[i].count ? rows[i].count : 1, 10000, 0, 80);
        vpc_send(s.w, talk, 1, 0, 1, 80, end + rows[i].pause);
        cr_expect_eq(s.w->view[0].side[VPC_PR].packets, (uint64_t)rows[i].refused, "row %zu", i);
        cr_expect_eq(s.w->view[0].side[VPC_PR].strays, rows[i].refused, "row %zu", i);
        vpc_free(s.w);
    }
}

Test(vpc_sim, what_the_network_acl_keeps_out_begins_no_entry)
{
    struct small s = make_small(); /* its network ACL denies all */
    vpc_rule(s.w, s.group, 0, VPC_UDP, "203.0.113.0/24", 53, 53);
    const struct vpc_talk udp = from_outside(&s, VPC_UDP, 40000, 53);
    const int talk = vpc_talk(s.w, &udp);
    cr_expect_eq(vpc_send(s.w, talk, 0, 0, 1, 80, t0), 0);
    vpc_entry(s.w, s.acl, 100, 1, 1, VPC_UDP, "0.0.0.0/0", 1024, 65535);
    cr_expect_eq(vpc_send(s.w, talk, 1, 0, 1, 80, t0 + 100), 0);
    const struct vpc_view *v = &s.w->view[0];
    cr_expect_eq(v->side[VPC_RR].causes, 1 << VPC_BY_ACL);
    cr_expect_eq(v->side[VPC_PR].causes, 1 << VPC_BY_GROUP);
    cr_expect(!v->tracked && !v->side[VPC_PR].strays);
    vpc_free(s.w);
}

/* --- hosts and routes -------------------------------------------------------------------------------------- */

Test(vpc_sim, a_silent_host_and_a_losing_route_leave_only_syns)
{
    for (int i = 0; i < 3; i++) {
        struct small s = make_small();
        open_acl(s.w, s.acl);
        vpc_rule(s.w, s.group, 0, VPC_TCP, "0.0.0.0/0", 443, 443);
        vpc_serve(s.w, s.host, VPC_TCP, 443, i ? VPC_LISTENS : VPC_SILENT);
        struct vpc_talk talk = from_outside(&s, VPC_TCP, 40000, 443);
        if (i == 1) talk.lose_request = 8;
        if (i == 2) talk.lose_reply = 8;
        vpc_run_tcp(s.w, vpc_talk(s.w, &talk), &(struct vpc_tcp){.tries = 4});
        const struct vpc_talk *t = &s.w->talk[0];
        cr_expect_eq(t->requests_sent, 4);
        cr_expect_eq(t->requests_got, i == 1 ? 0 : 4);
        cr_expect_eq(t->lost_request, i == 1);
        cr_expect_eq(t->lost_reply, i == 2);
        cr_expect_eq(t->replies_got, 0);
        cr_expect_eq(s.w->views, i == 1 ? 0 : 1);
        if (i != 1)
            cr_expect_eq(s.w->view[0].side[VPC_RA].last - s.w->view[0].side[VPC_RA].first,
                         7000); /* 1, 2, 4 s */
        vpc_free(s.w);
    }
}

/* --- every random VPC -------------------------------------------------------------------------------------- */

static struct vpc_log_options some_options(uint64_t seed)
{
    return (struct vpc_log_options){.format = (int)(seed % 3),
                                    .interval_s = seed / 3 % 2 ? 60 : 600,
                                    .times = (int)(seed / 2 % 3),
                                    .order = (int)(seed / 5 % 3),
                                    .nodata = (int)(seed % 2),
                                    .seed = seed};
}

Test(vpc_sim, the_same_seed_gives_the_same_world)
{
    for (uint64_t seed = 1; seed < 4; seed++) {
        struct vpc_world *a = vpc_make(seed), *b = vpc_make(seed);
        const struct vpc_log_options o = some_options(seed);
        struct vpc_log x, y;
        struct vpc_text j = {0}, k = {0};
        vpc_log_write(a, &o, &x);
        vpc_log_write(b, &o, &y);
        cr_expect_str_eq(x.text.p, y.text.p);
        for (int what = 0; what < VPC_JSONS; what++) {
            vpc_json(a, what, VPC_ALWAYS - 1, &j);
            vpc_json(b, what, VPC_ALWAYS - 1, &k);
        }
        cr_expect_str_eq(j.p, k.p);
        vpc_text_free(&j);
        vpc_text_free(&k);
        vpc_log_free(&x);
        vpc_log_free(&y);
        vpc_free(a);
        vpc_free(b);
    }
}

Test(vpc_sim, each_packet_is_in_exactly_one_record)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct vpc_world *w = vpc_make(seed);
        const struct vpc_log_options o = some_options(seed);
        struct vpc_log log;
        uint64_t seen = 0, bytes = 0, sides = 0, records = 0, packets = 0;
        for (size_t i = 0; i < w->seens; i++) {
            seen += w->seen[i].packets;
            bytes += w->seen[i].bytes;
        }
        for (size_t i = 0; i < w->views; i++)
            for (int k = 0; k < 4; k++) sides += w->view[i].side[k].packets;
        vpc_log_write(w, &o, &log);
        for (const char *p = log.text.p; *p; p = strchr(p, '\n') + 1) {
            char skip[64];
            unsigned long long n;
            const char *q =
                strchr(p, ' ') + 1; /* after the version; an account unless the format is the third */
            if (o.format != VPC_V3) q = strchr(q, ' ') + 1;
            if (sscanf(q, "%63s %63s %63s %*u %*u %*u %llu", skip, skip, skip, &n) != 4) continue;
            records++;
            packets += n;
        }
        cr_expect_eq(records, log.records, "seed %llu", (unsigned long long)seed);
        cr_expect_eq(packets, seen, "seed %llu", (unsigned long long)seed);
        cr_expect_eq(log.packets, seen);
        cr_expect_eq(log.bytes, bytes);
        cr_expect_eq(sides, seen);
        vpc_log_free(&log);
        vpc_free(w);
    }
}

static int compare_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Lines in ascending order; the text is cut up. */
static size_t cut_lines(char *text, char **lines, size_t max)
{
    size_t n = 0;
    for (char *p = strtok(text, "\n"); p && n < max; p = strtok(NULL, "\n")) lines[n++] = p;
    qsort(lines, n, sizeof *lines, compare_text);
    return n;
}

Test(vpc_sim, lost_intervals_and_order_only_remove_and_move_lines)
{
    enum { MAX = 60000 };
    static char *all[MAX], *some[MAX];
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct vpc_world *w = vpc_make(seed);
        struct vpc_log_options o = some_options(seed);
        struct vpc_log whole, lossy;
        o.nodata = 0;
        vpc_log_write(w, &o, &whole);
        o.order = (o.order + 1) % 3;
        o.lose = 100;
        vpc_log_write(w, &o, &lossy);
        cr_expect_lt(lossy.records, whole.records);
        cr_expect_gt(lossy.records, whole.records / 2);
        cr_expect_gt(lossy.lost, 0);
        cr_expect_eq(lossy.skipdata, 0);
        const size_t n = cut_lines(whole.text.p, all, MAX), k = cut_lines(lossy.text.p, some, MAX);
        cr_assert(n < MAX && n == whole.records && k == lossy.records);
        for (size_t i = 0, at = 0; i < k; i++, at++) {
            while (at < n && strcmp(all[at], some[i]) < 0) at++;
            cr_assert(at < n && !strcmp(all[at], some[i]), "%s", some[i]);
        }
        vpc_log_free(&whole);
        vpc_log_free(&lossy);
        vpc_free(w);
    }
}

Test(vpc_sim, what_is_accepted_obeys_every_rule_asked_again)
{
    for (uint64_t seed = 40; seed < 60; seed++) {
        struct vpc_world *w = vpc_make(seed);
        for (size_t i = 0; i < w->seens; i++) {
            const struct vpc_seen *s = &w->seen[i];
            const struct vpc_view *v = &w->view[s->view];
            const struct vpc_talk *t = &w->talk[v->talk];
            struct vpc_packet p = {.src = s->reply ? v->server.addr : v->client.addr,
                                   .dst = s->reply ? v->client.addr : v->server.addr,
                                   .sport = s->reply ? v->server.port : v->client.port,
                                   .dport = s->reply ? v->client.port : v->server.port, .proto = t->proto};
            if (p.proto == VPC_ICMP) p.icmp_type = s->reply ? 0 : 8;
            if (p.proto == VPC_ICMP6) p.icmp_type = s->reply ? 129 : 128;
            const int in = v->request_in != s->reply;
            uint16_t number;
            int untracked;
            const int by_acl = v->same_subnet ||
                vpc_acl_allows(&w->acl[w->subnet[w->iface[v->iface].subnet].acl], !in, &p, s->at, &number);
            const int by_groups = w->iface[v->iface].kind == VPC_NAT ||
                                  vpc_groups_allow(w, v->iface, !in, &p, s->at, &untracked);
            if (by_acl && by_groups) cr_expect_eq(s->refused, 0, "seed %d, packet %zu", (int)seed, i);
            if (!by_acl) cr_expect_eq(s->refused, 1, "seed %d, packet %zu", (int)seed, i);
            /* A rule must have let a conversation begin. */
            if (!s->refused && !by_groups) cr_expect(v->side[VPC_RA].packets + v->side[VPC_PA].packets > 1);
        }
        vpc_free(w);
    }
}

Test(vpc_sim, random_worlds_have_every_kind_of_trouble)
{
    unsigned codes[16] = {0}, strays = 0, causes[4] = {0}, silent = 0, refusing = 0, routes = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct vpc_world *w = vpc_make(seed);
        for (size_t i = 0; i < w->views; i++) {
            const struct vpc_side *s = w->view[i].side;
            codes[(s[0].packets > 0) * 8 + (s[1].packets > 0) * 4 + (s[2].packets > 0) * 2 +
                  (s[3].packets > 0)]++;
            strays += s[VPC_PR].strays;
            for (int cause = 1; cause < 4; cause++)
                causes[cause] += (s[VPC_RR].causes | s[VPC_PR].causes) >> cause & 1;
        }
        for (size_t i = 0; i < w->talks; i++) {
            const struct vpc_talk *t = &w->talk[i];
            silent += t->requests_got && t->host_state == VPC_SILENT;
            refusing += t->requests_got && t->host_state == VPC_REFUSES && t->proto == VPC_TCP;
            routes += t->lost_request || t->lost_reply;
        }
        vpc_free(w);
    }
    static const int wanted[] = {4, 8, 9, 10, 11, 12, 14};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        cr_expect(codes[wanted[i]], "code %d", wanted[i]);
    cr_expect(codes[0] == 0);
    for (int cause = 1; cause < 4; cause++) cr_expect(causes[cause] > 100, "cause %d", cause);
    cr_expect(strays > 50 && silent > 500 && refusing > 500 && routes > 100);
}

/* --- the judge --------------------------------------------------------------------------------------------- */

/* What a perfect diagnosis would say of a refused view; 0: nothing for certain. */
static int perfect(const struct vpc_world *w, const struct vpc_view *v, const struct vpc_case *c,
                   struct vpc_claim *x)
{
    static const char *const layers[] = {"", "SG", "NACL", "SG_AND_NACL"};
    const int reply = c->kind == VPC_CASE_REPLY, in = v->request_in != reply;
    int cause = 0;
    for (int k = 1; k < 4; k++)
        if (c->causes == 1 << k) cause = k;
    if (c->kind > VPC_CASE_REPLY || !cause) return 0;
    const struct vpc_side *s = &v->side[reply ? VPC_PR : VPC_RR];
    *x = (struct vpc_claim){.iface = v->iface,
                            .proto = w->talk[v->talk].proto,
                            .client = v->client,
                            .server = v->server,
                            .confidence = "high",
                            .first = s->first / 1000,
                            .last = s->last / 1000};
    x->verdict = reply ? (in ? "BLOCKED_REPLY_INBOUND" : "BLOCKED_REPLY_OUTBOUND")
                 : in  ? "BLOCKED_INBOUND"
                       : "BLOCKED_OUTBOUND";
    x->layer = reply ? "NACL" : layers[cause];
    x->phase = reply ? "reply" : "request";
    x->direction = in ? "in" : "out";
    x->rule = c->rule;
    return 1;
}

Test(vpc_sim, the_judge_lets_the_truth_pass_and_nothing_else)
{
    char why[512];
    unsigned judged = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct vpc_world *w = vpc_make(seed);
        const struct vpc_log_options o = {.format = VPC_V5, .interval_s = 60};
        struct vpc_case *cases;
        const size_t n = vpc_cases(w, &o, &cases);
        for (size_t i = 0; i < n; i++) {
            const struct vpc_view *v = &w->view[cases[i].view];
            const struct vpc_claim *best;
            struct vpc_claim x, y;
            if (!perfect(w, v, &cases[i], &x)) continue;
            judged++;
            cr_expect_eq(vpc_false(w, &o, &x, why, sizeof why), 0, "%s", why);
            cr_expect(vpc_found(w, &o, &cases[i], &x, 1, &best) && best == &x);

            y = x; /* the other direction */
            y.direction = *x.direction == 'i' ? "out" : "in";
            y.verdict = !strcmp(x.verdict, "BLOCKED_INBOUND")         ? "BLOCKED_OUTBOUND"
                        : !strcmp(x.verdict, "BLOCKED_OUTBOUND")      ? "BLOCKED_INBOUND"
                        : !strcmp(x.verdict, "BLOCKED_REPLY_INBOUND") ? "BLOCKED_REPLY_OUTBOUND"
                                                                      : "BLOCKED_REPLY_INBOUND";
            cr_expect_eq(vpc_false(w, &o, &y, why, sizeof why), 1);
            cr_expect_eq(vpc_found(w, &o, &cases[i], &y, 1, &best), 0);

            y = x; /* another layer */
            y.layer = strcmp(x.layer, "SG") ? "SG" : "NACL";
            cr_expect_eq(vpc_false(w, &o, &y, why, sizeof why), 1);
            y = x; /* another entry */
            y.rule = 31000;
            if (strcmp(x.layer, "SG")) cr_expect_eq(vpc_false(w, &o, &y, why, sizeof why), 1);
            y = x; /* the roles exchanged; of a ping to and fro both are right */
            y.client = x.server;
            y.server = x.client;
            if (x.client.port != x.server.port)
                cr_expect_eq(vpc_false(w, &o, &y, why, sizeof why), 1, "%s", why);
            y = x; /* another time */
            y.first += 2000000;
            y.last = y.first;
            cr_expect_eq(vpc_false(w, &o, &y, why, sizeof why), 1);
            static const char *const others[] = {"OK", "REFUSED", "NO_REPLY", "UNSOLICITED_NAT", "STRAY"};
            for (int k = 0; k < 5; k++) {
                y = x;
                y.verdict = others[k];
                cr_expect_eq(vpc_false(w, &o, &y, why, sizeof why), 1, "%s: %s", others[k], why);
            }
        }
        free(cases);
        vpc_free(w);
    }
    cr_expect_gt(judged, 1000);
}

Test(vpc_sim, the_judge_knows_silence_refusal_and_noise)
{
    static const char *const verdicts[] = {"OK", "REFUSED", "NO_REPLY", "UNSOLICITED_NAT"};
    unsigned held[4] = {0}, others = 0, condemned = 0;
    char why[512];
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct vpc_world *w = vpc_make(seed);
        const struct vpc_log_options o = {.format = VPC_V5, .interval_s = 60};
        for (size_t i = 0; i < w->views; i++) {
            const struct vpc_view *v = &w->view[i];
            const struct vpc_talk *t = &w->talk[v->talk];
            if (t->proto != VPC_TCP || t->kind == VPC_BACKSCATTER || v->side[VPC_RR].packets ||
                v->side[VPC_PR].packets)
                continue;
            const int want = t->kind == VPC_NOISE                                           ? 3
                             : !v->side[VPC_PA].packets                                     ? 2
                             : t->host_state == VPC_REFUSES                                 ? 1
                                                                                            : 0;
            struct vpc_claim x = {.iface = v->iface,
                                  .proto = VPC_TCP,
                                  .client = v->client,
                                  .server = v->server,
                                  .first = t->at / 1000,
                                  .last = t->at / 1000,
                                  .phase = "request",
                                  .confidence = "high"};
            x.direction = v->request_in ? "in" : "out";
            for (int k = 0; k < 4; k++) {
                x.verdict = verdicts[k];
                x.layer = k == 2 && v->request_in && t->host_state == VPC_SILENT ? "HOST" : "PATH";
                const int wrong = vpc_false(w, &o, &x, why, sizeof why);
                if (k == want) {
                    held[k]++;
                    cr_expect_eq(wrong, 0, "%s: %s", verdicts[k], why);
                } else if (want != 3 || k != 2) { /* noise has no answer either */
                    others++;
                    condemned += (unsigned)wrong;
                }
            }
        }
        vpc_free(w);
    }
    for (int k = 0; k < 4; k++) cr_expect_gt(held[k], 20, "%s", verdicts[k]);
    cr_expect(others - condemned < others / 50, "%u of %u", condemned,
              others); /* some ports are used again */
}
