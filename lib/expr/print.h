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
/* Ends the text with NUL; its whole length. */
size_t flowlog__sink_end(struct fl_sink *s);

/* Range i of a set of addresses: family, from (high, low), to (high, low). */
void flowlog__set_range(const uint64_t *set, uint32_t i, uint32_t *family, uint64_t r[4]);

#endif
