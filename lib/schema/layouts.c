/* SPDX-License-Identifier: MIT */
/*
 * layouts.c - see layouts.h.
 *
 * Sources  Amazon VPC User Guide, "Flow log records" (the order of all fields) and "Flow log record
 *          examples"; Transit Gateway guide, "Flow log records"; AWS News Blog, VPC encryption controls.
 */
#include "schema/layouts.h"

#define V2 \
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end " \
    "action log-status"
#define V3 V2 " vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr"
#define V4 V3 " region az-id sublocation-type sublocation-id"
#define V5 V4 " pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
#define V7 \
    V5 " ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id " \
       "ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn " \
       "ecs-task-arn ecs-task-id"
#define V8 V7 " reject-reason"
#define V9 V8 " resource-id"
#define V10 V9 " encryption-status"
#define V11 \
    V10 " instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 " \
        "interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id " \
        "next-hop-interface-type"

static const struct fl_layout layouts[] = {
    {"default", V2},
    {"Transit Gateway default",
     "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id "
     "tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id "
     "tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr "
     "srcport dstport protocol packets bytes start end log-status type packets-lost-no-route "
     "packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region "
     "flow-direction pkt-src-aws-service pkt-dst-aws-service"},
    {"all fields up to version 3", V3},
    {"all fields up to version 4", V4},
    {"all fields up to version 5", V5},
    {"all fields up to version 7", V7},
    {"all fields up to version 8", V8},
    {"all fields up to version 9", V9},
    {"all fields up to version 10", V10},
    {"all fields up to version 11", V11},
    {"all fields up to version 5, in alphabetical order",
     "account-id action az-id bytes dstaddr dstport end flow-direction instance-id interface-id "
     "log-status packets pkt-dst-aws-service pkt-dstaddr pkt-src-aws-service pkt-srcaddr protocol "
     "region srcaddr srcport start sublocation-id sublocation-type subnet-id tcp-flags traffic-path "
     "type version vpc-id"},
    /* The formats of AWS's examples. */
    {"AWS example: TCP flag sequence",
     "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport "
     "pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status"},
    {"AWS example: traffic through a NAT gateway",
     "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"},
    {"AWS example: traffic through a regional NAT gateway",
     "resource-id instance-id interface-id subnet-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"},
    {"AWS example: traffic through a transit gateway",
     "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport "
     "protocol tcp-flags type pkt-srcaddr pkt-dstaddr action log-status"},
    {"AWS example: service name, traffic path and flow direction",
     "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id "
     "subnet-id instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags "
     "pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction "
     "log-status"},
    {"AWS example: encryption status",
     "flow-direction traffic-path srcaddr dstaddr srcport dstport encryption-status"},
};

const struct fl_layout *flowlog__layouts(size_t *count)
{
    *count = sizeof layouts / sizeof layouts[0];
    return layouts;
}
