/* SPDX-License-Identifier: MIT */
/*
 * output/csv.c - text as CSV (RFC 4180): quoted where it holds a comma, a quote, CR or LF, with quotes
 * doubled.  An empty text is "", so that it differs from null, which is nothing.
 */
#include "output/writer.h"

FL_INLINE int special(char c) { return c == ',' || c == '"' || c == '\n' || c == '\r'; }

static void put_text(flowlog_writer *writer, const char *text, size_t len)
{
    int quote = len == 0;
    for (size_t i = 0; i < len; i++) quote |= special(text[i]);
    if (FL_LIKELY(!quote)) {
        fl_put(writer, text, len);
        return;
    }
    fl_put_char(writer, '"');
    while (len) {
        const char *q = memchr(text, '"', len);
        const size_t n = q ? (size_t)(q - text) + 1 : len;
        fl_put(writer, text, n);
        if (q) fl_put_char(writer, '"');
        text += n;
        len -= n;
    }
    fl_put_char(writer, '"');
}

const struct fl_form flowlog__form_csv = {"", 0, 0, 1, ',', put_text, NULL};
