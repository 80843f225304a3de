/* SPDX-License-Identifier: MIT */
/* decode/tokenize.h - small questions about one line of text. */
#ifndef FL_DECODE_TOKENIZE_H
#define FL_DECODE_TOKENIZE_H

#include <stddef.h>
#include <stdint.h>

/* A byte that may be no part of a field. */
static inline int fl_is_end(uint8_t c) { return c <= 0x20 || c == 0x7F; }
static inline int fl_is_gap(uint8_t c) { return c == ' ' || c == '\t'; }

/* Move *start and *end inwards over blanks and tabs, and over one CR (with its LF) at the end. */
void flowlog__trim_line(const uint8_t *p, size_t *start, size_t *end);

#endif
