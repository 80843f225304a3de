/* SPDX-License-Identifier: MIT */
/* schema/ascii.h - letters and blanks of ASCII, whatever the locale says. */
#ifndef FL_SCHEMA_ASCII_H
#define FL_SCHEMA_ASCII_H

#include <stddef.h>

#include "core/compiler.h"

FL_INLINE int fl_ascii_is_upper(char c) { return c >= 'A' && c <= 'Z'; }
FL_INLINE int fl_ascii_is_digit(char c) { return c >= '0' && c <= '9'; }
FL_INLINE char fl_ascii_lower(char c) { return fl_ascii_is_upper(c) ? (char)(c | 0x20) : c; }
FL_INLINE int fl_ascii_is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
FL_INLINE int fl_ascii_is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }
/* '-' and '_' stand for each other in names. */
FL_INLINE int fl_ascii_is_hyphen(char c) { return c == '-' || c == '_'; }

#endif
