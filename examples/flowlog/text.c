/* SPDX-License-Identifier: MIT */
/* text.c - text that grows. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlog.h"

void *need_memory(void *p, size_t len)
{
    void *const q = realloc(p, len ? len : 1);
    if (q) return q;
    message_error("out of memory");
    exit(STATUS_FAILED);
}

static void reserve(struct text *text, size_t len)
{
    if (text->cap - text->len > len) return;
    text->cap = (text->len + len + 1) * 2;
    text->ptr = need_memory(text->ptr, text->cap);
}

void text_add(struct text *text, const char *data, size_t len)
{
    reserve(text, len);
    memcpy(text->ptr + text->len, data, len);
    text->ptr[text->len += len] = '\0';
}

void text_print(struct text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    if (len > 0) {
        reserve(text, (size_t)len);
        vsnprintf(text->ptr + text->len, (size_t)len + 1, format, again);
        text->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

void text_json(struct text *text, const char *data, size_t len)
{
    reserve(text, len * 6 + 2);
    text->len += flowlog_json_quote(data, len, text->ptr + text->len, text->cap - text->len);
}

void text_free(struct text *text)
{
    free(text->ptr);
    *text = (struct text){NULL, 0, 0};
}
