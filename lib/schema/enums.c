/* SPDX-License-Identifier: MIT */
/* enums.c - see enums.h.  Source: Amazon VPC and Transit Gateway guides, "Flow log records". */
#include "schema/enums.h"

#include "schema/ascii.h"
#include "schema/catalogue.h"

#define S(text) {text, sizeof(text) - 1}
#define SET(names) {sizeof(names) / sizeof(names)[0], names}

static const flowlog_str actions[] = {S("ACCEPT"), S("REJECT")};
static const flowlog_str log_statuses[] = {S("OK"), S("NODATA"), S("SKIPDATA")};
static const flowlog_str ip_types[] = {S("IPv4"), S("IPv6"), S("EFA")};
static const flowlog_str directions[] = {S("ingress"), S("egress")};
static const flowlog_str sublocations[] = {S("wavelength"), S("outpost"), S("localzone")};
static const flowlog_str reject_reasons[] = {S("BPA"), S("EC")};
static const flowlog_str resource_types[] = {S("TransitGateway"), S("TransitGatewayAttachment")};
static const flowlog_str interface_types[] = {
    S("nat_gateway"), S("network_load_balancer"), S("regional_nat_gateway"), S("transit_gateway"),
    S("vpc_endpoint"),
};
static const flowlog_str services[] = {
    S("AMAZON"), S("AMAZON_APPFLOW"), S("AMAZON_CONNECT"), S("API_GATEWAY"), S("AURORA_DSQL"),
    S("CHIME_MEETINGS"), S("CHIME_VOICECONNECTOR"), S("CLOUD9"), S("CLOUDFRONT"),
    S("CLOUDFRONT_ORIGIN_FACING"), S("CODEBUILD"), S("DYNAMODB"), S("EBS"), S("EC2"),
    S("EC2_INSTANCE_CONNECT"), S("GLOBALACCELERATOR"), S("IVS_LOW_LATENCY"), S("IVS_REALTIME"),
    S("KINESIS_VIDEO_STREAMS"), S("MEDIA_PACKAGE_V2"), S("ROUTE53"), S("ROUTE53_HEALTHCHECKS"),
    S("ROUTE53_HEALTHCHECKS_PUBLISHING"), S("ROUTE53_RESOLVER"), S("S3"), S("WORKSPACES_GATEWAYS"),
};

static const struct fl_enum_set sets[FL_FIELDS + 1] = {
    [FLOWLOG_FIELD_ACTION] = SET(actions),
    [FLOWLOG_FIELD_LOG_STATUS] = SET(log_statuses),
    [FLOWLOG_FIELD_TYPE] = SET(ip_types),
    [FLOWLOG_FIELD_SUBLOCATION_TYPE] = SET(sublocations),
    [FLOWLOG_FIELD_PKT_SRC_AWS_SERVICE] = SET(services),
    [FLOWLOG_FIELD_PKT_DST_AWS_SERVICE] = SET(services),
    [FLOWLOG_FIELD_FLOW_DIRECTION] = SET(directions),
    [FLOWLOG_FIELD_REJECT_REASON] = SET(reject_reasons),
    [FLOWLOG_FIELD_INTERFACE_TYPE] = SET(interface_types),
    [FLOWLOG_FIELD_NEXT_HOP_INTERFACE_TYPE] = SET(interface_types),
    [FLOWLOG_FIELD_RESOURCE_TYPE] = SET(resource_types),
};

const struct fl_enum_set *flowlog__enum_set(uint32_t field)
{
    return field <= FL_FIELDS && sets[field].count ? &sets[field] : NULL;
}

const char *flowlog_enum_name(uint32_t field, uint32_t code)
{
    const struct fl_enum_set *set = flowlog__enum_set(field);
    return set && code >= 1 && code <= set->count ? set->names[code - 1].ptr : NULL;
}

static int equal_in_any_case(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (fl_ascii_lower(a[i]) != fl_ascii_lower(b[i])) return 0;
    return 1;
}

uint32_t flowlog_enum_code(uint32_t field, const char *token, size_t len)
{
    const struct fl_enum_set *set = flowlog__enum_set(field);
    if (!set || !token) return FLOWLOG_OTHER;
    for (uint32_t i = 0; i < set->count; i++)
        if (set->names[i].len == len && equal_in_any_case(token, set->names[i].ptr, len)) return i + 1;
    return FLOWLOG_OTHER;
}
