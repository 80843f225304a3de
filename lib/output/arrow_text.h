/* SPDX-License-Identifier: MIT */
/*
 * output/arrow_text.h - memory that an Arrow array takes over, text as UTF-8 in it, and dictionaries of texts.
 *
 * Every function that says so returns FLOWLOG_E_MEMORY and leaves what was there.
 */
#ifndef FL_OUTPUT_ARROW_TEXT_H
#define FL_OUTPUT_ARROW_TEXT_H

#include <string.h>

#include "core/compiler.h"
#include "flowlog/base.h"

/* Bytes that grow.  Their capacity is a multiple of this, as Arrow recommends for the length of a buffer. */
#define FL_ARROW_PADDING ((size_t)64)

struct fl_arrow_buffer {
    uint8_t *p;
    size_t len, cap;
    size_t hint; /* what the last array needed, for the next one */
};

/* Slow path of fl_arrow_room. */
void *flowlog__arrow_grow(struct fl_arrow_buffer *b, const flowlog_alloc *alloc, size_t more);

/* Room for `more` bytes behind the `len` that are there; add to `len` what was written.  NULL: no memory. */
FL_INLINE void *fl_arrow_room(struct fl_arrow_buffer *b, const flowlog_alloc *alloc, size_t more)
{
    return FL_LIKELY(b->p && b->cap - b->len >= more) ? b->p + b->len : flowlog__arrow_grow(b, alloc, more);
}

void flowlog__arrow_drop(struct fl_arrow_buffer *b, const flowlog_alloc *alloc);

/* Append text; a byte that is part of no valid UTF-8 becomes the character of its number.  E_MEMORY. */
flowlog_status flowlog__arrow_put_text(struct fl_arrow_buffer *b, const flowlog_alloc *alloc, const char *text,
                                       size_t len);

/* Different texts in the order in which they were first met. */
struct fl_arrow_dictionary {
    struct fl_arrow_buffer offsets, text; /* int32_t[count + 1], and the texts one after the other */
    uint32_t count;
    uint32_t known; /* the first texts, which are the tokens of an enumeration by code - 1 */
    uint32_t last;  /* the one found last: often the next one too */
    uint64_t last_hash;
    uint64_t *slot; /* a hash of 32 bits above the number of a text + 1; 0: free */
    size_t slots;   /* 0, or a power of two above the count */
    struct fl_arrow_buffer scratch; /* a text made UTF-8 */
};

/* A text that is ASCII and not there yet: it is not looked for, nor found later.  E_MEMORY. */
flowlog_status flowlog__dictionary_append(struct fl_arrow_dictionary *d, const flowlog_alloc *alloc,
                                          const char *text, size_t len);

/* The number of a text.  E_MEMORY, E_LIMIT (more than 2^31 - 1 bytes of text). */
flowlog_status flowlog__dictionary_find(struct fl_arrow_dictionary *d, const flowlog_alloc *alloc, const char *text,
                                        size_t len, uint32_t *index);

/* No text is there, once the two buffers have been taken over; the table is kept. */
void flowlog__dictionary_reset(struct fl_arrow_dictionary *d);
void flowlog__dictionary_clear(struct fl_arrow_dictionary *d, const flowlog_alloc *alloc);

#endif
