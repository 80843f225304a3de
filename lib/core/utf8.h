/* SPDX-License-Identifier: MIT */
/* core/utf8.h - where text is valid UTF-8 (RFC 3629) and where it is just bytes. */
#ifndef FL_CORE_UTF8_H
#define FL_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the valid sequence of 2 to 4 bytes that begins at p[0] >= 0x80, or 0 if there is none. */
static inline size_t fl_utf8_sequence(const uint8_t *p, size_t len)
{
    const uint8_t lead = p[0];
    /* The second byte says no to overlong forms, surrogates and what lies beyond U+10FFFF. */
    const uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    const size_t n = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (n == 0 || n > len || p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    return n;
}

#endif
