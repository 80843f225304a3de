/* SPDX-License-Identifier: MIT */
/*
 * expr/output.h - expressions over the columns of a result: arithmetic for derived columns, conditions for having.
 *
 * Text is read with the lexer and the grammar of filters (bytes > 1M and not ...), plus + - * / and parentheses
 * around numbers.  Names and calls such as sum(bytes) or p99.9(bytes) are not understood here: the caller's
 * function turns each into the number of a column.
 */
#ifndef FL_EXPR_OUTPUT_H
#define FL_EXPR_OUTPUT_H

#include "flowlog/base.h"
#include "flowlog/value.h"

/* Opaque, immutable. */
struct fl_output;

/*
 * The column that text[0..len) names: a word, a word with a call's parentheses, either with "where CONDITION" behind
 * it, which goes on to a comma, to "as", to a parenthesis that was open before, or to the end.  Names may have '-' and
 * '/' in them: the longest is asked for first, and then what ends before the last of these signs and so on, so that a
 * call that fails must leave nothing behind; its `err` may be NULL.  Offsets in `err` count from the begin of the given
 * text; the parser moves them.
 */
typedef flowlog_status (*fl_output_resolve)(void *ctx, const char *text, size_t len, uint32_t *column,
                                            flowlog_error *err);

/*
 * A condition (`condition` 1) or a number (0).  `end` receives how many bytes were read: a number ends before a
 * comma, "as" or the end; a condition must take everything.
 */
flowlog_status flowlog__output_parse(const char *text, size_t len, int condition, fl_output_resolve resolve, void *ctx,
                                     const flowlog_alloc *alloc, struct fl_output **output, size_t *end,
                                     flowlog_error *err);
void flowlog__output_free(struct fl_output *output);

/* If the whole expression is one column and nothing else: its number; else -1. */
int64_t flowlog__output_column(const struct fl_output *output);

/* Bit c of columns[c / 64] is set for each column that it reads; `words` words. */
void flowlog__output_columns(const struct fl_output *output, uint64_t *columns, size_t words);

/* The same with every column c replaced by map[c]. */
void flowlog__output_renumber(struct fl_output *output, const uint32_t *map);

/*
 * The value for a row of columns: a DECIMAL, or for a whole number that fits U64, null where an operand is null or
 * there is no such number.  A condition gives U64 1 or 0.
 */
void flowlog__output_eval(const struct fl_output *output, const flowlog_value *columns, flowlog_value *value);

/*
 * Canonical form, column c written by `name(ctx, c)`: (fdiv a0 a1), (gt a1 50).  snprintf-like.
 */
size_t flowlog__output_print(const struct fl_output *output, const char *(*name)(void *ctx, uint32_t column), void *ctx,
                             char *text, size_t cap);

/* The same as text that flowlog__output_parse reads back, columns written by name. */
size_t flowlog__output_text(const struct fl_output *output, const char *(*name)(void *ctx, uint32_t column), void *ctx,
                            char *text, size_t cap);

#endif
