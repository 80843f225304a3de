/* SPDX-License-Identifier: MIT */
/* text.h - text that grows. */
#ifndef COMMAND_TEXT_H
#define COMMAND_TEXT_H

#include <stddef.h>

#include "message.h"

struct text {
    char *ptr; /* NUL-terminated once something was added */
    size_t len, cap;
};

/* Ends the program when there is no memory: with status 2 and a message, like any failure. */
void text_add(struct text *text, const char *data, size_t len);
void text_print(struct text *text, const char *format, ...) PRINTF(2, 3);
void text_json(struct text *text, const char *data, size_t len); /* as a JSON string */
void text_free(struct text *text);

/* malloc and realloc that end the program in the same way. */
void *need_memory(void *p, size_t len);

#endif
