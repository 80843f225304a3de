/* SPDX-License-Identifier: MIT */
/*
 * catalogue.c - FLOWLOG_FIELD_MAP as rows, and any spelling of a field to its number.
 *
 * A spelling is compared with a row's Insights name: letter case does not matter, and a hyphen or an
 * underscore may stand, or be left out, where a new word begins.  So src_addr, SRCADDR and pkt-src-addr
 * are fields, and s-tart is none.  Only start and end have Insights names of other words (startTime) and
 * need the second comparison, with the name itself.
 *
 * Which row to compare with comes from a perfect hash over the letters, because the header rule
 * (format.c) asks for each token of a line.
 */
#include "schema/catalogue.h"

/* X(ID, name in Athena and Parquet, name in Logs Insights). */
#define SPELLINGS(X) \
    X(VERSION, "version", "version") \
    X(ACCOUNT_ID, "account_id", "accountId") \
    X(INTERFACE_ID, "interface_id", "interfaceId") \
    X(SRCADDR, "srcaddr", "srcAddr") \
    X(DSTADDR, "dstaddr", "dstAddr") \
    X(SRCPORT, "srcport", "srcPort") \
    X(DSTPORT, "dstport", "dstPort") \
    X(PROTOCOL, "protocol", "protocol") \
    X(PACKETS, "packets", "packets") \
    X(BYTES, "bytes", "bytes") \
    X(START, "start", "startTime") \
    X(END, "end", "endTime") \
    X(ACTION, "action", "action") \
    X(LOG_STATUS, "log_status", "logStatus") \
    X(VPC_ID, "vpc_id", "vpcId") \
    X(SUBNET_ID, "subnet_id", "subnetId") \
    X(INSTANCE_ID, "instance_id", "instanceId") \
    X(TCP_FLAGS, "tcp_flags", "tcpFlags") \
    X(TYPE, "type", "type") \
    X(PKT_SRCADDR, "pkt_srcaddr", "pktSrcAddr") \
    X(PKT_DSTADDR, "pkt_dstaddr", "pktDstAddr") \
    X(REGION, "region", "region") \
    X(AZ_ID, "az_id", "azId") \
    X(SUBLOCATION_TYPE, "sublocation_type", "sublocationType") \
    X(SUBLOCATION_ID, "sublocation_id", "sublocationId") \
    X(PKT_SRC_AWS_SERVICE, "pkt_src_aws_service", "pktSrcAwsService") \
    X(PKT_DST_AWS_SERVICE, "pkt_dst_aws_service", "pktDstAwsService") \
    X(FLOW_DIRECTION, "flow_direction", "flowDirection") \
    X(TRAFFIC_PATH, "traffic_path", "trafficPath") \
    X(ECS_CLUSTER_ARN, "ecs_cluster_arn", "ecsClusterArn") \
    X(ECS_CLUSTER_NAME, "ecs_cluster_name", "ecsClusterName") \
    X(ECS_CONTAINER_INSTANCE_ARN, "ecs_container_instance_arn", "ecsContainerInstanceArn") \
    X(ECS_CONTAINER_INSTANCE_ID, "ecs_container_instance_id", "ecsContainerInstanceId") \
    X(ECS_CONTAINER_ID, "ecs_container_id", "ecsContainerId") \
    X(ECS_SECOND_CONTAINER_ID, "ecs_second_container_id", "ecsSecondContainerId") \
    X(ECS_SERVICE_NAME, "ecs_service_name", "ecsServiceName") \
    X(ECS_TASK_DEFINITION_ARN, "ecs_task_definition_arn", "ecsTaskDefinitionArn") \
    X(ECS_TASK_ARN, "ecs_task_arn", "ecsTaskArn") \
    X(ECS_TASK_ID, "ecs_task_id", "ecsTaskId") \
    X(REJECT_REASON, "reject_reason", "rejectReason") \
    X(RESOURCE_ID, "resource_id", "resourceId") \
    X(ENCRYPTION_STATUS, "encryption_status", "encryptionStatus") \
    X(INSTANCE_TAG, "instance_tag", "instanceTag") \
    X(INSTANCE_TAG_2, "instance_tag_2", "instanceTag2") \
    X(INTERFACE_TAG, "interface_tag", "interfaceTag") \
    X(INTERFACE_TAG_2, "interface_tag_2", "interfaceTag2") \
    X(ASG_TAG, "asg_tag", "asgTag") \
    X(ASG_TAG_2, "asg_tag_2", "asgTag2") \
    X(INTERFACE_TYPE, "interface_type", "interfaceType") \
    X(NEXT_HOP_INTERFACE_ID, "next_hop_interface_id", "nextHopInterfaceId") \
    X(NEXT_HOP_SUBNET_ID, "next_hop_subnet_id", "nextHopSubnetId") \
    X(NEXT_HOP_AZ_ID, "next_hop_az_id", "nextHopAzId") \
    X(NEXT_HOP_VPC_ID, "next_hop_vpc_id", "nextHopVpcId") \
    X(NEXT_HOP_INTERFACE_TYPE, "next_hop_interface_type", "nextHopInterfaceType") \
    X(RESOURCE_TYPE, "resource_type", "resourceType") \
    X(TGW_ID, "tgw_id", "tgwId") \
    X(TGW_ATTACHMENT_ID, "tgw_attachment_id", "tgwAttachmentId") \
    X(TGW_SRC_VPC_ACCOUNT_ID, "tgw_src_vpc_account_id", "tgwSrcVpcAccountId") \
    X(TGW_DST_VPC_ACCOUNT_ID, "tgw_dst_vpc_account_id", "tgwDstVpcAccountId") \
    X(TGW_SRC_VPC_ID, "tgw_src_vpc_id", "tgwSrcVpcId") \
    X(TGW_DST_VPC_ID, "tgw_dst_vpc_id", "tgwDstVpcId") \
    X(TGW_SRC_SUBNET_ID, "tgw_src_subnet_id", "tgwSrcSubnetId") \
    X(TGW_DST_SUBNET_ID, "tgw_dst_subnet_id", "tgwDstSubnetId") \
    X(TGW_SRC_ENI, "tgw_src_eni", "tgwSrcEni") \
    X(TGW_DST_ENI, "tgw_dst_eni", "tgwDstEni") \
    X(TGW_SRC_AZ_ID, "tgw_src_az_id", "tgwSrcAzId") \
    X(TGW_DST_AZ_ID, "tgw_dst_az_id", "tgwDstAzId") \
    X(TGW_PAIR_ATTACHMENT_ID, "tgw_pair_attachment_id", "tgwPairAttachmentId") \
    X(PACKETS_LOST_NO_ROUTE, "packets_lost_no_route", "packetsLostNoRoute") \
    X(PACKETS_LOST_BLACKHOLE, "packets_lost_blackhole", "packetsLostBlackhole") \
    X(PACKETS_LOST_MTU_EXCEEDED, "packets_lost_mtu_exceeded", "packetsLostMtuExceeded") \
    X(PACKETS_LOST_TTL_EXPIRED, "packets_lost_ttl_expired", "packetsLostTtlExpired")

/* Transit Gateway logs have these besides those that only they have. */
#define SHARED_FIELDS(X) \
    X(VERSION) X(ACCOUNT_ID) X(SRCADDR) X(DSTADDR) X(SRCPORT) X(DSTPORT) X(PROTOCOL) X(PACKETS) \
    X(BYTES) X(START) X(END) X(LOG_STATUS) X(TCP_FLAGS) X(TYPE) X(REGION) X(PKT_SRC_AWS_SERVICE) \
    X(PKT_DST_AWS_SERVICE) X(FLOW_DIRECTION)

#define SHARED_BIT(id) | UINT64_C(1) << FLOWLOG_FIELD_##id
#define IN_TGW(number) \
    ((number) > FLOWLOG_VPC_FIELDS || ((0 SHARED_FIELDS(SHARED_BIT)) >> ((number) & 63) & 1))

#define PARQUET_TEXT "BYTE_ARRAY (STRING)"
#define PARQUET_ADDR "BYTE_ARRAY (STRING)"
#define PARQUET_ENUM "BYTE_ARRAY (STRING)"
#define PARQUET_U32 "INT32"
#define PARQUET_U64 "INT64"
#define PARQUET_TIME "INT64"

#define ARROW_TEXT "u"
#define ARROW_ADDR "u"
#define ARROW_ENUM "u"
#define ARROW_U32 "I"
#define ARROW_U64 "L"
#define ARROW_TIME "tss:UTC"

/* Each list initialises other members of the same rows. */
static const flowlog_field_info rows[FL_FIELDS] = {
#define X(number, id, name_, version_, type_, meaning_) \
    [(number) - 1].field = (number), [(number) - 1].version = (version_), \
    [(number) - 1].type = FLOWLOG_TYPE_##type_, [(number) - 1].vpc = (number) <= FLOWLOG_VPC_FIELDS, \
    [(number) - 1].tgw = IN_TGW(number), [(number) - 1].name = (name_), \
    [(number) - 1].parquet = PARQUET_##type_, [(number) - 1].arrow = ARROW_##type_, \
    [(number) - 1].meaning = (meaning_),
    FLOWLOG_FIELD_MAP(X)
#undef X
#define X(id, underscore_, insights_) \
    [FLOWLOG_FIELD_##id - 1].underscore = (underscore_), \
    [FLOWLOG_FIELD_##id - 1].insights = (insights_),
    SPELLINGS(X)
#undef X
};

const uint8_t flowlog__field_slots[256] = {
     0,  0,  0,  0,  0,  0,  0, 34,  0,  0,  0, 55,  0,  0, 47, 58,
     0,  0,  0, 50,  0,  0, 20, 46,  0,  0,  0,  0,  0,  0,  0,  0,
    14,  0,  0,  0,  0,  9,  0,  0,  0,  0, 54,  0,  0,  0, 26,  0,
    15,  0,  0,  0,  0,  0, 63,  8,  3,  0,  0,  0,  0,  0,  0, 37,
     0,  0,  0,  0,  4, 31,  7,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0, 36, 19, 28,  0, 72, 32, 13,  0,  0,  0,  0,  0,  0,  0,
    16, 42, 61,  0,  0,  0,  0, 11,  0,  0, 39,  0,  0, 23,  0,  0,
     6,  0,  0, 62,  0, 53,  0,  0, 12,  0,  0,  0,  0,  0,  5,  0,
    22, 17, 12,  0, 64,  0, 44, 68, 69,  0,  0,  0,  0,  0,  0,  0,
     1,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0, 11,  0, 48,  0, 59,  0,  0, 18, 67,  0, 65,  0,  0,  0,
     0,  0, 35, 71,  0,  0,  0,  0,  0,  0,  0,  0, 49,  0, 30,  0,
     0,  0,  0,  0,  0,  0, 60, 45,  0,  0,  0, 33,  0,  0, 57, 29,
     0, 66, 40,  0,  0,  0, 70,  0, 10,  0,  0,  0,  0, 43,  0,  0,
     0,  0,  0,  0, 25, 27,  0, 41, 52,  0,  0,  0,  0,  2,  0, 51,
     0,  0,  0,  0,  0, 38,  0, 24, 56,  0,  0,  0,  0,  0,  0, 21,
};

uint32_t flowlog_field_count(void)
{
    return FL_FIELDS;
}

const flowlog_field_info *flowlog_field_get(uint32_t field)
{
    return field >= 1 && field <= FL_FIELDS ? &rows[field - 1] : NULL;
}

/* In `spelling` capitals and digits begin words, as they do in Insights names. */
static int is_spelt(const char *name, size_t len, const char *spelling)
{
    size_t i = 0;
    for (; *spelling; spelling++) {
        const int new_word = fl_ascii_is_upper(*spelling) || fl_ascii_is_digit(*spelling);
        if (new_word && i < len && fl_ascii_is_hyphen(name[i])) i++;
        if (i == len || fl_ascii_lower(name[i]) != fl_ascii_lower(*spelling)) return 0;
        i++;
    }
    return i == len;
}

uint32_t flowlog_field_find(const char *name, size_t len)
{
    if (!name) return FLOWLOG_FIELD_UNKNOWN;
    if (len >= 2 && fl_ascii_is_quote(name[0]) && name[len - 1] == name[0]) {
        name++;
        len -= 2;
    }
    if (len > FL_FIELD_NAME_MAX) return FLOWLOG_FIELD_UNKNOWN;
    const uint8_t field = flowlog__field_slots[fl_field_hash(name, len, FL_FIELD_HASH_FACTOR)];
    const flowlog_field_info *row = flowlog_field_get(field);
    return row && (is_spelt(name, len, row->insights) || is_spelt(name, len, row->name))
               ? row->field
               : (uint32_t)FLOWLOG_FIELD_UNKNOWN;
}
