/* SPDX-License-Identifier: MIT */
/*
 * flowlog/value.h - the types of values: addresses, enumerations, and one value with its type.
 *
 * Next   field.h says which field has which type; batch.h holds values by the column.
 */
#ifndef FLOWLOG_VALUE_H
#define FLOWLOG_VALUE_H

#include "flowlog/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a field's values are held in a column (batch.h) and in a flowlog_value. */
typedef enum flowlog_type {
    FLOWLOG_TYPE_TEXT = 1, /* a span of the input; account-id is text: its leading zeros count */
    FLOWLOG_TYPE_U32 = 2,  /* AWS's INT_32: ports, protocol, version, tcp-flags, traffic-path ... */
    FLOWLOG_TYPE_U64 = 3,  /* AWS's INT_64: packets, bytes, packets-lost-* */
    FLOWLOG_TYPE_TIME = 4, /* start, end: seconds since 1970-01-01 UTC, as int64_t */
    FLOWLOG_TYPE_ADDR = 5, /* IPv4 or IPv6 */
    FLOWLOG_TYPE_ENUM = 6, /* an open set: a code where the token is known, and always its text */

    /* Only of results (plan.h), never of columns. */
    FLOWLOG_TYPE_DECIMAL = 7, /* an average, a rate, a quotient: exact to 10^-9 */
    FLOWLOG_TYPE_NET = 8,     /* an address cut to a prefix: 10.1.2.0/24 */
    FLOWLOG_TYPE_SERVICE = 9  /* a protocol and its server's port: https, tcp/8444, icmp; domain/udp, since domain
                                 is of TCP.  The server's is the port below 1024 or with a name, else the one below
                                 32768, else the lower one */
} flowlog_type;

/**
 * An IPv4 or IPv6 address, compared and grouped by value.  ::ffff:10.0.0.1 is the IPv6 address it
 * says and differs from 10.0.0.1.
 */
typedef struct flowlog_addr {
    uint8_t bytes[16]; /* network order; IPv4 in bytes[0..4), the rest zero */
    uint32_t family;   /* 4, 6, or 0 for none */
} flowlog_addr;

/** Longest text of an address, with its NUL: 8 groups of 4 hexadecimal digits and 7 colons. */
#define FLOWLOG_ADDR_TEXT_MAX 40

/**
 * Read an address: dotted decimal without leading zeros, or any form of RFC 4291 section 2.2.
 * FLOWLOG_E_SYNTAX for anything else, zone ids included; *addr is then unchanged.
 */
FLOWLOG_API flowlog_status flowlog_addr_parse(const char *text, size_t len, flowlog_addr *addr);

/**
 * Write an address in its canonical form (RFC 5952; IPv4-mapped addresses as ::ffff:10.0.0.1).
 * Returns the length written, without the NUL; 1 and "-" for family 0.
 */
FLOWLOG_API size_t flowlog_addr_format(const flowlog_addr *addr, char text[FLOWLOG_ADDR_TEXT_MAX]);

/** IPv4 before IPv6, then by value as an unsigned number: negative, zero or positive. */
FLOWLOG_API int flowlog_addr_compare(const flowlog_addr *a, const flowlog_addr *b);

/* Codes of the enumerated fields.  0 is always OTHER: a token this library does not know, kept as text. */
#define FLOWLOG_OTHER 0

typedef enum flowlog_action { FLOWLOG_ACTION_ACCEPT = 1, FLOWLOG_ACTION_REJECT = 2 } flowlog_action;

typedef enum flowlog_log_status {
    FLOWLOG_LOG_STATUS_OK = 1,
    FLOWLOG_LOG_STATUS_NODATA = 2,  /* no traffic in the interval */
    FLOWLOG_LOG_STATUS_SKIPDATA = 3 /* records were skipped: capacity or internal error */
} flowlog_log_status;

typedef enum flowlog_ip_type {
    FLOWLOG_IP_TYPE_IPV4 = 1,
    FLOWLOG_IP_TYPE_IPV6 = 2,
    FLOWLOG_IP_TYPE_EFA = 3
} flowlog_ip_type;

typedef enum flowlog_direction {
    FLOWLOG_DIRECTION_INGRESS = 1,
    FLOWLOG_DIRECTION_EGRESS = 2
} flowlog_direction;

typedef enum flowlog_reject_reason {
    FLOWLOG_REJECT_REASON_BPA = 1, /* VPC Block Public Access */
    FLOWLOG_REJECT_REASON_EC = 2   /* encryption controls of a VPC endpoint */
} flowlog_reject_reason;

typedef enum flowlog_interface_type {
    FLOWLOG_INTERFACE_TYPE_NAT_GATEWAY = 1,
    FLOWLOG_INTERFACE_TYPE_NETWORK_LOAD_BALANCER = 2,
    FLOWLOG_INTERFACE_TYPE_REGIONAL_NAT_GATEWAY = 3,
    FLOWLOG_INTERFACE_TYPE_TRANSIT_GATEWAY = 4,
    FLOWLOG_INTERFACE_TYPE_VPC_ENDPOINT = 5
} flowlog_interface_type;

/** One value with its type, for access row by row. */
typedef struct flowlog_value {
    uint8_t type;        /* flowlog_type */
    uint8_t is_null;     /* 1: the record says "-", or the format has no such field */
    uint16_t code;       /* ENUM: 0 = OTHER; NET: bits of the prefix; DECIMAL: 1 = below zero */
    uint32_t billionths; /* DECIMAL: what follows the point, 0 to 999999999; else 0 */
    uint64_t number;     /* U32, U64; TIME as int64_t; DECIMAL: what stands before the point; SERVICE: protocol
                            << 16 | port */
    flowlog_addr addr;   /* ADDR, NET */
    flowlog_str text;    /* TEXT, ENUM: the token, borrowed from the batch; a known ENUM token in AWS's case */
} flowlog_value;

#ifdef __cplusplus
}
#endif
#endif
