/* SPDX-License-Identifier: MIT */
/*
 * schema_catalogue.c - the catalogue against AWS's two tables, recorded here a second time by hand, and
 * names in every spelling.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "flowlog/field.h"
#include "schema/catalogue.h"
#include "support/guard.h"

TestSuite(schema_catalogue, .timeout = 20);

struct aws_field {
    const char *name;
    unsigned version;
    const char *parquet;
};

/* Amazon VPC User Guide, "Flow log records", in the order of its table. */
static const struct aws_field aws_vpc[] = {
    {"version", 2, "INT_32"},
    {"account-id", 2, "STRING"},
    {"interface-id", 2, "STRING"},
    {"srcaddr", 2, "STRING"},
    {"dstaddr", 2, "STRING"},
    {"srcport", 2, "INT_32"},
    {"dstport", 2, "INT_32"},
    {"protocol", 2, "INT_32"},
    {"packets", 2, "INT_64"},
    {"bytes", 2, "INT_64"},
    {"start", 2, "INT_64"},
    {"end", 2, "INT_64"},
    {"action", 2, "STRING"},
    {"log-status", 2, "STRING"},
    {"vpc-id", 3, "STRING"},
    {"subnet-id", 3, "STRING"},
    {"instance-id", 3, "STRING"},
    {"tcp-flags", 3, "INT_32"},
    {"type", 3, "STRING"},
    {"pkt-srcaddr", 3, "STRING"},
    {"pkt-dstaddr", 3, "STRING"},
    {"region", 4, "STRING"},
    {"az-id", 4, "STRING"},
    {"sublocation-type", 4, "STRING"},
    {"sublocation-id", 4, "STRING"},
    {"pkt-src-aws-service", 5, "STRING"},
    {"pkt-dst-aws-service", 5, "STRING"},
    {"flow-direction", 5, "STRING"},
    {"traffic-path", 5, "INT_32"},
    {"ecs-cluster-arn", 7, "STRING"},
    {"ecs-cluster-name", 7, "STRING"},
    {"ecs-container-instance-arn", 7, "STRING"},
    {"ecs-container-instance-id", 7, "STRING"},
    {"ecs-container-id", 7, "STRING"},
    {"ecs-second-container-id", 7, "STRING"},
    {"ecs-service-name", 7, "STRING"},
    {"ecs-task-definition-arn", 7, "STRING"},
    {"ecs-task-arn", 7, "STRING"},
    {"ecs-task-id", 7, "STRING"},
    {"reject-reason", 8, "STRING"},
    {"resource-id", 9, "STRING"},
    {"encryption-status", 10, "INT_32"},
    {"instance-tag", 11, "STRING"},
    {"instance-tag-2", 11, "STRING"},
    {"interface-tag", 11, "STRING"},
    {"interface-tag-2", 11, "STRING"},
    {"asg-tag", 11, "STRING"},
    {"asg-tag-2", 11, "STRING"},
    {"interface-type", 11, "STRING"},
    {"next-hop-interface-id", 11, "STRING"},
    {"next-hop-subnet-id", 11, "STRING"},
    {"next-hop-az-id", 11, "STRING"},
    {"next-hop-vpc-id", 11, "STRING"},
    {"next-hop-interface-type", 11, "STRING"},
};

/* Transit Gateway guide, "Flow log records", in the order of its table. */
static const struct aws_field aws_tgw[] = {
    {"version", 2, "INT_32"},
    {"resource-type", 6, "STRING"},
    {"account-id", 2, "STRING"},
    {"tgw-id", 6, "STRING"},
    {"tgw-attachment-id", 6, "STRING"},
    {"tgw-src-vpc-account-id", 6, "STRING"},
    {"tgw-dst-vpc-account-id", 6, "STRING"},
    {"tgw-src-vpc-id", 6, "STRING"},
    {"tgw-dst-vpc-id", 6, "STRING"},
    {"tgw-src-subnet-id", 6, "STRING"},
    {"tgw-dst-subnet-id", 6, "STRING"},
    {"tgw-src-eni", 6, "STRING"},
    {"tgw-dst-eni", 6, "STRING"},
    {"tgw-src-az-id", 6, "STRING"},
    {"tgw-dst-az-id", 6, "STRING"},
    {"tgw-pair-attachment-id", 6, "STRING"},
    {"srcaddr", 2, "STRING"},
    {"dstaddr", 2, "STRING"},
    {"srcport", 2, "INT_32"},
    {"dstport", 2, "INT_32"},
    {"protocol", 2, "INT_32"},
    {"packets", 2, "INT_64"},
    {"bytes", 2, "INT_64"},
    {"start", 2, "INT_64"},
    {"end", 2, "INT_64"},
    {"log-status", 2, "STRING"},
    {"type", 3, "STRING"},
    {"packets-lost-no-route", 6, "INT_64"},
    {"packets-lost-blackhole", 6, "INT_64"},
    {"packets-lost-mtu-exceeded", 6, "INT_64"},
    {"packets-lost-ttl-expired", 6, "INT_64"},
    {"tcp-flags", 3, "INT_32"},
    {"region", 4, "STRING"},
    {"flow-direction", 5, "STRING"},
    {"pkt-src-aws-service", 5, "STRING"},
    {"pkt-dst-aws-service", 5, "STRING"},
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static uint32_t find(const char *name)
{
    return flowlog_field_find(name, strlen(name));
}

static void expect_as_recorded(const struct aws_field *f)
{
    const flowlog_field_info *info = flowlog_field_get(find(f->name));
    cr_assert_not_null(info, "%s", f->name);
    cr_expect_str_eq(info->name, f->name);
    cr_expect_eq(info->version, f->version, "%s: version %u", f->name, info->version);
    const char *parquet = strcmp(f->parquet, "STRING") == 0   ? "BYTE_ARRAY (STRING)"
                          : strcmp(f->parquet, "INT_32") == 0 ? "INT32"
                                                              : "INT64";
    cr_expect_str_eq(info->parquet, parquet, "%s: %s", f->name, info->parquet);
}

Test(schema_catalogue, has_the_vpc_fields_of_the_guide_in_its_order)
{
    cr_assert_eq(COUNT(aws_vpc), FLOWLOG_VPC_FIELDS);
    for (uint32_t i = 0; i < COUNT(aws_vpc); i++) {
        cr_expect_eq(find(aws_vpc[i].name), i + 1, "%s", aws_vpc[i].name);
        expect_as_recorded(&aws_vpc[i]);
    }
}

Test(schema_catalogue, has_the_transit_gateway_fields_of_the_guide_and_no_others)
{
    cr_assert_eq(COUNT(aws_tgw), FLOWLOG_TGW_FIELDS);
    unsigned vpc = 0, tgw = 0, listed = 0;
    for (size_t i = 0; i < COUNT(aws_tgw); i++) {
        expect_as_recorded(&aws_tgw[i]);
        cr_expect_eq(flowlog_field_get(find(aws_tgw[i].name))->tgw, 1, "%s", aws_tgw[i].name);
    }
    for (uint32_t f = 1; f <= flowlog_field_count(); f++) {
        const flowlog_field_info *info = flowlog_field_get(f);
        vpc += info->vpc;
        tgw += info->tgw;
        cr_expect(info->vpc || info->tgw, "%s", info->name);
        cr_expect_eq(info->vpc, f <= FLOWLOG_VPC_FIELDS, "%s", info->name);
        listed++;
    }
    cr_expect_eq(vpc, 54);
    cr_expect_eq(tgw, 36);
    cr_expect_eq(listed, 72);
}

Test(schema_catalogue, counts_the_vpc_fields_of_each_version_as_the_guide_does)
{
    static const unsigned expected[12] = {0, 0, 14, 21, 25, 29, 29, 39, 40, 41, 42, 54};
    for (unsigned version = 0; version <= 11; version++) {
        unsigned count = 0;
        for (uint32_t f = 1; f <= flowlog_field_count(); f++)
            count += flowlog_field_get(f)->vpc && flowlog_field_get(f)->version <= version;
        cr_expect_eq(count, expected[version], "version %u: %u", version, count);
    }
}

Test(schema_catalogue, numbers_rows_from_1_and_has_no_row_beyond)
{
    cr_expect_eq(flowlog_field_count(), FL_FIELDS);
    cr_expect_null(flowlog_field_get(0));
    cr_expect_null(flowlog_field_get(flowlog_field_count() + 1));
    cr_expect_null(flowlog_field_get(UINT32_MAX));
    for (uint32_t f = 1; f <= flowlog_field_count(); f++) {
        const flowlog_field_info *info = flowlog_field_get(f);
        cr_expect_eq(info->field, f);
        cr_expect(info->meaning && info->meaning[0], "%s has a meaning", info->name);
        cr_expect(info->type >= FLOWLOG_TYPE_TEXT && info->type <= FLOWLOG_TYPE_ENUM, "%s", info->name);
    }
    cr_expect_eq(FLOWLOG_FIELD_SRCADDR, 4);
    cr_expect_eq(FLOWLOG_FIELD_NEXT_HOP_INTERFACE_TYPE, 54);
    cr_expect_eq(FLOWLOG_FIELD_PACKETS_LOST_TTL_EXPIRED, 72);
}

Test(schema_catalogue, gives_the_parquet_and_arrow_type_of_every_type)
{
    static const struct {
        int type;
        const char *parquet, *arrow;
    } expected[] = {
        {FLOWLOG_TYPE_TEXT, "BYTE_ARRAY (STRING)", "u"}, {FLOWLOG_TYPE_U32, "INT32", "I"},
        {FLOWLOG_TYPE_U64, "INT64", "L"},                {FLOWLOG_TYPE_TIME, "INT64", "tss:UTC"},
        {FLOWLOG_TYPE_ADDR, "BYTE_ARRAY (STRING)", "u"}, {FLOWLOG_TYPE_ENUM, "BYTE_ARRAY (STRING)", "u"},
    };
    for (uint32_t f = 1; f <= flowlog_field_count(); f++) {
        const flowlog_field_info *info = flowlog_field_get(f);
        for (size_t i = 0; i < COUNT(expected); i++) {
            if (info->type != expected[i].type) continue;
            cr_expect_str_eq(info->parquet, expected[i].parquet, "%s", info->name);
            cr_expect_str_eq(info->arrow, expected[i].arrow, "%s", info->name);
        }
    }
    cr_expect_eq(flowlog_field_get(FLOWLOG_FIELD_ACCOUNT_ID)->type, FLOWLOG_TYPE_TEXT);
    cr_expect_eq(flowlog_field_get(FLOWLOG_FIELD_PKT_DSTADDR)->type, FLOWLOG_TYPE_ADDR);
    cr_expect_eq(flowlog_field_get(FLOWLOG_FIELD_END)->type, FLOWLOG_TYPE_TIME);
}

Test(schema_catalogue, underscore_names_are_the_names_with_underscores)
{
    for (uint32_t f = 1; f <= flowlog_field_count(); f++) {
        const flowlog_field_info *info = flowlog_field_get(f);
        char expected[64] = "";
        for (size_t i = 0; info->name[i]; i++) expected[i] = info->name[i] == '-' ? '_' : info->name[i];
        cr_expect_str_eq(info->underscore, expected);
        cr_expect_leq(strlen(info->name), FL_FIELD_NAME_MAX);
        cr_expect_leq(strlen(info->insights), FL_FIELD_NAME_MAX);
    }
}

Test(schema_catalogue, insights_names_are_those_that_logs_insights_discovers)
{
    /* CloudWatch Logs User Guide, "Supported logs and discovered fields". */
    static const char *const discovered[] = {
        "accountId", "endTime", "interfaceId", "logStatus", "startTime", "version", "action", "bytes",
        "dstAddr", "dstPort", "packets", "protocol", "srcAddr", "srcPort",
    };
    unsigned met = 0;
    for (uint32_t f = 1; f <= 14; f++)
        for (size_t i = 0; i < COUNT(discovered); i++)
            met += strcmp(flowlog_field_get(f)->insights, discovered[i]) == 0;
    cr_expect_eq(met, 14);
    for (uint32_t f = 15; f <= flowlog_field_count(); f++) { /* ours: the words of the name, joined */
        const flowlog_field_info *info = flowlog_field_get(f);
        char expected[64] = "";
        size_t n = 0;
        for (const char *c = info->name; *c; c++) {
            if (*c == '-') {
                c++;
                expected[n++] = *c >= 'a' && *c <= 'z' ? (char)(*c - 0x20) : *c;
            } else {
                expected[n++] = *c;
            }
        }
        if (f == FLOWLOG_FIELD_PKT_SRCADDR) strcpy(expected, "pktSrcAddr");
        if (f == FLOWLOG_FIELD_PKT_DSTADDR) strcpy(expected, "pktDstAddr");
        cr_expect_str_eq(info->insights, expected);
    }
}

Test(schema_catalogue, finds_each_field_by_all_of_its_spellings)
{
    for (uint32_t f = 1; f <= flowlog_field_count(); f++) {
        const flowlog_field_info *info = flowlog_field_get(f);
        const char *const spellings[] = {info->name, info->underscore, info->insights};
        for (size_t s = 0; s < 3; s++) {
            char upper[64] = "", lower[64] = "", joined[64] = "", quoted[3][64];
            size_t n = 0;
            for (size_t i = 0; spellings[s][i]; i++) {
                const char c = spellings[s][i];
                upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c;
                lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 0x20) : c;
                if (c != '-' && c != '_') joined[n++] = c;
            }
            snprintf(quoted[0], 64, "\"%s\"", spellings[s]);
            snprintf(quoted[1], 64, "`%s`", spellings[s]);
            snprintf(quoted[2], 64, "'%s'", spellings[s]);
            const char *const all[] = {spellings[s], upper, lower, joined, quoted[0], quoted[1], quoted[2]};
            for (size_t i = 0; i < COUNT(all); i++) cr_expect_eq(find(all[i]), f, "%s", all[i]);
        }
    }
}

Test(schema_catalogue, finds_the_names_that_are_seen_in_the_wild)
{
    static const struct {
        const char *name;
        uint32_t field;
    } table[] = {
        {"src_addr", FLOWLOG_FIELD_SRCADDR},          {"dst_addr", FLOWLOG_FIELD_DSTADDR},
        {"src_port", FLOWLOG_FIELD_SRCPORT},          {"dst_port", FLOWLOG_FIELD_DSTPORT},
        {"srcAddr", FLOWLOG_FIELD_SRCADDR},           {"dstPort", FLOWLOG_FIELD_DSTPORT},
        {"pkt_srcaddr", FLOWLOG_FIELD_PKT_SRCADDR},   {"pkt_src_addr", FLOWLOG_FIELD_PKT_SRCADDR},
        {"pkt_dst_addr", FLOWLOG_FIELD_PKT_DSTADDR},  {"pkt-dst-addr", FLOWLOG_FIELD_PKT_DSTADDR},
        {"start_time", FLOWLOG_FIELD_START},          {"start-time", FLOWLOG_FIELD_START},
        {"startTime", FLOWLOG_FIELD_START},           {"starttime", FLOWLOG_FIELD_START},
        {"end_time", FLOWLOG_FIELD_END},              {"end-time", FLOWLOG_FIELD_END},
        {"endTime", FLOWLOG_FIELD_END},               {"\"start\"", FLOWLOG_FIELD_START},
        {"\"end\"", FLOWLOG_FIELD_END},               {"`end`", FLOWLOG_FIELD_END},
        {"accountid", FLOWLOG_FIELD_ACCOUNT_ID},      {"interfaceid", FLOWLOG_FIELD_INTERFACE_ID},
        {"logstatus", FLOWLOG_FIELD_LOG_STATUS},      {"accountId", FLOWLOG_FIELD_ACCOUNT_ID},
        {"vpcId", FLOWLOG_FIELD_VPC_ID},              {"tcpFlags", FLOWLOG_FIELD_TCP_FLAGS},
        {"tcp_flags", FLOWLOG_FIELD_TCP_FLAGS},       {"pktSrcAwsService", FLOWLOG_FIELD_PKT_SRC_AWS_SERVICE},
        {"instance_tag_2", FLOWLOG_FIELD_INSTANCE_TAG_2}, {"instance-tag2", FLOWLOG_FIELD_INSTANCE_TAG_2},
        {"LOG_STATUS", FLOWLOG_FIELD_LOG_STATUS},     {"log-Status", FLOWLOG_FIELD_LOG_STATUS},
        {"tgw-src-eni", FLOWLOG_FIELD_TGW_SRC_ENI},   {"tgw_srcEni", FLOWLOG_FIELD_TGW_SRC_ENI},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        cr_expect_eq(find(table[i].name), table[i].field, "row %zu: %s", i, table[i].name);
}

Test(schema_catalogue, does_not_find_what_only_resembles_a_name)
{
    static const char *const names[] = {
        "", "-", "_", "\"", "\"\"", "`end", "end`", "\"end`", "s-tart", "st_art", "-start", "start-", "_start",
        "start_", "src--addr", "src-_addr", "src__addr", "srcadd", "srcaddrs", "src addr", " srcaddr",
        "srcaddr ", "export-timestamp", "az", "id", "interface", "account", "pkt", "ecs_cluster", "starttimes",
        "start_end", "unknown", "default", "tgw", "ecs-container-instance-arn-x", "\"\"end\"\"", "tcp flags",
        "@message", "${version}", "version,", "srcaddr\r", "vpc\x01id", "ve\xE9rsion", "PROTOCO\x4C\x80",
    };
    for (size_t i = 0; i < COUNT(names); i++) cr_expect_eq(find(names[i]), 0u, "row %zu: '%s'", i, names[i]);
    cr_expect_eq(flowlog_field_find(NULL, 0), 0u);
    cr_expect_eq(flowlog_field_find("version\0", 8), 0u);
    cr_expect_eq(flowlog_field_find("ver\0sion", 8), 0u);
    cr_expect_eq(flowlog_field_find("version account", 7), (uint32_t)FLOWLOG_FIELD_VERSION);
}

Test(schema_catalogue, every_name_with_one_byte_changed_is_unknown_or_another_spelling)
{
    for (uint32_t f = 1; f <= flowlog_field_count(); f++) {
        const char *name = flowlog_field_get(f)->name;
        const size_t len = strlen(name);
        for (size_t at = 0; at < len; at++) {
            for (unsigned c = 0; c < 256; c++) {
                char changed[64];
                memcpy(changed, name, len);
                changed[at] = (char)c;
                const uint32_t found = flowlog_field_find(changed, len);
                const int hyphen = name[at] == '-' && (c == '-' || c == '_');
                const int letter = name[at] >= 'a' && (c | 0x20) == (unsigned)name[at] && c < 0x80;
                const int same = c == (unsigned char)name[at] || hyphen || letter;
                cr_assert_eq(found, same ? f : 0, "%.*s", (int)len, changed);
            }
        }
    }
}

/* The table for a factor; 0 when two names share a slot. */
static int fill_slots(uint32_t factor, uint8_t slots[256])
{
    memset(slots, 0, 256);
    for (uint32_t f = 1; f <= flowlog_field_count(); f++) {
        const char *const names[] = {flowlog_field_get(f)->name, flowlog_field_get(f)->insights};
        for (size_t i = 0; i < COUNT(names); i++) {
            uint8_t *slot = &slots[fl_field_hash(names[i], strlen(names[i]), factor)];
            if (*slot && *slot != f) return 0;
            *slot = (uint8_t)f;
        }
    }
    return 1;
}

Test(schema_catalogue, computes_the_table_of_the_perfect_hash_again)
{
    uint8_t slots[256];
    uint32_t factor = FL_FIELD_HASH_FACTOR;
    while (!fill_slots(factor, slots)) factor = factor * 1664525u + 1013904222u; /* stays odd */
    cr_expect_eq(factor, FL_FIELD_HASH_FACTOR, "FL_FIELD_HASH_FACTOR must be 0x%08X", (unsigned)factor);
    const int same = memcmp(slots, flowlog__field_slots, sizeof slots) == 0;
    cr_expect(same);
    for (size_t i = 0; !same && i < sizeof slots; i++) printf("%2u,%c", slots[i], i % 16 == 15 ? '\n' : ' ');
}

Test(schema_catalogue, reads_no_byte_outside_the_name)
{
    for (uint32_t f = 1; f <= flowlog_field_count(); f++) {
        const char *name = flowlog_field_get(f)->name;
        for (size_t len = 0; len <= strlen(name); len++) {
            struct guard end = guard_end(name, len), start = guard_start(name, len);
            const uint32_t a = flowlog_field_find((const char *)end.p, len);
            cr_expect_eq(a, flowlog_field_find((const char *)start.p, len));
            if (len == strlen(name)) cr_expect_eq(a, f);
            guard_free(&end);
            guard_free(&start);
        }
    }
}
