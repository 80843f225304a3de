/* SPDX-License-Identifier: MIT */
/* analyze/cidr.h - address blocks: reading, containing, overlapping.  Families never mix. */
#ifndef FL_ANALYZE_CIDR_H
#define FL_ANALYZE_CIDR_H

#include "flowlog/value.h"

struct fl_cidr {
    uint8_t bytes[16]; /* network order, as in flowlog_addr; what is behind the prefix is zero */
    uint8_t family;    /* 4, 6, or 0: no block, which contains nothing */
    uint8_t bits;      /* 0..32, 0..128 */
};

/* "10.0.0.0/16", "2001:db8::/32"; bits behind the prefix are cleared.  1, or 0 when it is no block. */
int flowlog__cidr_parse(flowlog_str text, struct fl_cidr *cidr);

/* The block of `bits` bits around an address; as many as its family has at most. */
struct fl_cidr flowlog__cidr_of(const flowlog_addr *addr, unsigned bits);

/* Length of "2001:db8::/32" written, without the NUL. */
enum { FL_CIDR_TEXT_MAX = FLOWLOG_ADDR_TEXT_MAX + 4 };
size_t flowlog__cidr_format(const struct fl_cidr *cidr, char text[FL_CIDR_TEXT_MAX]);

int flowlog__cidr_has(const struct fl_cidr *cidr, const flowlog_addr *addr);
/* All of `inner` lies in `outer`. */
int flowlog__cidr_covers(const struct fl_cidr *outer, const struct fl_cidr *inner);
int flowlog__cidr_overlaps(const struct fl_cidr *a, const struct fl_cidr *b);
/* How many leading bits two addresses share; 0 for two families. */
unsigned flowlog__addr_common_bits(const flowlog_addr *a, const flowlog_addr *b);
/* RFC 1918, 100.64.0.0/10, 169.254.0.0/16, fc00::/7, fe80::/10. */
int flowlog__addr_is_private(const flowlog_addr *addr);

#endif
