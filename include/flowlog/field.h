/* SPDX-License-Identifier: MIT */
/*
 * flowlog/field.h - the catalogue of flow log fields, and record formats made of them.
 *
 * Takes  a format as AWS prints it, as Terraform escapes it, as bare names, or a header line.
 * Gives  flowlog_format, an immutable list of columns that readers (reader.h) take or discover.
 *
 * Source  Amazon VPC User Guide, "Flow log records"; Transit Gateway guide, "Flow log records".
 */
#ifndef FLOWLOG_FIELD_H
#define FLOWLOG_FIELD_H

#include "flowlog/base.h"
#include "flowlog/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Every field of versions 2 to 11 (VPC) and of Transit Gateway logs, once:
 * X(number, ID, "name as AWS spells it", version, type, "meaning").
 * Numbers are explicit, never reused, and stay what they are when AWS adds fields.
 * 1..54 are the VPC fields in AWS's order; from 55 on those that only Transit Gateway logs have.
 */
#define FLOWLOG_FIELD_MAP(X) \
    X(1, VERSION, "version", 2, U32, "highest version among the fields of the format") \
    X(2, ACCOUNT_ID, "account-id", 2, TEXT, "account that owns the source network interface; may be unknown") \
    X(3, INTERFACE_ID, "interface-id", 2, TEXT, "network interface that the traffic was seen on") \
    X(4, SRCADDR, "srcaddr", 2, ADDR, "source address as the interface sees it") \
    X(5, DSTADDR, "dstaddr", 2, ADDR, "destination address as the interface sees it") \
    X(6, SRCPORT, "srcport", 2, U32, "source port; 0 where the protocol has none") \
    X(7, DSTPORT, "dstport", 2, U32, "destination port; 0 where the protocol has none") \
    X(8, PROTOCOL, "protocol", 2, U32, "IANA protocol number") \
    X(9, PACKETS, "packets", 2, U64, "packets of the flow in the interval") \
    X(10, BYTES, "bytes", 2, U64, "bytes of the flow in the interval") \
    X(11, START, "start", 2, TIME, "first packet of the interval, seconds since 1970 UTC") \
    X(12, END, "end", 2, TIME, "last packet of the interval, seconds since 1970 UTC") \
    X(13, ACTION, "action", 2, ENUM, "ACCEPT or REJECT") \
    X(14, LOG_STATUS, "log-status", 2, ENUM, "OK, NODATA (no traffic) or SKIPDATA (records were skipped)") \
    X(15, VPC_ID, "vpc-id", 3, TEXT, "VPC of the interface") \
    X(16, SUBNET_ID, "subnet-id", 3, TEXT, "subnet of the interface") \
    X(17, INSTANCE_ID, "instance-id", 3, TEXT, "instance the interface is attached to") \
    X(18, TCP_FLAGS, "tcp-flags", 3, U32, "bitwise or of FIN 1, SYN 2, RST 4, SYN-ACK 18 over the interval") \
    X(19, TYPE, "type", 3, ENUM, "IPv4, IPv6 or EFA") \
    X(20, PKT_SRCADDR, "pkt-srcaddr", 3, ADDR, "original source address of the packets") \
    X(21, PKT_DSTADDR, "pkt-dstaddr", 3, ADDR, "original destination address of the packets") \
    X(22, REGION, "region", 4, TEXT, "region of the interface") \
    X(23, AZ_ID, "az-id", 4, TEXT, "id of the availability zone") \
    X(24, SUBLOCATION_TYPE, "sublocation-type", 4, ENUM, "wavelength, outpost or localzone") \
    X(25, SUBLOCATION_ID, "sublocation-id", 4, TEXT, "id of the sublocation") \
    X(26, PKT_SRC_AWS_SERVICE, "pkt-src-aws-service", 5, ENUM, "AWS service that owns the packet-level source address") \
    X(27, PKT_DST_AWS_SERVICE, "pkt-dst-aws-service", 5, ENUM, "AWS service that owns the packet-level destination address") \
    X(28, FLOW_DIRECTION, "flow-direction", 5, ENUM, "ingress or egress, as the interface sees it") \
    X(29, TRAFFIC_PATH, "traffic-path", 5, U32, "way that egress traffic takes, 1 to 8") \
    X(30, ECS_CLUSTER_ARN, "ecs-cluster-arn", 7, TEXT, "ARN of the ECS cluster") \
    X(31, ECS_CLUSTER_NAME, "ecs-cluster-name", 7, TEXT, "name of the ECS cluster") \
    X(32, ECS_CONTAINER_INSTANCE_ARN, "ecs-container-instance-arn", 7, TEXT, "ARN of the ECS container instance") \
    X(33, ECS_CONTAINER_INSTANCE_ID, "ecs-container-instance-id", 7, TEXT, "id of the ECS container instance") \
    X(34, ECS_CONTAINER_ID, "ecs-container-id", 7, TEXT, "runtime id of the first container of the task") \
    X(35, ECS_SECOND_CONTAINER_ID, "ecs-second-container-id", 7, TEXT, "runtime id of the second container of the task") \
    X(36, ECS_SERVICE_NAME, "ecs-service-name", 7, TEXT, "name of the ECS service that started the task") \
    X(37, ECS_TASK_DEFINITION_ARN, "ecs-task-definition-arn", 7, TEXT, "ARN of the ECS task definition") \
    X(38, ECS_TASK_ARN, "ecs-task-arn", 7, TEXT, "ARN of the ECS task") \
    X(39, ECS_TASK_ID, "ecs-task-id", 7, TEXT, "id of the ECS task") \
    X(40, REJECT_REASON, "reject-reason", 8, ENUM, "BPA (Block Public Access) or EC (encryption controls)") \
    X(41, RESOURCE_ID, "resource-id", 9, TEXT, "regional NAT gateway that the traffic passed") \
    X(42, ENCRYPTION_STATUS, "encryption-status", 10, U32, "0 none, 1 Nitro, 2 application, 3 both") \
    X(43, INSTANCE_TAG, "instance-tag", 11, TEXT, "value of the first configured instance tag, percent-encoded") \
    X(44, INSTANCE_TAG_2, "instance-tag-2", 11, TEXT, "value of the second configured instance tag, percent-encoded") \
    X(45, INTERFACE_TAG, "interface-tag", 11, TEXT, "value of the first configured interface tag, percent-encoded") \
    X(46, INTERFACE_TAG_2, "interface-tag-2", 11, TEXT, "value of the second configured interface tag, percent-encoded") \
    X(47, ASG_TAG, "asg-tag", 11, TEXT, "value of the first configured auto-scaling-group tag, percent-encoded") \
    X(48, ASG_TAG_2, "asg-tag-2", 11, TEXT, "value of the second configured auto-scaling-group tag, percent-encoded") \
    X(49, INTERFACE_TYPE, "interface-type", 11, ENUM, "kind of an AWS-managed interface") \
    X(50, NEXT_HOP_INTERFACE_ID, "next-hop-interface-id", 11, TEXT, "interface at the other end of the hop") \
    X(51, NEXT_HOP_SUBNET_ID, "next-hop-subnet-id", 11, TEXT, "subnet at the other end of the hop") \
    X(52, NEXT_HOP_AZ_ID, "next-hop-az-id", 11, TEXT, "availability zone at the other end of the hop") \
    X(53, NEXT_HOP_VPC_ID, "next-hop-vpc-id", 11, TEXT, "VPC at the other end of the hop") \
    X(54, NEXT_HOP_INTERFACE_TYPE, "next-hop-interface-type", 11, ENUM, "kind of the interface at the other end of the hop") \
    X(55, RESOURCE_TYPE, "resource-type", 6, ENUM, "TransitGateway or TransitGatewayAttachment") \
    X(56, TGW_ID, "tgw-id", 6, TEXT, "transit gateway") \
    X(57, TGW_ATTACHMENT_ID, "tgw-attachment-id", 6, TEXT, "attachment that the traffic was seen on") \
    X(58, TGW_SRC_VPC_ACCOUNT_ID, "tgw-src-vpc-account-id", 6, TEXT, "account of the source VPC") \
    X(59, TGW_DST_VPC_ACCOUNT_ID, "tgw-dst-vpc-account-id", 6, TEXT, "account of the destination VPC") \
    X(60, TGW_SRC_VPC_ID, "tgw-src-vpc-id", 6, TEXT, "source VPC") \
    X(61, TGW_DST_VPC_ID, "tgw-dst-vpc-id", 6, TEXT, "destination VPC") \
    X(62, TGW_SRC_SUBNET_ID, "tgw-src-subnet-id", 6, TEXT, "subnet of the source attachment") \
    X(63, TGW_DST_SUBNET_ID, "tgw-dst-subnet-id", 6, TEXT, "subnet of the destination attachment") \
    X(64, TGW_SRC_ENI, "tgw-src-eni", 6, TEXT, "interface of the source attachment") \
    X(65, TGW_DST_ENI, "tgw-dst-eni", 6, TEXT, "interface of the destination attachment") \
    X(66, TGW_SRC_AZ_ID, "tgw-src-az-id", 6, TEXT, "availability zone of the source attachment") \
    X(67, TGW_DST_AZ_ID, "tgw-dst-az-id", 6, TEXT, "availability zone of the destination attachment") \
    X(68, TGW_PAIR_ATTACHMENT_ID, "tgw-pair-attachment-id", 6, TEXT, "attachment at the other side of the gateway") \
    X(69, PACKETS_LOST_NO_ROUTE, "packets-lost-no-route", 6, U64, "packets lost because no route matched") \
    X(70, PACKETS_LOST_BLACKHOLE, "packets-lost-blackhole", 6, U64, "packets lost in a blackhole route") \
    X(71, PACKETS_LOST_MTU_EXCEEDED, "packets-lost-mtu-exceeded", 6, U64, "packets lost because they exceeded the MTU") \
    X(72, PACKETS_LOST_TTL_EXPIRED, "packets-lost-ttl-expired", 6, U64, "packets lost because their TTL ran out")

/** FLOWLOG_FIELD_SRCADDR and so on; 0 is a field that the catalogue does not know. */
typedef enum flowlog_field {
    FLOWLOG_FIELD_UNKNOWN = 0,
#define FLOWLOG_FIELD_ENUM(number, id, name, version, type, meaning) FLOWLOG_FIELD_##id = (number),
    FLOWLOG_FIELD_MAP(FLOWLOG_FIELD_ENUM)
#undef FLOWLOG_FIELD_ENUM
} flowlog_field;

#define FLOWLOG_VPC_FIELDS 54 /* fields of VPC flow logs */
#define FLOWLOG_TGW_FIELDS 36 /* fields of Transit Gateway flow logs, the shared ones included */

/** One row of the catalogue.  Static and immutable. */
typedef struct flowlog_field_info {
    uint16_t field;   /* flowlog_field */
    uint8_t version;  /* flow log version that brought it: 2 to 11 */
    uint8_t type;     /* flowlog_type */
    uint8_t vpc;      /* 1: a field of VPC flow logs */
    uint8_t tgw;      /* 1: a field of Transit Gateway flow logs */
    uint8_t reserved[2];
    const char *name;       /* "interface-id" */
    const char *underscore; /* "interface_id": Athena, Parquet, our JSON */
    const char *insights;   /* "interfaceId": CloudWatch Logs Insights */
    const char *parquet;    /* "INT32", "INT64" or "BYTE_ARRAY (STRING)" */
    const char *arrow;      /* Arrow C data format string of its values: "I", "L", "tss:UTC", "u"; see arrow.h */
    const char *meaning;    /* one line */
} flowlog_field_info;

/** How many fields the catalogue has; they are numbered 1 to this. */
FLOWLOG_API uint32_t flowlog_field_count(void);

/** The row of a field; NULL for 0 and for numbers beyond the catalogue. */
FLOWLOG_API const flowlog_field_info *flowlog_field_get(uint32_t field);

/**
 * The field a name stands for, or FLOWLOG_FIELD_UNKNOWN.  Letter case does not matter; where a word of the
 * name begins there may be a hyphen, an underscore or nothing; a pair of quotes or back-ticks may stand
 * around it.  So the variants that are seen in the wild are known: srcAddr, src_addr, pkt-src-addr,
 * accountid, startTime, start_time, "start", `end`.
 */
FLOWLOG_API uint32_t flowlog_field_find(const char *name, size_t len);

/**
 * The canonical token of an enumeration's code, as AWS spells it; NULL when the field has no such code.
 * Codes run from 1 without a gap, are never reused, and both pkt-*-aws-service fields share theirs, as do
 * both interface-type fields.  Static text.
 */
FLOWLOG_API const char *flowlog_enum_name(uint32_t field, uint32_t code);

/** The code of a token, in any letter case; FLOWLOG_OTHER when it is not known. */
FLOWLOG_API uint32_t flowlog_enum_code(uint32_t field, const char *token, size_t len);

/** A record format: an ordered list of columns.  Immutable; may be shared between threads. */
typedef struct flowlog_format flowlog_format;

/** One column of a format.  The name is borrowed from the format. */
typedef struct flowlog_format_column {
    uint16_t field; /* flowlog_field; 0: unknown to the catalogue, a text column under its own name */
    uint8_t type;   /* flowlog_type */
    uint8_t reserved;
    uint32_t name_len;
    const char *name; /* canonical name, or the unknown name as it was given; NUL-terminated */
} flowlog_format_column;

/** Most columns a format may have, and the longest name in bytes; more is FLOWLOG_E_LIMIT. */
#define FLOWLOG_FORMAT_COLUMNS_MAX 256
#define FLOWLOG_FORMAT_NAME_MAX 128

/**
 * Read a format: "${version} ${account-id} ...", "$${version} ..." as Terraform escapes it, bare names
 * separated by blanks or commas, or a mixture; the word "default" (14 VPC fields) or "tgw" (36 fields).
 * Blanks and a pair of quotes around the whole are left out.
 *
 * A name that the catalogue does not know becomes a text column: any of the bytes 0x21 to 0x7E but
 * $ { } , and quotes.  What begins with a digit, a hyphen or a '#', or has a colon, is no name but a value,
 * so that a record given by mistake is an error.  A field named twice, in whatever spelling, is an error whose
 * message has both positions; unknown names differ by more than letter case, hyphen and underscore.
 *
 * Ownership  *format is owned: flowlog_format_free.
 * Errors     E_SYNTAX, E_DUPLICATE, E_LIMIT, E_MEMORY, E_ARGUMENT; err->column and err->offset point
 *            at the token.
 * Cost       one allocation.
 */
FLOWLOG_API flowlog_status flowlog_format_parse(const char *text, size_t len, const flowlog_alloc *alloc,
                                                flowlog_format **format, flowlog_error *err);

/**
 * The same from a header line, if it is one by the rule below; FLOWLOG_E_FORMAT if it is not, with the
 * position of the first token that is no known name.  A header may still be refused: E_DUPLICATE.
 */
FLOWLOG_API flowlog_status flowlog_format_from_header(const char *line, size_t len,
                                                      const flowlog_alloc *alloc,
                                                      flowlog_format **format, flowlog_error *err);

/**
 * 1 if the line is a header: every token is a known field name or alias; or it has at least three
 * tokens, at least half of them known names, and the others could be names: none is a value (a number,
 * an address, "-": see flowlog_format_parse).  Else 0.  Tokens lie between runs of spaces and tabs; a byte
 * order mark before the line and blanks and a line end after it are no part of it.
 *
 * The values that AWS gives are no field names, so a record is never taken for a header, with one exception:
 * in a format without numbers and addresses, at least half of the values are names that users gave
 * (instance-tag, ecs-service-name) and are called like fields: "version", "type".
 *
 * Cost       a record is told by its first value, usually its first token.
 */
FLOWLOG_API int flowlog_is_header(const char *line, size_t len);

/** NULL is allowed and does nothing. */
FLOWLOG_API void flowlog_format_free(flowlog_format *format);

FLOWLOG_API uint32_t flowlog_format_columns(const flowlog_format *format);

/** Column `index` (0-based); NULL when there is none. */
FLOWLOG_API const flowlog_format_column *flowlog_format_column_at(const flowlog_format *format,
                                                                  uint32_t index);

/** Index of the column a name stands for (as flowlog_field_find, or an unknown name in any letter case,
    hyphens and underscores being one), or -1. */
FLOWLOG_API int32_t flowlog_format_find(const flowlog_format *format, const char *name, size_t len);

/** What AWS prints in the version field: the highest version among the columns; 0 if none is known. */
FLOWLOG_API uint32_t flowlog_format_version(const flowlog_format *format);

/** 1 if both have the same columns in the same order. */
FLOWLOG_API int flowlog_format_equal(const flowlog_format *a, const flowlog_format *b);

/** How flowlog_format_print spells a format. */
typedef enum flowlog_format_style {
    FLOWLOG_FORMAT_AWS = 0,    /* ${version} ${account-id}: what CreateFlowLogs takes */
    FLOWLOG_FORMAT_HEADER = 1, /* version account-id: the first line of a file in S3 */
    FLOWLOG_FORMAT_COMMAS = 2  /* version,account_id: our --fields; unknown names as they are */
} flowlog_format_style;

/**
 * Write a format as text into text[0..cap), always NUL-terminated when cap > 0.  Returns the length
 * that the whole text has, without the NUL, as snprintf does.  flowlog_format_parse reads it back, but for
 * a lone unknown field called "default" or "tgw" outside of ${}.
 */
FLOWLOG_API size_t flowlog_format_print(const flowlog_format *format, int style, char *text, size_t cap);

/* The two formats that need no naming: static, immutable; freeing them does nothing. */
FLOWLOG_API const flowlog_format *flowlog_format_default(void);
FLOWLOG_API const flowlog_format *flowlog_format_tgw(void);

#ifdef __cplusplus
}
#endif
#endif
