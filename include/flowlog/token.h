/* SPDX-License-Identifier: MIT */
/*
 * flowlog/token.h - the zero-copy tokenizer: a block of text to the positions of its fields.
 *
 * Takes  any memory, (pointer, length).  No padding and no terminator are asked for, nothing outside is
 *        read, nothing is copied.
 * Gives  offsets into that memory.
 * Next   reader.h does all of this for you and decodes; use this header to build something else.
 */
#ifndef FLOWLOG_TOKEN_H
#define FLOWLOG_TOKEN_H

#include "flowlog/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A piece of text by its place: text[offset .. offset + len). */
typedef struct flowlog_span {
    uint32_t offset;
    uint32_t len;
} flowlog_span;

/**
 * Count the lines of a block: its newlines, and one more when it does not end in one.
 *
 * Errors     E_ARGUMENT, E_UNSUPPORTED (see flowlog_simd_name).
 * Cost       one pass at the speed of memory.
 */
FLOWLOG_API flowlog_status flowlog_count_lines(const char *text, size_t len, uint64_t *lines);

/**
 * Where fields end: the offsets of every byte that can be no part of a field (0x00 to 0x20, 0x7F),
 * in rising order.  In a well-formed block these are the spaces and newlines only, and field k of a line
 * lies between two neighbours.
 *
 * Works until the block ends or `ends` might not hold what the next 64 bytes give: *used says how far it
 * came; call again from there (offsets are relative to `text` of each call).  Blocks beyond 4 GiB are
 * taken in parts in the same way.  `cap` must be at least 64.
 *
 * Errors     E_ARGUMENT, E_UNSUPPORTED.
 */
FLOWLOG_API flowlog_status flowlog_tokenize(const char *text, size_t len, uint32_t *ends, size_t cap,
                                            size_t *count, size_t *used);

/**
 * Split one line (with or without its newline) into fields: between single spaces when that gives
 * `expected` fields, else between runs of blanks and tabs, as AWS's own documentation has one line.
 * A carriage return at the end and blanks at both ends are no part of a field.
 *
 * `expected` 0 takes runs as one separator.  *count is the number of fields, also when it exceeds
 * `cap`; the first `cap` are written.
 *
 * Errors     E_ARGUMENT; E_MALFORMED for a control character, with its offset in *err.
 */
FLOWLOG_API flowlog_status flowlog_split_line(const char *line, size_t len, uint32_t expected,
                                              flowlog_span *fields, size_t cap, size_t *count,
                                              flowlog_error *err);

#ifdef __cplusplus
}
#endif
#endif
