/* SPDX-License-Identifier: MIT */
/* analyze_rules.c - rules from JSON, what they say to a packet, what comes closest, what to change, warnings. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/json.h"
#include "analyze/rules.h"
#include "core/hash.h"
#include "support/alloc_count.h"
#include "support/guard.h"

TestSuite(analyze_rules, .timeout = 120);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static flowlog_str str(const char *text) { return (flowlog_str){text, strlen(text)}; }
static int equals(flowlog_str s, const char *text) { return s.len == strlen(text) && !memcmp(s.ptr, text, s.len); }

static flowlog_addr addr(const char *text)
{
    flowlog_addr a;
    cr_assert_eq(flowlog_addr_parse(text, strlen(text), &a), FLOWLOG_OK, "%s", text);
    return a;
}

static struct fl_rules *rules_of(const char *const *texts, size_t count)
{
    struct fl_rules *r = NULL;
    cr_assert_eq(flowlog__rules_new(NULL, &r), FLOWLOG_OK);
    for (size_t i = 0; i < count; i++) {
        flowlog_error err = {0};
        cr_assert_eq(flowlog__rules_load(r, texts[i], strlen(texts[i]), &err), FLOWLOG_OK, "%s: %s",
                     texts[i], err.message);
        cr_assert_eq(err.status, 0, "*err is untouched on success");
    }
    return r;
}
#define RULES(...) rules_of((const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

/* Interface eni-1 is 10.0.1.5 and 2001:db8:1:1::5, in subnet-1 with sg-1 and sg-2; eni-2 is 10.0.2.6, with sg-2. */
static const char ifaces[] =
    "{'NetworkInterfaces':[{'NetworkInterfaceId':'eni-1','SubnetId':'subnet-1','VpcId':'vpc-1','InterfaceType':'interface',"
    "'Description':'db \\u00e9','PrivateIpAddress':'10.0.1.5','PrivateIpAddresses':[{'Primary':true,'PrivateIpAddress':"
    "'10.0.1.5'},{'Primary':false,'PrivateIpAddress':'10.0.1.77'}],'Ipv6Addresses':[{'Ipv6Address':'2001:db8:1:1::5'}],"
    "'Ipv4Prefixes':[{'Ipv4Prefix':'10.0.1.96/28'}],'Attachment':{'InstanceId':'i-1'},'SourceDestCheck':true,"
    "'Groups':[{'GroupId':'sg-1'},{'GroupId':'sg-2'}],'RequesterManaged':false,"
    "'ConnectionTrackingConfiguration':{'TcpEstablishedTimeout':600}},"
    "{'NetworkInterfaceId':'eni-2','SubnetId':'subnet-2','VpcId':'vpc-1','PrivateIpAddress':'10.0.2.6',"
    "'Groups':[{'GroupId':'sg-2'}]}]}";
#define OPEN_ACL \
    "{'NetworkAcls':[{'NetworkAclId':'acl-1','VpcId':'vpc-1','IsDefault':true,'Associations':[],'Entries':[" \
    "{'RuleNumber':100,'Egress':true,'RuleAction':'allow','Protocol':'-1','CidrBlock':'0.0.0.0/0'}," \
    "{'RuleNumber':100,'Egress':false,'RuleAction':'allow','Protocol':'-1','CidrBlock':'0.0.0.0/0'}]}]}"

/* JSON is written with single quotes here. */
static const char *json(const char *text)
{
    static char copy[8][16384];
    static unsigned turn;
    char *to = copy[turn++ % 8];
    size_t i = 0;
    for (; text[i]; i++) to[i] = text[i] == '\'' ? '"' : text[i];
    to[i] = '\0';
    cr_assert_lt(i, sizeof copy[0]);
    return to;
}

static struct fl_rule_question packet(const char *eni, int egress, const char *local, const char *remote,
                                      unsigned proto, unsigned dport)
{
    return (struct fl_rule_question){.eni = str(eni), .local = addr(local), .remote = addr(remote),
                                     .dport = (uint16_t)dport, .sport = 40000, .proto = (uint8_t)proto,
                                     .egress = (uint8_t)egress, .same_subnet = 2};
}

static struct fl_rule_answer ask(const struct fl_rules *r, struct fl_rule_question q)
{
    struct fl_rule_answer a;
    cr_assert_eq(flowlog__rules_ask(r, &q, &a), FLOWLOG_OK);
    return a;
}

/* --- questions ------------------------------------------------------------------------------- */

Test(analyze_rules, the_lowest_matching_entry_of_the_acl_decides)
{
    struct fl_rules *r = RULES(json(ifaces), json("{'NetworkAcls':[{'NetworkAclId':'acl-1','VpcId':'vpc-1','IsDefault':false,"
        "'Associations':[{'SubnetId':'subnet-1'}],'Entries':["
        "{'RuleNumber':32767,'Egress':false,'RuleAction':'deny','Protocol':'-1','CidrBlock':'0.0.0.0/0'},"
        "{'RuleNumber':100,'Egress':false,'RuleAction':'allow','Protocol':'-1','CidrBlock':'0.0.0.0/0'},"
        "{'RuleNumber':50,'Egress':false,'RuleAction':'deny','Protocol':'6','CidrBlock':'198.51.100.0/24',"
        "'PortRange':{'From':22,'To':23}},"
        "{'RuleNumber':40,'Egress':true,'RuleAction':'allow','Protocol':'6','CidrBlock':'0.0.0.0/0',"
        "'PortRange':{'From':32768,'To':65535}}]}]}"));
    struct fl_rule_answer a = ask(r, packet("eni-1", 0, "10.0.1.5", "198.51.100.7", 6, 22));
    cr_expect(a.nacl == FL_RULE_DENY && a.rule_number == 50 && equals(a.acl, "acl-1") && equals(a.subnet, "subnet-1"));
    cr_expect(equals(a.vpc, "vpc-1") && equals(a.sg_groups, "sg-1,sg-2"));
    a = ask(r, packet("eni-1", 0, "10.0.1.5", "198.51.100.7", 6, 24));
    cr_expect(a.nacl == FL_RULE_ALLOW && a.rule_number == 100);
    a = ask(r, packet("eni-1", 0, "10.0.1.5", "198.51.101.7", 6, 22));
    cr_expect(a.nacl == FL_RULE_ALLOW && a.rule_number == 100);
    a = ask(r, packet("eni-1", 0, "10.0.1.5", "198.51.100.7", 17, 22));
    cr_expect(a.nacl == FL_RULE_ALLOW, "udp is not tcp");
    a = ask(r, packet("eni-1", 1, "10.0.1.5", "198.51.100.7", 6, 20641));
    cr_expect(a.nacl == FL_RULE_DENY && a.rule_number == 32767, "no entry matches, nor is the last one in the text");
    a = ask(r, packet("eni-1", 1, "10.0.1.5", "198.51.100.7", 6, 32768));
    cr_expect(a.nacl == FL_RULE_ALLOW && a.rule_number == 40);
    a = ask(r, packet("eni-1", 0, "2001:db8:1:1::5", "2001:db8:ffff::9", 6, 443));
    cr_expect(a.nacl == FL_RULE_DENY && a.rule_number == 32768, "IPv4 entries say nothing about IPv6");
    a = ask(r, packet("eni-2", 0, "10.0.2.6", "198.51.100.7", 6, 22));
    cr_expect(a.nacl == FL_RULE_UNKNOWN && !a.acl.ptr, "no ACL of its subnet, no default one of its VPC");
    a = ask(r, packet("eni-9", 0, "10.0.2.6", "198.51.100.7", 6, 22));
    cr_expect(a.nacl == FL_RULE_UNKNOWN && a.sg == FL_RULE_UNKNOWN && !a.subnet.ptr && !a.sg_groups.ptr);
    flowlog__rules_free(r);
}

Test(analyze_rules, subnets_without_association_use_the_default_acl)
{
    struct fl_rules *r = RULES(json(ifaces), json(OPEN_ACL));
    struct fl_rule_answer a = ask(r, packet("eni-2", 0, "10.0.2.6", "198.51.100.7", 6, 22));
    cr_expect(a.nacl == FL_RULE_ALLOW && a.rule_number == 100 && equals(a.acl, "acl-1"));
    flowlog__rules_free(r);
}

Test(analyze_rules, echo_is_assumed_of_icmp)
{
    struct fl_rules *r = RULES(json(ifaces), json("{'NetworkAcls':[{'NetworkAclId':'acl-1','VpcId':'vpc-1','IsDefault':true,'Entries':["
        "{'RuleNumber':10,'Egress':true,'RuleAction':'allow','Protocol':'1','CidrBlock':'0.0.0.0/0','IcmpTypeCode':{'Type':8,'Code':-1}},"
        "{'RuleNumber':11,'Egress':false,'RuleAction':'allow','Protocol':'1','CidrBlock':'0.0.0.0/0','IcmpTypeCode':{'Type':0,'Code':0}},"
        "{'RuleNumber':12,'Egress':false,'RuleAction':'allow','Protocol':'1','CidrBlock':'10.0.0.0/8','IcmpTypeCode':{'Type':-1,'Code':-1}},"
        "{'RuleNumber':13,'Egress':false,'RuleAction':'allow','Protocol':'58','Ipv6CidrBlock':'::/0','IcmpTypeCode':{'Type':128,'Code':1}},"
        "{'RuleNumber':14,'Egress':true,'RuleAction':'allow','Protocol':'58','Ipv6CidrBlock':'::/0','IcmpTypeCode':{'Type':129,'Code':0}}]}]}"));
    struct fl_rule_question q = packet("eni-1", 1, "10.0.1.5", "203.0.113.12", 1, 0);
    cr_expect_eq(ask(r, q).rule_number, 10);
    q.reply = 1;
    cr_expect_eq(ask(r, q).rule_number, 32767, "an answer is type 0");
    q.egress = 0;
    cr_expect_eq(ask(r, q).rule_number, 11);
    q.reply = 0;
    cr_expect_eq(ask(r, q).rule_number, 32767);
    q.remote = addr("10.9.9.9");
    cr_expect_eq(ask(r, q).rule_number, 12);
    q = packet("eni-1", 0, "2001:db8:1:1::5", "2001:db8:ffff::9", 58, 0);
    cr_expect_eq(ask(r, q).rule_number, 32768, "code 1 is not echo");
    q.reply = q.egress = 1;
    cr_expect_eq(ask(r, q).rule_number, 14);
    flowlog__rules_free(r);
}

static const char groups[] =
    "{'SecurityGroups':[{'GroupId':'sg-1','VpcId':'vpc-1','IpPermissions':["
    "{'IpProtocol':'tcp','FromPort':443,'ToPort':443,'IpRanges':[{'CidrIp':'0.0.0.0/0'}],'Ipv6Ranges':[],'PrefixListIds':[],"
    "'UserIdGroupPairs':[]},"
    "{'IpProtocol':'tcp','FromPort':5432,'ToPort':5433,'UserIdGroupPairs':[{'GroupId':'sg-clients','UserId':'123456789010'}]},"
    "{'IpProtocol':'tcp','FromPort':6379,'ToPort':6379,'PrefixListIds':[{'PrefixListId':'pl-1'}]},"
    "{'IpProtocol':'icmp','FromPort':3,'ToPort':-1,'IpRanges':[{'CidrIp':'0.0.0.0/0'}]},"
    "{'IpProtocol':'50','IpRanges':[{'CidrIp':'10.0.0.0/8'}]}],"
    "'IpPermissionsEgress':[{'IpProtocol':'-1','IpRanges':[{'CidrIp':'10.0.0.0/8'}]}]},"
    "{'GroupId':'sg-2','VpcId':'vpc-1','IpPermissions':[{'IpProtocol':'icmp','FromPort':-1,'ToPort':-1,"
    "'IpRanges':[{'CidrIp':'10.0.0.0/8'}]}],'IpPermissionsEgress':[]}]}";

Test(analyze_rules, groups_are_a_union)
{
    struct fl_rules *r = RULES(json(ifaces), json(OPEN_ACL), json(groups));
    static const struct {
        int egress;
        const char *remote;
        unsigned proto, dport;
        int sg;
    } rows[] = {
        {0, "198.51.100.7", 6, 443, FL_RULE_ALLOW},  {0, "198.51.100.7", 6, 444, FL_RULE_DENY},
        {0, "198.51.100.7", 17, 443, FL_RULE_DENY},  {1, "10.200.0.1", 17, 53, FL_RULE_ALLOW},
        {1, "11.0.0.1", 17, 53, FL_RULE_DENY},       {0, "10.0.3.3", 1, 0, FL_RULE_ALLOW},
        {0, "198.51.100.7", 1, 0, FL_RULE_DENY},     {0, "10.0.3.3", 50, 0, FL_RULE_ALLOW},
        {0, "198.51.100.7", 50, 0, FL_RULE_DENY},    {0, "10.0.3.3", 51, 0, FL_RULE_DENY},
        {0, "10.0.2.6", 6, 5432, FL_RULE_DENY},      {0, "10.0.77.7", 6, 5432, FL_RULE_MAYBE},
        {0, "198.51.100.7", 6, 5432, FL_RULE_DENY},  {0, "198.51.100.7", 6, 6379, FL_RULE_MAYBE},
        {0, "10.0.1.77", 6, 5432, FL_RULE_DENY},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fl_rule_question q =
            packet("eni-1", rows[i].egress, "10.0.1.5", rows[i].remote, rows[i].proto, rows[i].dport);
        cr_expect_eq(ask(r, q).sg, rows[i].sg, "row %zu", i);
        q.reply = 1;
        cr_expect_eq(ask(r, q).sg, FL_RULE_NOT_CONSULTED, "row %zu", i);
    }
    struct fl_rule_answer a = ask(r, packet("eni-1", 0, "2001:db8:1:1::5", "2001:db8:ffff::9", 6, 443));
    cr_expect(a.sg == FL_RULE_DENY && a.sg_closest_kind == FL_RULE_MISS_SOURCE &&
                  equals(a.sg_closest_source, "0.0.0.0/0"),
              "0.0.0.0/0 does not admit IPv6");
    a = ask(r, packet("eni-1", 0, "10.0.1.5", "10.0.77.7", 6, 5432));
    cr_expect(equals(a.sg_unknown, "sg-clients"));
    a = ask(r, packet("eni-1", 0, "10.0.1.5", "10.0.77.7", 6, 6379));
    cr_expect(equals(a.sg_unknown, "pl-1"));
    flowlog__rules_free(r);
}

Test(analyze_rules, group_references_match_members)
{
    struct fl_rules *r = RULES(json(ifaces), json(groups), json(
        "{'NetworkInterfaces':["
        "{'NetworkInterfaceId':'eni-3','VpcId':'vpc-1','SubnetId':'s','PrivateIpAddress':'10.0.3.1','Groups':[{'GroupId':'sg-clients'}]},"
        "{'NetworkInterfaceId':'eni-4','VpcId':'vpc-1','SubnetId':'s','PrivateIpAddress':'10.0.3.2'},"
        "{'NetworkInterfaceId':'eni-5','VpcId':'vpc-2','SubnetId':'t','PrivateIpAddress':'10.1.0.1','Groups':[{'GroupId':'sg-clients'}]},"
        "{'NetworkInterfaceId':'eni-6','VpcId':'vpc-2','SubnetId':'t','PrivateIpAddress':'10.0.2.6','Groups':[{'GroupId':'sg-clients'}]},"
        "{'NetworkInterfaceId':'eni-7','VpcId':'vpc-1','SubnetId':'t','PrivateIpAddress':'10.0.3.9','Ipv4Prefixes':"
        "[{'Ipv4Prefix':'10.0.4.16/28'}],'Groups':[{'GroupId':'sg-clients'}]},"
        "{'NetworkInterfaceId':'eni-8','VpcId':'vpc-1','SubnetId':'t','PrivateIpAddress':'10.0.4.17','Groups':[]}]}"));
    static const struct {
        const char *remote;
        int sg;
    } rows[] = {
        {"10.0.3.1", FL_RULE_ALLOW},  /* a member */
        {"10.0.3.2", FL_RULE_MAYBE},  /* an interface whose groups were not supplied */
        {"10.1.0.1", FL_RULE_ALLOW},  /* a member in a peered VPC */
        {"10.0.2.6", FL_RULE_DENY},   /* in the own VPC no member, though in another one */
        {"10.0.4.18", FL_RULE_ALLOW}, /* in the prefix of a member */
        {"10.0.4.17", FL_RULE_DENY},  /* the address itself before a prefix around it */
        {"10.0.9.9", FL_RULE_MAYBE},  /* nobody's */
        {"203.0.113.1", FL_RULE_DENY},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_expect_eq(ask(r, packet("eni-1", 0, "10.0.1.5", rows[i].remote, 6, 5432)).sg, rows[i].sg,
                     "%s", rows[i].remote);
    cr_expect_eq(ask(r, packet("eni-8", 0, "10.0.4.17", "10.0.3.1", 6, 5432)).sg, FL_RULE_NOT_CONSULTED, "has no groups");
    cr_expect_eq(ask(r, packet("eni-4", 0, "10.0.3.2", "10.0.3.1", 6, 5432)).sg, FL_RULE_UNKNOWN, "groups not supplied");
    cr_expect_eq(ask(r, packet("eni-3", 0, "10.0.3.1", "10.0.3.2", 6, 5432)).sg, FL_RULE_UNKNOWN, "sg-clients not supplied");
    flowlog__rules_free(r);
}

Test(analyze_rules, prefix_lists_come_in_every_shape)
{
    static const char *const shapes[] = {
        "{'PrefixLists':{'pl-1':['10.9.0.0/16','2001:db8::/32']}}",
        "{'PrefixLists':{'pl-1':{'Entries':[{'Cidr':'10.9.0.0/16','Description':'x'},{'Cidr':'2001:db8::/32'}]}}}",
        "{'PrefixListId':'pl-1','Entries':[{'Cidr':'10.9.0.0/16'},{'Cidr':'2001:db8::/32'}]}",
        "{'PrefixLists':[{'PrefixListId':'pl-1','PrefixListName':'n','Cidrs':['10.9.0.0/16','2001:db8::/32']}]}",
    };
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct fl_rules *r = RULES(json(ifaces), json(groups), json(shapes[i]));
        cr_expect_eq(ask(r, packet("eni-1", 0, "10.0.1.5", "10.9.255.1", 6, 6379)).sg, FL_RULE_ALLOW, "shape %zu", i);
        cr_expect_eq(ask(r, packet("eni-1", 0, "10.0.1.5", "10.8.0.1", 6, 6379)).sg, FL_RULE_DENY, "shape %zu", i);
        cr_expect_eq(ask(r, packet("eni-1", 0, "2001:db8:1:1::5", "2001:db8::1", 6, 6379)).sg, FL_RULE_ALLOW);
        flowlog__rules_free(r);
    }
    /* A list that is only named, as describe-managed-prefix-lists prints it, is still unknown. */
    struct fl_rules *r = RULES(json(ifaces), json(groups), json("{'PrefixLists':[{'PrefixListId':'pl-1'}]}"));
    cr_expect_eq(ask(r, packet("eni-1", 0, "10.0.1.5", "10.9.0.1", 6, 6379)).sg, FL_RULE_MAYBE);
    flowlog__rules_free(r);
}

Test(analyze_rules, inside_of_a_subnet_the_acl_is_not_consulted)
{
    static const char acl[] = "{'NetworkAcls':[{'NetworkAclId':'acl-1','VpcId':'vpc-1','IsDefault':true,'Entries':[]}]}";
    struct fl_rules *r = RULES(json(ifaces), json(acl));
    struct fl_rule_question q = packet("eni-1", 0, "10.0.1.5", "10.0.1.9", 6, 5432);
    cr_expect_eq(ask(r, q).nacl, FL_RULE_NOT_CONSULTED, "no subnet is smaller than /28");
    q.remote = addr("10.0.1.200");
    struct fl_rule_answer a = ask(r, q);
    cr_expect(a.nacl == FL_RULE_MAYBE && a.same_subnet == 2, "nobody knows");
    q.same_subnet = 0;
    cr_expect_eq(ask(r, q).nacl, FL_RULE_DENY);
    q.same_subnet = 1;
    cr_expect_eq(ask(r, q).nacl, FL_RULE_NOT_CONSULTED);
    q.same_subnet = 2;
    q.remote = addr("10.1.1.200");
    cr_expect_eq(ask(r, q).nacl, FL_RULE_DENY, "no subnet is larger than /16");
    q.remote = addr("10.0.2.6");
    cr_expect_eq(ask(r, q).nacl, FL_RULE_DENY, "eni-2 is in another subnet");
    flowlog__rules_free(r);

    r = RULES(json(ifaces), json(acl), json("{'Subnets':[{'SubnetId':'subnet-1','VpcId':'vpc-1','CidrBlock':'10.0.1.0/25',"
        "'Ipv6CidrBlockAssociationSet':[{'Ipv6CidrBlock':'2001:db8:1:1::/64','Ipv6CidrBlockState':{'State':'associated'}},"
        "{'Ipv6CidrBlock':'2001:db8:1:2::/64','Ipv6CidrBlockState':{'State':'disassociated'}}]}]}"));
    q.remote = addr("10.0.1.127");
    cr_expect_eq(ask(r, q).nacl, FL_RULE_NOT_CONSULTED);
    q.remote = addr("10.0.1.128");
    cr_expect_eq(ask(r, q).nacl, FL_RULE_DENY);
    q.local = addr("2001:db8:1:1::5");
    q.remote = addr("2001:db8:1:1:ffff::");
    cr_expect_eq(ask(r, q).nacl, FL_RULE_NOT_CONSULTED);
    q.remote = addr("2001:db8:1:2::1");
    cr_expect_eq(ask(r, q).nacl, FL_RULE_DENY, "a block that the subnet had once");
    flowlog__rules_free(r);
}

Test(analyze_rules, addresses_of_two_families_are_no_question)
{
    struct fl_rules *r = RULES(json(ifaces));
    struct fl_rule_question q = packet("eni-1", 0, "10.0.1.5", "::1", 6, 1);
    struct fl_rule_answer a;
    cr_expect_eq(flowlog__rules_ask(r, &q, &a), FLOWLOG_E_ARGUMENT);
    q.remote.family = q.local.family = 0;
    cr_expect_eq(flowlog__rules_ask(r, &q, &a), FLOWLOG_E_ARGUMENT);
    flowlog__rules_free(r);
}

Test(analyze_rules, the_closest_miss_is_named)
{
    struct fl_rules *r = RULES(json(ifaces), json(OPEN_ACL), json(
        "{'SecurityGroups':[{'GroupId':'sg-1','IpPermissions':["
        "{'IpProtocol':'-1','UserIdGroupPairs':[{'GroupId':'sg-1'}]},"
        "{'IpProtocol':'tcp','FromPort':0,'ToPort':65535,'IpRanges':[{'CidrIp':'203.0.113.7/32'}]},"
        "{'IpProtocol':'tcp','FromPort':5432,'ToPort':5432,'IpRanges':[{'CidrIp':'10.0.0.0/16'},{'CidrIp':'203.0.113.0/28'}]},"
        "{'IpProtocol':'tcp','FromPort':80,'ToPort':90,'IpRanges':[{'CidrIp':'0.0.0.0/0'}]}]},"
        "{'GroupId':'sg-2','IpPermissions':[{'IpProtocol':'udp','FromPort':100,'ToPort':100,'IpRanges':"
        "[{'CidrIp':'0.0.0.0/0'}]}]}]}"));
    struct fl_rule_answer a = ask(r, packet("eni-1", 0, "10.0.1.5", "203.0.113.99", 6, 5432));
    cr_expect(a.sg_closest_kind == FL_RULE_MISS_SOURCE && equals(a.sg_closest_source, "203.0.113.0/28"));
    cr_expect(equals(a.sg_closest_group, "sg-1") && a.sg_closest_from == 5432 && a.sg_closest_to == 5432);
    a = ask(r, packet("eni-1", 0, "10.0.1.5", "203.0.113.99", 6, 91));
    cr_expect(a.sg_closest_kind == FL_RULE_MISS_SOURCE && a.sg_closest_to == 65535, "this port, another source");
    a = ask(r, packet("eni-1", 0, "10.0.1.5", "203.0.113.99", 17, 98));
    cr_expect(a.sg_closest_kind == FL_RULE_MISS_PORT && equals(a.sg_closest_group, "sg-2"));
    cr_expect(a.sg_closest_from == 100 && a.sg_closest_proto == 17 && equals(a.sg_closest_source, "0.0.0.0/0"));
    a = ask(r, packet("eni-1", 0, "10.0.1.5", "203.0.113.99", 47, 0));
    cr_expect(a.sg_closest_kind == FL_RULE_MISS_PORT && a.sg_closest_proto == 6, "first of those for other protocols");
    a = ask(r, packet("eni-1", 1, "10.0.1.5", "203.0.113.99", 6, 443));
    cr_expect(a.sg == FL_RULE_DENY && a.sg_closest_kind == FL_RULE_MISS_NONE && !a.sg_closest_group.ptr);
    flowlog__rules_free(r);
}

/* --- the smallest change --------------------------------------------------------------------- */

/* Interface eni-1 has group sg-1 with no rules; its ACL has the entries given. */
static struct fl_rules *rules_with(const char *entries)
{
    static char acl[20000];
    snprintf(acl, sizeof acl, "{'NetworkAcls':[{'NetworkAclId':'acl-1','VpcId':'vpc-1','IsDefault':true,'Entries':[%s]}]}", entries);
    return RULES(json("{'NetworkInterfaces':[{'NetworkInterfaceId':'eni-1','SubnetId':'subnet-1','VpcId':'vpc-1',"
                      "'Groups':[{'GroupId':'sg-1'}]}],'SecurityGroups':[{'GroupId':'sg-1'}]}"), json(acl));
}

static void expect_change(const struct fl_rules *r, struct fl_rule_question q, size_t count,
                          const char *row, const char *command)
{
    char rows[1024], commands[1600];
    const struct fl_rule_answer a = ask(r, q);
    cr_expect_eq(flowlog__rules_change(r, &q, &a, rows, sizeof rows, commands, sizeof commands), count);
    cr_expect_str_eq(rows, row);
    cr_expect_str_eq(commands, command);
    /* Cut anywhere, they end in NUL and are a part from the front. */
    for (size_t cap = 0; cap < 40; cap++) {
        char cut[41];
        memset(cut, 'x', sizeof cut);
        cr_expect_eq(flowlog__rules_change(r, &q, &a, cut, cap, NULL, 0), count);
        if (cap) cr_expect(strlen(cut) < cap && !strncmp(cut, row, strlen(cut)));
        cr_expect_eq(cut[cap], 'x');
    }
}

#define ALL_IN "{'RuleNumber':100,'Egress':false,'RuleAction':'allow','Protocol':'-1','CidrBlock':'0.0.0.0/0'}"
#define ALL_OUT "{'RuleNumber':100,'Egress':true,'RuleAction':'allow','Protocol':'-1','CidrBlock':'0.0.0.0/0'}"

Test(analyze_rules, a_missing_group_rule_is_added_for_one_address_and_port)
{
    struct fl_rules *r = rules_with(ALL_IN "," ALL_OUT);
    expect_change(r, packet("eni-1", 0, "10.0.1.5", "10.0.2.6", 6, 5432), 1,
                  "security group sg-1: add inbound allow tcp port 5432 from 10.0.2.6/32",
                  "aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions "
                  "'IpProtocol=tcp,FromPort=5432,ToPort=5432,IpRanges=[{CidrIp=10.0.2.6/32}]'");
    expect_change(r, packet("eni-1", 1, "10.0.1.5", "198.51.100.80", 17, 53), 1,
                  "security group sg-1: add outbound allow udp port 53 to 198.51.100.80/32",
                  "aws ec2 authorize-security-group-egress --group-id sg-1 --ip-permissions "
                  "'IpProtocol=udp,FromPort=53,ToPort=53,IpRanges=[{CidrIp=198.51.100.80/32}]'");
    expect_change(r, packet("eni-1", 0, "10.0.1.5", "203.0.113.12", 1, 0), 1,
                  "security group sg-1: add inbound allow icmp type 8 code 0 from 203.0.113.12/32",
                  "aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions "
                  "'IpProtocol=icmp,FromPort=8,ToPort=0,IpRanges=[{CidrIp=203.0.113.12/32}]'");
    expect_change(r, packet("eni-1", 0, "10.0.1.5", "203.0.113.12", 47, 0), 1,
                  "security group sg-1: add inbound allow 47 from 203.0.113.12/32",
                  "aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions "
                  "'IpProtocol=47,IpRanges=[{CidrIp=203.0.113.12/32}]'");
    flowlog__rules_free(r);
}

Test(analyze_rules, a_refused_answer_needs_the_client_ports_of_one_address)
{
    struct fl_rules *r = rules_with(ALL_IN ",{'RuleNumber':140,'Egress':true,'RuleAction':'allow','Protocol':'6',"
                                    "'CidrBlock':'0.0.0.0/0','PortRange':{'From':32768,'To':65535}}");
    struct fl_rule_question q = packet("eni-1", 1, "10.0.1.5", "198.51.100.7", 6, 20641);
    q.reply = 1;
    q.sport = 443;
    expect_change(r, q, 1,
                  "network ACL acl-1: add outbound rule 150 allow tcp ports 1024-65535 to 198.51.100.7/32, before rule 32767",
                  "aws ec2 create-network-acl-entry --network-acl-id acl-1 --egress --rule-number 150 --protocol 6 "
                  "--port-range From=1024,To=65535 --cidr-block 198.51.100.7/32 --rule-action allow");
    q.dport = 1023;
    expect_change(r, q, 1,
                  "network ACL acl-1: add outbound rule 150 allow tcp port 1023 to 198.51.100.7/32, before rule 32767",
                  "aws ec2 create-network-acl-entry --network-acl-id acl-1 --egress --rule-number 150 --protocol 6 "
                  "--port-range From=1023,To=1023 --cidr-block 198.51.100.7/32 --rule-action allow");
    q = packet("eni-1", 1, "2001:db8::5", "2001:db8:ffff::9", 58, 0);
    q.reply = 1;
    expect_change(r, q, 1,
                  "network ACL acl-1: add outbound rule 150 allow icmpv6 type 129 code 0 to 2001:db8:ffff::9/128, "
                  "before rule 32768",
                  "aws ec2 create-network-acl-entry --network-acl-id acl-1 --egress --rule-number 150 --protocol 58 "
                  "--icmp-type-code Type=129,Code=0 --ipv6-cidr-block 2001:db8:ffff::9/128 --rule-action allow");
    flowlog__rules_free(r);
}

Test(analyze_rules, a_refused_request_gets_its_answer_through_too)
{
    struct fl_rules *r = rules_with("");
    expect_change(r, packet("eni-1", 0, "10.0.1.5", "198.51.100.7", 6, 443), 3,
                  "network ACL acl-1: add inbound rule 100 allow tcp port 443 from 198.51.100.7/32, before rule 32767\n"
                  "security group sg-1: add inbound allow tcp port 443 from 198.51.100.7/32\n"
                  "network ACL acl-1: add outbound rule 100 allow tcp ports 1024-65535 to 198.51.100.7/32, before rule 32767",
                  "aws ec2 create-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 100 --protocol 6 "
                  "--port-range From=443,To=443 --cidr-block 198.51.100.7/32 --rule-action allow\n"
                  "aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions "
                  "'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=198.51.100.7/32}]'\n"
                  "aws ec2 create-network-acl-entry --network-acl-id acl-1 --egress --rule-number 100 --protocol 6 "
                  "--port-range From=1024,To=65535 --cidr-block 198.51.100.7/32 --rule-action allow");
    flowlog__rules_free(r);
}

Test(analyze_rules, a_port_that_is_closed_on_purpose_is_opened_alone)
{
    struct fl_rules *r = rules_with(ALL_IN "," ALL_OUT ",{'RuleNumber':90,'Egress':true,'RuleAction':'deny','Protocol':'6',"
                                    "'CidrBlock':'0.0.0.0/0','PortRange':{'From':20000,'To':21000}}");
    struct fl_rule_question q = packet("eni-1", 1, "10.0.1.5", "198.51.100.7", 6, 20641);
    q.reply = 1;
    struct fl_rule_change change[FL_RULE_CHANGES_MAX];
    const struct fl_rule_answer a = ask(r, q);
    cr_assert_eq(flowlog__rules_changes(r, &q, &a, change), 1);
    cr_expect(change[0].what == FL_RULE_CHANGE_NACL && change[0].number == 80 && change[0].before == 90);
    cr_expect(change[0].from == 20641 && change[0].to == 20641);
    flowlog__rules_free(r);
}

Test(analyze_rules, new_entries_get_a_free_number_before_the_one_that_denies)
{
    static const struct {
        const char *used; /* numbers of inbound entries; the last one denies */
        uint32_t number;  /* 0: none is free */
    } rows[] = {
        {"100", 90}, {"50", 40}, {"10", 9}, {"1", 0}, {"2", 1}, {"1 2", 0}, {"1 2 3 4", 0}, {"1 3 4", 2}, {"95 100", 99},
        {"89 100", 90}, {"99 100", 98}, {"5 98 99 100", 97}, {"100 32766", 32760}, {"32765 32766", 32764},
        {"32767", 100}, {"100 32767", 110}, {"105 32767", 110}, {"32760 32767", 32761}, {"32766 32767", 32765},
        {"32755 32767", 32760},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char entries[4096];
        size_t n = 0;
        for (const char *p = rows[i].used; *p; p += strspn(p, " ")) {
            const unsigned number = (unsigned)strtoul(p, NULL, 10);
            p += strcspn(p, " ");
            n += (size_t)sprintf(entries + n, "%s{'RuleNumber':%u,'Egress':false,'RuleAction':'deny','Protocol':'%s',"
                                 "'CidrBlock':'0.0.0.0/0'}", n ? "," : "", number, *p ? "99" : "6");
        }
        struct fl_rules *r = rules_with(entries);
        struct fl_rule_question q = packet("eni-1", 0, "10.0.1.5", "198.51.100.7", 6, 443);
        struct fl_rule_change change[FL_RULE_CHANGES_MAX];
        const struct fl_rule_answer a = ask(r, q);
        cr_assert_eq(flowlog__rules_changes(r, &q, &a, change), 3);
        cr_expect_eq(change[0].what, rows[i].number ? FL_RULE_CHANGE_NACL : FL_RULE_CHANGE_NACL_ENTRY,
                     "%s", rows[i].used);
        cr_expect_eq(change[0].number, rows[i].number ? rows[i].number : a.rule_number, "%s: %u", rows[i].used,
                     (unsigned)change[0].number);
        flowlog__rules_free(r);
    }
    struct fl_rules *r = rules_with("{'RuleNumber':1,'Egress':false,'RuleAction':'deny','Protocol':'-1','CidrBlock':'0.0.0.0/0'},"
                                    ALL_OUT);
    expect_change(r, packet("eni-1", 0, "10.0.1.5", "198.51.100.7", 6, 443), 2,
                  "network ACL acl-1: change inbound rule 1, which denies tcp port 443 from 198.51.100.7/32; no smaller number "
                  "is free\nsecurity group sg-1: add inbound allow tcp port 443 from 198.51.100.7/32",
                  "aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions "
                  "'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=198.51.100.7/32}]'");
    flowlog__rules_free(r);
}

Test(analyze_rules, ids_that_a_shell_would_obey_make_no_command)
{
    struct fl_rules *r = RULES(json("{'NetworkInterfaces':[{'NetworkInterfaceId':'eni-1','Groups':[{'GroupId':'sg-1;rm'}]}],"
                                    "'SecurityGroups':[{'GroupId':'sg-1;rm'}]}"));
    expect_change(r, packet("eni-1", 0, "10.0.1.5", "10.0.2.6", 6, 22), 1,
                  "security group sg-1;rm: add inbound allow tcp port 22 from 10.0.2.6/32", "");
    flowlog__rules_free(r);
}

/* --- tracking, facts ------------------------------------------------------------------------- */

Test(analyze_rules, connections_open_to_all_both_ways_are_untracked)
{
    static const char all[] =
        "{'SecurityGroups':[{'GroupId':'sg-1','IpPermissions':["
        "{'IpProtocol':'tcp','FromPort':80,'ToPort':80,'IpRanges':[{'CidrIp':'0.0.0.0/0'}]},"
        "{'IpProtocol':'tcp','FromPort':22,'ToPort':22,'IpRanges':[{'CidrIp':'203.0.113.0/24'}]},"
        "{'IpProtocol':'udp','FromPort':53,'ToPort':53,'Ipv6Ranges':[{'CidrIpv6':'::/0'}]}],"
        "'IpPermissionsEgress':[{'IpProtocol':'-1','IpRanges':[{'CidrIp':'0.0.0.0/0'}]}]},{'GroupId':'sg-2'}]}";
    struct fl_rules *r = RULES(json(ifaces), json(all));
    struct fl_rule_question q = packet("eni-1", 0, "10.0.1.5", "203.0.113.9", 6, 80);
    cr_expect_eq(flowlog__rules_tracking(r, &q), FL_TRACKING_UNTRACKED);
    q.dport = 22;
    cr_expect_eq(flowlog__rules_tracking(r, &q), FL_TRACKING_TRACKED);
    q.proto = 1;
    cr_expect_eq(flowlog__rules_tracking(r, &q), FL_TRACKING_TRACKED, "ICMP always is");
    q = packet("eni-1", 0, "2001:db8:1:1::5", "2001:db8:ffff::9", 17, 53);
    cr_expect_eq(flowlog__rules_tracking(r, &q), FL_TRACKING_TRACKED, "outbound IPv6 is not open");
    q = packet("eni-9", 0, "10.0.1.5", "203.0.113.9", 6, 80);
    cr_expect_eq(flowlog__rules_tracking(r, &q), FL_TRACKING_UNKNOWN);
    q = packet("eni-2", 0, "10.0.2.6", "203.0.113.9", 6, 80);
    cr_expect_eq(flowlog__rules_tracking(r, &q), FL_TRACKING_TRACKED);
    flowlog__rules_free(r);

    r = RULES(json(ifaces), json("{'NetworkInterfaces':[{'NetworkInterfaceId':'eni-1','VpcId':'vpc-1','InterfaceType':"
                                 "'network_load_balancer','Groups':[{'GroupId':'sg-1'}]}]}"), json(all));
    q = packet("eni-1", 0, "10.0.1.5", "203.0.113.9", 6, 80);
    cr_expect_eq(flowlog__rules_tracking(r, &q), FL_TRACKING_TRACKED, "load balancers are tracked whatever the rules");
    struct fl_rule_interface f;
    cr_assert(flowlog__rules_interface(r, str("eni-1"), &f));
    cr_expect(f.tcp_established_sec == 350 && f.udp_sec == 120 && f.udp_stream_sec == 120);
    flowlog__rules_free(r);
    r = RULES(json(ifaces));
    q = packet("eni-2", 0, "10.0.2.6", "203.0.113.9", 6, 80);
    cr_expect_eq(flowlog__rules_tracking(r, &q), FL_TRACKING_UNKNOWN, "the group was not supplied");
    flowlog__rules_free(r);
}

Test(analyze_rules, interfaces_are_described)
{
    struct fl_rules *r = RULES(json(ifaces));
    struct fl_rule_interface f;
    cr_assert(flowlog__rules_interface(r, str("eni-1"), &f));
    cr_expect(equals(f.id, "eni-1") && equals(f.subnet, "subnet-1") && equals(f.vpc, "vpc-1") &&
              equals(f.type, "interface"));
    cr_expect(equals(f.instance, "i-1") && equals(f.description, "db \xC3\xA9") && equals(f.groups, "sg-1,sg-2"));
    cr_expect(f.tcp_established_sec == 600 && f.udp_sec == 30 && f.udp_stream_sec == 180);
    cr_expect(f.tcp_established_set && !f.udp_set && !f.udp_stream_set);
    cr_expect(!f.requester_managed && f.source_dest_check && f.groups_known);
    static const char *const addresses[] = {"10.0.1.5/32", "10.0.1.77/32", "2001:db8:1:1::5/128", "10.0.1.96/28"};
    cr_assert_eq(f.addresses, COUNT(addresses), "the primary one is there once");
    for (uint32_t i = 0; i < f.addresses; i++) {
        char text[FL_CIDR_TEXT_MAX];
        const struct fl_cidr cidr = flowlog__rules_address(r, &f, i);
        flowlog__cidr_format(&cidr, text);
        cr_expect_str_eq(text, addresses[i]);
    }
    cr_expect_not(flowlog__rules_interface(r, str("eni-3"), &f));
    cr_expect_not(flowlog__rules_interface(r, str("subnet-1"), &f));
    cr_expect_not(flowlog__rules_interface(r, str(""), &f));
    uint32_t n = 0;
    while (flowlog__rules_interface_at(r, n, &f)) n++;
    cr_expect_eq(n, 2);
    flowlog__rules_free(r);
}

Test(analyze_rules, owners_of_addresses_are_those_of_the_vpc)
{
    struct fl_rules *r = RULES(json(ifaces), json("{'NetworkInterfaces':[{'NetworkInterfaceId':'eni-3','VpcId':'vpc-2',"
                                                  "'PrivateIpAddress':'10.0.1.5'}]}"));
    struct fl_rule_interface f;
    flowlog_addr a = addr("10.0.1.5");
    cr_expect(flowlog__rules_owner(r, &a, str("vpc-1"), &f) && equals(f.id, "eni-1"));
    cr_expect(flowlog__rules_owner(r, &a, str("vpc-2"), &f) && equals(f.id, "eni-3"));
    cr_expect_not(flowlog__rules_owner(r, &a, str(""), &f), "two VPCs have it");
    cr_expect_not(flowlog__rules_owner(r, &a, str("vpc-9"), &f));
    a = addr("10.0.1.111");
    cr_expect(flowlog__rules_owner(r, &a, str(""), &f) && equals(f.id, "eni-1"), "by its prefix");
    a = addr("10.0.1.112");
    cr_expect_not(flowlog__rules_owner(r, &a, str(""), &f));
    a = addr("2001:db8:1:1::5");
    cr_expect(flowlog__rules_owner(r, &a, str(""), &f) && equals(f.id, "eni-1"));
    flowlog__rules_free(r);
}

Test(analyze_rules, membership_of_subnets_and_vpcs)
{
    struct fl_rules *r = RULES(json("{'Subnets':[{'SubnetId':'s1','VpcId':'v1','CidrBlock':'10.0.1.0/24'},"
                                    "{'SubnetId':'s2','VpcId':'v1','CidrBlock':'10.0.2.0/24'},{'SubnetId':'s3','VpcId':'v2',"
                                    "'CidrBlock':'10.0.3.0/24'}],'Vpcs':[{'VpcId':'v2','CidrBlock':'10.0.0.0/22',"
                                    "'CidrBlockAssociationSet':[{'CidrBlock':'10.0.0.0/22'},{'CidrBlock':'10.9.0.0/16'}]}]}"));
    flowlog_addr a = addr("10.0.2.7"), six = addr("2001:db8::1");
    cr_expect_eq(flowlog__rules_in_subnet(r, str("s2"), &a), 1);
    cr_expect_eq(flowlog__rules_in_subnet(r, str("s1"), &a), 0);
    cr_expect_eq(flowlog__rules_in_subnet(r, str("s9"), &a), 2);
    cr_expect_eq(flowlog__rules_in_subnet(r, str("s1"), &six), 2, "it may have IPv6 blocks that were left out");
    cr_expect_eq(flowlog__rules_in_vpc(r, str("v1"), &a), 1);
    cr_expect_eq(flowlog__rules_in_vpc(r, str("v2"), &a), 1);
    a = addr("10.9.1.1");
    cr_expect_eq(flowlog__rules_in_vpc(r, str("v2"), &a), 1);
    cr_expect_eq(flowlog__rules_in_vpc(r, str("v1"), &a), 2, "subnets alone are not all of a VPC");
    a = addr("11.0.0.1");
    cr_expect_eq(flowlog__rules_in_vpc(r, str("v2"), &a), 0);
    flowlog__rules_free(r);
}

/* --- loading --------------------------------------------------------------------------------- */

Test(analyze_rules, a_later_text_replaces_what_has_the_same_id)
{
    struct fl_rules *r = RULES(json(ifaces), json(OPEN_ACL), json(groups));
    struct fl_rule_question q = packet("eni-1", 0, "10.0.1.5", "198.51.100.7", 6, 443);
    cr_expect(ask(r, q).nacl == FL_RULE_ALLOW && ask(r, q).sg == FL_RULE_ALLOW);
    const char *more[] = {
        "{'SecurityGroups':[{'GroupId':'sg-1','IpPermissions':[]}]}",
        "{'NetworkAcls':[{'NetworkAclId':'acl-1','VpcId':'vpc-1','IsDefault':true,'Entries':[]}]}",
        ("{'NetworkAcls':[{'NetworkAclId':'acl-2','Associations':[{'SubnetId':'subnet-1'}],'Entries':["
         "{'RuleNumber':7,'Egress':false,'RuleAction':'deny','Protocol':'tcp','CidrBlock':'0.0.0.0/0'}]}]}"),
        "{'NetworkInterfaces':[{'NetworkInterfaceId':'eni-1','SubnetId':'subnet-2','VpcId':'vpc-1','Groups':[{'GroupId':'sg-3'}]}]}",
        "{'SecurityGroups':[{'GroupId':'sg-3','IpPermissions':[{'IpProtocol':'-1','IpRanges':[{'CidrIp':'0.0.0.0/0'}]}]}]}",
    };
    static const struct {
        uint32_t rule;
        int sg;
    } then[] = {{100, FL_RULE_DENY},
                {32767, FL_RULE_DENY},
                {7, FL_RULE_DENY},
                {32767, FL_RULE_UNKNOWN},
                {32767, FL_RULE_ALLOW}};
    for (size_t i = 0; i < COUNT(more); i++) {
        cr_assert_eq(flowlog__rules_load(r, json(more[i]), strlen(more[i]), NULL), FLOWLOG_OK);
        const struct fl_rule_answer a = ask(r, q);
        cr_expect(a.rule_number == then[i].rule && a.sg == then[i].sg, "text %zu: %u %d", i,
                  (unsigned)a.rule_number, a.sg);
    }
    flowlog_addr old = addr("10.0.1.5");
    struct fl_rule_interface f;
    cr_expect_not(flowlog__rules_owner(r, &old, str("vpc-1"), &f), "the new eni-1 has no addresses");
    flowlog__rules_free(r);
}

struct bad {
    const char *text, *message;
    flowlog_status status;
};

Test(analyze_rules, what_aws_would_not_print_is_refused_with_its_path)
{
    static const struct bad rows[] = {
        {"[]", "$: an object is expected, not an array", FLOWLOG_E_SYNTAX},
        {"{}", "$: no NetworkAcls, SecurityGroups, NetworkInterfaces, Subnets, Vpcs or PrefixLists", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':{}}", "$.NetworkAcls: an array is expected, not an object", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[7]}", "$.NetworkAcls[0]: an object is expected, not a number", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{}]}", "$.NetworkAcls[0]: NetworkAclId is missing", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a b'}]}", "$.NetworkAcls[0].NetworkAclId: not an id", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{}]}]}", "$.NetworkAcls[0].Entries[0]: RuleNumber is missing",
         FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{'RuleNumber':'1'}]}]}",
         "$.NetworkAcls[0].Entries[0].RuleNumber: a number is expected, not a string", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{'RuleNumber':32769}]}]}",
         "$.NetworkAcls[0].Entries[0].RuleNumber: a number from 1 to 32768 is expected", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{'RuleNumber':1,'Egress':true,'RuleAction':'Allow'}]}]}",
         "$.NetworkAcls[0].Entries[0].RuleAction: neither \"allow\" nor \"deny\"", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{'RuleNumber':1,'Egress':true,'RuleAction':'allow','Protocol':6}]}]}",
         "$.NetworkAcls[0].Entries[0].Protocol: a string is expected, not a number", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{'RuleNumber':1,'Egress':true,'RuleAction':'allow','Protocol':'256'}]}]}",
         "$.NetworkAcls[0].Entries[0].Protocol: not a protocol", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{'RuleNumber':1,'Egress':true,'RuleAction':'allow','Protocol':'6'}]}]}",
         "$.NetworkAcls[0].Entries[0]: CidrBlock or Ipv6CidrBlock is missing", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{'RuleNumber':1,'Egress':true,'RuleAction':'allow','Protocol':'6',"
         "'CidrBlock':'10.0.0.0/33'}]}]}",
         "$.NetworkAcls[0].Entries[0].CidrBlock: not an address block", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{'RuleNumber':1,'Egress':true,'RuleAction':'allow','Protocol':'6',"
         "'CidrBlock':'10.0.0.0/8','PortRange':{'From':2,'To':1}}]}]}",
         "$.NetworkAcls[0].Entries[0].PortRange: a range of ports that ends before it begins", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[{'NetworkAclId':'a','Entries':[{'RuleNumber':1,'Egress':true,'RuleAction':'allow','Protocol':'6',"
         "'CidrBlock':'10.0.0.0/8','PortRange':{'From':2,'To':65536}}]}]}",
         "$.NetworkAcls[0].Entries[0].PortRange.To: a number from -1 to 65535 is expected", FLOWLOG_E_SYNTAX},
        {"{'SecurityGroups':[{'GroupId':'g','IpPermissions':[{'IpProtocol':'tcpx'}]}]}",
         "$.SecurityGroups[0].IpPermissions[0].IpProtocol: not a protocol", FLOWLOG_E_SYNTAX},
        {"{'SecurityGroups':[{'GroupId':'g','IpPermissions':[{'IpProtocol':'tcp','IpRanges':[{'CidrIp':'10.0.0.1'}]}]}]}",
         "$.SecurityGroups[0].IpPermissions[0].IpRanges[0].CidrIp: not an address block", FLOWLOG_E_SYNTAX},
        {"{'SecurityGroups':[{'GroupId':'g','IpPermissions':[{'IpProtocol':'tcp','IpRanges':[{}]}]}]}",
         "$.SecurityGroups[0].IpPermissions[0].IpRanges[0]: CidrIp is missing", FLOWLOG_E_SYNTAX},
        {"{'NetworkInterfaces':[{'NetworkInterfaceId':'e','PrivateIpAddress':'10.0.0.256'}]}",
         "$.NetworkInterfaces[0].PrivateIpAddress: not an address", FLOWLOG_E_SYNTAX},
        {"{'NetworkInterfaces':[{'NetworkInterfaceId':'e','Groups':['g']}]}",
         "$.NetworkInterfaces[0].Groups[0]: an object is expected, not a string", FLOWLOG_E_SYNTAX},
        {"{'NetworkInterfaces':[{'NetworkInterfaceId':'e','Ipv4Prefixes':[{}]}]}",
         "$.NetworkInterfaces[0].Ipv4Prefixes[0]: Ipv4Prefix is missing", FLOWLOG_E_SYNTAX},
        {"{'NetworkInterfaces':[{'NetworkInterfaceId':'e','RequesterManaged':1}]}",
         "$.NetworkInterfaces[0].RequesterManaged: a boolean is expected, not a number", FLOWLOG_E_SYNTAX},
        {"{'NetworkInterfaces':[{'NetworkInterfaceId':'e','ConnectionTrackingConfiguration':{'UdpTimeout':-1}}]}",
         "$.NetworkInterfaces[0].ConnectionTrackingConfiguration.UdpTimeout: a number from 0 to 2147483647 is expected",
         FLOWLOG_E_SYNTAX},
        {"{'Subnets':[{'SubnetId':'s','CidrBlock':7}]}", "$.Subnets[0].CidrBlock: a string is expected, not a number",
         FLOWLOG_E_SYNTAX},
        {"{'Vpcs':[{'SubnetId':'s'}]}", "$.Vpcs[0]: VpcId is missing", FLOWLOG_E_SYNTAX},
        {"{'Entries':[{'Cidr':'10.0.0.0/8'}]}",
         "$.Entries: of which prefix list? Put \"PrefixListId\": \"pl-...\" beside it", FLOWLOG_E_SYNTAX},
        {"{'PrefixLists':{'pl-1':[7]}}", "$.PrefixLists[\"pl-1\"][0]: a string is expected, not a number", FLOWLOG_E_SYNTAX},
        {"{'PrefixLists':{'pl-1':7}}", "$.PrefixLists[\"pl-1\"]: an array is expected, not a number", FLOWLOG_E_SYNTAX},
        {"{'NetworkAcls':[],'NetworkAcls':[]}", "a name that the object has already", FLOWLOG_E_DUPLICATE},
        {"{'NetworkAcls':[}", "a value is expected", FLOWLOG_E_SYNTAX},
    };
    struct fl_rules *r = RULES(json(ifaces), json(OPEN_ACL), json(groups));
    for (size_t i = 0; i < COUNT(rows); i++) {
        flowlog_error err = {0};
        const char *text = json(rows[i].text);
        cr_expect_eq(flowlog__rules_load(r, text, strlen(text), &err), rows[i].status, "row %zu", i);
        cr_expect_eq(err.status, rows[i].status, "row %zu", i);
        cr_expect_str_eq(err.message, rows[i].message, "row %zu", i);
        cr_expect(err.line == 1 && err.column == err.offset + 1, "row %zu", i);
    }
    flowlog__rules_free(r);
}

Test(analyze_rules, a_failed_load_changes_nothing)
{
    static const char bad[] =
        "{'NetworkAcls':[{'NetworkAclId':'acl-1','VpcId':'vpc-1','IsDefault':true,'Entries':[]}],"
        "'SecurityGroups':[{'GroupId':'sg-1'}],'NetworkInterfaces':[{'NetworkInterfaceId':'eni-1','PrivateIpAddress':'10.0.2.6'}],"
        "'Subnets':[{'SubnetId':'subnet-1','VpcId':'vpc-1','CidrBlock':'0.0.0.0/0'}],'PrefixLists':{'pl-1':['10.0.0.0/8',1]}}";
    struct fl_rules *r = RULES(json(ifaces), json(OPEN_ACL), json(groups));
    struct fl_rule_question q = packet("eni-1", 0, "10.0.1.5", "198.51.100.7", 6, 443);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(flowlog__rules_load(r, json(bad), strlen(bad), NULL), FLOWLOG_E_SYNTAX);
        const struct fl_rule_answer a = ask(r, q);
        cr_expect(a.nacl == FL_RULE_ALLOW && a.sg == FL_RULE_ALLOW && a.same_subnet == 0);
        cr_expect_eq(ask(r, packet("eni-1", 0, "10.0.1.5", "10.9.0.1", 6, 6379)).sg, FL_RULE_MAYBE);
    }
    flowlog__rules_free(r);
}

Test(analyze_rules, every_truncation_is_refused_and_changes_nothing)
{
    struct fl_rules *r = RULES(json(ifaces), json(OPEN_ACL), json(groups));
    const struct fl_rule_question q = packet("eni-1", 0, "10.0.1.5", "198.51.100.7", 6, 443);
    const char *texts[] = {json(ifaces), json(groups), json("{'PrefixLists':{'pl-1':['10.0.0.0/8']}}")};
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t len = 0; len < strlen(texts[i]); len++) {
            struct guard g = guard_end(texts[i], len);
            flowlog_error err = {0};
            cr_assert_eq(flowlog__rules_load(r, (const char *)g.p, len, &err), FLOWLOG_E_SYNTAX);
            cr_assert(err.offset <= len && err.line == 1 && err.message[0]);
            guard_free(&g);
        }
    cr_expect(ask(r, q).nacl == FL_RULE_ALLOW && ask(r, q).sg == FL_RULE_ALLOW);
    flowlog__rules_free(r);
}

Test(analyze_rules, ids_that_hash_alike_are_refused_before_they_cost_time)
{
    enum { IDS = 4200, LOW = 14 /* bits: the table has 2^14 slots by then */ };
    char *text = malloc(IDS * 64 + 64);
    size_t n = (size_t)sprintf(text, "{\"Subnets\":[");
    uint64_t i = 0;
    for (unsigned ids = 0; ids < IDS; i++) {
        char id[8];
        for (unsigned k = 0; k < 8; k++) id[k] = (char)('A' + (i >> (5 * k) & 31)); /* 'A' to '`' */
        if (fl_hash_bytes(id, sizeof id) & ((1u << LOW) - 1)) continue;
        if (memchr(id, '\\', sizeof id)) continue;
        n += (size_t)sprintf(text + n, "%s{\"SubnetId\":\"%.8s\"}", ids ? "," : "", id);
        ids++;
    }
    n += (size_t)sprintf(text + n, "]}");
    struct fl_rules *r = RULES(json(ifaces));
    flowlog_error err = {0};
    cr_expect_eq(flowlog__rules_load(r, text, n, &err), FLOWLOG_E_LIMIT);
    cr_expect_str_eq(err.message, "too many ids that hash alike");
    struct fl_rule_interface f;
    cr_expect(flowlog__rules_interface(r, str("eni-1"), &f));
    flowlog__rules_free(r);
    free(text);
}

Test(analyze_rules, entries_of_an_acl_are_bounded)
{
    for (unsigned count = FL_RULES_ACL_ENTRIES_MAX; count <= FL_RULES_ACL_ENTRIES_MAX + 1; count++) {
        char *text = malloc(count * 120 + 100);
        size_t n = (size_t)sprintf(text, "{\"NetworkAcls\":[{\"NetworkAclId\":\"a\",\"Entries\":[");
        for (unsigned i = 0; i < count; i++)
            n += (size_t)sprintf(text + n, "%s{\"RuleNumber\":%u,\"Egress\":false,\"RuleAction\":\"allow\",\"Protocol\":\"6\","
                                 "\"CidrBlock\":\"0.0.0.0/0\"}", i ? "," : "", count - i);
        n += (size_t)sprintf(text + n, "]}]}");
        struct fl_rules *r;
        cr_assert_eq(flowlog__rules_new(NULL, &r), FLOWLOG_OK);
        flowlog_error err = {0};
        cr_expect_eq(flowlog__rules_load(r, text, n, &err),
                     count > FL_RULES_ACL_ENTRIES_MAX ? FLOWLOG_E_LIMIT : FLOWLOG_OK);
        flowlog__rules_free(r);
        free(text);
    }
}

Test(analyze_rules, every_allocation_may_fail)
{
    char *all[] = {strdup(json(ifaces)), strdup(json(OPEN_ACL)), strdup(json(groups)),
                   strdup(json("{'PrefixLists':{'pl-1':['10.0.0.0/8']},'Subnets':[{'SubnetId':'s','VpcId':'v','CidrBlock':"
                               "'10.0.0.0/8'}],'Vpcs':[{'VpcId':'v','CidrBlock':'10.0.0.0/8'}]}"))};
    char *many = malloc(40000);
    size_t n = (size_t)sprintf(many, "{\"Subnets\":[");
    for (int i = 0; i < 300; i++)
        n += (size_t)sprintf(many + n, "%s{\"SubnetId\":\"subnet-\\u0041%d\",\"VpcId\":\"vpc-%d\",\"CidrBlock\":\"10.0.0.0/%d\"}",
                             i ? "," : "", i, i % 7, i % 33);
    sprintf(many + n, "]}");
    for (size_t fail_at = 1;; fail_at++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail_at);
        struct fl_rules *r = NULL;
        flowlog_status status = flowlog__rules_new(&a, &r);
        for (size_t i = 0; status == FLOWLOG_OK && i <= COUNT(all); i++) {
            const char *text = i < COUNT(all) ? all[i] : many;
            flowlog_error err = {0};
            status = flowlog__rules_load(r, text, strlen(text), &err);
            if (status < 0) {
                cr_assert(status == FLOWLOG_E_MEMORY && err.status == status && err.message[0], "request %zu", fail_at);
                /* The next attempt succeeds: nothing was left half done. */
                status = flowlog__rules_load(r, text, strlen(text), NULL);
                cr_assert_eq(status, FLOWLOG_OK, "request %zu", fail_at);
            }
        }
        if (r) {
            const struct fl_rule_answer answer = ask(r, packet("eni-1", 0, "10.0.1.5", "10.0.77.7", 6, 6379));
            cr_assert(answer.sg == FL_RULE_ALLOW && answer.nacl == FL_RULE_ALLOW, "request %zu", fail_at);
        }
        flowlog__rules_free(r);
        cr_assert(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0, "request %zu", fail_at);
        if (t.requests < fail_at) {
            cr_expect_gt(fail_at, 40);
            break;
        }
    }
    for (size_t i = 0; i < COUNT(all); i++) free(all[i]);
    free(many);
}

/* --- warnings -------------------------------------------------------------------------------- */

static void expect_warnings(const struct fl_rules *r, const char *const *sentences, size_t count)
{
    struct fl_rule_cursor cursor = {0};
    struct fl_rule_warning w;
    size_t n = 0;
    while (flowlog__rules_warning(r, &cursor, &w)) {
        char text[512];
        const size_t len = flowlog__rule_warning_text(&w, text, sizeof text);
        cr_expect_eq(len, strlen(text));
        cr_expect(n < count && !strcmp(text, sentences[n]), "%zu: %s", n, text);
        n++;
    }
    cr_expect_eq(n, count);
    cr_expect_not(flowlog__rules_warning(r, &cursor, &w), "the end is the end");
}

Test(analyze_rules, warns_of_answers_that_an_acl_refuses)
{
    struct fl_rules *r = rules_with(ALL_IN ",{'RuleNumber':140,'Egress':true,'RuleAction':'allow','Protocol':'6',"
                                    "'CidrBlock':'0.0.0.0/0','PortRange':{'From':32768,'To':65535}}");
    static const char *const narrow[] = {
        "network ACL acl-1: inbound rule 100 allows requests from 0.0.0.0/0, but no outbound rule allows tcp answers to ports "
        "1024-32767; clients choose from 1024-65535"};
    expect_warnings(r, narrow, 1);
    flowlog__rules_free(r);

    r = rules_with("{'RuleNumber':10,'Egress':true,'RuleAction':'allow','Protocol':'6','CidrBlock':'0.0.0.0/0','PortRange':"
                   "{'From':443,'To':443}},{'RuleNumber':20,'Egress':false,'RuleAction':'allow','Protocol':'17','CidrBlock':"
                   "'0.0.0.0/0'},{'RuleNumber':30,'Egress':true,'RuleAction':'allow','Protocol':'17','CidrBlock':'10.0.0.0/8',"
                   "'PortRange':{'From':1024,'To':65535}}");
    static const char *const mirror[] = {
        "network ACL acl-1: inbound rule 20 allows requests from 0.0.0.0/0, but no outbound rule allows udp answers to ports "
        "1024-65535; clients choose from 1024-65535",
        "network ACL acl-1: outbound rule 10 allows requests to 0.0.0.0/0, but no inbound rule allows tcp answers from there to "
        "ports 1024-65535; clients choose from 1024-65535"};
    expect_warnings(r, mirror, 2);
    flowlog__rules_free(r);

    r = rules_with(ALL_IN ",{'RuleNumber':1,'Egress':true,'RuleAction':'allow','Protocol':'6','CidrBlock':'0.0.0.0/0','PortRange':"
                   "{'From':1024,'To':30000}},{'RuleNumber':2,'Egress':true,'RuleAction':'allow','Protocol':'6','CidrBlock':"
                   "'0.0.0.0/0','PortRange':{'From':40000,'To':65535}}");
    static const char *const gap[] = {
        "network ACL acl-1: inbound rule 100 allows requests from 0.0.0.0/0, but no outbound rule allows tcp answers to ports "
        "30001-39999; clients choose from 1024-65535"};
    expect_warnings(r, gap, 1);
    flowlog__rules_free(r);

    /* Two ranges that meet, one entry that denies one port, AWS's own advice. */
    r = rules_with(ALL_IN ",{'RuleNumber':1,'Egress':true,'RuleAction':'allow','Protocol':'6','CidrBlock':'0.0.0.0/0','PortRange':"
                   "{'From':1024,'To':32767}},{'RuleNumber':2,'Egress':true,'RuleAction':'allow','Protocol':'6','CidrBlock':"
                   "'0.0.0.0/0','PortRange':{'From':32768,'To':65535}}");
    expect_warnings(r, NULL, 0);
    flowlog__rules_free(r);
    r = rules_with(ALL_IN "," ALL_OUT ",{'RuleNumber':1,'Egress':true,'RuleAction':'deny','Protocol':'6','CidrBlock':'0.0.0.0/0',"
                   "'PortRange':{'From':3389,'To':3389}}");
    static const char *const one[] = {
        "network ACL acl-1: inbound rule 100 allows requests from 0.0.0.0/0, but no outbound rule allows tcp answers to port "
        "3389; clients choose from 1024-65535"};
    expect_warnings(r, one, 1);
    flowlog__rules_free(r);
    r = rules_with("{'RuleNumber':1,'Egress':false,'RuleAction':'allow','Protocol':'6','CidrBlock':'0.0.0.0/0','PortRange':"
                   "{'From':1024,'To':65535}}");
    expect_warnings(r, NULL, 0);
    flowlog__rules_free(r);
}

Test(analyze_rules, warns_of_deny_entries_that_are_never_reached)
{
    struct fl_rules *r = rules_with(ALL_IN "," ALL_OUT
        ",{'RuleNumber':200,'Egress':false,'RuleAction':'deny','Protocol':'6','CidrBlock':'203.0.113.0/24'},"
        "{'RuleNumber':90,'Egress':false,'RuleAction':'deny','Protocol':'6','CidrBlock':'203.0.113.0/25'},"
        "{'RuleNumber':201,'Egress':false,'RuleAction':'deny','Protocol':'6','CidrBlock':'203.0.113.0/26'},"
        "{'RuleNumber':300,'Egress':false,'RuleAction':'deny','Protocol':'6','Ipv6CidrBlock':'::/0'},"
        "{'RuleNumber':32767,'Egress':false,'RuleAction':'deny','Protocol':'-1','CidrBlock':'0.0.0.0/0'}");
    static const char *const sentences[] = {
        "network ACL acl-1: inbound deny rule 200 (203.0.113.0/24) is never reached: rule 100 before it allows all of it"};
    expect_warnings(r, sentences, 1);
    flowlog__rules_free(r);
}

Test(analyze_rules, warns_of_groups_without_active_peering)
{
    struct fl_rules *r = RULES(json("{'SecurityGroups':[{'GroupId':'sg-1','VpcId':'vpc-1','IpPermissions':[{'IpProtocol':'-1',"
        "'UserIdGroupPairs':[{'GroupId':'sg-1'},{'GroupId':'sg-2','VpcId':'vpc-2'},{'GroupId':'sg-3','VpcId':'vpc-2',"
        "'VpcPeeringConnectionId':'pcx-1','PeeringStatus':'active'},{'GroupId':'sg-4','VpcId':'vpc-2','VpcPeeringConnectionId':"
        "'pcx-1','PeeringStatus':'deleted'},{'GroupId':'sg-5','VpcId':'vpc-1'},{'GroupId':'sg-6'}]}]},"
        "{'GroupId':'sg-6','VpcId':'vpc-3'}]}"));
    static const char *const sentences[] = {
        "security group sg-1: an inbound rule names group sg-2 of another VPC without active peering, and lets nothing through",
        "security group sg-1: an inbound rule names group sg-4 of another VPC without active peering, and lets nothing through",
        "security group sg-1: an inbound rule names group sg-6 of another VPC without active peering, and lets nothing through"};
    expect_warnings(r, sentences, 3);
    flowlog__rules_free(r);
}
