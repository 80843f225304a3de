/* SPDX-License-Identifier: MIT */
/* expr/print.h - text into a buffer that may be too small, as snprintf does. */
#ifndef FL_EXPR_PRINT_H
#define FL_EXPR_PRINT_H

#include <stddef.h>
#include <stdint.h>

struct fl_sink {
    char *text;
    size_t cap, len; /* len goes on beyond cap */
};

void flowlog__sink_put(struct fl_sink *s, const char *text, size_t len);
void flowlog__sink_text(struct fl_sink *s, const char *text);
void flowlog__sink_number(struct fl_sink *s, uint64_t v);
/* 1.5: without zeros at its end. */
enum { FL_DECIMAL_TEXT = 32 }; /* 20 digits, a point, 9 digits, a NUL */
void flowlog__sink_decimal(struct fl_sink *s, uint64_t whole, uint32_t billionths);
/* Ends the text with NUL; its whole length. */
size_t flowlog__sink_end(struct fl_sink *s);

/* 10.0.0.1, 10.0.0.0/8 or 10.0.0.1-10.0.0.9: from (high, low), to (high, low). */
void flowlog__sink_range(struct fl_sink *s, uint32_t family, const uint64_t r[4]);

/* "is-null" of FL_OP_IS_NULL. */
const char *flowlog__op_name(unsigned op);

/* Range i of a set of addresses: family, from (high, low), to (high, low). */
void flowlog__set_range(const uint64_t *set, uint32_t i, uint32_t *family, uint64_t r[4]);

#endif
