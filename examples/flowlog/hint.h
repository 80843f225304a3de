/* SPDX-License-Identifier: MIT */
/* hint.h - "did you mean": the name that a misspelt one is nearest to. */
#ifndef COMMAND_HINT_H
#define COMMAND_HINT_H

#include <stddef.h>

/* The nearest of `names` (ended by NULL) to text[0..len), or NULL if none is near. */
const char *hint_name(const char *text, size_t len, const char *const *names);

/* The same over the field catalogue. */
const char *hint_field(const char *text, size_t len);

#endif
