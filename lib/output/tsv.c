/* SPDX-License-Identifier: MIT */
/* output/tsv.c - text between tabs: tab, LF, CR and backslash are \t \n \r \\, so that a row is a line. */
#include "output/writer.h"

FL_INLINE char letter_of(char c)
{
    return c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\\' ? '\\' : '\0';
}

static void put_text(flowlog_writer *writer, const char *text, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        const char letter = letter_of(text[i]);
        if (FL_LIKELY(!letter)) continue;
        fl_put(writer, text + from, i - from);
        fl_put_char(writer, '\\');
        fl_put_char(writer, letter);
        from = i + 1;
    }
    fl_put(writer, text + from, len - from);
}

const struct fl_form flowlog__form_tsv = {"", 0, 0, 1, '\t', put_text, NULL};
