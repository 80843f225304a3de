/* SPDX-License-Identifier: MIT */
/* schema_services.c - names of services and protocols, there and back. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#include "schema/services.h"

TestSuite(services, .timeout = 30);

Test(services, every_name_stands_for_a_port_that_has_a_name)
{
    uint32_t i = 0;
    for (const char *name; (name = flowlog__service_at(i)) != NULL; i++) {
        uint32_t protocol = 99, port = 0, again = 0, by = 0;
        char upper[32] = "";
        for (size_t c = 0; name[c]; c++) upper[c] = (char)toupper((unsigned char)name[c]);
        cr_assert_eq(flowlog__service_find(upper, strlen(upper), &protocol, &port), 1, "%s", name);
        cr_assert(protocol == 0 || protocol == FL_PROTO_TCP || protocol == FL_PROTO_UDP, "%s", name);
        const char *printed = flowlog__service_name(protocol ? protocol : FL_PROTO_TCP, port);
        cr_assert_not_null(printed, "%s", name);
        cr_assert_eq(flowlog__service_find(printed, strlen(printed), &by, &again), 1);
        cr_expect_eq(again, port, "%s and %s", name, printed);
        if (!protocol) cr_expect_str_eq(flowlog__service_name(FL_PROTO_UDP, port), printed);
    }
    cr_expect_gt(i, 100);
    cr_expect_null(flowlog__service_at(UINT32_MAX));
}

Test(services, no_other_port_has_a_name)
{
    static uint8_t known[2][65536];
    const char *name;
    for (uint32_t i = 0, protocol, port; (name = flowlog__service_at(i)) != NULL; i++) {
        cr_assert_eq(flowlog__service_find(name, strlen(name), &protocol, &port), 1);
        known[0][port] |= protocol != FL_PROTO_UDP;
        known[1][port] |= protocol != FL_PROTO_TCP;
    }
    for (uint32_t port = 0; port < 65536; port++) {
        cr_assert_eq(flowlog__service_name(FL_PROTO_TCP, port) != NULL, known[0][port], "tcp %u", (unsigned)port);
        cr_assert_eq(flowlog__service_name(FL_PROTO_UDP, port) != NULL, known[1][port], "udp %u", (unsigned)port);
    }
    cr_expect_null(flowlog__service_name(FL_PROTO_TCP, 65536));
    cr_expect_null(flowlog__service_name(FL_PROTO_ICMP, 22));
    cr_expect_str_eq(flowlog__service_name(FL_PROTO_UDP, 67), "bootps");
    cr_expect_str_eq(flowlog__service_name(FL_PROTO_TCP, 22), "ssh");
    cr_expect_str_eq(flowlog__service_name(FL_PROTO_UDP, 51820), "wireguard");
    cr_expect_eq(flowlog__protocol_find("TCP", 3), 6);
    cr_expect_eq(flowlog__protocol_find("tc", 2), -1);
}
