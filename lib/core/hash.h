/* SPDX-License-Identifier: MIT */
/* core/hash.h - mixing of words and bytes for hash tables.  The same on every machine and run. */
#ifndef FL_CORE_HASH_H
#define FL_CORE_HASH_H

#include <stddef.h>

#include "core/bytes.h"

/* Multiply and fold: every input bit reaches every output bit of the middle; constants are odd, random. */
FL_INLINE uint64_t fl_hash_u64(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio */
    x ^= x >> 29;
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    return x ^ x >> 32;
}

FL_INLINE uint64_t fl_hash_bytes(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t h = (uint64_t)len * UINT64_C(0x9E3779B97F4A7C15);
    for (; len >= 8; p += 8, len -= 8) h = fl_hash_u64(h ^ fl_load64(p));
    if (len) {
        uint64_t tail = 0;
        for (size_t i = 0; i < len; i++) tail |= (uint64_t)p[i] << (8 * i);
        h = fl_hash_u64(h ^ tail);
    }
    return h;
}

#endif
