/* SPDX-License-Identifier: MIT */
/*
 * fuzz_rules.c - any bytes as what the AWS CLI prints, added to rules that are there already.
 *
 * Whatever was taken, every interface has answers, changes that fit their rows, and facts that agree; a text that was
 * not taken leaves all answers as they were.  The first byte chooses the packets that are asked about.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(condition) \
    do { \
        if (!(condition)) abort(); \
    } while (0)

static const char base[] =
    "{\"NetworkInterfaces\":[{\"NetworkInterfaceId\":\"eni-1\",\"SubnetId\":\"subnet-1\",\"VpcId\":\"vpc-1\","
    "\"PrivateIpAddress\":\"10.0.1.5\",\"Groups\":[{\"GroupId\":\"sg-1\"}]},{\"NetworkInterfaceId\":\"eni-2\","
    "\"SubnetId\":\"subnet-2\",\"VpcId\":\"vpc-1\",\"PrivateIpAddress\":\"10.0.2.6\",\"Groups\":[{\"GroupId\":\"sg-2\"}]}],"
    "\"SecurityGroups\":[{\"GroupId\":\"sg-1\",\"IpPermissions\":[{\"IpProtocol\":\"tcp\",\"FromPort\":443,\"ToPort\":443,"
    "\"UserIdGroupPairs\":[{\"GroupId\":\"sg-2\"}],\"PrefixListIds\":[{\"PrefixListId\":\"pl-1\"}]}]}],"
    "\"NetworkAcls\":[{\"NetworkAclId\":\"acl-1\",\"VpcId\":\"vpc-1\",\"IsDefault\":true,\"Entries\":[{\"RuleNumber\":100,"
    "\"Egress\":false,\"RuleAction\":\"allow\",\"Protocol\":\"-1\",\"CidrBlock\":\"10.0.0.0/8\"}]}]}";

static flowlog_addr address(const char *text)
{
    flowlog_addr a;
    CHECK(flowlog_addr_parse(text, strlen(text), &a) == FLOWLOG_OK);
    return a;
}

/* Packet number i at an interface. */
static struct fl_rule_question packet(flowlog_str eni, unsigned i)
{
    static const char *const remotes[] = {"10.0.1.5", "10.0.2.6", "10.0.1.9", "203.0.113.9", "2001:db8::1", "fd00::1"};
    static const uint8_t protos[] = {6, 17, 1, 58, 47};
    struct fl_rule_question q;
    memset(&q, 0, sizeof q);
    q.eni = eni;
    q.remote = address(remotes[i % 6]);
    q.local = address(q.remote.family == 4 ? "10.0.1.5" : "2001:db8::5");
    q.proto = protos[i / 6 % 5];
    q.dport = (uint16_t)(i * 443u);
    q.sport = (uint16_t)(i * 20641u);
    q.egress = i & 1;
    q.reply = i >> 1 & 1;
    q.same_subnet = (uint8_t)(i % 3);
    return q;
}

static void check_packet(const struct fl_rules *r, const struct fl_rule_question *q)
{
    char row[FL_RULE_ROW_MAX * FL_RULE_CHANGES_MAX + 1], command[FL_RULE_COMMAND_MAX * FL_RULE_CHANGES_MAX + 1];
    struct fl_rule_answer a;
    CHECK(flowlog__rules_ask(r, q, &a) == FLOWLOG_OK);
    CHECK(a.nacl <= FL_RULE_MAYBE && a.sg <= FL_RULE_MAYBE && a.same_subnet <= 2);
    CHECK(!q->reply || a.sg == FL_RULE_NOT_CONSULTED);
    CHECK((a.sg_closest_kind == FL_RULE_MISS_NONE) == (a.sg_closest_group.len == 0));
    const size_t count = flowlog__rules_change(r, q, &a, row, sizeof row, command, sizeof command);
    CHECK(count <= FL_RULE_CHANGES_MAX && (count == 0) == (row[0] == '\0'));
    size_t lines = count > 0;
    for (const char *c = row; *c; c++) lines += *c == '\n';
    CHECK(lines == count);
    CHECK(flowlog__rules_tracking(r, q) <= FL_TRACKING_UNTRACKED);
}

static void check_interface(const struct fl_rules *r, const struct fl_rule_interface *f)
{
    struct fl_rule_interface same;
    CHECK(f->id.len && flowlog__rules_interface(r, f->id, &same) && same.index == f->index);
    for (uint32_t i = 0; i < f->addresses && i < 8; i++) {
        const struct fl_cidr c = flowlog__rules_address(r, f, i);
        flowlog_addr a = {.family = c.family};
        memcpy(a.bytes, c.bytes, sizeof a.bytes);
        struct fl_rule_interface owner;
        CHECK(c.family == 4 || c.family == 6);
        /* A later interface, or a longer prefix, of the same VPC may own it; never nobody. */
        CHECK(!f->vpc.len || flowlog__rules_owner(r, &a, f->vpc, &owner));
        CHECK(flowlog__rules_in_subnet(r, f->subnet, &a) <= 2 && flowlog__rules_in_vpc(r, f->vpc, &a) <= 2);
    }
}

static void check_warnings(const struct fl_rules *r)
{
    struct fl_rule_cursor cursor = {0, 0, 0};
    struct fl_rule_warning w;
    for (int i = 0; i < 50 && flowlog__rules_warning(r, &cursor, &w); i++) {
        char text[64];
        CHECK(flowlog__rule_warning_text(&w, text, sizeof text) > 0 && w.code && w.id.len);
        CHECK(w.from <= w.to || w.proto == 1 || w.proto == 58);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char ids[] = "eni-1eni-2";
    struct fl_rules *r = NULL;
    struct fl_rule_answer before[8], after;
    flowlog_error err = {0};
    if (!len) return 0;
    CHECK(flowlog__rules_new(NULL, &r) == FLOWLOG_OK);
    CHECK(flowlog__rules_load(r, base, sizeof base - 1, &err) == FLOWLOG_OK);
    for (unsigned i = 0; i < 8; i++) {
        const struct fl_rule_question q = packet((flowlog_str){ids + i % 2 * 5, 5}, data[0] + i);
        CHECK(flowlog__rules_ask(r, &q, &before[i]) == FLOWLOG_OK);
    }
    const flowlog_status status = flowlog__rules_load(r, (const char *)data + 1, len - 1, &err);
    if (status < 0) {
        CHECK(err.status == status && err.message[0] && err.offset <= len - 1);
        for (unsigned i = 0; i < 8; i++) {
            const struct fl_rule_question q = packet((flowlog_str){ids + i % 2 * 5, 5}, data[0] + i);
            CHECK(flowlog__rules_ask(r, &q, &after) == FLOWLOG_OK);
            CHECK(after.nacl == before[i].nacl && after.sg == before[i].sg &&
                  after.rule_number == before[i].rule_number);
        }
    }
    struct fl_rule_interface f;
    for (uint32_t i = 0; i < 16 && flowlog__rules_interface_at(r, i, &f); i++) {
        check_interface(r, &f);
        for (unsigned k = 0; k < 8; k++) {
            const struct fl_rule_question q = packet(f.id, data[0] + k);
            check_packet(r, &q);
        }
    }
    check_warnings(r);
    flowlog__rules_free(r);
    return 0;
}
