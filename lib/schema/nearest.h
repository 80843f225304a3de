/* SPDX-License-Identifier: MIT */
/* schema/nearest.h - "did you mean": the name that a misspelt word is closest to. */
#ifndef FL_SCHEMA_NEAREST_H
#define FL_SCHEMA_NEAREST_H

#include <stddef.h>

/* The best candidate so far; begin with {NULL, 0}. */
struct fl_nearest {
    const char *name;
    size_t distance;
};

/* Keep `name` if it is closer to word[0..len) than what is kept, and close enough: a third of the letters. */
void flowlog__nearest_consider(struct fl_nearest *best, const char *word, size_t len, const char *name);

/* The name of a catalogue field that is close to the word, or NULL.  Static. */
const char *flowlog__nearest_field(const char *word, size_t len);

#endif
