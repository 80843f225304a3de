/* SPDX-License-Identifier: MIT */
/*
 * decode/column.h - one field of many rows to a typed column: the kernels for the common shape of a token,
 * and one exact, slow function for everything else.
 */
#ifndef FL_DECODE_COLUMN_H
#define FL_DECODE_COLUMN_H

#include "flowlog/batch.h"
#include "simd/kernels.h"

/* How a field is decoded; made once for a field by flowlog__decoder_init. */
typedef struct fl_decoder {
    uint16_t field; /* flowlog_field, or 0 */
    uint8_t type;   /* flowlog_type */
    uint64_t max;   /* largest number allowed */
    size_t tokens;  /* ENUM: tokens of at most 8 bytes that the kernel looks for */
    fl_token token[FL_TOKENS_MAX];
} fl_decoder;

void flowlog__decoder_init(fl_decoder *decoder, uint32_t field, uint32_t type);

/* Room for a column of so many rows; see flowlog_column for what each type uses. */
typedef struct fl_column {
    void *values;
    uint8_t *family;
    uint8_t (*wide)[16];
    flowlog_span *spans;
    uint64_t *valid;
} fl_column;

/* Bytes of room for `rows` rows of a type, and its division among the members of *column. */
size_t flowlog__column_bytes(uint32_t type, size_t rows);
void flowlog__column_place(fl_column *column, uint32_t type, size_t rows, void *room);

/* A column of nulls, for files that lack a field. */
void flowlog__column_clear(fl_column *column, uint32_t type, size_t rows);

/* What one slow token turned out to be. */
typedef enum fl_verdict { FL_VALUE, FL_NULL, FL_BAD_NUMBER, FL_BAD_ADDRESS } fl_verdict;

/* One token, exactly: the specification of decoding.  *ms becomes 1 if a time was in milliseconds. */
fl_verdict flowlog__decode_token(const fl_decoder *decoder, const uint8_t *p, size_t len, flowlog_value *value,
                                 int *ms);

/*
 * Decode column `index` of `rows`.  `todo` is scratch of the size of a bitmap.  Rows that cannot be decoded
 * get their bit in `bad` (never cleared here); the result is 1 if there are such.  *ms_times is increased by the
 * times that were milliseconds.
 */
int flowlog__decode_column(const fl_kernels *k, const fl_decoder *decoder, const fl_rows *rows, size_t index,
                           fl_column *column, uint64_t *todo, uint64_t *bad, uint64_t *ms_times);

#endif
