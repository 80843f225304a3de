/* SPDX-License-Identifier: MIT */
/*
 * simd/tables.h - constant tables of the vector kernels.
 *
 * The shape of a dotted quad is where its three dots and its end are.  As a mask (bit i: a dot, or the
 * end, at i) there are 81 of them, and (mask * FL_IPV4_HASH) >> 24 in 32 bits tells them apart.
 */
#ifndef FL_SIMD_TABLES_H
#define FL_SIMD_TABLES_H

#include <stdint.h>

#define FL_IPV4_SHAPES 256
#define FL_IPV4_HASH 2932496063u /* found by trying odd random multipliers until no two shapes collide */

struct fl_ipv4_shape {
    uint8_t shuffle[16]; /* places of the digits, last octet first: each 0x80 x (4 - n), then its n digits */
    uint8_t least[4];    /* smallest octet of so many digits (0, 10, 100): rules out leading zeros */
    uint16_t mask;       /* the shape; 0 in unused rows */
    uint8_t pad[10];     /* to 32 bytes: a row's place is a shift away */
};

extern const struct fl_ipv4_shape flowlog__ipv4_shapes[FL_IPV4_SHAPES];

/* Row m: the places of the set bits of m, rising, filled up with zeros. */
extern const uint8_t flowlog__bit_places[256][8];

#endif
