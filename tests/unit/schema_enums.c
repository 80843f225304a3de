/* SPDX-License-Identifier: MIT */
/* schema_enums.c - tokens of the enumerated fields: codes as value.h has them, any letter case in. */
#include <criterion/criterion.h>
#include <string.h>

#include "flowlog/field.h"
#include "schema/enums.h"
#include "support/guard.h"

TestSuite(schema_enums, .timeout = 20);

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static uint32_t code(uint32_t field, const char *token)
{
    return flowlog_enum_code(field, token, strlen(token));
}

static const struct {
    uint32_t field;
    uint32_t count;
    const char *tokens; /* by code, from 1 */
} table[] = {
    {FLOWLOG_FIELD_ACTION, 2, "ACCEPT REJECT"},
    {FLOWLOG_FIELD_LOG_STATUS, 3, "OK NODATA SKIPDATA"},
    {FLOWLOG_FIELD_TYPE, 3, "IPv4 IPv6 EFA"},
    {FLOWLOG_FIELD_FLOW_DIRECTION, 2, "ingress egress"},
    {FLOWLOG_FIELD_SUBLOCATION_TYPE, 3, "wavelength outpost localzone"},
    {FLOWLOG_FIELD_REJECT_REASON, 2, "BPA EC"},
    {FLOWLOG_FIELD_INTERFACE_TYPE, 5,
     "nat_gateway network_load_balancer regional_nat_gateway transit_gateway vpc_endpoint"},
    {FLOWLOG_FIELD_NEXT_HOP_INTERFACE_TYPE, 5,
     "nat_gateway network_load_balancer regional_nat_gateway transit_gateway vpc_endpoint"},
    {FLOWLOG_FIELD_RESOURCE_TYPE, 2, "TransitGateway TransitGatewayAttachment"},
    {FLOWLOG_FIELD_PKT_SRC_AWS_SERVICE, 26,
     "AMAZON AMAZON_APPFLOW AMAZON_CONNECT API_GATEWAY AURORA_DSQL CHIME_MEETINGS CHIME_VOICECONNECTOR CLOUD9 "
     "CLOUDFRONT CLOUDFRONT_ORIGIN_FACING CODEBUILD DYNAMODB EBS EC2 EC2_INSTANCE_CONNECT GLOBALACCELERATOR "
     "IVS_LOW_LATENCY IVS_REALTIME KINESIS_VIDEO_STREAMS MEDIA_PACKAGE_V2 ROUTE53 ROUTE53_HEALTHCHECKS "
     "ROUTE53_HEALTHCHECKS_PUBLISHING ROUTE53_RESOLVER S3 WORKSPACES_GATEWAYS"},
};

Test(schema_enums, codes_and_names_are_those_of_the_guides)
{
    for (size_t i = 0; i < COUNT(table); i++) {
        uint32_t c = 0;
        for (const char *t = table[i].tokens; *t; t += *t == ' ') {
            char name[64] = "", upper[64] = "", lower[64] = "";
            const size_t len = strcspn(t, " ");
            memcpy(name, t, len);
            t += len;
            for (size_t k = 0; k < len; k++) {
                upper[k] = name[k] >= 'a' && name[k] <= 'z' ? (char)(name[k] - 0x20) : name[k];
                lower[k] = name[k] >= 'A' && name[k] <= 'Z' ? (char)(name[k] + 0x20) : name[k];
            }
            c++;
            cr_assert_str_eq(flowlog_enum_name(table[i].field, c), name);
            cr_expect_eq(code(table[i].field, name), c, "%s", name);
            cr_expect_eq(code(table[i].field, upper), c, "%s", upper);
            cr_expect_eq(code(table[i].field, lower), c, "%s", lower);
            cr_expect_eq(flowlog_enum_code(table[i].field, name, len - 1), 0u, "%s cut", name);
            struct guard g = guard_end(name, len);
            cr_expect_eq(flowlog_enum_code(table[i].field, (const char *)g.p, len), c);
            guard_free(&g);
            cr_expect_eq(flowlog_field_find(name, len), 0u, "value %s is no field name: the header rule", name);
        }
        cr_expect_eq(c, table[i].count);
        cr_expect_null(flowlog_enum_name(table[i].field, 0));
        cr_expect_null(flowlog_enum_name(table[i].field, c + 1));
        cr_expect_null(flowlog_enum_name(table[i].field, UINT32_MAX));
    }
}

Test(schema_enums, codes_are_those_of_value_h)
{
    cr_expect_eq(code(FLOWLOG_FIELD_ACTION, "ACCEPT"), FLOWLOG_ACTION_ACCEPT);
    cr_expect_eq(code(FLOWLOG_FIELD_ACTION, "reject"), FLOWLOG_ACTION_REJECT);
    cr_expect_eq(code(FLOWLOG_FIELD_LOG_STATUS, "OK"), FLOWLOG_LOG_STATUS_OK);
    cr_expect_eq(code(FLOWLOG_FIELD_LOG_STATUS, "NODATA"), FLOWLOG_LOG_STATUS_NODATA);
    cr_expect_eq(code(FLOWLOG_FIELD_LOG_STATUS, "SKIPDATA"), FLOWLOG_LOG_STATUS_SKIPDATA);
    cr_expect_eq(code(FLOWLOG_FIELD_TYPE, "IPv4"), FLOWLOG_IP_TYPE_IPV4);
    cr_expect_eq(code(FLOWLOG_FIELD_TYPE, "IPv6"), FLOWLOG_IP_TYPE_IPV6);
    cr_expect_eq(code(FLOWLOG_FIELD_TYPE, "EFA"), FLOWLOG_IP_TYPE_EFA);
    cr_expect_eq(code(FLOWLOG_FIELD_FLOW_DIRECTION, "ingress"), FLOWLOG_DIRECTION_INGRESS);
    cr_expect_eq(code(FLOWLOG_FIELD_FLOW_DIRECTION, "egress"), FLOWLOG_DIRECTION_EGRESS);
    cr_expect_eq(code(FLOWLOG_FIELD_REJECT_REASON, "BPA"), FLOWLOG_REJECT_REASON_BPA);
    cr_expect_eq(code(FLOWLOG_FIELD_REJECT_REASON, "EC"), FLOWLOG_REJECT_REASON_EC);
    cr_expect_eq(code(FLOWLOG_FIELD_INTERFACE_TYPE, "nat_gateway"), FLOWLOG_INTERFACE_TYPE_NAT_GATEWAY);
    cr_expect_eq(code(FLOWLOG_FIELD_INTERFACE_TYPE, "network_load_balancer"),
                 FLOWLOG_INTERFACE_TYPE_NETWORK_LOAD_BALANCER);
    cr_expect_eq(code(FLOWLOG_FIELD_INTERFACE_TYPE, "regional_nat_gateway"),
                 FLOWLOG_INTERFACE_TYPE_REGIONAL_NAT_GATEWAY);
    cr_expect_eq(code(FLOWLOG_FIELD_INTERFACE_TYPE, "transit_gateway"), FLOWLOG_INTERFACE_TYPE_TRANSIT_GATEWAY);
    cr_expect_eq(code(FLOWLOG_FIELD_NEXT_HOP_INTERFACE_TYPE, "vpc_endpoint"),
                 FLOWLOG_INTERFACE_TYPE_VPC_ENDPOINT);
}

Test(schema_enums, unknown_tokens_and_fields_are_other)
{
    static const char *const tokens[] = {"", "-", "ALLOW", "ACCEPTED", "ACCEP", "ACCEPT ", "IPv5", "S3_NEW"};
    for (uint32_t f = 0; f <= flowlog_field_count() + 1; f++)
        for (size_t i = 0; i < COUNT(tokens); i++) cr_expect_eq(code(f, tokens[i]), 0u, "%s", tokens[i]);
    cr_expect_eq(code(FLOWLOG_FIELD_SRCADDR, "ACCEPT"), 0u);
    cr_expect_eq(code(UINT32_MAX, "ACCEPT"), 0u);
    cr_expect_eq(flowlog_enum_code(FLOWLOG_FIELD_ACTION, NULL, 0), 0u);
    cr_expect_null(flowlog_enum_name(UINT32_MAX, 1));
}

Test(schema_enums, exactly_the_fields_of_that_type_have_a_set)
{
    unsigned sets = 0;
    for (uint32_t f = 1; f <= flowlog_field_count(); f++) {
        const struct fl_enum_set *set = flowlog__enum_set(f);
        cr_expect_eq(set != NULL, flowlog_field_get(f)->type == FLOWLOG_TYPE_ENUM, "field %u", f);
        if (!set) continue;
        sets++;
        for (uint32_t i = 0; i < set->count; i++)
            cr_expect_eq(strlen(set->names[i].ptr), set->names[i].len, "%s", set->names[i].ptr);
    }
    cr_expect_eq(sets, COUNT(table) + 1); /* the two service fields share a list */
    cr_expect_eq(flowlog__enum_set(FLOWLOG_FIELD_PKT_DST_AWS_SERVICE)->names,
                 flowlog__enum_set(FLOWLOG_FIELD_PKT_SRC_AWS_SERVICE)->names);
    cr_expect_null(flowlog__enum_set(0));
    cr_expect_null(flowlog__enum_set(flowlog_field_count() + 1));
}
