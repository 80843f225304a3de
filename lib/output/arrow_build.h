/* SPDX-License-Identifier: MIT */
/*
 * output/arrow_build.h - columns that grow by rows, and become the children of one struct array.
 *
 *     init, set each column, then: add rows; finish into an ArrowArray; add rows; ...; clear
 *
 * After E_MEMORY or E_LIMIT from an `add` the columns are of different lengths: only clear is then allowed.
 */
#ifndef FL_OUTPUT_ARROW_BUILD_H
#define FL_OUTPUT_ARROW_BUILD_H

#include "flowlog/arrow.h"
#include "output/arrow_text.h"

/* Offsets are int32_t: so many bytes of text in a column. */
#define FL_ARROW_TEXT_MAX ((size_t)INT32_MAX)

/* How values lie in the buffers of an array. */
enum fl_arrow_layout {
    FL_ARROW_FIXED,      /* as in the batch, `width` bytes each */
    FL_ARROW_ADDR,       /* 16 bytes, IPv4 mapped into IPv6 */
    FL_ARROW_DECIMAL,    /* 16 bytes: billionths as a number of 128 bits in the machine's byte order */
    FL_ARROW_TEXT,       /* offsets, and the text of whatever type */
    FL_ARROW_DICTIONARY, /* indices into different texts */
    FL_ARROW_LAYOUTS
};

struct fl_arrow_column {
    const char *name; /* borrowed */
    uint16_t field;   /* flowlog_field; 0: none */
    uint8_t type;     /* flowlog_type */
    uint8_t layout;   /* enum fl_arrow_layout */
    uint32_t width;   /* bytes of a value, of an offset, of an index */
    uint64_t nulls;
    struct fl_arrow_buffer valid;  /* a bit a row in words of the machine's byte order */
    struct fl_arrow_buffer values; /* values, offsets or indices */
    struct fl_arrow_buffer text;
    struct fl_arrow_dictionary dictionary;
};

struct fl_arrow_builder {
    flowlog_alloc alloc;
    uint32_t flags; /* FLOWLOG_ARROW_* */
    uint32_t columns;
    struct fl_arrow_column *column;
    size_t rows;     /* added since the last finish */
    size_t text_max; /* FL_ARROW_TEXT_MAX, or less in tests */
};

/* E_MEMORY.  The columns are then set one by one. */
flowlog_status flowlog__arrow_init(struct fl_arrow_builder *b, const flowlog_alloc *alloc, uint32_t flags,
                                   uint32_t columns);
void flowlog__arrow_clear(struct fl_arrow_builder *b);

/* `name` is borrowed; `field` 0 for columns of results, whose text is never a dictionary.  E_ARGUMENT: no such type. */
flowlog_status flowlog__arrow_set(struct fl_arrow_builder *b, uint32_t column, const char *name, uint32_t field,
                                  uint32_t type);

/*
 * Rows [first, first + rows) of a batch.  map[c]: which of its columns is column c here, -1 for nulls; NULL: they are
 * the same ones.  E_MEMORY, E_LIMIT.
 */
flowlog_status flowlog__arrow_add(struct fl_arrow_builder *b, const flowlog_batch *batch, const int32_t *map,
                                  uint32_t first, uint32_t rows);

/* How many of these rows can be added before a column has more than text_max bytes of text. */
uint32_t flowlog__arrow_fit(const struct fl_arrow_builder *b, const flowlog_batch *batch, const int32_t *map,
                            uint32_t first, uint32_t rows);

/* One row of a result.  E_MEMORY, E_LIMIT. */
flowlog_status flowlog__arrow_add_result(struct fl_arrow_builder *b, const flowlog_result *result, uint64_t row);

/* 1 if a row of the result, added now, would make a column longer than text_max. */
int flowlog__arrow_is_full(const struct fl_arrow_builder *b);

/* The rows so far as one array, moved into it; the builder has none then.  On E_MEMORY it keeps them. */
flowlog_status flowlog__arrow_finish(struct fl_arrow_builder *b, struct ArrowArray *array);

/* The schema of those arrays.  E_MEMORY. */
flowlog_status flowlog__arrow_schema(const struct fl_arrow_builder *b, struct ArrowSchema *schema);

#endif
