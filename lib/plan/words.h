/* SPDX-License-Identifier: MIT */
/* plan/words.h - words of the text of keys and columns. */
#ifndef FL_PLAN_WORDS_H
#define FL_PLAN_WORDS_H

#include <string.h>

#include "core/error.h"
#include "schema/ascii.h"

FL_INLINE size_t fl_skip_blanks(const char *text, size_t at, size_t end)
{
    while (at < end && fl_ascii_is_blank(text[at])) at++;
    return at;
}

/* What ends a word: blanks, and the signs of the languages of keys and columns. */
FL_INLINE int fl_ends_word(char c)
{
    return (unsigned char)c <= 0x20 || c == 0x7F || strchr(",()/+*<>=!&|[]{}$", c) != NULL;
}

FL_INLINE size_t fl_word_end(const char *text, size_t at, size_t end)
{
    while (at < end && !fl_ends_word(text[at])) at++;
    return at;
}

/* 1 if text[0..len) is `word`, which is in small letters, in any case. */
FL_INLINE int fl_is_word(const char *text, size_t len, const char *word)
{
    size_t i = 0;
    while (i < len && word[i] && fl_ascii_lower(text[i]) == word[i]) i++;
    return i == len && !word[i];
}

/* An error at a place of the text: offset, and column counted from 1. */
#define FL_FAIL_AT(err, status, at, ...) \
    flowlog__fail_at((err), (status), (at), 0, (uint32_t)(at) + 1, __VA_ARGS__)

/* What a parser of text[by..) said, in places of the whole text. */
FL_INLINE flowlog_status fl_shift(flowlog_status status, flowlog_error *err, size_t by)
{
    if (status < 0 && err && err->column) {
        err->offset += by;
        err->column += (uint32_t)by;
    }
    return status;
}

#endif
