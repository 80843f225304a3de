/* SPDX-License-Identifier: MIT */
/* analyze_rules_group.c - one change for all clients of a group: nobody else is let in, and nobody is left out. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "analyze/rules_group.h"

TestSuite(analyze_rules_group, .timeout = 30);

static uint32_t random_below(uint64_t *state, uint32_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32) % n;
}

static flowlog_addr host(int v6, unsigned n)
{
    char text[40];
    flowlog_addr a;
    snprintf(text, sizeof text, v6 ? "2001:db8::%x" : "10.0.0.%u", n);
    cr_assert_eq(flowlog_addr_parse(text, strlen(text), &a), FLOWLOG_OK);
    return a;
}

Test(analyze_rules_group, blocks_hold_the_addresses_and_no_others_and_cannot_be_fewer)
{
    uint64_t state = 88172645463325252u;
    for (unsigned round = 0; round < 300; round++) {
        const int v6 = round % 2;
        const unsigned dense = 1 + random_below(&state, 10);
        uint8_t in[256] = {0};
        struct fl_cidr block[256];
        size_t n = 0;
        for (unsigned i = 0; i < 256; i++) {
            in[i] = random_below(&state, 10) < dense;
            const flowlog_addr a = host(v6, i);
            if (in[i]) block[n++] = flowlog__cidr_of(&a, 128);
        }
        const size_t count = flowlog__cidr_join(block, n);
        size_t covered = 0;
        for (unsigned i = 0; i < 256; i++) {
            const flowlog_addr a = host(v6, i);
            unsigned times = 0;
            for (size_t k = 0; k < count; k++) times += (unsigned)flowlog__cidr_has(&block[k], &a);
            cr_assert_eq(times, in[i], "%u: %u", round, i);
            covered += times;
        }
        cr_assert_eq(covered, n);
        /* The fewest: at every size, halves are blocks of their own only where the other half is not whole. */
        size_t least = 0;
        for (unsigned i = 0; i < 256; i++) {
            unsigned size = 1;
            while (size < 256) { /* the largest whole block around i */
                const unsigned from = i / (2 * size) * (2 * size);
                unsigned k = from;
                while (k < from + 2 * size && in[k]) k++;
                if (k < from + 2 * size) break;
                size *= 2;
            }
            least += in[i] && i % size == 0;
        }
        cr_assert_eq(count, least, "%u: %zu, not %zu", round, count, least);
    }
}

static const char rules_text[] =
    "{\"NetworkInterfaces\":[{\"NetworkInterfaceId\":\"eni-1\",\"SubnetId\":\"subnet-1\",\"VpcId\":\"vpc-1\","
    "\"PrivateIpAddress\":\"10.9.1.5\",\"Groups\":[{\"GroupId\":\"sg-1\"}]}],"
    "\"SecurityGroups\":[{\"GroupId\":\"sg-1\",\"IpPermissions\":[],\"IpPermissionsEgress\":[]}],"
    "\"NetworkAcls\":[{\"NetworkAclId\":\"acl-1\",\"VpcId\":\"vpc-1\",\"IsDefault\":true,\"Entries\":["
    "{\"RuleNumber\":90,\"Egress\":false,\"RuleAction\":\"allow\",\"Protocol\":\"17\",\"CidrBlock\":\"10.0.0.0/8\"},"
    "{\"RuleNumber\":100,\"Egress\":false,\"RuleAction\":\"deny\",\"Protocol\":\"-1\",\"CidrBlock\":\"0.0.0.0/0\"},"
    "{\"RuleNumber\":100,\"Egress\":true,\"RuleAction\":\"allow\",\"Protocol\":\"-1\",\"CidrBlock\":\"0.0.0.0/0\"}]}]}";

/* Ask for clients 10.0.0.(numbers), and write what is to be added. */
static void ask(const unsigned *client, size_t n, char *row, size_t row_cap, char *command, size_t command_cap)
{
    static struct fl_rule_change change[FL_RULE_GROUP_MAX];
    struct fl_rule_group g = {change, 0, 0};
    struct fl_rules *r = NULL;
    flowlog_error err;
    cr_assert_eq(flowlog__rules_new(NULL, &r), FLOWLOG_OK);
    cr_assert_eq(flowlog__rules_load(r, rules_text, sizeof rules_text - 1, &err), FLOWLOG_OK, "%s", err.message);
    for (size_t i = 0; i < n; i++) {
        struct fl_rule_question q = {.eni = {"eni-1", 5}, .local = host(0, 0), .remote = host(0, client[i]),
                                     .dport = 443, .sport = 40000, .proto = 6, .same_subnet = 2};
        struct fl_rule_answer a;
        struct fl_rule_change c[FL_RULE_CHANGES_MAX];
        q.local.bytes[1] = 9;
        q.local.bytes[2] = 1;
        q.local.bytes[3] = 5;
        cr_assert_eq(flowlog__rules_ask(r, &q, &a), FLOWLOG_OK);
        flowlog__rule_group_add(&g, c, flowlog__rules_changes(r, &q, &a, c));
    }
    flowlog__rule_group_write(r, (flowlog_str){"eni-1", 5}, &g, row, row_cap, command, command_cap);
    flowlog__rules_free(r);
}

Test(analyze_rules_group, a_group_is_one_rule_with_a_list_and_an_entry_for_each_block)
{
    static const unsigned clients[] = {7, 4, 5, 6, 5, 9};
    char row[2048], command[2048];
    ask(clients, 6, row, sizeof row, command, sizeof command);
    cr_expect_str_eq(row, "network ACL acl-1: add inbound rule 99 allow tcp port 443 from 10.0.0.4/30, before rule 100\n"
                          "network ACL acl-1: add inbound rule 98 allow tcp port 443 from 10.0.0.9/32, before rule 100\n"
                          "security group sg-1: add inbound allow tcp port 443 from 10.0.0.4/30, 10.0.0.9/32");
    cr_expect_str_eq(command,
                     "aws ec2 create-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 99 --protocol 6 "
                     "--port-range From=443,To=443 --cidr-block 10.0.0.4/30 --rule-action allow\n"
                     "aws ec2 create-network-acl-entry --network-acl-id acl-1 --ingress --rule-number 98 --protocol 6 "
                     "--port-range From=443,To=443 --cidr-block 10.0.0.9/32 --rule-action allow\n"
                     "aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions "
                     "'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=10.0.0.4/30},{CidrIp=10.0.0.9/32}]'");
}

Test(analyze_rules_group, what_has_no_room_is_counted)
{
    unsigned clients[120];
    char row[8192], command[16384], small[200];
    for (unsigned i = 0; i < 120; i++) clients[i] = 2 * i; /* no two are halves */
    ask(clients, 120, row, sizeof row, command, sizeof command);
    unsigned lines = 1, numbers = 0;
    for (const char *c = row; *c; c++) lines += *c == '\n';
    for (const char *c = command; (c = strstr(c, "--rule-number ")); c++) numbers++;
    cr_expect(strstr(row, "and ") && strstr(row, " more"), "%s", row);
    cr_expect(numbers > 50 && lines > 50 && lines < 120);
    for (size_t cap = 0; cap < sizeof small; cap++) {
        memset(small, 'x', sizeof small);
        ask(clients, 3, small, cap, command, cap);
        cr_assert(!cap || strlen(small) < cap, "%zu", cap);
        cr_assert_eq(small[cap], 'x');
    }
}
