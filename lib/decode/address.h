/* SPDX-License-Identifier: MIT */
/* decode/address.h - the pieces of flowlog_addr_parse; see flowlog/value.h. */
#ifndef FL_DECODE_ADDRESS_H
#define FL_DECODE_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

/* 1 and the address as a number (10.0.0.1 = 0x0A000001), or 0: dotted decimal without leading zeros. */
int flowlog__parse_ipv4(const uint8_t *p, size_t len, uint32_t *value);

/* 1 and 16 bytes in network order, or 0 with out[] undefined: RFC 4291 section 2.2, no zone id. */
int flowlog__parse_ipv6(const uint8_t *p, size_t len, uint8_t out[16]);

#endif
