/* SPDX-License-Identifier: MIT */
/*
 * agg/key.h - the keys of a row as something that can be hashed and compared.
 *
 * A key has one of two forms, and which one depends on its values alone, so that equal keys always have
 * the same form:
 *
 *   packed   all key columns side by side in one 64-bit word: IPv4 addresses in 32 bits, ports in 16,
 *            other small numbers and known tokens in 8, large numbers in 40.  For plans whose columns fit,
 *            and rows whose values do.
 *   long     a run of 64-bit words, for everything else: IPv6, text, unknown tokens, nulls, large values.
 *
 * The long form has for each key column, in order, a word whose lowest byte is a tag, with a value in the
 * other 56 bits, and what follows from it.  It is read back from left to right, so two keys with the same
 * words are equal.  Whole words only: bytes written and then read as words across them would stall.
 *
 *   null                 0
 *   U32 U64 TIME         1, the value; or, from 2^56 on, 2 and a word: the value
 *   ADDR                 4, the IPv4 address as a number; or 6 and two words: 16 bytes in network order
 *   ENUM of a code       1, the code
 *   ENUM OTHER, TEXT     3, the length, and words: the bytes, filled up with zeros
 */
#ifndef FL_AGG_KEY_H
#define FL_AGG_KEY_H

#include "core/hash.h"
#include "flowlog/batch.h"

enum { FL_KEYS_MAX = 16, FL_CHUNK = 64 /* rows handled together: one word of a validity bitmap */ };

struct fl_key {
    uint32_t column; /* in the batches */
    uint16_t field;  /* flowlog_field, 0: unknown */
    uint8_t type;    /* flowlog_type */
    uint8_t bits;    /* of the packed form */
    uint8_t shift;
};

struct fl_keys {
    uint32_t count;
    uint32_t packed_bits; /* of all columns; more than 64: never packed */
    struct fl_key key[FL_KEYS_MAX];
};

/* A key wherever it is kept: in `word`, or in words[0 .. ) when that is not NULL. */
struct fl_key_ref {
    uint64_t word;
    const uint64_t *words;
};

/* Fill in bits, shift and packed_bits from type and field. */
void flowlog__keys_layout(struct fl_keys *keys);

/*
 * The packed keys of `n` rows (at most FL_CHUNK) from `first` on.  Returns 1 when all of them fit; else odd[i] is
 * not 0 for those that do not, whose packed[i] means nothing.
 */
int flowlog__keys_pack(const struct fl_keys *keys, const flowlog_batch *batch, uint32_t first, uint32_t n,
                       uint64_t *packed, uint8_t *odd);

/*
 * Most words that the long keys of rows[0..n) take when they are written one after the other; then write
 * one, and return how many words it has.
 */
size_t flowlog__keys_long_max(const struct fl_keys *keys, const flowlog_batch *batch, const uint32_t *rows,
                              uint32_t n);
size_t flowlog__keys_long(const struct fl_keys *keys, const flowlog_batch *batch, uint32_t row,
                          uint64_t *words);

/* Key column k of a key; text points into ref.words or is static. */
void flowlog__keys_value(const struct fl_keys *keys, struct fl_key_ref ref, uint32_t k, flowlog_value *value);

/* Negative, zero or positive: null, then by value; addresses by family, tokens and text by bytes. */
int flowlog__value_compare(const flowlog_value *a, const flowlog_value *b);

FL_INLINE uint64_t fl_key_hash(const uint64_t *words, size_t n, uint64_t seed)
{
    uint64_t h = seed;
    for (size_t i = 0; i < n; i++) h = fl_hash_u64(h ^ words[i]);
    return h;
}

#endif
